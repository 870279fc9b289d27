import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NodeId } from "../core/index.ts";
import type { Gossip } from "./messages.ts";
import { Retained, RetainedMessages } from "./retained-messages.ts";

function retained(origin: NodeId, sequence: number, hash: number, places = 0): Retained {
  const payloads = ["hello"];
  const statement = { type: "gossip", origin, incarnation: 1, sequence, at: 0, payloads } as const;
  const gossip: Gossip = { type: "gossip", statement, proof: new Uint8Array(0) };
  return new Retained({ gossip, receivedAt: sequence, hash, life: undefined, places });
}

const idOf = (origin: NodeId, sequence: number) => ({ origin, incarnation: 1, sequence });
const sequences = (messages: RetainedMessages) =>
  [...messages].map(({ gossip }) => gossip.statement.sequence);

describe("retained messages beside a plain map", () => {
  test.each([
    ["hashes that differ", 2 ** 31],
    ["hashes that are nearly all alike", 3],
  ])("are found by id, and leave in the order in which they came: %s", (_, hashes) => {
    const step = fc.oneof(fc.nat(30), fc.constant("remove" as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const hashOf = (sequence: number) => (Math.imul(sequence, 0x9e3779b1) % hashes) | 0;
        const messages = new RetainedMessages();
        const plain = new Map<number, Retained>();
        for (const next of steps) {
          if (next === "remove") {
            messages.removeOldest();
            for (const oldest of plain.keys()) {
              plain.delete(oldest);
              break;
            }
          } else {
            const message = retained(7, next, hashOf(next));
            expect(messages.put(message), "what it replaces").toBe(plain.get(next));
            plain.set(next, message);
          }
          expect(messages.latest(3), "the youngest").toEqual([...messages].reverse().slice(0, 3));
          expect(messages.size).toBe(plain.size);
          expect(messages.oldest).toBe(plain.values().next().value);
        }
        expect([...messages]).toEqual([...plain.values()]);
        for (let each = 0; each <= 30; each++)
          expect(messages.find(idOf(7, each), hashOf(each))).toBe(plain.get(each));
      }),
    );
  });
});

test("thousands that come and go keep their order while the ring goes round and grows", () => {
  const messages = new RetainedMessages();
  for (let i = 0; i < 5000; i++) {
    messages.put(retained(7, i, i));
    if (i % 3 === 0) messages.removeOldest();
  }
  expect(sequences(messages)).toEqual(Array.from({ length: 3333 }, (_, i) => 1667 + i));
  expect(messages.find(idOf(7, 1666), 1666)).toBeUndefined();
  expect(messages.find(idOf(7, 1667), 1667)?.gossip.statement.sequence).toBe(1667);
});

test("the identity of the origin counts, not its address; and neither does an equal hash", () => {
  const messages = new RetainedMessages();
  const first = retained("anna@10.0.0.1:1", 0, 5);
  messages.put(first);
  expect(messages.find(idOf("anna@10.0.0.2:2", 0), 5)).toBe(first);
  expect(messages.find(idOf("bert@10.0.0.1:1", 0), 5)).toBeUndefined();
  expect(messages.find(idOf("anna@10.0.0.1:1", 1), 5)).toBeUndefined();
});

describe("holders", () => {
  test("are noted with their time, each under its own place, also under one that came later", () => {
    const message = retained(7, 0, 0, 2);
    message.note(1, 40);
    message.note(5, 0);
    expect([0, 1, 2, 3, 4, 5, 6].map((place) => message.heldAt(place))).toEqual([
      undefined,
      40,
      undefined,
      undefined,
      undefined,
      0,
      undefined,
    ]);
  });

  test("are forgotten one by one", () => {
    const message = retained(7, 0, 0, 2);
    message.note(0, 1);
    message.note(1, 2);
    message.forget(0);
    message.forget(9);
    expect(message.isHeldBy(0)).toBe(false);
    expect(message.heldAt(1)).toBe(2);
  });
});
