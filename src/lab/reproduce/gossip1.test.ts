import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { gossip1Experiment as experiment } from "./gossip1.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };

describe("gossip1", () => {
  const { rows, charts } = reproduceHere(experiment, input);
  const mean = (of: string, figure: string) =>
    rows.find((row) => row.of === of && row.figure === figure)!.measured.mean;

  test("every gate holds, and there are three for each of the twelve settings of the table", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(36);
  });

  test("percolation tells how far a message gets where k is 0", () => {
    for (const network of ["20 x 50 grid", "100 x 100 grid"]) {
      const row = rows.find(
        ({ of, figure }) => of === `${network}, GOSSIP1(.65, 0)` && figure === "nodes reached",
      )!;
      expect(Math.abs(row.theory! - row.published!)).toBeLessThan(0.03);
    }
  });

  test("GOSSIP3 reaches more than GOSSIP1(.75, 4) with fewer transmissions", () => {
    for (const network of ["geometric", "20 x 50 grid"]) {
      const [one, three] = [`${network}, GOSSIP1(.75, 4)`, `${network}, GOSSIP3(.65, 4, 1)`];
      expect(mean(three, "nodes reached")).toBeGreaterThan(mean(one, "nodes reached"));
      expect(mean(three, "transmissions per node")).toBeLessThan(mean(one, "transmissions per node"));
    }
  });

  test("on the large grid GOSSIP1(.65, 4) saves the 35 % of the paper", () => {
    const saved = mean("100 x 100 grid, GOSSIP1(.65, 4)", "fewer transmissions than the flood");
    expect(saved).toBeGreaterThan(0.34);
    expect(saved).toBeLessThan(0.36);
  });

  test("charts have a point for each p that was measured, and their places ascend", () => {
    for (const { at } of charts) expect([...at].sort((a, b) => a - b)).toEqual(at);
    const points = (label: string) =>
      charts.flatMap(({ series }) => series.filter((one) => one.label === label))[0]!.values;
    expect(points("20 x 50 grid: measured").every((value) => value !== null)).toBe(true);
    expect(points("GOSSIP1(p, 4)").filter((value) => value !== null)).toHaveLength(10);
    expect(points("GOSSIP3(.65, 4, 1)").filter((value) => value !== null)).toHaveLength(1);
  });
});

test.each([
  ["that forgets the sure hops", { sureHops: 0 }, "runs reaching 90 %"],
  ["that forwards a little more", { probability: 0.69 }, "transmissions per node"],
  ["in which who was silent speaks in the end", { minCopies: 1 }, "nodes reached"],
])("a rule %s leaves the gates", (_, wrong, figure) => {
  const more = { ...input, runs: 2000 };
  const name = "(.65, 4)";
  const tasks = experiment.plan(more).filter((task) => task.network === "grid" && task.name === name);
  const samples = tasks.map((task) => experiment.measure({ ...task, rule: { ...task.rule, ...wrong } }));
  const left = experiment
    .report(more, tasks, samples)
    .rows.filter((row) => row.of === `20 x 50 grid, GOSSIP1${name}` && !isWithin(row));
  expect(left.map((row) => row.figure)).toContain(figure);
});
