/**
 * Numbers for Prometheus: one registry for the process, a label `node` for each of its nodes (docs/metrics.md).
 *
 * Protocols and links count anyway, in their `counters`. These are read when somebody scrapes, so that a metric
 * costs nothing while messages flow; only what takes time has to listen: deliveries, lookups, store operations.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { LookupReport, Millis, Typed } from "../core/index.ts";
import type { Refusal } from "../storage/store-messages.ts";
import type { GrapevineNode } from "./node.ts";

/** One metric that every node has. */
export interface NodeMetric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** The label beside `node`, where one node has several values; or two of them. */
  readonly label?: string | readonly [string, string];
  /**
   * Undefined where the node has no such thing; pairs of label and value where there is a label. Two labels are one text
   * with a space between them.
   */
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
    help: "Messages, and what is said of members, whose signature is not of their origin",
    read: (node) => {
      const counts = [node.peer?.broadcast.counters.forged, swimOf(node)?.counters.forged];
      const known = counts.filter((count) => count !== undefined);
      return known.length === 0 ? undefined : known.reduce((sum, count) => sum + count);
    },
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

  // Lookup and store
  {
    name: "grapevine_lookups_total",
    type: "counter",
    help: "Lookups that have ended, by who asked (user, store or the router itself) and outcome",
    label: ["asker", "outcome"],
    read: ({ lookupCounts }) => Object.entries(lookupCounts.lookups),
  },
  {
    name: "grapevine_lookup_questions_total",
    type: "counter",
    help: "Questions of these lookups, by how each ended: answered, silent or refused",
    label: "outcome",
    read: ({ router, lookupCounts }) => (router === undefined ? [] : Object.entries(lookupCounts.questions)),
  },
  {
    name: "grapevine_routing_table_nodes",
    type: "gauge",
    help: "Nodes in the tables of the router",
    read: (node) => (node.isRunning ? node.router?.size : undefined),
  },
  {
    name: "grapevine_routing_joined",
    type: "gauge",
    help: "1 while the router is part of its network",
    read: (node) => (node.isRunning && node.router !== undefined ? Number(node.router.hasJoined) : undefined),
  },
  {
    name: "grapevine_store_operations_total",
    type: "counter",
    help: "Puts, gets and deletes asked of this node that have ended, by outcome",
    label: ["operation", "outcome"],
    read: ({ lookupCounts }) => Object.entries(lookupCounts.operations),
  },
  {
    name: "grapevine_store_records",
    type: "gauge",
    help: "Records of the store: kept here as a replica, copies beside the way, and those that this node publishes again",
    label: "kind",
    read: ({ isRunning, peer }) => {
      const store = peer?.routing?.store;
      if (!isRunning || store === undefined) return [];
      return [
        ["replica", store.size],
        ["cached", store.table.cached],
        ["published", store.published],
      ];
    },
  },
  {
    name: "grapevine_store_bytes",
    type: "gauge",
    help: "Bytes of records as the quotas count them, copies beside the way too",
    read: ({ isRunning, peer }) => (isRunning ? peer?.routing?.store.bytes : undefined),
  },
  {
    name: "grapevine_store_handed_over_total",
    type: "counter",
    help: "Records sent to replicas that lacked them, and arrived",
    read: ({ peer }) => peer?.routing?.store.counters.upkeep.handedOver,
  },
  {
    name: "grapevine_store_refused_total",
    type: "counter",
    help: "Records of others that this node did not take, by reason",
    label: "reason",
    read: ({ peer }) => {
      const replica = peer?.routing?.store.counters.replica;
      return replica === undefined ? [] : refusals.map((reason) => [reason, replica[reason]]);
    },
  },

  // Datagrams
  {
    name: "grapevine_datagram_sessions",
    type: "gauge",
    help: "Sessions over datagrams that are open",
    read: ({ isRunning, datagrams }) => (isRunning ? datagrams?.sessionCount : undefined),
  },
  {
    name: "grapevine_datagrams_total",
    type: "counter",
    help: "Datagrams sent and received, greetings and control too",
    label: "direction",
    read: ({ datagrams }) => [
      ["sent", datagrams?.counters.datagramsSent],
      ["received", datagrams?.counters.datagramsReceived],
    ],
  },
  {
    name: "grapevine_datagram_bytes_total",
    type: "counter",
    help: "Bytes of these datagrams, sealed, without UDP and IP headers",
    label: "direction",
    read: ({ datagrams }) => [
      ["sent", datagrams?.counters.bytesSent],
      ["received", datagrams?.counters.bytesReceived],
    ],
  },
  {
    name: "grapevine_datagram_messages_total",
    type: "counter",
    help: "Messages in them: sent, received, and given up because no session could be opened",
    label: "kind",
    read: ({ datagrams }) => [
      ["sent", datagrams?.counters.messagesSent],
      ["received", datagrams?.counters.messagesReceived],
      ["dropped", datagrams?.counters.messagesDropped],
    ],
  },
  {
    name: "grapevine_datagram_greetings_total",
    type: "counter",
    help: "Sessions that this node began to open, those that came to nothing, and those that others opened",
    label: "kind",
    read: ({ datagrams }) => [
      ["begun", datagrams?.counters.greetings],
      ["failed", datagrams?.counters.greetingFailures],
      ["accepted", datagrams?.counters.accepted],
    ],
  },
  {
    name: "grapevine_datagram_drops_total",
    type: "counter",
    help: "Datagrams that came and messages that were dropped, by reason",
    label: "reason",
    read: ({ datagrams }) => Object.entries(datagrams?.drops ?? {}),
  },

  // Membership
  {
    name: "grapevine_neighbors",
    type: "gauge",
    help: "Links of the overlay",
    read: (node) => (node.isRunning ? node.peer?.view.neighbors.length : undefined),
  },
  {
    name: "grapevine_known_peers",
    type: "gauge",
    help: "Other peers that a peer knows of; entries of a seed's list",
    read: (node) => (node.isRunning ? (node.seed?.list.length ?? node.peer?.members.size) : undefined),
  },
  {
    name: "grapevine_registered_seeds",
    type: "gauge",
    help: "Seeds that have this peer in their lists",
    read: (node) => (node.isRunning ? node.peer?.introducers.length : undefined),
  },
  {
    name: "grapevine_registrations_total",
    type: "counter",
    help: "Registrations with a seed that succeeded; in a seed, those that it accepted",
    read: ({ peer, seed }) =>
      seed?.registry?.counters.registrations ?? peer?.classic?.registration.counters.registrations,
  },
  {
    name: "grapevine_registrations_refused_total",
    type: "counter",
    help: "Registrations that a seed refused",
    label: "reason",
    read: ({ seed }) => {
      const { refusedUnreachable, refusedInvalid, refusedFull } = seed?.registry?.counters ?? {};
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
    read: ({ seed }) => seed?.registry?.counters.removals ?? seed?.swim?.counters.failures,
  },
  {
    name: "grapevine_seed_timeouts_total",
    type: "counter",
    help: "Seeds that did not answer in time",
    read: ({ peer }) => peer?.classic?.registration.counters.seedTimeouts,
  },

  // Liveness
  {
    name: "grapevine_pings_total",
    type: "counter",
    help: "Pings sent to neighbors; under the modern profile, probes of members",
    read: (node) => node.peer?.classic?.heartbeat.counters.pings ?? swimOf(node)?.counters.probes,
  },
  {
    name: "grapevine_ping_misses_total",
    type: "counter",
    help: "Pings without an answer in time; under the modern profile, probes that failed through helpers too",
    read: (node) => node.peer?.classic?.heartbeat.counters.misses ?? swimOf(node)?.counters.probeFailures,
  },
  {
    name: "grapevine_suspicions_total",
    type: "counter",
    help: "Neighbors suspected after too many misses; under the modern profile, members that this node itself suspected",
    read: (node) => node.peer?.classic?.heartbeat.counters.suspicions ?? swimOf(node)?.counters.suspicions,
  },
  {
    name: "grapevine_suspicions_cleared_total",
    type: "counter",
    help: "Suspicions withdrawn because somebody else reached the suspect",
    read: ({ peer }) => peer?.classic?.heartbeat.counters.cleared,
  },
  {
    name: "grapevine_dead_reports_total",
    type: "counter",
    help: "Dead-node reports: sent by a peer (repeats too); refused by a seed as forged or as a stranger's",
    label: "kind",
    read: ({ peer, seed }) => [
      ["sent", peer?.classic?.registration.counters.reportsSent],
      ["forged", seed?.registry?.counters.forgedReports],
      ["stranger", seed?.registry?.counters.strangersReports],
    ],
  },
  {
    name: "grapevine_refutations_total",
    type: "counter",
    help: "How often this node was suspected or taken for dead and said that it lives",
    read: (node) =>
      node.peer?.classic?.registration.counters.refutations ?? swimOf(node)?.counters.refutations,
  },
  {
    name: "grapevine_members",
    type: "gauge",
    help: "Modern profile: members that this node remembers, seeds too, by what it thinks of them",
    label: "state",
    read: (node) => {
      const swim = swimOf(node);
      if (swim === undefined || !node.isRunning) return [];
      const counts = { alive: 0, suspect: 0, failed: 0, left: 0, unknown: 0 };
      for (const { state } of swim.members) counts[state]++;
      return Object.entries(counts).filter(([state]) => state !== "unknown");
    },
  },
  {
    name: "grapevine_member_failures_total",
    type: "counter",
    help: "Modern profile: members that this node has given up",
    read: (node) => swimOf(node)?.counters.failures,
  },
  {
    name: "grapevine_local_health",
    type: "gauge",
    help: "Modern profile: 0 while this node keeps up; others get so many times longer to answer",
    read: (node) => (node.isRunning ? swimOf(node)?.localHealth : undefined),
  },
  {
    name: "grapevine_stalls_total",
    type: "counter",
    help: "Modern profile: how often this process stood still for longer than --pause",
    read: (node) => swimOf(node)?.counters.stalls,
  },
  {
    name: "grapevine_news_dropped_total",
    type: "counter",
    help: "Modern profile: news of members that made way for other news before it was passed on often enough",
    read: (node) => swimOf(node)?.counters.newsDropped,
  },
  {
    name: "grapevine_unasked_total",
    type: "counter",
    help: "Answers that nobody had asked for, by layer",
    label: "layer",
    read: ({ peer, seed }) => [
      ["introduction", seed?.registry?.counters.unasked ?? peer?.classic?.registration.counters.unasked],
      ["overlay", peer?.classic?.overlay.counters.unasked],
      ["heartbeat", peer?.classic?.heartbeat.counters.unasked],
      ["membership", (peer?.modern?.swim ?? seed?.swim)?.counters.unasked],
      ["hyparview", peer?.modern?.hyparview.counters.unasked],
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
    name: "grapevine_layer_messages_sent_total",
    type: "counter",
    help: "Protocol messages given to links and datagrams, by layer",
    label: "layer",
    read: (node) => trafficOf(node).map(([layer, { messages }]) => [layer, messages]),
  },
  {
    name: "grapevine_layer_bytes_sent_total",
    type: "counter",
    help: "Bytes of these messages, before TLS and sealing",
    label: "layer",
    read: (node) => trafficOf(node).map(([layer, { bytes }]) => [layer, bytes]),
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

/** A layer goes over links or over datagrams; what is too large for these, over links too. */
function trafficOf({ links, datagrams }: GrapevineNode) {
  return [...links.traffic.layers, ...(datagrams?.traffic.layers ?? [])];
}

/** Why a node does not take a record, as its replica counts it. */
const refusals = [
  "malformed",
  "forged",
  "ahead",
  "expired",
  "superseded",
  "promised",
  "too-far",
  "full",
  "busy",
  "leaving",
] as const satisfies readonly Refusal[];

/** From a millisecond on loopback to a minute after a partition. */
const latencyBucketsSeconds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];

const hopBuckets = [0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20];

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
  readonly #lookupLatency: Histogram<"node">;
  readonly #lookupHops: Histogram<"node">;
  readonly #operationLatency: Histogram<"node" | "operation">;

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
    this.#lookupLatency = new Histogram({
      name: "grapevine_lookup_latency_seconds",
      help: "From the question of a user or the store to the end of its lookup",
      labelNames: ["node"],
      buckets: latencyBucketsSeconds,
      registers,
    });
    this.#lookupHops = new Histogram({
      name: "grapevine_lookup_hops",
      help: "Messages on the way to the node that decided, of lookups that found it",
      labelNames: ["node"],
      buckets: hopBuckets,
      registers,
    });
    this.#operationLatency = new Histogram({
      name: "grapevine_store_latency_seconds",
      help: "From the command to the end of a put, get or delete",
      labelNames: ["node", "operation"],
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

  /** Give it to every node, from its start: it measures how long things take, and ignores everything else. */
  readonly onNotice = (
    at: Millis,
    _layer: string,
    notice: Typed & Record<string, any>,
    node: GrapevineNode,
  ): void => {
    switch (notice.type) {
      case "delivered":
        return this.#onDelivered(at, notice, node);
      case "lookup-ended":
        return this.#onLookupEnded(notice, node);
      case "store-ended": {
        const { operation, startedAt, endedAt } = notice;
        return this.#operationLatency
          .labels(node.name, operation)
          .observe(secondsBetween(startedAt, endedAt));
      }
    }
  };

  #onLookupEnded({ asker, report }: Record<string, any>, { name }: GrapevineNode): void {
    // Nobody waits for the router's own.
    if (asker === "router") return;
    const { outcome, hops, startedAt, endedAt } = report as LookupReport;
    this.#lookupLatency.labels(name).observe(secondsBetween(startedAt, endedAt));
    if (outcome === "found") this.#lookupHops.labels(name).observe(hops);
  }

  #onDelivered(at: Millis, notice: Record<string, any>, node: GrapevineNode): void {
    // Clocks differ: what seems to arrive before it was sent took no time.
    const seconds = secondsBetween(notice["at"], at);
    if (!Number.isFinite(seconds)) return;
    let latency = this.#latencies.get(node);
    if (latency === undefined) {
      latency = this.#latency.labels(node.name);
      this.#latencies.set(node, latency);
    }
    latency.observe(seconds);
  }

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
    const labels = label === undefined ? [] : [label].flat();
    const collect = (metric: Counter | Gauge) => {
      metric.reset();
      for (const node of nodes()) {
        const value = read(node);
        if (value === undefined) continue;
        const values = typeof value === "number" ? ([["", value]] as const) : value;
        for (const [labelled, one] of values) {
          if (one === undefined) continue;
          const values = labels.length > 1 ? labelled.split(" ") : [labelled];
          const named = Object.fromEntries(labels.map((one, i) => [one, values[i]!]));
          metric.inc({ node: node.name, ...named }, one);
        }
      }
    };
    new Metric({
      name,
      help,
      labelNames: ["node", ...labels],
      registers: [this.registry],
      collect() {
        collect(this as Counter | Gauge);
      },
    });
  }
}

/** Clocks may be set back meanwhile: then it took no time. */
function secondsBetween(from: Millis, until: Millis): number {
  return Math.max(0, until - from) / 1000;
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

/** The membership of the modern profile. */
function swimOf({ peer, seed }: GrapevineNode) {
  return peer?.modern?.swim ?? seed?.swim;
}
