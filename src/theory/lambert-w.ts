/**
 * The two real branches of Lambert's W: the w with w e^w = x. Residues of epidemics are W0 (`residues.ts`).
 *
 *     x        -1/e .................... 0 ............ infinity
 *     W0(x)     -1  ...... rises ....... 0 ...... rises
 *     W-1(x)    -1  ...... falls .. -infinity
 *
 * Corless, Gonnet, Hare, Jeffrey and Knuth 1996, "On the Lambert W function": branches in section 4, the series at the
 * branch point (4.22), Halley's iteration (5.9). Relative error below 1e-14, except within 1e-10 of -1/e: W has a
 * vertical tangent there, and a last digit of x is many digits of W.
 */
import { exp, log } from "../core/deterministic-math.ts";
import { checkNumber } from "./valid-range.ts";

/** The lowest x that has a W; as a double it lies 1.2e-17 above -1/e. */
export const lambertBranchPoint = -1 / Math.E;

/** The branch with W >= -1, for x >= -1/e. Throws `UsageError` below. */
export function lambertW0(x: number): number {
  checkNumber("x", x, { least: lambertBranchPoint });
  if (x === 0) return 0;
  if (x < -0.32) return refined(x, nearBranchPoint(squareRootDistance(x)));
  if (x < 3) return refined(x, x < 0 ? x * (1 - x) : log(1 + x));
  const logX = log(x);
  return refinedLogarithmically(x, logX - log(logX));
}

/** The branch with W <= -1, for -1/e <= x < 0. Throws `UsageError` outside. */
export function lambertWMinus1(x: number): number {
  checkNumber("x", x, { least: lambertBranchPoint, below: 0 });
  if (x < -0.32) return refined(x, nearBranchPoint(-squareRootDistance(x)));
  const logX = log(-x);
  return refinedLogarithmically(x, logX - log(-logX));
}

/** sqrt(2 (e x + 1)). What the rounding of e leaves out of e x matters here: it is 1.4456e-16. */
function squareRootDistance(x: number): number {
  return Math.sqrt(2 * Math.max(0, fusedProduct(Math.E, x) + 1.4456468917292502e-16 * x));
}

/** a x + 1 without the rounding of a x, for a x near -1: the product in two parts (Dekker 1971), then the sum. */
function fusedProduct(a: number, x: number): number {
  const split = (value: number) => {
    const scaled = value * 134_217_729; // 2^27 + 1
    const high = scaled - (scaled - value);
    return [high, value - high] as const;
  };
  const [aHigh, aLow] = split(a);
  const [xHigh, xLow] = split(x);
  const product = a * x;
  const error = aLow * xLow - (product - aHigh * xHigh - aLow * xHigh - aHigh * xLow);
  return product + 1 + error;
}

/** W = -1 + p - p^2/3 + 11 p^3/72 - ..., with p > 0 on the upper branch and p < 0 on the lower one. */
function nearBranchPoint(p: number): number {
  return (
    -1 + p * (1 + p * (-1 / 3 + p * (11 / 72 + p * (-43 / 540 + p * (769 / 17_280 + p * (-221 / 8505))))))
  );
}

/** Halley's iteration on w e^w - x. At the branch point itself the series is as good as it gets. */
function refined(x: number, start: number): number {
  let w = start;
  for (let step = 0; step < 20; step++) {
    if (Math.abs(w + 1) < 1e-4) return w;
    const power = exp(w);
    const excess = w * power - x;
    const change = excess / (power * (w + 1) - ((w + 2) * excess) / (2 * w + 2));
    w -= change;
    if (Math.abs(change) <= 1e-9 * Math.abs(w)) return w;
  }
  return w;
}

/** Newton's iteration on w + ln(w/x), where e^w would overflow, or underflow. */
function refinedLogarithmically(x: number, start: number): number {
  let w = start;
  for (let step = 0; step < 20; step++) {
    const change = ((w + log(w / x)) * w) / (w + 1);
    w -= change;
    if (Math.abs(change) <= 1e-9 * Math.abs(w)) return w;
  }
  return w;
}
