/**
 * The classic profile: the seed-and-peer network of the documents, as two stacks of parts that know each other only
 * through the interfaces in core.
 *
 *     peer:  introduction  overlay  heartbeat  broadcast  source  state  (router  store)
 *     seed:  introduction
 */
import { Stack, type Typed } from "../core/index.ts";
import { Heartbeat } from "../membership/heartbeat.ts";
import { Overlay } from "../membership/overlay.ts";
import { Registration } from "../membership/registration.ts";
import { SeedRegistry, seedRegistryOptions } from "../membership/seed-registry.ts";
import type { Peer, PeerConfig, ProfileOptions, Seed, SeedConfig } from "./profile.ts";
import { upperLayers } from "./upper-layers.ts";

/** The parts of the classic profile are there for sure. */
export type ClassicPeer = Peer & Required<Pick<Peer, "classic">>;
export type ClassicSeed = Seed & Required<Pick<Seed, "registry">>;

export function classicPeer(config: PeerConfig): ClassicPeer {
  const { seeds, incarnation, since, signatures, contacts, options = {} } = config;
  // The overlay needs to know who else is there, and registration who the neighbors are: one is bound late.
  let heartbeat: Heartbeat | undefined;
  let overlay: Overlay | undefined;
  const registration = new Registration({
    seeds,
    incarnation,
    since,
    signatures,
    contacts,
    neighbors: {
      get neighbors() {
        return overlay!.neighbors;
      },
      has: (node) => overlay!.has(node),
    },
    options: options.registration,
  });
  overlay = new Overlay({
    sampler: registration,
    standing: registration,
    quality: () => heartbeat,
    options: options.overlay,
  });
  heartbeat = new Heartbeat({ view: overlay, standing: registration, options: options.heartbeat });
  const upper = upperLayers(config, {
    view: overlay,
    members: registration,
    standing: registration,
    options,
  });
  const { broadcast, source, state, routing } = upper;
  const stack = new Stack({ introduction: registration, overlay, heartbeat, ...upper.layers });
  const isSeed = new Set(seeds);
  return {
    profile: "classic",
    stack,
    membershipLayer: "introduction",
    members: registration,
    standing: registration,
    view: overlay,
    quality: heartbeat,
    detector: heartbeat,
    get isJoined() {
      return registration.registeredWith.length >= registration.quorum;
    },
    get introducers() {
      return registration.registeredWith;
    },
    introducersWanted: registration.quorum,
    broadcast,
    source,
    state,
    routing,
    counters: {
      introduction: registration.counters,
      overlay: overlay.counters,
      heartbeat: heartbeat.counters,
      broadcast: broadcast.counters,
    },
    // A peer that cannot be dialled shows by its silence to whoever pings it; a seed is only asked now and then.
    whenUnreachable: (node) =>
      isSeed.has(node) ? [{ layer: "introduction", body: { type: "unreachable", node } as Typed }] : [],
    whenLinkLost: (neighbor) => [{ layer: "broadcast", body: { type: "link-lost", neighbor } as Typed }],
    classic: { registration, overlay, heartbeat },
  };
}

export function classicSeed({
  otherSeeds,
  signatures,
  restored,
  options = {},
}: Pick<SeedConfig, "otherSeeds" | "signatures" | "restored" | "options">): ClassicSeed {
  const registry = new SeedRegistry({ otherSeeds, signatures, restored, options: options.registry });
  return {
    profile: "classic",
    stack: new Stack({ introduction: registry }),
    membershipLayer: "introduction",
    get list() {
      return registry.list.map(({ peer, since, incarnation, neighbors }) => ({
        peer,
        since,
        incarnation,
        witnesses: neighbors.length,
      }));
    },
    get fingerprint() {
      return registry.fingerprint;
    },
    detector: registry,
    counters: { introduction: registry.counters },
    whenUnreachable: () => [],
    registry,
  };
}

/**
 * Times that must fit the ping interval where the user did not set them: a drill that scales the interval to 1 s
 * wants call-backs and repairs on the same scale. Figures are shares of the interval, capped at the defaults.
 */
export function scaledTo(pingIntervalMs: number, options: ProfileOptions = {}): ProfileOptions {
  const share = (part: number, cap: number) => Math.min(cap, Math.max(20, Math.ceil(pingIntervalMs * part)));
  return {
    ...options,
    heartbeat: { ...options.heartbeat, pingIntervalMs },
    registry: {
      callBackTimeoutMs: share(0.4, seedRegistryOptions.specs.callBackTimeoutMs.default),
      ...options.registry,
    },
  };
}
