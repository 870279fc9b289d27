/** The messages of the broadcast layer. Every list has the stated bound; the wire codec enforces it. */
import type { Identity, Millis, NodeId, Signed } from "../core/index.ts";

/** What a message carries: a text (the classic network) or bytes (applications). */
export type Payload = string | Uint8Array;

/** Which message: the origin's identity counts, not its address. */
export interface MessageId {
  readonly origin: NodeId;
  readonly incarnation: number;
  readonly sequence: number;
}

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
  /** What comes first where not all can be offered at once: the higher, up to `maxPriority`; missing is 0. */
  readonly priority?: number | undefined;
  /** What it is about, for those who want to hear of some things only: 1 to `maxTopicLength` characters. */
  readonly topic?: string | undefined;
  /** One or more, at most `maxPayloadsPerGossip`. */
  readonly payloads: readonly Payload[];
}

export interface Gossip extends Signed<GossipStatement> {
  readonly type: "gossip";
  /**
   * Links that it has crossed since its origin when it arrives, at most `maxHops`; missing where the way of spreading
   * does not count them. Not signed: each node counts on.
   */
  readonly hops?: number | undefined;
}
/** Have we seen the same? Sent on a new link and now and then on an old one. */
export interface Summary {
  readonly type: "summary";
  /** Lives of origins of which something was seen. */
  readonly count: number;
  readonly fingerprint: number;
  /** Where both have seen the same there is nothing to answer, unless this is true: then the same comes back. */
  readonly asks?: boolean | undefined;
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

/** A gossip that the sender has, named by its first message, and how far its spreading has come there. */
export interface Offer extends MessageId {
  /** The sender's counter, or its state: what it means depends on the way of spreading. At most `maxLevel`. */
  readonly level: number;
  /** Rounds since the message was published, as far as the sender knows and its way of spreading asks. */
  readonly ageRounds: number;
}
/** One node calls another: ids go before payloads. */
export interface Call {
  readonly type: "call";
  /** The caller's own count of its calls; an answer repeats it. */
  readonly round: number;
  readonly offers: readonly Offer[];
  /** Does the caller want to hear what the other one has to offer? */
  readonly asks: boolean;
}
/** What the receiver of offers makes of them: each is among `wanted` or among `known`. */
interface Reaction {
  /** The one of the call. */
  readonly round: number;
  readonly wanted: readonly MessageId[];
  readonly known: readonly Offer[];
}
/** Answers a call. If it makes offers itself, they are reacted to by a `feedback`. */
export interface Answer extends Reaction {
  readonly type: "answer";
  readonly offers: readonly Offer[];
}
export interface Feedback extends Reaction {
  readonly type: "feedback";
}
/** The called one has had enough calls for this round: the connection limit. */
export interface Busy {
  readonly type: "busy";
  readonly round: number;
}

/** A gossip that the sender has, named by its first message; `hops` are those that it would have with the receiver, 0 if unknown. */
export interface Announcement extends MessageId {
  readonly hops: number;
}
/** Plumtree: the sender has these and does not send them, because it believes that they come another way. */
export interface IHave {
  readonly type: "i-have";
  readonly messages: readonly Announcement[];
}
/** Some of the trees of Plumtree: those of these sources, and perhaps the one of all others. */
interface Trees {
  readonly sources: readonly Identity[];
  readonly isShared: boolean;
}
/** Plumtree: from now on send me what comes along these trees; and these messages at once. */
export interface Graft extends Trees {
  readonly type: "graft";
  readonly wanted: readonly MessageId[];
}
/** Plumtree: what comes along these trees I get from somebody else first: only tell me of it. */
export interface Prune extends Trees {
  readonly type: "prune";
}

/** Asked of anybody: have you seen this message? */
export interface HaveYou extends MessageId {
  readonly type: "have-you";
  /** The asker's own; the answer repeats it. */
  readonly nonce: number;
}
export interface HaveReply {
  readonly type: "have-reply";
  readonly nonce: number;
  readonly has: boolean;
}

export type BroadcastMessage =
  | Gossip
  | Summary
  | Digest
  | Call
  | Answer
  | Feedback
  | Busy
  | IHave
  | Graft
  | Prune
  | HaveYou
  | HaveReply;

export const maxPayloadsPerGossip = 64;
export const maxPayloadBytes = 64 * 1024;
/** All payloads of one gossip together, so that it fits a frame. */
export const maxGossipBytes = 512 * 1024;
export const maxDigestOrigins = 4096;
export const maxRangesPerOrigin = 64;
/** Of one call, and of one answer. */
export const maxOffers = 256;
/** Counters are small; states are above them. */
export const maxLevel = 255;
export const maxAgeRounds = 65_535;
export const maxTopicLength = 64;
export const maxHops = 255;
/** Of one `i-have`, and of one `graft`. */
export const maxAnnounced = 256;
/** Of one `graft`, and of one `prune`. */
export const maxTreesNamed = 256;
export const maxPriority = 255;
