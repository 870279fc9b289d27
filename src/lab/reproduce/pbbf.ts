/**
 * PBBF, broadcasts among nodes that sleep: how far a message gets for each pair of dice (p, q), how long a hop takes,
 * and what it costs (Miller, Sengul and Gupta 2005).
 *
 * One run is one message from the middle of a grid. For each of them there are 400 pairs of nodes, one of which sends
 * the other one message, and ten groups of 20 nodes that have nothing to say for 50 frames.
 */
import {
  type Graph,
  graphOfLinks,
  gridGraph,
  hashNumbers,
  Moments,
  type MomentsState,
  seededRandom,
} from "../../core/index.ts";
import { Pbbf } from "../../dissemination/index.ts";
import { Simulation } from "../../simulator/index.ts";
import {
  pbbfAwakeShare,
  pbbfHopLatencyMs,
  pbbfOpenLink,
  percolationReach,
  squareBondThreshold,
  squareSiteThreshold,
} from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, Gate, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";

interface Dice {
  readonly p: number;
  readonly q: number;
}

type Task = { readonly seed: number; readonly runs: number } & (
  | ({ readonly kind: "grid" | "pairs" } & Dice)
  | { readonly kind: "idle"; readonly q: number }
  /** Theory, drawn: there is no closed form for a finite grid. */
  | { readonly kind: "percolation"; readonly open: number }
);

/** By the name of the figure; which there are, the kind of the task says. */
type Sample = Readonly<Record<string, MomentsState>>;

const side = 75;
const grid = gridGraph({ rows: side, columns: side });
const middle = (side * side - 1) / 2;

const frameMs = 10_000;
const activeMs = 1000;
/** L1: what a transmission takes. */
const linkMs = 2;
/** When in its first frame the source gets its message: in the middle of the sleeping time. */
const originMs = 5500;
/** L2: from there to the end of the next window. */
const waitMs = frameMs + activeMs - originMs;

const pairsPerRun = 400;
const idleGroupsPerRun = 10;
const idleGroup = 20;
const idleFrames = 50;

const gridQ = [0, 0.25, 0.5, 0.75];
const gridP = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
const pairQ = [0.25, 0.5, 0.75];
const pairP = [0, 0.25, 0.5, 0.75, 1];
const idleQ = [0, 0.25, 0.5, 0.75, 1];

const openOf = (dice: Dice) => Number(pbbfOpenLink(dice).toFixed(6));
const gridDice: readonly Dice[] = gridQ.flatMap((q) => gridP.map((p) => ({ p, q })));
const pairDice: readonly Dice[] = pairQ.flatMap((q) => pairP.map((p) => ({ p, q })));
const opens = [...new Set(gridDice.map(openOf))].sort((a, b) => a - b);

/** Links open with less than 0.45, or with 0.9 and not all by the luck of one frame, as with p near 1. */
const farBelow: readonly Dice[] = [
  { p: 0.7, q: 0 },
  { p: 0.8, q: 0.25 },
  { p: 0.9, q: 0.25 },
];
const farAbove: readonly Dice[] = [
  { p: 0.1, q: 0.5 },
  { p: 0.2, q: 0.75 },
  { p: 0.4, q: 0.75 },
];

export const pbbfExperiment: Experiment<Task, Sample> = {
  name: "pbbf",
  description: "PBBF on a grid of sleeping nodes: reach, latency of a hop, energy, by its two probabilities",
  source: "Miller, Sengul, Gupta 2005 (ICDCS)",
  defaultRuns: 24,
  quickRuns: 4,

  plan: ({ seed, runs }) => {
    const seedOf = (...of: number[]) => hashNumbers([seed, ...of]);
    return [
      ...gridDice.map((dice, i): Task => ({ kind: "grid", ...dice, runs, seed: seedOf(1, i) })),
      ...pairDice.map((dice, i): Task => ({ kind: "pairs", ...dice, runs, seed: seedOf(2, i) })),
      ...idleQ.map((q, i): Task => ({ kind: "idle", q, runs, seed: seedOf(3, i) })),
      ...opens.map((open, i): Task => ({ kind: "percolation", open, runs, seed: seedOf(4, i) })),
    ];
  },

  measure: (task) => {
    switch (task.kind) {
      case "grid":
        return onGrid(task, task.runs, task.seed);
      case "pairs":
        return onPairs(task, task.runs * pairsPerRun, task.seed);
      case "idle":
        return { awake: idle(task.q, task.runs * idleGroupsPerRun, task.seed) };
      case "percolation": {
        const options = { graph: grid, source: middle, runs: 2 * task.runs };
        const random = seededRandom(task.seed);
        return {
          bonds: percolationReach({ ...options, openNodes: 1, openLinks: task.open, random }).toJSON(),
          sites: percolationReach({ ...options, openNodes: task.open, openLinks: 1, random }).toJSON(),
        };
      }
    }
  },

  report: (_, tasks, samples) => {
    const found = (isIt: (task: Task) => boolean) => samples[tasks.findIndex(isIt)]!;
    const of: SamplesOf = {
      grid: ({ p, q }) => found((task) => task.kind === "grid" && task.p === p && task.q === q),
      pairs: ({ p, q }) => found((task) => task.kind === "pairs" && task.p === p && task.q === q),
      idle: (q) => found((task) => task.kind === "idle" && task.q === q),
      percolation: (open) => found((task) => task.kind === "percolation" && task.open === open),
    };
    return {
      rows: [...reachRows(of), ...criticalRows(of), ...pairRows(of), ...energyRows(of)],
      charts: [reachChart(of), linkChart(of), latencyChart(of), energyChart(of)],
      notes: [
        `A grid of ${side} x ${side}; frames of ${frameMs} ms with a window of ${activeMs} ms, a transmission takes ${linkMs} ms. The source throws the dice of all others, so that it may die there: with probability p (1-q)^4.`,
        "A link is open with probability 1-p+pq: measured on pairs, and exact. On a grid the theory takes all links as independent, and the threshold is that of bond percolation, 1/2. But all links of a sender share its one die, and what is sent at once in one frame meets a node asleep or awake once and for all: with q = 0 it is site percolation, whose threshold is 0.593. The measured threshold is near that one; 1/2 is a lower bound.",
        "With p = 1 all happens in one frame, in which whoever sleeps hears nothing: no more than a share q is reached, whatever the threshold says.",
        `A hop is measured on pairs, given that it was made: L1 = ${linkMs} ms, and L2 = ${waitMs} ms from the middle of a sleeping time to the end of the next window.`,
        "Energy is the share of time that a radio is on while there is no traffic. A message adds, in the frame in which it is announced, whoever hears the announcement.",
      ],
    };
  },
};

// ---- Runs ------------------------------------------------------------------------------------------------------

function simulated(graph: Graph, { p, q }: Dice, seed: number): { pbbf: Pbbf; simulation: Simulation } {
  const pbbf = new Pbbf({
    graph,
    options: { immediateProbability: p, awakeProbability: q, frameMs, activeMs, isQuiet: true },
  });
  const links = { latency: { model: "constant", ms: linkMs } } as const;
  const simulation = new Simulation({ seed, rows: graph.nodes, links });
  simulation.hostAll(pbbf);
  return { pbbf, simulation };
}

function onGrid(dice: Dice, runs: number, seed: number): Sample {
  const reach = new Moments();
  const reachBeyondSource = new Moments();
  for (let run = 0; run < runs; run++) {
    const { pbbf, simulation } = simulated(grid, dice, hashNumbers([seed, run]));
    simulation.command(middle, { type: "originate" }, originMs);
    // To the end of frame after frame: what is sent at once has gone as far as it gets by then.
    do simulation.run(simulation.time + frameMs - (simulation.time === 0 ? 1 : 0));
    while (pbbf.sending > 0);
    reach.add(pbbf.heard / grid.nodes);
    if (pbbf.heard > 1) reachBeyondSource.add(pbbf.heard / grid.nodes);
  }
  return { reach: reach.toJSON(), reachBeyondSource: reachBeyondSource.toJSON() };
}

function onPairs(dice: Dice, pairs: number, seed: number): Sample {
  const links = Array.from({ length: pairs }, (_, pair) => [2 * pair, 2 * pair + 1] as const);
  const { pbbf, simulation } = simulated(graphOfLinks(2 * pairs, links), dice, seed);
  for (const [sender] of links) simulation.command(sender, { type: "originate" }, originMs);
  simulation.run(2 * frameMs - 1);
  const delivered = new Moments();
  const latencyMs = new Moments();
  for (const [, receiver] of links) {
    const at = pbbf.heardAt[receiver]!;
    delivered.add(at >= 0 ? 1 : 0);
    if (at >= 0) latencyMs.add(at - originMs);
  }
  return { delivered: delivered.toJSON(), latencyMs: latencyMs.toJSON() };
}

/** Nodes with nobody to hear: the share of time that a group of them is awake. */
function idle(q: number, groups: number, seed: number): MomentsState {
  const awake = new Moments();
  for (let group = 0; group < groups; group++) {
    const lonely = graphOfLinks(idleGroup, []);
    const { pbbf, simulation } = simulated(lonely, { p: 0, q }, hashNumbers([seed, group]));
    simulation.run(idleFrames * frameMs - 1);
    awake.add(pbbf.awakeShare);
  }
  return awake.toJSON();
}

// ---- Rows ------------------------------------------------------------------------------------------------------

interface SamplesOf {
  readonly grid: (dice: Dice) => Sample;
  readonly pairs: (dice: Dice) => Sample;
  readonly idle: (q: number) => Sample;
  readonly percolation: (open: number) => Sample;
}

const nameOf = ({ p, q }: Dice) => `p = ${p}, q = ${q}`;

function reachRows(of: SamplesOf): ReproductionRow[] {
  const row = (dice: Dice, figure: "reach" | "reachBeyondSource", gate: Gate): ReproductionRow => ({
    of: `${nameOf(dice)} (links open: ${openOf(dice)})`,
    figure: figure === "reach" ? "nodes reached" : "nodes reached, once it left the source",
    theory: of.percolation(openOf(dice))["bonds"]!.mean,
    measured: of.grid(dice)[figure]!,
    gate,
  });
  return [
    ...farBelow.map((dice) => row(dice, "reach", { low: 0, high: 0.1, why: "far below the threshold" })),
    ...farAbove.map((dice) =>
      row(dice, "reachBeyondSource", { low: 0.9, high: 1, why: "far above the threshold" }),
    ),
  ];
}

/** Where the measured curve falls through one half: there percolation ends. */
function criticalRows(of: SamplesOf): ReproductionRow[] {
  return [0, 0.25, 0.5].flatMap((q) => {
    const reach = gridP.map((p) => {
      const { count, mean } = of.grid({ p, q })["reachBeyondSource"]!;
      return count === 0 ? 0 : mean;
    });
    const i = reach.findLastIndex((value) => value >= 0.5);
    if (i < 0 || i === gridP.length - 1) return [];
    const part = (reach[i]! - 0.5) / (reach[i]! - reach[i + 1]!);
    const critical = gridP[i]! + part * (gridP[i + 1]! - gridP[i]!);
    return {
      of: `q = ${q}`,
      figure: "1-p+pq that reaches half of the nodes",
      theory: squareBondThreshold,
      measured: Moments.of([pbbfOpenLink({ p: critical, q })]).toJSON(),
    };
  });
}

function pairRows(of: SamplesOf): ReproductionRow[] {
  return pairDice.flatMap((dice): ReproductionRow[] => {
    const { delivered, latencyMs } = of.pairs(dice);
    const open = pbbfOpenLink(dice);
    const hopMs = pbbfHopLatencyMs({ ...dice, immediateMs: linkMs, waitMs });
    // Of those that are made a share was announced, and took L2 longer.
    const announced = (1 - dice.p) / open;
    return [
      {
        of: nameOf(dice),
        figure: "messages over one link",
        theory: open,
        measured: delivered!,
        gate: gateAround({
          ...{ expected: open, source: "theory 1-p+pq", measured: delivered! },
          leastDeviation: Math.sqrt(open * (1 - open)),
        }),
      },
      {
        of: nameOf(dice),
        figure: "latency of a hop (ms)",
        theory: hopMs,
        measured: latencyMs!,
        gate: gateAround({
          ...{ expected: hopMs, source: "theory L1 + L2 (1-p)/(1-p+pq)", measured: latencyMs! },
          leastDeviation: waitMs * Math.sqrt(announced * (1 - announced)),
        }),
      },
    ];
  });
}

function energyRows(of: SamplesOf): ReproductionRow[] {
  return idleQ.map((q) => {
    const theory = pbbfAwakeShare({ q, frameMs, activeMs });
    const measured = of.idle(q)["awake"]!;
    const deviation = ((frameMs - activeMs) / frameMs) * Math.sqrt((q * (1 - q)) / (idleFrames * idleGroup));
    return {
      of: `q = ${q}`,
      figure: "share of time awake",
      theory,
      measured,
      gate: gateAround({
        ...{ expected: theory, source: "theory, linear in q", measured },
        ...{ leastDeviation: deviation, slack: 1e-12 },
      }),
    };
  });
}

// ---- Charts ----------------------------------------------------------------------------------------------------

function reachChart(of: SamplesOf): Chart {
  return {
    id: "pbbf-reach",
    title: "PBBF: how far a message gets",
    note: "Lines: bond percolation with links open with probability 1-p+pq. The measured fall comes earlier, for links of a node are not independent.",
    x: { label: "p: send at once" },
    y: { label: "nodes reached", reachesTo: 1 },
    at: gridP,
    series: gridQ.flatMap((q, color) => [
      {
        label: `q = ${q}: bond percolation`,
        style: "line" as const,
        color,
        values: gridP.map((p) => of.percolation(openOf({ p, q }))["bonds"]!.mean),
      },
      measuredSeries(
        { label: `q = ${q}: measured`, color },
        gridP.map((p) => of.grid({ p, q })["reach"]),
      ),
    ]),
  };
}

function linkChart(of: SamplesOf): Chart {
  return {
    id: "pbbf-links",
    title: "PBBF: between percolation of links and of nodes",
    note: `The same against the probability of an open link. The thresholds of the endless lattice are ${squareBondThreshold} for links and ${squareSiteThreshold.toFixed(3)} for nodes. With p = 1 the measured share is q at most.`,
    x: { label: "1-p+pq: a link is open" },
    y: { label: "nodes reached", reachesTo: 1 },
    at: opens,
    series: [
      {
        label: "percolation of links",
        style: "line",
        color: 0,
        values: opens.map((open) => of.percolation(open)["bonds"]!.mean),
      },
      {
        label: "percolation of nodes",
        style: "dashed",
        color: 0,
        values: opens.map((open) => of.percolation(open)["sites"]!.mean),
      },
      ...gridQ.map((q, color) =>
        measuredSeries(
          { label: `q = ${q}: measured`, color },
          opens.map((open) => {
            const p = gridP.find((one) => openOf({ p: one, q }) === open);
            return p === undefined ? undefined : of.grid({ p, q })["reach"];
          }),
        ),
      ),
    ],
  };
}

function latencyChart(of: SamplesOf): Chart {
  return {
    id: "pbbf-latency",
    title: "PBBF: what a hop takes",
    note: "Mean time over one link, of the messages that pass it. Lines: L1 + L2 (1-p)/(1-p+pq).",
    x: { label: "p: send at once" },
    y: { label: "ms" },
    at: pairP,
    series: pairQ.flatMap((q, color) => [
      {
        label: `q = ${q}: theory`,
        style: "line" as const,
        color,
        values: pairP.map((p) => pbbfHopLatencyMs({ p, q, immediateMs: linkMs, waitMs })),
      },
      measuredSeries(
        { label: `q = ${q}: measured`, color },
        pairP.map((p) => of.pairs({ p, q })["latencyMs"]),
      ),
    ]),
  };
}

function energyChart(of: SamplesOf): Chart {
  return {
    id: "pbbf-energy",
    title: "PBBF: what it costs",
    note: "Share of time that a node without traffic is awake.",
    x: { label: "q: stay awake" },
    y: { label: "share of time awake", reachesTo: 1 },
    at: idleQ,
    series: [
      {
        label: "theory",
        style: "line",
        color: 0,
        values: idleQ.map((q) => pbbfAwakeShare({ q, frameMs, activeMs })),
      },
      measuredSeries(
        { label: "measured", color: 0 },
        idleQ.map((q) => of.idle(q)["awake"]),
      ),
    ],
  };
}
