import { type DegreeLaw, MAX_DEGREE, powerLaw, type Support, seedExponential } from "../core/degree-law.ts";
import { UsageError } from "../core/errors.ts";
import { geometric, logFactorial, shiftedPoisson } from "./degree-laws.ts";

/**
 * Which law do these degrees follow, and is it a power law?
 *
 * Every candidate is fitted by maximum likelihood on the same finite support, then the power law is compared with
 * each alternative by Vuong's test, the procedure of Clauset, Shalizi and Newman, "Power-law distributions in
 * empirical data" (2009), sections 3 and 5. A straight-looking line on doubly logarithmic paper is no evidence.
 *
 * Limits. The verdict is relative: it says which law explains the degrees better and not that any of them is true.
 * The degrees of one graph are treated as independent, which they nearly are when nodes >> largest degree.
 */

export type DegreeLawName = "power-law" | "geometric" | "shifted-poisson" | "seed-exponential";
export type AlternativeName = Exclude<DegreeLawName, "power-law">;

/** The candidates in the order of the reports; the power law first, then what it is tested against. */
export const DEGREE_LAW_NAMES: readonly DegreeLawName[] = [
  "power-law",
  "geometric",
  "shifted-poisson",
  "seed-exponential",
];

export interface DegreeFitOptions {
  /** Degrees below it are left out. Default: the smallest observed degree of at least 1. */
  readonly minDegree?: number;
  /**
   * Largest possible degree. Default: what a simple graph of so many nodes allows (observations - 1), or the largest
   * observed degree if that is more.
   */
  readonly maxDegree?: number;
  /** A difference counts when its p-value is below this. Default 0.1, as in Clauset et al. 2009, section 5. */
  readonly significance?: number;
}

export interface FittedLaw {
  readonly law: DegreeLaw;
  /** The fitted number: exponent, ratio or rate. Undefined for a law without a free one. */
  readonly parameter: FittedParameter | undefined;
  readonly logLikelihood: number;
  /** Akaike's criterion, 2 * free parameters - 2 * logLikelihood: smaller is better. */
  readonly aic: number;
}

export interface FittedParameter {
  readonly name: "exponent" | "ratio" | "rate";
  readonly value: number;
  /** From the curvature of the likelihood; Infinity where the likelihood is flat. */
  readonly standardError: number;
  /** The likelihood still rises at the end of the range that was searched: the law does not fit these degrees. */
  readonly isAtBound: boolean;
}

export interface VuongTest {
  /** Sum of ln P1(k) - ln P2(k): positive favors the first law. */
  readonly logLikelihoodRatio: number;
  /** The ratio divided by sqrt(n) times the standard deviation of its terms: standard normal if neither is better. */
  readonly statistic: number;
  /** Two-sided: probability of so large a statistic, of either sign, if neither law is better. */
  readonly pValue: number;
}

export interface DegreeFit extends Support {
  /** Degrees on the support, the ones that were fitted. */
  readonly observations: number;
  /** Degrees below minDegree, not fitted. */
  readonly leftOut: number;
  readonly meanDegree: number;
  readonly fits: Readonly<Record<DegreeLawName, FittedLaw>>;
  /** The law with the smallest AIC. */
  readonly best: DegreeLawName;
  /** The power law (first) against each alternative (second). */
  readonly powerLawAgainst: Readonly<Record<AlternativeName, VuongTest>>;
  /**
   * "not a power law": some alternative is significantly better. "power law": better than every alternative, each
   * time significantly. "undecided": anything else, usually too few nodes.
   */
  readonly verdict: "power law" | "not a power law" | "undecided";
}

/** Fits all candidates and compares them. Throws `UsageError` if there is nothing to fit. */
export function fitDegrees(degrees: Iterable<number>, options: DegreeFitOptions = {}): DegreeFit {
  const significance = options.significance ?? 0.1;
  if (!(significance > 0 && significance < 1))
    throw new UsageError(`significance: ${significance} is not in (0, 1)`);

  const observed = observe(degrees, options);
  const { minDegree, maxDegree } = observed;
  if (minDegree < 1) throw new UsageError(`minDegree: ${minDegree} is less than 1, where a power law begins`);
  const fits: Record<DegreeLawName, FittedLaw> = {
    "power-law": fitPowerLaw(observed),
    geometric: fitGeometric(observed),
    "shifted-poisson": fitShiftedPoisson(observed),
    "seed-exponential": fitted(observed, seedExponential({ minDegree, maxDegree }), undefined),
  };

  const against = (name: AlternativeName) => vuong(observed, fits["power-law"].law, fits[name].law);
  const powerLawAgainst = {
    geometric: against("geometric"),
    "shifted-poisson": against("shifted-poisson"),
    "seed-exponential": against("seed-exponential"),
  };

  return {
    minDegree,
    maxDegree,
    observations: observed.total,
    leftOut: observed.leftOut,
    meanDegree: observed.meanOf((k) => k),
    fits,
    // On a tie, as in a regular graph, "power law" is the claim that has to give way: it comes first.
    best: DEGREE_LAW_NAMES.reduce((best, name) => (fits[name].aic <= fits[best].aic ? name : best)),
    powerLawAgainst,
    verdict: verdictOf(Object.values(powerLawAgainst), significance),
  };
}

/**
 * Vuong's likelihood-ratio test for laws that do not contain each other (Vuong 1989, section 5; in the form of
 * Clauset et al. 2009, appendix C). No correction for different numbers of free parameters.
 *
 * Unspecified: terms without spread (equal laws, or one observed degree only) leave 0/0; we answer statistic 0 and
 * p-value 1, "cannot tell". Throws `UsageError` if a degree is impossible under one of the laws.
 */
export function vuongTest(degrees: Iterable<number>, first: DegreeLaw, second: DegreeLaw): VuongTest {
  const observed = observe(degrees, { minDegree: Math.max(first.minDegree, second.minDegree) });
  const maxDegree = Math.min(first.maxDegree, second.maxDegree);
  if (observed.leftOut > 0 || observed.degrees.some((k) => k > maxDegree)) {
    throw new UsageError(
      `degrees: all must be possible under both laws, ${observed.minDegree} to ${maxDegree}`,
    );
  }
  return vuong(observed, first, second);
}

function verdictOf(tests: readonly VuongTest[], significance: number): DegreeFit["verdict"] {
  if (tests.some((t) => t.statistic < 0 && t.pValue < significance)) return "not a power law";
  if (tests.every((t) => t.statistic > 0 && t.pValue < significance)) return "power law";
  return "undecided";
}

function vuong(observed: Observed, first: DegreeLaw, second: DegreeLaw): VuongTest {
  const ratio = (k: number) => first.logProbability(k) - second.logProbability(k);
  const mean = observed.meanOf(ratio);
  const deviation = Math.sqrt(observed.meanOf((k) => (ratio(k) - mean) ** 2));
  const logLikelihoodRatio = observed.total * mean;
  // What is left of the terms after rounding must not pass for a spread.
  if (deviation <= 1e-12 * Math.max(1, Math.abs(mean)))
    return { logLikelihoodRatio, statistic: 0, pValue: 1 };
  const statistic = (Math.sqrt(observed.total) * mean) / deviation;
  return { logLikelihoodRatio, statistic, pValue: complementaryError(Math.abs(statistic) / Math.SQRT2) };
}

/** The observed degrees as counts, and the support on which all laws are compared. */
interface Observed extends Support {
  /** Distinct degrees, ascending, with the number of nodes that have each. */
  readonly degrees: readonly number[];
  readonly counts: readonly number[];
  readonly total: number;
  readonly leftOut: number;
  /** Average of a function of the degree over all observations. */
  meanOf(value: (degree: number) => number): number;
}

function observe(degrees: Iterable<number>, options: DegreeFitOptions): Observed {
  const histogram = new Map<number, number>();
  let nodes = 0;
  for (const degree of degrees) {
    if (!Number.isInteger(degree) || degree < 0) {
      throw new UsageError(`degrees: ${degree} is not an integer of at least 0`);
    }
    histogram.set(degree, (histogram.get(degree) ?? 0) + 1);
    nodes++;
  }
  const distinct = [...histogram.keys()].sort((a, b) => a - b);

  const minDegree = options.minDegree ?? distinct.find((k) => k >= 1) ?? 1;
  if (!Number.isInteger(minDegree) || minDegree < 0) {
    throw new UsageError(`minDegree: ${minDegree} is not an integer of at least 0`);
  }
  const fittedDegrees = distinct.filter((k) => k >= minDegree);
  if (fittedDegrees.length === 0) throw new UsageError(`degrees: none of ${nodes} is at least ${minDegree}`);

  const largest = fittedDegrees.at(-1)!;
  const maxDegree = options.maxDegree ?? Math.max(largest, Math.min(nodes - 1, MAX_DEGREE));
  if (!Number.isInteger(maxDegree) || maxDegree < largest || maxDegree > MAX_DEGREE) {
    throw new UsageError(
      `maxDegree: ${maxDegree} is not an integer from ${largest} (observed) to ${MAX_DEGREE}`,
    );
  }

  const counts = fittedDegrees.map((k) => histogram.get(k)!);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const meanOf = (value: (degree: number) => number) =>
    fittedDegrees.reduce((sum, k, i) => sum + counts[i]! * value(k), 0) / total;
  return { minDegree, maxDegree, degrees: fittedDegrees, counts, total, leftOut: nodes - total, meanOf };
}

/**
 * The three laws with a free number are exponential families: P(k) ~ base(k) * e^(theta * statistic(k)). Their
 * log-likelihood is concave in theta, so its one maximum is where the expected statistic equals the observed mean.
 */
interface ExponentialFamily {
  statistic(degree: number): number;
  logBase(degree: number): number;
  readonly lowestTheta: number;
  readonly highestTheta: number;
}

/** e^-40 is below the last digit of a double: beyond this a law no longer changes. */
const NEGLIGIBLE_LOG = 40;

function fitPowerLaw(observed: Observed): FittedLaw {
  const { minDegree, maxDegree } = observed;
  const { theta, variance, isAtBound } = maximumLikelihood(observed, {
    statistic: (k) => -Math.log(k / minDegree),
    logBase: () => 0,
    lowestTheta: 0,
    highestTheta: NEGLIGIBLE_LOG / Math.log1p(1 / minDegree),
  });
  const standardError = 1 / Math.sqrt(observed.total * variance);
  const law = powerLaw({ exponent: theta, minDegree, maxDegree });
  return fitted(observed, law, { name: "exponent", value: theta, standardError, isAtBound });
}

function fitGeometric(observed: Observed): FittedLaw {
  const { minDegree, maxDegree } = observed;
  const { theta, variance, isAtBound } = maximumLikelihood(observed, {
    statistic: (k) => k - minDegree,
    logBase: () => 0,
    lowestTheta: -NEGLIGIBLE_LOG,
    highestTheta: 0,
  });
  const ratio = Math.exp(theta);
  const standardError = ratio / Math.sqrt(observed.total * variance);
  const law = geometric({ ratio, minDegree, maxDegree });
  return fitted(observed, law, { name: "ratio", value: ratio, standardError, isAtBound });
}

function fitShiftedPoisson(observed: Observed): FittedLaw {
  const { minDegree, maxDegree } = observed;
  const { theta, variance, isAtBound } = maximumLikelihood(observed, {
    statistic: (k) => k - minDegree,
    logBase: (k) => -logFactorial(k - minDegree),
    lowestTheta: -NEGLIGIBLE_LOG,
    highestTheta: Math.log(maxDegree - minDegree + 1) + NEGLIGIBLE_LOG,
  });
  const rate = Math.exp(theta);
  const standardError = rate / Math.sqrt(observed.total * variance);
  const law = shiftedPoisson({ rate, minDegree, maxDegree });
  return fitted(observed, law, { name: "rate", value: rate, standardError, isAtBound });
}

function fitted(observed: Observed, law: DegreeLaw, parameter: FittedParameter | undefined): FittedLaw {
  const logLikelihood = observed.total * observed.meanOf((k) => law.logProbability(k));
  const freeParameters = parameter === undefined ? 0 : 1;
  return { law, parameter, logLikelihood, aic: 2 * freeParameters - 2 * logLikelihood };
}

interface Maximum {
  readonly theta: number;
  /** Variance of the statistic at theta: the curvature of the log-likelihood per observation. */
  readonly variance: number;
  readonly isAtBound: boolean;
}

/** Newton's method on the concave log-likelihood, inside a bracket that halves whenever a step would leave it. */
function maximumLikelihood(observed: Observed, family: ExponentialFamily): Maximum {
  const target = observed.meanOf((k) => family.statistic(k));
  const moments = momentsOf(observed, family);

  let low = family.lowestTheta;
  let high = family.highestTheta;
  const atLow = moments(low);
  if (atLow.mean >= target) return { theta: low, variance: atLow.variance, isAtBound: true };
  const atHigh = moments(high);
  if (atHigh.mean <= target) return { theta: high, variance: atHigh.variance, isAtBound: true };

  let theta = (low + high) / 2;
  // Halving alone would need about 60 rounds to the last digit.
  for (let round = 0; round < 100; round++) {
    const { mean, variance } = moments(theta);
    if (mean < target) low = theta;
    else high = theta;
    let next = theta + (target - mean) / variance;
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (Math.abs(next - theta) <= 1e-14 * Math.max(1, Math.abs(theta))) break;
    theta = next;
  }
  return { theta, variance: moments(theta).variance, isAtBound: false };
}

/** Mean and variance of the statistic over the whole support, for any theta. */
function momentsOf({ minDegree, maxDegree }: Support, family: ExponentialFamily) {
  const size = maxDegree - minDegree + 1;
  const statistic = Float64Array.from({ length: size }, (_, i) => family.statistic(minDegree + i));
  const logBase = Float64Array.from({ length: size }, (_, i) => family.logBase(minDegree + i));

  // Plain loops: this runs some ten times over a support of up to 10^6 degrees.
  return (theta: number): { readonly mean: number; readonly variance: number } => {
    let largest = -Infinity;
    for (let i = 0; i < size; i++) largest = Math.max(largest, logBase[i]! + theta * statistic[i]!);
    let sum = 0;
    let first = 0;
    for (let i = 0; i < size; i++) {
      const weight = Math.exp(logBase[i]! + theta * statistic[i]! - largest);
      sum += weight;
      first += weight * statistic[i]!;
    }
    const mean = first / sum;
    let second = 0;
    for (let i = 0; i < size; i++) {
      const weight = Math.exp(logBase[i]! + theta * statistic[i]! - largest);
      second += weight * (statistic[i]! - mean) ** 2;
    }
    return { mean, variance: second / sum };
  };
}

/**
 * erfc(x) = 2/sqrt(pi) * integral of e^-t^2 from x to infinity, for x >= 0: the Taylor series of erf near zero
 * (Abramowitz, Stegun 1964, 7.1.6), the continued fraction of erfc beyond (7.1.14). Error below 1e-13 of the value
 * plus 1e-15.
 */
function complementaryError(x: number): number {
  const density = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - 2 * density * sum;
  }
  let fraction = x;
  for (let n = 100; n >= 1; n--) fraction = x + n / 2 / fraction;
  return density / fraction;
}
