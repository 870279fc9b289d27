import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom, varintBytes } from "../core/index.ts";
import { idBytes, joined, unpacked } from "./packed-ids.ts";
import { RangeFingerprints } from "./range-fingerprints.ts";
import {
  reconcileByFullExchange,
  reconcileByMerkleTrees,
  reconcileByRanges,
} from "./reconciliation-bytes.ts";

function randomIds(count: number, seed: number): Uint8Array[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => Uint8Array.from({ length: idBytes }, () => random.below(256)));
}
const setOf = (...lists: (readonly Uint8Array[])[]) => RangeFingerprints.of(joined(lists.flat()));
const pairOf = (common: number, onlyA: number, onlyB: number) =>
  [
    setOf(randomIds(common, 1), randomIds(onlyA, 2)),
    setOf(randomIds(common, 1), randomIds(onlyB, 3)),
  ] as const;

const methods = [
  ["ranges", reconcileByRanges],
  [
    "Merkle trees",
    (sets: Parameters<typeof reconcileByRanges>[0]) => reconcileByMerkleTrees(sets, { depth: 6 }),
  ],
  ["full exchange", reconcileByFullExchange],
] as const;

describe.each(methods)("by %s", (_, reconcile) => {
  test("both get what they lack, each item once", () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(60), fc.nat(60), (common, onlyA, onlyB) => {
        const [a, b] = pairOf(common, onlyA, onlyB);
        const union = setOf(randomIds(common, 1), randomIds(onlyA, 2), randomIds(onlyB, 3));
        const { gained, itemsSent, itemsInVain } = reconcile([a, b]);
        expect(gained.map((ids) => ids.length / idBytes)).toEqual([onlyB, onlyA]);
        expect(itemsSent - itemsInVain).toBe(onlyA + onlyB);
        for (const [i, set] of [a, b].entries()) {
          for (const id of unpacked(gained[i]!)) expect(set.add(id)).toBe(true);
          expect(set.fingerprint(0, set.size)).toEqual(union.fingerprint(0, union.size));
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("bytes", () => {
  test("of ranges are O(min(d log n, n))", () => {
    for (const n of [1000, 20_000])
      for (const d of [1, 10, 100, 1000]) {
        const { bytes } = reconcileByRanges(pairOf(n, d, d));
        // A difference makes each range that it is in differ: in each of log_16 n levels up to 16 ranges of some 22
        // bytes are sent for it, then a list of 16 ids and the item, twice its id.
        const levels = 1 + Math.ceil(Math.log(n) / Math.log(16));
        expect(bytes).toBeLessThan(2 * d * (levels * 16 * 22 + 16 * 33 + 64) + 64);
        expect(bytes).toBeLessThan(2 * reconcileByFullExchange(pairOf(n, d, d)).bytes + 4096);
      }
  });

  test("of ranges are a twentieth of the full exchange for a thousandth of differences", () => {
    const pair = pairOf(50_000, 25, 25);
    expect(reconcileByRanges(pair).bytes).toBeLessThan(reconcileByFullExchange(pair).bytes / 20);
  });

  test("of Merkle trees are the leaves, and all items of those that differ", () => {
    const { bytes, itemsSent, itemsInVain } = reconcileByMerkleTrees(pairOf(64_000, 1, 0), { depth: 6 });
    expect(itemsSent).toBeGreaterThan(2 * 900); // a leaf has 1,000 of each
    expect(itemsInVain).toBe(itemsSent - 1);
    expect(bytes).toBe(1 + 1 + 64 * 16 + 2 + 1 + 1 + 2 + 2 + 32 * itemsSent);
  });

  test("of the full exchange are all ids of one, and what it lacks", () => {
    expect(reconcileByFullExchange(pairOf(1000, 5, 7)).bytes).toBe(1 + 2 + 1005 * 32 + 1 + 1 + 7 * 32);
    expect(reconcileByFullExchange(pairOf(1000, 5, 0)).bytes).toBe(1 + 2 + 1005 * 32);
  });

  test("of varints grow with every 7 bits", () => {
    expect([0, 127, 128, 16_383, 16_384, 2 ** 35].map(varintBytes)).toEqual([1, 1, 2, 2, 3, 6]);
  });
});
