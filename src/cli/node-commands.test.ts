/** The commands that talk to running nodes, against a real network and its real control API. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import type { Command } from "commander";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { addressOf, identityOf } from "../core/index.ts";
import type { MessageId } from "../dissemination/messages.ts";
import { handsOf, LocalNetwork, openGates } from "../lab/index.ts";
import { announce, type ControlApi, startControlApi } from "../node/index.ts";
import { actCommand } from "./act.ts";
import { killCommand } from "./kill.ts";
import { leaveCommand } from "./leave.ts";
import { membersCommand } from "./members.ts";
import { neighborsCommand } from "./neighbors.ts";
import { publishCommand } from "./publish.ts";
import { stateCommand } from "./state.ts";
import { statusCommand } from "./status.ts";
import { tail, tailCommand } from "./tail.ts";
import { whyCommand } from "./why.ts";

const token = "a secret of the test";
let base: string;
let network: LocalNetwork;
let api: ControlApi;

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "node-commands-"));
  vi.stubEnv("XDG_RUNTIME_DIR", base);
  vi.stubEnv("GRAPEVINE_API", undefined);
  vi.stubEnv("GRAPEVINE_API_TOKEN", undefined);
  network = await LocalNetwork.start({
    seeds: 2,
    peers: 5,
    isPlaintext: true,
    gates: openGates(7),
    options: { source: { messages: 0 }, heartbeat: { pingIntervalMs: 200 } },
  });
  api = await startControlApi({ port: 0, token, nodes: () => network.nodes, hands: handsOf(network) });
  announce({ url: api.url, token, nodes: network.nodes.map(({ name }) => name) });
});
afterAll(async () => {
  await api.close();
  await network.close();
  vi.unstubAllEnvs();
  rmSync(base, { recursive: true });
});
afterEach(() => vi.restoreAllMocks());

/** What the command prints, without colours. */
async function run(command: Command, ...args: string[]): Promise<string> {
  const output = capture();
  await command.exitOverride().parseAsync(args, { from: "user" });
  return output.text().trimEnd();
}

function capture(): { text(): string } {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  return { text: () => stripVTControlCharacters(text) };
}

function follow(options: Parameters<typeof tail>[0]) {
  const output = capture();
  const stopping = new AbortController();
  const done = tail(options, stopping.signal);
  return {
    text: output.text,
    done,
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function heard(text: string): Promise<void> {
  const payloads = network.livePeers.map(
    (peer) =>
      new Promise<void>((resolve) => {
        const stop = peer.onNotice((_at, _layer, notice) => {
          if (notice["payload"] !== text) return;
          stop();
          resolve();
        });
      }),
  );
  await Promise.all(payloads);
}

const contacts = () => network.nodes.map(({ contact }) => contact);

test("status shows the process and every node", async () => {
  const text = await run(statusCommand());
  expect(text).toContain(`Process ${process.pid}, up `);
  expect(text).toContain(`control API at ${api.url}: 2 seeds, 5 peers`);
  for (const { name } of network.nodes)
    expect(text).toMatch(new RegExp(`^${name} +(seed|peer) +127.0.0.1:\\d+ `, "m"));
  const answer = JSON.parse(await run(statusCommand(), "--json"));
  expect(answer).toMatchObject({ process: { pid: process.pid, seeds: 2, peers: 5 } });
  expect(answer.nodes).toHaveLength(7);
});

test("members of a seed are its list, with the names of those that run here", async () => {
  const text = await run(membersCommand(), "seed-1");
  expect(text.split("\n")).toHaveLength(1 + 5);
  expect(text).toMatch(/^name +id +host +port +since$/m);
  expect(text).toMatch(/^peer-3 +[0-9a-f]{8} +127\.0\.0\.1 +\d+ +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/m);
  const { members } = JSON.parse(await run(membersCommand(), "seed-1", "--json"));
  expect(members).toHaveLength(5);
  for (const { peer } of members) expect(contacts()).toContain(peer);
});

test("a node can be named by its port", async () => {
  const port = String(network.seeds[0]!.contact).split(":").pop()!;
  expect((await run(membersCommand(), port)).split("\n")).toHaveLength(1 + 5);
});

test("who names no node among several, or one that is not there, is told which there are", async () => {
  await expect(run(membersCommand())).rejects.toThrow("which node? There are seed-1, seed-2, peer-1");
  await expect(run(neighborsCommand())).rejects.toThrow("--all shows the links of all");
  await expect(run(leaveCommand())).rejects.toThrow("which node?");
  await expect(run(membersCommand(), "nobody")).rejects.toThrow(
    'there is no node "nobody"; there are seed-1',
  );
  await expect(run(killCommand(), "nobody")).rejects.toThrow('there is no node "nobody"');
});

test("neighbors shows the links with their round trips", async () => {
  await vi.waitFor(() => {
    const known = network.peers[0]!.neighbors();
    expect(known.every(({ rttMs }) => rttMs !== undefined)).toBe(true);
  });
  const text = await run(neighborsCommand(), "peer-1");
  expect(text).toMatch(/^peer-\d +[0-9a-f]{8} +127\.0\.0\.1 +\d+ +[\d.]+ ms$/m);
  expect(text.split("\n")).toHaveLength(1 + network.peers[0]!.neighbors().length);
  const { neighbors } = JSON.parse(await run(neighborsCommand(), "peer-1", "--json"));
  expect(neighbors).toHaveLength(network.peers[0]!.neighbors().length);
  expect(await run(neighborsCommand(), "seed-1")).toBe("seed-1 has no neighbors.");
});

test("the whole overlay is an adjacency list with its degrees, without seeds", async () => {
  const text = await run(neighborsCommand(), "--all");
  const links = network.adjacency().flat().length / 2;
  expect(text).toContain(`5 peers; ${links} links; degrees `);
  expect(text).toContain("; connected");
  expect(text).not.toContain("seed-");
  for (const { name, contact } of network.peers) {
    const own = network.peers.filter((peer) => peer.neighbors().some(({ peer }) => peer === contact));
    const row = text.split("\n").find((line) => line.startsWith(`${name} `))!;
    expect(row.split(/ +/).slice(2).sort()).toEqual(own.map((peer) => peer.name).sort());
    expect(row.split(/ +/)[1]).toBe(String(own.length));
  }
  const bars = text.slice(text.indexOf("degree  peers")).split("\n").slice(1);
  expect(bars.map((line) => Number(line.trim().split(/ +/)[1])).reduce((a, b) => a + b)).toBe(5);
  for (const bar of bars) expect(bar).toMatch(/^ +\d +\d {2}#+$/);
});

test("the overlay is the same graph as JSON and for Graphviz", async () => {
  const graph = JSON.parse(await run(neighborsCommand(), "--all", "--json"));
  expect(graph.nodes).toHaveLength(7);
  expect(graph.links).toHaveLength(network.adjacency().flat().length / 2);
  const dot = await run(neighborsCommand(), "--dot");
  expect(dot).toMatch(/^graph overlay \{\n(?: {2}"[^"\n]+"(?: -- "[^"\n]+"| \[label="[^"\n]+"\]);\n)+\}$/);
  for (const [a, b] of graph.links) expect(dot).toContain(`  "${a}" -- "${b}";`);
});

test("options that exclude each other are refused", async () => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  await expect(run(neighborsCommand(), "--dot", "--json")).rejects.toThrow("cannot be used with");
  await expect(run(neighborsCommand(), "peer-1", "--all")).rejects.toThrow(
    'node: "peer-1" cannot go with --all',
  );
});

test("a message is published by any peer, or by the one that is named", async () => {
  const everybody = heard("hello");
  expect(await run(publishCommand(), "hello")).toMatch(
    /^peer-1 published 1 message: sent to [1-9]\d* neighbors?\.$/,
  );
  await everybody;
  expect(JSON.parse(await run(publishCommand(), "hi", "--node", "peer-3", "--json"))).toMatchObject({
    published: "peer-3",
    dropped: 0,
    messages: 1,
  });
  await expect(run(publishCommand(), "hi", "--node", "seed-1")).rejects.toThrow("a seed does not gossip");
  await expect(run(publishCommand(), "x".repeat(65_537))).rejects.toThrow("65537 bytes is more than 65536");
});

test("a message has the priority that it is given, also where others are published in the same turn", async () => {
  const everybody = heard("d");
  const published: [string, MessageId][] = [];
  const stops = network.livePeers.map((peer) =>
    peer.onNotice((_at, _layer, notice) => {
      if (notice.type === "published") published.push([notice["payload"], notice as unknown as MessageId]);
    }),
  );
  await run(publishCommand(), "soon", "--priority", "9");
  const peer = network.peers[1]!;
  const [urgent, ordinary] = [{ priority: 200 }, { priority: 0 }];
  await Promise.all([
    peer.publish("a"),
    peer.publish("b", urgent),
    peer.publish("c", urgent),
    peer.publish("d", ordinary),
  ]);
  await everybody;
  for (const stop of stops) stop();
  const { broadcast } = network.peers[4]!.peer!;
  const priorities = published.flatMap(([text, id]) => {
    const kept = broadcast.find(id)?.gossip.statement;
    return kept === undefined ? [] : [[text, kept.payloads, kept.priority]];
  });
  expect(priorities, "by publication").toEqual([
    ["soon", ["soon"], 9],
    ["a", ["a"], undefined],
    ["b", ["b", "c"], 200],
    ["d", ["d"], undefined],
  ]);
  await expect(run(publishCommand(), "hi", "--priority", "256")).rejects.toThrow(
    '--priority: "256" is not a whole number between 0 and 255',
  );
  await expect(peer.publish("hi", { priority: -1 })).rejects.toThrow("priority: -1 is not an integer");
});

test("standard input is one message a line, and a failure says how many went out", async () => {
  const stdin = (text: string) =>
    vi.spyOn(process, "stdin", "get").mockReturnValue(Readable.from([text]) as any);
  const everybody = heard("zwei ✓");
  stdin("eins\r\n\n  \nzwei ✓\ndrei");
  expect(await run(publishCommand(), "-")).toMatch(/^peer-1 published 3 messages: sent to /);
  await everybody;
  stdin(`one\ntwo\n${"x".repeat(70_000)}\nthree\n`);
  await expect(run(publishCommand(), "-")).rejects.toThrow(
    "70000 bytes is more than 65536 (after 2 messages that were published)",
  );
  stdin("");
  expect(await run(publishCommand(), "-")).toBe("peer-1 published 0 messages.");
});

test("coverage and topic can be asked for, but not of a whole stream", async () => {
  const answer = JSON.parse(await run(publishCommand(), "hi", "--topic", "t", "--coverage", "2", "--json"));
  expect(answer.coverage).toMatchObject({ asked: 2, answered: 2, have: 2 });
  await expect(run(publishCommand(), "-", "--coverage")).rejects.toThrow("--coverage: of one message");
  await expect(run(publishCommand(), "--coverage", "hi")).rejects.toThrow("write the text first");
  await expect(run(publishCommand(), "hi", "--coverage", "0")).rejects.toThrow("between 1 and 1000");
  await expect(run(publishCommand(), "hi", "--topic", "x".repeat(65))).rejects.toThrow("topic");
});

test("why says what is thought of a member, by name, address and beginning of its id", async () => {
  const peer = network.peers[1]!;
  const said = await run(whyCommand(), "peer-2");
  expect(said).toMatch(/^peer-1 thinks: peer-2 is (alive|unknown)\n {2}Nobody has ever doubted it/);
  const id = String(identityOf(peer.contact));
  for (const name of [id, id.slice(0, 12), addressOf(peer.contact), String(peer.contact)]) {
    const answer = JSON.parse(await run(whyCommand(), name, "--at", "seed-1", "--json"));
    expect(answer).toMatchObject({ node: "seed-1", peer: expect.stringContaining(id), state: "alive" });
  }
  await expect(run(whyCommand(), "nobody")).rejects.toThrow('peer-1 knows nobody called "nobody"');
});

test("state sets, gets, lists and deletes what all peers share", async () => {
  const state = (...args: string[]) => run(stateCommand(), ...args);
  expect(await state("list")).toBe("Nothing is shared.");
  expect(await state("set", "color", "green")).toBe("peer-1 has set color.");
  await vi.waitFor(async () => expect(await state("get", "color", "--node", "peer-4")).toBe("green"));
  expect(JSON.parse(await state("set", "config/size", "8", "--node", "peer-2", "--json"))).toEqual({
    set: "peer-2",
    key: "config/size",
  });
  await vi.waitFor(async () =>
    expect(JSON.parse(await state("list", "--prefix", "config/", "--json")).entries).toEqual([
      {
        key: "config/size",
        text: "8",
        writer: expect.stringMatching(/^[0-9a-f]{40}$/),
        at: expect.any(Number),
      },
    ]),
  );
  const file = join(base, "three-bytes");
  writeFileSync(file, Buffer.from([0, 255, 10]));
  await state("set", "raw", "--file", file);
  expect(JSON.parse(await state("get", "raw", "--json"))).toMatchObject({ key: "raw", base64: "AP8K" });
  const [head, ...rows] = (await state("list")).split("\n");
  expect(head).toMatch(/^key +value +writer +set at$/);
  expect(rows.map((row) => row.split(/ {2,}/).slice(0, 2))).toEqual([
    ["color", "green"],
    ["config/size", "8"],
    ["raw", "3 bytes"],
  ]);
  expect(await state("delete", "color", "--node", "peer-3")).toBe("peer-3 has deleted color.");
  expect(await state("delete", "color", "--node", "peer-3")).toBe("peer-3 had no such key.");
  await vi.waitFor(async () =>
    expect(state("get", "color", "--node", "peer-5")).rejects.toThrow(
      'there is no key "color" in the shared state',
    ),
  );
  await expect(state("set", "", "x")).rejects.toThrow("key: 0 characters is not between 1 and 256");
  await expect(state("set", "k".repeat(257), "x")).rejects.toThrow("key: 257 characters");
  await expect(state("set", "k", "x".repeat(65_537))).rejects.toThrow("65537 bytes is more than 65536");
  await expect(state("set", "k")).rejects.toThrow("give either a text or --file");
  await expect(state("set", "k", "--file", join(base, "none"))).rejects.toThrow(
    /cannot read .*none \(ENOENT\)/,
  );
  await expect(state("set", "k", "x", "--node", "seed-1")).rejects.toThrow("is a seed and shares no state");
  await expect(state("list", "--node", "seed-1")).rejects.toThrow("is a seed and shares no state");
});

test("what others have shared cannot move the terminal", async () => {
  await run(stateCommand(), "set", "\u001b[31mkey", "\u001b[2Jvalue");
  const list = await run(stateCommand(), "list");
  expect(list).not.toContain("\u001b");
  expect(list).toContain("[2Jvalue");
});

test("tail shows the log's lines with the node's name, and hostile texts do nothing", async () => {
  const following = follow({});
  await vi.waitFor(async () => {
    await network.peers[1]!.publish("red\u001b[31m\nalert");
    expect(following.text()).toContain("peer-5 Gossip from");
    expect(following.text()).toContain("peer-2 Gossip generated");
  });
  await following.stop();
  const lines = following.text().trimEnd().split("\n");
  for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (peer|seed)-\d \S/);
  expect(following.text()).toMatch(/peer-2 Gossip generated, message \d+: red\\x1b\[31m\\nalert$/m);
  expect(following.text()).not.toContain("PING");
});

test("tail shows pings where they are asked for", async () => {
  const following = follow({ node: "peer-1", pings: true });
  await vi.waitFor(() => expect(following.text()).toContain("PING_REPLY from"), { timeout: 5000 });
  await following.stop();
  expect(following.text()).not.toContain("peer-2 ");
});

test("tail shows only the types that are asked for, pings among them", async () => {
  const following = follow({ types: ["ping-answered", "published"] });
  await vi.waitFor(() => expect(following.text()).toContain("PING_REPLY"), { timeout: 5000 });
  await network.peers[0]!.publish(new Uint8Array([1, 2, 3]));
  await vi.waitFor(() => expect(following.text()).toMatch(/peer-1 Gossip generated, .*<3 bytes>$/m));
  await following.stop();
  expect(following.text()).not.toMatch(/Gossip from|PING to/);
});

test("tail as JSON is the trace", async () => {
  const following = follow({ json: true, types: ["delivered", "ping-sent"] });
  const events = () => [...following.text().matchAll(/.+\n/g)].map(([line]) => JSON.parse(line));
  await vi.waitFor(() => expect(events()).not.toEqual([]), { timeout: 5000 });
  await network.peers[0]!.publish("json");
  await vi.waitFor(() => expect(events().filter(({ type }) => type === "delivered")).toHaveLength(4));
  await following.stop();
  for (const event of events()) {
    if (event.type === "ping-sent") expect(event).toMatchObject({ layer: "heartbeat" });
    else expect(event).toMatchObject({ layer: "broadcast", type: "delivered", payload: "json" });
  }
});

test("types are a list", async () => {
  const types = tailCommand().options.find(({ long }) => long === "--types")!;
  expect(types.parseArg!("delivered, dead-node,", undefined)).toEqual(["delivered", "dead-node"]);
  expect(() => types.parseArg!(" , ", undefined)).toThrow('--types: " , " names no type');
});

test("act does to the network what it is told, and says to whom it did it", async () => {
  expect(await run(actCommand(), "join", "anna")).toBe("Joined: anna.");
  expect(await run(actCommand(), "pause", "anna,peer-5")).toBe("Paused anna, peer-5.");
  expect(network.find("anna")!.isPaused).toBe(true);
  await expect(run(publishCommand(), "--node", "anna", "hello")).rejects.toThrow("anna is paused");
  expect(await run(statusCommand())).toMatch(/^anna +peer +\S+ +paused /m);
  expect(await run(actCommand(), "resume", "anna")).toBe("Resumed anna.");
  expect(network.find("peer-5")!.isPaused).toBe(true);
  expect(await run(actCommand(), "resume", "peer-5", "--json")).toBe('{"did":"resume","nodes":["peer-5"]}');
  expect(await run(actCommand(), "cut", "all seeds", "anna")).toContain("does not reach anna");
  expect(await run(actCommand(), "partition", "anna,peer-5", "seed-1")).toContain("is split");
  expect(await run(actCommand(), "partition", "0.5")).toContain("is split");
  expect(await run(actCommand(), "heal")).toBe("Healed.");
  expect(await run(actCommand(), "links", "--loss", "0.01", "--latency", "1ms-3ms")).toBe(
    "Links have changed.",
  );
  expect(await run(actCommand(), "slow", "anna", "1ms")).toBe("Slowed anna.");
  const said = await run(actCommand(), "publish", "2 peers", "hello");
  expect(said).toMatch(/^Published by [\w-]+, [\w-]+\.$/);
  expect(await run(actCommand(), "crash", "anna")).toBe("Crashed anna.");
  expect(await run(actCommand(), "restart", "anna")).toBe("Restarted anna.");
  expect(await run(actCommand(), "leave", "anna")).toBe("Gone: anna.");
});

test.each([
  [["crash", "nobody"], 'there is no "nobody"'],
  [["crash", "a,,b"], 'node.1: "" is no name'],
  [["links"], "say what changes"],
  [["links", "--loss", "2"], '--loss: "2" is no share'],
  [["links", "--latency", "soon"], '--latency: "soon" is no duration'],
  [["partition", "1.5"], "share: 1.5 is not a number between 0 and 1"],
  [["restart", "peer-1"], "peer-1 lives; crash it first"],
  [["publish", "seed-1"], "seeds do not gossip"],
] as const)("act %j is refused with the reason", async (args, why) => {
  await expect(run(actCommand(), ...args)).rejects.toThrow(why);
});

test("a node leaves with a goodbye", async () => {
  expect(await run(leaveCommand(), "peer-5")).toBe("peer-5 has left.");
  expect(network.peers[4]!.isRunning).toBe(false);
  await vi.waitFor(() => expect(network.seeds[0]!.members()).toHaveLength(4), { timeout: 10_000 });
  await expect(run(leaveCommand(), "peer-5")).rejects.toThrow("peer-5 has stopped");
  expect(await run(statusCommand())).toMatch(/^peer-5 +peer +\S+ +stopped /m);
});

test("a killed node is gone without a word", async () => {
  expect(JSON.parse(await run(killCommand(), "peer-4", "--json"))).toEqual({ killed: "peer-4" });
  await vi.waitFor(() => expect(network.peers[3]!.isRunning).toBe(false));
});

test("tail shows what the log leaves out to who asks for it", async () => {
  const following = follow({ types: ["link-open", "ping-sent"] });
  await vi.waitFor(() => expect(following.text()).not.toBe(""), { timeout: 5000 });
  await network.addPeer();
  const line = /^\S+ \S+ peer-1 node\/link-open remote="127\.0\.0\.1:\d+" reason="peer-6"/m;
  await vi.waitFor(() => expect(following.text()).toMatch(line), { timeout: 5000 });
  await following.stop();
});

test("--api and --token find it without the announcement", async () => {
  vi.stubEnv("XDG_RUNTIME_DIR", join(base, "nothing"));
  try {
    expect(await run(statusCommand(), "--api", api.url, "--token", token)).toContain("2 seeds, 4 peers");
    vi.stubEnv("GRAPEVINE_API", api.url);
    vi.stubEnv("GRAPEVINE_API_TOKEN", token);
    expect(await run(statusCommand())).toContain("2 seeds, 4 peers");
    await expect(run(statusCommand(), "--token", "wrong")).rejects.toThrow("refuses this token");
  } finally {
    vi.stubEnv("XDG_RUNTIME_DIR", base);
    vi.stubEnv("GRAPEVINE_API", undefined);
    vi.stubEnv("GRAPEVINE_API_TOKEN", undefined);
  }
});

test("tail says when the process ends", async () => {
  const following = follow({ pings: true });
  const warn = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  await vi.waitFor(() => expect(following.text()).not.toBe(""), { timeout: 5000 });
  await api.close();
  await following.done;
  expect(warn).toHaveBeenCalledWith(`grapevine: the process at ${api.url} has ended\n`);
});
