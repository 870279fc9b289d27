import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { identityOf, type NodeId, portOf } from "../core/index.ts";
import type { Address, DatagramSocket } from "../transport/index.ts";
import { HeldSocket } from "./held-socket.ts";
import { createIdentity } from "./identity.ts";
import { GrapevineNode, type NodeOptions } from "./node.ts";

const running: GrapevineNode[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.kill()));
});

const pingIntervalMs = 100;

async function start(
  role: "seed" | "peer",
  name: string,
  seeds: Address[],
  links: NodeOptions["links"] = {},
): Promise<GrapevineNode> {
  const node = await GrapevineNode.start({
    role,
    name,
    identity: createIdentity(),
    security: { type: "plaintext" },
    listen: { host: "127.0.0.1", port: 0 },
    seeds,
    options: {
      heartbeat: { pingIntervalMs },
      registration: { refreshIntervalMs: 1000 },
      source: { messages: 0 },
      links,
    },
  });
  running.push(node);
  return node;
}

/** Everybody is everybody's neighbor, and the seed knows it: it counts only what neighbors report. */
async function network(peers: number) {
  const seed = await start("seed", "seed-1", []);
  const address = { host: "127.0.0.1", port: portOf(seed.contact) };
  const nodes: GrapevineNode[] = [];
  for (let i = 1; i <= peers; i++) nodes.push(await start("peer", `peer-${i}`, [address]));
  const of = seed.seed!;
  await until(() => of.list.length === peers && of.list.every(({ witnesses }) => witnesses === peers - 1));
  return { seed, nodes, address };
}

async function until(condition: () => boolean, limitMs = 10_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`it did not happen within ${limitMs} ms`);
    await pause(10);
  }
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What the node says from now on, by type. */
function heard(node: GrapevineNode): string[] {
  const types: string[] = [];
  node.onNotice((_at, _layer, notice) => types.push(notice.type));
  return types;
}

const knows = ({ seed }: GrapevineNode, peer: NodeId) =>
  seed!.list.some((one) => identityOf(one.peer) === identityOf(peer));

describe("a node that hangs", () => {
  test("says and notices nothing, keeps its connections, and is suspected", async () => {
    const { nodes } = await network(3);
    const [hanging, other] = nodes as [GrapevineNode, GrapevineNode];
    const own = heard(hanging);
    const others = heard(other);
    const links = hanging.links.linkCount;
    hanging.pause();
    expect(hanging.isPaused).toBe(true);
    await pause(10); // what was said in the same turn, before, is written at its end
    const { framesSent, framesReceived } = hanging.links.counters;
    await until(() => others.includes("ping-missed"));
    expect(own).toEqual([]);
    expect(hanging.links.linkCount).toBe(links);
    expect(hanging.links.counters).toMatchObject({ framesSent, framesReceived });
    await expect(hanging.publish("hello")).rejects.toThrow("resume it first");
    await expect(hanging.leave()).rejects.toThrow("resume it first");
  });

  test("gets, once it goes on, what was said meanwhile, and in order", async () => {
    const { nodes } = await network(3);
    const [hanging, other] = nodes as [GrapevineNode, GrapevineNode];
    const payloads: unknown[] = [];
    hanging.onNotice((_at, _layer, notice) => {
      if (notice.type === "delivered") payloads.push(notice["payload"]);
    });
    hanging.pause();
    const said = Array.from({ length: 50 }, (_, i) => `message ${i}`);
    for (const text of said) await other.publish(text);
    await pause(pingIntervalMs);
    expect(payloads).toEqual([]);
    hanging.resume();
    await until(() => payloads.length === said.length);
    expect(payloads).toEqual(said);
    expect(hanging.isPaused).toBe(false);
  });

  test("reads nothing either of what it was reading slowly", async () => {
    const { nodes, address } = await network(2);
    const slow = await start("peer", "slow", [address], { maxFramesPerSecond: 50 });
    await until(() => slow.neighbors().length === 2);
    const { counters, drops } = slow.links;
    const before = drops["slowed-down"] ?? 0;
    for (let i = 0; i < 40; i++) {
      await nodes[0]!.publish(`message ${i}`);
      await pause(1); // a frame of its own
    }
    await until(() => (drops["slowed-down"] ?? 0) > before);
    slow.pause();
    const { framesReceived } = counters;
    await pause(1000);
    expect(counters.framesReceived).toBe(framesReceived);
    slow.resume();
    await until(() => slow.peer!.broadcast.counters.delivered === 40);
  });

  test("is removed when it hangs for too long, and comes back by itself", async () => {
    const { seed, nodes } = await network(4);
    const [hanging] = nodes as [GrapevineNode];
    const before = hanging.peer!.standing.incarnation;
    hanging.pause();
    await until(() => !knows(seed, hanging.contact));
    hanging.resume();
    await until(() => knows(seed, hanging.contact) && hanging.neighbors().length > 0);
    expect(hanging.peer!.standing.incarnation).toBeGreaterThan(before);
  });

  test("can be killed and closed, and what was waiting is forgotten", async () => {
    const { nodes } = await network(3);
    const [killed, closed] = nodes as [GrapevineNode, GrapevineNode];
    for (const node of [killed, closed]) node.pause();
    await pause(2 * pingIntervalMs);
    const types = heard(killed);
    const startedAt = performance.now();
    await Promise.all([killed.kill(), closed.close()]);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    killed.resume();
    expect(types.filter((type) => type !== "link-closed")).toEqual(["stopped"]);
    expect(killed.isPaused).toBe(false);
  });

  test("accepts whoever dialled it meanwhile only when it goes on", async () => {
    const { seed, address } = await network(3);
    seed.pause();
    const { accepted } = seed.links.counters;
    const late = await start("peer", "late", [address]);
    await pause(200);
    expect(seed.links.counters.accepted).toBe(accepted);
    expect(late.peer!.introducers).toEqual([]);
    seed.resume();
    expect(seed.links.counters.accepted).toBeGreaterThan(accepted);
    await until(() => knows(seed, late.contact));
  });

  test("keeps no more callers waiting than it would greet, and none who has hung up", async () => {
    const node = await start("seed", "seed-1", [], { maxPendingHellos: 5 });
    const call = () => {
      const socket = connect({ host: "127.0.0.1", port: portOf(node.contact) }).on("error", () => {});
      sockets.push(socket);
      return socket;
    };
    const sockets: Socket[] = [];
    node.pause();
    const { drops, counters } = node.links;
    for (let i = 0; i < 8; i++) call();
    await until(() => drops["held-too-many"] === 3);
    for (const socket of sockets.splice(0)) socket.destroy();
    await until(() => node.links.config.transport.connectionCount === 0);
    for (let i = 0; i < 5; i++) call();
    await until(() => node.links.config.transport.connectionCount === 5);
    expect(drops["held-too-many"]).toBe(3);
    node.resume();
    expect(counters.accepted).toBe(5);
    for (const socket of sockets) socket.destroy();
  });
});

describe("a port whose node hangs", () => {
  class Wire implements DatagramSocket {
    readonly local = { host: "127.0.0.1", port: 1 };
    readonly sent: string[] = [];
    onDatagram = (_bytes: Uint8Array, _host: string, _port: number) => {};
    send(bytes: Uint8Array): boolean {
      this.sent.push(String(bytes));
      return true;
    }
    resolve = async (host: string) => host;
    close = async () => {};
  }

  test("keeps what comes, in order and no more than a kernel would, and sends nothing", () => {
    const wire = new Wire();
    let dropped = 0;
    const socket = new HeldSocket(wire, () => dropped++);
    const heardBytes: number[] = [];
    socket.onDatagram = (bytes) => heardBytes.push(bytes[0]!);
    socket.pause();
    for (let i = 0; i < 250; i++) wire.onDatagram(new Uint8Array(1000).fill(i), "127.0.0.1", 2);
    expect(socket.send(new Uint8Array(1), "127.0.0.1", 2)).toBe(false);
    expect([heardBytes, wire.sent]).toEqual([[], []]);
    socket.resume();
    expect(heardBytes).toEqual(Array.from({ length: 212 }, (_, i) => i));
    expect(dropped).toBe(38);
    wire.onDatagram(new Uint8Array([7]), "127.0.0.1", 2);
    expect(heardBytes.at(-1)).toBe(7);
    expect(socket.send(new Uint8Array(1), "127.0.0.1", 2)).toBe(true);
  });
});
