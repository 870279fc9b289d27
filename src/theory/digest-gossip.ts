/**
 * Bimodal multicast in its two phases (Birman, Hayden, Ozkasap, Xiao, Budiu and Minsky 1999, "Bimodal multicast"): what a
 * tree delivers where copies get lost, and how the gossip of digests makes up for it. p is the share that lacks a message.
 *
 * In each round everybody who has the message tells a random partner so. Who lacks it is told by about Poisson(1 - p)
 * others, solicits it from one of them, and gets it: three messages, each of which may be lost.
 */
import { exp, pow } from "../core/deterministic-math.ts";
import { UsageError } from "../core/errors.ts";
import { type Graph, linkCount } from "../core/graph.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

/**
 * The share of the others that a multicast along a tree reaches if each copy gets lost with probability `loss`: the mean
 * of (1-loss)^h over them, h hops away, from a source anywhere with the same probability. `loss` from 0 to 1; `tree` has
 * 2 to 10,000 nodes. Throws `UsageError` if it is no tree. O(nodes^2).
 */
export function treeReach({ tree, loss }: { readonly tree: Graph; readonly loss: number }): number {
  const { nodes } = tree;
  checkWhole("nodes", nodes, { least: 2, most: 10_000 });
  checkShare("loss", loss);
  let sum = 0;
  for (let source = 0; source < nodes; source++) {
    const { reached, arrivals } = arrivalsFrom(tree, source, 1 - loss);
    if (linkCount(tree) !== nodes - 1 || reached < nodes)
      throw new UsageError(`tree: a graph of ${nodes} nodes with ${linkCount(tree)} links that is none`);
    sum += arrivals - 1;
  }
  return sum / (nodes * (nodes - 1));
}

/** The sum of arrival^h over everybody whom the source reaches, itself included. */
function arrivalsFrom({ nodes, offsets, neighbors }: Graph, source: number, arrival: number) {
  const probability = new Float64Array(nodes);
  const isKnown = new Uint8Array(nodes);
  const queue = new Uint32Array(nodes);
  queue[0] = source;
  probability[source] = 1;
  isKnown[source] = 1;
  let reached = 1;
  let arrivals = 0;
  for (let head = 0; head < reached; head++) {
    const node = queue[head]!;
    arrivals += probability[node]!;
    for (let i = offsets[node]!; i < offsets[node + 1]!; i++) {
      const other = neighbors[i]!;
      if (isKnown[other] === 1) continue;
      isKnown[other] = 1;
      probability[other] = probability[node]! * arrival;
      queue[reached++] = other;
    }
  }
  return { reached, arrivals };
}

/**
 * One synchronous round of gossip by digests: p' = p (1 - (1 - e^(-(1-p)(1-loss))) (1-loss)^2). A node that is told of
 * the message solicits it once in the round. `p` and `loss` from 0 to 1.
 */
export function digestGossipStep({ p, loss = 0 }: { readonly p: number; readonly loss?: number }): number {
  checkShare("p", p);
  checkShare("loss", loss);
  const arrival = 1 - loss;
  return p * (1 - (1 - exp(-(1 - p) * arrival)) * arrival * arrival);
}

/**
 * The same where everybody has rounds of its own, and who was told solicits each time: dp/dt = -(1-loss)^3 p (1-p) per
 * round, hence p(t) = p e^(-ct) / (1 - p + p e^(-ct)) with c = (1-loss)^3. `p` and `loss` from 0 to 1, `rounds` >= 0.
 */
export function digestGossipAfter({
  p,
  loss = 0,
  rounds,
}: {
  readonly p: number;
  readonly loss?: number;
  readonly rounds: number;
}): number {
  checkShare("p", p);
  checkShare("loss", loss);
  checkNumber("rounds", rounds, { least: 0 });
  const left = p * exp(-pow(1 - loss, 3) * rounds);
  return p === 1 ? 1 : left / (1 - p + left);
}
