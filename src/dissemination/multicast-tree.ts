/**
 * A spanning tree that nobody builds: every node sorts the members that it knows by a hash of their identity, and
 * takes the list for a tree. The member at place r is the child of the one at place (r - 1) / degree, rounded down.
 *
 * Nodes that know the same members see the same tree, so that it takes n - 1 copies to reach all. Where they do not,
 * and where an inner node is dead, a part of the tree hears nothing: it is a best-effort multicast.
 *
 * The order is that of a hash and has nothing to do with who is near to whom. One tree is shared by all origins: a
 * message goes up and down from wherever it began.
 */
import {
  hashNumbers,
  hashText,
  type Identity,
  identityOf,
  type Millis,
  type NeighborView,
  type NodeId,
  type PeerSampler,
} from "../core/index.ts";
import type { BroadcastEnvironment } from "./spreading.ts";

/** Members come and go, and their list has no version: it is read anew so often. */
const refreshMs = 1000;

export class MulticastTree implements NeighborView {
  readonly #members: PeerSampler;
  readonly #degree: number;
  #neighbors: readonly NodeId[] = [];
  #readAt: Millis = -Infinity;
  #readSize = -1;

  /** `degree`: children of an inner node. */
  constructor(members: PeerSampler, degree: number) {
    this.#members = members;
    this.#degree = degree;
  }

  /** The parent, unless this is the root, and the children. */
  get neighbors(): readonly NodeId[] {
    return this.#neighbors;
  }
  has(node: NodeId): boolean {
    return this.#neighbors.includes(node);
  }

  /** Reads the members again, if that is due. */
  refresh(env: BroadcastEnvironment): void {
    const { size } = this.#members;
    if (size === this.#readSize && env.now - this.#readAt < refreshMs) return;
    this.#readAt = env.now;
    this.#readSize = size;
    const everybody = [env.self, ...this.#members.sample(size, env.random).map(({ peer }) => peer)]
      .map((node) => ({ node, identity: identityOf(node), rank: rankOf(identityOf(node)) }))
      .sort((a, b) => a.rank - b.rank || (a.identity < b.identity ? -1 : 1));
    const self = identityOf(env.self);
    const place = everybody.findIndex(({ identity }) => identity === self);
    const firstChild = place * this.#degree + 1;
    const parent = place === 0 ? [] : [everybody[Math.floor((place - 1) / this.#degree)]!];
    const children = everybody.slice(firstChild, firstChild + this.#degree);
    this.#neighbors = [...parent, ...children].map(({ node }) => node);
  }
}

function rankOf(identity: Identity): number {
  return typeof identity === "number" ? hashNumbers([identity]) : hashText(identity);
}
