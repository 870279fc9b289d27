/** Pastry among many nodes, in virtual time. */
import { describe, expect, test } from "vitest";
import { routeAsInDocument } from "../../test/support/pastry-as-in-document.ts";
import { compareAround, compareUp, type Key, keyOfName, Stack, seededRandom } from "../core/index.ts";
import { LookupNetwork, type LookupNetworkConfig } from "../lab/lookup/lookup-network.ts";
import { staticPastry } from "../lab/lookup/static-pastry.ts";
import { Pastry, type PastryConfig } from "./pastry.ts";

interface Settings extends Partial<LookupNetworkConfig> {
  readonly nodes: number;
  readonly pastry?: Partial<PastryConfig>;
}

function networkOf({ nodes, pastry, ...config }: Settings): LookupNetwork {
  return new LookupNetwork({
    seed: 1,
    rows: nodes,
    links: { latency: { model: "plane", sideMs: 100, baseMs: 5 } },
    make: (place) => new Pastry({ ...place, ...pastry }),
    ...config,
  });
}

/** One after the other, each through a random one of those before it. */
function joinAll(network: LookupNetwork, everyMs: number): void {
  for (let row = 0; row < network.config.rows; row++) {
    network.start(row, network.living.size === 0 ? [] : network.living.sample(1, network.dieOf(row)));
    network.run(everyMs);
  }
}

const pastryOf = (network: LookupNetwork, row: number) => network.routerOf(row) as Pastry;

/** How many leaf sets of living members are not what they should be. */
function wrongLeafSets(network: LookupNetwork): number {
  let wrong = 0;
  const living = network.keys.sorted.filter(({ node }) => network.living.has(node as number));
  living.forEach(({ node, key }, place) => {
    const { leaves } = pastryOf(network, node as number);
    const count = Math.min(leaves.sideSize, living.length - 1);
    const side = (step: 1 | -1) =>
      Array.from({ length: count }, (_, i) => living.at((place + step * (i + 1)) % living.length)!.key);
    const keys = (nodes: readonly { key: Key }[]) =>
      nodes
        .map((leaf) => leaf.key)
        .slice(0, count)
        .join();
    if (keys(leaves.above) !== side(1).join() || keys(leaves.below) !== side(-1).join()) wrong++;
    expect(
      leaves.above.every((leaf, i, all) => i === 0 || compareUp(key, all[i - 1]!.key, leaf.key) < 0),
    ).toBe(true);
  });
  return wrong;
}

/** So many lookups by all nodes in turn. */
function lookUp(network: LookupNetwork, count: number) {
  const asked = Array.from({ length: count }, (_, i) =>
    network.lookup(network.living.at(i % network.living.size), keyOfName(`${network.time}/${i}`)),
  );
  expect(network.finish()).toBe(true);
  const reports = asked.map(({ report }) => report!);
  const right = reports.filter(
    ({ key, closest }) => closest[0] === network.trueClosest(key, 1, compareAround)[0],
  );
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { reports, right: right.length / count, hops: mean(reports.map(({ hops }) => hops)) };
}

describe("200 nodes that join one after the other", () => {
  const network = networkOf({ nodes: 200 });
  joinAll(network, 300);

  test("all have their exact leaf sets a moment later", () => {
    network.run(10_000);
    expect(network.living.size).toBe(200);
    expect(wrongLeafSets(network)).toBe(0);
  });

  test("find the numerically closest node, within log16 N hops on average, and with its leaf set", () => {
    const { reports, right, hops } = lookUp(network, 400);
    expect(right).toBe(1);
    expect(hops).toBeLessThan(Math.log(200) / Math.log(16) + 0.1);
    for (const report of reports) {
      expect(report).toMatchObject({ outcome: "found", silent: 0 });
      expect(report.hops).toBe(report.path.length);
      if (report.hops > 0)
        expect(report.path.at(-1)).toMatchObject({ node: report.closest[0]!.node, outcome: "answered" });
    }
    const key = keyOfName("eight");
    const asked = network.lookup(7, key, { count: 8 });
    network.finish();
    expect(asked.report!.closest).toEqual(network.trueClosest(key, 8, compareAround));
    expect(pastryOf(network, asked.report!.closest[0]!.node as number).replicas(key, 8)).toEqual(
      asked.report!.closest,
    );
  });

  test("speak little while nothing happens", () => {
    const sent = () => network.sent.messages.reduce((sum, count) => sum + count, 0);
    const before = sent();
    network.run(60_000);
    expect((sent() - before) / 200 / 60).toBeLessThan(2);
  });

  test("half of them killed: the others find each other around the dead at once, and all is mended soon", () => {
    for (let row = 0; row < 200; row += 2) network.crash(row);
    const atOnce = lookUp(network, 300);
    expect(atOnce.right).toBeGreaterThan(0.98);
    expect(atOnce.reports.some(({ silent }) => silent > 0)).toBe(true);
    network.run(60_000);
    expect(wrongLeafSets(network)).toBe(0);
    const { right, reports } = lookUp(network, 300);
    expect(right).toBe(1);
    for (let row = 1; row < 200; row += 2) {
      const { leaves } = pastryOf(network, row);
      expect(leaves.all().every(({ node }) => network.living.has(node as number))).toBe(true);
    }
    expect(reports.filter(({ silent }) => silent > 0).length).toBeLessThan(100);
  });

  test("those that come back are taken in again", () => {
    for (let row = 0; row < 200; row += 2) network.start(row, [1 + (row % 50) * 2], false);
    network.run(60_000);
    expect(wrongLeafSets(network)).toBe(0);
    expect(lookUp(network, 200).right).toBe(1);
  });
});

test("tables become near: their nodes are closer by round trip than most that would fit", () => {
  const network = networkOf({ nodes: 100, pastry: { options: { tableIntervalMs: 1000 } } });
  joinAll(network, 200);
  network.run(100_000);
  let [chosen, fitting, nearest, count] = [0, 0, 0, 0];
  const { links } = network.simulation;
  for (let row = 0; row < 100; row += 5) {
    const { table } = pastryOf(network, row);
    const distance = (to: number) => links.transitMs(row, to, 0, 0);
    for (const entry of table.row(0)) {
      const fit = network.keys.nodes.filter(
        ({ key }) => key[0] === entry.key[0] && key[0] !== table.self.key[0],
      );
      chosen += distance(entry.node as number);
      fitting += fit.reduce((sum, { node }) => sum + distance(node as number), 0) / fit.length;
      nearest += Math.min(...fit.map(({ node }) => distance(node as number)));
      count++;
    }
  }
  expect(count).toBeGreaterThan(200);
  // Of what the perfect choice would gain over a random one.
  expect((fitting - chosen) / (fitting - nearest)).toBeGreaterThan(0.8);
});

test("leaving nodes are replaced at once", () => {
  const network = networkOf({ nodes: 60 });
  joinAll(network, 200);
  for (let row = 0; row < 20; row++) {
    network.leave(row);
    network.run(500);
  }
  network.run(2000);
  expect(wrongLeafSets(network)).toBe(0);
  expect(lookUp(network, 100).right).toBe(1);
});

test("many that start at the same moment and know a few others each become one network", () => {
  const network = networkOf({ nodes: 120, hasMembership: true });
  for (let row = 0; row < 120; row++) network.start(row);
  network.run(60_000);
  expect(wrongLeafSets(network)).toBe(0);
  expect(lookUp(network, 200).right).toBe(1);
});

test("many that are alone, and are told of three others each, become one network within seconds", () => {
  const network = networkOf({ nodes: 100 });
  for (let row = 0; row < 100; row++) {
    network.start(row);
    const nodes = [7 * row + 1, 3 * row + 2, row + 1].map((other) => other % 100);
    network.simulation.command(row, { type: "learn-of", nodes }, 100);
  }
  network.run(20_000);
  expect(wrongLeafSets(network)).toBe(0);
});

test("two halves that were cut off from each other find together again", () => {
  const network = networkOf({ nodes: 80 });
  joinAll(network, 200);
  network.run(10_000);
  const sides = [0, 1].map((half) => Array.from({ length: 40 }, (_, i) => 2 * i + half));
  network.simulation.links.connectivity.partition(sides);
  network.run(180_000);
  // Each half is in order by itself: no leaf of the other one is left.
  for (const half of sides)
    for (const row of half) {
      const { leaves } = pastryOf(network, row);
      expect(leaves.all().every(({ node }) => (node as number) % 2 === row % 2)).toBe(true);
    }
  network.simulation.links.connectivity.heal();
  network.run(180_000);
  expect(wrongLeafSets(network)).toBe(0);
  expect(lookUp(network, 200).right).toBe(1);
});

test("all crash and start again with nothing but their disks", () => {
  const network = networkOf({ nodes: 50, keepsDisks: true });
  joinAll(network, 200);
  network.run(70_000);
  for (let row = 0; row < 50; row++) network.crash(row);
  for (let row = 0; row < 50; row++) network.start(row);
  network.run(60_000);
  expect(wrongLeafSets(network)).toBe(0);
  expect(lookUp(network, 100).right).toBe(1);
});

test("over the wire, with loss, copies and overtaking, lookups find what they should", () => {
  const network = networkOf({
    nodes: 40,
    isWireTrue: true,
    links: {
      latency: { model: "uniform", fromMs: 5, toMs: 60 },
      loss: 0.05,
      duplication: 0.05,
      reordering: 0.1,
    },
    make: (place) => new Stack({ pastry: new Pastry(place) }),
  });
  joinAll(network, 500);
  network.run(20_000);
  const { right, reports } = lookUp(network, 300);
  expect(right).toBeGreaterThan(0.99);
  expect(reports.every(({ outcome }) => outcome === "found")).toBe(true);
  expect(network.simulation.counters.malformed).toBe(0);
});

describe("a network with perfect tables", () => {
  const quiet = { leafIntervalMs: 0, tableIntervalMs: 0, mergeIntervalMs: 0, persistIntervalMs: 0 };
  const perfect = (rule?: PastryConfig["rule"]) => {
    const network = networkOf({
      nodes: 5000,
      isLazy: true,
      links: { latency: { model: "constant", ms: 10 } },
      tableOf: (row, keys) => staticPastry(keys, { seed: 1 })(row),
      pastry: { options: quiet, rule, settings: { deadlineMs: 5000 } },
    });
    network.startAll();
    return network;
  };

  test("asks nobody anything but what is looked up", () => {
    const network = perfect();
    expect(lookUp(network, 200).right).toBe(1);
    expect([...network.sent.byType.keys()].sort()).toEqual(["ack", "arrived", "passed", "route"]);
  });

  test("the document's fall-back goes round in it", () => {
    const right = lookUp(perfect(), 300);
    const network = perfect(routeAsInDocument(seededRandom(1)));
    const wrong = lookUp(network, 300);
    // Whoever gets a route a second time drops it; its origin waits in vain and tries again.
    const rounds = network.living.all().map((row) => pastryOf(network, row)?.counters.duplicates ?? 0);
    expect(rounds.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    const latest = (all: typeof wrong) =>
      Math.max(...all.reports.map(({ startedAt, endedAt }) => endedAt - startedAt));
    expect(latest(wrong)).toBeGreaterThan(5 * latest(right));
  });
});
