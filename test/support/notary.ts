/** Signatures that a test can see through: a proof is good for one signer and one statement, and for nothing else. */
import { identityOf, type NodeId, type Proof, type Signatures, type Signed } from "../../src/core/index.ts";

/** What `signer` would sign with. Anybody's proof is valid for the origin whose it is. */
export function signaturesOf(signer: NodeId): Signatures<any> {
  return {
    sign: (statement) => proofOf(signer, statement),
    verify: (origin, statement, proof) => text(proof) === text(proofOf(origin, statement)),
  };
}

/** A statement signed by `signer`, who need not be the one whom it is about. */
export function signedBy<Statement>(signer: NodeId, statement: Statement): Signed<Statement> {
  return { statement, proof: proofOf(signer, statement) };
}

function proofOf(signer: NodeId, statement: unknown): Proof {
  return new TextEncoder().encode(`${identityOf(signer)} says ${JSON.stringify(statement)}`);
}

function text(proof: Proof): string {
  return new TextDecoder().decode(proof);
}
