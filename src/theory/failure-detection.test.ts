import { describe, expect, test } from "vitest";
import { type Random, seededRandom, UsageError } from "../core/index.ts";
import {
  gossipDetection,
  missedHeartbeatsPerDay,
  phiAfter,
  phiSilence,
  pingDetection,
  probeFailure,
  roundRobinBound,
  sharedOrderDetection,
  sharedOrderUnprobed,
  shortestSuspicion,
  silenceDetection,
  suspicionTimeout,
  swimDetection,
  swimFalsePositives,
  swimFirstDetection,
} from "./failure-detection.ts";

function average(runs: number, draw: (random: Random) => number): number {
  const random = seededRandom(5);
  let sum = 0;
  for (let i = 0; i < runs; i++) sum += draw(random);
  return sum / runs;
}

describe("the first probe of a crashed node", () => {
  test("comes after e/(e-1) periods, whatever n, and later the fewer live", () => {
    expect(swimFirstDetection()).toBeCloseTo(Math.E / (Math.E - 1), 12);
    expect(swimFirstDetection({ n: 100_000 })).toBeCloseTo(Math.E / (Math.E - 1), 4);
    expect(swimFirstDetection({ n: 2 })).toBe(1);
    expect(swimFirstDetection({ alive: 0.5 })).toBeCloseTo(2.5415, 4);
  });

  test("is certain for each single prober within 2n-1 periods", () => {
    expect(roundRobinBound({ n: 5 })).toBe(9);
  });

  test.each([1, 0.7, 0.2])(
    "by shared order comes as if one drew the probers, a share of %d of which live",
    (alive) => {
      const waits: number[] = [];
      const mean = average(40_000, (random) => {
        const crash = random.unit();
        let period = 0;
        for (;;) {
          const probe = period + random.unit();
          if (random.unit() < alive && probe > crash) {
            waits.push(probe - crash);
            return probe - crash;
          }
          period++;
        }
      });
      expect(Math.abs(mean / sharedOrderDetection({ alive }) - 1)).toBeLessThan(0.02);
      for (const periods of [0.3, 0.8, 1, 1.5, 2.25, 4]) {
        const later = waits.filter((wait) => wait > periods).length / waits.length;
        expect(Math.abs(later - sharedOrderUnprobed({ periods, alive }))).toBeLessThan(0.008);
      }
      const { p99Ms } = swimDetection({
        intervalMs: 1,
        probeMs: 0,
        suspicionMs: 0,
        order: "shared",
        alive,
        n: 100,
      });
      expect(sharedOrderUnprobed({ periods: p99Ms, alive })).toBeCloseTo(0.01, 6);
    },
  );

  test("by shared order with one moment for all comes after half a period", () => {
    expect(sharedOrderDetection({ phases: "same" })).toBe(0.5);
    expect(sharedOrderDetection()).toBeCloseTo(7 / 12, 12);
    expect(sharedOrderUnprobed({ periods: 1.5 })).toBeCloseTo(0.125 / 6, 12);
  });
});

describe("a probe of a living node", () => {
  test("fails as often as the draw of its messages says", () => {
    const [loss, helpers] = [0.2, 3];
    const arrives = (random: Random, messages: number) => {
      let all = true;
      for (let i = 0; i < messages; i++) if (random.unit() < loss) all = false;
      return all;
    };
    const failed = average(200_000, (random) => {
      let answered = arrives(random, 2);
      for (let i = 0; i < helpers; i++) if (arrives(random, 4)) answered = true;
      return answered ? 0 : 1;
    });
    expect(Math.abs(failed / probeFailure({ loss, helpers }) - 1)).toBeLessThan(0.03);
  });

  test("never fails without loss, always with nothing but, and hardly where a stream is asked, too", () => {
    expect(probeFailure({ loss: 0, helpers: 0 })).toBe(0);
    expect(probeFailure({ loss: 1, helpers: 3 })).toBe(1);
    expect(probeFailure({ loss: 0.2, helpers: 3, streamFailure: 0.01 })).toBeCloseTo(
      probeFailure({ loss: 0.2, helpers: 3 }) / 100,
      12,
    );
  });
});

describe("a suspicion", () => {
  test("lasts longest while nobody confirms it, and shortest when all have who are expected", () => {
    const of = (confirmations: number) =>
      suspicionTimeout({ minMs: 4, maxMs: 24, confirmations, expected: 3 });
    // Lifeguard, figure 1: of the way from max to min, C = 1 is log 2/log 4.
    expect([0, 1, 3, 9].map(of)).toEqual([24, 14, 4, 4]);
    expect(suspicionTimeout({ minMs: 4, maxMs: 24, confirmations: 0, expected: 0 })).toBe(4);
    expect(() => suspicionTimeout({ minMs: 5, maxMs: 4, confirmations: 0, expected: 1 })).toThrow(UsageError);
  });

  test("lasts as long as was measured of memberlist: 4 s for ten, 5.91 s for thirty", () => {
    expect(shortestSuspicion({ n: 3, mult: 4, intervalMs: 1000 })).toBe(4000);
    expect(shortestSuspicion({ n: 10, mult: 4, intervalMs: 1000 })).toBeCloseTo(4000, 9);
    expect(shortestSuspicion({ n: 30, mult: 4, intervalMs: 1000 })).toBeCloseTo(5908, 0);
  });

  const usual = {
    n: 100,
    helpers: 3,
    intervalMs: 500,
    suspicionMs: 2000,
    gossipIntervalMs: 100,
    gossipFanout: 3,
    retransmitMult: 4,
  };
  test("of the living is rare without loss, and refuted nearly always with some", () => {
    expect(swimFalsePositives({ ...usual, loss: 0 }).perNodeDay).toBe(0);
    const some = swimFalsePositives({ ...usual, loss: 0.05 });
    const more = swimFalsePositives({ ...usual, loss: 0.3 });
    expect(some.suspicionsPerNodeDay).toBeCloseTo(172_800 * probeFailure({ loss: 0.05, helpers: 3 }), 6);
    expect(some.isInTime).toBe(true);
    expect(some.perNodeDay).toBeLessThan(some.suspicionsPerNodeDay / 10);
    expect(more.perNodeDay).toBeGreaterThan(some.perNodeDay);
    expect(more.unrefuted).toBeGreaterThan(some.unrefuted);
  });

  test("is fatal where there is no time to refute", () => {
    const rushed = swimFalsePositives({ ...usual, loss: 0.1, suspicionMs: 300 });
    expect(rushed).toMatchObject({ isInTime: false, unrefuted: 1, perNodeDay: rushed.suspicionsPerNodeDay });
  });
});

test("runs of lost heartbeats are as rare as the draw of each says", () => {
  const random = seededRandom(3);
  const [loss, misses, beats] = [0.3, 3, 500_000];
  let [run, runs] = [0, 0];
  for (let i = 0; i < beats; i++) {
    run = random.unit() < loss ? run + 1 : 0;
    if (run === misses) runs++;
  }
  const perDay = missedHeartbeatsPerDay({ loss, misses, intervalMs: 1000 });
  expect(Math.abs(((runs / beats) * 86_400) / perDay - 1)).toBeLessThan(0.03);
});

describe("a crash is noticed", () => {
  test("by the classic heartbeat after 26 s, half an interval and two time-outs, as its documents reckon", () => {
    const classic = { intervalMs: 13_000, misses: 3, timeoutMs: 3900, verdictMs: 3900 };
    expect(pingDetection(classic).meanMs).toBe(26_000 + 6500 + 7800);
    const first = average(50_000, (random) => {
      let least = 1;
      for (let i = 0; i < 6; i++) least = Math.min(least, random.unit());
      return least * 13_000 + 26_000 + 7800;
    });
    expect(Math.abs(first / pingDetection({ ...classic, observers: 6 }).meanMs - 1)).toBeLessThan(0.002);
    expect(pingDetection({ ...classic, observers: 6 }).p99Ms).toBeLessThan(pingDetection(classic).p99Ms);
  });

  test("by silence half an interval earlier than the limit, on average", () => {
    expect(silenceDetection({ intervalMs: 1000, limitMs: 3500, latencyMs: 10 })).toEqual({
      meanMs: 3010,
      p99Ms: 3500,
    });
  });

  test("by gossip when the last counter has come and t_fail has passed: a drawn epidemic says the same", () => {
    const [n, intervalMs, failMs] = [40, 1000, 10_000];
    const random = seededRandom(7);
    let [first, mean, last] = [0, 0, 0];
    const runs = 3000;
    for (let run = 0; run < runs; run++) {
      // Each node calls at its own moments: a Poisson process in the model; here by the same rate.
      let [t, known] = [0, 1];
      const times: number[] = [];
      while (known < n) {
        const rate = (2 * known * (n - known)) / (n - 1);
        t += -Math.log(1 - random.unit()) / rate;
        times.push(t);
        known++;
      }
      first += times[0]!;
      mean += times.reduce((sum, time) => sum + time, 0) / times.length;
      last += times.at(-1)!;
    }
    const theory = gossipDetection({ n, intervalMs, failMs });
    const measured = [first, mean, last].map((sum) => failMs - 500 + (sum / runs) * intervalMs);
    for (const [i, value] of [theory.firstMs, theory.meanMs, theory.lastMs].entries())
      expect(Math.abs(value / measured[i]! - 1)).toBeLessThan(0.01);
    expect(gossipDetection({ n, intervalMs, failMs, loss: 0.2 }).meanMs).toBeGreaterThan(theory.meanMs);
  });

  test("by SWIM sooner with the shared order than with the random one, and never later than its bound", () => {
    const options = { intervalMs: 500, probeMs: 500, suspicionMs: 1000, n: 30 };
    const shared = swimDetection({ ...options, order: "shared" });
    const random = swimDetection({ ...options, order: "random" });
    expect(shared.meanMs).toBeCloseTo(1500 + (500 * 7) / 12, 9);
    expect(shared.meanMs).toBeLessThan(random.meanMs);
    expect(shared.p99Ms).toBeLessThan(random.p99Ms);
    expect(swimDetection({ ...options, order: "random", n: 2, alive: 0.1 }).p99Ms).toBe(1500 + 3 * 500);
  });
});

describe("phi", () => {
  test("of the exponential law reaches 8 after 18.4 means", () => {
    expect(phiSilence({ model: "exponential", meanMs: 1000, threshold: 8 })).toBeCloseTo(18_420.68, 1);
    expect(phiAfter({ model: "exponential", meanMs: 1000, silenceMs: 1000 })).toBeCloseTo(Math.LOG10E, 12);
  });

  test("of the normal law reaches 8 after the mean and 5.61 deviations", () => {
    const law = { model: "normal", meanMs: 1000, deviationMs: 100 } as const;
    expect(phiSilence({ ...law, threshold: 8 })).toBeCloseTo(1561.2, 1);
    expect(phiAfter({ ...law, silenceMs: 1000 })).toBeCloseTo(Math.log10(2), 12);
  });

  test.each(["normal", "exponential"] as const)(
    "of the %s law grows, and the silence of a phi has that phi",
    (model) => {
      const law = { model, meanMs: 1000, deviationMs: 250 };
      let before = -1;
      for (let silenceMs = 0; silenceMs < 20_000; silenceMs += 330) {
        const phi = phiAfter({ ...law, silenceMs });
        expect(phi).toBeGreaterThan(before);
        before = phi;
      }
      for (const threshold of [0.5, 1, 8, 16]) {
        const silenceMs = phiSilence({ ...law, threshold });
        expect(phiAfter({ ...law, silenceMs })).toBeCloseTo(threshold, 6);
      }
      expect(() => phiAfter({ model: "normal", meanMs: 1000, silenceMs: 1 })).toThrow(UsageError);
    },
  );
});
