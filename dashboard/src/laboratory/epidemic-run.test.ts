import { describe, expect, test } from "vitest";
import {
  type EpidemicConfig,
  type EpidemicEngine,
  EpidemicRun,
  epidemicEngines,
  orderByInfection,
} from "./epidemic-run.ts";

const always = () => true;

function played(config: Partial<EpidemicConfig> = {}): EpidemicRun {
  const run = new EpidemicRun({
    nodes: 2000,
    engine: "events",
    rumor: { mode: "push-pull" },
    loss: 0,
    seed: 1,
    ...config,
  });
  run.playTo(Number.POSITIVE_INFINITY, always);
  return run;
}

describe("an epidemic", () => {
  test.each(epidemicEngines)("reaches everybody by %s where nobody stops", (engine) => {
    const run = played({ engine });
    expect(run.isOver).toBe(true);
    expect(run.counts).toMatchObject({ susceptible: 0, infected: 2000, removed: 0 });
    expect(run.curve[0]).toEqual({ round: 0, susceptible: 1999, infected: 1, removed: 0 });
    const rounds = run.curve.map(({ round }) => round);
    expect(rounds).toEqual([...new Set(rounds)].sort((a, b) => a - b));
    expect(run.curve.every((one) => one.susceptible + one.infected + one.removed === 2000)).toBe(true);
  });

  test("leaves a residue and nobody infected where spreaders stop", () => {
    const run = played({
      rumor: { mode: "push", stop: "coin", stopAfter: 1, hasFeedback: true },
      nodes: 20_000,
    });
    const { susceptible, infected } = run.counts;
    expect(infected).toBe(0);
    // s = e^(-2(1-s)): 0.203 (Demers et al. 1987, 1.4).
    expect(susceptible / 20_000).toBeCloseTo(0.203, 1);
  });

  test("is the same for the same seed in however many pieces it is played", () => {
    const whole = played({ loss: 0.1 });
    const pieces = new EpidemicRun({ ...whole.config });
    for (let round = 0; !pieces.isOver; round += 0.1) pieces.playTo(round, always);
    expect(pieces.rumor.infectedAt).toEqual(whole.rumor.infectedAt);
    expect(pieces.traffic).toBe(whole.traffic);
    expect(played({ loss: 0.1, seed: 2 }).rumor.infectedAt).not.toEqual(whole.rumor.infectedAt);
  });

  test.each<EpidemicEngine>(["events", "synchronous"])("by %s goes no further than it is told", (engine) => {
    const run = new EpidemicRun({ nodes: 1000, engine, rumor: {}, loss: 0, seed: 1 });
    run.playTo(3, always);
    expect(run.round).toBe(3);
    run.playTo(3, always);
    expect(run.round).toBe(3);
  });

  test("refuses what makes no sense", () => {
    expect(() => played({ nodes: 1 })).toThrow("nodes: 1");
    expect(() => played({ engine: "synchronous", loss: 0.1 })).toThrow("loss");
  });
});

test("nodes are ordered by when they heard it, and those who never did come last", () => {
  expect([...orderByInfection(Int32Array.of(5, -1, 0, 5, 2))]).toEqual([2, 4, 0, 3, 1]);
});
