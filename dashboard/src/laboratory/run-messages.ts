/** What a page and the worker that simulates for it say to each other. */
import type { Millis, NodeId, TraceEvent } from "../../../src/core/index.ts";
import type { Action, Scenario, ScenarioReport } from "../../../src/scenario/scenario.ts";
import type { FeedHello, FeedSampling, FeedTotals } from "../../../src/trace/feed.ts";
import type { NodeDetails, NodeOpinion } from "../sources/source.ts";

/** What somebody did to the network by hand, and when. With the scenario and the seed it makes the same run again. */
export interface JournalEntry {
  readonly at: Millis;
  readonly action: Action;
}

/** All that a run is made of. */
export interface NetworkRunConfig {
  readonly scenario: Scenario;
  readonly seed: number;
  /** In the order of time. */
  readonly journal?: readonly JournalEntry[];
  /** As fast as possible until then. */
  readonly runTo?: Millis;
}

export type ToWorker =
  | { readonly type: "start"; readonly config: NetworkRunConfig }
  | { readonly type: "speed"; readonly speed: number }
  | { readonly type: "run-to"; readonly at: Millis }
  | { readonly type: "act"; readonly request: number; readonly action: Action }
  | { readonly type: "details"; readonly request: number; readonly node: NodeId }
  | {
      readonly type: "why";
      readonly request: number;
      readonly observer: NodeId;
      readonly member: NodeId;
    }
  | { readonly type: "journal"; readonly request: number }
  /** A batch was taken. */
  | { readonly type: "taken" };

export type FromWorker =
  | { readonly type: "hello"; readonly hello: FeedHello }
  | RunBatch
  /** The scenario is over. */
  | { readonly type: "verdict"; readonly report: ScenarioReport }
  | { readonly type: "answer"; readonly request: number; readonly value: unknown }
  | { readonly type: "refused"; readonly request: number; readonly why: string }
  /** Nothing more will come. */
  | { readonly type: "failed"; readonly why: string };

export interface RunBatch {
  readonly type: "batch";
  readonly events: readonly TraceEvent[];
  readonly totals: readonly FeedTotals[];
  readonly samplings: readonly FeedSampling[];
  /** What the scenario does and finds, a line each. */
  readonly said: readonly SaidLine[];
}

export interface SaidLine {
  readonly at: Millis;
  readonly text: string;
}

export type JournalAnswer = readonly JournalEntry[];
export type DetailsAnswer = NodeDetails | undefined;
export type OpinionAnswer = NodeOpinion | undefined;
