/**
 * The messages and signed statements of SWIM (layer "membership"). Every list has the stated bound; the wire codec
 * enforces it. Pings, their answers and gossip travel as datagrams where the node has them; whatever begins with
 * `stream` or `sync` travels over links.
 */
import { type Millis, type NodeId, type Signed, UsageError } from "../core/index.ts";
import type { LeaveNotice } from "./messages.ts";

/** What a member says of itself. A higher incarnation replaces a lower one, at whatever address. */
export interface MemberRecord {
  readonly type: "member-record";
  readonly member: NodeId;
  /** Grows with every start, every refutation and every change of what is said here. */
  readonly incarnation: number;
  /** When it joined, by its own clock. */
  readonly since: Millis;
  readonly role: "peer" | "seed";
  /** At most `maxTags`; names and values of at most `maxTagLength` characters. */
  readonly tags: readonly (readonly [name: string, value: string])[];
}

/** `accuser` has not reached this life of `suspect`, directly or through others. */
export interface Suspicion {
  readonly type: "suspicion";
  readonly suspect: NodeId;
  readonly incarnation: number;
  readonly accuser: NodeId;
  readonly at: Millis;
}

export const maxTags = 16;
export const maxTagLength = 128;
/** Of all names and values together, as UTF-8: a record has to fit into a datagram (512: memberlist's metadata). */
export const maxTagsBytes = 512;

/**
 * What is gossiped. Nobody believes a death: each node derives it from suspicions that were not refuted in time. So a
 * member who lies can make others doubt, and cannot evict anybody who answers.
 */
export type Update = Signed<MemberRecord> | Signed<Suspicion> | Signed<LeaveNotice>;

/** Updates in one datagram are bounded by bytes first (`SwimOptions.maxGossipBytes`). */
export const maxUpdates = 64;

/** Are you there? `updates` ride along; if the sender doubts the receiver, its suspicion is the first of them. */
export interface SwimPing {
  readonly type: "ping";
  readonly nonce: number;
  readonly updates: readonly Update[];
}
export interface SwimAck {
  readonly type: "ack";
  readonly nonce: number;
  readonly updates: readonly Update[];
}
/** Ask `target` for me; answered with `ack` or, when it stays silent, `nack`, both with this nonce. */
export interface PingRequest {
  readonly type: "ping-request";
  readonly nonce: number;
  readonly target: NodeId;
  readonly updates: readonly Update[];
}
export interface Nack {
  readonly type: "nack";
  readonly nonce: number;
}
/** News between pings. */
export interface SwimGossip {
  readonly type: "gossip";
  readonly updates: readonly Update[];
}
/** The same question over a link, when datagrams get no answer: what loses datagrams may still carry a stream. */
export interface StreamPing {
  readonly type: "stream-ping";
  readonly nonce: number;
  readonly updates: readonly Update[];
}
export interface StreamAck {
  readonly type: "stream-ack";
  readonly nonce: number;
  readonly updates: readonly Update[];
}

/**
 * Comparing all that both know. Equal fingerprints end it; else digests say what each has, and each asks for what it
 * lacks. A newcomer says who it is in `record`: its first comparison is its joining.
 */
export interface SyncCompare {
  readonly type: "sync-compare";
  readonly nonce: number;
  readonly record: Signed<MemberRecord>;
  readonly count: number;
  readonly fingerprint: number;
}
export interface SyncEqual {
  readonly type: "sync-equal";
  readonly nonce: number;
}
export interface SyncDigestEntry {
  readonly member: NodeId;
  readonly incarnation: number;
  readonly state: "alive" | "suspect" | "failed" | "left";
}
/** At most `maxSyncEntries`. A node with a partial view says so, and the newcomer has one too. */
export interface SyncDigestMessage {
  readonly type: "sync-digest";
  readonly nonce: number;
  readonly isAnswer: boolean;
  readonly isPartial: boolean;
  readonly entries: readonly SyncDigestEntry[];
}
/** At most `maxSyncEntries`. */
export interface SyncWantMembers {
  readonly type: "sync-want";
  readonly nonce: number;
  readonly members: readonly NodeId[];
}
/** At most `maxSyncUpdates`. */
export interface SyncUpdates {
  readonly type: "sync-updates";
  readonly nonce: number;
  readonly updates: readonly Update[];
}

export type SwimMessage =
  | SwimPing
  | SwimAck
  | PingRequest
  | Nack
  | SwimGossip
  | StreamPing
  | StreamAck
  | SyncCompare
  | SyncEqual
  | SyncDigestMessage
  | SyncWantMembers
  | SyncUpdates;

/** What is said so often and so briefly that it goes by datagrams; all else needs a link. */
export const datagramTypes: ReadonlySet<string> = new Set<SwimMessage["type"]>([
  "ping",
  "ack",
  "ping-request",
  "nack",
  "gossip",
]);

export const maxSyncEntries = 4096;
export const maxSyncUpdates = 512;

/** Whoever makes a member of these tags throws `UsageError` for what others would refuse. */
export function checkTags(tags: MemberRecord["tags"]): MemberRecord["tags"] {
  if (tags.length > maxTags)
    throw new UsageError(`tags: ${tags.length} are more than ${maxTags}; leave some out`);
  let total = 0;
  for (const [name, value] of tags) {
    if (name === "") throw new UsageError("tags: a name is empty; give each tag a name");
    for (const text of [name, value]) {
      const shown = JSON.stringify(text.slice(0, 32));
      if (text.length > maxTagLength)
        throw new UsageError(
          `tags: ${shown} has ${text.length} characters; at most ${maxTagLength} are sent`,
        );
      if (!printable.test(text))
        throw new UsageError(`tags: ${shown} has characters that cannot be printed; leave them out`);
      total += utf8Bytes(text);
    }
  }
  if (total > maxTagsBytes)
    throw new UsageError(`tags: ${total} bytes are more than ${maxTagsBytes} in all; shorten them`);
  return tags.map(([name, value]) => [name, value] as const);
}

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]*$/u;

export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Each half of a pair takes two of its four bytes.
    if (unit >= 0x80) bytes += unit >= 0x800 && (unit & 0xf800) !== 0xd800 ? 2 : 1;
  }
  return bytes;
}
