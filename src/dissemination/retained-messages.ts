import { HashIndex, hashNumbers, hashText, identityOf, type Millis } from "../core/index.ts";
import type { Gossip, MessageId } from "./messages.ts";

/**
 * Messages that are kept for those who lack them: a queue in order of first receipt, and an index that finds each by
 * its id. Every copy of every message is looked up here, and each peer keeps thousands of them.
 */
export class Retained {
  readonly gossip: Gossip;
  readonly receivedAt: Millis;
  /** Of the id: all copies have the same, whatever address the origin had. */
  readonly hash: number;
  /** The life of the origin that it is of. */
  readonly life: { readonly isForgotten: boolean } | undefined;
  /** When the neighbor in each place sent it or got it; `never` where it did not. */
  readonly #heldAt: Millis[];

  /** `places`: how many of them there are so far; there may come more. */
  constructor(fields: Pick<Retained, "gossip" | "receivedAt" | "hash" | "life"> & { places: number }) {
    this.gossip = fields.gossip;
    this.receivedAt = fields.receivedAt;
    this.hash = fields.hash;
    this.life = fields.life;
    this.#heldAt = new Array<Millis>(fields.places).fill(never);
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
  /** Goes round; its length is a power of two. */
  #ring: (Retained | undefined)[] = new Array(firstCapacity).fill(undefined);
  #oldest = 0;
  #size = 0;
  /** Places in the ring by the hash of the id. */
  #index = new HashIndex();

  get size(): number {
    return this.#size;
  }
  get oldest(): Retained | undefined {
    return this.#size === 0 ? undefined : this.#ring[this.#oldest];
  }

  find(id: MessageId, hash: number): Retained | undefined {
    const place = this.#placeOf(id, hash);
    return place < 0 ? undefined : this.#ring[place];
  }

  /** Adds as the youngest; or in the place of the one with the same id, which is returned. */
  put(retained: Retained): Retained | undefined {
    const place = this.#placeOf(retained.gossip.statement, retained.hash);
    if (place >= 0) {
      const replaced = this.#ring[place];
      this.#ring[place] = retained;
      return replaced;
    }
    if (this.#size === this.#ring.length) this.#grow();
    this.#add(retained);
    return undefined;
  }

  removeOldest(): void {
    const retained = this.oldest;
    if (retained === undefined) return;
    this.#index.delete(retained.hash, this.#oldest);
    this.#ring[this.#oldest] = undefined;
    this.#oldest = (this.#oldest + 1) & (this.#ring.length - 1);
    this.#size--;
  }

  /** The oldest first. */
  *[Symbol.iterator](): Generator<Retained, undefined> {
    for (let i = 0; i < this.#size; i++) yield this.#ring[(this.#oldest + i) & (this.#ring.length - 1)]!;
  }

  /** So many of the youngest, the youngest first. */
  latest(count: number): Retained[] {
    const latest: Retained[] = [];
    for (let i = this.#size - 1; i >= Math.max(0, this.#size - count); i--)
      latest.push(this.#ring[(this.#oldest + i) & (this.#ring.length - 1)]!);
    return latest;
  }

  #placeOf(id: MessageId, hash: number): number {
    const ring = this.#ring;
    return this.#index.find(hash, (place) => isSame(ring[place]!.gossip.statement, id));
  }

  #add(retained: Retained): void {
    const place = (this.#oldest + this.#size++) & (this.#ring.length - 1);
    this.#ring[place] = retained;
    this.#index.add(retained.hash, place);
  }

  #grow(): void {
    const all = [...this];
    this.#ring = new Array(2 * all.length).fill(undefined);
    this.#index = new HashIndex();
    this.#oldest = 0;
    this.#size = 0;
    for (const retained of all) this.#add(retained);
  }
}

/** What `RetainedMessages` finds a message by, as a signed number, which takes no box of its own. */
export function hashOf({ origin, incarnation, sequence }: MessageId): number {
  const identity = identityOf(origin);
  const seed = typeof identity === "number" ? identity : hashText(identity);
  return hashNumbers([incarnation, sequence], seed) | 0;
}

function isSame(a: MessageId, b: MessageId): boolean {
  if (a.sequence !== b.sequence || a.incarnation !== b.incarnation) return false;
  return a.origin === b.origin || identityOf(a.origin) === identityOf(b.origin);
}
