/**
 * What a way of spreading left out, and what it was expected to: beside the residue of a network stands that of the
 * same rules, spread again and again over the very overlay, by the column protocol that the published tables are
 * measured with.
 */
import { type Environment, hashNumbers, Moments, type NodeId } from "../core/index.ts";
import {
  assumedNodes,
  type BroadcastMethod,
  type BroadcastOptions,
  broadcastOptions,
  MedianCounter,
  type Partners,
  Rumor,
} from "../dissemination/index.ts";
import { Simulation } from "../simulator/index.ts";
import { residueOfTraffic } from "../theory/index.ts";

export interface SpreadingReport {
  readonly method: BroadcastMethod;
  /** Share of (peer, message) pairs that the spreading, and whatever repaired it, left without the message. */
  readonly residue: number;
  /** Share of all deliveries that were copies sent by the history: what the spreading had left. 0 without repair. */
  readonly repaired: number;
  /** Calls of a peer (by anti-entropy, comparisons that it began), and offers that it made, in the mean. */
  readonly callsPerPeer: number;
  readonly offersPerPeer: number;
  /** Where the spreading has a model of its own: rumor and median-counter. */
  readonly predicted?: PredictedResidue;
}

export interface PredictedResidue {
  /** Mean of so many runs over this overlay, from a random peer, and the 95 % interval of that mean. */
  readonly residue: number;
  readonly low: number;
  readonly high: number;
  readonly runs: number;
  /** For push: s = e^-m with the m of this network, the offers of a peer for each message (Demers et al. 1987, 1.4). */
  readonly ofTraffic?: number;
}

export interface SpreadingFigures {
  readonly options: Partial<BroadcastOptions> | undefined;
  /** Of the peers, by index. */
  readonly adjacency: readonly (readonly number[])[];
  readonly messages: number;
  readonly deliveries: number;
  readonly expected: number;
  readonly counters: readonly {
    readonly repairs: number;
    readonly calls: number;
    readonly offers: number;
    readonly comparisons: number;
  }[];
}

/** Enough for two digits of a few percent, and no more than a second or so. */
const mostRuns = 400;
const nodeRunsAtMost = 40_000;
/** Rounds after which a rumor that never stops is stopped. */
const maxRounds = 400;
/** Between two calls; a message takes a hundredth of it, as on a local network that is not busy. */
const intervalMs = 100;
const latencyMs = 1;

/** Undefined for a flood and for Plumtree, which leave nothing out. */
export function spreadingReport(figures: SpreadingFigures): SpreadingReport | undefined {
  const { adjacency, messages, deliveries, expected, counters } = figures;
  const options = broadcastOptions(figures.options);
  if (options.method === "flood" || options.method === "plumtree") return undefined;
  const peers = Math.max(1, counters.length);
  const sum = (name: "repairs" | "calls" | "offers" | "comparisons") =>
    counters.reduce((total, one) => total + one[name], 0);
  const predicted = predictResidue(options, adjacency);
  const offersPerMessage = messages === 0 ? 0 : sum("offers") / messages / peers;
  return {
    method: options.method,
    residue: expected === 0 ? 0 : rounded(1 - deliveries / expected),
    // Where comparing is all that there is, it repairs nothing.
    repaired:
      options.method === "anti-entropy" || deliveries === 0
        ? 0
        : rounded(Math.min(1, sum("repairs") / deliveries)),
    callsPerPeer: rounded(sum(options.method === "anti-entropy" ? "comparisons" : "calls") / peers),
    offersPerPeer: rounded(sum("offers") / peers),
    ...(predicted === undefined
      ? {}
      : {
          predicted: {
            ...predicted,
            ...(options.method === "rumor" && options.mode === "push"
              ? { ofTraffic: rounded(residueOfTraffic(offersPerMessage)) }
              : {}),
          },
        }),
  };
}

/** Spreads one message at a time over the graph, or among all where partners are members. */
export function predictResidue(
  options: BroadcastOptions,
  adjacency: readonly (readonly number[])[],
): PredictedResidue | undefined {
  const nodes = adjacency.length;
  if (nodes < 2 || (options.method !== "rumor" && options.method !== "median-counter")) return undefined;
  const runs = Math.max(20, Math.min(mostRuns, Math.floor(nodeRunsAtMost / nodes)));
  const residues = new Moments();
  for (let seed = 0; seed < runs; seed++) residues.add(residueOfRun(options, adjacency, seed));
  const { low, high } = residues.confidenceInterval();
  return { residue: rounded(residues.mean), low: rounded(Math.max(0, low)), high: rounded(high), runs };
}

function residueOfRun(
  options: BroadcastOptions,
  adjacency: readonly (readonly number[])[],
  seed: number,
): number {
  const rows = adjacency.length;
  const partners = options.partners === "members" ? undefined : new GraphPartners(adjacency);
  const column =
    options.method === "rumor" ? rumorOf(options, rows, partners) : medianOf(options, rows, partners);
  const simulation = new Simulation({ seed, rows, links: { latency: { model: "constant", ms: latencyMs } } });
  simulation.hostAll(column);
  simulation.command(hashNumbers([seed]) % rows, { type: "infect" });
  simulation.run(0);
  for (let round = 1; round <= maxRounds && column.informed < rows && column.spreading > 0; round++)
    simulation.run(round * intervalMs);
  // What was under way when the last one stopped.
  simulation.run(simulation.time + intervalMs);
  return 1 - column.informed / rows;
}

function rumorOf(options: BroadcastOptions, rows: number, partners: Partners | undefined): Rumor {
  const { mode, stop, hasFeedback, stopAfter, isMinimised, connectionLimit, huntLimit } = options;
  return new Rumor({
    rows,
    partners,
    options: {
      ...{ mode, stop, hasFeedback, stopAfter, isMinimised, connectionLimit, intervalMs },
      huntLimit: connectionLimit === 0 ? 0 : huntLimit,
      isQuiet: true,
    },
  });
}

function medianOf(options: BroadcastOptions, rows: number, partners: Partners | undefined): MedianCounter {
  const { ctrMax, cRounds, ageCapRounds } = options;
  // As many nodes as a live one assumes that there are.
  return new MedianCounter({
    rows,
    nodes: assumedNodes,
    partners,
    options: { ctrMax, cRounds, ageCapRounds, intervalMs, isQuiet: true },
  });
}

/** A random neighbor; who has none calls itself, which is of no use to anybody. */
class GraphPartners implements Partners {
  readonly #adjacency: readonly (readonly number[])[];

  constructor(adjacency: readonly (readonly number[])[]) {
    this.#adjacency = adjacency;
  }

  choose({ row, random }: Pick<Environment, "row" | "random">): NodeId {
    const neighbors = this.#adjacency[row]!;
    return neighbors.length === 0 ? row : neighbors[random.below(neighbors.length)]!;
  }
}

/** One line for people. */
export function spreadingLine({
  method,
  residue,
  repaired,
  callsPerPeer,
  predicted,
}: SpreadingReport): string {
  const percent = (share: number) => `${Number((100 * share).toPrecision(3))} %`;
  const parts = [`spread by ${method}: residue ${percent(residue)}`];
  if (predicted !== undefined) {
    const { residue: expected, low, high, runs, ofTraffic } = predicted;
    parts.push(
      `${percent(expected)} predicted without repair (${percent(low)} to ${percent(high)}, ${runs} runs over this overlay)`,
    );
    if (ofTraffic !== undefined) parts.push(`${percent(ofTraffic)} by e^-m`);
  }
  if (repaired > 0) parts.push(`${percent(repaired)} of the deliveries by the history`);
  parts.push(`${callsPerPeer} ${method === "anti-entropy" ? "comparisons" : "calls"} per peer`);
  return parts.join(", ");
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
