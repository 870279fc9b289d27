import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "./errors.ts";
import { nonce, pick, type Random, RandomBits, sample, seededRandom } from "./random.ts";

const seed = fc.maxSafeInteger();

/** A die that shows what the test says, over and over. */
class Loaded extends RandomBits {
  readonly #draws: readonly number[];
  #next = 0;
  constructor(...draws: number[]) {
    super();
    this.#draws = draws;
  }
  override uint32(): number {
    return this.#draws[this.#next++ % this.#draws.length]!;
  }
}

const highest = () => new Loaded(2 ** 32 - 1);
const lowest = () => new Loaded(0);

describe("a seeded die", () => {
  test("gives the same draws for the same seed", () => {
    fc.assert(
      fc.property(seed, (value) => {
        const draws = (random: Random) => Array.from({ length: 20 }, () => random.uint32());
        expect(draws(seededRandom(value))).toEqual(draws(seededRandom(value)));
      }),
    );
  });

  test("gives other draws for another seed", () => {
    const first = new Set(Array.from({ length: 1000 }, (_, i) => seededRandom(i).uint32()));
    expect(first.size).toBeGreaterThan(995);
  });

  test("gives these very draws on every machine", () => {
    const random = seededRandom(1);
    const draws = [random.uint32(), random.uint32(), random.below(6), random.below(6), nonce(random)];
    expect(draws).toMatchInlineSnapshot(`
      [
        3374348114,
        3897530688,
        2,
        4,
        177593763831664,
      ]
    `);
  });

  test("begins anywhere, however small and close the seeds are", () => {
    for (const draw of [0, 1, 2, 3]) {
      const counts = [0, 0, 0, 0];
      for (let value = 0; value < 10_000; value++) {
        const random = seededRandom(value);
        for (let i = 0; i < draw; i++) random.uint32();
        counts[random.below(4)]!++;
      }
      for (const count of counts) expect(Math.abs(count - 2500), `draw ${draw}`).toBeLessThan(200);
    }
  });

  test("tells apart seeds that are equal in their low 32 bits", () => {
    expect(seededRandom(2 ** 32 + 1).uint32()).not.toBe(seededRandom(1).uint32());
    expect(seededRandom(-1).uint32()).not.toBe(seededRandom(2 ** 32 - 1).uint32());
  });

  test("is refused a seed that is not an integer", () => {
    for (const value of [0.5, Number.NaN, Infinity, 2 ** 53]) {
      expect(() => seededRandom(value)).toThrow(UsageError);
      expect(() => seededRandom(value)).toThrow(`seed: ${value} is not an integer`);
    }
  });
});

describe("draws", () => {
  test("unit is in [0, 1), at both ends of the die", () => {
    expect(lowest().unit()).toBe(0);
    expect(highest().unit()).toBeLessThan(1);
  });

  test("below stays below its bound, for every bound up to 2^32", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 32 }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (bound, draw) => {
          const value = new Loaded(draw).below(bound);
          expect(Number.isInteger(value) && value >= 0 && value < bound).toBe(true);
        },
      ),
    );
    expect(highest().below(2 ** 32)).toBe(2 ** 32 - 1);
    expect(highest().below(1)).toBe(0);
  });

  test("all sides of a die of six come up equally often", () => {
    const random = seededRandom(3);
    const counts = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 60_000; i++) counts[random.below(6)]!++;
    // Chi-square with 5 degrees of freedom: above 20.5 once in a thousand seeds.
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(20.5);
  });

  test("a nonce is a safe integer of 48 bits, and none is drawn twice in 10,000", () => {
    const random = seededRandom(4);
    const drawn = Array.from({ length: 10_000 }, () => nonce(random));
    expect(new Set(drawn).size).toBe(drawn.length);
    expect(drawn.every((value) => Number.isSafeInteger(value) && value >= 0 && value < 2 ** 48)).toBe(true);
    expect(nonce(highest())).toBe(2 ** 48 - 1);
  });
});

describe("choices", () => {
  test("pick takes an element, the first and the last too", () => {
    expect(pick(["a", "b", "c"], lowest())).toBe("a");
    expect(pick(["a", "b", "c"], highest())).toBe("c");
  });

  test("a sample has different elements of the list, as many as wanted or as there are, and leaves the list", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat()), fc.nat(20), seed, (list, count, value) => {
        const before = list.slice();
        const chosen = sample(list, count, seededRandom(value));
        expect(chosen).toHaveLength(Math.min(count, list.length));
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(chosen.every((element) => list.includes(element))).toBe(true);
        expect(list).toEqual(before);
      }),
    );
  });

  test("a sample of fewer than none is empty", () => {
    expect(sample([1, 2, 3], -1, seededRandom(1))).toEqual([]);
  });

  test("every element is equally likely to be sampled, in every place", () => {
    const random = seededRandom(5);
    const counts = Array.from({ length: 5 }, () => [0, 0]);
    for (let i = 0; i < 50_000; i++) {
      sample([0, 1, 2, 3, 4], 2, random).forEach((element, place) => {
        counts[element]![place]!++;
      });
    }
    for (const count of counts.flat()) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });
});
