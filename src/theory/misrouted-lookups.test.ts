import { describe, expect, test } from "vitest";
import { seededRandom } from "../core/random.ts";
import { disjointPathsSuccess } from "./disjoint-paths.ts";
import { kademliaLookups } from "./kademlia-lookups.ts";
import { type MisroutedLookupsOptions, misroutedLookups } from "./misrouted-lookups.ts";

const model = (options: Omit<MisroutedLookupsOptions, "random">) =>
  misroutedLookups({ random: seededRandom(1), k: 8, ...options });

describe("misrouted lookups", () => {
  test("always succeed without adversaries, and cost what others do that ask one at a time", () => {
    const { success, queries } = model({ n: 1000, adversaries: 0 });
    expect(success.mean).toBe(1);
    const plain = kademliaLookups({ n: 1000, k: 8, alpha: 1, random: seededRandom(2) });
    expect(Math.abs(queries.mean / plain.queries.mean - 1)).toBeLessThan(0.02);
  });

  test.each([
    [1, 0.1],
    [1, 0.2],
    [4, 0.2],
    [8, 0.2],
    [4, 0.5],
  ])(
    "over %i paths among %f adversaries come out near 1-(1-(1-f)^h)^d, h as without adversaries",
    (paths, adversaries) => {
      const n = 5000;
      const hops = kademliaLookups({ n, k: 8, alpha: 1, random: seededRandom(3) }).hops.mean;
      const { success } = model({ n, adversaries, paths });
      expect(Math.abs(success.mean - disjointPathsSuccess({ adversaries, hops, paths }))).toBeLessThan(0.1);
    },
  );

  test("succeed in 99 of 100 with 8 paths and a fifth of adversaries, as the paper claims", () => {
    expect(model({ n: 10_000, adversaries: 0.2, paths: 8 }).success.mean).toBeGreaterThan(0.985);
  });

  test("succeed the more often the more paths there are, and ask more", () => {
    const results = [1, 2, 4, 8].map((paths) => model({ n: 2000, adversaries: 0.4, paths }));
    for (const name of ["success", "queries"] as const) {
      const means = results.map((result) => result[name].mean);
      expect(
        means.toSorted((a, b) => a - b),
        name,
      ).toEqual(means);
    }
  });

  test("succeed among adversaries only where the asker itself knows whom it wants", () => {
    expect(model({ n: 3000, adversaries: 0.99, paths: 8 }).success.mean).toBeLessThan(0.3);
  });
});
