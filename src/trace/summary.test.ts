import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../core/index.ts";
import { Distribution } from "./distribution.ts";
import { type TraceReport, TraceSummary } from "./summary.ts";

type Fields = Record<string, unknown>;

/** Seeds 1 and 2, peers 11, 12, 13, 14; all are there from the beginning. */
const seeds = [1, 2];
const peers = [11, 12, 13, 14];

const event = (at: number, node: number | string, layer: string, type: string, fields: Fields = {}) =>
  ({ at, node, layer, type, ...fields }) as TraceEvent;
const joined = (at: number, node: number) =>
  event(at, node, "scenario", "joined", {
    name: `${node < 10 ? "seed" : "peer"}-${node % 10}`,
    role: node < 10 ? "seed" : "peer",
  });
const message = (origin: number, sequence: number) => ({ origin, incarnation: 1, sequence });
const published = (at: number, origin: number, sequence = 0) =>
  event(at, origin, "broadcast", "published", { ...message(origin, sequence), statedAt: at, payload: "x" });
const delivered = (at: number, node: number, from: number, origin: number, statedAt: number, sequence = 0) =>
  event(at, node, "broadcast", "delivered", { ...message(origin, sequence), statedAt, payload: "x", from });
const forwarded = (at: number, node: number, to: number[], origin: number, sequence = 0, count = 1) =>
  event(at, node, "broadcast", "forwarded", { ...message(origin, sequence), count, to });
const removed = (at: number, seed: number, peer: number, reason = "dead") =>
  event(at, seed, "introduction", "peer-removed", { peer, reason, reporters: [], size: 3 });
const failed = (at: number, node: number, neighbor: number) =>
  event(at, node, "heartbeat", "neighbor-failed", { neighbor, incarnation: 1, misses: 3 });

function sum(...events: TraceEvent[]): TraceReport {
  const summary = new TraceSummary();
  for (const node of [...seeds, ...peers]) summary.add(joined(0, node));
  for (const one of events) summary.add(one);
  return summary.report();
}

/** 11 -> 12 -> 13 -> 14, with one copy more from 11 to 13 that comes too late. */
const chain = [
  published(1000, 11),
  forwarded(1000, 11, [12, 13], 11),
  delivered(1010, 12, 11, 11, 1000),
  forwarded(1010, 12, [13], 11),
  delivered(1020, 13, 12, 11, 1000),
  forwarded(1020, 13, [14], 11),
  delivered(1060, 14, 13, 11, 1000),
];

describe("messages", () => {
  test("every delivery is counted, and expected of every other peer that was there", () => {
    expect(sum(...chain)).toMatchObject({
      published: 1,
      deliveries: 3,
      expected: 3,
      arrived: 3,
      ratio: 1,
      complete: 1,
      deliveredLate: 0,
      deliveredTwice: 0,
      deliveredFromNowhere: 0,
    });
  });

  test("delays are from publication to first receipt", () => {
    expect(sum(...chain).delayMs).toEqual({ count: 3, mean: 30, p50: 20, p90: 60, p99: 60, max: 60 });
  });

  test("a delivery before its publication counts as 0 ms, and says that clocks differ", () => {
    const report = sum(published(1000, 11), delivered(990, 12, 11, 11, 1000));
    expect(report.delayMs).toMatchObject({ count: 1, max: 0 });
    expect(report.beforePublication).toBe(1);
  });

  test("RMR is copies per delivery minus 1, averaged over the messages", () => {
    // 4 copies for 3 deliveries, and 1 copy for 1 delivery: (1/3 + 0) / 2
    const second = [published(2000, 14), forwarded(2000, 14, [13], 14), delivered(2001, 13, 14, 14, 2000)];
    const report = sum(...chain, ...second);
    expect(report.rmr).toBe(0.1667);
    expect(report.rmrWithHistory).toBe(0.25); // 5 / 4 - 1
    expect(report.arrived / report.expected).toBe(4 / 6);
  });

  test("a message that reached nobody does not count in the mean of RMR", () => {
    const lost = [published(2000, 14), forwarded(2000, 14, [13], 14)];
    expect(sum(...chain, ...lost)).toMatchObject({ rmr: 0.3333, complete: 1, ratio: 0.5 });
  });

  test("several messages forwarded at once are so many copies for each neighbor, each of its own message", () => {
    const report = sum(
      published(1000, 11, 0),
      published(1000, 11, 1),
      forwarded(1000, 11, [12, 13, 14], 11, 0, 2),
      delivered(1001, 12, 11, 11, 1000, 0),
      delivered(1001, 12, 11, 11, 1000, 1),
    );
    expect(report).toMatchObject({ sends: 6, rmr: 2 });
    expect(report.sendsPerPeer).toEqual({ mean: 1.5, max: 6, most: "peer-1" });
  });

  test("history costs copies too, though it names no message", () => {
    const report = sum(...chain, event(3000, 12, "broadcast", "history-sent", { to: 14, messages: 2 }));
    expect(report).toMatchObject({ sends: 6, historySends: 2, rmr: 0.3333, rmrWithHistory: 1 });
    expect(report.sendsPerPeer).toMatchObject({ max: 3, most: "peer-2" });
  });

  test("LDH follows the chain of deliveries: the longest of each message, and the mean of these", () => {
    const second = [
      published(2000, 14),
      delivered(2001, 13, 14, 14, 2000),
      delivered(2001, 12, 14, 14, 2000),
    ];
    expect(sum(...chain, ...second).ldh).toEqual({ mean: 2, max: 3 }); // 3 and 1
  });

  test("a delivery from somebody who is not seen to have the message has no known way", () => {
    const report = sum(published(1000, 11), delivered(1001, 12, 13, 11, 1000));
    expect(report).toMatchObject({ unknownHops: 1, ldh: null });
  });

  test("a second delivery of a message to a node is counted as such, and as nothing else", () => {
    const report = sum(...chain, delivered(1070, 14, 12, 11, 1000));
    expect(report).toMatchObject({ deliveredTwice: 1, deliveries: 3, ratio: 1 });
    expect(report.delayMs?.count).toBe(3);
  });

  test("a delivery that nobody published is from nowhere, or from outside where the trace does not know its origin", () => {
    const report = sum(delivered(1000, 12, 13, 11, 900), delivered(1000, 12, 13, 99, 900));
    expect(report).toMatchObject({
      deliveredFromNowhere: 2,
      deliveredFromOutside: 1,
      deliveries: 0,
      ratio: null,
    });
  });

  test("who joins later is expected to get nothing of before; if it does, that is late and has no delay", () => {
    const report = sum(...chain, joined(5000, 15), delivered(5100, 15, 14, 11, 1000));
    expect(report).toMatchObject({ expected: 3, arrived: 3, deliveries: 4, deliveredLate: 1 });
    expect(report.delayMs?.max).toBe(60);
    expect(report.ldh?.max).toBe(3);
  });

  test("of who crashes or leaves nothing is expected, neither what it got nor what it did not", () => {
    const gone = [event(1050, 14, "scenario", "crashed"), event(1051, 12, "scenario", "left")];
    const report = sum(...chain.slice(0, -1), ...gone);
    expect(report).toMatchObject({ expected: 1, arrived: 1, deliveries: 2 });
  });

  test("who restarts is expected to get what is published from then on", () => {
    const report = sum(
      ...chain,
      event(2000, 14, "scenario", "crashed"),
      event(3000, 14, "scenario", "restarted", { name: "peer-4", keepsDisk: true }),
      published(4000, 11, 1),
    );
    expect(report).toMatchObject({ expected: 2 + 3, arrived: 2 });
  });

  test("with its disk a node must not be given again what it had; without, it may", () => {
    const restart = (keepsDisk: boolean) => [
      event(2000, 14, "scenario", "crashed"),
      event(3000, 14, "scenario", "restarted", { name: "peer-4", keepsDisk }),
      delivered(3100, 14, 13, 11, 1000),
    ];
    expect(sum(...chain, ...restart(true))).toMatchObject({ deliveredTwice: 1, deliveredLate: 0 });
    expect(sum(...chain, ...restart(false))).toMatchObject({ deliveredTwice: 0, deliveredLate: 1 });
  });

  test("a node that is closed in order counts until then", () => {
    const closed = event(1100, 14, "node", "stopped", { reason: "closed" });
    const report = sum(...chain, closed, published(2000, 11, 1));
    expect(report).toMatchObject({ expected: 3 + 2, arrived: 3 });
  });

  test("ways and duplicates are known in a network of any size", () => {
    const many = Array.from({ length: 200 }, (_, i) => 100 + i);
    const report = sum(
      ...many.map((node) => joined(1, node)),
      published(1000, 11),
      delivered(1001, 12, 11, 11, 1000),
      ...many.map((node, i) => delivered(1002, node, many[i - 1] ?? 12, 11, 1000)),
      delivered(1003, 12, 11, 11, 1000),
    );
    expect(report).toMatchObject({ deliveries: 201, expected: 203, deliveredTwice: 1, unknownHops: 0 });
    expect(report.ldh).toEqual({ mean: 201, max: 201 });
  });

  test("a node whose first event is neither joined nor listening nor registering was there before", () => {
    const summary = new TraceSummary();
    for (const one of [
      published(1000, 11),
      event(1001, 12, "node", "listening", { contact: 12, role: "peer" }),
      event(1001, 14, "introduction", "registering", { seed: 1 }),
      delivered(1005, 12, 11, 11, 1000),
      delivered(1005, 13, 11, 11, 1000),
      delivered(1005, 14, 11, 11, 1000),
    ])
      summary.add(one);
    expect(summary.report()).toMatchObject({ expected: 1, arrived: 1, deliveries: 3, deliveredLate: 2 });
  });
});

describe("failures", () => {
  test("it is known when the first neighbor and when each seed knew", () => {
    const report = sum(
      event(10_000, 14, "scenario", "crashed"),
      failed(49_000, 13, 14),
      failed(50_000, 12, 14),
      removed(51_000, 1, 14),
      removed(53_000, 2, 14),
    );
    expect(report.faults).toEqual({
      total: 1,
      noticed: 1,
      removedEverywhere: 1,
      noticedMs: { count: 1, mean: 39_000, p50: 39_000, p90: 39_000, p99: 39_000, max: 39_000 },
      removedMs: { count: 2, mean: 42_000, p50: 41_000, p90: 43_000, p99: 43_000, max: 43_000 },
      list: [
        {
          node: "peer-4",
          kind: "crashed",
          at: 10_000,
          lastedMs: null,
          noticedMs: 39_000,
          firstRemovedMs: 41_000,
          lastRemovedMs: 43_000,
          removedBy: 2,
          seeds: 2,
        },
      ],
    });
    expect(report.falsePositives.total).toBe(0);
    expect(report.falseSuspicions).toEqual({ suspected: 0, failed: 0 });
  });

  test("a killed live node is a crash, and said twice it is one", () => {
    const report = sum(
      event(10_000, 14, "node", "stopped", { reason: "killed" }),
      event(10_001, 14, "scenario", "crashed"),
    );
    expect(report.faults.list).toMatchObject([
      { kind: "crashed", at: 10_000, removedBy: 0, noticedMs: null },
    ]);
  });

  test("a hung process is detected as long as it hangs; what comes later is its return", () => {
    const report = sum(
      event(10_000, 14, "scenario", "paused"),
      removed(30_000, 1, 14),
      event(40_000, 14, "scenario", "resumed"),
      event(40_001, 14, "introduction", "refuted", { incarnation: 2 }),
      event(40_002, 1, "introduction", "suspect-answered", { peer: 14 }),
    );
    expect(report.faults.list).toMatchObject([
      { kind: "paused", lastedMs: 30_000, lastRemovedMs: 20_000, removedBy: 1, seeds: 2 },
    ]);
    expect(report.faults).toMatchObject({ removedEverywhere: 0, noticed: 0 });
    expect(report.refutations).toEqual({ refuted: 1, answered: 1 });
    expect(report.falsePositives.total).toBe(0);
  });

  test("a hung process that is then killed has failed once, when it hung; a seed that removes it again adds nothing", () => {
    const report = sum(
      event(10_000, 14, "scenario", "paused"),
      event(12_000, 14, "scenario", "crashed"),
      removed(30_000, 1, 14),
      removed(60_000, 1, 14),
    );
    expect(report.faults.list).toMatchObject([{ kind: "paused", at: 10_000, lastRemovedMs: 20_000 }]);
    expect(report.faults.removedMs?.count).toBe(1);
  });

  test("a living peer that is removed as dead is a false positive; one that left is not", () => {
    const report = sum(
      removed(20_000, 1, 13),
      removed(20_001, 1, 12, "expired"),
      event(20_002, 14, "scenario", "left"),
      removed(20_003, 2, 14),
    );
    expect(report.falsePositives).toEqual({
      total: 1,
      whilePartitioned: 0,
      first: [{ at: 20_000, seed: "seed-1", peer: "peer-3", whilePartitioned: false }],
    });
  });

  test("what happens between a partition and its end is told apart", () => {
    const report = sum(
      event(1000, "", "scenario", "partitioned", { sizes: [3, 3] }),
      removed(20_000, 1, 13),
      event(30_000, "", "scenario", "healed"),
      removed(40_000, 2, 13),
    );
    expect(report.falsePositives).toMatchObject({ total: 2, whilePartitioned: 1 });
  });

  test("who returns can be wronged again", () => {
    const report = sum(
      event(10_000, 14, "scenario", "paused"),
      event(11_000, 14, "scenario", "resumed"),
      removed(20_000, 1, 14),
    );
    expect(report.falsePositives.total).toBe(1);
    expect(report.faults.removedMs).toBeNull();
  });

  test("doubts about the living are false, about the dead they are not", () => {
    const suspected = (node: number, neighbor: number) =>
      event(20_000, node, "heartbeat", "suspected", { neighbor, misses: 3, witnesses: [] });
    const report = sum(
      suspected(11, 12),
      failed(20_000, 11, 12),
      failed(20_000, 13, 12),
      event(20_001, 14, "scenario", "crashed"),
      suspected(11, 14),
      failed(20_002, 11, 14),
    );
    expect(report.falseSuspicions).toEqual({ suspected: 1, failed: 2 });
  });

  test("a seed that crashes is no fault of a peer, and is not asked to remove anybody", () => {
    const report = sum(event(1000, 2, "scenario", "crashed"), event(2000, 14, "scenario", "crashed"));
    expect(report.faults.list).toMatchObject([{ node: "peer-4", seeds: 1 }]);
  });
});

describe("the rest", () => {
  test("nodes by role, events by layer and type, and the time they span", () => {
    const report = sum(...chain);
    expect(report.nodes).toEqual({ seed: 2, peer: 4 });
    expect(report.byType).toEqual({
      scenario: { joined: 6 },
      broadcast: { published: 1, forwarded: 3, delivered: 3 },
    });
    expect(report).toMatchObject({ events: 13, from: 0, until: 1060, durationMs: 1060 });
  });

  test("an empty trace has no figures, and no NaN", () => {
    const report = new TraceSummary().report();
    expect(report).toMatchObject({ events: 0, from: null, ratio: null, rmr: null, ldh: null, delayMs: null });
    expect(JSON.stringify(report)).not.toContain("NaN");
  });

  test("a live node is the same at another address, and before it listens", () => {
    const id = "ab".repeat(20);
    const summary = new TraceSummary();
    for (const one of [
      event(0, "peer-1", "node", "warning", { text: "early" }),
      event(1, `${id}@h:1`, "trace", "named", { name: "peer-1", role: "peer" }),
      event(1, `${id}@h:1`, "node", "listening", { contact: `${id}@h:1`, role: "peer" }),
      event(2, `${id}@h:2`, "node", "listening", { contact: `${id}@h:2`, role: "peer" }),
    ])
      summary.add(one);
    expect(summary.report().nodes).toEqual({ peer: 1 });
  });

  test("missing events are said", () => {
    expect(sum(event(5, "", "trace", "lost", { events: 7 }))).toMatchObject({ lost: 7 });
  });

  test("events whose fields are not as documented do no harm", () => {
    const report = sum(
      event(1, 11, "broadcast", "published", {}),
      event(1, 11, "broadcast", "delivered", { origin: null, from: {} }),
      event(1, 11, "broadcast", "forwarded", {
        origin: 11,
        incarnation: 0,
        sequence: 0,
        count: 1e15,
        to: [12],
      }),
      event(1, 11, "broadcast", "forwarded", { origin: 12, to: "all" }),
      event(1, 11, "heartbeat", "neighbor-failed", {}),
      event(1, 11, "__proto__", "constructor", {}),
    );
    expect(report.published).toBe(1);
  });
});

describe("a distribution", () => {
  test("has percentiles by nearest rank", () => {
    const values = new Distribution();
    for (let value = 100; value >= 1; value--) values.add(value);
    expect(values.spread).toEqual({ count: 100, mean: 50.5, p50: 50, p90: 90, p99: 99, max: 100 });
  });

  test("knows three digits of what is long, and the longest exactly", () => {
    const values = new Distribution();
    values.add(123_456);
    values.add(123_789);
    values.add(987_654);
    expect(values.spread).toMatchObject({ p50: 124_000, max: 987_654 });
  });
});
