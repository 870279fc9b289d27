import { describe, expect, test } from "vitest";
import { isWithin } from "./experiment.ts";
import { floodCostExperiment as experiment } from "./flood-cost.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };
const tasks = experiment.plan(input);
const samples = tasks.map((task) => experiment.measure(task));
const { rows, charts } = experiment.report(input, tasks, samples);
const copies = (of: string) =>
  rows.find((row) => row.of === of && row.figure === "copies of a message")!.measured.mean;

describe("flood-cost", () => {
  test("both formulas are exact in every run, on every kind of graph", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    const exact = rows.filter(({ figure }) => figure.startsWith("copies beyond"));
    expect(exact).toHaveLength(20);
    for (const { measured } of exact) expect(measured).toMatchObject({ min: 0, max: 0 });
  });

  test("with equal latencies each link of a grid carries one copy; without ties two, but for the tree", () => {
    expect(copies("grid, equal latencies")).toBe(180);
    expect(copies("grid, no ties")).toBe(2 * 180 - 100 + 1);
  });

  test("waiting saves copies", () => {
    const of = (waitMs: number) => copies(`random, mean degree 8, 10 to 100 ms, wait ${waitMs} ms`);
    expect(of(20)).toBeLessThan(of(0));
    expect(of(100)).toBeLessThan(of(20));
  });

  test("the line of the chart is the mean degree minus 2, nearly", () => {
    const [chart] = charts;
    const line = chart!.series.find(({ style }) => style === "line")!.values;
    for (const [i, degree] of chart!.at.entries())
      if (degree > 4) expect(Math.abs(line[i]! - (degree - 2))).toBeLessThan(0.3);
  });
});

test("a flood that waits for copies leaves the gates", () => {
  const place = tasks.findIndex(({ shape, pace }) => shape.kind === "grid" && pace === "distinct");
  const waiting = experiment.measure({ ...tasks[place]!, pace: "default", forwardDelayMs: 100 });
  const others = samples.map((sample, i) => (i === place ? waiting : sample));
  const left = experiment.report(input, tasks, others).rows.filter((row) => !isWithin(row));
  expect(left.map(({ of, figure }) => `${of}: ${figure}`)).toContain(
    "grid, no ties: copies beyond 2|E| - |V| + 1",
  );
});
