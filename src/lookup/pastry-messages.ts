/**
 * What Pastry nodes say to each other. Nodes are named by their `NodeId`; where they are in the id space follows from
 * that, so nobody can claim another's place.
 *
 *     A ── route ──► B ── route ──► C ── route ──► Z         hop by hop, towards the key
 *     A ◄── ack ──── B ◄── ack ──── C ◄── ack ──── Z         each hop is acknowledged to the one before it
 *     A ◄── passed ─ B , C                                   where it has gone next, for the report
 *     A ◄──────────────────── arrived ────────────── Z       the root answers the origin directly
 *
 * A route whose purpose is `join` goes the same way towards the newcomer's own key, and each node on it sends `state`.
 */
import type { Key, NodeId } from "../core/index.ts";

/** Most nodes in one list: the rows that one node on the way of a join adds, M, and a leaf set. */
export const maxPastryNodes = 256;
/** Most leaves on both sides together. */
export const maxPastryLeaves = 64;
/** Hops of a route, however it is set. */
export const maxPastryHops = 128;
/** Digits in a key of 160 bits, base 2. */
export const maxPastryRows = 160;
/** Silent nodes that one node on the way names. */
export const maxPastrySilent = 16;

export type RoutePurpose = "lookup" | "join";

/** Receiver: acknowledge, look for the next hop, hand it on; or answer the origin. */
export interface RouteMessage {
  readonly type: "route";
  /** Chosen by the origin, another one for each attempt: a second copy of the same is ignored. */
  readonly route: number;
  /** Chosen by the sender of this hop; it comes back in `ack`. */
  readonly hopNonce: number;
  readonly origin: NodeId;
  readonly key: Key;
  readonly purpose: RoutePurpose;
  /** This message is the so-manieth hop: 1 from the origin itself. */
  readonly hops: number;
  /** Rule 1 has applied: from here on each hop is numerically closer (pastry-routing.ts). */
  readonly isNear: boolean;
  /** An earlier attempt was lost: choose randomly among legal hops. */
  readonly isRandomised: boolean;
  /** A join: rows below this one have been sent to the newcomer. */
  readonly row: number;
}

/** Receiver: this hop is done. */
export interface AckMessage {
  readonly type: "ack";
  readonly hopNonce: number;
}

/** Receiver, the origin: your route has passed the sender, and where it has gone from there. */
export interface PassedMessage {
  readonly type: "passed";
  readonly route: number;
  /** Hops from the origin to the sender. */
  readonly hops: number;
  readonly next: NodeId;
  /** Whoever was tried before that and did not acknowledge. */
  readonly silent: readonly NodeId[];
}

/** Receiver, the origin: the sender is the root of the key, as far as it knows. */
export interface ArrivedMessage {
  readonly type: "arrived";
  readonly route: number;
  readonly hops: number;
  readonly leaves: readonly NodeId[];
  /** Whoever was nearer, was tried and did not acknowledge. */
  readonly silent: readonly NodeId[];
}

/** Receiver, a newcomer: what a node on the way of its join has for it: rows, from the first also M, from the last L. */
export interface StateMessage {
  readonly type: "state";
  readonly route: number;
  readonly hops: number;
  readonly nodes: readonly NodeId[];
  /** The sender is the numerically closest: `nodes` has its leaf set. */
  readonly isRoot: boolean;
}

/**
 * Push and pull of leaf sets. Receiver: take in what is new, answer if asked. Versions save bytes, and tell a newcomer
 * that somebody's leaf set has changed since it got it: then the list comes again.
 */
export interface LeavesMessage {
  readonly type: "leaves";
  readonly nonce: number;
  readonly isAnswer: boolean;
  /** Of the sender's leaf set; another number after each change. */
  readonly version: number;
  /** The receiver's version that the sender has got last; 0: none. */
  readonly heard: number;
  /** Empty if the receiver has this version already. */
  readonly leaves: readonly NodeId[];
}

/** Receiver: answer with that row of the routing table. */
export interface AskRowMessage {
  readonly type: "ask-row";
  readonly nonce: number;
  readonly row: number;
}

/** Receiver: a row that it asked for, or (nonce 0) that of a newcomer which has the receiver in its table. */
export interface RowMessage {
  readonly type: "row";
  readonly nonce: number;
  readonly row: number;
  readonly nodes: readonly NodeId[];
}

/** Receiver: answer. `isMember`: the sender takes part in routing; a newcomer does not yet. */
export interface PingMessage {
  readonly type: "ping";
  readonly nonce: number;
  readonly isMember: boolean;
}

export interface PongMessage {
  readonly type: "pong";
  readonly nonce: number;
  readonly isMember: boolean;
}

/** Receiver: forget the sender, and look at its leaves. */
export interface LeaveMessage {
  readonly type: "leave";
  readonly leaves: readonly NodeId[];
}

export type PastryMessage =
  | RouteMessage
  | AckMessage
  | PassedMessage
  | ArrivedMessage
  | StateMessage
  | LeavesMessage
  | AskRowMessage
  | RowMessage
  | PingMessage
  | PongMessage
  | LeaveMessage;
