import { describe, expect, test } from "vitest";
import { MedianCounter } from "../../dissemination/index.ts";
import { runRounds } from "../../simulator/index.ts";
import { isWithin, reproduceHere } from "./experiment.ts";
import { medianCounterExperiment as experiment } from "./median-counter.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };

describe("median-counter", () => {
  const { rows, charts } = reproduceHere(experiment, input);

  test("every gate holds, and there are gates for each published size, also by events", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    const gated = new Set(rows.filter(({ gate }) => gate !== undefined).map((row) => row.of));
    for (const size of ["n = 1000", "n = 10000", "n = 1000000"])
      expect(gated).toContain(`${size}, ctrMax = 3`);
    expect(gated).toContain("n = 1000, ctrMax = 3, by events");
  });

  test("with ctrMax 1 or 2 runs end at the age cap, as published: they need it", () => {
    const quiescence = (ctrMax: number) =>
      rows.find((row) => row.of === `n = 10000, ctrMax = ${ctrMax}` && row.figure.startsWith("quiescence"))!;
    expect(quiescence(1).measured).toMatchObject({ min: 20, max: 20 });
    expect(quiescence(2).measured.max).toBe(22);
  });

  test("charts show as many points as were measured", () => {
    const points = charts.map(
      ({ series }) => series.find((one) => one.label === "measured" || one.label === "quiescence")!.values,
    );
    expect(points.map((values) => values.filter((value) => value !== null).length)).toEqual([3, 6]);
  });
});

test("other rules leave the gates: more rounds in C, or a rumor that is forgotten at once", () => {
  const tasks = experiment.plan(input).filter(({ nodes, ctrMax }) => nodes === 1000 && ctrMax === 3);
  for (const ctrMax of [2, 4]) {
    const samples = tasks.map((task) => experiment.measure({ ...task, ctrMax }));
    const wrong = experiment
      .report(input, tasks, samples)
      .rows.filter((row) => row.of === "n = 1000, ctrMax = 3" && !isWithin(row));
    expect(wrong.map(({ figure }) => figure)).toContain("copies per node");
    expect(wrong.map(({ figure }) => figure)).toContain("quiescence (rounds)");
  }
});

test("a cell changes only when its round ends: in which order nodes call makes no difference", () => {
  const run = (semantics: "synchronous" | "sequential") => {
    const rumor = new MedianCounter({ rows: 500 });
    rumor.infect(0);
    return { hash: runRounds(rumor, { seed: 7, semantics }).hash, copies: rumor.copies };
  };
  expect(run("sequential")).toEqual(run("synchronous"));
});
