/**
 * Which value was acknowledged when, which node has it since when, and what reads have shown of it: the statistics
 * of Maelstrom's broadcast workload, which are those of Jepsen's checker `set-full`.
 */
import type { Millis } from "../../core/index.ts";

/** Quantiles of times in milliseconds, of all values that have one; NaN without any. */
export interface LatencyQuantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface ValueStatistics {
  readonly values: number;
  /**
   * From the acknowledgement of a value to the last read, of any node, in which it was missing; 0 if there is none.
   * What Maelstrom reports: it is seen through reads, so that a value that nobody asked for seems to be there.
   */
  readonly stable: LatencyQuantiles;
  /** From the acknowledgement to the moment when the last node has it: what reads can at most show. */
  readonly everywhere: LatencyQuantiles;
  /** Values that some node lacks in the end. */
  readonly lost: number;
}

interface Value {
  readonly acknowledgedAt: Millis;
  /** By node; infinite as long as the node lacks it. */
  readonly arrivedAt: Float64Array;
}

export class ValueLedger {
  readonly #nodes: number;
  readonly #values = new Map<string, Value>();
  readonly #reads: { readonly node: number; readonly at: Millis }[] = [];

  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  get reads(): number {
    return this.#reads.length;
  }
  get values(): number {
    return this.#values.size;
  }

  /** The node that takes a value has it, and says so at once. */
  acknowledged(value: string, node: number, at: Millis): void {
    const arrivedAt = new Float64Array(this.#nodes).fill(Number.POSITIVE_INFINITY);
    arrivedAt[node] = at;
    this.#values.set(value, { acknowledgedAt: at, arrivedAt });
  }

  arrived(value: string, node: number, at: Millis): void {
    const known = this.#values.get(value)!;
    known.arrivedAt[node] = Math.min(known.arrivedAt[node]!, at);
  }

  read(node: number, at: Millis): void {
    this.#reads.push({ node, at });
  }

  statistics(): ValueStatistics {
    const stable: number[] = [];
    const everywhere: number[] = [];
    let lost = 0;
    for (const value of this.#values.values()) {
      const last = value.arrivedAt.reduce((latest, at) => Math.max(latest, at), 0);
      if (last === Number.POSITIVE_INFINITY) {
        lost++;
        continue;
      }
      everywhere.push(last - value.acknowledgedAt);
      stable.push(Math.max(0, this.#lastMiss(value) - value.acknowledgedAt));
    }
    const values = this.#values.size;
    return { values, stable: quantilesOf(stable), everywhere: quantilesOf(everywhere), lost };
  }

  /** A read in the same instant in which a value arrives sees it. */
  #lastMiss({ arrivedAt }: Value): Millis {
    for (let i = this.#reads.length - 1; i >= 0; i--) {
      const { node, at } = this.#reads[i]!;
      if (arrivedAt[node]! > at) return at;
    }
    return Number.NEGATIVE_INFINITY;
  }
}

/** As Jepsen takes them: the value at the rank, without interpolation. */
function quantilesOf(times: number[]): LatencyQuantiles {
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number) =>
    sorted.length === 0
      ? Number.NaN
      : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
