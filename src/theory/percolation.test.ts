import { describe, expect, test } from "vitest";
import { gridGraph } from "../core/graph.ts";
import { seededRandom } from "../core/random.ts";
import {
  pbbfAwakeShare,
  pbbfCriticalP,
  pbbfHopLatencyMs,
  pbbfOpenLink,
  percolationReach,
  squareBondThreshold,
  squareSiteThreshold,
} from "./percolation.ts";

const line = gridGraph({ rows: 1, columns: 5 });

describe("percolation", () => {
  test.each([
    ["links", 1, 0.6],
    ["nodes", 0.6, 1],
  ])("on a line from its end, each step needs one more of the open %s", (_, openNodes, openLinks) => {
    const runs = 20_000;
    const reach = percolationReach({
      ...{ graph: line, source: 0, openNodes, openLinks },
      ...{ runs, random: seededRandom(1) },
    });
    // With open links 1 + x + x^2 + x^3 + x^4 nodes; with open nodes the source and whoever is next to it come free.
    const x = 0.6;
    const expected = openLinks < 1 ? 1 + x + x ** 2 + x ** 3 + x ** 4 : 2 + x + x ** 2 + x ** 3;
    expect(reach.count).toBe(runs);
    expect(Math.abs(reach.mean - expected / 5)).toBeLessThan(4 * reach.standardError);
  });

  test("in the middle of a small grid agrees with the sum over all sets of open links", () => {
    const graph = gridGraph({ rows: 2, columns: 3 });
    const links: [number, number][] = [
      [0, 1],
      [1, 2],
      [3, 4],
      [4, 5],
      [0, 3],
      [1, 4],
      [2, 5],
    ];
    const open = 0.45;
    let expected = 0;
    for (let set = 0; set < 1 << links.length; set++) {
      let probability = 1;
      for (let i = 0; i < links.length; i++) probability *= (set >> i) & 1 ? open : 1 - open;
      const reached = new Set([1]);
      for (let again = 0; again < 6; again++)
        for (const [i, [a, b]] of links.entries())
          if ((set >> i) & 1 && (reached.has(a) || reached.has(b))) reached.add(a).add(b);
      expected += (probability * reached.size) / 6;
    }
    const reach = percolationReach({
      ...{ graph, source: 1, openNodes: 1, openLinks: open },
      ...{ runs: 40_000, random: seededRandom(2) },
    });
    expect(Math.abs(reach.mean - expected)).toBeLessThan(4 * reach.standardError);
  });

  test.each([
    ["links", squareBondThreshold],
    ["nodes", squareSiteThreshold],
  ])("of %s on the square lattice turns at its threshold", (what, threshold) => {
    const graph = gridGraph({ rows: 101, columns: 101 });
    const reach = (open: number) =>
      percolationReach({
        ...{ graph, source: 50 * 101 + 50, runs: 40, random: seededRandom(3) },
        openNodes: what === "nodes" ? open : 1,
        openLinks: what === "links" ? open : 1,
      }).mean;
    expect(reach(threshold - 0.08)).toBeLessThan(0.1);
    expect(reach(threshold + 0.08)).toBeGreaterThan(0.6);
  });

  test("from everywhere, all open, reaches all; nothing open, the source alone", () => {
    const options = { graph: line, runs: 10, random: seededRandom(4) };
    expect(percolationReach({ ...options, openNodes: 1, openLinks: 1 }).mean).toBe(1);
    expect(percolationReach({ ...options, openNodes: 1, openLinks: 0 }).mean).toBe(1 / 5);
  });

  test("what is no share is refused", () => {
    expect(() =>
      percolationReach({ graph: line, openNodes: 1.1, openLinks: 1, runs: 1, random: seededRandom(1) }),
    ).toThrow("openNodes: 1.1 is more than 1");
  });
});

describe("PBBF", () => {
  test.each([
    [0, 0, 1],
    [1, 1, 1],
    [1, 0, 0],
    [1, 0.4, 0.4],
    [0.5, 0.5, 0.75],
  ])("with p = %f and q = %f a link is open with probability %f", (p, q, expected) => {
    expect(pbbfOpenLink({ p, q })).toBeCloseTo(expected, 14);
  });

  test("at the critical p a link is open with the threshold's probability", () => {
    for (const q of [0, 0.2, 0.5])
      expect(pbbfOpenLink({ p: pbbfCriticalP({ q, threshold: 0.5 }), q })).toBeCloseTo(0.5, 14);
    expect(pbbfCriticalP({ q: 0.8, threshold: 0.5 })).toBeGreaterThan(1);
    expect(pbbfCriticalP({ q: 1, threshold: 0.5 })).toBe(Number.POSITIVE_INFINITY);
  });

  test("a hop takes from L1, always at once, to L1 + L2, always announced", () => {
    const times = { immediateMs: 20, waitMs: 9000 };
    expect(pbbfHopLatencyMs({ p: 1, q: 1, ...times })).toBe(20);
    expect(pbbfHopLatencyMs({ p: 0, q: 0.3, ...times })).toBe(9020);
    // Of 3 of 4 that pass, 2 were announced.
    expect(pbbfHopLatencyMs({ p: 0.5, q: 0.5, ...times })).toBeCloseTo(20 + (9000 * 2) / 3, 10);
    expect(() => pbbfHopLatencyMs({ p: 1, q: 0, ...times })).toThrow("q: 0 with p = 1");
  });

  test("energy is linear in q, from the window to all of the time", () => {
    const share = (q: number) => pbbfAwakeShare({ q, frameMs: 10_000, activeMs: 1000 });
    expect([0, 0.25, 1].map(share)).toEqual([0.1, 0.325, 1]);
    expect(() => pbbfAwakeShare({ q: 0, frameMs: 10, activeMs: 10 })).toThrow(
      "frameMs: 10 is not more than 10",
    );
  });
});
