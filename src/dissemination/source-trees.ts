/**
 * The trees of Plumtree at one node, by source. Messages of a source that says something now and then travel along a
 * tree of its own, which its first message on it makes by a flood; all others share one.
 *
 * A tree is nothing but the neighbors that are lazy in it: to these a message is only announced. All others are eager,
 * so a new neighbor is eager in every tree, and no tree has to be told of it.
 */
import { type Identity, identityOf, type Millis, type NodeId } from "../core/index.ts";
import type { GossipStatement } from "./messages.ts";

export interface Tree {
  /** Undefined: the tree that is shared. */
  readonly source: Identity | undefined;
  /** Neighbors to which messages are announced and not sent. */
  readonly lazy: NodeId[];
  /** Who sent the latest message on it, and how many links that had crossed, if that is known. */
  parent: NodeId | undefined;
  hops: number | undefined;
}

export interface SourceTreesOptions {
  readonly ownTreePerMinute: number;
  readonly maxTrees: number;
}

interface Source {
  readonly identity: Identity;
  own: Tree | undefined;
  /** Messages in the minute that began at `since`; times are those of the source, so that all nodes count alike. */
  count: number;
  since: Millis;
  latest: Millis;
}

const minuteMs = 60_000;

export class SourceTrees {
  readonly #options: SourceTreesOptions;
  readonly #shared: Tree = newTree(undefined);
  /** The one heard of least recently is the first. */
  readonly #sources = new Map<Identity, Source>();

  constructor(options: SourceTreesOptions) {
    this.#options = options;
  }

  /** Trees beside the one that is shared. */
  get ownCount(): number {
    let count = 0;
    for (const { own } of this.#sources.values()) if (own !== undefined) count++;
    return count;
  }

  /** The tree along which this message goes: its source has one message more. */
  note({ origin, at }: GossipStatement): Tree {
    const { ownTreePerMinute, maxTrees } = this.#options;
    if (ownTreePerMinute === 0) return this.#shared;
    const identity = identityOf(origin);
    let source = this.#sources.get(identity);
    if (source === undefined) {
      source = { identity, own: undefined, count: 0, since: at, latest: at };
      if (this.#sources.size >= maxTrees) this.#sources.delete(this.#sources.keys().next().value!);
    } else {
      this.#sources.delete(identity);
      if (at - source.latest > minuteMs) source.own = undefined; // grown quiet: others may have forgotten its tree
      if (at - source.since > minuteMs) {
        source.since = at;
        source.count = 0;
      }
      if (at > source.latest) source.latest = at;
    }
    this.#sources.set(identity, source);
    if (++source.count >= ownTreePerMinute) source.own ??= newTree(identity);
    return source.own ?? this.#shared;
  }

  /** Where the messages of that origin travel now. */
  of(origin: NodeId | Identity): Tree {
    return this.ownOf(identityOf(origin)) ?? this.#shared;
  }
  ownOf(identity: Identity): Tree | undefined {
    return this.#sources.get(identity)?.own;
  }
  get shared(): Tree {
    return this.#shared;
  }

  /** In every tree. */
  makeEagerEverywhere(neighbor: NodeId): void {
    makeEager(this.#shared, neighbor);
    for (const { own } of this.#sources.values()) if (own !== undefined) makeEager(own, neighbor);
  }
}

function newTree(source: Identity | undefined): Tree {
  return { source, lazy: [], parent: undefined, hops: undefined };
}

export function makeEager({ lazy }: Tree, neighbor: NodeId): void {
  const place = lazy.indexOf(neighbor);
  if (place >= 0) lazy.splice(place, 1);
}

export function makeLazy({ lazy }: Tree, neighbor: NodeId): void {
  if (!lazy.includes(neighbor)) lazy.push(neighbor);
}
