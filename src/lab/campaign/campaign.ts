/**
 * A campaign: many random scenarios, all of the same kind of network, on all cores. Says how many broke an invariant,
 * how often each interesting thing happened, and how to see a failure again, smaller.
 */
import { UsageError } from "../../core/index.ts";
import type { Scenario, Violation } from "../scenario/scenario.ts";
import { type CampaignBroadcast, campaignBroadcasts, closed, type Draft, drawScenario } from "./draw.ts";
import { type RunOutcome, runDrawn } from "./run-one.ts";
import { combinedHash, runSeeds, sumOf } from "./seed-runs.ts";
import { shrink } from "./shrink.ts";
import type { CampaignTask } from "./worker.ts";

export interface CampaignConfig {
  readonly runs: number;
  /** Of the first run; the others follow. */
  readonly seed: number;
  /** How messages spread; by default each scenario draws it. */
  readonly broadcast?: CampaignBroadcast;
  /** Worker threads; 0 runs everything in this one. Default: as many as there are cores. */
  readonly threads?: number;
  /** How many failures are shrunk; shrinking one takes as long as hundreds of runs. Default 1. */
  readonly shrinks?: number;
  readonly onProgress?: (done: number, failed: number) => void;
  /** Ends the campaign early; what is there is reported. */
  readonly signal?: AbortSignal;
}

export interface CampaignFailure {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Shows the failure again. */
  readonly command: string;
  /** The smallest scenario that was found that breaks the same, and what it breaks. */
  readonly shrunk?: {
    readonly scenario: Scenario;
    readonly steps: number;
    readonly stepsBefore: number;
    readonly peers: number;
    readonly seeds: number;
    readonly violations: readonly Violation[];
    readonly runs: number;
  };
}

export interface CampaignReport {
  readonly runs: number;
  readonly seed: number;
  readonly violations: number;
  readonly failures: readonly CampaignFailure[];
  /** Runs that prove nothing: no fault in them, or nothing delivered. */
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

/** Without these a campaign has not tried what it is for. */
const mustOccur = [
  "delivered",
  "crashed",
  "restarted",
  "paused",
  "resumed",
  "left",
  "joined",
  "partitioned",
  "cut",
  "healed",
  "slowed",
  "drifted",
  "suspected",
  "dead-node",
  "peer-removed",
  "refuted",
  "history-sent",
  "message-lost",
  "message-duplicated",
  "message-reordered",
  "message-retransmitted",
  "stream-reset",
  "timer-of-an-earlier-life",
] as const;
/** Where the way of spreading is drawn, each of them must have been. */
function mustOccurWith(broadcast: CampaignBroadcast = "any"): readonly string[] {
  const methods = campaignBroadcasts.filter((method) => method !== "any");
  return broadcast === "any" ? [...mustOccur, ...methods.map((method) => `spread-by-${method}`)] : mustOccur;
}

/** So few runs need not have seen everything. */
const runsThatSeeEverything = 200;

const faultEvents = ["crashed", "paused", "left", "partitioned", "cut", "links-changed", "slowed", "drifted"];

export async function runCampaign(config: CampaignConfig): Promise<CampaignReport> {
  const { runs, seed, shrinks = 1, onProgress = () => {}, signal } = config;
  if (!Number.isSafeInteger(runs) || runs < 1)
    throw new UsageError(`runs: ${runs} is not an integer above 0`);
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(seed + runs))
    throw new UsageError(`seed: ${seed} is not an integer`);
  if (config.broadcast !== undefined && !campaignBroadcasts.includes(config.broadcast))
    throw new UsageError(`broadcast: ${config.broadcast} is not one of ${campaignBroadcasts.join(", ")}`);
  const startedAt = performance.now();
  const outcomes = await runAll(config, onProgress, signal);
  const failed = outcomes.filter(({ violations }) => violations.length > 0);
  const failures: CampaignFailure[] = [];
  for (const outcome of failed) {
    const mayShrink = failures.length < shrinks && signal?.aborted !== true;
    failures.push(await failureOf(outcome, mayShrink, config.broadcast));
  }
  const occurred = sumOf(outcomes);
  const isLarge = outcomes.length >= runsThatSeeEverything;
  return {
    runs: outcomes.length,
    seed,
    violations: failed.length,
    failures,
    vacuous: outcomes.filter(isVacuous).length,
    neverOccurred: isLarge ? mustOccurWith(config.broadcast).filter((name) => !occurred[name]) : [],
    occurred,
    events: outcomes.reduce((sum, { events }) => sum + events, 0),
    virtualMs: outcomes.reduce((sum, { virtualMs }) => sum + virtualMs, 0),
    wallMs: Math.round(performance.now() - startedAt),
    hash: combinedHash(outcomes),
  };
}

async function runAll(
  { runs, seed, broadcast, threads }: CampaignConfig,
  onProgress: (done: number, failed: number) => void,
  signal: AbortSignal | undefined,
): Promise<RunOutcome[]> {
  let done = 0;
  let failed = 0;
  return await runSeeds<RunOutcome, CampaignTask>({
    ...{ runs, seed, threads, signal },
    worker: new URL("./worker.js", import.meta.url),
    taskOf: (seeds) => ({ seeds, broadcast }),
    runHere: (one) => runDrawn(one, broadcast),
    onOutcome: ({ violations }) => {
      if (violations.length > 0) failed++;
      onProgress(++done, failed);
    },
  });
}

async function failureOf(
  { seed, violations }: RunOutcome,
  mayShrink: boolean,
  broadcast: CampaignBroadcast = "any",
): Promise<CampaignFailure> {
  const method = broadcast === "any" ? "" : ` --broadcast ${broadcast}`;
  const command = `grapevine campaign --runs 1 --seed ${seed}${method}`;
  if (!mayShrink) return { seed, violations, command };
  const draft: Draft = drawScenario(seed, broadcast);
  const { draft: smallest, outcome, runs } = await shrink(draft, { seed });
  return {
    seed,
    violations,
    command,
    shrunk: {
      scenario: closed({ ...smallest, name: `${draft.name}-shrunk` }),
      steps: smallest.steps.length,
      stepsBefore: draft.steps.length,
      peers: smallest.peers,
      seeds: smallest.seeds,
      violations: outcome.violations,
      runs,
    },
  };
}

function isVacuous({ occurred }: RunOutcome): boolean {
  const hadFault = faultEvents.some((name) => (occurred[name] ?? 0) > 0);
  return !hadFault || (occurred["delivered"] ?? 0) === 0;
}
