import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { sha256 } from "./sha-256.ts";

test("gives what node:crypto gives, for every length around the ends of blocks", () => {
  for (let length = 0; length <= 300; length++) {
    const message = Uint8Array.from({ length }, (_, i) => (i * 31 + length * 7) & 255);
    const expected = createHash("sha256").update(message).digest("hex");
    expect(Buffer.from(sha256(message)).toString("hex"), `${length} bytes`).toBe(expected);
  }
});

test("gives what node:crypto gives for a megabyte", () => {
  const message = Uint8Array.from({ length: 2 ** 20 + 5 }, (_, i) => (i ^ (i >> 8)) & 255);
  const expected = createHash("sha256").update(message).digest("hex");
  expect(Buffer.from(sha256(message)).toString("hex")).toBe(expected);
});
