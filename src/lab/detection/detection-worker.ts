/** What a thread of a comparison does: one detector, once. */
import { type BoardOutcome, type Placed, performWatched } from "../simulate/board-tasks.ts";
import type { ComparedRun, ComparedTask } from "./detector-comparison.ts";
import { labDetectorNamed } from "./lab-detectors.ts";
import { runDetection } from "./run-detection.ts";

export default function perform(task: ComparedTask & Placed): BoardOutcome<ComparedRun> {
  return performWatched(task, (watch) => {
    const run = runDetection(labDetectorNamed(task.detector), task.conditions, task.tuning, watch);
    return run === undefined ? undefined : { ...run, case: task.case };
  });
}
