/**
 * A Pastry network in which every table is as it should be: leaf sets exact, and in each place of a routing table one of
 * the nodes that belong there, a random one or the nearest of some. Made for one node at a time, when it is needed: a
 * million tables need not be there at once.
 */
import { digitAt, hashNumbers, type KeyedNode } from "../../core/index.ts";
import type { PastryReadyTable } from "../../lookup/index.ts";
import type { KeySpace } from "./key-space.ts";

export interface StaticPastryConfig {
  /** Which of the nodes that fit are chosen. */
  readonly seed: number;
  /** b; default 4. */
  readonly bits?: number;
  /** |L|; default 16. */
  readonly leafSetSize?: number;
  /** How far apart two rows are. Given: the nearest of `candidates` random ones is taken, not any. */
  readonly distance?: ((from: number, to: number) => number) | undefined;
  /** Who is in leaf sets; default: everybody. Leaf sets that were repaired, and tables that were not. */
  readonly isThere?: ((row: number) => boolean) | undefined;
  /** Default: 16 (what a newcomer and some tuning see); all, if no more than that fit. */
  readonly candidates?: number;
}

/** The table of a row. */
export function staticPastry(keys: KeySpace, config: StaticPastryConfig): (row: number) => PastryReadyTable {
  const { bits = 4, leafSetSize = 16, isThere = () => true } = config;
  const { sorted } = keys;
  return (row) => {
    const rank = keys.rankOf(row);
    const side = (step: 1 | -1) => {
      const leaves: KeyedNode[] = [];
      for (let by = 1; by < sorted.length && leaves.length < leafSetSize / 2; by++) {
        const leaf = sorted[(rank + step * by + sorted.length) % sorted.length]!;
        if (isThere(keys.rowOf(leaf.node)!)) leaves.push(leaf);
      }
      return leaves;
    };
    return {
      type: "ready-table",
      above: side(1),
      below: side(-1),
      entries: entriesOf(keys, row, rank, bits, config),
    };
  };
}

function entriesOf(
  keys: KeySpace,
  row: number,
  rank: number,
  bits: number,
  config: StaticPastryConfig,
): KeyedNode[] {
  const { sorted } = keys;
  const own = sorted[rank]!;
  const entries: KeyedNode[] = [];
  // Those that share `digits` digits with us are from `low` to below `high`.
  let [low, high] = [0, sorted.length];
  for (let digits = 0; high - low > 1; digits++) {
    const ownDigit = digitAt(own.key, digits, bits);
    let [nextLow, nextHigh] = [low, high];
    let from = low;
    for (let digit = 0; digit < 2 ** bits && from < high; digit++) {
      const to = firstAbove(sorted, from, high, digits, digit, bits);
      if (digit === ownDigit) [nextLow, nextHigh] = [from, to];
      else if (to > from) entries.push(chosen(keys, row, from, to, [digits, digit], config));
      from = to;
    }
    [low, high] = [nextLow, nextHigh];
  }
  return entries;
}

/** The first place from `low` whose key has a larger digit there; all between share the digits before. */
function firstAbove(
  sorted: readonly KeyedNode[],
  low: number,
  high: number,
  place: number,
  digit: number,
  bits: number,
): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (digitAt(sorted[middle]!.key, place, bits) > digit) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** One of the nodes from rank `from` to below `to`. */
function chosen(
  keys: KeySpace,
  row: number,
  from: number,
  to: number,
  place: readonly [number, number],
  { seed, distance, candidates = 16 }: StaticPastryConfig,
): KeyedNode {
  const { sorted } = keys;
  const count = to - from;
  const drawn = (i: number) =>
    sorted[from + Math.floor((hashNumbers([seed, row, ...place, i]) / 2 ** 32) * count)]!;
  if (distance === undefined) return drawn(0);
  const tried = Math.min(count, candidates);
  let best: KeyedNode | undefined;
  let bestDistance = Infinity;
  for (let i = 0; i < tried; i++) {
    const node = count <= candidates ? sorted[from + i]! : drawn(i);
    const far = distance(row, keys.rowOf(node.node)!);
    if (far < bestDistance) [best, bestDistance] = [node, far];
  }
  return best!;
}
