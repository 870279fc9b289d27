/**
 * `exp`, `log` and `pow` that give the same bits on every machine.
 *
 * ECMAScript leaves `Math.exp`, `Math.log`, `Math.pow` and `**` "implementation-approximated", and engines did
 * change their last digits between versions. One different bit in a cumulative distribution is one node that
 * draws another degree, and from there on another run. Whatever decides the order of a run uses these instead.
 *
 * Only what IEEE 754 and ECMAScript define exactly is used: + - * /, comparisons, Math.floor, Math.abs, constants
 * and decimal literals. Relative errors, measured against 150-bit arithmetic for results in the normal range (2^-1022
 * and up): `exp` and `log` below 2e-16, `pow` below 5e-15 and, for results between 1e-100 and 1e100, below 2e-15.
 * Special values (NaN, infinities, signed zeros) follow `Math.*`.
 *
 * The methods are the textbook ones: take out powers of two, then a short Taylor series. Logarithms are kept as
 * an unevaluated sum high + low, because `pow` multiplies their error by an exponent (Dekker 1971, "A
 * floating-point technique for extending the available precision").
 */

/** ln 2 in two parts: the first has 32 significant bits, so that its product with any binary exponent is exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** Beyond these arguments `exp` is infinite, or rounds to zero. */
const EXP_OVERFLOW = 710;
const EXP_UNDERFLOW = -746;

/** Powers of whole numbers up to this one are multiplied out, so that pow(10, 3) is 1000 and not its neighbor. */
const LARGEST_MULTIPLIED_EXPONENT = 16;

const SMALLEST_BINARY_EXPONENT = -1074;
const SMALLEST_NORMAL_EXPONENT = -1022;
const LARGEST_BINARY_EXPONENT = 1023;

/** Every power of two that a double can hold, made by doubling and halving, which are exact. */
const POWERS_OF_TWO = powersOfTwo();

function powersOfTwo(): Float64Array {
  const powers = new Float64Array(LARGEST_BINARY_EXPONENT - SMALLEST_BINARY_EXPONENT + 1);
  powers[-SMALLEST_BINARY_EXPONENT] = 1;
  for (let e = 1; e <= LARGEST_BINARY_EXPONENT; e++) {
    powers[e - SMALLEST_BINARY_EXPONENT] = powers[e - 1 - SMALLEST_BINARY_EXPONENT]! * 2;
  }
  for (let e = -1; e >= SMALLEST_BINARY_EXPONENT; e--) {
    powers[e - SMALLEST_BINARY_EXPONENT] = powers[e + 1 - SMALLEST_BINARY_EXPONENT]! / 2;
  }
  return powers;
}

function twoTo(exponent: number): number {
  return POWERS_OF_TWO[exponent - SMALLEST_BINARY_EXPONENT]!;
}

/** An unevaluated sum: `high` is the value rounded to a double, `low` what the rounding dropped. */
interface Parts {
  readonly high: number;
  readonly low: number;
}

/** e^x. */
export function exp(x: number): number {
  return expOfParts(x, 0);
}

/** Natural logarithm: -Infinity at zero, NaN below. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : Number.NaN;
  if (x === Infinity) return Infinity;
  return logParts(x).high;
}

/** base^exponent, with the special cases of `Math.pow`. */
export function pow(base: number, exponent: number): number {
  if (exponent === 0) return 1;
  if (Number.isNaN(base) || Number.isNaN(exponent)) return Number.NaN;

  const magnitude = Math.abs(base);
  if (Math.abs(exponent) === Infinity) {
    if (magnitude === 1) return Number.NaN;
    return magnitude > 1 === exponent > 0 ? Infinity : 0;
  }
  const isNegative = base < 0 || Object.is(base, -0);
  if (isNegative) {
    if (isOdd(exponent)) return -powOfPositive(magnitude, exponent);
    if (!Number.isInteger(exponent) && magnitude !== 0 && magnitude !== Infinity) return Number.NaN;
  }
  return powOfPositive(magnitude, exponent);
}

/** The base is zero, positive or infinite; the exponent is finite and not zero. */
function powOfPositive(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === 0 || base === Infinity) return (base === 0) === exponent > 0 ? 0 : Infinity;

  const distance = Math.abs(exponent);
  if (distance <= LARGEST_MULTIPLIED_EXPONENT && Number.isInteger(exponent)) {
    let power = base;
    for (let i = 1; i < distance; i++) power *= base;
    if (power >= twoTo(SMALLEST_NORMAL_EXPONENT) && power < Infinity) return exponent > 0 ? power : 1 / power;
  }

  const { high, low } = logParts(base);
  const product = exponent * high;
  // The smallest logarithm is 2^-53, hence an exponent that passes here is below 2^63 and its split is safe.
  if (product > EXP_OVERFLOW) return Infinity;
  if (product < EXP_UNDERFLOW) return 0;
  return expOfParts(product, productError(exponent, high, product) + exponent * low);
}

/** e^(high + low) where |low| is at most a rounding error of `high`. */
function expOfParts(high: number, low: number): number {
  if (high > EXP_OVERFLOW) return Infinity;
  if (high < EXP_UNDERFLOW) return 0;
  if (Number.isNaN(high)) return Number.NaN;

  // e^x = 2^k * e^r with |r| <= ln(2) / 2, about 0.35.
  const k = Math.floor(high * Math.LOG2E + 0.5);
  const r = high - k * LN2_HIGH - k * LN2_LOW + low;
  // Taylor: e^r = 1 + r + r^2 * rest; the first term left out is r^15 / 15!, below 1e-19.
  let rest = 1;
  for (let n = 14; n >= 3; n--) rest = 1 + (r / n) * rest;
  const sum = 1 + r;
  const sumError = r - (sum - 1);
  return timesPowerOfTwo(sum + (sumError + r * r * 0.5 * rest), k);
}

/** ln x for a positive finite x. */
function logParts(x: number): Parts {
  // x = 2^exponent * m with m in [sqrt(1/2), sqrt(2)).
  let m = x;
  let exponent = 0;
  if (m < twoTo(SMALLEST_NORMAL_EXPONENT)) {
    m *= twoTo(54);
    exponent = -54;
  }
  for (let step = 512; step >= 1; step /= 2) {
    if (m >= twoTo(step)) {
      m *= twoTo(-step);
      exponent += step;
    } else if (m < twoTo(1 - step)) {
      m *= twoTo(step);
      exponent -= step;
    }
  }
  if (m > Math.SQRT2) {
    m /= 2;
    exponent += 1;
  }

  // ln m = 2 artanh s with s = (m - 1) / (m + 1), |s| < 0.172. The quotient is carried to double length.
  const numerator = m - 1;
  const denominator = m + 1;
  const denominatorLow = m - (denominator - 1);
  const s = numerator / denominator;
  const product = s * denominator;
  const remainder = numerator - product - productError(s, denominator, product) - s * denominatorLow;
  const sLow = remainder / denominator;

  // 2 artanh s = 2s + 2s^3/3 + 2s^5/5 + ...; the first term left out is below 1e-19 of the sum.
  const square = s * s;
  let series = 0;
  for (let n = 23; n >= 3; n -= 2) series = 1 / n + square * series;
  const tail = 2 * s * square * series + 2 * sLow + exponent * LN2_LOW;

  // |exponent * ln 2| is either zero or larger than |2s|: the error of this sum is what is left after subtracting.
  const large = exponent * LN2_HIGH;
  const sum = large + 2 * s;
  const sumError = exponent === 0 ? 0 : 2 * s - (sum - large);
  const rest = sumError + tail;
  const high = sum + rest;
  return { high, low: rest - (high - sum) };
}

/** a * b - product, exactly, where `product` is a * b rounded (Dekker 1971). */
function productError(a: number, b: number, product: number): number {
  const aHigh = upperHalf(a);
  const bHigh = upperHalf(b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** The number cut to its upper 26 bits, so that products of two such numbers are exact. */
function upperHalf(x: number): number {
  const scaled = x * 134_217_729; // 2^27 + 1
  return scaled - (scaled - x);
}

/** x * 2^exponent with a single rounding, for x near 1 and exponents slightly beyond the range of a double. */
function timesPowerOfTwo(x: number, exponent: number): number {
  if (exponent > LARGEST_BINARY_EXPONENT) return x * twoTo(LARGEST_BINARY_EXPONENT) * twoTo(exponent - 1023);
  if (exponent < SMALLEST_NORMAL_EXPONENT) return x * twoTo(exponent + 100) * twoTo(-100);
  return x * twoTo(exponent);
}

function isOdd(x: number): boolean {
  return Number.isInteger(x) && Math.floor(x / 2) !== x / 2;
}
