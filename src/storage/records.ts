/**
 * What records are allowed to be, which of two counts, and what they are called. Rules only: no state, no world.
 */
import {
  type Identity,
  identityOf,
  type Key,
  keyOfName,
  type Millis,
  type NodeId,
  type RecordKind,
  type RecordStatement,
  type Signatures,
  type StoredRecord,
  UsageError,
} from "../core/index.ts";
import {
  deletionLifetimeMs,
  maxLifetimeMs,
  maxNameLength,
  maxValueBytes,
  minLifetimeMs,
  type Refusal,
} from "./store-messages.ts";

/** Where a record is kept: kinds do not meet, even under one key. */
export interface RecordAddress {
  readonly kind: RecordKind;
  readonly key: Key;
}

/** An address as one text: the name of a record on disk, and in maps. */
export function slotOf({ kind, key }: RecordAddress): string {
  return `${kind}/${key}`;
}

// ---- Keys ---------------------------------------------------------------------------------------------------------

/** The object's id is the hash of its content. */
export function keyOfValue(value: Uint8Array): Key {
  return keyOfName(value);
}

/** What any member may write has the hash of its name for a key: `item_id = hash(item_name)`. */
export function keyOfShared(name: string): Key {
  return keyOfName(name);
}

/** An identity has no line feed in it, so that no two of (owner, name) are one text. */
export function keyOfOwned(owner: Identity, name: string): Key {
  return keyOfName(`${owner}\n${name}`);
}

function keyFor({ kind, name, value, writer }: RecordStatement): Key {
  if (kind === "owned") return keyOfOwned(writer, name);
  return kind === "shared" ? keyOfShared(name) : keyOfValue(value!);
}

/** How a user says which record is meant: by what its key follows from, or by the key. */
export interface RecordName {
  readonly kind: RecordKind;
  /** Of owned and shared records. */
  readonly name?: string | undefined;
  /** Of owned records; default: this node. */
  readonly owner?: NodeId | undefined;
  /** Instead of a name; immutable records have nothing else. */
  readonly key?: Key | undefined;
}

/** Throws `UsageError` if that is no record's name. */
export function addressOfRecord({ kind, name, owner, key }: RecordName, self: NodeId): RecordAddress {
  if (!["immutable", "owned", "shared"].includes(kind))
    throw new UsageError(`kind: ${JSON.stringify(kind)} is not one of immutable, owned, shared`);
  if (key !== undefined) {
    if (name !== undefined) throw new UsageError("key: give a name or a key, not both");
    if (!/^[0-9a-f]{40}$/.test(key))
      throw new UsageError(`key: ${JSON.stringify(key)} is not 40 hexadecimal digits`);
    return { kind, key };
  }
  if (kind === "immutable")
    throw new UsageError("key: an immutable record is found by its key, the hash of its value");
  checkName(name);
  if (kind === "shared") return { kind, key: keyOfShared(name) };
  return { kind, key: keyOfOwned(identityOf(owner ?? self), name) };
}

// ---- Making them --------------------------------------------------------------------------------------------------

/** Throws `UsageError`. */
export function checkName(name: string | undefined): asserts name is string {
  if (name === undefined || name.length === 0) throw new UsageError("name: it has no character");
  if (name.length > maxNameLength)
    throw new UsageError(`name: ${name.length} characters is more than ${maxNameLength}`);
  if (/\p{Surrogate}/u.test(name))
    throw new UsageError("name: it has half a surrogate pair, which UTF-8 cannot say");
}

/** Throws `UsageError`. */
export function checkValue(value: unknown): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) throw new UsageError("value: it is not a Uint8Array");
  if (value.length > maxValueBytes)
    throw new UsageError(`value: ${value.length} bytes is more than ${maxValueBytes}`);
}

/** Throws `UsageError`. */
export function checkLifetime(lifetimeMs: Millis): void {
  if (!Number.isSafeInteger(lifetimeMs)) throw new UsageError(`lifetimeMs: ${lifetimeMs} is not an integer`);
  if (lifetimeMs < minLifetimeMs)
    throw new UsageError(`lifetimeMs: ${lifetimeMs} is less than ${minLifetimeMs}`);
  if (lifetimeMs > maxLifetimeMs)
    throw new UsageError(`lifetimeMs: ${lifetimeMs} is more than ${maxLifetimeMs}`);
}

const noProof = new Uint8Array(0);

/** Signs it, if it is of a kind that is signed. */
export function seal(statement: RecordStatement, signatures: Signatures<unknown>): StoredRecord {
  return { statement, proof: statement.kind === "immutable" ? noProof : signatures.sign(statement) };
}

// ---- Judging those of others --------------------------------------------------------------------------------------

/** By the writer's clock. */
export function expiryOf({ writtenAt, lifetimeMs }: RecordStatement): Millis {
  return writtenAt + lifetimeMs;
}

/** What is wrong with what it says; undefined: nothing. Who says it, `isSigned` tells: that costs more. */
export function faultOf(
  statement: RecordStatement,
  now: Millis,
  maxAheadMs: Millis,
): Extract<Refusal, "malformed" | "ahead" | "expired"> | undefined {
  const { kind, key, name, value, sequence, writer, writtenAt, lifetimeMs } = statement;
  const longest = value === undefined ? deletionLifetimeMs : maxLifetimeMs;
  if (!isCount(sequence) || !isCount(writtenAt) || !isCount(lifetimeMs)) return "malformed";
  if (lifetimeMs < minLifetimeMs || lifetimeMs > longest) return "malformed";
  if (value !== undefined && value.length > maxValueBytes) return "malformed";
  if (kind === "immutable") {
    if (value === undefined || sequence !== 0 || name !== "" || writer !== "") return "malformed";
  } else if (sequence === 0 || name === "" || name.length > maxNameLength || writer === "")
    return "malformed";
  // By the clocks first: the hash costs more.
  if (writtenAt > now + maxAheadMs) return "ahead";
  if (expiryOf(statement) <= now) return "expired";
  return keyFor(statement) === key ? undefined : "malformed";
}

/** Has its writer signed it? Immutable records need nobody's word: their key is their proof. */
export function isSigned({ statement, proof }: StoredRecord, signatures: Signatures<unknown>): boolean {
  return statement.kind === "immutable" || signatures.verify(statement.writer, statement, proof);
}

function isCount(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}

// ---- Which of two counts ------------------------------------------------------------------------------------------

/**
 * Positive if `a` counts and not `b`; 0 only if they are the same but for their proofs. The number first; then a deletion,
 * the larger value, the larger writer: by these two writers of one number are told apart everywhere alike. Last the one
 * that lives longer: so a record is published again.
 */
export function compareRecords(a: RecordStatement, b: RecordStatement): number {
  if (a.sequence !== b.sequence) return a.sequence - b.sequence;
  const byValue = compareValues(a.value, b.value);
  if (byValue !== 0) return byValue;
  if (a.writer !== b.writer) return a.writer > b.writer ? 1 : -1;
  return expiryOf(a) - expiryOf(b) || a.writtenAt - b.writtenAt;
}

function compareValues(a: Uint8Array | undefined, b: Uint8Array | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

/** The name of this very record: equal where `compareRecords` says 0, and nowhere else. */
export function digestOf(statement: RecordStatement): Key {
  const { kind, key, name, value, sequence, writer, writtenAt, lifetimeMs } = statement;
  const hashed = value === undefined ? "deleted" : keyOfName(value);
  return keyOfName([kind, key, hashed, sequence, writer, writtenAt, lifetimeMs, name].join("\n"));
}

/** What keeping it is taken to cost: what is in it, and something for being there. */
export function bytesOfRecord({ statement, proof }: StoredRecord): number {
  return overheadBytes + statement.name.length * 2 + (statement.value?.length ?? 0) + proof.length;
}

/** An entry of a table with its key, its place and its accounts (guess). */
const overheadBytes = 256;
