/** Lookup and store in live networks, whose peers are killed and come back with what they have on disk. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { identityOf, type LookupStep } from "../../src/core/index.ts";
import { areRoutersFormed, LocalNetwork, measureLookups } from "../../src/lab/index.ts";
import type { IssuedIdentity } from "../../src/lab/local-network.ts";
import {
  ephemeralCluster,
  type GrapevineNode,
  type OperationResult,
  StoreFailure,
} from "../../src/node/index.ts";
import { DiskStore } from "../../src/node/store.ts";

const soon = { timeout: 30_000, interval: 50 };
const peers = 16;
export interface LiveLookupCase {
  readonly router: "kademlia" | "chord" | "pastry";
  readonly over: "tls" | "udp";
}

/** What every router keeps over every carrier, among peers in one process. */
export function liveLookupContract(cases: readonly LiveLookupCase[]): void {
  describe.each(cases)("$router over $over", keeps);
}

function keeps({ router, over }: LiveLookupCase): void {
  let base: string;
  let network: LocalNetwork;
  /** What was acknowledged and not deleted since. */
  const acknowledged = new Map<string, string>();
  const dataFolder = (name: string) => join(base, name);
  const peer = (number: number): GrapevineNode => network.livePeers[number % network.livePeers.length]!;

  beforeAll(async () => {
    base = mkdtempSync(join(tmpdir(), "grapevine-lookup-"));
    const cluster = await ephemeralCluster("local");
    const issued = new Map<string, Promise<IssuedIdentity>>();
    const { caPem, memberKey } = cluster;
    network = await LocalNetwork.start({
      seeds: 1,
      peers,
      // Whoever comes back is who it was.
      issue: (name) => {
        if (!issued.has(name))
          issued.set(
            name,
            cluster.issue(name).then((identity) => ({ identity, caPem, memberKey })),
          );
        return issued.get(name)!;
      },
      dataFolder,
      options: {
        source: { messages: 0 },
        heartbeat: { pingIntervalMs: 1000 },
        lookup: { router, over },
        kademlia: { persistMs: 1000, upkeepMs: 500 },
        chord: { persistMs: 1000 },
        pastry: { persistIntervalMs: 1000 },
      },
    });
  });
  afterAll(async () => {
    await network?.close();
    rmSync(base, { recursive: true, force: true });
  });

  async function expectAll(): Promise<void> {
    const names = [...acknowledged.keys()];
    const found = await Promise.all(names.map((name, i) => peer(3 * i + 1).get(name)));
    const texts = Object.fromEntries(names.map((name, i) => [name, found[i]?.text]));
    expect(texts).toEqual(Object.fromEntries(acknowledged));
  }

  /** Soon: a machine that is busy with something else lets nodes be silent for a while. */
  async function allFound(lookups: number) {
    return await vi.waitFor(async () => {
      const figures = await measureLookups(network.livePeers, lookups);
      expect(figures.success).toBe(1);
      return figures;
    }, soon);
  }

  async function formed(): Promise<void> {
    await vi.waitFor(() => expect(areRoutersFormed(network.livePeers)).toBe(true), soon);
  }

  test("lookups find who is responsible", async () => {
    const { lookups, hops } = await allFound(60);
    expect(lookups).toBe(60);
    expect(hops.mean).toBeGreaterThan(0);
    expect(hops.max).toBeLessThanOrEqual(6);
    const datagrams = network.livePeers.map((one) => one.datagrams?.counters.messagesReceived ?? 0);
    if (over === "udp") expect(Math.min(...datagrams)).toBeGreaterThan(0);
    else expect(Math.max(...datagrams)).toBe(0);
  });

  test("the way is told as it is taken: each step begins, and ends as the report says", async () => {
    const wanted = String(identityOf(peer(9).contact));
    const run = peer(0).lookup(wanted.toUpperCase());
    expect(run.key).toBe(wanted);
    const told = new Map<number, LookupStep[]>();
    for await (const { index, step } of run) told.set(index, [...(told.get(index) ?? []), step]);
    const report = await run.report;
    expect(report).toMatchObject({ key: wanted, outcome: "found" });
    expect(report.closest[0]?.node).toBe(peer(9).contact);
    expect([...told.keys()].sort((a, b) => a - b)).toEqual(report.path.map((_, i) => i));
    for (const [index, steps] of told) {
      expect(steps[0]).toMatchObject({ outcome: "asked", answeredAt: undefined });
      expect(steps.at(-1)).toEqual(report.path[index]);
    }
  });

  test("what one puts, others get, whatever its kind; what is deleted is gone", async () => {
    const names = Array.from({ length: 24 }, (_, i) => `name ${i}`);
    const results = await Promise.all(names.map((name, i) => peer(i).put(name, `value of ${name}`)));
    for (const { outcome, replicas, needed } of results) {
      expect(outcome).toBe("stored");
      expect(replicas).toHaveLength(8);
      expect(needed).toBe(5);
    }
    for (const name of names) acknowledged.set(name, `value of ${name}`);
    await expectAll();

    const bytes = Buffer.from([0, 255, 10]);
    const putting = peer(1).put("raw", bytes);
    bytes.fill(7); // it is the caller's again
    await putting;
    expect((await peer(2).get("raw"))?.value).toEqual(Uint8Array.of(0, 255, 10));
    const own = await peer(3).put("mine", "only I", { kind: "owned" });
    const found = await peer(4).get("mine", { kind: "owned", owner: identityOf(peer(3).contact) });
    expect(found).toMatchObject({ text: "only I", key: own.key, writer: identityOf(peer(3).contact) });
    expect(await peer(4).get("mine", { kind: "owned" }), "each has its own").toBeUndefined();
    // More than any datagram holds.
    const long = "long ".repeat(8000);
    const { key } = await peer(5).put("", long, { kind: "immutable" });
    expect((await peer(6).get(key, { kind: "immutable" }))?.text).toBe(long);

    for (const name of ["name 0", "name 1"]) {
      expect(await peer(7).delete(name)).toBe(true);
      acknowledged.delete(name);
      expect(await peer(8).get(name)).toBeUndefined();
    }
    expect(await peer(7).delete("nobody's")).toBe(false);
  });

  test("of two who change the same state one wins, and the other learns what is there", async () => {
    const first = await peer(0).put("contested", "one");
    const attempts = await Promise.allSettled(
      [1, 2].map((i) => peer(i).put("contested", `by ${i}`, { cas: first.sequence })),
    );
    const won = attempts.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const lost = attempts.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    expect(won).toHaveLength(1);
    expect(lost).toHaveLength(1);
    expect(lost[0]).toBeInstanceOf(StoreFailure);
    expect(["conflict", "contended"]).toContain((lost[0] as StoreFailure).result.outcome);
    const now = (await peer(3).get("contested"))!;
    expect(now.sequence).toBe((won[0] as OperationResult).sequence);
    await expect(peer(4).put("contested", "too late", { cas: first.sequence })).rejects.toThrow(
      `put: another record is there, with sequence ${now.sequence}; nothing was written`,
    );
    expect((await peer(5).get("contested"))?.text).toBe(now.text);
    acknowledged.set("contested", now.text);
  });

  test("a signal ends a lookup and a get, at once and for good", async () => {
    const asker = peer(0);
    const endings: string[] = [];
    const stop = asker.onNotice((_at, _layer, { type, asker: who }) => {
      if ((type === "lookup-ended" && who === "user") || type === "store-ended") endings.push(type);
    });
    const reason = new Error("changed my mind");
    const controller = new AbortController();
    const run = asker.lookup(String(identityOf(peer(9).contact)), { signal: controller.signal });
    const iterating = (async () => {
      for await (const _ of run) controller.abort(reason);
    })();
    await expect(iterating).rejects.toBe(reason);
    await expect(run.report).rejects.toBe(reason);
    const getting = new AbortController();
    const got = asker.get("name 5", { signal: getting.signal });
    getting.abort(reason);
    await expect(got).rejects.toBe(reason);
    await expect(asker.lookup("x", { signal: getting.signal }).report).rejects.toBe(reason);
    await expect(asker.put("x", "y", { signal: getting.signal })).rejects.toBe(reason);
    // What comes after it is answered; so nothing of the others is to come.
    expect((await asker.get("name 5"))?.text).toBe("value of name 5");
    stop();
    expect(endings).toEqual(["store-ended"]);
    expect(asker.peer!.routing!.store.operations).toBe(0);
  });

  test("a third is killed: all values are still there, and can be changed", async () => {
    const victims = network.livePeers.filter((_, i) => i % 3 === 1);
    expect(victims).toHaveLength(5);
    await Promise.all(victims.map((victim) => victim.kill()));
    await expectAll();
    const { outcome } = await peer(2).put("name 2", "changed");
    expect(outcome).toBe("stored");
    acknowledged.set("name 2", "changed");
    await expectAll();
    const stopped = victims[0]!;
    expect(() => stopped.lookup("x")).toThrow("lookup: this node has stopped");
    await expect(stopped.get("x")).rejects.toThrow("get: this node has stopped");
  });

  test("all are killed and come back with their disks: all that was acknowledged is there, deletions too", async () => {
    const pending = peer(0).lookup("whatever").report;
    const names = network.peers.map(({ name }) => name);
    await Promise.all(network.livePeers.map((one) => one.kill()));
    await pending.catch((error: Error) => expect(error.message).toBe("lookup: the node has stopped"));
    expect(network.livePeers).toHaveLength(0);
    for (const name of names) await network.addPeer({ name });
    await formed();
    await expectAll();
    for (const name of ["name 0", "name 1"]) expect(await peer(4).get(name)).toBeUndefined();
    await allFound(30);
  });

  test("with all seeds dead, a peer finds the network again by its table alone", async () => {
    const { name } = peer(6);
    const others = network.livePeers.filter((one) => one.name !== name);
    await vi.waitFor(async () => expect(network.livePeers.every(hasTableToSave)).toBe(true), soon);
    await new Promise((resolve) => setTimeout(resolve, 1500)); // tables are written every second
    await Promise.all([peer(6), ...network.liveSeeds].map((one) => one.kill()));
    const disk = await DiskStore.open(
      dataFolder(name),
      (text) => expect.unreachable(text),
      (error) => expect.unreachable(error.message),
    );
    const keys = (await disk.entries("")).map(([key]) => key);
    expect(keys).toContain(`${router}/table`);
    // Nobody else may tell it whom to ask.
    for (const key of keys) if (key.startsWith("introduction/")) disk.put(key, undefined);
    await disk.close();

    const joined: unknown[] = [];
    const reborn = await network.addPeer({
      name,
      onNotice: (_at, _layer, { type }) => {
        if (type === "router-joined" || type === "warning") joined.push(type);
      },
    });
    expect(reborn.members()).toEqual([]);
    await vi.waitFor(() => expect(joined).toEqual(["router-joined"]), soon);
    const names = [...acknowledged.keys()].slice(0, 6);
    const found = await Promise.all(names.map((one) => reborn.get(one)));
    expect(found.map((one) => one?.text)).toEqual(names.map((one) => acknowledged.get(one)));
    const report = await reborn.lookup(String(identityOf(others[0]!.contact))).report;
    expect(report.closest[0]?.node).toBe(others[0]!.contact);
  });
}

function hasTableToSave({ router }: GrapevineNode): boolean {
  return router!.size > 0;
}
