/** Invariants of who takes whom for alive, checked at every transition: from notices, without looking into nodes. */
import { type Identity, identityOf, type Millis, type NodeId, type TraceEvent } from "../core/index.ts";
import { scenarioLayer } from "../trace/index.ts";
import type { ObservedNode, Observer } from "./observer.ts";
import { Watch } from "./watch.ts";

// ---- Lists ----

/**
 * A peer that lives and can be reached is missing from a seed's list for no longer than the scenario allows: from the
 * moment when it was removed, or could be reached again, until the seed lists it. Where all are members of one
 * membership, it is the same with each of them: nobody stays given up who lives.
 */
export class LivePeersStayListed extends Watch {
  readonly #observer: Observer;
  readonly #boundMs: Millis;
  /** Who starts again begins anew with what others tell it. */
  readonly #listersForget: boolean;
  /** Somebody knows a sample only: who is not in a sample is not missing. */
  #areSamples = false;
  /** By who lists, then by peer: since when it is missing there. */
  readonly #missing = new Map<string, Map<Identity, Millis>>();

  constructor(observer: Observer, boundMs: Millis, listersForget: boolean) {
    super("live-peers-stay-listed");
    this.#observer = observer;
    this.#boundMs = boundMs;
    this.#listersForget = listersForget;
  }

  onEvent(event: TraceEvent): void {
    switch (event.type) {
      case "peer-removed":
      case "member-failed":
        return this.#onRemoved(event);
      case "peer-listed":
      case "member-up": {
        const missing = this.#missingAt(event);
        const identity = identityOf(event["peer"] as NodeId);
        const since = missing?.get(identity);
        if (since === undefined) return;
        this.#check(event, event["peer"] as NodeId, since);
        missing!.delete(identity);
        return;
      }
      case "view-partial":
        this.#areSamples = true;
        this.#missing.clear();
        return;
      // What began before any of these says nothing about the time after it.
      case "healed":
      case "restarted":
      case "resumed":
        for (const missing of this.#missing.values())
          for (const identity of missing.keys()) missing.set(identity, event.at);
        if (event.type === "restarted" && this.#listersForget) this.#missing.delete(event["name"] as string);
    }
  }

  override atCalm(): void {
    for (const [seed, missing] of this.#missing) {
      for (const identity of missing.keys()) {
        const node = this.#observer.nodes.find(({ id }) => identityOf(id) === identity);
        const lister = this.#observer.node(seed);
        if (node === undefined || !isReachable(node) || lister === undefined || !isReachable(lister))
          continue;
        this.violate(missing.get(identity)!, `${node.name} was removed by ${seed} and never came back`);
      }
    }
  }

  #missingAt(event: TraceEvent): Map<Identity, Millis> | undefined {
    const seed = this.#observer.nodeOf(event.node);
    return seed === undefined ? undefined : this.#missing.get(seed.name);
  }

  #onRemoved(event: TraceEvent): void {
    const seed = this.#observer.nodeOf(event.node);
    if (seed === undefined || event["reason"] === "left" || this.#areSamples) return;
    let missing = this.#missing.get(seed.name);
    if (missing === undefined) {
      missing = new Map();
      this.#missing.set(seed.name, missing);
    }
    missing.set(identityOf(event["peer"] as NodeId), event.at);
  }

  #check(event: TraceEvent, peer: NodeId, since: Millis): void {
    const node = this.#observer.nodeOf(peer);
    if (node === undefined || this.#observer.isDivided) return;
    const from = Math.max(since, node.backSince, this.#observer.healedAt);
    if (event.at - from <= this.#boundMs) return;
    const seed = this.#observer.nodeOf(event.node)?.name;
    this.violate(event.at, `${node.name} was missing at ${seed} for ${event.at - from} ms`);
  }
}

function isReachable(node: ObservedNode): boolean {
  return node.isLiving && !node.isPaused;
}

// ---- Lives ----

/** What somebody knows of another. */
interface KnownLife {
  incarnation: number;
  /** It was given up in that life, or has left. */
  isOver: boolean;
}

/**
 * What a member believes of another only ever moves to later lives of it, and who was given up comes back in a later one
 * only: a new one, or one by which it refutes. A member that starts again, or keeps a sample only, has forgotten.
 */
export class LivesGoForward extends Watch {
  readonly #observer: Observer;
  /** By who believes it. */
  readonly #known = new Map<NodeId, Map<Identity, KnownLife>>();
  readonly #partial = new Set<NodeId>();

  constructor(observer: Observer) {
    super("lives-go-forward");
    this.#observer = observer;
  }

  onEvent(event: TraceEvent): void {
    const { type, node } = event;
    if (type === "restarted") {
      this.#known.delete(node);
      this.#partial.delete(node);
    } else if (type === "view-partial") this.#partial.add(node);
    else if (beliefs.has(type) && event.layer === "membership" && !this.#partial.has(node))
      this.#onBelief(event);
  }

  #onBelief(event: TraceEvent): void {
    const { type, node, at } = event;
    const peer = event["peer"] as NodeId;
    const incarnation = event["incarnation"] as number;
    let known = this.#known.get(node);
    if (known === undefined) {
      known = new Map();
      this.#known.set(node, known);
    }
    const isOver = type === "member-failed" || type === "peer-left";
    const life = known.get(identityOf(peer));
    if (life === undefined) {
      known.set(identityOf(peer), { incarnation, isOver });
      return;
    }
    const told = () => `${type} of ${this.#name(peer)} at ${this.#name(node)}: life ${incarnation}`;
    if (incarnation < life.incarnation)
      this.violate(at, `${told()}, and ${life.incarnation} was known already`);
    else if (life.isOver && incarnation === life.incarnation && type !== "peer-left")
      this.violate(at, `${told()} was over already`);
    life.incarnation = incarnation;
    life.isOver = isOver;
  }

  #name(id: NodeId): string {
    return this.#observer.nodeOf(id)?.name ?? String(id);
  }
}

const beliefs: ReadonlySet<string> = new Set([
  "member-up",
  "member-suspected",
  "member-cleared",
  "member-failed",
  "peer-left",
]);

// ---- Genuineness ----

/** One forgery that is believed tells the story: no more of them are remembered until the end. */
const maxSuspects = 100;

/**
 * Nobody is taken for a member who was never in the network, nor for gone who has not said goodbye: whoever lacks the key
 * can have nothing of the kind believed. What a process does is read from its trace, a moment after others were told of
 * it: so the verdict waits for the end.
 */
export class BeliefsAreGenuine extends Watch {
  readonly #observer: Observer;
  /** By name. */
  readonly #left = new Set<string>();
  readonly #suspects = new Map<string, TraceEvent>();

  constructor(observer: Observer) {
    super("beliefs-are-genuine");
    this.#observer = observer;
  }

  onEvent(event: TraceEvent): void {
    const { type, layer, node } = event;
    if (layer === scenarioLayer) {
      if (type === "left") this.#left.add(this.#observer.nodeOf(node)!.name);
    } else if (layer === "membership" && (type === "member-up" || type === "peer-left")) {
      if (this.#suspects.size < maxSuspects && this.#isForged(event))
        this.#suspects.set(`${type} ${event["peer"]}`, event);
    }
  }

  override atCalm(): void {
    for (const event of this.#suspects.values()) {
      if (!this.#isForged(event)) continue;
      const by = this.#observer.nodeOf(event.node)?.name;
      const peer = event["peer"] as NodeId;
      const name = this.#observer.nodeOf(peer)?.name;
      const what =
        name === undefined
          ? `took ${peer} for a member, which nobody is`
          : `believed a goodbye that ${name} has not said`;
      this.violate(event.at, `${by} ${what}`);
    }
  }

  #isForged({ type, peer }: TraceEvent): boolean {
    const known = this.#observer.nodeOf(peer as NodeId);
    return known === undefined || (type === "peer-left" && !this.#left.has(known.name));
  }
}

// ---- Verdicts ----

/** What is done to a network, after which verdicts may be wrong for a while. */
const disturbances: ReadonlySet<string> = new Set([
  "joined",
  "restarted",
  "crashed",
  "left",
  "paused",
  "resumed",
  "partitioned",
  "cut",
  "healed",
  "links-changed",
  "slowed",
  "drifted",
  "forged",
]);

/** Once nothing was done to the network for a while, nobody is given up who lives and can be reached. */
export class NoFalseVerdicts extends Watch {
  readonly #observer: Observer;
  readonly #settlingMs: Millis;
  readonly #linksAt = { lossy: false, slow: new Set<NodeId>() };
  #disturbedAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(observer: Observer, settlingMs: Millis) {
    super("no-false-verdicts");
    this.#observer = observer;
    this.#settlingMs = settlingMs;
  }

  onEvent(event: TraceEvent): void {
    const { type, at, layer } = event;
    if (layer === scenarioLayer) {
      if (disturbances.has(type)) this.#disturbedAt = at;
      if (type === "links-changed") this.#linksAt.lossy = isLossy(event["set"]);
      if (type === "slowed") {
        if (event["perEventMs"] === 0) this.#linksAt.slow.delete(event.node);
        else this.#linksAt.slow.add(event.node);
      }
      return;
    }
    if (type !== "member-failed" || at < this.#disturbedAt + this.#settlingMs) return;
    if (this.#linksAt.lossy || this.#linksAt.slow.size > 0) return;
    const removal = this.#observer.removals.at(-1)!;
    if (!removal.isFalse) return;
    const peer = this.#observer.nodeOf(removal.peer)!;
    this.violate(at, `${removal.by} gave up ${peer.name}, which lives`);
  }
}

function isLossy(set: unknown): boolean {
  const { loss = 0, latency } = set as { readonly loss?: number; readonly latency?: unknown };
  return loss > 0 || latency !== undefined;
}
