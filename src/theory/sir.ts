/**
 * SIR with feedback and coin: whoever calls somebody that knows the rumor already loses interest with probability 1/k.
 * s, i, r = 1-s-i are the shares of susceptible, infected (spreading) and removed nodes; one call per unit of time.
 *
 *     ds/dt = -s i
 *     di/dt = s i - (1/k)(1-s) i
 *
 * Sources: document 000, "Mathematical Framework"; Demers et al. 1987, 1.4. Dividing one by the other gives i as a
 * function of s, with no time in it; where i is zero again lies the residue (`sirResidue`).
 */
import { log } from "../core/deterministic-math.ts";
import { UsageError } from "../core/errors.ts";
import { sirResidue } from "./residues.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

export interface SirState {
  /** Susceptible share. */
  readonly s: number;
  /** Infected share; r = 1 - s - i are removed. */
  readonly i: number;
}

/** The right-hand sides of both equations, per unit of time. `k` >= 1; shares from 0 to 1. */
export function sirRates({ k, s, i }: SirState & { readonly k: number }): SirState {
  checkNumber("k", k, { least: 1 });
  checkShare("s", s);
  checkShare("i", i);
  return rates(k, s, i);
}

function rates(k: number, s: number, i: number): { s: number; i: number } {
  return { s: -s * i, i: s * i - ((1 - s) * i) / k };
}

export interface SirCurve {
  /** In calls of a node. */
  readonly t: readonly number[];
  readonly s: readonly number[];
  readonly i: readonly number[];
  readonly r: readonly number[];
}

/**
 * Both equations solved step by step (Runge and Kutta, fourth order): from `i` of one node in n, or any other start, to
 * `until`. The error of a value falls with the fourth power of the step: below 1e-8 with the default of 0.05, measured
 * by the constant that it must keep. The same input gives the same bits on every machine.
 *
 * `k` >= 1; 0 < i <= 1, s = 1 - i unless given; `until` >= 0 and at most 10^6 steps; `step` in (0, 1].
 */
export function solveSir({
  k,
  i,
  s = 1 - i,
  until,
  step = 0.05,
}: {
  readonly k: number;
  readonly i: number;
  readonly s?: number;
  readonly until: number;
  readonly step?: number;
}): SirCurve {
  checkNumber("k", k, { least: 1 });
  checkNumber("i", i, { above: 0, most: 1 });
  checkNumber("s", s, { least: 0, most: 1 - i });
  checkNumber("until", until, { least: 0 });
  checkNumber("step", step, { above: 0, most: 1 });
  const steps = Math.ceil(until / step - 1e-9);
  if (steps > 1_000_000)
    throw new UsageError(`until: ${until} takes ${steps} steps of ${step}, over a million`);
  const curve = { t: [0], s: [s], i: [i], r: [1 - s - i] };
  let now: SirState = { s, i };
  for (let n = 1; n <= steps; n++) {
    now = rungeKutta(k, now, step);
    curve.t.push(n * step);
    curve.s.push(now.s);
    curve.i.push(now.i);
    curve.r.push(1 - now.s - now.i);
  }
  return curve;
}

function rungeKutta(k: number, { s, i }: SirState, step: number): SirState {
  const a = rates(k, s, i);
  const b = rates(k, s + (step / 2) * a.s, i + (step / 2) * a.i);
  const c = rates(k, s + (step / 2) * b.s, i + (step / 2) * b.i);
  const d = rates(k, s + step * c.s, i + step * c.i);
  return {
    s: s + (step / 6) * (a.s + 2 * b.s + 2 * c.s + d.s),
    i: i + (step / 6) * (a.i + 2 * b.i + 2 * c.i + d.i),
  };
}

/**
 * i(s) = -((k+1)/k) s + (1/k) ln s + C: the infected share when the susceptible one is s. Document 000. With the C of a
 * large network (the default) it is ((k+1)/k)(1-s) + (1/k) ln s. `k` >= 1; `s` from the residue to 1.
 */
export function sirInfectedAt({
  k,
  s,
  constant,
}: {
  readonly k: number;
  readonly s: number;
  readonly constant?: number;
}): number {
  checkNumber("k", k, { least: 1 });
  checkNumber("s", s, { above: 0, most: 1 });
  if (constant === undefined) checkNumber("s", s, { least: sirResidue({ k }) * (1 - 1e-12) });
  return (constant ?? (k + 1) / k) - ((k + 1) / k) * s + log(s) / k;
}

/**
 * The constant C that makes i(1 - 1/n) = 1/n: one node knows it at first. It is (k+1)/k + 1/(2 k n^2) + ..., so document
 * 000's "C is about (k+1)/k for large N" is good to 10^-6 with a thousand nodes. `k` >= 1, `n` >= 2.
 */
export function sirConstant({ k, n }: { readonly k: number; readonly n: number }): number {
  checkNumber("k", k, { least: 1 });
  checkWhole("n", n, { least: 2 });
  return sirConstantOf({ k, s: 1 - 1 / n, i: 1 / n });
}

/** C = i + ((k+1)/k) s - (1/k) ln s, the same at all times of one epidemic. `k` >= 1, `s` > 0. */
export function sirConstantOf({ k, s, i }: SirState & { readonly k: number }): number {
  checkNumber("k", k, { least: 1 });
  checkNumber("s", s, { above: 0, most: 1 });
  checkShare("i", i);
  return i + ((k + 1) / k) * s - log(s) / k;
}

/**
 * The largest infected share, i = 1 - ln(k+1)/k, and where: s = 1/(k+1), where di/dt = 0. More interest, more spread at
 * once: 0.307 for k = 1, 0.598 for k = 4. `k` >= 1.
 */
export function sirPeak({ k }: { readonly k: number }): SirState {
  checkNumber("k", k, { least: 1 });
  return { s: 1 / (k + 1), i: 1 - log(k + 1) / k };
}
