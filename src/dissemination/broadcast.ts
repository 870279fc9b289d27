/**
 * The broadcast layer: what a node publishes reaches everybody, and everybody delivers it once.
 *
 *     publish  -> number, sign, remember -> spread
 *     gossip   -> seen? signed by its origin? -> deliver, remember -> spread
 *
 * How it spreads is up to a `Spreading`: flood, rumor mongering, median-counter, bimodal multicast, or nothing at all.
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
import { Bimodal } from "./bimodal.ts";
import { type BroadcastMethod, type BroadcastOptions, broadcastOptions } from "./broadcast-options.ts";
import { Flood } from "./flood.ts";
import { History } from "./history.ts";
import { MedianCounting } from "./median-counting.ts";
import {
  type BroadcastMessage,
  type Gossip,
  type GossipStatement,
  type MessageId,
  maxGossipBytes,
  maxPayloadsPerGossip,
  type Payload,
} from "./messages.ts";
import { MulticastTree } from "./multicast-tree.ts";
import { checkPayload, checkPriority } from "./payload.ts";
import type { Retained } from "./retained-messages.ts";
import { type ExchangeOptions, RoundExchange } from "./round-exchange.ts";
import { RumorMongering } from "./rumor-mongering.ts";
import type {
  BroadcastEnvironment,
  BroadcastNotice,
  BroadcastTimer,
  MessageStore,
  Spreading,
} from "./spreading.ts";

export type { BroadcastNotice, BroadcastTimer } from "./spreading.ts";

/** An answer that took longer is of another time (guess: beyond any queue of a node that is not overloaded). */
const patienceMs = 3000;

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
  | { readonly type: "publish"; readonly payloads: readonly Payload[]; readonly priority?: number }
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
  };
  readonly #options: BroadcastOptions;
  readonly #config: BroadcastConfig;
  readonly #history: History;
  /** Undefined where comparing histories is all that there is. */
  readonly #spreading: Spreading | undefined;
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
      isOffered: (retained) => this.#spreading?.isOffered?.(retained) === true,
    });
    this.#spreading = this.#makeSpreading();
  }

  #makeSpreading(): Spreading | undefined {
    const { view, members } = this.#config;
    const options = this.#options;
    const { method, mode, stop, hasFeedback, stopAfter, maxHot, isMinimised } = options;
    const { counters } = this;
    if (method === "anti-entropy" && !options.repairs)
      throw new UsageError(
        "repairs: without comparing histories anti-entropy spreads nothing; leave out --no-repair",
      );
    if ((method === "bimodal" || options.partners === "members") && members === undefined)
      throw new UsageError("members: this way of spreading has to know who else is there");
    const exchange = (kind: Pick<ExchangeOptions, "tells" | "asks">) => ({
      store: this,
      choosePartner: (env: BroadcastEnvironment) => this.#choosePartner(env),
      options: {
        ...options,
        // The paper of bimodal multicast answers in the same round only, so that nothing piles up.
        patienceRounds: method === "bimodal" ? 0 : Math.ceil(patienceMs / options.roundMs),
        ...kind,
      },
      counters,
    });
    switch (method) {
      case "flood":
        return new Flood({ view, store: this, forwardDelayMs: options.forwardDelayMs });
      case "anti-entropy":
        return undefined;
      case "rumor":
        return new RoundExchange({
          ...exchange({ tells: mode !== "pull", asks: mode !== "push" }),
          policy: new RumorMongering({
            rules: { stop, hasFeedback, stopAfter },
            mode,
            isMinimised,
            maxHot,
          }),
        });
      case "median-counter":
        return new RoundExchange({
          ...exchange({ tells: true, asks: true }),
          policy: new MedianCounting({
            options: {
              ctrMax: options.ctrMax,
              cRounds: options.cRounds,
              ageCapRounds: options.ageCapRounds,
            },
            maxHot,
          }),
        });
      case "bimodal":
        return new Bimodal({
          ...exchange({ tells: true, asks: false }),
          tree: new MulticastTree(members!, options.treeDegree),
          digestRounds: options.digestRounds,
          maxHot,
        });
    }
  }

  #choosePartner(env: BroadcastEnvironment): NodeId | undefined {
    const { view, members } = this.#config;
    if (this.#options.partners === "members") return members!.sample(1, env.random)[0]?.peer;
    return view.neighbors.length === 0 ? undefined : pick(view.neighbors, env.random);
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
        return this.#publish(command.payloads, command.priority, env);
      case "link-lost":
        this.#forgetHolder(command.neighbor);
        if (this.#options.repairs) this.#history.compareWith(command.neighbor, env);
        return;
    }
  }

  onMessage(from: NodeId, message: BroadcastMessage, env: BroadcastEnvironment): void {
    switch (message.type) {
      case "gossip":
        return this.#onGossip(from, message, env);
      case "summary":
        return this.#history.onSummary(from, message, env);
      case "digest":
        return this.#history.onDigest(from, message, env);
      case "call":
        return this.#spreading?.onCall?.(from, message, env);
      case "answer":
        return this.#spreading?.onAnswer?.(from, message, env);
      case "feedback":
        return this.#spreading?.onFeedback?.(from, message, env);
      case "busy":
        return this.#spreading?.onBusy?.(from, message, env);
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
        return this.#history.compareWith(timer.neighbor, env);
    }
  }

  onNotice(notice: Typed, env: BroadcastEnvironment): void {
    const known = notice as StackNotice;
    switch (known.type) {
      case "publish":
        return this.#publish(known.payloads, undefined, env);
      case "neighbor-up": {
        if (!this.#options.repairs) return;
        // The first link asks at once. Later ones wait a little, so that the first has brought the bulk.
        const isFirst = this.#config.view.neighbors.length <= 1;
        const wait = isFirst ? 0 : env.random.below(Math.ceil(this.#options.repairIntervalMs / 5) + 1);
        return env.schedule(wait, { type: "compare", neighbor: known.neighbor });
      }
      case "neighbor-down":
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
  forward(retained: Retained, to: readonly NodeId[], env: BroadcastEnvironment): void {
    const { origin, incarnation, sequence, payloads } = retained.gossip.statement;
    for (const node of to) this.#history.sendTo(node, retained, env);
    env.notify({ type: "forwarded", origin, incarnation, sequence, count: payloads.length, to });
  }

  #forgetHolder(neighbor: NodeId): void {
    this.#history.forgetHolder(neighbor, this.#spreading?.unfinished ?? []);
  }

  // ---- Publishing and receiving ----

  #publish(payloads: readonly Payload[], priority: number | undefined, env: BroadcastEnvironment): void {
    if (payloads.length === 0 || payloads.length > maxPayloadsPerGossip) {
      throw new UsageError(`payloads: ${payloads.length} is not between 1 and ${maxPayloadsPerGossip}`);
    }
    let total = 0;
    for (const payload of payloads) total += checkPayload(payload);
    if (total > maxGossipBytes)
      throw new UsageError(`payloads: ${total} bytes together is more than ${maxGossipBytes}`);
    checkPriority(priority);
    const statement: GossipStatement = {
      type: "gossip",
      origin: env.self,
      incarnation: this.#life,
      sequence: this.#nextSequence,
      at: env.now,
      ...(priority === undefined || priority === 0 ? {} : { priority }),
      payloads,
    };
    this.#nextSequence += payloads.length;
    const { seen } = this.#history;
    const known = seen.find(statement);
    const life = seen.hasWithin(known, statement) ? known : this.#history.markSeen(known, statement);
    const gossip: Gossip = { type: "gossip", statement, proof: this.#config.signatures.sign(statement) };
    this.counters.published += payloads.length;
    payloads.forEach((payload, i) => {
      const { origin, incarnation, sequence, at } = statement;
      env.notify({ type: "published", origin, incarnation, sequence: sequence + i, at, payload });
    });
    const retained = this.#history.retain(gossip, life, env);
    this.#newInRounds[0]! += payloads.length;
    this.#spreading?.onNew(retained, undefined, env);
  }

  #onGossip(from: NodeId, gossip: Gossip, env: BroadcastEnvironment): void {
    const { origin, incarnation, sequence, at, payloads } = gossip.statement;
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
    for (let i = 0; i < payloads.length; i++) {
      if (!isNew[i]) continue; // an origin that numbers two messages alike
      this.counters.delivered++;
      env.notify({
        type: "delivered",
        origin,
        incarnation,
        sequence: sequence + i,
        at,
        payload: payloads[i]!,
        from,
      });
    }
    const retained = this.#history.retain(gossip, life, env);
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
      if (partner !== undefined) this.#history.compareWith(partner, env);
    }
    this.#scheduleRepair(everyMs, env);
  }

  #repairPartner(env: BroadcastEnvironment): NodeId | undefined {
    const { neighbors } = this.#config.view;
    return neighbors.length === 0 ? undefined : pick(neighbors, env.random);
  }

  #scheduleRepair(after: Millis, env: BroadcastEnvironment): void {
    env.schedule(after, { type: "repair", dueAt: env.now + after });
  }
}
