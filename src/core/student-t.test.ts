import { describe, expect, test } from "vitest";
import { UsageError } from "./errors.ts";
import { studentQuantile, studentTwoSidedTail } from "./student-t.ts";

describe("the quantile of Student's t", () => {
  // Two-sided levels, as in the table of NIST's e-Handbook, 1.3.6.7.2.
  test.each([
    [0.95, 1, 12.706],
    [0.99, 1, 63.657],
    [0.95, 2, 4.303],
    [0.9, 4, 2.132],
    [0.95, 4, 2.776],
    [0.95, 9, 2.262],
    [0.99, 19, 2.861],
    [0.998, 10, 4.144],
    [0.95, 30, 2.042],
    [0.99, 100, 2.626],
  ])("is that of the table at level %f with %i degrees of freedom", (level, degrees, expected) => {
    expect(studentQuantile(level, degrees)).toBeCloseTo(expected, 3);
  });

  test("has closed forms at one and two degrees of freedom", () => {
    for (const level of [0.001, 0.1, 0.5, 0.9, 0.99, 0.99999]) {
      expect(studentQuantile(level, 1) / Math.tan((Math.PI * level) / 2)).toBeCloseTo(1, 9);
      const exact = level * Math.sqrt(2 / (1 - level * level));
      expect(studentQuantile(level, 2) / exact).toBeCloseTo(1, 9);
    }
  });

  test("becomes that of the normal law", () => {
    expect(studentQuantile(0.95, 1_000_000)).toBeCloseTo(1.959966, 5);
    expect(studentQuantile(0.99, 10_000_000)).toBeCloseTo(2.575829, 5);
  });

  test("does not jump where the ratio of gammas changes its formula", () => {
    const below = studentQuantile(0.95, 200);
    const above = studentQuantile(0.95, 201);
    const further = studentQuantile(0.95, 202);
    expect(below - above).toBeGreaterThan(0);
    expect((below - above) / (above - further)).toBeCloseTo(1, 1);
  });

  test("is undone by the tail", () => {
    for (const degrees of [1, 2, 3, 7, 50, 199, 200, 201, 202, 5000]) {
      for (const level of [0.01, 0.5, 0.95, 0.9999]) {
        expect(studentTwoSidedTail(studentQuantile(level, degrees), degrees)).toBeCloseTo(1 - level, 10);
      }
    }
  });

  test("refuses what is no level and no number of degrees", () => {
    for (const level of [0, 1, -1, Number.NaN]) expect(() => studentQuantile(level, 5)).toThrow(UsageError);
    for (const degrees of [0, -1, 1.5, Number.NaN]) {
      expect(() => studentQuantile(0.95, degrees)).toThrow(UsageError);
    }
  });
});
