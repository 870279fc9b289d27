/**
 * What the two phases of bimodal multicast deliver where datagrams get lost (Birman and others 1999): the tree alone,
 * and after so many rounds of gossip.
 *
 * One run is a number of messages that random members of a group send at the same moment.
 */
import { hashNumbers, Moments, type MomentsState, seededRandom } from "../../core/index.ts";
import { digestGossipAfter, digestGossipStep, iterateRounds, treeReach } from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import { BimodalGroup, multicastTreeOf } from "./bimodal-group.ts";
import type { ExperimentPart, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";

interface Task {
  readonly loss: number;
  readonly seeds: readonly number[];
}

/** Moments over the messages; the places of the lists are rounds after the multicast. */
interface Sample {
  /** The share of the others that the tree alone brings a message to. */
  readonly reached: MomentsState;
  /** The share that lacks a message, of those that are followed. */
  readonly missing: readonly MomentsState[];
  /** The same by theory, from what each message left out when its multicast was over. */
  readonly inStep: readonly MomentsState[];
  readonly eachAlone: readonly MomentsState[];
}

const nodes = 256;
const treeDegree = 4;
const losses = [0.05, 0.1, 0.2];
const messages = 128;
const roundMs = 100;
const sentAtMs = 100;
/** A millisecond for each hop: then the multicast is over. */
const multicastMs = 20;
const rounds = 7;
const shownRounds = [1, 2, 4, 7];
/** Then so few are left that it matters that all messages of a run share its calls. */
const lastGated = 2;
/** A solicited copy that comes from a neighbor in the tree goes on along it, which theory leaves out. */
const alongTree = 0.1;
/**
 * Messages that the multicast brought to fewer nodes are not followed: while there are few, it is chance that decides
 * how long the next ones take, and the equations are of means.
 */
const leastReached = 0.1;

const runsPerTask = 4;
/** So many runs of the experiment are one of these. */
const runsPerRun = 5000;

export const lossPart: ExperimentPart<Task, Sample> = {
  plan: ({ seed, runs }) => {
    const count = Math.max(2, Math.round(runs / runsPerRun));
    const shown = runs < 2 * runsPerRun ? losses.slice(1, 2) : losses;
    return shown.flatMap((loss) =>
      Array.from({ length: Math.ceil(count / runsPerTask) }, (_, i): Task => {
        const length = Math.min(runsPerTask, count - i * runsPerTask);
        return { loss, seeds: Array.from({ length }, (_, run) => hashNumbers([seed, 100 * loss, i, run])) };
      }),
    );
  },

  measure: ({ loss, seeds }) => {
    const reached = new Moments();
    const [missing, inStep, eachAlone] = [moments(), moments(), moments()];
    for (const seed of seeds) {
      reached.merge(reachedByTree(loss, hashNumbers([seed, 1])));
      followMissing(loss, hashNumbers([seed, 2]), { missing, inStep, eachAlone });
    }
    const state = (one: Moments) => one.toJSON();
    return {
      reached: state(reached),
      ...{ missing: missing.map(state), inStep: inStep.map(state), eachAlone: eachAlone.map(state) },
    };
  },

  report: (_, tasks, samples) => {
    const measured = losses.flatMap((loss) => {
      const own = samples.filter((_, i) => tasks[i]!.loss === loss);
      return own.length === 0 ? [] : [{ loss, sample: merged(own) }];
    });
    const tree = multicastTreeOf({ nodes, degree: treeDegree });
    return {
      rows: measured.flatMap(({ loss, sample }) => rowsOf(loss, sample, treeReach({ tree, loss }))),
      charts: [lossChart(measured)],
      notes: [
        `Loss: ${nodes} nodes, datagrams of 1 ms, rounds of ${roundMs} ms that are not synchronised. The tree alone is the mean of (1-loss)^hops over all pairs.`,
        `Gossip starts from what the multicast left out, message by message; those that reached fewer than ${Math.round(100 * leastReached)} % are not followed. Theory shown: everybody has rounds of its own and solicits at every digest, dp/dt = -(1-loss)^3 p(1-p) per round. It is slower in truth, for a node solicits a message once in a round; quicker than rounds in step; and a little quicker than theory where a solicited copy comes from a neighbor in the tree, along which it goes on. The gates of one and two rounds allow for all three. After more rounds few nodes are left, and all messages of a run share its calls: no gate.`,
      ],
    };
  },
};

// ---- Runs ------------------------------------------------------------------------------------------------------

function moments(): Moments[] {
  return Array.from({ length: rounds + 1 }, () => new Moments());
}

/** By rounds after the multicast. */
type Curve = readonly Moments[];

function followMissing(
  loss: number,
  seed: number,
  curves: { readonly missing: Curve; readonly inStep: Curve; readonly eachAlone: Curve },
): void {
  const lacking = new Float64Array(messages).fill(nodes - 1);
  const { simulation } = lossyGroup({ seed, gossips: true, loss, lacking });
  simulation.run(sentAtMs + multicastMs);
  const starts = lacking.map((count) => count / nodes);
  const expected = Array.from(starts, (p) =>
    iterateRounds((share) => digestGossipStep({ p: share, loss }), p, rounds),
  );
  for (let round = 0; round <= rounds; round++) {
    simulation.run(sentAtMs + multicastMs + round * roundMs);
    for (const [i, start] of starts.entries()) {
      if (start > 1 - leastReached) continue;
      curves.missing[round]!.add(lacking[i]! / nodes);
      curves.inStep[round]!.add(expected[i]![round]!);
      curves.eachAlone[round]!.add(digestGossipAfter({ p: start, loss, rounds: round }));
    }
  }
}

function reachedByTree(loss: number, seed: number): Moments {
  const lacking = new Float64Array(messages).fill(nodes - 1);
  lossyGroup({ seed, gossips: false, loss, lacking }).simulation.run(sentAtMs + multicastMs);
  return Moments.of(lacking.map((count) => 1 - count / (nodes - 1)));
}

interface LossyGroupSettings {
  readonly seed: number;
  readonly gossips: boolean;
  readonly loss: number;
  /** How many lack a message: counted down. */
  readonly lacking: Float64Array;
}

function lossyGroup({ seed, gossips, loss, lacking }: LossyGroupSettings): BimodalGroup {
  const random = seededRandom(hashNumbers([seed, 1]));
  const numbers = new Map<string, number>();
  const group = new BimodalGroup({
    ...{ seed, nodes, gossips },
    options: { roundMs, treeDegree },
    links: { latency: { model: "constant", ms: 1 }, loss },
    onDelivered: (_row, { origin, sequence }) => {
      lacking[numbers.get(`${origin}/${sequence}`)!]!--;
    },
  });
  const sent = new Uint32Array(nodes);
  for (let i = 0; i < lacking.length; i++) {
    const origin = random.below(nodes);
    numbers.set(`${origin}/${sent[origin]!++}`, i);
    group.publish(origin, sentAtMs);
  }
  return group;
}

function merged(samples: readonly Sample[]): Sample {
  const together = (states: readonly MomentsState[]) => {
    const all = new Moments();
    for (const state of states) all.merge(Moments.from(state));
    return all.toJSON();
  };
  const byRounds = (of: (sample: Sample) => readonly MomentsState[]) =>
    of(samples[0]!).map((_, round) => together(samples.map((sample) => of(sample)[round]!)));
  return {
    reached: together(samples.map(({ reached }) => reached)),
    missing: byRounds(({ missing }) => missing),
    inStep: byRounds(({ inStep }) => inStep),
    eachAlone: byRounds(({ eachAlone }) => eachAlone),
  };
}

// ---- Rows ------------------------------------------------------------------------------------------------------

const nameOf = (loss: number) => `loss ${Math.round(100 * loss)} %`;

function rowsOf(
  loss: number,
  { reached, missing, inStep, eachAlone }: Sample,
  expected: number,
): ReproductionRow[] {
  const ofTree = gateAround({ expected, source: "theory", measured: reached });
  return [
    {
      ...{ of: nameOf(loss), figure: "reached by the tree alone", theory: expected, measured: reached },
      ...(ofTree !== undefined && { gate: ofTree }),
    },
    ...shownRounds.map((round): ReproductionRow => {
      const quick = eachAlone[round]!.mean;
      const [low, high] = [quick * (1 - alongTree), inStep[round]!.mean];
      const gate =
        round > lastGated
          ? undefined
          : gateAround({
              ...{ expected: (low + high) / 2, source: "theory", measured: missing[round]! },
              ...{ slack: (high - low) / 2, slackWhy: "from each for itself less a tenth to rounds in step" },
            });
      return {
        of: nameOf(loss),
        figure: `missing after ${round} ${round === 1 ? "round" : "rounds"}`,
        theory: quick,
        measured: missing[round]!,
        ...(gate !== undefined && { gate }),
      };
    }),
  ];
}

// ---- Chart -----------------------------------------------------------------------------------------------------

function lossChart(measured: readonly { readonly loss: number; readonly sample: Sample }[]): Chart {
  const positive = ({ mean }: MomentsState) => (mean > 0 ? mean : null);
  return {
    id: "bimodal-loss",
    title: "Bimodal: what loss leaves out, and gossip brings",
    note: "The share of nodes that lack a message so many rounds after its multicast. Lines: if every digest were answered. Dotted: in synchronous rounds.",
    x: { label: "rounds after the multicast" },
    y: { label: "share that lacks it", isLogarithmic: true },
    at: Array.from({ length: rounds + 1 }, (_, round) => round),
    series: measured.flatMap(({ loss, sample: { missing, inStep, eachAlone } }, color) => {
      const points = measuredSeries({ label: `${nameOf(loss)}: measured`, color }, missing);
      const low = points.interval!.low.map((value) => (value !== null && value > 0 ? value : null));
      return [
        {
          ...{ label: `${nameOf(loss)}: every digest answered`, style: "line" as const, color },
          values: eachAlone.map(positive),
        },
        {
          ...{ label: `${nameOf(loss)}: in step`, style: "dotted" as const, color },
          values: inStep.map(positive),
        },
        { ...points, interval: { low, high: points.interval!.high } },
      ];
    }),
  };
}
