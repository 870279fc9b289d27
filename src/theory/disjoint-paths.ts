/** What disjoint paths are worth against nodes that misroute (Baumgart and Mies 2007, S/Kademlia). */
import { log, pow } from "../core/deterministic-math.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

export interface DisjointPaths {
  /** Share of the nodes that are adversaries. */
  readonly adversaries: number;
  /** Nodes that must be honest on one path, the last included. */
  readonly hops: number;
}

/**
 * 1 - (1 - (1-f)^h)^d: one of d paths of h nodes each meets no adversary. It takes nodes for drawn anew on each path, and
 * one adversary for the end of a path: a lookup that asks others besides gets further. `hops` >= 0, `paths` >= 1.
 */
export function disjointPathsSuccess({
  adversaries,
  hops,
  paths,
}: DisjointPaths & { readonly paths: number }): number {
  checkWhole("paths", paths, { least: 1 });
  return 1 - pow(1 - honestPath({ adversaries, hops }), paths);
}

/** Fewest paths that succeed with that probability, 0 to below 1. Infinite if no path can be honest. */
export function disjointPathsNeeded({
  adversaries,
  hops,
  success,
}: DisjointPaths & { readonly success: number }): number {
  checkNumber("success", success, { least: 0, below: 1 });
  const honest = honestPath({ adversaries, hops });
  if (honest === 1) return 1;
  if (honest === 0) return Number.POSITIVE_INFINITY;
  // A hair less, so that a probability that is reached exactly needs no path more.
  return Math.max(1, Math.ceil(log(1 - success) / log(1 - honest) - 1e-9));
}

function honestPath({ adversaries, hops }: DisjointPaths): number {
  checkShare("adversaries", adversaries);
  checkNumber("hops", hops, { least: 0 });
  return adversaries === 1 ? (hops === 0 ? 1 : 0) : pow(1 - adversaries, hops);
}
