/**
 * Small state that all peers share: a replicated map over the links of the overlay.
 *
 *     a write          -> entries -> all neighbors, and so on as long as it is news to somebody
 *     now and then     -> compare -> one neighbor, and what follows from it (anti-entropy.ts)
 *     a new neighbor   -> compare -> that one, at once
 *
 * Demers et al. 1987 mail an update to everybody and let anti-entropy mend what mail has missed (section 1.2). Nobody
 * here knows everybody, so the mail goes from neighbor to neighbor: that is quick, and the comparison makes it sure.
 *
 * A node whose map is empty is asleep: it sends nothing and sets no timer, until it has something to share or a neighbor
 * shows that it has. So whoever does not use the map does not pay for it.
 */
import {
  type Candidate,
  defineOptions,
  type Environment,
  type Identity,
  identityOf,
  type Millis,
  type NeighborView,
  type NodeId,
  type Persist,
  type Protocol,
  type Random,
  type Signatures,
  type Typed,
  UsageError,
} from "../core/index.ts";
import {
  AntiEntropy,
  type AntiEntropyMethod,
  type AntiEntropyNotice,
  antiEntropyOptions,
  parcels,
} from "./anti-entropy.ts";
import {
  type AntiEntropyMessage,
  type AntiEntropyMode,
  type MapEntry,
  maxKeyLength,
} from "./anti-entropy-messages.ts";
import { activationOf } from "./death-certificates.ts";
import type { Payload } from "./messages.ts";
import { areEqual } from "./packed-ids.ts";
import { checkPayload, halfASurrogatePair } from "./payload.ts";
import { ReplicatedMap, replicatedMapOptions, sizeOf } from "./replicated-map.ts";

export interface SharedStateOptions {
  readonly intervalMs: number;
  readonly method: AntiEntropyMethod;
  readonly mode: AntiEntropyMode;
  readonly maxNews: number;
  readonly retentionSites: number;
  readonly maxAnswerBytes: number;
  readonly maxKeys: number;
  readonly maxValueBytes: number;
  readonly maxTotalBytes: number;
  readonly maxAheadMs: number;
  readonly maxDormant: number;
  readonly recentMs: number;
  readonly tau1Ms: number;
  readonly tau2Ms: number;
}

const exchange = antiEntropyOptions.specs;
const map = replicatedMapOptions.specs;

export const sharedStateOptions = defineOptions<SharedStateOptions>({
  intervalMs: {
    ...exchange.intervalMs,
    default: 5000,
    flag: "state-interval",
    description: "How often a peer that has shared state compares it with a neighbor (guess)",
  },
  method: { ...exchange.method, flag: "state-method" },
  mode: { ...exchange.mode, flag: "state-mode" },
  maxNews: {
    default: 256,
    min: 0,
    max: 65_536,
    flag: "state-max-news",
    description:
      "So many changes at once are told to all neighbors; more are left to comparisons (guess: more is a late joiner)",
  },
  retentionSites: { ...exchange.retentionSites, flag: "state-retention-sites" },
  maxAnswerBytes: {
    ...exchange.maxAnswerBytes,
    default: 1024 * 1024,
    flag: "state-max-answer-bytes",
    description:
      "Most bytes of keys and values in one answer; who gets them asks for more (a quarter of what a reader may leave unread)",
  },
  maxKeys: { ...map.maxKeys, flag: "state-max-keys" },
  maxValueBytes: { ...map.maxValueBytes, flag: "state-max-value-bytes" },
  maxTotalBytes: { ...map.maxTotalBytes, flag: "state-max-total-bytes" },
  maxAheadMs: { ...map.maxAheadMs, flag: "state-max-ahead" },
  maxDormant: { ...map.maxDormant, flag: "state-max-dormant" },
  recentMs: {
    ...map.recentMs,
    default: 20_000,
    flag: "state-recent",
    description: "An update goes along with comparisons for so long (guess: a few intervals)",
  },
  tau1Ms: { ...map.tau1Ms, flag: "state-tau1" },
  tau2Ms: { ...map.tau2Ms, flag: "state-tau2" },
});

export interface SharedStateConfig {
  readonly view: NeighborView;
  readonly signatures: Signatures<unknown>;
  /** What an earlier life had on disk. */
  readonly restored?: readonly MapEntry[] | undefined;
  readonly options?: Partial<SharedStateOptions> | undefined;
}

export type SharedStateCommand =
  | { readonly type: "set"; readonly key: string; readonly value: Payload }
  | { readonly type: "delete"; readonly key: string };

/** `talk`: another interval begins. `news`: what has changed in this turn goes to the neighbors. */
export type SharedStateTimer = { readonly type: "talk" } | { readonly type: "news" };

/** A key has another value, here or because a neighbor told us. */
export interface StateChanged {
  readonly type: "state-changed";
  readonly key: string;
  /** Undefined if it was deleted. */
  readonly value: Payload | undefined;
  /** Who wrote or deleted it, and when by its clock; undefined if nobody remembers. */
  readonly writer: Identity | undefined;
  readonly at: Millis | undefined;
  /** Undefined if this node did it. */
  readonly from: NodeId | undefined;
}

export type SharedStateNotice = StateChanged | Persist | AntiEntropyNotice;

type SharedStateEnvironment = Environment<AntiEntropyMessage, SharedStateTimer, SharedStateNotice>;

/** Made when there is something to share: most nodes of a large simulation never have anything. */
interface Replica {
  readonly map: ReplicatedMap;
  readonly exchange: AntiEntropy;
}

export class SharedState
  implements Protocol<AntiEntropyMessage, SharedStateTimer, SharedStateNotice, SharedStateCommand>
{
  readonly counters = {
    /** Messages of nodes that are no neighbors: state is for neighbors, as it can be long. */
    strangers: 0,
    /** Entries told to neighbors because they were news. */
    newsSent: 0,
  };
  readonly options: Readonly<SharedStateOptions>;
  readonly #config: SharedStateConfig;
  #replica: Replica | undefined;
  /** A `talk` timer is set. */
  #isAwake = false;
  /** Keys that have changed in this turn, with whom each came from; a `news` timer is set unless it is empty. */
  readonly #news = new Map<string, NodeId | undefined>();

  constructor(config: SharedStateConfig) {
    this.#config = config;
    this.options = sharedStateOptions(config.options);
  }

  // ---- What is there -----------------------------------------------------------------------------------------------

  /** Undefined as long as nobody has shared anything. */
  get map(): ReplicatedMap | undefined {
    return this.#replica?.map;
  }
  /** Of the comparisons; undefined likewise. */
  get exchangeCounters(): AntiEntropy["counters"] | undefined {
    return this.#replica?.exchange.counters;
  }
  /** Keys with a value. */
  get size(): number {
    return this.map?.valueCount ?? 0;
  }
  get(key: string): Payload | undefined {
    return this.map?.get(key);
  }

  // ---- What happens to it ------------------------------------------------------------------------------------------

  start(env: SharedStateEnvironment): void {
    const { restored = [] } = this.#config;
    if (restored.length === 0) return;
    const { map } = this.#replicaOf(env);
    map.restore(restored, env.now);
    for (const { key } of map.takeChanges()) this.#persist(key, env);
    this.#awake(env);
  }

  /** Throws `UsageError`, before anything has changed, for keys and values that cannot be shared. */
  onCommand(command: SharedStateCommand, env: SharedStateEnvironment): void {
    const { key } = command;
    if (key === "" || key.length > maxKeyLength)
      throw new UsageError(`key: ${key.length} characters is not between 1 and ${maxKeyLength}`);
    if (halfASurrogatePair.test(key)) throw new UsageError("key: it has half a surrogate pair");
    const { exchange } = this.#replicaOf(env);
    if (command.type === "set") {
      checkPayload(command.value);
      exchange.onCommand({ ...command, type: "put" }, env);
    } else exchange.onCommand(command, env);
    this.#afterwards(undefined, env);
  }

  onNotice(notice: Typed, env: SharedStateEnvironment): void {
    if (this.#hasSomething()) this.#replica!.exchange.onNotice(notice, env);
  }

  onMessage(from: NodeId, message: AntiEntropyMessage, env: SharedStateEnvironment): void {
    if (!this.#config.view.has(from)) {
      this.counters.strangers++;
      return;
    }
    const { map, exchange } = this.#replicaOf(env);
    exchange.onMessage(from, message, env);
    this.#afterwards(from, env);
    // Somebody has something, though it may only pull: then it is for us to ask. Two that have nothing do not wake each
    // other for ever.
    if (message.type === "compare" && !areEqual(message.checksum, map.checksum)) this.#awake(env);
  }

  onTimer(timer: SharedStateTimer, env: SharedStateEnvironment): void {
    if (timer.type === "news") return this.#tellNews(env);
    this.#isAwake = this.#hasSomething();
    this.#replica!.exchange.beginInterval(env);
    this.#afterwards(undefined, env);
    if (this.#isAwake) env.schedule(this.options.intervalMs, { type: "talk" });
  }

  // ---- Sleeping and waking -----------------------------------------------------------------------------------------

  #hasSomething(): boolean {
    return this.map !== undefined && this.map.size + this.map.dormant > 0;
  }

  #awake(env: SharedStateEnvironment): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    // At different times, though all may have waked at once.
    env.schedule(1 + env.random.below(this.options.intervalMs), { type: "talk" });
  }

  #replicaOf(env: SharedStateEnvironment): Replica {
    if (this.#replica !== undefined) return this.#replica;
    const { view, signatures } = this.#config;
    const { intervalMs, method, mode, retentionSites, maxAnswerBytes } = this.options;
    const { maxKeys, maxValueBytes, maxTotalBytes, maxAheadMs, maxDormant } = this.options;
    const { recentMs, tau1Ms, tau2Ms } = this.options;
    const map = new ReplicatedMap(
      identityOf(env.self),
      { maxKeys, maxValueBytes, maxTotalBytes, maxAheadMs, maxDormant, recentMs, tau1Ms, tau2Ms },
      { signatures, recordsChanges: true },
    );
    const exchange = new AntiEntropy({
      map,
      peers: { sample: (count, random) => neighborsOf(view, count, random) },
      options: { intervalMs, method, mode, retentionSites, maxAnswerBytes },
      notifies: false,
    });
    this.#replica = { map, exchange };
    return this.#replica;
  }

  // ---- What has changed --------------------------------------------------------------------------------------------

  #afterwards(from: NodeId | undefined, env: SharedStateEnvironment): void {
    const { map } = this.#replica!;
    const changes = map.takeChanges();
    if (changes.length === 0) return;
    this.#awake(env);
    for (const { key, hadValue } of changes) {
      this.#persist(key, env);
      const entry = map.stored(key);
      const value = entry?.type === "value" ? entry.value : undefined;
      if (!hadValue && value === undefined) continue;
      const { site: writer, time: at } = entry?.timestamp ?? {};
      env.notify({ type: "state-changed", key, value, writer, at, from });
    }
    if (changes.length > this.options.maxNews) return;
    for (const { key } of changes) {
      if (this.#news.size === 0) env.schedule(0, { type: "news" });
      this.#news.set(key, from);
    }
  }

  #persist(key: string, env: SharedStateEnvironment): void {
    const value = this.map!.stored(key);
    env.notify({ type: "persist", key: `entry/${key}`, value, isAwaited: false });
  }

  /**
   * To all neighbors but the one that told us, and no more than one answer may have. What became old or went away on the
   * way here is no news.
   */
  #tellNews(env: SharedStateEnvironment): void {
    const { map } = this.#replica!;
    const bySource = new Map<NodeId | undefined, MapEntry[]>();
    let bytes = 0;
    for (const [key, from] of this.#news) {
      if (bytes >= this.options.maxAnswerBytes) break;
      const entry = map.entry(key);
      if (entry === undefined || env.now - activationOf(entry).time >= this.options.recentMs) continue;
      bytes += sizeOf(entry);
      const entries = bySource.get(from);
      if (entries === undefined) bySource.set(from, [entry]);
      else entries.push(entry);
    }
    this.#news.clear();
    for (const [source, all] of bySource) {
      for (const entries of parcels(all)) {
        const message = { type: "entries", entries, isPartial: false } as const;
        for (const neighbor of this.#config.view.neighbors) {
          if (neighbor === source) continue;
          this.counters.newsSent += entries.length;
          env.send(neighbor, message);
        }
      }
    }
  }
}

/** Up to `count` of them, in random order. */
function neighborsOf({ neighbors }: NeighborView, count: number, random: Random): Candidate[] {
  const rest = [...neighbors];
  const chosen: Candidate[] = [];
  while (chosen.length < count && rest.length > 0) {
    const place = random.below(rest.length);
    chosen.push({ peer: rest[place]!, since: 0 });
    rest[place] = rest.at(-1)!;
    rest.pop();
  }
  return chosen;
}
