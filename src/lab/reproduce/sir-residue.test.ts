import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { sirResidueExperiment as experiment } from "./sir-residue.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: { nodes: 20_000 } };

describe("sir-residue", () => {
  const { rows, charts } = reproduceHere(experiment, input);

  test("residue, traffic and the peak of k = 1 to 5 have gates, and are within them", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    const gated = rows.filter(({ gate }) => gate !== undefined);
    expect(gated.map(({ of, figure }) => `${of} ${figure}`)).toHaveLength(5 * 4);
  });

  test("other kinds of rounds are another process, and have no gates", () => {
    const residues = (semantics: string) =>
      rows.filter(({ of }) => of.includes(semantics)).map(({ measured }) => measured.mean);
    const poisson = rows
      .filter(({ of, figure }) => !of.includes(",") && figure === "residue s")
      .map(({ measured }) => measured.mean);
    expect(residues("synchronous")).toHaveLength(5);
    for (const [i, residue] of residues("synchronous").entries()) expect(residue).toBeLessThan(poisson[i]!);
  });

  test("charts have the curve of each k, and the course of one rumor to its end", () => {
    const [phase, course] = charts;
    expect(phase!.series).toHaveLength(10);
    // k = 1 leaves a fifth: its curve ends there.
    const points = phase!.series[1]!.values.filter((value) => value !== null);
    expect(points.length).toBeGreaterThan(28);
    expect(points.length).toBeLessThan(34);
    const infected = course!.series.find(({ label }) => label === "infected")!.values;
    expect(infected.at(-1)).toBe(0);
    expect(Math.max(...(infected as number[]))).toBeGreaterThan(0.4);
  });
});

test("the wrong kind of rounds, and another k, leave the gates", () => {
  const more = { ...input, runs: 12 };
  const tasks = experiment.plan(more).filter(({ k, semantics }) => k === 2 && semantics === "poisson");
  const leftWith = (wrong: { semantics: "synchronous" } | { k: number }) => {
    const samples = tasks.map((task) => experiment.measure({ ...task, ...wrong }));
    const { rows } = experiment.report(more, tasks, samples);
    return rows.filter((row) => row.of === "k = 2" && !isWithin(row)).map(({ figure }) => figure);
  };
  expect(leftWith({ semantics: "synchronous" })).toEqual(
    expect.arrayContaining(["residue s", "distance from the equations"]),
  );
  expect(leftWith({ k: 3 })).toEqual(expect.arrayContaining(["residue s", "traffic m (copies per node)"]));
});
