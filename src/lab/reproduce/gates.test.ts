import { describe, expect, test } from "vitest";
import { Moments } from "../../core/index.ts";
import { gateAround, halfDigit } from "./gates.ts";

const moments = (...values: number[]) => Moments.of(values).toJSON();
const many = moments(...Array.from({ length: 10_000 }, (_, i) => i % 2));

describe("a gate", () => {
  test("reaches four standard errors of many runs to each side, and more of few", () => {
    const gate = gateAround({ expected: 3, source: "theory", measured: many })!;
    expect((gate.high - 3) / 0.005).toBeCloseTo(4.06, 1);
    expect(3 - gate.low).toBeCloseTo(gate.high - 3, 12);
    const few = gateAround({ expected: 0, source: "theory", measured: moments(0, 1, 0, 1) })!;
    expect(few.high / Math.sqrt(1 / 12)).toBeGreaterThan(20);
    expect(gate.why).toBe("theory, ±4.1 standard errors of 10000 runs");
  });

  test("adds what the expected value may be wrong by", () => {
    const exact = gateAround({ expected: 3, source: "published", measured: many })!;
    const rounded = gateAround({ expected: 3, source: "published", measured: many, ...halfDigit(1) })!;
    expect(rounded.high - exact.high).toBeCloseTo(0.05, 12);
    expect(rounded.why).toBe("published, ±4.1 standard errors of 10000 runs and half of its last digit");
  });

  test("does not take equal values for exact ones where they cannot be", () => {
    const settings = { expected: 3, source: "published", measured: moments(4, 4, 4, 4) };
    expect(gateAround(settings)!.high).toBe(3);
    expect(gateAround({ ...settings, leastDeviation: 0.5 })!.high).toBeGreaterThan(4);
  });

  test("of a single run there is none", () => {
    expect(gateAround({ expected: 3, source: "published", measured: moments(4) })).toBeUndefined();
  });
});
