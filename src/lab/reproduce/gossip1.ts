/**
 * GOSSIP1(p, k) on two grids and on random geometric graphs: how often nearly everybody gets it, and for how many
 * transmissions; and whether GOSSIP2 and GOSSIP3 need fewer (Haas, Halpern and Li 2002).
 *
 * One run is one message from a source at random. Many runs are one simulation: copies of the graph side by side.
 */
import {
  type Graph,
  gridGraph,
  hashNumbers,
  Moments,
  type MomentsState,
  randomGeometricGraph,
  seededRandom,
  sideBySide,
} from "../../core/index.ts";
import {
  ProbabilisticFlood,
  type ProbabilisticFloodOptions,
  probabilisticFloodPresets,
  probabilisticFloodStates,
} from "../../dissemination/index.ts";
import { Simulation } from "../../simulator/index.ts";
import { percolationReach } from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, ReproductionRow } from "./experiment.ts";
import { gateAround, halfDigit } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";

type Network = "grid" | "large-grid" | "geometric";
type Rule = Pick<ProbabilisticFloodOptions, "probability" | "sureHops"> & Partial<ProbabilisticFloodOptions>;

/** Fraction of runs that reach at least 90 % of all nodes; mean share of nodes reached; transmissions per node. */
type Figure = "reaching" | "coverage" | "transmissions";
type Sample = Readonly<Record<Figure, MomentsState>>;

interface Configuration {
  readonly network: Network;
  readonly name: string;
  readonly rule: Rule;
  /** Of the runs that were asked for. */
  readonly share: number;
}

interface Task extends Configuration {
  readonly seed: number;
  readonly runs: number;
}

interface NetworkSettings {
  readonly name: string;
  readonly nodes: number;
  /** Copies in one simulation: so many that it stays in the cache. */
  readonly copies: number;
  readonly runsPerTask: number;
  /** Of the runs that were asked for. */
  readonly share: number;
  /** How many runs the published figures are means of. Of the geometric graphs it is not said: a guess. */
  readonly publishedRuns: number;
}

const networks: Readonly<Record<Network, NetworkSettings>> = {
  grid: {
    name: "20 x 50 grid",
    ...{ nodes: 1000, copies: 50, runsPerTask: 5000, share: 1, publishedRuns: 20_000 },
  },
  "large-grid": {
    name: "100 x 100 grid",
    ...{ nodes: 10_000, copies: 5, runsPerTask: 400, share: 0.08, publishedRuns: 1000 },
  },
  geometric: {
    name: "geometric",
    ...{ nodes: 1000, copies: 50, runsPerTask: 2000, share: 0.2, publishedRuns: 1000 },
  },
};
const networkNames = Object.keys(networks) as Network[];

/** 1000 nodes with a range of 250 m in 7500 x 3000 m: 8.2 neighbors on average. */
const area = { nodes: 1000, width: 7500, height: 3000, range: 250 };

const figures: readonly Figure[] = ["reaching", "coverage", "transmissions"];
const figureNames: Readonly<Record<Figure, string>> = {
  reaching: "runs reaching 90 %",
  coverage: "nodes reached",
  transmissions: "transmissions per node",
};

/** Three digits after the point each, in the order of `figures`. */
const published: Readonly<Record<Network, Readonly<Record<string, readonly number[]>>>> = {
  grid: {
    "(.65, 0)": [0.297, 0.666, 0.433],
    "(.65, 4)": [0.367, 0.76, 0.502],
    "(.70, 4)": [0.896, 0.936, 0.662],
    "(.75, 4)": [0.994, 0.983, 0.743],
  },
  "large-grid": {
    "(.65, 0)": [0.781, 0.843, 0.548],
    "(.65, 4)": [0.83, 0.907, 0.591],
    "(.70, 4)": [1, 0.976, 0.684],
    "(.75, 4)": [1, 0.991, 0.744],
  },
  geometric: {
    "(.65, 0)": [0.556, 0.778, 0.506],
    "(.65, 4)": [0.615, 0.839, 0.56],
    "(.70, 4)": [0.844, 0.917, 0.654],
    "(.75, 4)": [0.945, 0.953, 0.725],
  },
};

/**
 * Standard deviations of the share of nodes reached over many of our runs, in the order of the table. A few dozen runs
 * hold too few of those that die early to tell.
 */
const deviations: Readonly<Record<Network, readonly number[]>> = {
  grid: [0.31, 0.22, 0.11, 0.032],
  "large-grid": [0.24, 0.13, 0.05, 0.01],
  geometric: [0.29, 0.21, 0.15, 0.08],
};

const gossip1 = (probability: number, sureHops: number): Rule => ({ probability, sureHops });
const named = (probability: number, sureHops: number) =>
  `(${probability.toFixed(2).replace(/^0/, "")}, ${sureHops})`;

const ofTable: readonly Configuration[] = networkNames.flatMap((network) =>
  [gossip1(0.65, 0), gossip1(0.65, 4), gossip1(0.7, 4), gossip1(0.75, 4)].map((rule) => {
    const name = named(rule.probability, rule.sureHops);
    return { network, name, rule, share: networks[network].share };
  }),
);
/** The other p of the curves; 1 is the flood. */
const otherProbabilities = [0.5, 0.55, 0.6, 0.8, 0.85, 0.9, 1];
const ofCurves: readonly Configuration[] = (["grid", "geometric"] as const).flatMap((network) =>
  otherProbabilities.map((p) => ({ network, name: named(p, 4), rule: gossip1(p, 4), share: 0.1 })),
);
const { gossip2, gossip3 } = probabilisticFloodPresets;
const ofRelatives: readonly Configuration[] = [
  { network: "geometric", name: "GOSSIP2(.6, 4, 1, 6)", rule: gossip2, share: 0.2 },
  { network: "geometric", name: "GOSSIP3(.65, 4, 1)", rule: gossip3, share: 0.2 },
  { network: "grid", name: "GOSSIP3(.65, 4, 1)", rule: gossip3, share: 0.2 },
];
const configurations = [...ofTable, ...ofCurves, ...ofRelatives];

export const gossip1Experiment: Experiment<Task, Sample> = {
  name: "gossip1",
  description: "GOSSIP1(p, k), GOSSIP2 and GOSSIP3 on grids and geometric graphs: who gets it, for how much",
  source:
    "Haas, Halpern, Li 2002 (INFOCOM; arXiv cs/0209011); reference measurements of 20,000 and 1,000 runs",
  defaultRuns: 10_000,
  quickRuns: 300,

  plan: ({ seed, runs }) =>
    configurations.flatMap((configuration, index) => {
      const { runsPerTask } = networks[configuration.network];
      const all = Math.max(2, Math.round(runs * configuration.share));
      return Array.from({ length: Math.ceil(all / runsPerTask) }, (_, i): Task => {
        const count = Math.min(runsPerTask, all - i * runsPerTask);
        return { ...configuration, seed: hashNumbers([seed, index, i]), runs: count };
      });
    }),

  measure: ({ network, rule, seed, runs }) => {
    const sums = { reaching: new Moments(), coverage: new Moments(), transmissions: new Moments() };
    const { copies, nodes } = networks[network];
    for (let first = 0; first < runs; first += copies) {
      const flood = runsSideBySide(network, rule, hashNumbers([seed, first]), Math.min(copies, runs - first));
      for (let row = 0; row < flood.rows; row += nodes) {
        const { heard, sent } = outcomeOf(flood.state.subarray(row, row + nodes));
        sums.reaching.add(heard >= 0.9 * nodes ? 1 : 0);
        sums.coverage.add(heard / nodes);
        sums.transmissions.add(sent / nodes);
      }
    }
    const { reaching, coverage, transmissions } = sums;
    return {
      reaching: reaching.toJSON(),
      coverage: coverage.toJSON(),
      transmissions: transmissions.toJSON(),
    };
  },

  report: ({ seed }, tasks, samples) => {
    const of = (network: Network, name: string): Sample => {
      const sums = { reaching: new Moments(), coverage: new Moments(), transmissions: new Moments() };
      tasks.forEach((task, i) => {
        if (task.network !== network || task.name !== name) return;
        for (const figure of figures) sums[figure].merge(Moments.from(samples[i]![figure]));
      });
      const { reaching, coverage, transmissions } = sums;
      return {
        reaching: reaching.toJSON(),
        coverage: coverage.toJSON(),
        transmissions: transmissions.toJSON(),
      };
    };
    return {
      rows: [
        ...ofTable.flatMap((one) => tableRows(one, of(one.network, one.name), seed)),
        ...savingRows(of),
        ...ofRelatives.flatMap((one) => relativeRows(one, of)),
      ],
      charts: [coverageChart(of), priceChart(of)],
      notes: [
        "The source is hop 0 and sends always; who is fewer than k hops away forwards surely. All hops take the same time, so that a message comes first by a shortest way. A transmission reaches all neighbors and counts once; none collides.",
        "Nodes reached are a share of all nodes, the source among them; where a geometric graph is not connected (two of three are not), nobody can reach all.",
        "Geometric graphs: another one in each run. How many graphs and runs the published figures are of is not known; gates take it for 1000 runs.",
        "Gates add to our own error three standard errors of the published mean, from its number of runs and the deviation of one.",
        "Theory, for k = 0 on the grids: site percolation, drawn from the same seed; each node reached but the source transmits with probability p.",
        "Fewer transmissions than the flood: in which each node reached transmits. Than GOSSIP1: than GOSSIP1(p, 4) with the p that reaches as many, on a straight line between those measured.",
      ],
    };
  },
};

// ---- Runs ------------------------------------------------------------------------------------------------------

function runsSideBySide(network: Network, rule: Rule, seed: number, copies: number): ProbabilisticFlood {
  const graph = sideBySide(Array.from({ length: copies }, (_, copy) => graphOf(network, seed, copy)));
  const flood = new ProbabilisticFlood({ graph, options: { timeoutMs: 10, ...rule, isQuiet: true } });
  const links = { latency: { model: "constant", ms: 1 } } as const;
  const simulation = new Simulation({ seed, rows: graph.nodes, links });
  simulation.hostAll(flood);
  const { nodes } = networks[network];
  const random = seededRandom(seed);
  for (let copy = 0; copy < copies; copy++)
    simulation.command(copy * nodes + random.below(nodes), { type: "originate" });
  simulation.run();
  return flood;
}

const grids = {
  grid: gridGraph({ rows: 20, columns: 50 }),
  "large-grid": gridGraph({ rows: 100, columns: 100 }),
};

function graphOf(network: Network, seed: number, copy: number): Graph {
  if (network !== "geometric") return grids[network];
  return randomGeometricGraph(area, seededRandom(hashNumbers([seed, copy])));
}

function outcomeOf(states: Uint8Array): { readonly heard: number; readonly sent: number } {
  let heard = 0;
  let sent = 0;
  for (const state of states) {
    if (state !== probabilisticFloodStates.unheard) heard++;
    if (state === probabilisticFloodStates.forwarded) sent++;
  }
  return { heard, sent };
}

// ---- Rows ------------------------------------------------------------------------------------------------------

type SampleOf = (network: Network, name: string) => Sample;

function tableRows({ network, name, rule }: Configuration, sample: Sample, seed: number): ReproductionRow[] {
  const { name: networkName, publishedRuns } = networks[network];
  const theory = theoryOf(network, rule, seed);
  return figures.map((figure, i) => {
    const measured = sample[figure];
    const expected = published[network][name]![i]!;
    const half = halfDigit(3);
    const deviation = deviationOf(network, name, rule)[figure];
    return {
      of: `${networkName}, GOSSIP1${name}`,
      figure: figureNames[figure],
      published: expected,
      theory: theory?.[figure],
      measured,
      gate: gateAround({
        ...{ expected, source: "published", measured },
        leastDeviation: deviation,
        slack: half.slack + (3 * deviation) / Math.sqrt(publishedRuns),
        slackWhy: `3 of the ${publishedRuns} published ones and ${half.slackWhy}`,
      }),
    };
  });
}

/** What one run is off the mean. */
function deviationOf(network: Network, name: string, rule: Rule): Readonly<Record<Figure, number>> {
  const place = Object.keys(published[network]).indexOf(name);
  const coverage = deviations[network][place]!;
  // One run more of each kind, as if there had been any: no run of 1000 is not never.
  const { publishedRuns } = networks[network];
  const reaching = (published[network][name]![0]! * publishedRuns + 1) / (publishedRuns + 2);
  return {
    reaching: Math.sqrt(reaching * (1 - reaching)),
    coverage,
    // Of those that are reached a share p transmits, whatever their number.
    transmissions: rule.probability * coverage,
  };
}

/** With k = 0 a node that does not forward is a closed site. */
function theoryOf(network: Network, rule: Rule, seed: number): Partial<Record<Figure, number>> | undefined {
  if (network === "geometric" || rule.sureHops > 0) return undefined;
  const { nodes } = networks[network];
  const { probability } = rule;
  const options = { openNodes: probability, openLinks: 1, runs: 4_000_000 / nodes };
  const random = seededRandom(hashNumbers([seed, nodes]));
  const coverage = percolationReach({ graph: grids[network], ...options, random }).mean;
  return { coverage, transmissions: probability * (coverage - 1 / nodes) + 1 / nodes };
}

/** "Up to 35 % fewer messages than flooding." */
function savingRows(of: SampleOf): ReproductionRow[] {
  return networkNames.map((network) => {
    const { coverage, transmissions } = of(network, "(.65, 4)");
    return {
      of: `${networks[network].name}, GOSSIP1(.65, 4)`,
      figure: "fewer transmissions than the flood",
      ...(network === "large-grid" && { published: 0.35 }),
      theory: 1 - 0.65,
      measured: Moments.of([1 - transmissions.mean / coverage.mean]).toJSON(),
    };
  });
}

function relativeRows({ network, name }: Configuration, of: SampleOf): ReproductionRow[] {
  const sample = of(network, name);
  const label = `${networks[network].name}, ${name}`;
  const atEqualCoverage = transmissionsOfGossip1(network, sample.coverage.mean, of);
  const rows: ReproductionRow[] = figures.map((figure) => ({
    of: label,
    figure: figureNames[figure],
    measured: sample[figure],
  }));
  if (atEqualCoverage === undefined) return rows;
  const saved = 1 - sample.transmissions.mean / atEqualCoverage;
  return [
    ...rows,
    { of: label, figure: "fewer transmissions than GOSSIP1", measured: Moments.of([saved]).toJSON() },
  ];
}

const curveProbabilities = [0.65, 0.7, 0.75, ...otherProbabilities].sort((a, b) => a - b);

/** What GOSSIP1(p, 4) with the p that covers so much transmits; undefined where no p does. */
function transmissionsOfGossip1(network: Network, coverage: number, of: SampleOf): number | undefined {
  const curve = curveProbabilities.map((p) => of(network, named(p, 4)));
  for (let i = 1; i < curve.length; i++) {
    const [before, after] = [curve[i - 1]!, curve[i]!];
    if (coverage < before.coverage.mean || coverage > after.coverage.mean) continue;
    const part = (coverage - before.coverage.mean) / (after.coverage.mean - before.coverage.mean);
    return before.transmissions.mean + part * (after.transmissions.mean - before.transmissions.mean);
  }
  return undefined;
}

// ---- Charts ----------------------------------------------------------------------------------------------------

function coverageChart(of: SampleOf): Chart {
  const at = curveProbabilities;
  const series = (network: "grid" | "geometric", color: number) => [
    {
      label: `${networks[network].name}: published`,
      style: "dashed" as const,
      color,
      values: at.map((p) => published[network][named(p, 4)]?.[0] ?? null),
    },
    measuredSeries(
      { label: `${networks[network].name}: measured`, color },
      at.map((p) => of(network, named(p, 4)).reaching),
    ),
  ];
  return {
    id: "gossip1-reaching",
    title: "GOSSIP1(p, 4): a message reaches nearly everybody, or hardly anybody",
    note: "Share of runs in which at least 90 % of the nodes get the message, against the probability to forward it.",
    x: { label: "p" },
    y: { label: "runs reaching 90 %", reachesTo: 1 },
    at,
    series: [...series("grid", 0), ...series("geometric", 1)],
  };
}

function priceChart(of: SampleOf): Chart {
  const curve = curveProbabilities.map((p) => of("geometric", named(p, 4)));
  const relatives = ofRelatives.filter(({ network }) => network === "geometric");
  const points = [
    ...curve.map((sample) => ({ sample, label: "GOSSIP1(p, 4)" })),
    ...relatives.map(({ name }) => ({ sample: of("geometric", name), label: name })),
  ].sort((a, b) => a.sample.transmissions.mean - b.sample.transmissions.mean);
  const series = (label: string, color: number) =>
    measuredSeries(
      { label, color },
      points.map((point) => (point.label === label ? point.sample.coverage : undefined)),
    );
  return {
    id: "gossip1-price",
    title: "What coverage costs: GOSSIP1, GOSSIP2 and GOSSIP3",
    note: "Geometric graphs. Above GOSSIP1 is better: as many nodes for fewer transmissions. Rightmost: the flood.",
    x: { label: "transmissions per node" },
    y: { label: "nodes reached", reachesTo: 1 },
    at: points.map(({ sample }) => sample.transmissions.mean),
    series: [series("GOSSIP1(p, 4)", 0), ...relatives.map(({ name }, i) => series(name, i + 1))],
  };
}
