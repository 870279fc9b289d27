import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { distanceAllowed, distanceFromLogistic, logisticExperiment as experiment } from "./logistic.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };

describe("logistic", () => {
  const { rows, charts } = reproduceHere(experiment, input);

  test("every gate holds, for push and push-pull, 10^4 and 10^5 people", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(new Set(rows.map(({ of }) => of)).size).toBe(4);
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(2 * 6 + 2 * 5);
  });

  test("from 1 % to 99 % it takes 9.19 intervals in push, half of that in push-pull", () => {
    const between = rows.filter(({ figure }) => figure.startsWith("time from 1 %"));
    expect(between.map(({ theory }) => theory!.toFixed(1))).toEqual(["9.2", "9.2", "4.6", "4.6"]);
  });

  test("the chart has the curve once and the measured points of both modes on it", () => {
    const [theory, ...measured] = charts[0]!.series;
    expect(measured).toHaveLength(2);
    for (const { values } of measured)
      values.forEach((value, i) => {
        expect(Math.abs(value! - theory!.values[i]!)).toBeLessThan(2);
      });
  });
});

test("push taken for push-pull leaves the gates: beta is not b/n for every way of mixing", () => {
  const tasks = experiment.plan(input).filter(({ people }) => people === 10_000);
  const samples = tasks.map((task) =>
    experiment.measure({ ...task, mode: task.mode === "push" ? "push-pull" : "push" }),
  );
  const { rows } = experiment.report(input, tasks, samples);
  const wrong = rows.filter((row) => row.of.endsWith("10000") && !isWithin(row)).map(({ figure }) => figure);
  for (const figure of ["time to 50 %", "time from 1 %", "time to all", "copies per node until all"])
    expect(wrong.filter((name) => name.startsWith(figure))).toHaveLength(2);
});

test("a curve whose rate is wrong by a tenth is too far from the logistic", () => {
  const people = 10_000;
  const timesAt = (rate: number) =>
    Int32Array.from({ length: people }, (_, i) => {
      const share = (i + 0.5) / people;
      return Math.round(10_000 * (20 + Math.log(share / (1 - share)) / rate));
    });
  expect(distanceFromLogistic(timesAt(1), 20, 1)).toBeLessThan(1e-3);
  expect(distanceFromLogistic(timesAt(1.1), 20, 1)).toBeGreaterThan(distanceAllowed(people));
});
