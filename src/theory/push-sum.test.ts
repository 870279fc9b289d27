import { describe, expect, test } from "vitest";
import { countingRounds, potentialFactor, publishedPotentialFactor } from "./push-sum.ts";

/** Mean of the potential after one round over all choices that n nodes can make, from u_i that sum to 0. */
function enumerated(n: number, choosesItself: boolean): number {
  const u = Array.from({ length: n }, (_, i) => (i === 0 ? (n * (n - 1)) / 2 : -i));
  const before = u.reduce((sum, x) => sum + x * x, 0);
  let after = 0;
  let ways = 0;
  for (let code = 0; code < n ** n; code++) {
    const choices = u.map((_, i) => Math.floor(code / n ** i) % n);
    if (!choosesItself && choices.some((choice, i) => choice === i)) continue;
    const next = u.map((x) => x / 2);
    for (const [i, choice] of choices.entries()) next[choice]! += u[i]! / 2;
    after += next.reduce((sum, x) => sum + x * x, 0);
    ways++;
  }
  return after / ways / before;
}

describe("the factor of the potential", () => {
  test.each([2, 3, 4, 5, 6])("is the mean over all choices of %i nodes", (n) => {
    expect(potentialFactor({ n })).toBeCloseTo(enumerated(n, false), 12);
    expect(potentialFactor({ n, choosesItself: true })).toBeCloseTo(enumerated(n, true), 12);
  });

  test("is that of the paper's lemma up to 1/n, and below 1/2", () => {
    for (const n of [2, 10, 1000, 1e6]) {
      expect(Math.abs(potentialFactor({ n }) - publishedPotentialFactor({ n }))).toBeLessThan(1 / n);
      expect(potentialFactor({ n })).toBeLessThan(0.5);
    }
  });
});

test("counting takes one round more for twice the nodes, and two for half the error", () => {
  const rounds = countingRounds({ n: 1024, epsilon: 1 / 1024 });
  expect(rounds).toBeCloseTo(30, 9);
  expect(countingRounds({ n: 2048, epsilon: 1 / 1024 }) - rounds).toBeCloseTo(1, 9);
  expect(countingRounds({ n: 1024, epsilon: 1 / 2048 }) - rounds).toBeCloseTo(2, 9);
});

test("what is out of range is refused", () => {
  expect(() => potentialFactor({ n: 1 })).toThrow("n: 1");
  expect(() => countingRounds({ n: 10, epsilon: 0 })).toThrow("epsilon: 0");
});
