/** Who a node is: an Ed25519 key pair, and what shows that the key belongs to a cluster. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
  X509Certificate,
} from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { UsageError } from "../core/index.ts";

export const keyFile = "node.key";
export const certificateFile = "node.crt";
export const tokenFile = "node.token";

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

  /** As `verifySignature`. */
  static verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
    return verifySignature(publicKey, bytes, signature);
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

/** Keeps what was used last. */
export class BoundedCache<Value> {
  readonly #limit: number;
  /** In the order of last use. */
  readonly #entries = new Map<string, Value>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value!);
  }
}

/** Bytes as a key of a map: one character each. */
export function cacheKey(...parts: readonly Uint8Array[]): string {
  return parts
    .map((part) => Buffer.from(part.buffer, part.byteOffset, part.length).toString("latin1"))
    .join("");
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
  mkdirSync(folder, { recursive: true });
  const certificatePath = join(folder, certificateFile);
  const tokenPath = join(folder, tokenFile);
  if (certificatePem !== undefined) writeWhole(certificatePath, certificatePem);
  else rmSync(certificatePath, { force: true });
  if (token.length > 0) writeWhole(tokenPath, `${Buffer.from(token).toString("hex")}\n`);
  else rmSync(tokenPath, { force: true });
  writeWhole(join(folder, keyFile), privateKeyPem(privateKey), 0o600);
}

const mend = "restore the folder from a backup, or make the node anew";

export function privateKeyPem(privateKey: KeyObject): string {
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new UsageError(`${path}: there is no such file; ${mend}`);
    if (code === "EACCES")
      throw new UsageError(`${path}: it may not be read; run as its owner, or change the owner`);
    throw new UsageError(`${path}: it cannot be read (${message}); ${mend}`);
  }
}

export function readPrivateKey(path: string): KeyObject {
  const pem = readText(path);
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // Explained below.
  }
  if (key?.asymmetricKeyType !== "ed25519") {
    throw new UsageError(`${path}: it is not an Ed25519 private key in PEM; ${mend}`);
  }
  return key;
}

export function readCertificate(path: string): X509Certificate {
  const pem = readText(path);
  try {
    return new X509Certificate(pem);
  } catch {
    throw new UsageError(`${path}: it is not a certificate in PEM; ${mend}`);
  }
}

function readToken(path: string): Uint8Array {
  const text = readText(path).trim();
  if (!/^[0-9a-f]{128}$/i.test(text)) {
    throw new UsageError(`${path}: it is not a token of ${tokenBytes * 2} hexadecimal digits; ${mend}`);
  }
  return new Uint8Array(Buffer.from(text, "hex"));
}

/**
 * Under its name there is the old file or the whole new one, also after a power failure: written beside it, brought
 * to the disk, renamed.
 */
export function writeWhole(path: string, text: string, mode = 0o644): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    // A file left by a crash might have another mode.
    rmSync(temporary, { force: true });
    const file = openSync(temporary, "wx", mode);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new UsageError(`${path}: it cannot be written (${(error as Error).message})`);
  }
  syncFolder(dirname(path));
}

/** So that the rename itself survives a power failure. Some systems cannot open a folder; they need not. */
export function syncFolder(folder: string): void {
  let file: number;
  try {
    file = openSync(folder, "r");
  } catch {
    return;
  }
  try {
    fsyncSync(file);
  } catch {
    // Not possible here.
  } finally {
    closeSync(file);
  }
}
