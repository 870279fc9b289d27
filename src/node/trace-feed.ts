/** The trace as it happens: every event, for those who follow it (`GET /v1/trace`). */
import type { ServerResponse } from "node:http";
import { type Millis, type NodeId, type TraceEvent, type Typed, traceEvent } from "../core/index.ts";
import { beginEventStream, endEventStream, serverSent } from "./event-stream.ts";
import { failure } from "./http-failure.ts";
import type { Metrics } from "./metrics.ts";
import type { GrapevineNode } from "./node.ts";
import { NoticeTap } from "./notice-tap.ts";
import { namedEvent, traceId, traceLine } from "./trace-file.ts";

export interface TraceFeedOptions {
  readonly maxTraceClients: number;
  readonly maxTraceQueueBytes: number;
  readonly traceHeartbeatMs: number;
}

interface Follower {
  readonly response: ServerResponse;
  readonly node: GrapevineNode | undefined;
  readonly types: ReadonlySet<string> | undefined;
  readonly introduced: WeakMap<GrapevineNode, NodeId>;
  /** Gathered for one write at the end of the turn. */
  text: string;
  isScheduled: boolean;
}

/** Listens to the nodes of the process for those who follow the trace, and for the latency of deliveries. */
export class TraceFeed {
  readonly #options: TraceFeedOptions;
  readonly #metrics: Metrics | undefined;
  readonly #followers = new Set<Follower>();
  readonly #tap: NoticeTap;
  readonly #heartbeat: NodeJS.Timeout;
  #isClosed = false;

  constructor(nodes: () => Iterable<GrapevineNode>, options: TraceFeedOptions, metrics: Metrics | undefined) {
    this.#options = options;
    this.#metrics = metrics;
    this.#tap = new NoticeTap({ nodes, onNotice: this.#onNotice });
    this.#heartbeat = setInterval(() => this.#beat(), options.traceHeartbeatMs).unref();
    if (metrics !== undefined) this.#tap.open();
  }

  /** Throws (503) where there are too many already. */
  follow(response: ServerResponse, { node, types }: Pick<Follower, "node" | "types">): void {
    if (this.#isClosed) throw failure(503, "the process ends");
    if (this.#followers.size >= this.#options.maxTraceClients) {
      throw failure(503, `${this.#followers.size} follow the trace already; end one of them`);
    }
    const follower: Follower = {
      response,
      node,
      types,
      introduced: new WeakMap(),
      text: "",
      isScheduled: false,
    };
    beginEventStream(response);
    response.once("close", () => this.#followers.delete(follower));
    response.on("error", () => this.#followers.delete(follower));
    this.#followers.add(follower);
    this.#tap.open();
    this.#push(follower, ": following\n\n");
  }

  close(): void {
    this.#isClosed = true;
    this.#tap.close();
    clearInterval(this.#heartbeat);
    for (const follower of this.#followers) this.#end(follower, "end", "the process ends");
  }

  readonly #onNotice = (
    at: Millis,
    layer: string,
    notice: Typed & Record<string, any>,
    node: GrapevineNode,
  ): void => {
    this.#metrics?.onNotice(at, layer, notice, node);
    if (this.#followers.size === 0) return;
    let event: string | undefined;
    for (const follower of this.#followers) {
      if (follower.node !== undefined && follower.node !== node) continue;
      if (follower.types !== undefined && !follower.types.has(notice.type)) continue;
      const id = traceId(node);
      if (follower.introduced.get(node) !== id) {
        follower.introduced.set(node, id);
        if (follower.types?.has("named") !== false) {
          this.#push(follower, unnamed(namedEvent(at, id, node.name, node.role)));
        }
      }
      event ??= unnamed(traceEvent(at, id, layer, notice));
      this.#push(follower, event);
    }
  };

  #push(follower: Follower, text: string): void {
    follower.text += text;
    if (follower.text.length + follower.response.writableLength > this.#options.maxTraceQueueBytes) {
      return this.#end(
        follower,
        "dropped",
        "you read more slowly than things happen; ask for fewer types, or for one node",
      );
    }
    if (follower.isScheduled) return;
    follower.isScheduled = true;
    setImmediate(() => {
      follower.isScheduled = false;
      if (follower.text === "" || follower.response.writableEnded) return;
      follower.response.write(follower.text);
      follower.text = "";
    });
  }

  /** A last event; whoever does not read even that is cut off. */
  #end(follower: Follower, event: "dropped" | "end", error: string): void {
    this.#followers.delete(follower);
    const { response } = follower;
    endEventStream(response, follower.text + serverSent(event, { error }));
    follower.text = "";
  }

  #beat(): void {
    for (const follower of this.#followers) this.#push(follower, ": heartbeat\n\n");
  }
}

function unnamed(event: TraceEvent): string {
  return `data: ${traceLine(event)}\n`;
}
