/**
 * The broadcast layer: what a node publishes reaches everybody, and everybody delivers it once.
 *
 *     publish  -> number, sign, remember -> spread
 *     gossip   -> seen? signed by its origin? -> deliver, remember -> spread
 *
 * How it spreads is up to a `Spreading`: flood, rumor mongering, median-counter, bimodal multicast, Plumtree, or
 * nothing at all.
 * What that leaves out the history repairs, unless it is told not to. It compares what neighbors have seen: with
 * `anti-entropy` in every round, and that is all the spreading there is; otherwise on new links and now and then.
 */
import {
  type Millis,
  type NeighborView,
  type NodeId,
  type PeerSampler,
  type Protocol,
  pick,
  type Signatures,
  type StackNotice,
  type Standing,
  type Typed,
  UsageError,
} from "../core/index.ts";
import { type BroadcastMethod, type BroadcastOptions, broadcastOptions } from "./broadcast-options.ts";
import { CoverageEstimates } from "./coverage.ts";
import { History } from "./history.ts";
import { makeSpreading } from "./make-spreading.ts";
import {
  type BroadcastMessage,
  type Gossip,
  type GossipStatement,
  type MessageId,
  maxGossipBytes,
  maxHops,
  maxPayloadsPerGossip,
  type Payload,
} from "./messages.ts";
import { checkPayload, checkPriority, checkTopic } from "./payload.ts";
import type { Retained } from "./retained-messages.ts";
import type {
  BroadcastEnvironment,
  BroadcastNotice,
  BroadcastTimer,
  MessageStore,
  Spreading,
} from "./spreading.ts";
import { Topics } from "./topics.ts";

export type { BroadcastNotice, BroadcastTimer } from "./spreading.ts";

/** Comparing in rounds, a message reaches everybody in so many: log2 n + ln n and a bit, for a million. */
const roundsToAll = 40;

export interface BroadcastConfig {
  readonly view: NeighborView;
  /** Who else is there: for the tree of `bimodal`, and where partners are members. */
  readonly members?: PeerSampler;
  readonly standing: Standing;
  readonly signatures: Signatures<GossipStatement>;
  /** Messages of an earlier life, oldest first: kept for others, not delivered again. */
  readonly restored?: readonly Gossip[];
  readonly options?: Partial<BroadcastOptions>;
}

export type BroadcastCommand =
  | {
      readonly type: "publish";
      readonly payloads: readonly Payload[];
      readonly priority?: number;
      readonly topic?: string;
    }
  /** From the first time on, of messages with a topic only those of these are delivered. All are passed on. */
  | { readonly type: "subscribe" | "unsubscribe"; readonly topics: readonly string[] }
  /** How many have seen this message? Some members are asked; a notice `coverage` says what they answered. */
  | { readonly type: "estimate-coverage"; readonly id: MessageId; readonly samples: number }
  /** The connection to a neighbor broke: what was under way on it may be lost. */
  | { readonly type: "link-lost"; readonly neighbor: NodeId };

export class Broadcast
  implements Protocol<BroadcastMessage, BroadcastTimer, BroadcastNotice, BroadcastCommand>, MessageStore
{
  readonly counters = {
    published: 0,
    delivered: 0,
    duplicates: 0,
    sends: 0,
    repairs: 0,
    /** Copies that crossed ours on the link: it carried the message once in each direction. */
    crossings: 0,
    /** Sent again to a neighbor that had it on this link already, after `resendAfterMs`. */
    resent: 0,
    forged: 0,
    gapsGivenUp: 0,
    /** Histories that we asked a neighbor to compare. */
    comparisons: 0,
    calls: 0,
    offers: 0,
    offersKnown: 0,
    refusedCalls: 0,
    unexpected: 0,
    /** Messages of topics that this node has not subscribed to. */
    filtered: 0,
    /** Plumtree: ids announced, requests for messages and links, and requests for announcements only. */
    announced: 0,
    grafts: 0,
    prunes: 0,
    /** Messages that were announced and never came: left to the history; and announcements for which there was no room. */
    graftsGivenUp: 0,
    announcementsDropped: 0,
    /** Questions for a message that were too many for one second. */
    refusedQuestions: 0,
  };
  readonly #options: BroadcastOptions;
  readonly #config: BroadcastConfig;
  readonly #history: History;
  /** Undefined where comparing histories is all that there is. */
  readonly #spreading: Spreading | undefined;
  readonly #coverage: CoverageEstimates;
  readonly #topics = new Topics();
  /** Neighbors whose side of a comparison was heard since the link is up. */
  readonly #compared = new Set<NodeId>();
  /** The incarnation in which this life started: refutations raise the incarnation, but not the life. */
  readonly #life: number;
  #nextSequence = 0;
  /** By anti-entropy: messages that were new in this round, and in those before it, in which they reach everybody. */
  readonly #newInRounds: number[] = new Array(roundsToAll).fill(0);

  /** Throws `UsageError` for options that do not go together. */
  constructor(config: BroadcastConfig) {
    this.#config = config;
    this.#options = broadcastOptions(config.options);
    this.#life = config.standing.incarnation;
    const { counters } = this;
    this.#history = new History({
      view: config.view,
      options: this.#options,
      counters,
      isOffered: (retained, now) => this.#spreading?.isOffered?.(retained, now) === true,
    });
    this.#spreading = makeSpreading({ ...config, store: this, options: this.#options, counters });
    this.#coverage = new CoverageEstimates({ members: config.members, options: this.#options, counters });
  }

  get method(): BroadcastMethod {
    return this.#options.method;
  }
  /** Messages kept for those who lack them. */
  get retainedCount(): number {
    return this.#history.retainedCount;
  }
  /** So many of the publications that are kept, those received last first. */
  latestRetained(count: number): readonly Retained[] {
    return this.#history.latest(count);
  }
  /** Messages that this node still spreads. */
  get hotCount(): number {
    let count = 0;
    for (const _ of this.#spreading?.unfinished ?? []) count++;
    return count;
  }

  /** The most that it may be. */
  get maxHotCount(): number {
    const { method, maxHot } = this.#options;
    return method === "flood" ? Infinity : maxHot;
  }

  /** False while so much is new that the oldest may have to make way too early: whoever publishes had better wait. */
  get hasRoom(): boolean {
    const { method, stop, maxHot, retainMessages } = this.#options;
    if (method === "flood") return true;
    if (method === "anti-entropy")
      return this.#newInRounds.reduce((sum, count) => sum + count) <= retainMessages / 2;
    // What never stops is always full, and the oldest has long been everywhere.
    if (method === "rumor" && stop === "never") return true;
    return this.hotCount <= maxHot / 2;
  }

  /** Does what is published now reach somebody? A neighbor has answered to a comparison, or nobody else is known. */
  get isReady(): boolean {
    const { view, members } = this.#config;
    if (this.#compared.size > 0 || (!this.#options.repairs && view.neighbors.length > 0)) return true;
    return view.neighbors.length === 0 && (members?.size ?? 0) === 0;
  }

  start(env: BroadcastEnvironment): void {
    for (const gossip of this.#config.restored ?? []) {
      const { statement } = gossip;
      const known = this.#history.seen.find(statement);
      if (this.#history.seen.hasWithin(known, statement)) continue;
      this.#history.retain(gossip, this.#history.markSeen(known, statement), env);
    }
    this.#scheduleRepair(env.random.below(this.#repairEveryMs), env);
    this.#spreading?.start?.(env);
  }

  /** Throws `UsageError` if a payload is too long or there are too many; nothing was published then. */
  onCommand(command: BroadcastCommand, env: BroadcastEnvironment): void {
    switch (command.type) {
      case "publish":
        return this.#publish(command, env);
      case "subscribe":
        return this.#topics.subscribe(command.topics);
      case "unsubscribe":
        return this.#topics.unsubscribe(command.topics);
      case "estimate-coverage":
        return this.#coverage.estimate(command.id, command.samples, env);
      case "link-lost":
        this.#forgetHolder(command.neighbor);
        if (this.#options.repairs) this.#compareWith(command.neighbor, env);
        return;
    }
  }

  onMessage(from: NodeId, message: BroadcastMessage, env: BroadcastEnvironment): void {
    switch (message.type) {
      case "gossip":
        return this.#onGossip(from, message, env);
      case "summary":
        this.#hasCompared(from);
        return this.#history.onSummary(from, message, env);
      case "digest":
        this.#hasCompared(from);
        return this.#history.onDigest(from, message, env);
      case "call":
        return this.#spreading?.onCall?.(from, message, env);
      case "answer":
        return this.#spreading?.onAnswer?.(from, message, env);
      case "feedback":
        return this.#spreading?.onFeedback?.(from, message, env);
      case "busy":
        return this.#spreading?.onBusy?.(from, message, env);
      case "i-have":
        return this.#spreading?.onIHave?.(from, message, env);
      case "graft":
        return this.#spreading?.onGraft?.(from, message, env);
      case "prune":
        return this.#spreading?.onPrune?.(from, message, env);
      case "have-you":
        return this.#coverage.onHaveYou(from, message, this.hasSeen(message), env);
      case "have-reply":
        return this.#coverage.onHaveReply(from, message, env);
    }
  }

  onTimer(timer: BroadcastTimer, env: BroadcastEnvironment): void {
    switch (timer.type) {
      case "flush":
        return this.#spreading?.onFlush?.(env);
      case "round":
        return this.#spreading?.onRound?.(env);
      case "repair":
        return this.#repair(timer.dueAt, env);
      case "compare":
        return this.#compareWith(timer.neighbor, env);
      case "coverage":
        return this.#coverage.end(timer.nonce, env);
    }
  }

  onNotice(notice: Typed, env: BroadcastEnvironment): void {
    const known = notice as StackNotice;
    switch (known.type) {
      case "publish":
        return this.#publish(known, env);
      case "neighbor-up": {
        this.#spreading?.onNeighborUp?.(known.neighbor, env);
        if (!this.#options.repairs) return;
        // The first link asks at once. Later ones wait a little, so that the first has brought the bulk.
        const isFirst = this.#config.view.neighbors.length <= 1;
        const wait = isFirst ? 0 : env.random.below(this.#longestWaitMs + 1);
        return env.schedule(wait, { type: "compare", neighbor: known.neighbor });
      }
      case "neighbor-down":
        this.#compared.delete(known.neighbor);
        this.#spreading?.onNeighborDown?.(known.neighbor);
        return this.#forgetHolder(known.neighbor);
    }
  }

  // ---- What the spreading may do ----

  find(id: MessageId): Retained | undefined {
    return this.#history.find(id);
  }
  hasSeen(id: MessageId): boolean {
    return this.#history.seen.has(id);
  }
  isHolder(retained: Retained, node: NodeId): boolean {
    return this.#history.isHolder(retained, node);
  }
  noteHolder(retained: Retained, node: NodeId, env: BroadcastEnvironment): void {
    this.#history.noteHolder(retained, node, env);
  }
  forward(retained: Retained, to: readonly NodeId[], env: BroadcastEnvironment): void {
    const { origin, incarnation, sequence, payloads } = retained.gossip.statement;
    for (const node of to) this.#history.sendTo(node, retained, env);
    env.notify({ type: "forwarded", origin, incarnation, sequence, count: payloads.length, to });
  }

  #forgetHolder(neighbor: NodeId): void {
    this.#history.forgetHolder(neighbor, this.#spreading?.unfinished ?? []);
  }

  // ---- Publishing and receiving ----

  #publish(
    {
      payloads,
      priority,
      topic,
    }: { readonly payloads: readonly Payload[]; readonly priority?: number; readonly topic?: string },
    env: BroadcastEnvironment,
  ): void {
    if (payloads.length === 0 || payloads.length > maxPayloadsPerGossip) {
      throw new UsageError(`payloads: ${payloads.length} is not between 1 and ${maxPayloadsPerGossip}`);
    }
    let total = 0;
    for (const payload of payloads) total += checkPayload(payload);
    if (total > maxGossipBytes)
      throw new UsageError(`payloads: ${total} bytes together is more than ${maxGossipBytes}`);
    checkPriority(priority);
    checkTopic(topic);
    const about = topic === undefined ? {} : { topic };
    const statement: GossipStatement = {
      type: "gossip",
      origin: env.self,
      incarnation: this.#life,
      sequence: this.#nextSequence,
      at: env.now,
      ...(priority === undefined || priority === 0 ? {} : { priority }),
      ...about,
      payloads,
    };
    this.#nextSequence += payloads.length;
    const { seen } = this.#history;
    const known = seen.find(statement);
    const life = seen.hasWithin(known, statement) ? known : this.#history.markSeen(known, statement);
    const proof = this.#config.signatures.sign(statement);
    const countsHops = this.method === "plumtree";
    const gossip: Gossip = { type: "gossip", statement, proof, ...(countsHops ? { hops: 1 } : {}) };
    this.counters.published += payloads.length;
    payloads.forEach((payload, i) => {
      const { origin, incarnation, sequence, at } = statement;
      env.notify({ type: "published", origin, incarnation, sequence: sequence + i, at, ...about, payload });
    });
    const retained = this.#history.retain(gossip, life, env);
    this.#newInRounds[0]! += payloads.length;
    this.#spreading?.onNew(retained, undefined, env);
  }

  #onGossip(from: NodeId, gossip: Gossip, env: BroadcastEnvironment): void {
    const { origin, incarnation, sequence, at, topic, payloads } = gossip.statement;
    const { seen } = this.#history;
    const kept = this.#history.find(gossip.statement);
    // The quick way, which most copies take: what is kept was seen, unless its whole life was forgotten since.
    if (kept?.life?.isForgotten === false) return this.#onCopy(from, kept, env);
    const known = seen.find(gossip.statement);
    if (seen.hasWithin(known, gossip.statement)) return this.#onCopy(from, kept, env);
    // Only now, and only once: checking a signature costs more than everything else together.
    if (!this.#config.signatures.verify(origin, gossip.statement, gossip.proof)) {
      this.counters.forged++;
      return env.notify({ type: "forged-gossip", origin, from });
    }
    const isNew = payloads.map((_, i) => known?.sequences.has(sequence + i) !== true);
    const life = this.#history.markSeen(known, gossip.statement);
    const { hops } = gossip;
    const isWanted = this.#topics.wants(topic);
    for (let i = 0; i < payloads.length; i++) {
      if (!isNew[i]) continue; // an origin that numbers two messages alike
      if (!isWanted) {
        this.counters.filtered++;
        continue;
      }
      this.counters.delivered++;
      env.notify({
        type: "delivered",
        origin,
        incarnation,
        sequence: sequence + i,
        at,
        ...(topic === undefined ? {} : { topic }),
        payload: payloads[i]!,
        from,
        ...(hops === undefined ? {} : { hops }),
      });
    }
    const onwards = hops === undefined ? gossip : { ...gossip, hops: Math.min(hops + 1, maxHops) };
    const retained = this.#history.retain(onwards, life, env);
    this.#newInRounds[0]! += payloads.length;
    this.#history.noteHolder(retained, from, env);
    this.#spreading?.onNew(retained, from, env);
  }

  #onCopy(from: NodeId, kept: Retained | undefined, env: BroadcastEnvironment): void {
    this.counters.duplicates++;
    if (kept === undefined) return;
    if (this.#history.isHolder(kept, from)) this.counters.crossings++;
    else this.#history.noteHolder(kept, from, env);
    this.#spreading?.onCopy?.(kept, from, env);
  }

  // ---- Repairing ----

  /** Where comparing is all that there is, it goes by rounds. */
  get #repairEveryMs(): Millis {
    const { method, roundMs, repairIntervalMs } = this.#options;
    return method === "anti-entropy" ? roundMs : repairIntervalMs;
  }

  /** Now and then with one neighbor; but a timer that fires late says that we are busy, and much waits unread. */
  #repair(dueAt: Millis, env: BroadcastEnvironment): void {
    const everyMs = this.#repairEveryMs;
    this.#history.expire(env);
    this.#newInRounds.pop();
    this.#newInRounds.unshift(0);
    const isBusy = env.now - dueAt > this.#options.repairIntervalMs / 20;
    if (this.#options.repairs && !isBusy) {
      const partner = this.#repairPartner(env);
      if (partner !== undefined) this.#compareWith(partner, env);
    }
    this.#scheduleRepair(everyMs, env);
  }

  /** Who is not ready wants to hear from the other side even if there is no difference. */
  #compareWith(neighbor: NodeId, env: BroadcastEnvironment): void {
    const asks = this.method === "plumtree" && !this.#compared.has(neighbor);
    this.#history.compareWith(neighbor, asks, env);
  }

  #hasCompared(neighbor: NodeId): void {
    if (this.#config.view.has(neighbor)) this.#compared.add(neighbor);
  }

  /** A tree sends nothing along a new link but what is new: there only the history can bring what two parts lack. */
  get #longestWaitMs(): Millis {
    const { method, repairIntervalMs } = this.#options;
    return Math.ceil(repairIntervalMs / (method === "plumtree" ? 30 : 5));
  }

  #repairPartner(env: BroadcastEnvironment): NodeId | undefined {
    const { neighbors } = this.#config.view;
    return neighbors.length === 0 ? undefined : pick(neighbors, env.random);
  }

  #scheduleRepair(after: Millis, env: BroadcastEnvironment): void {
    env.schedule(after, { type: "repair", dueAt: env.now + after });
  }
}
