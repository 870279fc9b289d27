/**
 * The lines of all nodes in one direction: each passes so many bytes per second, one message after the other.
 *
 * A line is one number, the time at which it will be free. That is a queue of fluid: exact for messages that come in
 * the order in which they are asked about.
 */
export class AccessLines {
  readonly #bytesPerSecond: Float64Array;
  /** Rows whose rate was set for them alone. */
  readonly #isOwn: Uint8Array;
  /** Fractions of milliseconds count, or small messages would be free or far too slow. */
  readonly #freeAt: Float64Array;

  constructor(rows: number) {
    this.#bytesPerSecond = new Float64Array(rows);
    this.#isOwn = new Uint8Array(rows);
    this.#freeAt = new Float64Array(rows);
  }

  /** For all nodes that have no rate of their own. 0 is without limit. */
  setAll(bytesPerSecond: number): void {
    for (let row = 0; row < this.#isOwn.length; row++) {
      if (!this.#isOwn[row]) this.#bytesPerSecond[row] = bytesPerSecond;
    }
  }

  setOne(row: number, bytesPerSecond: number): void {
    this.#bytesPerSecond[row] = bytesPerSecond;
    this.#isOwn[row] = 1;
  }

  /** Milliseconds until the message has passed, or -1 if it would wait for longer than `maxQueueMs` before its turn. */
  take(row: number, bytes: number, now: number, maxQueueMs: number): number {
    const rate = this.#bytesPerSecond[row]!;
    if (rate === 0) return 0;
    const begin = Math.max(now, this.#freeAt[row]!);
    if (begin - now > maxQueueMs) return -1;
    const end = begin + (bytes * 1000) / rate;
    this.#freeAt[row] = end;
    return end - now;
  }
}
