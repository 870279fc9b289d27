import { expect, test } from "vitest";
import { traceEvent } from "./trace.ts";

test("an event is the notice with its time, node and layer", () => {
  const notice = { type: "ping-answered", neighbor: "b", rttMs: 12 };
  expect(traceEvent(5, "a", "heartbeat", notice)).toEqual({
    at: 5,
    node: "a",
    layer: "heartbeat",
    type: "ping-answered",
    neighbor: "b",
    rttMs: 12,
  });
});

test("bytes become their length", () => {
  const event = traceEvent(5, "a", "broadcast", { type: "delivered", payload: new Uint8Array(300) } as {
    type: string;
  });
  expect(event).toMatchObject({ payloadBytes: 300 });
  expect(event).not.toHaveProperty("payload");
});

test("the time of an event is when it happened, also where the notice brings a time of its own", () => {
  const published = { type: "delivered", origin: "b", at: 1000 };
  expect(traceEvent(1200, "a", "broadcast", published)).toMatchObject({ at: 1200, statedAt: 1000 });
});

test("the notice is not changed", () => {
  const notice = Object.freeze({ type: "left" });
  expect(traceEvent(1, 7, "introduction", notice)).toEqual({
    at: 1,
    node: 7,
    layer: "introduction",
    type: "left",
  });
});

test("an event is one line of JSON", () => {
  const line = JSON.stringify(
    traceEvent(1, "a", "broadcast", { type: "forwarded", to: ["b", "c"] } as { type: string }),
  );
  expect(line).toBe('{"at":1,"node":"a","layer":"broadcast","type":"forwarded","to":["b","c"]}');
});
