/**
 * The same class, run by events and in rounds, gives the same distributions. Not roughly: each pair below is the same
 * random process, but for a latency of a ten-thousandth of an interval where it matters.
 *
 *  - Calls after exponential pauses are Poisson rounds. Those count turns instead of time, and k turns of n nodes take
 *    the sum of k exponential pauses of mean 1/n, which is drawn here.
 *  - Pushes at the multiples of the interval, with a latency below it, are synchronous rounds.
 *
 * Calls at fixed intervals from random moments on are neither: they are sequential rounds in an order that is never
 * shuffled again.
 *
 * Two samples count as different by the test of Kolmogorov and Smirnov at level 0.001, for each comparison. That the
 * same test with as many runs does see differences is tested below.
 */
import { describe, expect, test } from "vitest";
import { Moments, seededRandom } from "../../src/core/index.ts";
import { Rumor, type RumorOptions } from "../../src/dissemination/index.ts";
import { type RoundResult, type RoundSemantics, runRounds, Simulation } from "../../src/simulator/index.ts";
import { kolmogorovSmirnov } from "../../src/theory/index.ts";

const nodes = 1000;
const runs = 600;
const level = 0.001;
const intervalMs = 10_000;

/** A node is removed after so many copies. */
const blind = (stopAfter: number) => ({ stop: "counter", hasFeedback: false, stopAfter }) as const;

/** Runs until all are informed or nobody spreads it any more; what happened is in the columns. */
function inEvents(options: Partial<RumorOptions>, latencyMs: number, firstSeed = 1000): Rumor[] {
  return Array.from({ length: runs }, (_, run) => {
    const rumor = new Rumor({ rows: nodes, options: { ...options, intervalMs, isQuiet: true } });
    const simulation = new Simulation({
      seed: firstSeed + run,
      rows: nodes,
      links: { latency: { model: "constant", ms: latencyMs } },
    });
    simulation.hostAll(rumor);
    simulation.command(0, { type: "infect" });
    do simulation.run(simulation.time + intervalMs);
    while (rumor.informed < nodes && simulation.pending > 0);
    return rumor;
  });
}

function inRounds(options: Partial<RumorOptions>, semantics: RoundSemantics) {
  return Array.from({ length: runs }, (_, run) => {
    const rumor = new Rumor({ rows: nodes, options });
    rumor.infect(0);
    return { rumor, result: runRounds(rumor, { seed: 1 + run, semantics }) };
  });
}

/** When the last node learned it, in intervals. */
const completionTime = (rumor: Rumor) =>
  rumor.infectedAt.reduce((last, at) => Math.max(last, at)) / intervalMs;

const dice = seededRandom(77);

/** How long the turns of these Poisson rounds take by clocks of their own. */
function clockTime({ contacts }: RoundResult): number {
  let time = 0;
  for (let turn = 0; turn < contacts; turn++) time -= Math.log(1 - dice.unit()) / nodes;
  return time;
}

/** How many knew it after so many rounds, from columns in milliseconds (unit: interval) or in rounds (unit: 1). */
const informedAfter = (rounds: number, rumor: Rumor, unit: number) =>
  rumor.infectedAt.reduce((count, at) => (at >= 0 && Math.floor(at / unit) <= rounds ? count + 1 : count), 0);

function expectSame(first: readonly number[], second: readonly number[]): void {
  const { statistic, pValue } = kolmogorovSmirnov(first, second);
  expect(pValue, `largest distance ${statistic} of ${runs} and ${runs} runs`).toBeGreaterThan(level);
}

describe("calls after exponential pauses are Poisson rounds", () => {
  // All nodes call in push-pull, so that turns and contacts are one.
  const events = inEvents({ mode: "push-pull", timing: "poisson" }, 1).map(completionTime);
  const rounds = inRounds({ mode: "push-pull" }, "poisson").map(({ result }) => result);

  test("push-pull informs the last node after the same time", () => {
    expectSame(events, rounds.map(clockTime));
  });

  test("push with four sends leaves as many without the rumor", () => {
    const options = { mode: "push", ...blind(4) } as const;
    const inTime = inEvents({ ...options, timing: "poisson" }, 1).map(({ informed }) => informed);
    const inTurns = inRounds(options, "poisson").map(({ rumor }) => rumor.informed);
    expectSame(inTime, inTurns);
    // Not vacuous: some are left out, and not always as many.
    expect(new Set(inTurns).size).toBeGreaterThan(10);
  });

  test("and they are neither synchronous nor sequential rounds", () => {
    for (const semantics of ["synchronous", "sequential"] as const) {
      const others = inRounds({ mode: "push-pull" }, semantics).map(({ result }) => result.rounds);
      expect(kolmogorovSmirnov(events, others).pValue).toBeLessThan(level);
    }
  });

  test("a tenth more of the time would be seen", () => {
    const slower = rounds.map((result) => 1.1 * clockTime(result));
    expect(kolmogorovSmirnov(events, slower).pValue).toBeLessThan(level);
  });
});

describe("pushes at the multiples of the interval are synchronous rounds", () => {
  const aligned = { mode: "push", timing: "aligned" } as const;
  const latencyMs = intervalMs / 2;
  const events = inEvents(aligned, latencyMs);
  const rounds = inRounds({ mode: "push" }, "synchronous");

  test("the last node is informed in the same round", () => {
    expectSame(
      events.map((rumor) => Math.floor(completionTime(rumor))),
      rounds.map(({ result }) => result.rounds),
    );
  });

  test("as many are informed early, in the middle and late", () => {
    for (const round of [5, 10, 15]) {
      expectSame(
        events.map((rumor) => informedAfter(round, rumor, intervalMs)),
        rounds.map(({ rumor }) => informedAfter(round, rumor, 1)),
      );
    }
  });

  test("a single round more would be seen", () => {
    const later = rounds.map(({ result }) => result.rounds + 1);
    const times = events.map((rumor) => Math.floor(completionTime(rumor)));
    expect(kolmogorovSmirnov(times, later).pValue).toBeLessThan(level);
  });

  test("with three sends as many never hear it, and the last who does hears it in the same round", () => {
    const limited = inEvents({ ...aligned, ...blind(3) }, latencyMs);
    const limitedRounds = inRounds({ mode: "push", ...blind(3) }, "synchronous");
    expectSame(
      limited.map(({ informed }) => informed),
      limitedRounds.map(({ rumor }) => rumor.informed),
    );
    expectSame(
      limited.map((rumor) => Math.floor(completionTime(rumor))),
      limitedRounds.map(({ rumor }) => rumor.infectedAt.reduce((last, at) => Math.max(last, at))),
    );
  });
});

/** Nodes that know it go on asking, so that what ends such a run is that nobody spreads it any more. */
function untilQuiet(options: Partial<RumorOptions>, latencyMs: number): Rumor[] {
  return Array.from({ length: fewerRuns }, (_, run) => {
    const rumor = new Rumor({ rows: nodes, options: { ...options, intervalMs, isQuiet: true } });
    const latency = { model: "constant", ms: latencyMs } as const;
    const simulation = new Simulation({ seed: 5000 + run, rows: nodes, links: { latency } });
    simulation.hostAll(rumor);
    simulation.command(0, { type: "infect" });
    // In the middle of intervals, when no copy is under way.
    for (simulation.run(intervalMs / 2); rumor.spreading > 0; ) simulation.run(simulation.time + intervalMs);
    return rumor;
  });
}

function untilQuietInRounds(options: Partial<RumorOptions>, semantics: RoundSemantics): Rumor[] {
  return Array.from({ length: fewerRuns }, (_, run) => {
    const rumor = new Rumor({ rows: nodes, options });
    rumor.infect(0);
    runRounds(rumor, { seed: 1 + run, semantics, isUntilQuiet: true });
    return rumor;
  });
}

const fewerRuns = 300;

function expectSameOutcome(events: readonly Rumor[], rounds: readonly Rumor[]): void {
  const informed = (rumor: Rumor) => rumor.informed;
  const copies = (rumor: Rumor) => rumor.copies;
  for (const figure of [informed, copies]) expectSame(events.map(figure), rounds.map(figure));
  // Not vacuous: it varies how many are left out.
  expect(new Set(rounds.map(informed)).size).toBeGreaterThan(3);
}

describe("losing interest by messages at the multiples of the interval is losing it in synchronous rounds", () => {
  test.each([
    { mode: "pull", stop: "counter", stopAfter: 1 },
    { mode: "push", stop: "coin", hasFeedback: false, stopAfter: 2 },
  ] as const)("%j", (options) => {
    // A question, its answer and the word whether it was needed: all of them within one interval.
    const events = untilQuiet({ ...options, timing: "aligned" }, intervalMs / 5);
    const rounds = untilQuietInRounds(options, "synchronous");
    expectSameOutcome(events, rounds);
    expectSame(
      events.map((rumor) => Math.floor(completionTime(rumor))),
      rounds.map((rumor) => rumor.infectedAt.reduce((last, at) => Math.max(last, at))),
    );
  });

  // Nor push-pull: a question may come in the moment after the node was told, and is answered in the same interval.
  test("but not for push with feedback: of two who tell the same node in a round, messages let only one be useful", () => {
    const options = { mode: "push", stop: "counter", stopAfter: 2 } as const;
    const residue = (rumors: readonly Rumor[]) =>
      Moments.of(rumors.map(({ informed }) => 1 - informed / nodes)).confidenceInterval(0.999);
    const events = residue(untilQuiet({ ...options, timing: "aligned" }, intervalMs / 5));
    const rounds = residue(untilQuietInRounds(options, "synchronous"));
    expect(events.low).toBeGreaterThan(rounds.high);
  });
});

describe("losing interest by messages after exponential pauses is losing it in Poisson rounds", () => {
  test.each([
    { mode: "push", stop: "coin", stopAfter: 1 },
    { mode: "push", stop: "counter", stopAfter: 2 },
  ] as const)("%j", (options) => {
    const events = untilQuiet({ ...options, timing: "poisson" }, 1);
    expectSameOutcome(events, untilQuietInRounds(options, "poisson"));
  });
});
