/**
 * What a distributed store keeps under a key. A record proves itself: whoever holds or relays it can neither change nor
 * invent one (`Signatures`), except where any member may write.
 *
 *     immutable   key = hash of the value
 *     owned       key = hash of the owner's id and the name; only the owner's signature counts
 *     shared      key = hash of the name; any member may write, and signs what it wrote
 *
 * Records of different kinds never stand in each other's way, even under one key. Of two records of one kind under one key
 * the one with the higher sequence number counts; then a deletion before a value, then the one whose bytes are larger: the
 * same everywhere. A deletion is a record without a value. The rules as functions are those of the store
 * (`src/storage/records.ts`).
 */
import type { Identity } from "./contact.ts";
import type { Millis } from "./environment.ts";
import type { Key } from "./keys.ts";
import type { Proof } from "./signatures.ts";

export type RecordKind = "immutable" | "owned" | "shared";

/** What the writer signs. */
export interface RecordStatement {
  readonly type: "record";
  readonly kind: RecordKind;
  readonly key: Key;
  /** What the key is the hash of; empty in immutable records. */
  readonly name: string;
  /** Undefined: deleted. */
  readonly value: Uint8Array | undefined;
  /** Grows with every write under this key; 0 in immutable records. */
  readonly sequence: number;
  /** Who wrote it; "" in immutable records, which need nobody's word. */
  readonly writer: Identity;
  /** By the writer's clock; a record is forgotten `lifetimeMs` later unless it is published again. */
  readonly writtenAt: Millis;
  readonly lifetimeMs: Millis;
}

export interface StoredRecord {
  readonly statement: RecordStatement;
  /** Empty in immutable records. */
  readonly proof: Proof;
}
