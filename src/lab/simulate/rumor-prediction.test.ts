import { describe, expect, test } from "vitest";
import { Moments } from "../../core/index.ts";
import { type RumorOptions, rumorOptions } from "../../dissemination/index.ts";
import { completeInput } from "./preset.ts";
import { presetNamed } from "./presets.ts";
import { predictedRumor } from "./rumor-prediction.ts";
import {
  type RoundsResult,
  type RumorResult,
  type SimulationParameters,
  type SimulationResult,
  unwatched,
} from "./run.ts";

/** What the preset `rumor` measures and predicts, over some seeds. */
async function over<Result extends SimulationResult>(
  runs: number,
  nodes: number,
  parameters: SimulationParameters,
  figureOf: (result: Result) => { measured: number; predicted: number | undefined },
) {
  const measured = new Moments();
  const predicted = new Moments();
  const preset = presetNamed("rumor");
  for (let seed = 1; measured.count < runs; seed++) {
    expect(seed).toBeLessThan(3 * runs);
    const result = (await preset.run(
      completeInput(preset, { nodes, seed, parameters }),
      unwatched,
    )) as Result;
    // Blind spreaders may all stop at once, which has a formula of its own (theory/branching.ts).
    if ("residue" in result && result.residue > 0.5) continue;
    const figure = figureOf(result);
    measured.add(figure.measured);
    predicted.add(figure.predicted!);
  }
  return { measured: measured.mean, predicted: predicted.mean };
}

/** Within so many percent of the prediction. */
function expectNear({ measured, predicted }: { measured: number; predicted: number }, percent: number): void {
  expect(Math.abs(measured / predicted - 1)).toBeLessThan(percent / 100);
}

const roundsToAll = (result: RumorResult) => ({
  measured: result.reachedRounds.p100!,
  predicted: result.predicted?.roundsToAll,
});

describe("rounds until all know it", () => {
  const links = { latency: { model: "constant", ms: 1 } } as const;

  test("are predicted for calls at random times, and twice as many when half of the messages are lost", async () => {
    const rumor = { timing: "poisson" } as const;
    const sound = await over(20, 2000, { links, rumor }, roundsToAll);
    const lossy = await over(20, 2000, { links: { ...links, loss: 0.5 }, rumor }, roundsToAll);
    // Standard errors: 2 %.
    expectNear(sound, 8);
    expectNear(lossy, 8);
    expect(lossy.predicted / sound.predicted).toBeCloseTo(2, 10);
  });

  test.each(["push", "pull", "push-pull"] as const)("of %s by Poisson calls", async (mode) => {
    expectNear(await over(20, 2000, { links, rumor: { mode, timing: "poisson" } }, roundsToAll), 8);
  });

  test.each(["push", "pull", "push-pull"] as const)(
    "of %s in synchronous rounds, up to a round and a half",
    async (mode) => {
      const parameters = { rounds: "synchronous", rumor: { mode } } as const;
      const { measured, predicted } = await over<RoundsResult>(20, 10_000, parameters, (result) => ({
        measured: result.reachedRounds.p100!,
        predicted: result.predicted?.roundsToAll,
      }));
      expect(Math.abs(measured - predicted)).toBeLessThan(2);
    },
  );
});

test.each<Partial<RumorOptions>>([
  { stop: "coin", stopAfter: 2 },
  { stop: "coin", hasFeedback: false, stopAfter: 3 },
  { stop: "counter", hasFeedback: false, stopAfter: 2 },
])("the residue and the traffic of %j", async (rumor) => {
  const parameters = { rounds: "poisson", rumor } as const;
  const residue = await over<RoundsResult>(10, 20_000, parameters, (result) => ({
    measured: result.residue,
    predicted: result.predicted?.residue,
  }));
  const copies = await over<RoundsResult>(10, 20_000, parameters, (result) => ({
    measured: result.copiesPerNode,
    predicted: result.predicted?.copiesPerNode,
  }));
  expectNear(residue, 5);
  expectNear(copies, 2);
});

test("lost copies and lost answers move the residue as the formula says", async () => {
  for (const hasFeedback of [true, false]) {
    const rumor = { stop: "coin", stopAfter: 3, hasFeedback, timing: "poisson" } as const;
    const links = { latency: { model: "constant", ms: 1 }, loss: 0.2 } as const;
    const residue = await over<RumorResult>(6, 20_000, { links, rumor }, (result) => ({
      measured: result.residue,
      predicted: result.predicted?.residue,
    }));
    expectNear(residue, 8);
  }
});

test("a counter with feedback has the traffic that belongs to its residue", async () => {
  const parameters = { rounds: "synchronous", rumor: { stop: "counter", stopAfter: 2 } } as const;
  const copies = await over<RoundsResult>(10, 5000, parameters, (result) => ({
    measured: result.copiesPerNode,
    predicted: result.predicted?.copiesPerNode,
  }));
  expectNear(copies, 2);
});

test("where there is no formula nothing is predicted", () => {
  const predicted = (rumor: Partial<RumorOptions>, more: object = {}) =>
    predictedRumor({
      ...{ nodes: 100, loss: 0, semantics: undefined, measuredResidue: 0.1, ...more },
      rumor: rumorOptions(rumor),
    });
  expect(predicted({ mode: "pull", stop: "counter" })).toBeUndefined();
  expect(predicted({ mode: "push" }, { semantics: "sequential" })).toBeUndefined();
  expect(predicted({ mode: "push", connectionLimit: 2 })).toBeUndefined();
  expect(predicted({ mode: "push" }, { loss: 1 })).toBeUndefined();
  expect(predicted({ mode: "push", stop: "counter" }, { measuredResidue: 0 })).toBeUndefined();
  expect(predicted({ mode: "push" })?.formulas.roundsToAll).toContain("H(n')");
});
