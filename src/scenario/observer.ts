/**
 * What happened, gathered from the events of a world: who lives, who published what, who has it, who removed whom.
 * Conditions, figures and checkers look here. A simulated campaign calls it for every notice: an event costs some
 * look-ups in maps and makes no garbage, but for the first event of a message.
 */
import type { Millis, NodeId, TraceEvent } from "../core/index.ts";
import { scenarioLayer } from "../trace/index.ts";
import type { KnownNode } from "./selector.ts";

/** A node, through all its lives. */
export interface ObservedNode extends KnownNode {
  /** Its place in the columns of messages. */
  readonly row: number;
  readonly name: string;
  readonly role: "peer" | "seed";
  /** Of its present life, or of the last. */
  id: NodeId;
  isLiving: boolean;
  isPaused: boolean;
  /** 1 is the first. */
  life: number;
  /** Of the present life. */
  startedAt: Millis;
  /** When it crashed, hung or left; undefined while nothing of that has happened. */
  silentSince: Millis | undefined;
  /** When it last started or woke up. */
  backSince: Millis;
}

export interface ObservedMessage {
  readonly origin: NodeId;
  readonly incarnation: number;
  readonly sequence: number;
  /** When it was published, or (before that is known) first delivered. */
  at: Millis;
  /** Nobody is known to have published it. Of processes, that may become known a moment later. */
  isUnpublished: boolean;
  /** What each node has of it, by row: see `holds` and `delivered`. */
  flags: Uint8Array;
}

/** It has the message, in memory or on disk. */
export const holds = 1;
/** It was given to the application of the present life. */
export const delivered = 2;

/** A seed has taken a peer from its list; modern: a member has given another one up, or was told that it leaves. */
export interface Removal {
  readonly at: Millis;
  /** Who did. */
  readonly by: string;
  readonly peer: NodeId;
  readonly reason: string;
  /** The peer lived and could be reached: it should not have been removed. */
  readonly isFalse: boolean;
}

/** What the latest `delivered` event was: the first of that message, in this life, or again after a restart. */
export type Delivery = "first" | "twice" | "again";

export interface ObserverConfig {
  /** For so long after a partition, a pause or a restart an old report may still remove somebody rightly. */
  readonly graceMs: Millis;
}

export class Observer {
  /** In the order in which they joined. */
  readonly nodes: ObservedNode[] = [];
  /** In the order in which they were first heard of. */
  readonly messages: ObservedMessage[] = [];
  readonly removals: Removal[] = [];
  /** How often each type of event happened. */
  readonly counts = new Map<string, number>();
  published = 0;
  deliveries = 0;
  deliveredTwice = 0;
  /** Delivered anew by a life that could have remembered it. */
  deliveredAgain = 0;
  latestDelivery: Delivery = "first";
  latestMessage: ObservedMessage | undefined;
  /** A partition or a cut is on. */
  isDivided = false;
  healedAt: Millis = Number.NEGATIVE_INFINITY;
  readonly #graceMs: Millis;
  readonly #byId = new Map<NodeId, ObservedNode>();
  readonly #byName = new Map<string, ObservedNode>();
  /** By origin, incarnation and sequence. */
  readonly #lives = new Map<NodeId, Map<number, Map<number, ObservedMessage>>>();

  constructor({ graceMs }: ObserverConfig) {
    this.#graceMs = graceMs;
  }

  /** By any id that it has ever had. */
  nodeOf(id: NodeId): ObservedNode | undefined {
    return this.#byId.get(id);
  }
  node(name: string): ObservedNode | undefined {
    return this.#byName.get(name);
  }

  /** Peers that live and are awake. */
  get activePeers(): ObservedNode[] {
    return this.nodes.filter(({ role, isLiving, isPaused }) => role === "peer" && isLiving && !isPaused);
  }
  get activeSeeds(): ObservedNode[] {
    return this.nodes.filter(({ role, isLiving, isPaused }) => role === "seed" && isLiving && !isPaused);
  }

  onEvent(event: TraceEvent): void {
    const { type, layer } = event;
    this.counts.set(type, (this.counts.get(type) ?? 0) + 1);
    if (layer === "broadcast") {
      if (type === "delivered") this.#onDelivered(event);
      else if (type === "published") this.#onPublished(event);
    } else if (layer === scenarioLayer) this.#onScenario(event);
    else if (type === "peer-removed") this.#onRemoved(event, event["reason"] as string);
    else if (type === "member-failed") this.#onRemoved(event, "dead");
    else if (type === "peer-left" && layer === "membership") this.#onRemoved(event, "left");
  }

  message(origin: NodeId, incarnation: number, sequence: number): ObservedMessage | undefined {
    return this.#lives.get(origin)?.get(incarnation)?.get(sequence);
  }

  // ---- Messages ----

  #onPublished(event: TraceEvent): void {
    this.published++;
    const message = this.#messageOf(event);
    message.isUnpublished = false;
    message.at = event.at;
    const node = this.#byId.get(event.node);
    if (node !== undefined) this.#mark(message, node.row, holds);
  }

  #onDelivered(event: TraceEvent): void {
    const node = this.#byId.get(event.node);
    const message = this.#messageOf(event);
    this.latestMessage = message;
    if (node === undefined) return;
    const had = message.flags[node.row] ?? 0;
    if ((had & delivered) !== 0) {
      this.deliveredTwice++;
      this.latestDelivery = "twice";
      return;
    }
    this.deliveries++;
    this.latestDelivery = had === 0 ? "first" : "again";
    if (had !== 0) this.deliveredAgain++;
    this.#mark(message, node.row, holds | delivered);
  }

  #messageOf(event: TraceEvent): ObservedMessage {
    const { origin, incarnation, sequence } = event as unknown as ObservedMessage;
    let lives = this.#lives.get(origin);
    if (lives === undefined) {
      lives = new Map();
      this.#lives.set(origin, lives);
    }
    let life = lives.get(incarnation);
    if (life === undefined) {
      life = new Map();
      lives.set(incarnation, life);
    }
    let message = life.get(sequence);
    if (message === undefined) {
      const flags = new Uint8Array(Math.max(16, this.nodes.length));
      message = { origin, incarnation, sequence, at: event.at, isUnpublished: true, flags };
      life.set(sequence, message);
      this.messages.push(message);
    }
    return message;
  }

  #mark(message: ObservedMessage, row: number, flags: number): void {
    if (row >= message.flags.length) {
      const wider = new Uint8Array(Math.max(row + 1, message.flags.length * 2));
      wider.set(message.flags);
      message.flags = wider;
    }
    message.flags[row]! |= flags;
  }

  // ---- Nodes ----

  #onScenario(event: TraceEvent): void {
    switch (event.type) {
      case "joined":
        return this.#onJoined(event);
      case "restarted":
        return this.#onRestarted(event);
      case "crashed":
      case "left":
        return this.#onGone(event);
      case "paused":
        return this.#change(event, { isPaused: true, silentSince: event.at });
      case "resumed":
        return this.#change(event, { isPaused: false, backSince: event.at });
      case "partitioned":
      case "cut":
        this.isDivided = true;
        return;
      case "healed":
        this.isDivided = false;
        this.healedAt = event.at;
    }
  }

  #change(event: TraceEvent, changes: Partial<ObservedNode>): void {
    const node = this.#byId.get(event.node);
    if (node !== undefined) Object.assign(node, changes);
  }

  #onJoined(event: TraceEvent): void {
    const node: ObservedNode = {
      row: this.nodes.length,
      name: event["name"] as string,
      role: event["role"] as "peer" | "seed",
      id: event.node,
      isLiving: true,
      isPaused: false,
      life: 1,
      startedAt: event.at,
      silentSince: undefined,
      backSince: event.at,
    };
    this.nodes.push(node);
    this.#byId.set(node.id, node);
    this.#byName.set(node.name, node);
  }

  #onGone(event: TraceEvent): void {
    this.#change(event, { isLiving: false, isPaused: false, silentSince: event.at });
  }

  /** It holds what was on its disk; what it delivers from now on it delivers to a new life. */
  #onRestarted(event: TraceEvent): void {
    const node = this.#byName.get(event["name"] as string);
    if (node === undefined) return;
    const kept = event["keepsDisk"] === true ? holds : 0;
    for (const { flags } of this.messages) if (node.row < flags.length) flags[node.row]! &= kept;
    node.id = event.node;
    this.#byId.set(node.id, node);
    node.life++;
    node.isLiving = true;
    node.isPaused = false;
    node.startedAt = event.at;
    node.backSince = event.at;
  }

  #onRemoved(event: TraceEvent, reason: string): void {
    const peer = event["peer"] as NodeId;
    this.removals.push({
      at: event.at,
      by: this.#byId.get(event.node)?.name ?? String(event.node),
      peer,
      reason,
      isFalse: reason !== "left" && this.#couldBeReached(peer, event.at),
    });
  }

  #couldBeReached(peer: NodeId, at: Millis): boolean {
    const node = this.#byId.get(peer);
    // Under an earlier id it is its earlier life that is removed.
    if (node === undefined || node.id !== peer || !node.isLiving || node.isPaused) return false;
    if (this.isDivided || at < this.healedAt + this.#graceMs) return false;
    const hasJustComeBack = node.silentSince !== undefined && at < node.backSince + this.#graceMs;
    return !hasJustComeBack;
  }
}
