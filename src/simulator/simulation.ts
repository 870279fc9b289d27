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
  invariant,
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
  /** Keeps nothing of the bytes. Throws if they are no message: then they are dropped and counted. */
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
  /** Streams only: a node learns that what it sends to another cannot arrive. Whoever is dead learns nothing. */
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
  /** Streams that were reset. */
  resets: number;
  /** Messages that a paused or slow node or a held stream had no room for. */
  overflowed: number;
  bytes: number;
}

// The kinds of events: the upper bits of `head`. The lower 28 are the sender of a message; else the life of the node
// that the event is meant for.
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
/** A slow node is done with the first event of its queue. Above the kinds: besides the life there is nothing else. */
const served = 1 << 31;

// A node's status: life << 3 | flags.
const alive = 1;
const paused = 2;
const slow = 4;
const flags = 7;
const lifeShift = 3;

/** Messages kept for a paused or slow node and for a held stream; what a socket's buffer would hold. */
const maxHeld = 20_000;

/** A stream that a cut has met, until all that met it has gone on. */
interface HeldStream {
  readonly from: number;
  readonly to: number;
  /** Of the two ends when it was held; `nobody` if the receiver was dead. */
  readonly lives: { readonly from: number; readonly to: number };
  /** Head and payload of messages that were under way when they met the cut. They come before the others. */
  readonly arrived: number[];
  /** Head, payload and bytes of messages that have not set out. */
  readonly unsent: number[];
}

const nobody = -1;

/** A node that takes its time. */
interface SlowNode {
  perEventMs: Millis;
  busyUntil: Millis;
  /** Head and payload of what it has not come to yet. */
  queue: number[];
  /** How much of the queue is done with. */
  done: number;
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
  /** All nodes live, in their first lives, and none hangs or is slow: then nobody's status has to be looked at. */
  #isUntroubled = false;
  readonly #ids: NodeId[] | undefined;
  readonly #rowsById: Map<NodeId, number> | undefined;
  /** True time; `now` is what the clock of the node shows. */
  #time: Millis = 0;
  #hashA = 0x243f6a88;
  #hashB = 0x85a308d3;
  readonly #noticeHashes = new Map<string, number>();
  readonly #heldEvents = new Map<number, number[]>();
  readonly #heldStreams = new Map<number, HeldStream>();
  readonly #slowNodes = new Map<number, SlowNode>();
  /** Paused nodes that go on at the end of this millisecond. */
  readonly #waking = new Set<number>();
  /** Something is cut, or was and is not sorted out yet: each message that arrives is looked at. */
  #isWatching = false;
  #isRunning = false;
  /** The driver is called, or nobody: no protocol is in the middle of something. */
  #isOutside = true;
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
    this.links.connectivity.onChange = () => this.#onConnectivity();
    this.#agenda = config.agenda ?? new TimingWheel();
    this.#status = new Int32Array(rows);
    this.#scratch = new Uint8Array(codec?.maxBytes ?? 0);
    if (idOf !== undefined) {
      this.#ids = Array.from({ length: rows }, (_, row) => idOf(row));
      this.#rowsById = new Map(this.#ids.map((id, row) => [id, row]));
      if (this.#rowsById.size < rows) throw new UsageError("idOf: two rows have the same name");
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
      invariant(bytes <= this.#scratch.length, "no message is longer than maxBytes of its codec");
      kind = messageBytes;
      payload = this.#keep(this.#scratch, bytes);
    } else {
      bytes = this.#config.sizeOf === undefined ? 0 : this.#config.sizeOf(message);
      const isNumber = isWord(message);
      kind = isNumber ? messageNumber : messageObject;
      payload = isNumber ? message : this.#objects.put(message);
    }
    this.counters.bytes += bytes;
    this.#transmit(this.row, row, kind, payload, bytes);
  }

  /** Fractions are rounded up: a timer never fires early. */
  schedule(after: Millis, timer: any): void {
    let pause = after > 0 ? Math.ceil(after) : 0;
    if (this.#clocks !== undefined) pause = this.#clocks.trueDuration(this.row, this.#time, pause);
    const isNumber = isWord(timer);
    const kind = isNumber ? timerNumber : timerObject;
    const life = this.#isUntroubled ? 1 : this.#status[this.row]! >>> lifeShift;
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
    return this.#isRow(id as number) ? (id as number) : undefined;
  }
  isAlive(row: number): boolean {
    return (this.#status[row]! & alive) !== 0;
  }
  isPaused(row: number): boolean {
    return (this.#status[row]! & paused) !== 0 && !this.#waking.has(row);
  }
  protocolOf(row: number): AnyProtocol | undefined {
    return this.#shared ?? this.#protocols[row];
  }

  /**
   * Gives a node its protocol and starts it: its first life, or the next one after a crash. Throws `UsageError`, before
   * anything has changed, if it lives, or if all nodes share another protocol.
   */
  host(row: number, protocol: AnyProtocol): void {
    this.#checkRow(row);
    if (this.isAlive(row)) throw new UsageError(`row: node ${row} lives already`);
    if (this.#shared === undefined) this.#protocols[row] = protocol;
    else if (this.#shared !== protocol)
      throw new UsageError(`protocol: node ${row} can have no other than the one that all nodes share`);
    this.#start(row, protocol);
  }

  /**
   * One protocol with a row for each node: all live from now on, and whoever was dead begins its next life. Throws
   * `UsageError`, before anything has changed, if one of them has another protocol, or while the simulation runs.
   */
  hostAll(protocol: AnyProtocol): void {
    if (this.#isRunning) throw new UsageError("hostAll: nodes come to share a protocol between runs only");
    for (let row = 0; row < this.rows; row++)
      if (this.isAlive(row) && this.protocolOf(row) !== protocol)
        throw new UsageError(`protocol: node ${row} lives already, with another one`);
    this.#shared = protocol;
    for (let row = 0; row < this.rows; row++) if (!this.isAlive(row)) this.#start(row, protocol);
    this.#isUntroubled = this.#status.every((status) => status === ((1 << lifeShift) | alive));
  }

  /** Somebody else may be in the middle of something, and goes on as itself afterwards. */
  #start(row: number, protocol: AnyProtocol): void {
    const life = (this.#lifeOf(row) + 1) & lowMask;
    this.#status[row] = (life << lifeShift) | alive;
    const { row: entered } = this;
    const wasOutside = this.#isOutside;
    this.#isOutside = false;
    this.#enter(row);
    try {
      protocol.start(this);
    } finally {
      this.#isOutside = wasOutside;
      this.#enter(entered);
    }
  }

  /**
   * The node stops without a word; what it had planned never happens. What it has sent is under way all the same.
   * Throws `UsageError` if the node is in the middle of a handler: nobody can be interrupted there.
   */
  crash(row: number): void {
    this.#checkRow(row);
    if (!this.#isOutside && this.row === row)
      throw new UsageError(`row: node ${row} is in the middle of something; crash it with \`at\``);
    this.#isUntroubled = false;
    this.#status[row]! &= ~flags;
    if (this.#shared === undefined) this.#protocols[row] = undefined;
    this.#discardAll(this.#heldEvents.get(row));
    this.#heldEvents.delete(row);
    const slowNode = this.#slowNodes.get(row);
    this.#discardAll(slowNode?.queue, slowNode?.done);
    this.#slowNodes.delete(row);
  }

  /** The process hangs: messages and timers wait for it. */
  pause(row: number): void {
    this.#checkRow(row);
    this.#waking.delete(row);
    this.#isUntroubled = false;
    if (this.isAlive(row)) this.#status[row]! |= paused;
  }

  /**
   * What has waited happens now, in the order in which it came: after all that is due in this millisecond already, and
   * would have had to wait, too.
   */
  resume(row: number): void {
    this.#checkRow(row);
    if (!this.isPaused(row)) return;
    this.#waking.add(row);
    this.at(this.#time, () => {
      if (!this.#waking.delete(row)) return;
      this.#status[row]! &= ~paused;
      const events = this.#heldEvents.get(row) ?? [];
      this.#heldEvents.delete(row);
      for (let i = 0; i < events.length; i += 2) this.#arrive(row, events[i]!, events[i + 1]!);
    });
  }

  /**
   * From now on the node takes so long for each message and timer, one after the other; 0 is no time at all, once it
   * has done what waits.
   */
  slowDown(row: number, perEventMs: Millis): void {
    this.#checkRow(row);
    if (!(perEventMs >= 0 && perEventMs <= latestTime))
      throw new UsageError(`perEventMs: ${perEventMs} is not a time of at least 0`);
    if (!this.isAlive(row)) return;
    const slowNode = this.#slowNodes.get(row);
    if (slowNode !== undefined) {
      slowNode.perEventMs = perEventMs;
      this.#quickenIfDone(row, slowNode);
    } else if (perEventMs > 0) {
      this.#slowNodes.set(row, { perEventMs, busyUntil: this.#time, queue: [], done: 0 });
      this.#isUntroubled = false;
      this.#status[row]! |= slow;
    }
  }

  /**
   * From now on the node's clock runs so much faster (0.001) or slower (-0.001), and is put forward by `offsetMs`; a
   * clock that is put back stands still until it is right, as it does live. Timers that are under way are not touched.
   */
  setClock(row: number, rate: number, offsetMs: Millis = 0): void {
    this.#checkRow(row);
    if (!(rate > -1 && Number.isFinite(rate))) throw new UsageError(`rate: ${rate} is not a number above -1`);
    if (!Number.isFinite(offsetMs)) throw new UsageError(`offsetMs: ${offsetMs} is not a number`);
    this.#clocks ??= new Clocks(this.rows);
    this.#clocks.set(row, this.#time, rate, offsetMs);
  }

  /**
   * The node gets a command of its user, now but after what is under way. It is for the life that the node has now:
   * the dead get none, nor does who has crashed and started again meanwhile.
   */
  command(row: number, command: object, afterMs: Millis = 0): void {
    this.#checkRow(row);
    if (!(afterMs >= 0 && afterMs <= latestTime))
      throw new UsageError(`afterMs: ${afterMs} is not a time of at least 0`);
    const head = (commandObject << kindShift) | this.#lifeOf(row);
    this.#agenda.push(this.#time + Math.ceil(afterMs), row, head, this.#objects.put(command));
  }

  /** Calls a function at that time: for whoever drives the simulation, never for what happens often. */
  at(time: Millis, call: () => void): void {
    if (!(time <= latestTime))
      throw new UsageError(`time: ${time} is not before the end of time, ${latestTime}`);
    const due = Math.max(Math.ceil(time), this.#time);
    this.#agenda.push(due, 0, callFunction << kindShift, this.#objects.put(call));
  }

  /** Bytes arrive at a node as if `from` had sent them, whatever they are. Wire-true runs only. */
  inject(from: number, to: number, bytes: Uint8Array): void {
    if (this.#config.codec === undefined)
      throw new UsageError("codec: only a wire-true simulation reads bytes");
    this.#checkRow(from);
    this.#checkRow(to);
    this.counters.messages++;
    this.counters.bytes += bytes.length;
    this.#transmit(from, to, messageBytes, this.#keep(bytes, bytes.length), bytes.length);
  }

  // ---- Running ----

  /** Events that are waiting. */
  get pending(): number {
    return this.#agenda.size;
  }

  /**
   * Messages, timers, commands and calls that are kept as objects or as bytes until they happen. When a run is idle,
   * there are none but those that wait for a paused node.
   */
  get objectsHeld(): number {
    return this.#objects.size + this.#arena.pieces;
  }

  /**
   * Runs until that time, or until so many events have happened. Says why it stopped: `time`, `events`, or `idle`:
   * nothing will ever happen again. Unless `events` came first, time is `until` now, if that is not infinite; it never
   * goes back. Throws `UsageError` if it is called by what it runs.
   */
  run(
    until: Millis = Number.POSITIVE_INFINITY,
    maxEvents = Number.POSITIVE_INFINITY,
  ): "time" | "events" | "idle" {
    if (this.#isRunning) throw new UsageError("run: the simulation runs already");
    if (!(until <= latestTime || until === Number.POSITIVE_INFINITY))
      throw new UsageError(`until: ${until} is not before the end of time, ${latestTime}`);
    if (!(maxEvents >= 0)) throw new UsageError(`maxEvents: ${maxEvents} is not at least 0`);
    const end = Math.floor(until);
    this.#isRunning = true;
    this.#isOutside = false;
    try {
      if (!this.#loop(end, maxEvents)) return "events";
    } finally {
      this.#isRunning = false;
      this.#isOutside = true;
    }
    if (end > this.#time && end < Number.POSITIVE_INFINITY) this.#time = end;
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
      if (!this.#isUntroubled && (status[row]! & flags) !== alive && !this.#admits(kind, row, head, payload))
        continue;
      this.row = row;
      random.row = row;
      this.self = this.#ids === undefined ? row : this.#ids[row]!;
      this.now = this.#clocks === undefined ? at : this.#clocks.local(row, at);
      if (kind === messageNumber) {
        if (this.#isWatching && this.#isStopped(kind, row, head, payload)) continue;
        const from = head & lowMask;
        const sender = this.#ids === undefined ? from : this.#ids[from]!;
        (shared ?? this.#protocols[row]!).onMessage(sender, payload, this);
      } else if (kind === timerNumber) {
        if (this.#isUntroubled || status[row]! >>> lifeShift === (head & lowMask)) {
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
        if (this.#isWatching && this.#isStopped(kind, row, head, payload)) return;
        return this.#receive(kind, row, head, payload);
      }
      case timerObject:
      case commandObject: {
        const object = this.#objects.take(payload);
        if (this.#lifeOf(row) !== low) {
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
      case callFunction: {
        this.now = this.#time;
        const call = this.#objects.take(payload);
        return this.#outside(call);
      }
      case undeliverable:
        if (this.#lifeOf(row) !== low) return;
        return this.#outside(() =>
          this.#config.onUndeliverable!(row, payload >>> 1, (payload & 1) === 0 ? "dead" : "reset"),
        );
    }
  }

  #receive(kind: number, row: number, head: number, payload: number): void {
    const message =
      kind === messageNumber
        ? payload
        : kind === messageObject
          ? this.#objects.take(payload)
          : this.#read(payload);
    if (message !== unreadable) this.protocolOf(row)!.onMessage(this.idOf(head & lowMask), message, this);
  }

  #outside(call: () => void): void {
    this.#isOutside = true;
    try {
      call();
    } finally {
      this.#isOutside = false;
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
    } else if (transit === held) {
      const stream = this.#heldStream(from, to);
      if (this.#hasRoom(stream, kind, payload)) stream.unsent.push(head, payload, bytes);
    } else this.#discard(kind, payload);
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

  /** Is the way cut now that the message would arrive? Then it is lost, or waits for its turn where streams are. */
  #isStopped(kind: number, row: number, head: number, payload: number): boolean {
    const from = head & lowMask;
    const { connectivity, settings, counters } = this.links;
    const passes = connectivity.passes(from, row);
    if (settings.kind === "stream") {
      // What has met the cut before this one comes first, even if there is no cut any more.
      if (passes && !this.#heldStreams.has(this.#pair(from, row))) return false;
      const stream = this.#heldStream(from, row);
      if (this.#hasRoom(stream, kind, payload)) stream.arrived.push(head, payload);
      return true;
    }
    if (passes) return false;
    counters.cut++;
    this.#discard(kind, payload);
    return true;
  }

  // ---- Streams that a cut has met ----

  #pair(from: number, to: number): number {
    return from * this.rows + to;
  }

  #heldStream(from: number, to: number): HeldStream {
    const pair = this.#pair(from, to);
    const known = this.#heldStreams.get(pair);
    if (known !== undefined) return known;
    const lives = { from: this.#lifeOf(from), to: this.isAlive(to) ? this.#lifeOf(to) : nobody };
    const stream: HeldStream = { from, to, lives, arrived: [], unsent: [] };
    this.#heldStreams.set(pair, stream);
    this.#isWatching = true;
    this.#planReset(stream);
    return stream;
  }

  #planReset(stream: HeldStream): void {
    const { from, to } = stream;
    this.at(Math.min(latestTime, this.#time + this.links.settings.resetAfterMs), () => {
      const isHeld = this.#heldStreams.get(this.#pair(from, to)) === stream;
      if (isHeld && !this.links.connectivity.passes(from, to)) this.#reset(stream);
    });
  }

  #hasRoom({ arrived, unsent }: HeldStream, kind: number, payload: number): boolean {
    if (arrived.length / 2 + unsent.length / 3 < maxHeld) return true;
    this.counters.overflowed++;
    this.#discard(kind, payload);
    return false;
  }

  /** What streams hold goes on its way, where there is one again. */
  #onConnectivity(): void {
    for (const stream of [...this.#heldStreams.values()])
      if (this.links.connectivity.passes(stream.from, stream.to)) this.#release(stream);
    this.#watch();
  }

  #watch(): void {
    this.#isWatching = this.links.connectivity.isCutting || this.#heldStreams.size > 0;
  }

  /**
   * What has not set out does so. What had met the cut on its way is there at the end of this millisecond; until then
   * the stream is kept, so that whatever was under way behind it stays behind it.
   */
  #release(stream: HeldStream): void {
    const { from, to, lives } = stream;
    if (lives.to !== nobody && !this.#isLife(to, lives.to)) return this.#reset(stream);
    const unsent = stream.unsent.splice(0);
    for (let i = 0; i < unsent.length; i += 3)
      this.#transmit(from, to, kindOf(unsent[i]!), unsent[i + 1]!, unsent[i + 2]!);
    this.at(this.#time, () => {
      const pair = this.#pair(from, to);
      if (this.#heldStreams.get(pair) !== stream) return;
      if (!this.links.connectivity.passes(from, to)) return this.#planReset(stream);
      this.#heldStreams.delete(pair);
      this.#watch();
      const { arrived } = stream;
      for (let i = 0; i < arrived.length; i += 2) this.#arrive(to, arrived[i]!, arrived[i + 1]!);
    });
  }

  /** Both ends give up, as far as they still are the processes that they were. */
  #reset(stream: HeldStream): void {
    const { from, to, lives, arrived, unsent } = stream;
    this.#heldStreams.delete(this.#pair(from, to));
    this.#watch();
    this.counters.resets++;
    this.#discardAll(arrived);
    for (let i = 0; i < unsent.length; i += 3) this.#discard(kindOf(unsent[i]!), unsent[i + 1]!);
    if (this.#config.onUndeliverable === undefined) return;
    if (this.#isLife(from, lives.from)) this.#tell(from, to, "reset", 0);
    if (this.#isLife(to, lives.to)) this.#tell(to, from, "reset", 0);
  }

  /** A stream to a dead process is refused by its machine, as soon as an answer can travel back. */
  #refuse(from: number, to: number): void {
    if (this.links.settings.kind !== "stream" || this.#config.onUndeliverable === undefined) return;
    const back = this.links.transitMs(to, from, 0, this.#time);
    if (back >= 0) this.#tell(from, to, "dead", back);
  }

  #tell(row: number, other: number, reason: "dead" | "reset", after: Millis): void {
    const head = (undeliverable << kindShift) | this.#lifeOf(row);
    this.#agenda.push(this.#time + after, row, head, (other << 1) | (reason === "dead" ? 0 : 1));
  }

  // ---- Nodes that are not simply alive ----

  /** False if that was all: there is nobody, or the node will come to it later. */
  #admits(kind: number, row: number, head: number, payload: number): boolean {
    if (kind === callFunction) return true;
    if (isMessage(kind) && this.#isWatching && this.#isStopped(kind, row, head, payload)) return false;
    this.#arrive(row, head, payload);
    return false;
  }

  /** An event has come to its node; no cut can keep it away any more. */
  #arrive(row: number, head: number, payload: number): void {
    const kind = kindOf(head);
    const status = this.#status[row]!;
    if ((status & alive) === 0) {
      this.#discard(kind, payload);
      if (isMessage(kind)) {
        this.counters.toNobody++;
        this.#refuse(head & lowMask, row);
      } else if (kind !== undeliverable && head >= 0) this.counters.ofEarlierLives++;
    } else if ((status & paused) !== 0) this.#hold(row, kind, head, payload);
    else if (head < 0) this.#serve(row, head);
    else if ((status & slow) !== 0) this.#queue(row, kind, head, payload);
    else this.#deliver(row, kind, head, payload);
  }

  /** What the loop does, for events that come another way. */
  #deliver(row: number, kind: number, head: number, payload: number): void {
    this.#mix(row, head, payload);
    const wasOutside = this.#isOutside;
    this.#isOutside = false;
    this.#enter(row);
    try {
      if (isMessage(kind)) this.#receive(kind, row, head, payload);
      else if (kind !== timerNumber) this.#dispatch(kind, row, head, payload);
      else if (this.#lifeOf(row) === (head & lowMask)) {
        this.counters.timers++;
        this.protocolOf(row)!.onTimer(payload, this);
      } else this.counters.ofEarlierLives++;
    } finally {
      this.#isOutside = wasOutside;
    }
  }

  #hold(row: number, kind: number, head: number, payload: number): void {
    let events = this.#heldEvents.get(row);
    if (events === undefined) {
      events = [];
      this.#heldEvents.set(row, events);
    }
    if (isMessage(kind) && events.length >= 2 * maxHeld) {
      this.counters.overflowed++;
      this.#discard(kind, payload);
    } else events.push(head, payload);
  }

  /** The node comes to the event when it is done with those before it, and with this one. */
  #queue(row: number, kind: number, head: number, payload: number): void {
    const slowNode = this.#slowNodes.get(row)!;
    if (isMessage(kind) && slowNode.queue.length - slowNode.done >= 2 * maxHeld) {
      this.counters.overflowed++;
      this.#discard(kind, payload);
      return;
    }
    slowNode.queue.push(head, payload);
    slowNode.busyUntil = Math.max(slowNode.busyUntil, this.#time) + slowNode.perEventMs;
    // Nobody is so slow that the end of time would come first and stop the simulation.
    const due = Math.min(latestTime, Math.ceil(slowNode.busyUntil));
    this.#agenda.push(due, row, served | this.#lifeOf(row), 0);
  }

  #serve(row: number, head: number): void {
    const slowNode = this.#slowNodes.get(row);
    if (slowNode === undefined || this.#lifeOf(row) !== (head & lowMask)) return;
    const { queue } = slowNode;
    const first = queue[slowNode.done]!;
    const payload = queue[slowNode.done + 1]!;
    slowNode.done += 2;
    if (slowNode.done > 1024 && slowNode.done * 2 > queue.length) {
      queue.splice(0, slowNode.done);
      slowNode.done = 0;
    }
    this.#quickenIfDone(row, slowNode);
    this.#deliver(row, kindOf(first), first, payload);
  }

  #quickenIfDone(row: number, { perEventMs, queue, done }: SlowNode): void {
    if (perEventMs > 0 || done < queue.length) return;
    this.#slowNodes.delete(row);
    this.#status[row]! &= ~slow;
  }

  #discardAll(events: readonly number[] = [], first = 0): void {
    for (let i = first; i < events.length; i += 2) this.#discard(kindOf(events[i]!), events[i + 1]!);
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
    const length = this.#arena.length(piece);
    return this.#keep(this.#arena.bytes.subarray(start, start + length), length);
  }

  #read(piece: number): any {
    const start = this.#arena.start(piece);
    const end = start + this.#arena.length(piece);
    try {
      return this.#config.codec!.read(this.#arena.bytes, start, end);
    } catch {
      this.counters.malformed++;
      return unreadable;
    } finally {
      this.#arena.release(piece);
    }
  }

  // ---- Small things ----

  #lifeOf(row: number): number {
    return this.#status[row]! >>> lifeShift;
  }

  /** Is the node still living that life? */
  #isLife(row: number, life: number): boolean {
    return this.isAlive(row) && this.#lifeOf(row) === life;
  }

  #enter(row: number): void {
    this.row = row;
    this.random.row = row;
    this.self = this.idOf(row);
    this.now = this.#clocks === undefined ? this.#time : this.#clocks.local(row, this.#time);
  }

  /** An event that the loop has not hashed when it happened, because it waited. */
  #mix(row: number, head: number, payload: number): void {
    this.#hashA = (Math.imul(this.#hashA ^ row, 0x9e3779b1) + this.#time) | 0;
    this.#hashB = (Math.imul(this.#hashB ^ head ^ (this.#hashA >>> 15), 0x85ebca6b) + payload) | 0;
  }

  /** Texts are hashed once; a notice costs the hash two multiplications. What is in it besides its type is not hashed. */
  #mixNotice(notice: any): void {
    const type = String((notice?.body ?? notice)?.type);
    let hash = this.#noticeHashes.get(type);
    if (hash === undefined) {
      hash = hashText(type);
      this.#noticeHashes.set(type, hash);
    }
    this.#hashA = Math.imul(this.#hashA ^ hash, 0x9e3779b1) | 0;
    this.#hashB = Math.imul(this.#hashB ^ this.row ^ (this.#hashA >>> 15), 0x85ebca6b) | 0;
  }

  #isRow(row: number): boolean {
    return Number.isInteger(row) && row >= 0 && row < this.rows;
  }

  #checkRow(row: number): void {
    if (!this.#isRow(row)) throw new UsageError(`row: there is no node ${row}; there are ${this.rows}`);
  }
}

/** What comes of bytes that are no message. */
const unreadable = Symbol("unreadable");

function kindOf(head: number): number {
  return (head >>> kindShift) & 7;
}

function isMessage(kind: number): boolean {
  return kind >= messageNumber && kind <= messageBytes;
}

/** Does the agenda hold it as it is? Other numbers are kept as objects are. */
function isWord(value: unknown): value is number {
  return typeof value === "number" && (value | 0) === value;
}

/** Clocks that are wrong: each shows a time of its own. */
class Clocks {
  readonly #rates: Float64Array;
  readonly #since: Float64Array;
  readonly #shown: Float64Array;
  /** No clock goes back: what it showed when it was set is the least that it shows. */
  readonly #least: Float64Array;

  constructor(rows: number) {
    this.#rates = new Float64Array(rows);
    this.#since = new Float64Array(rows);
    this.#shown = new Float64Array(rows);
    this.#least = new Float64Array(rows);
  }

  set(row: number, time: Millis, rate: number, offsetMs: Millis): void {
    const exact = this.#exact(row, time);
    this.#least[row] = this.local(row, time);
    this.#shown[row] = exact + offsetMs;
    this.#since[row] = time;
    this.#rates[row] = rate;
  }

  local(row: number, time: Millis): Millis {
    return Math.max(this.#least[row]!, Math.floor(this.#exact(row, time)));
  }

  #exact(row: number, time: Millis): number {
    return this.#shown[row]! + (time - this.#since[row]!) * (1 + this.#rates[row]!);
  }

  /** How long it takes until the node's clock has gone on by so much; never less, whatever the rounding. */
  trueDuration(row: number, time: Millis, pause: Millis): Millis {
    const rate = this.#rates[row]!;
    if (rate === 0) return pause;
    let duration = Math.ceil(pause / (1 + rate));
    const start = Math.floor(this.#exact(row, time));
    while (duration < latestTime && Math.floor(this.#exact(row, time + duration)) < start + pause) duration++;
    return duration;
  }
}
