/**
 * When SWIM should notice a failure, by the closed forms of `grapevine/theory`. With its defaults, in a network of ten:
 *
 *     failure    somebody's probe begins        it ends in vain           nobody refuted
 *        ├──── 0 to 2 intervals ────┤──── an interval ────┤── shortest suspicion ──┤
 *                                                      suspected                given up
 *
 * Who holds a connection to a process that dies probes it at once: then the first part is missing.
 */
import {
  shortestSuspicion,
  suspicionTimeout,
  swimDetection,
} from "../../../../src/theory/failure-detection.ts";
import type {
  DetectionRanges,
  DetectionTheory,
  NoTheory,
  OptionsInForce,
  Range,
} from "./detection-theory.ts";

export interface SwimNetwork {
  readonly options: OptionsInForce;
  /** Who is there, seeds too. */
  readonly members: number;
  /** Who dies breaks connections that others hold. */
  readonly hasConnections: boolean;
}

export function swimTheory({ options, members, hasConnections }: SwimNetwork): DetectionTheory | NoTheory {
  const swim = options["swim"] ?? {};
  const number = (name: string) => (typeof swim[name] === "number" ? (swim[name] as number) : Number.NaN);
  const intervalMs = number("probeIntervalMs");
  const fullViewMembers = number("fullViewMembers");
  if (Number.isNaN(intervalMs)) return { type: "none", why: "Nothing is known of how this network watches." };
  if (members < 2) return { type: "none", why: "Nobody is there who could notice." };
  if (members > fullViewMembers)
    return {
      type: "none",
      why: `With more than ${fullViewMembers} members each watches only its neighbors: the closed forms are about full views.`,
    };
  const expected = Math.max(0, Math.min(number("confirmations"), members - 2));
  // Those who were asked to try confirm as soon as they have probed it themselves; others do when it is their turn.
  const confirmations = Math.max(0, Math.min(number("helpers"), members - 2));
  if (number("quorum") > 1 + confirmations)
    return {
      type: "none",
      why: `A quorum of ${number("quorum")} waits for more members than the ${confirmations} that are asked to try.`,
    };
  // Two ways through a helper have to fit in after the direct one.
  const probeMs = Math.max(intervalMs, 2.5 * number("probeTimeoutMs"));
  const minMs = shortestSuspicion({ n: members, mult: number("suspicionMult"), intervalMs });
  const maxMs = minMs * number("suspicionMaxMult");
  const suspicionMs = suspicionTimeout({ minMs, maxMs, confirmations, expected });
  const order = swim["probeOrder"] === "random" ? "random" : "shared";
  const probes = { intervalMs, probeMs, order, n: members } as const;
  const suspected = swimDetection({ ...probes, suspicionMs: 0 });
  const failed = swimDetection({ ...probes, suspicionMs });
  const ranges: DetectionRanges = {
    suspected: { from: probeMs, to: suspected.p99Ms },
    failed: { from: probeMs + suspicionMs, to: failed.p99Ms },
    removed: { from: probeMs + suspicionMs, to: failed.p99Ms + spreadMs(members, swim) },
  };
  return {
    type: "theory",
    ranges,
    meanFirstMs: ({ kind, neighbors }) =>
      kind === "crashed" && hasConnections && neighbors > 0 ? probeMs + suspicionMs : failed.meanMs,
    text: textOf(order, { intervalMs, probeMs, suspicionMs, members }, ranges.suspected),
    late: "a suspicion lasts longer where fewer members confirm it, and who misses answers itself, or is behind with its timers, gives others more time.",
  };
}

/** News among all: rounds of gossip that grow by the fan-out, and one more. */
function spreadMs(members: number, swim: OptionsInForce[string]): number {
  const { gossipIntervalMs, gossipFanout } = swim;
  if (typeof gossipIntervalMs !== "number" || typeof gossipFanout !== "number") return 0;
  return gossipIntervalMs * (1 + Math.ceil(Math.log(members) / Math.log(1 + gossipFanout)));
}

function textOf(
  order: "shared" | "random",
  times: Readonly<Record<"intervalMs" | "probeMs" | "suspicionMs" | "members", number>>,
  suspected: Range,
): string {
  const { intervalMs, probeMs, suspicionMs, members } = times;
  const whose =
    order === "shared"
      ? `each of ${members} members is probed by one other every ${seconds(intervalMs)}`
      : `each of ${members} members probes one other every ${seconds(intervalMs)}, in an order of its own`;
  return `Dashed: what SWIM promises in 99 of 100 cases where nothing gets lost: ${whose}, a probe takes ${seconds(probeMs)} and the shortest suspicion ${seconds(suspicionMs)}; so it is suspected ${seconds(suspected.from)} to ${seconds(suspected.to)} after the failure, the sooner if a connection broke.`;
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toPrecision(3))} s`;
}
