/**
 * A network that runs what was planned, in virtual time: the stacks that run live, datagrams and streams that lose what
 * the wish says, crashes, messages at the wished rate. Everything is counted from outside.
 */
import { type Millis, type NodeId, sample, type Tagged, type Typed } from "../../core/index.ts";
import type { ProfileOptions } from "../../profiles/index.ts";
import { SimulatedNetwork } from "../../simulated/index.ts";
import { CounterRandom } from "../../simulator/index.ts";
import { type CrashKind, CrashWatch } from "./crash-watch.ts";
import { DeliveryWatch } from "./delivery-watch.ts";
import { messageSizes, proofBytes } from "./frame-sizes.ts";
import type { Wish } from "./wish.ts";

export interface PlanNetworkConfig {
  readonly wish: Wish;
  readonly options: ProfileOptions;
  readonly seed: number;
  /** True if everybody watches everybody. */
  readonly isFullView: boolean;
}

/** Whoever has just started need not have messages yet. */
export const graceMs = 10_000;
const seeds = 3;
/** A newcomer each millisecond, as `grapevine simulate` has it. */
const joinEveryMs = 1;
const formedEveryMs = 500;
const stepMs = 100;

export class PlanNetwork {
  readonly network: SimulatedNetwork;
  readonly crashes: CrashWatch;
  readonly deliveries: DeliveryWatch;
  readonly #config: PlanNetworkConfig;
  readonly #random: CounterRandom;
  readonly #bytesBySender: Float64Array;
  #isWeighing = false;
  #publishers: readonly number[] = [];
  #isPublishing = false;
  #nextMessage = 0;

  constructor(config: PlanNetworkConfig) {
    const { wish, options, seed } = config;
    this.#config = config;
    const rows = seeds + wish.nodes;
    this.#bytesBySender = new Float64Array(rows);
    this.#random = new CounterRandom(seed, "scenario", 1);
    const sizeOf = messageSizes();
    this.network = new SimulatedNetwork({
      seed,
      seeds,
      maxPeers: wish.nodes,
      links: {
        kind: "stream",
        loss: wish.loss,
        latency: {
          model: "uniform",
          fromMs: Math.floor(wish.rttMs / 4),
          toMs: Math.ceil((3 * wish.rttMs) / 4),
        },
      },
      options: { ...options, source: { ...options.source, waitsForCommand: true } },
      hasContacts: true,
      proofBytes,
      sizeOf: (message) => this.#weigh(message, sizeOf),
      onNotice: (at, row, _layer, notice) => this.#onNotice(at, row, notice),
    });
    const rowOf = (id: NodeId) => this.network.simulation.rowOf(id);
    this.crashes = new CrashWatch(rowOf);
    this.deliveries = new DeliveryWatch(rows, rowOf, wish.withinMs);
  }

  get time(): Millis {
    return this.network.time;
  }

  #weigh(message: Tagged, sizeOf: (message: Tagged) => number): number {
    if (!this.#isWeighing) return 0;
    const bytes = sizeOf(message);
    this.#bytesBySender[this.network.simulation.row]! += bytes;
    return bytes;
  }

  #onNotice(at: Millis, row: number, notice: Typed & Record<string, any>): void {
    this.crashes.onNotice(at, row, notice);
    this.deliveries.onNotice(at, row, notice);
  }

  // ---- Forming ----

  /** In pieces, so that whoever waits can stop. True at the end if everybody has joined and the overlay is one piece. */
  *form(): Generator<void, boolean> {
    const { network } = this;
    network.startSeeds();
    for (let i = 0; i < this.#config.wish.nodes; i++) {
      this.#start(network.reserve());
      network.simulation.run(network.time + joinEveryMs);
      if (i % 50 === 0) yield;
    }
    const limit = network.time + 60_000 + this.#config.wish.nodes;
    while (!network.isFormed) {
      if (network.time >= limit) return false;
      network.simulation.run(network.time + formedEveryMs);
      yield;
    }
    return true;
  }

  #start(row: number): void {
    const peer = this.network.startPeer(row);
    this.crashes.onLife(row, peer.standing.incarnation);
    this.deliveries.onLife(row, this.time === 0 ? 0 : this.time + graceMs);
  }

  *run(durationMs: Millis): Generator<void> {
    const until = this.time + durationMs;
    while (this.time < until) {
      this.network.simulation.run(Math.min(until, this.time + stepMs));
      yield;
    }
  }

  // ---- Messages ----

  /** Some nodes, which will not crash, publish in turn. One at least has to be left that may. */
  beginPublishing(): void {
    const { publishers, messagesPerSecond } = this.#config.wish;
    if (messagesPerSecond === 0) return;
    const rows = [...this.network.peers.keys()];
    this.#publishers = sample(rows, Math.min(publishers, rows.length - 1), this.#random);
    this.#isPublishing = true;
    const beganAt = this.time;
    const publishNext = () => {
      if (!this.#isPublishing) return;
      const i = this.#nextMessage++;
      this.network.publish(this.#publishers[i % this.#publishers.length]!, [this.#text(i)]);
      this.network.simulation.at(beganAt + Math.floor((1000 * (i + 1)) / messagesPerSecond), publishNext);
    };
    publishNext();
  }

  endPublishing(): void {
    this.#isPublishing = false;
  }

  #text(i: number): string {
    const { messageBytes } = this.#config.wish;
    return `${i} `.padEnd(messageBytes, "gossip ").slice(0, messageBytes);
  }

  // ---- Crashes ----

  /** Peers that may crash, at random: so many, or all there are. */
  victims(count: number): number[] {
    const spared = new Set(this.#publishers);
    const rows = [...this.network.peers.keys()].filter((row) => !spared.has(row));
    return sample(rows, count, this.#random);
  }

  crashAt(at: Millis, row: number, kind: CrashKind): void {
    this.network.simulation.at(at, () => {
      this.crashes.onCrash(this.time, row, kind, this.#watchersOf(row));
      this.deliveries.onCrash(this.time, row);
      if (kind === "killed") this.network.crash(row);
      else this.network.simulation.pause(row);
    });
  }

  #watchersOf(row: number): number[] {
    const { network } = this;
    const { simulation, peers } = network;
    if (this.#config.isFullView) return [...peers.keys()].filter((other) => other !== row);
    const own = simulation.idOf(row);
    const neighbors = peers.get(row)!.view.neighbors.map((neighbor) => simulation.rowOf(neighbor)!);
    return neighbors.filter((other) => peers.get(other)?.view.has(own) === true);
  }

  /** What was noticed of them so far is what counts; they start again. */
  restart(rows: readonly number[]): void {
    for (const row of rows) {
      this.crashes.close(row);
      if (this.network.simulation.isAlive(row)) this.network.crash(row);
      this.#start(row);
    }
  }

  random(below: number): number {
    return this.#random.below(below);
  }

  // ---- Bytes ----

  beginWeighing(): void {
    this.#isWeighing = true;
  }

  /** What the nodes have sent since, a second and each; and the one that sent most. Seeds are none of them. */
  endWeighing(durationMs: Millis): { readonly mean: number; readonly greatest: number } {
    this.#isWeighing = false;
    const bytes = this.#bytesBySender.subarray(seeds);
    const perSecond = (value: number) => (1000 * value) / durationMs;
    const sum = bytes.reduce((total, value) => total + value, 0);
    return {
      mean: perSecond(sum / bytes.length),
      greatest: perSecond(bytes.reduce((most, value) => Math.max(most, value), 0)),
    };
  }
}
