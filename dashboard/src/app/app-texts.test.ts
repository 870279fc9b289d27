import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../../../src/core/index.ts";
import type { FeedHello, FeedSampling } from "../../../src/trace/feed.ts";
import { NodeRegister } from "../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../src/trace/picture.ts";
import { NotableEvents } from "../timeline/notable-events.ts";
import { anyPeer, peersOf, publisherOf, whyNot } from "./hands-rules.ts";
import { decodedPart, splitHash } from "./hash-address.ts";
import { samplingText } from "./sampling-text.ts";
import { marksOf, momentAt, placeOf } from "./scrubber-marks.ts";
import { sinceText, speedText } from "./time-text.ts";

describe("moments", () => {
  test("are written in seconds, and from a minute on as clocks do", () => {
    expect(sinceText(0)).toBe("+0.000 s");
    expect(sinceText(12_345)).toBe("+12.345 s");
    expect(sinceText(59_999.6)).toBe("+1:00.000");
    expect(sinceText(62_345)).toBe("+1:02.345");
    expect(sinceText(7_262_345)).toBe("+2:01:02.345");
    expect(sinceText(-1500)).toBe("−1.500 s");
    expect([speedText(0.1), speedText(Number.POSITIVE_INFINITY)]).toEqual(["0.1×", "max"]);
  });
});

describe("addresses behind the #", () => {
  test("have a path and a question, either of which may be missing", () => {
    expect(splitHash("#/network?node=peer-3")).toEqual({ path: "/network", search: "node=peer-3" });
    expect(splitHash("#/spread/ab.1.0")).toEqual({ path: "/spread/ab.1.0", search: "" });
    expect(splitHash("")).toEqual({ path: "/", search: "" });
    expect(splitHash("#/events?text=a?b")).toEqual({ path: "/events", search: "text=a?b" });
  });

  test("may have parts that nobody encoded: these stand for themselves", () => {
    expect(["a%2Fb", "50%", "%zz.1.0"].map(decodedPart)).toEqual(["a/b", "50%", "%zz.1.0"]);
  });
});

describe("what was left out", () => {
  const one = (at: number, fields: Partial<FeedSampling>): FeedSampling => ({
    at,
    messagesFollowed: 0,
    messagesLeftOut: 0,
    eventsLeftOut: {},
    ...fields,
  });
  const live = { at: 10_000, kind: "live", forgotten: 0 } as const;

  test("is not mentioned where nothing was", () => {
    expect(samplingText([], live)).toBeUndefined();
  });

  test("is summed over the last seconds of a live network, and over all of a recorded one", () => {
    const samplings = [
      one(1000, { messagesFollowed: 50, messagesLeftOut: 50 }),
      one(9000, { messagesFollowed: 1, messagesLeftOut: 49 }),
      one(10_000, { messagesFollowed: 2, messagesLeftOut: 48 }),
      one(11_000, { messagesFollowed: 9, messagesLeftOut: 9 }),
    ];
    expect(samplingText(samplings, live)?.short).toBe("3 of 100 messages in 5 s");
    expect(samplingText(samplings, { ...live, kind: "recorded" })?.short).toBe("62 of 218 messages");
  });

  test("names the types of events that are missing, the most frequent first, and what was forgotten", () => {
    const samplings = [one(9000, { eventsLeftOut: { "ping-sent": 10, "ping-answered": 2000 } })];
    const text = samplingText(samplings, { ...live, forgotten: 4000 })!;
    expect(text.short).toBe("2,010 events left out in 5 s");
    expect(text.long).toContain("2,000 ping-answered, 10 ping-sent");
    expect(text.long).toContain("4,000 events are no longer kept");
  });
});

describe("marks of the time bar", () => {
  const event = (at: number, type: string, fields = {}): TraceEvent => ({
    at,
    node: 1,
    layer: "scenario",
    type,
    ...fields,
  });
  const range = { first: 0, head: 1000, width: 100 };

  test("stand where it happened, one for all of a kind on the same pixel, the deaths on top", () => {
    const notable = new NotableEvents();
    for (const one of [
      event(100, "published"),
      event(101, "published"),
      event(500, "crashed"),
      event(700, "stopped", { reason: "closed" }),
      event(800, "partitioned"),
      event(2000, "crashed"),
    ])
      notable.apply(one);
    expect(marksOf(notable, range).map(({ x, kind, count }) => [x, kind, count])).toEqual([
      [10, "published", 2],
      [80, "disturbance", 1],
      [50, "death", 1],
    ]);
  });

  test("are bounded, and spread over the whole run", () => {
    const notable = new NotableEvents();
    for (let at = 0; at < 100_000; at++) notable.apply(event(at, "published"));
    const kept = notable.of("published");
    expect(kept.length).toBeLessThanOrEqual(2000);
    expect(kept.at(-1)!.at).toBe(99_999);
    expect(kept[0]!.at).toBeLessThan(10_000);
  });

  test("places and moments are each other's inverse, and stay on the line", () => {
    for (const at of [0, 250, 1000]) expect(momentAt(placeOf(at, range), range)).toBe(at);
    expect([momentAt(-5, range), momentAt(500, range)]).toEqual([0, 1000]);
    expect(placeOf(5, { first: 5, head: 5, width: 100 })).toBe(100);
  });
});

describe("hands", () => {
  const hello: FeedHello = {
    world: "live",
    at: 0,
    startedAt: 0,
    hands: ["publish"],
    readOnly: "this process has one node",
    about: { profile: "classic", options: {} },
  };

  test("say why they can do nothing", () => {
    expect(whyNot(hello, { type: "open" }, "publish")).toBeUndefined();
    expect(whyNot(hello, { type: "open" }, "cut")).toBe("this process has one node");
    expect(whyNot(undefined, { type: "connecting" }, "publish")).toBeDefined();
    expect(whyNot(hello, { type: "lost", why: "", retryAt: 0 }, "publish")).toBe("the connection is lost");
    expect(whyNot(hello, { type: "ended", why: "" }, "publish")).toBe("the network has ended");
  });

  test("let a living peer speak, in the order in which people count", () => {
    const picture = new NetworkPicture(new NodeRegister());
    for (const [node, name, role] of [
      [0, "seed-1", "seed"],
      [1, "peer-10", "peer"],
      [2, "peer-2", "peer"],
      [3, "peer-3", "peer"],
    ] as const)
      picture.apply({ at: 0, node, layer: "scenario", type: "joined", name, role });
    picture.apply({ at: 1, node: 3, layer: "scenario", type: "crashed" });
    expect(peersOf(picture)).toEqual(["peer-2", "peer-10"]);
    expect(publisherOf(picture, anyPeer, 0.9)).toBe("peer-10");
    expect(publisherOf(picture, "peer-2", 0.9)).toBe("peer-2");
    expect(publisherOf(new NetworkPicture(new NodeRegister()), anyPeer, 0)).toBeUndefined();
  });
});
