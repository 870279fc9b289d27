/**
 * The seed registry: the peer list, who may enter it, who is taken out, and how the seeds come to agree (the seed
 * report, sections 2, 4.3, 6 and 7; the implementation report, section 3.1).
 *
 * Entering: a signed record, from the node that it describes, which answers at the address that it claims.
 *
 *     P -> register -> S -> call-back -> P's address -> call-back-reply -> S -> (persist) -> registered -> P
 *
 * Leaving: by the peer's own signed word; or when enough of its neighbors report it dead *and* it does not answer
 * the seed itself; or when its lease runs out and it does not answer. Whose record names no neighbors can be reported
 * by nobody, so a tenth of the lease must do there. A peer that was taken out and lives comes back with a higher
 * incarnation.
 *
 *     N1, N2, N3 -> dead-report(P) -> S -> call-back(accused) -> P … silence: P is removed
 *                        the lease is over: S -> call-back -> P … silence: P is removed at the next look
 *
 * Agreement: `seed-agreement.ts` brings what other seeds know; here it is judged.
 */
import {
  defineOptions,
  type Environment,
  type Evidence,
  type FailureDetector,
  hashText,
  type Identity,
  identityOf,
  type MemberState,
  type Millis,
  type NodeId,
  nonce,
  type Persist,
  type Persisted,
  type Protocol,
  type Signatures,
  type Signed,
} from "../core/index.ts";
import { type Listed, ListedPeers } from "./listed-peers.ts";
import {
  type DeadReport,
  type DeltaEntry,
  type DigestEntry,
  type IntroductionMessage,
  type LeaveNotice,
  type ListEntry,
  maxDigestEntries,
  maxListEntries,
  maxRecordNeighbors,
  maxReportsPerSuspect,
  type PeerRecord,
  type Refused,
  type Register,
} from "./messages.ts";
import {
  SeedAgreement,
  type SeedAgreementNotice,
  type SeedAgreementTimer,
  type SharedList,
} from "./seed-agreement.ts";

export interface SeedRegistryOptions {
  readonly confirmations: number;
  readonly callBackTimeoutMs: number;
  readonly syncIntervalMs: number;
  readonly hintDelayMs: number;
  readonly leaseMs: number;
  readonly removalRetentionMs: number;
  readonly maxPeers: number;
  readonly maxPendingCallBacks: number;
}

export const seedRegistryOptions = defineOptions<SeedRegistryOptions>({
  confirmations: {
    default: 3,
    min: 1,
    max: maxReportsPerSuspect,
    description:
      "How many different neighbors must report a peer dead; fewer where it has fewer (guess; documents: several)",
  },
  callBackTimeoutMs: {
    default: 2000,
    min: 10,
    max: 60_000,
    description: "How long a seed waits for a peer to answer a call-back (guess: ten bad round trips)",
  },
  syncIntervalMs: {
    default: 5000,
    min: 50,
    max: 3_600_000,
    description: "How often a seed compares its list with a random other seed's (guess)",
  },
  hintDelayMs: {
    default: 500,
    min: 0,
    max: 60_000,
    description: "How long changes are gathered before the other seeds are told that there are some (guess)",
  },
  leaseMs: {
    default: 600_000,
    min: 100,
    max: 86_400_000,
    description:
      "A peer unheard of for so long is called back, and removed if it stays silent; without neighbors after a tenth of it (guess: ten refreshes)",
  },
  removalRetentionMs: {
    default: 3_600_000,
    min: 1000,
    max: 604_800_000,
    description: "How long a removal is remembered, so that an old list cannot bring the peer back (guess)",
  },
  maxPeers: { default: 20_000, min: 1, max: maxDigestEntries, description: "Bound on the peer list" },
  maxPendingCallBacks: {
    default: 4096,
    min: 1,
    max: 1_000_000,
    description:
      "Bound on call-backs under way: at this many nobody is taken up, at half of it no lease is looked into (guess)",
  },
});

/** What a seed keeps on disk of one peer. */
export interface StoredPeer {
  readonly record: Signed<PeerRecord>;
}

export interface SeedRegistryConfig {
  /** The other seeds, as contacts without id (live) or numbers (simulated). */
  readonly otherSeeds: readonly NodeId[];
  readonly signatures: Signatures<PeerRecord | DeadReport | LeaveNotice>;
  /** The list of an earlier life. */
  readonly restored?: readonly StoredPeer[];
  readonly options?: Partial<SeedRegistryOptions>;
}

export type SeedRegistryTimer =
  | { readonly type: "call-back-timeout"; readonly nonce: number; readonly dueAt: Millis }
  | { readonly type: "housekeeping" }
  | SeedAgreementTimer;

export type SeedRegistryCommand = Persisted;

export type RemovalReason = "dead" | "left" | "expired";

export type SeedRegistryNotice =
  | Persist
  | { readonly type: "registration-requested"; readonly peer: NodeId }
  | { readonly type: "registration-refused"; readonly peer: NodeId; readonly reason: string }
  | {
      readonly type: "peer-listed";
      readonly peer: NodeId;
      readonly incarnation: number;
      readonly by: "registration" | "agreement";
      readonly size: number;
    }
  | {
      readonly type: "peer-removed";
      readonly peer: NodeId;
      readonly reason: RemovalReason;
      readonly reporters: readonly NodeId[];
      readonly size: number;
    }
  | {
      readonly type: "list-handed-out";
      readonly to: NodeId;
      readonly entries: number;
      readonly total: number;
    }
  | {
      readonly type: "dead-report-received";
      readonly suspect: NodeId;
      readonly reporter: NodeId;
      readonly at: Millis;
      readonly reports: number;
      readonly required: number;
    }
  | {
      readonly type: "dead-report-ignored";
      readonly suspect: NodeId;
      readonly reporter: NodeId;
      readonly reason: string;
    }
  | { readonly type: "suspect-answered"; readonly peer: NodeId }
  | SeedAgreementNotice;

type SeedEnvironment = Environment<IntroductionMessage, SeedRegistryTimer, SeedRegistryNotice>;

/** Reports against one incarnation of one peer, and what the seed itself found. */
interface Case {
  readonly reports: Map<Identity, Signed<DeadReport>>;
  /** The nonce of the seed's own call-back while that is under way. */
  probe: number | "silent";
}

interface Entry extends Listed {
  record: Signed<PeerRecord>;
  /** What a digest says of it while nobody accuses it: one object for all digests. */
  digest: DigestEntry;
  /** When this version of the record came. */
  changedAt: Millis;
  heardAt: Millis;
  case: Case | undefined;
  /** This entry's share of the fingerprint. */
  hash: number;
}

interface Removal {
  readonly entry: Signed<PeerRecord>;
  readonly incarnation: number;
  readonly reason: RemovalReason;
  readonly at: Millis;
  readonly reports: readonly Signed<DeadReport>[];
  readonly leave: Signed<LeaveNotice> | undefined;
  /** When it was last called back because another seed lists it. */
  triedAt: Millis;
}

/** Why the seed calls somebody back: to take it up, or to see whether it lives. */
type CallBackReason =
  | {
      readonly for: "registration";
      readonly from: NodeId;
      readonly register: Register;
      readonly peer: NodeId;
    }
  | {
      readonly for: "adoption";
      readonly record: Signed<PeerRecord>;
      readonly removal: Removal;
      readonly peer: NodeId;
    }
  | { readonly for: "probe"; readonly peer: NodeId };

/** Who is to be told that its entry is on disk. */
interface Waiting {
  readonly to: NodeId;
  readonly nonce: number;
}

/** How often in a lease the seed looks for those that it has not heard of. */
const looksPerLease = 20;
/** Who dies before its first record with neighbors has come is noticed by the seed alone: that must not take a lease. */
const leaseShareWithoutNeighbors = 1 / 10;

export class SeedRegistry
  implements
    Protocol<IntroductionMessage, SeedRegistryTimer, SeedRegistryNotice, SeedRegistryCommand>,
    FailureDetector
{
  readonly counters = {
    registrations: 0,
    renewals: 0,
    removals: 0,
    refusedUnreachable: 0,
    refusedInvalid: 0,
    refusedFull: 0,
    forgedReports: 0,
    strangersReports: 0,
    unasked: 0,
    synchronisations: 0,
  };
  readonly #options: SeedRegistryOptions;
  readonly #config: SeedRegistryConfig;
  readonly #entries = new ListedPeers<Entry>();
  /** Nobody is both in the list and here. */
  readonly #removals = new Map<Identity, Removal>();
  readonly #callBacks = new Map<number, CallBackReason>();
  /** The call-back under way to each peer that asked to be taken up: one each, so that nobody fills the table. */
  readonly #newcomers = new Map<Identity, number>();
  /** Who gets `registered` (if anybody) once the last of an entry's writes is on disk, by storage key. */
  readonly #waiting = new Map<string, { readonly waiting: Waiting | undefined; readonly writes: number }>();
  /** Sum of the entries' hashes modulo 2^32: equal lists have equal fingerprints. */
  #fingerprint = 0;
  readonly #agreement: SeedAgreement<SeedEnvironment>;
  #isDeciding = false;
  #mustDecideAgain = false;
  /** Whose findings those are that nobody else reported. */
  #self: NodeId = "";

  constructor(config: SeedRegistryConfig) {
    this.#config = config;
    this.#options = seedRegistryOptions(config.options);
    this.#agreement = new SeedAgreement({
      otherSeeds: config.otherSeeds,
      list: this.#sharedList(),
      counters: this.counters,
      options: this.#options,
    });
  }

  /** The peer list, in order of registration. */
  get list(): readonly PeerRecord[] {
    return [...this.#entries.values()].map((entry) => entry.record.statement);
  }
  get size(): number {
    return this.#entries.size;
  }
  get fingerprint(): number {
    return this.#fingerprint;
  }
  has(peer: NodeId): boolean {
    return this.#entries.has(identityOf(peer));
  }

  stateOf(node: NodeId): MemberState {
    const identity = identityOf(node);
    const entry = this.#entries.get(identity);
    if (entry !== undefined) return entry.case === undefined ? "alive" : "suspect";
    const removal = this.#removals.get(identity);
    if (removal === undefined) return "unknown";
    return removal.reason === "left" ? "left" : "failed";
  }

  /** The reports that were believed so far, what the seed's own call-back found, and the removal. */
  why(node: NodeId): readonly Evidence[] {
    const identity = identityOf(node);
    const entry = this.#entries.get(identity);
    if (entry?.case !== undefined) {
      const { reports, probe } = entry.case;
      const required = this.#required(entry);
      const chain = reported([...reports.values()], (i) => `report ${i} of ${required} required`);
      const { incarnation } = entry.record.statement;
      const detail = `the seed's own call-back: ${probe === "silent" ? "no answer" : "under way"}`;
      return [
        ...chain,
        { at: entry.heardAt, kind: "missed", by: this.#self, through: [], incarnation, detail },
      ];
    }
    const removal = this.#removals.get(identity);
    if (removal === undefined) return [];
    const { at, reason, incarnation, reports } = removal;
    const kind = reason === "left" ? "left" : "failed";
    const verdict: Evidence = {
      at,
      kind,
      by: this.#self,
      through: [],
      incarnation,
      detail: `removed: ${reason}`,
    };
    return [...reported(reports, (i) => `report ${i}`), verdict];
  }

  // ---- Handlers ----

  start(env: SeedEnvironment): void {
    this.#self = env.self;
    for (const { record } of this.#config.restored ?? []) {
      if (this.#entries.size < this.#options.maxPeers) this.#put(record, env);
    }
    this.#agreement.start(env);
    this.#scheduleLook(env);
  }

  onCommand(command: SeedRegistryCommand, env: SeedEnvironment): void {
    const writing = this.#waiting.get(command.key);
    if (writing === undefined) return;
    const { waiting, writes } = writing;
    if (writes > 1) {
      this.#waiting.set(command.key, { waiting, writes: writes - 1 });
      return;
    }
    this.#waiting.delete(command.key);
    if (waiting === undefined) return;
    env.send(waiting.to, { type: "registered", nonce: waiting.nonce, listSize: this.#entries.size });
  }

  onMessage(from: NodeId, message: IntroductionMessage, env: SeedEnvironment): void {
    switch (message.type) {
      case "register":
        return this.#onRegister(from, message, env);
      case "call-back-reply":
        return this.#onCallBackReply(from, message.nonce, env);
      case "list-request":
        return this.#handOutList(from, message.nonce, env);
      case "dead-report":
        return this.#onReport(message.report, env);
      case "leave":
        return this.#onLeave(message.notice, env);
      case "sync-request":
      case "sync-same":
      case "sync-digest":
      case "sync-want":
      case "sync-delta":
      case "sync-hint":
        return this.#agreement.onMessage(from, message, env);
      default:
        this.counters.unasked++;
    }
  }

  onTimer(timer: SeedRegistryTimer, env: SeedEnvironment): void {
    switch (timer.type) {
      case "call-back-timeout":
        return this.#onCallBackTimeout(timer.nonce, timer.dueAt, env);
      case "housekeeping":
        this.#housekeep(env);
        return this.#scheduleLook(env);
      default:
        return this.#agreement.onTimer(timer, env);
    }
  }

  // ---- Entering the list ----

  #onRegister(from: NodeId, register: Register, env: SeedEnvironment): void {
    const { statement, proof } = register.record;
    const identity = identityOf(statement.peer);
    const entry = this.#entries.get(identity);
    const isRenewal =
      entry !== undefined &&
      entry.record.statement.peer === statement.peer &&
      entry.record.statement.incarnation === statement.incarnation;
    if (!isRenewal) env.notify({ type: "registration-requested", peer: statement.peer });

    // Nobody registers somebody else, and nobody's words are changed on the way.
    if (identityOf(from) !== identity || !this.#config.signatures.verify(statement.peer, statement, proof)) {
      this.counters.refusedInvalid++;
      return this.#refuse(from, register, "invalid", 0, env);
    }
    const objection = this.#objectionTo(statement);
    if (objection !== undefined) {
      return this.#refuse(from, register, objection.reason, objection.incarnation, env);
    }
    if (isRenewal) {
      this.counters.renewals++;
      entry.heardAt = env.now;
      entry.case = undefined; // whoever renews, lives
      const isOnDisk = !this.#waiting.has(storageKey(identity));
      if (statement.version <= entry.record.statement.version && isOnDisk) {
        return env.send(from, { type: "registered", nonce: register.nonce, listSize: this.#entries.size });
      }
      return this.#admit(register.record, { to: from, nonce: register.nonce }, env);
    }
    const earlier = this.#newcomers.get(identity);
    if (earlier !== undefined) this.#callBacks.delete(earlier); // it asks again, and waits for this answer only
    if (this.#callBacks.size >= this.#options.maxPendingCallBacks) {
      return this.#refuse(from, register, "full", 0, env);
    }
    // New here, or at a new address, or in a new life: does it answer where it says it does?
    const asked = this.#callBack({ for: "registration", from, register, peer: statement.peer }, 0, env);
    this.#newcomers.set(identity, asked);
  }

  /** Why this record may not enter the list; undefined if it may. Asked again after the call-back. */
  #objectionTo({ peer, incarnation }: PeerRecord): Pick<Refused, "reason" | "incarnation"> | undefined {
    const identity = identityOf(peer);
    const removal = this.#removals.get(identity);
    if (removal !== undefined && removal.incarnation >= incarnation) {
      return { reason: "removed", incarnation: removal.incarnation };
    }
    const listed = this.#entries.get(identity)?.record.statement;
    if (listed !== undefined && listed.incarnation > incarnation) {
      return { reason: "stale", incarnation: listed.incarnation };
    }
    if (listed === undefined && this.#entries.size >= this.#options.maxPeers) {
      return { reason: "full", incarnation: 0 };
    }
    return undefined;
  }

  #refuse(
    to: NodeId,
    register: Register,
    reason: Refused["reason"],
    incarnation: number,
    env: SeedEnvironment,
  ): void {
    if (reason === "full") this.counters.refusedFull++;
    env.notify({ type: "registration-refused", peer: register.record.statement.peer, reason });
    env.send(to, { type: "refused", nonce: register.nonce, reason, incarnation });
  }

  /** Returns the nonce that the answer must carry. */
  #callBack(reason: CallBackReason, accused: number, env: SeedEnvironment): number {
    const asked = nonce(env.random);
    this.#callBacks.set(asked, reason);
    env.send(reason.peer, { type: "call-back", nonce: asked, accused });
    const { callBackTimeoutMs } = this.#options;
    env.schedule(callBackTimeoutMs, {
      type: "call-back-timeout",
      nonce: asked,
      dueAt: env.now + callBackTimeoutMs,
    });
    return asked;
  }

  #onCallBackReply(from: NodeId, answered: number, env: SeedEnvironment): void {
    const reason = this.#callBacks.get(answered);
    if (reason === undefined || identityOf(reason.peer) !== identityOf(from)) {
      this.counters.unasked++;
      return;
    }
    this.#callBacks.delete(answered);
    const identity = identityOf(reason.peer);
    switch (reason.for) {
      case "registration": {
        this.#newcomers.delete(identity);
        const { register } = reason;
        const objection = this.#objectionTo(register.record.statement); // much may have happened meanwhile
        if (objection !== undefined) {
          return this.#refuse(reason.from, register, objection.reason, objection.incarnation, env);
        }
        this.counters.registrations++;
        return this.#admit(register.record, { to: reason.from, nonce: register.nonce }, env);
      }
      case "adoption":
        // It lives, whatever we thought.
        if (this.#removals.get(identity) === reason.removal) this.#removals.delete(identity);
        return this.#adopt(reason.record, env);
    }
    const entry = this.#entries.get(identity);
    if (entry === undefined) return;
    entry.heardAt = env.now;
    if (isAccused(entry)) env.notify({ type: "suspect-answered", peer: reason.peer });
    entry.case = undefined;
  }

  #onCallBackTimeout(asked: number, dueAt: Millis, env: SeedEnvironment): void {
    const reason = this.#callBacks.get(asked);
    if (reason === undefined) return; // answered
    const { callBackTimeoutMs } = this.#options;
    if (env.now - dueAt > callBackTimeoutMs / 2) {
      // We were away when this timer was due: the answer may be waiting unread.
      const next = env.now + callBackTimeoutMs;
      return env.schedule(callBackTimeoutMs, { type: "call-back-timeout", nonce: asked, dueAt: next });
    }
    this.#callBacks.delete(asked);
    switch (reason.for) {
      case "registration":
        this.#newcomers.delete(identityOf(reason.peer));
        this.counters.refusedUnreachable++;
        return this.#refuse(reason.from, reason.register, "unreachable", 0, env);
      case "adoption":
        return; // as we thought
    }
    const entry = this.#entries.get(identityOf(reason.peer));
    if (entry?.case === undefined || entry.case.probe !== asked) return; // it was heard of meanwhile
    entry.case.probe = "silent";
    this.#decide(entry, env);
    // Somebody else's quorum may just have become smaller, or nothing at all.
    this.#lookAfterOrphans(identityOf(reason.peer), env);
    this.#decideAll(env);
  }

  /** Puts a record into the list, on disk first, and then tells the peer. */
  #admit(offered: Signed<PeerRecord>, waiting: Waiting, env: SeedEnvironment): void {
    const listed = this.#entries.get(identityOf(offered.statement.peer))?.record;
    // A later version of the same life may have been quicker.
    const isOutdated =
      listed !== undefined &&
      listed.statement.incarnation === offered.statement.incarnation &&
      listed.statement.version > offered.statement.version;
    const record = isOutdated ? listed : offered;
    const isNews = this.#put(record, env);
    const { peer, incarnation } = record.statement;
    if (isNews)
      env.notify({ type: "peer-listed", peer, incarnation, by: "registration", size: this.#entries.size });
    this.#persist(record, waiting, env);
    this.#agreement.hint(env);
    this.#decideOnParted(listed?.statement, env);
  }

  /** True if the peer, this address of it, or this life of it is new to the list. */
  #put(record: Signed<PeerRecord>, env: SeedEnvironment): boolean {
    const { peer, incarnation, version, since } = record.statement;
    const identity = identityOf(peer);
    const old = this.#entries.get(identity);
    const hash = hashText(`${identity}:${incarnation}:${version}`);
    this.#fingerprint = (this.#fingerprint + hash - (old?.hash ?? 0)) >>> 0;
    this.#removals.delete(identity);
    const before = old?.record.statement;
    const isSameLife = before?.incarnation === incarnation;
    const isNews = !isSameLife || before?.peer !== peer;
    const isSameVersion = isSameLife && before?.version === version;
    const line: ListEntry = { peer, since };
    const digest: DigestEntry = { peer, incarnation, version, state: "listed" };
    if (old === undefined) {
      const times = { changedAt: env.now, heardAt: env.now };
      this.#entries.add({ record, line, digest, hash, ...times, case: undefined, place: 0 });
      return true;
    }
    this.#entries.relist(old, line);
    old.record = record;
    old.digest = digest;
    old.hash = hash;
    old.heardAt = env.now;
    if (!isSameVersion) old.changedAt = env.now;
    if (!isSameLife) old.case = undefined;
    return isNews;
  }

  #persist(record: Signed<PeerRecord>, waiting: Waiting | undefined, env: SeedEnvironment): void {
    const key = storageKey(identityOf(record.statement.peer));
    // Awaited also where nobody waits yet: who registers before it is on disk has to.
    const earlier = this.#waiting.get(key);
    this.#waiting.set(key, { waiting: waiting ?? earlier?.waiting, writes: (earlier?.writes ?? 0) + 1 });
    env.notify({ type: "persist", key, value: { record } satisfies StoredPeer, isAwaited: true });
  }

  // ---- Handing out ----

  #handOutList(to: NodeId, asked: number, env: SeedEnvironment): void {
    const asker = identityOf(to);
    const entries = this.#entries.excerptFor(asker, maxListEntries, env.random);
    const total = this.#entries.size - (this.#entries.has(asker) ? 1 : 0);
    env.notify({ type: "list-handed-out", to, entries: entries.length, total });
    env.send(to, { type: "peer-list", nonce: asked, total, entries });
  }

  // ---- Leaving the list ----

  #onReport(report: Signed<DeadReport>, env: SeedEnvironment): void {
    const { suspect, reporter, incarnation } = report.statement;
    const entry = this.#entries.get(identityOf(suspect));
    if (entry === undefined) return; // gone already, or never heard of
    const { statement } = entry.record;
    // Refuted meanwhile: the report is about an earlier life.
    if (incarnation < statement.incarnation) return this.#ignore(report, "refuted", env);
    const reporterIdentity = identityOf(reporter);
    if (entry.case?.reports.has(reporterIdentity)) return;
    if (!this.#config.signatures.verify(reporter, report.statement, report.proof)) {
      this.counters.forgedReports++;
      return this.#ignore(report, "forged", env);
    }
    // Only those whom the suspect itself named as its neighbors, and who are in the list, may testify.
    const isNeighbor = statement.neighbors.some((neighbor) => identityOf(neighbor) === reporterIdentity);
    if (!isNeighbor || reporterIdentity === identityOf(suspect) || !this.#entries.has(reporterIdentity)) {
      this.counters.strangersReports++;
      return this.#ignore(report, "not a neighbor", env);
    }
    const open = this.#openCase(entry, statement.incarnation, env);
    if (open.reports.size < maxReportsPerSuspect) open.reports.set(reporterIdentity, report);
    env.notify({
      type: "dead-report-received",
      suspect,
      reporter,
      at: report.statement.at,
      reports: open.reports.size,
      required: this.#required(entry),
    });
    this.#agreement.hint(env);
    this.#decide(entry, env);
  }

  #ignore(report: Signed<DeadReport>, reason: string, env: SeedEnvironment): void {
    const { suspect, reporter } = report.statement;
    env.notify({ type: "dead-report-ignored", suspect, reporter, reason });
  }

  /** The first suspicion makes the seed look for itself. `accused` is 0 where nobody reported anything. */
  #openCase(entry: Entry, accused: number, env: SeedEnvironment): Case {
    if (entry.case === undefined) {
      const probe = this.#callBack({ for: "probe", peer: entry.record.statement.peer }, accused, env);
      entry.case = { reports: new Map(), probe };
    }
    return entry.case;
  }

  /**
   * k = min(option, neighbors who could still testify): those in the list who are not silent suspects themselves, and
   * who have reported or have not parted from it since.
   */
  #required(entry: Entry): number {
    let able = 0;
    for (const neighbor of entry.record.statement.neighbors) {
      const identity = identityOf(neighbor);
      const other = this.#entries.get(identity);
      if (other === undefined || other.case?.probe === "silent") continue;
      if (entry.case?.reports.has(identity) || !this.#hasParted(other, entry)) able++;
    }
    return Math.min(this.#options.confirmations, able);
  }

  /**
   * Does a neighbor that the suspect named no longer name the suspect? Then it has given the link away, perhaps after
   * the suspect died, and pings it no more. Its word shortens the list of witnesses by itself alone.
   */
  #hasParted(neighbor: Entry, suspect: Entry): boolean {
    const { neighbors } = neighbor.record.statement;
    if (neighbor.changedAt < suspect.changedAt || neighbors.length >= maxRecordNeighbors) return false;
    const identity = identityOf(suspect.record.statement.peer);
    return !neighbors.some((other) => identityOf(other) === identity);
  }

  #decide(entry: Entry, env: SeedEnvironment): void {
    const open = entry.case;
    if (open === undefined || open.probe !== "silent" || open.reports.size < this.#required(entry)) return;
    // Nobody ever said who may testify: then only its silence at the seed's next look counts.
    if (entry.record.statement.neighbors.length === 0) return;
    this.#remove(entry, "dead", undefined, env);
  }

  #decideAll(env: SeedEnvironment): void {
    // A removal asks for this again: the loop goes round once more, and not into itself.
    this.#mustDecideAgain = true;
    if (this.#isDeciding) return;
    this.#isDeciding = true;
    while (this.#mustDecideAgain) {
      this.#mustDecideAgain = false;
      for (const entry of this.#entries.values()) this.#decide(entry, env);
    }
    this.#isDeciding = false;
  }

  /** Suspects that a peer named before its record changed may have waited for its report alone. */
  #decideOnParted(before: PeerRecord | undefined, env: SeedEnvironment): void {
    for (const neighbor of before?.neighbors ?? []) {
      const suspect = this.#entries.get(identityOf(neighbor));
      if (suspect !== undefined) this.#decide(suspect, env);
    }
  }

  /** Whose neighbors are all gone or silent can be reported by nobody: the seed looks for itself. */
  #lookAfterOrphans(gone: Identity, env: SeedEnvironment): void {
    for (const entry of this.#entries.values()) {
      if (entry.case !== undefined) continue;
      const { neighbors } = entry.record.statement;
      if (!neighbors.some((neighbor) => identityOf(neighbor) === gone)) continue;
      if (this.#required(entry) === 0) this.#openCase(entry, 0, env);
    }
  }

  #onLeave(notice: Signed<LeaveNotice>, env: SeedEnvironment): void {
    const { peer, incarnation } = notice.statement;
    const entry = this.#entries.get(identityOf(peer));
    if (entry === undefined || incarnation < entry.record.statement.incarnation) return;
    if (!this.#config.signatures.verify(peer, notice.statement, notice.proof)) {
      this.counters.forgedReports++;
      return;
    }
    this.#remove(entry, "left", notice, env);
  }

  #remove(
    entry: Entry,
    reason: RemovalReason,
    leave: Signed<LeaveNotice> | undefined,
    env: SeedEnvironment,
  ): void {
    const { peer } = entry.record.statement;
    // Whoever leaves may do so in a life that we have not heard of yet.
    const incarnation = Math.max(entry.record.statement.incarnation, leave?.statement.incarnation ?? 0);
    const identity = identityOf(peer);
    const reports = [...(entry.case?.reports.values() ?? [])];
    this.#entries.delete(identity);
    this.#fingerprint = (this.#fingerprint - entry.hash) >>> 0;
    const at = env.now;
    this.#removals.set(identity, {
      entry: entry.record,
      incarnation,
      reason,
      at,
      reports,
      leave,
      triedAt: at,
    });
    if (this.#removals.size > this.#options.maxPeers) {
      this.#removals.delete(this.#removals.keys().next().value!); // the oldest
    }
    this.counters.removals++;
    env.notify({
      type: "peer-removed",
      peer,
      reason,
      reporters: reports.map((report) => report.statement.reporter),
      size: this.#entries.size,
    });
    env.notify({ type: "persist", key: storageKey(identity), value: undefined, isAwaited: false });
    this.#agreement.hint(env);
    this.#lookAfterOrphans(identity, env);
    this.#decideAll(env);
  }

  #scheduleLook(env: SeedEnvironment): void {
    env.schedule(Math.ceil(this.#options.leaseMs / looksPerLease), { type: "housekeeping" });
  }

  /** Calls back who was not heard of for too long, and forgets removals that nobody can need any more. */
  #housekeep(env: SeedEnvironment): void {
    for (const entry of this.#entries.values()) {
      if (env.now - entry.heardAt < this.#patienceWith(entry)) continue;
      if (entry.case === undefined) {
        // However many are due at once: the other half of the call-backs is for those who want to enter.
        if (this.#callBacks.size < this.#options.maxPendingCallBacks / 2) this.#openCase(entry, 0, env);
      }
      // Silent for so long and at a call-back: it does not matter any more who could have reported it.
      else if (entry.case.probe === "silent") this.#remove(entry, "expired", undefined, env);
    }
    for (const [identity, removal] of this.#removals) {
      if (env.now - removal.at > this.#options.removalRetentionMs) this.#removals.delete(identity);
    }
  }

  /** How long it may be unheard of. Nobody but the seed finds out that a peer is dead that named no neighbors. */
  #patienceWith({ record }: Entry): Millis {
    const { leaseMs } = this.#options;
    return record.statement.neighbors.length > 0 ? leaseMs : leaseMs * leaseShareWithoutNeighbors;
  }

  // ---- Agreement among seeds ----

  #sharedList(): SharedList<SeedEnvironment> {
    return {
      size: () => this.#entries.size,
      fingerprint: () => this.#fingerprint,
      hasOpenCases: () => this.#hasOpenCases(),
      digest: () => this.#digest(),
      lacks: (theirs, now) => this.#lacks(theirs, now),
      evidenceOn: (peer) => this.#evidenceOn(peer),
      judge: (entry, env) => this.#judge(entry, env),
    };
  }

  #hasOpenCases(): boolean {
    for (const entry of this.#entries.values()) if (isAccused(entry)) return true;
    return false;
  }

  #digest(): DigestEntry[] {
    const entries: DigestEntry[] = [];
    for (const entry of this.#entries.values()) {
      entries.push(isAccused(entry) ? { ...entry.digest, state: "accused" } : entry.digest);
    }
    for (const { entry, incarnation, reports, leave } of this.#removals.values()) {
      if (entries.length >= maxDigestEntries) break;
      if (reports.length === 0 && leave === undefined) continue; // every seed finds that out for itself
      entries.push({ peer: entry.statement.peer, incarnation, version: 0, state: "removed" });
    }
    return entries;
  }

  #lacks(theirs: DigestEntry, now: Millis): boolean {
    const identity = identityOf(theirs.peer);
    const entry = this.#entries.get(identity);
    const removal = entry === undefined ? this.#removals.get(identity) : undefined;
    const mine = entry?.record.statement;
    switch (theirs.state) {
      case "removed":
        return mine !== undefined && mine.incarnation <= theirs.incarnation;
      case "accused":
        if (mine?.incarnation === theirs.incarnation && this.#isOpen(entry!)) return true;
        break;
    }
    if (removal !== undefined && removal.incarnation >= theirs.incarnation) {
      return this.#mayBeWrong(removal, theirs.incarnation, now);
    }
    if (mine === undefined) return true;
    if (mine.incarnation !== theirs.incarnation) return mine.incarnation < theirs.incarnation;
    return mine.version < theirs.version;
  }

  /** Could more reports change anything? */
  #isOpen(entry: Entry): boolean {
    return entry.case === undefined || entry.case.reports.size < this.#required(entry);
  }

  /**
   * Perhaps this seed found the peer silent because it was cut off itself, and with it those who reported the peer.
   * The other seeds need not believe those reports (the peer may have other neighbors by now), so they alone do not
   * make it refute. If another seed lists the peer, it is worth a call, now and then.
   */
  #mayBeWrong(removal: Removal, listed: number, now: Millis): boolean {
    const { incarnation, leave, triedAt } = removal;
    if (leave !== undefined || incarnation !== listed) return false;
    return now - triedAt >= this.#options.leaseMs / 4;
  }

  #evidenceOn(peer: NodeId): DeltaEntry | undefined {
    const entry = this.#entries.get(identityOf(peer));
    if (entry !== undefined) {
      const reports = [...(entry.case?.reports.values() ?? [])];
      return { record: entry.record, reports, leave: undefined };
    }
    const removal = this.#removals.get(identityOf(peer));
    if (removal === undefined) return undefined;
    return { record: undefined, reports: removal.reports, leave: removal.leave };
  }

  #judge({ record, reports, leave }: DeltaEntry, env: SeedEnvironment): void {
    if (record !== undefined) this.#adopt(record, env);
    for (const report of reports.slice(0, maxReportsPerSuspect)) this.#onReport(report, env);
    if (leave !== undefined) this.#onLeave(leave, env);
  }

  /** Takes over another seed's entry. That seed has called the peer back; what we check is the peer's own word. */
  #adopt(record: Signed<PeerRecord>, env: SeedEnvironment): void {
    const { statement, proof } = record;
    const identity = identityOf(statement.peer);
    const mine = this.#entries.get(identity)?.record.statement;
    const removal = this.#removals.get(identity);
    const isRuledOut = removal !== undefined && removal.incarnation >= statement.incarnation;
    if (isRuledOut && !this.#mayBeWrong(removal, statement.incarnation, env.now)) return;
    if (mine !== undefined) {
      if (mine.incarnation > statement.incarnation) return;
      if (mine.incarnation === statement.incarnation && mine.version >= statement.version) return;
    } else if (this.#entries.size >= this.#options.maxPeers) {
      this.counters.refusedFull++;
      return;
    }
    if (!this.#config.signatures.verify(statement.peer, statement, proof)) {
      this.counters.refusedInvalid++;
      return;
    }
    if (isRuledOut) {
      removal.triedAt = env.now;
      // Whoever was reported is told so: a new incarnation ends it at every seed.
      const accused = removal.reports.length > 0 ? removal.incarnation : 0;
      if (this.#callBacks.size < this.#options.maxPendingCallBacks)
        this.#callBack({ for: "adoption", record, removal, peer: statement.peer }, accused, env);
      return;
    }
    if (this.#put(record, env)) {
      const { peer, incarnation } = statement;
      env.notify({ type: "peer-listed", peer, incarnation, by: "agreement", size: this.#entries.size });
    }
    this.#persist(record, undefined, env);
    this.#agreement.hint(env);
    this.#decideOnParted(mine, env);
  }
}

function storageKey(identity: Identity): string {
  return `peer/${identity}`;
}

/** Has anybody reported it? */
function isAccused(entry: Entry): boolean {
  return entry.case !== undefined && entry.case.reports.size > 0;
}

function reported(reports: readonly Signed<DeadReport>[], detail: (number: number) => string): Evidence[] {
  return reports.map(({ statement: { at, reporter, incarnation } }, i) => ({
    at,
    kind: "suspected",
    by: reporter,
    through: [],
    incarnation,
    detail: detail(i + 1),
  }));
}
