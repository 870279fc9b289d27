import { hkdfSync } from "node:crypto";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { formatContact, type NodeId, type Tagged } from "../core/index.ts";
import type { Address, DatagramSocket } from "../transport/index.ts";
import {
  Codec,
  challengeBytes,
  datagramCodes,
  decodeGreeting,
  encodeGreeting,
  encodeSessionKeyStatement,
  greetingBytes,
  minSealedBytes,
  sealedHeaderBytes,
} from "../wire/index.ts";
import { DatagramSessions, replayWindow } from "./datagram-sessions.ts";
import { type DatagramOptions, Datagrams, type DatagramsConfig } from "./datagrams.ts";
import { createIdentity, type Identity } from "./identity.ts";
import { clusterTag, deriveSecret, isSessionKeyOf, maxSessionKeyAgeMs, SessionKey } from "./session-key.ts";
import { SourceRates, sourceOf } from "./source-rates.ts";

// ---- A network in memory, in which a test may stand anywhere -------------------------------------------------------

interface Packet {
  readonly bytes: Uint8Array;
  readonly from: string;
  readonly to: string;
}

class Air {
  /** Everything that was sent, in order. */
  readonly packets: Packet[] = [];
  readonly #ports = new Map<string, FakeSocket>();
  /** What becomes of a packet: another one, or nothing. */
  onPacket: (packet: Packet) => Packet | undefined = (packet) => packet;
  #nextPort = 9000;
  #underWay = 0;

  readonly bind = async ({ host, port }: Address): Promise<DatagramSocket> => {
    const socket = new FakeSocket(this, { host, port: port || this.#nextPort++ });
    this.#ports.set(nameOf(socket.local), socket);
    return socket;
  };

  unbind(socket: FakeSocket): void {
    if (this.#ports.get(nameOf(socket.local)) === socket) this.#ports.delete(nameOf(socket.local));
  }

  send(packet: Packet): void {
    this.packets.push(packet);
    const routed = this.onPacket(packet);
    if (routed === undefined) return;
    this.#underWay++;
    setImmediate(() => {
      this.#underWay--;
      this.deliver(routed);
    });
  }

  /** At once, as if it had come from anywhere. */
  deliver({ bytes, from, to }: Packet): void {
    const colon = from.lastIndexOf(":");
    this.#ports.get(to)?.onDatagram(bytes.slice(), from.slice(0, colon), Number(from.slice(colon + 1)));
  }

  /** Nothing is on its way, and nobody has anything left to say in this turn. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < 4; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#underWay > 0) turns = 0;
    }
  }

  bytesTo(address: string): number {
    return this.packets.filter(({ to }) => to === address).reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
}

class FakeSocket implements DatagramSocket {
  readonly local: Address;
  onDatagram: (bytes: Uint8Array, host: string, port: number) => void = () => {};
  readonly #air: Air;

  constructor(air: Air, local: Address) {
    this.#air = air;
    this.local = local;
  }
  send(bytes: Uint8Array, host: string, port: number): boolean {
    this.#air.send({ bytes: Uint8Array.from(bytes), from: nameOf(this.local), to: nameOf({ host, port }) });
    return true;
  }
  async resolve(host: string): Promise<string> {
    return host === "localhost" ? "127.0.0.1" : host;
  }
  async close(): Promise<void> {
    this.onDatagram = () => {};
    this.#air.unbind(this);
  }
}

function nameOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

// ---- Nodes in it --------------------------------------------------------------------------------------------------

interface Received {
  readonly from: NodeId;
  readonly nonce: number;
}

interface TestNode {
  readonly datagrams: Datagrams;
  readonly identity: Identity;
  readonly address: string;
  readonly received: Received[];
  readonly unreachable: NodeId[];
  readonly oversized: NodeId[];
}

const open: Datagrams[] = [];
afterEach(async () => {
  for (const datagrams of open.splice(0)) await datagrams.destroy();
});

/** Nobody says hello twice, however busy the machine is. */
const patient: Partial<DatagramOptions> = { greetingTimeoutMs: 60_000, greetingRetryMs: 30_000 };
/** Where somebody has to: after a while, and not for long. */
const quick: Partial<DatagramOptions> = { greetingTimeoutMs: 100, greetingRetryMs: 10 };

async function startNode(
  air: Air,
  config: Partial<DatagramsConfig> & { listen?: Address; advertise?: string } = {},
): Promise<TestNode> {
  const received: Received[] = [];
  const unreachable: NodeId[] = [];
  const oversized: NodeId[] = [];
  const identity = config.identity ?? createIdentity();
  const datagrams = new Datagrams({
    codec: new Codec(),
    cluster: "test",
    isMember: () => true,
    onMessage: (from, { body }) =>
      received.push({ from, nonce: (body as unknown as { nonce: number }).nonce }),
    onUnreachable: (node) => unreachable.push(node),
    onOversized: (node) => oversized.push(node),
    bind: air.bind,
    ...config,
    identity,
    options: { ...patient, ...config.options },
  });
  open.push(datagrams);
  const local = await datagrams.listen(config.listen ?? { host: "10.0.0.1", port: 0 }, config.advertise);
  return { datagrams, identity, address: nameOf(local), received, unreachable, oversized };
}

function ping(nonce: number): Tagged {
  return { layer: "heartbeat", body: { type: "ping", nonce } as Tagged["body"] };
}

async function pair(air: Air, options?: Partial<DatagramOptions>): Promise<[TestNode, TestNode]> {
  const config = options === undefined ? {} : { options };
  return [await startNode(air, config), await startNode(air, config)];
}

/** Two nodes that have talked to each other. */
async function acquainted(air: Air, options?: Partial<DatagramOptions>): Promise<[TestNode, TestNode]> {
  const [a, b] = await pair(air, options);
  a.datagrams.send(b.datagrams.contact, ping(1));
  await air.quiet();
  b.datagrams.send(a.datagrams.contact, ping(2));
  await air.quiet();
  expect(b.received).toEqual([{ from: a.datagrams.contact, nonce: 1 }]);
  expect(a.received).toEqual([{ from: b.datagrams.contact, nonce: 2 }]);
  return [a, b];
}

/** After `condition` holds; fails the test otherwise. For what waits for a timer. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("it did not happen within 5 s");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

// ---- Talking ------------------------------------------------------------------------------------------------------

describe("two nodes", () => {
  test("talk after one round trip, and each knows by its key who the other is", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    const codes = air.packets.map(({ bytes }) => bytes[0]);
    const { hello, welcome, sealed } = datagramCodes;
    expect(codes).toEqual([hello, welcome, sealed, sealed]);
    expect([a.datagrams.sessionCount, b.datagrams.sessionCount]).toEqual([1, 1]);
    expect(b.datagrams.counters.accepted).toBe(1);
  });

  test("what is said in one turn goes in one datagram, and more than fits into as few as hold it", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    air.packets.length = 0;
    for (let nonce = 1; nonce <= 300; nonce++) a.datagrams.send(b.datagrams.contact, ping(nonce));
    await air.quiet();
    expect(b.received.slice(1).map(({ nonce }) => nonce)).toEqual(
      Array.from({ length: 300 }, (_, i) => i + 1),
    );
    expect(air.packets.length).toBe(2); // 7 bytes each with their length, 8 from nonce 128 on
    for (const { bytes } of air.packets) expect(bytes.length).toBeLessThanOrEqual(1200);
  });

  test("nothing of what they say can be read on the way", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    air.packets.length = 0;
    const secret = formatContact("ab".repeat(20), "secret.example", 1);
    a.datagrams.send(b.datagrams.contact, {
      layer: "heartbeat",
      body: { type: "probe-request", nonce: 1, suspect: secret } as Tagged["body"],
    });
    await air.quiet();
    expect(b.received.length).toBe(2);
    expect(air.packets.length).toBe(1);
    expect(Buffer.from(air.packets[0]!.bytes).includes("secret.example")).toBe(false);
  });

  test("who is greeted by address only tells who it is, and one session serves both names", async () => {
    const air = new Air();
    const [a, b] = [await startNode(air), await startNode(air, { listen: { host: "127.0.0.1", port: 0 } })];
    const port = Number(b.address.split(":")[1]);
    expect(await a.datagrams.meet({ host: "localhost", port })).toBe(b.datagrams.contact);
    a.datagrams.send(`@${b.address}`, ping(1));
    a.datagrams.send(b.datagrams.contact, ping(2));
    await air.quiet();
    expect(b.received.map(({ nonce }) => nonce)).toEqual([1, 2]);
    expect(a.datagrams.counters.greetings).toBe(1);
  });

  test("that greet each other at once end with one session", async () => {
    const air = new Air();
    const [a, b] = await pair(air);
    a.datagrams.send(b.datagrams.contact, ping(1));
    b.datagrams.send(a.datagrams.contact, ping(2));
    await air.quiet();
    expect(b.received.map(({ nonce }) => nonce)).toEqual([1]);
    expect(a.received.map(({ nonce }) => nonce)).toEqual([2]);
    expect([a.datagrams.rowCount, b.datagrams.rowCount]).toEqual([1, 1]);
    expect((a.datagrams.drops["crossed-hello"] ?? 0) + (b.datagrams.drops["crossed-hello"] ?? 0)).toBe(1);
  });

  test("find each other although hellos and welcomes are lost", async () => {
    const air = new Air();
    const [a, b] = await pair(air, { ...quick, greetingTimeoutMs: 10_000 });
    const lost: (number | undefined)[] = [];
    air.onPacket = (packet) => {
      if (lost.length === 2 || packet.bytes[0] === datagramCodes.sealed) return packet;
      if (lost.includes(packet.bytes[0])) return packet;
      lost.push(packet.bytes[0]);
      return undefined;
    };
    a.datagrams.send(b.datagrams.contact, ping(1));
    await until(() => b.received.length === 1);
    expect(lost).toEqual([datagramCodes.hello, datagramCodes.welcome]);
    expect(b.datagrams.rowCount).toBe(1); // the repeated hello got the same welcome
  });

  test("an advertised host is how others name a node, whatever address they hear it from", async () => {
    const air = new Air();
    const a = await startNode(air, { advertise: "a.example" });
    const b = await startNode(air);
    a.datagrams.send(b.datagrams.contact, ping(1));
    await air.quiet();
    const port = a.address.split(":")[1];
    expect(b.received).toEqual([{ from: `${a.identity.id}@a.example:${port}`, nonce: 1 }]);
  });

  test("a host that cannot be told to others is refused at once", async () => {
    await expect(startNode(new Air(), { advertise: "no host" })).rejects.toThrow(/advertise: no host/);
  });

  test("a message that is longer than a datagram is refused with an event, and nothing is sent", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    air.packets.length = 0;
    const payloads = ["x".repeat(1200)];
    const statement = {
      type: "gossip",
      origin: a.datagrams.contact,
      incarnation: 1,
      sequence: 1,
      at: 1,
      payloads,
    };
    const proof = new Uint8Array(64);
    a.datagrams.send(b.datagrams.contact, {
      layer: "broadcast",
      body: { type: "gossip", statement, proof } as unknown as Tagged["body"],
    });
    await air.quiet();
    expect(a.oversized).toEqual([b.datagrams.contact]);
    expect(a.datagrams.drops).toEqual({ oversized: 1 });
    expect(air.packets).toEqual([]);
  });
});

// ---- Who is it? ---------------------------------------------------------------------------------------------------

describe("a node that is not who it should be", () => {
  test("another node at that address: the message is not given to it", async () => {
    const air = new Air();
    const [a, b] = await pair(air);
    const wanted = formatContact(createIdentity().id, ...hostAndPort(b.address));
    a.datagrams.send(wanted, ping(1));
    await air.quiet();
    expect(a.unreachable).toEqual([wanted]);
    expect(b.received).toEqual([]);
    expect(a.datagrams.drops).toEqual({ unreachable: 1 });
  });

  test("nobody at that address: told after the time for a greeting", async () => {
    const air = new Air();
    const a = await startNode(air, { options: quick });
    const gone = formatContact(createIdentity().id, "10.0.0.9", 9);
    a.datagrams.send(gone, ping(1));
    await until(() => a.unreachable.length === 1);
    expect(a.unreachable).toEqual([gone]);
    expect(a.datagrams.rowCount).toBe(0);
    await expect(a.datagrams.meet({ host: "10.0.0.9", port: 9 })).rejects.toMatchObject({ code: "timeout" });
  });

  test("the node itself, under an address that it did not know to be its own", async () => {
    const air = new Air();
    const a = await startNode(air);
    const [host, port] = hostAndPort(a.address);
    await expect(a.datagrams.meet({ host, port })).rejects.toMatchObject({ code: "refused" });
    expect(a.datagrams.rowCount).toBe(0);
  });

  test.each([
    ["without a token of the cluster", { isMember: () => false }, "not-a-member"],
    ["of another cluster", { cluster: "other" }, "wrong-cluster"],
  ])("a stranger %s gets no answer", async (_what, config, reason) => {
    const air = new Air();
    const b = await startNode(air, config);
    const a = await startNode(air, { options: quick });
    a.datagrams.send(b.datagrams.contact, ping(1));
    await until(() => a.unreachable.length === 1);
    expect(air.bytesTo(a.address)).toBe(0);
    expect(b.datagrams.drops[reason]).toBeGreaterThan(0);
    expect(b.datagrams.rowCount).toBe(0);
  });

  test("a hello played back from elsewhere opens nothing: its player cannot speak", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    const hello = air.packets[0]!;
    air.deliver({ ...hello, from: "10.6.6.6:1" });
    await air.quiet();
    expect(b.datagrams.sessionCount).toBe(1);
    // Neither does it move the session of its author.
    air.packets.length = 0;
    b.datagrams.send(a.datagrams.contact, ping(3));
    await air.quiet();
    expect(air.packets.map(({ to }) => to)).toEqual([a.address]);
  });

  test("a hello in another's name, with a key that this one never signed, is dropped", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    const mallory = new SessionKey(createIdentity(), clusterTag("test"), Date.now());
    const genuine = decodeGreeting(air.packets[0]!.bytes);
    const rows = b.datagrams.rowCount;
    for (const forged of [
      { ...genuine, sessionKey: mallory.proof.sessionKey },
      { ...genuine, ...mallory.proof, publicKey: a.identity.publicKey },
      { ...genuine, sessionKeyMadeAt: genuine.sessionKeyMadeAt + 1 },
    ]) {
      const fresh = { ...forged, nonce: new Uint8Array(16).fill(9) };
      air.deliver({ bytes: encodeGreeting(fresh), from: "10.6.6.6:1", to: b.address });
    }
    expect(b.datagrams.drops).toEqual({ "bad-session-key": 3 });
    expect(b.datagrams.rowCount).toBe(rows);
    expect(air.bytesTo("10.6.6.6:1")).toBe(0);
  });

  test("a key that agrees with everybody upon the same secret is dropped", async () => {
    const air = new Air();
    const b = await startNode(air);
    const identity = createIdentity();
    const weak = new SessionKey(identity, clusterTag("test"), Date.now());
    const statement = { ...weak.proof, sessionKey: new Uint8Array(32) };
    const signature = identity.sign(encodeSessionKeyStatement(statement));
    const hello = { ...exampleHello, ...statement, signature };
    air.deliver({ bytes: encodeGreeting(hello), from: "10.6.6.6:1", to: b.address });
    expect(b.datagrams.drops).toEqual({ "bad-key": 1 });
    expect(b.datagrams.rowCount).toBe(0);
  });

  test("a welcome without the key of the session is not believed, and the right one still is", async () => {
    const air = new Air();
    const [a, b] = await pair(air);
    const drops: string[] = [];
    air.onPacket = (packet) => {
      if (packet.bytes[0] !== datagramCodes.welcome) return packet;
      for (const at of [20, 505]) {
        const forged = packet.bytes.slice();
        forged[at]! ^= 1; // its nonce; its seal
        air.deliver({ ...packet, bytes: forged });
      }
      air.deliver({ ...packet, from: "10.6.6.6:1" });
      drops.push(JSON.stringify(a.datagrams.drops));
      return packet;
    };
    a.datagrams.send(b.datagrams.contact, ping(1));
    await air.quiet();
    expect(drops).toEqual([JSON.stringify({ forged: 2, unasked: 1 })]);
    expect(b.received.length).toBe(1);
  });

  test("the secret of a session is HKDF of what was agreed upon", () => {
    const [agreed, salt] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const expected = hkdfSync("sha256", agreed, salt, "grapevine datagram session 1", 32);
    expect(Buffer.from(deriveSecret(agreed, salt)).equals(Buffer.from(expected))).toBe(true);
  });

  test("a session key counts for two days, and not when it was made tomorrow", () => {
    const now = Date.now();
    const made = (at: number) => new SessionKey(createIdentity(), clusterTag("test"), at).proof;
    const day = maxSessionKeyAgeMs / 2;
    expect(isSessionKeyOf(made(now - 2 * day), now)).toBe(true);
    expect(isSessionKeyOf(made(now - 2 * day - 1), now)).toBe(false);
    expect(isSessionKeyOf(made(now + day), now)).toBe(true);
    expect(isSessionKeyOf(made(now + day + 1), now)).toBe(false);
  });
});

// ---- Datagrams that others invent, change, repeat -----------------------------------------------------------------

describe("on a hostile path", () => {
  test("no datagram counts twice", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    for (let nonce = 10; nonce < 15; nonce++) {
      a.datagrams.send(b.datagrams.contact, ping(nonce));
      await air.quiet();
    }
    const sealed = air.packets.filter(
      ({ bytes, to }) => to === b.address && bytes[0] === datagramCodes.sealed,
    );
    expect(sealed.length).toBe(6);
    const before = b.received.length;
    for (const packet of [...sealed, ...sealed.reverse()]) air.deliver(packet);
    expect(b.received.length).toBe(before);
    expect(b.datagrams.drops).toEqual({ replayed: 12 });
  });

  test("datagrams that overtake each other all arrive, as long as none is further behind than the window", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    const held: Packet[] = [];
    air.onPacket = (packet) => {
      held.push(packet);
      return undefined;
    };
    for (let nonce = 1; nonce <= replayWindow + 1; nonce++) {
      a.datagrams.send(b.datagrams.contact, ping(nonce));
      await air.quiet();
    }
    for (const packet of held.reverse()) air.deliver(packet);
    const nonces = b.received.slice(1).map(({ nonce }) => nonce);
    expect(nonces).toEqual(Array.from({ length: replayWindow }, (_, i) => replayWindow + 1 - i));
    expect(b.datagrams.drops).toEqual({ replayed: 1 }); // the very first: too far behind
  });

  test("the window against replays keeps exactly what a list of the last 64 would", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -70, max: 40 }), { maxLength: 200 }), (steps) => {
        const sessions = new DatagramSessions();
        const row = sessions.add("live", 1, 1);
        const seen = new Set<number>();
        let highest = 0;
        for (const step of steps) {
          const counter = Math.max(1, highest + step);
          const isNew = !seen.has(counter) && counter > highest - replayWindow;
          expect(sessions.isNew(row, counter)).toBe(isNew);
          if (!isNew) continue;
          expect(sessions.accept(row, counter, 1)).toBe(counter > highest);
          seen.add(counter);
          highest = Math.max(highest, counter);
        }
      }),
    );
  });

  test("mutated, cut and invented datagrams change nothing, and nobody is sent more than was sent in his name", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    a.datagrams.send(b.datagrams.contact, ping(3));
    await air.quiet();
    const recorded = air.packets.map(({ bytes }) => bytes);
    const mutation = fc.record({
      bytes: fc.constantFrom(...recorded),
      changes: fc.array(fc.record({ at: fc.nat(511), xor: fc.integer({ min: 1, max: 255 }) }), {
        minLength: 1,
        maxLength: 3,
      }),
      cut: fc.option(fc.nat(512)),
    });
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 1400 }),
      fc
        .tuple(fc.constantFrom(...Object.values(datagramCodes)), fc.uint8Array({ maxLength: 600 }))
        .map(([code, rest]) => Uint8Array.of(code, ...rest)),
      mutation.map(({ bytes, changes, cut }) => {
        const copy = bytes.slice();
        for (const { at, xor } of changes) copy[at % copy.length]! ^= xor;
        return cut === null ? copy : copy.subarray(0, cut);
      }),
    );
    // From the other end's own address, and from one that never said anything.
    const sources = [a.address, "10.6.6.6:1"] as const;
    const attack = fc.array(fc.tuple(hostile, fc.constantFrom(...sources)), { minLength: 1, maxLength: 20 });
    const received = b.received.length;
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(attack, async (packets) => {
        for (const [bytes, from] of packets) {
          if (from === sources[1]) sent += bytes.length;
          air.deliver({ bytes, from, to: b.address });
        }
        await air.quiet();
        expect(b.received.length).toBe(received);
        expect(air.bytesTo(sources[1])).toBeLessThanOrEqual(sent);
        expect(b.datagrams.sessionCount).toBe(1);
      }),
      { numRuns: Number(process.env["FUZZ_RUNS"] ?? 200) },
    );
    expect(b.datagrams.rowCount).toBeLessThanOrEqual(1 + 256);
    for (const reason of ["forged", "unknown-session", "unknown-kind"])
      expect(b.datagrams.drops[reason], reason).toBeGreaterThan(0);
    a.datagrams.send(b.datagrams.contact, ping(99));
    await air.quiet();
    expect(b.received.at(-1)).toEqual({ from: a.datagrams.contact, nonce: 99 });
  });

  test.each([
    ["welcome", 1000, greetingBytes],
    ["challenged", 0, challengeBytes],
  ])(
    "each datagram by itself is answered with at most as many bytes: hellos are %s",
    async (_what, rate, answer) => {
      const air = new Air();
      const [, b] = await acquainted(air, { maxUnprovenHellosPerSecond: rate });
      const hello = decodeGreeting(air.packets[0]!.bytes);
      const sealed = air.packets.find(({ bytes }) => bytes[0] === datagramCodes.sealed)!.bytes;
      const unknown = sealed.slice();
      unknown[2]! ^= 0xff; // a session that nobody has
      const cases: [Uint8Array, number][] = [
        [encodeGreeting({ ...hello, nonce: new Uint8Array(16).fill(1) }), answer],
        [unknown, sealedHeaderBytes],
        [unknown.slice(0, minSealedBytes), sealedHeaderBytes],
        [unknown.slice(0, minSealedBytes - 1), 0],
      ];
      for (const [i, [bytes, expected]] of cases.entries()) {
        const from = `10.6.6.${i}:1`;
        air.deliver({ bytes, from, to: b.address });
        expect(air.bytesTo(from)).toBe(expected);
        expect(expected).toBeLessThanOrEqual(bytes.length);
      }
    },
  );
});

// ---- Who is flooded -----------------------------------------------------------------------------------------------

describe("under load", () => {
  test("a hello must prove its address first, and does so by itself", async () => {
    const air = new Air();
    const [a, b] = await pair(air, { maxUnprovenHellosPerSecond: 0 });
    a.datagrams.send(b.datagrams.contact, ping(1));
    await air.quiet();
    const { hello, challenge, welcome, sealed } = datagramCodes;
    expect(air.packets.map(({ bytes }) => bytes[0])).toEqual([hello, challenge, hello, welcome, sealed]);
    expect(b.received.length).toBe(1);
  });

  test("a source that does not receive what is sent there makes nobody hold or compute anything", async () => {
    const air = new Air();
    const [a, b] = await pair(air, { ...quick, maxUnprovenHellosPerSecond: 0 });
    air.onPacket = ({ bytes, from, to }) => ({ bytes, from: from === a.address ? "10.6.6.6:1" : from, to });
    a.datagrams.send(b.datagrams.contact, ping(1));
    await until(() => a.unreachable.length === 1);
    expect(b.datagrams.rowCount).toBe(0);
    expect(air.packets.every(({ to, bytes }) => to !== "10.6.6.6:1" || bytes.length === challengeBytes)).toBe(
      true,
    );
    expect(b.datagrams.counters.challenges).toBeGreaterThan(0);
  });

  test("a cookie is worth nothing at another address", async () => {
    const air = new Air();
    const [a, b] = await pair(air, { maxUnprovenHellosPerSecond: 0 });
    a.datagrams.send(b.datagrams.contact, ping(1));
    await air.quiet();
    const proven = air.packets[2]!;
    const fresh = encodeGreeting({ ...decodeGreeting(proven.bytes), nonce: new Uint8Array(16).fill(1) });
    const rows = b.datagrams.rowCount;
    air.deliver({ bytes: fresh, from: "10.6.6.6:1", to: b.address });
    expect(b.datagrams.rowCount).toBe(rows);
    air.deliver({ bytes: fresh, from: proven.from, to: b.address });
    expect(b.datagrams.rowCount).toBe(rows + 1);
  });

  test("challenges that nobody asked for, or without end, are ignored", async () => {
    const air = new Air();
    const [a, b] = await pair(air, { ...quick, maxUnprovenHellosPerSecond: 0 });
    let challenges = 0;
    air.onPacket = (packet) => {
      if (packet.bytes[0] === datagramCodes.challenge) {
        challenges++;
        const useless = packet.bytes.slice();
        useless[30]! ^= 1;
        return { ...packet, bytes: useless };
      }
      return packet;
    };
    a.datagrams.send(b.datagrams.contact, ping(1));
    await until(() => a.unreachable.length === 1);
    expect(challenges).toBeGreaterThan(4);
    expect(a.datagrams.drops["too-many-challenges"]).toBeGreaterThan(0);
    // On a busy machine the last of them may have come when it was given up already.
    const late = a.datagrams.drops["unasked"] ?? 0;
    air.deliver({ bytes: air.packets[1]!.bytes, from: b.address, to: a.address });
    expect(a.datagrams.drops["unasked"]).toBe(late + 1);
  });

  test("hellos of one address beyond its rate are dropped", async () => {
    const air = new Air();
    const [, b] = await acquainted(air, { maxHellosPerSecond: 5 });
    const hello = decodeGreeting(air.packets[0]!.bytes);
    for (let i = 0; i < 50; i++) {
      const bytes = encodeGreeting({ ...hello, nonce: new Uint8Array(16).fill(i) });
      air.deliver({ bytes, from: `10.6.6.6:${1 + i}`, to: b.address });
    }
    expect(b.datagrams.drops["too-many-hellos"]).toBeGreaterThanOrEqual(40);
    expect(b.datagrams.rowCount).toBeLessThanOrEqual(10);
  });

  test("half-open sessions are bounded, and the honest one among them may still speak", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air, { maxUnprovenHellosPerSecond: 1000 });
    const hello = decodeGreeting(air.packets[0]!.bytes);
    for (let i = 0; i < 400; i++) {
      const nonce = new Uint8Array(16);
      nonce[0] = i;
      nonce[1] = i >>> 8;
      air.deliver({ bytes: encodeGreeting({ ...hello, nonce }), from: `10.6.6.6:${1 + i}`, to: b.address });
    }
    expect(b.datagrams.rowCount).toBe(1 + 256);
    expect(b.datagrams.drops["too-many-half-open"]).toBe(144);
    const c = await startNode(air);
    c.datagrams.send(b.datagrams.contact, ping(5));
    await air.quiet();
    expect(b.received.at(-1)?.nonce).toBe(5);
    expect(a.datagrams.sessionCount).toBe(1);
  });

  test("a session that sends faster than it may is cut to its rate", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    const slow = await startNode(air, { options: { maxDatagramsPerSecond: 10 } });
    for (let nonce = 1; nonce <= 100; nonce++) {
      a.datagrams.send(slow.datagrams.contact, ping(nonce));
      await air.quiet();
    }
    expect(slow.received.length).toBeGreaterThanOrEqual(10);
    expect(slow.received.length).toBeLessThan(40);
    expect(slow.received.length + slow.datagrams.drops["too-many-datagrams"]!).toBe(100);
    expect(b.datagrams.drops).toEqual({});
  });

  test("sessions are bounded: the least used goes, and hears of it", async () => {
    const air = new Air();
    const b = await startNode(air, { options: { maxSessions: 4 } });
    const others = [];
    for (let i = 0; i < 6; i++) {
      const other = await startNode(air);
      other.datagrams.send(b.datagrams.contact, ping(i));
      await air.quiet();
      others.push(other);
    }
    expect(b.datagrams.sessionCount).toBe(4);
    expect(b.datagrams.counters.evictions).toBe(2);
    expect(others.map(({ datagrams }) => datagrams.sessionCount)).toEqual([0, 0, 1, 1, 1, 1]);
  });

  test("a session that took long to open is not the one that goes", async () => {
    const air = new Air();
    const a = await startNode(air, { options: { maxSessions: 4 } });
    const others = [];
    for (let i = 0; i < 5; i++) others.push(await startNode(air));
    const slow = others[4]!;
    let held: Packet | undefined;
    air.onPacket = (packet) => {
      if (packet.from !== slow.address || held !== undefined) return packet;
      held = packet;
      return undefined;
    };
    a.datagrams.send(slow.datagrams.contact, ping(5));
    await air.quiet();
    for (const other of others.slice(0, 4)) a.datagrams.send(other.datagrams.contact, ping(1));
    await air.quiet();
    air.deliver(held!);
    await air.quiet();
    expect(slow.received.map(({ nonce }) => nonce)).toEqual([5]);
    expect(a.datagrams.sessionCount).toBe(4);
  });

  test("a source is an IPv4 address or the /64 of an IPv6 address", () => {
    expect(sourceOf("10.0.0.1")).toBe("10.0.0.1");
    expect(sourceOf("2001:db8:1:2::1")).toBe(sourceOf("2001:db8:1:2:3:4:5:6"));
    expect(sourceOf("2001:db8:1:2::1")).not.toBe(sourceOf("2001:db8:1:3::1"));
    expect(sourceOf("::1")).toBe("0:0:0:0");
    expect(sourceOf("2001::7:1:2:3:4:5")).toBe("2001:0:7:1");
  });

  test("of too many sources the one that is silent longest is forgotten", () => {
    const rates = new SourceRates(1, 2);
    expect([rates.admits("a", 5000), rates.admits("a", 5000), rates.admits("a", 5000)]).toEqual([
      true,
      true,
      false,
    ]);
    rates.admits("b", 5001);
    rates.admits("c", 5002);
    expect(rates.size).toBe(2);
    expect(rates.admits("a", 5003)).toBe(true);
  });
});

// ---- Nodes that start anew, move and go ---------------------------------------------------------------------------

describe("a node that", () => {
  test("starts anew says that it lacks the session, and is greeted again", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    await new Promise((resolve) => setTimeout(resolve, 1010)); // sooner, and it would be looked into later
    await b.datagrams.destroy();
    const [host, port] = hostAndPort(b.address);
    const again = await startNode(air, { identity: b.identity, listen: { host, port } });
    a.datagrams.send(b.datagrams.contact, ping(5)); // is lost: it was sealed for the session of before
    await air.quiet();
    a.datagrams.send(b.datagrams.contact, ping(6));
    await air.quiet();
    expect(again.received.map(({ nonce }) => nonce)).toEqual([6]);
    expect(again.datagrams.drops).toEqual({ "unknown-session": 1 });
  });

  test("is said to lack the session by somebody else keeps it", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    const header = air.packets[2]!.bytes.slice(0, sealedHeaderBytes);
    header[0] = datagramCodes.unknown;
    air.packets.length = 0;
    air.deliver({ bytes: header, from: "10.6.6.6:1", to: a.address });
    air.deliver({ bytes: header, from: b.address, to: a.address }); // seen on the way: too soon after the session began
    a.datagrams.send(b.datagrams.contact, ping(5));
    await air.quiet();
    expect(air.packets.map(({ bytes }) => bytes[0])).toEqual([datagramCodes.sealed]);
    expect(a.datagrams.drops).toEqual({ unasked: 1, "unknown-too-often": 1 });
    expect(b.received.at(-1)?.nonce).toBe(5);
  });

  test("gets another address from a router on the way is followed there, once it has shown that it receives there", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    const moved = "10.0.0.77:4444";
    const replace = (address: string) =>
      address === a.address ? moved : address === moved ? a.address : address;
    air.onPacket = ({ bytes, from, to }) => {
      if (from === a.address) return { bytes, from: replace(from), to };
      return to === a.address ? undefined : { bytes, from, to: replace(to) };
    };
    air.packets.length = 0;
    a.datagrams.send(b.datagrams.contact, ping(5));
    await air.quiet();
    const named = formatContact(a.identity.id, "10.0.0.77", 4444);
    b.datagrams.send(named, ping(6));
    await air.quiet();
    expect(a.received.at(-1)?.nonce).toBe(6);
    expect(b.datagrams.counters.moves).toBe(1);
    a.datagrams.send(b.datagrams.contact, ping(7));
    await air.quiet();
    expect(b.received.at(-1)).toEqual({ from: named, nonce: 7 });
    expect(b.datagrams.sessionCount).toBe(1);
  });

  test("is only copied by somebody at another address stays where it is", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    // The copy overtakes the original, and its sender cannot answer what he is asked.
    air.onPacket = (packet) => {
      if (packet.to === b.address && packet.bytes[0] === datagramCodes.sealed)
        air.deliver({ ...packet, from: "10.6.6.6:1" });
      return packet;
    };
    air.packets.length = 0;
    a.datagrams.send(b.datagrams.contact, ping(5));
    await air.quiet();
    expect(b.received.at(-1)).toEqual({ from: a.datagrams.contact, nonce: 5 });
    b.datagrams.send(a.datagrams.contact, ping(6));
    await air.quiet();
    expect(a.received.at(-1)?.nonce).toBe(6);
    expect(b.datagrams.counters.moves).toBe(0);
    const toThief = air.packets.filter(({ to }) => to === "10.6.6.6:1");
    expect(toThief.map(({ bytes }) => [bytes[0], bytes.length])).toEqual([
      [datagramCodes.control, minSealedBytes],
    ]);
    expect(air.packets[0]!.bytes.length).toBeGreaterThanOrEqual(minSealedBytes);
  });

  test("answers from elsewhere than where it was asked stays where it is", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    // A member who wants others to flood a third one: he receives at one address, and writes another one as sender.
    const victim = "10.0.0.99:99";
    let from = "10.0.0.77:4444";
    air.onPacket = (packet) => {
      if (packet.from === a.address) return { ...packet, from };
      from = victim;
      return { ...packet, to: a.address };
    };
    air.packets.length = 0;
    a.datagrams.send(b.datagrams.contact, ping(5));
    await air.quiet();
    b.datagrams.send(a.datagrams.contact, ping(6));
    await air.quiet();
    expect(b.datagrams.counters.moves).toBe(0);
    expect(b.datagrams.drops).toEqual({ unasked: 1 });
    const toVictim = air.packets.filter(({ to }) => to === victim);
    expect(toVictim.every(({ bytes }) => bytes.length === minSealedBytes)).toBe(true);
  });

  test("listens at another port in its next life is found there, although nobody told the session", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air, { sessionSilentMs: 20 });
    await b.datagrams.destroy();
    const again = await startNode(air, { identity: b.identity });
    let nonce = 10;
    await until(() => {
      a.datagrams.send(again.datagrams.contact, ping(nonce++));
      return again.received.length > 0;
    });
    expect(a.datagrams.sessionCount).toBe(1);
  });

  test("died is called unreachable, and its session is forgotten", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air, { ...quick, sessionSilentMs: 20 });
    await b.datagrams.destroy();
    await until(() => {
      a.datagrams.send(b.datagrams.contact, ping(1));
      return a.unreachable.length > 0;
    });
    expect(a.unreachable[0]).toBe(b.datagrams.contact);
    await until(() => a.datagrams.sessionCount === 0);
  });

  test("closes says goodbye: nothing of it is kept", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air);
    await a.datagrams.close();
    await air.quiet();
    expect([a.datagrams.rowCount, b.datagrams.rowCount]).toEqual([0, 0]);
  });

  test("is not used for long is forgotten at both ends", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air, { sessionIdleMs: 100 });
    await until(() => a.datagrams.rowCount + b.datagrams.rowCount === 0);
  });

  test("has kept its key long enough makes a new session with a new one", async () => {
    const air = new Air();
    const [a, b] = await acquainted(air, { sessionKeyLifetimeMs: 1000 });
    await new Promise((resolve) => setTimeout(resolve, 1010));
    a.datagrams.send(b.datagrams.contact, ping(5));
    await air.quiet();
    a.datagrams.send(b.datagrams.contact, ping(6));
    await air.quiet();
    expect(b.received.slice(-2).map(({ nonce }) => nonce)).toEqual([5, 6]);
    const keys = air.packets
      .filter(({ bytes, from }) => bytes[0] === datagramCodes.hello && from === a.address)
      .map(({ bytes }) => Buffer.from(decodeGreeting(bytes).sessionKey).toString("hex"));
    expect(new Set(keys).size).toBe(2);
    expect([a.datagrams.sessionCount, b.datagrams.sessionCount]).toEqual([1, 1]);
  });
});

test("two nodes talk over real UDP", async () => {
  const received: number[] = [];
  const make = async (onMessage: DatagramsConfig["onMessage"]) => {
    const datagrams = new Datagrams({
      codec: new Codec(),
      identity: createIdentity(),
      cluster: "test",
      isMember: () => true,
      onMessage,
    });
    open.push(datagrams);
    await datagrams.listen({ host: "127.0.0.1", port: 0 });
    return datagrams;
  };
  const a = await make(() => received.push(1));
  const b = await make((from) => b.send(from, ping(2)));
  a.send(b.contact, ping(1));
  await until(() => received.length === 1);
});

const exampleHello = {
  type: "hello" as const,
  answers: 0,
  session: 7,
  nonce: new Uint8Array(16).fill(2),
  advertised: "",
  proof: new Uint8Array(16),
};

function hostAndPort(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon), Number(address.slice(colon + 1))];
}
