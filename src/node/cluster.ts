/**
 * A cluster is a certificate authority: whoever has a certificate of it may connect, and whose key it has signed is
 * a member. The authority's own key is needed to add nodes and at no other time.
 *
 *     <cluster>/ca.key  ca.crt  config.txt
 *     <cluster>/nodes/<name>/node.key  node.crt  node.token  ca.crt  config.txt      (all that a host needs)
 *
 * A certificate opens connections; the token, a plain signature over the node's public key, lets third parties see
 * that the origin of a relayed statement belongs to the cluster, without sending certificates around.
 */
import {
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  webcrypto,
  X509Certificate,
} from "node:crypto";
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Name } from "@peculiar/x509";
import { UsageError } from "../core/index.ts";
import { type Address, formatAddress } from "../transport/index.ts";
import { BoundedCache, cacheKey } from "./bounded-cache.ts";
import { Identity, loadIdentity, rawPublicKey, saveIdentity, verifySignature } from "./identity.ts";
import {
  makeFolder,
  privateKeyPem,
  readCertificate,
  readPrivateKey,
  readText,
  syncFolder,
  writeWhole,
} from "./key-files.ts";

const authorityKeyFile = "ca.key";
const authorityFile = "ca.crt";
const configFile = "config.txt";

const dayMs = 24 * 3600 * 1000;
/** Ten years, for the authority and whatever it issues: there is no renewal, a node is made anew. */
const validityMs = 3652 * dayMs;

/** What an authority signs for a member: this, then the raw public key. No certificate begins like that. */
const tokenPrefix = Buffer.from("grapevine member 1\n");

/** Issues certificates and tokens. */
export class Authority {
  readonly privateKey: KeyObject;
  readonly caPem: string;
  /** Its raw public key, for `isMember`. */
  readonly memberKey: Uint8Array;
  /** Made once: it takes as long as issuing a certificate. */
  #issuer: Promise<Issuer> | undefined;

  /** The key must be that of the certificate. */
  constructor(privateKey: KeyObject, caPem: string) {
    this.privateKey = privateKey;
    this.caPem = caPem;
    this.memberKey = membershipKey(caPem);
  }

  /** A new node: its key, certificate and token. */
  async issue(name: string): Promise<Identity> {
    checkName("node", name);
    const keys = generateKeyPairSync("ed25519");
    this.#issuer ??= issuerOf(this.privateKey, this.caPem);
    const certificatePem = await makeCertificate({
      name,
      publicKey: keys.publicKey,
      issuer: await this.#issuer,
    });
    const token = sign(null, memberStatement(rawPublicKey(keys.publicKey)), this.privateKey);
    return new Identity(keys.privateKey, { certificatePem, token: new Uint8Array(token) });
  }
}

/** What `ephemeralCluster` makes. */
export type EphemeralCluster = Authority;

/** A cluster in memory: for tests, and for local networks that end with their process. */
export async function ephemeralCluster(name = "grapevine"): Promise<Authority> {
  checkName("cluster", name);
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return new Authority(
    privateKey,
    await makeCertificate({ name, publicKey, issuer: await issuerOf(privateKey) }),
  );
}

// ---- Membership ----

/** The raw public key of an authority, from its certificate. Throws `UsageError` if that is not Ed25519. */
export function membershipKey(caPem: string): Uint8Array {
  let key: KeyObject | undefined;
  try {
    key = new X509Certificate(caPem).publicKey;
  } catch {
    // Explained below.
  }
  if (key?.asymmetricKeyType !== "ed25519") {
    throw new UsageError("ca.crt: the authority's certificate is not an Ed25519 certificate in PEM");
  }
  return rawPublicKey(key);
}

/** Only what was found true is kept: inventions cannot fill it. */
let knownMembers: BoundedCache<true> | undefined;

/** Has this authority signed this key? Never throws. */
export function isMember(memberKey: Uint8Array, publicKey: Uint8Array, token: Uint8Array): boolean {
  if (publicKey.length !== 32 || token.length !== 64) return false;
  knownMembers ??= new BoundedCache(16_384);
  const name = cacheKey(memberKey, publicKey, token);
  if (knownMembers.get(name) === true) return true;
  if (!verifySignature(memberKey, memberStatement(publicKey), token)) return false;
  knownMembers.set(name, true);
  return true;
}

function memberStatement(publicKey: Uint8Array): Uint8Array {
  return Buffer.concat([tokenPrefix, publicKey]);
}

// ---- On disk ----

export interface ClusterSettings {
  /** Written to config.txt. */
  readonly seeds: readonly Address[];
  readonly name?: string;
}

/** Makes a cluster in `folder`. Throws `UsageError` if there is one already; nothing has changed then. */
export async function createCluster(folder: string, { seeds, name }: ClusterSettings): Promise<Authority> {
  const config = seedFile(seeds, name);
  for (const file of [authorityKeyFile, authorityFile, configFile]) {
    const path = join(folder, file);
    if (existsSync(path)) {
      throw new UsageError(`${path}: there is a cluster already; choose another folder, or remove this one`);
    }
  }
  const authority = await ephemeralCluster(name);
  makeFolder(folder);
  writeWhole(join(folder, configFile), config);
  writeWhole(join(folder, authorityFile), authority.caPem);
  writeWhole(join(folder, authorityKeyFile), privateKeyPem(authority.privateKey), 0o600);
  return authority;
}

/** Throws `UsageError` naming the file and the mend. */
export function loadAuthority(folder: string): Authority {
  const keyPath = join(folder, authorityKeyFile);
  const certificatePath = join(folder, authorityFile);
  const certificate = readCertificate(certificatePath);
  const privateKey = readPrivateKey(keyPath);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new UsageError(`${keyPath}: it is not the key of ${certificatePath}; restore both from one backup`);
  }
  return new Authority(privateKey, readText(certificatePath));
}

/**
 * Makes `nodes/<name>` in a cluster's folder, whole or not at all, and returns its path. Throws `UsageError` if there
 * is such a node already.
 */
export async function addNode(clusterFolder: string, name: string): Promise<string> {
  checkName("node", name);
  const authority = loadAuthority(clusterFolder);
  const config = readText(join(clusterFolder, configFile));
  const folder = join(clusterFolder, "nodes", name);
  if (existsSync(folder))
    throw new UsageError(`${folder}: there is a node of that name already; choose another name`);
  const identity = await authority.issue(name);
  makeFolder(join(clusterFolder, "nodes"));
  const temporary = mkdtempSync(join(clusterFolder, "nodes", ".new-"));
  try {
    writeWhole(join(temporary, configFile), config);
    writeWhole(join(temporary, authorityFile), authority.caPem);
    saveIdentity(temporary, identity);
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${folder}: it cannot be made (${(error as Error).message})`);
  }
  syncFolder(join(clusterFolder, "nodes"));
  return folder;
}

export interface NodeFolder {
  readonly identity: Identity;
  readonly caPem: string;
  /** The authority's raw public key, for `isMember`. */
  readonly memberKey: Uint8Array;
  readonly configPath: string;
}

/** Reads what `addNode` made. Throws `UsageError` naming the file and the mend if the parts do not fit together. */
export function loadNodeFolder(folder: string): NodeFolder {
  if (!existsSync(folder))
    throw new UsageError(
      `${folder}: there is no such folder; make it with \`grapevine cluster create\` and \`grapevine cluster add\``,
    );
  const authorityPath = join(folder, authorityFile);
  const authority = readCertificate(authorityPath);
  const caPem = readText(authorityPath);
  const memberKey = membershipKey(caPem);
  const identity = loadIdentity(folder);
  const certificatePath = join(folder, "node.crt");
  const certificate = readCertificate(certificatePath);
  if (!certificate.verify(authority.publicKey)) {
    throw new UsageError(
      `${certificatePath}: ${authorityPath} has not issued it; copy the node's whole folder again`,
    );
  }
  if (Date.parse(certificate.validTo) < Date.now()) {
    throw new UsageError(`${certificatePath}: it expired on ${certificate.validTo}; make the node anew`);
  }
  if (!isMember(memberKey, identity.publicKey, identity.token)) {
    throw new UsageError(
      `${join(folder, "node.token")}: missing or for another key; copy the node's whole folder again`,
    );
  }
  return { identity, caPem, memberKey, configPath: join(folder, configFile) };
}

function seedFile(seeds: readonly Address[], name = "grapevine"): string {
  if (seeds.length === 0) throw new UsageError("seeds: a cluster needs at least one, such as 127.0.0.1:8080");
  for (const { host, port } of seeds) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new UsageError(`seeds: port ${port} of ${host} is not between 1 and 65535`);
    }
  }
  const lines = seeds.map((seed) => `${formatAddress(seed)}\n`);
  return `# The seeds of cluster ${name}: one IP:port per line.\n${lines.join("")}`;
}

/** Names become folders and the subjects of certificates. */
function checkName(what: "cluster" | "node", name: string): void {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(name) && !/^\.{1,2}$/.test(name)) return;
  throw new UsageError(
    `${what} name: ${JSON.stringify(name)} is not 1 to 64 of the characters A-Z a-z 0-9 . _ -`,
  );
}

// ---- Certificates ----

/** Who signs: an authority, or one that is about to certify itself. */
interface Issuer {
  readonly signingKey: webcrypto.CryptoKey;
  readonly authority: { readonly subjectName: Name; readonly notAfter: Date } | undefined;
}

interface CertificateRequest {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly issuer: Issuer;
}

const algorithm = { name: "Ed25519" };

async function issuerOf(privateKey: KeyObject, caPem?: string): Promise<Issuer> {
  const { X509Certificate } = await loadX509();
  const pkcs8 = privateKey.export({ type: "pkcs8", format: "der" });
  const signingKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
  return { signingKey, authority: caPem === undefined ? undefined : new X509Certificate(caPem) };
}

async function makeCertificate({ name, publicKey, issuer }: CertificateRequest): Promise<string> {
  const x509 = await loadX509();
  const { KeyUsageFlags, ExtendedKeyUsage } = x509;
  const { signingKey, authority } = issuer;
  const spki = publicKey.export({ type: "spki", format: "der" });
  const end = Date.now() + validityMs;
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: `CN=${name}`,
      issuer: authority?.subjectName ?? `CN=${name}`,
      // Clocks may differ by a day.
      notBefore: new Date(Date.now() - dayMs),
      notAfter: new Date(Math.min(end, authority?.notAfter.getTime() ?? end)),
      signingAlgorithm: algorithm,
      publicKey: await webcrypto.subtle.importKey("spki", spki, algorithm, true, ["verify"]),
      signingKey,
      extensions:
        authority === undefined
          ? [
              new x509.BasicConstraintsExtension(true, 0, true),
              new x509.KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
            ]
          : [
              new x509.BasicConstraintsExtension(false, undefined, true),
              new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
              new x509.ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
            ],
    },
    webcrypto,
  );
  return `${certificate.toString("pem")}\n`;
}

/** Only when needed: it takes 60 ms and 18 MB, and most nodes never issue anything. */
async function loadX509() {
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

/** 127 random bits, positive. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}
