/**
 * What Chord nodes say to each other. Nodes are named by their `NodeId`; where they are on the ring follows from that, so
 * nobody can claim another's place. `nonce` is that of the question, also in its answer.
 *
 *     A ── ask-state ──► B ── state ──► A        Zave's query: predecessor and successor list, as of one moment
 *                        B ── busy ───► A        B has such a query open itself: the state follows when it is answered
 *     A ── notify ─────► B                       A might be B's predecessor
 *     A ── ping ───────► B ── pong ───► A        is it alive?
 *     A ── route ──────► B ── routed ─► A        a step of a lookup
 *     B ── hint ───────► A                       there may be a node between A and its successor
 */
import type { Key, NodeId } from "../core/index.ts";

/** Longest successor list, however it is set. */
export const maxSuccessors = 64;
/** Most nodes before the key in one answer. */
export const maxCloser = 64;

/** Receiver: say your predecessor and your successors; but if a query of your own is open, `busy` first, and that later. */
export interface AskState {
  readonly type: "ask-state";
  readonly nonce: number;
}

/** Receiver: this is what it knew at one moment. No successors: it is on no ring. */
export interface State {
  readonly type: "state";
  readonly nonce: number;
  readonly predecessor: NodeId | undefined;
  /** The nearest first. */
  readonly successors: readonly NodeId[];
}

/** Receiver: wait longer, it is alive. */
export interface Busy {
  readonly type: "busy";
  readonly nonce: number;
}

/** Receiver: the sender has you for its successor. */
export interface Notify {
  readonly type: "notify";
}

/** Receiver: you were alone when you were asked; the sender has made a ring of you and itself. */
export interface FoundRing {
  readonly type: "found-ring";
}

/** Receiver: answer at once, whatever you are doing. */
export interface ChordPing {
  readonly type: "ping";
  readonly nonce: number;
}

/** Receiver: it is alive. */
export interface Pong {
  readonly type: "pong";
  readonly nonce: number;
}

/** Receiver: this node may lie between you and your successor; ask it, if that is so. */
export interface Hint {
  readonly type: "hint";
  readonly node: NodeId;
}

/** Receiver: say which nodes that you know precede the key most closely, and who may own it. */
export interface Route {
  readonly type: "route";
  readonly nonce: number;
  readonly key: Key;
}

/** Receiver: go on with the first of `closer` that answers; if none does, the sender precedes the key. */
export interface Routed {
  readonly type: "routed";
  readonly nonce: number;
  /** Between the sender and the key: those nearest to the key first. */
  readonly closer: readonly NodeId[];
  /** At or behind the key, as far as its successor list goes: the nearest first. Neither: it is on no ring. */
  readonly owners: readonly NodeId[];
}

/** Receiver: the sender goes. */
export interface Goodbye {
  readonly type: "goodbye";
}

export type ChordMessage =
  | AskState
  | State
  | Busy
  | Notify
  | FoundRing
  | ChordPing
  | Pong
  | Hint
  | Route
  | Routed
  | Goodbye;
