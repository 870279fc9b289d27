/** What a live network says of itself once a second, from a trace: as far as that knows. */
import type { Millis, TraceEvent } from "../../../src/core/index.ts";
import type { FeedTotals } from "../../../src/trace/feed.ts";
import { NodeRegister } from "../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../src/trace/picture.ts";

const everyMs = 1000;
/** Delays are kept for one second only, and no more than these: percentiles of more are the same. */
const maxDelays = 100_000;

export class TraceTotals {
  readonly #picture = new NetworkPicture(new NodeRegister());
  #delays: number[] = [];
  #nextAt: Millis | undefined;

  /** The totals of the seconds that have ended before the event: where nothing happened for long, the last one. */
  before(at: Millis): FeedTotals | undefined {
    this.#nextAt ??= at + everyMs;
    if (at < this.#nextAt) return undefined;
    const ended = this.#nextAt + Math.floor((at - this.#nextAt) / everyMs) * everyMs;
    this.#nextAt = ended + everyMs;
    return this.at(ended);
  }

  apply(event: TraceEvent): void {
    this.#picture.apply(event);
    const { type, at, statedAt } = event;
    if (type === "delivered" && typeof statedAt === "number" && this.#delays.length < maxDelays)
      this.#delays.push(Math.max(0, at - statedAt));
  }

  at(at: Millis): FeedTotals {
    const counts = { peers: 0, seeds: 0, stopped: 0, published: 0, delivered: 0, copiesSent: 0 };
    for (const { state, role, published, delivered, copiesSent } of this.#picture.nodes.values()) {
      if (state !== "alive" && state !== "paused") counts.stopped++;
      else if (role === "seed") counts.seeds++;
      else counts.peers++;
      counts.published += published;
      counts.delivered += delivered;
      counts.copiesSent += copiesSent;
    }
    const delays = this.#delays.sort((a, b) => a - b);
    this.#delays = [];
    // The nearest rank, as in every summary of a trace.
    const quantile = (share: number) => delays[Math.max(0, Math.ceil(share * delays.length) - 1)] ?? 0;
    return {
      at,
      ...counts,
      sentBytes: {},
      sentMessages: {},
      latencyMs: { count: delays.length, p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) },
    };
  }
}
