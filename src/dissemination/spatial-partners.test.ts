import { describe, expect, test } from "vitest";
import { seededRandom } from "../core/index.ts";
import type { Partners } from "./rumor.ts";
import { LinePartners, TorusPartners, torusDistance } from "./spatial-partners.ts";

/** Compares how often a node chooses each with what its distances say: 4.5 standard deviations. */
function expectChoices(partners: Partners, self: number, weights: readonly number[]): void {
  const draws = 100_000;
  const env = { self, row: self, random: seededRandom(self + 7) };
  const counts = weights.map(() => 0);
  for (let i = 0; i < draws; i++) counts[partners.choose(env) as number]!++;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  for (const [other, weight] of weights.entries()) {
    const expected = (draws * weight) / total;
    expect(Math.abs(counts[other]! - expected), `${self} to ${other}`).toBeLessThanOrEqual(
      4.5 * Math.sqrt(expected),
    );
  }
}

describe.each([0, 1, 1.5, 2, 3])("with exponent %d", (exponent) => {
  const nodes = 20;
  const side = 5;

  test("a node of a line chooses by distance, at the ends and between them", () => {
    const partners = new LinePartners({ nodes, exponent });
    for (const self of [0, 1, 9, 19]) {
      const weights = Array.from({ length: nodes }, (_, other) =>
        other === self ? 0 : Math.abs(other - self) ** -exponent,
      );
      expectChoices(partners, self, weights);
    }
  });

  test("a node of a torus chooses by distance, wherever it is", () => {
    const partners = new TorusPartners({ side, exponent });
    for (const self of [0, 7, 24]) {
      const weights = Array.from({ length: side * side }, (_, other) => {
        const distance = torusDistance(self, other, side);
        return distance === 0 ? 0 : distance ** -exponent;
      });
      expectChoices(partners, self, weights);
    }
  });
});

test("distances on a torus are the shorter way round, both ways the same", () => {
  expect([torusDistance(0, 1, 5), torusDistance(0, 4, 5), torusDistance(0, 24, 5)]).toEqual([1, 1, 2]);
  expect(torusDistance(0, 12, 5)).toBe(4);
  for (let a = 0; a < 25; a++)
    for (let b = 0; b < 25; b++) expect(torusDistance(a, b, 5)).toBe(torusDistance(b, a, 5));
});

test("two nodes have each other", () => {
  const random = seededRandom(1);
  const line = new LinePartners({ nodes: 2, exponent: 2 });
  expect([line.choose({ self: 0, random }), line.choose({ self: 1, random })]).toEqual([1, 0]);
});

test("what makes no sense is refused", () => {
  expect(() => new LinePartners({ nodes: 1, exponent: 1 })).toThrow("nodes: 1 is not an integer from 2");
  expect(() => new TorusPartners({ side: 1.5, exponent: 1 })).toThrow("side: 1.5");
  expect(() => new TorusPartners({ side: 10_000, exponent: 1 })).toThrow("side: 10000");
  for (const exponent of [-1, 21, Number.NaN])
    expect(() => new LinePartners({ nodes: 9, exponent })).toThrow(`exponent: ${exponent}`);
});
