/** What a simulated node knows, for who asks about it. */
import { identityOf, type NodeId } from "../../../src/core/index.ts";
import type { SimulatedNetwork } from "../../../src/simulated/index.ts";
import type { NodeDetails, NodeOpinion } from "../sources/source.ts";

const maxMessages = 100;
const maxMembers = 2000;

/** Undefined where the node is not there, or not any more. */
export function detailsOf(network: SimulatedNetwork, node: NodeId): NodeDetails | undefined {
  const row = network.simulation.rowOf(node);
  if (row === undefined) return undefined;
  const name = network.nameOf(row);
  const seed = network.seeds.get(row);
  if (seed !== undefined) {
    return {
      name,
      neighbors: [],
      members: seed.list.slice(0, maxMembers).map(({ peer }) => peer),
      messages: [],
      counters: flat(seed.counters),
      timers: [],
    };
  }
  const peer = network.peers.get(row);
  if (peer === undefined) return undefined;
  const { view, quality, members, broadcast } = peer;
  return {
    name,
    neighbors: view.neighbors.map((other) => ({ peer: other, rttMs: quality.rttMs(other) ?? null })),
    members: members.candidates.slice(0, maxMembers).map(({ peer: other }) => other),
    messages: broadcast.latestRetained(maxMessages).map(({ gossip, receivedAt }) => {
      const { origin, incarnation, sequence } = gossip.statement;
      const [text] = gossip.statement.payloads;
      return {
        key: `${identityOf(origin)}.${incarnation}.${sequence}`,
        at: receivedAt,
        ...(typeof text === "string" ? { text } : {}),
      };
    }),
    counters: flat(peer.counters),
    timers: [],
  };
}

/** What one thinks of another, and why; undefined where it is not there, or not any more. */
export function opinionOf(
  { simulation, peers, seeds }: SimulatedNetwork,
  observer: NodeId,
  member: NodeId,
): NodeOpinion | undefined {
  const row = simulation.rowOf(observer);
  const detector = row === undefined ? undefined : (peers.get(row) ?? seeds.get(row))?.detector;
  return detector && { state: detector.stateOf(member), evidence: detector.why(member) };
}

function flat(sections: Readonly<Record<string, Readonly<Record<string, number>>>>): Record<string, number> {
  const counters: Record<string, number> = {};
  for (const [section, values] of Object.entries(sections))
    for (const [name, value] of Object.entries(values)) counters[`${section}.${name}`] = value;
  return counters;
}
