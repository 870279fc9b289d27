/**
 * Graphs in compressed form: what a radio network is to a protocol over columns, where a node's number is its row.
 *
 * All generators make undirected simple graphs: no node is its own neighbor, none is another's twice, and both ends
 * know each link.
 */
import { UsageError } from "./errors.ts";
import type { Random } from "./random.ts";

export interface Graph {
  readonly nodes: number;
  /** The neighbors of node i are neighbors[offsets[i]] to neighbors[offsets[i + 1] - 1], ascending. */
  readonly offsets: Uint32Array;
  readonly neighbors: Uint32Array;
}

/** |E|: links, each counted once. */
export function linkCount({ neighbors }: Graph): number {
  return neighbors.length / 2;
}

export function degreeOf({ offsets }: Graph, node: number): number {
  return offsets[node + 1]! - offsets[node]!;
}

/** The same graph as lists, as the measures of `theory` take it. */
export function adjacencyOf({ nodes, offsets, neighbors }: Graph): number[][] {
  return Array.from({ length: nodes }, (_, node) => [
    ...neighbors.subarray(offsets[node]!, offsets[node + 1]!),
  ]);
}

/** Throws `UsageError` if an end is no node, a node is linked to itself, or a link is there twice. */
export function graphOfLinks(nodes: number, links: readonly (readonly [number, number])[]): Graph {
  checkCount("nodes", nodes, 1);
  for (const [a, b] of links) {
    for (const end of [a, b])
      if (!(Number.isInteger(end) && end >= 0 && end < nodes))
        throw new UsageError(`links: ${end} is not a node; there are ${nodes}`);
    if (a === b) throw new UsageError(`links: node ${a} is linked to itself`);
  }
  const graph = graphOfEnds(nodes, links.flat());
  const { offsets, neighbors } = graph;
  for (let node = 0; node < nodes; node++)
    for (let i = offsets[node]! + 1; i < offsets[node + 1]!; i++)
      if (neighbors[i] === neighbors[i - 1])
        throw new UsageError(`links: nodes ${node} and ${neighbors[i]} are linked twice`);
  return graph;
}

/** The two ends of each link, one link after the other. */
function graphOfEnds(nodes: number, ends: readonly number[]): Graph {
  const offsets = new Uint32Array(nodes + 1);
  for (const end of ends) offsets[end + 1]!++;
  for (let node = 0; node < nodes; node++) offsets[node + 1]! += offsets[node]!;
  const unordered = new Uint32Array(ends.length);
  const next = offsets.slice(0, nodes);
  for (let i = 0; i < ends.length; i += 2) {
    unordered[next[ends[i]!]!++] = ends[i + 1]!;
    unordered[next[ends[i + 1]!]!++] = ends[i]!;
  }
  // Turned around, an undirected graph is the same, and all lists are in order.
  const neighbors = new Uint32Array(ends.length);
  next.set(offsets.subarray(0, nodes));
  for (let node = 0; node < nodes; node++)
    for (let i = offsets[node]!; i < offsets[node + 1]!; i++) neighbors[next[unordered[i]!]!++] = node;
  return { nodes, offsets, neighbors };
}

/** The square lattice: each node is linked to those above, below, left and right of it, as far as there are any. */
export function gridGraph({ rows, columns }: { readonly rows: number; readonly columns: number }): Graph {
  checkCount("rows", rows, 1);
  checkCount("columns", columns, 1);
  const ends: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const node = row * columns + column;
      if (column + 1 < columns) ends.push(node, node + 1);
      if (row + 1 < rows) ends.push(node, node + columns);
    }
  }
  return graphOfEnds(rows * columns, ends);
}

export interface GeometricGraphOptions {
  readonly nodes: number;
  /** Sides of the rectangle, and how far a radio reaches, all in the same unit of length. */
  readonly width: number;
  readonly height: number;
  readonly range: number;
}

/**
 * Nodes at random places of a rectangle, uniformly and independently; two are linked if they are at most `range` apart.
 * There are borders: who is near one has fewer neighbors. It need not be connected.
 */
export function randomGeometricGraph(options: GeometricGraphOptions, random: Random): Graph {
  const { nodes, width, height, range } = options;
  checkCount("nodes", nodes, 1);
  for (const [name, value] of Object.entries({ width, height, range }))
    if (!(value > 0 && value < Infinity)) throw new UsageError(`${name}: ${value} is not a length above 0`);
  const x = new Float64Array(nodes);
  const y = new Float64Array(nodes);
  for (let node = 0; node < nodes; node++) {
    x[node] = random.unit() * width;
    y[node] = random.unit() * height;
  }
  // Sorted by x, who may be in range of a node is next to it in the list.
  const order = Array.from(x.keys()).sort((a, b) => x[a]! - x[b]!);
  const ends: number[] = [];
  for (let i = 0; i < nodes; i++) {
    const a = order[i]!;
    for (let j = i + 1; j < nodes && x[order[j]!]! - x[a]! <= range; j++) {
      const b = order[j]!;
      const dx = x[a]! - x[b]!;
      const dy = y[a]! - y[b]!;
      if (dx * dx + dy * dy <= range * range) ends.push(a, b);
    }
  }
  return graphOfEnds(nodes, ends);
}

/** So many links between pairs drawn at random, all sets of that size equally likely (Erdős and Rényi, G(n, M)). */
export function randomGraph(
  { nodes, links }: { readonly nodes: number; readonly links: number },
  random: Random,
): Graph {
  checkCount("nodes", nodes, 1);
  checkCount("links", links, 0);
  const pairs = (nodes * (nodes - 1)) / 2;
  if (links > pairs)
    throw new UsageError(`links: ${links} are more than the ${pairs} pairs of ${nodes} nodes`);
  // Where most pairs are linked, those that are not are drawn: a pair that is drawn again costs one more draw.
  const isInverted = links > pairs / 2;
  const drawn = new Set<number>();
  while (drawn.size < (isInverted ? pairs - links : links)) {
    const a = random.below(nodes);
    const b = random.below(nodes);
    if (a !== b) drawn.add(Math.min(a, b) * nodes + Math.max(a, b));
  }
  const ends: number[] = [];
  if (!isInverted) for (const pair of drawn) ends.push(Math.floor(pair / nodes), pair % nodes);
  else
    for (let a = 0; a < nodes; a++)
      for (let b = a + 1; b < nodes; b++) if (!drawn.has(a * nodes + b)) ends.push(a, b);
  return graphOfEnds(nodes, ends);
}

/**
 * Several graphs as one, without a link between them: many runs in one simulation. The nodes of the i-th follow those
 * of the ones before it.
 */
export function sideBySide(graphs: readonly Graph[]): Graph {
  const nodes = graphs.reduce((sum, graph) => sum + graph.nodes, 0);
  const ends = graphs.reduce((sum, graph) => sum + graph.neighbors.length, 0);
  const offsets = new Uint32Array(nodes + 1);
  const neighbors = new Uint32Array(ends);
  let firstNode = 0;
  let firstEnd = 0;
  for (const graph of graphs) {
    for (let node = 0; node < graph.nodes; node++)
      offsets[firstNode + node + 1] = firstEnd + graph.offsets[node + 1]!;
    for (let end = 0; end < graph.neighbors.length; end++)
      neighbors[firstEnd + end] = firstNode + graph.neighbors[end]!;
    firstNode += graph.nodes;
    firstEnd += graph.neighbors.length;
  }
  return { nodes, offsets, neighbors };
}

function checkCount(name: string, value: number, min: number): void {
  if (!Number.isSafeInteger(value) || value < min)
    throw new UsageError(`${name}: ${value} is not an integer of at least ${min}`);
}
