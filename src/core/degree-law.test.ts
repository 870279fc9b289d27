import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type DegreeLaw,
  degreeLaw,
  MAX_DEGREE,
  powerLaw,
  seedExponential,
  seedFormula,
  uniformDegree,
} from "./degree-law.ts";
import { log, pow } from "./deterministic-math.ts";
import { UsageError } from "./errors.ts";

const support = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 300 }))
  .map(([minDegree, width]) => ({ minDegree, maxDegree: minDegree + width }));

const anyLaw: fc.Arbitrary<DegreeLaw> = fc.oneof(
  fc
    .tuple(support, fc.double({ min: 0, max: 6, noNaN: true }))
    .map(([range, exponent]) => powerLaw({ exponent, ...range })),
  support.map((range) => seedExponential(range)),
  fc.integer({ min: 0, max: 300 }).map(uniformDegree),
);

const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function degreesOf(law: DegreeLaw): number[] {
  return Array.from({ length: law.maxDegree - law.minDegree + 1 }, (_, i) => law.minDegree + i);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

describe("every degree law", () => {
  test("has probabilities that sum to 1 and a mean that is their average degree", () => {
    fc.assert(
      fc.property(anyLaw, (law) => {
        const degrees = degreesOf(law);
        expect(sum(degrees.map((k) => law.probability(k)))).toBeCloseTo(1, 12);
        expect(sum(degrees.map((k) => k * law.probability(k)))).toBeCloseTo(law.mean, 9);
      }),
    );
  });

  test("gives the logarithm of its probabilities", () => {
    fc.assert(
      fc.property(anyLaw, (law) => {
        for (const k of degreesOf(law)) {
          expect(law.logProbability(k)).toBeCloseTo(Math.log(law.probability(k)), 10);
        }
      }),
    );
  });

  test("knows nothing outside its support or between integers", () => {
    fc.assert(
      fc.property(anyLaw, (law) => {
        for (const k of [law.minDegree - 1, law.maxDegree + 1, law.minDegree + 0.5, Number.NaN]) {
          expect(law.probability(k)).toBe(0);
          expect(law.logProbability(k)).toBe(-Infinity);
        }
      }),
    );
  });

  test("has a quantile that is the smallest degree with more than u of the probability at or below it", () => {
    fc.assert(
      fc.property(anyLaw, unit, (law, u) => {
        const k = law.quantile(u);
        const below = sum(
          degreesOf(law)
            .filter((j) => j < k)
            .map((j) => law.probability(j)),
        );
        expect(below).toBeLessThanOrEqual(u + 1e-12);
        expect(below + law.probability(k)).toBeGreaterThan(u - 1e-12);
      }),
    );
  });

  test("has a quantile that never falls and stays on the support, also beside 0 and 1", () => {
    fc.assert(
      fc.property(anyLaw, unit, unit, (law, a, b) => {
        const draws = [0, Math.min(a, b), Math.max(a, b), 1 - 2 ** -53].map((u) => law.quantile(u));
        expect(draws).toEqual([...draws].sort((x, y) => x - y));
        expect(draws[0]).toBe(law.minDegree);
        expect(draws.at(-1)).toBeLessThanOrEqual(law.maxDegree);
      }),
    );
  });

  test("refuses a u that is no fraction and a support that is none", () => {
    const law = uniformDegree(3);
    for (const u of [-0.1, 1, Number.NaN]) expect(() => law.quantile(u)).toThrow(UsageError);
    expect(() => seedExponential({ minDegree: 5, maxDegree: 4 })).toThrow("maxDegree: 4");
    expect(() => seedExponential({ minDegree: -1, maxDegree: 4 })).toThrow("minDegree: -1");
    expect(() => seedExponential({ minDegree: 1.5, maxDegree: 4 })).toThrow("minDegree: 1.5");
    expect(() => seedExponential({ minDegree: 1, maxDegree: MAX_DEGREE + 1 })).toThrow(`${MAX_DEGREE + 1}`);
    expect(() => uniformDegree(Infinity)).toThrow(UsageError);
  });

  test("answers the same whether its table was made at once or grew with the network", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 4, noNaN: true }),
        fc.array(fc.integer({ min: 2, max: 500 }), { minLength: 1, maxLength: 5 }),
        unit,
        (exponent, sizes, u) => {
          for (const maxDegree of sizes) {
            const shared = powerLaw({ exponent, minDegree: 1, maxDegree });
            const fresh = degreeLaw({
              name: "made at once",
              minDegree: 1,
              maxDegree,
              weight: (k) => pow(k, -exponent),
              logWeight: (k) => -exponent * log(k),
            });
            expect(shared.quantile(u)).toBe(fresh.quantile(u));
            expect(shared.mean).toBe(fresh.mean);
          }
        },
      ),
    );
  });
});

describe("the power law", () => {
  test("is a straight line of slope -exponent on doubly logarithmic paper", () => {
    fc.assert(
      fc.property(support, fc.double({ min: 0, max: 6, noNaN: true }), (range, exponent) => {
        const law = powerLaw({ exponent, ...range });
        const fall = law.logProbability(range.maxDegree) - law.logProbability(range.minDegree);
        expect(fall).toBeCloseTo(-exponent * Math.log(range.maxDegree / range.minDegree), 9);
      }),
    );
  });

  test("with exponent 2.5 makes degree 1 316 times as likely as degree 10", () => {
    const law = powerLaw({ exponent: 2.5, minDegree: 1, maxDegree: 99 });
    expect(law.probability(1) / law.probability(10)).toBeCloseTo(10 ** 2.5, 9);
  });

  test("approaches the zeta distribution on a long support", () => {
    const law = powerLaw({ exponent: 2, minDegree: 1, maxDegree: MAX_DEGREE });
    expect(law.probability(1)).toBeCloseTo(6 / Math.PI ** 2, 5);
  });

  test("keeps its tail in the mean even where single tail terms are tiny", () => {
    const [exponent, maxDegree] = [2.5, MAX_DEGREE];
    let weights = 0;
    let moment = 0;
    for (let k = maxDegree; k >= 1; k--) {
      weights += k ** -exponent;
      moment += k ** (1 - exponent);
    }
    expect(powerLaw({ exponent, minDegree: 1, maxDegree }).mean).toBeCloseTo(moment / weights, 10);
  });

  test("with exponent 0 has equal probabilities", () => {
    const law = powerLaw({ exponent: 0, minDegree: 3, maxDegree: 6 });
    expect([3, 4, 5, 6].map((k) => law.probability(k))).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  test("survives an exponent so steep that everyone has the smallest degree", () => {
    const law = powerLaw({ exponent: 5000, minDegree: 50, maxDegree: 1000 });
    expect(law.mean).toBe(50);
    expect(law.quantile(1 - 2 ** -53)).toBe(50);
    expect(law.logProbability(1000)).toBeCloseTo(-5000 * Math.log(20), 6);
  });

  test("refuses degree 0 and exponents that are negative or no number", () => {
    expect(() => powerLaw({ exponent: 2, minDegree: 0, maxDegree: 9 })).toThrow("minDegree: 0");
    expect(() => powerLaw({ exponent: -1, minDegree: 1, maxDegree: 9 })).toThrow("exponent: -1");
    expect(() => powerLaw({ exponent: Number.NaN, minDegree: 1, maxDegree: 9 })).toThrow(UsageError);
  });
});

describe("the formula of the seed report", () => {
  const everyDegree = Array.from({ length: 3000 }, (_, k) => seedFormula(k));

  test("is no probability: it sums to 966.7 from degree 1 on and to 1006.7 from degree 0 on", () => {
    expect(sum(everyDegree.slice(1))).toBeCloseTo(966.6565, 4);
    expect(sum(everyDegree)).toBeCloseTo(1006.6565, 4);
  });

  test("made into a probability has a mean degree of 25.2 on an unlimited support", () => {
    expect(seedExponential({ minDegree: 1, maxDegree: MAX_DEGREE }).mean).toBeCloseTo(25.1664, 4);
  });

  test.each([
    [12, 5.6],
    [50, 17.4],
    [100, 23.35],
  ])("gives %i peers, each with 1 to n - 1 neighbors, a mean degree near %f", (peers, mean) => {
    expect(Math.abs(seedExponential({ minDegree: 1, maxDegree: peers - 1 }).mean - mean)).toBeLessThan(0.03);
  });

  test("makes degree 1 only 1.44 times as likely as degree 10", () => {
    const law = seedExponential({ minDegree: 1, maxDegree: 99 });
    expect(law.probability(1) / law.probability(10)).toBeCloseTo(1.4404, 4);
  });

  test("is exponential and not a power law: ln P falls by the same step everywhere", () => {
    const law = seedExponential({ minDegree: 1, maxDegree: 400 });
    for (let k = 1; k < 400; k++) {
      expect(law.logProbability(k + 1) - law.logProbability(k)).toBeCloseTo(-Math.log(1.5) / 10, 12);
    }
  });
});

test("a uniform law gives everyone the same degree", () => {
  const law = uniformDegree(4);
  expect([law.mean, law.probability(4), law.quantile(0), law.quantile(0.999)]).toEqual([4, 1, 4, 4]);
});

test("the drawn degrees are the same on every engine", () => {
  const law = powerLaw({ exponent: 2.5, minDegree: 2, maxDegree: 9999 });
  let checksum = 0;
  for (let i = 0; i < 50_000; i++) checksum = (checksum * 31 + law.quantile(i / 50_000)) % 1_000_000_007;
  expect(checksum).toBe(663_974_921);
});
