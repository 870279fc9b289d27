import { expect, test } from "vitest";
import { type ServerSentEvent, ServerSentEvents } from "./server-sent-events.ts";

function read(pieces: readonly string[], maxLength = 1000) {
  const told: ServerSentEvent[] = [];
  const events = new ServerSentEvents(maxLength, (event) => told.push(event));
  for (const piece of pieces) events.push(piece);
  return { told, skipped: events.skipped };
}

const stream =
  ': hello\n\nevent: totals\ndata: {"at":1}\n\ndata: first\r\ndata: second\r\n\r\ndata:tight\n\nevent: x\n\n';
const events = [
  { event: "totals", data: '{"at":1}' },
  { event: "message", data: "first\nsecond" },
  { event: "message", data: "tight" },
];

test("events are read, whole or in pieces of any size", () => {
  expect(read([stream]).told).toEqual(events);
  for (const size of [1, 2, 3, 7]) {
    const pieces = stream.match(new RegExp(`.{1,${size}}`, "gs"))!;
    expect(read(pieces).told).toEqual(events);
  }
});

test("an event that has not ended is not told", () => {
  expect(read(["data: half\n"]).told).toEqual([]);
});

test("an event that is too long is passed over and counted, in one line or in many", () => {
  const long = "x".repeat(5000);
  const manyLines = "data: 123456789\n".repeat(200);
  for (const event of [`data: ${long}\n\n`, `${manyLines}\n`]) {
    const pieces = event.match(/.{1,64}/gs)!;
    expect(read([...pieces, "data: next\n\n"])).toEqual({
      told: [{ event: "message", data: "next" }],
      skipped: 1,
    });
  }
});

test("a line that never ends is not kept", () => {
  const events = new ServerSentEvents(1000, () => {});
  for (let i = 0; i < 100; i++) events.push("x".repeat(900));
  events.push("\n\ndata: a\n\n");
  expect(events.skipped).toBe(1);
});
