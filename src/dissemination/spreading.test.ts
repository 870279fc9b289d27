import { describe, expect, test } from "vitest";
import { BroadcastWorld } from "../../test/support/broadcast-world.ts";
import { Members } from "../../test/support/members.ts";
import type { BroadcastOptions } from "./broadcast-options.ts";

const everybody = Array.from({ length: 20 }, (_, i) => i + 1);

/** Everybody knows everybody; the overlay is a ring with chords. */
function worldOf(options: Partial<BroadcastOptions>): BroadcastWorld {
  const world = new BroadcastWorld(1);
  for (const node of everybody)
    world.addBroadcast(node, {
      members: new Members(everybody.filter((other) => other !== node)),
      options: { repairs: false, ...options },
    });
  for (const node of everybody)
    for (const step of [1, 3, 7]) world.link(node, ((node - 1 + step) % everybody.length) + 1);
  world.runUntil(500);
  return world;
}

describe("what nodes say when they spread a message no further", () => {
  test.each([
    { method: "rumor", mode: "push", stop: "counter" },
    { method: "rumor", mode: "push", stop: "coin", hasFeedback: false, stopAfter: 4 },
    { method: "rumor", mode: "push-pull", stop: "counter" },
    { method: "median-counter" },
    { method: "bimodal", digestRounds: 5 },
  ] as const)("each that has it says so once, when it has stopped: %o", (options) => {
    const world = worldOf(options);
    world.publish(7, "one", "two");
    world.runUntil(world.now + 30_000);
    for (const node of everybody) {
      const has = node === 7 || world.deliveredAt(node).length > 0;
      const said = world.of("removed", node).map(({ notice }) => notice);
      expect(said, `node ${node}`).toEqual(
        has ? [{ type: "removed", origin: 7, incarnation: 1, sequence: 0, count: 2 }] : [],
      );
    }
    expect(world.of("removed", 7)).toHaveLength(1);
    for (const { hotCount } of world.broadcasts.values()) expect(hotCount).toBe(0);
  });

  test("nobody says so who still spreads it", () => {
    const world = worldOf({ method: "rumor", stop: "never" });
    world.publish(7, "news");
    world.runUntil(world.now + 10_000);
    expect(everybody.flatMap((node) => world.of("removed", node))).toEqual([]);
  });

  test("what has to make way for others is spread no further", () => {
    const world = worldOf({ method: "rumor", stop: "never", maxHot: 2 });
    for (const text of ["one", "two", "three"]) world.publish(7, text);
    world.runUntil(world.now + 1);
    expect(world.of("removed", 7).map(({ notice }) => notice["sequence"])).toEqual([0]);
  });

  test("a flood, which sends once, says nothing", () => {
    const world = worldOf({ method: "flood" });
    world.publish(7, "news");
    world.runUntil(world.now + 10_000);
    expect(everybody.flatMap((node) => world.of("removed", node))).toEqual([]);
  });
});
