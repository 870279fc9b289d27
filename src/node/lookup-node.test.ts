import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { addressOf, compareXor, identityOf, type Key, keyOfName } from "../core/index.ts";
import { ephemeralCluster } from "./cluster.ts";
import { createIdentity } from "./identity.ts";
import { LookupNode, type LookupNodeConfig } from "./lookup-node.ts";

const running: LookupNode[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function start(config: Partial<LookupNodeConfig> = {}): Promise<LookupNode> {
  const node = await LookupNode.start({
    identity: createIdentity(),
    security: { type: "plaintext" },
    listen: { host: "127.0.0.1", port: 0 },
    ...config,
  });
  running.push(node);
  return node;
}

/** So many nodes; each joins through one that is there already, and knows nothing of it but its address. */
async function network(count: number, config: Partial<LookupNodeConfig> = {}): Promise<LookupNode[]> {
  const nodes = [await start(config)];
  while (nodes.length < count) {
    const through = nodes[Math.floor(nodes.length / 2)]!;
    const node = await start({ ...config, bootstrap: [addressOf(through.contact)] });
    await node.joined;
    nodes.push(node);
  }
  return nodes;
}

function keysOf(nodes: readonly LookupNode[]): Key[] {
  return nodes.map(({ contact }) => String(identityOf(contact)));
}

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "grapevine-lookup-"));
  folders.push(folder);
  return folder;
}

/** After `condition` holds; fails the test otherwise. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error("it did not happen within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("lookup nodes", () => {
  test("find from anywhere the eight that are nearest to a key", async () => {
    const nodes = await network(24);
    for (const [i, node] of nodes.entries()) {
      const key = keyOfName(`song ${i}`);
      const nearest = keysOf(nodes)
        .sort((a, b) => compareXor(key, a, b))
        .slice(0, 8);
      const report = await node.lookup(`song ${i}`).report;
      expect(report.outcome).toBe("found");
      expect(report.closest.map((contact) => contact.key)).toEqual(nearest);
    }
  });

  test("tell each step of a lookup while it is taken", async () => {
    const nodes = await network(5);
    const run = nodes[4]!.lookup("song");
    const asked = new Set<unknown>();
    for await (const { step } of run) asked.add(step.node);
    expect(asked.size).toBe((await run.report).asked);
    expect(asked.size).toBeGreaterThan(0);
  });

  test("keep what was put when a third of them is killed, and forget what was deleted", async () => {
    const nodes = await network(12);
    for (let i = 0; i < 5; i++) await nodes[i]!.put(`name ${i}`, `value ${i}`);
    await Promise.all(nodes.slice(0, 4).map((node) => node.kill()));
    for (let i = 0; i < 5; i++) {
      const found = await nodes[11 - i]!.get(`name ${i}`);
      expect(found?.text).toBe(`value ${i}`);
    }
    expect(await nodes[5]!.delete("name 0")).toBe(true);
    expect(await nodes[7]!.get("name 0")).toBeUndefined();
  });

  test("that left with their disk come back without anybody's address", async () => {
    const nodes = await network(6);
    const [folder, identity] = [dataFolder(), createIdentity()];
    const one = await start({ identity, dataFolder: folder, bootstrap: [addressOf(nodes[0]!.contact)] });
    await one.joined;
    await one.lookup("anything").report;
    await one.leave();
    const again = await start({ identity, dataFolder: folder });
    await again.joined;
    expect((await again.lookup("anything").report).closest.length).toBe(7);
  });

  test("join through whoever answers first, though other addresses are dead", async () => {
    const [first] = await network(2);
    const node = await start({ bootstrap: ["127.0.0.1:1", addressOf(first!.contact)] });
    await node.joined;
    expect(node.router!.size).toBeGreaterThan(0);
  });

  test("answer members of their cluster only", async () => {
    const [ours, theirs] = [await ephemeralCluster(), await ephemeralCluster()];
    const security = { type: "tls" as const, caPem: ours.caPem, memberKey: ours.memberKey };
    const first = await start({ identity: await ours.issue("a"), security });
    const bootstrap = [addressOf(first.contact)];
    const member = await start({ identity: await ours.issue("b"), security, bootstrap });
    await member.joined;
    const stranger = await start({
      identity: await theirs.issue("c"),
      security: { ...security, memberKey: theirs.memberKey },
      bootstrap,
      options: { datagrams: { greetingTimeoutMs: 200 } },
    });
    await until(() => stranger.datagrams.counters.greetingFailures > 0);
    expect(first.datagrams.drops["not-a-member"]).toBeGreaterThan(0);
    expect([first.datagrams.sessionCount, stranger.datagrams.sessionCount]).toEqual([1, 0]);
    expect(stranger.router!.size).toBe(0);
  });

  test("do not hear from nodes of another cluster name", async () => {
    const first = await start({ cluster: "one" });
    const other = await start({ cluster: "two", bootstrap: [addressOf(first.contact)] });
    await until(() => (first.datagrams.drops["wrong-cluster"] ?? 0) > 0);
    expect(other.router!.size).toBe(0);
  });
});

describe("a lookup node", () => {
  test("alone says so, and finds itself", async () => {
    const node = await start();
    await node.joined;
    const report = await node.lookup("song").report;
    expect(report.outcome).toBe("alone");
    expect(report.closest.map(({ key }) => key)).toEqual(keysOf([node]));
  });

  test("ends a lookup when its signal says so", async () => {
    const [first, second] = await network(2);
    await first!.kill();
    const signal = AbortSignal.timeout(20);
    await expect(second!.lookup("song", { signal }).report).rejects.toThrow(/timeout/);
  });

  test("that has stopped refuses, and whoever waits for it to join hears of it", async () => {
    const node = await start({ bootstrap: ["127.0.0.1:1"] });
    const joined = node.joined;
    await node.close();
    await expect(joined).rejects.toThrow(/stopped/);
    expect(() => node.lookup("song")).toThrow(/stopped/);
    await node.close(); // twice is no error
    await node.leave();
  });

  test("refuses a value that no datagram holds, and takes one that just fits", async () => {
    const nodes = await network(3);
    const most = nodes[0]!.datagrams.maxFrameBytes - 360;
    await expect(nodes[0]!.put("n", "x".repeat(most))).rejects.toThrow(/value: with its name \d+ bytes/);
    await nodes[0]!.put("n", "x".repeat(most - 1));
    expect((await nodes[2]!.get("n"))?.text.length).toBe(most - 1);
    for (const { datagrams } of nodes) expect(datagrams.drops["oversized"]).toBeUndefined();
  });

  test.each(["nowhere", "10.0.0.1:0", "10.0.0.1:65536", "abc@10.0.0.1:9", "10.0.0.1:9x", ":9", "::1:9"])(
    "refuses to join through %s",
    async (address) => {
      await expect(start({ bootstrap: [address] })).rejects.toThrow(/bootstrap: .* is neither/);
    },
  );

  test("refuses to be called at all addresses at once", async () => {
    await expect(start({ listen: { host: "0.0.0.0", port: 0 } })).rejects.toThrow(/advertise/);
  });

  test("refuses a port that somebody has", async () => {
    const { contact } = await start();
    const port = Number(addressOf(contact).split(":")[1]);
    await expect(start({ listen: { host: "127.0.0.1", port } })).rejects.toThrow(/already in use/);
  });
});
