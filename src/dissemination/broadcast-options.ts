/** Every tunable of the broadcast layer: which way of spreading, and how it and the history go about it. */
import { defineOptions } from "../core/index.ts";
import { medianCounterSpecs } from "./median-counter-table.ts";
import type { OfferChoice } from "./round-exchange.ts";
import type { RumorStop } from "./rumor-table.ts";

export type BroadcastMethod = "flood" | "rumor" | "anti-entropy" | "median-counter" | "bimodal" | "plumtree";

export interface BroadcastOptions {
  readonly method: BroadcastMethod;
  readonly forwardDelayMs: number;
  readonly roundMs: number;
  readonly partners: "neighbors" | "members";
  readonly mode: "push" | "pull" | "push-pull";
  readonly stop: RumorStop;
  readonly hasFeedback: boolean;
  readonly stopAfter: number;
  readonly isMinimised: boolean;
  readonly connectionLimit: number;
  readonly huntLimit: number;
  readonly choice: OfferChoice;
  readonly budgetBytes: number;
  readonly maxHot: number;
  readonly ctrMax: number;
  readonly cRounds: number;
  readonly ageCapRounds: number;
  readonly treeDegree: number;
  readonly digestRounds: number;
  readonly tickMs: number;
  readonly graftTimeoutMs: number;
  readonly graftRetryMs: number;
  readonly optimiseHops: number;
  readonly ownTreePerMinute: number;
  readonly maxTrees: number;
  readonly coverageTimeoutMs: number;
  readonly repairs: boolean;
  readonly repairIntervalMs: number;
  readonly repairBatch: number;
  readonly resendAfterMs: number;
  readonly retainMessages: number;
  readonly retainMs: number;
  readonly maxOrigins: number;
}

export const broadcastOptions = defineOptions<BroadcastOptions>({
  method: {
    default: "flood",
    choices: ["flood", "rumor", "anti-entropy", "median-counter", "bimodal", "plumtree"],
    flag: "broadcast",
    description:
      "How messages spread: over every link; by gossip until they are old news; by comparing histories only; by gossip with counters; along a tree, and by gossip what it lost; along a tree for each source, over links of the overlay",
  },
  forwardDelayMs: {
    default: 0,
    min: 0,
    max: 10_000,
    description:
      "flood: how long a message waits before it is forwarded; longer saves copies and costs latency (0: one turn)",
  },
  roundMs: {
    default: 100,
    min: 1,
    max: 3_600_000,
    description:
      "All but flood and plumtree: how often a peer calls a partner (100 ms: bimodal multicast, 1999)",
  },
  partners: {
    default: "neighbors",
    choices: ["neighbors", "members"],
    description:
      "rumor, median-counter, bimodal: whom a peer calls: a random neighbor, or anybody that it knows (which opens a connection, and is what the theory assumes)",
  },
  mode: {
    default: "push-pull",
    choices: ["push", "pull", "push-pull"],
    description: "rumor: who calls has something to tell (push), asks (pull), or both",
  },
  stop: {
    default: "counter",
    choices: ["never", "coin", "counter"],
    description:
      "rumor: when a peer loses interest in a message: never, with probability 1/k at each contact that counts, or after k of them",
  },
  hasFeedback: {
    default: true,
    flag: "feedback",
    description:
      "rumor: only contacts that knew the message count, and one that did not sets the counter back; false: all count (blind)",
  },
  stopAfter: {
    default: 2,
    min: 1,
    max: 254,
    description: "rumor: the k of coin and counter (2: leaves a few percent, which the history repairs)",
  },
  isMinimised: {
    default: false,
    flag: "minimise",
    description: "rumor, push-pull with counters: where both knew it, only the smaller counter grows",
  },
  connectionLimit: {
    default: 0,
    min: 0,
    max: 10_000,
    description: "rumor, median-counter, bimodal: calls that a peer answers in a round; 0: all",
  },
  huntLimit: {
    default: 0,
    min: 0,
    max: 100,
    description:
      "rumor, median-counter, bimodal: further partners that a refused caller tries in the same round",
  },
  choice: {
    default: "recent",
    choices: ["recent", "random", "priority"],
    description: "rumor, median-counter, bimodal: what is offered first if it is more than the budget",
  },
  budgetBytes: {
    default: 65_536,
    min: 1,
    max: 1 << 30,
    flag: "call-budget",
    description: "rumor, median-counter, bimodal: payload bytes that one call may amount to (guess)",
  },
  maxHot: {
    default: 1024,
    min: 1,
    max: 1_000_000,
    description:
      "rumor, median-counter, bimodal, plumtree: messages that are offered at a time; the oldest makes way (guess)",
  },
  ctrMax: {
    ...medianCounterSpecs.ctrMax,
    flag: "counter-max",
    description: `median-counter: ${lowered(medianCounterSpecs.ctrMax.description)}`,
  },
  cRounds: {
    ...medianCounterSpecs.cRounds,
    flag: "counter-rounds",
    description: `median-counter: ${lowered(medianCounterSpecs.cRounds.description)}`,
  },
  ageCapRounds: {
    ...medianCounterSpecs.ageCapRounds,
    description: `median-counter: ${lowered(medianCounterSpecs.ageCapRounds.description)}`,
  },
  treeDegree: {
    default: 4,
    min: 2,
    max: 1000,
    description: "bimodal: one peer in so many is an inner node of the tree (guess)",
  },
  digestRounds: {
    default: 20,
    min: 1,
    max: 10_000,
    description: "bimodal: rounds in which the id of a message is told after its receipt (guess)",
  },
  tickMs: {
    default: 50,
    min: 1,
    max: 10_000,
    flag: "plumtree-tick",
    description: "plumtree: how long announcements wait, so that they travel together (guess)",
  },
  graftTimeoutMs: {
    default: 150,
    min: 1,
    max: 60_000,
    description:
      "plumtree: how long a message that was announced is awaited before it is asked for (two ticks and a link)",
  },
  graftRetryMs: {
    default: 100,
    min: 1,
    max: 60_000,
    description: "plumtree: when the next one who announced it is asked (about a round trip)",
  },
  optimiseHops: {
    default: 5,
    min: 0,
    max: 255,
    description:
      "plumtree: a link over which a message would have come with so many hops less replaces the one in the tree; 0: never (guess: among 10^4 nodes it saves the last hop and costs 10 ms; 7: the paper)",
  },
  ownTreePerMinute: {
    default: 3,
    min: 0,
    max: 1_000_000,
    flag: "own-tree",
    description:
      "plumtree: messages within a minute from which on a source has a tree of its own; 0: all share one, as in the paper (guess)",
  },
  maxTrees: {
    default: 1024,
    min: 1,
    max: 1_000_000,
    description:
      "plumtree: sources that are remembered; the one heard of least recently is forgotten (bound)",
  },
  coverageTimeoutMs: {
    default: 2000,
    min: 1,
    max: 60_000,
    description: "How long those who are asked whether they have seen a message may take (guess)",
  },
  repairs: {
    default: true,
    flag: "repair",
    description:
      "Compare histories with neighbors, on new links and now and then: what brings late joiners up to date, and what the spreading left out",
  },
  repairIntervalMs: {
    default: 10_000,
    min: 20,
    max: 3_600_000,
    description: "How often a peer compares what it has seen with one random neighbor (guess)",
  },
  repairBatch: {
    default: 256,
    min: 1,
    max: 100_000,
    description:
      "Most messages that one digest is answered with; the rest follows at the next comparison (guess)",
  },
  resendAfterMs: {
    default: 60_000,
    min: 0,
    max: 3_600_000,
    description:
      "A message that a neighbor was sent so long ago and still lacks was lost (guess: longer than any queue)",
  },
  retainMessages: {
    default: 1000,
    min: 0,
    max: 10_000_000,
    description: "Most messages kept for those who lack them (guess)",
  },
  retainMs: {
    default: 600_000,
    min: 0,
    max: 604_800_000,
    description: "How long a message is kept for those who lack it (guess)",
  },
  maxOrigins: {
    default: 65_536,
    min: 1,
    max: 10_000_000,
    description: "Lives of origins whose sequence numbers are remembered (bound)",
  },
});

function lowered(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

const inRounds = ["rumor", "anti-entropy", "median-counter", "bimodal"] as const;
const byCalls = ["rumor", "median-counter", "bimodal"] as const;
const byTrees = ["plumtree"] as const;

/** The methods to which an option means something; those that are not here mean something to all. */
const methodsOf: Partial<Record<keyof BroadcastOptions, readonly BroadcastMethod[]>> = {
  forwardDelayMs: ["flood"],
  roundMs: inRounds,
  partners: byCalls,
  mode: ["rumor"],
  stop: ["rumor"],
  hasFeedback: ["rumor"],
  stopAfter: ["rumor"],
  isMinimised: ["rumor"],
  connectionLimit: byCalls,
  huntLimit: byCalls,
  choice: byCalls,
  budgetBytes: byCalls,
  maxHot: [...byCalls, ...byTrees],
  ctrMax: ["median-counter"],
  cRounds: ["median-counter"],
  ageCapRounds: ["median-counter"],
  treeDegree: ["bimodal"],
  digestRounds: ["bimodal"],
  tickMs: byTrees,
  graftTimeoutMs: byTrees,
  graftRetryMs: byTrees,
  optimiseHops: byTrees,
  ownTreePerMinute: byTrees,
  maxTrees: byTrees,
};

/** Of the options that somebody gave, one that means nothing to the method, and the methods to which it does. */
export function idleOption(
  given: Partial<BroadcastOptions>,
  method: BroadcastMethod = given.method ?? broadcastOptions.specs.method.default,
): { readonly name: keyof BroadcastOptions; readonly methods: readonly BroadcastMethod[] } | undefined {
  for (const name of Object.keys(given) as (keyof BroadcastOptions)[]) {
    const methods = methodsOf[name];
    if (given[name] !== undefined && methods !== undefined && !methods.includes(method))
      return { name, methods };
  }
  return undefined;
}
