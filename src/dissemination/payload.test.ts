import fc from "fast-check";
import { expect, test } from "vitest";
import { UsageError } from "../core/index.ts";
import { maxPayloadBytes } from "./messages.ts";
import { checkPayload, checkPriority, payloadBytes } from "./payload.ts";

test("the bytes of a text are those of its UTF-8, whatever is in it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(payloadBytes(text)).toBe(new TextEncoder().encode(text).length);
      expect(checkPayload(text)).toBe(payloadBytes(text));
    }),
    { seed: 1, numRuns: 1000 },
  );
});

test("the bytes of bytes are their number", () => {
  expect(checkPayload(new Uint8Array(maxPayloadBytes))).toBe(maxPayloadBytes);
});

test.each([
  ["a byte too many", new Uint8Array(maxPayloadBytes + 1), "65537 bytes is more than 65536"],
  ["a text that is too long in UTF-8 only", "é".repeat(maxPayloadBytes / 2 + 1), "65538 bytes is more than"],
  ["the first half of a pair", "a\ud83d", "half a surrogate pair"],
  ["the second half", "\ude00b", "half a surrogate pair"],
])("%s cannot be sent", (_, payload, message) => {
  expect(() => checkPayload(payload)).toThrow(UsageError);
  expect(() => checkPayload(payload)).toThrow(message);
});

test("a priority is a whole number from 0 to 255, or none", () => {
  for (const priority of [undefined, 0, 1, 255]) checkPriority(priority);
  for (const priority of [-1, 256, 0.5, Number.NaN, Number.POSITIVE_INFINITY, "9" as unknown as number])
    expect(() => checkPriority(priority), String(priority)).toThrow(UsageError);
});
