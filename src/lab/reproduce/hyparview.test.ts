import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { flagsOf } from "./flags.ts";
import { hyparviewExperiment as experiment, type HyParViewSample, type HyParViewTask } from "./hyparview.ts";

const inputOf = (nodes: number) => ({ seed: 1, runs: 1, flags: flagsOf(experiment, { nodes }) });

describe("hyparview, with 150 nodes", () => {
  const { rows, charts } = reproduceHere(experiment, inputOf(150));
  const reached = (of: string, after: string) =>
    rows.find((row) => row.of.startsWith(of) && row.figure.includes(`after ${after}`))!.measured.mean;

  test("every gate holds", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(9);
  });

  test("a crash of most nodes leaves pieces, and five seconds later none", () => {
    for (const share of ["80 %", "90 %"]) {
      expect(reached(share, "0 s")).toBeLessThan(0.7);
      expect(reached(share, "5 s")).toBe(1);
    }
    expect(charts[0]!.at).toEqual([0.3, 0.5, 0.7, 0.8, 0.9]);
  });

  test("the paper's figures are shown only for the paper's network", () => {
    expect(rows.find(({ figure }) => figure === "mean path")!.published).toBeUndefined();
    const { rows: large } = experiment.report(inputOf(10_000), [], []);
    expect(large.find(({ figure }) => figure === "mean path")).toMatchObject({ published: 6.385 });
  });
});

/** The report of samples that somebody has made up. */
function reportOf(sample: (task: HyParViewTask) => HyParViewSample) {
  const input = inputOf(10_000);
  const tasks = experiment.plan(input);
  return experiment.report(input, tasks, tasks.map(sample)).rows.filter((row) => !isWithin(row));
}

test("a node that stays alone, longer paths and more clusters leave their gates", () => {
  const good: HyParViewSample = {
    overlay: { degree: 4.98, clustering: 0.001, path: 6.38, lastHop: 9, parts: 1 },
    reached: [0.5, 1, 1],
    delivered: [0.9, 0.7, 0.1, 0, 0],
  };
  const cyclon = { ...good.overlay, clustering: 0.0068, path: 2.6 };
  const usual = (task: HyParViewTask) => (task.type === "cyclon" ? { ...good, overlay: cyclon } : good);
  expect(reportOf(usual)).toEqual([]);
  const alone = reportOf((task) => ({ ...usual(task), reached: [0.5, 1, 0.9985] }));
  expect(alone.map(({ of }) => of)).toEqual([
    ...["30 % crash", "50 % crash", "70 % crash", "80 % crash"],
    ...["80 % crash, with the membership's sample", "90 % crash, with the membership's sample"],
  ]);
  const other = reportOf(() => ({
    ...good,
    overlay: { degree: 4.5, clustering: 0.01, path: 7, lastHop: 12, parts: 2 },
  }));
  expect(other.map(({ figure }) => figure)).toEqual([
    ...["parts", "mean degree", "mean path", "last delivery hop", "clustering"],
    ...["mean path", "clustering"],
  ]);
});

test("a number of nodes that is none is refused by name", () => {
  expect(() => experiment.plan(inputOf(100.5))).toThrow("--nodes: 100.5 is not an integer");
});
