/**
 * Links that a scenario can cut, slow and spoil, between live nodes of one process. A gate stands at the dialling end
 * of each connection and holds what passes it, in each direction for itself:
 *
 *     dialler -> outbound lane -> socket ->         listener
 *     dialler <- inbound lane  <- socket <-         listener
 *
 * Gates that nobody has shut let everything through at once, so that a network may have them always. Datagrams have
 * theirs where they are sent (`gated-socket.ts`).
 *
 * A cut lane keeps its bytes, in order, and so the news of a closed connection; dials over a cut path time out. What
 * is not modelled: a node that is killed during a cut takes its sockets with it, and listeners whose dialler it was
 * see that at once.
 */
import { seededRandom, UsageError } from "../../core/index.ts";
import { Connectivity, type LinkSettings, latencyModel, linkSettings } from "../../simulator/index.ts";
import {
  type Address,
  type Connection,
  type DatagramSocket,
  formatAddress,
  type RefusalReason,
  type Transport,
  TransportError,
} from "../../transport/index.ts";
import { GatedSocket } from "./gated-socket.ts";

/** A closing connection that nothing can be flushed from is given up after this. */
const closeGraceMs = 1000;
/** With so much on its way to a reader, the socket is read no further. */
const maxInboundBytes = 1024 * 1024;
/** Each time a chunk is lost it is sent again after twice the pause, as TCP does; so often at most. */
const maxRetransmissions = 6;

export interface GatesConfig {
  /** So many nodes there may be, with all that join later. */
  readonly nodes: number;
  readonly seed: number;
  /** Without them, links are as quick as they are. */
  readonly links?: Partial<LinkSettings>;
}

/** All paths of one network: what is cut, and how long things take. */
export class Gates {
  readonly #config: GatesConfig;
  readonly #rows = new Map<string, number>();
  readonly #rowAt = new Map<string, number>();
  readonly #connectivity: Connectivity;
  readonly #random;
  readonly #perEventMs: number[] = [];
  readonly #busyUntil: number[] = [];
  readonly #watchers = new Set<() => void>();
  #links: LinkSettings | undefined;
  #latency: ReturnType<typeof latencyModel> | undefined;

  constructor(config: GatesConfig) {
    this.#config = config;
    this.#connectivity = new Connectivity(config.nodes);
    this.#random = seededRandom(config.seed);
    if (config.links !== undefined) this.setLinks(config.links);
  }

  /** To be a node's `wrapTransport`. */
  wrap(name: string): (transport: Transport) => Transport {
    return (transport) => new GatedTransport(transport, this, this.rowOf(name));
  }

  partition(groups: readonly (readonly string[])[]): void {
    this.#connectivity.partition(groups.map((names) => names.map((name) => this.rowOf(name))));
    this.#changed();
  }

  /** What these say does not arrive at those. */
  cut(from: readonly string[], to: readonly string[]): void {
    this.#connectivity.cut(
      from.map((name) => this.rowOf(name)),
      to.map((name) => this.rowOf(name)),
    );
    this.#changed();
  }

  heal(): void {
    this.#connectivity.heal();
    this.#changed();
  }

  /** From now on; what is under way keeps its time. */
  setLinks(links: Partial<LinkSettings>): void {
    this.#links = linkSettings({ latency: { model: "constant", ms: 0 }, ...this.#links, ...links });
    this.#latency = latencyModel(this.#links.latency, this.#config.nodes, this.#config.seed);
  }

  /** Whatever arrives there takes so long, one thing after the other. */
  slow(name: string, perEventMs: number): void {
    this.#perEventMs[this.rowOf(name)] = perEventMs;
  }

  /** A node's `wrapSocket`. */
  wrapSocket(name: string): (socket: DatagramSocket) => DatagramSocket {
    return (socket) => new GatedSocket(socket, this, this.rowOf(name));
  }

  // ---- Asked by transports, connections and lanes ----

  rowOf(name: string): number {
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = this.#rows.size;
      if (row >= this.#config.nodes)
        throw new UsageError(`join: there is room for ${this.#config.nodes} nodes, and no more`);
      this.#rows.set(name, row);
    }
    return row;
  }

  listensAt(address: Address, row: number): void {
    this.#rowAt.set(formatAddress(address), row);
  }
  /** Who listens there; undefined if it is nobody of ours. */
  rowAt(address: Address): number | undefined {
    return this.#rowAt.get(formatAddress(address));
  }

  passes(from: number, to: number): boolean {
    return this.#connectivity.passes(from, to);
  }

  /** Nothing has been cut, slowed or spoilt: whatever passes costs no more than the question. */
  get isOpen(): boolean {
    return this.#links === undefined && !this.#connectivity.isCutting && this.#perEventMs.length === 0;
  }

  get resetAfterMs(): number {
    return this.#links?.resetAfterMs ?? Number.POSITIVE_INFINITY;
  }

  /** When something that is said now arrives there over a stream, which sends again what was lost. */
  dueAt(from: number, to: number): number {
    let at = performance.now();
    if (this.#links !== undefined) {
      at += this.#latency!.sampleMs(from, to, this.#random);
      let pauseMs = this.#links.retransmitMs;
      for (let i = 0; i < maxRetransmissions && this.#random.unit() < this.#links.loss; i++, pauseMs *= 2)
        at += pauseMs;
    }
    return this.#doneAt(at, to);
  }

  /** The same of a datagram; undefined if it is lost. */
  datagramDueAt(from: number, to: number): number | undefined {
    if (!this.passes(from, to)) return undefined;
    if (this.#links === undefined) return this.#doneAt(performance.now(), to);
    if (this.#random.unit() < this.#links.loss) return undefined;
    return this.#doneAt(performance.now() + this.#latency!.sampleMs(from, to, this.#random), to);
  }

  #doneAt(at: number, to: number): number {
    const perEventMs = this.#perEventMs[to] ?? 0;
    if (perEventMs === 0) return at;
    const doneAt = Math.max(at, this.#busyUntil[to] ?? 0) + perEventMs;
    this.#busyUntil[to] = doneAt;
    return doneAt;
  }

  /** Calls the watcher whenever paths were cut or healed; call the result to stop. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

export class GatedTransport implements Transport {
  readonly #inner: Transport;
  readonly #gates: Gates;
  readonly #row: number;
  readonly #connections = new Set<GatedConnection>();
  readonly #waitingDials = new Set<() => void>();
  #isClosed = false;

  constructor(inner: Transport, gates: Gates, row: number) {
    this.#inner = inner;
    this.#gates = gates;
    this.#row = row;
  }

  get connectionCount(): number {
    return this.#inner.connectionCount + this.#waitingDials.size;
  }
  get refusals(): Readonly<Record<RefusalReason, number>> {
    return this.#inner.refusals;
  }

  async listen(address: Address, onConnection: (connection: Connection) => void): Promise<Address> {
    const bound = await this.#inner.listen(address, onConnection);
    this.#gates.listensAt(bound, this.#row);
    return bound;
  }

  async dial(address: Address, timeoutMs: number): Promise<Connection> {
    const other = this.#gates.rowAt(address);
    if (other === undefined || this.#isClosed) return await this.#inner.dial(address, timeoutMs);
    const startedAt = performance.now();
    await this.#handshake(address, other, timeoutMs);
    const restMs = Math.max(1, timeoutMs - (performance.now() - startedAt));
    const inner = await this.#inner.dial(address, restMs);
    const connection: GatedConnection = new GatedConnection(inner, this.#gates, {
      self: this.#row,
      other,
      onGone: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    return connection;
  }

  /** A round trip has to be possible, and takes its time. */
  #handshake(address: Address, other: number, timeoutMs: number): Promise<void> {
    const gates = this.#gates;
    const self = this.#row;
    return new Promise((resolve, reject) => {
      let pause: NodeJS.Timeout | undefined;
      const end = (error?: TransportError) => {
        clearTimeout(limit);
        clearTimeout(pause);
        unwatch();
        this.#waitingDials.delete(abandon);
        if (error === undefined) resolve();
        else reject(error);
      };
      const fail = (code: "timeout" | "closed", why: string) =>
        end(new TransportError(code, `cannot connect to ${formatAddress(address)}: ${why}`));
      const abandon = () => fail("closed", "the transport is closed");
      const look = () => {
        if (pause !== undefined || !gates.passes(self, other) || !gates.passes(other, self)) return;
        const now = performance.now();
        const roundTripMs = gates.dueAt(self, other) - now + (gates.dueAt(other, self) - now);
        if (roundTripMs < 1) return end();
        pause = setTimeout(() => {
          pause = undefined;
          if (gates.passes(self, other) && gates.passes(other, self)) end();
        }, roundTripMs);
      };
      const limit = setTimeout(() => fail("timeout", `no answer within ${timeoutMs} ms`), timeoutMs);
      const unwatch = gates.watch(look);
      this.#waitingDials.add(abandon);
      look();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const abandon of [...this.#waitingDials]) abandon();
    // Those that are closing already may still say what they have to say.
    const connections = [...this.#connections];
    await Promise.all(connections.map((connection) => connection.abandon()));
    await this.#inner.close();
    await Promise.all(connections.map(({ gone }) => gone));
  }
}

interface Ends {
  readonly self: number;
  readonly other: number;
  readonly onGone: () => void;
}

class GatedConnection implements Connection {
  readonly remote: Address;
  readonly isInbound = false;
  readonly provenKey: Uint8Array | undefined;
  /** Resolves when `onClose` was told. */
  readonly gone: Promise<void>;
  #onGone!: () => void;
  readonly #inner: Connection;
  readonly #gates: Gates;
  readonly #ends: Ends;
  readonly #outbound: Lane;
  readonly #inbound: Lane;
  readonly #unwatch: () => void;
  #onData: ((chunk: Uint8Array) => void) | undefined;
  #onClose: ((error: TransportError | undefined) => void) | undefined;
  /** We called `close` or `destroy`. */
  #isEnding = false;
  #isPaused = false;
  #isReading = true;
  /** What `onClose` is told, once it is known here. */
  #end: { readonly error: TransportError | undefined } | undefined;
  #isTold = false;
  #grace: NodeJS.Timeout | undefined;
  #reset: NodeJS.Timeout | undefined;
  #onFlushed: (() => void) | undefined;

  constructor(inner: Connection, gates: Gates, ends: Ends) {
    this.#inner = inner;
    this.#gates = gates;
    this.#ends = ends;
    this.gone = new Promise((resolve) => {
      this.#onGone = resolve;
    });
    this.remote = inner.remote;
    this.provenKey = inner.provenKey;
    const { self, other } = ends;
    this.#outbound = new Lane(gates, { from: self, to: other }, (chunk) => inner.write(chunk));
    this.#inbound = new Lane(gates, { from: other, to: self }, (chunk) => this.#onChunk(chunk));
    this.#outbound.onEmpty = () => this.#outboundEmpty();
    this.#unwatch = gates.watch(() => this.#pathsChanged());
    inner.onClose = (error) => {
      if (this.#isEnding) this.#over(error);
      else this.#inbound.end(() => this.#over(error));
    };
  }

  get bufferedBytes(): number {
    return this.#inner.bufferedBytes + this.#outbound.heldBytes;
  }
  get isClosed(): boolean {
    // What happened to the socket is not known here before the news of it has come through.
    return this.#isEnding || this.#end !== undefined || (this.#inner.isClosed && !this.#inbound.isHeld);
  }

  write(bytes: Uint8Array): void {
    if (!this.isClosed) this.#outbound.push(bytes);
  }

  pause(): void {
    this.#isPaused = true;
    this.#inbound.isStopped = true;
    this.#isReading = false;
    this.#inner.pause();
  }
  resume(): void {
    this.#isPaused = false;
    if (this.#onData === undefined) return;
    this.#inbound.isStopped = false;
    this.#inbound.flush();
    this.#readOn();
  }

  close(): void {
    if (this.#isEnding || this.#end !== undefined) return;
    this.#isEnding = true;
    this.#inbound.drop();
    if (this.#outbound.heldBytes === 0 && !this.#outbound.isHeld) return this.#inner.close();
    this.#grace = setTimeout(() => this.#cutOff(undefined), closeGraceMs);
  }

  destroy(): void {
    if (this.#end !== undefined) return;
    this.#isEnding = true;
    this.#cutOff(undefined);
  }

  /** The transport closes: waits for what is still being flushed, destroys everything else. */
  abandon(): Promise<void> {
    const isFlushing = this.#grace !== undefined && !this.#outbound.isHeld;
    if (isFlushing) return new Promise((resolve) => (this.#onFlushed = resolve));
    if (!this.#isEnding) this.destroy();
    return Promise.resolve();
  }

  get onData(): (chunk: Uint8Array) => void {
    return this.#onData ?? ignore;
  }
  set onData(handler: (chunk: Uint8Array) => void) {
    const isFirst = this.#onData === undefined;
    this.#onData = handler;
    if (!isFirst) return;
    this.#inbound.isStopped = this.#isPaused;
    this.#inner.onData = (chunk) => this.#arrived(chunk);
    this.#readOn();
  }

  get onClose(): (error: TransportError | undefined) => void {
    return this.#onClose ?? ignore;
  }
  set onClose(handler: (error: TransportError | undefined) => void) {
    const isLate = this.#isTold && this.#onClose === undefined;
    this.#onClose = handler;
    if (isLate) queueMicrotask(() => handler(this.#end!.error));
  }

  // ---- Lanes ----

  #arrived(chunk: Uint8Array): void {
    if (this.#isEnding) return;
    this.#inbound.push(chunk);
    this.#readOn();
  }

  #onChunk(chunk: Uint8Array): void {
    if (!this.#isEnding) this.#onData?.(chunk);
    if (this.#inbound.heldBytes <= maxInboundBytes / 2) this.#readOn();
  }

  /** A cut keeps bytes with their sender: his buffers fill. */
  #readOn(): void {
    if (this.#isEnding) return;
    const isTooMuch = this.#inbound.isHeld || this.#inbound.heldBytes > maxInboundBytes;
    const isReading = !this.#isPaused && !isTooMuch;
    if (isReading === this.#isReading) return;
    this.#isReading = isReading;
    if (isReading) this.#inner.resume();
    else this.#inner.pause();
  }

  #outboundEmpty(): void {
    clearTimeout(this.#reset);
    this.#reset = undefined;
    if (this.#grace === undefined) return;
    clearTimeout(this.#grace);
    this.#grace = undefined;
    this.#inner.close();
    this.#onFlushed?.();
  }

  #pathsChanged(): void {
    this.#outbound.flush();
    this.#inbound.flush();
    this.#readOn();
    const mayReset = this.#outbound.isHeld && Number.isFinite(this.#gates.resetAfterMs);
    if (!mayReset) {
      clearTimeout(this.#reset);
      this.#reset = undefined;
    } else this.#reset ??= setTimeout(() => this.#giveUp(), this.#gates.resetAfterMs).unref();
  }

  /** What was said has not arrived for too long. */
  #giveUp(): void {
    if (this.#outbound.heldBytes === 0 || this.#end !== undefined) return;
    const text = `${formatAddress(this.remote)} has confirmed nothing for ${this.#gates.resetAfterMs} ms`;
    this.#isEnding = true;
    this.#cutOff(new TransportError("reset", text));
  }

  // ---- The end ----

  /** Ends it here and now. Over a cut the other end hears nothing of that until the path is healed. */
  #cutOff(error: TransportError | undefined): void {
    clearTimeout(this.#grace);
    this.#grace = undefined;
    this.#outbound.drop();
    this.#inbound.drop();
    const { self, other } = this.#ends;
    const inner = this.#inner;
    if (this.#gates.passes(self, other)) {
      inner.onClose = ignore;
      inner.destroy();
    } else {
      inner.pause();
      const unwatch = this.#gates.watch(() => {
        if (!this.#gates.passes(self, other)) return;
        unwatch();
        inner.destroy();
      });
      inner.onClose = unwatch;
    }
    setImmediate(() => this.#over(error));
  }

  #over(error: TransportError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    clearTimeout(this.#grace);
    clearTimeout(this.#reset);
    this.#outbound.drop();
    this.#inbound.drop();
    this.#unwatch();
    this.#ends.onGone();
    this.#onFlushed?.();
    // Dropping a lane may have told us, from within a call of our user's.
    queueMicrotask(() => {
      this.#isTold = true;
      this.#onClose?.(error);
      this.#onGone();
    });
  }
}

/** One direction: things arrive in the order in which they were sent, and none while the path is cut. */
class Lane {
  /** Nothing may be delivered for now, though it arrives. */
  isStopped = false;
  heldBytes = 0;
  onEmpty: () => void = ignore;
  readonly #gates: Gates;
  readonly #path: { readonly from: number; readonly to: number };
  readonly #deliver: (chunk: Uint8Array) => void;
  #queue: { readonly dueAt: number; readonly chunk: Uint8Array }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #onEnd: (() => void) | undefined;

  constructor(
    gates: Gates,
    path: { readonly from: number; readonly to: number },
    deliver: (chunk: Uint8Array) => void,
  ) {
    this.#gates = gates;
    this.#path = path;
    this.#deliver = deliver;
  }

  get isHeld(): boolean {
    return !this.#gates.passes(this.#path.from, this.#path.to);
  }

  push(chunk: Uint8Array): void {
    if (this.#gates.isOpen && this.#queue.length === 0 && !this.isStopped) return this.#deliver(chunk);
    this.#queue.push({ dueAt: this.#gates.dueAt(this.#path.from, this.#path.to), chunk });
    this.heldBytes += chunk.length;
    this.flush();
  }

  /** Nothing follows: calls back when everything before has arrived, and the path is not cut. */
  end(onEnd: () => void): void {
    this.#onEnd = onEnd;
    this.flush();
  }

  /** Delivers what is due; whoever is late holds up those behind him. */
  flush(): void {
    while (!this.isStopped && this.#queue.length > 0 && !this.isHeld) {
      const { dueAt, chunk } = this.#queue[0]!;
      // A timer may come a moment early, and what takes no time needs none.
      const restMs = dueAt - performance.now();
      if (restMs >= 0.5) return this.#wait(restMs);
      this.#queue.shift();
      this.heldBytes -= chunk.length;
      this.#deliver(chunk);
      if (this.#queue.length === 0) this.onEmpty();
    }
    if (this.#queue.length > 0 || this.#onEnd === undefined || this.isHeld) return;
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    onEnd();
  }

  drop(): void {
    this.#queue = [];
    this.heldBytes = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    onEnd?.();
  }

  #wait(ms: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.flush();
    }, ms);
  }
}

function ignore(): void {}
