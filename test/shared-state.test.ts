/** The shared map in a whole network of forty peers: everybody comes to have the same, whatever happens meanwhile. */
import { describe, expect, test } from "vitest";
import { seededRandom } from "../src/core/index.ts";
import type { SharedStateOptions, StateChanged } from "../src/dissemination/shared-state.ts";
import { wireCodec } from "../src/lab/wire-codec.ts";
import { SimulatedNetwork, type SimulatedNetworkConfig } from "../src/simulated/index.ts";

const peers = 40;
const seeds = 3;
const intervalMs = 1000;

/** A network that has formed, and what its peers heard of their state. */
class Town {
  readonly network: SimulatedNetwork;
  readonly changes: { readonly row: number; readonly change: StateChanged }[] = [];

  constructor(config: Partial<SimulatedNetworkConfig> = {}, state: Partial<SharedStateOptions> = {}) {
    this.network = new SimulatedNetwork({
      seed: 1,
      seeds,
      maxPeers: peers + 10,
      links: { kind: "stream", latency: { model: "uniform", fromMs: 5, toMs: 40 } },
      options: { source: { waitsForCommand: true }, state: { intervalMs, ...state } },
      keepsDisks: true,
      onNotice: (_at, row, layer, notice) => {
        if (layer === "state" && notice.type === "state-changed")
          this.changes.push({ row, change: notice as unknown as StateChanged });
      },
      ...config,
    });
    this.network.startSeeds();
    for (let i = 0; i < peers; i++) this.network.addPeer();
    expect(
      this.network.runUntil(() => this.network.isFormed, 60_000),
      "formed",
    ).toBe(true);
    this.pass(1000);
  }

  get living(): number[] {
    return [...this.network.peers.keys()];
  }
  pass(ms: number): void {
    this.network.simulation.run(this.network.time + ms);
  }
  set(row: number, key: string, value: string): void {
    this.#command(row, { type: "set", key, value });
  }
  delete(row: number, key: string): void {
    this.#command(row, { type: "delete", key });
  }
  #command(row: number, body: object): void {
    this.network.simulation.command(row, { layer: "state", body });
  }
  /** What each of these has, as often as there are different answers. */
  answers(key: string, rows = this.living): unknown[] {
    return [...new Set(rows.map((row) => this.network.peers.get(row)!.state.get(key)))];
  }
  get areSame(): boolean {
    const { peers } = this.network;
    return new Set([...peers.values()].map(({ state }) => String(state.map?.checksum))).size === 1;
  }
  converges(limitMs: number): boolean {
    this.pass(10); // what was commanded happens first
    return this.network.runUntil(() => this.areSame, limitMs);
  }
  total(count: "contacts" | "entriesSent" | "bytesSent" | "malformed"): number {
    let sum = 0;
    for (const { state } of this.network.peers.values()) sum += state.exchangeCounters?.[count] ?? 0;
    return sum;
  }
  get halves(): [number[], number[]] {
    const { living } = this;
    const all = [...Array(seeds).keys()];
    return [
      [...all.slice(0, 1), ...living.slice(0, 15)],
      [...all.slice(1), ...living.slice(15)],
    ];
  }
}

describe("the shared state of forty peers", () => {
  test("a network that shares nothing sends nothing and keeps no map", () => {
    const town = new Town();
    town.pass(20_000);
    for (const { state } of town.network.peers.values()) expect(state.map).toBeUndefined();
  });

  test("what one sets all have, in much less than an interval", () => {
    const town = new Town({}, { intervalMs: 60_000 });
    town.set(10, "color", "green");
    town.pass(500);
    expect(town.answers("color")).toEqual(["green"]);
    expect(town.changes.length).toBe(peers); // each hears of it once
    expect(town.changes.filter(({ change }) => change.from === undefined).map(({ row }) => row)).toEqual([
      10,
    ]);
    for (const { change } of town.changes)
      expect(change).toMatchObject({ key: "color", value: "green", writer: 10 });
  });

  test.each(["push", "pull", "push-pull"] as const)("it spreads by comparisons alone: %s", (mode) => {
    const town = new Town({}, { mode, maxNews: 0 });
    for (const row of town.living) town.set(row, `of ${row}`, "x");
    expect(town.converges(60_000)).toBe(true);
    expect(town.network.peers.get(5)!.state.size).toBe(peers);
    const late = town.network.startPeer(town.network.reserve()).state;
    expect(town.network.runUntil(() => late.size === peers, 60_000)).toBe(true);
  });

  test.each(["full", "recent-then-full"] as const)("it spreads by the method %s", (method) => {
    const town = new Town({}, { method, maxNews: 0, recentMs: 0 });
    for (const row of town.living) town.set(row, `of ${row}`, "x".repeat(100));
    expect(town.converges(60_000)).toBe(true);
  });

  test("links that lose messages delay it, and no more", () => {
    const town = new Town({
      links: { kind: "datagram", loss: 0.1, latency: { model: "constant", ms: 20 } },
      options: {
        source: { waitsForCommand: true },
        state: { intervalMs, maxNews: 0 },
        heartbeat: { misses: 20 },
      },
    });
    for (const row of town.living) town.set(row, `of ${row}`, "x".repeat(row));
    expect(town.converges(60_000)).toBe(true);
    expect(town.network.peers.get(5)!.state.size).toBe(peers);
  });

  test("of what two set at once, one wins, and it is the same everywhere", () => {
    const town = new Town();
    const before = town.changes.length;
    for (const row of town.living) town.set(row, "leader", `peer ${row}`);
    expect(town.converges(20_000)).toBe(true);
    const [winner, ...others] = town.answers("leader");
    expect(others).toEqual([]);
    expect(winner).toBe(`peer ${Math.max(...town.living)}`); // of equal times the site decides
    expect(town.changes.length).toBeGreaterThan(before + peers);
    town.set(7, "leader", "peer 7, later");
    town.pass(500);
    expect(town.answers("leader")).toEqual(["peer 7, later"]);
  });

  test("a delete does not come back when a partition heals, and later writes of both sides survive", () => {
    const town = new Town();
    for (const key of ["a", "b", "c"]) town.set(5, key, "old");
    town.pass(2000);
    const [one, two] = town.halves;
    town.network.simulation.links.connectivity.partition([one, two]);
    town.delete(one.at(-1)!, "a");
    town.delete(one.at(-1)!, "b");
    town.pass(3000);
    town.set(two.at(-1)!, "b", "written after the deletion");
    town.set(two.at(-1)!, "c", "new");
    town.pass(5000);
    expect(town.answers("a").length, "the halves differ").toBe(2);
    town.network.simulation.links.connectivity.heal();
    expect(town.converges(60_000)).toBe(true);
    expect(town.answers("a")).toEqual([undefined]);
    expect(town.answers("b")).toEqual(["written after the deletion"]);
    expect(town.answers("c")).toEqual(["new"]);
    town.pass(20_000);
    expect(town.answers("a")).toEqual([undefined]);
  });

  test("a delete does not come back with a peer that slept through it and has it on its disk", () => {
    const town = new Town();
    town.set(5, "gone", "still here");
    town.set(5, "kept", "still here");
    town.pass(2000);
    town.network.crash(20);
    town.delete(6, "gone");
    town.pass(2000);
    expect(town.network.startPeer(20).state.options.intervalMs).toBe(intervalMs);
    town.pass(1);
    const restarted = town.network.peers.get(20)!.state;
    expect([restarted.get("gone"), restarted.get("kept")], "as its disk has it").toEqual([
      "still here",
      "still here",
    ]);
    expect(town.converges(60_000)).toBe(true);
    expect(town.answers("gone")).toEqual([undefined]);
    expect(town.answers("kept")).toEqual(["still here"]);
  });

  test("when all have crashed, values and certificates are on their disks", () => {
    const town = new Town();
    town.set(5, "a", "1");
    town.set(5, "b", "2");
    town.pass(2000);
    town.delete(9, "b");
    town.pass(2000);
    const rows = town.living;
    for (const row of rows) town.network.crash(row);
    for (const row of rows) town.network.startPeer(row);
    town.pass(1);
    expect(town.answers("a")).toEqual(["1"]);
    for (const { state } of town.network.peers.values())
      expect(state.map!.entry("b")).toMatchObject({ type: "death-certificate", timestamp: { site: 9 } });
  });

  test("a late joiner gets a thousand keys in a few messages, and nobody else gets them again", () => {
    const town = new Town();
    for (let i = 0; i < 1000; i++) town.set(town.living[i % peers]!, `key ${i}`, `value ${i}`);
    expect(town.converges(60_000)).toBe(true);
    town.pass(40_000); // nothing is recent any more
    let messages = 0;
    const row = town.network.reserve();
    const before = town.total("entriesSent");
    const { simulation } = town.network;
    const joiner = town.network.startPeer(row);
    const { state } = joiner;
    const receive = state.onMessage.bind(state);
    state.onMessage = (...all) => {
      if (state.size < 1000) messages++;
      receive(...all);
    };
    expect(town.network.runUntil(() => state.size === 1000, 10_000, 10)).toBe(true);
    expect(simulation.isAlive(row)).toBe(true);
    expect(messages).toBeLessThan(10);
    town.pass(5000);
    // Each of its first neighbors may have sent all of them before the first parcel came.
    expect(town.total("entriesSent") - before).toBeLessThanOrEqual(1000 * joiner.view.neighbors.length);
    expect(town.areSame).toBe(true);
  });

  test("while peers come and go, everybody who is there in the end has everything", () => {
    const town = new Town();
    let written = 0;
    const gone: number[] = [];
    for (let round = 0; round < 12; round++) {
      const { living } = town;
      for (let i = 0; i < 5; i++)
        town.set(living[(7 * round + i) % living.length]!, `key ${written++}`, "value");
      if (round > 3) town.delete(living[(3 * round) % living.length]!, `key ${round}`);
      town.pass(200); // somebody has heard of it before its writer goes
      const victim = living[(11 * round) % living.length]!;
      town.network.crash(victim);
      gone.push(victim);
      if (round % 3 === 0) town.network.addPeer();
      if (round % 3 === 1) town.network.startPeer(gone.shift()!);
      town.pass(1000);
    }
    expect(town.converges(90_000)).toBe(true);
    const { state } = [...town.network.peers.values()][0]!;
    expect(state.map!.valueCount).toBe(written - 8);
  });

  test.each([1, 2, 3, 4, 5, 6])(
    "random faults end in one state, without what was deleted last: seed %i",
    (seed) => {
      const town = new Town({ seed });
      const random = seededRandom(seed);
      const { connectivity } = town.network.simulation.links;
      const one = <T>(list: readonly T[]): T => list[random.below(list.length)]!;
      const down: number[] = [];
      for (let step = 0; step < 60; step++) {
        const key = `key ${random.below(10)}`;
        const what = random.below(10);
        if (what < 4) town.set(one(town.living), key, `step ${step}`);
        else if (what < 6) town.delete(one(town.living), key);
        else if (what === 6 && town.living.length > 30) {
          const victim = one(town.living);
          town.network.crash(victim);
          down.push(victim);
        } else if (what === 7 && down.length > 0)
          town.network.startPeer(down.shift()!, random.below(2) === 0);
        else if (what === 8) connectivity.partition(town.halves);
        else if (what === 9) connectivity.heal();
        town.pass(random.below(800));
      }
      connectivity.heal();
      for (const row of down) town.network.startPeer(row);
      expect(town.converges(120_000)).toBe(true);
      for (let key = 0; key < 5; key++) town.delete(one(town.living), `key ${key}`);
      town.set(one(town.living), "key 9", "the end");
      expect(town.converges(60_000)).toBe(true);
      town.pass(10_000);
      for (let key = 0; key < 5; key++) expect(town.answers(`key ${key}`)).toEqual([undefined]);
      expect(town.answers("key 9")).toEqual(["the end"]);
      expect(town.total("malformed")).toBe(0);
    },
  );

  test("the same goes for real frames and signed entries", () => {
    const town = new Town({ codec: wireCodec(), hasLiars: true });
    for (let i = 0; i < 100; i++) town.set(town.living[i % peers]!, `key ${i}`, `välue ${i} 🍇`);
    town.pass(1000);
    town.delete(town.living[3]!, "key 17");
    expect(town.converges(30_000)).toBe(true);
    expect(town.answers("key 18")).toEqual(["välue 18 🍇"]);
    expect(town.answers("key 17")).toEqual([undefined]);
    expect(town.total("malformed")).toBe(0);
    for (const { state } of town.network.peers.values()) expect(state.map!.counters.forged).toBe(0);
  });
});
