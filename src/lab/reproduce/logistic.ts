/**
 * SI by events, beside Bailey's logistic (document 003, slides "Analysis" and "Epidemic Multicast Analysis"). Nodes call
 * after exponential pauses, so that the process is Bailey's stochastic epidemic to the letter: the equation is what it
 * does once many know it, and the sums of pauses are its exact means.
 */
import { hashNumbers, Moments, type MomentsState } from "../../core/index.ts";
import { Rumor } from "../../dissemination/index.ts";
import { Simulation } from "../../simulator/index.ts";
import {
  expectedTimeToInform,
  logisticLoadPerNode,
  missedAfterLogTime,
  siTraffic,
  varianceOfTimeToInform,
} from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { type Piece, pieces } from "./pieces.ts";

export type LogisticMode = "push" | "push-pull";

interface Configuration {
  readonly mode: LogisticMode;
  /** n + 1: the one who knows it first, and n others. */
  readonly people: number;
  /** Of the runs that were asked for. */
  readonly share: number;
  readonly runsPerTask: number;
}

export interface LogisticTask extends Configuration, Piece {
  readonly seed: number;
}

type Figure = "toHalf" | "between" | "all" | "distance" | "missed" | "load" | "traffic";
type Sums<Value> = Readonly<Record<Figure, Value>>;

export interface LogisticSample {
  readonly figures: Sums<MomentsState>;
  /** The share that knows it, for each of `gridTimes` after the moment at which half of them did. */
  readonly curve: readonly MomentsState[];
}

const configurations: readonly Configuration[] = (["push", "push-pull"] as const).flatMap((mode) => [
  { mode, people: 10_000, share: 1, runsPerTask: 50 },
  { mode, people: 100_000, share: 0.2, runsPerTask: 4 },
]);

/** Pauses are whole milliseconds: a ten-thousandth of an interval. Messages take no time at all. */
const intervalMs = 10_000;

/** In units of 1/beta(n+1), so that both modes have the same curve. */
const gridTimes = Array.from({ length: 33 }, (_, i) => (i - 16) / 2);

/** Calls that can pass it on, per person and unit of time: in push-pull those of either side. */
const contactsOf = (mode: LogisticMode) => (mode === "push-pull" ? 2 : 1);

/**
 * The chance left in a curve that begins with 1 % of n people has an amplitude of 1/sqrt(n/100), and aligning at a half
 * takes most of it away. Measured: 0.8/sqrt(n); where the rate is wrong by a tenth it is 0.04 for any n.
 */
export const distanceAllowed = (people: number) => 2 / Math.sqrt(people);

export const logisticExperiment: Experiment<LogisticTask, LogisticSample> = {
  name: "logistic",
  description: "SI with calls at random times: the infected share beside Bailey's logistic",
  source: 'Bailey 1975, chapter 5; document 003, slides "Analysis" and "Epidemic Multicast Analysis"',
  defaultRuns: 100,
  quickRuns: 8,

  plan: ({ seed, runs }) =>
    configurations.flatMap((configuration) => {
      const all = Math.max(2, Math.round(runs * configuration.share));
      const { runsPerTask } = configuration;
      return pieces(all, runsPerTask).map((piece): LogisticTask => ({ ...configuration, seed, ...piece }));
    }),

  measure: ({ seed, mode, people, firstRun, runs }) => {
    const sums: Sums<Moments> = sumsOf(() => new Moments());
    const curve = gridTimes.map(() => new Moments());
    for (let run = firstRun; run < firstRun + runs; run++) {
      const one = spread(mode, people, hashNumbers([seed, people, contactsOf(mode), run]));
      for (const figure of figures) sums[figure].add(one.figures[figure]);
      one.curve.forEach((share, i) => {
        curve[i]!.add(share);
      });
    }
    return {
      figures: sumsOf((figure) => sums[figure].toJSON()),
      curve: curve.map((moments) => moments.toJSON()),
    };
  },

  report: (_, tasks, samples) => {
    const ofConfiguration = ({ mode, people }: Configuration) =>
      samples.filter((_, i) => tasks[i]!.mode === mode && tasks[i]!.people === people);
    return {
      rows: configurations.flatMap((configuration) => rowsOf(configuration, ofConfiguration(configuration))),
      charts: [curveChart(ofConfiguration)],
      notes: [
        "By events: calls after exponential pauses, one per interval on average (b = 1), messages that take no time. Time is in intervals.",
        "dx/dt = -beta x y with beta = b/n is push: of all calls those count that go from who knows it to who does not. In push-pull calls in either direction count, so beta = 2b/n.",
        "The equation begins with exactly one person and grows at once; in a real epidemic the first calls come by chance, which shifts the whole curve in time, by 0.577/b on average and by 1.28/b one way or the other. So the curves are compared where half of all people know it. The times from the first person on, and to the last one, have the exact means of the random process as theory.",
        "Slide: after c ln n, with c b = 2, all but n^(2-cb) = 1 know it, and nobody has sent more than c b ln n. The second holds. The first is what the equation says; by chance the early calls come late in some runs, and then many more are missing: the mean is governed by those.",
      ],
    };
  },
};

const figures = ["toHalf", "between", "all", "distance", "missed", "load", "traffic"] as const;

function sumsOf<Value>(make: (figure: Figure) => Value): Sums<Value> {
  return Object.fromEntries(figures.map((figure) => [figure, make(figure)])) as Record<Figure, Value>;
}

/** Steps in which we look how far it is: so much too late is seen at most what happens. */
const stepMs = intervalMs / 200;

function spread(mode: LogisticMode, people: number, seed: number) {
  const rumor = new Rumor({ rows: people, options: { mode, timing: "poisson", intervalMs, isQuiet: true } });
  const simulation = new Simulation({
    seed,
    rows: people,
    links: { latency: { model: "constant", ms: 0 } },
  });
  simulation.hostAll(rumor);
  simulation.command(0, { type: "infect" });
  const n = people - 1;
  const b = contactsOf(mode);
  const logTimeMs = Math.round(((2 * Math.log(n)) / b) * intervalMs);
  let traffic: number | undefined;
  let missed: number | undefined;
  let load = 0;
  while (traffic === undefined || missed === undefined) {
    const next = simulation.time + stepMs;
    if (missed === undefined && next >= logTimeMs) {
      simulation.run(logTimeMs);
      missed = people - rumor.informed;
      load = rumor.copies / people;
    } else simulation.run(next);
    if (rumor.informed === people) traffic ??= rumor.copies / people;
  }
  const times = rumor.infectedAt.slice().sort();
  const at = (informed: number) => times[informed - 1]! / intervalMs;
  const toHalf = at(people / 2);
  // 1/beta(n+1)
  const unit = n / (b * people);
  return {
    figures: {
      toHalf,
      between: at(0.99 * people) - at(0.01 * people),
      all: at(people),
      distance: distanceFromLogistic(times, toHalf, unit),
      missed,
      load,
      traffic,
    },
    curve: gridTimes.map((time) => countUpTo(times, (toHalf + time * unit) * intervalMs) / people),
  };
}

/**
 * The greatest distance of the two curves, looked at where the i-th of all people learned it. `times` are sorted
 * milliseconds; `toHalf` and `unit` = 1/beta(n+1) are in intervals.
 */
export function distanceFromLogistic(times: Int32Array, toHalf: number, unit: number): number {
  let greatest = 0;
  for (let i = 0; i < times.length; i++) {
    const expected = logisticShare((times[i]! / intervalMs - toHalf) / unit);
    greatest = Math.max(greatest, Math.abs((i + 1) / times.length - expected));
  }
  return greatest;
}

/** `logisticInfected`/(n+1) with the time counted from the half, in units of 1/beta(n+1). */
function logisticShare(time: number): number {
  return 1 / (1 + Math.exp(-time));
}

function countUpTo(sorted: Int32Array, time: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function merged(states: readonly MomentsState[]): MomentsState {
  const all = new Moments();
  for (const state of states) all.merge(Moments.from(state));
  return all.toJSON();
}

function rowsOf(
  { mode, people }: Configuration,
  samples: readonly LogisticSample[],
): readonly ReproductionRow[] {
  const measured = sumsOf((figure) => merged(samples.map((sample) => sample.figures[figure])));
  const n = people - 1;
  const b = contactsOf(mode);
  const of = `${mode}, n + 1 = ${people}`;
  /** Gated by the exact mean and the exact spread of the process, times the last digits that milliseconds and steps leave. */
  const timeRow = (figure: "toHalf" | "between" | "all", name: string, from: number, to: number) => {
    const theory = expectedTimeToInform({ n, b, from, to });
    const leastDeviation = 0.7 * Math.sqrt(varianceOfTimeToInform({ n, b, from, to }));
    const settings = { expected: theory, source: "theory", measured: measured[figure], leastDeviation };
    const gate = gateAround({ ...settings, slack: 0.002, slackWhy: "0.002 for whole milliseconds" });
    return { of, figure: name, theory, measured: measured[figure], ...(gate && { gate }) };
  };
  const traffic = siTraffic(mode, { n });
  const trafficGate = gateAround({
    expected: traffic,
    source: "theory",
    measured: measured.traffic,
    leastDeviation: 0.9 / b,
    slack: 0.005,
    slackWhy: "the last two-hundredth of an interval",
  });
  const load = logisticLoadPerNode({ n, b: 1, c: 2 / b });
  return [
    timeRow("toHalf", "time to 50 % (intervals)", 1, people / 2),
    timeRow("between", "time from 1 % to 99 % (intervals)", 0.01 * people, 0.99 * people),
    timeRow("all", "time to all (intervals)", 1, people),
    {
      of,
      figure: "greatest distance of the curves",
      theory: 0,
      measured: measured.distance,
      gate: { low: 0, high: distanceAllowed(people), why: "theory, and 2/sqrt(n + 1) for chance" },
    },
    {
      of,
      figure: `do not know it after ${mode === "push" ? "2 ln n" : "ln n"}`,
      theory: missedAfterLogTime({ n, b, c: 2 / b }),
      measured: measured.missed,
    },
    {
      of,
      figure: `copies per node until ${mode === "push" ? "2 ln n" : "ln n"}`,
      theory: load,
      measured: measured.load,
      ...(mode === "push" && {
        gate: { low: 0, high: load, why: "document 003: no more than c b ln n" },
      }),
    },
    {
      of,
      figure: "copies per node until all know it",
      theory: traffic,
      measured: measured.traffic,
      ...(trafficGate && { gate: trafficGate }),
    },
  ];
}

function curveChart(ofConfiguration: (configuration: Configuration) => readonly LogisticSample[]): Chart {
  const large = configurations.filter(({ people }) => people === 100_000);
  return {
    id: "logistic",
    title: "Infected share, aligned where half of all people know it",
    note: "n + 1 = 100,000. One line for both modes, for time is in units of 1/beta(n+1): an interval in push, half of one in push-pull.",
    x: { label: "time since 50 %, in units of 1/beta(n+1)" },
    y: { label: "people who know it (%)", reachesTo: 100 },
    at: gridTimes,
    series: [
      {
        label: "theory: the logistic",
        style: "line",
        color: 0,
        values: gridTimes.map((time) => 100 * logisticShare(time)),
      },
      ...large.map((configuration, color) => {
        const samples = ofConfiguration(configuration);
        const percent = gridTimes.map((_, i) => {
          const state = merged(samples.map(({ curve }) => curve[i]!));
          const { mean, squares, min, max } = state;
          return { ...state, mean: 100 * mean, squares: 1e4 * squares, min: 100 * min, max: 100 * max };
        });
        return measuredSeries({ label: `measured, ${configuration.mode}`, color }, percent);
      }),
    ],
  };
}
