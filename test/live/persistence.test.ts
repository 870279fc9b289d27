/** What nodes remember when their processes are killed, and what they do when their memory is spoilt. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { addNode, createCluster } from "../../src/node/cluster.ts";
import { join as joinNetwork, type Network } from "../../src/node/network.ts";
import { DiskStore } from "../../src/node/store.ts";
import { endPrograms, freePort, type Program, run, start } from "../support/program.ts";

const soon = { timeout: 20_000, interval: 20 };

let base: string;
let cluster: string;
let seedPorts: number[];
let peers: Network[];

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "grapevine-persistence-"));
  cluster = join(base, "cluster");
  peers = [];
  seedPorts = [await freePort(), await freePort()];
  await createCluster(cluster, { seeds: seedPorts.map((port) => ({ host: "127.0.0.1", port })) });
});
afterEach(async () => {
  await endPrograms();
  for (const peer of peers) await peer.node.kill();
  rmSync(base, { recursive: true, force: true });
});

/** A seed in a process of its own, when it is there. */
async function startSeed(index: number): Promise<Node> {
  const folder = join(cluster, "nodes", `seed-${index + 1}`);
  if (!existsSync(folder)) await addNode(cluster, basename(folder));
  return await startNode("seed", folder, ["--listen", `127.0.0.1:${seedPorts[index]}`]);
}

async function startNode(role: "seed" | "peer", folder: string, more: string[] = []): Promise<Node> {
  const program = start([role, folder, ...more, "--no-screen"], { env: { XDG_RUNTIME_DIR: base } });
  const [, api] = await program.said(/control API at (http:\S+);/);
  return new Node(folder, program, api!);
}

class Node {
  readonly folder: string;
  readonly program: Program;
  readonly #api: string;

  constructor(folder: string, program: Program, api: string) {
    this.folder = folder;
    this.program = program;
    this.#api = api;
  }

  get log(): string {
    return readFileSync(join(this.folder, "outputfile.txt"), "utf8");
  }

  /** Waits until its store holds these bytes (LevelDB's newest files are not compressed), as a kill would find it. */
  async hasWritten(...needles: readonly Buffer[]): Promise<void> {
    const data = join(this.folder, "data");
    await vi.waitFor(() => {
      const logs = readdirSync(data).filter((name) => name.endsWith(".log"));
      const bytes = Buffer.concat(logs.map((name) => readFileSync(join(data, name))));
      for (const needle of needles) expect(bytes.includes(needle), needle.toString()).toBe(true);
    }, soon);
  }
  async ask(path: string): Promise<any> {
    const response = await fetch(`${this.#api}/v1/${path}`, { signal: AbortSignal.timeout(5000) });
    return await response.json();
  }
  async members(): Promise<string[]> {
    const { members } = await this.ask("nodes/-/members");
    return members.map(({ peer }: { peer: string }) => peer).sort();
  }
  async status(): Promise<any> {
    return (await this.ask("status")).nodes[0];
  }
}

async function joinPeer(name: string): Promise<Network> {
  const peer = await joinNetwork({ folder: await addNode(cluster, name) });
  peers.push(peer);
  return peer;
}

function idOf({ self }: Network): Buffer {
  return Buffer.from(self.id, "hex");
}

function contacts(of: readonly Network[]): string[] {
  return of.map(({ node }) => String(node.contact)).sort();
}

describe("kill -9", () => {
  test("a seed has its list back from its disk at once, though no other seed and no peer lives to tell it", async () => {
    const seeds = [await startSeed(0), await startSeed(1)];
    for (const name of ["alice", "bob", "carol"]) await joinPeer(name);
    const all = contacts(peers);
    for (const seed of seeds) await vi.waitFor(async () => expect(await seed.members()).toEqual(all), soon);
    await Promise.all([
      ...seeds.map(({ program }) => program.kill()),
      ...peers.map(({ node }) => node.kill()),
    ]);

    const reborn = await startSeed(0);
    expect(await reborn.members(), "in its first answer").toEqual(all);
    const { registrations } = await reborn.status();
    expect(registrations).toBe(0);
    expect(reborn.log).not.toContain("Warning");
  });

  test("a peer has its identity, its contacts and its messages, and finds its neighbors though no seed lives", async () => {
    const seeds = await Promise.all([startSeed(0), startSeed(1)]);
    const [alice, bob] = await Promise.all([joinPeer("alice"), joinPeer("bob")]);
    const folder = await addNode(cluster, "phoenix");
    const quiet = ["--messages", "0", "--refresh-interval", "10m"];
    const phoenix = await startNode("peer", folder, quiet);
    const before = await vi.waitFor(async () => {
      const status = await phoenix.status();
      expect(status.neighbors).toBe(2);
      expect(status.knownPeers).toBe(2);
      return status;
    }, soon);
    await alice.publish("remember this");
    await bob.publish("and this");
    await phoenix.hasWritten(...["remember this", "and this"].map((text) => Buffer.from(text)));
    await phoenix.hasWritten(idOf(alice), idOf(bob));
    await Promise.all([phoenix, ...seeds].map(({ program }) => program.kill()));

    const reborn = await startNode("peer", folder, quiet);
    const after = await reborn.status();
    expect(after.contact.split("@")[0]).toBe(before.contact.split("@")[0]);
    expect(after.incarnation).toBeGreaterThan(before.incarnation);
    expect(after.retained).toBe(2);
    expect((await reborn.members()).sort()).toEqual(contacts([alice, bob]));
    await vi.waitFor(async () => expect((await reborn.status()).neighbors).toBeGreaterThan(0), soon);
    const heard = alice.messages();
    const client = await run(["publish", "--node", "phoenix", "risen"], { env: { XDG_RUNTIME_DIR: base } });
    expect(client.code).toBe(0);
    const { value } = await heard.next();
    expect(value).toMatchObject({ text: "risen", from: { id: before.contact.split("@")[0] } });
  });
});

describe("a data folder", () => {
  test("full of junk is set aside with a warning, and the seed starts, and starts again", async () => {
    const seed = await startSeed(0);
    const alice = await joinPeer("alice");
    await vi.waitFor(async () => expect(await seed.members()).toHaveLength(1), soon);
    await seed.hasWritten(idOf(alice));
    await seed.program.kill();
    await alice.node.kill();
    const data = join(seed.folder, "data");
    const files = readdirSync(data).filter((name) => statSync(join(data, name)).size > 0);
    expect(files).toContain("CURRENT");
    for (const name of files) writeFileSync(join(data, name), Buffer.alloc(300, 0xa5));

    const restarted = await startSeed(0);
    expect(await restarted.members()).toEqual([]);
    const [, aside] =
      /Warning: the data in \S+ cannot be read \(.+\); set aside as (\S+), starting empty/.exec(
        restarted.log,
      )!;
    expect(dirname(aside!)).toBe(seed.folder);
    // What can still be saved is where it was, untouched.
    expect(readFileSync(join(aside!, "CURRENT"))).toEqual(Buffer.alloc(300, 0xa5));
    // It does its work again, and the new folder is as good as any.
    const bob = await joinPeer("bob");
    await vi.waitFor(async () => expect(await restarted.members()).toEqual(contacts([bob])), soon);
    await restarted.hasWritten(idOf(bob));
    await bob.node.kill();
    await restarted.program.kill();
    const again = await startSeed(0);
    expect(await again.members()).toEqual(contacts([bob]));
    expect(again.log.match(/Warning/g)).toHaveLength(1);
    expect(readdirSync(seed.folder).filter((name) => name.startsWith("data.corrupt-"))).toHaveLength(1);
  });

  test("with entries that are no frames of ours loses these and keeps the others", async () => {
    const seed = await startSeed(0);
    const alice = await joinPeer("alice");
    await vi.waitFor(async () => expect(await seed.members()).toHaveLength(1), soon);
    await seed.hasWritten(idOf(alice));
    await seed.program.kill();
    await alice.node.kill();
    const warn = vi.fn();
    const store = await DiskStore.open(join(seed.folder, "data"), warn, warn);
    const keys = (await store.entries("")).map(([key]) => key);
    expect(keys).toHaveLength(1);
    store.put(`${keys[0]}x`, Uint8Array.of(1, 2, 3));
    store.put("elsewhere/future", new Uint8Array(100));
    await store.close();
    expect(warn).not.toHaveBeenCalled();

    const restarted = await startSeed(0);
    expect(await restarted.members()).toEqual(contacts([alice]));
    expect(restarted.log).toMatch(/Warning: 2 entries in \S+ cannot be read and are left out$/m);
  });

  test("that another process uses is refused, with a reason, and the other one does not notice", async () => {
    const seed = await startSeed(0);
    const second = await run(["seed", seed.folder, "--listen", `127.0.0.1:${seedPorts[1]}`, "--no-screen"]);
    expect(second.code).toBe(2);
    expect(second.stderr).toBe(
      `grapevine: ${join(seed.folder, "data")}: another process uses this data folder; stop it, or choose another folder\n`,
    );
    expect(readdirSync(seed.folder).filter((name) => name.startsWith("data."))).toEqual([]);
    const alice = await joinPeer("alice");
    await vi.waitFor(async () => expect(await seed.members()).toEqual(contacts([alice])), soon);
    await seed.hasWritten(idOf(alice));
    // The lock goes with the process, however it ends.
    await alice.node.kill();
    await seed.program.kill();
    const heir = await startSeed(0);
    expect(await heir.members()).toEqual(contacts([alice]));
  });

  test("that is a file, or lies in one, is refused in one line", async () => {
    const folder = await addNode(cluster, "dave");
    const file = join(base, "a-file");
    writeFileSync(file, "mine");
    const peer = (data: string) => run(["peer", folder, "--data", data, "--no-screen"]);
    expect(await peer(file)).toMatchObject({
      code: 2,
      stderr: `grapevine: ${file}: a file is where the data folder should be; remove it, or choose another folder\n`,
    });
    expect(await peer(join(file, "data"))).toMatchObject({
      code: 2,
      stderr: `grapevine: ${file}/data: cannot be made (ENOTDIR); choose another data folder\n`,
    });
    expect(readFileSync(file, "utf8")).toBe("mine");
  });
});
