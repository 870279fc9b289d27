/**
 * What a campaign is, whatever runs in it: many runs that are functions of their seeds, what broke in how many of them, how
 * often each interesting thing happened, and the first failures made smaller.
 */
import { UsageError } from "../../core/index.ts";
import type { Violation } from "../../scenario/scenario.ts";
import { combinedHash, runSeeds, type SeedRuns, sumOf } from "./seed-runs.ts";

/** What one run was. */
export interface SeedOutcome {
  readonly seed: number;
  /** What was broken; checks that failed are violations too. */
  readonly violations: readonly Violation[];
  /** How often each thing happened. */
  readonly occurred: Readonly<Record<string, number>>;
  readonly events: number;
  readonly virtualMs: number;
  readonly hash: string;
}

export interface SeedCampaignConfig {
  readonly runs: number;
  /** Of the first run; the others follow. */
  readonly seed: number;
  /** Worker threads; 0 runs everything in this one. Default: as many as there are cores. */
  readonly threads?: number | undefined;
  /** How many failures are shrunk; shrinking one takes as long as hundreds of runs. Default 1. */
  readonly shrinks?: number;
  readonly onProgress?: (done: number, failed: number) => void;
  /** Ends the campaign early; what is there is reported. */
  readonly signal?: AbortSignal;
}

export interface SeedFailure<Shrunk> {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Shows the failure again. */
  readonly command: string;
  /** The smallest run that was found that breaks the same, and what it breaks. */
  readonly shrunk?: Shrunk;
}

export interface SeedCampaignReport<Shrunk> {
  readonly runs: number;
  readonly seed: number;
  readonly violations: number;
  readonly failures: readonly SeedFailure<Shrunk>[];
  /** Runs that prove nothing: nothing went wrong in them, or nothing was done. */
  readonly vacuous: number;
  /** What should have happened at least once in so many runs, and never did. */
  readonly neverOccurred: readonly string[];
  /** How often each thing happened, over all runs. */
  readonly occurred: Readonly<Record<string, number>>;
  readonly events: number;
  readonly virtualMs: number;
  readonly wallMs: number;
  /** Of all runs, in order: equal for any number of threads. */
  readonly hash: string;
}

/** What is tried. */
export interface SeedCampaign<Task extends { readonly seeds: readonly number[] }, Shrunk>
  extends Pick<SeedRuns<SeedOutcome, Task>, "worker" | "taskOf" | "runHere"> {
  readonly commandOf: (seed: number) => string;
  readonly shrink: (seed: number) => Shrunk | Promise<Shrunk>;
  /** One of these goes wrong in every run that proves anything… */
  readonly faults: readonly string[];
  /** …and this was done in it. */
  readonly work: string;
  /** Without these a campaign has not tried what it is for. */
  readonly mustOccur: readonly string[];
}

/** So few runs need not have seen everything. */
const runsThatSeeEverything = 200;

/** Throws `UsageError` for numbers that no runs have. */
export async function runSeedCampaign<Task extends { readonly seeds: readonly number[] }, Shrunk>(
  config: SeedCampaignConfig,
  campaign: SeedCampaign<Task, Shrunk>,
): Promise<SeedCampaignReport<Shrunk>> {
  const { runs, seed, threads, shrinks = 1, onProgress = () => {}, signal } = config;
  if (!Number.isSafeInteger(runs) || runs < 1)
    throw new UsageError(`runs: ${runs} is not an integer above 0`);
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(seed + runs))
    throw new UsageError(`seed: ${seed} is not an integer`);
  const { worker, taskOf, runHere, commandOf, shrink, faults, work, mustOccur } = campaign;
  const startedAt = performance.now();
  let done = 0;
  let broken = 0;
  const outcomes = await runSeeds<SeedOutcome, Task>({
    ...{ runs, seed, threads, signal, worker, taskOf, runHere },
    onOutcome: ({ violations }) => {
      if (violations.length > 0) broken++;
      onProgress(++done, broken);
    },
  });
  const failures: SeedFailure<Shrunk>[] = [];
  for (const { seed: own, violations } of outcomes) {
    if (violations.length === 0) continue;
    const failure = { seed: own, violations, command: commandOf(own) };
    const mayShrink = failures.length < shrinks && signal?.aborted !== true;
    failures.push(mayShrink ? { ...failure, shrunk: await shrink(own) } : failure);
  }
  const occurred = sumOf(outcomes);
  const isVacuous = (one: SeedOutcome) => !faults.some((name) => one.occurred[name]) || !one.occurred[work];
  return {
    runs: outcomes.length,
    seed,
    violations: failures.length,
    failures,
    vacuous: outcomes.filter(isVacuous).length,
    neverOccurred:
      outcomes.length >= runsThatSeeEverything ? mustOccur.filter((name) => !occurred[name]) : [],
    occurred,
    events: outcomes.reduce((sum, { events }) => sum + events, 0),
    virtualMs: outcomes.reduce((sum, { virtualMs }) => sum + virtualMs, 0),
    wallMs: Math.round(performance.now() - startedAt),
    hash: combinedHash(outcomes),
  };
}
