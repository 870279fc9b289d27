/**
 * Why a multicast by gossip is called bimodal: it reaches almost nobody or almost everybody, and next to nothing
 * between (Birman and others 1999). The rumor protocol in its simplest form, infect and die: whoever hears of it calls
 * once, and is done.
 *
 * One run is one rumor among 50 nodes. Many runs are one simulation: groups that call nobody outside.
 */
import { hashNumbers, type MomentsState } from "../../core/index.ts";
import { type Partners, Rumor, rumorStates } from "../../dissemination/index.ts";
import { Simulation } from "../../simulator/index.ts";
import { type Bimodality, bimodality, byCalls, eachWithProbability, finalSizes } from "../../theory/index.ts";
import type { Chart, Series } from "../simulate/charts.ts";
import type { ExperimentPart, Gate, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";

const nodes = 50;
const loss = 0.05;
const crashed = 0.001;
/** A call is in vain if it is lost or its receiver has crashed. */
const arrival = (1 - loss) * (1 - crashed);

/**
 * Whom a holder calls. `everybody`: each other node with probability fanout/n, so that their number is binomial: the
 * model of the paper. `some`: `fanout` times somebody at random.
 */
interface Configuration {
  readonly calls: "everybody" | "some";
  readonly fanout: number;
  readonly published?: Bimodality;
}

interface Task {
  readonly place: number;
  readonly seed: number;
  readonly runs: number;
}

/** counts[j] = runs in which j nodes knew it in the end. */
interface Sample {
  readonly counts: readonly number[];
}

const configurations: readonly Configuration[] = [
  {
    calls: "everybody",
    fanout: 5,
    published: { almostNobody: 7.9e-3, between: 3.3e-5, almostAll: 0.99207, all: 0.684 },
  },
  {
    calls: "everybody",
    fanout: 7.5,
    published: { almostNobody: 5.4e-4, between: 3.3e-11, almostAll: 0.99946, all: 0.973 },
  },
  { calls: "some", fanout: 5 },
  { calls: "some", fanout: 8 },
];

const figures: readonly { readonly figure: keyof Bimodality; readonly name: string }[] = [
  { figure: "almostNobody", name: "P(at most 10 % know it)" },
  { figure: "between", name: "P(10 to 90 % know it)" },
  { figure: "almostAll", name: "P(at least 90 % know it)" },
  { figure: "all", name: "P(all know it)" },
];

const runsPerTask = 10_000;
const groupsAtOnce = 400;

export const finalSizesPart: ExperimentPart<Task, Sample> = {
  plan: ({ seed, runs }) =>
    configurations.flatMap((_, place) =>
      Array.from({ length: Math.ceil(runs / runsPerTask) }, (_, i): Task => {
        const count = Math.min(runsPerTask, runs - i * runsPerTask);
        return { place, seed: hashNumbers([seed, place, i]), runs: count };
      }),
    ),

  measure: ({ place, seed, runs }) => {
    const counts = new Array<number>(nodes + 1).fill(0);
    for (let first = 0; first < runs; first += groupsAtOnce) {
      const groups = Math.min(groupsAtOnce, runs - first);
      const rumor = groupsSideBySide(configurations[place]!, groups, hashNumbers([seed, first]));
      for (let row = 0; row < rumor.rows; row += nodes) {
        const states = rumor.state.subarray(row, row + nodes);
        counts[nodes - countOf(states, rumorStates.susceptible)]!++;
      }
    }
    return { counts };
  },

  report: (_, tasks, samples) => {
    const countsOf = (place: number): number[] => {
      const sum = new Array<number>(nodes + 1).fill(0);
      tasks.forEach((task, i) => {
        if (task.place !== place) return;
        for (const [j, count] of samples[i]!.counts.entries()) sum[j]! += count;
      });
      return sum;
    };
    return {
      rows: configurations.flatMap((one, place) => rowsOf(one, countsOf(place))),
      charts: [sizesChart(countsOf)],
      notes: [
        `${nodes} nodes, loss ${100 * loss} %, crash ${100 * crashed} %; final numbers include the source. At most 10 % are up to 5 nodes, at least 90 % are 45 and more.`,
        "The published figures are of a model in which a holder calls each other node with probability fanout/n, also nobody perhaps: measured as 49 calls, each of which gets through with probability fanout/n (1-loss)(1-crash).",
        "Who always makes 5 calls reaches somebody nearly always: then almost nobody knows it in 3 of 10^7 runs instead of 1 of 127. The lower peak comes from the binomial number of calls.",
        "Nobody is told what was lost, and no digests are exchanged: what those bring is below.",
        "Rare events have Poisson intervals, of which chance leaves one in 20,000.",
      ],
    };
  },
};

// ---- Runs ------------------------------------------------------------------------------------------------------

function groupsSideBySide({ calls, fanout }: Configuration, groups: number, seed: number): Rumor {
  const rows = groups * nodes;
  const isEverybody = calls === "everybody";
  const count = isEverybody ? nodes - 1 : fanout;
  const through = isEverybody ? (fanout / nodes) * arrival : arrival;
  const rumor = new Rumor({
    rows,
    partners: isEverybody ? new AllInTurn(rows) : new UniformInGroup(),
    options: {
      ...{ mode: "push", stop: "counter", hasFeedback: false, fanout: count, stopAfter: count },
      ...{ timing: "aligned", intervalMs: 10, isQuiet: true },
    },
  });
  const links = { latency: { model: "constant", ms: 1 }, loss: 1 - through } as const;
  const simulation = new Simulation({ seed, rows, links });
  simulation.hostAll(rumor);
  for (let row = 0; row < rows; row += nodes) simulation.command(row, { type: "infect" });
  simulation.run();
  return rumor;
}

/** The others of the group one after the other, so that nobody is called twice. */
class AllInTurn implements Partners {
  readonly #turns: Uint8Array;

  constructor(rows: number) {
    this.#turns = new Uint8Array(rows);
  }

  choose({ row }: Parameters<Partners["choose"]>[0]): number {
    const place = row % nodes;
    const turn = ++this.#turns[row]!;
    return row - place + ((place + turn) % nodes);
  }
}

/** Any other of the group. */
class UniformInGroup implements Partners {
  choose({ row, random }: Parameters<Partners["choose"]>[0]): number {
    const place = row % nodes;
    const other = random.below(nodes - 1);
    return row - place + (other < place ? other : other + 1);
  }
}

function countOf(values: Uint8Array, wanted: number): number {
  let count = 0;
  for (const value of values) if (value === wanted) count++;
  return count;
}

// ---- Rows ------------------------------------------------------------------------------------------------------

function theoryOf({ calls, fanout }: Configuration): Float64Array {
  const infections =
    calls === "everybody"
      ? eachWithProbability((fanout / nodes) * arrival)
      : byCalls({ nodes, fanouts: [fanout], arrival });
  return finalSizes({ nodes, infections });
}

const nameOf = ({ calls, fanout }: Configuration) =>
  calls === "everybody" ? `fan-out ${fanout} on average` : `${fanout} calls`;

function rowsOf(configuration: Configuration, counts: readonly number[]): ReproductionRow[] {
  const runs = counts.reduce((sum, count) => sum + count, 0);
  const measured = bimodality(counts.map((count) => count / runs));
  const theory = bimodality(theoryOf(configuration));
  return figures.map(({ figure, name }) => {
    const state = ofShare(measured[figure], runs);
    return {
      of: nameOf(configuration),
      figure: name,
      published: configuration.published?.[figure],
      theory: theory[figure],
      measured: state,
      gate: gateOf(theory[figure], state),
    };
  });
}

/** What is left of so many zeros and ones. */
function ofShare(mean: number, count: number): MomentsState {
  return { count, mean, squares: count * mean * (1 - mean), min: mean < 1 ? 0 : 1, max: mean > 0 ? 1 : 0 };
}

/** With fewer of one kind than this, their number is Poisson rather than normal. */
const few = 1000;

function gateOf(expected: number, measured: MomentsState): Gate | undefined {
  const { count } = measured;
  const isRare = expected < 0.5;
  const rare = isRare ? expected : 1 - expected;
  if (rare * count > few)
    return gateAround({
      ...{ expected, source: "theory", measured },
      leastDeviation: Math.sqrt(expected * (1 - expected)),
    });
  const { least, most } = poissonRange(rare * count);
  const why = `theory, ${least} to ${most} of ${count} runs ${isRare ? "" : "not "}so: Poisson, ±4.1 standard errors`;
  return isRare
    ? { low: least / count, high: most / count, why }
    : { low: 1 - most / count, high: 1 - least / count, why };
}

/** The numbers that a Poisson variable leaves once in 20,000 times, half of them on each side. */
export function poissonRange(mean: number): { readonly least: number; readonly most: number } {
  const tail = 1 / 40_000;
  let least = 0;
  let below = 0;
  let term = Math.exp(-mean);
  let k = 0;
  for (; below + term < 1 - tail; k++) {
    if (below + term < tail) least = k + 1;
    below += term;
    term *= mean / (k + 1);
  }
  return { least, most: k };
}

// ---- Chart -----------------------------------------------------------------------------------------------------

/** Below that no probability is shown: it is far from what so many runs can see. */
const leastShown = 1e-7;

function sizesChart(countsOf: (place: number) => readonly number[]): Chart {
  const at = Array.from({ length: nodes }, (_, i) => i + 1);
  const series = configurations.slice(0, 2).flatMap((configuration, place): Series[] => {
    const theory = theoryOf(configuration);
    const counts = countsOf(place);
    const runs = counts.reduce((sum, count) => sum + count, 0);
    const points = measuredSeries(
      { label: `${nameOf(configuration)}: measured`, color: place },
      at.map((j) => (counts[j] === 0 ? undefined : ofShare(counts[j]! / runs, runs))),
    );
    // The axis has no zero: what happened once may be as rare as it likes.
    const low = points.interval!.low.map((value) => (value === null ? null : Math.max(value, 0.1 / runs)));
    return [
      {
        label: `${nameOf(configuration)}: theory`,
        style: "line",
        color: place,
        values: at.map((j) => (theory[j]! < leastShown ? null : theory[j]!)),
      },
      { ...points, interval: { low, high: points.interval!.high } },
    ];
  });
  return {
    id: "bimodal-sizes",
    title: "Bimodal: almost nobody or almost everybody",
    note: "Probability that so many of 50 nodes know it in the end. Between the peaks it is below 10^-7, too small to be shown.",
    x: { label: "nodes that know it" },
    y: { label: "probability", isLogarithmic: true },
    at,
    series,
  };
}
