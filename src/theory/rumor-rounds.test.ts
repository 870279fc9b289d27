import { describe, expect, test } from "vitest";
import { blindCoinResidue, sirResidue } from "./residues.ts";
import { type RumorRounds, rumorRounds } from "./rumor-rounds.ts";

const rumor: RumorRounds = { n: 1000, mode: "push", stop: "never", hasFeedback: true, stopAfter: 1 };
const residue = (changes: Partial<RumorRounds>) =>
  rumorRounds({ ...rumor, n: 100_000, ...changes }).susceptible.at(-1)!;
/** Rounds until so many know it. */
function roundsTo(share: number, changes: Partial<RumorRounds>): number {
  const { rounds, susceptible } = rumorRounds({ ...rumor, ...changes });
  return rounds[susceptible.findIndex((s) => s <= 1 - share)]!;
}

describe("what is left", () => {
  test.each([1, 2, 3, 4])("with feedback and coin is the solution of s = e^(-(k+1)(1-s)), k = %i", (k) => {
    const left = residue({ stop: "coin", stopAfter: k });
    expect(left / sirResidue({ k })).toBeCloseTo(1, 1);
  });

  test.each([2, 3, 4])("with a blind coin is the solution of s = e^(-k(1-s)), k = %i", (k) => {
    const left = residue({ stop: "coin", hasFeedback: false, stopAfter: k });
    expect(left / blindCoinResidue({ k })).toBeGreaterThan(0.95);
    expect(left / blindCoinResidue({ k })).toBeLessThan(1.1);
  });

  test("by a counter is less than by a coin, and by pull much less than by push", () => {
    const coin = residue({ stop: "coin", stopAfter: 2 });
    const counter = residue({ stop: "counter", stopAfter: 2 });
    const pull = residue({ mode: "pull", stop: "counter", stopAfter: 2 });
    expect(counter).toBeLessThan(0.9 * coin);
    expect(pull).toBeLessThan(0.01 * counter);
  });

  test("is nobody where spreaders never stop", () => {
    for (const mode of ["push", "pull", "push-pull"] as const) expect(residue({ mode })).toBeLessThan(1e-7);
  });
});

describe("how fast it goes", () => {
  // Means of 60 runs of the same rules, node by node, among 1,000.
  test.each([
    ["push", 6.99, 11.58],
    ["pull", 7.14, 9.25],
    ["push-pull", 4.11, 5.66],
  ] as const)("by %s: half know it after %d rounds, 99 %% after %d", (mode, half, most) => {
    expect(Math.abs(roundsTo(0.5, { mode }) - half)).toBeLessThan(0.45);
    expect(Math.abs(roundsTo(0.99, { mode }) - most)).toBeLessThan(0.45);
  });

  test("what is long under way comes later: a round for each generation of nodes, so to say", () => {
    const transferRounds = { push: 1, pull: 1 };
    const quick = roundsTo(0.99, { mode: "push-pull" });
    const slow = roundsTo(0.99, { mode: "push-pull", transferRounds });
    expect(slow - quick).toBeGreaterThan(2);
    expect(slow).toBeLessThan(2 * quick + 2);
  });

  test("whoever waits for its next call answers later, and pushes as soon as ever", () => {
    const waits = (mode: "push" | "pull") =>
      roundsTo(0.99, { mode, waitsForRound: true }) - roundsTo(0.99, { mode });
    expect(waits("pull")).toBeGreaterThan(1);
    expect(Math.abs(waits("push"))).toBeLessThan(0.2);
  });

  test("a counter of 2 makes push-pull hardly slower", () => {
    const endless = roundsTo(0.99, { mode: "push-pull" });
    const counted = roundsTo(0.99, { mode: "push-pull", stop: "counter", stopAfter: 2 });
    expect(counted - endless).toBeLessThan(0.1);
  });
});

test("nobody is lost: shares add up to one, and so do the ways to those who know it", () => {
  for (const mode of ["push", "pull", "push-pull"] as const) {
    const curve = rumorRounds({ ...rumor, mode, stop: "counter", stopAfter: 2 });
    const { susceptible, infected, removed } = curve;
    for (let i = 0; i < susceptible.length; i++) {
      expect(susceptible[i]! + infected[i]! + removed[i]!).toBeCloseTo(1, 9);
      if (i > 0) expect(susceptible[i]).toBeLessThanOrEqual(susceptible[i - 1]! + 1e-12);
    }
    const ways = curve.hops.reduce((sum, share) => sum + share);
    expect(ways).toBeCloseTo(1 - susceptible.at(-1)!, 6);
    expect(curve.hops[0]).toBeCloseTo(1 / rumor.n, 12);
  }
});

test.each([
  [{ n: 1 }, "n: 1"],
  [{ stopAfter: 0 }, "stopAfter: 0"],
  [{ maxRounds: 0 }, "maxRounds: 0"],
] as const)("%o is refused", (changes, message) => {
  expect(() => rumorRounds({ ...rumor, ...changes })).toThrow(message);
});
