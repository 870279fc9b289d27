import fc from "fast-check";
import { expect, test } from "vitest";
import { LastArrivals } from "./last-arrivals.ts";

const rows = 1000;

test("remembers exactly as a map of all pairs would", () => {
  const message = fc.record({
    from: fc.nat({ max: 40 }),
    to: fc.nat({ max: 40 }),
    delayMs: fc.nat({ max: 300 }),
    pauseMs: fc.nat({ max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(message, { minLength: 1500, maxLength: 3000 }), (messages) => {
      const arrivals = new LastArrivals(rows);
      const all = new Map<string, number>();
      let now = 0;
      for (const { from, to, delayMs, pauseMs } of messages) {
        now += pauseMs;
        const at = Math.max(now + delayMs, all.get(`${from}>${to}`) ?? 0);
        all.set(`${from}>${to}`, at);
        expect(arrivals.inOrder(from, to, now + delayMs, now)).toBe(at);
      }
    }),
    { numRuns: 20 },
  );
});

test("keeps no more than a few times what is in flight, however many pairs there have been", () => {
  const arrivals = new LastArrivals(rows);
  let largest = 0;
  for (let now = 0; now < 200_000; now++) {
    // 500 in flight, a new pair each time.
    arrivals.inOrder(now % rows, Math.floor(now / rows), now + 500, now);
    largest = Math.max(largest, arrivals.size);
  }
  expect(largest).toBeLessThanOrEqual(4 * 500);
  arrivals.clear();
  expect(arrivals.size).toBe(0);
});

test("leaves behind what has arrived, and not what arrives a millisecond later", () => {
  const arrivals = new LastArrivals(rows);
  arrivals.inOrder(0, 1, 101, 100);
  for (let to = 2; to < 900; to++) arrivals.inOrder(0, to, 100, 100);
  expect(arrivals.size).toBeLessThan(600);
  expect(arrivals.inOrder(0, 1, 100, 100)).toBe(101);
});

test("keeps all that is in flight, however much that is", () => {
  const arrivals = new LastArrivals(rows);
  for (let from = 0; from < 200; from++)
    for (let to = 0; to < 200; to++) arrivals.inOrder(from, to, 1000 + from, 0);
  for (let from = 0; from < 200; from++)
    for (let to = 0; to < 200; to++) expect(arrivals.inOrder(from, to, 500, 10)).toBe(1000 + from);
  expect(arrivals.size).toBe(40_000);
});
