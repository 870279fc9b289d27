/**
 * What nodes say to each other about records. Whoever asks waits for the answer with the same nonce; everything may be
 * asked again, and is answered again.
 *
 *     store    -> stored | refused        keep this record; the answer comes when it is on disk
 *     fetch    -> fetched                 what do you have under this key?
 *     reserve  -> reserved                the first half of a compare-and-swap: promise me this sequence number
 *     offer    -> offered                 I have these; which of them do you lack?
 */
import type { Key, Millis, RecordKind, StoredRecord } from "../core/index.ts";

export type StorePurpose = "put" | "replica" | "cache";

/** A record, which the receiver keeps if it may. */
export interface StoreRecord {
  readonly type: "store";
  readonly nonce: number;
  /**
   * `put`: its writer counts the answer. `replica`: from one that has it to one that should have it. `cache`: a copy
   * beside the way to the replicas, for `lifetimeMs`.
   */
  readonly purpose: StorePurpose;
  readonly record: StoredRecord;
  /** Of a compare-and-swap: the ticket of the promise. 0: none. */
  readonly ticket: number;
  /** Of a cached copy; 0 otherwise. */
  readonly lifetimeMs: Millis;
}

/** It is on the receiver's disk, or in its cache. */
export interface Stored {
  readonly type: "stored";
  readonly nonce: number;
}

/**
 * Why a record is not taken.
 *
 *     malformed    its key does not follow from what it says, or something is beyond its bounds
 *     forged       its writer has not signed it
 *     ahead        written further in the future than clocks may differ
 *     expired      its lifetime is over
 *     superseded   a newer one is here: `sequence` is that one's
 *     promised     this number, or a higher one, was promised to a compare-and-swap: `sequence`
 *     too-far      many nodes are more responsible for the key
 *     full         no room that it may have
 *     busy         too much waits for the disk
 *     leaving      the node is about to go
 */
export type Refusal =
  | "malformed"
  | "forged"
  | "ahead"
  | "expired"
  | "superseded"
  | "promised"
  | "too-far"
  | "full"
  | "busy"
  | "leaving";

export interface StoreRefused {
  readonly type: "refused";
  readonly nonce: number;
  readonly reason: Refusal;
  /** Of `superseded` and `promised`: what a new record has to exceed. 0 otherwise. */
  readonly sequence: number;
}

export interface Fetch {
  readonly type: "fetch";
  readonly nonce: number;
  readonly kind: RecordKind;
  readonly key: Key;
}

export interface Fetched {
  readonly type: "fetched";
  readonly nonce: number;
  readonly record: StoredRecord | undefined;
  /** It is only a cached copy: the sender is no replica. */
  readonly isCached: boolean;
}

/**
 * Promise me that from now on you take no put with this sequence number or a lower one, unless it brings this ticket.
 * Paxos' prepare, with the sequence number as ballot.
 */
export interface Reserve {
  readonly type: "reserve";
  readonly nonce: number;
  readonly kind: Exclude<RecordKind, "immutable">;
  readonly key: Key;
  /** What the key follows from. Owned records are promised to their owner only. */
  readonly name: string;
  readonly sequence: number;
  readonly ticket: number;
}

export interface Reserved {
  readonly type: "reserved";
  readonly nonce: number;
  readonly isGranted: boolean;
  /** The highest number that is promised to anybody; 0: none. */
  readonly promised: number;
  /** Of the record that is here; 0: none. */
  readonly held: number;
  /** Names that record: `digestOf`. Undefined: there is none. */
  readonly digest: Key | undefined;
}

/** One record that the sender has, by name. */
export interface OfferedRecord {
  readonly kind: RecordKind;
  readonly key: Key;
  readonly sequence: number;
  readonly digest: Key;
}

export interface Offer {
  readonly type: "offer";
  readonly nonce: number;
  /** At most `maxOfferedRecords`. */
  readonly entries: readonly OfferedRecord[];
}

/** `held`: I have this very one. `wanted`: send it. `newer`: mine is newer. `declined`: I am not to have it. */
export type OfferVerdict = "held" | "wanted" | "newer" | "declined";

export interface Offered {
  readonly type: "offered";
  readonly nonce: number;
  /** One for each entry of the offer, in its order. */
  readonly verdicts: readonly OfferVerdict[];
}

export type StoreQuestion = StoreRecord | Fetch | Reserve | Offer;
export type StoreAnswer = Stored | StoreRefused | Fetched | Reserved | Offered;
export type StoreMessage = StoreQuestion | StoreAnswer;

/** Of a record's name, in units of UTF-16. */
export const maxNameLength = 256;
export const maxValueBytes = 64 * 1024;
/** Most records that an offer may name: some 8 KiB. */
export const maxOfferedRecords = 128;
export const minLifetimeMs = 1000;
/** 30 days. */
export const maxLifetimeMs = 30 * 24 * 3_600_000;
/**
 * A deletion outlives every value that may have been written before it, wherever that is: 31 days, one more than a value
 * can have, for clocks that differ.
 */
export const deletionLifetimeMs = 31 * 24 * 3_600_000;
