/** The messages of the flood. Every list has the stated bound; the wire codec enforces it. */
import type { Millis, NodeId, Signed } from "../core/index.ts";

/** What a message carries: a text (the classic network) or bytes (applications). */
export type Payload = string | Uint8Array;

/**
 * What an origin published in one turn, under one signature: messages `sequence`, `sequence + 1`, … of its life
 * `incarnation`. A message id is (origin identity, incarnation, sequence): equal texts never collapse.
 */
export interface GossipStatement {
  readonly type: "gossip";
  readonly origin: NodeId;
  readonly incarnation: number;
  readonly sequence: number;
  readonly at: Millis;
  /** One or more, at most `maxPayloadsPerGossip`. */
  readonly payloads: readonly Payload[];
}

export interface Gossip extends Signed<GossipStatement> {
  readonly type: "gossip";
}
/** Have we seen the same? Sent on a new link and now and then on an old one. */
export interface Summary {
  readonly type: "summary";
  /** Lives of origins of which something was seen. */
  readonly count: number;
  readonly fingerprint: number;
}
/** The sequence numbers seen of one life of one origin, as [from, to, from, to, …] (see RangeSet). */
export interface SeenEntry {
  readonly origin: NodeId;
  readonly incarnation: number;
  readonly ranges: readonly number[];
}
/** What the sender has seen; the receiver answers with the gossip that is missing in it. */
export interface Digest {
  readonly type: "digest";
  readonly entries: readonly SeenEntry[];
  /** True if this answers a digest, and so must not be answered by one. */
  readonly isAnswer: boolean;
}
export type BroadcastMessage = Gossip | Summary | Digest;

export const maxPayloadsPerGossip = 64;
export const maxPayloadBytes = 64 * 1024;
/** All payloads of one gossip together, so that it fits a frame. */
export const maxGossipBytes = 512 * 1024;
export const maxDigestOrigins = 4096;
export const maxRangesPerOrigin = 64;
