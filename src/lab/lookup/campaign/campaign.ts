/**
 * A campaign over a router and the store on top of it: many random runs on all cores. Says how many broke an invariant,
 * how often each interesting thing happened, and how to see a failure again, smaller.
 */
import { UsageError } from "../../../core/index.ts";
import type { Violation } from "../../../scenario/scenario.ts";
import {
  runSeedCampaign,
  type SeedCampaignConfig,
  type SeedCampaignReport,
  type SeedFailure,
  type SeedOutcome,
} from "../../campaign/seed-campaign.ts";
import type { Draft } from "./draft.ts";
import { drawRun } from "./draw.ts";
import type { RunFile } from "./run-file.ts";
import { runOne } from "./run-one.ts";
import { shrinkRun } from "./shrink.ts";
import { type CampaignSubject, campaignSubject } from "./subjects.ts";
import type { LookupCampaignTask } from "./worker.ts";

export interface LookupCampaignConfig extends SeedCampaignConfig {
  readonly router: string;
  /** How many runs shrinking may take. Default 300. */
  readonly shrinkRuns?: number | undefined;
  /** What runs instead of the router and store as they are; in this thread only. */
  readonly subject?: CampaignSubject;
}

/** The smallest run that was found that breaks the same, and what it breaks. */
export interface ShrunkRun {
  readonly draft: Draft;
  readonly stepsBefore: number;
  readonly violations: readonly Violation[];
  readonly runs: number;
}

export type LookupCampaignFailure = SeedFailure<ShrunkRun>;

export interface LookupCampaignReport extends SeedCampaignReport<ShrunkRun> {
  readonly router: string;
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

export async function runLookupCampaign(config: LookupCampaignConfig): Promise<LookupCampaignReport> {
  const { router, shrinkRuns } = config;
  const subject = config.subject ?? campaignSubject(router);
  if (config.subject !== undefined && config.threads !== 0)
    throw new UsageError("threads: another subject than the product runs in this thread only; say 0");
  const report = await runSeedCampaign<LookupCampaignTask, ShrunkRun>(config, {
    worker: new URL("./worker.js", import.meta.url),
    taskOf: (seeds) => ({ seeds, router }),
    runHere: (seed) => runOne(subject, drawRun(seed, subject.budget), seed),
    commandOf: (seed) => `grapevine campaign --router ${subject.router} --runs 1 --seed ${seed}`,
    shrink: (seed) => shrunk(subject, seed, shrinkRuns),
    faults,
    work: "looked-up-after-calm",
    mustOccur: [...mustOccur, ...(mustOccurOf[router] ?? [])],
  });
  return { router, ...report };
}

async function shrunk(
  subject: CampaignSubject,
  seed: number,
  shrinkRuns: number | undefined,
): Promise<ShrunkRun> {
  const drawn = drawRun(seed, subject.budget);
  const { draft, outcome, runs } = await shrinkRun(subject, drawn, seed, shrinkRuns);
  return { draft, stepsBefore: drawn.steps.length, violations: outcome.violations, runs };
}

/** One run from a file, judged as all others. Throws `UsageError`. */
export function replayRun({ seed, draft }: RunFile): SeedOutcome {
  return runOne(campaignSubject(draft.router), draft, seed);
}
