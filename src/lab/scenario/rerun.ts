import { type TraceEvent, UsageError } from "../../core/index.ts";
import { runScenario } from "../../scenario/runner.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import { scenarioOf } from "./scenario-file.ts";
import { createSimulatedWorld } from "./simulated-world.ts";

/** What the header of a scenario's trace says, so that a simulated run can be run again. */
export function aboutRun(scenario: Scenario, seed: number): Record<string, unknown> {
  return { command: "run", scenario, seed };
}

/** The events of the run that a trace's header is about. Throws `UsageError` where it is about something else. */
export async function* rerunScenario(about: Readonly<Record<string, unknown>>): AsyncGenerator<TraceEvent> {
  const { command, scenario: given, seed } = about;
  if (command !== "run" || typeof seed !== "number")
    throw new UsageError(
      "--again: the trace is of no scenario and no simulation; record one with `grapevine run NAME --trace FILE`",
    );
  const scenario = scenarioOf(given);
  const world = createSimulatedWorld(scenario, { seed });
  const events: TraceEvent[] = [];
  world.onEvent((event) => events.push(event));
  await runScenario(scenario, world, { seed });
  await world.close();
  yield* events;
}
