/**
 * Heartbeat: is the process at the other end of this link alive? (The seed report, section 6; the implementation
 * report, section 6.) A ping every 13 s to each neighbor; after 3 unanswered in a row the neighbor is suspected,
 * other neighbors of it are asked to try, and only if they fail too is it given up.
 *
 *     A -> ping -> C … silence, three times
 *     A -> probe-request(C) -> B -> ping -> C … silence     =>  neighbor-failed (and the seeds are told)
 *                              B -> ping -> C -> ping-reply -> B -> probe-reply -> A   =>  neighbor-unreachable
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
  type Evidence,
  type FailureDetector,
  type MemberState,
  defineOptions,
  type Environment,
  type LinkQuality,
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
import { type HeartbeatMessage, maxWitnesses, type PingReply } from "./messages.ts";

export interface HeartbeatOptions {
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  readonly misses: number;
  readonly pingFailureRate: number;
  readonly falseAlarmRate: number;
  readonly witnesses: number;
}

export const heartbeatOptions = defineOptions<HeartbeatOptions>({
  pingIntervalMs: {
    default: 13_000,
    min: 20,
    max: 3_600_000,
    description: "How often each neighbor is pinged (13 s: both reports)",
  },
  pingTimeoutMs: {
    default: 0,
    min: 0,
    max: 600_000,
    description: "How long an answer may take; 0 means 30 % of the ping interval (guess)",
  },
  misses: {
    default: 3,
    min: 1,
    max: 1000,
    description: "Unanswered pings in a row before suspicion (3: both reports)",
  },
  pingFailureRate: {
    default: 0,
    min: 0,
    max: 0.99,
    isFraction: true,
    description:
      "The p of the report: how often one ping fails though both are alive; above 0 it replaces --misses",
  },
  falseAlarmRate: {
    default: 0.001,
    min: 1e-12,
    max: 0.5,
    isFraction: true,
    description: "With --ping-failure-rate: wait for so many misses that p^misses is at most this (guess)",
  },
  witnesses: {
    default: 3,
    min: 0,
    max: maxWitnesses,
    description: "How many other neighbors of a suspect are asked to try (3: SWIM and memberlist)",
  },
});

/**
 * The least m with p^m <= limit: how many misses in a row to wait for (the seed report, section 6, read the
 * sensible way round). Throws `UsageError` unless 0 < p < 1 and 0 < limit < 1.
 */
export function missesFor(pingFailureRate: number, falseAlarmRate: number): number {
  if (!(pingFailureRate > 0 && pingFailureRate < 1))
    throw new UsageError(`pingFailureRate: ${pingFailureRate} is not between 0 and 1`);
  if (!(falseAlarmRate > 0 && falseAlarmRate < 1))
    throw new UsageError(`falseAlarmRate: ${falseAlarmRate} is not between 0 and 1`);
  let misses = 1;
  for (let chance = pingFailureRate; chance > falseAlarmRate * (1 + 1e-12); chance *= pingFailureRate)
    misses++;
  return misses;
}

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
  | { readonly type: "verdict"; readonly neighbor: NodeId; readonly nonce: number; readonly dueAt: Millis };

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
}

/** A ping on somebody else's behalf. */
interface Errand {
  readonly asker: NodeId;
  readonly nonce: number;
  readonly suspect: NodeId;
}

const maxErrands = 256;

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
  };
  /** Misses in a row that make a suspect. */
  readonly misses: number;
  readonly #options: HeartbeatOptions;
  readonly #config: HeartbeatConfig;
  readonly #timeoutMs: Millis;
  readonly #watches = new Map<NodeId, Watch>();
  readonly #errands = new Map<number, Errand>();
  #generation = 0;

  constructor(config: HeartbeatConfig) {
    this.#config = config;
    this.#options = heartbeatOptions(config.options);
    const { misses, pingFailureRate, falseAlarmRate, pingIntervalMs, pingTimeoutMs } = this.#options;
    this.misses = pingFailureRate > 0 ? missesFor(pingFailureRate, falseAlarmRate) : misses;
    this.#timeoutMs = pingTimeoutMs > 0 ? pingTimeoutMs : Math.ceil(pingIntervalMs * 0.3);
    if (this.#timeoutMs > pingIntervalMs) {
      throw new UsageError(
        `pingTimeoutMs: ${this.#timeoutMs} is more than pingIntervalMs (${pingIntervalMs})`,
      );
    }
  }

  rttMs(neighbor: NodeId): number | undefined {
    return this.#watches.get(neighbor)?.rttMs;
  }
  isAnswering(neighbor: NodeId): boolean {
    return (this.#watches.get(neighbor)?.misses ?? 0) === 0;
  }

  stateOf(node: NodeId): MemberState {
    const watch = this.#watches.get(node);
    if (watch === undefined) return "unknown";
    return watch.inquiry === 0 ? "alive" : "suspect";
  }
  why(_node: NodeId): readonly Evidence[] {
    return [];
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
        this.#watches.delete(known.neighbor);
        return;
    }
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
        return this.#onProbeRequest(from, message.nonce, message.suspect, env);
      case "probe-reply":
        return this.#onProbeReply(from, message.nonce, env);
    }
  }

  onTimer(timer: HeartbeatTimer, env: HeartbeatEnvironment): void {
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
        if (watch.wasHeard) {
          watch.misses = 0;
          this.counters.impliedAnswers++;
          return;
        }
        watch.misses++;
        this.counters.misses++;
        env.notify({ type: "ping-missed", neighbor: timer.neighbor, misses: watch.misses });
        if (watch.misses >= this.misses && watch.inquiry === 0) this.#suspect(timer.neighbor, watch, env);
        return;
      case "verdict":
        if (timer.nonce !== watch.inquiry) return; // cleared meanwhile
        if (this.#isLate(timer, env)) return;
        watch.inquiry = 0;
        if (watch.wasHeard) {
          watch.misses = 0;
          this.counters.impliedAnswers++;
          return;
        }
        this.counters.failures++;
        return env.notify({
          type: "neighbor-failed",
          neighbor: timer.neighbor,
          incarnation: watch.incarnation,
          misses: watch.misses,
        });
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
    });
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
  #isLate(timer: Exclude<HeartbeatTimer, { readonly type: "ping" }>, env: HeartbeatEnvironment): boolean {
    if (env.now - timer.dueAt <= this.#timeoutMs / 2) return false;
    this.counters.lateTimers++;
    env.schedule(this.#timeoutMs, { ...timer, dueAt: env.now + this.#timeoutMs });
    return true;
  }

  #onPingReply(from: NodeId, reply: PingReply, env: HeartbeatEnvironment): void {
    const errand = this.#errands.get(reply.nonce);
    if (errand !== undefined && errand.suspect === from) {
      this.#errands.delete(reply.nonce);
      env.send(errand.asker, { type: "probe-reply", nonce: errand.nonce });
      return;
    }
    const watch = this.#watches.get(from);
    if (watch === undefined || watch.nonce === 0 || watch.nonce !== reply.nonce) {
      this.counters.unasked++;
      return;
    }
    const rttMs = env.now - watch.sentAt;
    watch.nonce = 0;
    watch.misses = 0;
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
    watch.inquiry = nonce(env.random);
    this.counters.suspicions++;
    const others = watch.witnesses.filter((witness) => witness !== env.self && witness !== neighbor);
    const witnesses = sample(others, this.#options.witnesses, env.random);
    env.notify({ type: "suspected", neighbor, misses: watch.misses, witnesses });
    for (const witness of witnesses)
      env.send(witness, { type: "probe-request", nonce: watch.inquiry, suspect: neighbor });
    const patience = witnesses.length === 0 ? 0 : this.#timeoutMs;
    env.schedule(patience, { type: "verdict", neighbor, nonce: watch.inquiry, dueAt: env.now + patience });
  }

  #onProbeRequest(asker: NodeId, asked: number, suspect: NodeId, env: HeartbeatEnvironment): void {
    if (suspect === env.self) return; // the asker will hear our ping-replies or not
    const own = nonce(env.random);
    this.#errands.set(own, { asker, nonce: asked, suspect });
    if (this.#errands.size > maxErrands) this.#errands.delete(this.#errands.keys().next().value!);
    this.counters.errands++;
    env.send(suspect, { type: "ping", nonce: own });
  }

  /** A witness reaches the suspect. Only those whom we asked can know the nonce. */
  #onProbeReply(witness: NodeId, answered: number, env: HeartbeatEnvironment): void {
    for (const [neighbor, watch] of this.#watches) {
      if (answered === 0 || watch.inquiry !== answered) continue;
      watch.inquiry = 0;
      this.counters.cleared++;
      env.notify({ type: "neighbor-unreachable", neighbor, witness });
      return;
    }
    this.counters.unasked++;
  }

  #witnessesFor(asker: NodeId, env: HeartbeatEnvironment): NodeId[] {
    const chosen = sample(this.#config.view.neighbors, maxWitnesses, env.random);
    return chosen.filter((neighbor) => neighbor !== asker);
  }
}
