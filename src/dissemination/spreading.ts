/**
 * A way of spreading: how what is new to a node gets to others. The broadcast layer numbers, signs, checks, delivers
 * and remembers; the history repairs what the spreading leaves out.
 */
import type { Environment, Millis, NodeId, Persist, StackNotice } from "../core/index.ts";
import type {
  Answer,
  BroadcastMessage,
  Busy,
  Call,
  Feedback,
  Graft,
  IHave,
  MessageId,
  Payload,
  Prune,
} from "./messages.ts";
import type { Retained } from "./retained-messages.ts";

export type BroadcastTimer =
  | { readonly type: "flush" }
  | { readonly type: "round" }
  | { readonly type: "repair"; readonly dueAt: Millis }
  | { readonly type: "compare"; readonly neighbor: NodeId }
  | { readonly type: "coverage"; readonly nonce: number };

export type BroadcastNotice =
  | StackNotice
  | Persist
  | {
      readonly type: "published";
      readonly origin: NodeId;
      readonly incarnation: number;
      readonly sequence: number;
      readonly at: Millis;
      readonly topic?: string;
      readonly payload: Payload;
    }
  | {
      readonly type: "delivered";
      readonly origin: NodeId;
      readonly incarnation: number;
      readonly sequence: number;
      readonly at: Millis;
      readonly topic?: string;
      readonly payload: Payload;
      readonly from: NodeId;
      /** Links that it has crossed, where the way of spreading counts them. */
      readonly hops?: number;
    }
  | {
      readonly type: "forwarded";
      readonly origin: NodeId;
      readonly incarnation: number;
      readonly sequence: number;
      readonly count: number;
      readonly to: readonly NodeId[];
    }
  /** This node spreads these messages no further. */
  | {
      readonly type: "removed";
      readonly origin: NodeId;
      readonly incarnation: number;
      readonly sequence: number;
      readonly count: number;
    }
  | { readonly type: "forged-gossip"; readonly origin: NodeId; readonly from: NodeId }
  | { readonly type: "history-sent"; readonly to: NodeId; readonly messages: number }
  | Coverage;

/** What a sample of the members says: which part of them has seen a message. */
export interface Coverage extends MessageId {
  readonly type: "coverage";
  /** Members who were asked, those of them who answered, and those who had seen it. */
  readonly asked: number;
  readonly answered: number;
  readonly have: number;
  /** `have / answered`, and the interval of Wilson in which the part of all is with 95 %; all three 0, 0, 1 without an answer. */
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

export type BroadcastEnvironment = Environment<BroadcastMessage, BroadcastTimer, BroadcastNotice>;

/** What a way of spreading may do with the messages of its node. */
export interface MessageStore {
  /** Undefined if it was never seen, or is no longer kept. */
  find(id: MessageId): Retained | undefined;
  hasSeen(id: MessageId): boolean;
  /** Did that neighbor send us this message, or get it from us? */
  isHolder(retained: Retained, node: NodeId): boolean;
  /** That neighbor says that it has this message. */
  noteHolder(retained: Retained, node: NodeId, env: BroadcastEnvironment): void;
  /** So many of the messages that are kept, those received last first. */
  latestRetained(count: number): readonly Retained[];
  /** Sends a copy, and says so. */
  forward(retained: Retained, to: readonly NodeId[], env: BroadcastEnvironment): void;
}

export interface Spreading {
  start?(env: BroadcastEnvironment): void;
  /** A message that was not here before: published (no `from`) or received. */
  onNew(retained: Retained, from: NodeId | undefined, env: BroadcastEnvironment): void;
  /** Another copy of a message that is still kept. */
  onCopy?(retained: Retained, from: NodeId, env: BroadcastEnvironment): void;
  onCall?(from: NodeId, call: Call, env: BroadcastEnvironment): void;
  onAnswer?(from: NodeId, answer: Answer, env: BroadcastEnvironment): void;
  onFeedback?(from: NodeId, feedback: Feedback, env: BroadcastEnvironment): void;
  onBusy?(from: NodeId, busy: Busy, env: BroadcastEnvironment): void;
  onIHave?(from: NodeId, iHave: IHave, env: BroadcastEnvironment): void;
  onGraft?(from: NodeId, graft: Graft, env: BroadcastEnvironment): void;
  onPrune?(from: NodeId, prune: Prune, env: BroadcastEnvironment): void;
  onNeighborUp?(neighbor: NodeId, env: BroadcastEnvironment): void;
  onNeighborDown?(neighbor: NodeId): void;
  onFlush?(env: BroadcastEnvironment): void;
  onRound?(env: BroadcastEnvironment): void;
  /** Messages that have not come to the end of their spreading. */
  readonly unfinished: Iterable<Retained>;
  /**
   * Is it offered until nobody needs it? Then the history need not send it. A flood sends at once and offers nothing;
   * bimodal multicast tells ids for some rounds only, to partners that must answer at once.
   */
  isOffered?(retained: Retained, now: Millis): boolean;
}
