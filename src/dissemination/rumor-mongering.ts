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

// What a cell notes of its contacts of a round.
const noContact = 0;
const allKnewIt = 1;
const someNeededIt = 2;

export class RumorMongering implements ExchangePolicy {
  readonly #config: RumorMongeringConfig;
  readonly #table: RumorTable;
  /** The hot messages, the oldest first, and their cells. */
  readonly #cells = new Map<Retained, number>();
  readonly #freeCells: number[] = [];
  /**
   * Where others decide how often one has contact, in pull and push-pull, all of a round count as one: a useful one if
   * anybody needed the message.
   */
  readonly #contacts: Uint8Array;

  /** Throws `UsageError` for rules that are none. */
  constructor(config: RumorMongeringConfig) {
    const { rules, maxHot, isMinimised } = config;
    if (rules.stopAfter >= maxLevel)
      throw new UsageError(`stopAfter: ${rules.stopAfter} is not less than ${maxLevel}`);
    if (isMinimised && rules.stop !== "counter")
      throw new UsageError(`isMinimised: there are no counters to compare with stop ${rules.stop}`);
    this.#config = config;
    this.#table = new RumorTable(maxHot, rules);
    this.#contacts = new Uint8Array(maxHot);
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

  onContact(retained: Retained, { wasUseful, kind, theirs }: Contact, random: Random): void {
    if (!this.#config.rules.hasFeedback) return;
    const cell = this.#cells.get(retained);
    if (cell === undefined) return;
    switch (kind) {
      case "called":
        if (this.#config.isPushPull) break;
        this.#table.onContact(cell, wasUseful, random);
        return this.#forgetIfRemoved(retained, cell);
      case "met":
        // A caller that only tells, or only asks, is the one side that learns something.
        if (!this.#config.isPushPull) return;
        break;
    }
    if (!wasUseful && this.#config.isMinimised && this.#table.counterOf(cell) > theirs.level) return;
    this.#noteContact(cell, wasUseful ? someNeededIt : allKnewIt);
  }

  #noteContact(cell: number, what: typeof allKnewIt | typeof someNeededIt): void {
    this.#contacts[cell] = Math.max(this.#contacts[cell]!, what);
  }

  endRound(random: Random): void {
    for (const [retained, cell] of [...this.#cells]) {
      const contacts = this.#contacts[cell]!;
      if (contacts === noContact) continue;
      this.#contacts[cell] = noContact;
      this.#table.onContact(cell, contacts === someNeededIt, random);
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
    this.#contacts[cell] = noContact;
    this.#freeCells.push(cell);
  }
}
