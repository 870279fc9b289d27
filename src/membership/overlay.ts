/**
 * The overlay of the classic network: which peers hold links, so that the degrees follow a chosen law and the
 * graph stays connected while peers come and go (the seed report, section 3; the implementation report, section 5).
 *
 * Degrees. Each peer draws one number and turns it, through the law's quantile function, into the degree that it
 * wants; with the network the law's cut-off grows, and with it the wishes of the future hubs. A peer that misses
 * links asks candidates. Whoever misses links too accepts. Whoever is full puts the asker, if it misses two links
 * or more or has no elder neighbor (see below), *into* one of its own links, which leaves its own degree and its old
 * neighbor's as they were:
 *
 *     X -- Y      H -> connect -> X      X -> accept -> H      X -> disconnect(instead H) -> Y -> connect -> H
 *     becomes     X -- H -- Y            (inserting into edges: Law & Siu 2003 grow their random graphs so)
 *
 * Connectivity. Every peer but the eldest sees to it that one of its neighbors is elder (see seniority.ts).
 * Following elders from anywhere ends at the eldest peer, so the graph is connected as soon as all have one.
 *
 * Adaptation. Of two candidates the longer-lived is asked; the neighbor given away is the slowest one.
 *
 * `preferential` is the law that has no wish: a newcomer makes `minDegree` links to the ends of random walks,
 * which lie at a peer with probability proportional to its degree (Barabási & Albert 1999; the walk of
 * Saramäki & Kaski 2004).
 */

import { type DegreeLaw, powerLaw, seedExponential } from "../core/degree-law.ts";
import {
  type Candidate,
  defineOptions,
  type Environment,
  type Identity,
  identityOf,
  type LinkQuality,
  type Millis,
  type NeighborDown,
  type NeighborView,
  type NodeId,
  type PeerSampler,
  type Protocol,
  pick,
  type StackNotice,
  type Standing,
  type Typed,
  UsageError,
} from "../core/index.ts";
import type { Accept, Connect, OverlayMessage } from "./messages.ts";
import { isElder } from "./seniority.ts";

export type OverlayLaw = "power-law" | "seed-exponential" | "preferential" | "uniform";

export interface OverlayOptions {
  readonly law: OverlayLaw;
  readonly exponent: number;
  readonly minDegree: number;
  readonly maxDegree: number;
  readonly refillIntervalMs: number;
  readonly maxRefillIntervalMs: number;
  readonly connectTimeoutMs: number;
  readonly avoidMs: number;
  readonly walkHops: number;
}

export const overlayOptions = defineOptions<OverlayOptions>({
  law: {
    default: "power-law",
    choices: ["power-law", "seed-exponential", "preferential", "uniform"],
    description: "The degree distribution of the overlay; seed-exponential is the formula of the seed report",
  },
  exponent: {
    default: 2.5,
    min: 1.01,
    max: 10,
    isFraction: true,
    description: "Exponent of the power law (between 2 and 3 as in most measured networks)",
  },
  minDegree: {
    default: 3,
    min: 1,
    max: 1000,
    description:
      "Least degree; the degree itself under --law uniform; links a newcomer makes under preferential (3: connected with high probability)",
  },
  maxDegree: {
    default: 100,
    min: 1,
    max: 1000,
    description: "Greatest degree (guess: what one process serves at ease)",
  },
  refillIntervalMs: {
    default: 1000,
    min: 10,
    max: 600_000,
    description: "How often a peer that misses links asks for more (guess)",
  },
  maxRefillIntervalMs: {
    default: 60_000,
    min: 10,
    max: 3_600_000,
    description: "The longest pause that it falls back to when nobody has room (guess)",
  },
  connectTimeoutMs: {
    default: 3000,
    min: 10,
    max: 600_000,
    description: "How long an asked peer may take (guess)",
  },
  avoidMs: {
    default: 10_000,
    min: 0,
    max: 3_600_000,
    description: "How long a peer that refused or did not answer is not asked again (guess)",
  },
  walkHops: {
    default: 8,
    min: 1,
    max: 64,
    description: "Length of the random walks under preferential (guess)",
  },
});

export interface OverlayConfig {
  readonly sampler: PeerSampler;
  readonly standing: Standing;
  /** Late-bound: the failure detector measures round trips over the links that the overlay keeps. */
  readonly quality: () => LinkQuality | undefined;
  readonly options?: Partial<OverlayOptions>;
}

export type OverlayTimer =
  | { readonly type: "refill"; readonly round: number }
  | { readonly type: "connect-timeout"; readonly peer: NodeId; readonly at: Millis };

export type OverlayCommand = never;
export type OverlayNotice = StackNotice;

type OverlayEnvironment = Environment<OverlayMessage, OverlayTimer, OverlayNotice>;

interface Link {
  readonly since: Millis;
  readonly incarnation: number;
}

interface Ask {
  readonly at: Millis;
  /** How many links the answer may bring. */
  readonly places: 1 | 2;
}

/** Bounds on what others can make us remember. */
const maxAvoided = 512;
const asksPerRound = 4;
/** How many links beyond its wish a peer accepts from those in need. */
const urgentRoom = 4;
/** Refusals before a peer below the least degree calls its need urgent. */
const patience = 3;

export class Overlay
  implements Protocol<OverlayMessage, OverlayTimer, OverlayNotice, OverlayCommand>, NeighborView
{
  readonly counters = { accepted: 0, rejected: 0, inserted: 0, timeouts: 0, anchorsSought: 0, unasked: 0 };
  readonly #options: OverlayOptions;
  readonly #config: OverlayConfig;
  readonly #links = new Map<NodeId, Link>();
  /** The keys of #links, packed. */
  readonly #neighbors: NodeId[] = [];
  /** Asked and not answered yet. */
  readonly #asked = new Map<NodeId, Ask>();
  /** Promised to us by a peer that put us into its link: they are about to ask. */
  readonly #expected = new Map<NodeId, Millis>();
  /** Not to be asked before that time. */
  readonly #avoided = new Map<Identity, Millis>();
  /** The one draw that makes this peer a hub or not; negative before the start. */
  #rank = -1;
  #law: { maxDegree: number; law: DegreeLaw } | undefined;
  #round = 0;
  #pause: Millis;
  #walksOut = 0;
  /** Refusals since the last new link: after a few, a peer with too few links becomes urgent. */
  #refusals = 0;
  #hasLeft = false;

  constructor(config: OverlayConfig) {
    this.#config = config;
    this.#options = overlayOptions(config.options);
    const { law, minDegree, maxDegree } = this.#options;
    if (minDegree > maxDegree) {
      throw new UsageError(
        `minDegree: ${minDegree} is more than maxDegree (${maxDegree}) under the law ${law}`,
      );
    }
    this.#pause = this.#options.refillIntervalMs;
  }

  // ---- What other layers may read ----

  get neighbors(): readonly NodeId[] {
    return this.#neighbors;
  }
  has(node: NodeId): boolean {
    return this.#links.has(node);
  }
  /** How many links this peer wants in a network of the size that it knows. */
  get wantedDegree(): number {
    const { law, exponent, minDegree, maxDegree } = this.#options;
    const others = this.#config.sampler.size;
    if (law === "uniform" || law === "preferential") return Math.min(minDegree, others);
    const cutOff = Math.max(minDegree, Math.min(maxDegree, others));
    if (this.#law?.maxDegree !== cutOff) {
      this.#law = { maxDegree: cutOff, law: lawOf(law, exponent, minDegree, cutOff) };
    }
    return Math.min(this.#law.law.quantile(Math.max(0, this.#rank)), others);
  }

  // ---- Handlers ----

  start(env: OverlayEnvironment): void {
    this.#rank = env.random.unit();
    env.schedule(0, { type: "refill", round: this.#round });
  }

  onCommand(_command: OverlayCommand): void {}

  onMessage(from: NodeId, message: OverlayMessage, env: OverlayEnvironment): void {
    if (this.#hasLeft) return;
    switch (message.type) {
      case "connect":
        return this.#onConnect(from, message, env);
      case "accept":
        return this.#onAccept(from, message, env);
      case "reject":
        if (!this.#asked.delete(from)) return;
        this.#refusals++;
        return this.#avoid(from, env);
      case "disconnect":
        return this.#onDisconnect(from, message.instead, env);
      case "walk":
        return this.#walk(message.origin, message.hopsLeft, env);
      case "walk-end":
        return this.#onWalkEnd(from, env);
    }
  }

  onTimer(timer: OverlayTimer, env: OverlayEnvironment): void {
    if (this.#hasLeft) return;
    switch (timer.type) {
      case "refill":
        if (timer.round !== this.#round) return; // a sooner one was scheduled meanwhile
        return this.#refill(env);
      case "connect-timeout":
        if (this.#expected.get(timer.peer) === timer.at) this.#expected.delete(timer.peer);
        if (this.#asked.get(timer.peer)?.at !== timer.at) return; // answered
        this.#asked.delete(timer.peer);
        this.counters.timeouts++;
        return this.#avoid(timer.peer, env);
    }
  }

  onNotice(notice: Typed, env: OverlayEnvironment): void {
    const known = notice as StackNotice | { type: "list-received" } | { type: "left" };
    switch (known.type) {
      case "neighbor-failed":
        return this.#drop(known.neighbor, "failed", env);
      case "neighbor-unreachable":
        env.send(known.neighbor, { type: "disconnect", instead: undefined });
        return this.#drop(known.neighbor, "unreachable", env);
      case "neighbor-one-sided":
        return this.#drop(known.neighbor, "one-sided", env);
      case "peer-left": {
        const link = this.#links.get(known.peer);
        if (link !== undefined && link.incarnation > known.incarnation) return; // it came back since
        return this.#drop(known.peer, "left", env);
      }
      case "list-received":
        if (this.#isPoor(env)) this.#refillSoon(env);
        return;
      case "left":
        this.#hasLeft = true;
        return;
    }
  }

  // ---- Asking ----

  #refill(env: OverlayEnvironment): void {
    const asks = this.#seekAnchor(env) + this.#seekLinks(env);
    const isPoor = this.#isPoor(env);
    const { refillIntervalMs, maxRefillIntervalMs } = this.#options;
    this.#pause = isPoor || asks === 0 ? refillIntervalMs : Math.min(maxRefillIntervalMs, this.#pause * 2);
    // A content peer looks again only now and then: its wish may have grown with the network. A poor one that has
    // not been refused often enough to insist tries again soon.
    const mayInsistSoon = isPoor && this.#refusals > 0 && this.#refusals < patience;
    const patientPause = asks === 0 && !isPoor ? maxRefillIntervalMs : this.#pause;
    const pause = mayInsistSoon ? refillIntervalMs / 5 : patientPause;
    this.#scheduleRefill(Math.floor(pause * (0.75 + 0.5 * env.random.unit())), env);
  }

  /** Fewer links than the least degree, or nobody elder: that cannot wait. */
  #isPoor(env: OverlayEnvironment): boolean {
    return (
      this.#neighbors.length < Math.min(this.#options.minDegree, this.wantedDegree) || !this.#hasElder(env)
    );
  }

  #refillSoon(env: OverlayEnvironment): void {
    this.#pause = this.#options.refillIntervalMs;
    this.#scheduleRefill(env.random.below(Math.ceil(this.#options.refillIntervalMs / 5) + 1), env);
  }

  #scheduleRefill(after: Millis, env: OverlayEnvironment): void {
    this.#round++;
    env.schedule(after, { type: "refill", round: this.#round });
  }

  /** Nobody elder among the neighbors, though elder peers are known: ask one, urgently. */
  #seekAnchor(env: OverlayEnvironment): number {
    if (this.#hasElder(env)) return 0;
    // A newcomer's walks end at elder peers only.
    if (this.#options.law === "preferential" && this.#neighbors.length === 0) return 0;
    const me = { peer: env.self, since: this.#config.standing.since };
    for (const asked of this.#asked.keys()) {
      const candidate = this.#config.sampler.get(identityOf(asked));
      if (candidate !== undefined && isElder(candidate, me)) return 0; // one is on the way
    }
    const elders = (candidate: Candidate) => isElder(candidate, me) && this.#isFree(candidate.peer, env);
    const [anchor] = this.#config.sampler.sample(1, env.random, elders);
    if (anchor === undefined) return 0;
    this.counters.anchorsSought++;
    // A peer with places to offer is taken in anyway; only one that has none left, or was refused, must insist.
    this.#ask(anchor.peer, this.#missing() <= 0 || this.#refusals >= patience, env);
    return 1;
  }

  #hasElder(env: OverlayEnvironment): boolean {
    const me = { peer: env.self, since: this.#config.standing.since };
    for (const [peer, { since }] of this.#links) if (isElder({ peer, since }, me)) return true;
    return false;
  }

  /** Links that are neither there, nor asked for, nor promised. */
  #missing(): number {
    let coming = this.#expected.size;
    for (const { places } of this.#asked.values()) coming += places;
    return this.wantedDegree - this.#neighbors.length - coming;
  }

  #seekLinks(env: OverlayEnvironment): number {
    if (this.#options.law === "preferential") {
      // Walks of the last round that came back empty: a lonely peer asks directly then.
      const walksFail = this.#neighbors.length === 0 && this.#walksOut > 0;
      if (!walksFail) return this.#sendWalks(env);
    }
    const isStarved = this.#neighbors.length < this.#options.minDegree && this.#refusals >= patience;
    let asks = 0;
    for (; asks < asksPerRound && this.#missing() > 0; asks++) {
      const pair = this.#config.sampler.sample(2, env.random, (candidate) =>
        this.#isFree(candidate.peer, env),
      );
      const [first, second] = pair;
      if (first === undefined) break;
      // Of two, the longer-lived: it is likelier to stay (and so it was for every peer-to-peer network measured).
      const chosen = second !== undefined && isElder(second, first) ? second : first;
      this.#ask(chosen.peer, isStarved && asks === 0, env);
    }
    // In a small network everybody may have refused by now. Who has too few links asks them again at once.
    if (asks === 0 && this.#missing() > 0 && this.#isPoor(env)) this.#avoided.clear();
    return asks;
  }

  #isFree(peer: NodeId, env: OverlayEnvironment): boolean {
    if (this.#links.has(peer) || this.#asked.has(peer)) return false;
    const until = this.#avoided.get(identityOf(peer));
    return until === undefined || until <= env.now;
  }

  #ask(peer: NodeId, isUrgent: boolean, env: OverlayEnvironment): void {
    const { since, incarnation } = this.#config.standing;
    const places = this.#missing() >= 2 ? 2 : 1;
    this.#asked.set(peer, { at: env.now, places });
    env.send(peer, { type: "connect", since, incarnation, places, isUrgent });
    env.schedule(this.#options.connectTimeoutMs, { type: "connect-timeout", peer, at: env.now });
  }

  #avoid(peer: NodeId, env: OverlayEnvironment): void {
    const identity = identityOf(peer);
    this.#avoided.delete(identity);
    this.#avoided.set(identity, env.now + this.#options.avoidMs);
    if (this.#avoided.size > maxAvoided) this.#avoided.delete(this.#avoided.keys().next().value!);
    if (this.#neighbors.length < this.#options.minDegree) this.#refillSoon(env);
  }

  // ---- Being asked ----

  #onConnect(from: NodeId, connect: Connect, env: OverlayEnvironment): void {
    env.notify({ type: "peer-met", peer: from, since: connect.since });
    const linked = this.#links.get(from);
    // The other end may have forgotten the link, or we asked each other at the same time.
    if (linked !== undefined && linked.incarnation >= connect.incarnation) {
      return this.#accept(from, undefined, env);
    }
    // Or it started anew: then this is another link, and the layers above must not count on what crossed the old one.
    if (linked !== undefined || this.#expected.has(from) || this.#hasRoom(connect)) {
      this.#link(from, connect, env);
      return this.#accept(from, undefined, env);
    }
    const given =
      connect.places >= 2 || connect.isUrgent ? this.#neighborToGive(from, connect, env) : undefined;
    if (given === undefined) {
      this.counters.rejected++;
      return env.send(from, { type: "reject" });
    }
    this.counters.inserted++;
    this.#link(from, connect, env);
    this.#accept(from, given, env);
    env.send(given, { type: "disconnect", instead: from });
    this.#drop(given, "replaced", env);
  }

  #accept(to: NodeId, brings: NodeId | undefined, env: OverlayEnvironment): void {
    const { since, incarnation } = this.#config.standing;
    env.send(to, { type: "accept", since, incarnation, brings });
  }

  #hasRoom(connect: Connect): boolean {
    const degree = this.#neighbors.length;
    const { law, maxDegree } = this.#options;
    if (degree >= maxDegree) return false;
    if (law === "preferential" || degree < this.wantedDegree) return true;
    return connect.isUrgent && degree < this.wantedDegree + urgentRoom;
  }

  /**
   * The slowest neighbor (of equals the youngest) without whom we still have an elder one. Not one that is silent:
   * whoever held a link to a dying peer is needed as a witness. Where the asker has one place only, but needs us,
   * not one that is elder than the asker either, who is to be its elder neighbor in our place.
   */
  #neighborToGive(asker: NodeId, { since: askerSince, places }: Connect, env: OverlayEnvironment) {
    const me = { peer: env.self, since: this.#config.standing.since };
    const elders = [...this.#links]
      .filter(([peer, { since }]) => isElder({ peer, since }, me))
      .map(([peer]) => peer);
    const askerIsElder = isElder({ peer: asker, since: askerSince }, me);
    const quality = this.#config.quality();
    let given: NodeId | undefined;
    let givenRttMs = -1;
    for (const [peer, link] of this.#links) {
      if (elders.length === 1 && elders[0] === peer && !askerIsElder) continue;
      if (quality?.isAnswering(peer) === false) continue;
      if (places < 2 && isElder({ peer, since: link.since }, { peer: asker, since: askerSince })) continue;
      const rttMs = quality?.rttMs(peer) ?? 0;
      const isYounger =
        given !== undefined &&
        isElder({ peer: given, since: this.#links.get(given)!.since }, { peer, since: link.since });
      if (given === undefined || rttMs > givenRttMs || (rttMs === givenRttMs && isYounger)) {
        given = peer;
        givenRttMs = rttMs;
      }
    }
    return given;
  }

  #onAccept(from: NodeId, accept: Accept, env: OverlayEnvironment): void {
    if (!this.#asked.delete(from)) {
      this.counters.unasked++;
      // A late accept, or one that nobody asked for: the other end must not count on a link that we do not have.
      if (!this.#links.has(from)) env.send(from, { type: "disconnect", instead: undefined });
      return;
    }
    if (!this.#links.has(from)) this.#link(from, accept, env);
    const { brings } = accept;
    if (brings !== undefined && identityOf(brings) !== identityOf(env.self) && !this.#links.has(brings)) {
      this.#expected.set(brings, env.now);
      env.schedule(this.#options.connectTimeoutMs, { type: "connect-timeout", peer: brings, at: env.now });
    }
    if (this.#missing() > 0) this.#refillSoon(env);
  }

  #onDisconnect(from: NodeId, instead: NodeId | undefined, env: OverlayEnvironment): void {
    if (!this.#links.has(from)) return;
    this.#drop(from, "replaced", env);
    if (instead === undefined || identityOf(instead) === identityOf(env.self) || !this.#isFree(instead, env))
      return;
    this.#ask(instead, true, env);
  }

  // ---- Random walks (preferential attachment) ----

  #sendWalks(env: OverlayEnvironment): number {
    const wanted = this.#missing();
    this.#walksOut = 0;
    for (let i = 0; i < wanted; i++) {
      const [first] = this.#config.sampler.sample(1, env.random);
      if (first === undefined) break;
      env.send(first.peer, { type: "walk", origin: env.self, hopsLeft: this.#options.walkHops });
      this.#walksOut++;
    }
    return this.#walksOut;
  }

  #walk(origin: NodeId, hopsLeft: number, env: OverlayEnvironment): void {
    const isOver = hopsLeft <= 0 || this.#neighbors.length === 0;
    const next = isOver ? undefined : pick(this.#neighbors, env.random);
    if (next !== undefined && identityOf(next) !== identityOf(origin)) {
      return env.send(next, {
        type: "walk",
        origin,
        hopsLeft: Math.min(hopsLeft, this.#options.walkHops) - 1,
      });
    }
    if (identityOf(origin) !== identityOf(env.self)) env.send(origin, { type: "walk-end" });
  }

  #onWalkEnd(from: NodeId, env: OverlayEnvironment): void {
    if (this.#walksOut <= 0) {
      this.counters.unasked++;
      return;
    }
    this.#walksOut--;
    if (this.#missing() > 0 && this.#isFree(from, env)) this.#ask(from, false, env);
  }

  // ---- Links ----

  #link(peer: NodeId, { since, incarnation }: Link, env: OverlayEnvironment): void {
    // The same identity at another address is the same peer: its old link is dead.
    const identity = identityOf(peer);
    const old = this.#neighbors.find((neighbor) => identityOf(neighbor) === identity);
    if (old !== undefined) this.#drop(old, "replaced", env);
    this.#links.set(peer, { since, incarnation });
    this.#neighbors.push(peer);
    this.#asked.delete(peer);
    this.#expected.delete(peer);
    this.#refusals = 0;
    this.#avoided.delete(identity);
    this.counters.accepted++;
    env.notify({ type: "neighbor-up", neighbor: peer, incarnation });
  }

  #drop(peer: NodeId, reason: NeighborDown["reason"], env: OverlayEnvironment): void {
    if (!this.#links.delete(peer)) return;
    this.#neighbors.splice(this.#neighbors.indexOf(peer), 1);
    env.notify({ type: "neighbor-down", neighbor: peer, reason });
    if (reason !== "replaced") this.#avoid(peer, env);
    this.#refillSoon(env);
  }
}

/** Laws that peers of this process have asked for: as the network grows, all of them go through the same ones. */
const laws = new Map<string, DegreeLaw>();
const maxLaws = 1024;

function lawOf(law: OverlayLaw, exponent: number, minDegree: number, maxDegree: number): DegreeLaw {
  const key = `${law}/${exponent}/${minDegree}/${maxDegree}`;
  let made = laws.get(key);
  if (made === undefined) {
    const support = { minDegree, maxDegree };
    made = law === "power-law" ? powerLaw({ exponent, ...support }) : seedExponential(support);
    if (laws.size >= maxLaws) laws.clear();
    laws.set(key, made);
  }
  return made;
}
