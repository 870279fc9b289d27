/**
 * How long Chord's paths are, in a model that shares no line with the protocol: nodes at random places of a ring, their
 * fingers and successor lists exact, and after that some of them fail at once and nothing is repaired (Stoica et al. 2003,
 * sections IV-C and VI-C).
 */
import { log } from "../core/deterministic-math.ts";
import { Histogram } from "../core/histogram.ts";
import { Moments } from "../core/moments.ts";
import type { Random } from "../core/random.ts";
import { bits53, failedNodes, firstNotBelow, someLiveNode, sortedIds } from "./random-ids.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

/**
 * (1/2) log2 n: hops from any node to the predecessor of any key (Stoica et al. 2003, VI-C). Half of the distance's bits
 * are ones, and a finger takes away one of them. n >= 1. `chordPaths` comes out a tenth of a hop shorter.
 */
export function chordMeanPath({ n }: { readonly n: number }): number {
  checkNumber("n", n, { least: 1 });
  return log(n) / log(2) / 2;
}

export interface ChordPathsOptions {
  /** Nodes before the failures, at least 2. */
  readonly n: number;
  /** Length of the successor lists: default 2 log2 n. */
  readonly listSize?: number;
  /** Each node has failed with this probability: default 0. */
  readonly failed?: number;
  /** Are messages routed to nodes of the list too, or to fingers and the first live successor only? Default: to both. */
  readonly routesOverList?: boolean;
  /** Default 1000 in each ring. */
  readonly lookups?: number;
  /** Networks that are drawn. Default 10. */
  readonly rings?: number;
  readonly random: Random;
}

export interface ChordPaths {
  /** Means of the rings: lookups in one ring meet the same failed nodes, so they are not independent. */
  readonly hops: Moments;
  /** Failed nodes that were tried, each counted once in a lookup; likewise by rings. */
  readonly timeouts: Moments;
  /** Share of lookups that met a successor list with nobody alive. */
  readonly failedLookups: number;
  /** Of all lookups together. */
  readonly hopCounts: Histogram;
  readonly timeoutCounts: Histogram;
}

const ringSize = 2 ** 53;

/**
 * Random lookups from random live nodes. A hop is a message to the next node; the last goes to the key's predecessor,
 * and its answer names the owner. Each node tries the closest preceding entry first, then the next, until one is alive.
 * The predecessor knows its first live successor without trying: it stabilises with that one.
 */
export function chordPaths(options: ChordPathsOptions): ChordPaths {
  const { n, failed = 0, routesOverList = true, lookups = 1000, rings = 10, random } = options;
  checkWhole("n", n, { least: 2, most: 1e8 });
  const listSize = options.listSize ?? Math.ceil((2 * log(n)) / log(2));
  checkWhole("listSize", listSize, { least: 1 });
  checkShare("failed", failed);
  checkWhole("lookups", lookups, { least: 1 });
  checkWhole("rings", rings, { least: 1 });
  const result = { hops: new Moments(), timeouts: new Moments() };
  const counts = { hopCounts: new Histogram(), timeoutCounts: new Histogram() };
  let lost = 0;
  for (let drawn = 0; drawn < rings; drawn++) {
    const ids = sortedIds(n, random);
    const isFailed = failedNodes(n, failed, random);
    const ring = { ids, isFailed, listSize: Math.min(listSize, n - 1), routesOverList };
    const sums = { hops: 0, timeouts: 0 };
    for (let i = 0; i < lookups; i++) {
      const from = someLiveNode(isFailed, random);
      const key = bits53(random);
      const { hops, timeouts, isLost } = pathOf(ring, from, key);
      sums.hops += hops;
      sums.timeouts += timeouts;
      counts.hopCounts.add(hops);
      counts.timeoutCounts.add(timeouts);
      if (isLost) lost++;
    }
    result.hops.add(sums.hops / lookups);
    result.timeouts.add(sums.timeouts / lookups);
  }
  return { ...result, ...counts, failedLookups: lost / (lookups * rings) };
}

interface Ring {
  readonly ids: Float64Array;
  readonly isFailed: Uint8Array;
  readonly listSize: number;
  readonly routesOverList: boolean;
}

function pathOf(ring: Ring, from: number, key: number) {
  const { ids, isFailed, listSize } = ring;
  const n = ids.length;
  const owner = firstNotBelow(ids, key) % n;
  const tried = new Set<number>();
  let node = from;
  for (let hops = 0; ; hops++) {
    // Places are counted from the node up. The key's predecessor, alive or not, is so many further.
    const last = (owner + n - 1 - node) % n;
    const next = nextNode(ring, { node, key, last, tried });
    if (next === undefined) {
      // Nobody alive is known before the key, so the owner is the first live node of the list from there on.
      let place = last + 1;
      while (place <= listSize && isFailed[(node + place) % n] === 1) place++;
      return { hops, timeouts: tried.size, isLost: place > listSize && listSize < n - 1 };
    }
    node = next;
  }
}

interface Standpoint {
  readonly node: number;
  readonly key: number;
  readonly last: number;
  /** Failed nodes that this lookup has found out. */
  readonly tried: Set<number>;
}

/** The first live one of all entries before the key, from the nearest to the key down: fingers and list, merged. */
function nextNode(ring: Ring, { node, key, last, tried }: Standpoint): number | undefined {
  const { ids, isFailed } = ring;
  const n = ids.length;
  const id = ids[node]!;
  let listPlace = ring.routesOverList ? Math.min(ring.listSize, last) : firstLivePlace(ring, node, last);
  const distance = (key - id + ringSize) % ringSize;
  let reach = ringSize / 2;
  while (reach > distance) reach /= 2;
  let fingerPlace = last + 1;
  for (;;) {
    // A finger names the first node at or after id + 2^i. It may lie beyond the key; for the smallest it is the successor.
    while (fingerPlace > last && reach >= 1) {
      const place = (firstNotBelow(ids, (id + reach) % ringSize) + n - node) % n;
      if (place > 0 && place <= last) fingerPlace = place;
      reach /= 2;
    }
    const isFingerFirst = fingerPlace <= last && fingerPlace >= listPlace;
    const place = isFingerFirst ? fingerPlace : listPlace;
    if (place <= 0) return undefined;
    const other = (node + place) % n;
    if (isFailed[other] === 0) return other;
    tried.add(other);
    if (place === 1) return undefined;
    if (isFingerFirst) fingerPlace = last + 1;
    else listPlace--;
  }
}

/** Where the first live node of the list is; 0 if it lies beyond the key. */
function firstLivePlace({ ids, isFailed, listSize }: Ring, node: number, last: number): number {
  const farthest = Math.min(listSize, last);
  for (let place = 1; place <= farthest; place++)
    if (isFailed[(node + place) % ids.length] === 0) return place;
  return 0;
}
