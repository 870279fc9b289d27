import { expect, test } from "vitest";
import { Pacer } from "./pacer.ts";

function paced() {
  let wallMs = 0;
  const pacer = new Pacer(() => wallMs);
  return { pacer, pass: (ms: number) => (wallMs += ms) };
}

test("time stands still until it gets a speed, and passes at it then", () => {
  const { pacer, pass } = paced();
  pass(100);
  expect(pacer.limit(0)).toBe(0);
  expect(pacer.waitMs(0)).toBe(Number.POSITIVE_INFINITY);
  pacer.setSpeed(10, 0);
  pass(20);
  expect(pacer.limit(0)).toBe(200);
  expect(pacer.waitMs(0)).toBe(0);
  expect(pacer.waitMs(200)).toBeCloseTo(0.1, 9);
});

test("who is far behind goes on from where it is", () => {
  const { pacer, pass } = paced();
  pacer.setSpeed(1, 0);
  pass(10_000);
  expect(pacer.limit(50)).toBe(51);
  pass(30);
  expect(pacer.limit(51)).toBe(80);
});

test("a goal is run to at once, at any speed, and the speed counts from there", () => {
  const { pacer, pass } = paced();
  pacer.runTo(5000);
  expect(pacer.limit(0)).toBe(5000);
  expect(pacer.limit(5000)).toBe(5000);
  pacer.setSpeed(2, 5000);
  pass(100);
  expect(pacer.limit(5000)).toBe(5200);
});

test("a pause gives up the goal", () => {
  const { pacer } = paced();
  pacer.runTo(5000);
  pacer.setSpeed(0, 1000);
  expect(pacer.limit(1000)).toBe(1000);
});
