import { describe, expect, test } from "vitest";
import {
  compareUp,
  type Environment,
  type Key,
  type KeyedNode,
  keyOfName,
  type Lookup,
  type NodeId,
  type RouterCommand,
  type RoutingProtocol,
  Stack,
  seededRandom,
  type Typed,
} from "../../core/index.ts";
import { churnEvents } from "../../simulator/index.ts";
import { LookupNetwork, type LookupNetworkConfig, type Place } from "./lookup-network.ts";

type Message = Typed & { readonly request?: number; readonly nodes?: readonly NodeId[] };

/** Knows everybody: whoever joins is told of all others, and tells all others. A lookup asks the owner whether it is there. */
class OneHop implements RoutingProtocol<Message, Typed & { readonly request: number }> {
  readonly self: KeyedNode;
  readonly #place: Place;
  readonly #known = new Map<NodeId, KeyedNode>();
  readonly #asked = new Map<number, { readonly command: Lookup; readonly owner: KeyedNode; at: number }>();

  constructor(place: Place) {
    this.#place = place;
    this.self = place.self;
    for (const node of (place.restored ?? []) as readonly NodeId[]) this.#learn(node);
  }

  get hasJoined() {
    return this.#known.size > 0;
  }
  get size() {
    return this.#known.size;
  }
  compare(key: Key, a: Key, b: Key) {
    return compareUp(key, a, b);
  }
  contacts() {
    return [...this.#known.values()];
  }
  replicas(key: Key, count: number) {
    const all = [this.self, ...this.contacts()].sort((a, b) => compareUp(key, a.key, b.key));
    return all.slice(0, count);
  }

  start(env: Environment<Message, Typed, Typed>) {
    for (const node of this.#place.bootstrap) env.send(node, { type: "hello" });
  }
  onCommand(command: RouterCommand, env: Environment<Message, Typed & { request: number }, any>) {
    if (command.type === "leave") for (const { node } of this.contacts()) env.send(node, { type: "bye" });
    if (command.type !== "lookup") return;
    const [owner] = this.replicas(command.key, 1) as [KeyedNode];
    this.#asked.set(command.request, { command, owner, at: env.now });
    if (owner === this.self) return this.#end(command.request, env);
    env.send(owner.node, { type: "ping", request: command.request });
    env.schedule(1000, { type: "silent", request: command.request });
  }
  onMessage(from: NodeId, message: Message, env: Environment<Message, Typed, any>) {
    if (message.type === "hello") {
      env.send(from, { type: "welcome", nodes: [...this.#known.keys()] });
      this.#learn(from, env);
    } else if (message.type === "welcome") {
      for (const node of message.nodes!)
        if (!this.#known.has(node) && node !== env.self) env.send(node, { type: "hello" });
      this.#learn(from, env);
    } else if (message.type === "bye") this.#known.delete(from);
    else if (message.type === "ping") env.send(from, { type: "pong", request: message.request! });
    else if (message.type === "pong") this.#end(message.request!, env);
  }
  onTimer(timer: { readonly request: number }, env: Environment<Message, any, any>) {
    const asked = this.#asked.get(timer.request);
    if (asked === undefined) return;
    this.#known.delete(asked.owner.node);
    this.onCommand(asked.command, env);
  }

  #learn(node: NodeId, env?: Environment<any, any, any>) {
    this.#known.set(node, this.#place.keyedNode(node));
    env?.notify({ type: "persist", key: "table", value: [...this.#known.keys()], isAwaited: false });
  }
  #end(request: number, env: Environment<any, any, any>) {
    const asked = this.#asked.get(request);
    if (asked === undefined) return;
    this.#asked.delete(request);
    const report = { key: asked.command.key, closest: [asked.owner], startedAt: asked.at, endedAt: env.now };
    env.notify({ type: "lookup-ended", request, asker: asked.command.asker, report });
  }
}

function networkOf(config: Partial<LookupNetworkConfig> & { readonly rows: number }) {
  return new LookupNetwork({
    seed: 1,
    make: (place) => new OneHop(place),
    links: { latency: { model: "constant", ms: 20 } },
    ...config,
  });
}

function joinAll(network: LookupNetwork, rows: number) {
  for (let row = 0; row < rows; row++) {
    network.start(row, row === 0 ? [] : [0]);
    network.run(200);
  }
}

const keys = Array.from({ length: 30 }, (_, i) => keyOfName(`object ${i}`));

describe("a network of lookups", () => {
  test.each([false, true])("answers with who is truly responsible (stacked: %s)", (isStacked) => {
    const make = (place: Place) => (isStacked ? new Stack({ oneHop: new OneHop(place) }) : new OneHop(place));
    const network = networkOf({ rows: 12, make });
    joinAll(network, 12);
    const asked = keys.map((key, i) => network.lookup(i % 12, key));
    expect(network.finish()).toBe(true);
    for (const { key, report } of asked)
      expect(report!.closest).toEqual(network.trueClosest(key, 1, compareUp));
    expect(network.pending).toEqual([]);
  });

  test("the dead are asked nothing and own nothing", () => {
    const network = networkOf({ rows: 12 });
    joinAll(network, 12);
    const lost = network.lookup(3, keys[0]!);
    for (const row of [3, 7]) network.crash(row);
    const unheard = network.lookup(7, keys[0]!);
    const asked = keys.map((key) => network.lookup(0, key));
    expect(network.finish()).toBe(true);
    for (const { key, report } of asked)
      expect(report!.closest).toEqual(network.trueClosest(key, 1, compareUp));
    expect([lost.report, unheard.report]).toEqual([undefined, undefined]);
    expect(network.pending).toEqual([]);
    expect(network.routerOf(3)).toBeUndefined();
  });

  test("who leaves says so, and is none of the responsible from that moment on", () => {
    const network = networkOf({ rows: 6 });
    joinAll(network, 6);
    network.leave(2);
    const own = network.keys.nodes[2]!;
    expect(network.trueClosest(own.key, 1, compareUp)).not.toContain(own);
    network.run(100);
    expect(network.simulation.isAlive(2)).toBe(false);
    expect(network.routerOf(0)!.contacts()).not.toContain(own);
  });

  test("a node finds its table on its disk, and another that has lost its disk does not", () => {
    const network = networkOf({ rows: 5, keepsDisks: true });
    joinAll(network, 5);
    for (const [row, keepsDisk] of [
      [1, true],
      [2, false],
    ] as const) {
      network.crash(row);
      network.start(row, [], keepsDisk);
      expect(network.routerOf(row)!.size, `row ${row}`).toBe(keepsDisk ? 4 : 0);
    }
  });

  test("nodes of a static network are made when something reaches them, and know their table", () => {
    const rows = 1000;
    const network = networkOf({
      rows,
      isLazy: true,
      tableOf: (row, { nodes }) => nodes.map(({ node }) => node).filter((node) => node !== row),
    });
    network.startAll();
    const asked = keys.map((key, i) => network.lookup(i, key));
    expect(network.finish()).toBe(true);
    for (const { key, report } of asked)
      expect(report!.closest).toEqual(network.trueClosest(key, 1, compareUp));
    expect(network.made).toBeLessThanOrEqual(60);
    expect(network.made).toBeGreaterThanOrEqual(30);
  });

  test("churn makes the same choices in networks of one seed, and lookups go on", () => {
    const events = churnEvents(
      { model: "poisson", joinsPerMinute: 30, meanSessionMs: 30_000, forMs: 60_000, crashShare: 0.5 },
      seededRandom(5),
    );
    const histories = [networkOf({ rows: 200 }), networkOf({ rows: 200 })].map((network) => {
      joinAll(network, 10);
      network.churn(events, { firstRow: 10 });
      const planned = keys.map((key, i) => ({ atMs: i * 2000, asker: i / keys.length, key }));
      const right: boolean[] = [];
      network.plan(planned, {
        onEnded: ({ key, report }) =>
          right.push(report!.closest[0] === network.trueClosest(key, 1, compareUp)[0]),
      });
      network.run(70_000);
      return { right, living: network.living.all(), sent: network.sent, hash: network.simulation.hash };
    });
    expect(histories[0]).toEqual(histories[1]);
    expect(histories[0]!.right.length).toBeGreaterThan(20);
    expect(histories[0]!.right.filter((one) => one).length).toBeGreaterThan(20);
    expect(histories[0]!.living.length).toBeGreaterThan(10);
    expect(histories[0]!.sent.byType.get("hello")!.messages).toBeGreaterThan(40);
  });

  test("misuse is refused with the option and the rule", () => {
    const network = networkOf({ rows: 2 });
    network.start(0);
    expect(() => network.start(0)).toThrow("row: node 0 lives already");
    const join = { atMs: 0, type: "join", session: 5 } as const;
    expect(() => network.churn([join], { firstRow: 0 })).toThrow("rows: 2 are not enough");
    expect(() => networkOf({ rows: 1, isWireTrue: true }).start(0)).toThrow("make: on the wire");
  });
});
