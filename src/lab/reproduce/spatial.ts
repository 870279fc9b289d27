/**
 * Spatial gossip with d^-a: what the links in the middle carry, and how long a rumor takes (Demers et al. 1987, section
 * 3; Kempe, Kleinberg and Demers 2001).
 */
import { hashNumbers, Moments, type MomentsState, type NodeId } from "../../core/index.ts";
import {
  LinePartners,
  type Partners,
  Rumor,
  TorusPartners,
  torusDistance,
} from "../../dissemination/index.ts";
import { Simulation } from "../../simulator/index.ts";
import { lineLinkCalls, lineTrafficLaw, torusLinkCalls } from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { type Piece, pieces } from "./pieces.ts";

/** A run is one rumor, push-pull, from the first node on a line, or from any on a torus. */
interface Configuration {
  readonly shape: "line" | "torus";
  readonly nodes: number;
  readonly exponent: number;
  /** Of the runs that were asked for. */
  readonly share: number;
  readonly runsPerTask: number;
}

interface Task extends Configuration, Piece {
  readonly seed: number;
}

interface Sample {
  /** Calls over the link in the middle per cycle; on a torus over all links on average. */
  readonly calls: MomentsState;
  readonly rounds: MomentsState;
}

const exponents = [0, 1, 1.5, 2, 3];
const sizes = [256, 512, 1024, 2048, 4096];
const torusSide = 32;
const torusExponents = [0, 2, 3, 4];

const configurations: readonly Configuration[] = [
  ...exponents.flatMap((exponent) =>
    sizes.map((nodes): Configuration => {
      // With a = 3 a rumor takes hundreds of rounds.
      const cost = (nodes / 256) * (exponent > 2 ? nodes / 64 : 1);
      const share = Math.min(1, Math.max(0.1, 32 / cost));
      return { shape: "line", nodes, exponent, share, runsPerTask: Math.max(1, Math.round(150 / cost)) };
    }),
  ),
  ...torusExponents.map((exponent): Configuration => {
    return { shape: "torus", nodes: torusSide ** 2, exponent, share: 1, runsPerTask: 40 };
  }),
];

const intervalMs = 1000;
/** In each of them every node calls once, whether it knows the rumor or not. */
const countedRounds = 20;

export const spatialExperiment: Experiment<Task, Sample> = {
  name: "spatial",
  description: "Partners by distance, d^-a: traffic of the middle link, and rounds, for a from 0 to 3",
  source: "Demers et al. 1987, section 3; Kempe, Kleinberg, Demers 2001",
  defaultRuns: 60,
  quickRuns: 2,

  plan: ({ seed, runs }) =>
    configurations.flatMap((configuration) => {
      const { share, runsPerTask } = configuration;
      const all = Math.max(2, Math.round(runs * share));
      return pieces(all, runsPerTask).map((piece): Task => ({ ...configuration, seed, ...piece }));
    }),

  measure: ({ shape, nodes, exponent, seed, firstRun, runs }) => {
    const calls = new Moments();
    const rounds = new Moments();
    for (let run = firstRun; run < firstRun + runs; run++) {
      const runSeed = hashNumbers([seed, shape === "line" ? 0 : 1, nodes, Math.round(1000 * exponent), run]);
      const measured = runOnce(counted(shape, nodes, exponent), nodes, runSeed);
      calls.add(measured.calls);
      rounds.add(measured.rounds);
    }
    return { calls: calls.toJSON(), rounds: rounds.toJSON() };
  },

  report: (_, tasks, samples) => {
    const of = ({ shape, nodes, exponent }: Place, figure: keyof Sample): MomentsState => {
      const all = new Moments();
      tasks.forEach((task, i) => {
        if (task.shape === shape && task.nodes === nodes && task.exponent === exponent)
          all.merge(Moments.from(samples[i]![figure]));
      });
      return all.toJSON();
    };
    return {
      rows: [
        ...configurations.flatMap((one) => rowsOf(one, of)),
        ...exponents.flatMap((exponent) => growthRows(exponent, of)),
      ],
      charts: [callsChart(of), roundsChart(of)],
      notes: [
        `By events: push-pull with aligned calls, so that every node calls once a cycle. Calls are counted over the first ${countedRounds} cycles; the answers go the same way back.`,
        "A line has two ends; the rumor begins at one of them. Expected calls are exact: the sum over all pairs of nodes of the probability that one calls the other. The laws (n, n/ln n, n^(2-a), ln n, constant) say how it grows.",
        "Rounds have no gate: theory says polylogarithmic below a = 2 and polynomial above, without constants. They are a little fewer than in synchronous rounds: who is told in a cycle answers those who ask later in it. The growth rows fit n^x between 256 and 4096 nodes: for logarithms x is small and falls with n, for a = 3 it is near 1.",
        "On the torus distances count along the grid, and a link is one of the 2n between neighbors.",
        "Not reproduced: table 4 of Demers et al. (a = 2 against uniform choice on the Xerox network, where the traffic of the critical link falls from 75.7 to 2.4). It needs the graph of that network, which we do not have.",
      ],
    };
  },
};

type Place = Pick<Configuration, "shape" | "nodes" | "exponent">;
type MomentsOf = (place: Place, figure: keyof Sample) => MomentsState;

// ---- Measuring -------------------------------------------------------------------------------------------------

/** Counts what calls load the links with, on their way to the protocol. */
class CountedPartners implements Partners {
  load = 0;
  readonly #partners: Partners;
  readonly #loadOf: (from: number, to: number) => number;

  constructor(partners: Partners, loadOf: (from: number, to: number) => number) {
    this.#partners = partners;
    this.#loadOf = loadOf;
  }

  choose(env: Parameters<Partners["choose"]>[0]): NodeId {
    const partner = this.#partners.choose(env);
    this.load += this.#loadOf(env.self as number, partner as number);
    return partner;
  }
}

function counted(shape: Configuration["shape"], nodes: number, exponent: number): CountedPartners {
  if (shape === "line") {
    const last = nodes / 2 - 1;
    const partners = new LinePartners({ nodes, exponent });
    return new CountedPartners(partners, (from, to) => Number(from <= last !== to <= last));
  }
  const side = Math.sqrt(nodes);
  const links = 2 * nodes;
  const partners = new TorusPartners({ side, exponent });
  return new CountedPartners(partners, (from, to) => torusDistance(from, to, side) / links);
}

function runOnce(partners: CountedPartners, nodes: number, seed: number) {
  const rumor = new Rumor({
    rows: nodes,
    partners,
    options: { mode: "push-pull", timing: "aligned", intervalMs, isQuiet: true },
  });
  const simulation = new Simulation({ seed, rows: nodes, links: { latency: { model: "constant", ms: 10 } } });
  simulation.hostAll(rumor);
  simulation.command(0, { type: "infect" });
  simulation.run(intervalMs * (countedRounds + 0.5));
  const calls = partners.load / countedRounds;
  let rounds = countedRounds;
  while (rumor.informed < nodes) simulation.run(intervalMs * (++rounds + 0.5));
  const last = rumor.infectedAt.reduce((latest, at) => Math.max(latest, at), 0);
  return { calls, rounds: Math.floor(last / intervalMs) };
}

// ---- Reporting -------------------------------------------------------------------------------------------------

function rowsOf(place: Configuration, of: MomentsOf): ReproductionRow[] {
  const { shape, nodes, exponent } = place;
  const isLine = shape === "line";
  const theory = isLine ? lineLinkCalls({ nodes, exponent }) : torusLinkCalls({ side: torusSide, exponent });
  const measured = of(place, "calls");
  const name = `${shape}, a = ${exponent}, n = ${nodes}`;
  return [
    {
      of: name,
      figure: isLine ? "calls per cycle over the middle link" : "calls per cycle over a link, on average",
      theory,
      measured,
      gate: gateAround({
        expected: theory,
        source: "theory, exact",
        measured,
        // Each call crosses or not: a few runs may all have the same few crossings.
        leastDeviation: isLine ? Math.sqrt((0.2 * theory) / countedRounds) : 0,
      }),
    },
    {
      of: name,
      figure: "rounds until all know",
      measured: of(place, "rounds"),
    },
  ];
}

/** By least squares in powers of two. */
function growthRows(exponent: number, of: MomentsOf): ReproductionRow[] {
  const growth = (values: readonly number[]): MomentsState => {
    const x = sizes.map((nodes) => Math.log2(nodes));
    const y = values.map((value) => Math.log2(value));
    const mean = (all: readonly number[]) => all.reduce((sum, value) => sum + value, 0) / all.length;
    const [meanX, meanY] = [mean(x), mean(y)];
    const together = mean(x.map((one, i) => (one - meanX) * (y[i]! - meanY)));
    return Moments.of([together / mean(x.map((one) => (one - meanX) ** 2))]).toJSON();
  };
  const means = (figure: keyof Sample) =>
    sizes.map((nodes) => of({ shape: "line", nodes, exponent }, figure).mean);
  const name = `line, a = ${exponent}, growth`;
  return [
    {
      of: name,
      figure: `calls over the middle link: x of n^x (law: ${lineTrafficLaw(exponent)})`,
      theory: growth(sizes.map((nodes) => lineLinkCalls({ nodes, exponent }))).mean,
      measured: growth(means("calls")),
    },
    { of: name, figure: "rounds until all know: x of n^x", measured: growth(means("rounds")) },
  ];
}

function callsChart(of: MomentsOf): Chart {
  return {
    id: "spatial-calls",
    title: "Spatial gossip: calls over the middle link of a line",
    note: "Every node calls once a cycle, at distance d with probability proportional to d^-a. From a = 2 on the link hardly notices how long the line is.",
    x: { label: "nodes", isLogarithmic: true },
    y: { label: "calls per cycle", isLogarithmic: true },
    at: sizes,
    series: exponents.flatMap((exponent, color) => [
      {
        label: `theory, a = ${exponent}`,
        style: "line" as const,
        color,
        values: sizes.map((nodes) => lineLinkCalls({ nodes, exponent })),
      },
      measuredSeries(
        { label: `measured, a = ${exponent}`, color },
        sizes.map((nodes) => of({ shape: "line", nodes, exponent }, "calls")),
      ),
    ]),
  };
}

function roundsChart(of: MomentsOf): Chart {
  return {
    id: "spatial-rounds",
    title: "Spatial gossip: rounds until all of a line know",
    note: "The price of short ways: with a = 3 rounds grow nearly as the nodes do.",
    x: { label: "nodes", isLogarithmic: true },
    y: { label: "rounds", isLogarithmic: true },
    at: sizes,
    series: exponents.map((exponent, color) =>
      measuredSeries(
        { label: `measured, a = ${exponent}`, color },
        sizes.map((nodes) => of({ shape: "line", nodes, exponent }, "rounds")),
      ),
    ),
  };
}
