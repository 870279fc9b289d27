/** What all failure detectors have in common: a verdict about each node, and the evidence for it. */
import type { Millis, NodeId } from "./environment.ts";

/**
 * `suspect`: silent, and not given up. `failed`: given up. `left`: it said goodbye. `unknown`: never heard of, or
 * forgotten.
 */
export type MemberState = "alive" | "suspect" | "failed" | "left" | "unknown";

/** One link of the chain from a first doubt to a verdict, or back. */
export interface Evidence {
  readonly at: Millis;
  readonly kind: /** `by` asked and got no answer; `through` are those who were asked to try and could not either. */
    | "missed"
    /** `by` says that it doubts. The second and later ones confirm. */
    | "suspected"
    /** `by` got an answer, or the node itself said that it lives. */
    | "alive"
    /** Given up by `by`. */
    | "failed"
    | "left"
    /** `by` would have given it up, and waits for others to agree. */
    | "awaits-quorum";
  /** Whose finding or word it is: ourselves, or somebody who signed it. */
  readonly by: NodeId;
  readonly through: readonly NodeId[];
  /** The life of the node that it is about. */
  readonly incarnation: number;
  /** Figures in words: "2 of 3 confirmations, 1260 ms of 7560", "phi 8.3", "local health 2". */
  readonly detail: string;
}

export interface FailureDetector {
  stateOf(node: NodeId): MemberState;
  /** Oldest first, bounded; empty if there was never any doubt. */
  why(node: NodeId): readonly Evidence[];
}
