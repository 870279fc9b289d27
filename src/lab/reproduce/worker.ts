/** What a worker thread does: one task of one experiment. */
import { experimentNamed } from "./experiments.ts";
import { measurePiece, type PieceOutcome } from "./task.ts";

export interface Piece {
  readonly experiment: string;
  readonly task: unknown;
}

export default function measure({ experiment, task }: Piece): PieceOutcome {
  return measurePiece(experimentNamed(experiment), task);
}
