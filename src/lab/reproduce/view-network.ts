/**
 * Many nodes that run HyParView and nothing above it, over streams. The shell and the membership are played here: who
 * knows whom, which connections broke, and who cannot be reached.
 */
import {
  type Environment,
  type Millis,
  type Protocol,
  type Random,
  Stack,
  type StackNotice,
  seededRandom,
} from "../../core/index.ts";
import {
  HyParView,
  type HyParViewCommand,
  type HyParViewOptions,
  KnownPeers,
} from "../../membership/index.ts";
import { type LinkSettings, Simulation } from "../../simulator/index.ts";

export interface ViewNetworkConfig {
  readonly seed: number;
  /** How many nodes there can be. */
  readonly nodes: number;
  readonly links: Partial<LinkSettings>;
  /** The membership has everybody, and `introduce` says so; else it has some contacts. Default: false. */
  readonly isFullView?: boolean;
  readonly options?: Partial<HyParViewOptions>;
  readonly onNotice?: (row: number, notice: StackNotice, at: Millis) => void;
}

interface Told {
  readonly type: "tell";
  readonly notice: StackNotice | { readonly type: "leaving" };
}

/** A membership that announces what it is told to. */
class ToldMembership implements Protocol<never, never, Told["notice"], Told> {
  start(): void {}
  onMessage(): void {}
  onTimer(): void {}
  onCommand({ notice }: Told, env: Environment<never, never, Told["notice"]>): void {
    env.notify(notice);
  }
}

/** What a membership remembers of others at most, where it does not know everybody: see `fullViewMembers` of SWIM. */
const maxKnown = 200;

export class ViewNetwork {
  readonly simulation: Simulation;
  /** Undefined where a node has not started, or crashed. */
  readonly views: (HyParView | undefined)[];
  /** For what nobody in the network draws. */
  readonly random: Random;
  readonly #config: ViewNetworkConfig;
  readonly #known: KnownPeers[] = [];
  readonly #since: Millis[] = [];

  constructor(config: ViewNetworkConfig) {
    this.#config = config;
    this.random = seededRandom(config.seed);
    this.views = new Array(config.nodes).fill(undefined);
    this.simulation = new Simulation({
      seed: config.seed,
      rows: config.nodes,
      links: { kind: "stream", ...config.links },
      onNotice: (row, { layer, body }, at) => {
        if (layer === "hyparview") config.onNotice?.(row, body, at);
      },
      onUndeliverable: (from, to) => this.#onUndeliverable(from, to),
    });
  }

  get time(): Millis {
    return this.simulation.time;
  }
  run(forMs: Millis): void {
    this.simulation.run(this.time + forMs);
  }

  // ---- What happens ----

  /** A node that knows these others: its first life, or the next. */
  start(row: number, contacts: readonly number[], incarnation = 1): HyParView {
    this.#since[row] ??= this.time;
    const known = new KnownPeers(maxKnown);
    this.#known[row] = known;
    for (const peer of contacts) this.#learn(row, peer);
    const view = new HyParView({
      sampler: known,
      isFullView: () => this.#config.isFullView === true,
      standing: { incarnation, since: this.#since[row] },
      quality: () => undefined,
      options: this.#config.options,
    });
    this.views[row] = view;
    this.simulation.host(row, new Stack({ membership: new ToldMembership(), hyparview: view }));
    return view;
  }

  /** One after the other, each with the contact of somebody who is there already. */
  startAll(everyMs: Millis): void {
    for (let row = 0; row < this.views.length; row++) {
      this.start(row, row === 0 ? [] : [this.random.below(row)]);
      this.run(everyMs);
    }
  }

  /** Its membership learns of these peers, and announces them. */
  introduce(row: number, peers: readonly number[]): void {
    for (const peer of peers) {
      if (!this.#learn(row, peer)) continue;
      this.tell(row, { type: "member-up", peer, since: this.#since[peer]!, incarnation: 1 });
    }
  }

  /** What a membership with a partial view has beside: a sample of all that ever were. */
  giveSamples(): void {
    for (const row of this.living)
      for (let i = 0; i < maxKnown; i++) this.#learn(row, this.random.below(this.views.length));
  }

  /** kill -9, all at once: machines close the connections of the dead, which the others notice within `noticedMs`. */
  crash(rows: readonly number[], noticedMs: Millis): void {
    const dead = rows.map((row) => this.views[row]);
    for (const row of rows) {
      this.simulation.crash(row);
      this.views[row] = undefined;
    }
    for (const [i, row] of rows.entries())
      for (const neighbor of (dead[i]?.neighbors ?? []) as readonly number[])
        if (this.views[neighbor] !== undefined)
          this.#command(neighbor, { type: "link-lost", neighbor: row }, this.random.below(noticedMs + 1));
  }

  tell(row: number, notice: Told["notice"]): void {
    this.simulation.command(row, { layer: "membership", body: { type: "tell", notice } });
  }

  // ---- What there is ----

  get living(): number[] {
    return [...this.views.keys()].filter((row) => this.views[row] !== undefined);
  }

  /** Links that both ends have, between the living. */
  get graph(): Map<number, number[]> {
    const graph = new Map<number, number[]>();
    for (const row of this.living) {
      const neighbors = this.views[row]!.neighbors as readonly number[];
      graph.set(
        row,
        neighbors.filter((other) => this.views[other]?.has(row) === true),
      );
    }
    return graph;
  }

  /** Ends of links that the other end does not have. */
  get oneSided(): number {
    let ends = 0;
    for (const row of this.living)
      for (const other of this.views[row]!.neighbors as readonly number[])
        if (this.views[other]?.has(row) !== true) ends++;
    return ends;
  }

  // ---- The shell ----

  #onUndeliverable(from: number, to: number): void {
    if (this.views[from]?.has(to)) return this.#command(from, { type: "link-lost", neighbor: to });
    this.#known[from]!.remove(to);
    this.#command(from, { type: "unreachable", node: to });
  }

  #command(row: number, body: HyParViewCommand, afterMs: Millis = 0): void {
    this.simulation.command(row, { layer: "hyparview", body }, afterMs);
  }

  #learn(row: number, peer: number): boolean {
    const since = this.#since[peer];
    if (peer === row || since === undefined) return false;
    return this.#known[row]!.add({ peer, since }, this.random);
  }
}
