/**
 * A recorded run as lines of a terminal, one per event:
 *
 *     +   1.234s  .    .     peer-2     < delivered  peer-1#0 after=5ms from=peer-1 payload="hello"
 *
 * The dots are columns, one per node: read down a column to follow a node. Seeds come as `/`. The sign before the
 * type says what kind of event it is, so that the eye finds the crash among the deliveries.
 */
import { type Identity, identityOf, type Millis, type NodeId, type TraceEvent } from "../../core/index.ts";
import { escapeText, shortContact, showPayload, type TraceReader } from "../../node/index.ts";
import { entry } from "../../trace/message-ledger.ts";
import { type Difference, firstDifferenceOf } from "./compare.ts";
import { beginningOf, filterEvents, type TraceFilter } from "./filter.ts";

/** What a sign means; every other type has none. */
export const replaySigns: readonly {
  readonly sign: string;
  readonly meaning: string;
  readonly types: readonly string[];
}[] = [
  { sign: "*", meaning: "publishes", types: ["published", "publish"] },
  { sign: "<", meaning: "is given a message", types: ["delivered"] },
  { sign: ">", meaning: "sends it on", types: ["forwarded", "history-sent"] },
  {
    sign: "+",
    meaning: "gains a link or a place in a list",
    types: ["neighbor-up", "peer-listed", "registered"],
  },
  { sign: "-", meaning: "loses one", types: ["neighbor-down"] },
  { sign: "?", meaning: "doubts", types: ["ping-missed", "suspected", "dead-report-received"] },
  {
    sign: "x",
    meaning: "gives up, reports or removes",
    types: ["neighbor-failed", "dead-node", "peer-removed"],
  },
  { sign: "!", meaning: "refutes", types: ["refuted", "suspect-answered"] },
  {
    sign: "%",
    meaning: "refuses or warns",
    types: [
      "forged-gossip",
      "forged-entry",
      "dead-report-ignored",
      "registration-refused",
      "seed-refused",
      "link-cut",
      "link-refused",
      "message-unsendable",
      "warning",
      "lost",
      "forged",
      "junk",
    ],
  },
  { sign: "^", meaning: "starts", types: ["listening", "joined", "restarted", "resumed"] },
  { sign: "$", meaning: "ends, crashes or hangs", types: ["stopped", "left", "crashed", "paused"] },
  {
    sign: "~",
    meaning: "the network changes",
    types: ["partitioned", "cut", "healed", "links-changed", "slowed", "drifted"],
  },
];

const signOf = new Map(replaySigns.flatMap(({ sign, types }) => types.map((type) => [type, sign] as const)));

/** With more nodes the columns are left out: nobody follows so many. */
const maxColumns = 40;
const maxNamed = 4;
const typeWidth = 15;

export interface ReplayOptions extends TraceFilter {
  /** 1 is as it was, 10 ten times as fast; infinite, without waiting (the default). */
  readonly speed?: number;
  /** Ends the replay between two events. */
  readonly signal?: AbortSignal;
}

/** The events that pass the filter, each at its time: the first at once, the others after what lay between. */
export async function* replayEvents(
  reader: TraceReader,
  { speed = Number.POSITIVE_INFINITY, signal, ...filter }: ReplayOptions = {},
): AsyncGenerator<TraceEvent> {
  const startedAt = performance.now();
  let firstAt: Millis | undefined;
  for await (const event of filterEvents(reader, filter)) {
    if (signal?.aborted) return;
    firstAt ??= event.at;
    const waitMs = (event.at - firstAt) / speed - (performance.now() - startedAt);
    if (waitMs > 1 && !(await wasWaited(waitMs, signal))) return;
    yield event;
  }
}

/** Events as compact lines. Names are taken from the reader as far as it has come. */
export class ReplayLines {
  readonly #reader: TraceReader;
  readonly #columns = new Map<Identity, number>();
  #nameWidth = 8;

  constructor(reader: TraceReader) {
    this.#reader = reader;
  }

  line(event: TraceEvent): string {
    const { at, node, type } = event;
    const isNetwork = node === "";
    const name = isNetwork ? "(network)" : this.#name(node);
    this.#nameWidth = Math.min(24, Math.max(this.#nameWidth, name.length));
    return [
      since(at - beginningOf(this.#reader)),
      this.#strip(node),
      name.padEnd(this.#nameWidth),
      signOf.get(type) ?? " ",
      escapeText(type).padEnd(typeWidth),
      this.#details(event),
    ]
      .filter((part) => part !== undefined)
      .join(" ")
      .trimEnd();
  }

  #strip(node: NodeId): string | undefined {
    // Those that are still to come take their columns now, so that the others stay where they are.
    for (const known of [...this.#reader.names.keys(), node]) {
      if (this.#columns.size > maxColumns) return undefined;
      if (known !== "") entry(this.#columns, identityOf(known), () => this.#columns.size);
    }
    if (this.#columns.size > maxColumns) return undefined;
    const mark = this.#reader.names.get(node)?.role === "seed" ? "/" : ".";
    const at = this.#columns.get(identityOf(node));
    return (at === undefined ? "" : `${" ".repeat(at)}${mark}`).padEnd(this.#columns.size);
  }

  #details({ at, node, layer, type, ...fields }: TraceEvent): string {
    const parts: string[] = [];
    const { origin, incarnation, sequence, statedAt, count, ...others } = fields;
    if (isId(origin) && typeof sequence === "number") {
      const last = typeof count === "number" && count > 1 ? `..${sequence + count - 1}` : "";
      parts.push(`${this.#name(origin)}#${sequence}${last}`);
      if (typeof statedAt === "number" && type === "delivered") parts.push(`after=${at - statedAt}ms`);
    } else {
      // It names no message.
      for (const [field, value] of Object.entries({ origin, incarnation, sequence, count }))
        if (value !== undefined) parts.push(this.#field(field, value));
    }
    for (const [field, value] of Object.entries(others)) parts.push(this.#field(field, value));
    return parts.join(" ");
  }

  #field(field: string, value: unknown): string {
    return `${escapeText(field)}=${this.#show(field, value)}`;
  }

  #show(field: string, value: unknown): string {
    if (field === "payload" && typeof value === "string") return `"${showPayload(value)}"`;
    if (typeof value === "string") return this.#isNode(value) ? this.#name(value) : showPayload(value);
    if (!Array.isArray(value)) return escapeText(JSON.stringify(value) ?? "");
    const shown = value.slice(0, maxNamed).map((one) => this.#show(field, one));
    return value.length > maxNamed ? `${shown.join(",")},…${value.length}` : shown.join(",");
  }

  #isNode(text: string): boolean {
    return this.#reader.names.has(text) || /^[0-9a-f]{40}@/.test(text);
  }

  #name(node: NodeId): string {
    const named = this.#reader.names.get(node);
    return named === undefined ? shortContact(node) : escapeText(named.name);
  }
}

/** What a simulation needs to run again: the header's `about` (docs/trace.md). */
export type About = Readonly<Record<string, unknown>>;
export type Rerun = (about: About) => AsyncIterable<TraceEvent>;

export interface AgainReport {
  readonly identical: boolean;
  /** Recorded events; with those of layer `trace`, which are not compared. */
  readonly events: number;
  /** `a` is the recorded line, `b` that of the new run. */
  readonly firstDifference: Difference | null;
}

/** Runs the simulation of a trace again and compares every event with the recorded one, as far as they agree. */
export async function replayAgain(reader: TraceReader, about: About, rerun: Rerun): Promise<AgainReport> {
  const firstDifference = await firstDifferenceOf(reader, rerun(about));
  return { identical: firstDifference === null, events: reader.events, firstDifference };
}

function since(ms: Millis): string {
  return `${ms < 0 ? "-" : "+"}${(Math.abs(ms) / 1000).toFixed(3).padStart(9)}s`;
}

function isId(value: unknown): value is NodeId {
  return typeof value === "string" || typeof value === "number";
}

/** False where the signal came first. */
function wasWaited(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const onAbort = () => {
      clearTimeout(timer);
      resolve(false);
    };
    // The longest that a timer can wait; a gap of weeks is then over early.
    const timer = setTimeout(
      () => {
        signal?.removeEventListener("abort", onAbort);
        resolve(true);
      },
      Math.min(ms, 2 ** 31 - 1),
    );
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
