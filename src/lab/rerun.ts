/** A recorded simulation once more, whichever command recorded it. */
import type { TraceEvent } from "../core/index.ts";
import { rerunScenario } from "./scenario/index.ts";
import { rerunSimulation } from "./simulate/index.ts";

/** The events of the run that a trace's header is about. Throws `UsageError` where it is about neither. */
export function rerun(about: Readonly<Record<string, unknown>>): AsyncIterable<TraceEvent> {
  return about["command"] === "simulate" ? rerunSimulation(about) : rerunScenario(about);
}
