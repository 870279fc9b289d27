import { describe, expect, test } from "vitest";
import { runGlomers } from "../glomers/workload.ts";
import { isWithin, reproduceHere } from "./experiment.ts";
import { flagsOf } from "./flags.ts";
import { glomersExperiment } from "./glomers.ts";

const { quickRuns } = glomersExperiment;

describe("the broadcast workload of Maelstrom", () => {
  const input = { seed: 1, runs: quickRuns, flags: flagsOf(glomersExperiment, {}) };
  const { rows, charts } = reproduceHere(glomersExperiment, input);
  const row = (of: string, figure: string) =>
    rows.find((one) => one.of === of && one.figure.startsWith(figure))!;

  test("is within its gates: challenges 3d and 3e, and no value lost under any partition", () => {
    expect(rows.filter((one) => !isWithin(one))).toEqual([]);
    expect(rows.filter(({ gate }) => gate !== undefined).length).toBeGreaterThan(30);
    const best = "hub, 100 ms, batches of 300 ms";
    expect(row(best, "messages per operation").gate).toMatchObject({ high: 2 });
    expect(row(best, "stable latency, median").gate).toMatchObject({ high: 1000 });
    expect(row("tree4, 100 ms", "messages per operation").gate).toMatchObject({ high: 13 });
    expect(row("tree4, 100 ms", "at every node").gate!.high).toBeLessThanOrEqual(510);
  });

  test("takes as long as Maelstrom's own runs do, within 15 %", () => {
    const published = rows.filter(({ of, figure, published }) => {
      return published !== undefined && figure.includes("median") && of !== "line, 10 ms";
    });
    expect(published).toHaveLength(4);
    for (const { published: theirs, measured } of published) {
      expect(measured.mean / theirs!).toBeGreaterThan(0.85);
      expect(measured.mean / theirs!).toBeLessThan(1.15);
    }
  });

  test("draws what batches save and cost", () => {
    expect(charts.map(({ id }) => id)).toEqual(["trade", "batches", "waits"]);
    for (const { at, series } of charts)
      for (const { values } of series) expect(values).toHaveLength(at.length);
  });

  test("leaves a gate if partitions are never repaired, or batches are not batches", () => {
    const [task] = glomersExperiment.plan({
      ...input,
      flags: { ...input.flags, topology: "hub", partitions: true },
    });
    const { configuration, seed } = task!;
    const broken = runGlomers({ ...configuration, seed, options: { repairs: false } });
    const report = glomersExperiment.report(input, [task!], [[broken]]);
    expect(report.rows.filter((one) => !isWithin(one)).map(({ figure }) => figure)).toEqual([
      "values that a node lacks in the end",
    ]);
    const tasks = glomersExperiment.plan(input);
    const of3e = tasks.find(({ configuration }) => configuration.batchMs === 300)!;
    const single = { ...of3e, configuration: { ...of3e.configuration, batchMs: 0 } };
    const without = glomersExperiment.report(input, [of3e], [glomersExperiment.measure(single)]);
    expect(without.rows.filter((one) => !isWithin(one)).map(({ figure }) => figure)).toEqual([
      "messages per operation",
    ]);
  });
});

test("flags measure one topology, and mean nothing without one", () => {
  const measured = (given: Record<string, string | boolean>) => {
    const flags = flagsOf(glomersExperiment, given);
    return reproduceHere(glomersExperiment, { seed: 1, runs: 1, flags }).rows;
  };
  const rows = measured({
    topology: "line",
    "latency-ms": "20",
    exponential: true,
    seconds: "5",
    rate: "20",
  });
  expect(new Set(rows.map(({ of }) => of))).toEqual(new Set(["line, exponential, mean 20 ms"]));
  const few = measured({ topology: "hub", seconds: "5", "batch-ms": "250" });
  expect(few[0]!.measured.mean).toBeLessThan(2);
  expect(() => measured({ "batch-ms": "250" })).toThrow("--batch-ms: is for one topology; add --topology");
});
