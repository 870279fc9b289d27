/**
 * One of many with given weights in constant time: the alias method (Walker 1977; Vose 1991, "A linear algorithm for
 * generating random numbers with a given distribution"). Each of n columns holds a share of one outcome and the rest of
 * another: draw a column, then which of its two.
 */
import { type Random, UsageError } from "../core/index.ts";

export class WeightedChoice {
  readonly #share: Float64Array;
  readonly #other: Uint32Array;

  /** Weights need not sum to anything. Throws `UsageError` unless they are finite, none is negative, and one is not 0. */
  constructor(weights: ArrayLike<number>) {
    const count = weights.length;
    let total = 0;
    for (let i = 0; i < count; i++) {
      if (!(weights[i]! >= 0)) throw new UsageError(`weights: ${weights[i]} is not a number of at least 0`);
      total += weights[i]!;
    }
    if (!(total > 0 && total < Infinity)) throw new UsageError(`weights: their sum ${total} is not above 0`);
    this.#share = Float64Array.from({ length: count }, (_, i) => (weights[i]! / total) * count);
    this.#other = Uint32Array.from({ length: count }, (_, i) => i);
    this.#fill();
  }

  /** Its place among the weights. The die has 32 bits: shares are exact to some 2^-32 of a column. */
  choose(random: Random): number {
    const column = random.below(this.#share.length);
    return random.unit() < this.#share[column]! ? column : this.#other[column]!;
  }

  /** Columns that have too little are filled by those that have too much. */
  #fill(): void {
    const share = this.#share;
    const small: number[] = [];
    const large: number[] = [];
    for (let i = 0; i < share.length; i++) (share[i]! < 1 ? small : large).push(i);
    while (small.length > 0 && large.length > 0) {
      const poor = small.pop()!;
      const rich = large.at(-1)!;
      this.#other[poor] = rich;
      share[rich]! -= 1 - share[poor]!;
      if (share[rich]! < 1) small.push(large.pop()!);
    }
    // What is left is full, but for rounding.
    for (const full of [...small, ...large]) share[full] = 1;
  }
}
