import { expect, test } from "vitest";
import { Ballots } from "./ballots.ts";

const vote = (node: number, incarnation = 1) => ({ node, incarnation });

test("everybody who suspects that life of a node, or a later one, but not the node itself", () => {
  const ballots = new Ballots();
  ballots.cast(2, [vote(9, 4)], 1, 100);
  ballots.cast(3, [vote(9, 3), vote(8)], 2, 100);
  ballots.cast(9, [vote(9, 4)], 1, 100);
  expect(ballots.against(9, 4, 0)).toEqual([2]);
  expect(ballots.against(9, 3, 0)).toEqual([2, 3]);
  expect(ballots.against(9, 5, 0)).toEqual([]);
});

test("a vote that is not repeated is withdrawn", () => {
  const ballots = new Ballots();
  ballots.cast(2, [vote(8), vote(9)], 2, 100);
  ballots.cast(2, [vote(8)], 1, 100);
  expect([ballots.against(8, 1, 0), ballots.against(9, 1, 0)]).toEqual([[2], []]);
  ballots.cast(2, [], 0, 100);
  expect(ballots.against(8, 1, 0)).toEqual([]);
});

test("votes that come by turns stay until they should have come again", () => {
  const ballots = new Ballots();
  ballots.cast(2, [vote(8)], 2, 100);
  ballots.cast(2, [vote(9)], 2, 150);
  expect([ballots.against(8, 1, 100), ballots.against(9, 1, 100)]).toEqual([[2], [2]]);
  expect([ballots.against(8, 1, 101), ballots.against(9, 1, 101)]).toEqual([[], [2]]);
});
