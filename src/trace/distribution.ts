/** How values spread: their mean, and the value below which so many of them lie. */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Values up to here are counted one by one; of larger ones percentiles know the first three digits. */
const exactBelow = 100_000;

/**
 * Counts whole, non-negative values. It keeps a number for each different value, some 10^5 at most: memory does not
 * grow with how many there are.
 */
export class Distribution {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #mean = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    this.#count++;
    this.#mean += (value - this.#mean) / this.#count;
    this.#max = Math.max(this.#max, value);
    const place = value < exactBelow ? value : Number(value.toPrecision(3));
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + 1);
  }

  /** Null where nothing was counted. */
  get spread(): Spread | null {
    if (this.#count === 0) return null;
    const places = [...this.#counts].sort(([a], [b]) => a - b);
    return {
      count: this.#count,
      mean: rounded(this.#mean),
      p50: this.#quantile(0.5, places),
      p90: this.#quantile(0.9, places),
      p99: this.#quantile(0.99, places),
      max: this.#max,
    };
  }

  /** The smallest value that at least this share of all do not exceed (nearest rank). */
  #quantile(share: number, places: readonly (readonly [number, number])[]): number {
    let left = Math.ceil(share * this.#count);
    for (const [value, count] of places) {
      left -= count;
      if (left <= 0) return Math.min(value, this.#max);
    }
    return this.#max;
  }
}

/** To four digits behind the point: more says nothing. */
export function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
