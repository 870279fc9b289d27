/** Chord's tunables, and what a node of it is made of. */
import {
  defineOptions,
  type KeyedNode,
  type KeyedNodeOf,
  type NodeId,
  type RememberedContacts,
} from "../core/index.ts";
import type { PeerSampler } from "../core/interfaces.ts";
import { maxCloser, maxSuccessors } from "./chord-messages.ts";
import type { RingPointers } from "./chord-ring.ts";
import type { LookupSettings } from "./lookup-options.ts";

export interface ChordOptions {
  readonly successors: number;
  readonly stabilizeMs: number;
  readonly minStabilizeMs: number;
  readonly checkPredecessorMs: number;
  readonly fixFingersMs: number;
  readonly searchMs: number;
  readonly busyMs: number;
  readonly attempts: number;
  readonly minSilenceMs: number;
  readonly repeatsQuestions: boolean;
  readonly alpha: number;
  readonly closer: number;
  readonly routesOverList: boolean;
  readonly persistMs: number;
  readonly maxTableAgeMs: number;
  readonly maxKnown: number;
}

export const chordOptions = defineOptions<ChordOptions>({
  successors: {
    default: 16,
    min: 2,
    max: maxSuccessors,
    flag: "chord-successors",
    description: "Length of the successor list (MIT's implementation); Zave's proof needs one more members",
  },
  stabilizeMs: {
    default: 20_000,
    min: 10,
    max: 3_600_000,
    flag: "chord-stabilize",
    description:
      "How often a node compares its successor list, at most; half to one and a half of it (OverSim)",
  },
  minStabilizeMs: {
    default: 1000,
    min: 10,
    max: 3_600_000,
    flag: "chord-min-stabilize",
    description: "How soon again after something has changed; it doubles from there (MIT's implementation)",
  },
  checkPredecessorMs: {
    default: 5000,
    min: 10,
    max: 3_600_000,
    flag: "chord-check-predecessor",
    description: "How often the predecessor is asked whether it is alive (OverSim)",
  },
  fixFingersMs: {
    default: 30_000,
    min: 10,
    max: 3_600_000,
    flag: "chord-fix-fingers",
    description: "How often one finger is looked up again (the paper: one in each stabilisation, 30 s)",
  },
  searchMs: {
    default: 60_000,
    min: 10,
    max: 3_600_000,
    flag: "chord-search",
    description: "How often a node looks for another ring of the same network, at most (guess)",
  },
  busyMs: {
    default: 1000,
    min: 10,
    max: 60_000,
    flag: "chord-busy",
    description:
      "How long to wait for a node that said it was busy; nodes may wait for each other in a circle (guess)",
  },
  attempts: {
    default: 3,
    min: 1,
    max: 10,
    flag: "chord-attempts",
    description:
      "Questions to a neighbor on the ring before it counts as dead (guess: one message in ten may be lost)",
  },
  minSilenceMs: {
    default: 1000,
    min: 0,
    max: 60_000,
    flag: "chord-min-silence",
    description:
      "A neighbor on the ring is asked for at least so long before it counts as dead (guess: taking a living one for dead costs the ring more than waiting)",
  },
  repeatsQuestions: {
    default: true,
    flag: "chord-repeats-questions",
    description: "A question of a lookup is asked once more of a slow node (over datagrams it may be lost)",
  },
  alpha: {
    default: 1,
    min: 1,
    max: 16,
    flag: "chord-alpha",
    description: "Questions of a lookup that are open at once (the paper: 1)",
  },
  closer: {
    default: 12,
    min: 1,
    max: maxCloser,
    flag: "chord-closer",
    description:
      "Nodes in an answer on the way (guess: with half of them dead one of 4000 answers is of no use)",
  },
  routesOverList: {
    default: true,
    flag: "chord-routes-over-list",
    description: "Lookups go over the successor list as well as over fingers",
  },
  persistMs: {
    default: 60_000,
    min: 1000,
    max: 86_400_000,
    flag: "chord-persist",
    description: "How often the table goes to disk (guess)",
  },
  maxTableAgeMs: {
    default: 30 * 86_400_000,
    min: 0,
    max: 1e12,
    flag: "chord-max-table-age",
    description: "Contacts on disk that have been silent for longer are forgotten (guess)",
  },
  maxKnown: {
    default: 64,
    min: 1,
    max: 65_536,
    flag: "chord-max-known",
    description: "Nodes remembered beside the ring, to find a lost part of the network again (guess)",
  },
});

const validated = new WeakMap<Partial<ChordOptions>, Readonly<ChordOptions>>();
const defaults = chordOptions();

/** Validated once for all nodes that are given the same object. */
export function sharedChordOptions(overrides?: Partial<ChordOptions>): Readonly<ChordOptions> {
  if (overrides === undefined) return defaults;
  let options = validated.get(overrides);
  if (options === undefined) {
    options = chordOptions(overrides);
    validated.set(overrides, options);
  }
  return options;
}

/** A table that was built by somebody who knows everybody, for static networks: it is believed. */
export interface BuiltChordTable extends RingPointers {
  readonly type: "built-chord-table";
  /** The nearest first, one in each bucket (chord-fingers.ts). */
  readonly fingers: readonly KeyedNode[];
}

export interface ChordConfig {
  readonly self: KeyedNode;
  readonly keyedNode: KeyedNodeOf;
  readonly bootstrap: readonly NodeId[];
  /** Others that the membership knows. */
  readonly sampler?: PeerSampler | undefined;
  readonly restored?: RememberedContacts | BuiltChordTable | undefined;
  readonly settings?: Partial<LookupSettings> | undefined;
  readonly options?: Partial<ChordOptions> | undefined;
  /** False: tables stay as they are, and no timer is set. Default: true. */
  readonly hasUpkeep?: boolean | undefined;
  /** False: no `lookup-step` notices. Default: true. */
  readonly tellsSteps?: boolean | undefined;
}
