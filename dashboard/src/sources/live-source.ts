/**
 * The nodes of a running process, over its control API: the feed (server-sent events), and what a hand may do.
 *
 * It connects again by itself, later each time, and the feed begins anew then. Reading waits for the page, so that a
 * page that cannot keep up is told less by the server rather than filling its own memory.
 */
import type { NodeId, TraceEvent } from "../../../src/core/index.ts";
import type { Action } from "../../../src/scenario/scenario.ts";
import { isTraceEvent, maxTraceLineBytes, parseTraceLine } from "../../../src/trace/trace-line.ts";
import {
  isFeedHello,
  isFeedSampling,
  isFeedTotals,
  isNodeDetails,
  isNodeOpinion,
  isRecord,
} from "./feed-shapes.ts";
import { type ServerSentEvent, ServerSentEvents } from "./server-sent-events.ts";
import type { NodeDetails, NodeOpinion, Source, SourceListener, SourceState } from "./source.ts";

export interface LiveSourceConfig {
  /** Where the control API is: `http://127.0.0.1:45123`. */
  readonly url: string;
  readonly token?: string;
}

const firstRetryMs = 500;
const lastRetryMs = 10_000;
/** Totals come every second: with nothing for so long, there is no connection any more. */
const silenceMs = 10_000;
/** Told to the page at once where no frame comes first. */
const maxGathered = 20_000;
const hiddenFrameMs = 100;

/** The answer says that it is no use to ask again. */
class Refused extends Error {}
class NeedsToken extends Error {}

export class LiveSource implements Source {
  readonly kind = "live";
  readonly label: string;
  /** What came and was nothing that a feed says. */
  skipped = 0;
  readonly #url: string;
  #token: string | undefined;
  #listener: SourceListener | undefined;
  #connection: AbortController | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryMs = firstRetryMs;
  /** Nothing is told before the first hello. */
  #hasHello = false;
  #gathered: TraceEvent[] = [];
  #cancelFrame: (() => void) | undefined;

  constructor({ url, token }: LiveSourceConfig) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
    this.label = new URL(url).host;
  }

  start(listener: SourceListener): void {
    this.#listener = listener;
    void this.#connect();
  }

  close(): void {
    this.#listener = undefined;
    clearTimeout(this.#retry);
    this.#connection?.abort();
    this.#cancelFrame?.();
  }

  authorize(token: string): void {
    this.#token = token;
    if (this.#listener !== undefined) this.retryNow();
  }

  retryNow(): void {
    clearTimeout(this.#retry);
    this.#connection?.abort();
    void this.#connect();
  }

  async act(action: Action): Promise<void> {
    await this.#ask("/v1/actions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(action),
    });
  }

  async details(node: NodeId): Promise<NodeDetails | undefined> {
    const response = await this.#ask(`/v1/nodes/${encodeURIComponent(node)}/details`, {}, [404]);
    if (response.status === 404) return undefined;
    const details: unknown = await response.json();
    if (!isNodeDetails(details)) throw new Error(`${this.label} answers something that is no node's details`);
    return details;
  }

  async why(observer: NodeId, member: NodeId): Promise<NodeOpinion | undefined> {
    const path = `/v1/nodes/${encodeURIComponent(observer)}/why?member=${encodeURIComponent(member)}`;
    const response = await this.#ask(path, {}, [404]);
    if (response.status === 404) return undefined;
    const opinion: unknown = await response.json();
    if (!isNodeOpinion(opinion))
      throw new Error(`${this.label} answers something that is no node's opinion of another`);
    return opinion;
  }

  // ---- The connection ----

  async #connect(): Promise<void> {
    const connection = new AbortController();
    this.#connection = connection;
    this.#say({ type: "connecting" });
    let why: unknown = new Error(`${this.label} has ended the connection`);
    try {
      const headers = { accept: "text/event-stream" };
      const response = await this.#ask("/v1/feed", { headers, signal: connection.signal });
      await this.#read(response, connection);
    } catch (error) {
      why = error;
    }
    connection.abort();
    // Somebody else has begun anew meanwhile, or wants no more.
    if (this.#connection !== connection || this.#listener === undefined) return;
    this.#flush();
    this.#hasHello = false;
    if (why instanceof NeedsToken) return this.#say({ type: "needs-token", why: why.message });
    if (why instanceof Refused) return this.#say({ type: "ended", why: why.message });
    const retryMs = this.#retryMs;
    this.#retryMs = Math.min(lastRetryMs, 2 * retryMs);
    this.#say({ type: "lost", why: textOf(why), retryAt: Date.now() + retryMs });
    this.#retry = setTimeout(() => void this.#connect(), retryMs);
  }

  async #read(response: Response, connection: AbortController): Promise<void> {
    const decoder = new TextDecoder();
    const events = new ServerSentEvents(maxTraceLineBytes, (event) => this.#onEvent(event));
    const silent = new Error(`${this.label} says nothing any more`);
    let patience: ReturnType<typeof setTimeout> | undefined;
    const expectMore = () => {
      clearTimeout(patience);
      patience = setTimeout(() => connection.abort(silent), silenceMs);
    };
    try {
      expectMore();
      for await (const bytes of piecesOf(response)) {
        if (this.#connection !== connection) return;
        expectMore();
        events.push(decoder.decode(bytes, { stream: true }));
      }
    } finally {
      clearTimeout(patience);
      this.skipped += events.skipped;
    }
  }

  /** Throws what the answer says where it is none of a success. */
  async #ask(path: string, init: RequestInit, expected: readonly number[] = []): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#token !== undefined) headers.set("authorization", `Bearer ${this.#token}`);
    let response: Response;
    try {
      response = await fetch(this.#url + path, { ...init, headers });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new Error(`${this.label} does not answer`);
    }
    if (response.ok || expected.includes(response.status)) return response;
    const answer: unknown = await response.json().catch(() => undefined);
    const error = isRecord(answer) ? answer["error"] : undefined;
    const why = typeof error === "string" ? error : `${this.label} answers ${response.status}`;
    if (response.status === 401) throw new NeedsToken(why);
    throw response.status === 403 ? new Refused(why) : new Error(why);
  }

  // ---- What comes ----

  #onEvent({ event, data }: ServerSentEvent): void {
    const listener = this.#listener;
    const value = parseTraceLine(data);
    if (event === "hello" && isFeedHello(value)) {
      this.#flush();
      this.#hasHello = true;
      this.#retryMs = firstRetryMs;
      this.#say({ type: "open" });
      listener?.onHello(value);
    } else if (!this.#hasHello) this.skipped++;
    else if (event === "message" && isTraceEvent(value)) this.#gather(value);
    else if (event === "totals" && isFeedTotals(value)) {
      this.#flush();
      listener?.onTotals(value);
    } else if (event === "sampling" && isFeedSampling(value)) {
      this.#flush();
      listener?.onSampling(value);
    } else if (event !== "end") this.skipped++;
  }

  /** Told once for each frame that is drawn. */
  #gather(event: TraceEvent): void {
    this.#gathered.push(event);
    if (this.#gathered.length >= maxGathered) this.#flush();
    else this.#cancelFrame ??= atNextFrame(() => this.#flush());
  }

  #flush(): void {
    this.#cancelFrame?.();
    this.#cancelFrame = undefined;
    if (this.#gathered.length === 0) return;
    const events = this.#gathered;
    this.#gathered = [];
    this.#listener?.onEvents(events);
  }

  #say(state: SourceState): void {
    this.#listener?.onState(state);
  }
}

/** Pages that nobody sees get no frames. */
function atNextFrame(act: () => void): () => void {
  const { document, requestAnimationFrame, cancelAnimationFrame } = globalThis as Partial<Page>;
  if (document?.hidden === false && requestAnimationFrame !== undefined) {
    const frame = requestAnimationFrame(act);
    return () => cancelAnimationFrame?.(frame);
  }
  const timer = setTimeout(act, hiddenFrameMs);
  return () => clearTimeout(timer);
}

/** A program without a page can read the feed as well. */
interface Page {
  readonly document: { readonly hidden: boolean };
  requestAnimationFrame(act: () => void): number;
  cancelAnimationFrame(frame: number): void;
}

async function* piecesOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
  } finally {
    reader.releaseLock();
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
