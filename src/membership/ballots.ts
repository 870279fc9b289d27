/**
 * Who suspects whom, by their own word: what a confirmation quorum counts. A member says with each heartbeat whom it
 * suspects; where these are too many for one message they come by turns, and a vote counts until it should have been
 * repeated.
 *
 * Always: one ballot for each member that voted, and in it only nodes that the owner knows.
 */
import type { Identity, Millis } from "../core/index.ts";

/** I suspect that life of that node. */
export interface Vote {
  readonly node: Identity;
  readonly incarnation: number;
}

/** In one message. */
export const maxVotes = 32;

interface CastVote {
  readonly incarnation: number;
  readonly lapsesAt: Millis;
}

export class Ballots {
  readonly #ballots = new Map<Identity, Map<Identity, CastVote>>();

  /** All that `voter` said until now, or a part if `total` is more. */
  cast(voter: Identity, votes: readonly Vote[], total: number, lapsesAt: Millis): void {
    if (total === 0) {
      this.#ballots.delete(voter);
      return;
    }
    let ballot = this.#ballots.get(voter);
    if (ballot === undefined || votes.length >= total) {
      ballot = new Map();
      this.#ballots.set(voter, ballot);
    }
    for (const { node, incarnation } of votes) ballot.set(node, { incarnation, lapsesAt });
  }

  /** Everything that it said is void. */
  withdraw(voter: Identity): void {
    this.#ballots.delete(voter);
  }

  /** Everybody who suspects that life of the node, or a later one. */
  against(node: Identity, incarnation: number, now: Millis): Identity[] {
    const voters: Identity[] = [];
    for (const [voter, ballot] of this.#ballots) {
      const vote = ballot.get(node);
      if (vote === undefined || voter === node) continue;
      if (vote.lapsesAt < now) ballot.delete(node);
      else if (vote.incarnation >= incarnation) voters.push(voter);
    }
    return voters;
  }
}
