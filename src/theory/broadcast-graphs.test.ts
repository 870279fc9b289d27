import { describe, expect, test } from "vitest";
import { graphOfLinks, gridGraph, linkCount, randomGraph } from "../core/graph.ts";
import { seededRandom } from "../core/random.ts";
import { floodInStep } from "./broadcast-graphs.ts";
import { floodTransmissions } from "./flood-cost.ts";

describe("a flood in step", () => {
  test("crosses each link of a grid or a tree once", () => {
    for (const graph of [gridGraph({ rows: 7, columns: 9 }), gridGraph({ rows: 1, columns: 20 })])
      expect(floodInStep({ graph, source: 5 }).transmissions).toBe(linkCount(graph));
  });

  test("crosses the far link of an odd circle twice, and none of an even one", () => {
    const circle = (nodes: number) =>
      graphOfLinks(
        nodes,
        Array.from({ length: nodes }, (_, i) => [i, (i + 1) % nodes] as const),
      );
    expect(floodInStep({ graph: circle(7), source: 3 }).transmissions).toBe(8);
    expect(floodInStep({ graph: circle(8), source: 3 }).transmissions).toBe(8);
  });

  test("costs 2|E| - |V| + 1 on the complete graph, as if there were no coincidence", () => {
    const graph = randomGraph({ nodes: 12, links: 66 }, seededRandom(1));
    expect(floodInStep({ graph, source: 4 }).transmissions).toBe(
      floodTransmissions({ nodes: 12, links: 66 }),
    );
  });

  test("costs from |E| to 2|E| - |V| + 1, of the part that holds the source", () => {
    for (let seed = 0; seed < 200; seed++) {
      const graph = randomGraph({ nodes: 40, links: 20 + seed }, seededRandom(seed));
      const { nodes, links, levelLinks, transmissions } = floodInStep({ graph, source: 0 });
      expect(transmissions).toBe(links + levelLinks);
      expect(transmissions).toBeGreaterThanOrEqual(links);
      expect(transmissions).toBeLessThanOrEqual(floodTransmissions({ nodes, links }));
    }
  });

  test("alone costs nothing", () => {
    const graph = graphOfLinks(3, [[1, 2]]);
    expect(floodInStep({ graph, source: 0 })).toEqual({
      nodes: 1,
      links: 0,
      levelLinks: 0,
      transmissions: 0,
    });
  });

  test("from nowhere is refused", () => {
    expect(() => floodInStep({ graph: gridGraph({ rows: 2, columns: 2 }), source: 4 })).toThrow(
      "source: 4 is more than 3",
    );
  });
});
