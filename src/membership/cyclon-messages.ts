/** The messages of Cyclon (layer "cyclon"). Every list has the stated bound; the wire codec enforces it. */
import type { Millis, NodeId } from "../core/index.ts";

/** A pointer to somebody, and how many periods ago it was made. */
export interface CyclonEntry {
  readonly peer: NodeId;
  readonly since: Millis;
  /** At most `maxCyclonAge`. */
  readonly age: number;
}

/** To the oldest pointer of the sender: some of its others, and a fresh one to the sender itself; at most `maxCyclonEntries`. */
export interface CyclonShuffle {
  readonly type: "shuffle";
  readonly nonce: number;
  readonly entries: readonly CyclonEntry[];
}
/** As many in return; at most `maxCyclonEntries`. */
export interface CyclonShuffleReply {
  readonly type: "shuffle-reply";
  readonly nonce: number;
  readonly entries: readonly CyclonEntry[];
}

export type CyclonMessage = CyclonShuffle | CyclonShuffleReply;

export const maxCyclonEntries = 32;
export const maxCyclonAge = 65_535;
