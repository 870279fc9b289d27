/**
 * Heartbeat: is the process at the other end of this link alive? (The seed report, section 6; the implementation
 * report, section 6.) A ping every 13 s to each neighbor; after 3 unanswered in a row the neighbor is suspected,
 * other neighbors of it are asked to try, and only if they fail too is it given up.
 *
 *     A -> ping -> C … silence, three times
 *     A -> probe-request(C) -> B -> ping -> C … silence     =>  neighbor-failed (and the seeds are told)
 *                              B -> ping -> C -> ping-reply -> B -> probe-reply -> A   =>  neighbor-unreachable
 *
 * With a quorum of k the silence of the witnesses is not enough: k-1 of them must say that they could not reach C either.
 *
 *                              B -> ping -> C … silence; B -> probe-miss -> A
 *
 * Any message is a sign of life: a neighbor whose answers wait behind its gossip is not dead. And a timer that fires
 * late tells of our own trouble, not of the neighbor's (the local health of Lifeguard): then nobody is judged.
 *
 * It is the process that must answer, so a hung one is noticed; a ping of the operating system would not.
 *
 * The report argues with p^3: if one ping is lost with probability p, three in a row are lost with p^3. Given p
 * and the false-alarm rate that is wanted, `missesFor` turns this round and says how many misses to wait for.
 */
import {
  type Environment,
  type Evidence,
  type FailureDetector,
  type Identity,
  identityOf,
  type LinkQuality,
  type MemberState,
  type Millis,
  type NeighborView,
  type NodeId,
  nonce,
  type Protocol,
  type StackNotice,
  type Standing,
  sample,
  type Typed,
  UsageError,
} from "../core/index.ts";
import { EvidenceLog, maxEvidenceMembers } from "./evidence-log.ts";
import { type ErrandTimer, HeartbeatErrands } from "./heartbeat-errands.ts";
import { type HeartbeatOptions, heartbeatOptions, missesFor } from "./heartbeat-options.ts";
import { type HeartbeatMessage, maxWitnesses, type PingReply } from "./messages.ts";

export interface HeartbeatConfig {
  readonly view: NeighborView;
  readonly standing: Standing;
  readonly options?: Partial<HeartbeatOptions>;
}

export type HeartbeatTimer =
  | { readonly type: "ping"; readonly neighbor: NodeId; readonly generation: number }
  | {
      readonly type: "ping-timeout";
      readonly neighbor: NodeId;
      readonly nonce: number;
      readonly dueAt: Millis;
    }
  | { readonly type: "verdict"; readonly neighbor: NodeId; readonly nonce: number; readonly dueAt: Millis }
  | ErrandTimer;

export type HeartbeatCommand = never;

export type HeartbeatNotice =
  | StackNotice
  | { readonly type: "ping-sent"; readonly neighbor: NodeId }
  | { readonly type: "ping-answered"; readonly neighbor: NodeId; readonly rttMs: number }
  | { readonly type: "ping-missed"; readonly neighbor: NodeId; readonly misses: number }
  | {
      readonly type: "suspected";
      readonly neighbor: NodeId;
      readonly misses: number;
      readonly witnesses: readonly NodeId[];
    };

type HeartbeatEnvironment = Environment<HeartbeatMessage, HeartbeatTimer, HeartbeatNotice>;

interface Watch {
  /** Tells the timers of this link from those of an earlier one to the same peer. */
  readonly generation: number;
  incarnation: number;
  /** The ping under way; 0 where none is. */
  nonce: number;
  /** Something came from the neighbor since that ping. */
  wasHeard: boolean;
  sentAt: Millis;
  misses: number;
  rttMs: number | undefined;
  /** Answers in a row that said "you are not my neighbor". */
  oneSided: number;
  witnesses: readonly NodeId[];
  /** The question to the witnesses; 0 where none is under way. */
  inquiry: number;
  /** Whom it went to. */
  asked: readonly NodeId[];
  /** Suspected, and not heard of since. */
  isDoubted: boolean;
  /** Witnesses who said meanwhile that they do not reach it either. Empty unless a quorum is wanted. */
  accusers: readonly NodeId[];
  /** So many votes the evidence speaks of already. */
  counted: number;
}

export class Heartbeat
  implements
    Protocol<HeartbeatMessage, HeartbeatTimer, HeartbeatNotice, HeartbeatCommand>,
    LinkQuality,
    FailureDetector
{
  readonly counters = {
    pings: 0,
    misses: 0,
    impliedAnswers: 0,
    lateTimers: 0,
    suspicions: 0,
    failures: 0,
    cleared: 0,
    errands: 0,
    unasked: 0,
    awaitsQuorum: 0,
  };
  /** Misses in a row that make a suspect. */
  readonly misses: number;
  readonly #options: HeartbeatOptions;
  readonly #config: HeartbeatConfig;
  readonly #timeoutMs: Millis;
  readonly #watches = new Map<NodeId, Watch>();
  /** How links to others ended; the oldest is forgotten. */
  readonly #verdicts = new Map<Identity, "failed" | "left">();
  readonly #evidence = new EvidenceLog();
  readonly #errands: HeartbeatErrands;
  #generation = 0;

  constructor(config: HeartbeatConfig) {
    this.#config = config;
    this.#options = heartbeatOptions(config.options);
    const { misses, pingFailureRate, falseAlarmRate, pingIntervalMs, pingTimeoutMs } = this.#options;
    const { quorum, witnesses } = this.#options;
    this.misses = pingFailureRate > 0 ? missesFor(pingFailureRate, falseAlarmRate) : misses;
    this.#timeoutMs = pingTimeoutMs > 0 ? pingTimeoutMs : Math.ceil(pingIntervalMs * 0.3);
    if (this.#timeoutMs > pingIntervalMs) {
      throw new UsageError(
        `pingTimeoutMs: ${this.#timeoutMs} is more than pingIntervalMs (${pingIntervalMs})`,
      );
    }
    if (quorum > witnesses + 1)
      throw new UsageError(
        `quorum: ${quorum} needs ${quorum - 1} witnesses, and ${witnesses} are asked; raise witnesses`,
      );
    this.#errands = new HeartbeatErrands(this.#timeoutMs);
  }

  rttMs(neighbor: NodeId): number | undefined {
    return this.#watches.get(neighbor)?.rttMs;
  }
  isAnswering(neighbor: NodeId): boolean {
    return (this.#watches.get(neighbor)?.misses ?? 0) === 0;
  }

  stateOf(node: NodeId): MemberState {
    const watch = this.#watches.get(node);
    const verdict = this.#verdicts.get(identityOf(node));
    if (watch === undefined || verdict !== undefined) return verdict ?? "unknown";
    return watch.isDoubted ? "suspect" : "alive";
  }
  why(node: NodeId): readonly Evidence[] {
    return this.#evidence.of(node);
  }

  start(_env: HeartbeatEnvironment): void {}

  onHeard(from: NodeId): void {
    const watch = this.#watches.get(from);
    if (watch !== undefined) watch.wasHeard = true;
  }

  onCommand(_command: HeartbeatCommand): void {}

  onNotice(notice: Typed, env: HeartbeatEnvironment): void {
    const known = notice as StackNotice;
    switch (known.type) {
      case "neighbor-up":
        return this.#watch(known.neighbor, known.incarnation, env);
      case "neighbor-down":
        if (known.reason === "left") this.#bury(known.neighbor, "left");
        this.#watches.delete(known.neighbor);
        return;
    }
  }

  #bury(neighbor: NodeId, verdict: "failed" | "left"): void {
    const identity = identityOf(neighbor);
    this.#verdicts.delete(identity);
    this.#verdicts.set(identity, verdict);
    if (this.#verdicts.size > maxEvidenceMembers) this.#verdicts.delete(this.#verdicts.keys().next().value!);
  }

  onMessage(from: NodeId, message: HeartbeatMessage, env: HeartbeatEnvironment): void {
    switch (message.type) {
      case "ping":
        return env.send(from, {
          type: "ping-reply",
          nonce: message.nonce,
          isLinked: this.#config.view.has(from),
          incarnation: this.#config.standing.incarnation,
          witnesses: this.#witnessesFor(from, env),
        });
      case "ping-reply":
        return this.#onPingReply(from, message, env);
      case "probe-request":
        if (message.suspect === env.self) return; // the asker will hear our ping-replies or not
        this.counters.errands++;
        return this.#errands.take(from, message, env);
      case "probe-reply":
        return this.#onProbeReply(from, message.nonce, env);
      case "probe-miss":
        return this.#onProbeMiss(from, message.nonce, env);
    }
  }

  onTimer(timer: HeartbeatTimer, env: HeartbeatEnvironment): void {
    if (timer.type === "errand-timeout") return this.#errands.onTimeout(timer, env);
    const watch = this.#watches.get(timer.neighbor);
    if (watch === undefined) return; // no neighbor any more
    switch (timer.type) {
      case "ping":
        if (timer.generation !== watch.generation) return;
        this.#ping(timer.neighbor, watch, env);
        return env.schedule(this.#options.pingIntervalMs, timer);
      case "ping-timeout":
        if (timer.nonce !== watch.nonce) return; // answered
        if (this.#isLate(timer, env)) return;
        watch.nonce = 0;
        if (this.#isHeard(timer.neighbor, watch, env)) return;
        watch.misses++;
        this.counters.misses++;
        env.notify({ type: "ping-missed", neighbor: timer.neighbor, misses: watch.misses });
        if (!watch.isDoubted)
          this.#note(timer.neighbor, watch, env, { kind: "missed", detail: this.#missesOf(watch) });
        if (watch.misses >= this.misses && watch.inquiry === 0) this.#suspect(timer.neighbor, watch, env);
        return;
      case "verdict":
        if (timer.nonce !== watch.inquiry) return; // cleared meanwhile
        if (this.#isLate(timer, env)) return;
        watch.inquiry = 0;
        if (this.#isHeard(timer.neighbor, watch, env)) return;
        return this.#judge(timer.neighbor, watch, env);
    }
  }

  #watch(neighbor: NodeId, incarnation: number, env: HeartbeatEnvironment): void {
    const generation = ++this.#generation;
    this.#watches.set(neighbor, {
      generation,
      incarnation,
      nonce: 0,
      wasHeard: false,
      sentAt: 0,
      misses: 0,
      rttMs: undefined,
      oneSided: 0,
      witnesses: [],
      inquiry: 0,
      asked: [],
      isDoubted: false,
      accusers: [],
      counted: 0,
    });
    this.#verdicts.delete(identityOf(neighbor));
    // Somewhere in the first interval, so that a network that starts at once does not ping in step.
    env.schedule(env.random.below(this.#options.pingIntervalMs), { type: "ping", neighbor, generation });
  }

  #ping(neighbor: NodeId, watch: Watch, env: HeartbeatEnvironment): void {
    watch.nonce = nonce(env.random);
    watch.wasHeard = false;
    watch.sentAt = env.now;
    this.counters.pings++;
    env.notify({ type: "ping-sent", neighbor });
    env.send(neighbor, { type: "ping", nonce: watch.nonce });
    const dueAt = env.now + this.#timeoutMs;
    env.schedule(this.#timeoutMs, { type: "ping-timeout", neighbor, nonce: watch.nonce, dueAt });
  }

  /** We were away when this timer was due: the answer may be waiting unread. Gives it the same time once more. */
  #isLate(
    timer: Extract<HeartbeatTimer, { readonly type: "ping-timeout" | "verdict" }>,
    env: HeartbeatEnvironment,
  ): boolean {
    if (env.now - timer.dueAt <= this.#timeoutMs / 2) return false;
    this.counters.lateTimers++;
    env.schedule(this.#timeoutMs, { ...timer, dueAt: env.now + this.#timeoutMs });
    return true;
  }

  #onPingReply(from: NodeId, reply: PingReply, env: HeartbeatEnvironment): void {
    if (this.#errands.answered(from, reply.nonce, env)) return;
    const watch = this.#watches.get(from);
    if (watch === undefined || watch.nonce === 0 || watch.nonce !== reply.nonce) {
      this.counters.unasked++;
      return;
    }
    const rttMs = env.now - watch.sentAt;
    this.#clear(from, watch, env, "it answered");
    watch.nonce = 0;
    watch.inquiry = 0;
    watch.wasHeard = true;
    watch.rttMs = watch.rttMs === undefined ? rttMs : watch.rttMs + (rttMs - watch.rttMs) / 8; // as TCP smooths
    watch.incarnation = Math.max(watch.incarnation, reply.incarnation);
    watch.witnesses = reply.witnesses;
    env.notify({ type: "ping-answered", neighbor: from, rttMs });
    // Twice, since the first may have crossed the accept on its way.
    watch.oneSided = reply.isLinked ? 0 : watch.oneSided + 1;
    if (watch.oneSided >= 2) env.notify({ type: "neighbor-one-sided", neighbor: from });
  }

  #suspect(neighbor: NodeId, watch: Watch, env: HeartbeatEnvironment): void {
    const { quorum } = this.#options;
    const isNew = !watch.isDoubted;
    watch.inquiry = nonce(env.random);
    watch.isDoubted = true;
    this.counters.suspicions++;
    const witnesses = sample(this.#whoMayKnow(neighbor, watch, env), this.#options.witnesses, env.random);
    watch.asked = witnesses;
    env.notify({ type: "suspected", neighbor, misses: watch.misses, witnesses });
    if (isNew)
      this.#note(neighbor, watch, env, {
        kind: "suspected",
        through: witnesses,
        detail: `${this.#missesOf(watch)}; ${witnesses.length} witnesses are asked`,
      });
    for (const witness of witnesses)
      env.send(witness, {
        type: "probe-request",
        nonce: watch.inquiry,
        suspect: neighbor,
        wantsMiss: quorum > 1,
      });
    // A miss comes when the time-out of the witness is over, and its way to us.
    const patience = witnesses.length === 0 ? 0 : this.#timeoutMs * (quorum > 1 ? 2 : 1);
    env.schedule(patience, { type: "verdict", neighbor, nonce: watch.inquiry, dueAt: env.now + patience });
  }

  /** Other neighbors of the suspect; where they are too few for a quorum our own, too. */
  #whoMayKnow(suspect: NodeId, { witnesses }: Watch, env: HeartbeatEnvironment): readonly NodeId[] {
    const isOther = (node: NodeId) => node !== env.self && node !== suspect;
    const named = witnesses.filter(isOther);
    if (named.length >= this.#options.quorum - 1) return named;
    const ours = this.#config.view.neighbors.filter((node) => isOther(node) && !named.includes(node));
    return [...named, ...ours];
  }

  /** No witness reaches it. Is that enough? */
  #judge(neighbor: NodeId, watch: Watch, env: HeartbeatEnvironment): void {
    const { quorum } = this.#options;
    const votes = 1 + watch.accusers.length;
    if (votes < quorum) {
      // The next miss asks again.
      this.counters.awaitsQuorum++;
      if (watch.counted === votes) return;
      watch.counted = votes;
      return this.#note(neighbor, watch, env, {
        kind: "awaits-quorum",
        through: watch.accusers,
        detail: `${votes} of ${quorum} say that it is silent`,
      });
    }
    this.counters.failures++;
    this.#bury(neighbor, "failed");
    this.#note(neighbor, watch, env, {
      kind: "failed",
      through: quorum > 1 ? watch.accusers : watch.asked,
      detail:
        quorum > 1
          ? `${votes} of ${quorum} say that it is silent`
          : `none of ${watch.asked.length} witnesses reaches it`,
    });
    env.notify({
      type: "neighbor-failed",
      neighbor,
      incarnation: watch.incarnation,
      misses: watch.misses,
    });
  }

  /** A witness reaches the suspect. Only those whom we asked can know the nonce. */
  #onProbeReply(witness: NodeId, answered: number, env: HeartbeatEnvironment): void {
    const asked = this.#inquiryOf(answered);
    if (asked === undefined) {
      this.counters.unasked++;
      return;
    }
    const [neighbor, watch] = asked;
    watch.inquiry = 0;
    watch.isDoubted = false;
    watch.accusers = [];
    watch.counted = 0;
    this.counters.cleared++;
    this.#note(neighbor, watch, env, { kind: "alive", by: witness, detail: "the witness reaches it" });
    env.notify({ type: "neighbor-unreachable", neighbor, witness });
  }

  /** A witness is one vote, however often it says so. */
  #onProbeMiss(witness: NodeId, answered: number, env: HeartbeatEnvironment): void {
    const asked = this.#inquiryOf(answered);
    const identity = identityOf(witness);
    const isSame = (other: NodeId) => identityOf(other) === identity;
    if (asked === undefined || !asked[1].asked.some(isSame) || this.#options.quorum === 1) {
      this.counters.unasked++;
      return;
    }
    const [neighbor, watch] = asked;
    if (watch.accusers.some(isSame)) return;
    watch.accusers = [...watch.accusers, witness];
    this.#note(neighbor, watch, env, { kind: "missed", by: witness, detail: "the witness got no answer" });
    if (1 + watch.accusers.length < this.#options.quorum) return;
    watch.inquiry = 0;
    if (!this.#isHeard(neighbor, watch, env)) this.#judge(neighbor, watch, env);
  }

  #inquiryOf(answered: number): readonly [NodeId, Watch] | undefined {
    if (answered === 0) return undefined;
    for (const entry of this.#watches) if (entry[1].inquiry === answered) return entry;
    return undefined;
  }

  /** Something else than the answer came, from the neighbor itself. */
  #isHeard(neighbor: NodeId, watch: Watch, env: HeartbeatEnvironment): boolean {
    if (!watch.wasHeard) return false;
    this.#clear(neighbor, watch, env, "another message of it came");
    this.counters.impliedAnswers++;
    return true;
  }

  #clear(neighbor: NodeId, watch: Watch, env: HeartbeatEnvironment, detail: string): void {
    if (watch.misses > 0) this.#note(neighbor, watch, env, { kind: "alive", by: neighbor, detail });
    watch.misses = 0;
    watch.isDoubted = false;
    watch.accusers = [];
    watch.counted = 0;
    this.#verdicts.delete(identityOf(neighbor));
  }

  #missesOf({ misses }: Watch): string {
    return `${misses} of ${this.misses} misses in a row`;
  }

  #note(
    neighbor: NodeId,
    { incarnation }: Watch,
    env: HeartbeatEnvironment,
    finding: Pick<Evidence, "kind" | "detail"> & Partial<Pick<Evidence, "by" | "through">>,
  ): void {
    this.#evidence.add(neighbor, { at: env.now, by: env.self, through: [], incarnation, ...finding });
  }

  #witnessesFor(asker: NodeId, env: HeartbeatEnvironment): NodeId[] {
    const chosen = sample(this.#config.view.neighbors, maxWitnesses, env.random);
    return chosen.filter((neighbor) => neighbor !== asker);
  }
}
