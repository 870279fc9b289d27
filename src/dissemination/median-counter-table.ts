/**
 * The median-counter rule: how a node sees for itself, without counting the network, that a rumor is old and may be
 * dropped (Karp, Schindelhauer, Shenker and Vöcking 2000, "Randomized rumor spreading", FOCS, section 3).
 *
 *     A   has not heard it        hears it from a partner in B        -> B_1
 *                                 hears it from partners in C only    -> C
 *     B_m knows and sends it      more partners of the round were at
 *                                 m or above (or in C) than below it
 *                                 (or in A)                           -> B_(m+1), beyond B_ctrMax -> C
 *     C   knows and sends it      after so many rounds                -> D
 *     D   knows and is silent
 *
 *     A, B and C                  the rumor has reached its age cap: who knows it -> D
 *
 * The table is the rule and nothing else: who calls whom, and what travels, is up to its user. A cell is what one node
 * knows of one rumor: the row of a node where a million nodes spread one rumor, the slot of an update where one live
 * node has many.
 *
 * Within a round the cell only takes notes (`onHeard`). `endRound` draws the conclusion, so that all partners of a
 * round see what was true when it began, in whatever order they come.
 *
 * Unspecified: what a partner in D counts for. It says nothing, and it counts for nothing, as one whose message was
 * lost. Hence a node in B among nodes in D only would stay there for ever, and the age cap is not an ornament: with
 * ctrMax 1 or 2 most runs among 10^4 nodes need it.
 */

import { log } from "../core/deterministic-math.ts";
import { defineOptions, UsageError } from "../core/index.ts";

/** What a message says of its sender. A number between A and C is the m of B_m. */
export const medianCounterLevels = { A: 0, C: 254, D: 255 } as const;
const { A, C, D } = medianCounterLevels;

export interface MedianCounterOptions {
  /** The last B is B_ctrMax. */
  readonly ctrMax: number;
  /** So long a node sends in C. */
  readonly cRounds: number;
  /** Nobody sends a rumor that began so many rounds ago. */
  readonly ageCapRounds: number;
}

const options = defineOptions<MedianCounterOptions>({
  ctrMax: {
    default: 0,
    min: 0,
    max: 100,
    description:
      "Counter beyond which a node stops counting; 0: ln ln of the nodes, at least 3 (with 1 or 2 only the age cap ends a rumor)",
  },
  cRounds: {
    default: 0,
    min: 0,
    max: 100,
    description: "Rounds that a node goes on sending after that; 0: as many as ctrMax",
  },
  ageCapRounds: {
    default: 0,
    min: 0,
    max: 255,
    description:
      "Nobody sends a rumor that is older; 0: log3 of the nodes, and 2 ctrMax + 4 ln ln of the nodes more",
  },
});

/** The options by name, for whoever offers them to users: 0 is what `medianCounterOptions` derives from the nodes. */
export const medianCounterSpecs = options.specs;

/**
 * The options for so many nodes (2 and more): what is not given, or is 0, is derived. The number of nodes need not be
 * right: only its logarithms count, and too large a number costs nothing but a later age cap. Both the counter and the
 * rounds in C are Θ(ln ln n), the age cap is log3 n + O(ln ln n), as in the paper; their constants are ours: the cap
 * lies about five rounds beyond the round in which all are silent anyhow.
 * Throws `UsageError` that names the option, the value and the rule.
 */
export function medianCounterOptions(
  nodes: number,
  overrides: Partial<MedianCounterOptions> = {},
): MedianCounterOptions {
  if (!(nodes >= 2)) throw new UsageError(`nodes: ${nodes} is less than 2: nobody to tell`);
  const given = options(overrides);
  const logLog = Math.max(1, log(Math.max(1, log(nodes))));
  const ctrMax = given.ctrMax || Math.max(3, Math.ceil(logLog));
  const cRounds = given.cRounds || ctrMax;
  const cap = Math.ceil(log(nodes) / log(3) + 2 * ctrMax + 4 * logLog);
  return Object.freeze({ ctrMax, cRounds, ageCapRounds: given.ageCapRounds || Math.min(255, cap) });
}

// A cell's state: 0 is A, then come B_1 to B_ctrMax, the rounds of C, and D last. A step forward is always plus one.

// What a cell in A notes of a round.
const heardB = 1;
const heardC = 2;

const mostBalance = 32_767;

export class MedianCounterTable {
  readonly cells: number;
  readonly options: MedianCounterOptions;
  readonly #state: Uint8Array<ArrayBuffer>;
  /** Rounds since the rumor began, for whoever knows it; for a cell in A that has heard it, what it was told. */
  readonly #age: Uint8Array<ArrayBuffer>;
  /** Of this round. In B: partners that count for a step, less those that count against it. In A: bits `heardB`, `heardC`. */
  readonly #heard: Int16Array<ArrayBuffer>;
  readonly #firstC: number;
  readonly #done: number;

  /** `options` as `medianCounterOptions` makes them: complete, none 0. */
  constructor(cells: number, options: MedianCounterOptions) {
    if (!Number.isSafeInteger(cells) || cells < 1)
      throw new UsageError(`cells: ${cells} is not a positive integer`);
    for (const [name, value] of Object.entries(medianCounterOptions(2, options)))
      if (options[name as keyof MedianCounterOptions] !== value)
        throw new UsageError(`${name}: 0 is for medianCounterOptions, which derives it`);
    this.cells = cells;
    this.options = options;
    this.#state = new Uint8Array(cells);
    this.#age = new Uint8Array(cells);
    this.#heard = new Int16Array(cells);
    this.#firstC = options.ctrMax + 1;
    this.#done = options.ctrMax + options.cRounds + 1;
  }

  /** The rumor begins here, or is already so many rounds old: B_1, unless the cell knows it. */
  infect(cell: number, ageRounds = 0): void {
    if (this.#state[cell] !== 0) return;
    this.#state[cell] = 1;
    this.#heard[cell] = 0;
    this.#age[cell] = this.#capped(ageRounds);
    if (this.#age[cell]! >= this.options.ageCapRounds) this.#state[cell] = this.#done;
  }

  /**
   * A partner of this round said where it stands: its level as the round began, and, unless it is in A, the age that it
   * knows. Levels that do not exist are not heard; D counts for nothing. Never throws: both come from the network.
   */
  onHeard(cell: number, level: number, ageRounds: number): void {
    if (!(level >= A && level <= C) || !Number.isInteger(level)) return;
    const state = this.#state[cell]!;
    if (state === 0) {
      if (level === A) return;
      this.#heard[cell]! |= level === C ? heardC : heardB;
      const age = this.#capped(ageRounds);
      if (age > this.#age[cell]!) this.#age[cell] = age;
    } else if (state < this.#firstC) {
      const balance = this.#heard[cell]! + (level >= state ? 1 : -1);
      if (balance <= mostBalance && balance >= -mostBalance) this.#heard[cell] = balance;
    }
  }

  /** Applies the rule to what was heard, and begins the next round. True if the cell has just learned the rumor. */
  endRound(cell: number): boolean {
    const state = this.#state[cell]!;
    const heard = this.#heard[cell]!;
    if (state === 0 && heard === 0) return false;
    this.#heard[cell] = 0;
    let next = state;
    if (state === 0) next = (heard & heardB) !== 0 ? 1 : this.#firstC;
    else if (state < this.#firstC) next = heard > 0 ? state + 1 : state;
    else if (state < this.#done) next = state + 1;
    const age = Math.min(this.#age[cell]! + 1, this.options.ageCapRounds);
    this.#age[cell] = age;
    this.#state[cell] = age >= this.options.ageCapRounds ? this.#done : next;
    return state === 0;
  }

  /** Does it send the rumor: in B or C? */
  isActive(cell: number): boolean {
    const state = this.#state[cell]!;
    return state > 0 && state < this.#done;
  }

  /** Not in A. */
  knows(cell: number): boolean {
    return this.#state[cell]! > 0;
  }

  /** In A, and some partner of this round has sent the rumor: knows it when the round ends. */
  hasNews(cell: number): boolean {
    return this.#state[cell] === 0 && this.#heard[cell] !== 0;
  }

  /** What to say of the cell to a partner: one of `medianCounterLevels`, or the m of B_m. */
  levelOf(cell: number): number {
    const state = this.#state[cell]!;
    if (state < this.#firstC) return state;
    return state < this.#done ? C : D;
  }

  /** Rounds since the rumor began, as far as the cell knows, up to the cap; 0 in A. */
  ageOf(cell: number): number {
    return this.#state[cell] === 0 ? 0 : this.#age[cell]!;
  }

  /** Has the rumor reached its age cap here? Then nobody sends it any more, wherever ages agree. */
  isOver(cell: number): boolean {
    return this.ageOf(cell) >= this.options.ageCapRounds;
  }

  /** Back to A, with nothing heard: for the next rumor of this cell. */
  clear(cell: number): void {
    this.#state[cell] = 0;
    this.#age[cell] = 0;
    this.#heard[cell] = 0;
  }

  /** What an age from the network can be at most; nonsense is taken for a new rumor, which ends by its own cap. */
  #capped(ageRounds: number): number {
    if (!(ageRounds > 0)) return 0;
    return Math.min(Math.floor(ageRounds), this.options.ageCapRounds);
  }
}
