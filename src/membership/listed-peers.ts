import { type Identity, identityOf, type Random } from "../core/index.ts";
import type { ListEntry } from "./messages.ts";
import { isElder } from "./seniority.ts";

/** What the table needs of an entry; it keeps both up to date itself. */
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
  /** The values of #entries in their order: the place of an entry is its index. */
  readonly #order: Entry[] = [];
  /** The eldest, elder first, one more than are handed out: the asker may be among them. Empty: to be found anew. */
  #eldest: Entry[] = [];

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
    entry.place = this.#order.length;
    this.#order.push(entry);
    if (this.#eldest.length > 0) this.#rank(entry);
  }

  /** The same identity, perhaps at another address or of another age. */
  relist(entry: Entry, line: ListEntry): void {
    if (entry.line.peer === line.peer && entry.line.since === line.since) return;
    this.#eldest = [];
    entry.line = line;
  }

  delete(identity: Identity): void {
    const entry = this.#entries.get(identity);
    if (entry === undefined) return;
    this.#entries.delete(identity);
    this.#order.splice(entry.place, 1);
    for (let i = entry.place; i < this.#order.length; i++) this.#order[i]!.place = i;
    if (this.#eldest.includes(entry)) this.#eldest = [];
  }

  /**
   * Everybody but the asker, if they are not more than `limit`; else that many at most: the eldest, so that everybody
   * finds an elder, and a random part.
   */
  excerptFor(asker: Identity, limit: number, random: Random): ListEntry[] {
    const own = this.#entries.get(asker);
    const others = this.#order.length - (own === undefined ? 0 : 1);
    if (others <= limit) return this.#order.filter((entry) => entry !== own).map(({ line }) => line);
    const eldest = this.#eldestBut(own);
    const chosen = new Set(eldest);
    for (const entry of this.#sampleBut(own, limit - eldest.length, random)) chosen.add(entry);
    return Array.from(chosen, ({ line }) => line);
  }

  #eldestBut(own: Entry | undefined): Entry[] {
    if (this.#eldest.length === 0) for (const entry of this.#order) this.#rank(entry);
    return this.#eldest.filter((entry) => entry !== own).slice(0, eldestHandedOut);
  }

  /** Takes the entry up among the eldest, if it is one of them. */
  #rank(entry: Entry): void {
    const eldest = this.#eldest;
    let place = eldest.length;
    while (place > 0 && isElder(entry.line, eldest[place - 1]!.line)) place--;
    if (place > eldestHandedOut) return;
    eldest.splice(place, 0, entry);
    if (eldest.length > eldestHandedOut + 1) eldest.pop();
  }

  /** Draws as `sample` does, from a list without `own`; not on a copy, but in place, and takes the swaps back. */
  #sampleBut(own: Entry | undefined, count: number, random: Random): Entry[] {
    const order = this.#order;
    const hole = own?.place ?? order.length;
    const others = order.length - (own === undefined ? 0 : 1);
    const indexOf = (other: number) => (other < hole ? other : other + 1);
    const drawn: number[] = [];
    for (let i = 0; i < count; i++) {
      const j = i + random.below(others - i);
      drawn.push(j);
      swap(order, indexOf(i), indexOf(j));
    }
    const chosen = drawn.map((_, i) => order[indexOf(i)]!);
    for (let i = count - 1; i >= 0; i--) swap(order, indexOf(i), indexOf(drawn[i]!));
    return chosen;
  }
}

function swap(list: unknown[], i: number, j: number): void {
  const kept = list[i];
  list[i] = list[j];
  list[j] = kept;
}
