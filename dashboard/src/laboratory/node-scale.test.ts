import { expect, test } from "vitest";
import { nodesAt, placeOf } from "./node-scale.ts";

test("places of the slider are round numbers, and come back to themselves", () => {
  expect([200, 250, 300, 430, 600].map(nodesAt)).toEqual([100, 320, 1000, 20_000, 1_000_000]);
  for (let place = 200; place <= 600; place += 5)
    expect(Math.abs(placeOf(nodesAt(place)) - place)).toBeLessThan(3);
});
