import { describe, expect, test } from "vitest";
import { isWithin } from "./experiment.ts";
import { spatialExperiment as experiment } from "./spatial.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };
const tasks = experiment.plan(input);
const samples = tasks.map((task) => experiment.measure(task));

describe("spatial", () => {
  const { rows, charts } = experiment.report(input, tasks, samples);
  const mean = (of: string, figure: string) =>
    rows.find((row) => row.of === of && row.figure.startsWith(figure))!.measured.mean;

  test("every gate holds: one for each exponent and size of the line, and for each exponent of the torus", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(5 * 5 + 4);
  });

  test("the larger the exponent, the less the traffic and the more the rounds", () => {
    for (const [figure, sign] of [
      ["calls", -1],
      ["rounds", 1],
    ] as const) {
      const values = [0, 1.5, 2, 3].map((a) => sign * mean(`line, a = ${a}, n = 1024`, figure));
      expect(values.toSorted((x, y) => x - y)).toEqual(values);
    }
  });

  test("rounds grow as logarithms do where a is below 2, and as a power where it is above", () => {
    expect(mean("line, a = 1, growth", "rounds")).toBeLessThan(0.25);
    expect(mean("line, a = 3, growth", "rounds")).toBeGreaterThan(0.6);
  });

  test("the chart has a line and points for each exponent", () => {
    expect(charts[0]!.series.map(({ style }) => style)).toEqual(
      [0, 1, 1.5, 2, 3].flatMap(() => ["line", "points"]),
    );
  });
});

test("partners of another exponent leave the gate", () => {
  const more = experiment.plan({ ...input, runs: 6 });
  const isOne = (task: (typeof more)[0]) =>
    task.shape === "line" && task.nodes === 512 && task.exponent === 1.5;
  const all = [...tasks.filter((task) => !isOne(task)), ...more.filter(isOne)];
  const wrong = all.map((task) => {
    if (!isOne(task)) return samples[tasks.indexOf(task)]!;
    const { calls, rounds } = experiment.measure({ ...task, exponent: 1 });
    return { calls, rounds };
  });
  const left = experiment.report(input, all, wrong).rows.filter((row) => !isWithin(row));
  expect(left.map(({ of }) => of)).toEqual(["line, a = 1.5, n = 512"]);
});
