/**
 * A trace that was written by any world: from an address (`?trace=run.ndjson`), or a file that somebody opens. It is
 * read whole, thinned to what the page can keep, and shown from its end.
 */
import type { TraceEvent } from "../../../src/core/index.ts";
import type { FeedTotals } from "../../../src/trace/feed.ts";
import {
  isTraceEvent,
  isTraceHeader,
  parseTraceLine,
  type TraceHeader,
  whyNoTrace,
} from "../../../src/trace/trace-line.ts";
import type { Source, SourceListener } from "./source.ts";
import { aboutOf, titleOf } from "./trace-about.ts";
import { TraceLines } from "./trace-lines.ts";
import { TraceThinner } from "./trace-thinner.ts";
import { TraceTotals } from "./trace-totals.ts";

export interface TraceInput {
  readonly label: string;
  /** Rejects with a sentence for the user. */
  open(): Promise<{ readonly stream: ReadableStream<Uint8Array>; readonly totalBytes?: number }>;
}

/** Below what a timeline keeps, since that forgets what is too much from the beginning. */
const maxEvents = 280_000;
/** A day of a run has one for each second; of more, the first are left out. */
const maxTotals = 100_000;
const progressEveryMs = 100;
const eventsPerTurn = 10_000;

export class RecordedSource implements Source {
  readonly kind = "recorded";
  readonly label: string;
  readonly #input: TraceInput;
  #isClosed = false;

  constructor(input: TraceInput) {
    this.#input = input;
    this.label = input.label;
  }

  start(listener: SourceListener): void {
    void this.#read(listener).catch((error: unknown) => {
      if (this.#isClosed) return;
      listener.onState({ type: "ended", why: error instanceof Error ? error.message : String(error) });
    });
  }

  close(): void {
    this.#isClosed = true;
  }

  async act(): Promise<void> {
    throw new Error("this is a recording: what happened cannot be changed");
  }

  async why(): Promise<undefined> {
    return undefined;
  }

  async details(): Promise<undefined> {
    return undefined;
  }

  async #read(listener: SourceListener): Promise<void> {
    listener.onState({ type: "connecting", progress: `Opening ${this.label}…` });
    const { stream, totalBytes } = await this.#input.open();
    const lines = new TraceLines(stream);
    const reading = new TraceReading(this.label);
    let saidAt = Date.now();
    for await (const chunk of lines) {
      if (this.#isClosed) return;
      for (const line of chunk) reading.add(line);
      if (Date.now() - saidAt < progressEveryMs) continue;
      saidAt = Date.now();
      listener.onState({
        type: "connecting",
        progress: progressText(reading.read, lines.bytesRead, totalBytes),
      });
      await anotherTurn();
    }
    await this.#tell(reading, lines.tooLong, listener);
  }

  async #tell(reading: TraceReading, tooLong: number, listener: SourceListener): Promise<void> {
    const { header, read, thinner, totals } = reading;
    if (header === undefined) throw new Error(`${this.label}: is empty; a trace begins with a header`);
    const { events } = thinner;
    const at = reading.firstAt ?? header.startedAt;
    const { world, startedAt } = header;
    const readOnly = "a recording cannot be changed";
    listener.onHello({ world, at, startedAt, hands: [], readOnly, about: aboutOf(header) });
    for (const one of totals) listener.onTotals(one);
    // The last second has not ended.
    listener.onTotals(reading.totalsAtEnd());
    const sampling = thinner.sampling(at);
    if (sampling !== undefined) listener.onSampling(sampling);
    listener.onState({ type: "open" });
    for (let i = 0; i < events.length; i += eventsPerTurn) {
      if (this.#isClosed) return;
      listener.onEvents(events.slice(i, i + eventsPerTurn));
      await anotherTurn();
    }
    const skipped = reading.skipped + tooLong;
    const { lost } = reading;
    const number = (value: number) => value.toLocaleString("en");
    const parts = [
      titleOf(header),
      `${number(read)} events`,
      skipped > 0
        ? `${number(skipped)} ${skipped === 1 ? "line was no event" : "lines were no events"}`
        : undefined,
      lost > 0 ? `${number(lost)} events are missing: the disk refused them` : undefined,
    ];
    const why = parts.filter((part) => part !== undefined).join("; ");
    const { closingAt } = reading;
    // A network that was closed in order has nobody left: what one wants to see was before.
    const opensAt = closingAt === undefined ? {} : { opensAt: closingAt - 1 };
    listener.onState({ type: "ended", why, ...opensAt });
  }
}

/** What has been read of a trace so far. */
class TraceReading {
  readonly thinner = new TraceThinner(maxEvents);
  readonly totals: FeedTotals[] = [];
  header: TraceHeader | undefined;
  read = 0;
  skipped = 0;
  /** Events that the writer of the trace could not write. */
  lost = 0;
  firstAt: number | undefined;
  /** When the nodes began to be closed, if they were. */
  closingAt: number | undefined;
  #lastAt = 0;
  readonly #label: string;
  readonly #counts = new TraceTotals();

  constructor(label: string) {
    this.#label = label;
  }

  /** Throws where the first line begins no trace. */
  add(line: string): void {
    const value = parseTraceLine(line);
    if (this.header === undefined) {
      if (!isTraceHeader(value)) throw new Error(`${this.#label}: ${whyNoTrace(value)}`);
      this.header = value;
      // Parts of one run, one after the other, and runs that went on with a file, have more of them.
    } else if (isTraceEvent(value)) this.#onEvent(value);
    else if (!isTraceHeader(value)) this.skipped++;
  }

  totalsAtEnd(): FeedTotals {
    return this.#counts.at(this.#lastAt);
  }

  #onEvent(event: TraceEvent): void {
    this.read++;
    if (event.layer === "trace" && event.type === "lost") this.lost += Number(event["events"]) || 0;
    else {
      this.firstAt ??= event.at;
      this.#lastAt = Math.max(this.#lastAt, event.at);
      for (const totals of this.#counts.before(event.at))
        if (this.totals.push(totals) > maxTotals) this.totals.shift();
    }
    if (event.type === "stopped" && event["reason"] === "closed") this.closingAt ??= event.at;
    else if (signsOfLife.has(event.type)) this.closingAt = undefined;
    this.#counts.apply(event);
    this.thinner.add(event);
  }
}

/** Who says this is not about to be closed. */
const signsOfLife = new Set(["listening", "joined", "published", "delivered", "neighbor-up"]);

function progressText(events: number, bytes: number, totalBytes: number | undefined): string {
  const share = totalBytes === undefined ? "" : `, ${Math.floor((100 * bytes) / totalBytes)} %`;
  return `Reading: ${events.toLocaleString("en")} events, ${(bytes / 1e6).toFixed(1)} MB${share}`;
}

/** The page draws in between. */
function anotherTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

// ---- Where traces come from ----

/** As the file was called, where its name is well escaped. */
function readable(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** `asked` is what stands in the address of the page, `from` that address: somebody may have typed anything there. */
export function traceAt(asked: string, from: string | URL): TraceInput {
  return {
    label: readable(asked.slice(asked.lastIndexOf("/") + 1)) || asked,
    async open() {
      if (!URL.canParse(asked, String(from))) throw new Error(`${asked} is no address of a trace`);
      const url = new URL(asked, from).href;
      const response = await fetch(url).catch((error: unknown) => {
        throw new Error(`${url} cannot be read (${error instanceof Error ? error.message : error})`);
      });
      if (!response.ok || response.body === null)
        throw new Error(`${url} cannot be read (${response.status} ${response.statusText})`);
      // What was compressed on its way has another length when it is read.
      const length = Number(response.headers.get("content-length"));
      const isWhole = response.headers.get("content-encoding") === null && length > 0;
      return { stream: response.body, ...(isWhole ? { totalBytes: length } : {}) };
    },
  };
}

export function traceFile(file: File): TraceInput {
  return {
    label: file.name,
    open: async () => ({ stream: file.stream(), totalBytes: file.size }),
  };
}
