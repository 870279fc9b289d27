import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import {
  contactRate,
  expectedTimeToInform,
  infectedAfterLogTime,
  logisticInfected,
  logisticLoadPerNode,
  logisticSusceptible,
  logisticTimeBetween,
  logisticTimeToShare,
  missedAfterLogTime,
  varianceOfTimeToInform,
} from "./logistic.ts";

const mixing = fc.record({
  n: fc.integer({ min: 1, max: 1_000_000 }),
  b: fc.double({ min: 0.05, max: 20, noNaN: true }),
});
const time = fc.double({ min: 0, max: 60, noNaN: true });

describe("Bailey's logistic", () => {
  test("begins with one, adds up to n + 1 and never falls", () => {
    fc.assert(
      fc.property(mixing, time, time, ({ n, b }, t, later) => {
        expect(logisticInfected({ n, b, t: 0 })).toBe(1);
        expect(logisticSusceptible({ n, b, t: 0 })).toBe(n);
        const people = logisticInfected({ n, b, t }) + logisticSusceptible({ n, b, t });
        expect(Math.abs(people - n - 1)).toBeLessThan(1e-9 * n);
        const [first, second] = [Math.min(t, later), Math.max(t, later)];
        expect(logisticInfected({ n, b, t: second })).toBeGreaterThanOrEqual(
          logisticInfected({ n, b, t: first }) * (1 - 1e-15),
        );
      }),
    );
  });

  test("solves dx/dt = -beta x y", () => {
    fc.assert(
      fc.property(mixing, fc.double({ min: 0.01, max: 30, noNaN: true }), ({ n, b }, t) => {
        const h = 1e-5 / b;
        const x = (at: number) => logisticSusceptible({ n, b, t: at });
        const y = logisticInfected({ n, b, t });
        const slope = (x(t + h) - x(t - h)) / (2 * h);
        const beta = contactRate("push", { n, b });
        // The difference of two values of the size of n has so many digits and no more.
        expect(Math.abs(slope + beta * x(t) * y)).toBeLessThan(1e-6 * beta * x(t) * y + (1e-14 * n) / h);
      }),
    );
  });

  test("is inverted by the time to a share, and times between shares are differences", () => {
    fc.assert(
      fc.property(mixing, fc.double({ min: 0.001, max: 0.999, noNaN: true }), ({ n, b }, share) => {
        fc.pre(share >= 1 / (n + 1));
        const t = logisticTimeToShare({ n, b, share });
        expect(logisticInfected({ n, b, t }) / (n + 1)).toBeCloseTo(share, 9);
        const half = logisticTimeToShare({ n, b, share: 0.5 });
        if (share > 0.5) expect(logisticTimeBetween({ n, b, from: 0.5, to: share })).toBeCloseTo(t - half, 8);
      }),
    );
  });

  test("takes 9.19 units from 1 % to 99 % however many there are", () => {
    expect(logisticTimeBetween({ n: 1e6, b: 1, from: 0.01, to: 0.99 })).toBeCloseTo(9.19, 3);
    expect(logisticTimeBetween({ n: 1e6, b: 2, from: 0.01, to: 0.99 })).toBeCloseTo(9.19 / 2, 3);
  });

  test("goes twice as fast in push-pull, where either may call", () => {
    expect(contactRate("push-pull", { n: 100, b: 1 })).toBe(2 * contactRate("pull", { n: 100, b: 1 }));
  });
});

describe("after c ln n", () => {
  test("all but n^(2-cb) know it, up to what the slide's derivation leaves out", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 1_000_000 }),
        fc.double({ min: 1.2, max: 5, noNaN: true }),
        (n, cb) => {
          const exact = logisticSusceptible({ n, b: cb, t: Math.log(n) });
          const z = n ** (1 - cb);
          // (n+1) z against n z; z^2 that is left out; and (n+1)/n in the exponent, a factor n^(cb/n).
          const leftOut = z + (n + 1) * z * z + (n + 1) * z * (n ** (cb / n) - 1) + 1e-9;
          expect(Math.abs(missedAfterLogTime({ n, b: cb, c: 1 }) - exact)).toBeLessThan(leftOut);
        },
      ),
    );
  });

  test("that is one of a thousand with c b = 2, and a thousandth of one with c b = 3", () => {
    expect(missedAfterLogTime({ n: 1000, b: 1, c: 2 })).toBeCloseTo(1, 12);
    expect(infectedAfterLogTime({ n: 1000, b: 1, c: 2 })).toBeCloseTo(1000, 12);
    expect(missedAfterLogTime({ n: 1000, b: 1.5, c: 2 })).toBeCloseTo(1e-3, 12);
  });

  test("each node has sent no more than c b ln n", () => {
    expect(logisticLoadPerNode({ n: 1000, b: 2, c: 1.5 })).toBeCloseTo(3 * Math.log(1000), 12);
    // It is what b calls per unit of time come to in that time, and the curve has sent less: b times its area.
    const [n, b, c] = [1000, 1, 2];
    const until = c * Math.log(n);
    let area = 0;
    for (let step = 0; step < 10_000; step++)
      area += (logisticInfected({ n, b, t: ((step + 0.5) * until) / 10_000 }) * until) / 10_000;
    expect((b * area) / (n + 1)).toBeLessThan(logisticLoadPerNode({ n, b, c }));
  });
});

describe("the same as a random process", () => {
  test("takes 2 n H_n / (b (n+1)) to inform all, with time adding up over stages", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.double({ min: 0.1, max: 9, noNaN: true }), (n, b) => {
        let harmonic = 0;
        for (let i = 1; i <= n; i++) harmonic += 1 / i;
        const all = expectedTimeToInform({ n, b });
        expect(all).toBeCloseTo((2 * n * harmonic) / (b * (n + 1)), 9);
        const middle = Math.ceil((n + 1) / 2);
        const stages =
          expectedTimeToInform({ n, b, to: middle }) + expectedTimeToInform({ n, b, from: middle });
        expect(stages).toBeCloseTo(all, 9);
      }),
    );
  });

  test("needs 0.577/b longer to a half than the equation: Euler's constant, the luck of the first calls", () => {
    const n = 100_001;
    const random = expectedTimeToInform({ n, b: 1, to: (n + 1) / 2 });
    expect(random - logisticTimeToShare({ n, b: 1, share: 0.5 })).toBeCloseTo(0.5772, 3);
  });

  test("and its variance is that of two Gumbel variables, pi^2/3 over b^2", () => {
    expect(varianceOfTimeToInform({ n: 100_000, b: 1 })).toBeCloseTo(Math.PI ** 2 / 3, 3);
    expect(varianceOfTimeToInform({ n: 100_000, b: 2 })).toBeCloseTo(Math.PI ** 2 / 12, 3);
  });
});

test.each([
  () => logisticInfected({ n: 0, b: 1, t: 1 }),
  () => logisticInfected({ n: 10, b: 0, t: 1 }),
  () => logisticSusceptible({ n: 10, b: 1, t: -1 }),
  () => logisticTimeToShare({ n: 10, b: 1, share: 1 }),
  () => logisticTimeToShare({ n: 10, b: 1, share: 0.01 }),
  () => logisticTimeBetween({ n: 10, b: 1, from: 0.5, to: 0.4 }),
  () => infectedAfterLogTime({ n: 100, b: 1, c: 1 }),
  () => missedAfterLogTime({ n: 1, b: 2, c: 1 }),
  () => logisticLoadPerNode({ n: 100, b: 1, c: 0 }),
  () => expectedTimeToInform({ n: 10, b: 1, to: 12 }),
  () => varianceOfTimeToInform({ n: 10, b: 1, from: 0 }),
  () => contactRate("push", { n: 1.5, b: 1 }),
])("outside its range a formula is refused (%#)", (call) => {
  expect(call).toThrow(UsageError);
});
