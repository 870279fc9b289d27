/**
 * A scenario as data: which network, which stack, what happens to it and when, and what must hold. The same scenario
 * runs simulated and live (docs/simulator.md says how to write one).
 */
import type { ProfileName, ProfileOptions } from "../profiles/index.ts";
import type { ChurnModel, LinkSettings } from "../simulator/index.ts";

type Section = Readonly<Record<string, number | string | boolean | undefined>>;

/** Options of nodes. What a live node has around its stack, a simulated one passes over. */
export interface ScenarioOptions extends ProfileOptions {
  readonly links?: Section;
  readonly datagrams?: Section;
  readonly wire?: Section;
  readonly transport?: Section;
}

/** `500` or `"500ms"`, `"5s"`, `"2m"`; `"5 pings"` bound how soon a death is known (see `pingIntervalOf`). */
export type Duration = number | string;

/**
 * Nodes by name: `"peer-3"`, `"seed-1"`, `"victim"`, a list of names, `"all peers"`, `"all seeds"` (the living), or so
 * many of the living, drawn with the scenario's seed: `{ "random": 2, "of": "peers" }`, or as many as can be missed
 * where a majority counts: `{ "random": "minority", "of": "seeds" }`. `"the drawn"` are those that were drawn last.
 */
export type Selector =
  | string
  | readonly string[]
  | { readonly random: number | "minority"; readonly of: "peers" | "seeds" };

/** One thing that somebody does to the network. */
export type Action =
  /** Peers join: one by its name, or so many, spread over a time. */
  | { readonly do: "join"; readonly name?: string; readonly count?: number; readonly over?: Duration }
  /** kill -9. */
  | { readonly do: "crash"; readonly node: Selector }
  /** A crashed node starts again, with what it had on disk or without. */
  | { readonly do: "restart"; readonly node: Selector; readonly keepsDisk?: boolean }
  /** SIGSTOP: the process hangs, its sockets stay open. */
  | { readonly do: "pause"; readonly node: Selector }
  | { readonly do: "resume"; readonly node: Selector }
  /** Says goodbye and goes. */
  | { readonly do: "leave"; readonly node: Selector }
  /** Each of them says so many messages: this text, or one that tells who says it and counts. */
  | {
      readonly do: "publish";
      readonly from: Selector;
      readonly messages?: number;
      readonly text?: string;
    }
  /** Splits the network: into these groups (whoever is in none is in the first), at random by share, or by zone. */
  | {
      readonly do: "partition";
      readonly groups?: readonly Selector[];
      readonly share?: number;
      readonly by?: "zone";
    }
  /** One-way cut: what these say does not arrive at those. */
  | { readonly do: "cut"; readonly from: Selector; readonly to: Selector }
  /** Ends all partitions and cuts. */
  | { readonly do: "heal" }
  /** From now on links are like this. */
  | { readonly do: "links"; readonly set: Partial<LinkSettings> }
  /** Takes so long for each message or timer. 0 is quick again. */
  | { readonly do: "slow"; readonly node: Selector; readonly perEventMs: number }
  /** The node's clock runs fast (above 0) or slow, by this share: 0.001 is 86 s a day. */
  | { readonly do: "drift"; readonly node: Selector; readonly rate: number; readonly offset?: Duration }
  /** Dead-node reports that are false, by a member of the cluster and by a stranger. */
  | { readonly do: "forge-reports"; readonly against: Selector }
  /** Registrations of others, of closed ports, of invented peers. */
  | { readonly do: "forge-registrations"; readonly count?: number }
  /** Bytes that are no message, and connections that say nothing. */
  | { readonly do: "junk"; readonly node: Selector; readonly idleConnections?: number };

/** Something that can be true of the network. */
export type Condition =
  /** Everybody is registered and has neighbors, and the overlay is one piece. */
  | { readonly is: "formed" }
  /** The overlay of the living peers is one piece. */
  | { readonly is: "connected" }
  /** Every living seed has this peer in its list, with so many of its neighbors (default 0). */
  | { readonly is: "listed"; readonly node: Selector; readonly neighbors?: number }
  /** No living seed has this peer in its list; `by` asks that all removed it so soon after it fell silent. */
  | { readonly is: "removed"; readonly node: Selector; readonly by?: Duration }
  /** This peer has at least so many neighbors (default 1). */
  | { readonly is: "linked"; readonly node: Selector; readonly atLeast?: number }
  /** This peer is registered with as many seeds as it wants. */
  | { readonly is: "registered"; readonly node: Selector }
  /** Every living peer has what living peers published and still keep; of one peer if named. */
  | { readonly is: "delivered"; readonly node?: Selector }
  /** Every living seed lists exactly the living peers. */
  | { readonly is: "lists-exact" }
  /** The living seeds have the same list. */
  | { readonly is: "seeds-agree" }
  /** No seed has removed a peer that lived and could be reached (those named are not counted). */
  | { readonly is: "nobody-removed"; readonly except?: Selector }
  /** The seeds' lists have the same peers as when the network had formed (and had settled). */
  | { readonly is: "lists-unchanged" }
  /** It restarted as the same node, in a later life, with what it had on disk. */
  | { readonly is: "same-node"; readonly node: Selector }
  /** All that was forged was refused or ignored, and counted. */
  | { readonly is: "forgeries-refused" }
  /** All junk was counted, and what it held is free again. */
  | { readonly is: "junk-freed" };

export type Step =
  | (Action & Timing)
  /** Lets time pass. */
  | ({ readonly do: "wait"; readonly for: Duration } & Timing)
  /** Peers come and go as a model says, beside the steps that follow. The end of the timeline waits for it. */
  | ({ readonly do: "churn"; readonly model: ChurnModel } & Timing)
  /** Waits until it is true; fails after `within` (default: at once). */
  | ({
      readonly do: "expect";
      readonly within?: Duration;
      /** What the verdict calls it. */
      readonly claim?: string;
      /** Under which name the report says how many milliseconds it took. */
      readonly figure?: string;
    } & Condition &
      Timing);

export interface Timing {
  /** Not before so long after the network had formed. Without it: right after the step before. */
  readonly at?: Duration;
}

/** Checked at every transition, outside the nodes. */
export const invariantNames = [
  "delivered-once",
  "delivered-was-published",
  "memory-bounds",
  "live-peers-stay-listed",
  "lives-go-forward",
  "beliefs-are-genuine",
  "no-false-verdicts",
  "overlay-reconnects",
  "seeds-converge",
  "everything-arrives",
] as const;
export type InvariantName = (typeof invariantNames)[number];

export interface Scenario {
  readonly name: string;
  readonly description?: string;
  readonly network?: {
    readonly seeds?: number;
    readonly peers?: number;
    readonly joinEvery?: Duration;
    readonly links?: Partial<LinkSettings>;
    /** Simulated: every message goes through the real codec. Live it always does. */
    readonly isWireTrue?: boolean;
  };
  readonly stack?: { readonly profile?: ProfileName; readonly options?: ScenarioOptions };
  /** Some nodes are not like the others. */
  readonly nodes?: readonly {
    readonly which: Selector;
    readonly options?: ScenarioOptions;
    readonly uploadBytesPerSecond?: number;
    readonly downloadBytesPerSecond?: number;
    readonly perEventMs?: number;
    readonly zone?: number;
  }[];
  readonly timeline?: readonly Step[];
  /** Default: all. */
  readonly invariants?: readonly InvariantName[];
  /** How long the network may take to settle after the last step, before the invariants that need calm are checked. */
  readonly calm?: Duration;
  /** A living, reachable peer may be missing from a seed's list for so long. */
  readonly maxUnlisted?: Duration;
}

export interface Check {
  readonly claim: string;
  readonly ok: boolean;
  readonly detail?: string;
}

export interface Violation {
  readonly invariant: string;
  readonly at: number;
  readonly detail: string;
}

export interface ScenarioReport {
  readonly scenario: string;
  readonly world: "simulated" | "live";
  readonly seed: number;
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly violations: readonly Violation[];
  /** How often each interesting thing happened: a verdict about nothing says nothing. */
  readonly occurred: Readonly<Record<string, number>>;
  readonly figures: Readonly<Record<string, unknown>>;
  /** Simulated only. */
  readonly traceHash?: string;
}
