/** A small network of SWIM in virtual time. Whoever is a liar here signs what it likes with its own name. */
import { type NodeId, type Signatures, type Typed, trustEverybody } from "../../src/core/index.ts";
import {
  Swim,
  type SwimConfig,
  type SwimMessage,
  type SwimNotice,
  type SwimOptions,
} from "../../src/membership/index.ts";
import { type LinkSettings, Simulation } from "../../src/simulator/index.ts";

export interface SwimWorldConfig {
  readonly nodes: number;
  readonly seed?: number;
  readonly options?: Partial<SwimOptions>;
  readonly links?: Partial<LinkSettings>;
  readonly signatures?: Signatures<any>;
  readonly onSent?: (message: SwimMessage) => void;
  readonly config?: (row: number) => Partial<SwimConfig>;
}

type Told = SwimNotice & { readonly at: number; readonly row: number };

export class SwimWorld {
  readonly simulation: Simulation;
  readonly swims: Swim[] = [];
  told: Told[] = [];
  readonly #config: SwimWorldConfig;

  constructor(config: SwimWorldConfig) {
    this.#config = config;
    const { nodes, seed = 1, links, onSent } = config;
    this.simulation = new Simulation({
      seed,
      rows: nodes,
      links: { latency: { model: "uniform", fromMs: 0, toMs: 2 }, ...links },
      onNotice: (row, notice: SwimNotice, at) => {
        this.told.push({ ...notice, at, row });
        if (notice.type === "persist" && notice.isAwaited)
          this.simulation.command(row, { type: "persisted", key: notice.key }, 1);
      },
      ...(onSent === undefined
        ? {}
        : {
            sizeOf: (message: SwimMessage) => {
              onSent(message);
              return 0;
            },
          }),
    });
    for (let row = 0; row < nodes; row++) this.begin(row);
  }

  /** Its first life, or the next one. */
  begin(row: number, incarnation = 1): void {
    const swim = new Swim({
      role: "peer",
      introducers: row === 0 ? [] : [0],
      incarnation,
      since: this.simulation.time,
      signatures: this.#config.signatures ?? trustEverybody,
      options: this.#config.options,
      ...this.#config.config?.(row),
    });
    this.swims[row] = swim;
    this.simulation.host(row, swim);
  }

  pass(ms: number): this {
    this.simulation.run(this.simulation.time + ms);
    return this;
  }
  /** Until all know all; returns how long that took. Fails after so many milliseconds. */
  untilAllKnowAll(withinMs: number): number {
    const start = this.simulation.time;
    const isDone = () => this.swims.every(({ size }) => size === this.swims.length - 1);
    while (!isDone()) {
      if (this.simulation.time - start >= withinMs)
        throw new Error(`not within ${withinMs} ms: ${this.swims.map(({ size }) => size)}`);
      this.pass(20);
    }
    return this.simulation.time - start;
  }

  of<Type extends SwimNotice["type"]>(type: Type, about?: NodeId): (Told & { readonly type: Type })[] {
    return this.told.filter(
      (notice) =>
        notice.type === type && (about === undefined || (notice as Typed & { peer?: NodeId }).peer === about),
    ) as any;
  }
  sum(counter: keyof Swim["counters"]): number {
    return this.swims.reduce((sum, { counters }) => sum + counters[counter], 0);
  }
}
