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
export interface ForwardJoin {
  readonly type: "forward-join";
  readonly newcomer: ViewEntry;
  readonly hopsLeft: number;
}
/** Be my neighbor. Of high priority if the sender has none: then it may not be refused. */
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
export interface ViewDisconnect {
  readonly type: "disconnect";
}
/** A random walk with a sample of the origin's views, at most `maxShuffle`. */
export interface Shuffle {
  readonly type: "shuffle";
  readonly origin: NodeId;
  readonly hopsLeft: number;
  readonly entries: readonly ViewEntry[];
}
/** Where the walk ended, straight to the origin: as many entries in return. */
export interface ShuffleReply {
  readonly type: "shuffle-reply";
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

export type HyParViewMessage =
  | Join
  | ForwardJoin
  | NeighborRequest
  | NeighborReply
  | ViewDisconnect
  | Shuffle
  | ShuffleReply
  | KeepAlive
  | KeepAliveReply;

export const maxShuffle = 32;
export const maxWalkHops = 16;
