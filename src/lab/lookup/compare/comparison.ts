/** What a comparison of routers is asked for, and what comes of one run of one router: plain JSON, for any thread. */
import type { Millis } from "../../../core/index.ts";
import type { LinkSettings } from "../../../simulator/index.ts";
import type { RouterTuning } from "../lab-routers.ts";

export interface ComparisonChurn {
  readonly joinsPerMinute: number;
  /** Of an exponential distribution; the nodes of the beginning have it, too. */
  readonly meanSessionMs: Millis;
  /** Share of sessions that end without a goodbye. */
  readonly crashShare: number;
}

/** The conditions. They are the same for each router: keys, links, who comes and goes, who asks for what and when. */
export interface Conditions {
  readonly nodes: number;
  readonly seed: number;
  readonly links: Partial<LinkSettings>;
  readonly churn: ComparisonChurn | undefined;
  /** So many of the living crash at once, just before the lookups. */
  readonly failShare: number;
  readonly lookups: number;
  readonly lookupsPerSecond: number;
  /** How many nodes are wanted of each lookup. Default: the router's own. */
  readonly count?: number | undefined;
  /** `joined`: one after the other, each through a living one. `built`: with tables in which all is as it should be. */
  readonly start: "joined" | "built";
  readonly joinEveryMs: Millis;
  /** After the last join, before anything is measured; who comes and goes does so from here on. */
  readonly settleMs: Millis;
  /** How long upkeep is measured, without a lookup. */
  readonly upkeepMs: Millis;
}

export interface RouterRun {
  readonly router: string;
  readonly seed: number;
  /** Lookups whose node lived to see the answer: all figures are about them. */
  readonly asked: number;
  /** The answer's first node is the one that was responsible when it was asked for, or when the answer came. */
  readonly right: number;
  readonly wrong: number;
  /** Nothing was named. */
  readonly unanswered: number;
  /** Their node died, or left, before they ended. */
  readonly abandoned: number;
  /** Of right answers. */
  readonly hops: readonly number[];
  readonly latenciesMs: readonly number[];
  /** Of all that ended, in sums. */
  readonly questions: number;
  readonly silent: number;
  readonly upkeep: Traffic;
  /** While lookups were made. */
  readonly load: Traffic;
  /** Traffic over the whole run, in equal parts. */
  readonly series: readonly TrafficSample[];
  /** Contacts in the tables of the living at the end, on average. */
  readonly contacts: number;
  readonly living: number;
  readonly joins: number;
  readonly ends: number;
  readonly events: number;
  readonly virtualMs: Millis;
  readonly hash: string;
  readonly wallMs: number;
}

export interface Traffic {
  readonly messages: number;
  readonly bytes: number;
  /** Of the kinds that lookups are made of, those of the upkeep among them. */
  readonly lookupMessages: number;
  readonly lookupBytes: number;
  /** The living, times how long they lived. */
  readonly nodeSeconds: number;
}

export interface TrafficSample {
  readonly atMs: Millis;
  readonly bytesPerNodeSecond: number;
}

export interface ComparisonTask {
  readonly router: string;
  readonly conditions: Conditions;
  readonly tuning: RouterTuning;
}
