import { PendingSet } from "./pending-set.ts";
import type { TransportSetup } from "./socket-transport.ts";
import { connectionError, refusal } from "./system-errors.ts";
import {
  type Address,
  type Connection,
  formatAddress,
  noRefusals,
  type OnRefused,
  type RefusalReason,
  type Transport,
  TransportError,
  type TransportOptions,
  transportOptions,
} from "./transport.ts";

/** As much as a reader may leave unread before the writer's `bufferedBytes` grows; also the largest chunk. */
const capacity = 64 * 1024;
const firstFreePort = 49152;

type OnConnection = (connection: Connection) => void;

/** The addresses of one process's memory: what its loopback transports have in common. */
export class LoopbackNetwork {
  readonly #listeners = new Map<string, { transport: LoopbackTransport; onConnection: OnConnection }>();
  readonly #hanging = new Set<string>();
  #nextPort = firstFreePort;
  /** Whose turn it is to move bytes; each turn of the event loop serves all that were waiting before it. */
  #waiting: LoopbackConnection[] = [];

  /** Dials to this address wait for ever. */
  hang(address: Address): void {
    this.#hanging.add(formatAddress(address));
  }

  isHanging(address: Address): boolean {
    return this.#hanging.has(formatAddress(address));
  }

  listenerAt(address: Address) {
    return this.#listeners.get(formatAddress(address));
  }

  /** The address with a real port; undefined if it is taken. */
  bind(address: Address, transport: LoopbackTransport, onConnection: OnConnection): Address | undefined {
    const bound = {
      host: address.host,
      port: address.port === 0 ? this.#freePort(address.host) : address.port,
    };
    if (this.listenerAt(bound) !== undefined) return undefined;
    this.#listeners.set(formatAddress(bound), { transport, onConnection });
    return bound;
  }

  unbind(transport: LoopbackTransport): void {
    for (const [name, listener] of this.#listeners) {
      if (listener.transport === transport) this.#listeners.delete(name);
    }
  }

  schedule(connection: LoopbackConnection): void {
    if (connection.isScheduled) return;
    connection.isScheduled = true;
    if (this.#waiting.push(connection) === 1) setImmediate(this.#move);
  }

  readonly #move = (): void => {
    const turn = this.#waiting;
    this.#waiting = [];
    for (const connection of turn) {
      connection.isScheduled = false;
      connection.move();
    }
  };

  #freePort(host: string): number {
    while (this.listenerAt({ host, port: this.#nextPort }) !== undefined) this.#nextPort++;
    return this.#nextPort++;
  }
}

export interface LoopbackSetup extends TransportSetup {
  /** What the other end sees as our proven key, as if there were TLS. */
  readonly provenKey?: Uint8Array;
}

/**
 * Connections within one process, without sockets: asynchronous, ordered, with buffers as bounded as a kernel's.
 * For tests, and for many nodes in one process where the cost of sockets is not the question.
 */
export class LoopbackTransport implements Transport {
  readonly options: TransportOptions;
  readonly network: LoopbackNetwork;
  readonly #provenKey: Uint8Array | undefined;
  readonly #refusals = noRefusals();
  readonly #onRefused: OnRefused | undefined;
  readonly #connections = new Set<LoopbackConnection>();
  readonly #silent: PendingSet<LoopbackConnection>;
  readonly #dials = new Set<() => void>();
  #nextPort = 1;
  #closing: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(network: LoopbackNetwork, { options, onRefused, provenKey }: LoopbackSetup = {}) {
    this.network = network;
    this.options = transportOptions(options);
    this.#onRefused = onRefused;
    this.#provenKey = provenKey;
    const { maxPendingHandshakes: limit, handshakeTimeoutMs: timeoutMs } = this.options;
    this.#silent = new PendingSet({ limit, timeoutMs }, (connection, reason) => {
      const error = refusal(reason, "it says nothing", connection.remote);
      this.#refused(error, connection.remote);
      connection.fail(error);
    });
  }

  get refusals(): Readonly<Record<RefusalReason, number>> {
    return this.#refusals;
  }
  get connectionCount(): number {
    return this.#connections.size + this.#dials.size;
  }

  async listen(address: Address, onConnection: OnConnection): Promise<Address> {
    const name = formatAddress(address);
    if (this.#closing !== undefined)
      throw new TransportError("closed", `cannot listen at ${name}: the transport is closed`);
    const bound = this.network.bind(address, this, onConnection);
    if (bound === undefined)
      throw new TransportError("port-in-use", `cannot listen at ${name}: already in use`);
    return bound;
  }

  dial(address: Address, timeoutMs: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const fail = (code: TransportError["code"], text: string) =>
        reject(new TransportError(code, `cannot connect to ${formatAddress(address)}: ${text}`));
      if (this.#closing !== undefined) return fail("closed", "the transport is closed");
      if (this.connectionCount >= this.options.maxConnections) {
        return fail("too-many-connections", `maxConnections (${this.options.maxConnections}) are open`);
      }
      const done = () => {
        clearTimeout(timer);
        this.#dials.delete(abandon);
        this.#checkEmpty();
      };
      const abandon = () => {
        done();
        fail("closed", "the transport is closed");
      };
      const timer = setTimeout(() => {
        done();
        fail("timeout", `no answer within ${timeoutMs} ms`);
      }, timeoutMs).unref();
      this.#dials.add(abandon);
      if (this.network.isHanging(address)) return;
      setImmediate(() => {
        if (!this.#dials.has(abandon)) return;
        done();
        const listener = this.network.listenerAt(address);
        if (listener === undefined) return fail("refused", "nobody listens there");
        const connection = this.#connect(address, listener.transport, listener.onConnection);
        if (connection === undefined) return fail("reset", "it broke off");
        resolve(connection);
      });
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // ---- Called by our connections ----

  onFirstData(connection: LoopbackConnection): void {
    this.#silent.delete(connection);
  }

  onConnectionClosed(connection: LoopbackConnection): void {
    this.#silent.delete(connection);
    this.#connections.delete(connection);
    this.#checkEmpty();
  }

  #connect(
    address: Address,
    to: LoopbackTransport,
    onConnection: OnConnection,
  ): LoopbackConnection | undefined {
    const remote: Address = { host: address.host, port: this.#nextPort++ };
    if (to.connectionCount >= to.options.maxConnections) {
      const text = `maxConnections (${to.options.maxConnections}) are open`;
      to.#refused(refusal("too-many-connections", text, remote), remote);
      return undefined;
    }
    const ours = new LoopbackConnection(this, {
      remote: address,
      isInbound: false,
      provenKey: to.#provenKey,
    });
    const theirs = new LoopbackConnection(to, { remote, isInbound: true, provenKey: this.#provenKey });
    ours.peer = theirs;
    theirs.peer = ours;
    this.#connections.add(ours);
    to.#connections.add(theirs);
    to.#silent.add(theirs);
    onConnection(theirs);
    return ours;
  }

  #refused(error: TransportError, remote: Address): void {
    this.#refusals[error.code as RefusalReason]++;
    this.#onRefused?.(error, remote);
  }

  async #close(): Promise<void> {
    await undefined;
    this.network.unbind(this);
    this.#silent.clear();
    for (const abandon of [...this.#dials]) abandon();
    for (const connection of [...this.#connections]) if (!connection.isFlushing) connection.destroy();
    if (this.connectionCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
    }
  }

  #checkEmpty(): void {
    if (this.connectionCount === 0) this.#onEmpty?.();
  }
}

/**
 * One end. Bytes go from the writer's `#outgoing` (what `bufferedBytes` counts) to the reader's `#incoming` (at most
 * `capacity`, as in a kernel) and from there to its `onData`. The reader does the moving, in its own turn.
 */
class LoopbackConnection implements Connection {
  readonly remote: Address;
  readonly isInbound: boolean;
  readonly provenKey: Uint8Array | undefined;
  peer!: LoopbackConnection;
  isScheduled = false;
  readonly #transport: LoopbackTransport;
  #outgoing: Uint8Array[] = [];
  #outgoingBytes = 0;
  #incoming: Uint8Array[] = [];
  #incomingBytes = 0;
  #onData: ((chunk: Uint8Array) => void) | undefined;
  #onClose: ((error: TransportError | undefined) => void) | undefined;
  #error: TransportError | undefined;
  #hasSpoken = false;
  #isPaused = false;
  /** Nothing can be written any more: we have closed, or the other end has and we follow. */
  #isEnding = false;
  /** We have closed: what still comes is dropped. */
  #isDeaf = false;
  #isDestroyed = false;
  #isGone = false;
  #graceTimer: NodeJS.Timeout | undefined;
  #gracesLeft = 10;

  constructor(
    transport: LoopbackTransport,
    { remote, isInbound, provenKey }: Pick<Connection, "remote" | "isInbound" | "provenKey">,
  ) {
    this.#transport = transport;
    this.remote = remote;
    this.isInbound = isInbound;
    this.provenKey = provenKey;
  }

  get bufferedBytes(): number {
    return this.#outgoingBytes;
  }
  get isClosed(): boolean {
    return this.#isEnding;
  }
  /** `close` was called and what was written is still on its way. */
  get isFlushing(): boolean {
    return this.#graceTimer !== undefined;
  }

  write(bytes: Uint8Array): void {
    if (this.#isEnding || bytes.length === 0) return;
    // A copy, as a network would make one: neither end can change what the other has.
    this.#outgoing.push(new Uint8Array(bytes));
    this.#outgoingBytes += bytes.length;
    this.peer.#schedule();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  close(): void {
    if (this.#isDeaf || this.#isGone) return;
    this.#isEnding = true;
    this.#isDeaf = true;
    this.#startGrace();
    this.#schedule();
    this.peer.#schedule();
  }

  destroy(): void {
    if (this.#isGone) return;
    this.#isEnding = true;
    this.#isDeaf = true;
    this.#isDestroyed = true;
    this.#forgetOutgoing();
    this.#schedule();
  }

  /** Destroys with a reason of ours. */
  fail(error: TransportError): void {
    this.#error ??= error;
    this.destroy();
  }

  get onData(): (chunk: Uint8Array) => void {
    return this.#onData ?? ignore;
  }
  set onData(handler: (chunk: Uint8Array) => void) {
    this.#onData = handler;
    this.#schedule();
  }

  get onClose(): (error: TransportError | undefined) => void {
    return this.#onClose ?? ignore;
  }
  set onClose(handler: (error: TransportError | undefined) => void) {
    const isLate = this.#isGone && this.#onClose === undefined;
    this.#onClose = handler;
    if (isLate) queueMicrotask(() => handler(this.#error));
  }

  /** One turn. */
  move(): void {
    if (this.#isGone) return;
    const { peer } = this;
    this.#pull();
    this.#deliver();
    if (this.#isDestroyed) return this.#vanish();
    if (peer.#outgoingBytes > 0 && this.#incomingBytes < capacity) return this.#schedule();
    if (!peer.#hasFlushed || this.#incomingBytes > 0) return;
    // We have heard the end: we follow when all that we wrote is away too.
    this.#isEnding = true;
    if (this.#outgoingBytes > 0 && peer.#isGone) {
      this.#error ??= connectionError({ code: "ECONNRESET" }, this.remote);
      this.#forgetOutgoing();
    }
    if (this.#outgoingBytes === 0) this.#vanish();
    else peer.#schedule();
  }

  get #hasFlushed(): boolean {
    return this.#isEnding && this.#outgoingBytes === 0;
  }

  /** From the writer's buffer into ours, as far as there is room. */
  #pull(): void {
    const { peer } = this;
    while (peer.#outgoingBytes > 0 && this.#incomingBytes < capacity) {
      const first = peer.#outgoing[0]!;
      const room = capacity - this.#incomingBytes;
      const part = first.subarray(0, room);
      if (part.length === first.length) peer.#outgoing.shift();
      else peer.#outgoing[0] = first.subarray(room);
      peer.#outgoingBytes -= part.length;
      this.#incoming.push(part);
      this.#incomingBytes += part.length;
      if (!this.#hasSpoken) {
        this.#hasSpoken = true;
        this.#transport.onFirstData(this);
      }
    }
    if (peer.#hasFlushed) peer.#schedule();
  }

  #deliver(): void {
    while (this.#incoming.length > 0) {
      if (!this.#isDeaf && (this.#isPaused || this.#onData === undefined)) return;
      const chunk = this.#incoming.shift()!;
      this.#incomingBytes -= chunk.length;
      if (!this.#isDeaf) this.#onData!(chunk);
    }
  }

  #vanish(): void {
    this.#isGone = true;
    clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
    this.#transport.onConnectionClosed(this);
    this.peer.#schedule();
    this.#onClose?.(this.#error);
  }

  /** As long as bytes move, a closing connection lives on, but not for ever. */
  #startGrace(): void {
    const before = this.#outgoingBytes;
    const endOfGrace = () => {
      if (this.#outgoingBytes < before && --this.#gracesLeft > 0) this.#startGrace();
      else this.destroy();
    };
    this.#graceTimer = setTimeout(endOfGrace, this.#transport.options.closeGraceMs).unref();
  }

  #forgetOutgoing(): void {
    this.#outgoing = [];
    this.#outgoingBytes = 0;
  }

  #schedule(): void {
    if (!this.#isGone) this.#transport.network.schedule(this);
  }
}

function ignore(): void {}
