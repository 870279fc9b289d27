/** What a simulated network comes to, once a virtual second. */
import { Histogram, type Millis, type TraceEvent } from "../../../src/core/index.ts";
import type { SimulatedNetwork } from "../../../src/simulated/index.ts";
import type { FeedTotals } from "../../../src/trace/feed.ts";

type Counters = NonNullable<ReturnType<SimulatedNetwork["peers"]["get"]>>["broadcast"]["counters"];

type Sums = Pick<Counters, "sends" | "duplicates" | "announced" | "grafts" | "prunes">;

const noSums: Sums = { sends: 0, duplicates: 0, announced: 0, grafts: 0, prunes: 0 };

export class NetworkTotals {
  readonly #network: SimulatedNetwork;
  readonly #sentMessages: Readonly<Record<string, number>>;
  readonly #wallMs: () => number;
  #published = 0;
  #delivered = 0;
  #stopped = 0;
  #latency = new Histogram();
  /** Counters of each row's latest life; what earlier ones had counted is in the sums. */
  readonly #lives = new Map<number, Counters>();
  #earlier = noSums;
  #eventsBefore = 0;
  #wallBefore: number;

  constructor(
    network: SimulatedNetwork,
    sentMessages: Readonly<Record<string, number>>,
    wallMs: () => number,
  ) {
    this.#network = network;
    this.#sentMessages = sentMessages;
    this.#wallMs = wallMs;
    this.#wallBefore = wallMs();
  }

  onEvent({ type, layer, at, statedAt }: TraceEvent): void {
    if (type === "published") this.#published++;
    else if (type === "delivered") {
      this.#delivered++;
      if (typeof statedAt === "number") this.#latency.add(Math.max(0, at - statedAt));
    } else if (layer === "scenario" && (type === "crashed" || type === "left")) this.#stopped++;
    else if (layer === "scenario" && type === "restarted") this.#stopped--;
  }

  take(at: Millis): FeedTotals {
    const { simulation, peers, seeds } = this.#network;
    for (const [row, { broadcast }] of peers) {
      const before = this.#lives.get(row);
      if (before === broadcast.counters) continue;
      if (before !== undefined) this.#earlier = plus(this.#earlier, before);
      this.#lives.set(row, broadcast.counters);
    }
    let sums = this.#earlier;
    for (const counters of this.#lives.values()) sums = plus(sums, counters);
    const { sends, duplicates, announced, grafts, prunes } = sums;
    const latency = this.#latency;
    this.#latency = new Histogram();
    const wallMs = this.#wallMs();
    const { events } = simulation.counters;
    const eventsPerSecond = (1000 * (events - this.#eventsBefore)) / Math.max(1, wallMs - this.#wallBefore);
    this.#eventsBefore = events;
    this.#wallBefore = wallMs;
    return {
      at,
      peers: peers.size,
      seeds: seeds.size,
      stopped: this.#stopped,
      published: this.#published,
      delivered: this.#delivered,
      duplicates,
      copiesSent: sends,
      trees: { announced, grafts, prunes },
      sentBytes: {},
      sentMessages: { ...this.#sentMessages },
      latencyMs: latencyOf(latency),
      simulator: { eventsPerSecond: Math.round(eventsPerSecond), pendingEvents: simulation.pending },
    };
  }
}

function latencyOf(latency: Histogram): FeedTotals["latencyMs"] {
  if (latency.total === 0) return { count: 0, p50: 0, p99: 0, max: 0 };
  return {
    count: latency.total,
    p50: latency.quantile(0.5),
    p99: latency.quantile(0.99),
    max: latency.quantile(1),
  };
}

function plus(one: Sums, other: Sums): Sums {
  return {
    sends: one.sends + other.sends,
    duplicates: one.duplicates + other.duplicates,
    announced: one.announced + other.announced,
    grafts: one.grafts + other.grafts,
    prunes: one.prunes + other.prunes,
  };
}
