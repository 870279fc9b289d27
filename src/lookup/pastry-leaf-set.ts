/**
 * Pastry's leaf set L: the l = |L|/2 nodes with the next larger keys and the l with the next smaller ones, around the
 * ring (Rowstron and Druschel 2001, section 2.1).
 *
 *     below: farthest … nearest   self   nearest … farthest :above
 *            └──────────── the arc that the leaf set covers ─────┘
 *
 * Both sides are sorted by nearness to us, the nearest first, and have no gaps that we know of.
 *
 * Where the network is smaller than the leaf set both sides reach around the ring and share nodes: then the leaf set is
 * everybody. But a side that is short because its nodes have died must not be filled up from the other side: that
 * would claim the whole ring for the few that are left. So a node goes to both sides only if both have room, or if it
 * is nearer than what they have.
 */
import { compareAround, compareUp, isWithin, type Key, type KeyedNode } from "../core/index.ts";

export class LeafSet {
  readonly self: KeyedNode;
  /** l: the most nodes on one side. */
  readonly sideSize: number;
  /** With larger keys, going up the ring; the nearest first. Treat as read-only. */
  readonly above: KeyedNode[];
  /** With smaller keys, going down the ring; the nearest first. Treat as read-only. */
  readonly below: KeyedNode[];
  /** Everybody that we know of is within l steps in both directions: the ring is no larger. */
  #isWhole = true;

  /** `size` is |L|: an even number. `sides`: what is known already, the nearest first. */
  constructor(self: KeyedNode, size: number, sides: LeafSetSides = { above: [], below: [] }) {
    this.self = self;
    this.sideSize = size / 2;
    this.above = sides.above.slice(0, this.sideSize);
    this.below = sides.below.slice(0, this.sideSize);
    this.#look();
  }

  /** Different nodes in it. */
  get size(): number {
    return this.isOverlapping ? this.all().length : this.above.length + this.below.length;
  }

  /** Do both sides share nodes? */
  get isOverlapping(): boolean {
    const { above, below } = this;
    return below.some((node) => above.includes(node));
  }

  /** The ring is smaller than the leaf set, as far as we know: each key lies within it. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Without repetition: the larger ones, then the smaller ones, the nearest first. */
  all(): KeyedNode[] {
    const { above, below } = this;
    return [...above, ...below.filter((node) => !above.includes(node))];
  }

  get(key: Key): KeyedNode | undefined {
    const { above, below } = this;
    for (let i = 0; i < above.length; i++) if (above[i]!.key === key) return above[i];
    for (let i = 0; i < below.length; i++) if (below[i]!.key === key) return below[i];
    return undefined;
  }

  /** Would it be taken? False for what is in it. */
  wants(node: KeyedNode): boolean {
    if (node.key === this.self.key || this.get(node.key) !== undefined) return false;
    const { up, down } = this.#places(node);
    return up >= 0 || down >= 0;
  }

  /** Takes a node in where it belongs, or replaces the one with the same key, which has moved. */
  add(node: KeyedNode): LeafSetChange {
    const known = this.get(node.key);
    if (node.key === this.self.key || known?.node === node.node) return unchanged;
    const { above, below, sideSize } = this;
    if (known !== undefined) {
      replace(above, known, node);
      replace(below, known, node);
      return { hasChanged: true, removed: [] };
    }
    const { up, down } = this.#places(node);
    if (up < 0 && down < 0) return unchanged;
    if (up >= 0) above.splice(up, 0, node);
    if (down >= 0) below.splice(down, 0, node);
    const removed: KeyedNode[] = [];
    if (above.length > sideSize) removed.push(above.pop()!);
    if (below.length > sideSize) removed.push(below.pop()!);
    this.#look();
    return { hasChanged: true, removed: removed.filter((one) => this.get(one.key) === undefined) };
  }

  /** Was it in it? */
  remove(key: Key): boolean {
    const known = this.get(key);
    if (known === undefined) return false;
    for (const side of [this.above, this.below]) {
      const place = side.indexOf(known);
      if (place >= 0) side.splice(place, 1);
    }
    this.#look();
    return true;
  }

  /** Does the key lie between the farthest leaves, so that the numerically closest node is one of us? */
  covers(key: Key): boolean {
    if (this.#isWhole) return true;
    const lowest = (this.below.at(-1) ?? this.self).key;
    const highest = (this.above.at(-1) ?? this.self).key;
    return key === lowest || (lowest !== highest && isWithin(lowest, key, highest));
  }

  /** The numerically closest to the key among the leaves for which `isUsable` holds, and ourselves. */
  closest(key: Key, isUsable: (node: KeyedNode) => boolean): KeyedNode {
    let best = this.self;
    for (const side of [this.above, this.below]) {
      for (let i = 0; i < side.length; i++) {
        const node = side[i]!;
        if (compareAround(key, node.key, best.key) < 0 && isUsable(node)) best = node;
      }
    }
    return best;
  }

  /** Where it goes on each side; -1: not there. */
  #places(node: KeyedNode): { readonly up: number; readonly down: number } {
    const { above, below, sideSize } = this;
    let up = above.length;
    while (up > 0 && this.#isNearerUp(node, above[up - 1]!)) up--;
    let down = below.length;
    while (down > 0 && this.#isNearerDown(node, below[down - 1]!)) down--;
    // The last of its side, it only fills room: no reason to be there if the other side is where it belongs.
    const haveBothRoom = above.length < sideSize && below.length < sideSize;
    const isAmongUp = up < above.length;
    const isAmongDown = down < below.length;
    const isUp = isAmongUp || (up < sideSize && (haveBothRoom || !isAmongDown));
    const isDown = isAmongDown || (down < sideSize && (haveBothRoom || !isAmongUp));
    return { up: isUp ? up : -1, down: isDown ? down : -1 };
  }

  #look(): void {
    const { above, below, sideSize } = this;
    this.#isWhole = (above.length < sideSize && below.length < sideSize) || this.isOverlapping;
  }

  #isNearerUp(a: KeyedNode, b: KeyedNode): boolean {
    return compareUp(this.self.key, a.key, b.key) < 0;
  }

  /** Going down from us: the one that comes last on the way up. */
  #isNearerDown(a: KeyedNode, b: KeyedNode): boolean {
    return compareUp(this.self.key, a.key, b.key) > 0;
  }
}

/** The nearest first. */
export interface LeafSetSides {
  readonly above: readonly KeyedNode[];
  readonly below: readonly KeyedNode[];
}

/** What was pushed out is in neither side any more. */
export interface LeafSetChange {
  readonly hasChanged: boolean;
  readonly removed: readonly KeyedNode[];
}

const unchanged: LeafSetChange = { hasChanged: false, removed: [] };

function replace(side: KeyedNode[], old: KeyedNode, by: KeyedNode): void {
  const place = side.indexOf(old);
  if (place >= 0) side[place] = by;
}
