/**
 * Phi accrual: not "is it dead?" but how surprising its silence is (Hayashibara, Défago, Yared, Katayama 2004, "The phi
 * accrual failure detector"). phi = -log10 of the probability that a heartbeat comes later than now, as far as the last
 * ones tell: at phi = 8 one of 10^8 silences of a living node would be so long, if the model held.
 *
 * The window of the paper has nothing to say at first: until there are samples, a few that were made up from the expected
 * interval speak (Akka's deviation, chitchat's weight), and they go on counting a little.
 *
 * Models: `normal` as in the paper; `exponential` as in Cassandra, where phi = silence/(mean ln 10).
 */
import type { Millis } from "../core/index.ts";
import { normalSurprise, normalZ } from "../core/normal-tail.ts";

export type PhiModel = "normal" | "exponential";

export interface PhiSettings {
  readonly threshold: number;
  readonly model: PhiModel;
  /** Latest intervals that are remembered. */
  readonly window: number;
  /** A deviation below this would make every hiccup a death. */
  readonly minDeviationMs: Millis;
  /** Silence that is always forgiven, on top. */
  readonly pauseMs: Millis;
  /** Longer intervals are outages and say nothing about the rhythm. */
  readonly maxLearntMs: Millis;
  /** Before anything is learnt. */
  readonly expectedMs: Millis;
}

/** So many samples count as if they had been as expected. */
const priorWeight = 5;
/** Their deviation, as a share of the interval. */
const priorDeviation = 1 / 4;

/** What all members of one detector share: the settings, and how far out the threshold lies. */
export class PhiScale {
  readonly settings: PhiSettings;
  /** Silence until the threshold: mean plus so many deviations, or so many means. */
  readonly factor: number;

  constructor(settings: PhiSettings) {
    this.settings = settings;
    this.factor = settings.model === "normal" ? normalZ(settings.threshold) : settings.threshold * Math.LN10;
  }
}

/** The rhythm of one node's heartbeats. */
export class PhiAccrual {
  readonly #scale: PhiScale;
  /** A ring once it has as many places as the window; it grows until then. */
  #intervals = new Uint32Array(16);
  #count = 0;
  #next = 0;
  /** Whole numbers: so adding and taking away leaves no error behind. */
  #sum = 0;
  #squares = 0;

  constructor(scale: PhiScale) {
    this.#scale = scale;
  }

  /** How many intervals it remembers. */
  get samples(): number {
    return this.#count;
  }

  learn(intervalMs: Millis): void {
    const { maxLearntMs, window } = this.#scale.settings;
    const interval = Math.floor(intervalMs);
    if (!(interval > 0 && interval <= maxLearntMs)) return;
    if (this.#count === window) {
      const oldest = this.#intervals[this.#next]!;
      this.#sum -= oldest;
      this.#squares -= oldest * oldest;
    } else {
      if (this.#count === this.#intervals.length) this.#grow(Math.min(window, 2 * this.#count));
      this.#count++;
    }
    this.#intervals[this.#next] = interval;
    this.#next = (this.#next + 1) % window;
    this.#sum += interval;
    this.#squares += interval * interval;
  }

  #grow(places: number): void {
    const longer = new Uint32Array(places);
    longer.set(this.#intervals);
    this.#intervals = longer;
  }

  get meanMs(): Millis {
    const { expectedMs } = this.#scale.settings;
    return (this.#sum + priorWeight * expectedMs) / (this.#count + priorWeight);
  }

  get deviationMs(): Millis {
    const { expectedMs, minDeviationMs } = this.#scale.settings;
    const priorSquares = priorWeight * expectedMs * expectedMs * (1 + priorDeviation * priorDeviation);
    const mean = this.meanMs;
    const variance = (this.#squares + priorSquares) / (this.#count + priorWeight) - mean * mean;
    return Math.max(Math.sqrt(Math.max(variance, 0)), minDeviationMs);
  }

  phi(silenceMs: Millis): number {
    const { model, pauseMs } = this.#scale.settings;
    const silence = silenceMs - pauseMs;
    if (model === "exponential") return Math.max(silence, 0) / (this.meanMs * Math.LN10);
    return normalSurprise((silence - this.meanMs) / this.deviationMs);
  }

  /** After so long a silence phi reaches the threshold. */
  get limitMs(): Millis {
    const { model, pauseMs } = this.#scale.settings;
    const { factor } = this.#scale;
    const beyond = model === "exponential" ? factor * this.meanMs : this.meanMs + factor * this.deviationMs;
    return Math.ceil(pauseMs + beyond);
  }
}
