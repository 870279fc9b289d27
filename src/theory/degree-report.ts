/** The degrees of an overlay, for reports: how they spread, and which law they follow. */
import { fitDegrees } from "./degree-fit.ts";

export interface DegreeReport {
  /** What the overlay was asked for. */
  readonly law: string;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
  readonly links: number;
  /** Peers by degree; the index is the degree. */
  readonly histogram: readonly number[];
  /** Which law the degrees follow, by log-likelihood; undefined for fewer than 10 peers, or where nobody is linked. */
  readonly fit: { best: string; verdict: string; logLikelihood: Record<string, number> } | undefined;
}

/** Fewer degrees than these fit any law. */
const enoughToFit = 10;

export function describeDegrees(degrees: readonly number[], law: string): DegreeReport {
  const histogram: number[] = [];
  let total = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  for (const degree of degrees) {
    histogram[degree] = (histogram[degree] ?? 0) + 1;
    total += degree;
    min = Math.min(min, degree);
    max = Math.max(max, degree);
  }
  return {
    law,
    min: degrees.length === 0 ? 0 : min,
    mean: degrees.length === 0 ? 0 : round(total / degrees.length, 2),
    max,
    links: total / 2,
    histogram: Array.from(histogram, (count) => count ?? 0),
    fit: degrees.length < enoughToFit || max === 0 ? undefined : fitOf(degrees),
  };
}

function fitOf(degrees: readonly number[]): NonNullable<DegreeReport["fit"]> {
  const { best, verdict, fits } = fitDegrees(degrees);
  const logLikelihood: Record<string, number> = {};
  for (const [name, { logLikelihood: value }] of Object.entries(fits)) logLikelihood[name] = round(value, 1);
  return { best, verdict, logLikelihood };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
