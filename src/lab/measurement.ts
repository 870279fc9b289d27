/**
 * What a live network did, counted from outside the nodes: every publication, who got it, when and how often.
 */
import type { Typed } from "../core/index.ts";
import type { GrapevineNode } from "../node/index.ts";

export interface LatencyMs {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Latencies are counted by the millisecond up to here (two minutes); longer ones share the last place. */
const longestCountedMs = 120_000;

export class Measurement {
  published = 0;
  deliveries = 0;
  /** Deliveries of a message that the node had been given before: must stay 0. */
  deliveredTwice = 0;
  /** Deliveries of a message that nobody published: must stay 0. */
  deliveredFromNowhere = 0;
  lastDeliveryAt = 0;
  /** For each message: a bit for each node that got it. */
  readonly #receivers = new Map<string, Uint8Array>();
  readonly #rows = new Map<GrapevineNode, number>();
  /** Deliveries by latency; the index is milliseconds. */
  readonly #byLatencyMs = new Uint32Array(longestCountedMs + 1);
  #maxLatencyMs = 0;

  /** To be given to every node as its `onNotice`. */
  readonly listen = (
    at: number,
    _layer: string,
    notice: Typed & Record<string, any>,
    node: GrapevineNode,
  ): void => {
    if (notice.type === "published") {
      this.published++;
      this.#receiversOf(notice);
    } else if (notice.type === "delivered") this.#onDelivered(at, notice, node);
  };

  #receiversOf(notice: Record<string, any>): Uint8Array {
    const key = `${notice["origin"]}/${notice["incarnation"]}/${notice["sequence"]}`;
    let receivers = this.#receivers.get(key);
    if (receivers === undefined) {
      receivers = new Uint8Array(64);
      this.#receivers.set(key, receivers);
    }
    return receivers;
  }

  #onDelivered(at: number, notice: Record<string, any>, node: GrapevineNode): void {
    const key = `${notice["origin"]}/${notice["incarnation"]}/${notice["sequence"]}`;
    let receivers = this.#receivers.get(key);
    if (receivers === undefined) {
      this.deliveredFromNowhere++;
      return;
    }
    let row = this.#rows.get(node);
    if (row === undefined) {
      row = this.#rows.size;
      this.#rows.set(node, row);
    }
    if (row >> 3 >= receivers.length) {
      const wider = new Uint8Array(Math.max(receivers.length * 2, (row >> 3) + 1));
      wider.set(receivers);
      receivers = wider;
      this.#receivers.set(key, receivers);
    }
    const bit = 1 << (row & 7);
    if ((receivers[row >> 3]! & bit) !== 0) {
      this.deliveredTwice++;
      return;
    }
    receivers[row >> 3]! |= bit;
    const latencyMs = Math.max(0, at - notice["at"]);
    this.#byLatencyMs[Math.min(latencyMs, longestCountedMs)]!++;
    this.#maxLatencyMs = Math.max(this.#maxLatencyMs, latencyMs);
    this.deliveries++;
    this.lastDeliveryAt = Date.now();
  }

  /** Measures latency anew: what came before was a warm-up. */
  forgetLatencies(): void {
    this.#byLatencyMs.fill(0);
    this.#maxLatencyMs = 0;
  }

  get latencyMs(): LatencyMs {
    const total = this.#byLatencyMs.reduce((sum, count) => sum + count, 0);
    const at = (share: number) => {
      let left = share * total;
      const index = this.#byLatencyMs.findIndex((count) => {
        left -= count;
        return left < 0;
      });
      return Math.max(0, index);
    };
    return { p50: at(0.5), p99: at(0.99), max: this.#maxLatencyMs };
  }
}
