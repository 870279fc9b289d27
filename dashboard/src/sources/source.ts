/**
 * Where the page gets a network from: a live process (control API), a file that was recorded, or a simulator in a
 * worker of the page. All of them tell the same: a trace, and totals beside it.
 */
import type { Evidence, MemberState, Millis, NodeId, TraceEvent } from "../../../src/core/index.ts";
import type { Action } from "../../../src/scenario/scenario.ts";
import type { FeedHello, FeedSampling, FeedTotals } from "../../../src/trace/feed.ts";

/** `lost`: no connection, and it is tried again; `ended`: there is nothing more to come. */
export type SourceState =
  /** `progress` says how far that is, where it takes long. */
  | { readonly type: "connecting"; readonly progress?: string }
  | { readonly type: "open" }
  | { readonly type: "lost"; readonly why: string; readonly retryAt: number }
  /** A recorded run is shown from `opensAt`, where that is not its last moment. */
  | { readonly type: "ended"; readonly why: string; readonly opensAt?: Millis }
  /** The control API wants a token. */
  | { readonly type: "needs-token"; readonly why: string };

export interface SourceListener {
  onState(state: SourceState): void;
  /** Begins a network anew: what came before is about another one, or has a gap that nobody can fill. */
  onHello(hello: FeedHello): void;
  /** In the order of the trace. The first ones after `onHello` are a prologue: what was before. */
  onEvents(events: readonly TraceEvent[]): void;
  onTotals(totals: FeedTotals): void;
  onSampling(sampling: FeedSampling): void;
}

/** What a node says about itself when it is asked; what this world cannot know is missing. */
export interface NodeDetails {
  readonly name: string;
  readonly neighbors: readonly { readonly peer: NodeId; readonly rttMs: number | null }[];
  /** Everybody that it knows of. */
  readonly members: readonly NodeId[];
  /** Messages that it keeps for others, the latest first, bounded. */
  readonly messages: readonly { readonly key: string; readonly at: Millis; readonly text?: string }[];
  readonly counters: Readonly<Record<string, number>>;
  /** What it waits for: name, and in how many ms. */
  readonly timers: readonly { readonly name: string; readonly inMs: number }[];
  /** The last lines of its log, or undefined where it has none. */
  readonly log?: readonly string[];
}

/** What one node thinks of another, and why: the oldest evidence first. */
export interface NodeOpinion {
  readonly state: MemberState;
  readonly evidence: readonly Evidence[];
}

/** The clock of a source that can be driven: simulations. Live and recorded ones have none. */
export interface SourceClock {
  /** Virtual ms for each ms of ours; 0 pauses, Infinity is as fast as it can. */
  setSpeed(speed: number): void;
  /** Runs so far, and then waits. */
  runTo(at: Millis): void;
  /** The same run up to that moment, and from there with the changes. */
  fork(at: Millis, changes: readonly Action[]): Promise<Source>;
}

export interface Source {
  readonly kind: "live" | "recorded" | "simulated";
  /** For the title: an address, a file, a scenario. */
  readonly label: string;
  start(listener: SourceListener): void;
  close(): void;
  /** Does it to the network. Rejects with a sentence for the user. */
  act(action: Action): Promise<void>;
  details(node: NodeId): Promise<NodeDetails | undefined>;
  /** What `observer` thinks of `member`; undefined where it cannot be asked. */
  why(observer: NodeId, member: NodeId): Promise<NodeOpinion | undefined>;
  readonly clock?: SourceClock;
  authorize?(token: string): void;
  /** While it is lost: without waiting until `retryAt`. */
  retryNow?(): void;
}
