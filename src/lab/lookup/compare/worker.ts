/** What a thread of a comparison does: one router, once. */
import { UsageError } from "../../../core/index.ts";
import { ProgressBoard } from "../../simulate/progress-board.ts";
import { labRouterNamed } from "../lab-routers.ts";
import type { ComparisonTask, RouterRun } from "./comparison.ts";
import { runRouter } from "./run-router.ts";

export interface PlacedTask extends ComparisonTask {
  /** Its place on the board. */
  readonly place: number;
  readonly board: SharedArrayBuffer;
}

/** An error that crosses to another thread forgets its class. `run` is undefined if it was stopped. */
export type RouterOutcome = { readonly run: RouterRun | undefined } | { readonly usageError: string };

export default function perform({ router, conditions, tuning, place, board }: PlacedTask): RouterOutcome {
  const progress = ProgressBoard.over(board);
  if (progress.isStopped) return { run: undefined };
  try {
    const run = runRouter(labRouterNamed(router), conditions, tuning, {
      isStopped: () => progress.isStopped,
      onProgress: (share, events, virtualMs) => progress.set(place, share, events, virtualMs),
    });
    if (run !== undefined) progress.set(place, 1, run.events, run.virtualMs);
    return { run };
  } catch (error) {
    if (error instanceof UsageError) return { usageError: error.message };
    throw error;
  }
}
