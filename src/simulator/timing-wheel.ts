/**
 * A hierarchical timing wheel with contiguous slots (after Varghese and Lauck 1987, "Hashed and hierarchical timing
 * wheels"). Time is cut into blocks of 4096 ms and superblocks of 4096 blocks:
 *
 *     near   a slot for each millisecond of this block and the next
 *     far    a slot for each block of this superblock and the next (4.7 to 9.3 hours)
 *     later  a heap, for what is beyond
 *
 * Whoever enters a block pours the far slot of the block after it into the near slots. So a slot has received all
 * that was poured before anything can be put into it directly, and events of one time stay in the order in which they
 * came. A slot is one array of three-word events: taking the next event reads the next words, which is why this is an
 * order of magnitude faster than a heap (bench/simulator).
 */
import { type Agenda, latestTime } from "./agenda.ts";
import { HeapAgenda } from "./heap-agenda.ts";

const bits = 12;
const blockMs = 1 << bits;
/** Slots of a ring: two blocks' worth, so that an index names one time only. */
const slots = 2 * blockMs;
const mask = slots - 1;
const nearWords = 3;
/** Far events carry their millisecond within the block, too. */
const farWords = 4;
const smallestSlotWords = 48;

export class TimingWheel implements Agenda {
  at = 0;
  row = 0;
  head = 0;
  payload = 0;
  readonly #near = new Ring();
  readonly #far = new Ring();
  readonly #later = new HeapAgenda();
  /** The block that time is in; near slots hold it and the next. */
  #block = 0;
  /** Its first millisecond. */
  #blockStart = 0;
  /** Blocks up to this one have been poured into near slots. */
  #pouredTo = 1;
  /** Superblocks up to this one have been moved from the heap into far slots. */
  #movedTo = 1;
  /** The near slot that is being read, and how far. */
  #slot = 0;
  #read = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }
  get memoryBytes(): number {
    return this.#near.memoryBytes + this.#far.memoryBytes + this.#later.memoryBytes;
  }

  push(at: number, row: number, head: number, payload: number): void {
    if (!(at >= this.at)) throw new RangeError(`at: ${at} is not a time to come`);
    if (at - this.#blockStart < slots) this.#near.add3(at & mask, row, head, payload);
    else this.#pushFar(at, row, head, payload);
    this.#size++;
  }

  next(until: number): boolean {
    for (;;) {
      const slot = this.#slot;
      const read = this.#read;
      if (read < this.#near.lengths[slot]!) {
        const at = this.#timeOf(slot);
        if (at > until) return false;
        const words = this.#near.buffers[slot]!;
        this.#read = read + nearWords;
        this.at = at;
        this.row = words[read]!;
        this.head = words[read + 1]!;
        this.payload = words[read + 2]!;
        this.#size--;
        return true;
      }
      if (read > 0) this.#near.release(slot);
      this.#read = 0;
      if (this.#advance(until)) continue;
      if (until > this.at && until < Number.POSITIVE_INFINITY) this.at = until;
      return false;
    }
  }

  #timeOf(slot: number): number {
    return this.#blockStart + ((slot - this.#blockStart) & mask);
  }

  #pushFar(at: number, row: number, head: number, payload: number): void {
    if (at > latestTime) throw new RangeError(`at: ${at} is beyond the end of time`);
    const block = Math.floor(at / blockMs);
    if (Math.floor(block / blockMs) > this.#movedTo) this.#later.push(at, row, head, payload);
    else this.#far.add4(block & mask, row, head, payload, at - block * blockMs);
  }

  /** Goes to the next slot that holds something, never beyond `until`; false if there is none. */
  #advance(until: number): boolean {
    if (this.#size === 0) return false;
    // The rest of this block, then the next one, whose slots are poured too.
    const start = this.#slot;
    const untilEnd = blockMs - (start & (blockMs - 1));
    const found = this.#near.nextOccupied(start, untilEnd);
    if (found >= 0) {
      if (this.#timeOf(found) > until) return false;
      this.#slot = found;
      return true;
    }
    const block = this.#nextBlock();
    if (block * blockMs > until) return false;
    this.#enter(block);
    return true;
  }

  /** The next block after this one that may hold something. */
  #nextBlock(): number {
    const next = this.#block + 1;
    if (this.#near.nextOccupied((next * blockMs) & mask, blockMs) >= 0) return next;
    const far = this.#far.nextOccupied((next + 1) & mask, slots - 2);
    const farBlock = far < 0 ? Number.POSITIVE_INFINITY : next + 1 + ((far - (next + 1)) & mask);
    return Math.min(farBlock, Math.floor(this.#later.firstAt / blockMs));
  }

  #enter(block: number): void {
    this.#block = block;
    this.#blockStart = block * blockMs;
    this.#slot = this.#blockStart & mask;
    const superblock = Math.floor(block / blockMs);
    if (superblock + 1 > this.#movedTo) {
      this.#movedTo = superblock + 1;
      this.#moveLater((superblock + 2) * blockMs * blockMs);
    }
    for (let poured = Math.max(this.#pouredTo + 1, block); poured <= block + 1; poured++) this.#pour(poured);
    this.#pouredTo = block + 1;
  }

  /** What is due before `end` goes from the heap into far slots. */
  #moveLater(end: number): void {
    const later = this.#later;
    while (later.firstAt < end) {
      later.next(end);
      const block = Math.floor(later.at / blockMs);
      this.#far.add4(block & mask, later.row, later.head, later.payload, later.at - block * blockMs);
    }
  }

  #pour(block: number): void {
    const slot = block & mask;
    const length = this.#far.lengths[slot]!;
    if (length === 0) return;
    const words = this.#far.buffers[slot]!;
    const first = (block * blockMs) & mask;
    for (let i = 0; i < length; i += farWords) {
      this.#near.add3(first + words[i + 3]!, words[i]!, words[i + 1]!, words[i + 2]!);
    }
    this.#far.release(slot);
  }
}

/** Slots that grow as they are filled, and hand their arrays on to others when they are empty again. */
class Ring {
  readonly buffers: (Int32Array | undefined)[] = new Array(slots).fill(undefined);
  /** In words. */
  readonly lengths = new Int32Array(slots);
  /** A bit for each slot that holds something. */
  readonly #occupied = new Int32Array(slots / 32);
  /** Empty arrays, by the logarithm of their size. */
  readonly #spare: Int32Array[][] = Array.from({ length: 32 }, () => []);
  #allocatedWords = 0;

  get memoryBytes(): number {
    return 4 * this.#allocatedWords + this.lengths.byteLength + 8 * slots;
  }

  add3(slot: number, row: number, head: number, payload: number): void {
    const length = this.lengths[slot]!;
    let words = this.buffers[slot];
    if (words === undefined || length + nearWords > words.length) words = this.#grow(slot, length);
    words[length] = row;
    words[length + 1] = head;
    words[length + 2] = payload;
    this.lengths[slot] = length + nearWords;
  }

  add4(slot: number, row: number, head: number, payload: number, extra: number): void {
    const length = this.lengths[slot]!;
    let words = this.buffers[slot];
    if (words === undefined || length + farWords > words.length) words = this.#grow(slot, length);
    words[length] = row;
    words[length + 1] = head;
    words[length + 2] = payload;
    words[length + 3] = extra;
    this.lengths[slot] = length + farWords;
  }

  release(slot: number): void {
    const words = this.buffers[slot]!;
    this.buffers[slot] = undefined;
    this.lengths[slot] = 0;
    this.#occupied[slot >> 5]! &= ~(1 << (slot & 31));
    this.#spare[sizeClass(words.length)]!.push(words);
  }

  /** The first slot that holds something among `count` slots from `start` on, round the ring; -1 if there is none. */
  nextOccupied(start: number, count: number): number {
    let slot = start;
    let left = count;
    while (left > 0) {
      const bit = slot & 31;
      const word = (this.#occupied[slot >> 5]! >>> bit) | 0;
      const width = Math.min(32 - bit, left);
      if (word !== 0) {
        const distance = 31 - Math.clz32(word & -word);
        return distance < width ? slot + distance : -1;
      }
      left -= width;
      slot = (slot + width) & mask;
    }
    return -1;
  }

  #grow(slot: number, length: number): Int32Array {
    const old = this.buffers[slot];
    const wanted = old === undefined ? smallestSlotWords : old.length * 2;
    let words = this.#spare[sizeClass(wanted)]!.pop();
    if (words === undefined) {
      words = new Int32Array(wanted);
      this.#allocatedWords += wanted;
    }
    if (old !== undefined) {
      words.set(old.subarray(0, length));
      this.#spare[sizeClass(old.length)]!.push(old);
    }
    this.buffers[slot] = words;
    this.#occupied[slot >> 5]! |= 1 << (slot & 31);
    return words;
  }
}

function sizeClass(words: number): number {
  return 31 - Math.clz32(words / smallestSlotWords);
}
