/** What experiments found: for programs, and as tables for people. */
import { Moments, type MomentsState } from "../../core/index.ts";
import { quoted } from "../shell-words.ts";
import { shownNumber } from "../simulate/batch-report.ts";
import type { Chart } from "../simulate/charts.ts";
import { type Gate, isWithin, type ReproductionRow } from "./experiment.ts";
import type { Flags } from "./flags.ts";
import type { ReproductionOutcome } from "./run.ts";

export interface ReproductionReport {
  readonly experiments: readonly ExperimentReport[];
  /** Every experiment was completed, and every gate held. */
  readonly ok: boolean;
  /** Experiments that were ended before they were complete; only if there are any. */
  readonly missing?: readonly string[];
}

export interface ExperimentReport {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  readonly seed: number;
  readonly runs: number;
  readonly flags: Flags;
  readonly ok: boolean;
  readonly rows: readonly RowReport[];
  readonly notes: readonly string[];
  /** Of this machine, with whatever ran beside it. */
  readonly wallMs: number;
  readonly charts: readonly Chart[];
}

export interface RowReport {
  readonly of: string;
  readonly figure: string;
  readonly published?: number;
  readonly theory?: number;
  readonly measured: MeasuredFigure;
  readonly gate?: Gate;
  /** True without a gate. */
  readonly ok: boolean;
}

/** `low` to `high` holds the true mean with a confidence of 95 % (Student's t); null for a single value. */
export interface MeasuredFigure {
  readonly mean: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly standardError: number | null;
  readonly count: number;
  readonly min: number;
  readonly max: number;
}

/** `asked` are the names of all that were to run. */
export function reproductionReport(
  outcomes: readonly ReproductionOutcome[],
  asked: readonly string[],
): ReproductionReport {
  const experiments = outcomes.map(experimentReport);
  const missing = asked.filter((name) => !experiments.some((one) => one.name === name));
  return {
    experiments,
    ok: missing.length === 0 && experiments.every(({ ok }) => ok),
    ...(missing.length === 0 ? {} : { missing }),
  };
}

export function experimentReport(outcome: ReproductionOutcome): ExperimentReport {
  const { experiment, input, rows, notes, charts, wallMs } = outcome;
  const { name, description, source } = experiment;
  const { seed, runs, flags } = input;
  const ok = rows.every(isWithin);
  return {
    ...{ name, description, source, seed, runs, flags, ok },
    rows: rows.map(rowReport),
    ...{ notes, wallMs, charts },
  };
}

function rowReport(row: ReproductionRow): RowReport {
  const { of, figure, published, theory, measured, gate } = row;
  return { of, figure, published, theory, measured: figureOf(measured), gate, ok: isWithin(row) };
}

function figureOf(state: MomentsState): MeasuredFigure {
  const { count, mean, min, max } = state;
  if (count < 2) return { mean, low: null, high: null, standardError: null, count, min, max };
  const moments = Moments.from(state);
  const { low, high } = moments.confidenceInterval();
  return { mean, low, high, standardError: moments.standardError, count, min, max };
}

// ---- For people ------------------------------------------------------------------------------------------------

export const rowHead = [
  "",
  "figure",
  "published",
  "theory",
  "measured",
  "95 % interval",
  "must lie in",
  "",
] as const;

/** The cells below `rowHead`; the last is the verdict. */
export function cellsOf({ of, figure, published, theory, measured, gate, ok }: RowReport): string[] {
  const { mean, low, high } = measured;
  const range = (from: number, to: number) => (from === to ? shown(from) : `${shown(from)} to ${shown(to)}`);
  return [
    of,
    figure,
    published === undefined ? "" : shown(published),
    theory === undefined ? "" : shown(theory),
    shown(mean),
    low === null || high === null ? "" : range(low, high),
    gate === undefined ? "" : range(gate.low, gate.high),
    gate === undefined ? "" : ok ? "ok" : "left",
  ];
}

function shown(value: number): string {
  return Number.isFinite(value) ? shownNumber(value) : Number.isNaN(value) ? "–" : value > 0 ? "∞" : "-∞";
}

/** `24 of 24 figures are where they must be`. */
export function verdictOf({ rows }: ExperimentReport): string {
  const gated = rows.filter(({ gate }) => gate !== undefined);
  const within = gated.filter(({ ok }) => ok).length;
  if (gated.length === 0) return "nothing that must match";
  if (gated.length === 1) return `the figure that must match ${within === 1 ? "does" : "does not"}`;
  return `${within === gated.length ? "all" : `${within} of`} ${gated.length} figures that must match do`;
}

/** Why the gates are where they are: each reason once. */
export function reasonsOf({ rows }: ExperimentReport): string[] {
  return [...new Set(rows.flatMap(({ gate }) => (gate === undefined ? [] : [gate.why])))];
}

/** What makes it again: `grapevine reproduce demers-1987 --k 1..3`, with `--runs` and `--seed` if they are not the usual ones. */
export function commandOf(
  { experiment, input }: Pick<ReproductionOutcome, "experiment" | "input">,
  usualSeed = 1,
): string {
  const words = ["grapevine reproduce", experiment.name];
  for (const flag of experiment.flags ?? []) {
    const value = input.flags[flag.name];
    if (value === flag.default) continue;
    if (typeof value === "boolean") words.push(`--${value ? "" : "no-"}${flag.name}`);
    else words.push(`--${flag.name}`, quoted(String(value)));
  }
  if (input.runs !== experiment.defaultRuns) words.push("--runs", String(input.runs));
  if (input.seed !== usualSeed) words.push("--seed", String(input.seed));
  return words.join(" ");
}
