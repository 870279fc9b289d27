/** The entries of a replicated map, and the messages of anti-entropy. Every list has the stated bound. */
import type { Identity, Millis, Proof } from "../core/index.ts";
import type { Payload } from "./messages.ts";
import type { IdRange } from "./set-reconciliation.ts";

/** When, and at which site: a total order over all updates of all sites (see `compareTimestamps`). */
export interface Timestamp {
  readonly time: Millis;
  readonly site: Identity;
}

export interface ValueEntry {
  readonly type: "value";
  readonly key: string;
  readonly value: Payload;
  readonly timestamp: Timestamp;
  /** Of the site of the timestamp, for its `WriteStatement`; missing where nothing is signed. */
  readonly proof?: Proof | undefined;
}

/** That a key was deleted: what is older than its timestamp is obsolete. */
export interface DeathCertificate {
  readonly type: "death-certificate";
  readonly key: string;
  /** Of the deletion: what it cancels. Never changes. */
  readonly timestamp: Timestamp;
  /** Of the last time that it was awakened: how long it is active, and then dormant. At first that of the deletion. */
  readonly activation: Timestamp;
  /** The sites that keep a dormant copy; at most `maxRetentionSites`. */
  readonly retention: readonly Identity[];
  readonly proof?: Proof | undefined;
}

/** What a writer signs: that it wrote this value at this key, then; or that it deleted what was there. */
export interface WriteStatement {
  readonly type: "write";
  readonly key: string;
  /** Undefined for a deletion. */
  readonly value: Payload | undefined;
  readonly timestamp: Timestamp;
  /** Of a deletion. */
  readonly retention: readonly Identity[];
}

export type MapEntry = ValueEntry | DeathCertificate;

/** Who gives to whom: the caller (push), the one that is called (pull), or both to each other. */
export type AntiEntropyMode = "push" | "pull" | "push-pull";

// What the format of the messages has to know of ids and ranges.
export { idBytes } from "./packed-ids.ts";
export { fingerprintBytes } from "./range-fingerprints.ts";
export { type IdRange, maxIdsPerMessage, maxRangesPerMessage } from "./set-reconciliation.ts";

/** Do we have the same? The receiver answers with `compared`, or not at all if so. */
export interface Compare {
  readonly type: "compare";
  readonly mode: AntiEntropyMode;
  /** The caller's recent updates, unless it only pulls: newest first, at most `maxEntriesPerMessage`. */
  readonly recent: readonly MapEntry[];
  /** Of all that the caller has, 16 bytes. */
  readonly checksum: Uint8Array;
}
/** The same of the one that was called, after it took in what the caller sent. The caller goes on if they differ. */
export interface Compared {
  readonly type: "compared";
  readonly mode: AntiEntropyMode;
  readonly recent: readonly MapEntry[];
  readonly checksum: Uint8Array;
}
/** A message of the reconciliation by ranges. The receiver needs nothing but this to answer it. */
export interface Ranges {
  readonly type: "ranges";
  readonly mode: AntiEntropyMode;
  readonly isFromCaller: boolean;
  /** 1 for the first message, and one more each time; at most `maxReconciliationRounds`. */
  readonly round: number;
  /** At most `maxRangesPerMessage`, with at most `maxIdsPerMessage` ids. */
  readonly ranges: readonly IdRange[];
}
/** Ids of entries to send: packed, at most `maxIdsPerMessage`. */
export interface Want {
  readonly type: "want";
  readonly ids: Uint8Array;
}
/** Send me all that you have. */
export interface RequestAll {
  readonly type: "request-all";
}
/** The receiver merges them. */
export interface Entries {
  readonly type: "entries";
  /** At most `maxEntriesPerMessage`, and `maxEntriesBytes` together. */
  readonly entries: readonly MapEntry[];
  /** The sender has more that the receiver lacks: it may ask again at once. */
  readonly isPartial: boolean;
}

export type AntiEntropyMessage = Compare | Compared | Ranges | Want | RequestAll | Entries;

export const maxKeyLength = 256;
export const maxRetentionSites = 16;
export const maxSiteLength = 256;
export const maxEntriesPerMessage = 1024;
/** Keys and values of a message together (and one entry more), so that it fits a frame. */
export const maxEntriesBytes = 512 * 1024;
/**
 * Two replicas that differ in 100,000 of 10^6 entries take 171 messages of bounded size, and 10^7 that have nothing in
 * common some 2,000. What is left after so many is for the next contact.
 */
export const maxReconciliationRounds = 4096;
