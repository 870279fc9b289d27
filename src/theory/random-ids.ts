/** Networks of the lookup models: nodes at random places of an id space, in order. */
import type { Random } from "../core/random.ts";

/** A number of 53 random bits, 0 to 2^53 - 1: what a double holds exactly, and fine enough for 10^7 nodes. */
export function bits53(random: Random): number {
  const high = random.uint32() >>> 5;
  const low = random.uint32() >>> 6;
  return high * 2 ** 26 + low;
}

/** `n` ids of 53 bits in ascending order. */
export function sortedIds(n: number, random: Random): Float64Array {
  const ids = new Float64Array(n);
  for (let i = 0; i < n; i++) ids[i] = bits53(random);
  return ids.sort();
}

/** Index of the first id that is not below `id`; n if there is none. */
export function firstNotBelow(ids: Float64Array, id: number): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** 1 for each node that has failed: each with probability `failed`, but never all of them. */
export function failedNodes(n: number, failed: number, random: Random): Uint8Array {
  const isFailed = new Uint8Array(n);
  if (failed === 0) return isFailed;
  let alive = n;
  for (let node = 0; node < n; node++) {
    if (random.unit() >= failed) continue;
    isFailed[node] = 1;
    alive--;
  }
  if (alive === 0) isFailed[random.below(n)] = 0;
  return isFailed;
}

/** Any node that has not failed. */
export function someLiveNode(isFailed: Uint8Array, random: Random): number {
  for (;;) {
    const node = random.below(isFailed.length);
    if (isFailed[node] === 0) return node;
  }
}
