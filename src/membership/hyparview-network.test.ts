/** HyParView among many nodes, in virtual time. */
import { describe, expect, test } from "vitest";
import { ViewNetwork, type ViewNetworkConfig } from "../lab/reproduce/view-network.ts";
import { components, degrees, isConnected } from "../theory/index.ts";

const links = { latency: { model: "uniform", fromMs: 1, toMs: 20 } } as const;
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** A network in which everybody knows everybody, and all start at once. */
function full(nodes: number, settings: Partial<ViewNetworkConfig> = {}): ViewNetwork {
  const network = new ViewNetwork({ seed: 1, nodes, links, isFullView: true, ...settings });
  for (const row of range(0, nodes - 1)) network.start(row, []);
  for (const row of range(0, nodes - 1)) network.introduce(row, range(0, nodes - 1));
  return network;
}

function degreesOf(network: ViewNetwork): number[] {
  return degrees(network.graph).sort((a, b) => a - b);
}

describe("where the membership has everybody", () => {
  test.each([2, 3, 5, 6])(
    "%i peers are all neighbors of all, and stay so without a word but tests",
    (nodes) => {
      const heard: string[] = [];
      const network = full(nodes, { onNotice: (_, { type }) => heard.push(type) });
      network.run(10_000);
      expect(degreesOf(network)).toEqual(new Array(nodes).fill(nodes - 1));
      heard.length = 0;
      const before = network.simulation.counters.messages;
      network.run(60_000);
      expect(heard).toEqual([]);
      // Every link tested from both ends every ten seconds, and answered.
      expect(network.simulation.counters.messages - before).toBeLessThanOrEqual(6 * 2 * nodes * (nodes - 1));
    },
  );

  test.each([7, 8, 30, 100])(
    "%i peers that start at once are one network, and nearly all have 5 neighbors",
    (nodes) => {
      const network = full(nodes);
      network.run(1500);
      expect(isConnected(network.graph)).toBe(true);
      network.run(10_000);
      const missing = degreesOf(network).reduce((sum, degree) => sum + 5 - degree, 0);
      expect(missing).toBeLessThanOrEqual(Math.max(2, nodes / 10));
      expect(degreesOf(network).at(-1)).toBe(5);
      expect(network.oneSided).toBe(0);
    },
  );

  test.each([5, 6])("ten cliques of %i that hear of each other become one network", (size) => {
    const nodes = 10 * size;
    for (const seed of [1, 2]) {
      const network = new ViewNetwork({ seed, nodes, links, isFullView: true });
      const cliques = range(0, 9).map((clique) => range(clique * size, clique * size + size - 1));
      for (const clique of cliques) for (const row of clique) network.start(row, []);
      for (const clique of cliques) for (const row of clique) network.introduce(row, clique);
      network.run(10_000);
      expect(components(network.graph)).toHaveLength(10);
      for (const row of range(0, nodes - 1)) network.introduce(row, range(0, nodes - 1));
      network.run(5000);
      expect(isConnected(network.graph)).toBe(true);
    }
  });

  test("who is killed and starts again, and who leaves, is a whole neighbor and none", () => {
    const network = full(30);
    network.run(5000);
    network.crash([3, 4], 50);
    for (const row of [3, 4]) {
      network.start(row, [], 2);
      network.introduce(row, range(0, 29));
    }
    network.tell(5, { type: "leaving" });
    network.run(200);
    expect(network.living.filter((row) => row !== 5 && network.views[row]!.has(5))).toEqual([]);
    network.crash([5], 50);
    network.run(20_000);
    expect(degreesOf(network)[0]).toBeGreaterThanOrEqual(4);
    expect(network.oneSided).toBe(0);
    expect(isConnected(network.graph)).toBe(true);
  });

  test("over links that lose a fifth of all messages no link stays that only one end counts", () => {
    const lossy = { ...links, kind: "datagram", loss: 0.2 } as const;
    const network = full(40, { links: lossy, options: { keepAliveMs: 1000, keepAliveMisses: 5 } });
    network.run(20_000);
    const counts = range(1, 20).map(() => {
      network.run(5000);
      return network.oneSided;
    });
    // Each lost answer makes one; they do not heap up.
    expect(Math.max(...counts.slice(10))).toBeLessThanOrEqual(6);
    expect(Math.min(...counts)).toBe(0);
  });
});

describe("where nobody knows everybody", () => {
  test("joins make one network of equal degrees, and nobody has more than 5 neighbors", () => {
    const network = new ViewNetwork({ seed: 1, nodes: 300, links });
    network.startAll(10);
    network.run(20_000);
    expect(components(network.graph)).toHaveLength(1);
    const all = degreesOf(network);
    expect(all.reduce((sum, degree) => sum + degree, 0) / 300).toBeGreaterThan(4.9);
    expect(all.at(-1)).toBe(5);
    expect(network.oneSided).toBe(0);
  });

  test("when four of five are killed at once, the others are one network again two seconds later", () => {
    const network = new ViewNetwork({ seed: 1, nodes: 300, links });
    network.startAll(10);
    network.run(20_000);
    network.crash(
      range(0, 299).filter((row) => row % 5 !== 0),
      500,
    );
    expect(components(network.graph).length).toBeGreaterThan(10);
    network.run(2000);
    expect(network.living).toHaveLength(60);
    expect(isConnected(network.graph)).toBe(true);
  });
});
