import { describe, expect, test } from "vitest";
import type { NodeId } from "../core/index.ts";
import {
  type AnyNotice,
  escapeText,
  LogLines,
  localTime,
  logLine,
  shortContact,
  showPayload,
} from "./log-lines.ts";

const self = `${"a".repeat(40)}@127.0.0.1:9001`;
const other = `${"0123456789abcdef".repeat(3).slice(0, 40)}@127.0.0.1:9002`;
const third = `${"c".repeat(40)}@10.0.0.3:9003`;
const seed = "@127.0.0.1:8080";
const node = { name: "peer-1", role: "peer", contact: self as NodeId };
const at = new Date(2026, 1, 26, 19, 39, 24, 7).getTime();

function say(notice: AnyNotice, pings = false): string | undefined {
  return logLine(at, "any", notice, node, { pings })?.text;
}

describe("what the documents list is in the log", () => {
  test("every first receipt has the local time, the neighbor that it came from, and the text", () => {
    const text = "1772131164007:127.0.0.1:3";
    const delivered = {
      type: "delivered",
      origin: third,
      incarnation: 1,
      sequence: 3,
      at: 5,
      payload: text,
      from: other,
    } as const;
    expect(say(delivered)).toBe(
      `2026-02-26 19:39:24.007 Gossip from 01234567@127.0.0.1:9002, message 3 of cccccccc@10.0.0.3:9003: ${text}`,
    );
  });

  test("a peer reports a dead node in the exact text", () => {
    const line = say({ type: "dead-node", suspect: other, at: 1_772_131_164_007, reporter: self, misses: 3 });
    expect(line).toContain(" Dead Node:127.0.0.1:9002:1772131164007:127.0.0.1 ");
  });

  test("a seed shows a dead-node notice in the exact text, by whom, and how many of how many required", () => {
    const line = say({
      type: "dead-report-received",
      suspect: other,
      reporter: third,
      at: 77,
      reports: 2,
      required: 3,
    });
    expect(line).toContain(" Dead Node:127.0.0.1:9002:77:10.0.0.3 ");
    expect(line).toContain("reported by cccccccc@10.0.0.3:9003, 2 of 3 required");
  });

  test("an IPv6 address keeps its brackets, so that the text can be split", () => {
    const line = say({
      type: "dead-node",
      suspect: `${"d".repeat(40)}@[::1]:9002`,
      at: 5,
      reporter: self,
      misses: 3,
    });
    expect(line).toContain("Dead Node:[::1]:9002:5:127.0.0.1");
  });

  test("registrations, list changes and hand-outs of a seed", () => {
    expect(say({ type: "registration-requested", peer: other })).toContain(
      "Registration requested by 01234567@127.0.0.1:9002",
    );
    expect(say({ type: "registration-refused", peer: other, reason: "full" })).toContain("refused: full");
    expect(say({ type: "peer-listed", peer: other, incarnation: 1, by: "registration", size: 4 })).toContain(
      "the list has 4 peers",
    );
    expect(say({ type: "peer-listed", peer: other, incarnation: 1, by: "agreement", size: 1 })).toContain(
      "the list has 1 peer",
    );
    expect(
      say({ type: "peer-removed", peer: other, reason: "dead", reporters: [self, third], size: 3 }),
    ).toContain(
      "Removed 01234567@127.0.0.1:9002 (dead, reported by aaaaaaaa@127.0.0.1:9001, cccccccc@10.0.0.3:9003); the list has 3 peers",
    );
    expect(say({ type: "list-handed-out", to: other, entries: 256, total: 300 })).toContain(
      "256 of 300 peers",
    );
  });

  test("only the initial list is listed", () => {
    const list = { type: "list-received", seed, total: 2, known: 2, peers: [other, third] } as const;
    expect(say({ ...list, isFirst: true })).toContain(
      "Peer list from seed 127.0.0.1:8080: 01234567@127.0.0.1:9002, cccccccc@10.0.0.3:9003",
    );
    expect(say({ ...list, isFirst: true, peers: [] })).toContain("127.0.0.1:8080: empty");
    expect(say({ ...list, isFirst: false })).toBeUndefined();
  });

  test("forwards name the message and the neighbors, at most 16 of them", () => {
    const forwarded = { type: "forwarded", incarnation: 1, sequence: 7, count: 1 } as const;
    expect(say({ ...forwarded, origin: third, to: [other] })).toContain(
      "Gossip forwarded, message 7 of cccccccc@10.0.0.3:9003: to 01234567@127.0.0.1:9002",
    );
    expect(say({ ...forwarded, origin: self, count: 3, to: [other] })).toContain(
      "Own gossip forwarded, messages 7 to 9: to",
    );
    expect(say({ ...forwarded, origin: self, to: new Array(20).fill(other) })).toContain(" and 4 more");
  });

  test("pings are listed only if they are asked for", () => {
    const pings: AnyNotice[] = [
      { type: "ping-sent", neighbor: other },
      { type: "ping-answered", neighbor: other, rttMs: 2 },
      { type: "ping-missed", neighbor: other, misses: 1 },
    ];
    expect(pings.map((notice) => say(notice))).toEqual([undefined, undefined, undefined]);
    const lines = pings.map((notice) => say(notice, true));
    expect(lines[0]).toContain("PING to 01234567@127.0.0.1:9002");
    expect(lines[1]).toContain("PING_REPLY from 01234567@127.0.0.1:9002 after 2 ms");
    expect(lines[2]).toContain("unanswered");
  });

  test("a dial that a person has to look at is listed with its reason, one that finds nobody is not", () => {
    const failed = (reason: string, detail: string) =>
      say({ type: "dial-failed", remote: "10.0.0.3:9003", reason, detail });
    expect(failed("wrong-cluster", "10.0.0.3:9003 belongs to another cluster")).toContain(
      "Cannot connect: 10.0.0.3:9003, wrong-cluster (10.0.0.3:9003 belongs to another cluster)",
    );
    for (const reason of ["refused", "timeout", "unreachable", "reset"])
      expect(failed(reason, "nobody")).toBeUndefined();
  });

  test("what the documents do not list is not there", () => {
    const silent: AnyNotice[] = [
      { type: "dial-failed", remote: "127.0.0.1:1", reason: "refused" },
      { type: "link-open", remote: "127.0.0.1:1", reason: "peer-2" },
      { type: "publish", payloads: ["x"] },
      { type: "history-sent", to: other, messages: 3 },
    ];
    for (const notice of silent) expect(say(notice)).toBeUndefined();
    expect(logLine(at, "future", { type: "something-new" }, node, { pings: true })).toBeUndefined();
  });

  test("troubles are warnings, progress is not", () => {
    const level = (notice: AnyNotice) => logLine(at, "any", notice, node, { pings: true })?.level;
    expect(level({ type: "suspected", neighbor: other, misses: 3, witnesses: [] })).toBe("warn");
    expect(level({ type: "refuted", incarnation: 2 })).toBe("warn");
    expect(level({ type: "renewed", incarnation: 2 })).toBe("info");
    expect(level({ type: "identity-shared", with: other })).toBe("warn");
    expect(level({ type: "link-cut", remote: "127.0.0.1:1", reason: "slow-reader" })).toBe("warn");
    expect(level({ type: "neighbor-down", neighbor: other, reason: "failed" })).toBe("warn");
    expect(level({ type: "neighbor-down", neighbor: other, reason: "left" })).toBe("info");
    expect(level({ type: "registering", seed })).toBe("info");
  });
});

describe("seeds agree", () => {
  const agree = { type: "seeds-agree", seed, size: 1 } as const;
  const listed = { type: "peer-listed", peer: other, incarnation: 1, by: "registration", size: 1 } as const;

  test("is listed once after each change, with each seed, and not otherwise", () => {
    const lines = new LogLines({ pings: false });
    const next = (notice: AnyNotice) => lines.next(at, "introduction", notice, node)?.text;
    expect(next(agree)).toBeUndefined(); // two empty lists at the start
    next(listed);
    expect(next(agree)).toContain("Agreed with seed 127.0.0.1:8080: both lists have the same 1 peer");
    expect(next(agree)).toBeUndefined();
    expect(next({ ...agree, seed: "@127.0.0.1:8081" })).toContain("8081");
    next({ type: "peer-removed", peer: other, reason: "left", reporters: [], size: 0 });
    expect(next(agree)).toBeDefined();
  });

  test("a comparison that brings nothing is not listed", () => {
    expect(say({ type: "seeds-reconciled", seed, asked: 0, size: 4 })).toBeUndefined();
    expect(say({ type: "seeds-reconciled", seed, asked: 2, size: 4 })).toContain("2 entries to fetch");
  });
});

describe("texts of the network", () => {
  test("cannot move the cursor, begin a line or turn the reading direction", () => {
    const evil = "a\x1b[2J\r\n2026-01-01 Dead Node:\u202e\u2028\x07\x9b1m\u{e0041}\ud800z";
    expect(escapeText(evil)).toBe(
      "a\\x1b[2J\\r\\n2026-01-01 Dead Node:\\u202e\\u2028\\x07\\x9b1m\\u{e0041}\\ud800z",
    );
    const delivered = {
      type: "delivered",
      origin: third,
      incarnation: 1,
      sequence: 3,
      at: 5,
      payload: evil,
      from: other,
    } as const;
    expect(say(delivered)).not.toMatch(/\p{Cc}/u);
  });

  test("the documents' own text and other scripts pass unchanged", () => {
    const text = "[2026-02-26 19->39.24]:127.0.0.1: Message 0 [Hello from alice] नमस्ते 😀 \\o/";
    expect(escapeText(text)).toBe(text);
  });

  test("names that others chose are escaped too", () => {
    expect(
      say({ type: "link-refused", remote: "1.2.3.4:5", reason: "x", detail: 'cluster "\x1b[31m"' }),
    ).toContain("\\x1b[31m");
    expect(say({ type: "seed-refused", seed, reason: "\n" })).toContain("\\n");
    expect(shortContact("\x1b\x1b@host\n:1")).toBe("\\x1b\\x1b@host\\n:1");
  });

  test("long payloads are cut, not within a character; bytes are shown by their number", () => {
    expect(showPayload("x".repeat(200))).toBe("x".repeat(200));
    expect(showPayload("x".repeat(5000))).toBe(`${"x".repeat(200)}… (5000 characters)`);
    expect(showPayload(`${"x".repeat(199)}😀😀`)).toBe(`${"x".repeat(199)}… (203 characters)`);
    expect(showPayload(new Uint8Array(7))).toBe("<7 bytes>");
  });
});

test("the time is local, with milliseconds", () => {
  expect(localTime(at)).toBe("2026-02-26 19:39:24.007");
});

test("a contact is short: 8 digits of the id, and the address", () => {
  expect([shortContact(other), shortContact(seed), shortContact(17)]).toEqual([
    "01234567@127.0.0.1:9002",
    "127.0.0.1:8080",
    "17",
  ]);
});
