import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { flagsOf } from "./flags.ts";
import { kademliaExperiment as experiment } from "./kademlia.ts";

const inputOf = (flags: Record<string, string | number>, seed = 1) => ({
  seed,
  runs: experiment.quickRuns,
  flags: flagsOf(experiment, flags),
});

describe("the table of our reference model", () => {
  const { rows, charts } = reproduceHere(experiment, inputOf({ lookups: 60 }));

  test("every gate holds: hops, queries, rounds, time-outs and recall", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(7 * 6 + 3);
    expect(rows.filter((row) => row.published !== undefined).length).toBeGreaterThan(30);
  });

  test("a live node, which asks in slots, finds the same with hardly more queries", () => {
    for (const nodes of [1000, 10_000, 100_000]) {
      const [batches, slots] = ["", ", in slots"].map((pace) =>
        rows.find((row) => row.of === `N = ${nodes}, k = 8, alpha = 3${pace}` && row.figure === "queries"),
      );
      expect(slots!.measured.mean).toBeLessThan(1.05 * batches!.measured.mean);
    }
  });

  test("charts show each size", () => {
    for (const { at, series } of charts) {
      expect(at).toEqual([1000, 10_000, 100_000]);
      for (const { values } of series) expect(values).toHaveLength(3);
    }
  });
});

test("other parameters agree with the model as well", () => {
  const { rows } = reproduceHere(
    experiment,
    inputOf({ nodes: "500,3000", k: 5, alpha: 2, dead: 0.3, lookups: 300 }),
  );
  expect(rows.filter((row) => !isWithin(row))).toEqual([]);
});

test("nodes that know fewer than they should, or ask more at once, leave the gates", () => {
  const input = inputOf({ nodes: "2000", lookups: 400 });
  const tasks = experiment.plan(input);
  for (const wrong of [{ k: 6 }, { alpha: 5 }, { dead: 0.1 }]) {
    const samples = tasks.map((task) => experiment.measure({ ...task, ...wrong }));
    const { rows } = experiment.report(input, tasks, samples);
    expect(rows.filter((row) => !isWithin(row)).length).toBeGreaterThan(0);
  }
});

test("sizes and parameters that are none are refused by name", () => {
  expect(() => experiment.plan(inputOf({ nodes: "10,x" }))).toThrow(/--nodes: "10,x"/);
  expect(() => experiment.plan(inputOf({ k: 2.5 }))).toThrow(/--k: 2.5 is not an integer/);
});
