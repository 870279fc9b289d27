/**
 * The datagram sessions of one node: keys, counters and the window against replays, in rows of three flat arrays. A
 * session costs 130 bytes so, beside 400 as an object with two buffers; a node in a large lookup network has hundreds.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { identityOf, type NodeId } from "../core/index.ts";
import { sealBytes, sealedHeaderBytes, writeSealedHeader } from "../wire/index.ts";
import { shared } from "./shared-texts.ts";

/**
 * `dialling`: a hello is out. `half-open`: we answered a hello, and have heard nothing within the session. `live`. `old`:
 * another session with the same node has taken its place; what is on its way still arrives.
 */
export type SessionState = "free" | "dialling" | "half-open" | "live" | "old";

/** Bytes of a session's secret: the key for each direction. */
export const sessionSecretBytes = 32;
const directionKeyBytes = 16;
const algorithm = "aes-128-gcm"; // 2.8 + 2.4 microseconds for 100 bytes; ChaCha20-Poly1305 3.1 + 2.7, and 9 for 1100
const sealOptions = { authTagLength: sealBytes };

/** How far behind the highest counter a datagram may come: so many places have a bit that says whether it came. */
export const replayWindow = 64;

// Places in a row of numbers.
const ownNumber = 0; // by which the other side addresses us: the row in its lower 16 bits, chance above
const peerNumber = 1;
const windowLow = 2; // bit i: counter `highest - i` came
const windowHigh = 3;
const port = 4;
const ours = 5; // 1: we sent the hello, and seal with the first of the two keys
const wordsPerRow = 6;

const sent = 0; // datagrams sealed so far; the next has this counter + 1
const highest = 1; // counter among those that came; 0: none
const openedAt = 2;
const usedAt = 3; // last sent or heard
const waitingSince = 4; // of the first datagram since the other side was last heard; 0: none
const paidUntil = 5; // see `SourceRates`
const sentBefore = 6; // datagrams sealed when the other side was last heard
const doublesPerRow = 7;

export const maxSessionRows = 65_536;

export class DatagramSessions {
  readonly #states: SessionState[] = [];
  readonly #contacts: NodeId[] = [];
  readonly #hosts: string[] = [];
  #words = new Uint32Array(0);
  #doubles = new Float64Array(0);
  #secrets = new Uint8Array(0);
  readonly #free: number[] = [];
  readonly #live = new Map<string, number>();

  /** Sessions that are live. */
  get liveCount(): number {
    return this.#live.size;
  }
  /** Rows in use. */
  get count(): number {
    return this.#states.length - this.#free.length;
  }

  /** The live session with this node. */
  rowOf(identity: string): number | undefined {
    return this.#live.get(identity);
  }
  /** Undefined for numbers that we have not given out, or no longer. */
  rowWithNumber(number: number): number | undefined {
    const row = number & 0xffff;
    return row < this.#states.length && number !== 0 && this.#words[row * wordsPerRow + ownNumber] === number
      ? row
      : undefined;
  }
  /** The session in which we send to that place under that number: for notes that name nothing else. */
  rowTowards(host: string, portNumber: number, number: number): number | undefined {
    for (let row = 0; row < this.#states.length; row++) {
      if (this.#words[row * wordsPerRow + peerNumber] === number && this.isAt(row, host, portNumber))
        return row;
    }
    return undefined;
  }
  /** A live session with whoever is at that address. */
  rowAt(host: string, portNumber: number): number | undefined {
    for (let row = 0; row < this.#states.length; row++)
      if (this.#states[row] === "live" && this.isAt(row, host, portNumber)) return row;
    return undefined;
  }
  /** In the order of rows. */
  *rows(): Iterable<number> {
    for (let row = 0; row < this.#states.length; row++) if (this.#states[row] !== "free") yield row;
  }

  stateOf(row: number): SessionState {
    return this.#states[row]!;
  }
  contactOf(row: number): NodeId {
    return this.#contacts[row]!;
  }
  identityOf(row: number): string {
    return identityOf(this.#contacts[row]!) as string;
  }
  hostOf(row: number): string {
    return this.#hosts[row]!;
  }
  portOf(row: number): number {
    return this.#words[row * wordsPerRow + port]!;
  }
  numberOf(row: number): number {
    return this.#words[row * wordsPerRow + ownNumber]!;
  }
  isAt(row: number, host: string, portNumber: number): boolean {
    return this.#words[row * wordsPerRow + port] === portNumber && this.#hosts[row] === host;
  }
  openedAt(row: number): number {
    return this.#doubles[row * doublesPerRow + openedAt]!;
  }
  usedAt(row: number): number {
    return this.#doubles[row * doublesPerRow + usedAt]!;
  }
  sentCount(row: number): number {
    return this.#doubles[row * doublesPerRow + sent]!;
  }
  /** Since when datagrams go unanswered; 0: the last word was theirs. */
  waitingSince(row: number): number {
    return this.#doubles[row * doublesPerRow + waitingSince]!;
  }

  unansweredCount(row: number): number {
    const at = row * doublesPerRow;
    return this.#doubles[at + sent]! - this.#doubles[at + sentBefore]!;
  }

  /** A row for a session that is to be. `chance` are 16 random bits. */
  add(state: SessionState, chance: number, now: number): number {
    let row = this.#free.pop();
    if (row === undefined) {
      row = this.#states.length;
      if (row >= maxSessionRows) throw new RangeError("no session row left");
      this.#grow(row + 1);
    }
    const words = row * wordsPerRow;
    this.#words.fill(0, words, words + wordsPerRow);
    this.#words[words + ownNumber] = ((chance & 0xffff) << 16) | row || 0x10000;
    const doubles = row * doublesPerRow;
    this.#doubles.fill(0, doubles, doubles + doublesPerRow);
    this.#doubles[doubles + openedAt] = now;
    this.#doubles[doubles + usedAt] = now;
    this.#states[row] = state;
    this.#contacts[row] = "";
    this.#hosts[row] = "";
    return row;
  }

  #grow(rows: number): void {
    this.#states.push("free");
    if (rows * doublesPerRow <= this.#doubles.length) return;
    const capacity = Math.max(8, Math.ceil(rows * 1.25));
    const [words, doubles, secrets] = [this.#words, this.#doubles, this.#secrets];
    this.#words = new Uint32Array(capacity * wordsPerRow);
    this.#words.set(words);
    this.#doubles = new Float64Array(capacity * doublesPerRow);
    this.#doubles.set(doubles);
    this.#secrets = new Uint8Array(capacity * sessionSecretBytes);
    this.#secrets.set(secrets);
  }

  /** The two sides have agreed. */
  agree(
    row: number,
    {
      secret,
      isOurs,
      number,
      contact,
      host,
      portNumber,
    }: {
      readonly secret: Uint8Array;
      readonly isOurs: boolean;
      readonly number: number;
      readonly contact: NodeId;
      readonly host: string;
      readonly portNumber: number;
    },
  ): void {
    this.#secrets.set(secret, row * sessionSecretBytes);
    this.#words[row * wordsPerRow + ours] = Number(isOurs);
    this.#words[row * wordsPerRow + peerNumber] = number;
    this.#contacts[row] = shared(contact as string);
    this.moveTo(row, host, portNumber);
  }

  /** The other end is proven at this address. */
  moveTo(row: number, host: string, portNumber: number): void {
    this.#hosts[row] = shared(host);
    this.#words[row * wordsPerRow + port] = portNumber;
  }

  renameTo(row: number, contact: NodeId): void {
    this.#contacts[row] = shared(contact as string);
  }

  /** The other end is proven. Returns the row of the session whose place it takes. */
  open(row: number, now: number): number | undefined {
    const identity = shared(this.identityOf(row));
    const old = this.#live.get(identity);
    if (old !== undefined) this.#states[old] = "old";
    this.#states[row] = "live";
    this.#doubles[row * doublesPerRow + usedAt] = now;
    this.#live.set(identity, row);
    return old;
  }

  remove(row: number): void {
    const identity = this.identityOf(row);
    if (this.#live.get(identity) === row) this.#live.delete(identity);
    this.#states[row] = "free";
    this.#words[row * wordsPerRow + ownNumber] = 0;
    this.#words[row * wordsPerRow + peerNumber] = 0;
    this.#secrets.fill(0, row * sessionSecretBytes, (row + 1) * sessionSecretBytes);
    this.#contacts[row] = "";
    this.#hosts[row] = "";
    this.#free.push(row);
  }

  /** Of those in this state the one that has been used least lately. */
  oldest(state: SessionState): number | undefined {
    let oldest: number | undefined;
    for (let row = 0; row < this.#states.length; row++) {
      if (this.#states[row] === state && (oldest === undefined || this.usedAt(row) < this.usedAt(oldest)))
        oldest = row;
    }
    return oldest;
  }

  // ---- Sealing ----

  /** The whole datagram. */
  seal(row: number, code: number, plain: Uint8Array, now: number): Uint8Array {
    const at = row * doublesPerRow;
    const counter = ++this.#doubles[at + sent]!;
    this.#doubles[at + usedAt] = now;
    if (this.#doubles[at + waitingSince] === 0) this.#doubles[at + waitingSince] = now;
    const bytes = Buffer.allocUnsafe(sealedHeaderBytes + plain.length + sealBytes);
    writeSealedHeader(bytes, code, this.#words[row * wordsPerRow + peerNumber]!, counter);
    const cipher = createCipheriv(
      algorithm,
      this.#key(row, this.#isOurs(row)),
      initialVector(bytes),
      sealOptions,
    );
    cipher.setAAD(bytes.subarray(0, sealedHeaderBytes));
    bytes.set(cipher.update(plain), sealedHeaderBytes);
    cipher.final();
    bytes.set(cipher.getAuthTag(), sealedHeaderBytes + plain.length);
    return bytes;
  }

  /** What was sealed; undefined for a datagram that the other side did not seal. Whether it is new, `accept` says. */
  unseal(row: number, bytes: Uint8Array): Uint8Array | undefined {
    const end = bytes.length - sealBytes;
    const decipher = createDecipheriv(
      algorithm,
      this.#key(row, !this.#isOurs(row)),
      initialVector(bytes),
      sealOptions,
    );
    decipher.setAuthTag(bytes.subarray(end));
    decipher.setAAD(bytes.subarray(0, sealedHeaderBytes));
    const plain = decipher.update(bytes.subarray(sealedHeaderBytes, end));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return plain;
  }

  #isOurs(row: number): boolean {
    return this.#words[row * wordsPerRow + ours] === 1;
  }

  /** `isFirst`: of the two keys, the one that the sender of the hello seals with. */
  #key(row: number, isFirst: boolean): Uint8Array {
    const start = row * sessionSecretBytes + (isFirst ? 0 : directionKeyBytes);
    return this.#secrets.subarray(start, start + directionKeyBytes);
  }

  /** False: this counter came already, or so long ago that nobody knows. Asked before unsealing, as it costs nothing. */
  isNew(row: number, counter: number): boolean {
    const behind = this.#doubles[row * doublesPerRow + highest]! - counter;
    if (behind < 0) return true;
    if (counter === 0 || behind >= replayWindow) return false;
    const word = this.#words[row * wordsPerRow + (behind < 32 ? windowLow : windowHigh)]!;
    return ((word >>> (behind & 31)) & 1) === 0;
  }

  /** The datagram with this counter came, unsealed well. Returns whether it is the newest. */
  accept(row: number, counter: number, now: number): boolean {
    const doubles = row * doublesPerRow;
    const words = row * wordsPerRow;
    this.#doubles[doubles + usedAt] = now;
    this.#doubles[doubles + waitingSince] = 0;
    this.#doubles[doubles + sentBefore] = this.#doubles[doubles + sent]!;
    const ahead = counter - this.#doubles[doubles + highest]!;
    if (ahead <= 0) {
      const behind = -ahead;
      const word = words + (behind < 32 ? windowLow : windowHigh);
      this.#words[word] = this.#words[word]! | (1 << (behind & 31));
      return false;
    }
    const low = this.#words[words + windowLow]!;
    const high = this.#words[words + windowHigh]!;
    if (ahead >= 64) this.#words[words + windowHigh] = 0;
    else if (ahead >= 32) this.#words[words + windowHigh] = low << (ahead - 32);
    else this.#words[words + windowHigh] = (high << ahead) | (low >>> (32 - ahead));
    this.#words[words + windowLow] = ahead >= 32 ? 1 : (low << ahead) | 1;
    this.#doubles[doubles + highest] = counter;
    return true;
  }

  /** Pays for one datagram of a session; false if it sends faster than `perSecond`, with a second's worth at once. */
  admits(row: number, perSecond: number, now: number): boolean {
    const at = row * doublesPerRow + paidUntil;
    const paid = Math.max(this.#doubles[at]!, now - 1000);
    if (paid > now) return false;
    this.#doubles[at] = paid + 1000 / perSecond;
    return true;
  }
}

const vector = new Uint8Array(12);

/** The counter, which no other datagram under this key has. The cipher copies it before anybody asks again. */
function initialVector(header: Uint8Array): Uint8Array {
  for (let i = 0; i < 6; i++) vector[6 + i] = header[5 + i]!;
  return vector;
}

// ---- The end of the handshake -------------------------------------------------------------------------------------

const noBytes = new Uint8Array(0);

/** What shows that the sender of a welcome has the keys of the session: counter 0, which no datagram has. */
export function sealGreeting(secret: Uint8Array, greeting: Uint8Array): Uint8Array {
  const key = secret.subarray(directionKeyBytes);
  const cipher = createCipheriv(algorithm, key, vector.fill(0), sealOptions);
  cipher.setAAD(greeting);
  cipher.update(noBytes);
  cipher.final();
  return cipher.getAuthTag();
}
