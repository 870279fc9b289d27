/** Every tunable of SWIM and Lifeguard, and of the confirmation quorum. */
import { defineOptions } from "../core/index.ts";

export interface SwimOptions {
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly helpers: number;
  readonly streamPing: boolean;
  readonly probeOrder: "shared" | "random";
  readonly suspicionMult: number;
  readonly suspicionMaxMult: number;
  readonly confirmations: number;
  readonly quorum: number;
  readonly localHealth: boolean;
  readonly maxLocalHealth: number;
  readonly buddy: boolean;
  readonly gossipIntervalMs: number;
  readonly gossipFanout: number;
  readonly retransmitMult: number;
  readonly maxGossipBytes: number;
  readonly syncIntervalMs: number;
  readonly reconnectMs: number;
  readonly maxReconnectMs: number;
  readonly fullViewMembers: number;
  readonly maxMembers: number;
  readonly pauseMs: number;
}

export const swimOptions = defineOptions<SwimOptions>({
  probeIntervalMs: {
    default: 500,
    min: 10,
    max: 600_000,
    description: "How often a node probes one other (500 ms: half of memberlist's, for half its delay)",
  },
  probeTimeoutMs: {
    default: 200,
    min: 1,
    max: 600_000,
    description:
      "How long a direct answer may take before others are asked to try; longer where round trips are longer (guess: LAN)",
  },
  helpers: {
    default: 3,
    min: 0,
    max: 16,
    description: "Members that are asked to probe a silent one (3: memberlist; 1: SWIM's test bed)",
  },
  streamPing: {
    default: true,
    description:
      "Whether a silent member is asked over a link, too, while others try (memberlist); false: SWIM as published",
  },
  probeOrder: {
    default: "shared",
    choices: ["shared", "random"],
    description:
      "shared: in each period everybody is probed by exactly one other, in an order that all derive from their lists; random: each node shuffles its own list, as in SWIM",
  },
  suspicionMult: {
    default: 2,
    min: 1,
    max: 100,
    isFraction: true,
    description:
      "Shortest suspicion, in probe intervals times max(1, log10 n) (2: with confirmations; memberlist has 4)",
  },
  suspicionMaxMult: {
    default: 6,
    min: 1,
    max: 100,
    isFraction: true,
    description: "Longest suspicion, in shortest ones: before anybody confirms (6: Lifeguard)",
  },
  confirmations: {
    default: 3,
    min: 0,
    max: 32,
    flag: "suspicion-confirmations",
    description:
      "Independent suspicions that shorten the time-out to its shortest (3: Lifeguard); 0: always the shortest",
  },
  quorum: {
    default: 1,
    min: 1,
    max: 32,
    flag: "suspicion-quorum",
    description:
      "Members that must suspect a node before it is given up, however long it takes; 1: ourselves suffice",
  },
  localHealth: {
    default: true,
    description:
      "Lifeguard: who misses answers, or whose own event loop stands still, gives others more time",
  },
  maxLocalHealth: {
    default: 8,
    min: 1,
    max: 64,
    description: "Probe intervals and time-outs grow to at most so many times (8: Lifeguard)",
  },
  buddy: {
    default: true,
    description: "Lifeguard: whoever pings a node that it suspects tells it so first",
  },
  gossipIntervalMs: {
    default: 100,
    min: 5,
    max: 60_000,
    description: "How often news is passed on while there is any (guess: half of memberlist's)",
  },
  gossipFanout: {
    default: 3,
    min: 1,
    max: 32,
    description: "To how many members at a time (3: memberlist)",
  },
  retransmitMult: {
    default: 4,
    min: 1,
    max: 64,
    description: "A piece of news is passed on so many times ceil(log10(n + 1)) (4: memberlist)",
  },
  maxGossipBytes: {
    default: 1100,
    min: 512,
    max: 60_000,
    description: "News in one message (fits a datagram of 1200 bytes)",
  },
  syncIntervalMs: {
    default: 30_000,
    min: 50,
    max: 3_600_000,
    flag: "compare-interval",
    description: "How often all that is known is compared with one random member (30 s: memberlist)",
  },
  reconnectMs: {
    default: 1000,
    min: 10,
    max: 600_000,
    description:
      "First pause before a member that failed, or a configured address that is silent, is tried again (guess)",
  },
  maxReconnectMs: {
    default: 4000,
    min: 10,
    max: 3_600_000,
    description:
      "Longest pause between two such tries of the whole node; they never end (guess: heals within 5 s)",
  },
  fullViewMembers: {
    default: 200,
    min: 2,
    max: 1_000_000,
    description:
      "Beyond so many members a node keeps a sample of them, and watches its neighbors only (200: one process holds it at ease)",
  },
  maxMembers: {
    default: 20_000,
    min: 8,
    max: 1_000_000,
    description: "Bound on members that are remembered, dead ones too",
  },
  pauseMs: {
    default: 500,
    min: 10,
    max: 600_000,
    description:
      "A timer that fires so late means that we were away: what we missed is not held against others (guess)",
  },
});
