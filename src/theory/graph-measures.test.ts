import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import {
  clustering,
  components,
  degreeHistogram,
  degrees,
  edgeCount,
  floodCost,
  isConnected,
  pathLengths,
  undirected,
} from "./graph-measures.ts";

function ring(size: number): number[][] {
  return Array.from({ length: size }, (_, i) => [(i + 1) % size, (i + size - 1) % size]);
}

function path(size: number): number[][] {
  return Array.from({ length: size }, (_, i) => [i - 1, i + 1].filter((j) => j >= 0 && j < size));
}

function complete(size: number): number[][] {
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => j).filter((j) => j !== i),
  );
}

const STAR = new Map([
  [7, [1, 2, 3]],
  [1, [7]],
  [2, [7]],
  [3, [7]],
]);

/** Random simple graphs of up to 14 nodes, connected or not. */
const anyGraph = fc
  .integer({ min: 1, max: 14 })
  .chain((size) =>
    fc.tuple(
      fc.constant(size),
      fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 3 * size }),
    ),
  )
  .map(([size, pairs]) => {
    const oneWay: number[][] = Array.from({ length: size }, () => []);
    for (const [a, b] of pairs) if (a !== b) oneWay[a]!.push(b);
    return undirected(oneWay);
  });

/** All shortest paths by Floyd and Warshall, which has nothing in common with a breadth-first search. */
function distances(graph: ReadonlyMap<number, readonly number[]>): number[][] {
  const size = graph.size;
  const hops = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => (i === j ? 0 : graph.get(i)!.includes(j) ? 1 : Infinity)),
  );
  for (let via = 0; via < size; via++) {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) hops[i]![j] = Math.min(hops[i]![j]!, hops[i]![via]! + hops[via]![j]!);
    }
  }
  return hops;
}

test("a map and an array of neighbors are the same graph", () => {
  const asMap = new Map(ring(6).map((neighbors, i) => [i, neighbors]));
  expect(degrees(asMap)).toEqual(degrees(ring(6)));
  expect(pathLengths(asMap)).toEqual(pathLengths(ring(6)));
});

test("degrees come in the order of the nodes, and the histogram counts them from 0", () => {
  expect(degrees(STAR)).toEqual([3, 1, 1, 1]);
  expect(degreeHistogram(STAR)).toEqual([0, 3, 0, 1]);
  expect(degreeHistogram([[], [2], [1]])).toEqual([1, 2]);
  expect(degreeHistogram([])).toEqual([]);
});

test("links are counted once", () => {
  expect(edgeCount(complete(5))).toBe(10);
  expect(edgeCount(STAR)).toBe(3);
  expect(edgeCount([])).toBe(0);
});

describe("components", () => {
  test("are listed from the largest to the smallest", () => {
    const graph = new Map([
      [10, []],
      [11, [12]],
      [12, [11]],
      [13, [14, 15]],
      [14, [13]],
      [15, [13]],
    ]);
    expect(components(graph)).toEqual([[13, 14, 15], [11, 12], [10]]);
    expect(isConnected(graph)).toBe(false);
  });

  test("are one exactly when the graph is connected", () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const parts = components(graph);
        expect(isConnected(graph)).toBe(parts.length === 1);
        expect(parts.flat().sort((a, b) => a - b)).toEqual([...graph.keys()]);
        const hops = distances(graph);
        for (const part of parts) {
          for (const node of graph.keys())
            expect(Number.isFinite(hops[part[0]!]![node])).toBe(part.includes(node));
        }
      }),
    );
  });

  test("of nothing are none, and nothing is connected", () => {
    expect(components([])).toEqual([]);
    expect(isConnected([])).toBe(true);
  });
});

describe("the cost of a flood", () => {
  test("is 2|E| - |V| + 1 on a connected graph, from whichever node", () => {
    expect(floodCost(ring(10))).toBe(11);
    expect(floodCost(complete(6))).toBe(25);
    for (const source of STAR.keys()) expect(floodCost(STAR, source)).toBe(3);
  });

  test("is the number of copies that a flood sends, on any graph", () => {
    fc.assert(
      fc.property(anyGraph, fc.nat(), (graph, n) => {
        const source = n % graph.size;
        const heard = new Set([source]);
        const inFlight = graph.get(source)!.map((to) => ({ from: source, to }));
        let copies = 0;
        for (const { from, to } of inFlight) {
          copies++;
          if (heard.has(to)) continue;
          heard.add(to);
          for (const next of graph.get(to)!) if (next !== from) inFlight.push({ from: to, to: next });
        }
        expect(floodCost(graph, source)).toBe(copies);
      }),
    );
  });

  test("is asked from a node of the graph", () => {
    expect(() => floodCost(STAR, 4)).toThrow("source: 4");
    expect(() => floodCost([])).toThrow(UsageError);
  });
});

describe("path lengths", () => {
  test("are known for ring, path, star and complete graph", () => {
    expect(pathLengths(ring(10))).toMatchObject({ diameter: 5, meanPathLength: 25 / 9, isExact: true });
    expect(pathLengths(path(9))).toMatchObject({ diameter: 8, meanPathLength: 10 / 3, reachability: 1 });
    expect(pathLengths(STAR)).toMatchObject({ diameter: 2, meanPathLength: 1.5, sources: 4 });
    expect(pathLengths(complete(7))).toMatchObject({ diameter: 1, meanPathLength: 1 });
  });

  test("agree with Floyd and Warshall on any graph", () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const hops = distances(graph).flatMap((row, i) => row.filter((_, j) => j !== i));
        const finite = hops.filter(Number.isFinite);
        const { diameter, meanPathLength, reachability } = pathLengths(graph);
        expect(diameter).toBe(Math.max(0, ...finite));
        if (finite.length > 0)
          expect(meanPathLength).toBeCloseTo(finite.reduce((a, b) => a + b) / finite.length, 12);
        if (hops.length > 0) expect(reachability).toBeCloseTo(finite.length / hops.length, 12);
      }),
    );
  });

  test("from one source still find the diameter of a tree, by the double sweep", () => {
    const middleFirst = new Map([
      [0, [1, 2]],
      [1, [0, 3]],
      [2, [0]],
      [3, [1]],
    ]);
    expect(pathLengths(middleFirst, { sources: 1 })).toMatchObject({
      diameter: 3,
      sources: 1,
      isExact: false,
    });
  });

  test("estimated from some sources never exceed the diameter, and all sources are exact", () => {
    fc.assert(
      fc.property(anyGraph, fc.integer({ min: 1, max: 20 }), (graph, sources) => {
        const estimate = pathLengths(graph, { sources });
        const exact = pathLengths(graph);
        expect(estimate.diameter).toBeLessThanOrEqual(exact.diameter);
        expect(estimate.isExact).toBe(sources >= graph.size);
        if (estimate.isExact) expect(estimate).toEqual(exact);
      }),
    );
  });

  test("of a single node or of nothing are zero hops and no mean", () => {
    for (const graph of [[], [[]]]) {
      expect(pathLengths(graph)).toMatchObject({ diameter: 0, meanPathLength: Number.NaN, isExact: true });
    }
  });

  test("of a hundred thousand nodes come from a sample and stay near the truth", () => {
    const size = 100_000;
    const cube = Array.from({ length: size }, (_, i) => {
      const steps = [1, 10, 100, 1000, 10_000].flatMap((step) => [i + step, i - step]);
      return steps.map((j) => (j + size) % size);
    });
    const { sources, isExact, meanPathLength } = pathLengths(cube);
    expect(isExact).toBe(false);
    expect(sources).toBeGreaterThanOrEqual(16);
    // Every node sees the same graph, so that any sample of sources has the exact mean.
    expect(meanPathLength).toBe(pathLengths(cube, { sources: 1 }).meanPathLength);
  });

  test("need at least one source", () => {
    for (const sources of [0, -1, 2.5, Number.NaN])
      expect(() => pathLengths(ring(3), { sources })).toThrow("sources");
  });
});

describe("an adjacency list", () => {
  test("with a stranger, a self-link, a double or a one-way link is refused with the node named", () => {
    expect(() => edgeCount([[5], []])).toThrow("neighbor 5 of node 0");
    expect(() => edgeCount([[0]])).toThrow("node 0 is its own neighbor");
    expect(() =>
      edgeCount([
        [1, 1],
        [0, 0],
      ]),
    ).toThrow("node 0 names neighbor 1 twice");
    expect(() => edgeCount([[1], [0, 0]])).toThrow("node 1 names neighbor 0 twice");
    expect(() => edgeCount([[], [0]])).toThrow("only one end knows");
    expect(() => edgeCount([[1], [2], [0]])).toThrow("only one end knows");
  });

  test("of one-way links becomes a graph by giving every link its return", () => {
    expect(undirected([[1, 1], [2], [0]])).toEqual(
      new Map([
        [0, [1, 2]],
        [1, [0, 2]],
        [2, [1, 0]],
      ]),
    );
    expect(() => undirected([[1]])).toThrow("neighbor 1 of node 0");
    expect(() => undirected([[0]])).toThrow("its own neighbor");
  });
});

test("clustering is 1 where all neighbors know each other, 0 where none do, and the mean between", () => {
  expect(clustering(complete(5))).toBe(1);
  expect(clustering(ring(6))).toBe(0);
  expect(clustering(STAR)).toBe(0);
  // A triangle 0 1 2 with a tail 2 - 3: 1, 1, 1/3 and nothing.
  expect(clustering([[1, 2], [0, 2], [0, 1, 3], [2]])).toBeCloseTo((1 + 1 + 1 / 3) / 4, 12);
});
