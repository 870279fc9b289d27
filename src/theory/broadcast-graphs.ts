/** What the shape of a graph says of a flood beyond its numbers of nodes and links (those: flood-cost.ts). */
import type { Graph } from "../core/graph.ts";
import { checkWhole } from "./valid-range.ts";

export interface FloodInStep {
  /** Nodes that the source reaches, itself among them. */
  readonly nodes: number;
  /** Links among them. */
  readonly links: number;
  /** Links between two nodes that are equally far from the source. */
  readonly levelLinks: number;
  readonly transmissions: number;
}

/**
 * |E| + (links between two nodes equally far from the source): copies of a flood in step, over the part of the graph
 * that holds the source. All hops take the same time, and all copies that come at the same moment are seen before
 * anything is forwarded.
 *
 * Then a node hears of all its neighbors nearer to the source at once, and has no copy for them: a link between two
 * distances carries one. The ends of a link within one distance learn at the same moment, and their copies cross. So
 * |E| <= copies <= 2|E| - |V| + 1, and on a graph without odd circles (a tree, a grid) it is |E|, document 001's
 * "exactly once over each link". O(nodes + links).
 */
export function floodInStep({
  graph,
  source,
}: {
  readonly graph: Graph;
  readonly source: number;
}): FloodInStep {
  const { nodes, offsets, neighbors } = graph;
  checkWhole("source", source, { least: 0, most: nodes - 1 });
  const hops = new Int32Array(nodes).fill(-1);
  const queue = new Uint32Array(nodes);
  queue[0] = source;
  hops[source] = 0;
  let reached = 1;
  let ends = 0;
  let levelEnds = 0;
  for (let head = 0; head < reached; head++) {
    const node = queue[head]!;
    for (let i = offsets[node]!; i < offsets[node + 1]!; i++) {
      const other = neighbors[i]!;
      ends++;
      if (hops[other]! < 0) {
        hops[other] = hops[node]! + 1;
        queue[reached++] = other;
      } else if (hops[other] === hops[node]) levelEnds++;
    }
  }
  const links = ends / 2;
  const levelLinks = levelEnds / 2;
  return { nodes: reached, links, levelLinks, transmissions: links + levelLinks };
}
