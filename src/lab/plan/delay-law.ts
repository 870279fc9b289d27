/** How long something takes, as a law over whole steps of time: sums, quantiles, and what a lossy stream adds. */
import { invariant, type Millis } from "../../core/index.ts";

/** Finer than any timer of ours, and coarse enough that sums of dozens of hops stay small. */
const stepsPerRange = 4096;

/** Shares of probability by steps; what takes longer than all of them is the rest to 1. */
export class DelayLaw {
  readonly stepMs: number;
  readonly #shares: Float64Array;

  constructor(stepMs: number, shares: Float64Array) {
    this.stepMs = stepMs;
    this.#shares = shares;
  }

  /** Nothing at all, on a scale that reaches as far as `rangeMs`. */
  static none(rangeMs: Millis): DelayLaw {
    const shares = new Float64Array(stepsPerRange);
    shares[0] = 1;
    return new DelayLaw(Math.max(rangeMs, 1) / stepsPerRange, shares);
  }

  /** Each time from `fromMs` to `toMs` equally likely. */
  static uniform(fromMs: Millis, toMs: Millis, rangeMs: Millis): DelayLaw {
    const law = DelayLaw.none(rangeMs);
    const first = law.#stepOf(fromMs);
    const last = law.#stepOf(toMs);
    law.#shares[0] = 0;
    for (let step = first; step <= Math.min(last, stepsPerRange - 1); step++)
      law.#shares[step]! += 1 / (last - first + 1);
    return law;
  }

  #stepOf(ms: Millis): number {
    return Math.round(ms / this.stepMs);
  }

  /** The law of a time plus one of the other law, independent of it. */
  plus(other: DelayLaw): DelayLaw {
    invariant(this.stepMs === other.stepMs, "laws that are added are on one scale");
    const sum = new Float64Array(stepsPerRange);
    const own = this.#support();
    const its = other.#support();
    for (const i of own)
      for (const j of its) {
        if (i + j >= stepsPerRange) break;
        sum[i + j]! += this.#shares[i]! * other.#shares[j]!;
      }
    return new DelayLaw(this.stepMs, sum);
  }

  /** Either of several, with these chances, which sum to 1. */
  static mixed(parts: readonly (readonly [chance: number, law: DelayLaw])[]): DelayLaw {
    const mixture = new Float64Array(stepsPerRange);
    for (const [chance, law] of parts)
      for (let step = 0; step < stepsPerRange; step++) mixture[step]! += chance * law.#shares[step]!;
    return new DelayLaw(parts[0]![1].stepMs, mixture);
  }

  /** The share of those that take at most so long. */
  within(ms: Millis): number {
    const last = Math.min(Math.floor(ms / this.stepMs + 1e-9), stepsPerRange - 1);
    let share = 0;
    for (let step = 0; step <= last; step++) share += this.#shares[step]!;
    return Math.min(1, share);
  }

  /** The least time within which the share is done; Infinity beyond the scale. */
  quantile(share: number): Millis {
    let sum = 0;
    for (let step = 0; step < stepsPerRange; step++) {
      sum += this.#shares[step]!;
      if (sum >= share - 1e-15) return step * this.stepMs;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Steps with a share that counts. */
  #support(): number[] {
    const steps: number[] = [];
    for (let step = 0; step < stepsPerRange; step++) if (this.#shares[step]! > 1e-18) steps.push(step);
    return steps;
  }
}

/** A stream sends again after this pause, and after twice as long each further time; as the simulator has it. */
export const retransmitMs = 200;

/** What losses add to a message on a stream: nothing, 200 ms, 600 ms, 1.4 s, … */
export function streamLossLaw(loss: number, rangeMs: Millis): DelayLaw {
  const none = DelayLaw.none(rangeMs);
  const parts: [number, DelayLaw][] = [];
  let chance = 1 - loss;
  for (let losses = 0; losses <= 10 && chance > 1e-15; losses++) {
    const ms = retransmitMs * (2 ** losses - 1);
    parts.push([chance, ms === 0 ? none : DelayLaw.uniform(ms, ms, rangeMs)]);
    chance *= loss;
  }
  return DelayLaw.mixed(parts);
}
