import { expect, test } from "vitest";
import { GraphMotion } from "./graph-motion.ts";

test("a copy takes as long as in the run, at the pace of the run", () => {
  const motion = new GraphMotion();
  motion.send(0, 1, 2000, 2);
  motion.advance(500);
  expect(motion.shareOf(motion.dots[0]!)).toBe(0.5);
  motion.advance(499);
  expect(motion.dots).toHaveLength(1);
  motion.advance(1);
  expect(motion.dots).toHaveLength(0);
});

test("a copy that took a moment, or nobody knows how long, can still be seen", () => {
  const motion = new GraphMotion();
  motion.send(0, 1, 1, 1);
  motion.send(0, 1, undefined, 1);
  motion.advance(300);
  expect(motion.dots).toHaveLength(2);
});

test("a flood of copies is bounded, and what is left out is counted", () => {
  const motion = new GraphMotion();
  for (let i = 0; i < 10_000; i++) motion.send(i, i + 1, 10, 1);
  expect(motion.dots.length).toBeLessThanOrEqual(3000);
  expect(motion.dots.length + motion.leftOut).toBe(10_000);
  motion.advance(1000);
  motion.send(0, 1, 10, 1);
  expect(motion.dots).toHaveLength(1);
});

test("nothing moves while the clock stands", () => {
  const motion = new GraphMotion();
  motion.send(0, 1, 1000, 1);
  motion.advance(0);
  motion.advance(0);
  expect(motion.shareOf(motion.dots[0]!)).toBe(0);
});
