import { describe, expect, test } from "vitest";
import { isWithin, reproduceHere } from "./experiment.ts";
import { flagsOf } from "./flags.ts";
import { lifeguardExperiment as experiment } from "./lifeguard.ts";

const input = {
  seed: 1,
  runs: experiment.quickRuns,
  flags: flagsOf(experiment, { ...experiment.quickFlags }),
};

describe("lifeguard", () => {
  const { rows } = reproduceHere(experiment, input);
  const figure = (of: string, name: string) =>
    rows.find((row) => row.of === of && row.figure.startsWith(name))!.measured;

  test("every gate holds: fifty times fewer false positives, also with alpha 4, which notices sooner", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    expect(rows.filter(({ gate }) => gate !== undefined)).toHaveLength(3);
  });

  test("plain SWIM did err, and only who was slow: nobody believes a death", () => {
    expect(figure("SWIM, 1 slow", "false positives").mean).toBeGreaterThan(50);
    expect(figure("SWIM, 1 slow", "of these by healthy").mean).toBe(0);
    expect(figure("Lifeguard, 1 slow", "false positives").mean).toBe(0);
  });

  test("the modern profile notices crashes in a fraction of the time, and errs less than SWIM with the same probes", () => {
    const time = (of: string) => figure(of, "crash to first").mean;
    expect(time("modern profile, 1 slow")).toBeLessThan(0.6 * time("SWIM at our times, 1 slow"));
    expect(figure("modern profile, 1 slow", "times fewer").mean).toBeGreaterThan(5);
  });
});

test("a Lifeguard without its parts leaves the gate", () => {
  const tasks = experiment
    .plan(input)
    .filter(({ variant }) => variant === "SWIM" || variant.startsWith("Lifeguard"));
  const plain = tasks.map((task) => ({ ...task, variant: "SWIM" as const }));
  const samples = new Map(plain.map((task) => [JSON.stringify(task), undefined as any]));
  for (const key of samples.keys()) samples.set(key, experiment.measure(JSON.parse(key)));
  const { rows } = experiment.report(
    input,
    tasks,
    plain.map((task) => samples.get(JSON.stringify(task))),
  );
  const left = rows.filter((row) => !isWithin(row)).map(({ of, figure }) => `${of}: ${figure}`);
  expect(left).toContain("Lifeguard, 1 slow: times fewer than SWIM, at least");
});
