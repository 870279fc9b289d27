/** The messages of HyParView and X-BOT (layer "hyparview"). Every list has the stated bound; the wire codec enforces it. */
import type { Millis, NodeId } from "../core/index.ts";

/** Somebody to connect to, as HyParView passes it on. */
export interface ViewEntry {
  readonly peer: NodeId;
  readonly since: Millis;
}

/** A newcomer asks its contact to take it in and to tell others. */
export interface Join {
  readonly type: "join";
  readonly since: Millis;
  readonly incarnation: number;
}
/** The news of a newcomer on a random walk over links; where it ends, somebody asks the newcomer for a link. */
export interface ForwardJoin {
  readonly type: "forward-join";
  readonly newcomer: ViewEntry;
  readonly hopsLeft: number;
}
/** Be my neighbor. Of high priority if the sender has none: then a full view makes room. */
export interface NeighborRequest {
  readonly type: "neighbor";
  readonly since: Millis;
  readonly incarnation: number;
  readonly isHighPriority: boolean;
}
/** Answers `join` and `neighbor`. */
export interface NeighborReply {
  readonly type: "neighbor-reply";
  readonly since: Millis;
  readonly incarnation: number;
  readonly isAccepted: boolean;
}
/** The link ends. `instead` has taken the place and has room itself: ask there first. */
export interface ViewDisconnect {
  readonly type: "disconnect";
  readonly instead: NodeId | undefined;
  /** The sender goes for good: it is not worth remembering. */
  readonly isLeaving: boolean;
}
/** A random walk with a sample of the origin's views, the origin first; at most `maxShuffle`. */
export interface Shuffle {
  readonly type: "shuffle";
  readonly nonce: number;
  readonly origin: NodeId;
  readonly hopsLeft: number;
  readonly entries: readonly ViewEntry[];
}
/** Where the walk ended, straight to the origin: as many entries in return. */
export interface ShuffleReply {
  readonly type: "shuffle-reply";
  readonly nonce: number;
  readonly entries: readonly ViewEntry[];
}
/** On a link on which nothing was said for a while: are you there, and do you count me as a neighbor? */
export interface KeepAlive {
  readonly type: "keep-alive";
  readonly nonce: number;
}
export interface KeepAliveReply {
  readonly type: "keep-alive-reply";
  readonly nonce: number;
  readonly isLinked: boolean;
}

// X-BOT: four nodes swap two links. The initiator i has the link i-o and would rather have i-c; c is full and would
// give up c-d, if d would rather have d-o. All of them carry the nonce that i has drawn.
//
//     i -> optimisation(o) -> c -> replace(o, i) -> d -> switch(i) -> o
//     i <- optimisation-reply <- c <- replace-reply <- d <- switch-reply <- o

/** i -> c: I would give `old` up for you. */
export interface Optimisation {
  readonly type: "optimisation";
  readonly nonce: number;
  readonly old: NodeId;
  readonly since: Millis;
  readonly incarnation: number;
}
/** c -> i */
export interface OptimisationReply {
  readonly type: "optimisation-reply";
  readonly nonce: number;
  readonly isAccepted: boolean;
  readonly since: Millis;
  readonly incarnation: number;
}
/** c -> d: would you rather be a neighbor of `old` than of me? Then `initiator` takes your place. */
export interface Replace {
  readonly type: "replace";
  readonly nonce: number;
  readonly old: NodeId;
  readonly initiator: NodeId;
}
/** d -> c */
export interface ReplaceReply {
  readonly type: "replace-reply";
  readonly nonce: number;
  readonly isAccepted: boolean;
}
/** d -> o: take me in the place of `initiator`, who gives you up. */
export interface Switch {
  readonly type: "switch";
  readonly nonce: number;
  readonly initiator: NodeId;
  readonly since: Millis;
  readonly incarnation: number;
}
/** o -> d */
export interface SwitchReply {
  readonly type: "switch-reply";
  readonly nonce: number;
  readonly isAccepted: boolean;
  readonly since: Millis;
  readonly incarnation: number;
}

export type XBotMessage = Optimisation | OptimisationReply | Replace | ReplaceReply | Switch | SwitchReply;

export type HyParViewMessage =
  | Join
  | ForwardJoin
  | NeighborRequest
  | NeighborReply
  | ViewDisconnect
  | Shuffle
  | ShuffleReply
  | KeepAlive
  | KeepAliveReply
  | XBotMessage;

export const maxShuffle = 32;
export const maxWalkHops = 16;
