/**
 * Infect and die: whoever hears it sends f copies at once and is done. Delivered to 1 - s of all, s = e^(-f(1-s)).
 *
 * As rumor mongering that is blind push with fan-out f and a counter of f: one round of calls. In synchronous rounds,
 * and for some runs by events with calls in step, which must give the same.
 */
import { hashNumbers, Moments, type MomentsState } from "../../core/index.ts";
import { Rumor, type RumorOptions } from "../../dissemination/index.ts";
import { runRounds, Simulation } from "../../simulator/index.ts";
import { infectAndDieResidue } from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, Gate, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { type Piece, pieces } from "./pieces.ts";

type Figure = "delivered" | "rmr" | "ldh";
const figures: readonly { readonly figure: Figure; readonly name: string }[] = [
  { figure: "delivered", name: "delivered (share)" },
  { figure: "rmr", name: "RMR (copies / deliveries - 1)" },
  { figure: "ldh", name: "last delivery hop" },
];

/** Of 10,000 nodes, with three digits of the delivered share. */
const published: Readonly<Record<number, Readonly<Record<Figure, number>>>> = {
  2: { delivered: 0.797, rmr: 1, ldh: 22.4 },
  3: { delivered: 0.94, rmr: 2, ldh: 14.1 },
  4: { delivered: 0.98, rmr: 3, ldh: 10.8 },
};
const fanouts = [1, 2, 3, 4, 5, 6] as const;

/** One run is one message. */
interface Task extends Piece {
  readonly engine: "rounds" | "events";
  readonly nodes: number;
  readonly fanout: number;
  readonly seed: number;
}

type Sample = Readonly<Record<Figure, MomentsState>>;

export const infectAndDieExperiment: Experiment<Task, Sample> = {
  name: "infect-and-die",
  description: "Each node forwards once, to f others: who gets it, how often, over how many hops",
  source: "s = e^(-f(1-s)): Kermack and McKendrick 1927; reference measurements for n = 10,000",
  defaultRuns: 400,
  quickRuns: 30,
  flags: [{ name: "nodes", description: "nodes", default: 10_000, min: 100, max: 10_000_000 }],

  plan: ({ seed, runs, flags }) => {
    const nodes = flags["nodes"] as number;
    const tasksOf = (engine: Task["engine"], fanout: number, all: number, cost: number): Task[] => {
      const runsPerTask = Math.max(1, Math.round(cost / nodes));
      return pieces(all, runsPerTask).map((piece) => ({ engine, nodes, fanout, seed, ...piece }));
    };
    const fewer = Math.max(2, Math.round(runs / 10));
    return [
      // A chain of single copies takes a hundred rounds, and says nothing that must match.
      ...fanouts.flatMap((fanout) => tasksOf("rounds", fanout, fanout === 1 ? fewer : runs, 3_000_000)),
      ...[2, 3, 4].flatMap((fanout) => tasksOf("events", fanout, fewer, 600_000)),
    ];
  },

  measure: (task) => {
    const sums = { delivered: new Moments(), rmr: new Moments(), ldh: new Moments() };
    const { engine, nodes, fanout, seed } = task;
    for (let run = task.firstRun; run < task.firstRun + task.runs; run++) {
      const runSeed = hashNumbers([seed, nodes, fanout, engine === "rounds" ? 0 : 1, run]);
      const measured =
        engine === "rounds" ? inRounds(nodes, fanout, runSeed) : inEvents(nodes, fanout, runSeed);
      for (const { figure } of figures) sums[figure].add(measured[figure]);
    }
    return { delivered: sums.delivered.toJSON(), rmr: sums.rmr.toJSON(), ldh: sums.ldh.toJSON() };
  },

  report: ({ flags }, tasks, samples) => {
    const nodes = flags["nodes"] as number;
    const of = (engine: Task["engine"], fanout: number, figure: Figure): MomentsState => {
      const all = new Moments();
      tasks.forEach((task, i) => {
        if (task.engine === engine && task.fanout === fanout) all.merge(Moments.from(samples[i]![figure]));
      });
      return all.toJSON();
    };
    return {
      rows: [
        ...fanouts.flatMap((fanout) =>
          figures.map((one) => rowOf("rounds", nodes, fanout, one, of("rounds", fanout, one.figure))),
        ),
        ...[2, 3, 4].flatMap((fanout) =>
          figures.map((one) => rowOf("events", nodes, fanout, one, of("events", fanout, one.figure))),
        ),
      ],
      charts: [deliveredChart((fanout) => of("rounds", fanout, "delivered"))],
      notes: [
        "Push, blind, fan-out f, counter f: synchronous rounds, or events with calls in step and a constant latency. A node may call the same partner twice.",
        "RMR counts copies for each delivery, less one. Each node that has it sends f, so it is f - 1 but for the node that began.",
        "With f = 1 the message is a chain that ends where it meets itself; the equation has no other solution than s = 1, and there is no gate.",
        "The last delivery hop grows with ln n; what is published is of 10,000 nodes, from runs of which the number is not known, so it has no gate.",
      ],
    };
  },
};

type Measured = Readonly<Record<Figure, number>>;

function optionsOf(fanout: number): Partial<RumorOptions> {
  return { mode: "push", stop: "counter", hasFeedback: false, stopAfter: fanout, fanout, isQuiet: true };
}

function inRounds(nodes: number, fanout: number, seed: number): Measured {
  const rumor = new Rumor({ rows: nodes, options: optionsOf(fanout) });
  rumor.infect(0);
  runRounds(rumor, { seed, semantics: "synchronous", isUntilQuiet: true });
  return measuredOf(rumor, (at) => at);
}

const intervalMs = 1000;

function inEvents(nodes: number, fanout: number, seed: number): Measured {
  const options = { ...optionsOf(fanout), timing: "aligned", intervalMs } as const;
  const rumor = new Rumor({ rows: nodes, options });
  const simulation = new Simulation({ seed, rows: nodes, links: { latency: { model: "constant", ms: 10 } } });
  simulation.hostAll(rumor);
  simulation.command(0, { type: "infect" });
  simulation.run();
  return measuredOf(rumor, (at) => Math.floor(at / intervalMs));
}

function measuredOf({ rows, informed, copies, infectedAt }: Rumor, hopOf: (at: number) => number): Measured {
  return {
    delivered: informed / rows,
    rmr: copies / Math.max(1, informed - 1) - 1,
    ldh: hopOf(infectedAt.reduce((latest, at) => Math.max(latest, at), 0)),
  };
}

function rowOf(
  engine: Task["engine"],
  nodes: number,
  fanout: number,
  { figure, name }: (typeof figures)[number],
  measured: MomentsState,
): ReproductionRow {
  const known = nodes === 10_000 ? published[fanout]?.[figure] : undefined;
  const theory = theoryOf(figure, fanout);
  const gate = theory === undefined ? undefined : gateOf(figure, nodes, fanout, theory, measured);
  return {
    of: `f = ${fanout}${engine === "events" ? ", by events" : ""}`,
    figure: name,
    ...(known !== undefined && { published: known }),
    ...(theory !== undefined && { theory }),
    measured,
    ...(gate !== undefined && { gate }),
  };
}

function theoryOf(figure: Figure, fanout: number): number | undefined {
  switch (figure) {
    case "delivered":
      return 1 - infectAndDieResidue({ fanout });
    case "rmr":
      return fanout - 1;
    case "ldh":
      return undefined;
  }
}

function gateOf(
  figure: Figure,
  nodes: number,
  fanout: number,
  theory: number,
  measured: MomentsState,
): Gate | undefined {
  if (fanout === 1) return undefined;
  if (figure === "rmr") {
    // The node that began was sent nothing: f copies more, of as many deliveries as there are nodes.
    const slack = (2 * fanout) / nodes / theoryOf("delivered", fanout)!;
    return { low: theory, high: theory + slack, why: "f - 1, and the copies of the node that began, twice" };
  }
  return gateAround({
    expected: theory,
    source: "theory",
    measured,
    slack: 3 / nodes,
    slackWhy: "3 nodes: theory is about infinitely many",
    leastDeviation: 0.5 / Math.sqrt(nodes),
  });
}

function deliveredChart(of: (fanout: number) => MomentsState): Chart {
  return {
    id: "infect-and-die-delivered",
    title: "Infect and die: who gets it",
    note: "Each node that gets it sends f copies and is done. The share that gets none is s = e^(-f(1-s)): never zero.",
    x: { label: "fan-out f" },
    y: { label: "delivered (share)" },
    at: fanouts,
    series: [
      {
        label: "theory: 1 - s, s = e^(-f(1-s))",
        style: "line",
        color: 0,
        values: fanouts.map((fanout) => theoryOf("delivered", fanout)!),
      },
      {
        label: "published",
        style: "dashed",
        color: 1,
        values: fanouts.map((fanout) => published[fanout]?.delivered ?? null),
      },
      measuredSeries({ label: "measured", color: 0 }, fanouts.map(of)),
    ],
  };
}
