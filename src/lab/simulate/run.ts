/**
 * What a simulation is asked for and what it answers. A run is a pure function of its input, which is plain JSON: it
 * gives the same result in any thread and on any machine, but for the figures of the machine itself.
 */
import type { Millis, NodeId, TraceEvent } from "../../core/index.ts";
import type { RumorOptions } from "../../dissemination/index.ts";
import type { NodeOptions } from "../../node/index.ts";
import type { Scenario, Violation } from "../../scenario/scenario.ts";
import type { LinkSettings, RoundSemantics } from "../../simulator/index.ts";
import type { DegreeReport } from "../../theory/degree-report.ts";
import type { SpreadingReport } from "../spreading-report.ts";
import type { Curve } from "./curve.ts";
import type { RumorPrediction } from "./rumor-prediction.ts";

/** Each preset takes some of these and refuses the others. */
export interface SimulationParameters {
  readonly links?: Partial<LinkSettings>;
  /** Virtual time after which a run ends if it has not ended by itself. */
  readonly limitMs?: Millis;
  /** Every message goes through the codec of the wire. */
  readonly isWireTrue?: boolean;
  readonly seeds?: number;
  /** So many peers, drawn by the seed, publish. */
  readonly publishers?: number;
  readonly joinEveryMs?: Millis;
  /** Tunables of the protocols, by section. */
  readonly options?: NodeOptions;
  readonly rumor?: Partial<RumorOptions>;
  /** Rounds of this kind instead of events. */
  readonly rounds?: RoundSemantics;
  readonly scenario?: Scenario;
}
export type ParameterName = keyof SimulationParameters;

export interface SimulationInput {
  readonly preset: string;
  readonly nodes: number;
  readonly seed: number;
  readonly parameters: SimulationParameters;
}

/**
 * `complete`: everything reached everybody. `quiet`: nothing more can happen. `limit`: neither, in the time that it
 * had. `stopped`: somebody ended it.
 */
export type Ending = "complete" | "quiet" | "limit" | "stopped";

export interface DelaySpread {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** [value, count] in ascending order; a count is of values up to this one and above the one before. */
export type Counts = readonly (readonly [upTo: number, count: number])[];

interface ResultOfAny {
  readonly preset: string;
  readonly nodes: number;
  readonly seed: number;
  /** It came to what this preset is to come to. */
  readonly ok: boolean;
  readonly ending: Ending;
  /** Of what was to be delivered. */
  readonly ratio: number;
  /** Equal for equal runs, different for different ones. */
  readonly traceHash: string;
  /** Complete: with the defaults. */
  readonly parameters: SimulationParameters;
  /** From publication to first receipt. */
  readonly delayMs?: DelaySpread | null;
  readonly delays?: Counts;
  readonly curve?: Curve;
  readonly degrees?: DegreeReport;
  /** Copies of messages sent, by node. */
  readonly traffic?: Counts;
  // Of the machine:
  readonly wallMs: number;
  /** Heap and buffers of the thread when the run had ended. */
  readonly memoryMiB: number;
}

interface ResultOfEvents extends ResultOfAny {
  readonly engine: "events";
  readonly events: number;
  readonly virtualMs: Millis;
  readonly eventsPerSecond: number;
}

export interface NetworkResult extends ResultOfEvents {
  readonly published: number;
  readonly deliveries: number;
  readonly expected: number;
  readonly deliveredTwice: number;
  readonly deliveredFromNowhere: number;
  /** Relative message redundancy: copies / deliveries - 1, the mean over all messages. */
  readonly rmr: number | null;
  /** The same with the copies that the history sent: all there are by anti-entropy, where `rmr` has none. */
  readonly rmrWithHistory: number | null;
  /** Last delivery hop, over all messages. */
  readonly ldh: { readonly mean: number; readonly max: number } | null;
  readonly connected: boolean;
  /** Messages of every kind that a node sent on average. */
  readonly messagesPerNode: number;
  /** On the wire; wire-true runs only. */
  readonly bytes?: number;
}

export interface ProfileResult extends NetworkResult {
  readonly seeds: number;
  readonly formed: boolean;
  readonly formedAfterMs: Millis;
  readonly copiesPerNode: number;
  /** Not of a flood, which leaves nothing out. */
  readonly spreading?: SpreadingReport;
}

export interface ScenarioResult extends NetworkResult {
  readonly violations: readonly Violation[];
  readonly failedChecks: readonly string[];
  readonly figures: Readonly<Record<string, unknown>>;
}

export interface RumorResult extends ResultOfEvents {
  readonly informed: number;
  readonly residue: number;
  /** When so many percent of all nodes knew it; null if they never did. */
  readonly reachedMs: Reached;
  /** The same in intervals of a node, to compare with rounds. */
  readonly reachedRounds: Reached;
  /** What theory says, where it has a formula; `roundsToAll` is to be compared with `reachedRounds.p100`. */
  readonly predicted?: RumorPrediction | undefined;
  /** Copies of the rumor that a node sent on average. */
  readonly copiesPerNode: number;
  /** With those that ask for it. */
  readonly messagesPerNode: number;
  readonly bytesPerNode: number;
}

export interface RoundsResult extends ResultOfAny {
  readonly engine: "rounds";
  readonly semantics: RoundSemantics;
  readonly informed: number;
  readonly residue: number;
  /** Rounds that were begun. */
  readonly rounds: number;
  /** With the last round only as far as it was needed. */
  readonly time: number;
  readonly reachedRounds: Reached;
  readonly predicted?: RumorPrediction | undefined;
  readonly copiesPerNode: number;
  readonly bytesPerNode: number;
  readonly nodeRoundsPerSecond: number;
}

export interface Reached {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly p100: number | null;
}

export type SimulationResult = ProfileResult | ScenarioResult | RumorResult | RoundsResult;

/** What the machine had to do with it: two runs of the same input differ in these alone. */
export const machineFigures: ReadonlySet<string> = new Set([
  "wallMs",
  "eventsPerSecond",
  "nodeRoundsPerSecond",
  "memoryMiB",
]);

/** Where a run's events go; a trace file is one. */
export interface TraceSink {
  name(node: NodeId, name: string, role: string): void;
  event(event: TraceEvent): void;
}

/** Whoever wants to know how a run gets on, and may end it. It is asked often: it answers at once. */
export interface RunWatch {
  readonly isStopped: () => boolean;
  /** `share` of the run from 0 to 1, as far as one can know. */
  readonly onProgress: (share: number, events: number, virtualMs: Millis) => void;
  readonly trace?: TraceSink;
}

export const unwatched: RunWatch = { isStopped: () => false, onProgress: () => {} };
