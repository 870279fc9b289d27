/**
 * Kademlia: lookups by XOR among nodes that learn of each other from the very lookups (Maymounkov & Mazières 2002).
 *
 * The document's four operations, and where they are:
 *
 *     verify_connectivity      PING: `#verifyConnectivity`, the command `verify-connectivity`
 *     find_closest_nodes       FIND_NODE: `findClosestNodes` answers it, the command `lookup` looks through the network
 *     store_key_value          STORE: a message of the store (src/storage); it goes to those whom a lookup found
 *     retrieve_value           FIND_VALUE: `retrieveValue` answers it, the command `lookup` with `records`
 *
 * The document's rule for the table, which it writes as if a ping took no time, is taken apart here: `#heard`, `#alive`,
 * `#met` and `#onCheckEnded` say what happens when a node is heard, has answered, is named, or was silent.
 *
 *     known                    -> to the tail                                                  (heard from it)
 *     unknown, room            -> asked whether it is there; to the tail when it has answered  (nobody is believed unheard)
 *     unknown, no room         -> parked; the head is asked, one of each bucket at a time
 *       the head answers       -> to the tail; the newcomer stays parked
 *       the head stays silent  -> removed; whoever is parked takes its place
 *
 * Lookups are run by lookup-runner.ts and decided by iterative-lookup.ts.
 */
import {
  compareXor,
  type Environment,
  fractionOf,
  hostOf,
  isKey,
  type Key,
  type KeyedNode,
  type KeyedNodeOf,
  keyBits,
  keyFromNumber,
  keyToNumber,
  type LookupReport,
  type Millis,
  type NodeId,
  type PeerSampler,
  type Persist,
  pick,
  type Random,
  type RecordSource,
  type RememberedContacts,
  type RouterCommand,
  type RouterNotice,
  type RoutingProtocol,
  randomKey,
  type StackNotice,
  type StoredRecord,
  type Typed,
  xorOf,
} from "../core/index.ts";
import type {
  FindNodeReply,
  FindValueReply,
  KademliaMessage,
  KademliaPingReply,
} from "./kademlia-messages.ts";
import { maxRecordsPerReply } from "./kademlia-messages.ts";
import { type KademliaOptions, kademliaOptions } from "./kademlia-options.ts";
import { KademliaTable } from "./kademlia-table.ts";
import { type LookupSettings, lookupOptions } from "./lookup-options.ts";
import {
  type LookupDeadline,
  type LookupHost,
  type LookupPlan,
  type LookupPurpose,
  type LookupRequest,
  LookupRunner,
} from "./lookup-runner.ts";
import { type LimitReached, Questions, type QuestionTimer } from "./questions.ts";
import { RoundTrips } from "./round-trips.ts";

/** A table that is made for an ideal network: all of them are there, and need not be asked. */
export interface BuiltKademliaTable {
  readonly type: "built-kademlia-table";
  /** Those of place i share i bits with the node. */
  readonly buckets: readonly (readonly KeyedNode[])[];
}

export interface KademliaConfig {
  readonly self: KeyedNode;
  readonly keyedNode: KeyedNodeOf;
  /** Nodes to join through. Without them, without a restored table and without a sampler a node is the first. */
  readonly bootstrap: readonly NodeId[];
  readonly sampler?: PeerSampler | undefined;
  readonly restored?: RememberedContacts | BuiltKademliaTable | undefined;
  /** Whoever keeps records here: FIND_VALUE is answered with them. */
  readonly records?: RecordSource | undefined;
  readonly settings?: Partial<LookupSettings> | undefined;
  readonly options?: Partial<KademliaOptions> | undefined;
  /** What counts as one host; default: the address without the port. */
  readonly hostOf?: ((node: NodeId) => string) | undefined;
  /** False: no `lookup-step` notices. */
  readonly tellsSteps?: boolean | undefined;
}

/** A command: the document's verify_connectivity. The notice `connectivity-verified` follows. */
export interface VerifyConnectivity {
  readonly type: "verify-connectivity";
  readonly node: NodeId;
}

export interface ConnectivityVerified {
  readonly type: "connectivity-verified";
  readonly node: NodeId;
  readonly isThere: boolean;
  /** Undefined if it was silent. */
  readonly roundTripMs: Millis | undefined;
}

export type KademliaCommand = RouterCommand | VerifyConnectivity;
export type KademliaNotice = RouterNotice | Persist | ConnectivityVerified;
/** `upkeep`: it is time to look what is due. */
export type KademliaTimer = QuestionTimer | LookupDeadline | { readonly type: "upkeep" };

type KademliaEnvironment = Environment<KademliaMessage, KademliaTimer, KademliaNotice>;

/** `isRoutine`: nobody gave cause for it but time. */
interface CheckPurpose {
  readonly type: "check";
  readonly contact: KeyedNode;
  readonly isRoutine: boolean;
}

/** Why a question was asked, beside lookups. */
type Purpose =
  | LookupPurpose
  /** A contact of the table: is it still there? */
  | CheckPurpose
  /** Somebody we have only heard of. */
  | { readonly type: "verify"; readonly node: NodeId }
  /** Somebody through whom we join, or find a lost part of the network again: who is near us? */
  | { readonly type: "join"; readonly node: NodeId }
  | { readonly type: "connectivity"; readonly node: NodeId };

interface Asking {
  readonly questions: Questions<Purpose, KademliaMessage>;
  readonly runner: LookupRunner<KademliaMessage>;
}

/** A lookup of the router's own, under way. */
interface OwnLookup {
  readonly request: number;
  readonly purpose: "join" | "refresh" | "self";
}

/** Nodes that a joining node asks at once. */
const joinWidth = 8;
/** A lookup weighs this much in the estimate of how dense the network is. */
const densityGain = 1 / 8;
/** A contact that was still there makes us wait so much longer before others are checked (guess). */
const patienceGain = 1 / 16;

export class Kademlia implements RoutingProtocol<KademliaMessage, KademliaTimer> {
  readonly self: KeyedNode;
  readonly options: Readonly<KademliaOptions>;
  readonly settings: Readonly<LookupSettings>;
  readonly table: KademliaTable;
  readonly counters = {
    /** Questions of others that we answered. */
    answered: 0,
    /** Nodes that became contacts, and contacts that others replaced or that left. */
    added: 0,
    removed: 0,
    /** Checks of contacts that were begun. */
    checks: 0,
    /** Nodes of whom we only heard: asked, dropped because too many waited, refused because of their host. */
    verifications: 0,
    unverifiedDropped: 0,
    hostsRefused: 0,
    /** Answers that named nodes without an id, or more nodes than k. */
    malformed: 0,
    refreshes: 0,
    rejoins: 0,
  };
  #config: KademliaConfig;
  /** Made with the first question: most nodes of a large simulation only answer. */
  #asking: Asking | undefined;
  /** Contacts that are being checked: one of each bucket at the most. */
  #checking: readonly Key[] = [];
  /** Nodes to be asked for the first time, and how many are being asked. */
  readonly #unverified: NodeId[] = [];
  #verifying = 0;
  /**
   * Contacts that were not seen for so long are checked: the more of them are still there, the longer; where some are gone
   * others will be. From `freshMs` to `staleMs`.
   */
  #patienceMs: Millis;
  /** When the head of each bucket was last asked because somebody waits for its place. */
  readonly #headAskedAt: Millis[] = [];
  /** When somebody was last looked up in each bucket. */
  readonly #lookedUpAt: Millis[] = [];
  #startedAt: Millis = 0;
  #hasJoined = false;
  #isLeaving = false;
  /** The nodes that we ask to join are being asked. */
  #joinQuestions = 0;
  #joinedThrough: NodeId | undefined;
  #nextSelfLookupAt: Millis = Number.POSITIVE_INFINITY;
  #selfLookupPauseMs: Millis = 0;
  #nextRejoinAt: Millis = Number.POSITIVE_INFINITY;
  #nextPersistAt: Millis = Number.POSITIVE_INFINITY;
  #isPersisted = true;
  #nextRequest = 1;
  /** The router's own lookups under way, by request. */
  readonly #ownLookups: OwnLookup[] = [];
  /** 1 / (nodes + 1), as lookups have shown it; undefined before the first. */
  #spacing: number | undefined;

  /** Throws `UsageError` for options and settings that break a rule. */
  constructor(config: KademliaConfig) {
    this.#config = config;
    this.self = config.self;
    this.options = kademliaOptions(config.options);
    this.settings = lookupOptions(config.settings);
    this.#patienceMs = this.options.freshMs;
    const { k, maxParked, maxFailures, maxPerHost, maxPerHostInBucket } = this.options;
    this.table = new KademliaTable({
      self: config.self.key,
      k,
      maxParked,
      maxFailures,
      maxPerHost,
      maxPerHostInBucket,
      hostOf: config.hostOf ?? hostOf,
    });
  }

  get #mostPatienceMs(): Millis {
    return Math.max(this.options.freshMs, this.options.staleMs);
  }
  get #questions(): Questions<Purpose, KademliaMessage> {
    this.#asking ??= this.#makeAsking();
    return this.#asking.questions;
  }
  get #runner(): LookupRunner<KademliaMessage> {
    this.#asking ??= this.#makeAsking();
    return this.#asking.runner;
  }

  #makeAsking(): Asking {
    const { settings, self } = this;
    const { tellsSteps } = this.#config;
    const questions: Asking["questions"] = new Questions(new RoundTrips({ settings }), settings.maxTimeoutMs);
    const host: LookupHost<KademliaMessage> = {
      self,
      disjointPaths: this.options.disjointPaths,
      plan: (request, now) => this.#plan(request, now),
      question: ({ key, records = "none" }, nonce) => {
        return { type: records === "none" ? "find-node" : "find-value", nonce, key };
      },
      onEnded: (request, report, env) => this.#onLookupEnded(request, report, env as KademliaEnvironment),
    };
    return { questions, runner: new LookupRunner({ host, questions, settings, tellsSteps }) };
  }

  // ---- What is known -----------------------------------------------------------------------------------------------

  get hasJoined(): boolean {
    return this.#hasJoined;
  }
  get size(): number {
    return this.table.size;
  }
  get roundTrips(): RoundTrips {
    return this.#questions.roundTrips;
  }
  /** Those that are open, or were a moment ago. */
  get questions(): number {
    return this.#asking?.questions.size ?? 0;
  }
  get questionCounters(): Questions<Purpose>["counters"] {
    return this.#questions.counters;
  }
  get lookupCounters(): LookupRunner<KademliaMessage>["counters"] {
    return this.#runner.counters;
  }

  compare(key: Key, a: Key, b: Key): number {
    return compareXor(key, a, b);
  }

  replicas(key: Key, count: number): KeyedNode[] {
    const all = [...this.table.believed(key, count), this.self];
    return all.sort((a, b) => compareXor(key, a.key, b.key)).slice(0, count);
  }

  contacts(): KeyedNode[] {
    return [...this.table.contacts];
  }

  /**
   * How many nodes there are, by how close together they lie: the i-th nearest of N nodes to any key is i/(N+1) of the
   * space away from it, on average. From the neighborhood of our own id, and from the lookups that we ran. With lookups
   * the standard error is about a fifth of it; without them about a third (k = 8).
   */
  estimatedSize(): number {
    const { k } = this.options;
    const near = this.table.believed(this.self.key, k);
    if (near.length < k) return near.length + 1;
    const around = spacingOf(this.self.key, near);
    return Math.max(near.length + 1, 1 / (this.#spacing ?? around) - (this.#spacing === undefined ? 0 : 1));
  }

  /** find_closest_nodes: the k nearest contacts that were not silent, without the one that asks; in any order. */
  findClosestNodes(key: Key, except?: Key): KeyedNode[] {
    const { k } = this.options;
    if (except === undefined || this.table.get(except) === undefined)
      return this.table.closestInAnyOrder(key, k);
    const nearest = this.table.closest(key, k + 1);
    return nearest.filter((contact) => contact.key !== except).slice(0, k);
  }

  /** retrieve_value: what is kept here under this key, as much as a reply may have. */
  retrieveValue(key: Key): StoredRecord[] {
    const records: StoredRecord[] = [];
    let bytes = 0;
    for (const record of this.#config.records?.recordsOf(key) ?? []) {
      const { value, name } = record.statement;
      bytes += (value?.length ?? 0) + name.length + record.proof.length;
      if (records.length >= maxRecordsPerReply || bytes > this.options.maxReplyBytes) break;
      records.push(record);
    }
    return records;
  }

  // ---- Starting ----------------------------------------------------------------------------------------------------

  start(env: KademliaEnvironment): void {
    this.#startedAt = env.now;
    const { restored } = this.#config;
    if (restored !== undefined && "buckets" in restored) {
      this.table.fill(restored.buckets, env.now);
      this.#config = { ...this.#config, restored: undefined };
      this.#hasJoined = true;
    } else this.#join(env);
    const { upkeepMs } = this.options;
    if (upkeepMs === 0) return;
    this.#nextRejoinAt = env.now + this.options.rejoinMs;
    this.#nextPersistAt = env.now + this.options.persistMs;
    env.schedule(1 + env.random.below(upkeepMs), { type: "upkeep" });
  }

  /** Asks some of those who may be there who is near us. Whoever answers becomes a contact; the first begins the join. */
  #join(env: KademliaEnvironment): void {
    const nodes = this.#strangers(joinWidth, env);
    if (nodes.length === 0 && this.table.size === 0) {
      // The first, or alone: others will come to us.
      const { bootstrap, sampler } = this.#config;
      const isFirst = bootstrap.length === 0 && this.#old.length === 0;
      if (isFirst && (sampler === undefined || sampler.size === 0)) this.#onJoined(env);
      return;
    }
    // All whom we could ask have answered and are contacts, but the lookup that followed heard nothing in time.
    if (nodes.length === 0) return this.#lookUp(this.self.key, "join", env);
    for (const node of nodes) this.#askToJoin(node, env);
  }

  #askToJoin(node: NodeId, env: KademliaEnvironment): void {
    this.#joinQuestions++;
    const { key } = this.self;
    this.#questions.ask(node, { type: "join", node }, (nonce) => ({ type: "find-node", nonce, key }), env);
  }

  /** Up to so many nodes that may be there and are not in the table, those first that were seen last. */
  #strangers(count: number, env: KademliaEnvironment): NodeId[] {
    const { bootstrap, sampler } = this.#config;
    const isStrange = (node: NodeId) => !this.#isSelf(node) && !this.#isContact(node);
    const old = [...this.#old].sort((a, b) => a.ageMs - b.ageMs).map(({ node }) => node);
    const known = [...old, ...bootstrap].filter(isStrange);
    const chosen = new Set<NodeId>(known.slice(0, count - 1));
    // One of those behind, for the first may all be dead.
    if (known.length >= count) chosen.add(pick(known.slice(count - 1), env.random));
    const accept = ({ peer }: { peer: NodeId }) => isStrange(peer) && !chosen.has(peer);
    for (const { peer } of sampler?.sample(count - chosen.size, env.random, accept) ?? []) chosen.add(peer);
    return [...chosen];
  }

  #onJoinAnswer(from: NodeId, { nodes }: FindNodeReply, env: KademliaEnvironment): void {
    // Before that the lookup asks them itself.
    if (this.#hasJoined) for (const { node } of this.#contactsIn(nodes)) this.#met(node, env);
    if (this.#joinedThrough !== undefined) return;
    this.#joinedThrough = from;
    this.#lookUp(this.self.key, "join", env);
  }

  /** The paper, section 2.3: look oneself up, then refresh all buckets further away than the nearest neighbor. */
  #onJoined(env: KademliaEnvironment): void {
    this.#hasJoined = true;
    const isOld =
      this.#joinedThrough !== undefined && this.#old.some(({ node }) => node === this.#joinedThrough);
    const through = isOld ? undefined : this.#joinedThrough;
    env.notify({ type: "router-joined", through, afterMs: env.now - this.#startedAt });
    // Whoever starts at the same time as many others finds only some of them at first: look again soon, then less often.
    this.#selfLookupPauseMs = this.options.upkeepMs;
    this.#nextSelfLookupAt = env.now + this.#selfLookupPauseMs;
    this.#refreshNext(env);
  }

  // ---- What happens ------------------------------------------------------------------------------------------------

  /** Throws `UsageError`, before anything has changed, for lookups that cannot be (see `LookupRunner`). */
  onCommand(command: KademliaCommand, env: KademliaEnvironment): void {
    switch (command.type) {
      case "lookup":
      case "cancel-lookup":
        return this.#runner.onCommand(command, env);
      case "learn-of":
        for (const node of command.nodes) this.#introduce(node, env);
        return;
      case "verify-connectivity":
        return this.#verifyConnectivity(command.node, { type: "connectivity", node: command.node }, env);
      case "leave":
        return this.#leave(env);
    }
  }

  onNotice(notice: Typed, env: KademliaEnvironment): void {
    const known = notice as StackNotice | LookupRequest;
    switch (known.type) {
      case "find-nodes":
        return this.#runner.onCommand(known, env);
      case "neighbor-up":
        return this.#introduce(known.neighbor, env);
      case "peer-met":
        return this.#introduce(known.peer, env);
      case "neighbor-failed": {
        const contact = this.#contactOf(known.neighbor);
        if (contact !== undefined) this.#check(contact, env);
        return;
      }
    }
  }

  onMessage(from: NodeId, message: KademliaMessage, env: KademliaEnvironment): void {
    if (this.#isLeaving || this.#isSelf(from)) return;
    switch (message.type) {
      case "ping":
        env.send(from, { type: "ping-reply", nonce: message.nonce });
        break;
      case "find-node":
        env.send(from, {
          type: "find-node-reply",
          nonce: message.nonce,
          nodes: this.#named(message.key, from),
        });
        break;
      case "find-value": {
        const nodes = this.#named(message.key, from);
        const records = this.retrieveValue(message.key);
        env.send(from, { type: "find-value-reply", nonce: message.nonce, nodes, records });
        break;
      }
      case "leaving":
        return this.#onLeaving(from, env);
      case "ping-reply":
      case "find-node-reply":
      case "find-value-reply":
        return this.#onAnswer(from, message, env);
    }
    this.counters.answered++;
    this.#heard(from, message.type === "ping", env);
  }

  #named(key: Key, asker: NodeId): NodeId[] {
    return this.findClosestNodes(key, this.#config.keyedNode(asker).key).map(({ node }) => node);
  }

  onTimer(timer: KademliaTimer, env: KademliaEnvironment): void {
    switch (timer.type) {
      case "lookup-deadline":
        return this.#runner.onDeadline(timer, env);
      case "question-timeout": {
        const limit = this.#questions.onTimer(timer, env);
        if (limit !== undefined) this.#onLimit(limit, env);
        return;
      }
      case "upkeep":
        return this.#upkeep(env);
    }
  }

  // ---- Questions ---------------------------------------------------------------------------------------------------

  /** verify_connectivity: PING. What follows depends on the purpose. */
  #verifyConnectivity(node: NodeId, purpose: Purpose, env: KademliaEnvironment): void {
    this.#questions.ask(node, purpose, (nonce) => ({ type: "ping", nonce }), env);
  }

  #onAnswer(
    from: NodeId,
    message: KademliaPingReply | FindNodeReply | FindValueReply,
    env: KademliaEnvironment,
  ): void {
    const answered = this.#questions.onAnswer(from, message.nonce, env.now);
    if (answered === undefined) return;
    const { purpose, isLate, sentAt } = answered;
    this.#alive(from, env);
    switch (purpose.type) {
      case "lookup": {
        // A ping-reply to such a question says nothing, but it is a reply.
        const nodes = message.type === "ping-reply" ? [] : this.#contactsIn(message.nodes);
        const records = message.type === "find-value-reply" ? message.records : [];
        this.#runner.onReply(purpose, { nodes, records }, env);
        return;
      }
      case "check":
        if (isLate) return;
        if (purpose.isRoutine)
          this.#patienceMs = Math.min((1 + patienceGain) * this.#patienceMs, this.#mostPatienceMs);
        return this.#onCheckEnded(purpose.contact, env);
      case "verify":
        if (!isLate) this.#verifying--;
        return this.#verifyNext(env);
      case "join":
        if (!isLate) this.#joinQuestions--;
        if (message.type === "find-node-reply") this.#onJoinAnswer(from, message, env);
        return;
      case "connectivity":
        if (isLate) return;
        env.notify({
          type: "connectivity-verified",
          node: purpose.node,
          isThere: true,
          roundTripMs: env.now - sentAt,
        });
    }
  }

  #onLimit(limit: LimitReached<Purpose>, env: KademliaEnvironment): void {
    const { purpose, type, to } = limit;
    if (purpose.type === "lookup" && purpose.isRepeat === true) return; // the first one counts
    if (type === "silent" && purpose.type !== "check") this.#silent(to, env);
    switch (purpose.type) {
      case "lookup":
        if (type === "slow" && this.options.repeatsQuestions) this.#runner.repeat({ type, purpose, to }, env);
        return this.#runner.onLimit({ type, purpose, to }, env);
      case "check":
        if (type === "silent") this.#onCheckSilent(purpose.contact, env);
        return;
      case "verify":
        if (type === "slow") return;
        this.#verifying--;
        this.table.unpark(this.#config.keyedNode(to).key);
        return this.#verifyNext(env);
      case "join":
        if (type === "silent") this.#joinQuestions--;
        return;
      case "connectivity":
        if (type === "slow") return;
        env.notify({
          type: "connectivity-verified",
          node: purpose.node,
          isThere: false,
          roundTripMs: undefined,
        });
    }
  }

  /** Nodes in an answer, without those that are none and without more than any reply may have. */
  #contactsIn(nodes: readonly NodeId[]): KeyedNode[] {
    const named = nodes.slice(0, this.options.k);
    const contacts = this.#withKeys(named);
    if (contacts.length < nodes.length) this.counters.malformed++;
    return contacts;
  }

  /** Those that have an id. */
  #withKeys(nodes: readonly NodeId[]): KeyedNode[] {
    return nodes.map((node) => this.#config.keyedNode(node)).filter(({ key }) => isKey(key));
  }

  // ---- The document's rule -----------------------------------------------------------------------------------------

  /**
   * It asked us something. Known: to the tail. Unknown: we shall see whether it answers, too. Whoever only asks whether we
   * are there may do that for somebody new of its own: were our head asked for it, one check would make the next one, from
   * node to node.
   */
  #heard(from: NodeId, isPing: boolean, env: KademliaEnvironment): void {
    const contact = this.#contactOf(from);
    // From another address than the one that we know it at: not before it has answered from there.
    if (contact !== undefined && contact.node === from) this.#seen(contact, env);
    else this.#met(from, env, isPing && this.options.freshMs > 0);
  }

  /** It answered a question of ours: it is there. */
  #alive(node: NodeId, env: KademliaEnvironment): void {
    const contact = this.#config.keyedNode(node);
    if (!isKey(contact.key) || contact.key === this.self.key) return;
    if (this.#seen(contact, env)) return;
    if (!this.table.admitsHostOf(contact)) {
      this.counters.hostsRefused++;
      return;
    }
    if (this.table.hasRoomFor(contact.key)) return this.#add(contact, env);
    const leaves = this.#leavesFor(contact.key);
    if (leaves !== undefined) {
      this.#remove(leaves, this.table.isBelievedGone(leaves.key), env);
      if (this.table.hasRoomFor(contact.key)) return this.#add(contact, env);
    }
    this.table.park(contact, true);
    this.#checkHead(contact.key, env);
  }

  /** Somebody named it, or it asked us: nobody is believed unheard. `isPatient`: it waits, and nobody is asked for it. */
  #met(node: NodeId, env: KademliaEnvironment, isPatient = false): void {
    const contact = this.#config.keyedNode(node);
    const { key } = contact;
    if (!isKey(key) || key === this.self.key || this.#isBelieved(node)) return;
    const isWelcome = this.table.hasRoomFor(key) || this.#leavesFor(key) !== undefined;
    if (this.table.get(key) !== undefined || isWelcome) return this.#verify(node, env);
    this.table.park(contact, false);
    if (!isPatient) this.#checkHead(key, env);
  }

  /** Who makes room for this one where the bucket is full: one that is gone, or one that is farther from us. */
  #leavesFor(key: Key): KeyedNode | undefined {
    const bucket = this.table.bucket(this.table.bucketOf(key));
    return bucket.find((other) => this.table.isBelievedGone(other.key)) ?? this.table.crowdedOutBy(key);
  }

  /**
   * The user or another layer names it: it may have no id yet ("@host:port"), it may be our way in, or belong to a part of
   * the network that we do not know.
   */
  #introduce(node: NodeId, env: KademliaEnvironment): void {
    if (this.#isSelf(node) || this.#isBelieved(node)) return;
    if (this.#joinQuestions < joinWidth) this.#askToJoin(node, env);
    else if (isKey(this.#config.keyedNode(node).key)) this.#met(node, env);
    else this.#verify(node, env);
  }

  /** To the tail; false if it is not known. */
  #seen(contact: KeyedNode, env: KademliaEnvironment): boolean {
    const wasGone = this.table.isBelievedGone(contact.key);
    if (!this.table.seen(contact, env.now)) return false;
    this.#isPersisted = false;
    if (wasGone) env.notify({ type: "contact-up", contact });
    return true;
  }

  /** It did not answer. One of its bucket at a time is asked whether it is still there. */
  #silent(node: NodeId, env: KademliaEnvironment): void {
    const contact = this.#contactOf(node);
    // At another address than the one that we know it at: that says nothing of it.
    if (contact?.node !== node) return;
    const wasGone = this.table.isBelievedGone(contact.key);
    this.table.fail(contact.key);
    if (!wasGone) this.#check(contact, env);
  }

  /** The bucket is full: is its head still there? One of a bucket is asked in `freshMs`, whoever wants a place. */
  #checkHead(key: Key, env: KademliaEnvironment): void {
    const { freshMs } = this.options;
    const bucket = this.table.bucketOf(key);
    const head = this.table.headOf(bucket);
    if (head === undefined || env.now - this.table.seenAt(head.key)! < freshMs) return;
    if (env.now - (this.#headAskedAt[bucket] ?? Number.NEGATIVE_INFINITY) < freshMs) return;
    this.#headAskedAt[bucket] = env.now;
    this.#check(head, env);
  }

  #check(contact: KeyedNode, env: KademliaEnvironment, isRoutine = false): void {
    const bucket = this.table.bucketOf(contact.key);
    for (const other of this.#checking) if (this.table.bucketOf(other) === bucket) return;
    this.#checking = [...this.#checking, contact.key];
    this.counters.checks++;
    this.#verifyConnectivity(contact.node, { type: "check", contact, isRoutine }, env);
  }

  /** Asked again, until it was silent `maxFailures` times in a row: a lost datagram is no death. */
  #onCheckSilent(contact: KeyedNode, env: KademliaEnvironment): void {
    const { key } = contact;
    const wasGone = this.table.isBelievedGone(key);
    const failures = this.table.fail(key);
    if (failures === 0 || this.table.isBelievedGone(key)) {
      if (failures > 0) this.#giveUp(contact, wasGone, env);
      return this.#onCheckEnded(contact, env);
    }
    this.#verifyConnectivity(contact.node, { type: "check", contact, isRoutine: false }, env);
  }

  /** It is gone: `wasGone` says whether we knew that. Whoever is parked takes its place; if nobody is, it stays, and nobody is told of it (section 4.1). */
  #giveUp(contact: KeyedNode, wasGone: boolean, env: KademliaEnvironment): void {
    if (!wasGone) this.#patienceMs = Math.max(this.#patienceMs / 2, this.options.freshMs);
    if (this.table.replacementIn(this.table.bucketOf(contact.key)) !== undefined)
      this.#replace(contact, wasGone, env);
    else if (!wasGone) env.notify({ type: "contact-down", contact });
  }

  #replace(contact: KeyedNode, wasGone: boolean, env: KademliaEnvironment): void {
    this.#remove(contact, wasGone, env);
    const replacement = this.table.replacementIn(this.table.bucketOf(contact.key));
    if (replacement === undefined) return;
    this.table.unpark(replacement.contact.key);
    if (!replacement.isVerified) return this.#verify(replacement.contact.node, env);
    if (this.table.hasRoomFor(replacement.contact.key)) this.#add(replacement.contact, env);
  }

  /** The next of this bucket that was silent, if there is one. */
  #onCheckEnded({ key }: KeyedNode, env: KademliaEnvironment): void {
    this.#checking = this.#checking.filter((other) => other !== key);
    for (const other of this.table.bucket(this.table.bucketOf(key))) {
      if (this.table.failuresOf(other.key) === 0 || this.table.isBelievedGone(other.key)) continue;
      return this.#check(other, env);
    }
  }

  #add(contact: KeyedNode, env: KademliaEnvironment): void {
    this.counters.added++;
    this.#isPersisted = false;
    this.table.add(contact, env.now);
    env.notify({ type: "contact-up", contact });
    // A small network that grows: there may be more of them.
    if (this.#hasJoined && this.table.size <= this.options.k)
      this.#nextSelfLookupAt = Math.min(this.#nextSelfLookupAt, env.now + this.options.upkeepMs);
  }

  #remove(contact: KeyedNode, wasGone: boolean, env: KademliaEnvironment): void {
    if (!this.table.remove(contact.key)) return;
    this.counters.removed++;
    this.#isPersisted = false;
    if (!wasGone) env.notify({ type: "contact-down", contact });
  }

  // ---- Nodes of whom we only heard ---------------------------------------------------------------------------------

  #verify(node: NodeId, env: KademliaEnvironment): void {
    if (this.#unverified.includes(node)) return;
    if (this.#unverified.length >= this.options.maxUnverified) {
      this.counters.unverifiedDropped++;
      return;
    }
    this.#unverified.push(node);
    this.#verifyNext(env);
  }

  #verifyNext(env: KademliaEnvironment): void {
    while (this.#unverified.length > 0 && this.#verifying < this.options.maxChecks) {
      const node = this.#unverified.shift()!;
      if (this.#isBelieved(node)) continue; // heard of meanwhile
      this.#verifying++;
      this.counters.verifications++;
      this.#verifyConnectivity(node, { type: "verify", node }, env);
    }
  }

  // ---- Lookups -----------------------------------------------------------------------------------------------------

  #plan({ key, count }: LookupRequest, now: Millis): LookupPlan {
    const { k, alpha, pace } = this.options;
    const width = Math.max(k, count ?? k);
    return {
      order: (a, b) => compareXor(key, a, b),
      // More than are asked at first, for the nearest may all be dead.
      candidates: this.#candidates(key, pace === "slots" ? 4 * width : width),
      // Whoever looks itself up wants to know the others.
      countsSelf: key !== this.self.key,
      endRule: "closest-answered",
      width,
      count: count ?? k,
      alpha,
      pace,
      // Models remember nothing from one lookup to the next.
      isSuspect: pace === "slots" ? ({ node }) => this.roundTrips.isSuspect(node, now) : undefined,
    };
  }

  #candidates(key: Key, count: number): KeyedNode[] {
    const contacts = this.table.closest(key, count, "if-needed");
    if (contacts.length > 0) return contacts;
    // Asked before anybody has answered us.
    return this.#withKeys([...this.#config.bootstrap, ...this.#old.map(({ node }) => node)]);
  }

  #lookUp(key: Key, purpose: OwnLookup["purpose"], env: KademliaEnvironment): void {
    const request = this.#nextRequest++;
    this.#ownLookups.push({ request, purpose });
    this.#runner.onCommand({ type: "lookup", asker: "router", request, key }, env);
  }

  #onLookupEnded(
    { asker, request, key }: LookupRequest,
    report: LookupReport,
    env: KademliaEnvironment,
  ): void {
    this.#lookedUpAt[this.table.bucketOf(key)] = env.now;
    if (report.outcome === "found") this.#noteSpacing(key, report.closest);
    const place = this.#ownLookups.findIndex((own) => asker === "router" && own.request === request);
    if (place < 0) return;
    const [{ purpose }] = this.#ownLookups.splice(place, 1) as [OwnLookup];
    if (purpose === "refresh" || this.#hasJoined) return this.#refreshNext(env);
    if (report.answered > 0) this.#onJoined(env);
    else this.#joinedThrough = undefined; // upkeep tries again
  }

  #noteSpacing(key: Key, closest: readonly KeyedNode[]): void {
    if (closest.length < this.options.k) return;
    const spacing = spacingOf(key, closest);
    this.#spacing =
      this.#spacing === undefined ? spacing : this.#spacing + densityGain * (spacing - this.#spacing);
  }

  // ---- Upkeep ------------------------------------------------------------------------------------------------------

  #upkeep(env: KademliaEnvironment): void {
    if (this.#isLeaving) return;
    const { upkeepMs, refreshMs, rejoinMs, persistMs } = this.options;
    env.schedule(upkeepMs, { type: "upkeep" });
    if (!this.#hasJoined) {
      if (this.#joinQuestions === 0 && this.#ownLookups.length === 0) this.#join(env);
      return;
    }
    if (env.now >= this.#nextSelfLookupAt) {
      this.#selfLookupPauseMs = Math.min(2 * this.#selfLookupPauseMs, refreshMs);
      this.#nextSelfLookupAt = env.now + this.#selfLookupPauseMs;
      if (this.table.size > 0) this.#lookUp(this.self.key, "self", env);
    } else this.#refreshNext(env);
    const { k, freshMs } = this.options;
    this.#checkOldest(this.table.contacts, this.#patienceMs, env);
    this.#checkOldest(this.table.believed(this.self.key, k), freshMs, env);
    if (env.now >= this.#nextRejoinAt) {
      this.#nextRejoinAt = env.now + rejoinMs;
      this.#rejoin(env);
    }
    if (env.now >= this.#nextPersistAt) {
      this.#nextPersistAt = env.now + persistMs;
      this.#persist(env);
    }
  }

  /** One bucket at a time in which nobody was looked up for long, by looking up a random key of it. */
  #refreshNext(env: KademliaEnvironment): void {
    if (this.#ownLookups.length > 0 || this.options.upkeepMs === 0 || this.#isLeaving) return;
    // The last one is that of our own id, which has lookups of its own.
    for (let bucket = 0; bucket < this.table.bucketCount - 1; bucket++) {
      const lookedUpAt = this.#lookedUpAt[bucket] ?? Number.NEGATIVE_INFINITY;
      if (env.now - lookedUpAt < this.options.refreshMs) continue;
      this.#lookedUpAt[bucket] = env.now;
      this.counters.refreshes++;
      return this.#lookUp(randomKeyIn(this.self.key, bucket, env.random), "refresh", env);
    }
  }

  /**
   * The one that was not seen for longest is asked whether it is there: else the dead would stay in the tables of those
   * that look nothing up, and these would name them to others (libtorrent, too, asks one node at a time).
   */
  #checkOldest(contacts: readonly KeyedNode[], unlessWithinMs: Millis, env: KademliaEnvironment): void {
    let oldest: KeyedNode | undefined;
    let seenAt = env.now - unlessWithinMs;
    for (const contact of contacts) {
      const at = this.table.seenAt(contact.key)!;
      if (at >= seenAt || this.table.isBelievedGone(contact.key)) continue;
      oldest = contact;
      seenAt = at;
    }
    if (oldest !== undefined) this.#check(oldest, env, contacts === this.table.contacts);
  }

  /**
   * Parts of a network that were cut off from each other know nobody of the other side any more, or only contacts that
   * they believe to be gone: both are asked, one of each.
   */
  #rejoin(env: KademliaEnvironment): void {
    this.counters.rejoins++;
    const gone = this.table.contacts.filter(({ key }) => this.table.isBelievedGone(key));
    for (const node of [
      ...this.#strangers(1, env),
      ...(gone.length > 0 ? [pick(gone, env.random).node] : []),
    ])
      if (this.#joinQuestions < joinWidth) this.#askToJoin(node, env);
  }

  #persist(env: KademliaEnvironment): void {
    if (this.#isPersisted) return;
    this.#isPersisted = true;
    const contacts = this.table.contacts.map(({ node, key }) => {
      return { node, ageMs: env.now - (this.table.seenAt(key) ?? env.now) };
    });
    const value: RememberedContacts = { type: "remembered-contacts", savedAt: env.now, contacts };
    env.notify({ type: "persist", key: "table", value, isAwaited: false });
  }

  // ---- Leaving -----------------------------------------------------------------------------------------------------

  #leave(env: KademliaEnvironment): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    for (const { node } of this.table.contacts) env.send(node, { type: "leaving" });
    this.#persist(env);
  }

  #onLeaving(from: NodeId, env: KademliaEnvironment): void {
    const contact = this.#contactOf(from);
    this.table.unpark(this.#config.keyedNode(from).key);
    if (contact !== undefined) this.#replace(contact, this.table.isBelievedGone(contact.key), env);
  }

  // ---- Small things ------------------------------------------------------------------------------------------------

  /** What an earlier life had on disk. */
  get #old(): RememberedContacts["contacts"] {
    const { restored } = this.#config;
    return restored?.type === "remembered-contacts" ? restored.contacts : [];
  }
  #contactOf(node: NodeId): KeyedNode | undefined {
    return this.table.get(this.#config.keyedNode(node).key);
  }
  #isContact(node: NodeId): boolean {
    return this.#contactOf(node) !== undefined;
  }
  /** A contact at this address, and not believed to be gone. */
  #isBelieved(node: NodeId): boolean {
    const contact = this.#contactOf(node);
    return contact?.node === node && !this.table.isBelievedGone(contact.key);
  }
  #isSelf(node: NodeId): boolean {
    return node === this.self.node || this.#config.keyedNode(node).key === this.self.key;
  }
}

/** The mean step between neighbors around a key, as a share of the space: a line through 0 (as go-libp2p's netsize). */
function spacingOf(key: Key, nearest: readonly KeyedNode[]): number {
  let numerator = 0;
  let denominator = 0;
  nearest.forEach((contact, i) => {
    numerator += (i + 1) * fractionOf(xorOf(key, contact.key));
    denominator += (i + 1) * (i + 1);
  });
  return numerator / denominator;
}

/** A random key that shares exactly so many bits with our own. */
function randomKeyIn(self: Key, bucket: number, random: Random): Key {
  const below = BigInt(keyBits - bucket - 1);
  const own = keyToNumber(self) >> below;
  const rest = BigInt.asUintN(Number(below), keyToNumber(randomKey(random)));
  return keyFromNumber(((own ^ 1n) << below) | rest);
}
