import { describe, expect, test } from "vitest";
import { swimOptions } from "../../membership/swim-options.ts";
import { hopShares, predictBroadcast } from "./broadcast-model.ts";
import { DelayLaw, streamLossLaw } from "./delay-law.ts";
import { predictSwim } from "./detector-model.ts";
import { frameSizes } from "./frame-sizes.ts";
import { wishOf } from "./wish.ts";

const sizes = frameSizes(256);

describe("hops over a random graph", () => {
  test("are 6.4 on average and 9 at most at n = 10,000 and 5 links, as measured for HyParView", () => {
    const shares = hopShares(10_000, 5);
    const mean = shares.reduce((sum, share, hop) => sum + hop * share, 0);
    expect(mean).toBeGreaterThan(6.3);
    expect(mean).toBeLessThan(6.45);
    const beyondNine = shares.slice(10).reduce((sum, share) => sum + share, 0);
    expect(beyondNine * 10_000).toBeLessThan(1);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
  });

  test("are one where everybody is a neighbor", () => {
    expect(hopShares(5, 4)).toEqual([0, 1]);
  });
});

describe("laws of delays", () => {
  test("a stream that loses one in ten is late by 200 ms in 9 of 100, and by more in 1 of 100", () => {
    const law = streamLossLaw(0.1, 8192);
    expect(law.within(0)).toBeCloseTo(0.9, 9);
    expect(law.within(201)).toBeCloseTo(0.99, 9);
    expect(law.within(601)).toBeCloseTo(0.999, 9);
    expect(law.quantile(0.95)).toBe(200);
  });

  test("add up: two times from 0 to 100 are at most 100 in half of all cases", () => {
    const one = DelayLaw.uniform(0, 100, 4096);
    expect(one.plus(one).within(100)).toBeCloseTo(0.5, 1);
    expect(one.plus(one).within(200)).toBeCloseTo(1, 9);
  });
});

describe("detection", () => {
  const predict = (nodes: number, overrides: Parameters<typeof swimOptions>[0] = {}, loss = 0.1) =>
    predictSwim(wishOf({ nodes, loss }), swimOptions(overrides), 5, sizes);

  test("takes longer in a partial view, whose nodes ask their neighbors in turn", () => {
    expect(predict(201).allP99Ms).toBeGreaterThan(predict(200).allP99Ms);
  });

  test("false alarms fall with each helper, and with time to refute", () => {
    const alarms = (options: Parameters<typeof swimOptions>[0]) =>
      predict(20, options).falsePositivesPerNodeDay;
    expect(alarms({ helpers: 3 })).toBeLessThan(alarms({ helpers: 1 }));
    expect(alarms({ suspicionMult: 4 })).toBeLessThanOrEqual(alarms({ suspicionMult: 1 }));
    expect(predict(20, {}, 0).falsePositivesPerNodeDay).toBe(0);
  });

  test("costs as much in large networks as in small ones, and half with half the probes", () => {
    expect(predict(200).bytesPerSecond).toBeCloseTo(predict(20).bytesPerSecond, 0);
    const half = predict(20, { probeIntervalMs: 1000 }).bytesPerSecond / predict(20).bytesPerSecond;
    expect(half).toBeGreaterThan(0.5);
    expect(half).toBeLessThan(0.6);
  });
});

test("a tree costs a copy for each node, a flood one for each link but one", () => {
  const wish = wishOf({ nodes: 1000 });
  const bytes = (method: "plumtree" | "flood") => predictBroadcast(wish, 5, { method }, sizes).bytesPerSecond;
  expect(bytes("flood") / sizes.gossip).toBeCloseTo(4, 1);
  expect(bytes("plumtree")).toBeLessThan(bytes("flood") / 2);
});
