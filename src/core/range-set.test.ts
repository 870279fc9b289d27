import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RangeSet } from "./range-set.ts";

// Small numbers, so that ranges touch and merge; and some near the end of the integers.
const value = fc.oneof(
  { weight: 9, arbitrary: fc.nat(40) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: Number.MAX_SAFE_INTEGER - 5, max: Number.MAX_SAFE_INTEGER - 1 }),
  },
);

/** The same ranges, from a plain set. */
function boundsOf(set: ReadonlySet<number>): number[] {
  const bounds: number[] = [];
  for (const member of [...set].sort((a, b) => a - b)) {
    if (bounds.length > 0 && bounds.at(-1) === member - 1) bounds[bounds.length - 1] = member;
    else bounds.push(member, member);
  }
  return bounds;
}

function madeOf(values: readonly number[]): RangeSet {
  const ranges = new RangeSet();
  for (const each of values) ranges.add(each);
  return ranges;
}

describe("a range set beside a plain set", () => {
  test("says of each value whether it was new", () => {
    fc.assert(
      fc.property(fc.array(value), (values) => {
        const ranges = new RangeSet();
        const plain = new Set<number>();
        for (const each of values) {
          expect(ranges.add(each)).toBe(!plain.has(each));
          plain.add(each);
        }
      }),
    );
  });

  test("has the same members", () => {
    fc.assert(
      fc.property(fc.array(value), fc.array(value), (values, asked) => {
        const ranges = madeOf(values);
        const plain = new Set(values);
        for (const each of [...asked, ...values]) expect(ranges.has(each)).toBe(plain.has(each));
      }),
    );
  });

  test("keeps sorted, disjoint, non-adjacent ranges, whatever the order", () => {
    fc.assert(
      fc.property(fc.array(value), (values) => {
        const { bounds, rangeCount } = madeOf(values);
        expect(bounds).toEqual(boundsOf(new Set(values)));
        expect(RangeSet.isValid(bounds)).toBe(true);
        expect(rangeCount).toBe(bounds.length / 2);
      }),
    );
  });

  test("filling the lowest gaps leaves the limit, keeps every member, and counts what was filled in", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(60)), fc.integer({ min: 1, max: 8 }), (values, limit) => {
        const ranges = madeOf(values);
        const before = ranges.rangeCount;
        const filled = ranges.fillLowestGaps(limit);
        expect(ranges.rangeCount).toBe(Math.min(before, limit));
        expect(values.every((each) => ranges.has(each))).toBe(true);
        const members = Array.from({ length: 61 }, (_, i) => i).filter((each) => ranges.has(each));
        expect(members).toHaveLength(values.length + filled);
        expect(RangeSet.isValid(ranges.bounds)).toBe(true);
      }),
    );
  });
});

describe("filling", () => {
  test("takes the lowest gap first: the latest numbers stay exact", () => {
    const ranges = new RangeSet([0, 1, 5, 5, 9, 9]);
    expect(ranges.fillLowestGaps(2)).toBe(3);
    expect(ranges.bounds).toEqual([0, 5, 9, 9]);
  });

  test("costs nothing for a gap of any width", () => {
    const ranges = new RangeSet([0, 0, 2 ** 52, 2 ** 52]);
    expect(ranges.fillLowestGaps(1)).toBe(2 ** 52 - 1);
    expect(ranges.bounds).toEqual([0, 2 ** 52]);
  });
});

describe("a long run of numbers", () => {
  test("is one range in order, and one range again when it came in reverse", () => {
    expect(madeOf(Array.from({ length: 10_000 }, (_, i) => i)).bounds).toEqual([0, 9999]);
    expect(madeOf(Array.from({ length: 10_000 }, (_, i) => 9999 - i)).bounds).toEqual([0, 9999]);
  });
});

describe("bounds from somebody else", () => {
  test("are valid exactly if they are the bounds of some set", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -2, max: 12 }), { maxLength: 6 }), (bounds) => {
        const members = new Set<number>();
        for (let i = 0; i + 1 < bounds.length; i += 2) {
          for (let each = bounds[i]!; each <= bounds[i + 1]!; each++) members.add(each);
        }
        const isCanonical =
          boundsOf(members).join() === bounds.join() && [...members].every((member) => member >= 0);
        expect(RangeSet.isValid(bounds)).toBe(isCanonical);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    [[0], "half a range"],
    [[3, 2], "a range that ends before it begins"],
    [[0, 2, 3, 5], "two ranges that touch"],
    [[5, 6, 0, 1], "ranges out of order"],
    [[-1, 1], "a negative number"],
    [[0, 0.5], "a fraction"],
    [[0, 2 ** 53], "a number that is no safe integer"],
    [[0, Number.NaN], "no number"],
  ])("%j is not valid: %s", (bounds) => {
    expect(RangeSet.isValid(bounds)).toBe(false);
  });

  test("are copied: the giver may go on with its own", () => {
    const bounds = [0, 1];
    const ranges = new RangeSet(bounds);
    ranges.add(2);
    expect(bounds).toEqual([0, 1]);
    bounds[1] = 9;
    expect(ranges.has(9)).toBe(false);
  });
});
