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
import { NeighborSearch, type SearchTimer } from "./neighbor-search.ts";
import { PassiveView } from "./passive-view.ts";
import { PerSecond } from "./per-second.ts";
import type { Seniority } from "./seniority.ts";
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
  | SearchTimer
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
  readonly #search: NeighborSearch;
  readonly #shuffling: ViewShuffle;
  readonly #xBot: XBot | undefined;
  /** So many neighbors, those that have stood longest, are given up for nobody. */
  readonly #kept: number;
  readonly #bounds: PerSecond<Bounded>;
  #hasLeft = false;
  constructor(config: HyParViewConfig) {
    this.#config = config;
    this.options = hyParViewOptions(config.options);
    const { activeView, passiveView } = this.options;
    this.#passive = new PassiveView(passiveView);
    this.#tests = new LinkTests(this.#active, this.options);
    this.#shuffling = new ViewShuffle(this.#active, this.#passive, this.options);
    this.#search = new NeighborSearch({
      active: this.#active,
      passive: this.#passive,
      sampler: config.sampler,
      standing: config.standing,
      options: this.options,
      counters: this.counters,
      isFullView: config.isFullView,
      wantedDegree: () => this.wantedDegree,
      me: (env) => this.#me(env),
      shuffle: (env) => this.#shuffle(env as HyParViewEnvironment),
    });
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
    this.#search.start(env);
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
    const known = notice as StackNotice | { readonly type: "leaving" };
    switch (known.type) {
      case "member-up":
        return this.#onMemberUp(known.peer, known.since, known.incarnation, env);
      case "member-failed":
        return this.#onGone(known.peer, known.incarnation, "failed", env);
      case "peer-left":
        return this.#onGone(known.peer, known.incarnation, "left", env);
      case "leaving":
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
        this.#search.onRefused(command.node, env);
        return this.#search.seek(env);
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
        return this.#search.seek(env);
      case "shuffle-reply":
        if (!this.#shuffling.onReply(message, env)) this.counters.unasked++;
        return this.#search.seek(env);
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
        return this.#search.onPromote(timer.round, env);
      case "answer-timeout":
        if (this.#search.askOf(timer.peer)?.at !== timer.at) return; // answered
        this.counters.silent++;
        this.#passive.remove(identityOf(timer.peer));
        this.#search.onRefused(timer.peer, env);
        return this.#search.seek(env);
      case "link-timeout":
        return this.#onTested(this.#tests.onTimeout(timer), env);
      case "keep-alive":
        for (const link of this.#tests.onTick(env)) this.#onTested(link, env);
        this.#search.seek(env);
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
    if (this.#search.isFree(newcomer.peer)) this.#search.ask(newcomer.peer, "walk-end", env);
  }

  // ---- Links: asking and being asked ----

  #onNeighborRequest(from: NodeId, request: NeighborRequest, env: HyParViewEnvironment): void {
    const { since, incarnation, isHighPriority } = request;
    this.#meet({ peer: from, since }, env);
    const isTaken = this.#takeIn(from, { since, incarnation, insists: isHighPriority }, env);
    if (!isTaken) this.counters.refused++;
    this.#reply(from, isTaken, env);
    this.#search.seek(env);
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
    const ask = this.#search.askOf(from);
    if (ask === undefined) {
      this.counters.unasked++;
      // The other end must not count on a link that we do not have.
      if (reply.isAccepted && !this.#active.has(from)) this.#disconnect(from, env);
      return;
    }
    if (!reply.isAccepted) this.#search.onRefused(from, env);
    else {
      const insists = ask.type === "walk-end" || ask.type === "elder";
      if (this.#takeIn(from, { ...reply, insists }, env)) this.#search.onAnswered(from);
      else {
        // We have no room meanwhile, and would have none if we asked again at once.
        this.#disconnect(from, env);
        this.#search.onRefused(from, env);
      }
    }
    this.#search.seek(env);
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
    this.#search.onTaken(peer, env);
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
    if (isOther && this.#search.missing() > 0 && this.#search.isFree(instead))
      this.#search.ask(instead, "neighbor", env);
    this.#search.seek(env);
  }

  /** What has to happen afterwards is the caller's affair: usually to seek. */
  #drop(peer: NodeId, reason: NeighborDown["reason"], env: HyParViewEnvironment): void {
    if (!this.#active.remove(peer)) return;
    this.#search.onLost();
    env.notify({ type: "neighbor-down", neighbor: peer, reason });
  }

  // ---- Elders ----

  #me(env: Pick<HyParViewEnvironment, "self">): Seniority {
    return { peer: env.self, since: this.#config.standing.since };
  }

  // ---- What the membership and the transport say ----

  #onMemberUp(peer: NodeId, since: Millis, incarnation: number, env: HyParViewEnvironment): void {
    const link = this.#active.ofIdentity(identityOf(peer));
    if (link === undefined) this.#remember({ peer, since }, env);
    else if (link.peer !== peer && link.incarnation < incarnation) this.#drop(link.peer, "replaced", env);
    else if (link.incarnation < incarnation) this.#tests.test(link, env); // it may have started anew
    if (this.#search.isShort(env)) this.#search.seekSoon(env);
  }

  #onGone(peer: NodeId, incarnation: number, reason: "failed" | "left", env: HyParViewEnvironment): void {
    const identity = identityOf(peer);
    const link = this.#active.ofIdentity(identity);
    if (link !== undefined && link.incarnation > incarnation) return; // it came back since
    this.#passive.remove(identity);
    if (link !== undefined) this.#drop(link.peer, reason, env);
    this.#search.seek(env);
  }

  #onTested(outcome: FailedLink | "unasked" | undefined, env: HyParViewEnvironment): void {
    if (outcome === undefined) return;
    if (outcome === "unasked") {
      this.counters.unasked++;
      return;
    }
    if (outcome.reason === "failed") this.counters.silent++;
    this.#drop(outcome.peer, outcome.reason, env);
    this.#search.seek(env);
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
      candidate: (env) => this.#search.candidate(env, ({ peer }) => this.#search.isFree(peer))?.peer,
      takeIn: (peer, life, env) => this.#takeIn(peer, { ...life, insists: false }, env),
      drop: (peer, reason, env) => this.#giveUp(peer, reason, env),
    });
  }

  #onXBotMessage(from: NodeId, message: XBotMessage, env: HyParViewEnvironment): void {
    if (this.#xBot !== undefined) {
      this.#xBot.onMessage(from, message, env);
      return this.#search.seek(env);
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
