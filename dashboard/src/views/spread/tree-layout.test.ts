import { describe, expect, test } from "vitest";
import type { ReceiptTree, ReceiptTreeNode } from "../../../../src/trace/spread.ts";
import { lineage, nodeAt, treeLayout } from "./tree-layout.ts";

/** Layers of so many nodes; parents are shared out evenly. */
function treeOf(...sizes: number[]): ReceiptTree {
  let row = 0;
  const layers = sizes.map((size, hop) =>
    Array.from({ length: size }, (_, i): ReceiptTreeNode => {
      const parent = hop === 0 ? -1 : Math.floor((i * sizes[hop - 1]!) / size);
      return { row: row++, parent, receivedMs: hop * 10, below: 0 };
    }),
  );
  return { layers, wayUnknown: [] };
}

describe.each([
  ["26 nodes", treeOf(1, 5, 12, 8)],
  ["1,000 nodes", treeOf(1, 7, 80, 400, 400, 112)],
  ["10,000 nodes", treeOf(1, 20, 400, 5000, 4579)],
])("%s", (name, tree) => {
  const layout = treeLayout(tree, 900);

  test("stand within the drawing, each in the band of its hop, and none on another", () => {
    const places = new Set<string>();
    for (const { x, y, hop } of layout.nodes) {
      expect(x).toBeGreaterThan(50);
      expect(x).toBeLessThan(900);
      const { top, height } = layout.bands[hop]!;
      expect(y).toBeGreaterThan(top);
      expect(y).toBeLessThan(top + height);
      places.add(`${x.toFixed(2)}/${y.toFixed(2)}`);
    }
    expect(places.size).toBe(tree.layers.flat().length);
    expect(layout.height).toBeLessThan(name === "10,000 nodes" ? 900 : 500);
  });

  test("are below their parents", () => {
    for (const { y, parent } of layout.nodes)
      if (parent >= 0) expect(y).toBeGreaterThan(layout.nodes[parent]!.y);
  });
});

test("few nodes of a hop have their names below them, many have not", () => {
  const { bands } = treeLayout(treeOf(1, 5, 200), 900);
  expect(bands.map(({ nameWidth }) => nameWidth > 0)).toEqual([true, true, false]);
});

test("the node under the pointer is the nearest one, if it is near", () => {
  const layout = treeLayout(treeOf(1, 5), 900);
  const { x, y } = layout.nodes[3]!;
  expect(nodeAt(layout, x + 5, y - 4)).toBe(3);
  expect(nodeAt(layout, x + 40, y)).toBe(-1);
});

test("a node's line is its way from the origin and all behind it", () => {
  const layout = treeLayout(treeOf(1, 2, 4), 900);
  expect([...lineage(layout, 1)].sort()).toEqual([0, 1, 3, 4]);
  expect([...lineage(layout, 6)].sort()).toEqual([0, 2, 6]);
});
