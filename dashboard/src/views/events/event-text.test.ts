import { expect, test } from "vitest";
import { TraceSummary } from "../../../../src/trace/summary.ts";
import { isTraceEvent, isTraceHeader, parseTraceLine } from "../../../../src/trace/trace-line.ts";
import { eventLine, traceLines } from "./event-text.ts";

const nameOf = (id: string | number) => (id === 2 ? "peer-2" : undefined);
const event = {
  at: 1,
  node: 1,
  layer: "heartbeat",
  type: "suspected",
  neighbor: 2,
  misses: 2,
  witnesses: [2, 3, 4, 5, 6],
};

test("an event on one line has names for nodes, and numbers that are none stay numbers", () => {
  expect(eventLine(event, nameOf)).toBe("neighbor peer-2 · misses 2 · witnesses peer-2, 3, 4, 5 and 1 more");
});

test("a message is called by its origin and number", () => {
  const message = { origin: 2, incarnation: 1795273878302, sequence: 6 };
  const delivered = { at: 1, node: 1, layer: "broadcast", type: "delivered", ...message, from: 2 };
  expect(eventLine(delivered, nameOf)).toBe("peer-2#6 · from peer-2");
});

test("long texts are cut", () => {
  expect(eventLine({ ...event, witnesses: undefined, payload: "x".repeat(100) } as never, nameOf)).toContain(
    `${"x".repeat(59)}…`,
  );
});

test("what is exported is a trace that tools read, in which each node is named once", () => {
  const named = (id: string | number) => ({ name: `peer-${id}`, role: "peer" });
  const published = {
    at: 2,
    node: 2,
    layer: "broadcast",
    type: "published",
    origin: 2,
    incarnation: 1,
    sequence: 0,
  };
  const lines = [...traceLines({ startedAt: 0, world: "simulated" }, [event, published, event], named)].map(
    (line) => parseTraceLine(line),
  );
  expect(isTraceHeader(lines[0])).toBe(true);
  const summary = new TraceSummary();
  for (const line of lines.slice(1)) if (isTraceEvent(line)) summary.add(line);
  expect(summary.report()).toMatchObject({ events: 5, published: 1, nodes: { peer: 2 } });
});
