/**
 * How long to wait for whom: per peer the smoothed round trip and four times its variation, as TCP does (RFC 6298), so
 * that a silent peer costs a lookup a few round trips and not a fixed second.
 *
 *     answer to a question   srtt, rttvar follow the sample        RFC 6298, section 2
 *     silence                the peer's second limit doubles       5.5, until a sample comes (Karn & Partridge 1987)
 *     peer never measured    what all peers together have shown    Rhea et al. 2004, section 4.3 (recalled)
 *     nobody measured yet    `firstTimeoutMs`
 *
 * There are two limits for each question. After the first, `softTimeoutMs`, the peer is probably slow: whoever asked may
 * ask another one beside it. After the second, `hardTimeoutMs`, it counts as silent.
 *
 * Timers tell, too, when it was our own process that paused: then whatever seems late may be waiting in our own sockets
 * (see `graceMs`).
 */
import { type Identity, identityOf, type Millis, type NodeId } from "../core/index.ts";
import type { LookupSettings } from "./lookup-options.ts";

/** RFC 6298, section 2: alpha = 1/8, beta = 1/4, K = 4. */
const srttGain = 1 / 8;
const rttvarGain = 1 / 4;
const variations = 4;
/** A question counts as unanswered after so many time-outs (guess: time for one repetition, were there any). */
const hardFactor = 2;
/** Doubling ends here: by then any maximum is reached. */
const maxBackoff = 10;
/**
 * A peer that was silent once is a suspect for so long, and twice as long with each further silence: its second limit doubles
 * as well, and nobody should wait for that (guess: long beside any time-out, short beside a repair).
 */
const suspectMs = 60_000;

interface Estimate {
  /** Negative as long as there was no sample. */
  srtt: number;
  rttvar: number;
  /** Silences since the last answer, when the last one was noticed, and of which address. */
  backoff: number;
  silentAt: Millis;
  silentPeer: NodeId | undefined;
}

export type RoundTripSettings = Pick<LookupSettings, "minTimeoutMs" | "firstTimeoutMs" | "maxTimeoutMs">;

export interface RoundTripsConfig {
  readonly settings: RoundTripSettings;
  /** Peers that are remembered, the last measured ones; all count for the prior. Default: 1024 (guess: 100 KiB). */
  readonly maxPeers?: number;
}

export class RoundTrips {
  readonly counters = {
    samples: 0,
    silences: 0,
    /** Peers forgotten to make room. */
    forgotten: 0,
    /** Times when our own timers came late, so that nobody was blamed. */
    pauses: 0,
  };
  readonly #settings: RoundTripSettings;
  readonly #maxPeers: number;
  /** The peer measured last is the last one. */
  readonly #peers = new Map<Identity, Estimate>();
  /** Of all peers as if they were one: the prior. Its backoff stays 0. */
  readonly #all: Estimate = {
    srtt: -1,
    rttvar: 0,
    backoff: 0,
    silentAt: 0,
    silentPeer: undefined,
  };
  /** When we last noticed that we had paused. */
  #pausedUntil: Millis = Number.NEGATIVE_INFINITY;

  constructor({ settings, maxPeers = 1024 }: RoundTripsConfig) {
    this.#settings = settings;
    this.#maxPeers = maxPeers;
  }

  /**
   * The first limit: whoever asked may ask another one now. Silences do not stretch it: nothing is sent again, and who was
   * silent before is the last for whom others should be kept waiting.
   */
  softTimeoutMs(peer: NodeId): Millis {
    return Math.min(this.#timeoutMs(this.#peers.get(identityOf(peer))), this.#settings.maxTimeoutMs);
  }

  /** The second limit, from the moment of the question as well: it counts as silent now. */
  hardTimeoutMs(peer: NodeId): Millis {
    const estimate = this.#peers.get(identityOf(peer));
    const doubled = hardFactor * this.#timeoutMs(estimate) * (1 << (estimate?.backoff ?? 0));
    return Math.min(doubled, this.#settings.maxTimeoutMs);
  }

  #timeoutMs(estimate: Estimate | undefined): number {
    const { minTimeoutMs, firstTimeoutMs } = this.#settings;
    const { srtt, rttvar } = estimate !== undefined && estimate.srtt >= 0 ? estimate : this.#all;
    return Math.max(minTimeoutMs, srtt < 0 ? firstTimeoutMs : Math.ceil(srtt + variations * rttvar));
  }

  /** Smoothed; undefined if this peer was never measured, or that is forgotten. */
  rttMs(peer: NodeId): number | undefined {
    const estimate = this.#peers.get(identityOf(peer));
    return estimate === undefined || estimate.srtt < 0 ? undefined : estimate.srtt;
  }

  /** How many peers are remembered. */
  get size(): number {
    return this.#peers.size;
  }

  /**
   * A peer answered a question of `sentAt` that was sent once: nothing can be learned from an answer to one of several
   * copies (Karn), so callers that repeat a question under the same nonce do not come here after a repetition. An answer
   * that comes after the time-out is a good sample.
   */
  onAnswer(peer: NodeId, sentAt: Millis, now: Millis): void {
    const known = this.#peers.get(identityOf(peer));
    // It is there, however long it took.
    if (known !== undefined) known.backoff = 0;
    // It may have waited for us.
    if (sentAt <= this.#pausedUntil) return;
    this.counters.samples++;
    const sample = Math.max(0, now - sentAt);
    const estimate = this.#estimateOf(peer);
    estimate.backoff = 0;
    follow(estimate, sample);
    follow(this.#all, sample);
  }

  /** Was it silent when it was last asked, a short while ago, and at this address? Who starts again may have another. */
  isSuspect(peer: NodeId, now: Millis): boolean {
    const estimate = this.#peers.get(identityOf(peer));
    if (estimate === undefined || estimate.backoff === 0 || estimate.silentPeer !== peer) return false;
    return now - estimate.silentAt < suspectMs * (1 << (estimate.backoff - 1));
  }

  /** A question came to its second limit. */
  onSilence(peer: NodeId, now: Millis): void {
    this.counters.silences++;
    const estimate = this.#estimateOf(peer);
    estimate.silentAt = now;
    estimate.silentPeer = peer;
    if (estimate.backoff < maxBackoff) estimate.backoff++;
  }

  /**
   * A timer that was due at `due` fires now. Zero if that is about then. Otherwise our process had paused, and answers may
   * be waiting to be read: judge nobody, and look again after so long.
   */
  graceMs(due: Millis, now: Millis): Millis {
    const { minTimeoutMs } = this.#settings;
    if (now - due < minTimeoutMs) return 0;
    this.counters.pauses++;
    this.#pausedUntil = now;
    return minTimeoutMs;
  }

  #estimateOf(peer: NodeId): Estimate {
    const id = identityOf(peer);
    const known = this.#peers.get(id);
    if (known !== undefined) this.#peers.delete(id);
    else if (this.#peers.size >= this.#maxPeers) {
      this.counters.forgotten++;
      for (const oldest of this.#peers.keys()) {
        this.#peers.delete(oldest);
        break;
      }
    }
    const estimate = known ?? { srtt: -1, rttvar: 0, backoff: 0, silentAt: 0, silentPeer: undefined };
    this.#peers.set(id, estimate);
    return estimate;
  }
}

/** RFC 6298, 2.2 and 2.3: the variation first, with the old mean. */
function follow(estimate: Estimate, sample: number): void {
  if (estimate.srtt < 0) {
    estimate.srtt = sample;
    estimate.rttvar = sample / 2;
    return;
  }
  estimate.rttvar += rttvarGain * (Math.abs(estimate.srtt - sample) - estimate.rttvar);
  estimate.srtt += srttGain * (sample - estimate.srtt);
}
