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
 * Agreement: a seed believes only what is signed and what it asked a configured address for. So it pulls: from a
 * random other seed now and then, and from one that hints at a change. Removals travel as the reports behind them,
 * and every seed judges for itself.
 *
 *     A -> sync-request(fingerprint) -> B -> sync-digest -> A -> sync-want -> B -> sync-delta -> A
 */
import {
  addressOf,
  defineOptions,
  type Environment,
  hashText,
  type Identity,
  identityOf,
  type Millis,
  type NodeId,
  nonce,
  type Persist,
  type Persisted,
  type Protocol,
  pick,
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
  maxDeltaEntries,
  maxDigestEntries,
  maxListEntries,
  maxRecordNeighbors,
  maxReportsPerSuspect,
  type PeerRecord,
  type Refused,
  type Register,
  type SyncDelta,
  type SyncDigest,
} from "./messages.ts";

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
  | { readonly type: "sync" }
  | { readonly type: "hint" }
  | { readonly type: "hinted"; readonly seed: NodeId }
  | { readonly type: "housekeeping" };

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
  | { readonly type: "seeds-agree"; readonly seed: NodeId; readonly size: number }
  | {
      readonly type: "seeds-reconciled";
      readonly seed: NodeId;
      readonly asked: number;
      readonly size: number;
    };

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

/** A comparison with another seed that has not come to its end. */
interface Pull {
  readonly seed: NodeId;
  readonly since: Millis;
  /** Deltas that were asked for and have not come; unknown before the digest. */
  deltas: number | undefined;
}

/** How often in a lease the seed looks for those that it has not heard of. */
const looksPerLease = 20;
/** Who dies before its first record with neighbors has come is noticed by the seed alone: that must not take a lease. */
const leaseShareWithoutNeighbors = 1 / 10;

/** The shortest pause before a seed that hinted during a pull is asked again. */
const minHintPauseMs = 50;

export class SeedRegistry
  implements Protocol<IntroductionMessage, SeedRegistryTimer, SeedRegistryNotice, SeedRegistryCommand>
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
  /** Pulls under way, by their nonce. At most one for each seed. */
  readonly #pulls = new Map<number, Pull>();
  /** Seeds that hinted at a change while a pull from them was under way. */
  readonly #hinted = new Set<NodeId>();
  /** Sum of the entries' hashes modulo 2^32: equal lists have equal fingerprints. */
  #fingerprint = 0;
  #isHinting = false;
  #isDeciding = false;
  #mustDecideAgain = false;

  constructor(config: SeedRegistryConfig) {
    this.#config = config;
    this.#options = seedRegistryOptions(config.options);
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

  // ---- Handlers ----

  start(env: SeedEnvironment): void {
    for (const { record } of this.#config.restored ?? []) {
      if (this.#entries.size < this.#options.maxPeers) this.#put(record, env);
    }
    // A seed that was away asks all others at once; then one at random now and then.
    for (const seed of this.#config.otherSeeds) this.#pull(seed, env);
    env.schedule(this.#jitter(this.#options.syncIntervalMs, env), { type: "sync" });
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
        return this.#onSyncRequest(from, message.nonce, message.fingerprint, env);
      case "sync-same":
        return this.#onSyncSame(message.nonce, env);
      case "sync-digest":
        return this.#onSyncDigest(message, env);
      case "sync-want":
        return this.#onSyncWant(from, message.nonce, message.peers, env);
      case "sync-delta":
        return this.#onSyncDelta(message, env);
      case "sync-hint":
        return this.#onSyncHint(from, env);
      default:
        this.counters.unasked++;
    }
  }

  onTimer(timer: SeedRegistryTimer, env: SeedEnvironment): void {
    switch (timer.type) {
      case "call-back-timeout":
        return this.#onCallBackTimeout(timer.nonce, timer.dueAt, env);
      case "sync":
        if (this.#config.otherSeeds.length > 0) this.#pull(pick(this.#config.otherSeeds, env.random), env);
        return env.schedule(this.#jitter(this.#options.syncIntervalMs, env), { type: "sync" });
      case "hint":
        this.#isHinting = false;
        for (const seed of this.#config.otherSeeds) env.send(seed, { type: "sync-hint" });
        return;
      case "hinted":
        this.#hinted.delete(timer.seed);
        return this.#pullOnHint(timer.seed, env);
      case "housekeeping":
        this.#housekeep(env);
        return this.#scheduleLook(env);
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
    if (entry.case !== undefined && entry.case.reports.size > 0)
      env.notify({ type: "suspect-answered", peer: reason.peer });
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
    this.#hint(env);
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
    this.#hint(env);
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
    this.#hint(env);
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

  #hint(env: SeedEnvironment): void {
    if (this.#isHinting || this.#config.otherSeeds.length === 0) return;
    this.#isHinting = true;
    env.schedule(this.#options.hintDelayMs, { type: "hint" });
  }

  /** A hint carries nothing to believe: it only says which configured address to ask. */
  #onSyncHint(from: NodeId, env: SeedEnvironment): void {
    const address = addressOf(from);
    const seed = this.#config.otherSeeds.find((other) => addressOf(other) === address);
    if (seed === undefined) {
      this.counters.unasked++;
      return;
    }
    if (!this.#hinted.has(seed)) this.#pullOnHint(seed, env);
  }

  /**
   * Asks at once, unless the last question to that seed is still being answered: hints that come quicker than
   * answers, in a busy cluster or from a liar, must not cut every exchange short.
   */
  #pullOnHint(seed: NodeId, env: SeedEnvironment): void {
    const { callBackTimeoutMs, hintDelayMs } = this.#options;
    const underWay = [...this.#pulls.values()].find((pull) => pull.seed === seed);
    if (underWay === undefined || env.now - underWay.since >= callBackTimeoutMs) return this.#pull(seed, env);
    this.#hinted.add(seed);
    env.schedule(Math.max(minHintPauseMs, hintDelayMs), { type: "hinted", seed });
  }

  #pull(seed: NodeId, env: SeedEnvironment): void {
    // At most one pull for each seed: a newer one replaces one that got no answer.
    for (const [asked, pull] of this.#pulls) if (pull.seed === seed) this.#pulls.delete(asked);
    const asked = nonce(env.random);
    this.#pulls.set(asked, { seed, since: env.now, deltas: undefined });
    env.send(seed, { type: "sync-request", nonce: asked, fingerprint: this.#fingerprint });
  }

  #onSyncRequest(from: NodeId, asked: number, fingerprint: number, env: SeedEnvironment): void {
    const entries: DigestEntry[] = [];
    let hasCases = false;
    for (const { digest, case: open } of this.#entries.values()) {
      const isAccused = open !== undefined && open.reports.size > 0;
      hasCases ||= isAccused;
      entries.push(isAccused ? { ...digest, state: "accused" } : digest);
    }
    if (fingerprint === this.#fingerprint && !hasCases)
      return env.send(from, { type: "sync-same", nonce: asked });
    for (const { entry, incarnation, reports, leave } of this.#removals.values()) {
      if (entries.length >= maxDigestEntries) break;
      if (reports.length === 0 && leave === undefined) continue; // every seed finds that out for itself
      entries.push({ peer: entry.statement.peer, incarnation, version: 0, state: "removed" });
    }
    env.send(from, { type: "sync-digest", nonce: asked, entries });
  }

  #onSyncSame(asked: number, env: SeedEnvironment): void {
    const pull = this.#pulls.get(asked);
    if (pull === undefined) {
      this.counters.unasked++;
      return;
    }
    this.#pulls.delete(asked);
    env.notify({ type: "seeds-agree", seed: pull.seed, size: this.#entries.size });
  }

  #onSyncDigest(digest: SyncDigest, env: SeedEnvironment): void {
    const pull = this.#pulls.get(digest.nonce);
    if (pull === undefined || pull.deltas !== undefined) {
      this.counters.unasked++;
      return;
    }
    const { seed } = pull;
    const wanted = digest.entries.filter((theirs) => this.#lacks(theirs, env)).map((theirs) => theirs.peer);
    this.counters.synchronisations++;
    env.notify({ type: "seeds-reconciled", seed, asked: wanted.length, size: this.#entries.size });
    if (wanted.length === 0) {
      this.#pulls.delete(digest.nonce);
      return;
    }
    pull.deltas = Math.ceil(wanted.length / maxDeltaEntries);
    for (let i = 0; i < wanted.length; i += maxDeltaEntries) {
      env.send(seed, { type: "sync-want", nonce: digest.nonce, peers: wanted.slice(i, i + maxDeltaEntries) });
    }
  }

  #lacks(theirs: DigestEntry, env: SeedEnvironment): boolean {
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
      return this.#mayBeWrong(removal, theirs.incarnation, env);
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
  #mayBeWrong(removal: Removal, listed: number, env: SeedEnvironment): boolean {
    const { incarnation, leave, triedAt } = removal;
    if (leave !== undefined || incarnation !== listed) return false;
    return env.now - triedAt >= this.#options.leaseMs / 4;
  }

  #onSyncWant(from: NodeId, asked: number, peers: readonly NodeId[], env: SeedEnvironment): void {
    const entries: DeltaEntry[] = [];
    for (const peer of peers.slice(0, maxDeltaEntries)) {
      const entry = this.#entries.get(identityOf(peer));
      const removal = this.#removals.get(identityOf(peer));
      if (entry !== undefined) {
        entries.push({
          record: entry.record,
          reports: [...(entry.case?.reports.values() ?? [])],
          leave: undefined,
        });
      } else if (removal !== undefined) {
        entries.push({ record: undefined, reports: removal.reports, leave: removal.leave });
      }
    }
    env.send(from, { type: "sync-delta", nonce: asked, entries });
  }

  #onSyncDelta(delta: SyncDelta, env: SeedEnvironment): void {
    const pull = this.#pulls.get(delta.nonce);
    if (pull?.deltas === undefined) {
      this.counters.unasked++;
      return;
    }
    if (--pull.deltas === 0) this.#pulls.delete(delta.nonce);
    for (const { record, reports, leave } of delta.entries) {
      if (record !== undefined) this.#adopt(record, env);
      for (const report of reports.slice(0, maxReportsPerSuspect)) this.#onReport(report, env);
      if (leave !== undefined) this.#onLeave(leave, env);
    }
  }

  /** Takes over another seed's entry. That seed has called the peer back; what we check is the peer's own word. */
  #adopt(record: Signed<PeerRecord>, env: SeedEnvironment): void {
    const { statement, proof } = record;
    const identity = identityOf(statement.peer);
    const mine = this.#entries.get(identity)?.record.statement;
    const removal = this.#removals.get(identity);
    const isRuledOut = removal !== undefined && removal.incarnation >= statement.incarnation;
    if (isRuledOut && !this.#mayBeWrong(removal, statement.incarnation, env)) return;
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
    this.#hint(env);
    this.#decideOnParted(mine, env);
  }

  #jitter(pause: Millis, env: SeedEnvironment): Millis {
    return Math.floor(pause * (0.75 + 0.5 * env.random.unit()));
  }
}

function storageKey(identity: Identity): string {
  return `peer/${identity}`;
}
