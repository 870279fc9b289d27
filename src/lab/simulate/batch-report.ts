/** What the runs of a batch have in common and how they spread, for people and for programs. */
import { hashText, Moments } from "../../core/index.ts";
import { machineFigures, type SimulationParameters, type SimulationResult } from "./run.ts";

/** One figure over the runs of a batch. */
export interface FigureSpread {
  /** Runs that have it. */
  readonly count: number;
  readonly mean: number;
  /** Of the runs, with count - 1; null for one run. */
  readonly deviation: number | null;
  /** The mean of infinitely many runs lies between these with a confidence of 95 % (Student's t); null for one run. */
  readonly low: number | null;
  readonly high: number | null;
  readonly min: number;
  readonly max: number;
}

export interface BatchReport {
  readonly preset: string;
  readonly engine: SimulationResult["engine"];
  /** What a round is; only in rounds. */
  readonly semantics?: string;
  readonly nodes: number;
  readonly runs: number;
  readonly seeds: { readonly first: number; readonly last: number };
  /** Runs that came to what they were to come to. */
  readonly ok: number;
  /** The lowest. */
  readonly ratio: number;
  /** Of all runs, in the order of the seeds. */
  readonly traceHash: string;
  readonly parameters: SimulationParameters;
  /** By name: `delayMs.p99`, … First those of the runs, then those of the machine. */
  readonly figures: Readonly<Record<string, FigureSpread>>;
  /** Each run, without its distributions. */
  readonly results: readonly Readonly<Record<string, unknown>>[];
}

/** Equal in all runs of a batch, or names of runs rather than figures. */
const notFigures = new Set([
  "nodes",
  "seed",
  "seeds",
  "parameters",
  "curve",
  "delays",
  "traffic",
  "histogram",
  "logLikelihood",
]);

export function batchReport(results: readonly SimulationResult[]): BatchReport {
  const first = results[0]!;
  return {
    preset: first.preset,
    engine: first.engine,
    ...(first.engine === "rounds" ? { semantics: first.semantics } : {}),
    nodes: first.nodes,
    runs: results.length,
    seeds: { first: first.seed, last: results.at(-1)!.seed },
    ok: results.filter(({ ok }) => ok).length,
    ratio: results.reduce((least, { ratio }) => Math.min(least, ratio), 1),
    traceHash: combinedHash(results),
    parameters: first.parameters,
    figures: figuresOf(results),
    results: results.map(({ parameters, curve, delays, traffic, degrees, ...rest }) => rest),
  };
}

/** The figures of the machine last: they are no property of what was simulated. */
function figuresOf(results: readonly SimulationResult[]): Record<string, FigureSpread> {
  const values = new Map<string, Moments>();
  for (const result of results) {
    for (const [name, value] of numbersIn(result)) {
      let moments = values.get(name);
      if (moments === undefined) {
        moments = new Moments();
        values.set(name, moments);
      }
      moments.add(value);
    }
  }
  const named = [...values].map(([name, moments]) => [name, spreadOf(moments)] as const);
  return Object.fromEntries([
    ...named.filter(([name]) => !machineFigures.has(name)),
    ...named.filter(([name]) => machineFigures.has(name)),
  ]);
}

function* numbersIn(value: object, prefix = ""): Generator<[name: string, value: number]> {
  for (const [name, field] of Object.entries(value)) {
    if (notFigures.has(name)) continue;
    if (typeof field === "number" && Number.isFinite(field)) yield [prefix + name, field];
    else if (typeof field === "object" && field !== null && !Array.isArray(field))
      yield* numbersIn(field, `${prefix}${name}.`);
  }
}

function spreadOf(moments: Moments): FigureSpread {
  const { count, mean, min, max } = moments;
  const isOne = count < 2;
  const { low, high } = moments.confidenceInterval();
  return {
    count,
    mean,
    deviation: isOne ? null : moments.standardDeviation,
    low: isOne ? null : low,
    high: isOne ? null : high,
    min,
    max,
  };
}

function combinedHash(results: readonly SimulationResult[]): string {
  if (results.length === 1) return results[0]!.traceHash;
  const text = results.map(({ traceHash }) => traceHash).join("");
  return [0, 1].map((part) => hashText(text, part).toString(16).padStart(8, "0")).join("");
}

/** `seed 1`, `seeds 1 to 5`, or, of a part of a batch, `3 of the seeds 1 to 5`. */
export function namedSeeds({ runs, seeds: { first, last } }: Pick<BatchReport, "runs" | "seeds">): string {
  if (runs === 1) return `seed ${first}`;
  return last - first === runs - 1 ? `seeds ${first} to ${last}` : `${runs} of the seeds ${first} to ${last}`;
}

/** As a person reads it: four digits, more where there are more before the point. */
export function shownNumber(value: number | null): string {
  if (value === null) return "";
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(3);
  return value.toLocaleString("en", { maximumSignificantDigits: 4 });
}

/** The table's rows as texts: its head first. One column of values where there is one run. */
export function tableOf(report: Pick<BatchReport, "figures" | "runs">): string[][] {
  const entries = Object.entries(report.figures);
  if (report.runs === 1)
    return [["", "value"], ...entries.map(([name, { mean }]) => [name, shownNumber(mean)])];
  return [
    ["", "mean", "deviation", "95 % interval of the mean", "min", "max"],
    ...entries.map(([name, { mean, deviation, low, high, min, max, count }]) => [
      count === report.runs ? name : `${name} (${count} runs)`,
      shownNumber(mean),
      shownNumber(deviation),
      // Runs that share a machine are no sample of anything.
      low === null || machineFigures.has(name) ? "" : `${shownNumber(low)} to ${shownNumber(high)}`,
      shownNumber(min),
      shownNumber(max),
    ]),
  ];
}
