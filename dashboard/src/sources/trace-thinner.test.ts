import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../../../src/core/index.ts";
import { TraceThinner } from "./trace-thinner.ts";

const message = (sequence: number, type: string, node: number): TraceEvent => ({
  at: sequence,
  node,
  layer: "broadcast",
  type,
  origin: 0,
  incarnation: 1,
  sequence,
});
const ping = (at: number): TraceEvent => ({
  at,
  node: 1,
  layer: "heartbeat",
  type: "ping-sent",
  neighbor: 2,
});
const crash: TraceEvent = { at: 5, node: 3, layer: "scenario", type: "crashed" };

/** So many messages, each to ten nodes. */
function flood(thinner: TraceThinner, messages: number, from = 0): void {
  for (let sequence = from; sequence < from + messages; sequence++) {
    thinner.add(message(sequence, "published", 0));
    for (let node = 1; node <= 10; node++) {
      thinner.add(message(sequence, "delivered", node));
      thinner.add({ ...message(sequence, "forwarded", node), count: 1, to: [node + 1] });
    }
  }
}

describe("a trace with more events than the page keeps", () => {
  test("is left as it is where there is room, and then nothing is declared", () => {
    const thinner = new TraceThinner(1000);
    flood(thinner, 40);
    thinner.add(ping(1));
    expect(thinner.events).toHaveLength(40 * 21 + 1);
    expect(thinner.sampling(0)).toBeUndefined();
  });

  test("loses its pings first", () => {
    const thinner = new TraceThinner(1000);
    flood(thinner, 40);
    for (let i = 0; i < 500; i++) thinner.add(ping(i));
    expect(thinner.events).toHaveLength(40 * 21);
    expect(thinner.sampling(0)).toEqual({
      at: 0,
      messagesFollowed: 40,
      messagesLeftOut: 0,
      eventsLeftOut: { "ping-sent": 500 },
    });
  });

  test("then loses messages, each of them whole, and keeps what happened to the network", () => {
    const thinner = new TraceThinner(2000);
    thinner.add(crash);
    flood(thinner, 1000);
    expect(thinner.events.length).toBeLessThanOrEqual(2000);
    expect(thinner.events[0]).toBe(crash);
    const perMessage = new Map<unknown, number>();
    for (const { sequence, type } of thinner.events)
      if (type !== "crashed") perMessage.set(sequence, (perMessage.get(sequence) ?? 0) + 1);
    expect(new Set(perMessage.values())).toEqual(new Set([21]));
    const { messagesFollowed, messagesLeftOut } = thinner.sampling(0)!;
    expect(messagesFollowed).toBe(perMessage.size);
    expect(messagesFollowed).toBeGreaterThan(20);
    expect(messagesFollowed + messagesLeftOut).toBe(1000);
  });

  test("keeps what was handed on together as soon as one message of it is followed", () => {
    const thinner = new TraceThinner(500);
    flood(thinner, 1000);
    const [kept] = thinner.events.filter(({ type }) => type === "published");
    const together = { ...message((kept!["sequence"] as number) - 3, "forwarded", 1), count: 8, to: [2] };
    thinner.add(together);
    expect(thinner.events).toContain(together);
  });

  test("is bounded whatever its lines claim", () => {
    const thinner = new TraceThinner(100);
    const began = Date.now();
    flood(thinner, 200);
    for (let i = 0; i < 1000; i++) thinner.add({ ...message(i, "forwarded", 1), count: 1e15, to: [2] });
    expect(thinner.events.length).toBeLessThanOrEqual(100);
    expect(Date.now() - began).toBeLessThan(5000);
  });
});
