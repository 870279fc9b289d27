import { identityOf, type Millis, type NodeId } from "../core/index.ts";

/** A peer's place in the age order. */
export interface Seniority {
  readonly peer: NodeId;
  readonly since: Millis;
}

/**
 * The age order of all peers: who joined earlier is elder, ties go by identity. It is total, and the same for
 * everybody, since `since` is part of what a peer signs. The overlay hangs on it: if every peer but the eldest has
 * an elder neighbor, then following elders from anywhere ends at the eldest, so the overlay is connected.
 */
export function isElder(a: Seniority, b: Seniority): boolean {
  if (a.since !== b.since) return a.since < b.since;
  return identityOf(a.peer) < identityOf(b.peer);
}
