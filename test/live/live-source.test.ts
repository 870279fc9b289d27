import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { LiveSource, type LiveSourceConfig } from "../../dashboard/src/sources/live-source.ts";
import type { SourceListener, SourceState } from "../../dashboard/src/sources/source.ts";
import type { TraceEvent } from "../../src/core/index.ts";
import {
  type ControlApi,
  type ControlApiConfig,
  createIdentity,
  GrapevineNode,
  startControlApi,
} from "../../src/node/index.ts";
import type { FeedHello, FeedSampling, FeedTotals } from "../../src/trace/feed.ts";

/** Remembers what a source tells. */
class Heard implements SourceListener {
  readonly states: SourceState[] = [];
  readonly hellos: FeedHello[] = [];
  readonly events: TraceEvent[] = [];
  readonly totals: FeedTotals[] = [];
  readonly samplings: FeedSampling[] = [];
  batches = 0;
  onState(state: SourceState): void {
    this.states.push(state);
  }
  onHello(hello: FeedHello): void {
    this.hellos.push(hello);
  }
  onEvents(events: readonly TraceEvent[]): void {
    this.batches++;
    this.events.push(...events);
  }
  onTotals(totals: FeedTotals): void {
    this.totals.push(totals);
  }
  onSampling(sampling: FeedSampling): void {
    this.samplings.push(sampling);
  }
  get stateNames(): string[] {
    return this.states.map(({ type }) => type);
  }
}

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function listen(config: LiveSourceConfig): { source: LiveSource; heard: Heard } {
  const source = new LiveSource(config);
  const heard = new Heard();
  source.start(heard);
  open.push(() => source.close());
  return { source, heard };
}

const eventually = (claim: () => void) => vi.waitFor(claim, { timeout: 20_000, interval: 20 });

describe("on a real control API", () => {
  async function startNode(role: "seed" | "peer", name: string, seeds: { host: string; port: number }[]) {
    const node = await GrapevineNode.start({
      role,
      name,
      identity: createIdentity(),
      security: { type: "plaintext" },
      listen: { host: "127.0.0.1", port: 0 },
      seeds,
      options: { source: { messages: 0 } },
    });
    open.push(() => node.kill());
    return node;
  }

  async function startApi(nodes: readonly GrapevineNode[], config: Partial<ControlApiConfig> = {}) {
    const api: ControlApi = await startControlApi({ port: 0, nodes: () => nodes, ...config });
    open.push(() => api.close());
    return api;
  }

  test("the network is there at once, and what happens follows", async () => {
    const seed = await startNode("seed", "seed-1", []);
    const { host, port } = { host: "127.0.0.1", port: Number(String(seed.contact).split(":").at(-1)) };
    const peer = await startNode("peer", "peer-1", [{ host, port }]);
    const api = await startApi([seed, peer]);
    const { source, heard } = listen({ url: api.url });
    await eventually(() => expect(heard.totals.length).toBeGreaterThan(0));
    expect(heard.stateNames).toEqual(["connecting", "open"]);
    expect(heard.hellos[0]).toMatchObject({ world: "live", about: { profile: "classic" } });
    const pictured = heard.events.filter(({ type }) => type === "pictured");
    expect(pictured.map((event) => event["name"])).toEqual(["seed-1", "peer-1"]);
    expect(heard.totals[0]).toMatchObject({ peers: 1, seeds: 1 });

    await peer.publish("something new");
    await eventually(() =>
      expect(heard.events.find(({ type }) => type === "published")).toMatchObject({
        node: peer.contact,
        payload: "something new",
      }),
    );
    expect(source.skipped).toBe(0);

    expect(await source.details(peer.contact)).toMatchObject({
      name: "peer-1",
      messages: [{ text: "something new" }],
      counters: { "broadcast.published": 1 },
    });
    expect(await source.details("peer-77")).toBeUndefined();
    await expect(source.act({ do: "crash", node: "peer-1" })).rejects.toThrow("this process cannot do that");
  });

  test("without the token the page is asked for it, and with it all is well", async () => {
    const api = await startApi([], { token: "open sesame" });
    const { source, heard } = listen({ url: api.url });
    await eventually(() => expect(heard.stateNames).toEqual(["connecting", "needs-token"]));
    source.authorize("open sesame");
    await eventually(() => expect(heard.hellos).toHaveLength(1));
    expect(heard.stateNames).toEqual(["connecting", "needs-token", "connecting", "open"]);
  });

  test("a server that was away is found again by itself, and the network begins anew", async () => {
    const api = await startApi([]);
    const { heard } = listen({ url: api.url });
    await eventually(() => expect(heard.hellos).toHaveLength(1));
    await api.close();
    await eventually(() => expect(heard.stateNames).toContain("lost"));
    const lost = heard.states.find((state) => state.type === "lost");
    expect(lost).toMatchObject({ why: expect.stringContaining("127.0.0.1"), retryAt: expect.any(Number) });
    await startApi([], { port: Number(new URL(api.url).port) });
    await eventually(() => expect(heard.hellos).toHaveLength(2));
    expect(heard.stateNames.at(-1)).toBe("open");
  });
});

describe("on a server that the test makes", () => {
  async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
    const server: Server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    open.push(
      () =>
        new Promise((resolve) => {
          server.close(resolve);
          server.closeAllConnections();
        }),
    );
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const hello: FeedHello = {
    world: "live",
    at: 5,
    startedAt: 1,
    hands: [],
    about: { profile: "classic", options: {} },
  };
  const say = (data: unknown, event?: string) =>
    `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;

  test("what is no word of a feed is passed over and counted", async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(say({ at: 1, node: "a", layer: "b", type: "before the hello" }));
      response.write(say({ ...hello, about: 7 }, "hello"));
      response.write(say(hello, "hello"));
      response.write("data: {half of it\n\n");
      response.write(say({ at: "noon", node: "a", layer: "b", type: "c" }));
      response.write(say({ at: 6 }, "totals"));
      response.write(say({ at: 6, messagesFollowed: 1, messagesLeftOut: 2, eventsLeftOut: [] }, "sampling"));
      response.write(say({ at: 7, node: "a", layer: "b", type: "good" }));
    });
    const { source, heard } = listen({ url });
    await eventually(() => expect(heard.events).toHaveLength(1));
    expect(heard.events[0]).toMatchObject({ type: "good" });
    expect(heard.hellos).toEqual([hello]);
    expect(heard.totals).toEqual([]);
    expect(source.skipped).toBe(6);
  });

  test("many events come to the page together, and before what was said after them", async () => {
    const order: string[] = [];
    const url = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(say(hello, "hello"));
      for (let at = 0; at < 5000; at++) response.write(say({ at, node: "a", layer: "b", type: "c" }));
      const sampling = { at: 9, messagesFollowed: 1, messagesLeftOut: 2, eventsLeftOut: {} };
      response.write(say(sampling, "sampling"));
    });
    const source = new LiveSource({ url });
    open.push(() => source.close());
    source.start({
      onState: () => {},
      onHello: () => order.push("hello"),
      onEvents: (events) => order.push(...events.map(({ at }) => String(at))),
      onTotals: () => {},
      onSampling: () => order.push("sampling"),
    });
    await eventually(() => expect(order).toContain("sampling"));
    expect(order).toEqual(["hello", ...Array.from({ length: 5000 }, (_, i) => String(i)), "sampling"]);
  });

  test("who is refused is told why, and does not ask again", async () => {
    let asked = 0;
    const url = await serve((_request, response) => {
      asked++;
      response.writeHead(403, { "content-type": "application/json" });
      response.end('{"error":"pages of elsewhere may not use this API"}');
    });
    const { heard } = listen({ url });
    await eventually(() => expect(heard.stateNames).toEqual(["connecting", "ended"]));
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(asked).toBe(1);
    expect(heard.states.at(-1)).toEqual({ type: "ended", why: "pages of elsewhere may not use this API" });
  });

  test("between attempts it waits longer each time", async () => {
    const url = await serve((_request, response) => response.writeHead(503).end());
    const { heard } = listen({ url });
    const waits = () => heard.states.flatMap((state) => (state.type === "lost" ? [state.retryAt] : []));
    await eventually(() => expect(waits()).toHaveLength(3));
    const [first, second, third] = waits() as [number, number, number];
    expect(second - first).toBeGreaterThanOrEqual(990);
    expect(third - second).toBeGreaterThanOrEqual(1990);
  });
});
