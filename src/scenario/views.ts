/** What can be seen of a node of any profile from outside, in the same process. */
import type { NodeId } from "../core/index.ts";
import type { Swim } from "../membership/swim.ts";
import type { Peer, Seed } from "../profiles/index.ts";
import type { PeerView, SeedView } from "./world.ts";

interface Named {
  readonly name: string;
  readonly id: NodeId;
}

export function peerViewOf({ name, id }: Named, peer: Peer): PeerView {
  const { standing, view, isJoined, broadcast, modern } = peer;
  return {
    name,
    id,
    neighbors: view.neighbors,
    incarnation: standing.incarnation,
    isRegistered: isJoined,
    ...(modern === undefined ? {} : knowledgeOf(modern.swim)),
    retained: broadcast.retainedCount,
  };
}

function knowledgeOf({ isPartial, members }: Swim): Pick<PeerView, "members" | "isPartial"> {
  if (isPartial) return { isPartial };
  const here = members.filter(({ state }) => state === "alive" || state === "suspect");
  return { members: here.map(({ node }) => node) };
}

/** Reports, doubts and records that were forged or came from strangers, and were dropped. */
export function ignoredBy({ registry, swim }: Seed): number {
  if (registry === undefined) return swim!.counters.forged;
  return registry.counters.forgedReports + registry.counters.strangersReports;
}

export function seedViewOf({ name, id }: Named, { list, fingerprint, swim }: Seed): SeedView {
  return {
    name,
    id,
    list: list.map(({ peer, incarnation, witnesses }) => ({ peer, incarnation, neighbors: witnesses })),
    fingerprint,
    ...(swim === undefined ? {} : knowledgeOf(swim)),
  };
}
