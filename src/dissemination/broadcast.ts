/**
 * The broadcast: every message to everybody, over every link of the overlay (the seed report, section 5; the
 * implementation report, section 4.2).
 *
 * On first receipt a message is recorded, delivered and forwarded to all neighbors except those that sent it or
 * got it; later copies are dropped. So a link carries a message at most once in each direction, and a message
 * costs at most 2|E| - |V| + 1 sends. Forwarding waits for the end of the turn: copies that arrive from other
 * neighbors until then need no answer.
 *
 * History. On a new link, and with one neighbor now and then, the two ends compare what they have *seen*; where
 * they differ, each sends the other what it still has and the other lacks. So late joiners, healed partitions and
 * cut connections get what they missed, within the retention limits.
 *
 *     A -> summary -> B  (equal: done)   B -> digest -> A -> gossip … -> B,  A -> digest(answer) -> B -> gossip … -> A
 *
 * What was seen is kept as ranges of sequence numbers for each life of each origin, so it costs next to nothing
 * and outlives the retained payloads: nothing is delivered twice because it was forgotten.
 */
import {
  defineOptions,
  type Environment,
  hashNumbers,
  hashText,
  type Identity,
  identityOf,
  type Millis,
  type NeighborView,
  type NodeId,
  type Persist,
  type Protocol,
  pick,
  RangeSet,
  type Signatures,
  type StackNotice,
  type Standing,
  type Typed,
  UsageError,
} from "../core/index.ts";
import {
  type BroadcastMessage,
  type Digest,
  type Gossip,
  type GossipStatement,
  maxDigestOrigins,
  maxGossipBytes,
  maxPayloadBytes,
  maxPayloadsPerGossip,
  maxRangesPerOrigin,
  type Payload,
  type SeenEntry,
  type Summary,
} from "./messages.ts";
import { type MessageId, Retained, RetainedMessages } from "./retained-messages.ts";

export interface BroadcastOptions {
  readonly forwardDelayMs: number;
  readonly repairIntervalMs: number;
  readonly repairBatch: number;
  readonly resendAfterMs: number;
  readonly retainMessages: number;
  readonly retainMs: number;
  readonly maxOrigins: number;
}

export const broadcastOptions = defineOptions<BroadcastOptions>({
  forwardDelayMs: {
    default: 0,
    min: 0,
    max: 10_000,
    description:
      "How long a message waits before it is forwarded; longer saves copies and costs latency (0: one turn)",
  },
  repairIntervalMs: {
    default: 10_000,
    min: 20,
    max: 3_600_000,
    description: "How often a peer compares what it has seen with one random neighbor (guess)",
  },
  repairBatch: {
    default: 256,
    min: 1,
    max: 100_000,
    description:
      "Most messages that one digest is answered with; the rest follows at the next comparison (guess)",
  },
  resendAfterMs: {
    default: 60_000,
    min: 0,
    max: 3_600_000,
    description:
      "A message that a neighbor was sent so long ago and still lacks was lost (guess: longer than any queue)",
  },
  retainMessages: {
    default: 1000,
    min: 0,
    max: 10_000_000,
    description: "Most messages kept for those who lack them (guess)",
  },
  retainMs: {
    default: 600_000,
    min: 0,
    max: 604_800_000,
    description: "How long a message is kept for those who lack it (guess)",
  },
  maxOrigins: {
    default: 65_536,
    min: 1,
    max: 10_000_000,
    description: "Lives of origins whose sequence numbers are remembered (bound)",
  },
});

export interface BroadcastConfig {
  readonly view: NeighborView;
  readonly standing: Standing;
  readonly signatures: Signatures<GossipStatement>;
  /** Messages of an earlier life, oldest first: kept for others, not delivered again. */
  readonly restored?: readonly Gossip[];
  readonly options?: Partial<BroadcastOptions>;
}

export type BroadcastTimer =
  | { readonly type: "flush" }
  | { readonly type: "repair"; readonly dueAt: Millis }
  | { readonly type: "compare"; readonly neighbor: NodeId };

export type BroadcastCommand =
  | { readonly type: "publish"; readonly payloads: readonly Payload[] }
  /** The connection to a neighbor broke: what was under way on it may be lost. */
  | { readonly type: "link-lost"; readonly neighbor: NodeId };

export type BroadcastNotice =
  | StackNotice
  | Persist
  | {
      readonly type: "published";
      readonly origin: NodeId;
      readonly incarnation: number;
      readonly sequence: number;
      readonly at: Millis;
      readonly payload: Payload;
    }
  | {
      readonly type: "delivered";
      readonly origin: NodeId;
      readonly incarnation: number;
      readonly sequence: number;
      readonly at: Millis;
      readonly payload: Payload;
      readonly from: NodeId;
    }
  | {
      readonly type: "forwarded";
      readonly origin: NodeId;
      readonly incarnation: number;
      readonly sequence: number;
      readonly count: number;
      readonly to: readonly NodeId[];
    }
  | { readonly type: "forged-gossip"; readonly origin: NodeId; readonly from: NodeId }
  | { readonly type: "history-sent"; readonly to: NodeId; readonly messages: number };

type BroadcastEnvironment = Environment<BroadcastMessage, BroadcastTimer, BroadcastNotice>;

type LifeId = Pick<MessageId, "origin" | "incarnation">;

/** What was seen of one life of one origin. */
interface Life extends LifeId {
  readonly sequences: RangeSet;
  /** Of identity and incarnation. */
  readonly hash: number;
  /** Its part of the fingerprint: a hash of who it is and of the ranges. */
  share: number;
  isForgotten: boolean;
}

const halfASurrogatePair = /\p{Surrogate}/u;

/** Lives of one origin that are remembered: an origin that restarts for ever must not push out all others. */
const maxLivesPerOrigin = 8;
/** Bytes that one digest is answered with (and one message more): a reader that is far behind is cut off. */
const maxRepairBytes = 2 * maxGossipBytes;
/** Ranges of one life that are remembered: so many messages may overtake each other on their way without loss. */
const maxRangesRemembered = 1024;

export class Broadcast
  implements Protocol<BroadcastMessage, BroadcastTimer, BroadcastNotice, BroadcastCommand>
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
  };
  readonly #options: BroadcastOptions;
  readonly #config: BroadcastConfig;
  readonly #retained = new RetainedMessages();
  /** Messages in them: what was published in one turn is one gossip, and counts each of its messages. */
  #retainedCount = 0;
  /** Of whom something was seen, in the order in which they were first heard of. */
  readonly #seen = new Set<Life>();
  /** The same by origin, each origin's in growing order of incarnation. */
  readonly #lives = new Map<Identity, Life[]>();
  /** A number for each neighbor that sent or got a message: `Retained` keeps its holders under it. */
  readonly #places = new Map<NodeId, number>();
  readonly #freePlaces: number[] = [];
  /** First received, and not yet forwarded. */
  #pending: Retained[] = [];
  /** The incarnation in which this life started: refutations raise the incarnation, but not the life. */
  readonly #life: number;
  #nextSequence = 0;
  /** Sum of the shares of all lives, modulo 2^32: who has seen the same has the same. */
  #fingerprint = 0;

  constructor(config: BroadcastConfig) {
    this.#config = config;
    this.#options = broadcastOptions(config.options);
    this.#life = config.standing.incarnation;
  }

  /** Messages kept for those who lack them. */
  get retainedCount(): number {
    return this.#retainedCount;
  }

  start(env: BroadcastEnvironment): void {
    for (const gossip of this.#config.restored ?? []) {
      const { statement } = gossip;
      const known = this.#find(statement);
      if (this.#hasSeen(known, statement)) continue;
      this.#retain(gossip, this.#markSeen(known, statement), env);
    }
    this.#scheduleRepair(env.random.below(this.#options.repairIntervalMs), env);
  }

  /** Throws `UsageError` if a payload is too long or there are too many; nothing was published then. */
  onCommand(command: BroadcastCommand, env: BroadcastEnvironment): void {
    switch (command.type) {
      case "publish":
        return this.#publish(command.payloads, env);
      case "link-lost":
        this.#forgetHolder(command.neighbor);
        return this.#compareWith(command.neighbor, env);
    }
  }

  onMessage(from: NodeId, message: BroadcastMessage, env: BroadcastEnvironment): void {
    switch (message.type) {
      case "gossip":
        return this.#onGossip(from, message, env);
      case "summary":
        return this.#onSummary(from, message, env);
      case "digest":
        return this.#onDigest(from, message, env);
    }
  }

  onTimer(timer: BroadcastTimer, env: BroadcastEnvironment): void {
    switch (timer.type) {
      case "flush":
        return this.#flush(env);
      case "repair":
        return this.#repair(timer.dueAt, env);
      case "compare":
        return this.#compareWith(timer.neighbor, env);
    }
  }

  onNotice(notice: Typed, env: BroadcastEnvironment): void {
    const known = notice as StackNotice;
    switch (known.type) {
      case "publish":
        return this.#publish(known.payloads, env);
      case "neighbor-up": {
        // The first link asks at once. Later ones wait a little, so that the first has brought the bulk.
        const isFirst = this.#config.view.neighbors.length <= 1;
        const wait = isFirst ? 0 : env.random.below(Math.ceil(this.#options.repairIntervalMs / 5) + 1);
        return env.schedule(wait, { type: "compare", neighbor: known.neighbor });
      }
      case "neighbor-down":
        return this.#forgetHolder(known.neighbor);
    }
  }

  /** Neighbors only: strangers may ask too, and there is no end of them. */
  #noteHolder(retained: Retained, node: NodeId, env: BroadcastEnvironment): void {
    const place = this.#places.get(node) ?? this.#placeFor(node);
    if (place !== undefined) retained.note(place, env.now);
  }

  #isHolder(retained: Retained, node: NodeId): boolean {
    const place = this.#places.get(node);
    return place !== undefined && retained.isHeldBy(place);
  }

  #placeFor(node: NodeId): number | undefined {
    if (!this.#config.view.has(node)) return undefined;
    const place = this.#freePlaces.pop() ?? this.#places.size;
    this.#places.set(node, place);
    return place;
  }

  /** A new link to the same peer knows nothing of what crossed the old one. */
  #forgetHolder(neighbor: NodeId): void {
    const place = this.#places.get(neighbor);
    if (place === undefined) return;
    for (const retained of this.#retained) retained.forget(place);
    for (const retained of this.#pending) retained.forget(place);
    this.#places.delete(neighbor);
    this.#freePlaces.push(place);
  }

  // ---- Publishing, receiving, forwarding ----

  #publish(payloads: readonly Payload[], env: BroadcastEnvironment): void {
    if (payloads.length === 0 || payloads.length > maxPayloadsPerGossip) {
      throw new UsageError(`payloads: ${payloads.length} is not between 1 and ${maxPayloadsPerGossip}`);
    }
    let total = 0;
    for (const payload of payloads) total += checkPayload(payload);
    if (total > maxGossipBytes)
      throw new UsageError(`payloads: ${total} bytes together is more than ${maxGossipBytes}`);
    const statement: GossipStatement = {
      type: "gossip",
      origin: env.self,
      incarnation: this.#life,
      sequence: this.#nextSequence,
      at: env.now,
      payloads,
    };
    this.#nextSequence += payloads.length;
    const known = this.#find(statement);
    const life = this.#hasSeen(known, statement) ? known : this.#markSeen(known, statement);
    const gossip: Gossip = { type: "gossip", statement, proof: this.#config.signatures.sign(statement) };
    this.counters.published += payloads.length;
    payloads.forEach((payload, i) => {
      const { origin, incarnation, sequence, at } = statement;
      env.notify({ type: "published", origin, incarnation, sequence: sequence + i, at, payload });
    });
    this.#forwardLater(this.#retain(gossip, life, env), env);
  }

  #onGossip(from: NodeId, gossip: Gossip, env: BroadcastEnvironment): void {
    const { origin, incarnation, sequence, at, payloads } = gossip.statement;
    const kept = this.#retained.find(gossip.statement, hashOf(gossip.statement));
    // The quick way, which most copies take: what is kept was seen, unless its whole life was forgotten since.
    if (kept?.life?.isForgotten === false) return this.#onCopy(from, kept, env);
    const known = this.#find(gossip.statement);
    if (this.#hasSeen(known, gossip.statement)) return this.#onCopy(from, kept, env);
    // Only now, and only once: checking a signature costs more than everything else together.
    if (!this.#config.signatures.verify(origin, gossip.statement, gossip.proof)) {
      this.counters.forged++;
      return env.notify({ type: "forged-gossip", origin, from });
    }
    const isNew = payloads.map((_, i) => known?.sequences.has(sequence + i) !== true);
    const life = this.#markSeen(known, gossip.statement);
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
    const retained = this.#retain(gossip, life, env);
    this.#noteHolder(retained, from, env);
    this.#forwardLater(retained, env);
  }

  #onCopy(from: NodeId, kept: Retained | undefined, env: BroadcastEnvironment): void {
    this.counters.duplicates++;
    if (kept === undefined) return;
    if (this.#isHolder(kept, from)) this.counters.crossings++;
    else this.#noteHolder(kept, from, env);
  }

  #forwardLater(retained: Retained, env: BroadcastEnvironment): void {
    this.#pending.push(retained);
    if (this.#pending.length === 1) env.schedule(this.#options.forwardDelayMs, { type: "flush" });
  }

  #flush(env: BroadcastEnvironment): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const retained of pending) {
      const to = this.#config.view.neighbors.filter((neighbor) => !this.#isHolder(retained, neighbor));
      if (to.length === 0) continue;
      const { origin, incarnation, sequence, payloads } = retained.gossip.statement;
      for (const neighbor of to) this.#sendTo(neighbor, retained, env);
      env.notify({ type: "forwarded", origin, incarnation, sequence, count: payloads.length, to });
    }
  }

  #sendTo(neighbor: NodeId, retained: Retained, env: BroadcastEnvironment): void {
    this.#noteHolder(retained, neighbor, env);
    this.counters.sends++;
    env.send(neighbor, retained.gossip);
  }

  // ---- What was seen ----

  /** The life, if it is remembered: nearly always the origin's latest. */
  #find({ origin, incarnation }: LifeId): Life | undefined {
    const lives = this.#lives.get(identityOf(origin));
    if (lives === undefined) return undefined;
    for (let i = lives.length - 1; i >= 0; i--) if (lives[i]!.incarnation === incarnation) return lives[i];
    return undefined;
  }

  /** `known` is the life of the message, if it is remembered. */
  #hasSeen(known: Life | undefined, message: MessageId): boolean {
    return known === undefined ? this.#isForgotten(message) : known.sequences.has(message.sequence);
  }

  /** A life before all those that are remembered counts as seen. */
  #isForgotten({ origin, incarnation }: LifeId): boolean {
    const lives = this.#lives.get(identityOf(origin));
    return lives !== undefined && lives.length >= maxLivesPerOrigin && incarnation < lives[0]!.incarnation;
  }

  /** All messages of a gossip of which the first was not seen before. */
  #markSeen(known: Life | undefined, { origin, incarnation, sequence, payloads }: GossipStatement): Life {
    const life = known ?? this.#begin(origin, incarnation);
    for (let i = 0; i < payloads.length; i++) life.sequences.add(sequence + i);
    // An origin whose numbers have too many holes: the lowest holes count as seen, so that memory stays bounded.
    if (life.sequences.rangeCount > maxRangesRemembered) {
      this.counters.gapsGivenUp += life.sequences.fillLowestGaps(maxRangesRemembered);
    }
    const share = hashNumbers(life.sequences.bounds, life.hash);
    this.#fingerprint = (this.#fingerprint + share - life.share) >>> 0;
    life.share = share;
    return life;
  }

  #begin(origin: NodeId, incarnation: number): Life {
    const hash = hashText(lifeKey({ origin, incarnation }));
    const life: Life = { origin, incarnation, sequences: new RangeSet(), hash, share: 0, isForgotten: false };
    this.#seen.add(life);
    const identity = identityOf(origin);
    const lives = this.#lives.get(identity);
    if (lives === undefined) this.#lives.set(identity, [life]);
    else {
      lives.push(life);
      lives.sort((a, b) => a.incarnation - b.incarnation);
      if (lives.length > maxLivesPerOrigin) this.#forgetLife(lives[0]!);
    }
    // The oldest of all.
    if (this.#seen.size > this.#options.maxOrigins) this.#forgetLife(this.#seen.values().next().value!);
    return life;
  }

  #forgetLife(life: Life): void {
    life.isForgotten = true;
    this.#seen.delete(life);
    this.#fingerprint = (this.#fingerprint - life.share) >>> 0;
    const identity = identityOf(life.origin);
    const lives = this.#lives.get(identity)!;
    lives.splice(lives.indexOf(life), 1);
    if (lives.length === 0) this.#lives.delete(identity);
  }

  // ---- Retention ----

  #retain(gossip: Gossip, life: Life | undefined, env: BroadcastEnvironment): Retained {
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

  #expire(env: BroadcastEnvironment): void {
    const { retainMs } = this.#options;
    for (let oldest = this.#retained.oldest; oldest !== undefined; oldest = this.#retained.oldest) {
      if (env.now - oldest.receivedAt <= retainMs) return; // the rest is younger
      this.#forgetOldestMessage(env);
    }
  }

  // ---- History ----

  /** Now and then with one neighbor; but a timer that fires late says that we are busy, and much waits unread. */
  #repair(dueAt: Millis, env: BroadcastEnvironment): void {
    const { repairIntervalMs } = this.#options;
    const { neighbors } = this.#config.view;
    this.#expire(env);
    const isBusy = env.now - dueAt > repairIntervalMs / 20;
    if (!isBusy && neighbors.length > 0) this.#compareWith(pick(neighbors, env.random), env);
    this.#scheduleRepair(repairIntervalMs, env);
  }

  #scheduleRepair(after: Millis, env: BroadcastEnvironment): void {
    env.schedule(after, { type: "repair", dueAt: env.now + after });
  }

  #compareWith(neighbor: NodeId, env: BroadcastEnvironment): void {
    if (!this.#config.view.has(neighbor)) return; // gone meanwhile
    env.send(neighbor, { type: "summary", count: this.#seen.size, fingerprint: this.#fingerprint });
  }

  #onSummary(from: NodeId, summary: Summary, env: BroadcastEnvironment): void {
    if (summary.count === this.#seen.size && summary.fingerprint === this.#fingerprint) return;
    env.send(from, { type: "digest", entries: this.#digest(), isAnswer: false });
  }

  /** The latest lives, and of each the lowest ranges, should there be more than fit: at worst we get a copy. */
  #digest(): SeenEntry[] {
    const all = [...this.#seen];
    return all.slice(-maxDigestOrigins).map(({ origin, incarnation, sequences }) => ({
      origin,
      incarnation,
      ranges: sequences.bounds.slice(0, 2 * maxRangesPerOrigin),
    }));
  }

  #onDigest(from: NodeId, digest: Digest, env: BroadcastEnvironment): void {
    if (!this.#config.view.has(from)) return; // history is for neighbors: it is long, and anybody could ask
    const theirs = new Map<string, RangeSet>();
    let lacksSomething = false;
    for (const entry of digest.entries) {
      theirs.set(lifeKey(entry), new RangeSet(entry.ranges));
      lacksSomething ||= !covers(this.#find(entry)?.sequences, entry.ranges) && !this.#isForgotten(entry);
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
      if (seen?.has(statement.sequence)) continue;
      const sentAt = place === undefined ? undefined : retained.heldAt(place);
      if (sentAt !== undefined) {
        if (env.now - sentAt < this.#options.resendAfterMs) continue; // on its way
        if (seen === undefined && !isWhole) continue;
        this.counters.resent++;
      }
      this.#sendTo(from, retained, env);
      sent++;
      for (const payload of statement.payloads) bytes += payloadBytes(payload);
    }
    this.counters.repairs += sent;
    if (sent > 0) env.notify({ type: "history-sent", to: from, messages: sent });
    if (isFull())
      env.schedule(Math.ceil(this.#options.repairIntervalMs / 20), { type: "compare", neighbor: from });
    if (lacksSomething && !digest.isAnswer)
      env.send(from, { type: "digest", entries: this.#digest(), isAnswer: true });
  }
}

function lifeKey({ origin, incarnation }: LifeId): string {
  return `${identityOf(origin)}/${incarnation}`;
}

function storageKey({ statement }: Gossip): string {
  return `gossip/${lifeKey(statement)}/${statement.sequence}`;
}

/** What `RetainedMessages` finds a message by, as a signed number, which takes no box of its own. */
function hashOf({ origin, incarnation, sequence }: MessageId): number {
  const identity = identityOf(origin);
  const seed = typeof identity === "number" ? identity : hashText(identity);
  return hashNumbers([incarnation, sequence], seed) | 0;
}

/** Does `seen` contain every one of these ranges? A range lies within one range of ours or has a hole. */
function covers(seen: RangeSet | undefined, ranges: readonly number[]): boolean {
  if (seen === undefined) return ranges.length === 0;
  const { bounds } = seen;
  let i = 0;
  for (let r = 0; r < ranges.length; r += 2) {
    while (i < bounds.length && bounds[i + 1]! < ranges[r]!) i += 2;
    if (i >= bounds.length || bounds[i]! > ranges[r]! || bounds[i + 1]! < ranges[r + 1]!) return false;
  }
  return true;
}

/** Returns the bytes of the payload. Throws `UsageError` if it cannot be sent. */
export function checkPayload(payload: Payload): number {
  if (typeof payload === "string" && halfASurrogatePair.test(payload)) {
    throw new UsageError(
      "payload: the text has half a surrogate pair, which UTF-8 cannot say; send it as bytes",
    );
  }
  const bytes = payloadBytes(payload);
  if (bytes > maxPayloadBytes)
    throw new UsageError(`payload: ${bytes} bytes is more than ${maxPayloadBytes}`);
  return bytes;
}

/** Bytes of a payload on the wire: of a text, its UTF-8 (a surrogate half counts two, so that a pair counts four). */
export function payloadBytes(payload: Payload): number {
  if (typeof payload !== "string") return payload.length;
  let bytes = 0;
  for (let i = 0; i < payload.length; i++) {
    const unit = payload.charCodeAt(i);
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
  }
  return bytes;
}
