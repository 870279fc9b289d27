import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import {
  blindChainReach,
  blindCoinResidue,
  connectionLimitGain,
  finalResidue,
  infectAndDieResidue,
  residueOfLimitedTraffic,
  residueOfTraffic,
  sirResidue,
  trafficOfCopies,
  trafficOfResidue,
} from "./residues.ts";

describe("the final residue", () => {
  test("solves s = e^(-R(1-s)), is the smaller solution, and falls with R", () => {
    fc.assert(
      fc.property(fc.double({ min: 1.000001, max: 300, noNaN: true }), (copies) => {
        const s = finalResidue(copies);
        expect(Math.abs(s - Math.exp(-copies * (1 - s)))).toBeLessThan(1e-12 * s + 1e-13 / copies);
        // The other solution is 1; the curve of e^(-R(1-s)) crosses the line from above at the smaller one only.
        expect(copies * s).toBeLessThan(1);
        expect(finalResidue(copies * 1.01)).toBeLessThan(s);
      }),
    );
  });

  test("is everybody up to one copy each", () => {
    for (const copies of [0, 0.5, 1]) expect(finalResidue(copies)).toBe(1);
  });
});

test.each([
  [1, 0.203188],
  [2, 0.0595202],
  [3, 0.0198274],
  [4, 0.00697715],
  [5, 0.00251646],
  [6, 9.178e-4],
  [7, 3.364e-4],
  [8, 1.235e-4],
])("with feedback and a coin of 1/%i the residue is %f", (k, residue) => {
  expect(sirResidue({ k }) / residue).toBeCloseTo(1, 3);
});

test("document 000's bounds hold: 0.02 for k = 3, 0.007 for k = 4", () => {
  expect(sirResidue({ k: 3 })).toBeLessThanOrEqual(0.02);
  expect(sirResidue({ k: 4 })).toBeLessThanOrEqual(0.007);
});

test("infect and die delivers 0.797, 0.940 and 0.980 for fan-outs of 2, 3 and 4", () => {
  for (const [fanout, delivered] of [
    [2, 0.797],
    [3, 0.94],
    [4, 0.98],
  ] as const)
    expect(1 - infectAndDieResidue({ fanout })).toBeCloseTo(delivered, 3);
});

test("a blind coin is worth one copy less than one with feedback", () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 20, noNaN: true }), (k) => {
      expect(blindCoinResidue({ k: k + 1 })).toBe(sirResidue({ k }));
    }),
  );
  // Table 2 of Demers et al. 1987 has 0.20, 0.060, 0.021 for k = 2, 3, 4.
  expect(blindCoinResidue({ k: 2 })).toBeCloseTo(0.2, 2);
  expect(blindCoinResidue({ k: 3 })).toBeCloseTo(0.06, 3);
  expect(blindCoinResidue({ k: 4 })).toBeCloseTo(0.02, 3);
});

describe("a blind chain", () => {
  test("reaches 40 of 1000, the 0.96 of table 2, and about sqrt(pi n / 2) of many", () => {
    expect(1 - blindChainReach({ n: 1000 }) / 1000).toBeCloseTo(0.96, 3);
    for (const n of [1e4, 1e6]) {
      const ratio = blindChainReach({ n }) / Math.sqrt((Math.PI * n) / 2);
      expect(Math.abs(ratio - 1)).toBeLessThan(1 / Math.sqrt(n));
    }
  });

  test("reaches both of two, and 2.5 of three", () => {
    expect(blindChainReach({ n: 2 })).toBe(2);
    // The second one calls the first or the third with equal probability.
    expect(blindChainReach({ n: 3 })).toBe(2.5);
  });
});

describe("the law of push traffic", () => {
  test("s = e^-m and m = -ln s are inverses", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 300, noNaN: true }), (m) => {
        expect(trafficOfResidue(residueOfTraffic(m))).toBeCloseTo(m, 9);
      }),
    );
  });

  test("holds of every final residue: m = (1-s) R copies leave s", () => {
    fc.assert(
      fc.property(fc.double({ min: 1.001, max: 50, noNaN: true }), (copies) => {
        const residue = finalResidue(copies);
        const m = trafficOfCopies({ copies, residue });
        expect(residueOfTraffic(m) / residue).toBeCloseTo(1, 9);
      }),
    );
  });

  test("a limit of one connection makes a copy worth 1.582", () => {
    expect(connectionLimitGain).toBeCloseTo(1.582, 3);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 50, noNaN: true }), (m) => {
        expect(residueOfLimitedTraffic(m)).toBeCloseTo(residueOfTraffic(1.5819767 * m), 7);
      }),
    );
  });
});

test.each([
  () => finalResidue(-1),
  () => sirResidue({ k: 0.5 }),
  () => blindCoinResidue({ k: 0 }),
  () => infectAndDieResidue({ fanout: -1 }),
  () => blindChainReach({ n: 1 }),
  () => residueOfTraffic(-1),
  () => trafficOfResidue(0),
  () => trafficOfResidue(1.1),
  () => residueOfLimitedTraffic(Number.NaN),
  () => trafficOfCopies({ copies: 1, residue: 2 }),
])("outside its range a formula is refused (%#)", (call) => {
  expect(call).toThrow(UsageError);
});
