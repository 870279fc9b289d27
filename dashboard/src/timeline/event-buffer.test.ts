import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../../../src/core/index.ts";
import { NodeRegister } from "../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../src/trace/picture.ts";
import { contentOf } from "../../../test/support/picture-content.ts";
import { tracedRun } from "../../../test/support/traced-run.ts";
import { EventBuffer } from "./event-buffer.ts";

function bufferOf(events: readonly TraceEvent[], maxEvents = 1e9, eventsPerCheckpoint = 100): EventBuffer {
  const register = new NodeRegister();
  const buffer = new EventBuffer(register, { maxEvents, eventsPerCheckpoint });
  const picture = new NetworkPicture(register);
  for (const event of events) {
    buffer.push(event, picture);
    picture.apply(event);
  }
  return buffer;
}

const ping = (at: number): TraceEvent => ({
  at,
  node: 1,
  layer: "heartbeat",
  type: "ping-sent",
  neighbor: 2,
});

describe("the events that the page keeps", () => {
  test("give the picture before any of them as a fold from the first would", async () => {
    const { events } = await tracedRun();
    const buffer = bufferOf(events);
    const folded = new NetworkPicture(new NodeRegister());
    for (const [index, event] of events.entries()) {
      if (index % 37 === 0) expect(contentOf(buffer.pictureBefore(index))).toEqual(contentOf(folded));
      folded.apply(event);
    }
    expect(contentOf(buffer.pictureBefore(events.length))).toEqual(contentOf(folded));
    expect(events.length).toBeGreaterThan(1000);
  });

  test("are forgotten from the beginning, and those that are kept still give their pictures", async () => {
    const { events } = await tracedRun();
    const buffer = bufferOf(events, 600);
    expect(buffer.end - buffer.first).toBeLessThanOrEqual(600);
    expect(buffer.forgotten).toBe(buffer.first);
    expect(buffer.get(buffer.first - 1)).toBeUndefined();
    const folded = new NetworkPicture(new NodeRegister());
    for (const [index, event] of events.entries()) {
      if (index >= buffer.first && index % 37 === 0)
        expect(contentOf(buffer.pictureBefore(index))).toEqual(contentOf(folded));
      folded.apply(event);
    }
  });

  test("are found by their moment, also where several share one or fall on the edge of a block", () => {
    const times = Array.from({ length: 1000 }, (_, i) => Math.floor(i / 7) * 10);
    const buffer = bufferOf(times.map(ping));
    for (const at of [-1, 0, 5, 10, 140, 141, 500, 1420, 9999])
      expect(buffer.indexAfter(at)).toBe(times.filter((time) => time <= at).length);
  });

  test("keep their order where a clock was set back: what comes later is shown later", () => {
    const buffer = bufferOf([ping(100), ping(200), ping(150), ping(250)]);
    expect([0, 1, 2, 3].map((index) => buffer.timeAt(index))).toEqual([100, 200, 200, 250]);
    expect(buffer.indexAfter(199)).toBe(1);
    expect(buffer.indexAfter(200)).toBe(3);
  });

  test("take no time from the mark of a gap, which has only the clock of the machine", () => {
    const gap: TraceEvent = { at: 1.7e12, node: "", layer: "trace", type: "lost", events: 3 };
    const buffer = bufferOf([ping(100), gap, ping(110)]);
    expect(buffer.lastAt).toBe(110);
  });

  test("never give two pictures of different networks under one version", async () => {
    const { events } = await tracedRun();
    const buffer = bufferOf(events);
    const versions = [100, 200, 300, 400].map((index) => buffer.pictureBefore(index).topologyVersion);
    expect(new Set(versions).size).toBe(4);
  });
});
