import { afterEach, expect, test, vi } from "vitest";
import { atEndOfTurn, flushAtEndOfTurn } from "./turn.ts";

afterEach(() => vi.unstubAllGlobals());

test("a letter that throws spoils neither those behind it nor what is to be written", () => {
  const turns: (() => void)[] = [];
  vi.stubGlobal("setImmediate", (endTurn: () => void) => turns.push(endTurn));
  const happened: string[] = [];
  atEndOfTurn(() => happened.push("first"));
  atEndOfTurn(() => {
    throw new Error("spoilt");
  });
  atEndOfTurn(() => happened.push("third"));
  flushAtEndOfTurn({ flush: () => happened.push("written") });
  expect(() => turns.shift()!()).toThrow("spoilt");
  expect(happened).toEqual(["first", "written"]);
  turns.shift()!();
  expect(happened).toEqual(["first", "written", "third"]);
  expect(turns).toEqual([]);
});
