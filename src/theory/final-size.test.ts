import { describe, expect, test } from "vitest";
import { bimodality, byCalls, eachWithProbability, finalSizes, type Infections } from "./final-size.ts";

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
const mean = (law: Float64Array) => law.reduce((total, value, j) => total + j * value, 0);

describe("final sizes", () => {
  test.each([
    [1, eachWithProbability(0.3)],
    [50, eachWithProbability(0.1)],
    [50, byCalls({ nodes: 50, fanouts: [7, 8], arrival: 0.9 })],
  ])("of %i nodes add up to 1, and nobody is not one of them", (nodes, infections) => {
    const sizes = finalSizes({ nodes, infections });
    expect(sum(sizes)).toBeCloseTo(1, 12);
    expect(sizes[0]).toBe(0);
  });

  test("of two and three nodes are those that a sheet of paper gives", () => {
    const c = 0.3;
    const [, one, two] = finalSizes({ nodes: 2, infections: eachWithProbability(c) });
    expect([one, two]).toEqual([0.7, 0.3]);
    const three = finalSizes({ nodes: 3, infections: eachWithProbability(c) });
    expect(three[1]).toBeCloseTo(0.7 ** 2, 14);
    expect(three[2]).toBeCloseTo(2 * c * 0.7 * 0.7, 14); // one of two, and that one does not reach the other
  });

  test("are the same whether all spread at once, round by round, or one by one", () => {
    for (const contact of [0.02, 0.1, 0.4]) {
      const oneByOne = finalSizes({ nodes: 12, infections: eachWithProbability(contact) });
      const inRounds = finalSizesInRounds(12, contact);
      for (let j = 0; j <= 12; j++) expect(oneByOne[j]).toBeCloseTo(inRounds[j]!, 13);
    }
  });

  test("two or three spreaders by calls are those of all ways to call", () => {
    // Each of 3 nodes makes 2 calls to one of the 2 others: 4 outcomes each, and each call arrives or not.
    const arrival = 0.6;
    const sizes = finalSizes({ nodes: 3, infections: byCalls({ nodes: 3, fanouts: [2], arrival }) });
    const miss = (1 - arrival / 2) ** 2; // neither call of a node reaches a given other one
    const none = (1 - arrival) ** 2;
    expect(sizes[1]).toBeCloseTo(none, 14);
    expect(sizes[2]).toBeCloseTo(2 * (miss - none) * miss, 14);
  });

  test("grow with the contact probability", () => {
    const means = [0.01, 0.05, 0.1, 0.5].map((contact) =>
      mean(finalSizes({ nodes: 30, infections: eachWithProbability(contact) })),
    );
    expect([...means].sort((a, b) => a - b)).toEqual(means);
  });
});

describe("infections", () => {
  test.each<[string, Infections]>([
    ["each with a probability", eachWithProbability(0.2)],
    ["each surely", eachWithProbability(1)],
    ["by calls", byCalls({ nodes: 21, fanouts: [3, 5, 9], arrival: 0.7 })],
  ])("%s add up to 1 for any number that is left", (_, infections) => {
    for (let left = 0; left <= 20; left++) {
      expect(infections(left)).toHaveLength(left + 1);
      expect(sum(infections(left))).toBeCloseTo(1, 12);
    }
  });

  test("by calls are n (1 - (1 - 1/n)^f) on average: balls into urns", () => {
    const law = byCalls({ nodes: 21, fanouts: [6], arrival: 0.5 })(20);
    expect(mean(law)).toBeCloseTo(20 * (1 - (1 - 0.5 / 20) ** 6), 12);
  });

  test("what is no probability is refused", () => {
    expect(() => eachWithProbability(1.2)).toThrow("contact: 1.2 is more than 1");
    expect(() => byCalls({ nodes: 5, fanouts: [], arrival: 1 })).toThrow("fanouts: there is none");
  });
});

test("the bimodality of pbcast: almost nobody or almost everybody", () => {
  // Loss 5 %, crash 0.1 %; each of 50 is called with probability fan-out/50. Our reference model has three digits.
  const of = (fanout: number) => {
    const contact = (fanout / 50) * 0.95 * 0.999;
    return bimodality(finalSizes({ nodes: 50, infections: eachWithProbability(contact) }));
  };
  const five = of(5);
  expect(five.almostNobody).toBeCloseTo(7.9e-3, 4);
  expect(five.between).toBeCloseTo(3.3e-5, 6);
  expect(five.almostAll).toBeCloseTo(0.99207, 5);
  expect(five.all).toBeCloseTo(0.684, 3);
  const more = of(7.5);
  expect(more.almostNobody).toBeCloseTo(5.4e-4, 5);
  expect(more.between / 3.3e-11).toBeCloseTo(1, 1);
  expect(more.almostAll).toBeCloseTo(0.99946, 5);
  expect(more.all).toBeCloseTo(0.973, 3);
  for (const { almostNobody, between, almostAll } of [five, more])
    expect(almostNobody + between + almostAll).toBeCloseTo(1, 12);
});

test("the peaks of ten nodes begin at one and at nine", () => {
  const sizes = new Float64Array([0, 0.1, 0.2, 0, 0, 0, 0, 0, 0.3, 0.15, 0.25]);
  const { almostNobody, between, almostAll, all } = bimodality(sizes);
  expect([almostNobody, between, almostAll, all].map((x) => Math.round(100 * x))).toEqual([10, 50, 40, 25]);
});

/** The textbook's way: over (susceptible, newly infected), each round all newly infected at once. */
function finalSizesInRounds(nodes: number, contact: number): Float64Array {
  const final = new Float64Array(nodes + 1);
  const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k);
  const go = (susceptible: number, spreaders: number, probability: number): void => {
    if (spreaders === 0) {
      final[nodes - susceptible]! += probability;
      return;
    }
    const hit = 1 - (1 - contact) ** spreaders;
    for (let j = 0; j <= susceptible; j++)
      go(
        susceptible - j,
        j,
        probability * choose(susceptible, j) * hit ** j * (1 - hit) ** (susceptible - j),
      );
  };
  go(nodes - 1, 1, 1);
  return final;
}
