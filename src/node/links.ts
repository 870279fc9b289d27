/**
 * The links of one node: which connection carries a message, who is at the other end, and how much it may ask of
 * us. One link per pair of nodes, however many protocols use it; frames are gathered and written once per turn.
 *
 * A link begins with a hello in each direction. Under TLS the certificate proves the key; on a plaintext link each
 * side signs the other's challenge. Only then does a message count, and `from` is who was proven:
 *
 *     dialler -> Hello -> listener      listener -> Hello -> dialler
 *     dialler -> HelloProof -> listener listener -> HelloProof -> dialler      (plaintext only)
 */
import { randomBytes } from "node:crypto";
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
import { type Address, type Connection, type Transport, TransportError } from "../transport/index.ts";
import {
  type Codec,
  decodeHello,
  decodeHelloProof,
  encodeHello,
  encodeHelloProof,
  encodeHelloStatement,
  FrameReader,
  frameKind,
  type Hello,
  helloCode,
  helloProofCode,
  MalformedFrame,
  maxHelloBytes,
  wireVersion,
} from "../wire/index.ts";
import { type Identity, idOfKey, verifySignature } from "./identity.ts";
import { LayerTraffic } from "./layer-traffic.ts";
import { flushAtEndOfTurn } from "./turn.ts";

export interface LinkOptions {
  readonly dialTimeoutMs: number;
  readonly helloTimeoutMs: number;
  readonly frameTimeoutMs: number;
  readonly idleMs: number;
  readonly softQueuedBytes: number;
  readonly maxQueuedBytes: number;
  readonly maxFramesPerSecond: number;
  readonly maxPendingHellos: number;
}

export const linkOptions = defineOptions<LinkOptions>({
  dialTimeoutMs: {
    default: 3000,
    min: 10,
    max: 120_000,
    description: "How long a connection may take to open (guess)",
  },
  helloTimeoutMs: {
    default: 5000,
    min: 10,
    max: 120_000,
    description: "How long the other end may take to say who it is before it is cut off (guess)",
  },
  frameTimeoutMs: {
    default: 10_000,
    min: 10,
    max: 600_000,
    description: "How long half a frame may wait for its other half (guess)",
  },
  idleMs: {
    default: 1000,
    min: 10,
    max: 3_600_000,
    description:
      "A link that is no neighbor's and silent for so long is closed (guess: a TLS end costs 50 KiB)",
  },
  softQueuedBytes: {
    default: 256 * 1024,
    min: 1024,
    max: 1 << 30,
    description: "With so much unsent to one reader, publishing waits",
  },
  maxQueuedBytes: {
    default: 4 * 1024 * 1024,
    min: 4096,
    max: 1 << 30,
    description: "With so much unsent to one reader, the reader is cut off",
  },
  maxFramesPerSecond: {
    default: 50_000,
    min: 1,
    max: 10_000_000,
    description: "Faster senders are read only as fast (back-pressure)",
  },
  maxPendingHellos: {
    default: 256,
    min: 1,
    max: 100_000,
    description: "Connections that have not said who they are; the oldest goes when there are more",
  },
});

export interface LinksConfig {
  readonly transport: Transport;
  readonly codec: Codec;
  readonly identity: Identity;
  readonly role: "seed" | "peer";
  readonly name: string;
  /** Nodes of another cluster name are refused; under TLS the certificate authority decides before. */
  readonly cluster: string;
  /** Nodes of another profile are refused, for they would not understand a word; "" (the default) is classic. */
  readonly profile?: string;
  /** Does this key belong to the cluster, by this token? Always true where the cluster is open. */
  readonly isMember: (publicKey: Uint8Array, token: Uint8Array) => boolean;
  readonly onMessage: (from: NodeId, message: Tagged) => void;
  /**
   * The link to a neighbor broke, and the next message to it opens a new one; or that one stands, and what was said
   * in between was lost.
   */
  readonly onLost?: (neighbor: NodeId) => void;
  /** Nobody, or somebody else, answers at that address. */
  readonly onUnreachable?: (node: NodeId) => void;
  /** Something that an operator wants to read: a refusal, a cut link. */
  readonly onEvent?: (event: LinkEvent) => void;
  readonly options?: Partial<LinkOptions>;
}

export interface LinkEvent {
  readonly type:
    | "link-refused"
    | "link-cut"
    | "message-unsendable"
    | "dial-failed"
    | "link-open"
    | "link-closed";
  readonly remote: string;
  readonly reason: string;
  readonly detail?: string;
}

/** Messages kept for a connection that is still being opened. */
const maxWaitingMessages = 256;
/** Forged messages that a link may bring before it is cut: each has cost us the check of a signature. */
const maxForgeries = 16;
/** Connections being opened at once. */
const maxDials = 4096;

interface Dial {
  readonly to: NodeId;
  readonly waiting: Tagged[];
  /** Set once the connection stands and only the hello is missing. */
  link: Link | undefined;
}

export class Links {
  readonly counters = {
    framesSent: 0,
    framesReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    writes: 0,
    dials: 0,
    dialFailures: 0,
    accepted: 0,
    messagesDropped: 0,
  };
  readonly traffic = new LayerTraffic();
  /** Why links were refused or cut, and how often. */
  readonly drops: Record<string, number> = Object.create(null);
  readonly options: LinkOptions;
  readonly config: LinksConfig;
  #self: Address | undefined;
  readonly #byIdentity = new Map<string, Link[]>();
  /** Ready links that we opened ourselves, by the address we dialled. */
  readonly #dialled = new Map<string, Link>();
  readonly #dials = new Map<string, Dial>();
  /** Open, and not yet known who it is; oldest first. */
  readonly #strangers = new Set<Link>();
  readonly #kept = new Set<string>();
  /** Those among them who missed messages because no connection came about. */
  readonly #missing = new Set<string>();
  #sweeper: NodeJS.Timeout | undefined;
  /** Connections that came about while we hang, in order; undefined while we do not. */
  #held: (() => void)[] | undefined;
  /** Those that others have opened meanwhile. */
  #callers: Connection[] = [];
  #isClosed = false;

  constructor(config: LinksConfig) {
    this.config = config;
    this.options = linkOptions(config.options);
  }

  /**
   * Starts to listen. The address that others are told is `advertised`, with the real port where that is 0. Throws
   * `UsageError` if name, cluster or host are such that no hello could say them.
   */
  async listen(address: Address, advertised: string = address.host): Promise<Address> {
    this.#self = { host: advertised, port: address.port || 1 };
    this.#checkHello();
    const bound = await this.config.transport.listen(address, (connection) =>
      this.#held === undefined ? this.#accept(connection) : this.#holdCaller(connection),
    );
    this.#self = { host: advertised, port: bound.port };
    const pause = Math.max(20, Math.floor(Math.min(this.options.idleMs, this.options.frameTimeoutMs) / 2));
    this.#sweeper = setInterval(() => this.#sweep(), pause);
    this.#sweeper.unref();
    return this.#self;
  }

  get linkCount(): number {
    let count = 0;
    for (const links of this.#byIdentity.values()) count += links.length;
    return count;
  }
  /** Open connections, known or not, both directions. */
  get connectionCount(): number {
    return this.config.transport.connectionCount;
  }
  get strangerCount(): number {
    return this.#strangers.size;
  }
  get queuedBytes(): number {
    let bytes = 0;
    for (const links of this.#byIdentity.values()) for (const link of links) bytes += link.unsentBytes;
    return bytes;
  }
  get isCongested(): boolean {
    for (const links of this.#byIdentity.values()) {
      for (const link of links) if (link.unsentBytes > this.options.softQueuedBytes) return true;
    }
    return false;
  }

  /** How a message to that node would fare now; `behind`: its reader is slow, and more waits than should. */
  stateOf(node: NodeId): "open" | "behind" | "dialling" | "none" {
    const identity = identityOf(node) as string;
    const link = this.#byIdentity.get(identity)?.find(({ connection }) => !connection.isClosed);
    if (link !== undefined) return link.unsentBytes > this.options.softQueuedBytes ? "behind" : "open";
    return this.#dials.has(String(node)) ? "dialling" : "none";
  }

  /** Best effort. A call-back must go to the address that was claimed, so only a link that we dialled carries it. */
  send(to: NodeId, message: Tagged): void {
    if (this.#isClosed) return;
    const identity = identityOf(to) as string;
    const address = addressOf(to);
    const mustDial = message.body.type === "call-back";
    let link: Link | undefined;
    if (identity === "" || mustDial) {
      link = this.#dialled.get(address);
      if (link !== undefined && identity !== "" && link.identity !== identity) link = undefined;
    } else {
      link = this.#byIdentity.get(identity)?.find(({ connection }) => !connection.isClosed);
    }
    if (link?.connection.isClosed) link = undefined; // on its way out: what we say now needs another one
    if (link === undefined) this.#dial(to, message);
    else this.sendOver(link, message);
  }

  /**
   * This node handed on something that its origin never signed. Whoever relays checks first, so the one who sent it
   * is the liar; a few times may be a fault, then its links are cut.
   */
  onForgery(from: NodeId): void {
    for (const link of this.#byIdentity.get(identityOf(from) as string)?.slice() ?? []) {
      if (++link.forgeries >= maxForgeries) link.cut("forger");
    }
  }

  /** A neighbor's link stays open however silent it is. */
  keep(node: NodeId): void {
    this.#kept.add(identityOf(node) as string);
  }
  release(node: NodeId): void {
    this.#kept.delete(identityOf(node) as string);
    this.#missing.delete(identityOf(node) as string);
  }

  /** Waits (at most `patienceMs`) until no reader is far behind. */
  async drained(patienceMs = 10_000): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (this.isCongested && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Waits (at most `patienceMs`) until nothing is being dialled and everything said is with the kernel. */
  async settled(patienceMs: number): Promise<void> {
    const deadline = Date.now() + patienceMs;
    do await new Promise((resolve) => setTimeout(resolve, 5));
    while ((this.#dials.size > 0 || this.queuedBytes > 0) && Date.now() < deadline);
  }

  /** Reads and accepts nothing, as a process that hangs: what arrives waits in the kernel's buffers. */
  pause(): void {
    if (this.#held !== undefined || this.#isClosed) return;
    this.#held = [];
    for (const link of this.#all()) link.connection.pause();
  }
  resume(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    for (const step of held) step();
    for (const caller of this.#callers.splice(0)) this.#accept(caller);
    for (const link of this.#all()) link.wake();
  }
  get isPaused(): boolean {
    return this.#held !== undefined;
  }

  /** As a full backlog does, it turns away who comes when enough others wait. */
  #holdCaller(connection: Connection): void {
    this.#callers = this.#callers.filter(({ isClosed }) => !isClosed);
    if (this.#callers.length < this.options.maxPendingHellos) this.#callers.push(connection);
    else {
      this.drop("held-too-many");
      connection.destroy();
    }
  }

  /** Bounded by `maxDials`. */
  #whenAwake(step: () => void): void {
    if (this.#held === undefined) step();
    else this.#held.push(step);
  }

  /** Writes what is queued and closes every link. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    for (const link of this.#all()) {
      link.flush();
      link.connection.close();
    }
    await this.config.transport.close();
  }

  /** As a killed process would: nothing more is said. */
  async destroy(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    for (const link of this.#all()) link.connection.destroy();
    await this.config.transport.close();
  }

  #all(): Link[] {
    return [...[...this.#byIdentity.values()].flat(), ...this.#strangers];
  }

  // ---- Opening ----

  #accept(connection: Connection): void {
    if (this.#isClosed) return connection.destroy();
    // Those that we dialled ourselves are bounded by `maxDials`, and no crowd at our door may push them out.
    const guests = [...this.#strangers].filter(
      ({ dialled, connection: { isClosed } }) => dialled === undefined && !isClosed,
    );
    if (guests.length >= this.options.maxPendingHellos) guests[0]!.cut("too-many-strangers");
    this.counters.accepted++;
    this.#greet(connection, undefined);
  }

  #dial(to: NodeId, message: Tagged): void {
    const key = String(to);
    const host = hostOf(to);
    const port = portOf(to);
    const underWay = this.#dials.get(key);
    if (underWay !== undefined) {
      if (underWay.waiting.length < maxWaitingMessages) underWay.waiting.push(message);
      else this.#drop(to, 1);
      return;
    }
    if (port === 0 || host === "" || this.#dials.size >= maxDials) return this.#drop(to, 1);
    const dial: Dial = { to, waiting: [message], link: undefined };
    this.#dials.set(key, dial);
    this.counters.dials++;
    this.config.transport.dial({ host, port }, this.options.dialTimeoutMs).then(
      (connection) =>
        this.#whenAwake(() => {
          if (this.#isClosed) return connection.destroy();
          dial.link = this.#greet(connection, to);
        }),
      (error: unknown) => this.#whenAwake(() => this.#onDialFailed(dial, error)),
    );
  }

  #onDialFailed(dial: Dial, error: unknown): void {
    this.#dials.delete(String(dial.to));
    this.counters.dialFailures++;
    this.#drop(dial.to, dial.waiting.length);
    const reason = error instanceof TransportError ? error.code : "error";
    this.event(
      "dial-failed",
      addressOf(dial.to),
      reason,
      error instanceof Error ? error.message : String(error),
    );
    if (!this.#isClosed) this.config.onUnreachable?.(dial.to);
  }

  /** A neighbor's connection tells the protocols, once it stands, that something is missing. */
  #drop(to: NodeId, messages: number): void {
    this.counters.messagesDropped += messages;
    const identity = identityOf(to) as string;
    if (this.#kept.has(identity)) this.#missing.add(identity);
  }

  #greet(connection: Connection, dialled: NodeId | undefined): Link {
    const link = new Link(this, connection, dialled);
    this.#strangers.add(link);
    link.greet(this.#hello());
    return link;
  }

  /** Now, and not at the first connection. */
  #checkHello(): void {
    try {
      encodeHello(this.#hello());
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      const { name, cluster } = this.config;
      throw new UsageError(
        `name "${name}", cluster "${cluster}", host "${this.#self!.host}": one of them cannot be told to others; ` +
          `names have at most 64 printable characters (${error.message})`,
      );
    }
  }

  #hello(): Hello {
    const { identity, role, name, cluster, profile = "" } = this.config;
    const { host, port } = this.#self!;
    return {
      type: "hello",
      version: wireVersion,
      cluster,
      host,
      port,
      publicKey: identity.publicKey,
      token: identity.token,
      challenge: randomBytes(16),
      role,
      name,
      profile,
    };
  }

  /** What the other side would have to refuse is not sent: a message with a list that no frame can hold, say. */
  sendOver(link: Link, message: Tagged): void {
    let frame: Uint8Array;
    try {
      frame = this.config.codec.encode(message);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.drop("unsendable");
      return this.event("message-unsendable", link.remote, "too large", error.message);
    }
    this.traffic.count(message.layer, frame.length);
    link.send(frame);
  }

  // ---- Called by Link ----

  /** The other end is proven. */
  admit(link: Link): void {
    this.#strangers.delete(link);
    const links = this.#byIdentity.get(link.identity);
    if (links === undefined) this.#byIdentity.set(link.identity, [link]);
    else {
      // Both sides may have dialled at once: both prefer the link that the smaller id opened, the other falls idle.
      links.push(link);
      links.sort(
        (a, b) =>
          Number(b.isPreferred(this.config.identity.id)) - Number(a.isPreferred(this.config.identity.id)),
      );
      if (links.length > 4) links[links.length - 1]!.cut("too-many-links-to-one-node");
    }
    if (link.dialled !== undefined) {
      this.#dialled.set(addressOf(link.dialled), link);
      const dial = this.#dials.get(String(link.dialled));
      this.#dials.delete(String(link.dialled));
      for (const message of dial?.waiting ?? []) this.sendOver(link, message);
    }
    if (this.#missing.delete(link.identity)) this.config.onLost?.(link.contact);
  }

  forget(link: Link, error: TransportError | undefined): void {
    if (this.#strangers.delete(link)) {
      if (link.dialled !== undefined) {
        const dial = this.#dials.get(String(link.dialled));
        if (dial?.link === link)
          this.#onDialFailed(dial, error ?? new TransportError("reset", link.whyClosed));
      } else if (error !== undefined) {
        this.drop(error.code);
        this.event("link-refused", link.remote, error.code, error.message);
      }
      return;
    }
    this.event("link-closed", link.remote, link.whyClosed);
    const links = this.#byIdentity.get(link.identity);
    const index = links?.indexOf(link) ?? -1;
    if (links !== undefined && index >= 0) {
      links.splice(index, 1);
      if (links.length === 0) {
        this.#byIdentity.delete(link.identity);
        if (this.#kept.has(link.identity) && !this.#isClosed) this.config.onLost?.(link.contact);
      }
    }
    if (link.dialled !== undefined && this.#dialled.get(addressOf(link.dialled)) === link) {
      this.#dialled.delete(addressOf(link.dialled));
    }
  }

  drop(reason: string): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + 1;
  }

  event(type: LinkEvent["type"], remote: string, reason: string, detail?: string): void {
    this.config.onEvent?.({ type, remote, reason, detail });
  }

  // ---- Sweeping ----

  #sweep(): void {
    if (this.isPaused) return;
    const now = Date.now();
    for (const link of this.#strangers) {
      if (now - link.openedAt > this.options.helloTimeoutMs) link.cut("no-hello");
    }
    for (const [identity, links] of this.#byIdentity) {
      for (const link of links.slice()) {
        if (link.isPaused) continue;
        if (link.frameSince > 0 && now - link.frameSince > this.options.frameTimeoutMs)
          link.cut("half-a-frame");
        else if (
          now - link.usedAt > this.options.idleMs &&
          !(this.#kept.has(identity) && links[0] === link)
        ) {
          link.close("idle");
        }
      }
    }
  }
}

/** One connection, from its hello to its end. */
class Link {
  readonly connection: Connection;
  /** What we dialled; undefined if the other side did. */
  readonly dialled: NodeId | undefined;
  identity = "";
  contact: NodeId = "";
  readonly openedAt = Date.now();
  usedAt = this.openedAt;
  /** When the unfinished frame began; 0 where there is none. */
  frameSince = 0;
  forgeries = 0;
  whyClosed = "closed by the other side";
  /** We do not read: silence and half frames are our own doing. */
  isPaused = false;
  readonly #links: Links;
  readonly #reader = new FrameReader(maxHelloBytes);
  #ourHello: Hello | undefined;
  #theirHello: Hello | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #isReady = false;
  #isDirty = false;
  /** Frames are paid for in time, at the limit's rate: those that were read are paid for at this moment. */
  #paidUntil = 0;

  constructor(links: Links, connection: Connection, dialled: NodeId | undefined) {
    this.#links = links;
    this.connection = connection;
    this.dialled = dialled;
  }

  get remote(): string {
    return `${this.connection.remote.host}:${this.connection.remote.port}`;
  }
  get unsentBytes(): number {
    return this.#queuedBytes + this.connection.bufferedBytes;
  }
  /** Of two links between the same nodes both ends choose the one that the smaller id opened. */
  isPreferred(ownId: string): boolean {
    return (this.dialled !== undefined) === ownId < this.identity;
  }

  greet(hello: Hello): void {
    this.#ourHello = hello;
    this.connection.onClose = (error) => {
      this.#links.forget(this, error);
    };
    this.connection.onData = (chunk) => this.#onData(chunk);
    this.connection.write(encodeHello(hello));
  }

  /** Queues a frame for the end of the turn. */
  send(frame: Uint8Array): void {
    if (this.connection.isClosed) return;
    // Looked at here too: one chunk of small questions can ask for more in one turn than memory holds.
    if (this.#queuedBytes > 0 && this.unsentBytes > this.#links.options.maxQueuedBytes) {
      return this.cut("slow-reader");
    }
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    if (this.#isDirty) return;
    this.#isDirty = true;
    flushAtEndOfTurn(this);
  }

  flush(): void {
    this.#isDirty = false;
    const queue = this.#queue;
    if (queue.length === 0 || this.connection.isClosed) return;
    const { counters, options } = this.#links;
    counters.framesSent += queue.length;
    counters.bytesSent += this.#queuedBytes;
    counters.writes++;
    this.connection.write(queue.length === 1 ? queue[0]! : Buffer.concat(queue, this.#queuedBytes));
    this.#queue = [];
    this.#queuedBytes = 0;
    this.usedAt = Date.now();
    if (this.connection.bufferedBytes > options.maxQueuedBytes) this.cut("slow-reader");
  }

  /** Ends a link that did something wrong. */
  cut(reason: string, detail?: string): void {
    if (this.connection.isClosed) return;
    this.#blame(reason, detail);
    this.connection.destroy();
  }

  /** The other end has the same reason to go as soon as it has read our hello, so that is sent first. */
  #part(reason: string, detail: string): void {
    this.#blame(reason, detail);
    this.connection.close();
  }

  #blame(reason: string, detail: string | undefined): void {
    this.whyClosed = detail ?? reason;
    this.#links.drop(reason);
    this.#links.event(this.#isReady ? "link-cut" : "link-refused", this.remote, reason, detail);
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  close(reason: string): void {
    this.whyClosed = reason;
    this.flush();
    this.connection.close();
  }

  #onData(chunk: Uint8Array): void {
    const { counters } = this.#links;
    counters.bytesReceived += chunk.length;
    const framesBefore = counters.framesReceived;
    try {
      this.#reader.push(chunk, (body) => {
        this.frameSince = 0; // what follows is another frame: a busy link may never pause between two
        this.#onFrame(body);
      });
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      return this.cut(`malformed-${error.reason}`, error.message);
    }
    this.usedAt = Date.now();
    if (!this.#reader.isInsideFrame) this.frameSince = 0;
    else if (this.frameSince === 0) this.frameSince = this.usedAt;
    this.#limitRate(counters.framesReceived - framesBefore);
  }

  #onFrame(body: Uint8Array): void {
    if (this.connection.isClosed) return; // cut by an earlier frame of the same chunk
    if (!this.#isReady) return this.#onGreeting(body);
    const { counters, config } = this.#links;
    counters.framesReceived++;
    const message = config.codec.decode(body);
    config.onMessage(this.contact, message);
  }

  /**
   * Reads no faster than the limit: the kernel's buffers fill, and the sender has to wait. One chunk can hold
   * thousands of small frames, so the pause is as long as these frames may take, less what a tenth of a second's
   * silence has saved.
   */
  #limitRate(frames: number): void {
    if (frames === 0) return;
    const now = performance.now();
    const costMs = (frames * 1000) / this.#links.options.maxFramesPerSecond;
    this.#paidUntil = Math.max(this.#paidUntil, now - 100) + costMs;
    if (this.#paidUntil - now < 1 || this.isPaused || this.connection.isClosed) return;
    this.#links.drop("slowed-down");
    this.isPaused = true;
    this.connection.pause();
    setTimeout(() => this.#readOn(), this.#paidUntil - now).unref();
  }

  #readOn(): void {
    const restMs = this.#paidUntil - performance.now();
    if (restMs >= 1) {
      setTimeout(() => this.#readOn(), restMs).unref();
      return;
    }
    this.isPaused = false;
    this.usedAt = Date.now();
    if (this.frameSince > 0) this.frameSince = this.usedAt;
    if (!this.#links.isPaused) this.connection.resume();
  }

  /** Its node does not hang any more. That it heard nothing meanwhile is nobody's fault. */
  wake(): void {
    this.usedAt = Date.now();
    if (this.frameSince > 0) this.frameSince = this.usedAt;
    if (!this.isPaused) this.connection.resume();
  }

  // ---- Greeting ----

  #onGreeting(body: Uint8Array): void {
    const kind = frameKind(body);
    if (kind === helloCode && this.#theirHello === undefined) return this.#onHello(decodeHello(body));
    if (kind === helloProofCode && this.#theirHello !== undefined) {
      const { signature } = decodeHelloProof(body);
      const statement = encodeHelloStatement(this.#theirHello, this.#ourHello!);
      if (!verifySignature(this.#theirHello.publicKey, statement, signature)) return this.cut("bad-proof");
      return this.#admit(this.#theirHello);
    }
    this.cut("unexpected-greeting");
  }

  #onHello(hello: Hello): void {
    const { config } = this.#links;
    const { provenKey } = this.connection;
    this.#theirHello = hello;
    if (hello.version !== wireVersion)
      return this.#part("other-version", `it speaks version ${hello.version}, we ${wireVersion}`);
    if (hello.cluster !== config.cluster) {
      return this.#part(
        "other-cluster",
        `it belongs to cluster "${hello.cluster}", we to "${config.cluster}"`,
      );
    }
    const { profile = "" } = config;
    if (hello.profile !== profile) {
      const [theirs, ours] = [hello.profile || "classic", profile || "classic"];
      return this.#part("other-profile", `its --profile is ${theirs}, ours ${ours}`);
    }
    if (provenKey !== undefined && Buffer.compare(provenKey, hello.publicKey) !== 0) {
      return this.cut("key-not-proven", "its hello names another key than its certificate");
    }
    if (!config.isMember(hello.publicKey, hello.token))
      return this.cut("not-a-member", "its token is not of this cluster");
    const id = idOfKey(hello.publicKey);
    if (id === config.identity.id)
      return this.cut("self", "it has our own key: a copy of our identity, or ourselves");
    const expected = this.dialled === undefined ? "" : (identityOf(this.dialled) as string);
    if (expected !== "" && expected !== id)
      return this.cut("wrong-identity", `expected ${expected}, found ${id}`);
    this.identity = id;
    this.contact = formatContact(id, hello.host, hello.port);
    if (provenKey !== undefined) return this.#admit(hello);
    const statement = encodeHelloStatement(this.#ourHello!, hello);
    this.connection.write(
      encodeHelloProof({ type: "hello-proof", signature: config.identity.sign(statement) }),
    );
  }

  #admit(hello: Hello): void {
    this.#isReady = true;
    this.#reader.maxFrameBytes = this.#links.config.codec.maxFrameBytes;
    this.#ourHello = undefined;
    this.#theirHello = undefined;
    this.usedAt = Date.now();
    this.#links.admit(this);
    this.#links.event("link-open", this.remote, hello.name);
  }
}
