/** What happens in one run of a lookup campaign, as data: drawn by a seed, shrunk, and run again. */
import type { Key, Millis, RecordKind } from "../../../core/index.ts";
import type { LinkSettings } from "../../../simulator/index.ts";

/** Nodes are named by their rows; rows from `Draft.nodes` on are of those that join later. */
export type Fault =
  | { readonly do: "crash"; readonly node: number }
  /** Whoever is most responsible for the keys of this newcomer besides itself: it hands them over, or is to answer for it. */
  | { readonly do: "crash-next-to"; readonly node: number }
  /** Everybody who lives crashes at once, and comes back within some seconds with what is on disk. */
  | { readonly do: "power-cut" }
  | { readonly do: "restart"; readonly node: number; readonly keepsDisk: boolean }
  | { readonly do: "leave"; readonly node: number }
  | { readonly do: "join"; readonly node: number }
  | { readonly do: "pause"; readonly node: number }
  | { readonly do: "resume"; readonly node: number }
  /** These apart from all others. */
  | { readonly do: "partition"; readonly nodes: readonly number[] }
  /** What `from` says does not arrive at `to`. */
  | { readonly do: "cut"; readonly from: number; readonly to: readonly number[] }
  | { readonly do: "heal" }
  | { readonly do: "links"; readonly set: Partial<LinkSettings> };

export type Use =
  | { readonly do: "lookup"; readonly node: number; readonly key: Key }
  | {
      readonly do: "put";
      readonly node: number;
      readonly kind: RecordKind;
      readonly name: string;
      /** All values that are ever put differ. */
      readonly value: string;
    }
  | { readonly do: "get"; readonly node: number; readonly kind: RecordKind; readonly name: string }
  | { readonly do: "delete"; readonly node: number; readonly kind: RecordKind; readonly name: string };

export type Action = Fault | Use;
/** After the network has formed. */
export type Step = Action & { readonly at: Millis };

export const faultKinds = [
  "crash",
  "restart",
  "power-cut",
  "leave",
  "join",
  "pause",
  "partition",
  "cut",
  "loss",
  "duplication",
  "reordering",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** A run before its closing. */
export interface Draft {
  readonly router: string;
  /** At the beginning. */
  readonly nodes: number;
  readonly links: Partial<LinkSettings>;
  readonly isWireTrue: boolean;
  /** What a write to disk takes. */
  readonly diskMs: Millis;
  /** Nodes hear of each other from a membership, as those of a gossip network do. */
  readonly hasMembership: boolean;
  readonly kinds: readonly FaultKind[];
  readonly steps: readonly Step[];
}

export function isUse(action: Action): action is Use {
  return action.do === "lookup" || action.do === "put" || action.do === "get" || action.do === "delete";
}
