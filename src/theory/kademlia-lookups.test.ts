import { describe, expect, test } from "vitest";
import { seededRandom } from "../core/random.ts";
import { type KademliaLookupsOptions, kademliaContacts, kademliaLookups } from "./kademlia-lookups.ts";

const model = (options: Omit<KademliaLookupsOptions, "random">) =>
  kademliaLookups({ random: seededRandom(1), ...options });

/** Independently modelled with one network and one seed in each row. */
const reference = [
  { n: 1e3, k: 8, alpha: 3, failed: 0, hops: 2.23, queries: 10.9, rounds: 4.0, timeouts: 0, recall: 1 },
  { n: 1e4, k: 8, alpha: 3, failed: 0, hops: 2.9, queries: 12.9, rounds: 4.7, timeouts: 0, recall: 1 },
  { n: 1e5, k: 8, alpha: 3, failed: 0, hops: 3.57, queries: 14.8, rounds: 5.3, timeouts: 0, recall: 1 },
  { n: 1e6, k: 8, alpha: 3, failed: 0, hops: 4.12, queries: 16.6, rounds: 5.9, timeouts: 0, recall: 1 },
  { n: 1e5, k: 20, alpha: 3, failed: 0, hops: 2.94, queries: 24.6, rounds: 8.6, timeouts: 0, recall: 1 },
  {
    n: 1e4,
    k: 8,
    alpha: 3,
    failed: 0.1,
    hops: 2.94,
    queries: 13.9,
    rounds: 5.1,
    timeouts: 1.4,
    recall: 0.991,
  },
  {
    n: 1e4,
    k: 8,
    alpha: 3,
    failed: 0.5,
    hops: 3.44,
    queries: 23.5,
    rounds: 9.1,
    timeouts: 11.7,
    recall: 0.852,
  },
  {
    n: 1e5,
    k: 20,
    alpha: 10,
    failed: 0.5,
    hops: 3.14,
    queries: 58.4,
    rounds: 8.4,
    timeouts: 28.9,
    recall: 0.914,
  },
];

describe("Kademlia's lookups", () => {
  test.each(reference)(
    "among $n nodes, k = $k, alpha = $alpha, $failed failed: $hops hops, $queries queries, $rounds rounds",
    ({ n, k, alpha, failed, ...means }) => {
      const result = model({ n, k, alpha, failed, lookups: n === 1e6 ? 400 : 500 });
      for (const name of ["hops", "queries", "rounds", "timeouts", "recall"] as const) {
        const { mean, standardError } = result[name];
        const reach = 0.03 * means[name] + 2 * standardError;
        expect(Math.abs(mean - means[name]), `${name} ${mean} for ${means[name]}`).toBeLessThanOrEqual(reach);
      }
    },
  );

  test("find the very nearest though half have failed, in 99 of 100", () => {
    expect(model({ n: 1e4, k: 8, failed: 0.5 }).nearestFound.mean).toBeGreaterThan(0.98);
    expect(model({ n: 1e5, k: 20, alpha: 10, failed: 0.5 }).nearestFound.mean).toBeGreaterThan(0.995);
  });

  test("take 0.65 of a hop more for ten times as many nodes, at k = 8", () => {
    const hops = (n: number) => model({ n, k: 8, lookups: 1000 }).hops.mean;
    expect(Math.abs((hops(1e5) - hops(1e3)) / 2 - 0.65)).toBeLessThan(0.05);
  });

  test("ask everybody, and nobody is a hop away, where all are in one bucket or another", () => {
    const result = model({ n: 6, k: 8, alpha: 2 });
    expect(result.hops.mean).toBe(1);
    expect(result.queries.mean).toBe(5);
    expect(result.rounds.mean).toBe(3);
    expect(result.recall.mean).toBe(1);
    expect(result.learned.mean).toBe(0);
  });

  test("learn of several nodes from each answer where there are many, and of more of them with larger answers", () => {
    const learned = [4, 8, 16].map((k) => model({ n: 10_000, k }).learned.mean);
    expect(learned[0]!).toBeGreaterThan(8);
    expect(learned.toSorted((a, b) => a - b)).toEqual(learned);
  });

  test("with alpha = 1 take as many rounds as queries, and more of both for a larger k", () => {
    const one = model({ n: 1000, k: 8, alpha: 1 });
    expect(one.rounds).toEqual(one.queries);
    expect(model({ n: 1000, k: 16, alpha: 1 }).queries.mean).toBeGreaterThan(one.queries.mean + 5);
  });

  test("miss nobody while nobody has failed, in networks of all small sizes", () => {
    for (let n = 2; n < 60; n++)
      for (const k of [1, 2, 3, 8]) {
        const result = model({ n, k, lookups: 20, networks: 3 });
        expect(result.recall.min, `${n} nodes, k = ${k}`).toBe(1);
        expect(result.nearestFound.min).toBe(1);
      }
  });

  test("are the same again with the same die", () => {
    const options = { n: 500, k: 8, failed: 0.2, networks: 3, lookups: 50 };
    expect(model(options)).toEqual(model(options));
    expect(model(options).hops.count).toBe(3);
    expect(model(options).queryCounts.total).toBe(150);
  });

  test("with what is no number of nodes, or no share, are refused", () => {
    expect(() => model({ n: 1 })).toThrow("n: 1 is less than 2");
    expect(() => model({ n: 10, k: 0 })).toThrow("k: 0 is less than 1");
    expect(() => model({ n: 10, failed: -0.1 })).toThrow("failed: -0.1 is less than 0");
  });
});

describe("Kademlia's buckets", () => {
  test.each([
    [200, 8],
    [5000, 20],
  ])("of one among %i nodes, k = %i, hold as many contacts as a random tree has", (n, k) => {
    const random = seededRandom(3);
    let sum = 0;
    const runs = 400;
    for (let run = 0; run < runs; run++) {
      const sizes = new Map<number, number>();
      for (let i = 1; i < n; i++) {
        const shared = Math.clz32(random.uint32());
        sizes.set(shared, (sizes.get(shared) ?? 0) + 1);
      }
      for (const size of sizes.values()) sum += Math.min(k, size);
    }
    expect(Math.abs(sum / runs / kademliaContacts({ n, k }) - 1)).toBeLessThan(0.01);
  });

  test("hold everybody where they are few, and nobody where there is nobody", () => {
    expect(kademliaContacts({ n: 1, k: 8 })).toBe(0);
    expect(kademliaContacts({ n: 5, k: 8 })).toBeCloseTo(4, 1);
  });
});
