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
import { Clocks } from "./clocks.ts";
import { CounterRandom } from "./counter-random.ts";
import {
  beside,
  callFunction,
  commandObject,
  isMessage,
  isWord,
  kindOf,
  kindShift,
  lowMask,
  messageBytes,
  messageNumber,
  messageObject,
  served,
  timerNumber,
  timerObject,
  undeliverable,
} from "./event-words.ts";
import { HeldStreams, nobody } from "./held-streams.ts";
import type { LinkSettings } from "./link-settings.ts";
import { held, Links } from "./links.ts";
import { PausedNodes } from "./paused-nodes.ts";
import { type MessageCodec, Payloads, unreadable } from "./payloads.ts";
import { SlowNodes } from "./slow-nodes.ts";
import { TimingWheel } from "./timing-wheel.ts";

export type { MessageCodec } from "./payloads.ts";

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
  /** Where links are streams: messages that travel beside them, each for itself. Default: none do. */
  readonly isDatagram?: (message: any) => boolean;
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

// A node's status: life << 3 | flags.
const alive = 1;
const paused = 2;
const slow = 4;
const flags = 7;
const lifeShift = 3;

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
  readonly #payloads: Payloads;
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
  readonly #pausedNodes = new PausedNodes();
  readonly #slowNodes = new SlowNodes();
  readonly #streams: HeldStreams;
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
    this.#agenda = config.agenda ?? new TimingWheel();
    this.#status = new Int32Array(rows);
    this.#payloads = new Payloads(codec);
    this.#streams = this.#heldStreams();
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
    let kind: number;
    let payload: number;
    let bytes: number;
    if (this.#config.codec !== undefined) {
      kind = messageBytes;
      payload = this.#payloads.write(message);
      bytes = this.#payloads.bytesOf(payload);
    } else {
      bytes = this.#config.sizeOf === undefined ? 0 : this.#config.sizeOf(message);
      const isNumber = isWord(message);
      kind = isNumber ? messageNumber : messageObject;
      payload = isNumber ? message : this.#payloads.put(message);
    }
    this.counters.bytes += bytes;
    const isBeside = this.#config.isDatagram?.(message) === true && this.links.settings.kind === "stream";
    this.#transmit(this.row, row, kind, payload, bytes, isBeside);
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
      isNumber ? timer : this.#payloads.put(timer),
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
    return (this.#status[row]! & paused) !== 0 && !this.#pausedNodes.isWaking(row);
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
    this.#payloads.discardAll(this.#pausedNodes.release(row));
    this.#payloads.discardAll(this.#slowNodes.release(row));
  }

  /** The process hangs: messages and timers wait for it. */
  pause(row: number): void {
    this.#checkRow(row);
    this.#pausedNodes.keepAsleep(row);
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
    this.#pausedNodes.wake(row);
    this.at(this.#time, () => {
      if (!this.#pausedNodes.isWaking(row)) return;
      this.#status[row]! &= ~paused;
      const events = this.#pausedNodes.release(row);
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
    this.#slowNodes.set(row, perEventMs, this.#time);
    this.#noteSlowness(row);
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
    this.#agenda.push(this.#time + Math.ceil(afterMs), row, head, this.#payloads.put(command));
  }

  /** Calls a function at that time: for whoever drives the simulation, never for what happens often. */
  at(time: Millis, call: () => void): void {
    if (!(time <= latestTime))
      throw new UsageError(`time: ${time} is not before the end of time, ${latestTime}`);
    const due = Math.max(Math.ceil(time), this.#time);
    this.#agenda.push(due, 0, callFunction << kindShift, this.#payloads.put(call));
  }

  /** Bytes arrive at a node as if `from` had sent them, whatever they are. Wire-true runs only. */
  inject(from: number, to: number, bytes: Uint8Array): void {
    if (this.#config.codec === undefined)
      throw new UsageError("codec: only a wire-true simulation reads bytes");
    this.#checkRow(from);
    this.#checkRow(to);
    this.counters.messages++;
    this.counters.bytes += bytes.length;
    this.#transmit(from, to, messageBytes, this.#payloads.putBytes(bytes, bytes.length), bytes.length);
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
    return this.#payloads.size;
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
    return this.#agenda.memoryBytes + this.#payloads.memoryBytes + columns;
  }

  /** True if no event is due by `until` any more. A hot loop: plain on purpose (bench/simulator). */
  #loop(until: Millis, maxEvents: number): boolean {
    const agenda = this.#agenda;
    const status = this.#status;
    const { counters, random } = this;
    const streams = this.#streams;
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
      const kind = kindOf(head);
      if (!this.#isUntroubled && (status[row]! & flags) !== alive && !this.#admits(kind, row, head, payload))
        continue;
      this.row = row;
      random.row = row;
      this.self = this.#ids === undefined ? row : this.#ids[row]!;
      this.now = this.#clocks === undefined ? at : this.#clocks.local(row, at);
      if (kind === messageNumber) {
        if (streams.isWatching && streams.stops(row, head, payload)) continue;
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
        if (this.#streams.isWatching && this.#streams.stops(row, head, payload)) return;
        return this.#receive(kind, row, head, payload);
      }
      case timerObject:
      case commandObject: {
        const object = this.#payloads.take(payload);
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
        const call = this.#payloads.take(payload);
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
    const message = this.#payloads.takeMessage(kind, payload);
    if (message === unreadable) this.counters.malformed++;
    else this.protocolOf(row)!.onMessage(this.idOf(head & lowMask), message, this);
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

  #transmit(from: number, to: number, kind: number, payload: number, bytes: number, isBeside = false): void {
    const head = (kind << kindShift) | from | (isBeside ? beside : 0);
    const { links } = this;
    const transit = links.transitMs(from, to, bytes, this.#time, isBeside);
    if (transit >= 0) {
      if (links.settings.duplication > 0) this.#duplicate(to, head, payload, isBeside);
      this.#agenda.push(this.#time + transit, to, head, payload);
    } else if (transit === held) this.#streams.hold(from, to, head, payload, bytes);
    else this.#payloads.discard(kind, payload);
  }

  #duplicate(to: number, head: number, payload: number, isBeside: boolean): void {
    const transit = this.links.duplicateMs(head & lowMask, to, this.#time, isBeside);
    if (transit < 0) return;
    this.#agenda.push(this.#time + transit, to, head, this.#payloads.copyMessage(kindOf(head), payload));
  }

  #heldStreams(): HeldStreams {
    return new HeldStreams({
      links: this.links,
      payloads: this.#payloads,
      counters: this.counters,
      lifeOf: (row) => (this.isAlive(row) ? this.#lifeOf(row) : nobody),
      after: (pause, call) => this.at(Math.min(latestTime, this.#time + pause), call),
      transmit: (from, to, kind, payload, bytes) => this.#transmit(from, to, kind, payload, bytes),
      arrive: (to, head, payload) => this.#arrive(to, head, payload),
      tellReset: (row, other) => this.#tell(row, other, "reset", 0),
    });
  }

  /** A stream to a dead process is refused by its machine, as soon as an answer can travel back. */
  #refuse(from: number, to: number): void {
    if (this.links.settings.kind !== "stream" || this.#config.onUndeliverable === undefined) return;
    const back = this.links.transitMs(to, from, 0, this.#time);
    if (back >= 0) this.#tell(from, to, "dead", back);
  }

  #tell(row: number, other: number, reason: "dead" | "reset", after: Millis): void {
    if (this.#config.onUndeliverable === undefined) return;
    const head = (undeliverable << kindShift) | this.#lifeOf(row);
    this.#agenda.push(this.#time + after, row, head, (other << 1) | (reason === "dead" ? 0 : 1));
  }

  // ---- Nodes that are not simply alive ----

  /** False if that was all: there is nobody, or the node will come to it later. */
  #admits(kind: number, row: number, head: number, payload: number): boolean {
    if (kind === callFunction) return true;
    if (isMessage(kind) && this.#streams.isWatching && this.#streams.stops(row, head, payload)) return false;
    this.#arrive(row, head, payload);
    return false;
  }

  /** An event has come to its node; no cut can keep it away any more. */
  #arrive(row: number, head: number, payload: number): void {
    const kind = kindOf(head);
    const status = this.#status[row]!;
    if ((status & alive) === 0) {
      this.#payloads.discard(kind, payload);
      if (isMessage(kind)) {
        this.counters.toNobody++;
        if ((head & beside) === 0) this.#refuse(head & lowMask, row);
      } else if (kind !== undeliverable && head >= 0) this.counters.ofEarlierLives++;
    } else if ((status & paused) !== 0) this.#hold(row, kind, head, payload);
    else if (head < 0 && !isMessage(kind)) this.#serve(row, head);
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
    if (!this.#pausedNodes.hold(row, head, payload)) this.#overflow(kind, payload);
  }

  #queue(row: number, kind: number, head: number, payload: number): void {
    const due = this.#slowNodes.queue(row, head, payload, this.#time);
    if (due < 0) this.#overflow(kind, payload);
    else this.#agenda.push(due, row, served | this.#lifeOf(row), 0);
  }

  /** A slow node is done with the first event that it had waiting. */
  #serve(row: number, head: number): void {
    if (this.#lifeOf(row) !== (head & lowMask) || !this.#slowNodes.next(row)) return;
    const { head: first, payload } = this.#slowNodes;
    this.#noteSlowness(row);
    this.#deliver(row, kindOf(first), first, payload);
  }

  #noteSlowness(row: number): void {
    if (this.#slowNodes.isSlow(row)) {
      this.#isUntroubled = false;
      this.#status[row]! |= slow;
    } else this.#status[row]! &= ~slow;
  }

  #overflow(kind: number, payload: number): void {
    this.counters.overflowed++;
    this.#payloads.discard(kind, payload);
  }

  // ---- Small things ----

  #lifeOf(row: number): number {
    return this.#status[row]! >>> lifeShift;
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
