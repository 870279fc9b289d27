import { X509Certificate } from "node:crypto";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UsageError } from "../core/index.ts";
import {
  addNode,
  createCluster,
  ephemeralCluster,
  isMember,
  loadAuthority,
  loadNodeFolder,
  membershipKey,
} from "./cluster.ts";
import { createIdentity, loadIdentity, verifySignature } from "./identity.ts";

let folder: string;
let clusterFolder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grapevine-cluster-"));
  clusterFolder = join(folder, "cluster");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const seeds = [
  { host: "127.0.0.1", port: 8080 },
  { host: "::1", port: 8081 },
];

describe("an ephemeral cluster", () => {
  test("issues identities with a certificate of its own and a token", async () => {
    const cluster = await ephemeralCluster("test");
    const identity = await cluster.issue("a.b-c_d");
    const certificate = new X509Certificate(identity.certificatePem!);
    const authority = new X509Certificate(cluster.caPem);
    expect(certificate.subject).toBe("CN=a.b-c_d");
    expect(certificate.issuer).toBe("CN=test");
    expect(certificate.checkIssued(authority)).toBe(true);
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(identity.privateKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(authority.ca).toBe(true);
    // clientAuth and serverAuth.
    expect(certificate.keyUsage?.toSorted()).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    expect(isMember(cluster.memberKey, identity.publicKey, identity.token)).toBe(true);
  });

  test("its certificates hold for ten years and from yesterday on", async () => {
    const { caPem, issue } = await ephemeralCluster().then((c) => ({
      caPem: c.caPem,
      issue: c.issue.bind(c),
    }));
    for (const pem of [caPem, (await issue("a")).certificatePem!]) {
      const { validFrom, validTo } = new X509Certificate(pem);
      expect(Date.parse(validFrom)).toBeLessThan(Date.now() - 23 * 3600_000);
      const years = (Date.parse(validTo) - Date.now()) / (365.25 * 24 * 3600_000);
      expect(years).toBeGreaterThan(9.9);
      expect(years).toBeLessThan(10.1);
    }
  });

  test("serial numbers and keys do not repeat", async () => {
    const cluster = await ephemeralCluster();
    const issued = await Promise.all(Array.from({ length: 100 }, (_, i) => cluster.issue(`n${i}`)));
    const serials = new Set(
      issued.map(({ certificatePem }) => new X509Certificate(certificatePem!).serialNumber),
    );
    expect(serials.size).toBe(100);
    expect(new Set(issued.map(({ id }) => id)).size).toBe(100);
  });

  test("names that could leave their folder or their field are refused", async () => {
    const cluster = await ephemeralCluster();
    for (const name of ["", ".", "..", "a/b", "../a", "a b", "a,CN=b", "é", "a\n", "a".repeat(65)]) {
      await expect(cluster.issue(name)).rejects.toThrow(UsageError);
      await expect(ephemeralCluster(name)).rejects.toThrow(/^cluster name: /);
    }
    await cluster.issue("a".repeat(64));
    await cluster.issue("...");
  });
});

describe("membership", () => {
  test("a token counts for one key and one authority", async () => {
    const [ours, theirs] = await Promise.all([ephemeralCluster("one"), ephemeralCluster("one")]);
    const [alice, bob] = await Promise.all([ours.issue("alice"), ours.issue("bob")]);
    const { memberKey } = ours;
    expect(memberKey).toEqual(membershipKey(ours.caPem));
    // Twice: the second answer comes from the cache.
    for (let i = 0; i < 2; i++) {
      expect(isMember(memberKey, alice.publicKey, alice.token)).toBe(true);
      expect(isMember(memberKey, bob.publicKey, alice.token)).toBe(false);
      expect(isMember(theirs.memberKey, alice.publicKey, alice.token)).toBe(false);
      expect(isMember(memberKey, alice.publicKey, new Uint8Array(0))).toBe(false);
      expect(isMember(memberKey, alice.publicKey, new Uint8Array(64))).toBe(false);
      expect(isMember(memberKey, alice.publicKey.subarray(0, 31), alice.token)).toBe(false);
      expect(isMember(new Uint8Array(0), alice.publicKey, alice.token)).toBe(false);
    }
  });

  test("bytes that join to the same text are not mistaken for each other", async () => {
    const cluster = await ephemeralCluster();
    const { publicKey, token } = await cluster.issue("a");
    expect(isMember(cluster.memberKey, publicKey, token)).toBe(true);
    const joined = Buffer.concat([publicKey, token]);
    expect(isMember(cluster.memberKey, joined.subarray(0, 33), joined.subarray(33))).toBe(false);
    expect(isMember(cluster.memberKey, joined.subarray(0, 31), joined.subarray(31))).toBe(false);
  });

  test("a member cannot make others members", async () => {
    const cluster = await ephemeralCluster();
    const alice = await cluster.issue("alice");
    const friend = createIdentity();
    const token = alice.sign(Buffer.concat([Buffer.from("grapevine member 1\n"), friend.publicKey]));
    expect(isMember(cluster.memberKey, friend.publicKey, token)).toBe(false);
  });

  test("the token is the authority's signature over a fixed prefix and the key", async () => {
    const cluster = await ephemeralCluster();
    const { publicKey, token } = await cluster.issue("a");
    const statement = Buffer.concat([Buffer.from("grapevine member 1\n"), publicKey]);
    expect(verifySignature(cluster.memberKey, statement, token)).toBe(true);
  });

  test("an authority that is no Ed25519 certificate is a usage error", () => {
    expect(() => membershipKey("nonsense")).toThrow(UsageError);
  });
});

describe("a cluster on disk", () => {
  test("has a secret key, a certificate and a list of seeds", async () => {
    await createCluster(clusterFolder, { seeds, name: "test" });
    expect(readdirSync(clusterFolder).sort()).toEqual(["ca.crt", "ca.key", "config.txt"]);
    expect(statSync(join(clusterFolder, "ca.key")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(clusterFolder, "config.txt"), "utf8")).toBe(
      "# The seeds of cluster test: one IP:port per line.\n127.0.0.1:8080\n[::1]:8081\n",
    );
  });

  test("is not overwritten", async () => {
    const { memberKey } = await createCluster(clusterFolder, { seeds });
    await expect(createCluster(clusterFolder, { seeds })).rejects.toThrow(/there is a cluster already/);
    expect(loadAuthority(clusterFolder).memberKey).toEqual(memberKey);
    for (const file of ["ca.key", "ca.crt", "config.txt"]) {
      const other = join(folder, file);
      mkdirSync(other);
      writeFileSync(join(other, file), "mine");
      await expect(createCluster(other, { seeds })).rejects.toThrow(UsageError);
      expect(readdirSync(other)).toEqual([file]);
      expect(readFileSync(join(other, file), "utf8")).toBe("mine");
    }
  });

  test("needs seeds with real ports", async () => {
    await expect(createCluster(clusterFolder, { seeds: [] })).rejects.toThrow(/^seeds: /);
    await expect(createCluster(clusterFolder, { seeds: [{ host: "a", port: 0 }] })).rejects.toThrow(/port 0/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a node is one folder that works anywhere", async () => {
    const { memberKey, caPem } = await createCluster(clusterFolder, { seeds });
    const made = await addNode(clusterFolder, "alice");
    expect(made).toBe(join(clusterFolder, "nodes", "alice"));
    expect(readdirSync(join(clusterFolder, "nodes"))).toEqual(["alice"]);
    const elsewhere = join(folder, "elsewhere");
    cpSync(made, elsewhere, { recursive: true });
    rmSync(clusterFolder, { recursive: true });

    const node = loadNodeFolder(elsewhere);
    expect(readdirSync(elsewhere).sort()).toEqual([
      "ca.crt",
      "config.txt",
      "node.crt",
      "node.key",
      "node.token",
    ]);
    expect(statSync(join(elsewhere, "node.key")).mode & 0o777).toBe(0o600);
    expect(node.caPem).toBe(caPem);
    expect(node.memberKey).toEqual(memberKey);
    expect(node.configPath).toBe(join(elsewhere, "config.txt"));
    expect(readFileSync(node.configPath, "utf8")).toContain("127.0.0.1:8080");
    expect(new X509Certificate(node.identity.certificatePem!).subject).toBe("CN=alice");
    expect(isMember(node.memberKey, node.identity.publicKey, node.identity.token)).toBe(true);
    expect(loadIdentity(elsewhere).id).toBe(node.identity.id);
  });

  test("a node is not made twice, and not without the authority", async () => {
    await createCluster(clusterFolder, { seeds });
    await addNode(clusterFolder, "alice");
    const key = readFileSync(join(clusterFolder, "nodes", "alice", "node.key"), "utf8");
    await expect(addNode(clusterFolder, "alice")).rejects.toThrow(/there is a node of that name already/);
    expect(readFileSync(join(clusterFolder, "nodes", "alice", "node.key"), "utf8")).toBe(key);
    await expect(addNode(clusterFolder, "../alice")).rejects.toThrow(UsageError);
    await expect(addNode(folder, "bob")).rejects.toThrow(/ca\.crt: there is no such file/);
    rmSync(join(clusterFolder, "ca.key"));
    await expect(addNode(clusterFolder, "bob")).rejects.toThrow(/ca\.key: there is no such file/);
  });

  test("the key of another cluster is not taken for its own", async () => {
    const other = join(folder, "other");
    await createCluster(clusterFolder, { seeds });
    await createCluster(other, { seeds });
    cpSync(join(other, "ca.key"), join(clusterFolder, "ca.key"));
    expect(() => loadAuthority(clusterFolder)).toThrow(/ca\.key: it is not the key of .*ca\.crt/);
  });

  test("a node folder whose parts do not belong together is refused", async () => {
    const other = join(folder, "other");
    await createCluster(clusterFolder, { seeds });
    await createCluster(other, { seeds });
    const cases: [file: string, from: "same cluster" | "other cluster" | "nowhere", expected: RegExp][] = [
      ["ca.crt", "other cluster", /node\.crt: .*ca\.crt has not issued it/],
      ["node.crt", "same cluster", /node\.crt: it is not the certificate of/],
      ["node.token", "same cluster", /node\.token: missing or for another key/],
      ["node.token", "nowhere", /node\.token: missing or for another key/],
      ["node.crt", "nowhere", /node\.crt: there is no such file/],
      ["ca.crt", "nowhere", /ca\.crt: there is no such file/],
    ];
    const sources = {
      "same cluster": await addNode(clusterFolder, "bob"),
      "other cluster": await addNode(other, "bob"),
    };
    for (const [i, [file, from, expected]] of cases.entries()) {
      const node = await addNode(clusterFolder, `alice${i}`);
      if (from === "nowhere") rmSync(join(node, file));
      else cpSync(join(sources[from], file), join(node, file));
      expect(() => loadNodeFolder(node)).toThrow(UsageError);
      expect(() => loadNodeFolder(node)).toThrow(expected);
    }
  });
});
