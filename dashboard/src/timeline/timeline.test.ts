import { describe, expect, test } from "vitest";
import { seededRandom, type TraceEvent } from "../../../src/core/index.ts";
import type { FeedHello } from "../../../src/trace/feed.ts";
import { NodeRegister } from "../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../src/trace/picture.ts";
import { contentOf } from "../../../test/support/picture-content.ts";
import { tracedRun } from "../../../test/support/traced-run.ts";
import type { Source, SourceClock } from "../sources/source.ts";
import { Timeline } from "./timeline.ts";

const hello: FeedHello = {
  world: "simulated",
  at: 0,
  startedAt: 0,
  hands: [],
  about: { profile: "classic", options: {} },
};

function timelineOf(kind: Source["kind"], clock?: SourceClock): Timeline {
  const timeline = new Timeline({
    kind,
    label: "test",
    start(listener) {
      listener.onState({ type: "open" });
      listener.onHello(hello);
    },
    close() {},
    act: async () => {},
    details: async () => undefined,
    why: async () => undefined,
    ...(clock === undefined ? {} : { clock }),
  });
  timeline.start();
  return timeline;
}

/** The network after all events up to that moment, folded from the first. */
function foldedUntil(events: readonly TraceEvent[], at: number): NetworkPicture {
  const picture = new NetworkPicture(new NodeRegister());
  for (const event of events) {
    if (event.at > at) break;
    picture.apply(event);
  }
  return picture;
}

const ping = (at: number): TraceEvent => ({
  at,
  node: 1,
  layer: "heartbeat",
  type: "ping-sent",
  neighbor: 2,
});

describe("the time of a network", () => {
  test("shows at every moment what a fold from the start shows, however one got there", async () => {
    const { events } = await tracedRun();
    for (const seed of [1, 2, 3]) {
      const random = seededRandom(seed);
      const draw = (below: number) => random.below(below);
      const timeline = timelineOf("live");
      let told = 0;
      const tell = (count: number) => {
        timeline.onEvents(events.slice(told, told + count));
        told = Math.min(events.length, told + count);
      };
      tell(200);
      const hands = [
        () => tell(1 + draw(120)),
        () => timeline.seek(timeline.first + draw(timeline.head - timeline.first + 1)),
        () => timeline.step(1),
        () => timeline.step(-1),
        () => timeline.play(),
        () => timeline.pause(),
        () => timeline.setSpeed([0.1, 1, 100][draw(3)]!),
        () => timeline.tick(1 + draw(200)),
        () => timeline.setPace({ type: "follow" }),
      ];
      for (let i = 0; i < 400; i++) {
        hands[draw(hands.length)]!();
        const { cursor, picture } = timeline;
        const known = foldedUntil(events.slice(0, told), cursor);
        expect(contentOf(picture), `seed ${seed}, hand ${i}, at ${cursor}`).toEqual(contentOf(known));
      }
    }
  });

  test("stands still for who looks back, while more happens", () => {
    const timeline = timelineOf("live");
    timeline.onEvents([100, 200, 300].map(ping));
    timeline.seek(150);
    expect(timeline.pace.type).toBe("paused");
    timeline.onEvents([400, 500].map(ping));
    expect([timeline.cursor, timeline.picture.at, timeline.head]).toEqual([150, 100, 500]);
    timeline.setPace({ type: "follow" });
    timeline.onEvents([600].map(ping));
    expect([timeline.cursor, timeline.picture.at]).toEqual([600, 600]);
  });

  test("plays on from where one looks, and follows again when it has caught up", () => {
    const timeline = timelineOf("live");
    timeline.onEvents([100, 200, 300].map(ping));
    timeline.seek(100);
    const passed: number[] = [];
    timeline.onPassed(({ at }) => passed.push(at));
    timeline.setSpeed(2);
    timeline.play();
    timeline.tick(60);
    expect([timeline.cursor, passed]).toEqual([220, [200]]);
    timeline.onEvents([ping(310)]);
    timeline.tick(60);
    expect([timeline.cursor, timeline.pace.type, passed]).toEqual([310, "follow", [200, 300, 310]]);
  });

  test("tells what is passed in playing, and nothing of what is jumped over", () => {
    const timeline = timelineOf("recorded");
    timeline.onEvents(Array.from({ length: 100 }, (_, i) => ping(i)));
    const passed: number[] = [];
    timeline.onPassed(({ at }) => passed.push(at));
    timeline.seek(10);
    timeline.seek(50);
    expect(passed).toEqual([]);
    timeline.step(1);
    expect(passed).toEqual([51]);
  });

  test("opens a recording at its end, plays it from its beginning and stops there again", () => {
    const timeline = timelineOf("recorded");
    timeline.onEvents([10, 20, 30].map(ping));
    timeline.onState({ type: "ended", why: "3 events" });
    expect([timeline.pace.type, timeline.cursor]).toEqual(["paused", 30]);
    timeline.play();
    expect([timeline.pace.type, timeline.cursor]).toEqual(["play", 10]);
    timeline.tick(15);
    expect([timeline.cursor, timeline.picture.at]).toEqual([25, 20]);
    timeline.tick(15);
    expect([timeline.pace.type, timeline.cursor, timeline.picture.at]).toEqual(["paused", 30, 30]);
  });

  test("takes events that share a moment as one step, forwards and back", () => {
    const timeline = timelineOf("recorded");
    timeline.onEvents([10, 20, 20, 20, 30].map(ping));
    timeline.step(-1);
    expect(timeline.cursor).toBe(20);
    timeline.step(-1);
    expect(timeline.cursor).toBe(10);
    timeline.step(-1);
    expect(timeline.cursor).toBe(10);
    timeline.step(1);
    expect(timeline.cursor).toBe(20);
    timeline.step(1);
    expect(timeline.cursor).toBe(30);
  });

  test("lets a simulation run only while one follows it, at the speed that was chosen", () => {
    const speeds: number[] = [];
    const runs: number[] = [];
    const clock: SourceClock = {
      setSpeed: (speed) => speeds.push(speed),
      runTo: (at) => runs.push(at),
      fork: () => Promise.reject(new Error("not here")),
    };
    const timeline = timelineOf("simulated", clock);
    expect(speeds.at(-1)).toBe(1);
    timeline.onEvents([10, 20].map(ping));
    timeline.setSpeed(5);
    expect([speeds.at(-1), timeline.pace.type]).toEqual([5, "follow"]);
    timeline.seek(10);
    expect(speeds.at(-1)).toBe(0);
    timeline.play();
    expect(speeds.at(-1)).toBe(0);
    timeline.tick(10);
    expect([speeds.at(-1), timeline.pace.type]).toEqual([5, "follow"]);
    timeline.pause();
    timeline.step(1);
    expect(runs).toEqual([30]);
    timeline.onEvents([25, 27].map(ping));
    expect(timeline.cursor).toBe(25);
  });

  test("keeps no more than it may, and goes on for who stood where it has forgotten", () => {
    const timeline = timelineOf("live");
    timeline.onEvents([ping(0)]);
    timeline.pause();
    for (let i = 0; i < 350; i++)
      timeline.onEvents(Array.from({ length: 1000 }, (_, k) => ping(1 + i * 1000 + k)));
    expect(timeline.events.end - timeline.events.first).toBeLessThanOrEqual(300_000);
    expect(timeline.cursor).toBe(0);
    timeline.play();
    timeline.tick(1);
    expect(timeline.cursor).toBe(timeline.first);
    expect(timeline.picture.at).toBe(timeline.first);
  });

  test("keeps the totals of a long run, ever more seldom the older it is", () => {
    const timeline = timelineOf("live");
    const totals = {
      peers: 1,
      seeds: 1,
      stopped: 0,
      published: 0,
      delivered: 0,
      copiesSent: 0,
      sentBytes: {},
      sentMessages: {},
      latencyMs: { count: 0, p50: 0, p99: 0, max: 0 },
    };
    for (let i = 0; i < 20_000; i++) timeline.onTotals({ at: i * 1000, ...totals });
    expect(timeline.totals.length).toBeLessThanOrEqual(3600);
    expect(timeline.totals[0]!.at).toBeLessThan(20_000_000 / 10);
    expect(timeline.totals.at(-1)!.at).toBe(19_999_000);
  });

  test("begins anew with every hello", () => {
    const timeline = timelineOf("live");
    timeline.onEvents([10, 20].map(ping));
    timeline.seek(10);
    const { epoch } = timeline;
    timeline.onHello({ ...hello, at: 500 });
    expect([timeline.epoch, timeline.cursor, timeline.pace.type]).toEqual([epoch + 1, 500, "follow"]);
    expect(timeline.picture.nodes.size).toBe(0);
  });
});
