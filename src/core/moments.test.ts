import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Moments } from "./moments.ts";
import { seededRandom } from "./random.ts";

const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 50 });

/** In two passes, which is the definition. */
function variance(numbers: readonly number[]): number {
  const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  return numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (numbers.length - 1);
}

describe("moments", () => {
  test("are those of the definition", () => {
    fc.assert(
      fc.property(values, (numbers) => {
        const moments = Moments.of(numbers);
        expect(moments.count).toBe(numbers.length);
        expect(moments.mean).toBeCloseTo(numbers.reduce((sum, x) => sum + x, 0) / numbers.length, 9);
        expect(moments.variance).toBeCloseTo(variance(numbers), 6);
        expect(moments.min).toBe(Math.min(...numbers));
        expect(moments.max).toBe(Math.max(...numbers));
      }),
    );
  });

  test("of two groups together are those of all their values", () => {
    fc.assert(
      fc.property(values, values, (left, right) => {
        const merged = Moments.of(left);
        merged.merge(Moments.of(right));
        const all = Moments.of([...left, ...right]);
        expect(merged.count).toBe(all.count);
        expect(merged.mean).toBeCloseTo(all.mean, 9);
        expect(merged.variance).toBeCloseTo(all.variance, 6);
        expect([merged.min, merged.max]).toEqual([all.min, all.max]);
      }),
    );
  });

  test("of nothing change nothing, and become what is merged into them", () => {
    const some = Moments.of([1, 2, 4]);
    some.merge(new Moments());
    expect(some.toJSON()).toEqual(Moments.of([1, 2, 4]).toJSON());
    const none = new Moments();
    none.merge(some);
    expect(none.toJSON()).toEqual(some.toJSON());
    expect(new Moments().mean).toBeNaN();
    expect(Moments.of([3]).variance).toBeNaN();
  });

  test("survive the journey through JSON, with values and without", () => {
    for (const numbers of [[], [5], [1, 2, 4]]) {
      const copy = Moments.from(JSON.parse(JSON.stringify(Moments.of(numbers))));
      copy.add(7);
      expect(copy.toJSON()).toEqual(Moments.of([...numbers, 7]).toJSON());
    }
  });
});

describe("the variance does not cancel", () => {
  // The squares differ in digits that a double no longer has; their difference is 0 or noise, and may be negative.
  const offset = 1e9;
  const numbers = [4, 7, 13, 16].map((x) => x + offset);

  test("where the mean of squares minus the square of the mean does", () => {
    const naive =
      numbers.reduce((sum, x) => sum + x * x, 0) / 4 - (numbers.reduce((sum, x) => sum + x, 0) / 4) ** 2;
    expect(Math.abs((naive * 4) / 3 - 30)).toBeGreaterThan(1);
    expect(Moments.of(numbers).variance).toBe(30);
  });

  test("and neither does it in groups", () => {
    const merged = Moments.of(numbers.slice(0, 2));
    merged.merge(Moments.of(numbers.slice(2)));
    expect(merged.variance).toBe(30);
  });

  test("when averaging brings the values together: each cycle's share of the one before stays the same", () => {
    // Gossip averaging shrinks the spread about a mean of 50 by the same factor in each cycle (reference: 0.303).
    const nodes = Array.from({ length: 1000 }, (_, i) => i / 10);
    const mean = 49.95;
    const ratio = 0.303;
    let before = Moments.of(nodes).variance;
    for (let cycle = 1; cycle <= 24; cycle++) {
      const scale = Math.sqrt(ratio ** cycle);
      const now = Moments.of(nodes.map((x) => mean + (x - mean) * scale)).variance;
      expect(now / before).toBeCloseTo(ratio, 3);
      before = now;
    }
    expect(before).toBeLessThan(1e-9);
  });
});

describe("the confidence interval", () => {
  test("is the mean plus and minus t standard errors", () => {
    const { low, high } = Moments.of([1, 2, 3, 4, 5]).confidenceInterval(0.95);
    // sqrt(2.5 / 5) * 2.776
    expect(low).toBeCloseTo(3 - 1.963, 3);
    expect(high).toBeCloseTo(3 + 1.963, 3);
  });

  test("is everything for one value, and a point for equal ones", () => {
    expect(Moments.of([1]).confidenceInterval()).toEqual({ low: -Infinity, high: Infinity });
    expect(Moments.of([2, 2, 2]).confidenceInterval()).toEqual({ low: 2, high: 2 });
  });

  test("holds the true mean as often as it says", () => {
    const random = seededRandom(7);
    const trials = 4000;
    for (const level of [0.5, 0.9, 0.99]) {
      let hits = 0;
      for (let trial = 0; trial < trials; trial++) {
        const moments = new Moments();
        for (let i = 0; i < 5; i++) {
          // The sum of twelve is normal enough, with mean 6.
          let sum = 0;
          for (let j = 0; j < 12; j++) sum += random.unit();
          moments.add(sum);
        }
        const { low, high } = moments.confidenceInterval(level);
        if (low <= 6 && 6 <= high) hits++;
      }
      // Four standard deviations of a share.
      const tolerance = 4 * Math.sqrt((level * (1 - level)) / trials);
      expect(Math.abs(hits / trials - level)).toBeLessThan(tolerance);
    }
  });
});
