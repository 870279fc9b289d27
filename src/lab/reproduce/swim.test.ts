import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { flagsOf } from "./flags.ts";
import { expectedFirstPing, swimExperiment as experiment } from "./swim.ts";

const inputOf = (flags: object = {}) => ({
  seed: 1,
  runs: experiment.quickRuns,
  flags: flagsOf(experiment, { ...experiment.quickFlags, ...flags }),
});

describe("swim", () => {
  const { rows, charts } = reproduceHere(experiment, inputOf());
  const figure = (of: string, name: string) =>
    rows.find((row) => row.of.startsWith(of) && row.figure.startsWith(name))!.measured;

  test("every gate holds: first detection, verdicts, load, the bound of a round, suspicion", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(3 * 3 + 1 + 3 + 3 * 3);
    expect(charts[0]!.at).toEqual([8, 16, 32]);
  });

  test("suspicion was put to the test: probes of the living did fail", () => {
    expect(figure("loss 10 %", "members wrongly given up").mean).toBeGreaterThan(100);
    expect(figure("loss 10 %", "with suspicion, and gossip").mean).toBeLessThan(2);
  });
});

test("the theory of few members tends to e/(e-1) with their number, from below", () => {
  expect(expectedFirstPing(2)).toBe(1);
  expect(expectedFirstPing(3)).toBeLessThan(expectedFirstPing(4));
  expect(expectedFirstPing(2000)).toBeCloseTo(Math.E / (Math.E - 1), 2);
});

test("a rule that is not SWIM's leaves the gates: three helpers where one was said, and half as many members", () => {
  const input = inputOf();
  const tasks = experiment.plan(input).filter(({ type }) => type !== "turns");
  const wrong = (task: (typeof tasks)[number]) => {
    if (task.type === "loss") return { ...task, helpers: 3 };
    return { ...task, nodes: task.nodes / 2, crashes: task.nodes / 2 - 2 };
  };
  const { rows } = experiment.report(
    input,
    tasks,
    tasks.map((task) => experiment.measure(wrong(task))),
  );
  const left = rows.filter((row) => row.measured.count > 0 && !isWithin(row)).map(({ figure }) => figure);
  expect(left).toContain("share of probes that fail");
  expect(left).toContain("periods until the first verdict");
});
