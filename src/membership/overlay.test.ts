import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { powerLaw, seedExponential } from "../core/degree-law.ts";
import type { Candidate, NodeId, Typed } from "../core/index.ts";
import { seededRandom } from "../core/index.ts";
import { KnownPeers } from "./known-peers.ts";
import type { Connect, OverlayMessage } from "./messages.ts";
import {
  Overlay,
  type OverlayCommand,
  type OverlayNotice,
  type OverlayOptions,
  type OverlayTimer,
  overlayOptions,
} from "./overlay.ts";

const self = 50;
/** The lower the number, the elder: peer n joined at n seconds. */
const sinceOf = (peer: NodeId) => (peer as number) * 1000;
const entryOf = (peer: NodeId): Candidate => ({ peer, since: sinceOf(peer) });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

interface Setting {
  /** Whom the peer knows. */
  readonly knows?: readonly NodeId[];
  /** Links that it has; each side asked by itself. */
  readonly linked?: readonly NodeId[];
  readonly wants?: number;
  readonly options?: Partial<OverlayOptions>;
  readonly rttMs?: Record<number, number>;
  /** Neighbors who did not answer their last ping. */
  readonly silent?: readonly NodeId[];
  readonly self?: NodeId;
  readonly seed?: number;
}

/** One peer's overlay. `wants` links, all peers the same, unless the options say otherwise. */
class Peer extends Alone<OverlayMessage, OverlayTimer, OverlayNotice, OverlayCommand> {
  readonly overlay: Overlay;
  readonly known = new KnownPeers(10_000);

  constructor({
    knows = [],
    linked = [],
    wants = 3,
    options,
    rttMs,
    silent = [],
    self: me = self,
    seed = 1,
  }: Setting = {}) {
    const known = new KnownPeers(10_000);
    const overlay = new Overlay({
      sampler: known,
      standing: { incarnation: 1, since: sinceOf(self) },
      quality: () => ({
        rttMs: (neighbor) => rttMs?.[neighbor as number],
        isAnswering: (neighbor) => !silent.includes(neighbor),
      }),
      options: { law: "uniform", minDegree: wants, ...options },
    });
    super(me, overlay, seed);
    this.overlay = overlay;
    this.known = known;
    for (const peer of [...knows, ...linked]) this.learns(peer);
    this.start();
    for (const peer of linked) this.isAskedBy(peer, { isUrgent: true });
    this.clear();
  }

  learns(peer: NodeId): void {
    this.known.add(entryOf(peer), this.random);
  }
  isAskedBy(peer: NodeId, connect: Partial<Connect> = {}): this {
    const usual = {
      type: "connect",
      since: sinceOf(peer),
      incarnation: 1,
      places: 1,
      isUrgent: false,
    } as const;
    return this.receive(peer, { ...usual, ...connect });
  }
  isAcceptedBy(peer: NodeId, brings?: NodeId): this {
    return this.receive(peer, { type: "accept", since: sinceOf(peer), incarnation: 1, brings });
  }
  hears(notice: OverlayNotice | Typed): this {
    return this.hear(notice);
  }
  get neighbors(): readonly NodeId[] {
    return this.overlay.neighbors;
  }
  get asks(): NodeId[] {
    return this.sentOf("connect").map(({ to }) => to);
  }
}

/** One that has enough links not to be in need, an elder neighbor among them, and wants many more. */
function hub(setting: Setting): Peer {
  const options: Partial<OverlayOptions> = { law: "power-law", exponent: 1.01, minDegree: 3 };
  const peers = range(1, 40).map((seed) => new Peer({ linked: [1, 2, 3], options, seed, ...setting }));
  return peers.find(({ overlay }) => overlay.wantedDegree > 10)!;
}

describe("the degree that a peer wants", () => {
  const wanted = (options: Partial<OverlayOptions>, others: number, seed: number) =>
    new Peer({ options, knows: range(100, 99 + others), seed }).overlay.wantedDegree;

  test("is the same for all under the uniform law, as far as there are others", () => {
    expect(new Peer({ wants: 4, knows: range(1, 10) }).overlay.wantedDegree).toBe(4);
    expect(new Peer({ wants: 4, knows: [1, 2] }).overlay.wantedDegree).toBe(2);
    expect(new Peer({ wants: 4 }).overlay.wantedDegree).toBe(0);
  });

  test.each([
    ["power-law" as const, powerLaw({ exponent: 2.5, minDegree: 3, maxDegree: 60 })],
    ["seed-exponential" as const, seedExponential({ minDegree: 3, maxDegree: 60 })],
  ])("follows the %s over many peers", (law, expected) => {
    const degrees = Array.from({ length: 600 }, (_, seed) => wanted({ law, minDegree: 3 }, 60, seed));
    const mean = degrees.reduce((sum, degree) => sum + degree, 0) / degrees.length;
    expect(Math.min(...degrees)).toBe(3);
    expect(Math.max(...degrees)).toBeLessThanOrEqual(60);
    expect(Math.abs(mean / expected.mean - 1)).toBeLessThan(0.1);
  });

  test("is drawn once: it grows with the network and never falls", () => {
    for (let seed = 0; seed < 20; seed++) {
      const peer = new Peer({ options: { law: "power-law" }, seed });
      let before = 0;
      for (const other of range(100, 220)) {
        peer.learns(other);
        expect(peer.overlay.wantedDegree).toBeGreaterThanOrEqual(before);
        before = peer.overlay.wantedDegree;
      }
      expect(before).toBeLessThanOrEqual(100);
    }
  });
});

describe("asking", () => {
  test("a lonely peer asks, and says who it is and how many links it has room for", () => {
    const peer = new Peer({ knows: [1, 2], wants: 2 }).pass(0);
    expect(peer.sentOf("connect")[0]).toEqual({
      type: "connect",
      to: expect.any(Number),
      since: sinceOf(self),
      incarnation: 1,
      places: 2,
      isUrgent: false,
    });
  });

  test("an accept makes the link", () => {
    const peer = new Peer({ knows: [1], wants: 1 }).pass(0).isAcceptedBy(1);
    expect(peer.neighbors).toEqual([1]);
    expect(peer.overlay.has(1)).toBe(true);
    expect(peer.noticesOf("neighbor-up")).toEqual([{ type: "neighbor-up", neighbor: 1, incarnation: 1 }]);
  });

  test("it asks for no more than it misses: an answer to two places may bring two links", () => {
    const peer = new Peer({ knows: range(1, 20), wants: 3 }).pass(0);
    expect(peer.sentOf("connect").reduce((sum, { places }) => sum + places, 0)).toBe(3);
  });

  test("it asks only a few in one round, however many it misses", () => {
    const peer = new Peer({ knows: range(1, 40), wants: 30 }).pass(0);
    expect(peer.asks.length).toBeLessThanOrEqual(5);
    expect(new Set(peer.asks).size).toBe(peer.asks.length);
  });

  test("of two candidates it asks the longer-lived", () => {
    for (let seed = 0; seed < 10; seed++) {
      const peer = new Peer({ knows: [60, 61], wants: 1, seed }).pass(0);
      expect(peer.asks).toEqual([60]);
    }
  });

  test("it asks nobody whom it is linked with or has asked already", () => {
    const peer = new Peer({ knows: [60, 61], linked: [1], wants: 3 }).pass(0);
    const [first] = peer.asks;
    expect(peer.clear().pass(2000).asks).toEqual([]);
    expect(peer.isAcceptedBy(first!).pass(250).asks).toEqual([first === 60 ? 61 : 60]);
  });

  test.each(["refuse", "are silent"] as const)(
    "those who %s are left alone for a while, and asked again later",
    (answer) => {
      const peer = hub({ knows: range(51, 75) });
      const askedAt = new Map<NodeId, number[]>();
      while (peer.now < 120_000) {
        peer.clear().pass(50);
        for (const other of peer.asks) {
          askedAt.set(other, [...(askedAt.get(other) ?? []), peer.now]);
          if (answer === "refuse") peer.receive(other, { type: "reject" });
        }
      }
      const gaps = [...askedAt.values()].flatMap((times) =>
        times.slice(1).map((time, i) => time - times[i]!),
      );
      expect(gaps.length).toBeGreaterThan(0);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(overlayOptions.specs.avoidMs.default - 50);
      expect(peer.overlay.counters.timeouts > 0).toBe(answer === "are silent");
    },
  );

  test("who has too few links asks again soon, though everybody has refused", () => {
    const peer = new Peer({ knows: [60], wants: 1 }).pass(0).receive(60, { type: "reject" }).clear();
    expect(peer.pass(2000).asks.length).toBeGreaterThan(0);
  });

  test("the list of those who are left alone is bounded: there is always somebody to ask", () => {
    const options = { avoidMs: 3_600_000 };
    const peer = new Peer({ knows: range(100, 699), wants: 4, options }).pass(0);
    const asked: NodeId[] = [];
    while (asked.length < 900 && peer.now < 1_000_000) {
      asked.push(...peer.asks);
      const round = peer.asks;
      peer.clear();
      for (const other of round) peer.receive(other, { type: "reject" });
      peer.pass(1000);
    }
    expect(asked.length, "with 600 known, some were asked twice within the hour").toBeGreaterThanOrEqual(900);
  });

  test("after some refusals in a row a peer below the least degree insists", () => {
    const peer = new Peer({ knows: range(60, 90), wants: 3 }).pass(0);
    while (peer.overlay.counters.accepted === 0 && peer.now < 60_000) {
      if (peer.sentOf("connect").some(({ isUrgent }) => isUrgent)) break;
      for (const other of peer.asks) peer.receive(other, { type: "reject" });
      peer.clear().pass(300);
    }
    expect(
      peer.sentOf("connect").filter(({ isUrgent }) => isUrgent),
      "one at a time",
    ).toHaveLength(1);
  });

  test("a hub that misses links asks every second or so, and after fruitless rounds less often", () => {
    const peer = hub({ knows: range(51, 99) });
    const longest = overlayOptions.specs.maxRefillIntervalMs.default;
    const rounds: number[] = [];
    while (peer.now < 8 * longest) {
      if (peer.clear().pass(250).asks.length > 0) rounds.push(peer.now);
      for (const other of peer.asks) peer.receive(other, { type: "reject" });
    }
    const gaps = rounds.slice(1).map((time, i) => time - rounds[i]!);
    expect(gaps[0]).toBeLessThan(3000);
    expect(Math.max(...gaps)).toBeGreaterThan(longest / 2);
    expect(Math.max(...gaps)).toBeLessThan(longest * 1.25 + 500);
  });

  test("there is one next round, however often something makes it come sooner", () => {
    const rounds = (news: number) => {
      const peer = new Peer({ wants: 2 }).pass(5000);
      for (let i = 0; i < news; i++) peer.hears({ type: "list-received" });
      const before = peer.pass(1000).now;
      return peer.clear().pass(60_000).scheduled().length / (peer.now - before);
    };
    expect(rounds(20) / rounds(0)).toBeLessThan(1.2);
  });

  test("a link that came another way while we asked is an answer: nobody is waited for, nor avoided", () => {
    const peer = new Peer({ knows: [1], wants: 1 }).pass(0).isAskedBy(1).pass(5000);
    expect(peer.overlay.counters.timeouts).toBe(0);
    peer.receive(1, { type: "disconnect", instead: undefined }).clear().pass(250);
    expect(peer.asks).toEqual([1]);
  });

  test("an acceptance ends the insisting", () => {
    const peer = new Peer({ knows: range(1, 40), wants: 3 }).pass(0);
    while (!peer.sentOf("connect").some(({ isUrgent }) => isUrgent)) {
      const asked = peer.asks;
      peer.clear();
      for (const other of asked) peer.receive(other, { type: "reject" });
      peer.pass(300);
    }
    const urgent = peer.sentOf("connect").find(({ isUrgent }) => isUrgent)!;
    peer.clear().isAcceptedBy(urgent.to).pass(300);
    expect(peer.sentOf("connect").length).toBeGreaterThan(0);
    expect(peer.sentOf("connect").some(({ isUrgent }) => isUrgent)).toBe(false);
  });

  test("a fresh list is looked at soon by those who miss links", () => {
    const peer = new Peer({ wants: 2 }).pass(5000);
    peer.learns(1);
    peer.hears({ type: "list-received" }).pass(250);
    expect(peer.asks).toEqual([1]);
  });
});

describe("being asked", () => {
  test("who misses links accepts", () => {
    const peer = new Peer({ knows: range(1, 9), wants: 2 }).isAskedBy(1);
    expect(peer.sentOf("accept")).toEqual([
      { type: "accept", to: 1, since: sinceOf(self), incarnation: 1, brings: undefined },
    ]);
    expect(peer.neighbors).toEqual([1]);
  });

  test("who is full refuses one that has a single place", () => {
    const peer = new Peer({ linked: [1, 2], wants: 2, knows: range(3, 9) }).isAskedBy(3);
    expect(peer.sent()).toEqual([{ to: 3, message: { type: "reject" } }]);
    expect(peer.neighbors).toEqual([1, 2]);
    expect(peer.overlay.counters).toMatchObject({ accepted: 2, rejected: 1, inserted: 0 });
  });

  test("who is full puts one that misses two links into a link of its own: no degree but the asker's changes", () => {
    const peer = new Peer({ linked: [1, 60], wants: 2, knows: range(3, 9) }).isAskedBy(70, { places: 2 });
    expect(peer.sentOf("accept")).toMatchObject([{ to: 70, brings: 60 }]);
    expect(peer.sentOf("disconnect")).toEqual([{ type: "disconnect", to: 60, instead: 70 }]);
    expect(peer.neighbors).toEqual([1, 70]);
    expect(peer.noticesOf("neighbor-down")).toEqual([
      { type: "neighbor-down", neighbor: 60, reason: "replaced" },
    ]);
  });

  test("one in need is taken in beyond the wish, up to a limit", () => {
    const peer = new Peer({ linked: [1, 2], wants: 2, knows: range(3, 20) });
    for (const asker of range(10, 19)) peer.isAskedBy(asker, { isUrgent: true });
    expect(peer.neighbors).toEqual([1, 2, 10, 11, 12, 13]);
    expect(peer.sentOf("reject").map(({ to }) => to)).toEqual(range(14, 19));
  });

  test("beyond that it is put into a link to one who is younger, and so keeps an elder neighbor in it", () => {
    const peer = new Peer({
      self: 5,
      linked: [1, 60, 61],
      options: { minDegree: 3, maxDegree: 3 },
      knows: range(70, 79),
    });
    peer.isAskedBy(9, { isUrgent: true });
    expect(peer.sentOf("accept")).toMatchObject([{ to: 9, brings: 61 }]);
    expect(peer.sentOf("disconnect")).toMatchObject([{ to: 61, instead: 9 }]);
    peer.clear().isAskedBy(99, { isUrgent: true });
    expect(peer.sentOf("reject"), "nobody is younger than this one").toHaveLength(1);
  });

  test("nobody is taken in beyond the greatest degree, however urgent", () => {
    const peer = new Peer({ linked: [1, 2], knows: range(3, 20), options: { minDegree: 2, maxDegree: 2 } });
    peer.isAskedBy(10, { isUrgent: true });
    expect(peer.neighbors).toEqual([1, 2]);
  });

  test("whoever asks is somebody to know", () => {
    const peer = new Peer().isAskedBy(7);
    expect(peer.noticesOf("peer-met")).toEqual([{ type: "peer-met", peer: 7, since: 7000 }]);
  });

  test("one that is linked already, and has forgotten it, is accepted again without a second link", () => {
    const peer = new Peer({ linked: [1], knows: [2, 3] }).isAskedBy(1);
    expect(peer.sentOf("accept")).toMatchObject([{ to: 1 }]);
    expect(peer.neighbors).toEqual([1]);
    expect(peer.noticesOf("neighbor-up")).toEqual([]);
  });

  test("one that is linked already, and started anew, has a new link: it knows nothing of what crossed the old one", () => {
    const peer = new Peer({ linked: [1], knows: [2, 3] }).isAskedBy(1, { incarnation: 2 });
    expect(peer.notices().filter(({ type }) => type !== "peer-met")).toEqual([
      { type: "neighbor-down", neighbor: 1, reason: "replaced" },
      { type: "neighbor-up", neighbor: 1, incarnation: 2 },
    ]);
    expect(peer.neighbors).toEqual([1]);
    expect(peer.sentOf("accept")).toMatchObject([{ to: 1 }]);
  });

  test("two that ask each other at the same time have one link", () => {
    const peer = new Peer({ knows: [1], wants: 1 }).pass(0);
    expect(peer.asks).toEqual([1]);
    peer.isAskedBy(1).isAcceptedBy(1);
    expect(peer.neighbors).toEqual([1]);
    expect(peer.noticesOf("neighbor-up")).toHaveLength(1);
    expect(peer.sentOf("disconnect")).toEqual([]);
  });

  test("a peer that comes from a new address replaces its old link", () => {
    const [old, moved] = ["anna@10.0.0.1:1", "anna@10.0.0.2:2"];
    const peer = new Peer({ self: "me@10.0.0.9:9", wants: 2 });
    for (const name of ["bert", "cleo"])
      peer.known.add({ peer: `${name}@10.0.0.3:3`, since: 1 }, peer.random);
    peer.isAskedBy(old!, { since: 1 }).isAskedBy(moved!, { since: 1, incarnation: 2 });
    expect(peer.neighbors).toEqual([moved]);
    expect(peer.noticesOf("neighbor-down")).toMatchObject([{ neighbor: old, reason: "replaced" }]);
  });
});

describe("the neighbor that is given away", () => {
  const given = (setting: Setting, asker: NodeId = 90) =>
    new Peer({ wants: setting.linked!.length, knows: range(91, 99), ...setting })
      .isAskedBy(asker, { places: 2 })
      .sentOf("disconnect")
      .map(({ to }) => to);

  test("is the slowest one", () => {
    expect(given({ linked: [1, 60, 61, 62], rttMs: { 1: 5, 60: 10, 61: 80, 62: 20 } })).toEqual([61]);
  });

  test("of equally slow ones the youngest", () => {
    expect(given({ linked: [1, 61, 63, 62] })).toEqual([63]);
    expect(given({ linked: [1, 61, 63, 62], rttMs: { 1: 5, 61: 9, 62: 9, 63: 9 } })).toEqual([63]);
  });

  test("is never the only elder one", () => {
    expect(given({ linked: [1, 60], rttMs: { 1: 900, 60: 1 } })).toEqual([60]);
    expect(given({ linked: [1] }), "then there is none to give").toEqual([]);
  });

  test("is never one that is silent: it may be dying, and we its witness", () => {
    expect(given({ linked: [1, 60, 61, 62], silent: [62] })).toEqual([61]);
    expect(given({ linked: [1, 60], silent: [60] })).toEqual([]);
  });

  test("may be the only elder one if the asker is elder too", () => {
    expect(given({ linked: [1, 60], rttMs: { 1: 900, 60: 1 } }, 2)).toEqual([1]);
  });

  test("may be one of two elder ones", () => {
    expect(given({ linked: [1, 2, 60], rttMs: { 1: 900, 2: 5, 60: 1 } })).toEqual([1]);
  });
});

describe("being put into a link", () => {
  const inserted = () =>
    new Peer({ knows: [1, 2, 3], wants: 2 })
      .pass(0)
      .isAcceptedBy(new Peer({ knows: [1, 2, 3], wants: 2 }).pass(0).asks[0]!, 77);

  test("the neighbor that was told to come is accepted though the places are taken", () => {
    const peer = inserted().isAskedBy(77, { isUrgent: true });
    expect(peer.neighbors).toHaveLength(2);
    expect(peer.overlay.has(77)).toBe(true);
  });

  test("its coming settles the promise: if a link is missing later, another is asked for at once", () => {
    const peer = inserted().isAskedBy(77, { isUrgent: true }).clear();
    peer.receive(77, { type: "disconnect", instead: undefined }).pass(250);
    expect(peer.asks).toHaveLength(1);
  });

  test("its place is kept: nobody else is asked meanwhile", () => {
    const peer = inserted().clear().pass(2900);
    expect(peer.asks).toEqual([]);
  });

  test("but not for ever", () => {
    const peer = inserted().clear().pass(6000);
    expect(peer.asks).not.toEqual([]);
  });

  test("who is told to connect elsewhere does so, urgently, since its place is kept", () => {
    const peer = new Peer({ linked: [1, 2], wants: 2, knows: range(3, 9) });
    peer.receive(1, { type: "disconnect", instead: 7 });
    expect(peer.neighbors).toEqual([2]);
    expect(peer.sentOf("connect")).toMatchObject([{ to: 7, isUrgent: true }]);
  });

  test("a disconnect of a stranger means nothing", () => {
    const peer = new Peer({ linked: [1, 2], wants: 2 }).receive(66, { type: "disconnect", instead: 67 });
    expect(peer.neighbors).toEqual([1, 2]);
    expect(peer.effects).toEqual([]);
  });

  test("nobody is sent to itself, to a neighbor, or to somebody whom it avoids", () => {
    const peer = new Peer({ linked: [1, 2, 3, 4], wants: 4, knows: [9] });
    peer.hears({ type: "neighbor-failed", neighbor: 4, incarnation: 1, misses: 3 }).clear();
    peer.receive(1, { type: "disconnect", instead: self });
    peer.receive(2, { type: "disconnect", instead: 3 });
    peer.receive(3, { type: "disconnect", instead: 4 });
    expect(peer.asks).toEqual([]);
  });

  test("an accept that brings ourselves or a neighbor brings nobody", () => {
    for (const brought of [self, 2]) {
      const peer = new Peer({ linked: [2], knows: [1, 3, 4], wants: 4 }).pass(0);
      peer.isAcceptedBy(peer.asks[0]!, brought).clear().pass(2500);
      expect(peer.asks.length, "the place is not kept").toBeGreaterThan(0);
    }
  });
});

describe("answers that nobody waits for", () => {
  test("a late accept is answered by a disconnect: the other end must not count on the link", () => {
    const peer = new Peer({ knows: [60], wants: 1 }).pass(3000).clear().isAcceptedBy(60);
    expect(peer.sent()).toEqual([{ to: 60, message: { type: "disconnect", instead: undefined } }]);
    expect(peer.neighbors).toEqual([]);
    expect(peer.overlay.counters.unasked).toBe(1);
  });

  test("an accept that was never asked for makes no link, and keeps no place", () => {
    const peer = new Peer({ knows: [60], wants: 1 }).isAcceptedBy(66, 67);
    expect(peer.sentOf("disconnect").map(({ to }) => to)).toEqual([66]);
    expect(peer.neighbors).toEqual([]);
    expect(peer.pass(0).asks).toEqual([60]);
  });

  test("a second accept on a standing link changes nothing", () => {
    const peer = new Peer({ linked: [1] }).isAcceptedBy(1);
    expect(peer.neighbors).toEqual([1]);
    expect(peer.sent()).toEqual([]);
  });

  test("a reject that was not asked for makes us avoid nobody", () => {
    const peer = new Peer({ knows: [60], wants: 1 }).receive(60, { type: "reject" }).pass(0);
    expect(peer.asks).toEqual([60]);
  });
});

describe("an elder neighbor", () => {
  test("is sought by a peer that has enough links, but only to younger ones: urgently, as it has no place left", () => {
    const peer = new Peer({ linked: [60, 61, 62], knows: [1, 63], wants: 3 }).pass(0);
    expect(peer.sentOf("connect")).toMatchObject([{ to: 1, isUrgent: true, places: 1 }]);
    expect(peer.overlay.counters.anchorsSought).toBe(1);
  });

  test("is sought again when the last one is gone", () => {
    const peer = new Peer({ linked: [1, 60, 61], knows: [2], wants: 2 }).pass(0).clear();
    peer.hears({ type: "neighbor-failed", neighbor: 1, incarnation: 1, misses: 3 }).pass(250);
    expect(peer.asks).toEqual([2]);
  });

  test("is asked for one at a time", () => {
    const peer = new Peer({ linked: [60, 61, 62], knows: [1, 2, 3], wants: 3 }).pass(2900);
    expect(peer.asks).toHaveLength(1);
  });

  test("after a refusal another one is asked", () => {
    const peer = new Peer({ linked: [60, 61, 62], knows: [1, 2], wants: 3 }).pass(0);
    const [first] = peer.asks;
    peer.clear().receive(first!, { type: "reject" }).pass(1500);
    expect(peer.asks).toEqual([first === 1 ? 2 : 1]);
  });

  test("is not sought by the eldest", () => {
    const peer = new Peer({ linked: [60, 61, 62], knows: [63, 64], wants: 3 }).pass(30_000);
    expect(peer.asks).toEqual([]);
  });
});

describe("the end of a link", () => {
  test.each([
    ["neighbor-failed", "failed"],
    ["neighbor-one-sided", "one-sided"],
    ["neighbor-unreachable", "unreachable"],
  ] as const)("%s: it is dropped, announced, and made up for by another", (type, reason) => {
    const peer = new Peer({ linked: [1, 2], knows: [3], wants: 2 });
    peer.hears({ type, neighbor: 1, incarnation: 1, misses: 3, witness: 2 } as Typed);
    expect(peer.neighbors).toEqual([2]);
    expect(peer.noticesOf("neighbor-down")).toEqual([{ type: "neighbor-down", neighbor: 1, reason }]);
    expect(peer.pass(1500).asks, "and not the one that was lost").toEqual([3]);
  });

  test("only over a bad path is the other end told, since it lives", () => {
    const peer = new Peer({ linked: [1, 2] }).hears({
      type: "neighbor-unreachable",
      neighbor: 1,
      witness: 2,
    });
    expect(peer.sentOf("disconnect")).toEqual([{ type: "disconnect", to: 1, instead: undefined }]);
  });

  test("a peer that left is dropped", () => {
    const peer = new Peer({ linked: [1, 2] }).hears({ type: "peer-left", peer: 1, incarnation: 1 });
    expect(peer.neighbors).toEqual([2]);
  });

  test("a leave of an earlier life, played back, drops nobody", () => {
    const peer = new Peer({ knows: [1, 2] }).isAskedBy(1, { incarnation: 4 });
    peer.hears({ type: "peer-left", peer: 1, incarnation: 3 });
    expect(peer.neighbors).toEqual([1]);
  });

  test("news of somebody who is no neighbor change nothing", () => {
    const peer = new Peer({ linked: [1] }).hears({ type: "peer-left", peer: 9, incarnation: 1 });
    peer.hears({ type: "neighbor-failed", neighbor: 9, incarnation: 1, misses: 3 });
    expect(peer.effects).toEqual([]);
  });

  test("who leaves the network neither answers nor asks any more", () => {
    const peer = new Peer({ linked: [1], knows: [2, 3] }).hears({ type: "left" }).isAskedBy(2).pass(60_000);
    expect(peer.effects).toEqual([]);
  });
});

describe("preferential attachment", () => {
  const preferential = (setting: Setting) =>
    new Peer({ ...setting, options: { law: "preferential", minDegree: 2, walkHops: 3, ...setting.options } });

  test("a newcomer sends as many walks as it wants links", () => {
    const peer = preferential({ knows: range(1, 9) }).pass(0);
    expect(peer.sentOf("walk")).toHaveLength(2);
    expect(peer.sentOf("walk")[0]).toMatchObject({ origin: self, hopsLeft: 3 });
  });

  test("asks where a walk ended", () => {
    const peer = preferential({ knows: range(1, 9), linked: [8] })
      .pass(0)
      .clear()
      .receive(5, { type: "walk-end" });
    expect(peer.asks).toEqual([5]);
  });

  test("and nowhere else: the end of a walk that it did not send is ignored", () => {
    const peer = preferential({ knows: range(1, 9), linked: [7, 8] })
      .pass(0)
      .clear()
      .receive(5, { type: "walk-end" });
    expect(peer.effects).toEqual([]);
    expect(peer.overlay.counters.unasked).toBe(1);
  });

  test("each walk has one end", () => {
    const peer = preferential({ knows: range(1, 9) }).pass(0);
    for (const end of [4, 5, 6]) peer.receive(end, { type: "walk-end" });
    expect(peer.overlay.counters.unasked).toBe(1);
  });

  test("a walk is handed on to a random neighbor with one hop less", () => {
    const peer = preferential({ linked: [1, 2] }).receive(9, { type: "walk", origin: 9, hopsLeft: 2 });
    expect(peer.sent()).toMatchObject([{ message: { type: "walk", origin: 9, hopsLeft: 1 } }]);
    expect([1, 2]).toContain(peer.sent()[0]!.to);
  });

  test("it ends where its hops do, and the origin is told by the peer where it ended", () => {
    const peer = preferential({ linked: [1, 2] }).receive(1, { type: "walk", origin: 9, hopsLeft: 0 });
    expect(peer.sent()).toEqual([{ to: 9, message: { type: "walk-end" } }]);
  });

  test("it ends at a peer without neighbors, and before it would return to its origin", () => {
    const lonely = preferential({}).receive(9, { type: "walk", origin: 9, hopsLeft: 3 });
    expect(lonely.sent()).toEqual([{ to: 9, message: { type: "walk-end" } }]);
    const next = preferential({ linked: [9] }).receive(9, { type: "walk", origin: 9, hopsLeft: 3 });
    expect(next.sent()).toEqual([{ to: 9, message: { type: "walk-end" } }]);
  });

  test("nobody can make it longer than we would", () => {
    const peer = preferential({ linked: [1, 2] }).receive(9, { type: "walk", origin: 9, hopsLeft: 1e9 });
    expect(peer.sentOf("walk")).toMatchObject([{ hopsLeft: 2 }]);
  });

  test("a lonely peer whose walks do not come back asks directly", () => {
    const peer = preferential({ knows: range(1, 9) })
      .pass(0)
      .clear()
      .pass(1500);
    expect(peer.asks.length).toBeGreaterThan(0);
  });

  test("whoever is asked accepts, up to the greatest degree: hubs are made by others", () => {
    const peer = preferential({ knows: range(1, 40), options: { maxDegree: 10 } });
    for (const asker of range(1, 12)) peer.isAskedBy(asker);
    expect(peer.neighbors).toEqual(range(1, 10));
  });
});

test("the same seed gives the same effects", () => {
  const effects = (seed: number) =>
    new Peer({ knows: range(1, 40), wants: 5, seed, options: { law: "power-law" } }).pass(20_000).effects;
  expect(effects(7)).toEqual(effects(7));
  expect(effects(7)).not.toEqual(effects(8));
  expect(seededRandom(7).unit()).not.toBe(seededRandom(8).unit());
});
