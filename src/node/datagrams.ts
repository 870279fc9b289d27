/**
 * Datagrams between nodes that have proven who they are. One session for each pair of nodes, however many protocols use
 * it; what is said to one node in one turn of the event loop goes into as few datagrams as hold it.
 *
 *     A -> hello -> B -> welcome -> A        one round trip, then every datagram is sealed
 *     B -> challenge -> A -> hello           before it, where too many hellos come from addresses that prove nothing
 *
 * `from` is who was proven, never what a message says. Nothing that a datagram makes us send is longer than itself
 * before its source is proven, so that nobody can be flooded through us. Whatever else comes is counted and dropped.
 *
 * The layouts are in wire/datagram.ts, the agreement upon keys in session-key.ts.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import {
  addressOf,
  defineOptions,
  formatContact,
  hostOf,
  identityOf,
  type NodeId,
  portOf,
  type Tagged,
  UsageError,
} from "../core/index.ts";
import {
  type Address,
  type DatagramSocket,
  TransportError,
  type TransportErrorCode,
  UdpSocket,
} from "../transport/index.ts";
import {
  type Codec,
  cookieBytes,
  counterOfSealed,
  datagramCodes,
  decodeChallenge,
  decodeControl,
  decodeGreeting,
  encodeChallenge,
  encodeControl,
  encodeGreeting,
  encodeUnknown,
  forEachFrame,
  type Greeting,
  greetingBytes,
  greetingProofAt,
  MalformedFrame,
  minSealedBytes,
  nonceBytes,
  sealBytes,
  sealedHeaderBytes,
  sessionOfSealed,
} from "../wire/index.ts";
import { cacheKey } from "./bounded-cache.ts";
import { DatagramSessions, sealGreeting } from "./datagram-sessions.ts";
import { type Identity, idOfKey } from "./identity.ts";
import { LayerTraffic } from "./layer-traffic.ts";
import { clusterTag, isSessionKeyOf, SessionKey } from "./session-key.ts";
import { SourceRates, sourceOf } from "./source-rates.ts";
import { systemRandom } from "./system-random.ts";
import { flushAtEndOfTurn } from "./turn.ts";

export interface DatagramOptions {
  readonly maxDatagramBytes: number;
  readonly greetingTimeoutMs: number;
  readonly greetingRetryMs: number;
  readonly sessionIdleMs: number;
  readonly sessionSilentMs: number;
  readonly sessionKeyLifetimeMs: number;
  readonly maxSessions: number;
  readonly maxGreetings: number;
  readonly maxDatagramsPerSecond: number;
  readonly maxHellosPerSecond: number;
  readonly maxUnprovenHellosPerSecond: number;
}

export const datagramOptions = defineOptions<DatagramOptions>({
  maxDatagramBytes: {
    default: 1200,
    min: greetingBytes,
    max: 65_000,
    description:
      "No datagram is longer; longer messages need a link (RFC 9000, section 14: what every path carries whole)",
  },
  greetingTimeoutMs: {
    default: 2000,
    min: 10,
    max: 120_000,
    description: "How long a node may take to answer a hello before its messages are given up (guess)",
  },
  greetingRetryMs: {
    default: 250,
    min: 5,
    max: 60_000,
    description: "A hello without an answer is repeated after so long, then after twice as long (guess)",
  },
  sessionIdleMs: {
    default: 900_000,
    min: 100,
    max: 86_400_000,
    description:
      "A session that nobody used for so long is forgotten (what a Kademlia contact counts as good)",
  },
  sessionSilentMs: {
    default: 2000,
    min: 10,
    max: 600_000,
    description:
      "A node that has not said a word for so long after ours is greeted anew, for it may have moved (guess)",
  },
  sessionKeyLifetimeMs: {
    default: 3_600_000,
    min: 1000,
    max: 86_400_000,
    description:
      "After so long the key in memory is replaced, and sessions are made anew (guess: an hour's secrets)",
  },
  maxSessions: {
    default: 2048,
    min: 4,
    max: 32_768,
    description:
      "Sessions that are kept; the least used goes (guess: ten times a Kademlia table; 0.3 KiB each)",
  },
  maxGreetings: {
    default: 1024,
    min: 1,
    max: 8192,
    description: "Hellos that wait for an answer; messages to further nodes are dropped (guess)",
  },
  maxDatagramsPerSecond: {
    default: 10_000,
    min: 1,
    max: 10_000_000,
    description:
      "From one session, or from one address that has none; more are dropped (guess: a tenth of a core)",
  },
  maxHellosPerSecond: {
    default: 500,
    min: 1,
    max: 1_000_000,
    description: "From one address; more are dropped (guess: a tenth of a core)",
  },
  maxUnprovenHellosPerSecond: {
    default: 100,
    min: 0,
    max: 1_000_000,
    description:
      "From all addresses together; beyond it each has to prove first that it receives what is sent there (guess)",
  },
});

export interface DatagramEvent {
  readonly type: "session-open" | "session-closed" | "greeting-failed" | "message-unsendable";
  readonly remote: string;
  readonly reason: string;
  readonly detail?: string;
}

export interface DatagramsConfig {
  readonly codec: Codec;
  readonly identity: Identity;
  /** Nodes of another cluster name are refused. */
  readonly cluster: string;
  /** Does this key belong to the cluster, by this token? Always true where the cluster is open. */
  readonly isMember: (publicKey: Uint8Array, token: Uint8Array) => boolean;
  readonly onMessage: (from: NodeId, message: Tagged) => void;
  /** Nobody, or somebody else, answers at that address. */
  readonly onUnreachable?: (node: NodeId) => void;
  /** It does not fit into a datagram: it wants a link. */
  readonly onOversized?: (to: NodeId, message: Tagged) => void;
  readonly onEvent?: (event: DatagramEvent) => void;
  /** For tests and laboratories; default: a UDP port. */
  readonly bind?: (address: Address) => Promise<DatagramSocket>;
  readonly options?: Partial<DatagramOptions>;
}

/** Messages that wait for one session. */
const maxWaitingMessages = 64;
/** Sessions that we have agreed to, and in which nobody has spoken. */
const maxHalfOpen = 256;
/** Sessions whose place another has taken. */
const maxOldSessions = 256;
/** Challenges that one greeting answers: more would let a liar keep us busy. */
const maxChallenges = 4;
const maxSources = 4096;
/** What was under way in a session whose place another has taken arrives within so long. */
const oldSessionMs = 5000;
/** An unknown session, or a new address, is looked into at most so often. */
const lookAgainMs = 1000;
const cookieLifetimeMs = 60_000;
const noCookie = new Uint8Array(cookieBytes);
const noNumber = new Uint8Array(4);
/** How far the counter in an "unknown" may lie behind: older ones are nobody's answer to what we said just now. */
const unknownWindow = 1024;

/** A hello that waits for its welcome. */
interface Dial {
  readonly to: NodeId;
  readonly row: number;
  readonly key: SessionKey;
  readonly port: number;
  /** Numeric, once it is known. */
  host: string;
  greeting: Greeting | undefined;
  hello: Uint8Array | undefined;
  challenges: number;
  tries: number;
  readonly startedAt: number;
  timer: NodeJS.Timeout | undefined;
  readonly waiting: Uint8Array[];
  readonly met: Meeting[];
}

interface Meeting {
  readonly resolve: (node: NodeId) => void;
  readonly reject: (error: TransportError) => void;
}

interface PathCheck {
  readonly host: string;
  readonly port: number;
  readonly number: Uint8Array;
  readonly at: number;
}

export class Datagrams {
  readonly counters = {
    datagramsSent: 0,
    datagramsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    messagesSent: 0,
    messagesReceived: 0,
    messagesDropped: 0,
    /** Hellos that we sent, repeated ones too. */
    hellos: 0,
    greetings: 0,
    greetingFailures: 0,
    /** Sessions that others opened with us. */
    accepted: 0,
    challenges: 0,
    moves: 0,
    evictions: 0,
  };
  readonly traffic = new LayerTraffic();
  /** What came and was dropped, by reason. */
  readonly drops: Record<string, number> = Object.create(null);
  readonly options: DatagramOptions;
  readonly config: DatagramsConfig;
  readonly #cluster: Uint8Array;
  readonly #sessions = new DatagramSessions();
  /** By identity, or by address where the identity is not known. */
  readonly #dials = new Map<string, Dial>();
  readonly #dialOfRow = new Map<number, Dial>();
  /** Oldest first, by what makes a hello one of a kind. */
  readonly #halfOpen = new Map<string, { readonly row: number; readonly welcome: Uint8Array }>();
  /** The numbers of sessions that were replaced; oldest first. */
  readonly #old = new Set<number>();
  readonly #queued = new Map<number, Uint8Array[]>();
  readonly #checks = new Map<number, PathCheck>();
  readonly #strangers: SourceRates;
  readonly #hellos: SourceRates;
  readonly #unproven: SourceRates | undefined;
  #socket: DatagramSocket | undefined;
  #advertised = "";
  #contact: NodeId = "";
  #key: SessionKey;
  #cookieSecrets: readonly [Uint8Array, Uint8Array] = [randomBytes(32), randomBytes(32)];
  #cookiesSince = performance.now();
  #sweeper: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(config: DatagramsConfig) {
    this.config = config;
    this.options = datagramOptions(config.options);
    this.#cluster = clusterTag(config.cluster);
    this.#key = new SessionKey(config.identity, this.#cluster, Date.now());
    const { maxDatagramsPerSecond, maxHellosPerSecond, maxUnprovenHellosPerSecond } = this.options;
    this.#strangers = new SourceRates(maxDatagramsPerSecond, maxSources);
    this.#hellos = new SourceRates(maxHellosPerSecond, maxSources);
    if (maxUnprovenHellosPerSecond > 0) this.#unproven = new SourceRates(maxUnprovenHellosPerSecond, 1);
  }

  /**
   * Takes the port; 0 takes a free one. Others name us by `advertised`, or by the address from which they hear us where
   * it is undefined. Throws `TransportError` for a port that is not to be had, `UsageError` for a host that cannot be
   * told to others.
   */
  async listen(address: Address, advertised?: string): Promise<Address> {
    const bind = this.config.bind ?? ((at: Address) => UdpSocket.bind(at));
    const socket = await bind(address);
    const { host, port } = socket.local;
    this.#contact = formatContact(this.config.identity.id, advertised ?? host, port);
    if (advertised !== undefined) this.#advertised = addressOf(this.#contact);
    try {
      encodeGreeting(this.#greeting("hello", { answers: 0, session: 1 }));
    } catch (error) {
      await socket.close();
      if (!(error instanceof MalformedFrame)) throw error;
      throw new UsageError(`advertise: ${advertised} cannot be told to others (${error.message})`);
    }
    this.#socket = socket;
    socket.onDatagram = (bytes, from, fromPort) => this.#onDatagram(bytes, from, fromPort);
    const pause = Math.min(10_000, Math.max(20, Math.floor(this.options.sessionIdleMs / 4)));
    this.#sweeper = setInterval(() => this.#sweep(), pause);
    this.#sweeper.unref();
    return { host: advertised ?? host, port };
  }

  /** How others name us. */
  get contact(): NodeId {
    return this.#contact;
  }
  get sessionCount(): number {
    return this.#sessions.liveCount;
  }
  /** All that others can make us hold: sessions, greetings under way, half-open and old sessions. */
  get rowCount(): number {
    return this.#sessions.count;
  }
  /** The most bytes that a frame may have to fit. */
  get maxFrameBytes(): number {
    return this.options.maxDatagramBytes - sealedHeaderBytes - sealBytes;
  }

  /** Best effort. */
  send(to: NodeId, message: Tagged): void {
    if (this.#isClosed) return;
    const frame = this.#frame(to, message);
    const identity = identityOf(to) as string;
    if (frame === undefined) return;
    if (identity === this.config.identity.id) return this.#dropMessages(1, "to-itself");
    const row =
      identity === "" ? this.#sessions.rowAt(hostOf(to), portOf(to)) : this.#sessions.rowOf(identity);
    if (row === undefined) return this.#dial(to, [frame]);
    this.#queue(row, frame);
    const now = performance.now();
    // One datagram without an answer is none that asked for one, such as the last reply of an earlier exchange.
    const since = this.#sessions.unansweredCount(row) < 2 ? now : this.#sessions.waitingSince(row);
    const isSilent = now - since > this.options.sessionSilentMs;
    const isOver = now - this.#sessions.openedAt(row) > this.options.sessionKeyLifetimeMs;
    if (isSilent || isOver) this.#dial(to, []);
  }

  /**
   * Opens a session with whoever answers there, and tells who it is. Throws `TransportError` if nobody does, or only
   * this node itself.
   */
  meet({ host, port }: Address): Promise<NodeId> {
    return new Promise((resolve, reject) =>
      this.#dial(formatContact("", host, port), [], { resolve, reject }),
    );
  }

  /** Says goodbye in every session, and lets go of the port. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.flush();
    for (const row of this.#sessions.rows())
      if (this.#sessions.stateOf(row) === "live") this.#control(row, "bye", noNumber);
    await this.destroy();
  }

  /** As a killed process would: nothing more is said. */
  async destroy(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    for (const dial of [...this.#dials.values()])
      this.#fail(dial, "closed", `gave up greeting ${addressOf(dial.to)}: this node has stopped`);
    for (const row of [...this.#sessions.rows()]) this.#sessions.remove(row);
    this.#halfOpen.clear();
    this.#queued.clear();
    this.#checks.clear();
    await this.#socket?.close();
  }

  // ---- Sending ----

  #frame(to: NodeId, message: Tagged): Uint8Array | undefined {
    let frame: Uint8Array;
    try {
      frame = this.config.codec.encode(message);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.#dropMessages(1, "unsendable");
      this.#event("message-unsendable", addressOf(to), "refused", error.message);
      return undefined;
    }
    if (frame.length <= this.maxFrameBytes) {
      this.traffic.count(message.layer, frame.length);
      return frame;
    }
    this.#dropMessages(1, "oversized");
    const detail = `${message.body.type} of ${frame.length} bytes; at most ${this.maxFrameBytes} fit into a datagram`;
    this.#event("message-unsendable", addressOf(to), "oversized", detail);
    this.config.onOversized?.(to, message);
    return undefined;
  }

  #queue(row: number, frame: Uint8Array): void {
    const frames = this.#queued.get(row);
    if (frames !== undefined) {
      frames.push(frame);
      return;
    }
    if (this.#queued.size === 0) flushAtEndOfTurn(this);
    this.#queued.set(row, [frame]);
  }

  /** Sends what this turn has gathered. */
  flush(): void {
    for (const [row, frames] of this.#queued) {
      this.#queued.delete(row);
      if (this.#sessions.stateOf(row) !== "live") {
        this.#dropMessages(frames.length, "session-gone");
        continue;
      }
      let start = 0;
      let bytes = 0;
      for (let i = 0; i <= frames.length; i++) {
        const next = frames[i]?.length ?? Number.POSITIVE_INFINITY;
        if (bytes > 0 && bytes + next > this.maxFrameBytes) {
          const together = i - start === 1 ? frames[start]! : Buffer.concat(frames.slice(start, i), bytes);
          this.counters.messagesSent += i - start;
          this.#sealAndSend(row, datagramCodes.sealed, together);
          start = i;
          bytes = 0;
        }
        bytes += next;
      }
    }
  }

  #sealAndSend(row: number, code: number, plain: Uint8Array, host?: string, port?: number): void {
    const bytes = this.#sessions.seal(row, code, plain, performance.now());
    this.#emit(bytes, host ?? this.#sessions.hostOf(row), port ?? this.#sessions.portOf(row));
  }

  #control(row: number, type: "check" | "checked" | "ready" | "bye", number: Uint8Array): void {
    this.#sealAndSend(row, datagramCodes.control, encodeControl({ type, number }));
  }

  #emit(bytes: Uint8Array, host: string, port: number): void {
    if (!this.#socket!.send(bytes, host, port)) return;
    this.counters.datagramsSent++;
    this.counters.bytesSent += bytes.length;
  }

  // ---- Opening a session ----

  #dial(to: NodeId, frames: readonly Uint8Array[], meeting?: Meeting): void {
    if (this.#socket === undefined || this.#isClosed) {
      meeting?.reject(new TransportError("closed", "greet: this node does not listen"));
      return this.#dropMessages(frames.length, "closed");
    }
    const name = dialName(to);
    const underWay = this.#dials.get(name);
    if (underWay !== undefined) {
      if (meeting !== undefined) underWay.met.push(meeting);
      for (const frame of frames) {
        if (underWay.waiting.length < maxWaitingMessages) underWay.waiting.push(frame);
        else this.#dropMessages(1, "too-many-waiting");
      }
      return;
    }
    const host = hostOf(to);
    const port = portOf(to);
    if (port === 0 || host === "" || this.#dials.size >= this.options.maxGreetings) {
      const reason = host === "" || port === 0 ? "bad-address" : "too-many-pending";
      meeting?.reject(new TransportError(reason, `cannot greet ${addressOf(to)}: ${reason}`));
      return this.#dropMessages(frames.length, reason);
    }
    const now = performance.now();
    const row = this.#sessions.add("dialling", systemRandom.uint32(), now);
    const dial: Dial = {
      to,
      row,
      key: this.#currentKey(),
      port,
      host: "",
      greeting: undefined,
      hello: undefined,
      challenges: 0,
      tries: 0,
      startedAt: now,
      timer: undefined,
      waiting: [...frames],
      met: meeting === undefined ? [] : [meeting],
    };
    this.#dials.set(name, dial);
    this.#dialOfRow.set(row, dial);
    this.counters.greetings++;
    if (isIP(host) !== 0) return this.#greet(dial, host);
    this.#socket.resolve(host).then(
      (numeric) => {
        if (this.#dials.get(name) === dial) this.#greet(dial, numeric);
      },
      (error: TransportError) => {
        if (this.#dials.get(name) === dial) this.#fail(dial, error.code, error.message);
      },
    );
  }

  #greet(dial: Dial, host: string): void {
    dial.host = host;
    dial.greeting = this.#greeting(
      "hello",
      { answers: 0, session: this.#sessions.numberOf(dial.row) },
      dial.key,
    );
    this.#sayHello(dial);
  }

  /** And again after a while, until somebody answers or the time is over. */
  #sayHello(dial: Dial): void {
    dial.hello = encodeGreeting(dial.greeting!);
    this.counters.hellos++;
    this.#emit(dial.hello, dial.host, dial.port);
    const { greetingRetryMs, greetingTimeoutMs } = this.options;
    const left = dial.startedAt + greetingTimeoutMs - performance.now();
    clearTimeout(dial.timer);
    const pause = Math.min(greetingRetryMs * 2 ** dial.tries++, Math.max(1, left));
    dial.timer = setTimeout(() => {
      if (performance.now() - dial.startedAt < greetingTimeoutMs) return this.#sayHello(dial);
      const text = `cannot greet ${addressOf(dial.to)}: no answer within ${greetingTimeoutMs} ms`;
      this.#fail(dial, "timeout", text);
    }, pause);
  }

  #greeting(
    type: Greeting["type"],
    { answers, session }: Pick<Greeting, "answers" | "session">,
    key: SessionKey = this.#currentKey(),
  ): Greeting {
    return {
      type,
      answers,
      session,
      nonce: randomBytes(nonceBytes),
      advertised: this.#advertised,
      proof: noCookie,
      ...key.proof,
    };
  }

  #currentKey(): SessionKey {
    const now = Date.now();
    const age = now - this.#key.proof.sessionKeyMadeAt;
    if (age > this.options.sessionKeyLifetimeMs || age < 0)
      this.#key = new SessionKey(this.config.identity, this.#cluster, now);
    return this.#key;
  }

  #fail(dial: Dial, code: TransportErrorCode, text: string): void {
    this.#forget(dial);
    this.counters.greetingFailures++;
    this.#dropMessages(dial.waiting.length, "unreachable");
    const identity = identityOf(dial.to) as string;
    const row = identity === "" ? undefined : this.#sessions.rowOf(identity);
    // A session of before, in which nobody answers either.
    if (row !== undefined && this.#sessions.unansweredCount(row) > 1) this.#close(row, "silent");
    for (const { reject } of dial.met) reject(new TransportError(code, text));
    if (this.#isClosed) return;
    this.#event("greeting-failed", addressOf(dial.to), code, text);
    this.config.onUnreachable?.(dial.to);
  }

  #forget(dial: Dial): void {
    clearTimeout(dial.timer);
    this.#dials.delete(dialName(dial.to));
    this.#dialOfRow.delete(dial.row);
    if (this.#sessions.stateOf(dial.row) === "dialling") this.#sessions.remove(dial.row);
  }

  // ---- Receiving ----

  #onDatagram(bytes: Uint8Array, host: string, port: number): void {
    this.counters.datagramsReceived++;
    this.counters.bytesReceived += bytes.length;
    try {
      switch (bytes[0]) {
        case datagramCodes.sealed:
        case datagramCodes.control:
          return this.#onSealed(bytes, host, port);
        case datagramCodes.hello:
          return this.#onHello(bytes, host, port);
        case datagramCodes.welcome:
          return this.#onWelcome(bytes, host, port);
        case datagramCodes.challenge:
          return this.#onChallenge(bytes, host, port);
        case datagramCodes.unknown:
          return this.#onUnknown(bytes, host, port);
        default:
          return this.drop("unknown-kind");
      }
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.drop(`malformed-${error.reason}`);
    }
  }

  #onHello(bytes: Uint8Array, host: string, port: number): void {
    const now = performance.now();
    if (!this.#hellos.admits(sourceOf(host), now)) return this.drop("too-many-hellos");
    const theirs = decodeGreeting(bytes);
    if (!isSame(theirs.cluster, this.#cluster)) return this.drop("wrong-cluster");
    if (isSame(theirs.publicKey, this.config.identity.publicKey)) return this.#onOwnHello(theirs);
    const name = `${host} ${port} ${theirs.session} ${cacheKey(theirs.nonce)}`;
    const answered = this.#halfOpen.get(name);
    if (answered !== undefined) return this.#emit(answered.welcome, host, port); // ours was lost
    if (!this.#isProven(theirs.proof, host, port, now)) {
      if (this.#unproven?.admits("", now) !== true) return this.#challenge(theirs, host, port);
    }
    const identity = idOfKey(theirs.publicKey);
    // Both have greeted the other at once: the hello of the smaller id counts, and will be answered.
    if (this.config.identity.id < identity && this.#isGreeting(host, port)) return this.drop("crossed-hello");
    if (!this.#isAuthentic(theirs)) return;

    const key = this.#currentKey();
    const row = this.#sessions.add("half-open", systemRandom.uint32(), now);
    const answer = { answers: theirs.session, session: this.#sessions.numberOf(row) };
    const welcome = encodeGreeting(this.#greeting("welcome", answer, key));
    const secret = key.agree(theirs.sessionKey, bytes, welcome);
    if (secret === undefined) {
      this.#sessions.remove(row);
      return this.drop("bad-key");
    }
    welcome.set(sealGreeting(secret, welcome.subarray(0, greetingProofAt)), greetingProofAt);
    const contact = contactOf(identity, theirs, host, port);
    const end = { number: theirs.session, contact, host, portNumber: port };
    this.#sessions.agree(row, { secret, isOurs: false, ...end });
    this.#halfOpen.set(name, { row, welcome });
    if (this.#halfOpen.size > maxHalfOpen) this.#dropHalfOpen("too-many-half-open");
    this.#emit(welcome, host, port);
  }

  /** Our own address was given to us as somebody else's. */
  #onOwnHello({ session, nonce }: Greeting): void {
    const row = this.#sessions.rowWithNumber(session);
    const dial = row === undefined ? undefined : this.#dialOfRow.get(row);
    if (dial?.greeting === undefined || !isSame(dial.greeting.nonce, nonce)) return this.drop("own-hello");
    this.#fail(dial, "refused", `cannot greet ${addressOf(dial.to)}: it is this node itself`);
  }

  /** Did we give this cookie to this address? Then somebody receives there. */
  #isProven(cookie: Uint8Array, host: string, port: number, now: number): boolean {
    if (isSame(cookie, noCookie)) return false;
    this.#turnCookies(now);
    return this.#cookieSecrets.some((secret) => timingSafeEqual(cookie, cookieOf(secret, host, port)));
  }

  #turnCookies(now: number): void {
    if (now - this.#cookiesSince < cookieLifetimeMs) return;
    // Nobody asked for longer than two lifetimes: neither secret may count any more.
    const isStale = now - this.#cookiesSince > 2 * cookieLifetimeMs;
    this.#cookieSecrets = [randomBytes(32), isStale ? randomBytes(32) : this.#cookieSecrets[0]];
    this.#cookiesSince = now;
  }

  #challenge({ session, nonce }: Greeting, host: string, port: number): void {
    this.#turnCookies(performance.now());
    this.counters.challenges++;
    const cookie = cookieOf(this.#cookieSecrets[0], host, port);
    this.#emit(encodeChallenge({ answers: session, nonce, cookie }), host, port);
  }

  #isGreeting(host: string, port: number): boolean {
    for (const dial of this.#dials.values()) if (dial.host === host && dial.port === port) return true;
    return false;
  }

  /** Token, then key: both are remembered once they were found good. */
  #isAuthentic(greeting: Greeting): boolean {
    if (!this.config.isMember(greeting.publicKey, greeting.token)) this.drop("not-a-member");
    else if (!isSessionKeyOf(greeting, Date.now())) this.drop("bad-session-key");
    else return true;
    return false;
  }

  #onChallenge(bytes: Uint8Array, host: string, port: number): void {
    if (!this.#strangers.admits(sourceOf(host), performance.now())) return this.drop("too-many-datagrams");
    const { answers, nonce, cookie } = decodeChallenge(bytes);
    const dial = this.#dialAnsweredBy(answers, host, port);
    if (dial === undefined || !isSame(nonce, dial.greeting!.nonce)) return this.drop("unasked");
    if (++dial.challenges > maxChallenges) return this.drop("too-many-challenges");
    dial.greeting = { ...dial.greeting!, proof: cookie };
    this.#sayHello(dial);
  }

  /** The greeting under way that whoever sends from there may answer. */
  #dialAnsweredBy(answers: number, host: string, port: number): Dial | undefined {
    const row = this.#sessions.rowWithNumber(answers);
    const dial = row === undefined ? undefined : this.#dialOfRow.get(row);
    return dial !== undefined && dial.hello !== undefined && dial.host === host && dial.port === port
      ? dial
      : undefined;
  }

  #onWelcome(bytes: Uint8Array, host: string, port: number): void {
    if (!this.#strangers.admits(sourceOf(host), performance.now())) return this.drop("too-many-datagrams");
    const theirs = decodeGreeting(bytes);
    const dial = this.#dialAnsweredBy(theirs.answers, host, port);
    if (dial === undefined) return this.drop("unasked");
    if (!isSame(theirs.cluster, this.#cluster)) return this.drop("wrong-cluster");
    if (!this.#isAuthentic(theirs)) return;
    const secret = dial.key.agree(theirs.sessionKey, dial.hello!, bytes);
    if (secret === undefined) return this.drop("bad-key");
    const seal = sealGreeting(secret, bytes.subarray(0, greetingProofAt));
    if (!timingSafeEqual(seal, theirs.proof)) return this.drop("forged");

    const { row } = dial;
    const identity = idOfKey(theirs.publicKey);
    const contact = contactOf(identity, theirs, host, port);
    const end = { number: theirs.session, contact, host, portNumber: port };
    this.#sessions.agree(row, { secret, isOurs: true, ...end });
    this.#dialOfRow.delete(row);
    this.#open(row);
    const wanted = identityOf(dial.to) as string;
    if (wanted !== "" && wanted !== identity)
      this.#fail(dial, "refused", `cannot greet ${addressOf(dial.to)}: another node answers there`);
    // Until we say something, the other side does not know that it is us.
    if (!this.#queued.has(row)) this.#control(row, "ready", noNumber);
  }

  /** The other end is proven: what waited for it goes. */
  #open(row: number): void {
    const identity = this.#sessions.identityOf(row);
    const { maxSessions } = this.options;
    const old = this.#sessions.open(row, performance.now());
    if (old !== undefined) this.#keepForAWhile(old);
    if (this.#sessions.liveCount > maxSessions) {
      this.counters.evictions++;
      this.#close(this.#sessions.oldest("live")!, "evicted", true);
    }
    const contact = this.#sessions.contactOf(row);
    this.#event("session-open", addressOf(contact), identity);
    const host = this.#sessions.hostOf(row);
    const port = this.#sessions.portOf(row);
    for (const dial of [...this.#dials.values()]) {
      const wanted = identityOf(dial.to) as string;
      const isMet = wanted === "" ? dial.host === host && dial.port === port : wanted === identity;
      if (!isMet) continue;
      this.#forget(dial);
      for (const frame of dial.waiting) this.#queue(row, frame);
      for (const { resolve } of dial.met) resolve(contact);
    }
  }

  /** What is on its way in a session that was replaced shall still be read. */
  #keepForAWhile(row: number): void {
    this.#old.add(this.#sessions.numberOf(row));
    if (this.#old.size <= maxOldSessions) return;
    const oldest = this.#old.values().next().value!;
    this.#old.delete(oldest);
    const oldestRow = this.#sessions.rowWithNumber(oldest);
    if (oldestRow !== undefined) this.#removeRow(oldestRow);
  }

  #onSealed(bytes: Uint8Array, host: string, port: number): void {
    const now = performance.now();
    const row =
      bytes.length < minSealedBytes ? undefined : this.#sessions.rowWithNumber(sessionOfSealed(bytes));
    const state = row === undefined ? "free" : this.#sessions.stateOf(row);
    if (row === undefined || state === "free" || state === "dialling")
      return this.#onStrange(bytes, host, port, now);
    if (!this.#sessions.admits(row, this.options.maxDatagramsPerSecond, now))
      return this.drop("too-many-datagrams");
    const counter = counterOfSealed(bytes);
    if (!this.#sessions.isNew(row, counter)) return this.drop("replayed");
    const plain = this.#sessions.unseal(row, bytes);
    if (plain === undefined) return this.drop("forged");
    const isNewest = this.#sessions.accept(row, counter, now);
    if (state === "half-open") this.#admit(row);
    if (isNewest && !this.#sessions.isAt(row, host, port)) this.#checkPath(row, host, port, now);
    if (bytes[0] === datagramCodes.control) return this.#onControl(row, plain, host, port);
    const from = this.#sessions.contactOf(row);
    forEachFrame(plain, (body) => {
      const message = this.config.codec.decode(body);
      this.counters.messagesReceived++;
      if (!this.#isClosed) this.config.onMessage(from, message);
    });
  }

  /** It says something under keys that only it can have: whoever sent the hello has received our welcome. */
  #admit(row: number): void {
    for (const [name, halfOpen] of this.#halfOpen) {
      if (halfOpen.row !== row) continue;
      this.#halfOpen.delete(name);
      break;
    }
    this.counters.accepted++;
    this.#open(row);
  }

  /** Told at most as often as it may ask, in fewer bytes than it sent. */
  #onStrange(bytes: Uint8Array, host: string, port: number, now: number): void {
    this.drop(bytes.length < minSealedBytes ? "malformed-bad-length" : "unknown-session");
    if (bytes.length < minSealedBytes || !this.#strangers.admits(sourceOf(host), now)) return;
    this.#emit(encodeUnknown(bytes), host, port);
  }

  /**
   * The other side says that it lacks our session: it has started anew, perhaps. Anybody could say so, hence nothing is
   * forgotten: we greet it again, now and then, and a new session takes the place of the old one once it stands.
   */
  #onUnknown(bytes: Uint8Array, host: string, port: number): void {
    const now = performance.now();
    if (bytes.length !== sealedHeaderBytes) return this.drop("malformed-bad-length");
    if (!this.#strangers.admits(sourceOf(host), now)) return this.drop("too-many-datagrams");
    const row = this.#sessions.rowTowards(host, port, sessionOfSealed(bytes));
    const behind = row === undefined ? -1 : this.#sessions.sentCount(row) - counterOfSealed(bytes);
    if (row === undefined || behind < 0 || behind > unknownWindow) return this.drop("unasked");
    if (this.#sessions.stateOf(row) !== "live" || now - this.#sessions.openedAt(row) < lookAgainMs)
      return this.drop("unknown-too-often");
    this.#dial(formatContact(this.#sessions.identityOf(row), host, port), []);
  }

  #onControl(row: number, plain: Uint8Array, host: string, port: number): void {
    const { type, number } = decodeControl(plain);
    switch (type) {
      case "ready":
        return;
      case "check": {
        const answer = encodeControl({ type: "checked", number });
        return this.#sealAndSend(row, datagramCodes.control, answer, host, port);
      }
      case "checked":
        return this.#onChecked(row, number, host, port);
      case "bye":
        return this.#close(row, "bye");
    }
  }

  // ---- A node that moves ----

  /**
   * A datagram of this session came from another address: a router on its way gave it another one, or somebody sends
   * on what he has overheard. What we say goes to the old address until somebody with the session's keys receives here.
   */
  #checkPath(row: number, host: string, port: number, now: number): void {
    const pending = this.#checks.get(row);
    if (pending !== undefined && now - pending.at < lookAgainMs) return;
    const number = randomBytes(4);
    this.#checks.set(row, { host, port, number, at: now });
    this.#sealAndSend(row, datagramCodes.control, encodeControl({ type: "check", number }), host, port);
  }

  #onChecked(row: number, number: Uint8Array, host: string, port: number): void {
    const check = this.#checks.get(row);
    if (check === undefined || check.host !== host || check.port !== port || !isSame(check.number, number))
      return this.drop("unasked");
    this.#checks.delete(row);
    const identity = this.#sessions.identityOf(row);
    const old = formatContact(identity, this.#sessions.hostOf(row), this.#sessions.portOf(row));
    this.#sessions.moveTo(row, host, port);
    // One that advertises an address keeps that name.
    if (this.#sessions.contactOf(row) === old)
      this.#sessions.renameTo(row, formatContact(identity, host, port));
    this.counters.moves++;
  }

  // ---- Ending ----

  #close(row: number, reason: string, saysBye = false): void {
    if (saysBye) this.#control(row, "bye", noNumber);
    if (this.#sessions.stateOf(row) === "live")
      this.#event("session-closed", addressOf(this.#sessions.contactOf(row)), reason);
    this.#removeRow(row);
  }

  #removeRow(row: number): void {
    const queued = this.#queued.get(row);
    if (queued !== undefined) this.#dropMessages(queued.length, "session-gone");
    this.#queued.delete(row);
    this.#checks.delete(row);
    this.#old.delete(this.#sessions.numberOf(row));
    this.#sessions.remove(row);
  }

  #dropHalfOpen(reason: string): void {
    for (const [name, { row }] of this.#halfOpen) {
      this.#halfOpen.delete(name);
      this.#removeRow(row);
      return this.drop(reason);
    }
  }

  #sweep(): void {
    const now = performance.now();
    const { sessionIdleMs, greetingTimeoutMs } = this.options;
    for (const { row } of [...this.#halfOpen.values()]) {
      // In the order in which they came.
      if (now - this.#sessions.openedAt(row) < 2 * greetingTimeoutMs) break;
      this.#dropHalfOpen("nothing-after-hello");
    }
    for (const row of this.#sessions.rows()) {
      const unused = now - this.#sessions.usedAt(row);
      const state = this.#sessions.stateOf(row);
      if (state === "old" && unused > oldSessionMs) this.#removeRow(row);
      else if (state === "live" && unused > sessionIdleMs) this.#close(row, "idle", true);
    }
  }

  /** Counts a datagram that came to nothing. */
  drop(reason: string): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + 1;
  }

  #dropMessages(count: number, reason: string): void {
    if (count === 0) return;
    this.counters.messagesDropped += count;
    this.drops[reason] = (this.drops[reason] ?? 0) + count;
  }

  #event(type: DatagramEvent["type"], remote: string, reason: string, detail?: string): void {
    this.config.onEvent?.(detail === undefined ? { type, remote, reason } : { type, remote, reason, detail });
  }
}

function dialName(to: NodeId): string {
  const identity = identityOf(to) as string;
  return identity === "" ? `@${addressOf(to)}` : identity;
}

function contactOf(identity: string, { advertised }: Greeting, host: string, port: number): NodeId {
  return advertised === "" ? formatContact(identity, host, port) : `${identity}@${advertised}`;
}

function cookieOf(secret: Uint8Array, host: string, port: number): Uint8Array {
  return createHmac("sha256", secret).update(`${host} ${port}`).digest().subarray(0, cookieBytes);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
