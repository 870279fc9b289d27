/**
 * Tasks on all cores, with their progress on a board that all threads share. What they find is what one thread finds: a
 * task depends on its input alone.
 */
import { availableParallelism } from "node:os";
import { Tinypool } from "tinypool";
import { UsageError } from "../../core/index.ts";
import { ProgressBoard } from "./progress-board.ts";

/** Where a task has its place on the board. */
export interface Placed {
  readonly place: number;
  readonly board: SharedArrayBuffer;
}

/** An error that crosses to another thread forgets its class. `run` is undefined if it was stopped. */
export type BoardOutcome<Run> = { readonly run: Run | undefined } | { readonly usageError: string };

export interface BoardProgress {
  /** With fractions of those that are under way. */
  readonly done: number;
  readonly runs: number;
  readonly events: number;
}

export interface BoardTasksConfig<Task, Run> {
  readonly tasks: readonly Task[];
  /** The file whose default export is `perform`. */
  readonly worker: URL;
  readonly perform: (task: Task & Placed) => BoardOutcome<Run>;
  /** Worker threads; 0 runs everything in this one. Default: one for each core. */
  readonly threads?: number | undefined;
  readonly onProgress?: ((progress: BoardProgress) => void) | undefined;
  /** Ends it early: what is complete is the result. */
  readonly signal?: AbortSignal | undefined;
}

const progressEveryMs = 100;

/** What is complete, in the order of the tasks. Throws `UsageError`; the first fault ends all. */
export async function performOnBoard<Task, Run>(config: BoardTasksConfig<Task, Run>): Promise<Run[]> {
  const { perform, threads, signal } = config;
  const board = ProgressBoard.for(config.tasks.length);
  const tasks = config.tasks.map((task, place) => ({ ...task, place, board: board.memory }));
  const stop = () => board.stop();
  if (signal?.aborted === true) stop();
  signal?.addEventListener("abort", stop, { once: true });
  const ticker = setInterval(() => {
    const { runs: done, events } = board.sum;
    config.onProgress?.({ done, runs: tasks.length, events });
  }, progressEveryMs);
  try {
    const outcomes =
      threads === 0
        ? tasks.map(perform)
        : await inThreads<Run>(
            tasks,
            config.worker,
            Math.min(threads ?? availableParallelism(), tasks.length),
          );
    return outcomes.flatMap((outcome) => {
      if ("usageError" in outcome) throw new UsageError(outcome.usageError);
      return outcome.run === undefined ? [] : [outcome.run];
    });
  } finally {
    clearInterval(ticker);
    signal?.removeEventListener("abort", stop);
  }
}

async function inThreads<Run>(
  tasks: readonly object[],
  worker: URL,
  threads: number,
): Promise<BoardOutcome<Run>[]> {
  const pool = new Tinypool({ filename: worker.href, minThreads: threads, maxThreads: threads });
  try {
    return await Promise.all(tasks.map((task) => pool.run(task) as Promise<BoardOutcome<Run>>));
  } finally {
    await pool.destroy();
  }
}

/** What a thread does with a task: `run` gets what watches it, and gives undefined if it was stopped. */
export function performWatched<Run extends { readonly events: number; readonly virtualMs: number }>(
  { place, board }: Placed,
  run: (watch: {
    readonly isStopped: () => boolean;
    readonly onProgress: (share: number, events: number, virtualMs: number) => void;
  }) => Run | undefined,
): BoardOutcome<Run> {
  const progress = ProgressBoard.over(board);
  if (progress.isStopped) return { run: undefined };
  try {
    const result = run({
      isStopped: () => progress.isStopped,
      onProgress: (share, events, virtualMs) => progress.set(place, share, events, virtualMs),
    });
    if (result !== undefined) progress.set(place, 1, result.events, result.virtualMs);
    return { run: result };
  } catch (error) {
    if (error instanceof UsageError) return { usageError: error.message };
    throw error;
  }
}
