/** A piece of an experiment as a thread measures it, and how long that took. */
import { UsageError } from "../../core/index.ts";
import type { Experiment } from "./experiment.ts";

/** An error that crosses to another thread forgets its class. */
export type PieceOutcome =
  | { readonly sample: unknown; readonly tookMs: number }
  | { readonly usageError: string };

export function measurePiece(experiment: Experiment<any, any>, task: unknown): PieceOutcome {
  const startedAt = performance.now();
  try {
    const sample = experiment.measure(task);
    return { sample, tookMs: performance.now() - startedAt };
  } catch (error) {
    if (error instanceof UsageError) return { usageError: error.message };
    throw error;
  }
}
