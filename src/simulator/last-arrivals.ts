/**
 * When the last message of each pair of nodes arrives: what keeps streams in order.
 *
 * A hash table in three columns, open addressing with linear probing. Whenever it fills up, what lies in the past is
 * left behind, so that it holds no more than a constant times what is in flight. A `Map` would need a heap number for
 * each key, because pairs do not fit into 31 bits.
 */
import { scramble } from "./counter-random.ts";

const smallestCapacity = 1024;
const empty = -1;

export class LastArrivals {
  #from = new Int32Array(smallestCapacity).fill(empty);
  #to = new Int32Array(smallestCapacity);
  #at = new Float64Array(smallestCapacity);
  #size = 0;

  /** Pairs that are kept, in flight or not yet forgotten. */
  get size(): number {
    return this.#size;
  }

  /** The time at which this message arrives: `at`, or with the last one of its pair if that arrives later. */
  inOrder(from: number, to: number, at: number, now: number): number {
    if (this.#size * 2 >= this.#from.length) this.#rebuild(now);
    const slot = this.#slotOf(from, to);
    if (this.#from[slot] === empty) {
      this.#from[slot] = from;
      this.#to[slot] = to;
      this.#size++;
    } else if (this.#at[slot]! > at) {
      return this.#at[slot]!;
    }
    this.#at[slot] = at;
    return at;
  }

  clear(): void {
    this.#allocate(smallestCapacity);
  }

  /** Where the pair is, or where it would be. */
  #slotOf(from: number, to: number): number {
    const mask = this.#from.length - 1;
    let slot = scramble(Math.imul(from, 0x9e3779b9) ^ to) & mask;
    while (this.#from[slot] !== empty && (this.#from[slot] !== from || this.#to[slot] !== to)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** What arrives before now can hold nobody up. Makes the table as large as what is left wants it. */
  #rebuild(now: number): void {
    const [from, to, at] = [this.#from, this.#to, this.#at];
    let left = 0;
    for (let slot = 0; slot < from.length; slot++) {
      if (from[slot] !== empty && at[slot]! > now) left++;
    }
    let capacity = smallestCapacity;
    // At most a quarter full, so that the next rebuild is as many new pairs away as this one has moved.
    while (capacity < left * 4) capacity *= 2;
    this.#allocate(capacity);
    for (let slot = 0; slot < from.length; slot++) {
      if (from[slot] === empty || at[slot]! <= now) continue;
      const free = this.#slotOf(from[slot]!, to[slot]!);
      this.#from[free] = from[slot]!;
      this.#to[free] = to[slot]!;
      this.#at[free] = at[slot]!;
      this.#size++;
    }
  }

  #allocate(capacity: number): void {
    this.#from = new Int32Array(capacity).fill(empty);
    this.#to = new Int32Array(capacity);
    this.#at = new Float64Array(capacity);
    this.#size = 0;
  }
}
