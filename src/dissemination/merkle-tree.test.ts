import { expect, test } from "vitest";
import { seededRandom, UsageError } from "../core/index.ts";
import { MerkleTree } from "./merkle-tree.ts";
import { idBytes, joined, unpacked } from "./packed-ids.ts";
import { RangeFingerprints } from "./range-fingerprints.ts";

const random = seededRandom(1);
const ids = Array.from({ length: 2000 }, () => Uint8Array.from({ length: idBytes }, () => random.below(256)));
const depth = 5;
/** Which leaf an id belongs to: its first bits. */
const leafOf = (id: Uint8Array) => id[0]! >> (8 - depth);

test("every id is in the leaf of its first bits, and in no other", () => {
  const set = RangeFingerprints.of(joined(ids));
  const tree = new MerkleTree(set, { depth });
  let seen = 0;
  for (let leaf = 0; leaf < tree.leaves; leaf++)
    for (const id of unpacked(tree.itemsOf(set, leaf))) {
      expect(leafOf(id)).toBe(leaf);
      seen++;
    }
  expect(seen).toBe(ids.length);
});

test("a change shows in the root and in its own leaf alone", () => {
  const set = RangeFingerprints.of(joined(ids));
  const before = new MerkleTree(set, { depth });
  for (const id of ids.slice(0, 20)) {
    set.delete(id);
    const after = new MerkleTree(set, { depth });
    expect(after.differingLeaves(before.leafHashes)).toEqual([leafOf(id)]);
    expect(after.root()).not.toEqual(before.root());
    set.add(id);
  }
  const same = new MerkleTree(set, { depth });
  expect(same.root()).toEqual(before.root());
  expect(same.differingLeaves(before.leafHashes)).toEqual([]);
});

test("has 32,768 leaves unless told otherwise, and between 2 and 2^20", () => {
  expect(new MerkleTree(new RangeFingerprints()).leaves).toBe(32_768);
  expect(() => new MerkleTree(new RangeFingerprints(), { depth: 21 })).toThrow(UsageError);
});
