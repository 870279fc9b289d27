import { type Candidate, type Identity, identityOf, type PeerSampler, type Random } from "../core/index.ts";

/** The peers that a node has heard of: a packed table with a fixed bound, from which it samples uniformly. */
export class KnownPeers implements PeerSampler {
  readonly #limit: number;
  readonly #candidates: Candidate[] = [];
  readonly #indexOf = new Map<Identity, number>();

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
    const index = this.#indexOf.get(identity);
    return index === undefined ? undefined : this.#candidates[index];
  }

  /** Adds or replaces by identity. A full table takes the newcomer in a random one's place. True if it was new. */
  add(candidate: Candidate, random: Random): boolean {
    const identity = identityOf(candidate.peer);
    const index = this.#indexOf.get(identity);
    if (index !== undefined) {
      this.#candidates[index] = candidate;
      return false;
    }
    if (this.#candidates.length >= this.#limit) {
      this.remove(identityOf(this.#candidates[random.below(this.#candidates.length)]!.peer));
    }
    this.#indexOf.set(identity, this.#candidates.length);
    this.#candidates.push(candidate);
    return true;
  }

  remove(identity: Identity): boolean {
    const index = this.#indexOf.get(identity);
    if (index === undefined) return false;
    const last = this.#candidates.pop()!;
    this.#indexOf.delete(identity);
    if (index < this.#candidates.length) {
      this.#candidates[index] = last;
      this.#indexOf.set(identityOf(last.peer), index);
    }
    return true;
  }

  sample(count: number, random: Random, accept: (candidate: Candidate) => boolean = () => true): Candidate[] {
    const size = this.#candidates.length;
    const chosen = new Set<Candidate>();
    // Blind tries are cheap when most are acceptable; the scan below settles the rest.
    for (let tries = 0; tries < 4 * count && chosen.size < count && size > 0; tries++) {
      const candidate = this.#candidates[random.below(size)]!;
      if (accept(candidate)) chosen.add(candidate);
    }
    if (chosen.size < count && chosen.size < size) {
      const start = size === 0 ? 0 : random.below(size);
      for (let i = 0; i < size && chosen.size < count; i++) {
        const candidate = this.#candidates[(start + i) % size]!;
        if (accept(candidate)) chosen.add(candidate);
      }
    }
    return [...chosen];
  }
}
