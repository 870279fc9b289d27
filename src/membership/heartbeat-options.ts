/** Every tunable of the classic heartbeat, and how many misses to wait for. */
import { defineOptions, UsageError } from "../core/index.ts";
import { maxWitnesses } from "./messages.ts";

export interface HeartbeatOptions {
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  readonly misses: number;
  readonly pingFailureRate: number;
  readonly falseAlarmRate: number;
  readonly witnesses: number;
  readonly quorum: number;
}

export const heartbeatOptions = defineOptions<HeartbeatOptions>({
  pingIntervalMs: {
    default: 13_000,
    min: 20,
    max: 3_600_000,
    description: "How often each neighbor is pinged (13 s: both reports)",
  },
  pingTimeoutMs: {
    default: 0,
    min: 0,
    max: 600_000,
    description: "How long an answer may take; 0 means 30 % of the ping interval (guess)",
  },
  misses: {
    default: 3,
    min: 1,
    max: 1000,
    description: "Unanswered pings in a row before suspicion (3: both reports)",
  },
  pingFailureRate: {
    default: 0,
    min: 0,
    max: 0.99,
    isFraction: true,
    description:
      "The p of the report: how often one ping fails though both are alive; above 0 it replaces --misses",
  },
  falseAlarmRate: {
    default: 0.001,
    min: 1e-12,
    max: 0.5,
    isFraction: true,
    description: "With --ping-failure-rate: wait for so many misses that p^misses is at most this (guess)",
  },
  witnesses: {
    default: 3,
    min: 0,
    max: maxWitnesses,
    description: "How many other neighbors of a suspect are asked to try (3: SWIM and memberlist)",
  },
  quorum: {
    default: 1,
    min: 1,
    max: maxWitnesses + 1,
    flag: "heartbeat-quorum",
    description:
      "Peers, ourselves among them, that must say that a neighbor is silent before it is given up, however long it takes; 1: it is enough that no witness reaches it",
  },
});

/**
 * The least m with p^m <= limit: how many misses in a row to wait for (the seed report, section 6, read the
 * sensible way round). Throws `UsageError` unless 0 < p < 1 and 0 < limit < 1.
 */
export function missesFor(pingFailureRate: number, falseAlarmRate: number): number {
  if (!(pingFailureRate > 0 && pingFailureRate < 1))
    throw new UsageError(`pingFailureRate: ${pingFailureRate} is not between 0 and 1`);
  if (!(falseAlarmRate > 0 && falseAlarmRate < 1))
    throw new UsageError(`falseAlarmRate: ${falseAlarmRate} is not between 0 and 1`);
  let misses = 1;
  for (let chance = pingFailureRate; chance > falseAlarmRate * (1 + 1e-12); chance *= pingFailureRate)
    misses++;
  return misses;
}
