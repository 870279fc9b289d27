import { expect, test } from "vitest";
import { UsageError } from "../../core/index.ts";
import {
  formatBudget,
  formatFalsePositives,
  parseBudget,
  parseFalsePositives,
  usualWish,
  wishOf,
  wordsOf,
} from "./wish.ts";

test.each([
  ["1/1000d", 0.001],
  ["2/d", 2],
  ["1/7d", 1 / 7],
  ["1/w", 1 / 7],
  ["1/h", 24],
  ["3e-7/d", 3e-7],
])("--false-positives %s is %d per node and day", (text, rate) => {
  expect(parseFalsePositives(text)).toBeCloseTo(rate, 12);
});

test.each([
  ["2KB/s", 2000],
  ["500B/s", 500],
  ["1.5MiB/s", 1_572_864],
  ["800", 800],
])("--budget %s is %d bytes in a second", (text, bytes) => {
  expect(parseBudget(text)).toBe(bytes);
});

test.each([
  [() => parseFalsePositives("never"), '--false-positives: "never" is no rate; write 1/1000d'],
  [() => parseFalsePositives("1/0d"), '--false-positives: "1/0d" is no rate'],
  [() => parseBudget("2 parsecs"), '--budget: "2 parsecs" is no rate; write 500B/s'],
  [() => wishOf({ nodes: 2 }), "--nodes: 2 is not from 3 to 100000"],
  [() => wishOf({ nodes: 10, loss: 0.9 }), "--loss: 0.9 is not from 0 to 0.5"],
  [() => wishOf({ nodes: 10, deliver: 1 }), "nobody can promise all of them in time"],
  [() => wishOf({ nodes: 10, falsePositivesPerNodeDay: 0 }), "nobody can promise that there will be none"],
  [() => wishOf({ nodes: 10.5 }), "--nodes: 10.5 is not a whole number"],
])("what nobody can plan for is refused with the name of the option (%#)", (misuse, message) => {
  expect(misuse).toThrow(UsageError);
  expect(misuse).toThrow(message);
});

test("a rate that is written in three digits is never less than it was", () => {
  for (const value of [0.000123456, 0.0299, 0.5, 1.2345, 77.77, 1234.5, 98_765.4]) {
    expect(parseFalsePositives(formatFalsePositives(value))).toBeGreaterThanOrEqual(value);
    expect(parseBudget(formatBudget(value))).toBeGreaterThanOrEqual(value);
  }
  expect(formatFalsePositives(0.001)).toBe("1/1000d");
  expect(formatBudget(2000)).toBe("2KB/s");
});

test("the words that repeat a plan keep every digit of it", () => {
  const odd = { nodes: 77, budgetBytesPerSecond: 1234.5678, falsePositivesPerNodeDay: 0.0123456789 };
  const words = wordsOf(wishOf(odd));
  const after = (option: string) => words[words.indexOf(option) + 1]!;
  expect(parseBudget(after("--budget"))).toBe(odd.budgetBytesPerSecond);
  expect(parseFalsePositives(after("--false-positives"))).toBe(odd.falsePositivesPerNodeDay);
  expect(after("--deliver")).toBe(String(usualWish.deliver));
  expect(wordsOf(wishOf({ nodes: 5, falsePositivesPerNodeDay: 1 / 1000 })).join(" ")).toContain("1/1000d");
});
