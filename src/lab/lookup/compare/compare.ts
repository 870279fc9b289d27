/** Routers side by side: each under the same conditions, with several seeds, on all cores. */
import { UsageError } from "../../../core/index.ts";
import { linkSettings } from "../../../simulator/index.ts";
import { type BoardProgress, performOnBoard } from "../../simulate/board-tasks.ts";
import { labRouterNamed, type RouterTuning } from "../lab-routers.ts";
import type { ComparisonTask, Conditions, RouterRun } from "./comparison.ts";
import perform from "./worker.ts";

export interface ComparisonConfig {
  readonly routers: readonly string[];
  /** Of the first run; the others have the seeds that follow. */
  readonly conditions: Conditions;
  readonly runs: number;
  readonly tuningOf?: (router: string) => RouterTuning;
  /** Worker threads; 0 runs everything in this one. Default: one for each core. */
  readonly threads?: number | undefined;
  readonly onProgress?: (progress: BoardProgress) => void;
  /** Ends it early: what is complete is the result. */
  readonly signal?: AbortSignal;
}

/** The default of each condition but `nodes`. */
export const defaultConditions: Omit<Conditions, "nodes"> = Object.freeze({
  seed: 1,
  links: Object.freeze({}),
  churn: undefined,
  failShare: 0,
  lookups: 2000,
  // Guess: as many in a second as make lookups the larger part of the traffic in a network of a thousand.
  lookupsPerSecond: 20,
  count: undefined,
  start: "joined",
  joinEveryMs: 100,
  settleMs: 3 * 60_000,
  upkeepMs: 5 * 60_000,
});

/** The runs, by router in the order in which they were asked for, then by seed. Throws `UsageError`. */
export async function compareRouters(config: ComparisonConfig): Promise<readonly RouterRun[]> {
  const { routers, conditions, runs, tuningOf = () => ({}), threads, signal } = config;
  checkConditions(conditions);
  if (routers.length === 0) throw new UsageError("routers: lacks; say which");
  if (new Set(routers).size < routers.length)
    throw new UsageError(`routers: ${routers.join(",")} names one of them twice`);
  for (const name of routers) labRouterNamed(name);
  const tasks: ComparisonTask[] = routers.flatMap((router) =>
    Array.from({ length: runs }, (_, i) => ({
      router,
      conditions: { ...conditions, seed: conditions.seed + i },
      tuning: tuningOf(router),
    })),
  );
  const worker = new URL("./worker.js", import.meta.url);
  return performOnBoard({ tasks, worker, perform, threads, signal, onProgress: config.onProgress });
}

/** Throws `UsageError` naming the condition, the value and the rule. */
export function checkConditions(conditions: Conditions): void {
  const { churn } = conditions;
  atLeast("nodes", conditions.nodes, 2);
  atLeast("lookups", conditions.lookups, 1);
  atLeast("joinEveryMs", conditions.joinEveryMs, 1);
  atLeast("settleMs", conditions.settleMs, 0);
  atLeast("upkeepMs", conditions.upkeepMs, 1000);
  if (!(conditions.lookupsPerSecond > 0))
    throw new UsageError(`lookupsPerSecond: ${conditions.lookupsPerSecond} is not above 0`);
  if (!(conditions.failShare >= 0 && conditions.failShare < 1))
    throw new UsageError(`failShare: ${conditions.failShare} is not from 0 to below 1: somebody has to ask`);
  linkSettings(conditions.links);
  if (churn === undefined) return;
  if (!(churn.joinsPerMinute >= 0))
    throw new UsageError(`joinsPerMinute: ${churn.joinsPerMinute} is not at least 0`);
  atLeast("meanSessionMs", churn.meanSessionMs, 1000);
  if (!(churn.crashShare >= 0 && churn.crashShare <= 1))
    throw new UsageError(`crashShare: ${churn.crashShare} is not from 0 to 1`);
}

function atLeast(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new UsageError(`${name}: ${value} is not an integer of at least ${least}`);
}
