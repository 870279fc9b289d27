import { describe, expect, test } from "vitest";
import { demers1987Experiment as experiment } from "./demers-1987.ts";
import { isWithin, type Reproduction, reproduceHere } from "./experiment.ts";
import { flagsOf, type GivenFlags } from "./flags.ts";

const inputOf = (given: GivenFlags = {}, runs = experiment.quickRuns) => ({
  ...{ seed: 1, runs, flags: flagsOf(experiment, given) },
});
const run = (given: GivenFlags, runs?: number) => reproduceHere(experiment, inputOf(given, runs));

/** The means of a figure, by k. */
const meansOf = ({ rows }: Reproduction, figure: string, table = "") =>
  rows
    .filter((row) => row.figure.startsWith(figure) && row.of.startsWith(table))
    .map(({ measured }) => measured.mean);

describe("tables 1 and 2", () => {
  const { rows, charts } = run({});

  test("every s, m and t_last of k = 1 to 5 has a gate, and is within it", () => {
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(2 * 5 * 3);
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    for (const { figure, gate, published } of rows) {
      expect(published).toBeDefined();
      expect(gate === undefined).toBe(figure.startsWith("t_ave"));
    }
  });

  test("theory has the residue of the measured traffic, or of the rule", () => {
    const withTheory = rows.filter(({ theory }) => theory !== undefined);
    expect(withTheory).toHaveLength(10);
    for (const { theory, measured } of withTheory) {
      // 100 runs: up to a tenth of the smallest residue.
      expect(Math.abs(measured.mean / theory! - 1)).toBeLessThan(0.25);
    }
  });

  test("charts show what was published, theory and measurements of both", () => {
    const [residue, delay] = charts;
    expect(residue!.series.map(({ values }) => values.filter((value) => value !== null).length)).toEqual(
      new Array(6).fill(5),
    );
    expect(delay!.series).toHaveLength(4);
  });
});

test.each([
  ["table 1", { hasFeedback: false }],
  ["table 1", { stop: "coin" as const }],
  ["table 2", { hasFeedback: true }],
])("%s leaves its gates under another rule, %j", (table, wrong) => {
  const input = inputOf({}, 50);
  const tasks = experiment.plan(input);
  const samples = tasks.map((task) =>
    experiment.measure({ ...task, variant: { ...task.variant, ...wrong } }),
  );
  const { rows } = experiment.report(input, tasks, samples);
  const left = rows.filter((row) => row.of.startsWith(table) && !isWithin(row));
  expect(left.length).toBeGreaterThan(5);
});

test("table 3 comes out of the same engine with --direction pull --stop counter --feedback", () => {
  const result = run({ direction: "pull", stop: "counter", feedback: true, k: "1..3" }, 400);
  const near = (figure: string, published: readonly number[], within: number) => {
    for (const [i, mean] of meansOf(result, figure, "table 3").entries())
      expect(Math.abs(mean - published[i]!)).toBeLessThan(within);
  };
  near("traffic", [2.7, 4.5, 6.1], 0.05);
  near("t_last", [17.6, 15.4, 14.0], 0.4);
  near("t_ave", [9.97, 10.07, 10.08], 0.4);
  const residues = meansOf(result, "residue");
  expect(Math.abs(residues[0]! - 0.031)).toBeLessThan(0.003);
  expect(Math.abs(residues[1]! - 5.8e-4)).toBeLessThan(3e-4);
  expect(residues[2]!).toBeLessThan(1e-4);
  expect(result.rows.some(({ gate }) => gate !== undefined)).toBe(false);
  expect(result.notes.join()).toContain("from memory");
});

describe("the other combinations", () => {
  test("a connection limit of one makes push cheaper for its residue, and pull worse", () => {
    const given = { stop: "counter", k: "2" };
    const ratio = (more: GivenFlags) => {
      const result = run({ ...given, ...more }, 200);
      const [[residue], [traffic]] = [meansOf(result, "residue"), meansOf(result, "traffic")];
      return { residue: residue!, gain: -Math.log(residue!) / traffic! };
    };
    const [push, limited] = [ratio({}), ratio({ "connection-limit": 1 })];
    expect(push.gain).toBeGreaterThan(0.98);
    expect(push.gain).toBeLessThan(1.02);
    expect(limited.gain).toBeGreaterThan(1.1);
    const [pull, limitedPull, hunting] = [
      ratio({ direction: "pull" }),
      ratio({ direction: "pull", "connection-limit": 1 }),
      ratio({ direction: "pull", "connection-limit": 1, "hunt-limit": 4 }),
    ];
    expect(limitedPull.residue).toBeGreaterThan(3 * pull.residue);
    expect(hunting.residue).toBeLessThan(limitedPull.residue);
  });

  test("minimisation makes push-pull spread longer, but for k = 1, where all counters are equal", () => {
    const given = { direction: "push-pull", stop: "counter", k: "1..2" };
    const traffic = (minimise: boolean) => meansOf(run({ ...given, minimise }, 100), "traffic");
    const [plain, minimised] = [traffic(false), traffic(true)];
    expect(minimised[0]).toBe(plain[0]);
    expect(minimised[1]! - plain[1]!).toBeGreaterThan(0.1);
  });

  test("with unlimited hunting every site calls one and is called by one, and push and pull are the same", () => {
    const figures = ["residue", "traffic", "t_last", "t_ave"];
    const [push, pull] = ["push", "pull"].map((direction) => {
      const limits = { "connection-limit": 1, "hunt-limit": 1000 };
      const result = run({ direction, ...limits, stop: "counter", k: "1" }, 100);
      return figures.map((figure) => meansOf(result, figure)[0]!);
    });
    for (const i of figures.keys()) expect(Math.abs(push![i]! / pull![i]! - 1)).toBeLessThan(0.05);
  });

  test("each names itself, without a table where there is none", () => {
    const names = (given: GivenFlags) => [...new Set(run({ k: "2", ...given }, 2).rows.map(({ of }) => of))];
    expect(names({ blind: true })).toEqual(["table 2, push, blind, coin, k = 2"]);
    expect(names({ stop: "coin", feedback: false, direction: "push-pull" })).toEqual([
      "push-pull, blind, coin, k = 2",
    ]);
    expect(names({ nodes: 500, "connection-limit": 1, "hunt-limit": 3, stop: "coin" })).toEqual([
      "push, feedback, coin, connection limit 1, hunt limit 3, k = 2",
    ]);
  });

  test("what cannot be is refused before anything runs", () => {
    const plan = (given: GivenFlags) => () => experiment.plan(inputOf(given));
    expect(plan({ k: "5..1" })).toThrow('--k: "5..1" is no k from 1 to 100; write 2, or 1..5');
    expect(plan({ minimise: true })).toThrow("isMinimised: true is for push-pull");
    expect(plan({ "hunt-limit": 3 })).toThrow("huntLimit: 3 means nothing without a connectionLimit");
  });
});
