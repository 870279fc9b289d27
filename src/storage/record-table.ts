/**
 * The records that a node keeps, within bounds that nobody can use against others:
 *
 *     in all, for each source (who sent it), for each writer (who signed it), and for cached copies
 *
 * A table that is full makes room with cached copies first, the one that ends first before others, and then with records
 * that others keep: those for which this node is not among the `replicas` most responsible, and which as many as a put
 * needs are known to have; the farthest first, and only for a nearer one. If that is not enough, the newcomer is refused.
 * So nobody, however much he sends, takes the room of a record that is needed here.
 */
import type { Identity, Key, Millis, RecordKind, RecordSource, StoredRecord } from "../core/index.ts";
import { bytesOfRecord, compareRecords, digestOf, expiryOf, slotOf } from "./records.ts";
import type { StoreOptions } from "./store-options.ts";

/** One record that is kept. Only the table and the store change it. */
export interface Entry {
  readonly slot: string;
  readonly record: StoredRecord;
  /** Names the record: see `digestOf`. */
  readonly digest: Key;
  readonly bytes: number;
  /** Undefined: its writer answers for it. */
  readonly source: Identity | undefined;
  /** Undefined: nobody's. */
  readonly writer: Identity | undefined;
  readonly isCached: boolean;
  readonly expiresAt: Millis;
  /** How many of the nodes that we knew were more responsible when we last looked. */
  rank: number;
  /** As many others as a put needs were found to have it when we last looked. */
  isElsewhere: boolean;
  /** When this node looks whether the other replicas have it; never for cached copies. */
  checkAt: Millis;
}

export interface Admission {
  readonly record: StoredRecord;
  /**
   * Who sent it. Undefined for a signed record that one replica hands to another: a node that joins gets all its records
   * from one or two others, and whoever wrote them answers for them. Immutable records have nobody else.
   */
  readonly source: Identity | undefined;
  readonly isCached: boolean;
  readonly rank: number;
  readonly now: Millis;
  readonly checkAt: Millis;
  /** Of a cached copy. */
  readonly lifetimeMs?: Millis | undefined;
}

export type TableOptions = Pick<
  StoreOptions,
  | "replicas"
  | "maxRecords"
  | "maxTotalBytes"
  | "maxRecordsPerSource"
  | "maxBytesPerSource"
  | "maxRecordsPerWriter"
  | "maxBytesPerWriter"
  | "maxCachedRecords"
>;

class Account {
  records = 0;
  bytes = 0;

  add({ bytes }: Entry, times: 1 | -1): void {
    this.records += times;
    this.bytes += times * bytes;
  }
  hasRoomFor(bytes: number, maxRecords: number, maxBytes: number): boolean {
    return this.records < maxRecords && this.bytes + bytes <= maxBytes;
  }
}

const kinds: readonly RecordKind[] = ["immutable", "owned", "shared"];

export class RecordTable implements RecordSource {
  readonly counters = {
    evictedCached: 0,
    evictedFar: 0,
    refusedSource: 0,
    refusedWriter: 0,
    refusedTotal: 0,
  };
  readonly #options: TableOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #all = new Account();
  readonly #cached = new Account();
  readonly #sources = new Map<Identity, Account>();
  readonly #writers = new Map<Identity, Account>();

  constructor(options: TableOptions) {
    this.#options = options;
  }

  // ---- Looking at it ----

  /** Cached copies too. */
  get size(): number {
    return this.#entries.size;
  }
  get cached(): number {
    return this.#cached.records;
  }
  get bytes(): number {
    return this.#all.bytes;
  }
  get(slot: string): Entry | undefined {
    return this.#entries.get(slot);
  }
  /** In the order in which they came. */
  entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }
  /** What a router may tell on the way, cached copies too; those whose time is over are gone already. */
  recordsOf(key: Key): readonly StoredRecord[] {
    const found: StoredRecord[] = [];
    for (const kind of kinds) {
      const entry = this.#entries.get(slotOf({ kind, key }));
      if (entry !== undefined) found.push(entry.record);
    }
    return found;
  }
  /** Below zero: `statement` is older than what is here. Above: newer, or there is nothing. */
  compare({ statement }: StoredRecord): number {
    const held = this.#entries.get(slotOf(statement));
    return held === undefined ? 1 : compareRecords(statement, held.record.statement);
  }

  // ---- Changing it ----

  /**
   * Puts a record in the place of what is held under its address. Undefined if there is no room for it; what was held
   * stays then. `evicted` are those that made room.
   */
  admit(admission: Admission): { readonly entry: Entry; readonly evicted: readonly Entry[] } | undefined {
    const entry = entryOf(admission);
    const held = this.#entries.get(entry.slot);
    if (held !== undefined) this.#take(held);
    const evicted = this.#makeRoomFor(entry);
    if (evicted === undefined) {
      if (held !== undefined) this.#put(held);
      return undefined;
    }
    this.#put(entry);
    return { entry, evicted };
  }

  remove(entry: Entry): void {
    if (this.#entries.get(entry.slot) === entry) this.#take(entry);
  }

  #makeRoomFor(entry: Entry): Entry[] | undefined {
    const { maxRecords, maxTotalBytes, maxCachedRecords } = this.#options;
    const { maxRecordsPerSource, maxBytesPerSource, maxRecordsPerWriter, maxBytesPerWriter } = this.#options;
    const { bytes, source, writer, isCached } = entry;
    const ofSource = source === undefined ? undefined : this.#sources.get(source);
    if (ofSource?.hasRoomFor(bytes, maxRecordsPerSource, maxBytesPerSource) === false) {
      this.counters.refusedSource++;
      return undefined;
    }
    const ofWriter = writer === undefined ? undefined : this.#writers.get(writer);
    if (ofWriter?.hasRoomFor(bytes, maxRecordsPerWriter, maxBytesPerWriter) === false) {
      this.counters.refusedWriter++;
      return undefined;
    }
    const evicted: Entry[] = [];
    const isTooMuch = () => !this.#all.hasRoomFor(bytes, maxRecords, maxTotalBytes);
    const hasTooManyCopies = () => isCached && this.#cached.records >= maxCachedRecords;
    while (isTooMuch() || hasTooManyCopies()) {
      const victim = this.#victimFor(entry);
      if (victim === undefined) {
        for (const one of evicted) this.#put(one);
        this.counters.refusedTotal++;
        return undefined;
      }
      evicted.push(victim);
      this.#take(victim);
    }
    for (const one of evicted)
      if (one.isCached) this.counters.evictedCached++;
      else this.counters.evictedFar++;
    return evicted;
  }

  #victimFor({ isCached, rank }: Entry): Entry | undefined {
    let victim: Entry | undefined;
    if (this.#cached.records > 0) {
      for (const entry of this.#entries.values())
        if (entry.isCached && (victim === undefined || entry.expiresAt < victim.expiresAt)) victim = entry;
      return victim;
    }
    if (isCached) return undefined;
    const least = Math.max(this.#options.replicas, rank + 1);
    for (const entry of this.#entries.values())
      if (entry.isElsewhere && entry.rank >= (victim === undefined ? least : victim.rank + 1)) victim = entry;
    return victim;
  }

  #put(entry: Entry): void {
    this.#entries.set(entry.slot, entry);
    this.#count(entry, 1);
  }

  #take(entry: Entry): void {
    this.#entries.delete(entry.slot);
    this.#count(entry, -1);
  }

  #count(entry: Entry, times: 1 | -1): void {
    this.#all.add(entry, times);
    if (entry.isCached) this.#cached.add(entry, times);
    if (entry.source !== undefined) countIn(this.#sources, entry.source, entry, times);
    if (entry.writer !== undefined) countIn(this.#writers, entry.writer, entry, times);
  }
}

function countIn(accounts: Map<Identity, Account>, whose: Identity, entry: Entry, times: 1 | -1): void {
  let account = accounts.get(whose);
  if (account === undefined) {
    account = new Account();
    accounts.set(whose, account);
  }
  account.add(entry, times);
  if (account.records === 0) accounts.delete(whose);
}

function entryOf({ record, source, isCached, rank, now, checkAt, lifetimeMs }: Admission): Entry {
  const { statement } = record;
  const expiresAt = expiryOf(statement);
  return {
    slot: slotOf(statement),
    record,
    digest: digestOf(statement),
    bytes: bytesOfRecord(record),
    source,
    writer: statement.kind === "immutable" ? undefined : statement.writer,
    isCached,
    expiresAt: isCached && lifetimeMs !== undefined ? Math.min(expiresAt, now + lifetimeMs) : expiresAt,
    rank,
    isElsewhere: false,
    checkAt: isCached ? Number.POSITIVE_INFINITY : checkAt,
  };
}
