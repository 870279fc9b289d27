/** How evenly Chord spreads keys, what a join moves, and how many different fingers a node has: exact laws. */
import { pow } from "../core/deterministic-math.ts";
import { checkWhole } from "./valid-range.ts";

export interface ChordLoadOptions {
  /** Nodes. */
  readonly n: number;
  readonly keys: number;
  /** Places on the ring that each node takes: default 1. */
  readonly virtualNodes?: number;
}

export interface ChordLoad {
  /** Keys per node: keys/n. */
  readonly mean: number;
  readonly standardDeviation: number;
  /** Of the keys of one node: the smallest number with at least the share `q` of all nodes at or below it. */
  quantile(q: number): number;
}

/**
 * How many keys a node has. With v of the n v places of a ring it owns Beta(v, n v - v) of it, so of K keys it has a
 * beta-binomial number: exponential for v = 1, nearly normal for many (Stoica et al. 2003, VI-B, measures the same).
 * n >= 1, 1 <= keys <= 10^9, virtualNodes >= 1.
 */
export function chordLoad({ n, keys, virtualNodes = 1 }: ChordLoadOptions): ChordLoad {
  checkWhole("n", n, { least: 1 });
  checkWhole("keys", keys, { least: 1, most: 1e9 });
  checkWhole("virtualNodes", virtualNodes, { least: 1 });
  const places = n * virtualNodes;
  const mean = keys / n;
  const share = 1 / n;
  const variance = (keys * share * (1 - share) * (places + keys)) / (places + 1);
  return {
    mean,
    standardDeviation: Math.sqrt(variance),
    quantile: (q) =>
      n === 1 ? keys : quantileOf({ keys, own: virtualNodes, others: places - virtualNodes }, q),
  };
}

interface BetaBinomial {
  readonly keys: number;
  readonly own: number;
  readonly others: number;
}

function quantileOf(law: BetaBinomial, q: number): number {
  const { keys, own, others } = law;
  /** P(x + 1)/P(x). It falls as x grows. */
  const growth = (x: number) => ((keys - x) * (x + own)) / ((x + 1) * (keys - x - 1 + others));
  // Weights go from the most likely number outward, until they count for nothing: so none is ever too small for a double.
  let mode = 0;
  let above = keys;
  while (mode < above) {
    const middle = Math.floor((mode + above) / 2);
    if (growth(middle) >= 1) mode = middle + 1;
    else above = middle;
  }
  const below: number[] = [];
  for (let x = mode, weight = 1; x > 0 && weight > 1e-18; x--) {
    weight /= growth(x - 1);
    below.push(weight);
  }
  const from: number[] = [];
  for (let x = mode, weight = 1; x <= keys && weight > 1e-18; x++) {
    from.push(weight);
    weight *= growth(x);
  }
  const weights = [...below.reverse(), ...from];
  const limit = q * weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  let last = 0;
  while (last < weights.length - 1 && sum + weights[last]! < limit) sum += weights[last++]!;
  return mode - below.length + last;
}

/**
 * K/(n+1): keys that a join moves on average, all of them to the newcomer, whatever the number of virtual nodes. The same
 * number leaves with one of n+1 nodes (Stoica et al. 2003, theorem 1). n >= 0 before the join.
 */
export function keysMovedByJoin({ n, keys }: { readonly n: number; readonly keys: number }): number {
  checkWhole("n", n, { least: 0 });
  checkWhole("keys", keys, { least: 0 });
  return keys / (n + 1);
}

/**
 * Different nodes among the fingers of a node, about log2 n: one for each of the intervals [2^i, 2^(i+1)) above it that
 * is not empty, the sum of 1 - (1 - 2^-i)^(n-1). n >= 1.
 */
export function chordDistinctFingers({ n }: { readonly n: number }): number {
  checkWhole("n", n, { least: 1 });
  let fingers = 0;
  for (let i = 1, share = 1 / 2; i <= 160; i++, share /= 2) fingers += 1 - pow(1 - share, n - 1);
  return fingers;
}
