/**
 * Records stay where they belong while nodes come and go. There is one act, the look at a record: ask the router who is
 * responsible for it now, offer them the record by name, and send it to those that lack it.
 *
 *     A -> offer(names) -> B -> offered(held | wanted | newer | declined) -> A -> store -> B -> stored -> A
 *
 * When a replica looks at a record:
 *
 *     every hour                     unless another replica has just done so: suppression (Kademlia paper, section 2.5)
 *     a node came that belongs to    at once, if no other that we know is more responsible than we are; the others after
 *     the responsible ones           a while, unless they were offered the record meanwhile
 *     one of them is gone            after a random pause, with the same suppression
 *     we leave                       at once
 *
 * A node that is far from a record looks up who is near, and drops the record when as many of them as a put needs have it.
 * All of this happens in portions, one in each interval, so that neither a join nor a crash makes a storm.
 *
 * Deviation from the Kademlia paper: there a hand-over and an hourly republish send the records themselves.
 */
import type { KeyedNode, Millis, NodeId } from "../core/index.ts";
import type { Entry } from "./record-table.ts";
import { onDiskOf, type Replica } from "./replica.ts";
import type { OfferVerdict } from "./store-messages.ts";
import { isSame, jittered, quorumOf, type StoreEnvironment, type StoreParts } from "./store-parts.ts";

/** One look at one record: who has it. */
interface Look {
  readonly entry: Entry;
  /** So many others must have it before we may forget it. */
  readonly needed: number;
  readonly mayDrop: boolean;
  held: number;
  /** So many have it that we are no longer needed. */
  isSettled: boolean;
  /** Of how many we do not know yet what becomes of it. */
  open: number;
}

interface Transfer {
  readonly look: Look;
  readonly to: NodeId;
}

/** Most that came or went and are not yet seen to. */
const maxChanges = 256;
/** Most records that are held against what came and went in one portion: some 10 ms of work. */
const maxScanned = 1024;
/** Most records that are looked at in one portion. */
const maxLooks = 256;
/** Most records that wait to be sent; what is beyond is looked at again. */
const maxTransfers = 4096;

export class Upkeep {
  readonly counters = {
    /** Records that were looked at. */
    looks: 0,
    /** Names in offers. */
    offered: 0,
    /** Records that were sent to who lacked them, and arrived. */
    handedOver: 0,
    /** Likewise bytes, as the quotas count them. */
    bytesSent: 0,
    /** Records of others that were dropped here because they have them now. */
    dropped: 0,
    expired: 0,
    lookups: 0,
    /** More nodes came or went at once than are seen to one by one; the hourly look finds what was missed. */
    changesMissed: 0,
    transfersPutOff: 0,
  };
  readonly #parts: StoreParts;
  readonly #replica: () => Replica;
  readonly #newcomers: KeyedNode[] = [];
  readonly #gone: KeyedNode[] = [];
  /** What came and went, and the records that are still to be held against it. */
  #scan:
    | {
        readonly entries: IterableIterator<Entry>;
        readonly newcomers: readonly KeyedNode[];
        readonly gone: readonly KeyedNode[];
      }
    | undefined;
  readonly #transfers: Transfer[] = [];
  #lookups = 0;
  /** The time of the earliest `upkeep` timer that still counts. */
  #wakeAt = Number.POSITIVE_INFINITY;
  #lastAt: Millis = 0;
  /** Of a node that leaves: looks that are not settled. */
  #farewell:
    | {
        readonly looks: readonly Look[];
        readonly onDone: (handedOver: number, env: StoreEnvironment) => void;
      }
    | undefined;

  constructor(parts: StoreParts, replica: () => Replica) {
    this.#parts = parts;
    this.#replica = replica;
  }

  // ---- Waking up ----------------------------------------------------------------------------------------------------

  /** Something is due then. Portions keep their distance. */
  wakeAt(at: Millis, env: StoreEnvironment): void {
    const earliest = this.#lastAt + this.#parts.options.upkeepIntervalMs;
    const due = Math.max(at, earliest, env.now);
    if (due >= this.#wakeAt || !Number.isFinite(due)) return;
    this.#wakeAt = due;
    env.schedule(due - env.now, { type: "upkeep", wakeAt: due });
  }

  /** True if it was time; the store does then what else is due. */
  onTimer(wakeAt: Millis, env: StoreEnvironment): boolean {
    if (wakeAt !== this.#wakeAt) return false; // an earlier one has been set, and did this
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#lastAt = env.now;
    this.#seeToChanges(env);
    const next = this.#seeToRecords(env);
    this.#sendPortion(env);
    const hasMore = this.#transfers.length > 0 || this.#scan !== undefined || this.#newcomers.length > 0;
    this.wakeAt(hasMore || this.#gone.length > 0 ? env.now : next, env);
    return true;
  }

  // ---- Who came and went --------------------------------------------------------------------------------------------

  onContactUp(contact: KeyedNode, env: StoreEnvironment): void {
    this.#note(this.#newcomers, contact, env);
  }

  onContactDown(contact: KeyedNode, env: StoreEnvironment): void {
    this.#note(this.#gone, contact, env);
  }

  /** What was on disk may belong to others now, and they may have newer ones. */
  onJoined(env: StoreEnvironment): void {
    const { table, options } = this.#parts;
    for (const entry of table.entries())
      if (!entry.isCached)
        entry.checkAt = Math.min(entry.checkAt, env.now + env.random.below(options.repairDelayMs + 1));
    if (table.size > 0) this.wakeAt(env.now, env);
  }

  #note(changes: KeyedNode[], contact: KeyedNode, env: StoreEnvironment): void {
    if (this.#parts.table.size === 0) return;
    if (changes.length >= maxChanges) {
      this.counters.changesMissed++;
      return;
    }
    changes.push(contact);
    this.wakeAt(env.now, env);
  }

  /** Of so many records at a time; who comes or goes meanwhile is seen to afterwards. */
  #seeToChanges(env: StoreEnvironment): void {
    if (this.#scan === undefined) {
      if (this.#newcomers.length + this.#gone.length === 0) return;
      this.#scan = {
        entries: this.#parts.table.entries(),
        newcomers: this.#newcomers.splice(0),
        gone: this.#gone.splice(0),
      };
    }
    const { entries, newcomers, gone } = this.#scan;
    for (let i = 0; i < maxScanned; i++) {
      const { value: entry, done } = entries.next();
      if (done === true) {
        this.#scan = undefined;
        return;
      }
      if (!entry.isCached) this.#seeToEntry(entry, newcomers, gone, env);
    }
  }

  #seeToEntry(
    entry: Entry,
    newcomers: readonly KeyedNode[],
    gone: readonly KeyedNode[],
    env: StoreEnvironment,
  ): void {
    const { router, options } = this.#parts;
    const { replicas, repairDelayMs } = options;
    const { key } = entry.record.statement;
    const responsible = router.replicas(key, replicas);
    const isNew = ({ node }: KeyedNode) => newcomers.some((one) => isSame(one.node, node));
    if (responsible.some(isNew)) {
      const first = responsible.find((one) => !isNew(one));
      const isOurs = first !== undefined && isSame(first.node, router.self.node);
      const pause = isOurs ? 0 : repairDelayMs + env.random.below(repairDelayMs + 1);
      entry.checkAt = Math.min(entry.checkAt, env.now + pause);
    }
    const last = responsible.at(-1);
    const wasOneOfThem = (one: KeyedNode) =>
      last === undefined || responsible.length < replicas || router.compare(key, one.key, last.key) < 0;
    if (gone.some(wasOneOfThem))
      entry.checkAt = Math.min(entry.checkAt, env.now + env.random.below(repairDelayMs + 1));
  }

  // ---- Looking at records -------------------------------------------------------------------------------------------

  /** Returns when the next one is due. */
  #seeToRecords(env: StoreEnvironment): Millis {
    const { table, disk } = this.#parts;
    const due: Entry[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const entry of table.entries()) {
      if (entry.expiresAt <= env.now) {
        table.remove(entry);
        if (!entry.isCached) disk.remove(onDiskOf(entry.slot), env);
        this.counters.expired++;
      } else if (entry.checkAt <= env.now && due.length < maxLooks) due.push(entry);
      else next = Math.min(next, entry.checkAt, entry.expiresAt);
    }
    const offers = new Map<NodeId, Look[]>();
    for (const entry of due) {
      entry.checkAt = env.now + jittered(this.#parts.options.republishIntervalMs, env.random);
      this.#look(entry, offers, env);
      next = Math.min(next, entry.checkAt, entry.expiresAt);
    }
    this.#offerAll(offers, env);
    return next;
  }

  #look(entry: Entry, offers: Map<NodeId, Look[]>, env: StoreEnvironment): void {
    const { router, options } = this.#parts;
    const { key } = entry.record.statement;
    this.counters.looks++;
    const near = router.replicas(key, 2 * options.replicas);
    const place = near.findIndex(({ node }) => isSame(node, router.self.node));
    entry.rank = place < 0 ? near.length : place;
    if (place < 0) return this.#lookFar(entry, env);
    this.#begin(entry, near.slice(0, options.replicas), false, offers);
  }

  /** It lies far from us: what we know of those nodes is a guess. */
  #lookFar(entry: Entry, env: StoreEnvironment): void {
    const { options, find } = this.#parts;
    if (this.#lookups >= options.maxUpkeepLookups) {
      entry.checkAt = env.now + options.upkeepIntervalMs;
      return;
    }
    this.#lookups++;
    this.counters.lookups++;
    const { key } = entry.record.statement;
    find(
      key,
      { count: options.replicas },
      (report, later) => {
        this.#lookups--;
        if (report?.outcome !== "found") return;
        const offers = new Map<NodeId, Look[]>();
        this.#begin(entry, report.closest.slice(0, options.replicas), true, offers);
        this.#offerAll(offers, later);
      },
      env,
    );
  }

  #begin(
    entry: Entry,
    responsible: readonly KeyedNode[],
    isFar: boolean,
    offers: Map<NodeId, Look[]>,
  ): Look | undefined {
    const { router, options } = this.#parts;
    const others = responsible.filter(({ node }) => !isSame(node, router.self.node));
    if (others.length === 0) return undefined;
    const quorum = quorumOf(options.writeQuorum, options.replicas);
    const look: Look = {
      entry,
      needed: Math.min(quorum, Math.max(others.length, router.size)),
      mayDrop: isFar && others.length === responsible.length,
      held: 0,
      isSettled: false,
      open: others.length,
    };
    for (const { node } of others) {
      const looks = offers.get(node);
      if (looks === undefined) offers.set(node, [look]);
      else looks.push(look);
    }
    return look;
  }

  #offerAll(offers: ReadonlyMap<NodeId, readonly Look[]>, env: StoreEnvironment): void {
    const most = this.#parts.options.maxOfferedRecords;
    for (const [to, all] of offers)
      for (let at = 0; at < all.length; at += most) this.#offer(to, all.slice(at, at + most), env);
  }

  #offer(to: NodeId, looks: readonly Look[], env: StoreEnvironment): void {
    this.counters.offered += looks.length;
    const entries = looks.map(({ entry: { record, digest } }) => {
      const { kind, key, sequence } = record.statement;
      return { kind, key, sequence, digest };
    });
    this.#parts.questions.ask(
      to,
      { type: "offer", entries },
      (answer, _roundTripMs, later) => {
        // Somebody who answers to something else than he was asked is not listened to.
        const isAnswer = answer?.type === "offered" && answer.verdicts.length === looks.length;
        looks.forEach((look, i) => {
          this.#onVerdict(look, to, isAnswer ? answer.verdicts[i] : undefined, later);
        });
      },
      env,
    );
  }

  /** `verdict`: undefined if there was none. */
  #onVerdict(look: Look, to: NodeId, verdict: OfferVerdict | undefined, env: StoreEnvironment): void {
    if (verdict === "wanted" && this.#transfers.length < maxTransfers) {
      this.#transfers.push({ look, to });
      return this.wakeAt(env.now, env);
    }
    if (verdict === "wanted") {
      this.counters.transfersPutOff++;
      const again = env.now + env.random.below(this.#parts.options.repairDelayMs + 1);
      look.entry.checkAt = Math.min(look.entry.checkAt, again);
      this.wakeAt(again, env);
    } else if (verdict === "newer") this.#fetchNewer(look, to, env);
    this.#close(look, verdict === "held", env);
  }

  /** What becomes of the record at one of them is known. */
  #close(look: Look, isHeld: boolean, env: StoreEnvironment): void {
    look.open--;
    if (isHeld) this.#onHeld(look);
    if (look.mayDrop && look.isSettled) this.#drop(look.entry, env);
    this.#checkFarewell(env);
  }

  #onHeld(look: Look): void {
    look.held++;
    if (look.held < look.needed) return;
    look.isSettled = true;
    look.entry.isElsewhere = true;
  }

  #drop(entry: Entry, env: StoreEnvironment): void {
    const { table, disk } = this.#parts;
    if (table.get(entry.slot) !== entry) return;
    table.remove(entry);
    disk.remove(onDiskOf(entry.slot), env);
    this.counters.dropped++;
  }

  /** The one that was offered an older record than it has may keep it; we take it. */
  #fetchNewer({ entry }: Look, from: NodeId, env: StoreEnvironment): void {
    const { kind, key } = entry.record.statement;
    this.#parts.questions.ask(
      from,
      { type: "fetch", kind, key },
      (answer, _roundTripMs, later) => {
        if (answer?.type !== "fetched" || answer.record === undefined || answer.isCached) return;
        const { statement } = answer.record;
        if (statement.kind !== kind || statement.key !== key) return;
        const incoming = {
          record: answer.record,
          purpose: "replica",
          ticket: 0,
          lifetimeMs: 0,
          from,
        } as const;
        this.#replica().take(incoming, later, () => {});
      },
      env,
    );
  }

  // ---- Sending ------------------------------------------------------------------------------------------------------

  #sendPortion(env: StoreEnvironment): void {
    const { options, table } = this.#parts;
    // Who is about to go has no time to spread it.
    const times = this.#farewell === undefined ? 1 : 8;
    let records = options.maxUpkeepRecords * times;
    let bytes = options.maxUpkeepBytes * times;
    while (records > 0 && bytes > 0 && this.#transfers.length > 0) {
      const transfer = this.#transfers.shift()!;
      const { entry } = transfer.look;
      // Expired, dropped, or replaced by a newer one, which was or will be looked at by itself.
      if (table.get(entry.slot) !== entry || entry.expiresAt <= env.now) {
        this.#close(transfer.look, false, env);
        continue;
      }
      records--;
      bytes -= entry.bytes;
      this.#send(transfer, env);
    }
  }

  #send({ look, to }: Transfer, env: StoreEnvironment): void {
    const { record, bytes } = look.entry;
    this.#parts.questions.ask(
      to,
      { type: "store", purpose: "replica", record, ticket: 0, lifetimeMs: 0 },
      (answer, _roundTripMs, later) => {
        const isStored = answer?.type === "stored";
        if (isStored) {
          this.counters.handedOver++;
          this.counters.bytesSent += bytes;
        } else if (answer?.type === "refused" && answer.reason === "superseded")
          this.#fetchNewer(look, to, later);
        this.#close(look, isStored, later);
      },
      env,
    );
  }

  // ---- Leaving ------------------------------------------------------------------------------------------------------

  /** Everything is offered to those that will be responsible without us. */
  leave(onDone: (handedOver: number, env: StoreEnvironment) => void, env: StoreEnvironment): void {
    const { table, router, options } = this.#parts;
    const looks: Look[] = [];
    const offers = new Map<NodeId, Look[]>();
    for (const entry of table.entries()) {
      if (entry.isCached) continue;
      const near = router.replicas(entry.record.statement.key, options.replicas + 1);
      const look = this.#begin(entry, near, false, offers);
      if (look !== undefined) looks.push(look);
    }
    this.#farewell = { looks, onDone };
    this.#offerAll(offers, env);
    this.#checkFarewell(env);
  }

  /** The time for it is over, or all is done. */
  endFarewell(env: StoreEnvironment): void {
    const farewell = this.#farewell;
    if (farewell === undefined) return;
    this.#farewell = undefined;
    farewell.onDone(farewell.looks.filter(({ isSettled }) => isSettled).length, env);
  }

  #checkFarewell(env: StoreEnvironment): void {
    if (this.#farewell?.looks.every(({ open }) => open === 0) === true) this.endFarewell(env);
  }
}
