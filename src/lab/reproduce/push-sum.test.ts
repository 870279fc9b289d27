import { describe, expect, test } from "vitest";
import { PushSum, type PushSumNotice, UniformPartners } from "../../dissemination/index.ts";
import { Simulation } from "../../simulator/index.ts";
import { isWithin } from "./experiment.ts";
import { pushSumExperiment as experiment } from "./push-sum.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };
const tasks = experiment.plan(input);
const samples = tasks.map((task) => experiment.measure(task));

describe("push-sum", () => {
  const { rows, charts } = experiment.report(input, tasks, samples);

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
  const wrong = tasks.map((task, i) => {
    const isWrong = task.what.part === "decay" && task.what.nodes === 1000;
    return isWrong ? experiment.measure({ ...task, what: { part: "decay", nodes: 10 } }) : samples[i]!;
  });
  const left = experiment.report(input, tasks, wrong).rows.filter((row) => !isWithin(row));
  expect(left.map(({ of }) => of)).toEqual(["n = 1000"]);
});

test("an epoch forgets what loss and a crash have done to the one before, with an object for each node", () => {
  const rows = 100;
  const epochMs = 80_000;
  const results: PushSumNotice[] = [];
  const links = { latency: { model: "constant", ms: 10 } } as const;
  const onNotice = (_: number, notice: PushSumNotice) => results.push(notice);
  const simulation = new Simulation({ seed: 3, rows, links: { ...links, loss: 0.2 }, onNotice });
  for (let row = 0; row < rows; row++) {
    simulation.host(
      row,
      new PushSum({
        rows: 1,
        isRoot: () => row === 0,
        partners: new UniformPartners(rows - 1),
        options: { aggregate: "count", epochMs },
      }),
    );
  }
  // The last one is nobody's partner, so that it takes nothing along from the second epoch on.
  simulation.at(epochMs / 2, () => simulation.crash(rows - 1));
  simulation.at(epochMs / 2, () => simulation.links.change({ loss: 0 }));
  simulation.run(2.5 * epochMs);
  const errors = (epoch: number, truth: number) =>
    results.filter((one) => one.epoch === epoch).map(({ estimate }) => Math.abs(estimate! / truth - 1));
  expect(errors(0, rows)).toHaveLength(rows - 1);
  expect(Math.min(...errors(0, rows))).toBeGreaterThan(0.01);
  expect(errors(1, rows - 1)).toHaveLength(rows - 1);
  expect(Math.max(...errors(1, rows - 1))).toBeLessThan(1e-6);
});
