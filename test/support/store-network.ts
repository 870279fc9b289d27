/** A network of stores over routers that know everybody, in virtual time: what tests of the store disturb. */
import type { Key, StoredRecord } from "../../src/core/index.ts";
import { Stack } from "../../src/core/index.ts";
import {
  type AskedOperation,
  LookupNetwork,
  type LookupNetworkConfig,
  type Place,
} from "../../src/lab/lookup/lookup-network.ts";
import {
  type GetRecord,
  type PutRecord,
  Store,
  type StoreCommand,
  type StoreConfig,
  type StoreEnded,
  type StoreMessage,
  type StoreOptions,
} from "../../src/storage/index.ts";
import { OneHopRouter } from "./one-hop-router.ts";

export interface StoreNetworkConfig extends Partial<Omit<LookupNetworkConfig, "make">> {
  readonly rows: number;
  readonly options?: Partial<StoreOptions>;
  /** How often routers look whether others are there. */
  readonly watchMs?: number;
  /** Another store than the real one, for rules that are broken on purpose. */
  readonly storeOf?: (config: StoreConfig) => Store;
}

type Unnumbered<Command> = Command extends unknown ? Omit<Command, "request"> : never;

export class StoreNetwork extends LookupNetwork {
  constructor({ options, watchMs, storeOf = (config) => new Store(config), ...config }: StoreNetworkConfig) {
    const make = (place: Place) => {
      const router = new OneHopRouter({ ...place, watchMs });
      const restored = place.disk?.below<StoreMessage>("store/");
      const { keyedNode, signatures } = place;
      return new Stack({
        "one-hop": router,
        store: storeOf({ router, keyedNode, signatures, restored, options }),
      });
    };
    super({
      seed: 1,
      keepsDisks: true,
      links: { latency: { model: "uniform", fromMs: 5, toMs: 25 } },
      ...config,
      make,
    });
  }

  /** All nodes from here to there join through the first, and get to know each other. */
  gather(count = this.config.rows): this {
    for (let row = 0; row < count; row++) this.start(row, row === 0 ? [] : [0]);
    this.run(3000);
    return this;
  }

  store(row: number): Store {
    return this.storeOf(row) as unknown as Store;
  }

  /** Asks, and lets time pass until the answer is there. */
  do(row: number, command: Unnumbered<Exclude<StoreCommand, { type: "persisted" }>>): StoreEnded {
    const asked = this.operate(row, command as never) as AskedOperation;
    this.runUntil(() => asked.ended !== undefined, 60_000, 5);
    if (asked.ended === undefined) throw new Error("the operation has not ended");
    return asked.ended as unknown as StoreEnded;
  }
  put(row: number, name: string, text: string, more: Partial<PutRecord> = {}): StoreEnded {
    return this.do(row, { type: "put", name, value: bytes(text), ...more });
  }
  get(row: number, name: string, more: Partial<GetRecord> = {}): StoreEnded {
    return this.do(row, { type: "get", name, ...more });
  }

  /** The rows that keep a record of this key as a replica, in the order of rows. */
  holders(key: Key, accept: (record: StoredRecord) => boolean = () => true): number[] {
    const rows: number[] = [];
    for (let row = 0; row < this.config.rows; row++) {
      if (!this.simulation.isAlive(row)) continue;
      for (const { isCached, record } of this.store(row).table.entries())
        if (!isCached && record.statement.key === key && accept(record)) rows.push(row);
    }
    return rows;
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(ended: StoreEnded): string | undefined {
  const value = ended.record?.statement.value;
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

/** How many replicas are in a state. */
export function count(ended: StoreEnded, state: StoreEnded["replicas"][number]["state"]): number {
  return ended.replicas.filter((replica) => replica.state === state).length;
}
