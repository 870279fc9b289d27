import { describe, expect, test } from "vitest";
import { binsOf, type ChartSeries, columnsOf, toCsv } from "./chart-data.ts";

const none = new Set<string>();
const a: ChartSeries = { label: "a", values: [1, 2, null], color: "#000000" };
const b: ChartSeries = { label: "b", values: [10, null, 30], color: "#000000" };
const c: ChartSeries = { label: "c", values: [100, 200, 300], color: "#000000" };

describe("columns", () => {
  test("of a stack add up, and what one layer does not know the others still show", () => {
    const { columns, shaded } = columnsOf([a, b, c], true, none);
    expect(columns.map(({ values }) => values)).toEqual([
      [1, 2, null],
      [11, 2, 30],
      [111, 202, 330],
    ]);
    expect(shaded).toEqual([
      [1, 0],
      [2, 1],
    ]);
  });

  test("of a stack come down when a layer is hidden", () => {
    const { columns, shaded } = columnsOf([a, b, c], true, new Set(["b"]));
    expect(columns[2]!.values).toEqual([101, 202, 300]);
    expect(shaded).toEqual([[2, 0]]);
  });

  test("are the series themselves where nothing is stacked, so that nothing is copied", () => {
    expect(columnsOf([a, b], false, none).columns.map(({ values }) => values)[1]).toBe(b.values);
  });

  test("of a band stand before its line, shaded from high to low", () => {
    const low = [0, 1, null];
    const high = [2, 3, null];
    const { columns, shaded } = columnsOf([b, { ...a, band: [low, high] }], false, none);
    expect(columns.map(({ part, series }) => `${part} ${series}`)).toEqual([
      "line 0",
      "low 1",
      "high 1",
      "line 1",
    ]);
    expect(shaded).toEqual([[2, 1]]);
  });
});

test("a table has a column for each series and band, empty where nothing is known, and quotes names", () => {
  const csv = toCsv(
    "at (ms)",
    [0, 5],
    [
      {
        ...a,
        label: 'say "a", b',
        band: [
          [0, 1],
          [2, null],
        ],
      },
    ],
  );
  expect(csv).toBe('at (ms),"say ""a"", b","say ""a"", b (low)","say ""a"", b (high)"\n0,1,0,2\n5,2,1,\n');
});

describe("bins", () => {
  test("are one for each whole number where there are few", () => {
    expect(binsOf([3, 3, 5])).toEqual({ middles: [3, 4, 5], counts: [2, 0, 1], step: 1 });
  });
  test("have steps of 1, 2 or 5 where there are many, and lose nothing", () => {
    const values = Array.from({ length: 1000 }, (_, i) => i * 1.7);
    const { middles, counts, step } = binsOf(values);
    expect(step).toBe(50);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1000);
    expect(middles[0]).toBe(25);
  });
  test("hold values that are all the same, and fractions", () => {
    expect(binsOf([0.25, 0.25]).counts).toEqual([2]);
    expect(binsOf([0.1, 0.2]).counts.reduce((sum, count) => sum + count, 0)).toBe(2);
  });
  test("of nothing are none", () => {
    expect(binsOf([]).counts).toEqual([]);
  });
});
