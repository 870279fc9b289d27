import {
  type Candidate,
  HashIndex,
  hashText,
  type Identity,
  identityOf,
  type PeerSampler,
  type Random,
} from "../core/index.ts";

/** The peers that a node has heard of: a packed table with a fixed bound, from which it samples uniformly. */
export class KnownPeers implements PeerSampler {
  readonly #limit: number;
  readonly #candidates: Candidate[] = [];
  /** The places of #candidates by identity. */
  readonly #index = new HashIndex();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#candidates.length;
  }
  get candidates(): readonly Candidate[] {
    return this.#candidates;
  }
  get(identity: Identity): Candidate | undefined {
    const place = this.#placeOf(identity);
    return place < 0 ? undefined : this.#candidates[place];
  }

  /** Adds or replaces by identity. A full table takes the newcomer in a random one's place. True if it was new. */
  add(candidate: Candidate, random: Random): boolean {
    const identity = identityOf(candidate.peer);
    const place = this.#placeOf(identity);
    if (place >= 0) {
      this.#candidates[place] = candidate;
      return false;
    }
    if (this.#candidates.length >= this.#limit) {
      this.remove(identityOf(this.#candidates[random.below(this.#candidates.length)]!.peer));
    }
    this.#index.add(hashOf(identity), this.#candidates.length);
    this.#candidates.push(candidate);
    return true;
  }

  remove(identity: Identity): boolean {
    const place = this.#placeOf(identity);
    if (place < 0) return false;
    const last = this.#candidates.pop()!;
    this.#index.delete(hashOf(identity), place);
    if (place < this.#candidates.length) {
      this.#candidates[place] = last;
      this.#index.move(hashOf(identityOf(last.peer)), this.#candidates.length, place);
    }
    return true;
  }

  #placeOf(identity: Identity): number {
    const candidates = this.#candidates;
    return this.#index.find(hashOf(identity), (place) => identityOf(candidates[place]!.peer) === identity);
  }

  sample(count: number, random: Random, accept?: (candidate: Candidate) => boolean): Candidate[] {
    return sampleOf(this.#candidates, count, random, accept);
  }
}

/** Up to `count` different ones that are acceptable, in random order. */
export function sampleOf<T>(
  all: readonly T[],
  count: number,
  random: Random,
  accept: (one: T) => boolean = () => true,
): T[] {
  const size = all.length;
  const chosen = new Set<T>();
  // Blind tries are cheap when most are acceptable; the scan below settles the rest.
  for (let tries = 0; tries < 4 * count && chosen.size < count && size > 0; tries++) {
    const one = all[random.below(size)]!;
    if (accept(one)) chosen.add(one);
  }
  if (chosen.size < count && chosen.size < size) {
    const start = size === 0 ? 0 : random.below(size);
    for (let i = 0; i < size && chosen.size < count; i++) {
      const one = all[(start + i) % size]!;
      if (accept(one)) chosen.add(one);
    }
  }
  return [...chosen];
}

/** Simulated nodes are numbered from 0: a multiplication by an odd number spreads them without a collision. */
function hashOf(identity: Identity): number {
  return typeof identity === "number" ? Math.imul(identity, 0x9e3779b1) : hashText(identity);
}
