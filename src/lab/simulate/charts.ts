/** The results of a batch as charts: data for whatever draws them. */
import { powerLaw, seedExponential } from "../../core/degree-law.ts";
import { overlayOptions } from "../../membership/index.ts";
import type { Curve } from "./curve.ts";
import type { Counts, SimulationResult } from "./run.ts";

export interface Chart {
  readonly id: string;
  readonly title: string;
  /** What is to be seen, in a sentence. */
  readonly note: string;
  readonly x: Axis;
  readonly y: Axis;
  /** Ascending. */
  readonly at: readonly number[];
  readonly series: readonly Series[];
}

export interface Axis {
  readonly label: string;
  readonly isLogarithmic?: boolean;
  /** Shown from 0 to here at least, as 100 where all is 100 %; otherwise as far as the values reach. */
  readonly reachesTo?: number;
}

export interface Series {
  readonly label: string;
  readonly style: "line" | "dashed" | "dotted" | "points" | "bars";
  /** The place of its colour, of eight: 0 is the main one. A measurement and its theory share one. */
  readonly color: number;
  /** One for each place of `at`; null where there is nothing. */
  readonly values: readonly (number | null)[];
  /** Between the lowest and the highest run; only where there are several. */
  readonly band?: Edges;
  /** Where the true value may lie: a whisker at each place. */
  readonly interval?: Edges;
}

/** One for each place of `at`. */
export interface Edges {
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

const gridPoints = 240;
const trafficBins = 40;

/** The charts for which these results, of one batch, have data. */
export function chartsOf(results: readonly SimulationResult[]): Chart[] {
  return [infection(results), delays(results), degrees(results), traffic(results)].filter(
    (chart) => chart !== undefined,
  );
}

// ---- Infection curve -------------------------------------------------------------------------------------------

function infection(results: readonly SimulationResult[]): Chart | undefined {
  const curves = results.flatMap(({ curve }) => (curve === undefined ? [] : [curve]));
  if (curves.length === 0) return undefined;
  const [{ nodes }] = results as [SimulationResult];
  const { unit } = curves[0]!;
  const end = Math.max(...curves.map(({ at }) => at.at(-1)!));
  const at =
    unit === "rounds" && end <= gridPoints
      ? Array.from({ length: end + 1 }, (_, round) => round)
      : grid(0, end);
  const series = (
    label: string,
    style: Series["style"],
    color: number,
    name: "susceptible" | "infected" | "removed",
  ) =>
    overRuns(
      { label, style, color },
      curves.map((curve) => at.map((x) => (100 * valueAt(curve, name, x)) / nodes)),
    );
  const hasRemoved = curves.some(({ removed }) => removed.some((count) => count > 0));
  return {
    id: "infection",
    title: "Infection curve",
    note: `How many nodes do not know the rumor (susceptible), know and spread it (infected)${hasRemoved ? ", and know it but have stopped (removed)" : ""}.`,
    x: { label: unit === "ms" ? "virtual time (ms)" : "rounds" },
    y: { label: "nodes (%)", reachesTo: 100 },
    at,
    series: [
      series("susceptible", "dashed", 2, "susceptible"),
      series("infected", "line", 0, "infected"),
      ...(hasRemoved ? [series("removed", "dotted", 1, "removed")] : []),
    ],
  };
}

/** Between two samples a straight line; after the last one what was. */
function valueAt(curve: Curve, name: "susceptible" | "infected" | "removed", x: number): number {
  const { at } = curve;
  const values = curve[name];
  const next = at.findIndex((time) => time >= x);
  if (next === -1) return values.at(-1)!;
  if (next === 0 || at[next] === x) return values[next]!;
  const share = (x - at[next - 1]!) / (at[next]! - at[next - 1]!);
  return values[next - 1]! + share * (values[next]! - values[next - 1]!);
}

// ---- Delays ----------------------------------------------------------------------------------------------------

function delays(results: readonly SimulationResult[]): Chart | undefined {
  const all = results.flatMap(({ delays }) => (delays === undefined || delays.length === 0 ? [] : [delays]));
  if (all.length === 0) return undefined;
  const at = grid(0, Math.max(...all.map((counts) => counts.at(-1)![0])));
  return {
    id: "delays",
    title: "Delay of deliveries",
    note: "The share of deliveries that took no longer than that, from publication to first receipt.",
    x: { label: "delay (ms)" },
    y: { label: "deliveries (%)", reachesTo: 100 },
    at,
    series: [
      overRuns(
        { label: "delivered by then", style: "line", color: 0 },
        all.map((counts) => cumulative(counts, at)),
      ),
    ],
  };
}

/** Within a bucket a straight line: nobody knows more. */
function cumulative(counts: Counts, at: readonly number[]): number[] {
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  let next = 0;
  let seen = 0;
  let from = 0;
  return at.map((x) => {
    for (; next < counts.length && counts[next]![0] <= x; next++) {
      from = counts[next]![0];
      seen += counts[next]![1];
    }
    if (next === counts.length) return 100;
    const [upTo, count] = counts[next]!;
    return (100 * (seen + (count * (x - from)) / (upTo - from))) / total;
  });
}

// ---- Degrees ---------------------------------------------------------------------------------------------------

function degrees(results: readonly SimulationResult[]): Chart | undefined {
  const all = results.flatMap(({ degrees }) => (degrees === undefined || degrees.max === 0 ? [] : [degrees]));
  if (all.length === 0) return undefined;
  const law = askedLaw(results[0]!);
  const { law: name } = all[0]!;
  const last = Math.max(...all.map(({ max }) => max));
  const shares = all.map(({ histogram }) => {
    const peers = histogram.reduce((sum, count) => sum + count, 0);
    return Array.from({ length: last }, (_, i) => (histogram[i + 1] ?? 0) / peers);
  });
  const every = Array.from({ length: last }, (_, i) => i + 1);
  const at = every.filter(
    (degree) => shares.some((share) => share[degree - 1]! > 0) || (law?.(degree) ?? 0) > 0,
  );
  const mean = (degree: number) => shares.reduce((sum, share) => sum + share[degree - 1]!, 0) / shares.length;
  return {
    id: "degrees",
    title: "Degrees of the overlay",
    note: `The share of peers with so many neighbors, on doubly logarithmic paper. Asked for: ${name}.`,
    x: { label: "neighbors", isLogarithmic: true },
    y: { label: "share of peers", isLogarithmic: true },
    at,
    series: [
      { label: "peers", style: "points", color: 0, values: at.map((degree) => positive(mean(degree))) },
      ...(law === undefined
        ? []
        : [
            {
              label: `asked: ${name}`,
              style: "dashed" as const,
              color: 1,
              values: at.map((degree) => positive(law(degree))),
            },
          ]),
    ],
  };
}

function positive(value: number): number | null {
  return value > 0 ? value : null;
}

/** The share of peers with that degree under the law that the overlay was asked for. */
function askedLaw({ parameters, nodes }: SimulationResult): ((degree: number) => number) | undefined {
  const given = parameters.options ?? parameters.scenario?.stack?.options;
  const { law, exponent, minDegree: least, maxDegree: most } = overlayOptions(given?.overlay);
  const minDegree = Math.min(least, nodes - 1);
  const support = { minDegree, maxDegree: Math.max(minDegree, Math.min(most, nodes - 1)) };
  switch (law) {
    case "power-law":
    case "seed-exponential": {
      const asked = law === "power-law" ? powerLaw({ exponent, ...support }) : seedExponential(support);
      return (k) => asked.probability(k);
    }
    case "preferential":
      // Dorogovtsev, Mendes and Samukhin 2000, for infinitely many nodes that make m links each.
      return (k) => (k < minDegree ? 0 : (2 * minDegree * (minDegree + 1)) / (k * (k + 1) * (k + 2)));
    case "uniform":
      return undefined;
  }
}

// ---- Traffic ---------------------------------------------------------------------------------------------------

function traffic(results: readonly SimulationResult[]): Chart | undefined {
  const all = results.flatMap(({ traffic }) =>
    traffic === undefined || traffic.length === 0 ? [] : [traffic],
  );
  if (all.length === 0) return undefined;
  const most = Math.max(...all.map((counts) => counts.at(-1)![0]));
  const width = Math.max(1, Math.ceil((most + 1) / trafficBins));
  const bins = Math.floor(most / width) + 1;
  const shares = all.map((counts) => binned(counts, bins, width));
  return {
    id: "traffic",
    title: "Traffic of nodes",
    note: "The share of peers that sent so many copies of messages: who carries the load?",
    x: { label: width === 1 ? "copies sent" : `copies sent (bars ${width} wide)` },
    y: { label: "peers (%)" },
    at: Array.from({ length: bins }, (_, bin) => bin * width + (width - 1) / 2),
    series: [
      {
        label: "peers",
        style: "bars",
        color: 0,
        values: Array.from(
          { length: bins },
          (_, bin) => shares.reduce((sum, share) => sum + share[bin]!, 0) / shares.length,
        ),
      },
    ],
  };
}

function binned(counts: Counts, bins: number, width: number): number[] {
  const shares = new Array<number>(bins).fill(0);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  for (const [value, count] of counts) shares[Math.floor(value / width)]! += (100 * count) / total;
  return shares;
}

// ---- Small things ----------------------------------------------------------------------------------------------

function grid(from: number, to: number): number[] {
  return Array.from({ length: gridPoints + 1 }, (_, i) => from + ((to - from) * i) / gridPoints);
}

/** The mean of the runs, and their lowest and highest. */
function overRuns(look: Omit<Series, "values" | "band">, runs: readonly (readonly number[])[]): Series {
  const over = (combine: (values: readonly number[]) => number) =>
    runs[0]!.map((_, i) => round(combine(runs.map((run) => run[i]!))));
  const values = over((one) => one.reduce((sum, value) => sum + value, 0) / one.length);
  if (runs.length === 1) return { ...look, values };
  const band = { low: over((one) => Math.min(...one)), high: over((one) => Math.max(...one)) };
  return { ...look, values, band };
}

/** More digits than anybody can see make a report large. */
function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
