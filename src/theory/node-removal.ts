/**
 * What stays connected when nodes go: at random, or the one with the most neighbors first (Albert, Jeong and Barabási
 * 2000, "Error and attack tolerance of complex networks"). A scale-free overlay loses nodes at random almost without
 * noticing, and falls apart when its hubs are taken.
 */
import { UsageError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { checkWhole } from "./valid-range.ts";

type Lists = readonly (readonly number[])[];

/** parts[i] is the share of all nodes in the largest part after i of them went, for i from 0 to all. */
export type LargestParts = Float64Array<ArrayBuffer>;

/**
 * `order` names every node once, in the order in which they go. Built backwards: nodes come back one by one and parts
 * grow together. Both ends of each link are in `adjacency`. O(nodes + links), but for the inverse of Ackermann.
 */
export function largestPartAfterRemoving(adjacency: Lists, order: readonly number[]): LargestParts {
  const nodes = adjacency.length;
  if (order.length !== nodes)
    throw new UsageError(`order: it names ${order.length} nodes, and there are ${nodes}`);
  const parent = new Int32Array(nodes).fill(-1);
  const size = new Int32Array(nodes);
  const rootOf = (node: number) => {
    let root = node;
    while (parent[root] !== root) {
      parent[root] = parent[parent[root]!]!;
      root = parent[root]!;
    }
    return root;
  };
  const parts = new Float64Array(nodes + 1);
  let largest = 0;
  for (let removed = nodes - 1; removed >= 0; removed--) {
    const node = order[removed]!;
    if (parent[node] !== -1) throw new UsageError(`order: node ${node} goes twice, or is none`);
    parent[node] = node;
    size[node] = 1;
    for (const other of adjacency[node]!) {
      if (parent[other] === -1) continue;
      let [a, b] = [rootOf(node), rootOf(other)];
      if (a === b) continue;
      if (size[a]! < size[b]!) [a, b] = [b, a];
      parent[b] = a;
      size[a] = size[a]! + size[b]!;
    }
    largest = Math.max(largest, size[rootOf(node)]!);
    parts[removed] = largest / nodes;
  }
  return parts;
}

/** All nodes, always the one next that has the most neighbors left. O(nodes + links). */
export function hubsFirst(adjacency: Lists): number[] {
  const degree = adjacency.map((others) => others.length);
  const most = degree.reduce((top, one) => Math.max(top, one), 0);
  // Nodes by the neighbors that they have left; who has lost some is there again, further down.
  const buckets: number[][] = Array.from({ length: most + 1 }, () => []);
  for (let node = adjacency.length - 1; node >= 0; node--) buckets[degree[node]!]!.push(node);
  const order: number[] = [];
  const isGone = new Uint8Array(adjacency.length);
  for (let top = most; top >= 0; ) {
    const node = buckets[top]!.pop();
    if (node === undefined) {
      top--;
      continue;
    }
    if (isGone[node] === 1 || degree[node] !== top) continue;
    isGone[node] = 1;
    order.push(node);
    for (const other of adjacency[node]!) {
      if (isGone[other] === 1) continue;
      degree[other]!--;
      buckets[degree[other]!]!.push(other);
    }
  }
  return order;
}

export function inRandomOrder(nodes: number, random: Random): number[] {
  checkWhole("nodes", nodes, { least: 0 });
  const order = Array.from({ length: nodes }, (_, node) => node);
  for (let last = nodes - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/**
 * 1 - 1/(<k²>/<k> - 1): the share of nodes that may go at random before a large network with these degrees, and linked
 * at random otherwise, falls apart (Molloy and Reed 1995; Cohen, Erez, ben-Avraham and Havlin 2000). 0 where it never
 * held together; NaN without links.
 */
export function criticalRandomRemoval(degrees: readonly number[]): number {
  let first = 0;
  let second = 0;
  for (const degree of degrees) {
    first += degree;
    second += degree * degree;
  }
  return Math.max(0, 1 - 1 / (second / first - 1));
}
