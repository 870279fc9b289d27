/**
 * Who may talk to whom, as Maelstrom's broadcast workload suggests it to the nodes (jepsen-io/maelstrom,
 * doc/03-broadcast/02-performance.md), and one of our own: the hub, a tree of one level.
 */
import { UsageError } from "../../core/index.ts";

export const topologyNames = ["line", "grid", "tree2", "tree3", "tree4", "total", "hub"] as const;
export type TopologyName = (typeof topologyNames)[number];

/** The neighbors of each node. Links go both ways; the graph is connected. */
export function neighborsIn(topology: TopologyName, nodes: number): number[][] {
  if (!(Number.isInteger(nodes) && nodes >= 2))
    throw new UsageError(`nodes: ${nodes} is not an integer above 1`);
  const neighbors = Array.from({ length: nodes }, (): number[] => []);
  for (const [a, b] of linksOf(topology, nodes)) {
    neighbors[a]!.push(b);
    neighbors[b]!.push(a);
  }
  return neighbors;
}

function linksOf(topology: TopologyName, nodes: number): [number, number][] {
  const all = Array.from({ length: nodes }, (_, node) => node);
  const others = all.slice(1);
  switch (topology) {
    case "line":
      return others.map((node) => [node - 1, node]);
    case "grid": {
      const side = Math.ceil(Math.sqrt(nodes));
      return all.flatMap((node) => {
        const isLast = node % side === side - 1;
        const ends = [...(isLast ? [] : [node + 1]), node + side];
        return ends.filter((end) => end < nodes).map((end): [number, number] => [node, end]);
      });
    }
    case "tree2":
      return treeLinks(others, 2);
    case "tree3":
      return treeLinks(others, 3);
    case "tree4":
      return treeLinks(others, 4);
    case "total":
      return all.flatMap((a) => all.slice(a + 1).map((b): [number, number] => [a, b]));
    case "hub":
      return others.map((node) => [0, node]);
  }
}

function treeLinks(others: readonly number[], degree: number): [number, number][] {
  return others.map((node) => [Math.floor((node - 1) / degree), node]);
}
