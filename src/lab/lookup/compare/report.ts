/** What a comparison says: figures for each router, and charts of them. */
import { Moments } from "../../../core/index.ts";
import { shownNumber } from "../../simulate/batch-report.ts";
import type { Chart, Series } from "../../simulate/charts.ts";
import type { Conditions, RouterRun, Traffic } from "./comparison.ts";

/** Of all lookups of all runs; per-second figures are means over the runs. Null where nothing was counted. */
export interface RouterFigures {
  readonly router: string;
  readonly lookups: number;
  /** Lookups whose node did not live to see the answer; in no other figure. */
  readonly abandoned: number;
  /** Share of wrong answers and of lookups without an answer. */
  readonly failures: number;
  readonly wrong: number;
  readonly unanswered: number;
  readonly hops: LookupSpread | null;
  readonly latencyMs: LookupSpread | null;
  /** Questions that one lookup asked, and those of them that nobody answered. */
  readonly questions: number | null;
  readonly silent: number | null;
  /**
   * All messages that a lookup costs, answers and acknowledgements among them: those of its kinds that were sent while
   * lookups were made, less those of the upkeep.
   */
  readonly messagesPerLookup: number | null;
  readonly bytesPerLookup: number | null;
  /** Without any lookup. */
  readonly upkeep: { readonly messagesPerNodeSecond: number; readonly bytesPerNodeSecond: number };
  readonly contacts: number;
  readonly events: number;
  readonly wallMs: number;
  /** Of each run, in the order of the seeds. */
  readonly hashes: readonly string[];
}

export interface LookupSpread {
  readonly mean: number;
  /** Of the mean, over the lookups. */
  readonly standardError: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface ComparisonReport {
  readonly conditions: Conditions;
  readonly runs: number;
  /** Over a run: who came, and who went. */
  readonly churned: { readonly joins: number; readonly ends: number; readonly livingAtEnd: number };
  readonly routers: readonly RouterFigures[];
  readonly charts: readonly Chart[];
}

export function comparisonReport(conditions: Conditions, runs: readonly RouterRun[]): ComparisonReport {
  const names = [...new Set(runs.map(({ router }) => router))];
  const byRouter = names.map((name) => runs.filter(({ router }) => router === name));
  const one = byRouter[0] ?? [];
  return {
    conditions,
    runs: one.length,
    churned: {
      joins: meanOf(one, ({ joins }) => joins),
      ends: meanOf(one, ({ ends }) => ends),
      livingAtEnd: meanOf(one, ({ living }) => living),
    },
    routers: byRouter.map(figuresOf),
    charts: [hopsChart(byRouter), latencyChart(byRouter), trafficChart(byRouter)].filter(
      (chart) => chart !== undefined,
    ),
  };
}

function figuresOf(runs: readonly RouterRun[]): RouterFigures {
  const sum = (of: (run: RouterRun) => number) => runs.reduce((total, run) => total + of(run), 0);
  const lookups = sum(({ asked }) => asked);
  const wrong = sum((run) => run.wrong);
  const unanswered = sum((run) => run.unanswered);
  const each = (value: number) => (lookups === 0 ? null : round(value / lookups));
  const extra = (of: (traffic: Traffic) => number) =>
    each(
      sum(({ upkeep, load }) => Math.max(0, of(load) - (of(upkeep) / upkeep.nodeSeconds) * load.nodeSeconds)),
    );
  const perNodeSecond = (of: (traffic: Traffic) => number) =>
    round(meanOf(runs, ({ upkeep }) => of(upkeep) / upkeep.nodeSeconds));
  return {
    router: runs[0]!.router,
    lookups,
    abandoned: sum(({ abandoned }) => abandoned),
    failures: lookups === 0 ? 0 : (wrong + unanswered) / lookups,
    wrong,
    unanswered,
    hops: spreadOf(runs.flatMap(({ hops }) => hops)),
    latencyMs: spreadOf(runs.flatMap(({ latenciesMs }) => latenciesMs)),
    questions: each(sum(({ questions }) => questions)),
    silent: each(sum(({ silent }) => silent)),
    messagesPerLookup: extra(({ lookupMessages }) => lookupMessages),
    bytesPerLookup: extra(({ lookupBytes }) => lookupBytes),
    upkeep: {
      messagesPerNodeSecond: perNodeSecond(({ messages }) => messages),
      bytesPerNodeSecond: perNodeSecond(({ bytes }) => bytes),
    },
    contacts: round(meanOf(runs, ({ contacts }) => contacts)),
    events: sum(({ events }) => events),
    wallMs: sum(({ wallMs }) => wallMs),
    hashes: runs.map(({ hash }) => hash),
  };
}

function spreadOf(values: readonly number[]): LookupSpread | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const moments = Moments.of(sorted);
  const at = (q: number) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
  const standardError = values.length < 2 ? 0 : moments.standardError;
  return {
    mean: round(moments.mean),
    standardError: round(standardError),
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
  };
}

function meanOf(runs: readonly RouterRun[], of: (run: RouterRun) => number): number {
  return runs.length === 0 ? 0 : runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
}

// ---- Charts --------------------------------------------------------------------------------------------------------

const gridPoints = 200;
/** Each router has its colour and its dashes in all charts. */
const styles: readonly Series["style"][] = ["line", "dashed", "dotted"];

function seriesOf(place: number, label: string, values: Series["values"]): Series {
  return { label, style: styles[place % styles.length]!, color: place, values };
}

type ByRouter = readonly (readonly RouterRun[])[];

function hopsChart(byRouter: ByRouter): Chart | undefined {
  const all = byRouter.map((runs) => runs.flatMap(({ hops }) => hops));
  if (all.every((hops) => hops.length === 0)) return undefined;
  const most = all.reduce((max, hops) => hops.reduce((more, value) => Math.max(more, value), max), 0);
  const at = Array.from({ length: most + 1 }, (_, hops) => hops);
  return {
    id: "hops",
    title: "Hops",
    note: "The share of right answers that took so many hops.",
    x: { label: "hops" },
    y: { label: "lookups (%)" },
    at,
    series: all.map((hops, place) => {
      const counts = new Array<number>(most + 1).fill(0);
      for (const value of hops) counts[value]!++;
      const shares = counts.map((count) => round((100 * count) / Math.max(1, hops.length)));
      return seriesOf(place, byRouter[place]![0]!.router, shares);
    }),
  };
}

function latencyChart(byRouter: ByRouter): Chart | undefined {
  const all = byRouter.map((runs) =>
    Float64Array.from(runs.flatMap(({ latenciesMs }) => latenciesMs)).sort(),
  );
  if (all.every(({ length }) => length === 0)) return undefined;
  // The slowest of a thousand would leave no room for the others.
  const end = Math.max(...all.map((sorted) => sorted[Math.floor(sorted.length * 0.999)] ?? 0), 1);
  const at = Array.from({ length: gridPoints + 1 }, (_, i) => (end * i) / gridPoints);
  return {
    id: "latency",
    title: "Latency",
    note: "The share of right answers that were there by then.",
    x: { label: "time since the lookup began (ms)" },
    y: { label: "lookups (%)", reachesTo: 100 },
    at,
    series: all.map((sorted, place) => {
      let seen = 0;
      const shares = at.map((ms) => {
        while (seen < sorted.length && sorted[seen]! <= ms) seen++;
        return round((100 * seen) / Math.max(1, sorted.length));
      });
      return seriesOf(place, byRouter[place]![0]!.router, shares);
    }),
  };
}

function trafficChart(byRouter: ByRouter): Chart | undefined {
  const at = byRouter[0]?.[0]?.series.map(({ atMs }) => atMs / 60_000) ?? [];
  if (at.length === 0) return undefined;
  return {
    id: "traffic",
    title: "Traffic",
    note: "What a node sends, over the whole run: joining, upkeep alone, and at the end the lookups.",
    x: { label: "virtual time (min)" },
    y: { label: "bytes per node and second" },
    at,
    series: byRouter.map((runs, place) =>
      seriesOf(
        place,
        runs[0]!.router,
        at.map((_, i) => round(meanOf(runs, ({ series }) => series[i]?.bytesPerNodeSecond ?? 0))),
      ),
    ),
  };
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

// ---- As a table ----------------------------------------------------------------------------------------------------

/** A column for each router, the names of the figures first. */
export function comparisonTable({ routers }: Pick<ComparisonReport, "routers">): string[][] {
  return [
    ["", ...routers.map(({ router }) => router)],
    ...lines.map(([name, of]) => [name, ...routers.map((figures) => of(figures))]),
  ];
}

const withError = (spread: LookupSpread | null): string =>
  spread === null ? "" : `${shownNumber(spread.mean)} ± ${shownNumber(1.96 * spread.standardError)}`;

const lines: readonly (readonly [name: string, of: (figures: RouterFigures) => string])[] = [
  ["lookups", ({ lookups }) => shownNumber(lookups)],
  ["failures", ({ failures }) => `${shownNumber(100 * failures)} %`],
  ["  wrong answers", ({ wrong }) => shownNumber(wrong)],
  ["  without an answer", ({ unanswered }) => shownNumber(unanswered)],
  ["hops, mean", ({ hops }) => withError(hops)],
  ["hops, p99", ({ hops }) => shownNumber(hops?.p99 ?? null)],
  ["latency, mean (ms)", ({ latencyMs }) => withError(latencyMs)],
  ["latency, p50 (ms)", ({ latencyMs }) => shownNumber(latencyMs?.p50 ?? null)],
  ["latency, p99 (ms)", ({ latencyMs }) => shownNumber(latencyMs?.p99 ?? null)],
  ["questions per lookup", ({ questions }) => shownNumber(questions)],
  ["  that nobody answered", ({ silent }) => shownNumber(silent)],
  ["messages per lookup", ({ messagesPerLookup }) => shownNumber(messagesPerLookup)],
  ["bytes per lookup", ({ bytesPerLookup }) => shownNumber(bytesPerLookup)],
  ["upkeep, bytes per node and second", ({ upkeep }) => shownNumber(upkeep.bytesPerNodeSecond)],
  ["upkeep, messages per node and second", ({ upkeep }) => shownNumber(upkeep.messagesPerNodeSecond)],
  ["contacts in a table", ({ contacts }) => shownNumber(contacts)],
];
