/** What a failure detector is put to, and what comes of one run: plain JSON, for any thread. */
import { type Millis, UsageError } from "../../core/index.ts";
import { type LinkSettings, linkSettings } from "../../simulator/index.ts";
import type { DetectorTuning } from "./lab-detectors.ts";

/**
 * What ails some nodes while all is measured, over and over: so long, then well for `gapMs`. Each has its own phase.
 *
 * `pause`: the process stands still; when it goes on, timers that are overdue come first, as in an event loop, and
 * then what has arrived. `block`: timers go on, and what it sends or receives waits (the anomalies of the Lifeguard
 * paper). `slow`: it takes `perEventMs` for each message and timer, all the time.
 */
export type Trouble =
  | {
      readonly kind: "pause" | "block";
      readonly nodes: number;
      readonly lengthMs: Millis;
      readonly gapMs: Millis;
    }
  | { readonly kind: "slow"; readonly nodes: number; readonly perEventMs: Millis };

export interface DetectionConditions {
  readonly nodes: number;
  readonly seed: number;
  readonly links: Partial<LinkSettings>;
  /** Different nodes for each. */
  readonly troubles: readonly Trouble[];
  /** So many directed pairs of healthy nodes between which nothing arrives. */
  readonly cuts: number;
  /** So many have to doubt a node before it is given up. */
  readonly quorum: number;
  /** Until then everybody has met everybody, and nothing is counted. */
  readonly settleMs: Millis;
  /** How long nobody crashes: false verdicts and traffic are of this time. */
  readonly calmMs: Millis;
  /** One after the other. Whoever has crashed is started again before the next. */
  readonly crashes: number;
  /** Of the nodes that crash at once; 0 is one node. */
  readonly crashShare: number;
  /** How long others have to notice. */
  readonly deadlineMs: Millis;
  /** After the last verdict, before the next crash. */
  readonly recoverMs: Millis;
  /** Messages are written and read as on the wire, where they have a format there: bytes are exact, runs are slower. */
  readonly isWireTrue: boolean;
}

/**
 * One data center: round trips of 2 to 20 ms (guess; half of what a direct probe may take at most). Half a minute lets
 * the slowest detector, with a ping each 13 s, ask twice.
 */
export const defaultDetection: Omit<DetectionConditions, "nodes"> = Object.freeze({
  seed: 1,
  links: Object.freeze({ latency: Object.freeze({ model: "uniform", fromMs: 1, toMs: 10 }) }),
  troubles: Object.freeze([]),
  cuts: 0,
  quorum: 1,
  settleMs: 30_000,
  calmMs: 120_000,
  crashes: 4,
  crashShare: 0,
  deadlineMs: 60_000,
  recoverMs: 10_000,
  isWireTrue: true,
});

export interface DetectionTask {
  readonly detector: string;
  readonly conditions: DetectionConditions;
  readonly tuning: DetectorTuning;
}

export interface DetectionRun {
  readonly detector: string;
  readonly nodes: number;
  readonly seed: number;
  /** Of those whom it should watch, the share that it took for alive when counting began. */
  readonly settled: number;
  readonly calm: CalmFigures;
  readonly crashes: readonly CrashFigures[];
  readonly events: number;
  readonly virtualMs: Millis;
  readonly hash: string;
  readonly wallMs: number;
}

export interface CalmFigures {
  /** Of nodes that watch. */
  readonly nodeHours: number;
  /** A living node that nothing ails was given up, by anybody: FP of Lifeguard. */
  readonly falsePositives: number;
  /** The same, by a node that nothing ails: FP- of Lifeguard. */
  readonly falseByHealthy: number;
  /** A living node that is paused, blocked or slow was given up by one that nothing ails. */
  readonly troubledGivenUp: number;
  /** Somebody began to doubt a living node that nothing ails, of its own experience. */
  readonly suspicions: number;
  readonly messages: number;
  readonly bytes: number;
}

/** Times are from the crash on; of observers that nothing ails. Null: nobody noticed, or not all. */
export interface CrashFigures {
  /** The first who doubted of its own experience. */
  readonly doubtedMs: Millis | null;
  readonly firstMs: Millis | null;
  readonly lastMs: Millis | null;
  /** Of all pairs of somebody who watches and somebody who crashed. */
  readonly watching: number;
  readonly gaveUp: number;
}

/** Throws `UsageError` naming the condition, the value and the rule. */
export function checkDetection(conditions: DetectionConditions): void {
  const { nodes, troubles, cuts, crashShare } = conditions;
  atLeast("nodes", nodes, 3);
  linkSettings(conditions.links);
  let troubled = 0;
  for (const trouble of troubles) {
    atLeast("troubles.nodes", trouble.nodes, 0);
    troubled += trouble.nodes;
    if (trouble.kind === "slow") atLeast("troubles.perEventMs", trouble.perEventMs, 1);
    else {
      atLeast("troubles.lengthMs", trouble.lengthMs, 1);
      atLeast("troubles.gapMs", trouble.gapMs, 1);
    }
  }
  if (nodes - troubled < 3)
    throw new UsageError(`troubles: ${troubled} of ${nodes} nodes are too many; three must be well`);
  atLeast("cuts", cuts, 0);
  const pairs = (nodes - troubled) * (nodes - troubled - 1);
  if (cuts > pairs) throw new UsageError(`cuts: ${cuts} are more than ${pairs}, all pairs of healthy nodes`);
  atLeast("quorum", conditions.quorum, 1);
  atLeast("settleMs", conditions.settleMs, 1000);
  atLeast("calmMs", conditions.calmMs, 1000);
  atLeast("crashes", conditions.crashes, 0);
  atLeast("deadlineMs", conditions.deadlineMs, 1);
  atLeast("recoverMs", conditions.recoverMs, 0);
  if (!(crashShare >= 0 && crashShare < 1))
    throw new UsageError(`crashShare: ${crashShare} is not from 0 to below 1: somebody has to notice`);
}

function atLeast(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new UsageError(`${name}: ${value} is not an integer of at least ${least}`);
}
