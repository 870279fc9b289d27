import { expect, test } from "vitest";
import { fieldName } from "./field-name.ts";

test.each([
  ["pingIntervalMs", "ping interval (ms)"],
  ["maxPacketBytes", "max packet (B)"],
  ["uploadBytesPerSecond", "upload (B/s)"],
  ["method", "method"],
])("%s reads as %s", (name, text) => {
  expect(fieldName(name)).toBe(text);
});
