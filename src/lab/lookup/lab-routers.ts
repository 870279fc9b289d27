/** The routers as the laboratory knows them: how a node of a simulated network is made of each, and what is right. */
import {
  compareAround,
  compareUp,
  compareXor,
  type RecordSource,
  type RoutingProtocol,
  Stack,
  UsageError,
} from "../../core/index.ts";
import { Chord } from "../../lookup/chord.ts";
import { type ChordOptions, chordOptions } from "../../lookup/chord-options.ts";
import { Kademlia } from "../../lookup/kademlia.ts";
import { type KademliaOptions, kademliaOptions } from "../../lookup/kademlia-options.ts";
import type { LookupSettings, RouterName } from "../../lookup/lookup-options.ts";
import { Pastry } from "../../lookup/pastry.ts";
import { type PastryOptions, pastryOptions } from "../../lookup/pastry-options.ts";
import type { KeySpace, Responsibility } from "./key-space.ts";
import type { Place } from "./lookup-network.ts";
import { staticChord } from "./static-chord.ts";
import { staticKademlia } from "./static-kademlia.ts";
import { staticPastry } from "./static-pastry.ts";

export type LabRouterName = Exclude<RouterName, "none">;

/** One object for all nodes of a network: what it says is checked once. */
export interface RouterTuning {
  readonly settings?: Partial<LookupSettings> | undefined;
  readonly kademlia?: Partial<KademliaOptions> | undefined;
  readonly chord?: Partial<ChordOptions> | undefined;
  readonly pastry?: Partial<PastryOptions> | undefined;
  /** False: see `staticTuning`. */
  readonly hasUpkeep?: boolean | undefined;
}

/** For networks that do not change: nothing is maintained, and a node that nobody asks does nothing at all. */
export function staticTuning(tuning: RouterTuning = {}): RouterTuning {
  const never = { leafIntervalMs: 0, tableIntervalMs: 0, mergeIntervalMs: 0, persistIntervalMs: 0 };
  return {
    ...tuning,
    hasUpkeep: false,
    kademlia: { ...tuning.kademlia, upkeepMs: 0 },
    pastry: { ...tuning.pastry, ...never },
  };
}

export interface LabRouter {
  /** Also that of its layer. */
  readonly name: LabRouterName;
  /** Who is responsible: what an answer is held against. */
  readonly order: Responsibility;
  /** The messages that lookups are made of. Upkeep has some of them, too. */
  readonly lookupTypes: readonly string[];
  /** `records`: what is stored here, for routers that look into it on the way. */
  readonly make: (place: Place, tuning: RouterTuning, records?: RecordSource) => RoutingProtocol;
  /** The tables of a network in which all is as it should be: the `restored` of each row. */
  readonly tables: (keys: KeySpace, seed: number, tuning: RouterTuning) => (row: number) => unknown;
}

const kademlia: LabRouter = {
  name: "kademlia",
  order: compareXor,
  lookupTypes: ["find-node", "find-node-reply", "find-value", "find-value-reply"],
  make: (place, { settings, kademlia: options }, records) =>
    new Kademlia({ ...place, settings, options, records, tellsSteps: false }),
  tables: (keys, seed, { kademlia: options }) =>
    staticKademlia(keys, { seed, k: kademliaOptions(options).k }),
};

const chord: LabRouter = {
  name: "chord",
  order: compareUp,
  lookupTypes: ["route", "routed"],
  make: (place, { settings, chord: options, hasUpkeep }) =>
    new Chord({ ...place, settings, options, hasUpkeep, tellsSteps: false }),
  tables: (keys, _, { chord: options }) =>
    staticChord(keys, { successors: chordOptions(options).successors }),
};

const pastry: LabRouter = {
  name: "pastry",
  order: compareAround,
  lookupTypes: ["route", "ack", "passed", "arrived"],
  make: (place, { settings, pastry: options }) =>
    new Pastry({ ...place, settings, options, tellsSteps: false }),
  tables: (keys, seed, { pastry: options }) => {
    const { bits, leafSetSize } = pastryOptions(options);
    return staticPastry(keys, { seed, bits, leafSetSize });
  },
};

export const labRouters: readonly LabRouter[] = [kademlia, chord, pastry];

/** Throws `UsageError`. */
export function labRouterNamed(name: string): LabRouter {
  const router = labRouters.find((one) => one.name === name);
  if (router !== undefined) return router;
  throw new UsageError(
    `router: there is no "${name}"; there are ${labRouters.map((one) => one.name).join(", ")}`,
  );
}

/** The router as the only layer of a stack, as messages on the wire want it. */
export function stackOf(router: LabRouter, place: Place, tuning: RouterTuning = {}): Stack {
  return new Stack({ [router.name]: router.make(place, tuning) });
}
