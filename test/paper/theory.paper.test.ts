/**
 * The formulas of src/theory against the protocols themselves. Each test states its interval: the mean of the runs must
 * lie within 4.5 standard errors of the formula (one false alarm in 10^5 tests), and within what the formula says that
 * it leaves out.
 *
 * The logistic, the recurrences, rounds to inform all and faults have experiments of their own (`grapevine reproduce
 * logistic`, `pull-vs-push`, `rounds`, `loss-and-failures`), whose tests stand beside them.
 */
import { describe, expect, test } from "vitest";
import { seedExponential } from "../../src/core/degree-law.ts";
import { Moments } from "../../src/core/index.ts";
import {
  Rumor,
  type RumorOptions,
  TopologyPartners,
  UniformPartners,
} from "../../src/dissemination/index.ts";
import { type RoundSemantics, runRounds, Simulation } from "../../src/simulator/index.ts";
import {
  binomialOffspring,
  blindChainReach,
  blindCoinResidue,
  callSuccess,
  coinOffspring,
  crossingsPerRound,
  expectedTimeToInform,
  extinctionProbability,
  infectAndDieResidue,
  residueOfLimitedTraffic,
  residueOfTraffic,
  sirInfectedAt,
  sirPeak,
  sirResidue,
  siTraffic,
  solveSir,
  trafficByRecurrence,
  trafficOfCopies,
  uplinkCallsPerRound,
  varianceOfTimeToInform,
} from "../../src/theory/index.ts";

const standardErrors = 4.5;

/** `leftOut` is what the formula does not claim: what is of order 1/n, for example. */
function expectTheory(measured: Moments, theory: number, leftOut: number): void {
  const reach = standardErrors * measured.standardError + leftOut;
  const distance = Math.abs(measured.mean - theory);
  expect(distance, `${measured.mean} against ${theory}, ±${reach}`).toBeLessThan(reach);
  // Not vacuous: the interval is a small part of the value, or of everybody.
  expect(reach).toBeLessThan(Math.max(0.01, 0.25 * theory));
}

interface Ended {
  readonly residue: number;
  readonly traffic: number;
  readonly informed: number;
}

/** One rumor until nobody spreads it any more. */
function inRounds(
  rows: number,
  seed: number,
  options: Partial<RumorOptions>,
  semantics: RoundSemantics = "synchronous",
): Ended {
  const rumor = new Rumor({ rows, options });
  rumor.infect(0);
  runRounds(rumor, { seed, semantics, isUntilQuiet: true });
  return {
    residue: (rows - rumor.informed) / rows,
    traffic: rumor.copies / rows,
    informed: rumor.informed,
  };
}

function overRuns(runs: number, figureOf: (seed: number) => number): Moments {
  return Moments.of(Array.from({ length: runs }, (_, run) => figureOf(1000 + run)));
}

const blindCoin = { mode: "push", stop: "coin", hasFeedback: false } as const;
const blindCounter = { mode: "push", stop: "counter", hasFeedback: false } as const;
const feedbackCoin = { mode: "push", stop: "coin", hasFeedback: true } as const;

describe("SIR: feedback and coin, push, calls at random times", () => {
  const rows = 20_000;

  test.each([1, 2, 3])("k = %i leaves the residue s* = e^(-(k+1)(1-s*))", (k) => {
    const residues = overRuns(
      30,
      (seed) => inRounds(rows, seed, { ...feedbackCoin, stopAfter: k }, "poisson").residue,
    );
    expectTheory(residues, sirResidue({ k }), 10 / rows);
  });

  test.each([1, 4])("k = %i follows i(s), and peaks where and as high as both equations say", (k) => {
    const at = Array.from({ length: 19 }, (_, i) => 0.95 - 0.05 * i).filter(
      (s) => s > sirResidue({ k }) + 0.05,
    );
    const infected = at.map(() => new Moments());
    const peaks = new Moments();
    for (let seed = 1; seed <= 20; seed++) {
      const rumor = new Rumor({ rows, options: { ...feedbackCoin, stopAfter: k } });
      // Many who know it from the start: the equations know no chance.
      for (let row = 0; row < rows / 100; row++) rumor.infect(row);
      const curve: { s: number; i: number }[] = [];
      // Shares change by a tenth in a round: the curve is looked at between its samples, by straight lines.
      const onRound = () => curve.push({ s: 1 - rumor.informed / rows, i: rumor.spreading / rows });
      runRounds(rumor, { seed, semantics: "poisson", isUntilQuiet: true, onRound });
      at.forEach((s, j) => {
        const next = curve.findIndex((one) => one.s <= s);
        if (next <= 0) return;
        const [a, b] = [curve[next - 1]!, curve[next]!];
        infected[j]!.add(a.i + ((b.i - a.i) * (a.s - s)) / (a.s - b.s));
      });
      peaks.add(Math.max(...curve.map(({ i }) => i)));
    }
    at.forEach((s, j) => {
      if (infected[j]!.count === 20)
        expect(Math.abs(infected[j]!.mean - sirInfectedAt({ k, s })), `i(${s})`).toBeLessThan(0.02);
    });
    expect(peaks.mean).toBeLessThan(sirPeak({ k }).i + 0.01);
    expect(peaks.mean).toBeGreaterThan(sirPeak({ k }).i - 0.02);
  });

  test("and the solution in time is what happens in time, from 1 % on", () => {
    const k = 2;
    const theory = solveSir({ k, i: 0.01, until: 15, step: 0.05 });
    const measured = Array.from({ length: 16 }, () => ({ s: new Moments(), i: new Moments() }));
    for (let seed = 1; seed <= 20; seed++) {
      const rumor = new Rumor({ rows, options: { ...feedbackCoin, stopAfter: k } });
      for (let row = 0; row < rows / 100; row++) rumor.infect(row);
      const note = (round: number) => {
        measured[round]?.s.add(1 - rumor.informed / rows);
        measured[round]?.i.add(rumor.spreading / rows);
      };
      note(0);
      runRounds(rumor, { seed, semantics: "poisson", isUntilQuiet: true, onRound: note });
    }
    measured.forEach(({ s, i }, round) => {
      const step = 20 * round;
      expectShare(s, theory.s[step]!);
      expectShare(i, theory.i[step]!);
    });
  });
});

/** Shares of 20,000 nodes: 4.5 standard errors, and 0.002 for the chance that 200 beginners leave in the mean. */
function expectShare(measured: Moments, theory: number): void {
  const reach = standardErrors * measured.standardError + 0.002;
  expect(Math.abs(measured.mean - theory), `${measured.mean} against ${theory}`).toBeLessThanOrEqual(reach);
}

describe("residue and traffic of blind rumors", () => {
  const rows = 20_000;

  test.each([2, 3, 4])("infect and die with fan-out %i leaves s = e^(-f(1-s))", (fanout) => {
    const residues = overRuns(
      30,
      (seed) => inRounds(rows, seed, { ...blindCounter, stopAfter: fanout }).residue,
    );
    expectTheory(residues, infectAndDieResidue({ fanout }), 10 / rows);
  });

  test.each([2, 3, 4])("a blind coin of 1/%i leaves s = e^(-k(1-s))", (k) => {
    const residues = overRuns(30, (seed) => inRounds(rows, seed, { ...blindCoin, stopAfter: k }).residue);
    expectTheory(residues, blindCoinResidue({ k }), 10 / rows);
  });

  test("a blind coin of 1 is a chain of 40 in a thousand", () => {
    const reached = overRuns(3000, (seed) => inRounds(1000, seed, { ...blindCoin, stopAfter: 1 }).informed);
    expectTheory(reached, blindChainReach({ n: 1000 }), 0);
  });

  test.each([
    ["blind, coin", { ...blindCoin, stopAfter: 3 }],
    ["blind, counter", { ...blindCounter, stopAfter: 3 }],
    ["feedback, coin", { ...feedbackCoin, stopAfter: 2 }],
    ["feedback, counter", { mode: "push", stop: "counter", hasFeedback: true, stopAfter: 2 }],
  ] as const)("%s: m copies per node leave s = e^-m", (_, options) => {
    const ratios = overRuns(30, (seed) => {
      const { residue, traffic } = inRounds(rows, seed, options);
      return residue / residueOfTraffic(traffic);
    });
    expectTheory(ratios, 1, 0.005);
  });

  test("copies times (1-s) are the traffic", () => {
    const traffic = overRuns(30, (seed) => inRounds(rows, seed, { ...blindCoin, stopAfter: 3 }).traffic);
    expectTheory(traffic, trafficOfCopies({ copies: 3, residue: blindCoinResidue({ k: 3 }) }), 10 / rows);
  });

  test("with the limit of one connection and nearly everybody calling, m copies leave e^(-1.582 m)", () => {
    const rows = 100_000;
    const known = 0.99 * rows;
    const exponents = overRuns(30, (seed) => {
      const rumor = new Rumor({ rows, options: { mode: "push", connectionLimit: 1 } });
      for (let row = 0; row < known; row++) rumor.infect(row);
      runRounds(rumor, { seed, semantics: "synchronous", maxRounds: 1 });
      return Math.log((rows - known) / (rows - rumor.informed)) / (rumor.copies / rows);
    });
    // 1 % do not call: 0.99/(1-e^-0.99) is 0.007 less.
    expectTheory(exponents, -Math.log(residueOfLimitedTraffic(1)), 0.01);
  });

  test("over a whole rumor it gains less, and more the longer the rumor lasts: the law is one of the end", () => {
    const [short, long] = [2, 5].map((k) =>
      overRuns(20, (seed) => {
        const options = { ...blindCounter, stopAfter: k, connectionLimit: 1 };
        const { residue, traffic } = inRounds(rows, seed, options);
        return -Math.log(residue) / traffic;
      }).confidenceInterval(0.999),
    );
    expect(short!.low).toBeGreaterThan(1);
    expect(long!.low).toBeGreaterThan(short!.high);
    expect(long!.high).toBeLessThan(-Math.log(residueOfLimitedTraffic(1)));
  });
});

describe("early die-out", () => {
  const rows = 2000;
  const runs = 1500;
  /** Far more than what dies out reaches; and what comes so far does not die out any more. */
  const many = 100;

  /** Half of the copies get lost: the share of runs in which few ever hear it. */
  function diesOut(options: Partial<RumorOptions>): Moments {
    return overRuns(runs, (seed) => {
      const rumor = new Rumor({ rows, options: { ...options, timing: "poisson", isQuiet: true } });
      const simulation = new Simulation({
        seed,
        rows,
        links: { latency: { model: "constant", ms: 1 }, loss: 0.5 },
      });
      simulation.hostAll(rumor);
      simulation.command(0, { type: "infect" });
      while (rumor.informed < many && simulation.pending > 0) simulation.run(simulation.time + 1000);
      return rumor.informed < many ? 1 : 0;
    });
  }

  test("three copies of which half get lost die out in 24 of 100 cases", () => {
    const theory = extinctionProbability(binomialOffspring({ copies: 3, arrival: 0.5 }));
    expectTheory(diesOut({ ...blindCounter, stopAfter: 3 }), theory, 0.002);
  });

  test("a coin of 1/3 and as much loss in 50 of 100", () => {
    const theory = extinctionProbability(coinOffspring({ k: 3, arrival: 0.5 }));
    expect(theory).toBeCloseTo(0.5, 12);
    expectTheory(diesOut({ ...blindCoin, stopAfter: 3 }), theory, 0.002);
  });
});

describe("SI by events", () => {
  const rows = 2000;

  /** Until all know it: intervals, and copies per node. */
  function toAll(mode: RumorOptions["mode"], loss: number, seed: number) {
    const intervalMs = 10_000;
    const rumor = new Rumor({ rows, options: { mode, timing: "poisson", intervalMs, isQuiet: true } });
    const simulation = new Simulation({ seed, rows, links: { latency: { model: "constant", ms: 0 }, loss } });
    simulation.hostAll(rumor);
    simulation.command(0, { type: "infect" });
    while (rumor.informed < rows) simulation.run(simulation.time + intervalMs / 50);
    return { time: Math.max(...rumor.infectedAt) / intervalMs, copies: rumor.copies / rows };
  }

  test.each(["push", "pull"] as const)("%s with half of the messages lost has so much of b left", (mode) => {
    const mixing = { n: rows - 1, b: callSuccess(mode, { loss: 0.5 }) };
    const times = overRuns(100, (seed) => toAll(mode, 0.5, seed).time);
    expectTheory(times, expectedTimeToInform(mixing), 0.01);
    // The spread is that of the process too, within a third.
    const ratio = times.standardDeviation / Math.sqrt(varianceOfTimeToInform(mixing));
    expect(ratio).toBeGreaterThan(0.66);
    expect(ratio).toBeLessThan(1.5);
  });

  test.each(["push", "pull", "push-pull"] as const)(
    "%s costs the copies that the process expects",
    (mode) => {
      const copies = overRuns(100, (seed) => toAll(mode, 0, seed).copies);
      // What is sent in the last fiftieth of an interval, and for pull one copy that was asked for twice.
      expectTheory(copies, siTraffic(mode, { n: rows - 1 }), 0.02);
    },
  );
});

test.each(["push", "pull", "push-pull"] as const)(
  "the traffic of the recurrence of %s is right but for what a whole round more or less costs",
  (mode) => {
    const rows = 10_000;
    const copies = overRuns(40, (seed) => {
      const rumor = new Rumor({ rows, options: { mode } });
      rumor.infect(0);
      runRounds(rumor, { seed, semantics: "synchronous" });
      return rumor.copies / rows;
    });
    const theory = trafficByRecurrence({ mode, n: rows, left: 0.5 });
    expect(Math.abs(copies.mean - theory)).toBeLessThan(mode === "pull" ? 1e-4 : 1);
  },
);

describe("router load", () => {
  // Three subnets of different sizes behind one router.
  const sizes = [50, 150, 200];
  const rows = 400;
  const subnetOf = Array.from({ length: rows }, (_, row) => (row < 50 ? 0 : row < 200 ? 1 : 2));
  const intervals = 200;

  test.each(["uniform", "topology-aware"] as const)(
    "%s choice loads router and uplinks as computed",
    (rule) => {
      const partners = rule === "uniform" ? new UniformPartners(rows) : new TopologyPartners({ subnetOf });
      const rumor = new Rumor({ rows, partners, options: { mode: "push", intervalMs: 1000, isQuiet: true } });
      const simulation = new Simulation({
        seed: 7,
        rows,
        links: { latency: { model: "routed", routers: 1, links: [], subnets: [0, 0, 0], localMs: 1 } },
      });
      const topology = simulation.links.topology!;
      subnetOf.forEach((subnet, row) => {
        topology.assign(row, subnet);
      });
      simulation.hostAll(rumor);
      // All know it, so all call in each interval.
      for (let row = 0; row < rows; row++) simulation.command(row, { type: "infect" });
      simulation.run(intervals * 1000 - 1);
      const forwarded = topology.routerLoads()[0]!.messages / intervals;
      const crossings = crossingsPerRound(rule, { sizes });
      // A Poisson number at most: so many standard errors of its mean.
      const reach = (value: number) => standardErrors * Math.sqrt(value / intervals);
      expect(Math.abs(forwarded - crossings)).toBeLessThan(reach(crossings));
      for (let subnet = 0; subnet < 3; subnet++) {
        const load = topology.loads().find((one) => one.kind === "uplink" && one.subnet === subnet)!;
        const expected = uplinkCallsPerRound(rule, { sizes, subnet });
        expect(Math.abs(load.messages / intervals - expected)).toBeLessThan(2 * reach(expected));
      }
    },
  );
});

test.each([
  [5, 2.92],
  [10, 5.17],
  [16, 7.64],
  [20, 9.17],
  [30, 12.53],
  [50, 17.58],
  [100, 23.4],
  [200, 25.11],
  [100_000, 25.166],
])("document 001's degrees from 1 to %i have the mean %f", (maxDegree, mean) => {
  const digits = mean < 25.15 ? 0.005 : 0.0005;
  expect(Math.abs(seedExponential({ minDegree: 1, maxDegree }).mean - mean)).toBeLessThanOrEqual(
    digits + 1e-9,
  );
});

test("and without a limit a standard deviation of 24.66, a median of 18, and <k^2>/<k> = 49.3", () => {
  const law = seedExponential({ minDegree: 1, maxDegree: 100_000 });
  let square = 0;
  for (let k = 1; k <= 5000; k++) square += k * k * law.probability(k);
  expect(Math.sqrt(square - law.mean ** 2)).toBeCloseTo(24.66, 2);
  expect(law.quantile(0.5)).toBe(18);
  expect(square / law.mean).toBeCloseTo(49.3, 1);
});
