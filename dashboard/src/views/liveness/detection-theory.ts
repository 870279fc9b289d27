/**
 * When a failure should be noticed, from the options of the network. In the modern profile as swim-detection.ts says. In
 * the classic one by the heartbeat (docs/protocols/classic.md): a neighbor pings every T, and a failure falls anywhere
 * between two pings:
 *
 *     failure    ping 1   …   ping m        suspected        given up          removed
 *        ├─ 0 to T ─┤─ (m-1) T ─┤── time-out ──┤── time-out ──────┤── call-back ────┤
 *
 * With the defaults the m-th ping is unanswered 26 to 39 s after the failure.
 */

import { formatTime } from "../../drawing/quantities.ts";
import { profileIn } from "../../sources/trace-about.ts";
import { swimTheory } from "./swim-detection.ts";

export type OptionsInForce = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What theory says of the failures of a network. */
export interface DetectionTheory {
  readonly type: "theory";
  readonly ranges: DetectionRanges;
  /** When the first gives it up, on average; undefined where nobody watched it. */
  readonly meanFirstMs: (failure: {
    readonly kind: "crashed" | "paused";
    readonly neighbors: number;
  }) => number | undefined;
  /** What the dashed ranges are. */
  readonly text: string;
  /** Why some are noticed later. */
  readonly late: string;
}

export interface NoTheory {
  readonly type: "none";
  readonly why: string;
}

export interface WatchedNetwork {
  readonly options: OptionsInForce | undefined;
  /** Who is there at the moment, seeds too. */
  readonly members: number;
  /** Who dies breaks connections that others hold: live, and over simulated streams. */
  readonly hasConnections: boolean;
}

export function detectionTheory({ options, ...network }: WatchedNetwork): DetectionTheory | NoTheory {
  if (options !== undefined && profileIn(options) === "modern") {
    try {
      return swimTheory({ options, ...network });
    } catch (error) {
      // A recorded run can say anything of itself.
      return {
        type: "none",
        why: `Its options are none: ${error instanceof Error ? error.message : error}.`,
      };
    }
  }
  const times = detectionTimes(options);
  return times === undefined ? { type: "none", why: "" } : heartbeatTheory(times);
}

function heartbeatTheory(times: DetectionTimes): DetectionTheory {
  const ranges = detectionRanges(times);
  const { pingIntervalMs, timeoutMs, misses } = times;
  const { from, to } = ranges.lastPing;
  return {
    type: "theory",
    ranges,
    meanFirstMs: ({ neighbors }) => (neighbors === 0 ? undefined : expectedFirst(ranges.failed, neighbors)),
    text: `Dashed: what the heartbeat promises, with a ping every ${formatTime(pingIntervalMs)}, ${misses} misses and a time-out of ${formatTime(timeoutMs)}: the last missed ping is sent ${formatTime(from)} to ${formatTime(to)} after the failure.`,
    late: "what a peer had sent before it failed is a sign of life when it arrives, and who is behind with its own timers waits once more before it judges.",
  };
}

export interface DetectionTimes {
  readonly pingIntervalMs: number;
  readonly timeoutMs: number;
  readonly misses: number;
  readonly callBackMs: number;
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface DetectionRanges {
  readonly suspected: Range;
  /** The first who watches it has given it up. */
  readonly failed: Range;
  /** Seeds have taken it from their lists. */
  readonly removed: Range;
}

interface HeartbeatRanges extends DetectionRanges {
  /** The last of the unanswered pings is sent. */
  readonly lastPing: Range;
}

/** Undefined where the options do not say how the network watches. */
export function detectionTimes(options: OptionsInForce | undefined): DetectionTimes | undefined {
  const { pingIntervalMs, pingTimeoutMs, misses, pingFailureRate, falseAlarmRate } =
    options?.["heartbeat"] ?? {};
  if (typeof pingIntervalMs !== "number" || typeof misses !== "number") return undefined;
  const timeoutMs =
    typeof pingTimeoutMs === "number" && pingTimeoutMs > 0 ? pingTimeoutMs : Math.ceil(pingIntervalMs * 0.3);
  const callBackMs = options?.["registry"]?.["callBackTimeoutMs"];
  return {
    pingIntervalMs,
    timeoutMs,
    misses: wantedMisses(pingFailureRate, falseAlarmRate) ?? misses,
    callBackMs: typeof callBackMs === "number" ? callBackMs : 0,
  };
}

export function detectionRanges({
  pingIntervalMs,
  timeoutMs,
  misses,
  callBackMs,
}: DetectionTimes): HeartbeatRanges {
  const lastPing = { from: (misses - 1) * pingIntervalMs, to: misses * pingIntervalMs };
  const suspected = later(lastPing, timeoutMs);
  const failed = later(suspected, timeoutMs);
  return { lastPing, suspected, failed, removed: later(failed, callBackMs) };
}

/** The first of so many who watch at moments of their own: the mean of the least of n uniform draws. */
export function expectedFirst({ from, to }: Range, watchers: number): number {
  return from + (to - from) / (watchers + 1);
}

function later({ from, to }: Range, byMs: number): Range {
  return { from: from + byMs, to: to + byMs };
}

/** So many misses that p to their power is rare enough, where the network was told a p. */
function wantedMisses(failureRate: unknown, falseAlarmRate: unknown): number | undefined {
  if (typeof failureRate !== "number" || typeof falseAlarmRate !== "number") return undefined;
  if (!(failureRate > 0 && failureRate < 1 && falseAlarmRate > 0 && falseAlarmRate < 1)) return undefined;
  return Math.ceil(Math.log(falseAlarmRate * (1 + 1e-12)) / Math.log(failureRate) - 1e-9);
}
