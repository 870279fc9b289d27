/**
 * The history of a node: what it has seen, what of it is still kept, and the comparison with neighbors that brings
 * late joiners, healed partitions and whoever a spreading has left out what they missed. It is anti-entropy (Demers
 * et al. 1987, 1.3) over sets that are numbered by their origins.
 *
 * On a new link, and with one neighbor now and then, the two ends compare what they have *seen*; where they differ,
 * each sends the other what it still has and the other lacks, within the retention limits.
 *
 *     A -> summary -> B  (equal: done)   B -> digest -> A -> gossip … -> B,  A -> digest(answer) -> B -> gossip … -> A
 *
 * The summary is a checksum. The digest costs a few bytes for each life of an origin, however many messages it wrote.
 */
import { type Millis, type NeighborView, type NodeId, RangeSet } from "../core/index.ts";
import {
  type Digest,
  type Gossip,
  type GossipStatement,
  type MessageId,
  maxDigestOrigins,
  maxGossipBytes,
  type Summary,
} from "./messages.ts";
import { payloadBytes } from "./payload.ts";
import { hashOf, Retained, RetainedMessages } from "./retained-messages.ts";
import { type Life, lifeKey, SeenMessages } from "./seen-messages.ts";
import type { BroadcastEnvironment } from "./spreading.ts";

export interface HistoryOptions {
  readonly repairIntervalMs: number;
  readonly repairBatch: number;
  readonly resendAfterMs: number;
  readonly retainMessages: number;
  readonly retainMs: number;
  readonly maxOrigins: number;
}

export interface HistoryConfig {
  readonly view: NeighborView;
  readonly options: HistoryOptions;
  readonly counters: HistoryCounters;
  /** Whoever lacks it will be offered it by gossip: sent as well, it would travel twice. */
  readonly isOffered?: (retained: Retained, now: Millis) => boolean;
}

export interface HistoryCounters {
  sends: number;
  repairs: number;
  resent: number;
  gapsGivenUp: number;
  comparisons: number;
}

/** Bytes that one digest is answered with (and one message more): a reader that is far behind is cut off. */
const maxRepairBytes = 2 * maxGossipBytes;

export class History {
  readonly seen: SeenMessages;
  readonly #view: NeighborView;
  readonly #options: HistoryOptions;
  readonly #counters: HistoryCounters;
  readonly #isOffered: (retained: Retained, now: Millis) => boolean;
  readonly #retained = new RetainedMessages();
  /** Messages in them: what was published in one turn is one gossip, and counts each of its messages. */
  #retainedCount = 0;
  /** A number for each neighbor that sent or got a message: `Retained` keeps its holders under it. */
  readonly #places = new Map<NodeId, number>();
  readonly #freePlaces: number[] = [];

  constructor({ view, options, counters, isOffered = () => false }: HistoryConfig) {
    this.#isOffered = isOffered;
    this.#view = view;
    this.#options = options;
    this.#counters = counters;
    this.seen = new SeenMessages(options.maxOrigins);
  }

  /** Messages kept for those who lack them. */
  get retainedCount(): number {
    return this.#retainedCount;
  }
  latest(count: number): readonly Retained[] {
    return this.#retained.latest(count);
  }

  find(id: MessageId): Retained | undefined {
    return this.#retained.find(id, hashOf(id));
  }

  // ---- Who has which message ----

  /** Neighbors only: strangers may ask too, and there is no end of them. */
  noteHolder(retained: Retained, node: NodeId, env: BroadcastEnvironment): void {
    const place = this.#places.get(node) ?? this.#placeFor(node);
    if (place !== undefined) retained.note(place, env.now);
  }

  isHolder(retained: Retained, node: NodeId): boolean {
    const place = this.#places.get(node);
    return place !== undefined && retained.isHeldBy(place);
  }

  #placeFor(node: NodeId): number | undefined {
    if (!this.#view.has(node)) return undefined;
    const place = this.#freePlaces.pop() ?? this.#places.size;
    this.#places.set(node, place);
    return place;
  }

  /** A new link to the same peer knows nothing of what crossed the old one. `alsoOf`: messages that may not be kept. */
  forgetHolder(neighbor: NodeId, alsoOf: Iterable<Retained>): void {
    const place = this.#places.get(neighbor);
    if (place === undefined) return;
    for (const retained of this.#retained) retained.forget(place);
    for (const retained of alsoOf) retained.forget(place);
    this.#places.delete(neighbor);
    this.#freePlaces.push(place);
  }

  sendTo(neighbor: NodeId, retained: Retained, env: BroadcastEnvironment): void {
    this.noteHolder(retained, neighbor, env);
    this.#counters.sends++;
    env.send(neighbor, retained.gossip);
  }

  // ---- Seeing and keeping ----

  /** All messages of a gossip of which the first was not seen before; `known` is their life, if it is remembered. */
  markSeen(known: Life | undefined, statement: GossipStatement): Life {
    const life = this.seen.mark(known, statement);
    this.#counters.gapsGivenUp = this.seen.gapsGivenUp;
    return life;
  }

  retain(gossip: Gossip, life: Life | undefined, env: BroadcastEnvironment): Retained {
    const { payloads } = gossip.statement;
    const places = this.#places.size + this.#freePlaces.length;
    const retained = new Retained({
      gossip,
      receivedAt: env.now,
      hash: hashOf(gossip.statement),
      life,
      places,
    });
    if (this.#options.retainMessages === 0) return retained;
    const replaced = this.#retained.put(retained); // of a life that was forgotten meanwhile
    this.#retainedCount += payloads.length - (replaced?.gossip.statement.payloads.length ?? 0);
    env.notify({ type: "persist", key: storageKey(gossip), value: gossip, isAwaited: false });
    while (this.#retainedCount > this.#options.retainMessages) this.#forgetOldestMessage(env);
    return retained;
  }

  #forgetOldestMessage(env: BroadcastEnvironment): void {
    const { gossip } = this.#retained.oldest!;
    this.#retained.removeOldest();
    this.#retainedCount -= gossip.statement.payloads.length;
    env.notify({ type: "persist", key: storageKey(gossip), value: undefined, isAwaited: false });
  }

  expire(env: BroadcastEnvironment): void {
    const { retainMs } = this.#options;
    for (let oldest = this.#retained.oldest; oldest !== undefined; oldest = this.#retained.oldest) {
      if (env.now - oldest.receivedAt <= retainMs) return; // the rest is younger
      this.#forgetOldestMessage(env);
    }
  }

  // ---- Comparing ----

  /** `asks`: it shall answer even if both have seen the same. */
  compareWith(neighbor: NodeId, asks: boolean, env: BroadcastEnvironment): void {
    if (!this.#view.has(neighbor)) return; // gone meanwhile
    this.#counters.comparisons++;
    const { count, fingerprint } = this.seen;
    env.send(neighbor, { type: "summary", count, fingerprint, ...(asks ? { asks } : {}) });
  }

  onSummary(from: NodeId, summary: Summary, env: BroadcastEnvironment): void {
    const { count, fingerprint } = this.seen;
    if (summary.count === count && summary.fingerprint === fingerprint) {
      if (summary.asks) env.send(from, { type: "summary", count, fingerprint });
      return;
    }
    env.send(from, { type: "digest", entries: this.seen.digest(), isAnswer: false });
  }

  onDigest(from: NodeId, digest: Digest, env: BroadcastEnvironment): void {
    if (!this.#view.has(from)) return; // history is for neighbors: it is long, and anybody could ask
    const theirs = new Map<string, RangeSet>();
    let lacksSomething = false;
    for (const entry of digest.entries) {
      theirs.set(lifeKey(entry), new RangeSet(entry.ranges));
      lacksSomething ||= !this.seen.covers(entry);
    }
    // A digest that is full may have left out what its sender has seen.
    const isWhole = digest.entries.length < maxDigestOrigins;
    let sent = 0;
    let bytes = 0;
    const isFull = () => sent >= this.#options.repairBatch || bytes >= maxRepairBytes;
    const place = this.#places.get(from);
    for (const retained of this.#retained) {
      if (isFull()) break;
      const { statement } = retained.gossip;
      const seen = theirs.get(lifeKey(statement));
      if (seen?.has(statement.sequence) || this.#isOffered(retained, env.now)) continue;
      const sentAt = place === undefined ? undefined : retained.heldAt(place);
      if (sentAt !== undefined) {
        if (env.now - sentAt < this.#options.resendAfterMs) continue; // on its way
        if (seen === undefined && !isWhole) continue;
        this.#counters.resent++;
      }
      this.sendTo(from, retained, env);
      sent++;
      for (const payload of statement.payloads) bytes += payloadBytes(payload);
    }
    this.#counters.repairs += sent;
    if (sent > 0) env.notify({ type: "history-sent", to: from, messages: sent });
    if (isFull())
      env.schedule(Math.ceil(this.#options.repairIntervalMs / 20), { type: "compare", neighbor: from });
    if (lacksSomething && !digest.isAnswer)
      env.send(from, { type: "digest", entries: this.seen.digest(), isAnswer: true });
  }
}

function storageKey({ statement }: Gossip): string {
  return `gossip/${lifeKey(statement)}/${statement.sequence}`;
}
