import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { BroadcastWorld } from "../../test/support/broadcast-world.ts";
import { Members } from "../../test/support/members.ts";
import { signaturesOf } from "../../test/support/notary.ts";
import { gossipOf } from "../../test/support/publications.ts";
import { type NodeId, RecordingEnvironment } from "../core/index.ts";
import { Broadcast, type BroadcastCommand, type BroadcastNotice, type BroadcastTimer } from "./broadcast.ts";
import type { BroadcastOptions } from "./broadcast-options.ts";
import type { BroadcastMessage, Offer } from "./messages.ts";
import { MulticastTree } from "./multicast-tree.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const bimodal = { method: "bimodal", repairs: false } as const;
const everybody = range(1, 30);

function treeNeighborsOf(self: NodeId, degree = 4): readonly NodeId[] {
  const tree = new MulticastTree(new Members(everybody.filter((node) => node !== self)), degree);
  tree.refresh(new RecordingEnvironment(self));
  return tree.neighbors;
}

/** Everybody knows everybody; the overlay is a ring with chords. */
function worldOf(options: Partial<BroadcastOptions> = {}, seed = 1): BroadcastWorld {
  const world = new BroadcastWorld(seed);
  for (const node of everybody)
    world.addBroadcast(node, {
      members: new Members(everybody.filter((other) => other !== node)),
      options: { ...bimodal, ...options },
    });
  const at = (place: number) => everybody[place % everybody.length]!;
  for (const place of range(0, everybody.length - 1))
    for (const step of [1, 7]) world.link(at(place), at(place + step));
  world.runUntil(500);
  return world;
}

const copies = (world: BroadcastWorld) =>
  [...world.broadcasts.values()].reduce((sum, { counters }) => sum + counters.sends, 0);

describe("the multicast", () => {
  test("reaches everybody with a copy less than there are nodes, before any digest", () => {
    const world = worldOf({ roundMs: 60_000 });
    world.publish(17, "hello");
    world.runUntil(world.now + 500);
    for (const node of everybody) expect(world.deliveredAt(node)).toEqual(node === 17 ? [] : ["hello"]);
    expect(copies(world)).toBe(everybody.length - 1);
  });

  test("and the digests that follow bring nobody a copy that has one", () => {
    const world = worldOf({ roundMs: 500 });
    world.publish(17, "hello");
    world.runUntil(world.now + 20_000);
    expect(copies(world)).toBe(everybody.length - 1);
    const { calls, offersKnown } = world.broadcasts.get(17)!.counters;
    expect([calls, offersKnown]).toEqual([20, 20]);
  });
});

describe("the digests", () => {
  test("bring the part of the tree below a dead inner node what it lacks", () => {
    const world = worldOf();
    const dead = everybody.find((node) => treeNeighborsOf(node).length >= 4)!;
    world.crash(dead);
    const origin = treeNeighborsOf(dead)[0]!;
    world.publish(origin, "hello");
    world.runUntil(world.now + 95);
    const living = everybody.filter((node) => node !== dead && node !== origin);
    const early = living.filter((node) => world.deliveredAt(node).length === 1);
    expect(living.length - early.length, "some are cut off").toBeGreaterThanOrEqual(3);
    world.runUntil(world.now + 10_000);
    for (const node of living) expect(world.deliveredAt(node), `node ${node}`).toEqual(["hello"]);
  });

  test("end after so many rounds", () => {
    const world = worldOf({ digestRounds: 3 });
    world.publish(17, "hello");
    world.runUntil(world.now + 5000);
    for (const node of everybody) expect(world.broadcasts.get(node)!.counters.calls).toBe(3);
    expect([...world.broadcasts.values()].map(({ hotCount }) => hotCount)).toEqual(everybody.map(() => 0));
  });
});

describe("one node", () => {
  class Peer extends Alone<BroadcastMessage, BroadcastTimer, BroadcastNotice, BroadcastCommand> {
    readonly broadcast: Broadcast;

    constructor(options: Partial<BroadcastOptions> = {}) {
      const neighbors = [stranger];
      const broadcast = new Broadcast({
        view: { neighbors, has: (node) => neighbors.includes(node as number) },
        members: new Members(everybody.filter((node) => node !== self)),
        standing: { incarnation: 1, since: 0 },
        signatures: signaturesOf(self),
        options: { ...bimodal, ...options },
      });
      super(self, broadcast);
      this.broadcast = broadcast;
      this.start().clear();
    }
    get told(): NodeId[] {
      return this.sentOf("gossip").map(({ to }) => to);
    }
  }
  const self = everybody.find((node) => treeNeighborsOf(node).length >= 4)!;
  const [parent, ...children] = treeNeighborsOf(self);
  const stranger = everybody.find((node) => node !== self && !treeNeighborsOf(self).includes(node))!;
  const offer: Offer = { origin: 99, incarnation: 1, sequence: 0, level: 0, ageRounds: 0 };

  test("forwards what comes along the tree, at once, to the tree", () => {
    const peer = new Peer().receive(parent!, gossipOf(99)).pass(0);
    expect(peer.told).toEqual(children);
    peer.clear().receive(children[0]!, gossipOf(98)).pass(0);
    expect(peer.told).toEqual([parent, ...children.slice(1)]);
  });

  test("does not multicast what it has solicited, and tells its id", () => {
    const peer = new Peer();
    peer.receive(stranger, { type: "call", round: 7, offers: [offer], asks: false });
    expect(peer.sentOf("answer")).toMatchObject([{ to: stranger, round: 7, wanted: [{ origin: 99 }] }]);
    peer.receive(stranger, gossipOf(99)).pass(0);
    expect(peer.noticesOf("delivered")).toHaveLength(1);
    expect(peer.told).toEqual([]);
    peer.pass(200);
    expect(peer.sentOf("call")[0]).toMatchObject({ to: stranger, offers: [{ origin: 99 }], asks: false });
  });

  test("multicasts it all the same where it was only faster than the tree, once", () => {
    const peer = new Peer().receive(stranger, gossipOf(99)).pass(0);
    expect(peer.told).toEqual([]);
    peer.receive(stranger, gossipOf(99)).pass(0);
    expect(peer.told).toEqual([]);
    peer.receive(parent!, gossipOf(99)).pass(0);
    expect(peer.told).toEqual(children);
    peer.receive(children[0]!, gossipOf(99)).pass(0);
    expect(peer.told).toEqual(children);
    expect(peer.noticesOf("delivered")).toHaveLength(1);
  });

  test("does not tell the id in the round of the receipt: the multicast may still be on its way", () => {
    const peer = new Peer({ roundMs: 1000, digestRounds: 1 });
    peer.passUntil(() => peer.scheduled().length > 0).receive(parent!, gossipOf(99));
    peer.pass(999);
    expect(peer.sentOf("call")).toEqual([]);
    peer.pass(10_000);
    expect(peer.sentOf("call")).toHaveLength(1);
  });

  test("nor to whoever asks for all that it has: a pull of another method", () => {
    const asks = (round: number) => ({ type: "call", round, offers: [], asks: true }) as const;
    const peer = new Peer().receive(parent!, gossipOf(99)).receive(stranger, asks(1));
    expect(peer.onlySent("answer").offers).toEqual([]);
    peer.pass(100).clear().receive(stranger, asks(2));
    expect(peer.onlySent("answer").offers).toMatchObject([{ origin: 99 }]);
  });

  test("answers a solicitation in the round of its digest only", () => {
    const { origin, incarnation, sequence } = offer;
    const answer = {
      type: "answer",
      wanted: [{ origin, incarnation, sequence }],
      known: [],
      offers: [],
    } as const;
    for (const [lateMs, expected] of [
      [50, [stranger]],
      [150, []],
    ] as const) {
      const peer = new Peer().receive(parent!, gossipOf(99));
      peer.passUntil(() => peer.sentOf("call").length > 0);
      const { round } = peer.onlySent("call");
      peer
        .pass(lateMs)
        .clear()
        .receive(stranger, { ...answer, round });
      expect(peer.told, `${lateMs} ms late`).toEqual(expected);
    }
  });

  test("tells of so many messages at a time, and forgets the oldest", () => {
    const peer = new Peer({ maxHot: 3 });
    for (const origin of range(90, 99)) peer.receive(parent!, gossipOf(origin));
    peer.pass(200);
    expect(peer.sentOf("call")[0]!.offers.map(({ origin }) => origin)).toEqual([99, 98, 97]);
  });
});
