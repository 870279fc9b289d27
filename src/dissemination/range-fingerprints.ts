/**
 * An ordered set of ids of 32 bytes that tells the fingerprint of any range of it in O(log n): a B+-tree whose nodes
 * carry the count and the sum of all ids below them (Meyer 2023, "Range-Based Set Reconciliation", section 5: any
 * monoid will do; Chen 1999 and the negentropy protocol use this one).
 *
 *     fingerprint = the first 16 bytes of SHA-256(sum of the ids mod 2^256, count)
 *
 * Ids must be results of a cryptographic hash: of small numbers 1 + 4 = 2 + 3. What the fingerprint is safe against:
 *
 *  - accident: two different ranges are the same with a probability of 2^-128;
 *  - somebody who may choose items, and has the time for 2^32 operations and some 2^16 items in the same range, is not
 *    kept out: sums are open to the generalised birthday attack (Wagner 2002). What it wins is that two nodes that
 *    differ in items of that range believe that they agree, until the range is cut elsewhere. Sums of short hashes, and
 *    XOR at any width, fall to far less: n bits of XOR to n + 1 items and a system of linear equations.
 *
 * So where items come from people one does not trust, compare whole lists now and then (`method: "recent-then-full"`).
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { UsageError } from "../core/index.ts";
import { idBytes } from "./packed-ids.ts";

export const fingerprintBytes = 16;

const idWords = 8;
/** Items of a leaf, and children of a branch: with 10^6 ids the tree is 4 to 5 levels high. */
const capacity = 32;
/** Nodes that are built at once are left with room. */
const builtFill = 24;
/** A node with fewer is united with a neighbor, if both together fill no more than `builtFill`. */
const leastFill = 8;

/** What leaves and branches have in common. */
interface Subtree {
  /** Of ids. */
  count: number;
  readonly sum: Uint32Array;
  /**
   * What is before this subtree is below, and what is in it is not, unless it is the first of its level: there nobody
   * asks. A branch begins where its first child does, which is never taken away.
   */
  readonly low: Uint32Array;
}
interface Leaf extends Subtree {
  readonly ids: Uint32Array;
  readonly children: undefined;
}
interface Branch extends Subtree {
  readonly children: Node[];
}
type Node = Leaf | Branch;

export class RangeFingerprints {
  #root: Node = newLeaf(new Uint32Array(idWords));

  /** All ids at once, in any order, packed one after the other; equal ones count once. */
  static of(packed: Uint8Array): RangeFingerprints {
    if (packed.length % idBytes !== 0)
      throw new UsageError(`packed: ${packed.length} bytes are no whole number of ids`);
    const set = new RangeFingerprints();
    const nodes = leavesOf(sortedWords(packed));
    if (nodes.length > 0) set.#root = treeOf(nodes);
    return set;
  }

  get size(): number {
    return this.#root.count;
  }

  has(id: Uint8Array): boolean {
    const words = wordsOf(id);
    const rank = rankIn(this.#root, words);
    return rank < this.size && compare(this.#wordsAt(rank), 0, words, 0) === 0;
  }

  /** False if it was there already. */
  add(id: Uint8Array): boolean {
    const words = wordsOf(id);
    if (this.has(id)) return false;
    const right = insert(this.#root, words);
    if (right !== undefined) this.#root = newBranch([this.#root, right]);
    return true;
  }

  /** False if it was not there. */
  delete(id: Uint8Array): boolean {
    if (!this.has(id)) return false;
    remove(this.#root, wordsOf(id));
    while (this.#root.children?.length === 1) this.#root = this.#root.children[0]!;
    return true;
  }

  /**
   * How many ids are below `bound`: up to 32 bytes, with zeros understood behind them. A range [from, to) of ids is the
   * ranks from `rankOf(from)` to `rankOf(to)`.
   */
  rankOf(bound: Uint8Array): number {
    return rankIn(this.#root, wordsOf(bound));
  }

  /** Throws `UsageError` if there is none. */
  idAt(rank: number): Uint8Array {
    return bytesOf(this.#wordsAt(rank), idWords);
  }

  /** The ids of these ranks, packed, in order. */
  ids(from: number, to: number): Uint8Array {
    const words = new Uint32Array(Math.max(0, Math.min(to, this.size) - from) * idWords);
    copyRanks(this.#root, from, to, words, 0);
    return bytesOf(words, words.length);
  }

  /** Of the ids of these ranks. */
  fingerprint(from: number, to: number): Uint8Array {
    return fingerprintOf(difference(this.sumBefore(to), this.sumBefore(from)), to - from);
  }

  /** The sum of the ids below that rank: 8 words, the highest first. */
  sumBefore(rank: number): Uint32Array {
    const sum = new Uint32Array(idWords);
    if (rank >= this.size) {
      sum.set(this.#root.sum);
      return sum;
    }
    let node = this.#root;
    let left = rank;
    while (node.children !== undefined) {
      let place = 0;
      for (; left >= node.children[place]!.count; place++) {
        addTo(sum, node.children[place]!.sum, 0);
        left -= node.children[place]!.count;
      }
      node = node.children[place]!;
    }
    for (let i = 0; i < left; i++) addTo(sum, node.ids, i * idWords);
    return sum;
  }

  #wordsAt(rank: number): Uint32Array {
    if (!(rank >= 0 && rank < this.size))
      throw new UsageError(`rank: ${rank} is not below ${this.size}, the number of ids`);
    const words = new Uint32Array(idWords);
    copyRanks(this.#root, rank, rank + 1, words, 0);
    return words;
  }
}

/** See the head of this file. `sum` is 8 words, the highest first. */
export function fingerprintOf(sum: Uint32Array, count: number): Uint8Array {
  const message = new Uint8Array(idBytes + 8);
  writeBytes(sum, idWords, message);
  // The count has a fixed length, so that no two pairs give the same bytes.
  for (let i = 0, rest = count; i < 8; i++, rest = Math.floor(rest / 256)) message[idBytes + i] = rest & 255;
  return sha256(message).slice(0, fingerprintBytes);
}

/** a - b mod 2^256, in place of `a`. */
export function difference(a: Uint32Array, b: Uint32Array): Uint32Array {
  let borrow = 0;
  for (let i = idWords - 1; i >= 0; i--) {
    const word = a[i]! - b[i]! - borrow;
    borrow = word < 0 ? 1 : 0;
    a[i] = word;
  }
  return a;
}

// ---- The tree ------------------------------------------------------------------------------------------------------

function newLeaf(low: Uint32Array): Leaf {
  const ids = new Uint32Array(capacity * idWords);
  return { count: 0, sum: new Uint32Array(idWords), low, ids, children: undefined };
}

function newBranch(children: Node[]): Branch {
  const branch = { count: 0, sum: new Uint32Array(idWords), low: children[0]!.low, children };
  for (const child of children) gain(branch, child);
  return branch;
}

/** The nodes of one level, and those above them up to one root. */
function treeOf(level: Node[]): Node {
  let nodes = level;
  while (nodes.length > 1) {
    const above: Node[] = [];
    for (let at = 0; at < nodes.length; at += builtFill)
      above.push(newBranch(nodes.slice(at, at + builtFill)));
    nodes = above;
  }
  return nodes[0]!;
}

function leavesOf(sorted: Uint32Array): Node[] {
  const leaves: Node[] = [];
  for (let at = 0; at < sorted.length; at += builtFill * idWords) {
    const part = sorted.subarray(at, at + builtFill * idWords);
    const leaf = newLeaf(part.slice(0, idWords));
    leaf.ids.set(part);
    leaf.count = part.length / idWords;
    for (let i = 0; i < part.length; i += idWords) addTo(leaf.sum, part, i);
    leaves.push(leaf);
  }
  return leaves;
}

/** Which child an id belongs to: the last one that does not begin above it. */
function placeOf(children: readonly Node[], words: Uint32Array): number {
  let below = 1;
  let above = children.length;
  while (below < above) {
    const middle = (below + above) >> 1;
    if (compare(children[middle]!.low, 0, words, 0) <= 0) below = middle + 1;
    else above = middle;
  }
  return below - 1;
}

/** How many ids of a leaf are below. */
function placeIn(leaf: Leaf, words: Uint32Array): number {
  let below = 0;
  let above = leaf.count;
  while (below < above) {
    const middle = (below + above) >> 1;
    if (compare(leaf.ids, middle * idWords, words, 0) < 0) below = middle + 1;
    else above = middle;
  }
  return below;
}

function rankIn(root: Node, words: Uint32Array): number {
  let node = root;
  let rank = 0;
  while (node.children !== undefined) {
    const place = placeOf(node.children, words);
    for (let i = 0; i < place; i++) rank += node.children[i]!.count;
    node = node.children[place]!;
  }
  return rank + placeIn(node, words);
}

/** Adds an id that is not there. Gives the right half if the node had to be cut in two. */
function insert(node: Node, words: Uint32Array): Node | undefined {
  if (node.children === undefined) {
    const place = placeIn(node, words) * idWords;
    node.ids.copyWithin(place + idWords, place, node.count * idWords);
    node.ids.set(words, place);
    node.count++;
    addTo(node.sum, words, 0);
    return node.count === capacity ? halveLeaf(node) : undefined;
  }
  const place = placeOf(node.children, words);
  const right = insert(node.children[place]!, words);
  node.count++;
  addTo(node.sum, words, 0);
  if (right === undefined) return undefined;
  node.children.splice(place + 1, 0, right);
  return node.children.length === capacity ? halveBranch(node) : undefined;
}

function halveLeaf(leaf: Leaf): Leaf {
  const half = capacity / 2;
  const right = newLeaf(leaf.ids.slice(half * idWords, (half + 1) * idWords));
  right.ids.set(leaf.ids.subarray(half * idWords));
  right.count = capacity - half;
  leaf.count = half;
  for (let i = 0; i < right.count; i++) addTo(right.sum, right.ids, i * idWords);
  difference(leaf.sum, right.sum);
  return right;
}

function halveBranch(branch: Branch): Branch {
  const right = newBranch(branch.children.splice(capacity / 2));
  branch.count -= right.count;
  difference(branch.sum, right.sum);
  return right;
}

/** Removes an id that is there. */
function remove(node: Node, words: Uint32Array): void {
  node.count--;
  difference(node.sum, words);
  if (node.children === undefined) {
    const place = placeIn(node, words) * idWords;
    node.ids.copyWithin(place, place + idWords, (node.count + 1) * idWords);
    return;
  }
  const place = placeOf(node.children, words);
  remove(node.children[place]!, words);
  const { children } = node;
  if (children.length > 1 && fillOf(children[place]!) < leastFill) unite(children, place > 0 ? place - 1 : 0);
}

const fillOf = (node: Node) => node.children?.length ?? node.count;

/** Puts what is in the child behind that place into the child there, if there is room. */
function unite(children: Node[], place: number): void {
  const left = children[place]!;
  const right = children[place + 1]!;
  if (fillOf(left) + fillOf(right) > builtFill) return;
  if (left.children !== undefined && right.children !== undefined) {
    left.children.push(...right.children);
  } else if (left.children === undefined && right.children === undefined) {
    left.ids.set(right.ids.subarray(0, right.count * idWords), left.count * idWords);
  }
  gain(left, right);
  children.splice(place + 1, 1);
}

function gain(node: Subtree, other: Subtree): void {
  node.count += other.count;
  addTo(node.sum, other.sum, 0);
}

/** Copies the ids of the ranks from `from` to `to` within the node; gives the place behind them. */
function copyRanks(node: Node, from: number, to: number, into: Uint32Array, at: number): number {
  if (node.children === undefined) {
    const part = node.ids.subarray(Math.max(from, 0) * idWords, Math.min(to, node.count) * idWords);
    into.set(part, at);
    return at + part.length;
  }
  let before = 0;
  let next = at;
  for (const child of node.children) {
    if (before >= to) break;
    if (before + child.count > from) next = copyRanks(child, from - before, to - before, into, next);
    before += child.count;
  }
  return next;
}

// ---- Ids as words of 32 bits, the highest first: their order is that of the bytes ----------------------------------

function wordsOf(id: Uint8Array): Uint32Array {
  const words = new Uint32Array(idWords);
  readBytes(id, words);
  return words;
}

function readBytes(bytes: Uint8Array, words: Uint32Array): void {
  for (let i = 0; i < bytes.length; i++) words[i >> 2]! |= bytes[i]! << (24 - 8 * (i & 3));
}

function writeBytes(words: Uint32Array, count: number, bytes: Uint8Array): void {
  for (let i = 0; i < count; i++) {
    const word = words[i]!;
    bytes[4 * i] = word >>> 24;
    bytes[4 * i + 1] = word >>> 16;
    bytes[4 * i + 2] = word >>> 8;
    bytes[4 * i + 3] = word;
  }
}

function bytesOf(words: Uint32Array, count: number): Uint8Array {
  const bytes = new Uint8Array(4 * count);
  writeBytes(words, count, bytes);
  return bytes;
}

function compare(a: Uint32Array, atA: number, b: Uint32Array, atB: number): number {
  for (let i = 0; i < idWords; i++) {
    const distance = a[atA + i]! - b[atB + i]!;
    if (distance !== 0) return distance;
  }
  return 0;
}

/** sum + the id at that place, mod 2^256, in place of `sum`. */
function addTo(sum: Uint32Array, words: Uint32Array, at: number): void {
  let carry = 0;
  for (let i = idWords - 1; i >= 0; i--) {
    const word = sum[i]! + words[at + i]! + carry;
    carry = word > 0xffffffff ? 1 : 0;
    sum[i] = word;
  }
}

function sortedWords(packed: Uint8Array): Uint32Array {
  const words = new Uint32Array(packed.length / 4);
  readBytes(packed, words);
  const order = new Uint32Array(packed.length / idBytes).map((_, i) => i * idWords);
  order.sort((a, b) => compare(words, a, words, b));
  const sorted = new Uint32Array(words.length);
  let end = 0;
  for (const at of order) {
    if (end > 0 && compare(sorted, end - idWords, words, at) === 0) continue;
    sorted.set(words.subarray(at, at + idWords), end);
    end += idWords;
  }
  return sorted.subarray(0, end);
}
