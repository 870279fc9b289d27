import { describe, expect, test } from "vitest";
import { isWithin } from "./experiment.ts";
import { pbbfExperiment as experiment } from "./pbbf.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };
const tasks = experiment.plan(input);
const samples = tasks.map((task) => experiment.measure(task));

describe("pbbf", () => {
  const { rows, charts } = experiment.report(input, tasks, samples);

  test("every gate holds: reach on both sides of the threshold, links, hops, energy", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    const gated = rows.filter(({ gate }) => gate !== undefined);
    const count = (figure: string) => gated.filter((row) => row.figure.startsWith(figure)).length;
    expect(count("nodes reached")).toBe(6);
    expect(count("messages over one link")).toBe(15);
    expect(count("latency of a hop")).toBe(15);
    expect(count("share of time awake")).toBe(5);
  });

  test("reach ends above the threshold of links, near that of nodes", () => {
    const critical = rows.filter(({ figure }) => figure.startsWith("1-p+pq that reaches half"));
    expect(critical).toHaveLength(3);
    for (const { measured } of critical) {
      expect(measured.mean).toBeGreaterThan(0.53);
      expect(measured.mean).toBeLessThan(0.68);
    }
  });

  test("charts have lines of theory and points of measurement for all places", () => {
    expect(charts.map(({ id }) => id)).toEqual(["pbbf-reach", "pbbf-links", "pbbf-latency", "pbbf-energy"]);
    for (const { at, series } of charts) {
      expect([...at].sort((a, b) => a - b)).toEqual(at);
      const lines = series.filter(({ style }) => style !== "points");
      expect(lines.length).toBeGreaterThan(0);
      for (const { values } of lines) expect(values.every(Number.isFinite)).toBe(true);
      const points = series.filter(({ style }) => style === "points");
      for (let i = 0; i < at.length; i++) expect(points.some(({ values }) => values[i] !== null)).toBe(true);
    }
  });
});

test.each([
  ["stays awake less", "idle", { q: 0.4 }, "share of time awake"],
  ["sends at once more often", "pairs", { p: 0.6 }, "messages over one link"],
  ["never sends at once", "grid", { p: 0 }, "nodes reached"],
])("a node that %s leaves the gates", (_, kind, wrong, figure) => {
  const others = tasks.map((task, i) => {
    const isWrong =
      task.kind === kind && task.kind !== "percolation" && task.q === (kind === "grid" ? 0.25 : 0.5);
    return isWrong ? experiment.measure({ ...task, ...wrong }) : samples[i]!;
  });
  const left = experiment.report(input, tasks, others).rows.filter((row) => !isWithin(row));
  expect(left.length).toBeGreaterThan(0);
  expect(left.map((row) => row.figure)).toContain(figure);
});
