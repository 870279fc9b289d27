import { describe, expect, test } from "vitest";
import { checkersFor } from "../../scenario/checkers.ts";
import { scenarios } from "../../scenario/index.ts";
import { runScenario } from "../../scenario/runner.ts";
import { pingIntervalOf, withOverrides } from "../../scenario/scenario-options.ts";
import { createSimulatedWorld } from "./simulated-world.ts";

const profiles = ["classic", "modern"] as const;

describe.each(profiles)("in the %s profile, simulated,", (profile) => {
  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))("%s holds", async (_, named) => {
    const scenario = withOverrides(named, { options: { stack: { profile } } });
    const world = createSimulatedWorld(scenario, { seed: 1 });
    const report = await runScenario(scenario, world, {
      seed: 1,
      checkers: (observer) => checkersFor(scenario, observer, world),
    });
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.violations).toEqual([]);
    expect(report.ok).toBe(true);
    expect(world.profile).toBe(profile);
  });
});

describe("what pings are made of", () => {
  const network = { seeds: 6, peers: 12 };

  test("is the heartbeat's interval in the classic profile", () => {
    expect(pingIntervalOf({ network })).toBe(1000);
    const stack = { options: { heartbeat: { pingIntervalMs: 13_000 } } };
    expect(pingIntervalOf({ network, stack })).toBe(13_000);
  });

  test("is a fifth of the bound on detection in the modern one: under 3 s as it comes", () => {
    const bound = 5 * pingIntervalOf({ network, stack: { profile: "modern" } });
    expect(bound).toBeGreaterThan(2000);
    expect(bound).toBeLessThan(3000);
    const slower = { profile: "modern", options: { swim: { probeIntervalMs: 1000 } } } as const;
    expect(5 * pingIntervalOf({ network, stack: slower })).toBeGreaterThan(1.5 * bound);
    // Suspicions last longer in larger networks.
    expect(
      5 * pingIntervalOf({ network: { seeds: 6, peers: 150 }, stack: { profile: "modern" } }),
    ).toBeGreaterThan(bound);
  });
});
