/**
 * Push-sum: the potential is halved in each round, all nodes know their number in O(log n) rounds, and lost messages
 * take mass away (Kempe, Dobra and Gehrke 2003).
 */
import { hashNumbers, Moments, type MomentsState, seededRandom } from "../../core/index.ts";
import { PushSum } from "../../dissemination/index.ts";
import { runRounds, Simulation } from "../../simulator/index.ts";
import { countingRounds, potentialFactor, publishedPotentialFactor } from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { type Piece, pieces } from "./pieces.ts";

/** What is measured, of so many nodes. A run is a network with other values and other partners. */
type Part =
  | { readonly part: "decay" | "count"; readonly nodes: number }
  | { readonly part: "loss"; readonly nodes: number; readonly aggregate: "mean" | "count" };

interface Plan {
  readonly what: Part;
  /** Of the runs that were asked for. */
  readonly share: number;
  readonly runsPerTask: number;
}

interface Task extends Piece {
  readonly what: Part;
  readonly seed: number;
}

/** By the name of the figure; in `decay` also the potential after each round, as a share of the first. */
interface Sample {
  readonly figures: Readonly<Record<string, MomentsState>>;
  readonly potentials?: readonly MomentsState[];
}

const plans: readonly Plan[] = [
  { what: { part: "decay", nodes: 10 }, share: 10, runsPerTask: 2000 },
  { what: { part: "decay", nodes: 1000 }, share: 1, runsPerTask: 100 },
  { what: { part: "decay", nodes: 10_000 }, share: 0.2, runsPerTask: 10 },
  { what: { part: "decay", nodes: 100_000 }, share: 0.04, runsPerTask: 1 },
  { what: { part: "count", nodes: 1000 }, share: 1, runsPerTask: 100 },
  { what: { part: "count", nodes: 10_000 }, share: 0.2, runsPerTask: 10 },
  { what: { part: "count", nodes: 100_000 }, share: 0.04, runsPerTask: 1 },
  { what: { part: "loss", nodes: 1000, aggregate: "mean" }, share: 0.5, runsPerTask: 25 },
  { what: { part: "loss", nodes: 1000, aggregate: "count" }, share: 0.5, runsPerTask: 25 },
];

/** By then the potential is a billionth of the first, and still far above the last digit of a double. */
const decayRounds = 30;
const epsilon = 1e-6;
/** What the formula leaves open: the slowest of all nodes, in all runs. */
const slackRounds = 14;
const statedRounds = (nodes: number) => Math.ceil(countingRounds({ n: nodes, epsilon })) + slackRounds;
const loss = 0.1;
const lossRounds = 60;

export const pushSumExperiment: Experiment<Task, Sample> = {
  name: "push-sum",
  description:
    "Sum, mean and number of nodes by gossip: how fast it converges, and what a lost message costs",
  source: "Kempe, Dobra, Gehrke 2003 (FOCS), lemma 2.3 and theorem 2.1",
  defaultRuns: 300,
  quickRuns: 4,

  plan: ({ seed, runs }) =>
    plans.flatMap(({ what, share, runsPerTask }) => {
      const all = Math.max(2, Math.round(runs * share));
      return pieces(all, runsPerTask).map((piece): Task => ({ what, seed, ...piece }));
    }),

  measure: ({ what, seed, firstRun, runs }) => {
    const seeds = Array.from({ length: runs }, (_, i) =>
      hashNumbers([seed, plans.findIndex((plan) => isSame(plan.what, what)), firstRun + i]),
    );
    switch (what.part) {
      case "decay":
        return measureDecay(what.nodes, seeds);
      case "count":
        return measureCount(what.nodes, seeds);
      case "loss":
        return measureLoss(what.nodes, what.aggregate, seeds);
    }
  },

  report: (_, tasks, samples) => {
    const of = (what: Part) => merged(samples.filter((_, i) => isSame(tasks[i]!.what, what)));
    return {
      rows: plans.flatMap(({ what }) => rowsOf(what, of(what).figures)),
      charts: [potentialChart(of), countChart(of)],
      notes: [
        "Synchronous rounds of the round engine; loss by events, with aligned timers and a constant latency.",
        "The lemma prints the factor 1/2 - 1/(2n). Enumerating all choices of few nodes gives 1/2 - 1/(2(n-1)) - (n-2)/(4(n-1)²) where nobody chooses itself, as here; the two differ by less than 1/n, which the row with 10 nodes shows.",
        "What is measured is not the sum over all pairs of nodes, but over the values that the nodes have: it falls by the same factor.",
        `The number of rounds for counting is log2 n + 2 log2 (1/ε), ε = ${epsilon}; that is of a typical node; for the last of all nodes ${slackRounds} more are allowed.`,
        "With loss the mass falls to (1-ℓ/2)^t. Sum and weight of a message are lost together, so a mean stays near the truth. A count does not: all weight begins at one node, and one lost message of the first ones changes the result by up to a factor of two. Epochs (epochMs) forget such errors, they do not prevent them.",
      ],
    };
  },
};

function isSame(a: Part, b: Part): boolean {
  return (
    a.part === b.part &&
    a.nodes === b.nodes &&
    (a.part !== "loss" || a.aggregate === (b as typeof a).aggregate)
  );
}

function valuesOf(nodes: number, seed: number): Float64Array {
  const random = seededRandom(seed);
  return Float64Array.from({ length: nodes }, () => random.unit());
}

// ---- Measuring -------------------------------------------------------------------------------------------------

function measureDecay(nodes: number, seeds: readonly number[]): Sample {
  const factor = new Moments();
  const potentials = Array.from({ length: decayRounds + 1 }, () => new Moments());
  for (const seed of seeds) {
    const protocol = new PushSum({ rows: nodes, values: valuesOf(nodes, seed) });
    const first = protocol.potential();
    let before = first;
    potentials[0]!.add(1);
    runRounds(protocol, {
      seed,
      semantics: "synchronous",
      maxRounds: decayRounds,
      onRound: (round) => {
        const now = protocol.potential();
        factor.add(now / before);
        potentials[round]!.add(now / first);
        before = now;
      },
    });
  }
  return { figures: { factor: factor.toJSON() }, potentials: potentials.map((one) => one.toJSON()) };
}

function measureCount(nodes: number, seeds: readonly number[]): Sample {
  const rounds = new Moments();
  const error = new Moments();
  for (const seed of seeds) {
    const protocol = new PushSum({ rows: nodes, options: { aggregate: "count" } });
    let accurateAt = 0;
    runRounds(protocol, {
      seed,
      semantics: "synchronous",
      maxRounds: statedRounds(nodes),
      onRound: (round) => {
        if (accurateAt === 0 && protocol.accurate(epsilon) === nodes) accurateAt = round;
      },
    });
    rounds.add(accurateAt === 0 ? statedRounds(nodes) + 1 : accurateAt);
    error.add(largestError(protocol, nodes));
  }
  return { figures: { rounds: rounds.toJSON(), error: error.toJSON() } };
}

function largestError(protocol: PushSum, truth: number): number {
  let largest = 0;
  for (let row = 0; row < protocol.rows; row++)
    largest = Math.max(largest, Math.abs((protocol.estimateOf(row) ?? 0) / truth - 1));
  return largest;
}

function measureLoss(nodes: number, aggregate: "mean" | "count", seeds: readonly number[]): Sample {
  const mass = new Moments();
  const error = new Moments();
  const spread = new Moments();
  for (const seed of seeds) {
    const values = valuesOf(nodes, seed);
    const intervalMs = 1000;
    const protocol = new PushSum({
      rows: nodes,
      values,
      options: { aggregate, timing: "aligned", intervalMs },
    });
    const before = protocol.mass();
    const simulation = new Simulation({
      seed,
      rows: nodes,
      links: { latency: { model: "constant", ms: 10 }, loss },
    });
    simulation.hostAll(protocol);
    // All messages of the last round have arrived, and the next round has not begun.
    simulation.run(lossRounds * intervalMs + intervalMs / 2);
    const after = protocol.mass();
    const truth = aggregate === "count" ? nodes : before.sum / before.weight;
    const agreed = after.sum / after.weight;
    mass.add(after.sum / before.sum);
    error.add(Math.abs(agreed / truth - 1));
    spread.add(largestError(protocol, agreed));
  }
  return { figures: { mass: mass.toJSON(), error: error.toJSON(), spread: spread.toJSON() } };
}

// ---- Reporting -------------------------------------------------------------------------------------------------

function merged(samples: readonly Sample[]): Sample {
  const merge = (states: readonly MomentsState[]) => {
    const all = new Moments();
    for (const state of states) all.merge(Moments.from(state));
    return all.toJSON();
  };
  const [first] = samples as [Sample];
  const figures = Object.keys(first.figures).map((name) => [
    name,
    merge(samples.map((sample) => sample.figures[name]!)),
  ]);
  return {
    figures: Object.fromEntries(figures),
    ...(first.potentials !== undefined && {
      potentials: first.potentials.map((_, round) => merge(samples.map((one) => one.potentials![round]!))),
    }),
  };
}

function rowsOf(what: Part, measured: Sample["figures"]): ReproductionRow[] {
  const { nodes } = what;
  switch (what.part) {
    case "decay": {
      const theory = potentialFactor({ n: nodes });
      const gate = gateAround({ expected: theory, source: "theory", measured: measured["factor"]! });
      return [
        {
          of: `n = ${nodes}`,
          figure: "factor of the potential per round",
          published: publishedPotentialFactor({ n: nodes }),
          theory,
          measured: measured["factor"]!,
          gate,
        },
      ];
    }
    case "count":
      return [
        {
          of: `count, n = ${nodes}`,
          figure: `rounds until all are within ${epsilon}`,
          theory: countingRounds({ n: nodes, epsilon }),
          measured: measured["rounds"]!,
        },
        {
          of: `count, n = ${nodes}`,
          figure: `largest relative error after ${statedRounds(nodes)} rounds`,
          measured: measured["error"]!,
          gate: { low: 0, high: epsilon, why: `theory: below ${epsilon} by then` },
        },
      ];
    case "loss": {
      const of = `${what.aggregate}, n = ${nodes}, ${100 * loss} % loss, ${lossRounds} rounds`;
      const theory = (1 - loss / 2) ** lossRounds;
      return [
        {
          of,
          figure: "share of the mass that is left",
          theory,
          measured: measured["mass"]!,
          gate: gateAround({ expected: theory, source: "theory", measured: measured["mass"]! }),
        },
        { of, figure: "relative error of the value that they agree on", measured: measured["error"]! },
        { of, figure: "largest relative distance from it", measured: measured["spread"]! },
      ];
    }
  }
}

type SampleOf = (what: Part) => Sample;

function potentialChart(of: SampleOf): Chart {
  const at = Array.from({ length: decayRounds + 1 }, (_, round) => round);
  const sizes = [10, 1000, 100_000];
  return {
    id: "push-sum-potential",
    title: "Push-sum: how far the nodes are from agreeing",
    note: "The potential as a share of the first one, mean of all runs. It is halved in each round, whatever the number of nodes; with 10 nodes it falls a little faster.",
    x: { label: "rounds" },
    y: { label: "potential", isLogarithmic: true },
    at,
    series: sizes.flatMap((nodes, color) => [
      {
        label: `theory, n = ${nodes}`,
        style: "line" as const,
        color,
        values: at.map((round) => potentialFactor({ n: nodes }) ** round),
      },
      measuredSeries({ label: `measured, n = ${nodes}`, color }, of({ part: "decay", nodes }).potentials!),
    ]),
  };
}

function countChart(of: SampleOf): Chart {
  const at = [1000, 3162, 10_000, 31_623, 100_000];
  const measured = plans.flatMap(({ what }) => (what.part === "count" ? [what.nodes] : []));
  return {
    id: "push-sum-count",
    title: "Push-sum: rounds until everybody knows the number of nodes",
    note: `With a relative error below ${epsilon}: a few rounds more for ten times the nodes.`,
    x: { label: "nodes", isLogarithmic: true },
    y: { label: "rounds", reachesTo: 70 },
    at,
    series: [
      {
        label: "theory, up to a constant: log2 n + 2 log2 (1/ε)",
        style: "line",
        color: 0,
        values: at.map((n) => countingRounds({ n, epsilon })),
      },
      measuredSeries(
        { label: "measured", color: 0 },
        at.map((nodes) =>
          measured.includes(nodes) ? of({ part: "count", nodes }).figures["rounds"] : undefined,
        ),
      ),
    ],
  };
}
