/** How long a suspicion may be refuted: Lifeguard's dynamic time-out (Dadgar, Phillips, Currey 2017, 3.2). */
import { log } from "../core/deterministic-math.ts";

export interface SuspicionTime {
  readonly minMs: number;
  readonly maxMs: number;
  /** Independent suspicions beside the first. */
  readonly confirmations: number;
  /** So many make it the shortest. */
  readonly expected: number;
}

/** max - (max - min) * log(C + 1) / log(K + 1), and never less than min. */
export function suspicionTimeoutMs({ minMs, maxMs, confirmations, expected }: SuspicionTime): number {
  if (confirmations >= expected) return Math.floor(minMs);
  const share = log(confirmations + 1) / log(expected + 1);
  return Math.floor(Math.max(minMs, maxMs - (maxMs - minMs) * share));
}

/** So many probe intervals, times the decimal logarithm of the number of members where that is above 1. */
export function shortestSuspicionMs(mult: number, probeIntervalMs: number, members: number): number {
  return mult * probeIntervalMs * Math.max(1, log(members) / log(10));
}
