/** What failure detectors send while nothing happens. p is the share of messages lost. */
import { pow } from "../core/deterministic-math.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

/** What a node sends in a second while nothing happens. */
export interface DetectorTraffic {
  readonly messages: number;
  readonly bytes: number;
}

/** The classic heartbeat: a ping to each of d neighbors, and an answer to each: 2d messages an interval, whatever n. */
export function pingTraffic({
  degree,
  intervalMs,
  pingBytes,
  replyBytes,
}: {
  readonly degree: number;
  readonly intervalMs: number;
  readonly pingBytes: number;
  readonly replyBytes: number;
}): DetectorTraffic {
  checkNumber("degree", degree, { least: 0 });
  checkNumber("intervalMs", intervalMs, { above: 0 });
  const pings = (degree * 1000) / intervalMs;
  return { messages: 2 * pings, bytes: pings * (pingBytes + replyBytes) };
}

/** All to all: n-1 messages an interval. n >= 1. */
export function allToAllTraffic({
  n,
  intervalMs,
  heartbeatBytes,
}: {
  readonly n: number;
  readonly intervalMs: number;
  readonly heartbeatBytes: number;
}): DetectorTraffic {
  checkWhole("n", n, { least: 1 });
  checkNumber("intervalMs", intervalMs, { above: 0 });
  const messages = ((n - 1) * 1000) / intervalMs;
  return { messages, bytes: messages * heartbeatBytes };
}

/**
 * Gossip by digests: three messages an interval, of which the first tells of all n endpoints. Of those that differ half are
 * wanted back and half are sent at once: n(digest + differ(digest/2 + delta)) bytes beside
 * what is around the messages. `differ` is 1 at most: on average less,
 * since the two may have heard the same. `loss` makes answers rarer: 1 + (1-p) + (1-p)^2 messages.
 */
export function gossipHeartbeatTraffic({
  n,
  intervalMs,
  messageBytes,
  digestBytes,
  deltaBytes,
  differ = 1,
  loss = 0,
}: {
  readonly n: number;
  readonly intervalMs: number;
  /** Of a message with nothing in it. */
  readonly messageBytes: number;
  readonly digestBytes: number;
  readonly deltaBytes: number;
  readonly differ?: number;
  readonly loss?: number;
}): DetectorTraffic {
  checkWhole("n", n, { least: 1 });
  checkNumber("intervalMs", intervalMs, { above: 0 });
  checkShare("differ", differ);
  checkShare("loss", loss);
  const arrival = 1 - loss;
  const rate = 1000 / intervalMs;
  const answers = differ * (arrival * (digestBytes + deltaBytes) + arrival * arrival * deltaBytes) * 0.5;
  const messages = rate * (1 + arrival + arrival * arrival);
  return { messages, bytes: messages * messageBytes + rate * n * (digestBytes + answers) };
}

/**
 * SWIM: a ping and, on average, an answer in each period, whatever n. Where the direct way fails, with 1-(1-p)^2, k helpers
 * are asked: a request each, of which (1-p) become pings, (1-p)^2 answers, and as many are passed back.
 */
export function swimTraffic({
  intervalMs,
  loss = 0,
  helpers,
  pingBytes,
  ackBytes,
}: {
  readonly intervalMs: number;
  readonly loss?: number;
  readonly helpers: number;
  readonly pingBytes: number;
  readonly ackBytes: number;
}): DetectorTraffic {
  checkNumber("intervalMs", intervalMs, { above: 0 });
  checkShare("loss", loss);
  checkWhole("helpers", helpers, { least: 0 });
  const arrival = 1 - loss;
  const errands = (1 - arrival * arrival) * helpers;
  const pings = 1 + errands * (1 + arrival);
  const acks = arrival + errands * (pow(arrival, 2) + pow(arrival, 3));
  const rate = 1000 / intervalMs;
  return { messages: rate * (pings + acks), bytes: rate * (pings * pingBytes + acks * ackBytes) };
}
