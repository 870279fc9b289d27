/**
 * Numbers for Prometheus: one registry for the process, a label `node` for each of its nodes (docs/metrics.md).
 *
 * Protocols and links count anyway, in their `counters`. These are read when somebody scrapes, so that a metric
 * costs nothing while messages flow; only the delivery latency has to listen.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Millis, Typed } from "../core/index.ts";
import type { GrapevineNode } from "./node.ts";

/** One metric that every node has. */
export interface NodeMetric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** The label beside `node`, where one node has several values. */
  readonly label?: string;
  /** Undefined where the node has no such thing; pairs of label and value where there is a label. */
  read(node: GrapevineNode): number | undefined | Iterable<readonly [string, number | undefined]>;
}

export const nodeMetrics: readonly NodeMetric[] = [
  {
    name: "grapevine_up",
    type: "gauge",
    help: "1 while the node runs; the role is its label",
    label: "role",
    read: (node) => [[node.role, node.isRunning ? 1 : 0]],
  },

  // Gossip
  {
    name: "grapevine_published_total",
    type: "counter",
    help: "Messages published by this node",
    read: ({ peer }) => peer?.broadcast.counters.published,
  },
  {
    name: "grapevine_deliveries_total",
    type: "counter",
    help: "Messages of others received for the first time",
    read: ({ peer }) => peer?.broadcast.counters.delivered,
  },
  {
    name: "grapevine_duplicates_total",
    type: "counter",
    help: "Copies received of what had been received before",
    read: ({ peer }) => peer?.broadcast.counters.duplicates,
  },
  {
    name: "grapevine_sends_total",
    type: "counter",
    help: "Copies sent to neighbors",
    read: ({ peer }) => peer?.broadcast.counters.sends,
  },
  {
    name: "grapevine_repairs_total",
    type: "counter",
    help: "Copies sent because a neighbor had missed them",
    read: ({ peer }) => peer?.broadcast.counters.repairs,
  },
  {
    name: "grapevine_forged_total",
    type: "counter",
    help: "Messages whose signature is not of their origin",
    read: ({ peer }) => peer?.broadcast.counters.forged,
  },
  {
    name: "grapevine_relative_message_redundancy",
    type: "gauge",
    help: "Copies received for each one that was needed, minus 1",
    read: ({ peer }) => {
      if (peer === undefined || peer.broadcast.counters.delivered === 0) return undefined;
      return peer.broadcast.counters.duplicates / peer.broadcast.counters.delivered;
    },
  },
  {
    name: "grapevine_retained_messages",
    type: "gauge",
    help: "Publications kept for those who lack them",
    read: ({ peer }) => peer?.broadcast.retainedCount,
  },
  {
    name: "grapevine_hot_messages",
    type: "gauge",
    help: "Publications that this node still spreads",
    read: ({ peer }) => peer?.broadcast.hotCount,
  },
  {
    name: "grapevine_calls_total",
    type: "counter",
    help: "Calls to partners, where messages spread in rounds",
    read: ({ peer }) => peer?.broadcast.counters.calls,
  },
  {
    name: "grapevine_calls_refused_total",
    type: "counter",
    help: "Calls of others refused for the connection limit",
    read: ({ peer }) => peer?.broadcast.counters.refusedCalls,
  },
  {
    name: "grapevine_offers_total",
    type: "counter",
    help: "Publications offered by their ids to partners",
    read: ({ peer }) => peer?.broadcast.counters.offers,
  },
  {
    name: "grapevine_offers_known_total",
    type: "counter",
    help: "Those that the partner knew already",
    read: ({ peer }) => peer?.broadcast.counters.offersKnown,
  },

  // Shared state
  {
    name: "grapevine_state_keys",
    type: "gauge",
    help: "Keys of the shared state: those with a value, and death certificates of deleted ones",
    label: "kind",
    read: ({ peer }) => {
      if (peer === undefined) return [];
      const { size, map } = peer.state;
      return [
        ["value", size],
        ["deleted", (map?.size ?? 0) - size],
        ["dormant", map?.dormant ?? 0],
      ];
    },
  },
  {
    name: "grapevine_state_merges_total",
    type: "counter",
    help: "Entries of others that came, by what became of them; those neither newer, same, obsolete nor awakened were dropped",
    label: "outcome",
    read: ({ peer }) => Object.entries(peer?.state.map?.counters ?? {}),
  },
  {
    name: "grapevine_state_comparisons_total",
    type: "counter",
    help: "Comparisons with a neighbor that this node began, and those that went into ranges",
    label: "kind",
    read: ({ peer }) => [
      ["begun", peer?.state.exchangeCounters?.contacts],
      ["reconciled", peer?.state.exchangeCounters?.reconciliations],
    ],
  },
  {
    name: "grapevine_state_bytes_sent_total",
    type: "counter",
    help: "Bytes of shared state sent in comparisons: keys, values, ids and fingerprints, without what frames add",
    read: ({ peer }) => peer?.state.exchangeCounters?.bytesSent,
  },
  {
    name: "grapevine_state_news_sent_total",
    type: "counter",
    help: "Entries told to neighbors at once, because they were news",
    read: ({ peer }) => peer?.state.counters.newsSent,
  },
  {
    name: "grapevine_state_dropped_total",
    type: "counter",
    help: "Messages about shared state that were dropped: malformed, unsolicited or too many, of nodes that are no neighbors",
    label: "reason",
    read: ({ peer }) => [
      ["malformed", peer?.state.exchangeCounters?.malformed],
      ["unsolicited", peer?.state.exchangeCounters?.unsolicited],
      ["stranger", peer?.state.counters.strangers],
    ],
  },

  // Membership
  {
    name: "grapevine_neighbors",
    type: "gauge",
    help: "Links of the overlay",
    read: (node) => (node.isRunning ? node.peer?.overlay.neighbors.length : undefined),
  },
  {
    name: "grapevine_known_peers",
    type: "gauge",
    help: "Other peers that a peer knows of; entries of a seed's list",
    read: (node) => (node.isRunning ? (node.seed?.registry.size ?? node.peer?.registration.size) : undefined),
  },
  {
    name: "grapevine_registered_seeds",
    type: "gauge",
    help: "Seeds that have this peer in their lists",
    read: (node) => (node.isRunning ? node.peer?.registration.registeredWith.length : undefined),
  },
  {
    name: "grapevine_registrations_total",
    type: "counter",
    help: "Registrations with a seed that succeeded; in a seed, those that it accepted",
    read: ({ peer, seed }) =>
      seed?.registry.counters.registrations ?? peer?.registration.counters.registrations,
  },
  {
    name: "grapevine_registrations_refused_total",
    type: "counter",
    help: "Registrations that a seed refused",
    label: "reason",
    read: ({ seed }) => {
      const { refusedUnreachable, refusedInvalid, refusedFull } = seed?.registry.counters ?? {};
      return [
        ["unreachable", refusedUnreachable],
        ["invalid", refusedInvalid],
        ["full", refusedFull],
      ];
    },
  },
  {
    name: "grapevine_removals_total",
    type: "counter",
    help: "Entries that a seed took out of its list",
    read: ({ seed }) => seed?.registry.counters.removals,
  },
  {
    name: "grapevine_seed_timeouts_total",
    type: "counter",
    help: "Seeds that did not answer in time",
    read: ({ peer }) => peer?.registration.counters.seedTimeouts,
  },

  // Liveness
  {
    name: "grapevine_pings_total",
    type: "counter",
    help: "Pings sent to neighbors",
    read: ({ peer }) => peer?.heartbeat.counters.pings,
  },
  {
    name: "grapevine_ping_misses_total",
    type: "counter",
    help: "Pings without an answer in time",
    read: ({ peer }) => peer?.heartbeat.counters.misses,
  },
  {
    name: "grapevine_suspicions_total",
    type: "counter",
    help: "Neighbors suspected after too many misses",
    read: ({ peer }) => peer?.heartbeat.counters.suspicions,
  },
  {
    name: "grapevine_suspicions_cleared_total",
    type: "counter",
    help: "Suspicions withdrawn because somebody else reached the suspect",
    read: ({ peer }) => peer?.heartbeat.counters.cleared,
  },
  {
    name: "grapevine_dead_reports_total",
    type: "counter",
    help: "Dead-node reports: sent by a peer (repeats too); refused by a seed as forged or as a stranger's",
    label: "kind",
    read: ({ peer, seed }) => [
      ["sent", peer?.registration.counters.reportsSent],
      ["forged", seed?.registry.counters.forgedReports],
      ["stranger", seed?.registry.counters.strangersReports],
    ],
  },
  {
    name: "grapevine_refutations_total",
    type: "counter",
    help: "How often this peer was taken for dead and said that it lives",
    read: ({ peer }) => peer?.registration.counters.refutations,
  },
  {
    name: "grapevine_unasked_total",
    type: "counter",
    help: "Answers that nobody had asked for, by layer",
    label: "layer",
    read: ({ peer, seed }) => [
      ["introduction", seed?.registry.counters.unasked ?? peer?.registration.counters.unasked],
      ["overlay", peer?.overlay.counters.unasked],
      ["heartbeat", peer?.heartbeat.counters.unasked],
      ["broadcast", peer?.broadcast.counters.unexpected],
    ],
  },

  // Links
  {
    name: "grapevine_links",
    type: "gauge",
    help: "Connections whose other end has proven who it is",
    read: (node) => (node.isRunning ? node.links.linkCount : 0),
  },
  {
    name: "grapevine_strangers",
    type: "gauge",
    help: "Connections whose other end has not said yet who it is",
    read: (node) => (node.isRunning ? node.links.strangerCount : 0),
  },
  {
    name: "grapevine_queued_bytes",
    type: "gauge",
    help: "Bytes that wait for slow readers",
    read: (node) => (node.isRunning ? node.links.queuedBytes : 0),
  },
  {
    name: "grapevine_bytes_sent_total",
    type: "counter",
    help: "Bytes of frames sent, before TLS",
    read: ({ links }) => links.counters.bytesSent,
  },
  {
    name: "grapevine_bytes_received_total",
    type: "counter",
    help: "Bytes received, after TLS",
    read: ({ links }) => links.counters.bytesReceived,
  },
  {
    name: "grapevine_frames_sent_total",
    type: "counter",
    help: "Frames sent: protocol messages of all layers",
    read: ({ links }) => links.counters.framesSent,
  },
  {
    name: "grapevine_frames_received_total",
    type: "counter",
    help: "Frames received",
    read: ({ links }) => links.counters.framesReceived,
  },
  {
    name: "grapevine_writes_total",
    type: "counter",
    help: "Writes to sockets; frames of one turn share one",
    read: ({ links }) => links.counters.writes,
  },
  {
    name: "grapevine_dials_total",
    type: "counter",
    help: "Connections that this node tried to open",
    read: ({ links }) => links.counters.dials,
  },
  {
    name: "grapevine_dial_failures_total",
    type: "counter",
    help: "Those that came to nothing",
    read: ({ links }) => links.counters.dialFailures,
  },
  {
    name: "grapevine_accepted_total",
    type: "counter",
    help: "Connections that others opened",
    read: ({ links }) => links.counters.accepted,
  },
  {
    name: "grapevine_messages_dropped_total",
    type: "counter",
    help: "Messages given up because no connection could be opened for them",
    read: ({ links }) => links.counters.messagesDropped,
  },
  {
    name: "grapevine_drops_total",
    type: "counter",
    help: "Links refused, cut or slowed down, by reason",
    label: "reason",
    read: ({ links }) => Object.entries(links.drops),
  },
];

/** From a millisecond on loopback to a minute after a partition. */
const latencyBucketsSeconds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];

const loopResolutionMs = 10;
const loopQuantiles = [0.5, 0.9, 0.99, 1] as const;

export interface MetricsConfig {
  /** The nodes of this process; asked at every scrape. Names should differ. */
  readonly nodes: () => Iterable<GrapevineNode>;
  /** The usual metrics of a Node process (memory, CPU, garbage collection) too; true unless said otherwise. */
  readonly hasProcessMetrics?: boolean;
}

export class Metrics {
  /** Of the nodes and the event loop; the usual metrics of a process are in one of their own. */
  readonly registry = new Registry();
  readonly #hasProcessMetrics: boolean;
  readonly #loopDelay: IntervalHistogram;
  readonly #latency: Histogram<"node">;
  readonly #latencies = new WeakMap<GrapevineNode, { observe(seconds: number): void }>();

  constructor({ nodes, hasProcessMetrics = true }: MetricsConfig) {
    const registers = [this.registry];
    for (const metric of nodeMetrics) this.#addNodeMetric(metric, nodes);
    this.#latency = new Histogram({
      name: "grapevine_delivery_latency_seconds",
      help: "From a message's publication, by its origin's clock, to its first receipt here",
      labelNames: ["node"],
      buckets: latencyBucketsSeconds,
      registers,
    });
    this.#loopDelay = monitorEventLoopDelay({ resolution: loopResolutionMs });
    this.#loopDelay.enable();
    const loopDelay = this.#loopDelay;
    new Gauge({
      name: "grapevine_event_loop_delay_seconds",
      help: "How late the event loop came to its timers since the last scrape, by quantile",
      labelNames: ["quantile"],
      registers,
      collect() {
        for (const quantile of loopQuantiles)
          this.set({ quantile: String(quantile) }, delayAt(loopDelay, quantile));
        loopDelay.reset();
      },
    });
    this.#hasProcessMetrics = hasProcessMetrics;
  }

  /** Give it to every node, from its start: it measures the latency of deliveries, and ignores everything else. */
  readonly onNotice = (
    at: Millis,
    _layer: string,
    notice: Typed & Record<string, any>,
    node: GrapevineNode,
  ): void => {
    if (notice.type !== "delivered") return;
    // Clocks differ: what seems to arrive before it was sent took no time.
    const seconds = Math.max(0, at - notice["at"]) / 1000;
    if (!Number.isFinite(seconds)) return;
    let latency = this.#latencies.get(node);
    if (latency === undefined) {
      latency = this.#latency.labels(node.name);
      this.#latencies.set(node, latency);
    }
    latency.observe(seconds);
  };

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The exposition format of Prometheus. */
  async text(): Promise<string> {
    const text = await this.registry.metrics();
    return this.#hasProcessMetrics ? text + (await processMetrics().metrics()) : text;
  }

  /** Ends the measuring of the event loop. */
  close(): void {
    this.#loopDelay.disable();
    this.registry.clear();
  }

  #addNodeMetric({ name, type, help, label, read }: NodeMetric, nodes: () => Iterable<GrapevineNode>): void {
    const Metric = type === "counter" ? Counter : Gauge;
    const collect = (metric: Counter | Gauge) => {
      metric.reset();
      for (const node of nodes()) {
        const value = read(node);
        if (value === undefined) continue;
        const values = typeof value === "number" ? ([["", value]] as const) : value;
        for (const [labelled, one] of values) {
          if (one === undefined) continue;
          metric.inc(label === undefined ? { node: node.name } : { node: node.name, [label]: labelled }, one);
        }
      }
    };
    new Metric({
      name,
      help,
      labelNames: label === undefined ? ["node"] : ["node", label],
      registers: [this.registry],
      collect() {
        collect(this as Counter | Gauge);
      },
    });
  }
}

let processRegistry: Registry | undefined;

/** Made once: what prom-client observes of a process it never lets go again. */
function processMetrics(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}

/** The monitor measures from one tick of its clock to the next: what is beyond the tick is the delay. */
function delayAt(histogram: IntervalHistogram, quantile: number): number {
  if (histogram.count === 0) return 0;
  const nanoseconds = quantile === 1 ? histogram.max : histogram.percentile(quantile * 100);
  return Math.max(0, nanoseconds / 1e9 - loopResolutionMs / 1000);
}
