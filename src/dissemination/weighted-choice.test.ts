import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../core/index.ts";
import { WeightedChoice } from "./weighted-choice.ts";

/** How often each was chosen. */
function counts(weights: readonly number[], draws: number, seed = 1): number[] {
  const choice = new WeightedChoice(weights);
  const random = seededRandom(seed);
  const found = weights.map(() => 0);
  for (let i = 0; i < draws; i++) found[choice.choose(random)]!++;
  return found;
}

describe("a weighted choice", () => {
  test("is as frequent as its weight says, also where weights differ by orders of magnitude", () => {
    const weights = [1000, 1, 0, 10, 100, 889];
    const found = counts(weights, 1_000_000);
    for (const [i, weight] of weights.entries()) {
      const expected = weight * 500;
      expect(Math.abs(found[i]! - expected)).toBeLessThanOrEqual(4 * Math.sqrt(expected));
    }
  });

  test("is never one of weight 0", () => {
    const weights = fc
      .array(fc.nat(3), { minLength: 1, maxLength: 20 })
      .filter((all) => all.some((x) => x > 0));
    fc.assert(
      fc.property(weights, fc.integer(), (all, seed) => {
        for (const [i, found] of counts(all, 100, seed).entries()) if (all[i] === 0) expect(found).toBe(0);
      }),
    );
  });

  test("needs two draws, however many there are", () => {
    const choice = new WeightedChoice(Array.from({ length: 1000 }, (_, i) => i + 1));
    const random = seededRandom(1);
    const twin = seededRandom(1);
    for (let i = 0; i < 100; i++) choice.choose(random);
    for (let i = 0; i < 200; i++) twin.uint32();
    expect(random.uint32()).toBe(twin.uint32());
  });

  test("of weights that are none is refused", () => {
    for (const weights of [[], [0, 0], [1, -1], [1, Number.NaN], [Infinity]])
      expect(() => new WeightedChoice(weights)).toThrow("weights:");
  });
});
