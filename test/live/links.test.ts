/** Links between nodes that behave and nodes that do not, over real sockets in this process. */
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  addressOf,
  formatContact,
  identityOf,
  type NodeId,
  portOf,
  type Tagged,
  UsageError,
} from "../../src/core/index.ts";
import { createIdentity, type Identity } from "../../src/node/identity.ts";
import { type LinkEvent, type LinkOptions, Links } from "../../src/node/links.ts";
import { type Connection, TcpTransport } from "../../src/transport/index.ts";
import {
  Codec,
  decodeHello,
  decodeHelloProof,
  encodeHello,
  encodeHelloProof,
  encodeHelloStatement,
  FrameReader,
  frameKind,
  type Hello,
  helloCode,
  wireVersion,
} from "../../src/wire/index.ts";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** Patience for what takes milliseconds on an idle machine. */
const soon = { timeout: 20_000, interval: 5 };

/** A node without protocols: what its links tell it. */
class Station {
  readonly links: Links;
  readonly received: { from: NodeId; nonce: number }[] = [];
  readonly events: LinkEvent[] = [];
  readonly lost: NodeId[] = [];
  readonly unreachable: NodeId[] = [];
  contact: NodeId = "";

  private constructor({
    identity = createIdentity(),
    name = "station",
    cluster = "test",
    profile,
    isMember,
    onMessage,
    options,
  }: StationSetup) {
    this.links = new Links({
      transport: new TcpTransport(),
      codec: new Codec(),
      identity,
      role: "peer",
      name,
      cluster,
      profile,
      isMember: isMember ?? (() => true),
      onMessage: (from, { body }) => {
        this.received.push({ from, nonce: (body as { nonce?: number }).nonce ?? -1 });
        onMessage?.(from);
      },
      onLost: (node) => this.lost.push(node),
      onUnreachable: (node) => this.unreachable.push(node),
      onEvent: (event) => this.events.push(event),
      options,
    });
    endings.push(() => this.links.destroy());
  }

  static async open(setup: StationSetup = {}): Promise<Station> {
    const station = new Station(setup);
    const { host, port } = await station.links.listen({ host: "127.0.0.1", port: setup.port ?? 0 });
    station.contact = formatContact(station.links.config.identity.id, host, port);
    return station;
  }

  get nonces(): number[] {
    return this.received.map(({ nonce }) => nonce);
  }
  eventsOf(type: LinkEvent["type"]): LinkEvent[] {
    return this.events.filter((event) => event.type === type);
  }
  ping(to: Station | RawNode, nonce: number): void {
    this.links.send(to.contact, ping(nonce));
  }
}

interface StationSetup {
  readonly identity?: Identity;
  readonly name?: string;
  readonly cluster?: string;
  readonly profile?: string;
  readonly isMember?: () => boolean;
  readonly onMessage?: (from: NodeId) => void;
  readonly port?: number;
  readonly options?: Partial<LinkOptions>;
}

function ping(nonce: number): Tagged {
  return { layer: "heartbeat", body: { type: "ping", nonce } as Tagged["body"] };
}

/** Sixty kilobytes that pass the codec. */
function bulk(origin: NodeId, sequence: number): Tagged {
  const statement = {
    type: "gossip",
    origin,
    incarnation: 1,
    sequence,
    at: 0,
    payloads: [new Uint8Array(60_000)],
  };
  return {
    layer: "broadcast",
    body: { type: "gossip", statement, proof: new Uint8Array(160) } as Tagged["body"],
  };
}

/** Somebody who writes the bytes himself. */
class RawNode {
  readonly identity: Identity;
  readonly socket: Socket;
  readonly frames: Uint8Array[] = [];
  readonly #reader = new FrameReader(64 * 1024 * 1024);

  private constructor(socket: Socket, identity: Identity) {
    this.socket = socket;
    this.identity = identity;
    socket.on("error", () => {});
    socket.on("data", (chunk) => this.#reader.push(chunk, (body) => this.frames.push(Uint8Array.from(body))));
    endings.push(() => socket.destroy());
  }

  /** A connection on which nothing has been said. */
  static async dial(to: Station, identity = createIdentity()): Promise<RawNode> {
    const socket = connect(portOf(to.contact), "127.0.0.1");
    const node = new RawNode(socket, identity);
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    return node;
  }

  /** A connection over which this node has proven itself. */
  static async greet(to: Station, identity = createIdentity()): Promise<RawNode> {
    const node = await RawNode.dial(to, identity);
    const known = to.links.linkCount;
    const hello = node.hello();
    node.write(encodeHello(hello));
    const theirs = decodeHello(await node.frame(0));
    const signature = identity.sign(encodeHelloStatement(hello, theirs));
    node.write(encodeHelloProof({ type: "hello-proof", signature }));
    await vi.waitFor(() => expect(to.links.linkCount).toBe(known + 1), soon);
    return node;
  }

  get contact(): NodeId {
    return formatContact(this.identity.id, "127.0.0.1", 1);
  }
  get isCut(): boolean {
    return this.socket.closed;
  }

  hello(overrides: Partial<Hello> = {}): Hello {
    return {
      type: "hello",
      version: wireVersion,
      cluster: "test",
      host: "127.0.0.1",
      port: 1,
      publicKey: this.identity.publicKey,
      token: new Uint8Array(0),
      challenge: new Uint8Array(16).fill(7),
      role: "peer",
      name: "raw",
      profile: "",
      ...overrides,
    };
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The frame of that number, when it has come. */
  async frame(index: number): Promise<Uint8Array> {
    await vi.waitFor(() => expect(this.frames.length).toBeGreaterThan(index), soon);
    return this.frames[index]!;
  }
}

/** With the length in front. */
function framed(...body: number[]): Uint8Array {
  return Uint8Array.of(0, 0, 0, body.length, ...body);
}

describe("a reader that is slow", () => {
  const options = { softQueuedBytes: 64 * 1024, maxQueuedBytes: 256 * 1024 };

  test("is cut at the limit, what is kept for it stays bounded, and others notice nothing", async () => {
    const writer = await Station.open({ options });
    const other = await Station.open();
    const slow = await RawNode.greet(writer);
    slow.socket.pause();
    let peak = 0;
    let sent = 0;
    while (writer.links.drops["slow-reader"] === undefined && sent < 2000) {
      writer.links.send(slow.contact, bulk(writer.contact, sent));
      writer.ping(other, sent++);
      await new Promise((resolve) => setImmediate(resolve));
      peak = Math.max(peak, writer.links.queuedBytes);
    }
    expect(writer.links.drops).toEqual({ "slow-reader": 1 });
    expect(writer.eventsOf("link-cut")).toMatchObject([{ reason: "slow-reader" }]);
    expect(peak).toBeGreaterThan(options.softQueuedBytes);
    expect(peak).toBeLessThanOrEqual(options.maxQueuedBytes + 61_000); // the last frame takes it over the limit
    expect(sent * 60_000, "beyond the kernel's own buffers").toBeLessThan(64 * 1024 * 1024);
    await vi.waitFor(() => expect(writer.links.queuedBytes).toBe(0), soon);
    await vi.waitFor(() => expect(other.nonces).toEqual([...Array(sent).keys()]), soon);
  });

  test("is cut within the turn in which it asks for too much: many small questions fit one chunk", async () => {
    const questions = 2000;
    let peak = 0;
    const victim = await Station.open({
      options,
      onMessage: (from) => {
        victim.links.send(from, bulk(victim.contact, 0));
        peak = Math.max(peak, victim.links.queuedBytes);
      },
    });
    const greedy = await RawNode.greet(victim);
    const question = new Codec().encode(ping(1));
    greedy.write(Buffer.concat(Array.from({ length: questions }, () => question)));
    await vi.waitFor(() => expect(greedy.isCut).toBe(true), soon);
    expect(victim.links.drops).toEqual({ "slow-reader": 1 });
    expect(peak).toBeLessThanOrEqual(options.maxQueuedBytes + 61_000);
  });

  test("makes a publisher wait, and nothing is lost if it catches up", async () => {
    const writer = await Station.open({ options });
    const slow = await RawNode.greet(writer);
    const greetings = slow.frames.length;
    slow.socket.pause();
    let sent = 0;
    while (!writer.links.isCongested && sent < 2000) {
      writer.links.send(slow.contact, bulk(writer.contact, sent++));
      await new Promise((resolve) => setImmediate(resolve));
    }
    let mayGoOn = false;
    const drained = writer.links.drained(60_000).then(() => {
      mayGoOn = true;
    });
    // Many turns of the loop and a look of `drained` later it still waits.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(mayGoOn).toBe(false);
    slow.socket.resume();
    await drained;
    expect(writer.links.isCongested).toBe(false);
    await vi.waitFor(() => expect(slow.frames.length - greetings).toBe(sent), soon);
    expect(writer.links.drops).toEqual({});
  });
});

test("two nodes that dial each other at the same moment end with one connection", async () => {
  // Ten pairs, so that either order of the ids occurs.
  const pairs = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const options = { idleMs: 100 };
      const [a, b] = [await Station.open({ options }), await Station.open({ options })];
      a.links.keep(b.contact);
      b.links.keep(a.contact);
      return [a, b] as const;
    }),
  );
  for (const [a, b] of pairs) {
    a.ping(b, 1);
    b.ping(a, 1);
  }
  for (const [a, b] of pairs) {
    await vi.waitFor(() => expect([a.nonces, b.nonces]).toEqual([[1], [1]]), soon);
    // Both had dialled, or this test would show nothing.
    expect([a.links.counters.dials, a.links.counters.accepted]).toEqual([1, 1]);
    await vi.waitFor(() => expect([a.links.connectionCount, b.links.connectionCount]).toEqual([1, 1]), soon);
    expect([a.links.linkCount, b.links.linkCount]).toEqual([1, 1]);
    a.ping(b, 2);
    b.ping(a, 2);
    await vi.waitFor(
      () =>
        expect([a.nonces, b.nonces]).toEqual([
          [1, 2],
          [1, 2],
        ]),
      soon,
    );
    expect([a.links.counters.dials, b.links.counters.dials]).toEqual([1, 1]);
    expect([...a.lost, ...b.lost]).toEqual([]);
  }
});

test("one node may not hold many links to us", async () => {
  const victim = await Station.open();
  const identity = createIdentity();
  const nodes: RawNode[] = [];
  for (let i = 0; i < 4; i++) nodes.push(await RawNode.greet(victim, identity));
  expect(victim.links.linkCount).toBe(4);
  const fifth = await RawNode.dial(victim, identity);
  const hello = fifth.hello();
  fifth.write(encodeHello(hello));
  const theirs = decodeHello(await fifth.frame(0));
  const signature = identity.sign(encodeHelloStatement(hello, theirs));
  fifth.write(encodeHelloProof({ type: "hello-proof", signature }));
  await vi.waitFor(() => expect(victim.links.drops).toEqual({ "too-many-links-to-one-node": 1 }), soon);
  await vi.waitFor(() => expect(victim.links.linkCount).toBe(4), soon);
  expect([...nodes, fifth].filter(({ isCut }) => isCut).length).toBeLessThanOrEqual(1);
});

describe("a frame that is none", () => {
  const cases: [what: string, bytes: Uint8Array, reason: string][] = [
    ["of a kind that does not exist", framed(250, 1, 2, 3), "malformed-unknown-kind"],
    ["that is no protobuf", framed(64, 0xff, 0xff, 0xff), "malformed-bad-encoding"],
    ["that lacks its parts", framed(80), "malformed-missing-field"],
    ["of length nothing", Uint8Array.of(0, 0, 0, 0), "malformed-empty"],
    ["of four gigabytes", Uint8Array.of(0xff, 0xff, 0xff, 0xff), "malformed-too-long"],
    [
      "that greets again",
      encodeHelloProof({ type: "hello-proof", signature: new Uint8Array(64) }),
      "malformed-unexpected-kind",
    ],
  ];

  test("costs its sender the link and nobody else anything, and is counted by its fault", async () => {
    const victim = await Station.open();
    const good = await Station.open();
    good.ping(victim, 0);
    await vi.waitFor(() => expect(victim.nonces).toEqual([0]), soon);
    let sent = 0;
    for (const [what, bytes, reason] of cases) {
      const bad = await RawNode.greet(victim);
      const port = bad.socket.localPort;
      // What stands before it in the same write still counts, what stands behind it does not.
      const codec = new Codec();
      bad.write(Buffer.concat([codec.encode(ping(1000)), bytes, codec.encode(ping(2000))]));
      await vi.waitFor(() => expect(bad.isCut, what).toBe(true), soon);
      expect(victim.links.drops[reason], what).toBe(1);
      expect(victim.eventsOf("link-cut").at(-1), what).toMatchObject({
        remote: `127.0.0.1:${port}`,
        reason,
        detail: expect.stringContaining(reason.replace("malformed-", "")),
      });
      good.ping(victim, ++sent);
      await vi.waitFor(() => expect(victim.nonces.at(-1), what).toBe(sent), soon);
    }
    expect(victim.nonces.filter((nonce) => nonce === 1000)).toHaveLength(cases.length);
    expect(victim.nonces).not.toContain(2000);
    expect(victim.links.linkCount).toBe(1);
    expect(good.links.counters.dials, "the good link was never opened anew").toBe(1);
    expect(Object.values(victim.links.drops)).toEqual(cases.map(() => 1));
  });

  test("before anybody is known ends the connection as well", async () => {
    const victim = await Station.open({ options: { helloTimeoutMs: 100, idleMs: 100 } });
    const http = await RawNode.dial(victim);
    http.write(Buffer.from("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
    const eager = await RawNode.dial(victim);
    eager.write(new Codec().encode(ping(1)));
    const mumbling = await RawNode.dial(victim);
    mumbling.write(Uint8Array.of(0, 0));
    await vi.waitFor(() => expect([http, eager, mumbling].every(({ isCut }) => isCut)).toBe(true), soon);
    expect(victim.links.drops).toEqual({
      "malformed-too-long": 1,
      "unexpected-greeting": 1,
      "no-hello": 1,
    });
    expect(victim.eventsOf("link-refused")).toHaveLength(3);
    expect(victim.received).toEqual([]);
    expect([victim.links.connectionCount, victim.links.strangerCount]).toEqual([0, 0]);
  });

  test("of which only a half comes is not waited for", async () => {
    const victim = await Station.open({ options: { frameTimeoutMs: 100, idleMs: 60_000 } });
    const silent = await RawNode.greet(victim);
    silent.write(Uint8Array.of(0, 0, 0, 200, 1));
    await vi.waitFor(() => expect(silent.isCut).toBe(true), soon);
    expect(victim.links.drops).toEqual({ "half-a-frame": 1 });
  });
});

test("a link on which some frame is always under way is not taken for one that is stuck in the middle", async () => {
  const reader = await Station.open({ options: { frameTimeoutMs: 100, idleMs: 60_000 } });
  const busy = await RawNode.greet(reader);
  const frame = new Codec().encode(ping(1));
  const half = frame.length >> 1;
  busy.write(frame.subarray(0, half));
  const end = Date.now() + 500;
  while (Date.now() < end) {
    busy.write(Buffer.concat([frame.subarray(half), frame.subarray(0, half)]));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(reader.links.drops).toEqual({});
  expect(reader.received.length).toBeGreaterThan(5);
});

test("frames over the rate limit are read more slowly, and none is lost", async () => {
  const limit = 2000;
  const reader = await Station.open({ options: { maxFramesPerSecond: limit, frameTimeoutMs: 100 } });
  const writer = await Station.open();
  writer.ping(reader, 0);
  await vi.waitFor(() => expect(reader.received).toHaveLength(1), soon);
  const start = performance.now();
  let sent = 1;
  for (let wave = 0; wave < 3; wave++) {
    for (let i = 0; i < 800; i++) writer.ping(reader, sent++);
    await vi.waitFor(() => expect(reader.received).toHaveLength(sent), soon);
  }
  // The last wave came when the two before it were paid for, but for what a tenth of a second may hold.
  expect(performance.now() - start).toBeGreaterThan(((1600 - limit / 10) / limit) * 1000);
  expect(reader.nonces).toEqual([...Array(sent).keys()]);
  expect(reader.links.drops["slowed-down"]).toBeGreaterThanOrEqual(2);
  expect(Object.keys(reader.links.drops), "not reading is not the writer's fault").toEqual(["slowed-down"]);
});

test("while we do not read for the rate's sake, neither silence nor half a frame is held against the other end", async () => {
  const options = { maxFramesPerSecond: 1000, frameTimeoutMs: 100, idleMs: 100 };
  const reader = await Station.open({ options });
  const raw = await RawNode.greet(reader);
  const one = new Codec().encode(ping(1));
  const frames = Buffer.concat(Array.from({ length: 600 }, () => one));
  // The last frame is cut in two; its second half comes at once, but lies unread for half a second.
  raw.write(frames.subarray(0, -5));
  await vi.waitFor(() => expect(reader.received).toHaveLength(599), soon);
  raw.write(frames.subarray(-5));
  await vi.waitFor(() => expect(reader.received).toHaveLength(600), soon);
  expect(Object.keys(reader.links.drops)).toEqual(["slowed-down"]);
});

describe("who answers is not who was meant", () => {
  test("an id that does not live at that address: refused, nothing is told, and the protocols hear of it", async () => {
    const [alice, bob] = [await Station.open(), await Station.open()];
    const carol = createIdentity();
    const wrong = formatContact(carol.id, "127.0.0.1", portOf(bob.contact));
    alice.links.send(wrong, ping(1));
    await vi.waitFor(() => expect(alice.unreachable).toEqual([wrong]), soon);
    expect(alice.links.drops).toEqual({ "wrong-identity": 1 });
    expect(alice.eventsOf("link-refused")).toMatchObject([
      {
        remote: addressOf(bob.contact),
        reason: "wrong-identity",
        detail: `expected ${carol.id}, found ${identityOf(bob.contact)}`,
      },
    ]);
    await vi.waitFor(() => expect(bob.links.connectionCount).toBe(0), soon);
    expect(bob.received).toEqual([]);
    // Bob himself can be reached as ever.
    alice.ping(bob, 2);
    await vi.waitFor(() => expect(bob.nonces).toEqual([2]), soon);
  });

  test("another cluster: refused, and both sides say which", async () => {
    const ours = await Station.open({ cluster: "grapes" });
    const theirs = await Station.open({ cluster: "olives" });
    ours.ping(theirs, 1);
    await vi.waitFor(() => expect(ours.unreachable).toHaveLength(1), soon);
    await vi.waitFor(() => expect(theirs.links.connectionCount).toBe(0), soon);
    expect(ours.eventsOf("link-refused")).toMatchObject([
      { reason: "other-cluster", detail: 'it belongs to cluster "olives", we to "grapes"' },
    ]);
    expect(theirs.eventsOf("link-refused")).toMatchObject([
      { reason: "other-cluster", detail: 'it belongs to cluster "grapes", we to "olives"' },
    ]);
    expect(theirs.received).toEqual([]);
  });

  test("another profile: refused, and both sides say which", async () => {
    const classic = await Station.open();
    const modern = await Station.open({ profile: "modern" });
    classic.ping(modern, 1);
    await vi.waitFor(() => expect(classic.unreachable).toHaveLength(1), soon);
    await vi.waitFor(() => expect(modern.links.connectionCount).toBe(0), soon);
    expect(classic.eventsOf("link-refused")).toMatchObject([
      { reason: "other-profile", detail: "its --profile is modern, ours classic" },
    ]);
    expect(modern.eventsOf("link-refused")).toMatchObject([
      { reason: "other-profile", detail: "its --profile is classic, ours modern" },
    ]);
    expect(modern.received).toEqual([]);
  });

  test("another version of the wire format: refused, and the versions are named", async () => {
    const station = await Station.open();
    const future = await RawNode.dial(station);
    future.write(encodeHello(future.hello({ version: wireVersion + 1 })));
    await vi.waitFor(() => expect(future.isCut).toBe(true), soon);
    expect(station.eventsOf("link-refused")).toMatchObject([
      { reason: "other-version", detail: `it speaks version ${wireVersion + 1}, we ${wireVersion}` },
    ]);
  });

  test("a key that the cluster does not know: refused", async () => {
    const station = await Station.open({ isMember: () => false });
    const stranger = await Station.open();
    stranger.ping(station, 1);
    await vi.waitFor(() => expect(stranger.unreachable).toEqual([station.contact]), soon);
    await vi.waitFor(() => expect(station.links.drops).toEqual({ "not-a-member": 1 }), soon);
    expect(station.received).toEqual([]);
  });

  test("a copy of our own identity: refused", async () => {
    const station = await Station.open();
    const copy = await RawNode.dial(station, station.links.config.identity);
    copy.write(encodeHello(copy.hello()));
    await vi.waitFor(() => expect(copy.isCut).toBe(true), soon);
    expect(station.links.drops).toEqual({ self: 1 });
  });
});

describe("on plaintext, a hello has to be proven", () => {
  /** What alice says to somebody whom she has dialled: her hello, and her proof for that one. */
  async function overhear(alice: Station, challenge: Uint8Array) {
    const mallory = createIdentity();
    const transport = new TcpTransport();
    endings.push(() => transport.close());
    const frames: Uint8Array[] = [];
    const { port } = await transport.listen({ host: "127.0.0.1", port: 0 }, (connection: Connection) => {
      const reader = new FrameReader(2048);
      connection.onData = (chunk) => reader.push(chunk, (body) => frames.push(Uint8Array.from(body)));
      const hello: Hello = {
        type: "hello",
        version: wireVersion,
        cluster: "test",
        host: "127.0.0.1",
        port,
        publicKey: mallory.publicKey,
        token: new Uint8Array(0),
        challenge,
        role: "peer",
        name: "mallory",
        profile: "",
      };
      connection.write(encodeHello(hello));
    });
    alice.links.send(formatContact(mallory.id, "127.0.0.1", port), ping(1));
    await vi.waitFor(() => expect(frames).toHaveLength(2), soon);
    expect(frameKind(frames[0]!)).toBe(helloCode);
    return { hello: decodeHello(frames[0]!), proof: decodeHelloProof(frames[1]!) };
  }

  async function refusedWith(bob: Station, raw: RawNode, reason: string) {
    await vi.waitFor(() => expect(raw.isCut).toBe(true), soon);
    expect(bob.links.drops).toEqual({ [reason]: 1 });
    expect(bob.eventsOf("link-refused")).toMatchObject([{ reason }]);
    expect(bob.links.linkCount).toBe(0);
    expect(bob.received).toEqual([]);
  }

  test("somebody else's hello with our own signature is refused", async () => {
    const [alice, bob] = [await Station.open(), await Station.open()];
    const { hello } = await overhear(alice, new Uint8Array(16));
    const mallory = await RawNode.dial(bob);
    mallory.write(encodeHello(hello));
    const theirs = decodeHello(await mallory.frame(0));
    const signature = mallory.identity.sign(encodeHelloStatement(hello, theirs));
    mallory.write(encodeHelloProof({ type: "hello-proof", signature }));
    mallory.write(new Codec().encode(ping(1)));
    await refusedWith(bob, mallory, "bad-proof");
  });

  test("somebody else's hello and proof, played back, are refused: the challenge is new", async () => {
    const [alice, bob] = [await Station.open(), await Station.open()];
    const { hello, proof } = await overhear(alice, new Uint8Array(16));
    const mallory = await RawNode.dial(bob);
    mallory.write(encodeHello(hello));
    mallory.write(encodeHelloProof(proof));
    await refusedWith(bob, mallory, "bad-proof");
  });

  test("nor can somebody in the middle have our challenge signed: the proof names for whom it was made", async () => {
    const [alice, bob] = [await Station.open(), await Station.open()];
    const mallory = await RawNode.dial(bob);
    const { challenge } = decodeHello(await mallory.frame(0));
    const { hello, proof } = await overhear(alice, challenge);
    mallory.write(encodeHello(hello));
    mallory.write(encodeHelloProof(proof));
    await refusedWith(bob, mallory, "bad-proof");
  });

  test("a message instead of the proof is refused", async () => {
    const bob = await Station.open();
    const mallory = await RawNode.dial(bob);
    mallory.write(encodeHello(mallory.hello()));
    mallory.write(new Codec().encode(ping(1)));
    await refusedWith(bob, mallory, "unexpected-greeting");
  });
});

test("links that nobody keeps are closed when they fall silent, and a neighbor's stays", async () => {
  const options = { idleMs: 60 };
  const [alice, neighbor, passer] = [
    await Station.open({ options }),
    await Station.open({ options }),
    await Station.open({ options }),
  ];
  alice.links.keep(neighbor.contact);
  neighbor.links.keep(alice.contact);
  alice.ping(neighbor, 0);
  // The passer-by's link is opened and closed for silence three times over, while the neighbor's is as silent.
  for (let round = 1; round <= 3; round++) {
    alice.ping(passer, round);
    await vi.waitFor(() => expect(passer.nonces).toHaveLength(round), soon);
    await vi.waitFor(() => expect([alice.links.linkCount, passer.links.linkCount]).toEqual([1, 0]), soon);
  }
  expect(alice.links.counters.dials).toBe(1 + 3);
  // Either end may be first to close it, and tells why; the other only sees it end.
  const closed = [...alice.eventsOf("link-closed"), ...passer.eventsOf("link-closed")];
  expect(closed.filter(({ reason }) => reason === "idle").length).toBeGreaterThanOrEqual(3);
  expect(neighbor.events.map(({ type }) => type)).toEqual(["link-open"]);
  alice.ping(neighbor, 1);
  await vi.waitFor(() => expect(neighbor.nonces).toEqual([0, 1]), soon);
  expect(alice.links.counters.dials).toBe(1 + 3);
  expect([...alice.lost, ...passer.lost]).toEqual([]);
  // Once released, it goes like any other.
  alice.links.release(neighbor.contact);
  neighbor.links.release(alice.contact);
  await vi.waitFor(
    () => expect([alice.links.connectionCount, neighbor.links.connectionCount]).toEqual([0, 0]),
    soon,
  );
});

test("a kept link that breaks is told to the protocols, and the next message opens a new one", async () => {
  const alice = await Station.open();
  const identity = createIdentity();
  const bob = await Station.open({ identity });
  alice.links.keep(bob.contact);
  alice.ping(bob, 1);
  await vi.waitFor(() => expect(bob.nonces).toEqual([1]), soon);
  await bob.links.destroy();
  await vi.waitFor(() => expect(alice.lost).toEqual([bob.contact]), soon);
  const heir = await Station.open({ identity });
  alice.ping(heir, 2);
  await vi.waitFor(() => expect(heir.nonces).toEqual([2]), soon);
});

test("a kept node that missed messages while it could not be reached is told of once it can", async () => {
  const alice = await Station.open();
  const identity = createIdentity();
  const bob = await Station.open({ identity });
  const port = portOf(bob.contact);
  alice.links.keep(bob.contact);
  await bob.links.destroy();
  alice.ping(bob, 1);
  await vi.waitFor(() => expect(alice.unreachable).toEqual([bob.contact]), soon);
  expect(alice.lost).toEqual([]);
  const heir = await Station.open({ identity, port });
  alice.ping(heir, 2);
  await vi.waitFor(() => expect(heir.nonces).toEqual([2]), soon);
  expect(alice.lost).toEqual([bob.contact]);
  alice.ping(heir, 3);
  await vi.waitFor(() => expect(heir.nonces).toEqual([2, 3]), soon);
  expect(alice.lost, "once").toEqual([bob.contact]);
});

test("a crowd of strangers at the door pushes out the oldest of them, and nobody whom we have called", async () => {
  const options = { maxPendingHellos: 3 };
  const alice = await Station.open({ options });
  // Somebody whom alice has called and who has not said yet who it is.
  const callee = new TcpTransport();
  endings.push(() => callee.close());
  const connections: Connection[] = [];
  const { port } = await callee.listen({ host: "127.0.0.1", port: 0 }, (connection) => {
    connections.push(connection);
  });
  alice.links.send(formatContact(createIdentity().id, "127.0.0.1", port), ping(1));
  await vi.waitFor(() => expect(alice.links.strangerCount).toBe(1), soon);
  const crowd: RawNode[] = [];
  for (let i = 0; i < 6; i++) {
    crowd.push(await RawNode.dial(alice));
    crowd[i]!.write(Uint8Array.of(0));
  }
  await vi.waitFor(() => expect(alice.links.drops).toEqual({ "too-many-strangers": 3 }), soon);
  await vi.waitFor(
    () => expect(crowd.map(({ isCut }) => isCut)).toEqual([true, true, true, false, false, false]),
    soon,
  );
  expect(alice.unreachable).toEqual([]);
  expect(connections[0]!.isClosed).toBe(false);
});

test("a name, cluster or host that no hello can say is refused at the start", async () => {
  await expect(Station.open({ name: "n".repeat(65) })).rejects.toThrow(UsageError);
  await expect(Station.open({ cluster: "two\nlines" })).rejects.toThrow(/cannot be told to others/);
});

test("who brings forged messages again and again is cut off, and may have done so a few times by mistake", async () => {
  const station = await Station.open();
  const forger = await Station.open();
  forger.ping(station, 1);
  await vi.waitFor(() => expect(station.nonces).toEqual([1]), soon);
  for (let i = 0; i < 15; i++) station.links.onForgery(forger.contact);
  expect(station.links.linkCount).toBe(1);
  station.links.onForgery(forger.contact);
  await vi.waitFor(() => expect(station.links.linkCount).toBe(0), soon);
  expect(station.links.drops["forger"]).toBe(1);
});
