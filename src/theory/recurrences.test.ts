import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import {
  iterateRounds,
  misprintedPushStep,
  pullAfter,
  pullStep,
  pushPullStep,
  pushStep,
  roundsByRecurrence,
  roundsUntil,
  stepOf,
} from "./recurrences.ts";

const share = fc.double({ min: 0, max: 1, noNaN: true });
const nodes = fc.integer({ min: 2, max: 10_000_000 });

describe("every step", () => {
  test("leads from a share to a smaller one, and leaves 0 and 1 alone", () => {
    fc.assert(
      fc.property(share, nodes, fc.constantFrom("push", "pull", "push-pull"), (p, n, mode) => {
        const step = stepOf({ mode, n });
        expect(step(p)).toBeLessThanOrEqual(p);
        expect(step(p)).toBeGreaterThanOrEqual(0);
        expect([step(0), step(1)]).toEqual([0, 1]);
      }),
    );
  });

  test("is its limit for large n", () => {
    fc.assert(
      fc.property(share, fc.integer({ min: 100, max: 10_000_000 }), (p, n) => {
        // (1-1/n)^n differs from 1/e by less than 1/(2 n e) and a little.
        expect(Math.abs(pushStep({ p, n }) - pushStep({ p }))).toBeLessThan(0.3 / n);
        expect(Math.abs(pushPullStep({ p, n }) - pushPullStep({ p }))).toBeLessThan(0.3 / n);
      }),
    );
  });
});

describe("push", () => {
  test("is the probability that no call of n (1-p) callers is for a given node", () => {
    expect(pushStep({ p: 0.5, n: 10 })).toBeCloseTo(0.5 * 0.9 ** 5, 14);
    expect(pushStep({ p: 0.5, n: 10, fanout: 3 })).toBeCloseTo(0.5 * 0.9 ** 15, 14);
  });

  test("divides by e what is left in the end, by e^b with fan-out b", () => {
    expect(pushStep({ p: 1e-9 }) / 1e-9).toBeCloseTo(1 / Math.E, 8);
    expect(pushStep({ p: 1e-9, fanout: 3 }) / 1e-9).toBeCloseTo(Math.exp(-3), 8);
  });

  test("doubles those who know in the beginning", () => {
    expect((1 - pushStep({ p: 1 - 1e-6 })) / 1e-6).toBeCloseTo(2, 5);
  });
});

describe("document 000's misprint", () => {
  test("makes more susceptible of any share, where the right sign makes fewer", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.integer({ min: 2, max: 1e7 }),
        (p, n) => {
          expect(misprintedPushStep({ p, n })).toBeGreaterThan(p);
          expect(pushStep({ p, n })).toBeLessThan(p);
        },
      ),
    );
  });

  test("is the inverse factor: the product of both is p^2, up to 1/n", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.integer({ min: 100, max: 1e7 }),
        (p, n) => {
          const product = misprintedPushStep({ p, n }) * pushStep({ p, n });
          expect(Math.abs(product / (p * p) - 1)).toBeLessThan(1.1 / n);
        },
      ),
    );
  });

  test("ends with nobody who knows it, and never below any limit", () => {
    const step = (p: number) => misprintedPushStep({ p, n: 1e6 });
    const curve = iterateRounds(step, 0.01, 12);
    expect(curve[1]! / 0.01).toBeCloseTo(Math.exp(0.99), 4);
    expect(curve.at(-1)).toBeCloseTo(1, 4);
    expect(() => roundsUntil({ step, p: 0.5, below: 0.01 })).toThrow("away from the limit");
  });
});

describe("pull", () => {
  test("is p^(k+1), and i rounds are p^((k+1)^i)", () => {
    expect(pullStep({ p: 0.3 })).toBe(0.3 * 0.3);
    expect(pullStep({ p: 0.3, pulls: 2 })).toBeCloseTo(0.027, 15);
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 5 }),
        (p, pulls, rounds) => {
          const stepped = iterateRounds((share) => pullStep({ p: share, pulls }), p, rounds).at(-1)!;
          const closed = pullAfter({ p, pulls, rounds });
          // Every squaring doubles the relative error of a last digit.
          expect(Math.abs(stepped - closed)).toBeLessThanOrEqual(1e-11 * stepped + 1e-300);
        },
      ),
    );
  });
});

describe("push-pull", () => {
  test("is what a pull leaves times what a push leaves", () => {
    fc.assert(
      fc.property(share, nodes, (p, n) => {
        fc.pre(p > 0);
        expect(pushPullStep({ p, n })).toBeCloseTo(pushStep({ p, n }) * p, 14);
      }),
    );
  });

  test("triples those who know in the beginning", () => {
    expect((1 - pushPullStep({ p: 1 - 1e-6 })) / 1e-6).toBeCloseTo(3, 5);
  });
});

describe("rounds until fewer than one node is left", () => {
  test("are counted from the step", () => {
    expect(roundsUntil({ step: (p) => p / 2, p: 1, below: 0.2 })).toBe(3);
    expect(roundsUntil({ step: (p) => p / 2, p: 0.1, below: 0.2 })).toBe(0);
  });

  test("never rise with fan-out, and never fall with n", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 1_000_000 }),
        fc.constantFrom("push", "pull", "push-pull"),
        (n, mode) => {
          const rounds = roundsByRecurrence({ n, mode });
          expect(roundsByRecurrence({ n: 4 * n, mode })).toBeGreaterThanOrEqual(rounds);
          if (mode !== "push-pull")
            expect(roundsByRecurrence({ n, mode, fanout: 2 })).toBeLessThanOrEqual(rounds);
          expect(roundsByRecurrence({ n, mode, left: 0.5 })).toBeGreaterThanOrEqual(rounds);
        },
      ),
    );
  });

  test("rank push last and push-pull first: the claim of document 000", () => {
    for (const n of [100, 1000, 1e4, 1e5, 1e6]) {
      const [push, pull, both] = (["push", "pull", "push-pull"] as const).map((mode) =>
        roundsByRecurrence({ n, mode }),
      );
      expect(both).toBeLessThan(pull!);
      expect(pull).toBeLessThan(push!);
    }
  });
});

test.each([
  () => pushStep({ p: 1.1 }),
  () => pushStep({ p: 0.5, n: 1 }),
  () => pushStep({ p: 0.5, fanout: 0 }),
  () => pullStep({ p: -0.1 }),
  () => pullStep({ p: 0.5, pulls: 0 }),
  () => pullAfter({ p: 0.5, rounds: -1 }),
  () => pushPullStep({ p: 2 }),
  () => misprintedPushStep({ p: -1, n: 10 }),
  () => stepOf({ mode: "push-pull", n: 10, fanout: 2 }),
  () => stepOf({ mode: "push", n: 1 }),
  () => iterateRounds((p) => p, 1, -1),
  () => roundsUntil({ step: (p) => p, p: 0.5, below: 0.1 }),
  () => roundsUntil({ step: (p) => p / 2, p: 0.5, below: 0 }),
  () => roundsByRecurrence({ mode: "push", n: 10, left: 0 }),
])("outside its range a formula is refused (%#)", (call) => {
  expect(call).toThrow(UsageError);
});
