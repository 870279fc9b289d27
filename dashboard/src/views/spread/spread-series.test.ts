import { expect, test } from "vitest";
import { spreadSeries } from "./spread-series.ts";

const measured = {
  afterMs: [0, 10, 20, 21, 30],
  susceptible: [9, 5, 0, 0, 0],
  infected: [1, 5, 8, 2, 0],
  removed: [0, 0, 2, 8, 10],
};
const model = {
  type: "model" as const,
  name: "",
  leavesOut: [],
  step: { ms: 5, name: "hop" },
  curve: { afterMs: [0, 8, 16], known: [1, 6, 10], isStepped: true },
};

test("measured and modelled have values at the same moments, and the states add up", () => {
  const { x, susceptible, infected, removed, model: lacking } = spreadSeries(measured, 10, model);
  expect(lacking).toHaveLength(x.length);
  x.forEach((_, i) => {
    expect(susceptible[i]! + infected[i]! + removed[i]!).toBe(10);
  });
  const at = (ms: number) => x.indexOf(ms);
  expect([susceptible[at(10)], lacking![at(8)], lacking![at(16)]]).toEqual([5, 4, 0]);
});

test("a few late receipts do not squeeze the rest into a corner", () => {
  const afterMs = Array.from({ length: 200 }, (_, i) => (i < 199 ? i : 9000));
  const late = {
    afterMs,
    susceptible: afterMs.map((_, i) => 199 - i),
    infected: afterMs.map(() => 0),
    removed: afterMs.map((_, i) => i + 1),
  };
  expect(spreadSeries(late, 200, undefined).x.at(-1)).toBeLessThan(800);
});
