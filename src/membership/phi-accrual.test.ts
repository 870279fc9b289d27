import { describe, expect, test } from "vitest";
import { seededRandom } from "../core/index.ts";
import { PhiAccrual, PhiScale, type PhiSettings } from "./phi-accrual.ts";

function accrual(settings: Partial<PhiSettings> = {}): PhiAccrual {
  return new PhiAccrual(
    new PhiScale({
      threshold: 8,
      model: "normal",
      window: 1000,
      minDeviationMs: 0,
      pauseMs: 0,
      maxLearntMs: 5000,
      expectedMs: 1000,
      ...settings,
    }),
  );
}
function taught(intervals: readonly number[], settings: Partial<PhiSettings> = {}): PhiAccrual {
  const phi = accrual(settings);
  for (const interval of intervals) phi.learn(interval);
  return phi;
}

describe("phi", () => {
  test("is the surprise of the silence: half of all intervals are longer than the mean", () => {
    const phi = taught([900, 1100]);
    expect(phi.phi(phi.meanMs)).toBeCloseTo(Math.log10(2), 9);
    expect(phi.phi(phi.meanMs + 3.090232 * phi.deviationMs)).toBeCloseTo(3, 5);
    expect(phi.phi(0)).toBeLessThan(0.001);
  });

  test("reaches the threshold at the limit, for each model and after each pause that is forgiven", () => {
    for (const model of ["normal", "exponential"] as const)
      for (const pauseMs of [0, 3000])
        for (const threshold of [1, 8, 12]) {
          const phi = taught([800, 1000, 1300, 900], { model, pauseMs, threshold });
          expect(phi.phi(phi.limitMs)).toBeGreaterThanOrEqual(threshold);
          expect(phi.phi(phi.limitMs - 1)).toBeLessThan(threshold);
        }
  });

  test("of Cassandra's model is 8 after 18.4 mean intervals", () => {
    expect(accrual({ model: "exponential" }).limitMs).toBe(18_421);
  });
});

describe("what is learnt", () => {
  test("takes over from what was expected, and then is all that counts but for a little", () => {
    expect(accrual().meanMs).toBe(1000);
    expect(accrual().deviationMs).toBe(250);
    const phi = taught(new Array(1000).fill(200));
    expect(phi.meanMs).toBeCloseTo((1000 * 200 + 5 * 1000) / 1005, 9);
  });

  test("is the mean and the deviation of the latest intervals only", () => {
    const random = seededRandom(3);
    const intervals = Array.from({ length: 777 }, () => 500 + random.below(1000));
    const phi = taught(intervals, { window: 100 });
    expect(phi.samples).toBe(100);
    const kept = intervals.slice(-100);
    const sum = kept.reduce((total, interval) => total + interval, 0) + 5 * 1000;
    const squares =
      kept.reduce((total, interval) => total + interval * interval, 0) + 5 * 1000 * 1000 * (1 + 1 / 16);
    expect(phi.meanMs).toBeCloseTo(sum / 105, 9);
    expect(phi.deviationMs).toBeCloseTo(Math.sqrt(squares / 105 - (sum / 105) ** 2), 6);
  });

  test("is nothing of an outage, nor of two heartbeats in one moment", () => {
    expect(taught([5001, 60_000, 0, -5, Number.NaN]).samples).toBe(0);
    expect(taught([5000]).samples).toBe(1);
  });

  test("never makes the deviation smaller than its least: else a hiccup would be a death", () => {
    const phi = taught(new Array(1000).fill(1000), { minDeviationMs: 100 });
    expect(phi.deviationMs).toBe(100);
    expect(phi.limitMs).toBeGreaterThan(1550);
  });

  test("makes irregular heartbeats more patient", () => {
    const regular = taught(new Array(200).fill(1000));
    const irregular = taught(Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 400 : 1600)));
    expect(irregular.limitMs).toBeGreaterThan(2 * regular.limitMs);
  });
});
