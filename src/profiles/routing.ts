/**
 * Lookup and store as two layers on top of any stack: the router that was chosen, and the store over it. The classic peer
 * has them, the lookup node is nothing else, and the laboratory of lookup runs them alone.
 */
import type {
  KeyedNodeOf,
  NodeId,
  PeerSampler,
  Protocol,
  RecordSource,
  RememberedContacts,
  RoutingProtocol,
  Signatures,
} from "../core/index.ts";
import { Chord } from "../lookup/chord.ts";
import { type ChordOptions, chordOptions } from "../lookup/chord-options.ts";
import { Kademlia } from "../lookup/kademlia.ts";
import { type KademliaOptions, kademliaOptions } from "../lookup/kademlia-options.ts";
import { type LookupSettings, lookupOptions, type RouterName } from "../lookup/lookup-options.ts";
import { Pastry } from "../lookup/pastry.ts";
import { type PastryOptions, pastryOptions } from "../lookup/pastry-options.ts";
import { Store } from "../storage/store.ts";
import type { StoreMessage } from "../storage/store-messages.ts";
import { type StoreOptions, storeOptions } from "../storage/store-options.ts";

/** Every tunable of lookup and store, by part. */
export interface RoutingOptions {
  readonly lookup?: Partial<LookupSettings>;
  readonly kademlia?: Partial<KademliaOptions>;
  readonly chord?: Partial<ChordOptions>;
  readonly pastry?: Partial<PastryOptions>;
  readonly store?: Partial<StoreOptions>;
}

export const routingOptionSpecs = {
  lookup: lookupOptions.specs,
  kademlia: kademliaOptions.specs,
  chord: chordOptions.specs,
  pastry: pastryOptions.specs,
  store: storeOptions.specs,
} as const;

/** What an earlier life had on disk: the tables of whichever routers it ran, and the records. */
export interface RestoredRouting {
  readonly kademlia?: RememberedContacts | undefined;
  readonly chord?: RememberedContacts | undefined;
  readonly pastry?: RememberedContacts | undefined;
  readonly records?: readonly StoreMessage[] | undefined;
}

export interface RoutingConfig {
  readonly self: NodeId;
  readonly keyedNode: KeyedNodeOf;
  readonly bootstrap?: readonly NodeId[] | undefined;
  /** Others that the membership knows. */
  readonly sampler?: PeerSampler | undefined;
  readonly signatures: Signatures<unknown>;
  readonly restored?: RestoredRouting | undefined;
  readonly options?: RoutingOptions | undefined;
}

export interface Routing {
  /** Also the name of the router's layer. */
  readonly name: Exclude<RouterName, "none">;
  readonly router: RoutingProtocol;
  readonly store: Store;
  /** What a stack is made of: the router below the store. */
  readonly layers: Readonly<Record<string, Protocol<any, any, any, any>>>;
}

/** Undefined where no router is chosen. Throws `UsageError` for options that break a rule. */
export function routing(config: RoutingConfig): Routing | undefined {
  const { router: name } = lookupOptions(config.options?.lookup);
  if (name === "none") return undefined;
  const { keyedNode, signatures, restored, options } = config;
  // The router answers on the way with what the store has, and the store asks the router: one is bound late.
  let store: Store | undefined;
  const records: RecordSource = { recordsOf: (key) => store!.recordsOf(key) };
  const router = makeRouter(name, config, records);
  store = new Store({
    router,
    members: config.sampler,
    keyedNode,
    signatures,
    restored: restored?.records,
    options: options?.store,
  });
  return { name, router, store, layers: { [name]: router, store } };
}

function makeRouter(
  name: Exclude<RouterName, "none">,
  { self, keyedNode, bootstrap = [], sampler, restored, options }: RoutingConfig,
  records: RecordSource,
): RoutingProtocol {
  const shared = { self: keyedNode(self), keyedNode, bootstrap, sampler, settings: options?.lookup };
  switch (name) {
    case "kademlia":
      return new Kademlia({
        ...shared,
        records,
        restored: restored?.kademlia,
        options: options?.kademlia,
      });
    case "chord":
      return new Chord({
        ...shared,
        restored: restored?.chord,
        options: options?.chord,
      });
    case "pastry":
      return new Pastry({
        ...shared,
        restored: restored?.pastry,
        options: options?.pastry,
      });
  }
}
