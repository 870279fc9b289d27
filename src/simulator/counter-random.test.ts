/**
 * The quality of the dice. All seeds are fixed, so each test always gives the same answer; the levels say how likely a
 * true die would fail with a seed drawn at random. A test at 4.9 standard deviations fails one true die in a million.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CounterRandom, type StreamName, scramble, streams } from "./counter-random.ts";

const inAMillion = 4.9;
const names = Object.keys(streams) as StreamName[];
const seeds = [0, 1, 81_723, -1, 2 ** 32, 2 ** 52 + 12_345];

function die(seed = 1, stream: StreamName = "protocol", rows = 1): CounterRandom {
  return new CounterRandom(seed, stream, rows);
}

/** How far the counts are from equal, in standard deviations (Wilson and Hilferty 1931). */
function chiSquareDeviation(counts: Uint32Array): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const variance = 2 / (9 * (counts.length - 1));
  return (Math.cbrt(chiSquare / (counts.length - 1)) - (1 - variance)) / Math.sqrt(variance);
}

const orders = [
  ["one node over its counters", (dice: CounterRandom, i: number) => dice.at(7, i)],
  ["one counter over the nodes", (dice: CounterRandom, i: number) => dice.at(i, 3)],
  ["each node's second draw after its first", (dice: CounterRandom, i: number) => dice.at(i >> 1, i & 1)],
  ["counters in steps of 2^12", (dice: CounterRandom, i: number) => dice.at(0, i * 4096)],
  ["a diagonal: node i at its i-th draw", (dice: CounterRandom, i: number) => dice.at(i, i)],
] as const;

describe.each(orders)("draws of %s", (_, draw) => {
  const count = 2 ** 18;

  test("are uniform in their high, middle and low bits (chi-square, 1024 cells, one in a million)", () => {
    for (const seed of seeds) {
      const dice = die(seed);
      for (const shift of [22, 11, 0]) {
        const counts = new Uint32Array(1024);
        for (let i = 0; i < count; i++) counts[(draw(dice, i) >>> shift) & 1023]!++;
        // Too even is not random either.
        expect(Math.abs(chiSquareDeviation(counts))).toBeLessThan(inAMillion);
      }
    }
  });

  test("come in uniform pairs and triples (chi-square, 1024 and 4096 cells, one in a million)", () => {
    for (const seed of seeds) {
      const dice = die(seed);
      const pairs = new Uint32Array(1024);
      const triples = new Uint32Array(4096);
      for (let i = 0; i + 2 < count; i += 3) {
        const [a, b, c] = [draw(dice, i), draw(dice, i + 1), draw(dice, i + 2)];
        pairs[((a >>> 27) << 5) | (b >>> 27)]!++;
        triples[((a & 15) << 8) | ((b & 15) << 4) | (c & 15)]!++;
      }
      expect(Math.abs(chiSquareDeviation(pairs))).toBeLessThan(inAMillion);
      expect(Math.abs(chiSquareDeviation(triples))).toBeLessThan(inAMillion);
    }
  });

  test("do not depend on the one before (serial correlation at lags 1 to 8, one in a million each)", () => {
    for (const seed of seeds) {
      const dice = die(seed);
      const centred = Float64Array.from({ length: count }, (__, i) => draw(dice, i) / 2 ** 32 - 0.5);
      for (let lag = 1; lag <= 8; lag++) {
        let sum = 0;
        for (let i = lag; i < count; i++) sum += centred[i]! * centred[i - lag]!;
        // The product of two independent draws has the variance (1/12)^2.
        expect(Math.abs((sum * 12) / Math.sqrt(count - lag))).toBeLessThan(inAMillion);
      }
    }
  });
});

test("streams of one seed, and seeds of one stream, have nothing to do with each other (one in a million each)", () => {
  const count = 2 ** 16;
  const dice = [
    ...names.map((name) => die(1, name)),
    ...[2, 3, 2 ** 32 + 1, -1].map((seed) => die(seed, "protocol")),
  ];
  for (const [i, one] of dice.entries()) {
    for (const other of dice.slice(i + 1)) {
      let sum = 0;
      let equal = 0;
      for (let draw = 0; draw < count; draw++) {
        const [a, b] = [one.at(draw & 15, draw >> 4), other.at(draw & 15, draw >> 4)];
        sum += (a / 2 ** 32 - 0.5) * (b / 2 ** 32 - 0.5);
        if (a === b) equal++;
      }
      expect(Math.abs((sum * 12) / Math.sqrt(count))).toBeLessThan(inAMillion);
      expect(equal).toBeLessThanOrEqual(1); // 1.5e-5 are to be expected
    }
  }
});

test("no node's sequence is a piece of another's, forwards or backwards, among 100,000 nodes", () => {
  // Sequences that overlap share a pair of successive draws, 64 bits. Of 3.2 million pairs that have nothing to do with
  // each other, two agree with a probability of 3e-7.
  const rows = 100_000;
  const draws = 16;
  for (const name of names) {
    const dice = die(1, name);
    const words = new Uint32Array(4 * rows * draws);
    let length = 0;
    for (let row = 0; row < rows; row++) {
      for (let counter = 0; counter < draws; counter++) {
        const [first, second] = [dice.at(row, counter), dice.at(row, counter + 1)];
        words[length] = words[length + 3] = first;
        words[length + 1] = words[length + 2] = second;
        length += 4;
      }
    }
    const pairs = new BigUint64Array(words.buffer).sort();
    let equal = 0;
    for (let i = 1; i < pairs.length; i++) if (pairs[i] === pairs[i - 1]) equal++;
    expect(equal).toBe(0);
  }
});

test("a node draws no number twice in its first million draws: 2^32 of them are a permutation", () => {
  const draws = Uint32Array.from({ length: 2 ** 20 }, (_, i) => die().at(5, i)).sort();
  expect(draws.some((draw, i) => i > 0 && draw === draws[i - 1])).toBe(false);
});

test("a million nodes draw the same number as often as chance wants (Poisson, one in a million)", () => {
  const expected = 2 ** 40 / 2 / 2 ** 32; // 128 pairs
  for (const counter of [0, 1, 1000]) {
    const dice = die();
    const draws = Uint32Array.from({ length: 2 ** 20 }, (_, row) => dice.at(row, counter)).sort();
    const equal = draws.reduce((sum, draw, i) => sum + (i > 0 && draw === draws[i - 1] ? 1 : 0), 0);
    expect(Math.abs(equal - expected)).toBeLessThan(inAMillion * Math.sqrt(expected));
  }
});

describe("each bit of the input moves each bit of the output with probability 1/2 (5.5 deviations for each pair)", () => {
  const samples = 4096;

  /** The largest deviation over all pairs of an input bit and an output bit. */
  function avalanche(bits: number, draw: (sample: number, flipped: number) => number): number {
    let largest = 0;
    for (let bit = 0; bit < bits; bit++) {
      const flips = new Uint32Array(32);
      for (let sample = 0; sample < samples; sample++) {
        const difference = draw(sample, -1) ^ draw(sample, bit);
        for (let i = 0; i < 32; i++) flips[i]! += (difference >>> i) & 1;
      }
      for (const count of flips)
        largest = Math.max(largest, Math.abs(count - samples / 2) / Math.sqrt(samples / 4));
    }
    return largest;
  }

  const flip = (number: number, bit: number) => (bit < 0 ? number : (number ^ (1 << bit)) >>> 0);

  test("of the row", () => {
    const dice = die();
    expect(avalanche(28, (sample, bit) => dice.at(flip(sample, bit), 0))).toBeLessThan(5.5);
    expect(avalanche(28, (sample, bit) => dice.at(flip(0, bit), sample))).toBeLessThan(5.5);
  });

  test("of the counter", () => {
    const dice = die();
    expect(avalanche(32, (sample, bit) => dice.at(0, flip(sample, bit)))).toBeLessThan(5.5);
    expect(avalanche(32, (sample, bit) => dice.at(sample, flip(0, bit)))).toBeLessThan(5.5);
  });

  test("of the seed, with its 53 bits", () => {
    // Flipped by addition: bits above 2^31 are beyond `^`.
    const draw = (sample: number, bit: number) => {
      const half = 2 ** Math.max(0, bit);
      const seed = bit < 0 ? sample : sample + (Math.floor(sample / half) % 2 === 0 ? half : -half);
      return die(seed).at(3, 5);
    };
    expect(avalanche(53, draw)).toBeLessThan(5.5);
  });
});

describe("seeds", () => {
  test("any two safe integers give different dice", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (a, b) => {
        fc.pre(a !== b);
        const draws = (seed: number) => [0, 1, 2].map((i) => die(seed).at(0, i)).join();
        expect(draws(a)).not.toBe(draws(b));
      }),
      { seed: 5, numRuns: 2000 },
    );
  });

  test("small and large, positive and negative ones do, too, and so do streams", () => {
    const all = [0, 1, 2, 3, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 33, 2 ** 52, Number.MAX_SAFE_INTEGER];
    const signed = new Set([...all, ...all.map((seed) => (seed === 0 ? 0 : -seed))]);
    const first = [...signed].flatMap((seed) => names.map((name) => die(seed, name).at(0, 0)));
    expect(new Set(first).size).toBe(signed.size * names.length);
  });
});

describe("drawing", () => {
  test("each node counts for itself, and its n-th draw is the one of that name", () => {
    const dice = die(9, "faults", 3);
    const drawn: number[][] = [[], [], []];
    for (const row of [0, 2, 2, 0, 1, 2, 0, 0]) {
      dice.row = row;
      drawn[row]!.push(dice.uint32());
    }
    expect([...dice.counters]).toEqual([4, 1, 3]);
    for (const [row, draws] of drawn.entries()) expect(draws).toEqual(draws.map((_, i) => dice.at(row, i)));
  });

  test("unit and below are made of one draw each, the one that is next", () => {
    const dice = die(11, "links", 4);
    fc.assert(
      fc.property(fc.nat(3), fc.integer({ min: 1, max: 2 ** 32 }), (row, bound) => {
        dice.row = row;
        const counter = dice.counters[row]!;
        const [a, b] = [dice.at(row, counter), dice.at(row, counter + 1)];
        expect(dice.unit()).toBe(a / 2 ** 32);
        expect(dice.below(bound)).toBe(Math.floor((b * bound) / 2 ** 32));
        expect(dice.counters[row]).toBe(counter + 2);
      }),
      { seed: 6, numRuns: 2000 },
    );
  });

  test("below stays below, for all bounds up to 2^32", () => {
    const dice = die();
    for (const bound of [1, 2, 3, 2 ** 31, 2 ** 32 - 1, 2 ** 32]) {
      for (let i = 0; i < 1000; i++) {
        const drawn = dice.below(bound);
        expect(drawn >= 0 && drawn < bound && Number.isInteger(drawn)).toBe(true);
      }
    }
  });
});

test("scramble is a bijection: a million different numbers stay different", () => {
  const scrambled = Int32Array.from({ length: 2 ** 20 }, (_, i) => scramble(i * 4096 + 7)).sort();
  expect(scrambled.some((value, i) => i > 0 && value === scrambled[i - 1])).toBe(false);
  expect(scramble(0)).toBe(0);
});

/** Whoever changes these changes every run that anybody has ever written down. */
test("the draws are these, on every machine and for ever", () => {
  const draws = (seed: number, stream: StreamName, row: number) =>
    [0, 1, 2, 2 ** 32 - 1].map((counter) => die(seed, stream).at(row, counter));
  expect(draws(0, "protocol", 0)).toEqual([1100463725, 1918031889, 1556420747, 1083262008]);
  expect(draws(1, "protocol", 0)).toEqual([129146663, 1579028266, 3256793656, 2498225245]);
  expect(draws(1, "protocol", 1)).toEqual([3356441757, 537001412, 2939089410, 418763600]);
  expect(draws(1, "protocol", 999_999)).toEqual([214375060, 4109330580, 674674971, 910655131]);
  expect(draws(1, "links", 0)).toEqual([2275362764, 3144493757, 3675357725, 3580497075]);
  expect(draws(1, "faults", 0)).toEqual([3419871942, 1858168789, 3130436617, 4020134246]);
  expect(draws(1, "rounds", 0)).toEqual([2681971757, 2168579593, 916395823, 2006043247]);
  expect(draws(1, "scenario", 0)).toEqual([1019206424, 45858722, 4103427005, 4009940003]);
  expect(draws(-1, "protocol", 0)).toEqual([1722137279, 2878635449, 4014734892, 4160937236]);
  expect(draws(Number.MAX_SAFE_INTEGER, "protocol", 0)).toEqual([
    4246701866, 926575943, 1137297729, 1914978348,
  ]);
});
