import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../../../../src/core/index.ts";
import { NodeRegister } from "../../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../../src/trace/picture.ts";
import { EventBuffer } from "../../timeline/event-buffer.ts";
import { EventSearch } from "./event-search.ts";

const register = new NodeRegister();
const picture = new NetworkPicture(register);
const event = (i: number): TraceEvent => ({
  at: i,
  node: i % 3,
  layer: "a",
  type: i % 2 === 0 ? "even" : "odd",
});

function bufferOf(count: number, maxEvents = 1_000_000): EventBuffer {
  const buffer = new EventBuffer(register, { maxEvents });
  for (let i = 0; i < count; i++) buffer.push(event(i), picture);
  return buffer;
}
const found = (search: EventSearch, end = Number.POSITIVE_INFINITY) =>
  Array.from({ length: search.countBefore(end) }, (_, place) => search.at(place)!);
const still = () => 0;

test("finds what passes, in order, and counts it by type", () => {
  const search = new EventSearch(bufferOf(1000), ({ node }) => node === 0, 0);
  expect(search.advance(1, still)).toBe(true);
  expect(found(search)).toEqual(Array.from({ length: 334 }, (_, i) => i * 3));
  expect(Object.fromEntries(search.counts)).toEqual({ "a/even": 167, "a/odd": 167 });
});

test("stops when its time is over, and goes on where it stopped", () => {
  const search = new EventSearch(bufferOf(1000), () => true, 0);
  let time = 0;
  const ticking = () => time++;
  expect(search.advance(2, ticking)).toBe(false);
  expect(search.progress).toBeCloseTo(0.128);
  expect(search.advance(100, ticking)).toBe(true);
  expect(found(search)).toHaveLength(1000);
});

test("types are selected without searching again, and are counted though they are not shown", () => {
  let looks = 0;
  const search = new EventSearch(bufferOf(10), () => ++looks > 0, 0);
  search.advance(1, still);
  search.select(new Set(["a/odd"]));
  expect(found(search)).toEqual([1, 3, 5, 7, 9]);
  search.select(undefined);
  expect(found(search)).toHaveLength(10);
  expect(looks).toBe(10);
  expect(search.counts.get("a/even")).toBe(5);
});

test("shows no more than what was before the cursor", () => {
  const search = new EventSearch(bufferOf(10), () => true, 0);
  search.advance(1, still);
  expect(found(search, 4)).toEqual([0, 1, 2, 3]);
});

test("times are given since the beginning", () => {
  const search = new EventSearch(bufferOf(10), (_, since) => since >= 5, 2);
  search.advance(1, still);
  expect(found(search)).toEqual([7, 8, 9]);
});

describe("while events come and are forgotten", () => {
  test("it has exactly those that are kept", () => {
    const buffer = bufferOf(5000, 10_000);
    const search = new EventSearch(buffer, ({ node }) => node === 1, 0);
    for (let i = 5000; i < 90_000; i++) {
      buffer.push(event(i), picture);
      if (i % 777 === 0) search.advance(1, still);
    }
    search.advance(1, still);
    const kept = Array.from({ length: buffer.end - buffer.first }, (_, i) => buffer.first + i).filter(
      (i) => i % 3 === 1,
    );
    expect(buffer.first).toBeGreaterThan(50_000);
    expect(found(search)).toEqual(kept);
    expect([...search.counts.values()].reduce((sum, count) => sum + count, 0)).toBe(kept.length);
    expect(search.counts.get("a/odd")).toBe(kept.filter((i) => i % 2 === 1).length);
  });
});
