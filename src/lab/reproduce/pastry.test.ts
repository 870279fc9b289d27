import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { flagsOf } from "./flags.ts";
import { pastryExperiment as experiment } from "./pastry.ts";

const quick = { nodes: "500,2000", routes: 1500 };
const inputOf = (flags: object, seed = 1) => ({
  seed,
  runs: experiment.quickRuns,
  flags: flagsOf(experiment, { ...quick, ...flags }),
});

describe("pastry", () => {
  const { rows, charts } = reproduceHere(experiment, inputOf({}));

  test("every gate holds: hops, rule 3, the root, and the histogram of the largest network", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    const gated = rows.filter(({ gate }) => gate !== undefined).map((row) => `${row.of} ${row.figure}`);
    for (const nodes of [500, 2000])
      for (const figure of ["hops", "rule 3 per route", "ended at the root"])
        expect(gated).toContain(`N = ${nodes} ${figure}`);
    expect(gated).toContain("N = 2000 share of routes with 3 hops");
  });

  test("the nearer the tables, the shorter the way; what nodes find by themselves lies between", () => {
    const [random, near, nearest, joined] = rows
      .filter(({ figure }) => figure === "distance over direct")
      .map(({ measured }) => measured.mean) as [number, number, number, number];
    expect(nearest).toBeLessThan(1.5);
    expect(near).toBeLessThan(nearest + 0.1);
    expect(random).toBeGreaterThan(1.7);
    expect(joined).toBeGreaterThan(nearest);
    expect(joined).toBeLessThan(random - 0.1);
  });

  test("charts show each size, and each number of hops", () => {
    expect(charts.map(({ at }) => at[0])).toEqual([500, 0]);
    const points = charts.map(
      ({ series }) => series.find(({ label }) => label === "measured")!.values.length,
    );
    expect(points).toEqual(charts.map(({ at }) => at.length));
  });
});

test("other parameters agree with the model as well", () => {
  const input = inputOf({ nodes: "1000", bits: 2, "leaf-set": 8 });
  const tasks = experiment.plan(input).filter(({ type }) => type === "hops");
  const samples = tasks.map((task) => experiment.measure(task));
  const { rows } = experiment.report(input, tasks, samples);
  expect(rows.filter((row) => !isWithin(row) && row.figure !== "distance over direct")).toEqual([]);
});

test("tables that are not what they should be leave the gates", () => {
  const input = inputOf({ nodes: "1000" });
  const tasks = experiment.plan(input).filter(({ type }) => type === "hops");
  for (const wrong of [{ bits: 3 }, { leafSetSize: 8 }]) {
    const samples = tasks.map((task) => experiment.measure({ ...task, ...wrong }));
    const { rows } = experiment.report(input, tasks, samples);
    expect(rows.filter((row) => !isWithin(row)).length).toBeGreaterThan(0);
  }
});

test("flags that mean nothing are refused by name", () => {
  const refused = (flags: object) => () => experiment.plan(inputOf(flags));
  expect(refused({ nodes: "10,x" })).toThrow('--nodes: "10,x" is not a list of integers from 2 to 1000000');
  expect(refused({ "leaf-set": 7 })).toThrow("--leaf-set: 7 is not even");
  expect(refused({ bits: 2.5 })).toThrow("--bits: 2.5 is not an integer");
});
