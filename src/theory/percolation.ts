/**
 * Broadcasts on a grid as percolation: if each node (site) or each link (bond) is open with some probability, does the
 * message get far? On an infinite lattice it does above a threshold and never below; on a finite one the step is round.
 */
import { UsageError } from "../core/errors.ts";
import type { Graph } from "../core/graph.ts";
import { Moments } from "../core/moments.ts";
import type { Random } from "../core/random.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

/** Open links of the square lattice: 1/2, exactly (Kesten 1980). */
export const squareBondThreshold = 0.5;

/** Open nodes of the square lattice: measured, no closed form is known (Newman and Ziff 2000; Jacobsen 2015). */
export const squareSiteThreshold = 0.59274605;

export interface PercolationOptions {
  readonly graph: Graph;
  /** Undefined: another one in each run, at random. */
  readonly source?: number;
  /** Probability that a node passes on what it gets; the source always does. */
  readonly openNodes: number;
  /** Probability of a link, the same one in both directions. */
  readonly openLinks: number;
  readonly runs: number;
  readonly random: Random;
}

/**
 * The share of all nodes that a message reaches: over open links from open nodes. Whoever is reached and not open
 * counts, and passes nothing on. GOSSIP1(p, 0) is `openNodes` = p exactly; PBBF is taken for `openLinks` = 1-p+pq.
 * There is no closed form for finite graphs: nodes and links are drawn, `runs` times.
 */
export function percolationReach(options: PercolationOptions): Moments {
  const { graph, source, openNodes, openLinks, runs, random } = options;
  checkShare("openNodes", openNodes);
  checkShare("openLinks", openLinks);
  checkWhole("runs", runs, { least: 1 });
  const { nodes, offsets, neighbors } = graph;
  if (source !== undefined) checkWhole("source", source, { least: 0, most: nodes - 1 });
  const reach = new Moments();
  const reachedIn = new Int32Array(nodes);
  const queue = new Uint32Array(nodes);
  for (let run = 1; run <= runs; run++) {
    const first = source ?? random.below(nodes);
    queue[0] = first;
    reachedIn[first] = run;
    let length = 1;
    for (let head = 0; head < length; head++) {
      const node = queue[head]!;
      if (head > 0 && openNodes < 1 && random.unit() >= openNodes) continue;
      // A link is looked at in the direction in which it is needed first. Its other end has been reached by then.
      for (let i = offsets[node]!; i < offsets[node + 1]!; i++) {
        const other = neighbors[i]!;
        if (reachedIn[other] === run) continue;
        if (openLinks < 1 && random.unit() >= openLinks) continue;
        reachedIn[other] = run;
        queue[length++] = other;
      }
    }
    reach.add(length / nodes);
  }
  return reach;
}

export interface PbbfDice {
  /** A node sends at once with probability p, 0 to 1. */
  readonly p: number;
  /** A node spends a sleeping time awake with probability q, 0 to 1. */
  readonly q: number;
}

/**
 * 1 - p + pq: the probability that a node gets what a neighbor sends. If that one announces it (1-p) surely, if it sends
 * at once (p) when awake (q). The message is to get far where this exceeds the bond-percolation threshold (Miller,
 * Sengul and Gupta 2005).
 *
 * Links are taken as independent. They are not: all links of a sender share its one die, and all copies that come to a
 * node in one frame meet it asleep or awake together. That is nearer to open nodes than to open links, whose threshold
 * is higher: the condition is necessary and, near the threshold, not sufficient.
 */
export function pbbfOpenLink({ p, q }: PbbfDice): number {
  checkShare("p", p);
  checkShare("q", q);
  return 1 - p + p * q;
}

/** The p at which a link is open with probability `threshold`: (1 - threshold)/(1 - q). Above 1: p may be anything. */
export function pbbfCriticalP({ q, threshold }: { readonly q: number; readonly threshold: number }): number {
  checkShare("q", q);
  checkShare("threshold", threshold);
  return q === 1 ? Number.POSITIVE_INFINITY : (1 - threshold) / (1 - q);
}

/**
 * L1 + L2 (1-p)/(1-p+pq): mean time over a link, given that the message passes (the same). Sent at once it takes
 * `immediateMs` (L1); announced, `waitMs` longer (L2). In milliseconds, both >= 0. Throws `UsageError` where nothing
 * passes: p = 1 and q = 0.
 */
export function pbbfHopLatencyMs({
  p,
  q,
  immediateMs,
  waitMs,
}: PbbfDice & { readonly immediateMs: number; readonly waitMs: number }): number {
  checkNumber("immediateMs", immediateMs, { least: 0 });
  checkNumber("waitMs", waitMs, { least: 0 });
  const open = pbbfOpenLink({ p, q });
  if (open === 0) throw new UsageError("q: 0 with p = 1 lets nothing pass");
  return immediateMs + (waitMs * (1 - p)) / open;
}

/**
 * (activeMs + q (frameMs - activeMs)) / frameMs: the share of time that a node is awake while there is nothing to send,
 * linear in q (the same). What radios need asleep is left out: it is a thousandth. 0 < activeMs < frameMs.
 */
export function pbbfAwakeShare({
  q,
  frameMs,
  activeMs,
}: {
  readonly q: number;
  readonly frameMs: number;
  readonly activeMs: number;
}): number {
  checkShare("q", q);
  checkNumber("activeMs", activeMs, { above: 0 });
  checkNumber("frameMs", frameMs, { above: activeMs });
  return (activeMs + q * (frameMs - activeMs)) / frameMs;
}
