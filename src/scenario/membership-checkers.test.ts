import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../core/index.ts";
import {
  BeliefsAreGenuine,
  LivePeersStayListed,
  LivesGoForward,
  NoFalseVerdicts,
} from "./membership-checkers.ts";
import { Observer } from "./observer.ts";
import type { Checker } from "./world.ts";

/** Two members, 1 and 2, and what they and the world say. */
function watched(make: (observer: Observer) => Checker, events: readonly TraceEvent[]): readonly string[] {
  const observer = new Observer({ graceMs: 0 });
  const checker = make(observer);
  for (const event of [joined(1), joined(2), ...events]) {
    observer.onEvent(event);
    checker.onEvent(event);
  }
  void checker.atCalm();
  return checker.violations.map(({ at, detail }) => `${at}: ${detail}`);
}

const joined = (node: number): TraceEvent => ({
  ...{ at: 0, node, layer: "scenario", type: "joined" },
  ...{ name: `peer-${node}`, role: "peer" },
});
const world = (at: number, type: string, node: number | "" = "", fields: object = {}): TraceEvent => ({
  ...{ at, node, layer: "scenario", type, ...fields },
});
/** 1 says it of 2. */
const says = (at: number, type: string, incarnation: number): TraceEvent => ({
  ...{ at, node: 1, layer: "membership", type, peer: 2, incarnation, by: [1] },
});

describe("lives go forward", () => {
  const violations = (...events: TraceEvent[]) => watched((observer) => new LivesGoForward(observer), events);

  test("from doubt to doubt cleared, and from a death to a later life", () => {
    const life = [says(1, "member-up", 5), says(2, "member-suspected", 5), says(3, "member-cleared", 6)];
    const death = [says(4, "member-suspected", 6), says(5, "member-failed", 6), says(6, "member-up", 7)];
    expect(violations(...life, ...death, says(7, "peer-left", 7), says(8, "member-up", 9))).toEqual([]);
  });

  test("and never back", () => {
    expect(violations(says(1, "member-up", 5), says(2, "member-suspected", 4))).toEqual([
      "2: member-suspected of peer-2 at peer-1: life 4, and 5 was known already",
    ]);
  });

  test.each(["member-failed", "peer-left"])("nor on after %s", (end) => {
    expect(violations(says(1, "member-up", 5), says(2, end, 5), says(3, "member-up", 5))).toEqual([
      "3: member-up of peer-2 at peer-1: life 5 was over already",
    ]);
  });

  test("but who starts again, or keeps a sample, has forgotten", () => {
    const seen = [says(1, "member-up", 5), says(2, "member-failed", 5)];
    const again = world(3, "restarted", 1, { name: "peer-1", keepsDisk: false });
    expect(violations(...seen, again, says(4, "member-up", 5))).toEqual([]);
    const sampled = { at: 3, node: 1, layer: "membership", type: "view-partial", members: 9 };
    expect(violations(...seen, sampled, says(4, "member-up", 5))).toEqual([]);
  });
});

describe("beliefs are genuine", () => {
  const violations = (...events: TraceEvent[]) =>
    watched((observer) => new BeliefsAreGenuine(observer), events);
  const late: TraceEvent = { ...joined(3), at: 300 };

  test("about whoever was there or has left, though that is read a moment later", () => {
    const stranger = { ...says(200, "member-up", 5), peer: 3 };
    expect(violations(says(1, "member-up", 5), stranger, late)).toEqual([]);
    expect(violations(says(100, "peer-left", 5), world(200, "left", 2))).toEqual([]);
    // It has left as somebody else than it was when it came: the name is the same.
    const again = world(250, "restarted", 4, { name: "peer-2", keepsDisk: true });
    expect(violations(says(100, "peer-left", 5), again, world(300, "left", 4))).toEqual([]);
  });

  test("and neither a stranger nor another's goodbye is believed", () => {
    expect(violations({ ...says(200, "member-up", 5), peer: 9 })).toEqual([
      "200: peer-1 took 9 for a member, which nobody is",
    ]);
    expect(violations(says(100, "peer-left", 5), world(200, "crashed", 2))).toEqual([
      "100: peer-1 believed a goodbye that peer-2 has not said",
    ]);
  });
});

describe("no false verdicts", () => {
  const violations = (...events: TraceEvent[]) =>
    watched((observer) => new NoFalseVerdicts(observer, 1000), events);

  test("are excused once nothing was done to the network for a while", () => {
    expect(violations(says(900, "member-failed", 5))).toEqual([]);
    expect(violations(says(1100, "member-failed", 5))).toEqual(["1100: peer-1 gave up peer-2, which lives"]);
    expect(violations(world(500, "healed"), says(1100, "member-failed", 5))).toEqual([]);
  });

  test("are none about the dead, nor while links lose or somebody is slow", () => {
    expect(violations(world(10, "crashed", 2), says(3000, "member-failed", 5))).toEqual([]);
    const lossy = world(10, "links-changed", "", { set: { loss: 0.1 } });
    expect(violations(lossy, says(3000, "member-failed", 5))).toEqual([]);
    const slow = world(10, "slowed", 2, { perEventMs: 5 });
    const quick = world(20, "slowed", 2, { perEventMs: 0 });
    expect(violations(slow, says(3000, "member-failed", 5))).toEqual([]);
    expect(violations(slow, quick, says(3000, "member-failed", 5))).toHaveLength(1);
  });
});

describe("who lives stays listed", () => {
  const violations = (...events: TraceEvent[]) =>
    watched((observer) => new LivePeersStayListed(observer, 1000, true), events);

  test("with every member: missing for a while is allowed, for longer or for ever is not", () => {
    expect(violations(says(100, "member-failed", 5), says(1000, "member-up", 6))).toEqual([]);
    expect(violations(says(100, "member-failed", 5), says(1200, "member-up", 6))).toEqual([
      "1200: peer-2 was missing at peer-1 for 1100 ms",
    ]);
    expect(violations(says(100, "member-failed", 5))).toEqual([
      "100: peer-2 was removed by peer-1 and never came back",
    ]);
  });

  test("unless the member that misses it starts again, or has a sample only", () => {
    const missed = says(100, "member-failed", 5);
    const again = world(200, "restarted", 1, { name: "peer-1", keepsDisk: true });
    expect(violations(missed, again)).toEqual([]);
    expect(violations({ at: 50, node: 2, layer: "membership", type: "view-partial" }, missed)).toEqual([]);
  });
});
