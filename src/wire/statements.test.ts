import { describe, expect, test } from "vitest";
import { type RecordStatement, UsageError } from "../core/index.ts";
import type { WriteStatement } from "../dissemination/anti-entropy-messages.ts";
import type { GossipStatement } from "../dissemination/messages.ts";
import type { DeadReport, LeaveNotice, PeerRecord } from "../membership/messages.ts";
import type { MemberRecord, Suspicion } from "../membership/swim-messages.ts";
import { Codec } from "./codec.ts";
import { decodeHello, encodeHello, type Hello } from "./hello.ts";
import { encodeHelloStatement, encodeStatement, type Statement } from "./statements.ts";

const first = `${"01".repeat(20)}@10.0.0.1:9000`;
const second = `${"fe".repeat(20)}@[::1]:80`;
const record: PeerRecord = {
  type: "peer-record",
  peer: first,
  incarnation: 1_700_000_000_000,
  version: 0,
  since: 300,
  neighbors: [second, first],
};
const report: DeadReport = { type: "dead-report", suspect: first, incarnation: 1, at: 2, reporter: second };
const leave: LeaveNotice = { type: "leave", peer: first, incarnation: 1, at: 2 };
const member: MemberRecord = {
  type: "member-record",
  member: first,
  incarnation: 1,
  since: 300,
  role: "peer",
  tags: [["k", "v"]],
};
const suspicion: Suspicion = { type: "suspicion", suspect: first, incarnation: 1, accuser: second, at: 2 };
const gossip: GossipStatement = {
  type: "gossip",
  origin: first,
  incarnation: 1,
  sequence: 128,
  at: 2,
  payloads: ["hé", new Uint8Array([0, 255]), ""],
};
const write: WriteStatement = {
  type: "write",
  key: "k",
  value: "v",
  timestamp: { time: 300, site: "01".repeat(20) },
  retention: [],
};
const deletion: WriteStatement = { ...write, value: undefined, retention: ["fe".repeat(20)] };

const stored: RecordStatement = {
  type: "record",
  kind: "owned",
  key: "01".repeat(20),
  name: "k",
  value: new Uint8Array([118]),
  sequence: 300,
  writer: "fe".repeat(20),
  writtenAt: 2,
  lifetimeMs: 1000,
};
const forgotten: RecordStatement = { ...stored, value: undefined };

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const text = (words: string) => Buffer.from(words).toString("hex");
const firstHex = `0a14${"01".repeat(20)}1208${text("10.0.0.1")}18a846`;
const secondHex = `0a14${"fe".repeat(20)}1203${text("::1")}1850`;

describe("canonical statements", () => {
  // Signatures that were made yesterday must hold tomorrow: these bytes may never change.
  test.each<[string, Statement, string]>([
    [
      "peer-record",
      record,
      `${text("grapevine peer-record 1\n")}0a23${firstHex}1080d095ffbc3120ac022a1d${secondHex}2a23${firstHex}`,
    ],
    ["dead-report", report, `${text("grapevine dead-report 1\n")}0a23${firstHex}10011802221d${secondHex}`],
    ["leave", leave, `${text("grapevine leave 1\n")}0a23${firstHex}10011802`],
    [
      "member-record",
      member,
      `${text("grapevine member-record 1\n")}0a23${firstHex}100118ac0220022a060a01${text("k")}1201${text("v")}`,
    ],
    ["suspicion", suspicion, `${text("grapevine suspicion 1\n")}0a23${firstHex}10011a1d${secondHex}2002`],
    [
      "gossip",
      gossip,
      `${text("grapevine gossip 1\n")}0a23${firstHex}100118800120022a050a03${text("hé")}2a04120200ff2a020a00`,
    ],
    [
      "gossip, with a topic",
      { ...gossip, payloads: ["h"], topic: "t" },
      `${text("grapevine gossip 1\n")}0a23${firstHex}100118800120022a030a01${text("h")}3a01${text("t")}`,
    ],
    [
      "write",
      write,
      `${text("grapevine write 1\n")}0a01${text("k")}12030a01${text("v")}1a1908ac021214${"01".repeat(20)}`,
    ],
    [
      "write, of a deletion",
      deletion,
      `${text("grapevine write 1\n")}0a01${text("k")}1a1908ac021214${"01".repeat(20)}2214${"fe".repeat(20)}`,
    ],
    [
      "record",
      stored,
      `${text("grapevine record 1\n")}08021214${"01".repeat(20)}1a01${text("k")}2a017630ac023a14${"fe".repeat(20)}400248e807`,
    ],
    [
      "record, of a deletion",
      forgotten,
      `${text("grapevine record 1\n")}08021214${"01".repeat(20)}1a01${text("k")}200130ac023a14${"fe".repeat(20)}400248e807`,
    ],
  ])("%s", (_type, statement, expected) => {
    expect(hex(encodeStatement(statement))).toBe(expected);
  });

  test("are the same after a journey, though the frame was written in another order", () => {
    const codec = new Codec();
    const proof = new Uint8Array(64);
    const frame = codec.encode({
      layer: "broadcast",
      body: { type: "gossip", ...{ statement: gossip, proof } },
    });
    // The statement's fields backwards, as another implementation might have them.
    const fields = [`0a23${firstHex}`, "1001", "188001", "2002"].reverse();
    const payloads = `2a050a03${text("hé")}2a04120200ff2a020a00`;
    const statement = payloads + fields.join("");
    const backwards = Buffer.from(
      `${hex(frame.subarray(4, 5))}0a${(statement.length / 2).toString(16)}${statement}`,
      "hex",
    );
    const { body } = codec.decode(backwards) as unknown as { body: { statement: GossipStatement } };
    expect(body.statement).toEqual(gossip);
    expect(encodeStatement(body.statement)).toEqual(encodeStatement(gossip));
  });

  test("differ whenever the statements differ, in type too", () => {
    const variants: Statement[] = [
      record,
      write,
      deletion,
      { ...write, key: "l" },
      { ...write, value: new Uint8Array([118]) },
      { ...write, timestamp: { ...write.timestamp, time: 301 } },
      { ...write, timestamp: { ...write.timestamp, site: "02".repeat(20) } },
      stored,
      forgotten,
      { ...stored, value: new Uint8Array(0) },
      { ...stored, kind: "shared" },
      { ...stored, name: "l" },
      { ...stored, key: "02".repeat(20) },
      { ...stored, sequence: 301 },
      { ...stored, writtenAt: 3 },
      { ...stored, lifetimeMs: 1001 },
      { ...record, version: 1 },
      { ...record, neighbors: [first, second] },
      { ...record, neighbors: [] },
      report,
      { ...report, suspect: second, reporter: first },
      { ...report, incarnation: 2, at: 1 },
      leave,
      { ...leave, peer: second },
      member,
      { ...member, member: second },
      { ...member, role: "seed" },
      { ...member, tags: [] },
      { ...member, tags: [["v", "k"]] },
      suspicion,
      { ...suspicion, suspect: second, accuser: first },
      { ...suspicion, incarnation: 2 },
      gossip,
      { ...gossip, payloads: ["h", "é", new Uint8Array([0, 255]), ""] },
      { ...gossip, payloads: [new TextEncoder().encode("hé"), new Uint8Array([0, 255]), ""] },
      { ...gossip, payloads: ["hé", new Uint8Array([0, 255])] },
      { ...gossip, topic: "t" },
      { ...gossip, topic: "u" },
    ];
    expect(new Set(variants.map((statement) => hex(encodeStatement(statement)))).size).toBe(variants.length);
  });

  test("a statement that could not be sent cannot be signed", () => {
    expect(() => encodeStatement({ ...gossip, payloads: [] })).toThrow(UsageError);
    expect(() => encodeStatement({ ...leave, peer: 3 })).toThrow(UsageError);
    expect(() => encodeStatement({ ...leave, at: -1 })).toThrow(UsageError);
  });
});

describe("the statement of a hello-proof", () => {
  const hello = (fill: number): Hello => ({
    type: "hello",
    version: 1,
    cluster: "c",
    host: "10.0.0.1",
    port: 9000 + fill,
    publicKey: new Uint8Array(32).fill(fill),
    token: new Uint8Array(0),
    challenge: new Uint8Array(16).fill(fill),
    role: "peer",
    name: "",
    profile: "",
  });

  test("is what both ends make of the two hellos", () => {
    const [mine, yours] = [hello(1), hello(2)];
    const received = decodeHello(encodeHello(mine).subarray(4));
    expect(encodeHelloStatement(received, yours)).toEqual(encodeHelloStatement(mine, yours));
    expect(hex(encodeHelloStatement(mine, yours))).toBe(
      `${text("grapevine hello 1\n")}0a4808011201631a08${text("10.0.0.1")}20a946` +
        `2a20${"01".repeat(32)}3a10${"01".repeat(16)}40021210${"02".repeat(16)}1a20${"02".repeat(32)}`,
    );
  });

  test("is no answer to another challenge, of another challenger, or by another prover", () => {
    const statements = [
      encodeHelloStatement(hello(1), hello(2)),
      encodeHelloStatement(hello(2), hello(1)),
      encodeHelloStatement(hello(1), { ...hello(2), challenge: new Uint8Array(16).fill(9) }),
      encodeHelloStatement(hello(1), { ...hello(2), publicKey: new Uint8Array(32).fill(9) }),
      encodeHelloStatement({ ...hello(1), port: 1 }, hello(2)),
    ];
    expect(new Set(statements.map(hex)).size).toBe(statements.length);
  });
});
