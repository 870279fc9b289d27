/** What `simulate --trace` wrote, once more: the header of the trace is the input of the run. */
import { type TraceEvent, UsageError } from "../../core/index.ts";
import { completeInput } from "./preset.ts";
import { presetNamed } from "./presets.ts";
import type { SimulationInput, SimulationParameters } from "./run.ts";

/** What the header of a simulation's trace says, so that it can be run again. */
export function aboutSimulation({
  preset,
  nodes,
  seed,
  parameters,
}: SimulationInput): Record<string, unknown> {
  return { command: "simulate", preset, nodes, seed, options: parameters };
}

/** The events of the run that a trace's header is about. Throws `UsageError` where no preset can have made it. */
export async function* rerunSimulation(about: Readonly<Record<string, unknown>>): AsyncGenerator<TraceEvent> {
  const { preset: name, nodes, seed, options } = about;
  if (typeof name !== "string" || typeof options !== "object" || options === null)
    throw new UsageError("--again: the header of the trace names no preset with its options");
  const preset = presetNamed(name);
  const parameters = options as SimulationParameters;
  const input = completeInput(preset, { nodes: nodes as number, seed: seed as number, parameters });
  const events: TraceEvent[] = [];
  await preset.run(input, {
    isStopped: () => false,
    onProgress: () => {},
    trace: {
      name: () => {}, // names are the writer's, and are not compared
      event: (event) => events.push(event),
    },
  });
  yield* events;
}
