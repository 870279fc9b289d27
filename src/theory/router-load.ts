/**
 * What gossip costs the core: how many calls of a round leave their subnet.
 *
 * Source: document 003, slide "Topology-Aware Gossip": two subnets of N/2, random targets load the router with N/2
 * calls per round; "in subnet i, which contains n_i nodes, pick gossip target in your subnet with probability
 * (1-1/n_i)", and the load is one call per subnet and round, while dissemination stays O(log N). All nodes call once a
 * round: push by those who know, pull by those who do not; while not all call, it is less.
 */

import { UsageError } from "../core/errors.ts";
import { checkShare, checkWhole } from "./valid-range.ts";

/**
 * `uniform`: anybody else. `topology-aware`: somebody else in the own subnet with probability 1-1/n_i, otherwise
 * anybody outside.
 */
export type TargetRule = "uniform" | "topology-aware";

export interface Subnets {
  /** n_i: how many nodes each subnet has, whole numbers >= 1. At least two nodes in all. */
  readonly sizes: readonly number[];
}

function checkSubnets({ sizes }: Subnets): number {
  for (const size of sizes) checkWhole("sizes", size, { least: 1 });
  const nodes = sizes.reduce((sum, size) => sum + size, 0);
  if (nodes < 2) throw new UsageError(`sizes: ${nodes} nodes are less than 2: nobody to call`);
  return nodes;
}

/**
 * The probability that a node of subnet i calls outside: (N-n_i)/(N-1) uniformly, 1/n_i topology-aware; 0 if there is no
 * outside. `subnet` is an index of `sizes`.
 */
export function outsideProbability(
  rule: TargetRule,
  { sizes, subnet }: Subnets & { readonly subnet: number },
): number {
  const nodes = checkSubnets({ sizes });
  checkWhole("subnet", subnet, { least: 0, most: sizes.length - 1 });
  const size = sizes[subnet]!;
  if (size === nodes) return 0;
  return rule === "uniform" ? (nodes - size) / (nodes - 1) : 1 / size;
}

/**
 * Calls per round that leave their subnet, which is what a router between all subnets forwards: uniformly the sum of
 * n_i (N-n_i)/(N-1), about N/2 for two halves; topology-aware the number of subnets, whatever their size. `calling` is
 * the share of nodes that call, evenly spread over the subnets; default 1.
 */
export function crossingsPerRound(
  rule: TargetRule,
  { sizes, calling = 1 }: Subnets & { readonly calling?: number },
): number {
  checkShare("calling", calling);
  let sum = 0;
  for (let subnet = 0; subnet < sizes.length; subnet++) {
    sum += sizes[subnet]! * outsideProbability(rule, { sizes, subnet });
  }
  return calling * sum;
}

/**
 * Calls per round over the uplink of one subnet, in both directions: its own to the outside, and those of each other
 * subnet j that choose it, the share n_i/(N-n_j) of what leaves j.
 */
export function uplinkCallsPerRound(
  rule: TargetRule,
  { sizes, subnet }: Subnets & { readonly subnet: number },
): number {
  const nodes = checkSubnets({ sizes });
  checkWhole("subnet", subnet, { least: 0, most: sizes.length - 1 });
  return sizes.reduce((sum, size, other) => {
    const leaving = size * outsideProbability(rule, { sizes, subnet: other });
    return sum + (other === subnet ? leaving : (leaving * sizes[subnet]!) / (nodes - size));
  }, 0);
}
