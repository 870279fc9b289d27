import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../../../../src/core/index.ts";
import { addressOf, type EventFilter, everything, filterOf, passesOf } from "./event-filter.ts";

const id = "0123456789abcdef0123456789abcdef01234567@127.0.0.1:9001";
const up: TraceEvent = { at: 5000, node: 7, layer: "overlay", type: "neighbor-up", neighbor: id };
const sent: TraceEvent = {
  at: 9000,
  node: 8,
  layer: "broadcast",
  type: "forwarded",
  to: [1, id],
  payload: "Hello (1)",
};
const nameOf = (node: string | number) => (node === id ? "peer-1" : undefined);

function shows(changes: Partial<EventFilter>, event: TraceEvent): boolean {
  const passes = passesOf({ ...everything, ...changes }, nameOf);
  if (typeof passes !== "function") throw new Error(passes.why);
  return passes(event, event.at - 1000);
}

test("an address says the filter again, and everything is the empty address", () => {
  const filter = {
    types: ["overlay/neighbor-up", "a/b"],
    node: "peer-1",
    text: "a&b=c",
    isRegex: true,
    from: "10s",
    to: "1m",
  };
  expect(filterOf(addressOf(filter))).toEqual(filter);
  expect(addressOf(filter)).toContain("types=overlay/neighbor-up,a/b");
  expect(addressOf(everything)).toBe("");
  expect(filterOf("")).toEqual(everything);
});

describe("by node", () => {
  test.each(["peer-1", "9001", id, "012345"])("%s finds what is about it, alone or in a list", (node) => {
    expect([shows({ node }, up), shows({ node }, sent)]).toEqual([true, true]);
  });
  test.each(["peer-2", "900", "01234", "1"])("%s does not find it", (node) => {
    expect(shows({ node }, up)).toBe(false);
  });
  test("finds what happened there", () => {
    expect(shows({ node: "7" }, up)).toBe(true);
  });
});

describe("by text", () => {
  test("it may stand anywhere in the event, large or small", () => {
    expect([shows({ text: "hello (1)" }, sent), shows({ text: "hello (2)" }, sent)]).toEqual([true, false]);
  });
  test("as a pattern it is one only where that was asked for", () => {
    expect(shows({ text: "h.llo" }, sent)).toBe(false);
    expect(shows({ text: "h.llo", isRegex: true }, sent)).toBe(true);
  });
});

test("by time, since the beginning and with both ends", () => {
  const at = (from: string, to: string) => [shows({ from, to }, up), shows({ from, to }, sent)];
  expect(at("4s", "")).toEqual([true, true]);
  expect(at("4001ms", "8s")).toEqual([false, true]);
  expect(at("", "7999ms")).toEqual([true, false]);
});

test.each([
  [{ text: "(", isRegex: true }, /Invalid regular expression/],
  [{ from: "soon" }, /from: "soon" is no duration/],
])("%j says what is wrong with it", (changes, why) => {
  expect(passesOf({ ...everything, ...changes }, nameOf)).toMatchObject({ why: expect.stringMatching(why) });
});
