/** The active view of HyParView: the links that a node holds, in the order in which they came up. */
import {
  type Candidate,
  type Identity,
  identityOf,
  type Millis,
  type NodeId,
  pick,
  type Random,
} from "../core/index.ts";
import { isElder, type Seniority } from "./seniority.ts";

/** A link, and what its test has shown so far. */
export interface Link extends Candidate {
  /** Of the neighbor, when the link was made. */
  readonly incarnation: number;
  /** Something came from the neighbor since the last tick. */
  wasHeard: boolean;
  /** The keep-alive that waits for an answer; 0 where none does. */
  nonce: number;
  askedAt: Millis;
  /** Keep-alives in a row after which nothing was heard. */
  misses: number;
  /** Times in a row that the connection broke and nothing was heard since. */
  breaks: number;
  brokenAt: Millis | undefined;
  /** The other end has said that it counts us as a neighbor. */
  isConfirmed: boolean;
  /** Answers in a row that said "you are not my neighbor". */
  oneSided: number;
  /** The number of the last keep-alive that the neighbor sent. */
  lastAsked: number | undefined;
  /** Of keep-alives, smoothed. */
  rttMs: number | undefined;
}

export class ActiveView {
  readonly #links = new Map<NodeId, Link>();
  /** The keys of #links, packed. */
  readonly #neighbors: NodeId[] = [];

  get size(): number {
    return this.#neighbors.length;
  }
  get neighbors(): readonly NodeId[] {
    return this.#neighbors;
  }
  /** Those that have stood longest first. */
  get links(): IterableIterator<Link> {
    return this.#links.values();
  }
  has(node: NodeId): boolean {
    return this.#links.has(node);
  }
  get(node: NodeId): Link | undefined {
    return this.#links.get(node);
  }
  /** The link to that key, at whatever address. */
  ofIdentity(identity: Identity): Link | undefined {
    for (const link of this.#links.values()) if (identityOf(link.peer) === identity) return link;
    return undefined;
  }

  add(peer: NodeId, since: Millis, incarnation: number): Link {
    const link: Link = {
      peer,
      since,
      incarnation,
      wasHeard: true,
      nonce: 0,
      askedAt: 0,
      misses: 0,
      breaks: 0,
      brokenAt: undefined,
      isConfirmed: false,
      oneSided: 0,
      lastAsked: undefined,
      rttMs: undefined,
    };
    this.#links.set(peer, link);
    this.#neighbors.push(peer);
    return link;
  }

  remove(peer: NodeId): boolean {
    if (!this.#links.delete(peer)) return false;
    this.#neighbors.splice(this.#neighbors.indexOf(peer), 1);
    return true;
  }

  clear(): void {
    this.#links.clear();
    this.#neighbors.length = 0;
  }

  /** Somebody to pass a walk on to. */
  another(random: Random, ...excluded: readonly NodeId[]): NodeId | undefined {
    const others = this.#neighbors.filter((neighbor) => !excluded.includes(neighbor));
    return others.length === 0 ? undefined : pick(others, random);
  }

  hasElderThan(me: Seniority): boolean {
    for (const link of this.#links.values()) if (isElder(link, me)) return true;
    return false;
  }

  /** The neighbor without whom we would have no elder one; undefined if there are several, or none. */
  onlyElder(me: Seniority): NodeId | undefined {
    let only: NodeId | undefined;
    for (const link of this.#links.values()) {
      if (!isElder(link, me)) continue;
      if (only !== undefined) return undefined;
      only = link.peer;
    }
    return only;
  }

  /**
   * Whom to give up for somebody who insists: a random one, but none of the `kept` that have stood longest. So
   * whoever asks for links again and again, under however many names, cannot push out all that we have. Nor our only
   * elder neighbor.
   */
  toEvict(kept: number, me: Seniority, random: Random): NodeId | undefined {
    const open = this.#neighbors.slice(kept);
    const elder = this.onlyElder(me);
    const place = elder === undefined ? -1 : open.indexOf(elder);
    if (place >= 0) open.splice(place, 1);
    return open.length === 0 ? undefined : pick(open, random);
  }
}
