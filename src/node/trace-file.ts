/**
 * The trace on disk: one JSON object per line, the same in all worlds (docs/trace.md).
 *
 *     {"trace":"grapevine","version":1,"part":0,"startedAt":1772131164007,"world":"live"}
 *     {"at":1772131164010,"node":"1a2b…@127.0.0.1:9001","layer":"trace","type":"named","name":"peer-1","role":"peer"}
 *     {"at":1772131164010,"node":"1a2b…@127.0.0.1:9001","layer":"broadcast","type":"delivered", …}
 *
 * Writing is synchronous, once per turn of the event loop or per 64 KiB: nothing can pile up in memory, events keep
 * their order, and a process that dies loses no more than its last turn. The price is that a disk that stalls stalls
 * the nodes; a trace is for looking closely, not for every day.
 */
import * as fs from "node:fs";
import { dirname } from "node:path";
import {
  defineOptions,
  type Millis,
  type NodeId,
  type TraceEvent,
  type Typed,
  traceEvent,
  UsageError,
} from "../core/index.ts";
import {
  isTraceEvent,
  isTraceHeader,
  maxTraceLineBytes,
  parseTraceLine,
  type TraceHeader,
  type TraceNotice,
  traceLayer,
  traceVersion,
  whyNoTrace,
} from "../trace/index.ts";
import { makeFolder } from "./folders.ts";
import type { LoggedNode } from "./log-lines.ts";

export type { TraceHeader };

export interface TraceOptions {
  readonly maxTraceBytes: number;
  readonly maxTraceFiles: number;
}

export const traceOptions = defineOptions<TraceOptions>({
  maxTraceBytes: {
    default: 0,
    min: 0,
    max: 2 ** 50,
    description: "A trace file of this size is renamed, and a new one is begun; 0 never does",
  },
  maxTraceFiles: {
    default: 5,
    min: 2,
    max: 1000,
    description: "Trace files kept where they are rotated, with the one that is being written (guess)",
  },
});

export interface TraceFileConfig extends Partial<TraceOptions> {
  readonly world?: "live" | "simulated";
  /** Said in the header, for whoever finds the file: the command, the options, the seed. */
  readonly about?: Readonly<Record<string, unknown>>;
  /** Goes on with a file that is there, instead of replacing it. */
  readonly appends?: boolean;
  /** Hears once what keeps the trace from being written; by default standard error does. */
  readonly warn?: (text: string) => void;
}

const flushBytes = 64 * 1024;

export class TraceFile {
  readonly path: string;
  readonly counters = { events: 0, bytes: 0, lost: 0 };
  readonly #config: TraceFileConfig;
  readonly #options: TraceOptions;
  readonly #names = new Map<NodeId, { readonly name: string; readonly role: string }>();
  /** Who has a `named` line in the present file. */
  readonly #introduced = new Set<NodeId>();
  #descriptor: number;
  #part = 0;
  #fileBytes = 0;
  #lines = "";
  #lineCount = 0;
  #isScheduled = false;
  #lostNow = 0;
  /** The header, until it is written: no file is without. */
  #header = "";
  readonly #startedAt = Date.now();
  /** The file ends within a line. */
  #isTorn = false;
  #hasWarned = false;
  #isClosed = false;

  private constructor(path: string, config: TraceFileConfig) {
    this.path = path;
    this.#config = config;
    this.#options = traceOptions({
      maxTraceBytes: config.maxTraceBytes,
      maxTraceFiles: config.maxTraceFiles,
    });
    try {
      makeFolder(dirname(path));
      if (!config.appends) removeTrace(path);
      this.#descriptor = fs.openSync(path, "a");
      this.#fileBytes = fs.fstatSync(this.#descriptor).size;
    } catch (error) {
      throw new UsageError(`trace: ${path} cannot be written (${(error as Error).message})`);
    }
    // The last line of a process that died may be torn.
    this.#isTorn = this.#fileBytes > 0;
    this.#beginFile();
  }

  /** Throws `UsageError` where the file cannot be written. */
  static open(path: string, config: TraceFileConfig = {}): TraceFile {
    return new TraceFile(path, config);
  }

  /** A notice of a live node. */
  write(at: Millis, layer: string, notice: Typed, node: LoggedNode): void {
    if (this.#isClosed) return;
    const id = traceId(node);
    if (this.#names.get(id)?.name !== node.name) this.name(id, node.name, node.role);
    this.event(traceEvent(at, id, layer, notice));
  }

  /** Names a node for those who hand in events themselves, as a simulation does. */
  name(node: NodeId, name: string, role: string): void {
    this.#names.set(node, { name, role });
    this.#introduced.delete(node);
  }

  event(event: TraceEvent): void {
    if (this.#isClosed) return;
    this.counters.events++;
    if (!this.#introduced.has(event.node)) this.#introduce(event.at, event.node);
    this.#append(traceLine(event));
  }

  /** Writes what is gathered. What the kernel has survives the process. */
  flush(): void {
    this.#isScheduled = false;
    if (this.#isClosed || this.#header + this.#lines === "") return;
    const lines = this.#lines;
    const count = this.#lineCount;
    this.#lines = "";
    this.#lineCount = 0;
    const mend = this.#isTorn ? "\n" : "";
    // A gap gets its mark as soon as there is room again.
    const gap = this.#lostNow > 0 ? traceLine(gapEvent(this.#lostNow)) : "";
    if (!this.#writeAll(Buffer.from(mend + this.#header + gap + lines))) {
      this.counters.lost += count;
      this.#lostNow += count;
      this.#introduced.clear(); // names may be among what was lost
      return;
    }
    this.#header = "";
    this.#lostNow = 0;
    const { maxTraceBytes } = this.#options;
    if (maxTraceBytes > 0 && this.#fileBytes >= maxTraceBytes) this.#rotate();
  }

  /** Everything is with the kernel when it resolves. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.flush();
    this.#isClosed = true;
    fs.closeSync(this.#descriptor);
  }

  #introduce(at: Millis, node: NodeId): void {
    const named = this.#names.get(node);
    if (named === undefined) return;
    this.#introduced.add(node);
    this.#append(traceLine(namedEvent(at, node, named.name, named.role)));
  }

  #append(line: string): void {
    this.#lines += line;
    this.#lineCount++;
    if (this.#lines.length >= flushBytes) return this.flush();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.flush());
  }

  #beginFile(): void {
    const { world = "live", about } = this.#config;
    const header: TraceHeader = {
      trace: "grapevine",
      version: traceVersion,
      part: this.#part,
      startedAt: this.#startedAt,
      world,
      about,
    };
    this.#header = `${JSON.stringify(header)}\n`;
    this.#schedule();
  }

  #writeAll(bytes: Buffer): boolean {
    const before = this.#fileBytes;
    let offset = 0;
    try {
      while (offset < bytes.length) offset += fs.writeSync(this.#descriptor, bytes, offset);
      this.#isTorn = false;
      this.#fileBytes += offset;
      this.counters.bytes += offset;
      return true;
    } catch (error) {
      this.#complain(error as Error);
      try {
        fs.ftruncateSync(this.#descriptor, before); // none of it rather than half
      } catch {
        this.#isTorn ||= offset > 0;
      }
      return false;
    }
  }

  /** trace.ndjson becomes trace.ndjson.1, that one trace.ndjson.2, … and the oldest goes. */
  #rotate(): void {
    try {
      for (let age = this.#options.maxTraceFiles - 2; age >= 1; age--) {
        if (fs.existsSync(`${this.path}.${age}`))
          fs.renameSync(`${this.path}.${age}`, `${this.path}.${age + 1}`);
      }
      fs.renameSync(this.path, `${this.path}.1`);
      const descriptor = fs.openSync(this.path, "a");
      fs.closeSync(this.#descriptor);
      this.#descriptor = descriptor;
    } catch (error) {
      this.#complain(error as Error);
    }
    this.#part++;
    this.#fileBytes = 0;
    this.#introduced.clear();
    this.#beginFile();
  }

  #complain(error: Error): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const warn = this.#config.warn ?? ((text: string) => process.stderr.write(`grapevine: ${text}\n`));
    warn(`cannot write the trace ${this.path} (${error.message}); what is missing will be marked in it`);
  }
}

/** A node that does not listen yet has no contact: then its name stands for it. */
export function traceId(node: LoggedNode): NodeId {
  try {
    return node.contact;
  } catch {
    return node.name;
  }
}

/** An event as a line. Bytes within lists and records become their number, as `traceEvent` does for those that stand alone. */
export function traceLine(event: TraceEvent): string {
  const { payloads } = event;
  if (Array.isArray(payloads) && payloads.some((payload) => payload instanceof Uint8Array)) {
    const shown = payloads.map((payload) =>
      payload instanceof Uint8Array ? { bytes: payload.length } : payload,
    );
    return `${JSON.stringify({ ...event, payloads: shown })}\n`;
  }
  // Records of the store: a look at every value of every event would cost more than all the rest.
  if (event["record"] !== undefined || event["report"] !== undefined)
    return `${JSON.stringify(event, bytesAsNumber)}\n`;
  return `${JSON.stringify(event)}\n`;
}

/** Of what is being written, not of what its `toJSON` made of it: that of a Buffer has written out all bytes. */
function bytesAsNumber(this: Record<string, unknown>, field: string, value: unknown): unknown {
  const own = this[field];
  return own instanceof Uint8Array ? { bytes: own.length } : value;
}

export function namedEvent(at: Millis, node: NodeId, name: string, role: string): TraceEvent {
  const notice: TraceNotice = { type: "named", name, role };
  return traceEvent(at, node, traceLayer, notice);
}

function gapEvent(events: number): TraceEvent {
  const notice: TraceNotice = { type: "lost", events };
  return traceEvent(Date.now(), "", traceLayer, notice);
}

/** Removes a trace and its older parts; files of other kinds that happen to have such names stay. */
function removeTrace(path: string): void {
  if (!fs.existsSync(path)) return;
  for (let age = 1; isTrace(`${path}.${age}`); age++) fs.rmSync(`${path}.${age}`);
  if (fs.statSync(path).isFile()) fs.truncateSync(path);
}

function isTrace(path: string): boolean {
  if (!fs.existsSync(path)) return false;
  const beginning = Buffer.alloc(20);
  const descriptor = fs.openSync(path, "r");
  fs.readSync(descriptor, beginning);
  fs.closeSync(descriptor);
  return beginning.toString() === '{"trace":"grapevine"';
}

// ---- Reading ----

export interface TraceReaderConfig {
  /** Longer lines are skipped, and never held in memory. */
  readonly maxLineBytes?: number;
}

/**
 * Reads a trace and the files that were rotated out of it, oldest first:
 *
 *     const trace = readTrace("run.ndjson");
 *     for await (const event of trace) …
 *     trace.skipped   // lines that were no events
 *
 * Throws `UsageError` (at the first step) where there is no file, or it is no trace of a version that we know.
 */
export function readTrace(path: string, config: TraceReaderConfig = {}): TraceReader {
  return new TraceReader(path, config);
}

export class TraceReader implements AsyncIterable<TraceEvent> {
  readonly path: string;
  /** So much was read so far, for whoever shows progress. */
  events = 0;
  bytesRead = 0;
  /** Lines that were too long, torn, no JSON or no event. */
  skipped = 0;
  /** Of the first file; undefined before the first event. */
  header: TraceHeader | undefined;
  /** What people call a node, as far as it was read. */
  readonly names = new Map<NodeId, { readonly name: string; readonly role: string }>();
  readonly #maxLineBytes: number;

  constructor(path: string, config: TraceReaderConfig) {
    this.path = path;
    this.#maxLineBytes = config.maxLineBytes ?? maxTraceLineBytes;
  }

  nameOf(node: NodeId): string {
    return this.names.get(node)?.name ?? String(node);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TraceEvent> {
    for (const part of traceParts(this.path)) {
      let isFirst = true;
      for await (const line of this.#lines(part)) {
        const value = parseTraceLine(line);
        if (isFirst) {
          isFirst = false;
          this.#onHeader(part, value);
          continue;
        }
        // A file that was continued by a later run has another header in the middle.
        if (isTraceHeader(value)) continue;
        if (!isTraceEvent(value)) {
          this.skipped++;
          continue;
        }
        if (value.type === "named" && value.layer === traceLayer) this.#onNamed(value);
        this.events++;
        yield value;
      }
      if (isFirst) throw new UsageError(`${part}: is empty; a trace begins with a header`);
    }
  }

  #onHeader(part: string, value: unknown): void {
    if (!isTraceHeader(value)) throw new UsageError(`${part}: ${whyNoTrace(value)}`);
    this.header ??= value;
  }

  #onNamed(event: TraceEvent): void {
    const { name, role } = event;
    if (typeof name === "string" && typeof role === "string") this.names.set(event.node, { name, role });
  }

  /** Lines without their ends; empty ones and those that are too long are left out. */
  async *#lines(part: string): AsyncGenerator<string> {
    const held: Buffer[] = [];
    let heldBytes = 0;
    let isTooLong = false;
    const take = (end: Buffer): string => {
      const line = held.length === 0 ? end.toString() : Buffer.concat([...held, end]).toString();
      held.length = 0;
      heldBytes = 0;
      return line;
    };
    for await (const chunk of fs.createReadStream(part) as AsyncIterable<Buffer>) {
      this.bytesRead += chunk.length;
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; start = end + 1, end = chunk.indexOf(10, start)) {
        const isSkipped = isTooLong || heldBytes + end - start > this.#maxLineBytes;
        const line = take(chunk.subarray(start, end));
        isTooLong = false;
        if (isSkipped) this.skipped++;
        else if (line !== "") yield line;
      }
      const rest = chunk.subarray(start);
      if (isTooLong || rest.length === 0) continue;
      held.push(rest);
      heldBytes += rest.length;
      if (heldBytes <= this.#maxLineBytes) continue;
      isTooLong = true;
      take(Buffer.alloc(0));
    }
    // The last line of a process that died has no end; it may be whole all the same.
    const last = take(Buffer.alloc(0));
    if (isTooLong) this.skipped++;
    else if (last !== "") yield last;
  }
}

/** The files of a trace, oldest first. Throws `UsageError` where there is none. */
export function traceParts(path: string): string[] {
  if (!fs.existsSync(path)) throw new UsageError(`${path}: there is no such file`);
  const parts = [path];
  for (let age = 1; isTrace(`${path}.${age}`); age++) parts.unshift(`${path}.${age}`);
  return parts;
}
