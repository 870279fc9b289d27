/** Experiments on all cores. What they find is what one thread finds: a task is measured by itself, from its seed. */
import { availableParallelism } from "node:os";
import { Tinypool } from "tinypool";
import { UsageError } from "../../core/index.ts";
import type { Experiment, Reproduction, ReproductionInput } from "./experiment.ts";
import { flagsOf, type GivenFlags } from "./flags.ts";
import { measurePiece, type PieceOutcome } from "./task.ts";
import type { Piece } from "./worker.ts";

type AnyExperiment = Experiment<any, any>;

export interface ReproductionConfig {
  readonly experiments: readonly AnyExperiment[];
  readonly seed: number;
  /** Of each configuration. Default: what each experiment says, or its `quickRuns` if `quick`. */
  readonly runs?: number;
  readonly quick?: boolean;
  /** For all of the experiments. */
  readonly flags?: GivenFlags;
  /** Worker threads, for experiments of the list; 0 measures all in this one. Default: one for each core. */
  readonly threads?: number;
  readonly onProgress?: (progress: ReproductionProgress) => void;
  /** As soon as one is complete; they may end in another order than they began. */
  readonly onOutcome?: (outcome: ReproductionOutcome) => void;
  /** Ends it early: what is complete is the result. */
  readonly signal?: AbortSignal;
}

export interface ReproductionProgress {
  /** Tasks of all experiments. */
  readonly done: number;
  readonly tasks: number;
  /** The experiment whose task has just ended. */
  readonly experiment: string;
}

export interface ReproductionOutcome extends Reproduction {
  readonly experiment: AnyExperiment;
  readonly input: ReproductionInput;
  /** From the start of its first task to the end of its last; others may have run beside it. */
  readonly wallMs: number;
}

/** Those that were completed, in the order in which they were asked for. Throws `UsageError`. */
export async function reproduce(config: ReproductionConfig): Promise<ReproductionOutcome[]> {
  const { threads, signal } = config;
  const undertakings = config.experiments.map((experiment) => new Undertaking(experiment, config));
  const tasks = undertakings.reduce((sum, one) => sum + one.tasks.length, 0);
  let done = 0;
  const take = (outcome: PieceOutcome, undertaking: Undertaking, place: number) => {
    if ("usageError" in outcome) throw new UsageError(outcome.usageError);
    undertaking.take(outcome, place);
    config.onProgress?.({ done: ++done, tasks, experiment: undertaking.experiment.name });
    if (undertaking.isComplete) config.onOutcome?.(undertaking.outcome);
  };
  if (threads === 0) await measureHere(undertakings, take, signal);
  else await measureInThreads(undertakings, take, Math.min(threads ?? availableParallelism(), tasks), signal);
  return undertakings.filter(({ isComplete }) => isComplete).map(({ outcome }) => outcome);
}

/** One experiment: its tasks, and what came back of them so far. */
class Undertaking {
  readonly experiment: AnyExperiment;
  readonly input: ReproductionInput;
  readonly tasks: readonly unknown[];
  readonly #samples: unknown[];
  #left: number;
  #startedAt = Number.POSITIVE_INFINITY;
  #endedAt = 0;
  #outcome: ReproductionOutcome | undefined;

  constructor(experiment: AnyExperiment, { seed, runs, quick, flags = {} }: ReproductionConfig) {
    this.experiment = experiment;
    const ownRuns = quick === true ? experiment.quickRuns : experiment.defaultRuns;
    const given = quick === true ? { ...experiment.quickFlags, ...flags } : flags;
    this.input = { seed, runs: runs ?? ownRuns, flags: flagsOf(experiment, given) };
    this.tasks = experiment.plan(this.input);
    this.#samples = this.tasks.map(() => undefined);
    this.#left = this.tasks.length;
  }

  get isComplete(): boolean {
    return this.#left === 0;
  }

  take({ sample, tookMs }: Extract<PieceOutcome, { tookMs: number }>, place: number): void {
    this.#samples[place] = sample;
    this.#left--;
    this.#endedAt = performance.now();
    this.#startedAt = Math.min(this.#startedAt, this.#endedAt - tookMs);
  }

  /** Made once, when all samples are there. */
  get outcome(): ReproductionOutcome {
    this.#outcome ??= {
      ...this.experiment.report(this.input, this.tasks, this.#samples),
      experiment: this.experiment,
      input: this.input,
      wallMs: Math.max(0, Math.round(this.#endedAt - this.#startedAt)),
    };
    return this.#outcome;
  }
}

type Take = (outcome: PieceOutcome, undertaking: Undertaking, place: number) => void;

async function measureHere(
  undertakings: readonly Undertaking[],
  take: Take,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const undertaking of undertakings) {
    for (const [place, task] of undertaking.tasks.entries()) {
      // A moment for whoever wants to end this.
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted === true) return;
      // A copy, as a thread gets and gives one: what cannot be copied is found out here too.
      take(structuredClone(measurePiece(undertaking.experiment, structuredClone(task))), undertaking, place);
    }
  }
}

async function measureInThreads(
  undertakings: readonly Undertaking[],
  take: Take,
  threads: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const isStopped = () => signal?.aborted === true;
  if (threads === 0 || isStopped()) return;
  const pool = new Tinypool({
    filename: new URL("./worker.js", import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  });
  const stop = () => void pool.destroy();
  signal?.addEventListener("abort", stop, { once: true });
  const measure = async (undertaking: Undertaking, place: number) => {
    const piece: Piece = { experiment: undertaking.experiment.name, task: undertaking.tasks[place] };
    take(await pool.run(piece), undertaking, place);
  };
  try {
    // The first fault ends all.
    await Promise.all(undertakings.flatMap((one) => one.tasks.map((_, place) => measure(one, place))));
  } catch (error) {
    if (!isStopped()) throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
    await pool.destroy();
  }
}
