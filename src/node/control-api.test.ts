import { type IncomingHttpHeaders, request, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Typed, UsageError } from "../core/index.ts";
import { type ControlApi, type ControlApiConfig, controlApiOptions, startControlApi } from "./control-api.ts";
import type { Hands } from "./hands.ts";
import { createIdentity } from "./identity.ts";
import { LayerTraffic } from "./layer-traffic.ts";
import { LookupCounts } from "./lookup-counts.ts";
import { GrapevineNode, type NoticeListener } from "./node.ts";
import { TraceFeed } from "./trace-feed.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: any;
}

/** Plain HTTP, since `fetch` does not let one lie about the host. */
function ask(
  url: string,
  path: string,
  { method = "GET", headers = {}, body }: AskOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url + path, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => {
        const isJson = response.headers["content-type"]?.startsWith("application/json") === true;
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          text,
          json: isJson ? JSON.parse(text) : undefined,
        });
      });
      response.on("error", reject);
    });
    outgoing.on("error", reject);
    for (const part of [body ?? []].flat()) outgoing.write(part);
    outgoing.end();
  });
}
interface AskOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | readonly string[];
}

const jsonType = { "content-type": "application/json" };
function post(
  url: string,
  path: string,
  value: unknown = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(url, path, {
    method: "POST",
    headers: { ...jsonType, ...headers },
    body: JSON.stringify(value),
  });
}

/** A node that does nothing but announce what the test says. */
class FakeNode {
  readonly name: string;
  readonly role = "peer";
  readonly contact: string;
  readonly startedAt = Date.now();
  readonly links = {
    linkCount: 0,
    queuedBytes: 0,
    strangerCount: 0,
    counters: {},
    traffic: new LayerTraffic(),
    drops: {},
  };
  readonly lookupCounts = new LookupCounts();
  readonly peer = undefined;
  readonly seed = undefined;
  isRunning = true;
  readonly listeners = new Set<NoticeListener>();

  constructor(name: string, port: number) {
    this.name = name;
    this.contact = `${String(port).repeat(10)}@127.0.0.1:${port}`;
  }
  onNotice(listener: NoticeListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  say(notice: Typed & Record<string, unknown>, at = 1): void {
    for (const listener of this.listeners)
      listener(at, "broadcast", notice, this as unknown as GrapevineNode);
  }
}

let apis: ControlApi[] = [];
let logged: string[] = [];
async function start(nodes: readonly unknown[], config: Partial<ControlApiConfig> = {}): Promise<string> {
  const api = await startControlApi({
    port: 0,
    nodes: () => nodes as GrapevineNode[],
    log: (text) => logged.push(text),
    ...config,
  });
  apis.push(api);
  return api.url;
}
beforeEach(() => {
  apis = [];
  logged = [];
});
afterEach(async () => {
  await Promise.all(apis.map((api) => api.close()));
});

describe("who may ask", () => {
  test("another host than loopback needs a token, and the error says so", async () => {
    await expect(start([], { host: "0.0.0.0" })).rejects.toThrow(UsageError);
    await expect(start([], { host: "0.0.0.0" })).rejects.toThrow("pass a token");
    await expect(start([], { host: "0.0.0.0", token: "" })).rejects.toThrow("pass a token");
  });

  test("with a token, only who has it", async () => {
    const url = await start([], { token: "correct horse" });
    const missing = await ask(url, "/v1/status");
    expect(missing.status).toBe(401);
    expect(missing.json.error).toContain("Authorization: Bearer");
    for (const authorization of [
      "Bearer wrong",
      "Bearer correct horse2",
      "correct horse",
      "Basic correct horse",
      "Bearer ",
    ]) {
      expect((await ask(url, "/v1/status", { headers: { authorization } })).status).toBe(401);
    }
    for (const authorization of ["Bearer correct horse", "bearer correct horse"]) {
      expect((await ask(url, "/v1/status", { headers: { authorization } })).status).toBe(200);
    }
  });

  test("a name that somebody points at this machine is refused: DNS rebinding", async () => {
    const url = await start([]);
    const { port } = new URL(url);
    for (const host of [
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1.evil.example",
      "192.168.1.7",
      "localhost.evil",
    ]) {
      expect((await ask(url, "/v1/status", { headers: { host } })).status, host).toBeGreaterThanOrEqual(400);
    }
    for (const host of [`127.0.0.1:${port}`, "localhost", `LOCALHOST:${port}`, "[::1]:80", "127.1.2.3"]) {
      expect((await ask(url, "/v1/status", { headers: { host } })).status, host).toBe(200);
    }
  });

  test("listening on all addresses, every address is ours and a name only if it is allowed", async () => {
    const url = await start([], {
      host: "0.0.0.0",
      token: "correct horse",
      allowedHosts: ["monitor.example"],
    });
    const authorization = "Bearer correct horse";
    for (const [host, status] of [
      ["192.168.1.7:9000", 200],
      ["[fe80::1]", 200],
      ["monitor.example", 200],
      ["evil.example", 403],
    ] as const) {
      expect((await ask(url, "/v1/status", { headers: { host, authorization } })).status, host).toBe(status);
    }
  });

  test("a web page of another origin is refused, and nobody grants it anything", async () => {
    const url = await start([new FakeNode("peer-1", 9001)]);
    const origin = { origin: "https://evil.example" };
    expect((await ask(url, "/v1/status", { headers: origin })).status).toBe(403);
    expect((await ask(url, "/v1/trace", { headers: origin })).status).toBe(403);
    expect((await post(url, "/v1/nodes/-/leave", {}, origin)).status).toBe(403);
    expect((await post(url, "/v1/nodes/-/leave", {}, { origin: "null" })).status).toBe(403);
    const preflight = await ask(url, "/v1/nodes/-/leave", { method: "OPTIONS", headers: origin });
    expect(preflight.status).toBe(403);
    expect(preflight.headers["access-control-allow-origin"]).toBeUndefined();
    expect((await ask(url, "/v1/status", { headers: { origin: url } })).status).toBe(200);
  });

  test("a page of another port of this machine is another origin", async () => {
    const url = await start([new FakeNode("peer-1", 9001)]);
    const port = Number(new URL(url).port);
    for (const origin of [`http://127.0.0.1:${port + 1}`, `http://localhost:${port}`, "http://127.0.0.1"])
      expect((await ask(url, "/v1/status", { headers: { origin } })).status, origin).toBe(403);
  });

  test("a browser that says whose page asks is believed, whatever is asked for", async () => {
    const url = await start([new FakeNode("peer-1", 9001)]);
    const asked = (path: string, site: string, more = {}) =>
      ask(url, path, { headers: { "sec-fetch-site": site, ...more } }).then(({ status }) => status);
    for (const path of ["/v1/status", "/v1/trace", "/metrics", "/v1/nodes/-/members"]) {
      expect(await asked(path, "cross-site"), path).toBe(403);
      expect(await asked(path, "same-site"), path).toBe(403);
    }
    expect(await asked("/v1/status", "same-origin")).toBe(200);
    expect(await asked("/v1/status", "none")).toBe(200);
    // Following a link to our page is no attack; to an answer of the API it is none of the page's business.
    const visit = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
    expect(await asked("/", "cross-site", visit)).not.toBe(403);
    expect(await asked("/v1/status", "cross-site", visit)).toBe(403);
    expect(await asked("/", "cross-site", { ...visit, "sec-fetch-dest": "iframe" })).toBe(403);
  });

  test("beyond loopback only looking is allowed, and the error names the option that allows more", async () => {
    const token = "correct horse";
    const authorization = `Bearer ${token}`;
    const nodes = [new FakeNode("peer-1", 9001)];
    const shut = await start(nodes, { host: "0.0.0.0", token });
    for (const path of ["/v1/nodes/-/kill", "/v1/nodes/-/publish", "/v1/actions"]) {
      const answer = await post(shut, path, {}, { authorization });
      expect(answer.status, path).toBe(403);
      expect(answer.json.error, path).toContain("--api-writable");
    }
    const status = await ask(shut, "/v1/status", { headers: { authorization } });
    expect(status.json).toMatchObject({ hands: [], readOnly: expect.stringContaining("--api-writable") });
    const open = await start(nodes, { host: "0.0.0.0", token, isWritable: true });
    expect((await post(open, "/v1/nodes/-/publish", {}, { authorization })).status).toBe(400);
    expect((await ask(open, "/v1/status", { headers: { authorization } })).json.readOnly).toBeUndefined();
  });

  test("a form cannot post: the content type must be JSON", async () => {
    const url = await start([new FakeNode("peer-1", 9001)]);
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/jsonp",
    ]) {
      const answer = await ask(url, "/v1/nodes/-/kill", {
        method: "POST",
        headers: { "content-type": type },
        body: "{}",
      });
      expect(answer.status).toBe(415);
      expect(answer.json.error).toContain("application/json");
    }
    expect((await ask(url, "/v1/nodes/-/kill", { method: "POST" })).status).toBe(415);
  });
});

describe("errors name the mend", () => {
  test("an unknown route lists the routes", async () => {
    const url = await start([]);
    const answer = await ask(url, "/v2/status");
    expect(answer.status).toBe(404);
    expect(answer.json.error).toBe("there is no GET /v2/status");
    expect(answer.json.routes).toContain("POST /v1/nodes/:name/publish");
    expect(answer.json.routes).not.toContain("POST /v1/shutdown");
    expect((await ask(url, "/v1/status", { method: "DELETE" })).status).toBe(404);
  });

  test("an unknown node lists the nodes; `-` needs to be unambiguous", async () => {
    const nodes = [new FakeNode("peer-1", 9001), new FakeNode("peer-2", 9002)];
    const url = await start(nodes);
    expect((await post(url, "/v1/nodes/peer-3/leave")).json.error).toBe(
      'there is no node "peer-3"; there are peer-1, peer-2',
    );
    expect((await post(url, "/v1/nodes/-/leave")).json.error).toContain("but there are peer-1, peer-2");
  });

  test.each([
    ["no JSON", "{text", 400, "not JSON"],
    ["nothing to publish", "{}", 400, 'either "text" or "base64"'],
    ["both", '{"text":"a","base64":"YQ=="}', 400, 'either "text" or "base64"'],
    ["an unknown field", '{"text":"a","txt":1}', 400, "txt"],
    ["another type", '{"text":1}', 400, "text:"],
    ["bad base64", '{"base64":"%%%"}', 400, "base64:"],
    ["half a character", '{"text":"\\ud800"}', 400, "surrogate"],
    ["too much", JSON.stringify({ text: "x".repeat(1024 * 1024) }), 413, "1048576 bytes"],
  ])("a bad body: %s", async (_what, body, status, why) => {
    const url = await start([new FakeNode("peer-1", 9001)]);
    const answer = await ask(url, "/v1/nodes/-/publish", { method: "POST", headers: jsonType, body });
    expect(answer.status).toBe(status);
    expect(answer.json.error).toContain(why);
  });

  test("too much in pieces, without saying how much, is refused too", async () => {
    const url = await start([new FakeNode("peer-1", 9001)]);
    const pieces = new Array(40).fill("x".repeat(64 * 1024));
    const answer = await ask(url, "/v1/nodes/-/publish", {
      method: "POST",
      headers: { ...jsonType, "transfer-encoding": "chunked" },
      body: pieces,
    }).catch((error: NodeJS.ErrnoException) => error);
    // The connection may be cut before the answer is read.
    if (answer instanceof Error) expect((answer as NodeJS.ErrnoException).code).toMatch(/ECONNRESET|EPIPE/);
    else expect(answer.status).toBe(413);
  });

  test("a port that is taken says what to do", async () => {
    const url = await start([]);
    await expect(start([], { port: Number(new URL(url).port) })).rejects.toThrow("choose another port");
  });

  test("what fails inside says nothing of it outside, and is logged", async () => {
    const broken = new FakeNode("peer-1", 9001);
    Object.assign(broken, {
      memberStates: () => undefined,
      members: () => {
        throw new Error("secret detail");
      },
    });
    const url = await start([broken]);
    const answer = await ask(url, "/v1/nodes/peer-1/members");
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain("secret detail");
    expect(logged.join()).toContain("secret detail");
  });

  test("bytes that are no HTTP do not harm", async () => {
    const url = await start([]);
    await new Promise((resolve) => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1", () =>
        socket.write("\x16\x03\x01\x00garbage\r\n\r\n"),
      );
      socket
        .on("close", resolve)
        .on("error", () => {})
        .resume();
    });
    expect((await ask(url, "/v1/status")).status).toBe(200);
  });
});

describe("the trace as it happens", () => {
  test("sends each event as trace JSON, names first, and only what was asked for", async () => {
    const [one, two] = [new FakeNode("peer-1", 9001), new FakeNode("peer-2", 9002)];
    const url = await start([one, two]);
    const all = await Following.of(url, "");
    const filtered = await Following.of(url, "?node=9002&types=delivered");
    one.say({ type: "delivered", at: 7, payload: "a\nb" }, 9);
    two.say({ type: "published", payload: new Uint8Array(3) });
    two.say({ type: "delivered", payload: "c" });
    await vi.waitFor(() => expect(all.events).toHaveLength(5));
    expect(all.events[0]).toEqual({
      at: 9,
      node: one.contact,
      layer: "trace",
      type: "named",
      name: "peer-1",
      role: "peer",
    });
    expect(all.events[1]).toEqual({
      at: 9,
      node: one.contact,
      layer: "broadcast",
      type: "delivered",
      statedAt: 7,
      payload: "a\nb",
    });
    expect(all.events.map(({ type }) => type)).toEqual([
      "named",
      "delivered",
      "named",
      "published",
      "delivered",
    ]);
    expect(all.events[3]).toMatchObject({ payloadBytes: 3 });
    await vi.waitFor(() =>
      expect(filtered.events).toEqual([
        { at: 1, node: two.contact, layer: "broadcast", type: "delivered", payload: "c" },
      ]),
    );
    expect(all.headers["content-type"]).toContain("text/event-stream");
  });

  test("an unknown node is an error, not silence", async () => {
    const url = await start([new FakeNode("peer-1", 9001)]);
    expect((await ask(url, "/v1/trace?node=nobody")).status).toBe(404);
  });

  test("nodes that join later are followed too; those that are gone are let go", async () => {
    const nodes = [new FakeNode("peer-1", 9001)];
    const url = await start(nodes);
    const following = await Following.of(url, "");
    const late = new FakeNode("peer-2", 9002);
    nodes.push(late);
    await vi.waitFor(() => expect(late.listeners.size).toBe(1));
    late.say({ type: "tick" });
    await vi.waitFor(() => expect(following.events.at(-1)).toMatchObject({ type: "tick" }));
    nodes.pop();
    await vi.waitFor(() => expect(late.listeners.size).toBe(0));
  });

  test("a heartbeat comment shows that the connection stands", async () => {
    const url = await start([], { traceHeartbeatMs: 20 });
    const following = await Following.of(url, "");
    await vi.waitFor(() => expect(following.text).toContain(": heartbeat\n\n: heartbeat\n\n"));
    expect(following.events).toEqual([]);
  });

  test("who reads too slowly is dropped, with a last event that says so, and costs no more memory", async () => {
    const node = new FakeNode("peer-1", 9001);
    const url = await start([node], { maxTraceQueueBytes: 64 * 1024 });
    const slow = await Following.of(url, "");
    const quick = await Following.of(url, "?types=tick");
    slow.pause();
    const text = "x".repeat(10_000);
    // More than the kernel's buffers take: then the queue fills.
    for (let i = 0; i < 3000; i++) {
      node.say({ type: "fat", text });
      if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    node.say({ type: "tick" });
    slow.resume();
    await slow.ended;
    expect(slow.text.slice(-300)).toMatch(/event: dropped\ndata: {"error":"you read more slowly[^\n]*}\n\n$/);
    expect(slow.text.length).toBeLessThan(3000 * 10_000);
    await vi.waitFor(() => expect(quick.events).toMatchObject([{ type: "tick" }]));
  });

  test("followers are limited, and leave room when they go", async () => {
    const url = await start([], { maxTraceClients: 1 });
    const first = await Following.of(url, "");
    const second = await ask(url, "/v1/trace");
    expect(second.status).toBe(503);
    expect(second.json.error).toContain("follow the trace already");
    first.stop();
    await vi.waitFor(async () => {
      const third = await Following.of(url, "");
      expect(third.status).toBe(200);
    });
  });

  test("nobody is followed after the end, though a connection that stands asks for it", async () => {
    const node = new FakeNode("peer-1", 9001);
    const feed = new TraceFeed(() => [node as unknown as GrapevineNode], controlApiOptions(), undefined);
    feed.close();
    expect(() => feed.follow({} as ServerResponse, { node: undefined, types: undefined })).toThrow("ends");
    expect(node.listeners.size).toBe(0);
  });

  test("the end of the API ends the followers in order", async () => {
    const api = await startControlApi({ port: 0, nodes: () => [] });
    const following = await Following.of(api.url, "");
    await api.close();
    await following.ended;
    expect(following.text).toContain("event: end\n");
    await expect(ask(api.url, "/v1/status")).rejects.toThrow();
  });
});

/** Somebody who follows the trace. */
class Following {
  text = "";
  status = 0;
  headers: IncomingHttpHeaders = {};
  ended: Promise<void> = Promise.resolve();
  pause = () => {};
  resume = () => {};
  stop = () => {};

  static of(url: string, query: string): Promise<Following> {
    const following = new Following();
    return new Promise((resolve, reject) => {
      const outgoing = request(`${url}/v1/trace${query}`, { agent: false }, (response) => {
        following.status = response.statusCode!;
        following.headers = response.headers;
        following.pause = () => response.pause();
        following.resume = () => response.resume();
        following.stop = () => outgoing.destroy();
        response.setEncoding("utf8").on("data", (chunk) => {
          following.text += chunk;
        });
        following.ended = new Promise((ended) => {
          response.once("close", ended);
        });
        response.on("error", () => {});
        resolve(following);
      });
      outgoing.on("error", reject);
      outgoing.end();
    });
  }

  get events(): any[] {
    return [...this.text.matchAll(/^data: (.*)\n\n/gm)].map(([, line]) => JSON.parse(line!));
  }
}

describe("a live network", () => {
  let nodes: GrapevineNode[];
  let seed: GrapevineNode;
  let one: GrapevineNode;
  let two: GrapevineNode;

  async function startNode(
    role: "seed" | "peer",
    name: string,
    seeds: { host: string; port: number }[],
  ): Promise<GrapevineNode> {
    const node = await GrapevineNode.start({
      role,
      name,
      identity: createIdentity(),
      security: { type: "plaintext" },
      listen: { host: "127.0.0.1", port: 0 },
      seeds,
      options: { source: { messages: 0 } },
    });
    nodes.push(node);
    return node;
  }

  beforeEach(async () => {
    nodes = [];
    seed = await startNode("seed", "seed-1", []);
    const seeds = [{ host: "127.0.0.1", port: Number(String(seed.contact).split(":").at(-1)) }];
    one = await startNode("peer", "peer-1", seeds);
    two = await startNode("peer", "peer-2", seeds);
    await vi.waitFor(() => expect(one.neighbors().length + two.neighbors().length).toBe(2), {
      timeout: 20_000,
    });
  });
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.close()));
  });

  test("shows its status, members, neighbors and graph", async () => {
    const url = await start(nodes);
    const { json: status } = await ask(url, "/v1/status");
    expect(status.process).toMatchObject({ pid: process.pid, seeds: 1, peers: 2, stopped: 0 });
    expect(status.nodes[0]).toMatchObject({
      name: "seed-1",
      role: "seed",
      listSize: 2,
      knownPeers: 2,
      isRunning: true,
    });
    expect(status.nodes[1]).toMatchObject({
      name: "peer-1",
      contact: one.contact,
      host: "127.0.0.1",
      neighbors: 1,
      registeredWith: 1,
      quorum: 1,
      delivered: 0,
    });
    expect((await ask(url, "/v1/nodes")).json.nodes.map(({ name }: { name: string }) => name)).toEqual([
      "seed-1",
      "peer-1",
      "peer-2",
    ]);
    const { json: members } = await ask(url, "/v1/nodes/seed-1/members");
    expect(members.members.map(({ peer }: { peer: string }) => peer).sort()).toEqual(
      [one.contact, two.contact].sort(),
    );
    const port = String(one.contact).split(":").at(-1)!;
    const { json: neighbors } = await ask(url, `/v1/nodes/${port}/neighbors`);
    expect(neighbors.neighbors).toEqual([
      {
        peer: two.contact,
        host: "127.0.0.1",
        port: Number(String(two.contact).split(":").at(-1)),
        rttMs: null,
      },
    ]);
    const { json: graph } = await ask(url, "/v1/graph");
    expect(graph.nodes).toHaveLength(3);
    expect(graph.links).toEqual([[one.contact, two.contact].sort()]);
  });

  test("publishes texts and bytes; a seed refuses; a payload beyond the limit is refused", async () => {
    const url = await start(nodes);
    const following = await Following.of(url, "?node=peer-2&types=delivered");
    expect((await post(url, "/v1/nodes/peer-1/publish", { text: "hello", topic: "t" })).json).toEqual({
      published: "peer-1",
      id: { origin: one.contact, incarnation: expect.any(Number), sequence: expect.any(Number) },
      sent: 1,
      queued: 0,
      dropped: 0,
    });
    await vi.waitFor(() => expect(following.events).toHaveLength(1));
    await post(url, "/v1/nodes/peer-1/publish", { base64: Buffer.from([0, 255]).toString("base64") });
    await vi.waitFor(() => expect(following.events).toHaveLength(2));
    expect(following.events).toMatchObject([{ payload: "hello", from: one.contact }, { payloadBytes: 2 }]);
    expect((await post(url, "/v1/nodes/seed-1/publish", { text: "x" })).json.error).toContain(
      "a seed does not gossip",
    );
    const notOne = await post(url, "/v1/nodes/peer-1/publish", { text: "x", priority: 256 });
    expect(notOne.status).toBe(400);
    expect(notOne.json.error).toContain("priority: 256 is not an integer between 0 and 255");
    const tooLong = await post(url, "/v1/nodes/peer-1/publish", { text: "x".repeat(70_000) });
    expect(tooLong.status).toBe(400);
    expect(tooLong.json.error).toContain("65536");
    const metrics = await ask(url, "/metrics");
    expect(metrics.headers["content-type"]).toContain("text/plain");
    expect(metrics.text).toContain('grapevine_published_total{node="peer-1"} 2');
    expect(metrics.text).toContain('grapevine_delivery_latency_seconds_count{node="peer-2"} 2');
  });

  test("shares state: sets, reads, lists and deletes; says who wrote what; a seed shares none", async () => {
    const url = await start(nodes);
    const following = await Following.of(url, "?node=peer-2&types=state-changed");
    const state = "/v1/nodes/peer-1/state";
    expect((await post(url, state, { key: "a/b", text: "1" })).json).toEqual({ set: "peer-1", key: "a/b" });
    await vi.waitFor(() => expect(following.events).toHaveLength(1));
    expect(following.events[0]).toMatchObject({ layer: "state", key: "a/b", value: "1", from: one.contact });
    await post(url, state, { key: "bytes", base64: "AP8=" });
    await vi.waitFor(() => expect(following.events).toHaveLength(2));
    expect(following.events[1]).toMatchObject({ valueBytes: 2 });
    const writer = String(one.contact).split("@")[0];
    const other = "/v1/nodes/peer-2/state";
    const at = expect.any(Number);
    expect((await ask(url, other)).json).toEqual({
      entries: [
        { key: "a/b", text: "1", writer, at },
        { key: "bytes", base64: "AP8=", writer, at },
      ],
    });
    expect((await ask(url, `${other}?prefix=a/`)).json.entries).toHaveLength(1);
    expect((await ask(url, `${other}?key=a%2Fb`)).json).toEqual({ key: "a/b", text: "1", writer, at });
    expect((await post(url, `${other}/delete`, { key: "a/b" })).json).toMatchObject({ wasThere: true });
    await vi.waitFor(async () => expect((await ask(url, `${state}?key=a%2Fb`)).status).toBe(404));
    expect((await post(url, `${other}/delete`, { key: "a/b" })).json).toMatchObject({ wasThere: false });
    expect((await ask(url, "/v1/nodes/seed-1/state")).status).toBe(409);
    expect((await post(url, "/v1/nodes/seed-1/state", { key: "k", text: "v" })).json.error).toContain(
      "ask a peer",
    );
    for (const [body, rule] of [
      [{ key: "k" }, 'give either "text" or "base64"'],
      [{ key: "k", text: "v", base64: "AA==" }, 'give either "text" or "base64"'],
      [{ text: "v" }, "key"],
      [{ key: "\ud800", text: "v" }, "surrogate"],
      [{ key: "", text: "v" }, "between 1 and 256"],
      [{ key: "k", text: "x".repeat(70_000) }, "65536"],
    ] as const) {
      const answer = await post(url, state, body);
      expect([answer.status, answer.json.error]).toEqual([400, expect.stringContaining(rule)]);
    }
    expect(one.state.size).toBe(1);
    expect((await ask(url, "/metrics")).text).toContain(
      'grapevine_state_keys{node="peer-1",kind="deleted"} 1',
    );
  });

  test("state is guarded as everything is: a form cannot set it, and where there is a token, only who has it", async () => {
    const url = await start(nodes, { token: "secret" });
    const path = "/v1/nodes/peer-1/state";
    expect((await ask(url, path)).status).toBe(401);
    expect((await post(url, path, { key: "k", text: "v" })).status).toBe(401);
    const headers = { authorization: "Bearer secret" };
    const form = { ...headers, "content-type": "text/plain" };
    expect((await post(url, path, { key: "k", text: "v" }, form)).status).toBe(415);
    expect(one.state.size).toBe(0);
    expect((await post(url, path, { key: "k", text: "v" }, headers)).status).toBe(200);
    expect(one.state.get("k")).toBe("v");
  });

  test("a body in pieces, whose length nobody told, is read too", async () => {
    const url = await start(nodes);
    const headers = { ...jsonType, "transfer-encoding": "chunked" };
    const answer = await ask(url, "/v1/nodes/peer-1/publish", {
      method: "POST",
      headers,
      body: ['{"text"', ':"hello"}'],
    });
    expect(answer.json).toMatchObject({ published: "peer-1" });
  });

  test("lets a node leave, and kills one; what has stopped is not asked again", async () => {
    const url = await start(nodes);
    expect((await ask(url, "/v1/nodes/peer-1/leave", { method: "POST", headers: jsonType })).json).toEqual({
      left: "peer-1",
    });
    expect(one.isRunning).toBe(false);
    await vi.waitFor(() => expect(seed.members()).toHaveLength(1));
    expect((await post(url, "/v1/nodes/peer-1/leave")).status).toBe(409);
    expect((await post(url, "/v1/nodes/peer-2/kill")).status).toBe(202);
    await vi.waitFor(() => expect(two.isRunning).toBe(false));
    expect(logged).toContain("control API: POST /v1/nodes/peer-2/kill");
    expect((await ask(url, "/v1/graph")).json).toMatchObject({ links: [] });
  });

  test("what ends the process waits until the caller has its answer", async () => {
    const ended: string[] = [];
    const url = await start(nodes, {
      kill: (node) => ended.push(node.name),
      shutdown: () => ended.push("all"),
    });
    expect((await post(url, "/v1/nodes/peer-1/kill")).json).toEqual({ killed: "peer-1" });
    expect((await post(url, "/v1/shutdown")).json).toEqual({ stopping: true });
    await vi.waitFor(() => expect(ended).toEqual(["peer-1", "all"]));
  });

  test("what ends the process ends it too where the caller has gone meanwhile", async () => {
    let isAsked = false;
    let isEnded = false;
    let goOn = () => {};
    const waiting = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const hands: Hands = {
      actions: ["crash"],
      async perform() {
        isAsked = true;
        await waiting;
        return { nodes: ["peer-1"], afterwards: () => (isEnded = true) };
      },
      onEvent: () => () => {},
    };
    const url = await start([one], { hands });
    const caller = request(`${url}/v1/actions`, { method: "POST", headers: jsonType });
    caller.on("error", () => {});
    caller.end(JSON.stringify({ do: "crash", node: "peer-1" }));
    await vi.waitFor(() => expect(isAsked).toBe(true));
    caller.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    goOn();
    await vi.waitFor(() => expect(isEnded).toBe(true));
  });

  test("`-` is the only peer beside a seed", async () => {
    const url = await start([seed, one]);
    expect((await ask(url, "/v1/nodes/-/neighbors")).json.neighbors).toHaveLength(1);
  });
});
