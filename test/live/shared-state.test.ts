/** Shared state over TLS, between processes that are killed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { addNode, createCluster } from "../../src/node/cluster.ts";
import { join as joinNetwork, type Network, type StateChange } from "../../src/node/network.ts";
import { endPrograms, freePort, jsonOf, type Program, run, start } from "../support/program.ts";

const soon = { timeout: 20_000, interval: 20 };

let base: string;
let cluster: string;
let peers: Network[];

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "grapevine-state-"));
  cluster = join(base, "cluster");
  peers = [];
  const port = await freePort();
  await createCluster(cluster, { seeds: [{ host: "127.0.0.1", port }] });
  await startProgram("seed", "seed-1", ["--listen", `127.0.0.1:${port}`]);
});
afterEach(async () => {
  await endPrograms();
  for (const peer of peers) await peer.node.kill();
  rmSync(base, { recursive: true, force: true });
});

const inBase = () => ({ env: { XDG_RUNTIME_DIR: base } });

async function startProgram(role: "seed" | "peer", name: string, more: string[] = []): Promise<Program> {
  const folder = join(cluster, "nodes", name);
  await addNode(cluster, name).catch(() => {}); // it is there already: its second life
  const program = start([role, folder, ...more, "--no-screen"], inBase());
  await program.said(/control API at (http:\S+);/);
  return program;
}
const startPeer = (name: string) =>
  startProgram("peer", name, ["--messages", "0", "--state-interval", "300ms"]);

async function joinPeer(name: string): Promise<Network> {
  const folder = await addNode(cluster, name);
  const options = { state: { intervalMs: 300 } };
  const peer = await joinNetwork({ folder, options });
  peers.push(peer);
  return peer;
}

async function state(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(["state", ...args], inBase());
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return stdout.trimEnd();
}

async function keysOfCarol(): Promise<string[]> {
  const { entries } = jsonOf(await run(["state", "list", "--node", "carol", "--json"], inBase()));
  return entries.map(({ key }: { key: string }) => key).sort();
}

test("a peer that is alone has after kill -9 what it had when `set` and `delete` returned, certificates too", async () => {
  const dave = await startPeer("dave");
  await state("set", "--node", "dave", "kept", "for good");
  await state("set", "--node", "dave", "gone", "soon");
  await state("delete", "--node", "dave", "gone");
  await dave.kill(); // at once: nobody else lives from whom it could have it back

  const reborn = await startPeer("dave");
  expect(await state("get", "--node", "dave", "kept")).toBe("for good");
  const { entries } = jsonOf(await run(["state", "list", "--node", "dave", "--json"], inBase()));
  expect(entries.map(({ key }: { key: string }) => key)).toEqual(["kept"]);
  const [, api] = await reborn.said(/control API at (http:\S+);/);
  const metrics = await (await fetch(`${api}/metrics`)).text();
  expect(metrics).toContain('grapevine_state_keys{node="dave",kind="value"} 1');
  expect(metrics).toContain('grapevine_state_keys{node="dave",kind="deleted"} 1');
});

test("what one sets, others have, with its name; what was deleted stays so, though a peer that slept comes back with it", async () => {
  const [alice, bob] = await Promise.all([joinPeer("alice"), joinPeer("bob")]);
  const carol = await startPeer("carol");
  const changes: StateChange[] = [];
  const listening = (async () => {
    for await (const change of bob.stateChanges()) changes.push(change);
  })();
  await alice.state.set("color", "green");
  await alice.state.set("logo", new Uint8Array([0, 255, 10]));
  await vi.waitFor(() => expect(bob.state.get("logo")).toEqual(new Uint8Array([0, 255, 10])), soon);
  expect(bob.state.get("color")).toBe("green");
  expect(bob.state.entry("color")).toMatchObject({ writer: alice.self.id, at: expect.any(Date) });
  await vi.waitFor(async () => expect(await keysOfCarol()).toEqual(["color", "logo"]), soon);

  await state("set", "--node", "carol", "color", "blue");
  await vi.waitFor(() => expect(alice.state.get("color")).toBe("blue"), soon);
  await vi.waitFor(() => expect(bob.state.get("color")).toBe("blue"), soon);
  await bob.state.set("gone", "soon");
  await vi.waitFor(async () => expect(await state("get", "--node", "carol", "gone")).toBe("soon"), soon);
  // Carol sleeps through the deletion, and all others are killed after it.
  await carol.kill();
  expect(await alice.state.delete("gone")).toBe(true);
  expect(await alice.state.delete("gone")).toBe(false);
  await vi.waitFor(() => expect(bob.state.get("gone")).toBeUndefined(), soon);
  expect(bob.state.size).toBe(2);
  await bob.node.kill();
  await alice.node.kill();
  await listening;
  expect(changes.map(({ key, value }) => [key, value])).toEqual(
    expect.arrayContaining([
      ["color", "green"],
      ["color", "blue"],
      ["gone", undefined],
    ]),
  );

  const reborn = await joinNetwork({
    folder: join(cluster, "nodes", "alice"),
    options: { state: { intervalMs: 300 } },
  });
  peers.push(reborn);
  expect([...reborn.state.entries()].map(({ key, value }) => [key, value]).sort()).toEqual([
    ["color", "blue"],
    ["logo", new Uint8Array([0, 255, 10])],
  ]);
  await startPeer("carol");
  await vi.waitFor(async () => expect(await keysOfCarol()).toEqual(["color", "logo"]), soon);
  expect(reborn.state.get("gone")).toBeUndefined();
  // Carol's write is hers, though she has lived twice since.
  expect(reborn.state.entry("color")!.writer).not.toBe(alice.self.id);
});
