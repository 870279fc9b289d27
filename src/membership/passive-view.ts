/** The passive view of HyParView: peers that can take a neighbor's place. Known by hearsay, and not watched. */
import { identityOf, type Random } from "../core/index.ts";
import type { ViewEntry } from "./hyparview-messages.ts";
import { KnownPeers } from "./known-peers.ts";

export class PassiveView extends KnownPeers {
  readonly #limit: number;

  constructor(limit: number) {
    super(limit);
    this.#limit = limit;
  }

  /** What we know already is not overwritten by hearsay: somebody may have given the right key a wrong address. */
  remember({ peer, since }: ViewEntry, random: Random): void {
    if (this.get(identityOf(peer)) === undefined) this.add({ peer, since }, random);
  }

  /** What came of a shuffle. What was given away makes room first, then chance does. */
  integrate(entries: readonly ViewEntry[], given: readonly ViewEntry[], random: Random): void {
    const leaving = [...given];
    for (const entry of entries) {
      if (this.get(identityOf(entry.peer)) !== undefined) continue;
      while (this.size >= this.#limit && leaving.length > 0) this.remove(identityOf(leaving.pop()!.peer));
      this.add({ peer: entry.peer, since: entry.since }, random);
    }
  }
}
