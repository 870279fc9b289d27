import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import { seededRandom } from "../core/random.ts";
import { kolmogorovSmirnov } from "./two-samples.ts";

/** By the definition: at every value, the shares at or below it. */
function distanceByDefinition(first: readonly number[], second: readonly number[]): number {
  const share = (sample: readonly number[], value: number) =>
    sample.filter((x) => x <= value).length / sample.length;
  return Math.max(
    ...[...first, ...second].map((value) => Math.abs(share(first, value) - share(second, value))),
  );
}

/** By trying all ways to divide the pooled values. */
function pValueByEnumeration(first: readonly number[], second: readonly number[]): number {
  const pooled = [...first, ...second];
  const observed = distanceByDefinition(first, second);
  let ways = 0;
  let far = 0;
  for (let mask = 0; mask < 1 << pooled.length; mask++) {
    const left = pooled.filter((_, i) => (mask >> i) & 1);
    if (left.length !== first.length) continue;
    const right = pooled.filter((_, i) => !((mask >> i) & 1));
    ways++;
    if (distanceByDefinition(left, right) >= observed - 1e-12) far++;
  }
  return far / ways;
}

describe("the test of Kolmogorov and Smirnov", () => {
  test("measures and judges as the definitions do, with ties and without", () => {
    const sample = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(sample, sample, (first, second) => {
        const { statistic, pValue } = kolmogorovSmirnov(first, second);
        expect(statistic).toBeCloseTo(distanceByDefinition(first, second), 12);
        expect(pValue).toBeCloseTo(pValueByEnumeration(first, second), 12);
      }),
      { numRuns: 200 },
    );
  });

  test("has the critical distances of the table for two samples of ten", () => {
    // Two-sided, level 0.05: 7 of 10 is the smallest significant distance (Massey 1951).
    const first = Array.from({ length: 10 }, (_, i) => i);
    const apart = (steps: number) =>
      kolmogorovSmirnov(
        first,
        first.map((x) => x + steps - 0.5),
      );
    expect(apart(6).statistic).toBeCloseTo(0.6, 12);
    expect(apart(6).pValue).toBeCloseTo(0.0524, 4);
    expect(apart(7).pValue).toBeCloseTo(0.0123, 4);
  });

  test("rejects equal distributions as often as its level says, and no more often when values repeat", () => {
    const random = seededRandom(3);
    const draw = (isCoarse: boolean) =>
      Array.from({ length: 60 }, () => (isCoarse ? Math.floor(random.unit() * 8) : random.unit()));
    const trials = 2000;
    for (const isCoarse of [false, true]) {
      let rejections = 0;
      for (let i = 0; i < trials; i++) {
        const first = draw(isCoarse);
        if (kolmogorovSmirnov(first, draw(isCoarse)).pValue <= 0.05) rejections++;
      }
      // At most the level, plus four standard deviations of chance; and not far below it.
      expect(rejections / trials).toBeLessThan(0.05 + 4 * Math.sqrt((0.05 * 0.95) / trials));
      expect(rejections / trials).toBeGreaterThan(0.02);
    }
  });

  test("sees another place, and another spread about the same place", () => {
    const random = seededRandom(4);
    const uniform = (low: number, high: number) =>
      Array.from({ length: 200 }, () => low + (high - low) * random.unit());
    expect(kolmogorovSmirnov(uniform(0, 1), uniform(0.3, 1.3)).pValue).toBeLessThan(1e-6);
    expect(kolmogorovSmirnov(uniform(0, 1), uniform(-1, 2)).pValue).toBeLessThan(1e-6);
  });

  test("finds nothing between a sample and itself, and refuses what is none", () => {
    expect(kolmogorovSmirnov([1, 2, 2], [2, 1, 2])).toEqual({ statistic: 0, pValue: 1 });
    expect(kolmogorovSmirnov([5], [5])).toEqual({ statistic: 0, pValue: 1 });
    expect(() => kolmogorovSmirnov([], [1])).toThrow(UsageError);
    expect(() => kolmogorovSmirnov([1], [Number.NaN])).toThrow(UsageError);
  });
});
