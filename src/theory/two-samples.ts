import { UsageError } from "../core/errors.ts";

/** The answer to: do two samples come from one distribution? */
export interface TwoSampleTest {
  /** The largest distance between the two empirical distribution functions, from 0 to 1. */
  readonly statistic: number;
  /** Probability of so large a distance, or a larger one, if they do. */
  readonly pValue: number;
}

/**
 * The test of Kolmogorov and Smirnov. It sees any difference, of place, spread or shape, and assumes nothing about the
 * distribution.
 *
 * The p-value is exact, also for small samples and for values that occur often (rounds, counts): if both samples come
 * from one distribution, then given the pooled values every way to divide them into the two is as likely as any other.
 * A way is a path on a lattice, one step to the right for a value of the first sample, one up for one of the second;
 * counted are the paths that stay nearer to the diagonal than the observed one, looking only where the value changes
 * (Hodges 1958; with ties Schröer and Trenkler 1995). Takes time proportional to the product of the sizes.
 *
 * Throws `UsageError` if a sample is empty or holds NaN.
 */
export function kolmogorovSmirnov(first: readonly number[], second: readonly number[]): TwoSampleTest {
  const pooled = Float64Array.from([...first, ...second]).sort();
  if (first.length === 0 || second.length === 0) throw new UsageError("sample: it is empty");
  if (pooled.some(Number.isNaN)) throw new UsageError("sample: it holds NaN");
  const isChange = Array.from({ length: pooled.length + 1 }, (_, i) => pooled[i - 1] !== pooled[i]);
  const distance = largestDistance(first, second);
  const n = first.length;
  const m = second.length;
  // near[j] = probability that a path to (i, j) has been near all the way, with i and j steps in random order.
  const near = new Float64Array(m + 1);
  for (let i = 0; i <= n; i++) {
    for (let j = 0; j <= m; j++) {
      if (i + j === 0) near[0] = 1;
      else {
        const fromLeft = i === 0 ? 0 : near[j]! * i;
        const fromBelow = j === 0 ? 0 : near[j - 1]! * j;
        near[j] = (fromLeft + fromBelow) / (i + j);
      }
      if (isChange[i + j] && Math.abs(i * m - j * n) >= distance) near[j] = 0;
    }
  }
  // Without any distance the path of the data itself is as far as the diagonal, and so are all others.
  return { statistic: distance / (n * m), pValue: 1 - near[m]! };
}

/** The largest distance between the empirical distribution functions, times both sizes: an integer. */
function largestDistance(first: readonly number[], second: readonly number[]): number {
  const left = first.toSorted((a, b) => a - b);
  const right = second.toSorted((a, b) => a - b);
  let i = 0;
  let j = 0;
  let largest = 0;
  while (i < left.length && j < right.length) {
    const value = Math.min(left[i]!, right[j]!);
    while (left[i] === value) i++;
    while (right[j] === value) j++;
    largest = Math.max(largest, Math.abs(i * right.length - j * left.length));
  }
  return largest;
}
