import { describe, expect, test } from "vitest";
import { type EpidemicConfig, EpidemicRun } from "./epidemic-run.ts";
import { epidemicVerdict, roundsTo, theoryOf } from "./epidemic-theory.ts";

const config = (change: Partial<EpidemicConfig>): EpidemicConfig => ({
  nodes: 20_000,
  engine: "events",
  rumor: { mode: "push-pull" },
  loss: 0,
  seed: 1,
  ...change,
});

describe("theory beside an epidemic", () => {
  test.each<Partial<EpidemicConfig>>([
    {},
    { rumor: { mode: "push" } },
    { rumor: { mode: "pull" } },
    { rumor: { mode: "push", fanout: 3 } },
    { loss: 0.2, rumor: { mode: "push" } },
    { engine: "synchronous" },
    { engine: "synchronous", rumor: { mode: "push", fanout: 2 } },
    { engine: "poisson" },
    { engine: "poisson", rumor: { mode: "push", stop: "coin", stopAfter: 2 } },
    { rumor: { mode: "push", stop: "coin", stopAfter: 2 } },
    { rumor: { mode: "push", stop: "counter", stopAfter: 2, hasFeedback: false } },
    { rumor: { mode: "push-pull", stop: "counter", stopAfter: 1 } },
  ])("agrees with %j", (change) => {
    const run = new EpidemicRun(config(change));
    run.playTo(Number.POSITIVE_INFINITY, () => true);
    const theory = theoryOf(run.config)!;
    const isEndless = run.rumor.options.stop === "never";
    expect(epidemicVerdict(20_000, run.curve, theory, isEndless)?.text).toMatch(/^Agrees/);
  });

  test("differs where the rules are others", () => {
    const run = new EpidemicRun(config({ rumor: { mode: "push" } }));
    run.playTo(Number.POSITIVE_INFINITY, () => true);
    const other = theoryOf(config({ rumor: { mode: "push", fanout: 3 } }))!;
    expect(epidemicVerdict(20_000, run.curve, other, true)?.agrees).toBe(false);
  });

  test("is silent where there is no formula", () => {
    expect(theoryOf(config({ engine: "sequential" }))).toBeUndefined();
    expect(theoryOf(config({ loss: 0.1, rumor: { stop: "coin", mode: "push" } }))).toBeUndefined();
  });
});

test("a share is reached between two points of a curve", () => {
  expect(roundsTo(0.5, [0, 1, 2], [1, 0.75, 0.25])).toBe(1.5);
  expect(roundsTo(0.9, [0, 1, 2], [1, 0.75, 0.25])).toBeUndefined();
});
