/**
 * Range-based set reconciliation (Meyer 2023, "Range-Based Set Reconciliation", protocol 1): two nodes find out in which
 * ids their sets differ, by comparing fingerprints of ranges and cutting those that differ into smaller ones.
 *
 *     A -> fingerprint of everything                   -> B  the same: done
 *     B -> fingerprints of b ranges of as many ids each -> A  the same: skip; different: cut again
 *     A -> ids of a range with no more than t of them  -> B  now B knows what each of the two lacks in it
 *
 * A message is a list of ranges that follow each other and together are all ids: each says only where it ends. The
 * answer to a message depends on it and on our set alone. So nothing is kept between two messages, a set may change
 * meanwhile, and whoever is asked a thousand times at once needs no memory for it.
 *
 * Rounds. Of n ids a node can cut ceil(log_b(n / t)) times before it has no more than t in any range, and the two take
 * turns. With the first message, the list and the answer to it:
 *
 *     messages <= 4 + 2 ceil(log_b(nMin / t)), or 3 if either set is empty
 *
 * Deviation: the paper sends the ids of a new range at once where they are few, and comes to
 * 2 + 2 ceil(log_b nMin) - floor(log_b t), without the first message. We send the fingerprint first, which costs one
 * message more at worst: with 10^6 ids and 1,000 differences nine of ten small ranges turn out to be the same.
 *
 * Bytes: O(min(d log n, n)) for d differences; see reconciliation-bytes.ts.
 */
import { defineOptions } from "../core/index.ts";
import { areEqual, areOrdered, compareIds, differencesOf, idBytes, joined } from "./packed-ids.ts";
import { fingerprintBytes, fingerprintOf, type RangeFingerprints } from "./range-fingerprints.ts";

/**
 * A range of ids, from where the one before it ends to below `to`: up to 32 bytes with zeros understood behind them,
 * undefined for the end of all ids.
 */
export type IdRange =
  /** Nothing more to say of it. */
  | { readonly type: "skip"; readonly to: Uint8Array | undefined }
  | { readonly type: "fingerprint"; readonly to: Uint8Array | undefined; readonly fingerprint: Uint8Array }
  /** All that the sender has in it: ids of 32 bytes, packed, in order. */
  | { readonly type: "ids"; readonly to: Uint8Array | undefined; readonly ids: Uint8Array };

/** What a message of ranges leads to. */
export interface ReconciliationStep {
  /** Ranges to send back; empty when the sets are reconciled but for what follows. */
  readonly reply: readonly IdRange[];
  /** Ids that we have and the other does not: packed, in order. */
  readonly have: Uint8Array;
  /** Ids that the other has and we do not. */
  readonly want: Uint8Array;
}

export interface ReconciliationOptions {
  readonly branching: number;
  readonly listThreshold: number;
  readonly maxRanges: number;
  readonly maxIds: number;
}

/** Of one message, whatever a node's options are: some 400 KiB and 512 KiB. */
export const maxRangesPerMessage = 16_384;
export const maxIdsPerMessage = 16_384;

export const reconciliationOptions = defineOptions<ReconciliationOptions>({
  branching: {
    default: 16,
    min: 2,
    max: 256,
    description: "Into how many ranges a range that differs is cut, b (16: negentropy)",
  },
  listThreshold: {
    default: 16,
    min: 1,
    max: 1024,
    description:
      "Most ids of a range that are listed instead of being cut further, t (16: as many as ranges)",
  },
  maxRanges: {
    default: maxRangesPerMessage,
    min: 512,
    max: 100_000_000,
    description: "Most ranges of a message; what follows them is compared as one range (bound)",
  },
  maxIds: {
    default: maxIdsPerMessage,
    min: 1024,
    max: 100_000_000,
    description: "Most ids of a message, likewise (bound)",
  },
});

/** The first message: do we have the same? */
export function initiate(set: RangeFingerprints): readonly IdRange[] {
  return [{ type: "fingerprint", to: undefined, fingerprint: set.fingerprint(0, set.size) }];
}

/** Undefined if the message is nonsense. The set is not changed. */
export function respond(
  set: RangeFingerprints,
  message: readonly IdRange[],
  options: ReconciliationOptions,
): ReconciliationStep | undefined {
  if (!isWellFormed(message, options)) return undefined;
  const reply = new Reply(set, options);
  let from = 0;
  for (const range of message) {
    if (reply.isFull) {
      reply.compareRest(from);
      break;
    }
    const to = range.to === undefined ? set.size : set.rankOf(range.to);
    reply.answer(range, from, to);
    from = to;
  }
  return reply.step();
}

/** The fingerprint of no ids at all: whoever sends it lacks everything. */
const emptyFingerprint = fingerprintOf(new Uint32Array(idBytes / 4), 0);

/** An answer in the making. Ranges of ids are given as ranks in our set. */
class Reply {
  readonly #set: RangeFingerprints;
  readonly #options: ReconciliationOptions;
  readonly #ranges: IdRange[] = [];
  readonly #have: Uint8Array[] = [];
  readonly #want: Uint8Array[] = [];
  #listed = 0;

  constructor(set: RangeFingerprints, options: ReconciliationOptions) {
    this.#set = set;
    this.#options = options;
  }

  /** No room for one range more that is cut or listed. */
  get isFull(): boolean {
    const { maxRanges, maxIds, branching, listThreshold } = this.#options;
    return this.#ranges.length + branching + 1 >= maxRanges || this.#listed + listThreshold > maxIds;
  }

  answer(range: IdRange, from: number, to: number): void {
    switch (range.type) {
      case "skip":
        return this.#skip(range.to);
      case "fingerprint":
        return this.#compare(range.to, range.fingerprint, from, to);
      case "ids":
        this.#settle(range.ids, from, to);
        return this.#skip(range.to);
    }
  }

  #compare(end: Uint8Array | undefined, fingerprint: Uint8Array, from: number, to: number): void {
    if (areEqual(this.#set.fingerprint(from, to), fingerprint)) return this.#skip(end);
    const count = to - from;
    if (areEqual(fingerprint, emptyFingerprint)) {
      this.#have.push(this.#set.ids(from, to));
      return this.#skip(end);
    }
    if (count > this.#options.listThreshold) return this.#cut(end, from, to);
    this.#listed += count;
    this.#ranges.push({ type: "ids", to: end, ids: this.#set.ids(from, to) });
  }

  /** Into ranges of as many ids each, or one less. */
  #cut(end: Uint8Array | undefined, from: number, to: number): void {
    const parts = Math.min(this.#options.branching, to - from);
    let last = from;
    for (let part = 1; part <= parts; part++) {
      const next = from + Math.ceil((part * (to - from)) / parts);
      const fingerprint = this.#set.fingerprint(last, next);
      this.#ranges.push({ type: "fingerprint", to: part === parts ? end : this.#boundAt(next), fingerprint });
      last = next;
    }
  }

  /** The shortest bound between the id of that rank and the one before it. */
  #boundAt(rank: number): Uint8Array {
    const [before, first] = [this.#set.idAt(rank - 1), this.#set.idAt(rank)];
    let length = 1;
    while (before[length - 1] === first[length - 1]) length++;
    return first.slice(0, length);
  }

  /** All that the other has in the range is known: so is what each of the two lacks. */
  #settle(theirs: Uint8Array, from: number, to: number): void {
    const { onlyOurs, onlyTheirs } = differencesOf(this.#set.ids(from, to), theirs);
    this.#have.push(onlyOurs);
    this.#want.push(onlyTheirs);
  }

  /** Ranges that are skipped one after the other are one. */
  #skip(to: Uint8Array | undefined): void {
    if (this.#ranges.at(-1)?.type === "skip") this.#ranges.pop();
    this.#ranges.push({ type: "skip", to });
  }

  /** The message has more than we can answer: all that is left is compared again, as one range. */
  compareRest(from: number): void {
    const fingerprint = this.#set.fingerprint(from, this.#set.size);
    this.#ranges.push({ type: "fingerprint", to: undefined, fingerprint });
  }

  step(): ReconciliationStep {
    const isDone = this.#ranges.every(({ type }) => type === "skip");
    return {
      reply: isDone ? [] : this.#ranges,
      have: joined(this.#have),
      want: joined(this.#want),
    };
  }
}

/**
 * Ranges follow each other up to the end of all ids, and ids are in order and in their range. Anything else is
 * nonsense: honest nodes never send it.
 */
function isWellFormed(message: readonly IdRange[], { maxRanges, maxIds }: ReconciliationOptions): boolean {
  if (message.length === 0 || message.length > maxRanges) return false;
  let listed = 0;
  let from: Uint8Array | undefined = new Uint8Array();
  for (const range of message) {
    const { to }: IdRange = range;
    if (from === undefined) return false;
    if (to !== undefined && (to.length > idBytes || compareIds(from, 0, to, 0) >= 0)) return false;
    if (range.type === "fingerprint" && range.fingerprint.length !== fingerprintBytes) return false;
    if (range.type === "ids") {
      listed += range.ids.length / idBytes;
      if (listed > maxIds || !areOrdered(range.ids) || !areWithin(range.ids, from, to)) return false;
    }
    from = to;
  }
  return from === undefined;
}

/** Of ids in order. */
function areWithin(ids: Uint8Array, from: Uint8Array, to: Uint8Array | undefined): boolean {
  if (ids.length === 0) return true;
  const last = ids.length - idBytes;
  return compareIds(from, 0, ids, 0) <= 0 && (to === undefined || compareIds(ids, last, to, 0) < 0);
}
