/** The layers of a trace that no protocol has, and what is said in them (docs/trace.md). */

/** Events that the trace adds by itself have this layer. */
export const traceLayer = "trace";

export type TraceNotice =
  /** Before a node's first event in a file: what people call it. */
  | { readonly type: "named"; readonly name: string; readonly role: string }
  /** So many events are missing here: the disk refused them. */
  | { readonly type: "lost"; readonly events: number };

/** What a world does to its nodes it says as events of this layer. */
export const scenarioLayer = "scenario";

/**
 * The events of the layer, beside `at`, `node` and `layer`. `node` is the id that the node has from then on; what
 * concerns no single node has the empty id `""`. Every node's first event is `joined`, and a node that comes back
 * under another id says so with `restarted`.
 */
export type ScenarioNotice =
  | { readonly type: "joined"; readonly name: string; readonly role: "peer" | "seed" }
  | { readonly type: "restarted"; readonly name: string; readonly keepsDisk: boolean }
  | { readonly type: "crashed" }
  | { readonly type: "paused" }
  | { readonly type: "resumed" }
  /** It said goodbye. */
  | { readonly type: "left" }
  | {
      readonly type: "partitioned";
      readonly sizes: readonly number[];
      /** Names in each part but the first, which has everybody else; missing where zones are apart. */
      readonly apart?: readonly (readonly string[])[];
    }
  | { readonly type: "cut"; readonly from: readonly string[]; readonly to: readonly string[] }
  | { readonly type: "healed" }
  /** Loss, latency and their like, as far as they are others from now on. */
  | { readonly type: "links-changed"; readonly set: Readonly<Record<string, unknown>> }
  | { readonly type: "slowed"; readonly perEventMs: number }
  | { readonly type: "drifted"; readonly rate: number }
  | { readonly type: "forged"; readonly what: "reports" | "registrations"; readonly count: number }
  | { readonly type: "junk"; readonly connections: number };
