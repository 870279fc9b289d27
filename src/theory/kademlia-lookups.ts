/**
 * What Kademlia's lookups cost, in a model that shares no line with the protocol: every node has perfect buckets, of k
 * random contacts in each subtree beside its own, or all of them where there are fewer; whoever is asked answers with the
 * k that it knows nearest to the target; questions are asked in strict batches of alpha, to the nearest of the k nearest
 * that nobody has asked yet; it ends when the k nearest have answered (Maymounkov and Mazieres 2002, section 2.3, without
 * the final burst). Failed nodes fill the buckets like others and never answer.
 */
import { exp } from "../core/deterministic-math.ts";
import { Histogram } from "../core/histogram.ts";
import { Moments } from "../core/moments.ts";
import type { Random } from "../core/random.ts";
import { KademliaNetwork, KademliaTarget } from "./kademlia-network.ts";
import { bits53, failedNodes, someLiveNode, sortedIds } from "./random-ids.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

export interface KademliaLookupsOptions {
  /** Nodes before the failures, at least 2. */
  readonly n: number;
  /** Contacts in a bucket, nodes in an answer, and nodes that are looked for: default 20. */
  readonly k?: number;
  /** Questions in a batch: default 3. */
  readonly alpha?: number;
  /** Each node has failed with this probability, and stayed in the buckets: default 0. */
  readonly failed?: number;
  /** Default 200 in each network. */
  readonly lookups?: number;
  /** Sets of ids that are drawn. Default 5. */
  readonly networks?: number;
  readonly random: Random;
}

/** Every `Moments` is of the means of the networks, so its standard error holds whatever the lookups of one share. */
export interface KademliaLookups {
  /** Length of the chain of referrals to the nearest node that answered: 1 for one that the asker knew. */
  readonly hops: Moments;
  /** Nodes asked, those that failed included. */
  readonly queries: Moments;
  /** Batches. */
  readonly rounds: Moments;
  /** Nodes asked that had failed. */
  readonly timeouts: Moments;
  /** Nodes that the asker heard of from others. */
  readonly learned: Moments;
  /** Share of the k live nodes nearest to the target that the lookup found. */
  readonly recall: Moments;
  /** Share of lookups that found the very nearest. */
  readonly nearestFound: Moments;
  /** Of all lookups together. */
  readonly hopCounts: Histogram;
  readonly queryCounts: Histogram;
}

/** Random targets, looked up by random live nodes. */
export function kademliaLookups(options: KademliaLookupsOptions): KademliaLookups {
  const { n, k = 20, alpha = 3, failed = 0, lookups = 200, networks = 5, random } = options;
  checkWhole("n", n, { least: 2, most: 1e8 });
  checkWhole("k", k, { least: 1, most: 1000 });
  checkWhole("alpha", alpha, { least: 1, most: 1000 });
  checkShare("failed", failed);
  checkWhole("lookups", lookups, { least: 1 });
  checkWhole("networks", networks, { least: 1 });
  const names = ["hops", "queries", "rounds", "timeouts", "learned", "recall", "nearestFound"] as const;
  const means = names.map(() => new Moments());
  const counts = { hopCounts: new Histogram(), queryCounts: new Histogram() };
  for (let drawn = 0; drawn < networks; drawn++) {
    const ids = sortedIds(n, random);
    const network = new KademliaNetwork(ids, failedNodes(n, failed, random), k, random);
    const sums = names.map(() => 0);
    for (let i = 0; i < lookups; i++) {
      const from = someLiveNode(network.isFailed, random);
      const ended = lookUp(network, from, bits53(random), alpha);
      for (const [j, name] of names.entries()) sums[j]! += ended[name];
      counts.hopCounts.add(ended.hops);
      counts.queryCounts.add(ended.queries);
    }
    for (const [j, moments] of means.entries()) moments.add(sums[j]! / lookups);
  }
  return { ...(Object.fromEntries(names.map((name, j) => [name, means[j]!])) as Means), ...counts };
}

type Means = Omit<KademliaLookups, "hopCounts" | "queryCounts">;

/**
 * Contacts in perfect buckets: the sum over i of the mean of min(k, X), X being how many of the n - 1 others share
 * exactly i bits with us, Poisson with mean (n-1)/2^(i+1). About k log2(n/k) and some. n >= 1, k from 1 to 1000.
 */
export function kademliaContacts({ n, k = 20 }: { readonly n: number; readonly k?: number }): number {
  checkNumber("n", n, { least: 1 });
  checkWhole("k", k, { least: 1, most: 1000 });
  let contacts = 0;
  for (let rate = (n - 1) / 2; rate > 1e-9; rate /= 2) contacts += meanOfAtMost(k, rate);
  return contacts;
}

/** The mean of min(k, X) for a Poisson X: the sum over j < k of P(X > j). */
function meanOfAtMost(k: number, rate: number): number {
  // Far beyond k the bucket is full, and its weights are too small for a double.
  if (rate > 2 * k + 100) return k;
  let weight = exp(-rate);
  let atMost = 0;
  let mean = 0;
  for (let j = 0; j < k; j++) {
    atMost += weight;
    mean += 1 - atMost;
    weight *= rate / (j + 1);
  }
  return mean;
}

interface Candidate {
  readonly node: number;
  readonly distance: number;
  /** Length of the chain of referrals. */
  readonly depth: number;
  isAsked: boolean;
}

function lookUp(network: KademliaNetwork, from: number, id: number, alpha: number) {
  const { isFailed, k } = network;
  const target = new KademliaTarget(network, id);
  const heard = new Set<number>([from]);
  /** Nearest first, without those that turned out to have failed. */
  const candidates: Candidate[] = [];
  const hear = (nodes: readonly number[], depth: number) => {
    for (const node of nodes) {
      if (heard.has(node)) continue;
      heard.add(node);
      insert(candidates, { node, distance: target.distance(node), depth, isAsked: false });
    }
  };
  hear(target.answerOf(from), 1);
  const own = heard.size;
  let queries = 0;
  let rounds = 0;
  let timeouts = 0;
  for (;;) {
    const batch = candidates
      .slice(0, k)
      .filter(({ isAsked }) => !isAsked)
      .slice(0, alpha);
    if (batch.length === 0) break;
    rounds++;
    queries += batch.length;
    for (const candidate of batch) {
      candidate.isAsked = true;
      if (isFailed[candidate.node] === 0) hear(target.answerOf(candidate.node), candidate.depth + 1);
      else {
        timeouts++;
        candidates.splice(candidates.indexOf(candidate), 1);
      }
    }
  }
  // The asker is nobody's find, so it is not missed either.
  const truth = target.truth().filter((node) => node !== from);
  const found = new Set(candidates.slice(0, k).map(({ node }) => node));
  const met = truth.filter((node) => found.has(node)).length;
  return {
    ...{ queries, rounds, timeouts, hops: candidates[0]?.depth ?? 0, learned: heard.size - own },
    recall: truth.length === 0 ? 1 : met / truth.length,
    nearestFound: truth.length === 0 || found.has(truth[0]!) ? 1 : 0,
  };
}

function insert(candidates: Candidate[], candidate: Candidate): void {
  let place = candidates.length;
  while (place > 0 && candidates[place - 1]!.distance > candidate.distance) place--;
  candidates.splice(place, 0, candidate);
}
