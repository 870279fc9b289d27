/**
 * How long a message is under way. Each model is a small class that knows its numbers and draws from the die that it
 * is handed: at most one draw per message, none where nothing is left to chance. All delays are integers of at least
 * 0 and the same on every machine.
 *
 * What no model here knows: delays of two messages are independent of each other (no congestion that passes, no time
 * of day), a message from a node to itself is a message like any other, and size does not matter (that is what the
 * bandwidth of `Links` is for).
 */
import { exp, log, pow } from "../core/deterministic-math.ts";
import { hashNumbers, type Random, UsageError } from "../core/index.ts";
import { type Latency, longestMs } from "./link-settings.ts";
import { normalQuantile } from "./normal-quantile.ts";
import { type RoutedSettings, RoutedTopology } from "./topology.ts";

export interface LatencyModel {
  /** An integer of at least `minMs`. */
  sampleMs(from: number, to: number, random: Random): number;
  /** No message ever takes less. */
  readonly minMs: number;
}

type Model<Name extends Latency["model"]> = Extract<Latency, { model: Name }>;

/** Every message takes the same time. */
export class ConstantLatency implements LatencyModel {
  readonly minMs: number;

  constructor({ ms }: Model<"constant">) {
    this.minMs = ms;
  }

  sampleMs(_from: number, _to: number, _random: Random): number {
    return this.minMs;
  }
}

/** Each millisecond from `fromMs` to `toMs` is equally likely. */
export class UniformLatency implements LatencyModel {
  readonly minMs: number;
  readonly #choices: number;

  constructor({ fromMs, toMs }: Model<"uniform">) {
    this.minMs = fromMs;
    this.#choices = toMs - fromMs + 1;
  }

  sampleMs(_from: number, _to: number, random: Random): number {
    return this.minMs + random.below(this.#choices);
  }
}

const bucketBits = 14;

/**
 * A distribution that is given by its quantiles, rounded to milliseconds.
 *
 * A quantile costs some hundred nanoseconds, and most draws do not need one: the draws are cut into 2^14 buckets, and
 * where both ends of a bucket round to the same millisecond, so does all between them. What is found once about a
 * bucket is kept. Only draws in a bucket that straddles two milliseconds are computed each time; the results are
 * those of the quantile, bit for bit.
 */
abstract class QuantileLatency implements LatencyModel {
  abstract readonly minMs: number;
  /** Per bucket: its one result, or -1 if not looked at yet, or -2 if it has several. */
  readonly #flat = new Int32Array(1 << bucketBits).fill(-1);

  /** Never falls when u rises; u in (0, 1). */
  protected abstract quantileMs(u: number): number;

  sampleMs(_from: number, _to: number, random: Random): number {
    const draw = random.uint32();
    const ms = this.#flat[draw >>> (32 - bucketBits)]!;
    return ms >= 0 ? ms : this.#computed(draw);
  }

  #computed(draw: number): number {
    const bucket = draw >>> (32 - bucketBits);
    if (this.#flat[bucket] === -1) {
      const first = bucket * 2 ** (32 - bucketBits);
      const least = this.#ms(first);
      const most = this.#ms(first + 2 ** (32 - bucketBits) - 1);
      this.#flat[bucket] = least === most ? least : -2;
      if (least === most) return least;
    }
    return this.#ms(draw);
  }

  #ms(draw: number): number {
    // In the middle of its 2^-32, so that u is neither 0 nor 1.
    const ms = this.quantileMs((draw + 0.5) / 2 ** 32);
    return Math.min(longestMs, Math.max(this.minMs, Math.floor(ms + 0.5)));
  }
}

/** Memoryless: P(X > x) = e^(-x / meanMs). */
export class ExponentialLatency extends QuantileLatency {
  readonly minMs = 0;
  readonly #meanMs: number;

  constructor({ meanMs }: Model<"exponential">) {
    super();
    this.#meanMs = meanMs;
  }

  protected override quantileMs(u: number): number {
    return -this.#meanMs * log(1 - u);
  }
}

/** The logarithm is normal: what sums of many small multiplicative delays look like, and most measurements. */
export class LogNormalLatency extends QuantileLatency {
  readonly minMs = 0;
  readonly #medianMs: number;
  readonly #sigma: number;

  constructor({ medianMs, sigma }: Model<"log-normal">) {
    super();
    this.#medianMs = medianMs;
    this.#sigma = sigma;
  }

  protected override quantileMs(u: number): number {
    return this.#medianMs * exp(this.#sigma * normalQuantile(u));
  }
}

/** Few messages take very long: P(X > x) = (minMs / x)^shape up to `maxMs`, which all take that would take longer. */
export class ParetoLatency extends QuantileLatency {
  readonly minMs: number;
  readonly #maxMs: number;
  readonly #power: number;

  constructor({ minMs, shape, maxMs }: Model<"pareto">) {
    super();
    this.minMs = minMs;
    this.#maxMs = maxMs;
    this.#power = -1 / shape;
  }

  protected override quantileMs(u: number): number {
    return Math.min(this.#maxMs, this.minMs * pow(1 - u, this.#power));
  }
}

/** A time from each zone to each zone, which need not be that of the way back, plus a uniform jitter. */
export class ZonesLatency implements LatencyModel {
  readonly minMs: number;
  readonly zones: number;
  readonly #ms: Float64Array;
  readonly #jitterMs: number;
  readonly #zoneOf: Uint16Array;

  constructor({ matrixMs, jitterMs = 0 }: Model<"zones">, rows: number) {
    this.zones = matrixMs.length;
    this.#ms = Float64Array.from(matrixMs.flat());
    this.minMs = this.#ms.reduce((least, ms) => Math.min(least, ms), Infinity);
    this.#jitterMs = jitterMs;
    this.#zoneOf = new Uint16Array(rows);
    for (let row = 0; row < rows; row++) this.#zoneOf[row] = row % this.zones;
  }

  zoneOf(row: number): number {
    return this.#zoneOf[row]!;
  }

  /** Throws `UsageError` if there is no such zone. */
  assign(row: number, zone: number): void {
    if (!Number.isInteger(zone) || zone < 0 || zone >= this.zones) {
      throw new UsageError(`zone: ${zone} is not one of 0 to ${this.zones - 1}`);
    }
    this.#zoneOf[row] = zone;
  }

  sampleMs(from: number, to: number, random: Random): number {
    const ms = this.#ms[this.#zoneOf[from]! * this.zones + this.#zoneOf[to]!]!;
    return this.#jitterMs === 0 ? ms : ms + random.below(this.#jitterMs + 1);
  }
}

/**
 * Nodes lie on a square and a message takes a time that grows with the distance: baseMs + distance + jitter. Where a
 * node lies is a hash of (seed, row): another number of nodes moves nobody. Distances obey the triangle inequality,
 * as those of the real Internet do only mostly.
 */
export class PlaneLatency implements LatencyModel {
  readonly minMs: number;
  readonly #sideMs: number;
  readonly #jitterMs: number;
  /** In sides, from 0 to 1. */
  readonly #x: Float32Array;
  readonly #y: Float32Array;

  constructor({ sideMs, baseMs = 0, jitterMs = 0 }: Model<"plane">, rows: number, seed: number) {
    this.minMs = baseMs;
    this.#sideMs = sideMs;
    this.#jitterMs = jitterMs;
    this.#x = new Float32Array(rows);
    this.#y = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      this.#x[row] = hashNumbers([seed, row, 0]) / 2 ** 32;
      this.#y[row] = hashNumbers([seed, row, 1]) / 2 ** 32;
    }
  }

  /** Where a node lies, in sides of the square. */
  placeOf(row: number): { readonly x: number; readonly y: number } {
    return { x: this.#x[row]!, y: this.#y[row]! };
  }

  sampleMs(from: number, to: number, random: Random): number {
    const dx = this.#x[from]! - this.#x[to]!;
    const dy = this.#y[from]! - this.#y[to]!;
    const ms = this.minMs + Math.floor(this.#sideMs * Math.sqrt(dx * dx + dy * dy) + 0.5);
    return this.#jitterMs === 0 ? ms : ms + random.below(this.#jitterMs + 1);
  }
}

/** The shortest way through the routers of a `RoutedTopology`, plus a uniform jitter. */
export class RoutedLatency implements LatencyModel {
  readonly minMs: number;
  readonly topology: RoutedTopology;
  readonly #jitterMs: number;

  constructor(settings: RoutedSettings, rows: number) {
    this.topology = new RoutedTopology(settings, rows);
    // Two nodes of one subnet are nearest.
    this.minMs = 2 * (settings.localMs ?? 0);
    this.#jitterMs = settings.jitterMs ?? 0;
  }

  sampleMs(from: number, to: number, random: Random): number {
    const ms = this.topology.pathMs(from, to);
    return this.#jitterMs === 0 ? ms : ms + random.below(this.#jitterMs + 1);
  }
}

/** The model of these (valid) settings for so many nodes; `seed` says where they lie on a plane. */
export function latencyModel(settings: Latency, rows: number, seed: number): LatencyModel {
  switch (settings.model) {
    case "constant":
      return new ConstantLatency(settings);
    case "uniform":
      return new UniformLatency(settings);
    case "exponential":
      return new ExponentialLatency(settings);
    case "log-normal":
      return new LogNormalLatency(settings);
    case "pareto":
      return new ParetoLatency(settings);
    case "zones":
      return new ZonesLatency(settings, rows);
    case "plane":
      return new PlaneLatency(settings, rows, seed);
    case "routed":
      return new RoutedLatency(settings, rows);
  }
}
