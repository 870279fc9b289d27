/**
 * What was seen, whether it is still kept or not: ranges of sequence numbers for each life of each origin. It costs
 * next to nothing and outlives the payloads, so that nothing is delivered twice because it was forgotten.
 *
 * It is a version vector (Bayou; Petersen et al. 1997, 3.1) that allows for holes: messages overtake each other. Two
 * nodes that have seen the same have the same fingerprint, and a digest says the rest.
 */
import { hashNumbers, hashText, type Identity, identityOf, RangeSet } from "../core/index.ts";
import {
  type GossipStatement,
  type MessageId,
  maxDigestOrigins,
  maxRangesPerOrigin,
  type SeenEntry,
} from "./messages.ts";

export type LifeId = Pick<MessageId, "origin" | "incarnation">;

/** What was seen of one life of one origin. */
export interface Life extends LifeId {
  readonly sequences: RangeSet;
  /** Of identity and incarnation. */
  readonly hash: number;
  /** Its part of the fingerprint: a hash of who it is and of the ranges. */
  share: number;
  isForgotten: boolean;
}

/** Lives of one origin that are remembered: an origin that restarts for ever must not push out all others. */
const maxLivesPerOrigin = 8;
/** Ranges of one life that are remembered: so many messages may overtake each other on their way without loss. */
const maxRangesRemembered = 1024;

export class SeenMessages {
  /** Sequence numbers that were never seen and count as seen, because an origin left too many holes. */
  gapsGivenUp = 0;
  readonly #maxOrigins: number;
  /** In the order in which they were first heard of. */
  readonly #lives = new Set<Life>();
  /** The same by origin, each origin's in growing order of incarnation. */
  readonly #byOrigin = new Map<Identity, Life[]>();
  #fingerprint = 0;

  constructor(maxOrigins: number) {
    this.#maxOrigins = maxOrigins;
  }

  /** Lives of origins of which something was seen. */
  get count(): number {
    return this.#lives.size;
  }
  /** Sum of the shares of all lives, modulo 2^32: who has seen the same has the same. */
  get fingerprint(): number {
    return this.#fingerprint;
  }

  /** The life, if it is remembered: nearly always the origin's latest. */
  find({ origin, incarnation }: LifeId): Life | undefined {
    const lives = this.#byOrigin.get(identityOf(origin));
    if (lives === undefined) return undefined;
    for (let i = lives.length - 1; i >= 0; i--) if (lives[i]!.incarnation === incarnation) return lives[i];
    return undefined;
  }

  has(message: MessageId): boolean {
    return this.hasWithin(this.find(message), message);
  }

  /** The same where `known`, the life of the message if it is remembered, was found before. */
  hasWithin(known: Life | undefined, message: MessageId): boolean {
    return known === undefined ? this.isForgotten(message) : known.sequences.has(message.sequence);
  }

  /** A life before all those that are remembered counts as seen. */
  isForgotten({ origin, incarnation }: LifeId): boolean {
    const lives = this.#byOrigin.get(identityOf(origin));
    return lives !== undefined && lives.length >= maxLivesPerOrigin && incarnation < lives[0]!.incarnation;
  }

  /** All messages of a gossip. `known` is their life, if it is remembered; returned is the one that is now. */
  mark(known: Life | undefined, { origin, incarnation, sequence, payloads }: GossipStatement): Life {
    const life = known ?? this.#begin(origin, incarnation);
    for (let i = 0; i < payloads.length; i++) life.sequences.add(sequence + i);
    // An origin whose numbers have too many holes: the lowest holes count as seen, so that memory stays bounded.
    if (life.sequences.rangeCount > maxRangesRemembered) {
      this.gapsGivenUp += life.sequences.fillLowestGaps(maxRangesRemembered);
    }
    const share = hashNumbers(life.sequences.bounds, life.hash);
    this.#fingerprint = (this.#fingerprint + share - life.share) >>> 0;
    life.share = share;
    return life;
  }

  /** The latest lives, and of each the lowest ranges, should there be more than fit: at worst we get a copy. */
  digest(): SeenEntry[] {
    const all = [...this.#lives];
    return all.slice(-maxDigestOrigins).map(({ origin, incarnation, sequences }) => ({
      origin,
      incarnation,
      ranges: sequences.bounds.slice(0, 2 * maxRangesPerOrigin),
    }));
  }

  /** Did we see all that the entry says? */
  covers(entry: SeenEntry): boolean {
    return coversRanges(this.find(entry)?.sequences, entry.ranges) || this.isForgotten(entry);
  }

  #begin(origin: LifeId["origin"], incarnation: number): Life {
    const hash = hashText(lifeKey({ origin, incarnation }));
    const life: Life = { origin, incarnation, sequences: new RangeSet(), hash, share: 0, isForgotten: false };
    this.#lives.add(life);
    const identity = identityOf(origin);
    const lives = this.#byOrigin.get(identity);
    if (lives === undefined) this.#byOrigin.set(identity, [life]);
    else {
      lives.push(life);
      lives.sort((a, b) => a.incarnation - b.incarnation);
      if (lives.length > maxLivesPerOrigin) this.#forget(lives[0]!);
    }
    // The oldest of all.
    if (this.#lives.size > this.#maxOrigins) this.#forget(this.#lives.values().next().value!);
    return life;
  }

  #forget(life: Life): void {
    life.isForgotten = true;
    this.#lives.delete(life);
    this.#fingerprint = (this.#fingerprint - life.share) >>> 0;
    const identity = identityOf(life.origin);
    const lives = this.#byOrigin.get(identity)!;
    lives.splice(lives.indexOf(life), 1);
    if (lives.length === 0) this.#byOrigin.delete(identity);
  }
}

/** Names a life in texts and on disk. */
export function lifeKey({ origin, incarnation }: LifeId): string {
  return `${identityOf(origin)}/${incarnation}`;
}

/** Names a message, as a key. */
export function messageKey(message: MessageId): string {
  return `${lifeKey(message)}/${message.sequence}`;
}

/** Does `seen` contain every one of these ranges? A range lies within one range of ours or has a hole. */
function coversRanges(seen: RangeSet | undefined, ranges: readonly number[]): boolean {
  if (seen === undefined) return ranges.length === 0;
  const { bounds } = seen;
  let i = 0;
  for (let r = 0; r < ranges.length; r += 2) {
    while (i < bounds.length && bounds[i + 1]! < ranges[r]!) i += 2;
    if (i >= bounds.length || bounds[i]! > ranges[r]! || bounds[i + 1]! < ranges[r + 1]!) return false;
  }
  return true;
}
