/** What detectors by heartbeats have in common: how long a silence makes a suspect, and who has to agree. */
import type { OptionSpecs } from "../core/index.ts";
import type { PhiModel } from "./phi-accrual.ts";

export interface SilenceOptions {
  readonly verdict: "timeout" | "phi";
  readonly quorum: number;
  readonly pauseMs: number;
  readonly maxMembers: number;
  readonly phiThreshold: number;
  readonly phiModel: PhiModel;
  readonly phiWindow: number;
  readonly phiMinDeviationMs: number;
  readonly phiPauseMs: number;
  readonly phiMaxLearntMs: number;
}

export const silenceOptionSpecs: OptionSpecs<SilenceOptions> = {
  verdict: {
    default: "timeout",
    choices: ["timeout", "phi"],
    description:
      "timeout: silence of a fixed length; phi: of a length that is learnt from the heartbeats (phi accrual)",
  },
  quorum: {
    default: 1,
    min: 1,
    max: 32,
    description:
      "Members that must suspect a node at once before it is given up, however long it takes; 1: ourselves suffice",
  },
  pauseMs: {
    default: 500,
    min: 10,
    max: 600_000,
    description:
      "A timer that fires so late means that we were away: then everybody's silence begins anew (guess)",
  },
  maxMembers: {
    default: 4096,
    min: 1,
    max: 1_000_000,
    description: "Bound on members that are remembered",
  },
  phiThreshold: {
    default: 8,
    min: 0.1,
    max: 300,
    isFraction: true,
    description:
      "Suspicion at this phi: 8 is a silence that one in 10^8 would exceed (8: Cassandra and Akka)",
  },
  phiModel: {
    default: "normal",
    choices: ["normal", "exponential"],
    description:
      "Law of the intervals between heartbeats: normal, as in the paper; exponential, as in Cassandra",
  },
  phiWindow: {
    default: 1000,
    min: 2,
    max: 100_000,
    description: "Latest intervals that phi is learnt from (1000: the paper, Cassandra and Akka)",
  },
  phiMinDeviationMs: {
    default: 100,
    min: 0,
    max: 600_000,
    description: "Least deviation of the normal model (100 ms: Akka)",
  },
  phiPauseMs: {
    default: 0,
    min: 0,
    max: 3_600_000,
    description: "Silence that is forgiven beyond what was learnt (0: the paper; Akka has 3 s)",
  },
  phiMaxLearntMs: {
    default: 0,
    min: 0,
    max: 600_000,
    description:
      "Longer intervals are not learnt; 0: five times the expected one (guess; Cassandra has twice)",
  },
};
