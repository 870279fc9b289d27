/** How surprising a large value of a normal law is: on a logarithmic scale, since far out the probability is no double. */
import { exp, log } from "./deterministic-math.ts";

/** From here on the continued fraction converges quickly; below, the series loses nothing. */
const farOut = 2.5;
const logOfRoot2Pi = 0.9189385332046727; // ln sqrt(2 pi)

/** -log10 P(Z > z) for Z normal with mean 0 and deviation 1: 0.301 at 0, 8 at 5.61. Relative error below 1e-12. */
export function normalSurprise(z: number): number {
  return -logTail(z) / Math.LN10;
}

/** The z with `normalSurprise(z) = surprise`, which is above 0. By bisection: ask once, not for each message. */
export function normalZ(surprise: number): number {
  let low = -8.3; // there the probability is 1 - 5e-17
  // P(Z > z) <= e^(-z^2/2)/2 above 0.
  let high = Math.sqrt(2 * Math.LN10 * surprise) + 1;
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (normalSurprise(middle) < surprise) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function logTail(z: number): number {
  if (z < 0) return log(1 - tail(-z));
  return z < farOut ? log(tail(z)) : farLogTail(z);
}

function tail(z: number): number {
  // P(Z > z) = 1/2 - density(z) (z + z^3/3 + z^5/(3*5) + ...).
  if (z >= farOut) return exp(farLogTail(z));
  let sum = 0;
  let term = z;
  for (let n = 1; term > 1e-18 * sum; n++) {
    sum += term;
    term *= (z * z) / (2 * n + 1);
  }
  return 0.5 - exp(-0.5 * z * z - logOfRoot2Pi) * sum;
}

/** ln P(Z > z), by Laplace's continued fraction: density(z)/(z + 1/(z + 2/(z + 3/(z + ...)))). */
function farLogTail(z: number): number {
  let fraction = z;
  for (let n = 80; n >= 1; n--) fraction = z + n / fraction;
  return -0.5 * z * z - logOfRoot2Pi - log(fraction);
}
