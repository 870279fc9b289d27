/** Lookup and store from the command line and over the control API, against a real network. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get as httpGet } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { identityOf, keyOfName } from "../core/index.ts";
import { LocalNetwork } from "../lab/index.ts";
import { announce, type ControlApi, startControlApi } from "../node/index.ts";
import { deleteCommand } from "./delete.ts";
import { doctorCommand } from "./doctor.ts";
import { getCommand } from "./get.ts";
import { lookupCommand } from "./lookup.ts";
import { putCommand } from "./put.ts";
import { route, routeCommand } from "./route.ts";

let base: string;
let network: LocalNetwork;
let api: ControlApi;
const logged: string[] = [];

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "lookup-commands-"));
  vi.stubEnv("XDG_RUNTIME_DIR", base);
  vi.stubEnv("GRAPEVINE_API", undefined);
  vi.stubEnv("GRAPEVINE_API_TOKEN", undefined);
  network = await LocalNetwork.start({
    seeds: 1,
    peers: 10,
    isPlaintext: true,
    options: { source: { messages: 0 }, lookup: { router: "kademlia" } },
  });
  api = await startControlApi({ port: 0, nodes: () => network.nodes, log: (text) => logged.push(text) });
  announce({ url: api.url, nodes: network.nodes.map(({ name }) => name) });
});
afterAll(async () => {
  await api.close();
  await network.close();
  vi.unstubAllEnvs();
  rmSync(base, { recursive: true });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

interface Said {
  readonly stdout: string;
  readonly bytes: Buffer;
  readonly stderr: string;
  readonly code: typeof process.exitCode;
}

function capture(stream: "stdout" | "stderr", chunks: Buffer[] = []): () => string {
  vi.spyOn(process[stream], "write").mockImplementation((chunk) => {
    chunks.push(Buffer.from(chunk as string));
    return true;
  });
  return () => stripVTControlCharacters(Buffer.concat(chunks).toString());
}

async function run(command: Command, ...args: string[]): Promise<Said> {
  process.exitCode = undefined;
  const bytes: Buffer[] = [];
  const stdout = capture("stdout", bytes);
  const stderr = capture("stderr");
  await command.exitOverride().parseAsync(args, { from: "user" });
  return {
    stdout: stdout().trimEnd(),
    bytes: Buffer.concat(bytes),
    stderr: stderr().trimEnd(),
    code: process.exitCode,
  };
}

const idOf = (number: number) => String(identityOf(network.peers[number - 1]!.contact));

describe("lookup and route", () => {
  test("lookup shows who is responsible, by key and by name", async () => {
    const { stdout, code } = await run(lookupCommand(), idOf(4), "--node", "peer-2", "--count", "3");
    expect(code).toBeUndefined();
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(new RegExp(`^key ${idOf(4)}: found after \\d hops? and \\d+ ms$`));
    expect(lines[1]).toMatch(/^\d+ asked, \d+ answered, \d+ silent, 0 refused(, \d+ not waited for)?$/);
    expect(lines[3]).toMatch(new RegExp(`^1 +peer-4 \\(${idOf(4).slice(0, 8)}\\) +${idOf(4)}$`));
    expect(lines).toHaveLength(3 + 3);
    const report = JSON.parse((await run(lookupCommand(), "song.mp3", "--json")).stdout);
    expect(report).toMatchObject({ key: keyOfName("song.mp3"), outcome: "found", records: 0 });
  });

  test("route shows each question when it is answered, and then the result", async () => {
    const stdout = capture("stdout");
    expect(await route(idOf(5), { node: "peer-1" }, new AbortController().signal)).toBe(0);
    const lines = stdout().trimEnd().split("\n");
    const steps = lines.filter((line) => / ms {2}/.test(line));
    expect(steps.length).toBeGreaterThan(0);
    for (const step of steps)
      expect(step).toMatch(
        /^ *\d+ ms +peer-\d+ \([0-9a-f]{8}\) key [0-9a-f]{8}… (answered|late) after \d+ ms/u,
      );
    expect(lines).toContainEqual(expect.stringMatching(/^key [0-9a-f]{40}: found after /));
    vi.restoreAllMocks();
    const json = (await run(routeCommand(), idOf(5), "--node", "peer-1", "--json")).stdout.split("\n");
    const events = json.map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({ index: 0, outcome: "asked" });
    expect(events.at(-1)).toMatchObject({ outcome: "found", path: expect.any(Array) });
  });

  test("Ctrl+C ends route with 130, and the lookup of the node with it", async () => {
    const stop = new AbortController();
    stop.abort();
    expect(await route("x", {}, stop.signal)).toBe(130);
  });

  test("what cannot be asked for is said in one line", async () => {
    await expect(run(lookupCommand(), "x", "--node", "seed-1")).rejects.toThrow(
      "seed-1 is a seed and has no router; ask a peer that was started with --router kademlia, chord or pastry",
    );
    await expect(run(lookupCommand(), "x", "--count", "0")).rejects.toThrow(
      '--count: "0" is not a whole number between 1 and 1000',
    );
    await expect(run(lookupCommand(), "")).rejects.toThrow("key: is empty");
    await expect(run(routeCommand(), "x", "--node", "nobody")).rejects.toThrow('there is no node "nobody"');
  });
});

describe("put, get and delete", () => {
  test("give, show and take away what all peers see", async () => {
    const put = await run(putCommand(), "color", "grün", "--node", "peer-1");
    expect(put.stdout).toMatch(/^Stored color, sequence 1: 8 stored of 8 replicas, 5 needed, kept until 20/);
    expect(put.code).toBeUndefined();
    expect((await run(getCommand(), "color", "--node", "peer-9")).stdout).toBe("grün");
    const shown = await run(getCommand(), "color", "--node", "peer-3", "--verbose");
    expect(shown.stderr).toMatch(/^sequence 1, by [0-9a-f]{8} at 20.*; \d found/);
    expect(JSON.parse((await run(getCommand(), "color", "--json")).stdout)).toMatchObject({
      ...{ outcome: "found", kind: "shared", text: "grün", sequence: 1 },
      key: expect.any(String),
    });
    const late = await run(putCommand(), "color", "blue", "--cas", "0");
    expect(late).toMatchObject({ code: 1, stdout: "" });
    expect(late.stderr).toMatch(
      /^grapevine: Another record, or its deletion, is there, with sequence 1; nothing was written: /,
    );
    expect((await run(deleteCommand(), "color", "--node", "peer-5")).stdout).toMatch(/^Deleted color: /);
    expect((await run(deleteCommand(), "colour")).stdout).toMatch(/^There was no colour: /);
    const gone = await run(getCommand(), "color");
    expect(gone).toMatchObject({ code: 1, stdout: "" });
    expect(gone.stderr).toMatch(/^grapevine: color was deleted: /);
  });

  test("keep bytes as they are, and immutable values under the key that is printed", async () => {
    const file = join(base, "bytes");
    writeFileSync(file, Buffer.from([0, 255, 10]));
    await run(putCommand(), "raw", "--file", file);
    expect((await run(getCommand(), "raw")).bytes).toEqual(Buffer.from([0, 255, 10]));
    expect(JSON.parse((await run(getCommand(), "raw", "--json")).stdout)).toMatchObject({ base64: "AP8K" });
    writeFileSync(file, "no end of line");
    await run(putCommand(), "line", "--file", file);
    expect((await run(getCommand(), "line")).bytes).toEqual(Buffer.from("no end of line"));
    const text = await run(putCommand(), "--immutable", "never to change");
    const [, key] = /^Stored key ([0-9a-f]{40}): /.exec(text.stdout)!;
    expect((await run(getCommand(), "--key", key!, "--node", "peer-8")).stdout).toBe("never to change");
    expect((await run(putCommand(), "--immutable", "--file", file)).stdout).toMatch(/^Stored key /);
  });

  test("say in one line what is wrong with the question", async () => {
    const put = (...args: string[]) => run(putCommand(), ...args);
    await expect(put()).rejects.toThrow("name: missing; write grapevine put NAME VALUE");
    await expect(put("name")).rejects.toThrow("value: give either a text or --file");
    await expect(put("name", "value", "--immutable")).rejects.toThrow(
      "name: an immutable record has none; with --immutable give the value alone",
    );
    await expect(put("value", "--immutable", "--owned")).rejects.toThrow("--owned: nobody can change");
    await expect(put("n".repeat(257), "x")).rejects.toThrow(/^name: 257 characters/);
    await expect(put("name", "x".repeat(65_537))).rejects.toThrow("65537 bytes is more than 65536");
    await expect(put("name", "x", "--replicas", "2", "--write-quorum", "3")).rejects.toThrow(
      /^--write-quorum: 3 is more than 2, the number of replicas/,
    );
    await expect(put("", "x")).rejects.toThrow("name: is empty");
    await expect(put("value", "--immutable", "--cas", "1")).rejects.toThrow("--cas: nobody can change");
    await expect(put("name", "x", "--lifetime", "10ms")).rejects.toThrow(
      '--lifetime: "10ms" is not between 1s and 720h',
    );
    await expect(put("name", "x", "--lifetime", "soon")).rejects.toThrow('--lifetime: "soon" is no duration');
    await expect(put("name", "x", "--node", "seed-1")).rejects.toThrow("seed-1 is a seed and has no router");
    await expect(run(getCommand())).rejects.toThrow("name: give either a name or --key");
    await expect(run(getCommand(), "name", "--owner", "peer-3")).rejects.toThrow(
      '--owner: "peer-3" is neither an id, 40 hexadecimal digits, nor a contact',
    );
    await expect(run(getCommand(), "name", "--replicas", "2", "--read-quorum", "3")).rejects.toThrow(
      /^--read-quorum: 3 is more than 2/,
    );
    await expect(run(getCommand(), "--key", "abc")).rejects.toThrow(/abc.*40 hexadecimal digits/);
  });
});

test("the doctor shows figures beside theory", async () => {
  const { stdout } = await run(doctorCommand(), "peer-1", "--lookups", "8");
  expect(stdout).toMatch(/^peer-1, kademlia: \d+ lookups, /);
  await expect(run(doctorCommand(), "seed-1")).rejects.toThrow("seed-1 is a seed and has no router");
});

describe("the control API", () => {
  async function ask(path: string, body?: unknown): Promise<{ status: number; json: any }> {
    const response = await fetch(`${api.url}/v1/nodes/${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      headers: { "content-type": "application/json" },
    });
    return { status: response.status, json: await response.json() };
  }

  test.each([
    ["peer-1/lookup", "key: say what is looked up: ?key="],
    ["peer-1/lookup?key=", "key: is empty"],
    [`peer-1/lookup?key=${"x".repeat(1025)}`, "key: is longer than 1024 characters"],
    ["peer-1/lookup?key=x&count=0", "count: "],
    ["peer-1/lookup?key=x&count=1e9", "count: "],
    ["peer-1/lookup?key=x&count=two", "count: "],
    ["peer-1/lookup?key=x&deadlineMs=-1", "deadlineMs: "],
    ["peer-1/lookup?key=x&disjointPaths=33", "disjointPaths: "],
    ["peer-1/lookup?key=x&asker=router", "asker"],
    ["peer-1/route?key=x&type=leave", "type"],
    ["peer-1/doctor?lookups=1001", "lookups: "],
    ["peer-1/records", "give either name= or key="],
    ["peer-1/records?name=x&key=y", "give either name= or key="],
    ["peer-1/records?name=x&kind=theirs", "kind: "],
    ["peer-1/records?name=x&replicas=33", "replicas: 33 is not an integer between 1 and 32"],
    ["peer-1/records?name=x&readQuorum=9", "readQuorum: 9 is more than 8"],
  ])("refuses %s and says why", async (path, why) => {
    const { status, json } = await ask(path);
    expect(status).toBe(400);
    expect(json.error).toContain(why);
  });

  test.each([
    [{ name: "x" }, 'give either "text" or "base64"'],
    [{ name: "x", text: "a", base64: "YQ==" }, 'give either "text" or "base64"'],
    [{ name: "x", base64: "?" }, "base64: "],
    [{ name: "x", text: "\ud800" }, "half of a surrogate pair"],
    [{ name: "x", text: "a", request: 1 }, "request"],
    [{ name: "x", text: "a", cas: 0.5 }, "cas: 0.5"],
    [{ name: "x", text: "a", lifetimeMs: -1 }, "lifetimeMs: -1"],
    [{ name: "x", text: "a", kind: "immutable" }, "name: an immutable record has none"],
    [{ text: "a" }, "name: "],
  ])("refuses to put %j and says why", async (body, why) => {
    const { status, json } = await ask("peer-1/records", body);
    expect(status).toBe(400);
    expect(json.error).toContain(why);
  });

  test("says of seeds and of the dead that they cannot, with 409", async () => {
    const dead = await network.addPeer();
    await dead.kill();
    for (const path of ["lookup?key=x", "route?key=x", "doctor", "records?name=x"]) {
      const seed = await ask(`seed-1/${path}`);
      expect(seed).toMatchObject({
        status: 409,
        json: { error: /is a seed/.test(seed.json.error) && seed.json.error },
      });
      expect(await ask(`${dead.name}/${path}`)).toEqual({
        status: 409,
        json: { error: `${dead.name} has stopped` },
      });
    }
  });

  test("forgets a lookup, a route and a get whose asker hangs up, and says nothing about it", async () => {
    logged.length = 0;
    const { store } = network.peers[0]!.peer!.routing!;
    for (const path of ["lookup?key=a", "route?key=b", "records?name=c", "doctor?lookups=1000"]) {
      await new Promise<void>((resolve) => {
        const request = httpGet(`${api.url}/v1/nodes/peer-1/${path}`);
        request.on("socket", (socket) => socket.on("connect", () => setTimeout(() => request.destroy(), 2)));
        request.on("error", () => resolve());
        request.on("close", () => resolve());
      });
    }
    await vi.waitFor(() => expect(store.operations).toBe(0));
    expect((await ask("peer-1/lookup?key=after")).status).toBe(200);
    expect(logged.filter((text) => text.includes("failed"))).toEqual([]);
  });

  test("counts lookups and operations, and how long they took, for Prometheus", async () => {
    await ask("peer-6/lookup?key=counted");
    await ask("peer-6/records", { name: "counted", text: "x" });
    const text = await (await fetch(`${api.url}/metrics`)).text();
    const value = (labels: string) =>
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${labels} `))
          ?.split(" ")
          .at(-1),
      );
    expect(value('grapevine_lookups_total{node="peer-6",asker="user",outcome="found"}')).toBe(1);
    expect(value('grapevine_store_operations_total{node="peer-6",operation="put",outcome="stored"}')).toBe(1);
    expect(value('grapevine_lookup_questions_total{node="peer-6",outcome="answered"}')).toBeGreaterThan(0);
    expect(value('grapevine_routing_table_nodes{node="peer-6"}')).toBe(network.peers[5]!.router!.size);
    expect(value('grapevine_routing_joined{node="peer-6"}')).toBe(1);
    expect(value('grapevine_lookup_hops_count{node="peer-6"}')).toBeGreaterThan(0);
    expect(value('grapevine_store_latency_seconds_count{node="peer-6",operation="put"}')).toBe(1);
    expect(text).not.toContain('grapevine_routing_table_nodes{node="seed-1"}');
    expect(text).not.toMatch(/^grapevine_datagram\w+\{/m);
  });
});
