/**
 * What Kademlia's nodes say to each other (Maymounkov & Mazières 2002, section 2.3). Every list has the stated bound.
 * STORE is a message of the store (storage/store-messages.ts).
 *
 *     A -> ping -> B -> ping-reply -> A
 *     A -> find-node(key)  -> B -> find-node-reply(the k nearest to the key that B knows) -> A
 *     A -> find-value(key) -> B -> find-value-reply(its records of the key; and the nodes, too) -> A
 */
import type { Key, NodeId, StoredRecord } from "../core/index.ts";

/** Nodes in a reply: k may be no more. */
export const maxNodesPerReply = 32;
/** Records in a reply. */
export const maxRecordsPerReply = 4;

/** PING: are you there? */
export interface KademliaPing {
  readonly type: "ping";
  readonly nonce: number;
}

export interface KademliaPingReply {
  readonly type: "ping-reply";
  readonly nonce: number;
}

/** FIND_NODE: whom do you know nearest to this key? */
export interface FindNode {
  readonly type: "find-node";
  readonly nonce: number;
  readonly key: Key;
}

export interface FindNodeReply {
  readonly type: "find-node-reply";
  readonly nonce: number;
  /** At most k of the sender, and `maxNodesPerReply`; in no order that means anything. */
  readonly nodes: readonly NodeId[];
}

/** FIND_VALUE: what do you have under this key, and whom do you know nearest to it? */
export interface FindValue {
  readonly type: "find-value";
  readonly nonce: number;
  readonly key: Key;
}

/** Deviation: the paper answers with the value *or* the nodes. A reader that wants several replicas needs both. */
export interface FindValueReply {
  readonly type: "find-value-reply";
  readonly nonce: number;
  readonly nodes: readonly NodeId[];
  /** At most `maxRecordsPerReply`. */
  readonly records: readonly StoredRecord[];
}

/** Not in the paper, where leaving is falling silent: the sender goes, and need not be waited for. */
export interface Leaving {
  readonly type: "leaving";
}

export type KademliaMessage =
  | KademliaPing
  | KademliaPingReply
  | FindNode
  | FindNodeReply
  | FindValue
  | FindValueReply
  | Leaving;
