/**
 * What a rumor costs: copies per node until all of n+1 nodes know it, or until nobody spreads it any more.
 *
 * Spreaders that never stop (SI) send until somebody ends the run, so their traffic is a question of time. What counts
 * as a copy differs by e times and more between authors:
 *
 *     telling    push calls, and answers to those who lack the rumor and say so by asking: what `Rumor` sends
 *     phone call everybody calls somebody, and whoever of the two knows the rumor sends it, needed or not: the random
 *                phone call model of Karp et al. 2000
 */

import { iterateRounds, type Recurrence, roundsByRecurrence, stepOf } from "./recurrences.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

/** H_n = 1 + 1/2 + ... + 1/n, about ln n + 0.5772; `n` >= 0 whole. */
export function harmonic(n: number): number {
  checkWhole("n", n, { least: 0 });
  let sum = 0;
  // The small terms first, so that none is lost.
  for (let i = n; i >= 1; i--) sum += 1 / i;
  return sum;
}

/**
 * Copies per node of SI with Poisson calls until all n+1 nodes know it, expected, by "telling":
 *
 *     push       n H_n / (n+1)                   as with coupons: the last one needs n calls that could hit it
 *     pull       n / (n+1)                       one each, whoever has it does not ask
 *     push-pull  (n H_n + n) / (2(n+1))          half of the time, and half of those who learn it asked
 *
 * from the process of `expectedTimeToInform`: with i who know it, copies flow at rate b i (push), b i (n+1-i)/n (pull)
 * or the sum of both. It does not depend on b. `n` >= 1 others.
 */
export function siTraffic(mode: "push" | "pull" | "push-pull", { n }: { readonly n: number }): number {
  checkWhole("n", n, { least: 1 });
  switch (mode) {
    case "push":
      return (n * harmonic(n)) / (n + 1);
    case "pull":
      return n / (n + 1);
    case "push-pull":
      return (n * harmonic(n) + n) / (2 * (n + 1));
  }
}

/** How a copy is counted: see above. */
export type Counting = "telling" | "phone-call";

/**
 * Copies per node of synchronous rounds, from the susceptible shares before each of them: per round, with one call each,
 *
 *                  telling               phone call
 *     push         1-p                   1-p
 *     pull         p(1-p)                1-p
 *     push-pull    1-p + p(1-p)          2(1-p)
 *
 * `fanout` calls multiply them; shares from 0 to 1.
 */
export function trafficOfRounds({
  mode,
  susceptible,
  counting = "telling",
  fanout = 1,
}: {
  readonly mode: "push" | "pull" | "push-pull";
  readonly susceptible: readonly number[];
  readonly counting?: Counting;
  readonly fanout?: number;
}): number {
  checkNumber("fanout", fanout, { above: 0 });
  let sum = 0;
  for (const p of susceptible) {
    checkShare("susceptible", p);
    const told = mode === "pull" ? 0 : 1 - p;
    const answered = mode === "push" ? 0 : counting === "telling" ? p * (1 - p) : 1 - p;
    sum += told + answered;
  }
  return fanout * sum;
}

/** The same of the recurrence of a mode, from one node in n until fewer than `left` (default 1) lack the rumor. */
export function trafficByRecurrence({
  counting = "telling",
  left = 1,
  ...recurrence
}: Recurrence & { readonly counting?: Counting; readonly left?: number }): number {
  const { n, mode, fanout = 1 } = recurrence;
  const rounds = roundsByRecurrence({ ...recurrence, left });
  const curve = iterateRounds(stepOf(recurrence), 1 - 1 / n, rounds);
  return trafficOfRounds({ mode, susceptible: curve.slice(0, -1), counting, fanout });
}
