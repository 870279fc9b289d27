/**
 * Who never hears a rumor that its spreaders lose interest in: s, the residue, by what stops them. All of them are one
 * equation, s = e^(-R(1-s)): whoever heard it sends R copies in all, uniformly, so nodes get R(1-s) on average, and
 * none with probability e^(-R(1-s)).
 *
 *     feedback, coin 1/k    R = k + 1        document 000, "SIR Model Variant"; Demers et al. 1987, 1.4
 *     blind, coin 1/k       R = k            a coin that falls after each copy, whatever it met: k copies on average
 *     blind, counter k      R = k            k copies and out: infect and die with fan-out k
 *
 * For large n, and as long as the rumor does not die out at once (`branching.ts`).
 */
import { exp, log } from "../core/deterministic-math.ts";
import { lambertW0 } from "./lambert-w.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

/**
 * The smaller solution of s = e^(-R(1-s)): s = -W0(-R e^-R)/R for R > 1, and 1 for R <= 1, where no rumor spreads far.
 * `copies` R >= 0 per node that knows it. (Kermack and McKendrick 1927: the final size of an epidemic.)
 */
export function finalResidue(copies: number): number {
  checkNumber("copies", copies, { least: 0 });
  if (copies <= 1) return 1;
  return -lambertW0(-copies * exp(-copies)) / copies;
}

/**
 * Feedback and coin: s* = e^(-(k+1)(1-s*)), 0.2032, 0.0595, 0.0198, 0.0070 for k = 1..4 (document 000 names 0.02 and
 * 0.007). Whoever calls somebody who knows already stops with probability 1/k. `k` >= 1.
 */
export function sirResidue({ k }: { readonly k: number }): number {
  checkNumber("k", k, { least: 1 });
  return finalResidue(k + 1);
}

/**
 * Blind and coin: after each copy one stops with probability 1/k, so it sends k on average, s = e^(-k(1-s)). `k` >= 1;
 * k = 1 is a chain that ends where it meets itself, and reaches no share of a large network: see `blindChainReach`.
 */
export function blindCoinResidue({ k }: { readonly k: number }): number {
  checkNumber("k", k, { least: 1 });
  return finalResidue(k);
}

/** Infect and die: whoever hears it sends f copies at once, or over time, and stops. `fanout` f >= 0, on average. */
export function infectAndDieResidue({ fanout }: { readonly fanout: number }): number {
  checkNumber("fanout", fanout, { least: 0 });
  return finalResidue(fanout);
}

/**
 * With one copy each the rumor is a chain, each node telling the next, until one calls somebody who was called before.
 * Expected nodes that know it, the first one included, of n:
 *
 *     sum over j >= 1 of P(at least j) = 1 + sum over j >= 1 of product over i < j of (1 - i/(n-1)),
 *
 * about sqrt(pi n / 2): 40 of 1000, which is the 0.96 in the first row of table 2 of Demers et al. 1987. `n` >= 2.
 */
export function blindChainReach({ n }: { readonly n: number }): number {
  checkWhole("n", n, { least: 2 });
  let reach = 1;
  let probability = 1;
  for (let known = 0; known < n - 1 && probability > 1e-18; known++) {
    // The one at the end of the chain calls one of n-1; `known` of these have heard it.
    probability *= 1 - known / (n - 1);
    reach += probability;
  }
  return reach;
}

/**
 * s = e^(-m): with m copies per node in all, uniformly and by push, this share gets none; whatever made the spreaders
 * stop (Demers et al. 1987, 1.4). `traffic` m >= 0.
 */
export function residueOfTraffic(traffic: number): number {
  checkNumber("traffic", traffic, { least: 0 });
  return exp(-traffic);
}

/** The inverse, m = ln(1/s): what a residue costs in copies per node. `residue` in (0, 1]. */
export function trafficOfResidue(residue: number): number {
  checkNumber("residue", residue, { above: 0, most: 1 });
  return Math.max(0, -log(residue));
}

/**
 * What the limit of one connection gains per copy: lambda = 1/(1-1/e) = 1.582. When nearly everybody calls, a node gets
 * no call in a cycle with probability 1/e, limit or not. With the limit it takes one and refuses the others, which then
 * cost no copy: e^-1 of the susceptible ones are left for 1-1/e copies per node (Demers et al. 1987, 1.4).
 */
export const connectionLimitGain: number = 1 / (1 - exp(-1));

/**
 * s = e^(-lambda m) with the limit of one connection and push, for rounds in which nearly everybody calls. `traffic` m
 * >= 0 copies per node. It is the limit for long rumors: over all of a rumor, with a beginning in which few call and
 * nobody is refused, -ln(s)/m is less, 1.08 for a blind counter of 2 and 1.32 for 5 (measured, n = 10^5).
 */
export function residueOfLimitedTraffic(traffic: number): number {
  checkNumber("traffic", traffic, { least: 0 });
  return exp(-connectionLimitGain * traffic);
}

/** m = (1-s) R: copies per node of a rumor with the residue `s` whose spreaders send R copies each. */
export function trafficOfCopies({
  copies,
  residue,
}: {
  readonly copies: number;
  readonly residue: number;
}): number {
  checkNumber("copies", copies, { least: 0 });
  checkShare("residue", residue);
  return copies * (1 - residue);
}
