/**
 * From heartbeats to verdicts, for all detectors that listen to heartbeats and ask nobody. Whoever is silent for too long
 * is suspected. With a quorum of k it is given up when k members, ourselves among them, suspect it at once; else now.
 *
 *     heard -> alive … silence -> suspect … k votes -> failed … heard again -> alive
 *                                 suspect … heard   -> alive
 *
 * Members that were never heard of are judged by nobody: they may not have begun. And if one of our timers fires late, we
 * were away ourselves: all silences begin anew, since the heartbeats may lie unread (the local health of Lifeguard).
 *
 * Always: a member has at most one timer under way, and one life, the latest that we heard of.
 */
import {
  type Environment,
  type Evidence,
  type FailureDetector,
  type Identity,
  identityOf,
  type MemberCleared,
  type MemberFailed,
  type MemberState,
  type MemberSuspected,
  type MemberUp,
  type Millis,
  type NodeId,
  type PeerLeft,
  UsageError,
} from "../core/index.ts";
import { Ballots, maxVotes, type Vote } from "./ballots.ts";
import { EvidenceLog } from "./evidence-log.ts";
import { PhiAccrual, PhiScale } from "./phi-accrual.ts";
import type { SilenceOptions } from "./silence-options.ts";

export interface SilenceConfig {
  readonly contacts: readonly NodeId[];
  readonly options: SilenceOptions;
  /** How often a heartbeat is to be expected. */
  readonly expectedMs: Millis;
  /** The silence that is too long, where it is not learnt; it may depend on how many there are. */
  readonly limitMs: () => Millis;
  readonly onFailed?: (node: NodeId, env: SilenceEnvironment) => void;
}

export type SilenceTimer = {
  readonly type: "silence";
  readonly node: Identity;
  readonly dueAt: Millis;
  /** What had arrived when the time was over has been read. */
  readonly isLastLook: boolean;
};
export type SilenceNotice = MemberUp | MemberSuspected | MemberCleared | MemberFailed | PeerLeft;

const lastLookMs = 1;

type SilenceEnvironment = Environment<unknown, SilenceTimer, SilenceNotice>;

interface Member {
  readonly node: NodeId;
  readonly identity: Identity;
  /** 0: never heard of. */
  incarnation: number;
  version: number;
  state: MemberState;
  heardAt: Millis;
  /** Its timer that counts is due then. */
  timerAt: Millis | undefined;
  /** Other voters against it that the evidence names already. */
  named: number;
  readonly rhythm: PhiAccrual | undefined;
}

export class SilenceVerdicts implements FailureDetector {
  readonly counters = {
    suspicions: 0,
    cleared: 0,
    failures: 0,
    returned: 0,
    awaitsQuorum: 0,
    stale: 0,
    strangers: 0,
    malformed: 0,
    stalls: 0,
  };
  readonly #config: SilenceConfig;
  readonly #options: SilenceOptions;
  readonly #members = new Map<Identity, Member>();
  /** Those whom we suspect or have given up: our own votes. */
  readonly #silent = new Map<Identity, Member>();
  readonly #ballots = new Ballots();
  readonly #evidence = new EvidenceLog();
  readonly #scale: PhiScale | undefined;
  /** Since then we were never away. */
  #awakeSince: Millis = 0;
  /** Where the next votes begin, if they are too many for a message. */
  #turn = 0;

  /** Throws `UsageError` if there are more contacts than places. */
  constructor(config: SilenceConfig) {
    const { contacts, options, expectedMs } = config;
    if (contacts.length > options.maxMembers)
      throw new UsageError(`maxMembers: ${options.maxMembers} is less than ${contacts.length} contacts`);
    this.#config = config;
    this.#options = options;
    if (options.verdict === "phi")
      this.#scale = new PhiScale({
        threshold: options.phiThreshold,
        model: options.phiModel,
        window: options.phiWindow,
        minDeviationMs: options.phiMinDeviationMs,
        pauseMs: options.phiPauseMs,
        maxLearntMs: options.phiMaxLearntMs || 5 * expectedMs,
        expectedMs,
      });
    for (const contact of contacts) this.#add(contact);
  }

  // ---- What others may read ----

  stateOf(node: NodeId): MemberState {
    return this.#members.get(identityOf(node))?.state ?? "unknown";
  }
  why(node: NodeId): readonly Evidence[] {
    return this.#evidence.of(node);
  }
  /** Everybody that is remembered. */
  get members(): Iterable<{ readonly node: NodeId; readonly state: MemberState }> {
    return this.#members.values();
  }
  get size(): number {
    return this.#members.size;
  }
  heardAt(node: NodeId): Millis | undefined {
    return this.#members.get(identityOf(node))?.heardAt;
  }
  has(identity: Identity): boolean {
    return this.#members.has(identity);
  }
  /** How surprising the silence of that node is now; undefined without phi. */
  phiOf(node: NodeId, now: Millis): number | undefined {
    const member = this.#members.get(identityOf(node));
    return member?.rhythm?.phi(now - this.#silentSince(member));
  }

  // ---- Signs of life ----

  /**
   * A heartbeat: version `version` of that life. Later ones of a life have higher numbers, so copies and late ones are no
   * sign of anything. False if it is one of these, or if there is no room for a stranger.
   */
  heard(node: NodeId, incarnation: number, version: number, env: SilenceEnvironment): boolean {
    const member = this.#members.get(identityOf(node)) ?? this.#addStranger(node);
    if (member === undefined) return false;
    const isNewLife = incarnation > member.incarnation;
    const isLater = isNewLife || (incarnation === member.incarnation && version > member.version);
    if (!isLater || (member.state === "left" && !isNewLife)) {
      this.counters.stale++;
      return false;
    }
    // What waited for us while we were away tells nothing of the rhythm. What was too long by it does: otherwise the same
    // silence would surprise us again.
    if (!isNewLife && member.heardAt >= this.#awakeSince) member.rhythm?.learn(env.now - member.heardAt);
    member.incarnation = incarnation;
    member.version = version;
    member.heardAt = env.now;
    this.#revive(member, env);
    this.#watch(member, env);
    return true;
  }

  /** By its own word. */
  left(node: NodeId, incarnation: number, env: SilenceEnvironment): void {
    const member = this.#members.get(identityOf(node));
    if (member === undefined || incarnation < member.incarnation || member.state === "left") {
      this.counters.stale++;
      return;
    }
    member.incarnation = incarnation;
    member.state = "left";
    this.#silent.delete(member.identity);
    this.#ballots.withdraw(member.identity);
    this.#note(member, env, { kind: "left", by: member.node, detail: "it said goodbye" });
    env.notify({ type: "peer-left", peer: member.node, incarnation });
  }

  /** The member is remembered by its last life only, so that what is passed on about it does not bring it back. */
  forget(node: NodeId): void {
    const member = this.#members.get(identityOf(node));
    if (member?.state === "failed") member.state = "unknown";
  }

  #revive(member: Member, env: SilenceEnvironment): void {
    const { node, state, incarnation } = member;
    if (state === "alive") return;
    member.state = "alive";
    this.#silent.delete(member.identity);
    if (this.#evidence.has(node))
      this.#note(member, env, { kind: "alive", by: node, detail: "a heartbeat came" });
    if (state === "suspect") {
      this.counters.cleared++;
      return env.notify({ type: "member-cleared", peer: node, incarnation });
    }
    if (state === "failed") this.counters.returned++;
    // A heartbeat does not say when its sender joined.
    env.notify({ type: "member-up", peer: node, incarnation, since: env.now });
  }

  // ---- Silence ----

  #watch(member: Member, env: SilenceEnvironment): void {
    if (member.timerAt === undefined) this.#schedule(member, this.#limitOf(member), false, env);
  }

  #schedule(member: Member, after: Millis, isLastLook: boolean, env: SilenceEnvironment): void {
    member.timerAt = env.now + after;
    env.schedule(after, { type: "silence", node: member.identity, dueAt: member.timerAt, isLastLook });
  }

  #limitOf({ rhythm }: Member): Millis {
    return rhythm?.limitMs ?? this.#config.limitMs();
  }

  #silentSince({ heardAt }: Member): Millis {
    return Math.max(heardAt, this.#awakeSince);
  }

  onTimer(timer: SilenceTimer, env: SilenceEnvironment): void {
    this.checkAwake(timer.dueAt, env);
    const member = this.#members.get(timer.node);
    if (member?.timerAt !== timer.dueAt) return; // of somebody who was forgotten meanwhile
    member.timerAt = undefined;
    if (member.state !== "alive") return; // the next heartbeat sets a timer again
    const limit = this.#limitOf(member);
    const left = this.#silentSince(member) + limit - env.now;
    if (left > 0) return this.#schedule(member, left, false, env);
    // After a short pause timers come first, and the heartbeat lies unread.
    if (!timer.isLastLook) return this.#schedule(member, lastLookMs, true, env);
    this.#suspect(member, limit, env);
  }

  /** A timer that was due then fires now. */
  checkAwake(dueAt: Millis, env: SilenceEnvironment): void {
    if (env.now - dueAt <= this.#options.pauseMs) return;
    if (this.#awakeSince < env.now) this.counters.stalls++;
    this.#awakeSince = env.now;
  }

  #suspect(member: Member, limit: Millis, env: SilenceEnvironment): void {
    const { node, identity, incarnation, rhythm } = member;
    const silence = env.now - this.#silentSince(member);
    member.state = "suspect";
    this.#silent.set(identity, member);
    this.counters.suspicions++;
    const measure =
      rhythm === undefined
        ? `${limit} ms are allowed`
        : `phi ${rhythm.phi(silence).toFixed(1)}, usually ${Math.round(rhythm.meanMs)} ms`;
    this.#note(member, env, { kind: "missed", detail: `silent for ${silence} ms, ${measure}` });
    const others = this.#votersAgainst(member, env);
    member.named = others.length;
    for (const other of others)
      this.#note(member, env, { kind: "suspected", by: other, detail: "it suspected before us" });
    this.#note(member, env, { kind: "suspected", detail: this.#tally(others.length) });
    env.notify({ type: "member-suspected", peer: node, incarnation, by: [...others, env.self] });
    if (!this.#judge(member, others, env)) {
      this.counters.awaitsQuorum++;
      this.#note(member, env, { kind: "awaits-quorum", through: others, detail: this.#tally(others.length) });
    }
  }

  /** True if it was given up. */
  #judge(member: Member, others: readonly NodeId[], env: SilenceEnvironment): boolean {
    if (others.length + 1 < this.#options.quorum) return false;
    const { node, incarnation } = member;
    member.state = "failed";
    this.counters.failures++;
    this.#note(member, env, { kind: "failed", through: others, detail: this.#tally(others.length) });
    env.notify({ type: "member-failed", peer: node, incarnation, by: [env.self, ...others] });
    this.#config.onFailed?.(node, env);
    return true;
  }

  #tally(others: number): string {
    return `${others + 1} of ${this.#options.quorum} suspect it`;
  }

  // ---- Quorum ----

  /** Our own votes for the next heartbeat, and how many there are in all. None where nobody counts them. */
  votes(most = maxVotes): { readonly votes: readonly Vote[]; readonly total: number } {
    const total = this.#options.quorum > 1 ? this.#silent.size : 0;
    if (total === 0) return { votes: [], total };
    const all = [...this.#silent.values()];
    const begin = total > most ? this.#turn % total : 0;
    this.#turn = begin + most;
    const chosen = [...all.slice(begin), ...all.slice(0, begin)].slice(0, most);
    return { votes: chosen.map(({ identity, incarnation }) => ({ node: identity, incarnation })), total };
  }

  /** What another member said of others, together with a heartbeat. */
  onVotes(voter: NodeId, votes: readonly Vote[], total: number, env: SilenceEnvironment): void {
    if (this.#options.quorum === 1) return;
    if (votes.length > maxVotes || !areVotes(votes) || !Number.isSafeInteger(total) || total < votes.length) {
      this.counters.malformed++;
      return;
    }
    const known = votes.filter(({ node }) => this.#members.has(node));
    // Of nobody more than all can be suspected, whatever is said; so no vote stays for ever.
    const turns = Math.ceil(Math.min(total, this.#members.size) / Math.max(votes.length, 1));
    const lapsesAt = env.now + this.#config.limitMs() + turns * this.#config.expectedMs;
    this.#ballots.cast(identityOf(voter), known, total, lapsesAt);
    for (const { node, incarnation } of known) {
      const member = this.#silent.get(node);
      if (member?.state !== "suspect" || incarnation < member.incarnation) continue;
      const others = this.#votersAgainst(member, env);
      if (others.length <= member.named) continue; // it said so before
      member.named = others.length;
      const by = this.#nodeOf(voter);
      this.#note(member, env, { kind: "suspected", by, detail: this.#tally(others.length) });
      this.#judge(member, others, env);
    }
  }

  #votersAgainst({ identity, incarnation }: Member, env: SilenceEnvironment): NodeId[] {
    if (this.#options.quorum === 1) return [];
    const voters = this.#ballots.against(identity, incarnation, env.now);
    const others = voters.filter((voter) => voter !== identityOf(env.self));
    return others.slice(0, this.#options.quorum - 1).map((voter) => this.#nodeOf(voter));
  }

  /** By the contact that we know, where all that we have is an identity. */
  #nodeOf(node: NodeId): NodeId {
    return this.#members.get(identityOf(node))?.node ?? node;
  }

  // ---- Members ----

  #add(node: NodeId): Member {
    const identity = identityOf(node);
    const rhythm = this.#scale === undefined ? undefined : new PhiAccrual(this.#scale);
    const member: Member = {
      node,
      identity,
      incarnation: 0,
      version: 0,
      state: "unknown",
      heardAt: 0,
      timerAt: undefined,
      named: 0,
      rhythm,
    };
    this.#members.set(identity, member);
    return member;
  }

  /** Where all places are taken the gone make room, and never the living. */
  #addStranger(node: NodeId): Member | undefined {
    if (this.#members.size >= this.#options.maxMembers) {
      const gone = this.#firstGone();
      if (gone === undefined) {
        this.counters.strangers++;
        return undefined;
      }
      this.#members.delete(gone.identity);
      this.#silent.delete(gone.identity);
      this.#ballots.withdraw(gone.identity);
    }
    return this.#add(node);
  }

  #firstGone(): Member | undefined {
    for (const member of this.#members.values())
      if (member.state !== "alive" && member.state !== "suspect") return member;
    return undefined;
  }

  #note(
    { node, incarnation }: Member,
    env: SilenceEnvironment,
    finding: Pick<Evidence, "kind" | "detail"> & Partial<Pick<Evidence, "by" | "through">>,
  ): void {
    this.#evidence.add(node, { at: env.now, by: env.self, through: [], incarnation, ...finding });
  }
}

function areVotes(votes: readonly Vote[]): boolean {
  return votes.every(({ incarnation }) => Number.isSafeInteger(incarnation) && incarnation >= 0);
}
