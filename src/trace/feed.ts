/**
 * What somebody who watches a network is told beside its trace, in all worlds the same: what can be done to it, its
 * totals once in a while, and what was left out because there was too much of it.
 */
import type { Millis } from "../core/index.ts";

/** The first thing that is said. */
export interface FeedHello {
  readonly world: "live" | "simulated";
  /** When it was said, by the clock of the events. */
  readonly at: Millis;
  /** When the run began. */
  readonly startedAt: Millis;
  /** What may be done, by the names of a scenario's actions (`publish`, `crash`, `cut`, …); empty where only looking is allowed. */
  readonly hands: readonly string[];
  /** Why there is nothing to do, or less than one would expect. */
  readonly readOnly?: string;
  /** How the network was made: what theory needs to know (`nodes`, `law`, `broadcast`, …). */
  readonly about: FeedAbout;
}

export interface FeedAbout {
  readonly profile: string;
  /** All tunables that hold, by section: `broadcast.method`, `overlay.law`, `heartbeat.intervalMs`, … */
  readonly options: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly seed?: number;
  /** Simulated: what links are like. */
  readonly links?: Readonly<Record<string, unknown>>;
}

/** Sums over all nodes of the process, since its start where nothing else is said. */
export interface FeedTotals {
  readonly at: Millis;
  readonly peers: number;
  readonly seeds: number;
  readonly stopped: number;
  readonly published: number;
  readonly delivered: number;
  /** Copies that somebody had already; a recorded trace does not say. */
  readonly duplicates?: number;
  readonly copiesSent: number;
  /** What keeps trees of messages in order (Plumtree): offers without payload, and links taken into trees or out of them. */
  readonly trees?: { readonly announced: number; readonly grafts: number; readonly prunes: number };
  /** Bytes and messages over the links, by the name of the message's layer; empty in a recorded trace. */
  readonly sentBytes: Readonly<Record<string, number>>;
  readonly sentMessages: Readonly<Record<string, number>>;
  /** Live and simulated: what waits to be sent. */
  readonly queuedBytes?: number;
  /** First receipts since the totals before. */
  readonly latencyMs: {
    readonly count: number;
    readonly p50: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Live only: of the process, since the totals before. */
  readonly process?: {
    readonly cpuShare: number;
    readonly memoryBytes: number;
    readonly eventLoopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  };
  /** Simulated only. */
  readonly simulator?: { readonly eventsPerSecond: number; readonly pendingEvents: number };
}

/** Said whenever something was left out since the last time. Messages are followed whole or not at all. */
export interface FeedSampling {
  readonly at: Millis;
  /** Since the last time. */
  readonly messagesFollowed: number;
  readonly messagesLeftOut: number;
  /** Events of other kinds that were left out, by type. */
  readonly eventsLeftOut: Readonly<Record<string, number>>;
}
