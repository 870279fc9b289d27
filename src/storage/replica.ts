/**
 * A node as a replica: what it does when others store, fetch, reserve and offer. It believes nobody: a record has to prove
 * itself, and what is promised to a writer is on disk before the writer hears of it.
 *
 *     store  ->  sound?  newer than ours?  promised to somebody?  ours to keep?  signed?  room?  ->  disk  ->  stored
 */
import { identityOf, type Millis, type NodeId, type StoredRecord } from "../core/index.ts";
import { Promises } from "./promises.ts";
import { deliver } from "./questions.ts";
import type { Entry } from "./record-table.ts";
import { compareRecords, faultOf, isSigned, keyOfOwned, keyOfShared, slotOf } from "./records.ts";
import type {
  Fetch,
  Offer,
  OfferedRecord,
  OfferVerdict,
  Refusal,
  Reserve,
  StoreQuestion,
  StoreRecord,
} from "./store-messages.ts";
import { jittered, maxRank, rankOf, type StoreEnvironment, type StoreParts } from "./store-parts.ts";

/** Why not, and what a new record has to exceed. */
interface Refused {
  readonly reason: Refusal;
  readonly sequence: number;
}

export interface Incoming extends Pick<StoreRecord, "record" | "purpose" | "ticket" | "lifetimeMs"> {
  readonly from: NodeId;
}

export class Replica {
  readonly counters = {
    /** Records that were taken: new ones, and newer ones in the place of older ones. */
    taken: 0,
    /** Stores that changed nothing, as the record is here. */
    known: 0,
    malformed: 0,
    forged: 0,
    ahead: 0,
    expired: 0,
    superseded: 0,
    promised: 0,
    "too-far": 0,
    full: 0,
    busy: 0,
    leaving: 0,
    fetches: 0,
    promisesGiven: 0,
    promisesRefused: 0,
    /** Records whose next look at the other replicas was put off, as another of them has just looked. */
    suppressed: 0,
  };
  isLeaving = false;
  readonly promises: Promises;
  readonly #parts: StoreParts;
  /** Something is due earlier than anybody knew. */
  readonly #onDue: (at: Millis, env: StoreEnvironment) => void;

  constructor(parts: StoreParts, onDue: (at: Millis, env: StoreEnvironment) => void) {
    this.#parts = parts;
    this.#onDue = onDue;
    this.promises = new Promises(parts.options.maxPromises);
  }

  answer(from: NodeId, question: StoreQuestion, env: StoreEnvironment): void {
    switch (question.type) {
      case "store":
        return this.#answerStore(from, question, env);
      case "fetch":
        return this.#answerFetch(from, question, env);
      case "reserve":
        return this.#answerReserve(from, question, env);
      case "offer":
        return this.#answerOffer(from, question, env);
    }
  }

  // ---- Store --------------------------------------------------------------------------------------------------------

  #answerStore(from: NodeId, question: StoreRecord, env: StoreEnvironment): void {
    const { nonce } = question;
    const refused = this.take({ ...question, from }, env, (later) =>
      deliver(from, { type: "stored", nonce }, later),
    );
    if (refused !== undefined) deliver(from, { type: "refused", nonce, ...refused }, env);
  }

  /** Says why not, or calls `onDurable` when the record, or one that counts more, is where it is to be. */
  take(
    incoming: Incoming,
    env: StoreEnvironment,
    onDurable: (env: StoreEnvironment) => void,
  ): Refused | undefined {
    const { table, disk, options } = this.#parts;
    const { record, purpose } = incoming;
    const slot = slotOf(record.statement);
    const held = table.get(slot);
    const isForCache = purpose === "cache";
    if (held !== undefined && isHere(record, held, isForCache)) {
      // Who stores the same again while it is being written waits for the disk like all others.
      if (!isForCache && disk.isWriting(onDiskOf(slot)) && disk.waiting >= options.maxWaitingForDisk) {
        this.counters.busy++;
        return { reason: "busy", sequence: 0 };
      }
      this.counters.known++;
      if (purpose === "replica") this.#putOff(held, incoming.from, env);
      if (isForCache) onDurable(env);
      else disk.whenDurable(onDiskOf(slot), onDurable, env);
      return undefined;
    }
    const refused = this.#refusalOf(incoming, held, env);
    if (refused !== undefined) {
      this.counters[refused.reason]++;
      return refused;
    }
    // What is newer than a replica is one: as a copy it would end, and the replica with it.
    const isCopy = isForCache && (held === undefined || held.isCached);
    const admitted = table.admit({
      record,
      source:
        purpose === "replica" && record.statement.kind !== "immutable"
          ? undefined
          : identityOf(incoming.from),
      isCached: isCopy,
      rank: rankOf(
        this.#parts.router,
        record.statement.key,
        this.#parts.router.self,
        maxRank(options.replicas),
      ),
      now: env.now,
      checkAt: env.now + jittered(options.republishIntervalMs, env.random),
      lifetimeMs: Math.min(incoming.lifetimeMs, options.cacheLifetimeMs),
    });
    if (admitted === undefined) {
      this.counters.full++;
      return { reason: "full", sequence: 0 };
    }
    this.counters.taken++;
    const { entry, evicted } = admitted;
    for (const one of evicted) if (!one.isCached) disk.remove(onDiskOf(one.slot), env);
    this.#onDue(Math.min(entry.checkAt, entry.expiresAt), env);
    if (isCopy) onDurable(env);
    else {
      this.#write(slot, onDurable, env);
      this.#keepNoPromise(slot, record.statement.sequence, env);
    }
    return undefined;
  }

  #write(slot: string, onDurable: (env: StoreEnvironment) => void, env: StoreEnvironment): void {
    const { table, disk } = this.#parts;
    const value = () => {
      const entry = table.get(slot);
      return entry === undefined || entry.isCached ? undefined : asKept(entry.record);
    };
    disk.write(onDiskOf(slot), value, onDurable, env);
  }

  #refusalOf(
    { record, purpose, ticket }: Incoming,
    held: Entry | undefined,
    env: StoreEnvironment,
  ): Refused | undefined {
    const { options, router, signatures, disk } = this.#parts;
    const { statement } = record;
    const { key, sequence } = statement;
    if (this.isLeaving) return { reason: "leaving", sequence: 0 };
    if (disk.waiting >= options.maxWaitingForDisk) return { reason: "busy", sequence: 0 };
    const fault = faultOf(statement, env.now, options.maxAheadMs);
    if (fault !== undefined) return { reason: fault, sequence: 0 };
    if (held !== undefined && !held.isCached && compareRecords(statement, held.record.statement) < 0)
      return { reason: "superseded", sequence: held.record.statement.sequence };
    if (purpose === "put") {
      const promise = this.promises.get(slotOf(statement));
      const isKept = promise !== undefined && promise.ticket === ticket && promise.sequence === sequence;
      if (ticket === 0 ? promise !== undefined && sequence <= promise.sequence : !isKept)
        return { reason: "promised", sequence: promise?.sequence ?? 0 };
    }
    const farthest = maxRank(options.replicas);
    if (purpose !== "cache" && rankOf(router, key, router.self, farthest) >= farthest)
      return { reason: "too-far", sequence: 0 };
    return isSigned(record, signatures) ? undefined : { reason: "forged", sequence: 0 };
  }

  // ---- Fetch --------------------------------------------------------------------------------------------------------

  #answerFetch(from: NodeId, { nonce, ...address }: Fetch, env: StoreEnvironment): void {
    this.counters.fetches++;
    const entry = this.#parts.table.get(slotOf(address));
    const isHere = entry !== undefined && entry.expiresAt > env.now;
    const record = isHere ? entry.record : undefined;
    deliver(from, { type: "fetched", nonce, record, isCached: isHere && entry.isCached }, env);
  }

  // ---- Reserve ------------------------------------------------------------------------------------------------------

  #answerReserve(from: NodeId, question: Reserve, env: StoreEnvironment): void {
    const slot = slotOf(question);
    if (!this.#promise(from, slot, question, env)) {
      this.counters.promisesRefused++;
      return this.#answerReserved(from, question, false, env);
    }
    this.counters.promisesGiven++;
    const value = (): Reserve | undefined => {
      const promise = this.promises.get(slot);
      return promise === undefined ? undefined : { ...question, nonce: 0, ...numberOf(promise) };
    };
    const onDurable = (later: StoreEnvironment) => {
      // Somebody with a higher number may have come before the disk was ready.
      const isStillOurs = this.promises.get(slot)?.ticket === question.ticket;
      this.#answerReserved(from, question, isStillOurs, later);
    };
    this.#parts.disk.write(`promise/${slot}`, value, onDurable, env);
  }

  #promise(from: NodeId, slot: string, question: Reserve, env: StoreEnvironment): boolean {
    const { options, router, table, disk } = this.#parts;
    const { kind, key, name, sequence, ticket } = question;
    if (this.isLeaving || disk.waiting >= options.maxWaitingForDisk) return false;
    if (key !== (kind === "owned" ? keyOfOwned(identityOf(from), name) : keyOfShared(name))) return false;
    const farthest = maxRank(options.replicas);
    if (rankOf(router, key, router.self, farthest) >= farthest) return false;
    const promise = this.promises.get(slot);
    const isAskedAgain = promise?.ticket === ticket && promise.sequence === sequence;
    if (promise !== undefined && sequence <= promise.sequence) return isAskedAgain;
    const held = table.get(slot);
    if (held !== undefined && !held.isCached && held.record.statement.sequence >= sequence) return false;
    return this.promises.set(slot, { sequence, ticket, source: identityOf(from), at: env.now });
  }

  #answerReserved(from: NodeId, question: Reserve, isGranted: boolean, env: StoreEnvironment): void {
    const slot = slotOf(question);
    const held = this.#parts.table.get(slot);
    const isHeld = held !== undefined && !held.isCached;
    deliver(
      from,
      {
        type: "reserved",
        nonce: question.nonce,
        isGranted,
        promised: this.promises.get(slot)?.sequence ?? 0,
        held: isHeld ? held.record.statement.sequence : 0,
        digest: isHeld ? held.digest : undefined,
      },
      env,
    );
  }

  #keepNoPromise(slot: string, sequence: number, env: StoreEnvironment): void {
    const promise = this.promises.get(slot);
    if (promise === undefined || promise.sequence > sequence) return;
    this.promises.delete(slot);
    this.#parts.disk.remove(`promise/${slot}`, env);
  }

  // ---- Offer --------------------------------------------------------------------------------------------------------

  #answerOffer(from: NodeId, { nonce, entries }: Offer, env: StoreEnvironment): void {
    const verdicts = entries.map((offered) => this.#verdictOn(offered, from, env));
    deliver(from, { type: "offered", nonce, verdicts }, env);
  }

  #verdictOn(offered: OfferedRecord, from: NodeId, env: StoreEnvironment): OfferVerdict {
    const { table, router, options } = this.#parts;
    const held = table.get(slotOf(offered));
    if (held !== undefined && !held.isCached) {
      if (held.digest === offered.digest) {
        this.#putOff(held, from, env);
        return "held";
      }
      if (held.record.statement.sequence > offered.sequence) return "newer";
    }
    if (this.isLeaving) return "declined";
    const farthest = maxRank(options.replicas);
    return rankOf(router, offered.key, router.self, farthest) < farthest ? "wanted" : "declined";
  }

  /**
   * Another replica has just seen to it that all have this record: no need for us to do so, too. Only from one that is near
   * the key, or anybody could keep records from being mended by telling everybody that they are.
   */
  #putOff(entry: Entry, from: NodeId, env: StoreEnvironment): void {
    const { options, router, keyedNode } = this.#parts;
    const { key } = entry.record.statement;
    if (identityOf(from) === identityOf(env.self)) return;
    if (rankOf(router, key, keyedNode(from), 2 * options.replicas) >= 2 * options.replicas) return;
    entry.checkAt = env.now + jittered(options.republishIntervalMs, env.random);
    this.counters.suppressed++;
  }
}

function numberOf({ sequence, ticket }: { sequence: number; ticket: number }) {
  return { sequence, ticket };
}

export function onDiskOf(slot: string): string {
  return `record/${slot}`;
}

/** How a record lies on disk: as the message that brought it, so that one code reads both. */
export function asKept(record: StoredRecord): StoreRecord {
  return { type: "store", nonce: 0, purpose: "replica", record, ticket: 0, lifetimeMs: 0 };
}

/** Is the record here already, or the same content with a longer life? A copy beside the way is no replica. */
function isHere({ statement }: StoredRecord, held: Entry, isCopy: boolean): boolean {
  if (held.isCached && !isCopy) return false;
  const kept = held.record.statement;
  const order = compareRecords(statement, kept);
  if (order === 0) return true;
  if (order > 0) return false;
  if (isCopy) return true;
  const isSameButShorter =
    statement.sequence === kept.sequence &&
    statement.writer === kept.writer &&
    compareRecords({ ...statement, writtenAt: kept.writtenAt, lifetimeMs: kept.lifetimeMs }, kept) === 0;
  return isSameButShorter;
}
