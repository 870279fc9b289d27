/**
 * Pastry (Rowstron and Druschel, Middleware 2001): a message for a key goes from node to node, each sharing one digit more
 * with the key, to the node whose own key is numerically closest, the root.
 *
 *     pastry-routing.ts     the three rules: where a message goes next         section 2.3
 *     pastry-leaf-set.ts    L, the nodes next to us                            section 2.1
 *     pastry-table.ts       R, a node for each next digit; M, the nearest      section 2.1
 *     this file             routes and their reports; joining (2.4), failures and repair (2.4), locality (2.5)
 *
 * Nobody is believed unheard: who is in a table has spoken to us, or answered. What others say of third nodes makes
 * candidates, which are asked first; that measures them, too, so that R and M can keep the nearest.
 *
 * Deviation: leaf sets are compared now and then, as Bamboo does (Rhea et al. 2004), and there is no burst of messages
 * after a failure; a newcomer's announcement is such a comparison. A node that is silent once is a suspect: routes avoid
 * it, nobody is told, and it is replaced only when pings stay unanswered, too.
 */
import {
  type CancelLookup,
  compareAround,
  type Environment,
  type FindNodes,
  identityOf,
  isKey,
  type Key,
  type KeyedNode,
  type KeyedNodeOf,
  type Lookup,
  type Millis,
  type NeighborDown,
  type NodeId,
  nonce,
  type PeerSampler,
  type Persist,
  type RememberedContacts,
  type RouterCommand,
  type RouterNotice,
  type RoutingProtocol,
  sample,
  type Typed,
  UsageError,
} from "../core/index.ts";
import { type LookupSettings, lookupOptions } from "./lookup-options.ts";
import { LeafSet } from "./pastry-leaf-set.ts";
import { RoutedLookup } from "./pastry-lookup.ts";
import {
  type ArrivedMessage,
  type AskRowMessage,
  type LeaveMessage,
  type LeavesMessage,
  maxPastryNodes,
  maxPastryRows,
  maxPastrySilent,
  type PassedMessage,
  type PastryMessage,
  type PingMessage,
  type PongMessage,
  type RouteMessage,
  type RowMessage,
  type StateMessage,
} from "./pastry-messages.ts";
import { checkedPastryOptions, type PastryOptions } from "./pastry-options.ts";
import { nextHop, type RoutingRule, type RoutingState } from "./pastry-routing.ts";
import { Neighborhood, RoutingTable } from "./pastry-table.ts";
import { Questions, type QuestionTimer } from "./questions.ts";
import { RoundTrips } from "./round-trips.ts";

// ---- What it is made of and what it says ----------------------------------------------------------------------------

/** Tables that are known to be right: of a network that somebody has built, in a simulation. */
export interface PastryReadyTable {
  readonly type: "ready-table";
  /** The nearest first. */
  readonly above: readonly KeyedNode[];
  /** The nearest first. */
  readonly below: readonly KeyedNode[];
  readonly entries: readonly KeyedNode[];
}

export interface PastryConfig {
  readonly self: KeyedNode;
  readonly keyedNode: KeyedNodeOf;
  /** To join through; "@host:port" is whoever answers there. None: we are the first. */
  readonly bootstrap?: readonly NodeId[] | undefined;
  readonly sampler?: PeerSampler | undefined;
  readonly restored?: RememberedContacts | PastryReadyTable | undefined;
  readonly settings?: Partial<LookupSettings> | undefined;
  readonly options?: Partial<PastryOptions> | undefined;
  /** How the next hop is chosen. Default: by the three rules with progress. */
  readonly rule?: RoutingRule | undefined;
  /** False: no `lookup-step` notices, for simulations of very many lookups. */
  readonly tellsSteps?: boolean | undefined;
}

export type PastryTimer =
  | QuestionTimer
  /** Another step of joining is due, if we are still at that one. */
  | { readonly type: "join"; readonly step: number }
  /** Has anything been heard of that route since then? */
  | {
      readonly type: "patience";
      readonly lookup: RoutedLookup;
      readonly route: number;
      readonly news: number;
    }
  | { readonly type: "deadline"; readonly lookup: RoutedLookup }
  | { readonly type: "compare-leaves" }
  | { readonly type: "tune-table" }
  | { readonly type: "merge" }
  | { readonly type: "persist" };

export type PastryNotice = RouterNotice | Persist;
type PastryEnvironment = Environment<PastryMessage, PastryTimer, PastryNotice>;

/** Why somebody was asked something. */
type Purpose =
  | { readonly type: "hop"; readonly hop: Hop }
  | Probe
  | { readonly type: "door"; readonly join: Join };

interface Probe {
  readonly type: "probe";
  readonly contact: KeyedNode;
  readonly attempt: number;
  /** If it answers with a row: so many nodes of it are measured although their places are taken. */
  readonly improvements?: number;
}

/** A route that we have, and whoever did not take it. */
interface Hop {
  /** As it came; `hops` is the number of hops to us. */
  readonly message: Omit<RouteMessage, "hopNonce">;
  readonly silent: NodeId[];
  /** At which the last one was sent. */
  to: KeyedNode;
  isDone: boolean;
  /** The nearest suspect has got a second chance. */
  isInsisting?: boolean;
}

/** We are joining: looking for somebody who lets us in, on the way to the root of our key, or asking its leaves. */
interface Join {
  readonly startedAt: Millis;
  phase: "knocking" | "routing" | "settling";
  attempts: number;
  /** The timer of another step is stale. */
  step: number;
  route: number;
  through: NodeId | undefined;
  /** Somebody answered who is still joining, too, and comes before us. */
  isOtherFirst: boolean;
}

/** Of a leaf: the version of its leaf set that we have, and the one of ours that it has. */
interface Versions {
  heard: number;
  told: number;
}

const maxSeen = 4096;
const maxGone = 256;
const maxFormer = 32;
const maxWaiting = 256;
/** Contacts that are asked at once for a door: the first to answer is the nearest. */
const doors = 4;
/** So many rounds of knocking without an answer, and we are the first. */
const maxKnocks = 2;
/** If others wait as we do and come before us, so many. */
const maxPatientKnocks = 6;
/** Nodes that are measured although their places are taken, each time that a row is compared (guess). */
const improvementsPerRow = 4;
/** How often somebody who is alone looks for others (guess). */
const aloneIntervalMs = 2000;
/** Who was silent so often gets no second chance from whoever would be the root without it. */
const silencesOfTheDead = 3;
/** A candidate is asked so often before it is forgotten. */
const candidateAttempts = 2;

export class Pastry implements RoutingProtocol<PastryMessage, PastryTimer>, RoutingState {
  readonly counters = {
    /** Hops that began here or came through here. */
    routed: 0,
    /** Decisions by rule; `here`: nobody was closer. */
    byLeafSet: 0,
    byTable: 0,
    byAnyBetter: 0,
    here: 0,
    /** Hops without an acknowledgement in time. */
    silentHops: 0,
    /** Second copies of a route. */
    duplicates: 0,
    /** Routes dropped because they had come too far, came before we had joined, or were too many. */
    tooFar: 0,
    early: 0,
    busy: 0,
    /** Answers to routes and words about them that nobody waits for. */
    unasked: 0,
    /** Lookups refused because there were too many. */
    refused: 0,
    /** Attempts after the first. */
    repeated: 0,
    suspected: 0,
    dead: 0,
    /** Probes, and candidates for which there was no room to wait. */
    probes: 0,
    crowdedOut: 0,
    joins: 0,
    merges: 0,
  };
  readonly self: KeyedNode;
  readonly options: Readonly<PastryOptions>;
  readonly leaves: LeafSet;
  readonly table: RoutingTable;
  readonly neighborhood: Neighborhood;
  readonly #config: Omit<PastryConfig, "restored">;
  /** What was on disk: who might be there, the leaves first. */
  readonly #restored: RememberedContacts["contacts"];
  readonly #settings: Readonly<LookupSettings>;
  readonly #rule: RoutingRule;
  #hasJoined = false;
  #hasLeft = false;
  #join: Join | undefined;
  /** Of our leaf set: never 0. */
  #version = 1;
  /** What is remembered beside the tables, made when it is needed: most nodes of a large static network never do. */
  #asked: Asking | undefined;
  #routed: Traffic | undefined;
  #upkeep: Upkeep | undefined;
  /** The number of the last route by which we looked for a lost part of the network. */
  #mergeRoute = 0;
  /** Which leaf is next to be compared with. */
  #turn = 0;
  #areTimersSet = false;

  constructor(config: PastryConfig) {
    const { restored, ...rest } = config;
    const { self } = config;
    // Not the table that was ready: it is taken apart below, and there may be a million.
    this.#config = rest;
    this.#restored =
      restored?.type === "remembered-contacts" ? restored.contacts.slice(0, maxPastryNodes) : [];
    this.self = self;
    this.options = checkedPastryOptions(config.options);
    this.#settings = config.settings === undefined ? defaultSettings : lookupOptions(config.settings);
    this.#rule = config.rule ?? nextHop;
    const { bits, leafSetSize, neighborhoodSize } = this.options;
    if (leafSetSize % 2 !== 0) throw new UsageError(`leafSetSize: ${leafSetSize} is not even`);
    this.table = new RoutingTable(self, bits);
    this.neighborhood = new Neighborhood(neighborhoodSize);
    const ready = restored?.type === "ready-table" ? restored : undefined;
    this.leaves = new LeafSet(self, leafSetSize, ready);
    if (ready === undefined) return;
    for (const entry of ready.entries) this.table.set(entry);
    this.#hasJoined = true;
  }

  // ---- What may be read --------------------------------------------------------------------------------------------

  get hasJoined(): boolean {
    return this.#hasJoined;
  }
  get size(): number {
    return this.contacts().length;
  }
  /** Lookups of ours that have not ended. */
  get lookups(): number {
    return this.#asked?.lookups.size ?? 0;
  }
  /** Contacts that have been silent and are not yet given up. */
  get suspects(): number {
    return this.#upkeep?.suspects.size ?? 0;
  }

  /** Those that are open, or were a moment ago. */
  get questions(): number {
    return this.#routed?.questions.size ?? 0;
  }

  /** Smoothed round trip, if it was measured. */
  rttMs(node: NodeId): number | undefined {
    return this.#routed?.roundTrips.rttMs(node);
  }

  compare(key: Key, a: Key, b: Key): number {
    return compareAround(key, a, b);
  }

  /** Without suspects. Exact where the leaf set covers the key. */
  replicas(key: Key, count: number): KeyedNode[] {
    const known = this.leaves.covers(key) && !this.leaves.isWhole ? this.leaves.all() : this.contacts();
    const there = known.filter((contact) => !this.#isSuspect(contact));
    return [this.self, ...there].sort((a, b) => compareAround(key, a.key, b.key)).slice(0, count);
  }

  contacts(): KeyedNode[] {
    const all = new Map<Key, KeyedNode>();
    for (const known of [this.leaves.all(), this.table.all(), this.neighborhood.nodes])
      for (const contact of known) all.set(contact.key, contact);
    return [...all.values()];
  }

  // ---- What happens ------------------------------------------------------------------------------------------------

  start(env: PastryEnvironment): void {
    this.#version = 1 + env.random.below(2 ** 31);
    if (this.#hasJoined) return this.#setTimers(env);
    if (this.#doors(env).length > 0) this.#beginJoin(env);
    else this.#becomeMember(undefined, env.now, env);
  }

  /** Throws `UsageError`, before anything has changed, for a key that is none and numbers out of range. */
  onCommand(command: RouterCommand, env: PastryEnvironment): void {
    switch (command.type) {
      case "lookup":
        return this.#lookup(command, env);
      case "cancel-lookup":
        return this.#cancel(command);
      case "learn-of":
        for (const node of command.nodes) this.#learnOf(node, env);
        return;
      case "leave":
        return this.#leave(env);
    }
  }

  onNotice(notice: Typed, env: PastryEnvironment): void {
    if (this.#hasLeft) return;
    const { neighbor, peer, reason } = notice as {
      readonly neighbor?: NodeId;
      readonly peer?: NodeId;
      readonly reason?: NeighborDown["reason"];
    };
    switch (notice.type) {
      case "find-nodes":
        return this.#lookup(notice as FindNodes, env);
      case "neighbor-up":
        return this.#learnOf(neighbor!, env);
      case "peer-met":
        return this.#learnOf(peer!, env);
      // Others may be wrong, or it may be back: we look for ourselves.
      case "neighbor-failed":
      case "neighbor-unreachable":
        return this.#suspect(this.#config.keyedNode(neighbor!), env);
      case "neighbor-down":
        // A link that somebody else has got says nothing of the node.
        if (reason !== "replaced" && reason !== "one-sided")
          this.#suspect(this.#config.keyedNode(neighbor!), env);
        return;
      case "peer-left":
        return this.#suspect(this.#config.keyedNode(peer!), env);
    }
  }

  onMessage(from: NodeId, message: PastryMessage, env: PastryEnvironment): void {
    if (this.#hasLeft) return;
    switch (message.type) {
      case "route":
        return this.#onRoute(from, message, env);
      case "ack":
        return this.#onAck(from, message.hopNonce, env);
      case "passed":
        return this.#onPassed(from, message, env);
      case "arrived":
        return this.#onArrived(from, message, env);
      case "state":
        return this.#onState(from, message, env);
      case "leaves":
        return this.#onLeaves(from, message, env);
      case "ask-row":
        return this.#onAskRow(from, message, env);
      case "row":
        return this.#onRow(from, message, env);
      case "ping":
        return this.#onPing(from, message, env);
      case "pong":
        return this.#onPong(from, message, env);
      case "leave":
        return this.#onLeave(from, message, env);
    }
  }

  onTimer(timer: PastryTimer, env: PastryEnvironment): void {
    if (this.#hasLeft) return;
    switch (timer.type) {
      case "question-timeout":
        return this.#onQuestionTimeout(timer, env);
      case "join":
        if (timer.step === this.#join?.step) this.#joinStepFailed(this.#join, env);
        return;
      case "patience":
        return this.#onPatience(timer.lookup, timer.route, timer.news, env);
      case "deadline":
        return this.#endLookup(timer.lookup, "deadline", 0, [], env);
      case "compare-leaves":
        this.#compareWithSomeLeaf(env);
        return env.schedule(this.options.leafIntervalMs, timer);
      case "tune-table":
        this.#tuneTable(env);
        return env.schedule(this.options.tableIntervalMs, timer);
      case "merge":
        this.#lookForOthers(env);
        return env.schedule(this.#mergePauseMs(), timer);
      case "persist":
        this.#persist(env);
        return env.schedule(this.options.persistIntervalMs, timer);
    }
  }

  // ---- Looking up: the origin --------------------------------------------------------------------------------------

  #lookup(command: Lookup | FindNodes, env: PastryEnvironment): void {
    const { key, request, asker, count = 1 } = command;
    const settings = this.#settings;
    const { lookups } = this.#asking();
    if (!isKey(key)) throw new UsageError(`key: "${key}" is not 40 hexadecimal digits`);
    const budget = checked("budget", command.budget ?? settings.budget);
    const deadlineMs = checked("deadlineMs", command.deadlineMs ?? settings.deadlineMs);
    checked("count", count);
    const name = nameOf(command);
    if (lookups.has(name)) throw new UsageError(`request: ${name} is under way`);
    const { self } = this;
    const startedAt = env.now;
    const lookup = new RoutedLookup({
      self,
      command: { request, asker, key },
      count,
      budget,
      startedAt,
    });
    lookups.set(name, lookup);
    if (lookups.size > settings.maxLookups) {
      this.counters.refused++;
      return this.#endLookup(lookup, "budget", 0, [self], env);
    }
    if (this.#hasJoined) this.#attempt(lookup, env);
    else if (this.#hasLeft) this.#endLookup(lookup, "alone", 0, [], env);
    // Who is still joining asks when it has joined.
    if (lookups.get(name) === lookup) env.schedule(deadlineMs, { type: "deadline", lookup });
  }

  #cancel(command: CancelLookup): void {
    const lookup = this.#asked?.lookups.get(nameOf(command));
    if (lookup !== undefined) this.#forgetLookup(lookup);
  }

  #attempt(lookup: RoutedLookup, env: PastryEnvironment): void {
    const { key, attempts } = lookup;
    if (this.leaves.size === 0 && this.table.size === 0)
      return this.#endLookup(lookup, "alone", 0, [this.self], env);
    if (attempts >= this.options.maxAttempts) return this.#endLookup(lookup, "exhausted", 0, [], env);
    if (attempts > 0) this.counters.repeated++;
    const { routes } = this.#asking();
    const route = nonce(env.random);
    lookup.beginAttempt(route);
    routes.set(route, lookup);
    this.#go(
      {
        message: {
          type: "route",
          route,
          origin: env.self,
          key,
          purpose: "lookup",
          hops: 0,
          isNear: false,
          // Whoever swallowed the first one is on the best way.
          isRandomised: attempts > 0,
          row: 0,
        },
        silent: [],
        to: this.self,
        isDone: false,
      },
      env,
    );
    if (lookup.route === route && routes.has(route)) this.#waitFor(lookup, route, env);
  }

  /** Without any news for so long the route is lost: a hop that waits for a dead one takes half of that. */
  #waitFor(lookup: RoutedLookup, route: number, env: PastryEnvironment): void {
    const { roundTrips } = this.#traffic();
    const first = lookup.firstHop?.node ?? this.self.node;
    const oneHop = roundTrips.hardTimeoutMs(first);
    const unseenHops = this.options.tracesRoutes ? 1 : this.table.rows + 1;
    const pause = Math.min(oneHop * unseenHops * lookup.attempts, this.#settings.maxTimeoutMs);
    env.schedule(pause, { type: "patience", lookup, route, news: lookup.news });
  }

  #onPatience(lookup: RoutedLookup, route: number, news: number, env: PastryEnvironment): void {
    if (lookup.route !== route || !this.#asked!.routes.has(route)) return; // it has ended, or was sent again
    if (lookup.news !== news) return this.#waitFor(lookup, route, env);
    this.#attempt(lookup, env);
  }

  #onPassed(from: NodeId, message: PassedMessage, env: PastryEnvironment): void {
    const lookup = this.#asked?.routes.get(message.route);
    if (lookup === undefined) {
      this.counters.unasked++;
      return;
    }
    if (lookup.route !== message.route) return; // an earlier attempt, given up
    const { keyedNode } = this.#config;
    const index = lookup.answered(keyedNode(from), message.hops, 1, env.now);
    this.#tellStep(lookup, index, env);
    const depth = message.hops + 1;
    for (const node of message.silent) {
      if (lookup.isSpent) break;
      this.#tellStep(lookup, lookup.silent(keyedNode(node), index, depth, env.now), env);
    }
    if (lookup.isSpent) return this.#endLookup(lookup, "budget", message.hops, [], env);
    this.#tellStep(lookup, lookup.asked(keyedNode(message.next), index, depth, env.now), env);
  }

  #onArrived(from: NodeId, message: ArrivedMessage, env: PastryEnvironment): void {
    const lookup = this.#asked?.routes.get(message.route);
    if (lookup === undefined) {
      this.counters.unasked++;
      return;
    }
    const { keyedNode } = this.#config;
    const root = keyedNode(from);
    const leaves = message.leaves.map(keyedNode);
    const index = lookup.answered(root, message.hops, leaves.length, env.now);
    this.#tellStep(lookup, index, env);
    for (const node of message.silent)
      this.#tellStep(lookup, lookup.silent(keyedNode(node), index, message.hops + 1, env.now), env);
    this.#endLookup(lookup, "found", message.hops, [root, ...leaves], env);
  }

  /** `closest` empty: whoever has answered on the way. */
  #endLookup(
    lookup: RoutedLookup,
    outcome: "found" | "exhausted" | "deadline" | "budget" | "alone",
    hops: number,
    closest: readonly KeyedNode[],
    env: PastryEnvironment,
  ): void {
    if (!this.#forgetLookup(lookup)) return;
    const { request, asker } = lookup.command;
    const report = lookup.report(outcome, hops, closest, env.now);
    env.notify({ type: "lookup-ended", request, asker, report });
  }

  #forgetLookup(lookup: RoutedLookup): boolean {
    const { lookups, routes } = this.#asking();
    const name = nameOf(lookup.command);
    if (lookups.get(name) !== lookup) return false;
    lookups.delete(name);
    for (const route of lookup.routes) routes.delete(route);
    return true;
  }

  #tellStep(lookup: RoutedLookup, index: number, env: PastryEnvironment): void {
    if (this.#config.tellsSteps === false) return;
    const { request, asker } = lookup.command;
    env.notify({ type: "lookup-step", request, asker, index, step: lookup.step(index) });
  }

  // ---- Routing (section 2.3) ---------------------------------------------------------------------------------------

  #onRoute(from: NodeId, message: RouteMessage, env: PastryEnvironment): void {
    const { options, counters } = this;
    // Nobody answers for us: whoever sent it takes another way.
    if (!this.#hasJoined) {
      counters.early++;
      return;
    }
    const traffic = this.#traffic();
    const { questions } = traffic;
    if (questions.size >= options.maxForwards) {
      counters.busy++;
      return;
    }
    env.send(from, { type: "ack", hopNonce: message.hopNonce });
    // Once in each of its two phases: see pastry-routing.ts.
    const seen = message.isNear ? traffic.seenNear : traffic.seen;
    if (seen.get(message.route) === message.origin) {
      counters.duplicates++;
      return;
    }
    if (seen.size >= maxSeen) deleteFirst(seen);
    seen.set(message.route, message.origin);
    if (message.hops > options.maxHops) {
      counters.tooFar++;
      return;
    }
    // Only members hand on routes, and only members look up.
    if (options.learnsFromRoutes && (message.hops > 1 || message.purpose === "lookup"))
      this.#heard(from, env);
    this.#go({ message, silent: [], to: this.self, isDone: false }, env);
  }

  /** We have a route: on with it, to the best that has not been silent, or we are its end. */
  #go(hop: Hop, env: PastryEnvironment): void {
    const { counters } = this;
    const { message, silent } = hop;
    counters.routed++;
    const isOfJoin = message.purpose === "join";
    const { node, isNear, rule } = this.#rule(this, {
      key: message.key,
      isNear: message.isNear,
      isUsable: (contact) =>
        !this.#isSuspect(contact) && !silent.includes(contact.node) && contact.key !== keyOfNewcomer(message),
      random: message.isRandomised ? env.random : undefined,
    });
    const isHere = node === this.self || silent.length >= maxPastrySilent;
    if (isHere && !hop.isInsisting && this.#insist(hop, env)) return;
    if (isHere) counters.here++;
    else if (rule === 1) counters.byLeafSet++;
    else if (rule === 2) counters.byTable++;
    else counters.byAnyBetter++;
    const row = isOfJoin ? this.#sendState(message, isHere, env) : 0;
    if (isHere) return this.#arrive(hop, env);
    this.#send(hop, node, { ...message, hops: message.hops + 1, isNear, row }, env);
  }

  /**
   * Before we call ourselves the root although somebody nearer was there a moment ago: once more to that one. A message
   * that was lost must not give a key two roots.
   */
  #insist(hop: Hop, env: PastryEnvironment): boolean {
    const { message } = hop;
    const suspects = this.#upkeep?.suspects;
    if (suspects === undefined || suspects.size === 0) return false;
    const nearest = this.leaves.closest(
      message.key,
      ({ key }) => (suspects.get(key) ?? 0) < silencesOfTheDead && key !== keyOfNewcomer(message),
    );
    if (nearest === this.self) return false;
    hop.isInsisting = true;
    const row = maxPastryRows;
    this.#send(hop, nearest, { ...message, hops: message.hops + 1, isNear: true, row }, env);
    return true;
  }

  #send(hop: Hop, to: KeyedNode, message: Hop["message"], env: PastryEnvironment): void {
    const { questions } = this.#traffic();
    hop.to = to;
    questions.ask(to.node, { type: "hop", hop }, (hopNonce) => ({ ...message, hopNonce }), env);
    if (message.purpose !== "lookup") return;
    const { route, origin, hops } = message;
    if (hops > 1) {
      if (!this.options.tracesRoutes) return;
      const silent = hop.silent.slice(-maxPastrySilent);
      return env.send(origin, { type: "passed", route, hops: hops - 1, next: to.node, silent });
    }
    const lookup = this.#asked?.routes.get(route);
    if (lookup === undefined) return;
    if (lookup.isSpent) return this.#endLookup(lookup, "budget", 0, [], env);
    lookup.firstHop = to;
    this.#tellStep(lookup, lookup.asked(to, -1, 1, env.now), env);
  }

  /** We are the root, as far as we know. */
  #arrive({ message, silent }: Hop, env: PastryEnvironment): void {
    const { route, origin, hops, purpose } = message;
    if (purpose === "join") return;
    const leaves = this.leaves.all().filter((leaf) => !this.#isSuspect(leaf));
    if (hops > 0) {
      const nodes = leaves.map(({ node }) => node);
      return env.send(origin, { type: "arrived", route, hops, leaves: nodes, silent: [...silent] });
    }
    const lookup = this.#asked!.routes.get(route);
    if (lookup !== undefined) this.#endLookup(lookup, "found", 0, [this.self, ...leaves], env);
  }

  #onAck(from: NodeId, hopNonce: number, env: PastryEnvironment): void {
    const answered = this.#answered(from, hopNonce, env);
    if (answered?.type !== "hop") return;
    const { hop } = answered;
    hop.isDone = true;
    const { route, hops, purpose } = hop.message;
    if (hops > 0 || purpose !== "lookup") return;
    const lookup = this.#asked!.routes.get(route);
    const contact = this.#config.keyedNode(from);
    if (lookup !== undefined && lookup.route === route)
      this.#tellStep(lookup, lookup.answered(contact, 1, 0, env.now), env);
  }

  /** No acknowledgement in time: the next best. Nobody else is told. */
  #hopIsSlow(hop: Hop, to: NodeId, env: PastryEnvironment): void {
    if (hop.isDone || hop.to.node !== to) return; // it went on meanwhile
    this.counters.silentHops++;
    const { message } = hop;
    if (!hop.silent.includes(to)) hop.silent.push(to);
    this.#suspect(hop.to, env);
    if (message.hops === 0 && message.purpose === "lookup") {
      const lookup = this.#asked!.routes.get(message.route);
      if (lookup === undefined) return; // it has ended
      this.#tellStep(lookup, lookup.silent(hop.to, -1, 1, env.now), env);
    }
    this.#go(hop, env);
  }

  // ---- Joining (section 2.4, "Node arrival") -----------------------------------------------------------------------

  /** Whom we may ask to let us in, or where a lost part of the network may be. Without those in our tables. */
  #doors(env: PastryEnvironment, count = doors): NodeId[] {
    const { bootstrap = [], sampler } = this.#config;
    const met = this.#upkeep?.former ?? [];
    const sampled = sampler?.sample(count, env.random).map(({ peer }) => peer) ?? [];
    const all = new Set([...bootstrap, ...met, ...sampled, ...this.#restored.map(({ node }) => node)]);
    const strangers = [...all].filter((node) => identityOf(node) === "" || this.#isStranger(node));
    return sample(strangers, count, env.random);
  }

  #isStranger(node: NodeId): boolean {
    const { key } = this.#config.keyedNode(node);
    return key !== this.self.key && this.leaves.get(key) === undefined && this.table.get(key) === undefined;
  }

  /** Step 0: a few that we know are asked, and the first to answer is A, the nearest of them. */
  #beginJoin(env: PastryEnvironment): void {
    const before = this.#join;
    const join: Join = {
      startedAt: before?.startedAt ?? env.now,
      phase: "knocking",
      attempts: (before?.attempts ?? 0) + 1,
      step: (before?.step ?? 0) + 1,
      route: 0,
      through: undefined,
      isOtherFirst: false,
    };
    this.#join = join;
    for (const door of this.#doors(env))
      this.#traffic().questions.ask(
        door,
        { type: "door", join },
        (nonce) => ({ type: "ping", nonce, isMember: false }),
        env,
      );
    this.#stepAfter(join, this.#settings.firstTimeoutMs, env);
  }

  #stepAfter(join: Join, after: Millis, env: PastryEnvironment): void {
    join.step++;
    env.schedule(after, { type: "join", step: join.step });
  }

  #joinStepFailed(join: Join, env: PastryEnvironment): void {
    if (join.phase === "settling") return this.#becomeMember(join.through, join.startedAt, env);
    const isAlone =
      join.phase === "knocking" && join.attempts >= (join.isOtherFirst ? maxPatientKnocks : maxKnocks);
    if (isAlone) return this.#becomeMember(undefined, join.startedAt, env);
    this.#beginJoin(env);
  }

  /** Step 1 and 2: our key is X; a join message goes through A towards X. */
  #joinThrough(join: Join, door: NodeId, env: PastryEnvironment): void {
    join.phase = "routing";
    join.through = door;
    join.route = nonce(env.random);
    this.#ask(door, join.route, 0, env);
    this.#stepAfter(join, 4 * this.#settings.firstTimeoutMs, env);
  }

  /** A join message: also when we have joined and look for a lost part of the network; then no rows are wanted. */
  #ask(door: NodeId, route: number, row: number, env: PastryEnvironment): void {
    env.send(door, {
      type: "route",
      route,
      hopNonce: 0,
      origin: env.self,
      key: this.self.key,
      purpose: "join",
      hops: 1,
      isNear: false,
      isRandomised: false,
      row,
    });
  }

  /**
   * Steps 3 to 5, at a node on the way: the newcomer gets the rows that nobody before us had for it, from the first node
   * also M, and from the last one L. Returns the first row that is left to others.
   */
  #sendState(message: Hop["message"], isRoot: boolean, env: PastryEnvironment): number {
    const { key, origin, route, hops, row } = message;
    if (hops === 0) return row;
    const shared = this.table.rowOf(key);
    const nodes = new Set<NodeId>();
    if (isRoot) for (const { node } of this.leaves.all()) nodes.add(node);
    for (let i = row; i <= shared && i < this.table.rows; i++)
      for (const { node } of this.table.row(i)) nodes.add(node);
    if (hops === 1 && row === 0) for (const { node } of this.neighborhood.nodes) nodes.add(node);
    nodes.delete(origin);
    const list = [...nodes].slice(0, maxPastryNodes);
    if (isRoot || list.length > 0) env.send(origin, { type: "state", route, hops, nodes: list, isRoot });
    return Math.max(row, Math.min(shared + 1, maxPastryRows));
  }

  #onState(from: NodeId, message: StateMessage, env: PastryEnvironment): void {
    const join = this.#join;
    const isOfJoin = join !== undefined && join.route === message.route;
    if (!isOfJoin && !(this.#hasJoined && message.route === this.#mergeRoute)) {
      this.counters.unasked++;
      return;
    }
    this.#heard(from, env);
    this.#consider(message.nodes, env);
    if (!isOfJoin || !message.isRoot) return;
    join.phase = "settling";
    this.#stepAfter(join, 4 * this.#settings.firstTimeoutMs, env);
    this.#settle(env);
  }

  /** All that were named have answered or are silent: L, R and M are what they can be, and we take part. */
  #settle(env: PastryEnvironment): void {
    const join = this.#join;
    if (join?.phase !== "settling") return;
    const { probing, waiting } = this.#upkeepOf();
    if (probing.size === 0 && waiting.size === 0) this.#becomeMember(join.through, join.startedAt, env);
  }

  /**
   * "Finally, X transmits a copy of its resulting state to each of the nodes found in its neighborhood set, leaf set, and
   * routing table." Leaves get the leaf set and answer with theirs if we lack their newest: whatever has changed
   * meanwhile we learn so. Others get the row that is theirs, too.
   */
  #becomeMember(through: NodeId | undefined, startedAt: Millis, env: PastryEnvironment): void {
    this.#join = undefined;
    this.#hasJoined = true;
    this.counters.joins++;
    this.#setTimers(env);
    const { bootstrap = [] } = this.#config;
    const isKnownDoor = bootstrap.some(
      (door) => door === through || (identityOf(door) === "" && String(through).endsWith(String(door))),
    );
    env.notify({
      type: "router-joined",
      through: isKnownDoor ? through : undefined,
      afterMs: env.now - startedAt,
    });
    const leaves = this.leaves.all();
    for (const contact of leaves) env.notify({ type: "contact-up", contact });
    for (const leaf of leaves) this.#probe(leaf, env);
    for (let row = 0; row < this.table.rows; row++) {
      const entries = this.table.row(row);
      const nodes = entries.map(({ node }) => node).slice(0, maxPastryNodes);
      for (const { key, node } of entries)
        if (this.leaves.get(key) === undefined) env.send(node, { type: "row", nonce: 0, row, nodes });
    }
    for (const { key, node } of this.neighborhood.nodes)
      if (this.leaves.get(key) === undefined && this.table.get(key) === undefined)
        env.send(node, { type: "ping", nonce: nonce(env.random), isMember: true });
    for (const lookup of [...this.#asking().lookups.values()]) this.#attempt(lookup, env);
  }

  #setTimers(env: PastryEnvironment): void {
    if (this.#areTimersSet) return;
    this.#areTimersSet = true;
    const { leafIntervalMs, tableIntervalMs, mergeIntervalMs, persistIntervalMs } = this.options;
    const begin = (everyMs: Millis, timer: PastryTimer) => {
      // At different times, though all may have started at once.
      if (everyMs > 0) env.schedule(1 + env.random.below(everyMs), timer);
    };
    begin(leafIntervalMs, { type: "compare-leaves" });
    begin(tableIntervalMs, { type: "tune-table" });
    begin(mergeIntervalMs === 0 ? 0 : this.#mergePauseMs(), { type: "merge" });
    begin(persistIntervalMs, { type: "persist" });
  }

  // ---- Whoever is heard of, and whoever is heard -------------------------------------------------------------------

  /**
   * Hearsay. Of the nodes that are named those are asked whether they are there that would be in L, if all were, and
   * those that fill a place of R; of others so many, now and then, to see whether they are nearer.
   */
  #consider(nodes: readonly NodeId[], env: PastryEnvironment, improvements = 0): void {
    const { self, table } = this;
    const named = nodes.map(this.#config.keyedNode).filter(({ key }) => {
      return key !== self.key && !this.#isGone(key, env.now) && this.leaves.get(key) === undefined;
    });
    const wanted = named.filter((contact) => this.leaves.wants(contact));
    let leaves: LeafSet | undefined;
    if (wanted.length > 0) {
      leaves = new LeafSet(self, 2 * this.leaves.sideSize, this.leaves);
      for (const contact of wanted) leaves.add(contact);
    }
    let left = improvements;
    for (const contact of named) {
      const { key, node } = contact;
      const entry = table.entryFor(key);
      if (leaves?.get(key) !== undefined || entry === undefined) this.#probe(contact, env);
      else if (
        left > 0 &&
        entry.key !== key &&
        this.#traffic().roundTrips.rttMs(node) === undefined &&
        env.random.below(2) === 0
      ) {
        left--;
        this.#probe(contact, env);
      }
    }
  }

  /** A node that takes part has spoken to us. Those that were dead a moment ago have to answer first. */
  #heard(from: NodeId, env: PastryEnvironment): void {
    const contact = this.#config.keyedNode(from);
    if (this.#isGone(contact.key, env.now)) this.#probe(contact, env);
    else this.#adopt(contact, env);
  }

  /** It has answered: no suspect any more, and not gone. */
  #answered(from: NodeId, nonce: number, env: PastryEnvironment): Purpose | undefined {
    const { key } = this.#config.keyedNode(from);
    this.#upkeep?.suspects.delete(key);
    this.#upkeep?.gone.delete(key);
    const answered = this.#traffic().questions.onAnswer(from, nonce, env.now);
    if (answered === undefined) return undefined;
    if (answered.purpose.type === "probe") this.#probeEnded(answered.purpose.contact.key, env);
    return answered.purpose;
  }

  /** Into L, R and M, wherever it belongs. */
  #adopt(contact: KeyedNode, env: PastryEnvironment): void {
    const { key, node } = contact;
    if (key === this.self.key || key === "") return;
    const { roundTrips } = this.#traffic();
    const { heardAt } = this.#upkeepOf();
    const change = this.leaves.add(contact);
    if (change.hasChanged) {
      this.#leavesHaveChanged();
      for (const { key } of change.removed) this.#upkeepOf().versions.delete(key);
      if (this.#hasJoined) env.notify({ type: "contact-up", contact });
    }
    const rtt = roundTrips.rttMs(node);
    const entry = this.table.entryFor(key);
    const entryRtt = entry === undefined ? undefined : roundTrips.rttMs(entry.node);
    // Section 2.5: of all that fit, the nearest; who was never measured gives way. A node that has moved keeps its place.
    const isNearer = rtt !== undefined && (entryRtt === undefined || rtt < entryRtt);
    if (entry === undefined || (entry.key === key ? entry.node !== node : isNearer)) this.table.set(contact);
    if (rtt !== undefined && this.neighborhood.wants(rtt)) this.neighborhood.measured(contact, rtt);
    if (this.leaves.get(key) !== undefined || this.table.get(key) !== undefined) heardAt.set(key, env.now);
    if (heardAt.size > maxHeardAt) deleteFirst(heardAt);
  }

  #leavesHaveChanged(): void {
    this.#version = (this.#version % 0xffff_ffff) + 1;
  }

  #learnOf(node: NodeId, env: PastryEnvironment): void {
    if (this.#hasLeft) return;
    const isAnybody = identityOf(node) === "";
    if (!isAnybody && !this.#isStranger(node)) return;
    remember(this.#upkeepOf().former, node);
    // Alone, we join whatever it belongs to; others are found out about by and by.
    if (this.#hasJoined && this.leaves.size === 0) this.#merge(node, env);
    else if (this.#hasJoined && !isAnybody) this.#consider([node], env);
  }

  // ---- Comparing leaf sets -----------------------------------------------------------------------------------------

  /** The nearest on both sides in turn, and between them the one that we have not heard for longest. */
  #compareWithSomeLeaf(env: PastryEnvironment): void {
    const { above, below } = this.leaves;
    const turn = this.#turn++ % 4;
    const leaf = (turn === 0 ? above[0] : turn === 2 ? below[0] : undefined) ?? this.#quietestLeaf();
    if (leaf === undefined) return;
    // Now and then all of its leaf set: who was not believed when it was last told may be there now.
    const versions = this.#upkeepOf().versions.get(leaf.key);
    if (versions !== undefined && turn % 2 === 1) versions.heard = 0;
    this.#probe(leaf, env);
  }

  /** Of those that nobody is asking at the moment. */
  #quietestLeaf(before = Infinity): KeyedNode | undefined {
    const { heardAt, probing } = this.#upkeepOf();
    let quietest: KeyedNode | undefined;
    let quietestAt = before;
    for (const leaf of this.leaves.all()) {
      const at = heardAt.get(leaf.key) ?? -1;
      if (at < quietestAt && !probing.has(leaf.key)) [quietest, quietestAt] = [leaf, at];
    }
    return quietest;
  }

  #leavesMessage(to: Key, nonce: number, isAnswer: boolean): LeavesMessage {
    const { heard, told } = this.#upkeepOf().versions.get(to) ?? unknown;
    const version = this.#version;
    const there = told === version ? [] : this.leaves.all().filter((leaf) => !this.#isSuspect(leaf));
    return { type: "leaves", nonce, isAnswer, version, heard, leaves: there.map(({ node }) => node) };
  }

  #onLeaves(from: NodeId, message: LeavesMessage, env: PastryEnvironment): void {
    const { nonce, isAnswer, version, heard, leaves } = message;
    if (!this.#hasJoined) return;
    if (isAnswer) {
      const purpose = this.#answered(from, nonce, env);
      if (purpose === undefined) return;
    }
    this.#heard(from, env);
    const { key } = this.#config.keyedNode(from);
    if (this.leaves.get(key) !== undefined) {
      const { versions } = this.#upkeepOf();
      const before = versions.get(key);
      versions.set(key, { heard: leaves.length > 0 ? version : (before?.heard ?? 0), told: heard });
    }
    if (!isAnswer) env.send(from, this.#leavesMessage(key, nonce, true));
    this.#consider(leaves, env);
  }

  // ---- The routing table -------------------------------------------------------------------------------------------

  /** Bamboo's local tuning: a row is compared with that of one of its nodes. And somebody is asked whether it is there. */
  #tuneTable(env: PastryEnvironment): void {
    const { table, neighborhood } = this;
    if (table.rows > 0) this.#askForRow(env.random.below(table.rows), improvementsPerRow, env);
    const { heardAt } = this.#upkeepOf();
    // The one of R and M that has been silent for longest.
    let oldest: KeyedNode | undefined;
    let oldestAt = Infinity;
    const look = (contact: KeyedNode) => {
      const at = heardAt.get(contact.key) ?? -1;
      if (at < oldestAt) [oldest, oldestAt] = [contact, at];
    };
    table.forEach(look);
    neighborhood.nodes.forEach(look);
    if (oldest !== undefined) this.#probe(oldest, env);
  }

  /** From another node of that row, or of the next: those have the same first digits, too (section 2.4). */
  #askForRow(row: number, improvements: number, env: PastryEnvironment): void {
    for (const from of [row, row + 1]) {
      const others = this.table.row(from).filter((contact) => !this.#isSuspect(contact));
      if (others.length === 0) continue;
      const contact = others[env.random.below(others.length)]!;
      const probe = { type: "probe", contact, attempt: 1, improvements } as const;
      this.#askProbe(probe, (nonce) => ({ type: "ask-row", nonce, row }), env);
      return;
    }
  }

  #onAskRow(from: NodeId, { nonce, row }: AskRowMessage, env: PastryEnvironment): void {
    if (!this.#hasJoined) return;
    this.#heard(from, env);
    const entries = this.table.row(row).filter((contact) => !this.#isSuspect(contact));
    const nodes = entries.map(({ node }) => node).filter((node) => node !== from);
    env.send(from, { type: "row", nonce, row, nodes: nodes.slice(0, maxPastryNodes) });
  }

  #onRow(from: NodeId, { nonce, nodes }: RowMessage, env: PastryEnvironment): void {
    if (!this.#hasJoined) return;
    // A newcomer's comes unasked, and only fills empty places.
    const purpose = nonce === 0 ? undefined : this.#answered(from, nonce, env);
    if (nonce !== 0 && purpose === undefined) return;
    this.#heard(from, env);
    this.#consider(nodes, env, purpose?.type === "probe" ? purpose.improvements : 0);
  }

  // ---- Asking whether somebody is there ----------------------------------------------------------------------------

  /**
   * Is it there, and how far away? A leaf, or who would be one, is asked for its leaf set in the same breath; but not by
   * a newcomer, whom nobody shall believe to take part yet.
   */
  #probe(contact: KeyedNode, env: PastryEnvironment, attempt = 1): void {
    const isLeaf =
      this.#hasJoined && (this.leaves.get(contact.key) !== undefined || this.leaves.wants(contact));
    this.#askProbe(
      { type: "probe", contact, attempt },
      (nonce) =>
        isLeaf && attempt === 1
          ? this.#leavesMessage(contact.key, nonce, false)
          : { type: "ping", nonce, isMember: this.#hasJoined },
      env,
    );
  }

  #askProbe(probe: Probe, message: (nonce: number) => PastryMessage, env: PastryEnvironment): void {
    const { contact, attempt } = probe;
    const { questions } = this.#traffic();
    const { probing, waiting } = this.#upkeepOf();
    if (probing.has(contact.key)) return;
    if (probing.size >= this.options.maxProbes && attempt === 1) {
      if (waiting.size < maxWaiting) waiting.set(contact.key, contact);
      else this.counters.crowdedOut++;
      return;
    }
    waiting.delete(contact.key);
    probing.add(contact.key);
    this.counters.probes++;
    questions.ask(contact.node, probe, message, env);
  }

  /** It has answered, or will not: the next one's turn. */
  #probeEnded(key: Key, env: PastryEnvironment): void {
    const { probing, waiting } = this.#upkeepOf();
    probing.delete(key);
    for (const contact of waiting.values()) {
      waiting.delete(contact.key);
      this.#probe(contact, env);
      break;
    }
  }

  #onPing(from: NodeId, { nonce, isMember }: PingMessage, env: PastryEnvironment): void {
    env.send(from, { type: "pong", nonce, isMember: this.#hasJoined });
    if (isMember && this.#hasJoined) this.#heard(from, env);
  }

  #onPong(from: NodeId, { nonce, isMember }: PongMessage, env: PastryEnvironment): void {
    const purpose = this.#answered(from, nonce, env);
    if (isMember) this.#heard(from, env);
    if (purpose?.type === "probe") return this.#settle(env);
    const join = this.#join;
    if (purpose?.type !== "door" || join?.phase !== "knocking") return;
    if (isMember) this.#joinThrough(join, from, env);
    else if (this.#config.keyedNode(from).key < this.self.key) join.isOtherFirst = true;
  }

  #onQuestionTimeout(timer: QuestionTimer, env: PastryEnvironment): void {
    const reached = this.#traffic().questions.onTimer(timer, env);
    if (reached === undefined) return;
    const { type, purpose, to } = reached;
    if (purpose.type === "hop" && type === "slow") this.#hopIsSlow(purpose.hop, to, env);
    else if (purpose.type === "probe" && type === "silent") this.#probeIsSilent(purpose, env);
    // On probation, a late answer is another bad sign; it is not yet the end.
    else if (
      purpose.type === "probe" &&
      this.#isSuspect(purpose.contact) &&
      this.#isContactAt(purpose.contact)
    )
      this.#noteSuspect(purpose.contact);
  }

  #probeIsSilent({ contact, attempt }: Probe, env: PastryEnvironment): void {
    const { key } = contact;
    const { probing, gone } = this.#upkeepOf();
    probing.delete(key);
    const isContact = this.#isContactAt(contact);
    if (isContact) this.#noteSuspect(contact);
    if (attempt < (isContact ? this.options.pingAttempts : candidateAttempts))
      return this.#probe(contact, env, attempt + 1);
    if (isContact) this.#died(contact, env);
    // Whoever names a contact at an address where it is not says nothing of the contact.
    else if (!this.#isContact(key)) rememberGone(gone, key, env.now + this.options.forgetGoneMs);
    this.#probeEnded(key, env);
    this.#settle(env);
  }

  // ---- Failures (section 2.4, "Node departure") --------------------------------------------------------------------

  #isContact(key: Key): boolean {
    const { leaves, table, neighborhood } = this;
    return (
      leaves.get(key) !== undefined || table.get(key) !== undefined || neighborhood.get(key) !== undefined
    );
  }

  /** Is it in a table, and at this address? */
  #isContactAt({ key, node }: KeyedNode): boolean {
    const { leaves, table, neighborhood } = this;
    return [leaves, table, neighborhood].some((known) => known.get(key)?.node === node);
  }

  #isSuspect({ key }: KeyedNode): boolean {
    return this.#upkeep?.suspects.has(key) ?? false;
  }

  #noteSuspect({ key }: KeyedNode): void {
    const { suspects } = this.#upkeepOf();
    const silences = suspects.get(key) ?? 0;
    if (silences === 0) this.counters.suspected++;
    suspects.set(key, silences + 1);
  }

  /** It was silent: routes avoid it until it answers. Probation: it is asked again before anybody takes its place. */
  #suspect(contact: KeyedNode, env: PastryEnvironment): void {
    if (!this.#isContact(contact.key)) return;
    // Several routes may have waited for the same answer: that is one silence.
    if (!this.#isSuspect(contact)) this.#noteSuspect(contact);
    if (this.options.isRepairing) this.#askProbe({ type: "probe", contact, attempt: 2 }, pingOfMember, env);
  }

  #isGone(key: Key, now: Millis): boolean {
    const until = this.#upkeep?.gone.get(key);
    return until !== undefined && now < until;
  }

  /** It does not answer any more. What it leaves behind is repaired from those that are likely to know. */
  #died(contact: KeyedNode, env: PastryEnvironment): void {
    if (!this.options.isRepairing) return;
    this.counters.dead++;
    this.#forget(contact, env);
  }

  #forget(contact: KeyedNode, env: PastryEnvironment): void {
    const { key, node } = contact;
    const { suspects, versions, heardAt, gone, former } = this.#upkeepOf();
    const isAbove = this.leaves.above.some((leaf) => leaf.key === key);
    const wasLeaf = this.leaves.remove(key);
    const row = this.table.rowOf(key);
    const wasEntry = this.table.remove(key);
    this.neighborhood.remove(key);
    suspects.delete(key);
    versions.delete(key);
    heardAt.delete(key);
    rememberGone(gone, key, env.now + this.options.forgetGoneMs);
    remember(former, node);
    if (wasLeaf) {
      this.#leavesHaveChanged();
      if (this.#hasJoined) env.notify({ type: "contact-down", contact });
      this.#repairLeaves(isAbove, env);
      this.#checkOtherLeaves(env);
    }
    if (wasEntry) this.#askForRow(row, 0, env);
  }

  /** The farthest live leaf of that side knows who is beyond it; alone on that side, whoever is left on the other. */
  #repairLeaves(isAbove: boolean, env: PastryEnvironment): void {
    const { above, below } = this.leaves;
    const sides = isAbove ? [above, below] : [below, above];
    for (const side of sides) {
      const farthest = side.findLast((leaf) => !this.#isSuspect(leaf));
      if (farthest === undefined) continue;
      // It may have told us this version before, but not all in it were wanted then.
      const versions = this.#upkeepOf().versions.get(farthest.key);
      if (versions !== undefined) versions.heard = 0;
      return this.#probe(farthest, env);
    }
  }

  /**
   * Nodes seldom die alone: after one, two more are asked that were quiet for a while. After one failure that is all;
   * after that of half the network each finds another, until all are found.
   */
  #checkOtherLeaves(env: PastryEnvironment): void {
    const { leafIntervalMs } = this.options;
    if (leafIntervalMs === 0) return;
    for (let i = 0; i < 2; i++) {
      const leaf = this.#quietestLeaf(env.now - leafIntervalMs);
      if (leaf !== undefined) this.#probe(leaf, env);
    }
  }

  #leave(env: PastryEnvironment): void {
    if (this.#hasLeft) return;
    this.#persist(env);
    const leaves = this.leaves.all();
    const message: LeaveMessage = { type: "leave", leaves: leaves.map(({ node }) => node) };
    for (const { node } of leaves) env.send(node, message);
    this.#hasLeft = true;
    this.#hasJoined = false;
    for (const lookup of [...(this.#asked?.lookups.values() ?? [])])
      this.#endLookup(lookup, "exhausted", 0, [], env);
  }

  #onLeave(from: NodeId, { leaves }: LeaveMessage, env: PastryEnvironment): void {
    const contact = this.#config.keyedNode(from);
    if (!this.#isContact(contact.key)) return;
    this.#forget(contact, env);
    this.#consider(leaves, env);
  }

  // ---- Lost parts of the network -----------------------------------------------------------------------------------

  /**
   * After a partition, or when many have started at once, there may be several networks, each in order. Somebody that we
   * know from elsewhere is asked to route our own key: in one network that ends next to us, and brings nothing new.
   */
  #lookForOthers(env: PastryEnvironment): void {
    const [door] = this.#doors(env, 1);
    if (door !== undefined) this.#merge(door, env);
  }

  /** Whoever is alone is in a hurry. */
  #mergePauseMs(): Millis {
    const { mergeIntervalMs } = this.options;
    return this.leaves.size === 0 ? Math.min(aloneIntervalMs, mergeIntervalMs) : mergeIntervalMs;
  }

  #merge(door: NodeId, env: PastryEnvironment): void {
    this.counters.merges++;
    this.#mergeRoute = nonce(env.random);
    this.#ask(door, this.#mergeRoute, maxPastryRows, env);
  }

  // ---- Disk --------------------------------------------------------------------------------------------------------

  /** Leaves first. */
  #persist(env: PastryEnvironment): void {
    const { heardAt } = this.#upkeepOf();
    const contacts = this.contacts().map(({ key, node }) => {
      return { node, ageMs: env.now - (heardAt.get(key) ?? env.now) };
    });
    const value: RememberedContacts = {
      type: "remembered-contacts",
      savedAt: env.now,
      contacts: contacts.slice(0, maxPastryNodes),
    };
    env.notify({ type: "persist", key: "table", value, isAwaited: false });
  }

  #asking(): Asking {
    this.#asked ??= new Asking();
    return this.#asked;
  }
  #traffic(): Traffic {
    this.#routed ??= new Traffic(this.#settings);
    return this.#routed;
  }
  #upkeepOf(): Upkeep {
    this.#upkeep ??= new Upkeep();
    return this.#upkeep;
  }
}

/** Our own lookups. */
class Asking {
  /** By asker and number. */
  readonly lookups = new Map<string, RoutedLookup>();
  /** By the numbers of their routes. */
  readonly routes = new Map<number, RoutedLookup>();
}

/** What routes leave behind. */
class Traffic {
  readonly roundTrips: RoundTrips;
  /** Each hop is one; so is each probe. */
  readonly questions: Questions<Purpose, PastryMessage>;
  /** Routes that came through here, and their origins: before rule 1 had applied, and after. */
  readonly seen = new Map<number, NodeId>();
  readonly seenNear = new Map<number, NodeId>();

  constructor(settings: LookupSettings) {
    this.roundTrips = new RoundTrips({ settings });
    this.questions = new Questions(this.roundTrips, settings.maxTimeoutMs);
  }
}

/** What it takes to keep the tables right. */
class Upkeep {
  /** Contacts that were silent, and how often since they were last heard. */
  readonly suspects = new Map<Key, number>();
  /** Dead ones, and until when nobody's word brings them back. */
  readonly gone = new Map<Key, Millis>();
  /** Nodes that are asked whether they are there, and those whose turn comes. */
  readonly probing = new Set<Key>();
  readonly waiting = new Map<Key, KeyedNode>();
  /** Of leaves. */
  readonly versions = new Map<Key, Versions>();
  /** When contacts were last heard. */
  readonly heardAt = new Map<Key, Millis>();
  /** Contacts that we had, and nodes that we were told of: perhaps the way to a lost part of the network. */
  readonly former: NodeId[] = [];
}

const defaultSettings = lookupOptions();
const unknown: Versions = { heard: 0, told: 0 };
const maxHeardAt = 1024;
const pingOfMember = (nonce: number): PastryMessage => ({ type: "ping", nonce, isMember: true });

/** A newcomer is no hop of its own join, though some may know it from an earlier life. */
function keyOfNewcomer({ purpose, key }: Hop["message"]): Key | undefined {
  return purpose === "join" ? key : undefined;
}

function nameOf({ asker, request }: { readonly asker: string; readonly request: number }): string {
  return `${asker} ${request}`;
}

function checked(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > 2 ** 31)
    throw new UsageError(`${name}: ${value} is not an integer from 1 to ${2 ** 31}`);
  return value;
}

/** The last ones, each once. */
function remember(former: NodeId[], node: NodeId): void {
  const place = former.indexOf(node);
  if (place >= 0) former.splice(place, 1);
  former.push(node);
  if (former.length > maxFormer) former.shift();
}

function rememberGone(gone: Map<Key, Millis>, key: Key, until: Millis): void {
  gone.delete(key);
  if (gone.size >= maxGone) deleteFirst(gone);
  gone.set(key, until);
}

function deleteFirst(map: Map<any, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
