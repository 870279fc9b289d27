/** What was played and what theory says, at the same rounds: a chart has one axis for both. In percent of all nodes. */
import type { EpidemicCounts } from "./epidemic-run.ts";
import type { TheoryCurve } from "./epidemic-theory.ts";

export interface EpidemicSeries {
  readonly rounds: readonly number[];
  readonly susceptible: readonly (number | null)[];
  readonly infected: readonly (number | null)[];
  readonly removed: readonly (number | null)[];
  readonly theorySusceptible?: readonly (number | null)[];
  readonly theoryInfected?: readonly (number | null)[];
}

const theoryPoints = 200;

export function epidemicSeries(
  nodes: number,
  curve: readonly EpidemicCounts[],
  theory: TheoryCurve | undefined,
): EpidemicSeries {
  const times = curve.map(({ round }) => round);
  const end = Math.max(times.at(-1) ?? 0, endOf(theory));
  const moments = new Set(times);
  if (theory !== undefined) for (let i = 0; i <= theoryPoints; i++) moments.add((i * end) / theoryPoints);
  const rounds = [...moments].sort((a, b) => a - b);
  const measured = (of: (counts: EpidemicCounts) => number) =>
    valuesAt(
      rounds,
      times,
      curve.map((counts) => (100 * of(counts)) / nodes),
    );
  const expected = (shares: readonly number[]) =>
    valuesAt(
      rounds,
      theory!.rounds,
      shares.map((share) => 100 * share),
    );
  return {
    rounds,
    susceptible: measured(({ susceptible }) => susceptible),
    infected: measured(({ infected }) => infected),
    removed: measured(({ removed }) => removed),
    ...(theory === undefined
      ? {}
      : {
          theorySusceptible: expected(theory.susceptible),
          theoryInfected: expected(theory.infected),
        }),
  };
}

/** Where hardly anything changes any more: nobody wants to see the tail. */
function endOf(theory: TheoryCurve | undefined): number {
  if (theory === undefined) return 0;
  const last = theory.susceptible.length - 1;
  let end = last;
  while (
    end > 0 &&
    Math.abs(theory.susceptible[end]! - theory.susceptible[last]!) < 1e-4 &&
    Math.abs(theory.infected[end]! - theory.infected[last]!) < 1e-3
  )
    end--;
  return theory.rounds[Math.min(last, end + 1)] ?? 0;
}

/** Between two known moments values change evenly; beyond the last nothing is known. */
function valuesAt(
  at: readonly number[],
  times: readonly number[],
  values: readonly number[],
): (number | null)[] {
  let next = 0;
  return at.map((time) => {
    while (next < times.length && times[next]! < time) next++;
    if (next >= times.length) return null;
    if (times[next] === time || next === 0) return next === 0 && times[0]! > time ? null : values[next]!;
    const part = (time - times[next - 1]!) / (times[next]! - times[next - 1]!);
    return values[next - 1]! + part * (values[next]! - values[next - 1]!);
  });
}
