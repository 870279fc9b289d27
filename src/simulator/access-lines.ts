/**
 * The lines of all nodes in one direction: each passes so many bytes per second, one message after the other.
 *
 * A line is one number, the time at which it will be free. That is a queue of fluid: exact for messages that come in
 * the order in which they are asked about.
 */
export class AccessLines {
  /**
   * For each row its rate in bytes per second and the time at which it is free, side by side: they are read together.
   * Fractions of milliseconds count, or small messages would be free or far too slow.
   */
  readonly #lines: Float64Array;
  /** Rows whose rate was set for them alone. */
  readonly #isOwn: Uint8Array;

  constructor(rows: number) {
    this.#lines = new Float64Array(2 * rows);
    this.#isOwn = new Uint8Array(rows);
  }

  /** For all nodes that have no rate of their own. 0 is without limit. What waits already, waits as long as before. */
  setAll(bytesPerSecond: number): void {
    for (let row = 0; row < this.#isOwn.length; row++) {
      if (!this.#isOwn[row]) this.#lines[2 * row] = bytesPerSecond;
    }
  }

  setOne(row: number, bytesPerSecond: number): void {
    this.#lines[2 * row] = bytesPerSecond;
    this.#isOwn[row] = 1;
  }

  /**
   * Milliseconds until the message has passed, rounded up, or -1 if it would wait for longer than `maxQueueMs` before
   * its turn.
   */
  take(row: number, bytes: number, now: number, maxQueueMs: number): number {
    const bytesPerSecond = this.#lines[2 * row]!;
    if (bytesPerSecond === 0) return 0;
    const begin = Math.max(now, this.#lines[2 * row + 1]!);
    if (begin - now > maxQueueMs) return -1;
    const end = begin + (bytes * 1000) / bytesPerSecond;
    this.#lines[2 * row + 1] = end;
    return Math.ceil(end - now);
  }
}
