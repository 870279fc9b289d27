/**
 * How soon a crash is noticed, and how often a living node is taken for dead: failure detectors in closed form. Times are in milliseconds, rates per node. q is the share of nodes that are alive, p the share of messages lost.
 */
import { exp, log, pow } from "../core/deterministic-math.ts";
import { normalSurprise, normalZ } from "../core/normal-tail.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

const dayMs = 86_400_000;

/** When a crash is noticed, from the moment of the crash: on average, and in 99 of 100 cases. */
export interface DetectionTime {
  readonly meanMs: number;
  readonly p99Ms: number;
}

// ---- Who is probed when -------------------------------------------------------------------------------------------

/**
 * Periods until somebody probes a crashed node, on average: 1/(1 - (1-1/(n-1))^(q(n-1))), and 1/(1-e^-q) for large n:
 * e/(e-1) = 1.58 if all others live (SWIM, section 3.1). It does not grow with n. `alive` above 0, up to 1; n >= 2.
 */
export function swimFirstDetection({
  alive = 1,
  n,
}: {
  readonly alive?: number;
  readonly n?: number;
} = {}): number {
  checkNumber("alive", alive, { above: 0, most: 1 });
  if (n === undefined) return 1 / (1 - exp(-alive));
  checkWhole("n", n, { least: 2 });
  return 1 / (1 - pow(1 - 1 / (n - 1), alive * (n - 1)));
}

/** 2n-1: periods after which one particular node has probed a crashed one for certain, by shuffled lists (SWIM, 4.3). */
export function roundRobinBound({ n }: { readonly n: number }): number {
  checkWhole("n", n, { least: 2 });
  return 2 * n - 1;
}

/**
 * The same as `swimFirstDetection` where all derive one order, and everybody has exactly one prober in each period. If all
 * probe at the same moment of a period it is 1/q - 1/2, from half a period for q = 1; if each has a moment of its own, the
 * next prober may be early or late, and it is q/6 + (1-q)(1/3 + w/2) + 1/6 + w/2 with w = 1/q - 1/2: 7/12 for q = 1.
 */
export function sharedOrderDetection({
  alive = 1,
  phases = "own",
}: {
  readonly alive?: number;
  readonly phases?: "own" | "same";
} = {}): number {
  checkNumber("alive", alive, { above: 0, most: 1 });
  const fromBoundary = 1 / alive - 1 / 2;
  if (phases === "same") return fromBoundary;
  return alive / 6 + (1 - alive) * (1 / 3 + fromBoundary / 2) + 1 / 6 + fromBoundary / 2;
}

/**
 * The share of crashes that nobody has probed after so many periods, by the shared order with own moments. With k whole
 * periods and s of one the average over the moment of the crash is a polynomial in s; (2-t)^3/6 for 1 <= t <= 2 and q = 1.
 */
export function sharedOrderUnprobed({
  periods,
  alive = 1,
}: {
  readonly periods: number;
  readonly alive?: number;
}): number {
  checkNumber("periods", periods, { least: 0 });
  checkNumber("alive", alive, { above: 0, most: 1 });
  const k = Math.floor(periods);
  const s = periods - k;
  const dead = 1 - alive;
  // Of the crash at x, 1-q(1-x) is missed in its own period, and 1-qy in the one that y of the last is left of.
  const integral = (y: number, from: number, to: number) => {
    const at = (x: number) =>
      dead * y * x + (alive * (y - dead) * x * x) / 2 - (alive * alive * x * x * x) / 3;
    return at(to) - at(from);
  };
  const ending = integral(1 + alive - alive * s, 1 - s, 1) * pow(dead, k);
  if (k === 0) return (1 - s) * (1 - alive * s) + ending;
  return integral(1 - alive * s, 0, 1 - s) * pow(dead, k - 1) + ending;
}

// ---- Probes and suspicions ----------------------------------------------------------------------------------------

export interface ProbeFailure {
  readonly loss: number;
  /** Who are asked to try when there is no direct answer. */
  readonly helpers: number;
  /** How often a question over a stream has no answer in time either; 1 where none is asked. Default 1. */
  readonly streamFailure?: number;
}

/**
 * How often a probe of a living node fails: (1-(1-p)^2)(1-(1-p)^4)^k s. Ping and answer are two messages, the way through
 * a helper is four; losses are independent. `loss` and `streamFailure` from 0 to 1, `helpers` >= 0.
 */
export function probeFailure({ loss, helpers, streamFailure = 1 }: ProbeFailure): number {
  checkShare("loss", loss);
  checkWhole("helpers", helpers, { least: 0 });
  checkShare("streamFailure", streamFailure);
  const arrival = 1 - loss;
  return (1 - pow(arrival, 2)) * pow(1 - pow(arrival, 4), helpers) * streamFailure;
}

/** mult max(1, log10 n) intervals: the shortest time that a suspect has to refute (memberlist). n >= 1. */
export function shortestSuspicion({
  n,
  mult,
  intervalMs,
}: {
  readonly n: number;
  readonly mult: number;
  readonly intervalMs: number;
}): number {
  checkWhole("n", n, { least: 1 });
  checkNumber("mult", mult, { above: 0 });
  checkNumber("intervalMs", intervalMs, { above: 0 });
  return mult * Math.max(1, log(n) / Math.LN10) * intervalMs;
}

/**
 * max(min, max - (max-min) log(C+1)/log(K+1)): how long a suspect has after C independent confirmations, of which K make
 * it the shortest (Lifeguard, LHA-Suspicion). With K = 0 it is the shortest at once. C, K >= 0.
 */
export function suspicionTimeout({
  minMs,
  maxMs,
  confirmations,
  expected,
}: {
  readonly minMs: number;
  readonly maxMs: number;
  readonly confirmations: number;
  readonly expected: number;
}): number {
  checkNumber("minMs", minMs, { above: 0 });
  checkNumber("maxMs", maxMs, { least: minMs });
  checkNumber("confirmations", confirmations, { least: 0 });
  checkNumber("expected", expected, { least: 0 });
  if (confirmations >= expected) return minMs;
  return Math.max(minMs, maxMs - ((maxMs - minMs) * log(confirmations + 1)) / log(expected + 1));
}

export interface SwimFalsePositiveOptions extends ProbeFailure {
  readonly n: number;
  readonly intervalMs: number;
  /** How long a suspect has to refute. */
  readonly suspicionMs: number;
  readonly gossipIntervalMs: number;
  readonly gossipFanout: number;
  /** A piece of news is passed on so many times ceil(log10(n+1)). */
  readonly retransmitMult: number;
}

export interface SwimFalsePositives {
  /** Of a living node, by anybody. */
  readonly suspicionsPerNodeDay: number;
  /** Of a suspicion, that somebody gives the living suspect up in the end. */
  readonly unrefuted: number;
  /** A living node is given up, by at least one other. */
  readonly perNodeDay: number;
  /** News of the suspicion, and that of its refutation, have time to reach all; otherwise every suspicion is fatal. */
  readonly isInTime: boolean;
}

/**
 * How often SWIM gives up the living where nothing is wrong but loss.
 *
 * The model: everybody is probed once in each period, and each of these probes fails by itself, with f = `probeFailure`.
 * The suspicion spreads, the suspect hears of it and refutes, the refutation spreads. Of a piece of news each member is
 * sent c = retransmitMult ceil(log10(n+1)) copies on average, each of which arrives with 1-p; so r = e^(-c(1-p)) of the
 * members never hear of it. The suspect is told directly besides. Unrefuted: p r for the suspect that never hears, or
 * else 1-(1-r)^(n-1) for any of the others that never hears its answer. To and fro take 2 log(n)/log(1+b(1-p)) gossip
 * intervals: if the suspicion is shorter than that, all is lost.
 *
 * Its limits: losses are independent, so bursts and one-way cuts are worse; slow members are not in it, which are what
 * Lifeguard is about; comparisons of whole views, which repair what gossip missed, and longer suspicions of few
 * confirmations make it better. So it is a figure for the choice of parameters, good to an order of magnitude.
 *
 * n >= 2, p from 0 to below 1.
 */
export function swimFalsePositives(options: SwimFalsePositiveOptions): SwimFalsePositives {
  const { n, intervalMs, suspicionMs, gossipIntervalMs, gossipFanout, retransmitMult, loss } = options;
  checkWhole("n", n, { least: 2 });
  checkNumber("loss", loss, { least: 0, below: 1 });
  checkNumber("intervalMs", intervalMs, { above: 0 });
  checkNumber("suspicionMs", suspicionMs, { least: 0 });
  checkNumber("gossipIntervalMs", gossipIntervalMs, { above: 0 });
  checkNumber("gossipFanout", gossipFanout, { above: 0 });
  checkNumber("retransmitMult", retransmitMult, { above: 0 });
  const suspicionsPerNodeDay = (dayMs / intervalMs) * probeFailure(options);
  const spreadMs = (gossipIntervalMs * log(n)) / log(1 + gossipFanout * (1 - loss));
  const isInTime = suspicionMs >= 2 * spreadMs;
  const copies = retransmitMult * Math.ceil(log(n + 1) / Math.LN10);
  const missed = exp(-copies * (1 - loss));
  const unheard = loss * missed;
  const unrefuted = isInTime ? unheard + (1 - unheard) * (1 - pow(1 - missed, n - 1)) : 1;
  return { suspicionsPerNodeDay, unrefuted, perNodeDay: suspicionsPerNodeDay * unrefuted, isInTime };
}

/**
 * How often a pair of nodes takes a living one for dead because `misses` heartbeats in a row got lost: a run of losses
 * begins once in each 1/(p^m (1-p)) intervals. Per observed node and day. `loss` from 0 to below 1, `misses` >= 1.
 */
export function missedHeartbeatsPerDay({
  loss,
  misses,
  intervalMs,
}: {
  readonly loss: number;
  readonly misses: number;
  readonly intervalMs: number;
}): number {
  checkNumber("loss", loss, { least: 0, below: 1 });
  checkWhole("misses", misses, { least: 1 });
  checkNumber("intervalMs", intervalMs, { above: 0 });
  return (dayMs / intervalMs) * (1 - loss) * pow(loss, misses);
}

// ---- How soon -----------------------------------------------------------------------------------------------------

export interface SwimDetectionOptions {
  readonly intervalMs: number;
  /** From the first message of a probe to the suspicion. */
  readonly probeMs: number;
  readonly suspicionMs: number;
  readonly order: "shared" | "random";
  readonly alive?: number;
  /** Bounds the wait of the random order. */
  readonly n: number;
}

/**
 * SWIM: wait for a prober, probe, suspicion. By random order, each with its own moments, probers come like the calls of a
 * telephone, q in each period: a wait of 1/q, and ln(100)/q for 99 of 100, at most 2n-1 periods. By shared order
 * `sharedOrderDetection`, and where `sharedOrderUnprobed` is 0.01.
 */
export function swimDetection(options: SwimDetectionOptions): DetectionTime {
  const { intervalMs, probeMs, suspicionMs, order, alive = 1, n } = options;
  checkNumber("intervalMs", intervalMs, { above: 0 });
  checkNumber("probeMs", probeMs, { least: 0 });
  checkNumber("suspicionMs", suspicionMs, { least: 0 });
  checkNumber("alive", alive, { above: 0, most: 1 });
  const bound = roundRobinBound({ n });
  const mean = order === "random" ? 1 / alive : sharedOrderDetection({ alive });
  const p99 = order === "random" ? log(100) / alive : sharedOrderP99(alive);
  const after = probeMs + suspicionMs;
  return {
    meanMs: Math.min(mean, bound) * intervalMs + after,
    p99Ms: Math.min(p99, bound) * intervalMs + after,
  };
}

function sharedOrderP99(alive: number): number {
  let low = 0;
  let high = 2 + log(100) / alive;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (sharedOrderUnprobed({ periods: middle, alive }) > 0.01) low = middle;
    else high = middle;
  }
  return high;
}

export interface PingDetectionOptions {
  readonly intervalMs: number;
  readonly misses: number;
  readonly timeoutMs: number;
  /** Until the witnesses have been heard: another time-out where there are any. */
  readonly verdictMs: number;
  /** Neighbors that ping it, each at its own moments: the first of them counts. Default 1. */
  readonly observers?: number;
}

/**
 * The classic heartbeat: the next ping is u intervals away, misses-1 more follow, the last one times out, witnesses are
 * asked. The least of d uniform u is 1/(d+1) on average, and below 1-0.01^(1/d) in 99 of 100 cases.
 */
export function pingDetection(options: PingDetectionOptions): DetectionTime {
  const { intervalMs, misses, timeoutMs, verdictMs, observers = 1 } = options;
  checkNumber("intervalMs", intervalMs, { above: 0 });
  checkWhole("misses", misses, { least: 1 });
  checkNumber("timeoutMs", timeoutMs, { least: 0 });
  checkNumber("verdictMs", verdictMs, { least: 0 });
  checkWhole("observers", observers, { least: 1 });
  const after = (misses - 1) * intervalMs + timeoutMs + verdictMs;
  return {
    meanMs: intervalMs / (observers + 1) + after,
    p99Ms: intervalMs * (1 - pow(0.01, 1 / observers)) + after,
  };
}

export interface SilenceDetectionOptions {
  readonly intervalMs: number;
  /** A silence of this length makes a suspect: fixed, or where phi reaches its threshold (`phiSilence`). */
  readonly limitMs: number;
  /** Of one message. Default 0. */
  readonly latencyMs?: number;
}

/**
 * Heartbeats of all to all: the last one was sent u intervals before the crash, and the limit counts from its arrival. All
 * observers notice it together. The mean is limit - interval/2 + latency.
 */
export function silenceDetection({
  intervalMs,
  limitMs,
  latencyMs = 0,
}: SilenceDetectionOptions): DetectionTime {
  checkNumber("intervalMs", intervalMs, { above: 0 });
  checkNumber("limitMs", limitMs, { least: intervalMs });
  checkNumber("latencyMs", latencyMs, { least: 0 });
  return {
    meanMs: limitMs - intervalMs / 2 + latencyMs,
    p99Ms: limitMs - 0.01 * intervalMs + latencyMs,
  };
}

/** The first, a random and the last of all observers. */
export interface GossipDetection {
  readonly firstMs: number;
  readonly meanMs: number;
  readonly lastMs: number;
}

/**
 * Heartbeats by gossip: the last counter began to spread u intervals before the crash, reached an observer after D, and the
 * silence counts from there: t_fail - interval/2 + D. Each node compares with one other in each interval, at its own
 * moments, so i of n who know it become more at the rate i(n-i)/(n-1) times a = (1-p)^2 + (1-p)^3 per interval, for
 * question and answer, and the second answer: D is the mean of the random process. Exact without loss but for the latency of
 * messages. n from 2 to 10^6, `loss` from 0 to below 1.
 */
export function gossipDetection({
  n,
  intervalMs,
  failMs,
  loss = 0,
}: {
  readonly n: number;
  readonly intervalMs: number;
  readonly failMs: number;
  readonly loss?: number;
}): GossipDetection {
  checkWhole("n", n, { least: 2, most: 1e6 });
  checkNumber("intervalMs", intervalMs, { above: 0 });
  checkNumber("failMs", failMs, { least: intervalMs });
  checkNumber("loss", loss, { least: 0, below: 1 });
  const arrival = 1 - loss;
  const rate = pow(arrival, 2) + pow(arrival, 3);
  const base = failMs - intervalMs / 2;
  let reached = 0;
  let first = 0;
  let sum = 0;
  for (let i = 1; i < n; i++) {
    reached += (n - 1) / (rate * i * (n - i));
    if (i === 1) first = reached;
    sum += reached;
  }
  return {
    firstMs: base + first * intervalMs,
    meanMs: base + (sum / (n - 1)) * intervalMs,
    lastMs: base + reached * intervalMs,
  };
}

// ---- Phi ----------------------------------------------------------------------------------------------------------

export interface PhiLaw {
  /** Law of the intervals between heartbeats. `normal`: Hayashibara et al. 2004; `exponential`: Cassandra. */
  readonly model: "normal" | "exponential";
  readonly meanMs: number;
  /** Of the normal law. */
  readonly deviationMs?: number;
}

function checkPhiLaw({ model, meanMs, deviationMs = 0 }: PhiLaw): number {
  checkNumber("meanMs", meanMs, { above: 0 });
  if (model === "normal") checkNumber("deviationMs", deviationMs, { above: 0 });
  return deviationMs;
}

/** phi = -log10 P(interval > silence): t/(mean ln 10) if exponential. `silenceMs` >= 0. */
export function phiAfter({ silenceMs, ...law }: PhiLaw & { readonly silenceMs: number }): number {
  const deviationMs = checkPhiLaw(law);
  checkNumber("silenceMs", silenceMs, { least: 0 });
  if (law.model === "exponential") return silenceMs / (law.meanMs * Math.LN10);
  return normalSurprise((silenceMs - law.meanMs) / deviationMs);
}

/**
 * The silence at which phi reaches the threshold: 18.4 means for 8 if exponential; mean + 5.61 deviations if normal.
 * `threshold` above 0.
 */
export function phiSilence({ threshold, ...law }: PhiLaw & { readonly threshold: number }): number {
  const deviationMs = checkPhiLaw(law);
  checkNumber("threshold", threshold, { above: 0 });
  if (law.model === "exponential") return threshold * Math.LN10 * law.meanMs;
  return law.meanMs + normalZ(threshold) * deviationMs;
}
