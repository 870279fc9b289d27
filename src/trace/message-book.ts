/**
 * How each message of a trace spread: who got it when and from whom, which copies were sent, who spread it no more.
 * Asked about any moment, so that whoever goes back in time reads the same book.
 *
 * Bounded: beyond `maxMessages`, or `maxEntries` receipts and copies together, the oldest messages are forgotten and
 * counted.
 */
import { identityOf, type Millis, type NodeId, type TraceEvent } from "../core/index.ts";
import type { NodeRegister } from "./node-register.ts";

/** Susceptible: has not got it. Infected: has it and spreads it. Removed: has it and spreads it no more. */
export const susceptible = 0;
export const infected = 1;
export const removed = 2;

export interface BookedMessage {
  /** Identity of the origin, incarnation and sequence: the name of the message, and its address in the page. */
  readonly key: string;
  readonly origin: number;
  readonly publishedAt: Millis;
  /** What it says, where the trace has it. */
  readonly text: string | undefined;
  /** First receipts in the order of their arrival, without the origin's own: rows, times after the publication, senders. */
  readonly receivers: readonly number[];
  readonly receivedAfterMs: readonly number[];
  /** Row of the sender; -1 where the trace does not say. */
  readonly senders: readonly number[];
  /** Links from its origin; 0 where the way is not known. */
  readonly hops: readonly number[];
  /** Every copy that was sent, in the order of sending. */
  readonly copyFrom: readonly number[];
  readonly copyTo: readonly number[];
  readonly copyAfterMs: readonly number[];
  /** Until when each row spreads it, in ms after the publication, where that is known. */
  readonly spreadUntilMs: ReadonlyMap<number, number>;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };
interface Page extends Omit<Writable<BookedMessage>, "spreadUntilMs"> {
  readonly spreadUntilMs: Map<number, number>;
  readonly hopsByRow: Map<number, number>;
  /** Receipts, copies and ends that it holds: what is free again when it is forgotten. */
  entries: number;
}

export interface MessageBookConfig {
  readonly maxMessages?: number;
  readonly maxEntries?: number;
}

export class MessageBook {
  readonly #register: NodeRegister;
  readonly #maxMessages: number;
  readonly #maxEntries: number;
  readonly #pages = new Map<string, Page>();
  #entries = 0;
  /** Messages that were forgotten because there were too many. */
  forgotten = 0;
  /** Grows with everything that is written. */
  version = 0;

  constructor(
    register: NodeRegister,
    { maxMessages = 2000, maxEntries = 2_000_000 }: MessageBookConfig = {},
  ) {
    this.#register = register;
    this.#maxMessages = maxMessages;
    this.#maxEntries = maxEntries;
  }

  /** In the order of their publication. */
  get messages(): Iterable<BookedMessage> {
    return this.#pages.values();
  }
  get size(): number {
    return this.#pages.size;
  }
  get(key: string): BookedMessage | undefined {
    return this.#pages.get(key);
  }
  get latest(): BookedMessage | undefined {
    let last: BookedMessage | undefined;
    for (const page of this.#pages.values()) last = page;
    return last;
  }

  apply(event: TraceEvent): void {
    switch (event.type) {
      case "published":
        return this.#onPublished(event);
      case "delivered":
        return this.#onDelivered(event);
      case "forwarded":
        return this.#onForwarded(event);
      case "removed":
        return this.#onRemoved(event);
    }
  }

  #onPublished(event: TraceEvent): void {
    const key = messageKey(event);
    if (key === undefined || this.#pages.has(key)) return;
    const { payload, statedAt } = event;
    const page: Page = {
      key,
      origin: this.#register.of(event.node).row,
      publishedAt: typeof statedAt === "number" ? statedAt : event.at,
      text: typeof payload === "string" ? payload : undefined,
      receivers: [],
      receivedAfterMs: [],
      senders: [],
      hops: [],
      copyFrom: [],
      copyTo: [],
      copyAfterMs: [],
      spreadUntilMs: new Map(),
      hopsByRow: new Map(),
      entries: 0,
    };
    this.#pages.set(key, page);
    this.#wrote(page, 1);
  }

  #onDelivered(event: TraceEvent): void {
    const page = this.#pageOf(event);
    if (page === undefined) return;
    const { row } = this.#register.of(event.node);
    if (row === page.origin || page.hopsByRow.has(row)) return;
    const sender = isNode(event["from"]) ? this.#register.of(event["from"]).row : -1;
    const before = sender === page.origin ? 0 : page.hopsByRow.get(sender);
    const hop = before === undefined || (before === 0 && sender !== page.origin) ? 0 : before + 1;
    const afterMs = Math.max(0, event.at - page.publishedAt);
    page.hopsByRow.set(row, hop);
    page.receivers.push(row);
    page.receivedAfterMs.push(afterMs);
    page.senders.push(sender);
    page.hops.push(hop);
    // Who handed it on to somebody spread it at least until then.
    if (sender >= 0) page.spreadUntilMs.set(sender, Math.max(page.spreadUntilMs.get(sender) ?? 0, afterMs));
    this.#wrote(page, 1);
  }

  #onForwarded(event: TraceEvent): void {
    const { to, count, sequence } = event;
    if (!Array.isArray(to) || typeof sequence !== "number") return;
    const from = this.#register.of(event.node).row;
    // The trace says the count: look no further than there are messages.
    const last = sequence + Math.min(typeof count === "number" ? count : 1, this.#pages.size);
    for (let i = sequence; i < last; i++) {
      const page = this.#pageOf({ ...event, sequence: i });
      if (page === undefined) continue;
      const afterMs = Math.max(0, event.at - page.publishedAt);
      for (const target of to) {
        if (!isNode(target)) continue;
        page.copyFrom.push(from);
        page.copyTo.push(this.#register.of(target).row);
        page.copyAfterMs.push(afterMs);
      }
      this.#wrote(page, to.length);
    }
  }

  #onRemoved(event: TraceEvent): void {
    const { count, sequence } = event;
    if (typeof sequence !== "number") return;
    const { row } = this.#register.of(event.node);
    const last = sequence + Math.min(typeof count === "number" ? count : 1, this.#pages.size);
    for (let i = sequence; i < last; i++) {
      const page = this.#pageOf({ ...event, sequence: i });
      if (page === undefined) continue;
      page.spreadUntilMs.set(row, Math.max(0, event.at - page.publishedAt));
      this.#wrote(page, 1);
    }
  }

  #pageOf(event: TraceEvent): Page | undefined {
    const key = messageKey(event);
    return key === undefined ? undefined : this.#pages.get(key);
  }

  #wrote(page: Page, entries: number): void {
    this.version++;
    page.entries += entries;
    this.#entries += entries;
    while (
      (this.#entries > this.#maxEntries && this.#pages.size > 1) ||
      this.#pages.size > this.#maxMessages
    ) {
      const [oldest] = this.#pages.values();
      this.#pages.delete(oldest!.key);
      this.#entries -= oldest!.entries;
      this.forgotten++;
    }
  }
}

/**
 * Where each row stands towards the message at that moment: `susceptible`, `infected` or `removed`, one byte a row.
 * A node that nobody saw hand it on, and that did not say when it stopped, is removed as soon as it has it.
 */
export function statesAt(message: BookedMessage, at: Millis, rows: number): Uint8Array {
  const states = new Uint8Array(rows);
  const nowMs = at - message.publishedAt;
  if (nowMs < 0) return states;
  const put = (row: number, receivedMs: number) => {
    if (row < rows) states[row] = (message.spreadUntilMs.get(row) ?? receivedMs) > nowMs ? infected : removed;
  };
  put(message.origin, 0);
  for (let i = 0; i < message.receivers.length; i++) {
    const receivedMs = message.receivedAfterMs[i]!;
    if (receivedMs <= nowMs) put(message.receivers[i]!, receivedMs);
  }
  return states;
}

/** The name of a message; undefined where the event has none. */
export function messageKey(event: Readonly<Record<string, unknown>>): string | undefined {
  const { origin, incarnation, sequence } = event;
  if (!isNode(origin) || typeof incarnation !== "number" || typeof sequence !== "number") return undefined;
  return `${identityOf(origin)}.${incarnation}.${sequence}`;
}

function isNode(value: unknown): value is NodeId {
  return typeof value === "string" || typeof value === "number";
}
