import { type Evidence, identityOf, type Millis, type NodeId, pick, type Signed } from "../core/index.ts";
import { shortestSuspicionMs, suspicionTimeoutMs } from "./suspicion-time.ts";
import type { Doubt, MemberEntry } from "./swim-members.ts";
import type { Suspicion, Update } from "./swim-messages.ts";
import { newsRanks } from "./swim-news.ts";
import type { SwimEnvironment, SwimParts, SwimTimer } from "./swim-parts.ts";

/**
 * Suspicions and what becomes of them. Nobody is told that somebody is dead: each node gives a member up by itself when
 * a doubt about a life of it was not refuted in time. The time is long at first, and becomes shorter with each other
 * member that signs the same doubt.
 */
export class SwimSuspicions {
  readonly #parts: SwimParts;
  readonly #suspects = new Set<MemberEntry>();

  constructor(parts: SwimParts) {
    this.#parts = parts;
  }

  /** How many are doubted. */
  get size(): number {
    return this.#suspects.size;
  }

  /** A suspect, another one each time. */
  next(): MemberEntry | undefined {
    return this.#some(1)[0];
  }

  /** Some doubts to be said once more, others each time. */
  someDoubts(count: number): Signed<Suspicion>[] {
    return this.#some(count).map(({ doubt }) => doubt!.accusations[0]!);
  }

  #some(count: number): MemberEntry[] {
    const some: MemberEntry[] = [];
    for (const suspect of this.#suspects) {
      if (some.length >= count) break;
      some.push(suspect);
    }
    for (const suspect of some) {
      this.#suspects.delete(suspect);
      this.#suspects.add(suspect);
    }
    return some;
  }

  /** Our own finding. */
  accuse(member: MemberEntry, nacks: number, env: SwimEnvironment): void {
    // Given up, or forgotten, while it was asked.
    if (!member.isHere || this.#parts.members.get(member.identity) !== member) return;
    if (!this.#parts.isWatched(member.peer)) return;
    const { doubt } = member;
    if (doubt !== undefined) {
      doubt.nacks = Math.max(doubt.nacks, nacks);
      if (doubt.accusations.some(({ statement }) => statement.accuser === env.self)) {
        this.#hasten(member, doubt, env);
        return;
      }
      if (!this.#wantsMore(doubt)) return;
    }
    const statement: Suspicion = {
      type: "suspicion",
      suspect: member.peer,
      incarnation: member.incarnation,
      accuser: env.self,
      at: env.now,
    };
    const signed = { statement, proof: this.#parts.config.signatures.sign(statement) };
    this.#doubt(member, signed, nacks, env);
    if (this.#parts.isPartial()) this.#tellIntroducer(signed, env);
  }

  /** Is this one worth the look at its signature? */
  isNew(member: MemberEntry, { incarnation, accuser }: Suspicion): boolean {
    if (!member.isHere || incarnation !== member.incarnation) return false;
    if (!this.#parts.isWatched(member.peer)) return false;
    const { doubt } = member;
    if (doubt === undefined) return true;
    const identity = identityOf(accuser);
    return (
      this.#wantsMore(doubt) &&
      !doubt.accusations.some(({ statement }) => identityOf(statement.accuser) === identity)
    );
  }

  /** Somebody else's, verified, and new. */
  hear(member: MemberEntry, suspicion: Signed<Suspicion>, env: SwimEnvironment): void {
    this.#doubt(member, suspicion, 0, env);
  }

  onTimer(timer: SwimTimer & { readonly type: "suspicion" }, env: SwimEnvironment): void {
    const member = this.#parts.members.get(timer.member);
    const doubt = member?.doubt;
    // Refuted, given up already, or another timer will come.
    if (doubt === undefined || doubt.incarnation !== timer.incarnation || !member!.isHere) return;
    if (env.now < doubt.deadline) {
      // The clock was put back since: by it the time is not over, and this may be the last letter about it.
      if (timer.dueAt >= doubt.deadline) this.#schedule(member!, doubt, env);
      return;
    }
    const { quorum } = this.#parts.options;
    if (doubt.accusations.length >= quorum) return this.#fail(member!, doubt, env);
    if (doubt.isAwaitingQuorum) return;
    doubt.isAwaitingQuorum = true;
    this.#note(member!, "awaits-quorum", env, `${doubt.accusations.length} of ${quorum} doubt it`);
  }

  /** A newer word of the member itself has come. */
  clear(member: MemberEntry, incarnation: number, env: SwimEnvironment): void {
    this.#suspects.delete(member);
    if (member.state !== "suspect") return;
    this.#parts.evidence.add(member.peer, {
      at: env.now,
      kind: "alive",
      by: member.peer,
      through: [],
      incarnation,
      detail: `refuted the doubts about its life ${member.incarnation}`,
    });
    env.notify({ type: "member-cleared", peer: member.peer, incarnation });
  }

  /** The view has become partial: only those are judged whom we watch. */
  dropUnwatched(): void {
    for (const member of this.#suspects) {
      if (this.#parts.isWatched(member.peer)) continue;
      this.#suspects.delete(member);
      member.doubt = undefined;
      member.state = "alive";
    }
  }

  /** It left, or is forgotten. */
  forget(member: MemberEntry): void {
    this.#suspects.delete(member);
  }

  /** We were away, and may have missed the refutations: all have their time once more. */
  restart(env: SwimEnvironment): void {
    for (const member of this.#suspects) {
      const doubt = member.doubt!;
      doubt.startedAt = env.now;
      doubt.deadline = env.now + this.#timeoutMs(doubt);
      this.#schedule(member, doubt, env);
    }
  }

  #wantsMore(doubt: Doubt): boolean {
    const { confirmations, quorum } = this.#parts.options;
    return doubt.accusations.length < 1 + Math.max(confirmations, quorum - 1);
  }

  #doubt(member: MemberEntry, suspicion: Signed<Suspicion>, nacks: number, env: SwimEnvironment): void {
    const { counters, options } = this.#parts;
    const { accuser } = suspicion.statement;
    const isFirst = member.doubt === undefined;
    const doubt = member.doubt ?? this.#begin(member, nacks, env);
    doubt.accusations.push(suspicion);
    doubt.nacks = Math.max(doubt.nacks, nacks);
    if (isFirst) {
      counters.suspicions++;
      member.state = "suspect";
      member.changedAt = env.now;
      this.#suspects.add(member);
    } else counters.confirmations++;
    const length = this.#timeoutMs(doubt);
    const health = this.#parts.health.score;
    const figures = `${this.#confirmationsOf(doubt)} of ${doubt.expected} confirmations, ${length} ms of ${doubt.maxMs}`;
    this.#note(member, "suspected", env, `${figures}, local health ${health}`, accuser);
    this.#parts.spread(suspicion, newsRanks.suspicion, env);
    if (isFirst) {
      env.notify({
        type: "member-suspected",
        peer: member.peer,
        incarnation: doubt.incarnation,
        by: accusersOf(doubt),
      });
      if (options.buddy) this.#tellSuspect(member, suspicion, env);
      doubt.deadline = doubt.startedAt + length;
      this.#schedule(member, doubt, env);
      return;
    }
    if (doubt.isAwaitingQuorum && doubt.accusations.length >= options.quorum)
      return this.#fail(member, doubt, env);
    this.#hasten(member, doubt, env);
  }

  #begin(member: MemberEntry, nacks: number, env: SwimEnvironment): Doubt {
    const { options, members } = this.#parts;
    const count = members.here.length + 1;
    const minMs = shortestSuspicionMs(options.suspicionMult, options.probeIntervalMs, count);
    const doubt: Doubt = {
      incarnation: member.incarnation,
      accusations: [],
      startedAt: env.now,
      deadline: 0,
      minMs: Math.ceil(minMs),
      maxMs: Math.ceil(minMs * options.suspicionMaxMult),
      // All but the first accuser and the suspect.
      expected: Math.max(0, Math.min(options.confirmations, count - 2)),
      nacks,
      isAwaitingQuorum: false,
    };
    member.doubt = doubt;
    return doubt;
  }

  /** The accuser tells it for sure, and of those who hear it a few: so it can answer at once. */
  #tellSuspect(member: MemberEntry, suspicion: Update, env: SwimEnvironment): void {
    const { statement } = suspicion as Signed<Suspicion>;
    const { options, members } = this.#parts;
    // In a large network only the accuser's neighbors hear of it, and those to whom the accuser turned.
    const isSure = statement.accuser === env.self || this.#parts.isLarge();
    if (!isSure && env.random.below(members.here.length) >= options.gossipFanout) return;
    env.send(member.peer, { type: "gossip", updates: [suspicion] });
  }

  /** It hands out who is there, and could not ask all of them itself. */
  #tellIntroducer(suspicion: Update, env: SwimEnvironment): void {
    const introducers = this.#parts.introducers();
    if (introducers.length > 0)
      env.send(pick(introducers, env.random).peer, { type: "gossip", updates: [suspicion] });
  }

  #confirmationsOf(doubt: Doubt): number {
    // Of a partial view nobody else may know the suspect; what our helpers told us counts for us alone.
    return doubt.accusations.length - 1 + (this.#parts.isPartial() ? doubt.nacks : 0);
  }

  #timeoutMs(doubt: Doubt): Millis {
    const { minMs, maxMs, expected } = doubt;
    return suspicionTimeoutMs({ minMs, maxMs, expected, confirmations: this.#confirmationsOf(doubt) });
  }

  #hasten(member: MemberEntry, doubt: Doubt, env: SwimEnvironment): void {
    const deadline = doubt.startedAt + this.#timeoutMs(doubt);
    if (deadline >= doubt.deadline || doubt.isAwaitingQuorum) return;
    doubt.deadline = deadline;
    this.#schedule(member, doubt, env);
  }

  #schedule(member: MemberEntry, doubt: Doubt, env: SwimEnvironment): void {
    const after = Math.max(0, doubt.deadline - env.now);
    const { incarnation } = doubt;
    env.schedule(after, {
      type: "suspicion",
      member: member.identity,
      incarnation,
      dueAt: env.now + after,
    });
  }

  #fail(member: MemberEntry, doubt: Doubt, env: SwimEnvironment): void {
    const { counters, members, options } = this.#parts;
    counters.failures++;
    this.#suspects.delete(member);
    members.setGone(member, "failed", env.now);
    const by = accusersOf(doubt);
    const detail =
      `no refutation in ${env.now - doubt.startedAt} ms, ` +
      `${this.#confirmationsOf(doubt)} of ${doubt.expected} confirmations` +
      (options.quorum > 1 ? `, quorum ${options.quorum}` : "");
    this.#note(member, "failed", env, detail);
    env.notify({ type: "member-failed", peer: member.peer, incarnation: doubt.incarnation, by });
  }

  #note(
    member: MemberEntry,
    kind: Evidence["kind"],
    env: SwimEnvironment,
    detail: string,
    by: NodeId = env.self,
  ): void {
    const { incarnation, peer } = member;
    this.#parts.evidence.add(peer, { at: env.now, kind, by, through: [], incarnation, detail });
  }
}

function accusersOf(doubt: Doubt): NodeId[] {
  return doubt.accusations.map(({ statement }) => statement.accuser);
}
