/**
 * Whom HyParView asks for links, and when: somebody for each place that is empty, an elder one where there is none among
 * the neighbors, and more and more rarely where all refuse.
 */
import {
  type Candidate,
  type Environment,
  type Identity,
  identityOf,
  type Members,
  type Millis,
  type NodeId,
  type Standing,
} from "../core/index.ts";
import type { ActiveView } from "./active-view.ts";
import type { HyParViewMessage } from "./hyparview-messages.ts";
import type { HyParViewOptions } from "./hyparview-options.ts";
import type { PassiveView } from "./passive-view.ts";
import { isElder, type Seniority } from "./seniority.ts";

export type SearchTimer =
  | { readonly type: "promote"; readonly round: number }
  | { readonly type: "answer-timeout"; readonly peer: NodeId; readonly at: Millis };

type SearchEnvironment = Environment<HyParViewMessage, SearchTimer>;

interface Ask {
  readonly at: Millis;
  /** Of high priority. */
  readonly insists: boolean;
  readonly type: "join" | "neighbor" | "walk-end" | "elder";
}

/** How many refusals in a row before a peer pauses; then it joins again if it misses two neighbors. */
const patience = 5;
/** Pauses grow to so many times `promotionIntervalMs`. */
const maxPause = 32;

/** What HyParView lends. */
interface SearchHost {
  readonly active: ActiveView;
  readonly passive: PassiveView;
  readonly sampler: Members;
  readonly standing: Standing;
  readonly options: HyParViewOptions;
  readonly counters: { joins: number; promotions: number; eldersSought: number };
  isFullView(): boolean;
  /** As many neighbors as there are others, if those are few. */
  wantedDegree(): number;
  me(env: SearchEnvironment): Seniority;
  /** Asks neighbors for others. */
  shuffle(env: SearchEnvironment): void;
}

export class NeighborSearch {
  readonly #host: SearchHost;
  /** Asked for a link and not answered yet. */
  readonly #asked = new Map<NodeId, Ask>();
  /** Asked in vain since the last pause. */
  readonly #refusing = new Set<Identity>();
  /** Refusals since the last new link. */
  #refusals = 0;
  #pause = 1;
  /** The next promotion, which makes those that were scheduled before void, and when it is due. */
  #round = 0;
  #dueAt: Millis = Number.POSITIVE_INFINITY;
  /** Nobody is asked before the next promotion. */
  #isWaiting = false;
  #isNewcomer = true;

  constructor(host: SearchHost) {
    this.#host = host;
  }

  /**
   * Asks for as many neighbors as are missing; and for an elder one, where the membership knows somebody elder. Called
   * whenever something has changed: a peer that wants nothing does nothing here.
   */
  seek(env: SearchEnvironment): void {
    if (this.#isWaiting && this.#host.active.size > 0) return;
    this.#seekElder(env);
    if (this.#isNewcomer && this.#host.active.size === 0) {
      if (this.#asked.size === 0) this.#askSomebody("join", env);
    } else while (this.missing() > 0 && this.#askSomebody("neighbor", env)) {}
    if (this.#asked.size === 0 && this.isShort(env)) this.#scheduleNext(env);
  }

  onPromote(round: number, env: SearchEnvironment): void {
    if (round !== this.#round) return; // a sooner one was scheduled meanwhile
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#isWaiting = false;
    const joinsAgain = this.#refusals >= patience && this.missing() >= 2;
    this.#refusing.clear();
    this.#refusals = 0;
    if (joinsAgain) this.#askSomebody("join", env);
    this.seek(env);
    // Everybody whom we remember is a neighbor, or gone: neighbors know others.
    if (this.missing() > 0) this.#host.shuffle(env);
  }

  /** Neighbors are missing, or an elder one, and there is somebody who could be it. */
  isShort(env: SearchEnvironment): boolean {
    return this.#host.active.size < this.#host.wantedDegree() || this.#lacksElder(env);
  }

  /** Places that are empty, and for which nobody is asked. Ends of walks do not count: others may have made them up. */
  missing(): number {
    let coming = 0;
    for (const { type } of this.#asked.values()) if (type !== "walk-end") coming++;
    return this.#host.wantedDegree() - this.#host.active.size - coming;
  }

  #askSomebody(type: Ask["type"], env: SearchEnvironment): boolean {
    const candidate = this.candidate(env, ({ peer }) => this.isFree(peer));
    if (candidate === undefined) return false;
    this.ask(candidate.peer, type, env);
    return true;
  }

  /** Somebody that we could ask, at random. */
  candidate(env: SearchEnvironment, accept: (candidate: Candidate) => boolean): Candidate | undefined {
    const { sampler } = this.#host;
    if (!this.#host.isFullView()) {
      const [remembered] = this.#host.passive.sample(1, env.random, accept);
      if (remembered !== undefined) return remembered;
    }
    return sampler.sample(1, env.random, accept)[0];
  }

  isFree(peer: NodeId): boolean {
    const identity = identityOf(peer);
    if (this.#refusing.has(identity) || this.#host.active.ofIdentity(identity) !== undefined) return false;
    for (const asked of this.#asked.keys()) if (identityOf(asked) === identity) return false;
    return true;
  }

  ask(peer: NodeId, type: Ask["type"], env: SearchEnvironment): void {
    const { since, incarnation } = this.#host.standing;
    // Only one of several insists: the others look for room.
    const isFirst = this.#host.active.size === 0 && ![...this.#asked.values()].some(({ insists }) => insists);
    const insists = type === "elder" || isFirst;
    this.#asked.set(peer, { at: env.now, type, insists });
    if (type === "join") env.send(peer, { type, since, incarnation });
    else env.send(peer, { type: "neighbor", since, incarnation, isHighPriority: insists });
    env.schedule(this.#host.options.answerTimeoutMs, { type: "answer-timeout", peer, at: env.now });
    if (type === "join") this.#host.counters.joins++;
    else if (type === "neighbor") this.#host.counters.promotions++;
  }

  /** It has refused, or is silent. */
  onRefused(peer: NodeId, env: SearchEnvironment): void {
    const ask = this.#asked.get(peer);
    if (ask === undefined) return;
    this.#asked.delete(peer);
    if (ask.type === "walk-end") return; // its own affair
    this.#refusing.add(identityOf(peer));
    this.#refusals++;
    if (this.#refusals >= patience) this.#wait(env);
  }

  /** What was asked of that peer; undefined if nothing was, or if it has answered. */
  askOf(peer: NodeId): Ask | undefined {
    return this.#asked.get(peer);
  }

  /** It is a neighbor, and was before. */
  onAnswered(peer: NodeId): void {
    this.#asked.delete(peer);
  }

  /** It has become a neighbor. */
  onTaken(peer: NodeId, env: SearchEnvironment): void {
    this.#asked.delete(peer);
    this.#refusals = 0;
    this.#pause = 1;
    if (this.#isNewcomer) this.#wait(env); // for the ends of its walks
    this.#isNewcomer = false;
  }

  /** A neighbor is gone. */
  onLost(): void {
    this.#refusals = 0;
    this.#pause = 1;
    this.#isWaiting = false;
  }

  // ---- Elders ----

  #lacksElder(env: SearchEnvironment): boolean {
    const me = this.#host.me(env);
    if (this.#host.active.hasElderThan(me)) return false;
    return this.candidate(env, (candidate) => isElder(candidate, me)) !== undefined;
  }

  #seekElder(env: SearchEnvironment): void {
    if (this.#isNewcomer || !this.#lacksElder(env)) return;
    for (const { type } of this.#asked.values()) if (type === "elder") return; // on its way
    const me = this.#host.me(env);
    const isUsable = (candidate: Candidate) => isElder(candidate, me) && this.isFree(candidate.peer);
    const elder = this.candidate(env, isUsable);
    if (elder === undefined) return;
    this.#host.counters.eldersSought++;
    this.ask(elder.peer, "elder", env);
  }

  // ---- When ----

  seekSoon(env: SearchEnvironment): void {
    const soon = env.random.below(Math.ceil(this.#host.options.promotionIntervalMs / 5) + 1);
    if (env.now + soon < this.#dueAt) this.#schedulePromotion(soon, env);
  }

  /** Until the next promotion nobody is asked, unless we lose a neighbor. */
  #wait(env: SearchEnvironment): void {
    this.#isWaiting = true;
    this.#scheduleNext(env);
  }

  /** The next promotion, later each time that one was of no use. */
  #scheduleNext(env: SearchEnvironment): void {
    if (this.#dueAt !== Number.POSITIVE_INFINITY) return;
    const pause = this.#host.options.promotionIntervalMs * this.#pause * (0.5 + 0.5 * env.random.unit());
    this.#pause = Math.min(maxPause, this.#pause * 2);
    this.#schedulePromotion(Math.ceil(pause), env);
  }

  /** Begins: who is there is not known yet. */
  start(env: SearchEnvironment): void {
    this.#schedulePromotion(0, env);
  }

  #schedulePromotion(after: Millis, env: SearchEnvironment): void {
    this.#round++;
    this.#dueAt = env.now + after;
    env.schedule(after, { type: "promote", round: this.#round });
  }
}
