/** Makes a run that breaks an invariant small: fewer steps, fewer nodes, plainer links, as long as the same breaks. */

import { fewerSteps } from "../../campaign/fewer-steps.ts";
import type { SeedOutcome } from "../../campaign/seed-campaign.ts";
import type { Draft } from "./draft.ts";
import { runOne } from "./run-one.ts";
import type { CampaignSubject } from "./subjects.ts";

export interface ShrunkRun {
  readonly draft: Draft;
  readonly outcome: SeedOutcome;
  /** How many runs it took. */
  readonly runs: number;
}

/** Throws if the draft does not break anything in the first place. */
export async function shrinkRun(
  subject: CampaignSubject,
  draft: Draft,
  seed: number,
  maxRuns = 300,
): Promise<ShrunkRun> {
  let best = draft;
  let outcome = runOne(subject, draft, seed);
  if (outcome.violations.length === 0)
    throw new Error(`the run of ${draft.router} with seed ${seed} breaks nothing`);
  const invariants = new Set(outcome.violations.map(({ invariant }) => invariant));
  let runs = 1;
  /** True, and kept, if it still breaks what the first one broke. */
  const breaks = (smaller: Draft): boolean => {
    if (runs >= maxRuns) return false;
    runs++;
    const tried = runOne(subject, smaller, seed);
    if (!tried.violations.some(({ invariant }) => invariants.has(invariant))) return false;
    best = smaller;
    outcome = tried;
    return true;
  };
  let size = Number.POSITIVE_INFINITY;
  while (sizeOf(best) < size && runs < maxRuns) {
    size = sizeOf(best);
    await fewerSteps(best.steps, (steps) => breaks({ ...best, steps }));
    for (let nodes = best.nodes - 1; nodes >= 2 && breaks(withNodes(best, nodes)); nodes--);
    if (best.isWireTrue) breaks({ ...best, isWireTrue: false });
    if (best.links.latency?.model !== "constant")
      breaks({ ...best, links: { ...best.links, latency: { model: "constant", ms: 20 } } });
  }
  return { draft: best, outcome, runs };
}

/** Steps of nodes that are not there any more are left out. */
function withNodes(draft: Draft, nodes: number): Draft {
  const joining = new Set(draft.steps.flatMap((step) => (step.do === "join" ? [step.node] : [])));
  const isThere = (node: number) => node < nodes || joining.has(node);
  const steps = draft.steps.filter((step) => !("node" in step) || isThere(step.node));
  return { ...draft, nodes, steps };
}

function sizeOf({ steps, nodes }: Draft): number {
  return steps.length * 100 + nodes;
}
