/**
 * Chord while nodes join and fail all the time, and stabilise every half minute: paths, time-outs and failed lookups
 * (Stoica et al. 2003, section VI-E).
 */
import { log } from "../../core/deterministic-math.ts";
import {
  hashNumbers,
  Moments,
  type MomentsState,
  type Random,
  randomKey,
  seededRandom,
} from "../../core/index.ts";
import { Chord, type ChordOptions } from "../../lookup/index.ts";
import { chordPaths } from "../../theory/index.ts";
import { KeySpace } from "../lookup/key-space.ts";
import { type AskedLookup, LookupNetwork } from "../lookup/lookup-network.ts";
import { staticChord } from "../lookup/static-chord.ts";
import type { Chart } from "../simulate/charts.ts";
import {
  isRight,
  type ModelSample,
  modelGate,
  modelSample,
  overRings,
  type RingSample,
  sampleOf,
  whole,
} from "./chord-network.ts";
import type { Experiment, ReproductionRow } from "./experiment.ts";
import type { Flags } from "./flags.ts";
import { measuredSeries } from "./measured-series.ts";

interface Configuration {
  readonly nodes: number;
  readonly successors: number;
  /** Joins per second, and as many failures. */
  readonly rate: number;
  readonly seconds: number;
  readonly stabilizeMs: number;
}

interface Task extends Configuration {
  readonly kind: "ring" | "model";
  readonly seed: number;
}

interface Sample {
  readonly ring?: RingSample;
  readonly model?: ModelSample;
}

const rates = [0.05, 0.1, 0.2, 0.3, 0.4];
/** Table III, recalled: path, time-outs, failures per 10,000 lookups. */
const published: Readonly<Record<number, readonly [path: number, timeouts: number, failures: number]>> = {
  0.05: [3.9, 0.05, 3],
  0.1: [3.83, 0.11, 0],
  0.2: [3.81, 0.23, 5],
  0.3: [3.91, 0.34, 8],
  0.4: [4.06, 0.46, 15],
};

function configurationsOf(flags: Flags): Configuration[] {
  const given = flags["rate"] as number;
  const configuration = {
    nodes: whole(flags, "nodes"),
    successors: whole(flags, "successors"),
    seconds: whole(flags, "seconds"),
    stabilizeMs: whole(flags, "stabilize"),
  };
  return (given < 0 ? rates : [given]).map((rate) => ({ ...configuration, rate }));
}

export const chordChurnExperiment: Experiment<Task, Sample> = {
  name: "chord-churn",
  description: "Chord while nodes join and fail: paths, time-outs and failed lookups at five rates",
  source: "Stoica et al. 2003 (ToN 11), section VI-E, table III (recalled)",
  defaultRuns: 2,
  quickRuns: 2,
  quickFlags: { rate: "0.2", seconds: "300" },
  flags: [
    { name: "nodes", description: "N on average", default: 1000, min: 10, max: 100_000 },
    { name: "successors", description: "length of the list", default: 20, min: 2, max: 64 },
    {
      name: "rate",
      description: "joins per second, and as many failures; -1: 0.05 to 0.4",
      default: -1,
      min: -1,
      max: 100,
    },
    {
      name: "seconds",
      description: "so long, with two lookups a second",
      default: 450,
      min: 1,
      max: 1_000_000,
    },
    {
      name: "stabilize",
      description: "mean period in ms, half to one and a half of it",
      default: 30_000,
      min: 100,
      max: 3_600_000,
    },
  ],

  plan: ({ seed, runs, flags }) => {
    const configurations = configurationsOf(flags);
    return [
      // Whatever the rate, the path is that of exact tables.
      { ...configurations[0]!, kind: "model", seed: hashNumbers([seed, 99]) },
      ...configurations.flatMap((configuration) =>
        Array.from({ length: runs }, (_, run): Task => {
          return { ...configuration, kind: "ring", seed: hashNumbers([seed, run]) };
        }),
      ),
    ];
  },

  measure: (task) => {
    const random = seededRandom(hashNumbers([task.seed, Math.round(task.rate * 1e6)]));
    if (task.kind === "ring") return { ring: churned(task, random) };
    const { nodes, successors } = task;
    return { model: modelSample(chordPaths({ n: nodes, listSize: successors, random })) };
  },

  report: ({ flags }, tasks, samples) => {
    const configurations = configurationsOf(flags);
    const model = samples.flatMap((sample) => sample.model ?? [])[0]!;
    const ringsOf = ({ rate }: Configuration) =>
      samples.filter((_, i) => tasks[i]!.rate === rate).flatMap(({ ring }) => ring ?? []);
    return {
      rows: configurations.flatMap((one) => rowsOf(one, ringsOf(one), model)),
      charts: [chartOf(configurations, ringsOf, model)],
      notes: [
        "Each run begins with exact tables, and is measured after two and a half minutes. Nodes fail without a word; who is asked for a key is held against the nodes that live when the answer is there.",
        "A node's successor list, its predecessor and one finger are checked once in each period, as in the paper. Newcomers are linked by hints within a few round trips, without waiting for a period; the paper's wait.",
        "Published figures are recalled and printed beside. The path has a gate around the model of exact tables, 6 %: fingers that point too far or to the dead make it longer. Of 10,000 lookups no more than 30 may fail.",
      ],
    };
  },
};

/** Before the first lookup. */
const warmUpSeconds = 150;

function churned({ seed, nodes, successors, rate, seconds, stabilizeMs }: Task, random: Random): RingSample {
  const total = warmUpSeconds + seconds;
  const joins = poissonTimes(rate, total, random);
  const failures = poissonTimes(rate, total, random);
  const keysSeed = hashNumbers([seed, 1]);
  const keys = new KeySpace({ seed: keysSeed, rows: nodes + joins.length });
  const tableOf = staticChord(new KeySpace({ seed: keysSeed, rows: nodes }), { successors });
  const options: Partial<ChordOptions> = {
    successors,
    stabilizeMs,
    minStabilizeMs: stabilizeMs,
    checkPredecessorMs: stabilizeMs,
    fixFingersMs: stabilizeMs,
    searchMs: 3_600_000,
  };
  const network = new LookupNetwork({
    ...{ seed, keys, rows: nodes + joins.length },
    // The paper's: exponential, 50 ms on average.
    links: { latency: { model: "exponential", meanMs: 50 } },
    tableOf: (row) => (row < nodes ? tableOf(row) : undefined),
    make: (place) => new Chord({ ...place, options, tellsSteps: false }),
  });
  for (let row = 0; row < nodes; row++) network.start(row);
  const { simulation, living } = network;
  joins.forEach((at, i) => {
    simulation.at(at, () => network.start(nodes + i, living.sample(3, network.dieOf(nodes + i))));
  });
  for (const at of failures)
    simulation.at(at, () => {
      if (living.size > 1) network.crash(living.at(random.below(living.size)));
    });
  const asked: AskedLookup[] = [];
  const wrong = new Set<AskedLookup>();
  for (let ms = 0; ms < seconds * 1000; ms += 500)
    simulation.at(warmUpSeconds * 1000 + ms, () => {
      const row = living.at(random.below(living.size));
      network.lookup(row, randomKey(random), {}, (one) => {
        asked.push(one);
        // The truth is that of this moment.
        if (!isRight(network, one)) wrong.add(one);
      });
    });
  network.run(total * 1000);
  network.finish();
  return { ...sampleOf(network, asked), failed: wrong.size };
}

/** In milliseconds. */
function poissonTimes(perSecond: number, seconds: number, random: Random): number[] {
  const times: number[] = [];
  for (let at = 0; perSecond > 0; ) {
    at -= (1000 * log(1 - random.unit())) / perSecond;
    if (at >= seconds * 1000) break;
    times.push(Math.floor(at));
  }
  return times;
}

function rowsOf(
  { nodes, rate, stabilizeMs }: Configuration,
  rings: readonly RingSample[],
  model: ModelSample,
): ReproductionRow[] {
  const isPublished = nodes === 1000 && stabilizeMs === 30_000;
  const known = isPublished ? published[rate] : undefined;
  const of = `N = ${nodes}, ${rate} joins and failures per s`;
  const hops = overRings(rings, "hops");
  const { gate, theory } = modelGate(hops, model.hops);
  const slack = 0.03 * model.hops.mean;
  const failures = new Moments();
  for (const { failed, lookups } of rings) failures.add((1e4 * failed) / lookups);
  const failed: MomentsState = failures.toJSON();
  return [
    {
      ...{ of, figure: "hops", measured: hops },
      ...(known !== undefined && { published: known[0] }),
      ...(theory !== undefined && { theory }),
      ...(gate !== undefined && {
        gate: {
          low: gate.low - slack,
          high: gate.high + slack,
          why: "model of exact tables, ±6 % and 3 standard errors",
        },
      }),
    },
    {
      ...{ of, figure: "time-outs", measured: overRings(rings, "timeouts") },
      ...(known !== undefined && { published: known[1] }),
    },
    {
      ...{ of, figure: "failed lookups per 10,000", measured: failed },
      ...(known !== undefined && { published: known[2] }),
      ...(isPublished && {
        gate: {
          low: 0,
          high: 30 + 3 * errorOf(rings),
          why: "near 0: twice the paper's worst, and 3 standard errors",
        },
      }),
    },
  ];
}

/** Of a rate of 30 in 10,000 lookups, among as many as there were. */
function errorOf(rings: readonly RingSample[]): number {
  const lookups = rings.reduce((sum, ring) => sum + ring.lookups, 0);
  return 1e4 * Math.sqrt(0.003 / lookups);
}

function chartOf(
  configurations: readonly Configuration[],
  ringsOf: (one: Configuration) => readonly RingSample[],
  model: ModelSample,
): Chart {
  const measured = (figure: "hops" | "timeouts") =>
    configurations.map((one) => overRings(ringsOf(one), figure));
  return {
    id: "chord-churn",
    title: "Chord: paths and time-outs while nodes join and fail",
    note: "Dashed: the model of exact tables, and the paper's time-outs (recalled).",
    x: { label: "joins and failures per second" },
    y: { label: "per lookup", reachesTo: 1 },
    at: configurations.map(({ rate }) => rate),
    series: [
      { label: "model: hops", style: "dashed", color: 0, values: configurations.map(() => model.hops.mean) },
      measuredSeries({ label: "hops", color: 0 }, measured("hops")),
      {
        label: "published time-outs",
        style: "dashed",
        color: 1,
        values: configurations.map(({ rate }) => published[rate]?.[1] ?? null),
      },
      measuredSeries({ label: "time-outs", color: 1 }, measured("timeouts")),
    ],
  };
}
