/**
 * A campaign: many random scenarios, all of the same kind of network, on all cores. Says how many broke an invariant,
 * how often each interesting thing happened, and how to see a failure again, smaller.
 */
import { UsageError } from "../../core/index.ts";
import type { Scenario, Violation } from "../../scenario/scenario.ts";
import { type CampaignBroadcast, campaignBroadcasts, closed, drawScenario } from "./draw.ts";
import { runDrawn } from "./run-one.ts";
import {
  runSeedCampaign,
  type SeedCampaignConfig,
  type SeedCampaignReport,
  type SeedFailure,
} from "./seed-campaign.ts";
import { shrink } from "./shrink.ts";
import type { CampaignTask } from "./worker.ts";

export interface CampaignConfig extends SeedCampaignConfig {
  /** How messages spread; by default each scenario draws it. */
  readonly broadcast?: CampaignBroadcast;
}

/** The smallest scenario that was found that breaks the same, and what it breaks. */
export interface ShrunkScenario {
  readonly scenario: Scenario;
  readonly steps: number;
  readonly stepsBefore: number;
  readonly peers: number;
  readonly seeds: number;
  readonly violations: readonly Violation[];
  readonly runs: number;
}

export type CampaignFailure = SeedFailure<ShrunkScenario>;
export type CampaignReport = SeedCampaignReport<ShrunkScenario>;

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

const faultEvents = ["crashed", "paused", "left", "partitioned", "cut", "links-changed", "slowed", "drifted"];

export async function runCampaign(config: CampaignConfig): Promise<CampaignReport> {
  const { broadcast } = config;
  if (broadcast !== undefined && !campaignBroadcasts.includes(broadcast))
    throw new UsageError(`broadcast: ${broadcast} is not one of ${campaignBroadcasts.join(", ")}`);
  const method = broadcast === undefined || broadcast === "any" ? "" : ` --broadcast ${broadcast}`;
  return await runSeedCampaign<CampaignTask, ShrunkScenario>(config, {
    worker: new URL("./worker.js", import.meta.url),
    taskOf: (seeds) => ({ seeds, broadcast }),
    runHere: (seed) => runDrawn(seed, broadcast),
    commandOf: (seed) => `grapevine campaign --runs 1 --seed ${seed}${method}`,
    shrink: (seed) => shrunk(seed, broadcast),
    faults: faultEvents,
    work: "delivered",
    mustOccur: mustOccurWith(broadcast),
  });
}

async function shrunk(seed: number, broadcast: CampaignBroadcast = "any"): Promise<ShrunkScenario> {
  const draft = drawScenario(seed, broadcast);
  const { draft: smallest, outcome, runs } = await shrink(draft, { seed });
  return {
    scenario: closed({ ...smallest, name: `${draft.name}-shrunk` }),
    steps: smallest.steps.length,
    stepsBefore: draft.steps.length,
    peers: smallest.peers,
    seeds: smallest.seeds,
    violations: outcome.violations,
    runs,
  };
}
