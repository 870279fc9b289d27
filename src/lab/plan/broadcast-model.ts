/**
 * What a broadcast is expected to do: who has a message when, and what a node sends for it.
 *
 * Over an overlay that is a random graph of one degree d the share of nodes farther than h hops from a source is
 * exp(-d/(d-2) (d-1)^h / n): two balls of h/2 hops that do not meet. At n = 10,000 and d = 5 the mean is 6.36 hops; Leitão,
 * Pereira and Rodrigues (2007) measured 6.385. A hop takes half a round trip, from half to three halves of that, and what
 * the stream needs for losses.
 *
 *     flood      each node sends to all neighbors but one            the shortest way counts
 *     plumtree   to its children in the tree; ids to the rest        the tree is longer than the shortest ways
 *     rumor      calls of rounds, ids before payloads                rumorRounds of theory
 */
import { exp, log, pow } from "../../core/deterministic-math.ts";
import type { Millis } from "../../core/index.ts";
import { type BroadcastOptions, broadcastOptions } from "../../dissemination/broadcast-options.ts";
import { type HyParViewOptions, hyParViewOptions } from "../../membership/hyparview-options.ts";
import { swimOptions } from "../../membership/swim-options.ts";
import { floodRedundancy } from "../../theory/flood-cost.ts";
import { rumorRounds } from "../../theory/rumor-rounds.ts";
import { DelayLaw, retransmitMs, streamLossLaw } from "./delay-law.ts";
import type { FrameSizes } from "./frame-sizes.ts";
import type { Wish } from "./wish.ts";

export interface BroadcastPrediction {
  /** Share of (message, node) within the time that is wished. */
  readonly delivered: number;
  readonly p50Ms: Millis;
  readonly p9999Ms: Millis;
  readonly bytesPerSecond: number;
}

/** Beyond the last hop that anybody needs. */
const mostHops = 64;
/** Ways in a tree over those in the graph: 12 hops where 9 would do (HyParView and Plumtree, N = 10,000, links of 10-50 ms). */
const treeStretch = 4 / 3;
/** The same without a tree for each source, where it never settles: 21 to 27 hops. */
const sharedStretch = 8 / 3;
/** Copies beyond the one that is needed, with latencies that change with each message: measured .028 with a tree for each source, .38 with one for all. */
const treeRedundancy = 0.03;
const sharedRedundancy = 0.4;

/** The share of nodes so many hops away, from 1. */
export function hopShares(nodes: number, degree: number): number[] {
  if (degree >= nodes - 1) return [0, 1];
  const shares = [0];
  let farther = 1;
  for (let hop = 1; hop < mostHops && farther > 1e-12; hop++) {
    const beyond = exp((-degree / (degree - 2 + 1e-9)) * (pow(degree - 1, hop) / nodes));
    const rest = Math.min(farther, beyond);
    shares.push(farther - rest);
    farther = rest;
  }
  return shares;
}

/** From one node to a neighbor: the way and its losses. */
export function hopLaw({ rttMs, loss }: Pick<Wish, "rttMs" | "loss">, rangeMs: Millis): DelayLaw {
  return DelayLaw.uniform(rttMs / 4, (3 * rttMs) / 4, rangeMs).plus(streamLossLaw(loss, rangeMs));
}

/** Without comparisons of histories, which bring what is still missing much later. */
export function predictBroadcast(
  wish: Wish,
  degree: number,
  options: Partial<BroadcastOptions>,
  sizes: FrameSizes,
): BroadcastPrediction {
  const complete = broadcastOptions(options);
  const { method } = complete;
  const isTree = method === "plumtree";
  const isOwnTree = (60 * wish.messagesPerSecond) / wish.publishers >= complete.ownTreePerMinute;
  const stretch = isTree ? (isOwnTree ? treeStretch : sharedStretch) : 1;
  const law = deliveryLaw(wish, degree, stretch);
  const perMessage = isTree
    ? plumtreeBytes(wish, degree, complete.tickMs, isOwnTree, sizes)
    : floodBytes(wish, degree, sizes);
  return {
    delivered: law.within(wish.withinMs),
    p50Ms: law.quantile(0.5),
    p9999Ms: law.quantile(0.9999),
    bytesPerSecond: wish.messagesPerSecond * perMessage,
  };
}

/** From the publication to a node that is drawn at random. */
function deliveryLaw(wish: Wish, degree: number, stretch: number): DelayLaw {
  const shares = hopShares(wish.nodes, degree);
  // Far enough for what is wished, and for the 1 in 10,000 of longer ways.
  const rangeMs = Math.max(4 * wish.withinMs, shares.length * stretch * 2 * wish.rttMs);
  const hop = hopLaw(wish, rangeMs);
  const parts: [number, DelayLaw][] = [];
  let law = DelayLaw.none(rangeMs);
  let hops = 0;
  for (let distance = 1; distance < shares.length; distance++) {
    const longer = Math.round(1 + (distance - 1) * stretch);
    for (; hops < longer; hops++) law = law.plus(hop);
    if (shares[distance]! > 0) parts.push([shares[distance]!, law]);
  }
  return DelayLaw.mixed(parts);
}

function floodBytes({ nodes }: Wish, degree: number, sizes: FrameSizes): number {
  const links = Math.max(nodes - 1, Math.floor((nodes * Math.min(degree, nodes - 1)) / 2));
  return (1 + floodRedundancy({ nodes, links })) * sizes.gossip;
}

/** A copy for each node, and to each lazy neighbor the id: several in one announcement where they come fast. */
function plumtreeBytes(
  { nodes, messagesPerSecond }: Wish,
  degree: number,
  tickMs: Millis,
  isOwnTree: boolean,
  { gossip, announcement, announced }: FrameSizes,
): number {
  const lazy = Math.max(0, Math.min(degree, nodes - 1) - 2);
  const perTick = Math.max(1, (messagesPerSecond * tickMs) / 1000);
  const id = announced + (announcement - announced) / perTick;
  const redundancy = isOwnTree ? treeRedundancy : sharedRedundancy;
  return (1 + redundancy) * gossip + lazy * id;
}

/**
 * Rumors in rounds, with neighbors as partners. `rumorRounds` has anybody for a partner; on a random graph of degree d news
 * is slower, as push is: by C(d) = 1/ln(2(1-1/d)) - 1/(d ln(1-1/d)) over C(infinity) = 1/ln 2 + 1 (Fountoulakis and
 * Panagiotou 2010). That push-pull is slower by as much is a guess. The curve is made once, for all degrees.
 */
export function rumorPrediction(
  wish: Wish,
  options: Partial<BroadcastOptions>,
  { call, offer, gossip }: FrameSizes,
): (degree: number) => BroadcastPrediction {
  const { nodes: n, rttMs, loss, messagesPerSecond } = wish;
  const { roundMs, mode, stop, hasFeedback, stopAfter } = broadcastOptions(options);
  // Call, answer, and what was wanted: three ways to push, two to pull. A loss makes a way longer by its mean.
  const wayRounds = (rttMs / 2 + loss * retransmitMs) / roundMs;
  const transferRounds = { push: 3 * wayRounds, pull: 2 * wayRounds };
  const curve = rumorRounds({ n, mode, stop, hasFeedback, stopAfter, transferRounds });
  const { rounds, susceptible, infected } = curve;
  // A round of one node after the other is as many entries of the curve.
  const perRound = rounds.length / rounds.at(-1)!;
  const hotRounds = infected.reduce((sum, share) => sum + share, 0) / perRound;
  // Everybody calls in every round, and is called; what is hot is offered by either side.
  const callsPerSecond = 1000 / roundMs;
  const bytesPerSecond = 2 * callsPerSecond * call + messagesPerSecond * (gossip + 2 * hotRounds * offer);
  return (degree) => {
    const stretch = pushConstant(degree) / (1 / Math.LN2 + 1);
    const lackingAfter = (ms: Millis) => {
      const next = rounds.findIndex((round) => round * roundMs * stretch > ms);
      return susceptible[next < 0 ? susceptible.length - 1 : Math.max(0, next - 1)]!;
    };
    const firstWithin = (share: number) => {
      const place = susceptible.findIndex((lacking) => lacking <= 1 - share);
      return place < 0 ? Number.POSITIVE_INFINITY : rounds[place]! * roundMs * stretch;
    };
    return {
      delivered: 1 - lackingAfter(wish.withinMs),
      p50Ms: firstWithin(0.5),
      p9999Ms: firstWithin(0.9999),
      bytesPerSecond,
    };
  };
}

function pushConstant(degree: number): number {
  const others = 1 - 1 / Math.max(3, degree);
  return 1 / log(2 * others) - 1 / (Math.max(3, degree) * log(others));
}

/** What keeps the overlay: tests of links, as if nothing else were said on them, and shuffles where views are partial. */
export function hyParViewBytes(
  { nodes }: Wish,
  options: Partial<HyParViewOptions>,
  { keepAlive, keepAliveReply, shuffle, shuffleReply }: FrameSizes,
): number {
  const { activeView, activeWalk, keepAliveMs, shuffleIntervalMs } = hyParViewOptions(options);
  const neighbors = Math.min(activeView, nodes - 1);
  const tests = (1000 * neighbors * (keepAlive + keepAliveReply)) / (2 * keepAliveMs);
  const isPartial = nodes > swimOptions.specs.fullViewMembers.default;
  return tests + (isPartial ? (1000 * (activeWalk * shuffle + shuffleReply)) / shuffleIntervalMs : 0);
}
