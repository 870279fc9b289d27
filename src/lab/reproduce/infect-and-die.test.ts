import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { infectAndDieExperiment as experiment } from "./infect-and-die.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: { nodes: 10_000 } };

describe("infect-and-die", () => {
  const { rows, charts } = reproduceHere(experiment, input);

  test("delivered and RMR have gates for each fan-out from 2 on, also by events, and are within them", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(2 * (5 + 3));
  });

  test("what was published is within the gates too, and the last hop is near", () => {
    const known = rows.filter(({ published }) => published !== undefined);
    expect(known).toHaveLength(3 * (3 + 3));
    for (const { figure, published, gate, measured } of known) {
      if (gate !== undefined) expect(published).toBeGreaterThanOrEqual(gate.low);
      if (gate !== undefined) expect(published).toBeLessThanOrEqual(gate.high);
      if (figure === "last delivery hop") expect(Math.abs(measured.mean - published!)).toBeLessThan(1);
    }
  });

  test("a single copy each reaches next to nobody", () => {
    const row = rows.find(({ of, figure }) => of === "f = 1" && figure.startsWith("delivered"))!;
    expect(row.theory).toBe(0);
    expect(row.measured.mean).toBeLessThan(0.03);
  });

  test("the chart has a point for each fan-out", () => {
    expect(charts[0]!.series.at(-1)!.values.every((value) => value !== null)).toBe(true);
  });
});

test("another fan-out leaves the gates", () => {
  const tasks = experiment.plan(input).filter(({ fanout, engine }) => fanout === 3 && engine === "rounds");
  const samples = tasks.map((task) => experiment.measure({ ...task, fanout: 4 }));
  const left = experiment
    .report(input, tasks, samples)
    .rows.filter((row) => row.of === "f = 3" && !isWithin(row))
    .map(({ figure }) => figure);
  expect(left).toEqual(["delivered (share)", "RMR (copies / deliveries - 1)"]);
});
