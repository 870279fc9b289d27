/** One run of a campaign: a pure function of its scenario and seed, so that it can be repeated anywhere. */
import type { Peer } from "../../profiles/index.ts";
import { checkersFor } from "../../scenario/checkers.ts";
import { runScenario } from "../../scenario/runner.ts";
import type { Scenario, ScenarioReport, Violation } from "../../scenario/scenario.ts";
import { createSimulatedWorld } from "../scenario/simulated-world.ts";
import { closed, type Drawing, drawScenario } from "./draw.ts";
import type { SeedOutcome } from "./seed-campaign.ts";

/** The run of that number, as a campaign draws it. */
export function runDrawn(seed: number, drawing?: Drawing): Promise<SeedOutcome> {
  return runOne(closed(drawScenario(seed, drawing)), seed);
}

/** Runs a scenario in virtual time. Never throws for what goes wrong within: that is a violation. */
export async function runOne(scenario: Scenario, seed: number): Promise<SeedOutcome> {
  const world = createSimulatedWorld(scenario, { seed });
  const report = await runScenario(scenario, world, {
    seed,
    checkers: (observer) => checkersFor(scenario, observer, world),
  });
  const { counters, links } = world.network.simulation;
  return {
    seed,
    violations: [...failedChecks(report, world.now), ...report.violations],
    occurred: {
      ...report.occurred,
      [`spread-by-${scenario.stack?.options?.broadcast?.method ?? "flood"}`]: 1,
      "message-lost": links.counters.lost + links.counters.cut,
      "message-duplicated": links.counters.duplicated,
      "message-reordered": links.counters.reordered,
      "message-retransmitted": links.counters.retransmitted,
      "stream-reset": counters.resets,
      "timer-of-an-earlier-life": counters.ofEarlierLives,
      "message-to-nobody": counters.toNobody,
      ...spreadingOf(world.network.peers.values()),
    },
    events: counters.events,
    virtualMs: world.now,
    hash: world.traceHash,
  };
}

/** What trees of Plumtree do when they have to mend themselves, as far as those count it who live in the end. */
function spreadingOf(peers: Iterable<Peer>): Record<string, number> {
  const sum = { "message-grafted": 0, "link-pruned": 0 };
  for (const { broadcast } of peers) {
    sum["message-grafted"] += broadcast.counters.grafts;
    sum["link-pruned"] += broadcast.counters.prunes;
  }
  return sum;
}

function failedChecks({ checks }: ScenarioReport, at: number): Violation[] {
  return checks
    .filter(({ ok }) => !ok)
    .map(({ claim, detail }) => ({ invariant: "check", at, detail: `${claim}: ${detail ?? "not so"}` }));
}
