/** A network that a scenario happens to. One implementation simulates it, one runs it. */
import type { Millis, NodeId, TraceEvent } from "../../core/index.ts";
import type { Action } from "./scenario.ts";

/** What can be seen of a living peer from outside. */
export interface PeerView {
  readonly name: string;
  readonly id: NodeId;
  readonly neighbors: readonly NodeId[];
  readonly incarnation: number;
  /** Registered with as many seeds as it wants. */
  readonly isRegistered: boolean;
  /** Messages that it keeps for others. */
  readonly retained: number;
}

/** What can be seen of a living seed. */
export interface SeedView {
  readonly name: string;
  readonly id: NodeId;
  readonly list: readonly { readonly peer: NodeId; readonly incarnation: number }[];
  readonly fingerprint: number;
  /** Forged or strange reports that it ignored, registrations that it refused. */
  readonly ignoredReports: number;
  readonly refusedRegistrations: number;
}

export interface World {
  readonly kind: "simulated" | "live";
  readonly now: Millis;
  readonly pingIntervalMs: Millis;
  /** Starts seeds and peers; resolves when they have formed one network, or patience is at its end. */
  form(): Promise<void>;
  sleep(ms: Millis): Promise<void>;
  /** Lets time pass until the condition holds: how long it took, or undefined if the limit came first. */
  until(condition: () => boolean | Promise<boolean>, limitMs: Millis): Promise<Millis | undefined>;
  /** Throws `UsageError` where this world cannot do it, or there is no such node. */
  perform(action: Action): Promise<void>;
  /** The living, in the order in which they joined. A paused process lives. */
  peers(): Promise<readonly PeerView[]>;
  seeds(): Promise<readonly SeedView[]>;
  /** Names that the selector means now, living or dead. */
  onEvent(listener: (event: TraceEvent) => void): void;
  /** Sent and refused forgeries, junk that was counted, …: what the actions of this world have to say. */
  readonly figures: Record<string, unknown>;
  close(): Promise<void>;
}
