import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { BroadcastWorld } from "../../test/support/broadcast-world.ts";
import { Members } from "../../test/support/members.ts";
import { signaturesOf, signedBy } from "../../test/support/notary.ts";
import { gossipOf } from "../../test/support/publications.ts";
import { type NodeId, RangeSet, seededRandom, type Typed, UsageError } from "../core/index.ts";
import {
  Broadcast,
  type BroadcastCommand,
  type BroadcastConfig,
  type BroadcastNotice,
  type BroadcastTimer,
} from "./broadcast.ts";
import {
  type BroadcastMessage,
  type Digest,
  type Gossip,
  maxDigestOrigins,
  maxGossipBytes,
  maxPayloadBytes,
  maxPayloadsPerGossip,
  maxRangesPerOrigin,
  type Payload,
  type SeenEntry,
} from "./messages.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** One peer, 1 unless said otherwise, whose neighbors the test plays. */
class Peer extends Alone<BroadcastMessage, BroadcastTimer, BroadcastNotice, BroadcastCommand> {
  readonly broadcast: Broadcast;
  readonly neighbors: NodeId[];

  constructor(config: Partial<BroadcastConfig> & { neighbors?: NodeId[]; incarnation?: number } = {}) {
    const neighbors = config.neighbors ?? [2, 3];
    const broadcast = new Broadcast({
      view: { neighbors, has: (node) => neighbors.includes(node) },
      standing: { incarnation: config.incarnation ?? 1, since: 0 },
      signatures: signaturesOf(1),
      ...config,
    });
    super(1, broadcast);
    this.broadcast = broadcast;
    this.neighbors = neighbors;
    this.start().clear();
  }

  publishes(...payloads: Payload[]): this {
    return this.command({ type: "publish", payloads }).pass(0);
  }
  hearsFrom(from: NodeId, ...gossips: Gossip[]): this {
    for (const gossip of gossips) this.receive(from, gossip);
    return this.pass(0);
  }
  get delivered(): Payload[] {
    return this.noticesOf("delivered").map(({ payload }) => payload);
  }
  /** To whom gossip was sent. */
  get told(): NodeId[] {
    return this.sentOf("gossip").map(({ to }) => to);
  }
  /** What the peer says that it has seen. */
  digest(): readonly SeenEntry[] {
    this.receive(99, { type: "summary", count: 0, fingerprint: 1 });
    return this.sentOf("digest").at(-1)?.entries ?? [];
  }
}

/** A connected graph: a random tree and some more links. */
const connectedGraph = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.infiniteStream(fc.nat()), fc.array(fc.tuple(fc.nat(), fc.nat())))
  .map(([size, parents, more]) => {
    const links = new Map<string, [number, number]>();
    const add = (a: number, b: number) => {
      if (a !== b) links.set(`${Math.min(a, b)}-${Math.max(a, b)}`, [Math.min(a, b), Math.max(a, b)]);
    };
    for (let node = 1; node < size; node++) add(node, parents.next().value! % node);
    for (const [a, b] of more) add(a % size, b % size);
    return { size, links: [...links.values()] };
  });

function worldOf(graph: { size: number; links: [number, number][] }, seed = 1): BroadcastWorld {
  const world = new BroadcastWorld(seed);
  for (let node = 0; node < graph.size; node++) world.addBroadcast(node);
  for (const [a, b] of graph.links) world.link(a, b);
  world.runUntil(1000);
  return world;
}

/** 1 - 2 - 3 - … */
const chain = (size: number) => ({
  size,
  links: range(1, size - 1).map((i): [number, number] => [i - 1, i]),
});

describe("on a static graph", () => {
  test("every message reaches everybody once, whatever the graph and the delays", () => {
    fc.assert(
      fc.property(connectedGraph, fc.nat(), (graph, seed) => {
        const world = worldOf(graph, seed);
        for (let node = 0; node < graph.size; node++) world.publish(node, `of ${node}`, "the same for all");
        world.runUntil(60_000);
        for (let node = 0; node < graph.size; node++) {
          const others = range(0, graph.size - 1).filter((other) => other !== node);
          const expected = others.flatMap((other) => [`of ${other}`, "the same for all"]);
          expect(world.deliveredAt(node).toSorted()).toEqual(expected.toSorted());
        }
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  test("a message costs at most 2|E| - |V| + 1 sends", () => {
    fc.assert(
      fc.property(connectedGraph, fc.nat(), (graph, seed) => {
        const world = worldOf(graph, seed);
        world.publish(0, "hello");
        world.runUntil(60_000);
        const sends = [...world.broadcasts.values()].reduce((sum, { counters }) => sum + counters.sends, 0);
        expect(sends).toBeLessThanOrEqual(2 * graph.links.length - graph.size + 1);
        expect(sends).toBeGreaterThanOrEqual(graph.size - 1);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test("a link carries a message at most once in each direction", () => {
    fc.assert(
      fc.property(connectedGraph, fc.nat(), (graph, seed) => {
        const world = worldOf(graph, seed);
        const crossings = world.watchLinks();
        for (let node = 0; node < graph.size; node++) world.publish(node, "hello", "and more");
        world.runUntil(60_000);
        for (const [where, times] of crossings) expect(times, where).toBe(1);
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  test("on a tree a message costs exactly one send for each other peer", () => {
    const world = worldOf(chain(6));
    world.publish(2, "hello");
    world.runUntil(60_000);
    expect([...world.broadcasts.values()].reduce((sum, { counters }) => sum + counters.sends, 0)).toBe(5);
  });
});

describe("equal texts", () => {
  test("of one origin are two messages", () => {
    const world = worldOf(chain(3));
    world.publish(0, "hello");
    world.publish(0, "hello");
    world.publish(0, "hello", "hello");
    world.runUntil(5000);
    expect(world.deliveredAt(2)).toEqual(["hello", "hello", "hello", "hello"]);
  });

  test("of two origins are two messages, also when they are said at the same moment on the same host", () => {
    const peer = new Peer().hearsFrom(2, gossipOf("anna@127.0.0.1:1"), gossipOf("bert@127.0.0.1:2"));
    expect(peer.delivered).toEqual(["hello", "hello"]);
  });

  test("of two lives of one origin are two messages", () => {
    const peer = new Peer().hearsFrom(2, gossipOf(7, { incarnation: 1 }), gossipOf(7, { incarnation: 2 }));
    expect(peer.delivered).toEqual(["hello", "hello"]);
  });

  test("of one origin at two addresses are one message: the key counts", () => {
    const peer = new Peer().hearsFrom(2, gossipOf("anna@10.0.0.1:1"), gossipOf("anna@10.0.0.2:2"));
    expect(peer.delivered).toEqual(["hello"]);
  });
});

describe("receiving", () => {
  test("the first copy is delivered and forwarded to all neighbors but the sender; later copies are dropped", () => {
    const peer = new Peer({ neighbors: [2, 3, 4] });
    peer.hearsFrom(2, gossipOf(7, { sequence: 5, at: 90 }));
    expect(peer.noticesOf("delivered")).toEqual([
      { type: "delivered", origin: 7, incarnation: 1, sequence: 5, at: 90, payload: "hello", from: 2 },
    ]);
    expect(peer.told).toEqual([3, 4]);
    expect(peer.noticesOf("forwarded")).toEqual([
      { type: "forwarded", origin: 7, incarnation: 1, sequence: 5, count: 1, to: [3, 4] },
    ]);
    peer
      .clear()
      .hearsFrom(3, gossipOf(7, { sequence: 5, at: 90 }))
      .hearsFrom(2, gossipOf(7, { sequence: 5, at: 90 }));
    expect(peer.effects).toEqual([]);
    expect(peer.broadcast.counters.duplicates).toBe(2);
  });

  test("who has nobody to forward to forwards nothing, and says nothing", () => {
    const peer = new Peer({ neighbors: [2] }).hearsFrom(2, gossipOf(7));
    expect(peer.told).toEqual([]);
    expect(peer.noticesOf("forwarded")).toEqual([]);
  });

  test("it is forwarded as its origin signed it", () => {
    const gossip = gossipOf(7);
    const [forwarded] = new Peer().hearsFrom(2, gossip).sentOf("gossip");
    expect(forwarded).toMatchObject({ statement: gossip.statement, proof: gossip.proof });
  });

  test("forwarding waits for the end of the turn: who has sent a copy until then needs none", () => {
    const peer = new Peer({ neighbors: [2, 3, 4] });
    peer.receive(2, gossipOf(7)).receive(3, gossipOf(7)).pass(0);
    expect(peer.told).toEqual([4]);
  });

  test("or for longer, where the option says so: that saves copies and costs time", () => {
    const peer = new Peer({ neighbors: [2, 3, 4], options: { forwardDelayMs: 50 } });
    peer.receive(2, gossipOf(7)).pass(49);
    expect(peer.told).toEqual([]);
    peer.receive(3, gossipOf(7)).receive(4, gossipOf(7)).pass(1);
    expect(peer.told).toEqual([]);
    expect(peer.noticesOf("delivered"), "delivery does not wait").toHaveLength(1);
  });

  test("a publication of several messages is delivered one by one, and is one send", () => {
    const peer = new Peer().hearsFrom(2, gossipOf(7, { sequence: 3, payloads: ["a", "b", "c"] }));
    expect(peer.noticesOf("delivered").map(({ sequence, payload }) => [sequence, payload])).toEqual([
      [3, "a"],
      [4, "b"],
      [5, "c"],
    ]);
    expect(peer.told).toEqual([3]);
  });

  test("bytes stay bytes", () => {
    const payload = new Uint8Array([0, 255, 7]);
    expect(new Peer().hearsFrom(2, gossipOf(7, { payloads: [payload] })).delivered).toEqual([payload]);
  });

  test("our own message that comes back is not delivered to ourselves", () => {
    const peer = new Peer().publishes("hello");
    const [mine] = peer.sentOf("gossip");
    peer.clear().hearsFrom(3, { type: "gossip", statement: mine!.statement, proof: mine!.proof });
    expect(peer.effects).toEqual([]);
  });
});

describe("nothing is delivered twice", () => {
  const [retainMs, repairIntervalMs] = [5000, 1000];

  test("though its payload was forgotten because of its age", () => {
    const peer = new Peer({ options: { retainMs, repairIntervalMs } }).hearsFrom(2, gossipOf(7));
    peer.pass(retainMs + 2 * repairIntervalMs);
    expect(peer.broadcast.retainedCount).toBe(0);
    peer.clear().hearsFrom(3, gossipOf(7));
    expect(peer.delivered).toEqual([]);
    expect(peer.told).toEqual([]);
  });

  test("though its payload was forgotten because there were too many", () => {
    const peer = new Peer({ options: { retainMessages: 2 } });
    peer.hearsFrom(2, ...range(0, 9).map((sequence) => gossipOf(7, { sequence })));
    peer.clear().hearsFrom(3, ...range(0, 9).map((sequence) => gossipOf(7, { sequence })));
    expect(peer.delivered).toEqual([]);
  });

  test("though nothing is retained at all", () => {
    const peer = new Peer({ options: { retainMessages: 0 } })
      .hearsFrom(2, gossipOf(7))
      .hearsFrom(3, gossipOf(7));
    expect(peer.delivered).toEqual(["hello"]);
    expect(peer.broadcast.retainedCount).toBe(0);
    expect(peer.noticesOf("persist")).toEqual([]);
  });

  test("though a liar numbers two publications so that they overlap", () => {
    const peer = new Peer().hearsFrom(2, gossipOf(7, { sequence: 4, payloads: ["e", "f"] }));
    peer.hearsFrom(2, gossipOf(7, { sequence: 3, payloads: ["d", "E", "F", "g"] }));
    expect(peer.noticesOf("delivered").map(({ sequence }) => sequence)).toEqual([4, 5, 3, 6]);
    expect(peer.broadcast.counters.delivered).toBe(4);
  });

  test("though a liar lives a thousand lives to make us forget those of others", () => {
    const peer = new Peer({ options: { maxOrigins: 100 } }).hearsFrom(2, gossipOf(7));
    for (const incarnation of range(1, 1000)) peer.hearsFrom(2, gossipOf(66, { incarnation }));
    peer.clear().hearsFrom(3, gossipOf(7));
    expect(peer.delivered).toEqual([]);
    expect(peer.digest().length).toBeLessThan(30);
  });

  test("nor when a life comes round that was over long ago", () => {
    const peer = new Peer();
    for (const incarnation of range(1, 100)) peer.hearsFrom(2, gossipOf(66, { incarnation }));
    peer.clear();
    for (const incarnation of range(1, 100)) peer.hearsFrom(3, gossipOf(66, { incarnation }));
    expect(peer.delivered).toEqual([]);
  });
});

describe("forged gossip", () => {
  test("is neither delivered nor forwarded, and is announced with who sent it", () => {
    const peer = new Peer().hearsFrom(2, gossipOf(7, {}, 66));
    expect(peer.sent()).toEqual([]);
    expect(peer.notices()).toEqual([{ type: "forged-gossip", origin: 7, from: 2 }]);
    expect(peer.broadcast.counters.forged).toBe(1);
  });

  test("does not keep the genuine message out", () => {
    const peer = new Peer().hearsFrom(2, gossipOf(7, { payloads: ["a lie"] }, 66)).hearsFrom(2, gossipOf(7));
    expect(peer.delivered).toEqual(["hello"]);
  });

  test("after the genuine message is only a copy", () => {
    const peer = new Peer().hearsFrom(2, gossipOf(7)).hearsFrom(3, gossipOf(7, { payloads: ["a lie"] }, 66));
    expect(peer.delivered).toEqual(["hello"]);
  });

  test.each([
    ["the text", { payloads: ["goodbye"] }],
    ["the number", { sequence: 1 }],
    ["the life", { incarnation: 2 }],
    ["the time", { at: 1 }],
    ["the origin", { origin: 8 }],
  ])("a relay cannot change %s", (_, change) => {
    const { statement, proof } = gossipOf(7);
    const peer = new Peer().hearsFrom(2, { type: "gossip", statement: { ...statement, ...change }, proof });
    expect(peer.delivered).toEqual([]);
    expect(peer.broadcast.counters.forged).toBe(1);
  });

  test("costs a check each, and a copy of a genuine message none", () => {
    let checks = 0;
    const { sign, verify } = signaturesOf(1);
    const counting = {
      sign,
      verify: (...signed: Parameters<typeof verify>) => {
        checks++;
        return verify(...signed);
      },
    };
    const peer = new Peer({ signatures: counting });
    peer.hearsFrom(2, gossipOf(7)).hearsFrom(3, gossipOf(7)).hearsFrom(3, gossipOf(7));
    expect(checks).toBe(1);
  });
});

describe("publishing", () => {
  test("numbers the messages of a life from 0, one after the other", () => {
    const peer = new Peer().publishes("a").publishes("b", "c").publishes("d");
    expect(peer.noticesOf("published").map(({ sequence, payload }) => [sequence, payload])).toEqual([
      [0, "a"],
      [1, "b"],
      [2, "c"],
      [3, "d"],
    ]);
    expect(peer.sentOf("gossip").map(({ statement }) => statement.sequence)).toEqual([0, 0, 1, 1, 3, 3]);
  });

  test("signs several messages once and tells every neighbor", () => {
    const peer = new Peer({ neighbors: [2, 3] }).publishes("a", "b");
    const statement = {
      type: "gossip",
      origin: 1,
      incarnation: 1,
      sequence: 0,
      at: 0,
      payloads: ["a", "b"],
    } as const;
    expect(peer.sentOf("gossip").map(({ to, proof }) => [to, proof])).toEqual([
      [2, signedBy(1, statement).proof],
      [3, signedBy(1, statement).proof],
    ]);
  });

  test("works for a layer above as for the user", () => {
    const peer = new Peer().hear({ type: "publish", payloads: ["a"] } as { type: string }).pass(0);
    expect(peer.told).toEqual([2, 3]);
  });

  test("before there is a neighbor is not lost: the first one asks for it", () => {
    const world = new BroadcastWorld();
    for (const node of [1, 2]) world.addBroadcast(node);
    world.publish(1, "hello");
    world.runUntil(100);
    world.link(1, 2);
    world.runUntil(1000);
    expect(world.deliveredAt(2)).toEqual(["hello"]);
  });

  const half = "x".repeat(maxPayloadBytes / 2);
  test.each<[string, Payload[], string]>([
    ["nothing", [], `payloads: 0 is not between 1 and ${maxPayloadsPerGossip}`],
    ["too many", Array(65).fill("a"), `payloads: 65 is not between 1 and ${maxPayloadsPerGossip}`],
    ["too long a text", ["ok", `${half}${half}x`], `payload: 65537 bytes is more than ${maxPayloadBytes}`],
    ["too long a text in UTF-8", ["€".repeat(maxPayloadBytes / 2)], "payload: 98304 bytes is more than"],
    ["too many bytes", [new Uint8Array(maxPayloadBytes + 1)], "payload: 65537 bytes is more than"],
    [
      "too much together",
      Array(17).fill(half),
      `payloads: 557056 bytes together is more than ${maxGossipBytes}`,
    ],
    ["half a character", ["\ud83d"], "half a surrogate pair"],
  ])("%s is the caller's mistake, and nothing is published then", (_, payloads, message) => {
    const peer = new Peer();
    expect(() => peer.publishes(...payloads)).toThrow(UsageError);
    expect(() => peer.publishes(...payloads)).toThrow(message);
    expect(peer.pass(0).effects).toEqual([]);
    expect(peer.publishes("ok").noticesOf("published")).toMatchObject([{ sequence: 0 }]);
  });

  test("the longest text, the most and the emptiest ones are fine", () => {
    const peer = new Peer()
      .publishes(half + half)
      .publishes(...Array(64).fill(""))
      .publishes(new Uint8Array(0));
    expect(peer.broadcast.counters.published).toBe(66);
  });
});

describe("a new life", () => {
  test("starts at number 0, and nobody takes its messages for those of the old one", () => {
    const world = worldOf(chain(3));
    world.publish(0, "first life");
    world.runUntil(2000);
    world.crash(0);
    world.cutAt(1, 0);
    world.addBroadcast(0, { standing: { incarnation: 2, since: 0 } });
    world.link(0, 1);
    world.runUntil(3000);
    world.publish(0, "second life");
    world.runUntil(5000);
    expect(world.deliveredAt(2)).toEqual(["first life", "second life"]);
    expect(world.of("published", 0).map(({ notice }) => [notice["incarnation"], notice["sequence"]])).toEqual(
      [
        [1, 0],
        [2, 0],
      ],
    );
    expect(world.deliveredAt(0), "without its memory it hears what it said").toEqual(["first life"]);
  });

  test("with its memory delivers nothing again, and keeps it for others", () => {
    const before = new Peer().hearsFrom(2, gossipOf(7), gossipOf(7, { sequence: 1 })).publishes("mine");
    const restored = before.noticesOf("persist").map(({ value }) => value as Gossip);
    const peer = new Peer({ restored, incarnation: 2 });
    expect(peer.broadcast.retainedCount).toBe(3);
    peer.hearsFrom(2, ...restored);
    expect(peer.delivered).toEqual([]);
    peer.receive(3, { type: "digest", entries: [], isAnswer: false });
    expect(peer.sentOf("gossip").map(({ statement }) => statement.payloads[0])).toEqual([
      "hello",
      "hello",
      "mine",
    ]);
  });

  test("remembers no more than its retention allows", () => {
    const restored = range(0, 9).map((sequence) => gossipOf(7, { sequence, payloads: [String(sequence)] }));
    const peer = new Peer({ restored, options: { retainMessages: 3 } });
    peer.receive(3, { type: "digest", entries: [], isAnswer: false });
    expect(peer.sentOf("gossip").map(({ statement }) => statement.payloads[0])).toEqual(["7", "8", "9"]);
  });

  test("is not begun by a refutation: the numbers go on", () => {
    const standing = { incarnation: 4, since: 0 };
    const peer = new Peer({ standing }).publishes("a");
    standing.incarnation = 5;
    peer.publishes("b");
    expect(peer.noticesOf("published").map(({ incarnation, sequence }) => [incarnation, sequence])).toEqual([
      [4, 0],
      [4, 1],
    ]);
  });
});

describe("retention", () => {
  test("by count forgets the oldest, in memory and on disk", () => {
    const peer = new Peer({ options: { retainMessages: 2 } });
    peer.hearsFrom(2, ...range(0, 2).map((sequence) => gossipOf(7, { sequence })));
    expect(peer.broadcast.retainedCount).toBe(2);
    expect(peer.noticesOf("persist").map(({ key, value }) => [key, value !== undefined])).toEqual([
      ["gossip/7/1/0", true],
      ["gossip/7/1/1", true],
      ["gossip/7/1/2", true],
      ["gossip/7/1/0", false],
    ]);
  });

  test("by count counts the messages, and not the publications that they came in", () => {
    const peer = new Peer({ options: { retainMessages: 5 } });
    for (const sequence of [0, 3, 6]) peer.hearsFrom(2, gossipOf(7, { sequence, payloads: ["a", "b", "c"] }));
    expect(peer.broadcast.retainedCount).toBe(3);
    expect(peer.hearsFrom(2, gossipOf(7, { sequence: 9 })).broadcast.retainedCount).toBe(4);
  });

  test("of a life that was forgotten does not stand in the way of its messages: they are news again", () => {
    const peer = new Peer({ options: { maxOrigins: 1 } });
    peer.hearsFrom(2, gossipOf(7), gossipOf(7), gossipOf(8), gossipOf(7));
    expect(peer.noticesOf("delivered").map(({ origin }) => origin)).toEqual([7, 8, 7]);
    expect(peer.broadcast.counters.duplicates).toBe(1);
  });

  test("counts right also where a life was forgotten before its messages were", () => {
    const peer = new Peer({ options: { maxOrigins: 1, retainMessages: 3 } });
    for (let i = 0; i < 10; i++) peer.hearsFrom(2, gossipOf(7), gossipOf(8));
    expect(peer.broadcast.retainedCount).toBe(2);
  });

  test("by age forgets what was received too long ago, and not what is younger", () => {
    const peer = new Peer({ options: { retainMs: 5000, repairIntervalMs: 1000 } }).hearsFrom(2, gossipOf(7));
    peer
      .pass(4000)
      .hearsFrom(2, gossipOf(7, { sequence: 1 }))
      .pass(3000);
    expect(peer.broadcast.retainedCount).toBe(1);
    expect(peer.noticesOf("persist").at(-1)).toMatchObject({ key: "gossip/7/1/0", value: undefined });
  });

  test("a copy does not make a message younger", () => {
    const peer = new Peer({ options: { retainMs: 5000, repairIntervalMs: 1000 } }).hearsFrom(2, gossipOf(7));
    peer.pass(4000).hearsFrom(3, gossipOf(7)).pass(3000);
    expect(peer.broadcast.retainedCount).toBe(0);
  });

  test("who joins after it has ended does not get the message, and everybody else goes on", () => {
    const options = { retainMs: 5000, repairIntervalMs: 1000 };
    const world = new BroadcastWorld();
    for (const node of [1, 2]) world.addBroadcast(node, { options });
    world.link(1, 2);
    world.publish(1, "old");
    world.runUntil(8000);
    world.publish(1, "new");
    world.runUntil(9000);
    world.addBroadcast(3, { options });
    world.link(2, 3);
    world.runUntil(30_000);
    expect(world.deliveredAt(3)).toEqual(["new"]);
    expect(world.deliveredAt(2)).toEqual(["old", "new"]);
  });
});

describe("history", () => {
  /** 1 has published ten messages and is linked to 2, who has them. */
  function withHistory(messages = 10, seed = 1): BroadcastWorld {
    const world = new BroadcastWorld(seed);
    for (const node of [1, 2, 3]) world.addBroadcast(node);
    world.link(1, 2);
    for (const i of range(1, messages)) world.publish(1, `message ${i}`);
    world.runUntil(5000);
    return world;
  }

  test("a late joiner gets it all within a second, in the order in which its neighbor did", () => {
    const world = withHistory();
    world.latencyMs = () => 20;
    world.link(2, 3);
    world.runUntil(6000);
    expect(world.deliveredAt(3)).toHaveLength(10);
    expect(world.deliveredAt(3)).toEqual(world.deliveredAt(2));
    expect(world.of("history-sent")).toMatchObject([{ node: 2, notice: { to: 3, messages: 10 } }]);
  });

  test("crosses the new link once, though both ends ask", () => {
    for (const seed of range(1, 20)) {
      const world = withHistory(10, seed);
      const crossings = world.watchLinks();
      world.link(3, 2);
      world.runUntil(30_000);
      for (const [where, times] of crossings) expect(times, `seed ${seed}, ${where}`).toBe(1);
    }
  });

  test("longer than a batch comes in several, one soon after the other", () => {
    const world = withHistory(900);
    world.link(2, 3);
    world.runUntil(15_000);
    expect(world.deliveredAt(3)).toHaveLength(900);
    const batches = world.of("history-sent", 2).map(({ notice }) => notice["messages"]);
    expect(Math.max(...batches)).toBe(256);
  });

  test("of long messages comes in batches that no reader need be cut off for", () => {
    const world = worldOf({ size: 4, links: [[1, 2]] });
    const payload = "x".repeat(maxPayloadBytes);
    for (let i = 0; i < 100; i++) world.publish(1, payload);
    world.runUntil(world.now + 1000);
    world.link(2, 3);
    world.runUntil(world.now + 30_000);
    expect(world.deliveredAt(3)).toHaveLength(100);
    const batches = world.of("history-sent", 2).map(({ notice }) => notice["messages"]);
    expect(Math.max(...batches)).toBe(16);
  });

  test("a partition heals: both sides get what the other said meanwhile", () => {
    const world = worldOf(chain(4));
    world.cut(1, 2);
    world.publish(0, "left");
    world.publish(3, "right");
    world.runUntil(20_000);
    expect(world.deliveredAt(3)).toEqual([]);
    world.link(1, 2);
    world.runUntil(25_000);
    expect(world.deliveredAt(0)).toEqual(["right"]);
    expect(world.deliveredAt(3)).toEqual(["left"]);
  });

  test("a message that was lost on a standing link is found out and sent again", () => {
    const world = worldOf(chain(3));
    world.delivers = (from, to) => !(from === 1 && to === 2);
    world.publish(0, "hello");
    world.runUntil(2000);
    world.delivers = () => true;
    expect(world.deliveredAt(2)).toEqual([]);
    world.runUntil(85_000);
    expect(world.deliveredAt(2)).toEqual(["hello"]);
  });

  test("a message that was under way on a connection that broke is sent again at once", () => {
    const world = worldOf(chain(3));
    world.delivers = (from, to) => !(from === 1 && to === 2);
    world.publish(0, "hello");
    world.runUntil(2000);
    world.delivers = () => true;
    world.command(1, "broadcast", { type: "link-lost", neighbor: 2 } as { type: string });
    world.runUntil(3000);
    expect(world.deliveredAt(2)).toEqual(["hello"]);
  });

  test("hundreds of messages that overtake each other all arrive", () => {
    const world = withHistory(900);
    expect(world.deliveredAt(2)).toHaveLength(900);
    expect(world.deliveredAt(2), "and they did overtake").not.toEqual(
      range(1, 900).map((i) => `message ${i}`),
    );
    expect(world.broadcasts.get(2)!.counters.gapsGivenUp).toBe(0);
  });

  test("with a third of all messages lost everybody gets everything, once", () => {
    const world = worldOf({
      size: 4,
      links: [
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 0],
      ],
    });
    world.delivers = () => world.random.unit() > 1 / 3;
    for (const node of range(0, 3)) world.publish(node, `of ${node}`);
    world.runUntil(600_000);
    for (const node of range(0, 3)) {
      const expected = range(0, 3)
        .filter((other) => other !== node)
        .map((other) => `of ${other}`);
      expect(world.deliveredAt(node).toSorted()).toEqual(expected);
    }
  });

  test("a link that was cut and made again knows nothing of what crossed the old one", () => {
    const peer = new Peer({ neighbors: [2] }).publishes("hello").clear();
    peer.hear({ type: "neighbor-down", neighbor: 2, reason: "failed" } as { type: string });
    peer.receive(2, { type: "digest", entries: [], isAnswer: false });
    expect(peer.told).toEqual([2]);
  });
});

describe("comparing", () => {
  const digestOf = (entries: SeenEntry[], isAnswer = false): Digest => ({
    type: "digest",
    entries,
    isAnswer,
  });

  test("a summary is sent now and then to a random neighbor, and on a new link", () => {
    const peer = new Peer({ neighbors: [2, 3] }).pass(200_000);
    expect(peer.sentOf("summary").length).toBe(20);
    expect(new Set(peer.sentOf("summary").map(({ to }) => to))).toEqual(new Set([2, 3]));
    peer.clear().neighbors.push(4);
    peer.hear({ type: "neighbor-up", neighbor: 4, incarnation: 1 } as { type: string }).pass(2000);
    expect(peer.sentOf("summary").map(({ to }) => to)).toContain(4);
  });

  test("the first link asks at once", () => {
    const peer = new Peer({ neighbors: [] });
    peer.neighbors.push(2);
    peer.hear({ type: "neighbor-up", neighbor: 2, incarnation: 1 } as { type: string }).pass(0);
    expect(peer.sentOf("summary")).toHaveLength(1);
  });

  test("nobody asks one that is no neighbor any more", () => {
    const peer = new Peer({ neighbors: [2] });
    peer.hear({ type: "neighbor-up", neighbor: 2, incarnation: 1 } as { type: string });
    peer.neighbors.length = 0;
    expect(peer.pass(60_000).sent()).toEqual([]);
  });

  test("who has seen the same says nothing, in whatever order it was seen", () => {
    const seen = [gossipOf(7), gossipOf(8), gossipOf(7, { sequence: 1 })];
    const peer = new Peer().hearsFrom(2, ...seen).pass(10_000);
    const summary = peer.sentOf("summary")[0]!;
    const other = new Peer().hearsFrom(3, ...seen.toReversed()).clear();
    expect(
      other.receive(2, { type: "summary", count: summary.count, fingerprint: summary.fingerprint }).effects,
    ).toEqual([]);
  });

  test("who has seen other things answers with what it has seen", () => {
    const peer = new Peer().hearsFrom(2, gossipOf(7), gossipOf(7, { sequence: 3 })).clear();
    peer.receive(3, { type: "summary", count: 1, fingerprint: 5 });
    expect(peer.sent()).toEqual([
      { to: 3, message: digestOf([{ origin: 7, incarnation: 1, ranges: [0, 0, 3, 3] }]) },
    ]);
  });

  test("a digest is answered by what is missing in it, and by a digest only if we lack something", () => {
    const peer = new Peer().hearsFrom(2, gossipOf(7), gossipOf(8)).pass(60_000).clear();
    peer.receive(3, digestOf([{ origin: 7, incarnation: 1, ranges: [0, 0] }]));
    expect(peer.sent().map(({ message }) => message.type)).toEqual(["gossip"]);
    expect(peer.sentOf("gossip")[0]!.statement.origin).toBe(8);

    peer.clear().receive(
      3,
      digestOf([
        { origin: 7, incarnation: 1, ranges: [0, 4] },
        { origin: 8, incarnation: 1, ranges: [0, 0] },
      ]),
    );
    expect(peer.sentOf("digest")).toMatchObject([{ to: 3, isAnswer: true }]);
  });

  test("the answer to a digest is not answered by a digest: two who lack something do not talk for ever", () => {
    const peer = new Peer().receive(3, digestOf([{ origin: 7, incarnation: 1, ranges: [0, 4] }], true));
    expect(peer.sent()).toEqual([]);
  });

  test("what has just been sent is on its way, and is not sent again before it must be lost", () => {
    const peer = new Peer().hearsFrom(2, gossipOf(7)).clear();
    peer.receive(3, digestOf([])).pass(59_000).receive(3, digestOf([]));
    expect(peer.told).toEqual([]);
    peer.pass(2000).receive(3, digestOf([])).receive(3, digestOf([]));
    expect(peer.told).toEqual([3]);
    expect(peer.broadcast.counters.resent).toBe(1);
  });

  test("a digest is bounded: the latest lives, and of each life a bounded number of ranges", () => {
    const peer = new Peer();
    for (const origin of range(1, maxDigestOrigins + 50)) peer.hearsFrom(2, gossipOf(origin + 100));
    const entries = peer.digest();
    expect(entries).toHaveLength(maxDigestOrigins);
    expect(entries.at(-1)!.origin).toBe(maxDigestOrigins + 150);
  });

  test("what a full digest may have left out is not sent over and over", () => {
    const peer = new Peer().hearsFrom(2, gossipOf(7)).pass(60_000).clear();
    const full = digestOf(
      range(1, maxDigestOrigins).map((i) => ({ origin: 1000 + i, incarnation: 1, ranges: [0, 0] })),
      true,
    );
    peer.receive(3, full).pass(60_000).receive(3, full);
    expect(peer.told).toEqual([]);
    peer.receive(9, full);
    expect(peer.told, "and to a stranger not at all").toEqual([]);
  });
});

describe("absurd numbers", () => {
  test("huge gaps cost bounded memory, and what was seen stays seen", () => {
    const random = seededRandom(3);
    const sequences = range(1, 3000).map(() => random.below(2 ** 32) * 2 ** 20);
    const peer = new Peer({ options: { retainMessages: 10 } });
    for (const sequence of sequences) peer.hearsFrom(2, gossipOf(7, { sequence }));
    const { ranges } = peer.digest()[0]!;
    expect(ranges.length / 2, "a digest is bounded").toBe(maxRangesPerOrigin);
    expect(RangeSet.isValid(ranges)).toBe(true);
    expect(peer.broadcast.counters.gapsGivenUp, "holes are given up").toBeGreaterThan(2 ** 40);
    peer.clear();
    for (const sequence of sequences) peer.hearsFrom(3, gossipOf(7, { sequence }));
    expect(peer.delivered).toEqual([]);
  });

  test("a descending run of them costs bounded time", () => {
    const peer = new Peer({ options: { retainMessages: 1 } });
    const started = process.hrtime.bigint();
    for (const i of range(0, 20_000)) peer.hearsFrom(2, gossipOf(7, { sequence: 2 ** 52 - 3 * i }));
    expect(Number(process.hrtime.bigint() - started) / 1e6, "milliseconds").toBeLessThan(5000);
  });

  test("the last numbers of all are numbers like others", () => {
    const sequence = Number.MAX_SAFE_INTEGER - 64;
    const peer = new Peer().hearsFrom(2, gossipOf(7, { sequence, payloads: Array(64).fill("x") }));
    expect(peer.delivered).toHaveLength(64);
    peer.hearsFrom(3, gossipOf(7, { sequence: sequence + 63 }));
    expect(peer.delivered).toHaveLength(64);
    expect(peer.digest()[0]!.ranges).toEqual([sequence, sequence + 63]);
  });

  test("a life at the end of the numbers is a life", () => {
    const peer = new Peer().hearsFrom(2, gossipOf(7, { incarnation: Number.MAX_SAFE_INTEGER }));
    expect(peer.delivered).toEqual(["hello"]);
  });

  test("origins that are remembered are bounded: the oldest is forgotten", () => {
    const peer = new Peer({ options: { maxOrigins: 5 } });
    for (const origin of range(10, 29)) peer.hearsFrom(2, gossipOf(origin));
    expect(peer.digest().map(({ origin }) => origin)).toEqual([25, 26, 27, 28, 29]);
    const same = new Peer();
    for (const origin of range(25, 29)) same.hearsFrom(2, gossipOf(origin));
    const [one, other] = [peer, same].map((each) => each.pass(10_000).sentOf("summary")[0]!);
    expect(one!.fingerprint, "and leaves no trace").toBe(other!.fingerprint);
  });
});

describe("a neighbor that comes after another went", () => {
  /** 2 has sent a message that waits to be forwarded; then 2 goes, 4 comes, and sends another one. */
  function replaced(retainMessages: number): Peer {
    const peer = new Peer({ options: { forwardDelayMs: 100, retainMessages } });
    peer.receive(2, gossipOf(7));
    peer.neighbors.splice(0, 1);
    peer.hear({ type: "neighbor-down", neighbor: 2, reason: "failed" } as Typed);
    peer.neighbors.push(4);
    peer.hear({ type: "neighbor-up", neighbor: 4, incarnation: 1 } as Typed);
    return peer.receive(4, gossipOf(8));
  }

  test.each([
    [100, "retained"],
    [0, "not retained"],
  ])("is sent what the other one had, and not what it sent itself (%d: %s)", (retainMessages) => {
    const peer = replaced(retainMessages).pass(100);
    const told = peer.sentOf("gossip").map(({ to, statement }) => [to, statement.origin]);
    expect(told).toEqual([
      [3, 7],
      [4, 7],
      [3, 8],
    ]);
  });

  test("is sent at once what it asks for, though the other one got it a moment ago", () => {
    const peer = new Peer({ neighbors: [2, 3] }).hearsFrom(3, gossipOf(7));
    peer.neighbors.splice(0, 1);
    peer.hear({ type: "neighbor-down", neighbor: 2, reason: "failed" } as Typed);
    peer.neighbors.push(4);
    peer.hearsFrom(4, gossipOf(8)).clear();
    const entries = [{ origin: 8, incarnation: 1, ranges: [0, 0] }];
    peer.receive(4, { type: "digest", entries, isAnswer: true });
    expect(peer.sentOf("gossip").map(({ to, statement }) => [to, statement.origin])).toEqual([[4, 7]]);
  });
});

describe("ways of spreading that do not go together", () => {
  const everybody = new Members([2, 3]);
  test.each<[Partial<BroadcastConfig>, string]>([
    [
      { options: { method: "anti-entropy", repairs: false } },
      "repairs: without comparing histories anti-entropy",
    ],
    [{ options: { method: "bimodal" } }, "members: this way of spreading has to know who else is there"],
    [{ options: { method: "rumor", partners: "members" } }, "members: this way of spreading has to know"],
    [{ options: { method: "rumor", mode: "push", isMinimised: true } }, "isMinimised: true is for push-pull"],
    [{ options: { method: "rumor", stopAfter: 255 } }, "stopAfter"],
    [
      { options: { method: "gossip" as "rumor" } },
      `method: "gossip" is not one of flood, rumor, anti-entropy`,
    ],
    [{ options: { maxHot: 0 } }, "maxHot"],
  ])("%j", (config, message) => {
    expect(() => new Peer(config)).toThrow(UsageError);
    expect(() => new Peer(config)).toThrow(message);
  });

  test("with members they do", () => {
    for (const method of ["bimodal", "rumor"] as const)
      new Peer({ members: everybody, options: { method, partners: "members" } });
  });
});

describe("priority", () => {
  const statementOf = (priority: number | undefined) =>
    new Peer()
      .command({ type: "publish", payloads: ["a"], priority })
      .pass(0)
      .sentOf("gossip")[0]!.statement;

  test("is signed with the message", () => {
    const { priority, ...rest } = statementOf(7);
    expect(priority).toBe(7);
    const forged = { ...signedBy(1, rest), type: "gossip", statement: { ...rest, priority: 8 } } as Gossip;
    expect(new Peer().hearsFrom(2, forged).broadcast.counters.forged).toBe(1);
  });

  test("of 0 is none: the same message, the same bytes", () => {
    expect(statementOf(0)).toEqual(statementOf(undefined));
    expect(statementOf(0)).not.toHaveProperty("priority");
  });

  test.each([-1, 256, 1.5, Number.NaN])(
    "of %d is the caller's mistake, and nothing is published",
    (priority) => {
      const peer = new Peer();
      const publish = () => peer.command({ type: "publish", payloads: ["a"], priority });
      expect(publish).toThrow(`priority: ${priority} is not an integer between 0 and 255`);
      expect(peer.pass(0).effects).toEqual([]);
    },
  );
});

describe("without repairs", () => {
  test("nothing is compared: not on a new link, not after a broken one, not in time", () => {
    const peer = new Peer({ options: { repairs: false } }).publishes("hello").clear();
    peer.hear({ type: "neighbor-up", neighbor: 3, incarnation: 1 } as Typed);
    peer.command({ type: "link-lost", neighbor: 2 }).pass(200_000);
    expect(peer.sent()).toEqual([]);
  });

  test("what is old is forgotten all the same", () => {
    const options = { repairs: false, retainMs: 5000, repairIntervalMs: 1000 };
    const peer = new Peer({ options }).publishes("hello").pass(7000);
    expect(peer.broadcast.retainedCount).toBe(0);
  });
});

describe("anti-entropy alone", () => {
  const alone = { method: "anti-entropy", roundMs: 100 } as const;

  test("compares with a random neighbor in every round, and sends nothing unasked", () => {
    const peer = new Peer({ options: alone }).publishes("hello").pass(10_000);
    expect(peer.told).toEqual([]);
    expect(peer.sentOf("summary").length).toBeGreaterThanOrEqual(99);
    expect(new Set(peer.sentOf("summary").map(({ to }) => to))).toEqual(new Set([2, 3]));
  });

  test("reaches everybody on any connected graph, each once", () => {
    fc.assert(
      fc.property(connectedGraph, fc.nat(), (graph, seed) => {
        const world = new BroadcastWorld(seed);
        for (let node = 0; node < graph.size; node++) world.addBroadcast(node, { options: alone });
        for (const [a, b] of graph.links) world.link(a, b);
        world.runUntil(1000);
        for (let node = 0; node < graph.size; node++) world.publish(node, `of ${node}`);
        world.runUntil(60_000);
        for (let node = 0; node < graph.size; node++) {
          const others = range(0, graph.size - 1).filter((other) => other !== node);
          expect(world.deliveredAt(node).toSorted()).toEqual(others.map((i) => `of ${i}`).toSorted());
        }
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  test("ignores calls: it spreads in no rounds", () => {
    const peer = new Peer({ options: alone }).publishes("hello").clear();
    peer.receive(2, { type: "call", round: 1, offers: [], asks: true });
    peer.receive(2, { type: "answer", round: 1, wanted: [], known: [], offers: [] });
    peer.receive(2, { type: "feedback", round: 1, wanted: [], known: [] });
    peer.receive(2, { type: "busy", round: 1 });
    expect(peer.effects).toEqual([]);
  });
});

describe("rumor mongering", () => {
  const rumor = { method: "rumor", repairs: false } as const;

  test("says how many messages are hot, and how many may be", () => {
    const peer = new Peer({ options: { ...rumor, maxHot: 3 } });
    expect([peer.broadcast.hotCount, peer.broadcast.maxHotCount]).toEqual([0, 3]);
    peer.publishes("a").publishes("b").publishes("c").publishes("d");
    expect(peer.broadcast.hotCount).toBe(3);
    expect(new Peer().broadcast.maxHotCount).toBe(Number.POSITIVE_INFINITY);
  });

  test("sends a payload to whoever asks for it, once, and never back", () => {
    const peer = new Peer({ options: { ...rumor, mode: "push" } }).hearsFrom(2, gossipOf(7));
    expect(peer.told).toEqual([]);
    peer.passUntil(() => peer.sentOf("call").length > 0);
    const { to, round, offers } = peer.onlySent("call");
    expect(offers).toMatchObject([{ origin: 7, incarnation: 1, sequence: 0 }]);
    const wanted = [{ origin: 7, incarnation: 1, sequence: 0 }];
    peer.receive(to, { type: "answer", round, wanted, known: [], offers: [] });
    expect(peer.told).toEqual([to]);
    expect(peer.noticesOf("forwarded")).toMatchObject([{ origin: 7, count: 1, to: [to] }]);
  });

  test("of a call counts who was called, not who claims so", () => {
    const peer = new Peer({ options: { ...rumor, mode: "push" } }).publishes("hello");
    peer.passUntil(() => peer.sentOf("call").length > 0);
    const { to, round } = peer.onlySent("call");
    const wanted = [{ origin: 1, incarnation: 1, sequence: 0 }];
    peer.receive(5 - (to as number), { type: "answer", round, wanted, known: [], offers: [] });
    expect(peer.told).toEqual([]);
    expect(peer.broadcast.counters.unexpected).toBe(1);
  });
});
