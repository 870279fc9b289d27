/**
 * Are two traces the same? Two runs of one simulation are, event for event; a live run and a simulated one differ in
 * every id and time, and are held against each other by what they came to.
 */
import { isDeepStrictEqual } from "node:util";
import type { TraceEvent } from "../../core/index.ts";
import { type TraceHeader, type TraceReader, traceLine } from "../../node/index.ts";
import { type Spread, type TraceReport, TraceSummary, traceLayer } from "../../trace/index.ts";

export interface TraceComparison {
  /** The headers agree on world and version, and every event is the same, in the same order. */
  readonly identical: boolean;
  /** What the headers say otherwise, but for when the run began. */
  readonly header: readonly {
    readonly field: string;
    readonly a: unknown;
    readonly b: unknown;
  }[];
  /** Events that were read; those of layer `trace` are not compared, since they depend on how the file was written. */
  readonly events: { readonly a: number; readonly b: number };
  readonly firstDifference: Difference | null;
  readonly figures: readonly FigurePair[];
}

export interface Difference {
  /** Counts the events that are compared, from 0. */
  readonly index: number;
  /** The line; null where that trace has ended. */
  readonly a: string | null;
  readonly b: string | null;
}

export interface FigurePair {
  readonly figure: string;
  readonly a: number | null;
  readonly b: number | null;
  /** b - a */
  readonly difference: number | null;
  /** b / a */
  readonly ratio: number | null;
}

export async function compareTraces(a: TraceReader, b: TraceReader): Promise<TraceComparison> {
  const sums = { a: new TraceSummary(), b: new TraceSummary() };
  const firstDifference = await firstDifferenceOf(fed(a, sums.a), fed(b, sums.b), { readsOn: true });
  const header = compareHeaders(a.header, b.header);
  return {
    identical: firstDifference === null && header.every(({ field }) => field === "about"),
    header,
    events: { a: a.events, b: b.events },
    firstDifference,
    figures: compareReports(sums.a.report(), sums.b.report()),
  };
}

/** Null where both have the same events, as they would be written. Events of layer `trace` are passed over. */
export async function firstDifferenceOf(
  a: AsyncIterable<TraceEvent>,
  b: AsyncIterable<TraceEvent>,
  { readsOn = false } = {},
): Promise<Difference | null> {
  const left = untraced(a);
  const right = untraced(b);
  let found: Difference | null = null;
  try {
    for (let index = 0; ; index++) {
      const [one, other] = [await left.next(), await right.next()];
      if (one.done && other.done) return found;
      if (found !== null) continue;
      const lines = { a: lineOf(one), b: lineOf(other) };
      if (lines.a === lines.b) continue;
      if (lines.a !== null && lines.b !== null && isDeepStrictEqual(JSON.parse(lines.a), JSON.parse(lines.b)))
        continue; // the same fields in another order
      found = { index, ...lines };
      if (!readsOn) return found;
    }
  } finally {
    await left.return(undefined);
    await right.return(undefined);
  }
}

async function* untraced(events: AsyncIterable<TraceEvent>): AsyncGenerator<TraceEvent, void> {
  for await (const event of events) if (event.layer !== traceLayer) yield event;
}

async function* fed(reader: TraceReader, summary: TraceSummary): AsyncGenerator<TraceEvent> {
  for await (const event of reader) {
    summary.add(event);
    yield event;
  }
}

function lineOf(step: IteratorResult<TraceEvent, void>): string | null {
  return step.done ? null : traceLine(step.value).trimEnd();
}

function compareHeaders(
  a: TraceHeader | undefined,
  b: TraceHeader | undefined,
): { field: string; a: unknown; b: unknown }[] {
  return (["version", "world", "about"] as const)
    .map((field) => ({ field, a: a?.[field], b: b?.[field] }))
    .filter((pair) => !isDeepStrictEqual(pair.a, pair.b));
}

const spreadPlaces = ["mean", "p50", "p90", "p99", "max"] as const;

function compareReports(a: TraceReport, b: TraceReport): FigurePair[] {
  const left = new Map(figuresOf(a));
  const right = new Map(figuresOf(b));
  return [...new Set([...left.keys(), ...right.keys()])].map((figure) =>
    pair(figure, left.get(figure) ?? null, right.get(figure) ?? null),
  );
}

/** What is worth holding side by side, by the path under which the report has it. */
export function figuresOf(report: TraceReport): [figure: string, value: number | null][] {
  const { delayMs, ldh, faults, falsePositives, falseSuspicions, refutations } = report;
  return [
    ["events", report.events],
    ["lost", report.lost],
    ["durationMs", report.durationMs],
    ...Object.entries(report.nodes).map(([role, count]): [string, number] => [`nodes.${role}`, count]),
    ["published", report.published],
    ["deliveries", report.deliveries],
    ["deliveredLate", report.deliveredLate],
    ["expected", report.expected],
    ["arrived", report.arrived],
    ["ratio", report.ratio],
    ["complete", report.complete],
    ["deliveredTwice", report.deliveredTwice],
    ["deliveredFromNowhere", report.deliveredFromNowhere],
    ...spread("delayMs", delayMs),
    ["beforePublication", report.beforePublication],
    ["rmr", report.rmr],
    ["rmrWithHistory", report.rmrWithHistory],
    ["ldh.mean", ldh?.mean ?? null],
    ["ldh.max", ldh?.max ?? null],
    ["sends", report.sends],
    ["historySends", report.historySends],
    ["sendsPerPeer.mean", report.sendsPerPeer?.mean ?? null],
    ["sendsPerPeer.max", report.sendsPerPeer?.max ?? null],
    ["faults.total", faults.total],
    ["faults.noticed", faults.noticed],
    ["faults.removedEverywhere", faults.removedEverywhere],
    ...spread("faults.noticedMs", faults.noticedMs),
    ...spread("faults.removedMs", faults.removedMs),
    ["falsePositives.total", falsePositives.total],
    ["falsePositives.whilePartitioned", falsePositives.whilePartitioned],
    ["falseSuspicions.suspected", falseSuspicions.suspected],
    ["falseSuspicions.failed", falseSuspicions.failed],
    ["refutations.refuted", refutations.refuted],
    ["refutations.answered", refutations.answered],
  ];
}

function spread(name: string, values: Spread | null): [string, number | null][] {
  return spreadPlaces.map((place) => [`${name}.${place}`, values?.[place] ?? null]);
}

function pair(figure: string, a: number | null, b: number | null): FigurePair {
  const isBoth = a !== null && b !== null;
  return {
    figure,
    a,
    b,
    difference: isBoth ? round(b - a) : null,
    ratio: isBoth && a !== 0 ? round(b / a) : null,
  };
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
