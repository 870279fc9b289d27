import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import {
  callSuccess,
  effectiveCalls,
  mixingUnderFaults,
  pushRoundsUnderFaults,
  slowdown,
  survivors,
} from "./faults.ts";
import { contactRate, logisticTimeToShare } from "./logistic.ts";
import { pushRounds } from "./rounds.ts";

const half = 0.5;
const faults = fc.record({
  loss: fc.double({ min: 0, max: 0.95, noNaN: true }),
  crashed: fc.double({ min: 0, max: 0.95, noNaN: true }),
});
const nodes = fc.integer({ min: 100, max: 100_000 });

describe("document 003's rules", () => {
  test("half of the messages lost is b/2, and takes twice as long", () => {
    expect(effectiveCalls({ b: 4, loss: half })).toBe(2);
    expect(slowdown({ n: 10_000, loss: half })).toBeCloseTo(2, 12);
    const sound = { n: 9999, b: 1 };
    const lossy = mixingUnderFaults({ ...sound, loss: half });
    expect(logisticTimeToShare({ ...lossy, share: 0.999 })).toBeCloseTo(
      2 * logisticTimeToShare({ ...sound, share: 0.999 }),
      10,
    );
  });

  test("half of the nodes dead is n/2 and b/2", () => {
    expect(survivors({ n: 10_000, crashed: half })).toBe(5000);
    expect(effectiveCalls({ b: 4, crashed: half })).toBe(2);
    const { n, b } = mixingUnderFaults({ n: 9999, b: 1, crashed: half });
    expect(n).toBe(4999);
    expect(b).toBeCloseTo(0.5, 3);
    expect(slowdown({ n: 10_000, crashed: half })).toBeGreaterThan(1.8);
    expect(slowdown({ n: 10_000, crashed: half })).toBeLessThan(2);
  });

  test("both of them multiply", () => {
    fc.assert(
      fc.property(nodes, faults, (n, { loss, crashed }) => {
        expect(effectiveCalls({ b: 3, loss, crashed })).toBeCloseTo(
          (effectiveCalls({ b: 3, loss }) * effectiveCalls({ b: 3, crashed })) / 3,
          12,
        );
        expect(slowdown({ n, loss, crashed })).toBeCloseTo(slowdown({ n, crashed }) / (1 - loss), 8);
      }),
    );
  });
});

test("a pair of survivors meets as often as before: crashes leave beta alone, loss does not", () => {
  fc.assert(
    fc.property(nodes, faults, (n, { loss, crashed }) => {
      const beta = contactRate("push", { n, b: 2 });
      const left = mixingUnderFaults({ n, b: 2, loss, crashed });
      expect(contactRate("push", left) / beta).toBeCloseTo(1 - loss, 9);
    }),
  );
});

test("no faults change nothing, and worse faults take longer", () => {
  fc.assert(
    fc.property(nodes, faults, (n, { loss, crashed }) => {
      expect(slowdown({ n })).toBe(1);
      expect(pushRoundsUnderFaults({ n })).toBe(pushRounds({ n }));
      expect(slowdown({ n, loss, crashed })).toBeGreaterThanOrEqual(slowdown({ n, crashed }));
      expect(pushRoundsUnderFaults({ n, loss, crashed })).toBeGreaterThanOrEqual(
        pushRoundsUnderFaults({ n, crashed }) - 1e-9,
      );
    }),
  );
});

test("in synchronous rounds half of the messages cost less than twice the rounds: 1.71 times for growth", () => {
  const ratio = pushRoundsUnderFaults({ n: 1_000_000, loss: half }) / pushRounds({ n: 1_000_000 });
  expect(ratio).toBeGreaterThan(Math.log(2) / Math.log(1.5));
  expect(ratio).toBeLessThan(2);
});

test("a pull needs two messages", () => {
  expect(callSuccess("push", { loss: half })).toBe(0.5);
  expect(callSuccess("pull", { loss: half })).toBe(0.25);
});

test.each([
  () => callSuccess("push", { loss: 1.5 }),
  () => effectiveCalls({ b: 1, loss: 1 }),
  () => effectiveCalls({ b: 0 }),
  () => survivors({ n: 10, crashed: 1 }),
  () => mixingUnderFaults({ n: 3, b: 1, crashed: 0.9 }),
  () => slowdown({ n: 10, loss: -0.1 }),
  () => pushRoundsUnderFaults({ n: 10, crashed: 0.95 }),
])("outside its range a formula is refused (%#)", (call) => {
  expect(call).toThrow(UsageError);
});
