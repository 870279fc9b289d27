/** What can be seen of a node of any profile from outside, in the same process. */
import type { NodeId } from "../core/index.ts";
import type { Peer, Seed } from "../profiles/index.ts";
import type { PeerView, SeedView } from "./world.ts";

interface Named {
  readonly name: string;
  readonly id: NodeId;
}

export function peerViewOf({ name, id }: Named, peer: Peer): PeerView {
  const { standing, view, isJoined, broadcast, modern } = peer;
  const knowsAll = modern !== undefined && !modern.swim.isPartial;
  return {
    name,
    id,
    neighbors: view.neighbors,
    incarnation: standing.incarnation,
    isRegistered: isJoined,
    ...(knowsAll ? { members: modern.swim.candidates.map((candidate) => candidate.peer) } : {}),
    retained: broadcast.retainedCount,
  };
}

export function seedViewOf({ name, id }: Named, { list, fingerprint, swim }: Seed): SeedView {
  return {
    name,
    id,
    list: list.map(({ peer, incarnation, witnesses }) => ({ peer, incarnation, neighbors: witnesses })),
    fingerprint,
    ...(swim?.isPartial === true ? { isPartial: true } : {}),
  };
}
