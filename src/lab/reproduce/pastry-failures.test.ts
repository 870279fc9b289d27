import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { flagsOf } from "./flags.ts";
import { pastryFailuresExperiment as experiment } from "./pastry-failures.ts";

const inputOf = (flags: object) => ({
  seed: 1,
  runs: experiment.quickRuns,
  flags: flagsOf(experiment, { nodes: 600, routes: 1500, ...flags }),
});

describe("pastry-failures", () => {
  const { rows, charts } = reproduceHere(experiment, inputOf({}));
  const figure = (of: string, name: string) =>
    rows.find((row) => row.of.startsWith(of) && row.figure.startsWith(name))!;

  test("every gate holds: hops in the three phases, and that all end at the root", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(6);
  });

  test("dead entries cost a time-out now and then; repair takes most of them out, and of leaves all", () => {
    expect(figure("before", "time-outs").measured.mean).toBe(0);
    const without = figure("leaf sets repaired", "time-outs").measured.mean;
    expect(without).toBeGreaterThan(0.1);
    expect(figure("after", "time-outs").measured.mean).toBeLessThan(without / 2);
    expect(figure("after", "dead among leaves").measured.mean).toBe(0);
    expect(figure("after", "dead among table").measured.mean).toBeLessThan(0.05);
  });

  test("a failed node costs some hundred messages, not thousands", () => {
    const { measured } = figure("after", "messages");
    expect(measured.min).toBeGreaterThan(20);
    expect(measured.max).toBeLessThan(500);
  });

  test("published hops are shown only for the published network", () => {
    expect(figure("before", "hops").published).toBeUndefined();
    const input = inputOf({ nodes: 5000 });
    const { rows } = experiment.report(input, [], []);
    expect(rows.find((row) => row.figure === "hops")).toMatchObject({ published: 2.73 });
    expect(charts[0]!.at).toEqual([1, 2, 3]);
  });
});

test("a network in which more have failed than was said leaves the gates", () => {
  const input = inputOf({ routes: 4000 });
  const tasks = experiment.plan(input).filter(({ type }) => type === "tables");
  const samples = tasks.map((task) => experiment.measure({ ...task, failed: 0.5 }));
  const { rows } = experiment.report(input, tasks, samples);
  const wrong = rows.filter((row) => row.measured.count > 0 && !isWithin(row));
  expect(wrong.map(({ of, figure }) => `${of}: ${figure}`)).toContain("leaf sets repaired, tables not: hops");
});

test("flags that mean nothing are refused by name", () => {
  expect(() => experiment.plan(inputOf({ "leaf-set": 5 }))).toThrow("--leaf-set: 5 is not even");
  expect(() => experiment.plan(inputOf({ nodes: 100.5 }))).toThrow("--nodes: 100.5 is not an integer");
});
