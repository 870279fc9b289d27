/**
 * What all profiles have in common: the options, what a node of a profile is made from, and what the shells around it
 * (live, simulated) may know of it. Which parts a profile puts together is in one file each: classic.ts, modern.ts.
 */
import {
  defineOptions,
  type FailureDetector,
  type KeyedNodeOf,
  type LinkQuality,
  type Members,
  type Millis,
  type NeighborView,
  type NodeId,
  type Signatures,
  type Stack,
  type Standing,
  type Tagged,
} from "../core/index.ts";
import type { MapEntry } from "../dissemination/anti-entropy-messages.ts";
import type { Broadcast } from "../dissemination/broadcast.ts";
import {
  type BroadcastMethod,
  type BroadcastOptions,
  broadcastOptions,
} from "../dissemination/broadcast-options.ts";
import {
  type GossipSource,
  type GossipSourceOptions,
  gossipSourceOptions,
} from "../dissemination/gossip-source.ts";
import type { Gossip } from "../dissemination/messages.ts";
import {
  type SharedState,
  type SharedStateOptions,
  sharedStateOptions,
} from "../dissemination/shared-state.ts";
import type { Heartbeat } from "../membership/heartbeat.ts";
import { type HeartbeatOptions, heartbeatOptions } from "../membership/heartbeat-options.ts";
import type { HyParView } from "../membership/hyparview.ts";
import { type HyParViewOptions, hyParViewOptions } from "../membership/hyparview-options.ts";
import type { ListEntry } from "../membership/messages.ts";
import { type Overlay, type OverlayOptions, overlayOptions } from "../membership/overlay.ts";
import {
  type Registration,
  type RegistrationOptions,
  registrationOptions,
} from "../membership/registration.ts";
import {
  type SeedRegistry,
  type SeedRegistryOptions,
  type StoredPeer,
  seedRegistryOptions,
} from "../membership/seed-registry.ts";
import type { Swim } from "../membership/swim.ts";
import type { MemberRecord } from "../membership/swim-messages.ts";
import { type SwimOptions, swimOptions } from "../membership/swim-options.ts";
import { type RestoredRouting, type Routing, type RoutingOptions, routingOptionSpecs } from "./routing.ts";

export type ProfileName = "classic" | "modern";

export interface StackOptions {
  readonly profile: ProfileName;
}

export const stackOptions = defineOptions<StackOptions>({
  profile: {
    default: "classic",
    choices: ["classic", "modern"],
    description:
      "Which protocols a node runs: classic, the seed-and-peer network of the documents; modern, SWIM with Lifeguard, HyParView and Plumtree",
  },
});

/** Every tunable of every profile, by part. A profile passes over the parts that it does not have. */
export interface ProfileOptions extends RoutingOptions {
  readonly stack?: Partial<StackOptions>;
  readonly registration?: Partial<RegistrationOptions>;
  readonly overlay?: Partial<OverlayOptions>;
  readonly heartbeat?: Partial<HeartbeatOptions>;
  readonly swim?: Partial<SwimOptions>;
  readonly hyparview?: Partial<HyParViewOptions>;
  readonly broadcast?: Partial<BroadcastOptions>;
  readonly source?: Partial<GossipSourceOptions>;
  readonly state?: Partial<SharedStateOptions>;
  readonly registry?: Partial<SeedRegistryOptions>;
}

/** The table from which the config file, the command line and the documentation are made. */
export const profileOptionSpecs = {
  stack: stackOptions.specs,
  source: gossipSourceOptions.specs,
  heartbeat: heartbeatOptions.specs,
  overlay: overlayOptions.specs,
  swim: swimOptions.specs,
  hyparview: hyParViewOptions.specs,
  broadcast: broadcastOptions.specs,
  state: sharedStateOptions.specs,
  registration: registrationOptions.specs,
  registry: seedRegistryOptions.specs,
  ...routingOptionSpecs,
} as const;

export function profileOf(options: ProfileOptions = {}): ProfileName {
  return stackOptions(options.stack).profile;
}

export interface PeerConfig {
  readonly name: string;
  /** Needed for lookup; the peer's own contact. */
  readonly self: NodeId;
  /** Where nodes are in the id space; default: where their identities say. */
  readonly keyedNode?: KeyedNodeOf;
  /** Configured addresses of seeds. */
  readonly seeds: readonly NodeId[];
  readonly incarnation: number;
  readonly since: number;
  readonly signatures: Signatures<unknown>;
  readonly options?: ProfileOptions;
  readonly tags?: MemberRecord["tags"];
  readonly contacts?: readonly ListEntry[];
  readonly restored?: readonly Gossip[];
  readonly restoredState?: readonly MapEntry[];
  readonly restoredRouting?: RestoredRouting;
}

type Counters = Readonly<Record<string, number>>;

/** A peer of any profile, as those see it who carry its messages and show what it does. */
export interface Peer {
  readonly profile: ProfileName;
  readonly stack: Stack;
  /** The layer that takes `leave`, and keeps the incarnation and the contacts. */
  readonly membershipLayer: "introduction" | "membership";
  readonly members: Members;
  readonly standing: Standing;
  readonly view: NeighborView & { readonly wantedDegree: number };
  readonly quality: LinkQuality;
  readonly detector: FailureDetector;
  /** Those who introduce it know of it. */
  readonly isJoined: boolean;
  /** Seeds that know of it, as far as it knows; and how many it wants. */
  readonly introducers: readonly NodeId[];
  readonly introducersWanted: number;
  readonly broadcast: Broadcast;
  readonly source: GossipSource;
  readonly state: SharedState;
  /** Undefined where no router was chosen. */
  readonly routing: Routing | undefined;
  /** What its layers count, by layer. */
  readonly counters: Readonly<Record<string, Counters>>;
  /** Whom to tell that nobody answers at an address. */
  whenUnreachable(node: NodeId): readonly Tagged[];
  /** Whom to tell that the connection to somebody broke: what was under way on it may be lost. */
  whenLinkLost(neighbor: NodeId): readonly Tagged[];
  readonly classic?: {
    readonly registration: Registration;
    readonly overlay: Overlay;
    readonly heartbeat: Heartbeat;
  };
  readonly modern?: { readonly swim: Swim; readonly hyparview: HyParView };
}

export interface SeedConfig {
  readonly self: NodeId;
  readonly otherSeeds: readonly NodeId[];
  readonly incarnation: number;
  readonly since: Millis;
  readonly signatures: Signatures<unknown>;
  readonly options?: ProfileOptions;
  readonly restored?: readonly StoredPeer[];
  readonly contacts?: readonly ListEntry[];
}

/** A peer as a seed lists it. */
export interface ListedPeer extends ListEntry {
  readonly incarnation: number;
  /** How many others could testify that it is dead. */
  readonly witnesses: number;
}

export interface Seed {
  readonly profile: ProfileName;
  readonly stack: Stack;
  readonly membershipLayer: "introduction" | "membership";
  readonly list: readonly ListedPeer[];
  /** Equal where two seeds list the same. */
  readonly fingerprint: number;
  readonly detector: FailureDetector;
  readonly counters: Readonly<Record<string, Counters>>;
  /** Whom to tell that nobody answers at an address. */
  whenUnreachable(node: NodeId): readonly Tagged[];
  /** Of the classic profile. */
  readonly registry?: SeedRegistry;
  /** Of the modern profile. */
  readonly swim?: Swim;
}

/** The layer that keeps the incarnation of a peer and whom it knows. */
export function membershipLayerOf(options?: ProfileOptions): Peer["membershipLayer"] {
  return profileOf(options) === "modern" ? "membership" : "introduction";
}

/** Neighbors that a peer has at least, once a network has formed. */
export function leastDegree(options: ProfileOptions = {}): number {
  if (profileOf(options) === "classic") return overlayOptions(options.overlay).minDegree;
  return Math.min(3, hyParViewOptions(options.hyparview).activeView);
}

/** Which law the degrees of the overlay were made to follow. Where everybody holds as many links as he may it is uniform. */
export function degreeLawOf(options: ProfileOptions = {}): OverlayOptions["law"] {
  return profileOf(options) === "classic" ? overlayOptions(options.overlay).law : "uniform";
}

/** How messages spread where nobody says otherwise. */
export function broadcastOf(options: ProfileOptions = {}): BroadcastMethod {
  const ofProfile = profileOf(options) === "modern" ? "plumtree" : broadcastOptions.specs.method.default;
  return options.broadcast?.method ?? ofProfile;
}
