import { describe, expect, test } from "vitest";
import { type NodeId, type PeerSampler, RecordingEnvironment, seededRandom } from "../core/index.ts";
import { Simulation } from "../simulator/index.ts";
import {
  AntiEntropy,
  type AntiEntropyMethod,
  type AntiEntropyNotice,
  type AntiEntropyOptions,
  type AntiEntropyTimer,
} from "./anti-entropy.ts";
import { type AntiEntropyMessage, type MapEntry, maxEntriesPerMessage } from "./anti-entropy-messages.ts";
import { idOf, ReplicatedMap, type ReplicatedMapOptions } from "./replicated-map.ts";
import { initiate } from "./set-reconciliation.ts";

const modes = ["push", "pull", "push-pull"] as const;
const methods = ["full", "recent-then-full", "recent-then-ranges"] as const;

const value = (key: string, time = 1, site: NodeId = 0): MapEntry => ({
  type: "value",
  key,
  value: "x".repeat(5),
  timestamp: { time, site },
});

/** Samples from a list that the test may change. */
function peersOf(list: readonly NodeId[]): Pick<PeerSampler, "sample"> {
  return {
    sample: (count, random) => {
      const rest = [...list];
      const chosen = Array.from({ length: Math.min(count, rest.length) }, () =>
        rest.splice(random.below(rest.length), 1),
      );
      return chosen.flat().map((peer) => ({ peer, since: 0 }));
    },
  };
}

interface World {
  readonly nodes: number;
  readonly options?: Partial<AntiEntropyOptions>;
  readonly map?: Partial<ReplicatedMapOptions>;
  readonly loss?: number;
}

/** All nodes talk to all others, every 100 ms; a message takes 1 ms. */
function world({ nodes, options, map, loss = 0 }: World, seed = 1) {
  const notices: { row: number; notice: AntiEntropyNotice }[] = [];
  const simulation = new Simulation({
    seed,
    rows: nodes,
    links: { latency: { model: "constant", ms: 1 }, loss },
    onNotice: (row, notice) => notices.push({ row, notice }),
  });
  const all = Array.from({ length: nodes }, (_, row) => row);
  const protocols = all.map((self) => {
    const peers = peersOf(all.filter((row) => row !== self));
    const replica = new ReplicatedMap(self, map);
    return new AntiEntropy({ map: replica, peers, options: { intervalMs: 100, ...options } });
  });
  for (const row of all) simulation.host(row, protocols[row]!);
  return { simulation, protocols, maps: protocols.map((each) => each.map), notices };
}

function fill(map: ReplicatedMap, prefix: string, count: number): void {
  for (let i = 0; i < count; i++) map.merge(value(`${prefix}${i}`, i), 10_000);
}
const areSame = (maps: readonly ReplicatedMap[]) =>
  maps.every((map) => String(map.checksum) === String(maps[0]!.checksum));

describe.each(methods)("%s", (method) => {
  test.each(modes)("makes all replicas the same by %s", (mode) => {
    const { simulation, maps } = world({ nodes: 8, options: { mode, method } });
    for (const [row, map] of maps.entries()) fill(map, `of ${row}: `, 40);
    simulation.run(3000);
    expect(areSame(maps)).toBe(true);
    expect(maps[0]!.size).toBe(8 * 40);
  });

  test("gets there though half of the messages are lost", () => {
    const { simulation, maps } = world({ nodes: 5, options: { method }, loss: 0.5 });
    for (const [row, map] of maps.entries()) fill(map, `of ${row}: `, 40);
    simulation.run(10_000);
    expect(areSame(maps)).toBe(true);
    expect(maps[0]!.size).toBe(5 * 40);
  });

  test.each(modes)("moves entries in the direction of %s only", (mode) => {
    const { maps, simulation, protocols } = world({ nodes: 2, options: { mode, method, intervalMs: 5000 } });
    fill(maps[0]!, "of the caller ", 30);
    fill(maps[1]!, "of the other ", 30);
    // Node 1 sleeps: only node 0 calls.
    protocols[1]!.onTimer = () => {};
    simulation.run(5500);
    expect(maps[1]!.size).toBe(mode === "pull" ? 30 : 60);
    expect(maps[0]!.size).toBe(mode === "push" ? 30 : 60);
  });
});

describe("recent updates", () => {
  test("go with the comparison, and then nothing is left to reconcile", () => {
    const { simulation, protocols, maps } = world({ nodes: 6 });
    for (const map of maps) fill(map, "known to all ", 500);
    simulation.command(2, { type: "put", key: "news", value: "!" }, 150);
    simulation.run(3000);
    expect(maps.map((map) => map.get("news"))).toEqual(new Array(6).fill("!"));
    expect(protocols.reduce((sum, { counters }) => sum + counters.reconciliations, 0)).toBe(0);
    expect(protocols.every(({ counters }) => counters.inStep > 0)).toBe(true);
  });

  test("that are too old for the list are found by ranges", () => {
    const { simulation, protocols, maps } = world({ nodes: 2, map: { recentMs: 0 } });
    for (const map of maps) fill(map, "known to all ", 500);
    maps[0]!.merge(value("missed"), 0);
    simulation.run(300);
    expect(maps[1]!.get("missed")).toBe("xxxxx");
    expect(protocols.reduce((sum, { counters }) => sum + counters.entriesSent, 0)).toBe(1);
  });
});

describe("death certificates", () => {
  test("delete everywhere; dormant copies awake and win when a site comes back with the value", () => {
    const map = { tau1Ms: 3000, tau2Ms: 1_000_000, recentMs: 1000 };
    const { simulation, maps, notices } = world({ nodes: 6, options: { retentionSites: 2 }, map });
    simulation.command(0, { type: "put", key: "k", value: "x" }, 10);
    simulation.run(1500);
    expect(maps.every((each) => each.get("k") === "x")).toBe(true);
    const stranger = maps[5]!.entry("k")!;
    simulation.links.connectivity.partition([[0, 1, 2, 3, 4], [5]]);
    simulation.command(0, { type: "delete", key: "k" }, 10);
    simulation.run(10_000);
    // Everybody else has forgotten the certificate, but for two at most that keep it dormant.
    for (const each of maps.slice(0, 5)) expect([each.get("k"), each.size]).toEqual([undefined, 0]);
    const dormant = maps.slice(0, 5).reduce((sum, each) => sum + each.dormant, 0);
    expect(dormant).toBeGreaterThanOrEqual(1);
    expect(dormant).toBeLessThanOrEqual(2);
    expect(maps[5]!.entry("k")).toBe(stranger);
    simulation.links.connectivity.heal();
    simulation.run(12_500);
    expect(notices.some(({ notice }) => notice.type === "certificate-awakened")).toBe(true);
    expect(maps.map((each) => each.get("k"))).toEqual(new Array(6).fill(undefined));
    simulation.run(30_000);
    expect(maps.map((each) => [each.size, each.get("k")])).toEqual(new Array(6).fill([0, undefined]));
  });
});

test("a new neighbor is talked to at once: a late joiner waits for no interval", () => {
  const { simulation, protocols, maps } = world({ nodes: 2, options: { intervalMs: 1_000_000 } });
  fill(maps[0]!, "history ", 5000);
  simulation.at(50, () => {
    simulation.self = 1;
    simulation.row = 1;
    protocols[1]!.onNotice({ type: "neighbor-up", neighbor: 0 } as never, simulation);
  });
  simulation.run(100);
  expect(maps[1]!.size).toBe(5000);
});

test("whoever lacks more than one answer holds asks on until it has all", () => {
  const options = { maxEntriesPerAnswer: 700, intervalMs: 1_000_000, mode: "push-pull" as const };
  const { simulation, protocols, maps } = world({ nodes: 2, options });
  fill(maps[0]!, "history ", 6000);
  simulation.at(50, () => {
    simulation.self = 1;
    simulation.row = 1;
    protocols[1]!.onNotice({ type: "neighbor-up", neighbor: 0 } as never, simulation);
  });
  simulation.run(500);
  expect(maps[1]!.size).toBe(6000);
});

describe("what a stranger sends", () => {
  type Env = RecordingEnvironment<AntiEntropyMessage, AntiEntropyTimer, AntiEntropyNotice>;
  function node(method: AntiEntropyMethod = "recent-then-full") {
    const env: Env = new RecordingEnvironment("self");
    const map = new ReplicatedMap("self");
    fill(map, "ours ", 100);
    const protocol = new AntiEntropy({ map, peers: peersOf(["friend"]), options: { method } });
    protocol.start(env);
    env.take();
    return { env, map, protocol };
  }
  const checksum = new Uint8Array(16);
  const tooMany = Array.from({ length: maxEntriesPerMessage + 1 }, (_, i) => value(`k${i}`));

  test.each<[string, AntiEntropyMessage]>([
    ["too many recent updates", { type: "compare", mode: "push", recent: tooMany, checksum }],
    ["a short checksum", { type: "compare", mode: "push", recent: [], checksum: new Uint8Array(15) }],
    ["too many entries", { type: "entries", entries: tooMany, isPartial: false }],
    ["a part of an id", { type: "want", ids: new Uint8Array(33) }],
    ["too many ids", { type: "want", ids: new Uint8Array(32 * 16_385) }],
    ["no ranges", { type: "ranges", mode: "push", isFromCaller: true, round: 1, ranges: [] }],
    [
      "a round that cannot be",
      {
        type: "ranges",
        mode: "push",
        isFromCaller: true,
        round: 4097,
        ranges: initiate(new ReplicatedMap("z").ids),
      },
    ],
    ["an unknown type", { type: "nonsense" } as never],
  ])("is counted and dropped: %s", (_, message) => {
    const { env, map, protocol } = node();
    const before = map.checksum;
    protocol.onMessage("stranger", message, env);
    expect(env.effects).toEqual([]);
    expect(map.checksum).toEqual(before);
    expect(protocol.counters.malformed).toBe(1);
  });

  test("does not make us send all that we have, unless we called it, and then once", () => {
    const { env, protocol } = node();
    const answer = { type: "compared", mode: "push-pull", recent: [], checksum } as const;
    protocol.onMessage("friend", answer, env);
    expect(env.effects).toEqual([]);
    expect(protocol.counters.unsolicited).toBe(1);
    protocol.onTimer({ type: "talk" }, env);
    env.take();
    protocol.onMessage("friend", answer, env);
    expect(env.sent().map(({ message }) => message.type)).toEqual(["entries", "request-all"]);
    env.take();
    protocol.onMessage("friend", answer, env);
    expect(env.effects).toEqual([]);
  });

  test("gets our replica only so often in an interval", () => {
    const { env, protocol } = node();
    for (let i = 0; i < 20; i++) protocol.onMessage("stranger", { type: "request-all" }, env);
    expect(env.sent()).toHaveLength(16);
    env.take();
    protocol.onTimer({ type: "talk" }, env);
    protocol.onMessage("stranger", { type: "request-all" }, env);
    expect(env.sent().filter(({ message }) => message.type === "entries")).toHaveLength(1);
  });

  test("does not keep us asking on, if nothing of it is new", () => {
    const { env, protocol } = node();
    protocol.onMessage("stranger", { type: "entries", entries: [value("ours 1", 1)], isPartial: true }, env);
    expect(env.effects).toEqual([]);
    protocol.onMessage("stranger", { type: "entries", entries: [value("new")], isPartial: true }, env);
    expect(env.sent().map(({ message }) => message.type)).toEqual(["ranges"]);
  });
});

test("messages keep their bounds, however much there is to send", () => {
  const { simulation, protocols, maps } = world({ nodes: 2, options: { method: "full" } });
  const random = seededRandom(3);
  for (let i = 0; i < 3000; i++) {
    const text = "x".repeat(1 + random.below(900));
    maps[0]!.merge({ type: "value", key: `k${i}`, value: text, timestamp: { time: i, site: 0 } }, 5000);
  }
  const seen: MapEntry[][] = [];
  const receive = protocols[1]!.onMessage.bind(protocols[1]);
  protocols[1]!.onMessage = (from, message, env) => {
    if (message.type === "entries") seen.push([...message.entries]);
    receive(from, message, env);
  };
  simulation.run(150);
  expect(maps[1]!.size).toBe(3000);
  expect(new Set(seen.flat().map((entry) => String(idOf(entry)))).size).toBe(3000);
  for (const entries of seen) {
    expect(entries.length).toBeLessThanOrEqual(1024);
    const bytes = entries.reduce(
      (sum, each) => sum + 2 * (each.key.length + (each as { value: string }).value.length),
      0,
    );
    expect(bytes).toBeLessThanOrEqual(512 * 1024);
  }
});
