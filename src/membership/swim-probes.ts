import { type Identity, identityOf, type Millis, type NodeId, nonce } from "../core/index.ts";
import { PerSecond } from "./per-second.ts";
import type { MemberEntry } from "./swim-members.ts";
import type { Nack, PingRequest, StreamAck, StreamPing, SwimAck, SwimPing } from "./swim-messages.ts";
import { noUpdates, type ProbeTimer, type SwimEnvironment, type SwimParts } from "./swim-parts.ts";

/** A question that is under way. */
interface Probe {
  readonly member: MemberEntry;
  /** The life that is asked: what is said of it is void once there is another. */
  readonly incarnation: number;
  readonly startedAt: Millis;
  readonly endsAt: Millis;
  helpers: readonly NodeId[];
  /** Of the helpers those who could not reach it either. */
  readonly nackers: NodeId[];
  isIndirect: boolean;
  /** Something came from it, for whichever layer, while nothing came for us. */
  wasHeard: boolean;
}

/** A ping for somebody else. */
interface Errand {
  readonly asker: NodeId;
  readonly nonce: number;
  readonly target: NodeId;
}

// Bounds; guesses: many times what is under way in a large network of which half fails.
const maxProbes = 512;
const maxErrands = 256;
const maxErrandsOfOne = 32;
/** To nodes that we do not know, at whatever address an asker names. */
const maxStrangersPerSecond = 32;
const maxFailedErrands = 256;

/** Below this a round trip is noise of the event loop. */
const rttMarginMs = 20;

/**
 * Probes: a direct ping first; then others are asked to try, and the question goes over a stream, too.
 *
 *     A -> ping -> C … silence
 *     A -> ping-request(C) -> B -> ping -> C -> ack -> B -> ack -> A
 *                             B -> ping -> C … silence, B -> nack -> A: "I am well, C is silent"
 *     A -> stream-ping -> C -> stream-ack -> A: what loses datagrams may still carry a stream
 */
export class SwimProbes {
  readonly #parts: SwimParts;
  readonly #probes = new Map<number, Probe>();
  /** Who is probed already. */
  readonly #probed = new Set<MemberEntry>();
  readonly #errands = new Map<number, Errand>();
  /** When we could not reach somebody for others: with a doubt of theirs, half a probe of our own. */
  readonly #failedErrands = new Map<Identity, Millis>();
  readonly #rates = new PerSecond({ stranger: maxStrangersPerSecond });
  /** Probes that wait for others' help. */
  #indirect = 0;
  /** Smoothed over all who answer, for those who have not answered yet. */
  #meanRttMs = 0;

  constructor(parts: SwimParts) {
    this.#parts = parts;
  }

  /** Asks directly, then through others. Once at a time. */
  probe(member: MemberEntry, env: SwimEnvironment): void {
    if (this.#probed.has(member) || this.#probes.size >= maxProbes) return;
    const { counters, options, health } = this.#parts;
    const asked = nonce(env.random);
    const timeoutMs = this.#timeoutMs(member);
    // Two ways through a helper have to fit in after the direct one.
    const wholeMs = Math.ceil(Math.max(options.probeIntervalMs * health.multiplier, 2.5 * timeoutMs));
    counters.probes++;
    this.#probed.add(member);
    this.#probes.set(asked, {
      member,
      incarnation: member.incarnation,
      startedAt: env.now,
      endsAt: env.now + wholeMs,
      helpers: [],
      nackers: [],
      isIndirect: false,
      wasHeard: false,
    });
    env.send(member.peer, { type: "ping", nonce: asked, updates: this.#parts.updatesFor(member.peer) });
    env.schedule(timeoutMs, { type: "probe-timeout", nonce: asked, dueAt: env.now + timeoutMs });
  }

  /** Somebody else doubts it, and we could not reach it on an errand a moment ago: we ask others, and say what we find. */
  confirm(member: MemberEntry, env: SwimEnvironment): void {
    const failedAt = this.#failedErrands.get(member.identity);
    const recently = 2 * this.#parts.options.probeIntervalMs * this.#parts.health.multiplier;
    if (failedAt === undefined || env.now - failedAt > recently) return;
    this.#failedErrands.delete(member.identity);
    this.probe(member, env);
  }

  /** Somebody was heard: a layer above may get answers where our datagrams are lost. */
  onHeard(from: NodeId): void {
    if (this.#indirect === 0) return;
    for (const probe of this.#probes.values()) {
      if (probe.isIndirect && probe.member.peer === from) probe.wasHeard = true;
    }
  }

  /** We were away: what we missed is not held against anybody. */
  discard(): void {
    this.#probes.clear();
    this.#probed.clear();
    this.#errands.clear();
    this.#failedErrands.clear();
    this.#indirect = 0;
  }

  onTimer(timer: ProbeTimer, env: SwimEnvironment): void {
    if (timer.type === "errand-end") return this.#onErrandEnd(timer.nonce, env);
    const probe = this.#probes.get(timer.nonce);
    if (probe === undefined) return; // answered
    if (probe.member.incarnation !== probe.incarnation || !probe.member.isHere)
      return this.#end(timer.nonce, probe); // it has spoken meanwhile, or is given up
    if (timer.type === "probe-timeout") this.#askOthers(timer.nonce, probe, env);
    else this.#conclude(timer.nonce, probe, env);
  }

  onPing(
    from: NodeId,
    ping: SwimPing | StreamPing,
    corrections: SwimPing["updates"],
    env: SwimEnvironment,
  ): void {
    const updates = this.#parts.updatesFor(from, corrections);
    env.send(from, { type: ping.type === "ping" ? "ack" : "stream-ack", nonce: ping.nonce, updates });
  }

  onAck(from: NodeId, ack: SwimAck | StreamAck, env: SwimEnvironment): void {
    const errand = this.#errands.get(ack.nonce);
    if (errand !== undefined) {
      if (identityOf(errand.target) !== identityOf(from)) {
        this.#parts.counters.unasked++;
        return;
      }
      this.#errands.delete(ack.nonce);
      env.send(errand.asker, { type: "ack", nonce: errand.nonce, updates: noUpdates });
      return;
    }
    const probe = this.#probes.get(ack.nonce);
    const identity = identityOf(from);
    const isDirect = probe?.member.identity === identity;
    if (probe === undefined || (!isDirect && !probe.helpers.includes(from))) {
      this.#parts.counters.unasked++; // or late
      return;
    }
    this.#end(ack.nonce, probe);
    if (isDirect && ack.type === "ack") {
      // Only a direct answer says how far away it is; after a stall none does, and then there is no probe.
      const rttMs = env.now - probe.startedAt;
      const { member } = probe;
      member.rttMs = smoothed(member.rttMs, rttMs);
      this.#meanRttMs = this.#meanRttMs === 0 ? rttMs : smoothed(this.#meanRttMs, rttMs);
    }
    probe.member.isSilent = !isDirect;
    this.#parts.changeHealth(-1, "got an answer", env);
  }

  onPingRequest(from: NodeId, request: PingRequest, env: SwimEnvironment): void {
    const { target } = request;
    if (identityOf(target) === identityOf(env.self)) {
      env.send(from, { type: "ack", nonce: request.nonce, updates: noUpdates });
      return;
    }
    const member = this.#parts.members.get(identityOf(target));
    if (!this.#mayRun(from, member, env)) {
      this.#parts.counters.refused++;
      return;
    }
    const asked = nonce(env.random);
    this.#errands.set(asked, { asker: from, nonce: request.nonce, target });
    // Its own word says where it is: nobody else points our pings at an address.
    const node = member?.peer ?? target;
    env.send(node, { type: "ping", nonce: asked, updates: this.#parts.updatesFor(node) });
    const timeoutMs = this.#timeoutMs(member);
    env.schedule(timeoutMs, { type: "errand-end", nonce: asked, dueAt: env.now + timeoutMs });
  }

  /** Whoever knows everybody pings no stranger for others; of a large network one knows few. */
  #mayRun(asker: NodeId, target: MemberEntry | undefined, env: SwimEnvironment): boolean {
    if (this.#errands.size >= maxErrands) return false;
    let count = 0;
    for (const errand of this.#errands.values()) if (errand.asker === asker) count++;
    if (count >= maxErrandsOfOne) return false;
    return target !== undefined || (this.#parts.isLarge() && this.#rates.allows("stranger", env.now));
  }

  onNack(from: NodeId, nack: Nack): void {
    const probe = this.#probes.get(nack.nonce);
    if (probe?.helpers.includes(from) && !probe.nackers.includes(from)) probe.nackers.push(from);
    else this.#parts.counters.unasked++;
  }

  #askOthers(asked: number, probe: Probe, env: SwimEnvironment): void {
    const { options, counters } = this.#parts;
    const { member } = probe;
    member.isSilent = true;
    probe.isIndirect = true;
    this.#indirect++;
    probe.helpers = this.#parts.companions(options.helpers, member, env);
    for (const helper of probe.helpers) {
      counters.indirectProbes++;
      const updates = this.#parts.updatesFor(helper);
      env.send(helper, { type: "ping-request", nonce: asked, target: member.peer, updates });
    }
    if (options.streamPing) {
      const updates = this.#parts.updatesFor(member.peer);
      env.send(member.peer, { type: "stream-ping", nonce: asked, updates });
    }
    const after = Math.max(0, probe.endsAt - env.now);
    env.schedule(after, { type: "probe-end", nonce: asked, dueAt: env.now + after });
  }

  #conclude(asked: number, probe: Probe, env: SwimEnvironment): void {
    const { counters, evidence } = this.#parts;
    const { member, helpers } = probe;
    const nacks = probe.nackers.length;
    this.#end(asked, probe);
    if (probe.wasHeard) return;
    counters.probeFailures++;
    const missed = helpers.length - nacks;
    counters.nacksMissed += missed;
    // Deviation: the paper adds one for each failed probe. Where helpers agree with us it is not our health that is bad.
    const by = helpers.length === 0 ? 1 : missed;
    if (by > 0) this.#parts.changeHealth(by, "probe failed", env);
    evidence.add(member.peer, {
      at: env.now,
      kind: "missed",
      by: env.self,
      through: helpers,
      incarnation: probe.incarnation,
      detail:
        `no answer in ${env.now - probe.startedAt} ms; ${nacks} of ${helpers.length} helpers could not reach it either, ` +
        `${missed} did not answer; local health ${this.#parts.health.score}`,
    });
    env.notify({ type: "probe-failed", peer: member.peer, through: helpers, nacks });
    this.#parts.accuse(member, nacks, env);
  }

  #onErrandEnd(asked: number, env: SwimEnvironment): void {
    const errand = this.#errands.get(asked);
    if (errand === undefined) return; // answered
    this.#errands.delete(asked);
    env.send(errand.asker, { type: "nack", nonce: errand.nonce });
    const member = this.#parts.members.get(identityOf(errand.target));
    if (member === undefined || !member.isHere) return;
    this.#failedErrands.delete(member.identity);
    this.#failedErrands.set(member.identity, env.now);
    if (this.#failedErrands.size > maxFailedErrands)
      this.#failedErrands.delete(this.#failedErrands.keys().next().value!);
    if (member.state === "suspect") this.confirm(member, env);
  }

  #end(asked: number, probe: Probe): void {
    this.#probes.delete(asked);
    this.#probed.delete(probe.member);
    if (probe.isIndirect) this.#indirect--;
  }

  /** Longer where answers take longer, and where our own health is bad. */
  #timeoutMs(member: MemberEntry | undefined): Millis {
    const { options, health } = this.#parts;
    const rttMs = member === undefined || member.rttMs < 0 ? this.#meanRttMs : member.rttMs;
    const usual = Math.max(options.probeTimeoutMs, 3 * rttMs + rttMarginMs);
    return Math.ceil(
      Math.min(Math.max(options.probeTimeoutMs, options.probeIntervalMs), usual) * health.multiplier,
    );
  }
}

/** As TCP does. */
function smoothed(average: number, latest: number): number {
  return average < 0 ? latest : average + (latest - average) / 8;
}
