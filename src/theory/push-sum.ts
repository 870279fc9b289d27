/**
 * How fast push-sum converges (Kempe, Dobra and Gehrke 2003, "Gossip-based computation of aggregate information",
 * FOCS, section 2).
 */

import { log2 } from "./rounds.ts";
import { checkNumber, checkWhole } from "./valid-range.ts";

/**
 * Lemma 2.3 as it is printed: in a synchronous round the potential falls to 1/2 - 1/(2n) of what it was, in
 * expectation. `n` >= 2.
 */
export function publishedPotentialFactor({ n }: { readonly n: number }): number {
  checkWhole("n", n, { least: 2 });
  return 1 / 2 - 1 / (2 * n);
}

/**
 * The same, exactly. Let u_i = s_i - w_i S/W, so that all u_i sum to 0. After a round u_i is half of what it was and
 * half of each u_k whose partner is i, and the square of that has three parts: 1/4 + 1/4 of the squares; the products
 * u_i u_k, each with the chance that k chose i; and the products u_k u_l, with the chance that both chose the same.
 * All products of different nodes sum to minus the squares. So the factor is
 *
 *     1/2 - 1/(2(n-1)) - (n-2)/(4(n-1)^2)    where nobody chooses itself
 *     1/2 - 1/(4n)                           where all are chosen alike, oneself too
 *
 * Both are 1/2 in a large network, as the lemma says. `n` >= 2.
 */
export function potentialFactor({
  n,
  choosesItself = false,
}: {
  readonly n: number;
  readonly choosesItself?: boolean;
}): number {
  checkWhole("n", n, { least: 2 });
  if (choosesItself) return 1 / 2 - 1 / (4 * n);
  const others = n - 1;
  return 1 / 2 - 1 / (2 * others) - (n - 2) / (4 * others * others);
}

/**
 * Rounds until all of n nodes know their number with a relative error of epsilon: the potential is n^2 at first, when one
 * node has all the weight, and n epsilon^2 in the end, when the error of a node is what s_i - w_i n has left of 1; and
 * it is halved in each round. So log2 n + 2 log2 (1/epsilon), up to a constant. Theorem 2.1 has O(log n + log 1/epsilon
 * + log 1/delta) for all nodes
 * with probability 1 - delta. `n` >= 2; `epsilon` from 1e-12 to 1/2.
 */
export function countingRounds({ n, epsilon }: { readonly n: number; readonly epsilon: number }): number {
  checkWhole("n", n, { least: 2 });
  checkNumber("epsilon", epsilon, { least: 1e-12, most: 0.5 });
  return log2(n) + 2 * log2(1 / epsilon);
}
