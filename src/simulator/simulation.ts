/**
 * A network in virtual time. The protocols are the very objects that run live; what is simulated is the world around
 * them: clock, dice, links, disks of stone. One agenda holds everything that will happen, as numbers:
 *
 *     send      ->  [at + what the links say, receiver, kind | sender, message]
 *     schedule  ->  [at + after,              node,     kind | life,   timer]
 *
 * Three kinds of protocol run on it:
 *
 *  - an object for each node (`host`): the ordinary kind. Messages and timers are objects, kept aside and named by
 *    their number;
 *  - one object for all nodes (`hostAll`), with a row of typed columns for each: messages and timers are integers,
 *    and nothing is allocated for an event;
 *  - either of them wire-true (`codec`): every message is written to bytes when it is sent and read when it arrives.
 *
 * No promise, no closure and no text for an event. The simulation is itself the one environment of all nodes:
 * whoever is entered finds its own `self`, `row`, `now` and `random` in it.
 */
import {
  type Environment,
  hashText,
  type Millis,
  type NodeId,
  type Protocol,
  UsageError,
} from "../core/index.ts";
import { type Agenda, latestTime } from "./agenda.ts";
import { ByteArena } from "./byte-arena.ts";
import { CounterRandom } from "./counter-random.ts";
import type { LinkSettings } from "./link-settings.ts";
import { held, Links } from "./links.ts";
import { Slab } from "./slab.ts";
import { TimingWheel } from "./timing-wheel.ts";

/** Messages to bytes and back, without objects of its own. */
export interface MessageCodec<Message = any> {
  /** No message is longer. */
  readonly maxBytes: number;
  /** Writes the message to the beginning of `target`; returns its length. */
  write(message: Message, target: Uint8Array): number;
  /** Throws if the bytes are no message: then they are dropped and counted. */
  read(source: Uint8Array, start: number, end: number): Message;
}

type AnyProtocol = Protocol<any, any, any, any>;

export interface SimulationConfig {
  /** Everything that is drawn comes from this number: any safe integer. */
  readonly seed: number;
  /** How many nodes there can be. */
  readonly rows: number;
  readonly links?: Partial<LinkSettings>;
  /** Default: a timing wheel. */
  readonly agenda?: Agenda;
  /** Makes the run wire-true. */
  readonly codec?: MessageCodec;
  /** What nodes are called; default: by their row. */
  readonly idOf?: (row: number) => NodeId;
  /** Bytes of a message on the wire, for links with limited bandwidth; not asked in a wire-true run. */
  readonly sizeOf?: (message: any) => number;
  readonly onNotice?: (row: number, notice: any, at: Millis) => void;
  /** Streams only: the sender learns that its message cannot arrive. */
  readonly onUndeliverable?: (from: number, to: number, reason: "dead" | "reset") => void;
}

export interface SimulationCounters {
  events: number;
  messages: number;
  timers: number;
  commands: number;
  /** Messages to nodes that were dead when they arrived, or that nobody knows. */
  toNobody: number;
  /** Timers of a life that had ended. */
  ofEarlierLives: number;
  /** Messages that no codec would read. */
  malformed: number;
  /** Streams that were reset, and the messages in them. */
  resets: number;
  /** Messages that a paused node or a held stream had no room for. */
  overflowed: number;
  bytes: number;
}

// The kinds of events: the upper bits of `head`. The lower 28 are the sender of a message or the life of a timer.
const timerNumber = 0;
const timerObject = 1;
const messageNumber = 2;
const messageObject = 3;
const messageBytes = 4;
const commandObject = 5;
const callFunction = 6;
const undeliverable = 7;
const kindShift = 28;
const lowMask = (1 << kindShift) - 1;
/** The node has taken its time for this event already. */
const served = 1 << 31;

// A node's status: life << 3 | flags.
const alive = 1;
const paused = 2;
const slow = 4;
const flags = 7;
const lifeShift = 3;
const lifeMask = lowMask >>> 0;

/** Events kept for a paused node, and messages for a held stream; what a socket's buffer would hold. */
const maxHeld = 20_000;

interface HeldStream {
  readonly from: number;
  readonly to: number;
  readonly since: Millis;
  /** head and payload of each message. */
  readonly events: number[];
}

export class Simulation implements Environment<any, any, any> {
  // ---- What the node that is entered sees ----
  self: NodeId = 0;
  row = 0;
  now: Millis = 0;
  readonly random: CounterRandom;

  readonly rows: number;
  readonly links: Links;
  readonly counters: SimulationCounters = {
    events: 0,
    messages: 0,
    timers: 0,
    commands: 0,
    toNobody: 0,
    ofEarlierLives: 0,
    malformed: 0,
    resets: 0,
    overflowed: 0,
    bytes: 0,
  };
  readonly #config: SimulationConfig;
  readonly #agenda: Agenda;
  readonly #objects = new Slab<any>();
  readonly #arena = new ByteArena();
  readonly #scratch: Uint8Array;
  readonly #status: Int32Array;
  readonly #protocols: (AnyProtocol | undefined)[] = [];
  #shared: AnyProtocol | undefined;
  readonly #ids: NodeId[] | undefined;
  readonly #rowsById: Map<NodeId, number> | undefined;
  /** True time; `now` is what the clock of the node shows. */
  #time: Millis = 0;
  #hashA = 0x243f6a88;
  #hashB = 0x85a308d3;
  readonly #noticeHashes = new Map<string, number>();
  readonly #heldEvents = new Map<number, number[]>();
  readonly #heldStreams = new Map<number, HeldStream>();
  readonly #slowness = new Map<number, { perEventMs: Millis; busyUntil: Millis }>();
  #clocks: Clocks | undefined;

  constructor(config: SimulationConfig) {
    const { seed, rows, idOf, codec } = config;
    if (!Number.isSafeInteger(seed)) throw new UsageError(`seed: ${seed} is not an integer`);
    if (!Number.isSafeInteger(rows) || rows < 1 || rows >= lowMask)
      throw new UsageError(`rows: ${rows} is not between 1 and ${lowMask - 1}`);
    this.#config = config;
    this.rows = rows;
    this.random = new CounterRandom(seed, "protocol", rows);
    this.links = new Links({ settings: config.links, rows, seed });
    this.#agenda = config.agenda ?? new TimingWheel();
    this.#status = new Int32Array(rows);
    this.#scratch = new Uint8Array(codec?.maxBytes ?? 0);
    if (idOf !== undefined) {
      this.#ids = Array.from({ length: rows }, (_, row) => idOf(row));
      this.#rowsById = new Map(this.#ids.map((id, row) => [id, row]));
    }
  }

  // ---- The environment ----

  send(to: NodeId, message: any): void {
    this.counters.messages++;
    const row = this.#rowsById === undefined ? (to as number) : this.#rowsById.get(to);
    if (row === undefined || !(row >= 0 && row < this.rows)) {
      this.counters.toNobody++;
      return;
    }
    const { codec } = this.#config;
    let kind: number;
    let payload: number;
    let bytes: number;
    if (codec !== undefined) {
      bytes = codec.write(message, this.#scratch);
      kind = messageBytes;
      payload = this.#keep(this.#scratch, bytes);
    } else {
      bytes = this.#config.sizeOf === undefined ? 0 : this.#config.sizeOf(message);
      const isNumber = typeof message === "number";
      kind = isNumber ? messageNumber : messageObject;
      payload = isNumber ? message : this.#objects.put(message);
    }
    this.counters.bytes += bytes;
    this.#transmit(this.row, row, kind, payload, bytes);
  }

  /** Fractions are rounded up: a timer never fires early. */
  schedule(after: Millis, timer: any): void {
    let pause = after > 0 ? Math.ceil(after) : 0;
    if (this.#clocks !== undefined) pause = this.#clocks.trueDuration(this.row, pause);
    const isNumber = typeof timer === "number";
    const kind = isNumber ? timerNumber : timerObject;
    const life = this.#status[this.row]! >>> lifeShift;
    this.#agenda.push(
      this.#time + pause,
      this.row,
      (kind << kindShift) | life,
      isNumber ? timer : this.#objects.put(timer),
    );
  }

  notify(notice: any): void {
    this.#mixNotice(notice);
    this.#config.onNotice?.(this.row, notice, this.#time);
  }

  // ---- Nodes ----

  /** True time, in milliseconds since the simulation began. */
  get time(): Millis {
    return this.#time;
  }
  idOf(row: number): NodeId {
    return this.#ids === undefined ? row : this.#ids[row]!;
  }
  /** Undefined if nobody is called so. */
  rowOf(id: NodeId): number | undefined {
    if (this.#rowsById !== undefined) return this.#rowsById.get(id);
    return typeof id === "number" && id >= 0 && id < this.rows ? id : undefined;
  }
  isAlive(row: number): boolean {
    return (this.#status[row]! & alive) !== 0;
  }
  isPaused(row: number): boolean {
    return (this.#status[row]! & paused) !== 0;
  }
  protocolOf(row: number): AnyProtocol | undefined {
    return this.#shared ?? this.#protocols[row];
  }

  /** Gives a node its protocol and starts it: its first life, or the next one after a crash. */
  host(row: number, protocol: AnyProtocol): void {
    this.#checkRow(row);
    if (this.isAlive(row)) throw new UsageError(`row: node ${row} lives already`);
    this.#protocols[row] = protocol;
    this.#begin(row);
    this.#enter(row);
    protocol.start(this);
  }

  /** One protocol with a row for each node: all of them live from now on. */
  hostAll(protocol: AnyProtocol): void {
    this.#shared = protocol;
    for (let row = 0; row < this.rows; row++) {
      if (!this.isAlive(row)) this.#begin(row);
      this.#enter(row);
      protocol.start(this);
    }
  }

  #begin(row: number): void {
    const life = ((this.#status[row]! >>> lifeShift) + 1) & lifeMask;
    this.#status[row] = (life << lifeShift) | alive;
  }

  /** The node stops without a word; what it had planned never happens. */
  crash(row: number): void {
    this.#checkRow(row);
    this.#status[row]! &= ~flags;
    this.#protocols[row] = undefined;
    this.#slowness.delete(row);
    this.#discardHeld(row);
  }

  /** The process hangs: messages and timers wait for it. */
  pause(row: number): void {
    this.#checkRow(row);
    if (this.isAlive(row)) this.#status[row]! |= paused;
  }

  /** What has waited happens now, in the order in which it came. */
  resume(row: number): void {
    this.#checkRow(row);
    if (!this.isPaused(row)) return;
    this.#status[row]! &= ~paused;
    const events = this.#heldEvents.get(row);
    this.#heldEvents.delete(row);
    for (let i = 0; events !== undefined && i < events.length; i += 2)
      this.#agenda.push(this.#time, row, events[i]!, events[i + 1]!);
  }

  /** From now on the node takes so long for each message and timer, one after the other; 0 is no time at all. */
  slowDown(row: number, perEventMs: Millis): void {
    this.#checkRow(row);
    if (!this.isAlive(row)) return;
    if (perEventMs > 0) {
      this.#slowness.set(row, { perEventMs, busyUntil: this.#slowness.get(row)?.busyUntil ?? this.#time });
      this.#status[row]! |= slow;
    } else this.#status[row]! &= ~slow;
  }

  /** From now on the node's clock runs so much faster (0.001) or slower (-0.001), and is put forward by `offsetMs`. */
  setClock(row: number, rate: number, offsetMs: Millis = 0): void {
    this.#checkRow(row);
    if (!(rate > -1)) throw new UsageError(`rate: ${rate} is not above -1`);
    this.#clocks ??= new Clocks(this.rows);
    this.#clocks.set(row, this.#time, rate, offsetMs);
  }

  /** The node gets a command of its user, now but after what is under way. */
  command(row: number, command: object, afterMs: Millis = 0): void {
    this.#checkRow(row);
    const life = this.#status[row]! >>> lifeShift;
    this.#agenda.push(
      this.#time + afterMs,
      row,
      (commandObject << kindShift) | life,
      this.#objects.put(command),
    );
  }

  /** Calls a function at that time: for whoever drives the simulation, never for what happens often. */
  at(time: Millis, call: () => void): void {
    this.#agenda.push(
      Math.max(time, this.#time),
      0,
      (callFunction << kindShift) | 0,
      this.#objects.put(call),
    );
  }

  /** Bytes arrive at a node as if `from` had sent them, whatever they are. Wire-true runs only. */
  inject(from: number, to: number, bytes: Uint8Array): void {
    if (this.#config.codec === undefined)
      throw new UsageError("codec: only a wire-true simulation reads bytes");
    this.#checkRow(to);
    this.#transmit(from, to, messageBytes, this.#keep(bytes, bytes.length), bytes.length);
  }

  // ---- Running ----

  /** Events that are waiting. */
  get pending(): number {
    return this.#agenda.size;
  }

  /**
   * Runs until that time, or until so many events have happened. Says why it stopped: `time` (time is `until` now),
   * `events`, or `idle`: nothing will ever happen again.
   */
  run(
    until: Millis = Number.POSITIVE_INFINITY,
    maxEvents = Number.POSITIVE_INFINITY,
  ): "time" | "events" | "idle" {
    const limit = Math.min(until, latestTime);
    if (!this.#loop(limit, maxEvents)) return "events";
    if (this.#agenda.size === 0 && until === Number.POSITIVE_INFINITY) return "idle";
    this.#time = Math.max(this.#time, Number.isFinite(until) ? until : this.#time);
    this.now = this.#time;
    return this.#agenda.size === 0 ? "idle" : "time";
  }

  /** A number of 64 bits, in hexadecimal: equal for runs in which the same happened, in the same order. */
  get hash(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
    return hex(this.#hashA) + hex(this.#hashB);
  }

  /** What agenda, bytes under way and the columns of the simulation itself take. */
  get memoryBytes(): number {
    const columns = this.#status.byteLength + this.random.counters.byteLength;
    return this.#agenda.memoryBytes + this.#arena.memoryBytes + columns;
  }

  /** True if no event is due by `until` any more. A hot loop: plain on purpose (bench/simulator). */
  #loop(until: Millis, maxEvents: number): boolean {
    const agenda = this.#agenda;
    const status = this.#status;
    const { counters, random } = this;
    const shared = this.#shared;
    let left = maxEvents;
    while (left > 0) {
      if (!agenda.next(until)) return true;
      left--;
      const { at, row, head, payload } = agenda;
      counters.events++;
      this.#time = at;
      this.#hashA = (Math.imul(this.#hashA ^ row, 0x9e3779b1) + at) | 0;
      this.#hashB = (Math.imul(this.#hashB ^ head ^ (this.#hashA >>> 15), 0x85ebca6b) + payload) | 0;
      const kind = (head >>> kindShift) & 7;
      if ((status[row]! & flags) !== alive && !this.#admits(kind, row, head, payload)) continue;
      this.row = row;
      random.row = row;
      this.self = this.#ids === undefined ? row : this.#ids[row]!;
      this.now = this.#clocks === undefined ? at : this.#clocks.local(row, at);
      if (kind === messageNumber) {
        if (this.links.connectivity.isCutting && this.#isCut(row, head, payload, kind)) continue;
        const from = head & lowMask;
        const sender = this.#ids === undefined ? from : this.#ids[from]!;
        (shared ?? this.#protocols[row]!).onMessage(sender, payload, this);
      } else if (kind === timerNumber) {
        if (status[row]! >>> lifeShift === (head & lowMask)) {
          counters.timers++;
          (shared ?? this.#protocols[row]!).onTimer(payload, this);
        } else counters.ofEarlierLives++;
      } else this.#dispatch(kind, row, head, payload);
    }
    return false;
  }

  #dispatch(kind: number, row: number, head: number, payload: number): void {
    const low = head & lowMask;
    switch (kind) {
      case messageObject:
      case messageBytes: {
        if (this.links.connectivity.isCutting && this.#isCut(row, head, payload, kind)) return;
        const message = kind === messageObject ? this.#objects.take(payload) : this.#read(payload);
        if (message === undefined) return;
        this.protocolOf(row)!.onMessage(this.idOf(low), message, this);
        return;
      }
      case timerObject:
      case commandObject: {
        const object = this.#objects.take(payload);
        if (this.#status[row]! >>> lifeShift !== low) {
          this.counters.ofEarlierLives++;
          return;
        }
        if (kind === timerObject) {
          this.counters.timers++;
          this.protocolOf(row)!.onTimer(object, this);
        } else {
          this.counters.commands++;
          this.protocolOf(row)!.onCommand(object, this);
        }
        return;
      }
      case callFunction:
        return this.#objects.take(payload)();
      case undeliverable:
        return this.#config.onUndeliverable?.(row, payload >>> 1, (payload & 1) === 0 ? "dead" : "reset");
    }
  }

  // ---- Messages on their way ----

  #transmit(from: number, to: number, kind: number, payload: number, bytes: number): void {
    const head = (kind << kindShift) | from;
    const { links } = this;
    const transit = links.transitMs(from, to, bytes, this.#time);
    if (transit >= 0) {
      if (links.settings.duplication > 0) this.#duplicate(from, to, kind, payload);
      this.#agenda.push(this.#time + transit, to, head, payload);
    } else if (transit === held) this.#holdInStream(from, to, head, payload);
    else this.#discard(kind, payload);
  }

  #duplicate(from: number, to: number, kind: number, payload: number): void {
    const transit = this.links.duplicateMs(from, to, this.#time);
    if (transit < 0) return;
    const copy =
      kind === messageNumber
        ? payload
        : kind === messageObject
          ? this.#objects.put(this.#objects.peek(payload))
          : this.#copy(payload);
    this.#agenda.push(this.#time + transit, to, (kind << kindShift) | from, copy);
  }

  /** Is the way cut now, when the message would arrive? Then it is lost, or held where streams are. */
  #isCut(row: number, head: number, payload: number, kind: number): boolean {
    const from = head & lowMask;
    if (this.links.connectivity.passes(from, row)) return false;
    if (this.links.settings.kind === "stream") this.#holdInStream(from, row, head & ~served, payload);
    else {
      this.links.counters.cut++;
      this.#discard(kind, payload);
    }
    return true;
  }

  #holdInStream(from: number, to: number, head: number, payload: number): void {
    const key = from * this.rows + to;
    let stream = this.#heldStreams.get(key);
    if (stream === undefined) {
      const begun: HeldStream = { from, to, since: this.#time, events: [] };
      stream = begun;
      this.#heldStreams.set(key, begun);
      this.at(this.#time + this.links.settings.resetAfterMs, () => {
        if (this.#heldStreams.get(key) === begun) this.#reset(key, begun);
      });
    }
    if (stream.events.length >= 2 * maxHeld) {
      this.counters.overflowed++;
      this.#discard((head >>> kindShift) & 7, payload);
    } else stream.events.push(head, payload);
  }

  /** What streams hold goes on its way, where there is one again. Call it after cuts have been healed. */
  releaseStreams(): void {
    for (const [key, stream] of [...this.#heldStreams]) {
      const { from, to, events } = stream;
      if (!this.links.connectivity.passes(from, to)) continue;
      this.#heldStreams.delete(key);
      for (let i = 0; i < events.length; i += 2)
        this.#transmit(from, to, (events[i]! >>> kindShift) & 7, events[i + 1]!, 0);
    }
  }

  #reset(key: number, { from, to, events }: HeldStream): void {
    this.#heldStreams.delete(key);
    this.counters.resets++;
    for (let i = 0; i < events.length; i += 2) this.#discard((events[i]! >>> kindShift) & 7, events[i + 1]!);
    this.#config.onUndeliverable?.(from, to, "reset");
    if (this.isAlive(to)) this.#config.onUndeliverable?.(to, from, "reset");
  }

  // ---- Nodes that are not simply alive ----

  #admits(kind: number, row: number, head: number, payload: number): boolean {
    if (kind === callFunction) return true;
    const status = this.#status[row]!;
    if ((status & alive) === 0) {
      if (kind === undeliverable) return false;
      const isMessage = kind >= messageNumber && kind <= messageBytes;
      if (isMessage) {
        this.counters.toNobody++;
        this.#tellSender(head & lowMask, row);
      } else this.counters.ofEarlierLives++;
      this.#discard(kind, payload);
      return false;
    }
    if ((status & paused) !== 0) {
      this.#holdEvent(kind, row, head, payload);
      return false;
    }
    if (head < 0) return true; // it has been served
    const slowness = this.#slowness.get(row)!;
    slowness.busyUntil = Math.max(slowness.busyUntil, this.#time) + slowness.perEventMs;
    this.#agenda.push(Math.ceil(slowness.busyUntil), row, head | served, payload);
    return false;
  }

  /** A stream to a dead process is refused by its machine, as soon as an answer can travel back. */
  #tellSender(from: number, to: number): void {
    if (this.links.settings.kind !== "stream" || this.#config.onUndeliverable === undefined) return;
    const back = this.links.transitMs(to, from, 0, this.#time);
    if (back >= 0) this.#agenda.push(this.#time + back, from, (undeliverable << kindShift) | 0, to << 1);
  }

  #holdEvent(kind: number, row: number, head: number, payload: number): void {
    let events = this.#heldEvents.get(row);
    if (events === undefined) {
      events = [];
      this.#heldEvents.set(row, events);
    }
    if (events.length >= 2 * maxHeld && kind >= messageNumber && kind <= messageBytes) {
      this.counters.overflowed++;
      this.#discard(kind, payload);
    } else events.push(head, payload);
  }

  #discardHeld(row: number): void {
    const events = this.#heldEvents.get(row);
    this.#heldEvents.delete(row);
    for (let i = 0; events !== undefined && i < events.length; i += 2)
      this.#discard((events[i]! >>> kindShift) & 7, events[i + 1]!);
  }

  #discard(kind: number, payload: number): void {
    if (kind === messageBytes) this.#arena.release(payload);
    else if (kind === messageObject || kind === timerObject || kind === commandObject)
      this.#objects.take(payload);
  }

  // ---- Bytes ----

  #keep(source: Uint8Array, length: number): number {
    const piece = this.#arena.take(length);
    const start = this.#arena.start(piece);
    const { bytes } = this.#arena;
    if (length > 64) bytes.set(source.subarray(0, length), start);
    else for (let i = 0; i < length; i++) bytes[start + i] = source[i]!;
    return piece;
  }

  #copy(piece: number): number {
    const start = this.#arena.start(piece);
    return this.#keep(
      this.#arena.bytes.slice(start, start + this.#arena.length(piece)),
      this.#arena.length(piece),
    );
  }

  #read(piece: number): any {
    const start = this.#arena.start(piece);
    const end = start + this.#arena.length(piece);
    try {
      return this.#config.codec!.read(this.#arena.bytes, start, end);
    } catch {
      this.counters.malformed++;
      return undefined;
    } finally {
      this.#arena.release(piece);
    }
  }

  // ---- Small things ----

  #enter(row: number): void {
    this.row = row;
    this.random.row = row;
    this.self = this.idOf(row);
    this.now = this.#clocks === undefined ? this.#time : this.#clocks.local(row, this.#time);
  }

  /** Texts are hashed once; a notice costs the hash two multiplications. */
  #mixNotice(notice: any): void {
    const body = notice.body ?? notice;
    const type: string = body.type;
    let hash = this.#noticeHashes.get(type);
    if (hash === undefined) {
      hash = hashText(type);
      this.#noticeHashes.set(type, hash);
    }
    this.#hashA = Math.imul(this.#hashA ^ hash, 0x9e3779b1) | 0;
    this.#hashB = Math.imul(this.#hashB ^ this.row ^ (this.#hashA >>> 15), 0x85ebca6b) | 0;
  }

  #checkRow(row: number): void {
    if (!(Number.isInteger(row) && row >= 0 && row < this.rows))
      throw new UsageError(`row: there is no node ${row}; there are ${this.rows}`);
  }
}

/** Clocks that are wrong: each shows a time of its own. */
class Clocks {
  readonly #rates: Float64Array;
  readonly #since: Float64Array;
  readonly #shown: Float64Array;

  constructor(rows: number) {
    this.#rates = new Float64Array(rows);
    this.#since = new Float64Array(rows);
    this.#shown = new Float64Array(rows);
  }

  set(row: number, time: Millis, rate: number, offsetMs: Millis): void {
    this.#shown[row] = this.local(row, time) + offsetMs;
    this.#since[row] = time;
    this.#rates[row] = rate;
  }

  local(row: number, time: Millis): Millis {
    return Math.floor(this.#shown[row]! + (time - this.#since[row]!) * (1 + this.#rates[row]!));
  }

  /** How long it takes until the node's clock has gone on by so much. */
  trueDuration(row: number, pause: Millis): Millis {
    return this.#rates[row] === 0 ? pause : Math.ceil(pause / (1 + this.#rates[row]!));
  }
}
