/**
 * A set of non-negative integers kept as sorted, disjoint, non-adjacent ranges: what a node has seen of one
 * origin's sequence numbers is nearly always a single range, however long the run.
 */
export class RangeSet {
  /** [from0, to0, from1, to1, …], both ends included. Always: from <= to, and to + 1 < next from. */
  #bounds: number[];

  constructor(bounds: readonly number[] = []) {
    this.#bounds = bounds.slice();
  }

  /** True for a list that can be handed to the constructor: safe integers in strictly growing, separated ranges. */
  static isValid(bounds: readonly number[]): boolean {
    if (bounds.length % 2 !== 0) return false;
    let previous = -2;
    for (let i = 0; i < bounds.length; i += 2) {
      const from = bounds[i]!;
      const to = bounds[i + 1]!;
      if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) return false;
      if (from <= previous + 1 || to < from) return false;
      previous = to;
    }
    return true;
  }

  get bounds(): readonly number[] {
    return this.#bounds;
  }
  get rangeCount(): number {
    return this.#bounds.length / 2;
  }

  has(value: number): boolean {
    const i = this.#find(value);
    return i < this.#bounds.length && this.#bounds[i]! <= value;
  }

  /** Adds one value; false if it was there already. */
  add(value: number): boolean {
    const bounds = this.#bounds;
    const i = this.#find(value);
    if (i < bounds.length && bounds[i]! <= value) return false;
    const touchesLeft = i > 0 && bounds[i - 1]! === value - 1;
    const touchesRight = i < bounds.length && bounds[i]! === value + 1;
    if (touchesLeft && touchesRight) bounds.splice(i - 1, 2);
    else if (touchesLeft) bounds[i - 1] = value;
    else if (touchesRight) bounds[i] = value;
    else bounds.splice(i, 0, value, value);
    return true;
  }

  /** Keeps the number of ranges within `limit` by filling the lowest gaps; returns how many values were filled in. */
  fillLowestGaps(limit: number): number {
    let filled = 0;
    while (this.rangeCount > limit) {
      filled += this.#bounds[2]! - this.#bounds[1]! - 1;
      this.#bounds.splice(1, 2);
    }
    return filled;
  }

  /** Index of the first range whose end is not below `value` (even; may be the length). */
  #find(value: number): number {
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bounds[middle * 2 + 1]! < value) low = middle + 1;
      else high = middle;
    }
    return low * 2;
  }
}
