/** Who takes whom for dead: the same words for what detectors of any profile say. */
import { identityOf, type NodeId, type TraceEvent } from "../core/index.ts";

/** A neighbor or member doubts, has given up, or has taken out of the list from which newcomers learn. */
export type VerdictType = "suspected" | "neighbor-failed" | "peer-removed";

export interface Verdict {
  readonly type: VerdictType;
  readonly about: unknown;
}

/**
 * What the event says of another, if it is such a verdict. A seed that is a member takes whoever it gives up from its
 * list. Of suspicions that go round only those count that the node has found by itself.
 */
export function verdictIn(event: TraceEvent, isSeed: boolean): Verdict | undefined {
  switch (event.type) {
    case "suspected":
    case "neighbor-failed":
      return { type: event.type, about: event["neighbor"] };
    case "peer-removed":
      return event["reason"] === "dead" ? { type: event.type, about: event["peer"] } : undefined;
    case "member-suspected":
      return isOwnDoubt(event) ? { type: "suspected", about: event["peer"] } : undefined;
    case "member-failed":
      return { type: isSeed ? "peer-removed" : "neighbor-failed", about: event["peer"] };
  }
  return undefined;
}

/** The latest to doubt is the node itself. */
export function isOwnDoubt({ node, by }: TraceEvent): boolean {
  return Array.isArray(by) && isSame(by.at(-1), node);
}

/** The node itself is among those who doubted. */
export function hasDoubted({ node, by }: TraceEvent): boolean {
  return Array.isArray(by) && by.some((one) => isSame(one, node));
}

function isSame(one: unknown, node: NodeId): boolean {
  if (typeof one !== "string" && typeof one !== "number") return false;
  return one === node || identityOf(one) === identityOf(node);
}
