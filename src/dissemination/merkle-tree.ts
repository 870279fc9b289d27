/**
 * A Merkle tree of fixed depth over a set of ids (Cassandra's repair: depth 15, 32,768 leaves): each leaf is the hash of
 * all ids that begin with its bits, each node above that of its two children.
 *
 *     A -> all leaf hashes -> B  compares;  B <-> A: all items of the leaves that differ
 *
 * A leaf is the least that can be told apart. Of a million items it has thirty, and one that differs moves all of them:
 * overstreaming. The inner nodes are not sent, since they follow from the leaves.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { defineOptions } from "../core/index.ts";
import { fingerprintBytes, type RangeFingerprints } from "./range-fingerprints.ts";

export interface MerkleTreeOptions {
  readonly depth: number;
}

export const merkleTreeOptions = defineOptions<MerkleTreeOptions>({
  depth: { default: 15, min: 1, max: 20, description: "Levels below the root (15: Cassandra)" },
});

export class MerkleTree {
  readonly depth: number;
  /** Of each leaf 16 bytes, in the order of the ids. */
  readonly leafHashes: Uint8Array;

  constructor(set: RangeFingerprints, options?: Partial<MerkleTreeOptions>) {
    this.depth = merkleTreeOptions(options).depth;
    this.leafHashes = new Uint8Array(this.leaves * fingerprintBytes);
    for (let leaf = 0; leaf < this.leaves; leaf++) {
      const hash = sha256(this.itemsOf(set, leaf));
      this.leafHashes.set(hash.subarray(0, fingerprintBytes), leaf * fingerprintBytes);
    }
  }

  get leaves(): number {
    return 1 << this.depth;
  }

  /** The ids that belong to a leaf, packed, in order. */
  itemsOf(set: RangeFingerprints, leaf: number): Uint8Array {
    return set.ids(
      set.rankOf(this.#boundOf(leaf)),
      leaf + 1 < this.leaves ? set.rankOf(this.#boundOf(leaf + 1)) : set.size,
    );
  }

  /** The hash of everything. */
  root(): Uint8Array {
    let level = this.leafHashes;
    while (level.length > fingerprintBytes) {
      const above = new Uint8Array(level.length / 2);
      for (let at = 0; at < above.length; at += fingerprintBytes) {
        const children = level.subarray(2 * at, 2 * at + 2 * fingerprintBytes);
        above.set(sha256(children).subarray(0, fingerprintBytes), at);
      }
      level = above;
    }
    return level;
  }

  /** The leaves in which a tree of the same depth differs, ascending. */
  differingLeaves(leafHashes: Uint8Array): number[] {
    const different: number[] = [];
    for (let leaf = 0; leaf < this.leaves; leaf++) {
      const at = leaf * fingerprintBytes;
      for (let i = at; i < at + fingerprintBytes; i++) {
        if (this.leafHashes[i] === leafHashes[i]) continue;
        different.push(leaf);
        break;
      }
    }
    return different;
  }

  /** The first bits of the ids of a leaf. */
  #boundOf(leaf: number): Uint8Array {
    const bits = leaf << (24 - this.depth);
    return Uint8Array.of(bits >>> 16, bits >>> 8, bits);
  }
}
