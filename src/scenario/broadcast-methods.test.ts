import { expect, test } from "vitest";
import { broadcastOptions } from "../dissemination/index.ts";
import { wireCodec } from "../lab/wire-codec.ts";
import { checkersFor } from "./checkers.ts";
import { runScenario } from "./runner.ts";
import { withOverrides } from "./scenario-options.ts";
import { scenarios } from "./scenarios/index.ts";
import { SimulatedWorld } from "./simulated-world.ts";

const methods = broadcastOptions.specs.method.choices!.filter((method) => method !== "flood");

// The flood is the default: test/determinism.test.ts and test/live/scenarios.test.ts run all scenarios with it. What a
// drill has to deliver is among its checks.
test.each(methods.flatMap((method) => scenarios.map(({ name }) => [method, name] as const)))(
  "with %s the drill %s holds",
  async (method, name) => {
    const scenario = withOverrides(scenarios.find((one) => one.name === name)!, {
      options: { broadcast: { method } },
    });
    const world = new SimulatedWorld(scenario, { seed: 7, codec: wireCodec() });
    const report = await runScenario(scenario, world, {
      seed: 7,
      checkers: (observer) => checkersFor(scenario, observer, world),
    });
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.violations).toEqual([]);
  },
);
