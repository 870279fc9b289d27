/**
 * Cyclon: a peer sampler. Each node keeps a few pointers to others and exchanges some of them, once a period, with
 * the node of its oldest pointer (Voulgaris, Gavidia, van Steen 2005, enhanced shuffling).
 *
 *     P -> shuffle(P itself, l - 1 others) -> Q, the oldest     Q -> shuffle-reply(l of its own) -> P
 *
 * P forgets Q, and Q now has a pointer to P: the link turns around, so the number of pointers to a node stays near that
 * which it has itself, and the graph stays in one piece. A pointer to the dead is never renewed: it becomes the oldest,
 * is used once more, and is gone.
 *
 * As `Members` it is what a node without a full list knows. It watches nobody, and holds no links.
 *
 * Deviation: who joins begins with the peers that `sampler` gives it, instead of walks that would give it its full share
 * of pointers at once. The shuffles do so within some periods.
 */
import {
  type Candidate,
  defineOptions,
  type Environment,
  type Identity,
  identityOf,
  type Members,
  type NodeId,
  nonce,
  type Protocol,
  type Random,
  type StackNotice,
  type Standing,
  sample,
  type Typed,
} from "../core/index.ts";
import {
  type CyclonEntry,
  type CyclonMessage,
  type CyclonShuffle,
  type CyclonShuffleReply,
  maxCyclonAge,
  maxCyclonEntries,
} from "./cyclon-messages.ts";

export interface CyclonOptions {
  readonly cacheSize: number;
  readonly shuffleLength: number;
  readonly shufflePeriodMs: number;
}

export const cyclonOptions = defineOptions<CyclonOptions>({
  cacheSize: {
    default: 20,
    min: 2,
    max: 1000,
    description: "Pointers to others that a node keeps (20: the paper)",
  },
  shuffleLength: {
    default: 8,
    min: 1,
    max: maxCyclonEntries,
    description: "How many of them it exchanges at a time (8: the paper)",
  },
  shufflePeriodMs: {
    default: 10_000,
    min: 50,
    max: 3_600_000,
    description: "How often it does (10 s: the paper)",
  },
});

export interface CyclonConfig {
  /** Whom to begin with, and to begin again with when nobody is left. */
  readonly sampler: Members;
  readonly standing: Standing;
  readonly options?: Partial<CyclonOptions>;
}

export type CyclonTimer = { readonly type: "shuffle" };

/** Nobody answers at that address. */
export type CyclonCommand = { readonly type: "unreachable"; readonly node: NodeId };

type CyclonEnvironment = Environment<CyclonMessage, CyclonTimer, StackNotice>;

interface Pointer extends Candidate {
  age: number;
}

/** Of so many shuffles a period we keep what they bring, ten times what is usual; others are answered only. */
const maxTakenPerPeriod = 10;

export class Cyclon implements Protocol<CyclonMessage, CyclonTimer, StackNotice, CyclonCommand>, Members {
  readonly counters = { shuffles: 0, silent: 0, bounded: 0, unasked: 0 };
  readonly options: CyclonOptions;
  readonly #config: CyclonConfig;
  /** At most `cacheSize`, each node once, never ourselves. */
  #cache: Pointer[] = [];
  /** The shuffle that waits for its answer: with whom, and what was sent. */
  #sent:
    | { readonly to: NodeId; readonly nonce: number; readonly entries: readonly CyclonEntry[] }
    | undefined;
  #received = 0;
  #hasLeft = false;

  constructor(config: CyclonConfig) {
    this.#config = config;
    this.options = cyclonOptions(config.options);
  }

  // ---- What others may read ----

  get size(): number {
    return this.#cache.length;
  }
  get candidates(): readonly Candidate[] {
    return this.#cache;
  }
  get(identity: Identity): Candidate | undefined {
    return this.#cache.find(({ peer }) => identityOf(peer) === identity);
  }
  sample(count: number, random: Random, accept?: (candidate: Candidate) => boolean): Candidate[] {
    return sample(accept === undefined ? this.#cache : this.#cache.filter(accept), count, random);
  }

  // ---- Handlers ----

  start(env: CyclonEnvironment): void {
    // Somewhere in the first period, so that a network that starts at once does not shuffle in step.
    env.schedule(env.random.below(this.options.shufflePeriodMs), { type: "shuffle" });
    this.#begin(env);
  }

  onCommand(command: CyclonCommand): void {
    this.#forget(identityOf(command.node));
  }

  onNotice(notice: Typed): void {
    const known = notice as StackNotice | { readonly type: "left" };
    if (known.type === "member-failed" || known.type === "peer-left") this.#forget(identityOf(known.peer));
    else if (known.type === "left") this.#hasLeft = true;
  }

  onMessage(from: NodeId, message: CyclonMessage, env: CyclonEnvironment): void {
    if (this.#hasLeft) return;
    switch (message.type) {
      case "shuffle":
        return this.#onShuffle(from, message, env);
      case "shuffle-reply":
        return this.#onShuffleReply(from, message, env);
    }
  }

  onTimer(timer: CyclonTimer, env: CyclonEnvironment): void {
    if (this.#hasLeft) return;
    this.#received = 0;
    if (this.#sent !== undefined) this.counters.silent++;
    this.#sent = undefined;
    this.#shuffle(env);
    env.schedule(this.options.shufflePeriodMs, timer);
  }

  // ---- Shuffling ----

  #begin(env: CyclonEnvironment): void {
    for (const { peer, since } of this.#config.sampler.sample(this.options.cacheSize, env.random))
      this.#cache.push({ peer, since, age: 0 });
  }

  #shuffle(env: CyclonEnvironment): void {
    if (this.#cache.length === 0) this.#begin(env);
    for (const pointer of this.#cache) pointer.age = Math.min(maxCyclonAge, pointer.age + 1);
    const oldest = this.#takeOldest();
    if (oldest === undefined) return;
    const others = sample(this.#cache, this.options.shuffleLength - 1, env.random).map(entryOf);
    const entries = [{ peer: env.self, since: this.#config.standing.since, age: 0 }, ...others];
    this.#sent = { to: oldest.peer, nonce: nonce(env.random), entries: others };
    this.counters.shuffles++;
    env.send(oldest.peer, { type: "shuffle", nonce: this.#sent.nonce, entries });
  }

  #onShuffle(from: NodeId, { nonce, entries }: CyclonShuffle, env: CyclonEnvironment): void {
    const given = sample(this.#cache, Math.min(entries.length, this.options.shuffleLength), env.random).map(
      entryOf,
    );
    env.send(from, { type: "shuffle-reply", nonce, entries: given });
    // One who introduces many is asked by all of them at once; one who is flooded keeps most of what it knows.
    if (++this.#received <= maxTakenPerPeriod) this.#integrate(entries, given, env);
    else this.counters.bounded++;
  }

  #onShuffleReply(from: NodeId, { nonce, entries }: CyclonShuffleReply, env: CyclonEnvironment): void {
    const sent = this.#sent;
    if (sent?.to !== from || sent.nonce !== nonce) {
      this.counters.unasked++;
      return;
    }
    this.#sent = undefined;
    this.#integrate(entries, sent.entries, env);
  }

  /** First into empty places, then in the places of what was given away; what is known already is left out. */
  #integrate(entries: readonly CyclonEntry[], given: readonly CyclonEntry[], env: CyclonEnvironment): void {
    const leaving = [...given];
    // Nobody makes us take more than we would send ourselves.
    for (const { peer, since, age } of entries.slice(0, this.options.shuffleLength)) {
      const identity = identityOf(peer);
      if (identity === identityOf(env.self) || this.get(identity) !== undefined) continue;
      while (this.#cache.length >= this.options.cacheSize && leaving.length > 0)
        this.#forget(identityOf(leaving.pop()!.peer));
      if (this.#cache.length < this.options.cacheSize) this.#cache.push({ peer, since, age });
    }
  }

  #takeOldest(): Pointer | undefined {
    let oldest: Pointer | undefined;
    for (const pointer of this.#cache) if (oldest === undefined || pointer.age > oldest.age) oldest = pointer;
    if (oldest !== undefined) this.#forget(identityOf(oldest.peer));
    return oldest;
  }

  #forget(identity: Identity): void {
    this.#cache = this.#cache.filter(({ peer }) => identityOf(peer) !== identity);
  }
}

function entryOf({ peer, since, age }: Pointer): CyclonEntry {
  return { peer, since, age };
}
