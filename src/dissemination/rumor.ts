/**
 * Rumor mongering, as simple as it comes: a node that knows the rumor calls others and tells them, or one that does
 * not calls others and asks (Demers et al. 1987, "Epidemic algorithms for replicated database maintenance", 1.4).
 *
 *     push        infected    -> rumor(somebody)
 *     pull        susceptible -> ask(somebody) -> rumor(susceptible), if somebody is infected
 *     push-pull   both of these: everybody calls
 *
 * One object serves all rows (see core/columns.ts): what it knows of a node are 5 bytes, 7 with a limit of sends, and
 * one more in synchronous rounds. Live, the same class has one row.
 */

import { log } from "../core/deterministic-math.ts";
import {
  type ColumnProtocol,
  defineOptions,
  type Environment,
  type Millis,
  type NodeId,
  type RoundProtocol,
  UsageError,
} from "../core/index.ts";
import { byteColumn, rumorStates } from "./rumor-table.ts";

export type RumorMode = "push" | "pull" | "push-pull";

/**
 * `periodic`: every interval, from a random moment on. `aligned`: all nodes at the multiples of the interval, so that
 * with a constant latency below it a push spreads in synchronous rounds. `poisson`: after pauses of exponential
 * length, so that the calls of all nodes together are a Poisson process and any node is as likely the next as another.
 */
export type RumorTiming = "periodic" | "aligned" | "poisson";

export interface RumorOptions {
  readonly mode: RumorMode;
  readonly timing: RumorTiming;
  readonly intervalMs: number;
  readonly fanout: number;
  readonly sends: number;
  readonly isQuiet: boolean;
}

export const rumorOptions = defineOptions<RumorOptions>({
  mode: {
    default: "push-pull",
    choices: ["push", "pull", "push-pull"],
    description: "Who calls: those who know (push), those who do not (pull), or both",
  },
  timing: {
    default: "periodic",
    choices: ["periodic", "aligned", "poisson"],
    description:
      "periodic: each node from a random moment on; aligned: all at the same times; poisson: with exponential pauses",
  },
  intervalMs: {
    default: 1000,
    min: 1,
    max: 3_600_000,
    description:
      "Time between two calls of a node, for poisson on average (1 s: guess; it scales all delays)",
  },
  fanout: {
    default: 1,
    min: 1,
    max: 64,
    description: "Calls at a time (1: Demers et al. 1987)",
  },
  sends: {
    default: 0,
    min: 0,
    max: 65_535,
    description: "An infected node is removed after so many copies; 0: never, so that all get it (SI)",
  },
  isQuiet: {
    default: false,
    description: "Notify nobody: read the columns afterwards. For very many nodes",
  },
});

/** The usual variants. Each is a mode and a way to stop; the interval only scales time. */
export const rumorPresets = {
  /** Simple epidemics: nobody ever stops, everybody gets it. */
  push: { mode: "push" },
  pull: { mode: "pull" },
  "push-pull": { mode: "push-pull" },
  /** Blind push with a counter of 15: a share of about e^-15 never hears it. The load of our speed measurements. */
  push15: { mode: "push", sends: 15 },
} as const satisfies Record<string, Partial<RumorOptions>>;

const { susceptible, infected, removed } = rumorStates;

/** What travels. */
export const rumorMessages = {
  /** The receiver learns the rumor. */
  rumor: 1,
  /** The receiver answers with the rumor if it is infected. */
  ask: 2,
} as const;

/** The one timer: it is time to call. */
const CALL = 1;

export type RumorCommand = { readonly type: "infect" };
/** At the first receipt; without `from` it was a command. */
export type RumorNotice = { readonly type: "infected"; readonly from: NodeId | undefined };
export type RumorEnvironment = Environment<number, number, RumorNotice>;

/** Whom a node calls: never itself. */
export interface Partners {
  choose(env: Pick<Environment, "self" | "row" | "random">): NodeId;
}

/** Everybody else with equal probability, where the nodes are the numbers from 0 to population - 1. */
export class UniformPartners implements Partners {
  readonly #population: number;

  constructor(population: number) {
    if (!(population >= 2)) throw new UsageError(`population: ${population} is less than 2: nobody to call`);
    this.#population = population;
  }

  choose(env: Pick<Environment, "self" | "random">): NodeId {
    const other = env.random.below(this.#population - 1);
    return other < (env.self as number) ? other : other + 1;
  }
}

export interface RumorConfig {
  readonly rows: number;
  /** Default: all rows, uniformly. */
  readonly partners?: Partners;
  readonly options?: Partial<RumorOptions>;
}

export class Rumor implements ColumnProtocol<RumorNotice, RumorCommand>, RoundProtocol {
  readonly rows: number;
  readonly options: RumorOptions;
  /** One of `rumorStates` for each row. */
  readonly state: Uint8Array<ArrayBuffer>;
  /** When each row learned it: milliseconds since the first start, or the round; -1 for never. */
  readonly infectedAt: Int32Array;
  /** How often each row has sent the rumor; empty when nobody counts. */
  readonly #sends: Uint16Array;
  /** Bit s is set if a node in state s calls. */
  readonly #callingStates: number;
  readonly #partners: Partners;
  /** What is true after the round; unless rounds are double-buffered, the same array as `state`. */
  #next: Uint8Array<ArrayBuffer>;
  #beganAt: Millis = -1;
  #round = 0;
  #informed = 0;
  #spreading = 0;
  /** Nobody could answer when the round began. */
  #isOver = false;
  #copies = 0;
  #checksum = 0;
  #nonsense = 0;

  constructor(config: RumorConfig) {
    const { rows } = config;
    if (!Number.isSafeInteger(rows) || rows < 1)
      throw new UsageError(`rows: ${rows} is not a positive integer`);
    this.rows = rows;
    this.options = rumorOptions(config.options);
    this.#partners = config.partners ?? new UniformPartners(rows);
    this.state = byteColumn(rows);
    this.infectedAt = new Int32Array(rows).fill(-1);
    this.#sends = new Uint16Array(this.options.sends > 0 ? rows : 0);
    this.#next = this.state;
    const { mode } = this.options;
    const asking = mode === "push" ? 0 : 1 << susceptible;
    const telling = mode === "pull" ? 0 : 1 << infected;
    this.#callingStates = asking | telling;
  }

  /** Rows that know the rumor, whether they still spread it or not. */
  get informed(): number {
    return this.#informed;
  }
  /** Rows that know it and still spread it. */
  get spreading(): number {
    return this.#spreading;
  }
  /** How often the rumor was sent; divided by the rows it is the traffic. */
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

  start(env: RumorEnvironment): void {
    if (this.#beganAt < 0) this.#beganAt = env.now;
    if (this.#isCalling(env.row)) this.#scheduleFirst(env);
  }

  onCommand(command: RumorCommand, env: RumorEnvironment): void {
    switch (command.type) {
      case "infect":
        return this.#learn(undefined, env);
    }
  }

  onMessage(from: NodeId, message: number, env: RumorEnvironment): void {
    switch (message) {
      case rumorMessages.rumor:
        return this.#learn(from, env);
      case rumorMessages.ask:
        if (this.state[env.row] === infected) this.#tell(from, env);
        return;
      default:
        this.#nonsense++;
    }
  }

  onTimer(_timer: number, env: RumorEnvironment): void {
    // Who was removed, or pulled the rumor, has no more calls to make.
    for (let call = 0; call < this.options.fanout; call++) {
      if (!this.#isCalling(env.row)) return;
      const partner = this.#partners.choose(env);
      if (this.state[env.row] === infected) this.#tell(partner, env);
      else env.send(partner, rumorMessages.ask);
    }
    if (this.#isCalling(env.row)) env.schedule(this.#pause(env), CALL);
  }

  #learn(from: NodeId | undefined, env: RumorEnvironment): void {
    if (this.state[env.row] !== susceptible) return;
    const wasCalling = this.#isCalling(env.row);
    this.state[env.row] = infected;
    this.#markInformed(env.row, env.now - this.#beganAt);
    if (!wasCalling && this.#isCalling(env.row)) this.#scheduleFirst(env);
    if (!this.options.isQuiet) env.notify({ type: "infected", from });
  }

  #tell(to: NodeId, env: RumorEnvironment): void {
    env.send(to, rumorMessages.rumor);
    this.#countSend(env.row);
  }

  #scheduleFirst(env: RumorEnvironment): void {
    const { timing, intervalMs } = this.options;
    switch (timing) {
      case "periodic":
        return env.schedule(env.random.below(intervalMs), CALL);
      case "aligned":
        return env.schedule(intervalMs - (env.now % intervalMs), CALL);
      case "poisson":
        return env.schedule(this.#pause(env), CALL);
    }
  }

  /** From one call to the next. */
  #pause(env: RumorEnvironment): Millis {
    const { timing, intervalMs } = this.options;
    if (timing !== "poisson") return intervalMs;
    const share = env.random.unit();
    return Math.round(-log(1 - share) * intervalMs);
  }

  // ---- Rounds ---------------------------------------------------------------------------------------------------

  /** Infects a row before the first round. With events, use the command. */
  infect(row: number): void {
    if (this.state[row] !== susceptible) return;
    this.state[row] = infected;
    this.#markInformed(row, 0);
  }

  prepare(isDoubleBuffered: boolean): void {
    const { fanout } = this.options;
    if (fanout !== 1) throw new UsageError(`fanout: ${fanout} is not 1, and in a round a node calls once`);
    this.#next = isDoubleBuffered ? byteColumn(this.rows) : this.state;
    this.#next.set(this.state);
    this.#beginRound(1);
  }

  isActive(row: number): boolean {
    return !this.#isOver && this.#isCalling(row);
  }

  contact(caller: number, callee: number): void {
    if (this.state[caller] === infected) this.#deliver(caller, callee);
    else this.#deliver(callee, caller);
  }

  contacts(first: number, callees: Uint32Array, count: number): number {
    if (this.options.sends > 0 || this.#isOver) return this.#contactOneByOne(first, callees, count);
    // Nobody is ever removed: whoever knows the rumor sends it, and after a contact both are what either was. The loop
    // writes to nothing but `next`, so that all else stays in registers: `rounds` of bench/simulator.
    const { state } = this;
    const next = this.#next;
    const callingStates = this.#callingStates;
    let contacts = 0;
    let copies = 0;
    for (let i = 0; i < count; i++) {
      const caller = first + i;
      const mine = state[caller]!;
      if (((callingStates >> mine) & 1) === 0) continue;
      const callee = callees[i]!;
      const theirs = state[callee]!;
      contacts++;
      copies += mine | theirs;
      if (mine === theirs) continue;
      next[caller] = infected;
      next[callee] = infected;
    }
    this.#copies += copies;
    return contacts;
  }

  #contactOneByOne(first: number, callees: Uint32Array, count: number): number {
    let contacts = 0;
    for (let i = 0; i < count; i++) {
      if (!this.isActive(first + i)) continue;
      this.contact(first + i, callees[i]!);
      contacts++;
    }
    return contacts;
  }

  commit(): void {
    if (this.#next !== this.state) {
      this.#markNews();
      this.state.set(this.#next);
    }
    this.#beginRound(this.#round + 1);
  }

  #beginRound(round: number): void {
    this.#round = round;
    // When nobody is left who could answer, asking ends too: no node can see that, but whoever counts rounds can.
    this.#isOver = this.#spreading === 0;
  }

  /** One copy of the rumor, if the first one has it to give. */
  #deliver(from: number, to: number): void {
    if (this.state[from] !== infected) return;
    if (this.#next[to] === susceptible) {
      this.#next[to] = infected;
      if (this.#next === this.state) this.#markInformed(to, this.#round);
    }
    this.#countSend(from);
  }

  /** Finds who learned the rumor in this round; four rows at a time, for most have no news. */
  #markNews(): void {
    const { state, rows } = this;
    const next = this.#next;
    const before = new Uint32Array(state.buffer);
    const after = new Uint32Array(next.buffer);
    for (let word = 0; word < before.length; word++) {
      if (before[word] === after[word]) continue;
      for (let row = 4 * word; row < 4 * word + 4 && row < rows; row++) {
        if (state[row] === susceptible && next[row] !== susceptible) this.#markInformed(row, this.#round);
      }
    }
  }

  // ---- Columns --------------------------------------------------------------------------------------------------

  #isCalling(row: number): boolean {
    return ((this.#callingStates >> this.state[row]!) & 1) === 1;
  }

  #markInformed(row: number, at: number): void {
    this.infectedAt[row] = at;
    this.#informed++;
    this.#spreading++;
    // A sum, so that it does not matter in which order the rows of one round come.
    const mark = Math.imul(Math.imul(row, 0x9e3779b9) ^ at, 0x21f0aaad);
    this.#checksum = (this.#checksum + Math.imul(mark ^ (mark >>> 15), 0x735a2d97)) >>> 0;
  }

  #countSend(row: number): void {
    this.#copies++;
    const { sends } = this.options;
    if (sends === 0) return;
    this.#sends[row]!++;
    // In a synchronous round all who ask get an answer, also those who come after the last one that counts.
    if (this.#sends[row]! < sends || this.#next[row] === removed) return;
    this.#next[row] = removed;
    this.#spreading--;
  }
}
