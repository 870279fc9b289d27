/** A network that a scenario happens to. One implementation simulates it, one runs it. */
import type { Millis, NodeId, TraceEvent } from "../core/index.ts";
import type { ProfileName } from "../profiles/index.ts";
import type { Action } from "./scenario.ts";

/** What can be seen of a living peer from outside. Of a paused one it is what could be seen before. */
export interface PeerView {
  readonly name: string;
  readonly id: NodeId;
  readonly neighbors: readonly NodeId[];
  readonly incarnation: number;
  /** With as many seeds as it wants; modern: somebody has answered it. */
  readonly isRegistered: boolean;
  /** Whom it takes for alive, seeds too, without itself; missing where nobody knows all. */
  readonly members?: readonly NodeId[];
  /** It knows no more than a sample of the members. */
  readonly isPartial?: boolean;
  /** Messages that it keeps for others. */
  readonly retained: number;
}

export interface ListedPeer {
  readonly peer: NodeId;
  readonly incarnation: number;
  /** How many neighbors the seed has on record for it. */
  readonly neighbors: number;
}

/** What can be seen of a living seed. */
export interface SeedView {
  readonly name: string;
  readonly id: NodeId;
  readonly list: readonly ListedPeer[];
  readonly fingerprint: number;
  readonly members?: readonly NodeId[];
  /** The list is a sample: others know of the rest. */
  readonly isPartial?: boolean;
}

/** What a world counts of its attacks, up to now. Each is there once the attack has begun. */
export interface AttackFigures {
  /** Dead-node reports by a member and by a stranger, and how many of them seeds have ignored. */
  readonly reportsSent?: number;
  /** Those among them that arrive, since a member sent them: so many have to be ignored. */
  readonly reportsArriving?: number;
  readonly reportsIgnored?: number;
  /** Registrations by members, and what the seeds said to them. */
  readonly registrationsSent?: number;
  readonly refused?: number;
  readonly taken?: number;
  /** Why the stranger did not even get in; undefined while he has no answer, or where there is none. */
  readonly outsiderRefusedWith?: string;
  /** Is there a stranger at all? Not where everybody may connect. */
  readonly hasOutsider?: boolean;
  /** What nodes said to the stranger: nothing, one hopes. */
  readonly outsiderHeard?: number;
  readonly connectionsOpened?: number;
  /** Junk that still costs the attacked something. */
  readonly junkHeld?: number;
  readonly [figure: string]: unknown;
}

export interface World {
  readonly kind: "simulated" | "live";
  readonly now: Millis;
  readonly profile: ProfileName;
  /** What durations in pings are made of. */
  readonly pingIntervalMs: Millis;
  /** Starts seeds and peers; resolves when they have formed one network, or patience is at its end. */
  form(): Promise<void>;
  sleep(ms: Millis): Promise<void>;
  /** Lets time pass until the condition holds: how long it took, or undefined if the limit came first. */
  until(condition: () => boolean | Promise<boolean>, limitMs: Millis): Promise<Millis | undefined>;
  /**
   * Selectors have become lists of names before (selector.ts). Throws `UsageError` where this world cannot do it,
   * or there is no such node.
   */
  perform(action: Action): Promise<void>;
  /** The living, in the order in which they joined. A paused process lives. */
  peers(): Promise<readonly PeerView[]>;
  seeds(): Promise<readonly SeedView[]>;
  /** Every notice of every node, and what the world itself does to them. */
  onEvent(listener: (event: TraceEvent) => void): void;
  /** Sent and refused forgeries, junk that was counted, …: what the actions of this world have to say. */
  readonly figures: AttackFigures;
  /** Simulated: a number for all that has happened. */
  readonly traceHash?: string;
  close(): Promise<void>;
}

/** Watches every transition from outside the nodes. */
export interface Checker {
  /** Called after the observer has seen the event. */
  onEvent(event: TraceEvent): void;
  /** When everything was said and the network has had time to settle. */
  atCalm(): Promise<void> | void;
  readonly violations: readonly {
    readonly invariant: string;
    readonly at: Millis;
    readonly detail: string;
  }[];
}
