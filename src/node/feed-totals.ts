import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { Millis } from "../core/index.ts";
import { Distribution, rounded } from "../trace/distribution.ts";
import type { FeedTotals } from "../trace/index.ts";
import type { GrapevineNode } from "./node.ts";

const loopResolutionMs = 10;

/** Sums over the nodes of a process, from the counters that they have anyway. */
export class TotalsCounter {
  #latency = new Distribution();
  #cpu = process.cpuUsage();
  #askedAt = performance.now();
  readonly #loopDelay = monitorEventLoopDelay({ resolution: loopResolutionMs });

  constructor() {
    this.#loopDelay.enable();
  }

  /** A first receipt. Clocks differ: what seems to arrive before it was sent took no time. */
  delivered(publishedAt: unknown, at: Millis): void {
    if (typeof publishedAt === "number") this.#latency.add(Math.max(0, Math.round(at - publishedAt)));
  }

  /** `process` and `latencyMs` are about the time since it was asked last. */
  take(at: Millis, nodes: Iterable<GrapevineNode>): FeedTotals {
    const { count = 0, p50 = 0, p99 = 0, max = 0 } = this.#latency.spread ?? {};
    this.#latency = new Distribution();
    return { at, ...sums(nodes), latencyMs: { count, p50, p99, max }, process: this.#process() };
  }

  close(): void {
    this.#loopDelay.disable();
  }

  #process(): NonNullable<FeedTotals["process"]> {
    const cpu = process.cpuUsage();
    const now = performance.now();
    const usedMs = (cpu.user + cpu.system - this.#cpu.user - this.#cpu.system) / 1000;
    const elapsedMs = Math.max(1, now - this.#askedAt);
    const cpuShare = rounded(usedMs / elapsedMs);
    this.#cpu = cpu;
    this.#askedAt = now;
    // Two ticks make a measurement: a loop that had no time for them was blocked all along.
    const isBlocked = this.#loopDelay.count === 0;
    const delay = (percentile: number) =>
      isBlocked ? rounded(elapsedMs) : delayMs(this.#loopDelay, percentile);
    const eventLoopDelayMs = { p50: delay(50), p99: delay(99), max: delay(100) };
    this.#loopDelay.reset();
    return { cpuShare, memoryBytes: process.memoryUsage.rss(), eventLoopDelayMs };
  }
}

function sums(nodes: Iterable<GrapevineNode>) {
  const sentBytes: Record<string, number> = Object.create(null);
  const sentMessages: Record<string, number> = Object.create(null);
  const sum = {
    peers: 0,
    seeds: 0,
    stopped: 0,
    published: 0,
    delivered: 0,
    duplicates: 0,
    copiesSent: 0,
    queuedBytes: 0,
  };
  const trees = { announced: 0, grafts: 0, prunes: 0 };
  for (const { isRunning, role, links, datagrams, peer } of nodes) {
    if (!isRunning) sum.stopped++;
    else if (role === "seed") sum.seeds++;
    else sum.peers++;
    if (isRunning) sum.queuedBytes += links.queuedBytes;
    if (peer !== undefined) {
      const { published, delivered, duplicates, sends, announced, grafts, prunes } = peer.broadcast.counters;
      sum.published += published;
      sum.delivered += delivered;
      sum.duplicates += duplicates;
      sum.copiesSent += sends;
      trees.announced += announced;
      trees.grafts += grafts;
      trees.prunes += prunes;
    }
    for (const { layers } of [links.traffic, ...(datagrams === undefined ? [] : [datagrams.traffic])]) {
      for (const [layer, { messages, bytes }] of layers) {
        sentBytes[layer] = (sentBytes[layer] ?? 0) + bytes;
        sentMessages[layer] = (sentMessages[layer] ?? 0) + messages;
      }
    }
  }
  return { ...sum, trees, sentBytes, sentMessages };
}

/** The monitor measures from one tick of its clock to the next: what is beyond the tick is the delay. */
function delayMs(histogram: IntervalHistogram, percentile: number): number {
  const nanoseconds = percentile === 100 ? histogram.max : histogram.percentile(percentile);
  return rounded(Math.max(0, nanoseconds / 1e6 - loopResolutionMs));
}
