/**
 * Bimodal multicast, pbcast (Birman, Hayden, Ozkasap, Xiao, Budiu and Minsky 1999, "Bimodal multicast", 4): either
 * nearly everybody gets a message, or nearly nobody does, and what lies between is very improbable.
 *
 *  1. An unreliable multicast: here along the shared tree of `multicast-tree.ts`, over the links of the flood's rules.
 *  2. Anti-entropy in rounds: each node tells a random partner the ids of what it received lately; the partner
 *     solicits what it lacks, and gets it in the same round. That is a push of a `RoundExchange` whose policy is below.
 *
 * The rules that keep the load flat when somebody is slow or the network loses much (4.2): solicitations count only in
 * the round of their digest; the bytes that may be solicited in a round are bounded, the most recent messages first;
 * who has solicited a message waits some rounds before it does so again; rounds are not synchronised; after so many
 * rounds an id is no longer told.
 *
 * Deviation: a message is delivered when it comes, not in the order of its sender, and a gap is not reported but
 * filled by the history. A node calls one partner in a round, so that no two can solicit the same message in one
 * round, which the paper would answer by a multicast.
 */
import type { NodeId } from "../core/index.ts";
import { Flood } from "./flood.ts";
import type { Answer, Busy, Call, Feedback } from "./messages.ts";
import type { MulticastTree } from "./multicast-tree.ts";
import type { Retained } from "./retained-messages.ts";
import { type ExchangeConfig, type ExchangePolicy, RoundExchange, type Standing } from "./round-exchange.ts";
import type { BroadcastEnvironment, Spreading } from "./spreading.ts";

export interface BimodalConfig extends Omit<ExchangeConfig, "policy"> {
  readonly tree: MulticastTree;
  /** Rounds in which the id of a message is told after its receipt. */
  readonly digestRounds: number;
  /** Messages whose ids are told at a time. */
  readonly maxHot: number;
}

export class Bimodal implements Spreading {
  readonly #tree: MulticastTree;
  readonly #multicast: Flood;
  readonly #gossip: RoundExchange;
  readonly #maxHot: number;
  /** What was solicited before it came along the tree, the oldest first. */
  readonly #solicited = new Set<Retained>();

  constructor(config: BimodalConfig) {
    this.#maxHot = config.maxHot;
    this.#tree = config.tree;
    this.#multicast = new Flood({ view: config.tree, store: config.store, forwardDelayMs: 0 });
    this.#gossip = new RoundExchange({ ...config, policy: new RecentMessages(config) });
  }

  get unfinished(): Iterable<Retained> {
    return [...this.#multicast.unfinished, ...this.#gossip.unfinished];
  }

  start(env: BroadcastEnvironment): void {
    this.#tree.refresh(env);
    this.#gossip.start(env);
  }
  onNew(retained: Retained, from: NodeId | undefined, env: BroadcastEnvironment): void {
    this.#tree.refresh(env);
    if (from === undefined || this.#tree.has(from)) this.#multicast.onNew(retained, from, env);
    else this.#noteSolicited(retained);
    this.#gossip.onNew(retained, from, env);
  }
  /** The multicast goes on where a solicited copy has overtaken it. */
  onCopy(retained: Retained, from: NodeId, env: BroadcastEnvironment): void {
    if (!this.#tree.has(from) || !this.#solicited.delete(retained)) return;
    this.#multicast.onNew(retained, from, env);
  }

  /** What was solicited is not multicast: the part of the tree below may have it, and solicits what it lacks. */
  #noteSolicited(retained: Retained): void {
    this.#solicited.add(retained);
    if (this.#solicited.size > this.#maxHot) this.#solicited.delete(this.#solicited.values().next().value!);
  }

  onFlush(env: BroadcastEnvironment): void {
    this.#multicast.onFlush(env);
  }
  onRound(env: BroadcastEnvironment): void {
    this.#gossip.onRound(env);
  }
  onCall(from: NodeId, call: Call, env: BroadcastEnvironment): void {
    this.#gossip.onCall(from, call, env);
  }
  onAnswer(from: NodeId, answer: Answer, env: BroadcastEnvironment): void {
    this.#gossip.onAnswer(from, answer, env);
  }
  onFeedback(from: NodeId, feedback: Feedback, env: BroadcastEnvironment): void {
    this.#gossip.onFeedback(from, feedback, env);
  }
  onBusy(from: NodeId, busy: Busy, env: BroadcastEnvironment): void {
    this.#gossip.onBusy(from, busy, env);
  }
}

/** What was received in the last rounds, by the rounds that are left. */
class RecentMessages implements ExchangePolicy {
  readonly #config: Pick<BimodalConfig, "digestRounds" | "maxHot">;
  /** The oldest first. */
  readonly #roundsLeft = new Map<Retained, number>();
  /** No longer told, and not said yet. */
  readonly #cold: Retained[] = [];

  constructor(config: Pick<BimodalConfig, "digestRounds" | "maxHot">) {
    this.#config = config;
  }

  /** Not before the round of its receipt has ended: the multicast may still be on its way to the partner. */
  get hot(): Iterable<Retained> {
    return this.#older();
  }

  *#older(): Generator<Retained, undefined> {
    for (const [retained, left] of this.#roundsLeft) if (left <= this.#config.digestRounds) yield retained;
  }

  onNew(retained: Retained): void {
    const { digestRounds, maxHot } = this.#config;
    if (this.#roundsLeft.size >= maxHot) this.#forget(this.#roundsLeft.keys().next().value!);
    this.#roundsLeft.set(retained, digestRounds + 1);
  }
  standing(): Standing {
    return { level: 0, ageRounds: 0 };
  }
  onContact(): void {}

  endRound(): void {
    for (const [retained, left] of this.#roundsLeft) {
      if (left > 1) this.#roundsLeft.set(retained, left - 1);
      else this.#forget(retained);
    }
  }

  takeCold(): readonly Retained[] {
    return this.#cold.splice(0);
  }

  #forget(retained: Retained): void {
    this.#roundsLeft.delete(retained);
    this.#cold.push(retained);
  }
}
