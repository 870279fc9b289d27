/** What of a feed is what it says it is: it comes over a network, from whatever answers there. */
import type { FeedHello, FeedSampling, FeedTotals } from "../../../src/trace/feed.ts";
import type { NodeDetails } from "./source.ts";

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
