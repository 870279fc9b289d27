import { describe, expect, test } from "vitest";
import { withDefaults } from "../../sources/trace-about.ts";
import { type DetectionTheory, detectionTheory, type WatchedNetwork } from "./detection-theory.ts";

const modern = (swim: object = {}) => withDefaults({ stack: { profile: "modern" }, swim });

function theoryOf(changes: Partial<WatchedNetwork> = {}): DetectionTheory {
  const theory = detectionTheory({ options: modern(), members: 10, hasConnections: true, ...changes });
  if (theory.type === "none") throw new Error(theory.why);
  return theory;
}
function whyNone(changes: Partial<WatchedNetwork>): string {
  const theory = detectionTheory({ options: modern(), members: 10, hasConnections: true, ...changes });
  return theory.type === "none" ? theory.why : "";
}

describe("of the modern profile theory says", () => {
  test("a probe and the shortest suspicion after the failure at the soonest, two intervals later at the latest", () => {
    const { ranges } = theoryOf();
    expect(ranges.suspected.from).toBe(500);
    expect(ranges.failed.from).toBe(500 + 2 * 500);
    // The hundredth that is left out of the second interval.
    expect(ranges.failed.to - ranges.failed.from).toBeCloseTo(804, 0);
    expect(ranges.failed.to).toBeLessThan(500 + 2 * 500 + 2 * 500);
    // One round of gossip, and two that reach nine others by four.
    expect(ranges.removed.to - ranges.failed.to).toBeCloseTo(300, 6);
  });

  test("a mean of 7/12 of an interval until somebody asks, and none where a connection breaks", () => {
    const { meanFirstMs } = theoryOf();
    expect(meanFirstMs({ kind: "paused", neighbors: 4 })).toBeCloseTo((7 / 12) * 500 + 1500, 6);
    expect(meanFirstMs({ kind: "crashed", neighbors: 4 })).toBeCloseTo(1500, 6);
    const { meanFirstMs: silent } = theoryOf({ hasConnections: false });
    expect(silent({ kind: "crashed", neighbors: 4 })).toBeCloseTo((7 / 12) * 500 + 1500, 6);
  });

  test("a longer suspicion where fewer are asked than are to confirm it, and with the logarithm of the members", () => {
    expect(theoryOf({ options: modern({ helpers: 0 }) }).ranges.failed.from).toBe(500 + 6 * 1000);
    expect(theoryOf({ members: 100 }).ranges.failed.from).toBeCloseTo(500 + 2000, 6);
    expect(theoryOf({ members: 2 }).ranges.failed.from).toBe(500 + 1000);
    // Of three there is one who could confirm, and that one is asked.
    expect(theoryOf({ members: 3, options: modern({ helpers: 1 }) }).ranges.failed.from).toBe(500 + 1000);
  });

  test("an interval on average where each has an order of its own, as the paper has it", () => {
    const { meanFirstMs, text } = theoryOf({ options: modern({ probeOrder: "random" }) });
    expect(meanFirstMs({ kind: "paused", neighbors: 4 })).toBeCloseTo(500 + 1500, 6);
    expect(text).toContain("in an order of its own");
  });

  test("nothing of what it has no formula for, and why", () => {
    expect(whyNone({ members: 201 })).toContain("With more than 200 members each watches only its neighbors");
    expect(whyNone({ options: modern({ quorum: 5 }) })).toContain("A quorum of 5 waits for more members");
    expect(whyNone({ members: 1 })).toContain("Nobody is there");
    expect(whyNone({ options: { stack: { profile: "modern" } } })).toContain("Nothing is known");
    expect(whyNone({ options: modern({ probeIntervalMs: -1 }) })).toContain("Its options are none");
  });
});

test("of the classic profile theory says what its heartbeat promises", () => {
  const { ranges, meanFirstMs, text } = theoryOf({ options: withDefaults({}) });
  expect(ranges.failed).toEqual({ from: 33_800, to: 46_800 });
  expect(meanFirstMs({ kind: "crashed", neighbors: 1 })).toBe(33_800 + 6500);
  expect(meanFirstMs({ kind: "crashed", neighbors: 0 })).toBeUndefined();
  expect(text).toContain("with a ping every 13 s, 3 misses and a time-out of 3.9 s");
});
