/**
 * A campaign over a router and the store on top of it: many random runs on all cores. Says how many broke an invariant,
 * how often each interesting thing happened, and how to see a failure again, smaller.
 */
import { UsageError } from "../../../core/index.ts";
import { combinedHash, runSeeds, sumOf } from "../../campaign/seed-runs.ts";
import type { Violation } from "../../scenario/scenario.ts";
import type { Draft } from "./draft.ts";
import { drawRun } from "./draw.ts";
import type { RunFile } from "./run-file.ts";
import { type LookupRunOutcome, runOne } from "./run-one.ts";
import { shrinkRun } from "./shrink.ts";
import { type CampaignSubject, campaignSubject } from "./subjects.ts";
import type { LookupCampaignTask } from "./worker.ts";

export interface LookupCampaignConfig {
  readonly router: string;
  readonly runs: number;
  /** Of the first run; the others follow. */
  readonly seed: number;
  /** Worker threads; 0 runs everything in this one. Default: as many as there are cores. */
  readonly threads?: number | undefined;
  /** How many failures are shrunk; shrinking one takes as long as hundreds of runs. Default 1. */
  readonly shrinks?: number;
  /** How many runs shrinking may take. Default 300. */
  readonly shrinkRuns?: number | undefined;
  /** What runs instead of the router and store as they are; in this thread only. */
  readonly subject?: CampaignSubject;
  readonly onProgress?: (done: number, failed: number) => void;
  /** Ends the campaign early; what is there is reported. */
  readonly signal?: AbortSignal;
}

export interface LookupCampaignFailure {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Shows the failure again. */
  readonly command: string;
  /** The smallest run that was found that breaks the same, and what it breaks. */
  readonly shrunk?: {
    readonly draft: Draft;
    readonly stepsBefore: number;
    readonly violations: readonly Violation[];
    readonly runs: number;
  };
}

export interface LookupCampaignReport {
  readonly router: string;
  readonly runs: number;
  readonly seed: number;
  readonly violations: number;
  readonly failures: readonly LookupCampaignFailure[];
  /** Runs that prove nothing: nothing went wrong in them, or nothing was looked up or stored. */
  readonly vacuous: number;
  /** What should have happened at least once in so many runs, and never did. */
  readonly neverOccurred: readonly string[];
  readonly occurred: Readonly<Record<string, number>>;
  readonly events: number;
  readonly virtualMs: number;
  readonly wallMs: number;
  /** Of all runs, in order: equal for any number of threads. */
  readonly hash: string;
}

const faults = ["crashed", "power-cut", "left", "joined", "paused", "partitioned", "cut", "links-changed"];

/** Without these a campaign has not tried what it is for. */
const mustOccur = [
  ...faults,
  "crashed-next-to-a-newcomer",
  "restarted",
  "resumed",
  "healed",
  "router-joined",
  "contact-up",
  "contact-down",
  "store-left",
  "looked-up-found",
  "looked-up-after-calm",
  "put-stored",
  "delete-stored",
  "get-found",
  "get-deleted",
  "read-of-an-acknowledged-value",
  "message-lost",
  "message-duplicated",
  "message-reordered",
  "timer-of-an-earlier-life",
] as const;
const mustOccurOf: Readonly<Record<string, readonly string[]>> = {
  kademlia: ["looked whether contacts-have-answered"],
  chord: ["looked whether the-ring-holds"],
};

/** So few runs need not have seen everything. */
const runsThatSeeEverything = 200;

export async function runLookupCampaign(config: LookupCampaignConfig): Promise<LookupCampaignReport> {
  const { router, runs, seed, shrinks = 1, signal } = config;
  const subject = config.subject ?? campaignSubject(router);
  if (!Number.isSafeInteger(runs) || runs < 1)
    throw new UsageError(`runs: ${runs} is not an integer above 0`);
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(seed + runs))
    throw new UsageError(`seed: ${seed} is not an integer`);
  if (config.subject !== undefined && config.threads !== 0)
    throw new UsageError("threads: another subject than the product runs in this thread only; say 0");
  const startedAt = performance.now();
  const outcomes = await runAll(config, subject);
  const failed = outcomes.filter(({ violations }) => violations.length > 0);
  const failures: LookupCampaignFailure[] = [];
  for (const outcome of failed) {
    const mayShrink = failures.length < shrinks && signal?.aborted !== true;
    failures.push(await failureOf(outcome, subject, mayShrink, config.shrinkRuns));
  }
  const occurred = sumOf(outcomes);
  const wanted = [...mustOccur, ...(mustOccurOf[router] ?? [])];
  return {
    router,
    runs: outcomes.length,
    seed,
    violations: failed.length,
    failures,
    vacuous: outcomes.filter(isVacuous).length,
    neverOccurred: outcomes.length >= runsThatSeeEverything ? wanted.filter((name) => !occurred[name]) : [],
    occurred,
    events: outcomes.reduce((sum, { events }) => sum + events, 0),
    virtualMs: outcomes.reduce((sum, { virtualMs }) => sum + virtualMs, 0),
    wallMs: Math.round(performance.now() - startedAt),
    hash: combinedHash(outcomes),
  };
}

async function runAll(
  { router, runs, seed, threads, onProgress = () => {}, signal }: LookupCampaignConfig,
  subject: CampaignSubject,
): Promise<LookupRunOutcome[]> {
  let done = 0;
  let failed = 0;
  return await runSeeds<LookupRunOutcome, LookupCampaignTask>({
    ...{ runs, seed, threads, signal },
    worker: new URL("./worker.js", import.meta.url),
    taskOf: (seeds) => ({ seeds, router }),
    runHere: (one) => runOne(subject, drawRun(one, subject.budget), one),
    onOutcome: ({ violations }) => {
      if (violations.length > 0) failed++;
      onProgress(++done, failed);
    },
  });
}

async function failureOf(
  { seed, violations }: LookupRunOutcome,
  subject: CampaignSubject,
  mayShrink: boolean,
  shrinkRuns: number | undefined,
): Promise<LookupCampaignFailure> {
  const command = `grapevine campaign --router ${subject.router} --runs 1 --seed ${seed}`;
  if (!mayShrink) return { seed, violations, command };
  const drawn = drawRun(seed, subject.budget);
  const { draft, outcome, runs } = await shrinkRun(subject, drawn, seed, shrinkRuns);
  const shrunk = { draft, stepsBefore: drawn.steps.length, violations: outcome.violations, runs };
  return { seed, violations, command, shrunk };
}

/** One run from a file, judged as all others. Throws `UsageError`. */
export function replayRun({ seed, draft }: RunFile): LookupRunOutcome {
  return runOne(campaignSubject(draft.router), draft, seed);
}

function isVacuous({ occurred }: LookupRunOutcome): boolean {
  const hadFault = faults.some((name) => (occurred[name] ?? 0) > 0);
  return !hadFault || !occurred["looked-up-after-calm"];
}
