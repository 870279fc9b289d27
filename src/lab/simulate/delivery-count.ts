/**
 * What became of each message of a simulated network, counted from outside while it runs. The same figures as of
 * `TraceSummary`, for networks in which everybody stays: a delivery costs two look-ups and a byte or two, and no
 * event object is made for it.
 */
import { Histogram, type Millis, Moments, type NodeId, type Typed } from "../../core/index.ts";
import type { Counts, DelaySpread } from "./run.ts";

interface Message {
  /** For each row: 0 where it was not delivered, else the hops from its origin. */
  readonly hops: Uint16Array;
  copies: number;
  deliveries: number;
  lastHop: number;
}

const unknownHop = 0xffff;

export class DeliveryCount {
  published = 0;
  deliveries = 0;
  /** Deliveries of a message that the node had been given before: must stay 0. */
  deliveredTwice = 0;
  /** Deliveries of a message that nobody published: must stay 0. */
  deliveredFromNowhere = 0;
  readonly #rows: number;
  readonly #rowOf: (id: NodeId) => number | undefined;
  /** By origin, life and sequence number. */
  readonly #lives = new Map<NodeId, Map<number, Message[]>>();
  readonly #messages: Message[] = [];
  /** Copies that the history sent, of whichever message. */
  #ofHistory = 0;
  readonly #delays = new Histogram();
  readonly #delayMoments = new Moments();

  constructor(rows: number, rowOf: (id: NodeId) => number | undefined) {
    this.#rows = rows;
    this.#rowOf = rowOf;
  }

  onNotice(at: Millis, row: number, notice: Typed & Record<string, any>): void {
    switch (notice.type) {
      case "delivered":
        return this.#onDelivered(at, row, notice);
      case "forwarded":
        return this.#onForwarded(notice);
      case "history-sent":
        this.#ofHistory += notice["messages"];
        return;
      case "published":
        return this.#onPublished(notice);
    }
  }

  #onPublished({ origin, incarnation, sequence }: Record<string, any>): void {
    let lives = this.#lives.get(origin);
    if (lives === undefined) {
      lives = new Map();
      this.#lives.set(origin, lives);
    }
    let messages = lives.get(incarnation);
    if (messages === undefined) {
      messages = [];
      lives.set(incarnation, messages);
    }
    const message = { hops: new Uint16Array(this.#rows), copies: 0, deliveries: 0, lastHop: 0 };
    messages[sequence] = message;
    this.#messages.push(message);
    this.published++;
  }

  #onDelivered(at: Millis, row: number, notice: Record<string, any>): void {
    const message = this.#find(notice, notice["sequence"]);
    if (message === undefined) {
      this.deliveredFromNowhere++;
      return;
    }
    const { hops } = message;
    if (hops[row] !== 0) {
      this.deliveredTwice++;
      return;
    }
    const hop = this.#hopFrom(message, notice["from"], notice["origin"]);
    hops[row] = hop;
    if (hop !== unknownHop && hop > message.lastHop) message.lastHop = hop;
    message.deliveries++;
    this.deliveries++;
    const delayMs = Math.max(0, at - notice["at"]);
    this.#delays.add(delayMs);
    this.#delayMoments.add(delayMs);
  }

  #hopFrom({ hops }: Message, from: NodeId, origin: NodeId): number {
    if (from === origin) return 1;
    const row = this.#rowOf(from);
    const before = row === undefined ? 0 : hops[row]!;
    return before === 0 || before >= unknownHop - 1 ? unknownHop : before + 1;
  }

  #onForwarded(notice: Record<string, any>): void {
    const copies = notice["to"].length;
    for (let i = 0; i < (notice["count"] ?? 1); i++) {
      const message = this.#find(notice, notice["sequence"] + i);
      if (message !== undefined) message.copies += copies;
    }
  }

  #find(notice: Record<string, any>, sequence: number): Message | undefined {
    return this.#lives.get(notice["origin"])?.get(notice["incarnation"])?.[sequence];
  }

  /** The mean over all messages; null where nothing was delivered. */
  get rmr(): number | null {
    const delivered = this.#messages.filter(({ deliveries }) => deliveries > 0);
    if (delivered.length === 0) return null;
    return rounded(Moments.of(delivered.map(({ copies, deliveries }) => copies / deliveries - 1)).mean);
  }

  /** Over all messages together, with what the history sent. */
  get rmrWithHistory(): number | null {
    if (this.deliveries === 0) return null;
    const copies = this.#messages.reduce((sum, message) => sum + message.copies, this.#ofHistory);
    return rounded(copies / this.deliveries - 1);
  }

  get ldh(): { readonly mean: number; readonly max: number } | null {
    const hops = this.#messages.flatMap(({ lastHop }) => (lastHop > 0 ? [lastHop] : []));
    if (hops.length === 0) return null;
    const { mean, max } = Moments.of(hops);
    return { mean: rounded(mean), max };
  }

  get delayMs(): DelaySpread | null {
    return spreadOf(this.#delays, this.#delayMoments.mean);
  }

  get delays(): Counts {
    return countsOf(this.#delays);
  }
}

export function spreadOf(histogram: Histogram, mean: number): DelaySpread | null {
  if (histogram.total === 0) return null;
  const at = (share: number) => histogram.quantile(share);
  return { mean: rounded(mean), p50: at(0.5), p90: at(0.9), p99: at(0.99), max: histogram.max };
}

export function countsOf(histogram: Histogram): Counts {
  return Array.from(
    histogram.buckets(),
    ({ high, count }) => [Math.min(high, histogram.max), count] as const,
  );
}

/** To four digits behind the point: more says nothing. */
export function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
