import { describe, expect, test } from "vitest";
import { exp } from "../core/deterministic-math.ts";
import { CounterRandom } from "./counter-random.ts";
import { latencyModel, PlaneLatency, ZonesLatency } from "./latency.ts";
import { type Latency, longestMs } from "./link-settings.ts";
import { normalQuantile } from "./normal-quantile.ts";

const rows = 64;
const draws = 200_000;

function dice(seed = 1): CounterRandom {
  return new CounterRandom(seed, "links", rows);
}

/** Delays between changing pairs of nodes, sorted. */
function sample(latency: Latency, { seed = 1, count = draws } = {}): Float64Array {
  const model = latencyModel(latency, rows, seed);
  const random = dice(seed);
  const delays = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    random.row = i % rows;
    delays[i] = model.sampleMs(i % rows, (i * 7 + 1) % rows, random);
  }
  return delays.sort();
}

function mean(numbers: Float64Array): number {
  return numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}

const every: readonly Latency[] = [
  { model: "constant", ms: 7 },
  { model: "uniform", fromMs: 10, toMs: 100 },
  { model: "log-normal", medianMs: 50, sigma: 0.6 },
  { model: "pareto", minMs: 10, shape: 1.5, maxMs: 5000 },
  {
    model: "zones",
    matrixMs: [
      [1, 40],
      [60, 2],
    ],
    jitterMs: 9,
  },
  { model: "plane", sideMs: 80, baseMs: 5, jitterMs: 3 },
  { model: "routed", routers: 2, links: [[0, 1, 30]], subnets: [0, 1], localMs: 1, jitterMs: 4 },
  { model: "exponential", meanMs: 40 },
];

describe.each(every)("the latency model $model", (latency) => {
  test("gives integers of at least minMs", () => {
    const { minMs } = latencyModel(latency, rows, 1);
    const delays = sample(latency, { count: 20_000 });
    expect(delays.every((ms) => Number.isInteger(ms) && ms >= minMs)).toBe(true);
    expect(minMs).toBeGreaterThanOrEqual(0);
  });

  test("repeats itself with the same seed, and draws at most once per message", () => {
    expect(sample(latency, { count: 1000 })).toEqual(sample(latency, { count: 1000 }));
    const random = dice();
    random.row = 5;
    latencyModel(latency, rows, 1).sampleMs(5, 6, random);
    expect(random.counters[5]).toBeLessThanOrEqual(1);
  });
});

describe("a uniform latency", () => {
  test("has both ends and all between them equally often", () => {
    const counts = new Map<number, number>();
    for (const ms of sample({ model: "uniform", fromMs: 10, toMs: 19 }))
      counts.set(ms, (counts.get(ms) ?? 0) + 1);
    expect([...counts.keys()]).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    // Binomial with p = 1/10: 4.5 standard deviations are 604 of 20,000.
    for (const count of counts.values()) expect(Math.abs(count - draws / 10)).toBeLessThan(604);
  });

  test("with equal ends is constant", () => {
    expect(new Set(sample({ model: "uniform", fromMs: 3, toMs: 3 }, { count: 100 }))).toEqual(new Set([3]));
  });
});

describe("an exponential latency", () => {
  const delays = sample({ model: "exponential", meanMs: 100 });

  test("has its mean, within 1 %", () => {
    expect(mean(delays) / 100).toBeGreaterThan(0.99);
    expect(mean(delays) / 100).toBeLessThan(1.01);
  });

  test.each([50, 100, 300])("exceeds %d ms with the probability of its law, within 3 %%", (ms) => {
    const share = delays.filter((delay) => delay > ms).length / delays.length;
    // Rounded delays above x are those above x + 1/2.
    expect(share / Math.exp(-(ms + 0.5) / 100)).toBeGreaterThan(0.97);
    expect(share / Math.exp(-(ms + 0.5) / 100)).toBeLessThan(1.03);
  });

  test("of mean 0 is none", () => {
    expect(new Set(sample({ model: "exponential", meanMs: 0 }, { count: 100 }))).toEqual(new Set([0]));
  });
});

describe("a log-normal latency", () => {
  const latency: Latency = { model: "log-normal", medianMs: 1000, sigma: 0.8 };

  test("has the quantiles of its law, within 3 %", () => {
    const delays = sample(latency);
    for (const u of [0.01, 0.1, 0.5, 0.9, 0.99]) {
      const expected = 1000 * exp(0.8 * normalQuantile(u));
      expect(Math.abs(delays[Math.floor(u * draws)]! / expected - 1), `quantile ${u}`).toBeLessThan(0.03);
    }
  });

  test("has the mean median * exp(sigma^2 / 2), within 1 %", () => {
    // The standard error is sqrt(exp(sigma^2) - 1) / sqrt(draws), 0.2 %.
    expect(Math.abs(mean(sample(latency)) / (1000 * exp(0.32)) - 1)).toBeLessThan(0.01);
  });

  test("gives with its buckets exactly what the formula gives without", () => {
    const narrow = latencyModel({ model: "log-normal", medianMs: 5, sigma: 0.5 }, rows, 1);
    const random = dice();
    for (let i = 0; i < 50_000; i++) {
      random.row = 0;
      const draw = random.at(0, i);
      const byFormula = Math.floor(5 * exp(0.5 * normalQuantile((draw + 0.5) / 2 ** 32)) + 0.5);
      expect(narrow.sampleMs(0, 1, random)).toBe(byFormula);
    }
  });

  test("of sigma 0 is constant, and one of a huge sigma is cut", () => {
    expect(new Set(sample({ model: "log-normal", medianMs: 20, sigma: 0 }, { count: 500 }))).toEqual(
      new Set([20]),
    );
    const huge = sample({ model: "log-normal", medianMs: longestMs, sigma: 5 }, { count: 500 });
    expect(huge.at(-1)).toBe(longestMs);
  });
});

describe("a Pareto latency", () => {
  const latency: Latency = { model: "pareto", minMs: 100, shape: 2, maxMs: 2000 };

  test("exceeds x with probability (min / x)^shape, and never the cut", () => {
    const delays = sample(latency);
    for (const x of [120, 200, 500, 1000, 1900]) {
      const beyond = delays.filter((ms) => ms > x).length / draws;
      const expected = (100 / (x + 0.5)) ** 2;
      // 4.5 standard deviations of a share.
      const tolerance = 4.5 * Math.sqrt((expected * (1 - expected)) / draws);
      expect(Math.abs(beyond - expected), `beyond ${x}`).toBeLessThan(tolerance);
    }
    expect([delays[0], delays.at(-1)]).toEqual([100, 2000]);
  });

  test("piles up at the cut what lies beyond it", () => {
    const share = sample(latency).filter((ms) => ms === 2000).length / draws;
    expect(Math.abs(share - (100 / 2000) ** 2)).toBeLessThan(4.5 * Math.sqrt(0.0025 / draws));
  });
});

describe("a matrix of zones", () => {
  const settings = {
    model: "zones",
    matrixMs: [
      [1, 40],
      [60, 2],
    ],
  } as const;

  test("is one way: there may be another time than back", () => {
    const model = latencyModel(settings, 4, 1);
    const random = dice();
    const times = [
      [0, 2],
      [0, 1],
      [1, 0],
      [1, 3],
    ].map(([from, to]) => model.sampleMs(from!, to!, random));
    expect(times).toEqual([1, 40, 60, 2]);
    expect(random.counters.every((drawn) => drawn === 0)).toBe(true);
  });

  test("moves a node to where it is put", () => {
    const model = new ZonesLatency(settings, 4);
    expect([0, 1, 2, 3].map((row) => model.zoneOf(row))).toEqual([0, 1, 0, 1]);
    model.assign(1, 0);
    expect(model.sampleMs(0, 1, dice())).toBe(1);
    expect(() => model.assign(1, 2)).toThrow("zone: 2 is not one of 0 to 1");
  });

  test("adds a jitter from 0 to jitterMs", () => {
    const delays = sample({ model: "zones", matrixMs: [[10]], jitterMs: 5 }, { count: 5000 });
    expect([...new Set(delays)]).toEqual([10, 11, 12, 13, 14, 15]);
  });
});

describe("a plane", () => {
  const settings = { model: "plane", sideMs: 1000, baseMs: 5 } as const;

  test("is symmetric, and nobody is nearer over a third node, but for the rounding", () => {
    const model = new PlaneLatency(settings, rows, 3);
    const ms = (from: number, to: number) => model.sampleMs(from, to, dice()) - 5;
    for (let a = 0; a < 20; a++) {
      for (let b = 0; b < 20; b++) {
        expect(ms(a, b)).toBe(ms(b, a));
        for (let c = 0; c < 20; c++) expect(ms(a, c)).toBeLessThanOrEqual(ms(a, b) + ms(b, c) + 1);
      }
    }
  });

  test("is filled evenly: two nodes are 0.5214 sides apart on average", () => {
    // (2 + sqrt 2 + 5 ln(1 + sqrt 2)) / 15, and a standard deviation of 0.2479 per pair.
    const count = 2000;
    const model = new PlaneLatency(settings, 2 * count, 1);
    let sum = 0;
    for (let pair = 0; pair < count; pair++) sum += model.sampleMs(2 * pair, 2 * pair + 1, dice()) - 5;
    expect(Math.abs(sum / count - 521.4)).toBeLessThan((4 * 247.9) / Math.sqrt(count));
  });

  test("is not shaken when there are more nodes, and is another one with another seed", () => {
    const small = new PlaneLatency(settings, 10, 1);
    expect(new PlaneLatency(settings, 1000, 1).placeOf(7)).toEqual(small.placeOf(7));
    expect(new PlaneLatency(settings, 10, 2).placeOf(7)).not.toEqual(small.placeOf(7));
  });
});

test("the delays of all models are these very numbers on every machine", () => {
  const sums = every.map((latency) => sample(latency, { count: 10_000 }).reduce((sum, ms) => sum + ms, 0));
  expect(sums).toMatchInlineSnapshot(`
    [
      70000,
      547977,
      597612,
      295201,
      544788,
      518708,
      339900,
      398855,
    ]
  `);
});
