import { describe, expect, test } from "vitest";
import {
  adjacencyOf,
  degreeOf,
  type Graph,
  graphOfLinks,
  gridGraph,
  linkCount,
  randomGeometricGraph,
  randomGraph,
  sideBySide,
} from "./graph.ts";
import { seededRandom } from "./random.ts";

/** Simple and undirected, with the lists in order. */
function expectSimple(graph: Graph): void {
  const lists = adjacencyOf(graph);
  expect(lists).toHaveLength(graph.nodes);
  for (const [node, list] of lists.entries()) {
    expect([...new Set(list)].sort((a, b) => a - b)).toEqual(list);
    expect(list).not.toContain(node);
    expect(list).toHaveLength(degreeOf(graph, node));
    for (const other of list) expect(lists[other]).toContain(node);
  }
}

test("links become the lists of both ends, in order", () => {
  const graph = graphOfLinks(4, [
    [3, 0],
    [0, 1],
    [1, 3],
  ]);
  expect(adjacencyOf(graph)).toEqual([[1, 3], [0, 3], [], [0, 1]]);
  expect(linkCount(graph)).toBe(3);
});

test.each([
  [[0, 2] as const, "links: 2 is not a node; there are 2"],
  [[-1, 0] as const, "links: -1 is not a node"],
  [[1, 1] as const, "links: node 1 is linked to itself"],
])("the link %j is refused", (link, message) => {
  expect(() => graphOfLinks(2, [link])).toThrow(message);
});

test("a link that is there twice is refused, whichever end comes first", () => {
  expect(() =>
    graphOfLinks(2, [
      [0, 1],
      [1, 0],
    ]),
  ).toThrow("links: nodes 0 and 1 are linked twice");
});

describe("a grid", () => {
  test("links each node to those beside, above and below it", () => {
    expect(adjacencyOf(gridGraph({ rows: 2, columns: 3 }))).toEqual([
      [1, 3],
      [0, 2, 4],
      [1, 5],
      [0, 4],
      [1, 3, 5],
      [2, 4],
    ]);
  });

  test.each([
    [1, 1],
    [1, 7],
    [20, 50],
  ])("of %i x %i has rows * (columns - 1) + columns * (rows - 1) links", (rows, columns) => {
    const grid = gridGraph({ rows, columns });
    expectSimple(grid);
    expect(linkCount(grid)).toBe(rows * (columns - 1) + columns * (rows - 1));
  });

  test("without rows is refused", () => {
    expect(() => gridGraph({ rows: 0, columns: 3 })).toThrow("rows: 0 is not an integer of at least 1");
  });
});

describe("a random geometric graph", () => {
  const options = { nodes: 1000, width: 7500, height: 3000, range: 250 };

  test("is the one that trying all pairs gives", () => {
    const small = { nodes: 60, width: 10, height: 4, range: 1.7 };
    const graph = randomGeometricGraph(small, seededRandom(5));
    const random = seededRandom(5);
    const places = Array.from({ length: 60 }, () => ({ x: random.unit() * 10, y: random.unit() * 4 }));
    const expected = places.map((a, i) =>
      places.flatMap((b, j) => (i !== j && Math.hypot(a.x - b.x, a.y - b.y) <= 1.7 ? [j] : [])),
    );
    expect(adjacencyOf(graph)).toEqual(expected);
    expect(linkCount(graph)).toBeGreaterThan(60);
  });

  test("has the mean degree of the area that a radio covers, less what lies beyond the border", () => {
    const graphs = Array.from({ length: 20 }, (_, seed) => randomGeometricGraph(options, seededRandom(seed)));
    const mean = graphs.reduce((sum, graph) => sum + (2 * linkCount(graph)) / 1000, 0) / graphs.length;
    // (n - 1) pi r^2 / A, times 1 - (4 / (3 pi)) r (1 / width + 1 / height) to first order: a half disc at each border.
    const inner = (999 * Math.PI * 250 ** 2) / (7500 * 3000);
    const border = 1 - (4 / (3 * Math.PI)) * 250 * (1 / 7500 + 1 / 3000);
    expect(mean).toBeCloseTo(inner * border, 0);
    expect(mean).toBeLessThan(inner);
  });

  test("repeats with its seed, and is another with another", () => {
    const [a, b, c] = [1, 1, 2].map((seed) => randomGeometricGraph(options, seededRandom(seed)));
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    expectSimple(a!);
  });

  test("refuses a range that is no length", () => {
    expect(() => randomGeometricGraph({ ...options, range: 0 }, seededRandom(1))).toThrow(
      "range: 0 is not a length above 0",
    );
  });
});

describe("a random graph", () => {
  test.each([0, 1, 20, 30, 44, 45])("of 10 nodes has the %i links that it is to have", (links) => {
    const graph = randomGraph({ nodes: 10, links }, seededRandom(links));
    expectSimple(graph);
    expect(linkCount(graph)).toBe(links);
  });

  test("prefers no pair, neither where links are drawn nor where gaps are", () => {
    const runs = 3000;
    for (const links of [3, 7]) {
      const counts = new Map<string, number>();
      const random = seededRandom(links);
      for (let run = 0; run < runs; run++)
        for (const [a, list] of adjacencyOf(randomGraph({ nodes: 5, links }, random)).entries())
          for (const b of list) if (a < b) counts.set(`${a}-${b}`, (counts.get(`${a}-${b}`) ?? 0) + 1);
      expect(counts.size).toBe(10);
      const expected = (runs * links) / 10;
      for (const count of counts.values())
        expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });

  test("cannot have more links than pairs", () => {
    expect(() => randomGraph({ nodes: 3, links: 4 }, seededRandom(1))).toThrow(
      "links: 4 are more than the 3 pairs of 3 nodes",
    );
  });
});

test("side by side, graphs keep their links and get none between them", () => {
  const both = sideBySide([gridGraph({ rows: 1, columns: 2 }), gridGraph({ rows: 1, columns: 3 })]);
  expect(adjacencyOf(both)).toEqual([[1], [0], [3], [2, 4], [3]]);
  expectSimple(both);
});
