/** What a comparison of failure detectors says: figures for each detector and case, and charts of them. */
import { type Interval, Moments } from "../../core/index.ts";
import { shownNumber } from "../simulate/batch-report.ts";
import type { Chart, Series } from "../simulate/charts.ts";
import type { CrashFigures } from "./conditions.ts";
import type { ComparedRun, DetectionCase, DetectorComparison } from "./detector-comparison.ts";
import { poissonInterval } from "./poisson-interval.ts";

/** One detector in one case, over all runs. Null where nothing was counted. */
export interface DetectorFigures {
  readonly detector: string;
  readonly case: DetectionCase;
  readonly runs: number;
  /** The least share, over the runs, of living nodes that were taken for alive when counting began. */
  readonly settled: number;
  /** From a crash to the first who gave the dead up, of crashes that anybody noticed. */
  readonly firstMs: DetectionSpread | null;
  /** To the last of those who watch, of crashes that all noticed. */
  readonly lastMs: DetectionSpread | null;
  /** Of those who watch a node that crashed, the share that gave it up by the deadline. */
  readonly completeness: number | null;
  /** Living nodes that nothing ails were given up. */
  readonly falsePositives: EventRate;
  /** Of these, those by nodes that nothing ails. */
  readonly falseByHealthy: EventRate;
  /** Nodes that are paused, blocked or slow were given up by others. */
  readonly troubledGivenUp: EventRate;
  readonly suspicions: EventRate;
  readonly messagesPerNodeSecond: number;
  readonly bytesPerNodeSecond: number;
  readonly events: number;
  readonly wallMs: number;
  /** Of each run, in the order of the seeds. */
  readonly hashes: readonly string[];
}

/** `low` to `high` holds the mean of infinitely many crashes with a confidence of 95 % (Student's t). */
export interface DetectionSpread {
  readonly count: number;
  readonly mean: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The interval is that of events that know nothing of each other (Poisson): verdicts in crowds deserve a wider one. */
export interface EventRate {
  readonly count: number;
  readonly perNodeHour: number;
  readonly low: number;
  readonly high: number;
}

export interface DetectionReport {
  readonly comparison: DetectorComparison;
  readonly results: readonly DetectorFigures[];
  readonly charts: readonly Chart[];
}

export function detectionReport(
  comparison: DetectorComparison,
  runs: readonly ComparedRun[],
): DetectionReport {
  const groups = new Map<string, ComparedRun[]>();
  for (const run of runs) {
    const key = `${nameOfCase(run.case)} ${run.detector}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  const results = [...groups.values()].map(figuresOf);
  return { comparison, results, charts: chartsOf(comparison, results) };
}

function figuresOf(runs: readonly ComparedRun[]): DetectorFigures {
  const first = runs[0]!;
  const sum = (of: (run: ComparedRun) => number) => runs.reduce((total, run) => total + of(run), 0);
  const nodeHours = sum(({ calm }) => calm.nodeHours);
  const rate = (of: (calm: ComparedRun["calm"]) => number) =>
    rateOf(
      sum(({ calm }) => of(calm)),
      nodeHours,
    );
  const crashes = runs.flatMap((run) => run.crashes);
  const watching = crashes.reduce((total, crash) => total + crash.watching, 0);
  const gaveUp = crashes.reduce((total, crash) => total + crash.gaveUp, 0);
  return {
    detector: first.detector,
    case: first.case,
    runs: runs.length,
    settled: runs.reduce((least, run) => Math.min(least, run.settled), 1),
    firstMs: spreadOf(crashes, ({ firstMs }) => firstMs),
    lastMs: spreadOf(crashes, ({ lastMs }) => lastMs),
    completeness: watching === 0 ? null : gaveUp / watching,
    falsePositives: rate((calm) => calm.falsePositives),
    falseByHealthy: rate((calm) => calm.falseByHealthy),
    troubledGivenUp: rate((calm) => calm.troubledGivenUp),
    suspicions: rate((calm) => calm.suspicions),
    messagesPerNodeSecond: round(sum(({ calm }) => calm.messages) / (nodeHours * 3600)),
    bytesPerNodeSecond: round(sum(({ calm }) => calm.bytes) / (nodeHours * 3600)),
    events: sum(({ events }) => events),
    wallMs: sum(({ wallMs }) => wallMs),
    hashes: runs.map(({ hash }) => hash),
  };
}

function rateOf(count: number, nodeHours: number): EventRate {
  const { low, high }: Interval = poissonInterval(count);
  return {
    count,
    perNodeHour: round(count / nodeHours),
    low: round(low / nodeHours),
    high: round(high / nodeHours),
  };
}

function spreadOf(
  crashes: readonly CrashFigures[],
  of: (crash: CrashFigures) => number | null,
): DetectionSpread | null {
  const values = crashes.flatMap((crash) => of(crash) ?? []).sort((a, b) => a - b);
  if (values.length === 0) return null;
  const moments = Moments.of(values);
  const { low, high } = moments.confidenceInterval();
  const at = (q: number) => values[Math.max(0, Math.ceil(q * values.length) - 1)]!;
  const isOne = values.length < 2;
  return {
    count: values.length,
    mean: round(moments.mean),
    low: isOne ? null : round(low),
    high: isOne ? null : round(high),
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
  };
}

export function nameOfCase({ nodes, loss, paused }: DetectionCase): string {
  const parts = [`${nodes.toLocaleString("en")} nodes`];
  if (loss > 0) parts.push(`${shownNumber(100 * loss)} % loss`);
  if (paused > 0) parts.push(`${paused} of them paused over and over`);
  return parts.join(", ");
}

// ---- Charts --------------------------------------------------------------------------------------------------------

const styles: readonly Series["style"][] = ["line", "dashed", "dotted"];
const colors = 8;
/** What a logarithmic axis shows in place of nothing. */
const leastRate = 0.01;

interface Axis {
  readonly name: string;
  readonly label: string;
  readonly of: (one: DetectionCase) => number;
  readonly isLogarithmic?: boolean;
}

function chartsOf(
  { detectors, nodes, losses, paused }: DetectorComparison,
  results: readonly DetectorFigures[],
): Chart[] {
  const middle = nodes[(nodes.length - 1) >> 1];
  const [loss = 0] = losses;
  const [pausedFirst = 0] = paused;
  const by = {
    nodes: { name: "nodes", label: "nodes", of: (one: DetectionCase) => one.nodes, isLogarithmic: true },
    loss: { name: "loss", label: "loss (%)", of: (one: DetectionCase) => 100 * one.loss },
    paused: { name: "paused", label: "paused nodes", of: (one: DetectionCase) => one.paused },
  };
  const along = (axis: Axis, isOnIt: (one: DetectionCase) => boolean) => ({
    axis,
    detectors,
    results: results.filter((figures) => isOnIt(figures.case)),
  });
  const nodesAxis = along(by.nodes, (one) => one.loss === loss && one.paused === pausedFirst);
  const lossAxis = along(by.loss, (one) => one.nodes === middle && one.paused === pausedFirst);
  const pausedAxis = along(by.paused, (one) => one.nodes === middle && one.loss === loss);
  return [
    timeChart(nodesAxis, "first", "From a crash to the first verdict", ({ firstMs }) => firstMs),
    timeChart(nodesAxis, "last", "From a crash to the last verdict", ({ lastMs }) => lastMs),
    bytesChart(nodesAxis),
    timeChart(lossAxis, "first", "The first verdict under loss", ({ firstMs }) => firstMs),
    falseChart(lossAxis, "Living nodes given up under loss"),
    falseChart(pausedAxis, "Living nodes given up while others are paused"),
  ].filter((chart) => chart !== undefined);
}

interface Along {
  readonly axis: Axis;
  readonly detectors: readonly string[];
  readonly results: readonly DetectorFigures[];
}

/** A line for each detector; undefined where there are no two places to draw one between. */
function chartOf(
  { axis, detectors, results }: Along,
  chart: Omit<Chart, "x" | "at" | "series" | "id"> & { readonly id: string },
  seriesOf: (at: readonly (DetectorFigures | undefined)[]) => Pick<Series, "values" | "interval">,
): Chart | undefined {
  const at = [...new Set(results.map((figures) => axis.of(figures.case)))].sort((a, b) => a - b);
  if (at.length < 2) return undefined;
  return {
    ...chart,
    id: `${chart.id}-by-${axis.name}`,
    x: { label: axis.label, isLogarithmic: axis.isLogarithmic },
    at,
    series: detectors.map((detector, place) => {
      const own = results.filter((figures) => figures.detector === detector);
      return {
        label: detector,
        style: styles[Math.floor(place / colors) % styles.length]!,
        color: place % colors,
        ...seriesOf(at.map((x) => own.find((figures) => axis.of(figures.case) === x))),
      };
    }),
  };
}

function timeChart(
  along: Along,
  id: string,
  title: string,
  of: (figures: DetectorFigures) => DetectionSpread | null,
): Chart | undefined {
  const note = "The mean over crashes, with its 95 % interval; on a logarithmic axis.";
  const y = { label: "seconds", isLogarithmic: true };
  return chartOf(along, { id, title, note, y }, (at) => {
    const seconds = (part: (spread: DetectionSpread) => number | null) =>
      at.map((figures) => {
        const spread = figures === undefined ? null : of(figures);
        const ms = spread === null ? null : part(spread);
        return ms === null || ms <= 0 ? null : round(ms / 1000);
      });
    return {
      values: seconds(({ mean }) => mean),
      interval: { low: seconds(({ low }) => low), high: seconds(({ high }) => high) },
    };
  });
}

function bytesChart(along: Along): Chart | undefined {
  const note = "What a node sends each second while nobody crashes; on logarithmic axes.";
  const y = { label: "bytes per node and second", isLogarithmic: true };
  return chartOf(along, { id: "bytes", title: "Load", note, y }, (at) => ({
    values: at.map((figures) => (figures?.bytesPerNodeSecond ? figures.bytesPerNodeSecond : null)),
  }));
}

function falseChart(along: Along, title: string): Chart | undefined {
  const note = `Verdicts on living nodes that nothing ails; on a logarithmic axis, where ${leastRate} stands for none.`;
  const y = { label: "per node and hour", isLogarithmic: true };
  return chartOf(along, { id: "false", title, note, y }, (at) => {
    const rates = (part: (rate: EventRate) => number) =>
      at.map((figures) => (figures === undefined ? null : Math.max(leastRate, part(figures.falsePositives))));
    return {
      values: rates(({ perNodeHour }) => perNodeHour),
      interval: { low: rates(({ low }) => low), high: rates(({ high }) => high) },
    };
  });
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

// ---- As tables -----------------------------------------------------------------------------------------------------

/** A table for each case, by its name: a row for each detector, and the names of the figures first. */
export function detectionTables(results: readonly DetectorFigures[]): (readonly [string, string[][]])[] {
  const names = [...new Set(results.map((figures) => nameOfCase(figures.case)))];
  return names.map((name) => {
    const rows = results.filter((figures) => nameOfCase(figures.case) === name);
    const isTroubled = rows.some((figures) => figures.case.paused > 0);
    const shown = columns.filter(({ isForTroubles }) => isTroubled || isForTroubles !== true);
    return [
      name,
      [
        ["", ...shown.map(({ head }) => head)],
        ...rows.map((figures) => [figures.detector, ...shown.map(({ of }) => of(figures))]),
      ],
    ];
  });
}

interface Column {
  readonly head: string;
  readonly isForTroubles?: boolean;
  readonly of: (figures: DetectorFigures) => string;
}

const columns: readonly Column[] = [
  { head: "first (s)", of: ({ firstMs }) => withInterval(firstMs) },
  { head: "p99", of: ({ firstMs }) => seconds(firstMs?.p99) },
  { head: "last (s)", of: ({ lastMs }) => withInterval(lastMs) },
  { head: "p99", of: ({ lastMs }) => seconds(lastMs?.p99) },
  {
    head: "complete",
    of: ({ completeness }) => (completeness === null ? "" : `${shownNumber(100 * completeness)} %`),
  },
  { head: "false/node h", of: ({ falsePositives }) => shownRate(falsePositives) },
  { head: "by healthy", isForTroubles: true, of: ({ falseByHealthy }) => shownRate(falseByHealthy) },
  { head: "on paused", isForTroubles: true, of: ({ troubledGivenUp }) => shownRate(troubledGivenUp) },
  { head: "doubts/node h", of: ({ suspicions }) => shownRate(suspicions) },
  { head: "msg/node s", of: ({ messagesPerNodeSecond }) => shownNumber(messagesPerNodeSecond) },
  { head: "B/node s", of: ({ bytesPerNodeSecond }) => shownNumber(bytesPerNodeSecond) },
];

function withInterval(spread: DetectionSpread | null): string {
  if (spread === null) return "never";
  const { mean, high } = spread;
  return high === null ? seconds(mean) : `${seconds(mean)} ± ${seconds(high - mean)}`;
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? "" : shownNumber(Number((ms / 1000).toPrecision(3)));
}

/** Of none only what they may be at most. */
function shownRate({ count, perNodeHour, high }: EventRate): string {
  const digits = (value: number) => shownNumber(Number(value.toPrecision(2)));
  return count === 0 ? `0 (< ${digits(high)})` : digits(perNodeHour);
}
