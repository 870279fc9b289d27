import { expect, test } from "vitest";
import { type RowWindow, seenRows, topToSee } from "./row-window.ts";

const window: RowWindow = { count: 300_000, rowPx: 20, topPx: 2000, heightPx: 190 };

test("the rows that are seen are drawn, with some around them, however many there are", () => {
  expect(seenRows(window)).toEqual([92, 118]);
  expect(seenRows({ ...window, topPx: 0 })).toEqual([0, 18]);
  expect(seenRows({ ...window, count: 3, topPx: 0 })).toEqual([0, 3]);
  expect(seenRows({ ...window, count: 0 })).toEqual([0, 0]);
});

test("a list that has become shorter than it was scrolled is seen at its end", () => {
  expect(seenRows({ ...window, count: 50 })).toEqual([32, 50]);
});

test("a row is brought into sight by the shortest way, and one that is seen moves nothing", () => {
  expect([99, 100, 105, 109, 110].map((row) => topToSee(row, window))).toEqual([
    1980, 2000, 2000, 2010, 2030,
  ]);
});
