/**
 * A Chord network in which every table is exact: predecessor, successor list, and all different fingers. Made for one
 * node at a time, when it is needed: a million tables need not be there at once.
 */
import { fractionOf, type Key, type KeyedNode, keyBits, plusPowerOfTwo } from "../../core/index.ts";
import { type BuiltChordTable, bucketOf } from "../../lookup/index.ts";
import type { KeySpace } from "./key-space.ts";

export interface StaticChordConfig {
  /** Length of the successor lists: as in the options of `Chord`. Default: 16. */
  readonly successors?: number;
}

/** The table of a row: what `LookupNetwork` takes as `tableOf`. */
export function staticChord(keys: KeySpace, { successors = 16 }: StaticChordConfig = {}) {
  const { sorted } = keys;
  const fractions = Float64Array.from(sorted, ({ key }) => fractionOf(key));
  const length = Math.min(successors, sorted.length - 1);
  return (row: number): BuiltChordTable => {
    const rank = keys.rankOf(row);
    const step = (by: number) => sorted[(rank + by) % sorted.length]!;
    return {
      type: "built-chord-table",
      predecessor: sorted.length > 1 ? step(sorted.length - 1) : undefined,
      successors: Array.from({ length }, (_, i) => step(i + 1)),
      fingers: fingersOf(sorted, fractions, rank),
    };
  };
}

/** Going down from the farthest start; below the successor's bucket all fingers are the successor. */
function fingersOf(sorted: readonly KeyedNode[], fractions: Float64Array, rank: number): KeyedNode[] {
  const { key } = sorted[rank]!;
  const size = sorted.length;
  if (size === 1) return [];
  const successor = sorted[(rank + 1) % size]!;
  const last = bucketOf(key, successor.key);
  const fingers: KeyedNode[] = [];
  let farther: KeyedNode = sorted[rank]!;
  for (let exponent = keyBits - 1; exponent > last; exponent--) {
    const finger = sorted[firstFrom(sorted, fractions, key, exponent) % size]!;
    // That of the next start, or that start is beyond everybody and the finger is the node itself.
    if (finger === farther) continue;
    fingers.push(finger);
    farther = finger;
  }
  if (farther !== successor) fingers.push(successor);
  return fingers.reverse();
}

/** Nearer than this to a boundary the digits of a fraction may be wrong. */
const tolerance = 2 ** -48;

/** The place of the first key at or behind `key` + 2^`exponent`; as many as there are if it is the first of all. */
function firstFrom(
  sorted: readonly KeyedNode[],
  fractions: Float64Array,
  key: Key,
  exponent: number,
): number {
  const target = (fractionOf(key) + 2 ** (exponent - keyBits)) % 1;
  const place = firstThat(fractions.length, (i) => fractions[i]! >= target - tolerance);
  const isClear = place === fractions.length || fractions[place]! > target + tolerance;
  if (isClear && target > tolerance && target < 1 - tolerance) return place;
  const start = plusPowerOfTwo(key, exponent);
  return firstThat(sorted.length, (i) => sorted[i]!.key >= start);
}

/** The first place that it holds for; it holds for all behind that, too. */
function firstThat(size: number, holds: (place: number) => boolean): number {
  let [from, to] = [0, size];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}
