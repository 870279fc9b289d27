import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom, UsageError } from "../core/index.ts";
import { Connectivity } from "./connectivity.ts";

const rows = 12;
const all = Array.from({ length: rows }, (_, row) => row);

function passing(connectivity: Connectivity): string[] {
  return all.flatMap((from) =>
    all.filter((to) => connectivity.passes(from, to)).map((to) => `${from}>${to}`),
  );
}

/** Rows dealt out to up to four groups; those of the last heap are in no group. */
const anyGroups = fc
  .array(fc.integer({ min: 0, max: 4 }), { minLength: rows, maxLength: rows })
  .map((groupOf) => [0, 1, 2, 3].map((group) => all.filter((row) => groupOf[row] === group)));

const anyCut = fc.tuple(fc.subarray(all), fc.subarray(all));

describe("a partition", () => {
  test("is an equivalence: reflexive, symmetric, transitive", () => {
    fc.assert(
      fc.property(anyGroups, (groups) => {
        const connectivity = new Connectivity(rows);
        connectivity.partition(groups);
        for (const a of all) {
          expect(connectivity.passes(a, a)).toBe(true);
          for (const b of all) {
            expect(connectivity.passes(a, b)).toBe(connectivity.passes(b, a));
            for (const c of all) {
              if (connectivity.passes(a, b) && connectivity.passes(b, c))
                expect(connectivity.passes(a, c)).toBe(true);
            }
          }
        }
      }),
    );
  });

  test("lets pass within a group only, and whoever is in none is in the first", () => {
    const connectivity = new Connectivity(6);
    connectivity.partition([[0], [1, 2], [3]]);
    expect([0, 1, 2, 3, 4, 5].map((row) => connectivity.groupOf(row))).toEqual([0, 1, 1, 2, 0, 0]);
    expect(connectivity.passes(1, 2)).toBe(true);
    expect(connectivity.passes(0, 4)).toBe(true);
    expect(connectivity.passes(0, 1)).toBe(false);
    expect(connectivity.passes(3, 1)).toBe(false);
  });

  test("replaces the one before", () => {
    const connectivity = new Connectivity(4);
    connectivity.partition([[0], [1]]);
    connectivity.partition([[0], [2]]);
    expect(connectivity.passes(0, 1)).toBe(true);
    expect(connectivity.passes(0, 2)).toBe(false);
  });

  test("changes nothing if it cannot be", () => {
    const connectivity = new Connectivity(4);
    connectivity.partition([[0], [1]]);
    expect(() => connectivity.partition([[0, 1], [1]])).toThrow("groups: the row 1 is in two groups");
    expect(() => connectivity.partition([[0], [4]])).toThrow("groups: 4 is not a row from 0 to 3");
    expect(connectivity.passes(0, 1)).toBe(false);
    expect(connectivity.passes(0, 2)).toBe(true);
  });

  test.each([
    [0.3, 30],
    [0.004, 1],
    [0.999, 99],
  ])("of a random share %d of 100 nodes splits off %i", (share, expected) => {
    const connectivity = new Connectivity(100);
    connectivity.partitionAtRandom(share, seededRandom(4));
    let split = 0;
    for (let row = 0; row < 100; row++) split += connectivity.groupOf(row);
    expect(split).toBe(expected);
    expect(connectivity.isCutting).toBe(true);
  });

  test("at random splits off each node equally often", () => {
    const random = seededRandom(1);
    const times = new Array<number>(10).fill(0);
    const connectivity = new Connectivity(10);
    for (let run = 0; run < 4000; run++) {
      connectivity.partitionAtRandom(0.3, random);
      for (let row = 0; row < 10; row++) times[row]! += connectivity.groupOf(row);
    }
    // Binomial with p = 0.3: 4.5 standard deviations are 130 of 1,200.
    for (const count of times) expect(Math.abs(count - 1200)).toBeLessThan(130);
  });

  test.each([0, 1, -0.5, Number.NaN])("of the share %d is refused", (share) => {
    expect(() => new Connectivity(4).partitionAtRandom(share, seededRandom(1))).toThrow(UsageError);
  });

  test("by zone lets pass within a zone", () => {
    const connectivity = new Connectivity(rows);
    connectivity.partitionByZone((row) => row % 3);
    for (const from of all)
      for (const to of all) expect(connectivity.passes(from, to)).toBe(from % 3 === to % 3);
  });
});

describe("a cut", () => {
  test("is one way", () => {
    const connectivity = new Connectivity(4);
    connectivity.cut(1, 2);
    connectivity.cut([0, 1], [3]);
    expect(connectivity.passes(1, 2)).toBe(false);
    expect(connectivity.passes(2, 1)).toBe(true);
    expect([0, 1, 2].map((from) => connectivity.passes(from, 3))).toEqual([false, false, true]);
    expect([0, 1, 2].every((to) => connectivity.passes(3, to))).toBe(true);
  });

  test("holds with all others and with the partition: what passes is what none of them stops", () => {
    fc.assert(
      fc.property(anyGroups, fc.array(anyCut, { maxLength: 5 }), (groups, cuts) => {
        const connectivity = new Connectivity(rows);
        const partition = new Connectivity(rows);
        connectivity.partition(groups);
        partition.partition(groups);
        for (const [from, to] of cuts) connectivity.cut(from, to);
        for (const from of all) {
          for (const to of all) {
            const isCut = cuts.some(([sources, targets]) => sources.includes(from) && targets.includes(to));
            expect(connectivity.passes(from, to)).toBe(partition.passes(from, to) && !isCut);
          }
        }
      }),
    );
  });

  test("of a row that is not there changes nothing", () => {
    const connectivity = new Connectivity(4);
    expect(() => connectivity.cut([0, 1], 4)).toThrow("to: 4 is not a row from 0 to 3");
    expect(() => connectivity.cut(-1, 2)).toThrow("from: -1 is not a row from 0 to 3");
    expect(connectivity.isCutting).toBe(false);
  });
});

test("healing restores everything", () => {
  fc.assert(
    fc.property(anyGroups, fc.array(anyCut, { maxLength: 4 }), (groups, cuts) => {
      const connectivity = new Connectivity(rows);
      connectivity.partition(groups);
      for (const [from, to] of cuts) connectivity.cut(from, to);
      connectivity.heal();
      expect(connectivity.isCutting).toBe(false);
      expect(passing(connectivity)).toHaveLength(rows * rows);
      // Nothing old comes back with the next cut.
      connectivity.cut(0, 1);
      expect(passing(connectivity)).toHaveLength(rows * rows - 1);
    }),
  );
});

test("nothing is cutting as long as nothing is cut", () => {
  const connectivity = new Connectivity(4);
  connectivity.cut([], [1]);
  connectivity.partition([[1, 2]]);
  expect(connectivity.isCutting).toBe(false);
});
