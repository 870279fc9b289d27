/**
 * The finger table (Stoica et al. 2003, section 4.3): finger i, for i = 1 to 160, is the first node at or behind its
 * start, n + 2^(i-1). With N nodes about log2 N of them are different, and only those are stored:
 *
 *     n ──┬────┬────────┬────────────────┬──►           bucket e of n: the places from n + 2^e to below n + 2^(e+1)
 *         2^0  2^1      2^2              2^3            finger e + 1 begins where bucket e begins
 *
 * Of the nodes of a bucket only the first can be a finger: it is that of the bucket's own start, and of the starts before
 * it whose buckets have nobody. So the table keeps at most one node of each bucket, the first that it knows of.
 *
 * Two ways of seeing a step of a lookup (both in the paper, and they agree; see the test):
 *
 *     as a linked list    go to the nearest node known before the key, and repeat       `preceding`
 *     as intervals        finger i serves the keys from its start to the next start:    `precedingByInterval`
 *                         go to the finger whose interval has the key; if that lies
 *                         behind the key, the one before it is as far as one may go
 */
import {
  distanceUp,
  isBetween,
  type Key,
  type KeyedNode,
  keyBits,
  plusPowerOfTwo,
  sharedBits,
} from "../core/index.ts";

const zero: Key = "0".repeat(keyBits / 4);

/** In which bucket of `self` a key lies: the exponent of its distance, rounded down. -1: it is `self`. */
export function bucketOf(self: Key, key: Key): number {
  return keyBits - 1 - sharedBits(zero, distanceUp(self, key));
}

export class Fingers {
  readonly self: Key;
  /** The nearest first; no two of one bucket. */
  #nodes: readonly KeyedNode[];

  /** `nodes`: a table made elsewhere, the nearest first and no two of one bucket. */
  constructor(self: Key, nodes: readonly KeyedNode[] = []) {
    this.self = self;
    this.#nodes = nodes;
  }

  /** All different fingers, the nearest first. */
  get nodes(): readonly KeyedNode[] {
    return this.#nodes;
  }

  /** Where the finger begins that bucket `exponent` can fill. */
  start(exponent: number): Key {
    return plusPowerOfTwo(this.self, exponent);
  }

  /** Finger i, 1 to 160: the first known node at or behind its start. Undefined: nobody is, as far as we know. */
  finger(i: number): KeyedNode | undefined {
    return this.#nodes.find(({ key }) => bucketOf(this.self, key) >= i - 1);
  }

  /** A node that is there: kept if it is nearer to the start of its bucket than the one known. True if it is. */
  learn(node: KeyedNode): boolean {
    if (this.#nodes.includes(node)) return false;
    const bucket = bucketOf(this.self, node.key);
    if (bucket < 0) return false;
    const place = this.#placeOf(bucket);
    const known = this.#nodes[place];
    if (known === undefined || bucketOf(this.self, known.key) !== bucket) {
      this.#nodes = this.#nodes.toSpliced(place, 0, node);
      return true;
    }
    // The same node, perhaps at another address; or one behind it.
    const isNearer = known.key === node.key || isBetween(this.self, node.key, known.key);
    if (!isNearer || known.node === node.node) return false;
    this.#nodes = this.#nodes.with(place, node);
    return true;
  }

  /** A lookup of the start of bucket `exponent` found that `owner` is the first node there. */
  fix(exponent: number, owner: KeyedNode): void {
    const place = this.#placeOf(exponent);
    const known = this.#nodes[place];
    // Whoever is known to lie before the owner would have been found instead: it is gone.
    if (known !== undefined && bucketOf(this.self, known.key) === exponent && known.key !== owner.key)
      this.#nodes = this.#nodes.toSpliced(place, 1);
    this.learn(owner);
  }

  forget(key: Key): void {
    if (this.#nodes.some((node) => node.key === key))
      this.#nodes = this.#nodes.filter((node) => node.key !== key);
  }

  /** The finger nearest before the key, strictly between us and it. */
  preceding(key: Key): KeyedNode | undefined {
    return this.#nodes.findLast((node) => isBetween(this.self, node.key, key));
  }

  /** The same by intervals: that of the finger that serves the key, or the nearest finger below. */
  precedingByInterval(key: Key): KeyedNode | undefined {
    // Our own key lies at the very end of the last interval: the whole ring is before it.
    let exponent = key === this.self ? keyBits - 1 : bucketOf(this.self, key);
    for (; exponent >= 0; exponent--) {
      const node = this.finger(exponent + 1);
      if (node !== undefined && isBetween(this.self, node.key, key)) return node;
    }
    return undefined;
  }

  /** The first place whose node lies in this bucket or behind it. */
  #placeOf(bucket: number): number {
    const place = this.#nodes.findIndex(({ key }) => bucketOf(this.self, key) >= bucket);
    return place < 0 ? this.#nodes.length : place;
  }
}
