/**
 * What it costs to make two sets of ids the same, by three methods under one encoding: messages, bytes, and ids that
 * were sent to a node that had them.
 *
 * The encoding: numbers are varints of 7 bits a byte, ids have 32 bytes, fingerprints and leaf hashes 16. A message has
 * one byte for its type and a varint for the length of each of its lists; a range has one byte for its type, one for the
 * length of its end, and as many bytes as its end has. An item is its id: where items carry values, those come on top,
 * for each id that was sent (`itemsSent`), by any method. What the network adds below is left out.
 */
import { invariant, varintBytes } from "../core/index.ts";
import { MerkleTree, type MerkleTreeOptions } from "./merkle-tree.ts";
import { differencesOf, idBytes, joined } from "./packed-ids.ts";
import type { RangeFingerprints } from "./range-fingerprints.ts";
import {
  type IdRange,
  initiate,
  type ReconciliationOptions,
  type ReconciliationStep,
  reconciliationOptions,
  respond,
} from "./set-reconciliation.ts";

export interface ReconciliationCost {
  /** From one of the two to the other. Those that follow each other without waiting are one. */
  readonly messages: number;
  readonly bytes: number;
  /** Items sent as such, in both directions. */
  readonly itemsSent: number;
  /** Those of them that the receiver had. */
  readonly itemsInVain: number;
  /** What came to the one that began and was new to it, and to the other: packed ids. */
  readonly gained: readonly [Uint8Array, Uint8Array];
}

/** Bytes of a list of ids, given packed. */
const listBytes = (ids: Uint8Array) => varintBytes(ids.length / idBytes) + ids.length;

/** Bytes of a message of ranges. */
export function rangesBytes(ranges: readonly IdRange[]): number {
  let bytes = 1 + varintBytes(ranges.length);
  for (const range of ranges) {
    bytes += 2 + (range.to?.length ?? 0);
    if (range.type === "fingerprint") bytes += range.fingerprint.length;
    if (range.type === "ids") bytes += listBytes(range.ids);
  }
  return bytes;
}

/**
 * By ranges (set-reconciliation.ts). With each message of ranges travel the items that the other lacks, as far as they
 * are known, and the ids of those that are wanted.
 */
export function reconcileByRanges(
  sets: readonly [RangeFingerprints, RangeFingerprints],
  overrides?: Partial<ReconciliationOptions>,
): ReconciliationCost {
  const options = reconciliationOptions(overrides);
  const gained: [Uint8Array[], Uint8Array[]] = [[], []];
  let message: RangesMessage | undefined = { ranges: initiate(sets[0]), items: nothing, wanted: nothing };
  let [messages, bytes, itemsSent] = [0, 0, 0];
  for (let turn: 0 | 1 = 1; message !== undefined; turn = turn === 0 ? 1 : 0) {
    messages++;
    bytes += listBytes(message.items) + listBytes(message.wanted) + rangesBytes(message.ranges);
    itemsSent += message.items.length / idBytes;
    gained[turn].push(message.items);
    message = answerTo(message, sets[turn], options);
  }
  return { messages, bytes, itemsSent, itemsInVain: 0, gained: [joined(gained[0]), joined(gained[1])] };
}

interface RangesMessage {
  readonly ranges: readonly IdRange[];
  readonly items: Uint8Array;
  /** Ids whose items are to come with the next message. */
  readonly wanted: Uint8Array;
}

/** Undefined when there is nothing more to say. */
function answerTo(
  { ranges, wanted }: RangesMessage,
  set: RangeFingerprints,
  options: ReconciliationOptions,
): RangesMessage | undefined {
  const step = ranges.length === 0 ? nothingNew : respond(set, ranges, options);
  invariant(step !== undefined, "what we send is well-formed");
  const items = joined([step.have, wanted]);
  if (step.reply.length + items.length + step.want.length === 0) return undefined;
  return { ranges: step.reply, items, wanted: step.want };
}

const nothing = new Uint8Array();
const nothingNew: ReconciliationStep = { reply: [], have: nothing, want: nothing };

/** By Merkle trees (merkle-tree.ts): the leaves of one, then all items of those that differ, both ways. */
export function reconcileByMerkleTrees(
  sets: readonly [RangeFingerprints, RangeFingerprints],
  options?: Partial<MerkleTreeOptions>,
): ReconciliationCost {
  const [mine, theirs] = [new MerkleTree(sets[0], options), new MerkleTree(sets[1], options)];
  const different = theirs.differingLeaves(mine.leafHashes);
  const gained: [Uint8Array[], Uint8Array[]] = [[], []];
  let bytes = 1 + varintBytes(mine.leaves) + mine.leafHashes.length;
  let [itemsSent, itemsInVain] = [0, 0];
  // B names the leaves with its items of each; A has their order, and answers with its own.
  if (different.length > 0) bytes += 2 + varintBytes(different.length);
  for (const leaf of different) {
    const [ours, others] = [mine.itemsOf(sets[0], leaf), theirs.itemsOf(sets[1], leaf)];
    const { onlyOurs, onlyTheirs } = differencesOf(ours, others);
    bytes += varintBytes(leaf) + listBytes(ours) + listBytes(others);
    itemsSent += (ours.length + others.length) / idBytes;
    itemsInVain += (ours.length + others.length - onlyOurs.length - onlyTheirs.length) / idBytes;
    gained[0].push(onlyTheirs);
    gained[1].push(onlyOurs);
  }
  const messages = different.length === 0 ? 1 : 3;
  return { messages, bytes, itemsSent, itemsInVain, gained: [joined(gained[0]), joined(gained[1])] };
}

/** A sends all it has, and B answers with what was not among it: the least that needs no comparison before. */
export function reconcileByFullExchange(
  sets: readonly [RangeFingerprints, RangeFingerprints],
): ReconciliationCost {
  const [mine, theirs] = [sets[0].ids(0, sets[0].size), sets[1].ids(0, sets[1].size)];
  const { onlyOurs, onlyTheirs } = differencesOf(mine, theirs);
  return {
    messages: onlyTheirs.length === 0 ? 1 : 2,
    bytes: 1 + listBytes(mine) + (onlyTheirs.length === 0 ? 0 : 1 + listBytes(onlyTheirs)),
    itemsSent: (mine.length + onlyTheirs.length) / idBytes,
    itemsInVain: (mine.length - onlyOurs.length) / idBytes,
    gained: [onlyTheirs, onlyOurs],
  };
}
