/**
 * Rumor mongering: a node that knows the rumor calls others and tells them, or one that may not know it calls others
 * and asks, until it loses interest (Demers et al. 1987, "Epidemic algorithms for replicated database maintenance",
 * 1.4). When that is, `rumor-table.ts` says; who calls whom is here.
 *
 *     push        infected    -> rumor(somebody)
 *     pull        everybody   -> ask(somebody) -> answer(whoever asked), if somebody is infected
 *     push-pull   both of these: everybody calls
 *
 * Where nobody ever stops (SI) only those who lack the rumor ask. Otherwise all do, for a node that has this rumor
 * does not know whether there is another; and that is what the source sees when it counts who needed it.
 *
 * What counts as a contact: in push each call. In pull and push-pull, where others decide how often one is called, one
 * contact in each cycle, which was useful if anybody needed the rumor. A cycle is a round, or the node's own interval.
 *
 * Deviation: the paper compares what two sites know in one step. Here an answer is a message, which may be late or
 * lost; a contact of which no answer comes does not count.
 *
 * One object serves all rows (see core/columns.ts): what it knows of a node are 5 bytes, 7 with counters, one more for
 * cycles and one more in synchronous rounds. Live, the same class has one row.
 */

import { log } from "../core/deterministic-math.ts";
import {
  type ColumnProtocol,
  defineOptions,
  type Environment,
  InvariantError,
  type Millis,
  type NodeId,
  type Random,
  type RoundCalls,
  type RoundProtocol,
  UsageError,
} from "../core/index.ts";
import { byteColumn, type RumorStop, RumorTable, rumorStates, rumorStops } from "./rumor-table.ts";

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
  readonly stop: RumorStop;
  readonly stopAfter: number;
  readonly hasFeedback: boolean;
  readonly isMinimised: boolean;
  readonly connectionLimit: number;
  readonly huntLimit: number;
  readonly isQuiet: boolean;
}

const specified = defineOptions<RumorOptions>({
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
  stop: {
    default: "never",
    choices: rumorStops,
    description:
      "How a node loses interest in a rumor. never: all get it (SI); coin: with probability 1/k after a contact that counts; counter: after k of them",
  },
  stopAfter: {
    default: 2,
    min: 1,
    max: 65_535,
    description:
      "The k of coin and counter (2: leaves 4 % to anti-entropy with push and feedback; Demers et al. 1987, table 1)",
  },
  hasFeedback: {
    default: true,
    description:
      "Only useless contacts count, and a useful one sets the counter back; without it all count (blind)",
  },
  isMinimised: {
    default: false,
    description:
      "Push-pull with feedback and counter: where both know the rumor, only the smaller counter goes up",
  },
  connectionLimit: {
    default: 0,
    min: 0,
    max: 65_535,
    description: "Calls that a node accepts in a round or an interval; 0: all",
  },
  huntLimit: {
    default: 0,
    min: 0,
    max: 1000,
    description: "How many others a node tries when it is refused for the connection limit",
  },
  isQuiet: {
    default: false,
    description: "Notify nobody: read the columns afterwards. For very many nodes",
  },
});

function validated(overrides?: Partial<RumorOptions>): Readonly<RumorOptions> {
  const options = specified(overrides);
  const { mode, stop, hasFeedback, isMinimised, connectionLimit, huntLimit } = options;
  if (isMinimised && (mode !== "push-pull" || stop !== "counter" || !hasFeedback))
    throw new UsageError(
      `isMinimised: true is for push-pull with feedback and counter, not for ${mode} ${hasFeedback ? "with feedback" : "blind"} and ${stop}`,
    );
  if (huntLimit > 0 && connectionLimit === 0)
    throw new UsageError(
      `huntLimit: ${huntLimit} means nothing without a connectionLimit: nobody is refused`,
    );
  return options;
}

/** Throws `UsageError` naming the option, the value and the rule. */
export const rumorOptions = Object.assign(validated, { specs: specified.specs });

/** The usual variants. Each is a mode and a way to stop; the interval only scales time. */
export const rumorPresets = {
  /** Simple epidemics: nobody ever stops, everybody gets it. */
  push: { mode: "push" },
  pull: { mode: "pull" },
  "push-pull": { mode: "push-pull" },
  /** Blind push with a counter of 15: a share of about e^-15 never hears it. The load of our speed measurements. */
  push15: { mode: "push", stop: "counter", hasFeedback: false, stopAfter: 15 },
} as const satisfies Record<string, Partial<RumorOptions>>;

const { susceptible, infected, removed } = rumorStates;

/** What travels: the kind is in the lowest four bits, a counter may be above them (`minimisation`). */
export const rumorMessages = {
  /** The receiver learns the rumor. */
  rumor: 1,
  /** The receiver answers with the rumor if it is infected. */
  ask: 2,
  /** The rumor again, for whoever asked, where calls and answers must be told apart. */
  answer: 3,
  /** To the sender of the rumor: it was needed. */
  useful: 4,
  /** To the sender of the rumor: the receiver knew it. With the receiver's counter. */
  useless: 5,
  /** To a caller: the connection limit is reached. */
  refusedRumor: 6,
  refusedAsk: 7,
} as const;
const kindBits = 4;
const kindMask = (1 << kindBits) - 1;

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
  readonly calls: RoundCalls;
  /** One of `rumorStates` for each row. To be read. */
  readonly state: Uint8Array<ArrayBuffer>;
  /** When each row learned it: milliseconds since the first start, or the round; -1 for never. */
  readonly infectedAt: Int32Array;
  readonly #table: RumorTable;
  /** Bit s is set if a node in state s calls. */
  readonly #callingStates: number;
  /** Contacts are judged at the end of a cycle, not one by one. */
  readonly #isJudgedByCycle: boolean;
  /** Whoever gets the rumor says whether it needed it. */
  readonly #wantsReplies: boolean;
  /** Whoever sends the rumor does not wait for what becomes of it: the blind. */
  readonly #isJudgedAtOnce: boolean;
  readonly #isMinimised: boolean;
  readonly #answerKind: number;
  readonly #partners: Partners;
  readonly #door: Door | undefined;
  /** In synchronous rounds, who will know it after the round; otherwise the same array as `state`. */
  #next: Uint8Array<ArrayBuffer>;
  #randomOf: (row: number) => Random = () => noDie;
  #beganAt: Millis = -1;
  #round = 0;
  #informed = 0;
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
    const options = rumorOptions(config.options);
    this.options = options;
    const { mode, stop, hasFeedback, fanout, connectionLimit, huntLimit } = options;
    this.calls = { fanout, connectionLimit, huntLimit };
    this.#partners = config.partners ?? new UniformPartners(rows);
    this.#table = new RumorTable(rows, options);
    this.state = this.#table.state;
    this.infectedAt = new Int32Array(rows).fill(-1);
    this.#next = this.state;
    this.#door = connectionLimit > 0 ? new Door(rows, options) : undefined;
    this.#isJudgedByCycle = stop !== "never" && mode !== "push";
    // With a limit also the blind need to know that they were not refused.
    this.#wantsReplies = stop !== "never" && (hasFeedback || connectionLimit > 0);
    this.#isJudgedAtOnce = stop !== "never" && !this.#wantsReplies;
    this.#isMinimised = options.isMinimised;
    this.#answerKind = this.#wantsReplies || connectionLimit > 0 ? rumorMessages.answer : rumorMessages.rumor;
    this.#callingStates = callingStates(options);
  }

  /** Rows that know the rumor, whether they still spread it or not. */
  get informed(): number {
    return this.#informed;
  }
  /** Rows that know it and still spread it. */
  get spreading(): number {
    return this.#table.infected;
  }
  /** How often the rumor was sent, to whoever took the call; divided by the rows it is the traffic. */
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
  /** Of all columns. */
  get bytes(): number {
    const doubled = this.#next === this.state ? 0 : this.#next.byteLength;
    return this.#table.bytes + this.infectedAt.byteLength + doubled + (this.#door?.bytes ?? 0);
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
    // Nearly all messages of nearly all runs.
    if (message === rumorMessages.rumor && this.#door === undefined && !this.#wantsReplies)
      return this.#learn(from, env);
    if (message !== (message | 0)) {
      this.#nonsense++;
      return;
    }
    const counter = message >>> kindBits;
    switch (message & kindMask) {
      case rumorMessages.rumor:
        if (this.#isRefused(env)) return env.send(from, rumorMessages.refusedRumor);
        this.#noteCaller(env.row, counter);
        return this.#receive(from, env);
      case rumorMessages.ask:
        if (this.#isRefused(env)) return env.send(from, rumorMessages.refusedAsk);
        if (this.state[env.row] === infected) this.#send(from, this.#answerKind, env);
        return;
      case rumorMessages.answer:
        return this.#receive(from, env);
      case rumorMessages.useful:
        return this.#judge(env.row, true, counter, env.random);
      case rumorMessages.useless:
        return this.#judge(env.row, false, counter, env.random);
      case rumorMessages.refusedRumor:
        this.#copies--;
        return this.#hunt(env);
      case rumorMessages.refusedAsk:
        return this.#hunt(env);
      default:
        this.#nonsense++;
    }
  }

  onTimer(_timer: number, env: RumorEnvironment): void {
    if (this.#isJudgedByCycle) this.#table.endCycle(env.row, env.random);
    this.#door?.beginTurn(env.row);
    // Who was removed, or pulled the rumor, has no more calls to make.
    for (let call = 0; call < this.options.fanout; call++) {
      if (!this.#isCalling(env.row)) return;
      this.#call(env);
    }
    if (this.#isCalling(env.row)) env.schedule(this.#pause(env), CALL);
  }

  #call(env: RumorEnvironment): void {
    const partner = this.#partners.choose(env);
    const isTelling = this.state[env.row] === infected && this.options.mode !== "pull";
    if (isTelling) this.#send(partner, rumorMessages.rumor, env);
    else env.send(partner, rumorMessages.ask);
  }

  /** One copy of the rumor. */
  #send(to: NodeId, kind: number, env: RumorEnvironment): void {
    env.send(to, this.#isMinimised ? this.#withCounter(kind, env.row) : kind);
    this.#copies++;
    if (this.#isJudgedAtOnce) this.#judge(env.row, true, 0, env.random);
  }

  #receive(from: NodeId, env: RumorEnvironment): void {
    const wasUseful = this.state[env.row] === susceptible;
    this.#learn(from, env);
    if (!this.#wantsReplies) return;
    env.send(from, wasUseful ? rumorMessages.useful : this.#withCounter(rumorMessages.useless, env.row));
  }

  #learn(from: NodeId | undefined, env: RumorEnvironment): void {
    if (this.state[env.row] !== susceptible) return;
    const wasCalling = this.#isCalling(env.row);
    this.#markInformed(env.row, env.now - this.#beganAt);
    if (!wasCalling && this.#isCalling(env.row)) this.#scheduleFirst(env);
    if (!this.options.isQuiet) env.notify({ type: "infected", from });
  }

  #withCounter(kind: number, row: number): number {
    return this.#isMinimised ? kind | (this.#table.counterOf(row) << kindBits) : kind;
  }

  #isRefused(env: RumorEnvironment): boolean {
    return this.#door !== undefined && !this.#door.accepts(env.row, env.now - this.#beganAt);
  }

  #hunt(env: RumorEnvironment): void {
    if (this.#isCalling(env.row) && this.#door?.mayHunt(env.row)) this.#call(env);
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
    if (this.state[row] === susceptible) this.#markInformed(row, 0);
  }

  prepare(isDoubleBuffered: boolean, randomOf: (row: number) => Random = () => noDie): void {
    this.#randomOf = randomOf;
    this.#next = isDoubleBuffered ? byteColumn(this.rows) : this.state;
    this.#next.set(this.state);
    this.#beginRound(1);
  }

  isActive(row: number): boolean {
    return !this.#isOver && this.#isCalling(row);
  }

  contact(caller: number, callee: number): void {
    const { mode } = this.options;
    if (mode !== "pull" && this.state[caller] === infected) return this.#push(caller, callee);
    if (mode !== "push" && this.state[callee] === infected) this.#answer(callee, caller);
  }

  #push(caller: number, callee: number): void {
    const wasUseful = this.#deliver(callee);
    if (this.options.stop === "never") return;
    if (!wasUseful) this.#noteCaller(callee, this.#table.counterOf(caller));
    this.#judge(caller, wasUseful, this.#table.counterOf(callee), this.#dieOf(caller));
  }

  #answer(callee: number, caller: number): void {
    const wasUseful = this.#deliver(caller);
    if (this.options.stop !== "never") this.#judge(callee, wasUseful, this.#table.counterOf(caller), noDie);
  }

  contacts(first: number, callees: Uint32Array, count: number): number {
    if (this.options.stop !== "never" || this.#isOver) return this.#contactOneByOne(first, callees, count);
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
    if (this.#next !== this.state) this.#markNews();
    if (this.#isJudgedByCycle)
      this.#table.endCycleOfAll(
        (row) => this.#dieOf(row),
        (row) => this.#markRemoved(row),
      );
    this.#beginRound(this.#round + 1);
  }

  #beginRound(round: number): void {
    this.#round = round;
    // When nobody is left who could answer, asking ends too: no node can see that, but whoever counts rounds can.
    this.#isOver = this.spreading === 0;
  }

  /** One copy of the rumor. Returns whether it was needed by what was true before a synchronous round. */
  #deliver(to: number): boolean {
    this.#copies++;
    if (this.state[to] !== susceptible) return false;
    if (this.#next === this.state) this.#markInformed(to, this.#round);
    else this.#next[to] = infected;
    return true;
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

  /** A coin needs a die, and nothing else does: none is made for the others. */
  #dieOf(row: number): Random {
    return this.options.stop === "coin" ? this.#randomOf(row) : noDie;
  }

  // ---- Losing interest ------------------------------------------------------------------------------------------

  /** A spreader hears, or sees, what became of its copy. */
  #judge(row: number, wasUseful: boolean, theirCounter: number, random: Random): void {
    if (!this.#isJudgedByCycle) {
      if (this.#table.onContact(row, wasUseful, random)) this.#markRemoved(row);
    } else if (this.#isMinimised && !wasUseful) this.#table.noteBothKnow(row, theirCounter);
    else this.#table.note(row, wasUseful);
  }

  /** In push-pull, whoever is told what it spreads itself has met one who knew. */
  #noteCaller(row: number, theirCounter: number): void {
    const { hasFeedback, isMinimised } = this.options;
    if (!this.#isJudgedByCycle || !hasFeedback) return;
    if (isMinimised) this.#table.noteBothKnow(row, theirCounter);
    else this.#table.note(row, false);
  }

  // ---- Columns --------------------------------------------------------------------------------------------------

  #isCalling(row: number): boolean {
    return ((this.#callingStates >> this.state[row]!) & 1) === 1;
  }

  #markInformed(row: number, at: number): void {
    this.#table.infect(row);
    this.infectedAt[row] = at;
    this.#informed++;
    // A sum, so that it does not matter in which order the rows of one round come.
    const mark = Math.imul(Math.imul(row, 0x9e3779b9) ^ at, 0x21f0aaad);
    this.#checksum = (this.#checksum + Math.imul(mark ^ (mark >>> 15), 0x735a2d97)) >>> 0;
  }

  /** Both columns the same again, so that `markNews` has nothing to look at. */
  #markRemoved(row: number): void {
    this.#next[row] = removed;
  }
}

function callingStates({ mode, stop }: RumorOptions): number {
  const all = (1 << susceptible) | (1 << infected) | (1 << removed);
  switch (mode) {
    case "push":
      return 1 << infected;
    case "pull":
      return stop === "never" ? 1 << susceptible : all;
    case "push-pull":
      return stop === "never" ? (1 << susceptible) | (1 << infected) : all;
  }
}

function neverRolled(): never {
  throw new InvariantError("broken invariant: only a coin needs a die");
}
const noDie: Random = { uint32: neverRolled, unit: neverRolled, below: neverRolled };

/** How many calls each node still takes in its interval, and makes when it is refused. */
class Door {
  readonly #options: RumorOptions;
  /** The interval, counted from the first start, in which a node accepted last, and how many. */
  readonly #interval: Int32Array;
  readonly #accepted: Uint16Array;
  /** How many more others a node tries until its next turn. */
  readonly #hunts: Uint16Array;

  constructor(rows: number, options: RumorOptions) {
    this.#options = options;
    this.#interval = new Int32Array(rows).fill(-1);
    this.#accepted = new Uint16Array(rows);
    this.#hunts = new Uint16Array(options.huntLimit > 0 ? rows : 0);
  }

  get bytes(): number {
    return this.#interval.byteLength + this.#accepted.byteLength + this.#hunts.byteLength;
  }

  accepts(row: number, now: Millis): boolean {
    const interval = Math.floor(now / this.#options.intervalMs);
    if (this.#interval[row] !== interval) {
      this.#interval[row] = interval;
      this.#accepted[row] = 0;
    }
    if (this.#accepted[row]! >= this.#options.connectionLimit) return false;
    this.#accepted[row]!++;
    return true;
  }

  beginTurn(row: number): void {
    const { huntLimit, fanout } = this.#options;
    if (huntLimit > 0) this.#hunts[row] = huntLimit * fanout;
  }

  mayHunt(row: number): boolean {
    if (!((this.#hunts[row] ?? 0) > 0)) return false;
    this.#hunts[row]!--;
    return true;
  }
}
