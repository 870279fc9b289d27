/**
 * Runs what was planned in virtual time, and holds what it did against the wish. How long it runs follows from the plan
 * and never from the machine: the same seed gives the same figures everywhere.
 */
import type { Millis } from "../../core/index.ts";
import { broadcastOptions } from "../../dissemination/broadcast-options.ts";
import { swimOptions } from "../../membership/swim-options.ts";
import { type Accelerated, accelerate } from "./accelerate.ts";
import type { CrashKind } from "./crash-watch.ts";
import { isFullView } from "./detector-model.ts";
import { eventsPerSecond } from "./event-rate.ts";
import { graceMs, PlanNetwork } from "./plan-network.ts";
import type { Plan } from "./search.ts";
import type { Wish } from "./wish.ts";

export type Thoroughness = "full" | "quick";

/** A larger network is certified at this size: what its nodes keep takes 8 GiB. */
export const mostCertifiedNodes = 20_000;

export interface DetectionFigures {
  readonly crashes: number;
  readonly firstP50Ms: Millis;
  readonly firstP99Ms: Millis;
  readonly allP50Ms: Millis;
  readonly allP99Ms: Millis;
  /** Crashes that somebody who watched had not noticed in the time that was wished. */
  readonly late: number;
}

export interface Certificate {
  readonly nodes: number;
  readonly formed: boolean;
  readonly virtualMs: Millis;
  readonly events: number;
  readonly traceHash: string;
  /** Of nodes that fell silent, and of processes that were killed; the wish is held against the former. */
  readonly detection: Readonly<Record<CrashKind, DetectionFigures>>;
  readonly falsePositives: {
    readonly count: number;
    readonly suspicions: number;
    readonly nodeDays: number;
    /** At 95 %: of no event in so long a time the rate is at most 3 over it. */
    readonly upperPerNodeDay: number;
    readonly accelerated: Accelerated | undefined;
  };
  readonly delivery: {
    readonly published: number;
    readonly expected: number;
    /** In time, of those expected; and sooner or later. */
    readonly share: number;
    readonly eventually: number;
    readonly p50Ms: Millis;
    readonly p99Ms: Millis;
    readonly p9999Ms: Millis;
  };
  readonly bytesPerSecond: { readonly mean: number; readonly greatest: number };
}

export interface CertifyConfig {
  readonly wish: Wish;
  readonly plan: Plan;
  readonly seed: number;
  readonly thoroughness: Thoroughness;
  /** More or less than that. */
  readonly effort?: Partial<Effort>;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (share: number, what: string) => void;
}

export interface Effort {
  /** Before anything is counted: who has joined compares views often at first. */
  readonly settleMs: Millis;
  /** Of the calm, and of the small network that loses more. */
  readonly calmEvents: number;
  readonly acceleratedEvents: number;
  readonly crashes: number;
  /** Crash, wait, start again: so many times at most. */
  readonly rounds: number;
}

/** Guesses: one or two minutes of one core for 5,000 nodes, and some seconds for a hundred. */
const efforts: Readonly<Record<Thoroughness, Effort>> = {
  full: { settleMs: 30_000, calmEvents: 2_500_000, acceleratedEvents: 1_000_000, crashes: 100, rounds: 50 },
  quick: { settleMs: 10_000, calmEvents: 200_000, acceleratedEvents: 100_000, crashes: 12, rounds: 6 },
};

/** Of each publisher: those that go along the tree of all, the one that makes its own, and one more. */
const messagesBeforeTrees = broadcastOptions.specs.ownTreePerMinute.default + 2;
const mostSettleMs = 120_000;
const leastCalmMs = 10_000;
const mostCalmMs = 3_600_000;
/** Of all nodes, how many crash at about the same time. */
const crashShare = 0.01;
/** Of those that crash one in so many is killed, and the others fall silent. */
const killedOneIn = 4;
/** In wishes: whoever is not noticed by then never is, as far as anybody waits. */
const patience = 3;
const yieldEveryMs = 50;

/** Undefined if it was stopped. */
export async function certify(config: CertifyConfig): Promise<Certificate | undefined> {
  const { signal, onProgress } = config;
  const run = new CertifiedRun(config);
  const steps = run.steps();
  let breathedAt = performance.now();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - breathedAt < yieldEveryMs) continue;
    onProgress?.(run.share, run.what);
    // Lets signals and timers of the process in.
    await new Promise((resolve) => setImmediate(resolve));
    if (signal?.aborted === true) return undefined;
    breathedAt = performance.now();
  }
}

class CertifiedRun {
  what = "nodes join";
  share = 0;
  readonly #config: CertifyConfig;
  readonly #effort: Effort;
  readonly #wish: Wish;
  readonly #world: PlanNetwork;
  readonly #eventsPerSecond: number;

  constructor(config: CertifyConfig) {
    const { wish, plan, seed, thoroughness, effort } = config;
    this.#config = config;
    this.#effort = { ...efforts[thoroughness], ...effort };
    this.#wish = { ...wish, nodes: Math.min(wish.nodes, mostCertifiedNodes) };
    this.#eventsPerSecond = eventsPerSecond(this.#wish, plan);
    this.#world = new PlanNetwork({
      wish: this.#wish,
      options: plan.options,
      seed,
      isFullView: this.#isFullView,
    });
  }

  get #isFullView(): boolean {
    const { profile, options } = this.#config.plan;
    return profile === "modern" && isFullView(this.#wish, swimOptions(options.swim));
  }

  *steps(): Generator<void, Certificate> {
    const world = this.#world;
    const formed = yield* this.#counted(world.form(), 0, 0.2);
    this.what = "settles";
    world.beginPublishing();
    yield* this.#counted(world.run(this.#settleMs), 0.2, 0.3);
    this.what = "calm: messages, bytes, false alarms";
    world.crashes.isCounting = true;
    world.deliveries.isCounting = true;
    world.beginWeighing();
    const calmMs = this.#calmMs;
    yield* this.#counted(world.run(calmMs), 0.3, 0.6);
    const bytesPerSecond = world.endWeighing(calmMs);
    this.what = "nodes crash";
    const measuredSince = world.time - calmMs;
    yield* this.#crash();
    world.endPublishing();
    const nodeDays = ((world.time - measuredSince) * this.#wish.nodes) / 86_400_000;
    // What was published last has its time, and histories some to bring what was lost.
    yield* this.#counted(world.run(this.#wish.withinMs + graceMs), 0.88, 0.9);
    this.what = "the same with more loss";
    const accelerated = yield* this.#accelerated();
    return this.#certificate(formed, nodeDays, bytesPerSecond, accelerated);
  }

  /** Long enough for each publisher to get a tree of its own, whose first message floods; no longer than anybody waits. */
  get #settleMs(): Millis {
    const { publishers, messagesPerSecond } = this.#wish;
    const treesMs =
      messagesPerSecond === 0 ? 0 : (1000 * messagesBeforeTrees * publishers) / messagesPerSecond;
    return Math.max(this.#effort.settleMs, Math.min(mostSettleMs, Math.ceil(treesMs)));
  }

  /** In whole seconds. */
  get #calmMs(): Millis {
    const ms = 1000 * Math.floor(this.#effort.calmEvents / this.#eventsPerSecond);
    return Math.max(leastCalmMs, Math.min(mostCalmMs, ms));
  }

  /** A few at a time, at random moments; the next when all are noticed, or have had time enough, and live again. */
  *#crash(): Generator<void> {
    const { detectWithinMs, nodes } = this.#wish;
    const { crashes, rounds } = this.#effort;
    const world = this.#world;
    const perRound = Math.max(1, Math.min(Math.floor(nodes * crashShare), Math.ceil(crashes / 2)));
    for (let done = 0, round = 0; round < rounds && done < crashes; round++) {
      if (round > 0) yield* world.run(graceMs);
      const victims = world.victims(perRound);
      const spreadMs = Math.ceil(detectWithinMs / 4);
      for (const row of victims) {
        const kind = done++ % killedOneIn === 0 ? "killed" : "silent";
        world.crashAt(world.time + world.random(spreadMs), row, kind);
      }
      yield* world.run(spreadMs);
      const limit = world.time + patience * detectWithinMs;
      while (world.time < limit && !victims.every((row) => world.crashes.isNoticed(row)))
        yield* world.run(100);
      world.restart(victims);
      this.share = 0.6 + 0.28 * Math.min(1, Math.max(done / crashes, (round + 1) / rounds));
    }
  }

  *#accelerated(): Generator<void, Accelerated | undefined> {
    const { plan, seed } = this.#config;
    const steps = accelerate(this.#wish, plan, seed, this.#effort.acceleratedEvents);
    return yield* this.#counted(steps, 0.9, 1);
  }

  /** Progress as far as anybody can tell: each piece brings it a little nearer to the end. */
  *#counted<T>(steps: Generator<void, T>, from: number, to: number): Generator<void, T> {
    this.share = from;
    for (;;) {
      const { done, value } = steps.next();
      if (done) {
        this.share = to;
        return value;
      }
      this.share += (to - this.share) * 0.01;
      yield;
    }
  }

  #certificate(
    formed: boolean,
    nodeDays: number,
    bytesPerSecond: Certificate["bytesPerSecond"],
    accelerated: Accelerated | undefined,
  ): Certificate {
    const { crashes, deliveries, network } = this.#world;
    const { simulation } = network;
    const { expected, inTime, delivered, published, delays } = deliveries;
    return {
      nodes: this.#wish.nodes,
      formed,
      virtualMs: simulation.time,
      events: simulation.counters.events,
      traceHash: simulation.hash,
      detection: { silent: this.#detection("silent"), killed: this.#detection("killed") },
      falsePositives: {
        count: crashes.falsePositives,
        suspicions: crashes.suspicions,
        nodeDays,
        upperPerNodeDay: upperMean(crashes.falsePositives) / nodeDays,
        accelerated,
      },
      delivery: {
        published,
        expected,
        share: expected === 0 ? 1 : inTime / expected,
        eventually: expected === 0 ? 1 : delivered / expected,
        p50Ms: delays.quantile(0.5),
        p99Ms: delays.quantile(0.99),
        p9999Ms: delays.quantile(0.9999),
      },
      bytesPerSecond,
    };
  }

  #detection(kind: CrashKind): DetectionFigures {
    const results = this.#world.crashes.results.filter((one) => one.kind === kind);
    const first = results.map(({ firstMs }) => firstMs).sort((a, b) => a - b);
    const all = results.map(({ allMs }) => allMs).sort((a, b) => a - b);
    return {
      crashes: results.length,
      firstP50Ms: quantile(first, 0.5),
      firstP99Ms: quantile(first, 0.99),
      allP50Ms: quantile(all, 0.5),
      allP99Ms: quantile(all, 0.99),
      late: all.filter((ms) => ms > this.#wish.detectWithinMs).length,
    };
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/**
 * The greatest mean of a Poisson law that so few events do not exclude at 95 %: 3.00 of none (the rule of three), found by
 * halving.
 */
export function upperMean(events: number): number {
  let low = events;
  let high = 2 * events + 10;
  while (high - low > 1e-6 * high) {
    const middle = (low + high) / 2;
    if (atMost(events, middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

/** The chance of at most so many events. */
export function atMost(events: number, mean: number): number {
  let term = Math.exp(-mean);
  let sum = term;
  for (let i = 1; i <= events; i++) {
    term *= mean / i;
    sum += term;
  }
  return sum;
}
