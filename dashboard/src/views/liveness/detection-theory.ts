/**
 * When a failure should be noticed, from the options of the heartbeat (docs/protocols/classic.md). A neighbor pings
 * every T; a failure falls anywhere between two pings:
 *
 *     failure    ping 1   …   ping m        suspected        given up          removed
 *        ├─ 0 to T ─┤─ (m-1) T ─┤── time-out ──┤── time-out ──────┤── call-back ────┤
 *
 * With the defaults the m-th ping is unanswered 26 to 39 s after the failure.
 */

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
  /** The last of the unanswered pings is sent. */
  readonly lastPing: Range;
  readonly suspected: Range;
  /** Others have tried in vain. */
  readonly failed: Range;
  /** A seed has called in vain, and enough have reported. */
  readonly removed: Range;
}

/** Undefined where the options do not say how the network watches. */
export function detectionTimes(
  options: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined,
): DetectionTimes | undefined {
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
}: DetectionTimes): DetectionRanges {
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
