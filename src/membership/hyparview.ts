/**
 * HyParView: a small active view of neighbors, which is symmetric and watched, and a passive view of peers that can
 * take their places (Leitao, Pereira, Rodrigues 2007).
 *
 * Joining. The contact takes the newcomer in, and the news of it walks over links; where a walk ends, that peer asks
 * for a link:
 *
 *     N -> join -> C      C -> forward-join(N, 6) -> neighbor … (0) -> P      P -> neighbor -> N
 *
 * Repair. Whoever loses a neighbor asks others at once, one for each place that is empty; insistently where it has no
 * neighbor left. Not at the next tick: a clique that closes meanwhile shuffles only inside itself.
 *
 * Deviations. Every peer but the eldest that it knows of sees to it that one of its neighbors is elder: following elders
 * from anywhere ends at the eldest, so no part stays an island (see seniority.ts). A peer that gives a neighbor up tells it
 * who has its place, so that it asks there, where there is room, instead of searching the network for one: the newcomer
 * is put *into* a link. A walk's end asks the newcomer before it gives anybody up. Who misses two neighbors or more, and
 * was refused often, joins again. While the membership has everybody, nothing is shuffled.
 *
 * What others can make us do is bounded: so many joins, walks and evictions a second, and the half of our neighbors that
 * has stood longest is given up for nobody.
 */
import {
  type Candidate,
  type Environment,
  type Identity,
  identityOf,
  type LinkQuality,
  type Members,
  type Millis,
  type NeighborDown,
  type NeighborView,
  type NodeId,
  type Protocol,
  type Random,
  type StackNotice,
  type Standing,
  type Typed,
} from "../core/index.ts";
import { ActiveView, type Link } from "./active-view.ts";
import type {
  ForwardJoin,
  HyParViewMessage,
  Join,
  NeighborReply,
  NeighborRequest,
  ViewEntry,
  XBotMessage,
} from "./hyparview-messages.ts";
import { type HyParViewOptions, hyParViewOptions } from "./hyparview-options.ts";
import { type FailedLink, LinkTests, type LinkTestTimer } from "./link-tests.ts";
import { PassiveView } from "./passive-view.ts";
import { PerSecond } from "./per-second.ts";
import { isElder, type Seniority } from "./seniority.ts";
import { ViewShuffle } from "./view-shuffle.ts";
import { XBot } from "./x-bot.ts";

export interface HyParViewConfig {
  /** Who else is there, for the first contact, and instead of the passive view while it has everybody. */
  readonly sampler: Members;
  /** Does the sampler know everybody? Then nothing has to be shuffled. */
  readonly isFullView: () => boolean;
  readonly standing: Standing;
  /** Late-bound: round trips, for X-BOT. */
  readonly quality: () => LinkQuality | undefined;
  readonly options?: Partial<HyParViewOptions>;
}

export type HyParViewTimer =
  | { readonly type: "promote"; readonly round: number }
  | { readonly type: "answer-timeout"; readonly peer: NodeId; readonly at: Millis }
  | LinkTestTimer
  | { readonly type: "keep-alive" }
  | { readonly type: "shuffle" }
  | { readonly type: "optimise" };

export type HyParViewCommand =
  /** The connection to a neighbor broke. */
  | { readonly type: "link-lost"; readonly neighbor: NodeId }
  /** Nobody answers at that address. */
  | { readonly type: "unreachable"; readonly node: NodeId };

export type HyParViewNotice = StackNotice;

type HyParViewEnvironment = Environment<HyParViewMessage, HyParViewTimer, HyParViewNotice>;

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
/** What others may make us do in a second: take newcomers in, pass walks on. */
const maxJoins = 16;
const maxWalks = 64;
type Bounded = "joins" | "walks" | "evictions";

/** As `Members` it is all that a node knows where nobody has a full list: both views. */
export class HyParView
  implements
    Protocol<HyParViewMessage, HyParViewTimer, HyParViewNotice, HyParViewCommand>,
    NeighborView,
    Members
{
  readonly counters = {
    joins: 0,
    promotions: 0,
    refused: 0,
    evicted: 0,
    shuffles: 0,
    swaps: 0,
    silent: 0,
    eldersSought: 0,
    bounded: 0,
    unasked: 0,
  };
  readonly options: HyParViewOptions;
  readonly #config: HyParViewConfig;
  readonly #active = new ActiveView();
  readonly #passive: PassiveView;
  readonly #tests: LinkTests;
  readonly #shuffling: ViewShuffle;
  readonly #xBot: XBot | undefined;
  /** So many neighbors, those that have stood longest, are given up for nobody. */
  readonly #kept: number;
  readonly #bounds: PerSecond<Bounded>;
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
  #hasLeft = false;
  constructor(config: HyParViewConfig) {
    this.#config = config;
    this.options = hyParViewOptions(config.options);
    const { activeView, passiveView } = this.options;
    this.#passive = new PassiveView(passiveView);
    this.#tests = new LinkTests(this.#active, this.options);
    this.#shuffling = new ViewShuffle(this.#active, this.#passive, this.options);
    this.#kept = Math.floor(activeView / 2);
    this.#bounds = new PerSecond({ joins: maxJoins, walks: maxWalks, evictions: activeView - this.#kept });
    if (this.options.isLatencyAware) this.#xBot = this.#makeXBot();
  }

  // ---- What others may read ----

  get neighbors(): readonly NodeId[] {
    return this.#active.neighbors;
  }
  has(node: NodeId): boolean {
    return this.#active.has(node);
  }
  /** As many as there are others, if those are few. */
  get wantedDegree(): number {
    return Math.min(this.options.activeView, Math.max(this.#config.sampler.size, this.size));
  }
  get passive(): readonly Candidate[] {
    return this.#passive.candidates;
  }
  get size(): number {
    return this.#active.size + this.#passive.size;
  }
  get candidates(): readonly Candidate[] {
    return [...this.#active.links, ...this.#passive.candidates];
  }
  get(identity: Identity): Candidate | undefined {
    return this.#active.ofIdentity(identity) ?? this.#passive.get(identity);
  }
  sample(count: number, random: Random, accept?: (candidate: Candidate) => boolean): Candidate[] {
    const all = this.candidates.slice();
    const chosen: Candidate[] = [];
    for (let left = all.length; left > 0 && chosen.length < count; left--) {
      const place = random.below(left);
      const candidate = all[place]!;
      all[place] = all[left - 1]!;
      if (accept === undefined || accept(candidate)) chosen.push(candidate);
    }
    return chosen;
  }

  // ---- Handlers ----

  start(env: HyParViewEnvironment): void {
    const { keepAliveMs, shuffleIntervalMs } = this.options;
    this.#schedulePromotion(0, env);
    // Somewhere in the first interval, so that a network that starts at once does not do it in step.
    env.schedule(env.random.below(keepAliveMs), { type: "keep-alive" });
    env.schedule(env.random.below(shuffleIntervalMs), { type: "shuffle" });
    if (this.#xBot !== undefined)
      env.schedule(env.random.below(this.options.optimiseIntervalMs), { type: "optimise" });
  }

  onHeard(from: NodeId): void {
    this.#tests.onHeard(from);
  }

  onNotice(notice: Typed, env: HyParViewEnvironment): void {
    if (this.#hasLeft) return;
    const known = notice as StackNotice | { readonly type: "left" };
    switch (known.type) {
      case "member-up":
        return this.#onMemberUp(known.peer, known.since, known.incarnation, env);
      case "member-failed":
        return this.#onGone(known.peer, known.incarnation, "failed", env);
      case "peer-left":
        return this.#onGone(known.peer, known.incarnation, "left", env);
      case "left":
        for (const neighbor of this.neighbors) this.#disconnect(neighbor, env, { isLeaving: true });
        this.#hasLeft = true;
        return;
    }
  }

  onCommand(command: HyParViewCommand, env: HyParViewEnvironment): void {
    if (this.#hasLeft) return;
    switch (command.type) {
      case "link-lost":
        return this.#onTested(this.#tests.onBroken(command.neighbor, env), env);
      case "unreachable":
        this.#passive.remove(identityOf(command.node));
        this.#drop(command.node, "unreachable", env);
        this.#onRefused(command.node, env);
        return this.#seek(env);
    }
  }

  onMessage(from: NodeId, message: HyParViewMessage, env: HyParViewEnvironment): void {
    if (this.#hasLeft) return;
    switch (message.type) {
      case "join":
        return this.#onJoin(from, message, env);
      case "forward-join":
        return this.#onForwardJoin(from, message, env);
      case "neighbor":
        return this.#onNeighborRequest(from, message, env);
      case "neighbor-reply":
        return this.#onNeighborReply(from, message, env);
      case "disconnect":
        return this.#onDisconnect(from, message.instead, message.isLeaving, env);
      case "shuffle":
        if (this.#isWalk(from, env) && !this.#shuffling.onShuffle(from, message, env))
          this.counters.bounded++;
        return this.#seek(env);
      case "shuffle-reply":
        if (!this.#shuffling.onReply(message, env)) this.counters.unasked++;
        return this.#seek(env);
      case "keep-alive":
        return this.#tests.onKeepAlive(from, message.nonce, env);
      case "keep-alive-reply":
        if (this.#xBot?.onAnswer(from, message.nonce, env)) return;
        return this.#onTested(this.#tests.onAnswer(from, message.nonce, message.isLinked, env), env);
      default:
        return this.#onXBotMessage(from, message, env);
    }
  }

  onTimer(timer: HyParViewTimer, env: HyParViewEnvironment): void {
    if (this.#hasLeft) return;
    switch (timer.type) {
      case "promote":
        if (timer.round !== this.#round) return; // a sooner one was scheduled meanwhile
        return this.#onPromote(env);
      case "answer-timeout":
        if (this.#asked.get(timer.peer)?.at !== timer.at) return; // answered
        this.counters.silent++;
        this.#passive.remove(identityOf(timer.peer));
        this.#onRefused(timer.peer, env);
        return this.#seek(env);
      case "link-timeout":
        return this.#onTested(this.#tests.onTimeout(timer), env);
      case "keep-alive":
        for (const link of this.#tests.onTick(env)) this.#onTested(link, env);
        this.#seek(env);
        return env.schedule(this.options.keepAliveMs, timer);
      case "shuffle":
        this.#shuffle(env);
        return env.schedule(this.options.shuffleIntervalMs, timer);
      case "optimise":
        this.#xBot!.optimise(env);
        return env.schedule(this.options.optimiseIntervalMs, timer);
    }
  }

  // ---- Joining ----

  /** The contact's part: take the newcomer in, and send the news of it over all other links. */
  #onJoin(from: NodeId, { since, incarnation }: Join, env: HyParViewEnvironment): void {
    this.#meet({ peer: from, since }, env);
    const mayJoin = this.#mayOthers("joins", env);
    if (!mayJoin || !this.#takeIn(from, { since, incarnation, insists: true }, env)) {
      this.counters.refused++;
      return this.#reply(from, false, env);
    }
    this.#reply(from, true, env);
    const newcomer = { peer: from, since };
    for (const neighbor of this.neighbors) {
      if (neighbor === from) continue;
      env.send(neighbor, { type: "forward-join", newcomer, hopsLeft: this.options.activeWalk });
    }
  }

  #onForwardJoin(from: NodeId, { newcomer, hopsLeft }: ForwardJoin, env: HyParViewEnvironment): void {
    if (!this.#isWalk(from, env) || identityOf(newcomer.peer) === identityOf(env.self)) return;
    const hops = Math.min(hopsLeft, this.options.activeWalk);
    const next =
      hops <= 0 || this.#active.size <= 1 ? undefined : this.#active.another(env.random, from, newcomer.peer);
    if (next !== undefined) {
      if (hops === this.options.passiveWalk) this.#remember(newcomer, env);
      return env.send(next, { type: "forward-join", newcomer, hopsLeft: hops - 1 });
    }
    if (this.#isFree(newcomer.peer)) this.#ask(newcomer.peer, "walk-end", env);
  }

  // ---- Links: asking and being asked ----

  /**
   * Asks for as many neighbors as are missing; and for an elder one, where the membership knows somebody elder. Called
   * whenever something has changed: a peer that wants nothing does nothing here.
   */
  #seek(env: HyParViewEnvironment): void {
    if (this.#isWaiting && this.#active.size > 0) return;
    this.#seekElder(env);
    if (this.#isNewcomer && this.#active.size === 0) {
      if (this.#asked.size === 0) this.#askSomebody("join", env);
    } else while (this.#missing() > 0 && this.#askSomebody("neighbor", env)) {}
    if (this.#asked.size === 0 && this.#isShort(env)) this.#scheduleNext(env);
  }

  #onPromote(env: HyParViewEnvironment): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#isWaiting = false;
    const joinsAgain = this.#refusals >= patience && this.#missing() >= 2;
    this.#refusing.clear();
    this.#refusals = 0;
    if (joinsAgain) this.#askSomebody("join", env);
    this.#seek(env);
    // Everybody whom we remember is a neighbor, or gone: neighbors know others.
    if (this.#missing() > 0) this.#shuffle(env);
  }

  /** Neighbors are missing, or an elder one, and there is somebody who could be it. */
  #isShort(env: HyParViewEnvironment): boolean {
    return this.#active.size < this.wantedDegree || this.#lacksElder(env);
  }

  /** Places that are empty, and for which nobody is asked. Ends of walks do not count: others may have made them up. */
  #missing(): number {
    let coming = 0;
    for (const { type } of this.#asked.values()) if (type !== "walk-end") coming++;
    return this.wantedDegree - this.#active.size - coming;
  }

  #askSomebody(type: Ask["type"], env: HyParViewEnvironment): boolean {
    const candidate = this.#candidate(env, ({ peer }) => this.#isFree(peer));
    if (candidate === undefined) return false;
    this.#ask(candidate.peer, type, env);
    return true;
  }

  /** Somebody that we could ask, at random. */
  #candidate(env: HyParViewEnvironment, accept: (candidate: Candidate) => boolean): Candidate | undefined {
    const { sampler, isFullView } = this.#config;
    if (!isFullView()) {
      const [remembered] = this.#passive.sample(1, env.random, accept);
      if (remembered !== undefined) return remembered;
    }
    return sampler.sample(1, env.random, accept)[0];
  }

  #isFree(peer: NodeId): boolean {
    const identity = identityOf(peer);
    if (this.#refusing.has(identity) || this.#active.ofIdentity(identity) !== undefined) return false;
    for (const asked of this.#asked.keys()) if (identityOf(asked) === identity) return false;
    return true;
  }

  #ask(peer: NodeId, type: Ask["type"], env: HyParViewEnvironment): void {
    const { since, incarnation } = this.#config.standing;
    // Only one of several insists: the others look for room.
    const isFirst = this.#active.size === 0 && ![...this.#asked.values()].some(({ insists }) => insists);
    const insists = type === "elder" || isFirst;
    this.#asked.set(peer, { at: env.now, type, insists });
    if (type === "join") env.send(peer, { type, since, incarnation });
    else env.send(peer, { type: "neighbor", since, incarnation, isHighPriority: insists });
    env.schedule(this.options.answerTimeoutMs, { type: "answer-timeout", peer, at: env.now });
    if (type === "join") this.counters.joins++;
    else if (type === "neighbor") this.counters.promotions++;
  }

  /** It has refused, or is silent. */
  #onRefused(peer: NodeId, env: HyParViewEnvironment): void {
    const ask = this.#asked.get(peer);
    if (ask === undefined) return;
    this.#asked.delete(peer);
    if (ask.type === "walk-end") return; // its own affair
    this.#refusing.add(identityOf(peer));
    this.#refusals++;
    if (this.#refusals >= patience) this.#wait(env);
  }

  #onNeighborRequest(from: NodeId, request: NeighborRequest, env: HyParViewEnvironment): void {
    const { since, incarnation, isHighPriority } = request;
    this.#meet({ peer: from, since }, env);
    const isTaken = this.#takeIn(from, { since, incarnation, insists: isHighPriority }, env);
    if (!isTaken) this.counters.refused++;
    this.#reply(from, isTaken, env);
    this.#seek(env);
  }

  #meet({ peer, since }: ViewEntry, env: HyParViewEnvironment): void {
    const identity = identityOf(peer);
    const isKnown = this.get(identity) !== undefined || this.#config.sampler.get(identity) !== undefined;
    if (!isKnown) env.notify({ type: "peer-met", peer, since });
  }

  #reply(to: NodeId, isAccepted: boolean, env: HyParViewEnvironment): void {
    const { since, incarnation } = this.#config.standing;
    env.send(to, { type: "neighbor-reply", since, incarnation, isAccepted });
  }

  #onNeighborReply(from: NodeId, reply: NeighborReply, env: HyParViewEnvironment): void {
    const ask = this.#asked.get(from);
    if (ask === undefined) {
      this.counters.unasked++;
      // The other end must not count on a link that we do not have.
      if (reply.isAccepted && !this.#active.has(from)) this.#disconnect(from, env);
      return;
    }
    if (!reply.isAccepted) this.#onRefused(from, env);
    else {
      const insists = ask.type === "walk-end" || ask.type === "elder";
      if (this.#takeIn(from, { ...reply, insists }, env)) this.#asked.delete(from);
      else {
        // We have no room meanwhile, and would have none if we asked again at once.
        this.#disconnect(from, env);
        this.#onRefused(from, env);
      }
    }
    this.#seek(env);
  }

  /** Makes a link if there is room, or if room can be made for who insists. True if there is one now. */
  #takeIn(
    peer: NodeId,
    { since, incarnation, insists }: Pick<Link, "since" | "incarnation"> & { readonly insists: boolean },
    env: HyParViewEnvironment,
  ): boolean {
    const old = this.#active.ofIdentity(identityOf(peer));
    // The other end may have forgotten the link, or we asked each other at the same time. Who is older than what we
    // know of it is an echo.
    if (old !== undefined && old.incarnation >= incarnation) return old.peer === peer;
    // Or it started anew: then this is another link, and the layers above must not count on what crossed the old one.
    if (old !== undefined) this.#drop(old.peer, "replaced", env);
    const isFull = this.#active.size >= this.options.activeView;
    if (isFull && !(insists && this.#evictFor(peer, env))) return false;
    this.#active.add(peer, since, incarnation);
    this.#passive.remove(identityOf(peer));
    this.#asked.delete(peer);
    this.#refusals = 0;
    this.#pause = 1;
    if (this.#isNewcomer) this.#wait(env); // for the ends of its walks
    this.#isNewcomer = false;
    env.notify({ type: "neighbor-up", neighbor: peer, incarnation });
    return true;
  }

  #evictFor(peer: NodeId, env: HyParViewEnvironment): boolean {
    const victim = this.#active.toEvict(this.#kept, this.#me(env), env.random);
    if (victim === undefined || !this.#mayOthers("evictions", env)) return false;
    this.counters.evicted++;
    this.#disconnect(victim, env, { instead: peer });
    this.#giveUp(victim, "replaced", env);
    return true;
  }

  /** It is as good as it was, and may be a neighbor again. */
  #giveUp(peer: NodeId, reason: NeighborDown["reason"], env: HyParViewEnvironment): void {
    const link = this.#active.get(peer);
    if (link === undefined) return;
    this.#drop(peer, reason, env);
    this.#remember(link, env);
  }

  #disconnect(
    peer: NodeId,
    env: HyParViewEnvironment,
    { instead, isLeaving = false }: { readonly instead?: NodeId; readonly isLeaving?: boolean } = {},
  ): void {
    env.send(peer, { type: "disconnect", instead, isLeaving });
  }

  #onDisconnect(
    from: NodeId,
    instead: NodeId | undefined,
    isLeaving: boolean,
    env: HyParViewEnvironment,
  ): void {
    if (!this.#active.has(from)) return;
    if (isLeaving) this.#drop(from, "left", env);
    else this.#giveUp(from, "replaced", env);
    const isOther = instead !== undefined && identityOf(instead) !== identityOf(env.self);
    if (isOther && this.#missing() > 0 && this.#isFree(instead)) this.#ask(instead, "neighbor", env);
    this.#seek(env);
  }

  /** What has to happen afterwards is the caller's affair: usually `#seek`. */
  #drop(peer: NodeId, reason: NeighborDown["reason"], env: HyParViewEnvironment): void {
    if (!this.#active.remove(peer)) return;
    this.#refusals = 0;
    this.#pause = 1;
    this.#isWaiting = false;
    env.notify({ type: "neighbor-down", neighbor: peer, reason });
  }

  // ---- Elders ----

  #me(env: HyParViewEnvironment): Seniority {
    return { peer: env.self, since: this.#config.standing.since };
  }

  #lacksElder(env: HyParViewEnvironment): boolean {
    const me = this.#me(env);
    if (this.#active.hasElderThan(me)) return false;
    return this.#candidate(env, (candidate) => isElder(candidate, me)) !== undefined;
  }

  #seekElder(env: HyParViewEnvironment): void {
    if (this.#isNewcomer || !this.#lacksElder(env)) return;
    for (const { type } of this.#asked.values()) if (type === "elder") return; // on its way
    const me = this.#me(env);
    const isUsable = (candidate: Candidate) => isElder(candidate, me) && this.#isFree(candidate.peer);
    const elder = this.#candidate(env, isUsable);
    if (elder === undefined) return;
    this.counters.eldersSought++;
    this.#ask(elder.peer, "elder", env);
  }

  // ---- What the membership and the transport say ----

  #onMemberUp(peer: NodeId, since: Millis, incarnation: number, env: HyParViewEnvironment): void {
    const link = this.#active.ofIdentity(identityOf(peer));
    if (link === undefined) this.#remember({ peer, since }, env);
    else if (link.peer !== peer && link.incarnation < incarnation) this.#drop(link.peer, "replaced", env);
    else if (link.incarnation < incarnation) this.#tests.test(link, env); // it may have started anew
    if (this.#isShort(env)) this.#seekSoon(env);
  }

  #onGone(peer: NodeId, incarnation: number, reason: "failed" | "left", env: HyParViewEnvironment): void {
    const identity = identityOf(peer);
    const link = this.#active.ofIdentity(identity);
    if (link !== undefined && link.incarnation > incarnation) return; // it came back since
    this.#passive.remove(identity);
    if (link !== undefined) this.#drop(link.peer, reason, env);
    this.#seek(env);
  }

  #onTested(outcome: FailedLink | "unasked" | undefined, env: HyParViewEnvironment): void {
    if (outcome === undefined) return;
    if (outcome === "unasked") {
      this.counters.unasked++;
      return;
    }
    if (outcome.reason === "failed") this.counters.silent++;
    this.#drop(outcome.peer, outcome.reason, env);
    this.#seek(env);
  }

  #seekSoon(env: HyParViewEnvironment): void {
    const soon = env.random.below(Math.ceil(this.options.promotionIntervalMs / 5) + 1);
    if (env.now + soon < this.#dueAt) this.#schedulePromotion(soon, env);
  }

  /** Until the next promotion nobody is asked, unless we lose a neighbor. */
  #wait(env: HyParViewEnvironment): void {
    this.#isWaiting = true;
    this.#scheduleNext(env);
  }

  /** The next promotion, later each time that one was of no use. */
  #scheduleNext(env: HyParViewEnvironment): void {
    if (this.#dueAt !== Number.POSITIVE_INFINITY) return;
    const pause = this.options.promotionIntervalMs * this.#pause * (0.5 + 0.5 * env.random.unit());
    this.#pause = Math.min(maxPause, this.#pause * 2);
    this.#schedulePromotion(Math.ceil(pause), env);
  }

  #schedulePromotion(after: Millis, env: HyParViewEnvironment): void {
    this.#round++;
    this.#dueAt = env.now + after;
    env.schedule(after, { type: "promote", round: this.#round });
  }

  // ---- The passive view ----

  /** Whoever is a neighbor, and we ourselves, have no place there. */
  #remember(entry: ViewEntry, env: HyParViewEnvironment): void {
    const identity = identityOf(entry.peer);
    if (identity === identityOf(env.self) || this.#active.ofIdentity(identity) !== undefined) return;
    this.#passive.remember(entry, env.random);
  }

  #shuffle(env: HyParViewEnvironment): void {
    if (!this.#config.isFullView() && this.#shuffling.start(this.#me(env), env)) this.counters.shuffles++;
  }

  // ---- Closer neighbors ----

  #makeXBot(): XBot {
    return new XBot({
      active: this.#active,
      options: this.options,
      counters: this.counters,
      quality: this.#config.quality,
      life: () => ({ since: this.#config.standing.since, incarnation: this.#config.standing.incarnation }),
      onlyElder: (env) => this.#active.onlyElder(this.#me(env)),
      candidate: (env) => this.#candidate(env, ({ peer }) => this.#isFree(peer))?.peer,
      takeIn: (peer, life, env) => this.#takeIn(peer, { ...life, insists: false }, env),
      drop: (peer, reason, env) => this.#giveUp(peer, reason, env),
    });
  }

  #onXBotMessage(from: NodeId, message: XBotMessage, env: HyParViewEnvironment): void {
    if (this.#xBot !== undefined) {
      this.#xBot.onMessage(from, message, env);
      return this.#seek(env);
    }
    // Others may care for closeness; we keep the neighbors that we have.
    const { since, incarnation } = this.#config.standing;
    const refusal = { nonce: message.nonce, isAccepted: false };
    if (message.type === "optimisation")
      env.send(from, { type: "optimisation-reply", ...refusal, since, incarnation });
    else if (message.type === "replace") env.send(from, { type: "replace-reply", ...refusal });
    else if (message.type === "switch")
      env.send(from, { type: "switch-reply", ...refusal, since, incarnation });
  }

  // ---- What others may make us do ----

  /** Walks go over links, and so many a second. */
  #isWalk(from: NodeId, env: HyParViewEnvironment): boolean {
    if (!this.#active.has(from)) {
      this.counters.unasked++;
      return false;
    }
    return this.#mayOthers("walks", env);
  }

  #mayOthers(what: Bounded, env: HyParViewEnvironment): boolean {
    if (this.#bounds.allows(what, env.now)) return true;
    this.counters.bounded++;
    return false;
  }
}
