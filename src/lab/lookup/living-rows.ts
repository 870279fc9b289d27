/** The rows that live: added, removed and picked from in no time that grows with their number. */
import {
  type Candidate,
  type Identity,
  identityOf,
  type PeerSampler,
  type Random,
} from "../../core/index.ts";
import type { KeySpace } from "./key-space.ts";

export class LivingRows {
  /** The living are the first `size` of it; in an order that is the same in each run. */
  readonly #rows: Int32Array;
  /** Where a row is in `#rows`; -1 if it does not live. */
  readonly #places: Int32Array;
  #size = 0;

  constructor(rows: number) {
    this.#rows = new Int32Array(rows);
    this.#places = new Int32Array(rows).fill(-1);
  }

  get size(): number {
    return this.#size;
  }

  has(row: number): boolean {
    return this.#places[row]! >= 0;
  }

  /** The living row of that number, 0 to `size` - 1. */
  at(place: number): number {
    return this.#rows[place]!;
  }

  /** A copy. */
  all(): number[] {
    return Array.from(this.#rows.subarray(0, this.#size));
  }

  add(row: number): void {
    if (this.has(row)) return;
    this.#places[row] = this.#size;
    this.#rows[this.#size++] = row;
  }

  remove(row: number): void {
    const place = this.#places[row]!;
    if (place < 0) return;
    const last = this.#rows[--this.#size]!;
    this.#rows[place] = last;
    this.#places[last] = place;
    this.#places[row] = -1;
  }

  /** Up to `count` different ones, at random. */
  sample(count: number, random: Random, accept: (row: number) => boolean = () => true): number[] {
    const chosen = new Set<number>();
    // Few of many: drawing again is cheaper than a shuffle, and it ends.
    for (let draws = 0; draws < 20 * count && chosen.size < Math.min(count, this.#size); draws++) {
      const row = this.at(random.below(this.#size));
      if (accept(row)) chosen.add(row);
    }
    return [...chosen];
  }
}

/** What an ideal membership would tell a node: all who live, at once. */
export class LivingSampler implements PeerSampler {
  readonly #living: LivingRows;
  readonly #keys: KeySpace;
  readonly #row: number;

  constructor(living: LivingRows, keys: KeySpace, row: number) {
    this.#living = living;
    this.#keys = keys;
    this.#row = row;
  }

  get size(): number {
    return this.#living.size - (this.#living.has(this.#row) ? 1 : 0);
  }

  sample(count: number, random: Random, accept?: (candidate: Candidate) => boolean): Candidate[] {
    return this.#living
      .sample(count, random, (row) => row !== this.#row && (accept?.(this.#candidate(row)) ?? true))
      .map((row) => this.#candidate(row));
  }

  get(identity: Identity): Candidate | undefined {
    const living = this.#living.all().find((row) => identityOf(this.#keys.nodes[row]!.node) === identity);
    return living === undefined ? undefined : this.#candidate(living);
  }

  #candidate(row: number): Candidate {
    return { peer: this.#keys.nodes[row]!.node, since: 0 };
  }
}
