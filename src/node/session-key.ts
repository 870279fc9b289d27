/**
 * How two nodes come to the keys of a datagram session. Each has an X25519 key in memory for an hour or so, and its
 * identity has signed it; what the two keys agree upon, mixed with a fresh number of each side, is the secret of the
 * session. Only who owns the identity can have it, so whoever seals with it is proven.
 *
 * Deviation from what links do: nothing is signed for each session. A signature and its check cost 85 microseconds,
 * agreeing costs 30; a lookup meets nodes that it never met before all the time. What it takes in return: sessions of
 * one hour share a key in memory, and whoever steals that reads them, and could pose as anybody towards this node until
 * the key is replaced.
 */
import {
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { clusterTagBytes, encodeSessionKeyStatement, type Greeting, greetingProofAt } from "../wire/index.ts";
import { BoundedCache, cacheKey } from "./bounded-cache.ts";
import { type Identity, rawPublicKey, verifySignature } from "./identity.ts";

const dayMs = 24 * 3600 * 1000;
/** Clocks may differ by a day, as certificates allow too, and a key is used for a day at most. */
export const maxSessionKeyAgeMs = 2 * dayMs;
const maxAheadMs = dayMs;

/** The part of a greeting that stays the same as long as the key. */
export type SessionKeyProof = Pick<
  Greeting,
  "cluster" | "publicKey" | "token" | "sessionKey" | "sessionKeyMadeAt" | "signature"
>;

export class SessionKey {
  readonly proof: SessionKeyProof;
  readonly privateKey: KeyObject;

  constructor(identity: Identity, cluster: Uint8Array, madeAt: number) {
    const { privateKey, publicKey } = generateKeyPairSync("x25519");
    const sessionKey = rawPublicKey(publicKey);
    const statement = encodeSessionKeyStatement({ cluster, sessionKey, sessionKeyMadeAt: madeAt });
    this.privateKey = privateKey;
    this.proof = {
      cluster,
      publicKey: identity.publicKey,
      token: identity.token,
      sessionKey,
      sessionKeyMadeAt: madeAt,
      signature: identity.sign(statement),
    };
  }

  /**
   * The secret of the session that this hello and this welcome make, the same at both ends; undefined for a key of
   * theirs that agrees with everybody upon the same.
   */
  agree(theirs: Uint8Array, hello: Uint8Array, welcome: Uint8Array): Uint8Array | undefined {
    try {
      const x = Buffer.from(theirs).toString("base64url");
      const publicKey = createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
      const shared = diffieHellman({ privateKey: this.privateKey, publicKey });
      const salt = createHash("sha256")
        .update(hello.subarray(0, greetingProofAt))
        .update(welcome.subarray(0, greetingProofAt))
        .digest();
      return deriveSecret(shared, salt);
    } catch {
      return undefined; // OpenSSL refuses points of small order
    }
  }
}

const derivationInfo = Buffer.from("grapevine datagram session 1\u0001");

/**
 * HKDF with SHA-256 (RFC 5869) for just one block: extract, then expand with the counter 1 behind the text. `hkdfSync`
 * gives the same for 14 microseconds more.
 */
export function deriveSecret(shared: Uint8Array, salt: Uint8Array): Uint8Array {
  const extracted = createHmac("sha256", salt).update(shared).digest();
  return createHmac("sha256", extracted).update(derivationInfo).digest();
}

export function clusterTag(name: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(name).digest().subarray(0, clusterTagBytes));
}

/** Only what was found true is kept: inventions cannot fill it. */
let knownProofs: BoundedCache<true> | undefined;

/** Has this identity signed this session key, and lately enough? `now` in milliseconds since 1970. Never throws. */
export function isSessionKeyOf(
  { publicKey, signature, ...statement }: SessionKeyProof,
  now: number,
): boolean {
  const age = now - statement.sessionKeyMadeAt;
  if (age > maxSessionKeyAgeMs || age < -maxAheadMs) return false;
  const bytes = encodeSessionKeyStatement(statement);
  knownProofs ??= new BoundedCache(16_384);
  const name = cacheKey(publicKey, bytes, signature);
  if (knownProofs.get(name) === true) return true;
  if (!verifySignature(publicKey, bytes, signature)) return false;
  knownProofs.set(name, true);
  return true;
}
