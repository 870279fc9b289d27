/**
 * Anti-entropy, twice. How one update spreads when every node makes its replica and that of a random other the same once
 * in a cycle, by push, pull and push-pull; and what it costs to find d differences among 10^5 items, by ranges, by
 * Merkle trees and by sending everything.
 */
import {
  hashNumbers,
  Moments,
  type MomentsState,
  type PeerSampler,
  type Random,
  seededRandom,
} from "../../core/index.ts";
import {
  AntiEntropy,
  type AntiEntropyMode,
  type AntiEntropyNotice,
  RangeFingerprints,
  type ReconciliationCost,
  ReplicatedMap,
  reconcileByFullExchange,
  reconcileByMerkleTrees,
  reconcileByRanges,
} from "../../dissemination/index.ts";
import { Simulation } from "../../simulator/index.ts";
import { iterateRounds, type RoundStep, roundsByRecurrence, stepOf } from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { pieces } from "./pieces.ts";

const nodes = 1000;
const modes = ["push", "pull", "push-pull"] as const;
const items = 100_000;
const differences = [10, 1000, 10_000] as const;
const merkleLeaves = 32_768;

export type AntiEntropyTask =
  | {
      readonly type: "spread";
      readonly mode: AntiEntropyMode;
      readonly seed: number;
      readonly firstRun: number;
      readonly runs: number;
    }
  | { readonly type: "reconcile"; readonly differences: number; readonly seed: number; readonly run: number };

/** By figure, or by cycle. */
export type AntiEntropySample = Readonly<Record<string, MomentsState>>;

const runsPerTask = 10;
/** Sets of random ids are much alike: a few are enough. */
const reconciliationsOf = (runs: number) => Math.max(2, Math.ceil(runs / 12));

export const antiEntropyExperiment: Experiment<AntiEntropyTask, AntiEntropySample> = {
  name: "anti-entropy",
  description: "One update by push, pull and push-pull anti-entropy; bytes to find differences of two sets",
  source:
    "Demers et al. 1987, section 1.3; Meyer 2023, Range-Based Set Reconciliation; Cassandra's repair; reference measurements",
  defaultRuns: 96,
  quickRuns: 12,

  plan: ({ seed, runs }) => [
    ...modes.flatMap((mode) =>
      pieces(runs, runsPerTask).map((piece): AntiEntropyTask => ({ type: "spread", mode, seed, ...piece })),
    ),
    ...differences.flatMap((count) =>
      Array.from({ length: reconciliationsOf(runs) }, (_, run): AntiEntropyTask => {
        return { type: "reconcile", differences: count, seed, run };
      }),
    ),
  ],

  measure: (task) => {
    if (task.type === "reconcile") return measureReconciliation(task);
    const sums = new Sums();
    for (let run = task.firstRun; run < task.firstRun + task.runs; run++) {
      const curve = spread(task.mode, hashNumbers([task.seed, modes.indexOf(task.mode), run]));
      sums.add("cycles", curve.length - 1);
      sums.add("step", stepAgainst(stepOf({ mode: task.mode, n: nodes }), curve));
      for (let cycle = 0; cycle < shownCycles; cycle++) sums.add(`${cycle}`, 1 - (curve[cycle] ?? 0));
    }
    return sums.toJSON();
  },

  report: (_, tasks, samples) => {
    const of = (matches: (task: AntiEntropyTask) => boolean): MomentsOf => {
      const chosen = samples.filter((_, i) => matches(tasks[i]!));
      return (figure) => {
        const all = new Moments();
        for (const sample of chosen) all.merge(Moments.from(sample[figure]!));
        return all.toJSON();
      };
    };
    const ofMode = (mode: AntiEntropyMode) => of((task) => task.type === "spread" && task.mode === mode);
    const ofDifferences = (count: number) =>
      of((task) => task.type === "reconcile" && task.differences === count);
    return {
      rows: [
        ...modes.flatMap((mode) => spreadRows(mode, ofMode(mode))),
        ...differences.flatMap((count) => reconciliationRows(count, ofDifferences(count))),
      ],
      charts: [spreadChart(ofMode), bytesChart(ofDifferences)],
      notes: [
        "Events, not rounds: all nodes call at the multiples of the interval, and a message takes a thousandth of it. In push and pull nobody learns anything before all have called, so cycles are synchronous rounds, and are held against them. In push-pull a node that has just been told tells those whose calls arrive after that: it is faster than synchronous rounds (9.16), and has no gate.",
        "Published are our reference measurements of the random phone call model, in synchronous rounds. Theory of the cycles is the recurrence until fewer than half a node is left, in whole rounds.",
        "The step is what is left over after a cycle, divided by what the recurrence makes of what there was before it: summed over the cycles of a run in which 5 % to 95 % did not know. Pull squares it, so it ends faster and faster; push divides it by e.",
        `Bytes are those of ${items.toLocaleString("en")} ids of 32 bytes that both have and d that one of the two has, half of them each; values would come on top, for each item sent. Ranges are cut into 16, lists have up to 16 ids; Merkle trees have ${merkleLeaves.toLocaleString("en")} leaves, as Cassandra's.`,
        "At 10^6 items and d = 1,000 ranges take less than a twentieth of the full exchange: bench/epidemics/reconciliation.mjs. Here, with a tenth of the items and as many differences, they cannot.",
      ],
    };
  },
};

type MomentsOf = (figure: string) => MomentsState;

class Sums {
  readonly #moments = new Map<string, Moments>();

  add(figure: string, value: number): void {
    const moments = this.#moments.get(figure) ?? new Moments();
    this.#moments.set(figure, moments);
    moments.add(value);
  }
  toJSON(): AntiEntropySample {
    return Object.fromEntries([...this.#moments].map(([figure, moments]) => [figure, moments.toJSON()]));
  }
}

// ---- The spread of one update ---------------------------------------------------------------------------------------

const intervalMs = 1000;
const shownCycles = 26;

/** All nodes but this one, uniformly. */
class AllOthers implements Pick<PeerSampler, "sample"> {
  readonly #self: number;

  constructor(self: number) {
    this.#self = self;
  }

  sample(_count: number, random: Random) {
    const other = random.below(nodes - 1);
    return [{ peer: other < this.#self ? other : other + 1, since: 0 }];
  }
}

/** The share that lacks the update, before the first cycle, after it, … up to the one after which nobody does. */
export function spread(mode: AntiEntropyMode, seed: number): number[] {
  let missing = nodes - 1;
  const simulation = new Simulation({
    seed,
    rows: nodes,
    links: { latency: { model: "constant", ms: 1 } },
    onNotice: (_row, notice: AntiEntropyNotice) => {
      if (notice.type === "updated") missing--;
    },
  });
  for (let row = 0; row < nodes; row++) {
    const map = new ReplicatedMap(row);
    const peers = new AllOthers(row);
    simulation.host(row, new AntiEntropy({ map, peers, options: { mode, timing: "aligned", intervalMs } }));
  }
  simulation.command(0, { type: "put", key: "update", value: "!" });
  const curve = [missing / nodes];
  while (missing > 0) {
    // From half an interval before a cycle to half an interval after it: a contact takes a few milliseconds.
    simulation.run((curve.length + 0.5) * intervalMs);
    curve.push(missing / nodes);
  }
  return curve;
}

/** What is left over, beside what theory makes of what there was: 1 if it is right. */
export function stepAgainst(step: RoundStep, curve: readonly number[]): number {
  let [measured, theory] = [0, 0];
  for (let cycle = 1; cycle < curve.length; cycle++) {
    const before = curve[cycle - 1]!;
    if (before < 0.05 || before > 0.95) continue;
    measured += curve[cycle]!;
    theory += step(before);
  }
  return measured / theory;
}

const published = { push: 18.0, pull: 13.7, "push-pull": 9.16 } as const;

function spreadRows(mode: AntiEntropyMode, of: MomentsOf): ReproductionRow[] {
  const name = `n = ${nodes}, ${mode}`;
  const [cycles, step] = [of("cycles"), of("step")];
  const isSynchronous = mode !== "push-pull";
  const cyclesGate = gateAround({
    expected: published[mode],
    source: "published",
    measured: cycles,
    slack: 0.2,
    slackWhy: "half of its last digit and 0.15 for chance of its own",
  });
  const stepGate = gateAround({
    expected: 1,
    source: "theory",
    measured: step,
    slack: 0.005,
    slackWhy: "0.005 for terms of 1/n",
  });
  return [
    {
      of: name,
      figure: "cycles to all",
      published: published[mode],
      theory: roundsByRecurrence({ mode, n: nodes, left: 0.5 }),
      measured: cycles,
      ...(isSynchronous && cyclesGate !== undefined && { gate: cyclesGate }),
    },
    {
      of: name,
      figure: "step against the recurrence",
      theory: 1,
      measured: step,
      ...(isSynchronous && stepGate !== undefined && { gate: stepGate }),
    },
  ];
}

function spreadChart(ofMode: (mode: AntiEntropyMode) => MomentsOf): Chart {
  const at = Array.from({ length: shownCycles }, (_, cycle) => cycle);
  return {
    id: "anti-entropy-spread",
    title: "One update by anti-entropy",
    note: `Lines are the recurrences of synchronous rounds from one node of ${nodes}; points are measured. Push-pull is faster than its line because messages of one cycle arrive one after the other.`,
    x: { label: "cycles" },
    y: { label: "nodes that have it (%)" },
    at,
    series: modes.flatMap((mode, color) => [
      {
        label: `recurrence: ${mode}`,
        style: "line" as const,
        color,
        values: iterateRounds(stepOf({ mode, n: nodes }), 1 - 1 / nodes, shownCycles - 1).map(
          (p) => 100 * (1 - p),
        ),
      },
      measuredSeries(
        { label: `measured: ${mode}`, color },
        at.map((cycle) => inPercent(ofMode(mode)(`${cycle}`))),
      ),
    ]),
  };
}

function inPercent({ count, mean, squares, min, max }: MomentsState): MomentsState {
  return { count, mean: 100 * mean, squares: 1e4 * squares, min: 100 * min, max: 100 * max };
}

// ---- The differences of two sets ------------------------------------------------------------------------------------

/** The bound on messages is of a network where any message fits: so are these. */
const unbounded = { maxRanges: 100_000_000, maxIds: 100_000_000 };

const methods = {
  ranges: (sets: readonly [RangeFingerprints, RangeFingerprints]) => reconcileByRanges(sets, unbounded),
  "Merkle trees": reconcileByMerkleTrees,
  "full exchange": reconcileByFullExchange,
} satisfies Record<string, (sets: readonly [RangeFingerprints, RangeFingerprints]) => ReconciliationCost>;
type Method = keyof typeof methods;
const methodNames = Object.keys(methods) as Method[];

/** Two sets of random ids: so many that both have, and `differences` that one has, half of them each. */
export function twoSets({
  items,
  differences,
  seed,
}: {
  readonly items: number;
  readonly differences: number;
  readonly seed: number;
}): readonly [RangeFingerprints, RangeFingerprints] {
  const random = seededRandom(seed);
  const words = (count: number) => Uint32Array.from({ length: 8 * count }, () => random.uint32());
  const common = new Uint8Array(words(items).buffer);
  const withOwn = (count: number) => {
    const own = new Uint8Array(words(count).buffer);
    const packed = new Uint8Array(common.length + own.length);
    packed.set(common);
    packed.set(own, common.length);
    return RangeFingerprints.of(packed);
  };
  const first = Math.floor(differences / 2);
  return [withOwn(first), withOwn(differences - first)];
}

function measureReconciliation({
  differences,
  seed,
  run,
}: Extract<AntiEntropyTask, { type: "reconcile" }>): AntiEntropySample {
  const sums = new Sums();
  const sets = twoSets({ items, differences, seed: hashNumbers([seed, differences, run]) });
  for (const method of methodNames) {
    const { messages, bytes, itemsInVain, gained } = methods[method](sets);
    const found = gained.reduce((sum, { length }) => sum + length / 32, 0);
    sums.add(`${method} messages`, messages);
    sums.add(`${method} bytes`, bytes);
    sums.add(`${method} in vain`, itemsInVain);
    sums.add(`${method} found`, found / differences);
  }
  return sums.toJSON();
}

/** One id of 32 bytes each: the list of A, its length, the type; and what B answers. */
function fullExchangeBytes(count: number): number {
  const [first, second] = [items + Math.floor(count / 2), count - Math.floor(count / 2)];
  const varint = (value: number) => (value < 128 ? 1 : value < 16_384 ? 2 : 3);
  return 1 + varint(first) + 32 * first + 1 + varint(second) + 32 * second;
}

function reconciliationRows(count: number, of: MomentsOf): ReproductionRow[] {
  const name = `10^5 items, d = ${count}`;
  const isExact = { low: 1, high: 1, why: "both have the union of the two sets afterwards" };
  const full = fullExchangeBytes(count);
  // 2 + 2 ceil(log_b nMin) - floor(log_b t), with b = t = 16.
  const bound = 2 + 2 * 5 - 1;
  const shareOfLeaves = 1 - (1 - 1 / merkleLeaves) ** count;
  const inVain = of("Merkle trees in vain");
  // Each leaf differs or not, with chance q, and has a Poisson number of the items that both have.
  const perLeaf = items / merkleLeaves;
  const varianceOfLeaf = shareOfLeaves * (perLeaf + (1 - shareOfLeaves) * perLeaf ** 2);
  const reach = (5 * 2 * Math.sqrt(merkleLeaves * varianceOfLeaf)) / Math.sqrt(inVain.count);
  const expectedInVain = 2 * items * shareOfLeaves;
  return [
    ...methodNames.flatMap((method): ReproductionRow[] => [
      {
        of: name,
        figure: `bytes by ${method}`,
        measured: of(`${method} bytes`),
        ...(method === "full exchange" && {
          theory: full,
          gate: { low: full, high: full, why: "the encoding says it" },
        }),
      },
      {
        of: name,
        figure: `differences found by ${method}`,
        theory: 1,
        measured: of(`${method} found`),
        gate: isExact,
      },
    ]),
    {
      of: name,
      figure: "messages by ranges",
      theory: bound,
      measured: of("ranges messages"),
      gate: { low: 3, high: bound, why: "at most 2 + 2 ceil(log_b nMin) - floor(log_b t), Meyer 2023" },
    },
    {
      of: name,
      figure: "items in vain by Merkle trees",
      theory: expectedInVain,
      measured: inVain,
      gate: {
        low: expectedInVain - reach,
        high: expectedInVain + reach,
        why: "both send all that a leaf has which differs, ±5 standard errors of theory",
      },
    },
  ];
}

function bytesChart(ofDifferences: (count: number) => MomentsOf): Chart {
  return {
    id: "anti-entropy-bytes",
    title: "Bytes to make two sets of 10^5 items the same",
    note: "Ids of 32 bytes. The line is the full exchange, as the encoding says.",
    x: { label: "differences", isLogarithmic: true },
    y: { label: "bytes", isLogarithmic: true },
    at: differences,
    series: [
      { label: "full exchange", style: "line", color: 2, values: differences.map(fullExchangeBytes) },
      ...methodNames.map((method, color) =>
        measuredSeries(
          { label: `measured: ${method}`, color },
          differences.map((count) => ofDifferences(count)(`${method} bytes`)),
        ),
      ),
    ],
  };
}
