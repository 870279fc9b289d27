import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../../src/core/index.ts";
import { missesFor } from "../../../../src/membership/heartbeat-options.ts";
import { detectionRanges, detectionTimes, expectedFirst } from "./detection-theory.ts";

const classic = {
  heartbeat: { pingIntervalMs: 13_000, pingTimeoutMs: 0, misses: 3 },
  registry: { callBackTimeoutMs: 2000 },
};

describe("by the classic defaults", () => {
  const ranges = detectionRanges(detectionTimes(classic)!);
  test("the third ping is unanswered 26 to 39 s after the failure", () => {
    expect(ranges.lastPing).toEqual({ from: 26_000, to: 39_000 });
  });
  test("a neighbor suspects 3.9 s later, gives up 3.9 s after that, and seeds remove 2 s after that", () => {
    expect(ranges.suspected).toEqual({ from: 29_900, to: 42_900 });
    expect(ranges.failed).toEqual({ from: 33_800, to: 46_800 });
    expect(ranges.removed).toEqual({ from: 35_800, to: 48_800 });
  });
});

test("a time-out of its own replaces the 30 %", () => {
  expect(detectionTimes({ heartbeat: { ...classic.heartbeat, pingTimeoutMs: 500 } })).toMatchObject({
    timeoutMs: 500,
    callBackMs: 0,
  });
});

test.each([
  [0.1, 0.001],
  [0.5, 0.001],
  [0.3, 0.01],
  [0.01, 0.3],
])(
  "with pings that fail at %d and false alarms at %d there are as many misses as the heartbeat waits for",
  (p, rate) => {
    const heartbeat = { ...classic.heartbeat, pingFailureRate: p, falseAlarmRate: rate };
    expect(detectionTimes({ heartbeat })!.misses).toBe(missesFor(p, rate));
  },
);

test("a network without a heartbeat is promised nothing", () => {
  expect(detectionTimes({})).toBeUndefined();
  expect(detectionTimes(undefined)).toBeUndefined();
});

test("the first of several watchers is as early as in a thousand drawn networks", () => {
  const range = { from: 2000, to: 3000 };
  const random = seededRandom(7);
  for (const watchers of [1, 3, 10]) {
    let sum = 0;
    for (let run = 0; run < 1000; run++) {
      const moments = Array.from({ length: watchers }, () => range.from + random.below(1000));
      sum += Math.min(...moments);
    }
    expect(Math.abs(sum / 1000 - expectedFirst(range, watchers))).toBeLessThan(30);
  }
});
