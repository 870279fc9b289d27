import { describe, expect, test } from "vitest";
import { isWithin } from "./experiment.ts";
import { topologyAwareExperiment as experiment } from "./topology-aware.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };
const tasks = experiment.plan(input);
const samples = tasks.map((task) => experiment.measure(task));

describe("topology-aware", () => {
  const { rows, charts } = experiment.report(input, tasks, samples);
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
  const isOne = ({ sizes }: (typeof tasks)[0]) => sizes.length === 2;
  const more = experiment.plan({ ...input, runs: 8 }).filter(isOne);
  const all = [...more, ...tasks.filter((task) => !isOne(task))];
  const wrong = all.map((task) =>
    isOne(task) ? experiment.measure({ ...task, rule: "uniform" }) : samples[tasks.indexOf(task)]!,
  );
  const left = experiment.report(input, all, wrong).rows.filter((row) => !isWithin(row));
  expect(left.map(({ of }) => of)).toEqual(["topology-aware, n = 1024, subnets 2 x 512"]);
});
