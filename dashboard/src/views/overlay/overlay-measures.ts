/**
 * Everything that the view says about an overlay, from its links alone. A thousand nodes take a tenth of a second, so
 * that it runs in a worker (overlay-worker.ts).
 */
import {
  type DegreeLaw,
  degreeLaw,
  powerLaw,
  seedExponential,
  uniformDegree,
} from "../../../../src/core/degree-law.ts";
import { seededRandom } from "../../../../src/core/index.ts";
import {
  clustering,
  components,
  criticalRandomRemoval,
  type DegreeFit,
  type DegreeReport,
  describeDegrees,
  fitDegrees,
  hubsFirst,
  inRandomOrder,
  kolmogorovSmirnov,
  largestPartAfterRemoving,
  pathLengths,
} from "../../../../src/theory/index.ts";

/** What the overlay was asked for; what is missing is not known. */
export interface AskedOverlay {
  readonly law: string;
  readonly exponent: number;
  readonly minDegree: number;
  readonly maxDegree: number;
}

export interface OverlayJob {
  readonly adjacency: readonly (readonly number[])[];
  readonly asked: AskedOverlay | undefined;
}

export interface OverlayMeasures {
  readonly nodes: number;
  readonly degrees: DegreeReport;
  /** Nodes of each part, the largest first. */
  readonly parts: readonly number[];
  readonly paths: {
    readonly diameter: number;
    readonly mean: number;
    /** Searches that it was found by; all nodes make it exact. */
    readonly sources: number;
    readonly isExact: boolean;
  };
  readonly clustering: number;
  /** Expected nodes by degree, under the law that was asked for; undefined where that has no formula. */
  readonly askedCounts: readonly number[] | undefined;
  /** Kolmogorov and Smirnov: the degrees beside as many drawn from the law that was asked for. */
  readonly askedPValue: number | undefined;
  /** Undefined for too few nodes, or none that is linked. */
  readonly fit: FitFigures | undefined;
  readonly removal: RemovalFigures;
}

export interface FitFigures {
  readonly best: DegreeFit["best"];
  readonly verdict: DegreeFit["verdict"];
  /** Degrees from here on are fitted; so many peers have fewer links. */
  readonly minDegree: number;
  readonly leftOut: number;
  /** Expected nodes by degree under the best law. */
  readonly bestCounts: readonly number[];
  readonly exponent: number;
  readonly exponentError: number;
  /** The power law against each alternative: positive favors the power law. */
  readonly against: readonly { readonly name: string; readonly ratio: number; readonly pValue: number }[];
}

export interface RemovalFigures {
  /** Share of nodes that went. */
  readonly removed: readonly number[];
  /** Share of all nodes in the largest part then. */
  readonly byHubs: readonly number[];
  readonly atRandom: readonly number[];
  readonly atRandomLow: readonly number[];
  readonly atRandomHigh: readonly number[];
  /** The greatest hubs in the order in which they would go, by place in the list. */
  readonly hubs: readonly number[];
  /** Largest part after the first of them went: one more than there are hubs. */
  readonly partsByHubs: readonly number[];
  /** Share that may go at random before a large network with these degrees falls apart. */
  readonly criticalShare: number;
}

/** Up to here every node is searched from. */
const exactNodes = 2000;
const sampledSources = 200;
/** Random orders. */
const removalRuns = 12;
/** Points of the curves. */
const removalPoints = 100;
const listedHubs = 50;
const maxDegreeDrawn = 20_000;
/** A two-sample test takes the product of the sizes. */
const maxTested = 1500;

export function measureOverlay({ adjacency, asked }: OverlayJob): OverlayMeasures {
  const nodes = adjacency.length;
  const degrees = adjacency.map((others) => others.length);
  const report = describeDegrees(degrees, asked?.law ?? "unknown");
  const law = asked === undefined ? undefined : askedLaw(asked, nodes);
  const found =
    nodes === 0
      ? { diameter: 0, meanPathLength: Number.NaN, sources: 0, isExact: true }
      : pathLengths(adjacency, { sources: nodes <= exactNodes ? nodes : sampledSources });
  return {
    nodes,
    degrees: report,
    parts: components(adjacency).map((part) => part.length),
    paths: {
      diameter: found.diameter,
      mean: found.meanPathLength,
      sources: found.sources,
      isExact: found.isExact,
    },
    clustering: clustering(adjacency),
    askedCounts: law === undefined ? undefined : countsOf(law, nodes),
    askedPValue: law === undefined || nodes === 0 ? undefined : testAgainst(degrees, law),
    fit: report.fit === undefined ? undefined : fitFigures(degrees, asked),
    removal: removalFigures(adjacency, degrees),
  };
}

/** The law of the wishes: with the network its cut-off grows. */
export function askedLaw(
  { law, exponent, minDegree, maxDegree }: AskedOverlay,
  nodes: number,
): DegreeLaw | undefined {
  const others = nodes - 1;
  if (others < 1) return undefined;
  const support = { minDegree, maxDegree: Math.max(minDegree, Math.min(maxDegree, others)) };
  switch (law) {
    case "power-law":
      return powerLaw({ exponent, ...support });
    case "seed-exponential":
      return seedExponential(support);
    case "uniform":
      return uniformDegree(Math.min(minDegree, others));
    case "preferential":
      // Barabási and Albert 1999, by the exact solution of Krapivsky, Redner and Leyvraz 2000: 2m(m+1)/(k(k+1)(k+2)).
      return degreeLaw({
        name: "preferential",
        minDegree,
        maxDegree: Math.max(minDegree, others),
        weight: (k) => 1 / (k * (k + 1) * (k + 2)),
        logWeight: (k) => -Math.log(k * (k + 1) * (k + 2)),
      });
    default:
      return undefined;
  }
}

/** To the end of the law: what lies beyond the degrees that occur is part of its tail. */
function countsOf(law: DegreeLaw, nodes: number): number[] {
  const length = Math.min(law.maxDegree, maxDegreeDrawn) + 1;
  return Array.from({ length }, (_, k) => nodes * law.probability(k));
}

function testAgainst(degrees: readonly number[], law: DegreeLaw): number {
  const random = seededRandom(1);
  const step = Math.max(1, degrees.length / maxTested);
  const observed = Array.from(
    { length: Math.min(degrees.length, maxTested) },
    (_, i) => degrees[Math.floor(i * step)]!,
  );
  return kolmogorovSmirnov(
    observed,
    observed.map(() => law.quantile(random.unit())),
  ).pValue;
}

/**
 * Who has fewer links than the least degree has lost some, or is about to get more: it says nothing of the law, unless
 * that is most of them.
 */
function fitFigures(degrees: readonly number[], asked: AskedOverlay | undefined): FitFigures {
  const least = asked?.minDegree ?? 1;
  const settled = degrees.filter((degree) => degree >= least).length;
  const options = 2 * settled >= degrees.length && settled >= 10 ? { minDegree: least } : {};
  const { best, verdict, fits, powerLawAgainst, observations, leftOut, minDegree } = fitDegrees(
    degrees,
    options,
  );
  const { parameter } = fits["power-law"];
  return {
    best,
    verdict,
    leftOut,
    minDegree,
    bestCounts: countsOf(fits[best].law, observations),
    exponent: parameter?.value ?? Number.NaN,
    exponentError: parameter?.standardError ?? Number.NaN,
    against: Object.entries(powerLawAgainst).map(([name, { logLikelihoodRatio, pValue }]) => ({
      name,
      ratio: logLikelihoodRatio,
      pValue,
    })),
  };
}

function removalFigures(adjacency: OverlayJob["adjacency"], degrees: readonly number[]): RemovalFigures {
  const nodes = adjacency.length;
  const order = hubsFirst(adjacency);
  const byHubs = largestPartAfterRemoving(adjacency, order);
  const random = seededRandom(1);
  const runs = Array.from({ length: removalRuns }, () =>
    largestPartAfterRemoving(adjacency, inRandomOrder(nodes, random)),
  );
  const points = Math.min(removalPoints, nodes);
  const steps = Array.from({ length: points + 1 }, (_, i) => Math.round((i * nodes) / Math.max(1, points)));
  const over = (of: (values: number[]) => number) => steps.map((step) => of(runs.map((run) => run[step]!)));
  return {
    removed: steps.map((step) => step / Math.max(1, nodes)),
    byHubs: steps.map((step) => byHubs[step]!),
    atRandom: over((values) => values.reduce((sum, value) => sum + value, 0) / values.length),
    atRandomLow: over((values) => Math.min(...values)),
    atRandomHigh: over((values) => Math.max(...values)),
    hubs: order.slice(0, listedHubs),
    partsByHubs: [...byHubs.slice(0, listedHubs + 1)],
    criticalShare: criticalRandomRemoval(degrees),
  };
}

/** Share of all nodes with so many neighbors or more, by degree: what a power law draws straight. */
export function tailShares(counts: readonly number[], nodes: number): number[] {
  let left = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => {
    const share = Math.min(1, left / nodes);
    left -= count;
    return Math.max(0, share);
  });
}
