/**
 * What a round is changes the answer. The figures are those that were published for push-pull to all of 10^4 nodes,
 * means of 20 runs each: 11.60 rounds synchronous, 8.30 sequential (what PeerSim calls cycles), 10.45 Poisson.
 *
 * Each comparison is a two-sided test at level 0.001 of two means, theirs of 20 runs and ours of 400.
 */
import { describe, expect, test } from "vitest";
import { Moments, studentQuantile } from "../../src/core/index.ts";
import { Rumor, type RumorMode } from "../../src/dissemination/index.ts";
import { type RoundSemantics, runRounds } from "../../src/simulator/index.ts";

const nodes = 10_000;
const runs = 400;
const level = 0.999;

/** Rounds, and fractional time, until all nodes are informed, over the runs. */
function completion(semantics: RoundSemantics, mode: RumorMode = "push-pull") {
  const rounds = new Moments();
  const time = new Moments();
  for (let seed = 1; seed <= runs; seed++) {
    const rumor = new Rumor({ rows: nodes, options: { mode } });
    rumor.infect(0);
    const result = runRounds(rumor, { seed, semantics });
    expect(result.semantics).toBe(semantics);
    expect(result.ending).toBe("informed");
    rounds.add(result.rounds);
    time.add(result.time);
  }
  return { rounds, time };
}

/** Is our mean the same as one that others published of fewer runs, and of which we know no spread? */
function expectPublished(ours: Moments, published: number, publishedRuns: number): void {
  const standardError = ours.standardDeviation * Math.sqrt(1 / ours.count + 1 / publishedRuns);
  const tolerance = studentQuantile(level, ours.count - 1) * standardError;
  expect(Math.abs(ours.mean - published)).toBeLessThan(tolerance);
  // A test that tells 11.60 from 10.45 and 8.30.
  expect(tolerance).toBeLessThan(0.8);
}

describe("push-pull to all of 10^4 nodes", () => {
  const synchronous = completion("synchronous");
  const sequential = completion("sequential");
  const poisson = completion("poisson");

  test("takes 11.60 synchronous rounds", () => expectPublished(synchronous.rounds, 11.6, 20));
  test("takes 8.30 sequential rounds", () => expectPublished(sequential.rounds, 8.3, 20));
  test("takes 10.45 Poisson rounds, the last one counted in full", () => {
    expectPublished(poisson.rounds, 10.45, 20);
  });

  test("takes fewer rounds sequentially than Poisson, and fewer so than synchronously", () => {
    const intervals = [sequential, poisson, synchronous].map(({ rounds }) =>
      rounds.confidenceInterval(level),
    );
    expect(intervals[0]!.high).toBeLessThan(intervals[1]!.low);
    expect(intervals[1]!.high).toBeLessThan(intervals[2]!.low);
    // By a third: not a detail.
    expect(synchronous.rounds.mean / sequential.rounds.mean).toBeGreaterThan(1.3);
  });

  test("is faster than log3 n rounds in sequence only: the theorem is about synchronous ones", () => {
    // Karp et al. 2000: log3 n + O(log log n).
    const log3 = Math.log(nodes) / Math.log(3);
    expect(sequential.rounds.confidenceInterval(level).high).toBeLessThan(log3);
    expect(poisson.time.confidenceInterval(level).low).toBeGreaterThan(log3);
    expect(synchronous.rounds.confidenceInterval(level).low).toBeGreaterThan(log3);
    expect(synchronous.rounds.mean - log3).toBeLessThan(2 * Math.log(Math.log(nodes)));
  });
});

test("push takes log2 n + ln n rounds, give or take what Doerr and Künnemann proved in 2014", () => {
  const { rounds } = completion("synchronous", "push");
  const { low, high } = rounds.confidenceInterval(level);
  expect(low).toBeGreaterThan(Math.floor(Math.log2(nodes)) + Math.log(nodes) - 1.116);
  expect(high).toBeLessThan(Math.ceil(Math.log2(nodes)) + Math.log(nodes) + 2.765);
});
