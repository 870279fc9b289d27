import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import { harmonic, siTraffic, trafficByRecurrence, trafficOfRounds } from "./traffic.ts";

const modes = ["push", "pull", "push-pull"] as const;

test("the harmonic numbers are ln n + 0.5772 + 1/(2n), up to 1/(12 n^2)", () => {
  expect([harmonic(0), harmonic(1), harmonic(2)]).toEqual([0, 1, 1.5]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), (n) => {
      const series = Math.log(n) + 0.5772156649015329 + 1 / (2 * n);
      expect(Math.abs(harmonic(n) - series)).toBeLessThan(1 / (12 * n * n) + 1e-12);
    }),
  );
});

describe("SI until all know it", () => {
  test("costs what the jumps of the process cost: copies per pause, summed over all who know it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), (n) => {
        const total = { push: 0, pull: 0, "push-pull": 0 };
        for (let i = 1; i <= n; i++) {
          // Copies per unit of time, and the rate at which somebody learns it, of i who know and the others.
          const told = i;
          const answered = ((n + 1 - i) * i) / n;
          total.push += told / answered;
          total.pull += answered / answered;
          total["push-pull"] += (told + answered) / (2 * answered);
        }
        for (const mode of modes) expect(siTraffic(mode, { n })).toBeCloseTo(total[mode] / (n + 1), 9);
      }),
    );
  });

  test("costs push ln n, pull at most one", () => {
    expect(siTraffic("push", { n: 1e6 })).toBeCloseTo(Math.log(1e6) + 0.577, 3);
    expect(siTraffic("pull", { n: 1e6 })).toBeLessThan(1);
  });
});

describe("rounds", () => {
  test("are added up as the table says", () => {
    const susceptible = [0.75, 0.5];
    const traffic = (mode: (typeof modes)[number], counting: "telling" | "phone-call") =>
      trafficOfRounds({ mode, susceptible, counting });
    expect(modes.map((mode) => traffic(mode, "telling"))).toEqual([0.75, 0.4375, 1.1875]);
    expect(modes.map((mode) => traffic(mode, "phone-call"))).toEqual([0.75, 0.75, 1.5]);
    expect(trafficOfRounds({ mode: "push", susceptible, fanout: 3 })).toBe(2.25);
  });

  test("of pull cost one answer for each who learns it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 10_000_000 }), (n) => {
        // p' = p - p(1-p), so what is told is what is learned.
        const traffic = trafficByRecurrence({ mode: "pull", n });
        expect(traffic).toBeLessThan(1);
        expect(traffic).toBeGreaterThan(1 - 2.1 / n);
      }),
    );
  });

  test("cost more where everybody calls, and push most among those who tell", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 10_000_000 }), (n) => {
        const [push, pull, both] = modes.map((mode) => trafficByRecurrence({ mode, n }));
        expect(push).toBeGreaterThan(both!);
        expect(both).toBeGreaterThan(pull!);
        for (const mode of modes)
          expect(trafficByRecurrence({ mode, n, counting: "phone-call" })).toBeGreaterThanOrEqual(
            trafficByRecurrence({ mode, n }),
          );
      }),
    );
  });
});

test.each([
  () => harmonic(-1),
  () => siTraffic("push", { n: 0 }),
  () => trafficOfRounds({ mode: "push", susceptible: [1.5] }),
  () => trafficOfRounds({ mode: "push", susceptible: [], fanout: 0 }),
  () => trafficByRecurrence({ mode: "push", n: 1 }),
])("outside its range a formula is refused (%#)", (call) => {
  expect(call).toThrow(UsageError);
});
