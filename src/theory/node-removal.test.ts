import { describe, expect, test } from "vitest";
import { adjacencyOf, randomGraph, seededRandom } from "../core/index.ts";
import { components, undirected } from "./graph-measures.ts";
import { criticalRandomRemoval, hubsFirst, inRandomOrder, largestPartAfterRemoving } from "./node-removal.ts";

/** 0 in the middle of 1 to 5; 6 - 7 beside them. */
const star = [[1, 2, 3, 4, 5], [0], [0], [0], [0], [0], [7], [6]];
const path = [[1], [0, 2], [1, 3], [2, 4], [3]];

describe("the largest part", () => {
  test("of a star is gone with its hub", () => {
    expect([...largestPartAfterRemoving(star, [0, 1, 2, 3, 4, 5, 6, 7])].map((share) => 8 * share)).toEqual([
      6, 2, 2, 2, 2, 2, 2, 1, 0,
    ]);
  });

  test("of a path is half of it without its middle", () => {
    expect([...largestPartAfterRemoving(path, [2, 0, 1, 3, 4])].map((share) => 5 * share)).toEqual([
      5, 2, 2, 2, 1, 0,
    ]);
  });

  test("is what a search over what is left finds, whatever goes", () => {
    const random = seededRandom(3);
    const adjacency = adjacencyOf(randomGraph({ nodes: 60, links: 90 }, random));
    const order = inRandomOrder(60, random);
    const parts = largestPartAfterRemoving(adjacency, order);
    for (let gone = 0; gone < 60; gone++) {
      const left = new Set(order.slice(gone));
      const rest = new Map(
        [...left].map((node) => [node, adjacency[node]!.filter((other) => left.has(other))]),
      );
      expect(60 * parts[gone]!, `${gone} gone`).toBeCloseTo(components(undirected(rest))[0]!.length, 9);
    }
  });

  test("refuses an order that does not name every node once", () => {
    expect(() => largestPartAfterRemoving(path, [0, 1])).toThrow("order: it names 2 nodes");
    expect(() => largestPartAfterRemoving(path, [0, 1, 1, 2, 3])).toThrow("goes twice");
  });
});

test("the hub goes first, and what is a hub is judged anew after each", () => {
  expect(hubsFirst(star)[0]).toBe(0);
  // Without 1, 2 has one neighbor left, and 4 has two.
  const order = hubsFirst([[1], [0, 2, 3, 6], [1, 4], [1], [2, 5, 7], [4], [1], [4]]);
  expect(order.slice(0, 2)).toEqual([1, 4]);
  expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("what may go at random: nearly all of a network with hubs, half of one where everybody has three links", () => {
  expect(criticalRandomRemoval([3, 3, 3, 3])).toBeCloseTo(0.5, 12);
  expect(criticalRandomRemoval([...new Array<number>(98).fill(2), 60, 80])).toBeGreaterThan(0.95);
  expect(criticalRandomRemoval([1, 1])).toBe(0);
});
