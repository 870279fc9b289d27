/**
 * Lookup and store as two layers on top of any stack: the router that was chosen, and the store over it. The classic peer
 * has them, the lookup node is nothing else, and the laboratory of lookup runs them alone.
 */
import {
  type KeyedNodeOf,
  type NodeId,
  type PeerSampler,
  type Protocol,
  type RoutingProtocol,
  type Signatures,
  UsageError,
} from "../core/index.ts";
import { type LookupSettings, lookupOptions, type RouterName } from "../lookup/lookup-options.ts";

/** Every tunable of lookup and store, by part. */
export interface RoutingOptions {
  readonly lookup?: Partial<LookupSettings>;
}

export const routingOptionSpecs = {
  lookup: lookupOptions.specs,
} as const;

export interface RoutingConfig {
  readonly self: NodeId;
  readonly keyedNode: KeyedNodeOf;
  readonly bootstrap?: readonly NodeId[];
  /** Others that the membership knows. */
  readonly sampler?: PeerSampler;
  readonly signatures: Signatures<unknown>;
  readonly options?: RoutingOptions;
}

export interface Routing {
  /** Also the name of the router's layer. */
  readonly name: Exclude<RouterName, "none">;
  readonly router: RoutingProtocol;
  /** What a stack is made of: the router below the store. */
  readonly layers: Readonly<Record<string, Protocol<any, any, any, any>>>;
}

/** Undefined where no router is chosen. */
export function routing(config: RoutingConfig): Routing | undefined {
  const { router: name } = lookupOptions(config.options?.lookup);
  if (name === "none") return undefined;
  throw new UsageError(`router: ${name} is being written`);
}
