/** Something that can be simulated by name. */
import { UsageError } from "../../core/index.ts";
import type {
  ParameterName,
  RunWatch,
  SimulationInput,
  SimulationParameters,
  SimulationResult,
} from "./run.ts";

export interface Preset {
  readonly name: string;
  /** One line for the list of presets. */
  readonly description: string;
  readonly defaultNodes: number;
  /** The parameters that mean something to it. */
  readonly takes: readonly ParameterName[];
  /**
   * Fills in the defaults, so that equal runs have equal parameters. Throws `UsageError` for what cannot be, before
   * anything is begun.
   */
  complete(nodes: number, parameters: SimulationParameters): SimulationParameters;
  /** A guess of what a run takes: how many run at the same time depends on it. */
  memoryBytes(nodes: number, parameters: SimulationParameters): number;
  run(input: SimulationInput, watch: RunWatch): SimulationResult | Promise<SimulationResult>;
}

/** The input of that preset, complete and checked. Throws `UsageError`. */
export function completeInput(
  preset: Preset,
  { nodes, seed, parameters }: Omit<SimulationInput, "preset">,
): SimulationInput {
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || preset.takes.includes(name as ParameterName)) continue;
    throw new UsageError(
      `${name}: means nothing to ${preset.name}; it takes ${preset.takes.join(", ") || "no parameters"}`,
    );
  }
  if (!Number.isSafeInteger(nodes) || nodes < 2)
    throw new UsageError(`nodes: ${nodes} is not an integer of at least 2`);
  if (!Number.isSafeInteger(seed)) throw new UsageError(`seed: ${seed} is not an integer`);
  return { preset: preset.name, nodes, seed, parameters: preset.complete(nodes, parameters) };
}

/** Throws `UsageError` unless it is an integer from `min` on. */
export function checkCount(name: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new UsageError(`${name}: ${value} is not an integer between ${min} and ${max}`);
}
