import {
  addressOf,
  type Identity,
  identityOf,
  type Millis,
  type NodeId,
  nonce,
  sample,
} from "../core/index.ts";
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
}

interface Introducer {
  readonly address: NodeId;
  /** Who answers there. */
  identity: Identity | undefined;
}

// Bounds; guesses.
const maxExchanges = 256;
/** How long a comparison may take before somebody else is asked. */
const answerTimeouts = 5;
/** The first comparison after the start, in probe intervals: who joined at the same time may have been missed. */
const firstSyncIntervals = 4;

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
  /** By nonce: what we asked, and what others asked. An answer may come late, when somebody else was asked already. */
  readonly #asked = new Map<number, Exchange>();
  readonly #served = new Map<number, Exchange>();
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
    if (!this.#isJoined) {
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
    for (const introducer of this.#introducers)
      if (isAt(introducer.address, member.peer)) introducer.identity = member.identity;
  }

  compareWith(node: NodeId, env: SwimEnvironment, introducer = -1): void {
    const asked = nonce(env.random);
    open(this.#asked, asked, { with: node, introducer, isAnswered: false });
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
    this.#parts.learn([compare.record], from, true, env);
    this.#joinedThrough(from, env);
    const isEqual =
      compare.fingerprint === this.#fingerprint(env) && compare.count === this.#parts.members.here.length + 1;
    if (isEqual) return env.send(from, { type: "sync-equal", nonce: compare.nonce });
    open(this.#served, compare.nonce, { with: from, introducer: -1, isAnswered: true });
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
    if (isOurs ? this.#askedOf(from, digest.nonce) === undefined : !this.#isServed(from, digest.nonce))
      return;
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
    const isAsked = this.#asked.has(want.nonce) && this.#askedOf(from, want.nonce) !== undefined;
    if (!isAsked && !this.#isServed(from, want.nonce)) return;
    let updates: Update[] = [];
    const send = () => env.send(from, { type: "sync-updates", nonce: want.nonce, updates });
    for (const node of want.members) {
      const identity = identityOf(node);
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
    const isOurs = this.#asked.has(answered);
    if (isOurs ? this.#askedOf(from, answered) === undefined : !this.#isServed(from, answered)) return;
    // What a newcomer is told at its joining everybody else knows.
    this.#parts.learn(updates, from, this.#isJoined, env);
    if (isOurs) this.#joinedThrough(from, env);
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
    const silent = this.#silent();
    for (const member of members.gone)
      if (member.state === "failed") silent.push({ node: member.peer, introducer: -1 });
    const [next] = sample(silent, 1, env.random);
    if (next === undefined) return;
    counters.reconnects++;
    const known = this.#contacts.indexOf(next.node);
    // One try is enough for whoever was known in an earlier life: those who are here know it if it is.
    if (known >= 0) this.#contacts.splice(known, 1);
    this.compareWith(next.node, env, next.introducer);
  }

  /** Configured addresses and old contacts that nobody here is known to have. */
  #silent(): { readonly node: NodeId; readonly introducer: number }[] {
    const { members } = this.#parts;
    const isHere = (identity: Identity | undefined) =>
      identity !== undefined && members.get(identity)?.isHere === true;
    return [
      ...this.#introducers.flatMap(({ address, identity }, introducer) =>
        isHere(identity) ? [] : [{ node: address, introducer }],
      ),
      ...this.#contacts.flatMap((node) => (isHere(identityOf(node)) ? [] : [{ node, introducer: -1 }])),
    ];
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

  #isServed(from: NodeId, asked: number): boolean {
    const exchange = this.#served.get(asked);
    if (exchange !== undefined && identityOf(exchange.with) === identityOf(from)) return true;
    this.#parts.counters.unasked++;
    return false;
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
    return digestOf(this.#parts.members, own, this.#parts.isLarge(), env.random);
  }

  /** We have given it up, and somebody finds it alive: if it is, it can say so itself. */
  #tellDoubts(member: MemberEntry, env: SwimEnvironment): void {
    const accusation = member.doubt?.accusations[0];
    if (accusation !== undefined) env.send(member.peer, { type: "gossip", updates: [accusation] });
  }
}

function open(exchanges: Map<number, Exchange>, asked: number, exchange: Exchange): void {
  exchanges.set(asked, exchange);
  if (exchanges.size > maxExchanges) exchanges.delete(exchanges.keys().next().value!);
}

function isAt(address: NodeId, node: NodeId): boolean {
  if (typeof address === "number" || typeof node === "number") return address === node;
  return addressOf(address) === addressOf(node);
}
