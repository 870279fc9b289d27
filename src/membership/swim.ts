/**
 * SWIM with Lifeguard: who is there, and who has failed (Das, Gupta, Motivala 2002; Dadgar, Phillips, Currey 2017).
 *
 *     each period      ping one other; no answer: others try, too; still none: suspect it, signed, and tell it so
 *     suspected        raises its incarnation: its own newer word makes the doubts about the earlier life void
 *     not refuted      each gives it up by itself when its own time is over; sooner where others doubt it, too
 *     news             ride along with pings and answers, and in gossip between them, each so many times
 *     now and then     all that is known is compared with one other; whoever is silent is tried again, for ever
 *
 * Deviation: there is no "dead" message. A member that lies can make others doubt, and cannot evict anybody who answers.
 */
import {
  type Candidate,
  type Evidence,
  type FailureDetector,
  type Identity,
  identityOf,
  type LinkQuality,
  type MemberState,
  type Members,
  type Millis,
  type NodeId,
  type Protocol,
  type Random,
  type StackNotice,
  type Standing,
  type Typed,
} from "../core/index.ts";
import { EvidenceLog } from "./evidence-log.ts";
import { LocalHealth } from "./local-health.ts";
import { SwimLearning } from "./swim-learning.ts";
import { type MemberEntry, MemberTable } from "./swim-members.ts";
import type { MemberRecord, SwimMessage, Update } from "./swim-messages.ts";
import { newsRanks } from "./swim-news.ts";
import { type SwimOptions, swimOptions } from "./swim-options.ts";
import {
  noUpdates,
  type SwimCommand,
  type SwimConfig,
  type SwimCounters,
  type SwimEnvironment,
  type SwimNotice,
  type SwimParts,
  type SwimTimer,
} from "./swim-parts.ts";
import { RandomOrder, SharedOrder } from "./swim-probe-order.ts";
import { SwimProbes } from "./swim-probes.ts";
import { SwimSpreading } from "./swim-spreading.ts";
import { SwimStanding } from "./swim-standing.ts";
import { SwimSuspicions } from "./swim-suspicion.ts";
import { SwimSync } from "./swim-sync.ts";
import { SwimView } from "./swim-view.ts";

export type { SwimCommand, SwimConfig, SwimNotice, SwimTimer } from "./swim-parts.ts";

/** What is known of one member. */
export interface Member {
  readonly node: NodeId;
  readonly incarnation: number;
  readonly since: Millis;
  readonly role: "peer" | "seed";
  readonly tags: MemberRecord["tags"];
  readonly state: MemberState;
}

/** How long a leave is passed on by the one who leaves, in gossip intervals; guess. */
const leaveGossips = 5;

export class Swim
  implements
    Protocol<SwimMessage, SwimTimer, SwimNotice, SwimCommand>,
    Members,
    Standing,
    LinkQuality,
    FailureDetector
{
  readonly counters: SwimCounters = {
    probes: 0,
    probeFailures: 0,
    indirectProbes: 0,
    nacksMissed: 0,
    suspicions: 0,
    confirmations: 0,
    refutations: 0,
    failures: 0,
    reconnects: 0,
    syncs: 0,
    forged: 0,
    unasked: 0,
    stalls: 0,
    newsDropped: 0,
    refused: 0,
  };
  readonly since: Millis;
  readonly options: SwimOptions;
  readonly #members = new MemberTable();
  readonly #evidence = new EvidenceLog();
  readonly #health: LocalHealth;
  readonly #view: SwimView;
  readonly #standing: SwimStanding;
  readonly #suspicions: SwimSuspicions;
  readonly #probes: SwimProbes;
  readonly #sync: SwimSync;
  readonly #learning: SwimLearning;
  readonly #spreading: SwimSpreading;
  readonly #shared: SharedOrder;
  readonly #random: RandomOrder;
  #self: Identity | undefined;
  /** Where in a period this node probes. */
  #phase: Millis = 0;
  /** Until then lateness is explained: we were away. */
  #awakeSince: Millis = Number.NEGATIVE_INFINITY;
  #isLeaving = false;
  #hasLeft = false;

  constructor(config: SwimConfig) {
    this.options = swimOptions(config.options);
    this.since = config.since;
    this.#health = new LocalHealth(this.options.localHealth ? this.options.maxLocalHealth : 1);
    const parts: SwimParts = {
      config,
      options: this.options,
      counters: this.counters,
      members: this.#members,
      health: this.#health,
      evidence: this.#evidence,
      isPartial: () => this.isPartial,
      isLarge: () => this.#view.isLarge,
      isWatched: (node) => this.#view.isWatched(node),
      introducers: () => this.#sync.introducers,
      othersArePartial: (isJoining, env) => this.#view.othersArePartial(isJoining, env),
      companions: (count, except, env) => this.#view.companions(count, except, env),
      updatesFor: (to, first) => this.#spreading.updatesFor(to, first),
      spread: (update, rank, env) => this.#spreading.spread(update, rank, env),
      changeHealth: (by, reason, env) => this.#changeHealth(by, reason, env),
      ownRecord: (env) => this.#standing.record(env),
      accuse: (member, nacks, env) => this.#suspicions.accuse(member, nacks, env),
      probe: (member, env) => this.#probes.probe(member, env),
      learn: (updates, from, isTold, env) => this.#learning.learn(updates, from, isTold, env),
    };
    this.#standing = new SwimStanding(parts);
    this.#suspicions = new SwimSuspicions(parts);
    this.#probes = new SwimProbes(parts);
    this.#sync = new SwimSync(parts);
    this.#view = new SwimView(parts, this.#suspicions);
    this.#spreading = new SwimSpreading(parts, this.#suspicions);
    this.#shared = new SharedOrder(this.#members, () => this.#self!);
    this.#random = new RandomOrder(this.#members);
    this.#learning = new SwimLearning({
      parts,
      standing: this.#standing,
      suspicions: this.#suspicions,
      onMember: (member, env) => this.#onMember(member, env),
      onDoubt: (member, env) => this.#probes.confirm(member, env),
      makeRoom: (env) => this.#view.makeRoom(env),
    });
  }

  // ---- What others may read ----

  get incarnation(): number {
    return this.#standing.incarnation;
  }
  /** Peers that are alive or suspect, without ourselves and without seeds. */
  get size(): number {
    return this.#members.candidates.length;
  }
  get candidates(): readonly Candidate[] {
    return this.#members.candidates;
  }
  get(identity: Identity): Candidate | undefined {
    const member = this.#members.get(identity);
    return member !== undefined && member.place >= 0 ? member : undefined;
  }
  sample(count: number, random: Random, accept?: (candidate: Candidate) => boolean): Candidate[] {
    return this.#members.sampleCandidates(count, random, accept);
  }
  /** Everybody that is remembered, seeds and the dead too, without ourselves. */
  get members(): readonly Member[] {
    return Array.from(this.#members.values(), ({ peer, incarnation, since, record, state }) => {
      const { role, tags } = record.statement;
      return { node: peer, incarnation, since, role, tags, state };
    });
  }
  /** Somebody has answered, or nobody was configured. */
  get isJoined(): boolean {
    return this.#sync.isJoined;
  }
  /** Seeds that are alive as far as we know. */
  get introducers(): readonly NodeId[] {
    return this.#members.here
      .filter(({ place, state }) => place < 0 && state === "alive")
      .map(({ peer }) => peer);
  }
  /** A sample of the members instead of all. */
  get isPartial(): boolean {
    return this.#view.isPartial;
  }
  /** Lifeguard's score: 0 is healthy. */
  get localHealth(): number {
    return this.#health.score;
  }
  /** Of everybody alive: equal where two nodes know the same. */
  get fingerprint(): number {
    return this.#self === undefined ? 0 : this.#members.fingerprintWith(this.#self, this.incarnation);
  }
  rttMs(neighbor: NodeId): number | undefined {
    const rttMs = this.#members.get(identityOf(neighbor))?.rttMs ?? -1;
    return rttMs < 0 ? undefined : rttMs;
  }
  isAnswering(neighbor: NodeId): boolean {
    return this.#members.get(identityOf(neighbor))?.isSilent !== true;
  }
  stateOf(node: NodeId): MemberState {
    if (identityOf(node) === this.#self) return this.#hasLeft ? "left" : "alive";
    return this.#members.get(identityOf(node))?.state ?? "unknown";
  }
  why(node: NodeId): readonly Evidence[] {
    return this.#evidence.of(node);
  }

  // ---- Handlers ----

  start(env: SwimEnvironment): void {
    this.#self = identityOf(env.self);
    // Not all in the same millisecond, and still early in the period.
    this.#phase = env.random.below(Math.ceil(this.options.probeIntervalMs / 10));
    this.#spreading.spread(this.#standing.record(env), newsRanks.own, env);
    this.#scheduleProbe(1, env);
    this.#sync.start(env);
  }

  onHeard(from: NodeId): void {
    this.#probes.onHeard(from);
  }

  onNotice(notice: Typed, env: SwimEnvironment): void {
    if (this.#isLeaving) return;
    const known = notice as StackNotice;
    if (known.type === "peer-met") this.#meet(known.peer, env);
    else if (known.type === "neighbor-up") this.#meet(known.neighbor, env);
    else if (known.type === "neighbor-down" && known.reason !== "replaced")
      this.#view.noteLost(known.neighbor);
  }

  onCommand(command: SwimCommand, env: SwimEnvironment): void {
    switch (command.type) {
      case "leave":
        return this.#leave(env);
      case "unreachable":
        return this.#onUnreachable(command.node, env);
      case "stalled":
        if (this.options.localHealth) this.#onStall(command.ms, env);
        return;
      case "set-tags":
        return this.#standing.setTags(command.tags, env);
      case "persisted":
        if (command.key === "incarnation" && !this.#isLeaving) this.#standing.onPersisted(env);
        return;
    }
  }

  onMessage(from: NodeId, message: SwimMessage, env: SwimEnvironment): void {
    if (this.#hasLeft) return;
    switch (message.type) {
      case "ping":
      case "stream-ping":
        this.#probes.onPing(from, message, this.#learn(message.updates, from, env), env);
        return this.#meet(from, env);
      case "ack":
      case "stream-ack":
        this.#correct(from, this.#learn(message.updates, from, env), env);
        return this.#probes.onAck(from, message, env);
      case "ping-request":
        this.#correct(from, this.#learn(message.updates, from, env), env);
        return this.#probes.onPingRequest(from, message, env);
      case "nack":
        return this.#probes.onNack(from, message);
      case "gossip":
        return this.#correct(from, this.#learn(message.updates, from, env), env);
      case "sync-compare":
        return this.#sync.onCompare(from, message, env);
      case "sync-equal":
        return this.#sync.onEqual(from, message.nonce, env);
      case "sync-digest":
        return this.#sync.onDigest(from, message, env);
      case "sync-want":
        return this.#sync.onWant(from, message, env);
      case "sync-updates":
        return this.#sync.onUpdates(from, message, env);
    }
  }

  onTimer(timer: SwimTimer, env: SwimEnvironment): void {
    if (this.#hasLeft) return;
    const lateMs = env.now - timer.dueAt;
    if (this.options.localHealth && lateMs > this.options.pauseMs && timer.dueAt > this.#awakeSince)
      this.#onStall(lateMs, env);
    switch (timer.type) {
      case "probe":
        return this.#onProbeTimer(env);
      case "probe-timeout":
      case "probe-end":
      case "errand-end":
        return this.#probes.onTimer(timer, env);
      case "suspicion":
        return this.#onSuspicionTimer(timer, env);
      case "gossip":
        return this.#spreading.onTimer(env);
      case "sync":
        if (this.#isLeaving) return;
        this.#view.forgetLongGone(env);
        return this.#sync.onSyncTimer(env);
      case "sync-timeout":
        return this.#sync.onTimeout(timer.nonce, env);
      case "reconnect":
        if (!this.#isLeaving) this.#sync.onReconnectTimer(env);
        return;
      case "refute":
        if (!this.#isLeaving) this.#standing.onRefuteTimer(timer.dueAt, env);
        return;
      case "left":
        this.#hasLeft = true;
        return env.notify({ type: "left" });
    }
  }

  // ---- Probing ----

  #onProbeTimer(env: SwimEnvironment): void {
    if (this.#isLeaving) return;
    // In bad health we ask more rarely (Lifeguard, 3.1).
    this.#scheduleProbe(this.#health.multiplier, env);
    this.#probeNext(env);
  }

  #scheduleProbe(periods: number, env: SwimEnvironment): void {
    const { probeIntervalMs, probeOrder } = this.options;
    const period = Math.floor(env.now / probeIntervalMs);
    const dueAt =
      probeOrder === "shared"
        ? (period + periods) * probeIntervalMs + this.#phase
        : env.now + periods * probeIntervalMs;
    env.schedule(dueAt - env.now, { type: "probe", dueAt });
  }

  #probeNext(env: SwimEnvironment): void {
    if (this.isPartial) return this.#probeNeighbor(env);
    const period = Math.floor(env.now / this.options.probeIntervalMs);
    // Who keeps a list that it cannot watch asks those whom others doubt, every other time.
    const suspect = this.#view.isLarge && period % 2 === 0 ? this.#suspicions.next() : undefined;
    if (suspect !== undefined) return this.#probes.probe(suspect, env);
    const order = this.options.probeOrder === "shared" ? this.#shared : this.#random;
    const member = order.next(period, env.random);
    if (member !== undefined) this.#probes.probe(member, env);
  }

  #probeNeighbor(env: SwimEnvironment): void {
    const neighbor = this.#view.nextNeighbor();
    if (neighbor === undefined) return;
    const member = this.#members.get(identityOf(neighbor));
    if (member?.isHere) this.#probes.probe(member, env);
    else this.#sync.meet(neighbor, env);
  }

  /** We stood still: nobody else is to blame. Whoever doubts us tells us so in answer to a ping. */
  #onStall(ms: Millis, env: SwimEnvironment): void {
    if (env.now - ms < this.#awakeSince) return; // a timer has told us of it already
    this.counters.stalls++;
    this.#awakeSince = env.now;
    this.#changeHealth(1, `stood still for ${Math.round(ms)} ms`, env);
    this.#probes.discard();
    this.#suspicions.restart(env);
    if (!this.#isLeaving) this.#probeNext(env);
  }

  #onUnreachable(node: NodeId, env: SwimEnvironment): void {
    if (this.#isLeaving) return;
    this.#sync.onUnreachable(node, env);
    const member = this.#members.get(identityOf(node));
    if (member?.isHere && member.peer === node) this.#probes.probe(member, env);
  }

  #onSuspicionTimer(timer: SwimTimer & { readonly type: "suspicion" }, env: SwimEnvironment): void {
    const before = this.counters.failures;
    this.#suspicions.onTimer(timer, env);
    if (this.counters.failures > before) this.#sync.onFailed();
  }

  #changeHealth(by: number, reason: string, env: SwimEnvironment): void {
    if (this.#health.change(by)) env.notify({ type: "local-health", score: this.#health.score, reason });
  }

  // ---- Members ----

  /** Somebody new is here, or somebody is here again. */
  #onMember(member: MemberEntry, env: SwimEnvironment): void {
    this.#sync.noteMember(member);
    if (this.options.probeOrder === "random") this.#random.add(member, env.random);
    if (this.#members.here.length + 1 > this.options.fullViewMembers) this.#view.becomePartial(env);
  }

  #meet(node: NodeId, env: SwimEnvironment): void {
    // A partial view knows few of those who ask, on an errand or by chance: only neighbors are worth a comparison.
    if (!this.#view.isWatched(node)) return;
    if (this.#members.get(identityOf(node)) === undefined && !this.#isLeaving) this.#sync.meet(node, env);
  }

  // ---- What others say, and whom we talk to ----

  #learn(updates: readonly Update[], from: NodeId, env: SwimEnvironment): readonly Update[] {
    return updates.length === 0 ? noUpdates : this.#learning.learn(updates, from, true, env);
  }

  /** Whoever doubts a life that is over learns of the next one. */
  #correct(from: NodeId, records: readonly Update[], env: SwimEnvironment): void {
    if (records.length > 0) env.send(from, { type: "gossip", updates: records });
  }

  // ---- Leaving ----

  #leave(env: SwimEnvironment): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    env.notify({ type: "leaving" });
    const notice = this.#standing.leave(env);
    this.#spreading.spread(notice, newsRanks.own, env);
    for (const node of this.#view.companions(2 * this.options.gossipFanout, undefined, env))
      env.send(node, { type: "gossip", updates: [notice] });
    const after = this.#members.here.length === 0 ? 0 : leaveGossips * this.options.gossipIntervalMs;
    env.schedule(after, { type: "left", dueAt: env.now + after });
  }
}
