import { identityOf, type Millis, type NodeId, type Signed } from "../core/index.ts";
import type { LeaveNotice } from "./messages.ts";
import { checkTags, type MemberRecord } from "./swim-messages.ts";
import { newsRanks } from "./swim-news.ts";
import type { SwimEnvironment, SwimParts } from "./swim-parts.ts";

/** Those who accused us, to whom we owe our answer; guess. */
const maxOwed = 16;

// Whoever runs with our key says again and again that its life is the later one; guesses.
const firstExceedPauseMs = 500;
const maxExceedPauseMs = 60_000;

/**
 * What this node says of itself. Its incarnation is on disk before anybody hears it: a restart must begin above it. An
 * accusation costs its maker nothing, and a refutation costs everybody something: so there are only so many of them in
 * a time.
 */
export class SwimStanding {
  readonly #parts: SwimParts;
  #incarnation: number;
  /** Above `#incarnation` while a write is under way, and equal to it otherwise. */
  #next: number;
  /** The highest that somebody with our key has said. */
  #heard = 0;
  /** Writes of an incarnation that are not on disk yet. */
  #writes = 0;
  #tags: MemberRecord["tags"];
  #nextTags: MemberRecord["tags"];
  #record: Signed<MemberRecord> | undefined;
  #mayRefuteAt: Millis = 0;
  #mayExceedAt: Millis = 0;
  #exceedPauseMs: Millis = firstExceedPauseMs;
  /** Who else runs with our key, if that is news. */
  #twin: NodeId | undefined;
  /** When the next life begins that had to wait. */
  #putOffTo: Millis = Number.POSITIVE_INFINITY;
  readonly #owed = new Map<string | number, NodeId>();

  constructor(parts: SwimParts) {
    this.#parts = parts;
    this.#incarnation = parts.config.incarnation;
    this.#next = this.#incarnation;
    this.#tags = checkTags(parts.config.tags ?? []);
    this.#nextTags = this.#tags;
  }

  get incarnation(): number {
    return this.#incarnation;
  }
  /** Above what was said with our key up to here, we will be. */
  get heard(): number {
    return this.#heard;
  }

  record(env: SwimEnvironment): Signed<MemberRecord> {
    if (this.#record !== undefined) return this.#record;
    const { role, since, signatures } = this.#parts.config;
    const statement: MemberRecord = {
      type: "member-record",
      member: env.self,
      incarnation: this.#incarnation,
      since,
      role,
      tags: this.#tags,
    };
    this.#record = { statement, proof: signatures.sign(statement) };
    return this.#record;
  }

  leave(env: SwimEnvironment): Signed<LeaveNotice> {
    const statement: LeaveNotice = {
      type: "leave",
      peer: env.self,
      incarnation: this.#incarnation,
      at: env.now,
    };
    return { statement, proof: this.#parts.config.signatures.sign(statement) };
  }

  setTags(tags: MemberRecord["tags"], env: SwimEnvironment): void {
    this.#nextTags = checkTags(tags);
    this.#exceed(this.#next, env);
  }

  /** Somebody doubts this life of ours: the next one makes all such doubts void. */
  refute(accuser: NodeId, env: SwimEnvironment): void {
    if (this.#owed.size < maxOwed) this.#owed.set(identityOf(accuser), accuser);
    this.#beginNextLife(env);
  }

  /**
   * Our own word of an earlier life, from before our disk was lost: this life has to be the later one. If it began after
   * this one, elsewhere, somebody else runs with our key, and thinks the same: we say so, and insist more and more rarely.
   */
  exceed(
    { incarnation, since, at }: { incarnation: number; since: Millis; at: NodeId },
    env: SwimEnvironment,
  ): void {
    if (incarnation < this.#next) return;
    this.#heard = Math.max(this.#heard, incarnation);
    if (at !== env.self && since > this.#parts.config.since) this.#twin = at;
    this.#beginNextLife(env);
  }

  onRefuteTimer(dueAt: Millis, env: SwimEnvironment): void {
    if (dueAt !== this.#putOffTo) return; // it began sooner
    this.#putOffTo = Number.POSITIVE_INFINITY;
    if (this.#next > this.#incarnation) return;
    if (this.#owed.size > 0 || this.#heard >= this.#incarnation) this.#beginNow(env);
  }

  onPersisted(env: SwimEnvironment): void {
    if (this.#writes === 0) return;
    this.#writes--;
    if (this.#writes > 0) return;
    this.#incarnation = this.#next;
    this.#tags = this.#nextTags;
    this.#record = undefined;
    env.notify({ type: this.#owed.size > 0 ? "refuted" : "renewed", incarnation: this.#incarnation });
    const record = this.record(env);
    this.#parts.spread(record, newsRanks.own, env);
    for (const accuser of this.#owed.values()) env.send(accuser, { type: "gossip", updates: [record] });
    this.#owed.clear();
    if (this.#heard >= this.#incarnation) this.#beginNextLife(env);
  }

  #beginNextLife(env: SwimEnvironment): void {
    if (this.#next > this.#incarnation) return; // under way
    const dueAt = this.#owed.size > 0 ? this.#mayRefuteAt : this.#mayExceedAt;
    if (env.now >= dueAt) return this.#beginNow(env);
    if (this.#putOffTo <= dueAt) return;
    this.#putOffTo = dueAt;
    env.schedule(dueAt - env.now, { type: "refute", dueAt });
  }

  #beginNow(env: SwimEnvironment): void {
    if (this.#owed.size > 0) {
      // Four in the time of the shortest suspicion: whoever keeps accusing us does not outrun us.
      const { suspicionMult, probeIntervalMs } = this.#parts.options;
      this.#mayRefuteAt = env.now + Math.ceil((suspicionMult * probeIntervalMs) / 4);
      this.#parts.counters.refutations++;
      this.#parts.changeHealth(1, "refuted a suspicion", env);
    } else {
      if (this.#twin !== undefined) env.notify({ type: "identity-shared", with: this.#twin });
      this.#twin = undefined;
      this.#mayExceedAt = env.now + this.#exceedPauseMs;
      this.#exceedPauseMs = Math.min(maxExceedPauseMs, 2 * this.#exceedPauseMs);
    }
    this.#exceed(Math.max(this.#next, this.#heard), env);
  }

  #exceed(incarnation: number, env: SwimEnvironment): void {
    this.#next = incarnation + 1;
    this.#writes++;
    env.notify({ type: "persist", key: "incarnation", value: this.#next, isAwaited: true });
  }
}
