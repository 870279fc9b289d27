import { describe, expect, test } from "vitest";
import { isEnough, predicted, search, wishNames } from "./search.ts";
import { type Wish, wishOf } from "./wish.ts";

const large = wishOf({
  ...{ nodes: 5000, loss: 0.02, rttMs: 40, detectWithinMs: 8000, falsePositivesPerNodeDay: 0.001 },
  ...{ deliver: 0.9999, withinMs: 2000, budgetBytesPerSecond: 2000 },
});

describe("5,000 nodes, 2 % loss", () => {
  const result = search(large);
  const { plan } = result;

  test("are granted all wishes with room to spare", () => {
    expect(result.hasMargin).toBe(true);
    for (const name of wishNames) expect(isEnough(large, name, predicted(name, plan!.prediction))).toBe(true);
  });

  test("get trees over a few links, since copies over all of them cost more than the budget", () => {
    expect(plan!.profile).toBe("modern");
    expect(plan!.options.broadcast?.method).toBe("plumtree");
    expect(plan!.degree).toBe(5);
  });

  test("get time-outs longer than the longest round trip, and an interval that is longer than those", () => {
    const { probeTimeoutMs, probeIntervalMs, helpers } = plan!.options.swim!;
    expect(probeTimeoutMs).toBeGreaterThan(1.5 * large.rttMs);
    expect(probeIntervalMs).toBeGreaterThanOrEqual(2 * probeTimeoutMs!);
    expect(helpers).toBeGreaterThanOrEqual(2);
  });
});

test("who wants it sooner pays more, and who can wait gives processes more time", () => {
  const of = (detectWithinMs: number) =>
    search(wishOf({ nodes: 50, detectWithinMs, budgetBytesPerSecond: 1e6 })).plan!.prediction;
  expect(of(2000).bytesPerSecond).toBeGreaterThan(of(10_000).bytesPerSecond);
  expect(of(2000).detection.patienceMs).toBeLessThan(of(10_000).detection.patienceMs);
});

test("a profile that is asked for is the one that is planned", () => {
  for (const profile of ["classic", "modern"] as const)
    expect(search(wishOf({ nodes: 30, profile })).plan?.profile).toBe(profile);
});

describe("a wish that cannot be met", () => {
  const impossible = wishOf({ nodes: 10_000, loss: 0.1, detectWithinMs: 500, budgetBytesPerSecond: 50 });
  const { plan, refusal } = search(impossible);

  test("is refused with what conflicts", () => {
    expect(plan).toBeUndefined();
    expect(refusal!.conflicts).toContainEqual(["budgetBytesPerSecond"]);
    expect(refusal!.conflicts).toContainEqual(["detectWithinMs", "falsePositivesPerNodeDay"]);
    expect(refusal!.relaxations).toEqual([]);
  });

  test("can be met with the figures of the nearest plan", () => {
    const { nearest } = refusal!;
    const relaxed: Wish = {
      ...impossible,
      ...Object.fromEntries(wishNames.map((name) => [name, predicted(name, nearest.prediction)])),
    };
    expect(search(relaxed).plan).toBeDefined();
  });

  test("can be met if one of the relaxations is granted, and not with less", () => {
    const wish = wishOf({ nodes: 40, profile: "classic", loss: 0.01, budgetBytesPerSecond: 300 });
    const { conflicts, relaxations } = search(wish).refusal!;
    expect(conflicts.flat()).toContain("budgetBytesPerSecond");
    expect(relaxations.map(({ wish: name }) => name)).toContain("budgetBytesPerSecond");
    for (const { wish: name, to } of relaxations) {
      expect(search({ ...wish, [name]: to }).plan, name).toBeDefined();
      const less = name === "deliver" ? to + (1 - to) / 100 : to * 0.99;
      expect(search({ ...wish, [name]: less }).plan, name).toBeUndefined();
    }
  });
});
