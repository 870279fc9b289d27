import { type Identity, identityOf, type Random } from "../core/index.ts";
import type { ListEntry } from "./messages.ts";
import { isElder } from "./seniority.ts";

/** What the table needs of an entry, and keeps up to date itself. */
export interface Listed {
  /** What is handed out of it: one object for all who ask. */
  line: ListEntry;
  /** Its place in the order of registration. */
  place: number;
}

/** How many of the eldest are in every excerpt. */
const eldestHandedOut = 8;

/**
 * The peer list as a table: by identity, in the order of registration, and with the eldest at hand. What is asked for
 * most, an excerpt of a long list, costs what the excerpt costs and not what the list does.
 */
export class ListedPeers<Entry extends Listed> {
  readonly #entries = new Map<Identity, Entry>();
  /** The lines of #entries in their order: an entry's place is the index of its line. */
  readonly #lines: ListEntry[] = [];
  /** The eldest, elder first, one more than are handed out: the asker may be among them. Empty: to be found anew. */
  #eldest: ListEntry[] = [];

  get size(): number {
    return this.#entries.size;
  }
  get(identity: Identity): Entry | undefined {
    return this.#entries.get(identity);
  }
  has(identity: Identity): boolean {
    return this.#entries.has(identity);
  }
  /** In the order of registration. Entries may be deleted while this goes on. */
  values(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** Somebody who is not in the table. */
  add(entry: Entry): void {
    this.#entries.set(identityOf(entry.line.peer), entry);
    entry.place = this.#lines.length;
    this.#lines.push(entry.line);
    if (this.#eldest.length > 0) this.#rank(entry.line);
  }

  /** The same identity, perhaps at another address or of another age. */
  relist(entry: Entry, line: ListEntry): void {
    if (entry.line.peer === line.peer && entry.line.since === line.since) return;
    entry.line = line;
    this.#lines[entry.place] = line;
    this.#eldest = [];
  }

  delete(identity: Identity): void {
    const entry = this.#entries.get(identity);
    if (entry === undefined) return;
    this.#entries.delete(identity);
    this.#lines.splice(entry.place, 1);
    for (const other of this.#entries.values()) if (other.place > entry.place) other.place--;
    if (this.#eldest.includes(entry.line)) this.#eldest = [];
  }

  /**
   * Everybody but the asker, if they are not more than `limit`; else that many at most: the eldest, so that everybody
   * finds an elder, and a random part.
   */
  excerptFor(asker: Identity, limit: number, random: Random): ListEntry[] {
    const own = this.#entries.get(asker);
    const others = this.#lines.length - (own === undefined ? 0 : 1);
    if (others <= limit) return this.#lines.filter((line) => line !== own?.line);
    const eldest = this.#eldestBut(own);
    const excerpt = eldest.slice();
    for (const line of this.#sampleBut(own, limit - eldest.length, random))
      if (!eldest.includes(line)) excerpt.push(line);
    return excerpt;
  }

  #eldestBut(own: Entry | undefined): ListEntry[] {
    if (this.#eldest.length === 0) for (const line of this.#lines) this.#rank(line);
    return this.#eldest.filter((line) => line !== own?.line).slice(0, eldestHandedOut);
  }

  /** Takes the line up among the eldest, if it is one of them. */
  #rank(line: ListEntry): void {
    const eldest = this.#eldest;
    let place = eldest.length;
    while (place > 0 && isElder(line, eldest[place - 1]!)) place--;
    if (place > eldestHandedOut) return;
    eldest.splice(place, 0, line);
    if (eldest.length > eldestHandedOut + 1) eldest.pop();
  }

  /** Draws as `sample` does, from a list without `own`; not on a copy, but in place, and takes the swaps back. */
  #sampleBut(own: Entry | undefined, count: number, random: Random): ListEntry[] {
    const lines = this.#lines;
    const hole = own?.place ?? lines.length;
    const others = lines.length - (own === undefined ? 0 : 1);
    const indexOf = (other: number) => (other < hole ? other : other + 1);
    const chosen: ListEntry[] = [];
    const drawn: number[] = [];
    for (let i = 0; i < count; i++) {
      const j = i + random.below(others - i);
      drawn.push(j);
      chosen.push(lines[indexOf(j)]!);
      lines[indexOf(j)] = lines[indexOf(i)]!;
    }
    for (let i = count - 1; i >= 0; i--) {
      lines[indexOf(i)] = lines[indexOf(drawn[i]!)]!;
      lines[indexOf(drawn[i]!)] = chosen[i]!;
    }
    return chosen;
  }
}
