import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../core/index.ts";
import { Observer } from "./observer.ts";

/** An observer of two peers and a seed, and a way to tell it things. */
function watching() {
  const observer = new Observer({ graceMs: 100 });
  const tell = (at: number, node: string | number, layer: string, type: string, more: object = {}) =>
    observer.onEvent({ at, node, layer, type, ...more } as TraceEvent);
  const scenario = (at: number, node: string | number, type: string, more: object = {}) =>
    tell(at, node, "scenario", type, more);
  scenario(0, 1, "joined", { name: "seed-1", role: "seed" });
  scenario(0, 2, "joined", { name: "peer-1", role: "peer" });
  scenario(0, 3, "joined", { name: "peer-2", role: "peer" });
  const message = { origin: 2, incarnation: 7, sequence: 1 };
  const deliver = (at: number, node: number, which: object = message) =>
    tell(at, node, "broadcast", "delivered", which);
  const publish = (at: number) => tell(at, 2, "broadcast", "published", message);
  const remove = (at: number, peer: number, reason = "dead") =>
    tell(at, 1, "introduction", "peer-removed", { peer, reason });
  return { observer, tell, scenario, message, deliver, publish, remove };
}

describe("deliveries", () => {
  test("of one message to one life of a node count once, and then as twice", () => {
    const { observer, deliver, publish } = watching();
    publish(1);
    deliver(2, 3);
    expect(observer.latestDelivery).toBe("first");
    deliver(3, 3);
    expect(observer.latestDelivery).toBe("twice");
    expect(observer).toMatchObject({ published: 1, deliveries: 1, deliveredTwice: 1, deliveredAgain: 0 });
  });

  test("to a later life are the first of a node without its disk, and again with it", () => {
    for (const [keepsDisk, expected] of [
      [false, "first"],
      [true, "again"],
    ] as const) {
      const { observer, deliver, publish, scenario } = watching();
      publish(1);
      deliver(2, 3);
      scenario(3, 3, "crashed");
      scenario(4, 3, "restarted", { name: "peer-2", keepsDisk });
      deliver(5, 3);
      expect(observer.latestDelivery).toBe(expected);
      expect(observer.deliveredTwice).toBe(0);
    }
  });

  test("of what nobody published are known as such, until it turns out that somebody did", () => {
    const { observer, deliver, publish, message } = watching();
    deliver(1, 3);
    expect(observer.latestMessage?.isUnpublished).toBe(true);
    publish(2);
    expect(observer.message(2, 7, 1)?.isUnpublished).toBe(false);
    deliver(3, 3, { ...message, incarnation: 8 });
    expect(observer.latestMessage?.isUnpublished).toBe(true);
  });

  test("are kept for more nodes than there were at first", () => {
    const { observer, scenario, deliver, publish } = watching();
    publish(1);
    for (let id = 4; id < 100; id++) scenario(2, id, "joined", { name: `peer-${id}`, role: "peer" });
    for (let id = 4; id < 100; id++) deliver(3, id);
    expect(observer.deliveries).toBe(96);
    deliver(4, 99);
    expect(observer.deliveredTwice).toBe(1);
  });
});

describe("a removal", () => {
  test("of a peer that lives and can be reached is false", () => {
    const { observer, remove } = watching();
    remove(1, 2);
    remove(2, 3, "left");
    expect(observer.removals.map(({ by, peer, isFalse }) => [by, peer, isFalse])).toEqual([
      ["seed-1", 2, true],
      ["seed-1", 3, false],
    ]);
  });

  test.each(["crashed", "paused"])(
    "of a peer that has %s is right, and a moment after its return excusable",
    (type) => {
      const { observer, scenario, remove } = watching();
      scenario(1, 2, type);
      remove(2, 2);
      if (type === "paused") scenario(10, 2, "resumed");
      else scenario(10, 2, "restarted", { name: "peer-1", keepsDisk: true });
      remove(109, 2);
      remove(110, 2);
      expect(observer.removals.map(({ isFalse }) => isFalse)).toEqual([false, false, true]);
    },
  );

  test.each(["partitioned", "cut"])("while the network is %s is no mistake, nor a moment after", (type) => {
    const { observer, scenario, remove } = watching();
    scenario(1, "", type);
    remove(500, 2);
    scenario(1000, "", "healed");
    remove(1099, 2);
    remove(1100, 2);
    expect(observer.removals.map(({ isFalse }) => isFalse)).toEqual([false, false, true]);
  });

  test("of the id of an earlier life is right", () => {
    const { observer, scenario, remove } = watching();
    scenario(1, 2, "crashed");
    scenario(2, 22, "restarted", { name: "peer-1", keepsDisk: true });
    remove(1000, 2);
    remove(1000, 22);
    expect(observer.removals.map(({ isFalse }) => isFalse)).toEqual([false, true]);
    expect(observer.node("peer-1")).toMatchObject({ id: 22, life: 2, isLiving: true });
  });
});

test("what happened is counted by type, and who is active is known", () => {
  const { observer, scenario, tell } = watching();
  tell(1, 2, "heartbeat", "ping-sent");
  tell(1, 2, "heartbeat", "ping-sent");
  scenario(2, 2, "paused");
  scenario(2, 1, "crashed");
  expect(Object.fromEntries(observer.counts)).toEqual({ joined: 3, "ping-sent": 2, paused: 1, crashed: 1 });
  expect(observer.activePeers.map(({ name }) => name)).toEqual(["peer-2"]);
  expect(observer.activeSeeds).toEqual([]);
});
