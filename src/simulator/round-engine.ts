/**
 * Rounds instead of events: in each, every active node calls one partner. For curves of 10^6 and 10^7 nodes.
 *
 * What a round is changes the answer by a third, so there are three kinds, and each result names its own:
 *
 * - `synchronous`: all look at what was true before the round (double-buffered). The model of the theorems.
 * - `sequential`: one after the other in an order that is shuffled for each round, each sees what those before it did;
 *   a rumor may travel many hops in one round. What PeerSim calls a cycle.
 * - `poisson`: nobody waits for rounds. Who is next to call is drawn anew, with replacement, and n turns are one unit
 *   of time: what nodes with clocks of their own do, apart from the randomness of the clocks themselves.
 *
 * Push-pull to all of 10^6 nodes takes 16.4, 11.6 and 14.9 rounds. For `poisson` that is whole rounds, the last one
 * counted in full, as in published figures; until the last node is informed it takes 14.4 units of time.
 *
 * A protocol may ask for several calls in a round, and for limits of what a node accepts (`RoundProtocol.calls`). Who
 * comes first decides then who is refused, so that synchronous rounds with a limit have an order too, a new one each.
 *
 * All draws are named: the partner of a node in a round depends on seed, round and node and on nothing else, so that
 * removing one node disturbs no other. (In `poisson` a draw is named by its number in the round.)
 */
import { type RoundCalls, type RoundProtocol, UsageError } from "../core/index.ts";
import { CounterRandom, scramble } from "./counter-random.ts";

export type RoundSemantics = "synchronous" | "sequential" | "poisson";

export const roundSemantics: readonly RoundSemantics[] = ["synchronous", "sequential", "poisson"];

export interface RoundSettings {
  readonly seed: number;
  readonly semantics: RoundSemantics;
  /** Default 10,000. */
  readonly maxRounds?: number;
  /** Goes on when all are informed, until nobody calls any more: for what spreading costs. */
  readonly isUntilQuiet?: boolean;
  /** After each round. */
  readonly onRound?: (round: number, informed: number) => void;
}

export interface RoundResult {
  readonly semantics: RoundSemantics;
  readonly nodes: number;
  /** Rounds that were begun: what published figures count, also for `poisson`. */
  readonly rounds: number;
  /** The same but for `poisson`, where it ends with the call that informed the last node: turns / nodes. */
  readonly time: number;
  /** `informedByRound[r]` after r rounds; the first is before any. */
  readonly informedByRound: readonly number[];
  readonly contacts: number;
  /** `informed`: all are. `quiet`: nobody calls any more. `max-rounds`: neither so far. */
  readonly ending: "informed" | "quiet" | "max-rounds";
  /** Equal for runs in which the same nodes were informed in the same rounds, by as many contacts. */
  readonly hash: string;
}

/**
 * Runs until all are informed (unless `isUntilQuiet`), nobody is active, or `maxRounds` are over. Whom to infect first is up to the caller.
 * Throws `UsageError`, before anything changed, if the settings make no sense.
 */
export function runRounds(protocol: RoundProtocol, settings: RoundSettings): RoundResult {
  const rounds = playRounds(protocol, settings);
  for (;;) {
    const { done, value } = rounds.next();
    if (done) return value;
  }
}

/** The same, one round after the other when it is asked for: for who shows them. Yields how many are over. */
export function* playRounds(
  protocol: RoundProtocol,
  settings: RoundSettings,
): Generator<number, RoundResult> {
  const { seed, semantics, maxRounds = 10_000, isUntilQuiet = false, onRound } = settings;
  if (!Number.isSafeInteger(seed)) throw new UsageError(`seed: ${seed} is not an integer`);
  if (!roundSemantics.includes(semantics)) {
    throw new UsageError(`semantics: ${semantics} is not one of ${roundSemantics.join(", ")}`);
  }
  if (!(maxRounds >= 0)) throw new UsageError(`maxRounds: ${maxRounds} is less than 0`);
  const nodes = protocol.rows;
  if (nodes < 2) throw new UsageError(`rows: ${nodes} is less than 2: nobody to call`);
  const { calls } = protocol;
  if (calls !== undefined) checkCalls(calls);
  protocol.prepare(semantics === "synchronous", diceOf(seed, nodes));
  const round = roundOf(semantics, protocol, seed, isUntilQuiet);
  const informedByRound = [protocol.informed];
  const hash = new RunningHash();
  let rounds = 0;
  let turns = 0;
  let contacts = 0;
  const result = (ending: RoundResult["ending"]): RoundResult => {
    const time = turns / nodes;
    return { semantics, nodes, rounds, time, informedByRound, contacts, ending, hash: hash.text };
  };
  for (;;) {
    hash.add(protocol.informed);
    hash.add(protocol.checksum);
    hash.add(contacts);
    if (!isUntilQuiet && protocol.informed === nodes) return result("informed");
    if (!hasActiveNode(protocol)) return result("quiet");
    if (rounds >= maxRounds) return result("max-rounds");
    rounds++;
    contacts += round.play(rounds);
    turns += round.turns;
    protocol.commit();
    informedByRound.push(protocol.informed);
    onRound?.(rounds, protocol.informed);
    yield rounds;
  }
}

function checkCalls(calls: RoundCalls): void {
  for (const [name, least] of [
    ["fanout", 1],
    ["connectionLimit", 0],
    ["huntLimit", 0],
  ] as const) {
    const value = calls[name];
    if (!Number.isSafeInteger(value) || value < least || value > 65_535)
      throw new UsageError(`${name}: ${value} is not an integer between ${least} and 65535`);
  }
}

/** The dice of the nodes; most protocols have no use for them, and then they take no memory. */
function diceOf(seed: number, nodes: number): (row: number) => CounterRandom {
  let dice: CounterRandom | undefined;
  return (row) => {
    dice ??= new CounterRandom(seed, "protocol", nodes);
    dice.row = row;
    return dice;
  };
}

/** Looks at all rows only when there is nobody; the first active one ends the search. */
function hasActiveNode(protocol: RoundProtocol): boolean {
  for (let row = 0; row < protocol.rows; row++) if (protocol.isActive(row)) return true;
  return false;
}

// ---- The three kinds of rounds --------------------------------------------------------------------------------------

/** One round after the other; `play` returns how many contacts there were. */
abstract class Round {
  protected readonly protocol: RoundProtocol;
  protected readonly rows: number;
  /** Where a turn is more than one call that everybody accepts. */
  protected readonly switchboard: Switchboard | undefined;
  /** How many nodes had their turn in the last round: all, unless it ended when all were informed. */
  turns: number;
  readonly #dice: CounterRandom;

  constructor(protocol: RoundProtocol, seed: number) {
    this.protocol = protocol;
    this.rows = protocol.rows;
    this.turns = protocol.rows;
    this.#dice = new CounterRandom(seed, "rounds", 0);
    const { calls } = protocol;
    if (calls !== undefined && (calls.fanout > 1 || calls.connectionLimit > 0))
      this.switchboard = new Switchboard(protocol, calls, (round, call) =>
        this.keys(round, call === 0 ? purposes.callee : purposes.furtherCallees + call),
      );
  }

  abstract play(round: number): number;

  /** Two keys of 32 bits that turn a number into the draw of that name: see `draw`. */
  protected keys(round: number, purpose: number): Keys {
    return { a: this.#dice.at(2 * purpose, round) | 0, b: this.#dice.at(2 * purpose + 1, round) | 0 };
  }
}

interface Keys {
  readonly a: number;
  readonly b: number;
}

/** What the draws of a round are for. */
const purposes = { callee: 0, order: 1, caller: 2, furtherCallees: 2 } as const;

const golden = 0x9e3779b9;

/** 32 bits, the same for the same keys and name. Inlined where it is used. */
function draw(a: number, b: number, name: number): number {
  return scramble(scramble(Math.imul(name, golden) + a) ^ b) >>> 0;
}

/** The calls of one turn, for whoever makes more than one, or may be refused and tries others. */
class Switchboard {
  readonly #protocol: RoundProtocol;
  readonly #calls: RoundCalls;
  readonly #keysOf: (round: number, call: number) => Keys;
  /** How many calls each node has accepted in this round; empty without a limit. */
  readonly #accepted: Uint16Array;
  #round = 0;
  /** By call of a turn, those that hunt among them: the keys of this round. */
  #keys: Keys[] = [];

  constructor(protocol: RoundProtocol, calls: RoundCalls, keysOf: (round: number, call: number) => Keys) {
    this.#protocol = protocol;
    this.#calls = calls;
    this.#keysOf = keysOf;
    this.#accepted = new Uint16Array(calls.connectionLimit > 0 ? protocol.rows : 0);
  }

  /** The order of the callers matters. */
  get isLimited(): boolean {
    return this.#calls.connectionLimit > 0;
  }

  begin(round: number): void {
    this.#round = round;
    this.#keys = [];
    this.#accepted.fill(0);
  }

  /** Returns how many contacts came of it. `name` is that of the draws: the caller, or the number of the turn. */
  turn(caller: number, name: number): number {
    const { fanout, huntLimit } = this.#calls;
    let contacts = 0;
    for (let call = 0; call < fanout && this.#protocol.isActive(caller); call++) {
      for (let attempt = 0; attempt <= huntLimit; attempt++) {
        const callee = this.#callee(caller, name, call * (huntLimit + 1) + attempt);
        if (!this.#isAccepted(callee)) continue;
        this.#protocol.contact(caller, callee);
        contacts++;
        break;
      }
    }
    return contacts;
  }

  #callee(caller: number, name: number, call: number): number {
    this.#keys[call] ??= this.#keysOf(this.#round, call);
    const { a, b } = this.#keys[call]!;
    const other = (draw(a, b, name) * ((this.#protocol.rows - 1) / 2 ** 32)) >>> 0;
    return other + Number(other >= caller);
  }

  #isAccepted(callee: number): boolean {
    const { connectionLimit } = this.#calls;
    if (connectionLimit === 0) return true;
    if (this.#accepted[callee]! >= connectionLimit) return false;
    this.#accepted[callee]!++;
    return true;
  }
}

class SynchronousRound extends Round {
  readonly #callees = new Uint32Array(4096);
  readonly #order = this.switchboard?.isLimited ? identity(this.rows) : undefined;

  override play(round: number): number {
    const { protocol, rows, switchboard } = this;
    if (switchboard !== undefined) return this.#playLimited(round, switchboard);
    const { a, b } = this.keys(round, purposes.callee);
    const callees = this.#callees;
    let contacts = 0;
    for (let first = 0; first < rows; first += callees.length) {
      const count = Math.min(callees.length, rows - first);
      chooseCallees(callees, first, count, rows, a, b);
      contacts += protocol.contacts?.(first, callees, count) ?? contactEach(protocol, first, callees, count);
    }
    return contacts;
  }

  #playLimited(round: number, switchboard: Switchboard): number {
    const { rows } = this;
    const order = this.#order;
    if (order !== undefined) shuffle(order, this.keys(round, purposes.order));
    switchboard.begin(round);
    let contacts = 0;
    for (let i = 0; i < rows; i++) {
      const caller = order === undefined ? i : order[i]!;
      contacts += switchboard.turn(caller, caller);
    }
    return contacts;
  }
}

/** Anybody but itself, for the rows from `first` on. Hot: `rounds` of bench/simulator. */
function chooseCallees(
  callees: Uint32Array,
  first: number,
  count: number,
  rows: number,
  a: number,
  b: number,
) {
  const scale = (rows - 1) / 2 ** 32;
  for (let i = 0; i < count; i++) {
    const caller = first + i;
    const other = (draw(a, b, caller) * scale) >>> 0;
    // No branch here: the processor would guess wrong for every fourth caller.
    callees[i] = other + Number(other >= caller);
  }
}

function contactEach(protocol: RoundProtocol, first: number, callees: Uint32Array, count: number): number {
  let contacts = 0;
  for (let i = 0; i < count; i++) {
    if (!protocol.isActive(first + i)) continue;
    protocol.contact(first + i, callees[i]!);
    contacts++;
  }
  return contacts;
}

class SequentialRound extends Round {
  /** A permutation of the rows, shuffled further in each round. */
  readonly #order = identity(this.rows);

  override play(round: number): number {
    const { protocol, rows, switchboard } = this;
    const order = this.#order;
    shuffle(order, this.keys(round, purposes.order));
    switchboard?.begin(round);
    const { a, b } = this.keys(round, purposes.callee);
    const scale = (rows - 1) / 2 ** 32;
    let contacts = 0;
    for (let i = 0; i < rows; i++) {
      const caller = order[i]!;
      if (!protocol.isActive(caller)) continue;
      if (switchboard !== undefined) {
        contacts += switchboard.turn(caller, caller);
        continue;
      }
      const other = (draw(a, b, caller) * scale) >>> 0;
      protocol.contact(caller, other + Number(other >= caller));
      contacts++;
    }
    return contacts;
  }
}

function identity(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row);
}

/** Fisher and Yates. */
function shuffle(order: Uint32Array, { a, b }: Keys): void {
  for (let last = order.length - 1; last > 0; last--) {
    const other = (draw(a, b, last) * ((last + 1) / 2 ** 32)) >>> 0;
    const moved = order[last]!;
    order[last] = order[other]!;
    order[other] = moved;
  }
}

class PoissonRound extends Round {
  readonly #isUntilQuiet: boolean;

  constructor(protocol: RoundProtocol, seed: number, isUntilQuiet: boolean) {
    super(protocol, seed);
    this.#isUntilQuiet = isUntilQuiet;
  }

  override play(round: number): number {
    const { protocol, rows, switchboard } = this;
    const callerKeys = this.keys(round, purposes.caller);
    switchboard?.begin(round);
    const { a, b } = this.keys(round, purposes.callee);
    const scale = (rows - 1) / 2 ** 32;
    let contacts = 0;
    for (let i = 0; i < rows; i++) {
      const caller = (draw(callerKeys.a, callerKeys.b, i) * (rows / 2 ** 32)) >>> 0;
      if (!protocol.isActive(caller)) continue;
      if (switchboard !== undefined) {
        contacts += switchboard.turn(caller, i);
      } else {
        const other = (draw(a, b, i) * scale) >>> 0;
        protocol.contact(caller, other + Number(other >= caller));
        contacts++;
      }
      if (this.#isUntilQuiet || protocol.informed < rows) continue;
      this.turns = i + 1;
      break;
    }
    return contacts;
  }
}

function roundOf(
  semantics: RoundSemantics,
  protocol: RoundProtocol,
  seed: number,
  isUntilQuiet: boolean,
): Round {
  switch (semantics) {
    case "synchronous":
      return new SynchronousRound(protocol, seed);
    case "sequential":
      return new SequentialRound(protocol, seed);
    case "poisson":
      return new PoissonRound(protocol, seed, isUntilQuiet);
  }
}

/** 64 bits that depend on all numbers and their order. */
class RunningHash {
  #a = 0;
  #b = golden | 0;

  add(value: number): void {
    this.#a = scramble(this.#a ^ value) + golden;
    this.#b = scramble(this.#b ^ this.#a);
    // What does not fit into 32 bits: counts of contacts may be larger.
    if (value > 0xffffffff) this.add(Math.floor(value / 2 ** 32));
  }

  get text(): string {
    return [this.#a, this.#b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }
}
