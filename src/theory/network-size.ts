/** How many nodes there are, from how near the nearest ones are. */
import { UsageError } from "../core/errors.ts";
import { checkNumber, checkWhole } from "./valid-range.ts";

export interface NetworkSize {
  /** Nodes, those included whose distances were given. */
  readonly n: number;
  readonly standardError: number;
}

/**
 * Each list has the distances of the nearest nodes to one random key, in ascending order, as shares of the largest possible
 * distance: by XOR, up the ring (Chord), or around the ring (Pastry; there the largest is half of the ring). The i-th of n
 * nodes is i/(n+1) away on average: a line through the origin, whose slope by least squares is sum(i d_i)/sum(i^2), with
 * d_i the mean over the lists (as go-libp2p-kad-dht's netsize does).
 *
 * The standard error is that of exponential gaps, and of lists that have no node in common: many lookups near one key
 * say no more than one of them. Throws `UsageError` without any distance, and for lists of different lengths.
 */
export function networkSizeOf(lists: readonly (readonly number[])[]): NetworkSize {
  const k = lists[0]?.length ?? 0;
  if (k === 0) throw new UsageError("lists: there is no distance to estimate from");
  let products = 0;
  for (const list of lists) {
    if (list.length !== k) throw new UsageError(`lists: ${list.length} distances in one, ${k} in another`);
    for (const [i, distance] of list.entries()) {
      checkNumber("distance", distance, { least: i === 0 ? 0 : list[i - 1]!, most: 1 });
      products += (i + 1) * distance;
    }
  }
  const slope = products / lists.length / sumOfSquares(k);
  // No fewer than have been seen.
  const n = slope === 0 ? Number.POSITIVE_INFINITY : Math.max(k, 1 / slope - 1);
  return { n, standardError: n * networkSizeRelativeError({ k, lookups: lists.length }) };
}

/**
 * Standard error over n of `networkSizeOf`: gap j counts in all distances from the j-th on, so that the variance is the
 * sum over j of (j + … + k)^2, over (1 + … + k^2)^2, over the number of lookups: 0.38 for one lookup with k = 8, 0.24
 * with k = 20. That is the slope's; n is its inverse, and strays somewhat more while it is large. Both at least 1.
 */
export function networkSizeRelativeError({
  k,
  lookups,
}: {
  readonly k: number;
  readonly lookups: number;
}): number {
  checkWhole("k", k, { least: 1 });
  checkWhole("lookups", lookups, { least: 1 });
  let variance = 0;
  for (let j = k, tail = 0; j >= 1; j--) {
    tail += j;
    variance += tail * tail;
  }
  return Math.sqrt(variance / lookups) / sumOfSquares(k);
}

function sumOfSquares(k: number): number {
  return (k * (k + 1) * (2 * k + 1)) / 6;
}
