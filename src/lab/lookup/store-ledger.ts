/**
 * Keeps book of a run: what the store has acknowledged, whose disks were lost, and so what must still be there. A campaign
 * tells it everything that happens, and asks at a calm moment.
 *
 * The fault budget: a record that `needed` replicas had on their disks is safe as long as fewer than `needed` disks are
 * lost before the network had time to mend it. Lost is the disk of a node that crashed and has not come back with it, and of
 * one that left before it had handed over all that it kept. A record beyond its budget may be found or not; it is counted,
 * and nothing is expected of it any more.
 *
 * What must hold within the budget, once it is calm: the record that counts most of all that were acknowledged under one
 * address, or one that counts more and was asked for by somebody, is found by every node. And nobody ever finds what nobody
 * has put.
 */
import type { Millis, RecordKind, RecordStatement, StoredRecord, Typed } from "../../core/index.ts";
import {
  compareRecords,
  expiryOf,
  type RecordAddress,
  type StoreEnded,
  type StoreLeft,
  slotOf,
} from "../../storage/index.ts";

/** What ought to be found under an address. */
export interface Expectation extends RecordAddress {
  readonly record: StoredRecord;
  /** So many disks may be lost, less one. */
  readonly needed: number;
}

export interface StoreViolation {
  /**
   * `lost`: an acknowledged record is not found. `old`: one that counts less is found instead. `invented`: nobody has put
   * what was found. `unanswered`: a get at a calm moment found nobody to ask, or never ended.
   */
  readonly type: "lost" | "old" | "invented" | "unanswered";
  readonly slot: string;
  readonly at: Millis;
  readonly expected: number;
  readonly found: number | undefined;
}

interface Acknowledged {
  readonly record: StoredRecord;
  readonly needed: number;
  /** How many disks had been lost then, or at the last calm moment since. */
  lostBefore: number;
  isBeyondBudget: boolean;
}

export class StoreLedger {
  readonly counters = {
    acknowledged: 0,
    acknowledgedDeletions: 0,
    /** Puts and deletes of which the user does not know whether they took effect. */
    unclear: 0,
    conflicts: 0,
    disksLost: 0,
    beyondBudget: 0,
    /** Acknowledged, and replaced by what was acknowledged later. */
    replaced: 0,
    expired: 0,
    /** Gets that were held against the book. */
    checked: 0,
  };
  readonly #acknowledged = new Map<string, Acknowledged>();
  /** Digests of values that somebody asked to be written, by slot: "deleted" for deletions. */
  readonly #asked = new Map<string, Set<string>>();
  /** Nodes that are dead, whose disks may come back. */
  readonly #down = new Set<number>();
  /** Of those that said goodbye: have they handed over everything? */
  readonly #handedOver = new Set<number>();
  #lost = 0;

  // ---- What happens -------------------------------------------------------------------------------------------------

  /** Somebody is about to ask for this: also what never ends may take effect. `value`: undefined for a deletion. */
  onAsked(address: RecordAddress, value: Uint8Array | undefined): void {
    const slot = slotOf(address);
    const asked = this.#asked.get(slot);
    if (asked === undefined) this.#asked.set(slot, new Set([nameOf(value)]));
    else asked.add(nameOf(value));
  }

  /** Of the layer "store"; others are ignored. */
  onNotice(row: number, notice: Typed): void {
    if (notice.type === "store-left") {
      const { records, handedOver } = notice as StoreLeft;
      if (records === handedOver) this.#handedOver.add(row);
    } else if (notice.type === "store-ended") this.#onEnded(notice as StoreEnded);
  }

  #onEnded({ operation, outcome, record, needed }: StoreEnded): void {
    if (operation === "get") return;
    if (outcome === "conflict" || outcome === "contended") this.counters.conflicts++;
    if (outcome === "partial" || outcome === "unreachable") this.counters.unclear++;
    if (outcome !== "stored" || record === undefined) return;
    this.counters.acknowledged++;
    if (record.statement.value === undefined) this.counters.acknowledgedDeletions++;
    this.onAsked(record.statement, record.statement.value);
    const slot = slotOf(record.statement);
    const before = this.#acknowledged.get(slot);
    if (before !== undefined) this.counters.replaced++;
    if (before !== undefined && compareRecords(record.statement, before.record.statement) <= 0) return;
    this.#acknowledged.set(slot, { record, needed, lostBefore: this.#lost, isBeyondBudget: false });
  }

  /** The node stops without a word. */
  onCrash(row: number): void {
    this.#down.add(row);
    this.#look();
  }

  /** It begins another life, with what it had on disk or without. */
  onStart(row: number, keepsDisk: boolean): void {
    if (!this.#down.delete(row) || keepsDisk) return;
    this.#lose();
  }

  /** It has said goodbye, and is gone for good. */
  onLeft(row: number): void {
    if (this.#handedOver.delete(row)) return;
    this.#lose();
  }

  /**
   * For so long nothing has happened to the network that every record is where it belongs. What is down now has been made
   * up for, and whatever comes is another matter.
   */
  onCalm(): void {
    this.#look();
    this.#down.clear();
    for (const entry of this.#acknowledged.values()) entry.lostBefore = this.#lost;
  }

  #lose(): void {
    this.#lost++;
    this.counters.disksLost++;
    this.#look();
  }

  /** Who has lost too many disks once, is not safe any more: what comes back later may come too late. */
  #look(): void {
    for (const entry of this.#acknowledged.values()) {
      const lost = this.#lost - entry.lostBefore + this.#down.size;
      if (entry.isBeyondBudget || lost < entry.needed) continue;
      entry.isBeyondBudget = true;
      this.counters.beyondBudget++;
    }
  }

  // ---- What must hold -----------------------------------------------------------------------------------------------

  /** What must be found now, if it is calm. */
  expectations(now: Millis): Expectation[] {
    const expected: Expectation[] = [];
    for (const [slot, { record, needed, isBeyondBudget }] of this.#acknowledged) {
      const { kind, key } = record.statement;
      // Clocks differ a little: what is about to end may be gone.
      if (expiryOf(record.statement) - endingMs <= now) {
        this.#acknowledged.delete(slot);
        this.counters.expired++;
      } else if (!isBeyondBudget) expected.push({ kind, key, record, needed });
    }
    return expected;
  }

  /**
   * Holds a get against the book: `ended` is what it ended with at a calm moment, undefined if it never did. Undefined if
   * all is well.
   */
  check(address: RecordAddress, ended: StoreEnded | undefined, at: Millis): StoreViolation | undefined {
    this.counters.checked++;
    const slot = slotOf(address);
    const acknowledged = this.#acknowledged.get(slot);
    const isSafe = acknowledged !== undefined && !acknowledged.isBeyondBudget;
    const expected = isSafe ? acknowledged.record.statement : undefined;
    const found = ended?.record?.statement;
    const type = this.#faultOf(slot, expected, found, ended);
    if (type === undefined) return undefined;
    return { type, slot, at, expected: expected?.sequence ?? 0, found: found?.sequence };
  }

  #faultOf(
    slot: string,
    expected: RecordStatement | undefined,
    found: RecordStatement | undefined,
    ended: StoreEnded | undefined,
  ): StoreViolation["type"] | undefined {
    if (ended === undefined || ended.outcome === "unreachable" || ended.outcome === "busy")
      return "unanswered";
    if (found !== undefined && this.#asked.get(slot)?.has(nameOf(found.value)) !== true) return "invented";
    if (expected === undefined) return undefined;
    if (found === undefined) return "lost";
    return isAtLeast(found, expected) ? undefined : "old";
  }
}

/** A record that ends within this is not looked for. */
const endingMs = 60_000;

/** Published again, a record has another date and the same content. */
function isAtLeast(found: RecordStatement, expected: RecordStatement): boolean {
  const { writtenAt, lifetimeMs } = expected;
  return compareRecords({ ...found, writtenAt, lifetimeMs }, expected) >= 0;
}

function nameOf(value: Uint8Array | undefined): string {
  return value === undefined ? "deleted" : value.join(",");
}

/** An address as a get names it. */
export function getOf({ kind, key }: { kind: RecordKind; key: string }) {
  return { type: "get", kind, key } as const;
}
