import { type DegreeLaw, degreeLaw, type Support } from "../core/degree-law.ts";
import { exp, log, pow } from "../core/deterministic-math.ts";
import { UsageError } from "../core/errors.ts";

/**
 * What an overlay never draws from but theory compares with: the laws that a "power law" must beat before it may
 * be called one. The laws of the overlays themselves are in core/degree-law.ts.
 */

/**
 * P(k) ~ ratio^(k - minDegree) for k = minDegree..maxDegree: each further neighbor costs the same factor. Degrees
 * in a network that grows by uniform random attachment look like this (Barabási, Albert, Jeong 1999, model A).
 *
 * `ratio` = P(k+1)/P(k), in (0, 1]; one gives equal probabilities. Throws `UsageError` for other values.
 */
export function geometric({ ratio, minDegree, maxDegree }: Support & { readonly ratio: number }): DegreeLaw {
  if (!(ratio > 0 && ratio <= 1)) throw new UsageError(`ratio: ${ratio} is not in (0, 1]`);
  const logRatio = log(ratio);
  return degreeLaw({
    name: "geometric",
    minDegree,
    maxDegree,
    weight: (k) => pow(ratio, k - minDegree),
    logWeight: (k) => (k - minDegree) * logRatio,
  });
}

/**
 * P(k) ~ rate^j / j! with j = k - minDegree, for k = minDegree..maxDegree: minDegree links that every node makes
 * and a Poisson number of links that others make to it, as in a random graph (Erdős, Rényi 1959).
 *
 * `rate` is the expected number of further links before the cut at maxDegree, > 0 and finite. Throws `UsageError`
 * for other values.
 */
export function shiftedPoisson({
  rate,
  minDegree,
  maxDegree,
}: Support & { readonly rate: number }): DegreeLaw {
  if (!(rate > 0 && rate < Infinity)) throw new UsageError(`rate: ${rate} is not a finite number above 0`);
  const logRate = log(rate);
  const logWeight = (k: number) => (k - minDegree) * logRate - logFactorial(k - minDegree);
  // Measured from the largest weight, so that a high rate neither overflows nor underflows.
  const mode = Math.min(maxDegree, minDegree + Math.floor(rate));
  const shift = logWeight(mode);
  return degreeLaw({
    name: "shifted-poisson",
    minDegree,
    maxDegree,
    weight: (k) => exp(logWeight(k) - shift),
    logWeight: (k) => logWeight(k) - shift,
  });
}

/** Expected number of links of an overlay whose nodes get their degrees from this law: every link has two ends. */
export function expectedLinks({ law, nodes }: { readonly law: DegreeLaw; readonly nodes: number }): number {
  if (!Number.isInteger(nodes) || nodes < 0)
    throw new UsageError(`nodes: ${nodes} is not an integer of at least 0`);
  return (nodes * law.mean) / 2;
}

/** Sum of ln P(k) over the observed degrees; -Infinity if one of them is impossible under the law. */
export function logLikelihood(law: DegreeLaw, degrees: Iterable<number>): number {
  let sum = 0;
  for (const degree of degrees) sum += law.logProbability(degree);
  return sum;
}

const LOG_FACTORIALS = smallLogFactorials(32);

/**
 * ln(n!) for an integer n >= 0: from a table, then by Stirling's series with four correction terms, whose error is
 * below 1e-16 relative from n = 32 on (Abramowitz, Stegun 1964, 6.1.41).
 */
export function logFactorial(n: number): number {
  if (n < LOG_FACTORIALS.length) return LOG_FACTORIALS[n]!;
  const inverse = 1 / n;
  const square = inverse * inverse;
  const correction = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return n * (log(n) - 1) + 0.5 * log(2 * Math.PI * n) + correction;
}

function smallLogFactorials(count: number): Float64Array {
  const table = new Float64Array(count);
  let factorial = 1;
  for (let n = 1; n < count; n++) {
    factorial *= n;
    table[n] = log(factorial);
  }
  return table;
}
