/**
 * Push-pull with the median-counter rule (Karp, Schindelhauer, Shenker and Vöcking 2000, "Randomized rumor spreading",
 * FOCS, section 3): everybody calls, both ends say where they stand, and whoever is active sends the rumor with it.
 *
 *     A, at the end of its round -> call(level, age)   [with the rumor, if A is active] -> B
 *     B                          -> answer(level, age) [with the rumor, if B is active] -> A
 *
 * A round of a node is the time from one of its calls to the next. What it hears meanwhile, of those that it called and
 * of those that called it, are the partners of that round; the rule is applied when it ends (median-counter-table.ts).
 * Whoever is in D neither calls nor answers with anything that counts, so it does not answer at all; it calls until the
 * rumor reaches its age cap, as all others do, for in the paper everybody calls in each round as long as there are
 * rumors at all. Whoever is in A calls always: it cannot know that there is nothing to hear.
 *
 * One object serves all rows (see core/columns.ts). Live, the same class has one row.
 *
 * Deviation: rounds need no common clock here. Where nodes call at times of their own, a partner may be met in the
 * middle of its round; it then says where it stood as that round began. The age cap counts the rounds of those by whom
 * the rumor came.
 */

import {
  type ColumnProtocol,
  defineOptions,
  type Environment,
  type Millis,
  type NodeId,
  type RoundProtocol,
  UsageError,
} from "../core/index.ts";
import {
  type MedianCounterOptions,
  MedianCounterTable,
  medianCounterLevels,
  medianCounterOptions,
  medianCounterSpecs,
} from "./median-counter-table.ts";
import { type Partners, UniformPartners } from "./rumor.ts";

export interface MedianCounterProtocolOptions extends MedianCounterOptions {
  /** When nodes call: as with rumors, each from a random moment on, or all at the multiples of the interval. */
  readonly timing: "periodic" | "aligned";
  readonly intervalMs: number;
  readonly isQuiet: boolean;
}

/** As they are given: 0 for what follows from the number of nodes. */
export const medianCounterProtocolOptions = defineOptions<MedianCounterProtocolOptions>({
  ...medianCounterSpecs,
  timing: {
    default: "periodic",
    choices: ["periodic", "aligned"],
    description: "periodic: each node calls from a random moment on; aligned: all at the same times",
  },
  intervalMs: {
    default: 1000,
    min: 1,
    max: 3_600_000,
    description: "Length of a round: time between two calls of a node (1 s: guess; it scales all delays)",
  },
  isQuiet: {
    default: false,
    description: "Notify nobody: read the columns afterwards. For very many nodes",
  },
});

/** What travels: the level in bits 0 to 7, the age in bits 8 to 15, and bit 16 where an answer is asked for. */
export const medianCounterMessages = {
  answer: (level: number, ageRounds: number): number => level | (ageRounds << 8),
  call: (level: number, ageRounds: number): number => level | (ageRounds << 8) | asksBit,
} as const;
const asksBit = 1 << 16;

/** The one timer: the round is over. */
const ROUND = 1;

const { A, D } = medianCounterLevels;

export type MedianCounterCommand = { readonly type: "infect" };
/** At the first receipt; without `from` it was a command. */
export type MedianCounterNotice = { readonly type: "infected"; readonly from: NodeId | undefined };
export type MedianCounterEnvironment = Environment<number, number, MedianCounterNotice>;

export interface MedianCounterConfig {
  readonly rows: number;
  /** How many nodes there are, roughly; default: as many as rows. */
  readonly nodes?: number;
  /** Default: all rows, uniformly. */
  readonly partners?: Partners;
  readonly options?: Partial<MedianCounterProtocolOptions>;
}

export class MedianCounter
  implements ColumnProtocol<MedianCounterNotice, MedianCounterCommand>, RoundProtocol
{
  readonly rows: number;
  /** Complete: what was 0 has been derived. */
  readonly options: MedianCounterProtocolOptions;
  /** Where each row stands. To be read: the handlers write. */
  readonly table: MedianCounterTable;
  /** When each row learned the rumor: milliseconds since the first start, or the round; -1 for never. */
  readonly infectedAt: Int32Array<ArrayBuffer>;
  readonly #partners: Partners;
  #beganAt: Millis = -1;
  #round = 0;
  #heard = 0;
  #done = 0;
  #isOver = false;
  #copies = 0;
  #checksum = 0;
  #nonsense = 0;

  /** Throws `UsageError` if rows, nodes or an option make no sense. */
  constructor(config: MedianCounterConfig) {
    const { rows, nodes = rows } = config;
    if (!Number.isSafeInteger(rows) || rows < 1)
      throw new UsageError(`rows: ${rows} is not a positive integer`);
    const given = medianCounterProtocolOptions(config.options);
    const { ctrMax, cRounds, ageCapRounds } = given;
    this.rows = rows;
    this.options = Object.freeze({
      ...given,
      ...medianCounterOptions(nodes, { ctrMax, cRounds, ageCapRounds }),
    });
    this.#partners = config.partners ?? new UniformPartners(rows);
    this.table = new MedianCounterTable(rows, medianCounterOptions(nodes, { ctrMax, cRounds, ageCapRounds }));
    this.infectedAt = new Int32Array(rows).fill(-1);
  }

  /** Rows that know the rumor, whether they send it or not. */
  get heard(): number {
    return this.#heard;
  }
  /** Rows that know it and send it: in B or C. */
  get spreading(): number {
    return this.#heard - this.#done;
  }
  /** Rows in D: what the round engine waits for, since the rumor is over only then. */
  get informed(): number {
    return this.#done;
  }
  /** How often the rumor itself was sent; divided by the rows it is the traffic. */
  get copies(): number {
    return this.#copies;
  }
  get checksum(): number {
    return this.#checksum;
  }
  /** Messages that were none of ours. */
  get nonsense(): number {
    return this.#nonsense;
  }

  // ---- Events ---------------------------------------------------------------------------------------------------

  start(env: MedianCounterEnvironment): void {
    if (this.#beganAt < 0) this.#beganAt = env.now;
    const { timing, intervalMs } = this.options;
    const first = timing === "aligned" ? intervalMs - (env.now % intervalMs) : env.random.below(intervalMs);
    if (!this.table.isOver(env.row)) env.schedule(first, ROUND);
  }

  onCommand(command: MedianCounterCommand, env: MedianCounterEnvironment): void {
    switch (command.type) {
      case "infect":
        if (this.table.knows(env.row) || this.table.hasNews(env.row)) return;
        this.table.infect(env.row);
        return this.#noteInfected(undefined, env);
    }
  }

  onMessage(from: NodeId, message: number, env: MedianCounterEnvironment): void {
    if (!Number.isInteger(message) || message < 0 || message >= 2 * asksBit) {
      this.#nonsense++;
      return;
    }
    const { table } = this;
    const { row } = env;
    const isNews = !table.knows(row) && !table.hasNews(row);
    table.onHeard(row, message & 0xff, (message >> 8) & 0xff);
    if (isNews && table.hasNews(row)) this.#noteInfected(from, env);
    if (message >= asksBit && table.levelOf(row) !== D)
      this.#say(from, medianCounterMessages.answer(table.levelOf(row), table.ageOf(row)), env);
  }

  onTimer(_timer: number, env: MedianCounterEnvironment): void {
    const { table } = this;
    const { row } = env;
    this.#endRound(row);
    if (table.isOver(row)) return;
    this.#say(
      this.#partners.choose(env),
      medianCounterMessages.call(table.levelOf(row), table.ageOf(row)),
      env,
    );
    env.schedule(this.options.intervalMs, ROUND);
  }

  #say(to: NodeId, message: number, env: MedianCounterEnvironment): void {
    if (this.table.isActive(env.row)) this.#copies++;
    env.send(to, message);
  }

  #noteInfected(from: NodeId | undefined, env: MedianCounterEnvironment): void {
    this.#markInfected(env.row, env.now - this.#beganAt);
    if (!this.options.isQuiet) env.notify({ type: "infected", from });
  }

  // ---- Rounds ---------------------------------------------------------------------------------------------------

  /** Infects a row before the first round. With events, use the command. */
  infect(row: number): void {
    if (this.table.knows(row)) return;
    this.table.infect(row);
    this.#markInfected(row, 0);
  }

  /** The rule is double-buffered in itself: a cell changes only when its round ends. */
  prepare(): void {
    this.#beginRound(1);
  }

  /** Everybody calls, in A and in D too, until nobody sends any more: no node can see that, but who counts rounds can. */
  isActive(): boolean {
    return !this.#isOver;
  }

  contact(caller: number, callee: number): void {
    const { table } = this;
    const mine = table.levelOf(caller);
    const theirs = table.levelOf(callee);
    table.onHeard(caller, theirs, this.#round - 1);
    table.onHeard(callee, mine, this.#round - 1);
    this.#copies += Number(mine !== A && mine !== D) + Number(theirs !== A && theirs !== D);
  }

  commit(): void {
    for (let row = 0; row < this.rows; row++) if (this.#endRound(row)) this.#markInfected(row, this.#round);
    this.#beginRound(this.#round + 1);
  }

  #beginRound(round: number): void {
    this.#round = round;
    this.#isOver = this.spreading === 0;
  }

  // ---- Columns --------------------------------------------------------------------------------------------------

  #endRound(row: number): boolean {
    const { table } = this;
    const wasDone = table.levelOf(row) === D;
    const isNews = table.endRound(row);
    if (!wasDone && table.levelOf(row) === D) this.#done++;
    return isNews;
  }

  #markInfected(row: number, at: number): void {
    this.infectedAt[row] = at;
    this.#heard++;
    // A sum, so that it does not matter in which order the rows of one round come.
    const mark = Math.imul(Math.imul(row, 0x9e3779b9) ^ at, 0x21f0aaad);
    this.#checksum = (this.#checksum + Math.imul(mark ^ (mark >>> 15), 0x735a2d97)) >>> 0;
  }
}
