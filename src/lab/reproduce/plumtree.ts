/**
 * Plumtree over HyParView: what a message costs along a tree of its source, and along one tree for all sources; and
 * whom messages still reach when most nodes die at once (Leitao, Pereira, Rodrigues 2007, both papers).
 *
 * A node here is HyParView below the broadcast, the very objects that run live, over streams. Each network forms by
 * joining, one node after the other, and is measured when it has.
 */
import { hashNumbers, Moments, type MomentsState, sample, seededRandom } from "../../core/index.ts";
import type { Latency } from "../../simulator/index.ts";
import { floodRedundancy, relativeMessageRedundancy } from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, Gate, ReproductionRow } from "./experiment.ts";
import { measuredSeries } from "./measured-series.ts";
import { PlumtreeNetwork, type Spread } from "./plumtree-network.ts";

type Tree = "of each source" | "shared";
type Pace = "fixed" | "jittered";

interface Configuration {
  readonly tree: Tree;
  readonly pace: Pace;
  /** One after the other, in the same network. */
  readonly senders: readonly number[];
  /** Which part of all nodes dies at once in the end. */
  readonly crashed?: number;
}

interface Task {
  readonly place: number;
  readonly seed: number;
  readonly nodes: number;
}

/** What so many senders cost, per message. */
interface Cost {
  readonly senders: number;
  readonly redundancy: number;
  readonly lastHop: number;
  readonly lastMs: number;
  readonly grafts: number;
  /** Per node, too. */
  readonly announced: number;
  /** Of all nodes, by all messages. */
  readonly share: number;
}

interface Sample {
  readonly flood: { readonly redundancy: number; readonly theory: number };
  readonly costs: readonly Cost[];
  readonly crash?: {
    readonly survivors: number;
    /** Which part of the survivors a message has reached, by tenths of a second after its publication. */
    readonly atOnce: readonly number[];
    readonly aSecondLater: readonly number[];
  };
}

const configurations: readonly Configuration[] = [
  // The longest first, so that threads end together.
  { tree: "of each source", pace: "fixed", senders: [64] },
  { tree: "of each source", pace: "fixed", senders: [1, 16], crashed: 0.8 },
  { tree: "of each source", pace: "jittered", senders: [1, 16], crashed: 0.9 },
  { tree: "shared", pace: "fixed", senders: [16] },
  { tree: "shared", pace: "jittered", senders: [16] },
];

/** The first message of each sender floods, with the second ways are shortened; after these it is measured. */
const roundsBefore = 2;
/** Messages that are measured, or one of each sender. */
const leastMeasured = 8;
const survivingSenders = 8;
const deadlineTenths = 50;

/** Of single networks of 10^4 nodes: the measurement that this repeats, and its latencies are ours. */
const published: Readonly<Record<string, Partial<Omit<Cost, "senders">>>> = {
  "of each source, fixed, 1": { redundancy: 0, announced: 3, lastHop: 12, lastMs: 245, share: 1 },
  "of each source, fixed, 16": { redundancy: 0, lastHop: 12.6, lastMs: 229, grafts: 0, share: 1 },
  "of each source, jittered, 1": { redundancy: 0.0145 },
  "of each source, jittered, 16": { redundancy: 0.028 },
  "shared, jittered, 16": { redundancy: 0.38 },
};

const figures: readonly { readonly figure: keyof Omit<Cost, "senders">; readonly name: string }[] = [
  { figure: "share", name: "share of the nodes reached" },
  { figure: "redundancy", name: "RMR" },
  { figure: "lastHop", name: "last delivery hop" },
  { figure: "lastMs", name: "ms to the last delivery" },
  { figure: "grafts", name: "grafts per message" },
  { figure: "announced", name: "announcements per message and node" },
];

export const plumtreeExperiment: Experiment<Task, Sample> = {
  name: "plumtree",
  description: "Broadcast along a tree for each source, and when most nodes die",
  source: "Leitao, Pereira, Rodrigues 2007: Epidemic broadcast trees; HyParView",
  defaultRuns: 1,
  quickRuns: 1,
  quickFlags: { nodes: "100" },
  flags: [{ name: "nodes", description: "nodes of each network", default: 10_000, min: 100, max: 20_000 }],

  plan: ({ seed, runs, flags }) =>
    configurations.flatMap((_, place) =>
      Array.from({ length: runs }, (_, run) => ({
        place,
        seed: hashNumbers([seed, place, run]),
        nodes: Number(flags["nodes"]),
      })),
    ),

  measure: ({ place, seed, nodes }) => measured(configurations[place]!, nodes, seed),

  report: ({ flags }, tasks, samples) => {
    const of = (place: number) => samples.filter((_, i) => tasks[i]!.place === place);
    return {
      rows: configurations.flatMap((configuration, place) => rowsOf(configuration, of(place))),
      charts: [crashChart(of), redundancyChart(of)],
      notes: [
        `${flags["nodes"]} nodes of degree 5 and 30 remembered peers, which have joined one after the other and shuffled for half a minute. What the membership knows of others beside is a sample of 200. Fixed: each link has one latency between 10 and 50 ms. Jittered: each message has its own.`,
        `A tree of each source is there from its first message on (--own-tree 1; by default from its third in a minute). Each sender publishes ${roundsBefore} times before it is measured, and the first of these floods. The shared tree is that of the paper (--own-tree 0).`,
        "RMR is copies of payloads / (n - 1) - 1; new links of the overlay cost a copy each, so it is not exactly 0. The last delivery hop is the mean over messages of the longest way to a node.",
        "Published with one tree for all and random senders: RMR .14 to .43, last hop 21 to 27, 576 to 678 ms, 1,100 to 2,150 grafts per message, of fixed latencies too; HyParView below a flood: nearly all survivors up to 90 % crashed.",
        `Crash: processes die and their machines close the connections, so that neighbors learn it a latency later. ${survivingSenders} survivors publish in the same millisecond, and again a second later.`,
      ],
    };
  },
};

// ---- Runs ------------------------------------------------------------------------------------------------------

const zones = 64;

function latencyOf(pace: Pace, seed: number): Latency {
  if (pace === "jittered") return { model: "uniform", fromMs: 10, toMs: 50 };
  const of = (a: number, b: number) => 10 + (hashNumbers([seed, Math.min(a, b), Math.max(a, b)]) % 41);
  const matrixMs = Array.from({ length: zones }, (_, a) => Array.from({ length: zones }, (_, b) => of(a, b)));
  return { model: "zones", matrixMs };
}

function measured({ tree, pace, senders, crashed }: Configuration, nodes: number, seed: number): Sample {
  const network = new PlumtreeNetwork({
    seed,
    nodes,
    latency: latencyOf(pace, seed),
    options: {
      method: "plumtree",
      ownTreePerMinute: tree === "shared" ? 0 : 1,
      repairIntervalMs: 30_000, // as in the modern profile
      retainMessages: 100,
    },
  });
  const theory = floodRedundancy({ nodes, links: Math.round((nodes * network.meanDegree) / 2) });
  const random = seededRandom(seed);
  const flood = network.spent.sends;
  network.publish(random.below(nodes));
  network.run(2000);
  const redundancy = relativeMessageRedundancy({ copies: network.spent.sends - flood, nodes });
  const costs = senders.map((count) => costOf(network, sample(network.living, count, random)));
  const measurements = { flood: { redundancy, theory }, costs };
  return crashed === undefined ? measurements : { ...measurements, crash: crashOf(network, crashed, seed) };
}

function costOf(network: PlumtreeNetwork, senders: readonly number[]): Cost {
  const nodes = network.living.length;
  const speak = (): Spread[] =>
    senders.map((row) => {
      const spread = network.publish(row);
      network.run(Math.ceil(1000 / senders.length));
      return spread;
    });
  for (let i = 0; i < roundsBefore; i++) {
    speak();
    network.run(2000);
  }
  const before = network.spent;
  const rounds = Math.ceil(leastMeasured / senders.length);
  const spreads = Array.from({ length: rounds }, speak).flat();
  network.run(2000);
  const after = network.spent;
  const perMessage = (name: keyof typeof after) => (after[name] - before[name]) / spreads.length;
  const mean = (value: (spread: Spread) => number) => Moments.of(spreads.map(value)).mean;
  return {
    senders: senders.length,
    redundancy: perMessage("sends") / (nodes - 1) - 1,
    lastHop: mean(({ lastHop }) => lastHop),
    lastMs: mean(({ lastAfterMs }) => lastAfterMs),
    grafts: perMessage("grafts"),
    announced: perMessage("announced") / nodes,
    share: mean(({ reached }) => reached / nodes),
  };
}

function crashOf(network: PlumtreeNetwork, crashed: number, seed: number): NonNullable<Sample["crash"]> {
  const random = seededRandom(hashNumbers([seed, 1]));
  const { living } = network;
  network.crash(sample(living, Math.round(crashed * living.length), random));
  const survivors = network.living;
  const speak = () => sample(survivors, survivingSenders, random).map((row) => network.publish(row));
  const first = speak();
  network.run(1000);
  const second = speak();
  network.run(10_000);
  const shares = (spreads: readonly Spread[]) =>
    Array.from(
      { length: deadlineTenths + 1 },
      (_, i) => Moments.of(spreads.map(({ reachedAfter }) => reachedAfter[i]! / survivors.length)).mean,
    );
  return { survivors: survivors.length, atOnce: shares(first), aSecondLater: shares(second) };
}

// ---- Rows ------------------------------------------------------------------------------------------------------

const all: Gate = { low: 1, high: 1, why: "everybody" };
const cheap: Gate = { low: 0, high: 0.05, why: "goal: at most a twentieth more than needed" };
const short: Gate = { low: 0, high: 13, why: "goal: at most 13 hops" };

function gateOf({ tree }: Configuration, { senders }: Cost, figure: string): Gate | undefined {
  if (figure === "share") return tree === "shared" ? undefined : all;
  if (tree === "shared") return undefined;
  if (figure === "redundancy") return cheap;
  return figure === "lastHop" && senders >= 16 ? short : undefined;
}

function rowsOf(configuration: Configuration, samples: readonly Sample[]): ReproductionRow[] {
  const { tree, pace, senders, crashed } = configuration;
  const over = (value: (sample: Sample) => number): MomentsState => Moments.of(samples.map(value)).toJSON();
  const name = `tree ${tree}, ${pace} latencies`;
  const theory = over(({ flood }) => flood.theory).mean;
  const rows: ReproductionRow[] = [
    {
      of: name,
      figure: "RMR of the first message",
      theory,
      measured: over(({ flood }) => flood.redundancy),
      gate: {
        low: theory - 0.02,
        high: theory + 0.02,
        why: "a flood: 2|E| / (n - 1) - 2, while links change",
      },
    },
  ];
  for (const [i, count] of senders.entries())
    for (const { figure, name: figureName } of figures) {
      const gate = gateOf(configuration, samples[0]!.costs[i]!, figure);
      const value = published[`${tree}, ${pace}, ${count}`]?.[figure];
      rows.push({
        of: `${name}, ${count} ${count === 1 ? "sender" : "senders"}`,
        figure: figureName,
        ...(value === undefined ? {} : { published: value }),
        measured: over(({ costs }) => costs[i]![figure]),
        ...(gate === undefined ? {} : { gate }),
      });
    }
  if (crashed === undefined) return rows;
  const percent = Math.round(100 * crashed);
  const gate: Gate = { low: crashed > 0.8 ? 0.999 : 1, high: 1, why: "goal, within 5 s" };
  const of = `${percent} % crashed at once, ${pace} latencies`;
  const reached = (when: "atOnce" | "aSecondLater") => over(({ crash }) => crash![when][deadlineTenths]!);
  return [
    ...rows,
    { of, figure: "survivors reached in 5 s, sent at the crash", measured: reached("atOnce"), gate },
    { of, figure: "survivors reached in 5 s, sent 1 s later", measured: reached("aSecondLater"), gate },
  ];
}

// ---- Charts ----------------------------------------------------------------------------------------------------

function crashChart(of: (place: number) => readonly Sample[]): Chart {
  const crashes = configurations.flatMap(({ crashed }, place) =>
    crashed === undefined ? [] : [{ crashed, place }],
  );
  const at = Array.from({ length: deadlineTenths + 1 }, (_, i) => i / 10);
  return {
    id: "plumtree-crash",
    title: "Most nodes die: whom does a message reach?",
    note: "Published in the moment of the crash, before anybody knows of it. Share of the survivors, mean of 8 messages.",
    x: { label: "seconds after the crash" },
    y: { label: "share of the survivors" },
    at,
    series: crashes.map(({ crashed, place }, color) => ({
      label: `${Math.round(100 * crashed)} % crashed`,
      style: "line" as const,
      color,
      values: at.map((_, i) => Moments.of(of(place).map(({ crash }) => crash!.atOnce[i]!)).mean),
    })),
  };
}

function redundancyChart(of: (place: number) => readonly Sample[]): Chart {
  const at = [...new Set(configurations.flatMap(({ senders }) => senders))].toSorted((a, b) => a - b);
  const costsOf = (wanted: Pick<Configuration, "tree" | "pace">) =>
    configurations.flatMap(({ tree, pace }, place) =>
      tree === wanted.tree && pace === wanted.pace ? of(place).flatMap(({ costs }) => costs) : [],
    );
  const looks = [
    { tree: "of each source", pace: "fixed" },
    { tree: "of each source", pace: "jittered" },
    { tree: "shared", pace: "fixed" },
    { tree: "shared", pace: "jittered" },
  ] as const;
  return {
    id: "plumtree-redundancy",
    title: "Superfluous copies, by number of senders",
    note: "Copies for each needed one, beside that. A tree of each source settles; one for all never does.",
    x: { label: "senders", isLogarithmic: true },
    y: { label: "RMR" },
    at,
    series: looks.map((look, color) =>
      measuredSeries(
        { label: `tree ${look.tree}, ${look.pace}`, color },
        at.map((count) => {
          const costs = costsOf(look).filter(({ senders }) => senders === count);
          return costs.length === 0
            ? undefined
            : Moments.of(costs.map(({ redundancy }) => redundancy)).toJSON();
        }),
      ),
    ),
  };
}
