import {
  type Candidate,
  hashNumbers,
  hashText,
  type Identity,
  identityOf,
  type MemberState,
  type Millis,
  type NodeId,
  type Random,
  type Signed,
} from "../core/index.ts";
import { sampleOf } from "./known-peers.ts";
import type { LeaveNotice } from "./messages.ts";
import { isElder } from "./seniority.ts";
import type { MemberRecord, Suspicion } from "./swim-messages.ts";

/** The doubts about one life of a member, kept when it was given up for them: they are what it can refute. */
export interface Doubt {
  readonly incarnation: number;
  /** Of different accusers, the first one first. */
  readonly accusations: Signed<Suspicion>[];
  startedAt: Millis;
  deadline: Millis;
  readonly minMs: Millis;
  readonly maxMs: Millis;
  /** Confirmations that make the time-out the shortest. */
  readonly expected: number;
  /** Others that we asked ourselves and that could not reach it either; only where nobody signs that to us. */
  nacks: number;
  /** Its time is over, and too few agree. */
  isAwaitingQuorum: boolean;
}

/**
 * A part of the overlay that was cut off finds back by its eldest, who looks for somebody elder: in a sample that is drawn
 * from many there may be none. A few, since some of them may have gone unnoticed.
 */
export const eldestKept = 4;

/** What one node knows of another. A network of a thousand has a million of these: one object each, and no more. */
export class MemberEntry implements Candidate {
  readonly identity: Identity;
  peer: NodeId;
  since: Millis;
  /** Its own word: one object for all who hold it in a simulation. */
  record: Signed<MemberRecord>;
  state: MemberState = "alive";
  /** Its index among the candidates; -1 where it is none. */
  place = -1;
  /** Smoothed; -1 before the first answer. */
  rttMs = -1;
  /** It gave no direct answer when it was last asked. */
  isSilent = false;
  doubt: Doubt | undefined = undefined;
  leave: Signed<LeaveNotice> | undefined = undefined;
  /** When its state changed last. */
  changedAt: Millis;

  constructor(record: Signed<MemberRecord>, now: Millis) {
    this.record = record;
    this.peer = record.statement.member;
    this.since = record.statement.since;
    this.identity = identityOf(this.peer);
    this.changedAt = now;
  }

  /** Of its latest life that we know of: one that it has left, too. */
  get incarnation(): number {
    return (this.leave ?? this.record).statement.incarnation;
  }
  get isHere(): boolean {
    return this.state === "alive" || this.state === "suspect";
  }
}

/**
 * The members that a node knows: by identity; those who are here, alive or suspect, in the order of their identities,
 * which is the same for everybody; of these the peers, in no order; and those who are gone, the longest gone first.
 */
export class MemberTable {
  readonly #entries = new Map<Identity, MemberEntry>();
  readonly #here: MemberEntry[] = [];
  readonly #candidates: MemberEntry[] = [];
  readonly #gone = new Set<MemberEntry>();
  /** Of everybody here, order aside. */
  #hashLow = 0;
  #hashHigh = 0;

  get size(): number {
    return this.#entries.size;
  }
  /** Alive or suspect, sorted by identity. Treat as read-only; it changes in place. */
  get here(): readonly MemberEntry[] {
    return this.#here;
  }
  /** Of those the peers. Treat as read-only; it changes in place. */
  get candidates(): readonly MemberEntry[] {
    return this.#candidates;
  }
  /** Failed or left, the longest gone first. */
  get gone(): ReadonlySet<MemberEntry> {
    return this.#gone;
  }
  get(identity: Identity): MemberEntry | undefined {
    return this.#entries.get(identity);
  }
  values(): IterableIterator<MemberEntry> {
    return this.#entries.values();
  }

  /** Somebody who is not in the table. */
  add(entry: MemberEntry): void {
    this.#entries.set(entry.identity, entry);
    this.#enter(entry);
  }

  forget(entry: MemberEntry): void {
    this.#entries.delete(entry.identity);
    if (entry.isHere) this.#exit(entry);
    else this.#gone.delete(entry);
  }

  /** A newer word of a member: whoever was gone is here again. */
  renew(entry: MemberEntry, record: Signed<MemberRecord>, now: Millis): void {
    if (entry.isHere) this.#exit(entry);
    else this.#gone.delete(entry);
    entry.record = record;
    entry.peer = record.statement.member;
    entry.since = record.statement.since;
    entry.leave = undefined;
    entry.doubt = undefined;
    entry.state = "alive";
    entry.changedAt = now;
    this.#enter(entry);
  }

  setGone(entry: MemberEntry, state: "failed" | "left", now: Millis): void {
    if (entry.isHere) this.#exit(entry);
    else this.#gone.delete(entry);
    entry.state = state;
    entry.changedAt = now;
    this.#gone.add(entry);
  }

  /** So many of the peers here, the eldest first. */
  eldest(count: number): MemberEntry[] {
    const eldest: MemberEntry[] = [];
    for (const entry of this.#candidates) {
      let place = eldest.length;
      while (place > 0 && isElder(entry, eldest[place - 1]!)) place--;
      if (place >= count) continue;
      eldest.splice(place, 0, entry);
      if (eldest.length > count) eldest.pop();
    }
    return eldest;
  }

  /** How many of those here come before that identity. */
  rankOf(identity: Identity): number {
    let from = 0;
    let to = this.#here.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#here[middle]!.identity < identity) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** Equal for tables in which the same lives are here. `self` counts as one of them. */
  fingerprintWith(self: Identity, incarnation: number): number {
    const low = this.#hashLow ^ hashOfLife(self, incarnation, 1);
    const high = this.#hashHigh ^ hashOfLife(self, incarnation, 2);
    return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
  }

  /** Different ones of those here, in random order. */
  sampleHere(count: number, random: Random, accept: (entry: MemberEntry) => boolean): MemberEntry[] {
    return sampleOf(this.#here, count, random, accept);
  }

  sampleCandidates(count: number, random: Random, accept?: (candidate: Candidate) => boolean): Candidate[] {
    return sampleOf(this.#candidates, count, random, accept);
  }

  #enter(entry: MemberEntry): void {
    this.#here.splice(this.rankOf(entry.identity), 0, entry);
    this.#mix(entry);
    if (entry.record.statement.role !== "peer") return;
    entry.place = this.#candidates.length;
    this.#candidates.push(entry);
  }

  #exit(entry: MemberEntry): void {
    this.#here.splice(this.rankOf(entry.identity), 1);
    this.#mix(entry);
    if (entry.place < 0) return;
    const last = this.#candidates.pop()!;
    if (last !== entry) {
      this.#candidates[entry.place] = last;
      last.place = entry.place;
    }
    entry.place = -1;
  }

  #mix(entry: MemberEntry): void {
    this.#hashLow ^= hashOfLife(entry.identity, entry.incarnation, 1);
    this.#hashHigh ^= hashOfLife(entry.identity, entry.incarnation, 2);
  }
}

function hashOfLife(identity: Identity, incarnation: number, seed: number): number {
  if (typeof identity === "number") return hashNumbers([identity, incarnation], seed);
  return hashText(identity, hashNumbers([incarnation], seed));
}
