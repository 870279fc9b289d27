import { type Agenda, latestTime } from "./agenda.ts";

/** A binary heap over typed arrays, ordered by time and then by the order of pushing. Simple, and the reference. */
export class HeapAgenda implements Agenda {
  at = 0;
  row = 0;
  head = 0;
  payload = 0;
  #size = 0;
  #order = 0;
  #capacity = 64;
  #times = new Float64Array(this.#capacity);
  #orders = new Float64Array(this.#capacity);
  #words = new Int32Array(3 * this.#capacity);

  get size(): number {
    return this.#size;
  }
  get memoryBytes(): number {
    return this.#times.byteLength + this.#orders.byteLength + this.#words.byteLength;
  }
  /** When the first event is due; `Infinity` if there is none. */
  get firstAt(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#times[0]!;
  }

  push(at: number, row: number, head: number, payload: number): void {
    if (!(at >= this.at && at <= latestTime)) throw new RangeError(`at: ${at} is not a time to come`);
    if (this.#size === this.#capacity) this.#grow();
    const order = this.#order++;
    let i = this.#size++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.#times[parent]! <= at) break; // of equal times the new one is the later
      this.#move(parent, i);
      i = parent;
    }
    this.#put(i, at, order, row, head, payload);
  }

  next(until: number): boolean {
    if (this.#size === 0 || this.#times[0]! > until) {
      if (until > this.at && until < Number.POSITIVE_INFINITY) this.at = until;
      return false;
    }
    this.at = this.#times[0]!;
    this.row = this.#words[0]!;
    this.head = this.#words[1]!;
    this.payload = this.#words[2]!;
    const last = --this.#size;
    if (last > 0) this.#sink(last);
    return true;
  }

  /** Puts the event at index `last` where the first one was, and lets it sink. */
  #sink(last: number): void {
    const at = this.#times[last]!;
    const order = this.#orders[last]!;
    const row = this.#words[3 * last]!;
    const head = this.#words[3 * last + 1]!;
    const payload = this.#words[3 * last + 2]!;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#isBefore(child + 1, this.#times[child]!, this.#orders[child]!)) child++;
      if (!this.#isBefore(child, at, order)) break;
      this.#move(child, i);
      i = child;
    }
    this.#put(i, at, order, row, head, payload);
  }

  #isBefore(i: number, at: number, order: number): boolean {
    const time = this.#times[i]!;
    return time < at || (time === at && this.#orders[i]! < order);
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#orders[to] = this.#orders[from]!;
    this.#words[3 * to] = this.#words[3 * from]!;
    this.#words[3 * to + 1] = this.#words[3 * from + 1]!;
    this.#words[3 * to + 2] = this.#words[3 * from + 2]!;
  }

  #put(i: number, at: number, order: number, row: number, head: number, payload: number): void {
    this.#times[i] = at;
    this.#orders[i] = order;
    this.#words[3 * i] = row;
    this.#words[3 * i + 1] = head;
    this.#words[3 * i + 2] = payload;
  }

  #grow(): void {
    this.#capacity *= 2;
    const times = new Float64Array(this.#capacity);
    const orders = new Float64Array(this.#capacity);
    const words = new Int32Array(3 * this.#capacity);
    times.set(this.#times);
    orders.set(this.#orders);
    words.set(this.#words);
    this.#times = times;
    this.#orders = orders;
    this.#words = words;
  }
}
