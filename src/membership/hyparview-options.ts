/** Every tunable of HyParView and X-BOT. */
import { defineOptions } from "../core/index.ts";

export interface HyParViewOptions {
  readonly activeView: number;
  readonly passiveView: number;
  readonly activeWalk: number;
  readonly passiveWalk: number;
  readonly shuffleIntervalMs: number;
  readonly shuffleActive: number;
  readonly shufflePassive: number;
  readonly promotionIntervalMs: number;
  readonly answerTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly keepAliveMisses: number;
  readonly isLatencyAware: boolean;
  readonly optimiseIntervalMs: number;
  readonly unbiased: number;
}

export const hyParViewOptions = defineOptions<HyParViewOptions>({
  activeView: {
    default: 5,
    min: 2,
    max: 64,
    description: "Neighbors that a peer holds links to (5: the paper; about log10 n + 1)",
  },
  passiveView: {
    default: 30,
    min: 1,
    max: 1000,
    description: "Further peers that it remembers, to replace neighbors (30: the paper)",
  },
  activeWalk: {
    default: 6,
    min: 1,
    max: 16,
    description: "Hops that the news of a newcomer walks (6: the paper)",
  },
  passiveWalk: {
    default: 3,
    min: 1,
    max: 16,
    description: "Hops before the end at which a newcomer is remembered (3: the paper)",
  },
  shuffleIntervalMs: {
    default: 10_000,
    min: 50,
    max: 3_600_000,
    description:
      "How often a peer exchanges a sample of its views, where it knows no full list (10 s: Partisan)",
  },
  shuffleActive: {
    default: 3,
    min: 0,
    max: 15,
    description: "Neighbors in such a sample (3: the paper)",
  },
  shufflePassive: {
    default: 4,
    min: 0,
    max: 15,
    description: "Remembered peers in such a sample (4: the paper)",
  },
  promotionIntervalMs: {
    default: 1000,
    min: 10,
    max: 600_000,
    description:
      "How often a peer that misses neighbors looks for more, beside at once (guess; Partisan: 5 s)",
  },
  answerTimeoutMs: {
    default: 2000,
    min: 10,
    max: 600_000,
    flag: "neighbor-timeout",
    description: "How long an asked peer may take (guess)",
  },
  keepAliveMs: {
    default: 10_000,
    min: 50,
    max: 3_600_000,
    description:
      "A link on which nothing was said for so long is tested (guess; failures are the detector's affair)",
  },
  keepAliveMisses: {
    default: 2,
    min: 1,
    max: 100,
    description: "Unanswered tests after which the link is given up (guess)",
  },
  isLatencyAware: {
    default: false,
    flag: "x-bot",
    description: "Swap neighbors for closer ones, without changing anybody's degree (X-BOT)",
  },
  optimiseIntervalMs: {
    default: 10_000,
    min: 50,
    max: 3_600_000,
    description: "x-bot: how often a swap is tried (guess)",
  },
  unbiased: {
    default: 1,
    min: 0,
    max: 64,
    description:
      "x-bot: so many neighbors, those that have stood longest, are never swapped: long links keep the graph one (1: the paper)",
  },
});
