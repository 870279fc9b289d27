/**
 * Chord when many nodes fail at once and nothing is repaired: paths, time-outs, and whether keys are still found
 * (Stoica et al. 2003, section VI-D).
 */
import { hashNumbers, seededRandom } from "../../core/index.ts";
import { chordPaths } from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import {
  listLength,
  lookUp,
  type ModelSample,
  modelGate,
  modelSample,
  once,
  overRings,
  quantileOf,
  type RingSample,
  staticRing,
  whole,
} from "./chord-network.ts";
import type { Experiment, ReproductionRow } from "./experiment.ts";
import type { Flags } from "./flags.ts";
import { measuredSeries } from "./measured-series.ts";

interface Configuration {
  readonly nodes: number;
  readonly successors: number;
  readonly failed: number;
  readonly lookups: number;
}

interface Task extends Configuration {
  readonly kind: "ring" | "model";
  readonly seed: number;
}

interface Sample {
  readonly ring?: RingSample;
  readonly model?: ModelSample;
}

const shares = [0, 0.1, 0.2, 0.5];
/** The paper's table, recalled: mean, 1st and 99th percentile of path and time-outs. */
const published: Readonly<Record<number, readonly [path: number[], timeouts: number[]]>> = {
  0: [
    [3.84, 2, 5],
    [0, 0, 0],
  ],
  0.1: [
    [4.03, 2, 6],
    [0.6, 0, 2],
  ],
  0.2: [
    [4.22, 2, 6],
    [1.17, 0, 3],
  ],
  0.5: [
    [5.09, 3, 8],
    [5.1, 0, 11],
  ],
};

function configurationsOf(flags: Flags): Configuration[] {
  const nodes = whole(flags, "nodes");
  const lookups = whole(flags, "lookups");
  const given = flags["failed"] as number;
  const successors = listLength(flags, nodes);
  return (given < 0 ? shares : [given]).map((failed) => ({ nodes, successors, failed, lookups }));
}

export const chordFailuresExperiment: Experiment<Task, Sample> = {
  name: "chord-failures",
  description:
    "Chord with up to half of all nodes dead and no repair: longer paths, time-outs, no failed lookup",
  source: "Stoica et al. 2003 (ToN 11), section VI-D, table II (recalled); reference model",
  defaultRuns: 40,
  quickRuns: 4,
  flags: [
    { name: "nodes", description: "N before the failures", default: 1000, min: 2, max: 1_000_000 },
    { name: "successors", description: "length of the list; 0: 2 log2 N", default: 20, min: 0, max: 64 },
    {
      name: "failed",
      description: "share of dead nodes; -1: 0, 0.1, 0.2 and 0.5",
      default: -1,
      min: -1,
      max: 0.9,
    },
    { name: "lookups", description: "lookups in each network", default: 1000, min: 1, max: 1_000_000 },
  ],

  plan: ({ seed, runs, flags }) =>
    configurationsOf(flags).flatMap((configuration): Task[] => [
      { ...configuration, kind: "model", seed: hashNumbers([seed, 99]) },
      ...Array.from({ length: runs }, (_, run): Task => {
        return { ...configuration, kind: "ring", seed: hashNumbers([seed, run]) };
      }),
    ]),

  measure: ({ kind, seed, nodes, successors, failed, lookups }) => {
    const random = seededRandom(hashNumbers([seed, Math.round(failed * 1e6)]));
    if (kind === "model")
      return {
        model: modelSample(chordPaths({ n: nodes, listSize: successors, failed, rings: 40, random })),
      };
    const network = staticRing({ seed, nodes, successors, failed, routesOverList: true });
    return { ring: lookUp(network, lookups, random) };
  },

  report: ({ flags }, tasks, samples) => {
    const configurations = configurationsOf(flags);
    const of = <Kind extends keyof Sample>({ failed }: Configuration, kind: Kind) =>
      samples
        .filter((_, i) => tasks[i]!.failed === failed)
        .flatMap((sample) => sample[kind] ?? []) as NonNullable<Sample[Kind]>[];
    return {
      rows: configurations.flatMap((one) => rowsOf(one, of(one, "ring"), of(one, "model")[0]!)),
      charts: [
        chartOf(
          configurations,
          (one) => of(one, "ring"),
          (one) => of(one, "model")[0]!,
        ),
      ],
      notes: [
        "Tables are exact before the failures; after them nothing is repaired. Each dead node that is tried counts once in a lookup, and is remembered within it only.",
        "Dead nodes behind the key that are tried as its owner are not on the path and not counted: a running network stabilises with its first live successor.",
        "Published figures are recalled; gates are around the model. Its tails, and ours, are longer than the paper's.",
      ],
    };
  },
};

function rowsOf(
  { nodes, failed, successors }: Configuration,
  rings: readonly RingSample[],
  model: ModelSample,
): ReproductionRow[] {
  const of = `N = ${nodes}, r = ${successors}, ${100 * failed} % failed`;
  const known = nodes === 1000 && successors === 20 ? published[failed] : undefined;
  const hops = overRings(rings, "hops");
  const timeouts = overRings(rings, "timeouts");
  const missed = rings.reduce((sum, ring) => sum + ring.failed, 0);
  const lookups = rings.reduce((sum, ring) => sum + ring.lookups, 0);
  const row = (figure: string, value: number, recalled: number | undefined): ReproductionRow => {
    return { of, figure, measured: once(value), ...(recalled !== undefined && { published: recalled }) };
  };
  return [
    {
      ...{ of, figure: "hops", measured: hops },
      ...(known !== undefined && { published: known[0][0]! }),
      ...modelGate(hops, model.hops),
    },
    row("hops, 1st percentile", quantileOf(rings, "hopCounts", 0.01), known?.[0][1]),
    row("hops, 99th percentile", quantileOf(rings, "hopCounts", 0.99), known?.[0][2]),
    {
      ...{ of, figure: "time-outs", measured: timeouts },
      ...(known !== undefined && { published: known[1][0]! }),
      ...modelGate(timeouts, model.timeouts),
    },
    row("time-outs, 1st percentile", quantileOf(rings, "timeoutCounts", 0.01), known?.[1][1]),
    row("time-outs, 99th percentile", quantileOf(rings, "timeoutCounts", 0.99), known?.[1][2]),
    {
      ...{ of, figure: "failed lookups per 10,000", theory: 1e4 * model.failed },
      measured: once((1e4 * missed) / lookups),
      // A list of dead nodes only: all that follow are lost together, so a few may come at once.
      gate: {
        low: 0,
        high: 1e4 * model.failed + 10,
        why: "as many as meet a list of dead nodes only, and one in a thousand",
      },
    },
  ];
}

function chartOf(
  configurations: readonly Configuration[],
  ringsOf: (one: Configuration) => readonly RingSample[],
  modelOf: (one: Configuration) => ModelSample,
): Chart {
  const measured = (figure: "hops" | "timeouts") =>
    configurations.map((one) => overRings(ringsOf(one), figure));
  const model = (figure: "hops" | "timeouts") => configurations.map((one) => modelOf(one)[figure].mean);
  return {
    id: "chord-failures",
    title: "Chord: paths and time-outs after failures, without repair",
    note: "Dashed: the model.",
    x: { label: "share of dead nodes" },
    y: { label: "per lookup", reachesTo: 1 },
    at: configurations.map(({ failed }) => failed),
    series: [
      { label: "model: hops", style: "dashed", color: 0, values: model("hops") },
      measuredSeries({ label: "hops", color: 0 }, measured("hops")),
      { label: "model: time-outs", style: "dashed", color: 1, values: model("timeouts") },
      measuredSeries({ label: "time-outs", color: 1 }, measured("timeouts")),
    ],
  };
}
