/** Rates and levels over time, from totals that come about once a second. */
import type { Millis } from "../../../../src/core/index.ts";
import type { FeedTotals } from "../../../../src/trace/feed.ts";
import type { BookedMessage } from "../../../../src/trace/message-book.ts";
import type { NetworkPicture, PicturedNode } from "../../../../src/trace/picture.ts";
import type { NotableEvents } from "../../timeline/notable-events.ts";

export type Levels = readonly (number | null)[];

export interface LayerRates {
  readonly layer: string;
  readonly values: Levels;
}

/** Each list has one value for each of `x`: the end of an interval, in ms since the beginning of the run. */
export interface TrafficSeries {
  readonly x: readonly number[];
  readonly messages: readonly LayerRates[];
  readonly bytes: readonly LayerRates[];
  readonly published: Levels;
  readonly delivered: Levels;
  readonly copies: Levels;
  /** Copies per delivery of the last seconds, minus 1; null where they say nothing. */
  readonly redundancy: Levels;
  /** What keeps trees of messages in order; null where there are none. */
  readonly announced: Levels;
  readonly grafts: Levels;
  readonly prunes: Levels;
  readonly latencyP50: Levels;
  readonly latencyP99: Levels;
  readonly queued: Levels;
  readonly loopP50: Levels;
  readonly loopP99: Levels;
  /** Percent of one core. */
  readonly cpu: Levels;
  readonly memory: Levels;
  readonly simulatedEvents: Levels;
  readonly pendingEvents: Levels;
}

/** Of less than that, as at the end of a recorded run, a rate says nothing: it is counted to the second before. */
const leastSeconds = 0.5;

export function trafficSeries(totals: readonly FeedTotals[], startedAt: Millis): TrafficSeries {
  const steps = stepsOf(totals);
  // A counter that fell began anew: so did its process.
  const grown = (later: number, earlier: number) => (later >= earlier ? later - earlier : later);
  const rate = (of: (totals: FeedTotals) => number) =>
    steps.map(({ before, now, seconds }) => grown(of(now), of(before)) / seconds);
  const level = (of: (totals: FeedTotals) => number | undefined) => steps.map(({ now }) => of(now) ?? null);
  const byLayer = (of: (totals: FeedTotals) => Readonly<Record<string, number>>) =>
    layersOf(totals, of).map((layer) => ({ layer, values: rate((total) => of(total)[layer] ?? 0) }));
  const hasTrees = totals.some(({ trees }) => trees !== undefined && trees.announced + trees.prunes > 0);
  const ofTrees = (name: "announced" | "grafts" | "prunes"): Levels =>
    hasTrees ? rate(({ trees }) => trees?.[name] ?? 0) : steps.map(() => null);
  const delivers = (totals: FeedTotals) => totals.latencyMs.count > 0;
  return {
    x: steps.map(({ now }) => now.at - startedAt),
    messages: byLayer(({ sentMessages }) => sentMessages),
    bytes: byLayer(({ sentBytes }) => sentBytes),
    published: rate(({ published }) => published),
    delivered: rate(({ delivered }) => delivered),
    copies: rate(({ copiesSent }) => copiesSent),
    redundancy: redundancyOf(
      steps.map(({ before, now }) => ({
        at: now.at,
        copies: grown(now.copiesSent, before.copiesSent),
        deliveries: grown(now.delivered, before.delivered),
      })),
    ),
    announced: ofTrees("announced"),
    grafts: ofTrees("grafts"),
    prunes: ofTrees("prunes"),
    latencyP50: level((totals) => (delivers(totals) ? totals.latencyMs.p50 : undefined)),
    latencyP99: level((totals) => (delivers(totals) ? totals.latencyMs.p99 : undefined)),
    queued: level(({ queuedBytes }) => queuedBytes),
    loopP50: level(({ process }) => process?.eventLoopDelayMs.p50),
    loopP99: level(({ process }) => process?.eventLoopDelayMs.p99),
    cpu: level(({ process }) => (process === undefined ? undefined : process.cpuShare * 100)),
    memory: level(({ process }) => process?.memoryBytes),
    simulatedEvents: level(({ simulator }) => simulator?.eventsPerSecond),
    pendingEvents: level(({ simulator }) => simulator?.pendingEvents),
  };
}

interface TotalsStep {
  readonly before: FeedTotals;
  readonly now: FeedTotals;
  readonly seconds: number;
}

/** The first has nothing before it to be compared with; of two at one moment there is no rate. */
function stepsOf(totals: readonly FeedTotals[]): TotalsStep[] {
  const steps: TotalsStep[] = [];
  let before = totals[0];
  for (const now of totals.slice(1)) {
    const seconds = (now.at - before!.at) / 1000;
    if (seconds <= 0) continue;
    steps.push({ before: before!, now, seconds });
    before = now;
  }
  const last = steps.at(-1);
  const second = steps.at(-2);
  if (last === undefined || second === undefined || last.seconds >= leastSeconds) return steps;
  const latencyMs = last.now.latencyMs.count > 0 ? last.now.latencyMs : second.now.latencyMs;
  const now = { ...last.now, latencyMs };
  return [...steps.slice(0, -2), { before: second.before, now, seconds: second.seconds + last.seconds }];
}

/** A copy is sent in one second and arrives, or its duplicates are sent, in the next: some seconds make a ratio. */
const redundancyWindowMs = 10_000;

function redundancyOf(
  steps: readonly { readonly at: Millis; readonly copies: number; readonly deliveries: number }[],
): Levels {
  let from = 0;
  let copies = 0;
  let deliveries = 0;
  return steps.map((step) => {
    copies += step.copies;
    deliveries += step.deliveries;
    for (; steps[from]!.at <= step.at - redundancyWindowMs; from++) {
      copies -= steps[from]!.copies;
      deliveries -= steps[from]!.deliveries;
    }
    // Fewer copies than deliveries: they were sent before, or nobody counted them.
    return deliveries > 0 && copies >= deliveries ? copies / deliveries - 1 : null;
  });
}

/** Nothing is known about it at any time: then it is not drawn. */
export function isKnown(levels: Levels): boolean {
  return levels.some((value) => value !== null);
}

/** The index of the last interval that had ended by then; -1 where none had. */
export function lastUntil({ x }: TrafficSeries, at: number): number {
  return x.findLastIndex((end) => end <= at);
}

/** The latest value until then: where nothing is delivered, the delay of the last that was. */
export function lastKnown(levels: Levels, index: number): number | undefined {
  for (let i = index; i >= 0; i--) {
    const value = levels[i];
    if (value !== null && value !== undefined) return value;
  }
  return undefined;
}

export function sumAt(rates: readonly LayerRates[], index: number): number {
  return rates.reduce((sum, { values }) => sum + (values[index] ?? 0), 0);
}

/** The layers that ever sent anything, in an order that does not change while a run goes on. */
function layersOf(
  totals: readonly FeedTotals[],
  of: (totals: FeedTotals) => Readonly<Record<string, number>>,
): string[] {
  const layers = new Set<string>();
  for (const one of totals)
    for (const [layer, count] of Object.entries(of(one))) if (count > 0) layers.add(layer);
  return [...layers].sort();
}

/** Of the latest messages so many first receipts, at least: a whole message more or less. */
const enoughDelays = 20_000;

/** How long the latest messages took to those who had them by then, in ms. */
export function latestDelays(messages: Iterable<BookedMessage>, cursor: Millis): number[] {
  const delays: number[] = [];
  for (const { publishedAt, receivedAfterMs } of [...messages].reverse()) {
    if (delays.length >= enoughDelays) break;
    for (const afterMs of receivedAfterMs) if (publishedAt + afterMs <= cursor) delays.push(afterMs);
  }
  return delays;
}

/** What a reader wants to see beside the curves: who died, when the network was split. */
export function marksOf(notable: NotableEvents, picture: NetworkPicture, startedAt: Millis) {
  const name = (id: string | number) => picture.find(id)?.name ?? String(id);
  const deaths = notable.of("death").map(({ at, event }) => ({
    at: at - startedAt,
    label: `${event.type === "paused" ? "❚❚" : "✕"} ${name(event.node)}`,
    isDeath: true,
  }));
  const disturbances = notable
    .of("disturbance")
    .map(({ at, event }) => ({ at: at - startedAt, label: event.type.replace("-", " "), isDeath: false }));
  return [...deaths, ...disturbances].sort((a, b) => a.at - b.at);
}

// ---- Nodes ----

export const talkerColumns = ["name", "links", "copiesSent", "published", "delivered"] as const;
export type TalkerColumn = (typeof talkerColumns)[number];

/** Peers in the order of that column: names from the first, numbers from the largest. */
export function talkersBy(
  { nodes }: NetworkPicture,
  column: TalkerColumn,
  isReversed: boolean,
): PicturedNode[] {
  const peers = [...nodes.values()].filter(({ role }) => role !== "seed");
  const order = (a: PicturedNode, b: PicturedNode): number => {
    if (column === "name") return compareNames(a.name, b.name);
    if (column === "links") return b.neighbors.size - a.neighbors.size;
    return b[column] - a[column];
  };
  return peers.sort((a, b) => (isReversed ? -1 : 1) * order(a, b) || compareNames(a.name, b.name));
}

const names = new Intl.Collator("en", { numeric: true });

function compareNames(a: string, b: string): number {
  return names.compare(a, b);
}
