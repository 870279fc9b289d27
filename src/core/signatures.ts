import type { NodeId } from "./environment.ts";

/** What an origin vouches for; opaque bytes to every protocol (live: public key, membership token, Ed25519 signature). */
export type Proof = Uint8Array;

/**
 * Origin signs, relays cannot forge. A statement is a plain object discriminated by `type`; the live shell signs
 * its canonical encoding, a simulation may hand in `trustEverybody`.
 */
export interface Signatures<Statement> {
  sign(statement: Statement): Proof;
  /** True if `origin` (by identity) made this very statement and belongs to the cluster. Never throws. */
  verify(origin: NodeId, statement: Statement, proof: Proof): boolean;
}

const noProof: Proof = new Uint8Array(0);

/** For worlds without liars. */
export const trustEverybody: Signatures<unknown> = {
  sign: () => noProof,
  verify: () => true,
};
