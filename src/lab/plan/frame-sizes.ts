/**
 * What messages weigh: samples of them, written by the codec that writes them live. TLS, TCP, UDP and IP add headers
 * of their own, which are not counted; the seal of a datagram is.
 */
import type { NodeId, Signed, Tagged } from "../../core/index.ts";
import type { BroadcastMessage } from "../../dissemination/messages.ts";
import type { HyParViewMessage } from "../../membership/hyparview-messages.ts";
import type { HeartbeatMessage } from "../../membership/messages.ts";
import { datagramTypes, type MemberRecord, type SwimMessage } from "../../membership/swim-messages.ts";
import { contactOf } from "../../simulated/simulated-contact.ts";
import { Codec } from "../../wire/index.ts";

/** Public key, token of the cluster's authority, signature. */
export const proofBytes = 160;
/** Header and seal around a message that travels as a datagram. */
export const datagramBytes = 32;

/** Bytes of a message as it travels. Keeps the last frame: a flood asks for one message many times. */
export function messageSizes(): (message: Tagged) => number {
  const codec = new Codec();
  return (message) => codec.encode(message).length + (isDatagram(message) ? datagramBytes : 0);
}

function isDatagram({ layer, body }: Tagged): boolean {
  return layer === "membership" && datagramTypes.has(body.type);
}

export interface FrameSizes {
  /** One question of the detector and its answer. */
  readonly probe: number;
  readonly probeAnswer: number;
  readonly syncCompare: number;
  /** A whole comparison of partial views, of which each tells some that the other lacks. */
  readonly syncOfSamples: number;
  /** Of the classic heartbeat. */
  readonly ping: number;
  readonly pingReply: number;
  readonly gossip: number;
  /** An id among others that are announced, and what is around them. */
  readonly announced: number;
  readonly announcement: number;
  readonly call: number;
  readonly offer: number;
  readonly summary: number;
  readonly keepAlive: number;
  readonly keepAliveReply: number;
  readonly shuffle: number;
  readonly shuffleReply: number;
}

const moment = 1_700_000_000_000;
const nonce = 0x7fff_ffff;

/** For messages of so many bytes. */
export function frameSizes(messageBytes: number): FrameSizes {
  const sizeOf = messageSizes();
  const member = (body: SwimMessage) => sizeOf({ layer: "membership", body });
  const overlay = (body: HyParViewMessage) => sizeOf({ layer: "hyparview", body });
  const heartbeat = (body: HeartbeatMessage) => sizeOf({ layer: "heartbeat", body });
  const broadcast = (body: BroadcastMessage) => sizeOf({ layer: "broadcast", body });
  const [a, b, c] = [1, 2, 3].map(contactOf) as [NodeId, NodeId, NodeId];
  const proof = new Uint8Array(proofBytes);
  const record: Signed<MemberRecord> = {
    statement: {
      ...{ type: "member-record", member: a, incarnation: moment, since: moment },
      ...{ role: "peer", tags: [] },
    },
    proof,
  };
  const id = { origin: a, incarnation: moment, sequence: 1000 };
  const announcement = (count: number) => {
    const messages = Array.from({ length: count }, (_, i) => ({ ...id, sequence: 1000 + i, hops: 6 }));
    return broadcast({ type: "i-have", messages });
  };
  const call = (count: number) => {
    const offers = Array.from({ length: count }, () => ({ ...id, level: 1, ageRounds: 3 }));
    return broadcast({ type: "call", round: 1000, asks: true, offers });
  };
  const syncCompare = member({ type: "sync-compare", nonce, record, count: 1000, fingerprint: nonce });
  const digest = Array.from(
    { length: 16 },
    () => ({ member: b, incarnation: moment, state: "alive" }) as const,
  );
  const entries = Array.from({ length: 8 }, () => ({ peer: b, since: moment }));
  return {
    probe: member({ type: "ping", nonce, updates: [] }),
    probeAnswer: member({ type: "ack", nonce, updates: [] }),
    syncCompare,
    syncOfSamples:
      syncCompare +
      member({ type: "sync-digest", nonce, isAnswer: false, isPartial: true, entries: digest }) +
      member({ type: "sync-want", nonce, members: digest.map(({ member }) => member) }) +
      member({ type: "sync-updates", nonce, updates: digest.map(() => record) }),
    ping: heartbeat({ type: "ping", nonce }),
    pingReply: heartbeat({
      ...{ type: "ping-reply", nonce, isLinked: true, incarnation: moment, witnesses: [a, b, c] },
    }),
    gossip: broadcast({
      type: "gossip",
      statement: { type: "gossip", ...id, at: moment, payloads: ["x".repeat(messageBytes)] },
      proof,
    }),
    announced: announcement(2) - announcement(1),
    announcement: announcement(1),
    call: call(0),
    offer: call(1) - call(0),
    summary: broadcast({ type: "summary", count: 1000, fingerprint: nonce }),
    keepAlive: overlay({ type: "keep-alive", nonce }),
    keepAliveReply: overlay({ type: "keep-alive-reply", nonce, isLinked: true }),
    shuffle: overlay({ type: "shuffle", nonce, origin: a, hopsLeft: 6, entries }),
    shuffleReply: overlay({ type: "shuffle-reply", nonce, entries }),
  };
}
