import { describe, expect, test } from "vitest";
import { bimodalExperiment } from "./bimodal.ts";
import { poissonRange, finalSizesPart as sizes } from "./bimodal-sizes.ts";
import { isWithin } from "./experiment.ts";

const input = { seed: 1, runs: bimodalExperiment.quickRuns, flags: {} };
const tasks = sizes.plan(input);
const samples = tasks.map((task) => sizes.measure(task));
const { rows, charts } = sizes.report(input, tasks, samples);

describe("final sizes", () => {
  test("every gate holds, and every figure has one", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(rows).toHaveLength(16);
    expect(rows.every(({ gate }) => gate !== undefined)).toBe(true);
  });

  test("the exact law has the digits that were published", () => {
    const published = rows.filter((row) => row.published !== undefined);
    expect(published).toHaveLength(8);
    for (const row of published) {
      const digits = row.figure.startsWith("P(at least") ? 5 : row.figure === "P(all know it)" ? 3 : 2;
      expect(Number(row.theory!.toPrecision(digits))).toBe(row.published);
    }
  });

  test("each run is counted once", () => {
    for (const [i, { counts }] of samples.entries()) {
      expect(counts[0]).toBe(0);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(tasks[i]!.runs);
    }
  });

  test("whiskers stay on a logarithmic axis", () => {
    const points = charts[0]!.series.filter(({ style }) => style === "points");
    expect(points).toHaveLength(2);
    for (const { interval } of points)
      for (const low of interval!.low) expect(low === null || low > 0).toBe(true);
  });
});

test("who always makes five calls leaves the gates of five on average: hardly any rumor dies at once", () => {
  const others = tasks.map((task, i) => (task.place === 0 ? samples[2]! : samples[i]!));
  const left = sizes.report(input, tasks, others).rows.filter((row) => !isWithin(row));
  expect(left.map(({ of, figure }) => `${of}: ${figure}`)).toContain(
    "fan-out 5 on average: P(at most 10 % know it)",
  );
});

test.each([
  [0, 0, 0],
  [1e-6, 0, 0],
  [3.3, 0, 13],
  [100, 62, 143],
])("a Poisson number of mean %f is from %i to %i nearly always", (mean, least, most) => {
  expect(poissonRange(mean)).toEqual({ least, most });
});
