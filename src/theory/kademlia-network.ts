/**
 * The network of the lookup models of Kademlia: random ids in a trie, and what a node with perfect buckets answers. No
 * table is built: a bucket is a range of the sorted ids, and its k contacts are drawn when somebody is asked for them. So
 * a million nodes cost their ids only.
 */
import type { Random } from "../core/random.ts";

const bits = 53;

/** XOR of two numbers of 53 bits. */
function xor(a: number, b: number): number {
  const high = (Math.floor(a / 2 ** 32) ^ Math.floor(b / 2 ** 32)) >>> 0;
  return high * 2 ** 32 + ((a ^ b) >>> 0);
}

/** How many leading bits of 53 are zero. */
function leadingZeros(distance: number): number {
  const high = Math.floor(distance / 2 ** 32);
  return high > 0 ? Math.clz32(high) - 11 : 21 + Math.clz32(distance >>> 0);
}

/** The bit of an id that is worth 2^(52 - place). */
function bitOf(id: number, place: number): number {
  return Math.floor(id / 2 ** (bits - 1 - place)) % 2;
}

export class KademliaNetwork {
  readonly ids: Float64Array;
  readonly isFailed: Uint8Array;
  readonly k: number;
  readonly #random: Random;
  readonly #drawn = new Set<number>();

  constructor(ids: Float64Array, isFailed: Uint8Array, k: number, random: Random) {
    this.ids = ids;
    this.isFailed = isFailed;
    this.k = k;
    this.#random = random;
  }

  /** Of a range of nodes that share `place` bits, the first that has a one there. */
  split(low: number, high: number, place: number): number {
    let first = low;
    let end = high;
    while (first < end) {
      const middle = (first + end) >>> 1;
      if (bitOf(this.ids[middle]!, place) === 0) first = middle + 1;
      else end = middle;
    }
    return first;
  }

  /** Up to k different nodes of a range, as a bucket holds them. */
  bucket(low: number, high: number): number[] {
    const size = high - low;
    if (size <= this.k) return Array.from({ length: size }, (_, i) => low + i);
    // Floyd 1987: each set of k is as likely as any other.
    this.#drawn.clear();
    for (let last = high - this.k; last < high; last++) {
      const node = low + this.#random.below(last - low + 1);
      this.#drawn.add(this.#drawn.has(node) ? last : node);
    }
    return [...this.#drawn];
  }
}

/** A target, and the ranges of the nodes that share 0, 1, 2 … bits with it: the path down to it in the trie of ids. */
export class KademliaTarget {
  readonly id: number;
  readonly #network: KademliaNetwork;
  readonly #lows: number[] = [0];
  readonly #highs: number[];

  constructor(network: KademliaNetwork, id: number) {
    this.id = id;
    this.#network = network;
    this.#highs = [network.ids.length];
  }

  range(shared: number): readonly [low: number, high: number] {
    for (let place = this.#lows.length - 1; place < shared; place++) {
      const low = this.#lows[place]!;
      const high = this.#highs[place]!;
      const middle = this.#network.split(low, high, place);
      const isOne = bitOf(this.id, place) === 1;
      this.#lows.push(isOne ? middle : low);
      this.#highs.push(isOne ? high : middle);
    }
    return [this.#lows[shared]!, this.#highs[shared]!];
  }

  distance(node: number): number {
    return xor(this.#network.ids[node]!, this.id);
  }

  /** The `count` nearest of these. */
  nearest(nodes: readonly number[], count: number): number[] {
    return nodes
      .map((node) => ({ node, distance: this.distance(node) }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, count)
      .map(({ node }) => node);
  }

  /** The k nearest live nodes of the whole network, nearest first. */
  truth(): number[] {
    const { ids, isFailed, k } = this.#network;
    let shared = leadingZeros(this.distance(0));
    while (shared < bits && this.range(shared + 1)[1] - this.range(shared + 1)[0] >= k) shared++;
    for (; ; shared--) {
      const [low, high] = this.range(shared);
      const alive: number[] = [];
      for (let node = low; node < high; node++) if (isFailed[node] === 0) alive.push(node);
      if (alive.length >= k || high - low === ids.length) return this.nearest(alive, k);
    }
  }

  /** What a node answers: the k nearest of its buckets. */
  answerOf(node: number): number[] {
    const { k } = this.#network;
    const own = this.#network.ids[node]!;
    const shared = leadingZeros(xor(own, this.id));
    const found: number[] = [];
    // The bucket that the target would fall into is nearest.
    if (shared < bits) this.#take(found, ...this.range(shared + 1));
    if (found.length >= k) return found;
    // Then its own side, in which nodes are near where they differ from it towards the target …
    if (shared < bits) this.#takeOwnSide(found, node, shared);
    // … then the buckets of what shares less and less with both.
    for (let place = shared - 1; place >= 0 && found.length < k; place--) this.#takeBeside(found, place);
    return found;
  }

  /** The subtree beside the target's that shares `place` bits with it. */
  #takeBeside(found: number[], place: number): void {
    const [low, high] = this.range(place);
    const [innerLow, innerHigh] = this.range(place + 1);
    if (innerLow > low) this.#take(found, low, innerLow);
    else this.#take(found, innerHigh, high);
  }

  #takeOwnSide(found: number[], node: number, shared: number): void {
    const network = this.#network;
    const own = network.ids[node]!;
    const [outerLow, outerHigh] = this.range(shared);
    const [targetLow, targetHigh] = this.range(shared + 1);
    let low = targetLow > outerLow ? outerLow : targetHigh;
    let high = targetLow > outerLow ? targetLow : outerHigh;
    const farther: (readonly [number, number])[] = [];
    for (let place = shared + 1; place < bits && high - low > 1; place++) {
      const middle = network.split(low, high, place);
      const isOne = bitOf(own, place) === 1;
      const beside = isOne ? ([low, middle] as const) : ([middle, high] as const);
      if (isOne) low = middle;
      else high = middle;
      if (bitOf(own, place) === bitOf(this.id, place)) farther.push(beside);
      else {
        this.#take(found, ...beside);
        if (found.length >= network.k) return;
      }
    }
    for (let i = farther.length - 1; i >= 0 && found.length < network.k; i--)
      this.#take(found, ...farther[i]!);
  }

  /** Adds the nearest of a bucket, until there are k. */
  #take(found: number[], low: number, high: number): void {
    const wanted = this.#network.k - found.length;
    const contacts = this.#network.bucket(low, high);
    found.push(...(contacts.length <= wanted ? contacts : this.nearest(contacts, wanted)));
  }
}
