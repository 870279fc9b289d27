/**
 * The workload that every contestant of the live comparison is given, and the only stopwatch.
 *
 * All nodes of a system live in one process on loopback; each message has one random publisher and is wanted
 * by every other node once. A delivery is one message handed to the application of one node other than its
 * publisher. CPU is user + system time of the process, so waiting for a busy core does not count.
 *
 * ## How a system takes part
 *
 * A module `bench/live/<name>.mjs` exports
 *
 * - `modes`: `{ [mode]: { about, saturatedCount } }`. `about` is one line for the reader; `saturatedCount` is
 *   how many messages make a saturated run of half a second or more (in a shorter one the 20 ms that any run
 *   costs would show; `--quick` takes a quarter).
 * - `create(mode)`: a promise of a {@link Contestant}. Packages are imported in here, not at the top of the
 *   module: the list of modes can then be read before they are installed, and their code is loaded before the
 *   memory of the first node is measured.
 * - `prepare()`, optional: called once before all runs, outside the measured process. It resolves to nothing,
 *   or to the reason why this system has to be skipped.
 *
 * @typedef {object} Contestant
 * @property {string} name what the table calls it
 * @property {(options: StartOptions) => Promise<{ nodes: readonly unknown[] }>} start creates all nodes,
 *   listening but without links
 * @property {(callback: (nodeIndex: number, bytes: Uint8Array) => void) => void} onDelivery called once, after
 *   `start` and before `connect`. The callback is to be called synchronously for every message that reaches an
 *   application, never for a node's own messages; the bytes may be reused after it returns.
 * @property {() => Promise<void>} connect opens the links and subscribes every node; resolves when the links
 *   are usable. Its CPU divided by `connections()` is the price of a connection.
 * @property {() => Promise<object | undefined>} [settle] waits (bounded) until a message reaches everyone, and
 *   may return facts about the overlay that are worth keeping with the result
 * @property {() => number} connections links open now, each counted once
 * @property {(nodeIndex: number, bytes: Uint8Array) => unknown} publish node `nodeIndex` broadcasts the bytes.
 *   A promise is awaited in the saturated run, which is how a system pushes back.
 * @property {() => number} [wireMessages] copies of messages put on any link so far, by publishers and relays
 * @property {() => number} [wireBytes] bytes on all links so far, both directions, each byte once. Only needed
 *   by systems that do not use TCP: sockets of `node:net` and `node:tls` are counted here, below TLS.
 * @property {() => number | undefined} [helperCpuMs] CPU spent so far by other processes that the system needs
 * @property {() => Promise<void>} stop
 *
 * @typedef {object} StartOptions
 * @property {number} nodeCount
 * @property {number} messageBytes the size of every message
 * @property {() => number} random seeded, in [0, 1)
 */
import diagnostics from "node:diagnostics_channel";
import os from "node:os";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";

/** The first bytes of every message differ from those of every other message. */
export const uniquePrefixBytes = 16;

export const defaults = Object.freeze({
  nodeCount: 25,
  messageBytes: 200,
  warmUpCount: 100, // messages sent before anything is timed, so that compilation is not charged to anyone
  idleMs: 5000, // how long the quiet network is watched
  loads: Object.freeze([
    Object.freeze({ messagesPerSecond: 6, count: 120 }),
    Object.freeze({ messagesPerSecond: 0, count: 400 }), // 0: saturated
  ]),
  seed: 1,
});

const publishesPerTurn = 20;
const drainQuietMs = 3000; // nothing delivered for so long: what is missing is lost
const drainLimitMs = 30_000;
const tailMs = 200; // late copies of delivered messages still cost something

/** A small seeded generator (an additive counter, mixed), good enough to choose publishers and neighbors. */
export function seededRandom(seed) {
  let counter = seed >>> 0;
  return () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/**
 * The overlay for systems that leave dialing to their user: node i dials `dialsPerNode` random earlier nodes,
 * one of them node 0, as if that were the seed everyone knows. The result lists, per node, whom it dials.
 */
export function dialPlan(nodeCount, dialsPerNode, random) {
  return Array.from({ length: nodeCount }, (_, dialer) => {
    const chosen = new Set(dialer > 0 ? [0] : []);
    while (chosen.size < Math.min(dialsPerNode, dialer)) chosen.add(Math.floor(random() * dialer));
    return [...chosen];
  });
}

/**
 * A little network, started, used and stopped before anything is measured, for every contestant alike: loaded and
 * compiled code, and what a process needs once, are nobody's memory per node.
 */
export async function rehearse(contestant) {
  const random = seededRandom(0);
  await contestant.start({ nodeCount: 4, messageBytes: defaults.messageBytes, random });
  contestant.onDelivery(() => {});
  await contestant.connect();
  await contestant.settle?.();
  for (let i = 0; i < 20; i++) {
    const bytes = new Uint8Array(defaults.messageBytes);
    bytes[0] = i;
    await contestant.publish(i % 4, bytes);
  }
  await sleep(500);
  await contestant.stop();
  await sleep(500);
}

/** Waits until `condition()` holds, at most `limitMs`; tells whether it does. */
export async function until(condition, limitMs, everyMs = 20) {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() >= deadline) return false;
    await sleep(everyMs);
  }
  return true;
}

/** What the kernel carried for this process's TCP sockets, ciphertext if they are encrypted. */
class SocketBytes {
  #accepted = [];
  #dialed = [];

  constructor() {
    diagnostics.subscribe("net.server.socket", ({ socket }) => this.#accepted.push(socket));
    diagnostics.subscribe("net.client.socket", ({ socket }) => this.#dialed.push(socket));
  }

  /** A link between two of our own nodes is read at its accepting end; a link to a broker where we dialed it. */
  total() {
    const sockets = this.#accepted.length > 0 ? this.#accepted : this.#dialed;
    if (sockets.length === 0) return undefined;
    return sockets.reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, 0);
  }
}

/** Who has received what during one load, and how late. */
class DeliveryLog {
  #nodeCount;
  #phase;
  #heard; // one byte per (message, node)
  #latenciesMs;
  delivered = 0;
  duplicates = 0;
  malformed = 0;
  lastAt = 0;

  constructor(nodeCount, count, phase) {
    this.#nodeCount = nodeCount;
    this.#phase = phase;
    this.#heard = new Uint8Array(count * nodeCount);
    this.#latenciesMs = new Float64Array(count * (nodeCount - 1));
    this.wanted = this.#latenciesMs.length;
  }

  stamp(bytes, sequence, publisher) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, uniquePrefixBytes);
    view.setUint32(8, this.#phase);
    view.setUint32(12, sequence);
    view.setFloat64(0, performance.now());
    this.#heard[sequence * this.#nodeCount + publisher] = 1;
  }

  record(nodeIndex, bytes) {
    if (bytes.byteLength < uniquePrefixBytes) {
      this.malformed++;
      return;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, uniquePrefixBytes);
    if (view.getUint32(8) !== this.#phase) return; // a straggler of an earlier load
    const cell = view.getUint32(12) * this.#nodeCount + nodeIndex;
    if (this.#heard[cell] !== 0) {
      if (cell < this.#heard.length) this.duplicates++;
      else this.malformed++;
      return;
    }
    this.#heard[cell] = 1;
    this.lastAt = performance.now();
    this.#latenciesMs[this.delivered++] = this.lastAt - view.getFloat64(0);
  }

  sortedLatenciesMs() {
    return this.#latenciesMs.subarray(0, this.delivered).sort();
  }
}

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const residentBytes = () => {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().rss;
};

const quantile = (sorted, fraction) =>
  sorted.length === 0 ? undefined : sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))];

/**
 * Runs one contestant through all loads and returns plain numbers. `load` entries with `messagesPerSecond: 0`
 * keep 20 publishes in flight per event-loop turn.
 */
export async function measure(contestant, overrides = {}) {
  const parameters = { ...defaults, ...overrides };
  const { nodeCount, messageBytes, warmUpCount, idleMs, loads, seed } = parameters;
  if (messageBytes < uniquePrefixBytes)
    throw new Error(`messageBytes is ${messageBytes}; at least ${uniquePrefixBytes}`);
  const random = seededRandom(seed);
  const sockets = new SocketBytes();
  const snapshot = () => ({
    at: performance.now(),
    cpuMs: cpuMs(),
    helperCpuMs: contestant.helperCpuMs?.(),
    wireMessages: contestant.wireMessages?.(),
    wireBytes: contestant.wireBytes?.() ?? sockets.total(),
  });
  const since = (before) => {
    const after = snapshot();
    return Object.fromEntries(
      Object.keys(after).map((key) => [
        key === "at" ? "wallMs" : key,
        after[key] === undefined ? undefined : after[key] - (before[key] ?? 0),
      ]),
    );
  };

  const residentBefore = residentBytes();
  let mark = snapshot();
  await contestant.start({ nodeCount, messageBytes, random });
  const starting = since(mark);
  let log = new DeliveryLog(nodeCount, 0, 0);
  contestant.onDelivery((nodeIndex, bytes) => log.record(nodeIndex, bytes));

  mark = snapshot();
  await contestant.connect();
  const connecting = since(mark);
  const overlay = (await contestant.settle?.()) ?? {};
  const settling = since(mark);
  await sleep(1000);
  const connections = contestant.connections();
  const result = {
    nodeCount,
    messageBytes,
    seed,
    nodeVersion: process.version,
    loadAverage: os.loadavg()[0],
    connections,
    startCpuMs: starting.cpuMs,
    connectCpuMsPerConnection: connecting.cpuMs / connections,
    connectMs: connecting.wallMs,
    settledAfterMs: settling.wallMs,
    memoryMbPerNode: (residentBytes() - residentBefore) / nodeCount / 2 ** 20,
    ...overlay,
  };

  const filler = Uint8Array.from({ length: messageBytes }, () => Math.floor(random() * 256));
  let publishFailures = 0;
  let lastPublishError;
  const publish = async (sequence) => {
    const bytes = filler.slice();
    const publisher = Math.floor(random() * nodeCount);
    log.stamp(bytes, sequence, publisher);
    try {
      await contestant.publish(publisher, bytes);
    } catch (error) {
      publishFailures++;
      lastPublishError = error;
    }
  };
  const saturate = async (count) => {
    for (let first = 0; first < count; first += publishesPerTurn) {
      const size = Math.min(publishesPerTurn, count - first);
      await Promise.all(Array.from({ length: size }, (_, offset) => publish(first + offset)));
      await turn();
    }
  };
  const pace = async (count, messagesPerSecond) => {
    const begin = performance.now();
    for (let sequence = 0; sequence < count; sequence++) {
      const waitMs = begin + (sequence * 1000) / messagesPerSecond - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      void publish(sequence);
    }
  };
  const drain = async () => {
    const begin = performance.now();
    const finished = () => {
      const quietMs = performance.now() - Math.max(begin, log.lastAt);
      return log.delivered === log.wanted || quietMs > drainQuietMs;
    };
    await until(finished, drainLimitMs, 5);
    await sleep(tailMs);
  };

  let phase = 1;
  if (warmUpCount > 0) {
    log = new DeliveryLog(nodeCount, warmUpCount, phase++);
    await saturate(warmUpCount);
    await drain();
  }
  await sleep(1000);
  globalThis.gc?.();
  mark = snapshot();
  await sleep(idleMs);
  const idle = since(mark);
  result.idleCpuMsPerNodePerSecond = idle.cpuMs / nodeCount / (idle.wallMs / 1000);
  if (idle.wireBytes !== undefined)
    result.idleWireBytesPerNodePerSecond = idle.wireBytes / nodeCount / (idle.wallMs / 1000);

  result.loads = [];
  for (const { messagesPerSecond, count } of loads) {
    publishFailures = 0;
    log = new DeliveryLog(nodeCount, count, phase++);
    globalThis.gc?.();
    mark = snapshot();
    if (messagesPerSecond === 0) await saturate(count);
    else await pace(count, messagesPerSecond);
    await drain();
    const spent = since(mark);
    const busyMs = log.lastAt - mark.at;
    // What the quiet network costs anyway is only worth subtracting when the load leaves the process idle.
    const idleShare = messagesPerSecond === 0 ? 0 : spent.wallMs / idle.wallMs;
    const perDelivery = (amount) =>
      amount === undefined || log.delivered === 0 ? undefined : amount / log.delivered;
    const latenciesMs = log.sortedLatenciesMs();
    result.loads.push({
      messagesPerSecond,
      count,
      deliveredRatio: log.delivered / log.wanted,
      duplicates: log.duplicates,
      malformed: log.malformed,
      publishFailures,
      ...(publishFailures > 0 ? { publishError: String(lastPublishError) } : {}),
      latencyP50Ms: quantile(latenciesMs, 0.5),
      latencyP99Ms: quantile(latenciesMs, 0.99),
      cpuUsPerDelivery: perDelivery((spent.cpuMs - idle.cpuMs * idleShare) * 1000),
      cpuUsPerDeliveryGross: perDelivery(spent.cpuMs * 1000),
      helperCpuUsPerDelivery: perDelivery(
        spent.helperCpuMs === undefined ? undefined : spent.helperCpuMs * 1000,
      ),
      deliveriesPerSecond: log.delivered / (busyMs / 1000),
      wireMessagesPerDelivery: perDelivery(spent.wireMessages),
      wireBytesPerDelivery: perDelivery(spent.wireBytes),
    });
  }
  result.memoryMbPerNodeAfterLoad = (residentBytes() - residentBefore) / nodeCount / 2 ** 20;
  return result;
}
