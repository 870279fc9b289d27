/**
 * How long Pastry's routes are, in a model that shares no line with the protocol: random ids, leaf sets exact, and in each
 * place of a routing table a random one of the nodes that belong there, drawn when it is asked for (Rowstron and Druschel
 * 2001, sections 2.3 and 4.1). Failed nodes stay in the tables; leaf sets have been repaired.
 */
import { log, pow } from "../core/deterministic-math.ts";
import { Histogram } from "../core/histogram.ts";
import { Moments } from "../core/moments.ts";
import type { Random } from "../core/random.ts";
import { bits53, failedNodes, firstNotBelow, sortedIds } from "./random-ids.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

/** log_(2^b) n: the most hops but for chance (Rowstron and Druschel 2001, 2.3). n >= 1, b from 1 to 8. */
export function pastryHopsBound({ n, b = 4 }: { readonly n: number; readonly b?: number }): number {
  checkNumber("n", n, { least: 1 });
  checkWhole("b", b, { least: 1, most: 8 });
  return log(n) / log(2) / b;
}

/**
 * Entries of a full routing table: each of the 2^b - 1 foreign places of row r has one if any of the n - 1 others belongs
 * there, which has probability 1 - (1 - 2^(-b(r+1)))^(n-1). About (2^b - 1) log_(2^b) n (Rowstron and Druschel 2001, 2.1).
 */
export function pastryTableEntries({ n, b = 4 }: { readonly n: number; readonly b?: number }): number {
  checkNumber("n", n, { least: 1 });
  checkWhole("b", b, { least: 1, most: 8 });
  const columns = 2 ** b;
  let entries = 0;
  for (let share = 1 / columns; share > 1e-12; share /= columns)
    entries += (columns - 1) * (1 - pow(1 - share, n - 1));
  return entries;
}

export interface PastryRoutesOptions {
  /** Nodes before the failures, at least 2. */
  readonly n: number;
  /** Bits of a digit: default 4. */
  readonly b?: number;
  /** |L|, half of them on each side: default 16. */
  readonly leafSetSize?: number;
  /** Each node has failed with this probability, and stayed in the routing tables: default 0. */
  readonly failed?: number;
  /** Default 2000 in each network. */
  readonly routes?: number;
  /** Sets of ids that are drawn. Default 5. */
  readonly networks?: number;
  readonly random: Random;
}

export interface PastryRoutes {
  /** Messages until the root has it; means of the networks. */
  readonly hops: Moments;
  /** Failed nodes that were tried on the way; likewise. */
  readonly timeouts: Moments;
  /** Share of routes for which a table had no living entry, so that rule 3 had to find a nearer node; likewise. */
  readonly ruleThree: Moments;
  /** Share of routes that ended elsewhere than at the root: nobody nearer was known. Likewise. */
  readonly misdelivered: Moments;
  /** Of all routes together. */
  readonly hopCounts: Histogram;
}

/** Random keys, routed from random live nodes. */
export function pastryRoutes(options: PastryRoutesOptions): PastryRoutes {
  const { n, b = 4, leafSetSize = 16, failed = 0, routes = 2000, networks = 5, random } = options;
  checkWhole("n", n, { least: 2, most: 1e8 });
  checkWhole("b", b, { least: 1, most: 8 });
  checkWhole("leafSetSize", leafSetSize, { least: 2 });
  checkShare("failed", failed);
  checkWhole("routes", routes, { least: 1 });
  checkWhole("networks", networks, { least: 1 });
  const result = {
    ...{
      hops: new Moments(),
      timeouts: new Moments(),
      ruleThree: new Moments(),
      misdelivered: new Moments(),
    },
    hopCounts: new Histogram(),
  };
  for (let drawn = 0; drawn < networks; drawn++) {
    const ids = sortedIds(n, random);
    const isFailed = failedNodes(n, failed, random);
    const network = new Network({ ids, isFailed, b, leavesPerSide: leafSetSize >> 1, random });
    const sums = { hops: 0, timeouts: 0, ruleThree: 0, misdelivered: 0 };
    for (let i = 0; i < routes; i++) {
      const from = random.below(network.live.length);
      const route = network.route(from, bits53(random));
      sums.hops += route.hops;
      sums.timeouts += route.timeouts;
      if (route.usedRuleThree) sums.ruleThree++;
      if (!route.isAtRoot) sums.misdelivered++;
      result.hopCounts.add(route.hops);
    }
    result.hops.add(sums.hops / routes);
    result.timeouts.add(sums.timeouts / routes);
    result.ruleThree.add(sums.ruleThree / routes);
    result.misdelivered.add(sums.misdelivered / routes);
  }
  return result;
}

const idBits = 53;
const ringSize = 2 ** idBits;

interface NetworkParts {
  readonly ids: Float64Array;
  readonly isFailed: Uint8Array;
  readonly b: number;
  readonly leavesPerSide: number;
  readonly random: Random;
}

class Network {
  /** The ids of live nodes. A node is known by its place among them. */
  readonly live: Float64Array;
  readonly #all: Float64Array;
  readonly #isFailed: Uint8Array;
  readonly #b: number;
  readonly #leavesPerSide: number;
  readonly #random: Random;

  constructor({ ids, isFailed, b, leavesPerSide, random }: NetworkParts) {
    this.#all = ids;
    this.#isFailed = isFailed;
    this.live = ids.filter((_, node) => isFailed[node] === 0);
    this.#b = b;
    this.#leavesPerSide = leavesPerSide;
    this.#random = random;
  }

  route(from: number, key: number) {
    const root = this.#rootOf(key);
    let id = this.live[from]!;
    let timeouts = 0;
    let usedRuleThree = false;
    for (let hops = 0; ; hops++) {
      const ended = (isAtRoot: boolean, more: number) => ({
        hops: hops + more,
        timeouts,
        usedRuleThree,
        isAtRoot,
      });
      if (id === root) return ended(true, 0);
      // Rule 1: among the leaves the root is known, and whoever is last gets it.
      if (this.#isAmongLeaves(id, key)) return ended(true, 1);
      // Rule 2: a node that shares one digit more.
      const shared = this.#sharedDigits(id, key);
      const entry = this.#entry(key, shared + 1);
      if (entry !== undefined && this.#isLive(entry)) {
        id = this.#all[entry]!;
        continue;
      }
      if (entry !== undefined) timeouts++;
      // Rule 3: whoever is known, shares no fewer digits, and is numerically nearer.
      usedRuleThree = true;
      let next: number | undefined;
      for (const candidate of this.#nearer(id, key, shared)) {
        if (candidate.isLive) {
          next = candidate.id;
          break;
        }
        timeouts++;
      }
      if (next === undefined) return ended(false, 0);
      id = next;
    }
  }

  /** The live id that is numerically nearest. */
  #rootOf(key: number): number {
    const count = this.live.length;
    const place = firstNotBelow(this.live, key);
    const above = this.live[place % count]!;
    const below = this.live[(place + count - 1) % count]!;
    return around(above, key) < around(below, key) ? above : below;
  }

  #isAmongLeaves(id: number, key: number): boolean {
    const count = this.live.length;
    const perSide = this.#leavesPerSide;
    if (count <= 2 * perSide + 1) return true;
    const place = firstNotBelow(this.live, id);
    const least = this.live[(place + count - perSide) % count]!;
    const most = this.live[(place + perSide) % count]!;
    return up(least, key) <= up(least, most);
  }

  #isLive(node: number): boolean {
    return this.#isFailed[node] === 0;
  }

  #digitsSize(digits: number): number {
    return 2 ** Math.max(0, idBits - this.#b * digits);
  }

  #sharedDigits(a: number, b: number): number {
    let digits = 0;
    for (; this.#b * (digits + 1) <= idBits; digits++) {
      const size = this.#digitsSize(digits + 1);
      if (Math.floor(a / size) !== Math.floor(b / size)) break;
    }
    return digits;
  }

  /** A random node that shares so many digits with an id; undefined if there is none. */
  #entry(id: number, digits: number): number | undefined {
    const size = this.#digitsSize(digits);
    const first = Math.floor(id / size) * size;
    const low = firstNotBelow(this.#all, first);
    const high = firstNotBelow(this.#all, first + size);
    return low === high ? undefined : low + this.#random.below(high - low);
  }

  /** The leaves and table entries of a node that rule 3 allows, nearest to the key first. */
  #nearer(id: number, key: number, shared: number) {
    const own = around(id, key);
    const found: { id: number; distance: number; isLive: boolean }[] = [];
    const consider = (other: number, isLive: boolean) => {
      const distance = around(other, key);
      if (distance < own && this.#sharedDigits(other, key) >= shared)
        found.push({ id: other, distance, isLive });
    };
    const count = this.live.length;
    const place = firstNotBelow(this.live, id);
    for (let i = 1; i <= this.#leavesPerSide; i++) {
      consider(this.live[(place + i) % count]!, true);
      consider(this.live[(place + count - i) % count]!, true);
    }
    // Rows from the shared one on share that many digits with the key. Rows below it share fewer.
    for (let row = shared; this.#b * (row + 1) <= idBits; row++) {
      const size = this.#digitsSize(row);
      const first = Math.floor(id / size) * size;
      if (firstNotBelow(this.#all, first + size) - firstNotBelow(this.#all, first) < 2) break;
      const width = this.#digitsSize(row + 1);
      const ownDigit = Math.floor((id - first) / width);
      // Rule 2 has tried the key's own place in the first of these rows.
      const keyDigit = row === shared ? Math.floor((key - first) / width) : ownDigit;
      for (let digit = 0; digit < 2 ** this.#b; digit++) {
        if (digit === ownDigit || digit === keyDigit) continue;
        const entry = this.#entry(first + digit * width, row + 1);
        if (entry !== undefined) consider(this.#all[entry]!, this.#isLive(entry));
      }
    }
    return found.sort((a, b) => a.distance - b.distance);
  }
}

function up(from: number, to: number): number {
  return (to - from + ringSize) % ringSize;
}

function around(a: number, b: number): number {
  const distance = up(a, b);
  return Math.min(distance, ringSize - distance);
}
