/** What the parts of SWIM share, and how they know each other. */
import type {
  Candidate,
  Environment,
  Identity,
  Millis,
  NeighborView,
  NodeId,
  Persist,
  Persisted,
  Signatures,
  Signed,
  StackNotice,
} from "../core/index.ts";
import type { EvidenceLog } from "./evidence-log.ts";
import type { LocalHealth } from "./local-health.ts";
import type { LeaveNotice } from "./messages.ts";
import type { MemberEntry, MemberTable } from "./swim-members.ts";
import type { MemberRecord, Suspicion, SwimMessage, Update } from "./swim-messages.ts";
import type { SwimOptions } from "./swim-options.ts";

export interface SwimConfig {
  readonly role: "peer" | "seed";
  /** Configured addresses of others, as contacts without id (live) or numbers (simulated): tried for ever. */
  readonly introducers: readonly NodeId[];
  /** Higher than in any earlier life of this identity. */
  readonly incarnation: number;
  readonly since: Millis;
  readonly signatures: Signatures<MemberRecord | Suspicion | LeaveNotice>;
  readonly tags?: MemberRecord["tags"];
  /** Members known from an earlier life: asked like configured addresses until they answer. */
  readonly contacts?: readonly Candidate[];
  /** Whom to watch once the view is partial. */
  readonly neighbors?: NeighborView;
  readonly options?: Partial<SwimOptions>;
}

/**
 * All say when they are due: one that comes late tells of our own trouble. `probe`: the next period. `probe-timeout`: no
 * direct answer yet. `probe-end`: none at all. `errand-end`: nor to a probe for somebody else. `suspicion`: the time for a
 * refutation is over. `sync-timeout`: no answer to a comparison. `reconnect`: somebody who is silent is tried again.
 * `refute`: what was put off. `left`: our leave has had time to spread.
 */
export type SwimTimer =
  | { readonly type: "probe" | "gossip" | "sync" | "reconnect" | "refute" | "left"; readonly dueAt: Millis }
  | ProbeTimer
  | { readonly type: "sync-timeout"; readonly nonce: number; readonly dueAt: Millis }
  | {
      readonly type: "suspicion";
      readonly member: Identity;
      readonly incarnation: number;
      readonly dueAt: Millis;
    };

export interface ProbeTimer {
  readonly type: "probe-timeout" | "probe-end" | "errand-end";
  readonly nonce: number;
  readonly dueAt: Millis;
}

export type SwimCommand =
  | { readonly type: "leave" }
  /** Nobody answers at that address, or the connection to it broke: it is probed at once. */
  | { readonly type: "unreachable"; readonly node: NodeId }
  /** The process stood still for so long: nobody else is to blame for what we missed. */
  | { readonly type: "stalled"; readonly ms: Millis }
  | { readonly type: "set-tags"; readonly tags: MemberRecord["tags"] }
  | Persisted;

export type SwimNotice =
  | StackNotice
  | Persist
  /** A first member has answered; `members` are known by now. */
  | { readonly type: "membership-joined"; readonly through: NodeId; readonly members: number }
  | {
      readonly type: "probe-failed";
      readonly peer: NodeId;
      readonly through: readonly NodeId[];
      readonly nacks: number;
    }
  | { readonly type: "local-health"; readonly score: number; readonly reason: string }
  /** The next life has begun: others doubted the last one; or we say something else of ourselves, or were behind. */
  | { readonly type: "refuted" | "renewed"; readonly incarnation: number }
  /** Another process, which began later than this one, runs with our key. */
  | { readonly type: "identity-shared"; readonly with: NodeId }
  | { readonly type: "view-partial"; readonly members: number }
  /** The goodbye begins: nobody is taken on any more. */
  | { readonly type: "leaving" }
  | { readonly type: "left" };

export type SwimEnvironment = Environment<SwimMessage, SwimTimer, SwimNotice>;

/** A type and no interface: shells read it as names with numbers. */
export type SwimCounters = {
  probes: number;
  probeFailures: number;
  indirectProbes: number;
  nacksMissed: number;
  suspicions: number;
  confirmations: number;
  refutations: number;
  failures: number;
  reconnects: number;
  syncs: number;
  /** Statements that nobody had signed, or that could not be true. */
  forged: number;
  /** Answers to what was never asked, or was answered already. */
  unasked: number;
  stalls: number;
  newsDropped: number;
  /** Newcomers for whom the table had no room, or the questions of others. */
  refused: number;
};

export interface SwimParts {
  readonly config: SwimConfig;
  readonly options: Readonly<SwimOptions>;
  readonly counters: SwimCounters;
  readonly members: MemberTable;
  readonly health: LocalHealth;
  readonly evidence: EvidenceLog;
  isPartial(): boolean;
  /** Too many are here for full views: others have partial ones, whatever ours is. */
  isLarge(): boolean;
  /** Is it ours to judge it? Of a partial view only the neighbors are. */
  isWatched(node: NodeId): boolean;
  /** Configured addresses, as the members that answer there. */
  introducers(): readonly MemberEntry[];
  /** Somebody with whom we compare has a partial view. */
  othersArePartial(isJoining: boolean, env: SwimEnvironment): void;
  /** Whom to ask and to tell: all who are here, or of a partial view the neighbors. */
  companions(count: number, except: MemberEntry | undefined, env: SwimEnvironment): readonly NodeId[];
  /** What goes with a message to that node: `first`, and as much else as fits. */
  updatesFor(to: NodeId, first?: readonly Update[]): readonly Update[];
  /** Passes news on, and begins to if it was quiet. */
  spread(update: Update, rank: 0 | 1 | 2, env: SwimEnvironment): void;
  changeHealth(by: number, reason: string, env: SwimEnvironment): void;
  ownRecord(env: SwimEnvironment): Signed<MemberRecord>;
  /** Nobody reached it, directly or through others. */
  accuse(member: MemberEntry, nacks: number, env: SwimEnvironment): void;
  /** Is it there? Asks at once. */
  probe(member: MemberEntry, env: SwimEnvironment): void;
  /** Takes updates up. With `isTold` they are news for others, too. */
  learn(updates: readonly Update[], from: NodeId, isTold: boolean, env: SwimEnvironment): readonly Update[];
}

export const noUpdates: readonly Update[] = Object.freeze([]);
