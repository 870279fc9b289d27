/**
 * A Kademlia network in which every table is as the model has it: of each subtree beside a node's own so many random
 * contacts as a bucket holds, or all of them where there are fewer. Made for one node at a time, when it is needed: a
 * million tables need not be there at once. Each node has a die of its own, so that a table is the same whenever it is made.
 */
import { bitAt, hashNumbers, type KeyedNode, type Random, seededRandom } from "../../core/index.ts";
import type { BuiltKademliaTable } from "../../lookup/index.ts";
import type { KeySpace } from "./key-space.ts";

export interface StaticKademliaConfig {
  readonly seed: number;
  /** As in the options of `Kademlia`. Default: 8. */
  readonly k?: number;
}

/** The table of a row: what `LookupNetwork` takes as `tableOf`. */
export function staticKademlia(keys: KeySpace, { seed, k = 8 }: StaticKademliaConfig) {
  const { sorted } = keys;
  return (row: number): BuiltKademliaTable => {
    const random = seededRandom(hashNumbers([seed, row]));
    const { key } = keys.nodes[row]!;
    const buckets: KeyedNode[][] = [];
    let [low, high] = [0, sorted.length];
    // What is between `low` and `high` shares its first bits with us; we are one of them.
    for (let bit = 0; high - low > 1; bit++) {
      const middle = firstWithBit(sorted, bit, low, high);
      const isLower = bitAt(key, bit) === 0;
      buckets.push(
        isLower ? someOf(sorted, middle, high, k, random) : someOf(sorted, low, middle, k, random),
      );
      if (isLower) high = middle;
      else low = middle;
    }
    return { type: "built-kademlia-table", buckets };
  };
}

/** `count` different ones of a stretch, or all: Floyd's choice, which needs no copy of the stretch. */
function someOf(
  sorted: readonly KeyedNode[],
  low: number,
  high: number,
  count: number,
  random: Random,
): KeyedNode[] {
  if (high - low <= count) return sorted.slice(low, high);
  const chosen = new Set<number>();
  for (let last = high - count; last < high; last++) {
    const place = low + random.below(last - low + 1);
    chosen.add(chosen.has(place) ? last : place);
  }
  return Array.from(chosen, (place) => sorted[place]!);
}

/** All between the two places agree in the bits before. */
function firstWithBit(sorted: readonly KeyedNode[], bit: number, low: number, high: number): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (bitAt(sorted[middle]!.key, bit) === 1) to = middle;
    else from = middle + 1;
  }
  return from;
}
