/**
 * A published result that we measure again. What is measured is cut into tasks, plain JSON in and out, so that they
 * run in any thread and in any order; the report is made of all of them.
 */
import type { MomentsState } from "../../core/index.ts";
import type { Chart } from "../simulate/charts.ts";

export interface ReproductionInput {
  readonly seed: number;
  /** Of each configuration; what a run is, the experiment says. */
  readonly runs: number;
  /** Flags of this experiment, complete and checked by it. */
  readonly flags: Readonly<Record<string, string | number | boolean>>;
}

/** A flag on the command line, `--name value`; its default is what the published result is of. */
export interface ExperimentFlag {
  readonly name: string;
  readonly description: string;
  readonly default: string | number | boolean;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
}

export interface Experiment<Task = unknown, Sample = unknown> {
  /** As on the command line: `demers-1987`. */
  readonly name: string;
  /** One line for the list. */
  readonly description: string;
  /** Paper, year, section or table. */
  readonly source: string;
  /** So many that the whole of it takes some 20 s on two cores, and that the stated intervals can be kept. */
  readonly defaultRuns: number;
  /** For the short version that belongs to the test suite: a second or two. */
  readonly quickRuns: number;
  /** Flags of the short version, as on the command line, where fewer runs alone would not make it short. */
  readonly quickFlags?: Readonly<Record<string, string>>;
  readonly flags?: readonly ExperimentFlag[];
  /** Pieces of work of about a second each, so that progress shows and threads share them. */
  plan(input: ReproductionInput): readonly Task[];
  /** A pure function of the task; runs in a worker thread. */
  measure(task: Task): Sample;
  /** `samples` are in the order of the tasks. */
  report(input: ReproductionInput, tasks: readonly Task[], samples: readonly Sample[]): Reproduction;
}

/** What an experiment of several measurements is composed of. */
export type ExperimentPart<Task, Sample> = Pick<Experiment<Task, Sample>, "plan" | "measure" | "report">;

export interface Reproduction {
  readonly rows: readonly ReproductionRow[];
  /** Theory as a line, measurements as points with intervals. At least one. */
  readonly charts: readonly Chart[];
  /** What a reader should know: semantics of rounds, where we differ, what cannot be reproduced and why. */
  readonly notes: readonly string[];
}

/** One figure, three ways. */
export interface ReproductionRow {
  /** What is varied: `k = 2`, `n = 1000`. */
  readonly of: string;
  /** Which figure: `residue s`, `rounds`; with its unit where it has one. */
  readonly figure: string;
  readonly published?: number;
  readonly theory?: number;
  /** Mean, and what its interval is made of; `count` 1 where there is nothing to average. */
  readonly measured: MomentsState;
  /**
   * The interval in which the measured mean must lie, and why it is that one: `published, ±3 standard errors and half
   * of its last digit`. Left out where the source does not say that it must match.
   */
  readonly gate?: Gate;
}

export interface Gate {
  readonly low: number;
  readonly high: number;
  readonly why: string;
}

/** Without a gate there is nothing to leave. */
export function isWithin({ measured, gate }: ReproductionRow): boolean {
  return gate === undefined || (measured.mean >= gate.low && measured.mean <= gate.high);
}

/** All of it in this thread; tasks and samples are copied on their way, as threads copy them. */
export function reproduceHere<Task, Sample>(
  experiment: Experiment<Task, Sample>,
  input: ReproductionInput,
): Reproduction {
  const tasks = experiment.plan(input);
  const samples = tasks.map((task) => structuredClone(experiment.measure(structuredClone(task))));
  return experiment.report(input, tasks, samples);
}
