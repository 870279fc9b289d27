/** What of a feed is what it says it is: it comes over a network, from whatever answers there. */
import type { FeedHello, FeedSampling, FeedTotals } from "../../../src/trace/feed.ts";
import type { NodeDetails, NodeOpinion } from "./source.ts";

type Fields = Readonly<Record<string, unknown>>;

export function isFeedHello(value: unknown): value is FeedHello {
  if (!isRecord(value) || !isRecord(value["about"])) return false;
  const { world, hands, readOnly, about } = value;
  return (
    (world === "live" || world === "simulated") &&
    areNumbers(value, ["at", "startedAt"]) &&
    isListOf(hands, "string") &&
    (readOnly === undefined || typeof readOnly === "string") &&
    typeof about["profile"] === "string" &&
    isRecord(about["options"]) &&
    Object.values(about["options"]).every(isRecord)
  );
}

const sums = "at peers seeds stopped published delivered duplicates copiesSent queuedBytes".split(" ");

export function isFeedTotals(value: unknown): value is FeedTotals {
  if (!isRecord(value) || !areNumbers(value, sums)) return false;
  const { trees, sentBytes, sentMessages, latencyMs, process, simulator } = value;
  return (
    (trees === undefined || areNumbers(trees, ["announced", "grafts", "prunes"])) &&
    isRecordOfNumbers(sentBytes) &&
    isRecordOfNumbers(sentMessages) &&
    areNumbers(latencyMs, ["count", "p50", "p99", "max"]) &&
    (process === undefined ||
      (areNumbers(process, ["cpuShare", "memoryBytes"]) &&
        areNumbers((process as Fields)["eventLoopDelayMs"], ["p50", "p99", "max"]))) &&
    (simulator === undefined || areNumbers(simulator, ["eventsPerSecond", "pendingEvents"]))
  );
}

export function isFeedSampling(value: unknown): value is FeedSampling {
  return (
    areNumbers(value, ["at", "messagesFollowed", "messagesLeftOut"]) &&
    isRecordOfNumbers((value as Fields)["eventsLeftOut"])
  );
}

export function isNodeDetails(value: unknown): value is NodeDetails {
  if (!isRecord(value)) return false;
  const { name, neighbors, members, messages, counters, timers, log } = value;
  return (
    typeof name === "string" &&
    isListWhere(
      neighbors,
      ({ peer, rttMs }) => isNode(peer) && (rttMs === null || typeof rttMs === "number"),
    ) &&
    Array.isArray(members) &&
    members.every(isNode) &&
    isListWhere(
      messages,
      ({ key, at, text }) =>
        typeof key === "string" && typeof at === "number" && (text === undefined || typeof text === "string"),
    ) &&
    isRecordOfNumbers(counters) &&
    isListWhere(timers, ({ name, inMs }) => typeof name === "string" && typeof inMs === "number") &&
    (log === undefined || isListOf(log, "string"))
  );
}

const memberStates: readonly unknown[] = ["alive", "suspect", "failed", "left", "unknown"];

export function isNodeOpinion(value: unknown): value is NodeOpinion {
  return (
    isRecord(value) &&
    memberStates.includes(value["state"]) &&
    isListWhere(
      value["evidence"],
      ({ at, kind, by, through, incarnation, detail }) =>
        areNumbers({ at, incarnation }, ["at", "incarnation"]) &&
        typeof kind === "string" &&
        isNode(by) &&
        Array.isArray(through) &&
        through.every(isNode) &&
        typeof detail === "string",
    )
  );
}

export function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNode(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number";
}

function areNumbers(value: unknown, names: readonly string[]): boolean {
  return isRecord(value) && names.every((name) => Number.isFinite(value[name]));
}

function isRecordOfNumbers(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every(Number.isFinite);
}

function isListOf(value: unknown, type: "string" | "number"): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === type);
}

function isListWhere(value: unknown, passes: (fields: Fields) => boolean): boolean {
  return Array.isArray(value) && value.every((one) => isRecord(one) && passes(one));
}
