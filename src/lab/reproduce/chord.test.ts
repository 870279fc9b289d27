import { describe, expect, test } from "vitest";
import { chordExperiment } from "./chord.ts";
import { chordChurnExperiment } from "./chord-churn.ts";
import { chordFailuresExperiment } from "./chord-failures.ts";
import { chordLoadExperiment } from "./chord-load.ts";
import { type Experiment, isWithin, type ReproductionRow, reproduceHere } from "./experiment.ts";
import { flagsOf } from "./flags.ts";

function inputOf(experiment: Experiment<any, any>, given: Record<string, number> = {}) {
  return { seed: 1, runs: experiment.quickRuns, flags: flagsOf(experiment, given) };
}

const gated = (rows: readonly ReproductionRow[]) =>
  rows.filter(({ gate }) => gate !== undefined).map(({ of, figure }) => `${of}: ${figure}`);
const left = (rows: readonly ReproductionRow[]) => rows.filter((row) => !isWithin(row));

describe("chord", () => {
  test("paths are those of the model, for the numbers of nodes that are asked for", () => {
    for (const nodes of [100, 1024]) {
      const { rows } = reproduceHere(chordExperiment, inputOf(chordExperiment, { nodes }));
      expect(left(rows)).toEqual([]);
      expect(gated(rows)).toContain(`N = ${nodes}, fingers only: hops`);
    }
  });

  test("without a flag, 2^8 to 2^16 nodes are planned", () => {
    const sizes = chordExperiment.plan(inputOf(chordExperiment)).map(({ nodes }) => nodes);
    expect([...new Set(sizes)]).toEqual([256, 1024, 4096, 16_384, 65_536]);
  });

  test("shorter lists than the model has leave the gate", () => {
    const input = inputOf(chordExperiment, { nodes: 1024 });
    const tasks = chordExperiment.plan(input);
    const samples = tasks.map((task) =>
      chordExperiment.measure(
        task.kind === "ring" && task.routesOverList ? { ...task, successors: 2 } : task,
      ),
    );
    const wrong = left(chordExperiment.report(input, tasks, samples).rows);
    expect(wrong.map(({ of, figure }) => `${of}: ${figure}`)).toContain(
      "N = 1024, fingers and list of 20: hops",
    );
  });
});

describe("chord-failures", () => {
  const input = inputOf(chordFailuresExperiment);
  const { rows } = reproduceHere(chordFailuresExperiment, input);

  test("paths and time-outs are those of the model, with up to half of the nodes dead", () => {
    expect(left(rows)).toEqual([]);
    expect(gated(rows)).toContain("N = 1000, r = 20, 50 % failed: time-outs");
  });

  test("other lists leave the gates", () => {
    const tasks = chordFailuresExperiment.plan(input).filter(({ failed }) => failed === 0.5);
    const samples = tasks.map((task) =>
      chordFailuresExperiment.measure(task.kind === "ring" ? { ...task, successors: 4 } : task),
    );
    const half = { ...input, flags: { ...input.flags, failed: 0.5 } };
    const wrong = left(chordFailuresExperiment.report(half, tasks, samples).rows);
    expect(wrong.map(({ figure }) => figure)).toContain("failed lookups per 10,000");
  });
});

test("chord-churn: paths stay short and hardly a lookup fails while nodes join and fail", () => {
  const input = inputOf(chordChurnExperiment, { nodes: 300, rate: 0.1, seconds: 100 });
  const { rows } = reproduceHere(chordChurnExperiment, input);
  expect(left(rows)).toEqual([]);
  const failed = rows.find(({ figure }) => figure.startsWith("failed"))!;
  expect(failed.measured.mean).toBeLessThan(100);
});

test("chord-load: keys per node follow the law, with virtual nodes and without, and a join moves its share", () => {
  const input = inputOf(chordLoadExperiment, { nodes: 2000, keys: 200_000, virtual: 10, joins: 30 });
  const { rows } = reproduceHere(chordLoadExperiment, { ...input, runs: 3 });
  expect(left(rows)).toEqual([]);
  expect(gated(rows)).toContain("joins to N = 300 and more: keys moved, over K/(N+1)");
  expect(gated(rows)).toContain(
    "N = 2000, K = 200000, 10 places each: 1st percentile of keys, over the mean",
  );
});
