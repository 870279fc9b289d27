/**
 * Does a rumor die out before it has really begun? While hardly anybody knows it, spreaders do not meet, and each has
 * its own offspring: a branching process (Watson and Galton 1875; Harris 1963, "The theory of branching processes",
 * I.6). With G(q) = sum of P(j children) q^j, it dies out with the smallest q that has q = G(q). That is 1 if there is
 * one child or less on average, and small soon above: "possible, but improbable" (document 003, slide
 * "Fault-tolerance"; its reference is Galey and Dani 1998).
 *
 * SI never dies out unless its spreaders crash: they call until they reach somebody. With feedback nobody loses interest
 * while all that it meets are susceptible. It is blind spreaders, and copies that get lost, that this is about.
 */

import { exp, pow } from "../core/deterministic-math.ts";
import { UsageError } from "../core/errors.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

/** How many nodes a node infects, as the power series of its probabilities, and the derivative of that. */
export interface Offspring {
  readonly mean: number;
  /** G(q), for q from 0 to 1. */
  generating(q: number): number;
  /** G'(q). */
  derivative(q: number): number;
}

/** A Poisson number: G = e^(-mean(1-q)). Calls at random times for a fixed time, say. `mean` >= 0. */
export function poissonOffspring(mean: number): Offspring {
  checkNumber("mean", mean, { least: 0 });
  const generating = (q: number) => exp(-mean * (1 - q));
  return { mean, generating, derivative: (q) => mean * generating(q) };
}

/**
 * Of `copies` copies each arrives with probability `arrival`: G = (1 - arrival + arrival q)^copies. Blind spreaders with
 * a counter, infect and die. `copies` a whole number >= 0; `arrival` from 0 to 1: (1-loss)(1-crashed).
 */
export function binomialOffspring({
  copies,
  arrival,
}: {
  readonly copies: number;
  readonly arrival: number;
}): Offspring {
  checkWhole("copies", copies, { least: 0 });
  checkShare("arrival", arrival);
  const one = (q: number) => 1 - arrival + arrival * q;
  return {
    mean: copies * arrival,
    generating: (q) => pow(one(q), copies),
    derivative: (q) => (copies === 0 ? 0 : copies * arrival * pow(one(q), copies - 1)),
  };
}

/**
 * After each copy, which arrives with probability `arrival`, one stops with probability 1/k: G = z/k / (1 - (1-1/k) z)
 * with z = 1 - arrival + arrival q. Blind spreaders with a coin. `k` >= 1, `arrival` from 0 to 1.
 */
export function coinOffspring({ k, arrival }: { readonly k: number; readonly arrival: number }): Offspring {
  checkNumber("k", k, { least: 1 });
  checkShare("arrival", arrival);
  const one = (q: number) => 1 - arrival + arrival * q;
  const goOn = 1 - 1 / k;
  return {
    mean: k * arrival,
    generating: (q) => one(q) / k / (1 - goOn * one(q)),
    derivative: (q) => arrival / k / ((1 - goOn * one(q)) * (1 - goOn * one(q))),
  };
}

/** A limit on the steps below that no offspring here comes near. */
const maxSteps = 10_000;

/**
 * The smallest q with q = G(q): the probability that the offspring of one spreader dies out, if there were infinitely
 * many nodes. In a finite network it is the probability that the rumor reaches almost nobody instead of almost all it
 * would reach.
 *
 * Newton's method from 0: G is convex, so it comes from below and never passes the fixed point.
 */
export function extinctionProbability({ mean, generating, derivative }: Offspring): number {
  if (generating(0) === 0) return 0;
  if (mean <= 1) return 1;
  let q = 0;
  for (let step = 0; step < maxSteps; step++) {
    const next = q + (generating(q) - q) / (1 - derivative(q));
    // From below it rises until the last digit, and then it stands, or falls back by that digit.
    if (!(next > q)) return q;
    q = Math.min(next, 1);
  }
  throw new UsageError(`mean: ${mean} is so near to 1 that the fixed point is not found`);
}

/**
 * q^m: once m nodes spread it, all of their lines must die out. Ten are enough for most purposes: "once a few nodes are
 * infected, with high probability, the epidemic will not die out". `extinction` from 0 to 1, `spreaders` m >= 0 whole.
 */
export function extinctionAmong({
  extinction,
  spreaders,
}: {
  readonly extinction: number;
  readonly spreaders: number;
}): number {
  checkShare("extinction", extinction);
  checkWhole("spreaders", spreaders, { least: 0 });
  return pow(extinction, spreaders);
}
