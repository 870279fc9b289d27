/**
 * SWIM with Lifeguard: who is there, and who has failed (Das, Gupta, Motivala 2002; Dadgar, Phillips, Currey 2017).
 */
import type {
  Candidate,
  Environment,
  Evidence,
  FailureDetector,
  Identity,
  LinkQuality,
  Members,
  MemberState,
  Millis,
  NeighborView,
  NodeId,
  Persist,
  Persisted,
  Protocol,
  Random,
  Signatures,
  StackNotice,
  Standing,
  Typed,
} from "../core/index.ts";
import type { LeaveNotice } from "./messages.ts";
import type { MemberRecord, Suspicion, SwimMessage } from "./swim-messages.ts";
import { type SwimOptions, swimOptions } from "./swim-options.ts";

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

export type SwimTimer = { readonly type: "probe" };

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
  | { readonly type: "probe-failed"; readonly peer: NodeId; readonly through: readonly NodeId[]; readonly nacks: number }
  | { readonly type: "local-health"; readonly score: number; readonly reason: string }
  | { readonly type: "refuted"; readonly incarnation: number }
  | { readonly type: "view-partial"; readonly members: number }
  | { readonly type: "left" };

type SwimEnvironment = Environment<SwimMessage, SwimTimer, SwimNotice>;

/** What is known of one member. */
export interface Member {
  readonly node: NodeId;
  readonly incarnation: number;
  readonly since: Millis;
  readonly role: "peer" | "seed";
  readonly tags: MemberRecord["tags"];
  readonly state: MemberState;
}

export class Swim
  implements
    Protocol<SwimMessage, SwimTimer, SwimNotice, SwimCommand>,
    Members,
    Standing,
    LinkQuality,
    FailureDetector
{
  readonly counters = {
    probes: 0,
    probeFailures: 0,
    indirectProbes: 0,
    nacksMissed: 0,
    suspicions: 0,
    confirmations: 0,
    refutations: 0,
    failures: 0,
    reconnects: 0,
    syncs: 0,
    forged: 0,
    unasked: 0,
    stalls: 0,
    newsDropped: 0,
  };
  readonly since: Millis;
  readonly options: SwimOptions;
  readonly #config: SwimConfig;

  constructor(config: SwimConfig) {
    this.#config = config;
    this.options = swimOptions(config.options);
    this.since = config.since;
  }

  // ---- What others may read ----

  get incarnation(): number {
    return this.#config.incarnation;
  }
  /** Peers that are alive or suspect, without ourselves and without seeds. */
  get size(): number {
    return 0;
  }
  get candidates(): readonly Candidate[] {
    return [];
  }
  get(_identity: Identity): Candidate | undefined {
    return undefined;
  }
  sample(_count: number, _random: Random, _accept?: (candidate: Candidate) => boolean): Candidate[] {
    return [];
  }
  /** Everybody that is remembered, seeds and the dead too, without ourselves. */
  get members(): readonly Member[] {
    return [];
  }
  /** Somebody has answered, or nobody was configured. */
  get isJoined(): boolean {
    return false;
  }
  /** Seeds that are alive as far as we know. */
  get introducers(): readonly NodeId[] {
    return [];
  }
  /** A sample of the members instead of all. */
  get isPartial(): boolean {
    return false;
  }
  /** Lifeguard's score: 0 is healthy. */
  get localHealth(): number {
    return 0;
  }
  /** Of everybody alive: equal where two nodes know the same. */
  get fingerprint(): number {
    return 0;
  }
  rttMs(_neighbor: NodeId): number | undefined {
    return undefined;
  }
  isAnswering(_neighbor: NodeId): boolean {
    return true;
  }
  stateOf(_node: NodeId): MemberState {
    return "unknown";
  }
  why(_node: NodeId): readonly Evidence[] {
    return [];
  }

  // ---- Handlers ----

  start(_env: SwimEnvironment): void {}
  onHeard(_from: NodeId): void {}
  onNotice(_notice: Typed, _env: SwimEnvironment): void {}
  onCommand(_command: SwimCommand, _env: SwimEnvironment): void {}
  onMessage(_from: NodeId, _message: SwimMessage, _env: SwimEnvironment): void {}
  onTimer(_timer: SwimTimer, _env: SwimEnvironment): void {}
}
