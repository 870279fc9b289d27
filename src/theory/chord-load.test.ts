import { describe, expect, test } from "vitest";
import { Moments } from "../core/moments.ts";
import { seededRandom } from "../core/random.ts";
import { chordDistinctFingers, chordLoad, keysMovedByJoin } from "./chord-load.ts";
import { bits53, firstNotBelow, sortedIds } from "./random-ids.ts";

describe("the load of Chord's nodes", () => {
  test.each([
    [1, 0.01, 4.6],
    [20, 0.51, 1.65],
  ])(
    "with %i places each, 10^4 nodes and 10^6 keys, is between %f and %f of the mean in 98 of 100",
    (virtualNodes, low, high) => {
      const { mean, quantile } = chordLoad({ n: 1e4, keys: 1e6, virtualNodes });
      expect(mean).toBe(100);
      expect(Math.abs(quantile(0.01) / mean - low)).toBeLessThanOrEqual(0.01 + 1e-9);
      expect(Math.abs(quantile(0.99) / (high * mean) - 1)).toBeLessThan(0.03);
    },
  );

  test("is what throwing keys onto a ring gives", () => {
    const [n, keys, virtualNodes] = [50, 400, 3];
    const random = seededRandom(1);
    const counts = new Moments();
    const below: number[] = [];
    const { standardDeviation, quantile } = chordLoad({ n, keys, virtualNodes });
    for (let run = 0; run < 4000; run++) {
      const places = n * virtualNodes;
      const ring = sortedIds(places, random);
      // Whose place is whose is random, so the first three of a shuffle may as well be one node's.
      const own = new Set<number>();
      while (own.size < virtualNodes) own.add(random.below(places));
      let count = 0;
      for (let i = 0; i < keys; i++) if (own.has(firstNotBelow(ring, bits53(random)) % places)) count++;
      counts.add(count);
      below.push(count);
    }
    expect(Math.abs(counts.mean - keys / n)).toBeLessThan(4 * counts.standardError);
    expect(Math.abs(counts.standardDeviation / standardDeviation - 1)).toBeLessThan(0.05);
    below.sort((a, b) => a - b);
    for (const q of [0.1, 0.5, 0.9]) expect(Math.abs(below[q * 4000]! - quantile(q))).toBeLessThanOrEqual(1);
  });

  test("has all keys in its quantiles' range, and everything on a single node", () => {
    const { quantile } = chordLoad({ n: 7, keys: 30, virtualNodes: 2 });
    expect(quantile(0)).toBe(0);
    expect(quantile(1)).toBeLessThanOrEqual(30);
    expect(chordLoad({ n: 1, keys: 5 }).quantile(0.01)).toBe(5);
    expect(chordLoad({ n: 1, keys: 5 }).standardDeviation).toBe(0);
  });

  test("moves to a newcomer by one part in n + 1", () => {
    expect(keysMovedByJoin({ n: 9, keys: 1000 })).toBe(100);
    expect(keysMovedByJoin({ n: 0, keys: 1000 })).toBe(1000);
  });
});

describe("Chord's fingers", () => {
  test("are about log2 n different ones, as counted on a ring", () => {
    const n = 300;
    const random = seededRandom(2);
    const counts = new Moments();
    for (let run = 0; run < 300; run++) {
      const ids = sortedIds(n, random);
      const fingers = new Set<number>();
      for (let i = 0; i < 53; i++) fingers.add(firstNotBelow(ids, (ids[0]! + 2 ** i) % 2 ** 53) % n);
      fingers.delete(0);
      counts.add(fingers.size);
    }
    expect(Math.abs(counts.mean - chordDistinctFingers({ n }))).toBeLessThan(4 * counts.standardError);
    expect(Math.abs(chordDistinctFingers({ n }) - Math.log2(n))).toBeLessThan(0.5);
    expect(chordDistinctFingers({ n: 1 })).toBe(0);
    expect(chordDistinctFingers({ n: 2 })).toBeCloseTo(1, 12);
  });
});
