import { expect, test } from "vitest";
import { onStall } from "./stall-watch.ts";

test("a blocked event loop is told with its length, and a free one is no news", async () => {
  const stalls: number[] = [];
  const stop = onStall((ms) => stalls.push(ms));
  await new Promise((resolve) => setTimeout(resolve, 150));
  const before = stalls.filter((ms) => ms > 350).length;
  const until = performance.now() + 500;
  while (performance.now() < until) {
    // The loop stands still.
  }
  await new Promise((resolve) => setTimeout(resolve, 150));
  stop();
  const long = stalls.filter((ms) => ms > 350);
  expect(long.length).toBe(before + 1);
  expect(long.at(-1)).toBeLessThan(5000);
});
