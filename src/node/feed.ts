/**
 * What a page (or any other program) is told that watches the nodes of this process: `GET /v1/feed`, server-sent
 * events.
 *
 *     event: hello      what this is, and what may be done to it (FeedHello)
 *     data: {…}         the network as it stood, in events of type `pictured`; then the trace, bounded by a sampler
 *     event: totals     each second (FeedTotals)
 *     event: sampling   what was left out of the trace since the last time (FeedSampling)
 *     event: end        the process ends
 *
 * One picture, one sampler and one log for all who read: what is told is made into text once. Until somebody asks,
 * none of that exists, unless it is to be kept from the start for those who come later and want to look back.
 */
import type { ServerResponse } from "node:http";
import { defineOptions, type Millis, type TraceEvent, type Typed, traceEvent } from "../core/index.ts";
import { effectiveOptions, profileOf } from "../profiles/index.ts";
import {
  type FeedAbout,
  type FeedHello,
  FeedSampler,
  isStructure,
  NetworkPicture,
  traceLayer,
} from "../trace/index.ts";
import { NodeRegister } from "../trace/node-register.ts";
import { beginEventStream, endEventStream, serverSent } from "./event-stream.ts";
import { FeedFollower } from "./feed-follower.ts";
import { type FeedBlock, FeedLog } from "./feed-log.ts";
import { TotalsCounter } from "./feed-totals.ts";
import type { Hands, MayBeDone } from "./hands.ts";
import { failure } from "./http-failure.ts";
import type { GrapevineNode, NodeOptions } from "./node.ts";
import { NoticeTap } from "./notice-tap.ts";
import { tunablesOf } from "./settings.ts";
import { traceId, traceLine } from "./trace-file.ts";

export interface FeedOptions {
  readonly feedEventsPerSecond: number;
  readonly feedMemoryBytes: number;
}

export const feedOptions = defineOptions<FeedOptions>({
  feedEventsPerSecond: {
    default: 5000,
    min: 10,
    max: 1_000_000,
    description: "What those who watch are told at most; beyond it messages are left out, each one whole",
  },
  feedMemoryBytes: {
    default: 16 * 1024 * 1024,
    min: 64 * 1024,
    max: 2 ** 33,
    description: "So much of what was told is kept for those who come later (guess)",
  },
});

export interface FeedConfig extends FeedOptions {
  readonly nodes: () => Iterable<GrapevineNode>;
  /** What nodes have that are still to come. */
  readonly nodeOptions: NodeOptions;
  /** Keeps what happens before anybody asks. */
  readonly recordsFromStart: boolean;
  readonly mayBeDone: MayBeDone;
  readonly hands?: Hands | undefined;
  readonly maxFollowers: number;
  readonly maxUnreadBytes: number;
}

/** What happens is told so often. */
const tickMs = 50;
const totalsMs = 1000;
/** As long as nobody watches, so much less is kept: it costs less, and reaches further back. */
const unwatchedShare = 1 / 5;
/** So many nodes that are gone are remembered by their ids, beside those of the picture. */
const maxGoneIds = 20_000;

export class Feed {
  readonly #config: FeedConfig;
  readonly #followers = new Map<ServerResponse, FeedFollower>();
  readonly #startedAt = Date.now();
  #recording: Recording | undefined;
  #isClosed = false;

  constructor(config: FeedConfig) {
    this.#config = config;
    if (!config.recordsFromStart) return;
    this.#record();
    this.#limit();
  }

  /** Throws (503) where there are too many already. */
  follow(response: ServerResponse): void {
    const { maxFollowers, maxUnreadBytes } = this.#config;
    if (this.#isClosed) throw failure(503, "the process ends");
    if (this.#followers.size >= maxFollowers)
      throw failure(503, `${this.#followers.size} watch already; end one of them`);
    const recording = this.#record();
    beginEventStream(response);
    const forget = () => {
      this.#followers.delete(response);
      this.#limit();
    };
    response.once("close", forget);
    response.on("error", forget);
    const follower = new FeedFollower({
      response,
      log: recording.log,
      maxUnreadBytes,
      hello: (at) => serverSent("hello", this.#hello(at)),
      beginBlock: () => recording.beginBlock(),
    });
    this.#followers.set(response, follower);
    this.#limit();
  }

  /** Somebody has that node publish by hand: what comes of it is told, however much else there is. */
  followNext(node: GrapevineNode): void {
    this.#recording?.sampler.followNext(node.contact);
  }

  close(): void {
    this.#isClosed = true;
    this.#recording?.close();
    for (const follower of this.#followers.values()) follower.push();
    for (const response of this.#followers.keys()) {
      endEventStream(response, serverSent("end", { error: "the process ends" }));
    }
    this.#followers.clear();
  }

  #record(): Recording {
    this.#recording ??= new Recording(this.#config, () => {
      for (const follower of this.#followers.values()) follower.push();
    });
    return this.#recording;
  }

  #limit(): void {
    const { feedEventsPerSecond } = this.#config;
    const share = this.#followers.size > 0 ? 1 : unwatchedShare;
    this.#recording?.sampler.limitTo(feedEventsPerSecond * share);
  }

  #hello(at: Millis): FeedHello {
    const nodes = [...this.#config.nodes()];
    const startedAt = Math.min(this.#startedAt, ...nodes.map((node) => node.startedAt));
    return { world: "live", at, startedAt, ...this.#config.mayBeDone, about: this.#about(nodes) };
  }

  /** What peers do is what theory is about. */
  #about(nodes: readonly GrapevineNode[]): FeedAbout {
    const node = nodes.find(({ role }) => role === "peer") ?? nodes[0];
    const options = effectiveOptions(node?.options ?? this.#config.nodeOptions);
    return { profile: profileOf(options), options: tunablesOf(options) };
  }
}

/** Listens, and writes down what is to be told. */
class Recording {
  readonly log: FeedLog;
  readonly sampler: FeedSampler;
  readonly #config: FeedConfig;
  readonly #onGrown: () => void;
  #picture = new NetworkPicture(new NodeRegister());
  readonly #totals = new TotalsCounter();
  readonly #tap: NoticeTap;
  readonly #stopHands: (() => void) | undefined;
  readonly #ticker: NodeJS.Timeout;
  /** What was said since the last tick. */
  #text: string[] = [];
  #events = new Map<string, number>();
  #tickedAt = performance.now();
  #totalsAt = this.#tickedAt;

  constructor(config: FeedConfig, onGrown: () => void) {
    this.#config = config;
    this.#onGrown = onGrown;
    this.log = new FeedLog(config.feedMemoryBytes);
    this.#tap = new NoticeTap({
      nodes: config.nodes,
      onNotice: this.#onNotice,
      onNode: (node) => this.#say(picturedEvent(node)),
    });
    const peers = [...config.nodes()].filter(({ role }) => role === "peer").length;
    this.sampler = new FeedSampler({
      eventsPerSecond: config.feedEventsPerSecond,
      eventsPerMessage: Math.max(10, 2 * peers),
    });
    this.#tap.open();
    this.#text = [];
    this.#events.clear();
    this.beginBlock();
    this.#stopHands = config.hands?.onEvent((event) => this.#onEvent(event));
    this.#ticker = setInterval(() => this.#tick(), tickMs).unref();
  }

  /** What was said last is in the log. */
  close(): void {
    clearInterval(this.#ticker);
    this.#stopHands?.();
    this.#tap.close();
    this.#totals.close();
    this.#flush();
  }

  /** What comes from now on stands behind a picture of how it is now. */
  beginBlock({ isToldToAll = false } = {}): FeedBlock {
    this.#flush();
    const { last } = this.log;
    if (last !== undefined && last.chunks.length === 0 && !isToldToAll) return last;
    const at = this.#picture.at || Date.now();
    const prologue = this.#picture.prologue().map((event) => `data: ${traceLine(event)}\n`);
    return this.log.begin(at, Buffer.from(prologue.join("")), { isToldToAll });
  }

  readonly #onNotice = (
    at: Millis,
    layer: string,
    notice: Typed & Record<string, any>,
    node: GrapevineNode,
  ): void => {
    if (notice.type === "delivered") this.#totals.delivered(notice["at"], at);
    const id = traceId(node);
    if (this.sampler.admits(id, layer, notice)) this.#say(traceEvent(at, id, layer, notice));
    else if (isStructure(layer, notice.type)) this.#picture.apply(traceEvent(at, id, layer, notice));
  };

  #onEvent(event: TraceEvent): void {
    if (this.sampler.admits(event.node, event.layer, event)) this.#say(event);
    else this.#picture.apply(event);
  }

  #say(event: TraceEvent): void {
    this.#picture.apply(event);
    this.#text.push(`data: ${traceLine(event)}\n`);
    this.#events.set(event.type, (this.#events.get(event.type) ?? 0) + 1);
  }

  #tick(): void {
    const now = performance.now();
    this.sampler.pass(now - this.#tickedAt);
    this.#tickedAt = now;
    const { nodes, register } = this.#picture;
    if (register.all.length > nodes.size + maxGoneIds) this.#picture = this.#picture.afresh();
    if (now - this.#totalsAt >= totalsMs) {
      this.#totalsAt = now;
      const at = Date.now();
      this.#text.push(serverSent("totals", this.#totals.take(at, this.#config.nodes())));
      const sampling = this.sampler.sampling(at);
      if (sampling !== undefined) this.#text.push(serverSent("sampling", sampling));
    }
    this.#flush();
    // Who has read all of a block goes on with the next, even where that makes the log forget the one before.
    this.#onGrown();
    if (this.sampler.takeGap()) this.beginBlock({ isToldToAll: true });
    else if (this.log.isFull) this.beginBlock();
  }

  #flush(): void {
    if (this.#text.length === 0) return;
    this.log.add({ bytes: Buffer.from(this.#text.join("")), events: this.#events });
    this.#text = [];
    this.#events = new Map();
  }
}

/** A node as it stands, for whoever has not heard it from the beginning. */
function picturedEvent(node: GrapevineNode): TraceEvent {
  const { name, role, startedAt, isRunning, isPaused, peer, seed } = node;
  const counters = peer?.broadcast.counters;
  const at = Date.now();
  return {
    at,
    node: traceId(node),
    layer: traceLayer,
    type: "pictured",
    name,
    role,
    state: !isRunning ? "stopped" : isPaused ? "paused" : "alive",
    since: startedAt,
    ...(isRunning ? {} : { until: at }),
    neighbors: isRunning ? (peer?.view.neighbors ?? []) : [],
    list: seed?.list.map((listed) => listed.peer) ?? [],
    registeredWith: peer?.introducers ?? [],
    suspectedBy: [],
    evidence: [],
    published: counters?.published ?? 0,
    delivered: counters?.delivered ?? 0,
    copiesSent: counters?.sends ?? 0,
  };
}
