/** Chord among many nodes, in virtual time. */
import { describe, expect, test } from "vitest";
import { compareUp, type Key, type KeyedNode, keyOfName } from "../core/index.ts";
import { ChordInvariant } from "../lab/lookup/chord-invariant.ts";
import { KeySpace } from "../lab/lookup/key-space.ts";
import { LookupNetwork, type LookupNetworkConfig } from "../lab/lookup/lookup-network.ts";
import { staticChord } from "../lab/lookup/static-chord.ts";
import { Chord } from "./chord.ts";
import type { ChordConfig } from "./chord-options.ts";

interface Settings extends Partial<LookupNetworkConfig> {
  readonly nodes: number;
  readonly chord?: Partial<ChordConfig>;
}

interface World {
  readonly network: LookupNetwork;
  readonly invariant: ChordInvariant;
  /** Who each node was told is next to it on the ring. */
  readonly contacts: Map<number, Map<Key, KeyedNode>>;
  readonly faults: string[];
  crash(row: number): void;
  isExact(): boolean;
}

function worldOf({ nodes, chord, ...config }: Settings): World {
  const invariant = new ChordInvariant(chord?.options?.successors ?? 16);
  const contacts: World["contacts"] = new Map();
  const faults: string[] = [];
  const network: LookupNetwork = new LookupNetwork({
    seed: 1,
    rows: nodes,
    links: { latency: { model: "uniform", fromMs: 10, toMs: 60 } },
    make: (place) => {
      contacts.set(place.row, new Map());
      return new Chord({ ...place, ...chord });
    },
    onNotice: (_, row, __, notice) => {
      if (notice.type === "ring-changed") invariant.update(network.routerOf(row) as Chord);
      if (notice.type === "ring-changed" && invariant.fault !== undefined) faults.push(invariant.fault);
      if (notice.type === "contact-up") contacts.get(row)!.set(notice["contact"].key, notice["contact"]);
      if (notice.type === "contact-down") contacts.get(row)!.delete(notice["contact"].key);
    },
    ...config,
  });
  return {
    ...{ network, invariant, contacts, faults },
    crash(row) {
      network.crash(row);
      invariant.remove(network.keys.nodes[row]!.key);
    },
    isExact: () => invariant.members === network.living.size && invariant.faultsWhenCalm(1).length === 0,
  };
}

/** Each through one of those before it, in an order that does not follow keys. */
function joinAll({ network }: World, everyMs: number): void {
  for (let row = 0; row < network.config.rows; row++) {
    network.start(row, row === 0 ? [] : [row >> 1]);
    network.run(everyMs);
  }
}

/** So many lookups by all nodes in turn, and how many of them found the owner. */
function lookUp(network: LookupNetwork, count: number) {
  const asked = Array.from({ length: count }, (_, i) =>
    network.lookup(network.living.at(i % network.living.size), keyOfName(`${network.time}/${i}`)),
  );
  expect(network.finish()).toBe(true);
  const isRight = ({ key, report }: (typeof asked)[number]) =>
    report!.closest[0] === network.trueClosest(key, 1, compareUp)[0];
  const latencies = asked.map(({ report }) => report!.endedAt - report!.startedAt).sort((a, b) => a - b);
  return {
    asked,
    right: asked.filter(isRight).length,
    meanHops: asked.reduce((sum, { report }) => sum + report!.hops, 0) / count,
    medianMs: latencies[count >> 1]!,
  };
}

describe("a ring", () => {
  test("of nodes that joined one by one is exact, and its lookups take half of log2 N hops and are right", () => {
    const world = worldOf({ nodes: 200 });
    joinAll(world, 300);
    expect(world.network.runUntil(world.isExact, 60_000)).toBe(true);
    // All fingers once.
    world.network.run(20_000);
    const { right, meanHops } = lookUp(world.network, 1000);
    expect(right).toBe(1000);
    expect(meanHops).toBeGreaterThan(2);
    expect(meanHops).toBeLessThan(Math.log2(200) / 2);
    expect(world.faults).toEqual([]);
  });

  test("is one, though many nodes start at the same moment and nobody is there before", () => {
    for (const seed of [1, 2, 3]) {
      const world = worldOf({ nodes: 100, seed, hasMembership: true });
      for (let row = 0; row < 100; row++) world.network.start(row);
      expect(world.network.runUntil(world.isExact, 60_000)).toBe(true);
    }
  });

  test("is formed again by what nodes had on disk, without anybody else", () => {
    const world = worldOf({ nodes: 60, keepsDisks: true, chord: { options: { persistMs: 5000 } } });
    joinAll(world, 300);
    world.network.run(30_000);
    for (let row = 0; row < 60; row++) world.crash(row);
    for (let row = 0; row < 60; row++) world.network.start(row);
    expect(world.network.runUntil(world.isExact, 60_000)).toBe(true);
  });

  test("becomes one again after a partition in which two were formed", () => {
    const world = worldOf({ nodes: 60 });
    joinAll(world, 300);
    world.network.run(30_000);
    const rows = Array.from({ length: 60 }, (_, row) => row);
    const { connectivity } = world.network.simulation.links;
    connectivity.partition([rows.filter((row) => row % 2 === 0), rows.filter((row) => row % 2 === 1)]);
    world.network.run(120_000);
    const ringOf = (row: number) => (world.network.routerOf(row) as Chord).successors.map(({ node }) => node);
    expect(rows.every((row) => ringOf(row).every((node) => ((node as number) - row) % 2 === 0))).toBe(true);
    connectivity.heal();
    expect(world.network.runUntil(world.isExact, 300_000)).toBe(true);
  });

  test("tells who came and went: contact notices add up to the neighbors", () => {
    const world = worldOf({ nodes: 40 });
    joinAll(world, 200);
    world.network.run(10_000);
    for (const row of [3, 9, 27]) world.crash(row);
    world.network.leave(5);
    world.invariant.remove(world.network.keys.nodes[5]!.key);
    world.network.run(60_000);
    for (const [row, told] of world.contacts) {
      const chord = world.network.routerOf(row) as Chord | undefined;
      if (chord === undefined) continue;
      const neighbors = new Set([...chord.successors, chord.predecessor!].map(({ key }) => key));
      expect(new Set(told.keys())).toEqual(neighbors);
    }
  });

  test("survives half of its nodes, is exact soon after, and finds owners meanwhile", () => {
    const world = worldOf({ nodes: 200 });
    joinAll(world, 300);
    world.network.run(60_000);
    for (let row = 1; row < 200; row += 2) world.crash(row);
    expect(lookUp(world.network, 100).right).toBeGreaterThan(97);
    expect(world.network.runUntil(world.isExact, 60_000)).toBe(true);
    world.network.run(30_000);
    const { right, medianMs } = lookUp(world.network, 200);
    expect(right).toBe(200);
    expect(medianMs).toBeLessThan(500);
  });

  test("stands although one message in twenty is lost", () => {
    const links = { latency: { model: "uniform", fromMs: 10, toMs: 60 }, loss: 0.05 } as const;
    const world = worldOf({ nodes: 60, links });
    joinAll(world, 500);
    expect(world.network.runUntil(world.isExact, 120_000)).toBe(true);
    world.network.run(60_000);
    expect(lookUp(world.network, 300).right).toBeGreaterThan(290);
  });

  test("of many nodes is built only as far as lookups go", () => {
    const keys = new KeySpace({ seed: 1, rows: 20_000 });
    const tableOf = staticChord(keys, { successors: 40 });
    const chord = { hasUpkeep: false, options: { successors: 40 } };
    const world = worldOf({ nodes: 20_000, keys, tableOf, isLazy: true, chord });
    world.network.startAll();
    const { right } = lookUp(world.network, 300);
    expect(right).toBe(300);
    expect(world.network.made).toBeLessThan(5000);
  });
});

describe("a node", () => {
  test("knows the replicas of keys near it: the owner and its successors", () => {
    const world = worldOf({ nodes: 50 });
    joinAll(world, 200);
    expect(world.network.runUntil(world.isExact, 60_000)).toBe(true);
    for (const row of world.network.living.sample(50, world.network.dieOf(0))) {
      const chord = world.network.routerOf(row) as Chord;
      for (const { key } of [chord.self, chord.predecessor!, chord.successors[5]!]) {
        const true8 = world.network.trueClosest(key, 8, compareUp);
        expect(chord.replicas(key, 8)).toEqual(true8);
      }
    }
  });

  test("names as many successors of the owner as are asked for", () => {
    const world = worldOf({ nodes: 50 });
    joinAll(world, 200);
    world.network.runUntil(world.isExact, 60_000);
    const asked = Array.from({ length: 50 }, (_, i) =>
      world.network.lookup(i, keyOfName(`${i}`), { count: 5 }),
    );
    expect(world.network.finish()).toBe(true);
    for (const { key, report } of asked)
      expect(report!.closest).toEqual(world.network.trueClosest(key, 5, compareUp));
  });
});
