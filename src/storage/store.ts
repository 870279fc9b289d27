/**
 * A store of records, replicated on the r most responsible nodes of any router: the layer "store".
 *
 *     user   ->  put, get, delete   ->  operations.ts  ->  find-nodes  ->  the router below
 *                                                      ->  fetch, store, reserve  ->  the replicas
 *     others ->  fetch, store, …    ->  replica.ts     ->  record-table.ts, disk
 *     time, and who comes and goes  ->  upkeep.ts      ->  offer, store  ->  the other replicas
 *
 * Semantics, guarantees and their conditions: docs/protocols/store.md.
 */
import {
  type ContactChanged,
  identityOf,
  type Key,
  type KeyedNodeOf,
  type LookupEnded,
  type LookupOptions,
  type LookupReport,
  type Millis,
  type NodeId,
  type PeerSampler,
  type Protocol,
  type RecordSource,
  type Router,
  type Signatures,
  type StoredRecord,
  type Typed,
  UsageError,
} from "../core/index.ts";
import { DiskQueue } from "./disk-queue.ts";
import { Operations, type Order } from "./operations.ts";
import { Questions } from "./questions.ts";
import { RecordTable } from "./record-table.ts";
import {
  addressOfRecord,
  checkLifetime,
  checkName,
  checkValue,
  expiryOf,
  keyOfOwned,
  keyOfShared,
  keyOfValue,
  slotOf,
} from "./records.ts";
import { asKept, onDiskOf, Replica } from "./replica.ts";
import type {
  DeleteRecord,
  GetRecord,
  PutRecord,
  StoreCommand,
  StoreLeft,
  StoreNotice,
} from "./store-commands.ts";
import type { StoreMessage } from "./store-messages.ts";
import { type StoreOptions, storeOptions } from "./store-options.ts";
import {
  jittered,
  maxRank,
  rankOf,
  type StoreEnvironment,
  type StoreParts,
  type StoreTimer,
} from "./store-parts.ts";
import { Upkeep } from "./upkeep.ts";

export interface StoreConfig {
  readonly router: Router;
  /** Others that the membership knows, where there is one. */
  readonly members?: Pick<PeerSampler, "size"> | undefined;
  readonly keyedNode: KeyedNodeOf;
  readonly signatures: Signatures<unknown>;
  /** The values of all `persist` notices of an earlier life, in any order. */
  readonly restored?: readonly StoreMessage[] | undefined;
  readonly options?: Partial<StoreOptions> | undefined;
}

/** A record that this node publishes again. */
interface Published {
  record: StoredRecord;
  nextAt: Millis;
}

export class Store implements Protocol<StoreMessage, StoreTimer, StoreNotice, StoreCommand>, RecordSource {
  readonly options: Readonly<StoreOptions>;
  readonly table: RecordTable;
  readonly #config: StoreConfig;
  readonly #parts: StoreParts;
  readonly #replica: Replica;
  readonly #upkeep: Upkeep;
  readonly #operations: Operations;
  readonly #published = new Map<string, Published>();
  /** Lookups that the router has not reported yet. */
  readonly #lookups = new Map<number, (report: LookupReport | undefined, env: StoreEnvironment) => void>();
  readonly #storeCounters = {
    /** Lookups of which the router said nothing. */
    unreported: 0,
    publishedAgain: 0,
    /** Records that are not published again, as there are too many. */
    notPublished: 0,
    /** What was on disk and could not be kept: outdated, or beyond the quotas of today. */
    notRestored: 0,
  };
  #nextLookup = 1;

  constructor(config: StoreConfig) {
    this.#config = config;
    const { router, members, keyedNode, signatures } = config;
    this.options = storeOptions(config.options);
    this.table = new RecordTable(this.options);
    this.#parts = {
      options: this.options,
      router,
      members,
      keyedNode,
      signatures,
      table: this.table,
      disk: new DiskQueue(),
      questions: new Questions(this.options),
      find: (key, options, onReport, env) => this.#find(key, options, onReport, env),
    };
    this.#upkeep = new Upkeep(this.#parts, () => this.#replica);
    this.#replica = new Replica(this.#parts, (at, env) => this.#upkeep.wakeAt(at, env));
    this.#operations = new Operations(
      this.#parts,
      (order, record, env) => this.#onWritten(order, record, env),
      (order, env) => this.#unpublish(slotOf(order), env),
    );
  }

  // ---- Looking at it ------------------------------------------------------------------------------------------------

  /** Everything that was ever counted, by part. */
  get counters() {
    return {
      store: this.#storeCounters,
      replica: this.#replica.counters,
      operations: this.#operations.counters,
      upkeep: this.#upkeep.counters,
      questions: this.#parts.questions.counters,
      table: this.table.counters,
    } as const;
  }
  /** Records that are kept as a replica: no cached copies. */
  get size(): number {
    return this.table.size - this.table.cached;
  }
  /** As the quotas count them, cached copies too. */
  get bytes(): number {
    return this.table.bytes;
  }
  /** Puts, gets and deletes under way. */
  get operations(): number {
    return this.#operations.size;
  }
  /** Questions that wait for an answer. */
  get questions(): number {
    return this.#parts.questions.size;
  }
  /** Records that this node publishes again. */
  get published(): number {
    return this.#published.size;
  }
  /** What a router tells on the way, if it does such a thing. */
  recordsOf(key: Key): readonly StoredRecord[] {
    return this.table.recordsOf(key);
  }

  // ---- The world ----------------------------------------------------------------------------------------------------

  start(env: StoreEnvironment): void {
    for (const message of this.#config.restored ?? []) this.#restore(message, env);
  }

  /** Throws `UsageError`, before anything has changed, for what is no record. */
  onCommand(command: StoreCommand, env: StoreEnvironment): void {
    switch (command.type) {
      case "put":
        return this.#operations.begin(this.#orderOfPut(command, env.self), env);
      case "delete":
        return this.#operations.begin(this.#orderOfDelete(command, env.self), env);
      case "get":
        return this.#operations.begin(this.#orderOfGet(command, env.self), env);
      case "cancel":
        return this.#operations.cancel(command.request);
      case "leave":
        return this.#leave(env);
      case "persisted":
        return this.#parts.disk.onPersisted(command.key, env);
    }
  }

  onMessage(from: NodeId, message: StoreMessage, env: StoreEnvironment): void {
    switch (message.type) {
      case "store":
      case "fetch":
      case "reserve":
      case "offer":
        return this.#replica.answer(from, message, env);
      case "stored":
      case "refused":
      case "fetched":
      case "reserved":
      case "offered":
        return this.#parts.questions.onAnswer(from, message, env);
    }
  }

  onTimer(timer: StoreTimer, env: StoreEnvironment): void {
    switch (timer.type) {
      case "ask-again":
        return this.#parts.questions.onAskAgain(timer, env);
      case "to-self":
        return this.onMessage(env.self, timer.message, env);
      case "grace":
      case "try-again":
        return this.#operations.onGrace(timer.operation, timer.phase, env);
      case "deadline":
        return this.#operations.onDeadline(timer.operation, env);
      case "no-report":
        return this.#onReport(timer.lookup, undefined, env);
      case "upkeep":
        if (this.#upkeep.onTimer(timer.wakeAt, env)) this.#publishDue(env);
        return;
      case "left":
        return this.#upkeep.endFarewell(env);
    }
  }

  /** Of the router below. */
  onNotice(notice: Typed, env: StoreEnvironment): void {
    switch (notice.type) {
      case "lookup-ended": {
        const { asker, request, report } = notice as LookupEnded;
        if (asker === "store") this.#onReport(request, report, env);
        return;
      }
      case "contact-up":
        return this.#upkeep.onContactUp((notice as ContactChanged).contact, env);
      case "contact-down":
        return this.#upkeep.onContactDown((notice as ContactChanged).contact, env);
      case "router-joined":
        return this.#upkeep.onJoined(env);
    }
  }

  // ---- The router ---------------------------------------------------------------------------------------------------

  #find(
    key: Key,
    options: LookupOptions,
    onReport: (report: LookupReport | undefined, env: StoreEnvironment) => void,
    env: StoreEnvironment,
  ): void {
    const lookup = this.#nextLookup++;
    this.#lookups.set(lookup, onReport);
    env.schedule(this.options.operationDeadlineMs, { type: "no-report", lookup });
    env.notify({ type: "find-nodes", request: lookup, asker: "store", key, ...options });
  }

  #onReport(lookup: number, report: LookupReport | undefined, env: StoreEnvironment): void {
    const onReport = this.#lookups.get(lookup);
    if (onReport === undefined) return; // it came already
    this.#lookups.delete(lookup);
    if (report === undefined) this.#storeCounters.unreported++;
    onReport(report, env);
  }

  // ---- What users ask for -------------------------------------------------------------------------------------------

  #orderOfPut(command: PutRecord, self: NodeId): Order {
    const { request, kind = "shared", name, value, cas, sequence, lifetimeMs } = command;
    checkValue(value);
    if (lifetimeMs !== undefined) checkLifetime(lifetimeMs);
    checkNumber("cas", cas, 0);
    checkNumber("sequence", sequence, 1);
    if (cas !== undefined && sequence !== undefined)
      throw new UsageError("cas: compare-and-swap finds its own sequence number; leave out sequence");
    const common = {
      operation: "put",
      request,
      kind,
      value: Uint8Array.from(value), // a Buffer's `slice` would be no copy
      lifetimeMs: lifetimeMs ?? this.options.lifetimeMs,
      cas,
      sequence,
      isPublished: lifetimeMs === undefined,
      again: undefined,
      ...this.#quorumOf(command.replicas, command.writeQuorum, "writeQuorum", cas !== undefined),
    } as const;
    if (kind === "immutable") {
      if (name !== undefined) throw new UsageError("name: an immutable record has none, only its value");
      if (cas !== undefined || sequence !== undefined)
        throw new UsageError("sequence: an immutable record has none; nothing can replace it");
      return { ...common, key: keyOfValue(value), name: "", writer: "" };
    }
    if (kind !== "owned" && kind !== "shared")
      throw new UsageError(`kind: ${JSON.stringify(kind)} is not one of immutable, owned, shared`);
    checkName(name);
    const writer = identityOf(self);
    return { ...common, key: kind === "owned" ? keyOfOwned(writer, name) : keyOfShared(name), name, writer };
  }

  #orderOfDelete(command: DeleteRecord, self: NodeId): Order {
    const { request, kind = "shared", name, cas } = command;
    if (kind !== "owned" && kind !== "shared")
      throw new UsageError(
        `kind: ${JSON.stringify(kind)} records are not deleted; owned and shared ones are`,
      );
    checkName(name);
    checkNumber("cas", cas, 1);
    const writer = identityOf(self);
    return {
      operation: "delete",
      request,
      kind,
      key: kind === "owned" ? keyOfOwned(writer, name) : keyOfShared(name),
      name,
      value: undefined,
      writer,
      lifetimeMs: this.options.lifetimeMs,
      cas,
      sequence: undefined,
      isPublished: false,
      again: undefined,
      ...this.#quorumOf(command.replicas, command.writeQuorum, "writeQuorum", cas !== undefined),
    };
  }

  #orderOfGet(command: GetRecord, self: NodeId): Order {
    const { request, name, owner, key } = command;
    const kind = command.kind ?? (key === undefined ? "shared" : "immutable");
    const address = addressOfRecord({ kind, name, owner, key }, self);
    const asked = command.readQuorum ?? (kind === "immutable" ? 1 : undefined);
    return {
      operation: "get",
      request,
      ...address,
      name: name ?? "",
      value: undefined,
      writer: "",
      lifetimeMs: 0,
      cas: undefined,
      sequence: undefined,
      isPublished: false,
      again: undefined,
      ...this.#quorumOf(command.replicas, asked, "readQuorum", false),
    };
  }

  #quorumOf(
    replicas: number | undefined,
    asked: number | undefined,
    option: "readQuorum" | "writeQuorum",
    isCas: boolean,
  ): { readonly replicas: number; readonly quorum: number } {
    const count = replicas ?? this.options.replicas;
    const { max } = storeOptions.specs.replicas as { max: number };
    if (!Number.isSafeInteger(count) || count < 1 || count > max)
      throw new UsageError(`replicas: ${count} is not an integer between 1 and ${max}`);
    const quorum = asked ?? this.options[option];
    if (!Number.isSafeInteger(quorum) || quorum < 0)
      throw new UsageError(`${option}: ${quorum} is not an integer of at least 0`);
    if (asked !== undefined && quorum > count)
      throw new UsageError(`${option}: ${quorum} is more than ${count}, the number of replicas`);
    if (isCas && quorum !== 0 && quorum * 2 <= count)
      throw new UsageError(
        `${option}: compare-and-swap needs more than half of the ${count} replicas, and not ${quorum}`,
      );
    return { replicas: count, quorum: Math.min(quorum, count) };
  }

  // ---- Publishing again ---------------------------------------------------------------------------------------------

  #onWritten(order: Order, record: StoredRecord, env: StoreEnvironment): boolean {
    const slot = slotOf(order);
    const isKnown = this.#published.has(slot);
    if (!order.isPublished) {
      this.#unpublish(slot, env);
      return false;
    }
    if (!isKnown && this.#published.size >= this.options.maxPublished) {
      this.#storeCounters.notPublished++;
      return false;
    }
    this.#publish(slot, record, env);
    return true;
  }

  #publish(slot: string, record: StoredRecord, env: StoreEnvironment): void {
    const { lifetimeMs } = record.statement;
    const pause = Math.min(this.options.publishIntervalMs, Math.floor(lifetimeMs / 2));
    const nextAt = env.now + jittered(pause, env.random);
    this.#published.set(slot, { record, nextAt });
    const value = { ...asKept(record), purpose: "put" } as const;
    env.notify({ type: "persist", key: `published/${slot}`, value, isAwaited: false });
    this.#upkeep.wakeAt(nextAt, env);
  }

  #unpublish(slot: string, env: StoreEnvironment): void {
    if (!this.#published.delete(slot)) return;
    env.notify({ type: "persist", key: `published/${slot}`, value: undefined, isAwaited: false });
  }

  #publishDue(env: StoreEnvironment): void {
    let next = Number.POSITIVE_INFINITY;
    for (const published of this.#published.values()) {
      if (published.nextAt <= env.now) {
        const { record } = published;
        // If this fails, it is tried again long before the record ends.
        published.nextAt = env.now + Math.ceil(this.options.publishIntervalMs / 10);
        this.#storeCounters.publishedAgain++;
        this.#operations.begin(this.#orderOfAgain(record), env);
      }
      next = Math.min(next, published.nextAt);
    }
    this.#upkeep.wakeAt(next, env);
  }

  #orderOfAgain(again: StoredRecord): Order {
    const { kind, key, name, value, writer, lifetimeMs } = again.statement;
    return {
      operation: "put",
      request: undefined,
      kind,
      key,
      name,
      value,
      writer,
      lifetimeMs,
      cas: undefined,
      sequence: undefined,
      isPublished: true,
      again,
      ...this.#quorumOf(undefined, undefined, "writeQuorum", false),
    };
  }

  // ---- Earlier and later lives --------------------------------------------------------------------------------------

  #restore(message: StoreMessage, env: StoreEnvironment): void {
    if (message.type === "reserve") {
      const { sequence, ticket } = message;
      this.#replica.promises.restore(slotOf(message), { sequence, ticket, at: env.now });
      return;
    }
    if (message.type !== "store") {
      this.#storeCounters.notRestored++;
      return;
    }
    const { record, purpose } = message;
    if (expiryOf(record.statement) <= env.now) {
      this.#storeCounters.notRestored++;
      const slot = slotOf(record.statement);
      const key = purpose === "put" ? `published/${slot}` : onDiskOf(slot);
      // Its time ended while we slept: nobody else would ever take it off the disk.
      env.notify({ type: "persist", key, value: undefined, isAwaited: false });
      return;
    }
    if (purpose === "put") this.#publish(slotOf(record.statement), record, env);
    else this.#restoreRecord(record, env);
  }

  /** Whose it is now, the router cannot say before it has joined. */
  #restoreRecord(record: StoredRecord, env: StoreEnvironment): void {
    const { router } = this.#config;
    const { republishIntervalMs, replicas } = this.options;
    const admitted = this.table.admit({
      record,
      source: undefined,
      isCached: false,
      rank: rankOf(router, record.statement.key, router.self, maxRank(replicas)),
      now: env.now,
      checkAt: env.now + env.random.below(republishIntervalMs),
    });
    if (admitted === undefined) {
      this.#storeCounters.notRestored++;
      return;
    }
    this.#upkeep.wakeAt(Math.min(admitted.entry.checkAt, admitted.entry.expiresAt), env);
  }

  #leave(env: StoreEnvironment): void {
    if (this.#replica.isLeaving) return;
    this.#replica.isLeaving = true;
    const records = this.size;
    env.schedule(this.options.leaveMs, { type: "left" });
    this.#upkeep.leave((handedOver, later) => {
      const left: StoreLeft = { type: "store-left", records, handedOver };
      later.notify(left);
    }, env);
  }
}

function checkNumber(option: string, value: number | undefined, least: number): void {
  if (value !== undefined && (!Number.isSafeInteger(value) || value < least))
    throw new UsageError(`${option}: ${value} is not an integer of at least ${least}`);
}
