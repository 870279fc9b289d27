import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import { sirResidue } from "./residues.ts";
import { sirConstant, sirConstantOf, sirInfectedAt, sirPeak, sirRates, solveSir } from "./sir.ts";

const interest = fc.double({ min: 1, max: 12, noNaN: true });

describe("the solution of both equations", () => {
  test("keeps the constant C, and its shares add up to 1", () => {
    fc.assert(
      fc.property(interest, fc.double({ min: 1e-6, max: 0.5, noNaN: true }), (k, i) => {
        const curve = solveSir({ k, i, until: 60 });
        const constant = sirConstantOf({ k, s: 1 - i, i });
        for (let step = 0; step < curve.t.length; step += 50) {
          const [s, infected, r] = [curve.s[step]!, curve.i[step]!, curve.r[step]!];
          expect(s + infected + r).toBeCloseTo(1, 12);
          expect(r).toBeGreaterThanOrEqual(-1e-12);
          expect(sirConstantOf({ k, s, i: Math.max(0, infected) })).toBeCloseTo(constant, 7);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("ends in the residue of Lambert's W, and its peak is where di/dt = 0", () => {
    for (const k of [1, 2, 3, 4, 8]) {
      const curve = solveSir({ k, i: 1e-6, until: 200 });
      expect(curve.s.at(-1)! / sirResidue({ k })).toBeCloseTo(1, 5);
      const top = Math.max(...curve.i);
      const { s, i } = sirPeak({ k });
      expect(top).toBeCloseTo(i, 4);
      expect(curve.s[curve.i.indexOf(top)]).toBeCloseTo(s, 1);
    }
  });

  test("has an error of the fourth order: half the step, a sixteenth of it", () => {
    const last = (step: number) => solveSir({ k: 2, i: 0.01, until: 12, step }).s.at(-1)!;
    const exact = last(0.005);
    const ratio = (last(0.4) - exact) / (last(0.2) - exact);
    expect(ratio).toBeGreaterThan(12);
    expect(ratio).toBeLessThan(20);
  });

  test("is the same, bit for bit, whenever it is computed", () => {
    expect(solveSir({ k: 3, i: 1e-3, until: 50 })).toEqual(solveSir({ k: 3, i: 1e-3, until: 50 }));
  });
});

test("the rates are those of document 000", () => {
  const { s, i } = sirRates({ k: 4, s: 0.6, i: 0.3 });
  expect(s).toBeCloseTo(-0.18, 15);
  expect(i).toBeCloseTo(0.18 - 0.25 * 0.4 * 0.3, 15);
});

describe("i(s)", () => {
  test("is zero at both ends, 1 and the residue, and largest at the peak", () => {
    fc.assert(
      fc.property(interest, fc.double({ min: 0, max: 1, noNaN: true }), (k, share) => {
        const residue = sirResidue({ k });
        expect(sirInfectedAt({ k, s: 1 })).toBeCloseTo(0, 14);
        expect(sirInfectedAt({ k, s: residue })).toBeCloseTo(0, 11);
        const peak = sirPeak({ k });
        expect(sirInfectedAt({ k, s: peak.s })).toBeCloseTo(peak.i, 13);
        const s = residue + share * (1 - residue);
        expect(sirInfectedAt({ k, s })).toBeLessThanOrEqual(peak.i + 1e-12);
      }),
    );
  });

  test("with the constant of n nodes begins at 1/n, and that constant is nearly (k+1)/k", () => {
    fc.assert(
      fc.property(interest, fc.integer({ min: 2, max: 100_000 }), (k, n) => {
        const constant = sirConstant({ k, n });
        expect(sirInfectedAt({ k, s: 1 - 1 / n, constant })).toBeCloseTo(1 / n, 12);
        expect(Math.abs(constant - (k + 1) / k - 1 / (2 * k * n * n))).toBeLessThan(1 / (n * n * n) + 1e-15);
      }),
    );
  });
});

test.each([
  () => solveSir({ k: 0, i: 0.1, until: 1 }),
  () => solveSir({ k: 1, i: 0, until: 1 }),
  () => solveSir({ k: 1, i: 0.5, s: 0.6, until: 1 }),
  () => solveSir({ k: 1, i: 0.5, until: -1 }),
  () => solveSir({ k: 1, i: 0.5, until: 1, step: 0 }),
  () => solveSir({ k: 1, i: 0.5, until: 1e9 }),
  () => sirRates({ k: 1, s: 2, i: 0 }),
  () => sirInfectedAt({ k: 1, s: 0.1 }),
  () => sirInfectedAt({ k: 1, s: 0, constant: 2 }),
  () => sirConstant({ k: 1, n: 1 }),
  () => sirConstantOf({ k: 1, s: 0, i: 0.1 }),
  () => sirPeak({ k: 0.1 }),
])("outside its range a formula is refused (%#)", (call) => {
  expect(call).toThrow(UsageError);
});
