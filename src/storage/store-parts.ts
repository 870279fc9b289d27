/** What the parts of a store share. */
import {
  type Environment,
  identityOf,
  type Key,
  type KeyedNode,
  type KeyedNodeOf,
  type LookupOptions,
  type LookupReport,
  type Millis,
  type NodeId,
  type PeerSampler,
  type Random,
  type Router,
  type Signatures,
} from "../core/index.ts";
import type { DiskQueue } from "./disk-queue.ts";
import type { Questions, QuestionTimer } from "./questions.ts";
import type { RecordTable } from "./record-table.ts";
import type { StoreNotice } from "./store-commands.ts";
import type { StoreMessage } from "./store-messages.ts";
import type { StoreOptions } from "./store-options.ts";

/**
 * `grace`: most replicas have answered, and the others had their time. `deadline`: of an operation. `try-again`: others
 * wrote at once. `no-report`: of a lookup, in time. `upkeep`: records are due. `left`: the time for leaving is over.
 */
export type StoreTimer =
  | QuestionTimer
  | { readonly type: "grace"; readonly operation: number; readonly phase: number }
  | { readonly type: "deadline"; readonly operation: number }
  | { readonly type: "try-again"; readonly operation: number; readonly phase: number }
  | { readonly type: "no-report"; readonly lookup: number }
  | { readonly type: "upkeep"; readonly wakeAt: Millis }
  | { readonly type: "left" };

export type StoreEnvironment = Environment<StoreMessage, StoreTimer, StoreNotice>;

export interface StoreParts {
  readonly options: Readonly<StoreOptions>;
  readonly router: Router;
  readonly members: Pick<PeerSampler, "size"> | undefined;
  readonly keyedNode: KeyedNodeOf;
  readonly signatures: Signatures<unknown>;
  readonly table: RecordTable;
  readonly disk: DiskQueue<StoreEnvironment>;
  readonly questions: Questions<StoreEnvironment>;
  /** Asks the router. `report`: undefined if it kept silent. */
  readonly find: (
    key: Key,
    options: LookupOptions,
    onReport: (report: LookupReport | undefined, env: StoreEnvironment) => void,
    env: StoreEnvironment,
  ) => void;
}

/** Of `count` replicas the quorum: what is asked for, or more than half. */
export function quorumOf(asked: number, count: number): number {
  return asked === 0 ? Math.floor(count / 2) + 1 : Math.min(asked, count);
}

/** How far from a key a node may be to keep its records: views differ, and r nodes may have come that it does not know. */
export const maxRank = (replicas: number) => 4 * replicas;

/** How many of the nodes that we know are more responsible for the key than this one; at most `limit`. */
export function rankOf(router: Router, key: Key, { node }: KeyedNode, limit: number): number {
  const identity = identityOf(node);
  const place = router.replicas(key, limit).findIndex((one) => identityOf(one.node) === identity);
  return place < 0 ? limit : place;
}

export function isSame(a: NodeId, b: NodeId): boolean {
  return a === b || identityOf(a) === identityOf(b);
}

/** Between nine and eleven tenths of it, so that nodes do not act in step. */
export function jittered(intervalMs: Millis, random: Random): Millis {
  return Math.ceil(intervalMs * (0.9 + 0.2 * random.unit()));
}
