import { describe, expect, test } from "vitest";
import { BroadcastWorld } from "../../test/support/broadcast-world.ts";
import { type Typed, UsageError } from "../core/index.ts";

/** 1 - 2 - 3, of which the one in the middle subscribes to something. */
function chain(...topics: string[]): BroadcastWorld {
  const world = new BroadcastWorld(1);
  for (const node of [1, 2, 3]) world.addBroadcast(node);
  world.link(1, 2);
  world.link(2, 3);
  world.runUntil(500);
  if (topics.length > 0) world.command(2, "broadcast", { type: "subscribe", topics } as Typed);
  return world;
}
function says(world: BroadcastWorld, text: string, topic?: string): void {
  const publish = { type: "publish", payloads: [text], ...(topic === undefined ? {} : { topic }) };
  world.command(1, "broadcast", publish as Typed);
  world.runUntil(world.now + 1000);
}

describe("a node that has subscribed", () => {
  test("delivers what has no topic and what has one of its topics, and passes on the rest", () => {
    const world = chain("weather");
    says(world, "hello");
    says(world, "rain", "weather");
    says(world, "3:1", "sports");
    expect(world.deliveredAt(2)).toEqual(["hello", "rain"]);
    expect(world.deliveredAt(3)).toEqual(["hello", "rain", "3:1"]);
    expect(world.broadcasts.get(2)!.counters).toMatchObject({ delivered: 2, filtered: 1 });
  });

  test("delivers all again when it has unsubscribed from all", () => {
    const world = chain("weather", "news");
    world.command(2, "broadcast", { type: "unsubscribe", topics: ["weather"] } as Typed);
    says(world, "rain", "weather");
    expect(world.deliveredAt(2)).toEqual([]);
    world.command(2, "broadcast", { type: "unsubscribe", topics: ["news", "unknown"] } as Typed);
    says(world, "sun", "weather");
    expect(world.deliveredAt(2)).toEqual(["sun"]);
  });

  test("subscribes to no more than so many, and to nothing that is no topic", () => {
    const world = chain("weather");
    const many = Array.from({ length: 1024 }, (_, i) => `topic ${i}`);
    for (const topics of [many, [""], ["x".repeat(65)], ["\u001b[2J"]])
      expect(() => world.command(2, "broadcast", { type: "subscribe", topics } as Typed)).toThrow(UsageError);
    says(world, "nothing", "topic 1");
    expect(world.deliveredAt(2)).toEqual([]);
  });
});

test("a topic is signed with its message, and told with it", () => {
  const world = chain();
  says(world, "rain", "weather");
  expect(world.of("published", 1)[0]!.notice).toMatchObject({ topic: "weather" });
  expect(world.of("delivered", 3)[0]!.notice).toMatchObject({ topic: "weather" });
  const changes = chain("weather");
  changes.delivers = (_from, _to, message) => {
    const { statement } = message.body as unknown as { statement?: { topic?: string } };
    if (statement?.topic !== undefined) statement.topic = "weather";
    return true;
  };
  says(changes, "3:1", "sports");
  expect(changes.deliveredAt(2)).toEqual([]);
  expect(changes.of("forged-gossip", 2)).toHaveLength(1);
});

test("what is no topic is not published", () => {
  const world = chain();
  for (const topic of ["", "x".repeat(65), "\u0000"])
    expect(() => says(world, "text", topic)).toThrow(UsageError);
  expect(world.deliveredAt(2)).toEqual([]);
});
