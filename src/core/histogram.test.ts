import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "./errors.ts";
import { Histogram } from "./histogram.ts";

/** Small and huge ones, with the edges of octaves and of 32 bits. */
const value = fc.oneof(
  fc.nat(300),
  fc.nat(2 ** 31 - 1),
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 52 }).map((exponent) => 2 ** exponent),
  fc.integer({ min: 1, max: 53 }).map((exponent) => 2 ** exponent - 1),
);

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const each of values) histogram.add(each);
  return histogram;
}

describe("a histogram", () => {
  test("holds each value in a bucket no wider than 1/64 of it, and of width one below 128", () => {
    fc.assert(
      fc.property(value, (one) => {
        const [bucket, ...others] = [...histogramOf([one]).buckets()];
        expect(others).toEqual([]);
        expect(bucket!.count).toBe(1);
        expect(bucket!.low).toBeLessThanOrEqual(one);
        expect(bucket!.high).toBeGreaterThanOrEqual(one);
        expect(bucket!.high - bucket!.low).toBeLessThan(Math.max(1, one / 64));
      }),
      { numRuns: 1000 },
    );
  });

  test("has buckets that follow each other without gap", () => {
    const histogram = new Histogram();
    for (let one = 0; one < 5000; one++) histogram.add(one);
    let next = 0;
    for (const { low, high, count } of histogram.buckets()) {
      expect(low).toBe(next);
      if (high < 5000) expect(count).toBe(high - low + 1);
      next = high + 1;
    }
    expect(next).toBeGreaterThanOrEqual(5000);
  });

  test("answers quantiles within 1 % of the sorted list", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), fc.nat(100), (values, percent) => {
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil((percent * sorted.length) / 100) - 1)]!;
        const found = histogramOf(values).quantile(percent / 100);
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(0.01 * exact);
      }),
      { numRuns: 1000 },
    );
  });

  test("knows the least, the greatest and the number of values exactly", () => {
    const histogram = histogramOf([1_000_003, 17, 1_000_001]);
    expect([histogram.min, histogram.max, histogram.total]).toEqual([17, 1_000_003, 3]);
    expect(histogram.quantile(0)).toBe(17);
    expect(histogram.quantile(1)).toBe(1_000_003);
    // The last of its bucket, far from the middle.
    expect(histogramOf([0, 2 ** 20 - 1]).quantile(1)).toBe(2 ** 20 - 1);
    expect(new Histogram().quantile(0.5)).toBeNaN();
    expect(new Histogram().max).toBeNaN();
  });

  test("does not lose or gain a rank to the last bits of a product", () => {
    const histogram = histogramOf(Array.from({ length: 100 }, (_, i) => i + 1));
    for (let percent = 1; percent <= 100; percent++) expect(histogram.quantile(percent / 100)).toBe(percent);
  });

  test("counts a value many times at once", () => {
    const histogram = new Histogram();
    histogram.add(5, 99);
    histogram.add(9, 1);
    histogram.add(3, 0);
    expect(histogram.total).toBe(100);
    expect(histogram.min).toBe(5);
    expect(histogram.quantile(0.99)).toBe(5);
    expect(histogram.quantile(0.991)).toBe(9);
  });

  test("merged with another is the histogram of all values", () => {
    fc.assert(
      fc.property(fc.array(value), fc.array(value), (left, right) => {
        const merged = histogramOf(left);
        merged.merge(histogramOf(right));
        const all = histogramOf([...left, ...right]);
        expect([...merged.buckets()]).toEqual([...all.buckets()]);
        expect([merged.total, merged.min, merged.max]).toEqual([all.total, all.min, all.max]);
      }),
    );
  });

  test("refuses what is no count of anything, and stays as it was", () => {
    const histogram = histogramOf([1]);
    for (const bad of [-1, 1.5, Number.NaN, 2 ** 53]) {
      expect(() => histogram.add(bad)).toThrow(UsageError);
      expect(() => histogram.add(1, bad)).toThrow(UsageError);
      expect(() => histogram.quantile(bad)).toThrow(UsageError);
    }
    expect([...histogram.buckets()]).toEqual([{ low: 1, high: 1, count: 1 }]);
  });
});
