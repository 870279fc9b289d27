/**
 * Newcomers that have not proven themselves: a bounded number, each for a bounded time. All wait equally long, so
 * insertion order is also the order of deadlines and one timer serves them all.
 */
export class PendingSet<T> {
  readonly #deadlines = new Map<T, number>();
  readonly #limit: number;
  readonly #timeoutMs: number;
  readonly #onDrop: (item: T, reason: "timeout" | "too-many-pending") => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    { limit, timeoutMs }: { limit: number; timeoutMs: number },
    onDrop: (item: T, reason: "timeout" | "too-many-pending") => void,
  ) {
    this.#limit = limit;
    this.#timeoutMs = timeoutMs;
    this.#onDrop = onDrop;
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /** May drop the oldest. */
  add(item: T): void {
    this.#deadlines.set(item, performance.now() + this.#timeoutMs);
    if (this.#deadlines.size > this.#limit) {
      const oldest = this.#deadlines.keys().next().value as T;
      this.#deadlines.delete(oldest);
      this.#onDrop(oldest, "too-many-pending");
    }
    this.#timer ??= setTimeout(this.#expire, this.#timeoutMs).unref();
  }

  /** False if it was not there (any more). */
  delete(item: T): boolean {
    return this.#deadlines.delete(item);
  }

  /** Hands over everything that is left and stops the timer. */
  clear(): T[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const items = [...this.#deadlines.keys()];
    this.#deadlines.clear();
    return items;
  }

  readonly #expire = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (const [item, deadline] of this.#deadlines) {
      if (deadline > now) {
        this.#timer = setTimeout(this.#expire, Math.ceil(deadline - now)).unref();
        return;
      }
      this.#deadlines.delete(item);
      this.#onDrop(item, "timeout");
    }
  };
}
