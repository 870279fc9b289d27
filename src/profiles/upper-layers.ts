/** What every profile puts over its membership and its overlay: broadcast, generated messages, shared state, lookup. */
import { keyedNode, type Members, type NeighborView, type Protocol, type Standing } from "../core/index.ts";
import { Broadcast } from "../dissemination/broadcast.ts";
import { GossipSource } from "../dissemination/gossip-source.ts";
import { SharedState } from "../dissemination/shared-state.ts";
import type { Peer, PeerConfig, ProfileOptions } from "./profile.ts";
import { routing } from "./routing.ts";

interface LowerLayers {
  readonly view: NeighborView;
  readonly members: Members;
  readonly standing: Standing;
  /** With what the profile sets otherwise than its parts by themselves. */
  readonly options: ProfileOptions;
}

interface UpperLayers extends Pick<Peer, "broadcast" | "source" | "state" | "routing"> {
  /** What a stack is made of, from below. */
  readonly layers: Readonly<Record<string, Protocol<any, any, any, any>>>;
}

/** Throws `UsageError` for options that break a rule. */
export function upperLayers(
  config: PeerConfig,
  { view, members, standing, options }: LowerLayers,
): UpperLayers {
  const { name, self, signatures, restored, restoredState, restoredRouting } = config;
  const broadcast = new Broadcast({
    view,
    members,
    standing,
    signatures,
    restored,
    options: options.broadcast,
  });
  const source = new GossipSource({ name, options: options.source });
  const state = new SharedState({ view, signatures, restored: restoredState, options: options.state });
  const lookup = routing({
    self,
    keyedNode: config.keyedNode ?? keyedNode,
    sampler: members,
    signatures,
    restored: restoredRouting,
    options,
  });
  const layers = { broadcast, source, state, ...lookup?.layers };
  return { broadcast, source, state, routing: lookup, layers };
}
