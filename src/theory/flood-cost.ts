/**
 * What a flood with a filter for duplicates costs, from the numbers of nodes and links alone; `floodCost` of
 * graph-measures.ts takes the graph itself. Links are reliable, the graph is connected, copies cross.
 */
import { checkNumber, checkWhole } from "./valid-range.ts";

export interface GraphSize {
  /** |V|: at least 1. */
  readonly nodes: number;
  /** |E|: at least |V| - 1, as the graph is connected, and at most |V| (|V| - 1)/2. */
  readonly links: number;
}

/**
 * 2|E| - |V| + 1 copies: the source sends one over each of its links, every other node over all of its links but the one
 * by which the message came. So the |V| - 1 links of the tree of first receipts carry one copy, all others two, which
 * cross: document 001's "exactly once over each link" holds for trees only. Throws `UsageError` if there can be no such
 * connected graph.
 */
export function floodTransmissions({ nodes, links }: GraphSize): number {
  checkWhole("nodes", nodes, { least: 1 });
  checkWhole("links", links, { least: nodes - 1, most: (nodes * (nodes - 1)) / 2 });
  return 2 * links - nodes + 1;
}

/**
 * Relative message redundancy: copies sent for each one that was needed, minus 1; copies/(nodes-1) - 1. 0 is a tree, 3
 * means three superfluous copies for each needed one (Leitão, Pereira and Rodrigues 2007, "Epidemic broadcast trees",
 * 5.1). `nodes` >= 2 that all got the message, `copies` >= 0.
 */
export function relativeMessageRedundancy({
  copies,
  nodes,
}: {
  readonly copies: number;
  readonly nodes: number;
}): number {
  checkWhole("nodes", nodes, { least: 2 });
  checkNumber("copies", copies, { least: 0 });
  return copies / (nodes - 1) - 1;
}

/** RMR of a flood: 2|E|/(|V|-1) - 2, about the mean degree minus 2. `nodes` >= 2. */
export function floodRedundancy({ nodes, links }: GraphSize): number {
  return relativeMessageRedundancy({ copies: floodTransmissions({ nodes, links }), nodes });
}
