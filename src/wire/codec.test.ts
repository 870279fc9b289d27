import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import {
  type NodeId,
  type Signed,
  type StoredRecord,
  type Tagged,
  type Typed,
  UsageError,
} from "../core/index.ts";
import {
  type AntiEntropyMessage,
  type DeathCertificate,
  type MapEntry,
  maxEntriesPerMessage,
  maxKeyLength,
  maxReconciliationRounds,
  maxRetentionSites,
  type Timestamp,
  type ValueEntry,
} from "../dissemination/anti-entropy-messages.ts";
import {
  type Announcement,
  type BroadcastMessage,
  type GossipStatement,
  type MessageId,
  maxAgeRounds,
  maxAnnounced,
  maxDigestOrigins,
  maxGossipBytes,
  maxHops,
  maxLevel,
  maxOffers,
  maxPayloadBytes,
  maxPayloadsPerGossip,
  maxPriority,
  maxRangesPerOrigin,
  maxTopicLength,
  maxTreesNamed,
  type Offer,
  type Payload,
  type SeenEntry,
} from "../dissemination/messages.ts";
import { type IdRange, maxIdsPerMessage, maxRangesPerMessage } from "../dissemination/set-reconciliation.ts";
import { type ChordMessage, maxCloser, maxSuccessors } from "../lookup/chord-messages.ts";
import { type KademliaMessage, maxNodesPerReply, maxRecordsPerReply } from "../lookup/kademlia-messages.ts";
import {
  maxPastryHops,
  maxPastryLeaves,
  maxPastryNodes,
  maxPastryRows,
  maxPastrySilent,
  type PastryMessage,
} from "../lookup/pastry-messages.ts";
import {
  type CyclonEntry,
  type CyclonMessage,
  maxCyclonAge,
  maxCyclonEntries,
} from "../membership/cyclon-messages.ts";
import { type HyParViewMessage, maxShuffle, maxWalkHops } from "../membership/hyparview-messages.ts";
import {
  type DeadReport,
  type DeltaEntry,
  type DigestEntry,
  type HeartbeatMessage,
  type IntroductionMessage,
  type LeaveNotice,
  type ListEntry,
  maxDeltaEntries,
  maxDigestEntries,
  maxListEntries,
  maxRecordNeighbors,
  maxReportsPerSuspect,
  maxWitnesses,
  type OverlayMessage,
  type PeerRecord,
} from "../membership/messages.ts";
import {
  type MemberRecord,
  maxSyncEntries,
  maxSyncUpdates,
  maxTagLength,
  maxTags,
  maxUpdates,
  type Suspicion,
  type SwimMessage,
  type Update,
} from "../membership/swim-messages.ts";
import {
  deletionLifetimeMs,
  maxNameLength,
  maxOfferedRecords,
  maxValueBytes,
  type StoreMessage,
} from "../storage/store-messages.ts";
import { Codec, wireOptions } from "./codec.ts";
import { helloCode, helloProofCode } from "./hello.ts";
import { layers } from "./kinds.ts";
import { MalformedFrame, type MalformedReason } from "./malformed-frame.ts";
import { schema } from "./schema.ts";
import { maxProofBytes } from "./shapes.ts";

// ---- Any message ------------------------------------------------------------------------------------------

const number = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
);
const small = fc.oneof(fc.nat(300), fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1));
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const hex = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((id) => Buffer.from(id).toString("hex"));
const host = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address}]`),
  fc.constantFrom("localhost", "node-1.example.org", "seed_1", "[::]", "[::ffff:10.0.0.1]"),
);
const contact: fc.Arbitrary<NodeId> = fc
  .tuple(hex, host, fc.integer({ min: 1, max: 65535 }))
  .map(([id, at, port]) => `${id}@${at}:${port}`);
const listOf = <T>(entry: fc.Arbitrary<T>, maxLength: number) => fc.array(entry, { maxLength });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const signed = <T>(statement: fc.Arbitrary<T>): fc.Arbitrary<Signed<T>> =>
  fc.record({ statement, proof: bytes(maxProofBytes) });

type Plain<T extends Typed> = Omit<T, "type">;
const typed = <T extends Typed>(
  type: T["type"],
  fields: { [Name in keyof Plain<T>]: fc.Arbitrary<Plain<T>[Name]> },
): fc.Arbitrary<T> => fc.record({ type: fc.constant(type), ...fields }) as unknown as fc.Arbitrary<T>;

const peerRecord = typed<PeerRecord>("peer-record", {
  peer: contact,
  incarnation: number,
  version: number,
  since: number,
  neighbors: listOf(contact, maxRecordNeighbors),
});
const deadReport = typed<DeadReport>("dead-report", {
  suspect: contact,
  incarnation: number,
  at: number,
  reporter: contact,
});
const leaveNotice = typed<LeaveNotice>("leave", { peer: contact, incarnation: number, at: number });
const payload: fc.Arbitrary<Payload> = fc.oneof(fc.string({ unit: "grapheme", maxLength: 400 }), bytes(3000));
const gossipStatement = typed<GossipStatement>("gossip", {
  origin: contact,
  incarnation: number,
  sequence: fc.nat(2 ** 31 - 1),
  at: number,
  priority: fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: maxPriority })),
  topic: maybe(fc.constantFrom("t", "news of today", "x".repeat(maxTopicLength), "天気")),
  payloads: fc.array(payload, { minLength: 1, maxLength: maxPayloadsPerGossip }),
});
const ranges = fc
  .uniqueArray(fc.oneof(fc.nat(1000), fc.maxSafeNat()), { maxLength: 2 * maxRangesPerOrigin })
  .map((values) => {
    const sorted = values.sort((a, b) => a - b);
    // Ranges that touch are one range: leave the later ones out.
    const bounds: number[] = [];
    for (let i = 0; i + 1 < sorted.length; i += 2) {
      if (bounds.length === 0 || sorted[i]! > bounds.at(-1)! + 1) bounds.push(sorted[i]!, sorted[i + 1]!);
    }
    return bounds as readonly number[];
  });
const listEntry: fc.Arbitrary<ListEntry> = fc.record({ peer: contact, since: number });
const digestEntry: fc.Arbitrary<DigestEntry> = fc.record({
  peer: contact,
  incarnation: number,
  version: number,
  state: fc.constantFrom("listed", "accused", "removed"),
});
const deltaEntry: fc.Arbitrary<DeltaEntry> = fc.record({
  record: maybe(signed(peerRecord)),
  reports: listOf(signed(deadReport), 4),
  leave: maybe(signed(leaveNotice)),
});
const seenEntry: fc.Arbitrary<SeenEntry> = fc.record({ origin: contact, incarnation: number, ranges });
const messageId: fc.Arbitrary<MessageId> = fc.record({
  origin: contact,
  incarnation: number,
  sequence: number,
});
const offer: fc.Arbitrary<Offer> = fc.record({
  origin: contact,
  incarnation: number,
  sequence: number,
  level: fc.nat(maxLevel),
  ageRounds: fc.nat(maxAgeRounds),
});
const announcement: fc.Arbitrary<Announcement> = fc.record({
  origin: contact,
  incarnation: number,
  sequence: number,
  hops: fc.nat(maxHops),
});
const timestamp: fc.Arbitrary<Timestamp> = fc.record({ time: number, site: hex });
const key = fc.string({ unit: "grapheme", minLength: 1, maxLength: maxKeyLength / 8 });
const mapEntry: fc.Arbitrary<MapEntry> = fc.oneof(
  typed<ValueEntry>("value", { key, value: payload, timestamp, proof: bytes(maxProofBytes) }),
  typed<DeathCertificate>("death-certificate", {
    key,
    timestamp,
    activation: timestamp,
    retention: listOf(hex, maxRetentionSites),
    proof: bytes(maxProofBytes),
  }),
);
const hashes = (max: number) => fc.nat(max).map((count) => new Uint8Array(32 * count).fill(count));
const hash16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const to = fc.oneof(fc.constant(undefined), fc.uint8Array({ minLength: 1, maxLength: 32 }));
const idRange: fc.Arbitrary<IdRange> = fc.oneof(
  typed<IdRange & { type: "skip" }>("skip", { to }),
  typed<IdRange & { type: "fingerprint" }>("fingerprint", { to, fingerprint: hash16 }),
  typed<IdRange & { type: "ids" }>("ids", { to, ids: hashes(30) }),
);
const mode = fc.constantFrom("push" as const, "pull" as const, "push-pull" as const);

const tag = fc.tuple(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }));
const memberRecord = typed<MemberRecord>("member-record", {
  member: contact,
  incarnation: number,
  since: number,
  role: fc.constantFrom("seed", "peer"),
  tags: listOf(tag, maxTags),
});
const suspicion = typed<Suspicion>("suspicion", {
  suspect: contact,
  incarnation: number,
  accuser: contact,
  at: number,
});
const update: fc.Arbitrary<Update> = fc.oneof(signed(memberRecord), signed(suspicion), signed(leaveNotice));

type Bodies<Message extends Typed> = {
  [Type in Message["type"]]: fc.Arbitrary<Extract<Message, { type: Type }>>;
};
const introduction: Bodies<IntroductionMessage> = {
  register: typed("register", { nonce: number, record: signed(peerRecord) }),
  "call-back": typed("call-back", { nonce: number, accused: number }),
  "call-back-reply": typed("call-back-reply", { nonce: number }),
  registered: typed("registered", { nonce: number, listSize: small }),
  refused: typed("refused", {
    nonce: number,
    reason: fc.constantFrom("removed", "unreachable", "stale", "full", "invalid"),
    incarnation: number,
  }),
  "list-request": typed("list-request", { nonce: number }),
  "peer-list": typed("peer-list", {
    nonce: number,
    total: small,
    entries: listOf(listEntry, maxListEntries),
  }),
  "dead-report": typed("dead-report", { report: signed(deadReport) }),
  leave: typed("leave", { notice: signed(leaveNotice) }),
  "sync-request": typed("sync-request", { nonce: number, fingerprint: number }),
  "sync-same": typed("sync-same", { nonce: number }),
  "sync-digest": typed("sync-digest", { nonce: number, entries: listOf(digestEntry, 300) }),
  "sync-want": typed("sync-want", { nonce: number, peers: listOf(contact, maxDeltaEntries) }),
  "sync-delta": typed("sync-delta", { nonce: number, entries: listOf(deltaEntry, 12) }),
  "sync-hint": typed("sync-hint", {}),
};
const overlay: Bodies<OverlayMessage> = {
  connect: typed("connect", {
    since: number,
    incarnation: number,
    places: fc.constantFrom(1, 2),
    isUrgent: fc.boolean(),
  }),
  accept: typed("accept", { since: number, incarnation: number, brings: maybe(contact) }),
  reject: typed("reject", {}),
  disconnect: typed("disconnect", { instead: maybe(contact) }),
  walk: typed("walk", { origin: contact, hopsLeft: small }),
  "walk-end": typed("walk-end", {}),
};
const heartbeat: Bodies<HeartbeatMessage> = {
  ping: typed("ping", { nonce: number }),
  "ping-reply": typed("ping-reply", {
    nonce: number,
    isLinked: fc.boolean(),
    incarnation: number,
    witnesses: listOf(contact, maxWitnesses),
  }),
  "probe-request": typed("probe-request", { nonce: number, suspect: contact, wantsMiss: fc.boolean() }),
  "probe-reply": typed("probe-reply", { nonce: number }),
  "probe-miss": typed("probe-miss", { nonce: number }),
};
const broadcast: Bodies<BroadcastMessage> = {
  gossip: typed("gossip", {
    statement: gossipStatement,
    proof: bytes(maxProofBytes),
    hops: maybe(fc.integer({ min: 1, max: maxHops })),
  }),
  summary: typed("summary", {
    count: number,
    fingerprint: number,
    asks: maybe(fc.constant(true)),
  }),
  digest: typed("digest", { entries: listOf(seenEntry, 40), isAnswer: fc.boolean() }),
  call: typed("call", { round: number, offers: listOf(offer, 40), asks: fc.boolean() }),
  answer: typed("answer", {
    round: number,
    wanted: listOf(messageId, maxOffers),
    known: listOf(offer, 40),
    offers: listOf(offer, 40),
  }),
  feedback: typed("feedback", {
    round: number,
    wanted: listOf(messageId, 40),
    known: listOf(offer, maxOffers),
  }),
  busy: typed("busy", { round: number }),
  "i-have": typed("i-have", { messages: fc.array(announcement, { minLength: 1, maxLength: 40 }) }),
  graft: typed("graft", {
    sources: listOf(hex, maxTreesNamed),
    isShared: fc.boolean(),
    wanted: listOf(messageId, 40),
  }),
  prune: typed("prune", { sources: listOf(hex, maxTreesNamed), isShared: fc.boolean() }),
  "have-you": typed("have-you", { nonce: number, origin: contact, incarnation: number, sequence: number }),
  "have-reply": typed("have-reply", { nonce: number, has: fc.boolean() }),
};
const state: Bodies<AntiEntropyMessage> = {
  compare: typed("compare", { mode, recent: listOf(mapEntry, 4), checksum: hash16 }),
  compared: typed("compared", { mode, recent: listOf(mapEntry, 4), checksum: hash16 }),
  ranges: typed("ranges", {
    mode,
    isFromCaller: fc.boolean(),
    round: fc.nat(maxReconciliationRounds),
    ranges: listOf(idRange, 20),
  }),
  want: typed("want", { ids: hashes(40) }),
  "request-all": typed("request-all", {}),
  entries: typed("entries", { entries: listOf(mapEntry, 6), isPartial: fc.boolean() }),
};
const recordStatement = fc
  .record({
    type: fc.constant("record" as const),
    kind: fc.constantFrom("immutable" as const, "owned" as const, "shared" as const),
    key: hex,
    name: key,
    value: maybe(bytes(3000)),
    sequence: number,
    writer: hex,
    writtenAt: number,
    lifetimeMs: fc.nat(deletionLifetimeMs),
  })
  .map((statement) =>
    statement.kind === "immutable"
      ? { ...statement, name: "", writer: "", value: statement.value ?? new Uint8Array(0) }
      : statement,
  );
const storedRecord: fc.Arbitrary<StoredRecord> = fc.record({
  statement: recordStatement,
  proof: bytes(maxProofBytes),
});
const recordKind = fc.constantFrom("immutable" as const, "owned" as const, "shared" as const);
const verdict = fc.constantFrom("held" as const, "wanted" as const, "newer" as const, "declined" as const);
const store: Bodies<StoreMessage> = {
  store: typed("store", {
    nonce: number,
    purpose: fc.constantFrom("put", "replica", "cache"),
    record: storedRecord,
    ticket: number,
    lifetimeMs: number,
  }),
  stored: typed("stored", { nonce: number }),
  refused: typed("refused", {
    nonce: number,
    reason: fc.constantFrom("malformed", "forged", "superseded", "promised", "leaving"),
    sequence: number,
  }),
  fetch: typed("fetch", { nonce: number, kind: recordKind, key: hex }),
  fetched: typed("fetched", { nonce: number, record: maybe(storedRecord), isCached: fc.boolean() }),
  reserve: typed("reserve", {
    nonce: number,
    kind: fc.constantFrom("owned", "shared"),
    key: hex,
    name: key,
    sequence: number,
    ticket: number,
  }),
  reserved: typed("reserved", {
    nonce: number,
    isGranted: fc.boolean(),
    promised: number,
    held: number,
    digest: maybe(hex),
  }),
  offer: typed("offer", {
    nonce: number,
    entries: listOf(
      fc.record({ kind: recordKind, key: hex, sequence: number, digest: hex }),
      maxOfferedRecords,
    ),
  }),
  offered: typed("offered", { nonce: number, verdicts: listOf(verdict, maxOfferedRecords) }),
};

const kademliaNodes = listOf(contact, maxNodesPerReply);
const kademlia: Bodies<KademliaMessage> = {
  ping: typed("ping", { nonce: number }),
  "ping-reply": typed("ping-reply", { nonce: number }),
  "find-node": typed("find-node", { nonce: number, key: hex }),
  "find-node-reply": typed("find-node-reply", { nonce: number, nodes: kademliaNodes }),
  "find-value": typed("find-value", { nonce: number, key: hex }),
  "find-value-reply": typed("find-value-reply", {
    nonce: number,
    nodes: kademliaNodes,
    records: listOf(storedRecord, maxRecordsPerReply),
  }),
  leaving: typed("leaving", {}),
};

const chordNodes = listOf(contact, 20);
const chord: Bodies<ChordMessage> = {
  "ask-state": typed("ask-state", { nonce: number }),
  state: typed("state", { nonce: number, predecessor: maybe(contact), successors: chordNodes }),
  busy: typed("busy", { nonce: number }),
  notify: typed("notify", {}),
  "found-ring": typed("found-ring", {}),
  ping: typed("ping", { nonce: number }),
  pong: typed("pong", { nonce: number }),
  hint: typed("hint", { node: contact }),
  route: typed("route", { nonce: number, key: hex }),
  routed: typed("routed", { nonce: number, closer: chordNodes, owners: chordNodes }),
  goodbye: typed("goodbye", {}),
};

const pastryNodes = listOf(contact, 20);
const pastryHops = fc.nat(128);
const pastry: Bodies<PastryMessage> = {
  route: typed("route", {
    route: number,
    hopNonce: number,
    origin: contact,
    key: hex,
    purpose: fc.constantFrom("lookup", "join"),
    hops: fc.integer({ min: 1, max: 128 }),
    isNear: fc.boolean(),
    isRandomised: fc.boolean(),
    row: fc.nat(160),
  }),
  ack: typed("ack", { hopNonce: number }),
  passed: typed("passed", { route: number, hops: pastryHops, next: contact, silent: listOf(contact, 16) }),
  arrived: typed("arrived", {
    route: number,
    hops: pastryHops,
    leaves: pastryNodes,
    silent: listOf(contact, 16),
  }),
  state: typed("state", { route: number, hops: pastryHops, nodes: pastryNodes, isRoot: fc.boolean() }),
  leaves: typed("leaves", {
    nonce: number,
    isAnswer: fc.boolean(),
    version: number,
    heard: number,
    leaves: pastryNodes,
  }),
  "ask-row": typed("ask-row", { nonce: number, row: fc.nat(160) }),
  row: typed("row", { nonce: number, row: fc.nat(160), nodes: pastryNodes }),
  ping: typed("ping", { nonce: number, isMember: fc.boolean() }),
  pong: typed("pong", { nonce: number, isMember: fc.boolean() }),
  leave: typed("leave", { leaves: pastryNodes }),
};

const updates = listOf(update, 20);
const membership: Bodies<SwimMessage> = {
  ping: typed("ping", { nonce: number, updates }),
  ack: typed("ack", { nonce: number, updates }),
  "ping-request": typed("ping-request", { nonce: number, target: contact, updates }),
  nack: typed("nack", { nonce: number }),
  gossip: typed("gossip", { updates: listOf(update, maxUpdates) }),
  "stream-ping": typed("stream-ping", { nonce: number, updates }),
  "stream-ack": typed("stream-ack", { nonce: number, updates }),
  "sync-compare": typed("sync-compare", {
    nonce: number,
    record: signed(memberRecord),
    count: small,
    fingerprint: number,
  }),
  "sync-equal": typed("sync-equal", { nonce: number }),
  "sync-digest": typed("sync-digest", {
    nonce: number,
    isAnswer: fc.boolean(),
    isPartial: fc.boolean(),
    entries: listOf(
      fc.record({
        member: contact,
        incarnation: number,
        state: fc.constantFrom("alive" as const, "suspect" as const, "failed" as const, "left" as const),
      }),
      40,
    ),
  }),
  "sync-want": typed("sync-want", { nonce: number, members: listOf(contact, 40) }),
  "sync-updates": typed("sync-updates", { nonce: number, updates: listOf(update, 80) }),
};

const walkHops = fc.nat(maxWalkHops);
const viewEntries = listOf(listEntry, maxShuffle);
const answer = { nonce: number, isAccepted: fc.boolean(), since: number, incarnation: number };
const hyparview: Bodies<HyParViewMessage> = {
  join: typed("join", { since: number, incarnation: number }),
  "forward-join": typed("forward-join", { newcomer: listEntry, hopsLeft: walkHops }),
  neighbor: typed("neighbor", { since: number, incarnation: number, isHighPriority: fc.boolean() }),
  "neighbor-reply": typed("neighbor-reply", {
    since: number,
    incarnation: number,
    isAccepted: fc.boolean(),
  }),
  disconnect: typed("disconnect", { instead: maybe(contact), isLeaving: fc.boolean() }),
  shuffle: typed("shuffle", { nonce: number, origin: contact, hopsLeft: walkHops, entries: viewEntries }),
  "shuffle-reply": typed("shuffle-reply", { nonce: number, entries: viewEntries }),
  "keep-alive": typed("keep-alive", { nonce: number }),
  "keep-alive-reply": typed("keep-alive-reply", { nonce: number, isLinked: fc.boolean() }),
  optimisation: typed("optimisation", { nonce: number, old: contact, since: number, incarnation: number }),
  "optimisation-reply": typed("optimisation-reply", answer),
  replace: typed("replace", { nonce: number, old: contact, initiator: contact }),
  "replace-reply": typed("replace-reply", { nonce: number, isAccepted: fc.boolean() }),
  switch: typed("switch", { nonce: number, initiator: contact, since: number, incarnation: number }),
  "switch-reply": typed("switch-reply", answer),
};
const cyclonEntry: fc.Arbitrary<CyclonEntry> = fc.record({
  peer: contact,
  since: number,
  age: fc.nat(maxCyclonAge),
});
const cyclonEntries = listOf(cyclonEntry, maxCyclonEntries);
const cyclon: Bodies<CyclonMessage> = {
  shuffle: typed("shuffle", { nonce: number, entries: cyclonEntries }),
  "shuffle-reply": typed("shuffle-reply", { nonce: number, entries: cyclonEntries }),
};

const kinds: [string, fc.Arbitrary<Tagged>][] = Object.entries({
  introduction,
  overlay,
  heartbeat,
  broadcast,
  state,
  store,
  kademlia,
  chord,
  pastry,
  membership,
  hyparview,
  cyclon,
}).flatMap(([layer, bodies]) =>
  Object.entries<fc.Arbitrary<Typed>>(bodies).map(([type, body]): [string, fc.Arbitrary<Tagged>] => [
    `${layer}/${type}`,
    fc.record({ layer: fc.constant(layer), body }),
  ]),
);
const anyMessage = fc.oneof(...kinds.map(([, message]) => message));

// ---- Tools ------------------------------------------------------------------------------------------------

const codec = new Codec();
const tagged = (layer: string, type: string, fields: object = {}): Tagged => ({
  layer,
  body: { type, ...fields },
});
const bodyOf = (frame: Uint8Array) => frame.subarray(4);

/** The schema as somebody else would use it: plain protobufjs, without anything of ours. */
const reference = protobuf.parse(schema).root;
const kindCodes = reference.lookupEnum("grapevine.Kind").values;

/** A frame body with these fields, whatever our limits say. */
function forge(name: string, fields: object): Uint8Array {
  const code = kindCodes[`KIND${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`]!;
  const encoded = reference.lookupType(`grapevine.${name}`).encode(fields).finish();
  const body = new Uint8Array(1 + encoded.length);
  body[0] = code;
  body.set(encoded, 1);
  return body;
}

function reasonOf(body: Uint8Array, by = codec): MalformedReason | "accepted" {
  try {
    by.decode(body);
    return "accepted";
  } catch (error) {
    if (error instanceof MalformedFrame) return error.reason;
    throw error;
  }
}

const repeat = <T>(count: number, value: T): T[] => new Array(count).fill(value);
const id = new Uint8Array(20).fill(0xab);
const node = { id, host: "10.0.0.1", port: 9000 };
const nodeText = `${"ab".repeat(20)}@10.0.0.1:9000`;
const proof = new Uint8Array(96);
const held = { kind: 3, key: id, name: "n", sequence: 1, writer: id, writtenAt: 1, lifetimeMs: 1000 };
const record = { peer: node, incarnation: 1, version: 2, since: 3, neighbors: [node] };
const report = { suspect: node, incarnation: 1, at: 2, reporter: node };
const leave = { peer: node, incarnation: 1, at: 2 };
const stamp = { time: 1, site: id };
const entry = (fields: object = {}) =>
  forge("Entries", { entries: [{ key: "k", value: { text: "v" }, timestamp: stamp, ...fields }] });
const certificate = { value: undefined, activation: stamp };
const gossip = (fields: object = {}) =>
  forge("Gossip", {
    statement: { origin: node, incarnation: 1, sequence: 2, at: 3, payloads: [{ text: "hi" }], ...fields },
    proof,
  });

const gossipOf = (statement: object) => forge("SwimGossip", { updates: [{ record: { statement, proof } }] });

// ---- Round trips ------------------------------------------------------------------------------------------

describe("what is encoded comes back", () => {
  test.each(kinds)("%s", (_name, message) => {
    fc.assert(
      fc.property(message, (original) => {
        const frame = codec.encode(original);
        expect(new DataView(frame.buffer, frame.byteOffset).getUint32(0)).toBe(frame.length - 4);
        expect(codec.decode(bodyOf(frame))).toEqual(original);
      }),
      { numRuns: 60 },
    );
  });

  test("every message of every layer is among them", () => {
    const known = Object.entries(layers).flatMap(([layer, types]) =>
      Object.keys(types).map((type) => `${layer}/${type}`),
    );
    expect(kinds.map(([name]) => name).sort()).toEqual(known.sort());
  });

  test("the same message always gives the same bytes, whatever the order of its properties", () => {
    const one = { nonce: 1, isLinked: true, incarnation: 2, witnesses: [] };
    const other = { witnesses: [], incarnation: 2, isLinked: true, nonce: 1 };
    const encode = (fields: object) => new Codec().encode(tagged("heartbeat", "ping-reply", fields));
    expect(encode(one)).toEqual(encode(other));
  });

  test("what is decoded keeps nothing of the socket's chunk", () => {
    fc.assert(
      fc.property(fc.oneof(broadcast.gossip, introduction.register, state.entries, state.ranges), (body) => {
        const layers = { gossip: "broadcast", register: "introduction", entries: "state", ranges: "state" };
        const layer = layers[body.type];
        const chunk = new Uint8Array(100_000);
        const frame = bodyOf(codec.encode({ layer, body }));
        chunk.set(frame, 500);
        const decoded = codec.decode(chunk.subarray(500, 500 + frame.length));
        const arrays: Uint8Array[] = [];
        const collect = (value: unknown) => {
          if (value instanceof Uint8Array) arrays.push(value);
          else if (typeof value === "object" && value !== null) Object.values(value).forEach(collect);
        };
        collect(decoded);
        chunk.fill(0xff);
        expect(decoded.body).toEqual(body);
        for (const array of arrays) {
          expect(array.constructor).toBe(Uint8Array);
          expect(array.buffer.byteLength).toBeLessThanOrEqual(8192);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("equal contacts come back as the identical text, IPv6 with brackets only in memory", () => {
    for (const at of ["127.0.0.1:1", "[::1]:65535", "[2001:db8::7]:9000", "seed.example.org:80"]) {
      const origin = `${"0f".repeat(20)}@${at}`;
      const body = { type: "walk", origin, hopsLeft: 3 };
      const frame = codec.encode({ layer: "overlay", body });
      expect(codec.decode(bodyOf(frame)).body).toEqual(body);
      const { origin: onWire } = reference
        .lookupType("grapevine.Walk")
        .decode(frame.subarray(5)) as unknown as {
        origin: { host: string };
      };
      expect(onWire.host).not.toMatch(/[[\]]/);
    }
  });

  test("more ids than one byte string may have", () => {
    const ids = Uint8Array.from({ length: 32 * maxIdsPerMessage }, (_, i) => (i * 7) >>> 5);
    const body = { type: "want", ids };
    expect(codec.decode(bodyOf(codec.encode({ layer: "state", body }))).body).toEqual(body);
  });

  test("empty texts and empty bytes stay what they are", () => {
    const statement = {
      type: "gossip",
      origin: nodeText,
      incarnation: 0,
      sequence: 0,
      at: 0,
      payloads: ["", new Uint8Array(0), "\ufeffbyte order mark", "\0"],
    };
    const body = { type: "gossip", statement, proof: new Uint8Array(0) };
    expect(codec.decode(bodyOf(codec.encode({ layer: "broadcast", body }))).body).toEqual(body);
  });
});

describe("the schema is the truth", () => {
  test("every kind of the schema is a message of a layer or one of the two hellos, with that code", () => {
    const ours = Object.values(layers).flatMap((types) =>
      Object.values(types).map((kind) => [kind.schemaType.name, kind.code]),
    );
    ours.push(["Hello", helloCode], ["HelloProof", helloProofCode]);
    const schemas = Object.entries(kindCodes).filter(([, code]) => code !== 0);
    const pascal = (name: string) =>
      name
        .slice("KIND".length)
        .toLowerCase()
        .replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    expect(new Map(ours as [string, number][])).toEqual(
      new Map(schemas.map(([name, code]) => [pascal(name), code])),
    );
    expect(ours.length).toBe(schemas.length);
  });

  test("the codes of each layer stay in its range", () => {
    const rooms = {
      introduction: [16, 47],
      overlay: [48, 63],
      heartbeat: [64, 79],
      broadcast: [80, 95],
      state: [96, 111],
      kademlia: [112, 127],
      chord: [128, 143],
      pastry: [144, 159],
      membership: [176, 191],
      hyparview: [192, 207],
      cyclon: [208, 215],
    } as const;
    for (const [layer, [from, to]] of Object.entries(rooms)) {
      for (const { code } of Object.values(layers[layer as keyof typeof rooms])) {
        expect(code).toBeGreaterThanOrEqual(from);
        expect(code).toBeLessThanOrEqual(to);
      }
    }
  });

  test.each([
    ["Refused", "reason", "Refused.Reason", { nonce: 1 }],
    ["SyncDigest", "state", "DigestEntry.State", { peer: node }],
  ])("the words of %s.%s are those of its enumeration", (name, field, enumeration, rest) => {
    const values = Object.entries(reference.lookupEnum(`grapevine.${enumeration}`).values);
    for (const [word, value] of values.filter(([, value]) => value !== 0)) {
      const fields = { ...rest, [field]: value };
      const decoded = codec.decode(forge(name, name === "SyncDigest" ? { entries: [fields] } : fields));
      expect(JSON.stringify(decoded.body)).toContain(`"${word.split("_").slice(1).join("-").toLowerCase()}"`);
    }
  });

  test("plain protobuf reads our frames", () => {
    const frame = codec.encode(
      tagged("broadcast", "gossip", {
        statement: {
          type: "gossip",
          origin: nodeText,
          incarnation: 2 ** 40,
          sequence: 7,
          at: 1,
          payloads: ["hello", new Uint8Array([1, 2])],
        },
        proof: new Uint8Array([9]),
      }),
    );
    expect(frame[4]).toBe(kindCodes["KIND_GOSSIP"]);
    const type = reference.lookupType("grapevine.Gossip");
    expect(type.toObject(type.decode(frame.subarray(5)), { longs: Number, bytes: Array })).toEqual({
      statement: {
        origin: { id: [...id], host: "10.0.0.1", port: 9000 },
        incarnation: 2 ** 40,
        sequence: 7,
        at: 1,
        payloads: [{ text: "hello" }, { bytes: [1, 2] }],
      },
      proof: [9],
    });
  });
});

// ---- Limits -----------------------------------------------------------------------------------------------

describe("a message at its limit is taken, one over is refused", () => {
  const seen = (fields: object = {}) => forge("Digest", { entries: [{ origin: node, ...fields }] });
  const separate = (count: number) => Array.from({ length: count }, (_, i) => [4 * i, 4 * i + 1]).flat();
  const delta = (entry: object) => forge("SyncDelta", { entries: [entry] });
  const text = (length: number) => gossip({ payloads: [{ text: "x".repeat(length) }] });
  const large = new Codec({ maxFrameBytes: 8 * 1024 * 1024 });
  const memberRecordOf = (tags: object[]) => ({
    record: { statement: { member: node, incarnation: 1, since: 1, role: 2, tags }, proof },
  });
  const doubt = { suspicion: { statement: { suspect: node, incarnation: 1, accuser: node, at: 1 }, proof } };
  const gossips = (update: object) => forge("SwimGossip", { updates: [update] });

  const limits: [string, MalformedReason, (over: 0 | 1) => Uint8Array][] = [
    [
      "maxRecordNeighbors",
      "too-many-entries",
      (over) =>
        forge("Register", {
          record: { statement: { ...record, neighbors: repeat(maxRecordNeighbors + over, node) } },
        }),
    ],
    [
      "maxListEntries",
      "too-many-entries",
      (over) => forge("PeerList", { entries: repeat(maxListEntries + over, { peer: node }) }),
    ],
    [
      "maxDigestEntries",
      "too-many-entries",
      (over) => forge("SyncDigest", { entries: repeat(maxDigestEntries + over, { peer: node, state: 1 }) }),
    ],
    [
      "maxDeltaEntries of a want",
      "too-many-entries",
      (over) => forge("SyncWant", { peers: repeat(maxDeltaEntries + over, node) }),
    ],
    [
      "maxDeltaEntries of a delta",
      "too-many-entries",
      (over) => forge("SyncDelta", { entries: repeat(maxDeltaEntries + over, {}) }),
    ],
    [
      "maxReportsPerSuspect",
      "too-many-entries",
      (over) => delta({ reports: repeat(maxReportsPerSuspect + over, { statement: report, proof }) }),
    ],
    [
      "maxSuccessors",
      "too-many-entries",
      (over) => forge("ChordState", { successors: repeat(maxSuccessors + over, node) }),
    ],
    [
      "maxCloser",
      "too-many-entries",
      (over) => forge("ChordRouted", { closer: repeat(maxCloser + over, node) }),
    ],
    [
      "the owner and its successors",
      "too-many-entries",
      (over) => forge("ChordRouted", { owners: repeat(1 + maxSuccessors + over, node) }),
    ],
    [
      "maxPastryNodes",
      "too-many-entries",
      (over) => forge("PastryState", { nodes: repeat(maxPastryNodes + over, node) }),
    ],
    [
      "maxPastryLeaves",
      "too-many-entries",
      (over) => forge("PastryLeaves", { leaves: repeat(maxPastryLeaves + over, node) }),
    ],
    [
      "maxPastrySilent",
      "too-many-entries",
      (over) => forge("PastryPassed", { next: node, silent: repeat(maxPastrySilent + over, node) }),
    ],
    [
      "maxPastryHops",
      "bad-number",
      (over) => forge("PastryRoute", { origin: node, key: id, purpose: 1, hops: maxPastryHops + over }),
    ],
    [
      "a route begins with a hop",
      "bad-number",
      (over) => forge("PastryRoute", { origin: node, key: id, purpose: 1, hops: 1 - over }),
    ],
    ["the length of a topic", "too-long", (over) => gossip({ topic: "t".repeat(maxTopicLength + over) })],
    [
      "maxHops of a gossip",
      "bad-number",
      (over) =>
        forge("Gossip", {
          statement: { origin: node, payloads: [{ text: "hi" }] },
          proof,
          hops: maxHops + over,
        }),
    ],
    [
      "maxAnnounced, in an i-have",
      "too-many-entries",
      (over) => forge("IHave", { messages: repeat(maxAnnounced + over, { origin: node }) }),
    ],
    [
      "an announcement at least",
      "bad-length",
      (over) => forge("IHave", { messages: repeat(1 - over, { origin: node }) }),
    ],
    [
      "maxHops of an announcement",
      "bad-number",
      (over) => forge("IHave", { messages: [{ origin: node, hops: maxHops + over }] }),
    ],
    [
      "maxAnnounced, in a graft",
      "too-many-entries",
      (over) => forge("Graft", { wanted: repeat(maxAnnounced + over, { origin: node }) }),
    ],
    [
      "maxTreesNamed, in a graft",
      "too-many-entries",
      (over) => forge("Graft", { sources: repeat(maxTreesNamed + over, id) }),
    ],
    [
      "maxTreesNamed, in a prune",
      "too-many-entries",
      (over) => forge("Prune", { sources: repeat(maxTreesNamed + over, id) }),
    ],
    ["the id of a source", "bad-length", (over) => forge("Prune", { sources: [new Uint8Array(20 + over)] })],
    [
      "maxShuffle, in a walk",
      "too-many-entries",
      (over) => forge("ViewShuffle", { origin: node, entries: repeat(maxShuffle + over, { peer: node }) }),
    ],
    [
      "maxShuffle, in a reply",
      "too-many-entries",
      (over) => forge("ViewShuffleReply", { entries: repeat(maxShuffle + over, { peer: node }) }),
    ],
    [
      "maxTags",
      "too-many-entries",
      (over) => gossips(memberRecordOf(repeat(maxTags + over, { name: "n", value: "v" }))),
    ],
    [
      "maxTagLength",
      "too-long",
      (over) => gossips(memberRecordOf([{ name: "n", value: "v".repeat(maxTagLength + over) }])),
    ],
    [
      "maxTagsBytes",
      "too-long",
      // Letters of two bytes each, and one of one byte too many.
      (over) =>
        gossips(
          memberRecordOf([
            { name: "é".repeat(maxTagLength), value: "é".repeat(maxTagLength) },
            ...repeat(over, { name: "n", value: "" }),
          ]),
        ),
    ],
    [
      "maxUpdates",
      "too-many-entries",
      (over) => forge("SwimGossip", { updates: repeat(maxUpdates + over, doubt) }),
    ],
    [
      "maxSyncUpdates",
      "too-many-entries",
      (over) => forge("SwimUpdates", { updates: repeat(maxSyncUpdates + over, doubt) }),
    ],
    [
      "maxSyncEntries",
      "too-many-entries",
      (over) =>
        forge("SwimDigest", {
          entries: repeat(maxSyncEntries + over, { member: node, incarnation: 1, state: 1 }),
        }),
    ],
    [
      "maxSyncEntries, wanted",
      "too-many-entries",
      (over) => forge("SwimWant", { members: repeat(maxSyncEntries + over, node) }),
    ],
    [
      "maxWalkHops, with a newcomer",
      "bad-number",
      (over) => forge("ForwardJoin", { newcomer: { peer: node }, hopsLeft: maxWalkHops + over }),
    ],
    [
      "maxWalkHops, with a sample",
      "bad-number",
      (over) => forge("ViewShuffle", { origin: node, hopsLeft: maxWalkHops + over }),
    ],
    [
      "maxCyclonEntries",
      "too-many-entries",
      (over) => forge("CyclonShuffle", { entries: repeat(maxCyclonEntries + over, { peer: node }) }),
    ],
    [
      "maxCyclonEntries, in a reply",
      "too-many-entries",
      (over) => forge("CyclonShuffleReply", { entries: repeat(maxCyclonEntries + over, { peer: node }) }),
    ],
    [
      "maxCyclonAge",
      "bad-number",
      (over) => forge("CyclonShuffle", { entries: [{ peer: node, age: maxCyclonAge + over }] }),
    ],
    ["maxPastryRows", "bad-number", (over) => forge("PastryAskRow", { row: maxPastryRows + over })],
    [
      "the key of a Pastry route",
      "bad-length",
      (over) => forge("PastryRoute", { origin: node, key: new Uint8Array(20 + over), purpose: 1, hops: 1 }),
    ],
    [
      "maxWitnesses",
      "too-many-entries",
      (over) => forge("PingReply", { witnesses: repeat(maxWitnesses + over, node) }),
    ],
    [
      "maxPayloadsPerGossip",
      "too-many-entries",
      (over) => gossip({ payloads: repeat(maxPayloadsPerGossip + over, { text: "" }) }),
    ],
    ["one payload at least", "bad-length", (over) => gossip({ payloads: repeat(1 - over, { text: "" }) })],
    [
      "maxPayloadBytes of bytes",
      "too-long",
      (over) => gossip({ payloads: [{ bytes: new Uint8Array(maxPayloadBytes + over) }] }),
    ],
    ["maxPayloadBytes of a text", "too-long", (over) => text(maxPayloadBytes + over)],
    [
      "maxGossipBytes, some of them as text",
      "too-long",
      (over) => {
        const chunk = 32 * 1024 - 2;
        const bytes = repeat(8, { bytes: new Uint8Array(chunk) });
        const texts = repeat(7, { text: "€".repeat(chunk / 3) });
        const rest = maxGossipBytes - 15 * chunk + over;
        return gossip({ payloads: [...bytes, ...texts, { bytes: new Uint8Array(rest) }] });
      },
    ],
    [
      "maxDigestOrigins",
      "too-many-entries",
      (over) => forge("Digest", { entries: repeat(maxDigestOrigins + over, { origin: node }) }),
    ],
    [
      "maxRangesPerOrigin",
      "too-many-entries",
      (over) => seen({ ranges: separate(maxRangesPerOrigin + over) }),
    ],
    ["ranges do not touch", "bad-ranges", (over) => seen({ ranges: [1, 3, 5 - over, 6] })],
    ["ranges come in pairs", "bad-ranges", (over) => seen({ ranges: [1, 3, 5, 6].slice(over) })],
    ["ranges run forward", "bad-ranges", (over) => seen({ ranges: [3, 3 - over] })],
    [
      "maxProofBytes",
      "too-long",
      (over) =>
        forge("LeaveMessage", { notice: { statement: leave, proof: new Uint8Array(maxProofBytes + over) } }),
    ],
    [
      "maxEntriesPerMessage",
      "too-many-entries",
      (over) =>
        forge("Compare", {
          mode: 1,
          checksum: new Uint8Array(16),
          recent: repeat(maxEntriesPerMessage + over, { key: "k", value: { text: "" }, timestamp: stamp }),
        }),
    ],
    ["maxKeyLength", "too-long", (over) => entry({ key: "k".repeat(maxKeyLength + over) })],
    ["a key has a character", "bad-length", (over) => entry({ key: "k".repeat(1 - over) })],
    [
      "a value has maxPayloadBytes",
      "too-long",
      (over) => entry({ value: { bytes: new Uint8Array(maxPayloadBytes + over) } }),
    ],
    [
      "maxRetentionSites",
      "too-many-entries",
      (over) => entry({ ...certificate, retention: repeat(maxRetentionSites + over, id) }),
    ],
    ["a value has no retention sites", "too-many-entries", (over) => entry({ retention: repeat(over, id) })],
    [
      "sites of 20 bytes",
      "bad-length",
      (over) => entry({ timestamp: { time: 1, site: new Uint8Array(20 + over) } }),
    ],
    [
      "a value or an activation",
      "missing-field",
      (over) => entry(over === 1 ? { value: undefined } : certificate),
    ],
    ["not both of them", "missing-field", (over) => entry(over === 1 ? { activation: stamp } : {})],
    [
      "maxReconciliationRounds",
      "bad-number",
      (over) => forge("Ranges", { mode: 1, round: maxReconciliationRounds + over }),
    ],
    [
      "maxRangesPerMessage",
      "too-many-entries",
      (over) => forge("Ranges", { mode: 1, ranges: repeat(maxRangesPerMessage + over, {}) }),
    ],
    [
      "bounds of 32 bytes",
      "bad-length",
      (over) => forge("Ranges", { mode: 1, ranges: [{ to: new Uint8Array(32 + over) }] }),
    ],
    [
      "fingerprints of 16 bytes",
      "bad-length",
      (over) => forge("Ranges", { mode: 1, ranges: [{ fingerprint: new Uint8Array(16 + over) }] }),
    ],
    [
      "listed ids of a range",
      "bad-length",
      (over) => forge("Ranges", { mode: 1, ranges: [{ ids: new Uint8Array(32 * (1024 + over)) }] }),
    ],
    [
      "maxIdsPerMessage",
      "too-many-entries",
      (over) =>
        forge("Want", {
          ids: [...repeat(maxIdsPerMessage / 1024, new Uint8Array(32 * 1024)), new Uint8Array(32 * over)],
        }),
    ],
    ["whole ids", "bad-length", (over) => forge("Want", { ids: [new Uint8Array(32 + over)] })],
    [
      "maxNodesPerReply",
      "too-many-entries",
      (over) => forge("FindNodeReply", { nodes: repeat(maxNodesPerReply + over, node) }),
    ],
    [
      "maxRecordsPerReply",
      "too-many-entries",
      (over) => forge("FindValueReply", { records: repeat(maxRecordsPerReply + over, { statement: held }) }),
    ],
    [
      "maxNameLength",
      "too-long",
      (over) =>
        forge("Fetched", { record: { statement: { ...held, name: "n".repeat(maxNameLength + over) } } }),
    ],
    [
      "a value has maxValueBytes",
      "too-long",
      (over) =>
        forge("Fetched", { record: { statement: { ...held, value: new Uint8Array(maxValueBytes + over) } } }),
    ],
    [
      "the longest lifetime",
      "bad-number",
      (over) =>
        forge("Fetched", { record: { statement: { ...held, lifetimeMs: deletionLifetimeMs + over } } }),
    ],
    [
      "a deletion has no value",
      "bad-choice",
      (over) =>
        forge("Fetched", {
          record: { statement: { ...held, isDeleted: true, value: new Uint8Array(over) } },
        }),
    ],
    [
      "a name has a writer",
      "bad-length",
      (over) => forge("Fetched", { record: { statement: { ...held, writer: id.subarray(20 * over) } } }),
    ],
    [
      "an immutable record has no name",
      "bad-length",
      (over) =>
        forge("Fetched", { record: { statement: { kind: 1, key: id, name: "n".repeat(over), value: id } } }),
    ],
    [
      "maxOfferedRecords",
      "too-many-entries",
      (over) =>
        forge("OfferRecords", {
          entries: repeat(maxOfferedRecords + over, { kind: 1, key: id, digest: id }),
        }),
    ],
    [
      "verdicts of maxOfferedRecords",
      "too-many-entries",
      (over) => forge("Offered", { verdicts: repeat(maxOfferedRecords + over, 1) }),
    ],
    ["the last mode", "bad-choice", (over) => forge("Ranges", { mode: 3 + over })],
    ["the last safe number", "bad-number", (over) => forge("Ping", { nonce: 2 ** 53 - 1 + over })],
    ["the last sequence of a gossip", "bad-number", (over) => gossip({ sequence: 2 ** 53 - 2 + over })],
    ["port 65535", "bad-contact", (over) => forge("Walk", { origin: { ...node, port: 65535 + over } })],
    ["port 1", "bad-contact", (over) => forge("Walk", { origin: { ...node, port: 1 - over } })],
    [
      "ids of 20 bytes",
      "bad-contact",
      (over) => forge("Walk", { origin: { ...node, id: new Uint8Array(20 + over) } }),
    ],
    [
      "ids of no less than 20 bytes",
      "bad-contact",
      (over) => forge("Walk", { origin: { ...node, id: new Uint8Array(20 - over) } }),
    ],
    [
      "hosts of 253 characters",
      "bad-contact",
      (over) =>
        forge("Walk", { origin: { ...node, host: `${"a23456789.".repeat(25)}ab${"c".repeat(1 + over)}` } }),
    ],
    ["two places", "bad-choice", (over) => forge("Connect", { places: 2 + over })],
    ["one place", "bad-choice", (over) => forge("Connect", { places: 1 - over })],
    [
      "the last state",
      "bad-choice",
      (over) => forge("SyncDigest", { entries: [{ peer: node, state: 3 + over }] }),
    ],
    ["the last reason", "bad-choice", (over) => forge("Refused", { reason: 5 + over })],
    ["the first reason", "bad-choice", (over) => forge("Refused", { reason: 1 - over })],
  ];

  test.each(limits)("%s, else %s", (_name, reason, body) => {
    expect(reasonOf(body(0), large)).toBe("accepted");
    expect(reasonOf(body(1), large)).toBe(reason);
  });

  test("maxFrameBytes, sent and received", () => {
    const tight = new Codec({ maxFrameBytes: 4096 });
    const message = (length: number): Tagged => {
      const statement = {
        type: "gossip",
        origin: nodeText,
        incarnation: 1,
        sequence: 1,
        at: 1,
        payloads: ["x".repeat(length)],
      };
      return tagged("broadcast", "gossip", { statement, proof: new Uint8Array(0) });
    };
    const overhead = codec.encode(message(4000)).length - 4 - 4000;
    const fits = codec.encode(message(4096 - overhead));
    const tooLong = codec.encode(message(4097 - overhead));
    expect(bodyOf(fits).length).toBe(4096);
    expect(reasonOf(bodyOf(fits), tight)).toBe("accepted");
    expect(reasonOf(bodyOf(tooLong), tight)).toBe("too-long");
    expect(tight.encode(message(4096 - overhead))).toEqual(fits);
    expect(() => tight.encode(message(4097 - overhead))).toThrow(/maxFrameBytes.* 4097 .* 4096/);
    expect(wireOptions().maxFrameBytes).toBe(2 * 1024 * 1024);
  });

  test("a text is measured in bytes of UTF-8, when it is sent too", () => {
    const euros = (length: number) => gossip({ payloads: [{ text: "€".repeat(length) }] });
    expect(reasonOf(euros(Math.floor(maxPayloadBytes / 3)), large)).toBe("accepted");
    expect(reasonOf(euros(Math.ceil(maxPayloadBytes / 3)), large)).toBe("too-long");
    const statement = (payload: string) => ({
      type: "gossip",
      origin: nodeText,
      incarnation: 1,
      sequence: 1,
      at: 1,
      payloads: [payload],
    });
    const send = (payload: string) =>
      codec.encode(tagged("broadcast", "gossip", { statement: statement(payload), proof }));
    send("€".repeat(Math.floor(maxPayloadBytes / 3)));
    send("x".repeat(maxPayloadBytes));
    expect(() => send("€".repeat(Math.ceil(maxPayloadBytes / 3)))).toThrow(UsageError);
    expect(() => send("x".repeat(maxPayloadBytes + 1))).toThrow(UsageError);
  });
});

describe("nonsense is refused by name", () => {
  const raw = (code: number, ...rest: number[]) => Uint8Array.of(code, ...rest);
  const ping = kindCodes["KIND_PING"]!;
  const gossipText = (...text: number[]) => {
    const body = gossip({ payloads: [{ bytes: Uint8Array.from(text) }] });
    const tag = body.findIndex(
      (byte, i) => byte === 0x12 && body[i + 1] === text.length && body[i + 2] === text[0],
    );
    body[tag] = 0x0a; // The same bytes as field `text`.
    return body;
  };
  const without = (name: string, fields: object, missing: string) =>
    forge(name, Object.fromEntries(Object.entries(fields).filter(([field]) => field !== missing)));

  const cases: [string, MalformedReason, Uint8Array][] = [
    ["nothing at all", "empty", new Uint8Array(0)],
    ["kind 0", "unknown-kind", raw(0)],
    ["kind 120", "unknown-kind", raw(120)],
    ["kind 255", "unknown-kind", raw(255)],
    ["a hello", "unexpected-kind", raw(helloCode)],
    ["a hello-proof", "unexpected-kind", raw(helloProofCode)],
    ["a number cut off", "bad-encoding", raw(ping, 0x08, 0x80)],
    ["a number of eleven bytes", "bad-encoding", raw(ping, 0x08, ...repeat(10, 0x80), 0x01)],
    ["2^64 - 1", "bad-number", raw(ping, 0x08, ...repeat(9, 0xff), 0x01)],
    ["field 0", "bad-encoding", raw(ping, 0x00, 0x01)],
    ["wire type 7", "bad-encoding", raw(ping, 0x17)],
    ["the end of a group that never began", "bad-encoding", raw(ping, 0x14)],
    ["a part longer than the frame", "bad-encoding", raw(kindCodes["KIND_WALK"]!, 0x0a, 0x7f, 1)],
    ["no record", "missing-field", forge("Register", { nonce: 1 })],
    ["no statement", "missing-field", forge("Gossip", { proof })],
    ["no statement in a record", "missing-field", forge("Register", { record: { proof } })],
    ["an update of no kind", "missing-field", forge("SwimGossip", { updates: [{}] })],
    ["a member of no role", "bad-choice", gossipOf({ member: node, incarnation: 1, since: 1 })],
    ["no suspect", "missing-field", forge("ProbeRequest", { nonce: 1 })],
    [
      "no reporter",
      "missing-field",
      forge("DeadReportMessage", { report: { statement: { suspect: node } } }),
    ],
    ["no timestamp in an entry", "missing-field", entry({ timestamp: undefined })],
    ["a value that is none", "missing-field", entry({ value: {} })],
    ["no mode", "bad-choice", forge("Compare", { checksum: new Uint8Array(16) })],
    ["no checksum", "bad-length", forge("Compare", { mode: 1 })],
    ["no payload in a payload", "missing-field", gossip({ payloads: [{}] })],
    [
      "a contact without a host",
      "bad-contact",
      forge("Walk", { origin: without("Contact", node, "host") && { id, port: 1 } }),
    ],
    ["an empty contact", "bad-contact", forge("Walk", { origin: {} })],
    [
      "whoever answers there, as a peer",
      "bad-contact",
      forge("Walk", { origin: { ...node, id: new Uint8Array(0) } }),
    ],
    [
      "whoever answers there, in a record",
      "bad-contact",
      forge("Register", { record: { statement: { ...record, neighbors: [{ host: "a", port: 1 }] } } }),
    ],
    ["brackets on the wire", "bad-contact", forge("Walk", { origin: { ...node, host: "[::1]" } })],
    [
      "a port of 33 bits",
      "bad-number",
      raw(kindCodes["KIND_WALK"]!, 0x0a, 6, 0x18, 0x80, 0x80, 0x80, 0x80, 0x10),
    ],
    ["a topic that moves the cursor", "bad-text", gossip({ topic: "\x1b[2J" })],
    ["half a surrogate pair", "bad-text", gossipText(0xed, 0xa0, 0x80)],
    ["an overlong encoding", "bad-text", gossipText(0xc0, 0x80)],
    ["invalid bytes in a long text", "bad-text", gossipText(...repeat(100, 0xff))],
    ["a negative reason", "bad-number", forge("Refused", { reason: -1 })],
  ];
  test.each(cases)("%s: %s", (_name, reason, body) => {
    expect(reasonOf(body)).toBe(reason);
  });

  test("every host that is none", () => {
    for (const host of [
      "",
      "a b",
      "-a",
      "a-",
      "a..b",
      ".",
      "a.",
      "ü",
      "10.0.0.256",
      "10.0.0.1.",
      "1.2.3",
      "a@b",
      "fe80::1%eth0",
      "a:b",
      "::1]",
      "x".repeat(64),
    ]) {
      expect(reasonOf(forge("Walk", { origin: { ...node, host } })), host).toBe("bad-contact");
    }
  });

  test("fields of a later version are ignored", () => {
    const later = [0xfa, 0x01, 2, 1, 2]; // field 31, two bytes
    const body = raw(ping, 0x08, 5, ...later, 0xf8, 0x01, 1, 0xf3, 0x01, 0x08, 1, 0xf4, 0x01);
    expect(codec.decode(body)).toEqual(tagged("heartbeat", "ping", { nonce: 5 }));
    const encoded = reference.lookupType("grapevine.Contact").encode(node).finish();
    const origin = [...encoded, ...later];
    expect(codec.decode(raw(kindCodes["KIND_WALK"]!, 0x0a, origin.length, ...origin)).body).toEqual({
      type: "walk",
      origin: nodeText,
      hopsLeft: 0,
    });
  });

  test("a frame that would make protobufjs create half a million objects is stopped early", () => {
    // Two bytes on the wire for an empty entry each.
    const entries = (kind: string, tag: number) => {
      const body = new Uint8Array(1024 * 1024);
      body[0] = kindCodes[kind]!;
      for (let i = 1; i + 1 < body.length; i += 2) body[i] = tag;
      return body.subarray(0, body.length - 1);
    };
    expect(reasonOf(entries("KIND_SYNC_DELTA", 0x12))).toBe("too-many-entries");
    expect(reasonOf(entries("KIND_SYNC_WANT", 0x12))).toBe("bad-contact");
    expect(reasonOf(entries("KIND_SYNC_DIGEST", 0x12))).toBe("too-many-entries");
    expect(reasonOf(entries("KIND_DIGEST", 0x0a))).toBe("too-many-entries");
    expect(reasonOf(entries("KIND_ENTRIES", 0x0a))).toBe("too-many-entries");
    expect(reasonOf(entries("KIND_RANGES", 0x22))).toBe("too-many-entries");
    expect(reasonOf(entries("KIND_WANT", 0x0a))).toBe("too-many-entries");
    expect(reasonOf(entries("KIND_PING", 0x10))).toBe("too-many-entries"); // fields that nobody knows
    const packed = new Uint8Array(1024 * 1024);
    const length = packed.length - 9;
    packed.set([kindCodes["KIND_DIGEST"]!, 0x0a, ...varint(length + 4), 0x1a, ...varint(length)]);
    expect(reasonOf(packed)).toBe("too-many-entries");
  });

  test("deep nesting does not overflow the stack", () => {
    const nested = (code: number, tag: number) => {
      const body = new Uint8Array(300_000).fill(tag);
      body[0] = code;
      return body;
    };
    expect(reasonOf(nested(ping, 0x13))).toBe("too-many-entries"); // groups in a kind with few fields
    expect(reasonOf(nested(kindCodes["KIND_SYNC_DIGEST"]!, 0x1b))).toBe("bad-encoding"); // in one with many
  });

  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
});

describe("whatever the bytes, only MalformedFrame", () => {
  const large = fc.uint8Array({ maxLength: 2000 });

  test("random bytes after each kind code", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constantFrom(...Object.values(kindCodes)), fc.nat(255)),
        large,
        (code, rest) => {
          reasonOf(Uint8Array.of(code, ...rest));
        },
      ),
      { numRuns: 20_000 },
    );
  });

  test("valid frames with flipped bits, cut, doubled or spliced", () => {
    fc.assert(
      fc.property(
        anyMessage,
        fc.array(fc.tuple(fc.nat(), fc.nat(7)), { maxLength: 4 }),
        fc.nat(),
        fc.nat(),
        fc.boolean(),
        (message, flips, cut, splice, isDoubled) => {
          const valid = bodyOf(codec.encode(message));
          let body = Uint8Array.from(valid);
          for (const [at, bit] of flips) body[at % body.length]! ^= 1 << bit;
          reasonOf(body);
          reasonOf(body.subarray(0, cut % (body.length + 1)));
          if (isDoubled) body = Uint8Array.of(...body, ...valid.subarray(splice % valid.length));
          reasonOf(body);
        },
      ),
      { numRuns: 5000 },
    );
  });

  test("what survives the damage can be sent on", () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.nat(7), (message, at, bit) => {
        const body = Uint8Array.from(bodyOf(codec.encode(message)));
        body[at % body.length]! ^= 1 << bit;
        if (reasonOf(body) !== "accepted") return;
        const decoded = codec.decode(body);
        expect(codec.decode(bodyOf(codec.encode(decoded)))).toEqual(decoded);
      }),
      { numRuns: 5000 },
    );
  });
});

// ---- Sending ----------------------------------------------------------------------------------------------

describe("what the other side would refuse is not sent", () => {
  const walk = (origin: NodeId): Tagged => tagged("overlay", "walk", { origin, hopsLeft: 1 });

  test.each<[string, Tagged]>([
    ["a layer without a format", tagged("pastry", "ping")],
    ["a type that the layer does not have", tagged("overlay", "ping")],
    ["a property of Object as a type", tagged("overlay", "constructor")],
    ["a simulated node", walk(7)],
    ["whoever answers there", walk("@10.0.0.1:9000")],
    ["an id in capitals, which would come back in small letters", walk(nodeText.toUpperCase())],
    ["an id of 19 bytes", walk(nodeText.slice(2))],
    ["an IPv6 address without brackets", walk(`${"ab".repeat(20)}@::1:9000`)],
    ["a name in brackets", walk(`${"ab".repeat(20)}@[localhost]:9000`)],
    ["a port with a leading zero", walk(`${"ab".repeat(20)}@10.0.0.1:09000`)],
    ["no port", walk(`${"ab".repeat(20)}@10.0.0.1`)],
    ["a negative number", tagged("heartbeat", "ping", { nonce: -1 })],
    ["a fraction", tagged("heartbeat", "ping", { nonce: 0.5 })],
    ["no number", tagged("heartbeat", "ping")],
    ["an unsafe number", tagged("heartbeat", "ping", { nonce: 2 ** 53 })],
    ["more than 32 bits", tagged("introduction", "registered", { nonce: 1, listSize: 2 ** 32 })],
    ["a word that is none", tagged("introduction", "refused", { nonce: 1, reason: "bored", incarnation: 0 })],
    [
      "a list over its limit",
      tagged("introduction", "sync-want", { nonce: 1, peers: repeat(maxDeltaEntries + 1, nodeText) }),
    ],
    [
      "ranges that touch",
      tagged("broadcast", "digest", {
        entries: [{ origin: nodeText, incarnation: 1, ranges: [1, 2, 3, 4] }],
        isAnswer: false,
      }),
    ],
  ])("%s", (_name, message) => {
    expect(() => codec.encode(message)).toThrow(UsageError);
    // The writer, which was left in the middle, is as good as new.
    expect(codec.encode(tagged("overlay", "reject"))).toEqual(
      Buffer.from([0, 0, 0, 1, kindCodes["KIND_REJECT"]!]),
    );
  });

  test("a text with half a surrogate pair", () => {
    const statement = {
      type: "gossip",
      origin: nodeText,
      incarnation: 1,
      sequence: 1,
      at: 1,
      payloads: ["\ud800"],
    };
    expect(() => codec.encode(tagged("broadcast", "gossip", { statement, proof }))).toThrow(/bad-text/);
  });
});

describe("the one-slot cache", () => {
  test("one object gives one frame, an equal one its own", () => {
    const own = new Codec();
    const body = { type: "ping", nonce: 1 };
    const frame = own.encode({ layer: "heartbeat", body });
    expect(own.encode({ layer: "heartbeat", body })).toBe(frame);
    const copy = own.encode({ layer: "heartbeat", body: { ...body } });
    expect(copy).not.toBe(frame);
    expect(copy).toEqual(frame);
  });

  test("a frame that was handed out is never written again", () => {
    const own = new Codec();
    const sent = fc.sample(anyMessage, 200).map((message) => {
      const frame = own.encode(message);
      return { message, frame, copy: Uint8Array.from(frame) };
    });
    for (const { frame, copy } of sent) expect(Uint8Array.from(frame)).toEqual(copy);
    for (const { message, frame } of sent) expect(own.decode(bodyOf(frame))).toEqual(message);
  });

  test("the same body on another layer is another message", () => {
    const own = new Codec();
    const body = { type: "ping", nonce: 1 };
    own.encode({ layer: "heartbeat", body });
    expect(() => own.encode({ layer: "overlay", body })).toThrow(UsageError);
  });
});
