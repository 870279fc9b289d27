import { UsageError } from "./errors.ts";

/** `count` values from `low` to `high`, both included. */
export interface Bucket {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** Values below this have buckets of their own; above, an octave has half as many buckets. */
const EXACT = 128;
const PER_OCTAVE = EXACT / 2;
const OCTAVE_BITS = 6;
const LARGEST_SHIFT = 53 - 1 - OCTAVE_BITS;
const BUCKETS = LARGEST_SHIFT * PER_OCTAVE + EXACT;

/**
 * How often which non-negative integer came, in buckets whose width grows with the value (as in HdrHistogram): exact
 * below 128, and never wrong by more than 1/128 of the value above. 24 KiB, whatever comes; adding allocates nothing.
 */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;
  #min = Infinity;
  #max = -Infinity;

  /** How many values were added. */
  get total(): number {
    return this.#total;
  }
  /** Exact; NaN without values. */
  get min(): number {
    return this.#total === 0 ? Number.NaN : this.#min;
  }
  /** Exact; NaN without values. */
  get max(): number {
    return this.#total === 0 ? Number.NaN : this.#max;
  }

  /** Adds `value` `count` times. Throws `UsageError`, with nothing changed, unless both are safe integers of at least 0. */
  add(value: number, count = 1): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new UsageError(`value: ${value} is not a safe integer of at least 0`);
    }
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new UsageError(`count: ${count} is not a safe integer of at least 0`);
    }
    if (count === 0) return;
    this.#counts[bucketOf(value)]! += count;
    this.#total += count;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** Adds all values that the other one has seen. */
  merge(other: Histogram): void {
    for (let i = 0; i < BUCKETS; i++) this.#counts[i]! += other.#counts[i]!;
    this.#total += other.#total;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /**
   * The smallest value with at least the share `q` of all values at or below it, but for the width of its bucket.
   * `quantile(0)` is the least and `quantile(1)` the greatest, both exact; NaN without values.
   */
  quantile(q: number): number {
    if (!(q >= 0 && q <= 1)) throw new UsageError(`q: ${q} is not from 0 to 1`);
    if (this.#total === 0) return Number.NaN;
    // A hair less, so that 0.07 of 100 is 7 values and not, as floating point has it, a little more.
    const rank = Math.max(1, Math.ceil(q * this.#total - 1e-9));
    if (rank === 1) return this.#min;
    if (rank === this.#total) return this.#max;
    let bucket = 0;
    for (let seen = this.#counts[0]!; seen < rank; seen += this.#counts[bucket]!) bucket++;
    const middle = Math.floor((lowOf(bucket) + highOf(bucket)) / 2);
    return Math.min(Math.max(middle, this.#min), this.#max);
  }

  /** The buckets that are not empty, from the smallest values up. */
  *buckets(): Generator<Bucket> {
    for (let i = 0; i < BUCKETS; i++) {
      const count = this.#counts[i]!;
      if (count > 0) yield { low: lowOf(i), high: highOf(i), count };
    }
  }
}

/** The seven leading bits of a value, and how many follow them. */
function bucketOf(value: number): number {
  if (value < EXACT) return value;
  const high = Math.floor(value / 2 ** 32);
  if (high === 0) {
    const shift = 31 - Math.clz32(value) - OCTAVE_BITS;
    return shift * PER_OCTAVE + (value >>> shift);
  }
  const shift = 63 - Math.clz32(high) - OCTAVE_BITS;
  return shift * PER_OCTAVE + Math.floor(value / powersOfTwo[shift]!);
}

function lowOf(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const shift = Math.floor(bucket / PER_OCTAVE) - 1;
  return (bucket - shift * PER_OCTAVE) * powersOfTwo[shift]!;
}

function highOf(bucket: number): number {
  return bucket < EXACT ? bucket : lowOf(bucket + 1) - 1;
}

const powersOfTwo = new Float64Array(LARGEST_SHIFT + 2).fill(1);
for (let i = 1; i < powersOfTwo.length; i++) powersOfTwo[i] = powersOfTwo[i - 1]! * 2;
