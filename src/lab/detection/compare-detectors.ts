/** Failure detectors side by side: against the number of nodes, loss and pauses, with several seeds, on all cores. */
import { UsageError } from "../../core/index.ts";
import { type BoardProgress, performOnBoard } from "../simulate/board-tasks.ts";
import { checkDetection, type DetectionConditions } from "./conditions.ts";
import perform from "./detection-worker.ts";
import type { ComparedRun, ComparedTask, DetectionCase, DetectorComparison } from "./detector-comparison.ts";
import { type DetectorTuning, labDetectorNamed } from "./lab-detectors.ts";

export interface CompareDetectorsConfig {
  readonly comparison: DetectorComparison;
  readonly tuning?: DetectorTuning;
  /** Worker threads; 0 runs everything in this one. Default: one for each core. */
  readonly threads?: number | undefined;
  readonly onProgress?: (progress: BoardProgress) => void;
  /** Ends it early: what is complete is the result. */
  readonly signal?: AbortSignal;
}

/** First against the number of nodes, then against loss, then against pauses. */
export function casesOf({ nodes, losses, paused }: DetectorComparison): DetectionCase[] {
  const [loss = 0, ...otherLosses] = losses;
  const [pausedFirst = 0, ...otherPaused] = paused;
  const middle = nodes[(nodes.length - 1) >> 1]!;
  return [
    ...nodes.map((count) => ({ nodes: count, loss, paused: pausedFirst })),
    ...otherLosses.map((share) => ({ nodes: middle, loss: share, paused: pausedFirst })),
    ...otherPaused.map((count) => ({ nodes: middle, loss, paused: count })),
  ];
}

/** How many runs that is. */
export function runsOf(comparison: DetectorComparison): number {
  return comparison.detectors.length * casesOf(comparison).length * comparison.runs;
}

/** The runs by case, then by detector in the order in which they were asked for, then by seed. Throws `UsageError`. */
export async function compareDetectors(config: CompareDetectorsConfig): Promise<readonly ComparedRun[]> {
  const { comparison, tuning = {}, threads, signal, onProgress } = config;
  const { detectors, runs } = comparison;
  if (detectors.length === 0) throw new UsageError("detectors: lacks; say which");
  if (new Set(detectors).size < detectors.length)
    throw new UsageError(`detectors: ${detectors.join(",")} names one of them twice`);
  if (!(Number.isSafeInteger(runs) && runs >= 1)) throw new UsageError(`runs: ${runs} is not above 0`);
  for (const name of detectors) labDetectorNamed(name);
  for (const [name, list] of Object.entries({
    nodes: comparison.nodes,
    losses: comparison.losses,
    paused: comparison.paused,
  })) {
    if (new Set(list).size < list.length)
      throw new UsageError(`${name}: ${list.join(",")} names a value twice`);
  }
  const tasks = casesOf(comparison).flatMap((one) => {
    const conditions = conditionsOf(comparison, one);
    checkDetection(conditions);
    return detectors.flatMap((detector) =>
      Array.from({ length: runs }, (_, i) => ({
        case: one,
        detector,
        conditions: { ...conditions, seed: conditions.seed + i },
        tuning,
      })),
    );
  });
  const worker = new URL("./detection-worker.js", import.meta.url);
  return performOnBoard<ComparedTask, ComparedRun>({
    ...{ tasks, worker, perform, threads, signal, onProgress },
  });
}

function conditionsOf(comparison: DetectorComparison, one: DetectionCase): DetectionConditions {
  const { conditions, pauseMs, pauseGapMs } = comparison;
  const { nodes, loss, paused } = one;
  return {
    ...conditions,
    nodes,
    links: { ...conditions.links, loss },
    troubles: [
      ...conditions.troubles,
      ...(paused === 0
        ? []
        : [{ kind: "pause" as const, nodes: paused, lengthMs: pauseMs, gapMs: pauseGapMs }]),
    ],
  };
}
