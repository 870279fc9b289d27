/**
 * A set that is also a packed array: constant time to add, remove, test and pick by index. Removing moves the
 * last element into the gap, which is deterministic, so that runs repeat.
 */
export class PackedSet<T> {
  readonly #items: T[] = [];
  readonly #indexOf = new Map<T, number>();

  get items(): readonly T[] {
    return this.#items;
  }
  get size(): number {
    return this.#items.length;
  }
  has(item: T): boolean {
    return this.#indexOf.has(item);
  }

  /** False if it was there already. */
  add(item: T): boolean {
    if (this.#indexOf.has(item)) return false;
    this.#indexOf.set(item, this.#items.length);
    this.#items.push(item);
    return true;
  }

  /** False if it was not there. */
  delete(item: T): boolean {
    const index = this.#indexOf.get(item);
    if (index === undefined) return false;
    const last = this.#items.pop()!;
    this.#indexOf.delete(item);
    if (last !== item) {
      this.#items[index] = last;
      this.#indexOf.set(last, index);
    }
    return true;
  }
}
