/**
 * The median-counter rule in synchronous rounds: everybody learns the rumor, and falls silent soon after, without
 * anybody counting the network (Karp et al. 2000; published figures: our reference measurements).
 */
import { hashNumbers, Moments, type MomentsState } from "../../core/index.ts";
import { MedianCounter } from "../../dissemination/index.ts";
import { runRounds, Simulation } from "../../simulator/index.ts";
import { pushPullRounds } from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, ReproductionRow } from "./experiment.ts";
import { gateAround, halfDigit } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { type Piece, pieces } from "./pieces.ts";

/** One run is one rumor. */
interface Configuration {
  readonly engine: "rounds" | "events";
  readonly nodes: number;
  readonly ctrMax: number;
  /** Of the runs that were asked for. */
  readonly share: number;
  /** So many take about a second. */
  readonly runsPerTask: number;
}

interface Task extends Configuration, Piece {
  readonly seed: number;
}

type Figure = "lastInfection" | "quiescence" | "copies" | "residue";
type Sample = Readonly<Record<Figure, MomentsState>>;

const sizes: readonly Configuration[] = [
  { engine: "rounds", nodes: 1000, ctrMax: 3, share: 1, runsPerTask: 1000 },
  { engine: "rounds", nodes: 10_000, ctrMax: 3, share: 0.3, runsPerTask: 200 },
  { engine: "rounds", nodes: 1_000_000, ctrMax: 3, share: 0.03, runsPerTask: 2 },
];
const counters: readonly Configuration[] = [1, 2, 4, 5, 6].map((ctrMax) => {
  return { engine: "rounds", nodes: 10_000, ctrMax, share: 0.1, runsPerTask: 200 };
});
const byEvents: Configuration = {
  engine: "events",
  nodes: 1000,
  ctrMax: 3,
  share: 0.1,
  runsPerTask: 50,
};
const configurations = [...sizes, ...counters, byEvents];

const published: Readonly<Record<number, Readonly<Partial<Record<Figure, number>>>>> = {
  1000: { lastInfection: 9.2, quiescence: 15.2, copies: 14.95, residue: 0 },
  10000: { lastInfection: 11.6, quiescence: 17.6, copies: 14.95, residue: 0 },
  1000000: { lastInfection: 16.4, quiescence: 22.4, copies: 14.94, residue: 0 },
};
/** The law that was read off for any number of nodes; its coefficients have two digits. */
const publishedCopies = (ctrMax: number) => 4.4 * ctrMax + 1.8;

/** Its own sampling error is of the size of that digit, while ours is far below it. */
const publishedCopiesError = { slack: 0.01, slackWhy: "one of its last digit" };

const figures: readonly { figure: Figure; name: string; digits: number; isWhole: boolean }[] = [
  { figure: "lastInfection", name: "last infection (rounds)", digits: 1, isWhole: true },
  { figure: "quiescence", name: "quiescence (rounds)", digits: 1, isWhole: true },
  { figure: "copies", name: "copies per node", digits: 2, isWhole: false },
  { figure: "residue", name: "nodes never reached", digits: 0, isWhole: false },
];

export const medianCounterExperiment: Experiment<Task, Sample> = {
  name: "median-counter",
  description: "Push-pull with median counters: rounds, traffic, and that nobody is left out",
  source: "Karp, Schindelhauer, Shenker, Vöcking 2000 (FOCS), section 3; reference measurements for ctrMax 3",
  defaultRuns: 1000,
  quickRuns: 60,

  plan: ({ seed, runs }) =>
    configurations.flatMap((configuration) => {
      const { share, runsPerTask } = configuration;
      const all = Math.max(2, Math.round(runs * share));
      return pieces(all, runsPerTask).map((piece): Task => ({ ...configuration, seed, ...piece }));
    }),

  measure: (task) => {
    const sums = {
      lastInfection: new Moments(),
      quiescence: new Moments(),
      copies: new Moments(),
      residue: new Moments(),
    };
    const { seed, nodes, ctrMax, engine } = task;
    for (let run = task.firstRun; run < task.firstRun + task.runs; run++) {
      const runSeed = hashNumbers([seed, nodes, ctrMax, engine === "rounds" ? 0 : 1, run]);
      const measured =
        engine === "rounds" ? inRounds(nodes, ctrMax, runSeed) : inEvents(nodes, ctrMax, runSeed);
      for (const { figure } of figures) sums[figure].add(measured[figure]);
    }
    const { lastInfection, quiescence, copies, residue } = sums;
    return {
      lastInfection: lastInfection.toJSON(),
      quiescence: quiescence.toJSON(),
      copies: copies.toJSON(),
      residue: residue.toJSON(),
    };
  },

  report: (_, tasks, samples) => {
    const of = (configuration: Configuration, figure: Figure): MomentsState => {
      const all = new Moments();
      tasks.forEach((task, i) => {
        const { engine, nodes, ctrMax } = configuration;
        if (task.engine === engine && task.nodes === nodes && task.ctrMax === ctrMax)
          all.merge(Moments.from(samples[i]![figure]));
      });
      return all.toJSON();
    };
    return {
      rows: [
        ...[...sizes, byEvents].flatMap((size) => rowsOfSize(size, (figure) => of(size, figure))),
        ...counters.flatMap((one) => rowsOfCounter(one, (figure) => of(one, figure))),
      ],
      charts: [roundsChart(of), copiesChart(of)],
      notes: [
        "Synchronous rounds; in each, every node calls one other, and both sides send the rumor if they are active. The rows by events run the same class on the simulation with aligned calls and a constant latency.",
        "Rounds in C: as many as ctrMax. Copies are all payloads until nobody sends any more, useful ones and others.",
        "With ctrMax 1 and 2 only the age cap ends a rumor: those rows show it working, and have no gates. With ctrMax 1 it cuts the rumor off before everybody knows it.",
        "Theory is log3 n + log2 ln n; the theorem is log3 n + O(ln ln n), so it is no gate.",
      ],
    };
  },
};

interface Measured extends Readonly<Record<Figure, number>> {}

function inRounds(nodes: number, ctrMax: number, seed: number): Measured {
  const rumor = new MedianCounter({ rows: nodes, options: { ctrMax } });
  rumor.infect(0);
  const { rounds } = runRounds(rumor, { seed, semantics: "synchronous" });
  return measuredOf(rumor, rounds, (at) => at);
}

const intervalMs = 1000;

/** Round r lasts from the r-th call to the next; within it calls and answers arrive. */
function inEvents(nodes: number, ctrMax: number, seed: number): Measured {
  const rumor = new MedianCounter({ rows: nodes, options: { ctrMax, timing: "aligned", intervalMs } });
  const simulation = new Simulation({
    seed,
    rows: nodes,
    links: { latency: { model: "constant", ms: 10 } },
  });
  simulation.hostAll(rumor);
  simulation.command(0, { type: "infect" });
  simulation.run(0);
  let rounds = -1;
  while (rumor.spreading > 0) simulation.run((++rounds + 1) * intervalMs);
  return measuredOf(rumor, rounds, (at) => Math.floor(at / intervalMs));
}

function measuredOf(rumor: MedianCounter, quiescence: number, roundOf: (at: number) => number): Measured {
  const { rows, heard, copies, infectedAt } = rumor;
  const last = infectedAt.reduce((latest, at) => Math.max(latest, at), -1);
  return { lastInfection: roundOf(last), quiescence, copies: copies / rows, residue: rows - heard };
}

function rowsOfSize(
  { engine, nodes, ctrMax }: Configuration,
  of: (figure: Figure) => MomentsState,
): ReproductionRow[] {
  return figures.map(({ figure, name, digits, isWhole }) => {
    const measured = of(figure);
    const expected = published[nodes]![figure]!;
    return {
      of: `n = ${nodes}, ctrMax = ${ctrMax}${engine === "events" ? ", by events" : ""}`,
      figure: name,
      published: expected,
      ...(figure === "lastInfection" && { theory: pushPullRounds({ n: nodes }) }),
      measured,
      gate:
        figure === "residue"
          ? { low: 0, high: 0, why: "published: zero in all runs" }
          : gateAround({
              expected,
              source: "published",
              measured,
              ...(isWhole ? halfDigit(digits) : publishedCopiesError),
              leastDeviation: isWhole ? 0.5 : 0,
            }),
    };
  });
}

function rowsOfCounter(
  { nodes, ctrMax }: Configuration,
  of: (figure: Figure) => MomentsState,
): ReproductionRow[] {
  const name = `n = ${nodes}, ctrMax = ${ctrMax}`;
  const copies = of("copies");
  const law = publishedCopies(ctrMax);
  return [
    {
      of: name,
      figure: "copies per node",
      published: law,
      measured: copies,
      // For 1 and 2 the law is off by half a copy: it was read off where the rule, and not the cap, ends the rumor.
      ...(ctrMax > 2 && {
        gate: gateAround({
          expected: law,
          source: "published law 4.4 ctrMax + 1.8",
          measured: copies,
          slack: 0.05 * ctrMax + 0.05,
          slackWhy: "half of the last digits of its coefficients",
        }),
      }),
    },
    { of: name, figure: "quiescence (rounds)", measured: of("quiescence") },
    { of: name, figure: "nodes never reached", measured: of("residue") },
  ];
}

type MomentsOf = (configuration: Configuration, figure: Figure) => MomentsState;

function roundsChart(of: MomentsOf): Chart {
  const at = [1000, 3162, 10_000, 31_623, 100_000, 316_228, 1_000_000];
  const size = (nodes: number) => sizes.find((one) => one.nodes === nodes);
  const measured = (figure: Figure) =>
    at.map((nodes) => (size(nodes) === undefined ? undefined : of(size(nodes)!, figure)));
  return {
    id: "median-counter-rounds",
    title: "Median counter: when all know, and when all are silent",
    note: "ctrMax 3. The rumor ends six rounds after the last infection, whatever the number of nodes.",
    x: { label: "nodes", isLogarithmic: true },
    y: { label: "rounds", reachesTo: 24 },
    at,
    series: [
      {
        label: "theory: log3 n + log2 ln n",
        style: "line",
        color: 0,
        values: at.map((n) => pushPullRounds({ n })),
      },
      measuredSeries({ label: "last infection", color: 0 }, measured("lastInfection")),
      {
        label: "published quiescence",
        style: "dashed",
        color: 1,
        values: at.map((n) => published[n]?.quiescence ?? null),
      },
      measuredSeries({ label: "quiescence", color: 1 }, measured("quiescence")),
    ],
  };
}

function copiesChart(of: MomentsOf): Chart {
  const at = [1, 2, 3, 4, 5, 6];
  const all = [...sizes, ...counters].filter(({ nodes }) => nodes === 10_000);
  return {
    id: "median-counter-copies",
    title: "Median counter: copies per node",
    note: "Traffic does not depend on the number of nodes, only on ctrMax. n = 10,000.",
    x: { label: "ctrMax" },
    y: { label: "copies per node", reachesTo: 30 },
    at,
    series: [
      {
        label: "published: 4.4 ctrMax + 1.8",
        style: "line",
        color: 0,
        values: at.map(publishedCopies),
      },
      measuredSeries(
        { label: "measured", color: 0 },
        at.map((ctrMax) => of(all.find((one) => one.ctrMax === ctrMax)!, "copies")),
      ),
    ],
  };
}
