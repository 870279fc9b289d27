/**
 * What overlay HyParView makes, and what is left of it when most nodes crash at once: connected, of path lengths and
 * clusters as published; and whether the living find together again, and how fast. Leitao, Pereira and Rodrigues, DSN
 * 2007; Cyclon, which holds no links, beside it. The figures of the paper are recalled.
 */
import { hashNumbers, Moments, type MomentsState, sample, UsageError } from "../../core/index.ts";
import { type Partners, Rumor, rumorStates } from "../../dissemination/index.ts";
import { Cyclon, KnownPeers } from "../../membership/index.ts";
import { Simulation } from "../../simulator/index.ts";
import {
  clustering,
  components,
  degrees,
  infectAndDieResidue,
  pathLengths,
  undirected,
} from "../../theory/index.ts";
import type { Chart, Series } from "../simulate/charts.ts";
import type { Experiment, Gate, ReproductionInput, ReproductionRow } from "./experiment.ts";
import { measuredSeries } from "./measured-series.ts";
import { ViewNetwork } from "./view-network.ts";

/** `contact`: a node knows who introduced it, and its views. `sample`: 200 others too, as SWIM with a partial view does. */
type Membership = "contact" | "sample";

export type HyParViewTask = { readonly seed: number; readonly nodes: number } & (
  | { readonly type: "hyparview"; readonly crashed: number; readonly membership: Membership }
  | { readonly type: "cyclon" }
);

interface OverlayFigures {
  readonly degree: number;
  readonly clustering: number;
  readonly path: number;
  readonly lastHop: number;
  readonly parts: number;
}

export interface HyParViewSample {
  readonly overlay: OverlayFigures;
  /** Share of the living that a flood from one of them reaches, for each of `reachedAfterMs`. */
  readonly reached?: readonly number[];
  /** Of Cyclon: share of the living that fan-out 4 reaches, for each of `crashShares`. */
  readonly delivered?: readonly number[];
}

const crashShares = [0.3, 0.5, 0.7, 0.8, 0.9];
/** With the sample only what is a goal of ours. */
const sampledShares = [0.8, 0.9];
const joinEveryMs = 5;
const settleMs = 40_000;
/** How long the connections to the crashed may seem to stand. */
const noticedMs = 1000;
/** Before anybody has noticed; after the first repairs; and when it has to be good. */
const reachedAfterMs = [0, 2000, 5000];
const sources = 32;

const published = { clustering: 0.00092, path: 6.385, lastHop: 9 };
const publishedCyclon = { clustering: 0.0068, path: 2.6 };
const publishedNodes = 10_000;
/** Its partial view is as long as both views of HyParView together; as in the paper on HyParView. */
const cyclonOptions = { cacheSize: 35, shuffleLength: 14, shufflePeriodMs: 1000 };
const cyclonPeriods = 30;
const fanout = 4;
const rumors = 30;

export const hyparviewExperiment: Experiment<HyParViewTask, HyParViewSample> = {
  name: "hyparview",
  description: "HyParView: its graph, and who reaches whom when 30 to 90 % crash at once; Cyclon beside it",
  source: "Leitao, Pereira and Rodrigues 2007 (DSN), sections 5.2 to 5.4",
  defaultRuns: 2,
  quickRuns: 1,
  quickFlags: { nodes: "400" },
  flags: [{ name: "nodes", description: "nodes", default: publishedNodes, min: 100, max: 100_000 }],

  plan: (input) => {
    const nodes = nodesOf(input);
    return Array.from({ length: input.runs }, (_, run) => hashNumbers([input.seed, run])).flatMap((seed) => {
      const crashes = (membership: Membership, shares: readonly number[]) =>
        shares.map((crashed): HyParViewTask => ({ type: "hyparview", seed, nodes, crashed, membership }));
      return [
        { type: "cyclon", seed, nodes } as const,
        ...crashes("contact", crashShares),
        ...crashes("sample", sampledShares),
      ];
    });
  },

  measure: (task) => (task.type === "cyclon" ? measureCyclon(task) : measureHyParView(task)),

  report: (input, tasks, samples) => {
    const of = (accepts: (task: HyParViewTask) => boolean) => samples.filter((_, i) => accepts(tasks[i]!));
    const overlay = (type: HyParViewTask["type"], figure: keyof OverlayFigures) =>
      momentsOf(of((task) => task.type === type).map((one) => one.overlay[figure]));
    const reached = (membership: Membership, crashed: number, place: number) =>
      momentsOf(
        of(
          (task) => task.type === "hyparview" && task.membership === membership && task.crashed === crashed,
        ).map((one) => one.reached![place]!),
      );
    const delivered = (crashed: number) =>
      momentsOf(
        of((task) => task.type === "cyclon").map((one) => one.delivered![crashShares.indexOf(crashed)]!),
      );
    return {
      rows: [
        ...rowsOfOverlay(input, (figure) => overlay("hyparview", figure)),
        ...rowsOfCyclon(input, (figure) => overlay("cyclon", figure), delivered),
        ...crashShares.flatMap((crashed) => rowsOfCrash(input, "contact", crashed, reached)),
        ...sampledShares.flatMap((crashed) => rowsOfCrash(input, "sample", crashed, reached)),
      ],
      charts: [crashChart(reached, delivered)],
      notes: [
        `Nodes join one after the other, each through somebody who is there; ${settleMs / 1000} s later the graph is measured. A flood reaches whoever is linked, over however many nodes, to its source: the mean over ${sources} sources. Its last hop is the farthest node.`,
        `The crashed are killed; their machines live on and refuse connections. Who was linked to them learns so within ${noticedMs} ms, and nothing else helps: no detector, no seed.`,
        "With 90 % gone, one or two nodes of a thousand know nobody who lives, and nobody who lives knows them: 35 entries are too few, whatever the protocol does (0.9^35 e^-3). With the sample that the membership keeps in the modern profile nobody is lost. Gates of connectedness are therefore those of the modern profile.",
        "Clusters: the paper has .00092, and a random graph of these degrees .0004. A peer that was given up for a newcomer asks it first, which closes triangles; they are few.",
        `Cyclon with ${cyclonOptions.cacheSize} pointers: its graph is that of pointers in both directions. It holds no links, so nobody notices a crash until the next shuffles: the message goes to ${fanout} pointers at random, many of them dead. Theory: it dies out early, or reaches 1 - s of the living, s = e^(-f(1-s)), with f = ${fanout} times the living share; the mean over both.`,
      ],
    };
  },
};

function nodesOf({ flags }: ReproductionInput): number {
  const nodes = flags["nodes"] as number;
  if (!Number.isSafeInteger(nodes)) throw new UsageError(`--nodes: ${nodes} is not an integer`);
  return nodes;
}

function momentsOf(values: readonly number[]): MomentsState {
  return Moments.of(values).toJSON();
}

// ---- Measuring ----------------------------------------------------------------------------------------------------

function measureHyParView({
  seed,
  nodes,
  crashed,
  membership,
}: Extract<HyParViewTask, { type: "hyparview" }>): HyParViewSample {
  const network = new ViewNetwork({
    seed,
    nodes,
    links: { latency: { model: "uniform", fromMs: 10, toMs: 50 } },
    // Nobody falls silent here without a broken connection.
    options: { keepAliveMs: 3_600_000 },
  });
  network.startAll(joinEveryMs);
  network.run(settleMs);
  if (membership === "sample") network.giveSamples();
  const overlay = figuresOf(network.graph);
  network.crash(sample(network.living, Math.round(crashed * nodes), network.random), noticedMs);
  const at = network.time;
  const reached = reachedAfterMs.map((after) => {
    network.simulation.run(at + after);
    return pathLengths(network.graph, { sources }).reachability;
  });
  return { overlay, reached };
}

function figuresOf(graph: Map<number, readonly number[]>): OverlayFigures {
  const lengths = pathLengths(graph, { sources });
  const ends = degrees(graph).reduce((sum, degree) => sum + degree, 0);
  return {
    degree: ends / graph.size,
    clustering: clustering(graph),
    path: lengths.meanPathLength,
    lastHop: lengths.diameter,
    parts: components(graph).length,
  };
}

function measureCyclon({ seed, nodes }: HyParViewTask): HyParViewSample {
  const simulation = new Simulation({
    seed,
    rows: nodes,
    links: { kind: "stream", latency: { model: "uniform", fromMs: 10, toMs: 50 } },
  });
  const caches = Array.from({ length: nodes }, (_, row) => {
    const sampler = new KnownPeers(1);
    const contact = hashNumbers([seed, row]) % Math.max(1, row);
    if (row > 0) sampler.add({ peer: contact, since: contact }, simulation.random);
    return new Cyclon({ sampler, standing: { incarnation: 1, since: row }, options: cyclonOptions });
  });
  for (const [row, cyclon] of caches.entries()) simulation.host(row, cyclon);
  simulation.run(cyclonPeriods * cyclonOptions.shufflePeriodMs);
  const pointers = caches.map(({ candidates }) => candidates.map(({ peer }) => peer as number));
  return {
    overlay: figuresOf(undirected(pointers)),
    delivered: crashShares.map((crashed) =>
      deliveredOver(pointers, crashed, hashNumbers([seed, crashed * 10])),
    ),
  };
}

/** Share of the living that a rumor of fan-out 4 reaches, over pointers as they are: the mean over some rumors. */
function deliveredOver(pointers: readonly (readonly number[])[], crashed: number, seed: number): number {
  const shares = Array.from({ length: rumors }, (_, rumor) => {
    const nodes = pointers.length;
    const partners: Partners = {
      choose: ({ row, random }) => pointers[row]![random.below(pointers[row]!.length)]!,
    };
    const simulation = new Simulation({
      seed: hashNumbers([seed, rumor]),
      rows: nodes,
      links: { latency: { model: "constant", ms: 1 } },
    });
    const protocol = new Rumor({
      rows: nodes,
      partners,
      options: {
        ...{ mode: "push", stop: "counter", hasFeedback: false, fanout, stopAfter: fanout },
        ...{ timing: "aligned", intervalMs: 10, isQuiet: true },
      },
    });
    simulation.hostAll(protocol);
    const rows = sample([...pointers.keys()], nodes, simulation.random);
    const dead = Math.round(crashed * nodes);
    for (const row of rows.slice(0, dead)) simulation.crash(row);
    simulation.command(rows[dead]!, { type: "infect" });
    simulation.run();
    const untold = protocol.state.reduce(
      (sum, state) => sum + (state === rumorStates.susceptible ? 1 : 0),
      0,
    );
    return (nodes - untold) / (nodes - dead);
  });
  return Moments.of(shares).mean;
}

// ---- Rows ---------------------------------------------------------------------------------------------------------

const isPublished = (input: ReproductionInput) => nodesOf(input) === publishedNodes;

function rowsOfOverlay(
  input: ReproductionInput,
  measured: (figure: keyof OverlayFigures) => MomentsState,
): ReproductionRow[] {
  const nodes = nodesOf(input);
  const of = `HyParView, N = ${nodes}`;
  const hasPaper = isPublished(input);
  const gate = (low: number, high: number, why: string): { readonly gate: Gate } => ({
    gate: { low, high, why },
  });
  return [
    { of, figure: "parts", theory: 1, measured: measured("parts"), ...gate(1, 1, "nobody may be left out") },
    {
      of,
      figure: "mean degree",
      published: 5,
      measured: measured("degree"),
      ...gate(4.9, 5, "the active view holds 5, and nearly all find as many"),
    },
    {
      of,
      figure: "mean path",
      ...(hasPaper && { published: published.path }),
      measured: measured("path"),
      ...(hasPaper && gate(published.path - 0.1, published.path + 0.1, "published, ±0.1")),
    },
    {
      of,
      figure: "last delivery hop",
      ...(hasPaper && { published: published.lastHop }),
      measured: measured("lastHop"),
      ...(hasPaper && gate(8, 10, "published, ±1")),
    },
    {
      of,
      figure: "clustering",
      ...(hasPaper && { published: published.clustering }),
      theory: 4 / nodes,
      measured: measured("clustering"),
      ...gate(0, 40 / nodes, "a few times that of a random graph, and a fraction of Cyclon's"),
    },
  ];
}

function rowsOfCyclon(
  input: ReproductionInput,
  measured: (figure: keyof OverlayFigures) => MomentsState,
  delivered: (crashed: number) => MomentsState,
): ReproductionRow[] {
  const of = `Cyclon, N = ${nodesOf(input)}`;
  const hasPaper = isPublished(input);
  const { clustering: clusters, path } = publishedCyclon;
  return [
    {
      of,
      figure: "mean path",
      ...(hasPaper && { published: path }),
      measured: measured("path"),
      ...(hasPaper && { gate: { low: path - 0.1, high: path + 0.1, why: "published, ±0.1" } }),
    },
    {
      of,
      figure: "clustering",
      ...(hasPaper && { published: clusters }),
      measured: measured("clustering"),
      ...(hasPaper && { gate: { low: clusters * 0.85, high: clusters * 1.15, why: "published, ±15 %" } }),
    },
    ...crashShares.map((crashed) => ({
      of: `Cyclon, ${percent(crashed)} crash`,
      figure: `fan-out ${fanout} reaches (share of the living)`,
      theory: fanoutReach(1 - crashed),
      measured: delivered(crashed),
    })),
  ];
}

/** Does it get off the ground, as a branching process of `fanout` calls; and if so, whom does it reach? */
function fanoutReach(living: number): number {
  let diesOut = 0;
  for (let step = 0; step < 10_000; step++) diesOut = (1 - living + living * diesOut) ** fanout;
  return (1 - diesOut) * (1 - infectAndDieResidue({ fanout: fanout * living }));
}

const percent = (share: number) => `${Math.round(100 * share)} %`;

type ReachedOf = (membership: Membership, crashed: number, place: number) => MomentsState;

function rowsOfCrash(
  input: ReproductionInput,
  membership: Membership,
  crashed: number,
  reached: ReachedOf,
): ReproductionRow[] {
  const of = `${percent(crashed)} crash${membership === "sample" ? ", with the membership's sample" : ""}`;
  return [...reachedAfterMs.keys()].map((place): ReproductionRow => {
    const isLast = place === reachedAfterMs.length - 1;
    return {
      of,
      figure: `a flood reaches after ${reachedAfterMs[place]! / 1000} s (share of the living)`,
      ...(isLast && { published: 1 }),
      measured: reached(membership, crashed, place),
      ...(isLast && { gate: gateOf(input, membership, crashed) }),
    };
  });
}

/** Of few survivors one who knows nobody is a large share: there the paper's views alone have no gate. */
function gateOf(input: ReproductionInput, membership: Membership, crashed: number): Gate | undefined {
  if (crashed < 0.9) return { low: 1, high: 1, why: "all the living, and each of them" };
  if (membership === "sample") return { low: 0.999, high: 1, why: "the goal of the modern profile" };
  return isPublished(input) ? { low: 0.99, high: 1, why: "but for those who know nobody alive" } : undefined;
}

// ---- Chart --------------------------------------------------------------------------------------------------------

function crashChart(reached: ReachedOf, delivered: (crashed: number) => MomentsState): Chart {
  const series = (label: string, color: number, at: (crashed: number) => MomentsState): Series =>
    measuredSeries({ label, color }, crashShares.map(at));
  return {
    id: "hyparview-crashes",
    title: "HyParView: who is reached when so many crash at once",
    note: "Before anybody has noticed the graph is in pieces from 80 % on; five seconds later it is whole again.",
    x: { label: "share of nodes that crash" },
    y: { label: "share of the living that is reached", reachesTo: 1 },
    at: crashShares,
    series: [
      series("HyParView, at once", 0, (crashed) => reached("contact", crashed, 0)),
      series("HyParView, after 5 s", 1, (crashed) => reached("contact", crashed, reachedAfterMs.length - 1)),
      series(`Cyclon, fan-out ${fanout}`, 2, delivered),
      {
        label: "theory for fan-out over pointers",
        style: "line",
        color: 2,
        values: crashShares.map((crashed) => fanoutReach(1 - crashed)),
      },
    ],
  };
}
