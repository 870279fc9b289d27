/**
 * The broadcast workload of Maelstrom, on which the Gossip Glomers challenges are built: 25 nodes, 100 operations a
 * second, half of them reads. Messages between servers for each operation, and how long a value takes (jepsen-io/
 * maelstrom, doc/03-broadcast/02-performance.md).
 */
import { Moments, type MomentsState, UsageError } from "../../core/index.ts";
import type { Latency } from "../../simulator/index.ts";
import { floodTransmissions, pathLengths } from "../../theory/index.ts";
import { neighborsIn, type TopologyName, topologyNames } from "../glomers/topologies.ts";
import { type GlomersResult, runGlomers } from "../glomers/workload.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, Gate, ReproductionInput, ReproductionRow } from "./experiment.ts";
import { measuredSeries } from "./measured-series.ts";

/** What is measured in one way; a run is 20 s of operations. */
interface Configuration {
  readonly label: string;
  readonly topology: TopologyName;
  readonly latency: Latency;
  readonly batchMs: number;
  readonly rate: number;
  readonly limitMs: number;
  readonly partitionMs?: number;
  readonly published?: Published;
  readonly goal?: Goal;
}

/** The figures of Maelstrom's documentation: a program in Ruby, without batching and without repair. */
interface Published {
  readonly messages: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What we want to keep, which is less than the challenge allows. */
interface Goal {
  readonly of: string;
  readonly messages: number;
  readonly p50Ms?: number;
  readonly maxMs: number;
}

interface Task {
  readonly configuration: Configuration;
  readonly seed: number;
  readonly runs: number;
}

const nodes = 25;
const constant = (ms: number): Latency => ({ model: "constant", ms });
const base = { batchMs: 0, rate: 100, limitMs: 20_000, latency: constant(100) };

const challenge3d: Goal = { of: "our goal for challenge 3d", messages: 13, maxMs: 510 };
const challenge3e: Goal = { of: "our goal for challenge 3e", messages: 2, p50Ms: 1000, maxMs: 2000 };

/** The times for which a hub and its nodes gather what they forward. */
const sweep = [0, 50, 100, 200, 300, 500, 1000];
const batchOf3e = 300;

const configurations: readonly Configuration[] = [
  {
    ...base,
    label: "line, 10 ms",
    topology: "line",
    latency: constant(10),
    published: { messages: 12.0, p50: 86, p95: 170, p99: 193, max: 224 },
  },
  {
    ...base,
    label: "grid, 100 ms",
    topology: "grid",
    published: { messages: 27.8, p50: 452, p95: 656, p99: 748, max: 791 },
  },
  {
    ...base,
    label: "grid, exponential, mean 100 ms",
    topology: "grid",
    latency: { model: "exponential", meanMs: 100 },
    published: { messages: 27.8, p50: 229, p95: 431, p99: 520, max: 630 },
  },
  {
    ...base,
    label: "total, 100 ms",
    topology: "total",
    published: { messages: 290.6, p50: 77, p95: 95, p99: 96, max: 97 },
  },
  {
    ...base,
    label: "tree4, 100 ms",
    topology: "tree4",
    published: { messages: 12.0, p50: 386, p95: 489, p99: 498, max: 505 },
    goal: challenge3d,
  },
  { ...base, label: "tree3, 100 ms", topology: "tree3" },
  { ...base, label: "tree2, 100 ms", topology: "tree2" },
  ...sweep.map((batchMs): Configuration => {
    const label = batchMs === 0 ? "hub, 100 ms" : `hub, 100 ms, batches of ${batchMs} ms`;
    const goal =
      batchMs === 0 || batchMs === 50 ? challenge3d : batchMs === batchOf3e ? challenge3e : undefined;
    return { ...base, label, topology: "hub", batchMs, ...(goal === undefined ? {} : { goal }) };
  }),
  ...(["line", "grid", "tree4", "hub"] as const).map((topology): Configuration => {
    const batchMs = topology === "hub" ? batchOf3e : 0;
    const label = `${topology}, 100 ms${batchMs === 0 ? "" : `, batches of ${batchMs} ms`}, partitions`;
    return { ...base, label, topology, batchMs, limitMs: 40_000, partitionMs: 10_000 };
  }),
];

export const glomersExperiment: Experiment<Task, readonly GlomersResult[]> = {
  name: "glomers",
  description:
    "Maelstrom's broadcast workload: messages for each operation, latencies, nothing lost under partitions",
  source: "Maelstrom, doc/03-broadcast/02-performance.md; Gossip Glomers, challenges 3d and 3e (fly.io)",
  defaultRuns: 10,
  quickRuns: 1,
  flags: [
    {
      name: "topology",
      description: "one of them alone, with the flags below; all: what was published, and ours",
      default: "all",
      choices: ["all", ...topologyNames],
    },
    { name: "latency-ms", description: "of each message", default: 100, min: 0, max: 10_000 },
    { name: "exponential", description: "that is the mean of an exponential latency", default: false },
    {
      name: "batch-ms",
      description: "how long a node gathers what it forwards",
      default: 0,
      min: 0,
      max: 10_000,
    },
    {
      name: "partitions",
      description: "from 10 s on, every other 10 s half of the nodes are cut off",
      default: false,
    },
    { name: "rate", description: "operations per second", default: 100, min: 1, max: 10_000 },
    { name: "seconds", description: "how long clients send operations", default: 20, min: 1, max: 600 },
  ],

  plan({ seed, runs, flags }) {
    return chosen(flags).flatMap((configuration) => {
      // A run takes a fifth of a second; where everybody tells everybody, a whole one.
      const most = configuration.topology === "total" ? 1 : 5;
      return Array.from({ length: Math.ceil(runs / most) }, (_, part) => ({
        configuration,
        seed: seed + part * most,
        runs: Math.min(most, runs - part * most),
      }));
    });
  },

  measure: ({ configuration, seed, runs }) =>
    Array.from({ length: runs }, (_, i) => runGlomers({ ...configuration, nodes, seed: seed + i })),

  report(_input, tasks, samples) {
    const found = new Map<string, { configuration: Configuration; results: GlomersResult[] }>();
    tasks.forEach(({ configuration }, i) => {
      const entry = found.get(configuration.label) ?? { configuration, results: [] };
      entry.results.push(...samples[i]!);
      found.set(configuration.label, entry);
    });
    const all = [...found.values()];
    return {
      rows: all.flatMap(({ configuration, results }) => rowsOf(configuration, results)),
      charts: chartsOf(all),
      notes: [
        "A run is 20 s of operations (40 s with partitions), half of them reads in random order; then 10 s of calm, and every node is read.",
        "What a node sends to another in the same instant is one message, a batch: the links of live nodes put the frames of a turn into one write. Probes and comparisons of histories count too; theory leaves them out.",
        "Stable latency is what Maelstrom reports: from the acknowledgement of a value to the last read in which it was missing. At every node is stricter: until the last node has it, whether somebody reads it or not.",
        "Grid, 100 ms: copies that arrive in the same instant need no answer, so a link carries one copy, not two; with exponential latencies they cross, as in the published run.",
        "The published runs are single ones, of a program in Ruby that neither repairs nor batches: their figures are no gates, the cost of a flood and the diameter are.",
        "Under partitions values wait until they are healed: 10 s, and up to some three more until neighbors notice and compare. Every node has every value at the end.",
      ],
    };
  },
};

function chosen(flags: ReproductionInput["flags"]): readonly Configuration[] {
  const topology = flags["topology"] as TopologyName | "all";
  const others = (glomersExperiment.flags ?? []).filter(({ name }) => name !== "topology");
  if (topology === "all") {
    const changed = others.find((flag) => flags[flag.name] !== flag.default);
    if (changed === undefined) return configurations;
    throw new UsageError(`--${changed.name}: is for one topology; add --topology, such as --topology hub`);
  }
  const ms = flags["latency-ms"] as number;
  const [batchMs, isParted] = [flags["batch-ms"] as number, flags["partitions"] as boolean];
  const isExponential = flags["exponential"] === true;
  const words = [
    topology,
    `${isExponential ? "exponential, mean " : ""}${ms} ms`,
    ...(batchMs === 0 ? [] : [`batches of ${batchMs} ms`]),
    ...(isParted ? ["partitions"] : []),
  ];
  return [
    {
      label: words.join(", "),
      topology,
      latency: isExponential ? { model: "exponential", meanMs: ms } : constant(ms),
      batchMs,
      rate: flags["rate"] as number,
      limitMs: 1000 * (flags["seconds"] as number),
      ...(isParted ? { partitionMs: 10_000 } : {}),
    },
  ];
}

// ---- Rows ------------------------------------------------------------------------------------------------------

function rowsOf(configuration: Configuration, results: readonly GlomersResult[]): ReproductionRow[] {
  const { label: of, published, goal } = configuration;
  const over = (figure: (result: GlomersResult) => number) => Moments.of(results.map(figure)).toJSON();
  const longest = (figure: (result: GlomersResult) => number) =>
    Moments.of([Math.max(...results.map(figure))]).toJSON();
  const stable = (name: "p50" | "p95" | "p99", words: string, gate?: Gate): ReproductionRow => ({
    of,
    figure: `stable latency, ${words} (ms)`,
    ...(published === undefined ? {} : { published: published[name] }),
    measured: over((result) => result.stable[name]),
    ...(gate === undefined ? {} : { gate }),
  });
  const isParted = configuration.partitionMs !== undefined;
  const rows: ReproductionRow[] = [
    messagesRow(configuration, results),
    stable("p50", "median", goal?.p50Ms === undefined ? undefined : upTo(goal.p50Ms, goal.of)),
    ...(published === undefined ? [] : [stable("p95", "95 %"), stable("p99", "99 %")]),
    {
      of,
      figure: "stable latency, longest of all runs (ms)",
      ...(published === undefined ? {} : { published: published.max }),
      measured: longest((result) => result.stable.max),
    },
    everywhereRow(
      configuration,
      longest((result) => result.everywhere.max),
    ),
    {
      of,
      figure: "values that a node lacks in the end",
      theory: 0,
      measured: over((result) => result.lost),
      gate: { low: 0, high: 0, why: "every value is seen by every node" },
    },
  ];
  if (isParted)
    rows.push({ of, figure: "partitions in a run", measured: over(({ partitions }) => partitions) });
  return rows;
}

/** Of the broadcasts that there were: how many of the operations are broadcasts is left to chance. */
function messagesRow(configuration: Configuration, results: readonly GlomersResult[]): ReproductionRow {
  const { label: of, published, goal, topology, batchMs, latency, partitionMs } = configuration;
  const measured = Moments.of(results.map((result) => result.messagesPerOperation)).toJSON();
  const broadcasts = results.reduce((sum, { values }) => sum + values, 0);
  const operations = results.reduce((sum, result) => sum + result.operations, 0);
  const theory = messagesOf(configuration, broadcasts / operations);
  // On a grid with one latency copies meet all the time, and are not sent.
  const isFlood = batchMs === 0 && (topology !== "grid" || latency.model === "exponential");
  const flood: Gate = {
    low: 0.96 * theory,
    high: 1.01 * theory + 0.5,
    why: "the cost of a flood, less up to 4 % for copies that cross in the same millisecond, and up to half a message and 1 % more for probes and repair",
  };
  const gate = goal === undefined ? (isFlood ? flood : undefined) : upTo(goal.messages, goal.of);
  const isParted = partitionMs !== undefined;
  return {
    of,
    figure: "messages per operation",
    ...(published === undefined ? {} : { published: published.messages }),
    ...(isParted ? {} : { theory }),
    measured,
    ...(isParted || gate === undefined ? {} : { gate }),
  };
}

function everywhereRow(configuration: Configuration, measured: MomentsState): ReproductionRow {
  const { label: of, goal, topology, batchMs, latency, partitionMs } = configuration;
  const figure = "at every node, longest of all runs (ms)";
  if (latency.model !== "constant" || partitionMs !== undefined) return { of, figure, measured };
  const { diameter } = pathLengths(neighborsIn(topology, nodes));
  const theory = diameter * (latency.ms + batchMs);
  const limit = Math.min(theory, goal?.maxMs ?? theory);
  const why = "the diameter of the graph, each hop its latency and its wait for a batch";
  return { of, figure, theory, measured, gate: { low: 0, high: limit, why } };
}

function upTo(high: number, why: string): Gate {
  return { low: 0, high, why };
}

/**
 * Messages for each operation, without probes and repair; `share` of the operations are broadcasts. A broadcast costs
 * as a flood does. With batches of T on a hub, a node that forwards b values a second sends one batch in T + 1/b: the
 * first value starts it.
 */
export function messagesOf({ topology, batchMs, rate }: Configuration, share: number): number {
  const links = neighborsIn(topology, nodes).reduce((sum, list) => sum + list.length, 0) / 2;
  if (topology !== "hub" || batchMs === 0) return share * floodTransmissions({ nodes, links });
  const batchSeconds = batchMs / 1000;
  const broadcasts = share * rate;
  const fromEach = 1 / (batchSeconds + nodes / broadcasts);
  const toEach = 1 / (batchSeconds + 1 / broadcasts);
  return ((nodes - 1) * (fromEach + toEach)) / rate;
}

// ---- Charts ----------------------------------------------------------------------------------------------------

type Found = { readonly configuration: Configuration; readonly results: readonly GlomersResult[] };

function chartsOf(all: readonly Found[]): Chart[] {
  const hubs = all.filter(
    ({ configuration }) => configuration.topology === "hub" && configuration.partitionMs === undefined,
  );
  const trade = tradeChart(all);
  return hubs.length > 1 ? [trade, ...batchCharts(hubs)] : [trade];
}

/** Each way of linking as a point: what it costs against how long it takes. */
function tradeChart(all: readonly Found[]): Chart {
  const points = all
    .filter(({ configuration }) => configuration.partitionMs === undefined || all.length === 1)
    .map(({ configuration, results }) => ({
      ms: Math.max(...results.map(({ stable }) => stable.max)),
      cost: Moments.of(results.map(({ messagesPerOperation }) => messagesPerOperation)).toJSON(),
      published: configuration.published,
    }));
  const at = [
    ...new Set(points.flatMap(({ ms, published }) => [ms, ...(published ? [published.max] : [])])),
  ].sort((a, b) => a - b);
  const publishedAt = (ms: number) =>
    points.find(({ published }) => published?.max === ms)?.published?.messages ?? null;
  return {
    id: "trade",
    title: "Messages against latency",
    note: "Each point is a way to link the 25 nodes, or a time for which a hub gathers.",
    x: { label: "stable latency, longest (ms)" },
    y: { label: "messages per operation", isLogarithmic: true },
    at,
    series: [
      measuredSeries(
        { label: "measured", color: 0 },
        at.map((ms) => points.find((point) => point.ms === ms)?.cost),
      ),
      { label: "published", style: "points", color: 1, values: at.map(publishedAt) },
    ],
  };
}

function batchCharts(hubs: readonly Found[]): Chart[] {
  const at = hubs.map(({ configuration }) => configuration.batchMs);
  const over = (figure: (result: GlomersResult) => number) =>
    hubs.map(({ results }) => Moments.of(results.map(figure)).toJSON());
  const latency = (ms: number) => 2 * (ms + 100);
  return [
    {
      id: "batches",
      title: "What batches save",
      note: "A hub and its 24 nodes gather what they forward. The difference to theory are probes and repair.",
      x: { label: "gathered for (ms)" },
      y: { label: "messages per operation" },
      at,
      series: [
        {
          label: "batches that the first value starts",
          style: "line",
          color: 0,
          values: hubs.map(({ configuration }) => messagesOf(configuration, 0.5)),
        },
        {
          label: "batches by the clock, 48/(100 T)",
          style: "dashed",
          color: 2,
          values: at.map((ms) => (ms < 50 ? null : 480 / ms)),
        },
        measuredSeries(
          { label: "measured", color: 0 },
          over((result) => result.messagesPerOperation),
        ),
      ],
    },
    {
      id: "waits",
      title: "What batches cost",
      note: "Stable latency: two hops, and twice the wait.",
      x: { label: "gathered for (ms)" },
      y: { label: "ms" },
      at,
      series: [
        { label: "at most 2 (T + 100 ms)", style: "line", color: 1, values: at.map(latency) },
        measuredSeries(
          { label: "longest", color: 1 },
          over((result) => result.stable.max),
        ),
        measuredSeries(
          { label: "median", color: 0 },
          over((result) => result.stable.p50),
        ),
      ],
    },
  ];
}
