/**
 * What users ask for: put, get, delete. Each finds the r most responsible nodes through the router, asks all of them at
 * once, and ends when enough have answered and the others had their time.
 *
 *     put              lookup -> fetch (which number is next?) -> store -> w are on disk: stored
 *     put, immutable   lookup ->                                  store
 *     compare-and-swap lookup -> reserve (Paxos: prepare)      -> store with the ticket (accept)
 *     get              lookup -> fetch -> newest; those that lack it are sent it: read repair
 *
 * A compare-and-swap is Paxos for one record (as in CASPaxos, Rystsov 2018): the replicas promise a number to one writer
 * and say what they have; only if that is what the user expects, the writer goes on, and only the holder of the promise is
 * let in. With w more than half of r, two writers cannot both hold the same number.
 */
import {
  type Identity,
  type Key,
  type KeyedNode,
  type LookupReport,
  type Millis,
  nonce,
  type RecordStatement,
  type StoredRecord,
} from "../core/index.ts";
import type { UnaskedQuestion } from "./questions.ts";
import {
  compareRecords,
  digestOf,
  expiryOf,
  faultOf,
  isSigned,
  type RecordAddress,
  seal,
  slotOf,
} from "./records.ts";
import type { ReplicaOutcome, ReplicaState, StoreEnded, StoreOutcome } from "./store-commands.ts";
import { deletionLifetimeMs, minLifetimeMs, type Refusal, type StoreAnswer } from "./store-messages.ts";
import { isSame, quorumOf, type StoreEnvironment, type StoreParts } from "./store-parts.ts";

/** What is asked for, with all defaults filled in. */
export interface Order extends RecordAddress {
  readonly operation: "put" | "get" | "delete";
  /** Undefined: an act of the store itself, of which nobody is told. */
  readonly request: number | undefined;
  readonly replicas: number;
  /** w or how many should answer a get; 0: more than half. */
  readonly quorum: number;
  // Of a put or delete:
  readonly name: string;
  readonly value: Uint8Array | undefined;
  readonly writer: Identity;
  readonly lifetimeMs: Millis;
  readonly cas: number | undefined;
  readonly sequence: number | undefined;
  readonly isPublished: boolean;
  /** A record of ours that is to live on; nothing is written if another has taken its place. */
  readonly again: StoredRecord | undefined;
}

interface Target {
  readonly node: KeyedNode;
  state: ReplicaState;
  reason: Refusal | undefined;
  sequence: number;
  roundTripMs: Millis | undefined;
  /** What it has, if that is a record of this address. */
  record: StoredRecord | undefined;
}

class Operation {
  readonly id: number;
  readonly order: Order;
  readonly startedAt: Millis;
  report: LookupReport | undefined;
  targets: Target[] = [];
  /** Grows when another round of questions begins: answers to an earlier one come too late. */
  phase = 0;
  attempts = 1;
  isEnded = false;
  needed = 0;
  isCapped = false;
  record: StoredRecord | undefined;
  isPublished = false;
  repaired = 0;
  /** Of a compare-and-swap: what it has sent to replicas in vain. */
  readonly tried = new Set<Key>();
  /** A replica may have kept what was sent in an attempt that failed. */
  mayBeThere = false;

  constructor(id: number, order: Order, startedAt: Millis) {
    this.id = id;
    this.order = order;
    this.startedAt = startedAt;
  }
}

type Continue = (env: StoreEnvironment) => void;

interface Round {
  readonly question: UnaskedQuestion;
  /** `answer`: undefined if the replica was silent. */
  readonly take: (target: Target, answer: StoreAnswer | undefined, env: StoreEnvironment) => void;
  /** Then the others have as long again, and a bit. */
  readonly isEnough: () => boolean;
  readonly next: Continue;
}

/** The others have twice as long as the first ones took, and this at least (guess: a pause of a process). */
const minGraceMs = 50;
/** Between two attempts, at random, times the number of the attempt (guess: some round trips). */
const backOffMs = 100;
/** So long a compare-and-swap counts on nodes that are no longer known to be there (guess: a cut that is soon mended). */
const casMemoryMs = 600_000;
const none = 0;

export class Operations {
  readonly counters = {
    begun: 0,
    ended: 0,
    refusedBusy: 0,
    deadlines: 0,
    /** Answers after the question had been settled without them. */
    lateAnswers: 0,
    /** Records in answers that were none: of another key, too old, not signed. */
    invalidRecords: 0,
    retries: 0,
    readRepairs: 0,
    cachedOnPath: 0,
  };
  readonly #parts: StoreParts;
  readonly #open = new Map<number, Operation>();
  readonly #continuations = new Map<number, Continue>();
  /** Says whether the record will be published again. */
  readonly #onWritten: (order: Order, record: StoredRecord, env: StoreEnvironment) => boolean;
  readonly #onGone: (order: Order, env: StoreEnvironment) => void;
  #nextId = 1;
  /** The most nodes that the router knew of late, and when. */
  #mostNodes = 1;
  #mostNodesAt: Millis = 0;

  constructor(
    parts: StoreParts,
    onWritten: (order: Order, record: StoredRecord, env: StoreEnvironment) => boolean,
    onGone: (order: Order, env: StoreEnvironment) => void,
  ) {
    this.#parts = parts;
    this.#onWritten = onWritten;
    this.#onGone = onGone;
  }

  get size(): number {
    return this.#open.size;
  }

  begin(order: Order, env: StoreEnvironment): void {
    const operation = new Operation(this.#nextId++, order, env.now);
    const { maxOperations, operationDeadlineMs } = this.#parts.options;
    if (this.#open.size >= maxOperations) {
      this.counters.refusedBusy++;
      return this.#tell(operation, "busy", env);
    }
    this.counters.begun++;
    this.#open.set(operation.id, operation);
    env.schedule(operationDeadlineMs, { type: "deadline", operation: operation.id });
    this.#nodesThere(order, env);
    if (order.operation === "get" && order.quorum === 1 && this.#readHere(operation, env)) return;
    this.#findReplicas(operation, env);
  }

  cancel(request: number): void {
    for (const operation of this.#open.values())
      if (operation.order.request === request) this.#close(operation);
  }

  onGrace(id: number, phase: number, env: StoreEnvironment): void {
    const operation = this.#open.get(id);
    if (operation === undefined || operation.phase !== phase) return; // all have answered meanwhile
    this.#goOn(operation, env);
  }

  onDeadline(id: number, env: StoreEnvironment): void {
    const operation = this.#open.get(id);
    if (operation === undefined) return;
    this.counters.deadlines++;
    operation.phase++;
    if (operation.order.operation === "get") this.#endGet(operation, env);
    else this.#endWrite(operation, env);
  }

  // ---- Who the replicas are -----------------------------------------------------------------------------------------

  #findReplicas(operation: Operation, env: StoreEnvironment): void {
    const { order } = operation;
    const { key, replicas, quorum } = order;
    const wantsFirst = order.operation === "get" && quorum === 1;
    const phase = ++operation.phase;
    const { find, router } = this.#parts;
    find(
      key,
      { count: replicas, records: wantsFirst ? "first" : "none" },
      (report, later) => {
        if (operation.isEnded || operation.phase !== phase) return;
        operation.report = report;
        const closest = report?.closest.slice(0, replicas) ?? [];
        const responsible = closest.length > 0 ? closest : [router.self];
        operation.targets = responsible.map((node) => targetOf(node));
        const asked = quorumOf(quorum, replicas);
        const there = Math.max(responsible.length, this.#nodesThere(order, later));
        operation.needed = Math.min(asked, there);
        operation.isCapped = operation.needed < asked;
        if (order.operation === "get") this.#beginGet(operation, later);
        else this.#beginWrite(operation, later);
      },
      env,
    );
  }

  /**
   * How many nodes there are, as far as that limits a quorum: a router that has only begun knows fewer than the
   * membership. A router that has not joined cannot say; and for a
   * compare-and-swap those count that were there a while ago: they may be cut off, and go on without us.
   */
  #nodesThere({ cas, operation }: Order, env: StoreEnvironment): number {
    const { router, members } = this.#parts;
    const now = Math.max(router.size, members?.size ?? 0) + 1;
    if (now >= this.#mostNodes || env.now > this.#mostNodesAt + casMemoryMs) {
      this.#mostNodes = now;
      this.#mostNodesAt = env.now;
    }
    if (!router.hasJoined) return Number.POSITIVE_INFINITY;
    return cas !== undefined && operation !== "get" ? this.#mostNodes : now;
  }

  // ---- Rounds -------------------------------------------------------------------------------------------------------

  #ask(operation: Operation, { question, take, isEnough, next }: Round, env: StoreEnvironment): void {
    const phase = ++operation.phase;
    const { targets } = operation;
    const begunAt = env.now;
    let open = targets.length;
    let isInGrace = false;
    this.#continuations.set(operation.id, next);
    for (const target of targets) {
      this.#parts.questions.ask(
        target.node.node,
        question,
        (answer, roundTripMs, later) => {
          if (operation.isEnded || operation.phase !== phase) {
            if (answer !== undefined) this.counters.lateAnswers++;
            return;
          }
          target.roundTripMs = answer === undefined ? undefined : roundTripMs;
          take(target, answer, later);
          if (operation.phase !== phase) return; // that one was enough
          open--;
          if (open === 0) this.#goOn(operation, later);
          else if (!isInGrace && isEnough()) {
            isInGrace = true;
            const graceMs = Math.max(minGraceMs, 2 * (later.now - begunAt));
            later.schedule(graceMs, { type: "grace", operation: operation.id, phase });
          }
        },
        env,
      );
    }
  }

  #goOn(operation: Operation, env: StoreEnvironment): void {
    operation.phase++;
    const next = this.#continuations.get(operation.id);
    this.#continuations.delete(operation.id);
    next?.(env);
  }

  /** Others are writing at once: wait, at random, and try again. False if it was tried often enough. */
  #tryAgain(operation: Operation, next: Continue, env: StoreEnvironment): boolean {
    if (operation.attempts >= this.#parts.options.maxAttempts) return false;
    this.counters.retries++;
    const pause = 1 + env.random.below(backOffMs * operation.attempts);
    operation.attempts++;
    const phase = ++operation.phase;
    this.#continuations.set(operation.id, next);
    env.schedule(pause, { type: "try-again", operation: operation.id, phase });
    return true;
  }

  // ---- Put and delete -----------------------------------------------------------------------------------------------

  #beginWrite(operation: Operation, env: StoreEnvironment): void {
    const { kind, cas, sequence, again } = operation.order;
    if (cas !== undefined) return this.#reserve(operation, cas + 1, env);
    if (kind === "immutable" && again === undefined) return this.#write(operation, none, none, env);
    if (sequence !== undefined) return this.#write(operation, sequence, none, env);
    this.#readAll(operation, (later) => this.#writeNext(operation, later), env);
  }

  /** The number that is next is one more than any that a replica has. */
  #writeNext(operation: Operation, env: StoreEnvironment): void {
    const { order, targets } = operation;
    const newest = newestOf(targets);
    if (order.again !== undefined) return this.#writeAgain(operation, order.again, newest, env);
    const isNothingThere = newest === undefined || newest.statement.value === undefined;
    const haveAllAnswered = targets.every(({ state }) => state !== "silent" && state !== "invalid");
    if (order.operation === "delete" && isNothingThere && haveAllAnswered) {
      operation.record = newest;
      return this.#end(operation, "missing", env);
    }
    this.#write(operation, (newest?.statement.sequence ?? 0) + 1, none, env);
  }

  #writeAgain(
    operation: Operation,
    ours: StoredRecord,
    newest: StoredRecord | undefined,
    env: StoreEnvironment,
  ): void {
    const { statement } = ours;
    const isReplaced =
      newest !== undefined &&
      (newest.statement.sequence > statement.sequence || newest.statement.writer !== statement.writer);
    if (!isReplaced) return this.#write(operation, statement.sequence, none, env);
    this.#onGone(operation.order, env);
    operation.record = newest;
    this.#end(operation, "conflict", env);
  }

  #write(operation: Operation, sequence: number, ticket: number, env: StoreEnvironment): void {
    const { order } = operation;
    if (sequence > Number.MAX_SAFE_INTEGER) return this.#end(operation, "refused", env);
    const statement: RecordStatement = {
      type: "record",
      kind: order.kind,
      key: order.key,
      name: order.name,
      value: order.value,
      sequence,
      writer: order.writer,
      writtenAt: env.now,
      lifetimeMs: order.operation === "delete" ? deletionLifetimeMs : order.lifetimeMs,
    };
    operation.record = seal(statement, this.#parts.signatures);
    this.#storeAtAll(operation, ticket, env);
  }

  #storeAtAll(operation: Operation, ticket: number, env: StoreEnvironment): void {
    const record = operation.record!;
    for (const target of operation.targets) clear(target);
    this.#ask(
      operation,
      {
        question: { type: "store", purpose: "put", record, ticket, lifetimeMs: 0 },
        take(target, answer) {
          if (answer?.type === "stored") {
            target.state = "stored";
            target.sequence = record.statement.sequence;
          } else if (answer?.type === "refused") {
            target.state = "refused";
            target.reason = answer.reason;
            target.sequence = answer.sequence;
          }
        },
        isEnough: () => count(operation.targets, "stored") >= operation.needed,
        next: (later) => this.#afterWrite(operation, later),
      },
      env,
    );
  }

  #afterWrite(operation: Operation, env: StoreEnvironment): void {
    const { order, targets, needed } = operation;
    if (count(targets, "stored") >= needed) return this.#endWrite(operation, env);
    if (count(targets, "stored") + count(targets, "silent") > 0) operation.mayBeThere = true;
    const { statement } = operation.record!;
    if (order.cas !== undefined) {
      operation.tried.add(digestOf(statement));
      const sequence = Math.max(highest(targets), statement.sequence) + 1;
      const next = (later: StoreEnvironment) => this.#reserve(operation, sequence, later);
      if (!this.#tryAgain(operation, next, env)) this.#endWrite(operation, env);
      return;
    }
    const exceeded = targets.some(
      ({ reason }) => reason === "superseded" || (reason === "promised" && order.again === undefined),
    );
    if (exceeded && order.sequence === undefined && order.again === undefined) {
      const sequence = Math.max(highest(targets), statement.sequence) + 1;
      if (this.#tryAgain(operation, (later) => this.#write(operation, sequence, none, later), env)) return;
    } else if (count(targets, "silent") > 0 && !exceeded) {
      // Those that are silent may be gone: others are responsible then.
      if (this.#tryAgain(operation, (later) => this.#findReplicas(operation, later), env)) return;
    }
    this.#endWrite(operation, env);
  }

  #endWrite(operation: Operation, env: StoreEnvironment): void {
    const { order, targets, needed, record } = operation;
    const stored = count(targets, "stored");
    if (record !== undefined && stored >= needed && needed > 0) {
      operation.isPublished = this.#onWritten(order, record, env);
      return this.#end(operation, "stored", env);
    }
    const isSilent = count(targets, "silent") > 0;
    const isKnown = stored > 0 || count(targets, "refused") > 0;
    if (operation.mayBeThere || stored > 0 || (isSilent && isKnown))
      return this.#end(operation, "partial", env);
    operation.record = undefined;
    const isExceeded = order.sequence !== undefined && targets.some((one) => one.reason === "superseded");
    if (isExceeded) return this.#end(operation, "conflict", env, highest(targets));
    this.#end(operation, isKnown ? "refused" : "unreachable", env);
  }

  // ---- Compare-and-swap ---------------------------------------------------------------------------------------------

  /**
   * Asks for the promise of a number. What the replicas have must be what the user expects, or what we have written
   * ourselves in an earlier attempt that not enough have taken.
   */
  #reserve(operation: Operation, sequence: number, env: StoreEnvironment): void {
    const { kind, key, name } = operation.order;
    const { targets } = operation;
    if (kind === "immutable") return; // refused as a command
    if (sequence > Number.MAX_SAFE_INTEGER) return this.#end(operation, "refused", env);
    const ticket = nonce(env.random) + 1;
    let granted = 0;
    let promised = sequence;
    let held = 0;
    let digest: Key | undefined;
    for (const target of targets) clear(target);
    this.#ask(
      operation,
      {
        question: { type: "reserve", kind, key, name, sequence, ticket },
        take(target, answer) {
          if (answer?.type !== "reserved") return;
          target.state = answer.isGranted ? "missing" : "refused";
          if (!answer.isGranted) target.reason = answer.held >= sequence ? "superseded" : "promised";
          target.sequence = answer.held;
          if (answer.isGranted) granted++;
          promised = Math.max(promised, answer.promised);
          if (answer.held <= held) return;
          held = answer.held;
          digest = answer.digest;
        },
        isEnough: () => granted >= operation.needed,
        next: (later) => {
          const isOurs = digest !== undefined && operation.tried.has(digest);
          const answered = targets.length - count(targets, "silent");
          const isQuorum = answered >= operation.needed;
          if (!isOurs && (held > operation.order.cas! || (isQuorum && held < operation.order.cas!)))
            return this.#endConflict(operation, held, later);
          if (granted >= operation.needed) return this.#write(operation, sequence, ticket, later);
          const next = (again: StoreEnvironment) =>
            isQuorum
              ? this.#reserve(operation, Math.max(promised, held) + 1, again)
              : this.#findReplicas(operation, again);
          if (this.#tryAgain(operation, next, later)) return;
          if (operation.mayBeThere) return this.#end(operation, "partial", later);
          this.#end(operation, isQuorum ? "contended" : "unreachable", later);
        },
      },
      env,
    );
  }

  /** What was tried in vain may still be somewhere, and come back if the other record is lost. */
  #endConflict(operation: Operation, held: number, env: StoreEnvironment): void {
    operation.record = undefined;
    this.#end(operation, operation.mayBeThere ? "partial" : "conflict", env, held);
  }

  // ---- Get ----------------------------------------------------------------------------------------------------------

  /** Where any record will do, one that is here will. */
  #readHere(operation: Operation, env: StoreEnvironment): boolean {
    const entry = this.#parts.table.get(slotOf(operation.order));
    if (entry === undefined || entry.expiresAt <= env.now) return false;
    operation.record = entry.record;
    operation.needed = 1;
    this.#end(operation, entry.record.statement.value === undefined ? "deleted" : "found", env);
    return true;
  }

  #beginGet(operation: Operation, env: StoreEnvironment): void {
    const { quorum } = operation.order;
    if (quorum === 1) {
      const met = operation.report?.records.map(({ record }) => record) ?? [];
      const sound = met.filter((record) => this.#isSound(operation.order, record, env));
      if (sound.length > 0) {
        operation.record = newest(sound);
        operation.targets = [];
        return this.#endGet(operation, env);
      }
    }
    this.#readAll(operation, (later) => this.#endGet(operation, later), env);
  }

  #readAll(operation: Operation, next: Continue, env: StoreEnvironment): void {
    const { order, targets } = operation;
    const { kind, key } = order;
    for (const target of targets) clear(target);
    const isFirst = order.operation === "get" && order.quorum === 1;
    this.#ask(
      operation,
      {
        question: { type: "fetch", kind, key },
        take: (target, answer, later) => {
          if (answer?.type !== "fetched") return;
          const { record, isCached } = answer;
          if (record === undefined) target.state = "missing";
          else if (!this.#isSound(order, record, later)) target.state = "invalid";
          else {
            target.state = isCached ? "cached" : "found";
            target.sequence = record.statement.sequence;
            target.record = record;
          }
          if (isFirst && target.record !== undefined) this.#goOn(operation, later);
        },
        isEnough: () => targets.length - count(targets, "silent") >= operation.needed,
        next,
      },
      env,
    );
  }

  #isSound(address: RecordAddress, record: StoredRecord, env: StoreEnvironment): boolean {
    const { kind, key } = record.statement;
    const isSound =
      kind === address.kind &&
      key === address.key &&
      faultOf(record.statement, env.now, this.#parts.options.maxAheadMs) === undefined &&
      isSigned(record, this.#parts.signatures);
    if (!isSound) this.counters.invalidRecords++;
    return isSound;
  }

  #endGet(operation: Operation, env: StoreEnvironment): void {
    const { targets } = operation;
    const record = operation.record ?? newestOf(targets);
    if (record === undefined) {
      const answered = targets.length - count(targets, "silent");
      // Who finds nobody but itself, and knows that there are others, cannot say that there is no such record.
      const isAlone = targets.length === 1 && operation.needed > 1;
      return this.#end(operation, answered > 0 && !isAlone ? "missing" : "unreachable", env);
    }
    operation.record = record;
    for (const target of targets)
      if (target.state === "found" && compareRecords(target.record!.statement, record.statement) < 0)
        target.state = "older";
    this.#repair(operation, record, env);
    this.#cacheOnPath(operation, record, env);
    this.#end(operation, record.statement.value === undefined ? "deleted" : "found", env);
  }

  /** Read repair: those that answered and lack the newest record are sent it. */
  #repair(operation: Operation, record: StoredRecord, env: StoreEnvironment): void {
    for (const { node, state } of operation.targets) {
      if (state === "found" || state === "silent") continue;
      operation.repaired++;
      this.counters.readRepairs++;
      this.#send(node, { type: "store", purpose: "replica", record, ticket: 0, lifetimeMs: 0 }, env);
    }
  }

  /**
   * Kademlia paper, section 2.3: the nearest node that was asked and had no record gets a copy, for a time that halves with
   * each node between it and the key. Only where the first record on the way will do: others would not look at it.
   */
  #cacheOnPath(operation: Operation, record: StoredRecord, env: StoreEnvironment): void {
    const { order, report, targets } = operation;
    if (order.operation !== "get" || order.quorum !== 1 || report === undefined) return;
    const isTarget = ({ node }: KeyedNode) => targets.some((target) => isSame(target.node.node, node));
    const nearest = report.without.find((node) => !isTarget(node));
    if (nearest === undefined) return;
    const { router, options } = this.#parts;
    const known = [...router.replicas(order.key, order.replicas), ...report.closest, ...report.path];
    const between = new Set(
      known.filter((one) => router.compare(order.key, one.key, nearest.key) < 0).map(({ key }) => key),
    );
    const lifetimeMs = halved(options.cacheLifetimeMs, between.size);
    if (lifetimeMs < minLifetimeMs) return;
    this.counters.cachedOnPath++;
    this.#send(nearest, { type: "store", purpose: "cache", record, ticket: 0, lifetimeMs }, env);
  }

  /** Whether it arrives does not matter to anybody who waits. */
  #send({ node }: KeyedNode, question: UnaskedQuestion, env: StoreEnvironment): void {
    this.#parts.questions.ask(node, question, () => {}, env);
  }

  // ---- The end ------------------------------------------------------------------------------------------------------

  #end(operation: Operation, outcome: StoreOutcome, env: StoreEnvironment, sequence?: number): void {
    this.counters.ended++;
    this.#close(operation);
    this.#tell(operation, outcome, env, sequence);
  }

  #close(operation: Operation): void {
    operation.isEnded = true;
    this.#open.delete(operation.id);
    this.#continuations.delete(operation.id);
  }

  #tell(operation: Operation, outcome: StoreOutcome, env: StoreEnvironment, sequence?: number): void {
    const { order, record, targets, startedAt } = operation;
    if (order.request === undefined) return;
    const ended: StoreEnded = {
      type: "store-ended",
      request: order.request,
      operation: order.operation,
      outcome,
      kind: order.kind,
      key: order.key,
      record,
      sequence: sequence ?? record?.statement.sequence ?? 0,
      expiresAt: record === undefined ? undefined : expiryOf(record.statement),
      isPublished: operation.isPublished,
      replicas: targets.map(outcomeOf),
      needed: operation.needed,
      isCapped: operation.isCapped,
      attempts: operation.attempts,
      repaired: operation.repaired,
      report: operation.report,
      startedAt,
      endedAt: env.now,
    };
    env.notify(ended);
  }
}

function targetOf(node: KeyedNode): Target {
  return {
    node,
    state: "silent",
    reason: undefined,
    sequence: 0,
    roundTripMs: undefined,
    record: undefined,
  };
}

function clear(target: Target): void {
  target.state = "silent";
  target.reason = undefined;
  target.sequence = 0;
  target.roundTripMs = undefined;
  target.record = undefined;
}

function outcomeOf({ node, state, reason, sequence, roundTripMs }: Target): ReplicaOutcome {
  return { replica: node, state, reason, sequence, roundTripMs };
}

function count(targets: readonly Target[], state: ReplicaState): number {
  return targets.reduce((sum, target) => sum + Number(target.state === state), 0);
}

function highest(targets: readonly Target[]): number {
  return targets.reduce((most, { sequence }) => Math.max(most, sequence), 0);
}

function newestOf(targets: readonly Target[]): StoredRecord | undefined {
  return newest(targets.flatMap(({ record }) => (record === undefined ? [] : [record])));
}

function newest(records: readonly StoredRecord[]): StoredRecord | undefined {
  return records.reduce<StoredRecord | undefined>(
    (best, one) => (best === undefined || compareRecords(one.statement, best.statement) > 0 ? one : best),
    undefined,
  );
}

/** Without a power, whose last bit engines disagree about. */
function halved(ms: Millis, times: number): Millis {
  let left = ms;
  for (let i = 0; i < times && left >= 1; i++) left /= 2;
  return Math.floor(left);
}
