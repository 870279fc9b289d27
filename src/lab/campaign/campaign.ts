/**
 * A campaign: many random scenarios, all of the same kind of network, on all cores. Says how many broke an invariant,
 * how often each interesting thing happened, and how to see a failure again, smaller.
 */
import { UsageError } from "../../core/index.ts";
import type { Scenario, Violation } from "../../scenario/scenario.ts";
import { campaignBroadcasts, closed, type Drawing, drawScenario } from "./draw.ts";
import { runDrawn } from "./run-one.ts";
import {
  runSeedCampaign,
  type SeedCampaignConfig,
  type SeedCampaignReport,
  type SeedFailure,
} from "./seed-campaign.ts";
import { shrink } from "./shrink.ts";
import type { CampaignTask } from "./worker.ts";

/** `broadcast`: how messages spread; by default each scenario draws it, or takes that of its profile. */
export interface CampaignConfig extends SeedCampaignConfig, Drawing {}

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
const mustOccur: readonly string[] = [
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
  "refuted",
  "history-sent",
  "message-lost",
  "message-duplicated",
  "message-reordered",
  "message-retransmitted",
  "stream-reset",
  "timer-of-an-earlier-life",
];
const mustOccurInClassic = ["suspected", "dead-node", "peer-removed"];
const mustOccurInModern = [
  ...["member-up", "member-suspected", "member-cleared", "member-failed", "peer-left", "probe-failed"],
  ...["local-health", "view-partial", "forged", "neighbor-up", "neighbor-down"],
];
/** Where the way of spreading is drawn, each of them must have been. */
function mustOccurWith({ broadcast = "any", profile = "classic" }: Drawing): readonly string[] {
  if (profile === "modern") {
    const isTree = broadcast === "any" || broadcast === "plumtree";
    return [...mustOccur, ...mustOccurInModern, ...(isTree ? ["message-grafted", "link-pruned"] : [])];
  }
  const methods = campaignBroadcasts.filter((method) => method !== "any" && method !== "plumtree");
  const drawn = broadcast === "any" ? methods.map((method) => `spread-by-${method}`) : [];
  return [...mustOccur, ...mustOccurInClassic, ...drawn];
}

const faultEvents = [
  ...["crashed", "paused", "left", "partitioned", "cut", "links-changed", "slowed", "drifted", "forged"],
];

export async function runCampaign(config: CampaignConfig): Promise<CampaignReport> {
  const { broadcast, profile = "classic" } = config;
  if (broadcast !== undefined && !campaignBroadcasts.includes(broadcast))
    throw new UsageError(`broadcast: ${broadcast} is not one of ${campaignBroadcasts.join(", ")}`);
  const method = broadcast === undefined || broadcast === "any" ? "" : ` --broadcast ${broadcast}`;
  const stack = profile === "classic" ? "" : ` --profile ${profile}`;
  const drawing: Drawing = { broadcast, profile };
  return await runSeedCampaign<CampaignTask, ShrunkScenario>(config, {
    worker: new URL("./worker.js", import.meta.url),
    taskOf: (seeds) => ({ seeds, drawing }),
    runHere: (seed) => runDrawn(seed, drawing),
    commandOf: (seed) => `grapevine campaign${stack} --runs 1 --seed ${seed}${method}`,
    shrink: (seed) => shrunk(seed, drawing),
    faults: faultEvents,
    work: "delivered",
    mustOccur: mustOccurWith(drawing),
  });
}

async function shrunk(seed: number, drawing: Drawing): Promise<ShrunkScenario> {
  const draft = drawScenario(seed, drawing);
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
