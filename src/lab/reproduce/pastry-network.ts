/** What the experiments with Pastry share: networks of the real protocol whose tables are as they should be. */
import {
  type Histogram,
  type Key,
  Moments,
  type MomentsState,
  pick,
  randomKey,
  seededRandom,
  UsageError,
} from "../../core/index.ts";
import { Pastry, type PastryOptions } from "../../lookup/index.ts";
import type { LinkSettings } from "../../simulator/index.ts";
import type { KeySpace } from "../lookup/key-space.ts";
import { type AskedLookup, LookupNetwork } from "../lookup/lookup-network.ts";
import { type StaticPastryConfig, staticPastry } from "../lookup/static-pastry.ts";
import type { ExperimentFlag } from "./experiment.ts";
import type { Flags } from "./flags.ts";

/** Nothing is maintained, and nothing learned: tables stay as they were built. */
export const withoutUpkeep: Partial<PastryOptions> = {
  leafIntervalMs: 0,
  tableIntervalMs: 0,
  mergeIntervalMs: 0,
  persistIntervalMs: 0,
  neighborhoodSize: 0,
  learnsFromRoutes: false,
};

export interface PastryNetworkConfig {
  readonly seed: number;
  readonly nodes: number;
  readonly bits: number;
  readonly leafSetSize: number;
  readonly links?: Partial<LinkSettings>;
  readonly options?: Partial<PastryOptions>;
  /** How tables are built; default: by chance. */
  readonly tables?: (network: LookupNetwork) => Partial<StaticPastryConfig>;
  /** Nodes are made when they are needed. Default: true. */
  readonly isLazy?: boolean;
}

/** All nodes are there, with their tables; nobody has asked anything. */
export function pastryNetwork(config: PastryNetworkConfig): LookupNetwork {
  const { seed, nodes, bits, leafSetSize, links, tables = () => ({}), isLazy = true } = config;
  const options = { ...withoutUpkeep, ...config.options, bits, leafSetSize };
  const settings = { maxLookups: 65_536, deadlineMs: 60_000 };
  let tableOf: ((row: number) => unknown) | undefined;
  const build = (row: number, keys: KeySpace) => {
    tableOf ??= staticPastry(keys, { seed, bits, leafSetSize, ...tables(network) });
    return tableOf(row);
  };
  const network: LookupNetwork = new LookupNetwork({
    seed,
    rows: nodes,
    links: links ?? { latency: { model: "constant", ms: 10 } },
    isLazy,
    make: (place) => new Pastry({ ...place, options, settings, tellsSteps: false }),
    tableOf: build,
  });
  network.startAll();
  return network;
}

/** Random keys from random living nodes, some at a time. */
export function lookUp(
  network: LookupNetwork,
  count: number,
  seed: number,
  onEnded: (asked: AskedLookup) => void,
): void {
  const random = seededRandom(seed);
  const rows = network.living.all();
  for (let done = 0; done < count; done += atOnce) {
    for (let i = done; i < Math.min(count, done + atOnce); i++) {
      const key: Key = randomKey(random);
      network.lookup(pick(rows, random), key, {}, onEnded);
    }
    network.finish();
  }
}

const atOnce = 500;

/** Of all nodes that were made. */
export function sumOfCounters(network: LookupNetwork, name: keyof Pastry["counters"]): number {
  let sum = 0;
  for (let row = 0; row < network.config.rows; row++) {
    const router = network.routerOf(row);
    if (router !== undefined) sum += (router as Pastry).counters[name];
  }
  return sum;
}

// ---- Shares as moments --------------------------------------------------------------------------------------------

/** `count` of `total` were so: the moments of that many ones among zeros. */
export function shareOf(count: number, total: number): MomentsState {
  const mean = total === 0 ? 0 : count / total;
  const [min, max] = [count === total ? 1 : 0, count === 0 ? 0 : 1];
  return { count: total, mean, squares: total * mean * (1 - mean), min, max };
}

export function merged(states: readonly MomentsState[]): MomentsState {
  const all = new Moments();
  for (const state of states) all.merge(Moments.from(state));
  return all.toJSON();
}

export function shareIn(histogram: Histogram, value: number): number {
  for (const { low, high, count } of histogram.buckets())
    if (low <= value && value <= high) return count / histogram.total;
  return 0;
}

// ---- Flags --------------------------------------------------------------------------------------------------------

export const pastryFlags: readonly ExperimentFlag[] = [
  { name: "bits", description: "b: a digit has so many bits", default: 4, min: 1, max: 8 },
  { name: "leaf-set", description: "|L|: nodes with the nearest keys, even", default: 16, min: 2, max: 64 },
];

/** Throws `UsageError`. */
export function tablesFrom(flags: Flags): { readonly bits: number; readonly leafSetSize: number } {
  const bits = whole(flags, "bits");
  const leafSetSize = whole(flags, "leaf-set");
  if (leafSetSize % 2 !== 0) throw new UsageError(`--leaf-set: ${leafSetSize} is not even`);
  return { bits, leafSetSize };
}

/** Throws `UsageError`. */
export function whole(flags: Flags, name: string): number {
  const value = flags[name] as number;
  if (!Number.isInteger(value)) throw new UsageError(`--${name}: ${value} is not an integer`);
  return value;
}
