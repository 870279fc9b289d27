import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import { crossingsPerRound, outsideProbability, uplinkCallsPerRound } from "./router-load.ts";

const sizes = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 2, maxLength: 12 });
const rules = ["uniform", "topology-aware"] as const;

describe("document 003's two subnets of N/2", () => {
  test("send N/2 calls per round through the router, and two with the rule", () => {
    const halves = { sizes: [500, 500] };
    // N/2, and a little more: nobody calls itself.
    expect(crossingsPerRound("uniform", halves)).toBeCloseTo((500 * 1000) / 999, 9);
    expect(crossingsPerRound("topology-aware", halves)).toBe(2);
  });

  test("cost the core the same whatever N is", () => {
    for (const half of [10, 1000, 1e6])
      expect(crossingsPerRound("topology-aware", { sizes: [half, half] })).toBeCloseTo(2, 12);
  });
});

test("with the rule one call leaves each subnet per round", () => {
  fc.assert(
    fc.property(sizes, (all) => {
      expect(crossingsPerRound("topology-aware", { sizes: all })).toBeCloseTo(all.length, 9);
    }),
  );
});

test("uniformly, calls that cross and calls that stay are all calls", () => {
  fc.assert(
    fc.property(sizes, (all) => {
      const nodes = all.reduce((sum, size) => sum + size, 0);
      const staying = all.reduce((sum, size) => sum + (size * (size - 1)) / (nodes - 1), 0);
      expect(crossingsPerRound("uniform", { sizes: all }) + staying).toBeCloseTo(nodes, 6);
    }),
  );
});

test("each crossing passes two uplinks", () => {
  fc.assert(
    fc.property(sizes, fc.constantFrom(...rules), (all, rule) => {
      const uplinks = all.map((_, subnet) => uplinkCallsPerRound(rule, { sizes: all, subnet }));
      const sum = uplinks.reduce((total, load) => total + load, 0);
      expect(sum).toBeCloseTo(2 * crossingsPerRound(rule, { sizes: all }), 6);
    }),
  );
});

test("where there is no outside nobody calls it, and if half of the nodes call, half as many calls cross", () => {
  expect(crossingsPerRound("uniform", { sizes: [10] })).toBe(0);
  expect(outsideProbability("topology-aware", { sizes: [10], subnet: 0 })).toBe(0);
  expect(crossingsPerRound("topology-aware", { sizes: [10, 10], calling: 0.5 })).toBe(1);
});

test.each([
  () => crossingsPerRound("uniform", { sizes: [0, 2] }),
  () => crossingsPerRound("uniform", { sizes: [2, 2], calling: 2 }),
  () => outsideProbability("uniform", { sizes: [1], subnet: 0 }),
  () => outsideProbability("uniform", { sizes: [2, 2], subnet: 2 }),
  () => uplinkCallsPerRound("uniform", { sizes: [2.5, 2], subnet: 0 }),
  () => uplinkCallsPerRound("uniform", { sizes: [2, 2], subnet: -1 }),
])("outside its range a formula is refused (%#)", (call) => {
  expect(call).toThrow(UsageError);
});
