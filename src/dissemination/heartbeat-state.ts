/**
 * What a node knows of all nodes, as Cassandra keeps it (Lakshman, Malik 2010, "Cassandra: a decentralized structured
 * storage system", section 5.2), and how two nodes bring that up to date (van Renesse et al. 2008, "Efficient
 * reconciliation and flow control for anti-entropy protocols": scuttlebutt).
 *
 * Each endpoint has a generation, which grows with each of its lives, and states: a key, a value and a version. The
 * versions of a life come from one counter, so that one number says how much of an endpoint is known: whoever knows it
 * up to version v has every state as it was at v. The heartbeat is a state like any other.
 *
 * Always: of no endpoint is more known than it has said itself, and within a generation versions never go back.
 */
import { defineOptions, type Identity, type Random, sample, UsageError } from "../core/index.ts";

export interface HeartbeatStateOptions {
  readonly maxEndpoints: number;
  readonly maxStatesPerEndpoint: number;
  readonly maxStatesPerMessage: number;
  readonly maxGenerationAhead: number;
}

/** Whatever a node's options are. */
export const maxDigestsPerMessage = 1024;
export const maxDeltasPerMessage = 1024;
export const maxStatesPerDelta = 1024;
export const maxStateKeyLength = 64;
export const maxStateValueLength = 1024;

export const heartbeatStateOptions = defineOptions<HeartbeatStateOptions>({
  maxEndpoints: {
    default: 10_000,
    min: 1,
    max: 10_000_000,
    description: "Endpoints of which something is remembered; more are refused (bound)",
  },
  maxStatesPerEndpoint: {
    default: 64,
    min: 1,
    max: maxStatesPerDelta,
    description: "States of one endpoint; more are refused (bound)",
  },
  maxStatesPerMessage: {
    default: 512,
    min: 1,
    max: maxStatesPerDelta,
    description: "States that one message carries; those that are most out of date go first (guess)",
  },
  maxGenerationAhead: {
    default: 31_536_000,
    min: 1,
    max: 1_000_000_000_000,
    description: "A generation so far above all that we know is refused (a year of seconds: Cassandra)",
  },
});

/** How much is known of an endpoint. */
export interface EndpointDigest {
  readonly endpoint: Identity;
  readonly generation: number;
  /** 0: nothing of this generation. */
  readonly version: number;
}
export interface VersionedState {
  readonly key: string;
  readonly value: string;
  readonly version: number;
}
/** What is new of an endpoint to whoever knows it up to version `since` of that generation. */
export interface EndpointDelta {
  readonly endpoint: Identity;
  readonly generation: number;
  readonly since: number;
  /** By version, ascending, all above `since`: so any beginning of the list can be taken in by itself. */
  readonly states: readonly VersionedState[];
}

/** What became of a delta. All but the first two are refusals. */
export type DeltaOutcome = "newer" | "known" | "own" | "gap" | "ahead" | "full" | "malformed";

interface Endpoint {
  generation: number;
  /** The largest of its states. */
  version: number;
  readonly states: Map<string, VersionedState>;
}

/** The state that says nothing but that the endpoint lives. */
export const heartbeatKey = "heartbeat";

export class HeartbeatState {
  readonly self: Identity;
  readonly counters: Record<DeltaOutcome, number> & { refuted: number } = {
    newer: 0,
    known: 0,
    own: 0,
    gap: 0,
    ahead: 0,
    full: 0,
    malformed: 0,
    /** Somebody knew more of us than we have said: of an earlier life, or a lie. */
    refuted: 0,
  };
  readonly #options: HeartbeatStateOptions;
  readonly #endpoints = new Map<Identity, Endpoint>();
  readonly #own: Endpoint;

  /** Throws `UsageError` unless `generation` is a positive integer. It must be above that of all earlier lives. */
  constructor(self: Identity, generation: number, options?: Partial<HeartbeatStateOptions>) {
    if (!Number.isSafeInteger(generation) || generation < 1)
      throw new UsageError(`generation: ${generation} is not a positive integer`);
    this.self = self;
    this.#options = heartbeatStateOptions(options);
    this.#own = { generation, version: 0, states: new Map() };
    this.#endpoints.set(self, this.#own);
    this.beat();
  }

  /** Endpoints of which something is known, with our own. */
  get size(): number {
    return this.#endpoints.size;
  }
  /** In the order in which they became known. */
  get endpoints(): IterableIterator<Identity> {
    return this.#endpoints.keys();
  }
  /** Version 0 of generation 0 where nothing is known. */
  digestOf(endpoint: Identity): EndpointDigest {
    const { generation, version } = this.#endpoints.get(endpoint) ?? unknown;
    return { endpoint, generation, version };
  }
  get(endpoint: Identity, key: string): string | undefined {
    return this.#endpoints.get(endpoint)?.states.get(key)?.value;
  }
  /** For whoever decides that an endpoint is gone for good. Not our own. */
  forget(endpoint: Identity): void {
    if (endpoint !== this.self) this.#endpoints.delete(endpoint);
  }

  // ---- Our own states ----------------------------------------------------------------------------------------------

  beat(): void {
    this.#put(heartbeatKey, "");
  }

  /** Throws `UsageError`, before anything has changed, beyond the bounds. */
  set(key: string, value: string): void {
    if (key.length > maxStateKeyLength)
      throw new UsageError(`key: it has more than ${maxStateKeyLength} characters`);
    if (value.length > maxStateValueLength)
      throw new UsageError(`value: it has more than ${maxStateValueLength} characters`);
    const { states } = this.#own;
    if (!states.has(key) && states.size >= this.#options.maxStatesPerEndpoint)
      throw new UsageError(`maxStatesPerEndpoint: there are ${states.size} states already`);
    this.#put(key, value);
  }

  #put(key: string, value: string): void {
    this.#own.version++;
    this.#own.states.set(key, { key, value, version: this.#own.version });
  }

  // ---- Reconciliation ----------------------------------------------------------------------------------------------

  /** SYN: how much we know of whom; of more endpoints than a message may have a random part. */
  digests(random: Random): EndpointDigest[] {
    const chosen = sample([...this.#endpoints.keys()], maxDigestsPerMessage, random);
    return chosen.map((endpoint) => this.digestOf(endpoint));
  }

  /** ACK: of what the digests say, what we lack and what the other lacks. Undefined if they are nonsense. */
  examine(
    digests: readonly EndpointDigest[],
    random: Random,
  ): { readonly wanted: EndpointDigest[]; readonly deltas: EndpointDelta[] } | undefined {
    if (!areDigests(digests)) {
      this.counters.malformed++;
      return undefined;
    }
    const wanted: EndpointDigest[] = [];
    const behind: EndpointDigest[] = [];
    for (const theirs of digests) {
      if (theirs.endpoint === this.self) this.#refute(theirs);
      const ours = this.digestOf(theirs.endpoint);
      const order = theirs.generation - ours.generation || theirs.version - ours.version;
      // Of a new generation we know nothing yet.
      const version = theirs.generation === ours.generation ? ours.version : 0;
      if (order > 0 && theirs.endpoint !== this.self) wanted.push({ ...theirs, version });
      if (order < 0) behind.push(theirs);
    }
    return { wanted, deltas: this.#deltas(behind, random) };
  }

  /** ACK2: what the other wants. Undefined if it is nonsense. */
  deltasFor(wanted: readonly EndpointDigest[], random: Random): EndpointDelta[] | undefined {
    if (areDigests(wanted)) return this.#deltas(wanted, random);
    this.counters.malformed++;
    return undefined;
  }

  /**
   * Up to `maxStatesPerMessage` states. Endpoints of which the other lacks most states come first (scuttlebutt-depth),
   * equal ones in random order; of each the states come by version, since there must be no gap.
   */
  #deltas(known: readonly EndpointDigest[], random: Random): EndpointDelta[] {
    const all: EndpointDelta[] = [];
    for (const theirs of known) {
      const ours = this.#endpoints.get(theirs.endpoint);
      if (ours === undefined || ours.generation < theirs.generation) continue;
      const { generation } = ours;
      const since = generation === theirs.generation ? theirs.version : 0;
      const states = [...ours.states.values()].filter(({ version }) => version > since);
      states.sort((a, b) => a.version - b.version);
      if (states.length > 0) all.push({ endpoint: theirs.endpoint, generation, since, states });
    }
    const byDepth = sample(all, all.length, random).sort((a, b) => b.states.length - a.states.length);
    const deltas: EndpointDelta[] = [];
    let room = this.#options.maxStatesPerMessage;
    for (const delta of byDepth) {
      if (room === 0) break;
      deltas.push({ ...delta, states: delta.states.slice(0, room) });
      room -= deltas.at(-1)!.states.length;
    }
    return deltas;
  }

  /** Takes in what another node knows of an endpoint. */
  apply(delta: EndpointDelta): DeltaOutcome {
    const outcome = this.#apply(delta);
    this.counters[outcome]++;
    return outcome;
  }

  #apply(delta: EndpointDelta): DeltaOutcome {
    const { endpoint, generation, since, states } = delta;
    if (!isDelta(delta)) return "malformed";
    if (endpoint === this.self) return "own";
    const known = this.#endpoints.get(endpoint);
    if (known !== undefined && generation < known.generation) return "known";
    if (this.#isAhead(generation, known)) return "ahead";
    if (known === undefined && this.size >= this.#options.maxEndpoints) return "full";

    const isNewLife = known === undefined || generation > known.generation;
    if (since > (isNewLife ? 0 : known.version)) return "gap";
    const now = isNewLife ? { generation, version: 0, states: new Map<string, VersionedState>() } : known;
    const before = now.version;
    for (const state of states) {
      if (state.version <= now.version) continue;
      if (!now.states.has(state.key) && now.states.size >= this.#options.maxStatesPerEndpoint) return "full";
      now.states.set(state.key, state);
      now.version = state.version;
      if (isNewLife) this.#endpoints.set(endpoint, now);
    }
    return now.version > before ? "newer" : "known";
  }

  #isAhead(generation: number, known: Endpoint | undefined): boolean {
    const greatest = Math.max(this.#own.generation, known?.generation ?? 0);
    return generation > greatest + this.#options.maxGenerationAhead;
  }

  /** More is known of us than we have said. We begin a new generation, above all that is known. */
  #refute({ generation, version }: EndpointDigest): void {
    const own = this.#own;
    const isOurs = generation < own.generation || (generation === own.generation && version <= own.version);
    if (isOurs || this.#isAhead(generation, own)) return;
    own.generation = generation + 1;
    this.counters.refuted++;
  }
}

const unknown: Endpoint = { generation: 0, version: 0, states: new Map() };

const isCount = (value: number, least: number) => Number.isSafeInteger(value) && value >= least;

function areDigests(digests: readonly EndpointDigest[]): boolean {
  if (digests.length > maxDigestsPerMessage) return false;
  return digests.every(({ generation, version }) => isCount(generation, 0) && isCount(version, 0));
}

function isDelta({ generation, since, states }: EndpointDelta): boolean {
  if (!isCount(generation, 1) || !isCount(since, 0)) return false;
  if (states.length === 0 || states.length > maxStatesPerDelta) return false;
  let last = since;
  for (const { key, value, version } of states) {
    if (!isCount(version, last + 1)) return false;
    if (key.length > maxStateKeyLength || value.length > maxStateValueLength) return false;
    last = version;
  }
  return true;
}
