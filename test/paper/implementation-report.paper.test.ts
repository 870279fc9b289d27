/**
 * One test per claim of the implementation report: "P2P Gossip Network Implementation", 2026. What it shares word for
 * word with the seed report is tested there.
 */
import { expect, test } from "vitest";
import type { NodeId } from "../../src/core/index.ts";
import { gossipSourceOptions, gossipText } from "../../src/dissemination/gossip-source.ts";
import { heartbeatOptions } from "../../src/membership/heartbeat-options.ts";
import { logLine } from "../../src/node/log-lines.ts";
import {
  classicNetwork,
  expectAllDelivered,
  expectSoundNetwork,
  faultsOfLists,
  faultsOfOverlay,
} from "../support/classic-checks.ts";
import type { ClassicWorld } from "../support/classic-world.ts";

const minutes = 60_000;
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const isSeed = (node: NodeId) => (node as number) < 0;

/** Which layers spoke on the links between these nodes. */
function watchLayers(world: ClassicWorld, isWatched: (from: NodeId, to: NodeId) => boolean): Set<string> {
  const layers = new Set<string>();
  world.delivers = (from, to, { layer }) => {
    if (isWatched(from, to)) layers.add(layer);
    return true;
  };
  return layers;
}

// ---- 3 System architecture ------------------------------------------------------------------------------------

// Section 3.1, Responsibilities.
test("seeds keep the list of active peers, handle registrations, hand the list out and remove the dead", () => {
  const world = classicNetwork({ seed: 1, peers: 10, options: { source: { messages: 0 } } });
  world.runUntil(1 * minutes);
  expect(faultsOfLists(world)).toEqual([]);
  world.crash(3);
  world.runUntil(3 * minutes);
  expect(faultsOfLists(world)).toEqual([]);
  expect(world.of("list-handed-out").length).toBeGreaterThan(10);
});

// Section 3.1, "Log membership changes".
test("seeds log membership changes", () => {
  const world = classicNetwork({ seed: 2, peers: 4, options: { source: { messages: 0 } } });
  world.runUntil(1 * minutes);
  world.command(4, "introduction", { type: "leave" });
  world.runUntil(1 * minutes + 1000);
  const lines = world.notices
    .filter(({ node }) => node === -1)
    .map(
      ({ at, layer, notice }) =>
        logLine(at, layer, notice, { name: "s", role: "seed", contact: -1 }, { pings: false })?.text,
    );
  for (const peer of range(1, 4))
    expect(lines.some((line) => line?.includes(`${peer}; the list has`))).toBe(true);
  expect(lines.some((line) => line?.includes("Removed 4 (left); the list has 3 peers"))).toBe(true);
});

// Section 3.1, "Important".
test("seed nodes do not participate in gossip forwarding", () => {
  const world = classicNetwork({ seed: 3, peers: 0 });
  const layers = watchLayers(world, (from, to) => isSeed(from) || isSeed(to));
  for (const peer of range(1, 10)) world.addPeer(peer);
  world.runUntil(1.5 * minutes);
  expect(layers).toEqual(new Set(["introduction"]));
  expect(expectAllDelivered(world)).toBe(100);
});

// Section 3.2, and the first conclusion of section 13: "decentralized".
test("peers communicate directly with each other: without any seed the network goes on", () => {
  const world = classicNetwork({ seed: 4, peers: 20 });
  world.runUntil(15_000);
  for (const id of world.seedIds) world.crash(id);
  world.runUntil(3 * minutes);
  expect(expectAllDelivered(world)).toBe(200);
  expect(faultsOfOverlay(world)).toEqual([]);
});

// ---- 4 Gossip protocol design ---------------------------------------------------------------------------------

// Section 4.1, the example, letter for letter.
test("[2026-02-26 19->39.24]:127.0.0.1: Message 0 [Hello from alice]", () => {
  const at = Date.UTC(2026, 1, 26, 19, 39, 24);
  const text = gossipText("hello", "ab12@127.0.0.1:50123", "alice", at, 0);
  expect(text).toBe("[2026-02-26 19->39.24]:127.0.0.1: Message 0 [Hello from alice]");
  expect(gossipSourceOptions.specs.format.choices).toContain("hello");
});

// Section 4.2, points 1 and 2.
test("each peer generates 10 gossip messages, one every 5 seconds, numbered from 0", () => {
  const world = classicNetwork({ seed: 5, peers: 6, options: { source: { format: "hello" } } });
  world.runUntil(2 * minutes);
  for (const peer of world.peers.keys()) {
    const published = world.of("published", peer);
    expect(published.map(({ notice }) => /Message (\d+) /.exec(notice["payload"])![1])).toEqual(
      range(0, 9).map(String),
    );
    expect(published.slice(1).map(({ at }, i) => at - published[i]!.at)).toEqual(Array(9).fill(5000));
    expect(published[0]!.notice["payload"]).toContain(`[Hello from peer-${peer}]`);
  }
});

// Section 4.2, point 3.
test("on generation the message is sent to all neighbors", () => {
  const world = classicNetwork({
    seed: 6,
    peers: 12,
    options: { source: { waitsForCommand: true, messages: 1 } },
  });
  world.runUntil(1 * minutes);
  for (const [peer, { overlay }] of world.peers) {
    world.command(peer, "source", { type: "begin" });
    const neighbors = new Set(overlay.neighbors);
    world.runUntil(world.now + 1000);
    const [own] = world.of("forwarded", peer).filter(({ notice }) => notice["origin"] === peer);
    expect(new Set(own!.notice["to"])).toEqual(neighbors);
  }
});

// Section 4.2, point 4.
test("on first receipt the message is stored locally and forwarded to all neighbors except the sender", () => {
  const world = classicNetwork({
    seed: 7,
    peers: 12,
    options: { source: { waitsForCommand: true, messages: 1 } },
  });
  world.runUntil(1 * minutes);
  const stored = [...world.peers.values()].map(({ broadcast }) => broadcast.retainedCount);
  world.command(1, "source", { type: "begin" });
  world.runUntil(world.now + 5000);
  [...world.peers].forEach(([peer, { overlay, broadcast }], i) => {
    expect(broadcast.retainedCount).toBe(stored[i]! + 1);
    const [receipt] = world.of("delivered", peer);
    const [forward] = world.of("forwarded", peer);
    const told = (forward?.notice["to"] ?? []) as NodeId[];
    if (receipt === undefined) return;
    expect(told).not.toContain(receipt.notice["from"]);
    expect(overlay.neighbors).toEqual(expect.arrayContaining(told));
  });
});

// Section 4.2, point 5, and "Properties Achieved": no infinite loops, no duplicate flooding.
test("duplicates are ignored, and the flooding ends: a message costs fewer sends than twice the links", () => {
  const world = classicNetwork({
    seed: 8,
    peers: 25,
    options: { source: { waitsForCommand: true, messages: 1 } },
  });
  world.runUntil(2 * minutes);
  const links = world.degrees().reduce((sum, degree) => sum + degree, 0) / 2;
  const sends = () =>
    [...world.peers.values()].reduce((sum, { broadcast }) => sum + broadcast.counters.sends, 0);
  const before = sends();
  world.command(1, "source", { type: "begin" });
  world.runUntil(world.now + 10 * minutes);
  expect(sends() - before).toBeLessThanOrEqual(2 * links - 25 + 1);
  expect(world.of("delivered")).toHaveLength(24);
});

// Section 4.2, "Properties Achieved", third.
test("messages eventually propagate to all connected peers", () => {
  const world = classicNetwork({ seed: 9, peers: 40 });
  world.runUntil(2 * minutes);
  expect(world.parts()).toBe(1);
  expect(expectAllDelivered(world)).toBe(400);
});

// ---- 5 Power-law degree distribution ----------------------------------------------------------------------------

// Section 5.
test("the neighbor selection probabilistically assigns a higher degree to fewer nodes", () => {
  const counts = new Map<number, number>();
  for (const seed of range(1, 6)) {
    const world = classicNetwork({ seed, peers: 60, joinEveryMs: 50, options: { source: { messages: 0 } } });
    world.runUntil(1.5 * minutes);
    for (const degree of world.degrees()) counts.set(degree, (counts.get(degree) ?? 0) + 1);
  }
  const within = (from: number, to: number) =>
    range(from, to).reduce((sum, k) => sum + (counts.get(k) ?? 0), 0);
  expect(within(3, 5)).toBeGreaterThan(within(6, 10));
  expect(within(6, 10)).toBeGreaterThan(within(11, 20));
  expect(within(11, 20)).toBeGreaterThan(0);
  expect(within(21, 60), "hubs").toBeGreaterThan(0);
});

// ---- 6 Liveness detection mechanism -----------------------------------------------------------------------------

// Section 6, Process.
test("every 13 seconds a PING to each neighbor; after 3 unanswered it is dead, the seeds are told and remove it", () => {
  expect(heartbeatOptions()).toMatchObject({ pingIntervalMs: 13_000, misses: 3 });
  const world = classicNetwork({ seed: 10, peers: 12, options: { source: { messages: 0 } } });
  world.runUntil(1 * minutes);
  world.crash(6);
  world.runUntil(3 * minutes);
  const at = (type: string) => Math.min(...world.of(type).map((entry) => entry.at));
  const story = ["ping-missed", "suspected", "dead-node", "dead-report-received", "peer-removed"];
  const times = story.map(at);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(world.of("peer-removed").map(({ notice }) => notice["peer"])).toEqual(Array(6).fill(6));
});

// Section 6, Advantages.
test("the network stays stable: the living keep their links, and nobody is removed by mistake", () => {
  const world = classicNetwork({ seed: 11, peers: 20, options: { source: { messages: 0 } } });
  world.runUntil(10 * minutes);
  expect(world.of("ping-missed")).toEqual([]);
  expect(world.of("peer-removed")).toEqual([]);
  expect(world.of("neighbor-down").filter(({ at }) => at > 5 * minutes)).toEqual([]);
});

// ---- 8 Implementation details -----------------------------------------------------------------------------------

// Section 8.1: all on 127.0.0.1, ports assigned per peer. Votes and sender exclusion must not go by the IP address.
test("peers that share the address 127.0.0.1 and differ by port are different peers", () => {
  const world = classicNetwork({ seed: 12, peers: 0 });
  const names = ["anna", "bert", "cleo", "dora", "emil"];
  names.forEach((name, i) => {
    world.addPeer(`${name}@127.0.0.1:${50_000 + i}`);
  });
  world.runUntil(1.5 * minutes);
  expectSoundNetwork(world);
  expect(expectAllDelivered(world)).toBe(50);
  world.crash("cleo@127.0.0.1:50002");
  world.runUntil(4 * minutes);
  expectSoundNetwork(world);
});

// Section 8.2.
test("all major activities are logged: registration, generation, reception, forwarding, PING and PING_REPLY, death", () => {
  const world = classicNetwork({ seed: 13, peers: 8 });
  world.runUntil(1 * minutes);
  world.crash(5);
  world.runUntil(3 * minutes);
  const [reporter] = world.of("dead-node").map(({ node }) => node);
  const node = { name: "peer", role: "peer", contact: reporter! };
  const log = world.notices
    .filter((entry) => entry.node === reporter)
    .map(({ at, layer, notice }) => logLine(at, layer, notice, node, { pings: true })?.text)
    .join("\n");
  for (const activity of [
    "Registered with seed",
    "Gossip generated",
    "Gossip from",
    "gossip forwarded",
    "Gossip forwarded",
    "PING to",
    "PING_REPLY from",
    "Dead Node:",
  ]) {
    expect(log).toContain(activity);
  }
});

// ---- 9 Testing and evaluation -----------------------------------------------------------------------------------

// Section 9.1.
test("peer join: each of several peers registers, and the peer list is distributed correctly", () => {
  const world = classicNetwork({ seed: 14, peers: 12, options: { source: { messages: 0 } } });
  world.runUntil(1 * minutes);
  expect(faultsOfLists(world)).toEqual([]);
  for (const [peer, { registration }] of world.peers) {
    const others = range(1, 12).filter((other) => other !== peer);
    expect(
      registration.candidates.map((candidate) => candidate.peer as number).sort((a, b) => a - b),
    ).toEqual(others);
  }
});

// Section 9.2.
test("gossip propagation: messages of one peer reach the whole network, and no duplicate is forwarded", () => {
  const world = classicNetwork({ seed: 15, peers: 15 });
  world.runUntil(2 * minutes);
  const forwards = new Map<string, number>();
  for (const { node, notice } of world.of("forwarded")) {
    const key = `${node}: ${notice["origin"]}/${notice["sequence"]}`;
    forwards.set(key, (forwards.get(key) ?? 0) + 1);
  }
  expect(Math.max(...forwards.values())).toBe(1);
  expect(world.of("delivered").filter(({ notice }) => notice["origin"] === 1)).toHaveLength(14 * 10);
});

// Section 9.3.
test("failure simulation: a peer is terminated, three missed PINGs, report, removal, and the rest goes on", () => {
  const world = classicNetwork({ seed: 16, peers: 15 });
  world.runUntil(25_000);
  world.crash(8);
  world.runUntil(25_000 + 2 * minutes);
  expect(
    world.of("ping-missed").some(({ notice }) => notice["neighbor"] === 8 && notice["misses"] === 3),
  ).toBe(true);
  expect(world.of("dead-report-received").every(({ notice }) => notice["suspect"] === 8)).toBe(true);
  expectSoundNetwork(world);
  expect(expectAllDelivered(world)).toBe(140);
});

// ---- 10 and 11: what it assumes and what it lacks ---------------------------------------------------------------

// Section 10, third assumption.
test("network communication need not be reliable: with every tenth message lost everything arrives", () => {
  const world = classicNetwork({ seed: 17, peers: 20 });
  world.delivers = () => world.random.unit() >= 0.1;
  world.runUntil(5 * minutes);
  expect(expectAllDelivered(world)).toBe(200);
});

// Section 10, fifth assumption; section 11, fourth limitation.
test("the membership outlives a seed: it has its list again before any peer calls", () => {
  const world = classicNetwork({ seed: 18, peers: 10, options: { source: { messages: 0 } } });
  world.runUntil(20_000);
  const stored = new Map<string, any>();
  for (const { notice } of world.of("persist", -1)) {
    if (notice["value"] === undefined) stored.delete(notice["key"]);
    else stored.set(notice["key"], notice["value"]);
  }
  world.crash(-1);
  world.addSeed(-1, [...stored.values()]);
  expect(world.seeds.get(-1)!.registry.size).toBe(10);
});

// Section 11, fifth limitation; section 12, sixth improvement. The number is the point here.
test("it scales: 200 peers are one connected network, and everything arrives", () => {
  const world = classicNetwork({
    seed: 19,
    peers: 200,
    joinEveryMs: 20,
    options: { source: { messages: 1 } },
  });
  world.runUntil(1.5 * minutes);
  expectSoundNetwork(world);
  expect(expectAllDelivered(world)).toBe(200);
});
