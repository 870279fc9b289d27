import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import { lambertBranchPoint, lambertW0, lambertWMinus1 } from "./lambert-w.ts";

/** W's own last digit, seen through w e^w, whose relative derivative is 1 + 1/w. */
const tolerance = (w: number) => 1e-14 + 4e-16 * Math.abs(w);

describe("the upper branch", () => {
  test("solves w e^w = x and is at least -1, from the branch point to 10^300", () => {
    const negative = fc.double({ min: lambertBranchPoint, max: 0, noNaN: true });
    const positive = fc.double({ min: -300, max: 300, noNaN: true }).map((power) => 10 ** power);
    fc.assert(
      fc.property(fc.oneof(negative, positive), (x) => {
        const w = lambertW0(x);
        expect(w).toBeGreaterThanOrEqual(-1);
        const back = w < 700 ? w * Math.exp(w) : Math.exp(w + Math.log(w));
        expect(Math.abs(back - x)).toBeLessThanOrEqual(tolerance(w) * Math.abs(x) + 5e-324);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    // By arithmetic with 50 decimal digits.
    [1, 0.5671432904097838],
    [Math.E, 1],
    [10, 1.7455280027406994],
    [-0.3, -0.489402227180215],
    [0, 0],
  ])("W0(%f) = %f", (x, w) => {
    expect(Math.abs(lambertW0(x) - w)).toBeLessThanOrEqual(1e-14 * Math.abs(w));
  });
});

describe("the lower branch", () => {
  test("solves w e^w = x and is at most -1, up to -10^-300", () => {
    const near = fc.double({ min: lambertBranchPoint, max: -1e-3, noNaN: true });
    const far = fc.double({ min: -300, max: -1, noNaN: true }).map((power) => -(10 ** power) / 3);
    fc.assert(
      fc.property(fc.oneof(near, far), (x) => {
        const w = lambertWMinus1(x);
        expect(w).toBeLessThanOrEqual(-1);
        expect(Math.abs(w * Math.exp(w) - x)).toBeLessThanOrEqual(tolerance(w) * Math.abs(x));
      }),
      { numRuns: 2000 },
    );
  });

  test("W-1(-0.1) = -3.577152063957297", () => {
    expect(Math.abs(lambertWMinus1(-0.1) + 3.577152063957297)).toBeLessThanOrEqual(4e-14);
  });
});

test("both branches meet in -1 at -1/e, as a square root does", () => {
  expect(lambertW0(lambertBranchPoint)).toBeCloseTo(-1, 7);
  expect(lambertWMinus1(lambertBranchPoint)).toBeCloseTo(-1, 7);
  // w = -1 + d gives x = -e^-1 (1 - d^2/2 + d^3/3 ...).
  for (const d of [1e-3, 3e-3, 1e-2, 3e-2]) {
    expect(lambertW0((-1 + d) * Math.exp(-1 + d))).toBeCloseTo(-1 + d, 11);
    expect(lambertWMinus1((-1 - d) * Math.exp(-1 - d))).toBeCloseTo(-1 - d, 11);
  }
});

test("both branches are monotone across the seams of their methods", () => {
  for (const seam of [-0.32, 0, 3]) {
    expect(lambertW0(seam - 1e-9)).toBeLessThan(lambertW0(seam));
    expect(lambertW0(seam)).toBeLessThan(lambertW0(seam + 1e-9));
  }
  expect(lambertWMinus1(-0.32 - 1e-9)).toBeGreaterThan(lambertWMinus1(-0.32));
  expect(lambertWMinus1(-0.32)).toBeGreaterThan(lambertWMinus1(-0.32 + 1e-9));
});

test("outside their ranges they are refused", () => {
  expect(() => lambertW0(-0.37)).toThrow(UsageError);
  expect(() => lambertWMinus1(-0.37)).toThrow(UsageError);
  expect(() => lambertWMinus1(0)).toThrow(UsageError);
  expect(() => lambertW0(Number.NaN)).toThrow(UsageError);
});
