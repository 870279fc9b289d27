import { type Scenario, SimulatedWorld } from "../../scenario/index.ts";
import { wireCodec } from "../wire-codec.ts";

/** A scenario's network in virtual time, wire-true where the scenario wants it. Throws `UsageError` for one that cannot be. */
export function createSimulatedWorld(
  scenario: Scenario,
  { seed }: { readonly seed: number },
): SimulatedWorld {
  return new SimulatedWorld(scenario, { seed, codec: wireCodec() });
}
