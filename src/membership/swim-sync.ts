import {
  addressOf,
  type Identity,
  identityOf,
  type Millis,
  type NodeId,
  nonce,
  pick,
  sample,
} from "../core/index.ts";
import { PerSecond } from "./per-second.ts";
import { compareWithDigest, digestOf, entryOfRecord } from "./swim-digest.ts";
import type { MemberEntry } from "./swim-members.ts";
import {
  maxSyncUpdates,
  type SyncCompare,
  type SyncDigestEntry,
  type SyncDigestMessage,
  type SyncUpdates,
  type SyncWantMembers,
  type Update,
} from "./swim-messages.ts";
import type { SwimEnvironment, SwimParts } from "./swim-parts.ts";

/** A comparison that is under way. */
interface Exchange {
  /** Who is asked; without an id until it has answered. */
  with: NodeId;
  /** Of the configured address that was called; -1: of none. */
  readonly introducer: number;
  isAnswered: boolean;
  /** A digest has come; there is one in each direction. */
  isCompared: boolean;
  /** What the other side lacks was asked for; once, too. */
  isServed: boolean;
}

/** The latest comparison that somebody asked us for. */
interface Question {
  nonce: number;
  isCompared: boolean;
  isServed: boolean;
  readonly rate: PerSecond<"compare">;
}

interface Introducer {
  readonly address: NodeId;
  /** Who answers there. */
  identity: Identity | undefined;
}

// Bounds; guesses.
const maxExchanges = 256;
/** Of one member: each makes us say all that we know. */
const maxQuestionsPerSecond = 4;
/** Those who failed last are tried more often than the others. */
const recentlyFailed = 16;
/** How long a comparison may take before somebody else is asked. */
const answerTimeouts = 5;
/** The first comparison after the start, in probe intervals: who joined at the same time may have been missed. */
const firstSyncIntervals = 4;

/** Of a partial view one comparison in so many is with an introducer; guess. */
const introducersOneIn = 4;

/**
 * Comparing all that two members know: so a newcomer joins, so what gossip missed is repaired, and so two halves merge.
 *
 *     A -> sync-compare -> B      equal: sync-equal -> A
 *     B -> sync-digest -> A       what B has; A -> sync-digest -> B where A has more
 *     A -> sync-want -> B -> sync-updates -> A, and the other way round
 *
 * Nothing of it has to be believed: digests only say what to ask for. Whom A has given up and B finds alive A tells its
 * doubts, and it answers by a new life; whom B calls failed A asks itself.
 */
export class SwimSync {
  readonly #parts: SwimParts;
  #introducers: Introducer[];
  /** From an earlier life, and not met again yet. */
  readonly #contacts: NodeId[];
  /** By nonce: an answer may come late, when somebody else was asked already. */
  readonly #asked = new Map<number, Exchange>();
  /** One for each who asked us, the latest last: nobody alone pushes out what others asked. */
  readonly #questions = new Map<Identity, Question>();
  #isJoined = false;
  #pauseMs: Millis;
  /** Comparisons are frequent while a network forms, and rare later: three times as long each time. */
  #syncPauseMs: Millis;
  /** Asked in this round of joining. */
  readonly #tried = new Set<NodeId>();
  #maySyncAt: Millis = 0;

  constructor(parts: SwimParts) {
    this.#parts = parts;
    this.#introducers = parts.config.introducers.map((address) => ({ address, identity: undefined }));
    this.#contacts = (parts.config.contacts ?? []).map(({ peer }) => peer);
    this.#pauseMs = parts.options.reconnectMs;
    this.#syncPauseMs = firstSyncIntervals * parts.options.probeIntervalMs;
  }

  get isJoined(): boolean {
    return this.#isJoined || this.#introducers.length + this.#contacts.length === 0;
  }

  /** Configured addresses, as the members that answer there. */
  get introducers(): readonly MemberEntry[] {
    const { members } = this.#parts;
    return this.#introducers.flatMap(({ identity }) => {
      const member = identity === undefined ? undefined : members.get(identity);
      return member?.isHere ? [member] : [];
    });
  }

  start(env: SwimEnvironment): void {
    // One list for all seeds has each of them in it.
    this.#introducers = this.#introducers.filter(({ address }) => !isAt(address, env.self));
    this.#askNext(env);
    this.#scheduleReconnect(env);
    this.#scheduleSync(env);
  }

  onReconnectTimer(env: SwimEnvironment): void {
    const { reconnectMs, maxReconnectMs } = this.#parts.options;
    if (!this.isJoined) {
      this.#tried.clear();
      this.#askNext(env);
    } else this.#tryOneWhoIsSilent(env);
    this.#pauseMs = Math.min(Math.max(reconnectMs, maxReconnectMs), 2 * this.#pauseMs);
    this.#scheduleReconnect(env);
  }

  /** Somebody has just fallen silent: it is tried soon again. */
  onFailed(): void {
    this.#pauseMs = this.#parts.options.reconnectMs;
  }

  onSyncTimer(env: SwimEnvironment): void {
    const partner = this.#syncPartner(env);
    if (partner !== undefined) this.compareWith(partner, env);
    this.#persistContacts(env);
    this.#scheduleSync(env);
  }

  /**
   * Anybody while the network forms. Later somebody to whom we hold a link: to open one takes ten times the bytes of a
   * comparison, and what neighbors have in common in the end all have.
   */
  #syncPartner(env: SwimEnvironment): NodeId | undefined {
    const { members, config, options } = this.#parts;
    const neighbors = this.#syncPauseMs < options.syncIntervalMs ? [] : (config.neighbors?.neighbors ?? []);
    // Of a part that was cut off nobody tells of anybody else where views are partial: somebody has to ask who knows all.
    const { introducers } = this;
    if (this.#parts.isPartial() && introducers.length > 0 && env.random.below(introducersOneIn) === 0)
      return introducers[env.random.below(introducers.length)]!.peer;
    if (neighbors.length > 0) return neighbors[env.random.below(neighbors.length)];
    return members.here.length > 0 ? members.here[env.random.below(members.here.length)]!.peer : undefined;
  }

  onTimeout(asked: number, env: SwimEnvironment): void {
    if (this.#asked.get(asked)?.isAnswered === false && !this.#isJoined) this.#askNext(env);
  }

  /** Nobody answers at that address: no need to wait for the time-out. */
  onUnreachable(node: NodeId, env: SwimEnvironment): void {
    for (const [asked, exchange] of this.#asked) {
      if (exchange.with !== node || exchange.isAnswered) continue;
      this.#asked.delete(asked);
      if (!this.#isJoined) return this.#askNext(env);
    }
  }

  /** Somebody whom we do not know speaks to us, or another layer has met it. Now and then we ask who it is. */
  meet(node: NodeId, env: SwimEnvironment): void {
    if (env.now < this.#maySyncAt) return;
    this.#maySyncAt = env.now + this.#parts.options.probeIntervalMs;
    this.compareWith(node, env);
  }

  /** A new member: somebody whose address was configured perhaps. */
  noteMember(member: MemberEntry): void {
    for (const introducer of this.#introducers) {
      const { address, identity } = introducer;
      // Anybody can say of itself that it is at this address: who has answered there stays, until it is gone.
      if (isAt(address, member.peer) && !this.#isHere(identity)) introducer.identity = member.identity;
    }
  }

  compareWith(node: NodeId, env: SwimEnvironment, introducer = -1): void {
    const asked = nonce(env.random);
    this.#asked.set(asked, { with: node, introducer, isAnswered: false, isCompared: false, isServed: false });
    boundExchanges(this.#asked);
    this.#parts.counters.syncs++;
    env.send(node, {
      type: "sync-compare",
      nonce: asked,
      record: this.#parts.ownRecord(env),
      count: this.#parts.members.here.length + 1,
      fingerprint: this.#fingerprint(env),
    });
    const after = answerTimeouts * this.#parts.options.probeTimeoutMs * this.#parts.health.multiplier;
    env.schedule(after, { type: "sync-timeout", nonce: asked, dueAt: env.now + after });
  }

  onCompare(from: NodeId, compare: SyncCompare, env: SwimEnvironment): void {
    const { member } = compare.record.statement;
    if (identityOf(member) !== identityOf(from)) {
      this.#parts.counters.forged++;
      return;
    }
    const question = this.#questionOf(from, compare.nonce, env);
    if (question === undefined) {
      this.#parts.counters.refused++;
      return;
    }
    this.#parts.learn([compare.record], from, true, env);
    this.#joinedThrough(from, env);
    const isEqual =
      compare.fingerprint === this.#fingerprint(env) && compare.count === this.#parts.members.here.length + 1;
    if (isEqual) return env.send(from, { type: "sync-equal", nonce: compare.nonce });
    env.send(from, {
      type: "sync-digest",
      nonce: compare.nonce,
      isAnswer: false,
      isPartial: this.#parts.isLarge(),
      entries: this.#digest(env),
    });
  }

  onEqual(from: NodeId, answered: number, env: SwimEnvironment): void {
    if (this.#askedOf(from, answered) === undefined) return;
    this.#asked.delete(answered);
    this.#joinedThrough(from, env);
  }

  onDigest(from: NodeId, digest: SyncDigestMessage, env: SwimEnvironment): void {
    const isOurs = !digest.isAnswer;
    const exchange = isOurs ? this.#askedOf(from, digest.nonce) : this.#askedBy(from, digest.nonce);
    if (exchange === undefined) return;
    if (exchange.isCompared) {
      this.#parts.counters.unasked++;
      return;
    }
    exchange.isCompared = true;
    if (digest.isPartial) this.#parts.othersArePartial(isOurs && !this.isJoined, env);
    const own = entryOfRecord(this.#parts.ownRecord(env));
    const { wanted, surplus, revived, questioned } = compareWithDigest(digest, this.#parts.members, own);
    for (const member of revived) this.#tellDoubts(member, env);
    for (const member of questioned) this.#parts.probe(member, env);
    if (isOurs && surplus.length > 0) {
      env.send(from, {
        type: "sync-digest",
        nonce: digest.nonce,
        isAnswer: true,
        isPartial: this.#parts.isLarge(),
        entries: surplus,
      });
    }
    if (wanted.length > 0) env.send(from, { type: "sync-want", nonce: digest.nonce, members: wanted });
    else if (isOurs) this.#joinedThrough(from, env);
  }

  onWant(from: NodeId, want: SyncWantMembers, env: SwimEnvironment): void {
    const exchange = this.#exchangeOf(from, want.nonce);
    if (exchange === undefined) return;
    if (exchange.isServed) {
      this.#parts.counters.unasked++;
      return;
    }
    exchange.isServed = true;
    let updates: Update[] = [];
    const send = () => env.send(from, { type: "sync-updates", nonce: want.nonce, updates });
    for (const identity of new Set(want.members.map(identityOf))) {
      if (identity === identityOf(env.self)) updates.push(this.#parts.ownRecord(env));
      const member = this.#parts.members.get(identity);
      if (member !== undefined) {
        updates.push(member.record);
        if (member.leave !== undefined) updates.push(member.leave);
        else if (member.doubt !== undefined) updates.push(...member.doubt.accusations);
      }
      // A member has at most 33 accusations and its record.
      if (updates.length <= maxSyncUpdates - 36) continue;
      send();
      updates = [];
    }
    if (updates.length > 0) send();
  }

  onUpdates(from: NodeId, { nonce: answered, updates }: SyncUpdates, env: SwimEnvironment): void {
    if (this.#exchangeOf(from, answered) === undefined) return;
    // What a newcomer is told at its joining everybody else knows.
    this.#parts.learn(updates, from, this.#isJoined, env);
    if (this.#asked.has(answered)) this.#joinedThrough(from, env);
  }

  // ---- Whom to ask ----

  #askNext(env: SwimEnvironment): void {
    const untried = this.#silent().filter(({ node }) => !this.#tried.has(node));
    const [next] = sample(untried, 1, env.random);
    if (next === undefined) return; // all again at the next `reconnect`
    this.#tried.add(next.node);
    this.compareWith(next.node, env, next.introducer);
  }

  #tryOneWhoIsSilent(env: SwimEnvironment): void {
    const { members, counters } = this.#parts;
    const failed: { readonly node: NodeId; readonly introducer: number }[] = [];
    for (const { state, peer } of members.gone)
      if (state === "failed") failed.push({ node: peer, introducer: -1 });
    // Each kind in its turn: a week's dead do not hide those who are cut off just now.
    const kinds = [this.#silent(), failed.slice(-recentlyFailed), failed].filter(({ length }) => length > 0);
    if (kinds.length === 0) return;
    const next = pick(pick(kinds, env.random), env.random);
    counters.reconnects++;
    const known = this.#contacts.indexOf(next.node);
    // One try is enough for whoever was known in an earlier life: those who are here know it if it is.
    if (known >= 0) this.#contacts.splice(known, 1);
    this.compareWith(next.node, env, next.introducer);
  }

  /** Configured addresses and old contacts that nobody here is known to have. */
  #silent(): { readonly node: NodeId; readonly introducer: number }[] {
    return [
      ...this.#introducers.flatMap(({ address, identity }, introducer) =>
        this.#isHere(identity) ? [] : [{ node: address, introducer }],
      ),
      ...this.#contacts.flatMap((node) => (this.#isHere(identityOf(node)) ? [] : [{ node, introducer: -1 }])),
    ];
  }

  #isHere(identity: Identity | undefined): boolean {
    return identity !== undefined && this.#parts.members.get(identity)?.isHere === true;
  }

  #scheduleReconnect(env: SwimEnvironment): void {
    const after = Math.floor(this.#pauseMs * (0.75 + 0.25 * env.random.unit()));
    env.schedule(after, { type: "reconnect", dueAt: env.now + after });
  }

  /** As memberlist: twice as rarely above 32 members, three times above 64, … */
  #scheduleSync(env: SwimEnvironment): void {
    let times = 1;
    for (let count = 32; count < this.#parts.members.here.length + 1; count *= 2) times++;
    const pauseMs = Math.min(this.#syncPauseMs, this.#parts.options.syncIntervalMs * times);
    this.#syncPauseMs = 3 * pauseMs;
    const after = Math.floor(pauseMs * (0.75 + 0.5 * env.random.unit()));
    env.schedule(after, { type: "sync", dueAt: env.now + after });
  }

  // ---- Exchanges ----

  /** What we asked, if it is this one who answers: at a configured address whoever does. */
  #askedOf(from: NodeId, asked: number): Exchange | undefined {
    const exchange = this.#asked.get(asked);
    const identity = exchange === undefined ? undefined : identityOf(exchange.with);
    if (exchange === undefined || (identity !== identityOf(from) && identity !== "")) {
      this.#parts.counters.unasked++;
      return undefined;
    }
    exchange.with = from;
    exchange.isAnswered = true;
    const introducer = this.#introducers[exchange.introducer];
    if (introducer !== undefined) introducer.identity = identityOf(from);
    return exchange;
  }

  #askedBy(from: NodeId, asked: number): Question | undefined {
    const question = this.#questions.get(identityOf(from));
    if (question?.nonce === asked) return question;
    this.#parts.counters.unasked++;
    return undefined;
  }

  /** Whichever side began. */
  #exchangeOf(from: NodeId, asked: number): Exchange | Question | undefined {
    return this.#asked.has(asked) ? this.#askedOf(from, asked) : this.#askedBy(from, asked);
  }

  /** Undefined if it asks too often. */
  #questionOf(from: NodeId, asked: number, env: SwimEnvironment): Question | undefined {
    const identity = identityOf(from);
    const earlier = this.#questions.get(identity);
    const rate = earlier?.rate ?? new PerSecond({ compare: maxQuestionsPerSecond });
    if (!rate.allows("compare", env.now)) return undefined;
    const question = { nonce: asked, isCompared: false, isServed: false, rate };
    this.#questions.delete(identity);
    this.#questions.set(identity, question);
    boundExchanges(this.#questions);
    return question;
  }

  #joinedThrough(node: NodeId, env: SwimEnvironment): void {
    if (this.#isJoined) return;
    this.#isJoined = true;
    env.notify({
      type: "membership-joined",
      through: node,
      members: this.#parts.members.here.length,
    });
    this.#persistContacts(env);
  }

  #persistContacts(env: SwimEnvironment): void {
    const { members } = this.#parts;
    const some = members.sampleCandidates(256, env.random);
    const value = some.map(({ peer, since }) => ({ peer, since }));
    env.notify({ type: "persist", key: "contacts", value, isAwaited: false });
  }

  #fingerprint(env: SwimEnvironment): number {
    const { incarnation } = this.#parts.ownRecord(env).statement;
    return this.#parts.members.fingerprintWith(identityOf(env.self), incarnation);
  }

  #digest(env: SwimEnvironment): SyncDigestEntry[] {
    const own = entryOfRecord(this.#parts.ownRecord(env));
    return digestOf(this.#parts, own, env.random);
  }

  /** We have given it up, and somebody finds it alive: if it is, it can say so itself. */
  #tellDoubts(member: MemberEntry, env: SwimEnvironment): void {
    const accusation = member.doubt?.accusations[0];
    if (accusation !== undefined) env.send(member.peer, { type: "gossip", updates: [accusation] });
  }
}

function boundExchanges(exchanges: Map<unknown, unknown>): void {
  if (exchanges.size > maxExchanges) exchanges.delete(exchanges.keys().next().value);
}

function isAt(address: NodeId, node: NodeId): boolean {
  if (typeof address === "number" || typeof node === "number") return address === node;
  return addressOf(address) === addressOf(node);
}
