/**
 * Kademlia's routing table (Maymounkov & Mazières 2002, sections 2.2, 2.4 and 4.2): k-buckets, each for the nodes that
 * share so many leading bits with us, each in the order in which they were last seen.
 *
 * Only a table: it asks nobody. The rule by which contacts come and go needs questions, and is in kademlia.ts:
 *
 *     document                                here
 *     sender in kbucket: remove, append       `seen`
 *     len(kbucket) < K_SIZE: append           `hasRoomFor`, `add`
 *     oldest_entry = kbucket.get_head()       `headOf`
 *     kbucket.remove(oldest), append(sender)  `remove`, `add`; until then the sender is parked: `park`
 *
 * There is one bucket at first, for the whole space. A full bucket is split only if our own id lies in it: that is always
 * the last one. The k nearest nodes we want to know without a gap, though the tree around us may be lopsided (section 2.4:
 * the irregular subtree). Deviation: the paper splits further buckets for that; here a bucket takes nodes beyond k
 * as long as they are among the k nearest to us: the same nodes are kept, and buckets stay one row.
 *
 * A contact that was silent stays where it is, but is named to nobody as long as there are others (section 4.1).
 *
 * Memory: all contacts are in one list, bucket after bucket, beside the times when they were seen: 16 bytes for each.
 */
import {
  compareXor,
  invariant,
  type Key,
  type KeyedNode,
  keyBits,
  type Millis,
  type NodeId,
  sharedBits,
} from "../core/index.ts";

export interface KademliaTableConfig {
  readonly self: Key;
  /** Contacts in a bucket, and nodes around us that are known without a gap. */
  readonly k: number;
  /** Newcomers that wait beside a full bucket. */
  readonly maxParked: number;
  /** So many silences in a row, and a contact is believed to be gone. */
  readonly maxFailures: number;
  /** Contacts of one host in the whole table and in one bucket; 0: no limit. */
  readonly maxPerHost: number;
  readonly maxPerHostInBucket: number;
  readonly hostOf: (node: NodeId) => string;
}

const noFailures = new Map<Key, number>();

/** A newcomer that waits until somebody in its bucket is gone. */
export interface Parked {
  readonly contact: KeyedNode;
  /** It has answered a question of ours. */
  readonly isVerified: boolean;
}

export class KademliaTable {
  readonly config: KademliaTableConfig;
  /** Bucket after bucket; in each the least recently seen first. `#seenAt` is parallel. */
  #contacts: KeyedNode[] = [];
  #seenAt: Millis[] = [];
  /** How many are in each bucket. Bucket i: those that share i bits with us; the last: at least so many. */
  #sizes: number[] = [0];
  /** The replacement cache (section 4.1): by bucket, the most recently seen last. Only buckets that have any. */
  readonly #parked: (Parked[] | undefined)[] = [];
  /** Silences in a row; only of those that have any. Most tables have none, and share this map. */
  #failures: Map<Key, number> = noFailures;

  constructor(config: KademliaTableConfig) {
    this.config = config;
  }

  /** Makes an empty table one of these: those of place i share i bits with us, and are there. */
  fill(buckets: readonly (readonly KeyedNode[])[], now: Millis): void {
    invariant(this.#contacts.length === 0, "only an empty table is filled");
    if (buckets.length === 0) return;
    this.#sizes = buckets.map((bucket) => bucket.length);
    const total = this.#sizes.reduce((sum, size) => sum + size, 0);
    // No room behind the last, as what grows has it: 10^6 tables have none to spare.
    const contacts = new Array<KeyedNode>(total);
    let place = 0;
    for (const bucket of buckets) for (const contact of bucket) contacts[place++] = contact;
    this.#contacts = contacts;
    this.#seenAt = new Array<Millis>(total).fill(now);
  }

  // ---- Reading -----------------------------------------------------------------------------------------------------

  get size(): number {
    return this.#contacts.length;
  }
  get bucketCount(): number {
    return this.#sizes.length;
  }
  get parkedCount(): number {
    let count = 0;
    for (const parked of this.#parked) count += parked?.length ?? 0;
    return count;
  }
  /** All contacts, bucket after bucket. Treat as read-only; it changes in place. */
  get contacts(): readonly KeyedNode[] {
    return this.#contacts;
  }

  /** The bucket that this key falls into. */
  bucketOf(key: Key): number {
    return Math.min(sharedBits(this.config.self, key), this.#sizes.length - 1);
  }

  /** What is in a bucket, the least recently seen first. */
  bucket(bucket: number): readonly KeyedNode[] {
    const start = this.#startOf(bucket);
    return this.#contacts.slice(start, start + this.#sizes[bucket]!);
  }

  get(key: Key): KeyedNode | undefined {
    const place = this.#placeOf(key);
    return place < 0 ? undefined : this.#contacts[place];
  }

  /** When a contact was last seen; undefined if it is none. */
  seenAt(key: Key): Millis | undefined {
    const place = this.#placeOf(key);
    return place < 0 ? undefined : this.#seenAt[place];
  }

  /** How often in a row it was silent. */
  failuresOf(key: Key): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Was it silent so often that we do not believe in it any more? */
  isBelievedGone(key: Key): boolean {
    return this.failuresOf(key) >= this.config.maxFailures;
  }

  /**
   * Up to `count` contacts, nearest to `key` first. Those that were silent come in only where there are not enough others,
   * or not at all.
   */
  closest(key: Key, count: number, silentToo: "if-needed" | "never" = "never"): KeyedNode[] {
    const found = this.#gather(key, count, (contact) => !this.#failures.has(contact.key));
    if (silentToo === "never" || found.length >= count || this.#failures.size === 0) return found;
    const silent = this.#gather(key, count - found.length, (contact) => this.#failures.has(contact.key));
    return [...found, ...silent];
  }

  /** The same contacts as `closest`, without those that were silent, in any order: what is named to others. */
  closestInAnyOrder(key: Key, count: number): KeyedNode[] {
    return this.#gather(key, count, (contact) => !this.#failures.has(contact.key), false);
  }

  /** Up to `count` contacts that are believed to be there, nearest to `key` first. */
  believed(key: Key, count: number): KeyedNode[] {
    return this.#gather(key, count, (contact) => !this.isBelievedGone(contact.key));
  }

  /**
   * Buckets are asked in the order of their distance to the key: its own; then all that share more bits with us, which
   * are as far from it as we are; then those that share fewer, one after the other.
   */
  #gather(key: Key, count: number, accept: (contact: KeyedNode) => boolean, isOrdered = true): KeyedNode[] {
    const sizes = this.#sizes;
    const all = this.#failures.size === 0;
    const found: KeyedNode[] = [];
    const own = this.bucketOf(key);
    const take = (start: number, end: number): boolean => {
      const before = found.length;
      for (let i = start; i < end; i++) {
        const contact = this.#contacts[i]!;
        if (all || accept(contact)) found.push(contact);
      }
      if (found.length === before) return false;
      if (!isOrdered && found.length <= count) return found.length === count;
      const group = before === 0 ? found : found.splice(before);
      group.sort((a, b) => compareXor(key, a.key, b.key));
      if (before > 0) for (const contact of group) found.push(contact);
      return found.length >= count;
    };
    const start = this.#startOf(own);
    const end = start + sizes[own]!;
    if (!take(start, end) && !take(end, this.#contacts.length)) {
      let before = start;
      for (let bucket = own - 1; bucket >= 0; bucket--) {
        before -= sizes[bucket]!;
        if (take(before, before + sizes[bucket]!)) break;
      }
    }
    if (found.length > count) found.length = Math.max(0, count);
    return found;
  }

  // ---- The document's rule, step by step ---------------------------------------------------------------------------

  /** Known: it goes to the tail, and its silences are forgotten. False if it is not known. */
  seen(contact: KeyedNode, now: Millis): boolean {
    const place = this.#placeOf(contact.key);
    if (place < 0) return false;
    const bucket = this.bucketOf(contact.key);
    const last = this.#startOf(bucket) + this.#sizes[bucket]! - 1;
    // It may have moved to another address.
    for (let i = place; i < last; i++) {
      this.#contacts[i] = this.#contacts[i + 1]!;
      this.#seenAt[i] = this.#seenAt[i + 1]!;
    }
    this.#contacts[last] = contact;
    this.#seenAt[last] = now;
    this.#failures.delete(contact.key);
    return true;
  }

  /** Splits the last bucket where that is what makes room. */
  hasRoomFor(key: Key): boolean {
    const { self, k } = this.config;
    if (key === self) return false;
    while (true) {
      const bucket = this.bucketOf(key);
      const size = this.#sizes[bucket]!;
      if (size < k) return true;
      const isLast = bucket === this.#sizes.length - 1;
      if (isLast && bucket < keyBits - 1) this.#split();
      else return size < 2 * k && this.#isAmongNearest(key, bucket);
    }
  }

  /**
   * Who has to go for this one: the farthest from us of its bucket, where that is at its bound of twice k and the newcomer
   * is among the k nearest. Undefined if there is room, or none for it.
   */
  crowdedOutBy(key: Key): KeyedNode | undefined {
    const { self, k } = this.config;
    if (this.hasRoomFor(key)) return undefined;
    const bucket = this.bucketOf(key);
    if (key === self || this.#sizes[bucket]! < 2 * k || !this.#isAmongNearest(key, bucket)) return undefined;
    return this.bucket(bucket).reduce((a, b) => (compareXor(self, a.key, b.key) > 0 ? a : b));
  }

  /** Have other contacts of its host left it a place? Against whoever has many ids and few hosts. */
  admitsHostOf({ node, key }: KeyedNode): boolean {
    const { maxPerHost, maxPerHostInBucket, hostOf } = this.config;
    if (maxPerHost === 0 && maxPerHostInBucket === 0) return true;
    const host = hostOf(node);
    const isFull = (contacts: readonly KeyedNode[], max: number) =>
      max > 0 && contacts.filter((other) => other.key !== key && hostOf(other.node) === host).length >= max;
    return (
      !isFull(this.#contacts, maxPerHost) && !isFull(this.bucket(this.bucketOf(key)), maxPerHostInBucket)
    );
  }

  /** To the tail of its bucket, where there is room and it is not known. It has answered a question of ours. */
  add(contact: KeyedNode, now: Millis): void {
    const { key } = contact;
    invariant(
      this.#placeOf(key) < 0 && this.hasRoomFor(key),
      "a contact is added once, and where there is room",
    );
    const bucket = this.bucketOf(key);
    const end = this.#startOf(bucket) + this.#sizes[bucket]!;
    this.#contacts.splice(end, 0, contact);
    this.#seenAt.splice(end, 0, now);
    this.#sizes[bucket]!++;
    this.unpark(key);
  }

  /** The contact of this bucket that was seen least recently. */
  headOf(bucket: number): KeyedNode | undefined {
    return this.#sizes[bucket] === 0 ? undefined : this.#contacts[this.#startOf(bucket)];
  }

  remove(key: Key): boolean {
    const place = this.#placeOf(key);
    if (place < 0) return false;
    this.#sizes[this.bucketOf(key)]!--;
    this.#contacts.splice(place, 1);
    this.#seenAt.splice(place, 1);
    this.#failures.delete(key);
    return true;
  }

  /** One more silence. Returns how many there were in a row; 0 if it is not known. */
  fail(key: Key): number {
    if (this.#placeOf(key) < 0) return 0;
    const failures = this.failuresOf(key) + 1;
    if (this.#failures === noFailures) this.#failures = new Map();
    this.#failures.set(key, failures);
    return failures;
  }

  // ---- The replacement cache ---------------------------------------------------------------------------------------

  /** A newcomer waits; the one that waits longest makes room. What is known of it is not lost if it comes again. */
  park(contact: KeyedNode, isVerified: boolean): void {
    const { maxParked } = this.config;
    if (maxParked === 0) return;
    const bucket = this.bucketOf(contact.key);
    const parked = this.#parked[bucket] ?? [];
    const place = parked.findIndex((one) => one.contact.key === contact.key);
    const wasVerified = place >= 0 && parked[place]!.isVerified;
    if (place >= 0) parked.splice(place, 1);
    else if (parked.length >= maxParked) {
      // Who never answered goes before who did: else whoever asks us a lot would empty the cache of the others.
      const unverified = parked.findIndex((one) => !one.isVerified);
      if (unverified < 0 && !isVerified) return;
      parked.splice(Math.max(0, unverified), 1);
    }
    parked.push({ contact, isVerified: isVerified || wasVerified });
    this.#parked[bucket] = parked;
  }

  isParked(key: Key): boolean {
    return this.#parked[this.bucketOf(key)]?.some((one) => one.contact.key === key) ?? false;
  }

  /** Who takes the place of one that is gone: the most recently seen of those that answered once, else of the others. */
  replacementIn(bucket: number): Parked | undefined {
    const parked = this.#parked[bucket];
    return parked?.findLast((one) => one.isVerified) ?? parked?.at(-1);
  }

  unpark(key: Key): void {
    const bucket = this.bucketOf(key);
    const parked = this.#parked[bucket];
    const place = parked?.findIndex((one) => one.contact.key === key) ?? -1;
    if (place >= 0) parked!.splice(place, 1);
  }

  // ---- Places ------------------------------------------------------------------------------------------------------

  #startOf(bucket: number): number {
    let start = 0;
    for (let i = 0; i < bucket; i++) start += this.#sizes[i]!;
    return start;
  }

  #placeOf(key: Key): number {
    const bucket = this.bucketOf(key);
    const start = this.#startOf(bucket);
    const end = start + this.#sizes[bucket]!;
    for (let place = start; place < end; place++) if (this.#contacts[place]!.key === key) return place;
    return -1;
  }

  /**
   * Would it be one of the k nearest to us that we believe to be there? Everybody in the buckets behind is nearer. Those that
   * are gone do not count: else a node that was cut off would keep the living around it out of its table.
   */
  #isAmongNearest(key: Key, bucket: number): boolean {
    const { self, k } = this.config;
    const start = this.#startOf(bucket);
    const end = start + this.#sizes[bucket]!;
    let nearer = 0;
    for (let i = end; i < this.#contacts.length && nearer < k; i++)
      if (!this.isBelievedGone(this.#contacts[i]!.key)) nearer++;
    for (let i = start; i < end && nearer < k; i++) {
      const other = this.#contacts[i]!.key;
      if (compareXor(self, other, key) < 0 && !this.isBelievedGone(other)) nearer++;
    }
    return nearer < k;
  }

  /** The last bucket, in which our own id lies, becomes two: those that share one bit more with us move on. */
  #split(): void {
    const { self } = this.config;
    const bucket = this.#sizes.length - 1;
    const start = this.#startOf(bucket);
    const both = this.#contacts.slice(start).map((contact, i) => {
      return { contact, seenAt: this.#seenAt[start + i]!, isNearer: sharedBits(self, contact.key) > bucket };
    });
    const nearer = both.filter(({ isNearer }) => isNearer);
    const split = [...both.filter(({ isNearer }) => !isNearer), ...nearer];
    split.forEach(({ contact, seenAt }, i) => {
      this.#contacts[start + i] = contact;
      this.#seenAt[start + i] = seenAt;
    });
    this.#sizes[bucket]! -= nearer.length;
    this.#sizes.push(nearer.length);
    const parked = this.#parked[bucket] ?? [];
    this.#parked[bucket] = undefined;
    for (const { contact, isVerified } of parked) this.park(contact, isVerified);
  }
}
