import { expect, test } from "vitest";
import { TotalsCounter } from "./feed-totals.ts";

test("an event loop that had no time to be measured is said to be blocked, not idle", async () => {
  const counter = new TotalsCounter();
  const until = performance.now() + 60;
  while (performance.now() < until);
  const blocked = counter.take(0, []).process!.eventLoopDelayMs;
  expect(blocked.p50).toBeGreaterThanOrEqual(59);
  expect(blocked.max).toBe(blocked.p50);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(counter.take(0, []).process!.eventLoopDelayMs.p50).toBeLessThan(150);
  counter.close();
});
