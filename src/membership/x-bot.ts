/**
 * X-BOT: neighbors are swapped for closer ones, and nobody's degree changes (Leitao, Marques, Pereira, Rodrigues 2009).
 *
 *     i -- o    i measures c, a peer that it remembers: closer than o, its farthest neighbor
 *     c -- d    c is full; d is its farthest neighbor, and measures o: closer than c
 *
 *     becomes i -- c, d -- o. If c has room, i simply moves from o to c.
 *
 * Part of HyParView, which holds the links. Each of the four may say no, and then nothing has changed. The `unbiased`
 * neighbors that have stood longest are never swapped, nor is the only elder one: so the graph stays in one piece,
 * and keeps long links.
 *
 * Deviation: o gives i up for a stranger, so it must know that i wants it. The number of the swap is that of a
 * keep-alive which i has sent to o before; only i, o and whom i has told know it.
 */
import {
  type Environment,
  identityOf,
  type LinkQuality,
  type Millis,
  type NeighborDown,
  type NodeId,
  nonce,
} from "../core/index.ts";
import type { ActiveView, Link } from "./active-view.ts";
import type {
  HyParViewMessage,
  Optimisation,
  OptimisationReply,
  Replace,
  ReplaceReply,
  Switch,
  SwitchReply,
  XBotMessage,
} from "./hyparview-messages.ts";
import type { HyParViewOptions } from "./hyparview-options.ts";

type XBotEnvironment = Environment<HyParViewMessage, unknown, unknown>;
type Life = Pick<Link, "since" | "incarnation">;

/** What HyParView lends. */
export interface XBotHost {
  readonly active: ActiveView;
  readonly options: HyParViewOptions;
  readonly counters: { swaps: number };
  readonly quality: () => LinkQuality | undefined;
  life(): Life;
  /** The neighbor that must not be given up, if there is one. */
  onlyElder(env: XBotEnvironment): NodeId | undefined;
  /** Somebody who is no neighbor. */
  candidate(env: XBotEnvironment): NodeId | undefined;
  /** Only if there is room; true if there is a link now. */
  takeIn(peer: NodeId, life: Life, env: XBotEnvironment): boolean;
  drop(peer: NodeId, reason: NeighborDown["reason"], env: XBotEnvironment): void;
}

/** A round trip that is being measured: twice, since the first may include the opening of a connection. */
interface Measurement {
  readonly peer: NodeId;
  readonly nonce: number;
  readonly at: Millis;
  readonly bestMs: Millis;
  readonly isSecond: boolean;
}

/** Roles in a swap; each node plays each role in one swap at a time. */
interface AsInitiator {
  readonly at: Millis;
  readonly nonce: number;
  readonly old: NodeId;
  readonly oldRttMs: Millis;
  readonly candidate: NodeId;
}
interface AsCandidate {
  readonly at: Millis;
  readonly nonce: number;
  readonly initiator: NodeId;
  readonly life: Life;
  readonly given: NodeId;
}
interface AsGiven {
  readonly at: Millis;
  readonly nonce: number;
  readonly candidate: NodeId;
  readonly candidateRttMs: Millis;
  readonly old: NodeId;
  readonly initiator: NodeId;
}

/** Closer by less than a tenth is not worth two links that break. */
const worthwhile = 0.9;

export class XBot {
  readonly #host: XBotHost;
  #initiator: AsInitiator | undefined;
  #candidate: AsCandidate | undefined;
  #given: AsGiven | undefined;
  /** Of the candidate, as initiator; of o, as the one that is given up. */
  #toCandidate: Measurement | undefined;
  #toOld: Measurement | undefined;

  constructor(host: XBotHost) {
    this.#host = host;
  }

  /** i: tries one swap. */
  optimise(env: XBotEnvironment): void {
    const { active, options } = this.#host;
    if (active.size < options.activeView || isUnderWay(this.#initiator, this.#patience, env)) return;
    const old = this.#farthest(env);
    const oldRttMs = old && this.#rttOf(old);
    const candidate = this.#host.candidate(env);
    if (old === undefined || oldRttMs === undefined || candidate === undefined) return;
    this.#initiator = { at: env.now, nonce: nonce(env.random), old: old.peer, oldRttMs, candidate };
    const known = this.#host.quality()?.rttMs(candidate);
    if (known !== undefined) return this.#onCandidateMeasured(known, env);
    this.#toCandidate = this.#measure(candidate, env);
  }

  onMessage(from: NodeId, message: XBotMessage, env: XBotEnvironment): void {
    switch (message.type) {
      case "optimisation":
        return this.#onOptimisation(from, message, env);
      case "optimisation-reply":
        return this.#onOptimisationReply(from, message, env);
      case "replace":
        return this.#onReplace(from, message, env);
      case "replace-reply":
        return this.#onReplaceReply(from, message, env);
      case "switch":
        return this.#onSwitch(from, message, env);
      case "switch-reply":
        return this.#onSwitchReply(from, message, env);
    }
  }

  /** An answer to a keep-alive. True if it was one of ours. */
  onAnswer(from: NodeId, answered: number, env: XBotEnvironment): boolean {
    for (const [name, measurement] of [
      ["candidate", this.#toCandidate],
      ["old", this.#toOld],
    ] as const) {
      if (measurement?.peer !== from || measurement.nonce !== answered) continue;
      const rttMs = Math.min(measurement.bestMs, env.now - measurement.at);
      const next = measurement.isSecond ? undefined : this.#measure(from, env, rttMs);
      if (name === "candidate") this.#toCandidate = next;
      else this.#toOld = next;
      if (next !== undefined) return true;
      if (name === "candidate") this.#onCandidateMeasured(rttMs, env);
      else this.#onOldMeasured(rttMs, env);
      return true;
    }
    return false;
  }

  // ---- i, who begins ----

  #onCandidateMeasured(rttMs: Millis, env: XBotEnvironment): void {
    const swap = this.#initiator;
    if (swap === undefined) return;
    const { active } = this.#host;
    const old = active.get(swap.old);
    if (rttMs >= worthwhile * swap.oldRttMs || old === undefined || active.has(swap.candidate)) {
      this.#initiator = undefined;
      return;
    }
    // A test of the link as any other, whose number o remembers.
    old.nonce = swap.nonce;
    old.askedAt = env.now;
    env.send(swap.old, { type: "keep-alive", nonce: swap.nonce });
    const { since, incarnation } = this.#host.life();
    env.send(swap.candidate, { type: "optimisation", nonce: swap.nonce, old: swap.old, since, incarnation });
  }

  #onOptimisationReply(from: NodeId, reply: OptimisationReply, env: XBotEnvironment): void {
    const swap = this.#initiator;
    if (swap?.nonce !== reply.nonce || swap.candidate !== from) return;
    this.#initiator = undefined;
    if (!reply.isAccepted) return;
    this.#host.counters.swaps++;
    this.#giveUp(swap.old, env);
    this.#takeIn(from, reply, env);
  }

  // ---- c, who is wanted ----

  #onOptimisation(
    from: NodeId,
    { nonce, old, since, incarnation }: Optimisation,
    env: XBotEnvironment,
  ): void {
    const { active, options } = this.#host;
    const life = { since, incarnation };
    const isBusy = isUnderWay(this.#candidate, this.#patience, env);
    if (isBusy || active.has(from)) return this.#answerInitiator(from, nonce, false, env);
    if (active.size < options.activeView)
      return this.#answerInitiator(from, nonce, this.#host.takeIn(from, life, env), env);
    const given = this.#farthest(env)?.peer;
    if (given === undefined || given === old) return this.#answerInitiator(from, nonce, false, env);
    this.#candidate = { at: env.now, nonce, initiator: from, life, given };
    env.send(given, { type: "replace", nonce, old, initiator: from });
  }

  #onReplaceReply(from: NodeId, { nonce, isAccepted }: ReplaceReply, env: XBotEnvironment): void {
    const swap = this.#candidate;
    if (swap?.nonce !== nonce || swap.given !== from) return;
    this.#candidate = undefined;
    // d has given us up, whatever becomes of the rest.
    if (isAccepted) this.#host.drop(from, "replaced", env);
    const isTaken = isAccepted && this.#host.takeIn(swap.initiator, swap.life, env);
    this.#answerInitiator(swap.initiator, nonce, isTaken, env);
  }

  #answerInitiator(to: NodeId, nonce: number, isAccepted: boolean, env: XBotEnvironment): void {
    env.send(to, { type: "optimisation-reply", nonce, isAccepted, ...this.#host.life() });
  }

  // ---- d, whom c would give up ----

  #onReplace(from: NodeId, { nonce, old, initiator }: Replace, env: XBotEnvironment): void {
    const { active } = this.#host;
    const link = active.get(from);
    if (link === undefined) return; // only a neighbor may ask
    const candidateRttMs = this.#isBiased(link, env) ? this.#rttOf(link) : undefined;
    const isPossible =
      candidateRttMs !== undefined &&
      !isUnderWay(this.#given, this.#patience, env) &&
      identityOf(old) !== identityOf(env.self) &&
      active.ofIdentity(identityOf(old)) === undefined;
    if (!isPossible) return env.send(from, { type: "replace-reply", nonce, isAccepted: false });
    this.#given = { at: env.now, nonce, candidate: from, candidateRttMs, old, initiator };
    const known = this.#host.quality()?.rttMs(old);
    if (known !== undefined) return this.#onOldMeasured(known, env);
    this.#toOld = this.#measure(old, env);
  }

  #onOldMeasured(rttMs: Millis, env: XBotEnvironment): void {
    const swap = this.#given;
    if (swap === undefined) return;
    if (rttMs < worthwhile * swap.candidateRttMs) {
      const { since, incarnation } = this.#host.life();
      env.send(swap.old, {
        type: "switch",
        nonce: swap.nonce,
        initiator: swap.initiator,
        since,
        incarnation,
      });
      return;
    }
    this.#given = undefined;
    env.send(swap.candidate, { type: "replace-reply", nonce: swap.nonce, isAccepted: false });
  }

  #onSwitchReply(from: NodeId, reply: SwitchReply, env: XBotEnvironment): void {
    const swap = this.#given;
    if (swap?.nonce !== reply.nonce || swap.old !== from) return;
    this.#given = undefined;
    const { isAccepted } = reply;
    if (isAccepted) {
      this.#host.drop(swap.candidate, "replaced", env);
      this.#takeIn(from, reply, env);
    }
    env.send(swap.candidate, { type: "replace-reply", nonce: reply.nonce, isAccepted });
  }

  // ---- o, whom i would give up ----

  #onSwitch(from: NodeId, { nonce, initiator, since, incarnation }: Switch, env: XBotEnvironment): void {
    const { active } = this.#host;
    const link = active.get(initiator);
    const isWanted = link !== undefined && link.lastAsked === nonce && this.#isBiased(link, env);
    let isAccepted = false;
    if (isWanted && active.ofIdentity(identityOf(from)) === undefined) {
      this.#host.drop(initiator, "replaced", env);
      isAccepted = this.#host.takeIn(from, { since, incarnation }, env);
    }
    env.send(from, { type: "switch-reply", nonce, isAccepted, ...this.#host.life() });
  }

  // ---- What they share ----

  /** A swap of which nothing was heard for so long has failed somewhere. */
  get #patience(): Millis {
    return 3 * this.#host.options.answerTimeoutMs;
  }

  #isBiased(link: Link, env: XBotEnvironment): boolean {
    const { active, options } = this.#host;
    const place = active.neighbors.indexOf(link.peer);
    return place >= options.unbiased && this.#host.onlyElder(env) !== link.peer;
  }

  /** Of those that may be swapped and that we have measured. */
  #farthest(env: XBotEnvironment): Link | undefined {
    let farthest: Link | undefined;
    let most = -1;
    for (const link of this.#host.active.links) {
      const rttMs = this.#rttOf(link);
      if (rttMs === undefined || rttMs <= most || !this.#isBiased(link, env)) continue;
      farthest = link;
      most = rttMs;
    }
    return farthest;
  }

  #rttOf(link: Link): Millis | undefined {
    return this.#host.quality()?.rttMs(link.peer) ?? link.rttMs;
  }

  #measure(peer: NodeId, env: XBotEnvironment, bestMs?: Millis): Measurement {
    const measurement = {
      peer,
      nonce: nonce(env.random),
      at: env.now,
      bestMs: bestMs ?? Number.POSITIVE_INFINITY,
      isSecond: bestMs !== undefined,
    };
    env.send(peer, { type: "keep-alive", nonce: measurement.nonce });
    return measurement;
  }

  #giveUp(peer: NodeId, env: XBotEnvironment): void {
    if (!this.#host.active.has(peer)) return;
    // In a swap of four it knows already; where the candidate had room it does not.
    env.send(peer, { type: "disconnect", instead: undefined, isLeaving: false });
    this.#host.drop(peer, "replaced", env);
  }

  /** It counts on the link: if we have no place any more, it must hear so. */
  #takeIn(peer: NodeId, { since, incarnation }: Life, env: XBotEnvironment): void {
    if (this.#host.takeIn(peer, { since, incarnation }, env)) return;
    env.send(peer, { type: "disconnect", instead: undefined, isLeaving: false });
  }
}

function isUnderWay(
  swap: { readonly at: Millis } | undefined,
  patience: Millis,
  { now }: XBotEnvironment,
): boolean {
  return swap !== undefined && now - swap.at < patience;
}
