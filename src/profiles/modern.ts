/**
 * The modern profile: a membership of its own, without a list that seeds would have to keep. Seeds are members like all
 * others; new ones call them first.
 *
 *     peer:  membership  hyparview  broadcast  source  state  (router  store)
 *     seed:  membership
 *
 * SWIM with Lifeguard knows everybody and who has failed, up to `fullViewMembers`; beyond, it keeps a sample and
 * watches the neighbors only. HyParView holds a few links, and Plumtree spreads messages over these, along a tree for
 * each source; comparing histories brings what the tree lost.
 */
import { type Members, type NodeId, Stack, type Tagged, type Typed } from "../core/index.ts";
import { HyParView } from "../membership/hyparview.ts";
import { Swim } from "../membership/swim.ts";
import {
  broadcastOf,
  type Peer,
  type PeerConfig,
  type ProfileOptions,
  type Seed,
  type SeedConfig,
} from "./profile.ts";
import { upperLayers } from "./upper-layers.ts";

/** What the modern network sets otherwise than its parts by themselves. */
export function modernOptions(options: ProfileOptions = {}): ProfileOptions {
  return {
    ...options,
    broadcast: { repairIntervalMs: 30_000, ...options.broadcast, method: broadcastOf(options) },
  };
}

export function modernPeer(config: PeerConfig): Peer {
  const { seeds, incarnation, since, signatures, contacts, tags } = config;
  const options = modernOptions(config.options);
  // Each needs to know something of the other: the overlay is bound late.
  let overlay: HyParView | undefined;
  const swim = new Swim({
    role: "peer",
    introducers: seeds,
    incarnation,
    since,
    signatures,
    tags,
    contacts,
    neighbors: {
      get neighbors() {
        return overlay!.neighbors;
      },
      has: (node) => overlay!.has(node),
    },
    options: options.swim,
  });
  const hyparview = new HyParView({
    sampler: swim,
    isFullView: () => !swim.isPartial,
    standing: swim,
    quality: () => swim,
    options: options.hyparview,
  });
  overlay = hyparview;
  const members = whicheverKnows(swim, hyparview);
  const upper = upperLayers(config, { view: hyparview, members, standing: swim, options });
  const { broadcast, source, state, routing } = upper;
  return {
    profile: "modern",
    stack: new Stack({ membership: swim, hyparview, ...upper.layers }),
    membershipLayer: "membership",
    members,
    standing: swim,
    view: hyparview,
    quality: swim,
    detector: swim,
    get isJoined() {
      return swim.isJoined;
    },
    get introducers() {
      return swim.introducers;
    },
    introducersWanted: Math.min(1, seeds.length),
    broadcast,
    source,
    state,
    routing,
    counters: {
      membership: swim.counters,
      hyparview: hyparview.counters,
      broadcast: broadcast.counters,
    },
    whenUnreachable: (node) => [
      told("membership", { type: "unreachable", node }),
      told("hyparview", { type: "unreachable", node }),
    ],
    whenLinkLost: (neighbor) => [
      told("membership", { type: "unreachable", node: neighbor }),
      told("hyparview", { type: "link-lost", neighbor }),
      told("broadcast", { type: "link-lost", neighbor }),
    ],
    modern: { swim, hyparview },
  };
}

export function modernSeed(config: SeedConfig): Seed {
  const { otherSeeds, incarnation, since, signatures, contacts, options = {} } = config;
  const swim = new Swim({
    role: "seed",
    introducers: otherSeeds,
    incarnation,
    since,
    signatures,
    contacts,
    options: options.swim,
  });
  return {
    profile: "modern",
    stack: new Stack({ membership: swim }),
    membershipLayer: "membership",
    get list() {
      const alive = swim.members.filter(({ state }) => state === "alive" || state === "suspect");
      const peers = alive.filter(({ role }) => role === "peer");
      return peers.map(({ node, since, incarnation }) => ({
        peer: node,
        since,
        incarnation,
        // Everybody watches everybody.
        witnesses: alive.length - 1,
      }));
    },
    get fingerprint() {
      return swim.fingerprint;
    },
    detector: swim,
    counters: { membership: swim.counters },
    whenUnreachable: (node) => [told("membership", { type: "unreachable", node })],
    swim,
  };
}

/** SWIM while it has everybody, the views of the overlay beyond. */
function whicheverKnows(swim: Swim, hyparview: HyParView): Members {
  const now = () => (swim.isPartial ? hyparview : swim);
  return {
    get size() {
      return now().size;
    },
    get candidates() {
      return now().candidates;
    },
    sample: (count, random, accept) => now().sample(count, random, accept),
    get: (identity) => now().get(identity),
  };
}

function told(layer: string, body: Typed & { readonly [field: string]: NodeId }): Tagged {
  return { layer, body };
}
