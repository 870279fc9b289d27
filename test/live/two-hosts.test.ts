/**
 * Two machines, as far as a kernel can tell: network namespaces with addresses of their own and a cable between
 * them, on which nothing else of this machine can be seen. The nodes are processes with the folders that
 * `grapevine cluster` made for them.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { endPrograms, jsonOf, type Program, run, start } from "../support/program.ts";

const hostA = { space: `grapevine-${process.pid}-a`, address: "10.77.0.1" };
const hostB = { space: `grapevine-${process.pid}-b`, address: "10.77.0.2" };
/** A second address of host B, for somebody who lives there too. */
const strangersAddress = "10.77.0.3";

const whyNot = makeHosts();
if (whyNot !== undefined) console.warn(`Skipped, two hosts need network namespaces: ${whyNot}`);

/** The hosts and the cable. What is missing for it, if it cannot be done here. */
function makeHosts(): string | undefined {
  if (process.platform !== "linux") return "only Linux has them";
  if (process.getuid?.() !== 0) return "only root may make them";
  try {
    ip("netns", "add", hostA.space);
    ip("netns", "add", hostB.space);
    process.once("exit", removeHosts);
    ip(
      "-n",
      hostA.space,
      "link",
      "add",
      "eth0",
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      hostB.space,
    );
  } catch (error) {
    removeHosts();
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    return code === "ENOENT" ? "there is no program `ip` (package iproute2)" : String(stderr ?? error).trim();
  }
  ip("-n", hostB.space, "address", "add", `${strangersAddress}/24`, "dev", "eth0");
  for (const { space, address } of [hostA, hostB]) {
    ip("-n", space, "address", "add", `${address}/24`, "dev", "eth0");
    ip("-n", space, "link", "set", "eth0", "up");
    ip("-n", space, "link", "set", "lo", "up");
  }
  return undefined;
}

function removeHosts(): void {
  for (const { space } of [hostA, hostB]) {
    try {
      ip("netns", "delete", space);
    } catch {
      // It was never made, or is gone.
    }
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

describe.skipIf(whyNot !== undefined)("two hosts with addresses of their own", () => {
  /** What is made before the nodes go to their hosts, and beside it the disk of each host. */
  let base = "";
  const diskOf = (host: typeof hostA) => join(base, host.space);

  /** A command as it is typed on that host: in its network, its folder, and among its running processes. */
  function on(host: typeof hostA) {
    const disk = diskOf(host);
    return {
      cwd: disk,
      within: ["ip", "netns", "exec", host.space],
      env: { XDG_RUNTIME_DIR: join(disk, "run") },
    };
  }

  const times = ["--ping-interval", "1s", "--interval", "200ms", "--messages", "3", "--no-screen"];
  let seed: Program;
  let alice: Program;
  let bob: Program;

  function log(host: typeof hostA, name: string): string {
    try {
      return readFileSync(join(diskOf(host), name, "outputfile.txt"), "utf8");
    } catch {
      return ""; // not written yet
    }
  }

  /** A line of that node's log, when it is there. */
  async function logged(host: typeof hostA, name: string, pattern: RegExp): Promise<RegExpExecArray> {
    return await vi.waitFor(
      () => {
        const match = pattern.exec(log(host, name));
        if (match === null) throw new Error(`${name} has not logged ${pattern}, but:\n${log(host, name)}`);
        return match;
      },
      { timeout: 20_000, interval: 20 },
    );
  }

  async function make(...args: string[]): Promise<void> {
    const { code, stderr } = await run(args, { cwd: base });
    expect(stderr).toBe("");
    expect(code).toBe(0);
  }

  beforeAll(async () => {
    base = mkdtempSync(join(tmpdir(), "grapevine-hosts-"));
    for (const host of [hostA, hostB]) mkdirSync(join(diskOf(host), "run"), { recursive: true });
    const seeds = ["--seeds", `${hostA.address}:8080`];
    const clusters = ["vineyard", "olive-grove"];
    await Promise.all(clusters.map((cluster) => make("cluster", "create", cluster, ...seeds)));
    await Promise.all([
      ...["seed", "alice", "bob"].map((name) => make("cluster", "add", "vineyard", name)),
      make("cluster", "add", "olive-grove", "mallory"),
    ]);
    // As a person would copy them to their machines.
    for (const name of ["seed", "alice"])
      cpSync(join(base, "vineyard/nodes", name), join(diskOf(hostA), name), { recursive: true });
    cpSync(join(base, "vineyard/nodes/bob"), join(diskOf(hostB), "bob"), { recursive: true });
    cpSync(join(base, "olive-grove/nodes/mallory"), join(diskOf(hostB), "mallory"), { recursive: true });
    // Bob comes before there is a seed: the order does not matter.
    bob = start(["peer", "bob", "--listen", `${hostB.address}:9000`, ...times], on(hostB));
    await bob.said(/^bob at 10\.77\.0\.2:9000/m);
    seed = start(["seed", "seed", "--listen", `${hostA.address}:8080`, "--no-screen"], on(hostA));
    alice = start(["peer", "alice", "--listen", `${hostA.address}:9000`, ...times], on(hostA));
    await Promise.all([seed.said(/^seed at 10\.77\.0\.1:8080/m), alice.said(/^alice at 10\.77\.0\.1:9000/m)]);
  });
  afterAll(async () => {
    await endPrograms();
    removeHosts();
    if (base !== "") rmSync(base, { recursive: true, force: true });
  });

  test("hosts see each other by the cable and nothing else: this machine's own network is not there", async () => {
    const script = `
      const names = Object.keys(require("node:os").networkInterfaces());
      const socket = require("node:net").connect(9000, "${hostB.address}");
      socket.on("connect", () => { console.log(names.sort().join()); process.exit(); });
    `;
    const { stdout } = await run([script], { ...on(hostA), script: "-e" });
    expect(stdout).toBe("eth0,lo\n");
  });

  test("peers with the same config.txt find each other, and each hears all that the other says", async () => {
    const list = (host: typeof hostA, name: string) =>
      readFileSync(join(diskOf(host), name, "config.txt"), "utf8");
    expect(list(hostB, "bob")).toBe(list(hostA, "alice"));
    for (let message = 0; message < 3; message++) {
      await logged(
        hostA,
        "alice",
        new RegExp(
          `Gossip from [0-9a-f]{8}@10\\.77\\.0\\.2:9000, message ${message} of \\S+: \\d{13}:10\\.77\\.0\\.2:${message}$`,
          "m",
        ),
      );
      await logged(
        hostB,
        "bob",
        new RegExp(
          `Gossip from [0-9a-f]{8}@10\\.77\\.0\\.1:9000, message ${message} of \\S+: \\d{13}:10\\.77\\.0\\.1:${message}$`,
          "m",
        ),
      );
    }
    const registered = /Registered [0-9a-f]{8}@(10\.77\.0\.\d:9000)/g;
    const places = [...log(hostA, "seed").matchAll(registered)].map(([, place]) => place);
    expect(places.sort()).toEqual(["10.77.0.1:9000", "10.77.0.2:9000"]);
  });

  test("commands on each host see the other host's peer", async () => {
    const neighborsOf = async (host: typeof hostA, name: string) =>
      jsonOf(await run(["neighbors", name, "--json"], on(host))).neighbors;
    await vi.waitFor(
      async () => {
        expect(await neighborsOf(hostA, "alice")).toMatchObject([
          { host: hostB.address, port: 9000, rttMs: expect.any(Number) },
        ]);
        expect(await neighborsOf(hostB, "bob")).toMatchObject([
          { host: hostA.address, port: 9000, rttMs: expect.any(Number) },
        ]);
      },
      { timeout: 20_000, interval: 100 },
    );
    expect((await run(["publish", "--node", "bob", "from the other side"], on(hostB))).code).toBe(0);
    await logged(hostA, "alice", /Gossip from [0-9a-f]{8}@10\.77\.0\.2:9000, .*: from the other side$/m);
  });

  test("there is no other way in than TLS 1.3 with a certificate", async () => {
    const script = `
      const tls = require("node:tls");
      const socket = tls.connect({ host: "${hostB.address}", port: 9000, rejectUnauthorized: false, maxVersion: process.argv[1] });
      socket.on("secureConnect", () => console.log(socket.getProtocol(), socket.getPeerCertificate().issuer.CN));
      socket.on("data", (bytes) => console.log("told", JSON.stringify(String(bytes))));
      socket.on("error", (error) => console.log(error.message));
      socket.on("close", () => process.exit());
      socket.write("let me in");
    `;
    const knock = async (maxVersion: string) =>
      (await run([script, maxVersion], { ...on(hostA), script: "-e" })).stdout;
    expect(await knock("TLSv1.3")).toMatch(/^TLSv1\.3 grapevine\ntold "[^"]*certificate/);
    expect(await knock("TLSv1.2")).toContain("alert protocol version");
    await logged(hostB, "bob", /Link refused: 10\.77\.0\.1:\d+, no-certificate/);
    await logged(hostB, "bob", /Link refused: 10\.77\.0\.1:\d+, handshake-failed .*TLS 1\.3/);
  });

  test("a third one with a certificate of another cluster is refused, and both sides say why", async () => {
    const mallory = start(["peer", "mallory", "--listen", `${strangersAddress}:9000`, ...times], on(hostB));
    await mallory.said(/^mallory at 10\.77\.0\.3:9000/m);
    await logged(
      hostB,
      "mallory",
      /Cannot connect: 10\.77\.0\.1:8080, wrong-cluster \(10\.77\.0\.1:8080 belongs to another cluster: its certificate is not of this cluster\)$/m,
    );
    await logged(
      hostA,
      "seed",
      /Link refused: 10\.77\.0\.[23]:\d+, wrong-cluster \(refused 10\.77\.0\.[23]:\d+: its certificate is not of this cluster\)$/m,
    );
    // It goes on trying, and goes on being refused: the second attempt is as futile.
    await logged(hostB, "mallory", /(Cannot connect: 10\.77\.0\.1:8080, wrong-cluster[\s\S]*){2}/);
    const members = async (host: typeof hostA, name: string) =>
      jsonOf(await run(["members", name, "--json"], on(host))).members.map(
        (one: { host: string }) => one.host,
      );
    expect((await members(hostA, "seed")).sort()).toEqual([hostA.address, hostB.address]);
    expect(await members(hostA, "alice")).toEqual([hostB.address]);
    expect(await members(hostB, "bob")).toEqual([hostA.address]);
    expect(await members(hostB, "mallory")).toEqual([]);
    // What the others say does not reach it, though it does reach those who belong.
    expect((await run(["publish", "--node", "bob", "among ourselves"], on(hostB))).code).toBe(0);
    await logged(hostA, "alice", /: among ourselves$/m);
    expect(log(hostB, "mallory")).not.toMatch(/Gossip from/);
    await mallory.kill();
  });

  test("a peer that leaves its host is gone from the other, at once and without suspicion", async () => {
    bob.signal("SIGINT");
    expect((await bob.end()).code).toBe(0);
    await logged(hostA, "alice", /Peer left: [0-9a-f]{8}@10\.77\.0\.2:9000$/m);
    await logged(hostA, "seed", /Removed [0-9a-f]{8}@10\.77\.0\.2:9000 \(left\); the list has 1 peer$/m);
    expect(log(hostA, "alice")).not.toContain("Suspected");
  });
});
