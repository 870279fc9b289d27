/** One run as a thread does it: the input comes in, the result goes out, and faults are told apart. */
import { UsageError } from "../../core/index.ts";
import { TraceFile } from "../../node/index.ts";
import { presetNamed } from "./presets.ts";
import { ProgressBoard } from "./progress-board.ts";
import type { RunWatch, SimulationInput, SimulationResult } from "./run.ts";

export interface Task {
  readonly input: SimulationInput;
  /** Its place on the board. */
  readonly place: number;
  readonly board: SharedArrayBuffer;
  readonly trace?: { readonly path: string; readonly about: Readonly<Record<string, unknown>> };
}

/** An error that crosses to another thread forgets its class. */
export type TaskOutcome =
  | { readonly result: SimulationResult }
  | { readonly usageError: string }
  /** Ended before it had begun. */
  | { readonly result: undefined };

export async function perform({ input, place, board: memory, trace }: Task): Promise<TaskOutcome> {
  const board = ProgressBoard.over(memory);
  if (board.isStopped) return { result: undefined };
  let file: TraceFile | undefined;
  try {
    if (trace !== undefined) file = TraceFile.open(trace.path, { world: "simulated", about: trace.about });
    const watch: RunWatch = {
      isStopped: () => board.isStopped,
      onProgress: (share, events, virtualMs) => board.set(place, Math.min(share, 0.999), events, virtualMs),
      trace: file,
    };
    const result = await presetNamed(input.preset).run(input, watch);
    const events = result.engine === "events" ? result.events : result.nodes * result.rounds;
    board.set(place, 1, events, result.engine === "events" ? result.virtualMs : 0);
    return { result };
  } catch (error) {
    if (error instanceof UsageError) return { usageError: error.message };
    if (isOutOfMemory(error)) return { usageError: noMemory(input) };
    throw error;
  } finally {
    await file?.close();
  }
}

/** A column for which there is no memory, or a thread that has used up what it may. */
export function isOutOfMemory(error: unknown): boolean {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  if (code === "ERR_WORKER_OUT_OF_MEMORY") return true;
  return error instanceof RangeError && /allocation failed|Invalid typed array length/.test(message ?? "");
}

export function noMemory({ preset, nodes }: SimulationInput): string {
  const count = nodes.toLocaleString("en");
  return `--nodes: there is not enough memory for ${count} nodes of ${preset}; take fewer nodes, or fewer --threads at a time`;
}
