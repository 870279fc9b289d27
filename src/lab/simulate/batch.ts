/**
 * Many runs of the same simulation with different seeds, on all cores. The results are those of one thread: a run
 * depends on its input alone.
 */
import { availableParallelism } from "node:os";
import { Tinypool } from "tinypool";
import { UsageError } from "../../core/index.ts";
import { availableBytes } from "./machine.ts";
import { completeInput } from "./preset.ts";
import { presetNamed } from "./presets.ts";
import { ProgressBoard } from "./progress-board.ts";
import { aboutSimulation } from "./rerun.ts";
import type { SimulationInput, SimulationParameters, SimulationResult } from "./run.ts";
import { isOutOfMemory, noMemory, perform, type Task, type TaskOutcome } from "./task.ts";

export interface BatchConfig {
  readonly preset: string;
  readonly nodes: number;
  readonly parameters: SimulationParameters;
  /** Of the first run; the others follow. */
  readonly seed: number;
  readonly runs: number;
  /** Part `index` of `count`, from 1 on: every count-th run. */
  readonly shard?: Shard;
  /** Worker threads; 0 runs everything in this one. Default: one for each core, as far as memory reaches. */
  readonly threads?: number;
  /** Runs that need not be run again. */
  readonly isKnown?: (input: SimulationInput) => boolean;
  /** One run only. */
  readonly tracePath?: string;
  /** As soon as a run has ended; not of one that was stopped. */
  readonly onResult?: (result: SimulationResult, input: SimulationInput) => void;
  readonly onProgress?: (progress: BatchProgress) => void;
  /** Ends the batch: what is there is the result. */
  readonly signal?: AbortSignal;
}

export interface Shard {
  readonly index: number;
  readonly count: number;
}

export interface BatchProgress {
  /** Of how many runs there are results, with fractions of those that are under way. */
  readonly done: number;
  readonly runs: number;
  readonly events: number;
  readonly virtualMs: number;
}

export interface BatchOutcome {
  /** In the order of the seeds; one that was stopped midway is among them only if there is no other. */
  readonly results: readonly SimulationResult[];
  /** How many were known before. */
  readonly known: number;
}

const progressEveryMs = 100;
/** What is left to the rest of the program, and to the young generations of the heaps. */
const shareForRuns = 0.9;
const leastHeapMiB = 256;
/**
 * Messages live for a virtual moment; with room for so many of them they die before they are moved. Four times V8's
 * default, and `grapevine simulate classic --nodes 1500` takes a quarter less time of the processor.
 */
const youngGenerationMiB = 192;

/** All inputs of the batch, complete. Throws `UsageError`. */
export function inputsOf({ preset, nodes, parameters, seed, runs, shard }: BatchConfig): SimulationInput[] {
  if (!Number.isSafeInteger(runs) || runs < 1)
    throw new UsageError(`runs: ${runs} is not an integer above 0`);
  if (!Number.isSafeInteger(seed + runs)) throw new UsageError(`seed: ${seed} is too large for ${runs} runs`);
  checkShard(shard);
  const first = completeInput(presetNamed(preset), { nodes, seed, parameters });
  const inputs: SimulationInput[] = [];
  for (let i = 0; i < runs; i++)
    if (shard === undefined || i % shard.count === shard.index - 1) inputs.push({ ...first, seed: seed + i });
  return inputs;
}

function checkShard(shard: Shard | undefined): void {
  if (shard === undefined) return;
  const { index, count } = shard;
  if (Number.isSafeInteger(count) && Number.isSafeInteger(index) && index >= 1 && index <= count) return;
  throw new UsageError(`shard: ${index}/${count} is not a part such as 1/4, from 1/4 to 4/4`);
}

/** Throws `UsageError` for what cannot be run, and where memory does not suffice. */
export async function runBatch(config: BatchConfig): Promise<BatchOutcome> {
  const all = inputsOf(config);
  const inputs = all.filter((input) => config.isKnown?.(input) !== true);
  const known = all.length - inputs.length;
  if (config.tracePath !== undefined && inputs.length > 1)
    throw new UsageError(`trace: ${inputs.length} runs are too many for one file; take one run`);
  if (inputs.length === 0) return { results: [], known };
  const board = ProgressBoard.for(inputs.length);
  const stop = () => board.stop();
  if (config.signal?.aborted === true) stop();
  config.signal?.addEventListener("abort", stop, { once: true });
  const report = () => {
    const { runs, events, virtualMs } = board.sum;
    config.onProgress?.({ done: runs + known, runs: all.length, events, virtualMs });
  };
  const ticker = setInterval(report, progressEveryMs);
  try {
    const tasks = inputs.map((input, place) => taskOf(input, place, board, config.tracePath));
    const results = await runTasks(tasks, config);
    const whole = results.filter(({ ending }) => ending !== "stopped");
    return { results: whole.length > 0 ? whole : results.slice(0, 1), known };
  } finally {
    clearInterval(ticker);
    config.signal?.removeEventListener("abort", stop);
  }
}

function taskOf(input: SimulationInput, place: number, board: ProgressBoard, path: string | undefined): Task {
  const trace = path === undefined ? {} : { trace: { path, about: aboutSimulation(input) } };
  return { input, place, board: board.memory, ...trace };
}

async function runTasks(tasks: readonly Task[], config: BatchConfig): Promise<SimulationResult[]> {
  const results: (SimulationResult | undefined)[] = tasks.map(() => undefined);
  const take = (outcome: TaskOutcome, { input, place }: Task) => {
    if ("usageError" in outcome) throw new UsageError(outcome.usageError);
    results[place] = outcome.result;
    if (outcome.result !== undefined && outcome.result.ending !== "stopped")
      config.onResult?.(outcome.result, input);
  };
  if (config.threads === 0) for (const task of tasks) take(await perform(task), task);
  else await runInThreads(tasks, config, take);
  return results.filter((result) => result !== undefined);
}

async function runInThreads(
  tasks: readonly Task[],
  config: BatchConfig,
  take: (outcome: TaskOutcome, task: Task) => void,
): Promise<void> {
  const threads = threadsFor(tasks, config.threads);
  const heapMiB = Math.floor((availableBytes() * shareForRuns) / threads / 2 ** 20) - youngGenerationMiB;
  const pool = new Tinypool({
    filename: new URL("./worker.js", import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    resourceLimits: {
      maxOldGenerationSizeMb: Math.max(leastHeapMiB, heapMiB),
      maxYoungGenerationSizeMb: youngGenerationMiB,
    },
  });
  try {
    // The first fault ends the batch.
    await Promise.all(
      tasks.map(async (task) => {
        try {
          take(await pool.run(task), task);
        } catch (error) {
          throw isOutOfMemory(error) ? new UsageError(noMemory(task.input)) : error;
        }
      }),
    );
  } finally {
    await pool.destroy();
  }
}

/** As many as there are cores and runs, unless their memory together is more than there is. */
function threadsFor(tasks: readonly Task[], wanted = availableParallelism()): number {
  const { preset, nodes, parameters } = tasks[0]!.input;
  const bytes = presetNamed(preset).memoryBytes(nodes, parameters);
  const fitting = Math.max(1, Math.floor((availableBytes() * shareForRuns) / bytes));
  return Math.min(wanted, tasks.length, fitting);
}
