import { studentQuantile } from "./student-t.ts";

/** What is left of a set of numbers: enough to go on adding, and to be sent to another thread. */
export interface MomentsState {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared distances from the mean. */
  readonly squares: number;
  readonly min: number;
  readonly max: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Count, mean, variance and extremes of numbers that come one by one (Welford 1962) or in groups (Chan, Golub and
 * LeVeque 1979). The sum of squares minus the square of the sum is never formed: for values that are large beside
 * their spread it loses every digit, and then variances are zero or below.
 */
export class Moments {
  #count = 0;
  #mean = 0;
  #squares = 0;
  #min = Infinity;
  #max = -Infinity;

  static of(values: Iterable<number>): Moments {
    const moments = new Moments();
    for (const value of values) moments.add(value);
    return moments;
  }

  static from(state: MomentsState): Moments {
    const moments = new Moments();
    moments.#count = state.count;
    if (state.count === 0) return moments;
    moments.#mean = state.mean;
    moments.#squares = state.squares;
    moments.#min = state.min;
    moments.#max = state.max;
    return moments;
  }

  get count(): number {
    return this.#count;
  }
  /** NaN without values, as are the extremes. */
  get mean(): number {
    return this.#count === 0 ? Number.NaN : this.#mean;
  }
  get min(): number {
    return this.#count === 0 ? Number.NaN : this.#min;
  }
  get max(): number {
    return this.#count === 0 ? Number.NaN : this.#max;
  }
  /** Of the population that the values were drawn from (divided by count - 1); NaN for fewer than two. */
  get variance(): number {
    return this.#count < 2 ? Number.NaN : this.#squares / (this.#count - 1);
  }
  get standardDeviation(): number {
    return Math.sqrt(this.variance);
  }
  /** Of the mean. */
  get standardError(): number {
    return Math.sqrt(this.variance / this.#count);
  }

  add(value: number): void {
    this.#count++;
    const distance = value - this.#mean;
    this.#mean += distance / this.#count;
    this.#squares += distance * (value - this.#mean);
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** Adds all values that the other one has seen. */
  merge(other: Moments): void {
    if (other.#count === 0) return;
    const count = this.#count + other.#count;
    const distance = other.#mean - this.#mean;
    this.#mean += (distance * other.#count) / count;
    this.#squares += other.#squares + (distance * distance * this.#count * other.#count) / count;
    this.#count = count;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /**
   * Where the true mean lies in `level` of all such samples, by Student's t: exact for normal values, good for means
   * of some dozens of anything that is not wild. Fewer than two values leave it anywhere.
   */
  confidenceInterval(level = 0.95): Interval {
    if (this.#count < 2) return { low: -Infinity, high: Infinity };
    const reach = studentQuantile(level, this.#count - 1) * this.standardError;
    return { low: this.#mean - reach, high: this.#mean + reach };
  }

  toJSON(): MomentsState {
    return { count: this.#count, mean: this.mean, squares: this.#squares, min: this.min, max: this.max };
  }
}
