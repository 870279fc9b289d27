import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { topologyAwareExperiment as experiment } from "./topology-aware.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };

describe("topology-aware", () => {
  const { rows, charts } = reproduceHere(experiment, input);
  const mean = (of: RegExp, figure: string) =>
    rows.find((row) => of.test(row.of) && row.figure.startsWith(figure))!.measured.mean;

  test("every gate holds, and each configuration has one for its router", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(14 + 2);
  });

  test("the router carries a call of each subnet, where uniformly it carries nearly all calls", () => {
    expect(mean(/^topology-aware, n = 4096/, "calls over")).toBeLessThan(16);
    expect(mean(/^uniform, n = 4096/, "calls over")).toBeGreaterThan(3000);
  });

  test("rounds grow by a few for twice the nodes, with the rule as without", () => {
    expect(mean(/^uniform, 8 equal/, "rounds more")).toBeGreaterThan(1);
    expect(mean(/^topology-aware, 8 equal/, "rounds more")).toBeLessThan(6);
  });

  test("the chart has both rules, with theory and measurement", () => {
    expect(charts[0]!.series.map(({ label }) => label)).toEqual([
      "theory, uniform",
      "measured, uniform",
      "theory, topology-aware",
      "measured, topology-aware",
    ]);
  });
});

test("with partners of the other rule the router leaves its gate", () => {
  const tasks = experiment.plan({ ...input, runs: 8 }).filter(({ sizes }) => sizes.length === 2);
  const others = experiment.plan(input).filter(({ sizes }) => sizes.length !== 2);
  const samples = [...tasks, ...others].map((task) =>
    experiment.measure({ ...task, ...(task.sizes.length === 2 && { rule: "uniform" }) }),
  );
  const left = experiment.report(input, [...tasks, ...others], samples).rows.filter((row) => !isWithin(row));
  expect(left.map(({ of }) => of)).toEqual(["topology-aware, n = 1024, subnets 2 x 512"]);
});
