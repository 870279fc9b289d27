import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import {
  binomialOffspring,
  coinOffspring,
  extinctionAmong,
  extinctionProbability,
  type Offspring,
  poissonOffspring,
} from "./branching.ts";
import { finalResidue } from "./residues.ts";

const share = fc.double({ min: 0, max: 1, noNaN: true });
const offspring: fc.Arbitrary<Offspring> = fc.oneof(
  fc.double({ min: 0, max: 20, noNaN: true }).map(poissonOffspring),
  fc.record({ copies: fc.integer({ min: 0, max: 20 }), arrival: share }).map(binomialOffspring),
  fc.record({ k: fc.double({ min: 1, max: 20, noNaN: true }), arrival: share }).map(coinOffspring),
);

describe("every offspring", () => {
  test("has a generating function: 1 at 1, the mean as its slope there, and a derivative that is one", () => {
    fc.assert(
      fc.property(offspring, share, (one, q) => {
        expect(one.generating(1)).toBeCloseTo(1, 12);
        expect(one.derivative(1)).toBeCloseTo(one.mean, 8);
        const at = 0.001 + 0.998 * q;
        const slope = (one.generating(at + 1e-6) - one.generating(at - 1e-6)) / 2e-6;
        expect(one.derivative(at)).toBeCloseTo(slope, 3);
      }),
    );
  });

  test("dies out with a fixed point, with the smallest one, and surely only if one child or less is expected", () => {
    fc.assert(
      fc.property(offspring, share, (one, lower) => {
        const q = extinctionProbability(one);
        expect(one.generating(q)).toBeCloseTo(q, 10);
        if (one.mean > 1.001) expect(q).toBeLessThan(1);
        if (one.mean < 0.999) expect(q).toBe(1);
        // G is above the diagonal until its first fixed point.
        if (lower * q < q - 1e-6) expect(one.generating(lower * q)).toBeGreaterThan(lower * q);
      }),
    );
  });
});

test("Poisson offspring dies out with the residue of as many copies: both equations are one", () => {
  fc.assert(
    fc.property(fc.double({ min: 1.01, max: 50, noNaN: true }), (mean) => {
      expect(extinctionProbability(poissonOffspring(mean))).toBeCloseTo(finalResidue(mean), 12);
    }),
  );
});

test("two copies of which half arrive die out, three seldom, and one that surely arrives never", () => {
  expect(extinctionProbability(binomialOffspring({ copies: 2, arrival: 0.5 }))).toBe(1);
  // q = (1+q)^3/8 has the roots 1 and sqrt(5) - 2.
  expect(extinctionProbability(binomialOffspring({ copies: 3, arrival: 0.5 }))).toBeCloseTo(
    Math.sqrt(5) - 2,
    14,
  );
  expect(extinctionProbability(binomialOffspring({ copies: 1, arrival: 1 }))).toBe(0);
});

test("a coin dies out with (1-a)/(a(k-1)), which makes it riskier than a counter of the same mean", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 12 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (k, arrival) => {
        fc.pre(k * arrival > 1.01);
        const coin = extinctionProbability(coinOffspring({ k, arrival }));
        expect(coin).toBeCloseTo((1 - arrival) / (arrival * (k - 1)), 9);
        expect(coin).toBeGreaterThanOrEqual(
          extinctionProbability(binomialOffspring({ copies: k, arrival })) - 1e-12,
        );
      },
    ),
  );
});

test("once a few know it, it does not die out: 3 copies and half of them lost, 10 spreaders, 6 in ten million", () => {
  const extinction = extinctionProbability(binomialOffspring({ copies: 3, arrival: 0.5 }));
  expect(extinctionAmong({ extinction, spreaders: 10 })).toBeCloseTo((Math.sqrt(5) - 2) ** 10, 15);
  expect(extinctionAmong({ extinction, spreaders: 0 })).toBe(1);
});

test.each([
  () => poissonOffspring(-1),
  () => binomialOffspring({ copies: 1.5, arrival: 1 }),
  () => binomialOffspring({ copies: 1, arrival: 2 }),
  () => coinOffspring({ k: 0.5, arrival: 1 }),
  () => coinOffspring({ k: 2, arrival: -1 }),
  () => extinctionAmong({ extinction: 2, spreaders: 1 }),
  () => extinctionAmong({ extinction: 0.5, spreaders: 0.5 }),
])("outside its range a formula is refused (%#)", (call) => {
  expect(call).toThrow(UsageError);
});
