/**
 * Chord (Stoica et al. 2003), with the ring maintenance of Zave 2017, which unlike the original is correct.
 *
 *     start ──► seek ──────────────► join ─────────► member ──────────────► member …
 *               │ walk towards our   │ its list,     │ stabilise, notify,
 *               │ own key            │ whole         │ rectify, fingers
 *               └─ only others like us: the one with the smaller key is host of a ring of two
 *
 *     stabilise   s = our successor.  ask s ──► its predecessor q, its list;  list := s + list of s
 *                 q between us and s?  ask q ──► its list;                    list := q + list of q
 *                 notify our successor
 *     rectify     on notify of n: n is our predecessor if it is nearer than the one we have, or that one is dead
 *
 * Queries are atomic (Zave 2017, section 3.3): as long as one of ours is open, what we know counts as undefined, and
 * whoever asks is told `busy`, and the answer afterwards. So there is at most one open at a time: `#query`. Pointers are
 * taken over only from a node that has just answered, and a list only as a whole.
 *
 * Fingers only make lookups short; nothing here depends on their being right.
 *
 * Unspecified by the papers, and our choice:
 *
 *  - Hints. Whoever takes a new predecessor tells the old one of it, and whoever refuses one tells it of the better one.
 *    The receiver asks the node that was named, exactly as it asks q in stabilise. So a newcomer is linked within a few
 *    round trips, and many that come at once sort themselves out without waiting for periods. Whoever's list changes
 *    hints at itself to its predecessor, which stabilises soon: so a change runs back along the ring.
 *  - Two rings, after a partition or a start of many at once: now and then a node looks for its own key through somebody
 *    whom it knows from elsewhere. What is found between it and its successor is asked as q is. Its former successor is
 *    hinted at to the new one, and so the two rings close like a zip.
 *  - Deviation: with fewer than successors + 1 nodes the lists are shorter, and Zave's proof does not hold yet.
 */
import {
  compareUp,
  type Environment,
  isBetween,
  isWithin,
  type Key,
  type KeyedNode,
  keyBits,
  type Millis,
  type NodeId,
  type Persist,
  pick,
  type RememberedContacts,
  sample,
  type Typed,
} from "../core/index.ts";
import type {
  ContactChanged,
  FindNodes,
  LookupReport,
  RouterCommand,
  RouterNotice,
  RoutingProtocol,
} from "../core/lookup.ts";
import { bucketOf, Fingers } from "./chord-fingers.ts";
import type { ChordMessage, Routed, State } from "./chord-messages.ts";
import { type ChordConfig, type ChordOptions, sharedChordOptions } from "./chord-options.ts";
import { ChordRing } from "./chord-ring.ts";
import { type LookupSettings, lookupOptions } from "./lookup-options.ts";
import {
  type LookupPlan,
  type LookupPurpose,
  type LookupRequest,
  LookupRunner,
  type LookupTimer,
} from "./lookup-runner.ts";
import { type LimitReached, Questions } from "./questions.ts";
import { RoundTrips } from "./round-trips.ts";

/** What is done again and again. A timer of an earlier `turn` means nothing any more. */
type Duty = "seek" | "stabilize" | "check" | "fix" | "search" | "persist";

export type ChordTimer =
  | LookupTimer
  | { readonly type: "duty"; readonly duty: Duty; readonly turn: number }
  | { readonly type: "busy-limit"; readonly query: RingQuery };

/** A ring pointer has another value: for checkers of the invariant. */
export interface RingChanged {
  readonly type: "ring-changed";
}

export type ChordNotice = RouterNotice | RingChanged | Persist;

type ChordEnvironment = Environment<ChordMessage, ChordTimer, ChordNotice>;

/** A query of state; only one is open at a time. */
interface RingQuery {
  readonly type: "state";
  /**
   * `join`: it precedes us. `pair`: it is on no ring either. `successor`: the first half of stabilise. `nearer`: it may lie between us and our successor,
   * as q does in the second half.
   */
  readonly step: "join" | "pair" | "successor" | "nearer";
  readonly asked: KeyedNode;
  /** So many nearer ones in a row were adopted before. */
  readonly depth: number;
  readonly askedAt: Millis;
  readonly nonces: number[];
  /** So many of the questions have come to their second limit. */
  silences: number;
  /** It is busy, and will answer. */
  isPromised: boolean;
}

/** A walk towards the node that precedes us, beginning anywhere. */
interface Walk {
  readonly type: "walk";
  readonly reason: "seek" | "search";
  /** Who answered last, and whom it named and nobody has asked. */
  last: KeyedNode | undefined;
  closer: KeyedNode[];
  owner: KeyedNode | undefined;
  steps: number;
}

/** A round of a node that is on no ring: everybody it knows is asked, until one is on a ring. */
interface SeekRound {
  readonly untried: NodeId[];
  /** Everybody who is or was in it: it ends. */
  readonly seen: Set<NodeId>;
  /** Of those that are on no ring either, the one with the smallest key. */
  host: KeyedNode | undefined;
  joins: number;
}

interface Check {
  readonly type: "ping";
  readonly asked: KeyedNode;
  readonly askedAt: Millis;
  asks: number;
  silences: number;
  /** Takes its place if it is dead. */
  instead: KeyedNode | undefined;
}

/** A node that was silent so often, last at that time, and has not been heard since. */
interface Suspicion {
  readonly silences: number;
  readonly at: Millis;
}

type Purpose = LookupPurpose | RingQuery | Walk | Check;

/** Made when somebody first has to be asked: most nodes of a static network never ask. */
interface Asking {
  readonly questions: Questions<Purpose, ChordMessage>;
  readonly lookups: LookupRunner<ChordMessage>;
}

/** Bounds on what others can make us do or keep. */
const maxWaiting = 64;
const maxHints = 16;
const maxDepth = 16;
const maxWalkSteps = 64;
const maxJoins = 8;
const contactsPerRound = 8;
const minSeekMs = 200;
const maxSeekMs = 30_000;
const minSearchMs = 1000;
const maxHeard = 256;
/** For so long a silent node is not asked where others can be (guess: by then it has dropped out of most tables). */
const suspectMs = 60_000;

export class Chord implements RoutingProtocol<ChordMessage, ChordTimer> {
  readonly counters = {
    /** State requests that were answered with `busy`, and those for which not even that place was left. */
    busy: 0,
    overflowed: 0,
    /** Queries that ended without an answer: nodes waiting for each other in a circle. */
    abandoned: 0,
    /** Neighbors on the ring that did not answer. */
    silent: 0,
    hintsTaken: 0,
    hintsDropped: 0,
    /** Answers that nobody waits for. */
    unasked: 0,
    joins: 0,
    /** Times when all successors were dead. */
    lost: 0,
  };
  readonly self: KeyedNode;
  readonly options: Readonly<ChordOptions>;
  readonly #config: ChordConfig;
  readonly #ring: ChordRing;
  readonly #fingers: Fingers;
  #asking: Asking | undefined;
  #query: RingQuery | undefined;
  /** They have asked for our state while a query of ours was open. */
  #waiting: { readonly from: NodeId; readonly nonce: number }[] = [];
  #check: Check | undefined;
  /** The predecessor does not answer. It stays a pointer; but its keys are ours. */
  #isPredecessorDead = false;
  #walk: Walk | undefined;
  #round: SeekRound | undefined;
  #hints: KeyedNode[] = [];
  /** Nodes known from elsewhere and from earlier; the last heard of is the last one. */
  readonly #known = new Map<Key, NodeId>();
  /** When nodes of the table were last heard, and when others were silent that have not been heard since. */
  readonly #heardAt = new Map<Key, Millis>();
  readonly #suspects = new Map<Key, Suspicion>();
  readonly #turns: Record<Duty, number> = { seek: 0, stabilize: 0, check: 0, fix: 0, search: 0, persist: 0 };
  #stabilizeMs: Millis = 0;
  #stabilizedAt: Millis = 0;
  #stabilizeAt: Millis = 0;
  #searchMs: Millis = minSearchMs;
  #seekMs: Millis = minSeekMs;
  #seekingSince: Millis = 0;
  /** The list has changed since the last stabilise. */
  #hasChanged = false;
  /** Stabilise when the query that is open has ended. */
  #isStabilizeDue = false;
  /** Questions of lookups that were asked once more: `last` when the first one has come to its second limit. */
  readonly #repeated = new WeakMap<LookupPurpose, "open" | "last" | "answered">();
  /** The bucket whose start is looked up next, and the number of the lookup. */
  #fix: { exponent: number; readonly request: number } | undefined;
  #nextExponent = 0;
  #nextRequest = 1;
  /** All fingers have been looked up once. */
  #hasFingers = false;
  #hasLeft = false;

  constructor(config: ChordConfig) {
    const { self, restored } = config;
    this.self = self;
    this.#config = config;
    this.options = sharedChordOptions(config.options);
    const built = restored?.type === "built-chord-table" ? restored : undefined;
    this.#ring = new ChordRing(self, this.options.successors, built);
    this.#fingers = new Fingers(self.key, built?.fingers);
    this.#hasFingers = built !== undefined;
  }

  // ---- What others may read ----------------------------------------------------------------------------------------

  get hasJoined(): boolean {
    return this.#ring.isMember && !this.#hasLeft;
  }
  get predecessor(): KeyedNode | undefined {
    return this.#ring.predecessor;
  }
  /** The nearest first; empty: on no ring. */
  get successors(): readonly KeyedNode[] {
    return this.#ring.successors;
  }
  /** The different ones, the nearest first. */
  get fingers(): readonly KeyedNode[] {
    return this.#fingers.nodes;
  }
  get size(): number {
    return this.contacts().length;
  }
  /** Of lookups and questions; undefined as long as nobody had to be asked. */
  get lookupCounters(): LookupRunner<ChordMessage>["counters"] | undefined {
    return this.#asking?.lookups.counters;
  }
  get roundTrips(): RoundTrips | undefined {
    return this.#asking?.questions.roundTrips;
  }
  /** Those that are open, or were a moment ago. */
  get questions(): number {
    return this.#asking?.questions.size ?? 0;
  }

  compare(key: Key, a: Key, b: Key): number {
    return compareUp(key, a, b);
  }

  /** The owner and its successors, as far as we know. */
  replicas(key: Key, count: number): KeyedNode[] {
    const all = [this.self, ...this.contacts()];
    return all.sort((a, b) => compareUp(key, a.key, b.key)).slice(0, count);
  }

  contacts(): KeyedNode[] {
    const all = new Map<Key, KeyedNode>();
    for (const node of this.#neighbors()) all.set(node.key, node);
    for (const node of this.#fingers.nodes) if (!all.has(node.key)) all.set(node.key, node);
    return [...all.values()];
  }

  /** Whom we know to be next to us on the ring. */
  #neighbors(): KeyedNode[] {
    const { predecessor, successors } = this.#ring;
    const isExtra =
      predecessor !== undefined &&
      !this.#isPredecessorDead &&
      !successors.some(({ key }) => key === predecessor.key);
    return isExtra ? [...successors, predecessor] : [...successors];
  }

  // ---- Handlers ----------------------------------------------------------------------------------------------------

  start(env: ChordEnvironment): void {
    const { restored, hasUpkeep = true } = this.#config;
    this.#seekingSince = env.now;
    if (restored?.type === "remembered-contacts") this.#restore(restored, env);
    if (!hasUpkeep) return;
    // A ring that was built: not all at once, or everybody waits for everybody.
    if (this.#ring.isMember) this.#beginUpkeep(this.options.stabilizeMs * env.random.unit(), env);
    else this.#plan("seek", 0, env);
  }

  onCommand(command: RouterCommand | FindNodes, env: ChordEnvironment): void {
    if (this.#hasLeft) return;
    switch (command.type) {
      case "lookup":
      case "find-nodes":
        // There is one way along a ring.
        return this.#lookups.onCommand({ ...command, disjointPaths: 1 }, env);
      case "cancel-lookup":
        return this.#lookups.onCommand(command, env);
      case "learn-of":
        for (const node of command.nodes) this.#learnOf(node, env);
        return;
      case "leave":
        return this.#leave(env);
    }
  }

  onNotice(notice: Typed, env: ChordEnvironment): void {
    if (this.#hasLeft) return;
    const known = notice as
      | FindNodes
      | { readonly type: "neighbor-up"; readonly neighbor: NodeId }
      | { readonly type: "peer-met"; readonly peer: NodeId };
    switch (known.type) {
      case "find-nodes":
        return this.onCommand(known, env);
      case "neighbor-up":
        return this.#learnOf(known.neighbor, env);
      case "peer-met":
        return this.#learnOf(known.peer, env);
    }
  }

  onMessage(from: NodeId, message: ChordMessage, env: ChordEnvironment): void {
    if (this.#hasLeft) return;
    switch (message.type) {
      case "ask-state":
        return this.#onAskState(from, message.nonce, env);
      case "state":
        return this.#onState(from, message, env);
      case "busy":
        return this.#onBusy(from, message.nonce, env);
      case "notify":
        return this.#onNotify(this.#config.keyedNode(from), env);
      case "found-ring":
        return this.#onFoundRing(this.#config.keyedNode(from), env);
      case "ping":
        return env.send(from, { type: "pong", nonce: message.nonce });
      case "pong":
        return this.#onPong(from, message.nonce, env);
      case "hint":
        return this.#onHint(message.node, env);
      case "route":
        return this.#onRoute(from, message.nonce, message.key, env);
      case "routed":
        return this.#onRouted(from, message, env);
      case "goodbye":
        return this.#onGoodbye(this.#config.keyedNode(from), env);
    }
  }

  onTimer(timer: ChordTimer, env: ChordEnvironment): void {
    if (this.#hasLeft) return;
    switch (timer.type) {
      case "question-timeout": {
        const limit = this.#questions.onTimer(timer, env);
        if (limit !== undefined) this.#onLimit(limit, env);
        return;
      }
      case "lookup-deadline":
        return this.#lookups.onDeadline(timer, env);
      case "busy-limit":
        if (timer.query !== this.#query) return; // answered meanwhile
        return this.#abandon(timer.query, env);
      case "duty":
        if (timer.turn !== this.#turns[timer.duty]) return; // planned anew meanwhile
        return this.#do(timer.duty, env);
    }
  }

  #onLimit({ type, purpose, to }: LimitReached<Purpose>, env: ChordEnvironment): void {
    switch (purpose.type) {
      case "lookup":
        return this.#onLookupLimit({ type, purpose, to }, env);
      case "state":
        return this.#onQueryLimit(purpose, type, env);
      case "ping":
        return this.#onCheckLimit(purpose, type, env);
      case "walk":
        // Seeking, nobody slow is waited for: another one may be quicker, and there will be another round.
        if (purpose !== this.#walk || (type === "silent") === (purpose.reason === "seek")) return;
        return this.#walkOn(purpose, env);
    }
  }

  // ---- What is done again and again --------------------------------------------------------------------------------

  #plan(duty: Duty, after: Millis, env: ChordEnvironment): void {
    if (this.#config.hasUpkeep === false) return;
    this.#turns[duty]++;
    env.schedule(Math.ceil(after), { type: "duty", duty, turn: this.#turns[duty] });
  }

  /** Half to one and a half of the period, so that nodes do not fall into step. */
  #planPeriod(duty: Duty, periodMs: Millis, env: ChordEnvironment): void {
    this.#plan(duty, periodMs * (0.5 + env.random.unit()), env);
  }

  #do(duty: Duty, env: ChordEnvironment): void {
    const { checkPredecessorMs, persistMs } = this.options;
    switch (duty) {
      case "seek":
        return this.#seek(env);
      case "stabilize":
        return this.#stabilize(env);
      case "check":
        this.#checkPredecessor(undefined, env);
        for (const [key, { at }] of this.#suspects) if (env.now - at > suspectMs) this.#suspects.delete(key);
        return this.#planPeriod("check", checkPredecessorMs, env);
      case "fix":
        return this.#fixNextFinger(env);
      case "search":
        return this.#search(env);
      case "persist":
        this.#persist(env);
        return this.#planPeriod("persist", persistMs, env);
    }
  }

  #beginUpkeep(firstStabilizeMs: Millis, env: ChordEnvironment): void {
    const { checkPredecessorMs, minStabilizeMs, persistMs } = this.options;
    this.#stabilizeMs = minStabilizeMs;
    this.#planStabilize(firstStabilizeMs, env);
    this.#planPeriod("check", checkPredecessorMs, env);
    this.#planPeriod("fix", minStabilizeMs, env);
    this.#searchMs = minSearchMs;
    this.#planPeriod("search", this.#searchMs, env);
    this.#planPeriod("persist", persistMs, env);
  }

  /** Timers that are out mean nothing any more. */
  #endUpkeep(): void {
    for (const duty of ["stabilize", "check", "fix", "search"] as const) this.#turns[duty]++;
    this.#isStabilizeDue = false;
    this.#check = undefined;
    this.#fix = undefined;
    this.#hasFingers = false;
    this.#nextExponent = 0;
  }

  // ---- Seeking a ring ----------------------------------------------------------------------------------------------

  #learnOf(node: NodeId, env: ChordEnvironment): void {
    const { key } = this.#config.keyedNode(node);
    if (key === this.self.key) return;
    const isNew = this.#remember(key, node);
    if (!isNew || this.#config.hasUpkeep === false) return;
    if (!this.#ring.isMember) return this.#seekThrough(node, env);
    // It may be of another ring.
    this.#searchMs = minSearchMs;
    this.#planPeriod("search", minSearchMs, env);
  }

  /** True if it was not there. */
  #remember(key: Key, node: NodeId): boolean {
    const isNew = !this.#known.delete(key);
    this.#known.set(key, node);
    if (this.#known.size > this.options.maxKnown) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    return isNew;
  }

  /** Somebody whom we may not have tried: in this round, or in another one soon. */
  #seekThrough(node: NodeId, env: ChordEnvironment): void {
    if (this.#round !== undefined) {
      const { seen, untried } = this.#round;
      if (!seen.has(node) && seen.size < 2 * contactsPerRound) {
        seen.add(node);
        untried.push(node);
      }
      return;
    }
    this.#seekMs = minSeekMs;
    if (this.#query === undefined) this.#plan("seek", minSeekMs * env.random.unit(), env);
  }

  #seek(env: ChordEnvironment): void {
    if (this.#ring.isMember || this.#round !== undefined) return;
    const untried = this.#contactsToTry(env);
    this.#round = { untried, seen: new Set(untried), host: undefined, joins: 0 };
    this.#tryNext(env);
  }

  #contactsToTry(env: ChordEnvironment): NodeId[] {
    const { bootstrap, sampler } = this.#config;
    const sampled = sampler?.sample(contactsPerRound, env.random).map(({ peer }) => peer) ?? [];
    const all = new Set([
      ...sample(bootstrap, contactsPerRound, env.random),
      ...this.#known.values(),
      ...sampled,
    ]);
    all.delete(this.self.node);
    return sample([...all], contactsPerRound, env.random);
  }

  #tryNext(env: ChordEnvironment): void {
    const round = this.#round!;
    const contact = round.untried.pop();
    if (contact !== undefined) return this.#beginWalk("seek", contact, env);
    // Whoever knows of a ring founds no other one.
    if (round.host !== undefined && round.joins === 0) {
      const { host } = round;
      round.host = undefined;
      return this.#ask({ step: "pair", asked: host, depth: 0 }, env);
    }
    this.#round = undefined;
    this.#planPeriod("seek", this.#seekMs, env);
    this.#seekMs = Math.min(maxSeekMs, this.#seekMs * 2);
  }

  /** A walk ended at `before`, which precedes us as far as it knows. */
  #joinBehind(before: KeyedNode, env: ChordEnvironment): void {
    this.#round!.joins++;
    if (this.#round!.joins > maxJoins || this.#query !== undefined) return this.#tryNext(env);
    this.#ask({ step: "join", asked: before, depth: 0 }, env);
  }

  /** It is on no ring either. Of two such the one with the smaller key is the host. */
  #meetSingle(other: KeyedNode, env: ChordEnvironment): void {
    const round = this.#round!;
    const smallest = round.host?.key ?? this.self.key;
    if (other.key < smallest) round.host = other;
    this.#tryNext(env);
  }

  #takeJoin({ step, asked }: RingQuery, list: readonly KeyedNode[], env: ChordEnvironment): void {
    if (list.length === 0) {
      // It was a member when the walk came by, and is none any more.
      if (step === "join") {
        this.#close(env);
        return this.#tryNext(env);
      }
      this.#change(() => this.#ring.found(asked, false), env);
      env.send(asked.node, { type: "found-ring" });
    } else {
      let isJoined = false;
      this.#change(() => {
        isJoined = this.#ring.join(asked, list);
      }, env);
      if (!isJoined) {
        // Somebody has come between: on from there.
        this.#close(env);
        return this.#beginWalk("seek", asked.node, env);
      }
    }
    this.#close(env);
    this.#becomeMember(asked.node, env);
  }

  /** Whoever was alone, as we are, has asked for our state, and made a ring of us two. */
  #onFoundRing(other: KeyedNode, env: ChordEnvironment): void {
    if (other.key === this.self.key) return;
    if (this.#ring.isMember) return this.#onNotify(other, env);
    this.#change(() => this.#ring.found(other, true), env);
    if (this.#query !== undefined) this.#close(env);
    this.#becomeMember(other.node, env);
  }

  #becomeMember(through: NodeId, env: ChordEnvironment): void {
    this.counters.joins++;
    // Those of this round that we have not tried may be on another ring.
    for (const node of this.#round?.untried ?? []) {
      const { key } = this.#config.keyedNode(node);
      if (key !== "") this.#remember(key, node);
    }
    this.#round = undefined;
    this.#walk = undefined;
    this.#isPredecessorDead = false;
    this.#turns.seek++;
    env.notify({ type: "router-joined", through, afterMs: env.now - this.#seekingSince });
    this.#beginUpkeep(0, env);
  }

  /** All successors are dead. What we knew is where we begin again. */
  #lose(env: ChordEnvironment): void {
    this.counters.lost++;
    this.#change(() => this.#ring.leave(), env);
    this.#endUpkeep();
    this.#walk = undefined;
    this.#hints = [];
    this.#seekingSince = env.now;
    this.#seekMs = minSeekMs;
    this.#planPeriod("seek", minSeekMs, env);
  }

  // ---- Walking towards our own key ---------------------------------------------------------------------------------

  #beginWalk(reason: Walk["reason"], contact: NodeId, env: ChordEnvironment): void {
    const walk: Walk = { type: "walk", reason, last: undefined, closer: [], owner: undefined, steps: 0 };
    this.#walk = walk;
    this.#askWay(walk, contact, env);
  }

  #askWay(walk: Walk, contact: NodeId, env: ChordEnvironment): void {
    walk.steps++;
    this.#questions.ask(contact, walk, (nonce) => ({ type: "route", nonce, key: this.self.key }), env);
  }

  #onWay(walk: Walk, from: KeyedNode, { closer, owners }: Routed, env: ChordEnvironment): void {
    if (walk !== this.#walk) return;
    if (closer.length === 0 && owners.length === 0) {
      if (walk.last !== undefined) return this.#walkOn(walk, env);
      this.#walk = undefined;
      if (walk.reason === "seek") return this.#meetSingle(from, env);
      // It is on no ring, and we are.
      return env.send(from.node, { type: "hint", node: this.self.node });
    }
    const { keyedNode } = this.#config;
    walk.last = from;
    walk.closer = closer.map(keyedNode).filter(({ key }) => isBetween(from.key, key, this.self.key));
    walk.owner = owners.map(keyedNode).find(({ key }) => key !== this.self.key);
    // Whoever names us knows us: there is nobody between.
    if (owners.length > 0 && keyedNode(owners[0]!).key === this.self.key) walk.owner = undefined;
    this.#walkOn(walk, env);
  }

  /** To the next that was named; if there is none, whoever answered last precedes us. */
  #walkOn(walk: Walk, env: ChordEnvironment): void {
    const next = walk.closer.shift();
    if (next !== undefined && walk.steps < maxWalkSteps) return this.#askWay(walk, next.node, env);
    this.#walk = undefined;
    const { last, owner } = walk;
    if (walk.reason === "seek") {
      if (last === undefined || next !== undefined) return this.#tryNext(env);
      return this.#joinBehind(last, env);
    }
    if (last === undefined || owner === undefined) return;
    // As `last` sees it, nobody is between it and `owner`; but we are, or it knows a nearer one than we do.
    this.#searchMs = minSearchMs;
    env.send(last.node, { type: "hint", node: this.self.node });
    this.#consider(owner, env);
  }

  /** Is there another ring? Somebody whom we know from elsewhere is asked for our own key. */
  #search(env: ChordEnvironment): void {
    this.#planPeriod("search", this.#searchMs, env);
    this.#searchMs = Math.min(this.options.searchMs, this.#searchMs * 2);
    if (this.#walk !== undefined) return;
    const { bootstrap, sampler } = this.#config;
    const sampled = sampler?.sample(1, env.random)[0]?.peer;
    const known = this.#known.size > 0 ? pick([...this.#known.values()], env.random) : undefined;
    const named = bootstrap.length > 0 ? pick(bootstrap, env.random) : undefined;
    const choices = [sampled, known, named].filter((node) => node !== undefined && node !== this.self.node);
    if (choices.length > 0) this.#beginWalk("search", pick(choices, env.random)!, env);
  }

  // ---- Queries -----------------------------------------------------------------------------------------------------

  #ask({ step, asked, depth }: Pick<RingQuery, "step" | "asked" | "depth">, env: ChordEnvironment): void {
    const query: RingQuery = {
      type: "state",
      step,
      asked,
      depth,
      askedAt: env.now,
      nonces: [],
      silences: 0,
      isPromised: false,
    };
    this.#query = query;
    this.#askAgain(query, env);
  }

  #askAgain(query: RingQuery, env: ChordEnvironment): void {
    const { node } = query.asked;
    query.nonces.push(this.#questions.ask(node, query, (nonce) => ({ type: "ask-state", nonce }), env));
  }

  /** At the first limit it is asked again; at the second limit of the last time it is dead. */
  #onQueryLimit(query: RingQuery, limit: "slow" | "silent", env: ChordEnvironment): void {
    if (query !== this.#query || query.isPromised) return;
    if (limit === "slow") {
      if (query.nonces.length < this.options.attempts) this.#askAgain(query, env);
      return;
    }
    query.silences++;
    if (query.silences < query.nonces.length) return;
    if (env.now - query.askedAt < this.options.minSilenceMs) this.#askAgain(query, env);
    else this.#onDead(query, env);
  }

  #onBusy(from: NodeId, nonce: number, env: ChordEnvironment): void {
    const answered = this.#questions.onAnswer(from, nonce, env.now);
    const query = this.#query;
    if (query === undefined || answered?.purpose !== query) return;
    if (query.isPromised) return;
    query.isPromised = true;
    env.schedule(this.options.busyMs, { type: "busy-limit", query });
  }

  #onState(from: NodeId, { nonce, predecessor, successors }: State, env: ChordEnvironment): void {
    const { keyedNode } = this.#config;
    const node = keyedNode(from);
    const query = this.#query;
    const isPromised =
      query?.isPromised === true && query.nonces.includes(nonce) && query.asked.key === node.key;
    if (!isPromised) {
      const answered = this.#questions.onAnswer(from, nonce, env.now);
      if (query === undefined || answered?.purpose !== query) {
        this.counters.unasked++;
        return;
      }
    }
    this.#heard(node.key, env);
    const list = successors.map(keyedNode);
    const before = predecessor === undefined ? undefined : keyedNode(predecessor);
    switch (query!.step) {
      case "join":
      case "pair":
        return this.#takeJoin(query!, list, env);
      case "successor":
        return this.#takeSuccessor(query!, list, before, env);
      case "nearer":
        return this.#takeNearer(query!, list, before, env);
    }
  }

  /** The query has ended, whatever came of it: now others may be told what we know. */
  #close(env: ChordEnvironment): void {
    this.#query = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { from, nonce } of waiting) this.#tellState(from, nonce, env);
  }

  #onAskState(from: NodeId, nonce: number, env: ChordEnvironment): void {
    const query = this.#query;
    // Until a join is answered we are on no ring: that is certain, and to give way to each member that has us in its
    // pointers from an earlier life would be never to join.
    if (query === undefined || query.step === "join") return this.#tellState(from, nonce, env);
    const { key } = this.#config.keyedNode(from);
    const isMutual = query.asked.key === key;
    if (!isMutual || key > this.self.key) {
      this.counters.busy++;
      env.send(from, { type: "busy", nonce });
    }
    if (this.#waiting.length >= maxWaiting) this.counters.overflowed++;
    else this.#waiting.push({ from, nonce });
    // We ask each other: one has to give way. Longer circles end after `busyMs`.
    if (isMutual && key < this.self.key) this.#abandon(query, env);
  }

  #tellState(to: NodeId, nonce: number, env: ChordEnvironment): void {
    const { predecessor, successors } = this.#ring;
    env.send(to, {
      type: "state",
      nonce,
      predecessor: predecessor?.node,
      successors: successors.map(({ node }) => node),
    });
  }

  #onDead(query: RingQuery, env: ChordEnvironment): void {
    this.counters.silent++;
    this.#suspect(query.asked.key, env);
    switch (query.step) {
      case "join":
      case "pair":
        this.#close(env);
        return this.#tryNext(env);
      case "successor":
        return this.#dropSuccessor(query.asked, env);
      case "nearer":
        this.#close(env);
        return this.#finishStabilize(env);
    }
  }

  /** Nothing was learned of it: neither that it is dead nor what it knows. */
  #abandon({ step }: RingQuery, env: ChordEnvironment): void {
    this.counters.abandoned++;
    this.#close(env);
    if (step === "join" || step === "pair") return this.#tryNext(env);
    this.#hasChanged = true; // as far as we know: soon again
    this.#finishStabilize(env);
  }

  // ---- Stabilise ---------------------------------------------------------------------------------------------------

  #stabilize(env: ChordEnvironment): void {
    const { successor } = this.#ring;
    if (successor === undefined) return;
    if (this.#query !== undefined) {
      this.#isStabilizeDue = true;
      return;
    }
    this.#isStabilizeDue = false;
    this.#hasChanged = false;
    this.#stabilizedAt = env.now;
    this.#ask({ step: "successor", asked: successor, depth: 0 }, env);
  }

  #takeSuccessor(
    { asked }: RingQuery,
    list: readonly KeyedNode[],
    before: KeyedNode | undefined,
    env: ChordEnvironment,
  ): void {
    // It is alive, but on no ring: it was started anew, and joins anew.
    if (list.length === 0) return this.#dropSuccessor(asked, env);
    if (this.#ring.successor?.key === asked.key) this.#change(() => this.#ring.adopt(asked, list), env);
    this.#close(env);
    this.#askNearer(before, 0, env);
  }

  /** The node before our successor, unless that is ourselves. */
  #askNearer(node: KeyedNode | undefined, depth: number, env: ChordEnvironment): void {
    if (node === undefined || depth >= maxDepth || !this.#ring.isNearer(node))
      return this.#finishStabilize(env);
    this.#ask({ step: "nearer", asked: node, depth }, env);
  }

  #takeNearer(
    { asked, depth }: RingQuery,
    list: readonly KeyedNode[],
    before: KeyedNode | undefined,
    env: ChordEnvironment,
  ): void {
    if (list.length === 0 || !this.#ring.isNearer(asked)) {
      this.#close(env);
      if (list.length === 0) env.send(asked.node, { type: "hint", node: this.self.node });
      return this.#finishStabilize(env);
    }
    const former = this.#ring.successor!;
    this.#change(() => this.#ring.adopt(asked, list), env);
    this.#close(env);
    // Its ring does not know of our former successor, and so that would be lost.
    if (isBetween(asked.key, former.key, list[0]!.key))
      env.send(asked.node, { type: "hint", node: former.node });
    this.#askNearer(before, depth + 1, env);
  }

  #dropSuccessor(node: KeyedNode, env: ChordEnvironment): void {
    this.#change(() => this.#ring.drop(node.key), env);
    this.#fingers.forget(node.key);
    this.#remember(node.key, node.node);
    if (this.#query !== undefined) this.#close(env);
    if (this.#ring.isMember) this.#stabilize(env);
    else this.#lose(env);
  }

  #finishStabilize(env: ChordEnvironment): void {
    const { successor } = this.#ring;
    if (successor === undefined) return;
    env.send(successor.node, { type: "notify" });
    const { stabilizeMs, minStabilizeMs } = this.options;
    this.#stabilizeMs = this.#hasChanged ? minStabilizeMs : Math.min(stabilizeMs, this.#stabilizeMs * 2);
    this.#planStabilize(this.#stabilizeMs * (0.5 + env.random.unit()), env);
    this.#goOn(env);
  }

  #planStabilize(after: Millis, env: ChordEnvironment): void {
    this.#stabilizeAt = env.now + after;
    this.#plan("stabilize", after, env);
  }

  /** Something has changed behind us: sooner than planned, though not more often than may be. */
  #stabilizeSoon(env: ChordEnvironment): void {
    const { minStabilizeMs } = this.options;
    const after =
      Math.max(0, this.#stabilizedAt + minStabilizeMs - env.now) + (minStabilizeMs / 4) * env.random.unit();
    if (env.now + after < this.#stabilizeAt) this.#planStabilize(after, env);
  }

  /** What had to wait for the end of the query. */
  #goOn(env: ChordEnvironment): void {
    if (this.#isStabilizeDue) return this.#stabilize(env);
    while (this.#query === undefined) {
      const hint = this.#hints.shift();
      if (hint === undefined) return;
      if (this.#ring.isNearer(hint)) {
        this.counters.hintsTaken++;
        this.#ask({ step: "nearer", asked: hint, depth: 0 }, env);
      }
    }
  }

  #onHint(node: NodeId, env: ChordEnvironment): void {
    const hint = this.#config.keyedNode(node);
    if (hint.key === this.self.key) return;
    if (hint.key === this.#ring.successor?.key) this.#stabilizeSoon(env);
    else if (this.#ring.isMember) this.#consider(hint, env);
    else if (this.#config.hasUpkeep !== false) {
      this.#remember(hint.key, node);
      this.#seekThrough(node, env);
    }
  }

  /** It is asked, as q is in stabilise, if it is nearer than our successor. */
  #consider(node: KeyedNode, env: ChordEnvironment): void {
    if (this.#config.hasUpkeep === false || !this.#ring.isNearer(node)) return;
    if (this.#hints.length >= maxHints) {
      this.counters.hintsDropped++;
      return;
    }
    if (!this.#hints.some(({ key }) => key === node.key)) this.#hints.push(node);
    if (this.#query === undefined) this.#goOn(env);
  }

  // ---- Rectify -----------------------------------------------------------------------------------------------------

  #onNotify(node: KeyedNode, env: ChordEnvironment): void {
    // Whoever believes that we are on its ring will hear that we are not when it asks for our state.
    if (!this.#ring.isMember || node.key === this.self.key || this.#config.hasUpkeep === false) return;
    this.#heard(node.key, env);
    const { predecessor } = this.#ring;
    if (predecessor === undefined || this.#isPredecessorDead || this.#ring.isBetterPredecessor(node)) {
      const isAnother = predecessor !== undefined && predecessor.key !== node.key;
      const wasDead = this.#isPredecessorDead;
      this.#takePredecessor(node, env);
      if (isAnother && !wasDead) env.send(predecessor.node, { type: "hint", node: node.node });
      return;
    }
    env.send(node.node, { type: "hint", node: predecessor.node });
    this.#checkPredecessor(node, env);
  }

  #takePredecessor(node: KeyedNode, env: ChordEnvironment): void {
    const { predecessor } = this.#ring;
    if (predecessor?.node === node.node && !this.#isPredecessorDead) return;
    this.#change(() => {
      this.#ring.rectify(node);
      this.#isPredecessorDead = false;
    }, env);
  }

  /** Is it alive? `instead` takes its place if it is not: of several the one nearest before us. */
  #checkPredecessor(instead: KeyedNode | undefined, env: ChordEnvironment): void {
    const { predecessor } = this.#ring;
    if (predecessor === undefined) return;
    if (this.#check === undefined) {
      this.#check = { type: "ping", asked: predecessor, askedAt: env.now, asks: 0, silences: 0, instead };
      return this.#ping(this.#check, env);
    }
    const check = this.#check;
    if (instead === undefined) return;
    if (check.instead === undefined || isBetween(check.instead.key, instead.key, this.self.key))
      check.instead = instead;
  }

  #ping(check: Check, env: ChordEnvironment): void {
    check.asks++;
    this.#questions.ask(check.asked.node, check, (nonce) => ({ type: "ping", nonce }), env);
  }

  #onPong(from: NodeId, nonce: number, env: ChordEnvironment): void {
    const answered = this.#questions.onAnswer(from, nonce, env.now);
    const check = this.#check;
    if (check === undefined || answered?.purpose !== check) return;
    this.#check = undefined;
    this.#heard(check.asked.key, env);
    if (check.asked.key !== this.#ring.predecessor?.key || !this.#isPredecessorDead) return;
    this.#change(() => {
      this.#isPredecessorDead = false;
    }, env);
  }

  #onCheckLimit(check: Check, limit: "slow" | "silent", env: ChordEnvironment): void {
    if (check !== this.#check) return;
    if (limit === "slow") {
      if (check.asks < this.options.attempts) this.#ping(check, env);
      return;
    }
    check.silences++;
    if (check.silences < check.asks) return;
    if (env.now - check.askedAt < this.options.minSilenceMs) return this.#ping(check, env);
    this.#check = undefined;
    if (check.asked.key !== this.#ring.predecessor?.key) return;
    this.counters.silent++;
    this.#predecessorDied(env);
    if (check.instead !== undefined) this.#takePredecessor(check.instead, env);
  }

  /** The pointer stays, until somebody notifies us: without it rings break (Zave 2017, on the original). */
  #predecessorDied(env: ChordEnvironment): void {
    const { predecessor } = this.#ring;
    if (predecessor === undefined || this.#isPredecessorDead) return;
    this.#change(() => {
      this.#isPredecessorDead = true;
    }, env);
    this.#fingers.forget(predecessor.key);
    this.#remember(predecessor.key, predecessor.node);
  }

  // ---- Fingers -----------------------------------------------------------------------------------------------------

  /** One in each period; all of them one after the other when we have just joined. */
  #fixNextFinger(env: ChordEnvironment): void {
    const { successor } = this.#ring;
    if (successor === undefined) return;
    this.#planPeriod("fix", this.options.fixFingersMs, env);
    if (this.#fix !== undefined) return;
    // Up to the successor's bucket every finger is the successor.
    const first = this.#bucketBehind(successor.key);
    if (this.#nextExponent < first) this.#nextExponent = first;
    if (this.#nextExponent >= keyBits) return this.#endFingerCycle();
    const request = this.#nextRequest++;
    this.#fix = { exponent: this.#nextExponent, request };
    const key = this.#fingers.start(this.#nextExponent);
    this.#lookups.onCommand({ type: "lookup", asker: "router", request, key }, env);
  }

  #bucketBehind(key: Key): number {
    return bucketOf(this.self.key, key) + 1;
  }

  #endFingerCycle(): void {
    this.#nextExponent = 0;
    this.#hasFingers = true;
  }

  #onFingerFound({ exponent }: { exponent: number }, report: LookupReport, env: ChordEnvironment): void {
    const owner = report.outcome === "found" ? report.closest[0] : undefined;
    if (owner === undefined) this.#nextExponent = exponent + 1;
    else if (owner.key === this.self.key || bucketOf(this.self.key, owner.key) < exponent)
      this.#endFingerCycle();
    else {
      this.#fingers.fix(exponent, owner);
      // All starts up to it have the same finger.
      this.#nextExponent = this.#bucketBehind(owner.key);
    }
    if (!this.#hasFingers) this.#plan("fix", 0, env);
  }

  // ---- Lookups -----------------------------------------------------------------------------------------------------

  /** Before the key and behind us: those nearest to the key first. */
  #closerTo(key: Key, max: number): KeyedNode[] {
    const successors = this.options.routesOverList
      ? this.#ring.successors
      : this.#ring.successors.slice(0, 1);
    const fingers = this.#fingers.nodes;
    const found: KeyedNode[] = [];
    let i = successors.length - 1;
    let j = fingers.length - 1;
    while (found.length < max && (i >= 0 || j >= 0)) {
      // Both go up from us: of their last ones the farther one is next.
      const isFinger = j >= 0 && (i < 0 || isBetween(this.self.key, successors[i]!.key, fingers[j]!.key));
      const node = isFinger ? fingers[j--]! : successors[i--]!;
      if (found.at(-1)?.key !== node.key && isBetween(this.self.key, node.key, key)) found.push(node);
    }
    return found;
  }

  /** Those of the successor list that are at or behind the key. */
  #ownersOf(key: Key): readonly KeyedNode[] {
    const { successors } = this.#ring;
    const first = successors.findIndex((node) => !isBetween(this.self.key, node.key, key));
    return first < 0 ? [] : successors.slice(first);
  }

  /** Does it lie behind our predecessor, and not behind us? */
  #isOurs(key: Key): boolean {
    const { predecessor } = this.#ring;
    if (key === this.self.key) return true;
    return (
      predecessor !== undefined && !this.#isPredecessorDead && isWithin(predecessor.key, key, this.self.key)
    );
  }

  #onRoute(from: NodeId, nonce: number, key: Key, env: ChordEnvironment): void {
    const { isMember, predecessor, successors } = this.#ring;
    let closer: readonly KeyedNode[] = [];
    let owners: readonly KeyedNode[] = [];
    if (isMember && predecessor !== undefined && this.#isOurs(key)) {
      closer = [predecessor];
      owners = [this.self, ...successors];
    } else if (isMember) {
      closer = this.#closerTo(key, this.options.closer);
      owners = this.#ownersOf(key);
    }
    env.send(from, {
      type: "routed",
      nonce,
      closer: closer.map(({ node }) => node),
      owners: owners.map(({ node }) => node),
    });
    // Alone, we may be who it needs to make a ring.
    if (!isMember) this.#onHint(from, env);
  }

  #onRouted(from: NodeId, message: Routed, env: ChordEnvironment): void {
    const answered = this.#questions.onAnswer(from, message.nonce, env.now);
    if (answered === undefined) {
      this.counters.unasked++;
      return;
    }
    const { keyedNode } = this.#config;
    const node = keyedNode(from);
    const isMember = message.closer.length > 0 || message.owners.length > 0;
    if (isMember) {
      this.#heard(node.key, env);
      if (this.#ring.isMember && this.#config.hasUpkeep !== false) this.#fingers.learn(node);
    }
    const { purpose } = answered;
    if (purpose.type === "walk") return this.#onWay(purpose, node, message, env);
    if (purpose.type !== "lookup") return;
    if (this.#repeated.has(purpose)) this.#repeated.set(purpose, "answered");
    if (!isMember) return this.#lookups.onRefused(purpose, env);
    const nodes = this.#withoutSuspects(message.closer.map(keyedNode));
    const owners = message.owners.map(keyedNode);
    this.#lookups.onReply(purpose, { nodes, owners }, env);
  }

  /** Whoever is slow may not have got the question: it is asked once more before it counts as silent. */
  #onLookupLimit(limit: LimitReached<LookupPurpose>, env: ChordEnvironment): void {
    const { type, purpose, to } = limit;
    const repeated = this.#repeated.get(purpose);
    if (repeated === "answered") return; // to the other copy
    if (type === "slow" && repeated === undefined && this.options.repeatsQuestions && !purpose.run.isOver) {
      this.#repeated.set(purpose, "open");
      const { key } = purpose.run.request;
      this.#questions.ask(to, purpose, (nonce) => ({ type: "route", nonce, key }), env);
    } else if (type === "silent" && repeated === "open") {
      this.#repeated.set(purpose, "last");
      return;
    } else if (type === "silent") {
      this.#suspect(this.#config.keyedNode(to).key, env);
    }
    this.#lookups.onLimit(limit, env);
  }

  #planOf({ key, count = 1 }: LookupRequest): LookupPlan {
    const { isMember, successors } = this.#ring;
    return {
      // Going down from the key.
      order: (a, b) => compareUp(key, b, a),
      candidates: this.#withoutSuspects(this.#closerTo(key, Number.POSITIVE_INFINITY)),
      owners: this.#ownersOf(key),
      known: isMember && this.#isOurs(key) ? [this.self, ...successors].slice(0, count) : undefined,
      countsSelf: false,
      endRule: "owner-answered",
      width: 1,
      count,
      alpha: this.options.alpha,
      pace: "slots",
    };
  }

  #onLookupEnded({ asker, request }: LookupRequest, report: LookupReport, env: ChordEnvironment): void {
    if (asker !== "router" || request !== this.#fix?.request) return;
    const fix = this.#fix;
    this.#fix = undefined;
    this.#onFingerFound(fix, report, env);
  }

  get #questions(): Asking["questions"] {
    return this.#ensureAsking().questions;
  }
  get #lookups(): Asking["lookups"] {
    return this.#ensureAsking().lookups;
  }

  #ensureAsking(): Asking {
    if (this.#asking !== undefined) return this.#asking;
    const settings = settingsOf(this.#config.settings);
    const questions = new Questions<Purpose, ChordMessage>(
      new RoundTrips({ settings }),
      settings.maxTimeoutMs,
    );
    const lookups = new LookupRunner<ChordMessage>({
      host: {
        self: this.self,
        disjointPaths: 1,
        plan: (request) => this.#planOf(request),
        question: ({ key }, nonce) => ({ type: "route", nonce, key }),
        onEnded: (request, report, env) => this.#onLookupEnded(request, report, env as ChordEnvironment),
      },
      questions,
      settings,
      tellsSteps: this.#config.tellsSteps,
    });
    this.#asking = { questions, lookups };
    return this.#asking;
  }

  // ---- Coming and going --------------------------------------------------------------------------------------------

  /** A step that may change ring pointers, and what everybody is told of it. */
  #change(step: () => void, env: ChordEnvironment): void {
    const { predecessor: formerPredecessor, successors: formerSuccessors } = this.#ring;
    const former = this.#neighbors();
    step();
    const { predecessor, successors } = this.#ring;
    const hasListChanged = !areSame(formerSuccessors, successors);
    if (hasListChanged) {
      this.#hasChanged = true;
      if (predecessor !== undefined && successors.length > 0)
        env.send(predecessor.node, { type: "hint", node: this.self.node });
    }
    if (hasListChanged || predecessor?.node !== formerPredecessor?.node) env.notify({ type: "ring-changed" });
    const now = this.#neighbors();
    tellMissing("contact-down", former, now, env);
    tellMissing("contact-up", now, former, env);
    const [successor] = successors;
    if (successor !== undefined && successor.key !== formerSuccessors[0]?.key) this.#fingers.learn(successor);
  }

  /** Others find out by themselves (leaving is failing, in Zave's words), but those next to us need not wait. */
  #leave(env: ChordEnvironment): void {
    this.#persist(env);
    for (const { node } of this.#neighbors()) env.send(node, { type: "goodbye" });
    this.#hasLeft = true;
  }

  #onGoodbye(node: KeyedNode, env: ChordEnvironment): void {
    this.#fingers.forget(node.key);
    if (this.#ring.predecessor?.key === node.key) this.#predecessorDied(env);
    if (!this.#ring.successors.some(({ key }) => key === node.key)) return;
    const query = this.#query;
    if (query !== undefined && query.asked.key === node.key) return this.#onDead(query, env);
    this.#change(() => this.#ring.drop(node.key), env);
    this.#remember(node.key, node.node);
    if (!this.#ring.isMember) {
      if (query !== undefined) this.#close(env);
      this.#lose(env);
    } else this.#stabilize(env);
  }

  #heard(key: Key, env: ChordEnvironment): void {
    if (this.#config.hasUpkeep === false) return;
    this.#suspects.delete(key);
    note(this.#heardAt, key, env.now);
  }

  /** It did not answer: until it is heard again, others are asked rather than it. */
  #suspect(key: Key, env: ChordEnvironment): void {
    if (this.#config.hasUpkeep === false) return;
    this.#fingers.forget(key);
    const silences = (this.#suspects.get(key)?.silences ?? 0) + 1;
    note(this.#suspects, key, { silences, at: env.now });
    if (key === this.#ring.successor?.key) this.#stabilizeSoon(env);
  }

  /**
   * Those that are not suspected. If there are no others, all whose silence may be a loss: so a living node is asked in
   * the end, when nobody nearer to the key is left who could name another one.
   */
  #withoutSuspects(nodes: readonly KeyedNode[]): readonly KeyedNode[] {
    if (this.#suspects.size === 0) return nodes;
    const silences = nodes.map(({ key }) => this.#suspects.get(key)?.silences ?? 0);
    const others = nodes.filter((_, i) => silences[i] === 0);
    return others.length > 0 ? others : nodes.filter((_, i) => silences[i]! < this.options.attempts);
  }

  /** What is on no ring has nothing that would be worth more than what is on disk. */
  #persist(env: ChordEnvironment): void {
    if (!this.#ring.isMember) return;
    const heard = this.#heardAt;
    const contacts = this.contacts().map(({ node, key }) => ({
      node,
      ageMs: env.now - (heard.get(key) ?? env.now),
    }));
    const value: RememberedContacts = { type: "remembered-contacts", savedAt: env.now, contacts };
    env.notify({ type: "persist", key: "table", value, isAwaited: false });
  }

  #restore({ savedAt, contacts }: RememberedContacts, env: ChordEnvironment): void {
    const asleepMs = Math.max(0, env.now - savedAt);
    for (const { node, ageMs } of contacts.slice(0, this.options.maxKnown)) {
      const { key } = this.#config.keyedNode(node);
      if (key !== this.self.key && ageMs + asleepMs <= this.options.maxTableAgeMs) this.#remember(key, node);
    }
  }
}

const validated = new WeakMap<Partial<LookupSettings>, Readonly<LookupSettings>>();
const defaultSettings = lookupOptions();

/** Validated once for all nodes that are given the same object. */
function settingsOf(overrides?: Partial<LookupSettings>): Readonly<LookupSettings> {
  if (overrides === undefined) return defaultSettings;
  let settings = validated.get(overrides);
  if (settings === undefined) {
    settings = lookupOptions(overrides);
    validated.set(overrides, settings);
  }
  return settings;
}

/** The last noted is the last one. */
function note<Value>(notes: Map<Key, Value>, key: Key, value: Value): void {
  notes.delete(key);
  notes.set(key, value);
  if (notes.size <= maxHeard) return;
  for (const oldest of notes.keys()) {
    notes.delete(oldest);
    return;
  }
}

function areSame(a: readonly KeyedNode[], b: readonly KeyedNode[]): boolean {
  return a === b || (a.length === b.length && a.every(({ node }, i) => node === b[i]!.node));
}

/** Those of `all` that are not in `others`. */
function tellMissing(
  type: ContactChanged["type"],
  all: readonly KeyedNode[],
  others: readonly KeyedNode[],
  env: ChordEnvironment,
): void {
  for (const contact of all)
    if (!others.some(({ key }) => key === contact.key)) env.notify({ type, contact });
}
