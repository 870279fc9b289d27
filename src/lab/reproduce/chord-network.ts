/** What the experiments with Chord share: rings of the real protocol whose tables are as they should be, and lookups. */

import { log } from "../../core/deterministic-math.ts";
import {
  compareUp,
  hashNumbers,
  Moments,
  type MomentsState,
  pick,
  type Random,
  randomKey,
  sample,
  seededRandom,
  UsageError,
} from "../../core/index.ts";
import { Chord, type ChordOptions } from "../../lookup/index.ts";
import type { ChordPaths } from "../../theory/index.ts";
import { KeySpace } from "../lookup/key-space.ts";
import { type AskedLookup, LookupNetwork } from "../lookup/lookup-network.ts";
import { staticChord } from "../lookup/static-chord.ts";
import type { ReproductionRow } from "./experiment.ts";
import type { Flags } from "./flags.ts";

export interface StaticRingConfig {
  readonly seed: number;
  readonly nodes: number;
  /** Length of the successor lists. */
  readonly successors: number;
  /** Do lookups go over the lists, too, or over fingers only? */
  readonly routesOverList: boolean;
  /** Share of nodes that are dead: each with this probability. */
  readonly failed?: number;
}

/** Nobody waits long for the dead: only how many there are is counted. */
const settings = {
  minTimeoutMs: 20,
  firstTimeoutMs: 20,
  maxTimeoutMs: 20,
  deadlineMs: 600_000,
  budget: 10_000,
  maxLookups: 65_536,
};

/** A ring without upkeep. Nodes are made when they are needed. */
export function staticRing(config: StaticRingConfig): LookupNetwork {
  const { seed, nodes, successors, routesOverList, failed = 0 } = config;
  const keys = new KeySpace({ seed, rows: nodes });
  const options: Partial<ChordOptions> = { successors, routesOverList, closer: 64, repeatsQuestions: false };
  const network = new LookupNetwork({
    ...{ seed, keys, rows: nodes, isLazy: true },
    links: { latency: { model: "constant", ms: 1 } },
    tableOf: staticChord(keys, { successors }),
    make: (place) => new Chord({ ...place, settings, options, hasUpkeep: false, tellsSteps: false }),
  });
  network.startAll();
  const random = seededRandom(hashNumbers([seed, 1]));
  const rows = Array.from({ length: nodes }, (_, row) => row);
  // Somebody has to be left to ask.
  for (const row of sample(rows, nodes, random).slice(1)) if (random.unit() < failed) network.crash(row);
  return network;
}

/** What lookups of one ring came to. */
export interface RingSample {
  readonly hops: number;
  readonly timeouts: number;
  /** Lookups that did not find the owner. */
  readonly failed: number;
  readonly lookups: number;
  /** By number. */
  readonly hopCounts: readonly number[];
  readonly timeoutCounts: readonly number[];
}

const atOnce = 200;

/** Random keys from random living nodes. */
export function lookUp(network: LookupNetwork, count: number, random: Random): RingSample {
  const rows = network.living.all();
  const asked: AskedLookup[] = [];
  while (asked.length < count) {
    const batch = Math.min(atOnce, count - asked.length);
    for (let i = 0; i < batch; i++) asked.push(network.lookup(pick(rows, random), randomKey(random)));
    network.finish();
  }
  return sampleOf(network, asked);
}

/** The truth is that of now. */
export function sampleOf(network: LookupNetwork, asked: readonly AskedLookup[]): RingSample {
  const hopCounts: number[] = [];
  const timeoutCounts: number[] = [];
  let [hops, timeouts, failed] = [0, 0, 0];
  for (const one of asked) {
    const { report } = one;
    if (!isRight(network, one)) failed++;
    if (report === undefined) continue;
    hops += report.hops;
    hopCounts[report.hops] = (hopCounts[report.hops] ?? 0) + 1;
    const silent = silentOnTheWay(one);
    timeouts += silent;
    timeoutCounts[silent] = (timeoutCounts[silent] ?? 0) + 1;
  }
  const lookups = asked.length;
  return {
    hops: hops / lookups,
    timeouts: timeouts / lookups,
    ...{ failed, lookups },
    hopCounts: Array.from(hopCounts, (value) => value ?? 0),
    timeoutCounts: Array.from(timeoutCounts, (value) => value ?? 0),
  };
}

export function isRight(network: LookupNetwork, { key, report }: AskedLookup): boolean {
  return report?.closest[0] !== undefined && report.closest[0] === network.trueClosest(key, 1, compareUp)[0];
}

/** Dead nodes before the key. Those behind it that are tried as its owner are not on the path. */
function silentOnTheWay({ key, report }: AskedLookup): number {
  const { path, closest } = report!;
  const owner = closest[0]?.key ?? key;
  const isBehind = (other: string) => compareUp(key, other, owner) <= 0;
  return path.filter((step) => step.outcome === "silent" && !isBehind(step.key)).length;
}

// ---- Rows ----------------------------------------------------------------------------------------------------------

/** Means of rings: lookups of one ring meet the same nodes, so they are not independent. */
export function overRings(samples: readonly RingSample[], figure: "hops" | "timeouts"): MomentsState {
  const all = new Moments();
  for (const one of samples) all.add(one[figure]);
  return all.toJSON();
}

/** The value that the share `q` of all lookups does not exceed. */
export function quantileOf(
  samples: readonly RingSample[],
  figure: "hopCounts" | "timeoutCounts",
  q: number,
): number {
  const counts: number[] = [];
  let total = 0;
  for (const sample of samples)
    sample[figure].forEach((count, value) => {
      counts[value] = (counts[value] ?? 0) + count;
      total += count;
    });
  let sum = 0;
  for (let value = 0; value < counts.length; value++) {
    sum += counts[value] ?? 0;
    if (sum >= q * total) return value;
  }
  return 0;
}

export function once(value: number): MomentsState {
  return { count: 1, mean: value, squares: 0, min: value, max: value };
}

/** Within 3 % of the model's mean, and 3 standard errors of both means. */
export function modelGate(
  measured: MomentsState,
  model: MomentsState,
): Pick<ReproductionRow, "gate" | "theory"> {
  const { mean, count, standardError } = Moments.from(model);
  if (measured.count < 2) return { theory: mean };
  const own = Moments.from(measured).standardError;
  const reach = 0.03 * mean + 3 * Math.hypot(own, count < 2 ? 0 : standardError);
  return {
    theory: mean,
    gate: { low: mean - reach, high: mean + reach, why: "model, ±3 % and 3 standard errors" },
  };
}

/** What of a model crosses from thread to thread. */
export interface ModelSample {
  readonly hops: MomentsState;
  readonly timeouts: MomentsState;
  readonly failed: number;
}

export function modelSample({ hops, timeouts, failedLookups }: ChordPaths): ModelSample {
  return { hops: hops.toJSON(), timeouts: timeouts.toJSON(), failed: failedLookups };
}

// ---- Flags ---------------------------------------------------------------------------------------------------------

/** Throws `UsageError`. */
export function whole(flags: Flags, name: string): number {
  const value = flags[name] as number;
  if (!Number.isInteger(value)) throw new UsageError(`--${name}: ${value} is not an integer`);
  return value;
}

/** 2 log2 N, as in the paper, where the flag says 0. */
export function listLength(flags: Flags, nodes: number): number {
  const given = whole(flags, "successors");
  return given > 0 ? given : Math.min(64, Math.max(2, Math.ceil((2 * log(nodes)) / log(2))));
}
