import { UsageError } from "../core/errors.ts";

/**
 * Measures of an overlay as an undirected simple graph: connectedness, degrees, what a flood costs, how far apart
 * nodes are.
 *
 * All functions take the same adjacency list, check it, and throw `UsageError` if a neighbor is no node, if a node
 * is its own or twice the same neighbor, or if a link is known to one end only (`undirected` repairs the last two).
 * Costs are O(nodes + links) unless stated.
 */
export type Adjacency = ReadonlyMap<number, readonly number[]> | readonly (readonly number[])[];

/** Who is a neighbor of whom when one end's word is enough: every one-way link gets its return. */
export function undirected(adjacency: Adjacency): Map<number, number[]> {
  const neighbors = new Map<number, Set<number>>();
  for (const [node] of adjacency.entries()) neighbors.set(node, new Set());
  for (const [node, others] of adjacency.entries()) {
    for (const other of others) {
      const back = neighbors.get(other);
      if (back === undefined) throw unknownNeighbor(node, other);
      if (other === node) throw selfLink(node);
      neighbors.get(node)!.add(other);
      back.add(node);
    }
  }
  return new Map([...neighbors].map(([node, others]) => [node, [...others]]));
}

/** Number of neighbors of each node, in the order of the list. */
export function degrees(adjacency: Adjacency): number[] {
  const { nodes, start } = graphOf(adjacency);
  return nodes.map((_, i) => start[i + 1]! - start[i]!);
}

/** histogram[k] = number of nodes with k neighbors, for k from 0 to the largest degree. */
export function degreeHistogram(adjacency: Adjacency): number[] {
  const histogram: number[] = [];
  for (const degree of degrees(adjacency)) {
    while (histogram.length <= degree) histogram.push(0);
    histogram[degree]!++;
  }
  return histogram;
}

/** |E|: links, each counted once. */
export function edgeCount(adjacency: Adjacency): number {
  return graphOf(adjacency).neighbors.length / 2;
}

/** The nodes of each connected part, the largest part first. */
export function components(adjacency: Adjacency): number[][] {
  const graph = graphOf(adjacency);
  const search = new Search(graph);
  const parts: number[][] = [];
  const isPlaced = new Uint8Array(graph.nodes.length);
  for (let i = 0; i < graph.nodes.length; i++) {
    if (isPlaced[i] === 1) continue;
    const part: number[] = [];
    for (const j of search.from(i).reached) {
      isPlaced[j] = 1;
      part.push(graph.nodes[j]!);
    }
    parts.push(part);
  }
  return parts.sort((a, b) => b.length - a.length);
}

/** Whether every node can reach every other one. True of a graph without nodes. */
export function isConnected(adjacency: Adjacency): boolean {
  const graph = graphOf(adjacency);
  return graph.nodes.length === 0 || new Search(graph).from(0).reached.length === graph.nodes.length;
}

/**
 * Copies sent when one message floods from `source` (default: the first node) and everyone forwards what it hears
 * first to all neighbors but the sender: 2|E| - |V| + 1 over the part of the graph that holds the source. The
 * source sends one copy per neighbor, every other node one fewer. V - 1 of them are needed; the rest is redundancy.
 */
export function floodCost(adjacency: Adjacency, source?: number): number {
  const graph = graphOf(adjacency);
  const index = source === undefined ? 0 : graph.nodes.indexOf(source);
  if (index < 0 || index >= graph.nodes.length)
    throw new UsageError(`source: ${source} is not a node of the graph`);
  const { reached } = new Search(graph).from(index);
  let ends = 0;
  for (const i of reached) ends += graph.start[i + 1]! - graph.start[i]!;
  return ends - reached.length + 1;
}

/**
 * Mean over all nodes of the share of pairs of their neighbors that are neighbors of each other; 0 where there is no
 * such pair (Watts and Strogatz 1998). O(sum of the squares of all degrees).
 */
export function clustering(adjacency: Adjacency): number {
  const { nodes, start, neighbors } = graphOf(adjacency);
  if (nodes.length === 0) return 0;
  const neighborOf = new Int32Array(nodes.length).fill(-1);
  let sum = 0;
  for (let node = 0; node < nodes.length; node++) {
    const from = start[node]!;
    const to = start[node + 1]!;
    if (to - from < 2) continue;
    for (let i = from; i < to; i++) neighborOf[neighbors[i]!] = node;
    let ends = 0;
    for (let i = from; i < to; i++) {
      const other = neighbors[i]!;
      for (let j = start[other]!; j < start[other + 1]!; j++) if (neighborOf[neighbors[j]!] === node) ends++;
    }
    sum += ends / ((to - from) * (to - from - 1));
  }
  return sum / nodes.length;
}

export interface PathLengthOptions {
  /**
   * Breadth-first searches for the mean, from nodes evenly spaced in the list. Default: as many as keep the work
   * near 2 * 10^7 steps, at least 16, at most all. All make every result exact.
   */
  readonly sources?: number;
}

export interface PathLengths {
  /** Longest shortest path, in hops, between nodes that reach each other; a lower bound unless `isExact`. */
  readonly diameter: number;
  /** Mean shortest path, in hops, from the sources to all other nodes that they reach; NaN if there are none. */
  readonly meanPathLength: number;
  /** Share of the (source, other node) pairs that reach each other: 1 in a connected graph; NaN without pairs. */
  readonly reachability: number;
  readonly sources: number;
  /** Every node was a source. */
  readonly isExact: boolean;
}

/**
 * Path lengths by breadth-first search, O(sources * (nodes + links)). Where not every node is a source the diameter
 * is sought further by double sweeps: search again from the farthest node found, as long as that finds a longer
 * path (Magnien, Latapy, Habib 2009). That bound is usually the diameter itself or one less.
 */
export function pathLengths(adjacency: Adjacency, options: PathLengthOptions = {}): PathLengths {
  const graph = graphOf(adjacency);
  const count = graph.nodes.length;
  const wanted = options.sources ?? affordableSources(graph);
  if (!Number.isInteger(wanted) || wanted < 1) {
    throw new UsageError(`sources: ${wanted} is not an integer of at least 1`);
  }
  const sources = Math.min(count, wanted);

  const search = new Search(graph);
  let diameter = 0;
  let farthest = 0;
  let hops = 0;
  let pairs = 0;
  for (let s = 0; s < sources; s++) {
    const { reached, hopsTo } = search.from(Math.floor((s * count) / sources));
    for (const i of reached) hops += hopsTo[i]!;
    pairs += reached.length - 1;
    const last = reached.at(-1)!; // reached in the order of distance
    if (hopsTo[last]! > diameter) {
      diameter = hopsTo[last]!;
      farthest = last;
    }
  }

  const isExact = sources === count;
  let isLonger = !isExact && count > 0;
  while (isLonger) {
    const { reached, hopsTo } = search.from(farthest);
    farthest = reached.at(-1)!;
    isLonger = hopsTo[farthest]! > diameter;
    diameter = Math.max(diameter, hopsTo[farthest]!);
  }

  const meanPathLength = hops / pairs;
  return { diameter, meanPathLength, reachability: pairs / (sources * (count - 1)), sources, isExact };
}

function affordableSources({ nodes, neighbors }: Graph): number {
  return Math.max(16, Math.floor(2e7 / (1 + nodes.length + neighbors.length)));
}

/**
 * The graph in three arrays: the neighbors of the i-th node are neighbors[start[i]] .. neighbors[start[i + 1] - 1],
 * as indices, ascending.
 */
interface Graph {
  readonly nodes: readonly number[];
  readonly start: Int32Array;
  readonly neighbors: Int32Array;
}

function graphOf(adjacency: Adjacency): Graph {
  const nodes = [...adjacency.keys()];
  const indexOf = new Map(nodes.map((node, i) => [node, i]));
  const start = new Int32Array(nodes.length + 1);
  let i = 0;
  for (const others of adjacency.values()) {
    start[i + 1] = start[i]! + others.length;
    i++;
  }

  const targets = new Int32Array(start[nodes.length]!);
  let end = 0;
  for (const [node, others] of adjacency.entries()) {
    for (const other of others) {
      const index = indexOf.get(other);
      if (index === undefined) throw unknownNeighbor(node, other);
      if (other === node) throw selfLink(node);
      targets[end++] = index;
    }
  }

  // Reversing all links sorts every row; an undirected graph is its own reverse.
  const reverse = reversed({ nodes, start, neighbors: targets });
  const sorted = reversed(reverse);
  refuseDoubles(sorted);
  refuseOneWay(sorted, reverse);
  return sorted;
}

function refuseDoubles({ nodes, start, neighbors }: Graph): void {
  for (let row = 0; row < nodes.length; row++) {
    for (let j = start[row]! + 1; j < start[row + 1]!; j++) {
      if (neighbors[j] !== neighbors[j - 1]) continue;
      throw new UsageError(`adjacency: node ${nodes[row]} names neighbor ${nodes[neighbors[j]!]} twice`);
    }
  }
}

function refuseOneWay(graph: Graph, reverse: Graph): void {
  const { nodes, start, neighbors } = graph;
  for (let row = 0; row < nodes.length; row++) {
    let isSame = start[row + 1] === reverse.start[row + 1];
    for (let j = start[row]!; isSame && j < start[row + 1]!; j++)
      isSame = neighbors[j] === reverse.neighbors[j];
    if (!isSame) throw new UsageError(`adjacency: node ${nodes[row]} has a link that only one end knows`);
  }
}

function reversed({ nodes, start, neighbors }: Graph): Graph {
  const reverseStart = new Int32Array(nodes.length + 1);
  for (const target of neighbors) reverseStart[target + 1]!++;
  for (let i = 0; i < nodes.length; i++) reverseStart[i + 1]! += reverseStart[i]!;
  const next = reverseStart.slice(0, nodes.length);
  const reverseNeighbors = new Int32Array(neighbors.length);
  for (let i = 0; i < nodes.length; i++) {
    for (let j = start[i]!; j < start[i + 1]!; j++) reverseNeighbors[next[neighbors[j]!]!++] = i;
  }
  return { nodes, start: reverseStart, neighbors: reverseNeighbors };
}

function unknownNeighbor(node: number, other: number): UsageError {
  return new UsageError(`adjacency: neighbor ${other} of node ${node} is not a node of the graph`);
}

function selfLink(node: number): UsageError {
  return new UsageError(`adjacency: node ${node} is its own neighbor`);
}

/** Breadth-first search that reuses its arrays. A result is valid until the next search. */
class Search {
  readonly #graph: Graph;
  readonly #queue: Int32Array;
  /** hopsTo[i] means something for the nodes reached last, whose stamp is the number of this search. */
  readonly #hopsTo: Int32Array;
  readonly #stamps: Int32Array;
  #searches = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#queue = new Int32Array(graph.nodes.length);
    this.#hopsTo = new Int32Array(graph.nodes.length);
    this.#stamps = new Int32Array(graph.nodes.length);
  }

  /** Indices of all nodes reached, in the order of distance, and the hops to each. */
  from(source: number): { readonly reached: Int32Array; readonly hopsTo: Int32Array } {
    const { start, neighbors } = this.#graph;
    const queue = this.#queue;
    const hopsTo = this.#hopsTo;
    const stamps = this.#stamps;
    const stamp = ++this.#searches;
    queue[0] = source;
    hopsTo[source] = 0;
    stamps[source] = stamp;
    let length = 1;
    for (let head = 0; head < length; head++) {
      const node = queue[head]!;
      for (let j = start[node]!; j < start[node + 1]!; j++) {
        const other = neighbors[j]!;
        if (stamps[other] === stamp) continue;
        stamps[other] = stamp;
        hopsTo[other] = hopsTo[node]! + 1;
        queue[length++] = other;
      }
    }
    return { reached: queue.subarray(0, length), hopsTo };
  }
}
