import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeAll, describe, expect, test } from "vitest";
import { Timeline } from "../../dashboard/src/timeline/timeline.ts";
import type { TraceEvent } from "../../src/core/index.ts";

const peersAtOnce = 200;
const messagesPerSecond = 10;
const receiptsPerMessage = 12;
const secondsPerHour = 3600;

let collectGarbage: () => void;
beforeAll(() => {
  setFlagsFromString("--expose-gc");
  collectGarbage = runInNewContext("gc") as () => void;
});

function heapMegabytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
}

/** A busy network in which every second a peer crashes, four suspect it, and another one comes. */
class BusyNetwork {
  readonly timeline: Timeline;
  told = 0;
  #second = 0;
  #joined = 0;
  readonly #living: string[] = [];
  #batch: TraceEvent[] = [];

  constructor() {
    this.timeline = new Timeline({
      kind: "live",
      label: "test",
      start(listener) {
        listener.onState({ type: "open" });
        const about = { profile: "classic" as const, options: {} };
        listener.onHello({ world: "live", at: 0, startedAt: 0, hands: [], about });
      },
      close() {},
      act: async () => {},
      why: async () => undefined,
      details: async () => undefined,
    });
    this.timeline.start();
  }

  run(seconds: number): void {
    for (let i = 0; i < seconds; i++) this.#pass(this.#second++);
  }

  #pass(second: number): void {
    const at = second * 1000;
    while (this.#living.length < peersAtOnce) this.#join(at);
    const gone = this.#living.shift()!;
    this.#tell({ at, node: gone, layer: "scenario", type: "crashed" });
    for (const node of this.#living.slice(0, 4))
      this.#tell({ at, node, layer: "heartbeat", type: "suspected", neighbor: gone });
    this.#join(at);
    for (let i = 0; i < messagesPerSecond; i++) this.#publish(at, second * messagesPerSecond + i);
    this.timeline.onEvents(this.#batch);
    this.told += this.#batch.length;
    this.#batch = [];
    const latencyMs = { count: 1, p50: 10, p99: 20, max: 30 };
    const sums = { published: second, delivered: second, duplicates: 0, copiesSent: 0, queuedBytes: 0 };
    const nodes = { peers: peersAtOnce, seeds: 0, stopped: second };
    this.timeline.onTotals({
      at,
      ...nodes,
      ...sums,
      sentBytes: { heartbeat: at },
      sentMessages: {},
      latencyMs,
    });
    this.timeline.onSampling({
      at,
      messagesFollowed: 1,
      messagesLeftOut: 1,
      eventsLeftOut: { delivered: 9 },
    });
  }

  #join(at: number): void {
    const name = `peer-${++this.#joined}`;
    const node = `key-of-${name}@127.0.0.1:${this.#joined}`;
    this.#tell({ at, node, layer: "trace", type: "named", name, role: "peer" });
    this.#tell({ at, node, layer: "shell", type: "listening" });
    for (const neighbor of this.#living.slice(-4))
      this.#tell({ at, node, layer: "overlay", type: "neighbor-up", neighbor });
    this.#living.push(node);
  }

  #publish(at: number, sequence: number): void {
    const origin = this.#living[sequence % this.#living.length]!;
    const message = { layer: "broadcast", origin, incarnation: 1, sequence };
    this.#tell({ at, node: origin, ...message, type: "published", payload: `message ${sequence}` });
    for (let i = 1; i <= receiptsPerMessage; i++) {
      const node = this.#living[(sequence + 7 * i) % this.#living.length]!;
      this.#tell({ at: at + i, node, ...message, type: "delivered", from: origin });
      this.#tell({ at: at + i, node, ...message, type: "forwarded", to: [origin] });
    }
  }

  #tell(event: TraceEvent): void {
    this.#batch.push(event);
  }
}

describe("what the page keeps of a network that is watched for hours", () => {
  test("is as much after two hours as after one: some hundred megabytes", { timeout: 120_000 }, () => {
    const before = heapMegabytes();
    const network = new BusyNetwork();
    network.run(secondsPerHour);
    const afterOne = heapMegabytes() - before;
    network.run(secondsPerHour);
    const afterTwo = heapMegabytes() - before;
    const { timeline, told } = network;
    expect(told).toBeGreaterThan(1_800_000);
    expect(afterOne).toBeLessThan(250);
    // Every node leaves its name in the register: 3,600 in an hour.
    expect(afterTwo - afterOne).toBeLessThan(20);
    const { events, messages, liveness, totals, samplings, notable, latest } = timeline;
    expect(events.end - events.first).toBeLessThanOrEqual(300_000);
    expect(events.end - events.first).toBeGreaterThan(250_000);
    expect([messages.size, liveness.failures.length]).toEqual([2000, 2000]);
    expect(liveness.wrong.length).toBeLessThanOrEqual(2000);
    expect(totals.length).toBeLessThanOrEqual(3600);
    expect(samplings.length).toBeLessThanOrEqual(3600);
    for (const kind of ["published", "death", "join", "disturbance"] as const)
      expect(notable.of(kind).length).toBeLessThanOrEqual(2000);
    expect(latest.nodes.size).toBeLessThan(6000);
  });
});
