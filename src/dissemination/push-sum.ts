/**
 * Push-sum: sum, mean and number of nodes by gossip (Kempe, Dobra and Gehrke 2003, "Gossip-based computation of
 * aggregate information", FOCS, section 2).
 *
 *     each interval:  (s, w) -> keep (s/2, w/2), send push-sum(s/2, w/2) to somebody
 *     on push-sum:    (s, w) -> (s + sum, w + weight)
 *     estimate:       s/w
 *
 *     mean    s = own value, w = 1
 *     sum     s = own value, w = 1 at the root, 0 elsewhere
 *     count   s = 1,         w = 1 at the root, 0 elsewhere
 *
 * What is always true: all s and all w, with what is under way, have the sums that they began with ("mass
 * conservation", the paper's proposition 2.2). All else follows from it, and whatever breaks it spoils the result:
 * a lost message, a node that crashes, a liar. Hence epochs: every so often all begin anew from their own values, and
 * what went wrong is forgotten. Smallest and largest value travel along; they need no mass.
 *
 * Deviation: an epoch is what the node's clock says, not a count of rounds, so that a newcomer is in the right one at
 * once. Clocks may differ by less than an epoch: who hears of the next epoch enters it early, and what belongs to the
 * last one is dropped.
 *
 * One object serves all rows (see core/columns.ts): 32 bytes for a node, as much again for its value and the epoch in
 * which it is, and 32 more in synchronous rounds. Live, the same class has one row.
 *
 * Not provided: protection against members that lie within the bounds. One of them can move the result at will.
 */

import {
  defineOptions,
  type Environment,
  type Millis,
  type NodeId,
  type Protocol,
  type RoundProtocol,
  UsageError,
} from "../core/index.ts";
import { type Partners, UniformPartners } from "./rumor.ts";

export interface PushSumOptions {
  readonly aggregate: "mean" | "sum" | "count";
  readonly timing: "periodic" | "aligned";
  readonly intervalMs: number;
  readonly epochMs: number;
  readonly maxValue: number;
  readonly maxNodes: number;
}

export const pushSumOptions = defineOptions<PushSumOptions>({
  aggregate: {
    default: "mean",
    choices: ["mean", "sum", "count"],
    description: "What is computed: of the values of all nodes, or their number",
  },
  timing: {
    default: "periodic",
    choices: ["periodic", "aligned"],
    description: "periodic: each node sends from a random moment on; aligned: all at the same times",
  },
  intervalMs: {
    default: 1000,
    min: 1,
    max: 3_600_000,
    description: "Time between two messages of a node (1 s: guess; it scales the time to converge)",
  },
  epochMs: {
    default: 0,
    min: 0,
    max: 2 ** 31,
    description:
      "So often all begin anew, which mends what loss and crashes have spoilt; 0: never. Take log2 of the nodes + 40 intervals and more",
  },
  maxValue: {
    default: 1e9,
    min: 0,
    max: 1e100,
    isFraction: true,
    description: "No value is larger, nor less than its negative; messages that would need one are dropped",
  },
  maxNodes: {
    default: 10_000_000,
    min: 2,
    max: 2 ** 40,
    description: "No message carries more than so many nodes can have; those that do are dropped",
  },
});

export interface PushSumMessage {
  readonly type: "push-sum";
  readonly sum: number;
  readonly weight: number;
  readonly epoch: number;
  /** Of the values that the sender knows of. */
  readonly min: number;
  readonly max: number;
}

export interface PushSumTimer {
  readonly type: "send-half";
}

/** The node's own value is another one from now on; the result follows it, also within the epoch. */
export interface PushSumCommand {
  readonly type: "set-value";
  readonly value: number;
}

/** The result of an epoch that is over; without an estimate where the node had no weight. */
export interface PushSumNotice {
  readonly type: "aggregated";
  readonly aggregate: PushSumOptions["aggregate"];
  readonly epoch: number;
  readonly estimate: number | undefined;
  readonly min: number;
  readonly max: number;
}

export type PushSumEnvironment = Environment<PushSumMessage, PushSumTimer, PushSumNotice>;

export interface PushSumConfig {
  readonly rows: number;
  /** Of each row; 0 where there is none. `count` needs none. */
  readonly values?: ArrayLike<number>;
  /** For `sum` and `count`: exactly one node of the network. Default: row 0 if there are several rows. */
  readonly isRoot?: (row: number) => boolean;
  /** Default: all rows, uniformly. */
  readonly partners?: Partners;
  readonly options?: Partial<PushSumOptions>;
  /** In rounds: a row whose estimate has no larger relative error counts as informed. Default: none ever does. */
  readonly accuracy?: number;
}

/** Below this a weight has lost its digits: a node that only ever sent, and to nobody. */
const leastWeight = 1e-300;

/** Sum, weight, smallest and largest value of each row. */
class Columns {
  readonly sum: Float64Array;
  readonly weight: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;

  constructor(rows: number) {
    this.sum = new Float64Array(rows);
    this.weight = new Float64Array(rows);
    this.min = new Float64Array(rows);
    this.max = new Float64Array(rows);
  }

  set(other: Columns): void {
    this.sum.set(other.sum);
    this.weight.set(other.weight);
    this.min.set(other.min);
    this.max.set(other.max);
  }
}

export class PushSum
  implements Protocol<PushSumMessage, PushSumTimer, PushSumNotice, PushSumCommand>, RoundProtocol
{
  readonly rows: number;
  readonly options: PushSumOptions;
  /** To be read: the handlers write. */
  readonly columns: Columns;
  readonly #values: Float64Array;
  readonly #epoch: Float64Array;
  readonly #isRoot: (row: number) => boolean;
  readonly #partners: Partners;
  readonly #accuracy: number;
  /** What is true after the round; unless rounds are double-buffered, the same columns. */
  #next: Columns;
  #nonsense = 0;
  #outOfEpoch = 0;

  /** Throws `UsageError` if rows, a value or an option make no sense. */
  constructor(config: PushSumConfig) {
    const { rows, values, accuracy = -1 } = config;
    if (!Number.isSafeInteger(rows) || rows < 1)
      throw new UsageError(`rows: ${rows} is not a positive integer`);
    this.rows = rows;
    this.options = pushSumOptions(config.options);
    this.#partners = config.partners ?? new UniformPartners(rows);
    this.#isRoot = config.isRoot ?? ((row) => rows > 1 && row === 0);
    this.#accuracy = accuracy;
    this.#values = new Float64Array(rows);
    this.#epoch = new Float64Array(rows);
    this.columns = new Columns(rows);
    this.#next = this.columns;
    for (let row = 0; row < rows; row++) {
      this.#values[row] = this.options.aggregate === "count" ? 1 : this.#checkedValue(values?.[row] ?? 0);
      this.#restart(row);
    }
  }

  /** What the row believes the aggregate to be; undefined as long as it has no weight. */
  estimateOf(row: number): number | undefined {
    const weight = this.columns.weight[row]!;
    return weight > leastWeight ? this.columns.sum[row]! / weight : undefined;
  }

  epochOf(row: number): number {
    return this.#epoch[row]!;
  }

  /** Messages that no honest node sends: not finite, a negative weight, beyond a bound, an epoch that is not near. */
  get nonsense(): number {
    return this.#nonsense;
  }
  /** Messages of the epoch before, which were dropped. */
  get outOfEpoch(): number {
    return this.#outOfEpoch;
  }

  // ---- Events ---------------------------------------------------------------------------------------------------

  start(env: PushSumEnvironment): void {
    const { timing, intervalMs } = this.options;
    const row = this.#rowOf(env);
    this.#epoch[row] = this.#clockEpoch(env.now);
    this.#restart(row);
    const first = timing === "aligned" ? intervalMs - (env.now % intervalMs) : env.random.below(intervalMs);
    env.schedule(first, { type: "send-half" });
  }

  onCommand(command: PushSumCommand, env: PushSumEnvironment): void {
    switch (command.type) {
      case "set-value":
        return this.#setValue(this.#rowOf(env), command.value);
    }
  }

  onTimer(timer: PushSumTimer, env: PushSumEnvironment): void {
    switch (timer.type) {
      case "send-half":
        return this.#sendHalf(env);
    }
  }

  onMessage(_from: NodeId, message: PushSumMessage, env: PushSumEnvironment): void {
    if (!this.#isPlausible(message, env.now)) {
      this.#nonsense++;
      return;
    }
    const row = this.#rowOf(env);
    this.#enterEpoch(Math.max(message.epoch, this.#clockEpoch(env.now)), env);
    if (message.epoch < this.#epoch[row]!) {
      this.#outOfEpoch++;
      return;
    }
    const { sum, weight, min, max } = this.columns;
    sum[row]! += message.sum;
    weight[row]! += message.weight;
    min[row] = Math.min(min[row]!, message.min);
    max[row] = Math.max(max[row]!, message.max);
  }

  #sendHalf(env: PushSumEnvironment): void {
    const row = this.#rowOf(env);
    this.#enterEpoch(this.#clockEpoch(env.now), env);
    const { sum, weight, min, max } = this.columns;
    const partner = this.#partners.choose(env);
    sum[row]! /= 2;
    weight[row]! /= 2;
    env.send(partner, {
      type: "push-sum",
      sum: sum[row]!,
      weight: weight[row]!,
      epoch: this.#epoch[row]!,
      min: min[row]!,
      max: max[row]!,
    });
    env.schedule(this.options.intervalMs, { type: "send-half" });
  }

  /** An object of one row serves one node, in whatever row of a simulation that is. */
  #rowOf(env: PushSumEnvironment): number {
    return this.rows === 1 ? 0 : env.row;
  }

  #clockEpoch(now: Millis): number {
    const { epochMs } = this.options;
    return epochMs === 0 ? 0 : Math.floor(now / epochMs);
  }

  /** Begins it from the node's own value, unless it is in that epoch already, or in the one after. */
  #enterEpoch(epoch: number, env: PushSumEnvironment): void {
    const row = this.#rowOf(env);
    if (epoch <= this.#epoch[row]!) return;
    env.notify({
      type: "aggregated",
      aggregate: this.options.aggregate,
      epoch: this.#epoch[row]!,
      estimate: this.estimateOf(row),
      min: this.columns.min[row]!,
      max: this.columns.max[row]!,
    });
    this.#epoch[row] = epoch;
    this.#restart(row);
  }

  #isPlausible(message: PushSumMessage, now: Millis): boolean {
    const { sum, weight, epoch, min, max } = message;
    const { aggregate, maxValue, maxNodes } = this.options;
    const largest = aggregate === "count" ? 1 : maxValue;
    const allWeight = aggregate === "mean" ? maxNodes : 1;
    // Half of what all nodes have together; NaN passes no comparison.
    const areBounded = Math.abs(sum) <= (largest * maxNodes) / 2 && weight >= 0 && weight <= allWeight / 2;
    const areInOrder = -largest <= min && min <= max && max <= largest;
    const clock = this.#clockEpoch(now);
    const isNear = Number.isSafeInteger(epoch) && epoch >= clock - 1 && epoch <= clock + 1 && epoch >= 0;
    return areBounded && areInOrder && isNear && (epoch === 0 || this.options.epochMs > 0);
  }

  // ---- Rounds ---------------------------------------------------------------------------------------------------

  prepare(isDoubleBuffered: boolean): void {
    this.#next = isDoubleBuffered ? new Columns(this.rows) : this.columns;
    if (isDoubleBuffered) this.#next.set(this.columns);
  }

  /** Everybody sends, always: nobody can see that the estimates agree. */
  isActive(): boolean {
    return true;
  }

  contact(caller: number, callee: number): void {
    const { columns } = this;
    const next = this.#next;
    const halfSum = columns.sum[caller]! / 2;
    const halfWeight = columns.weight[caller]! / 2;
    next.sum[caller]! -= halfSum;
    next.sum[callee]! += halfSum;
    next.weight[caller]! -= halfWeight;
    next.weight[callee]! += halfWeight;
    if (columns.min[caller]! < next.min[callee]!) next.min[callee] = columns.min[caller]!;
    if (columns.max[caller]! > next.max[callee]!) next.max[callee] = columns.max[caller]!;
  }

  commit(): void {
    if (this.#next !== this.columns) this.columns.set(this.#next);
  }

  /** Rows whose estimate is accurate enough; 0 if nobody asked for an accuracy. */
  get informed(): number {
    return this.#accuracy < 0 ? 0 : this.accurate(this.#accuracy);
  }

  get checksum(): number {
    const words = new Uint32Array(this.columns.sum.buffer);
    let sum = 0;
    for (let i = 0; i < words.length; i++)
      sum = (sum + Math.imul(words[i]! ^ Math.imul(i, 0x9e3779b9), 0x21f0aaad)) >>> 0;
    return sum;
  }

  // ---- What only who sees all rows can say ----------------------------------------------------------------------

  /** All s and all w of the rows, without what is under way: what mass conservation is about. */
  mass(): { readonly sum: number; readonly weight: number } {
    return { sum: total(this.columns.sum), weight: total(this.columns.weight) };
  }

  /** Rows whose estimate differs from the quotient of the masses by no more than this share of it. */
  accurate(relativeError: number): number {
    const { sum, weight } = this.mass();
    const tolerance = Math.abs((sum / weight) * relativeError);
    let count = 0;
    for (let row = 0; row < this.rows; row++) {
      const estimate = this.estimateOf(row);
      if (estimate !== undefined && Math.abs(estimate - sum / weight) <= tolerance) count++;
    }
    return count;
  }

  /**
   * How far the rows are from agreeing: the sum of (s_i - w_i S/W)^2, where S and W are all s and all w. The paper's
   * potential has a square for each pair of nodes; this is its projection to the values that there are, and falls by
   * the same factor (lemma 2.3).
   */
  potential(): number {
    const { sum, weight } = this.mass();
    const quotient = sum / weight;
    let squares = 0;
    for (let row = 0; row < this.rows; row++) {
      const distance = this.columns.sum[row]! - this.columns.weight[row]! * quotient;
      squares += distance * distance;
    }
    return squares;
  }

  // ---- Columns --------------------------------------------------------------------------------------------------

  #restart(row: number): void {
    const { sum, weight, min, max } = this.columns;
    const value = this.#values[row]!;
    sum[row] = value;
    weight[row] = this.options.aggregate === "mean" || this.#isRoot(row) ? 1 : 0;
    min[row] = value;
    max[row] = value;
  }

  /** Smallest and largest value forget an old one only with the next epoch. */
  #setValue(row: number, value: number): void {
    if (this.options.aggregate === "count") return;
    this.#checkedValue(value);
    const { sum, min, max } = this.columns;
    sum[row]! += value - this.#values[row]!;
    min[row] = Math.min(min[row]!, value);
    max[row] = Math.max(max[row]!, value);
    this.#values[row] = value;
  }

  /** Throws `UsageError`, before anything has changed. */
  #checkedValue(value: number): number {
    if (Math.abs(value) <= this.options.maxValue) return value;
    throw new UsageError(
      `value: ${value} is not between -${this.options.maxValue} and ${this.options.maxValue}`,
    );
  }
}

function total(column: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < column.length; row++) sum += column[row]!;
  return sum;
}
