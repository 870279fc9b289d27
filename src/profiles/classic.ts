/**
 * The classic profile: the seed-and-peer network of the documents, as two stacks of parts that know each other only
 * through the interfaces in core.
 *
 *     peer:  introduction  overlay  heartbeat  broadcast  source  state  (router  store)
 *     seed:  introduction
 */
import { type KeyedNodeOf, keyedNode, type NodeId, type Signatures, Stack } from "../core/index.ts";
import type { MapEntry } from "../dissemination/anti-entropy-messages.ts";
import { Broadcast } from "../dissemination/broadcast.ts";
import { type BroadcastOptions, broadcastOptions } from "../dissemination/broadcast-options.ts";
import {
  GossipSource,
  type GossipSourceOptions,
  gossipSourceOptions,
} from "../dissemination/gossip-source.ts";
import type { Gossip } from "../dissemination/messages.ts";
import { SharedState, type SharedStateOptions, sharedStateOptions } from "../dissemination/shared-state.ts";
import { Heartbeat, type HeartbeatOptions, heartbeatOptions } from "../membership/heartbeat.ts";
import type { ListEntry } from "../membership/messages.ts";
import { Overlay, type OverlayOptions, overlayOptions } from "../membership/overlay.ts";
import { Registration, type RegistrationOptions, registrationOptions } from "../membership/registration.ts";
import {
  SeedRegistry,
  type SeedRegistryOptions,
  type StoredPeer,
  seedRegistryOptions,
} from "../membership/seed-registry.ts";
import {
  type RestoredRouting,
  type Routing,
  type RoutingOptions,
  routing,
  routingOptionSpecs,
} from "./routing.ts";

/** Every tunable of the classic network, by part. */
export interface ClassicOptions extends RoutingOptions {
  readonly registration?: Partial<RegistrationOptions>;
  readonly overlay?: Partial<OverlayOptions>;
  readonly heartbeat?: Partial<HeartbeatOptions>;
  readonly broadcast?: Partial<BroadcastOptions>;
  readonly source?: Partial<GossipSourceOptions>;
  readonly state?: Partial<SharedStateOptions>;
  readonly registry?: Partial<SeedRegistryOptions>;
}

/** The table from which the config file, the command line and the documentation are made. */
export const classicOptionSpecs = {
  source: gossipSourceOptions.specs,
  heartbeat: heartbeatOptions.specs,
  overlay: overlayOptions.specs,
  broadcast: broadcastOptions.specs,
  state: sharedStateOptions.specs,
  registration: registrationOptions.specs,
  registry: seedRegistryOptions.specs,
  ...routingOptionSpecs,
} as const;

export interface ClassicPeerConfig {
  readonly name: string;
  /** Needed for lookup; the peer's own contact. */
  readonly self: NodeId;
  /** Where nodes are in the id space; default: where their identities say. */
  readonly keyedNode?: KeyedNodeOf;
  readonly seeds: readonly NodeId[];
  readonly incarnation: number;
  readonly since: number;
  readonly signatures: Signatures<unknown>;
  readonly options?: ClassicOptions;
  readonly contacts?: readonly ListEntry[];
  readonly restored?: readonly Gossip[];
  readonly restoredState?: readonly MapEntry[];
  readonly restoredRouting?: RestoredRouting;
}

export interface ClassicPeer {
  readonly stack: Stack;
  readonly registration: Registration;
  readonly overlay: Overlay;
  readonly heartbeat: Heartbeat;
  readonly broadcast: Broadcast;
  readonly source: GossipSource;
  readonly state: SharedState;
  /** Undefined where no router was chosen. */
  readonly routing: Routing | undefined;
}

export function classicPeer(config: ClassicPeerConfig): ClassicPeer {
  const { seeds, incarnation, since, signatures, contacts, options = {} } = config;
  const { restored, restoredState } = config;
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
  const broadcast = new Broadcast({
    view: overlay,
    members: registration,
    standing: registration,
    signatures,
    restored,
    options: options.broadcast,
  });
  const source = new GossipSource({ name: config.name, options: options.source });
  const state = new SharedState({
    view: overlay,
    signatures,
    restored: restoredState,
    options: options.state,
  });
  const lookup = routing({
    self: config.self,
    keyedNode: config.keyedNode ?? keyedNode,
    sampler: registration,
    signatures,
    restored: config.restoredRouting,
    options,
  });
  const layers = { introduction: registration, overlay, heartbeat, broadcast, source, state };
  const stack = new Stack({ ...layers, ...lookup?.layers });
  return { stack, registration, overlay, heartbeat, broadcast, source, state, routing: lookup };
}

export interface ClassicSeedConfig {
  readonly otherSeeds: readonly NodeId[];
  readonly signatures: Signatures<unknown>;
  readonly options?: ClassicOptions;
  readonly restored?: readonly StoredPeer[];
}

export interface ClassicSeed {
  readonly stack: Stack;
  readonly registry: SeedRegistry;
}

export function classicSeed({
  otherSeeds,
  signatures,
  restored,
  options = {},
}: ClassicSeedConfig): ClassicSeed {
  const registry = new SeedRegistry({ otherSeeds, signatures, restored, options: options.registry });
  return { stack: new Stack({ introduction: registry }), registry };
}

/**
 * Times that must fit the ping interval where the user did not set them: a drill that scales the interval to 1 s
 * wants call-backs and repairs on the same scale. Figures are shares of the interval, capped at the defaults.
 */
export function scaledTo(pingIntervalMs: number, options: ClassicOptions = {}): ClassicOptions {
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
