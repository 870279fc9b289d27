/** Who a node is: an Ed25519 key pair, and what shows that the key belongs to a cluster. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../core/index.ts";
import { BoundedCache, cacheKey } from "./bounded-cache.ts";
import {
  makeFolder,
  mend,
  privateKeyPem,
  readCertificate,
  readPrivateKey,
  readText,
  writeWhole,
} from "./key-files.ts";

const keyFile = "node.key";
const certificateFile = "node.crt";
const tokenFile = "node.token";

const keyBytes = 32;
const tokenBytes = 64;

export interface Membership {
  /** What TLS shows; undefined on plaintext. */
  readonly certificatePem?: string | undefined;
  /** The cluster authority's signature over the public key, 64 bytes; empty on plaintext. */
  readonly token?: Uint8Array;
}

export class Identity {
  /** 40 hexadecimal digits: the first 160 bits of SHA-256 of the public key. */
  readonly id: string;
  /** Raw, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
  readonly certificatePem: string | undefined;
  readonly token: Uint8Array;

  constructor(privateKey: KeyObject, { certificatePem, token = new Uint8Array(0) }: Membership = {}) {
    this.privateKey = privateKey;
    this.publicKey = rawPublicKey(createPublicKey(privateKey));
    this.id = idOfKey(this.publicKey);
    this.certificatePem = certificatePem;
    this.token = token;
  }

  /** 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array {
    return sign(null, bytes, this.privateKey);
  }
}

/** A new key that no cluster knows. */
export function createIdentity(): Identity {
  return new Identity(generateKeyPairSync("ed25519").privateKey);
}

export function idOfKey(publicKey: Uint8Array): string {
  return createHash("sha256").update(publicKey).digest("hex").slice(0, 40);
}

/** The last 32 bytes of the DER encoding. (Exporting a JWK would do as well, but can deadlock on Node 20.) */
export function rawPublicKey(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: "spki", format: "der" }).subarray(-keyBytes));
}

/** Keys that have been imported: importing one costs 8 to 60 microseconds beside the 60 of verifying. */
let importedKeys: BoundedCache<KeyObject> | undefined;

/** Never throws: bytes that are no key and no signature are a false signature. */
export function verifySignature(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== keyBytes || signature.length !== 64) return false;
  try {
    return verify(null, bytes, importedKey(publicKey), signature);
  } catch {
    return false;
  }
}

function importedKey(publicKey: Uint8Array): KeyObject {
  importedKeys ??= new BoundedCache(16_384);
  const name = cacheKey(publicKey);
  const known = importedKeys.get(name);
  if (known !== undefined) return known;
  // JWK and not DER: 8 microseconds instead of 60 on Node 20, the same on Node 24.
  const x = Buffer.from(publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  importedKeys.set(name, key);
  return key;
}

// ---- On disk ----

/**
 * Reads `node.key` and, where there are any, `node.crt` and `node.token`. Throws `UsageError` naming the file and
 * the mend if one cannot be read or they do not belong together.
 */
export function loadIdentity(folder: string): Identity {
  const keyPath = join(folder, keyFile);
  const privateKey = readPrivateKey(keyPath);
  const certificatePath = join(folder, certificateFile);
  const tokenPath = join(folder, tokenFile);
  const certificatePem = existsSync(certificatePath) ? readText(certificatePath) : undefined;
  if (certificatePem !== undefined && !readCertificate(certificatePath).checkPrivateKey(privateKey)) {
    throw new UsageError(`${certificatePath}: it is not the certificate of ${keyPath}; ${mend}`);
  }
  const token = existsSync(tokenPath) ? readToken(tokenPath) : undefined;
  return new Identity(privateKey, token === undefined ? { certificatePem } : { certificatePem, token });
}

/** Writes what `loadIdentity` reads, the key last, each file whole or not at all. Replaces what was there. */
export function saveIdentity(folder: string, identity: Identity): void {
  const { privateKey, certificatePem, token } = identity;
  makeFolder(folder);
  const certificatePath = join(folder, certificateFile);
  const tokenPath = join(folder, tokenFile);
  if (certificatePem !== undefined) writeWhole(certificatePath, certificatePem);
  else rmSync(certificatePath, { force: true });
  if (token.length > 0) writeWhole(tokenPath, `${Buffer.from(token).toString("hex")}\n`);
  else rmSync(tokenPath, { force: true });
  writeWhole(join(folder, keyFile), privateKeyPem(privateKey), 0o600);
}

function readToken(path: string): Uint8Array {
  const text = readText(path).trim();
  if (!/^[0-9a-f]{128}$/i.test(text)) {
    throw new UsageError(`${path}: it is not a token of ${tokenBytes * 2} hexadecimal digits; ${mend}`);
  }
  return new Uint8Array(Buffer.from(text, "hex"));
}
