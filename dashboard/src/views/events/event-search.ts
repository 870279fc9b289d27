/**
 * The events that pass a filter, found a few milliseconds at a time so that no frame is late, and kept up while new
 * ones come and old ones are forgotten. Which types are shown can change without searching again.
 */
import type { EventBuffer } from "../../timeline/event-buffer.ts";
import { type Passes, typeOf } from "./event-filter.ts";

/** Between two looks at the clock. */
const eventsPerLook = 64;
/** So many forgotten ones are carried along before the lists are cut. */
const maxForgotten = 20_000;

export class EventSearch {
  readonly #events: EventBuffer;
  readonly #passes: Passes;
  readonly #startedAt: number;
  /** How many pass, by type, whichever types are selected. */
  readonly counts = new Map<string, number>();
  #selected: ReadonlySet<string> | undefined;
  readonly #typeNames: string[] = [];
  readonly #typeNumbers = new Map<string, number>();
  /** Numbers of the events that pass, ascending, and the number of the type of each. */
  #passing: number[] = [];
  #types: number[] = [];
  #passingFrom = 0;
  /** Of these, the events whose type is selected. */
  #matches: number[] = [];
  #matchesFrom = 0;
  #next: number;

  constructor(events: EventBuffer, passes: Passes, startedAt: number) {
    this.#events = events;
    this.#passes = passes;
    this.#startedAt = startedAt;
    this.#next = events.first;
  }

  /** Share of the kept events that were looked at. */
  get progress(): number {
    const { first, end } = this.#events;
    return end === first ? 1 : Math.max(0, this.#next - first) / (end - first);
  }

  get isDone(): boolean {
    return this.#next >= this.#events.end;
  }

  /** Undefined: all types. */
  select(types: ReadonlySet<string> | undefined): void {
    this.#selected = types;
    const shown = this.#typeNames.map((name) => types === undefined || types.has(name));
    this.#matches = [];
    this.#matchesFrom = 0;
    for (let i = this.#passingFrom; i < this.#passing.length; i++)
      if (shown[this.#types[i]!]) this.#matches.push(this.#passing[i]!);
  }

  /** Goes on for so long at most, and says whether all was looked at. */
  advance(budgetMs: number, now: () => number): boolean {
    this.#forget();
    const until = now() + budgetMs;
    const { end } = this.#events;
    while (this.#next < end) {
      const stop = Math.min(end, this.#next + eventsPerLook);
      for (; this.#next < stop; this.#next++) this.#look(this.#next);
      if (now() >= until) break;
    }
    return this.isDone;
  }

  /** How many of the found events have a smaller number. */
  countBefore(end: number): number {
    let low = this.#matchesFrom;
    let high = this.#matches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#matches[middle]! < end) low = middle + 1;
      else high = middle;
    }
    return low - this.#matchesFrom;
  }

  /** The number of the found event at that place. */
  at(place: number): number | undefined {
    return this.#matches[this.#matchesFrom + place];
  }

  #look(index: number): void {
    const event = this.#events.get(index);
    if (event === undefined) return;
    const at = this.#events.timeAt(index) ?? event.at;
    if (!this.#passes(event, at - this.#startedAt)) return;
    const type = typeOf(event);
    let number = this.#typeNumbers.get(type);
    if (number === undefined) {
      number = this.#typeNames.push(type) - 1;
      this.#typeNumbers.set(type, number);
    }
    this.#passing.push(index);
    this.#types.push(number);
    this.counts.set(type, (this.counts.get(type) ?? 0) + 1);
    if (this.#selected === undefined || this.#selected.has(type)) this.#matches.push(index);
  }

  #forget(): void {
    const { first } = this.#events;
    if (this.#next < first) this.#next = first;
    for (; this.#passing[this.#passingFrom]! < first; this.#passingFrom++) {
      const type = this.#typeNames[this.#types[this.#passingFrom]!]!;
      const left = this.counts.get(type)! - 1;
      if (left === 0) this.counts.delete(type);
      else this.counts.set(type, left);
    }
    while (this.#matches[this.#matchesFrom]! < first) this.#matchesFrom++;
    if (this.#passingFrom > maxForgotten) {
      this.#passing = this.#passing.slice(this.#passingFrom);
      this.#types = this.#types.slice(this.#passingFrom);
      this.#passingFrom = 0;
    }
    if (this.#matchesFrom > maxForgotten) {
      this.#matches = this.#matches.slice(this.#matchesFrom);
      this.#matchesFrom = 0;
    }
  }
}
