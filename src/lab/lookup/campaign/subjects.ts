/** What lookup campaigns are about: each router with the store on top, at a pace at which much happens in a minute. */

import { type NodeId, Stack, type Typed } from "../../../core/index.ts";
import type { Chord } from "../../../lookup/chord.ts";
import { type RoutingOptions, routing } from "../../../profiles/routing.ts";
import { ChordInvariant } from "../chord-invariant.ts";
import type { Responsibility } from "../key-space.ts";
import { type LabRouterName, labRouterNamed } from "../lab-routers.ts";
import type { LookupNetwork, Place } from "../lookup-network.ts";
import type { Draft } from "./draft.ts";
import { beyondFailStop, type DrawConfig } from "./draw.ts";

/** Follows a run from outside. */
export interface Watch {
  /** The invariant that it watches over. */
  readonly name: string;
  /** What is broken now; undefined: nothing. */
  readonly fault: string | undefined;
  onNotice?(row: number, type: string): void;
  onMessage?(row: number, from: NodeId, message: Typed): void;
  onGone(row: number): void;
  /** After the calm: what is not as it should be. */
  faultsWhenCalm?(): readonly string[];
}

export interface CampaignSubject {
  readonly router: LabRouterName;
  readonly order: Responsibility;
  readonly budget: DrawConfig;
  make(place: Place): Stack;
  /** Undefined where nothing is promised at every step. */
  watch?(network: LookupNetwork, draft: Draft): Watch | undefined;
}

/** r: copies of a record. Of those that w = 3 acknowledged, r - w may be lost at once. */
const replicas = 5;
/** L: whoever keeps r copies has to know r - 1 successors. */
const successors = 5;

/** A minute of a campaign is an hour of a network with the defaults. */
export const campaignOptions: RoutingOptions = {
  chord: {
    successors,
    stabilizeMs: 1000,
    minStabilizeMs: 250,
    checkPredecessorMs: 1000,
    fixFingersMs: 1000,
    searchMs: 3000,
    persistMs: 2000,
  },
  kademlia: { k: replicas, refreshMs: 20_000, upkeepMs: 500, rejoinMs: 5000, persistMs: 2000 },
  pastry: {
    leafSetSize: 8,
    leafIntervalMs: 1000,
    tableIntervalMs: 2000,
    mergeIntervalMs: 4000,
    persistIntervalMs: 2000,
  },
  store: { replicas, republishIntervalMs: 20_000, repairDelayMs: 1000, publishIntervalMs: 60_000 },
};

/** Throws `UsageError`. */
export function campaignSubject(name: string): CampaignSubject {
  const { name: router, order } = labRouterNamed(name);
  return {
    router,
    order,
    // More than L + 1, so that Zave's proof holds, and after the losses still.
    budget: { router, leastNodes: successors + 1 + 4, maxLost: replicas - 3 },
    make: (place) => campaignStack(router, place),
    ...watches[router],
  };
}

/** The router and the store as they run live. */
export function campaignStack(router: LabRouterName, place: Place): Stack {
  const { self, keyedNode, bootstrap, sampler, signatures, restored, disk } = place;
  const { layers } = routing({
    ...{ self: self.node, keyedNode, bootstrap, sampler, signatures },
    restored: { [router]: restored, records: disk?.below("store/") },
    options: { ...campaignOptions, lookup: { router } },
  })!;
  return new Stack({ ...layers });
}

// ---- Chord's ring --------------------------------------------------------------------------------------------------

/** Zave's proof is about nodes that fail and stay silent: of others that are taken for dead it says nothing. */
function watchRing(network: LookupNetwork, { kinds }: Draft): Watch | undefined {
  if (kinds.some((kind) => beyondFailStop.includes(kind))) return undefined;
  const invariant = new ChordInvariant(successors);
  return {
    name: "the-ring-holds",
    get fault() {
      return invariant.fault;
    },
    onNotice: (row, type) => {
      if (type === "ring-changed") invariant.update(network.routerOf(row) as Chord);
    },
    onGone: (row) => invariant.remove(network.keys.nodes[row]!.key),
    faultsWhenCalm: () => invariant.faultsWhenCalm(),
  };
}

// ---- Kademlia's table ----------------------------------------------------------------------------------------------

/** Who has only asked us something, or was only named, may be dead, deaf or a liar: it is no contact. */
function watchTables(network: LookupNetwork): Watch {
  /** By row: who has answered this life of it. */
  const answered = new Map<number, Set<NodeId>>();
  return {
    name: "contacts-have-answered",
    get fault() {
      for (const row of network.living.all()) {
        const stranger = network
          .routerOf(row)!
          .contacts()
          .find(({ node }) => !answered.get(row)?.has(node));
        if (stranger !== undefined)
          return `node ${row} has node ${network.keys.rowOf(stranger.node)} in its table, which never answered it`;
      }
      return undefined;
    },
    onMessage: (row, from, { type }) => {
      if (!type.endsWith("-reply")) return;
      const known = answered.get(row);
      if (known === undefined) answered.set(row, new Set([from]));
      else known.add(from);
    },
    onGone: (row) => answered.delete(row),
  };
}

const watches: Record<LabRouterName, Pick<CampaignSubject, "watch">> = {
  kademlia: { watch: watchTables },
  chord: { watch: watchRing },
  pastry: {},
};
