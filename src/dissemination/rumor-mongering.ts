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
import type { ExchangePolicy, Feedback, Standing } from "./round-exchange.ts";
import { type RumorRules, RumorTable, rumorStates } from "./rumor-table.ts";

export interface RumorMongeringConfig {
  readonly rules: RumorRules;
  /** Push-pull: both sides of a contact have something to offer, so both learn from it. */
  readonly isPushPull: boolean;
  /** Where both knew it, only the smaller counter is incremented. */
  readonly isMinimised: boolean;
  /** Messages that are hot at a time; beyond it the oldest goes cold. */
  readonly maxHot: number;
}

// What a cell that answers askers notes of a round.
const nobodyAsked = 0;
const allKnewIt = 1;
const someNeededIt = 2;

export class RumorMongering implements ExchangePolicy {
  readonly #config: RumorMongeringConfig;
  readonly #table: RumorTable;
  /** The hot messages, the oldest first, and their cells. */
  readonly #cells = new Map<Retained, number>();
  readonly #freeCells: number[] = [];
  /** An asked node counts at most one contact in a round, whoever asks: reset if anybody needed it. */
  readonly #asked: Uint8Array;

  /** Throws `UsageError` for rules that are none. */
  constructor(config: RumorMongeringConfig) {
    const { rules, maxHot, isMinimised } = config;
    if (rules.stopAfter >= maxLevel)
      throw new UsageError(`stopAfter: ${rules.stopAfter} is not less than ${maxLevel}`);
    if (isMinimised && rules.stop !== "counter")
      throw new UsageError(`isMinimised: there are no counters to compare with stop ${rules.stop}`);
    this.#config = config;
    this.#table = new RumorTable(maxHot, rules);
    this.#asked = new Uint8Array(maxHot);
    for (let cell = maxHot - 1; cell >= 0; cell--) this.#freeCells.push(cell);
  }

  get hot(): Iterable<Retained> {
    return this.#cells.keys();
  }

  onNew(retained: Retained): void {
    if (this.#freeCells.length === 0) this.#forget(this.#cells.keys().next().value!);
    const cell = this.#freeCells.pop()!;
    this.#cells.set(retained, cell);
    this.#table.infect(cell);
  }

  standing(retained: Retained): Standing {
    const cell = this.#cells.get(retained);
    return { level: cell === undefined ? maxLevel : this.#table.counterOf(cell), ageRounds: 0 };
  }

  /** Blind: the contact counts, whatever comes of it. */
  onOffer(retained: Retained, random: Random): void {
    if (this.#config.rules.hasFeedback) return;
    const cell = this.#cells.get(retained);
    if (cell === undefined) return;
    this.#table.onContact(cell, true, random);
    this.#forgetIfRemoved(retained, cell);
  }

  onFeedback(retained: Retained, { wasUseful, contact, theirs }: Feedback, random: Random): void {
    if (!this.#config.rules.hasFeedback) return;
    const cell = this.#cells.get(retained);
    if (cell === undefined) return;
    switch (contact) {
      case "called":
        if (wasUseful) this.#table.onContact(cell, true, random);
        else this.#onKnown(cell, theirs, random);
        return this.#forgetIfRemoved(retained, cell);
      case "asked":
        this.#asked[cell] = Math.max(this.#asked[cell]!, wasUseful ? someNeededIt : allKnewIt);
        return;
      case "met":
        if (!this.#config.isPushPull) return;
        this.#onKnown(cell, theirs, random);
        return this.#forgetIfRemoved(retained, cell);
    }
  }

  #onKnown(cell: number, theirs: Standing, random: Random): void {
    if (this.#config.isMinimised) this.#table.onBothKnow(cell, theirs.level, random);
    else this.#table.onContact(cell, false, random);
  }

  endRound(random: Random): void {
    for (const [retained, cell] of [...this.#cells]) {
      const asked = this.#asked[cell]!;
      if (asked === nobodyAsked) continue;
      this.#asked[cell] = nobodyAsked;
      this.#table.onContact(cell, asked === someNeededIt, random);
      this.#forgetIfRemoved(retained, cell);
    }
  }

  #forgetIfRemoved(retained: Retained, cell: number): void {
    if (this.#table.stateOf(cell) === rumorStates.removed) this.#forget(retained);
  }

  /** No longer hot. The history has it as long as it is kept. */
  #forget(retained: Retained): void {
    const cell = this.#cells.get(retained)!;
    this.#cells.delete(retained);
    this.#table.clear(cell);
    this.#asked[cell] = nobodyAsked;
    this.#freeCells.push(cell);
  }
}
