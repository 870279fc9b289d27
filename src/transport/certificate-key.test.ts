import "reflect-metadata";
import { webcrypto, X509Certificate } from "node:crypto";
import { X509CertificateGenerator } from "@peculiar/x509";
import { expect, test } from "vitest";
import { ephemeralCluster } from "../node/cluster.ts";
import { ed25519KeyOf } from "./certificate-key.ts";

async function selfSigned(name: string, algorithm: { name: string; namedCurve?: string; hash?: string }) {
  const usages: webcrypto.KeyUsage[] = ["sign", "verify"];
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, usages)) as webcrypto.CryptoKeyPair;
  const parameters = { name, keys, signingAlgorithm: algorithm };
  const certificate = await X509CertificateGenerator.createSelfSigned(parameters, webcrypto);
  const spki = new Uint8Array(await webcrypto.subtle.exportKey("spki", keys.publicKey));
  return { der: new Uint8Array(certificate.rawData), spki };
}

test("the key of an issued certificate is found", async () => {
  const cluster = await ephemeralCluster("c".repeat(64));
  for (const name of ["a", "n".repeat(64)]) {
    const identity = await cluster.issue(name);
    expect(ed25519KeyOf(new X509Certificate(identity.certificatePem!).raw)).toEqual(identity.publicKey);
  }
  expect(ed25519KeyOf(new X509Certificate(cluster.caPem).raw)).toEqual(cluster.memberKey);
});

test("a name that looks like a key is not taken for it", async () => {
  // The twelve bytes before every Ed25519 key, and somebody else's key, as the content of the name.
  const fake = `302a300506032b6570032100${"ab".repeat(32)}`;
  const { der, spki } = await selfSigned(`2.5.4.3=#0442${"0000"}${fake}${"00".repeat(20)}`, {
    name: "Ed25519",
  });
  expect(Buffer.from(der).toString("hex")).toContain(fake);
  expect(ed25519KeyOf(der)).toEqual(spki.subarray(-32));
});

test("long names with lengths of several bytes are stepped over", async () => {
  for (const length of [100, 200, 70_000]) {
    const { der, spki } = await selfSigned(`CN=${"x".repeat(length)}`, { name: "Ed25519" });
    expect(ed25519KeyOf(der)).toEqual(spki.subarray(-32));
  }
});

test("a key of another kind is none", async () => {
  const { der } = await selfSigned("CN=a", { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" });
  expect(ed25519KeyOf(der)).toBeUndefined();
});

test("a certificate that ends too early or is none has no key, whatever its bytes", async () => {
  const { der, spki } = await selfSigned("CN=a", { name: "Ed25519" });
  for (let length = 0; length < der.length; length++) {
    const key = ed25519KeyOf(der.subarray(0, length));
    if (key !== undefined) expect(key).toEqual(spki.subarray(-32));
  }
  expect(ed25519KeyOf(der.subarray(0, der.length - 64 - 40))).toBeUndefined();
  expect(ed25519KeyOf(new Uint8Array(1000).fill(255))).toBeUndefined();
  expect(ed25519KeyOf(new Uint8Array(1000))).toBeUndefined();
});
