/**
 * Many nodes of which each runs HyParView below the broadcast, over streams, and nothing else: what the papers on both
 * measured. The shell is played here: it says which connections broke and who cannot be reached.
 */
import { type Millis, type NodeId, Stack, seededRandom, trustEverybody } from "../../core/index.ts";
import { Broadcast, type BroadcastOptions } from "../../dissemination/index.ts";
import { HyParView, KnownPeers } from "../../membership/index.ts";
import { type Latency, Simulation } from "../../simulator/index.ts";

export interface PlumtreeNetworkConfig {
  readonly seed: number;
  readonly nodes: number;
  readonly latency: Latency;
  readonly options: Partial<BroadcastOptions>;
}

/** What became of one message. */
export interface Spread {
  readonly by: number;
  readonly at: Millis;
  reached: number;
  lastAfterMs: Millis;
  lastHop: number;
  /** How many it had reached after so many tenths of a second. */
  readonly reachedAfter: number[];
}

/** Of a spread: ten seconds. */
const tenths = 100;

/** What all nodes have counted together. */
export type Spent = Pick<Broadcast["counters"], "sends" | "duplicates" | "announced" | "grafts" | "repairs">;

/**
 * How long the next one waits before it joins, at one that is there already. Joining takes a round trip and a walk, so
 * the first come slowly: were many under way among few, the overlay would keep longer paths for ever.
 */
const nextJoinMs = (joined: number) => Math.max(2, Math.ceil(4000 / joined));
/** What the membership knows of others beside, where it does not know everybody: see `fullViewMembers` of SWIM. */
const sampleSize = 200;
/** Some shuffles more, until passive views are full. */
const settleMs = 30_000;

export class PlumtreeNetwork {
  readonly simulation: Simulation;
  readonly spreads: Spread[] = [];
  readonly #stacks: { readonly hyparview: HyParView; readonly broadcast: Broadcast }[] = [];
  readonly #samples: KnownPeers[] = [];
  readonly #since: Millis[] = [];
  readonly #living: Uint8Array;
  /** Of each sender, its messages in the order of their numbers. */
  readonly #of = new Map<NodeId, Spread[]>();

  constructor({ seed, nodes, latency, options }: PlumtreeNetworkConfig) {
    this.#living = new Uint8Array(nodes);
    this.simulation = new Simulation({
      seed,
      rows: nodes,
      links: { kind: "stream", latency },
      onNotice: (_row, { body }, at) => {
        if (body.type === "delivered") this.#note(body, at);
      },
      onUndeliverable: (from, to) => this.#tellBroken(from, to),
    });
    const random = seededRandom(seed);
    let at = 0;
    for (let row = 0; row < nodes; row++) {
      this.simulation.at(at, () => this.#start(row, random.below(Math.max(1, row)), options));
      at += nextJoinMs(row + 1);
    }
    this.simulation.run(at + settleMs);
    for (const [row, known] of this.#samples.entries())
      for (let i = 0; i < sampleSize; i++) {
        const peer = random.below(nodes);
        if (peer !== row) known.add({ peer, since: this.#since[peer]! }, random);
      }
  }

  #start(row: number, contact: number, options: Partial<BroadcastOptions>): void {
    const standing = { incarnation: 1, since: this.simulation.time };
    this.#since[row] = standing.since;
    const sampler = new KnownPeers(sampleSize);
    this.#samples[row] = sampler;
    if (contact !== row) sampler.add({ peer: contact, since: this.#since[contact]! }, this.simulation.random);
    const hyparview = new HyParView({ sampler, isFullView: () => false, standing, quality: () => undefined });
    const broadcast = new Broadcast({ view: hyparview, standing, signatures: trustEverybody, options });
    this.#stacks[row] = { hyparview, broadcast };
    this.#living[row] = 1;
    this.simulation.host(row, new Stack({ hyparview, broadcast }));
  }

  // ---- What happens ----

  get living(): number[] {
    return this.#stacks.flatMap((_, row) => (this.#living[row] === 1 ? row : []));
  }

  publish(row: number): Spread {
    const at = this.simulation.time;
    const reachedAfter = new Array<number>(tenths + 1).fill(1);
    const spread = { by: row, at, reached: 1, lastAfterMs: 0, lastHop: 0, reachedAfter };
    const of = this.#of.get(row);
    if (of === undefined) this.#of.set(row, [spread]);
    else of.push(spread);
    this.spreads.push(spread);
    this.simulation.command(row, { layer: "broadcast", body: { type: "publish", payloads: ["a rumor"] } });
    return spread;
  }

  run(forMs: Millis): void {
    this.simulation.run(this.simulation.time + forMs);
  }

  /** kill -9, all at once: machines close the connections of the dead, which the living learn a latency later. */
  crash(rows: readonly number[]): void {
    for (const row of rows) {
      this.simulation.crash(row);
      this.#living[row] = 0;
    }
    for (const row of rows)
      for (const neighbor of this.#stacks[row]!.hyparview.neighbors as readonly number[])
        if (this.#living[neighbor] === 1) {
          const after = this.simulation.links.transitMs(row, neighbor, 0, this.simulation.time);
          this.#tell(neighbor, "link-lost", row, after);
        }
  }

  // ---- The shell ----

  #tellBroken(row: number, other: number): void {
    const isLink = this.#stacks[row]!.hyparview.has(other);
    this.#samples[row]!.remove(other);
    this.#tell(row, isLink ? "link-lost" : "unreachable", other, 0);
  }

  #tell(row: number, type: "link-lost" | "unreachable", other: number, afterMs: Millis): void {
    const body = type === "link-lost" ? { type, neighbor: other } : { type, node: other };
    this.simulation.command(row, { layer: "hyparview", body }, afterMs);
    if (type === "link-lost") this.simulation.command(row, { layer: "broadcast", body }, afterMs);
  }

  // ---- What is measured ----

  #note(
    { origin, sequence, hops = 0 }: { origin: NodeId; sequence: number; hops?: number },
    at: Millis,
  ): void {
    const spread = this.#of.get(origin)![sequence]!;
    spread.reached++;
    const after = at - spread.at;
    spread.lastAfterMs = Math.max(spread.lastAfterMs, after);
    for (let i = Math.ceil(after / 100); i <= tenths; i++) spread.reachedAfter[i]!++;
    spread.lastHop = Math.max(spread.lastHop, hops);
  }

  get spent(): Spent {
    const spent = { sends: 0, duplicates: 0, announced: 0, grafts: 0, repairs: 0 };
    const names = Object.keys(spent) as (keyof Spent)[];
    for (const { broadcast } of this.#stacks)
      for (const name of names) spent[name] += broadcast.counters[name];
    return spent;
  }

  /** Links of the living that both ends have, per node. */
  get meanDegree(): number {
    let ends = 0;
    let nodes = 0;
    for (const row of this.living) {
      nodes++;
      for (const other of this.#stacks[row]!.hyparview.neighbors as readonly number[])
        if (this.#living[other] === 1 && this.#stacks[other]!.hyparview.has(row)) ends++;
    }
    return ends / nodes;
  }
}
