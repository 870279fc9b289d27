import { expect, test } from "vitest";
import { normalSurprise, normalZ } from "./normal-tail.ts";

test("is what tables of the normal law say, from the left of the mean to far beyond a double", () => {
  // From the error function of C, and at 40 from the asymptotic series with 40 digits.
  const known: [number, number][] = [
    [-3, 5.866493e-4],
    [-1, 0.07502601],
    [0, 0.30102999566],
    [1, 0.7995455],
    [1.959964, 1.60206],
    [2.326348, 2.0],
    [3.090232, 3.0],
    [4.753424, 6.0],
    [5.612001, 8.0],
    [6.361341, 10.0],
    [40, 349.437],
  ];
  for (const [z, surprise] of known)
    expect(Math.abs(normalSurprise(z) / surprise - 1), `z = ${z}`).toBeLessThan(1e-5);
});

test("the series and the continued fraction meet", () => {
  const step = normalSurprise(2.5) - normalSurprise(2.5 - 1e-9);
  expect(step).toBeGreaterThan(0);
  expect(step).toBeLessThan(3e-9);
});

test("grows with z, and the inverse finds the way back", () => {
  for (let z = -8; z < 38; z += 0.37) {
    expect(normalSurprise(z + 0.37)).toBeGreaterThan(normalSurprise(z));
    if (z > -5) expect(normalZ(normalSurprise(z))).toBeCloseTo(z, 6);
  }
});
