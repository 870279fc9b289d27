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
 * All draws are named: the partner of a node in a round depends on seed, round and node and on nothing else, so that
 * removing one node disturbs no other. (In `poisson` a draw is named by its number in the round.)
 */
import { type RoundProtocol, UsageError } from "../core/index.ts";
import { CounterRandom, scramble } from "./counter-random.ts";

export type RoundSemantics = "synchronous" | "sequential" | "poisson";

export const roundSemantics: readonly RoundSemantics[] = ["synchronous", "sequential", "poisson"];

export interface RoundSettings {
  readonly seed: number;
  readonly semantics: RoundSemantics;
  /** Default 10,000. */
  readonly maxRounds?: number;
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
 * Runs until all are informed, nobody is active, or `maxRounds` are over. Whom to infect first is up to the caller.
 * Throws `UsageError`, before anything changed, if the settings make no sense.
 */
export function runRounds(protocol: RoundProtocol, settings: RoundSettings): RoundResult {
  const { seed, semantics, maxRounds = 10_000, onRound } = settings;
  if (!Number.isSafeInteger(seed)) throw new UsageError(`seed: ${seed} is not an integer`);
  if (!roundSemantics.includes(semantics)) {
    throw new UsageError(`semantics: ${semantics} is not one of ${roundSemantics.join(", ")}`);
  }
  if (!(maxRounds >= 0)) throw new UsageError(`maxRounds: ${maxRounds} is less than 0`);
  const nodes = protocol.rows;
  if (nodes < 2) throw new UsageError(`rows: ${nodes} is less than 2: nobody to call`);
  protocol.prepare(semantics === "synchronous");
  const round = roundOf(semantics, protocol, seed);
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
    if (protocol.informed === nodes) return result("informed");
    if (!hasActiveNode(protocol)) return result("quiet");
    if (rounds >= maxRounds) return result("max-rounds");
    rounds++;
    contacts += round.play(rounds);
    turns += round.turns;
    protocol.commit();
    informedByRound.push(protocol.informed);
    onRound?.(rounds, protocol.informed);
  }
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
  /** How many nodes had their turn in the last round: all, unless it ended when all were informed. */
  turns: number;
  readonly #dice: CounterRandom;

  constructor(protocol: RoundProtocol, seed: number) {
    this.protocol = protocol;
    this.rows = protocol.rows;
    this.turns = protocol.rows;
    this.#dice = new CounterRandom(seed, "rounds", 0);
  }

  abstract play(round: number): number;

  /** Two keys of 32 bits that turn a number into the draw of that name: see `draw`. */
  protected keys(round: number, purpose: number): { a: number; b: number } {
    return { a: this.#dice.at(2 * purpose, round) | 0, b: this.#dice.at(2 * purpose + 1, round) | 0 };
  }
}

/** What the draws of a round are for. */
const purposes = { callee: 0, order: 1, caller: 2 } as const;

const golden = 0x9e3779b9;

/** 32 bits, the same for the same keys and name. Inlined where it is used. */
function draw(a: number, b: number, name: number): number {
  return scramble(scramble(Math.imul(name, golden) + a) ^ b) >>> 0;
}

class SynchronousRound extends Round {
  readonly #callees = new Uint32Array(4096);

  override play(round: number): number {
    const { protocol, rows } = this;
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
  readonly #order = Uint32Array.from({ length: this.rows }, (_, row) => row);

  override play(round: number): number {
    const { protocol, rows } = this;
    const order = this.#order;
    shuffle(order, this.keys(round, purposes.order));
    const { a, b } = this.keys(round, purposes.callee);
    const scale = (rows - 1) / 2 ** 32;
    let contacts = 0;
    for (let i = 0; i < rows; i++) {
      const caller = order[i]!;
      if (!protocol.isActive(caller)) continue;
      const other = (draw(a, b, caller) * scale) >>> 0;
      protocol.contact(caller, other + Number(other >= caller));
      contacts++;
    }
    return contacts;
  }
}

/** Fisher and Yates. */
function shuffle(order: Uint32Array, { a, b }: { a: number; b: number }): void {
  for (let last = order.length - 1; last > 0; last--) {
    const other = (draw(a, b, last) * ((last + 1) / 2 ** 32)) >>> 0;
    const moved = order[last]!;
    order[last] = order[other]!;
    order[other] = moved;
  }
}

class PoissonRound extends Round {
  override play(round: number): number {
    const { protocol, rows } = this;
    const callerKeys = this.keys(round, purposes.caller);
    const { a, b } = this.keys(round, purposes.callee);
    const scale = (rows - 1) / 2 ** 32;
    let contacts = 0;
    for (let i = 0; i < rows; i++) {
      const caller = (draw(callerKeys.a, callerKeys.b, i) * (rows / 2 ** 32)) >>> 0;
      if (!protocol.isActive(caller)) continue;
      const other = (draw(a, b, i) * scale) >>> 0;
      protocol.contact(caller, other + Number(other >= caller));
      contacts++;
      if (protocol.informed < rows) continue;
      this.turns = i + 1;
      break;
    }
    return contacts;
  }
}

function roundOf(semantics: RoundSemantics, protocol: RoundProtocol, seed: number): Round {
  switch (semantics) {
    case "synchronous":
      return new SynchronousRound(protocol, seed);
    case "sequential":
      return new SequentialRound(protocol, seed);
    case "poisson":
      return new PoissonRound(protocol, seed);
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
