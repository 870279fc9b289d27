import { describe, expect, test } from "vitest";
import { tracedRun } from "../../test/support/traced-run.ts";
import type { TraceEvent } from "../core/index.ts";
import { infected, MessageBook, removed, statesAt, susceptible } from "./message-book.ts";
import { NodeRegister } from "./node-register.ts";
import { TraceSummary } from "./summary.ts";

const named = { layer: "broadcast", origin: 0, incarnation: 1 };
const published = (sequence: number, at = 100): TraceEvent => ({
  ...named,
  at,
  node: 0,
  type: "published",
  sequence,
  statedAt: at,
  payload: `text ${sequence}`,
});
const delivered = (node: number, from: number, at: number, sequence = 0): TraceEvent => ({
  ...named,
  at,
  node,
  type: "delivered",
  sequence,
  statedAt: 100,
  from,
});
const forwarded = (node: number, to: number[], at: number, sequence = 0, count = 1): TraceEvent => ({
  ...named,
  at,
  node,
  type: "forwarded",
  sequence,
  count,
  to,
});

function bookOf(events: readonly TraceEvent[], config = {}): MessageBook {
  const register = new NodeRegister();
  for (let row = 0; row < 5; row++) register.of(row);
  const book = new MessageBook(register, config);
  for (const event of events) book.apply(event);
  return book;
}

const chain = [
  published(0),
  forwarded(0, [1, 2], 100),
  delivered(1, 0, 110),
  forwarded(1, [2, 3], 110),
  delivered(2, 0, 115),
  delivered(3, 1, 130),
];

describe("the book of messages", () => {
  test("has every receipt once, with its way and its hops, and every copy", () => {
    const message = bookOf([...chain, delivered(3, 2, 140)]).get("0.1.0")!;
    expect(message.receivers).toEqual([1, 2, 3]);
    expect(message.receivedAfterMs).toEqual([10, 15, 30]);
    expect(message.senders).toEqual([0, 0, 1]);
    expect(message.hops).toEqual([1, 1, 2]);
    expect(
      message.copyFrom.map((from, i) => `${from}>${message.copyTo[i]}@${message.copyAfterMs[i]}`),
    ).toEqual(["0>1@0", "0>2@0", "1>2@10", "1>3@10"]);
    expect(message.text).toBe("text 0");
  });

  test("knows at any moment who has not got it, who spreads it and who does no more", () => {
    const message = bookOf(chain).get("0.1.0")!;
    const [S, I, R] = [susceptible, infected, removed];
    expect([...statesAt(message, 99, 5)]).toEqual([S, S, S, S, S]);
    expect([...statesAt(message, 100, 5)]).toEqual([I, S, S, S, S]);
    expect([...statesAt(message, 112, 5)]).toEqual([I, I, S, S, S]);
    expect([...statesAt(message, 116, 5)]).toEqual([R, I, R, S, S]);
    expect([...statesAt(message, 1000, 5)]).toEqual([R, R, R, R, S]);
  });

  test("takes a node's own word for when it stopped", () => {
    const gone: TraceEvent = { ...named, at: 500, node: 3, type: "removed", sequence: 0 };
    const message = bookOf([...chain, gone]).get("0.1.0")!;
    expect(statesAt(message, 499, 5)[3]).toBe(infected);
    expect(statesAt(message, 500, 5)[3]).toBe(removed);
  });

  test("writes what was published together into the page of each", () => {
    const book = bookOf([published(0), published(1), forwarded(0, [1, 2], 100, 0, 2)]);
    for (const message of book.messages) expect(message.copyTo).toEqual([1, 2]);
  });

  test("forgets the oldest messages beyond its bounds, and counts them", () => {
    const events = Array.from({ length: 50 }, (_, sequence) => published(sequence));
    const few = bookOf(events, { maxMessages: 10 });
    expect([...few.messages].map(({ key }) => key)).toEqual(
      Array.from({ length: 10 }, (_, i) => `0.1.${40 + i}`),
    );
    expect(few.forgotten).toBe(40);
    const flooded = bookOf([published(0), published(1), forwarded(0, Array(100).fill(1), 100, 1)], {
      maxEntries: 60,
    });
    expect([...flooded.messages].map(({ key }) => key)).toEqual(["0.1.1"]);
  });

  test("is not put out by numbers and names that cannot be", () => {
    const book = bookOf([
      published(0),
      { ...forwarded(0, [1], 100), count: 1e12 },
      { ...forwarded(0, [1], 100), to: [null, {}, 2] as any },
      { ...delivered(1, 0, 110), from: { id: 7 } },
      { ...delivered(2, 0, 110), sequence: "0" },
    ]);
    const message = book.get("0.1.0")!;
    expect(message.receivers).toEqual([1]);
    expect(message.senders).toEqual([-1]);
    expect(message.copyTo).toEqual([1, 2]);
  });

  test("forgets with a message all that it took: a long run keeps as many as a short one", () => {
    const events: TraceEvent[] = [];
    for (let sequence = 0; sequence < 50; sequence++) {
      events.push(published(sequence), { ...forwarded(0, [1], 100, sequence), to: [1, null, {}] as any });
      events.push(delivered(1, 0, 110, sequence));
      for (const node of [0, 1, 2])
        events.push({ ...named, at: 120, node, type: "removed", sequence, count: 1 });
    }
    const book = bookOf(events, { maxMessages: 10, maxEntries: 100 });
    expect(book.size).toBe(10);
    expect(book.forgotten).toBe(40);
  });

  test("counts in a whole run what the summary of its trace counts", async () => {
    const { events } = await tracedRun();
    const summary = new TraceSummary();
    const book = new MessageBook(new NodeRegister());
    for (const event of events) {
      summary.add(event);
      book.apply(event);
    }
    const { published, deliveries, sends, historySends, ldh } = summary.report();
    const messages = [...book.messages];
    expect(messages).toHaveLength(published);
    expect(messages.reduce((sum, { receivers }) => sum + receivers.length, 0)).toBe(deliveries);
    expect(messages.reduce((sum, { copyTo }) => sum + copyTo.length, 0)).toBe(sends - historySends);
    expect(deliveries).toBeGreaterThan(50);
    expect(Math.max(...messages.flatMap(({ hops }) => hops))).toBe(ldh!.max);
  });
});
