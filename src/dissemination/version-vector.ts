/**
 * Version vectors (Parker et al. 1983, "Detection of mutual inconsistency in distributed systems"; Petersen et al. 1997,
 * "Flexible update propagation for weakly consistent replication", section 3): for each server the largest
 * accept-stamp of its writes that is known. A server that is not in the vector counts as 0; accept-stamps begin at 1.
 *
 * Together with the prefix property, that whoever knows a write of a server knows all earlier ones of it, one number for
 * each server says exactly which writes are known.
 */
import type { Identity } from "../core/index.ts";

/** How two vectors stand to each other; `concurrent` if each knows of something that the other does not. */
export type Dominance = "equal" | "dominates" | "dominated" | "concurrent";

export class VersionVector {
  readonly #stamps = new Map<Identity, number>();

  constructor(stamps: Iterable<readonly [Identity, number]> = []) {
    for (const [server, stamp] of stamps) this.advance(server, stamp);
  }

  /** Servers of which something is known. */
  get size(): number {
    return this.#stamps.size;
  }
  get(server: Identity): number {
    return this.#stamps.get(server) ?? 0;
  }
  /** In the order in which servers became known. */
  entries(): IterableIterator<[Identity, number]> {
    return this.#stamps.entries();
  }

  /** Never goes back. */
  advance(server: Identity, stamp: number): void {
    if (stamp > this.get(server)) this.#stamps.set(server, stamp);
  }
  /** Knows afterwards what either of the two knew: the least vector that dominates both. */
  merge(other: VersionVector): void {
    for (const [server, stamp] of other.entries()) this.advance(server, stamp);
  }
  copy(): VersionVector {
    return new VersionVector(this.entries());
  }

  /** Knows all that the other knows. */
  includes(other: VersionVector): boolean {
    for (const [server, stamp] of other.entries()) if (this.get(server) < stamp) return false;
    return true;
  }
  compare(other: VersionVector): Dominance {
    const [more, less] = [this.includes(other), other.includes(this)];
    if (more) return less ? "equal" : "dominates";
    return less ? "dominated" : "concurrent";
  }
}
