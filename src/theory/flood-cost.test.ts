import fc from "fast-check";
import { expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import { floodRedundancy, floodTransmissions, relativeMessageRedundancy } from "./flood-cost.ts";
import { edgeCount, floodCost, isConnected, undirected } from "./graph-measures.ts";

/** A connected graph: a random tree and some more links. */
const graph = fc
  .integer({ min: 2, max: 40 })
  .chain((nodes) =>
    fc.record({
      parents: fc.tuple(...Array.from({ length: nodes - 1 }, (_, i) => fc.integer({ min: 0, max: i }))),
      extra: fc.array(fc.tuple(fc.nat(nodes - 1), fc.nat(nodes - 1)), { maxLength: 60 }),
    }),
  )
  .map(({ parents, extra }) => {
    const adjacency: number[][] = [[], ...parents.map((parent) => [parent])];
    for (const [a, b] of extra) if (a !== b) adjacency[a]!.push(b);
    return undirected(adjacency);
  });

test("a flood costs what counting on the graph itself gives, from any source", () => {
  fc.assert(
    fc.property(graph, fc.nat(), (adjacency, pick) => {
      expect(isConnected(adjacency)).toBe(true);
      const size = { nodes: adjacency.size, links: edgeCount(adjacency) };
      expect(floodTransmissions(size)).toBe(floodCost(adjacency, pick % adjacency.size));
    }),
  );
});

test("a tree costs no copy too many, a complete graph n - 2 for each needed one", () => {
  expect(floodTransmissions({ nodes: 10, links: 9 })).toBe(9);
  expect(floodRedundancy({ nodes: 10, links: 9 })).toBe(0);
  expect(floodRedundancy({ nodes: 10, links: 45 })).toBe(8);
});

test("redundancy is 2|E|/(n-1) - 2: a mean degree of 5 gives 3, as the published overlays", () => {
  expect(floodRedundancy({ nodes: 10_001, links: 25_000 })).toBeCloseTo(3, 12);
  expect(relativeMessageRedundancy({ copies: 40, nodes: 11 })).toBe(3);
});

test.each([
  () => floodTransmissions({ nodes: 10, links: 8 }),
  () => floodTransmissions({ nodes: 10, links: 46 }),
  () => floodTransmissions({ nodes: 0, links: 0 }),
  () => relativeMessageRedundancy({ copies: 1, nodes: 1 }),
  () => relativeMessageRedundancy({ copies: -1, nodes: 2 }),
  () => floodRedundancy({ nodes: 1, links: 0 }),
])("outside its range a formula is refused (%#)", (call) => {
  expect(call).toThrow(UsageError);
});
