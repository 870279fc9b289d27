/**
 * Gossip in rounds, as live nodes do it: in each round a node calls one partner, and ids go before payloads, so that
 * nobody is sent what it has.
 *
 *     A -> call(offers, asks) -> B      B -> answer(wanted, known, offers) -> A
 *     A -> gossip … -> B                A -> feedback(wanted, known) -> B, if B made offers    B -> gossip … -> A
 *
 * A push makes offers and does not ask; a pull asks and makes none; push-pull does both. What is offered and when a
 * message is no longer hot is up to the `ExchangePolicy`: rumor mongering, median-counter, bimodal multicast.
 *
 * Rounds are not synchronised: each node has its own. An answer may be some rounds late; what was asked for is not
 * asked for again until then.
 */
import { identityOf, type Millis, type NodeId, type Random } from "../core/index.ts";
import {
  type Answer,
  type Busy,
  type Call,
  type Feedback,
  type MessageId,
  maxLevel,
  maxOffers,
  type Offer,
} from "./messages.ts";
import { payloadBytes } from "./payload.ts";
import type { Retained } from "./retained-messages.ts";
import { messageKey } from "./seen-messages.ts";
import type { BroadcastEnvironment, MessageStore, Spreading } from "./spreading.ts";

/** How far the spreading of a message has come at a node. */
export type Standing = Pick<Offer, "level" | "ageRounds">;

export interface ExchangePolicy {
  /** Messages that this node still offers, the oldest first. */
  readonly hot: Iterable<Retained>;
  /** Will it be offered until nobody needs it? Left out where nothing is. */
  isHot?(retained: Retained): boolean;
  /** `heard`: what the partner said of it that sent it to us, if it came by an exchange. */
  onNew(retained: Retained, heard: Standing | undefined): void;
  /** Where it stands here; also for messages that are no longer hot. */
  standing(retained: Retained): Standing;
  /** We have offered it to somebody who takes calls, whatever the partner will say. */
  onOffer?(retained: Retained, random: Random): void;
  /** A partner that we offered it to needed it or did not; or one that has it offered it to us. */
  onContact(retained: Retained, contact: Contact, random: Random): void;
  /** The round is over. */
  endRound(random: Random): void;
  /** What is no longer hot since this was last asked. */
  takeCold?(): readonly Retained[];
}

export interface Contact {
  readonly wasUseful: boolean;
  /** `called`: we called it and offered. `asked`: it called us and asked. `met`: both of us had it to offer. */
  readonly kind: "called" | "asked" | "met";
  readonly theirs: Standing;
}

export type OfferChoice = "recent" | "random" | "priority";

export interface ExchangeOptions {
  readonly roundMs: Millis;
  /** An answer counts in the round of its call and so many after it. */
  readonly patienceRounds: number;
  /** Do calls make offers, and do they ask for them? */
  readonly tells: boolean;
  readonly asks: boolean;
  /** Calls that a node answers in a round; 0: all. */
  readonly connectionLimit: number;
  /** Further partners that a refused caller tries in the same round. */
  readonly huntLimit: number;
  /** What comes first where there is more to offer than the budget allows. */
  readonly choice: OfferChoice;
  /** Payload bytes that the offers of one call may amount to; there is always one. */
  readonly budgetBytes: number;
}

export interface ExchangeCounters {
  calls: number;
  offers: number;
  /** Offers that the partner knew already. */
  offersKnown: number;
  /** Calls that we refused. */
  refusedCalls: number;
  /** Answers to calls that nobody made, and calls without end. */
  unexpected: number;
}

export interface ExchangeConfig {
  readonly store: MessageStore;
  /** Whom to call; undefined where there is nobody. */
  readonly choosePartner: (env: BroadcastEnvironment) => NodeId | undefined;
  readonly policy: ExchangePolicy;
  readonly options: ExchangeOptions;
  readonly counters: ExchangeCounters;
}

/** What we have offered to a partner, by id. */
type Offered = ReadonlyMap<string, Retained>;

/** What we have asked for, of whom, and where it stood there. */
interface Request {
  readonly from: NodeId;
  readonly heard: Standing;
  readonly inRound: number;
}

/** A partner calls once in its round, which is about as long as ours. */
const mostCallsOfOnePartner = 4;
/** Different partners that are answered in a round. */
const mostPartners = 1024;
/** Answers with offers that are open. Beyond it the oldest is forgotten: what it offered is offered by others. */
const mostMade = 1024;
/** Messages that were asked for. Beyond it the oldest is forgotten, and may be asked for, and sent, twice. */
const mostRequests = 16_384;

export class RoundExchange implements Spreading {
  readonly #config: ExchangeConfig;
  #round = 0;
  /** Calls that have not been answered, by round, the oldest first. */
  readonly #calls = new Map<number, { readonly to: NodeId; readonly offered: Offered }>();
  #hunts = 0;
  /** Calls that were answered in this round. */
  #answered = 0;
  readonly #callsOf = new Map<NodeId, number>();
  /** Offers that we made in answers, by call, the oldest first. */
  readonly #made = new Map<string, { readonly inRound: number; readonly offered: Offered }>();
  /**
   * What we have asked for and not got, the oldest first. It is awaited as long as an answer counts. For as long again
   * nobody is asked twice for the same: who offers and does not deliver must not keep others from it.
   */
  readonly #requests = new Map<string, Request>();

  constructor(config: ExchangeConfig) {
    this.#config = config;
  }

  get unfinished(): Iterable<Retained> {
    return this.#config.policy.hot;
  }
  isOffered(retained: Retained): boolean {
    return this.#config.policy.isHot?.(retained) === true;
  }

  start(env: BroadcastEnvironment): void {
    env.schedule(env.random.below(this.#config.options.roundMs), { type: "round" });
  }

  onNew(retained: Retained, _from: NodeId | undefined, env: BroadcastEnvironment): void {
    const key = messageKey(retained.gossip.statement);
    const request = this.#requests.get(key);
    this.#requests.delete(key);
    this.#config.policy.onNew(retained, request?.heard);
    this.#sayCold(env);
  }

  onRound(env: BroadcastEnvironment): void {
    const { policy, options } = this.#config;
    policy.endRound(env.random);
    this.#sayCold(env);
    this.#round++;
    this.#forgetOld();
    this.#hunts = 0;
    this.#answered = 0;
    this.#callsOf.clear();
    this.#callSomebody(env);
    env.schedule(options.roundMs, { type: "round" });
  }

  /** The first round whose answers still count. */
  get #oldestOpen(): number {
    return this.#round - this.#config.options.patienceRounds;
  }

  /** In all three the oldest come first. */
  #forgetOld(): void {
    const oldest = this.#oldestOpen;
    for (const round of this.#calls.keys()) {
      if (round >= oldest) break;
      this.#calls.delete(round);
    }
    for (const [key, { inRound }] of this.#made) {
      if (inRound >= oldest) break;
      this.#made.delete(key);
    }
    for (const [key, { inRound }] of this.#requests) {
      if (inRound >= oldest - this.#config.options.patienceRounds - 1) break;
      this.#requests.delete(key);
    }
  }

  #callSomebody(env: BroadcastEnvironment): void {
    const { options, choosePartner, counters } = this.#config;
    const chosen = options.tells ? this.#choose(env.random) : [];
    if (chosen.length === 0 && !options.asks) return;
    const to = choosePartner(env);
    if (to === undefined) return;
    counters.calls++;
    const { offers, offered } = this.#offer(chosen);
    this.#calls.set(this.#round, { to, offered });
    // Where calls may be refused, it is the answer that says that it was taken.
    if (options.connectionLimit === 0) this.#noteOffers(offered, env);
    env.send(to, { type: "call", round: this.#round, offers, asks: options.asks });
  }

  onCall(from: NodeId, call: Call, env: BroadcastEnvironment): void {
    const { options, counters } = this.#config;
    const calls = (this.#callsOf.get(from) ?? 0) + 1;
    if (calls > mostCallsOfOnePartner || (calls === 1 && this.#callsOf.size >= mostPartners)) {
      counters.unexpected++;
      return;
    }
    this.#callsOf.set(from, calls);
    if (options.connectionLimit > 0 && this.#answered >= options.connectionLimit) {
      counters.refusedCalls++;
      return env.send(from, { type: "busy", round: call.round });
    }
    this.#answered++;
    const { wanted, known } = this.#sort(from, call.offers, env);
    const theirs = new Set(call.offers.map(messageKey));
    const chosen = call.asks
      ? this.#choose(env.random).filter(({ gossip }) => !theirs.has(messageKey(gossip.statement)))
      : [];
    const { offers, offered } = this.#offer(chosen);
    this.#noteOffers(offered, env);
    const key = callKey(from, call.round);
    // A call that is made twice is answered twice, and what was said last counts.
    this.#made.delete(key);
    if (offered.size > 0) this.#made.set(key, { inRound: this.#round, offered });
    if (this.#made.size > mostMade) this.#made.delete(this.#made.keys().next().value!);
    env.send(from, { type: "answer", round: call.round, wanted, known, offers });
  }

  onAnswer(from: NodeId, answer: Answer, env: BroadcastEnvironment): void {
    const { options, counters } = this.#config;
    const call = this.#calls.get(answer.round);
    if (call?.to !== from) {
      counters.unexpected++;
      return;
    }
    this.#calls.delete(answer.round);
    if (options.connectionLimit > 0) this.#noteOffers(call.offered, env);
    this.#takeReaction(from, answer, call.offered, "called", env);
    if (answer.offers.length === 0 || !options.asks) return;
    const { wanted, known } = this.#sort(from, answer.offers, env);
    env.send(from, { type: "feedback", round: answer.round, wanted, known });
  }

  onFeedback(from: NodeId, feedback: Feedback, env: BroadcastEnvironment): void {
    const key = callKey(from, feedback.round);
    const made = this.#made.get(key);
    if (made === undefined) {
      this.#config.counters.unexpected++;
      return;
    }
    this.#made.delete(key);
    this.#takeReaction(from, feedback, made.offered, "asked", env);
  }

  /** It has had enough calls: hunt for another partner. */
  onBusy(from: NodeId, busy: Busy, env: BroadcastEnvironment): void {
    if (busy.round !== this.#round || this.#calls.get(busy.round)?.to !== from) return;
    this.#calls.delete(busy.round);
    if (this.#hunts >= this.#config.options.huntLimit) return;
    this.#hunts++;
    this.#callSomebody(env);
  }

  // ---- What we offer --------------------------------------------------------------------------------------------

  /** As much of what is hot as the budget allows. */
  #choose(random: Random): Retained[] {
    const { policy, options } = this.#config;
    const candidates = inOrder([...policy.hot], options.choice, random);
    const chosen: Retained[] = [];
    let bytes = 0;
    for (const retained of candidates) {
      for (const payload of retained.gossip.statement.payloads) bytes += payloadBytes(payload);
      if (chosen.length === maxOffers || (bytes > options.budgetBytes && chosen.length > 0)) break;
      chosen.push(retained);
    }
    return chosen;
  }

  #offer(chosen: readonly Retained[]): { offers: Offer[]; offered: Offered } {
    const { policy, counters } = this.#config;
    const offered = new Map<string, Retained>();
    const offers = chosen.map((retained) => {
      const { origin, incarnation, sequence } = retained.gossip.statement;
      offered.set(messageKey(retained.gossip.statement), retained);
      return { origin, incarnation, sequence, ...policy.standing(retained) };
    });
    counters.offers += offers.length;
    return { offers, offered };
  }

  /** After the offers are made: what is told of a message is where it stood before this contact. */
  #noteOffers(offered: Offered, env: BroadcastEnvironment): void {
    const { policy } = this.#config;
    for (const retained of offered.values()) policy.onOffer?.(retained, env.random);
    this.#sayCold(env);
  }

  #takeReaction(
    from: NodeId,
    { wanted, known }: Pick<Answer, "wanted" | "known">,
    offered: Offered,
    kind: Contact["kind"],
    env: BroadcastEnvironment,
  ): void {
    const { policy, store, counters } = this.#config;
    const left = new Map(offered);
    const take = (id: MessageId): Retained | undefined => {
      const key = messageKey(id);
      const retained = left.get(key);
      left.delete(key); // said once
      return retained;
    };
    for (const id of wanted) {
      const retained = take(id);
      if (retained === undefined) continue;
      policy.onContact(retained, { wasUseful: true, kind, theirs: unknown }, env.random);
      store.forward(retained, [from], env);
    }
    for (const theirs of known) {
      const retained = take(theirs);
      if (retained === undefined) continue;
      counters.offersKnown++;
      policy.onContact(retained, { wasUseful: false, kind, theirs }, env.random);
    }
    this.#sayCold(env);
  }

  // ---- What is offered to us ------------------------------------------------------------------------------------

  /** Each offer is wanted or known; or neither, where its sender was asked for it before and did not deliver. */
  #sort(
    from: NodeId,
    offers: readonly Offer[],
    env: BroadcastEnvironment,
  ): { wanted: MessageId[]; known: Offer[] } {
    const { store, policy } = this.#config;
    const wanted: MessageId[] = [];
    const known: Offer[] = [];
    const sorted = new Set<string>();
    for (const offer of offers) {
      const { origin, incarnation, sequence } = offer;
      const key = messageKey(offer);
      if (sorted.has(key)) continue; // once is enough
      sorted.add(key);
      const request = this.#requests.get(key);
      const isAwaited = request !== undefined && request.inRound >= this.#oldestOpen;
      if (isAwaited || store.hasSeen(offer)) {
        const retained = isAwaited ? undefined : store.find(offer);
        const ours = isAwaited ? unknown : retained === undefined ? gone : policy.standing(retained);
        known.push({ origin, incarnation, sequence, ...ours });
        if (retained !== undefined)
          policy.onContact(retained, { wasUseful: false, kind: "met", theirs: offer }, env.random);
      } else if (request?.from !== from) {
        wanted.push({ origin, incarnation, sequence });
        this.#request(key, { from, heard: offer, inRound: this.#round });
      }
    }
    this.#sayCold(env);
    return { wanted, known };
  }

  /** A message goes cold at most once: who forgets it and gets it again has it anew. */
  #sayCold(env: BroadcastEnvironment): void {
    for (const { gossip } of this.#config.policy.takeCold?.() ?? []) {
      const { origin, incarnation, sequence, payloads } = gossip.statement;
      env.notify({ type: "removed", origin, incarnation, sequence, count: payloads.length });
    }
  }

  #request(key: string, request: Request): void {
    const requests = this.#requests;
    requests.delete(key); // to the end: they are in the order of rounds
    requests.set(key, request);
    if (requests.size > mostRequests) requests.delete(requests.keys().next().value!);
  }
}

function callKey(caller: NodeId, round: number): string {
  return `${round}/${identityOf(caller)}`;
}

/** Of whoever does not know the message, or has only just asked for it. */
const unknown: Standing = { level: 0, ageRounds: 0 };
/** Of whoever has seen it and no longer keeps it. */
const gone: Standing = { level: maxLevel, ageRounds: 0 };

/** `candidates` come with the oldest first. */
function inOrder(candidates: Retained[], choice: OfferChoice, random: Random): Retained[] {
  switch (choice) {
    case "recent":
      return candidates.reverse();
    case "priority":
      // Stable: of equal priority the most recent first.
      return candidates.reverse().sort((a, b) => priorityOf(b) - priorityOf(a));
    case "random":
      for (let last = candidates.length - 1; last > 0; last--) {
        const other = random.below(last + 1);
        [candidates[last], candidates[other]] = [candidates[other]!, candidates[last]!];
      }
      return candidates;
  }
}

function priorityOf({ gossip }: Retained): number {
  return gossip.statement.priority ?? 0;
}
