/** The failure detectors that are compared, each as a stack for one node. */
import {
  type FailureDetector,
  identityOf,
  type Millis,
  type NodeId,
  type Signatures,
  Stack,
  sample,
  type Tagged,
  UsageError,
} from "../../core/index.ts";
import {
  HeartbeatGossip,
  type HeartbeatGossipMessage,
  HeartbeatState,
  heartbeatGossipBytes,
} from "../../dissemination/index.ts";
import {
  AllToAllHeartbeat,
  type AllToAllMessage,
  type AllToAllOptions,
  allToAllBytes,
  GossipHeartbeat,
  type GossipHeartbeatOptions,
  Heartbeat,
  type HeartbeatOptions,
  heartbeatOptions,
  type SilenceOptions,
  Swim,
  type SwimOptions,
} from "../../membership/index.ts";
import { datagramTypes } from "../../membership/swim-messages.ts";
import { StaticLinks } from "./watch-graph.ts";

/** What a node is given to begin with. */
export interface DetectorPlace {
  readonly self: NodeId;
  /** Everybody else. */
  readonly others: readonly NodeId[];
  /** In a random graph. */
  readonly neighbors: readonly NodeId[];
  /** Whom newcomers call. */
  readonly introducers: readonly NodeId[];
  readonly incarnation: number;
  readonly since: Millis;
  readonly quorum: number;
  readonly incarnationOf: (node: NodeId) => number | undefined;
}

/** Options beside the detector's own. */
export interface DetectorTuning {
  readonly heartbeat?: Partial<HeartbeatOptions>;
  readonly allToAll?: Partial<AllToAllOptions>;
  readonly gossip?: Partial<GossipHeartbeatOptions>;
  readonly swim?: Partial<SwimOptions>;
}

export interface LabDetector {
  readonly name: string;
  readonly description: string;
  readonly watches: "everybody" | "neighbors";
  /** Its messages have a format on the wire. Otherwise `sizeOf` says what they would take. */
  readonly isOnWire: boolean;
  readonly sizeOf?: (message: Tagged) => number;
  /** What travels beside the links, each for itself. */
  readonly isDatagram: (message: Tagged) => boolean;
  make(place: DetectorPlace, tuning: DetectorTuning): MadeDetector;
}

export interface MadeDetector {
  readonly stack: Stack;
  readonly detector: FailureDetector;
}

const allToAllLook = {
  watches: "everybody",
  isOnWire: false,
  isDatagram: () => true,
  sizeOf: ({ body }: Tagged) => allToAllBytes(body as AllToAllMessage),
} as const;

const gossipLook = {
  watches: "everybody",
  isOnWire: false,
  isDatagram: () => true,
  sizeOf: ({ body }: Tagged) => heartbeatGossipBytes(body as HeartbeatGossipMessage),
} as const;

/**
 * What Lifeguard compares itself with: nothing that it adds, and a fixed time-out of 5 log10 n probe intervals (alpha 5;
 * Dadgar and others 2017, section V).
 */
export const plainSwim: Partial<SwimOptions> = Object.freeze({
  streamPing: false,
  probeOrder: "random",
  localHealth: false,
  buddy: false,
  confirmations: 0,
  suspicionMult: 5,
});

const swimLook = {
  watches: "everybody",
  isOnWire: true,
  isDatagram: ({ body }: Tagged) => datagramTypes.has(body.type),
} as const;

/** As long as a live one in an open cluster: public key and signature. */
const proof = new Uint8Array(96);
const signatures: Signatures<unknown> = { sign: () => proof, verify: () => true };

/** Of the classic network: three links at least, more for many. */
export const watchDegree = 6;

const cassandra: Partial<SilenceOptions> = { verdict: "phi", phiModel: "exponential" };

export const labDetectors: readonly LabDetector[] = [
  {
    name: "heartbeat",
    description: "classic: each of 6 neighbors is pinged every 13 s; three misses, then other neighbors try",
    watches: "neighbors",
    isOnWire: true,
    isDatagram: () => false,
    make: heartbeat,
  },
  {
    name: "all-to-all",
    description: "everybody tells everybody each second; given up after 3.5 s of silence",
    ...allToAllLook,
    make: (place, tuning) => allToAll(place, { ...tuning.allToAll }),
  },
  {
    name: "all-to-all-phi",
    description: "the same, given up when the silence is unlikely: phi 8, normal intervals",
    ...allToAllLook,
    make: (place, tuning) => allToAll(place, { verdict: "phi", ...tuning.allToAll }),
  },
  {
    name: "gossip",
    description: "counters travel by gossip, one partner a second; given up when one stands still",
    ...gossipLook,
    make: (place, tuning) => gossip(place, { ...tuning.gossip }),
  },
  {
    name: "gossip-phi",
    description: "the same as in Cassandra: phi 8, exponential intervals",
    ...gossipLook,
    make: (place, tuning) => gossip(place, { ...cassandra, ...tuning.gossip }),
  },
  {
    name: "swim",
    description: "SWIM as published: one member is probed each 500 ms, through 3 others if it is silent",
    ...swimLook,
    make: (place, tuning) => swim(place, { ...plainSwim, ...tuning.swim }),
  },
  {
    name: "lifeguard",
    description: "SWIM with Lifeguard and probes by turns: the membership of the modern profile",
    ...swimLook,
    make: (place, tuning) => swim(place, { ...tuning.swim }),
  },
];

function heartbeat(place: DetectorPlace, { heartbeat: options }: DetectorTuning): MadeDetector {
  const { neighbors, incarnation, since, quorum, incarnationOf } = place;
  const { pingIntervalMs: relinkMs } = heartbeatOptions(options);
  const links = new StaticLinks({ neighbors, incarnationOf, relinkMs });
  const standing = { incarnation, since };
  const detector = new Heartbeat({ view: links, standing, options: { quorum, ...options } });
  return { stack: new Stack({ links, heartbeat: detector }), detector };
}

function allToAll(place: DetectorPlace, options: Partial<AllToAllOptions>): MadeDetector {
  const { others: contacts, incarnation, since, quorum } = place;
  const standing = { incarnation, since };
  const detector = new AllToAllHeartbeat({ contacts, standing, options: { quorum, ...options } });
  return { stack: new Stack({ detector }), detector };
}

function gossip(place: DetectorPlace, options: Partial<GossipHeartbeatOptions>): MadeDetector {
  const { self, others, incarnation, quorum } = place;
  const states = new HeartbeatState(identityOf(self), incarnation);
  const detector = new GossipHeartbeat({ contacts: others, states, options: { quorum, ...options } });
  const { intervalMs } = options;
  const heartbeats = new HeartbeatGossip({
    state: states,
    peers: { sample: (count, random) => sample(others, count, random).map((peer) => ({ peer, since: 0 })) },
    ...(intervalMs !== undefined && { options: { intervalMs } }),
  });
  return { stack: new Stack({ heartbeats, detector }), detector };
}

function swim(place: DetectorPlace, options: Partial<SwimOptions>): MadeDetector {
  const { introducers, incarnation, since, quorum } = place;
  const detector = new Swim({
    ...{ role: "peer", introducers, incarnation, since, signatures },
    options: { quorum, ...options },
  });
  return { stack: new Stack({ membership: detector }), detector };
}

/** Throws `UsageError` where there is none. */
export function labDetectorNamed(name: string): LabDetector {
  const found = labDetectors.find((detector) => detector.name === name);
  if (found !== undefined) return found;
  const known = labDetectors.map((one) => one.name).join(", ");
  throw new UsageError(`detector: there is no "${name}"; there are ${known}`);
}
