/**
 * What nodes are towards a rumor, and when they lose interest in it: the rules of rumor mongering, whoever sends what
 * to whom (Demers et al. 1987, "Epidemic algorithms for replicated database maintenance", 1.4).
 *
 *     susceptible --infect--> infected --onContact, endCycle, remove--> removed
 *                                ^                                           |
 *                                +---------------- reactivate ---------------+      clear: free for another update
 *
 * A table has cells. In a simulation of one update a cell is a node: 10^6 nodes are 10^6 cells. In one live node that
 * has many updates a cell is the slot of an update. The rules are the same, and so is the class.
 *
 * Unspecified: document 000 names a "CS-DN model" with "enhanced state management" and says no more; no model of that
 * name is known in public. We take it for this: an explicit table of states for each update, with counter or coin,
 * feedback or none, and death certificates that go dormant and wake (`reactivate`).
 */
import { type Random, UsageError } from "../core/index.ts";

/** The values of a cell. All but 0 know the rumor. */
export const rumorStates = { susceptible: 0, infected: 1, removed: 2 } as const;
export type RumorState = (typeof rumorStates)[keyof typeof rumorStates];
const { susceptible, infected, removed } = rumorStates;

export const rumorStops = ["never", "coin", "counter"] as const;
/** How a spreader loses interest: never (SI), with probability 1/k, or after k contacts that count. */
export type RumorStop = (typeof rumorStops)[number];

export interface RumorRules {
  readonly stop: RumorStop;
  /** With feedback only a contact that was useless counts, and a useful one sets the counter back; blind: all count. */
  readonly hasFeedback: boolean;
  /** The k of coin and counter, 1 to 65,535; without meaning to `never`. */
  readonly stopAfter: number;
}

/** Bits of what is noted of a cycle. */
const useful = 1;
const useless = 2;

export class RumorTable {
  readonly cells: number;
  readonly rules: RumorRules;
  /** One of `rumorStates` for each cell, in a buffer of whole words of 32 bits. To be read: the methods write. */
  readonly state: Uint8Array<ArrayBuffer>;
  /** Contacts that count since the last useful one; empty unless there are counters. */
  readonly #counters: Uint16Array;
  /** What the contacts of this cycle were, as bits; made when the first one is noted. */
  #noted: Uint8Array<ArrayBuffer> | undefined;
  #infected = 0;
  #removed = 0;

  /** Throws `UsageError` for less than one cell, and for rules that are none. */
  constructor(cells: number, { stop, hasFeedback, stopAfter }: RumorRules) {
    if (!Number.isSafeInteger(cells) || cells < 1)
      throw new UsageError(`cells: ${cells} is not a positive integer`);
    if (!rumorStops.includes(stop))
      throw new UsageError(`stop: ${stop} is not one of ${rumorStops.join(", ")}`);
    if (!Number.isSafeInteger(stopAfter) || stopAfter < 1 || stopAfter > 65_535)
      throw new UsageError(`stopAfter: ${stopAfter} is not an integer between 1 and 65535`);
    this.cells = cells;
    this.rules = { stop, hasFeedback, stopAfter };
    this.state = byteColumn(cells);
    this.#counters = new Uint16Array(stop === "counter" ? cells : 0);
  }

  /** Cells that know it and spread it. */
  get infected(): number {
    return this.#infected;
  }
  /** Cells that know it and have stopped, dormant ones too. */
  get removed(): number {
    return this.#removed;
  }
  get bytes(): number {
    return this.state.byteLength + this.#counters.byteLength + (this.#noted?.byteLength ?? 0);
  }

  stateOf(cell: number): RumorState {
    return this.state[cell] as RumorState;
  }

  /** k for whoever has lost interest, so that it is never the smaller of two; 0 where nothing counts. */
  counterOf(cell: number): number {
    if (this.state[cell] === removed) return this.rules.stopAfter;
    return this.#counters[cell] ?? 0;
  }

  /** Returns whether that is news: a cell that knows it stays what it is. */
  infect(cell: number): boolean {
    if (this.state[cell] !== susceptible) return false;
    this.state[cell] = infected;
    this.#infected++;
    return true;
  }

  /**
   * What a spreader does after it has sent the rumor to a partner, which needed it or did not. Returns whether it lost
   * interest. Nothing happens to a cell that does not spread. `random` is asked by `coin` alone.
   */
  onContact(cell: number, wasUseful: boolean, random: Random): boolean {
    if (this.state[cell] !== infected) return false;
    const { stop, hasFeedback, stopAfter } = this.rules;
    switch (stop) {
      case "never":
        return false;
      case "coin":
        if (hasFeedback && wasUseful) return false;
        return random.below(stopAfter) === 0 && this.remove(cell);
      case "counter":
        if (hasFeedback && wasUseful) {
          // Unspecified: without this the published residues do not come out (0.048 instead of 0.037 for k = 2).
          this.#counters[cell] = 0;
          return false;
        }
        this.#counters[cell]!++;
        return this.#counters[cell]! >= stopAfter && this.remove(cell);
    }
  }

  /**
   * Where others call, a spreader has many contacts in a cycle or none, and counts at most one for each cycle: a
   * useful one if any partner needed the rumor, a useless one if all had it (note to table 3 of the paper). So what
   * happens in a cycle is noted, and judged at its end. Nothing is noted of a cell that does not spread.
   */
  note(cell: number, wasUseful: boolean): void {
    if (this.state[cell] !== infected) return;
    this.#noted ??= byteColumn(this.cells);
    this.#noted[cell]! |= wasUseful ? useful : useless;
  }

  /**
   * Minimisation, for push-pull with counters: where both knew it, only the smaller counter is incremented, and both
   * if they are equal (1.4 of the paper). Each side calls this with the counter that the other one had.
   */
  noteBothKnow(cell: number, theirCounter: number): void {
    if (this.counterOf(cell) <= theirCounter) this.note(cell, false);
  }

  /** Judges what was noted of this cell since the last time. Returns whether it lost interest. */
  endCycle(cell: number, random: Random): boolean {
    const noted = this.#noted?.[cell] ?? 0;
    if (noted === 0) return false;
    this.#noted![cell] = 0;
    return this.onContact(cell, (noted & useful) !== 0, random);
  }

  /** The same for all cells, four at a time; `onRemoved` gets those that lost interest. */
  endCycleOfAll(randomOf: (cell: number) => Random, onRemoved: (cell: number) => void): void {
    if (this.#noted === undefined) return;
    const words = new Uint32Array(this.#noted.buffer);
    for (let word = 0; word < words.length; word++) {
      if (words[word] === 0) continue;
      for (let cell = 4 * word; cell < 4 * word + 4 && cell < this.cells; cell++) {
        if (this.#noted[cell] !== 0 && this.endCycle(cell, randomOf(cell))) onRemoved(cell);
      }
    }
  }

  /** It stops by another's decision: the update is too old, or it is a death certificate that goes dormant. */
  remove(cell: number): boolean {
    if (this.state[cell] !== infected) return false;
    this.state[cell] = removed;
    this.#infected--;
    this.#removed++;
    return true;
  }

  /** A dormant death certificate has met an update that it should have deleted: it spreads as if it were new. */
  reactivate(cell: number): boolean {
    if (this.state[cell] !== removed) return false;
    this.state[cell] = infected;
    this.#removed--;
    this.#infected++;
    this.#forget(cell);
    return true;
  }

  /** The slot is free for another update. */
  clear(cell: number): void {
    switch (this.state[cell]) {
      case infected:
        this.#infected--;
        break;
      case removed:
        this.#removed--;
        break;
    }
    this.state[cell] = susceptible;
    this.#forget(cell);
  }

  #forget(cell: number): void {
    if (this.#counters.length > 0) this.#counters[cell] = 0;
    if (this.#noted !== undefined) this.#noted[cell] = 0;
  }
}

/** One byte for each cell, in a buffer of whole words, so that four can be compared at a time. */
export function byteColumn(cells: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(Math.ceil(cells / 4) * 4), 0, cells);
}
