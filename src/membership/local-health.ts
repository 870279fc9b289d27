/**
 * Lifeguard's local health (Dadgar, Phillips, Currey 2017, 3.1): how much this node may trust its own judgement. It
 * grows when answers fail to come that should have come, when others doubt us, and when our own event loop stood still;
 * it shrinks with each answer. Whoever is in bad health gives everybody more time.
 */
export class LocalHealth {
  readonly #max: number;
  #score = 0;

  /** Intervals and time-outs grow to at most `maxMultiplier` times; 1: never. */
  constructor(maxMultiplier: number) {
    this.#max = maxMultiplier - 1;
  }

  /** 0 is healthy. */
  get score(): number {
    return this.#score;
  }
  get multiplier(): number {
    return this.#score + 1;
  }

  /** True if that changed the score. */
  change(by: number): boolean {
    const before = this.#score;
    this.#score = Math.min(this.#max, Math.max(0, before + by));
    return this.#score !== before;
  }
}
