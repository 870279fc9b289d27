/** How long the paths of Chord are, in networks whose tables are exact: half of log2 N (Stoica et al. 2003). */
import { hashNumbers, Moments, type MomentsState, seededRandom } from "../../core/index.ts";
import type { Chord } from "../../lookup/index.ts";
import { chordDistinctFingers, chordMeanPath, chordPaths } from "../../theory/index.ts";
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
  readonly routesOverList: boolean;
  readonly lookups: number;
}

/** One ring, or the model of that many. */
interface Task extends Configuration {
  readonly kind: "ring" | "model";
  readonly seed: number;
  readonly rings: number;
}

interface Sample {
  readonly ring?: RingSample & { readonly fingers: MomentsState };
  readonly model?: ModelSample;
}

const sizes = [2 ** 8, 2 ** 10, 2 ** 12, 2 ** 14, 2 ** 16];
/** Our reference model: with fingers only, and with both. */
const published: Readonly<Record<string, number>> = {
  "256": 3.87,
  "1024": 4.91,
  "4096": 5.87,
  "16384": 6.85,
  "65536": 7.86,
  "1024 list": 3.79,
  "16384 list": 5.55,
};

function configurationsOf(flags: Flags): Configuration[] {
  const given = whole(flags, "nodes");
  const lookups = whole(flags, "lookups");
  return (given === 0 ? sizes : [given]).flatMap((nodes) =>
    [false, true].map((routesOverList) => {
      return { nodes, successors: listLength(flags, nodes), routesOverList, lookups };
    }),
  );
}

const isOf = (a: Configuration) => (b: Configuration) =>
  a.nodes === b.nodes && a.routesOverList === b.routesOverList;

export const chordExperiment: Experiment<Task, Sample> = {
  name: "chord",
  description: "Chord's paths are half of log2 N: over fingers alone, and over successor lists as well",
  source: "Stoica et al. 2003 (ToN 11), sections IV-C and VI-C; reference model",
  defaultRuns: 10,
  quickRuns: 2,
  flags: [
    { name: "nodes", description: "N; 0: 2^8 to 2^16", default: 0, min: 0, max: 4_000_000 },
    { name: "successors", description: "length of the list; 0: 2 log2 N", default: 0, min: 0, max: 64 },
    { name: "lookups", description: "lookups in each network", default: 1000, min: 1, max: 1_000_000 },
  ],

  plan: ({ seed, runs, flags }) =>
    configurationsOf(flags).flatMap((configuration): Task[] => [
      { ...configuration, kind: "model", seed: hashNumbers([seed, configuration.nodes, 99]), rings: 10 },
      ...Array.from({ length: runs }, (_, run): Task => {
        return {
          ...configuration,
          kind: "ring",
          seed: hashNumbers([seed, configuration.nodes, run]),
          rings: 1,
        };
      }),
    ]),

  measure: ({ kind, seed, nodes, successors, routesOverList, lookups, rings }) => {
    const random = seededRandom(hashNumbers([seed, routesOverList ? 1 : 0]));
    if (kind === "model") {
      const model = chordPaths({
        n: nodes,
        listSize: successors,
        routesOverList,
        lookups: 1000,
        rings,
        random,
      });
      return { model: modelSample(model) };
    }
    const network = staticRing({ seed, nodes, successors, routesOverList });
    const ring = lookUp(network, lookups, random);
    const fingers = new Moments();
    for (let row = 0; row < nodes; row++) {
      const router = network.routerOf(row) as Chord | undefined;
      if (router !== undefined) fingers.add(router.fingers.length);
    }
    return { ring: { ...ring, fingers: fingers.toJSON() } };
  },

  report: ({ flags }, tasks, samples) => {
    const configurations = configurationsOf(flags);
    const ringsOf = (configuration: Configuration) =>
      samples.filter((_, i) => isOf(configuration)(tasks[i]!)).flatMap(({ ring }) => ring ?? []);
    const modelOf = (configuration: Configuration) =>
      samples.filter((_, i) => isOf(configuration)(tasks[i]!)).flatMap(({ model }) => model ?? [])[0]!;
    return {
      rows: configurations.flatMap((one) => rowsOf(one, ringsOf(one), modelOf(one))),
      charts: [chartOf(configurations, ringsOf, modelOf)],
      notes: [
        "Hops are counted to the predecessor of the key; the owner is one more.",
        "The law of the paper is 1/2 log2 N; the model, nodes at random places with exact tables, comes out about 0.1 below it. Gates are around the model.",
        "Published: for fingers alone and for both, our reference model. The paper's figures agree with it within 0.13 hops (recalled).",
      ],
    };
  },
};

function rowsOf(
  { nodes, routesOverList, successors }: Configuration,
  rings: readonly (RingSample & { readonly fingers: MomentsState })[],
  model: ModelSample,
): ReproductionRow[] {
  const of = `N = ${nodes}, ${routesOverList ? `fingers and list of ${successors}` : "fingers only"}`;
  const hops = overRings(rings, "hops");
  const known = published[`${nodes}${routesOverList ? " list" : ""}`];
  const failed = rings.reduce((sum, ring) => sum + ring.failed, 0);
  const rows: ReproductionRow[] = [
    {
      of,
      figure: "hops",
      ...(known !== undefined && { published: known }),
      measured: hops,
      ...modelGate(hops, model.hops),
    },
    { of, figure: "hops, 1st percentile", measured: once(quantileOf(rings, "hopCounts", 0.01)) },
    { of, figure: "hops, 99th percentile", measured: once(quantileOf(rings, "hopCounts", 0.99)) },
    {
      of,
      figure: "lookups that missed the owner",
      theory: 0,
      measured: once(failed),
      gate: { low: 0, high: 0, why: "exact tables" },
    },
  ];
  if (!routesOverList) {
    const fingers = new Moments();
    for (const ring of rings) fingers.merge(Moments.from(ring.fingers));
    rows.push({
      of,
      figure: "different fingers",
      measured: fingers.toJSON(),
      ...modelGate(fingers.toJSON(), exactly(chordDistinctFingers({ n: nodes }))),
    });
  }
  return rows;
}

/** A law, as a model that chance has no part in. */
function exactly(mean: number): MomentsState {
  return once(mean);
}

function chartOf(
  configurations: readonly Configuration[],
  ringsOf: (one: Configuration) => readonly RingSample[],
  modelOf: (one: Configuration) => ModelSample,
): Chart {
  const both = [false, true].map((routesOverList) =>
    configurations.filter((one) => one.routesOverList === routesOverList),
  );
  const [fingersOnly, overList] = both as [Configuration[], Configuration[]];
  const at = fingersOnly.map(({ nodes }) => nodes);
  return {
    id: "chord-paths",
    title: "Chord: hops to the predecessor of the key",
    note: "Exact tables. The line is half of log2 N, the dashed ones are the model.",
    x: { label: "nodes", isLogarithmic: true },
    y: { label: "hops", reachesTo: 1 },
    at,
    series: [
      { label: "1/2 log2 N", style: "line", color: 2, values: at.map((n) => chordMeanPath({ n })) },
      {
        label: "model, fingers only",
        style: "dashed",
        color: 0,
        values: fingersOnly.map((one) => modelOf(one).hops.mean),
      },
      measuredSeries(
        { label: "fingers only", color: 0 },
        fingersOnly.map((one) => overRings(ringsOf(one), "hops")),
      ),
      {
        label: "model, fingers and list",
        style: "dashed",
        color: 1,
        values: overList.map((one) => modelOf(one).hops.mean),
      },
      measuredSeries(
        { label: "fingers and list", color: 1 },
        overList.map((one) => overRings(ringsOf(one), "hops")),
      ),
    ],
  };
}
