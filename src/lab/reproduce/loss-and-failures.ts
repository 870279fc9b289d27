/**
 * Half of all messages lost, half of all nodes dead, and both: push by events, beside what document 003, slide
 * "Fault-tolerance", reckons: b/2 takes twice as many rounds, n/2 and b/2 the same.
 */
import { hashNumbers, Moments, type MomentsState } from "../../core/index.ts";
import { Rumor } from "../../dissemination/index.ts";
import { Simulation } from "../../simulator/index.ts";
import {
  expectedTimeToInform,
  mixingUnderFaults,
  pushRounds,
  pushRoundsUnderFaults,
  survivors,
  varianceOfTimeToInform,
} from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, Gate, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { type Piece, pieces } from "./pieces.ts";

interface FaultCase {
  readonly name: string;
  readonly loss: number;
  readonly crashed: number;
  /** "Twice as many rounds", for each of the two; the slide says nothing of both together. */
  readonly published?: number;
}

const cases: readonly FaultCase[] = [
  { name: "no faults", loss: 0, crashed: 0 },
  { name: "50 % loss", loss: 0.5, crashed: 0, published: 2 },
  { name: "50 % crashed", loss: 0, crashed: 0.5, published: 2 },
  { name: "50 % loss, 50 % crashed", loss: 0.5, crashed: 0.5 },
];

/** `poisson`: calls at random times, for which theory is exact. `aligned`: synchronous rounds. */
type Timing = "poisson" | "aligned";

interface Size {
  readonly timing: Timing;
  readonly nodes: number;
  /** Of the runs that were asked for. */
  readonly share: number;
  readonly runsPerTask: number;
}

const sizes: readonly Size[] = [
  { timing: "poisson", nodes: 10_000, share: 1, runsPerTask: 20 },
  { timing: "poisson", nodes: 100_000, share: 0.1, runsPerTask: 1 },
  { timing: "aligned", nodes: 10_000, share: 0.5, runsPerTask: 20 },
];

export interface LossAndFailuresTask extends Size, Piece {
  /** A place in the list of cases. */
  readonly fault: number;
  readonly seed: number;
}

export interface LossAndFailuresSample {
  /** In intervals, until 99.9 % of the survivors know it, and until all do. */
  readonly nearly: MomentsState;
  readonly all: MomentsState;
}

/** Pauses are whole milliseconds: a ten-thousandth of an interval. */
const intervalMs = 10_000;
const nearlyAll = 0.999;

export const lossAndFailuresExperiment: Experiment<LossAndFailuresTask, LossAndFailuresSample> = {
  name: "loss-and-failures",
  description:
    "Push with half of the messages lost, half of the nodes dead, and both: how much longer it takes",
  source: 'document 003, slide "Fault-tolerance"',
  defaultRuns: 100,
  quickRuns: 12,

  plan: ({ seed, runs }) =>
    sizesOf(runs).flatMap((size) =>
      cases.flatMap((_, fault) => {
        const all = runsOf(size, runs);
        return pieces(all, size.runsPerTask).map(
          (piece): LossAndFailuresTask => ({ ...size, fault, seed, ...piece }),
        );
      }),
    ),

  measure: ({ seed, timing, nodes, fault, firstRun, runs }) => {
    const nearly = new Moments();
    const all = new Moments();
    for (let run = firstRun; run < firstRun + runs; run++) {
      const runSeed = hashNumbers([seed, nodes, timing.length, fault, run]);
      const times = spread({ timing, nodes, fault: cases[fault]! }, runSeed);
      nearly.add(times[Math.ceil(nearlyAll * times.length) - 1]!);
      all.add(times.at(-1)!);
    }
    return { nearly: nearly.toJSON(), all: all.toJSON() };
  },

  report: ({ runs }, tasks, samples) => {
    const of: MomentsOf = (size, fault, figure) => {
      const sum = new Moments();
      samples.forEach((sample, i) => {
        const task = tasks[i]!;
        if (task.nodes === size.nodes && task.timing === size.timing && task.fault === fault)
          sum.merge(Moments.from(sample[figure]));
      });
      return sum.toJSON();
    };
    return {
      rows: sizesOf(runs).flatMap((size) =>
        cases.flatMap((_, fault) =>
          size.timing === "poisson" ? rowsOfTimes(size, fault, of) : rowsOfRounds(size, fault, of),
        ),
      ),
      charts: [timesChart(sizesOf(runs), of)],
      notes: [
        ...(sizesOf(runs).length < sizes.length
          ? ["10^5 nodes are left out: too few runs were asked for."]
          : []),
        "Push by events, one call of each node per interval on average (b = 1). Lost messages are lost by the links; the dead are dead from the beginning, and are called all the same, for nobody knows it. Survivors are those who have to learn it.",
        "Calls at random times: loss l turns b into b(1-l), crashes f turn b into b(1-f) and n into n(1-f), exactly, and theory is the exact mean of the process. So half of the messages cost twice the time, half of the nodes a little less than twice, because there are fewer to tell, and both a little less than four times.",
        "Synchronous rounds (all call at the same moments): half of the messages take less than twice as many rounds. Those who know it grow by a factor of 1.5 in a round instead of 2, which is 1.71 times as many rounds; only the end takes twice as many. The slide's rule is that of the continuous process. Theory is log_(1+b) n + ln n / b, up to a constant.",
      ],
    };
  },
};

const runsOf = ({ share }: Size, runs: number) => Math.round(runs * share);

/** Without those that would have too few runs to say anything: a short version leaves out 10^5 nodes. */
function sizesOf(runs: number): readonly Size[] {
  return sizes.filter((size) => size.share === 1 || runsOf(size, runs) >= 2);
}

type MomentsOf = (size: Size, fault: number, figure: keyof LossAndFailuresSample) => MomentsState;

/** When the survivors learned it, in intervals, sorted. */
function spread(
  { timing, nodes, fault }: { readonly timing: Timing; readonly nodes: number; readonly fault: FaultCase },
  seed: number,
): number[] {
  const rumor = new Rumor({
    rows: nodes,
    options: { mode: "push", timing, intervalMs, isQuiet: true },
  });
  // With aligned calls a message must arrive before the next ones; otherwise it takes no time.
  const latencyMs = timing === "aligned" ? intervalMs / 2 : 0;
  const simulation = new Simulation({
    seed,
    rows: nodes,
    links: { latency: { model: "constant", ms: latencyMs }, loss: fault.loss },
  });
  simulation.hostAll(rumor);
  const living = survivors({ n: nodes, crashed: fault.crashed });
  for (let row = living; row < nodes; row++) simulation.crash(row);
  simulation.command(0, { type: "infect" });
  while (rumor.informed < living) simulation.run(simulation.time + intervalMs);
  const inRounds = timing === "aligned" ? Math.floor : (time: number) => time;
  return Array.from(rumor.infectedAt.subarray(0, living).sort(), (at) => inRounds(at / intervalMs));
}

function of(size: Size, fault: number): string {
  return `${cases[fault]!.name}, n = ${size.nodes}${size.timing === "aligned" ? ", synchronous" : ""}`;
}

/** Mean and standard deviation of the process until so many of all survivors know it. */
function theoryOf({ nodes }: Size, fault: number, share: number): { mean: number; deviation: number } {
  const mixing = mixingUnderFaults({ n: nodes - 1, b: 1, ...cases[fault]! });
  const to = Math.ceil(share * (mixing.n + 1));
  return {
    mean: expectedTimeToInform({ ...mixing, to }),
    deviation: Math.sqrt(varianceOfTimeToInform({ ...mixing, to })),
  };
}

function rowsOfTimes(size: Size, fault: number, momentsOf: MomentsOf): ReproductionRow[] {
  const times = (["nearly", "all"] as const).map((figure): ReproductionRow => {
    const theory = theoryOf(size, fault, figure === "all" ? 1 : nearlyAll);
    const measured = momentsOf(size, fault, figure);
    const gate = gateAround({
      expected: theory.mean,
      source: "theory",
      measured,
      leastDeviation: 0.7 * theory.deviation,
      slack: 0.01,
      slackWhy: "0.01 for whole milliseconds",
    });
    return {
      of: of(size, fault),
      figure: figure === "all" ? "time to all survivors (intervals)" : "time to 99.9 % (intervals)",
      theory: theory.mean,
      measured,
      ...(gate && { gate }),
    };
  });
  if (fault === 0) return times;
  const expected = theoryOf(size, fault, 1).mean / theoryOf(size, 0, 1).mean;
  return [...times, ratioRow(size, fault, momentsOf, expected)];
}

function rowsOfRounds(size: Size, fault: number, momentsOf: MomentsOf): ReproductionRow[] {
  const { nodes: n } = size;
  const expected = pushRoundsUnderFaults({ n, ...cases[fault]! });
  const rounds: ReproductionRow = {
    of: of(size, fault),
    figure: "rounds to all survivors",
    theory: expected,
    measured: momentsOf(size, fault, "all"),
  };
  return fault === 0 ? [rounds] : [rounds, ratioRow(size, fault, momentsOf, expected / pushRounds({ n }))];
}

/** How much longer than without faults. */
function ratioRow(size: Size, fault: number, momentsOf: MomentsOf, expected: number): ReproductionRow {
  const sound = Moments.from(momentsOf(size, 0, "all"));
  const faulty = momentsOf(size, fault, "all");
  const by = sound.mean;
  const measured: MomentsState = {
    count: faulty.count,
    mean: faulty.mean / by,
    squares: faulty.squares / (by * by),
    min: faulty.min / by,
    max: faulty.max / by,
  };
  const { published } = cases[fault]!;
  const gate = ratioGate(size, sound, measured, expected);
  return {
    of: of(size, fault),
    figure: "times as long as without faults",
    ...(published !== undefined && { published }),
    theory: expected,
    measured,
    ...(gate && { gate }),
  };
}

/** Both means are measured, so the spread of either counts; the closed form of rounds lacks constants beside. */
function ratioGate(size: Size, sound: Moments, measured: MomentsState, expected: number): Gate | undefined {
  const ratio = Moments.from(measured);
  const ofSound = (sound.standardDeviation / sound.mean) * expected;
  const deviation = Math.sqrt(ratio.variance + ofSound * ofSound);
  return gateAround({
    expected,
    source: "theory",
    measured,
    leastDeviation: deviation,
    ...(size.timing === "aligned" && { slack: 0.05, slackWhy: "0.05 for the constants of the closed form" }),
  });
}

function timesChart(shown: readonly Size[], momentsOf: MomentsOf): Chart {
  const at = cases.map((_, fault) => fault);
  const events = shown.filter(({ timing }) => timing === "poisson");
  return {
    id: "loss-and-failures",
    title: "Time until all survivors know it",
    note: `Push with calls at random times. ${cases.map(({ name }, fault) => `${fault}: ${name}`).join("; ")}.`,
    x: { label: "case" },
    y: { label: "intervals", reachesTo: 100 },
    at,
    series: events.flatMap((size, color) => [
      {
        label: `theory, n = ${size.nodes}`,
        style: "dashed" as const,
        color,
        values: at.map((fault) => theoryOf(size, fault, 1).mean),
      },
      measuredSeries(
        { label: `measured, n = ${size.nodes}`, color },
        at.map((fault) => momentsOf(size, fault, "all")),
      ),
    ]),
  };
}
