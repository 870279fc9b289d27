/** What a worker thread of a campaign does: some runs, one after the other. */
import { type RunOutcome, runDrawn } from "./run-one.ts";

export default async function runSeeds(seeds: readonly number[]): Promise<RunOutcome[]> {
  const outcomes: RunOutcome[] = [];
  for (const seed of seeds) outcomes.push(await runDrawn(seed));
  return outcomes;
}
