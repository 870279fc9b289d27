/**
 * What Kademlia's lookups cost: the real protocol over perfect buckets, beside an independent model of the same rules and the
 * table of our reference model, which is one network of that model for each row (no paper has such a table).
 */
import {
  compareXor,
  hashNumbers,
  Moments,
  type MomentsState,
  pick,
  randomKey,
  seededRandom,
  UsageError,
} from "../../core/index.ts";
import { Kademlia, type KademliaOptions, type Pace } from "../../lookup/index.ts";
import { type KademliaLookups, kademliaLookups } from "../../theory/index.ts";
import { LookupNetwork } from "../lookup/lookup-network.ts";
import { staticKademlia } from "../lookup/static-kademlia.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, ReproductionInput, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";

interface Configuration {
  readonly nodes: number;
  readonly k: number;
  readonly alpha: number;
  /** Share of the nodes that are dead, and stand in the tables all the same. */
  readonly dead: number;
  readonly pace: Pace;
}

/** One network. */
export interface KademliaTask extends Configuration {
  readonly seed: number;
  readonly lookups: number;
}

type Figure = "hops" | "queries" | "rounds" | "timeouts" | "recall" | "nearestFound";
/** Of its lookups. */
export type KademliaSample = Readonly<Record<Figure, MomentsState>>;

const names: Readonly<Record<Figure, string>> = {
  hops: "hops",
  queries: "queries",
  rounds: "rounds",
  timeouts: "time-outs",
  recall: "share of the k nearest that was found",
  nearestFound: "nearest node found",
};
const figures = Object.keys(names) as Figure[];

type Published = Readonly<Partial<Record<Figure, number>>>;

/** Rows of the table beyond those of the flags: shown if the flags are as they come. */
const furtherRows: readonly Omit<Configuration, "pace">[] = [
  { nodes: 100_000, k: 20, alpha: 3, dead: 0 },
  { nodes: 10_000, k: 8, alpha: 3, dead: 0.1 },
  { nodes: 10_000, k: 8, alpha: 3, dead: 0.5 },
  { nodes: 100_000, k: 20, alpha: 10, dead: 0.5 },
];

/** By `nodes k alpha dead`. */
const published: Readonly<Record<string, Published>> = {
  "1000 8 3 0": { hops: 2.23, queries: 10.9, rounds: 4.0, timeouts: 0, recall: 1 },
  "10000 8 3 0": { hops: 2.9, queries: 12.9, rounds: 4.7, timeouts: 0, recall: 1 },
  "100000 8 3 0": { hops: 3.57, queries: 14.8, rounds: 5.3, timeouts: 0, recall: 1 },
  "1000000 8 3 0": { hops: 4.12, queries: 16.6, rounds: 5.9, timeouts: 0, recall: 1 },
  "100000 20 3 0": { hops: 2.94, queries: 24.6, rounds: 8.6, timeouts: 0, recall: 1 },
  "10000 8 3 0.1": { hops: 2.94, queries: 13.9, rounds: 5.1, timeouts: 1.4, recall: 0.991 },
  "10000 8 3 0.5": {
    hops: 3.44,
    queries: 23.5,
    rounds: 9.1,
    timeouts: 11.7,
    recall: 0.852,
    nearestFound: 0.99,
  },
  "100000 20 10 0.5": {
    hops: 3.14,
    queries: 58.4,
    rounds: 8.4,
    timeouts: 28.9,
    recall: 0.914,
    nearestFound: 1,
  },
};

/** Networks of this size or more differ less from each other, and take longer: fewer of them, each with more lookups. */
const largeNodes = 500_000;
const fewerBy = 4;

export const kademliaExperiment: Experiment<KademliaTask, KademliaSample> = {
  name: "kademlia",
  description: "Kademlia: hops, queries, rounds, time-outs and recall of lookups, with and without the dead",
  source: "Maymounkov and Mazières 2002 (IPTPS), section 2.3; the table is that of our reference model",
  defaultRuns: 8,
  quickRuns: 1,
  quickFlags: { nodes: "10000" },
  flags: [
    { name: "nodes", description: "sizes of networks, separated by commas", default: "1000,10000,100000" },
    { name: "k", description: "contacts in a bucket, and nodes looked for", default: 8, min: 1, max: 32 },
    { name: "alpha", description: "questions in a batch", default: 3, min: 1, max: 64 },
    { name: "dead", description: "share of the nodes that never answer", default: 0, min: 0, max: 0.95 },
    { name: "lookups", description: "lookups in each network", default: 150, min: 2, max: 100_000 },
  ],

  plan: (input) => {
    const { seed, runs, flags } = input;
    const tasks = configurationsOf(input).flatMap((configuration) => {
      const { nodes, k, alpha, dead } = configuration;
      const isLarge = nodes >= largeNodes;
      const networks = isLarge ? Math.max(1, Math.round(runs / fewerBy)) : runs;
      const lookups = Number(flags["lookups"]) * (isLarge ? fewerBy : 1);
      return Array.from({ length: networks }, (_, run): KademliaTask => {
        // Both paces look up the same keys in the same networks.
        return { ...configuration, lookups, seed: hashNumbers([seed, nodes, k, alpha, 100 * dead, run]) };
      });
    });
    // The largest first, so that threads end together.
    return tasks.sort((a, b) => b.nodes - a.nodes);
  },

  measure,

  report: (input, tasks, samples) => {
    const all = configurationsOf(input).map((configuration): Row => {
      const mine = samples.filter((_, i) => nameOf(tasks[i]!) === nameOf(configuration));
      const merged = figures.map((figure) => {
        const moments = new Moments();
        for (const sample of mine) moments.merge(Moments.from(sample[figure]));
        return [figure, moments.toJSON()] as const;
      });
      const measured = Object.fromEntries(merged) as KademliaSample;
      return { configuration, measured, model: modelOf(input, configuration) };
    });
    const batches = all.filter(({ configuration }) => configuration.pace === "batches");
    return {
      rows: [
        ...batches.flatMap(rowsOf),
        ...all
          .filter(({ configuration }) => configuration.pace === "slots")
          .flatMap((row) => rowsOfSlots(row, batches)),
      ],
      charts: [hopsChart(batches, input), queriesChart(all, input)],
      notes: [
        "Hops are the referrals to the nearest node, 1 for one that the asker knew; queries are all questions; a round is a batch. Buckets are perfect: of each subtree k random contacts, or all; nothing is maintained or learned meanwhile. The dead stand in the tables like the others.",
        "Theory is a model that shares no line with the protocol (docs/theory.md), run for the sizes and parameters asked for. Gates are around it. Published is one network of another such model.",
        "In batches the next questions wait until all of the batch have answered or are silent, and the last nodes are not asked all at once: that is how the table counts. A live node asks in slots: as soon as one has answered the next is asked, and all that are left as soon as nobody brings it nearer.",
        "10^6 nodes: --nodes 1000000.",
      ],
    };
  },
};

interface Row {
  readonly configuration: Configuration;
  readonly measured: KademliaSample;
  readonly model: KademliaLookups;
}

const nameOf = ({ nodes, k, alpha, dead, pace }: Configuration) =>
  `${keyOf({ nodes, k, alpha, dead })} ${pace}`;
const keyOf = ({ nodes, k, alpha, dead }: Omit<Configuration, "pace">) => `${nodes} ${k} ${alpha} ${dead}`;

/** Throws `UsageError`. */
function configurationsOf({ flags }: ReproductionInput): Configuration[] {
  const sizes = String(flags["nodes"]).split(",").map(Number);
  for (const nodes of sizes)
    if (!Number.isInteger(nodes) || nodes < 2 || nodes > 2_000_000)
      throw new UsageError(`--nodes: "${flags["nodes"]}" is not a list of integers from 2 to 2000000`);
  const [k, alpha, dead] = [Number(flags["k"]), Number(flags["alpha"]), Number(flags["dead"])];
  for (const [name, value] of [["k", k] as const, ["alpha", alpha] as const])
    if (!Number.isInteger(value)) throw new UsageError(`--${name}: ${value} is not an integer`);
  const asked = [...new Set(sizes)].sort((a, b) => a - b).map((nodes) => ({ nodes, k, alpha, dead }));
  const isAsItComes = ({ flags: all = [] } = kademliaExperiment) =>
    all.every((flag) => flag.name === "lookups" || flags[flag.name] === flag.default);
  const rows = isAsItComes() ? [...asked, ...furtherRows] : asked;
  return [
    ...rows.map((row): Configuration => ({ ...row, pace: "batches" })),
    ...asked.map((row): Configuration => ({ ...row, pace: "slots" })),
  ];
}

// ---- Measuring ----------------------------------------------------------------------------------------------------

function measure({ seed, nodes, k, alpha, dead, pace, lookups }: KademliaTask): KademliaSample {
  const options: Partial<KademliaOptions> = { k, alpha, pace, upkeepMs: 0, maxParked: 0 };
  // Whoever waits for the dead may take longer than users have patience for.
  const settings = { deadlineMs: 600_000, budget: 100_000 };
  let tableOf: ReturnType<typeof staticKademlia> | undefined;
  const network = new LookupNetwork({
    seed,
    rows: nodes,
    isSortedByRow: true,
    isLazy: true,
    links: { latency: { model: "constant", ms: 10 } },
    tableOf: (row, keys) => {
      tableOf ??= staticKademlia(keys, { seed, k });
      return tableOf(row);
    },
    make: (place) => new Kademlia({ ...place, options, settings, tellsSteps: false }),
  });
  network.startAll();
  const random = seededRandom(seed);
  const died = Math.min(nodes - 1, Math.round(dead * nodes));
  for (let gone = 0; gone < died; ) {
    const row = random.below(nodes);
    if (!network.living.has(row)) continue;
    network.crash(row);
    gone++;
  }
  const rows = network.living.all();
  const sums = Object.fromEntries(figures.map((figure) => [figure, new Moments()])) as Record<
    Figure,
    Moments
  >;
  for (let i = 0; i < lookups; i++) {
    const row = pick(rows, random);
    const { key, report } = finished(network, row, randomKey(random));
    const { hops, asked, silent, path, closest } = report!;
    sums.hops.add(hops);
    sums.queries.add(asked);
    sums.timeouts.add(silent);
    sums.rounds.add(new Set(path.map(({ sentAt }) => sentAt)).size);
    const truth = network.trueClosest(key, k, compareXor);
    const found = new Set(closest);
    sums.recall.add(truth.filter((node) => found.has(node)).length / truth.length);
    sums.nearestFound.add(found.has(truth[0]!) ? 1 : 0);
  }
  return Object.fromEntries(
    figures.map((figure) => [figure, sums[figure].toJSON()]),
  ) as unknown as KademliaSample;
}

function finished(network: LookupNetwork, row: number, key: string) {
  const asked = network.lookup(row, key);
  network.finish(1_200_000);
  return asked;
}

// ---- Reporting ----------------------------------------------------------------------------------------------------

function modelOf({ seed }: ReproductionInput, { nodes: n, k, alpha, dead }: Configuration): KademliaLookups {
  const networks = n >= largeNodes ? 5 : 20;
  return kademliaLookups({ n, k, alpha, failed: dead, lookups: 200, networks, random: seededRandom(seed) });
}

function labelOf({ nodes, k, alpha, dead }: Configuration): string {
  return `N = ${nodes}, k = ${k}, alpha = ${alpha}${dead > 0 ? `, ${100 * dead} % dead` : ""}`;
}

function rowsOf({ configuration, measured, model }: Row): ReproductionRow[] {
  const of = labelOf(configuration);
  const known = published[keyOf(configuration)] ?? {};
  return figures.map((figure): ReproductionRow => {
    const theory = model[figure].mean;
    const row = {
      of,
      figure: names[figure],
      ...(known[figure] !== undefined && { published: known[figure] }),
      theory,
      measured: measured[figure],
    };
    if (
      configuration.dead === 0 &&
      (figure === "timeouts" || figure === "recall" || figure === "nearestFound")
    ) {
      const exact = figure === "timeouts" ? 0 : 1;
      return { ...row, gate: { low: exact, high: exact, why: "nobody is dead, and buckets are perfect" } };
    }
    return {
      ...row,
      gate: gateAround({
        expected: theory,
        source: "the model",
        measured: measured[figure],
        slack: 0.03 * theory,
        slackWhy: "3 % of it",
      }),
    };
  });
}

/** What a live node needs for the same: no table says it. */
function rowsOfSlots({ configuration, measured }: Row, batches: readonly Row[]): ReproductionRow[] {
  const same = batches.find((row) => keyOf(row.configuration) === keyOf(configuration))!;
  const of = `${labelOf(configuration)}, in slots`;
  return (["hops", "queries", "recall"] as const).map((figure): ReproductionRow => {
    const row = { of, figure: names[figure], measured: measured[figure] };
    if (figure !== "recall" || configuration.dead > 0) return row;
    const gate = { low: 1, high: 1, why: "nobody is dead: both paces find the same" };
    return { ...row, theory: same.model.recall.mean, gate };
  });
}

/** The sizes of the flags, ascending; rows of other parameters are not on the charts. */
function sizes(rows: readonly Row[], { flags }: ReproductionInput): Row[] {
  return rows.filter(({ configuration: { k, alpha, dead } }) => {
    return k === flags["k"] && alpha === flags["alpha"] && dead === flags["dead"];
  });
}

function chartOf(
  rows: readonly Row[],
  parts: Pick<Chart, "id" | "title" | "note" | "y">,
  series: (rows: readonly Row[]) => Chart["series"],
): Chart {
  return {
    ...parts,
    x: { label: "nodes", isLogarithmic: true },
    at: rows.map(({ configuration }) => configuration.nodes),
    series: series(rows),
  };
}

function hopsChart(batches: readonly Row[], input: ReproductionInput): Chart {
  return chartOf(
    sizes(batches, input),
    {
      id: "kademlia-hops",
      title: "Kademlia: referrals to the nearest node",
      note: "Ten times as many nodes are two thirds of a hop more (k = 8). Batches.",
      y: { label: "hops", reachesTo: 5 },
    },
    (rows) => [
      { label: "model", style: "line", color: 0, values: rows.map(({ model }) => model.hops.mean) },
      measuredSeries(
        { label: "measured", color: 1 },
        rows.map(({ measured }) => measured.hops),
      ),
    ],
  );
}

function queriesChart(all: readonly Row[], input: ReproductionInput): Chart {
  const batches = all.filter(({ configuration }) => configuration.pace === "batches");
  const slots = all.filter(({ configuration }) => configuration.pace === "slots");
  return chartOf(
    sizes(batches, input),
    {
      id: "kademlia-queries",
      title: "Kademlia: questions of a lookup",
      note: "All k nearest have to answer, and a few on the way to them. In slots it is hardly more, and sooner done.",
      y: { label: "queries", reachesTo: 20 },
    },
    (rows) => [
      { label: "model", style: "line", color: 0, values: rows.map(({ model }) => model.queries.mean) },
      measuredSeries(
        { label: "measured, in batches", color: 1 },
        rows.map(({ measured }) => measured.queries),
      ),
      measuredSeries(
        { label: "measured, in slots", color: 2 },
        sizes(slots, input).map(({ measured }) => measured.queries),
      ),
    ],
  );
}
