/**
 * A map of which every site has a replica (Demers et al. 1987, sections 1.1 and 2): for each key the entry with the
 * largest timestamp wins, whatever way and order entries come in. So replicas that have got the same entries are the
 * same. A deletion is an entry, too: see death-certificates.ts.
 *
 * All entries have an id, the hash of all that they say. The ordered set of these ids is what replicas compare: its
 * fingerprint is the checksum of the paper, kept up with every update, and ranges of it show where two replicas differ.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { defineOptions, type Identity, type Millis, type Signatures, UsageError } from "../core/index.ts";
import {
  type DeathCertificate,
  type MapEntry,
  maxKeyLength,
  maxRetentionSites,
  maxSiteLength,
  type Timestamp,
  type WriteStatement,
} from "./anti-entropy-messages.ts";
import { activationOf, ageOf, compareTimestamps, DormantCertificates } from "./death-certificates.ts";
import type { Payload } from "./messages.ts";
import { areEqual, compareIds, joined, unpacked } from "./packed-ids.ts";
import { RangeFingerprints } from "./range-fingerprints.ts";

export interface ReplicatedMapOptions {
  readonly maxKeys: number;
  readonly maxValueBytes: number;
  readonly maxTotalBytes: number;
  readonly maxAheadMs: number;
  readonly maxDormant: number;
  readonly recentMs: number;
  readonly tau1Ms: number;
  readonly tau2Ms: number;
}

export const replicatedMapOptions = defineOptions<ReplicatedMapOptions>({
  maxKeys: {
    default: 100_000,
    min: 1,
    max: 10_000_000,
    description: "Most keys with a value or a death certificate; more are refused (bound)",
  },
  maxValueBytes: {
    default: 64 * 1024,
    min: 1,
    max: 64 * 1024,
    description: "Longest value; texts count two bytes a character (bound)",
  },
  maxTotalBytes: {
    default: 64 * 1024 * 1024,
    min: 1,
    max: 16 * 1024 * 1024 * 1024,
    description: "All keys and values together; more are refused (bound)",
  },
  maxAheadMs: {
    default: 60_000,
    min: 0,
    max: 86_400_000,
    description:
      "An entry whose time is so far ahead of our clock is refused (guess: longer than clocks are wrong)",
  },
  maxDormant: {
    default: 100_000,
    min: 0,
    max: 10_000_000,
    description: "Most dormant death certificates that are kept for others (bound)",
  },
  recentMs: {
    default: 60_000,
    min: 0,
    max: 86_400_000,
    description:
      "An update is recent for so long (guess: longer than an update takes to reach everybody, Demers et al. 1987, 1.3)",
  },
  tau1Ms: {
    default: 2_592_000_000,
    min: 1,
    max: 31_536_000_000,
    description: "Everybody keeps a death certificate for so long (30 days: Demers et al. 1987, 2)",
  },
  tau2Ms: {
    default: 31_536_000_000,
    min: 0,
    max: 315_360_000_000,
    description:
      "And then its retention sites for so long (a year: guess, longer than a site is ever cut off)",
  },
});

export interface ReplicatedMapConfig {
  /** Writers sign, and entries of others are taken in only with their writers' proofs. Nothing is signed without it. */
  readonly signatures?: Signatures<WriteStatement> | undefined;
  /** Remembers which keys have changed, until `takeChanges` is called. */
  readonly recordsChanges?: boolean;
}

/** A key whose entry is another one, or gone, or kept in another way. */
export interface MapChange {
  readonly key: string;
  /** It had a value before. */
  readonly hadValue: boolean;
}

/**
 * What became of an entry: it is `newer` than what we had; the `same`; `obsolete`; it is obsolete and has `awakened` a
 * dormant certificate; a certificate that had `expired`. All others are refusals, by the bounds of the options.
 */
export type MergeOutcome =
  | "newer"
  | "same"
  | "obsolete"
  | "awakened"
  | "expired"
  | "malformed"
  | "forged"
  | "ahead"
  | "too-large"
  | "full";

interface Held {
  readonly entry: MapEntry;
  readonly id: Uint8Array;
}

export class ReplicatedMap {
  readonly site: Identity;
  readonly options: Readonly<ReplicatedMapOptions>;
  /** How often `merge` gave which outcome. */
  readonly counters: Record<MergeOutcome, number> = {
    newer: 0,
    same: 0,
    obsolete: 0,
    awakened: 0,
    expired: 0,
    malformed: 0,
    forged: 0,
    ahead: 0,
    "too-large": 0,
    full: 0,
  };
  /** Values and active certificates. No key is here and among the dormant. */
  readonly #held = new Map<string, Held>();
  readonly #ids = new RangeFingerprints();
  /** By id, as a text of 32 characters. */
  readonly #byId = new Map<string, MapEntry>();
  /** Those that were recent when they came, in the order in which they came. */
  readonly #recent = new Map<string, MapEntry>();
  readonly #certificates = new Set<string>();
  readonly #dormant: DormantCertificates;
  readonly #signatures: Signatures<WriteStatement> | undefined;
  /** By key: did it have a value before the first of the changes that nobody has taken yet? */
  readonly #changes: Map<string, boolean> | undefined;
  /** No certificate changes its state before. */
  #nextExpiryAt: Millis = Infinity;
  #bytes = 0;
  /** Of the latest update of this site. */
  #lastTime: Millis = -Infinity;

  constructor(
    site: Identity,
    options?: Partial<ReplicatedMapOptions>,
    { signatures, recordsChanges = false }: ReplicatedMapConfig = {},
  ) {
    this.site = site;
    this.options = replicatedMapOptions(options);
    this.#signatures = signatures;
    this.#changes = recordsChanges ? new Map() : undefined;
    this.#dormant = new DormantCertificates(this.options.maxDormant);
  }

  /** Keys with a value or an active certificate. */
  get size(): number {
    return this.#held.size;
  }
  /** Keys with a value. */
  get valueCount(): number {
    return this.#held.size - this.#certificates.size;
  }
  get dormant(): number {
    return this.#dormant.size;
  }
  /** The ids of all values and active certificates. Read only. */
  get ids(): RangeFingerprints {
    return this.#ids;
  }
  /** Of all values and active certificates: 16 bytes. */
  get checksum(): Uint8Array {
    return this.#ids.fingerprint(0, this.#ids.size);
  }

  get(key: string): Payload | undefined {
    const entry = this.entry(key);
    return entry?.type === "value" ? entry.value : undefined;
  }
  entry(key: string): MapEntry | undefined {
    return this.#held.get(key)?.entry;
  }
  /** What is to be on disk of this key: its value or certificate, active or dormant. */
  stored(key: string): MapEntry | undefined {
    return this.entry(key) ?? this.#dormant.get(key);
  }
  /** The keys that have changed since the last call, in the order of their first changes. */
  takeChanges(): MapChange[] {
    const changes = [...(this.#changes ?? [])].map(([key, hadValue]) => ({ key, hadValue }));
    this.#changes?.clear();
    return changes;
  }
  /** Values and active certificates, in the order in which their keys came. */
  *entries(): IterableIterator<MapEntry> {
    for (const { entry } of this.#held.values()) yield entry;
  }
  /** Those of these packed ids that we have. */
  entriesOf(ids: Uint8Array): MapEntry[] {
    return unpacked(ids).flatMap((id) => this.#byId.get(textOf(id)) ?? []);
  }

  /** Values and certificates of an age below `recentMs`, newest first. */
  recentUpdates(now: Millis, limit: number): MapEntry[] {
    for (const [key, entry] of this.#recent) if (!this.#isRecent(entry, now)) this.#recent.delete(key);
    const byAge = [...this.#recent.values()].sort((a, b) =>
      compareTimestamps(activationOf(b), activationOf(a)),
    );
    return byAge.slice(0, limit);
  }

  // ---- What the user does ------------------------------------------------------------------------------------------

  /** Throws `UsageError`, before anything has changed, if key or value are too large, or there is no room. */
  put(key: string, value: Payload, now: Millis): MapEntry {
    if (key.length > maxKeyLength) throw new UsageError(`key: it has more than ${maxKeyLength} characters`);
    if (bytesOf(value) > this.options.maxValueBytes)
      throw new UsageError(
        `value: it has ${bytesOf(value)} bytes${typeof value === "string" ? ", two for each character" : ""}; at most ${this.options.maxValueBytes} are kept`,
      );
    const unsigned = { type: "value", key, value, timestamp: this.#nextTimestamp(key, now) } as const;
    if (!this.#hasRoomFor(unsigned)) throw new UsageError(`key: there is no room for ${JSON.stringify(key)}`);
    const entry = this.#signed(unsigned);
    this.#dormant.drop(key);
    this.#hold(entry, now);
    return entry;
  }

  /**
   * Undefined if there is no such value: what nobody has needs no certificate. `retention` are the sites that are to
   * keep it when it is dormant; throws `UsageError` if they are more than `maxRetentionSites`.
   */
  delete(key: string, now: Millis, retention: readonly Identity[]): DeathCertificate | undefined {
    if (retention.length > maxRetentionSites)
      throw new UsageError(`retention: ${retention.length} sites are more than ${maxRetentionSites}`);
    if (this.get(key) === undefined) return undefined;
    const timestamp = this.#nextTimestamp(key, now);
    const certificate = this.#signed({
      type: "death-certificate",
      key,
      timestamp,
      activation: timestamp,
      retention,
    });
    this.#hold(certificate, now);
    return certificate;
  }

  /**
   * Later than all before at this site, and than what it replaces: a write wins over what its writer saw, even if the
   * clock of another site is ahead of ours.
   */
  #nextTimestamp(key: string, now: Millis): Timestamp {
    const replaced = this.entry(key) ?? this.#dormant.get(key);
    this.#lastTime = Math.max(now, this.#lastTime + 1, (replaced?.timestamp.time ?? -1) + 1);
    return { time: this.#lastTime, site: this.site };
  }

  #signed<Entry extends MapEntry>(entry: Entry): Entry {
    if (this.#signatures === undefined) return entry;
    return { ...entry, proof: this.#signatures.sign(statementOf(entry)) };
  }

  // ---- What an earlier life had --------------------------------------------------------------------------------------

  /**
   * Takes in what was `stored`, in a map that is empty. Proofs and clocks were checked when it came. What is no longer
   * to be kept is among the changes.
   */
  restore(entries: Iterable<MapEntry>, now: Millis): void {
    for (const entry of entries) {
      const { key, timestamp } = entry;
      if (timestamp.site === this.site) this.#lastTime = Math.max(this.#lastTime, timestamp.time);
      if (isEntry(entry) && this.#isActive(entry, now)) {
        if (this.#hasRoomFor(entry)) this.#hold(entry, now);
      } else if (entry.type === "death-certificate") this.#retain(entry, now);
      if (this.stored(key) === entry) this.#changes?.delete(key);
      else this.#touch(key);
    }
  }

  #isActive(entry: MapEntry, now: Millis): boolean {
    return entry.type === "value" || ageOf(entry, now, this.options) === "active";
  }

  // ---- What comes from other replicas ------------------------------------------------------------------------------

  /** Takes in an entry of another replica, if it is newer than ours. */
  merge(entry: MapEntry, now: Millis): MergeOutcome {
    const outcome = this.#merge(entry, now);
    this.counters[outcome]++;
    return outcome;
  }

  #merge(entry: MapEntry, now: Millis): MergeOutcome {
    if (!isEntry(entry)) return "malformed";
    if (entry.type === "value" && bytesOf(entry.value) > this.options.maxValueBytes) return "too-large";
    if (activationOf(entry).time > now + this.options.maxAheadMs) return "ahead";

    const ours = this.#held.get(entry.key);
    const order = ours === undefined ? 1 : compareEntries(entry, ours.entry);
    if (order <= 0) return order === 0 ? "same" : "obsolete";
    // A signature costs more than all else: only what would change something is worth the look.
    if (!this.#isGenuine(entry)) return "forged";
    const dormant = this.#dormant.get(entry.key);
    if (dormant !== undefined && compareTimestamps(entry.timestamp, dormant.timestamp) < 0)
      return this.#awaken(dormant, now);

    if (entry.type === "death-certificate" && !this.#isActive(entry, now)) {
      // Somebody's clock is behind ours. It is true all the same that what we have was deleted.
      this.#retain(entry, now);
      if (ours === undefined) return "expired";
      this.#release(entry.key);
      return "newer";
    }
    if (!this.#hasRoomFor(entry)) return "full";
    this.#dormant.drop(entry.key);
    this.#hold(entry, now);
    return "newer";
  }

  /** Whose timestamp it has wrote it. Nobody signs the activation: it is of whoever awakened the certificate. */
  #isGenuine(entry: MapEntry): boolean {
    if (this.#signatures === undefined) return true;
    const { timestamp, proof = new Uint8Array() } = entry;
    return this.#signatures.verify(timestamp.site, statementOf(entry), proof);
  }

  /** An obsolete value is about: the certificate spreads again. */
  #awaken(dormant: DeathCertificate, now: Millis): MergeOutcome {
    const awake = { ...dormant, activation: { time: now, site: this.site } };
    if (!this.#hasRoomFor(awake)) return "full";
    this.#dormant.drop(dormant.key);
    this.#hold(awake, now);
    return "awakened";
  }

  // ---- Time --------------------------------------------------------------------------------------------------------

  /** Certificates that are older than tau1 become dormant or go; those older than tau1 + tau2 go. */
  expire(now: Millis): void {
    if (now < this.#nextExpiryAt) return;
    this.#nextExpiryAt = Infinity;
    for (const key of this.#certificates) {
      const certificate = this.entry(key) as DeathCertificate;
      if (ageOf(certificate, now, this.options) === "active") {
        this.#noteExpiry(certificate);
        continue;
      }
      this.#release(key);
      this.#retain(certificate, now);
    }
    for (const key of this.#dormant.discardDead(now, this.options)) this.#touch(key);
    for (const certificate of this.#dormant) this.#noteExpiry(certificate, this.options.tau2Ms);
  }

  /** Keeps a dormant copy, if that is this site's part. */
  #retain(certificate: DeathCertificate, now: Millis): void {
    if (ageOf(certificate, now, this.options) !== "dormant") return;
    if (!certificate.retention.includes(this.site)) return;
    const known = this.#dormant.get(certificate.key);
    if (known !== undefined && compareEntries(certificate, known) <= 0) return;
    this.#touch(certificate.key);
    if (this.#dormant.keep(certificate)) this.#noteExpiry(certificate, this.options.tau2Ms);
  }

  #noteExpiry({ activation }: DeathCertificate, moreMs = 0): void {
    this.#nextExpiryAt = Math.min(this.#nextExpiryAt, activation.time + this.options.tau1Ms + moreMs);
  }

  // ---- What is held ------------------------------------------------------------------------------------------------

  #hasRoomFor(entry: MapEntry): boolean {
    const ours = this.#held.get(entry.key);
    if (ours === undefined && this.#held.size >= this.options.maxKeys) return false;
    const freed = ours === undefined ? 0 : sizeOf(ours.entry);
    return this.#bytes - freed + sizeOf(entry) <= this.options.maxTotalBytes;
  }

  /** In the place of what was there. */
  #hold(entry: MapEntry, now: Millis): void {
    this.#touch(entry.key);
    this.#release(entry.key);
    const id = idOf(entry);
    this.#held.set(entry.key, { entry, id });
    this.#ids.add(id);
    this.#byId.set(textOf(id), entry);
    this.#bytes += sizeOf(entry);
    if (this.#isRecent(entry, now)) this.#recent.set(entry.key, entry);
    if (entry.type === "value") return;
    this.#certificates.add(entry.key);
    this.#noteExpiry(entry);
  }

  #release(key: string): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.#touch(key);
    this.#held.delete(key);
    this.#ids.delete(held.id);
    this.#byId.delete(textOf(held.id));
    this.#recent.delete(key);
    this.#certificates.delete(key);
    this.#bytes -= sizeOf(held.entry);
  }

  /** Before it changes. */
  #touch(key: string): void {
    if (this.#changes?.has(key) === false) this.#changes.set(key, this.get(key) !== undefined);
  }

  #isRecent(entry: MapEntry, now: Millis): boolean {
    return now - activationOf(entry).time < this.options.recentMs;
  }
}

/** What the writer of an entry vouches for. */
export function statementOf(entry: MapEntry): WriteStatement {
  const { key, timestamp } = entry;
  const isValue = entry.type === "value";
  return {
    type: "write",
    key,
    value: isValue ? entry.value : undefined,
    timestamp,
    retention: isValue ? [] : entry.retention,
  };
}

/**
 * The order of two entries of one key, zero only if they are the same: the timestamps decide, and of equal ones the
 * later activation. A site that gives two entries one timestamp does not keep replicas apart: then it is the larger id.
 */
export function compareEntries(a: MapEntry, b: MapEntry): number {
  const byTimestamp = compareTimestamps(a.timestamp, b.timestamp);
  if (byTimestamp !== 0) return byTimestamp;
  const byActivation = compareTimestamps(activationOf(a), activationOf(b));
  if (byActivation !== 0) return byActivation;
  if (sayTheSame(a, b)) return 0;
  return compareIds(idOf(a), 0, idOf(b), 0);
}

/** Of entries of one key, with the same timestamps. */
function sayTheSame(a: MapEntry, b: MapEntry): boolean {
  if (a === b) return true;
  if (a.type === "value" && b.type === "value") {
    if (typeof a.value === "string" || typeof b.value === "string") return a.value === b.value;
    return areEqual(a.value, b.value);
  }
  if (a.type === "value" || b.type === "value" || a.retention.length !== b.retention.length) return false;
  return a.retention.every((site, i) => site === b.retention[i]);
}

/** SHA-256 of all that the entry says. */
export function idOf(entry: MapEntry): Uint8Array {
  // What has no fixed form has its length before it, so that no two entries give the same bytes.
  const { type, key, timestamp } = entry;
  const head = `${type} ${key.length} ${key} ${stampText(timestamp)} `;
  if (entry.type === "value") {
    const { value } = entry;
    if (typeof value === "string") return sha256(bytesOfText(`${head}text ${value}`));
    return sha256(joined([bytesOfText(`${head}bytes `), value]));
  }
  const { activation, retention } = entry;
  return sha256(bytesOfText(`${head}${stampText(activation)} ${retention.map(siteText).join(" ")}`));
}

const siteText = (site: Identity) =>
  typeof site === "number" ? `number ${site}` : `text ${site.length} ${site}`;
const stampText = ({ time, site }: Timestamp) => `${time} ${siteText(site)}`;

/** Two bytes for each unit of UTF-16. */
function bytesOfText(text: string): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    bytes[2 * i] = unit >>> 8;
    bytes[2 * i + 1] = unit;
  }
  return bytes;
}

function textOf(id: Uint8Array): string {
  return String.fromCharCode(...id);
}

function bytesOf(value: Payload): number {
  return typeof value === "string" ? 2 * value.length : value.length;
}

/** What an entry counts for: key and value, or key and sites. */
export function sizeOf(entry: MapEntry): number {
  const rest = entry.type === "value" ? bytesOf(entry.value) : 64 * entry.retention.length;
  return 2 * entry.key.length + rest;
}

/** Within the bounds of anti-entropy-messages.ts. Types are the codec's business. */
function isEntry(entry: MapEntry): boolean {
  if (entry.key.length > maxKeyLength || !isTimestamp(entry.timestamp)) return false;
  if (entry.type === "value") return true;
  if (entry.retention.length > maxRetentionSites || !isTimestamp(entry.activation)) return false;
  // Nobody wakes what is not there yet.
  return entry.activation.time >= entry.timestamp.time && entry.retention.every(isSite);
}

function isTimestamp({ time, site }: Timestamp): boolean {
  return Number.isSafeInteger(time) && time >= 0 && isSite(site);
}

function isSite(site: Identity): boolean {
  return typeof site === "number" ? Number.isSafeInteger(site) : site.length <= maxSiteLength;
}
