import type { NodeId, Proof, Signatures } from "../core/index.ts";
import { identityOf } from "../core/index.ts";
import { encodeStatement, type Statement } from "../wire/index.ts";
import { type Identity, idOfKey, verifySignature } from "./identity.ts";

const keyBytes = 32;
const tokenBytes = 64;
const signatureBytes = 64;

/**
 * Live proofs: the origin's public key, its membership token (none where the cluster is open) and its Ed25519
 * signature over the statement's canonical bytes. The key gives the id, the token shows that the cluster's
 * authority took the key in, the signature that the origin said this: all without asking anybody.
 */
export class LiveSignatures implements Signatures<Statement> {
  readonly #identity: Identity;
  readonly #isMember: (publicKey: Uint8Array, token: Uint8Array) => boolean;

  constructor(identity: Identity, isMember: (publicKey: Uint8Array, token: Uint8Array) => boolean) {
    this.#identity = identity;
    this.#isMember = isMember;
  }

  sign(statement: Statement): Proof {
    const { publicKey, token } = this.#identity;
    return Buffer.concat([publicKey, token, this.#identity.sign(encodeStatement(statement))]);
  }

  verify(origin: NodeId, statement: Statement, proof: Proof): boolean {
    const rest = proof.length - keyBytes - signatureBytes;
    if (rest !== 0 && rest !== tokenBytes) return false;
    const publicKey = proof.subarray(0, keyBytes);
    if (idOfKey(publicKey) !== identityOf(origin)) return false;
    if (!this.#isMember(publicKey, proof.subarray(keyBytes, keyBytes + rest))) return false;
    return verifySignature(publicKey, encodeStatement(statement), proof.subarray(keyBytes + rest));
  }
}

/**
 * Gossip without signatures, for measuring what they cost and for clusters whose members all trust each other: links
 * are authenticated all the same, but a member could speak in another's name. Records, reports and leaves stay signed.
 */
export class UnsignedGossip extends LiveSignatures {
  override sign(statement: Statement): Proof {
    return statement.type === "gossip" ? new Uint8Array(0) : super.sign(statement);
  }
  override verify(origin: NodeId, statement: Statement, proof: Proof): boolean {
    return statement.type === "gossip" || super.verify(origin, statement, proof);
  }
}
