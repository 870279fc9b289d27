import { createHash, generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UsageError } from "../core/index.ts";
import { BoundedCache, cacheKey } from "./bounded-cache.ts";
import { ephemeralCluster } from "./cluster.ts";
import { createIdentity, idOfKey, loadIdentity, saveIdentity, verifySignature } from "./identity.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grapevine-identity-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const words = Buffer.from("the words");

describe("identity", () => {
  test("the id is the first 160 bits of the key's SHA-256", () => {
    const { id, publicKey, token, certificatePem } = createIdentity();
    expect(publicKey).toHaveLength(32);
    expect(id).toMatch(/^[0-9a-f]{40}$/);
    expect(createHash("sha256").update(publicKey).digest("hex").startsWith(id)).toBe(true);
    expect(idOfKey(publicKey)).toBe(id);
    expect(token).toHaveLength(0);
    expect(certificatePem).toBeUndefined();
  });

  test("two identities differ", () => {
    expect(createIdentity().id).not.toBe(createIdentity().id);
  });

  test("a signature holds for these words and this key only", () => {
    const [alice, bob] = [createIdentity(), createIdentity()];
    const signature = alice.sign(words);
    expect(signature).toHaveLength(64);
    expect(verifySignature(alice.publicKey, words, signature)).toBe(true);
    expect(verifySignature(alice.publicKey, Buffer.from("the worms"), signature)).toBe(false);
    expect(verifySignature(bob.publicKey, words, signature)).toBe(false);
    signature[10]! ^= 1;
    expect(verifySignature(alice.publicKey, words, signature)).toBe(false);
  });

  test("verifying nonsense is false and never throws", () => {
    const alice = createIdentity();
    const signature = alice.sign(words);
    expect(verifySignature(new Uint8Array(0), words, signature)).toBe(false);
    expect(verifySignature(new Uint8Array(31), words, signature)).toBe(false);
    expect(verifySignature(new Uint8Array(32).fill(255), words, signature)).toBe(false);
    expect(verifySignature(new Uint8Array(32), words, new Uint8Array(64))).toBe(false);
    expect(verifySignature(alice.publicKey, words, new Uint8Array(0))).toBe(false);
    expect(verifySignature(alice.publicKey, words, new Uint8Array(65))).toBe(false);
  });

  test("keys that are slices of larger buffers are told apart", () => {
    const [alice, bob] = [createIdentity(), createIdentity()];
    const both = Buffer.concat([alice.publicKey, bob.publicKey]);
    const signature = bob.sign(words);
    expect(verifySignature(both.subarray(0, 32), words, signature)).toBe(false);
    expect(verifySignature(both.subarray(32), words, signature)).toBe(true);
  });

  test("20,000 keys are verified with a cache of bounded size", () => {
    // Exercises replacement; that it is bounded is the claim of the cache's own test.
    const signature = createIdentity().sign(words);
    for (let i = 0; i < 20_000; i++) {
      const key = new Uint8Array(32);
      new DataView(key.buffer).setUint32(0, i);
      verifySignature(key, new Uint8Array(0), signature);
    }
    const alice = createIdentity();
    expect(verifySignature(alice.publicKey, words, alice.sign(words))).toBe(true);
  });
});

describe("an identity on disk", () => {
  test("what was saved is loaded again", async () => {
    const plain = createIdentity();
    saveIdentity(join(folder, "a", "b"), plain);
    const loaded = loadIdentity(join(folder, "a", "b"));
    expect(loaded.id).toBe(plain.id);
    expect(verifySignature(plain.publicKey, words, loaded.sign(words))).toBe(true);
    expect(loaded.token).toHaveLength(0);

    const member = await (await ephemeralCluster()).issue("a");
    saveIdentity(folder, member);
    expect(loadIdentity(folder)).toMatchObject({
      id: member.id,
      certificatePem: member.certificatePem,
      token: member.token,
    });
  });

  test("the key can be read by its owner only, and nothing temporary stays", async () => {
    saveIdentity(folder, await (await ephemeralCluster()).issue("a"));
    expect(statSync(join(folder, "node.key")).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).sort()).toEqual(["node.crt", "node.key", "node.token"]);
  });

  test("saving replaces all of an earlier identity, also its permissions", async () => {
    saveIdentity(folder, await (await ephemeralCluster()).issue("a"));
    chmodSync(join(folder, "node.key"), 0o644);
    const plain = createIdentity();
    saveIdentity(folder, plain);
    expect(readdirSync(folder)).toEqual(["node.key"]);
    expect(statSync(join(folder, "node.key")).mode & 0o777).toBe(0o600);
    expect(loadIdentity(folder).id).toBe(plain.id);
  });

  test("a missing file is named together with the mend", () => {
    expect(() => loadIdentity(folder)).toThrow(UsageError);
    expect(() => loadIdentity(folder)).toThrow(`${join(folder, "node.key")}: there is no such file; restore`);
  });

  test("a corrupt file is named together with the mend", async () => {
    const identity = await (await ephemeralCluster()).issue("a");
    for (const file of ["node.key", "node.crt", "node.token"]) {
      saveIdentity(folder, identity);
      const path = join(folder, file);
      for (const content of ["", "nonsense", readFileSync(path, "utf8").slice(0, 60)]) {
        writeFileSync(path, content);
        expect(() => loadIdentity(folder)).toThrow(UsageError);
        expect(() => loadIdentity(folder)).toThrow(new RegExp(`^${path}: .*; restore`));
      }
    }
  });

  test("a key of another kind and a certificate of another key are refused", async () => {
    const rsa = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    writeFileSync(join(folder, "node.key"), rsa.export({ type: "pkcs8", format: "pem" }));
    expect(() => loadIdentity(folder)).toThrow(/node\.key: it is not an Ed25519 private key/);

    const cluster = await ephemeralCluster();
    saveIdentity(folder, await cluster.issue("a"));
    writeFileSync(join(folder, "node.crt"), (await cluster.issue("b")).certificatePem!);
    expect(() => loadIdentity(folder)).toThrow(/node\.crt: it is not the certificate of .*node\.key/);
  });

  test("a folder that cannot be written is a usage error", () => {
    writeFileSync(join(folder, "file"), "");
    expect(() => saveIdentity(join(folder, "file", "below"), createIdentity())).toThrow(UsageError);
  });
});

test("a bounded cache keeps what was used last", () => {
  const cache = new BoundedCache<number>(3);
  for (const [key, value] of Object.entries({ a: 1, b: 2, c: 3 })) cache.set(key, value);
  cache.get("a");
  cache.set("d", 4);
  expect(cache.size).toBe(3);
  expect(["a", "b", "c", "d"].map((key) => cache.get(key))).toEqual([1, undefined, 3, 4]);
});

test("cache keys of different bytes differ", () => {
  const keys = new Set<string>();
  for (let i = 0; i < 256; i++) keys.add(cacheKey(Uint8Array.of(i), Uint8Array.of(255 - i)));
  expect(keys.size).toBe(256);
});
