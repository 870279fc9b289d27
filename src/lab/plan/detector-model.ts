/**
 * What a failure detector is expected to do, from its options: how soon it gives up who has crashed, how often it gives up
 * who lives, and what it sends. Losses are independent of each other and nobody is slow: a network whose processes stand
 * still, or whose losses come in bursts, has more false positives than any figure here.
 */
import { log, pow } from "../../core/deterministic-math.ts";
import type { Millis } from "../../core/index.ts";
import type { HeartbeatOptions } from "../../membership/heartbeat-options.ts";
import type { SwimOptions } from "../../membership/swim-options.ts";
import { pingTraffic, swimTraffic } from "../../theory/detector-traffic.ts";
import {
  probeFailure,
  shortestSuspicion,
  suspicionTimeout,
  swimFalsePositives,
} from "../../theory/failure-detection.ts";
import { retransmitMs } from "./delay-law.ts";
import type { FrameSizes } from "./frame-sizes.ts";
import type { Wish } from "./wish.ts";

export interface DetectorPrediction {
  /** Until the first who watches it has given a crashed node up. */
  readonly firstP50Ms: Millis;
  readonly firstP99Ms: Millis;
  /** Until all of them have, in 99 of 100 crashes. */
  readonly allP99Ms: Millis;
  /** Suspicions of the living, per node and day: what a refutation has to be in time for. */
  readonly suspicionsPerNodeDay: number;
  /** How long a process may stand still without being given up, at the worst moment. */
  readonly patienceMs: Millis;
  readonly falsePositivesPerNodeDay: number;
  readonly bytesPerSecond: number;
}

const dayMs = 86_400_000;
/** Pauses of streams, until nothing is left of their chances. */
const mostLosses = 8;

// ---- SWIM ----------------------------------------------------------------------------------------------------------

/** How many watch one node: everybody where views are full, its neighbors where they are not. */
export function isFullView({ nodes }: Pick<Wish, "nodes">, { fullViewMembers }: SwimOptions): boolean {
  return nodes <= fullViewMembers;
}

export function predictSwim(
  wish: Wish,
  options: SwimOptions,
  degree: number,
  sizes: FrameSizes,
): DetectorPrediction {
  const { nodes, loss, rttMs } = wish;
  const isFull = isFullView(wish, options);
  const { probeIntervalMs: interval } = options;
  const neighbors = Math.min(degree, nodes - 1);
  const helpers = Math.max(0, Math.min(options.helpers, (isFull ? nodes - 1 : neighbors) - 1));
  // A partial view is as large as a full one may be.
  const members = isFull ? nodes : options.fullViewMembers;
  const shortest = shortestSuspicion({ n: members, mult: options.suspicionMult, intervalMs: interval });
  // Everybody is probed once in an interval where all agree on the order; neighbors ask each of theirs in turn.
  const everyMs = isFull ? interval : neighbors * interval;
  const verdicts = verdictsOf(wish, options, shortest, helpers);
  const first = { everyMs, within: isFull ? once : leastOf(neighbors), verdicts };
  const all = { everyMs, within: isFull ? once : greatestOf(neighbors), verdicts };
  const streamFailure = streamTooLate(loss, interval - options.probeTimeoutMs - 4.5 * rttMs);
  const suspicions = (dayMs / interval) * probeFailure({ loss, helpers, streamFailure });
  const falsePositives = isFull
    ? swimFalsePositives({
        ...options,
        loss,
        helpers,
        streamFailure,
        n: nodes,
        intervalMs: interval,
        suspicionMs: shortest,
      }).perNodeDay
    : suspicions * unrefuted(wish, options, neighbors);
  return {
    firstP50Ms: quantile(first, 0.5),
    firstP99Ms: quantile(first, 0.99),
    allP99Ms: quantile(all, 0.99) + (isFull ? spreadMs(options, nodes) : 0),
    suspicionsPerNodeDay: suspicions,
    patienceMs: Math.round(interval + shortest),
    falsePositivesPerNodeDay: falsePositives,
    bytesPerSecond: swimBytes(wish, options, helpers, isFull, sizes),
  };
}

/** From the probe to the verdict: the probe's interval, and a suspicion that helpers who were reached make shorter. */
function verdictsOf(
  { loss }: Wish,
  { suspicionMaxMult, confirmations, probeIntervalMs }: SwimOptions,
  minMs: Millis,
  helpers: number,
): Verdict[] {
  const maxMs = minMs * suspicionMaxMult;
  return Array.from({ length: helpers + 1 }, (_, confirmed) => ({
    chance: binomial(helpers, confirmed, (1 - loss) * (1 - loss)),
    ms:
      probeIntervalMs + suspicionTimeout({ minMs, maxMs, expected: confirmations, confirmations: confirmed }),
  }));
}

/** News among all: rounds of gossip that grow by the fan-out, and one more. */
function spreadMs({ gossipIntervalMs, gossipFanout }: SwimOptions, members: number): Millis {
  return gossipIntervalMs * (1 + Math.ceil(log(members) / log(1 + gossipFanout)));
}

/** Question and answer on a stream take longer than that, for the times that they are lost. */
function streamTooLate(loss: number, leftMs: Millis): number {
  if (leftMs < 0) return 1;
  let inTime = 0;
  for (let there = 0; there <= mostLosses; there++)
    for (let back = 0; back <= mostLosses; back++) {
      const ms = retransmitMs * (2 ** there - 1 + (2 ** back - 1));
      if (ms <= leftMs) inTime += pow(loss, there) * pow(loss, back) * (1 - loss) * (1 - loss);
    }
  return Math.max(0, 1 - inTime);
}

/**
 * Of a partial view: the accuser alone has to be told that its suspect lives. It tells the suspect directly, and its gossip,
 * which goes to its neighbors, does so again; the suspect's answer is gossip among its own neighbors.
 */
function unrefuted(
  { loss, nodes }: Wish,
  { retransmitMult, fullViewMembers }: SwimOptions,
  neighbors: number,
): number {
  const copies = retransmitMult * Math.ceil(log(Math.min(nodes, fullViewMembers) + 1) / log(10));
  const each = copies / neighbors;
  return Math.min(1, pow(loss, 1 + each) + pow(loss, each));
}

function swimBytes(
  { loss }: Wish,
  { probeIntervalMs: intervalMs, syncIntervalMs }: SwimOptions,
  helpers: number,
  isFull: boolean,
  { probe, probeAnswer, syncCompare, syncOfSamples }: FrameSizes,
): number {
  const { bytes } = swimTraffic({ intervalMs, loss, helpers, pingBytes: probe, ackBytes: probeAnswer });
  // Twice as rarely above 32 members, three times above 64, …; equal views need no more than the question.
  const comparison = isFull ? syncCompare : syncOfSamples / 4;
  return bytes + (1000 * comparison) / syncIntervalMs;
}

/** A link that carries other messages is held up by their losses, too; measured at 20 % loss, rounded up. */
const busyLinks = 2;

// ---- The classic heartbeat -----------------------------------------------------------------------------------------

/** Every neighbor is pinged over its link; silent ones are asked about among their other neighbors. */
export function predictHeartbeat(
  wish: Wish,
  options: HeartbeatOptions,
  degree: number,
  { ping, pingReply }: FrameSizes,
): DetectorPrediction {
  const { rttMs, loss, nodes } = wish;
  const { pingIntervalMs: interval, misses, witnesses } = options;
  const timeout = options.pingTimeoutMs === 0 ? interval * 0.3 : options.pingTimeoutMs;
  const watchers = Math.min(degree, nodes - 1);
  // The next ping, then as many as may be missed, then those of the witnesses.
  const verdicts = [{ chance: 1, ms: (misses - 1) * interval + 2 * timeout }];
  const first = { everyMs: interval, within: leastOf(watchers), verdicts };
  const all = { everyMs: interval, within: greatestOf(watchers), verdicts };
  // Pings that are missed one by one, or all together behind one that the stream sends again and again.
  const missed = streamTooLate(loss, timeout - 1.5 * rttMs);
  const heldUp = streamTooLate(loss, (misses - 1) * interval + timeout - 1.5 * rttMs);
  const suspicions = (dayMs / interval) * watchers * Math.min(1, pow(missed, misses) + heldUp);
  // To a witness, to the suspect, and back: twice two ways, each behind what else is said on that link.
  const unasked = Math.min(1, busyLinks * streamTooLate(loss, (timeout - 3 * rttMs) / 2));
  const unwitnessed = pow(unasked, Math.max(0, Math.min(witnesses, watchers - 1)));
  return {
    firstP50Ms: quantile(first, 0.5),
    firstP99Ms: quantile(first, 0.99),
    allP99Ms: quantile(all, 0.99),
    suspicionsPerNodeDay: suspicions,
    patienceMs: Math.round(verdicts[0]!.ms),
    falsePositivesPerNodeDay: suspicions * unwitnessed,
    bytesPerSecond: pingTraffic({
      ...{ degree: watchers, intervalMs: interval, pingBytes: ping, replyBytes: pingReply },
    }).bytes,
  };
}

// ---- Waiting for one of several ------------------------------------------------------------------------------------

interface Verdict {
  readonly chance: number;
  readonly ms: Millis;
}

/** Somebody's turn comes within `everyMs`, and then one of the verdicts. */
interface Detection {
  readonly everyMs: Millis;
  /** The chance that it has come after that share of the time. */
  readonly within: (share: number) => number;
  readonly verdicts: readonly Verdict[];
}

const once = (share: number) => share;
/** The first of several that come at random moments. */
const leastOf = (count: number) => (share: number) => 1 - pow(1 - share, count);
/** The last of them. */
const greatestOf = (count: number) => (share: number) => pow(share, count);

/** The least time within which the share of all crashes is detected, to the millisecond. */
function quantile({ everyMs, within, verdicts }: Detection, share: number): Millis {
  const detected = (ms: Millis) =>
    verdicts.reduce(
      (sum, verdict) => sum + verdict.chance * within(Math.max(0, Math.min(1, (ms - verdict.ms) / everyMs))),
      0,
    );
  let low = 0;
  let high = everyMs + Math.max(...verdicts.map(({ ms }) => ms));
  while (high - low > 1) {
    const middle = (low + high) / 2;
    if (detected(middle) >= share - 1e-12) high = middle;
    else low = middle;
  }
  return Math.ceil(high);
}

function binomial(count: number, successes: number, chance: number): number {
  let ways = 1;
  for (let i = 0; i < successes; i++) ways = (ways * (count - i)) / (i + 1);
  return ways * pow(chance, successes) * pow(1 - chance, count - successes);
}
