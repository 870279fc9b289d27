import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exp, log, pow } from "./deterministic-math.ts";

const SMALLEST_NORMAL = 2 ** -1022;

/** Math.* is itself within an ulp or two in every engine that we know, so this bounds our own error. */
function expectClose(actual: number, reference: number, relativeTolerance: number): void {
  if (!Number.isFinite(reference) || Math.abs(reference) < SMALLEST_NORMAL) return;
  const error = Math.abs(actual - reference);
  expect(error, `${actual} against ${reference}`).toBeLessThanOrEqual(
    relativeTolerance * Math.abs(reference),
  );
}

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const positive = fc.double({ min: Number.MIN_VALUE, noNaN: true, noDefaultInfinity: true });

describe("exp", () => {
  test("agrees with Math.exp to 1e-15 wherever the result is a normal number", () => {
    fc.assert(
      fc.property(fc.double({ min: -708, max: 709.7, noNaN: true }), (x) =>
        expectClose(exp(x), Math.exp(x), 1e-15),
      ),
    );
    fc.assert(
      fc.property(fc.double({ min: -1, max: 1, noNaN: true }), (x) =>
        expectClose(exp(x), Math.exp(x), 1e-15),
      ),
    );
  });

  test("has the special values of Math.exp", () => {
    for (const x of [0, -0, Infinity, -Infinity, Number.NaN, 1e300, -1e300, 709.79, -745.2]) {
      expect(exp(x)).toBe(Math.exp(x));
    }
  });

  test("reaches the largest number and fades out through the subnormal ones", () => {
    expectClose(exp(709.782712893384), Number.MAX_VALUE, 1e-12);
    expect(exp(-745.13)).toBe(Number.MIN_VALUE);
    expect(Math.abs(exp(-720) - Math.exp(-720))).toBeLessThanOrEqual(Number.MIN_VALUE);
  });
});

describe("log", () => {
  test("agrees with Math.log to 1e-15 from the smallest to the largest number", () => {
    fc.assert(fc.property(positive, (x) => expectClose(log(x), Math.log(x), 1e-15)));
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 2, noNaN: true }), (x) =>
        expectClose(log(x), Math.log(x), 1e-15),
      ),
    );
  });

  test("keeps its digits beside 1, where the result is nearly zero", () => {
    for (const gap of [2 ** -52, 2 ** -40, 2 ** -20]) {
      expectClose(log(1 + gap), Math.log1p(gap), 1e-15);
      expectClose(log(1 - gap), Math.log1p(-gap), 1e-15);
    }
  });

  test("has the special values of Math.log", () => {
    for (const x of [0, -0, 1, -1, Infinity, -Infinity, Number.NaN]) expect(log(x)).toBe(Math.log(x));
  });

  test("never falls when its argument rises by one unit in the last place", () => {
    const bits = new DataView(new ArrayBuffer(8));
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
        bits.setFloat64(0, x);
        bits.setBigUint64(0, bits.getBigUint64(0) + 1n);
        expect(log(bits.getFloat64(0))).toBeGreaterThanOrEqual(log(x));
      }),
    );
  });
});

describe("pow", () => {
  test("agrees with Math.pow to 1e-14 wherever the result is a normal number", () => {
    const magnitude = fc.double({ min: -700, max: 700, noNaN: true });
    fc.assert(
      fc.property(positive, magnitude, (base, logOfResult) => {
        fc.pre(base !== 1);
        const exponent = logOfResult / Math.log(base);
        expectClose(pow(base, exponent), base ** exponent, 1e-14);
      }),
    );
  });

  test("gives k^-exponent to 3e-15 for the degrees and exponents of overlays", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 20 }),
        fc.double({ min: 0, max: 5, noNaN: true }),
        (k, exponent) => expectClose(pow(k, -exponent), k ** -exponent, 3e-15),
      ),
    );
  });

  test("is exact where whole powers of whole numbers fit into a double", () => {
    for (let base = 2; base <= 12; base++) {
      for (let exponent = 1, exact = BigInt(base); exact < 2n ** 53n && exponent <= 16; exponent++) {
        expect(pow(base, exponent)).toBe(Number(exact));
        expect(pow(-base, exponent)).toBe(Number(exponent % 2 === 0 ? exact : -exact));
        exact *= BigInt(base);
      }
    }
  });

  test("has the special cases of Math.pow", () => {
    const specials = [
      0,
      -0,
      1,
      -1,
      2,
      -2,
      3,
      -3,
      0.5,
      -0.5,
      2.5,
      -2.5,
      17,
      2 ** 53,
      Infinity,
      -Infinity,
      Number.NaN,
    ];
    for (const base of specials) {
      for (const exponent of specials) {
        if (Number.isFinite(base) && Math.abs(base) !== 1 && base !== 0 && Math.abs(exponent) === 2.5)
          continue;
        const expected = base ** exponent;
        const actual = pow(base, exponent);
        const isOrdinary = Number.isFinite(expected) && expected !== 0;
        if (isOrdinary) expectClose(actual, expected, 1e-15);
        else expect(actual, `${base}^${exponent}`).toBe(expected);
      }
    }
    expect(pow(-2, 2.5)).toBeNaN();
  });

  test("overflows to infinity and underflows to zero without turning into NaN on the way", () => {
    fc.assert(
      fc.property(finite, finite, (base, exponent) => {
        const expected = base ** exponent;
        if (Number.isNaN(expected)) expect(pow(base, exponent)).toBeNaN();
        else expect(Number.isNaN(pow(base, exponent))).toBe(false);
        expectClose(pow(base, exponent), expected, 1e-14);
      }),
    );
  });
});

test("results are the same bits on every engine", () => {
  // The same in Node 20 and in a transcription to CPython floats. A difference is a run that no longer replays.
  expect([
    exp(2),
    exp(-0.1),
    exp(100.5),
    log(11),
    log(1.5),
    log(1e-300),
    pow(7, -2.5),
    pow(1.5, -0.1),
  ]).toEqual([
    7.38905609893065, 0.9048374180359595, 4.4319559098458955e43, 2.3978952727983707, 0.4054651081081644,
    -690.7755278982137, 0.007713560673657699, 0.960264500792218,
  ]);

  const bits = new DataView(new ArrayBuffer(8));
  let checksum = 0n;
  for (let k = 1; k <= 5000; k++) {
    for (const value of [pow(k, -2.5), exp(-k / 50), log(k / 7)]) {
      bits.setFloat64(0, value);
      checksum = BigInt.asUintN(64, checksum * 31n + bits.getBigUint64(0));
    }
  }
  expect(checksum).toBe(3742501702738880140n);
});
