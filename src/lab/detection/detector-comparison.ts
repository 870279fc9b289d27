/** What a comparison of failure detectors is asked for: plain JSON, for any thread. */
import type { Millis } from "../../core/index.ts";
import type { DetectionConditions, DetectionRun, DetectionTask } from "./conditions.ts";

/** One point of the comparison. */
export interface DetectionCase {
  readonly nodes: number;
  readonly loss: number;
  /** Nodes that are paused over and over. */
  readonly paused: number;
}

export interface DetectorComparison {
  readonly detectors: readonly string[];
  /** Each with the first loss and the first number of paused nodes. */
  readonly nodes: readonly number[];
  /** The others with the middle number of nodes. */
  readonly losses: readonly number[];
  readonly paused: readonly number[];
  readonly pauseMs: Millis;
  /** Between two pauses of a node. */
  readonly pauseGapMs: Millis;
  /** What all have in common, with the seed of the first run; the others have the seeds that follow. */
  readonly conditions: Omit<DetectionConditions, "nodes">;
  readonly runs: number;
}

export interface ComparedRun extends DetectionRun {
  readonly case: DetectionCase;
}

export interface ComparedTask extends DetectionTask {
  readonly case: DetectionCase;
}
