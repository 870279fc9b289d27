/**
 * When the last message of each pair of nodes arrives: what keeps streams in order.
 *
 * A hash table, open addressing with linear probing, in one column: a pair and its time lie side by side. Whenever it
 * is half full, what lies in the past is left behind, so that it holds no more than a constant times what is in flight.
 * A `Map` would keep a heap number for each key, because pairs do not fit into 31 bits.
 */
import { scramble } from "./counter-random.ts";

const smallestCapacity = 1024;
const empty = -1;

export class LastArrivals {
  readonly #rows: number;
  /** For each slot the pair, as from * rows + to or `empty`, and the arrival. */
  #slots = new Float64Array(2 * smallestCapacity).fill(empty);
  #capacity = smallestCapacity;
  #size = 0;

  constructor(rows: number) {
    this.#rows = rows;
  }

  /** Pairs that are kept: in flight, or not yet left behind. */
  get size(): number {
    return this.#size;
  }

  /** The time at which this message arrives: `at`, or with the last one of its pair if that arrives later. */
  inOrder(from: number, to: number, at: number, now: number): number {
    if (this.#size * 2 >= this.#capacity) this.#leaveBehind(now);
    const slots = this.#slots;
    const pair = from * this.#rows + to;
    const slot = this.#slotOf(pair, from, to);
    if (slots[slot] === empty) {
      slots[slot] = pair;
      this.#size++;
    } else if (slots[slot + 1]! > at) {
      return slots[slot + 1]!;
    }
    slots[slot + 1] = at;
    return at;
  }

  clear(): void {
    this.#allocate(smallestCapacity);
  }

  /** Where the pair is, or where it would be. */
  #slotOf(pair: number, from: number, to: number): number {
    const slots = this.#slots;
    const mask = this.#capacity - 1;
    let slot = scramble(Math.imul(from, 0x9e3779b9) ^ to) & mask;
    while (slots[2 * slot] !== empty && slots[2 * slot] !== pair) slot = (slot + 1) & mask;
    return 2 * slot;
  }

  /** What has arrived can hold nobody up. Makes the table as large as what is left wants it. */
  #leaveBehind(now: number): void {
    const old = this.#slots;
    let left = 0;
    for (let slot = 0; slot < old.length; slot += 2) {
      if (old[slot] !== empty && old[slot + 1]! > now) left++;
    }
    let capacity = smallestCapacity;
    // At most a quarter full, so that the next time is at least as many new pairs away as this one has moved.
    while (capacity < left * 4) capacity *= 2;
    this.#allocate(capacity);
    for (let slot = 0; slot < old.length; slot += 2) {
      if (old[slot] === empty || old[slot + 1]! <= now) continue;
      const pair = old[slot]!;
      const from = Math.floor(pair / this.#rows);
      const free = this.#slotOf(pair, from, pair - from * this.#rows);
      this.#slots[free] = pair;
      this.#slots[free + 1] = old[slot + 1]!;
      this.#size++;
    }
  }

  #allocate(capacity: number): void {
    this.#slots = new Float64Array(2 * capacity).fill(empty);
    this.#capacity = capacity;
    this.#size = 0;
  }
}
