import { identityOf, type Millis, type NodeId, type Signed } from "../core/index.ts";
import type { LeaveNotice } from "./messages.ts";
import { MemberEntry } from "./swim-members.ts";
import type { MemberRecord, Suspicion, Update } from "./swim-messages.ts";
import { newsRanks, updateBytes } from "./swim-news.ts";
import type { SwimEnvironment, SwimParts } from "./swim-parts.ts";
import type { SwimStanding } from "./swim-standing.ts";
import type { SwimSuspicions } from "./swim-suspicion.ts";

/** No life is believed that begins so far beyond the clock (30 years of milliseconds). */
const maxIncarnationLead: Millis = 1e12;

export interface LearningConfig {
  readonly parts: SwimParts;
  readonly standing: SwimStanding;
  readonly suspicions: SwimSuspicions;
  readonly onMember: (member: MemberEntry, env: SwimEnvironment) => void;
  readonly onDoubt: (member: MemberEntry, env: SwimEnvironment) => void;
  /** Makes room for one more; false if there is none. */
  readonly makeRoom: (env: SwimEnvironment) => boolean;
}

/**
 * What others say, taken up: known things are passed over first, then the signature is looked at, and only then
 * something changes. So each update costs one verification, however often it comes. Nobody who is honest passes on what
 * nobody has signed: behind the first such update of a message none is looked at.
 */
export class SwimLearning {
  readonly #config: LearningConfig;
  readonly #parts: SwimParts;

  constructor(config: LearningConfig) {
    this.#config = config;
    this.#parts = config.parts;
  }

  /**
   * Returns what the sender does not know, where it spoke of a life that is over: as much as fits into a message. With
   * `isTold` it is news for others.
   */
  learn(
    updates: readonly Update[],
    from: NodeId,
    isTold: boolean,
    env: SwimEnvironment,
  ): readonly Signed<MemberRecord>[] {
    const corrections: Signed<MemberRecord>[] = [];
    const { counters, options } = this.#parts;
    let left = options.maxGossipBytes;
    const forged = counters.forged;
    for (const update of updates) {
      if (counters.forged > forged) break;
      switch (update.statement.type) {
        case "member-record":
          this.#onRecord(update as Signed<MemberRecord>, isTold, env);
          break;
        case "suspicion": {
          const better = this.#onSuspicion(update as Signed<Suspicion>, from, env);
          if (better === undefined || corrections.includes(better)) break;
          left -= updateBytes(better);
          if (left >= 0 || corrections.length === 0) corrections.push(better);
          break;
        }
        case "leave":
          this.#onLeave(update as Signed<LeaveNotice>, isTold, env);
          break;
      }
    }
    return corrections;
  }

  #onRecord(update: Signed<MemberRecord>, isTold: boolean, env: SwimEnvironment): void {
    const { members, evidence } = this.#parts;
    const { member: node, incarnation, since } = update.statement;
    const identity = identityOf(node);
    if (identity === identityOf(env.self)) return this.#onOwn(node, update, env);
    const known = members.get(identity);
    if (known !== undefined && incarnation <= known.incarnation) return;
    if (!this.#isGenuine(node, update, env)) return;
    if (known === undefined) {
      if (!this.#config.makeRoom(env)) {
        this.#parts.counters.refused++;
        return;
      }
      const member = new MemberEntry(update, env.now);
      members.add(member);
      this.#config.onMember(member, env);
      env.notify({ type: "member-up", peer: node, incarnation, since });
    } else {
      const { state, peer: earlier, since: earlierSince } = known;
      this.#config.suspicions.clear(known, incarnation, env);
      members.renew(known, update, env.now);
      if (state === "failed" && evidence.has(node))
        evidence.add(node, {
          at: env.now,
          kind: "alive",
          by: node,
          through: [],
          incarnation,
          detail: "is back",
        });
      const isHere = state === "alive" || state === "suspect";
      if (!isHere || earlier !== node) this.#config.onMember(known, env);
      // A new life at another address is news for those who hold links, too.
      if (!isHere || earlier !== node || earlierSince !== since)
        env.notify({ type: "member-up", peer: node, incarnation, since });
    }
    if (isTold && this.#parts.isWatched(node)) this.#parts.spread(update, newsRanks.other, env);
  }

  #onSuspicion(
    update: Signed<Suspicion>,
    from: NodeId,
    env: SwimEnvironment,
  ): Signed<MemberRecord> | undefined {
    const { members } = this.#parts;
    const { suspect, accuser, incarnation } = update.statement;
    const self = identityOf(env.self);
    const identity = identityOf(suspect);
    if (identity === self) {
      const own = this.#parts.ownRecord(env);
      // Nobody can doubt a life that we have not begun.
      if (incarnation !== own.statement.incarnation)
        return incarnation < own.statement.incarnation ? own : undefined;
      // Whoever says so: where it is not known yet that the accuser has left, its word still counts.
      if (!this.#isGenuine(accuser, update, env)) return undefined;
      this.#config.standing.refute(from, env);
      return undefined;
    }
    const member = members.get(identity);
    if (member === undefined) return undefined;
    if (incarnation < member.incarnation) return member.isHere ? member.record : undefined;
    if (!this.#config.suspicions.isNew(member, update.statement)) return undefined;
    if (identityOf(accuser) === self || identityOf(accuser) === identity) return undefined;
    if (!this.#isAccuser(accuser) || !this.#isGenuine(accuser, update, env)) return undefined;
    if (member.doubt === undefined && this.#parts.isLarge() && !this.#parts.isPartial()) {
      // We watch nobody here in particular, and many turn to us: what they say is a reason to ask, and confirms later.
      this.#parts.probe(member, env);
      return undefined;
    }
    this.#config.suspicions.hear(member, update, env);
    this.#config.onDoubt(member, env);
    return undefined;
  }

  #onLeave(update: Signed<LeaveNotice>, isTold: boolean, env: SwimEnvironment): void {
    const { members, evidence } = this.#parts;
    const { peer, incarnation } = update.statement;
    const identity = identityOf(peer);
    if (identity === identityOf(env.self)) return this.#onOwn(peer, update, env);
    const member = members.get(identity);
    if (member === undefined || member.state === "left" || incarnation < member.incarnation) return;
    if (!this.#isGenuine(peer, update, env)) return;
    const wasDoubted = evidence.has(member.peer);
    this.#config.suspicions.forget(member);
    members.setGone(member, "left", env.now);
    member.leave = update;
    if (wasDoubted)
      evidence.add(member.peer, {
        at: env.now,
        kind: "left",
        by: member.peer,
        through: [],
        incarnation,
        detail: "said goodbye",
      });
    env.notify({ type: "peer-left", peer: member.peer, incarnation });
    if (isTold) this.#parts.spread(update, newsRanks.other, env);
  }

  /** Our own word from an earlier life that our disk has forgotten: this life has to be the later one. */
  #onOwn(node: NodeId, update: Signed<MemberRecord> | Signed<LeaveNotice>, env: SwimEnvironment): void {
    const own = this.#parts.ownRecord(env).statement;
    const { incarnation, type } = update.statement;
    if (incarnation < own.incarnation || (type === "member-record" && incarnation === own.incarnation))
      return;
    if (incarnation <= this.#config.standing.heard || !this.#isGenuine(node, update, env)) return;
    const since = update.statement.type === "member-record" ? update.statement.since : 0;
    this.#config.standing.exceed({ incarnation, since, at: node }, env);
  }

  /** Somebody known, for there are only so many of them. In a large network nobody knows all. */
  #isAccuser(accuser: NodeId): boolean {
    if (this.#parts.isLarge()) return true;
    const member = this.#parts.members.get(identityOf(accuser));
    return member !== undefined && member.state !== "left";
  }

  #isGenuine(origin: NodeId, { statement, proof }: Update, env: SwimEnvironment): boolean {
    const isPossible = statement.incarnation - env.now <= maxIncarnationLead;
    if (isPossible && this.#parts.config.signatures.verify(origin, statement, proof)) return true;
    this.#parts.counters.forged++;
    return false;
  }
}
