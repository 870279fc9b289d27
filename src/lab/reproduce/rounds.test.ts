import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { roundsExperiment as experiment } from "./rounds.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };

describe("rounds", () => {
  const { rows, charts } = reproduceHere(experiment, input);
  const rounds = rows.filter(({ figure }) => figure === "rounds");

  test("every gate holds, and every published figure has one", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    const withFigures = rows.filter((row) => row.published !== undefined);
    expect(withFigures).toHaveLength(3 * 3 * 2);
    expect(withFigures.every(({ gate }) => gate !== undefined)).toBe(true);
    expect(rounds.every(({ gate }) => gate !== undefined)).toBe(true);
  });

  test("push-pull is faster than pull, and pull than push, for every size", () => {
    for (let i = 0; i < rounds.length; i += 3) {
      const [push, pull, both] = rounds.slice(i, i + 3).map(({ measured }) => measured.mean);
      expect(both).toBeLessThan(pull!);
      expect(pull).toBeLessThan(push!);
    }
  });

  test("pull sends no more than one copy per node where only those ask who lack it", () => {
    const copies = rows.filter((row) => row.of.endsWith(" pull") && row.figure === "copies per node");
    expect(copies).toHaveLength(4);
    for (const { measured } of copies) expect(measured.max).toBeLessThan(1);
  });

  test("both charts show four sizes of each mode", () => {
    for (const { series } of charts) {
      const points = series.filter(({ style }) => style === "points");
      expect(points.map(({ values }) => values.filter((value) => value !== null).length)).toEqual([4, 4, 4]);
    }
  });
});

test("a mode taken for another leaves the gates", () => {
  const tasks = experiment.plan(input).filter(({ nodes }) => nodes === 1000);
  const samples = tasks.map((task) => experiment.measure({ ...task, mode: "pull" }));
  const wrong = experiment
    .report(input, tasks, samples)
    .rows.filter((row) => row.of.startsWith("n = 1000,") && !isWithin(row))
    .map((row) => `${row.of}: ${row.figure}`);
  expect(wrong).toEqual([
    "n = 1000, push: rounds",
    "n = 1000, push: transmissions per node, phone call",
    "n = 1000, push-pull: rounds",
    "n = 1000, push-pull: transmissions per node, phone call",
  ]);
});
