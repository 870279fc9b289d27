/** Who failed in a trace, how soon the others knew, and whom they suspected wrongly. */
import type { Millis } from "../core/index.ts";
import { Distribution, type Spread } from "./distribution.ts";
import type { TracedNode } from "./node-register.ts";

/** A peer that crashed, was killed or hung, from then until it came back. */
export interface FaultReport {
  readonly node: string;
  readonly kind: "crashed" | "paused";
  readonly at: Millis;
  /** Until it restarted or resumed; null if it did not. */
  readonly lastedMs: number | null;
  /** Until the first neighbor gave it up; null if none did. */
  readonly noticedMs: number | null;
  /** Until the first and the last of the seeds that removed it did so. */
  readonly firstRemovedMs: number | null;
  readonly lastRemovedMs: number | null;
  /** So many seeds removed it, of those that lived when it failed. */
  readonly removedBy: number;
  readonly seeds: number;
}

export interface WrongRemoval {
  readonly at: Millis;
  readonly seed: string;
  readonly peer: string;
  readonly whilePartitioned: boolean;
}

export interface FailureFigures {
  readonly faults: {
    readonly total: number;
    /** A neighbor gave them up before they came back. */
    readonly noticed: number;
    /** All seeds that lived then have removed them before they came back. */
    readonly removedEverywhere: number;
    readonly noticedMs: Spread | null;
    /** One value for each fault and seed. */
    readonly removedMs: Spread | null;
    readonly list: readonly FaultReport[];
  };
  /** Seeds that removed, as dead, a peer that lived and was not paused. */
  readonly falsePositives: {
    readonly total: number;
    /** Of these, while the network was partitioned or cut: then no detector can know better. */
    readonly whilePartitioned: number;
    readonly first: readonly WrongRemoval[];
  };
  /** What peers said of a neighbor that lived and was not paused. */
  readonly falseSuspicions: { readonly suspected: number; readonly failed: number };
  /** Peers that refuted their death, and seeds whose call-back was answered. */
  readonly refutations: { readonly refuted: number; readonly answered: number };
}

interface Fault {
  readonly node: TracedNode;
  readonly kind: "crashed" | "paused";
  readonly at: Millis;
  readonly seeds: number;
  endedAt?: Millis;
  noticedMs?: number;
  readonly removedMs: Map<TracedNode, number>;
}

const shownRemovals = 20;

export class FailureLedger {
  readonly #faults: Fault[] = [];
  /** Of nodes that have not come back. */
  readonly #open = new Map<TracedNode, Fault>();
  readonly #noticed = new Distribution();
  readonly #removed = new Distribution();
  readonly #wrongRemovals: WrongRemoval[] = [];
  readonly #falsePositives = { total: 0, whilePartitioned: 0 };
  readonly #falseSuspicions = { suspected: 0, failed: 0 };
  readonly #refutations = { refuted: 0, answered: 0 };
  #isPartitioned = false;

  /** A hung node that is then killed has failed once. Seeds are no peers: nobody removes them. */
  onFault(node: TracedNode, kind: Fault["kind"], at: Millis, seeds: number): void {
    if (node.role === "seed" || this.#open.has(node)) return;
    const fault = { node, kind, at, seeds, removedMs: new Map() };
    this.#faults.push(fault);
    this.#open.set(node, fault);
  }

  onReturn(node: TracedNode, at: Millis): void {
    const fault = this.#open.get(node);
    if (fault === undefined) return;
    fault.endedAt = at;
    this.#open.delete(node);
  }

  onSplit(isPartitioned: boolean): void {
    this.#isPartitioned = isPartitioned;
  }

  onSuspected(neighbor: TracedNode): void {
    if (neighbor.state === "alive") this.#falseSuspicions.suspected++;
  }

  onNeighborFailed(neighbor: TracedNode, at: Millis): void {
    if (neighbor.state === "alive") this.#falseSuspicions.failed++;
    const fault = this.#open.get(neighbor);
    if (fault === undefined || fault.noticedMs !== undefined) return;
    fault.noticedMs = Math.max(0, at - fault.at);
    this.#noticed.add(fault.noticedMs);
  }

  onRemoved(seed: TracedNode, peer: TracedNode, at: Millis): void {
    const fault = this.#open.get(peer);
    if (fault !== undefined) {
      if (fault.removedMs.has(seed)) return;
      const ms = Math.max(0, at - fault.at);
      fault.removedMs.set(seed, ms);
      this.#removed.add(ms);
      return;
    }
    if (peer.state !== "alive") return;
    this.#falsePositives.total++;
    if (this.#isPartitioned) this.#falsePositives.whilePartitioned++;
    if (this.#wrongRemovals.length >= shownRemovals) return;
    this.#wrongRemovals.push({
      at,
      seed: nameOf(seed),
      peer: nameOf(peer),
      whilePartitioned: this.#isPartitioned,
    });
  }

  onRefuted(): void {
    this.#refutations.refuted++;
  }

  onAnswered(): void {
    this.#refutations.answered++;
  }

  report(): FailureFigures {
    return {
      faults: {
        total: this.#faults.length,
        noticed: this.#noticed.count,
        removedEverywhere: this.#faults.filter(({ seeds, removedMs }) => seeds > 0 && removedMs.size >= seeds)
          .length,
        noticedMs: this.#noticed.spread,
        removedMs: this.#removed.spread,
        list: this.#faults.map(faultReport),
      },
      falsePositives: { ...this.#falsePositives, first: [...this.#wrongRemovals] },
      falseSuspicions: { ...this.#falseSuspicions },
      refutations: { ...this.#refutations },
    };
  }
}

function faultReport({ node, kind, at, endedAt, noticedMs, removedMs, seeds }: Fault): FaultReport {
  const removals = [...removedMs.values()];
  return {
    node: nameOf(node),
    kind,
    at,
    lastedMs: endedAt === undefined ? null : endedAt - at,
    noticedMs: noticedMs ?? null,
    firstRemovedMs: removals.length === 0 ? null : Math.min(...removals),
    lastRemovedMs: removals.length === 0 ? null : Math.max(...removals),
    removedBy: removals.length,
    seeds,
  };
}

export function nameOf({ name, id }: TracedNode): string {
  return name === "" ? String(id) : name;
}
