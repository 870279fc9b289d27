/**
 * Registration: how a peer gets into the peer list and learns who else is there (the seed report, sections 2
 * and 4.2; the course handout of the same network, "peer" part).
 *
 *     peer -> register -> seed -> call-back -> peer (at the address it claims) -> call-back-reply -> seed
 *     seed -> registered -> peer -> list-request -> seed -> peer-list -> peer
 *
 * Always: the peer is registered with, or is asking, floor(n/2)+1 of the n configured seeds, chosen at random,
 * unless fewer are left to ask; then it tries again with back-off for ever. What it knows is the union of the lists.
 */
import {
  type Candidate,
  defineOptions,
  type Environment,
  type Identity,
  identityOf,
  invariant,
  type Millis,
  type NeighborView,
  type NodeId,
  nonce,
  type PeerSampler,
  type Persist,
  type Persisted,
  type Protocol,
  pick,
  type Random,
  type Signatures,
  type Signed,
  type StackNotice,
  type Standing,
  sample,
  type Typed,
} from "../core/index.ts";
import { KnownPeers } from "./known-peers.ts";
import {
  type DeadReport,
  type IntroductionMessage,
  type LeaveNotice,
  type ListEntry,
  maxRecordNeighbors,
  type PeerList,
  type PeerRecord,
  type Refused,
} from "./messages.ts";

export interface RegistrationOptions {
  readonly answerTimeoutMs: number;
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
  readonly refreshIntervalMs: number;
  readonly settleMs: number;
  readonly reportRepeats: number;
  readonly maxKnownPeers: number;
}

export const registrationOptions = defineOptions<RegistrationOptions>({
  answerTimeoutMs: {
    default: 5000,
    min: 10,
    max: 600_000,
    description:
      "How long a peer waits for a seed's answer before it takes another seed (guess: covers a slow call-back)",
  },
  firstRetryMs: {
    default: 500,
    min: 10,
    max: 600_000,
    description: "First pause after all seeds failed; doubles up to --max-retry (guess)",
  },
  maxRetryMs: {
    default: 15_000,
    min: 10,
    max: 3_600_000,
    description: "Longest pause between tries (guess)",
  },
  refreshIntervalMs: {
    default: 120_000,
    min: 50,
    max: 3_600_000,
    description: "How often a peer renews its entry and asks for a fresh list (guess: a few ping intervals)",
  },
  settleMs: {
    default: 2000,
    min: 0,
    max: 60_000,
    description: "How long neighbor changes are gathered before the seeds are told (guess)",
  },
  reportRepeats: {
    default: 2,
    min: 0,
    max: 10,
    description: "How often a dead-node report is sent again, in case the first was lost (guess)",
  },
  maxKnownPeers: {
    default: 20_000,
    min: 8,
    max: 10_000_000,
    description: "Bound on the peers that a peer remembers",
  },
});

export interface RegistrationConfig {
  /** The configured seeds, as contacts without id (live) or numbers (simulated). */
  readonly seeds: readonly NodeId[];
  /** Higher than in any earlier life of this identity. */
  readonly incarnation: number;
  readonly since: Millis;
  readonly signatures: Signatures<PeerRecord | DeadReport | LeaveNotice>;
  readonly neighbors: NeighborView;
  /** Peers known from an earlier life: used until a seed answers. */
  readonly contacts?: readonly ListEntry[];
  readonly options?: Partial<RegistrationOptions>;
}

export type RegistrationTimer =
  | { readonly type: "answer-timeout"; readonly seed: number; readonly nonce: number }
  | { readonly type: "retry"; readonly round: number }
  | { readonly type: "refresh" }
  | { readonly type: "list"; readonly after: Millis }
  | { readonly type: "settle" }
  | { readonly type: "repeat-report"; readonly report: Signed<DeadReport>; readonly left: number };

export type RegistrationCommand =
  | { readonly type: "leave" }
  /** Nobody answers at that address: no need to wait for the time-out. */
  | { readonly type: "unreachable"; readonly node: NodeId }
  | Persisted;

export type RegistrationNotice =
  | StackNotice
  | Persist
  | { readonly type: "registering"; readonly seed: NodeId }
  | {
      readonly type: "registered";
      readonly seed: NodeId;
      readonly count: number;
      readonly quorum: number;
      readonly listSize: number;
    }
  | { readonly type: "seed-silent"; readonly seed: NodeId }
  | { readonly type: "seed-refused"; readonly seed: NodeId; readonly reason: string }
  | {
      readonly type: "list-received";
      readonly seed: NodeId;
      readonly total: number;
      readonly known: number;
      readonly isFirst: boolean;
      readonly peers: readonly NodeId[];
    }
  | {
      readonly type: "dead-node";
      readonly suspect: NodeId;
      readonly at: Millis;
      readonly reporter: NodeId;
      readonly misses: number;
    }
  | { readonly type: "refuted"; readonly incarnation: number }
  | { readonly type: "left" };

type RegistrationEnvironment = Environment<IntroductionMessage, RegistrationTimer, RegistrationNotice>;

interface SeedLink {
  readonly seed: NodeId;
  state: "idle" | "asked" | "registered" | "failed";
  /** Nonce of the registration under way; 0 where none is. */
  awaiting: number;
}

const firstListAfterMs = 2000;

/**
 * A seed's word for "you must exceed this" is believed only so far beyond the clock (30 years of milliseconds), or it
 * could push us to the end of the numbers step by step.
 */
const maxIncarnationLead = 1e12;

export class Registration
  implements
    Protocol<IntroductionMessage, RegistrationTimer, RegistrationNotice, RegistrationCommand>,
    Standing,
    PeerSampler
{
  readonly counters = {
    registrations: 0,
    seedTimeouts: 0,
    listsReceived: 0,
    reportsSent: 0,
    refutations: 0,
    unasked: 0,
  };
  readonly since: Millis;
  readonly quorum: number;
  readonly #options: RegistrationOptions;
  readonly #config: RegistrationConfig;
  readonly #seeds: SeedLink[];
  readonly #known: KnownPeers;
  /** Lists that were asked for and have not come: nonce to seed. */
  readonly #listsAwaited = new Map<number, number>();
  #incarnation: number;
  /** Above `#incarnation` while a refutation is on its way to the disk, and equal to it otherwise. */
  #nextIncarnation: number;
  /** Writes of an incarnation that are not on disk yet. */
  #writes = 0;
  /** The next time that an accusation, which costs its maker nothing, is worth a new incarnation. */
  #mayRefuteAt = 0;
  #version = 0;
  #signedRecord: Signed<PeerRecord> | undefined;
  #retryRound = 0;
  #retryPause = 0;
  #isRetrying = false;
  #isSettling = false;
  #isListed = false;
  #hasLeft = false;

  constructor(config: RegistrationConfig) {
    this.#config = config;
    this.#options = registrationOptions(config.options);
    this.#seeds = config.seeds.map((seed) => ({ seed, state: "idle", awaiting: 0 }));
    this.quorum = Math.floor(config.seeds.length / 2) + 1;
    this.#known = new KnownPeers(this.#options.maxKnownPeers);
    this.#incarnation = config.incarnation;
    this.#nextIncarnation = config.incarnation;
    this.since = config.since;
  }

  // ---- What other layers may read ----

  get incarnation(): number {
    return this.#incarnation;
  }
  get size(): number {
    return this.#known.size;
  }
  get candidates(): readonly Candidate[] {
    return this.#known.candidates;
  }
  get(identity: Identity): Candidate | undefined {
    return this.#known.get(identity);
  }
  sample(count: number, random: Random, accept?: (candidate: Candidate) => boolean): Candidate[] {
    return this.#known.sample(count, random, accept);
  }
  /** The seeds that have this peer in their lists, as far as it knows. */
  get registeredWith(): readonly NodeId[] {
    return this.#seeds.filter((link) => link.state === "registered").map((link) => link.seed);
  }

  // ---- Handlers ----

  start(env: RegistrationEnvironment): void {
    for (const contact of this.#config.contacts ?? []) this.#learn(contact, env);
    this.#ensureQuorum(env);
    env.schedule(this.#jitter(this.#options.refreshIntervalMs, env), {
      type: "refresh",
    });
    env.schedule(firstListAfterMs, { type: "list", after: firstListAfterMs });
  }

  onCommand(command: RegistrationCommand, env: RegistrationEnvironment): void {
    switch (command.type) {
      case "leave":
        return this.#leave(env);
      case "unreachable":
        return this.#onUnreachable(command.node, env);
      case "persisted":
        if (command.key !== "incarnation" || this.#writes === 0) return;
        this.#writes--;
        if (this.#writes === 0 && !this.#hasLeft) this.#registerAnew(env);
        return;
    }
  }

  onMessage(from: NodeId, message: IntroductionMessage, env: RegistrationEnvironment): void {
    if (this.#hasLeft) return;
    switch (message.type) {
      case "call-back":
        return this.#onCallBack(from, message.nonce, message.accused, env);
      case "registered":
        return this.#onRegistered(message.nonce, message.listSize, env);
      case "refused":
        return this.#onRefused(message, env);
      case "peer-list":
        return this.#onPeerList(message, env);
      case "leave":
        return this.#onPeerLeft(message.notice, env);
      default:
        // The rest is between peers and seeds the other way round, or among seeds.
        this.counters.unasked++;
    }
  }

  onTimer(timer: RegistrationTimer, env: RegistrationEnvironment): void {
    if (this.#hasLeft) return;
    switch (timer.type) {
      case "answer-timeout":
        return this.#onAnswerTimeout(timer.seed, timer.nonce, env);
      case "retry":
        if (timer.round !== this.#retryRound) return; // a later round is under way
        this.#isRetrying = false;
        for (const link of this.#seeds) if (link.state === "failed") link.state = "idle";
        return this.#ensureQuorum(env);
      case "refresh":
        this.#refresh(env);
        return env.schedule(this.#options.refreshIntervalMs, { type: "refresh" });
      case "list":
        return this.#onListTimer(timer.after, env);
      case "settle":
        this.#isSettling = false;
        this.#version++;
        this.#signedRecord = undefined;
        return this.#announceNeighbors(env);
      case "repeat-report":
        return this.#sendReport(timer.report, timer.left, env);
    }
  }

  onNotice(notice: Typed, env: RegistrationEnvironment): void {
    const known = notice as StackNotice;
    switch (known.type) {
      case "neighbor-up":
      case "neighbor-down":
        return this.#settle(env);
      case "neighbor-failed":
        return this.#report(known.neighbor, known.incarnation, known.misses, env);
      case "peer-met":
        return this.#learn({ peer: known.peer, since: known.since }, env);
    }
  }

  // ---- Registering ----

  /** Asks seeds, chosen at random, until floor(n/2)+1 are registered or asked. */
  #ensureQuorum(env: RegistrationEnvironment): void {
    const active = this.#seeds.filter((link) => link.state === "asked" || link.state === "registered").length;
    const idle = this.#seeds.filter((link) => link.state === "idle");
    for (const link of sample(idle, this.quorum - active, env.random)) this.#ask(link, env);
    if (active + idle.length >= this.quorum || this.#isRetrying) return;
    this.#isRetrying = true;
    this.#retryRound++;
    const { firstRetryMs, maxRetryMs } = this.#options;
    this.#retryPause = Math.min(maxRetryMs, Math.max(firstRetryMs, this.#retryPause * 2));
    env.schedule(this.#jitter(this.#retryPause, env), { type: "retry", round: this.#retryRound });
  }

  #ask(link: SeedLink, env: RegistrationEnvironment): void {
    if (link.state !== "registered") {
      link.state = "asked";
      env.notify({ type: "registering", seed: link.seed });
    }
    if (this.#nextIncarnation > this.#incarnation) return; // asked in the new life, when that is on disk
    link.awaiting = nonce(env.random);
    env.send(link.seed, { type: "register", nonce: link.awaiting, record: this.#record(env) });
    env.schedule(this.#options.answerTimeoutMs, {
      type: "answer-timeout",
      seed: this.#seeds.indexOf(link),
      nonce: link.awaiting,
    });
  }

  #onRegistered(answered: number, listSize: number, env: RegistrationEnvironment): void {
    const link = this.#answering(answered);
    if (link === undefined) return;
    link.awaiting = 0;
    if (link.state === "registered") return; // a renewal
    link.state = "registered";
    this.counters.registrations++;
    const count = this.#seeds.filter((other) => other.state === "registered").length;
    if (count >= this.quorum) this.#retryPause = 0;
    env.notify({ type: "registered", seed: link.seed, count, quorum: this.quorum, listSize });
    this.#requestList(link, env);
  }

  #onRefused(refused: Refused, env: RegistrationEnvironment): void {
    const link = this.#answering(refused.nonce);
    if (link === undefined) return;
    link.awaiting = 0;
    env.notify({ type: "seed-refused", seed: link.seed, reason: refused.reason });
    const mustExceed = refused.reason === "removed" || refused.reason === "stale";
    if (mustExceed && refused.incarnation - env.now <= maxIncarnationLead) {
      // This seed took us for dead. We come back by ourselves, in a new life.
      link.state = "asked";
      if (refused.incarnation >= this.#incarnation) this.#refute(refused.incarnation + 1, env);
      else this.#ask(link, env);
      return;
    }
    link.state = "failed";
    this.#ensureQuorum(env);
  }

  #onAnswerTimeout(seed: number, asked: number, env: RegistrationEnvironment): void {
    const link = this.#seeds[seed]!;
    if (link.awaiting !== asked) return; // answered meanwhile
    link.awaiting = 0;
    link.state = "failed";
    this.counters.seedTimeouts++;
    env.notify({ type: "seed-silent", seed: link.seed });
    this.#ensureQuorum(env);
  }

  /** One seed is told at once, and the seeds tell each other; the next renewal tells all. */
  #announceNeighbors(env: RegistrationEnvironment): void {
    const registered = this.#seeds.filter((link) => link.state === "registered");
    if (registered.length > 0) this.#ask(pick(registered, env.random), env);
  }

  #onUnreachable(node: NodeId, env: RegistrationEnvironment): void {
    const seed = this.#seeds.findIndex((link) => link.seed === node);
    const link = this.#seeds[seed];
    if (link !== undefined && link.awaiting !== 0) this.#onAnswerTimeout(seed, link.awaiting, env);
  }

  /** Renews the entry with every seed that has it: it tells the neighbors, and re-registers where it was forgotten. */
  #refresh(env: RegistrationEnvironment): void {
    for (const link of this.#seeds) if (link.state === "registered") this.#ask(link, env);
    this.#ensureQuorum(env);
  }

  #settle(env: RegistrationEnvironment): void {
    if (this.#isSettling || this.#hasLeft) return;
    this.#isSettling = true;
    env.schedule(this.#options.settleMs, { type: "settle" });
  }

  #answering(answered: number): SeedLink | undefined {
    if (answered === 0) return undefined;
    const link = this.#seeds.find((candidate) => candidate.awaiting === answered);
    if (link === undefined) this.counters.unasked++;
    return link;
  }

  #record(env: RegistrationEnvironment): Signed<PeerRecord> {
    if (this.#signedRecord !== undefined) return this.#signedRecord;
    const statement: PeerRecord = {
      type: "peer-record",
      peer: env.self,
      incarnation: this.#incarnation,
      version: this.#version,
      since: this.since,
      neighbors: sample(this.#config.neighbors.neighbors, maxRecordNeighbors, env.random),
    };
    this.#signedRecord = { statement, proof: this.#config.signatures.sign(statement) };
    return this.#signedRecord;
  }

  // ---- Lists ----

  #requestList(link: SeedLink, env: RegistrationEnvironment): void {
    if (this.#listsAwaited.size > 4 * this.#seeds.length) this.#listsAwaited.clear(); // answers that never came
    const asked = nonce(env.random);
    this.#listsAwaited.set(asked, this.#seeds.indexOf(link));
    env.send(link.seed, { type: "list-request", nonce: asked });
  }

  /** Often while the network forms, rarely later: 2 s, 6 s, 18 s, … up to the refresh interval. */
  #onListTimer(after: Millis, env: RegistrationEnvironment): void {
    const registered = this.#seeds.filter((link) => link.state === "registered");
    if (registered.length > 0) this.#requestList(pick(registered, env.random), env);
    const next = Math.min(after * 3, this.#options.refreshIntervalMs);
    env.schedule(this.#jitter(next, env), { type: "list", after: next });
  }

  #onPeerList(list: PeerList, env: RegistrationEnvironment): void {
    const seed = this.#listsAwaited.get(list.nonce);
    if (seed === undefined) {
      this.counters.unasked++;
      return;
    }
    this.#listsAwaited.delete(list.nonce);
    this.counters.listsReceived++;
    const isComplete = list.entries.length >= list.total;
    if (isComplete) this.#forgetUnlisted(list.entries);
    for (const entry of list.entries) this.#learn(entry, env);
    const isFirst = !this.#isListed;
    this.#isListed = true;
    env.notify({
      type: "list-received",
      seed: this.#seeds[seed]!.seed,
      total: list.total,
      known: this.#known.size,
      isFirst,
      peers: isFirst ? list.entries.map((entry) => entry.peer) : [],
    });
    env.notify({
      type: "persist",
      key: "contacts",
      value: this.#known.sample(256, env.random),
      isAwaited: false,
    });
  }

  /** A whole list that lacks somebody who is not our neighbor: forget it; another seed may teach us better. */
  #forgetUnlisted(entries: readonly ListEntry[]): void {
    const listed = new Set(entries.map((entry) => identityOf(entry.peer)));
    for (const candidate of this.#known.candidates.slice()) {
      const identity = identityOf(candidate.peer);
      if (!listed.has(identity) && !this.#config.neighbors.has(candidate.peer)) this.#known.remove(identity);
    }
  }

  /** Keeps the candidate itself: what a seed hands to thousands is one object for all of them in a simulation. */
  #learn(candidate: Candidate, env: RegistrationEnvironment): void {
    if (identityOf(candidate.peer) === identityOf(env.self)) return;
    this.#known.add(candidate, env.random);
  }

  // ---- Dead-node reports, refutation, leaving ----

  #report(suspect: NodeId, incarnation: number, misses: number, env: RegistrationEnvironment): void {
    this.#known.remove(identityOf(suspect));
    const statement: DeadReport = {
      type: "dead-report",
      suspect,
      incarnation,
      at: env.now,
      reporter: env.self,
    };
    env.notify({ type: "dead-node", suspect, at: env.now, reporter: env.self, misses });
    this.#sendReport(
      { statement, proof: this.#config.signatures.sign(statement) },
      this.#options.reportRepeats,
      env,
    );
  }

  #sendReport(report: Signed<DeadReport>, left: number, env: RegistrationEnvironment): void {
    for (const link of this.#seeds) env.send(link.seed, { type: "dead-report", report });
    this.counters.reportsSent++;
    if (left > 0)
      env.schedule(this.#options.answerTimeoutMs, { type: "repeat-report", report, left: left - 1 });
  }

  /**
   * Answering shows that we live; if somebody said otherwise, a new incarnation makes every such report void. Not
   * time and again: a refutation costs all seeds a write and a comparison, and anybody can say that we are accused.
   */
  #onCallBack(from: NodeId, asked: number, accused: number, env: RegistrationEnvironment): void {
    env.send(from, { type: "call-back-reply", nonce: asked });
    if (accused === 0 || accused !== this.#incarnation || env.now < this.#mayRefuteAt) return;
    this.#mayRefuteAt = env.now + this.#options.answerTimeoutMs;
    this.#refute(this.#incarnation + 1, env);
  }

  #refute(incarnation: number, env: RegistrationEnvironment): void {
    if (incarnation <= this.#nextIncarnation) return; // under way already
    this.#nextIncarnation = incarnation;
    this.#writes++;
    this.counters.refutations++;
    // On disk before anybody hears it: a restart must begin above it.
    env.notify({ type: "persist", key: "incarnation", value: incarnation, isAwaited: true });
  }

  #registerAnew(env: RegistrationEnvironment): void {
    invariant(this.#nextIncarnation > this.#incarnation, "an incarnation only grows");
    this.#incarnation = this.#nextIncarnation;
    this.#version = 0;
    this.#signedRecord = undefined;
    env.notify({ type: "refuted", incarnation: this.#incarnation });
    for (const link of this.#seeds)
      if (link.state === "registered" || link.state === "asked") this.#ask(link, env);
    this.#ensureQuorum(env);
  }

  #leave(env: RegistrationEnvironment): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    const statement: LeaveNotice = {
      type: "leave",
      peer: env.self,
      incarnation: this.#incarnation,
      at: env.now,
    };
    const notice = { statement, proof: this.#config.signatures.sign(statement) };
    for (const link of this.#seeds) env.send(link.seed, { type: "leave", notice });
    for (const neighbor of this.#config.neighbors.neighbors) env.send(neighbor, { type: "leave", notice });
    env.notify({ type: "left" });
  }

  #onPeerLeft(notice: Signed<LeaveNotice>, env: RegistrationEnvironment): void {
    const { peer, incarnation } = notice.statement;
    if (!this.#known.get(identityOf(peer)) && !this.#config.neighbors.has(peer)) return;
    if (!this.#config.signatures.verify(peer, notice.statement, notice.proof)) return;
    this.#known.remove(identityOf(peer));
    env.notify({ type: "peer-left", peer, incarnation });
  }

  #jitter(pause: Millis, env: RegistrationEnvironment): Millis {
    return Math.floor(pause * (0.75 + 0.5 * env.random.unit()));
  }
}
