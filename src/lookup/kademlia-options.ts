/** All tunables of Kademlia, and where their defaults come from. */
import { defineOptions } from "../core/index.ts";
import type { Pace } from "./iterative-lookup.ts";
import { maxNodesPerReply } from "./kademlia-messages.ts";

export interface KademliaOptions {
  readonly k: number;
  readonly alpha: number;
  readonly pace: Pace;
  readonly disjointPaths: number;
  readonly repeatsQuestions: boolean;
  readonly refreshMs: number;
  readonly upkeepMs: number;
  readonly rejoinMs: number;
  readonly persistMs: number;
  readonly maxParked: number;
  readonly maxFailures: number;
  readonly freshMs: number;
  readonly staleMs: number;
  readonly maxChecks: number;
  readonly maxUnverified: number;
  readonly maxPerHost: number;
  readonly maxPerHostInBucket: number;
  readonly maxReplyBytes: number;
}

export const kademliaOptions = defineOptions<KademliaOptions>({
  k: {
    default: 8,
    min: 1,
    max: maxNodesPerReply,
    flag: "kademlia-k",
    description:
      "Contacts in a bucket, and nodes that a lookup finds (8: BitTorrent's BEP 5; the paper says 20)",
  },
  alpha: {
    default: 3,
    min: 1,
    max: 64,
    flag: "kademlia-alpha",
    description: "Questions of one lookup that are open at once (paper, section 2.3)",
  },
  pace: {
    default: "slots",
    choices: ["slots", "batches"],
    flag: "kademlia-pace",
    description:
      "Is the next question asked as soon as one is answered, or when the whole batch is (as models do)?",
  },
  disjointPaths: {
    default: 1,
    min: 1,
    max: 64,
    flag: "kademlia-disjoint-paths",
    description: "Searches of one lookup that share no node: S/Kademlia's d (1: the paper's Kademlia)",
  },
  repeatsQuestions: {
    default: true,
    flag: "kademlia-repeats-questions",
    description:
      "A node that is slow is asked once more by the same lookup: one lost message in a hundred would leave the nearest node out of one lookup in fifty",
  },
  refreshMs: {
    default: 3_600_000,
    min: 1000,
    max: 86_400_000,
    flag: "kademlia-refresh",
    description:
      "A bucket in which nobody was looked up for so long is refreshed (paper, section 2.3: tRefresh 1 h)",
  },
  upkeepMs: {
    default: 5000,
    min: 0,
    max: 600_000,
    flag: "kademlia-upkeep",
    description:
      "How often a node looks for upkeep that is due; 0: never, for networks that do not change (5 s: libtorrent)",
  },
  rejoinMs: {
    default: 30_000,
    min: 100,
    max: 86_400_000,
    flag: "kademlia-rejoin",
    description:
      "How often somebody whom the table lacks is asked for our own place, so that parts of a network find each other again (guess)",
  },
  persistMs: {
    default: 60_000,
    min: 100,
    max: 86_400_000,
    flag: "kademlia-persist",
    description: "How often a table that has changed is written to disk (guess)",
  },
  maxParked: {
    default: 8,
    min: 0,
    max: 64,
    flag: "kademlia-max-parked",
    description:
      "Newcomers that wait beside a full bucket: the replacement cache (section 4.1; 8: as many as k)",
  },
  maxFailures: {
    default: 5,
    min: 1,
    max: 100,
    flag: "kademlia-max-failures",
    description:
      "A contact that was silent so often in a row makes room for one that waits (paper, section 4.1)",
  },
  freshMs: {
    default: 60_000,
    min: 0,
    max: 86_400_000,
    flag: "kademlia-fresh",
    description:
      "The head of a full bucket is not asked if it was seen so recently; 0: for each newcomer, as the document has it (guess)",
  },
  staleMs: {
    default: 900_000,
    min: 0,
    max: 86_400_000,
    flag: "kademlia-stale",
    description:
      "A contact that was not seen for so long is asked whether it is there, sooner where others are gone; the k nearest after freshMs (15 min: BEP 5)",
  },
  maxChecks: {
    default: 16,
    min: 1,
    max: 1024,
    flag: "kademlia-max-checks",
    description: "Nodes at once that are asked whether they are there, beside lookups (guess)",
  },
  maxUnverified: {
    default: 256,
    min: 1,
    max: 65_536,
    flag: "kademlia-max-unverified",
    description: "Nodes that wait to be asked for the first time (guess)",
  },
  maxPerHost: {
    default: 0,
    min: 0,
    max: 65_536,
    flag: "kademlia-max-per-host",
    description:
      "Contacts of one host in the table; 0: no limit, as networks on one machine need (libtorrent: 1)",
  },
  maxPerHostInBucket: {
    default: 0,
    min: 0,
    max: 65_536,
    flag: "kademlia-max-per-host-in-bucket",
    description: "Contacts of one host in a bucket; 0: no limit (go-libp2p: 2 to 3)",
  },
  maxReplyBytes: {
    default: 262_144,
    min: 0,
    max: 1_048_576,
    flag: "kademlia-max-reply-bytes",
    description: "Names and values in one reply; records beyond are left to the store's own messages (guess)",
  },
});
