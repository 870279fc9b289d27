import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { BroadcastWorld } from "../../test/support/broadcast-world.ts";
import { signaturesOf } from "../../test/support/notary.ts";
import { gossipOf } from "../../test/support/publications.ts";
import { type NodeId, UsageError } from "../core/index.ts";
import { Broadcast, type BroadcastCommand, type BroadcastNotice, type BroadcastTimer } from "./broadcast.ts";
import type { BroadcastOptions } from "./broadcast-options.ts";
import {
  type BroadcastMessage,
  type Gossip,
  type GossipStatement,
  maxAnnounced,
  type Prune,
} from "./messages.ts";

const minute = 60_000;
const defaults = { method: "plumtree", ownTreePerMinute: 1, repairs: false } as const;

/** Peer 1 with neighbors 2 to 5, unless said otherwise, whom the test plays. Sources are 7 and above. */
class Peer extends Alone<BroadcastMessage, BroadcastTimer, BroadcastNotice, BroadcastCommand> {
  readonly broadcast: Broadcast;
  readonly neighbors: NodeId[];

  constructor(options: Partial<BroadcastOptions> = {}, neighbors: NodeId[] = [2, 3, 4, 5]) {
    const broadcast = new Broadcast({
      view: { neighbors, has: (node) => neighbors.includes(node) },
      standing: { incarnation: 1, since: 0 },
      signatures: signaturesOf(1),
      options: { ...defaults, ...options },
    });
    super(1, broadcast);
    this.broadcast = broadcast;
    this.neighbors = neighbors;
    this.start().pass(1000).clear();
  }

  /** From that neighbor comes message `sequence` of a source; all without ids are message 0 of source 7. */
  gets(from: NodeId, sequence = 0, fields: Partial<GossipStatement> & { hops?: number } = {}): this {
    const { hops = 1, ...statement } = fields;
    const gossip: Gossip = { ...gossipOf(statement.origin ?? 7, { sequence, ...statement }), hops };
    return this.receive(from, gossip);
  }
  hearsOf(
    from: NodeId,
    sequence = 0,
    { hops = 2, origin = 7 }: { hops?: number; origin?: number } = {},
  ): this {
    return this.receive(from, {
      type: "i-have",
      messages: [{ origin, incarnation: 1, sequence, hops }],
    });
  }
  isPruned(from: NodeId, fields: Partial<Prune> = {}): this {
    return this.receive(from, { type: "prune", sources: [7], isShared: false, ...fields });
  }
  /** In the tree of source 7, which an earlier message has made. */
  isLazyTo(neighbor: NodeId): this {
    return this.gets(2, 10_000).isPruned(neighbor).pass(50).clear();
  }
  get told(): NodeId[] {
    return this.sentOf("gossip").map(({ to }) => to);
  }
  /** To whom what was announced: [neighbor, sequence …]. */
  get announced(): unknown[] {
    return this.sentOf("i-have").map(({ to, messages }) => [to, ...messages.map(({ sequence }) => sequence)]);
  }
  get asked(): unknown[] {
    return this.sentOf("graft").map(({ to, wanted }) => [to, ...wanted.map(({ sequence }) => sequence)]);
  }
  loses(neighbor: NodeId): this {
    this.neighbors.splice(this.neighbors.indexOf(neighbor), 1);
    return this.hear({ type: "neighbor-down", neighbor, reason: "failed" } as never);
  }
  finds(neighbor: NodeId): this {
    this.neighbors.push(neighbor);
    return this.hear({ type: "neighbor-up", neighbor, incarnation: 1 } as never);
  }
}

describe("a message", () => {
  test("goes at once to all but the one that it came from and its origin", () => {
    expect(new Peer().gets(2, 0, { origin: 5 }).told).toEqual([3, 4]);
  });

  test("has crossed a link more when it arrives than when it came", () => {
    const peer = new Peer().gets(2, 0, { hops: 4 });
    expect(peer.noticesOf("delivered")[0]).toMatchObject({ hops: 4 });
    expect(peer.sentOf("gossip")[0]).toMatchObject({ hops: 5 });
  });

  test("that is published crosses its first link", () => {
    const peer = new Peer().command({ type: "publish", payloads: ["hello"] });
    expect(peer.sentOf("gossip").map(({ hops }) => hops)).toEqual([1, 1, 1, 1]);
  });

  test("counts no more links than the wire can say", () => {
    expect(new Peer().gets(2, 0, { hops: 255 }).sentOf("gossip")[0]).toMatchObject({ hops: 255 });
  });

  test("is only announced to lazy neighbors, with the next tick, and its node is done with it then", () => {
    const peer = new Peer().isLazyTo(3).gets(2);
    expect(peer.told).toEqual([4, 5]);
    expect(peer.announced).toEqual([]);
    expect(peer.broadcast.hotCount).toBe(1);
    peer.pass(50);
    expect(peer.announced).toEqual([[3, 0]]);
    expect(peer.broadcast.hotCount).toBe(0);
    expect(peer.noticesOf("removed")).toHaveLength(1);
  });

  test("is not announced to whoever announced it first", () => {
    expect(new Peer().isLazyTo(3).gets(2).hearsOf(3).pass(50).announced).toEqual([]);
  });

  test("is not sent to whoever announced it first, though it is eager", () => {
    expect(new Peer().hearsOf(4).gets(2).told).toEqual([3, 5]);
  });

  test("those of one tick are announced together", () => {
    const peer = new Peer().isLazyTo(3);
    for (let i = 0; i < maxAnnounced + 1; i++) peer.gets(2, i);
    const lists = peer.pass(50).sentOf("i-have");
    expect(lists.map(({ messages }) => messages.length)).toEqual([maxAnnounced, 1]);
    expect(peer.broadcast.counters.announced).toBe(maxAnnounced + 1);
  });

  test("more than fit are not announced, and this is counted", () => {
    const peer = new Peer({ maxHot: 10 }).isLazyTo(3);
    for (let i = 0; i < 12; i++) peer.gets(2, i);
    expect(peer.broadcast.counters.announcementsDropped).toBe(2);
    expect(peer.pass(50).announced).toEqual([[3, ...Array.from({ length: 10 }, (_, i) => i + 2)]]);
    expect(peer.broadcast.hasRoom).toBe(true);
  });

  test("whoever publishes faster than the ticks has to wait", () => {
    const peer = new Peer({ maxHot: 10 });
    for (let i = 0; i < 6; i++) peer.gets(2, i);
    expect(peer.broadcast.hasRoom).toBe(false);
  });
});

describe("a second copy", () => {
  test("makes its link lazy at both ends, for this source only", () => {
    const peer = new Peer().gets(2).gets(3).pass(50);
    expect(peer.sentOf("prune")).toMatchObject([{ to: 3, sources: [7], isShared: false }]);
    peer.clear().gets(2, 1);
    expect(peer.told).toEqual([4, 5]);
    peer.clear().gets(2, 0, { origin: 8 });
    expect(peer.told).toEqual([3, 4, 5]);
  });

  test("is answered once in a tick, whatever the number of copies", () => {
    const peer = new Peer().gets(2).gets(2, 1).gets(3).gets(3, 1).gets(4, 1).pass(50);
    expect(peer.sentOf("prune").map(({ to }) => to)).toEqual([3, 4]);
    expect(peer.broadcast.counters.prunes).toBe(2);
    expect(peer.broadcast.counters.duplicates).toBe(3);
  });

  test("is not answered where the other end asks for the link meanwhile", () => {
    const peer = new Peer().gets(2).gets(3);
    peer.receive(3, { type: "graft", sources: [7], isShared: false, wanted: [] }).pass(50);
    expect(peer.sentOf("prune")).toEqual([]);
  });

  test("by somebody who is no neighbor changes nothing", () => {
    const peer = new Peer().gets(2).gets(9).pass(50);
    expect(peer.sentOf("prune")).toEqual([]);
  });
});

describe("a prune", () => {
  test("of a stranger counts as unexpected", () => {
    const peer = new Peer().gets(2).isPruned(9);
    expect(peer.broadcast.counters.unexpected).toBe(1);
  });

  test("of a tree that is none here is not taken for one of all", () => {
    const peer = new Peer({ ownTreePerMinute: 3 }).isPruned(3).gets(2);
    expect(peer.told).toEqual([3, 4, 5]);
  });

  test("is forgotten with the link", () => {
    const peer = new Peer().gets(2).isPruned(3).loses(3).finds(3).clear().gets(2, 1);
    expect(peer.told).toEqual([4, 5, 3]);
  });
});

describe("what was announced and does not come", () => {
  test("is asked for after the time-out, and its link is in the tree again", () => {
    const peer = new Peer().gets(2).gets(3).pass(50).clear().hearsOf(3, 1).pass(149);
    expect(peer.asked).toEqual([]);
    expect(peer.pass(51).asked).toEqual([[3, 1]]);
    expect(peer.sentOf("graft")[0]).toMatchObject({ sources: [7] });
    peer.gets(3, 1).clear().gets(2, 2);
    expect(peer.told).toContain(3);
  });

  test("is asked of the next where the first does not send it, and then left to the history", () => {
    const peer = new Peer().hearsOf(3).hearsOf(4).hearsOf(3).pass(200);
    expect(peer.asked).toEqual([[3, 0]]);
    peer.pass(100);
    expect(peer.asked).toEqual([
      [3, 0],
      [4, 0],
    ]);
    peer.pass(1000);
    expect(peer.asked).toHaveLength(2);
    expect(peer.broadcast.counters.graftsGivenUp).toBe(1);
  });

  test("is asked of the next at once where the first is gone", () => {
    expect(new Peer().hearsOf(3).hearsOf(4).loses(3).pass(200).asked).toEqual([[4, 0]]);
  });

  test("is not asked for when it has come", () => {
    const peer = new Peer().hearsOf(3).pass(100).gets(2).pass(1000);
    expect(peer.asked).toEqual([]);
  });

  test("is asked for in one message, whatever the number", () => {
    const peer = new Peer();
    for (let i = 0; i < 5; i++) peer.hearsOf(3, i);
    expect(peer.pass(200).asked).toEqual([[3, 0, 1, 2, 3, 4]]);
  });

  test("of a stranger is not believed", () => {
    const peer = new Peer().hearsOf(9).pass(1000);
    expect(peer.asked).toEqual([]);
    expect(peer.broadcast.counters.unexpected).toBe(1);
  });

  test("is bounded: a liar that announces what is not makes us ask and keep no more than so much", () => {
    const peer = new Peer();
    for (let i = 0; i < 5000; i++) peer.hearsOf(3, i);
    expect(peer.broadcast.counters.announcementsDropped).toBe(5000 - 4096);
    peer.pass(200);
    expect(peer.sentOf("graft").map(({ wanted }) => wanted.length)).toEqual(new Array(16).fill(256));
    peer.pass(1000);
    expect(peer.broadcast.counters.graftsGivenUp).toBe(4096);
  });
});

describe("a graft", () => {
  const wanted = [{ origin: 7, incarnation: 1, sequence: 0 }];

  test("is answered with the message, once, and puts the link into the tree", () => {
    const peer = new Peer().gets(2).isPruned(3).pass(50).loses(3).finds(3).isPruned(3).clear();
    const graft = { type: "graft", sources: [7], isShared: false, wanted } as const;
    peer.receive(3, graft).receive(3, graft);
    expect(peer.told).toEqual([3]);
    peer.clear().gets(2, 1);
    expect(peer.told).toContain(3);
  });

  test("of a stranger is not answered", () => {
    const peer = new Peer().gets(2).clear();
    peer.receive(9, { type: "graft", sources: [7], isShared: false, wanted });
    expect(peer.told).toEqual([]);
    expect(peer.broadcast.counters.unexpected).toBe(1);
  });
});

describe("a much shorter way", () => {
  const peerWhoGot = (hops: number) => new Peer({ optimiseHops: 4 }).gets(2, 0, { hops });

  test("takes the place of the longer one, though its announcement comes late", () => {
    const peer = peerWhoGot(9).hearsOf(4, 0, { hops: 5 }).pass(50);
    expect(peer.sentOf("graft")).toMatchObject([{ to: 4, sources: [7], wanted: [] }]);
    expect(peer.sentOf("prune")).toMatchObject([{ to: 2, sources: [7] }]);
  });

  test("is changed once for a message, and may be left for one that is shorter still with the next", () => {
    const peer = peerWhoGot(9).hearsOf(4, 0, { hops: 5 }).hearsOf(5, 0, { hops: 1 });
    peer.gets(4, 1, { hops: 6 }).hearsOf(5, 1, { hops: 1 }).pass(50);
    expect(peer.sentOf("graft").map(({ to }) => to)).toEqual([5]);
    expect(new Set(peer.sentOf("prune").map(({ to }) => to))).toEqual(new Set([2, 4]));
  });

  test("is kept though a copy comes over it meanwhile", () => {
    const peer = peerWhoGot(9).hearsOf(4, 0, { hops: 5 }).gets(4, 0, { hops: 5 }).pass(50);
    expect(peer.sentOf("graft").map(({ to }) => to)).toEqual([4]);
    expect(peer.sentOf("prune").map(({ to }) => to)).toEqual([2]);
  });

  test("or early", () => {
    const peer = new Peer({ optimiseHops: 4 }).hearsOf(4, 0, { hops: 5 }).gets(2, 0, { hops: 9 }).pass(50);
    expect(peer.sentOf("graft")).toMatchObject([{ to: 4, sources: [7], wanted: [] }]);
  });

  test.each([
    ["a little shorter", 9, 6, {}],
    ["of unknown length", 9, 0, {}],
    ["where ways are not to be shortened", 9, 1, { optimiseHops: 0 }],
  ])("but not one that is %s", (_, hops, announced, options) => {
    const peer = new Peer({ optimiseHops: 4, ...options }).gets(2, 0, { hops });
    peer.hearsOf(4, 0, { hops: announced }).pass(50);
    expect([...peer.sentOf("graft"), ...peer.sentOf("prune")]).toEqual([]);
  });
});

describe("a source", () => {
  test("has a tree of its own from its third message in a minute on", () => {
    const peer = new Peer({ ownTreePerMinute: 3 }).isPruned(3, { sources: [], isShared: true });
    peer.gets(2, 0, { at: 0 }).gets(2, 1, { at: 20_000 });
    expect(peer.told).toEqual([4, 5, 4, 5]);
    peer.clear().gets(2, 2, { at: 40_000 });
    expect(peer.told).toEqual([3, 4, 5]);
  });

  test("that says less shares one with others", () => {
    const peer = new Peer({ ownTreePerMinute: 3 }).isPruned(3, { sources: [], isShared: true });
    for (let i = 0; i < 10; i++) peer.gets(2, i, { at: i * 31_000 });
    expect(peer.told).not.toContain(3);
  });

  test("that has grown quiet loses its own", () => {
    const peer = new Peer().isPruned(3, { sources: [], isShared: true }).gets(2, 0, { at: 0 });
    expect(peer.told).toContain(3);
    const quiet = new Peer({ ownTreePerMinute: 2 }).isPruned(3, { sources: [], isShared: true });
    quiet.gets(2, 0, { at: 0 }).gets(2, 1, { at: 1 });
    expect(quiet.told).toContain(3);
    quiet.clear().gets(2, 2, { at: 2 + minute + 1 });
    expect(quiet.told).not.toContain(3);
  });

  test("that was heard of least recently is forgotten where there are too many", () => {
    const peer = new Peer({ maxTrees: 2 });
    const first = { origin: 7 };
    peer.gets(2, 0, first).isPruned(3).gets(2, 0, { origin: 8 }).gets(2, 1, first).gets(2, 0, { origin: 9 });
    peer.clear().gets(2, 2, first);
    expect(peer.told).not.toContain(3);
    peer.gets(2, 1, { origin: 8 }).gets(2, 1, { origin: 9 }).clear().gets(2, 3, first);
    expect(peer.told).toContain(3);
  });

  test("without trees of their own all share one, as in the paper", () => {
    const peer = new Peer({ ownTreePerMinute: 0 }).gets(2).gets(3).pass(50);
    expect(peer.sentOf("prune")).toMatchObject([{ to: 3, sources: [], isShared: true }]);
    peer.clear().gets(2, 0, { origin: 8 });
    expect(peer.told).toEqual([4, 5]);
  });
});

test("who has lazy neighbors only sends to all what it publishes: announced alone it would die with its source", () => {
  const peer = new Peer({ ownTreePerMinute: 0 });
  for (const neighbor of [2, 3, 4]) peer.isPruned(neighbor, { sources: [], isShared: true });
  expect(peer.command({ type: "publish", payloads: ["one"] }).told).toEqual([5]);
  expect(
    peer
      .loses(5)
      .clear()
      .command({ type: "publish", payloads: ["two"] }).told,
  ).toEqual([2, 3, 4]);
});

describe("a new neighbor", () => {
  test("is told of what is under way, and not of what is old", () => {
    const peer = new Peer().gets(2, 0).pass(2000).gets(2, 1).pass(60).clear().finds(6);
    expect(peer.announced).toEqual([[6, 1]]);
  });

  test("what is under way the history does not send as well; what is old it does", () => {
    const peer = new Peer({ repairs: true }).gets(2, 0).pass(2000).gets(2, 1).clear();
    peer.receive(5, { type: "digest", entries: [], isAnswer: true });
    // Neighbor 5 was sent both: a new link knows nothing of that.
    peer.loses(5).finds(5).clear();
    peer.receive(5, { type: "digest", entries: [], isAnswer: true });
    expect(peer.sentOf("gossip").map(({ statement }) => statement.sequence)).toEqual([0]);
  });
});

test("what answers grafts has to be kept", () => {
  expect(() => new Peer({ retainMessages: 0 })).toThrow(UsageError);
});

// ---- A network ----------------------------------------------------------------------------------------------------

const everybody = Array.from({ length: 40 }, (_, i) => i + 1);

/** A ring with chords: degree 6. */
function worldOf(options: Partial<BroadcastOptions> = {}): BroadcastWorld {
  const world = new BroadcastWorld(1);
  // The same time for each message over a link.
  world.latencyMs = () => 20;
  for (const node of everybody) world.addBroadcast(node, { options: { ...defaults, ...options } });
  for (const node of everybody)
    for (const step of [1, 5, 13]) world.link(node, ((node - 1 + step) % everybody.length) + 1);
  world.runUntil(500);
  return world;
}
const sum = (world: BroadcastWorld, name: keyof Broadcast["counters"]) =>
  [...world.broadcasts.values()].reduce((all, { counters }) => all + counters[name], 0);

describe("a network", () => {
  test("sends each message once to each node after the first of its source, whatever the number of sources", () => {
    const world = worldOf();
    for (const source of [1, 9, 17, 33]) world.publish(source, "flood");
    world.runUntil(world.now + 2000);
    const before = sum(world, "sends");
    for (let round = 0; round < 5; round++) {
      for (const source of [1, 9, 17, 33]) world.publish(source, `round ${round}`);
      world.runUntil(world.now + 1000);
    }
    expect(sum(world, "sends") - before).toBe(20 * (everybody.length - 1));
    expect(sum(world, "grafts")).toBe(0);
    for (const node of everybody)
      expect(world.deliveredAt(node)).toHaveLength([1, 9, 17, 33].includes(node) ? 18 : 24);
  });

  test("mends its tree where a link silently loses everything", () => {
    const world = worldOf();
    world.publish(1, "flood");
    world.runUntil(world.now + 2000);
    const child = world.of("forwarded", 1).at(-1)!.notice["to"][0];
    world.delivers = (from, to) => !(from === 1 && to === child);
    world.publish(1, "around");
    world.runUntil(world.now + 2000);
    for (const node of everybody.slice(1)) expect(world.deliveredAt(node)).toEqual(["flood", "around"]);
    expect(sum(world, "grafts")).toBeGreaterThan(0);
    const grafts = sum(world, "grafts");
    world.publish(1, "settled");
    world.runUntil(world.now + 2000);
    for (const node of everybody.slice(1)) expect(world.deliveredAt(node)).toContain("settled");
    expect(sum(world, "grafts")).toBe(grafts);
  });

  test("reaches everybody though an inner node dies in the middle", () => {
    const world = worldOf();
    world.publish(1, "flood");
    world.runUntil(world.now + 2000);
    const inner = world.of("forwarded", 1).at(-1)!.notice["to"][0] as number;
    world.publish(1, "while it dies");
    world.crash(inner);
    for (const step of [1, 5, 13, -1, -5, -13])
      world.cutAt(((inner - 1 + step + everybody.length) % everybody.length) + 1, inner);
    world.runUntil(world.now + 2000);
    for (const node of everybody)
      if (node !== 1 && node !== inner) expect(world.deliveredAt(node)).toEqual(["flood", "while it dies"]);
  });
});

describe("a node is ready", () => {
  const compares = (options: Partial<BroadcastOptions> = {}) => new Peer({ repairs: true, ...options }, [2]);

  test("when a neighbor has answered a comparison, though both have seen the same", () => {
    const peer = compares()
      .hear({ type: "neighbor-up", neighbor: 2, incarnation: 1 } as never)
      .pass(0);
    expect(peer.broadcast.isReady).toBe(false);
    expect(peer.sentOf("summary")).toMatchObject([{ to: 2, asks: true }]);
    peer.receive(2, { type: "summary", count: 0, fingerprint: 0 });
    expect(peer.broadcast.isReady).toBe(true);
    peer.loses(2);
    peer.neighbors.push(3);
    expect(peer.broadcast.isReady).toBe(false);
  });

  test("a comparison that asks is answered with the same, and the answer with nothing", () => {
    const peer = compares().receive(2, { type: "summary", count: 0, fingerprint: 0, asks: true });
    expect(peer.sentOf("summary")).toEqual([{ to: 2, type: "summary", count: 0, fingerprint: 0 }]);
    peer.clear().receive(2, { type: "summary", count: 0, fingerprint: 0 });
    expect([...peer.sentOf("summary"), ...peer.sentOf("digest")]).toEqual([]);
  });

  test("where it is alone, or nothing is ever compared", () => {
    expect(new Peer({ repairs: true }, []).broadcast.isReady).toBe(true);
    expect(new Peer().broadcast.isReady).toBe(true);
  });
});
