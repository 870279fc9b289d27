/**
 * Median-counter push-pull for one live node that has many updates (Karp et al. 2000): a message is offered until the
 * partners say that it is old. The rules are those of `MedianCounterTable`, with which the simulator spreads one rumor
 * among a million nodes; here a cell is the slot of an update.
 *
 * Deviation: nodes have rounds of their own, and learn a message when it comes, not when the round ends. A node that
 * awaits a message says that it stands in A.
 */
import {
  type MedianCounterOptions,
  MedianCounterTable,
  medianCounterLevels,
  medianCounterOptions,
} from "./median-counter-table.ts";
import type { Retained } from "./retained-messages.ts";
import type { Contact, ExchangePolicy, Standing } from "./round-exchange.ts";

/** Only logarithms count, and too many costs nothing but a later age cap. */
export const assumedNodes = 10_000;

export interface MedianCountingConfig {
  /** What is 0 is derived. */
  readonly options: Partial<MedianCounterOptions>;
  /** Messages that are hot at a time; beyond it the oldest goes cold. */
  readonly maxHot: number;
}

export class MedianCounting implements ExchangePolicy {
  readonly #table: MedianCounterTable;
  /** Messages that are not in D, the oldest first, and their cells. */
  readonly #cells = new Map<Retained, number>();
  /** Cells that were in use. */
  readonly #freeCells: number[] = [];
  /** No longer hot, and not said yet. */
  readonly #cold: Retained[] = [];

  constructor({ options, maxHot }: MedianCountingConfig) {
    this.#table = new MedianCounterTable(maxHot, medianCounterOptions(assumedNodes, options));
  }

  get hot(): Iterable<Retained> {
    return this.#active();
  }

  isHot(retained: Retained): boolean {
    return this.#cells.has(retained);
  }

  *#active(): Generator<Retained, undefined> {
    for (const [retained, cell] of this.#cells) if (this.#table.isActive(cell)) yield retained;
  }

  onNew(retained: Retained, heard: Standing | undefined): void {
    if (this.#cells.size === this.#table.cells) this.#forget(this.#cells.keys().next().value!);
    const cell = this.#freeCells.pop() ?? this.#cells.size;
    this.#cells.set(retained, cell);
    // From the history, or from whoever does not count: it begins here.
    if (heard !== undefined) this.#table.onHeard(cell, heard.level, heard.ageRounds);
    if (!this.#table.hasNews(cell)) this.#table.infect(cell);
  }

  standing(retained: Retained): Standing {
    const cell = this.#cells.get(retained);
    if (cell === undefined) return { level: medianCounterLevels.D, ageRounds: 0 };
    return { level: this.#table.levelOf(cell), ageRounds: this.#table.ageOf(cell) };
  }

  onContact(retained: Retained, { theirs }: Contact): void {
    const cell = this.#cells.get(retained);
    if (cell !== undefined) this.#table.onHeard(cell, theirs.level, theirs.ageRounds);
  }

  endRound(): void {
    for (const [retained, cell] of [...this.#cells]) {
      this.#table.endRound(cell);
      if (!this.#table.isActive(cell)) this.#forget(retained);
    }
  }

  takeCold(): readonly Retained[] {
    return this.#cold.splice(0);
  }

  #forget(retained: Retained): void {
    const cell = this.#cells.get(retained)!;
    this.#cells.delete(retained);
    this.#table.clear(cell);
    this.#freeCells.push(cell);
    this.#cold.push(retained);
  }
}
