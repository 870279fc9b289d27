import { describe, expect, test } from "vitest";
import { Moments } from "../../core/index.ts";
import { stepOf } from "../../theory/index.ts";
import { antiEntropyExperiment as experiment, spread, stepAgainst } from "./anti-entropy.ts";
import { isWithin, reproduceHere } from "./experiment.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };

describe("anti-entropy", () => {
  const { rows, charts } = reproduceHere(experiment, input);
  const means = (figure: string) =>
    rows.filter((row) => row.figure === figure).map(({ measured }) => measured.mean);

  test("every gate holds: push and pull are synchronous rounds, and sets are the union afterwards", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(2 * 2 + 3 * 6);
  });

  test("pull ends sooner than push, and push-pull before both", () => {
    const [push, pull, both] = means("cycles to all") as [number, number, number];
    expect(push).toBeGreaterThan(pull + 2);
    expect(pull).toBeGreaterThan(both + 3);
  });

  test("ranges take the fewest bytes while few items differ, and never as many as the full exchange", () => {
    const [ranges, merkle, full] = ["ranges", "Merkle trees", "full exchange"].map((method) =>
      means(`bytes by ${method}`),
    ) as [number[], number[], number[]];
    expect(ranges[0]).toBeLessThan(full[0]! / 200);
    expect(ranges[0]).toBeLessThan(merkle[0]! / 20);
    expect(ranges[1]).toBeLessThan(merkle[1]!);
    for (const [i, bytes] of full.entries()) expect(ranges[i]).toBeLessThan(bytes);
  });

  test("the charts have a line and points for each mode, and for each method", () => {
    expect(charts.map(({ series }) => series.length)).toEqual([6, 4]);
    for (const { at, series } of charts)
      for (const { values } of series) expect(values).toHaveLength(at.length);
  });
});

test("push taken for pull, and pull for push, leave their gates", () => {
  const tasks = experiment.plan(input).filter(({ type }) => type === "spread");
  const other = { push: "pull", pull: "push", "push-pull": "push-pull" } as const;
  const samples = tasks.map((task) =>
    experiment.measure(task.type === "spread" ? { ...task, mode: other[task.mode] } : task),
  );
  const { rows } = experiment.report(input, tasks, samples);
  const wrong = rows.filter((row) => row.figure === "cycles to all" && !isWithin(row));
  expect(wrong.map(({ of }) => of)).toEqual(["n = 1000, push", "n = 1000, pull"]);
});

test("a step is right for its own mode only", () => {
  const curves = [1, 2, 3, 4, 5].map((seed) => spread("pull", seed));
  const against = (mode: "push" | "pull") =>
    Moments.of(curves.map((curve) => stepAgainst(stepOf({ mode, n: 1000 }), curve))).mean;
  expect(Math.abs(against("pull") - 1)).toBeLessThan(0.03);
  expect(Math.abs(against("push") - 1)).toBeGreaterThan(0.04);
});
