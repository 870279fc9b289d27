import type protobuf from "protobufjs";
import type {
  Key,
  Proof,
  RecordKind,
  RecordStatement,
  Signed,
  StoredRecord,
  Tagged,
  Typed,
} from "../core/index.ts";
import {
  type AntiEntropyMessage,
  type AntiEntropyMode,
  type Compare,
  type Compared,
  type DeathCertificate,
  type Entries,
  fingerprintBytes,
  type IdRange,
  idBytes,
  type MapEntry,
  maxEntriesPerMessage,
  maxIdsPerMessage,
  maxKeyLength,
  maxRangesPerMessage,
  maxReconciliationRounds,
  maxRetentionSites,
  type Ranges,
  type RequestAll,
  type Timestamp,
  type Want,
  type WriteStatement,
} from "../dissemination/anti-entropy-messages.ts";
import {
  type Announcement,
  type Answer,
  type BroadcastMessage,
  type Busy,
  type Call,
  type Digest,
  type Feedback,
  type Gossip,
  type GossipStatement,
  type Graft,
  type HaveReply,
  type HaveYou,
  type IHave,
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
  maxTopicLength,
  maxTreesNamed,
  type Offer,
  type Payload,
  type Prune,
  type SeenEntry,
  type Summary,
} from "../dissemination/messages.ts";
import {
  type AskState,
  type Busy as ChordBusy,
  type ChordMessage,
  type ChordPing,
  type Pong as ChordPong,
  type Route as ChordRoute,
  type State as ChordState,
  type FoundRing,
  type Goodbye,
  type Hint,
  maxCloser,
  maxSuccessors,
  type Notify,
  type Routed,
} from "../lookup/chord-messages.ts";
import {
  type FindNode,
  type FindNodeReply,
  type FindValue,
  type FindValueReply,
  type KademliaMessage,
  type KademliaPing,
  type KademliaPingReply,
  type Leaving,
  maxNodesPerReply,
  maxRecordsPerReply,
} from "../lookup/kademlia-messages.ts";
import {
  type AckMessage,
  type ArrivedMessage,
  type AskRowMessage,
  type LeavesMessage,
  maxPastryHops,
  maxPastryLeaves,
  maxPastryNodes,
  maxPastryRows,
  maxPastrySilent,
  type PassedMessage,
  type LeaveMessage as PastryLeaveMessage,
  type PastryMessage,
  type PingMessage,
  type PongMessage,
  type RouteMessage,
  type RoutePurpose,
  type RowMessage,
  type StateMessage,
} from "../lookup/pastry-messages.ts";
import {
  type CyclonEntry,
  type CyclonMessage,
  type CyclonShuffle,
  type CyclonShuffleReply,
  maxCyclonAge,
  maxCyclonEntries,
} from "../membership/cyclon-messages.ts";
import {
  type ForwardJoin,
  type HyParViewMessage,
  type Join,
  type KeepAlive,
  type KeepAliveReply,
  maxShuffle,
  maxWalkHops,
  type NeighborReply,
  type NeighborRequest,
  type Optimisation,
  type OptimisationReply,
  type Replace,
  type ReplaceReply,
  type Shuffle,
  type ShuffleReply,
  type Switch,
  type SwitchReply,
  type ViewDisconnect,
} from "../membership/hyparview-messages.ts";
import {
  type Accept,
  type CallBack,
  type CallBackReply,
  type Connect,
  type DeadReport,
  type DeadReportMessage,
  type DeltaEntry,
  type DigestEntry,
  type Disconnect,
  type HeartbeatMessage,
  type IntroductionMessage,
  type LeaveMessage,
  type LeaveNotice,
  type ListEntry,
  type ListRequest,
  maxDeltaEntries,
  maxDigestEntries,
  maxListEntries,
  maxRecordNeighbors,
  maxReportsPerSuspect,
  maxWitnesses,
  type OverlayMessage,
  type PeerList,
  type PeerRecord,
  type Ping,
  type PingReply,
  type ProbeMiss,
  type ProbeReply,
  type ProbeRequest,
  type Refused,
  type Register,
  type Registered,
  type Reject,
  type SyncDelta,
  type SyncDigest,
  type SyncHint,
  type SyncRequest,
  type SyncSame,
  type SyncWant,
  type Walk,
  type WalkEnd,
} from "../membership/messages.ts";
import {
  type MemberRecord,
  maxSyncEntries,
  maxSyncUpdates,
  maxTagLength,
  maxTags,
  maxTagsBytes,
  maxUpdates,
  type Nack,
  type PingRequest,
  type StreamAck,
  type StreamPing,
  type Suspicion,
  type SwimAck,
  type SwimGossip,
  type SwimMessage,
  type SwimPing,
  type SyncCompare,
  type SyncDigestEntry,
  type SyncDigestMessage,
  type SyncEqual,
  type SyncUpdates,
  type SyncWantMembers,
  type Update,
} from "../membership/swim-messages.ts";
import {
  deletionLifetimeMs,
  type Fetch,
  type Fetched,
  maxNameLength,
  maxOfferedRecords,
  maxValueBytes,
  type Offered,
  type OfferedRecord,
  type Offer as OfferRecords,
  type OfferVerdict,
  type Refusal,
  type Reserve,
  type Reserved,
  type Stored,
  type StoreMessage,
  type StorePurpose,
  type StoreRecord,
  type StoreRefused,
} from "../storage/store-messages.ts";
import { MalformedFrame } from "./malformed-frame.ts";
import { schemaEnum, schemaType } from "./schema-types.ts";
import {
  atMost,
  bytesBetween,
  checked,
  choice,
  type Fields,
  fixedBytes,
  flag,
  identity,
  keptPayload,
  keyText,
  label,
  listOf,
  oneOf,
  optional,
  packedHashes,
  payload,
  payloadBytes,
  peer,
  proof,
  ranges,
  type Shape,
  signed,
  struct,
  uint32,
  uint64,
  unlessEmptyText,
  unlessFalse,
  unlessZero,
} from "./shapes.ts";

/** A kind of frame. */
export interface Kind<Message> {
  readonly code: number;
  /** Its message in the schema. */
  readonly schemaType: protobuf.Type;
  readonly shape: Shape<Message>;
  /** How many protobuf fields a frame of this kind may have. */
  readonly maxFields: number;
}

/** `name` is that of the message in the schema, and by it of the code in the schema's `Kind`. */
export function kind<Message extends Typed>(
  type: Message["type"],
  name: string,
  fields: Fields<Message>,
): Kind<Message> {
  const shape = struct<Message>(fields, type as Parameters<typeof struct<Message>>[1]);
  const code = schemaEnum("Kind")[`KIND${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`]!;
  // As much again and a bit, for the fields that a later version may add.
  return { code, schemaType: schemaType(name), shape, maxFields: 2 * shape.maxFields + 64 };
}

// ---- Signed statements ------------------------------------------------------------------------------------

export const peerRecord = struct<PeerRecord>(
  {
    peer,
    incarnation: uint64,
    version: uint64,
    since: uint64,
    neighbors: listOf(peer, maxRecordNeighbors),
  },
  "peer-record",
);

export const deadReport = struct<DeadReport>(
  { suspect: peer, incarnation: uint64, at: uint64, reporter: peer },
  "dead-report",
);

export const leaveNotice = struct<LeaveNotice>({ peer, incarnation: uint64, at: uint64 }, "leave");

type Tag = MemberRecord["tags"][number];
const tagText = label(maxTagLength);
const tag: Shape<Tag> = {
  read(value) {
    const { name, value: text } = value as { readonly name: unknown; readonly value: unknown };
    return [tagText.read(name), tagText.read(text)];
  },
  write: ([name, value]) => ({ name: tagText.write(name), value: tagText.write(value) }),
  maxFields: 3,
};

export const memberRecord = checked(
  struct<MemberRecord>(
    {
      member: peer,
      incarnation: uint64,
      since: uint64,
      role: choice<MemberRecord["role"]>({ seed: 1, peer: 2 }),
      tags: listOf(tag, maxTags),
    },
    "member-record",
  ),
  ({ tags }) => {
    const total = tags.reduce((sum, [name, value]) => sum + payloadBytes(name) + payloadBytes(value), 0);
    if (total > maxTagsBytes) throw new MalformedFrame("too-long", `tags of ${total} bytes`);
  },
);

export const suspicion = struct<Suspicion>(
  { suspect: peer, incarnation: uint64, accuser: peer, at: uint64 },
  "suspicion",
);

export const gossipStatement = checked(
  struct<GossipStatement>(
    {
      origin: peer,
      incarnation: uint64,
      sequence: uint64,
      at: uint64,
      priority: unlessZero(atMost(maxPriority)),
      topic: unlessEmptyText(label(maxTopicLength)),
      payloads: listOf(payload, maxPayloadsPerGossip, 1),
    },
    "gossip",
  ),
  ({ sequence, payloads }) => {
    if (!Number.isSafeInteger(sequence + payloads.length))
      throw new MalformedFrame("bad-number", "last sequence");
    // Few payloads cannot be too long together.
    if (payloads.length * maxPayloadBytes <= maxGossipBytes) return;
    const total = payloads.reduce((sum, payload) => sum + payloadBytes(payload), 0);
    if (total > maxGossipBytes) throw new MalformedFrame("too-long", `payloads of ${total} bytes`);
  },
);

const timestamp = struct<Timestamp>({ time: uint64, site: identity });
const key = keyText(maxKeyLength);
const retention = listOf(identity, maxRetentionSites);

export const writeStatement = struct<WriteStatement>(
  { key, value: optional(keptPayload), timestamp, retention },
  "write",
);

const recordKind = choice<RecordKind>({ immutable: 1, owned: 2, shared: 3 });
/** A place in the id space has the form of a node's id. */
const recordKey = identity as Shape<Key>;

interface RecordFields {
  readonly kind: RecordKind;
  readonly key: Key;
  readonly name: string;
  readonly isDeleted: boolean;
  readonly value: Uint8Array;
  readonly sequence: number;
  readonly writer: Uint8Array;
  readonly writtenAt: number;
  readonly lifetimeMs: number;
}
const recordFields = struct<RecordFields>({
  kind: recordKind,
  key: recordKey,
  name: recordName(),
  isDeleted: flag,
  value: bytesBetween(0, maxValueBytes),
  sequence: uint64,
  writer: bytesBetween(0, 20),
  writtenAt: uint64,
  lifetimeMs: checked(uint64, (value) => {
    if (value > deletionLifetimeMs) throw new MalformedFrame("bad-number", `lifetime of ${value} ms`);
  }),
});
const noBytes = new Uint8Array(0);

/** Names and writers as each kind has them; that the key follows from them the store checks itself, and counts. */
export const recordStatement: Shape<RecordStatement> = {
  read(fields) {
    const { isDeleted, value, writer, ...rest } = recordFields.read(fields);
    const isAnonymous = rest.kind === "immutable";
    if (isAnonymous !== (writer.length === 0)) throw new MalformedFrame("bad-length", "writer of a record");
    if (isAnonymous !== (rest.name === "")) throw new MalformedFrame("bad-length", "name of a record");
    if (isDeleted && (isAnonymous || value.length > 0))
      throw new MalformedFrame("bad-choice", "a deletion has no value");
    return {
      type: "record",
      ...rest,
      value: isDeleted ? undefined : value,
      writer: isAnonymous ? "" : identity.read(writer),
    };
  },
  write({ type: _, value, writer, ...rest }) {
    return recordFields.write({
      ...rest,
      isDeleted: value === undefined,
      value: value ?? noBytes,
      writer: writer === "" ? noBytes : (identity.write(writer) as Uint8Array),
    });
  },
  maxFields: recordFields.maxFields,
};

function recordName(): Shape<string> {
  const text = keyText(maxNameLength);
  const isNone = (value: unknown) => value === "" || value === undefined;
  return {
    ...text,
    read: (value) => (isNone(value) ? "" : text.read(value)),
    write: (value) => (isNone(value) ? "" : text.write(value)),
  };
}

export const storedRecord = struct<StoredRecord>({ statement: recordStatement, proof });

// ---- The messages of every layer --------------------------------------------------------------------------

const listEntry = struct<ListEntry>({ peer, since: uint64 });

const digestEntry = struct<DigestEntry>({
  peer,
  incarnation: uint64,
  version: uint64,
  state: choice<DigestEntry["state"]>({ listed: 1, accused: 2, removed: 3 }),
});

const deltaEntry = struct<DeltaEntry>({
  record: optional(signed(peerRecord)),
  reports: listOf(signed(deadReport), maxReportsPerSuspect),
  leave: optional(signed(leaveNotice)),
});

const seenEntry = struct<SeenEntry>({ origin: peer, incarnation: uint64, ranges });

const messageIdFields = { origin: peer, incarnation: uint64, sequence: uint64 } as const;
const messageId = struct<MessageId>(messageIdFields);
const announcement = struct<Announcement>({ ...messageIdFields, hops: atMost(maxHops) });

const offer = struct<Offer>({
  origin: peer,
  incarnation: uint64,
  sequence: uint64,
  level: atMost(maxLevel),
  ageRounds: atMost(maxAgeRounds),
});

interface EntryFields extends Pick<DeathCertificate, "key" | "timestamp" | "retention"> {
  readonly value: Payload | undefined;
  readonly activation: Timestamp | undefined;
  readonly proof: Proof | undefined;
}
const entryFields = struct<EntryFields>({
  key,
  value: optional(keptPayload),
  timestamp,
  retention,
  activation: optional(timestamp),
  proof: optional(proof),
});

/** A value or a death certificate, and nothing in between. */
const mapEntry: Shape<MapEntry> = {
  ...entryFields,
  read(fields) {
    const { key, value, timestamp, retention, activation, proof } = entryFields.read(fields);
    if ((value === undefined) === (activation === undefined))
      throw new MalformedFrame("missing-field", "an entry has either a value or an activation");
    if (activation !== undefined)
      return { type: "death-certificate", key, timestamp, activation, retention, proof };
    if (retention.length > 0) throw new MalformedFrame("too-many-entries", "retention sites of a value");
    return { type: "value", key, value: value!, timestamp, proof };
  },
  write(entry) {
    const { key, timestamp, proof } = entry;
    const [value, activation, retention] =
      entry.type === "value" ? [entry.value, undefined, []] : [undefined, entry.activation, entry.retention];
    return entryFields.write({ key, value, timestamp, retention, activation, proof });
  },
};
const mapEntries = listOf(mapEntry, maxEntriesPerMessage);

const bound = bytesBetween(0, idBytes);
const fingerprint = fixedBytes(fingerprintBytes);
/** Of one range: no node lists more (see `listThreshold`). */
const listedIds = bytesBetween(0, 1024 * idBytes);

interface RangeFields {
  readonly to: unknown;
  readonly fingerprint?: unknown;
  readonly ids?: unknown;
}

/** That ranges follow each other, and that ids grow, the reconciliation checks itself, and counts. */
const idRange: Shape<IdRange> = {
  read(value) {
    const fields = value as RangeFields;
    const end = bound.read(fields.to);
    const to = end.length === 0 ? undefined : end;
    if (Object.hasOwn(fields, "fingerprint"))
      return { type: "fingerprint", to, fingerprint: fingerprint.read(fields.fingerprint) };
    if (Object.hasOwn(fields, "ids")) return { type: "ids", to, ids: listedIds.read(fields.ids) };
    return { type: "skip", to };
  },
  write(range) {
    const to = range.to === undefined ? undefined : bound.write(range.to);
    if (range.type === "fingerprint") return { to, fingerprint: fingerprint.write(range.fingerprint) };
    if (range.type === "ids") return { to, ids: listedIds.write(range.ids) };
    return { to };
  },
  maxFields: 3,
};

const mode = choice<AntiEntropyMode>({ push: 1, pull: 2, "push-pull": 3 });

/** A new message does not compile until it has its line here. */
type KindsOf<Message extends Typed> = {
  readonly [Type in Message["type"]]: Kind<Extract<Message, { type: Type }>>;
};

const introduction: KindsOf<IntroductionMessage> = {
  register: kind<Register>("register", "Register", { nonce: uint64, record: signed(peerRecord) }),
  "call-back": kind<CallBack>("call-back", "CallBack", { nonce: uint64, accused: uint64 }),
  "call-back-reply": kind<CallBackReply>("call-back-reply", "CallBackReply", { nonce: uint64 }),
  registered: kind<Registered>("registered", "Registered", { nonce: uint64, listSize: uint32 }),
  refused: kind<Refused>("refused", "Refused", {
    nonce: uint64,
    reason: choice<Refused["reason"]>({ removed: 1, unreachable: 2, stale: 3, full: 4, invalid: 5 }),
    incarnation: uint64,
  }),
  "list-request": kind<ListRequest>("list-request", "ListRequest", { nonce: uint64 }),
  "peer-list": kind<PeerList>("peer-list", "PeerList", {
    nonce: uint64,
    total: uint32,
    entries: listOf(listEntry, maxListEntries),
  }),
  "dead-report": kind<DeadReportMessage>("dead-report", "DeadReportMessage", { report: signed(deadReport) }),
  leave: kind<LeaveMessage>("leave", "LeaveMessage", { notice: signed(leaveNotice) }),
  "sync-request": kind<SyncRequest>("sync-request", "SyncRequest", { nonce: uint64, fingerprint: uint64 }),
  "sync-same": kind<SyncSame>("sync-same", "SyncSame", { nonce: uint64 }),
  "sync-digest": kind<SyncDigest>("sync-digest", "SyncDigest", {
    nonce: uint64,
    entries: listOf(digestEntry, maxDigestEntries),
  }),
  "sync-want": kind<SyncWant>("sync-want", "SyncWant", {
    nonce: uint64,
    peers: listOf(peer, maxDeltaEntries),
  }),
  "sync-delta": kind<SyncDelta>("sync-delta", "SyncDelta", {
    nonce: uint64,
    entries: listOf(deltaEntry, maxDeltaEntries),
  }),
  "sync-hint": kind<SyncHint>("sync-hint", "SyncHint", {}),
};

const overlay: KindsOf<OverlayMessage> = {
  connect: kind<Connect>("connect", "Connect", {
    since: uint64,
    incarnation: uint64,
    places: oneOf<Connect["places"]>(1, 2),
    isUrgent: flag,
  }),
  accept: kind<Accept>("accept", "Accept", {
    since: uint64,
    incarnation: uint64,
    brings: optional(peer),
  }),
  reject: kind<Reject>("reject", "Reject", {}),
  disconnect: kind<Disconnect>("disconnect", "Disconnect", { instead: optional(peer) }),
  walk: kind<Walk>("walk", "Walk", { origin: peer, hopsLeft: uint32 }),
  "walk-end": kind<WalkEnd>("walk-end", "WalkEnd", {}),
};

const heartbeat: KindsOf<HeartbeatMessage> = {
  ping: kind<Ping>("ping", "Ping", { nonce: uint64 }),
  "ping-reply": kind<PingReply>("ping-reply", "PingReply", {
    nonce: uint64,
    isLinked: flag,
    incarnation: uint64,
    witnesses: listOf(peer, maxWitnesses),
  }),
  "probe-request": kind<ProbeRequest>("probe-request", "ProbeRequest", {
    nonce: uint64,
    suspect: peer,
    wantsMiss: flag,
  }),
  "probe-reply": kind<ProbeReply>("probe-reply", "ProbeReply", { nonce: uint64 }),
  "probe-miss": kind<ProbeMiss>("probe-miss", "ProbeMiss", { nonce: uint64 }),
};

const broadcast: KindsOf<BroadcastMessage> = {
  gossip: kind<Gossip>("gossip", "Gossip", {
    statement: gossipStatement,
    proof,
    hops: unlessZero(atMost(maxHops)),
  }),
  summary: kind<Summary>("summary", "Summary", { count: uint64, fingerprint: uint64, asks: unlessFalse }),
  digest: kind<Digest>("digest", "Digest", { entries: listOf(seenEntry, maxDigestOrigins), isAnswer: flag }),
  call: kind<Call>("call", "Call", { round: uint64, offers: listOf(offer, maxOffers), asks: flag }),
  answer: kind<Answer>("answer", "Answer", {
    round: uint64,
    wanted: listOf(messageId, maxOffers),
    known: listOf(offer, maxOffers),
    offers: listOf(offer, maxOffers),
  }),
  feedback: kind<Feedback>("feedback", "Feedback", {
    round: uint64,
    wanted: listOf(messageId, maxOffers),
    known: listOf(offer, maxOffers),
  }),
  busy: kind<Busy>("busy", "Busy", { round: uint64 }),
  "i-have": kind<IHave>("i-have", "IHave", { messages: listOf(announcement, maxAnnounced, 1) }),
  graft: kind<Graft>("graft", "Graft", {
    sources: listOf(identity, maxTreesNamed),
    isShared: flag,
    wanted: listOf(messageId, maxAnnounced),
  }),
  prune: kind<Prune>("prune", "Prune", { sources: listOf(identity, maxTreesNamed), isShared: flag }),
  "have-you": kind<HaveYou>("have-you", "HaveYou", { nonce: uint64, ...messageIdFields }),
  "have-reply": kind<HaveReply>("have-reply", "HaveReply", { nonce: uint64, has: flag }),
};

const state: KindsOf<AntiEntropyMessage> = {
  compare: kind<Compare>("compare", "Compare", { mode, recent: mapEntries, checksum: fingerprint }),
  compared: kind<Compared>("compared", "Compared", { mode, recent: mapEntries, checksum: fingerprint }),
  ranges: kind<Ranges>("ranges", "Ranges", {
    mode,
    isFromCaller: flag,
    round: atMost(maxReconciliationRounds),
    ranges: listOf(idRange, maxRangesPerMessage),
  }),
  want: kind<Want>("want", "Want", { ids: packedHashes(maxIdsPerMessage) }),
  "request-all": kind<RequestAll>("request-all", "RequestAll", {}),
  entries: kind<Entries>("entries", "Entries", { entries: mapEntries, isPartial: flag }),
};

/** Bytes that are not there when there is nothing to say. */
function unlessEmpty<T>(shape: Shape<T>): Shape<T | undefined> {
  return {
    read: (value) => ((value as ArrayLike<number>).length === 0 ? undefined : shape.read(value)),
    write: (value) => (value === undefined ? undefined : shape.write(value)),
    maxFields: shape.maxFields,
  };
}

const verdictNumbers = { held: 1, wanted: 2, newer: 3, declined: 4 } as const;

const store: KindsOf<StoreMessage> = {
  store: kind<StoreRecord>("store", "StoreRecord", {
    nonce: uint64,
    purpose: choice<StorePurpose>({ put: 1, replica: 2, cache: 3 }),
    record: storedRecord,
    ticket: uint64,
    lifetimeMs: uint64,
  }),
  stored: kind<Stored>("stored", "Stored", { nonce: uint64 }),
  refused: kind<StoreRefused>("refused", "StoreRefused", {
    nonce: uint64,
    reason: choice<Refusal>({
      malformed: 1,
      forged: 2,
      ahead: 3,
      expired: 4,
      superseded: 5,
      promised: 6,
      "too-far": 7,
      full: 8,
      busy: 9,
      leaving: 10,
    }),
    sequence: uint64,
  }),
  fetch: kind<Fetch>("fetch", "Fetch", { nonce: uint64, kind: recordKind, key: recordKey }),
  fetched: kind<Fetched>("fetched", "Fetched", {
    nonce: uint64,
    record: optional(storedRecord),
    isCached: flag,
  }),
  reserve: kind<Reserve>("reserve", "Reserve", {
    nonce: uint64,
    kind: choice<Reserve["kind"]>({ owned: 2, shared: 3 }),
    key: recordKey,
    name: keyText(maxNameLength),
    sequence: uint64,
    ticket: uint64,
  }),
  reserved: kind<Reserved>("reserved", "Reserved", {
    nonce: uint64,
    isGranted: flag,
    promised: uint64,
    held: uint64,
    digest: unlessEmpty(recordKey),
  }),
  offer: kind<OfferRecords>("offer", "OfferRecords", {
    nonce: uint64,
    entries: listOf(
      struct<OfferedRecord>({ kind: recordKind, key: recordKey, sequence: uint64, digest: recordKey }),
      maxOfferedRecords,
    ),
  }),
  offered: kind<Offered>("offered", "Offered", {
    nonce: uint64,
    verdicts: listOf(choice<OfferVerdict>(verdictNumbers), maxOfferedRecords),
  }),
};

const kademliaNodes = listOf(peer, maxNodesPerReply);

const kademlia: KindsOf<KademliaMessage> = {
  ping: kind<KademliaPing>("ping", "KademliaPing", { nonce: uint64 }),
  "ping-reply": kind<KademliaPingReply>("ping-reply", "KademliaPingReply", { nonce: uint64 }),
  "find-node": kind<FindNode>("find-node", "FindNode", { nonce: uint64, key: recordKey }),
  "find-node-reply": kind<FindNodeReply>("find-node-reply", "FindNodeReply", {
    nonce: uint64,
    nodes: kademliaNodes,
  }),
  "find-value": kind<FindValue>("find-value", "FindValue", { nonce: uint64, key: recordKey }),
  "find-value-reply": kind<FindValueReply>("find-value-reply", "FindValueReply", {
    nonce: uint64,
    nodes: kademliaNodes,
    records: listOf(storedRecord, maxRecordsPerReply),
  }),
  leaving: kind<Leaving>("leaving", "KademliaLeaving", {}),
};

const chord: KindsOf<ChordMessage> = {
  "ask-state": kind<AskState>("ask-state", "ChordAskState", { nonce: uint64 }),
  state: kind<ChordState>("state", "ChordState", {
    nonce: uint64,
    predecessor: optional(peer),
    successors: listOf(peer, maxSuccessors),
  }),
  busy: kind<ChordBusy>("busy", "ChordBusy", { nonce: uint64 }),
  notify: kind<Notify>("notify", "ChordNotify", {}),
  "found-ring": kind<FoundRing>("found-ring", "ChordFoundRing", {}),
  ping: kind<ChordPing>("ping", "ChordPing", { nonce: uint64 }),
  pong: kind<ChordPong>("pong", "ChordPong", { nonce: uint64 }),
  hint: kind<Hint>("hint", "ChordHint", { node: peer }),
  route: kind<ChordRoute>("route", "ChordRoute", { nonce: uint64, key: recordKey }),
  routed: kind<Routed>("routed", "ChordRouted", {
    nonce: uint64,
    closer: listOf(peer, maxCloser),
    // The owner itself and its successors.
    owners: listOf(peer, 1 + maxSuccessors),
  }),
  goodbye: kind<Goodbye>("goodbye", "ChordGoodbye", {}),
};

const pastryHops = atMost(maxPastryHops);
const pastryRow = atMost(maxPastryRows);
const pastryLeaves = listOf(peer, maxPastryLeaves);
const pastrySilent = listOf(peer, maxPastrySilent);
const pastryNodes = listOf(peer, maxPastryNodes);

const pastry: KindsOf<PastryMessage> = {
  route: kind<RouteMessage>("route", "PastryRoute", {
    route: uint64,
    hopNonce: uint64,
    origin: peer,
    key: recordKey,
    purpose: choice<RoutePurpose>({ lookup: 1, join: 2 }),
    hops: checked(pastryHops, (hops) => {
      if (hops === 0) throw new MalformedFrame("bad-number", "a route without a hop");
    }),
    isNear: flag,
    isRandomised: flag,
    row: pastryRow,
  }),
  ack: kind<AckMessage>("ack", "PastryAck", { hopNonce: uint64 }),
  passed: kind<PassedMessage>("passed", "PastryPassed", {
    route: uint64,
    hops: pastryHops,
    next: peer,
    silent: pastrySilent,
  }),
  arrived: kind<ArrivedMessage>("arrived", "PastryArrived", {
    route: uint64,
    hops: pastryHops,
    leaves: pastryLeaves,
    silent: pastrySilent,
  }),
  state: kind<StateMessage>("state", "PastryState", {
    route: uint64,
    hops: pastryHops,
    nodes: pastryNodes,
    isRoot: flag,
  }),
  leaves: kind<LeavesMessage>("leaves", "PastryLeaves", {
    nonce: uint64,
    isAnswer: flag,
    version: uint64,
    heard: uint64,
    leaves: pastryLeaves,
  }),
  "ask-row": kind<AskRowMessage>("ask-row", "PastryAskRow", { nonce: uint64, row: pastryRow }),
  row: kind<RowMessage>("row", "PastryRow", { nonce: uint64, row: pastryRow, nodes: pastryNodes }),
  ping: kind<PingMessage>("ping", "PastryPing", { nonce: uint64, isMember: flag }),
  pong: kind<PongMessage>("pong", "PastryPong", { nonce: uint64, isMember: flag }),
  leave: kind<PastryLeaveMessage>("leave", "PastryLeave", { leaves: pastryLeaves }),
};

const walkHops = atMost(maxWalkHops);
const viewEntries = listOf(listEntry, maxShuffle);

const signedRecord = signed(memberRecord);
const signedSuspicion = signed(suspicion);
const signedLeave = signed(leaveNotice);

/** One of three, and exactly one. */
const update: Shape<Update> = {
  read(value) {
    const fields = value as {
      readonly record?: unknown;
      readonly suspicion?: unknown;
      readonly leave?: unknown;
    };
    if (Object.hasOwn(fields, "record")) return signedRecord.read(fields.record);
    if (Object.hasOwn(fields, "suspicion")) return signedSuspicion.read(fields.suspicion);
    if (Object.hasOwn(fields, "leave")) return signedLeave.read(fields.leave);
    throw new MalformedFrame("missing-field", "update");
  },
  write(update) {
    switch (update.statement.type) {
      case "member-record":
        return { record: signedRecord.write(update as Signed<MemberRecord>) };
      case "suspicion":
        return { suspicion: signedSuspicion.write(update as Signed<Suspicion>) };
      case "leave":
        return { leave: signedLeave.write(update as Signed<LeaveNotice>) };
    }
  },
  maxFields: 1 + signedRecord.maxFields,
};
const updates = listOf(update, maxUpdates);

const membership: KindsOf<SwimMessage> = {
  ping: kind<SwimPing>("ping", "SwimPing", { nonce: uint64, updates }),
  ack: kind<SwimAck>("ack", "SwimAck", { nonce: uint64, updates }),
  "ping-request": kind<PingRequest>("ping-request", "SwimPingRequest", {
    nonce: uint64,
    target: peer,
    updates,
  }),
  nack: kind<Nack>("nack", "SwimNack", { nonce: uint64 }),
  gossip: kind<SwimGossip>("gossip", "SwimGossip", { updates }),
  "stream-ping": kind<StreamPing>("stream-ping", "SwimStreamPing", { nonce: uint64, updates }),
  "stream-ack": kind<StreamAck>("stream-ack", "SwimStreamAck", { nonce: uint64, updates }),
  "sync-compare": kind<SyncCompare>("sync-compare", "SwimCompare", {
    nonce: uint64,
    record: signedRecord,
    count: uint32,
    fingerprint: uint64,
  }),
  "sync-equal": kind<SyncEqual>("sync-equal", "SwimEqual", { nonce: uint64 }),
  "sync-digest": kind<SyncDigestMessage>("sync-digest", "SwimDigest", {
    nonce: uint64,
    isAnswer: flag,
    isPartial: flag,
    entries: listOf(
      struct<SyncDigestEntry>({
        member: peer,
        incarnation: uint64,
        state: choice<SyncDigestEntry["state"]>({ alive: 1, suspect: 2, failed: 3, left: 4 }),
      }),
      maxSyncEntries,
    ),
  }),
  "sync-want": kind<SyncWantMembers>("sync-want", "SwimWant", {
    nonce: uint64,
    members: listOf(peer, maxSyncEntries),
  }),
  "sync-updates": kind<SyncUpdates>("sync-updates", "SwimUpdates", {
    nonce: uint64,
    updates: listOf(update, maxSyncUpdates),
  }),
};

const hyparview: KindsOf<HyParViewMessage> = {
  join: kind<Join>("join", "ViewJoin", { since: uint64, incarnation: uint64 }),
  "forward-join": kind<ForwardJoin>("forward-join", "ForwardJoin", {
    newcomer: listEntry,
    hopsLeft: walkHops,
  }),
  neighbor: kind<NeighborRequest>("neighbor", "NeighborRequest", {
    since: uint64,
    incarnation: uint64,
    isHighPriority: flag,
  }),
  "neighbor-reply": kind<NeighborReply>("neighbor-reply", "NeighborReply", {
    since: uint64,
    incarnation: uint64,
    isAccepted: flag,
  }),
  disconnect: kind<ViewDisconnect>("disconnect", "ViewDisconnect", {
    instead: optional(peer),
    isLeaving: flag,
  }),
  shuffle: kind<Shuffle>("shuffle", "ViewShuffle", {
    nonce: uint64,
    origin: peer,
    hopsLeft: walkHops,
    entries: viewEntries,
  }),
  "shuffle-reply": kind<ShuffleReply>("shuffle-reply", "ViewShuffleReply", {
    nonce: uint64,
    entries: viewEntries,
  }),
  "keep-alive": kind<KeepAlive>("keep-alive", "KeepAlive", { nonce: uint64 }),
  "keep-alive-reply": kind<KeepAliveReply>("keep-alive-reply", "KeepAliveReply", {
    nonce: uint64,
    isLinked: flag,
  }),
  optimisation: kind<Optimisation>("optimisation", "Optimisation", {
    nonce: uint64,
    old: peer,
    since: uint64,
    incarnation: uint64,
  }),
  "optimisation-reply": kind<OptimisationReply>("optimisation-reply", "OptimisationReply", {
    nonce: uint64,
    isAccepted: flag,
    since: uint64,
    incarnation: uint64,
  }),
  replace: kind<Replace>("replace", "Replace", { nonce: uint64, old: peer, initiator: peer }),
  "replace-reply": kind<ReplaceReply>("replace-reply", "ReplaceReply", { nonce: uint64, isAccepted: flag }),
  switch: kind<Switch>("switch", "Switch", {
    nonce: uint64,
    initiator: peer,
    since: uint64,
    incarnation: uint64,
  }),
  "switch-reply": kind<SwitchReply>("switch-reply", "SwitchReply", {
    nonce: uint64,
    isAccepted: flag,
    since: uint64,
    incarnation: uint64,
  }),
};

const cyclonEntries = listOf(
  struct<CyclonEntry>({ peer, since: uint64, age: atMost(maxCyclonAge) }),
  maxCyclonEntries,
);

const cyclon: KindsOf<CyclonMessage> = {
  shuffle: kind<CyclonShuffle>("shuffle", "CyclonShuffle", { nonce: uint64, entries: cyclonEntries }),
  "shuffle-reply": kind<CyclonShuffleReply>("shuffle-reply", "CyclonShuffleReply", {
    nonce: uint64,
    entries: cyclonEntries,
  }),
};

/** All kinds that carry a message of a layer. */
export const layers = {
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
};

type AnyKind = Kind<Typed>;

const kindOfType = new Map<string, Map<string, AnyKind>>();
const kindOfCode: ({ readonly layer: string; readonly kind: AnyKind } | undefined)[] = new Array(256).fill(
  undefined,
);

for (const [layer, kinds] of Object.entries(layers)) {
  const entries = Object.entries(kinds) as [string, AnyKind][];
  kindOfType.set(layer, new Map(entries));
  for (const [, kind] of entries) kindOfCode[kind.code] = { layer, kind };
}

/** Undefined where the format has no such message. */
export function kindOfMessage(message: Tagged): AnyKind | undefined {
  return kindOfType.get(message.layer)?.get(message.body.type);
}

/** Undefined for codes of the link itself and for those that nobody uses. */
export function kindWithCode(code: number) {
  return kindOfCode[code];
}
