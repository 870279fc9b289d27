import "reflect-metadata";
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, webcrypto } from "node:crypto";
import { connect as connectPlain, createServer, type Server, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { X509Certificate, X509CertificateGenerator } from "@peculiar/x509";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { Listener, silentSocket, transportContract, until } from "../../test/contracts/transport.contract.ts";
import { type Authority, ephemeralCluster } from "../node/cluster.ts";
import type { Identity } from "../node/identity.ts";
import {
  type Address,
  TcpTransport,
  TlsTransport,
  type TransportError,
  type TransportOptions,
} from "./index.ts";

let cluster: Authority;
let otherCluster: Authority;
let alice: Identity;
let bob: Identity;
let mallory: Identity;

beforeAll(async () => {
  cluster = await ephemeralCluster("cluster");
  otherCluster = await ephemeralCluster("cluster");
  alice = await cluster.issue("alice");
  bob = await cluster.issue("bob");
  mallory = await otherCluster.issue("alice");
});

const anyPort: Address = { host: "127.0.0.1", port: 0 };

/** Accepts and says nothing. */
async function makeMuteServer(): Promise<{ address: Address; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on("error", () => {})));
  const address = await listen(server);
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { address, close };
}

async function listen(server: Server): Promise<Address> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { host: "127.0.0.1", port: (server.address() as { port: number }).port };
}

/** What our authority would never issue. */
async function issueOddly({
  notAfter,
  algorithm,
}: {
  notAfter: Date;
  algorithm: { name: string; namedCurve?: string; hash?: string };
}) {
  const usages: webcrypto.KeyUsage[] = ["sign", "verify"];
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, usages)) as webcrypto.CryptoKeyPair;
  const caKey = cluster.privateKey.export({ type: "pkcs8", format: "der" });
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: "01",
      subject: "CN=odd",
      issuer: new X509Certificate(cluster.caPem).subjectName,
      notBefore: new Date(0),
      notAfter,
      signingAlgorithm: { name: "Ed25519" },
      publicKey: keys.publicKey,
      signingKey: await webcrypto.subtle.importKey("pkcs8", caKey, "Ed25519", false, ["sign"]),
    },
    webcrypto,
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const privateKey: KeyObject = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  return { privateKey, certificatePem: certificate.toString("pem") };
}

transportContract("tls", async (options = {}) => {
  const server = new TlsTransport({ identity: alice, caPem: cluster.caPem, options });
  const client = new TlsTransport({ identity: bob, caPem: cluster.caPem, options });
  const cleanups: (() => Promise<unknown>)[] = [];
  return {
    server,
    client,
    connectSilently: silentSocket,
    async hangingAddress() {
      const { address, close } = await makeMuteServer();
      cleanups.push(close);
      return address;
    },
    async close() {
      await Promise.all([server.close(), client.close(), ...cleanups.map((cleanup) => cleanup())]);
    },
  };
});

describe("tls", () => {
  const cleanups: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
  });

  function makeTransport(
    identity: Pick<Identity, "privateKey" | "certificatePem">,
    caPem: string,
    {
      options,
      onRefused,
    }: { options?: Partial<TransportOptions>; onRefused?: (error: TransportError) => void } = {},
  ): TlsTransport {
    const transport = new TlsTransport({
      identity,
      caPem,
      ...(options === undefined ? {} : { options }),
      ...(onRefused === undefined ? {} : { onRefused }),
    });
    cleanups.push(() => transport.close());
    return transport;
  }

  /** Alice listens and notes whom she accepts and whom she refuses. */
  async function aliceListens(options?: Partial<TransportOptions>) {
    const refused: TransportError[] = [];
    const accepted: Listener[] = [];
    const onRefused = (error: TransportError) => refused.push(error);
    const transport = makeTransport(
      alice,
      cluster.caPem,
      options === undefined ? { onRefused } : { options, onRefused },
    );
    const address = await transport.listen(anyPort, (connection) => accepted.push(new Listener(connection)));
    return { transport, address, refused, accepted };
  }

  /** A TLS client that is not ours; the result is what it reads until the end. */
  async function strangerReads(address: Address, options: ConnectionOptions): Promise<string> {
    let text = "";
    const socket = connectTls({ ...address, rejectUnauthorized: false, ...options });
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      text += error.code;
    });
    await new Promise((resolve) => socket.once("close", resolve));
    return text;
  }

  test("each end has the other's proven key", async () => {
    const { address, accepted } = await aliceListens();
    const near = await makeTransport(bob, cluster.caPem).dial(address, 5000);
    await until(() => accepted.length === 1, "the connection is accepted");
    expect(near.provenKey).toEqual(alice.publicKey);
    expect(accepted[0]?.connection.provenKey).toEqual(bob.publicKey);
  });

  test("nodes of two clusters of one name refuse each other, and both say why", async () => {
    const { transport, address, refused, accepted } = await aliceListens();
    const dial = makeTransport(mallory, otherCluster.caPem).dial(address, 5000);
    await expect(dial).rejects.toMatchObject({
      code: "wrong-cluster",
      message: `127.0.0.1:${address.port} belongs to another cluster: its certificate is not of this cluster`,
    });
    await until(() => refused.length === 1, "the server refuses too");
    expect(refused[0]).toMatchObject({
      code: "wrong-cluster",
      message: expect.stringMatching(/^refused 127\.0\.0\.1:\d+: its certificate is not of this cluster$/),
    });
    expect(transport.refusals["wrong-cluster"]).toBe(1);
    expect(accepted).toHaveLength(0);
    await until(() => transport.connectionCount === 0, "the stranger is gone");
  });

  test("a dialler that trusts the server but is not trusted learns it from onClose, and no byte of it is read", async () => {
    const { transport, address, refused, accepted } = await aliceListens();
    const near = new Listener(await makeTransport(mallory, cluster.caPem).dial(address, 5000));
    near.connection.write(Buffer.from("let me in"));
    await until(() => near.isClosed, "the refusal arrives");
    expect(near.closes).toHaveLength(1);
    expect(near.closes[0]).toMatchObject({
      code: "wrong-cluster",
      message: `127.0.0.1:${address.port} refused our certificate: it belongs to another cluster`,
    });
    expect(near.byteCount).toBe(0);
    expect(refused.map((error) => error.code)).toEqual(["wrong-cluster"]);
    expect(accepted).toHaveLength(0);
    await until(() => transport.connectionCount === 0, "the stranger is gone");
  });

  test("an expired certificate is called expired, on both ends", async () => {
    const { address, refused } = await aliceListens();
    const expired = await issueOddly({ notAfter: new Date(1e12), algorithm: { name: "Ed25519" } });
    const near = new Listener(await makeTransport(expired, cluster.caPem).dial(address, 5000));
    await until(() => near.isClosed, "the refusal arrives");
    expect(near.closes[0]).toMatchObject({
      code: "bad-certificate",
      message: expect.stringMatching(/refused our certificate: it is not valid \(expired/),
    });
    expect(refused[0]?.message).toMatch(/: its certificate has expired$/);
    const server = makeTransport(expired, cluster.caPem);
    const expiredAddress = await server.listen(anyPort, () => {});
    await expect(makeTransport(bob, cluster.caPem).dial(expiredAddress, 5000)).rejects.toMatchObject({
      code: "bad-certificate",
      message: `127.0.0.1:${expiredAddress.port} cannot be trusted: its certificate has expired`,
    });
  });

  test("a certificate of our authority for a key that is not Ed25519 is refused", async () => {
    const { address, refused } = await aliceListens();
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const odd = await issueOddly({ notAfter: new Date(Date.now() + 1e9), algorithm });
    const near = new Listener(await makeTransport(odd, cluster.caPem).dial(address, 5000));
    await until(() => near.isClosed, "the refusal arrives");
    expect(near.closes[0]?.code).toBe("bad-certificate");
    expect(refused[0]?.message).toMatch(/: the key of its certificate is not Ed25519$/);
  });

  test("a client without a certificate is told so, and a session of its does not get it in later", async () => {
    const { transport, address, refused, accepted } = await aliceListens();
    let session: Buffer | undefined;
    const first = connectTls({ ...address, rejectUnauthorized: false });
    first.on("session", (data) => {
      session = data;
    });
    first.on("error", () => {});
    let text = "";
    first.on("data", (chunk) => {
      text += chunk;
    });
    await new Promise((resolve) => first.once("close", resolve));
    expect(text).toBe("grapevine refused: you have no certificate of this cluster\n");
    expect(await strangerReads(address, session === undefined ? {} : { session })).toContain(
      "no certificate",
    );
    expect(refused.map((error) => error.message)).toEqual([
      expect.stringMatching(/: it has no certificate$/),
      expect.stringMatching(/: it has no certificate$/),
    ]);
    expect(transport.refusals["no-certificate"]).toBe(2);
    expect(accepted).toHaveLength(0);
  });

  test("TLS 1.2 is not spoken", async () => {
    const { transport, address, accepted } = await aliceListens();
    const text = await strangerReads(address, {
      maxVersion: "TLSv1.2",
      key: bob.privateKey.export({ type: "pkcs8", format: "pem" }),
      cert: bob.certificatePem!,
    });
    expect(text).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    expect(transport.refusals["handshake-failed"]).toBe(1);
    expect(accepted).toHaveLength(0);
  });

  test("an HTTP request at a TLS port is refused with that guess", async () => {
    const { transport, address, refused } = await aliceListens();
    const socket = connectPlain(address.port, address.host);
    socket.on("error", () => {});
    socket.resume();
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await new Promise((resolve) => socket.once("close", resolve));
    expect(refused.map((error) => error.message)).toEqual([
      expect.stringMatching(/^refused 127\.0\.0\.1:\d+: it does not speak TLS \(HTTP request\?\)$/),
    ]);
    expect(transport.refusals["not-tls"]).toBe(1);
    await until(() => transport.connectionCount === 0, "it is gone");
  });

  test("a plaintext node that dials a TLS port is told what is there", async () => {
    const { transport, address, refused } = await aliceListens();
    const plain = new TcpTransport();
    cleanups.push(() => plain.close());
    const near = new Listener(await plain.dial(address, 5000));
    near.connection.write(Uint8Array.of(0, 0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    await until(() => near.isClosed, "the answer arrives");
    expect(near.closes[0]).toMatchObject({
      code: "speaks-tls",
      message: `127.0.0.1:${address.port} speaks TLS, we are plaintext`,
    });
    expect(near.byteCount).toBe(0);
    expect(refused.map((error) => error.code)).toEqual(["not-tls"]);
    await until(() => transport.connectionCount === 0, "it is gone");
  });

  test("dialling a plaintext node says that it is one", async () => {
    const plain = new TcpTransport();
    cleanups.push(() => plain.close());
    const accepted: Listener[] = [];
    const address = await plain.listen(anyPort, (connection) => accepted.push(new Listener(connection)));
    await expect(makeTransport(bob, cluster.caPem).dial(address, 5000)).rejects.toMatchObject({
      code: "not-tls",
      message: `127.0.0.1:${address.port} does not speak TLS 1.3: is it plaintext?`,
    });
    await until(() => accepted[0]?.isClosed === true, "the plaintext side ends as well");
    expect(accepted[0]?.closes[0]?.code).toBe("speaks-tls");
  });

  test("dialling something that answers in another language says so", async () => {
    const server = createServer((socket) =>
      socket
        .on("error", () => {})
        .resume()
        .end("SSH-2.0-OpenSSH_9.2\r\n"),
    );
    const address = await listen(server);
    cleanups.push(() => new Promise((resolve) => server.close(resolve)));
    await expect(makeTransport(bob, cluster.caPem).dial(address, 5000)).rejects.toMatchObject({
      code: "not-tls",
    });
  });

  test("a connection that breaks off in its handshake is counted and forgotten", async () => {
    const { transport, address, refused } = await aliceListens();
    const socket = connectPlain(address.port, address.host);
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.destroy();
    await until(() => refused.length === 1, "it is noticed");
    expect(transport.refusals.reset).toBe(1);
    expect(transport.connectionCount).toBe(0);
  });

  test("a handshake that is fed one byte at a time ends on time", async () => {
    const { transport, address } = await aliceListens({ handshakeTimeoutMs: 300 });
    const socket = connectPlain(address.port, address.host);
    socket.on("error", () => {});
    const start = performance.now();
    const hello = Buffer.from("16030100c8010000c40303", "hex");
    let sent = 0;
    const drip = setInterval(() => socket.write(hello.subarray(sent, ++sent)), 40);
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
    clearInterval(drip);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(transport.refusals.timeout).toBe(1);
  });

  test("a certificate that is missing or another key's is named before anything is opened", async () => {
    const { certificatePem } = bob;
    const { privateKey } = generateKeyPairSync("ed25519");
    expect(() => makeTransport({ privateKey, certificatePem }, cluster.caPem)).toThrow(/^TLS: /);
    expect(() => makeTransport({ privateKey, certificatePem: undefined }, cluster.caPem)).toThrow(
      /no certificate/,
    );
    expect(() => makeTransport(bob, cluster.caPem, { options: { keyExchangeGroups: "nonsense" } })).toThrow(
      /^TLS: .*keyExchangeGroups/,
    );
  });

  test("garbage, broken handshakes and resets leave nothing behind", async () => {
    const { transport, address, accepted } = await aliceListens({ handshakeTimeoutMs: 500 });
    const plain = new TcpTransport({ options: { handshakeTimeoutMs: 500 } });
    cleanups.push(() => plain.close());
    const plainAddress = await plain.listen(anyPort, (connection) => new Listener(connection));
    const dialler = makeTransport(bob, cluster.caPem);
    const visits = Array.from({ length: 150 }, async (_, i) => {
      const { host, port } = i % 2 === 0 ? address : plainAddress;
      const socket = connectPlain(port, host).on("error", () => {});
      if (i % 3 > 0) socket.write(randomBytes(1 + ((i * 37) % 2000)));
      await new Promise((resolve) => setTimeout(resolve, i % 20));
      if (i % 5 === 0) socket.resetAndDestroy();
      else if (i % 5 === 1) socket.end();
      else socket.destroy();
      if (i % 10 > 0) return;
      const near = await dialler.dial(address, 5000);
      if (i % 20 === 0) near.destroy();
      else near.close();
    });
    await Promise.all(visits);
    await until(() => transport.connectionCount === 0, "TLS has nothing left");
    await until(() => plain.connectionCount === 0, "TCP has nothing left");
    expect(accepted.length).toBeLessThanOrEqual(15);
    expect(accepted.every((listener) => listener.closes.length === 1)).toBe(true);
  });

  test("200 handshakes at once all succeed", async () => {
    const { transport, address, accepted } = await aliceListens();
    const dialler = makeTransport(bob, cluster.caPem);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 200 }, () => dialler.dial(address, 20_000)),
    );
    expect(outcomes.every((outcome) => outcome.status === "fulfilled")).toBe(true);
    await until(() => accepted.length === 200, "all are accepted");
    expect(Object.values(transport.refusals).every((count) => count === 0)).toBe(true);
  });
});
