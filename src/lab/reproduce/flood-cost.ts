/**
 * What a flood with a filter for duplicates costs: 2|E| - |V| + 1 copies, exactly, on graphs of many kinds; and what
 * makes it cost less. The flood is the broadcast layer as it runs live, without its repair.
 *
 * One run is one message on one graph.
 */
import {
  type Graph,
  gridGraph,
  hashNumbers,
  Moments,
  type MomentsState,
  randomGeometricGraph,
  randomGraph,
  seededRandom,
  trustEverybody,
} from "../../core/index.ts";
import { Broadcast } from "../../dissemination/index.ts";
import { type Latency, Simulation } from "../../simulator/index.ts";
import {
  floodInStep,
  floodRedundancy,
  floodTransmissions,
  relativeMessageRedundancy,
} from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, Gate, ReproductionRow } from "./experiment.ts";
import { measuredSeries } from "./measured-series.ts";

type Shape =
  | { readonly kind: "random"; readonly degree: number }
  | { readonly kind: "grid" | "geometric" | "complete" | "line" };

/**
 * How long copies are under way. `distinct`: never so that two come to a node at the same moment: times from 1 to 10^9,
 * in whatever unit. `equal`: all the same. `default`: what links of the simulation take, 10 to 100 ms.
 */
type Pace = "distinct" | "equal" | "default";

interface Configuration {
  readonly shape: Shape;
  readonly pace: Pace;
  readonly forwardDelayMs: number;
}

interface Task extends Configuration {
  readonly seed: number;
  readonly runs: number;
}

/** Of the part of the graph that holds the source. */
type Figure = "copies" | "beyond" | "redundancy" | "theoryCopies" | "theoryRedundancy";
type Sample = Readonly<Record<Figure, MomentsState>>;

const nodes = 100;
const degrees = [3, 4, 6, 8, 12, 16];

const shapes: readonly Shape[] = [
  ...degrees.map((degree): Shape => ({ kind: "random", degree })),
  { kind: "geometric" },
  { kind: "grid" },
  { kind: "complete" },
  { kind: "line" },
];
const saving: readonly Configuration[] = [0, 20, 100].map((forwardDelayMs) => ({
  shape: { kind: "random", degree: 8 },
  pace: "default",
  forwardDelayMs,
}));
const configurations: readonly Configuration[] = [
  ...shapes.map((shape) => ({ shape, pace: "distinct" as const, forwardDelayMs: 0 })),
  ...shapes.map((shape) => ({ shape, pace: "equal" as const, forwardDelayMs: 0 })),
  ...saving,
];

const latencies: Readonly<Record<Pace, Latency>> = {
  distinct: { model: "uniform", fromMs: 1, toMs: 1_000_000_000 },
  equal: { model: "constant", ms: 50 },
  default: { model: "uniform", fromMs: 10, toMs: 100 },
};

const figures: readonly Figure[] = ["copies", "beyond", "redundancy", "theoryCopies", "theoryRedundancy"];

export const floodCostExperiment: Experiment<Task, Sample> = {
  name: "flood-cost",
  description: "Copies of a flood: 2|E| - |V| + 1, exactly, and when it is fewer",
  source: "Documents 001 and 004 (flood over all links but the sender's); arithmetic of reliable links",
  defaultRuns: 25,
  quickRuns: 3,

  plan: ({ seed, runs }) =>
    configurations.map((configuration, i) => ({ ...configuration, seed: hashNumbers([seed, i]), runs })),

  measure: (task) => {
    const sums = Object.fromEntries(figures.map((figure) => [figure, new Moments()]));
    for (let run = 0; run < task.runs; run++) {
      const measured = flooded(task, hashNumbers([task.seed, run]));
      for (const figure of figures) sums[figure]!.add(measured[figure]);
    }
    return Object.fromEntries(figures.map((figure) => [figure, sums[figure]!.toJSON()])) as Sample;
  },

  report: (_, tasks, samples) => {
    const of = (configuration: Configuration) =>
      samples[tasks.findIndex((task) => isSame(task, configuration))]!;
    return {
      rows: configurations.flatMap((configuration) => rowsOf(configuration, of(configuration))),
      charts: [redundancyChart(of)],
      notes: [
        "The formula counts one copy from the source to each neighbor, and one from every other node to each neighbor but the one that it first heard from. It is exact where no two copies come to a node at the same moment: any latencies of continuous time. Virtual time has whole milliseconds, so latencies are drawn from 1 to 10^9 of them, and ties are rarer than one in 10^6 runs.",
        "All hops equally long is the other extreme: copies of all neighbors nearer to the source come at the same moment, are all seen before anything is forwarded, and none of these neighbors gets one back. Then it is |E| + (links between nodes equally far from the source), also exact: on grids and trees document 001's once over each link.",
        "Between them is what links do: with 10 to 100 ms in whole milliseconds few copies meet. Waiting before forwarding (forwardDelayMs) lets more of them meet, and saves copies for time.",
        `Graphs of ${nodes} nodes (complete: 30, line: 15), reliable links. Where a graph is not connected, V and E are those of the part that holds the source. RMR is copies / (|V| - 1) - 1.`,
      ],
    };
  },
};

function isSame(a: Configuration, b: Configuration): boolean {
  return a.pace === b.pace && a.forwardDelayMs === b.forwardDelayMs && nameOf(a.shape) === nameOf(b.shape);
}

// ---- Runs ------------------------------------------------------------------------------------------------------

function graphOf(shape: Shape, seed: number): Graph {
  const random = seededRandom(seed);
  switch (shape.kind) {
    case "random":
      return randomGraph({ nodes, links: (nodes * shape.degree) / 2 }, random);
    case "geometric":
      return randomGeometricGraph({ nodes, width: 1, height: 1, range: 0.18 }, random);
    case "grid":
      return gridGraph({ rows: 10, columns: nodes / 10 });
    case "complete":
      return randomGraph({ nodes: 30, links: (30 * 29) / 2 }, random);
    case "line":
      return gridGraph({ rows: 1, columns: 15 });
  }
}

/** One message from node 0, until all copies have arrived. */
function flooded({ shape, pace, forwardDelayMs }: Configuration, seed: number): Record<Figure, number> {
  const graph = graphOf(shape, seed);
  const simulation = new Simulation({ seed, rows: graph.nodes, links: { latency: latencies[pace] } });
  const all = Array.from({ length: graph.nodes }, (_, row) => broadcastOn(graph, row, forwardDelayMs));
  all.forEach((broadcast, row) => {
    simulation.host(row, broadcast);
  });
  simulation.command(0, { type: "publish", payloads: ["a rumor"] });
  const total = (count: (broadcast: Broadcast) => number) =>
    all.reduce((sum, broadcast) => sum + count(broadcast), 0);
  const isUnderWay = () =>
    total(({ counters }) => counters.sends - counters.delivered - counters.duplicates) > 0 ||
    total(({ hotCount }) => hotCount) > 0;
  const stepMs = pace === "distinct" ? 100_000_000 : 100;
  do simulation.run(simulation.time + stepMs);
  while (isUnderWay());

  const copies = total(({ counters }) => counters.sends);
  const part = floodInStep({ graph, source: 0 });
  const reached = 1 + total(({ counters }) => counters.delivered);
  const expected = pace === "equal" ? part.transmissions : floodTransmissions(part);
  return {
    copies,
    // A node that was not reached would show as well: it sent none of its copies.
    beyond: copies - expected + (reached - part.nodes),
    redundancy: part.nodes > 1 ? relativeMessageRedundancy({ copies, nodes: part.nodes }) : 0,
    theoryCopies: expected,
    theoryRedundancy: part.nodes > 1 ? floodRedundancy(part) : 0,
  };
}

function broadcastOn({ offsets, neighbors }: Graph, row: number, forwardDelayMs: number): Broadcast {
  const mine = [...neighbors.subarray(offsets[row]!, offsets[row + 1]!)];
  return new Broadcast({
    view: { neighbors: mine, has: (node) => mine.includes(node as number) },
    standing: { incarnation: 1, since: 0 },
    signatures: trustEverybody,
    // Nothing is compared; the timer that remains is as rare as it can be.
    options: { method: "flood", forwardDelayMs, repairs: false, repairIntervalMs: 3_600_000 },
  });
}

// ---- Rows ------------------------------------------------------------------------------------------------------

function nameOf(shape: Shape): string {
  return shape.kind === "random" ? `random, mean degree ${shape.degree}` : shape.kind;
}

function rowsOf({ shape, pace, forwardDelayMs }: Configuration, sample: Sample): ReproductionRow[] {
  const { copies, beyond, redundancy, theoryCopies, theoryRedundancy } = sample;
  const name = `${nameOf(shape)}, ${paceNames[pace]}${pace === "default" ? `, wait ${forwardDelayMs} ms` : ""}`;
  const ofCopies = { of: name, figure: "copies of a message", theory: theoryCopies.mean, measured: copies };
  if (pace === "default") return [ofCopies];
  const formula = pace === "distinct" ? "2|E| - |V| + 1" : "|E| + links within a distance";
  const isExact: Gate = { low: 0, high: 0, why: "exact, in every run" };
  const rows: ReproductionRow[] = [
    ofCopies,
    { of: name, figure: `copies beyond ${formula}`, theory: 0, measured: beyond, gate: isExact },
  ];
  if (pace === "equal") return rows;
  const rmr = theoryRedundancy.mean;
  return [
    ...rows,
    {
      of: name,
      figure: "RMR",
      theory: rmr,
      measured: redundancy,
      gate: { low: rmr - 1e-9, high: rmr + 1e-9, why: "2|E|/(|V| - 1) - 2, but for rounding" },
    },
  ];
}

const paceNames: Readonly<Record<Pace, string>> = {
  distinct: "no ties",
  equal: "equal latencies",
  default: "10 to 100 ms",
};

// ---- Chart -----------------------------------------------------------------------------------------------------

function redundancyChart(of: (configuration: Configuration) => Sample): Chart {
  const at = (pace: Pace) =>
    degrees.map((degree) => of({ shape: { kind: "random", degree }, pace, forwardDelayMs: 0 }));
  return {
    id: "flood-cost-redundancy",
    title: "What a flood costs",
    note: `Superfluous copies for each needed one, on random graphs of ${nodes} nodes. With equal latencies copies meet, and fewer are sent.`,
    x: { label: "mean degree" },
    y: { label: "RMR", reachesTo: 14 },
    at: degrees,
    series: [
      {
        label: "theory: 2|E|/(|V|-1) - 2",
        style: "line",
        color: 0,
        values: at("distinct").map(({ theoryRedundancy }) => theoryRedundancy.mean),
      },
      measuredSeries(
        { label: "no ties", color: 0 },
        at("distinct").map(({ redundancy }) => redundancy),
      ),
      measuredSeries(
        { label: "equal latencies", color: 1 },
        at("equal").map(({ redundancy }) => redundancy),
      ),
    ],
  };
}
