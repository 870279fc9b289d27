/** Some of the runs of a configuration: what a thread does at a time. */
export interface Piece {
  readonly firstRun: number;
  readonly runs: number;
}

/** All runs, in pieces of at most `runsPerTask`. */
export function pieces(runs: number, runsPerTask: number): Piece[] {
  return Array.from({ length: Math.ceil(runs / runsPerTask) }, (_, i) => {
    const firstRun = i * runsPerTask;
    return { firstRun, runs: Math.min(runsPerTask, runs - firstRun) };
  });
}
