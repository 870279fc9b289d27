import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DegreeLaw, powerLaw, seedExponential, uniformDegree } from "../core/degree-law.ts";
import { UsageError } from "../core/errors.ts";
import { expectedLinks, geometric, logFactorial, logLikelihood, shiftedPoisson } from "./degree-laws.ts";

const support = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 300 }))
  .map(([minDegree, width]) => ({ minDegree, maxDegree: minDegree + width }));

const comparisonLaw: fc.Arbitrary<DegreeLaw> = fc.oneof(
  fc
    .tuple(support, fc.double({ min: 0.01, max: 1, noNaN: true }))
    .map(([s, ratio]) => geometric({ ratio, ...s })),
  fc
    .tuple(support, fc.double({ min: 0.01, max: 2000, noNaN: true }))
    .map(([s, rate]) => shiftedPoisson({ rate, ...s })),
);

const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("every comparison law", () => {
  test("has probabilities that sum to 1, average to its mean and agree with their logarithms", () => {
    fc.assert(
      fc.property(comparisonLaw, (law) => {
        let total = 0;
        let mean = 0;
        for (let k = law.minDegree; k <= law.maxDegree; k++) {
          total += law.probability(k);
          mean += k * law.probability(k);
          if (law.probability(k) > 1e-300) {
            expect(law.logProbability(k)).toBeCloseTo(Math.log(law.probability(k)), 9);
          }
        }
        expect(total).toBeCloseTo(1, 12);
        expect(mean).toBeCloseTo(law.mean, 8);
      }),
    );
  });

  test("has a quantile that stays on the support and never falls", () => {
    fc.assert(
      fc.property(comparisonLaw, unit, unit, (law, a, b) => {
        const [lower, upper] = [law.quantile(Math.min(a, b)), law.quantile(Math.max(a, b))];
        expect(lower).toBeGreaterThanOrEqual(law.minDegree);
        expect(upper).toBeGreaterThanOrEqual(lower);
        expect(upper).toBeLessThanOrEqual(law.maxDegree);
      }),
    );
  });
});

test("the geometric law on a long support has the mean min + ratio / (1 - ratio)", () => {
  expect(geometric({ ratio: 0.75, minDegree: 2, maxDegree: 1000 }).mean).toBeCloseTo(2 + 3, 12);
});

test("the formula of the seed report is the geometric law with ratio 1.5^-0.1", () => {
  const range = { minDegree: 1, maxDegree: 99 };
  const [seed, same] = [seedExponential(range), geometric({ ratio: 1.5 ** -0.1, ...range })];
  for (let k = 1; k <= 99; k++) expect(seed.probability(k)).toBeCloseTo(same.probability(k), 14);
});

test("the shifted Poisson law on a long support has the mean min + rate", () => {
  expect(shiftedPoisson({ rate: 7.5, minDegree: 3, maxDegree: 1000 }).mean).toBeCloseTo(10.5, 11);
  expect(shiftedPoisson({ rate: 2000, minDegree: 3, maxDegree: 100_000 }).mean).toBeCloseTo(2003, 7);
});

test("the comparison laws refuse parameters outside their range", () => {
  const range = { minDegree: 1, maxDegree: 9 };
  for (const ratio of [0, -1, 1.01, Number.NaN])
    expect(() => geometric({ ratio, ...range })).toThrow(UsageError);
  for (const rate of [0, -1, Infinity, Number.NaN])
    expect(() => shiftedPoisson({ rate, ...range })).toThrow("rate");
});

test("a network has half as many links as its nodes have degrees", () => {
  expect(expectedLinks({ law: uniformDegree(4), nodes: 10 })).toBe(20);
  expect(expectedLinks({ law: seedExponential({ minDegree: 1, maxDegree: 49 }), nodes: 50 })).toBeCloseTo(
    434.47,
    2,
  );
  expect(() => expectedLinks({ law: uniformDegree(4), nodes: -1 })).toThrow("nodes: -1");
});

test("the log-likelihood is the sum over the observations, and -Infinity for an impossible one", () => {
  const law = powerLaw({ exponent: 2, minDegree: 1, maxDegree: 3 });
  expect(logLikelihood(law, [1, 1, 3])).toBeCloseTo(Math.log((36 / 49) ** 2 * (4 / 49)), 12);
  expect(logLikelihood(law, [1, 4])).toBe(-Infinity);
});

test("ln n! is right in the table, at its end and far beyond", () => {
  expect(logFactorial(0)).toBe(0);
  const reference = new Map([
    [5, 4.787491742782046],
    [31, 78.0922235533153],
    [32, 81.55795945611504],
    [100, 363.73937555556347],
    [1_000_000, 12_815_518.384658169],
  ]);
  for (const [n, value] of reference) expect(Math.abs(logFactorial(n) / value - 1)).toBeLessThan(1e-15);
});
