/** What a user asks of the store, and what it tells: of every operation once, with what became of each replica. */
import type {
  FindNodes,
  Key,
  KeyedNode,
  LookupReport,
  Millis,
  Persist,
  Persisted,
  RecordKind,
  StoredRecord,
} from "../core/index.ts";
import type { RecordName } from "./records.ts";
import type { Refusal } from "./store-messages.ts";

// ---- Asking -------------------------------------------------------------------------------------------------------

export interface PutRecord {
  readonly type: "put";
  /** Chosen by the user, and named in the notice. */
  readonly request: number;
  /** Default: `shared`. */
  readonly kind?: RecordKind | undefined;
  /** Of owned and shared records. */
  readonly name?: string | undefined;
  /** At most 64 KiB. */
  readonly value: Uint8Array;
  /**
   * Compare-and-swap: write only if this is the sequence number of the record that is there; 0 if there is none. Not for
   * immutable records.
   */
  readonly cas?: number | undefined;
  /** The sequence number, where the user counts himself. Default: one more than that of the record that is there. */
  readonly sequence?: number | undefined;
  /**
   * It is forgotten after so long. Default: the option, and this node publishes the record again and again as long as it
   * runs.
   */
  readonly lifetimeMs?: Millis | undefined;
  /** r; default: the option. */
  readonly replicas?: number | undefined;
  /** w; default: the option. */
  readonly writeQuorum?: number | undefined;
}

/** Writes that there is nothing any more: a record without a value, which replaces the others. */
export interface DeleteRecord {
  readonly type: "delete";
  readonly request: number;
  /** Default: `shared`. Of owned records only those of this node. */
  readonly kind?: "owned" | "shared" | undefined;
  readonly name: string;
  readonly cas?: number | undefined;
  readonly replicas?: number | undefined;
  readonly writeQuorum?: number | undefined;
}

export interface GetRecord extends Omit<RecordName, "kind"> {
  readonly type: "get";
  readonly request: number;
  /** Default: `immutable` with a key, else `shared`. */
  readonly kind?: RecordKind | undefined;
  readonly replicas?: number | undefined;
  /**
   * So many replicas must answer. 1: the first record that is met on the way is taken, which may be an old one or a cached
   * copy; that is the default for immutable records, which cannot be old.
   */
  readonly readQuorum?: number | undefined;
}

/** Whoever asked wants no answer any more: no notice follows. What was sent to replicas is not called back. */
export interface CancelOperation {
  readonly type: "cancel";
  readonly request: number;
}

/** We are about to go: what is kept here is handed over. `store-left` says when that is done. */
export interface LeaveStore {
  readonly type: "leave";
}

export type StoreCommand = PutRecord | GetRecord | DeleteRecord | CancelOperation | LeaveStore | Persisted;

// ---- Being told ---------------------------------------------------------------------------------------------------

/**
 *     stored, refused      of a put or delete
 *     found                of a get: the newest record that any replica has
 *     older, missing       of a get: an older one, none
 *     cached               of a get: only a copy beside the way
 *     invalid              of a get: something that is no record of that key
 *     silent               no answer
 */
export type ReplicaState =
  | "stored"
  | "refused"
  | "found"
  | "older"
  | "missing"
  | "cached"
  | "invalid"
  | "silent";

/** What became of one replica. */
export interface ReplicaOutcome {
  readonly replica: KeyedNode;
  readonly state: ReplicaState;
  /** Why it was refused. */
  readonly reason: Refusal | undefined;
  /** Of the record that the replica has; 0: none, or nobody knows. */
  readonly sequence: number;
  /** Undefined while it is silent. */
  readonly roundTripMs: Millis | undefined;
}

/**
 * Of a put or delete:
 *
 *     stored        `needed` replicas, or more, have it on disk
 *     conflict      compare-and-swap: another record is there, with `sequence`; nothing was written
 *     contended     compare-and-swap: others were at it all the time; nothing was written
 *     partial       fewer than `needed` are known to have it: it may stay, be replaced, or be lost
 *     refused       nobody took it; the replicas say why
 *     unreachable   nobody answered; who was asked may have it all the same
 *     busy          too much is under way at this node already; nothing was done
 *
 * Of a delete also `missing`: there is nothing to delete. Of a get: found, deleted, missing, unreachable, busy.
 */
export type StoreOutcome =
  | "stored"
  | "conflict"
  | "contended"
  | "partial"
  | "refused"
  | "unreachable"
  | "busy"
  | "missing"
  | "found"
  | "deleted";

/** A notice: how an operation ended. */
export interface StoreEnded {
  readonly type: "store-ended";
  readonly request: number;
  readonly operation: "put" | "get" | "delete";
  readonly outcome: StoreOutcome;
  readonly kind: RecordKind;
  readonly key: Key;
  /** What was written or found; of a `deleted` one the deletion. Of a conflict undefined. */
  readonly record: StoredRecord | undefined;
  /** Of that record; of a conflict: of the one that is there. 0: none. */
  readonly sequence: number;
  /** When the record is forgotten, by its writer's clock, unless it is published again. */
  readonly expiresAt: Millis | undefined;
  /** This node publishes it again as long as it runs. */
  readonly isPublished: boolean;
  /** The replicas that were asked, most responsible first. */
  readonly replicas: readonly ReplicaOutcome[];
  /** w of a put, or how many should have answered a get: no more than there are nodes. */
  readonly needed: number;
  /** There are fewer nodes than the quorum asks for: `needed` is as many as there are. */
  readonly isCapped: boolean;
  /** How often it was tried with another sequence number or other replicas: 1 is once. */
  readonly attempts: number;
  /** Replicas that lacked what a get found, and were sent it. */
  readonly repaired: number;
  /** How the replicas were found; undefined where nobody had to be looked for. */
  readonly report: LookupReport | undefined;
  readonly startedAt: Millis;
  readonly endedAt: Millis;
}

/** A notice: the node may go. */
export interface StoreLeft {
  readonly type: "store-left";
  /** How many were kept here. */
  readonly records: number;
  /** For how many of them as many others as a put needs are known to have them. */
  readonly handedOver: number;
}

export type StoreNotice = StoreEnded | StoreLeft | FindNodes | Persist;
