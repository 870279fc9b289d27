import { describe, expect, test } from "vitest";
import { formatNumber, formatQuantity, formatTimeTick } from "./quantities.ts";

describe("a quantity", () => {
  test.each([
    [0, "ms", "0 ms"],
    [0.4213, "ms", "0.421 ms"],
    [999, "ms", "999 ms"],
    [2314, "ms", "2.31 s"],
    [59_999, "ms", "1 m 00 s"],
    [65_400, "ms", "1 m 05 s"],
    [3_599_990, "ms", "1 h 00 m"],
    [7_800_000, "ms", "2 h 10 m"],
    [-40, "ms", "−40 ms"],
    [999, "B", "999 B"],
    [1234, "B/s", "1.23 kB/s"],
    [52_000_000, "B", "52 MB"],
    [12.345, "%", "12.35 %"],
    [3, "", "3"],
    [Number.NaN, "ms", "–"],
  ])("of %d %s reads %s", (value, unit, text) => {
    expect(formatQuantity(value, unit)).toBe(text);
  });

  test("is shortened from 100,000 on", () => {
    expect(formatNumber(99_999)).toBe("99,999");
    expect(formatNumber(1_234_567)).toBe("1.23M");
  });
});

describe("a tick of a time axis", () => {
  test("has the unit that fits the axis", () => {
    expect(formatTimeTick(250, 50, 400)).toBe("250 ms");
    expect(formatTimeTick(2500, 500, 9000)).toBe("2.5 s");
    expect(formatTimeTick(90_000, 30_000, 600_000)).toBe("1:30");
    expect(formatTimeTick(3_690_000, 30_000, 7_200_000)).toBe("1:01:30");
  });
  test("has fractions where ticks are closer than a second", () => {
    expect(formatTimeTick(90_500, 500, 92_000)).toBe("1:30.500");
  });
});
