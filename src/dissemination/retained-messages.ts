/**
 * Messages that are kept for those who lack them: a queue in order of first receipt, with a table over it that finds
 * each by its id. Every copy of every message is looked up here, and a busy peer keeps thousands, so both are flat:
 * the queue is a ring, and the table holds places in it (open addressing, linear probing). Benchmark: bench/scale.mjs.
 */
import { identityOf, type Millis, type NodeId } from "../core/index.ts";
import type { Gossip } from "./messages.ts";

/** Which message: the origin's identity counts, not its address. */
export interface MessageId {
  readonly origin: NodeId;
  readonly incarnation: number;
  readonly sequence: number;
}

export class Retained {
  readonly gossip: Gossip;
  readonly receivedAt: Millis;
  /** Of the id: all copies have the same, whatever address the origin had. */
  readonly hash: number;
  /** When the neighbor in each place sent it or got it; `never` where it did not. */
  readonly #heldAt: Millis[];

  constructor(gossip: Gossip, receivedAt: Millis, hash: number, places: number) {
    this.gossip = gossip;
    this.receivedAt = receivedAt;
    this.hash = hash;
    this.#heldAt = new Array<Millis>(places).fill(never);
  }

  isHeldBy(place: number): boolean {
    return place < this.#heldAt.length && this.#heldAt[place] !== never;
  }
  /** Undefined if that neighbor neither sent it nor got it. */
  heldAt(place: number): Millis | undefined {
    return this.isHeldBy(place) ? this.#heldAt[place] : undefined;
  }
  note(place: number, at: Millis): void {
    while (this.#heldAt.length <= place) this.#heldAt.push(never);
    this.#heldAt[place] = at;
  }
  forget(place: number): void {
    if (place < this.#heldAt.length) this.#heldAt[place] = never;
  }
}

const never = -1;
const firstCapacity = 8;

export class RetainedMessages {
  /** Its length is a power of two. */
  #ring: (Retained | undefined)[] = new Array(firstCapacity).fill(undefined);
  #oldest = 0;
  #size = 0;
  /** Places in the ring, plus one; 0 is empty. Always twice as long as the ring, so at most half full. */
  #table = new Int32Array(2 * firstCapacity);

  get size(): number {
    return this.#size;
  }
  get oldest(): Retained | undefined {
    return this.#size === 0 ? undefined : this.#ring[this.#oldest];
  }

  find(id: MessageId, hash: number): Retained | undefined {
    const place = this.#table[this.#slotOf(id, hash)]!;
    return place === 0 ? undefined : this.#ring[place - 1];
  }

  /** Adds as the youngest; or in the place of the one with the same id, which is returned. */
  put(retained: Retained): Retained | undefined {
    const slot = this.#slotOf(retained.gossip.statement, retained.hash);
    const place = this.#table[slot]!;
    if (place !== 0) {
      const replaced = this.#ring[place - 1];
      this.#ring[place - 1] = retained;
      return replaced;
    }
    if (this.#size === this.#ring.length) {
      this.#grow();
      this.put(retained);
      return undefined;
    }
    const youngest = (this.#oldest + this.#size) & (this.#ring.length - 1);
    this.#ring[youngest] = retained;
    this.#table[slot] = youngest + 1;
    this.#size++;
    return undefined;
  }

  removeOldest(): void {
    const retained = this.#ring[this.#oldest];
    if (retained === undefined) return;
    this.#empty(this.#slotOf(retained.gossip.statement, retained.hash));
    this.#ring[this.#oldest] = undefined;
    this.#oldest = (this.#oldest + 1) & (this.#ring.length - 1);
    this.#size--;
  }

  /** The oldest first. */
  *[Symbol.iterator](): Generator<Retained, undefined> {
    for (let i = 0; i < this.#size; i++) yield this.#ring[(this.#oldest + i) & (this.#ring.length - 1)]!;
  }

  /** Where in the table the message is, or would be. */
  #slotOf(id: MessageId, hash: number): number {
    const mask = this.#table.length - 1;
    let slot = hash & mask;
    for (;;) {
      const place = this.#table[slot]!;
      if (place === 0) return slot;
      const there = this.#ring[place - 1]!;
      if (there.hash === hash && isSame(there.gossip.statement, id)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Moves those behind the gap forward, as far as each may go, so that no search stops short. */
  #empty(slot: number): void {
    const mask = this.#table.length - 1;
    let gap = slot;
    for (let next = (gap + 1) & mask; this.#table[next] !== 0; next = (next + 1) & mask) {
      const wanted = this.#ring[this.#table[next]! - 1]!.hash & mask;
      if (((next - wanted) & mask) < ((next - gap) & mask)) continue; // it would come before where it is searched
      this.#table[gap] = this.#table[next]!;
      gap = next;
    }
    this.#table[gap] = 0;
  }

  #grow(): void {
    const all = [...this];
    this.#ring = new Array(2 * this.#ring.length).fill(undefined);
    this.#table = new Int32Array(2 * this.#ring.length);
    this.#oldest = 0;
    this.#size = 0;
    for (const retained of all) this.put(retained);
  }
}

function isSame(a: MessageId, b: MessageId): boolean {
  if (a.sequence !== b.sequence || a.incarnation !== b.incarnation) return false;
  return a.origin === b.origin || identityOf(a.origin) === identityOf(b.origin);
}
