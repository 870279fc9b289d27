import { describe, expect, test } from "vitest";
import { FeedSampler, type FeedSamplerConfig } from "./sampler.ts";

interface Told {
  readonly node: number;
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Says events to a sampler and keeps what it lets through. */
class Feeder {
  readonly sampler: FeedSampler;
  readonly told: Told[] = [];
  constructor(config: FeedSamplerConfig) {
    this.sampler = new FeedSampler(config);
  }
  say(node: number, type: string, fields: Record<string, unknown> = {}, layer = "broadcast"): boolean {
    const isTold = this.sampler.admits(node, layer, { type, ...fields });
    if (isTold) this.told.push({ node, type, ...fields });
    return isTold;
  }
  publish(origin: number, sequence: number): boolean {
    return this.say(origin, "published", { origin, incarnation: 1, sequence });
  }
  /** Everybody gets the message, and hands it on. */
  spread(origin: number, sequence: number, nodes: number): void {
    const message = { origin, incarnation: 1, sequence };
    for (let node = 0; node < nodes; node++) {
      if (node !== origin) this.say(node, "delivered", message);
      this.say(node, "forwarded", { ...message, count: 1, to: [0] });
    }
  }
}

const eventsOf = (told: readonly Told[], sequence: number) =>
  told.filter((event) => event["sequence"] === sequence).length;

describe("messages", () => {
  test("a flood of them is followed in part, each whole or not at all", () => {
    const nodes = 50;
    const feeder = new Feeder({ eventsPerSecond: 1000 });
    const messages = 4000;
    for (let i = 0; i < messages; i++) {
      feeder.publish(i % nodes, i);
      feeder.spread(i % nodes, i, nodes);
      feeder.sampler.pass(5);
    }
    const whole = 2 * nodes;
    const followed = Array.from({ length: messages }, (_, i) => eventsOf(feeder.told, i));
    expect(new Set(followed)).toEqual(new Set([0, whole]));
    // 20 s at 1000 a second, and the burst of the beginning.
    expect(feeder.told.length).toBeLessThanOrEqual(22_000 + whole);
    expect(feeder.told.length).toBeGreaterThan(15_000);
  });

  test("those published all at once are held to what they are thought to take", () => {
    const feeder = new Feeder({ eventsPerSecond: 1000, eventsPerMessage: 200 });
    for (let i = 0; i < 5000; i++) feeder.publish(0, i);
    for (let i = 0; i < 5000; i++) feeder.spread(0, i, 100);
    expect(feeder.told.length).toBe(10 * 200);
  });

  test("what they take is learned: dear ones make the following ones fewer", () => {
    const feeder = new Feeder({ eventsPerSecond: 1000, eventsPerMessage: 1 });
    let before = 0;
    for (let second = 0; second < 60; second++) {
      if (second === 30) before = feeder.told.length;
      for (let i = 0; i < 50; i++) {
        feeder.publish(0, second * 50 + i);
        feeder.spread(0, second * 50 + i, 200);
        feeder.sampler.pass(20);
      }
    }
    expect((feeder.told.length - before) / 30).toBeLessThan(1100);
    expect((feeder.told.length - before) / 30).toBeGreaterThan(700);
  });

  test("those that spread slowly do not look cheap meanwhile", () => {
    const feeder = new Feeder({ eventsPerSecond: 1000, eventsPerMessage: 200 });
    for (let tick = 0; tick < 300; tick++) {
      if (tick < 200) for (let i = 0; i < 5; i++) feeder.publish(0, tick * 5 + i);
      // Each message reaches two nodes in a tenth of a second, and takes ten seconds to reach all of them.
      for (let sequence = 0; sequence < Math.min(tick, 200) * 5; sequence++) {
        const round = tick - Math.floor(sequence / 5);
        if (round > 100) continue;
        for (const node of [2 * round, 2 * round + 1])
          feeder.say(node, "delivered", { origin: 0, incarnation: 1, sequence });
      }
      feeder.sampler.pass(100);
    }
    expect(feeder.told.length).toBeLessThanOrEqual(20 * 1000 + 2000 + 1000);
    expect(feeder.told.length).toBeGreaterThan(15_000);
  });

  test("those that were under way while the process hung do not look cheap either", () => {
    const feeder = new Feeder({ eventsPerSecond: 1000, eventsPerMessage: 200 });
    for (let i = 0; i < 8; i++) feeder.publish(0, i);
    feeder.sampler.pass(30_000);
    const followed = Array.from({ length: 100 }, (_, i) => feeder.publish(0, 8 + i)).filter(Boolean);
    expect(followed).toHaveLength(10);
  });

  test("one of them is followed every few seconds, though it takes more than there is room for", () => {
    const feeder = new Feeder({ eventsPerSecond: 100, eventsPerMessage: 600 });
    const followed: number[] = [];
    for (let i = 0; i < 600; i++) {
      if (feeder.publish(0, i)) followed.push(i);
      feeder.spread(0, i, 300);
      feeder.sampler.pass(100);
    }
    // Each takes the room of 6 s; half of the time is left for what else there is.
    expect(followed.length).toBe(5);
  });

  test("one that would take the room of minutes is not followed at all", () => {
    const feeder = new Feeder({ eventsPerSecond: 100, eventsPerMessage: 1_000_000 });
    expect(feeder.publish(0, 0)).toBe(false);
    feeder.sampler.pass(600_000);
    expect(feeder.publish(0, 1)).toBe(false);
  });

  test("the one that was published by hand is followed, whatever it takes", () => {
    const feeder = new Feeder({ eventsPerSecond: 100, eventsPerMessage: 1_000_000 });
    feeder.sampler.followNext("abc@127.0.0.1:1");
    const message = { origin: "abc@127.0.0.1:2", incarnation: 1, sequence: 0 };
    expect(feeder.say(7, "published", message)).toBe(true);
    expect(feeder.say(8, "delivered", message)).toBe(true);
    expect(feeder.say(7, "published", { ...message, sequence: 1 })).toBe(false);
  });

  test("one of an earlier life is not taken for its namesake of this one", () => {
    const feeder = new Feeder({ eventsPerSecond: 100, eventsPerMessage: 150 });
    const message = { origin: 1, sequence: 0 };
    expect(feeder.say(1, "published", { ...message, incarnation: 1 })).toBe(true);
    expect(feeder.say(1, "published", { ...message, incarnation: 2 })).toBe(false);
    expect(feeder.say(2, "delivered", { ...message, incarnation: 1 })).toBe(true);
    expect(feeder.say(2, "delivered", { ...message, incarnation: 2 })).toBe(false);
  });

  test("what is handed on together is told if one of the messages is followed", () => {
    const feeder = new Feeder({ eventsPerSecond: 100, eventsPerMessage: 150 });
    expect([0, 1].map((i) => feeder.publish(3, i))).toEqual([true, false]);
    const batch = { origin: 3, incarnation: 1, count: 2, to: [4] };
    expect(feeder.say(3, "forwarded", { ...batch, sequence: 0 })).toBe(true);
    expect(feeder.say(3, "forwarded", { ...batch, sequence: 1 })).toBe(false);
  });

  test("a decision outlives tens of thousands of later ones", () => {
    const feeder = new Feeder({ eventsPerSecond: 100, eventsPerMessage: 150 });
    expect(feeder.publish(0, 0)).toBe(true);
    for (let i = 1; i < 40_000; i++) feeder.publish(0, i);
    expect(feeder.say(1, "delivered", { origin: 0, incarnation: 1, sequence: 0 })).toBe(true);
    expect(feeder.say(1, "delivered", { origin: 0, incarnation: 1, sequence: 20_000 })).toBe(false);
  });
});

test("the limit can change on the way", () => {
  const feeder = new Feeder({ eventsPerSecond: 1000 });
  const toldIn = (seconds: number) => {
    const before = feeder.told.length;
    for (let i = 0; i < seconds * 100; i++) {
      for (let k = 0; k < 50; k++) feeder.say(1, "warning", {}, "node");
      feeder.sampler.pass(10);
    }
    return feeder.told.length - before;
  };
  toldIn(10);
  expect(Math.round(toldIn(10) / 100)).toBe(100);
  feeder.sampler.limitTo(100);
  expect(Math.round(toldIn(10) / 100)).toBe(10);
  feeder.sampler.limitTo(1000);
  // The room of two seconds comes at once.
  expect(Math.round(toldIn(10) / 100)).toBe(118);
  expect(Math.round(toldIn(10) / 100)).toBe(100);
});

describe("everything else", () => {
  const ping = (feeder: Feeder, type = "ping-answered") => feeder.say(1, type, { neighbor: 2 }, "heartbeat");

  test("pings go first when room is short, and the structure is told whole", () => {
    const feeder = new Feeder({ eventsPerSecond: 1000 });
    for (let i = 0; i < 10_000; i++) {
      ping(feeder, "ping-sent");
      if (i % 2 === 0) feeder.say(i, "neighbor-up", { neighbor: 2 }, "overlay");
    }
    const count = (type: string) => feeder.told.filter((event) => event.type === type).length;
    expect(count("neighbor-up")).toBe(5000);
    expect(count("ping-sent")).toBeLessThan(1000);
  });

  test("even the structure has an end, and it is said that a picture has to be told anew", () => {
    const feeder = new Feeder({ eventsPerSecond: 100 });
    for (let i = 0; i < 10_000; i++) feeder.say(i, "neighbor-up", { neighbor: 2 }, "overlay");
    expect(feeder.told.length).toBe(1200);
    expect(feeder.sampler.takeGap()).toBe(false);
    feeder.sampler.pass(11_000);
    expect(feeder.sampler.takeGap()).toBe(true);
    expect(feeder.sampler.takeGap()).toBe(false);
  });

  test("the answer after a silence that was told is told too", () => {
    const feeder = new Feeder({ eventsPerSecond: 100 });
    while (ping(feeder));
    expect(ping(feeder, "ping-missed")).toBe(true);
    expect(ping(feeder)).toBe(true);
    expect(ping(feeder)).toBe(false);
  });

  test("an answer after a silence is told, however many never answered before", () => {
    const feeder = new Feeder({ eventsPerSecond: 1000 });
    for (let i = 0; i < 11_000; i++) feeder.say(i + 10, "ping-missed", { neighbor: 3 }, "heartbeat");
    expect(ping(feeder, "ping-missed")).toBe(true);
    expect(ping(feeder)).toBe(true);
    expect(ping(feeder)).toBe(false);
  });

  test("what was left out is said once, by type, and that nothing was, not at all", () => {
    const feeder = new Feeder({ eventsPerSecond: 100, eventsPerMessage: 50 });
    expect(feeder.sampler.sampling(1)).toBeUndefined();
    for (let i = 0; i < 5; i++) feeder.publish(0, i);
    for (let i = 0; i < 3; i++) ping(feeder);
    const told = { messagesFollowed: 4, messagesLeftOut: 1, eventsLeftOut: { "ping-answered": 3 } };
    expect(feeder.sampler.sampling(2)).toEqual({ at: 2, ...told });
    expect(feeder.sampler.sampling(3)).toBeUndefined();
  });
});
