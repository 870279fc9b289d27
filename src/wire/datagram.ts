/**
 * The bytes of datagrams between nodes: fixed layouts, all numbers big-endian. docs/wire.md has them as tables.
 *
 *     hello -> welcome           a session; challenge -> hello where the address has to be proven first
 *     sealed, control            within a session, sealed with its keys
 *     unknown                    "I have no such session"
 *
 * Hello and welcome are equally long: whoever sends a hello in another's name makes that one receive no more than was
 * spent. All other answers are shorter than what they answer.
 */
import { isHost, isPort } from "./host.ts";
import { MalformedFrame } from "./malformed-frame.ts";

export const datagramVersion = 1;

/** The first byte of every datagram. */
export const datagramCodes = {
  hello: 1,
  welcome: 2,
  challenge: 3,
  sealed: 4,
  control: 5,
  unknown: 6,
} as const;

export const nonceBytes = 16;
export const cookieBytes = 16;
export const sealBytes = 16;
export const clusterTagBytes = 8;
const keyBytes = 32;
const tokenBytes = 64;
const signatureBytes = 64;

// ---- Hello and welcome --------------------------------------------------------------------------------------------

/** Who I am, and by which key and number of a session I want to be talked to. */
export interface Greeting {
  readonly type: "hello" | "welcome";
  /** The session of the hello that a welcome answers; 0 in a hello. */
  readonly answers: number;
  /** How the other side is to address its datagrams; never 0. */
  readonly session: number;
  /** The first 8 bytes of SHA-256 of the cluster's name. */
  readonly cluster: Uint8Array;
  /** Fresh: no two sessions have the same keys. */
  readonly nonce: Uint8Array;
  /** Ed25519: its hash is the sender's id. */
  readonly publicKey: Uint8Array;
  /** The cluster's token for this key: 64 bytes, or none where the cluster is open. */
  readonly token: Uint8Array;
  /** X25519, for as long as `sessionKeyLifetimeMs`. */
  readonly sessionKey: Uint8Array;
  readonly sessionKeyMadeAt: number;
  /** By `publicKey`, over `encodeSessionKeyStatement`. */
  readonly signature: Uint8Array;
  /** Where the sender wants to be named by others, as "host:port"; empty: where its datagrams come from. */
  readonly advertised: string;
  /** Hello: the cookie of a challenge, or zeros. Welcome: the seal that proves that the sender has the session's key. */
  readonly proof: Uint8Array;
}

const answersAt = 2;
const sessionAt = 6;
const clusterAt = 10;
const nonceAt = clusterAt + clusterTagBytes;
const publicKeyAt = nonceAt + nonceBytes;
const tokenAt = publicKeyAt + keyBytes;
const sessionKeyAt = tokenAt + tokenBytes;
const madeAtAt = sessionKeyAt + keyBytes;
const signatureAt = madeAtAt + 6;
const advertisedAt = signatureAt + signatureBytes;

/** Of a hello and of a welcome. */
export const greetingBytes = 512;
/** The part of a greeting before its proof: what both sides derive the keys of the session from. */
export const greetingProofAt = greetingBytes - cookieBytes;
const maxAdvertisedBytes = greetingProofAt - advertisedAt - 2;

/** Throws `MalformedFrame` for what the other side would have to refuse. */
export function encodeGreeting(greeting: Greeting): Uint8Array {
  const bytes = new Uint8Array(greetingBytes);
  const view = new DataView(bytes.buffer);
  bytes[0] = datagramCodes[greeting.type];
  bytes[1] = datagramVersion;
  view.setUint32(answersAt, greeting.answers);
  view.setUint32(sessionAt, greeting.session);
  bytes.set(greeting.cluster, clusterAt);
  bytes.set(greeting.nonce, nonceAt);
  bytes.set(greeting.publicKey, publicKeyAt);
  bytes.set(greeting.token, tokenAt);
  bytes.set(greeting.sessionKey, sessionKeyAt);
  writeUint48(bytes, madeAtAt, greeting.sessionKeyMadeAt);
  bytes.set(greeting.signature, signatureAt);
  const advertised = new TextEncoder().encode(checkAdvertised(greeting.advertised));
  if (advertised.length > maxAdvertisedBytes)
    throw new MalformedFrame("too-long", `address of ${advertised.length} bytes`);
  view.setUint16(advertisedAt, advertised.length);
  bytes.set(advertised, advertisedAt + 2);
  bytes.set(greeting.proof, greetingProofAt);
  return bytes;
}

/** Keeps nothing of `bytes`. Throws `MalformedFrame` only. */
export function decodeGreeting(bytes: Uint8Array): Greeting {
  if (bytes.length !== greetingBytes) throw new MalformedFrame("bad-length", `greeting of ${bytes.length}`);
  const isHello = bytes[0] === datagramCodes.hello;
  if (!isHello && bytes[0] !== datagramCodes.welcome)
    throw new MalformedFrame("unexpected-kind", String(bytes[0]));
  if (bytes[1] !== datagramVersion) throw new MalformedFrame("bad-choice", `version ${bytes[1]}`);
  const answers = readUint32(bytes, answersAt);
  const session = readUint32(bytes, sessionAt);
  if (session === 0 || isHello !== (answers === 0)) throw new MalformedFrame("bad-number", "session");
  const advertisedBytes = bytes[advertisedAt]! * 256 + bytes[advertisedAt + 1]!;
  const end = advertisedAt + 2 + advertisedBytes;
  if (end > greetingProofAt) throw new MalformedFrame("too-long", `address of ${advertisedBytes} bytes`);
  if (!isZero(bytes, end, greetingProofAt)) throw new MalformedFrame("bad-encoding", "no zeros at the end");
  const hasToken = !isZero(bytes, tokenAt, sessionKeyAt);
  return {
    type: isHello ? "hello" : "welcome",
    answers,
    session,
    cluster: bytes.slice(clusterAt, nonceAt),
    nonce: bytes.slice(nonceAt, publicKeyAt),
    publicKey: bytes.slice(publicKeyAt, tokenAt),
    token: hasToken ? bytes.slice(tokenAt, sessionKeyAt) : new Uint8Array(0),
    sessionKey: bytes.slice(sessionKeyAt, madeAtAt),
    sessionKeyMadeAt: readUint48(bytes, madeAtAt),
    signature: bytes.slice(signatureAt, advertisedAt),
    advertised: checkAdvertised(String.fromCharCode(...bytes.subarray(advertisedAt + 2, end))),
    proof: bytes.slice(greetingProofAt),
  };
}

function checkAdvertised(address: string): string {
  if (address === "") return address;
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon);
  const isBracketed = host.startsWith("[") && host.endsWith("]");
  const isFit =
    isHost(isBracketed ? host.slice(1, -1) : host) &&
    isBracketed === host.includes(":") &&
    /^[1-9]\d{0,4}$/.test(address.slice(colon + 1)) &&
    isPort(Number(address.slice(colon + 1)));
  if (!isFit) throw new MalformedFrame("bad-contact", "advertised address");
  return address;
}

const sessionKeyText = new TextEncoder().encode("grapevine datagram-key 1\n");

/** What an identity signs: that sessions of this cluster which are agreed upon with this key are its own. */
export function encodeSessionKeyStatement({
  cluster,
  sessionKey,
  sessionKeyMadeAt,
}: Pick<Greeting, "cluster" | "sessionKey" | "sessionKeyMadeAt">): Uint8Array {
  const start = sessionKeyText.length;
  const bytes = new Uint8Array(start + clusterTagBytes + 6 + keyBytes);
  bytes.set(sessionKeyText);
  bytes.set(cluster, start);
  writeUint48(bytes, start + clusterTagBytes, sessionKeyMadeAt);
  bytes.set(sessionKey, start + clusterTagBytes + 6);
  return bytes;
}

// ---- Challenge ----------------------------------------------------------------------------------------------------

/** "Say that again with this cookie": only who receives at the address from which the hello came can. */
export interface Challenge {
  /** Those of the hello: whoever did not see it cannot answer in our name. */
  readonly answers: number;
  readonly nonce: Uint8Array;
  readonly cookie: Uint8Array;
}

export const challengeBytes = 5 + nonceBytes + cookieBytes;

export function encodeChallenge({ answers, nonce, cookie }: Challenge): Uint8Array {
  const bytes = new Uint8Array(challengeBytes);
  bytes[0] = datagramCodes.challenge;
  writeUint32(bytes, 1, answers);
  bytes.set(nonce, 5);
  bytes.set(cookie, 5 + nonceBytes);
  return bytes;
}

/** Throws `MalformedFrame` only. */
export function decodeChallenge(bytes: Uint8Array): Challenge {
  if (bytes.length !== challengeBytes || bytes[0] !== datagramCodes.challenge)
    throw new MalformedFrame("bad-length", `challenge of ${bytes.length}`);
  return {
    answers: readUint32(bytes, 1),
    nonce: bytes.slice(5, 5 + nonceBytes),
    cookie: bytes.slice(5 + nonceBytes),
  };
}

// ---- Within a session ---------------------------------------------------------------------------------------------

/** Before what is sealed, and protected by the seal: code, session, counter. */
export const sealedHeaderBytes = 11;
/** Nothing shorter makes sense: one frame without content, or a control. No answer to it is longer. */
export const minSealedBytes = sealedHeaderBytes + 5 + sealBytes;
/** Counters have 48 bits; a session ends long before. */
export const maxCounter = 2 ** 48 - 1;

/** `session` is the receiver's number, and `counter` different in every datagram of a session and direction. */
export function writeSealedHeader(bytes: Uint8Array, code: number, session: number, counter: number): void {
  bytes[0] = code;
  writeUint32(bytes, 1, session);
  writeUint48(bytes, 5, counter);
}

export function sessionOfSealed(bytes: Uint8Array): number {
  return readUint32(bytes, 1);
}

export function counterOfSealed(bytes: Uint8Array): number {
  return readUint48(bytes, 5);
}

/**
 * Hands out the bodies of the frames that were sealed together; they are those of a link, with their lengths in front.
 * Throws `MalformedFrame` where a length does not fit, after the frames before it.
 */
export function forEachFrame(plain: Uint8Array, onBody: (body: Uint8Array) => void): void {
  let at = 0;
  while (at < plain.length) {
    if (at + 4 > plain.length) throw new MalformedFrame("bad-encoding", "cut off");
    const length = readUint32(plain, at);
    if (length === 0) throw new MalformedFrame("empty");
    if (length > plain.length - at - 4) throw new MalformedFrame("too-long", `frame of ${length} bytes`);
    at += 4;
    onBody(plain.subarray(at, at + length));
    at += length;
  }
}

/**
 * What the two ends tell each other about their session. `check` asks who receives at a new address to say the same
 * number back; `ready` ends the handshake where there is nothing else to say; `bye` ends the session.
 */
export interface Control {
  readonly type: "check" | "checked" | "ready" | "bye";
  /** 4 bytes; zeros where none is needed. */
  readonly number: Uint8Array;
}

const controlTypes = ["check", "checked", "ready", "bye"] as const;
export const controlBytes = 5;

export function encodeControl({ type, number }: Control): Uint8Array {
  const bytes = new Uint8Array(controlBytes);
  bytes[0] = controlTypes.indexOf(type) + 1;
  bytes.set(number, 1);
  return bytes;
}

/** Throws `MalformedFrame` only. */
export function decodeControl(plain: Uint8Array): Control {
  const type = controlTypes[plain[0]! - 1];
  if (plain.length !== controlBytes) throw new MalformedFrame("bad-length", `control of ${plain.length}`);
  if (type === undefined) throw new MalformedFrame("bad-choice", `control ${plain[0]}`);
  return { type, number: plain.slice(1) };
}

// ---- Unknown session ----------------------------------------------------------------------------------------------

/** A header without anything sealed: that of the datagram which it answers, under another code. */
export function encodeUnknown(sealed: Uint8Array): Uint8Array {
  const bytes = sealed.slice(0, sealedHeaderBytes);
  bytes[0] = datagramCodes.unknown;
  return bytes;
}

// ---- Numbers ------------------------------------------------------------------------------------------------------

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function readUint48(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) * 65_536 + bytes[at + 4]! * 256 + bytes[at + 5]!;
}

function writeUint48(bytes: Uint8Array, at: number, value: number): void {
  writeUint32(bytes, at, Math.floor(value / 65_536));
  bytes[at + 4] = value >>> 8;
  bytes[at + 5] = value;
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false;
  return true;
}
