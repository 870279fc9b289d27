import { expect, test } from "vitest";
import { epidemicSeries } from "./epidemic-series.ts";

const curve = [
  { round: 0, susceptible: 99, infected: 1, removed: 0 },
  { round: 2, susceptible: 51, infected: 47, removed: 2 },
];

test("what was played is drawn as far as it was played, theory as far as it has something to say", () => {
  const theory = {
    name: "a line",
    rounds: [0, 4, 100],
    susceptible: [0.8, 0.4, 0.4],
    infected: [0.2, 0, 0],
  };
  const series = epidemicSeries(100, curve, theory);
  expect(series.rounds.at(-1)).toBe(4);
  const at = (round: number) => series.rounds.indexOf(round);
  expect(series.susceptible[at(1)]).toBe(75);
  expect(series.infected[at(2)]).toBe(47);
  expect(series.removed[at(3)]).toBeNull();
  expect(series.theorySusceptible?.[at(1)]).toBeCloseTo(70, 9);
  expect(series.theoryInfected?.[at(4)]).toBe(0);
});

test("without theory there is only what was played", () => {
  expect(epidemicSeries(100, curve, undefined)).toEqual({
    rounds: [0, 2],
    susceptible: [99, 51],
    infected: [1, 47],
    removed: [0, 2],
  });
});
