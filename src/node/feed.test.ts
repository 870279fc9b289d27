import { type ClientRequest, request } from "node:http";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { TraceEvent, Typed } from "../core/index.ts";
import { NetworkPicture } from "../trace/index.ts";
import { NodeRegister } from "../trace/node-register.ts";
import { type ControlApiConfig, startControlApi } from "./control-api.ts";
import { createIdentity } from "./identity.ts";
import { LayerTraffic } from "./layer-traffic.ts";
import { LookupCounts } from "./lookup-counts.ts";
import { GrapevineNode, type NodeOptions, type NoticeListener } from "./node.ts";

interface Told {
  readonly event: string;
  readonly data: any;
}

/** Somebody who reads the feed, all of it or as slowly as the test likes. */
class Reader {
  readonly status: Promise<number>;
  readonly told: Told[] = [];
  readonly #request: ClientRequest;
  #text = "";
  #pause: () => void = () => {};
  #resume: () => void = () => {};

  constructor(url: string) {
    this.#request = request(`${url}/v1/feed`);
    this.status = new Promise((resolve, reject) => {
      this.#request.on("error", reject);
      this.#request.on("response", (response) => {
        response.setEncoding("utf8");
        response.on("data", (text) => this.#read(text));
        response.on("error", () => {});
        this.#pause = () => response.pause();
        this.#resume = () => response.resume();
        resolve(response.statusCode!);
      });
    });
    this.status.catch(() => {});
    this.#request.end();
    closers.push(() => this.#request.destroy());
  }

  pause(): void {
    this.#pause();
  }
  resume(): void {
    this.#resume();
  }

  all(event: string): any[] {
    return this.told.filter((one) => one.event === event).map(({ data }) => data);
  }
  get events(): TraceEvent[] {
    return this.all("message");
  }
  ofType(type: string): TraceEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  #read(text: string): void {
    const parts = (this.#text + text).split("\n\n");
    this.#text = parts.pop()!;
    for (const part of parts) {
      const [, event = "message", data] = /^(?:event: (.*)\n)?data: (.*)$/.exec(part) ?? [];
      if (data !== undefined) this.told.push({ event, data: JSON.parse(data) });
    }
  }
}

const closers: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0).reverse()) await close();
});

async function startApi(nodes: readonly unknown[], config: Partial<ControlApiConfig> = {}): Promise<string> {
  const api = await startControlApi({ port: 0, nodes: () => nodes as GrapevineNode[], ...config });
  closers.push(() => api.close());
  return api.url;
}

const eventually = (claim: () => void) => vi.waitFor(claim, { timeout: 20_000, interval: 20 });

function pictureOf(reader: Reader): NetworkPicture {
  const picture = new NetworkPicture(new NodeRegister());
  for (const event of reader.events) picture.apply(event);
  return picture;
}

describe("on real nodes", () => {
  async function startNode(
    role: "seed" | "peer",
    name: string,
    seeds: { host: string; port: number }[],
    options: NodeOptions = {},
  ) {
    const node = await GrapevineNode.start({
      role,
      name,
      identity: createIdentity(),
      security: { type: "plaintext" },
      listen: { host: "127.0.0.1", port: 0 },
      seeds,
      options: { source: { messages: 0 }, heartbeat: { pingIntervalMs: 1000 }, ...options },
    });
    closers.push(() => node.kill());
    return node;
  }

  async function startNetwork() {
    const seed = await startNode("seed", "seed-1", []);
    const seeds = [{ host: "127.0.0.1", port: Number(String(seed.contact).split(":").at(-1)) }];
    const one = await startNode("peer", "peer-1", seeds);
    const two = await startNode("peer", "peer-2", seeds);
    await eventually(() => {
      expect(one.neighbors().length + two.neighbors().length).toBe(2);
      expect(seed.members()).toHaveLength(2);
    });
    return { nodes: [seed, one, two], seeds, one, two };
  }

  test("of a modern network it is told what that profile sets, and what somebody set otherwise", async () => {
    const stack = { profile: "modern" } as const;
    const seed = await startNode("seed", "seed-1", [], { stack, broadcast: { repairIntervalMs: 5000 } });
    const reader = new Reader(await startApi([seed]));
    await eventually(() => expect(reader.all("hello")).toHaveLength(1));
    expect(reader.all("hello")[0]).toMatchObject({
      about: { profile: "modern", options: { broadcast: { method: "plumtree", repairIntervalMs: 5000 } } },
    });
  });

  test("who watches before there is a node is told what it will be", async () => {
    const nodeOptions = { stack: { profile: "modern" }, swim: { probeIntervalMs: 250 } } as const;
    const reader = new Reader(await startApi([], { nodeOptions }));
    await eventually(() => expect(reader.all("hello")).toHaveLength(1));
    expect(reader.all("hello")[0]).toMatchObject({
      about: { profile: "modern", options: { swim: { probeIntervalMs: 250 } } },
    });
  });

  test("who begins to watch is told what this is and how the network stands, then what happens", async () => {
    const { nodes, one, two } = await startNetwork();
    const reader = new Reader(await startApi(nodes));
    await eventually(() => expect(reader.all("totals")).not.toHaveLength(0));
    expect(reader.told[0]).toMatchObject({
      event: "hello",
      data: {
        world: "live",
        hands: [],
        startedAt: nodes[0]!.startedAt,
        about: {
          profile: "classic",
          options: { heartbeat: { pingIntervalMs: 1000 }, broadcast: { method: "flood" } },
        },
      },
    });
    const picture = pictureOf(reader);
    expect([...picture.nodes.values()].map(({ name, role, state }) => ({ name, role, state }))).toEqual([
      { name: "seed-1", role: "seed", state: "alive" },
      { name: "peer-1", role: "peer", state: "alive" },
      { name: "peer-2", role: "peer", state: "alive" },
    ]);
    expect([...picture.links()]).toEqual([
      [picture.find(one.contact)!.row, picture.find(two.contact)!.row].sort(),
    ]);
    expect(picture.find(nodes[0]!.contact)!.list.size).toBe(2);
    expect(reader.ofType("published")).toEqual([]);

    await one.publish("hello");
    await eventually(() => expect(reader.ofType("delivered")).toHaveLength(1));
    expect(reader.ofType("delivered")[0]).toMatchObject({ node: two.contact, payload: "hello" });
    await eventually(() => expect(reader.all("totals").at(-1)).toMatchObject({ published: 1, delivered: 1 }));
    const totals = reader.all("totals");
    expect(totals.at(-1)).toMatchObject({ peers: 2, seeds: 1, stopped: 0, duplicates: 0, copiesSent: 1 });
    expect(totals.at(-1).sentBytes.broadcast).toBeGreaterThan(0);
    expect(totals.reduce((sum, { latencyMs }) => sum + latencyMs.count, 0)).toBe(1);

    await two.kill();
    await eventually(() => expect(pictureOf(reader).find(two.contact)!.state).toBe("dead"));
  });

  test("a node that comes later is there, though what it said at first was not heard", async () => {
    const { nodes, seeds } = await startNetwork();
    const reader = new Reader(await startApi(nodes));
    await eventually(() => expect(reader.ofType("pictured")).toHaveLength(3));
    const three = await startNode("peer", "peer-3", seeds);
    await eventually(() => expect(three.neighbors()).not.toHaveLength(0));
    nodes.push(three);
    await eventually(() => expect(pictureOf(reader).find(three.contact)?.name).toBe("peer-3"));
    expect(pictureOf(reader).find(three.contact)!.neighbors.size).toBeGreaterThan(0);
  });

  test("who comes late is told what happened before, where that is kept", async () => {
    const { nodes, one } = await startNetwork();
    const [kept, lazy] = [await startApi(nodes, { recordsFromStart: true }), await startApi(nodes)];
    await one.publish("long ago");
    await eventually(() => expect(one.peer!.broadcast.counters.sends).toBe(1));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const [early, late] = [new Reader(kept), new Reader(lazy)];
    await eventually(() => {
      expect(early.all("totals")).not.toHaveLength(0);
      expect(late.all("totals")).not.toHaveLength(0);
    });
    expect(early.ofType("published")).toMatchObject([{ payload: "long ago" }]);
    expect(early.ofType("delivered")).toHaveLength(1);
    expect(late.ofType("published")).toEqual([]);
    expect(pictureOf(late).find(one.contact)!.published).toBe(1);
  });

  test("details are those of the node that was asked for", async () => {
    const { nodes, one, two } = await startNetwork();
    const url = await startApi(nodes, { logTail: async (node) => [`a line of ${node.name}`] });
    await one.publish(new Uint8Array(3));
    await one.publish("x".repeat(1000));
    await eventually(() => expect(two.peer!.broadcast.retainedCount).toBe(2));
    const details: any = await (
      await fetch(`${url}/v1/nodes/${encodeURIComponent(two.contact)}/details`)
    ).json();
    const identity = String(one.contact).split("@")[0];
    expect(details).toMatchObject({
      name: "peer-2",
      neighbors: [{ peer: one.contact }],
      members: [one.contact],
      counters: { "broadcast.delivered": 2, "links.dialFailures": 0 },
      log: ["a line of peer-2"],
    });
    expect(details.messages).toEqual([
      {
        key: expect.stringMatching(`^${identity}\\.\\d+\\.1$`),
        at: expect.any(Number),
        text: `${"x".repeat(255)}…`,
      },
      { key: expect.stringMatching(`^${identity}\\.\\d+\\.0$`), at: expect.any(Number) },
    ]);
    const names = details.timers.map((timer: { name: string }) => timer.name);
    expect(names).toContain("heartbeat ping");
    expect(details.timers.map((timer: { inMs: number }) => timer.inMs)).toEqual(
      details.timers.map((timer: { inMs: number }) => timer.inMs).toSorted((a: number, b: number) => a - b),
    );
  });
});

/** A node that does nothing but announce what the test says. */
class FakeNode {
  readonly name = "peer-1";
  readonly role = "peer";
  readonly contact = "abc@127.0.0.1:9001";
  readonly startedAt = Date.now();
  readonly links = { queuedBytes: 0, counters: {}, traffic: new LayerTraffic(), drops: {} };
  readonly lookupCounts = new LookupCounts();
  readonly options = {};
  readonly isRunning = true;
  readonly listeners = new Set<NoticeListener>();
  #sequence = 0;

  onNotice(listener: NoticeListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  say(layer: string, notice: Typed & Record<string, unknown>): void {
    for (const listener of this.listeners)
      listener(Date.now(), layer, notice, this as unknown as GrapevineNode);
  }
  publish(payload = ""): number {
    const sequence = this.#sequence++;
    this.say("broadcast", { type: "published", origin: this.contact, incarnation: 1, sequence, payload });
    return sequence;
  }
}

describe("when there is too much of it", () => {
  test("messages are left out, whole ones, and that is said", async () => {
    const node = new FakeNode();
    const reader = new Reader(await startApi([node], { feedEventsPerSecond: 100 }));
    await eventually(() => expect(reader.ofType("pictured")).toHaveLength(1));
    for (let i = 0; i < 1000; i++) {
      const sequence = node.publish();
      node.say("broadcast", { type: "delivered", origin: node.contact, incarnation: 1, sequence });
    }
    await eventually(() => expect(reader.all("sampling")).toHaveLength(1));
    const [sampling] = reader.all("sampling");
    expect(sampling.messagesFollowed + sampling.messagesLeftOut).toBe(1000);
    expect(sampling.messagesFollowed).toBeLessThan(50);
    const sequences = (type: string) => reader.ofType(type).map((event) => event["sequence"]);
    expect(sequences("published")).toHaveLength(sampling.messagesFollowed);
    expect(sequences("delivered")).toEqual(sequences("published"));
  });

  test("a structure that changes too fast is told as a picture when there is room again", async () => {
    vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval"] });
    const node = new FakeNode();
    const reader = new Reader(await startApi([node], { feedEventsPerSecond: 10 }));
    await eventually(() => expect(reader.ofType("pictured")).toHaveLength(1));
    const neighbors = Array.from({ length: 500 }, (_, i) => `${"f".repeat(8)}${i}@127.0.0.1:${i}`);
    for (const neighbor of neighbors) node.say("overlay", { type: "neighbor-up", neighbor });
    vi.advanceTimersByTime(1000);
    await eventually(() => expect(reader.ofType("neighbor-up").length).toBe(120));
    expect(pictureOf(reader).find(node.contact)!.neighbors.size).toBe(120);
    vi.advanceTimersByTime(11_000);
    await eventually(() => expect(pictureOf(reader).find(node.contact)!.neighbors.size).toBe(500));
    expect(reader.all("hello")).toHaveLength(1);
    const leftOut = reader.all("sampling").reduce((sum, one) => sum + one.eventsLeftOut["neighbor-up"], 0);
    expect(leftOut).toBe(380);
  });

  test("who reads too slowly is told less, and goes on when it has caught up", async () => {
    const node = new FakeNode();
    const url = await startApi([node], { maxTraceQueueBytes: 200_000 });
    const [slow, quick] = [new Reader(url), new Reader(url)];
    await eventually(() => {
      expect(slow.ofType("pictured")).toHaveLength(1);
      expect(quick.ofType("pictured")).toHaveLength(1);
    });
    slow.pause();
    const payload = "x".repeat(60_000);
    const messages = 400;
    for (let i = 0; i < messages; i++) {
      node.publish(payload);
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await eventually(() => expect(quick.ofType("published")).toHaveLength(messages));
    expect(slow.ofType("published")).toHaveLength(0);
    slow.resume();
    await eventually(() => expect(slow.all("hello")).toHaveLength(2));
    await eventually(() => expect(slow.all("sampling")).toHaveLength(1));
    const [{ messagesLeftOut }] = slow.all("sampling");
    expect(slow.ofType("published").length + messagesLeftOut).toBe(messages);
    expect(quick.all("hello")).toHaveLength(1);
    node.publish("after");
    await eventually(() => expect(slow.events.at(-1)).toMatchObject({ payload: "after" }));
  });

  test("the last thing that happens is told before the end", async () => {
    const node = new FakeNode();
    const api = await startControlApi({ port: 0, nodes: () => [node as unknown as GrapevineNode] });
    const reader = new Reader(api.url);
    await eventually(() => expect(reader.ofType("pictured")).toHaveLength(1));
    node.publish("famous last words");
    await api.close();
    await eventually(() => expect(reader.told.at(-1)).toMatchObject({ event: "end" }));
    expect(reader.ofType("published")).toMatchObject([{ payload: "famous last words" }]);
  });

  test("no more than so many may watch", async () => {
    const url = await startApi([new FakeNode()], { maxTraceClients: 1 });
    const first = new Reader(url);
    expect(await first.status).toBe(200);
    expect(await new Reader(url).status).toBe(503);
  });
});

test("what is done to the network is told with what happens in it", async () => {
  let tell: (event: TraceEvent) => void = () => {};
  const hands: ControlApiConfig["hands"] = {
    actions: ["heal"],
    perform: async () => ({ nodes: [] }),
    onEvent: (listener) => {
      tell = listener;
      return () => {};
    },
  };
  const reader = new Reader(await startApi([new FakeNode()], { hands }));
  await eventually(() => expect(reader.all("hello")).toMatchObject([{ hands: ["heal"] }]));
  tell({ at: 7, node: "", layer: "scenario", type: "partitioned", sizes: [1, 2] });
  await eventually(() => expect(reader.events.at(-1)).toMatchObject({ type: "partitioned", sizes: [1, 2] }));
});
