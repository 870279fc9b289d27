import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom, UsageError } from "../core/index.ts";
import { type ChurnEvent, type ChurnModel, churnEvents } from "./churn.ts";

const hour = 3_600_000;

function joins(events: readonly ChurnEvent[]): ChurnEvent[] {
  return events.filter(({ type }) => type === "join");
}

/** Lengths of the sessions that end. */
function lengths(events: readonly ChurnEvent[]): number[] {
  const start = new Map(joins(events).map(({ session, atMs }) => [session, atMs]));
  return events.filter(({ type }) => type !== "join").map(({ session, atMs }) => atMs - start.get(session)!);
}

/** How many are there on average from one time to another. */
function meanPopulation(events: readonly ChurnEvent[], fromMs: number, toMs: number): number {
  let [population, area, last] = [0, 0, fromMs];
  for (const { atMs, type } of events) {
    const at = Math.min(Math.max(atMs, fromMs), toMs);
    area += population * (at - last);
    last = at;
    population += type === "join" ? 1 : -1;
  }
  return (area + population * (toMs - last)) / (toMs - fromMs);
}

const anyModel: fc.Arbitrary<ChurnModel> = fc.oneof(
  fc.record({
    model: fc.constant("poisson" as const),
    joinsPerMinute: fc.double({ min: 0, max: 300, noNaN: true }),
    meanSessionMs: fc.nat({ max: 100_000 }),
    forMs: fc.nat({ max: 60_000 }),
    crashShare: fc.constantFrom(0, 0.5, 1),
  }),
  fc.record({
    model: fc.constant("sessions" as const),
    sessions: fc.array(fc.nat({ max: 5000 }), { minLength: 1, maxLength: 20 }),
    mode: fc.constantFrom("replay" as const, "resample" as const),
    joinsPerMinute: fc.constant(100),
    forMs: fc.nat({ max: 60_000 }),
  }),
  fc.record({
    model: fc.constant("sessions" as const),
    sessions: fc.array(fc.tuple(fc.nat({ max: 1000 }), fc.nat({ max: 500 })), {
      minLength: 1,
      maxLength: 20,
    }),
  }),
  fc.record({
    model: fc.constant("flash-crowd" as const),
    joins: fc.nat({ max: 50 }),
    atMs: fc.nat({ max: 1000 }),
    withinMs: fc.nat({ max: 1000 }),
    leaveAfterMs: fc.nat({ max: 1000 }),
  }),
);

test("every list is sorted, numbers sessions by their joins, and ends no session before it begins or twice", () => {
  fc.assert(
    fc.property(anyModel, fc.nat(), (model, seed) => {
      const events = churnEvents(model, seededRandom(seed));
      const present = new Set<number>();
      let [last, next] = [0, 0];
      for (const { atMs, type, session } of events) {
        expect(Number.isInteger(atMs) && atMs >= last).toBe(true);
        last = atMs;
        if (type === "join") {
          expect(session).toBe(next++);
          present.add(session);
        } else {
          expect(present.delete(session)).toBe(true);
        }
      }
      expect(churnEvents(model, seededRandom(seed))).toEqual(events);
    }),
  );
});

describe("Poisson churn", () => {
  const model = { model: "poisson", joinsPerMinute: 60, meanSessionMs: 200_000, forMs: 5 * hour } as const;
  const events = churnEvents(model, seededRandom(1));

  test("has as many joins as expected, and as many in each minute as a Poisson process", () => {
    const expected = 60 * 300;
    // The variance of a Poisson count is its mean: 4 standard deviations.
    expect(Math.abs(joins(events).length - expected)).toBeLessThan(4 * Math.sqrt(expected));

    const perMinute = new Array<number>(300).fill(0);
    for (const { atMs } of joins(events)) perMinute[Math.floor(atMs / 60_000)]! += 1;
    const dispersion = perMinute.reduce((sum, count) => sum + (count - 60) ** 2, 0) / 60;
    // Chi-square with 300 degrees of freedom: 300, 4.5 standard deviations are 110.
    expect(Math.abs(dispersion - 300)).toBeLessThan(110);
  });

  test("has sessions of an exponential length", () => {
    // Only sessions that begin early enough to have ended: a cut at the end would prefer the short ones.
    const early = churnEvents({ ...model, forMs: 50 * hour }, seededRandom(2)).filter(
      ({ session }) => session < 60 * 60 * 40,
    );
    const all = lengths(early).sort((a, b) => a - b);
    const mean = all.reduce((sum, ms) => sum + ms, 0) / all.length;
    // The standard deviation is the mean.
    expect(Math.abs(mean / 200_000 - 1)).toBeLessThan(4.5 / Math.sqrt(all.length));
    const median = all[Math.floor(all.length / 2)]!;
    expect(Math.abs(median / (200_000 * Math.LN2) - 1)).toBeLessThan(0.02);
  });

  test("keeps Little's law: joins per time x mean session are there on average", () => {
    const long = churnEvents({ ...model, forMs: 50 * hour }, seededRandom(3));
    // M/M/inf: the variance of an average over T is 2 x 200 x (mean session / T), as of T / 400 s = 441 single looks.
    const population = meanPopulation(long, hour, 50 * hour);
    expect(Math.abs(population - 200)).toBeLessThan(4 * Math.sqrt(200 / 441));
  });

  test("ends in a crash as often as it is told, and the share changes nothing else", () => {
    const crashing = churnEvents({ ...model, crashShare: 0.25 }, seededRandom(1));
    const ends = crashing.filter(({ type }) => type !== "join");
    const crashes = ends.filter(({ type }) => type === "crash").length;
    expect(Math.abs(crashes - ends.length / 4)).toBeLessThan(4.5 * Math.sqrt((ends.length * 3) / 16));
    expect(events.some(({ type }) => type === "crash")).toBe(false);
    const times = (list: readonly ChurnEvent[]) => list.map(({ atMs, session }) => [atMs, session]);
    expect(times(crashing)).toEqual(times(events));
  });

  test("lets those stay who would leave after the end", () => {
    const short = churnEvents({ ...model, forMs: 60_000 }, seededRandom(1));
    expect(short.every(({ atMs }) => atMs <= 60_000)).toBe(true);
    expect(joins(short).length).toBeGreaterThan(lengths(short).length);
  });
});

describe("churn of measured sessions", () => {
  test("is replayed as it was, in the order of starts", () => {
    const sessions = [
      [500, 100],
      [0, 1000],
      [500, 0],
    ] as const;
    expect(churnEvents({ model: "sessions", sessions }, seededRandom(1))).toEqual([
      { atMs: 0, type: "join", session: 0 },
      { atMs: 500, type: "join", session: 1 },
      { atMs: 500, type: "join", session: 2 },
      { atMs: 500, type: "leave", session: 2 },
      { atMs: 600, type: "leave", session: 1 },
      { atMs: 1000, type: "leave", session: 0 },
    ]);
    expect(churnEvents({ model: "sessions", sessions, forMs: 500 }, seededRandom(1))).toEqual([
      { atMs: 0, type: "join", session: 0 },
    ]);
  });

  test("replays lengths in their order, each once, at Poisson joins", () => {
    const sessions = Array.from({ length: 900 }, (_, i) => 10 * i);
    const events = churnEvents({ model: "sessions", sessions, joinsPerMinute: 600 }, seededRandom(1));
    const start = joins(events);
    const ends = new Map(events.filter(({ type }) => type === "leave").map((e) => [e.session, e.atMs]));
    expect(start.map(({ session, atMs }) => ends.get(session)! - atMs)).toEqual(sessions);
    // 900 exponential gaps of 100 ms on average.
    expect(Math.abs(start.at(-1)!.atMs - 90_000)).toBeLessThan(4.5 * 100 * Math.sqrt(900));
  });

  test("is resampled: each length as often as any other", () => {
    const sessions = [10, 20, 30, 40];
    const churn = {
      model: "sessions",
      sessions,
      mode: "resample",
      joinsPerMinute: 600,
      forMs: hour,
    } as const;
    const all = lengths(churnEvents(churn, seededRandom(1)));
    expect(Math.abs(all.length - 36_000)).toBeLessThan(4.5 * Math.sqrt(36_000));
    for (const length of sessions) {
      const count = all.filter((ms) => ms === length).length;
      expect(Math.abs(count - all.length / 4), `${length}`).toBeLessThan(
        4.5 * Math.sqrt((all.length * 3) / 16),
      );
    }
  });

  test("resamples the lengths of pairs, too", () => {
    const sessions = [
      [7, 50],
      [9, 60],
    ] as const;
    const churn = { model: "sessions", sessions, mode: "resample", joinsPerMinute: 60, forMs: hour } as const;
    expect(new Set(lengths(churnEvents(churn, seededRandom(1))))).toEqual(new Set([50, 60]));
  });
});

describe("a flash crowd", () => {
  const crowd = { model: "flash-crowd", joins: 10_000, atMs: 5000, withinMs: 2000 } as const;

  test("comes evenly within its time and stays", () => {
    const events = churnEvents(crowd, seededRandom(1));
    expect(events).toHaveLength(10_000);
    expect(events.every(({ type, atMs }) => type === "join" && atMs >= 5000 && atMs < 7000)).toBe(true);
    const firstHalf = events.filter(({ atMs }) => atMs < 6000).length;
    expect(Math.abs(firstHalf - 5000)).toBeLessThan(4.5 * 50);
  });

  test("leaves as it came if it is told how long to stay", () => {
    const events = churnEvents({ ...crowd, leaveAfterMs: 300, crashShare: 1 }, seededRandom(1));
    expect(events).toHaveLength(20_000);
    expect(new Set(lengths(events))).toEqual(new Set([300]));
    expect(events.some(({ type }) => type === "leave")).toBe(false);
  });

  test("of no time comes at once", () => {
    const events = churnEvents({ ...crowd, joins: 3, withinMs: 0 }, seededRandom(1));
    expect(events.map(({ atMs }) => atMs)).toEqual([5000, 5000, 5000]);
  });
});

test.each<[unknown, string]>([
  [{ model: "tide" }, 'model: "tide" is not one of poisson, sessions, flash-crowd'],
  [{ model: "poisson", joinsPerMinute: -1, meanSessionMs: 1, forMs: 1 }, "joinsPerMinute: -1 is less than 0"],
  [{ model: "poisson", joinsPerMinute: 1, forMs: 1 }, "meanSessionMs: undefined is not a number"],
  [
    { model: "poisson", joinsPerMinute: 1, meanSessionMs: 1, forMs: 1, crashShare: 2 },
    "crashShare: 2 is more than 1",
  ],
  [
    { model: "poisson", joinsPerMinute: 1e9, meanSessionMs: 1, forMs: 1e9 },
    "gives more than 10000000 sessions",
  ],
  [
    { model: "poisson", joinsPerMinute: 1, meanSessionMs: 1, forMs: 1, rate: 3 },
    "rate: the model poisson has no such option",
  ],
  [{ model: "sessions", sessions: [] }, "sessions: [] is not a list with entries"],
  [{ model: "sessions", sessions: [1, -1], joinsPerMinute: 1 }, "sessions[1]: -1 is less than 0"],
  [{ model: "sessions", sessions: [[1, 2], 3] }, "sessions[1]: 3 is not a pair of start and length"],
  [{ model: "sessions", sessions: [1, [2, 3]], joinsPerMinute: 1 }, "sessions[1]: [2,3] is not a number"],
  [{ model: "sessions", sessions: [1] }, "joinsPerMinute: it is needed"],
  [
    { model: "sessions", sessions: [1], mode: "resample", joinsPerMinute: 1 },
    "forMs: it is needed to resample",
  ],
  [{ model: "sessions", sessions: [1], mode: "shuffle" }, 'mode: "shuffle" is not one of replay, resample'],
  [{ model: "flash-crowd", joins: 1.5, atMs: 0, withinMs: 0 }, "joins: 1.5 is not an integer"],
])("%j is refused: %s", (model, message) => {
  expect(() => churnEvents(model as ChurnModel, seededRandom(1))).toThrow(UsageError);
  expect(() => churnEvents(model as ChurnModel, seededRandom(1))).toThrow(message);
});
