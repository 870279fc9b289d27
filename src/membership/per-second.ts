import type { Millis } from "../core/index.ts";

const windowMs = 1000;

/** Counts what others make us do, and says when it was enough for this second. */
export class PerSecond<What extends string> {
  readonly #limits: Readonly<Record<What, number>>;
  readonly #counts = new Map<What, number>();
  #from: Millis = 0;

  constructor(limits: Readonly<Record<What, number>>) {
    this.#limits = limits;
  }

  /** True if it may be done once more; then it is counted. */
  allows(what: What, now: Millis): boolean {
    if (now >= this.#from + windowMs || now < this.#from) {
      this.#from = now;
      this.#counts.clear();
    }
    const count = this.#counts.get(what) ?? 0;
    if (count >= this.#limits[what]) return false;
    this.#counts.set(what, count + 1);
    return true;
  }
}
