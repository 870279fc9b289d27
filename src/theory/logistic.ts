/**
 * SI by mass action: n + 1 people mix homogeneously, one of them knows the news at t = 0, whoever knows it never stops.
 * With x who do not know and y who do, x + y = n + 1,
 *
 *     dx/dt = -beta x y,    beta = b / n
 *
 * Source: Bailey 1975, "The mathematical theory of infectious diseases", chapters 5 (as random process and as
 * equation); document 003, slides "Analysis" and "Epidemic Multicast Analysis".
 *
 * beta is the rate at which one pair meets. Somebody who calls b others per unit of time, each of the n others with
 * equal probability, meets any given one at rate b/n; so beta = b/n is push, where only calls of those who know count,
 * and pull, where only calls of those who do not. In push-pull both kinds count: beta = 2b/n (`contactRate`). Calls are
 * a Poisson process; with synchronous rounds it is the recurrences that hold (`recurrences.ts`).
 *
 * Time is in units in which everybody makes b calls: rounds, or intervals.
 */
import { exp, log, pow } from "../core/deterministic-math.ts";
import { checkNumber, checkWhole } from "./valid-range.ts";

export interface Mixing {
  /** How many others there are: n + 1 people in all. At least 1. */
  readonly n: number;
  /** Contacts of one person per unit of time that can pass the news on: > 0. */
  readonly b: number;
}

function checkMixing({ n, b }: Mixing): void {
  checkWhole("n", n, { least: 1 });
  checkNumber("b", b, { above: 0 });
}

/**
 * beta: how often a given pair meets so that news can pass, per unit of time, if everybody makes `calls` calls: calls/n
 * for push and for pull, 2 calls/n for push-pull, because then it does not matter who of the two calls.
 *
 * `n` >= 1 others, `calls` > 0; `UsageError` otherwise.
 */
export function contactRate(mode: "push" | "pull" | "push-pull", { n, b: calls }: Mixing): number {
  checkMixing({ n, b: calls });
  return (mode === "push-pull" ? 2 * calls : calls) / n;
}

/**
 * y(t) = (n+1) / (1 + n e^(-beta(n+1)t)): people who know the news, from 1 to n + 1. `t` >= 0. Document 003, slide
 * "Analysis (contd.)".
 */
export function logisticInfected({ n, b, t }: Mixing & { readonly t: number }): number {
  checkMixing({ n, b });
  checkNumber("t", t, { least: 0 });
  return (n + 1) / (1 + n * exp((-b * (n + 1) * t) / n));
}

/** x(t) = n(n+1) / (n + e^(beta(n+1)t)): people who do not know it yet. `t` >= 0. Same slide. */
export function logisticSusceptible({ n, b, t }: Mixing & { readonly t: number }): number {
  checkMixing({ n, b });
  checkNumber("t", t, { least: 0 });
  return (n * (n + 1)) / (n + exp((b * (n + 1) * t) / n));
}

/**
 * When the share y/(n+1) of all people knows it: t = ln(n share/(1-share)) / (beta(n+1)), the inverse of
 * `logisticInfected`. `share` from 1/(n+1), which is t = 0, to below 1.
 */
export function logisticTimeToShare({ n, b, share }: Mixing & { readonly share: number }): number {
  checkMixing({ n, b });
  checkNumber("share", share, { least: 1 / (n + 1), below: 1 });
  return Math.max(0, (log(n * (share / (1 - share))) * n) / (b * (n + 1)));
}

/**
 * From one share to another: (logit(to) - logit(from)) / (beta(n+1)), logit(s) = ln(s/(1-s)). It does not depend on how
 * the epidemic began, which in a random one makes all the difference: 2 ln 99 / b = 9.19/b from 1 % to 99 %.
 *
 * 0 < from <= to < 1.
 */
export function logisticTimeBetween({
  n,
  b,
  from,
  to,
}: Mixing & { readonly from: number; readonly to: number }): number {
  checkMixing({ n, b });
  checkNumber("from", from, { above: 0, below: 1 });
  checkNumber("to", to, { least: from, below: 1 });
  return ((log(to / (1 - to)) - log(from / (1 - from))) * n) / (b * (n + 1));
}

/**
 * y at t = c ln n is about (n+1) - n^(2-cb): document 003, slide "Epidemic Multicast Analysis" and its derivation, which
 * takes (n+1)/n for 1 in the exponent and 1/(1+z) for 1-z with z = n^(1-cb). The second leaves out (n+1) z^2 people, so
 * it wants cb > 1, and cb >= 2 to be good to one person.
 *
 * `n` >= 2; `c` > 0 in units of time, so that `c` `b` > 1; `UsageError` otherwise.
 */
export function infectedAfterLogTime({ n, b, c }: Mixing & { readonly c: number }): number {
  return n + 1 - missedAfterLogTime({ n, b, c });
}

/** n^(2-cb): how many do not know it after c ln n, the slide's "all but 1/n^(cb-2)". Same range. */
export function missedAfterLogTime({ n, b, c }: Mixing & { readonly c: number }): number {
  checkMixing({ n, b });
  checkWhole("n", n, { least: 2 });
  checkNumber("c", c, { above: 0 });
  checkNumber("c b", c * b, { above: 1 });
  return pow(n, 2 - c * b);
}

/**
 * c b ln n: no more messages than that does a node send until c ln n, for it makes b calls per unit of time ("each node
 * has transmitted no more than cb log(n) gossip messages", document 003). `n` >= 2, `c` > 0.
 */
export function logisticLoadPerNode({ n, b, c }: Mixing & { readonly c: number }): number {
  checkMixing({ n, b });
  checkWhole("n", n, { least: 2 });
  checkNumber("c", c, { above: 0 });
  return c * b * log(n);
}

/**
 * The same epidemic as a random process (Bailey 1975, section 5.3, "simple stochastic epidemic"): with i who know it
 * the next one learns it after an exponential pause of rate beta i (n+1-i), hence the expected time from `from` to `to`
 * people who know it is
 *
 *     sum over i = from .. to-1 of  n / (b i (n+1-i)),
 *
 * from 1 to all n+1: 2 n H_n / (b(n+1)), about 2 (ln n + 0.577)/b. The equation lacks the 0.577: it does not know that
 * the first calls and the last ones come by chance.
 *
 * 1 <= from <= to <= n + 1. Takes as many steps as people are informed.
 */
export function expectedTimeToInform({
  n,
  b,
  from = 1,
  to = n + 1,
}: Mixing & { readonly from?: number; readonly to?: number }): number {
  return sumOverPauses({ n, b, from, to }, (mean) => mean);
}

/** Variance of the same time: the sum of the squares of the same means, as the pauses are independent. */
export function varianceOfTimeToInform({
  n,
  b,
  from = 1,
  to = n + 1,
}: Mixing & { readonly from?: number; readonly to?: number }): number {
  return sumOverPauses({ n, b, from, to }, (mean) => mean * mean);
}

function sumOverPauses(
  { n, b, from, to }: Mixing & { readonly from: number; readonly to: number },
  term: (meanPause: number) => number,
): number {
  checkMixing({ n, b });
  checkWhole("from", from, { least: 1, most: n + 1 });
  checkWhole("to", to, { least: from, most: n + 1 });
  let sum = 0;
  for (let i = from; i < to; i++) sum += term(n / (b * i * (n + 1 - i)));
  return sum;
}
