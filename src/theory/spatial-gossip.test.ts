import { describe, expect, test } from "vitest";
import { lineLinkCalls, lineTrafficLaw, torusLinkCalls } from "./spatial-gossip.ts";

/** By definition, over all pairs. */
function byPairs(nodes: number, exponent: number, link: number): number {
  const all = Array.from({ length: nodes }, (_, x) => x);
  const weight = (x: number, y: number) => (x === y ? 0 : Math.abs(x - y) ** -exponent);
  let calls = 0;
  for (const x of all) {
    const z = all.reduce((sum, y) => sum + weight(x, y), 0);
    for (const y of all) if (x <= link !== y <= link) calls += weight(x, y) / z;
  }
  return calls;
}

describe("calls over a link of a line", () => {
  test.each([0, 0.5, 1, 1.5, 2, 3])("are the sum over all pairs, a = %d", (exponent) => {
    for (const nodes of [2, 3, 10, 33])
      for (const link of [0, Math.floor(nodes / 2) - 1, nodes - 2])
        expect(lineLinkCalls({ nodes, exponent, link })).toBeCloseTo(byPairs(nodes, exponent, link), 9);
  });

  test("are n/2 in the middle where all are called alike", () => {
    expect(lineLinkCalls({ nodes: 1000, exponent: 0 })).toBeCloseTo((500 * 1000) / 999, 9);
  });

  test("are the same on both sides of the middle", () => {
    for (const link of [0, 3, 30])
      expect(lineLinkCalls({ nodes: 100, exponent: 1.5, link })).toBeCloseTo(
        lineLinkCalls({ nodes: 100, exponent: 1.5, link: 98 - link }),
        9,
      );
  });

  test("grow as Demers et al. say", () => {
    // Between 2^16 and 2^18 nodes: by how much for four times as many, against the law.
    const growth = (exponent: number) =>
      lineLinkCalls({ nodes: 2 ** 18, exponent }) / lineLinkCalls({ nodes: 2 ** 16, exponent });
    expect(growth(0)).toBeCloseTo(4, 2);
    expect(growth(1)).toBeCloseTo((4 * 16) / 18, 0);
    expect(growth(1.5)).toBeCloseTo(2, 1);
    expect(growth(2)).toBeCloseTo(18 / 16, 1);
    expect(growth(3)).toBeCloseTo(1, 3);
    expect([0, 1, 1.5, 2, 3].map(lineTrafficLaw)).toEqual(["n", "n / ln n", "n^0.5", "ln n", "constant"]);
  });
});

describe("calls over a link of a torus", () => {
  test("are half the mean distance: of a large one half of half its side, where all are called alike", () => {
    expect(torusLinkCalls({ side: 3, exponent: 0 })).toBeCloseTo((4 * 1 + 4 * 2) / 8 / 2, 12);
    expect(torusLinkCalls({ side: 100, exponent: 0 })).toBeCloseTo(25, 1);
  });

  test("are one half where only neighbors are called", () => {
    expect(torusLinkCalls({ side: 50, exponent: 20 })).toBeCloseTo(0.5, 5);
  });
});

test("what is out of range is refused", () => {
  expect(() => lineLinkCalls({ nodes: 1, exponent: 1 })).toThrow("nodes: 1");
  expect(() => lineLinkCalls({ nodes: 9, exponent: 1, link: 8 })).toThrow("link: 8");
  expect(() => torusLinkCalls({ side: 9, exponent: -1 })).toThrow("exponent: -1");
});
