import { describe, expect, test } from "vitest";
import { type KeyedNode, keyFromNumber } from "../core/index.ts";
import { ChordRing } from "./chord-ring.ts";

const at = (place: number): KeyedNode => ({ node: place, key: keyFromNumber(BigInt(place)) });
const places = (nodes: readonly KeyedNode[]) => nodes.map(({ node }) => node);
const list = (...all: number[]) => all.map(at);

/** Node 50, with lists of three. */
function ring(...successors: number[]): ChordRing {
  return new ChordRing(at(50), 3, { predecessor: at(40), successors: list(...successors) });
}

describe("the pointers of a ring", () => {
  test("joining takes the whole list of the node before, and no predecessor", () => {
    const joining = ring();
    expect(joining.join(at(40), list(60, 70, 80))).toBe(true);
    expect(places(joining.successors)).toEqual([60, 70, 80]);
    expect(joining.predecessor).toBeUndefined();
  });

  test("joining fails, and changes nothing, when somebody has come between", () => {
    const joining = ring();
    expect(joining.join(at(30), list(45, 60, 70))).toBe(false);
    expect(joining.isMember).toBe(false);
    expect(joining.predecessor).toEqual(at(40));
  });

  test("whoever joins again is not its own successor, though others know it from an earlier life", () => {
    const joining = ring();
    expect(joining.join(at(40), list(50, 60, 70))).toBe(true);
    expect(places(joining.successors)).toEqual([60, 70]);
    const pair = ring();
    expect(pair.join(at(40), list(50))).toBe(true);
    expect(places(pair.successors)).toEqual([40]);
  });

  test("the list behind a successor is cut where the ring comes round, where it is full, and where it goes back", () => {
    const full = ring(60);
    full.adopt(at(60), list(70, 80, 90));
    expect(places(full.successors)).toEqual([60, 70, 80]);
    const small = ring(60);
    small.adopt(at(60), list(10, 50, 60));
    expect(places(small.successors)).toEqual([60, 10]);
    const disordered = ring(60);
    disordered.adopt(at(60), list(70, 65, 80));
    expect(places(disordered.successors)).toEqual([60, 70]);
    const beyond = ring(60);
    beyond.adopt(at(60), list(70, 55, 50));
    expect(places(beyond.successors)).toEqual([60, 70]);
  });

  test("a node is nearer if it lies between us and our successor", () => {
    const nodes = ring(60, 70);
    expect(nodes.isNearer(at(55))).toBe(true);
    for (const other of [60, 65, 50, 40]) expect(nodes.isNearer(at(other))).toBe(false);
    expect(ring().isNearer(at(55))).toBe(false);
  });

  test("a predecessor is better if it lies between the old one and us", () => {
    const nodes = ring(60);
    expect(nodes.isBetterPredecessor(at(45))).toBe(true);
    expect(nodes.isBetterPredecessor(at(40))).toBe(true);
    expect(nodes.isBetterPredecessor(at(30))).toBe(false);
    expect(nodes.isBetterPredecessor(at(60))).toBe(false);
  });
});
