/** What a worker thread of a campaign does: some runs, one after the other. */
import type { Drawing } from "./draw.ts";
import { runDrawn } from "./run-one.ts";
import type { SeedOutcome } from "./seed-campaign.ts";

export interface CampaignTask {
  readonly seeds: readonly number[];
  readonly drawing: Drawing;
}

export default async function runSeeds({ seeds, drawing }: CampaignTask): Promise<SeedOutcome[]> {
  const outcomes: SeedOutcome[] = [];
  for (const seed of seeds) outcomes.push(await runDrawn(seed, drawing));
  return outcomes;
}
