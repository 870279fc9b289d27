import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { type NodeId, UsageError } from "../core/index.ts";
import {
  type AllToAllCommand,
  AllToAllHeartbeat,
  type AllToAllMessage,
  type AllToAllOptions,
  type AllToAllTimer,
  allToAllBytes,
} from "./all-to-all-heartbeat.ts";
import { maxVotes, type Vote } from "./ballots.ts";
import type { SilenceNotice } from "./silence-verdicts.ts";

/** Node 1; the test plays 2, 3 and 4. */
class Node extends Alone<AllToAllMessage, AllToAllTimer, SilenceNotice, AllToAllCommand> {
  readonly detector: AllToAllHeartbeat;
  #sequence = 0;

  constructor(options: Partial<AllToAllOptions> = {}, contacts: readonly NodeId[] = [2, 3, 4]) {
    const detector = new AllToAllHeartbeat({ contacts, standing: { incarnation: 7, since: 0 }, options });
    super(1, detector);
    this.detector = detector;
    this.start();
  }

  beats(from: NodeId, votes: readonly Vote[] = [], incarnation = 1, suspects = votes.length): this {
    return this.receive(from, {
      type: "heartbeat",
      incarnation,
      sequence: ++this.#sequence,
      votes,
      suspects,
    });
  }
  /** So many seconds in each of which these are heard. */
  hears(seconds: number, ...nodes: NodeId[]): this {
    for (let i = 0; i < seconds; i++) {
      for (const node of nodes) this.beats(node);
      this.pass(1000);
    }
    return this;
  }
  failed(): readonly NodeId[] {
    return this.noticesOf("member-failed").map(({ peer }) => peer);
  }
}

describe("heartbeats", () => {
  test("go to everybody each second, with a number that grows", () => {
    const node = new Node().pass(1000).clear().pass(3000);
    const sent = node.sentOf("heartbeat");
    expect(sent.map(({ to }) => to)).toEqual([2, 3, 4, 2, 3, 4, 2, 3, 4]);
    expect(sent.map(({ sequence }) => sequence)).toEqual([2, 2, 2, 3, 3, 3, 4, 4, 4]);
    expect(sent[0]).toMatchObject({ incarnation: 7, votes: [], suspects: 0 });
  });

  test("of a stranger make it a member that is told, too, while there is room", () => {
    const node = new Node({ maxMembers: 4 }).beats(8).beats(9);
    // 2, 3, 4 were never heard of: one of them makes room.
    expect(node.noticesOf("member-up").map(({ peer }) => peer)).toEqual([8, 9]);
    node.clear().pass(1000);
    expect(node.sentOf("heartbeat").map(({ to }) => to)).toContain(9);
    for (const stranger of [10, 11, 12, 13]) node.beats(stranger);
    expect(node.detector.verdicts.size).toBe(4);
    expect(node.detector.counters.strangers).toBe(2);
    expect(() => new Node({ maxMembers: 2 })).toThrow(UsageError);
  });

  test("that come twice or late are no sign of life", () => {
    const node = new Node().beats(2).pass(3000);
    const old = { type: "heartbeat", incarnation: 1, sequence: 1, votes: [], suspects: 0 } as const;
    node.receive(2, old).pass(501);
    expect(node.failed()).toEqual([2]);
    node.receive(2, { ...old, sequence: 99, incarnation: 0.5 }).receive(2, { ...old, sequence: -1 });
    expect(node.detector.stateOf(2)).toBe("failed");
    expect(node.detector.counters).toMatchObject({ stale: 1, malformed: 2 });
  });

  test("of an unknown kind are counted and dropped", () => {
    const node = new Node().receive(2, { type: "nonsense", incarnation: 1 } as never);
    expect(node.detector.counters.malformed).toBe(1);
  });
});

describe("silence", () => {
  test("of three heartbeats and a half makes a member failed, and a heartbeat brings it back", () => {
    const node = new Node().hears(5, 2, 3).clear();
    expect(node.hears(2, 3).failed()).toEqual([]);
    node.hears(1, 3);
    expect(node.noticesOf("member-suspected")).toMatchObject([{ peer: 2, incarnation: 1, by: [1] }]);
    expect(node.failed()).toEqual([2]);
    expect(node.detector.why(2).map(({ kind }) => kind)).toEqual(["missed", "suspected", "failed"]);
    node.clear().beats(2);
    expect(node.noticesOf("member-up")).toMatchObject([{ peer: 2, incarnation: 1 }]);
    expect(node.detector.stateOf(2)).toBe("alive");
    expect(node.detector.why(2).at(-1)).toMatchObject({ kind: "alive", by: 2 });
  });

  test("of those whom we never heard is no failure: they may not have begun", () => {
    const node = new Node().pass(60_000);
    expect(node.notices()).toEqual([]);
    expect(node.detector.stateOf(4)).toBe("unknown");
  });

  test("that began before we were away is not held against anybody", () => {
    const node = new Node().hears(5, 2, 3);
    node.now += 20_000;
    node.pass(0);
    expect(node.failed()).toEqual([]);
    expect(node.detector.counters.stalls).toBe(1);
    node.hears(4, 3);
    expect(node.failed()).toEqual([2]);
  });

  test("costs one timer for each member, however many heartbeats come", () => {
    const node = new Node().hears(50, 2, 3);
    expect(node.pendingTimers.filter(({ type }) => type === "silence")).toHaveLength(2);
  });

  test("that a heartbeat would have ended that lies unread is no silence, however short the pause was", () => {
    const node = new Node().hears(5, 2).pass(2100);
    // Away for 450 ms, in which the time was over; timers come first, then what has arrived.
    node.now += 450;
    node.pass(0).beats(2).pass(100);
    expect(node.noticesOf("member-suspected")).toEqual([]);
    expect(node.detector.counters.stalls).toBe(0);
  });

  test("of somebody who was forgotten and came back is measured once: the old timer no longer counts", () => {
    const node = new Node({ maxMembers: 1 }, [2]).beats(2).pass(1000);
    node.receive(2, { type: "leave", incarnation: 1 }).beats(3).pass(500);
    expect(node.detector.verdicts.has(2)).toBe(false);
    node.receive(3, { type: "leave", incarnation: 1 }).beats(2, [], 2).pass(3000);
    expect(node.pendingTimers.filter((timer) => timer.type === "silence" && timer.node === 2)).toHaveLength(
      1,
    );
    expect(node.pass(501).failed()).toEqual([2]);
  });

  test("after a goodbye means nothing, until a later life", () => {
    const node = new Node().hears(2, 2).clear();
    node.receive(2, { type: "leave", incarnation: 1 }).receive(2, { type: "leave", incarnation: 1 });
    expect(node.noticesOf("peer-left")).toEqual([{ type: "peer-left", peer: 2, incarnation: 1 }]);
    node.beats(2).pass(10_000);
    expect(node.failed()).toEqual([]);
    expect(node.detector.stateOf(2)).toBe("left");
    expect(node.sentOf("heartbeat").some(({ to }) => to === 2)).toBe(false);
    node.beats(2, [], 2);
    expect(node.detector.stateOf(2)).toBe("alive");
  });

  test("whoever leaves says so to everybody, and speaks no more", () => {
    const node = new Node().command({ type: "leave" });
    expect(node.sentOf("leave").map(({ to, incarnation }) => [to, incarnation])).toEqual([
      [2, 7],
      [3, 7],
      [4, 7],
    ]);
    expect(node.clear().pass(5000).sent()).toEqual([]);
  });
});

describe("with phi", () => {
  test("the silence that is too long is learnt: regular heartbeats are missed sooner than by a fixed time", () => {
    const node = new Node({ verdict: "phi" }).hears(100, 2, 3).clear();
    node.pass(500);
    expect(node.failed()).toEqual([]);
    expect(node.detector.verdicts.phiOf(2, node.now)).toBeGreaterThan(6);
    expect(node.pass(100).failed()).toEqual([2, 3]);
    expect(node.detector.why(2)[0]!.detail).toMatch(/phi 8\.\d, usually 10\d\d ms/);
  });

  test("a silence that came to an end is learnt, too: it surprises less the next time", () => {
    const node = new Node({ verdict: "phi" });
    const suspicionsOf = (cycles: number) => {
      const before = node.detector.counters.suspicions;
      for (let i = 0; i < cycles; i++) node.hears(3, 2).pass(1500);
      return node.detector.counters.suspicions - before;
    };
    expect(suspicionsOf(3)).toBeGreaterThan(0);
    suspicionsOf(20);
    expect(suspicionsOf(20)).toBe(0);
  });
});

describe("with a quorum of two", () => {
  test("a suspect stays one until somebody else suspects it, too", () => {
    const node = new Node({ quorum: 2 }).hears(5, 2, 3).hears(10, 3);
    expect(node.failed()).toEqual([]);
    expect(node.detector.stateOf(2)).toBe("suspect");
    expect(node.detector.why(2).at(-1)).toMatchObject({ kind: "awaits-quorum" });
    node.beats(3, [{ node: 2, incarnation: 1 }]);
    expect(node.noticesOf("member-failed")).toMatchObject([{ peer: 2, by: [1, 3] }]);
    expect(node.detector.why(2).map(({ kind, by }) => `${kind} ${by}`)).toEqual([
      ...["missed 1", "suspected 1", "awaits-quorum 1", "suspected 3", "failed 1"],
    ]);
  });

  test("a doubt that somebody had before counts, one that it took back does not", () => {
    const doubt = { node: 2, incarnation: 1 };
    const early = new Node({ quorum: 2 }).hears(5, 2, 3).hears(3, 3);
    early.beats(3, [doubt]).pass(999);
    expect(early.noticesOf("member-failed")).toMatchObject([{ peer: 2, by: [1, 3] }]);
    const late = new Node({ quorum: 2 }).hears(5, 2, 3).beats(3, [doubt]).hears(20, 3);
    expect(late.failed()).toEqual([]);
    expect(late.detector.stateOf(2)).toBe("suspect");
  });

  test("a vote lapses with its voter, is about that life, and nobody votes twice", () => {
    const silent = new Node({ quorum: 2 }).hears(5, 2, 3, 4).beats(3, [{ node: 2, incarnation: 1 }]);
    expect(silent.hears(3, 2).hears(10, 4).failed()).not.toContain(2);
    const old = new Node({ quorum: 2 });
    for (let i = 0; i < 5; i++) old.beats(2, [], 5).beats(3).pass(1000);
    old.hears(5, 3).beats(3, [{ node: 2, incarnation: 4 }]);
    expect(old.failed()).toEqual([]);
    const three = new Node({ quorum: 3 }).hears(5, 2, 3).hears(5, 3);
    for (let i = 0; i < 3; i++) three.beats(3, [{ node: 2, incarnation: 1 }]);
    three.beats(2, [{ node: 2, incarnation: 1 }], 0);
    expect(three.failed()).toEqual([]);
  });

  test("we tell whom we suspect and have given up, and take it back", () => {
    const node = new Node({ quorum: 2 }).hears(5, 2, 3).hears(5, 3).clear().pass(1000);
    expect(node.sentOf("heartbeat")[0]).toMatchObject({ votes: [{ node: 2, incarnation: 1 }], suspects: 1 });
    node.beats(2).clear().pass(1000);
    expect(node.sentOf("heartbeat")[0]).toMatchObject({ votes: [], suspects: 0 });
  });

  test("more suspects than fit into a message come by turns", () => {
    const many = Array.from({ length: 80 }, (_, i) => i + 2);
    const node = new Node({ quorum: 2 }, many).hears(2, ...many).pass(5000);
    node.clear().pass(3000);
    const beats = node.sentOf("heartbeat").filter(({ to }) => to === 2);
    expect(beats.every(({ votes, suspects }) => votes.length === maxVotes && suspects === 80)).toBe(true);
    expect(new Set(beats.flatMap(({ votes }) => votes.map((vote) => vote.node))).size).toBe(80);
  });

  test("too many votes, or nonsense for a life or a number, are dropped", () => {
    const node = new Node({ quorum: 2 }).hears(5, 2, 3).hears(5, 3);
    const votes = Array.from({ length: maxVotes + 1 }, () => ({ node: 2, incarnation: 1 }));
    node.beats(3, votes).beats(3, [{ node: 2, incarnation: Number.NaN }]);
    node.beats(3, [{ node: 2, incarnation: 1 }], 1, 0);
    expect(node.failed()).toEqual([]);
    expect(node.detector.counters.malformed).toBe(3);
    node.beats(3, [{ node: 77, incarnation: 1 }]);
    expect(node.detector.verdicts.has(77)).toBe(false);
  });
});

test("a heartbeat is 43 bytes, and 31 more for each vote", () => {
  const beat = { type: "heartbeat", incarnation: 1, sequence: 300, votes: [], suspects: 0 } as const;
  expect(allToAllBytes(beat)).toBe(32 + 1 + 7 + 3);
  expect(allToAllBytes({ ...beat, votes: [{ node: 2, incarnation: 1 }], suspects: 1 })).toBe(43 + 2 + 31);
  expect(allToAllBytes({ type: "leave", incarnation: 1 })).toBe(32 + 1 + 7);
});
