import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import { roundsByRecurrence } from "./recurrences.ts";
import {
  log2,
  pullEndRounds,
  pullRounds,
  pushEndRounds,
  pushPullRounds,
  pushRounds,
  pushRoundsBounds,
  whyLogIsLow,
} from "./rounds.ts";

const nodes = fc.integer({ min: 100, max: 1_000_000_000 });

test("the logarithms of document 003: 10, 20, 30 and 32", () => {
  for (const { n, about } of whyLogIsLow) expect(Math.round(log2(n))).toBe(about);
  expect(log2(2 ** 32)).toBe(32);
  fc.assert(fc.property(fc.integer({ min: 0, max: 1000 }), (power) => log2(2 ** power) === power));
  fc.assert(fc.property(nodes, (n) => Math.abs(log2(n) - Math.log2(n)) < 1e-13));
});

describe("closed forms against recurrences, to the rounds that both leave to chance", () => {
  test.each([
    ["push", pushRounds],
    ["pull", pullRounds],
    ["push-pull", pushPullRounds],
  ] as const)("%s is within 2 rounds for any n", (mode, closed) => {
    fc.assert(
      fc.property(nodes, (n) => {
        expect(Math.abs(closed({ n }) - roundsByRecurrence({ mode, n }))).toBeLessThan(2);
      }),
    );
  });

  test("push with fan-out is within 2 rounds too", () => {
    fc.assert(
      fc.property(nodes, fc.double({ min: 0.25, max: 8, noNaN: true }), (n, fanout) => {
        const difference = pushRounds({ n, fanout }) - roundsByRecurrence({ mode: "push", n, fanout });
        expect(Math.abs(difference)).toBeLessThan(2 / Math.min(1, fanout));
      }),
    );
  });

  test("the end of pull is that of the recurrence to a round, push's is one round longer", () => {
    fc.assert(
      fc.property(nodes, fc.integer({ min: 1, max: 4 }), (n, calls) => {
        let p = 0.5;
        let rounds = 0;
        for (; p >= 1 / n; rounds++) p **= calls + 1;
        expect(Math.abs(pullEndRounds({ n, pulls: calls }) - rounds)).toBeLessThanOrEqual(1);
      }),
    );
    fc.assert(
      fc.property(nodes, (n) => {
        let p = 0.5;
        let rounds = 0;
        for (; p >= 1 / n; rounds++) p *= Math.exp(p - 1);
        // The factor is e when all call; until then about one round is lost.
        expect(rounds - pushEndRounds({ n })).toBeGreaterThan(1);
        expect(rounds - pushEndRounds({ n })).toBeLessThan(2.1);
      }),
    );
  });
});

test("the bounds of push hold between them what is measured: 18.0, 23.8 and 35.2", () => {
  for (const [n, rounds] of [
    [1e3, 18.0],
    [1e4, 23.8],
    [1e6, 35.2],
  ] as const) {
    const { low, high } = pushRoundsBounds({ n });
    expect(low).toBeLessThan(rounds);
    expect(high).toBeGreaterThan(rounds);
    expect(pushRounds({ n })).toBeGreaterThan(low);
    expect(pushRounds({ n })).toBeLessThan(high);
  }
});

test("more calls mean fewer rounds, more nodes mean more", () => {
  fc.assert(
    fc.property(nodes, fc.integer({ min: 1, max: 10 }), (n, calls) => {
      expect(pushRounds({ n, fanout: calls + 1 })).toBeLessThan(pushRounds({ n, fanout: calls }));
      expect(pullRounds({ n, pulls: calls + 1 })).toBeLessThan(pullRounds({ n, pulls: calls }));
      expect(pushPullRounds({ n: n + 1 })).toBeGreaterThan(pushPullRounds({ n }));
      expect(pushPullRounds({ n })).toBeLessThan(pullRounds({ n }));
      expect(pullRounds({ n })).toBeLessThan(pushRounds({ n }));
    }),
  );
});

test.each([
  () => log2(0),
  () => pushRounds({ n: 1 }),
  () => pushRounds({ n: 10, fanout: 0 }),
  () => pushRoundsBounds({ n: 1 }),
  () => pullRounds({ n: 2 }),
  () => pullRounds({ n: 10, pulls: -1 }),
  () => pushPullRounds({ n: 2 }),
  () => pullEndRounds({ n: 1 }),
  () => pullEndRounds({ n: 10, pulls: 0 }),
  () => pushEndRounds({ n: 1 }),
])("outside its range a formula is refused (%#)", (call) => {
  expect(call).toThrow(UsageError);
});
