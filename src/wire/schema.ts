/**
 * The wire format. This text is both its documentation and what the codec is made from: protobufjs parses it at
 * start-up (see `schema-types.ts`), `kinds.ts` adds the limits, docs/wire.md explains.
 *
 * Why a kind byte before the body and not one `Envelope` message with a `oneof`: measured on protobufjs 8.8 and
 * Node 20 with 30 alternatives, microseconds per frame, one gossip of 200 bytes and one ping:
 *
 *                       gossip: encode  decode    ping: encode  decode
 *     kind byte                 0.46    0.34            0.08    0.04
 *     Envelope oneof            0.55    1.12            0.09    0.75
 *
 * (ad-hoc script, medians of 7; protobufjs clears all other alternatives whenever it sets one).
 */
export const schema = `
syntax = "proto3";
package grapevine;

// A frame on a link:
//
//   +------------------------+-------------+---------------------------+
//   | length, 4 bytes,       | kind,       | the message of that kind, |
//   | big-endian             | 1 byte      | protobuf                  |
//   +------------------------+-------------+---------------------------+
//                            |<--------------- length --------------->|

// The kind byte. A number is never used again for something else. What a kind's message is called: the name
// without KIND_, so KIND_SYNC_WANT is SyncWant.
enum Kind {
  KIND_UNSPECIFIED = 0;

  // 1-15: the link itself.
  KIND_HELLO = 1;
  KIND_HELLO_PROOF = 2;

  // 16-47: layer "introduction".
  KIND_REGISTER = 16;
  KIND_CALL_BACK = 17;
  KIND_CALL_BACK_REPLY = 18;
  KIND_REGISTERED = 19;
  KIND_REFUSED = 20;
  KIND_LIST_REQUEST = 21;
  KIND_PEER_LIST = 22;
  KIND_DEAD_REPORT_MESSAGE = 23;
  KIND_LEAVE_MESSAGE = 24;
  KIND_SYNC_REQUEST = 25;
  KIND_SYNC_SAME = 26;
  KIND_SYNC_DIGEST = 27;
  KIND_SYNC_WANT = 28;
  KIND_SYNC_DELTA = 29;
  KIND_SYNC_HINT = 30;

  // 48-63: layer "overlay".
  KIND_CONNECT = 48;
  KIND_ACCEPT = 49;
  KIND_REJECT = 50;
  KIND_DISCONNECT = 51;
  KIND_WALK = 52;
  KIND_WALK_END = 53;

  // 64-79: layer "heartbeat".
  KIND_PING = 64;
  KIND_PING_REPLY = 65;
  KIND_PROBE_REQUEST = 66;
  KIND_PROBE_REPLY = 67;
  KIND_PROBE_MISS = 68;

  // 80-95: layer "broadcast".
  KIND_GOSSIP = 80;
  KIND_SUMMARY = 81;
  KIND_DIGEST = 82;
  KIND_CALL = 83;
  KIND_ANSWER = 84;
  KIND_FEEDBACK = 85;
  KIND_BUSY = 86;
  KIND_I_HAVE = 87;
  KIND_GRAFT = 88;
  KIND_PRUNE = 89;
  KIND_HAVE_YOU = 90;
  KIND_HAVE_REPLY = 91;

  // 96-111: layer "state".
  KIND_COMPARE = 96;
  KIND_COMPARED = 97;
  KIND_RANGES = 98;
  KIND_WANT = 99;
  KIND_REQUEST_ALL = 100;
  KIND_ENTRIES = 101;

  // 160-175: layer "store".
  KIND_STORE_RECORD = 160;
  KIND_STORED = 161;
  KIND_STORE_REFUSED = 162;
  KIND_FETCH = 163;
  KIND_FETCHED = 164;
  KIND_RESERVE = 165;
  KIND_RESERVED = 166;
  KIND_OFFER_RECORDS = 167;
  KIND_OFFERED = 168;

  // 112-127: layer "kademlia".
  KIND_KADEMLIA_PING = 112;
  KIND_KADEMLIA_PING_REPLY = 113;
  KIND_FIND_NODE = 114;
  KIND_FIND_NODE_REPLY = 115;
  KIND_FIND_VALUE = 116;
  KIND_FIND_VALUE_REPLY = 117;
  KIND_KADEMLIA_LEAVING = 118;

  // 128-143: layer "chord".
  KIND_CHORD_ASK_STATE = 128;
  KIND_CHORD_STATE = 129;
  KIND_CHORD_BUSY = 130;
  KIND_CHORD_NOTIFY = 131;
  KIND_CHORD_FOUND_RING = 132;
  KIND_CHORD_PING = 133;
  KIND_CHORD_PONG = 134;
  KIND_CHORD_HINT = 135;
  KIND_CHORD_ROUTE = 136;
  KIND_CHORD_ROUTED = 137;
  KIND_CHORD_GOODBYE = 138;

  // 144-159: layer "pastry".
  KIND_PASTRY_ROUTE = 144;
  KIND_PASTRY_ACK = 145;
  KIND_PASTRY_PASSED = 146;
  KIND_PASTRY_ARRIVED = 147;
  KIND_PASTRY_STATE = 148;
  KIND_PASTRY_LEAVES = 149;
  KIND_PASTRY_ASK_ROW = 150;
  KIND_PASTRY_ROW = 151;
  KIND_PASTRY_PING = 152;
  KIND_PASTRY_PONG = 153;
  KIND_PASTRY_LEAVE = 154;

  // 176-191: layer "membership".
  KIND_SWIM_PING = 176;
  KIND_SWIM_ACK = 177;
  KIND_SWIM_PING_REQUEST = 178;
  KIND_SWIM_NACK = 179;
  KIND_SWIM_GOSSIP = 180;
  KIND_SWIM_STREAM_PING = 181;
  KIND_SWIM_STREAM_ACK = 182;
  KIND_SWIM_COMPARE = 183;
  KIND_SWIM_EQUAL = 184;
  KIND_SWIM_DIGEST = 185;
  KIND_SWIM_WANT = 186;
  KIND_SWIM_UPDATES = 187;

  // 192-207: layer "hyparview".
  KIND_VIEW_JOIN = 192;
  KIND_FORWARD_JOIN = 193;
  KIND_NEIGHBOR_REQUEST = 194;
  KIND_NEIGHBOR_REPLY = 195;
  KIND_VIEW_DISCONNECT = 196;
  KIND_VIEW_SHUFFLE = 197;
  KIND_VIEW_SHUFFLE_REPLY = 198;
  KIND_KEEP_ALIVE = 199;
  KIND_KEEP_ALIVE_REPLY = 200;
  KIND_OPTIMISATION = 201;
  KIND_OPTIMISATION_REPLY = 202;
  KIND_REPLACE = 203;
  KIND_REPLACE_REPLY = 204;
  KIND_SWITCH = 205;
  KIND_SWITCH_REPLY = 206;

  // 208-215: layer "cyclon".
  KIND_CYCLON_SHUFFLE = 208;
  KIND_CYCLON_SHUFFLE_REPLY = 209;

  // 112-239: later layers, sixteen each. 240-255: private experiments, never in a release.
}

// ---- Shared parts -----------------------------------------------------------------------------------------

// A node: "id@host:port".
message Contact {
  // The first 160 bits of SHA-256 of its public key; empty for "whoever answers there". No message of today has
  // a place where that would make sense.
  bytes id = 1;
  // An IPv4 address, an IPv6 address without brackets, or a host name.
  string host = 2;
  // 1 to 65535.
  uint32 port = 3;
}

// All uint64 are at most 2^53 - 1, so that they are exact in every language.

// Signed by \`peer\`. Higher (incarnation, version) replaces lower.
message PeerRecord {
  Contact peer = 1;
  uint64 incarnation = 2;
  uint64 version = 3;
  uint64 since = 4; // milliseconds since 1970, by the peer's clock
  repeated Contact neighbors = 5; // at most 32
}

// Signed by \`reporter\`.
message DeadReport {
  Contact suspect = 1;
  uint64 incarnation = 2;
  uint64 at = 3;
  Contact reporter = 4;
}

// Signed by \`peer\`.
message LeaveNotice {
  Contact peer = 1;
  uint64 incarnation = 2;
  uint64 at = 3;
}

// A proof is at most 256 bytes: whatever the cluster's signatures need (public key, token, signature).
message SignedPeerRecord {
  PeerRecord statement = 1;
  bytes proof = 2;
}
message SignedDeadReport {
  DeadReport statement = 1;
  bytes proof = 2;
}
message SignedLeaveNotice {
  LeaveNotice statement = 1;
  bytes proof = 2;
}

// Signed by \`member\`. A higher incarnation replaces a lower one.
message MemberRecord {
  Contact member = 1;
  uint64 incarnation = 2;
  uint64 since = 3;
  Role role = 4;
  repeated Tag tags = 5; // at most 16, with at most 512 bytes of text together

  enum Role {
    ROLE_UNSPECIFIED = 0;
    ROLE_SEED = 1;
    ROLE_PEER = 2;
  }
}
message Tag {
  string name = 1; // at most 128 printable characters
  string value = 2; // likewise
}

// Signed by \`accuser\`.
message Suspicion {
  Contact suspect = 1;
  uint64 incarnation = 2;
  Contact accuser = 3;
  uint64 at = 4;
}
message SignedMemberRecord {
  MemberRecord statement = 1;
  bytes proof = 2;
}
message SignedSuspicion {
  Suspicion statement = 1;
  bytes proof = 2;
}

// ---- The link itself, before any other frame; only where TLS does not prove the key -------------------------

message Hello {
  uint32 version = 1; // of this format: 1
  string cluster = 2; // at most 64 printable characters
  string host = 3; // where the sender listens
  uint32 port = 4;
  bytes public_key = 5; // Ed25519, 32 bytes
  bytes token = 6; // membership token of the cluster: 64 bytes or none
  bytes challenge = 7; // 16 to 32 fresh random bytes
  Role role = 8;
  string name = 9; // for people; at most 64 printable characters
  string profile = 10; // at most 16 printable characters; empty: classic

  enum Role {
    ROLE_UNSPECIFIED = 0;
    ROLE_SEED = 1;
    ROLE_PEER = 2;
  }
}

message HelloProof {
  bytes signature = 1; // Ed25519, 64 bytes, over "grapevine hello 1\\n" and a HelloStatement
}

// Never sent, only signed: "I, who own the key in \`prover\`, answer this challenge of the owner of that key".
message HelloStatement {
  Hello prover = 1;
  bytes challenge = 2; // of the other side's Hello
  bytes challenger = 3; // the other side's public key
}

// ---- Layer "introduction" ---------------------------------------------------------------------------------

message Register {
  uint64 nonce = 1;
  SignedPeerRecord record = 2;
}
message CallBack {
  uint64 nonce = 1;
  uint64 accused = 2;
}
message CallBackReply {
  uint64 nonce = 1;
}
message Registered {
  uint64 nonce = 1;
  uint32 list_size = 2;
}
message Refused {
  uint64 nonce = 1;
  Reason reason = 2;
  uint64 incarnation = 3;

  enum Reason {
    REASON_UNSPECIFIED = 0;
    REASON_REMOVED = 1;
    REASON_UNREACHABLE = 2;
    REASON_STALE = 3;
    REASON_FULL = 4;
    REASON_INVALID = 5;
  }
}
message ListRequest {
  uint64 nonce = 1;
}
message ListEntry {
  Contact peer = 1;
  uint64 since = 2;
}
message PeerList {
  uint64 nonce = 1;
  uint32 total = 2;
  repeated ListEntry entries = 3; // at most 256
}
message DeadReportMessage {
  SignedDeadReport report = 1;
}
message LeaveMessage {
  SignedLeaveNotice notice = 1;
}
message SyncRequest {
  uint64 nonce = 1;
  uint64 fingerprint = 2;
}
message SyncSame {
  uint64 nonce = 1;
}
message DigestEntry {
  Contact peer = 1;
  uint64 incarnation = 2;
  uint64 version = 3;
  State state = 4;

  enum State {
    STATE_UNSPECIFIED = 0;
    STATE_LISTED = 1;
    STATE_ACCUSED = 2;
    STATE_REMOVED = 3;
  }
}
message SyncDigest {
  uint64 nonce = 1;
  repeated DigestEntry entries = 2; // at most 20,000
}
message SyncWant {
  uint64 nonce = 1;
  repeated Contact peers = 2; // at most 128
}
message DeltaEntry {
  SignedPeerRecord record = 1; // optional
  repeated SignedDeadReport reports = 2; // at most 32
  SignedLeaveNotice leave = 3; // optional
}
message SyncDelta {
  uint64 nonce = 1;
  repeated DeltaEntry entries = 2; // at most 128
}
message SyncHint {}

// ---- Layer "overlay" --------------------------------------------------------------------------------------

message Connect {
  uint64 since = 1;
  uint64 incarnation = 2;
  uint32 places = 3; // 1 or 2
  bool is_urgent = 4;
}
message Accept {
  uint64 since = 1;
  uint64 incarnation = 2;
  Contact brings = 3; // optional
}
message Reject {}
message Disconnect {
  Contact instead = 1; // optional
}
message Walk {
  Contact origin = 1;
  uint32 hops_left = 2;
}
message WalkEnd {}

// ---- Layer "heartbeat" ------------------------------------------------------------------------------------

message Ping {
  uint64 nonce = 1;
}
message PingReply {
  uint64 nonce = 1;
  bool is_linked = 2;
  uint64 incarnation = 3;
  repeated Contact witnesses = 4; // at most 8
}
message ProbeRequest {
  uint64 nonce = 1;
  Contact suspect = 2;
  bool wants_miss = 3;
}
message ProbeReply {
  uint64 nonce = 1;
}
message ProbeMiss {
  uint64 nonce = 1;
}

// ---- Layer "broadcast" ----------------------------------------------------------------------------------------

// At most 64 KiB; a text is well-formed UTF-8.
message Payload {
  oneof content {
    string text = 1;
    bytes bytes = 2;
  }
}

// Signed by \`origin\`: its messages \`sequence\`, \`sequence\` + 1, ...
message GossipStatement {
  Contact origin = 1;
  uint64 incarnation = 2;
  uint64 sequence = 3;
  uint64 at = 4;
  repeated Payload payloads = 5; // 1 to 64, together at most 512 KiB
  uint32 priority = 6; // at most 255
  string topic = 7; // at most 64 units of UTF-16, printable; missing or empty: none
}
message Gossip {
  GossipStatement statement = 1;
  bytes proof = 2;
  uint32 hops = 3; // at most 255; 0 where nobody counts. Each relay counts on: it is not signed
}
message Summary {
  uint64 count = 1;
  uint64 fingerprint = 2;
  bool asks = 3;
}
message SeenEntry {
  Contact origin = 1;
  uint64 incarnation = 2;
  repeated uint64 ranges = 3; // from, to, from, to, ...: at most 64 pairs, growing, with gaps between them
}
message Digest {
  repeated SeenEntry entries = 1; // at most 4096
  bool is_answer = 2;
}
// Names a gossip by its first message.
message MessageId {
  Contact origin = 1;
  uint64 incarnation = 2;
  uint64 sequence = 3;
}
message Offer {
  Contact origin = 1;
  uint64 incarnation = 2;
  uint64 sequence = 3;
  uint32 level = 4; // at most 255
  uint32 age_rounds = 5; // at most 65535
}
message Call {
  uint64 round = 1;
  repeated Offer offers = 2; // at most 256
  bool asks = 3;
}
message Answer {
  uint64 round = 1;
  repeated MessageId wanted = 2; // at most 256
  repeated Offer known = 3; // at most 256
  repeated Offer offers = 4; // at most 256
}
message Feedback {
  uint64 round = 1;
  repeated MessageId wanted = 2; // at most 256
  repeated Offer known = 3; // at most 256
}
message Busy {
  uint64 round = 1;
}
message Announcement {
  Contact origin = 1;
  uint64 incarnation = 2;
  uint64 sequence = 3;
  uint32 hops = 4; // at most 255; 0 where nobody counts
}
message IHave {
  repeated Announcement messages = 1; // 1 to 256
}
// Trees are named by the ids of their sources, 20 bytes each; the one of all quiet sources is shared.
message Graft {
  repeated bytes sources = 1; // at most 256
  bool is_shared = 2;
  repeated MessageId wanted = 3; // at most 256
}
message Prune {
  repeated bytes sources = 1; // at most 256
  bool is_shared = 2;
}
message HaveYou {
  uint64 nonce = 1;
  Contact origin = 2;
  uint64 incarnation = 3;
  uint64 sequence = 4;
}
message HaveReply {
  uint64 nonce = 1;
  bool has = 2;
}

// ---- Layer "state" --------------------------------------------------------------------------------------------

// A site is the id of a node, 20 bytes.
message Timestamp {
  uint64 time = 1; // milliseconds since 1970, by the site's clock
  bytes site = 2;
}
// Signed by the site of the timestamp.
message WriteStatement {
  string key = 1; // 1 to 256 units of UTF-16
  Payload value = 2; // missing in a deletion
  Timestamp timestamp = 3;
  repeated bytes retention = 4; // of a deletion: at most 16 sites
}
// A value, or a death certificate: that one has no value but an activation.
message MapEntry {
  string key = 1;
  Payload value = 2;
  Timestamp timestamp = 3;
  repeated bytes retention = 4;
  Timestamp activation = 5;
  bytes proof = 6;
}
enum Mode {
  MODE_UNSPECIFIED = 0;
  MODE_PUSH = 1;
  MODE_PULL = 2;
  MODE_PUSH_PULL = 3;
}
message Compare {
  Mode mode = 1;
  repeated MapEntry recent = 2; // at most 1024
  bytes checksum = 3; // 16 bytes
}
message Compared {
  Mode mode = 1;
  repeated MapEntry recent = 2; // at most 1024
  bytes checksum = 3; // 16 bytes
}
// From where the range before it ends to below \`to\`: at most 32 bytes, with zeros understood behind them; none for
// the end of all ids. Without content there is nothing more to say of it.
message IdRange {
  bytes to = 1;
  oneof content {
    bytes fingerprint = 2; // 16 bytes
    bytes ids = 3; // of 32 bytes each, growing, at most 1024
  }
}
message Ranges {
  Mode mode = 1;
  bool is_from_caller = 2;
  uint32 round = 3; // at most 4096
  repeated IdRange ranges = 4; // at most 16,384, up to the end of all ids
}
message Want {
  repeated bytes ids = 1; // pieces of at most 1024 ids of 32 bytes each: at most 16
}
message RequestAll {}
message Entries {
  repeated MapEntry entries = 1; // at most 1024
  bool is_partial = 2;
}

// ---- Records, and layer "store" -------------------------------------------------------------------------------

enum RecordKind {
  RECORD_KIND_UNSPECIFIED = 0;
  RECORD_KIND_IMMUTABLE = 1;
  RECORD_KIND_OWNED = 2;
  RECORD_KIND_SHARED = 3;
}
// Signed by \`writer\`, unless it is immutable: then there is no writer and no name, and the sequence is 0.
message RecordStatement {
  RecordKind kind = 1;
  bytes key = 2; // 20 bytes
  string name = 3; // 1 to 256 units of UTF-16
  bool is_deleted = 4; // then there is no value
  bytes value = 5; // at most 64 KiB
  uint64 sequence = 6;
  bytes writer = 7; // 20 bytes: the id of a node
  uint64 written_at = 8; // milliseconds since 1970, by the writer's clock
  uint64 lifetime_ms = 9;
}
message StoredRecord {
  RecordStatement statement = 1;
  bytes proof = 2;
}
message StoreRecord {
  uint64 nonce = 1;
  Purpose purpose = 2;
  StoredRecord record = 3;
  uint64 ticket = 4;
  uint64 lifetime_ms = 5;

  enum Purpose {
    PURPOSE_UNSPECIFIED = 0;
    PURPOSE_PUT = 1;
    PURPOSE_REPLICA = 2;
    PURPOSE_CACHE = 3;
  }
}
message Stored {
  uint64 nonce = 1;
}
message StoreRefused {
  uint64 nonce = 1;
  Reason reason = 2;
  uint64 sequence = 3;

  enum Reason {
    REASON_UNSPECIFIED = 0;
    REASON_MALFORMED = 1;
    REASON_FORGED = 2;
    REASON_AHEAD = 3;
    REASON_EXPIRED = 4;
    REASON_SUPERSEDED = 5;
    REASON_PROMISED = 6;
    REASON_TOO_FAR = 7;
    REASON_FULL = 8;
    REASON_BUSY = 9;
    REASON_LEAVING = 10;
  }
}
message Fetch {
  uint64 nonce = 1;
  RecordKind kind = 2;
  bytes key = 3;
}
message Fetched {
  uint64 nonce = 1;
  StoredRecord record = 2; // optional
  bool is_cached = 3;
}
message Reserve {
  uint64 nonce = 1;
  RecordKind kind = 2; // owned or shared
  bytes key = 3;
  uint64 sequence = 4;
  uint64 ticket = 5;
  string name = 6; // 1 to 256 units of UTF-16
}
message Reserved {
  uint64 nonce = 1;
  bool is_granted = 2;
  uint64 promised = 3;
  uint64 held = 4;
  bytes digest = 5; // 20 bytes, or none
}
message OfferedRecord {
  RecordKind kind = 1;
  bytes key = 2;
  uint64 sequence = 3;
  bytes digest = 4;
}
message OfferRecords {
  uint64 nonce = 1;
  repeated OfferedRecord entries = 2; // at most 128
}
message Offered {
  uint64 nonce = 1;
  repeated Verdict verdicts = 2; // at most 128

  enum Verdict {
    VERDICT_UNSPECIFIED = 0;
    VERDICT_HELD = 1;
    VERDICT_WANTED = 2;
    VERDICT_NEWER = 3;
    VERDICT_DECLINED = 4;
  }
}

// ---- Layer "kademlia" -------------------------------------------------------------------------------------

message KademliaPing {
  uint64 nonce = 1;
}
message KademliaPingReply {
  uint64 nonce = 1;
}
message FindNode {
  uint64 nonce = 1;
  bytes key = 2; // 20 bytes
}
message FindNodeReply {
  uint64 nonce = 1;
  repeated Contact nodes = 2; // at most 32
}
message FindValue {
  uint64 nonce = 1;
  bytes key = 2; // 20 bytes
}
message FindValueReply {
  uint64 nonce = 1;
  repeated Contact nodes = 2; // at most 32
  repeated StoredRecord records = 3; // at most 4
}
message KademliaLeaving {
}

// ---- Layer "chord" ----------------------------------------------------------------------------------------

message ChordAskState {
  uint64 nonce = 1;
}
message ChordState {
  uint64 nonce = 1;
  Contact predecessor = 2;
  repeated Contact successors = 3; // at most 64
}
message ChordBusy {
  uint64 nonce = 1;
}
message ChordNotify {
}
message ChordFoundRing {
}
message ChordPing {
  uint64 nonce = 1;
}
message ChordPong {
  uint64 nonce = 1;
}
message ChordHint {
  Contact node = 1;
}
message ChordRoute {
  uint64 nonce = 1;
  bytes key = 2; // 20 bytes
}
message ChordRouted {
  uint64 nonce = 1;
  repeated Contact closer = 2; // at most 64
  repeated Contact owners = 3; // at most 65
}
message ChordGoodbye {
}

// ---- Layer "pastry" ---------------------------------------------------------------------------------------

message PastryRoute {
  enum Purpose {
    PURPOSE_UNSPECIFIED = 0;
    PURPOSE_LOOKUP = 1;
    PURPOSE_JOIN = 2;
  }
  uint64 route = 1;
  uint64 hop_nonce = 2;
  Contact origin = 3;
  bytes key = 4; // 20 bytes
  Purpose purpose = 5;
  uint32 hops = 6; // 1 to 128
  bool is_near = 7;
  bool is_randomised = 8;
  uint32 row = 9; // at most 160
}
message PastryAck {
  uint64 hop_nonce = 1;
}
message PastryPassed {
  uint64 route = 1;
  uint32 hops = 2; // at most 128
  Contact next = 3;
  repeated Contact silent = 4; // at most 16
}
message PastryArrived {
  uint64 route = 1;
  uint32 hops = 2; // at most 128
  repeated Contact leaves = 3; // at most 64
  repeated Contact silent = 4; // at most 16
}
message PastryState {
  uint64 route = 1;
  uint32 hops = 2; // at most 128
  repeated Contact nodes = 3; // at most 256
  bool is_root = 4;
}
message PastryLeaves {
  uint64 nonce = 1;
  bool is_answer = 2;
  uint64 version = 3;
  uint64 heard = 4;
  repeated Contact leaves = 5; // at most 64
}
message PastryAskRow {
  uint64 nonce = 1;
  uint32 row = 2; // at most 160
}
message PastryRow {
  uint64 nonce = 1;
  uint32 row = 2; // at most 160
  repeated Contact nodes = 3; // at most 256
}
message PastryPing {
  uint64 nonce = 1;
  bool is_member = 2;
}
message PastryPong {
  uint64 nonce = 1;
  bool is_member = 2;
}
message PastryLeave {
  repeated Contact leaves = 1; // at most 64
}

// ---- Layer "membership" -----------------------------------------------------------------------------------

message Update {
  oneof content {
    SignedMemberRecord record = 1;
    SignedSuspicion suspicion = 2;
    SignedLeaveNotice leave = 3;
  }
}
message SwimPing {
  uint64 nonce = 1;
  repeated Update updates = 2; // at most 64, as in all messages but SwimUpdates
}
message SwimAck {
  uint64 nonce = 1;
  repeated Update updates = 2;
}
message SwimPingRequest {
  uint64 nonce = 1;
  Contact target = 2;
  repeated Update updates = 3;
}
message SwimNack {
  uint64 nonce = 1;
}
message SwimGossip {
  repeated Update updates = 1;
}
message SwimStreamPing {
  uint64 nonce = 1;
  repeated Update updates = 2;
}
message SwimStreamAck {
  uint64 nonce = 1;
  repeated Update updates = 2;
}
message SwimCompare {
  uint64 nonce = 1;
  SignedMemberRecord record = 2;
  uint32 count = 3;
  uint64 fingerprint = 4;
}
message SwimEqual {
  uint64 nonce = 1;
}
message SwimDigestEntry {
  Contact member = 1;
  uint64 incarnation = 2;
  State state = 3;

  enum State {
    STATE_UNSPECIFIED = 0;
    STATE_ALIVE = 1;
    STATE_SUSPECT = 2;
    STATE_FAILED = 3;
    STATE_LEFT = 4;
  }
}
message SwimDigest {
  uint64 nonce = 1;
  bool is_answer = 2;
  bool is_partial = 3;
  repeated SwimDigestEntry entries = 4; // at most 4096
}
message SwimWant {
  uint64 nonce = 1;
  repeated Contact members = 2; // at most 4096
}
message SwimUpdates {
  uint64 nonce = 1;
  repeated Update updates = 2; // at most 512
}

// ---- Layer "hyparview" ------------------------------------------------------------------------------------

message ViewJoin {
  uint64 since = 1;
  uint64 incarnation = 2;
}
message ForwardJoin {
  ListEntry newcomer = 1;
  uint32 hops_left = 2; // at most 16
}
message NeighborRequest {
  uint64 since = 1;
  uint64 incarnation = 2;
  bool is_high_priority = 3;
}
message NeighborReply {
  uint64 since = 1;
  uint64 incarnation = 2;
  bool is_accepted = 3;
}
message ViewDisconnect {
  Contact instead = 1; // optional
  bool is_leaving = 2;
}
message ViewShuffle {
  uint64 nonce = 1;
  Contact origin = 2;
  uint32 hops_left = 3; // at most 16
  repeated ListEntry entries = 4; // at most 32
}
message ViewShuffleReply {
  uint64 nonce = 1;
  repeated ListEntry entries = 2; // at most 32
}
message KeepAlive {
  uint64 nonce = 1;
}
message KeepAliveReply {
  uint64 nonce = 1;
  bool is_linked = 2;
}
message Optimisation {
  uint64 nonce = 1;
  Contact old = 2;
  uint64 since = 3;
  uint64 incarnation = 4;
}
message OptimisationReply {
  uint64 nonce = 1;
  bool is_accepted = 2;
  uint64 since = 3;
  uint64 incarnation = 4;
}
message Replace {
  uint64 nonce = 1;
  Contact old = 2;
  Contact initiator = 3;
}
message ReplaceReply {
  uint64 nonce = 1;
  bool is_accepted = 2;
}
message Switch {
  uint64 nonce = 1;
  Contact initiator = 2;
  uint64 since = 3;
  uint64 incarnation = 4;
}
message SwitchReply {
  uint64 nonce = 1;
  bool is_accepted = 2;
  uint64 since = 3;
  uint64 incarnation = 4;
}

// ---- Layer "cyclon" ---------------------------------------------------------------------------------------

message CyclonEntry {
  Contact peer = 1;
  uint64 since = 2;
  uint32 age = 3; // at most 65535
}
message CyclonShuffle {
  uint64 nonce = 1;
  repeated CyclonEntry entries = 2; // at most 32
}
message CyclonShuffleReply {
  uint64 nonce = 1;
  repeated CyclonEntry entries = 2; // at most 32
}
`;
