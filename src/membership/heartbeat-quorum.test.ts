import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { type NodeId, UsageError } from "../core/index.ts";
import { Heartbeat, type HeartbeatCommand, type HeartbeatNotice, type HeartbeatTimer } from "./heartbeat.ts";
import type { HeartbeatOptions } from "./heartbeat-options.ts";
import type { HeartbeatMessage } from "./messages.ts";

const timeoutMs = 300;

/** Peer 1, whose neighbor 2 has named these others and falls silent. */
class Peer extends Alone<HeartbeatMessage, HeartbeatTimer, HeartbeatNotice, HeartbeatCommand> {
  readonly heartbeat: Heartbeat;

  constructor(options: Partial<HeartbeatOptions>, neighbors: readonly NodeId[] = [2]) {
    const heartbeat = new Heartbeat({
      view: { neighbors, has: (node) => neighbors.includes(node) },
      standing: { incarnation: 7, since: 0 },
      options: { pingIntervalMs: 1000, pingTimeoutMs: timeoutMs, ...options },
    });
    super(1, heartbeat);
    this.heartbeat = heartbeat;
    this.start();
    this.hear({ type: "neighbor-up", neighbor: 2, incarnation: 5 } as { type: string });
  }

  answers(witnesses: readonly NodeId[]): this {
    const { nonce } = this.passUntil(() => this.sentOf("ping").length > 0)
      .sentOf("ping")
      .at(-1)!;
    return this.receive(2, { type: "ping-reply", nonce, isLinked: true, incarnation: 5, witnesses }).clear();
  }
  /** Until the witnesses are asked; what they are asked. */
  suspects(witnesses: readonly NodeId[]) {
    this.answers(witnesses).passUntil(() => this.noticesOf("suspected").length > 0);
    return this.sentOf("probe-request");
  }
  misses(witness: NodeId, nonce: number): this {
    return this.receive(witness, { type: "probe-miss", nonce });
  }
  failed(): readonly NodeId[] {
    return this.noticesOf("neighbor-failed").map(({ neighbor }) => neighbor);
  }
}

describe("a quorum of three", () => {
  test("needs two witnesses who say that they do not reach it either: silence of witnesses is no vote", () => {
    const peer = new Peer({ quorum: 3 });
    const [request] = peer.suspects([4, 5, 6]);
    expect(request).toMatchObject({ suspect: 2, wantsMiss: true });
    peer.misses(4, request!.nonce).pass(2 * timeoutMs);
    expect(peer.failed()).toEqual([]);
    expect(peer.heartbeat.stateOf(2)).toBe("suspect");
    expect(peer.heartbeat.why(2).at(-1)).toMatchObject({ kind: "awaits-quorum", through: [4] });
  });

  test("is reached with the second of them, before the others have said anything", () => {
    const peer = new Peer({ quorum: 3 });
    const [request] = peer.suspects([4, 5, 6]);
    peer.misses(4, request!.nonce).misses(6, request!.nonce);
    expect(peer.failed()).toEqual([2]);
    expect(peer.heartbeat.stateOf(2)).toBe("failed");
    expect(peer.heartbeat.why(2).at(-1)).toMatchObject({
      kind: "failed",
      by: 1,
      through: [4, 6],
      incarnation: 5,
    });
    expect(peer.heartbeat.why(2).map(({ kind, by }) => `${kind} ${by}`)).toEqual([
      ...["missed 1", "missed 1", "missed 1", "suspected 1", "missed 4", "missed 6", "failed 1"],
    ]);
    peer.clear().pass(2 * timeoutMs);
    expect(peer.failed(), "and is spoken once").toEqual([]);
  });

  test("goes on counting with the next miss, and one witness is one vote", () => {
    const peer = new Peer({ quorum: 3 });
    const [first] = peer.suspects([4, 5, 6]);
    peer
      .misses(4, first!.nonce)
      .misses(4, first!.nonce)
      .pass(2 * timeoutMs)
      .clear();
    peer.passUntil(() => peer.noticesOf("suspected").length > 0);
    const [second] = peer.sentOf("probe-request");
    expect(second!.nonce).not.toBe(first!.nonce);
    peer.misses(4, second!.nonce).misses(5, first!.nonce);
    expect(peer.failed(), "an answer to the old question is none").toEqual([]);
    peer.misses(5, second!.nonce);
    expect(peer.failed()).toEqual([2]);
  });

  test("counts nobody whom we did not ask", () => {
    const peer = new Peer({ quorum: 3 });
    const [request] = peer.suspects([4, 5, 6]);
    peer.misses(8, request!.nonce).misses(9, request!.nonce).misses(2, request!.nonce);
    expect(peer.failed()).toEqual([]);
    expect(peer.heartbeat.counters.unasked).toBe(3);
  });

  test("begins anew after a sign of life", () => {
    const peer = new Peer({ quorum: 3 });
    const [request] = peer.suspects([4, 5, 6]);
    peer.misses(4, request!.nonce);
    peer.heartbeat.onHeard(2);
    peer.pass(2 * timeoutMs);
    expect(peer.heartbeat.stateOf(2)).toBe("alive");
    expect(peer.heartbeat.why(2).at(-1)).toMatchObject({ kind: "alive", by: 2 });
    const [again] = peer.clear().suspects([4, 5, 6]);
    peer.misses(5, again!.nonce);
    expect(peer.failed()).toEqual([]);
  });

  test("asks our own neighbors where the suspect has named too few others", () => {
    const peer = new Peer({ quorum: 3 }, [2, 7, 8]);
    expect(
      peer
        .suspects([4])
        .map(({ to }) => to)
        .toSorted(),
    ).toEqual([4, 7, 8]);
  });

  test("can only be wanted with as many witnesses", () => {
    expect(() => new Peer({ quorum: 5 })).toThrow(UsageError);
    expect(() => new Peer({ quorum: 5, witnesses: 4 })).not.toThrow();
  });
});

describe("without a quorum", () => {
  test("nobody is asked to speak of misses, and such an answer counts for nothing", () => {
    const peer = new Peer({});
    const [request] = peer.suspects([4, 5, 6]);
    expect(request!.wantsMiss).toBe(false);
    peer.misses(4, request!.nonce).misses(5, request!.nonce);
    expect(peer.failed()).toEqual([]);
    peer.pass(timeoutMs);
    expect(peer.failed()).toEqual([2]);
    expect(peer.heartbeat.why(2).at(-1)).toMatchObject({
      kind: "failed",
      through: expect.arrayContaining([4, 5, 6]),
    });
  });

  test("a witness that reaches it ends the doubt, and is named", () => {
    const peer = new Peer({});
    const [request] = peer.suspects([4, 5]);
    peer.receive(5, { type: "probe-reply", nonce: request!.nonce });
    expect(peer.heartbeat.stateOf(2)).toBe("alive");
    expect(peer.heartbeat.why(2).at(-1)).toMatchObject({ kind: "alive", by: 5 });
  });
});

test("who said goodbye has left, whoever is not linked is unknown, and a new link is a new beginning", () => {
  const peer = new Peer({});
  expect([peer.heartbeat.stateOf(2), peer.heartbeat.stateOf(3)]).toEqual(["alive", "unknown"]);
  peer.hear({ type: "neighbor-down", neighbor: 2, reason: "left" } as { type: string });
  expect(peer.heartbeat.stateOf(2)).toBe("left");
  peer.hear({ type: "neighbor-up", neighbor: 2, incarnation: 6 } as { type: string });
  expect(peer.heartbeat.stateOf(2)).toBe("alive");
});

describe("a witness", () => {
  const request = { type: "probe-request", nonce: 77, suspect: 9, wantsMiss: true } as const;

  test("says that it got no answer when its own time-out is over, if that is wanted", () => {
    const peer = new Peer({}).clear().receive(3, request);
    expect(peer.sentOf("ping").map(({ to }) => to)).toEqual([9]);
    peer.pass(timeoutMs - 1);
    expect(peer.sentOf("probe-miss")).toEqual([]);
    peer.pass(1);
    expect(peer.sentOf("probe-miss")).toEqual([{ type: "probe-miss", nonce: 77, to: 3 }]);
  });

  test("says nothing of the kind if it is not, or if there was an answer", () => {
    const unwanted = new Peer({}).clear().receive(3, { ...request, wantsMiss: false });
    expect(unwanted.pass(10 * timeoutMs).sentOf("probe-miss")).toEqual([]);
    const answered = new Peer({}).clear().receive(3, request);
    const { nonce } = answered.onlySent("ping");
    answered.receive(9, { type: "ping-reply", nonce, isLinked: false, incarnation: 1, witnesses: [] });
    expect(answered.onlySent("probe-reply")).toMatchObject({ to: 3, nonce: 77 });
    expect(answered.pass(10 * timeoutMs).sentOf("probe-miss")).toEqual([]);
  });

  test("that was away itself does not know, and says nothing", () => {
    const peer = new Peer({}).clear().receive(3, request);
    peer.now += 5 * timeoutMs;
    peer.pass(0);
    expect(peer.sentOf("probe-miss")).toEqual([]);
  });

  test("keeps a bounded number of errands", () => {
    const peer = new Peer({}).clear();
    for (let nonce = 1; nonce <= 300; nonce++) peer.receive(3, { ...request, nonce });
    expect(peer.pass(timeoutMs).sentOf("probe-miss")).toHaveLength(256);
  });
});
