/** What a worker thread of a lookup campaign does: some runs, one after the other. */
import type { SeedOutcome } from "../../campaign/seed-campaign.ts";
import { drawRun } from "./draw.ts";
import { runOne } from "./run-one.ts";
import { campaignSubject } from "./subjects.ts";

export interface LookupCampaignTask {
  readonly seeds: readonly number[];
  readonly router: string;
}

export default function runSeeds({ seeds, router }: LookupCampaignTask): SeedOutcome[] {
  const subject = campaignSubject(router);
  return seeds.map((seed) => runOne(subject, drawRun(seed, subject.budget), seed));
}
