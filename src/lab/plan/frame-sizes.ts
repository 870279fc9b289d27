/**
 * What messages weigh: samples of them, written by the codec that writes them live. TLS, TCP, UDP and IP add headers
 * of their own, which are not counted; the seal of a datagram is.
 */
import type { NodeId, Signed, Tagged } from "../../core/index.ts";
import { datagramTypes } from "../../membership/swim-messages.ts";
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
  readonly probeRequest: number;
  /** An alive record or a suspicion, as it rides along. */
  readonly update: number;
  readonly syncCompare: number;
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
  const of = (layer: string, body: Tagged["body"] & Record<string, unknown>) => sizeOf({ layer, body });
  const a = contactOf(1);
  const b = contactOf(2);
  const signed = <T>(statement: T): Signed<T> => ({ statement, proof: new Uint8Array(proofBytes) });
  const record = signed({
    ...{ type: "member-record", member: a, incarnation: moment, since: moment, role: "peer", tags: [] },
  });
  const ping = (updates: readonly unknown[]) => of("membership", { type: "ping", nonce, updates });
  const gossip = {
    ...{ type: "gossip", origin: a, incarnation: moment, sequence: 1000, at: moment },
    payloads: ["x".repeat(messageBytes)],
  };
  const id = { origin: a, incarnation: moment, sequence: 1000 };
  const announce = (count: number) => of("broadcast", announcementOf(id, count));
  const call = (count: number) =>
    of("broadcast", {
      ...{ type: "call", round: 1000, asks: true },
      offers: Array.from({ length: count }, () => ({ ...id, level: 1, ageRounds: 3 })),
    });
  const entries = (count: number) => Array.from({ length: count }, () => ({ peer: b, since: moment }));
  return {
    probe: ping([]),
    probeAnswer: of("membership", { type: "ack", nonce, updates: [] }),
    probeRequest: of("membership", { type: "ping-request", nonce, target: b, updates: [] }),
    update: ping([record]) - ping([]),
    syncCompare: of("membership", {
      ...{ type: "sync-compare", nonce, record, count: 1000, fingerprint: nonce },
    }),
    ping: of("heartbeat", { type: "ping", nonce }),
    pingReply: of("heartbeat", {
      ...{ type: "ping-reply", nonce, isLinked: true, incarnation: moment },
      witnesses: [a, b, contactOf(3)],
    }),
    gossip: of("broadcast", { type: "gossip", statement: gossip, proof: new Uint8Array(proofBytes) }),
    announced: announce(2) - announce(1),
    announcement: announce(1),
    call: call(0),
    offer: call(1) - call(0),
    summary: of("broadcast", { type: "summary", count: 1000, fingerprint: nonce }),
    keepAlive: of("hyparview", { type: "keep-alive", nonce }),
    keepAliveReply: of("hyparview", { type: "keep-alive-reply", nonce, isLinked: true }),
    shuffle: of("hyparview", { type: "shuffle", origin: a, hopsLeft: 6, entries: entries(8) }),
    shuffleReply: of("hyparview", { type: "shuffle-reply", entries: entries(8) }),
  };
}

function announcementOf(id: { origin: NodeId; incarnation: number; sequence: number }, count: number) {
  const messages = Array.from({ length: count }, (_, i) => ({ ...id, sequence: 1000 + i, hops: 6 }));
  return { type: "i-have", messages };
}
