/**
 * Anti-entropy (Demers et al. 1987, section 1.3): every site regularly talks to another one, chosen at random, and the
 * two make their replicas the same. It is slow, and it never leaves anybody out.
 *
 *     push        what the caller has goes to the other one
 *     pull        what the other one has comes to the caller
 *     push-pull   both
 *
 * How the two find out what is missing (`method`):
 *
 *     full                 A -> entries (all), request-all -> B -> entries (all) -> A
 *     recent-then-full     A -> compare -> B -> compared -> A, and `full` only if the checksums still differ
 *     recent-then-ranges   the same, and ranges -> … -> ranges instead of `full`
 *
 * The recent updates go first with each comparison (section 1.5), since that is mostly all that differs. Otherwise the
 * cost is in what differs, not in what the replicas hold (set-reconciliation.ts).
 *
 * Nothing is kept between two messages but whom we have called in this interval. What is lost on the way is made up for
 * at a later contact.
 */
import {
  defineOptions,
  type Environment,
  identityOf,
  type NodeId,
  type PeerSampler,
  type Protocol,
  type Typed,
} from "../core/index.ts";
import {
  type AntiEntropyMessage,
  type AntiEntropyMode,
  type Compare,
  type Compared,
  type Entries,
  type MapEntry,
  maxEntriesBytes,
  maxEntriesPerMessage,
  maxReconciliationRounds,
  maxRetentionSites,
  type Ranges,
  type Want,
} from "./anti-entropy-messages.ts";
import { retentionSites } from "./death-certificates.ts";
import type { Payload } from "./messages.ts";
import { areEqual, idBytes } from "./packed-ids.ts";
import { fingerprintBytes } from "./range-fingerprints.ts";
import { rangesBytes } from "./reconciliation-bytes.ts";
import { type ReplicatedMap, sizeOf } from "./replicated-map.ts";
import {
  initiate,
  maxIdsPerMessage,
  type ReconciliationOptions,
  reconciliationOptions,
  respond,
} from "./set-reconciliation.ts";

export type AntiEntropyMethod = "full" | "recent-then-full" | "recent-then-ranges";
/** `periodic`: every interval, from a random moment on. `aligned`: all sites at the multiples of the interval. */
export type AntiEntropyTiming = "periodic" | "aligned";

export interface AntiEntropyOptions {
  readonly mode: AntiEntropyMode;
  readonly method: AntiEntropyMethod;
  readonly timing: AntiEntropyTiming;
  readonly intervalMs: number;
  readonly retentionSites: number;
  readonly maxEntriesPerAnswer: number;
  readonly maxAnswerBytes: number;
}

export const antiEntropyOptions = defineOptions<AntiEntropyOptions>({
  mode: {
    default: "push-pull",
    choices: ["push", "pull", "push-pull"],
    description: "Who gives to whom: the caller (push), the one that is called (pull), or both",
  },
  method: {
    default: "recent-then-ranges",
    choices: ["full", "recent-then-full", "recent-then-ranges"],
    description:
      "How two sites find out what is missing: everything at once, or recent updates and a checksum first",
  },
  timing: {
    default: "periodic",
    choices: ["periodic", "aligned"],
    description: "periodic: each site from a random moment on; aligned: all at the same times",
  },
  intervalMs: {
    default: 10_000,
    min: 1,
    max: 86_400_000,
    description: "How often a site talks to another one (guess; it scales all delays)",
  },
  retentionSites: {
    default: 4,
    min: 0,
    max: maxRetentionSites,
    description: "How many sites keep a dormant death certificate, r (guess: one of them is up)",
  },
  maxEntriesPerAnswer: {
    default: 16_384,
    min: 1,
    max: 10_000_000,
    description:
      "Most entries that one message of ranges is answered with; who gets them asks for more (guess)",
  },
  maxAnswerBytes: {
    default: 64 * 1024 * 1024,
    min: 1024,
    max: 16 * 1024 * 1024 * 1024,
    description: "And most bytes of their keys and values, and one entry more (bound)",
  },
});

export interface AntiEntropyConfig {
  readonly map: ReplicatedMap;
  /** Whom to talk to. */
  readonly peers: Pick<PeerSampler, "sample">;
  readonly options?: Partial<AntiEntropyOptions>;
  readonly reconciliation?: Partial<ReconciliationOptions>;
  /** False where somebody else tells what has changed. */
  readonly notifies?: boolean;
}

export type AntiEntropyTimer = { readonly type: "talk" };

export type AntiEntropyCommand =
  | { readonly type: "put"; readonly key: string; readonly value: Payload }
  | { readonly type: "delete"; readonly key: string };

/** An entry of another site came, and is newer than ours; or it awakened a certificate. */
export type AntiEntropyNotice =
  | { readonly type: "updated"; readonly entry: MapEntry; readonly from: NodeId }
  | { readonly type: "certificate-awakened"; readonly key: string; readonly from: NodeId }
  /** Its writer did not sign it: nothing that came with it is looked at. */
  | { readonly type: "forged-entry"; readonly key: string; readonly from: NodeId };

type AntiEntropyEnvironment = Environment<AntiEntropyMessage, AntiEntropyTimer, AntiEntropyNotice>;

/** Partners whose answers we still take: those of this interval, ours and new neighbors. */
const maxPartners = 64;
/** Whole replicas that are sent in an interval because somebody asked. */
const maxReplicasPerInterval = 16;
/** Messages of ranges and wanted ids that are answered in an interval: several reconciliations of large sets. */
const maxQuestionsPerInterval = 4096;

export class AntiEntropy
  implements Protocol<AntiEntropyMessage, AntiEntropyTimer, AntiEntropyNotice, AntiEntropyCommand>
{
  readonly counters = {
    contacts: 0,
    /** Contacts that found both replicas the same at once, or after the recent updates. */
    inStep: 0,
    reconciliations: 0,
    entriesSent: 0,
    /** Of what was sent: keys and values as `sizeOf` counts them, ids, fingerprints and bounds of ranges. */
    bytesSent: 0,
    malformed: 0,
    /** Answers to what we did not ask, and requests beyond what we answer in an interval. */
    unsolicited: 0,
  };
  readonly map: ReplicatedMap;
  readonly #options: AntiEntropyOptions;
  readonly #reconciliation: ReconciliationOptions;
  readonly #peers: Pick<PeerSampler, "sample">;
  readonly #notifies: boolean;
  readonly #partners = new Set<NodeId>();
  #replicasSent = 0;
  #questions = 0;

  constructor(config: AntiEntropyConfig) {
    this.map = config.map;
    this.#peers = config.peers;
    this.#options = antiEntropyOptions(config.options);
    this.#reconciliation = reconciliationOptions(config.reconciliation);
    this.#notifies = config.notifies ?? true;
  }

  start(env: AntiEntropyEnvironment): void {
    const { timing, intervalMs } = this.#options;
    env.schedule(timing === "aligned" ? intervalMs - (env.now % intervalMs) : env.random.below(intervalMs), {
      type: "talk",
    });
  }

  onCommand(command: AntiEntropyCommand, env: AntiEntropyEnvironment): void {
    switch (command.type) {
      case "put":
        this.map.put(command.key, command.value, env.now);
        return;
      case "delete": {
        const { retentionSites: count } = this.#options;
        // From among more than we need, so that the key decides rather than chance: all that is known is too much.
        const known = this.#peers.sample(4 * count, env.random).map(({ peer }) => identityOf(peer));
        this.map.delete(command.key, env.now, retentionSites(command.key, [this.map.site, ...known], count));
        return;
      }
    }
  }

  /** A new neighbor has missed something, or has what we missed: a late joiner, a healed partition. */
  onNotice(notice: Typed, env: AntiEntropyEnvironment): void {
    if (notice.type !== "neighbor-up") return;
    if (this.#partners.size < maxPartners) this.#talk((notice as Typed & { neighbor: NodeId }).neighbor, env);
  }

  onTimer(_talk: AntiEntropyTimer, env: AntiEntropyEnvironment): void {
    this.beginInterval(env);
    env.schedule(this.#options.intervalMs, { type: "talk" });
  }

  /** Talks to somebody: for whoever keeps the time itself. */
  beginInterval(env: AntiEntropyEnvironment): void {
    this.map.expire(env.now);
    this.#partners.clear();
    this.#replicasSent = 0;
    this.#questions = 0;
    const [partner] = this.#peers.sample(1, env.random);
    if (partner !== undefined) this.#talk(partner.peer, env);
  }

  onMessage(from: NodeId, message: AntiEntropyMessage, env: AntiEntropyEnvironment): void {
    switch (message.type) {
      case "compare":
        return this.#onCompare(from, message, env);
      case "compared":
        return this.#onCompared(from, message, env);
      case "ranges":
        return this.#onRanges(from, message, env);
      case "want":
        return this.#onWant(from, message, env);
      case "request-all":
        return this.#onRequestAll(from, env);
      case "entries":
        return this.#onEntries(from, message, env);
      default:
        message satisfies never;
        this.counters.malformed++;
    }
  }

  // ---- A contact, in the order of its messages ---------------------------------------------------------------------

  #talk(partner: NodeId, env: AntiEntropyEnvironment): void {
    const { mode, method } = this.#options;
    this.counters.contacts++;
    this.#partners.add(partner);
    if (method === "full") return this.#exchangeAll(partner, mode, env);
    const recent = mode === "pull" ? [] : this.#recentUpdates(env);
    this.#send(partner, { type: "compare", mode, recent, checksum: this.map.checksum }, env);
  }

  #onCompare(from: NodeId, { mode, recent, checksum }: Compare, env: AntiEntropyEnvironment): void {
    if (!isComparison(recent, checksum)) return this.#countMalformed();
    // Before we take in theirs: nobody needs to be told what it has just said.
    const ours = mode === "push" ? [] : this.#recentUpdates(env);
    this.#merge(from, recent, env);
    const ourChecksum = this.map.checksum;
    if (areEqual(ourChecksum, checksum)) {
      this.counters.inStep++;
      return;
    }
    this.#send(from, { type: "compared", mode, recent: ours, checksum: ourChecksum }, env);
  }

  #onCompared(from: NodeId, { mode, recent, checksum }: Compared, env: AntiEntropyEnvironment): void {
    if (!isComparison(recent, checksum)) return this.#countMalformed();
    // Whoever was not called must not make us send all that we have.
    if (!this.#partners.delete(from)) {
      this.counters.unsolicited++;
      return;
    }
    this.#merge(from, recent, env);
    if (areEqual(this.map.checksum, checksum)) {
      this.counters.inStep++;
      return;
    }
    this.counters.reconciliations++;
    if (this.#options.method === "recent-then-ranges") this.#reconcile(from, mode, env);
    else this.#exchangeAll(from, mode, env);
  }

  // ---- Everything --------------------------------------------------------------------------------------------------

  #exchangeAll(partner: NodeId, mode: AntiEntropyMode, env: AntiEntropyEnvironment): void {
    if (mode !== "pull") this.#sendEntries(partner, [...this.map.entries()], false, env);
    if (mode !== "push") this.#send(partner, { type: "request-all" }, env);
  }

  #onRequestAll(from: NodeId, env: AntiEntropyEnvironment): void {
    if (this.#replicasSent >= maxReplicasPerInterval) {
      this.counters.unsolicited++;
      return;
    }
    this.#replicasSent++;
    this.#sendEntries(from, [...this.map.entries()], false, env);
  }

  // ---- By ranges ---------------------------------------------------------------------------------------------------

  #reconcile(partner: NodeId, mode: AntiEntropyMode, env: AntiEntropyEnvironment): void {
    const ranges = initiate(this.map.ids);
    this.#send(partner, { type: "ranges", mode, isFromCaller: true, round: 1, ranges }, env);
  }

  #onRanges(from: NodeId, message: Ranges, env: AntiEntropyEnvironment): void {
    if (this.#isOverAsked()) return;
    const { mode, isFromCaller, round, ranges } = message;
    const isRound = Number.isSafeInteger(round) && round >= 1 && round <= maxReconciliationRounds;
    const step = isRound ? respond(this.map.ids, ranges, this.#reconciliation) : undefined;
    if (step === undefined) return this.#countMalformed();
    const weGive = isFromCaller ? mode !== "push" : mode !== "pull";
    const theyGive = isFromCaller ? mode !== "pull" : mode !== "push";
    if (weGive) this.#answer(from, step.have, env);
    if (theyGive)
      for (let at = 0; at < step.want.length; at += maxIdsPerMessage * idBytes)
        this.#send(from, { type: "want", ids: step.want.slice(at, at + maxIdsPerMessage * idBytes) }, env);
    if (step.reply.length === 0) return;
    const reply = { mode, isFromCaller: !isFromCaller, round: round + 1, ranges: step.reply };
    this.#send(from, { type: "ranges", ...reply }, env);
  }

  #onWant(from: NodeId, { ids }: Want, env: AntiEntropyEnvironment): void {
    if (this.#isOverAsked()) return;
    if (ids.length % idBytes !== 0 || ids.length > maxIdsPerMessage * idBytes) return this.#countMalformed();
    this.#answer(from, ids, env);
  }

  #isOverAsked(): boolean {
    if (++this.#questions <= maxQuestionsPerInterval) return false;
    this.counters.unsolicited++;
    return true;
  }

  /** Sends entries of these ids; one that has changed meanwhile is left out, and differs the next time. */
  #answer(to: NodeId, ids: Uint8Array, env: AntiEntropyEnvironment): void {
    const limit = this.#options.maxEntriesPerAnswer * idBytes;
    const isPartial = ids.length > limit;
    this.#sendEntries(to, this.map.entriesOf(isPartial ? ids.subarray(0, limit) : ids), isPartial, env);
  }

  // ---- Entries -----------------------------------------------------------------------------------------------------

  #onEntries(from: NodeId, { entries, isPartial }: Entries, env: AntiEntropyEnvironment): void {
    if (entries.length > maxEntriesPerMessage) return this.#countMalformed();
    const news = this.#merge(from, entries, env);
    // Only while there is something new: somebody who always has more must not keep us busy with it.
    if (isPartial && news > 0) this.#reconcile(from, "pull", env);
  }

  /** How many were news to us. */
  #merge(from: NodeId, entries: readonly MapEntry[], env: AntiEntropyEnvironment): number {
    let news = 0;
    for (const entry of entries) {
      const outcome = this.map.merge(entry, env.now);
      if (outcome === "newer") {
        news++;
        if (this.#notifies) env.notify({ type: "updated", entry, from });
      }
      if (outcome === "awakened") env.notify({ type: "certificate-awakened", key: entry.key, from });
      if (outcome === "forged") {
        // Honest nodes pass on nothing forged: what follows is not worth our time.
        env.notify({ type: "forged-entry", key: entry.key, from });
        return news;
      }
    }
    return news;
  }

  #recentUpdates(env: AntiEntropyEnvironment): MapEntry[] {
    const [first = []] = parcels(this.map.recentUpdates(env.now, maxEntriesPerMessage));
    return first;
  }

  /** As many as one answer may have. `hasMore`: these are not all that the other one lacks. */
  #sendEntries(
    to: NodeId,
    entries: readonly MapEntry[],
    hasMore: boolean,
    env: AntiEntropyEnvironment,
  ): void {
    const all: MapEntry[][] = [];
    let bytes = 0;
    for (const parcel of parcels(entries)) {
      if (bytes >= this.#options.maxAnswerBytes) break;
      for (const entry of parcel) bytes += sizeOf(entry);
      all.push(parcel);
    }
    const isPartial = hasMore || all.reduce((sum, { length }) => sum + length, 0) < entries.length;
    for (const [i, parcel] of all.entries())
      this.#send(to, { type: "entries", entries: parcel, isPartial: isPartial && i === all.length - 1 }, env);
  }

  #send(to: NodeId, message: AntiEntropyMessage, env: AntiEntropyEnvironment): void {
    if (message.type === "entries") this.counters.entriesSent += message.entries.length;
    this.counters.bytesSent += bytesOf(message);
    env.send(to, message);
  }

  #countMalformed(): void {
    this.counters.malformed++;
  }
}

/** See `counters.bytesSent`. */
function bytesOf(message: AntiEntropyMessage): number {
  switch (message.type) {
    case "compare":
    case "compared":
      return message.checksum.length + sizeOfAll(message.recent);
    case "entries":
      return sizeOfAll(message.entries);
    case "want":
      return message.ids.length;
    case "ranges":
      return rangesBytes(message.ranges);
    case "request-all":
      return 0;
  }
}

function sizeOfAll(entries: readonly MapEntry[]): number {
  return entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
}

/** In messages that keep the bounds. */
export function parcels(entries: readonly MapEntry[]): MapEntry[][] {
  const all: MapEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const last = all.at(-1);
    if (
      last === undefined ||
      last.length === maxEntriesPerMessage ||
      bytes + sizeOf(entry) > maxEntriesBytes
    ) {
      all.push([entry]);
      bytes = sizeOf(entry);
    } else {
      last.push(entry);
      bytes += sizeOf(entry);
    }
  }
  return all;
}

function isComparison(recent: readonly MapEntry[], checksum: Uint8Array): boolean {
  return recent.length <= maxEntriesPerMessage && checksum.length === fingerprintBytes;
}
