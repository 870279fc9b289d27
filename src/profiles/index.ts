import { classicPeer, classicSeed } from "./classic.ts";
import { modernOptions, modernPeer, modernSeed } from "./modern.ts";
import {
  type Peer,
  type PeerConfig,
  type ProfileOptions,
  profileOf,
  type Seed,
  type SeedConfig,
} from "./profile.ts";

export { type ClassicPeer, type ClassicSeed, classicPeer, classicSeed, scaledTo } from "./classic.ts";
export { detectionBoundMs } from "./detection-bound.ts";
export * from "./merge-options.ts";
export { modernOptions, modernPeer, modernSeed } from "./modern.ts";
export * from "./profile.ts";
export * from "./routing.ts";

/** A peer of the profile that its options name. Throws `UsageError` for options that break a rule. */
export function makePeer(config: PeerConfig): Peer {
  return profileOf(config.options) === "modern" ? modernPeer(config) : classicPeer(config);
}

export function makeSeed(config: SeedConfig): Seed {
  return profileOf(config.options) === "modern" ? modernSeed(config) : classicSeed(config);
}

/** With what the profile sets otherwise than its parts by themselves: what nodes with these options do. */
export function effectiveOptions<Options extends ProfileOptions>(options: Options): Options {
  return profileOf(options) === "modern" ? { ...options, ...modernOptions(options) } : options;
}
