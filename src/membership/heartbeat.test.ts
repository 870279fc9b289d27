import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { type NodeId, UsageError } from "../core/index.ts";
import { Heartbeat, type HeartbeatCommand, type HeartbeatNotice, type HeartbeatTimer } from "./heartbeat.ts";
import { type HeartbeatOptions, missesFor } from "./heartbeat-options.ts";
import { type HeartbeatMessage, maxWitnesses, type PingReply } from "./messages.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const pingIntervalMs = 13_000;
const pingTimeoutMs = 3900;

/** Peer 1 with the neighbors that the test plays. */
class Peer extends Alone<HeartbeatMessage, HeartbeatTimer, HeartbeatNotice, HeartbeatCommand> {
  readonly heartbeat: Heartbeat;
  readonly neighbors: NodeId[] = [];
  readonly standing = { incarnation: 7, since: 0 };

  constructor(neighbors: readonly NodeId[] = [2], options: Partial<HeartbeatOptions> = {}, seed = 1) {
    const linked: NodeId[] = [];
    const standing = { incarnation: 7, since: 0 };
    const heartbeat = new Heartbeat({
      view: { neighbors: linked, has: (node) => linked.includes(node) },
      standing,
      options,
    });
    super(1, heartbeat, seed);
    this.heartbeat = heartbeat;
    this.neighbors = linked;
    this.standing = standing;
    this.start();
    for (const neighbor of neighbors) this.links(neighbor);
  }

  links(neighbor: NodeId, incarnation = 1): this {
    this.neighbors.push(neighbor);
    return this.hear({ type: "neighbor-up", neighbor, incarnation } as { type: string });
  }
  cuts(neighbor: NodeId): this {
    this.neighbors.splice(this.neighbors.indexOf(neighbor), 1);
    return this.hear({ type: "neighbor-down", neighbor, reason: "failed" } as { type: string });
  }

  /** Goes on to the next ping to this neighbor. */
  passToPing(neighbor: NodeId = 2): this {
    this.clear();
    return this.passUntil(() => this.sentOf("ping").some(({ to }) => to === neighbor));
  }
  /** The neighbor answers the last ping that it got. */
  answers(neighbor: NodeId = 2, reply: Partial<PingReply> = {}): this {
    const { nonce } = this.sentOf("ping").findLast(({ to }) => to === neighbor)!;
    const usual = { type: "ping-reply", nonce, isLinked: true, incarnation: 1, witnesses: [] } as const;
    this.heartbeat.onHeard(neighbor);
    return this.receive(neighbor, { ...usual, ...reply });
  }
  /** The neighbor stays silent for so many pings, after having named its own neighbors once. */
  fallsSilent(misses: number, witnesses: readonly NodeId[] = []): this {
    this.passToPing().answers(2, { witnesses });
    for (let i = 0; i < misses; i++) this.passToPing();
    return this.clear().pass(pingTimeoutMs);
  }
}

describe("pings", () => {
  test("go to each neighbor every 13 s, and to nobody else", () => {
    const peer = new Peer([2, 3]);
    const times = new Map<NodeId, number[]>([
      [2, []],
      [3, []],
    ]);
    while (peer.now < 100_000) {
      for (const { to } of peer.clear().pass(1).sentOf("ping")) {
        times.get(to)!.push(peer.now);
        peer.answers(to);
      }
    }
    for (const [first, ...later] of times.values()) {
      expect(first).toBeLessThanOrEqual(pingIntervalMs);
      later.forEach((time, i) => {
        expect(time).toBe(first! + (i + 1) * pingIntervalMs);
      });
    }
  });

  test("begin anywhere in the first interval, so that a network that starts at once does not ping in step", () => {
    const peer = new Peer(range(2, 41));
    const firsts = peer.pendingTimers.length;
    expect(firsts).toBe(40);
    const half = peer.pass(pingIntervalMs / 2).sentOf("ping").length;
    expect(half).toBeGreaterThan(10);
    expect(half).toBeLessThan(30);
  });

  test("are answered to everybody, with whether we are linked, our incarnation and some neighbors who may be asked", () => {
    const peer = new Peer([2, 3, 4]).clear().receive(2, { type: "ping", nonce: 5 });
    expect(peer.onlySent("ping-reply")).toMatchObject({ to: 2, nonce: 5, isLinked: true, incarnation: 7 });
    expect(peer.onlySent("ping-reply").witnesses.toSorted()).toEqual([3, 4]);
    peer.clear().receive(9, { type: "ping", nonce: 6 });
    expect(peer.onlySent("ping-reply")).toMatchObject({ to: 9, nonce: 6, isLinked: false });
  });

  test("a hub names a bounded number of its neighbors", () => {
    const peer = new Peer(range(2, 60)).clear().receive(2, { type: "ping", nonce: 5 });
    expect(peer.onlySent("ping-reply").witnesses.length).toBeLessThanOrEqual(maxWitnesses);
  });

  test("are announced and counted", () => {
    const peer = new Peer().passToPing();
    expect(peer.noticesOf("ping-sent")).toEqual([{ type: "ping-sent", neighbor: 2 }]);
    expect(peer.heartbeat.counters.pings).toBe(1);
  });

  test("end with the link", () => {
    const peer = new Peer().passToPing().cuts(2).clear().pass(100_000);
    expect(peer.effects).toEqual([]);
  });

  test("of an old link do not come back with a new one to the same peer: one ping each interval", () => {
    const peer = new Peer().pass(1000).cuts(2).links(2).cuts(2).links(2).pass(pingIntervalMs).clear();
    for (let i = 0; i < 5; i++) peer.pass(pingIntervalMs);
    expect(peer.sentOf("ping").filter(({ to }) => to === 2)).toHaveLength(5);
  });
});

describe("answers", () => {
  test("tell the round trip, smoothed as TCP does", () => {
    const peer = new Peer();
    expect(peer.heartbeat.rttMs(2)).toBeUndefined();
    peer.passToPing().pass(80).answers();
    expect(peer.heartbeat.rttMs(2)).toBe(80);
    peer.passToPing().pass(160).answers();
    expect(peer.heartbeat.rttMs(2)).toBe(90);
    expect(peer.noticesOf("ping-answered")).toEqual([{ type: "ping-answered", neighbor: 2, rttMs: 160 }]);
  });

  test("tell who is answering: a neighbor is until it misses a ping, and again when it answers", () => {
    const peer = new Peer().passToPing();
    expect(peer.heartbeat.isAnswering(2)).toBe(true);
    peer.pass(pingTimeoutMs);
    expect(peer.heartbeat.isAnswering(2)).toBe(false);
    peer.passToPing().answers();
    expect(peer.heartbeat.isAnswering(2)).toBe(true);
  });

  test("reset the count: three misses must be in a row", () => {
    const peer = new Peer();
    for (let i = 0; i < 10; i++) {
      peer.passToPing().pass(pingTimeoutMs);
      peer.passToPing().pass(pingTimeoutMs);
      peer.passToPing().answers();
    }
    expect(peer.heartbeat.counters.misses).toBe(20);
    expect(peer.heartbeat.counters.suspicions).toBe(0);
  });

  test("that nobody asked for count for nothing: wrong nonce, nonce 0, a stranger's, a second one", () => {
    const peer = new Peer().passToPing();
    const { nonce } = peer.onlySent("ping");
    const reply = { type: "ping-reply", isLinked: true, incarnation: 1, witnesses: [] } as const;
    peer
      .clear()
      .receive(2, { ...reply, nonce: nonce + 1 })
      .receive(2, { ...reply, nonce: 0 });
    peer.receive(3, { ...reply, nonce });
    expect(peer.effects).toEqual([]);
    peer.receive(2, { ...reply, nonce }).receive(2, { ...reply, nonce });
    expect(peer.noticesOf("ping-answered")).toHaveLength(1);
    expect(peer.heartbeat.counters.unasked).toBe(4);
  });

  test("that come after the time-out are misses", () => {
    const peer = new Peer().passToPing().pass(pingTimeoutMs).answers();
    expect(peer.noticesOf("ping-missed")).toEqual([{ type: "ping-missed", neighbor: 2, misses: 1 }]);
    expect(peer.noticesOf("ping-answered")).toEqual([]);
  });
});

describe("silence", () => {
  test("for three pings makes a suspect, for two it does not", () => {
    const two = new Peer().fallsSilent(2);
    expect(two.noticesOf("suspected")).toEqual([]);
    const three = new Peer().fallsSilent(3, [5]);
    expect(three.noticesOf("ping-missed")).toMatchObject([{ misses: 3 }]);
    expect(three.noticesOf("suspected")).toEqual([
      { type: "suspected", neighbor: 2, misses: 3, witnesses: [5] },
    ]);
  });

  test("other neighbors of the suspect are asked to try; if they are silent too it has failed", () => {
    const peer = new Peer().fallsSilent(3, [4, 5, 6]);
    const requests = peer.sentOf("probe-request");
    expect(requests.map(({ to }) => to).toSorted()).toEqual([4, 5, 6]);
    expect(requests[0]).toMatchObject({ suspect: 2 });
    expect(peer.noticesOf("neighbor-failed")).toEqual([]);
    peer.pass(pingTimeoutMs);
    expect(peer.noticesOf("neighbor-failed")).toEqual([
      { type: "neighbor-failed", neighbor: 2, incarnation: 1, misses: 3 },
    ]);
  });

  test("if one of them reaches it, only the path is bad", () => {
    const peer = new Peer().fallsSilent(3, [4, 5, 6]);
    const { nonce } = peer.sentOf("probe-request")[0]!;
    peer.receive(5, { type: "probe-reply", nonce }).pass(pingTimeoutMs);
    expect(peer.noticesOf("neighbor-unreachable")).toEqual([
      { type: "neighbor-unreachable", neighbor: 2, witness: 5 },
    ]);
    expect(peer.noticesOf("neighbor-failed")).toEqual([]);
  });

  test("if nobody can be asked, it has failed at once", () => {
    const peer = new Peer().fallsSilent(3, []);
    expect(peer.noticesOf("neighbor-failed")).toHaveLength(1);
    expect(peer.sentOf("probe-request")).toEqual([]);
  });

  test("neither we nor the suspect are witnesses, whatever it says", () => {
    const peer = new Peer().fallsSilent(3, [1, 2]);
    expect(peer.sentOf("probe-request")).toEqual([]);
  });

  test("only a few witnesses are asked, at random", () => {
    const asked = range(1, 20).map((seed) => {
      const peer = new Peer([2], {}, seed).fallsSilent(3, range(10, 17));
      return peer.sentOf("probe-request").map(({ to }) => to);
    });
    expect(asked.every((witnesses) => witnesses.length === 3 && new Set(witnesses).size === 3)).toBe(true);
    expect(new Set(asked.flat()).size).toBe(8);
  });

  test("an answer while the witnesses try clears the suspect", () => {
    const peer = new Peer().fallsSilent(3, [4]).links(3);
    peer.heartbeat.onHeard(2);
    peer.pass(pingTimeoutMs);
    expect(peer.noticesOf("neighbor-failed")).toEqual([]);
    peer.passToPing().pass(pingTimeoutMs);
    expect(peer.noticesOf("ping-missed"), "and the count begins anew").toMatchObject([{ misses: 1 }]);
  });

  test("a verdict on a link that is gone meanwhile is not spoken, nor on the new link that took its place", () => {
    const peer = new Peer().fallsSilent(3, [4]).cuts(2).links(2).pass(pingTimeoutMs);
    expect(peer.noticesOf("neighbor-failed")).toEqual([]);
  });

  test("reports name the latest incarnation that answered", () => {
    const peer = new Peer([]).links(2, 4).passToPing().answers(2, { incarnation: 6 });
    peer.passToPing().answers(2, { incarnation: 5 });
    for (let i = 0; i < 3; i++) peer.passToPing();
    peer.pass(pingTimeoutMs);
    expect(peer.noticesOf("neighbor-failed")).toMatchObject([{ incarnation: 6 }]);
  });
});

describe("any message", () => {
  test("is a sign of life: who gossips but has no time to answer pings is not dead", () => {
    const peer = new Peer();
    for (let i = 0; i < 10; i++) {
      peer.passToPing().pass(100).heartbeat.onHeard(2);
      peer.pass(pingTimeoutMs);
    }
    expect(peer.heartbeat.counters).toMatchObject({ misses: 0, suspicions: 0, impliedAnswers: 10 });
  });

  test("wipes out the misses before it, as an answer does", () => {
    const peer = new Peer();
    for (let i = 0; i < 10; i++) {
      peer.passToPing().pass(pingTimeoutMs);
      peer.passToPing().pass(pingTimeoutMs);
      peer.passToPing().pass(100).heartbeat.onHeard(2);
      peer.pass(pingTimeoutMs);
    }
    expect(peer.heartbeat.counters).toMatchObject({ misses: 20, suspicions: 0 });
  });

  test("clears a suspect once: three more misses make it one again", () => {
    const peer = new Peer().fallsSilent(3, [4]);
    peer.heartbeat.onHeard(2);
    peer.pass(pingTimeoutMs);
    for (let i = 0; i < 3; i++) peer.passToPing();
    expect(peer.clear().pass(pingTimeoutMs).noticesOf("suspected")).toHaveLength(1);
    expect(peer.pass(pingTimeoutMs).noticesOf("neighbor-failed")).toHaveLength(1);
  });

  test("counts only if it came since the ping", () => {
    const peer = new Peer();
    for (let i = 0; i < 3; i++) {
      peer.heartbeat.onHeard(2);
      peer.passToPing().pass(pingTimeoutMs);
    }
    expect(peer.heartbeat.counters.suspicions).toBe(1);
  });

  test("of a stranger says nothing about a neighbor", () => {
    const peer = new Peer();
    for (let i = 0; i < 3; i++) {
      peer.passToPing().heartbeat.onHeard(3);
      peer.pass(pingTimeoutMs);
    }
    expect(peer.heartbeat.counters.suspicions).toBe(1);
  });
});

describe("our own trouble", () => {
  /** Fires the timer of this type as late as that. */
  const late = (peer: Peer, type: "ping-timeout" | "verdict", byMs: number) => {
    const timer = peer.pendingTimers.findLast((pending) => pending.type === type)!;
    if (timer.type === "ping") throw new Error("not that one");
    peer.now = timer.dueAt + byMs;
    peer.heartbeat.onTimer(timer, peer);
  };

  test("a time-out that fires late judges nobody, and gives the answer that waits unread the same time again", () => {
    const peer = new Peer().passToPing();
    late(peer, "ping-timeout", 60_000);
    expect(peer.heartbeat.counters).toMatchObject({ lateTimers: 1, misses: 0 });
    peer.answers();
    expect(peer.noticesOf("ping-answered")).toHaveLength(1);
  });

  test("if there is none it is a miss after all", () => {
    const peer = new Peer().passToPing();
    late(peer, "ping-timeout", 60_000);
    late(peer, "ping-timeout", 0);
    expect(peer.noticesOf("ping-missed")).toMatchObject([{ misses: 1 }]);
  });

  test("a little late is on time", () => {
    const peer = new Peer().passToPing();
    late(peer, "ping-timeout", pingTimeoutMs / 2);
    expect(peer.heartbeat.counters).toMatchObject({ lateTimers: 0, misses: 1 });
  });

  test("a verdict that comes late is not spoken either, but later if the silence lasts", () => {
    const peer = new Peer().fallsSilent(3, [4]);
    late(peer, "verdict", 60_000);
    expect(peer.noticesOf("neighbor-failed")).toEqual([]);
    late(peer, "verdict", 0);
    expect(peer.noticesOf("neighbor-failed")).toHaveLength(1);
  });
});

describe("errands", () => {
  test("a witness pings the suspect, and answers only if that answers", () => {
    const peer = new Peer([]).receive(8, { type: "probe-request", nonce: 77, suspect: 9, wantsMiss: false });
    expect(peer.onlySent("ping").to).toBe(9);
    expect(peer.sentOf("probe-reply")).toEqual([]);
    peer.answers(9);
    expect(peer.onlySent("probe-reply")).toMatchObject({ to: 8, nonce: 77 });
  });

  test("the answer must be the suspect's own, and counts once", () => {
    const peer = new Peer([]).receive(8, { type: "probe-request", nonce: 77, suspect: 9, wantsMiss: false });
    const { nonce } = peer.onlySent("ping");
    const reply = { type: "ping-reply", nonce, isLinked: true, incarnation: 1, witnesses: [] } as const;
    peer.receive(8, reply);
    expect(peer.sentOf("probe-reply")).toEqual([]);
    peer.receive(9, reply).receive(9, reply);
    expect(peer.sentOf("probe-reply")).toHaveLength(1);
  });

  test("a suspect is no witness of itself", () => {
    const peer = new Peer([]).receive(8, { type: "probe-request", nonce: 77, suspect: 1, wantsMiss: false });
    expect(peer.effects).toEqual([]);
  });

  test("are bounded: the oldest is forgotten", () => {
    const peer = new Peer([]);
    for (const i of range(1, 300))
      peer.receive(8, { type: "probe-request", nonce: i, suspect: 1000 + i, wantsMiss: false });
    const pings = peer.sentOf("ping");
    peer.clear();
    for (const { to, nonce } of pings) {
      peer.receive(to, { type: "ping-reply", nonce, isLinked: true, incarnation: 1, witnesses: [] });
    }
    expect(peer.sentOf("probe-reply").map(({ nonce }) => nonce)).toEqual(range(45, 300));
  });

  test("a witness that was not asked clears nobody", () => {
    const peer = new Peer().fallsSilent(3, [4]);
    peer.receive(66, { type: "probe-reply", nonce: 0 }).receive(66, { type: "probe-reply", nonce: 5 });
    expect(peer.pass(pingTimeoutMs).noticesOf("neighbor-failed")).toHaveLength(1);
    expect(peer.heartbeat.counters.unasked).toBe(2);
  });
});

describe("a link that the other end does not have", () => {
  test("is announced at the second answer that says so, as the first may have crossed the accept", () => {
    const peer = new Peer().passToPing().answers(2, { isLinked: false });
    expect(peer.noticesOf("neighbor-one-sided")).toEqual([]);
    peer.passToPing().answers(2, { isLinked: false });
    expect(peer.noticesOf("neighbor-one-sided")).toEqual([{ type: "neighbor-one-sided", neighbor: 2 }]);
  });

  test("is not announced if the answers in between say otherwise", () => {
    const peer = new Peer();
    for (const isLinked of [false, true, false, true]) peer.passToPing().answers(2, { isLinked });
    expect(peer.noticesOf("neighbor-one-sided")).toEqual([]);
  });
});

describe("how many misses to wait for", () => {
  test("is the least number of misses that is rare enough", () => {
    const probability = fc.double({ min: 0.001, max: 0.95, noNaN: true });
    fc.assert(
      fc.property(probability, fc.double({ min: 1e-9, max: 0.5, noNaN: true }), (p, limit) => {
        const misses = missesFor(p, limit);
        expect(misses === 1 || p ** (misses - 1) > limit).toBe(true);
        expect(p ** misses).toBeLessThanOrEqual(limit * (1 + 1e-9));
      }),
    );
  });

  test("is not one more because of rounding: 0.1 three times is 0.001", () => {
    expect(missesFor(0.1, 0.001)).toBe(3);
    expect(missesFor(0.01, 1e-6)).toBe(3);
    expect(missesFor(0.5, 0.5)).toBe(1);
  });

  test("needs a p and a limit between 0 and 1", () => {
    for (const bad of [0, 1, -0.1, 1.5, Number.NaN]) {
      expect(() => missesFor(bad, 0.001)).toThrow(UsageError);
      expect(() => missesFor(0.1, bad)).toThrow(UsageError);
    }
  });

  test("follows p where p is given, and is 3 otherwise", () => {
    expect(new Peer([]).heartbeat.misses).toBe(3);
    expect(new Peer([], { misses: 5 }).heartbeat.misses).toBe(5);
    expect(new Peer([], { misses: 5, pingFailureRate: 0.3 }).heartbeat.misses).toBe(6);
  });
});

test("a time-out must fit into the interval, and says so", () => {
  expect(() => new Peer([], { pingIntervalMs: 1000, pingTimeoutMs: 1001 })).toThrow(
    "pingTimeoutMs: 1001 is more than pingIntervalMs (1000)",
  );
  const peer = new Peer([2], { pingIntervalMs: 1000, pingTimeoutMs: 1000 }).pass(5000);
  expect(peer.heartbeat.counters.misses, "the whole interval is fine").toBeGreaterThan(2);
});
