import { describe, expect, test } from "vitest";
import { Moments } from "../core/moments.ts";
import { seededRandom } from "../core/random.ts";
import { networkSizeOf, networkSizeRelativeError } from "./network-size.ts";

/** The k smallest of n numbers between 0 and 1. */
function nearest(n: number, k: number, random: ReturnType<typeof seededRandom>): number[] {
  const distances = Array.from({ length: n }, () => random.unit());
  return distances.sort((a, b) => a - b).slice(0, k);
}

describe("the size of a network", () => {
  test("comes out exactly where the nodes are evenly apart", () => {
    const distances = Array.from({ length: 8 }, (_, i) => (i + 1) / 1001);
    expect(networkSizeOf([distances, distances]).n).toBeCloseTo(1000, 9);
  });

  test.each([
    [200, 8],
    [1000, 20],
  ])(
    "of %i nodes is found from the %i nearest of thirty keys, as far off as the standard error says",
    (n, k) => {
      const random = seededRandom(1);
      const estimates = new Moments();
      const errors = new Moments();
      for (let run = 0; run < 200; run++) {
        const size = networkSizeOf(Array.from({ length: 30 }, () => nearest(n, k, random)));
        estimates.add(size.n);
        errors.add(size.standardError);
      }
      expect(Math.abs(estimates.mean / n - 1)).toBeLessThan(0.03);
      expect(Math.abs(estimates.standardDeviation / errors.mean - 1)).toBeLessThan(0.2);
      expect(errors.mean / estimates.mean).toBeCloseTo(networkSizeRelativeError({ k, lookups: 30 }), 6);
    },
  );

  test("is never below what has been seen", () => {
    expect(networkSizeOf([[0.5, 0.99, 1]]).n).toBe(3);
    expect(networkSizeOf([[1]]).n).toBe(1);
  });

  test("is known the better the more is looked at", () => {
    expect(networkSizeRelativeError({ k: 8, lookups: 1 })).toBeCloseTo(0.377, 3);
    expect(networkSizeRelativeError({ k: 8, lookups: 4 })).toBeCloseTo(0.377 / 2, 3);
    expect(networkSizeRelativeError({ k: 20, lookups: 1 })).toBeLessThan(0.25);
    expect(networkSizeRelativeError({ k: 1, lookups: 1 })).toBe(1);
  });

  test("cannot be told from nothing, from lists of different lengths, or from distances out of order", () => {
    expect(() => networkSizeOf([])).toThrow("lists: there is no distance to estimate from");
    expect(() => networkSizeOf([[0.1, 0.2], [0.1]])).toThrow("lists: 1 distances in one, 2 in another");
    expect(() => networkSizeOf([[0.2, 0.1]])).toThrow("distance: 0.1 is less than 0.2");
  });
});
