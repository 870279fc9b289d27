import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { pullVsPushExperiment as experiment } from "./pull-vs-push.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };

describe("pull-vs-push", () => {
  const { rows, charts } = reproduceHere(experiment, input);
  const shareAfter = (of: string) => rows.find((row) => row.of === of)!;

  test("every round of every mode is as its recurrence says, and pure push is the worst", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    const gated = rows.filter(({ gate }) => gate !== undefined).map(({ of }) => of);
    for (const mode of ["push", "push, 2 calls", "pull", "pull, 2 calls", "push-pull"])
      expect(gated).toContain(`${mode}, after round 1`);
    expect(gated).toContain("push, after round 8");
    expect(rows.filter(({ figure }) => figure.startsWith("rounds that"))).toHaveLength(2);
  });

  test("document 000's formula as printed is far from what is measured, the mended one is not", () => {
    const row = shareAfter("push, after round 1, as printed");
    expect(row.published).toBeCloseTo(0.824, 3);
    expect(Math.abs(row.measured.mean - row.theory!)).toBeLessThan(0.002);
    expect(row.published! - row.measured.mean).toBeGreaterThan(0.5);
  });

  test("the misprinted line rises to everybody, the others have points on them", () => {
    const { series } = charts[0]!;
    expect(series.at(-1)!.values.at(-1)).toBeCloseTo(1, 3);
    expect(series.filter(({ style }) => style === "points")).toHaveLength(5);
  });
});

test("a mode taken for another leaves the gates", () => {
  const tasks = experiment.plan({ ...input, runs: 4 });
  const samples = tasks.map((task) => experiment.measure({ ...task, mode: "push", fanout: 1 }));
  const wrong = experiment.report(input, tasks, samples).rows.filter((row) => !isWithin(row));
  for (const of of ["push, 2 calls", "pull", "pull, 2 calls", "push-pull"])
    expect(wrong.map((row) => row.of)).toContain(`${of}, after round 1`);
  expect(wrong.map((row) => row.of)).toContain("push and pull");
  expect(wrong.map((row) => row.of)).not.toContain("push, after round 1");
});
