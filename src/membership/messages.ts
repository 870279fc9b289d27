/**
 * The messages and signed statements of the classic membership: introduction (peers and seeds), overlay
 * (neighbors among peers) and heartbeat. Every list has the stated bound; the wire codec enforces it.
 */
import type { Millis, NodeId, Signed } from "../core/index.ts";

// ---- Signed statements --------------------------------------------------------------------------------------

/** A peer's description of itself, the entry of the peer list. Higher (incarnation, version) replaces lower. */
export interface PeerRecord {
  readonly type: "peer-record";
  readonly peer: NodeId;
  /** Grows with every start and every refutation. */
  readonly incarnation: number;
  /** Counts the changes of `neighbors` within an incarnation. */
  readonly version: number;
  /** When the peer joined, by its own clock: with the identity as tie-break this is the age order of all peers. */
  readonly since: Millis;
  /** Who may testify that this peer is dead; at most `maxRecordNeighbors`. */
  readonly neighbors: readonly NodeId[];
}

/** "Dead Node:<suspect IP>:<suspect port>:<at>:<reporter IP>". */
export interface DeadReport {
  readonly type: "dead-report";
  readonly suspect: NodeId;
  /** The incarnation that is reported: a refutation carries a higher one and makes the report void. */
  readonly incarnation: number;
  readonly at: Millis;
  readonly reporter: NodeId;
}

/** The peer goes on purpose. */
export interface LeaveNotice {
  readonly type: "leave";
  readonly peer: NodeId;
  readonly incarnation: number;
  readonly at: Millis;
}

export const maxRecordNeighbors = 32;

// ---- Introduction: between peers and seeds, and among seeds ---------------------------------------------------

/** Peer -> seed: take me up, or note that I am still here with these neighbors. */
export interface Register {
  readonly type: "register";
  readonly nonce: number;
  readonly record: Signed<PeerRecord>;
}
/** Seed -> the claimed address, over a connection that the seed opens itself: are you there? */
export interface CallBack {
  readonly type: "call-back";
  readonly nonce: number;
  /** Somebody reported this incarnation dead: refute it by a higher one. 0 where nobody did. */
  readonly accused: number;
}
export interface CallBackReply {
  readonly type: "call-back-reply";
  readonly nonce: number;
}
/** Seed -> peer: your entry is on disk. */
export interface Registered {
  readonly type: "registered";
  readonly nonce: number;
  readonly listSize: number;
}
/** Seed -> peer: not taken up. `incarnation` is the one that a `removed` peer must exceed. */
export interface Refused {
  readonly type: "refused";
  readonly nonce: number;
  readonly reason: "removed" | "unreachable" | "stale" | "full" | "invalid";
  readonly incarnation: number;
}
export interface ListRequest {
  readonly type: "list-request";
  readonly nonce: number;
}
/** One line of a hand-out. */
export interface ListEntry {
  readonly peer: NodeId;
  readonly since: Millis;
}
/** Seed -> peer: at most `maxListEntries`, drawn at random where the list is longer, some of them elder. */
export interface PeerList {
  readonly type: "peer-list";
  readonly nonce: number;
  /** Size of the seed's whole list. */
  readonly total: number;
  readonly entries: readonly ListEntry[];
}
/** Reporter -> every seed. */
export interface DeadReportMessage {
  readonly type: "dead-report";
  readonly report: Signed<DeadReport>;
}
/** Leaving peer -> every seed and neighbor. */
export interface LeaveMessage {
  readonly type: "leave";
  readonly notice: Signed<LeaveNotice>;
}

/** Seed -> seed: what is your list? Equal fingerprints end the exchange. */
export interface SyncRequest {
  readonly type: "sync-request";
  readonly nonce: number;
  readonly fingerprint: number;
}
export interface SyncSame {
  readonly type: "sync-same";
  readonly nonce: number;
}
export interface DigestEntry {
  /** By contact, so that simulated and live digests look alike. */
  readonly peer: NodeId;
  readonly incarnation: number;
  readonly version: number;
  readonly state: "listed" | "accused" | "removed";
}
export interface SyncDigest {
  readonly type: "sync-digest";
  readonly nonce: number;
  readonly entries: readonly DigestEntry[];
}
/** Seed -> seed: send me what you have of these peers; at most `maxDeltaEntries`. */
export interface SyncWant {
  readonly type: "sync-want";
  readonly nonce: number;
  readonly peers: readonly NodeId[];
}
/** What a seed knows of one peer; everything in it is signed by the one who says it. */
export interface DeltaEntry {
  readonly record: Signed<PeerRecord> | undefined;
  readonly reports: readonly Signed<DeadReport>[];
  readonly leave: Signed<LeaveNotice> | undefined;
}
export interface SyncDelta {
  readonly type: "sync-delta";
  readonly nonce: number;
  readonly entries: readonly DeltaEntry[];
}
/** Seed -> seed: my list has changed, ask me. Carries nothing that would have to be believed. */
export interface SyncHint {
  readonly type: "sync-hint";
}

export type IntroductionMessage =
  | Register
  | CallBack
  | CallBackReply
  | Registered
  | Refused
  | ListRequest
  | PeerList
  | DeadReportMessage
  | LeaveMessage
  | SyncRequest
  | SyncSame
  | SyncDigest
  | SyncWant
  | SyncDelta
  | SyncHint;

export const maxListEntries = 256;
export const maxDigestEntries = 20_000;
export const maxDeltaEntries = 128;
export const maxReportsPerSuspect = 32;

// ---- Overlay: between peers -----------------------------------------------------------------------------------

/** Asks for a link. `isUrgent`: the asker has too few neighbors, or no elder one, and was refused already. */
export interface Connect {
  readonly type: "connect";
  readonly since: Millis;
  readonly incarnation: number;
  /** How many links the asker has room for; with two it can be put between two linked peers. */
  readonly places: 1 | 2;
  readonly isUrgent: boolean;
}
export interface Accept {
  readonly type: "accept";
  readonly since: Millis;
  readonly incarnation: number;
  /** A neighbor that was told to connect to the asker instead of to the sender. */
  readonly brings: NodeId | undefined;
}
export interface Reject {
  readonly type: "reject";
}
/** The link ends. `instead`: connect there, the place is kept for you. */
export interface Disconnect {
  readonly type: "disconnect";
  readonly instead: NodeId | undefined;
}
/** A random walk over links ends at a peer with probability proportional to its degree (preferential attachment). */
export interface Walk {
  readonly type: "walk";
  readonly origin: NodeId;
  readonly hopsLeft: number;
}
/** Where the walk ended: ask there. */
export interface WalkEnd {
  readonly type: "walk-end";
}
export type OverlayMessage = Connect | Accept | Reject | Disconnect | Walk | WalkEnd;

// ---- Heartbeat ------------------------------------------------------------------------------------------------

export interface Ping {
  readonly type: "ping";
  readonly nonce: number;
}
export interface PingReply {
  readonly type: "ping-reply";
  readonly nonce: number;
  /** False: "you are not my neighbor". */
  readonly isLinked: boolean;
  readonly incarnation: number;
  /** Some of the answerer's neighbors, who can be asked when it falls silent; at most `maxWitnesses`. */
  readonly witnesses: readonly NodeId[];
}
/** Can you reach the suspect? */
export interface ProbeRequest {
  readonly type: "probe-request";
  readonly nonce: number;
  readonly suspect: NodeId;
  /** Say so if you cannot, for a quorum. */
  readonly wantsMiss: boolean;
}
/** Yes. (Silence means no, unless a miss is wanted.) */
export interface ProbeReply {
  readonly type: "probe-reply";
  readonly nonce: number;
}
/** No: it did not answer in time. */
export interface ProbeMiss {
  readonly type: "probe-miss";
  readonly nonce: number;
}
export type HeartbeatMessage = Ping | PingReply | ProbeRequest | ProbeReply | ProbeMiss;

export const maxWitnesses = 8;
