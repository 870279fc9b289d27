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

/** At most so many latencies are kept; beyond it, each further one replaces a kept one in turn. */
const maxLatencies = 2_000_000;

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
  readonly #latenciesMs: number[] = [];

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
    if (this.#latenciesMs.length < maxLatencies) this.#latenciesMs.push(latencyMs);
    else this.#latenciesMs[this.deliveries % maxLatencies] = latencyMs;
    this.deliveries++;
    this.lastDeliveryAt = Date.now();
  }

  /** Measures latency anew: what came before was a warm-up. */
  forgetLatencies(): void {
    this.#latenciesMs.length = 0;
  }

  get latencyMs(): LatencyMs {
    const sorted = Float64Array.from(this.#latenciesMs).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 };
  }
}
