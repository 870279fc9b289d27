import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { pushSumExperiment as experiment } from "./push-sum.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };

describe("push-sum", () => {
  const { rows, charts } = reproduceHere(experiment, input);

  test("every gate holds, and there is one for each factor, count and loss", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(9);
  });

  test("with loss all agree, and on a wrong value: by far more for a count than for a mean", () => {
    const figure = (aggregate: string, name: string) =>
      rows.find((row) => row.of.startsWith(`${aggregate}, n = 1000, 10 %`) && row.figure.startsWith(name))!
        .measured.mean;
    for (const aggregate of ["mean", "count"])
      expect(figure(aggregate, "largest relative distance")).toBeLessThan(
        figure(aggregate, "relative error") / 1000,
      );
    expect(figure("count", "relative error")).toBeGreaterThan(5 * figure("mean", "relative error"));
  });

  test("the chart has the potential after each round", () => {
    const points = charts[0]!.series.filter(({ style }) => style === "points");
    expect(points).toHaveLength(3);
    for (const { values } of points) {
      expect(values).toHaveLength(31);
      expect(values.toSorted((a, b) => b! - a!)).toEqual(values);
    }
  });
});

test("the factor of another network leaves the gate", () => {
  const tasks = experiment.plan(input);
  const samples = tasks.map((task) => {
    const isWrong = task.what.part === "decay" && task.what.nodes === 1000;
    return experiment.measure(isWrong ? { ...task, what: { part: "decay", nodes: 10 } } : task);
  });
  const left = experiment.report(input, tasks, samples).rows.filter((row) => !isWithin(row));
  expect(left.map(({ of }) => of)).toEqual(["n = 1000"]);
});
