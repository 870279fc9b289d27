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
  /** Sums of the whole run: the picture forgets those who went long ago. */
  readonly #sums = { published: 0, delivered: 0, copiesSent: 0 };
  #delays: number[] = [];
  #nextAt: Millis | undefined;

  /**
   * The totals of the seconds that have ended before the event, and of the beginning, to which the first second is
   * compared. Where nothing happened for long: of the second in which something did, and of the last one.
   */
  before(at: Millis): FeedTotals[] {
    if (this.#nextAt === undefined) {
      this.#nextAt = at + everyMs;
      return [this.at(at)];
    }
    const first = this.#nextAt;
    if (at < first) return [];
    const last = first + Math.floor((at - first) / everyMs) * everyMs;
    this.#nextAt = last + everyMs;
    return last === first ? [this.at(first)] : [this.at(first), this.at(last)];
  }

  apply(event: TraceEvent): void {
    this.#picture.apply(event);
    this.#count(event);
    const { type, at, statedAt } = event;
    if (type === "delivered" && typeof statedAt === "number" && this.#delays.length < maxDelays)
      this.#delays.push(Math.max(0, at - statedAt));
  }

  at(at: Millis): FeedTotals {
    const counts = { peers: 0, seeds: 0, stopped: 0 };
    for (const { state, role } of this.#picture.nodes.values()) {
      if (state !== "alive" && state !== "paused") counts.stopped++;
      else if (role === "seed") counts.seeds++;
      else counts.peers++;
    }
    const delays = this.#delays.sort((a, b) => a - b);
    this.#delays = [];
    // The nearest rank, as in every summary of a trace.
    const quantile = (share: number) => delays[Math.max(0, Math.ceil(share * delays.length) - 1)] ?? 0;
    return {
      at,
      ...counts,
      ...this.#sums,
      sentBytes: {},
      sentMessages: {},
      latencyMs: { count: delays.length, p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) },
    };
  }

  #count({ type, ...fields }: TraceEvent): void {
    switch (type) {
      case "published":
      case "delivered":
        this.#sums[type]++;
        return;
      case "forwarded": {
        const { to, count } = fields;
        this.#sums.copiesSent += (Array.isArray(to) ? to.length : 0) * (Number(count) || 1);
        return;
      }
      case "history-sent":
        this.#sums.copiesSent += Number(fields["messages"]) || 0;
    }
  }
}
