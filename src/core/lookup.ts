/**
 * How a store, a user or a program asks a router for the nodes that are responsible for a key, and what it is told. Every
 * router (Chord, Pastry, Kademlia) takes these commands and makes these notices, so that any of them serves any store.
 */
import type { Millis, NodeId, Protocol, Typed } from "./environment.ts";
import type { Key, KeyedNode } from "./keys.ts";
import type { StoredRecord } from "./records.ts";

/** What may be read of a router at any moment. */
export interface Router {
  /** Our own place. */
  readonly self: KeyedNode;
  /** Do we take part: have we found others, or are we knowingly the first? */
  readonly hasJoined: boolean;
  /** How many others we know. */
  readonly size: number;
  /**
   * Negative if `a` is more responsible for `key` than `b`: first up the ring in Chord, numerically nearest in Pastry,
   * nearest by XOR in Kademlia.
   */
  compare(key: Key, a: Key, b: Key): number;
  /**
   * Up to `count` of the nodes that we know to be there, this one among them, most responsible first. Exact where the key
   * is near us, a guess elsewhere.
   */
  replicas(key: Key, count: number): KeyedNode[];
  /** Everybody in the tables, in no order that means anything. */
  contacts(): KeyedNode[];
}

/** What a store keeps, for a router that answers FIND_VALUE on the way. */
export interface RecordSource {
  /** Valid ones only; none: an empty list. */
  recordsOf(key: Key): readonly StoredRecord[];
}

// ---- Asking -------------------------------------------------------------------------------------------------------

export interface LookupOptions {
  /** How many of the most responsible nodes are wanted. Default: 1 in Chord and Pastry, k in Kademlia. */
  readonly count?: number | undefined;
  /**
   * `first`: end with the first node that has a record of this key. `all`: gather those of all nodes on the way. Routers
   * whose nodes do not look into their stores on the way ignore it.
   */
  readonly records?: "none" | "first" | "all" | undefined;
  /** Default: the router's. The lookup ends then with what it has. */
  readonly deadlineMs?: Millis | undefined;
  /** Most questions that it may ask. Default: the router's. */
  readonly budget?: number | undefined;
  /** S/Kademlia's d: so many searches that share no node. Default: the router's, 1. */
  readonly disjointPaths?: number | undefined;
}

/** A command of every router. */
export interface Lookup extends LookupOptions {
  readonly type: "lookup";
  /** Chosen by the asker, and named in every notice about it. Askers keep their numbers apart: see `LookupAsker`. */
  readonly request: number;
  readonly asker: LookupAsker;
  readonly key: Key;
}

/** Who asks: each numbers its own requests. `router`: the router's own upkeep. */
export type LookupAsker = "user" | "store" | "router";

/** A command of every router: whoever asked wants no answer any more. No notice follows. */
export interface CancelLookup {
  readonly type: "cancel-lookup";
  readonly request: number;
  readonly asker: LookupAsker;
}

/** A command of every router: nodes that may be there, to join through or to learn of. Nobody is believed unheard. */
export interface LearnOf {
  readonly type: "learn-of";
  readonly nodes: readonly NodeId[];
}

/** A command of every router: others are told that we go, where the protocol has words for it. */
export interface LeaveRouting {
  readonly type: "leave";
}

export type RouterCommand = Lookup | CancelLookup | LearnOf | LeaveRouting;

/** A notice of another layer of the stack: the router treats it as the command of the same name. */
export interface FindNodes extends LookupOptions {
  readonly type: "find-nodes";
  readonly request: number;
  readonly asker: LookupAsker;
  readonly key: Key;
}

// ---- Being told ---------------------------------------------------------------------------------------------------

/** How a question to one node ended. `refused`: it answered that it would not. `late`: after we had given it up. */
export type StepOutcome = "asked" | "answered" | "late" | "silent" | "refused";

/** One question of a lookup, or one hop of a route. */
export interface LookupStep {
  readonly node: NodeId;
  readonly key: Key;
  /** Index in the report's path of the step whose answer named this node; -1: we knew it ourselves. */
  readonly referrer: number;
  /** Length of the chain of referrals: 1 for a node that we knew ourselves. */
  readonly depth: number;
  /** Which of the disjoint searches asked; 0 where there is one. Pastry: in which attempt, the first is 0. */
  readonly branch: number;
  readonly sentAt: Millis;
  /** Undefined while it is silent. */
  readonly answeredAt: Millis | undefined;
  readonly outcome: StepOutcome;
  /** Nodes in its answer that the lookup had not heard of. */
  readonly learned: number;
}

/**
 * `found`: the protocol's own end was reached. `record`: a record was found first. The others: it had to end before;
 * `closest` is what was known then. `alone`: nobody to ask.
 */
export type LookupOutcome = "found" | "record" | "exhausted" | "deadline" | "budget" | "alone";

/** Everything about a lookup that has ended. */
export interface LookupReport {
  readonly key: Key;
  readonly outcome: LookupOutcome;
  /**
   * The most responsible nodes, the first first. Only nodes that answered, and this node itself where it is one of them;
   * in Chord and Pastry the others by the word of the first.
   */
  readonly closest: readonly KeyedNode[];
  /**
   * Messages on the way from us to the node that decided: Chord: to the predecessor of the key; Pastry: to the root;
   * Kademlia: referral depth of the closest node. 0: this node itself.
   */
  readonly hops: number;
  readonly asked: number;
  readonly answered: number;
  readonly silent: number;
  readonly refused: number;
  readonly startedAt: Millis;
  readonly endedAt: Millis;
  readonly path: readonly LookupStep[];
  /** Records that were met on the way, by whom; unverified: whoever reads them checks them. */
  readonly records: readonly { readonly from: NodeId; readonly record: StoredRecord }[];
  /** The nodes that were asked, answered, and had no record; nearest first. Kademlia caches at the first. */
  readonly without: readonly KeyedNode[];
}

/** A notice: a step began, or is known to have ended. The same step comes twice, with the same index. */
export interface LookupStepped {
  readonly type: "lookup-step";
  readonly request: number;
  readonly asker: LookupAsker;
  readonly index: number;
  readonly step: LookupStep;
}

/** A notice. */
export interface LookupEnded {
  readonly type: "lookup-ended";
  readonly request: number;
  readonly asker: LookupAsker;
  readonly report: LookupReport;
}

/** A notice: a node that is now known to be there, or no longer. What a store hands over, and to whom, follows from it. */
export interface ContactChanged {
  readonly type: "contact-up" | "contact-down";
  readonly contact: KeyedNode;
}

/** A notice: we are part of the network now. */
export interface RouterJoined {
  readonly type: "router-joined";
  /** Through whom; undefined for the first, and for one that found its old contacts alive. */
  readonly through: NodeId | undefined;
  /** How long it took. */
  readonly afterMs: Millis;
}

/**
 * What a router has on disk (a `persist` notice with the key `table`) and finds again in its next life: nodes that were
 * there, the best first, and how long before `savedAt` each was last heard. They are asked before they are believed.
 */
export interface RememberedContacts {
  readonly type: "remembered-contacts";
  readonly savedAt: Millis;
  readonly contacts: readonly { readonly node: NodeId; readonly ageMs: Millis }[];
}

export type RouterNotice = LookupStepped | LookupEnded | ContactChanged | RouterJoined;

/** What a stack and a laboratory hold. Messages and timers are the protocol's own. */
export interface RoutingProtocol<Message extends Typed = any, Timer extends Typed = any>
  extends Router,
    Protocol<Message, Timer, any, RouterCommand> {}
