/** The end rule `owner-answered` of the iterative lookup: how Chord ends. */
import { describe, expect, test } from "vitest";
import { compareUp, type KeyedNode, keyFromNumber } from "../core/index.ts";
import { IterativeLookup } from "./iterative-lookup.ts";

const at = (place: number): KeyedNode => ({ node: place, key: keyFromNumber(BigInt(place)) });
const nodes = (...places: number[]) => places.map(at);
const key = keyFromNumber(100n);

function lookupOf(candidates: readonly KeyedNode[], owners: readonly KeyedNode[] = []) {
  const lookup = new IterativeLookup({
    ...{ key, candidates, owners, self: at(5), countsSelf: false, endRule: "owner-answered", pace: "slots" },
    order: (a, b) => compareUp(key, b, a),
    ...{ width: 1, count: 3, alpha: 1, budget: 100, branches: 1, records: "none", startedAt: 0 },
  });
  const asked = () => {
    const [question] = lookup.next(0);
    return question === undefined ? undefined : (question.to.node as number);
  };
  return { lookup, asked };
}

describe("owner-answered", () => {
  test("goes to the nearest before the key, then asks the owner; hops are those to the predecessor", () => {
    const { lookup, asked } = lookupOf(nodes(40, 70));
    expect(asked()).toBe(70);
    lookup.onReply(0, { nodes: nodes(90), owners: nodes(110, 120) }, 1);
    expect(asked()).toBe(90);
    lookup.onReply(1, { nodes: [], owners: nodes(110, 120) }, 2);
    expect(asked()).toBe(110);
    lookup.onReply(2, { nodes: nodes(90), owners: nodes(110, 120, 130) }, 3);
    expect(asked()).toBeUndefined();
    expect(lookup.report()).toMatchObject({
      outcome: "found",
      hops: 2,
      asked: 3,
      closest: nodes(110, 120, 130),
    });
  });

  test("whoever answers while all nearer ones are dead precedes the key, and the first living owner is the result", () => {
    const { lookup, asked } = lookupOf(nodes(40));
    expect(asked()).toBe(40);
    lookup.onReply(0, { nodes: nodes(90, 80), owners: nodes(110, 120, 130) }, 1);
    for (const [index, dead] of [90, 80, 110].entries()) {
      expect(asked()).toBe(dead);
      lookup.onHardTimeout(index + 1);
    }
    expect(asked()).toBe(120);
    lookup.onReply(4, { nodes: [], owners: [] }, 9);
    expect(asked()).toBeUndefined();
    expect(lookup.report()).toMatchObject({ hops: 1, silent: 3, closest: nodes(120, 130) });
  });

  test("an owner that knows somebody between the predecessor and itself sends the lookup there", () => {
    const { lookup, asked } = lookupOf(nodes(40));
    asked();
    lookup.onReply(0, { nodes: [], owners: nodes(110) }, 1);
    expect(asked()).toBe(110);
    lookup.onReply(1, { nodes: nodes(95), owners: nodes(110) }, 2);
    expect(asked()).toBe(95);
    lookup.onReply(2, { nodes: [], owners: nodes(105, 110) }, 3);
    expect(asked()).toBe(105);
    lookup.onReply(3, { nodes: [], owners: nodes(105, 110) }, 4);
    asked();
    expect(lookup.report()).toMatchObject({ outcome: "found", hops: 3, closest: nodes(105, 110) });
  });

  test("the asker may precede the key itself, or own it without knowing", () => {
    const first = lookupOf([], nodes(110, 120));
    expect(first.asked()).toBe(110);
    first.lookup.onReply(0, { nodes: [], owners: nodes(110, 120) }, 1);
    first.asked();
    expect(first.lookup.report()).toMatchObject({ hops: 0, closest: nodes(110, 120) });
    const second = lookupOf(nodes(90));
    second.asked();
    second.lookup.onReply(0, { nodes: [], owners: nodes(5, 10) }, 1);
    expect(second.asked()).toBeUndefined();
    expect(second.lookup.report()).toMatchObject({ outcome: "found", closest: nodes(5, 10) });
  });

  test("without any owner it is exhausted, not found", () => {
    const { lookup, asked } = lookupOf(nodes(90));
    asked();
    lookup.onReply(0, { nodes: [], owners: [] }, 1);
    expect(asked()).toBeUndefined();
    expect(lookup.outcome).toBe("exhausted");
  });
});
