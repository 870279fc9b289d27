import { frameKind, readFrame, writeFrame } from "./frame.ts";
import { isHost, isPort } from "./host.ts";
import { type Kind, kind } from "./kinds.ts";
import { MalformedFrame } from "./malformed-frame.ts";
import { bytesBetween, choice, fixedBytes, label, type Shape, uint32 } from "./shapes.ts";

/** The version of the wire format that this code speaks. */
export const wireVersion = 1;

/** The first frame in each direction of a link on which TLS does not prove the key: who I say I am. */
export interface Hello {
  readonly type: "hello";
  readonly version: number;
  readonly cluster: string;
  /** Where the sender listens. */
  readonly host: string;
  readonly port: number;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The cluster's token for this key: 64 bytes, or none where the cluster is open. */
  readonly token: Uint8Array;
  /** 16 to 32 fresh random bytes, for the other side to sign. */
  readonly challenge: Uint8Array;
  readonly role: "seed" | "peer";
  /** For people. */
  readonly name: string;
  /** Of the protocols that run over the link; "" is classic, which was there before this field. */
  readonly profile: string;
}

/** The second frame in each direction: the proof of it. */
export interface HelloProof {
  readonly type: "hello-proof";
  /** Ed25519, 64 bytes, over `encodeHelloStatement`. */
  readonly signature: Uint8Array;
}

/** No Hello is longer: what a link needs to buffer before it knows who is there. */
export const maxHelloBytes = 1024;

const host: Shape<string> = {
  read: (value) => checkHost(value as string),
  write: checkHost,
  maxFields: 1,
};

function checkHost(host: string): string {
  if (!isHost(host)) throw new MalformedFrame("bad-contact", "host");
  return host;
}

const port: Shape<number> = {
  read: (value) => checkPort(value as number),
  write: checkPort,
  maxFields: 1,
};

function checkPort(port: number): number {
  if (!isPort(port)) throw new MalformedFrame("bad-contact", `port ${port}`);
  return port;
}

export const helloKind: Kind<Hello> = kind<Hello>("hello", "Hello", {
  version: uint32,
  cluster: label(64),
  host,
  port,
  publicKey: fixedBytes(32),
  token: fixedBytes(0, 64),
  challenge: bytesBetween(16, 32),
  role: choice<Hello["role"]>({ seed: 1, peer: 2 }),
  name: label(64),
  profile: label(16),
});

export const helloProofKind: Kind<HelloProof> = kind<HelloProof>("hello-proof", "HelloProof", {
  signature: fixedBytes(64),
});

/** What `frameKind` says of a Hello and of a HelloProof. */
export const helloCode = helloKind.code;
export const helloProofCode = helloProofKind.code;

/** The complete frame. Throws `UsageError` for what the other side would have to refuse. */
export function encodeHello(hello: Hello): Uint8Array {
  return writeFrame(helloKind, hello, maxHelloBytes);
}

export function encodeHelloProof(proof: HelloProof): Uint8Array {
  return writeFrame(helloProofKind, proof, maxHelloBytes);
}

/** Throws `MalformedFrame` only. Whether version, cluster and token suit is the caller's question. */
export function decodeHello(frameBody: Uint8Array): Hello {
  return readExpected(helloKind, frameBody);
}

/** Throws `MalformedFrame` only. */
export function decodeHelloProof(frameBody: Uint8Array): HelloProof {
  return readExpected(helloProofKind, frameBody);
}

function readExpected<Message>(kind: Kind<Message>, frameBody: Uint8Array): Message {
  const code = frameKind(frameBody);
  if (code !== kind.code) throw new MalformedFrame("unexpected-kind", String(code));
  if (frameBody.length > maxHelloBytes) throw new MalformedFrame("too-long", `frame of ${frameBody.length}`);
  return readFrame(kind, frameBody);
}
