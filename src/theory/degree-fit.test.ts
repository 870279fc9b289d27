import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DegreeLaw, degreeLaw, powerLaw, seedExponential, uniformDegree } from "../core/degree-law.ts";
import { UsageError } from "../core/errors.ts";
import { type DegreeLawName, fitDegrees, vuongTest } from "./degree-fit.ts";
import { geometric, logLikelihood, shiftedPoisson } from "./degree-laws.ts";

/** Uniform numbers in [0, 1) from a 32-bit linear congruential generator (Numerical Recipes, "ranqd1"). */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  const roll = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  roll();
  return roll;
}

function sample(law: DegreeLaw, size: number, seed: number): number[] {
  const roll = dice(seed);
  return Array.from({ length: size }, () => law.quantile(roll()));
}

const SEEDS = Array.from({ length: 20 }, (_, i) => 1000 + 7919 * i);
const range = { minDegree: 1, maxDegree: 999 };
const parents: Record<DegreeLawName, DegreeLaw> = {
  "power-law": powerLaw({ exponent: 2.5, ...range }),
  geometric: geometric({ ratio: 0.8, ...range }),
  "shifted-poisson": shiftedPoisson({ rate: 4, ...range }),
  "seed-exponential": seedExponential(range),
};

describe("a thousand degrees drawn from one law", () => {
  test.each(SEEDS)("of the power law are recognised as a power law (seed %i)", (seed) => {
    const fit = fitDegrees(sample(parents["power-law"], 1000, seed));
    expect(fit.best).toBe("power-law");
    expect(fit.verdict).toBe("power law");
  });

  test.each(SEEDS)("of the geometric or shifted Poisson law are recognised as such (seed %i)", (seed) => {
    for (const name of ["geometric", "shifted-poisson"] as const) {
      const fit = fitDegrees(sample(parents[name], 1000, seed));
      expect(fit.best).toBe(name);
      expect(fit.verdict).toBe("not a power law");
      expect(fit.powerLawAgainst[name].statistic).toBeLessThan(-3);
    }
  });

  test("of the seed report's formula are never a power law, and best explained without a free parameter", () => {
    const fits = SEEDS.map((seed) => fitDegrees(sample(parents["seed-exponential"], 1000, seed)));
    for (const fit of fits) {
      expect(fit.verdict).toBe("not a power law");
      expect(["seed-exponential", "geometric"]).toContain(fit.best);
      expect(fit.fits["geometric"].parameter!.value).toBeCloseTo(1.5 ** -0.1, 2);
    }
    // The geometric law contains it: by Akaike's criterion it wins by chance in about one of six samples.
    expect(fits.filter((fit) => fit.best === "seed-exponential").length).toBeGreaterThan(SEEDS.length / 2);
  });
});

describe("a fitted parameter", () => {
  const parameterOf = { "power-law": 2.5, geometric: 0.8, "shifted-poisson": 4 } as const;

  test.each(["power-law", "geometric", "shifted-poisson"] as const)(
    "of the %s lies within its standard error of the truth as often as it should",
    (name) => {
      const deviations = SEEDS.map((seed) => {
        const { value, standardError, isAtBound } = fitDegrees(sample(parents[name], 1000, seed)).fits[name]
          .parameter!;
        expect(isAtBound).toBe(false);
        return (value - parameterOf[name]) / standardError;
      });
      // Of 20 standard normal numbers: none beyond 4; the mean square is 1 +- 0.32.
      expect(Math.max(...deviations.map(Math.abs))).toBeLessThan(4);
      const meanSquare = deviations.reduce((sum, z) => sum + z * z, 0) / deviations.length;
      expect(meanSquare).toBeGreaterThan(0.3);
      expect(meanSquare).toBeLessThan(2.2);
    },
  );

  test("has a higher likelihood than its neighbors, for any degrees", () => {
    const observed = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(observed, (degrees) => {
        const { fits, minDegree, maxDegree } = fitDegrees(degrees, { maxDegree: 60 });
        const { exponent, ratio, rate } = {
          exponent: fits["power-law"].parameter!.value,
          ratio: fits["geometric"].parameter!.value,
          rate: fits["shifted-poisson"].parameter!.value,
        };
        for (const factor of [0.9, 0.999, 1.001, 1.1]) {
          const others: [DegreeLawName, DegreeLaw][] = [
            ["power-law", powerLaw({ exponent: exponent * factor, minDegree, maxDegree })],
            ["geometric", geometric({ ratio: Math.min(1, ratio * factor), minDegree, maxDegree })],
            ["shifted-poisson", shiftedPoisson({ rate: rate * factor, minDegree, maxDegree })],
          ];
          for (const [name, other] of others) {
            expect(logLikelihood(other, degrees)).toBeLessThanOrEqual(fits[name].logLikelihood + 1e-9);
          }
        }
      }),
    );
  });

  test("of the geometric law on a long support is (mean - min) / (mean - min + 1)", () => {
    const fit = fitDegrees([2, 3, 3, 8], { maxDegree: 5000 });
    expect(fit.fits["geometric"].parameter!.value).toBeCloseTo(2 / 3, 12);
  });

  test("of the shifted Poisson law on a long support is mean - min", () => {
    const fit = fitDegrees([2, 3, 3, 8], { maxDegree: 5000 });
    expect(fit.fits["shifted-poisson"].parameter!.value).toBeCloseTo(2, 12);
  });

  test("says when the likelihood rises to the end of the range", () => {
    const rising = fitDegrees([1, 5, 5, 5, 5, 5], { maxDegree: 5 });
    expect(rising.fits["power-law"].parameter).toMatchObject({ value: 0, isAtBound: true });
    expect(rising.fits["geometric"].parameter).toMatchObject({ value: 1, isAtBound: true });
  });
});

describe("a fit", () => {
  test("counts the same degrees for all laws, and one parameter for those that have one", () => {
    const degrees = sample(parents["geometric"], 200, 5);
    const fit = fitDegrees(degrees);
    for (const { law, parameter, logLikelihood: fitted, aic } of Object.values(fit.fits)) {
      expect([law.minDegree, law.maxDegree]).toEqual([fit.minDegree, fit.maxDegree]);
      expect(fitted).toBeCloseTo(logLikelihood(law, degrees), 8);
      expect(aic).toBeCloseTo(2 * (parameter === undefined ? 0 : 1) - 2 * fitted, 8);
    }
    expect(fit.meanDegree).toBeCloseTo(degrees.reduce((sum, k) => sum + k, 0) / 200, 12);
  });

  test("takes what a simple graph allows as support, from the smallest observed degree", () => {
    expect(fitDegrees([2, 3, 2, 5, 2, 2, 2, 2, 4, 2])).toMatchObject({
      minDegree: 2,
      maxDegree: 9,
      leftOut: 0,
    });
    expect(fitDegrees([0, 3, 7])).toMatchObject({ minDegree: 3, maxDegree: 7, observations: 2, leftOut: 1 });
    expect(fitDegrees([2, 3, 9], { minDegree: 3, maxDegree: 20 })).toMatchObject({
      maxDegree: 20,
      observations: 2,
    });
  });

  test("of a regular graph is undecided, and its best law is not the power law", () => {
    const fit = fitDegrees(Array.from({ length: 50 }, () => 4));
    expect(fit.verdict).toBe("undecided");
    expect(fit.best).not.toBe("power-law");
    expect(fit.powerLawAgainst["geometric"]).toMatchObject({ statistic: 0, pValue: 1 });
  });

  test("of five nodes is undecided", () => {
    expect(fitDegrees([1, 2, 1, 3, 1]).verdict).toBe("undecided");
  });

  test("does not call two values power law because the significance was set to anything goes", () => {
    expect(() => fitDegrees([1, 2], { significance: 1 })).toThrow("significance: 1");
  });

  test("refuses what it cannot fit", () => {
    expect(() => fitDegrees([])).toThrow(UsageError);
    expect(() => fitDegrees([0, 0])).toThrow("none of 2");
    expect(() => fitDegrees([1.5])).toThrow("degrees: 1.5");
    expect(() => fitDegrees([1, -2])).toThrow("degrees: -2");
    expect(() => fitDegrees([1, 2], { minDegree: 0 })).toThrow("minDegree: 0");
    expect(() => fitDegrees([1, 9], { maxDegree: 8 })).toThrow("maxDegree: 8");
  });
});

describe("Vuong's test", () => {
  /** Two laws on 1..3 whose statistic for 50 ones and 50 twos is z: the terms are t and s with mean / spread = z / 10. */
  function lawsWithStatistic(z: number): [DegreeLaw, DegreeLaw] {
    const t = 0.4;
    const s = (t * (z / 10 - 1)) / (1 + z / 10);
    const weights = [Math.exp(t), Math.exp(s), 3 - Math.exp(t) - Math.exp(s)];
    const make = (values: readonly number[]) =>
      degreeLaw({
        name: "handmade",
        minDegree: 1,
        maxDegree: 3,
        weight: (k) => values[k - 1]!,
        logWeight: (k) => Math.log(values[k - 1]!),
      });
    return [make(weights), make([1, 1, 1])];
  }
  const half = Array.from({ length: 100 }, (_, i) => 1 + (i % 2));

  test.each([
    [0.1, 0.92034432544594202],
    [0.5, 0.61707507745197387],
    [1, 0.31731050786291415],
    [1.9599639845400545, 0.05],
    [2.8, 0.0051102606608558736],
    [2.9, 0.0037316266007680768],
    [5, 5.7330314375838909e-7],
    [8, 1.2441921148543641e-15],
  ])("turns the statistic %f into the two-sided normal p-value %f", (z, p) => {
    const [first, second] = lawsWithStatistic(z);
    const result = vuongTest(half, first, second);
    expect(result.statistic).toBeCloseTo(z, 10);
    expect(Math.abs(result.pValue / p - 1)).toBeLessThan(1e-9);
  });

  test("changes its sign and nothing else when the laws change places", () => {
    const degrees = sample(parents["geometric"], 300, 99);
    const forth = vuongTest(degrees, parents["geometric"], parents["power-law"]);
    const back = vuongTest(degrees, parents["power-law"], parents["geometric"]);
    expect(forth.statistic).toBeGreaterThan(0);
    expect(back.statistic).toBeCloseTo(-forth.statistic, 10);
    expect(back.logLikelihoodRatio).toBeCloseTo(-forth.logLikelihoodRatio, 8);
    expect(back.pValue).toBeCloseTo(forth.pValue, 12);
  });

  test("cannot tell a law from itself", () => {
    const law = parents["power-law"];
    expect(vuongTest([1, 2, 3, 10], law, law)).toEqual({ logLikelihoodRatio: 0, statistic: 0, pValue: 1 });
  });

  test("refuses degrees that one of the laws makes impossible", () => {
    expect(() => vuongTest([1, 4], parents["power-law"], uniformDegree(4))).toThrow(
      "possible under both laws",
    );
    expect(() => vuongTest([4, 5], parents["power-law"], uniformDegree(4))).toThrow(
      "possible under both laws",
    );
  });
});
