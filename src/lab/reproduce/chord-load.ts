/**
 * How evenly Chord spreads keys, alone and with virtual nodes; what a join moves; how much a node has to know (Stoica et
 * al. 2003, theorem 1 and section VI-B).
 *
 * A virtual node is a place of its own on the ring, with an id and tables of its own: here each place is a node of the
 * simulation, and `virtual` of them are counted as one.
 */
import {
  fractionOf,
  hashNumbers,
  isWithin,
  Moments,
  type MomentsState,
  type Random,
  randomKey,
  seededRandom,
} from "../../core/index.ts";
import { Chord } from "../../lookup/index.ts";
import { chordDistinctFingers, chordLoad, keysMovedByJoin } from "../../theory/index.ts";
import { KeySpace } from "../lookup/key-space.ts";
import { LookupNetwork } from "../lookup/lookup-network.ts";
import { staticChord } from "../lookup/static-chord.ts";
import type { Chart } from "../simulate/charts.ts";
import { modelGate, once, whole } from "./chord-network.ts";
import type { Experiment, Reproduction, ReproductionInput, ReproductionRow } from "./experiment.ts";
import { measuredSeries } from "./measured-series.ts";

interface Settings {
  readonly nodes: number;
  readonly keys: number;
  readonly virtual: number;
  readonly ringNodes: number;
  readonly joins: number;
  readonly successors: number;
}

interface Task extends Settings {
  readonly seed: number;
  readonly part: "load" | "join";
  /** Places of each node: of `load`. */
  readonly places: number;
}

/** Of one ring. */
interface Sample {
  /** Of the keys per node, over their mean. */
  readonly p1?: number;
  readonly p99?: number;
  /** Keys that the node to which we count them does not take for its own. */
  readonly strangers?: number;
  /** Successors and different fingers, of some nodes. */
  readonly known?: MomentsState;
  /** Keys that each newcomer took over, over K/(N+1). */
  readonly moved?: MomentsState;
}

/** The paper's, recalled, with 1 and with 20 virtual nodes: p1 and p99 over the mean. */
const published: Readonly<Record<number, { readonly p1: number; readonly p99: number }>> = {
  1: { p1: 0, p99: 4.7 },
  20: { p1: 0.5, p99: 1.6 },
};

const probes = 300;

function settingsFrom({ flags }: ReproductionInput): Settings {
  return {
    nodes: whole(flags, "nodes"),
    keys: whole(flags, "keys"),
    virtual: whole(flags, "virtual"),
    ringNodes: whole(flags, "ring-nodes"),
    joins: whole(flags, "joins"),
    successors: whole(flags, "successors"),
  };
}

export const chordLoadExperiment: Experiment<Task, Sample> = {
  name: "chord-load",
  description: "Keys per node of Chord, with and without virtual nodes; what a join moves; what a node knows",
  source: "Stoica et al. 2003 (ToN 11), theorem 1 and section VI-B (recalled)",
  defaultRuns: 10,
  quickRuns: 2,
  flags: [
    { name: "nodes", description: "N of the load", default: 10_000, min: 2, max: 1_000_000 },
    { name: "keys", description: "K", default: 1_000_000, min: 1, max: 100_000_000 },
    { name: "virtual", description: "places of each node, beside 1", default: 20, min: 1, max: 1000 },
    { name: "ring-nodes", description: "N of the network that is joined", default: 300, min: 3, max: 10_000 },
    { name: "joins", description: "joins in each network", default: 60, min: 1, max: 10_000 },
    { name: "successors", description: "r, length of the list", default: 16, min: 2, max: 64 },
  ],

  plan(input) {
    const settings = settingsFrom(input);
    // Many places are as many rings in one: their percentiles hardly differ from ring to ring.
    const rings = Math.max(2, Math.ceil(input.runs / 4));
    return Array.from({ length: Math.max(2, input.runs) }, (_, run): Task[] => {
      const task = { ...settings, seed: hashNumbers([input.seed, run]) };
      const many: Task[] =
        settings.virtual > 1 && run < rings ? [{ ...task, part: "load", places: settings.virtual }] : [];
      return [...many, { ...task, part: "load", places: 1 }, { ...task, part: "join", places: 1 }];
    }).flat();
  },

  measure: (task) => (task.part === "load" ? loadOf(task) : joinsOf(task)),

  report(input, tasks, samples) {
    const settings = settingsFrom(input);
    const of = (figure: keyof Sample, places = 1): MomentsState => {
      const all = new Moments();
      samples.forEach((sample, i) => {
        const value = sample[figure];
        if (value === undefined || tasks[i]!.places !== places) return;
        if (typeof value === "number") all.add(value);
        else all.merge(Moments.from(value));
      });
      return all.toJSON();
    };
    const places = settings.virtual === 1 ? [1] : [1, settings.virtual];
    return {
      rows: [...places.flatMap((one) => loadRows(settings, one, of)), ...otherRows(settings, of)],
      charts: [loadChart(settings, places, of)],
      notes: [
        "Keys per node over the mean: keys/N. The law is exact (beta-binomial). The first percentile of single nodes is a count of very few keys, so it has no gate.",
        "A virtual node is a place of its own on the ring; here places are nodes of the simulation, and that many are counted as one.",
        "Joins are of the running protocol: a newcomer's keys are those between its predecessor and itself when it has been linked.",
        "Published figures are recalled.",
      ],
    } satisfies Reproduction;
  },
};

type FigureOf = (figure: keyof Sample, places?: number) => MomentsState;

// ---- Measuring -----------------------------------------------------------------------------------------------------

function loadOf({ seed, nodes, keys, places, successors }: Task): Sample {
  const random = seededRandom(hashNumbers([seed, places]));
  const space = new KeySpace({ seed: hashNumbers([seed, places, 1]), rows: nodes * places });
  const { sorted } = space;
  const fractions = Float64Array.from(sorted, ({ key }) => fractionOf(key));
  const counts = new Uint32Array(nodes);
  for (let i = 0; i < keys; i++) {
    const owner = sorted[firstFrom(fractions, unit53(random)) % sorted.length]!;
    counts[(owner.node as number) % nodes]!++;
  }
  counts.sort();
  const mean = keys / nodes;
  const quantile = (q: number) => counts[Math.max(0, Math.ceil(q * nodes) - 1)]! / mean;
  return { p1: quantile(0.01), p99: quantile(0.99), ...asked(space, fractions, successors, random) };
}

/** The protocol itself is asked about some keys, and how much it knows. */
function asked(
  space: KeySpace,
  fractions: Float64Array,
  successors: number,
  random: Random,
): Pick<Sample, "strangers" | "known"> {
  const tableOf = staticChord(space, { successors });
  const known = new Moments();
  let strangers = 0;
  for (let i = 0; i < probes; i++) {
    const key = randomKey(random);
    const self = space.sorted[firstFrom(fractions, fractionOf(key)) % space.sorted.length]!;
    const restored = tableOf(self.node as number);
    const { keyedNode } = space;
    const chord = new Chord({ self, keyedNode, bootstrap: [], restored, options: { successors } });
    if (chord.replicas(key, 1)[0] !== self) strangers++;
    known.add(chord.successors.length + chord.fingers.length);
  }
  return { strangers, known: known.toJSON() };
}

/** A ring that runs: newcomers join one after the other, and take over what lies between their predecessor and them. */
function joinsOf({ seed, ringNodes, joins, keys, successors }: Task): Sample {
  const random = seededRandom(hashNumbers([seed, 2]));
  const space = new KeySpace({ seed: hashNumbers([seed, 3]), rows: ringNodes + joins });
  const founders = new KeySpace({ seed: hashNumbers([seed, 3]), rows: ringNodes });
  const tableOf = staticChord(founders, { successors });
  const network = new LookupNetwork({
    ...{ seed, keys: space, rows: ringNodes + joins },
    links: { latency: { model: "constant", ms: 20 } },
    tableOf: (row) => (row < ringNodes ? tableOf(row) : undefined),
    make: (place) => new Chord({ ...place, options: { successors }, tellsSteps: false }),
  });
  for (let row = 0; row < ringNodes; row++) network.start(row);
  // The keys that somebody keeps: some millions are as good as all.
  const stored = Array.from({ length: Math.min(keys, 20_000) }, () => randomKey(random));
  const moved = new Moments();
  for (let row = ringNodes; row < ringNodes + joins; row++) {
    const before = row;
    network.start(
      row,
      network.living.sample(1, network.dieOf(row)).filter((other) => other !== row),
    );
    const chord = network.routerOf(row) as Chord;
    network.runUntil(() => chord.hasJoined && chord.predecessor !== undefined, 60_000, 100);
    network.run(200);
    const { predecessor, self } = chord;
    const taken = stored.filter(
      (key) => predecessor !== undefined && isWithin(predecessor.key, key, self.key),
    );
    moved.add(taken.length / keysMovedByJoin({ n: before, keys: stored.length }));
  }
  return { moved: moved.toJSON() };
}

/** The first place that does not lie before it; as many as there are if all do. */
function firstFrom(fractions: Float64Array, fraction: number): number {
  let low = 0;
  let high = fractions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (fractions[middle]! >= fraction) high = middle;
    else low = middle + 1;
  }
  return low;
}

function unit53(random: Random): number {
  return (random.uint32() * 2 ** 21 + (random.uint32() >>> 11)) / 2 ** 53;
}

// ---- Reporting -----------------------------------------------------------------------------------------------------

function loadRows({ nodes, keys, successors }: Settings, places: number, of: FigureOf): ReproductionRow[] {
  const law = chordLoad({ n: nodes, keys, virtualNodes: places });
  const known = published[places];
  const row = of("p99", places);
  const title = `N = ${nodes}, K = ${keys}, ${places} ${places === 1 ? "place" : "places"} each`;
  const rows: ReproductionRow[] = [
    {
      ...{ of: title, figure: "99th percentile of keys, over the mean", measured: row },
      ...(known !== undefined && { published: known.p99 }),
      ...modelGate(row, once(law.quantile(0.99) / law.mean)),
    },
    {
      ...{ of: title, figure: "1st percentile of keys, over the mean", measured: of("p1", places) },
      ...(known !== undefined && { published: known.p1 }),
      ...(places === 1
        ? { theory: law.quantile(0.01) / law.mean }
        : modelGate(of("p1", places), once(law.quantile(0.01) / law.mean))),
    },
    {
      ...{ of: title, figure: "keys that a node does not take for its own", theory: 0 },
      measured: of("strangers", places),
      gate: { low: 0, high: 0, why: "exact tables" },
    },
  ];
  const state = of("known", places);
  rows.push({
    ...{ of: title, figure: "successors and different fingers of a place", measured: state },
    ...modelGate(state, once(successors + chordDistinctFingers({ n: nodes * places }))),
  });
  return rows;
}

function otherRows({ ringNodes }: Settings, of: FigureOf): ReproductionRow[] {
  const moved = of("moved");
  return [
    {
      ...{ of: `joins to N = ${ringNodes} and more`, figure: "keys moved, over K/(N+1)", measured: moved },
      ...modelGate(moved, once(1)),
    },
  ];
}

function loadChart({ nodes, keys }: Settings, places: readonly number[], of: FigureOf): Chart {
  const law = places.map((virtualNodes) => chordLoad({ n: nodes, keys, virtualNodes }));
  return {
    id: "chord-load",
    title: "Chord: keys per node, over the mean",
    note: "Lines: the exact law. First and 99th percentile of nodes.",
    x: { label: "places of each node" },
    y: { label: "keys over the mean", reachesTo: 5 },
    at: [...places],
    series: [
      { label: "law: p99", style: "line", color: 0, values: law.map((one) => one.quantile(0.99) / one.mean) },
      measuredSeries(
        { label: "p99", color: 0 },
        places.map((one) => of("p99", one)),
      ),
      { label: "law: p1", style: "line", color: 1, values: law.map((one) => one.quantile(0.01) / one.mean) },
      measuredSeries(
        { label: "p1", color: 1 },
        places.map((one) => of("p1", one)),
      ),
    ],
  };
}
