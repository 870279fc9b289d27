/** Objects by small numbers, for an agenda that holds only numbers. */
export class Slab<T> {
  readonly #items: (T | undefined)[] = [];
  readonly #free: number[] = [];

  /** How many objects there are. */
  get size(): number {
    return this.#items.length - this.#free.length;
  }

  put(item: T): number {
    const index = this.#free.pop() ?? this.#items.length;
    this.#items[index] = item;
    return index;
  }

  peek(index: number): T {
    return this.#items[index]!;
  }

  take(index: number): T {
    const item = this.#items[index]!;
    this.#items[index] = undefined;
    this.#free.push(index);
    return item;
  }
}
