/**
 * Probability-Based Broadcast Forwarding: a radio broadcast among nodes that sleep most of the time (Miller, Sengul and
 * Gupta, "Exploring the energy-latency trade-off for broadcasts in energy-saving sensor networks", ICDCS 2005).
 *
 * Time is cut into frames that begin at the same moment everywhere (the power-save mode of IEEE 802.11). All are awake
 * in the active window at the beginning of a frame (the ATIM window), and hear there who will have something to say:
 *
 *     announced   │ announce ─► all near │ message ─► all near, who stayed awake for it │
 *     at once     │                      │        message ─► those near who are awake   │
 *                 └─ active window ──────┴─ asleep, or awake with probability q ────────┘
 *
 * Two dice make a trade of energy for latency at a chosen reliability. With p, whoever receives the message sends it on
 * at once, though neighbors may sleep; else it waits for the next window and announces it. With q, a node that nobody
 * has told to stays awake all the same. (p, q) = (0, 0) is plain power save, (1, 1) is always on.
 *
 * One message per object; one object serves all rows (core/columns.ts) with seven bytes for each.
 */
import {
  type ColumnProtocol,
  defineOptions,
  type Environment,
  type Graph,
  type Millis,
  type NodeId,
  UsageError,
} from "../core/index.ts";

export interface PbbfOptions {
  /** p. */
  readonly immediateProbability: number;
  /** q. */
  readonly awakeProbability: number;
  readonly frameMs: number;
  readonly activeMs: number;
  readonly isQuiet: boolean;
}

const share = { min: 0, max: 1, isFraction: true };

const checkedOptions = defineOptions<PbbfOptions>({
  immediateProbability: {
    ...share,
    default: 0.25,
    description:
      "p: share of nodes that send on at once, though neighbors may sleep (guess: with q of 0.5 seven links of eight stay open)",
  },
  awakeProbability: {
    ...share,
    default: 0.5,
    description: "q: share of sleeping times that a node spends awake (guess: see p; energy grows with it)",
  },
  frameMs: {
    default: 10_000,
    min: 2,
    max: 3_600_000,
    description: "From one active window to the next (guess: sensors that report every few minutes)",
  },
  activeMs: {
    default: 1000,
    min: 1,
    max: 3_600_000,
    description:
      "Length of the active window; longer than an announcement is under way (guess: a tenth of a frame)",
  },
  isQuiet: {
    default: false,
    description: "Notify nobody: read the columns afterwards. For very many nodes",
  },
});

/** Fills in the defaults. Throws `UsageError` naming the option, the value and the rule. */
export const pbbfOptions = Object.assign(
  (overrides: Partial<PbbfOptions> = {}): Readonly<PbbfOptions> => {
    const options = checkedOptions(overrides);
    const { frameMs, activeMs } = options;
    if (activeMs >= frameMs)
      throw new UsageError(`activeMs: ${activeMs} is not less than frameMs, ${frameMs}`);
    return options;
  },
  { specs: checkedOptions.specs },
);

/** The two ends of the trade. */
export const pbbfPresets = {
  "power-save": { immediateProbability: 0, awakeProbability: 0 },
  "always-on": { immediateProbability: 1, awakeProbability: 1 },
} as const satisfies Record<string, Partial<PbbfOptions>>;

/**
 * What a node is towards the message: the values of the column `state`. `waiting` has it and will announce it in the
 * next window, `announced` has done so and sends it when the window ends. Nobody sends twice.
 */
export const pbbfStates = { unheard: 0, waiting: 1, announced: 2, sent: 3 } as const;
const { unheard, waiting, announced, sent } = pbbfStates;

/** What travels. */
export const pbbfMessages = {
  /** Whoever hears it stays awake in this frame. */
  announcement: 1,
  message: 2,
} as const;

/** An active window begins, for who has something to announce; or ends, for everybody in every frame. */
const WINDOW_BEGINS = 1;
const WINDOW_ENDS = 2;

export type PbbfCommand = { readonly type: "originate" };
/** At the first receipt; without `from` it was a command. */
export type PbbfNotice = { readonly type: "heard"; readonly from: NodeId | undefined };
export type PbbfEnvironment = Environment<number, number, PbbfNotice>;

export interface PbbfConfig {
  /** Who hears whom. Its nodes are the rows. */
  readonly graph: Graph;
  readonly options?: Partial<PbbfOptions>;
}

export class Pbbf implements ColumnProtocol<PbbfNotice, PbbfCommand> {
  readonly rows: number;
  readonly graph: Graph;
  readonly options: PbbfOptions;
  /** One of `pbbfStates` for each row. */
  readonly state: Uint8Array;
  /** When each row heard the message, in milliseconds since the first start; -1 for never. */
  readonly heardAt: Int32Array;
  /** Whether a row was awake since the last window, by chance or because of an announcement. */
  readonly #isAwakeNow: Uint8Array;
  /** Whether a row has made or heard an announcement in the present window. */
  readonly #isToStay: Uint8Array;
  #beganAt: Millis = -1;
  #heard = 0;
  #sending = 0;
  #transmissions = 0;
  #announcements = 0;
  #missed = 0;
  #sleepTimes = 0;
  #sleepTimesAwake = 0;
  #nonsense = 0;

  constructor({ graph, options }: PbbfConfig) {
    this.graph = graph;
    this.rows = graph.nodes;
    this.options = pbbfOptions(options);
    this.state = new Uint8Array(this.rows);
    this.heardAt = new Int32Array(this.rows).fill(-1);
    this.#isAwakeNow = new Uint8Array(this.rows).fill(1);
    this.#isToStay = new Uint8Array(this.rows);
  }

  /** Rows that have heard the message, sources among them. */
  get heard(): number {
    return this.#heard;
  }
  /** Rows that have it and have not sent it yet. Without any, nothing new will happen once all has arrived. */
  get sending(): number {
    return this.#sending;
  }
  /** Radio broadcasts of the message, however many heard each. */
  get transmissions(): number {
    return this.#transmissions;
  }
  get announcements(): number {
    return this.#announcements;
  }
  /** Copies of the message that came to somebody who was asleep. */
  get missed(): number {
    return this.#missed;
  }
  /** Messages that were none of ours. */
  get nonsense(): number {
    return this.#nonsense;
  }
  /** What it costs: the share of its frames that a node was awake in, over all nodes; NaN before the first sleep. */
  get awakeShare(): number {
    const { frameMs, activeMs } = this.options;
    return (activeMs + (frameMs - activeMs) * (this.#sleepTimesAwake / this.#sleepTimes)) / frameMs;
  }

  start(env: PbbfEnvironment): void {
    if (this.#beganAt < 0) this.#beganAt = env.now;
    // Whoever starts while others sleep is awake until the next window ends.
    this.#isAwakeNow[env.row] = 1;
    env.schedule(this.#untilWindowEnds(env), WINDOW_ENDS);
  }

  onCommand(command: PbbfCommand, env: PbbfEnvironment): void {
    switch (command.type) {
      case "originate":
        // Unspecified: the source throws the same dice as who receives it, so that its links are like all others.
        return this.#hear(undefined, env);
    }
  }

  onMessage(from: NodeId, message: number, env: PbbfEnvironment): void {
    switch (message) {
      case pbbfMessages.announcement:
        if (this.#isAwake(env)) this.#isToStay[env.row] = 1;
        return;
      case pbbfMessages.message:
        if (this.#isAwake(env)) return this.#hear(from, env);
        this.#missed++;
        return;
      default:
        this.#nonsense++;
    }
  }

  onTimer(timer: number, env: PbbfEnvironment): void {
    if (timer === WINDOW_BEGINS) return this.#announce(env);
    this.#endWindow(env);
    env.schedule(this.#untilWindowEnds(env), WINDOW_ENDS);
  }

  /** The first copy, or the source's own. */
  #hear(from: NodeId | undefined, env: PbbfEnvironment): void {
    const { row } = env;
    if (this.state[row] !== unheard) return;
    this.heardAt[row] = env.now - this.#beganAt;
    this.#heard++;
    if (!this.options.isQuiet) env.notify({ type: "heard", from });
    if (env.random.unit() < this.options.immediateProbability) {
      this.#transmit(env);
      return;
    }
    this.state[row] = waiting;
    this.#sending++;
    // Unspecified: who hears it within a window announces it in the next one.
    env.schedule(this.options.frameMs - this.#phase(env), WINDOW_BEGINS);
  }

  #announce(env: PbbfEnvironment): void {
    this.state[env.row] = announced;
    this.#isToStay[env.row] = 1;
    this.#announcements++;
    this.#broadcast(pbbfMessages.announcement, env);
  }

  /** Who has something to send or to receive stays awake, the others with probability q. */
  #endWindow(env: PbbfEnvironment): void {
    const { row } = env;
    const isAwake = this.#isToStay[row] === 1 || env.random.unit() < this.options.awakeProbability;
    this.#isAwakeNow[row] = isAwake ? 1 : 0;
    this.#isToStay[row] = 0;
    this.#sleepTimes++;
    if (isAwake) this.#sleepTimesAwake++;
    if (this.state[row] !== announced) return;
    this.#sending--;
    this.#transmit(env);
  }

  #transmit(env: PbbfEnvironment): void {
    this.state[env.row] = sent;
    this.#transmissions++;
    this.#broadcast(pbbfMessages.message, env);
  }

  #broadcast(message: number, env: PbbfEnvironment): void {
    const { offsets, neighbors } = this.graph;
    const end = offsets[env.row + 1]!;
    for (let i = offsets[env.row]!; i < end; i++) env.send(neighbors[i]!, message);
  }

  #isAwake(env: PbbfEnvironment): boolean {
    return this.#phase(env) <= this.options.activeMs || this.#isAwakeNow[env.row] === 1;
  }

  /** Milliseconds since the frame began. Frames are the same for all whose clocks are. */
  #phase(env: PbbfEnvironment): Millis {
    return env.now % this.options.frameMs;
  }

  /** More than 0, so that a window ends once. */
  #untilWindowEnds(env: PbbfEnvironment): Millis {
    const { frameMs, activeMs } = this.options;
    const phase = this.#phase(env);
    return phase < activeMs ? activeMs - phase : frameMs + activeMs - phase;
  }
}
