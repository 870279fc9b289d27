/**
 * Synchronous rounds until all of n nodes know a rumor that one of them had, everybody calling uniformly:
 *
 *     push        log2 n + ln n             Frieze and Grimmett 1985; Pittel 1987; bounds by Doerr and Künnemann 2014
 *     pull        log2 n + log2 ln n        Doerr and Kostrygin 2017, "Randomized rumor spreading revisited"
 *     push-pull   log3 n + log2 ln n        Karp et al. 2000 (log3 n + O(ln ln n)); Doerr and Kostrygin 2017
 *
 * each up to a constant: measured is about 1.2 more for push, 1.0 more for pull, and nothing for push-pull. First come
 * the rounds of growth, by a factor of 2 or 3, then those of the end: by e, or by squaring.
 */
import { log } from "../core/deterministic-math.ts";
import { checkNumber, checkWhole } from "./valid-range.ts";

/** log2 n: 1000 ~ 10, 10^6 ~ 20, 10^9 ~ 30, all IPv4 addresses 32 (document 003, "Why is log(N) low?"). `n` > 0. */
export function log2(n: number): number {
  checkNumber("n", n, { above: 0 });
  let power = 0;
  for (let rest = n; rest >= 2; rest /= 2) power++;
  // Powers of two have whole logarithms, without a last digit that is wrong.
  return n === 2 ** power ? power : log(n) / Math.LN2;
}

/** The table of that slide. */
export const whyLogIsLow: readonly { readonly n: number; readonly about: number }[] = [
  { n: 1000, about: 10 },
  { n: 1e6, about: 20 },
  { n: 1e9, about: 30 },
  { n: 2 ** 32, about: 32 },
];

/**
 * Push with b calls per round: log_(1+b) n + ln n / b. Those who know grow by the factor 1+b, in the end those who do
 * not fall by e^b. `n` >= 2; `fanout` b > 0, fractions allowed: with loss and crashes it is one (`faults.ts`).
 */
export function pushRounds({ n, fanout = 1 }: { readonly n: number; readonly fanout?: number }): number {
  checkWhole("n", n, { least: 2 });
  checkNumber("fanout", fanout, { above: 0 });
  return log(n) / log(1 + fanout) + log(n) / fanout;
}

/**
 * Where the expected rounds of push lie, for every large n: floor(log2 n) + ln n - 1.116 to ceil(log2 n) + ln n + 2.765
 * (Doerr and Künnemann 2014, "Tight analysis of randomized rumor spreading in complete graphs", theorem 1, up to o(1)).
 * `n` >= 2.
 */
export function pushRoundsBounds({ n }: { readonly n: number }): {
  readonly low: number;
  readonly high: number;
} {
  checkWhole("n", n, { least: 2 });
  const power = log2(n);
  return { low: Math.floor(power) + log(n) - 1.116, high: Math.ceil(power) + log(n) + 2.765 };
}

/**
 * Pull with k calls per round: log_(1+k) n + log_(1+k) ln n; with k = 1 log2 n + log2 ln n. `n` >= 3, so that ln n is
 * more than 1; `pulls` k > 0.
 */
export function pullRounds({ n, pulls = 1 }: { readonly n: number; readonly pulls?: number }): number {
  checkWhole("n", n, { least: 3 });
  checkNumber("pulls", pulls, { above: 0 });
  return (log(n) + log(log(n))) / log(1 + pulls);
}

/** Push-pull, one call each: log3 n + log2 ln n. `n` >= 3. */
export function pushPullRounds({ n }: { readonly n: number }): number {
  checkWhole("n", n, { least: 3 });
  return log(n) / log(3) + log2(log(n));
}

/**
 * Pull's second half, from 1/2 to 1/n: (k+1)^i doublings of the exponent of 1/2 make log2 n of it, so i =
 * log_(k+1) log2 n ("second half of pull gossip finishes in time O(log(log(N)))", document 003). `n` >= 2, `pulls` > 0.
 */
export function pullEndRounds({ n, pulls = 1 }: { readonly n: number; readonly pulls?: number }): number {
  checkWhole("n", n, { least: 2 });
  checkNumber("pulls", pulls, { above: 0 });
  return log(log2(n)) / log(1 + pulls);
}

/**
 * Push's second half, from 1/2 to 1/n, by a factor of e^b each: ln(n/2)/b rounds, and about one more, because the factor
 * is e^b only once nearly all call. `n` >= 2, `fanout` b > 0.
 */
export function pushEndRounds({ n, fanout = 1 }: { readonly n: number; readonly fanout?: number }): number {
  checkWhole("n", n, { least: 2 });
  checkNumber("fanout", fanout, { above: 0 });
  return log(n / 2) / fanout;
}
