/**
 * The write log of a Bayou server, and how two servers bring theirs together (Petersen et al. 1997, "Flexible update
 * propagation for weakly consistent replication", figures 1 to 3).
 *
 *     R -> request: R.V, R.CSN -> S
 *     S -> the writes that R lacks, in the order of S's log -> R
 *
 * A server stamps each write that it accepts from its user: accept-stamps grow. The log has the committed writes first,
 * in the order of their commit sequence numbers (CSN), which the one primary server gives; then the tentative ones, by
 * accept-stamp and server. So it has the writes of each server in the order of their accept-stamps, and whoever receives
 * it in that order keeps the prefix property: a version vector says all that it knows, even if the connection breaks
 * in the middle.
 *
 * A server may throw away the beginning of its log, as far as it is committed: up to CSN `osn`, the writes of vector O.
 * Whoever lacks some of these gets the whole state at that point instead.
 */
import { type Identity, invariant, UsageError } from "../core/index.ts";
import { VersionVector } from "./version-vector.ts";

export interface Write<Update> {
  readonly server: Identity;
  readonly acceptStamp: number;
  /** Undefined while the write is tentative. */
  readonly csn?: number;
  readonly update: Update;
}

export interface WriteRequest {
  /** R.V, at most `maxServers` entries. */
  readonly vector: readonly (readonly [Identity, number])[];
  readonly csn: number;
}

/** What S sends, to be taken in in this order. */
export interface WriteTransfer<State, Update> {
  /** Only if R lacks committed writes that S no longer has. */
  readonly full?: {
    readonly state: State;
    readonly vector: readonly (readonly [Identity, number])[];
    readonly osn: number;
  };
  /** At most as many as were asked for. */
  readonly steps: readonly WriteStep<Update>[];
  /** R has everything that S has when it has taken this in. */
  readonly isComplete: boolean;
}
export type WriteStep<Update> =
  | { readonly type: "write"; readonly write: Write<Update> }
  /** R has the write, but does not know that it is committed. */
  | {
      readonly type: "commit";
      readonly server: Identity;
      readonly acceptStamp: number;
      readonly csn: number;
    };

export const maxServers = 4096;

export interface WriteLogConfig<State, Update> {
  readonly server: Identity;
  readonly initial: State;
  /** Gives the state after the update; must not change the one that it is given. */
  readonly apply: (state: State, update: Update) => State;
  /** Exactly one server of all is: it commits each write as soon as it has it. */
  readonly isPrimary?: boolean;
  /** Most writes that are kept; a write beyond is refused until some are thrown away. */
  readonly maxWrites?: number;
}

export class WriteLog<State, Update> {
  readonly server: Identity;
  readonly counters = { malformed: 0, outOfOrder: 0, full: 0, fullTransfers: 0 };
  readonly #config: WriteLogConfig<State, Update>;
  readonly #maxWrites: number;
  /** V: what is known, thrown away or not. */
  #known = new VersionVector();
  /** O: what was thrown away. Always: V includes O. */
  #omitted = new VersionVector();
  #osn = 0;
  /** The state after all that was thrown away. */
  #base: State;
  /** Writes osn + 1, osn + 2, … */
  #committed: Write<Update>[] = [];
  /** By accept-stamp and server. */
  #tentative: Write<Update>[] = [];

  /** Throws `UsageError` if `maxWrites` is not a positive integer. */
  constructor(config: WriteLogConfig<State, Update>) {
    this.#config = config;
    this.server = config.server;
    this.#base = config.initial;
    this.#maxWrites = config.maxWrites ?? 100_000;
    if (!Number.isSafeInteger(this.#maxWrites) || this.#maxWrites < 1)
      throw new UsageError(`maxWrites: ${config.maxWrites} is not a positive integer`);
  }

  /** Of the last write that this server knows to be committed. */
  get csn(): number {
    return this.#osn + this.#committed.length;
  }
  get vector(): VersionVector {
    return this.#known.copy();
  }
  /** Committed ones first. */
  get writes(): readonly Write<Update>[] {
    return [...this.#committed, ...this.#tentative];
  }
  /** After all writes, in the order of the log. Tentative ones may still move, and then this changes. */
  get state(): State {
    return this.writes.reduce((state, { update }) => this.#config.apply(state, update), this.#base);
  }

  /** A write of this server's user. Throws `UsageError`, before anything has changed, if the log is full. */
  accept(update: Update): Write<Update> {
    if (this.writes.length >= this.#maxWrites)
      throw new UsageError(`maxWrites: the log has ${this.#maxWrites}`);
    // Later than all that this server has seen: what a user wrote after reading comes after what was read.
    let acceptStamp = 1;
    for (const [, stamp] of this.#known.entries()) acceptStamp = Math.max(acceptStamp, stamp + 1);
    const write = { server: this.server, acceptStamp, update };
    this.#add(write);
    return write;
  }

  /** Throws away committed writes up to `csn`. */
  truncate(csn: number): void {
    const dropped = this.#committed.splice(0, Math.max(0, Math.min(csn, this.csn) - this.#osn));
    for (const { server, acceptStamp, update } of dropped) {
      this.#base = this.#config.apply(this.#base, update);
      this.#omitted.advance(server, acceptStamp);
    }
    this.#osn += dropped.length;
  }

  // ---- Anti-entropy, from S to R -----------------------------------------------------------------------------------

  /** R's part: what it knows. */
  request(): WriteRequest {
    return { vector: [...this.#known.entries()], csn: this.csn };
  }

  /** S's part: at most `limit` writes or commits that R lacks. Undefined if the request is nonsense. */
  transferFor(request: WriteRequest, limit: number): WriteTransfer<State, Update> | undefined {
    if (!isVector(request.vector) || !isStamp(request.csn)) {
      this.counters.malformed++;
      return undefined;
    }
    const theirs = new VersionVector(request.vector);
    let theirCsn = request.csn;
    let full: WriteTransfer<State, Update>["full"];
    if (this.#osn > theirCsn) {
      full = { state: this.#base, vector: [...this.#omitted.entries()], osn: this.#osn };
      theirCsn = this.#osn;
    }
    const steps: WriteStep<Update>[] = [];
    for (const write of this.#committed) {
      const { server, acceptStamp, csn } = write;
      if (csn! <= theirCsn) continue;
      const isKnown = acceptStamp <= theirs.get(server);
      steps.push(isKnown ? { type: "commit", server, acceptStamp, csn: csn! } : { type: "write", write });
    }
    for (const write of this.#tentative)
      if (write.acceptStamp > theirs.get(write.server)) steps.push({ type: "write", write });
    const first = steps.slice(0, limit);
    const isComplete = first.length === steps.length;
    return full === undefined ? { steps: first, isComplete } : { full, steps: first, isComplete };
  }

  /** R's part: takes in what S sent, as far as it fits to what R knows. */
  receive({ full, steps }: WriteTransfer<State, Update>): void {
    if (full !== undefined && !this.#replace(full)) return;
    for (const step of steps) {
      const isTaken = step.type === "commit" ? this.#onCommit(step) : this.#onWrite(step.write);
      // What follows would leave a gap.
      if (!isTaken) return;
    }
  }

  /** The state at S's O becomes ours; writes that it does not have stay. */
  #replace(full: NonNullable<WriteTransfer<State, Update>["full"]>): boolean {
    if (!isVector(full.vector) || !isStamp(full.osn)) {
      this.counters.malformed++;
      return false;
    }
    // We have learned more meanwhile.
    if (full.osn <= this.csn) return true;
    this.counters.fullTransfers++;
    this.#base = full.state;
    this.#osn = full.osn;
    this.#omitted = new VersionVector(full.vector);
    this.#known.merge(this.#omitted);
    this.#committed = [];
    this.#tentative = this.#tentative.filter(
      ({ server, acceptStamp }) => acceptStamp > this.#omitted.get(server),
    );
    if (this.#config.isPrimary) this.#commitAll();
    return true;
  }

  #onCommit({ server, acceptStamp, csn }: Extract<WriteStep<Update>, { type: "commit" }>): boolean {
    if (csn <= this.csn) return true;
    const place = this.#tentative.findIndex(
      (write) => write.server === server && write.acceptStamp === acceptStamp,
    );
    if (place < 0 || csn !== this.csn + 1) return this.#refuse("outOfOrder");
    const [write] = this.#tentative.splice(place, 1);
    this.#committed.push({ ...write!, csn });
    return true;
  }

  #onWrite(write: Write<Update>): boolean {
    const { server, acceptStamp, csn } = write;
    if (!isStamp(acceptStamp) || acceptStamp === 0 || (csn !== undefined && !isStamp(csn)))
      return this.#refuse("malformed");
    if (acceptStamp <= this.#known.get(server))
      return csn === undefined || this.#onCommit({ type: "commit", server, acceptStamp, csn });
    if (csn !== undefined && csn !== this.csn + 1) return this.#refuse("outOfOrder");
    const isNewServer = this.#known.get(server) === 0;
    if (this.#committed.length + this.#tentative.length >= this.#maxWrites) return this.#refuse("full");
    if (isNewServer && this.#known.size >= maxServers) return this.#refuse("full");
    this.#add(write);
    return true;
  }

  #refuse(reason: "malformed" | "outOfOrder" | "full"): false {
    this.counters[reason]++;
    return false;
  }

  /** A write that is new here. */
  #add(write: Write<Update>): void {
    this.#known.advance(write.server, write.acceptStamp);
    if (write.csn !== undefined) {
      this.#committed.push(write);
      return;
    }
    let place = this.#tentative.length;
    while (place > 0 && compareWrites(this.#tentative[place - 1]!, write) > 0) place--;
    this.#tentative.splice(place, 0, write);
    if (this.#config.isPrimary) this.#commitAll();
  }

  #commitAll(): void {
    for (const write of this.#tentative) this.#committed.push({ ...write, csn: this.csn + 1 });
    this.#tentative = [];
    invariant(this.#known.includes(this.#omitted), "what was thrown away is known");
  }
}

/** By accept-stamp; of the same one by server, numbers before texts. */
function compareWrites(a: Write<unknown>, b: Write<unknown>): number {
  if (a.acceptStamp !== b.acceptStamp) return a.acceptStamp - b.acceptStamp;
  if (a.server === b.server) return 0;
  if (typeof a.server !== typeof b.server) return typeof a.server === "number" ? -1 : 1;
  return a.server < b.server ? -1 : 1;
}

const isStamp = (stamp: number) => Number.isSafeInteger(stamp) && stamp >= 0;

function isVector(vector: readonly (readonly [Identity, number])[]): boolean {
  return vector.length <= maxServers && vector.every(([, stamp]) => isStamp(stamp));
}
