/**
 * Lifeguard's experiment (Dadgar, Phillips, Currey 2017, arXiv:1707.00788): in a healthy group some members are slow, in
 * that their messages wait for seconds, over and over, while their timers go on. How many healthy members are given up,
 * by SWIM and by each part of Lifeguard; and how much later crashes are noticed.
 *
 * All variants are one protocol with other options, at the times of the paper: a probe each second, half a second for a
 * direct answer, 5 log10 n seconds for a suspicion.
 */
import { hashNumbers, Moments, type MomentsState } from "../../core/index.ts";
import type { SwimOptions } from "../../membership/index.ts";
import { defaultDetection } from "../detection/conditions.ts";
import { labDetectorNamed } from "../detection/lab-detectors.ts";
import { poissonInterval } from "../detection/poisson-interval.ts";
import { runDetection } from "../detection/run-detection.ts";
import type { Chart, Series } from "../simulate/charts.ts";
import type { Experiment, ReproductionRow } from "./experiment.ts";
import { measuredSeries } from "./measured-series.ts";

const variantNames = [
  "SWIM",
  "LHA-Probe",
  "LHA-Suspicion",
  "Buddy System",
  "Lifeguard",
  "Lifeguard, alpha 4",
  "SWIM at our times",
  "modern profile",
] as const;
type Variant = (typeof variantNames)[number];

interface Anomaly {
  readonly lengthMs: number;
  readonly gapMs: number;
}

interface LifeguardTask {
  readonly variant: Variant;
  readonly nodes: number;
  readonly slow: number;
  readonly anomaly: Anomaly;
  readonly crashes: number;
  readonly seed: number;
}

interface LifeguardSample {
  readonly falsePositives: number;
  readonly falseByHealthy: number;
  /** Seconds from a crash to the first and to the last verdict. */
  readonly first: MomentsState;
  readonly last: MomentsState;
}

/** Of the paper's grid of lengths and intervals three that are long enough to wrong somebody. */
const anomalies: readonly Anomaly[] = [
  { lengthMs: 8192, gapMs: 64 },
  { lengthMs: 16_384, gapMs: 1024 },
  { lengthMs: 32_768, gapMs: 4096 },
];
/** With this one there are crashes, too. */
const crashAnomaly = anomalies[1];
/** As long as the paper's runs. */
const calmMs = 120_000;
const crashesPerRun = 3;

const paperTimes: Partial<SwimOptions> = { probeIntervalMs: 1000, probeTimeoutMs: 500 };
/** LHA-Suspicion: K = 3, beta = 6. */
const dynamic: Partial<SwimOptions> = { confirmations: 3, suspicionMaxMult: 6 };
const lifeguard: Partial<SwimOptions> = { ...paperTimes, ...dynamic, localHealth: true, buddy: true };

const variants: Readonly<Record<Variant, Partial<SwimOptions>>> = {
  SWIM: paperTimes,
  "LHA-Probe": { ...paperTimes, localHealth: true },
  "LHA-Suspicion": { ...paperTimes, ...dynamic },
  "Buddy System": { ...paperTimes, buddy: true },
  Lifeguard: lifeguard,
  "Lifeguard, alpha 4": { ...lifeguard, suspicionMult: 4 },
  "SWIM at our times": {},
  "modern profile": {},
};
const parts: readonly Variant[] = ["LHA-Probe", "LHA-Suspicion", "Buddy System"];
const ours: readonly Variant[] = ["SWIM at our times", "modern profile"];

/** What the paper says in words: 50 to 100 times fewer; with alpha 4 20 times fewer, and crashes noticed 20 % sooner. */
const published = { fewer: 50, fewerAlpha4: 20, timeAlpha4: 0.8 } as const;

export const lifeguardExperiment: Experiment<LifeguardTask, LifeguardSample> = {
  name: "lifeguard",
  description:
    "Lifeguard: healthy members that are given up because others are slow, by SWIM and by each part",
  source: "Dadgar, Phillips and Currey 2017 (arXiv:1707.00788), section V",
  defaultRuns: 6,
  quickRuns: 2,
  quickFlags: { nodes: "24", most: "1", parts: "false" },
  flags: [
    { name: "nodes", description: "members", default: 128, min: 8, max: 1024 },
    {
      name: "most",
      description: "slow members: 1, and powers of two up to this number",
      default: 16,
      min: 1,
      max: 64,
    },
    { name: "parts", description: "each part of Lifeguard alone, too", default: true },
  ],

  plan: ({ seed, runs, flags }) => {
    const nodes = Number(flags["nodes"]);
    const tasks = (variant: Variant, slow: number, count: number): LifeguardTask[] =>
      Array.from({ length: count }, (_, run) =>
        anomalies.map((anomaly, place) => ({
          ...{ variant, nodes, slow, anomaly },
          crashes: slow === 1 && anomaly === crashAnomaly ? crashesPerRun : 0,
          seed: hashNumbers([seed, run, slow, place]),
        })),
      ).flat();
    const more = slowNumbers(flags).filter((slow) => slow > 1);
    return [
      ...variantNames
        .filter((variant) => flags["parts"] === true || !parts.includes(variant))
        .flatMap((variant) => tasks(variant, 1, runs)),
      ...more.flatMap((slow) =>
        (["SWIM", "Lifeguard"] as const).flatMap((variant) => tasks(variant, slow, Math.ceil(runs / 6))),
      ),
    ];
  },

  measure: ({ variant, nodes, slow, anomaly, crashes, seed }) => {
    const run = runDetection(
      labDetectorNamed(variant === "modern profile" ? "lifeguard" : "swim"),
      {
        ...defaultDetection,
        ...{ nodes, seed, calmMs, crashes, isWireTrue: false },
        ...{ settleMs: 40_000, deadlineMs: 120_000 },
        troubles: [{ kind: "block", nodes: slow, ...anomaly }],
      },
      { swim: variants[variant] },
    )!;
    const seconds = (of: "firstMs" | "lastMs") =>
      Moments.of(run.crashes.flatMap((crash) => (crash[of] === null ? [] : [crash[of] / 1000]))).toJSON();
    return {
      falsePositives: run.calm.falsePositives,
      falseByHealthy: run.calm.falseByHealthy,
      first: seconds("firstMs"),
      last: seconds("lastMs"),
    };
  },

  report: ({ flags }, tasks, samples) => {
    const countOf = (variant: Variant, slow: number) => {
      const of = samples.flatMap((sample, i) =>
        tasks[i]!.variant === variant && tasks[i]!.slow === slow ? [sample] : [],
      );
      return groupOf(of);
    };
    const shown = variantNames.filter((variant) => tasks.some((task) => task.variant === variant));
    const slow = slowNumbers(flags);
    const swim = countOf("SWIM", 1);
    const ourSwim = countOf("SWIM at our times", 1);
    const rows: ReproductionRow[] = shown.flatMap((variant) => {
      const group = countOf(variant, 1);
      const base = ours.includes(variant) ? ourSwim : swim;
      return [
        ...countRows(variant, group),
        ...(variant === "SWIM" || variant === "SWIM at our times" ? [] : [fewerRow(variant, base, group)]),
      ];
    });
    const more = slow.filter((count) => count > 1);
    return {
      rows: [
        ...rows,
        ...more.flatMap((count) => manySlowRows(count, countOf("SWIM", count), countOf("Lifeguard", count))),
        ...shown.flatMap((variant) => timeRows(variant, countOf(variant, 1))),
        fasterRow(swim, countOf("Lifeguard, alpha 4", 1)),
      ],
      charts: [
        slowChart(
          slow,
          (["SWIM", "Lifeguard"] as const).map((variant) => [
            variant,
            slow.map((count) => countOf(variant, count)),
          ]),
        ),
      ],
      notes: [
        `Messages of a slow member wait, both ways, for ${anomalies.map(({ lengthMs, gapMs }) => `${lengthMs / 1000} s with ${gapMs / 1000} s between`).join(", ")}; a run is ${calmMs / 1000} s of each. Its timers go on, as they did in the paper's agents.`,
        "False positives: a healthy member is given up by anybody (FP of the paper), and by a healthy member (FP-). Here nobody believes a death that another one tells: there is no FP- in SWIM either, and every false verdict is one of a slow member.",
        "Times fewer is what can be said for sure: the low end of the 95 % interval of SWIM's mean, over the high end of the other's; of none seen that is 3.7 events.",
        "The modern profile gives up sooner: 2 log10 n probes of half a second when others agree, six times as long when nobody does. A member that is slow for longer than that errs all the same; beside it plain SWIM with the same probes.",
      ],
    };
  },
};

function slowNumbers(flags: Readonly<Record<string, unknown>>): number[] {
  return [1, 2, 4, 8, 16, 32, 64].filter((slow) => slow <= Number(flags["most"]));
}

// ---- Figures ---------------------------------------------------------------------------------------------------

interface Group {
  readonly runs: number;
  /** Of one run of each anomaly. */
  readonly perRun: MomentsState;
  readonly total: number;
  readonly byHealthy: number;
  readonly first: MomentsState;
  readonly last: MomentsState;
}

/** Samples are in the order of the tasks: all anomalies of a run together. */
function groupOf(samples: readonly LifeguardSample[]): Group {
  const runs = samples.length / anomalies.length;
  const sums = Array.from({ length: runs }, (_, run) =>
    samples
      .slice(run * anomalies.length, (run + 1) * anomalies.length)
      .reduce((sum, { falsePositives }) => sum + falsePositives, 0),
  );
  const merged = (of: "first" | "last") => {
    const moments = new Moments();
    for (const sample of samples) moments.merge(Moments.from(sample[of]));
    return moments.toJSON();
  };
  return {
    runs,
    perRun: Moments.of(sums).toJSON(),
    total: sums.reduce((sum, count) => sum + count, 0),
    byHealthy: samples.reduce((sum, { falseByHealthy }) => sum + falseByHealthy, 0),
    first: merged("first"),
    last: merged("last"),
  };
}

/** So few runs say nothing of their spread. */
const fewRuns = 4;

/** Per run: as wide as so few events alone make it (Poisson), and wider where the runs differ more. */
function intervalOf({ perRun, total, runs }: Group): { readonly low: number; readonly high: number } {
  const { low, high } = poissonInterval(total);
  const byRuns = Moments.from(perRun).confidenceInterval();
  const isKnown = runs >= fewRuns;
  return {
    low: Math.max(0, Math.min(low / runs, isKnown ? byRuns.low : low / runs)),
    high: Math.max(high / runs, isKnown ? byRuns.high : high / runs),
  };
}

function timesFewer(base: Group, group: Group): number {
  return intervalOf(base).low / intervalOf(group).high;
}

function countRows(variant: Variant, group: Group): ReproductionRow[] {
  return [
    { of: `${variant}, 1 slow`, figure: "false positives in a run", measured: group.perRun },
    {
      of: `${variant}, 1 slow`,
      figure: "of these by healthy members, in all runs",
      measured: Moments.of([group.byHealthy]).toJSON(),
    },
  ];
}

function fewerRow(variant: Variant, base: Group, group: Group): ReproductionRow {
  const isLifeguard = variant === "Lifeguard";
  const isAlpha4 = variant === "Lifeguard, alpha 4";
  const low = isLifeguard ? published.fewer : published.fewerAlpha4;
  return {
    of: `${variant}, 1 slow`,
    figure: "times fewer than SWIM, at least",
    ...(isLifeguard && { published: published.fewer }),
    ...(isAlpha4 && { published: published.fewerAlpha4 }),
    measured: Moments.of([timesFewer(base, group)]).toJSON(),
    ...((isLifeguard || isAlpha4) && {
      gate: { low, high: 1e6, why: "as many times as published, or more: what can be said for sure" },
    }),
  };
}

function manySlowRows(slow: number, swim: Group, lifeguard: Group): ReproductionRow[] {
  return [
    { of: `SWIM, ${slow} slow`, figure: "false positives in a run", measured: swim.perRun },
    { of: `Lifeguard, ${slow} slow`, figure: "false positives in a run", measured: lifeguard.perRun },
  ];
}

function timeRows(variant: Variant, { first, last }: Group): ReproductionRow[] {
  if (first.count === 0) return [];
  return [
    { of: `${variant}, 1 slow`, figure: "crash to first verdict (s)", measured: first },
    { of: `${variant}, 1 slow`, figure: "crash to last verdict of healthy members (s)", measured: last },
  ];
}

/**
 * As much sooner as published, give or take four standard errors of so few crashes. Where that interval reaches beyond 1, they
 * cannot say whether it is sooner at all, and only a time that is clearly longer leaves the gate.
 */
function fasterRow(swim: Group, alpha4: Group): ReproductionRow {
  const ratio = alpha4.first.mean / swim.first.mean;
  const { timeAlpha4 } = published;
  const [relative, ofSwim] = [alpha4.first, swim.first].map((state) => {
    const moments = Moments.from(state);
    return moments.standardError / moments.mean;
  });
  const reach = 4 * ratio * Math.hypot(relative!, ofSwim!);
  return {
    of: "Lifeguard, alpha 4, over SWIM",
    figure: "crash to first verdict, ratio",
    published: timeAlpha4,
    measured: Moments.of([ratio]).toJSON(),
    gate: {
      low: timeAlpha4 - 0.2,
      high: Math.max(1, timeAlpha4 + reach),
      why: `sooner; ${alpha4.first.count} crashes say no more`,
    },
  };
}

// ---- Chart -----------------------------------------------------------------------------------------------------

/** What a logarithmic axis shows in place of nothing. */
const leastShown = 0.1;

function slowChart(slow: readonly number[], lines: readonly (readonly [Variant, readonly Group[]])[]): Chart {
  const shown = (state: MomentsState): MomentsState => ({ ...state, mean: Math.max(leastShown, state.mean) });
  return {
    id: "lifeguard-false-positives",
    title: "Healthy members given up because others are slow",
    note: `In ${(calmMs * anomalies.length) / 1000} s; on a logarithmic axis, where ${leastShown} stands for none.`,
    x: { label: "slow members", isLogarithmic: true },
    y: { label: "false positives", isLogarithmic: true },
    at: slow,
    series: lines.flatMap(([variant, groups], color): Series[] => {
      const means = groups.map(({ perRun }) => shown(perRun));
      const points = measuredSeries({ label: variant, color }, means);
      const { low, high } = points.interval!;
      const interval = { low: low.map((value) => value && Math.max(value, leastShown / 2)), high };
      return [
        { label: variant, style: "dashed", color, values: means.map(({ mean }) => mean) },
        { ...points, label: `${variant}: runs`, interval },
      ];
    }),
  };
}
