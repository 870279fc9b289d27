/**
 * Protocols over typed columns: one object serves all nodes, and what it knows of a node is a row of numbers. Written
 * for a million nodes; live, the same class has one row.
 */
import type { Protocol } from "./environment.ts";
import type { Random } from "./random.ts";

/**
 * A protocol whose messages and timers are integers of 32 bits, so that the agenda of a simulation holds them as they
 * are. `env.row` says which node acts; with rows as ids, `env.self` is the same number.
 */
export interface ColumnProtocol<Notice = unknown, Command = unknown>
  extends Protocol<number, number, Notice, Command> {
  readonly rows: number;
}

/** Who gets through to whom in a round: the engine keeps to it. */
export interface RoundCalls {
  /** Calls that an active node makes in a round, one after the other. */
  readonly fanout: number;
  /** Calls that a node accepts in a round; 0: all. Who is refused has not been in contact. */
  readonly connectionLimit: number;
  /** How many others a caller tries, one after the other, when it is refused. */
  readonly huntLimit: number;
}

/**
 * What the round engine asks of a protocol: in a round, each node that is active calls one partner, and the two
 * exchange. The columns are those of the event-driven handlers.
 *
 * Synchronous rounds are double-buffered: `contact` reads what was true before the round and writes what will be true
 * after it, and `commit` makes that the present. In the other kinds of rounds both are the same columns.
 */
export interface RoundProtocol {
  readonly rows: number;
  /** Default: each active node calls once, and everybody accepts. */
  readonly calls?: RoundCalls;
  /**
   * Chooses between double-buffered columns and columns in place. Called before the first round. `randomOf` is the die
   * of a node, until it is asked for that of another.
   */
  prepare(isDoubleBuffered: boolean, randomOf: (row: number) => Random): void;
  /** Does this node call somebody in this round? */
  isActive(row: number): boolean;
  /** `caller`, which is active, calls `callee` (never itself). */
  contact(caller: number, callee: number): void;
  /**
   * The same for the rows from `first` on, where speed counts: row `first + i` calls `callees[i]` if it is active, for
   * i below `count`. Only in double-buffered rounds. Returns how many called.
   */
  contacts?(first: number, callees: Uint32Array, count: number): number;
  /** Ends a round: what was written becomes what is true. */
  commit(): void;
  /** How many nodes are done; the engine ends when it is `rows`, or when a round has no active node. */
  readonly informed: number;
  /** A sum of 32 bits over all nodes that were informed, of which and when: the same in whatever order they came. */
  readonly checksum: number;
}
