/**
 * How passive views stay fresh: a sample of both views walks to somebody, who answers with as many of its own.
 *
 *     A -> shuffle(6 hops) -> neighbor … -> B      B -> shuffle-reply -> A
 */
import { type Candidate, type Environment, identityOf, type NodeId, nonce, sample } from "../core/index.ts";
import type { ActiveView } from "./active-view.ts";
import type { HyParViewMessage, Shuffle, ShuffleReply, ViewEntry } from "./hyparview-messages.ts";
import type { HyParViewOptions } from "./hyparview-options.ts";
import type { PassiveView } from "./passive-view.ts";

/** Walks that end here while one of ours is due, whose entries are taken; guess: some times what comes by chance. */
const maxTaken = 8;

type ShuffleEnvironment = Environment<HyParViewMessage>;

export class ViewShuffle {
  readonly #active: ActiveView;
  readonly #passive: PassiveView;
  readonly #options: HyParViewOptions;
  /** The walk that is out, and what of the passive view it carries; 0 where none is. */
  #nonce = 0;
  #given: readonly Candidate[] = [];
  /** Walks of others that were taken in since our last. */
  #taken = 0;

  constructor(active: ActiveView, passive: PassiveView, options: HyParViewOptions) {
    this.#active = active;
    this.#passive = passive;
    this.#options = options;
  }

  /** False if there is no link to send it over. */
  start(me: Candidate, env: ShuffleEnvironment): boolean {
    this.#taken = 0;
    const neighbor = this.#active.another(env.random);
    if (neighbor === undefined) return false;
    const { shuffleActive, shufflePassive, activeWalk } = this.#options;
    const neighbors = [...this.#active.links].filter(({ peer }) => peer !== neighbor);
    const chosen = sample(neighbors, shuffleActive, env.random);
    this.#given = this.#passive.sample(shufflePassive, env.random);
    this.#nonce = nonce(env.random);
    const entries = [me, ...chosen, ...this.#given].map(entryOf);
    env.send(neighbor, {
      type: "shuffle",
      nonce: this.#nonce,
      origin: env.self,
      hopsLeft: activeWalk,
      entries,
    });
    return true;
  }

  /** It came over a link: passes it on, or answers it. False if it was one too many to be taken in. */
  onShuffle(from: NodeId, shuffle: Shuffle, env: ShuffleEnvironment): boolean {
    const { origin, entries } = shuffle;
    const hopsLeft = Math.min(shuffle.hopsLeft, this.#options.activeWalk) - 1;
    const isOver = hopsLeft <= 0 || this.#active.size <= 1;
    const next = isOver ? undefined : this.#active.another(env.random, from, origin);
    if (next !== undefined) {
      env.send(next, { ...shuffle, hopsLeft });
      return true;
    }
    if (identityOf(origin) === identityOf(env.self)) return true;
    const given = this.#passive.sample(entries.length, env.random);
    env.send(origin, { type: "shuffle-reply", nonce: shuffle.nonce, entries: given.map(entryOf) });
    // One neighbor who invents walks must not fill the view with its own.
    if (this.#taken >= maxTaken) return false;
    this.#taken++;
    this.#integrate(entries, given, env);
    return true;
  }

  /** False if it answers no shuffle of ours. */
  onReply({ nonce: answered, entries }: ShuffleReply, env: ShuffleEnvironment): boolean {
    if (this.#nonce === 0 || answered !== this.#nonce) return false;
    this.#nonce = 0;
    this.#integrate(entries, this.#given, env);
    return true;
  }

  /** Nobody makes us take more than we would send ourselves. */
  #integrate(entries: readonly ViewEntry[], given: readonly ViewEntry[], env: ShuffleEnvironment): void {
    const { shuffleActive, shufflePassive } = this.#options;
    const own = identityOf(env.self);
    const strangers = entries.slice(0, 1 + shuffleActive + shufflePassive).filter(({ peer }) => {
      const identity = identityOf(peer);
      return identity !== own && this.#active.ofIdentity(identity) === undefined;
    });
    this.#passive.integrate(strangers, given, env.random);
  }
}

function entryOf({ peer, since }: Candidate): ViewEntry {
  return { peer, since };
}
