import { log, pow } from "./deterministic-math.ts";
import { UsageError } from "./errors.ts";

/**
 * How many neighbors a node wants: discrete distributions over the degrees minDegree..maxDegree.
 *
 * The overlay draws from them (`law.quantile(random)`), so every number that decides a draw is computed by
 * `deterministic-math`: the same seed wants the same degrees on every engine. What is only theory on top of the
 * laws (comparison laws, fits, tests) lives in theory/degree-laws.ts and theory/degree-fit.ts.
 */
export interface DegreeLaw {
  /** For reports: "power-law", "seed-exponential", "uniform" and so on. */
  readonly name: string;
  /** The support, both ends included. Degrees count neighbors. */
  readonly minDegree: number;
  readonly maxDegree: number;
  /** Expected degree. */
  readonly mean: number;
  /** P(k); zero outside the support and between integers. */
  probability(degree: number): number;
  /** ln P(k), finite on the whole support even where P(k) is too small for a double; -Infinity outside. */
  logProbability(degree: number): number;
  /**
   * The smallest k with P(degree <= k) > u, for u in [0, 1): a uniform u gives a degree with this law. Never falls
   * when u rises, so one u under two laws gives coupled degrees.
   */
  quantile(u: number): number;
}

export interface Support {
  /** Smallest possible degree. */
  readonly minDegree: number;
  /** Largest possible degree, at most `MAX_DEGREE`; in a simple graph of n nodes at most n - 1. */
  readonly maxDegree: number;
}

/** The largest degree of any law. It bounds the tables below (16 bytes per degree) and passes 10^6 nodes. */
export const MAX_DEGREE = 2 ** 20;

/**
 * P(k) = (k/m)^-exponent / sum over j of (j/m)^-exponent for k = m..maxDegree, where m = minDegree >= 1: the power
 * law on a finite support, a straight line of slope -exponent on doubly logarithmic paper.
 *
 * `exponent` is a pure number >= 0; measured networks mostly have 2..3 (Clauset, Shalizi, Newman 2009, table 6.1),
 * and zero gives equal probabilities. Throws `UsageError` for other values.
 */
export function powerLaw({
  exponent,
  minDegree,
  maxDegree,
}: Support & { readonly exponent: number }): DegreeLaw {
  if (!(exponent >= 0 && exponent < Infinity)) {
    throw new UsageError(`exponent: ${exponent} is not a finite number of at least 0`);
  }
  if (minDegree < 1) throw new UsageError(`minDegree: ${minDegree} is less than 1, where a power law begins`);
  return sharedLaw(`exponent ${exponent}`, {
    name: "power-law",
    minDegree,
    maxDegree,
    weight: (k) => pow(k / minDegree, -exponent),
    logWeight: (k) => -exponent * log(k / minDegree),
  });
}

/**
 * 40 * 1.5^(-k/10), the degree formula of the seed report, section 3 ("Network Topology"), as it is printed there.
 *
 * The report calls it a power law and a probability; it is neither. Its logarithm falls linearly with k, not with
 * ln k: it is exponential (a geometric distribution with ratio 1.5^-0.1 = 0.960), so hubs are missing:
 * P(1)/P(10) is 1.44 where k^-2.5 has 316. Over k = 1, 2, 3 ... it sums to 966.7 instead of 1.
 */
export function seedFormula(degree: number): number {
  return 40 * pow(1.5, -degree / 10);
}

/**
 * P(k) = seedFormula(k) / sum over j of seedFormula(j) for k = minDegree..maxDegree, minDegree >= 0: the formula of
 * the seed report made into a probability. An exponential law and not a power law, see `seedFormula`.
 *
 * With k = 1..n-1 the mean degree is 5.6, 17.4 and 23.3 for 12, 50 and 100 peers, and 25.2 for very many.
 */
export function seedExponential({ minDegree, maxDegree }: Support): DegreeLaw {
  return sharedLaw("", {
    name: "seed-exponential",
    minDegree,
    maxDegree,
    // A constant factor cancels; counting from minDegree keeps far supports away from underflow.
    weight: (k) => seedFormula(k - minDegree),
    logWeight: (k) => SEED_LOG_FACTOR - ((k - minDegree) / 10) * SEED_LOG_BASE,
  });
}

const SEED_LOG_FACTOR = log(40);
const SEED_LOG_BASE = log(1.5);

/** Every node wants the same degree: P(degree) = 1. For regular overlays and for comparison. */
export function uniformDegree(degree: number): DegreeLaw {
  return degreeLaw({
    name: "uniform",
    minDegree: degree,
    maxDegree: degree,
    weight: () => 1,
    logWeight: () => 0,
  });
}

/** A law given by weights that are proportional to its probabilities. */
export interface WeightedDegrees extends Support {
  readonly name: string;
  /**
   * Proportional to P(k), finite, not all zero, and unimodal (rising, then falling): once a weight no longer changes
   * the sum, later ones are not asked for.
   */
  weight(degree: number): number;
  /** ln of the same weight, without its underflow. */
  logWeight(degree: number): number;
}

/** Makes a law from weights. Cheap: the table of sums is made by the first question that needs it. */
export function degreeLaw(weighted: WeightedDegrees): DegreeLaw {
  checkSupport(weighted);
  return new TabulatedLaw(weighted, () => new CumulativeWeights(weighted.minDegree, weighted.weight));
}

/**
 * The tables made last, the most recently used at the end. Weights of one shape do not depend on maxDegree, so one
 * growing table serves a network whose maxDegree rises with every join. What is remembered changes how long an
 * answer takes and never the answer.
 */
const recentTables = new Map<string, CumulativeWeights>();
const MAX_RECENT_TABLES = 8;

function sharedLaw(shape: string, weighted: WeightedDegrees): DegreeLaw {
  checkSupport(weighted);
  const key = `${weighted.name} ${shape} from ${weighted.minDegree}`;
  return new TabulatedLaw(weighted, () => {
    const table = recentTables.get(key) ?? new CumulativeWeights(weighted.minDegree, weighted.weight);
    recentTables.delete(key);
    recentTables.set(key, table);
    if (recentTables.size > MAX_RECENT_TABLES) recentTables.delete(recentTables.keys().next().value!);
    return table;
  });
}

function checkSupport({ minDegree, maxDegree }: Support): void {
  if (!Number.isInteger(minDegree) || minDegree < 0) {
    throw new UsageError(`minDegree: ${minDegree} is not an integer of at least 0`);
  }
  if (!Number.isInteger(maxDegree) || maxDegree < minDegree || maxDegree > MAX_DEGREE) {
    throw new UsageError(
      `maxDegree: ${maxDegree} is not an integer from minDegree (${minDegree}) to ${MAX_DEGREE}`,
    );
  }
}

class TabulatedLaw implements DegreeLaw {
  readonly name: string;
  readonly minDegree: number;
  readonly maxDegree: number;
  readonly #weighted: WeightedDegrees;
  readonly #makeTable: () => CumulativeWeights;
  #table: CumulativeWeights | undefined;

  constructor(weighted: WeightedDegrees, makeTable: () => CumulativeWeights) {
    this.name = weighted.name;
    this.minDegree = weighted.minDegree;
    this.maxDegree = weighted.maxDegree;
    this.#weighted = weighted;
    this.#makeTable = makeTable;
  }

  get mean(): number {
    const table = this.#cumulativeWeights();
    return this.minDegree + table.excessMoment(this.maxDegree) / table.total(this.maxDegree);
  }

  probability(degree: number): number {
    if (!this.#isPossible(degree)) return 0;
    return this.#weighted.weight(degree) / this.#cumulativeWeights().total(this.maxDegree);
  }

  logProbability(degree: number): number {
    if (!this.#isPossible(degree)) return -Infinity;
    return this.#weighted.logWeight(degree) - log(this.#cumulativeWeights().total(this.maxDegree));
  }

  quantile(u: number): number {
    if (!(u >= 0 && u < 1)) throw new UsageError(`u: ${u} is not in [0, 1)`);
    return this.#cumulativeWeights().firstAbove(u, this.maxDegree);
  }

  #isPossible(degree: number): boolean {
    return Number.isInteger(degree) && degree >= this.minDegree && degree <= this.maxDegree;
  }

  #cumulativeWeights(): CumulativeWeights {
    this.#table ??= this.#makeTable();
    this.#table.growTo(this.maxDegree);
    return this.#table;
  }
}

/**
 * Running sums of the weights from minDegree on. They are added in one order, so that a sum is the same number
 * whether the table was made at once or grew.
 */
class CumulativeWeights {
  readonly #minDegree: number;
  readonly #weight: (degree: number) => number;
  /** sums[i] = weight(min) + ... + weight(min + i), for i < length. */
  #sums = new Float64Array(16);
  /** moments[i] = the same with every weight times its distance from min: the excess over minDegree. */
  #moments = new Float64Array(16);
  #length = 0;
  /** Further weights are too small to change either sum. */
  #isComplete = false;

  constructor(minDegree: number, weight: (degree: number) => number) {
    this.#minDegree = minDegree;
    this.#weight = weight;
  }

  growTo(maxDegree: number): void {
    const wanted = maxDegree - this.#minDegree + 1;
    if (this.#length >= wanted || this.#isComplete) return;
    let sum = this.#length === 0 ? 0 : this.#sums[this.#length - 1]!;
    let moment = this.#length === 0 ? 0 : this.#moments[this.#length - 1]!;
    for (let i = this.#length; i < wanted; i++) {
      const weight = this.#weight(this.#minDegree + i);
      if (sum > 0 && sum + weight === sum && moment + weight * i === moment) {
        this.#isComplete = true;
        return;
      }
      sum += weight;
      moment += weight * i;
      if (i === this.#sums.length) this.#double();
      this.#sums[i] = sum;
      this.#moments[i] = moment;
      this.#length = i + 1;
    }
  }

  total(maxDegree: number): number {
    return this.#sums[this.#lastIndex(maxDegree)]!;
  }

  /** Sum of weight(k) * (k - minDegree) up to maxDegree. */
  excessMoment(maxDegree: number): number {
    return this.#moments[this.#lastIndex(maxDegree)]!;
  }

  /** The smallest degree whose share of the total up to maxDegree is larger than u. */
  firstAbove(u: number, maxDegree: number): number {
    let low = 0;
    let high = this.#lastIndex(maxDegree);
    const target = u * this.#sums[high]!; // below the total, because u < 1
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sums[middle]! > target) high = middle;
      else low = middle + 1;
    }
    return this.#minDegree + low;
  }

  #lastIndex(maxDegree: number): number {
    return Math.min(maxDegree - this.#minDegree, this.#length - 1);
  }

  #double(): void {
    const sums = new Float64Array(this.#sums.length * 2);
    const moments = new Float64Array(this.#moments.length * 2);
    sums.set(this.#sums);
    moments.set(this.#moments);
    this.#sums = sums;
    this.#moments = moments;
  }
}
