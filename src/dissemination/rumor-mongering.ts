/**
 * Rumor mongering for one live node that has many updates (Demers et al. 1987, 1.4): what is new is hot, and is offered
 * until so many partners knew it already. The rules are those of `RumorTable`, with which the simulator spreads one
 * update among a million nodes; here a cell is the slot of an update.
 *
 * What it leaves, the residue, the history repairs.
 */
import { type Random, UsageError } from "../core/index.ts";
import { maxLevel } from "./messages.ts";
import type { Retained } from "./retained-messages.ts";
import type { Contact, ExchangePolicy, Standing } from "./round-exchange.ts";
import { type RumorRules, RumorTable } from "./rumor-table.ts";

export interface RumorMongeringConfig {
  readonly rules: RumorRules;
  readonly mode: "push" | "pull" | "push-pull";
  /** Push-pull with feedback and counters: where both knew it, only the smaller counter is incremented. */
  readonly isMinimised: boolean;
  /** Messages that are hot at a time; beyond it the oldest goes cold. */
  readonly maxHot: number;
}

export class RumorMongering implements ExchangePolicy {
  readonly #config: RumorMongeringConfig;
  readonly #table: RumorTable;
  /** The hot messages, the oldest first, and their cells. */
  readonly #cells = new Map<Retained, number>();
  /** Cells that were in use. */
  readonly #freeCells: number[] = [];
  /** No longer hot, and not said yet. */
  readonly #cold: Retained[] = [];
  /**
   * In pull and push-pull others decide how often one has contact, so that all contacts of a round count as one: a
   * useful one if anybody needed the message. In a push each counts when it comes.
   */
  readonly #isJudgedByRound: boolean;

  /** Throws `UsageError` for rules that are none. */
  constructor(config: RumorMongeringConfig) {
    const { rules, mode, maxHot, isMinimised } = config;
    if (rules.stopAfter >= maxLevel)
      throw new UsageError(`stopAfter: ${rules.stopAfter} is not less than ${maxLevel}`);
    if (isMinimised && (mode !== "push-pull" || rules.stop !== "counter" || !rules.hasFeedback))
      throw new UsageError(
        `isMinimised: true is for push-pull with feedback and counter, not for ${mode} ${rules.hasFeedback ? "with feedback" : "blind"} and ${rules.stop}`,
      );
    this.#config = config;
    this.#table = new RumorTable(maxHot, rules);
    this.#isJudgedByRound = mode !== "push";
  }

  get hot(): Iterable<Retained> {
    return this.#cells.keys();
  }
  isHot(retained: Retained): boolean {
    return this.#cells.has(retained);
  }

  onNew(retained: Retained): void {
    if (this.#cells.size === this.#config.maxHot) this.#forget(this.#cells.keys().next().value!);
    const cell = this.#freeCells.pop() ?? this.#cells.size;
    this.#cells.set(retained, cell);
    this.#table.infect(cell);
  }

  standing(retained: Retained): Standing {
    const cell = this.#cells.get(retained);
    return { level: cell === undefined ? maxLevel : this.#table.counterOf(cell), ageRounds: 0 };
  }

  /** Blind: the contact counts, whatever comes of it. */
  onOffer(retained: Retained, random: Random): void {
    if (!this.#config.rules.hasFeedback) this.#judge(retained, true, random);
  }

  onContact(retained: Retained, { wasUseful, kind, theirs }: Contact, random: Random): void {
    const { rules, mode, isMinimised } = this.#config;
    if (!rules.hasFeedback) return;
    // A caller that only tells, or only asks, is the one side that learns something.
    if (kind === "met" && mode !== "push-pull") return;
    const cell = this.#cells.get(retained);
    if (cell === undefined) return;
    if (isMinimised && !wasUseful) return this.#table.noteBothKnow(cell, theirs.level);
    this.#judge(retained, wasUseful, random);
  }

  endRound(random: Random): void {
    for (const [retained, cell] of [...this.#cells])
      if (this.#table.endCycle(cell, random)) this.#forget(retained);
  }

  takeCold(): readonly Retained[] {
    return this.#cold.splice(0);
  }

  #judge(retained: Retained, wasUseful: boolean, random: Random): void {
    const cell = this.#cells.get(retained);
    if (cell === undefined) return;
    if (this.#isJudgedByRound) this.#table.note(cell, wasUseful);
    else if (this.#table.onContact(cell, wasUseful, random)) this.#forget(retained);
  }

  /** No longer hot. The history has it as long as it is kept. */
  #forget(retained: Retained): void {
    const cell = this.#cells.get(retained)!;
    this.#cells.delete(retained);
    this.#table.clear(cell);
    this.#freeCells.push(cell);
    this.#cold.push(retained);
  }
}
