/**
 * How the layers of a stack know each other: by these small interfaces and notices, never by name, so that any
 * overlay serves any broadcast. All methods only read; whatever changes state travels as a command or a notice.
 */
import type { Identity } from "./contact.ts";
import type { Millis, NodeId } from "./environment.ts";
import type { Random } from "./random.ts";

/** Somebody that we may connect to. `since` is when it joined, by its own clock. */
export interface Candidate {
  readonly peer: NodeId;
  readonly since: Millis;
}

/** Who else is there, as far as this node knows. Never contains this node itself. */
export interface PeerSampler {
  readonly size: number;
  /** Up to `count` different candidates for which `accept` holds, in random order. */
  sample(count: number, random: Random, accept?: (candidate: Candidate) => boolean): Candidate[];
  get(identity: Identity): Candidate | undefined;
}

/** All that a node knows of others: those that one may connect to, in the order in which they became known. */
export interface Members extends PeerSampler {
  readonly candidates: readonly Candidate[];
}

/** The peers to which this one holds an open link. */
export interface NeighborView {
  /** In the order in which the links came up. Treat as read-only; it changes in place. */
  readonly neighbors: readonly NodeId[];
  has(node: NodeId): boolean;
}

/** What the failure detector knows of a link. */
export interface LinkQuality {
  /** Smoothed round trip in milliseconds; undefined before the first answer. */
  rttMs(neighbor: NodeId): number | undefined;
  /** False if the neighbor was silent the last time that it was asked. */
  isAnswering(neighbor: NodeId): boolean;
}

/** Who this node is in the membership: its incarnation grows with every start and every refutation. */
export interface Standing {
  readonly incarnation: number;
  readonly since: Millis;
}

// Notices that cross from one layer to another.

/** A link is open in both directions. */
export interface NeighborUp {
  readonly type: "neighbor-up";
  readonly neighbor: NodeId;
  readonly incarnation: number;
}

/** A link is gone. */
export interface NeighborDown {
  readonly type: "neighbor-down";
  readonly neighbor: NodeId;
  readonly reason: "failed" | "unreachable" | "left" | "replaced" | "one-sided";
}

/** The failure detector is sure, after asking others: nobody reaches this neighbor. */
export interface NeighborFailed {
  readonly type: "neighbor-failed";
  readonly neighbor: NodeId;
  readonly incarnation: number;
  readonly misses: number;
}

/** We cannot reach it, somebody else can: the path is bad, not the peer. */
export interface NeighborUnreachable {
  readonly type: "neighbor-unreachable";
  readonly neighbor: NodeId;
  readonly witness: NodeId;
}

/** The other end does not count us as its neighbor. */
export interface NeighborOneSided {
  readonly type: "neighbor-one-sided";
  readonly neighbor: NodeId;
}

/** A peer told us, signed, that it goes. */
export interface PeerLeft {
  readonly type: "peer-left";
  readonly peer: NodeId;
  /** The life that it left: somebody may play an old leave back. */
  readonly incarnation: number;
}

/** A member is there that was not, or was given up before: by its own signed word. */
export interface MemberUp {
  readonly type: "member-up";
  readonly peer: NodeId;
  readonly incarnation: number;
  readonly since: Millis;
}

/** A detector doubts whether it lives. `by` are those who say so, the first doubter first; ourselves are among them if we do. */
export interface MemberSuspected {
  readonly type: "member-suspected";
  readonly peer: NodeId;
  readonly incarnation: number;
  readonly by: readonly NodeId[];
}

/** It was suspected, and has shown that it lives. */
export interface MemberCleared {
  readonly type: "member-cleared";
  readonly peer: NodeId;
  readonly incarnation: number;
}

/** A detector has given it up. `by` are those whose word it rests on. */
export interface MemberFailed {
  readonly type: "member-failed";
  readonly peer: NodeId;
  readonly incarnation: number;
  readonly by: readonly NodeId[];
}

/** Gossip of heartbeats: an endpoint is known to be further than before. `isNewLife` if its generation is new to us. */
export interface EndpointAdvanced {
  readonly type: "endpoint-advanced";
  readonly endpoint: Identity;
  readonly generation: number;
  readonly version: number;
  readonly isNewLife: boolean;
}

/** Somebody unknown so far asked us for a link. */
export interface PeerMet {
  readonly type: "peer-met";
  readonly peer: NodeId;
  readonly since: Millis;
}

/** A layer above asks the broadcast to spread these, as one publication. */
export interface Publish {
  readonly type: "publish";
  readonly payloads: readonly (string | Uint8Array)[];
}

export type StackNotice =
  | PeerMet
  | Publish
  | NeighborUp
  | NeighborDown
  | NeighborFailed
  | NeighborUnreachable
  | NeighborOneSided
  | MemberUp
  | MemberSuspected
  | MemberCleared
  | MemberFailed
  | PeerLeft;

/** Something is to be on disk. */
export interface Persist {
  readonly type: "persist";
  readonly key: string;
  /** Undefined removes the key. */
  readonly value: unknown;
  /** The protocol goes on only when the command `persisted` with the same key comes back. */
  readonly isAwaited: boolean;
}

export interface Persisted {
  readonly type: "persisted";
  readonly key: string;
}
