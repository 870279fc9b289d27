/**
 * The SIR equations against the rumor that they are about: push with feedback and coin, s* = e^(-(k+1)(1-s*)).
 *
 * The equations are the limit of Poisson calls (each spreader calls at random times, one by one, and sees what those
 * before it did), so that is what the gates are about. The other kinds of rounds are measured beside it: in synchronous
 * ones two who tell the same node in a round both count it as news, and go on longer than the equations say.
 */
import { hashNumbers, Moments, type MomentsState, type RoundProtocol } from "../../core/index.ts";
import { Rumor } from "../../dissemination/index.ts";
import { type RoundSemantics, runRounds } from "../../simulator/index.ts";
import { sirInfectedAt, sirPeak, sirResidue, solveSir, trafficOfCopies } from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { type Piece, pieces } from "./pieces.ts";

const ks = [1, 2, 3, 4, 5] as const;
/** Document 000 and Demers et al. 1987, 1.4: how many miss it. */
const published: Readonly<Record<number, number>> = { 1: 0.2, 2: 0.06, 3: 0.02, 4: 0.007 };

type Figure = "residue" | "traffic" | "atPeak" | "largest" | "distance";
const figures: readonly Figure[] = ["residue", "traffic", "atPeak", "largest", "distance"];

/** Shares of informed nodes at which the curve i(s) is read. */
const curvePoints = 40;
/** From here on chance has no more say in when things happen than one in a hundred. */
const beginsAt = 0.1;

/** One run is one rumor. */
interface Task extends Piece {
  readonly seed: number;
  readonly nodes: number;
  readonly semantics: RoundSemantics;
  readonly k: number;
}

interface Sample {
  readonly figures: Readonly<Record<Figure, MomentsState>>;
  /** i when 1/40, 2/40, … of the nodes know it; counts are lower where some runs did not come so far. */
  readonly curve: readonly MomentsState[];
  /** Of the first run, round by round since a tenth knew it. */
  readonly course: Course;
}

interface Course {
  readonly s: readonly number[];
  readonly i: readonly number[];
}

export const sirResidueExperiment: Experiment<Task, Sample> = {
  name: "sir-residue",
  description: "SIR with feedback and coin: residue, peak and curve of the equations, and of a rumor",
  source: 'Document 000, "SIR Model Variant"; Demers et al. 1987, 1.4',
  defaultRuns: 40,
  quickRuns: 3,
  flags: [{ name: "nodes", description: "nodes", default: 100_000, min: 1000, max: 10_000_000 }],

  plan: ({ seed, runs, flags }) => {
    const nodes = flags["nodes"] as number;
    const runsPerTask = Math.max(1, Math.round(1_000_000 / nodes));
    const tasksOf = (semantics: RoundSemantics, k: number, all: number): Task[] =>
      pieces(all, runsPerTask).map((piece) => ({ seed, nodes, semantics, k, ...piece }));
    const fewer = Math.max(2, Math.round(runs / 10));
    return [
      ...ks.flatMap((k) => tasksOf("poisson", k, runs)),
      ...(["synchronous", "sequential"] as const).flatMap((semantics) =>
        ks.flatMap((k) => tasksOf(semantics, k, fewer)),
      ),
    ];
  },

  measure: (task) => {
    const sums = emptySums();
    const curve = Array.from({ length: curvePoints }, () => new Moments());
    let course: Course | undefined;
    const { seed, nodes, semantics, k } = task;
    for (let run = task.firstRun; run < task.firstRun + task.runs; run++) {
      const measured = spread(task, hashNumbers([seed, nodes, k, semantics.length, run]));
      for (const figure of figures) sums[figure].add(measured.figures[figure]);
      for (const [point, infected] of measured.curve.entries()) curve[point]!.add(infected);
      course ??= measured.course;
    }
    return { figures: statesOf(sums), curve: curve.map((moments) => moments.toJSON()), course: course! };
  },

  report: ({ flags }, tasks, samples) => {
    const nodes = flags["nodes"] as number;
    const of = (semantics: RoundSemantics, k: number) =>
      samples.filter((_, i) => tasks[i]!.semantics === semantics && tasks[i]!.k === k);
    const merged = (semantics: RoundSemantics, k: number) => {
      const sums = emptySums();
      for (const sample of of(semantics, k))
        for (const figure of figures) sums[figure].merge(Moments.from(sample.figures[figure]));
      return statesOf(sums);
    };
    return {
      rows: [
        ...ks.flatMap((k) => rowsOf(k, nodes, merged("poisson", k))),
        ...(["synchronous", "sequential"] as const).flatMap((semantics) =>
          ks.map((k): ReproductionRow => {
            return {
              of: `k = ${k}, ${semantics} rounds`,
              figure: "residue s",
              theory: sirResidue({ k }),
              measured: merged(semantics, k).residue,
            };
          }),
        ),
      ],
      charts: [phaseChart(of), courseChart(of("poisson", 2)[0]!.course)],
      notes: [
        `Push, feedback, coin 1/k; ${nodes.toLocaleString("en")} nodes. The equations are the limit of Poisson rounds for many nodes; only these have gates.`,
        "In synchronous rounds the residue is smaller, because what two nodes tell a third in the same round is news to it from both; in sequential ones, where nobody looks at the past, it is that of the equations, though each node calls exactly once in a round and the course is another one.",
        "The largest i of a run lies above the peak of the equations by what chance adds, of the order of n^(-2/3); the value of i when s passes 1/(k+1) has no such bias, and has a gate.",
        "The distance is the largest one, over the rounds of a run, of s or i from the solution of the equations that begins at the state of the run when a tenth of the nodes know it.",
      ],
    };
  },
};

function emptySums(): Record<Figure, Moments> {
  return {
    residue: new Moments(),
    traffic: new Moments(),
    atPeak: new Moments(),
    largest: new Moments(),
    distance: new Moments(),
  };
}

function statesOf(sums: Readonly<Record<Figure, Moments>>): Record<Figure, MomentsState> {
  const { residue, traffic, atPeak, largest, distance } = sums;
  return {
    residue: residue.toJSON(),
    traffic: traffic.toJSON(),
    atPeak: atPeak.toJSON(),
    largest: largest.toJSON(),
    distance: distance.toJSON(),
  };
}

// ---- One run ----------------------------------------------------------------------------------------------------

/** A rumor in rounds, watched after each contact. */
class Watched implements RoundProtocol {
  readonly rumor: Rumor;
  readonly prepare: RoundProtocol["prepare"];
  /** The share of spreaders when the susceptible one first fell to that of the peak. */
  atPeak = 0;
  /** The largest number of spreaders. */
  largest = 0;
  readonly curve: number[] = [];
  readonly #peakAt: number;

  constructor(rumor: Rumor, k: number) {
    this.rumor = rumor;
    this.prepare = (isDoubleBuffered, randomOf) => rumor.prepare(isDoubleBuffered, randomOf);
    this.#peakAt = Math.round(rumor.rows * (1 - sirPeak({ k }).s));
  }

  get rows(): number {
    return this.rumor.rows;
  }
  get informed(): number {
    return this.rumor.informed;
  }
  get checksum(): number {
    return this.rumor.checksum;
  }
  isActive(row: number): boolean {
    return this.rumor.isActive(row);
  }
  contact(caller: number, callee: number): void {
    this.rumor.contact(caller, callee);
    this.#look();
  }
  commit(): void {
    this.rumor.commit();
    this.#look();
  }

  #look(): void {
    const { rows, informed, spreading } = this.rumor;
    if (spreading > this.largest) this.largest = spreading;
    if (informed >= this.#peakAt && this.atPeak === 0) this.atPeak = spreading / rows;
    while (this.curve.length < curvePoints && informed >= ((this.curve.length + 1) / curvePoints) * rows)
      this.curve.push(spreading / rows);
  }
}

function spread({ nodes, k, semantics }: Task, seed: number) {
  const rumor = new Rumor({
    rows: nodes,
    options: { mode: "push", stop: "coin", hasFeedback: true, stopAfter: k, isQuiet: true },
  });
  rumor.infect(0);
  const watched = new Watched(rumor, k);
  const course = { s: [] as number[], i: [] as number[] };
  const onRound = () => {
    if (rumor.informed < beginsAt * nodes) return;
    course.s.push((nodes - rumor.informed) / nodes);
    course.i.push(rumor.spreading / nodes);
  };
  runRounds(watched, { seed, semantics, isUntilQuiet: true, onRound });
  const solution = solutionOf(course, k);
  return {
    figures: {
      residue: (nodes - rumor.informed) / nodes,
      traffic: rumor.copies / nodes,
      atPeak: watched.atPeak,
      largest: watched.largest / nodes,
      distance: course.s.reduce(
        (largest, s, t) =>
          Math.max(largest, Math.abs(s - solution.s[t]!), Math.abs(course.i[t]! - solution.i[t]!)),
        0,
      ),
    },
    curve: watched.curve,
    course,
  };
}

/** The equations from where the course begins, once for each round. A rumor that died out has no course. */
function solutionOf({ s, i }: Course, k: number): Course {
  if (s.length === 0 || i[0] === 0) return { s, i };
  const stepsPerRound = 20;
  const curve = solveSir({ k, s: s[0]!, i: i[0]!, until: s.length - 1, step: 1 / stepsPerRound });
  const eachRound = (values: readonly number[]) => s.map((_, t) => values[t * stepsPerRound]!);
  return { s: eachRound(curve.s), i: eachRound(curve.i) };
}

// ---- The report -------------------------------------------------------------------------------------------------

function rowsOf(
  k: number,
  nodes: number,
  measured: Readonly<Record<Figure, MomentsState>>,
): ReproductionRow[] {
  const residue = sirResidue({ k });
  const peak = sirPeak({ k }).i;
  const traffic = trafficOfCopies({ copies: k + 1, residue });
  const of = `k = ${k}`;
  // The equations are about infinitely many nodes; a finite number moves means by so many of them.
  const few = { slack: 3 / nodes, slackWhy: "3 nodes: theory is about infinitely many" };
  const gate = (figure: Figure, expected: number) =>
    gateAround({
      expected,
      source: "theory",
      measured: measured[figure],
      ...few,
      leastDeviation: leastDeviation(figure, k, nodes),
    });
  const row = (figure: Figure, name: string, theory: number): ReproductionRow => {
    const interval = gate(figure, theory);
    return {
      of,
      figure: name,
      theory,
      measured: measured[figure],
      ...(interval !== undefined && { gate: interval }),
    };
  };
  const missed = published[k];
  return [
    { ...row("residue", "residue s", residue), ...(missed !== undefined && { published: missed }) },
    row("traffic", "traffic m (copies per node)", traffic),
    row("atPeak", "i at s = 1/(k+1)", peak),
    { of, figure: "largest i", theory: peak, measured: measured.largest },
    {
      of,
      figure: "distance from the equations",
      theory: 0,
      measured: measured.distance,
      gate: {
        low: 0,
        high: 3 / Math.sqrt(nodes),
        why: "law of large numbers: of the order of 1/sqrt(n), and below 3 of these",
      },
    },
  ];
}

/** Of few runs, which might agree by chance: at least half of what independent nodes would give. */
function leastDeviation(figure: Figure, k: number, nodes: number): number {
  const share = figure === "residue" ? sirResidue({ k }) : 0.25;
  return 0.5 * Math.sqrt((share * (1 - share)) / nodes);
}

function phaseChart(of: (semantics: RoundSemantics, k: number) => readonly Sample[]): Chart {
  const at = Array.from({ length: curvePoints }, (_, i) => (i + 1) / curvePoints);
  return {
    id: "sir-residue-phase",
    title: "Spreaders by how many know it: i(s)",
    note: "i(s) = ((k+1)/k)(1-s) + (1/k) ln s; the peak is at s = 1/(k+1), and where i is 0 again the rest never hears it.",
    x: { label: "share that knows it (1-s)" },
    y: { label: "spreaders i" },
    at,
    series: ks.flatMap((k, color) => [
      {
        label: `k = ${k}, theory`,
        style: "line" as const,
        color,
        values: at.map((share) =>
          1 - share < sirResidue({ k }) ? null : sirInfectedAt({ k, s: 1 - share }),
        ),
      },
      measuredSeries(
        { label: `k = ${k}`, color },
        at.map((_, point) => mergedPoint(of("poisson", k), point)),
      ),
    ]),
  };
}

/** Only where all runs came so far. */
function mergedPoint(samples: readonly Sample[], point: number): MomentsState | undefined {
  const moments = new Moments();
  for (const { curve } of samples) moments.merge(Moments.from(curve[point]!));
  const runs = samples.reduce((sum, { figures }) => sum + figures.residue.count, 0);
  return moments.count < runs ? undefined : moments.toJSON();
}

function courseChart(course: Course): Chart {
  const solution = solutionOf(course, 2);
  const at = course.s.map((_, t) => t);
  const removed = ({ s, i }: Course) => s.map((share, t) => 1 - share - i[t]!);
  const pair = (label: string, color: number, theory: readonly number[], values: readonly number[]) => [
    { label: `${label}, theory`, style: "line" as const, color, values: theory },
    { label, style: "points" as const, color, values },
  ];
  return {
    id: "sir-residue-course",
    title: "The course of one rumor, k = 2",
    note: "From the round on in which a tenth of the nodes know it; the lines are the solution of the equations that begins there.",
    x: { label: "calls of a node" },
    y: { label: "share of nodes" },
    at,
    series: [
      ...pair("susceptible", 2, solution.s, course.s),
      ...pair("infected", 0, solution.i, course.i),
      ...pair("removed", 1, removed(solution), removed(course)),
    ],
  };
}
