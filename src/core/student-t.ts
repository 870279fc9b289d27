/**
 * Student's t: how far the mean of a few normal values lies from the true one, in standard errors.
 *
 * The chance of a value beyond t on either side is the incomplete beta function I(x; df/2, 1/2) at
 * x = df / (df + t^2) (Abramowitz and Stegun 1964, 26.5.27), and that is a continued fraction (the same, 26.5.8).
 */
import { pow } from "./deterministic-math.ts";
import { UsageError } from "./errors.ts";

const SQRT_PI = 1.772453850905516;

/** P(|T| > t) for `degreesOfFreedom`, a positive integer. Relative error below 1e-9. */
export function studentTwoSidedTail(t: number, degreesOfFreedom: number): number {
  if (!Number.isSafeInteger(degreesOfFreedom) || degreesOfFreedom < 1) {
    throw new UsageError(`degreesOfFreedom: ${degreesOfFreedom} is not a positive integer`);
  }
  if (t === 0) return 1;
  const a = degreesOfFreedom / 2;
  const b = 1 / 2;
  const x = degreesOfFreedom / (degreesOfFreedom + t * t);
  const rest = (t * t) / (degreesOfFreedom + t * t); // 1 - x without cancellation
  const front = (pow(x, a) * Math.sqrt(rest) * gammaRatio(degreesOfFreedom)) / SQRT_PI;
  // The fraction converges fast on one side of the mean of the beta law; the other side is one minus it.
  if (x < (a + 1) / (a + b + 2)) return (front / a) * betaFraction(x, a, b);
  return 1 - (front / b) * betaFraction(rest, b, a);
}

/**
 * The t with P(|T| <= t) = `level`: how many standard errors a two-sided confidence interval reaches to each side.
 * `level` is in (0, 1). Found by halving an interval, to the last digits that the tail has.
 */
export function studentQuantile(level: number, degreesOfFreedom: number): number {
  if (!(level > 0 && level < 1)) throw new UsageError(`level: ${level} is not between 0 and 1`);
  const tail = 1 - level;
  let low = 0;
  let high = 1;
  while (studentTwoSidedTail(high, degreesOfFreedom) > tail) {
    low = high;
    high *= 2;
  }
  for (;;) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) return high;
    if (studentTwoSidedTail(middle, degreesOfFreedom) > tail) low = middle;
    else high = middle;
  }
}

/** Gamma((n + 1) / 2) / Gamma(n / 2). */
function gammaRatio(n: number): number {
  if (n > 200) {
    // Asymptotic series in x = n / 2; the first term left out is below 1e-11.
    const y = 1 / (4 * n);
    return Math.sqrt(n / 2) * (1 - y + y * y * (0.5 + y * (2.5 - y * 2.625)));
  }
  let ratio = n % 2 === 1 ? 1 / SQRT_PI : SQRT_PI / 2;
  for (let k = 2 - (n % 2); k < n; k += 2) ratio *= (k + 1) / k;
  return ratio;
}

/** The continued fraction of the incomplete beta function, evaluated from the front (Lentz's method). */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300; // stands for a zero denominator
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1), tiny);
  let value = d;
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d, tiny);
    c = nonZero(1 + even / c, tiny);
    value *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d, tiny);
    c = nonZero(1 + odd / c, tiny);
    value *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return value;
}

function nonZero(value: number, tiny: number): number {
  return value === 0 ? tiny : value;
}
