/**
 * Synchronous rounds by their mean: p is the share of nodes that do not know the rumor before a round, the step gives
 * the share after it. n nodes; each caller calls uniformly.
 *
 *     push       p' = p (1-1/n)^(b n (1-p))      -> p e^(-b(1-p))        the end: p/e^b
 *     pull       p' = p^(k+1)                                            the end: squared and squared again
 *     push-pull  p' = p^2 (1-1/n)^(n(1-p))       -> p^2 e^(-(1-p))
 *
 * Sources: Demers et al. 1987, 1.3 (push and pull of the last nodes); document 000, "Propagation Rate Analysis"; document
 * 003, slide "Pull Gossip: Analysis"; Karp et al. 2000, section 2. The mean of a round is exact but for 1/n; iterated, a
 * recurrence follows a large network closely once some hundreds of nodes know it, and up to the last hundreds.
 */
import { exp, log, pow } from "../core/deterministic-math.ts";
import { UsageError } from "../core/errors.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

/** From the share that does not know the rumor before a round to that after it. */
export type RoundStep = (p: number) => number;

/**
 * Push: a susceptible node stays so if none of b n (1-p) calls is for it: p' = p (1-1/n)^(b n (1-p)). `fanout` b > 0
 * calls per round; `n` >= 2; without `n` the limit p e^(-b(1-p)). `p` from 0 to 1.
 */
export function pushStep({
  p,
  n = Infinity,
  fanout = 1,
}: {
  readonly p: number;
  readonly n?: number;
  readonly fanout?: number;
}): number {
  checkShare("p", p);
  checkNumber("fanout", fanout, { above: 0 });
  return p * escapes(1 - p, n, fanout);
}

/**
 * Document 000 as it is printed: p (1+1/n)^(n(1-p)), "about p/e". The sign is wrong. The factor is larger than 1 (about
 * e^(1-p)), so that from round to round more nodes would not have heard the rumor, until nobody has. Here so that the
 * difference can be seen; nothing is computed with it. `n` >= 2, `p` from 0 to 1.
 */
export function misprintedPushStep({ p, n }: { readonly p: number; readonly n: number }): number {
  checkShare("p", p);
  checkWhole("n", n, { least: 2 });
  return p * exp(n * (1 - p) * log(1 + 1 / n));
}

/** Pull: who asks k others stays susceptible if none of them knows: p' = p^(k+1). `pulls` k > 0, `p` from 0 to 1. */
export function pullStep({ p, pulls = 1 }: { readonly p: number; readonly pulls?: number }): number {
  checkShare("p", p);
  checkNumber("pulls", pulls, { above: 0 });
  return pulls === 1 ? p * p : pow(p, pulls + 1);
}

/**
 * Pull after i rounds, in one step: p_i = p_0^((k+1)^i), "super-exponential" (document 003). `pulls` k > 0, `rounds` i
 * a whole number >= 0.
 */
export function pullAfter({
  p,
  pulls = 1,
  rounds,
}: {
  readonly p: number;
  readonly pulls?: number;
  readonly rounds: number;
}): number {
  checkShare("p", p);
  checkNumber("pulls", pulls, { above: 0 });
  checkWhole("rounds", rounds, { least: 0 });
  return pow(p, pow(pulls + 1, rounds));
}

/**
 * Push-pull: nobody that one calls knows, and nobody who knows calls: p' = p^2 (1-1/n)^(n(1-p)); without `n` the limit
 * p^2 e^(-(1-p)). Everybody calls once. Nearly all susceptible it means p' = 1 - 3(1-p): those who know triple.
 */
export function pushPullStep({ p, n = Infinity }: { readonly p: number; readonly n?: number }): number {
  checkShare("p", p);
  return p * p * escapes(1 - p, n, 1);
}

/** No call of those who know, the share `infected` of n nodes, is for a given node: (1-1/n)^(fanout n infected). */
function escapes(infected: number, n: number, fanout: number): number {
  if (n === Infinity) return exp(-fanout * infected);
  checkWhole("n", n, { least: 2 });
  return exp(fanout * n * infected * log(1 - 1 / n));
}

export interface Recurrence {
  readonly mode: "push" | "pull" | "push-pull";
  /** Nodes: >= 2. */
  readonly n: number;
  /** Calls per round of whoever calls; push and pull only, 1 for push-pull. Default 1. */
  readonly fanout?: number;
}

/** The step of a mode with everything but p filled in. Throws `UsageError` outside the ranges above. */
export function stepOf({ mode, n, fanout = 1 }: Recurrence): RoundStep {
  checkWhole("n", n, { least: 2 });
  switch (mode) {
    case "push":
      return (p) => pushStep({ p, n, fanout });
    case "pull":
      return (p) => pullStep({ p, pulls: fanout });
    case "push-pull":
      if (fanout !== 1)
        throw new UsageError(`fanout: ${fanout} is not 1, and push-pull has a formula for no other`);
      return (p) => pushPullStep({ p, n });
  }
}

/** p before any round, after one, … after `rounds` of them: rounds + 1 values. */
export function iterateRounds(step: RoundStep, p: number, rounds: number): number[] {
  checkWhole("rounds", rounds, { least: 0, most: maxRounds });
  const curve = [p];
  for (let round = 0; round < rounds; round++) curve.push(step(curve[round]!));
  return curve;
}

const maxRounds = 100_000;

/**
 * Whole rounds until p is below a limit: `below` = 1/n is "fewer than one node", 0.5/n is "fewer than half a node".
 * Throws `UsageError` where a step does not come nearer to it, as the misprinted one.
 */
export function roundsUntil({
  step,
  p,
  below,
}: {
  readonly step: RoundStep;
  readonly p: number;
  readonly below: number;
}): number {
  checkNumber("below", below, { above: 0 });
  let rounds = 0;
  let share = p;
  while (share >= below) {
    const next = step(share);
    if (!(next < share))
      throw new UsageError(`step: it leads from ${share} to ${next}, away from the limit ${below}`);
    share = next;
    rounds++;
    if (rounds > maxRounds) throw new UsageError(`step: it is not below ${below} after ${maxRounds} rounds`);
  }
  return rounds;
}

/**
 * Whole rounds from one node that knows (p = 1 - 1/n) until fewer than `left` nodes are left: 1, or a half. It lacks
 * what chance adds at both ends: a round or so, see `rounds.ts`.
 */
export function roundsByRecurrence({
  left = 1,
  ...recurrence
}: Recurrence & { readonly left?: number }): number {
  const { n } = recurrence;
  checkWhole("n", n, { least: 2 });
  checkNumber("left", left, { above: 0, most: n - 1 });
  return roundsUntil({ step: stepOf(recurrence), p: 1 - 1 / n, below: left / n });
}
