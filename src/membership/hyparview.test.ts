import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import type { Candidate, NodeId } from "../core/index.ts";
import { HyParView, type HyParViewCommand, type HyParViewNotice, type HyParViewTimer } from "./hyparview.ts";
import type { HyParViewMessage, ViewEntry } from "./hyparview-messages.ts";
import { type HyParViewOptions, hyParViewOptions } from "./hyparview-options.ts";
import { KnownPeers } from "./known-peers.ts";

const self = 50;
/** The lower the number, the elder: peer n joined at n seconds. */
const sinceOf = (peer: NodeId) => (peer as number) * 1000;
const entryOf = (peer: NodeId): Candidate => ({ peer, since: sinceOf(peer) });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

interface Setting {
  readonly knows?: readonly NodeId[];
  /** Links that it has, in the order in which they were made; each of these peers asked. */
  readonly linked?: readonly NodeId[];
  readonly isFullView?: boolean;
  readonly options?: Partial<HyParViewOptions>;
  readonly self?: NodeId;
  readonly seed?: number;
}

class Peer extends Alone<HyParViewMessage, HyParViewTimer, HyParViewNotice, HyParViewCommand> {
  readonly view: HyParView;
  readonly known: KnownPeers;

  constructor({ knows = [], linked = [], isFullView = false, options, self: me = self, seed }: Setting = {}) {
    const known = new KnownPeers(10_000);
    const view = new HyParView({
      sampler: known,
      isFullView: () => isFullView,
      standing: { incarnation: 7, since: sinceOf(self) },
      quality: () => undefined,
      options,
    });
    super(me, view, seed);
    this.view = view;
    this.known = known;
    for (const peer of linked) known.add(entryOf(peer), this.random);
    if (linked.length > 0) this.start();
    for (const peer of linked) this.isAskedBy(peer);
    this.pass(1100).clear();
    for (const peer of knows) known.add(entryOf(peer), this.random);
    if (linked.length === 0) this.start();
  }

  isAskedBy(peer: NodeId, { isHighPriority = false, incarnation = 1 } = {}): this {
    return this.receive(peer, { type: "neighbor", since: sinceOf(peer), incarnation, isHighPriority });
  }
  isJoinedBy(peer: NodeId): this {
    return this.receive(peer, { type: "join", since: sinceOf(peer), incarnation: 1 });
  }
  isAnsweredBy(peer: NodeId, isAccepted = true, incarnation = 1): this {
    return this.receive(peer, { type: "neighbor-reply", since: sinceOf(peer), incarnation, isAccepted });
  }
  isDisconnectedBy(peer: NodeId, instead?: NodeId, isLeaving = false): this {
    return this.receive(peer, { type: "disconnect", instead, isLeaving });
  }
  isWalkedOver(from: NodeId, newcomer: NodeId, hopsLeft: number): this {
    return this.receive(from, { type: "forward-join", newcomer: entryOf(newcomer), hopsLeft });
  }
  /** Something comes from that peer, of whichever layer. */
  hearsFrom(peer: NodeId): this {
    this.view.onHeard(peer);
    return this;
  }
  get neighbors(): readonly NodeId[] {
    return this.view.neighbors;
  }
  get passive(): NodeId[] {
    return this.view.passive.map(({ peer }) => peer);
  }
  get asks(): NodeId[] {
    return this.sentOf("neighbor").map(({ to }) => to);
  }
  /** What became of those who asked: the last answer to each. */
  answerTo(peer: NodeId): boolean | undefined {
    return this.sentOf("neighbor-reply")
      .filter(({ to }) => to === peer)
      .at(-1)?.isAccepted;
  }
}

const full = [1, 2, 3, 4, 5];

describe("joining", () => {
  test("a newcomer asks one contact, and others only when its news has had time to walk", () => {
    const peer = new Peer({ knows: range(1, 20) }).pass(0);
    const { to } = peer.onlySent("join");
    expect(peer.asks).toEqual([]);
    peer.isAnsweredBy(to).clear();
    expect(peer.neighbors).toEqual([to]);
    expect(peer.pass(400).asks).toEqual([]);
    expect(peer.pass(700).asks).toHaveLength(4);
  });

  test("a newcomer whose contact is silent, or refuses, asks the next one", () => {
    const peer = new Peer({ knows: [1, 2, 3] }).pass(0);
    const first = peer.onlySent("join").to;
    const second = peer.clear().pass(2000).onlySent("join").to;
    const third = peer.clear().isAnsweredBy(second, false).onlySent("join").to;
    expect(new Set([first, second, third]).size).toBe(3);
  });

  test("whoever knows nobody waits until it hears of somebody", () => {
    const peer = new Peer().pass(60_000);
    expect(peer.sent()).toEqual([]);
    peer.known.add(entryOf(1), peer.random);
    peer.hear({ type: "member-up", peer: 1, since: 1000, incarnation: 1 } as HyParViewNotice).pass(200);
    expect(peer.onlySent("join").to).toBe(1);
  });

  test("the contact takes it in and sends the news over its other links", () => {
    const peer = new Peer({ linked: [1, 2, 3] }).isJoinedBy(60);
    expect(peer.neighbors).toEqual([1, 2, 3, 60]);
    expect(peer.answerTo(60)).toBe(true);
    const walks = peer.sentOf("forward-join");
    expect(walks.map(({ to }) => to)).toEqual([1, 2, 3]);
    for (const { newcomer, hopsLeft } of walks)
      expect({ newcomer, hopsLeft }).toEqual({ newcomer: entryOf(60), hopsLeft: 6 });
  });

  test("somebody who asks is news only if nobody knew it", () => {
    const peer = new Peer({ linked: full, knows: [60] }).isWalkedOver(1, 61, 3).clear();
    peer.isAskedBy(60).isAskedBy(61).isJoinedBy(62).isAskedBy(63).isAskedBy(1);
    expect(peer.noticesOf("peer-met").map(({ peer }) => peer)).toEqual([62, 63]);
  });

  test("a walk goes on over another link with a hop less, and its newcomer is remembered at the third hop", () => {
    const peer = new Peer({ linked: [1, 2] }).isWalkedOver(1, 60, 5);
    expect(peer.onlySent("forward-join")).toMatchObject({ to: 2, hopsLeft: 4 });
    expect(peer.passive).toEqual([]);
    peer.isWalkedOver(1, 60, 3);
    expect(peer.passive).toEqual([60]);
  });

  test("where a walk ends the newcomer is asked, and somebody given up for it only when it has accepted", () => {
    const peer = new Peer({ linked: full }).isWalkedOver(1, 60, 0);
    expect(peer.asks).toEqual([60]);
    expect(peer.neighbors).toEqual(full);
    peer.isAnsweredBy(60);
    expect(peer.neighbors).toContain(60);
    expect(peer.neighbors).toHaveLength(5);
    const victim = full.find((one) => !peer.neighbors.includes(one))!;
    expect(peer.onlySent("disconnect")).toEqual({
      type: "disconnect",
      to: victim,
      instead: 60,
      isLeaving: false,
    });
    expect(peer.passive).toEqual([victim]);
  });

  test("a newcomer who refuses at the end of a walk costs nobody a link", () => {
    const peer = new Peer({ linked: full }).isWalkedOver(1, 60, 0).isAnsweredBy(60, false);
    expect(peer.neighbors).toEqual(full);
    expect(peer.noticesOf("neighbor-down")).toEqual([]);
  });
});

describe("links", () => {
  test("who has room accepts, who has none refuses", () => {
    const peer = new Peer({ linked: [1, 2, 3, 4] }).isAskedBy(60).isAskedBy(61);
    expect([peer.answerTo(60), peer.answerTo(61)]).toEqual([true, false]);
    expect(peer.neighbors).toEqual([1, 2, 3, 4, 60]);
  });

  test("who has no neighbor insists, with one of its questions", () => {
    const peer = new Peer({ linked: [9], knows: range(1, 8) });
    peer.isDisconnectedBy(9);
    const asks = peer.sentOf("neighbor");
    expect(asks).toHaveLength(5);
    expect(asks.filter(({ isHighPriority }) => isHighPriority)).toHaveLength(1);
  });

  test("for who insists a full view makes room, and tells who is given up whom to ask", () => {
    const peer = new Peer({ linked: full }).isAskedBy(60, { isHighPriority: true });
    expect(peer.answerTo(60)).toBe(true);
    expect(peer.neighbors).toHaveLength(5);
    expect(peer.onlySent("disconnect")).toMatchObject({ instead: 60, isLeaving: false });
  });

  test("strangers who insist, however many, never push out the two neighbors that have stood longest", () => {
    for (const seed of range(1, 20)) {
      const peer = new Peer({ linked: [1, 2, 3, 4, 5], seed });
      for (let round = 0; round < 50; round++) {
        for (let i = 0; i < 20; i++) {
          const stranger = 1000 + 20 * round + i;
          if (i % 2 === 0) peer.isJoinedBy(stranger);
          else peer.isAskedBy(stranger, { isHighPriority: true });
        }
        expect(peer.clear().neighbors.slice(0, 2)).toEqual([1, 2]);
        peer.pass(500).hearsFrom(1).hearsFrom(2);
      }
      expect(peer.neighbors).toHaveLength(5);
      // Three a second, over 25 seconds.
      expect(peer.view.counters.evicted).toBeLessThanOrEqual(26 * 3);
    }
  });

  test("who lost its place asks at once where it is told that there is room", () => {
    const peer = new Peer({ linked: [1, 2], knows: [1, 2] }).isDisconnectedBy(1, 60);
    expect(peer.neighbors).toEqual([2]);
    expect(peer.asks[0]).toBe(60);
    expect(peer.noticesOf("neighbor-down")).toEqual([
      { type: "neighbor-down", neighbor: 1, reason: "replaced" },
    ]);
  });

  test("an empty place is filled at once, one question for each", () => {
    const peer = new Peer({ linked: full, knows: range(10, 20) });
    peer.isDisconnectedBy(1).isDisconnectedBy(2);
    expect(new Set(peer.asks).size).toBe(2);
    const [first, second] = peer.asks as [NodeId, NodeId];
    peer.clear().isAnsweredBy(first, false);
    expect(peer.asks).toHaveLength(1);
    expect([first, second]).not.toContain(peer.asks[0]);
  });

  test("two who ask each other at once have one link", () => {
    const peer = new Peer({ linked: [1], knows: [1, 60] });
    peer.hear({ type: "member-up", peer: 60, since: 60_000, incarnation: 1 } as HyParViewNotice).pass(300);
    expect(peer.asks).toEqual([60]);
    peer.isAskedBy(60).isAnsweredBy(60);
    expect(peer.neighbors).toEqual([1, 60]);
    expect(peer.noticesOf("neighbor-up")).toHaveLength(1);
    expect(peer.sentOf("disconnect")).toEqual([]);
  });

  test("a peer that has started anew, here or elsewhere, is another link; an echo of its earlier life is none", () => {
    const old = `${"ab".repeat(20)}@10.0.0.1:9000`;
    const moved = `${"ab".repeat(20)}@10.0.0.2:9000`;
    const ask = (incarnation: number) => ({
      type: "neighbor" as const,
      since: 1,
      incarnation,
      isHighPriority: false,
    });
    const peer = new Peer({ self: `${"cd".repeat(20)}@10.0.0.9:1` }).receive(old, ask(3)).clear();
    peer.receive(old, ask(2)).receive(old, ask(3));
    expect(peer.notices()).toEqual([]);
    peer.receive(old, ask(4));
    expect(peer.notices()).toEqual([
      { type: "neighbor-down", neighbor: old, reason: "replaced" },
      { type: "neighbor-up", neighbor: old, incarnation: 4 },
    ]);
    peer.receive(moved, ask(5));
    expect(peer.neighbors).toEqual([moved]);
    peer.receive(old, ask(4));
    expect(peer.neighbors).toEqual([moved]);
  });

  test("an answer that nobody asked for makes no link, and the other end is told so", () => {
    const peer = new Peer({ linked: [1] }).isAnsweredBy(60);
    expect(peer.neighbors).toEqual([1]);
    expect(peer.onlySent("disconnect").to).toBe(60);
    expect(peer.view.counters.unasked).toBe(1);
  });

  test("where all are neighbors of all nobody is asked any more", () => {
    const peer = new Peer({ linked: [1, 2, 3], knows: [1, 2, 3], isFullView: true });
    expect(peer.pass(9000).sentOf("neighbor")).toEqual([]);
    expect(peer.view.wantedDegree).toBe(3);
  });

  test("who is refused everywhere asks less and less often, and joins again if it misses two neighbors", () => {
    const peer = new Peer({ linked: [1, 2, 3], knows: range(10, 40) });
    let refused = 0;
    for (let second = 0; second < 600; second++) {
      peer.pass(1000);
      for (const message of peer
        .sent()
        .filter(({ message }) => message.type === "neighbor" || message.type === "join")) {
        refused++;
        peer.isAnsweredBy(message.to, false);
      }
      peer.hearsFrom(1).hearsFrom(2).hearsFrom(3);
      if (second < 599) peer.clear();
    }
    expect(peer.view.counters.joins).toBeGreaterThan(3);
    expect(refused).toBeLessThan(300);
    expect(peer.neighbors).toEqual([1, 2, 3]);
  });
});

describe("elders", () => {
  test("who has no elder neighbor insists on one that it knows", () => {
    const peer = new Peer({ linked: [60, 61, 62, 63, 64], isFullView: true });
    peer.known.add(entryOf(1), peer.random);
    peer.hear({ type: "member-up", peer: 1, since: 1000, incarnation: 1 } as HyParViewNotice).pass(300);
    expect(peer.onlySent("neighbor")).toMatchObject({ to: 1, isHighPriority: true });
    peer.isAnsweredBy(1);
    expect(peer.neighbors).toHaveLength(5);
    expect(peer.neighbors).toContain(1);
  });

  test("the eldest, and who has an elder neighbor, ask nobody", () => {
    const eldest = new Peer({ linked: [60, 61, 62, 63, 64], knows: range(65, 80), isFullView: true });
    const other = new Peer({ linked: [1, 61, 62, 63, 64], knows: range(2, 40), isFullView: true });
    for (const peer of [eldest, other]) expect(peer.pass(9000).asks).toEqual([]);
  });

  test("the only elder neighbor is given up for nobody", () => {
    for (const seed of range(1, 30)) {
      const peer = new Peer({ linked: [60, 61, 62, 63, 1], seed });
      peer.isAskedBy(70, { isHighPriority: true });
      expect(peer.neighbors).toContain(1);
      expect(peer.neighbors).toContain(70);
    }
  });
});

describe("neighbors that are gone", () => {
  const failed = (peer: NodeId, incarnation: number) =>
    ({ type: "member-failed", peer, incarnation, by: [] }) as HyParViewNotice;

  test("a neighbor that the membership gives up is replaced at once, unless it came back since", () => {
    const peer = new Peer({ linked: full, knows: range(10, 20) });
    peer.isAskedBy(1, { incarnation: 5 }).clear();
    expect(peer.hear(failed(1, 4)).neighbors).toContain(1);
    peer.hear(failed(1, 5));
    expect(peer.noticesOf("neighbor-down")).toEqual([
      { type: "neighbor-down", neighbor: 1, reason: "failed" },
    ]);
    expect(peer.asks).toHaveLength(1);
  });

  test("who says goodbye is dropped, and not remembered", () => {
    const peer = new Peer({ linked: full });
    peer
      .hear({ type: "peer-left", peer: 1, incarnation: 1 } as HyParViewNotice)
      .isDisconnectedBy(2, undefined, true);
    expect(peer.noticesOf("neighbor-down").map(({ neighbor, reason }) => [neighbor, reason])).toEqual([
      [1, "left"],
      [2, "left"],
    ]);
    expect(peer.passive).toEqual([]);
  });

  test("a broken connection is tested at once, and kept if a new one can be made", () => {
    const peer = new Peer({ linked: full }).command({ type: "link-lost", neighbor: 1 });
    const { to, nonce } = peer.onlySent("keep-alive");
    expect(to).toBe(1);
    peer.hearsFrom(1).receive(1, { type: "keep-alive-reply", nonce, isLinked: true }).pass(5000);
    expect(peer.neighbors).toContain(1);
  });

  test("a broken connection that cannot be made again is a neighbor less: after a while, or when it breaks again and again", () => {
    const silent = new Peer({ linked: full }).command({ type: "link-lost", neighbor: 1 });
    expect(silent.pass(1999).neighbors).toContain(1);
    expect(silent.pass(1).neighbors).not.toContain(1);
    const breaking = new Peer({ linked: full });
    for (const times of [1, 2, 3]) {
      expect(breaking.neighbors).toContain(1);
      breaking.command({ type: "link-lost", neighbor: 1 });
      expect(breaking.sentOf("keep-alive")).toHaveLength(Math.min(times, 2));
    }
    expect(breaking.noticesOf("neighbor-down")).toEqual([
      { type: "neighbor-down", neighbor: 1, reason: "unreachable" },
    ]);
  });

  test("where nobody answers the next is asked, and nobody asks there again", () => {
    const peer = new Peer({ linked: [1, 2, 3, 4] }).isWalkedOver(1, 60, 3).isWalkedOver(1, 61, 3);
    expect(peer.passive).toEqual([60, 61]);
    peer.clear().isDisconnectedBy(4);
    const asked = peer.asks.find((one) => one === 60 || one === 61)!;
    peer.clear().command({ type: "unreachable", node: asked });
    expect(peer.passive).not.toContain(asked);
    expect(peer.command({ type: "unreachable", node: 1 }).neighbors).not.toContain(1);
  });

  test("an idle link is tested, and given up after two unanswered tests; a busy one when it is new, and in turn", () => {
    const peer = new Peer({ linked: full, knows: full });
    const tested: NodeId[] = [];
    const downs: HyParViewNotice[] = [];
    for (let tick = 0; tick < 5; tick++) {
      for (const one of [2, 3, 4, 5]) peer.hearsFrom(one);
      peer.pass(10_000);
      for (const { to, nonce } of peer.sentOf("keep-alive")) {
        tested.push(to);
        if (to !== 1) peer.receive(to, { type: "keep-alive-reply", nonce, isLinked: true });
      }
      downs.push(...peer.noticesOf("neighbor-down"));
      peer.clear();
    }
    expect(downs).toEqual([{ type: "neighbor-down", neighbor: 1, reason: "failed" }]);
    expect(tested.filter((to) => to === 1).length).toBeGreaterThanOrEqual(2);
    for (const one of [2, 3, 4, 5]) {
      const times = tested.filter((to) => to === one).length;
      expect(times).toBeGreaterThanOrEqual(1);
      expect(times).toBeLessThanOrEqual(3);
    }
  });

  test("a neighbor that twice says that it is none is dropped", () => {
    const peer = new Peer({ linked: [1], knows: [1] }).command({ type: "link-lost", neighbor: 1 });
    const first = peer.onlySent("keep-alive").nonce;
    peer.clear().hearsFrom(1).receive(1, { type: "keep-alive-reply", nonce: first, isLinked: false });
    expect(peer.neighbors).toEqual([1]);
    const second = peer.onlySent("keep-alive").nonce;
    peer.receive(1, { type: "keep-alive-reply", nonce: first, isLinked: false });
    expect(peer.neighbors).toEqual([1]); // an old answer counts once
    peer.receive(1, { type: "keep-alive-reply", nonce: second, isLinked: false });
    expect(peer.noticesOf("neighbor-down")).toEqual([
      { type: "neighbor-down", neighbor: 1, reason: "one-sided" },
    ]);
  });

  test("a keep-alive is answered to whoever asks, truly", () => {
    const peer = new Peer({ linked: [1] });
    peer.receive(1, { type: "keep-alive", nonce: 5 }).receive(60, { type: "keep-alive", nonce: 6 });
    expect(peer.sentOf("keep-alive-reply").map(({ to, nonce, isLinked }) => [to, nonce, isLinked])).toEqual([
      [1, 5, true],
      [60, 6, false],
    ]);
  });

  test("who leaves tells its neighbors, and is silent from then on", () => {
    const peer = new Peer({ linked: full, knows: range(10, 20) }).hear({ type: "leaving" });
    expect(peer.sentOf("disconnect").map(({ to, isLeaving }) => [to, isLeaving])).toEqual(
      full.map((one) => [one, true]),
    );
    peer.clear().isAskedBy(60, { isHighPriority: true }).isJoinedBy(61).isDisconnectedBy(1).pass(60_000);
    expect(peer.effects.filter(({ type }) => type !== "schedule")).toEqual([]);
  });
});

describe("the passive view", () => {
  const answer = (peer: Peer, entries: readonly ViewEntry[], wrong = 0) => {
    const { nonce } = peer.sentOf("shuffle").at(-1)!;
    return peer.receive(99, { type: "shuffle-reply", nonce: nonce + wrong, entries });
  };
  const remembering = (count: number, linked = full) => {
    const peer = new Peer({ linked });
    for (const one of range(100, 99 + count)) peer.isWalkedOver(1, one, 3).pass(20);
    return peer.clear();
  };

  test("a shuffle carries ourselves, three neighbors and four that we remember, over one link", () => {
    const peer = remembering(10).pass(10_000);
    const { to, origin, hopsLeft, entries } = peer.sentOf("shuffle")[0]!;
    expect(full).toContain(to);
    expect({ origin, hopsLeft }).toEqual({ origin: self, hopsLeft: 6 });
    expect(entries[0]).toEqual(entryOf(self));
    const peers = entries.map((entry) => entry.peer);
    expect(peers.filter((one) => full.includes(one as number) && one !== to)).toHaveLength(3);
    expect(peers.filter((one) => (one as number) >= 100)).toHaveLength(4);
  });

  test("nothing is shuffled where the membership has everybody", () => {
    const peer = new Peer({ linked: full, isFullView: true }).pass(30_000);
    expect(peer.sentOf("shuffle")).toEqual([]);
  });

  test("a walk is passed on, and answered where it ends with as many as it brought", () => {
    const peer = remembering(10);
    const entries = [entryOf(60), entryOf(61), entryOf(self), entryOf(2)];
    const shuffle = { type: "shuffle", nonce: 5, origin: 60, entries } as const;
    peer.receive(1, { ...shuffle, hopsLeft: 3 });
    expect(peer.onlySent("shuffle")).toMatchObject({ nonce: 5, origin: 60, hopsLeft: 2 });
    peer.receive(1, { ...shuffle, hopsLeft: 1 });
    const reply = peer.onlySent("shuffle-reply");
    expect(reply).toMatchObject({ to: 60, nonce: 5 });
    expect(reply.entries).toHaveLength(4);
    expect(peer.passive).toEqual(expect.arrayContaining([60, 61]));
    expect(peer.passive).not.toContain(self); // nor who is a neighbor
    expect(peer.passive).not.toContain(2);
  });

  test("is not filled by one neighbor who invents walks: they are answered, and few are taken in", () => {
    const peer = remembering(30).pass(1000).clear();
    for (let i = 0; i < 40; i++) {
      const entries = range(1000 + 8 * i, 1007 + 8 * i).map(entryOf);
      peer.receive(1, { type: "shuffle", nonce: i, origin: 60, hopsLeft: 1, entries });
    }
    expect(peer.sentOf("shuffle-reply")).toHaveLength(40);
    expect(peer.view.counters.bounded).toBe(32);
    const before = peer.passive;
    peer.pass(10_000).receive(1, {
      type: "shuffle",
      nonce: 99,
      origin: 60,
      hopsLeft: 1,
      entries: [entryOf(5000)],
    });
    expect(before).not.toContain(5000);
    expect(peer.passive).toContain(5000);
  });

  test("answers of who was not on the walk are dropped, and no answer counts twice or for more than was sent", () => {
    const peer = remembering(30).pass(10_000);
    answer(peer, [entryOf(200)], 1);
    expect(peer.passive).not.toContain(200);
    answer(peer, range(200, 230).map(entryOf));
    expect(peer.passive.filter((one) => (one as number) >= 200)).toHaveLength(8);
    expect(peer.passive).toHaveLength(30);
    answer(peer, range(300, 330).map(entryOf));
    expect(peer.passive.filter((one) => (one as number) >= 300)).toEqual([]);
  });

  test("what was given away makes room first", () => {
    const peer = remembering(30).pass(10_000);
    const sent = peer
      .sentOf("shuffle")
      .at(-1)!
      .entries.map(({ peer }) => peer);
    answer(peer, range(200, 203).map(entryOf));
    const gone = range(100, 129).filter((one) => !peer.passive.includes(one));
    expect(gone).toHaveLength(4);
    for (const one of gone) expect(sent).toContain(one);
  });

  test("hearsay changes no address that we know", () => {
    const at = (host: string) => `${"ef".repeat(20)}@${host}:9000`;
    const peer = new Peer({ linked: [1, 2] });
    peer.receive(1, { type: "forward-join", newcomer: { peer: at("10.0.0.1"), since: 1 }, hopsLeft: 3 });
    peer.receive(1, { type: "forward-join", newcomer: { peer: at("10.6.6.6"), since: 1 }, hopsLeft: 3 });
    expect(peer.passive).toEqual([at("10.0.0.1")]);
  });

  test("both views together are what a node knows, without anybody twice", () => {
    const peer = remembering(10);
    expect(peer.view.size).toBe(15);
    expect(
      peer.view
        .sample(100, peer.random)
        .map(({ peer }) => peer)
        .sort(),
    ).toEqual([...full, ...peer.passive].sort());
    expect(peer.view.sample(3, peer.random, ({ peer }) => (peer as number) > 100)).toHaveLength(3);
    expect(peer.view.get(1)).toMatchObject(entryOf(1));
    expect(peer.view.get(100)).toMatchObject(entryOf(100));
    expect(peer.view.get(77)).toBeUndefined();
  });
});

describe("what others may make a peer do", () => {
  test("walks come over links only, not with news of ourselves, and end after as many hops as ours", () => {
    const peer = new Peer({ linked: [1, 2] });
    peer.isWalkedOver(60, 61, 5).isWalkedOver(1, self, 0);
    peer.receive(60, { type: "shuffle", nonce: 1, origin: 61, hopsLeft: 1, entries: [entryOf(61)] });
    expect(peer.sent()).toEqual([]);
    expect(peer.view.counters.unasked).toBe(2);
    peer.isWalkedOver(1, 61, 16);
    expect(peer.onlySent("forward-join").hopsLeft).toBe(5);
  });

  test("so many joins a second", () => {
    const peer = new Peer({ linked: [1, 2] });
    for (const one of range(100, 199)) peer.isJoinedBy(one);
    expect(peer.sentOf("forward-join").length).toBeLessThanOrEqual(16 * 4);
    expect(peer.answerTo(199)).toBe(false);
    expect(peer.neighbors).toHaveLength(5);
    peer.pass(1000).clear().isJoinedBy(200);
    expect(peer.answerTo(200)).toBe(true);
  });

  test("so many walks a second, and what they make us ask is forgotten again", () => {
    const peer = new Peer({ linked: [1, 2] });
    for (const one of range(1000, 2000)) peer.isWalkedOver(1, one, 0);
    expect(peer.asks.length).toBeLessThanOrEqual(64);
    expect(peer.view.counters.bounded).toBeGreaterThan(900);
    // Made-up newcomers do not keep us from filling our own places.
    peer.known.add(entryOf(10), peer.random);
    peer.clear().isDisconnectedBy(2);
    expect(peer.asks).toContain(10);
  });

  test("questions of X-BOT are refused by who does not play it", () => {
    const peer = new Peer({ linked: full });
    peer.receive(60, { type: "optimisation", nonce: 1, old: 61, since: 1, incarnation: 1 });
    peer.receive(60, { type: "switch", nonce: 2, initiator: 1, since: 1, incarnation: 1 });
    peer.receive(1, { type: "replace", nonce: 3, old: 61, initiator: 60 });
    expect(peer.onlySent("optimisation-reply")).toMatchObject({ nonce: 1, isAccepted: false });
    expect(peer.onlySent("switch-reply")).toMatchObject({ nonce: 2, isAccepted: false });
    expect(peer.onlySent("replace-reply")).toMatchObject({ nonce: 3, isAccepted: false });
    expect(peer.neighbors).toEqual(full);
  });
});

test("options that break a rule are refused by name", () => {
  expect(() => hyParViewOptions({ activeView: 1 })).toThrow("activeView: 1 is less than 2");
  expect(() => hyParViewOptions({ activeWalk: 17 })).toThrow("activeWalk: 17 is more than 16");
});
