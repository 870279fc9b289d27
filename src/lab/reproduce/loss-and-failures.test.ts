import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { lossAndFailuresExperiment as experiment } from "./loss-and-failures.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };

describe("loss-and-failures", () => {
  const { rows } = reproduceHere(experiment, input);
  const ratios = rows.filter(({ figure }) => figure.startsWith("times as long"));

  test("every gate holds, for loss, crashes and both", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(ratios).toHaveLength(2 * 3);
    expect(ratios.every(({ gate }) => gate !== undefined)).toBe(true);
  });

  test("half of the messages or half of the nodes take about twice the time, both about four times", () => {
    const events = ratios.filter(({ of }) => !of.endsWith("synchronous")).slice(0, 3);
    expect(events.map(({ theory }) => Math.round(theory!))).toEqual([2, 2, 4]);
  });

  test("in synchronous rounds loss costs less than twice the rounds", () => {
    const row = ratios.find(({ of }) => of.startsWith("50 % loss, n") && of.endsWith("synchronous"))!;
    expect(row.measured.mean).toBeLessThan(1.97);
    expect(row.measured.mean).toBeGreaterThan(1.71);
  });
});

test("with more runs 10^5 nodes are measured too", () => {
  const sizesWith = (runs: number) => new Set(experiment.plan({ ...input, runs }).map(({ nodes }) => nodes));
  expect(sizesWith(experiment.quickRuns)).toEqual(new Set([10_000]));
  expect(sizesWith(experiment.defaultRuns)).toEqual(new Set([10_000, 100_000]));
});

test("faults that do not happen leave the gates", () => {
  const tasks = experiment
    .plan(input)
    .filter(({ nodes, timing }) => nodes === 10_000 && timing === "poisson");
  const samples = tasks.map((task) => experiment.measure({ ...task, fault: 0 }));
  const wrong = experiment
    .report(input, tasks, samples)
    .rows.filter((row) => row.of.endsWith("n = 10000") && !isWithin(row));
  expect(new Set(wrong.map(({ of }) => of))).toEqual(
    new Set(["50 % loss, n = 10000", "50 % crashed, n = 10000", "50 % loss, 50 % crashed, n = 10000"]),
  );
  expect(wrong).toHaveLength(3 * 3);
});
