/**
 * Half of all nodes know a rumor: how fast do the others learn it, by push, pull and both? Synchronous rounds beside
 * their recurrences (document 000, "Propagation Rate Analysis"; document 003, slide "Pull Gossip: Analysis"; Demers et
 * al. 1987, 1.3).
 */
import { hashNumbers, Moments, type MomentsState } from "../../core/index.ts";
import { Rumor, type RumorMode } from "../../dissemination/index.ts";
import { runRounds } from "../../simulator/index.ts";
import { iterateRounds, misprintedPushStep, roundsUntil, stepOf } from "../../theory/index.ts";
import type { Chart, Series } from "../simulate/charts.ts";
import type { Experiment, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { type Piece, pieces } from "./pieces.ts";

interface Configuration {
  readonly mode: RumorMode;
  /** Calls of a node in a round. */
  readonly fanout: number;
}

export interface PullVsPushTask extends Configuration, Piece {
  readonly seed: number;
}

export interface PullVsPushSample {
  /** The susceptible share after each round; the first is before any. */
  readonly shares: readonly MomentsState[];
  /** Of each run: rounds until all know it. */
  readonly rounds: readonly number[];
}

const nodes = 100_000;
const runsPerTask = 10;
const configurations: readonly Configuration[] = [
  { mode: "push", fanout: 1 },
  { mode: "push", fanout: 2 },
  { mode: "pull", fanout: 1 },
  { mode: "pull", fanout: 2 },
  { mode: "push-pull", fanout: 1 },
];

/** A round after which fewer than this are expected to be left has no gate: single nodes are no share of anything. */
const fewNodes = 20;

export const pullVsPushExperiment: Experiment<PullVsPushTask, PullVsPushSample> = {
  name: "pull-vs-push",
  description:
    "From half of the nodes to all: the susceptible share after each round, beside the recurrences",
  source:
    'document 000, "Propagation Rate Analysis"; document 003, "Pull Gossip: Analysis"; Demers et al. 1987, 1.3',
  defaultRuns: 200,
  quickRuns: 12,

  plan: ({ seed, runs }) =>
    configurations.flatMap((configuration) =>
      pieces(runs, runsPerTask).map((piece): PullVsPushTask => ({ ...configuration, seed, ...piece })),
    ),

  measure: ({ seed, mode, fanout, firstRun, runs }) => {
    const shares: Moments[] = [];
    const rounds: number[] = [];
    for (let run = firstRun; run < firstRun + runs; run++) {
      const curve = fromHalf({ mode, fanout }, hashNumbers([seed, mode.length, fanout, run]));
      rounds.push(curve.length - 1);
      // Whoever is done earlier stays done: each round has as many values as there are runs.
      for (let round = 0; round < longest; round++) {
        shares[round] ??= new Moments();
        shares[round]!.add(curve[round] ?? 0);
      }
    }
    return { shares: shares.map((moments) => moments.toJSON()), rounds };
  },

  report: (_, tasks, samples) => {
    const of = (configuration: Configuration): Measured => {
      const mine = samples.filter((_, i) => isSame(tasks[i]!, configuration));
      return {
        shares: Array.from({ length: longest }, (_, round) =>
          merged(mine.map(({ shares }) => shares[round]!)),
        ),
        rounds: mine.flatMap(({ rounds }) => rounds),
      };
    };
    return {
      rows: [...configurations.flatMap((one) => rowsOf(one, of(one))), ...claimRows(of), misprintRow(of)],
      charts: [sharesChart(of)],
      notes: [
        `Synchronous rounds, n = ${nodes}; half of the nodes know the rumor before the first one. The recurrences are exact for the mean of one round, up to 1/n.`,
        "Document 000 prints push as p (1 + 1/n)^(n(1-p)). The sign is wrong: that factor is larger than 1, so that nodes would forget the rumor, from round to round until nobody knows it. The dotted line shows it. With 1 - 1/n it is the line that is measured, and about p/e once nearly all know it.",
        "Document 000 writes pull as p^2: that is one call per node and round. With two it is p^3.",
      ],
    };
  },
};

/** No mode needs as many rounds from a half on. */
const longest = 40;

function isSame(one: Configuration, other: Configuration): boolean {
  return one.mode === other.mode && one.fanout === other.fanout;
}

function merged(states: readonly MomentsState[]): MomentsState {
  const all = new Moments();
  for (const state of states) all.merge(Moments.from(state));
  return all.toJSON();
}

/** The susceptible share before the first round and after each, until nobody is left. */
function fromHalf({ mode, fanout }: Configuration, seed: number): number[] {
  const rumor = new Rumor({ rows: nodes, options: { mode, fanout } });
  for (let row = 0; row < nodes / 2; row++) rumor.infect(row);
  const { informedByRound } = runRounds(rumor, { seed, semantics: "synchronous" });
  return informedByRound.map((informed) => (nodes - informed) / nodes);
}

type Measured = PullVsPushSample;
type MeasuredOf = (configuration: Configuration) => Measured;

function nameOf({ mode, fanout }: Configuration): string {
  return fanout === 1 ? mode : `${mode}, ${fanout} calls`;
}

function rowsOf(configuration: Configuration, { shares, rounds }: Measured): ReproductionRow[] {
  const step = stepOf({ ...configuration, n: nodes });
  const theory = iterateRounds(step, 0.5, longest - 1);
  const ofRound = theory.flatMap((expected, round): ReproductionRow[] => {
    if (round === 0 || nodes * expected < fewNodes) return [];
    const measured = shares[round]!;
    const gate = gateAround({
      expected,
      source: "theory",
      measured,
      slack: 2 / nodes,
      slackWhy: "two nodes: recurrences lack what is of order 1/n",
      // Of a round alone, without what it inherits.
      leastDeviation: 0.5 * Math.sqrt((expected * (1 - expected)) / nodes),
    });
    const of = `${nameOf(configuration)}, after round ${round}`;
    return [{ of, figure: "susceptible share", theory: expected, measured, ...(gate && { gate }) }];
  });
  return [
    ...ofRound,
    {
      of: nameOf(configuration),
      figure: "rounds from 1/2 to all",
      theory: roundsUntil({ step, p: 0.5, below: 1 / nodes }),
      measured: Moments.of(rounds).toJSON(),
    },
  ];
}

/** Document 000: "Pure push performs worst; pull or combined approaches are superior." */
function claimRows(of: MeasuredOf): ReproductionRow[] {
  const push = of(configurations[0]!).rounds;
  return (["pull", "push-pull"] as const).map((mode) => {
    const { rounds } = of({ mode, fanout: 1 });
    const saved = Moments.of(push.map((needed, run) => needed - rounds[run]!));
    const step = (one: RumorMode) =>
      roundsUntil({ step: stepOf({ mode: one, n: nodes }), p: 0.5, below: 1 / nodes });
    return {
      of: `push and ${mode}`,
      figure: `rounds that ${mode} saves`,
      theory: step("push") - step(mode),
      measured: saved.toJSON(),
      gate: { low: 1, high: longest, why: "document 000: pure push performs worst" },
    };
  });
}

function misprintRow(of: MeasuredOf): ReproductionRow {
  const push = configurations[0]!;
  return {
    of: "push, after round 1, as printed",
    figure: "susceptible share",
    published: misprintedPushStep({ p: 0.5, n: nodes }),
    theory: stepOf({ ...push, n: nodes })(0.5),
    measured: of(push).shares[1]!,
  };
}

function sharesChart(of: MeasuredOf): Chart {
  const at = Array.from({ length: 14 }, (_, round) => round);
  const shown = (share: number) => (share * nodes < 0.1 ? null : share);
  const series = configurations.flatMap((configuration, color): Series[] => {
    const step = stepOf({ ...configuration, n: nodes });
    const theory = iterateRounds(step, 0.5, at.length - 1);
    const { shares } = of(configuration);
    return [
      { label: `theory: ${nameOf(configuration)}`, style: "line", color, values: theory.map(shown) },
      measuredSeries(
        { label: `measured: ${nameOf(configuration)}`, color },
        at.map((round) => (shown(shares[round]!.mean) === null ? undefined : shares[round])),
      ),
    ];
  });
  const misprinted = iterateRounds((p) => misprintedPushStep({ p, n: nodes }), 0.5, at.length - 1);
  return {
    id: "pull-vs-push",
    title: "Who does not know it yet, from a half on",
    note: "Push divides by e in each round, pull squares. A straight line falls for ever; pull's bends down.",
    x: { label: "rounds" },
    y: { label: "susceptible share", isLogarithmic: true },
    at,
    series: [
      ...series,
      {
        label: "push as document 000 prints it",
        style: "dotted",
        color: 7,
        values: misprinted,
      },
    ],
  };
}
