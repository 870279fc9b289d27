/**
 * What becomes of Kademlia's lookups where some nodes misroute, and what disjoint paths are worth (Baumgart and Mies 2007,
 * S/Kademlia), in a model that shares no line with the protocol.
 *
 * The network is that of kademlia-lookups.ts. Its adversaries invent: whichever key they are asked for, they name k ids
 * nearer to it than anybody, and whoever stands behind these answers likewise. So a path is lost with the first
 * adversary on it. Each of d paths begins with every d-th of the nodes that the asker knows, asks one node at a time,
 * and takes answers only from the nodes that it asked itself; no node is asked by two paths.
 */
import { Moments } from "../core/moments.ts";
import type { Random } from "../core/random.ts";
import { KademliaNetwork, KademliaTarget } from "./kademlia-network.ts";
import { bits53, failedNodes, someLiveNode, sortedIds } from "./random-ids.ts";
import { checkShare, checkWhole } from "./valid-range.ts";

export interface MisroutedLookupsOptions {
  /** All nodes, at least 2. */
  readonly n: number;
  /** Contacts in a bucket, nodes in an answer, and nodes that a path looks for: default 20. */
  readonly k?: number;
  /** d: default 1. */
  readonly paths?: number;
  /** Each node is an adversary with this probability. */
  readonly adversaries: number;
  /** Default 200 in each network. */
  readonly lookups?: number;
  /** Sets of ids, and of adversaries, that are drawn. Default 5. */
  readonly networks?: number;
  readonly random: Random;
}

/** Means of the networks. */
export interface MisroutedLookups {
  /** Share of lookups in which the nearest honest node was asked, so that its records would be read. */
  readonly success: Moments;
  /** Nodes asked, invented ones included. */
  readonly queries: Moments;
}

/** Random targets, looked up by random honest nodes. */
export function misroutedLookups(options: MisroutedLookupsOptions): MisroutedLookups {
  const { n, k = 20, paths = 1, adversaries, lookups = 200, networks = 5, random } = options;
  checkWhole("n", n, { least: 2, most: 1e8 });
  checkWhole("k", k, { least: 1, most: 1000 });
  checkWhole("paths", paths, { least: 1, most: 1000 });
  checkShare("adversaries", adversaries);
  checkWhole("lookups", lookups, { least: 1 });
  checkWhole("networks", networks, { least: 1 });
  const result = { success: new Moments(), queries: new Moments() };
  for (let drawn = 0; drawn < networks; drawn++) {
    const ids = sortedIds(n, random);
    // To the network "failed" says who does not count as found. Here they answer.
    const network = new KademliaNetwork(ids, failedNodes(n, adversaries, random), k, random);
    const sums = { success: 0, queries: 0 };
    for (let i = 0; i < lookups; i++) {
      const from = someLiveNode(network.isFailed, random);
      const { isFound, queries } = lookUp(network, from, bits53(random), paths);
      if (isFound) sums.success++;
      sums.queries += queries;
    }
    result.success.add(sums.success / lookups);
    result.queries.add(sums.queries / lookups);
  }
  return result;
}

interface Candidate {
  readonly node: number;
  readonly distance: number;
}

function lookUp(network: KademliaNetwork, from: number, id: number, paths: number) {
  const { k, isFailed } = network;
  const n = network.ids.length;
  const target = new KademliaTarget(network, id);
  const asked = new Set<number>();
  const branches = Array.from({ length: paths }, () => new Map<number, Candidate>());
  const own = target.nearest(target.answerOf(from), k);
  for (const [i, node] of own.entries()) hear(branches[i % paths]!, node, target.distance(node));
  for (;;) {
    // All paths ask at the same time.
    const questions = branches.flatMap((branch) => {
      const next = nearest(branch, k).find(({ node }) => !asked.has(node));
      if (next === undefined) return [];
      asked.add(next.node);
      return [{ branch, node: next.node }];
    });
    if (questions.length === 0) break;
    for (const { branch, node } of questions) {
      const isHonest = node < n && isFailed[node] === 0;
      if (isHonest) {
        for (const other of target.answerOf(node))
          if (other !== from) hear(branch, other, target.distance(other));
      } else for (let i = 0; i < k; i++) hear(branch, n + i, -1 - i);
    }
  }
  // Nobody has to ask itself.
  const wanted = target.truth()[0];
  return { isFound: wanted === undefined || wanted === from || asked.has(wanted), queries: asked.size };
}

function hear(branch: Map<number, Candidate>, node: number, distance: number): void {
  if (!branch.has(node)) branch.set(node, { node, distance });
}

function nearest(branch: ReadonlyMap<number, Candidate>, k: number): Candidate[] {
  return [...branch.values()].sort((a, b) => a.distance - b.distance).slice(0, k);
}
