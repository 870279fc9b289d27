import { expect, test } from "vitest";
import { poissonInterval } from "./poisson-interval.ts";

// Garwood 1936, as in every table of it.
test.each([
  [0, 0, 3.689],
  [1, 0.0253, 5.572],
  [10, 4.795, 18.39],
  [100, 81.36, 121.63],
])("%i events may be %f to %f on average", (count, low, high) => {
  const interval = poissonInterval(count);
  expect(interval.low).toBeCloseTo(low, 2);
  expect(interval.high).toBeCloseTo(high, 2);
});

test("with very many it is the normal interval, and there is no step on the way", () => {
  const [below, above] = [poissonInterval(5000), poissonInterval(5001)];
  expect(above.low - below.low).toBeLessThan(3);
  expect(above.high - below.high).toBeGreaterThan(-3);
});
