import { describe, expect, test } from "vitest";
import { seededRandom } from "../core/random.ts";
import { type ChordPathsOptions, chordMeanPath, chordPaths } from "./chord-paths.ts";

const paths = (options: Omit<ChordPathsOptions, "random">) =>
  chordPaths({ random: seededRandom(1), ...options });

/** Within 3 % of the published or independently modelled mean. */
function expectWithin3Percent(value: number, reference: number) {
  expect(Math.abs(value / reference - 1), `${value} for ${reference}`).toBeLessThan(0.03);
}

describe("Chord's paths", () => {
  test.each([
    [8, 3.87],
    [10, 4.91],
    [12, 5.87],
    [14, 6.85],
    [16, 7.86],
  ])(
    "over fingers among 2^%i nodes take %f hops, a tenth less than half of log2 n",
    (exponent, reference) => {
      const { hops } = paths({ n: 2 ** exponent, routesOverList: false });
      expectWithin3Percent(hops.mean, reference);
      expect(Math.abs(hops.mean - (chordMeanPath({ n: 2 ** exponent }) - 0.13))).toBeLessThan(0.1);
    },
  );

  test.each([
    [10, 3.79],
    [14, 5.55],
  ])("over fingers and list among 2^%i nodes take %f hops", (exponent, reference) => {
    expectWithin3Percent(paths({ n: 2 ** exponent }).hops.mean, reference);
  });

  test.each([
    [0, 3.76, 0],
    [0.1, 3.92, 0.44],
    [0.2, 4.09, 1.0],
    [0.5, 5.1, 5.06],
  ])("with a share of %f failed take %f hops and %f time-outs, and arrive", (failed, hops, timeouts) => {
    const result = paths({ n: 1000, listSize: 20, failed, rings: 300, lookups: 100 });
    expectWithin3Percent(result.hops.mean, hops);
    // The ten rings of our reference model leave its time-outs uncertain by a few hundredths.
    expect(Math.abs(result.timeouts.mean - timeouts)).toBeLessThan(0.03 * timeouts + 0.02);
    expect(result.failedLookups).toBeLessThan(1e-4);
  });

  test("over fingers only, half of them failed, take 6.84 hops and 6.12 time-outs", () => {
    const options = { n: 1000, listSize: 20, failed: 0.5, rings: 300, lookups: 100 };
    const { hops, timeouts } = paths({ ...options, routesOverList: false });
    expectWithin3Percent(hops.mean, 6.84);
    expect(Math.abs(timeouts.mean / 6.12 - 1)).toBeLessThan(0.05);
  });

  test("are one hop, or none from the predecessor itself, where the list names everybody", () => {
    const { hops, hopCounts } = paths({ n: 12, listSize: 11, lookups: 3000 });
    expect(Math.abs(hops.mean - 11 / 12)).toBeLessThan(4 * hops.standardError);
    expect([hopCounts.min, hopCounts.max]).toEqual([0, 1]);
  });

  test("end nowhere where a whole list has failed: in half to the power of its length of the cases at least", () => {
    const lost = [2, 4, 6].map((listSize) => {
      const { failedLookups } = paths({ n: 2000, listSize, failed: 0.5, rings: 20 });
      expect(failedLookups).toBeGreaterThan(0.9 * 0.5 ** listSize);
      return failedLookups;
    });
    expect(lost.toSorted((a, b) => b - a)).toEqual(lost);
  });

  test("are the same again with the same die, and their spread comes from the rings", () => {
    const options = { n: 300, failed: 0.3, rings: 40, lookups: 50 };
    expect(paths(options)).toEqual(paths(options));
    expect(paths(options).timeouts.count).toBe(40);
    expect(paths(options).hopCounts.total).toBe(2000);
    expect(paths(options).hops.standardError).toBeGreaterThan(0);
  });

  test("with one node there are none, and no share beyond 1", () => {
    expect(() => paths({ n: 1 })).toThrow("n: 1 is less than 2");
    expect(() => paths({ n: 10, failed: 1.5 })).toThrow("failed: 1.5 is more than 1");
  });
});
