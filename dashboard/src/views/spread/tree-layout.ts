/**
 * Where the nodes of a tree of first receipts stand: a band for each hop, in it the children in the order of their
 * parents, so that lines hardly cross. A hop with more nodes than fit into a row takes several, filled column by
 * column.
 */
import type { ReceiptTree } from "../../../../src/trace/spread.ts";

export interface PlacedNode {
  readonly row: number;
  readonly hop: number;
  readonly receivedMs: number;
  readonly below: number;
  /** Number of its parent; -1 where it has none. */
  readonly parent: number;
  readonly x: number;
  readonly y: number;
}

export interface TreeBand {
  readonly hop: number;
  readonly count: number;
  readonly top: number;
  readonly height: number;
  /** Room for a name below each node; 0 where there is none. */
  readonly nameWidth: number;
}

export interface TreeLayout {
  /** Parents before their children; those whose way is unknown are left out. */
  readonly nodes: readonly PlacedNode[];
  readonly bands: readonly TreeBand[];
  readonly radius: number;
  readonly height: number;
}

/** For the names of the bands. */
const leftPx = 52;
const rightPx = 12;
/** From center to center: at least, and what looks best. */
const leastPitchPx = 8;
const bestPitchPx = 22;
/** A hop takes no more rows than this; then its nodes move closer together. */
const mostRows = 12;
/** For a name below its node. */
export const namePx = 14;
const leastNameWidthPx = 46;
const gapPx = 26;

export function treeLayout({ layers }: ReceiptTree, widthPx: number): TreeLayout {
  const room = Math.max(120, widthPx - leftPx - rightPx);
  const largest = layers.reduce((most, layer) => Math.max(most, layer.length), 1);
  const columnsAtMost = Math.max(1, Math.floor(room / leastPitchPx));
  const rowsOfLargest = Math.min(mostRows, Math.ceil(largest / columnsAtMost));
  const pitch = Math.min(bestPitchPx, room / Math.ceil(largest / rowsOfLargest));
  const radius = Math.max(1.5, Math.min(6, pitch / 2 - 1.25));
  const nodes: PlacedNode[] = [];
  const bands: TreeBand[] = [];
  let top = 4;
  let firstOfBefore = 0;
  layers.forEach((layer, hop) => {
    const first = nodes.length;
    const rows = Math.min(mostRows, Math.ceil((layer.length * pitch) / room));
    const columns = Math.ceil(layer.length / rows);
    const step = room / columns;
    const nameWidth = rows === 1 && step >= leastNameWidthPx ? step - 6 : 0;
    const rowStep = Math.max(2 * radius + 2, Math.min(pitch, 14));
    const height = rows * rowStep + (nameWidth > 0 ? namePx : 0);
    layer.forEach(({ row, parent, receivedMs, below }, i) => {
      nodes.push({
        row,
        hop,
        receivedMs,
        below,
        parent: parent < 0 ? -1 : firstOfBefore + parent,
        x: leftPx + (Math.floor(i / rows) + 0.5) * step,
        y: top + ((i % rows) + 0.5) * rowStep,
      });
    });
    bands.push({ hop, count: layer.length, top, height, nameWidth });
    firstOfBefore = first;
    top += height + gapPx;
  });
  return { nodes, bands, radius, height: top - gapPx + 6 };
}

/** The nearest node within so many px; -1 where there is none. */
export function nodeAt({ nodes }: TreeLayout, x: number, y: number, reachPx = 12): number {
  let best = -1;
  let bestDistance = reachPx * reachPx;
  nodes.forEach((node, i) => {
    const distance = (node.x - x) ** 2 + (node.y - y) ** 2;
    if (distance < bestDistance) {
      bestDistance = distance;
      best = i;
    }
  });
  return best;
}

/** That node, all on its way from the origin, and all that got it through that node. */
export function lineage({ nodes }: TreeLayout, index: number): ReadonlySet<number> {
  const line = new Set<number>();
  for (let i = index; i >= 0; i = nodes[i]!.parent) line.add(i);
  const below = new Set([index]);
  for (let i = index + 1; i < nodes.length; i++)
    if (below.has(nodes[i]!.parent)) {
      below.add(i);
      line.add(i);
    }
  return line;
}
