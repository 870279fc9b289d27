import { describe, expect, test } from "vitest";
import { adjacencyOf, randomGraph, seededRandom } from "../../../../src/core/index.ts";
import { withDefaults } from "../../sources/trace-about.ts";
import { type AskedOverlay, askedLaw, measureOverlay, tailShares } from "./overlay-measures.ts";
import { agreementText, askedText, fitText, removalText } from "./overlay-words.ts";
import { askedOverlay } from "./use-overlay.ts";

/** 0 in the middle of 1 to 11, and 12 - 13 beside them. */
const star: number[][] = [
  Array.from({ length: 11 }, (_, i) => i + 1),
  ...Array.from({ length: 11 }, () => [0]),
  [13],
  [12],
];
const asked: AskedOverlay = { law: "power-law", exponent: 2.5, minDegree: 3, maxDegree: 100 };

/** Everybody is linked at random so that the degrees follow the law as well as a simple graph lets them. */
function graphOf(wishes: readonly number[]): number[][] {
  const stubs = wishes.flatMap((wish, node) => new Array<number>(wish).fill(node));
  const random = seededRandom(5);
  for (let last = stubs.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [stubs[last], stubs[other]] = [stubs[other]!, stubs[last]!];
  }
  const neighbors = wishes.map(() => new Set<number>());
  for (let i = 0; i + 1 < stubs.length; i += 2) {
    const [a, b] = [stubs[i]!, stubs[i + 1]!];
    if (a === b) continue;
    neighbors[a]!.add(b);
    neighbors[b]!.add(a);
  }
  return neighbors.map((set) => [...set]);
}

describe("an overlay is measured", () => {
  const measures = measureOverlay({ adjacency: star, asked });

  test("by its parts, its distances and its degrees", () => {
    expect(measures.nodes).toBe(14);
    expect(measures.parts).toEqual([12, 2]);
    expect(measures.paths).toMatchObject({ diameter: 2, isExact: true, sources: 14 });
    expect(measures.clustering).toBe(0);
    expect(measures.degrees).toMatchObject({ links: 12, min: 1, max: 11 });
  });

  test("by what is left when the hub goes: two that are still linked", () => {
    expect(measures.removal.hubs[0]).toBe(0);
    expect(measures.removal.partsByHubs.slice(0, 2).map((share) => 14 * share)).toEqual([12, 2]);
    expect(measures.removal.byHubs[1]).toBeLessThan(measures.removal.atRandom[1]!);
    expect(removalText(measures)).toContain("when 7 % went, hubs first");
  });

  test("an empty one, and one of a single peer, have no figures and are no errors", () => {
    expect(fitText(measureOverlay({ adjacency: [], asked }))).toBe("There is no peer.");
    expect(fitText(measureOverlay({ adjacency: [[]], asked }))).toBe("Nobody is linked.");
  });

  test("a large one by a sample, and says so", () => {
    const graph = randomGraph({ nodes: 2500, links: 6000 }, seededRandom(1));
    const { paths } = measureOverlay({ adjacency: adjacencyOf(graph), asked: undefined });
    expect(paths).toMatchObject({ isExact: false, sources: 200 });
    expect(paths.mean).toBeGreaterThan(3);
  });
});

describe("the verdict", () => {
  const law = askedLaw(asked, 2000)!;
  const random = seededRandom(7);
  const wishes = Array.from({ length: 2000 }, () => law.quantile(random.unit()));

  test("on degrees that were drawn from the law agrees with it, and fits its exponent", () => {
    const measures = measureOverlay({ adjacency: graphOf(wishes), asked });
    expect(agreementText(measures)?.agrees).toBe(true);
    expect(measures.fit?.exponent).toBeGreaterThan(2.3);
    expect(measures.fit?.exponent).toBeLessThan(2.7);
    expect(fitText(measures)).toMatch(/^A power law of exponent 2\.\d\d ± 0\.\d\d explains/);
  });

  test("on a random graph is that it is no power law", () => {
    const adjacency = adjacencyOf(randomGraph({ nodes: 2000, links: 8000 }, seededRandom(2)));
    const measures = measureOverlay({ adjacency, asked });
    expect(agreementText(measures)?.agrees).toBe(false);
    expect(fitText(measures)).toMatch(/^Not a power law: the .*shifted Poisson law/);
  });

  test("on few peers is that they are too few", () => {
    const few = measureOverlay({ adjacency: graphOf(wishes.slice(0, 26)), asked });
    expect(fitText(few)).toMatch(/^26 peers are too few to tell a power law from the /);
    expect(fitText(measureOverlay({ adjacency: [[1], [0]], asked }))).toBe(
      "2 peers are too few to fit any law.",
    );
  });

  test("where everybody has as many links as all others is that", () => {
    const ring = Array.from({ length: 12 }, (_, i) => [(i + 1) % 12, (i + 11) % 12]);
    expect(fitText(measureOverlay({ adjacency: ring, asked }))).toBe("Everybody has 2 links.");
    const line = ring.map((others, i) => (i === 0 ? [1] : i === 11 ? [10] : others));
    expect(fitText(measureOverlay({ adjacency: line, asked }))).toBe("10 of 12 peers have 2 links.");
  });
});

test("preferential attachment is expected to have the degrees of its theory: half of all peers have no more than m", () => {
  const law = askedLaw({ ...asked, law: "preferential", minDegree: 2 }, 100_000)!;
  // 2m(m+1)/(k(k+1)(k+2)) with m = 2 is 1/2 at 2, and 1/5 at 3.
  expect(law.probability(2)).toBeCloseTo(0.5, 4);
  expect(law.probability(3)).toBeCloseTo(0.2, 4);
});

test("the tail is the share with so many links or more", () => {
  expect(tailShares([0, 2, 1, 1], 4)).toEqual([1, 1, 0.5, 0.25]);
  expect(tailShares([0, 0, 1, 1], 4), "who is left out is no part of the tail").toEqual([
    0.5, 0.5, 0.5, 0.25,
  ]);
  expect(tailShares([], 0)).toEqual([]);
});

test("what was asked for is said as far as it is known", () => {
  expect(askedText(askedOverlay({ overlay: { law: "uniform", minDegree: 4, maxDegree: 100 } }))).toBe(
    "Asked for: 4 links for everybody.",
  );
  expect(askedOverlay({ overlay: { law: "power-law", minDegree: 0, maxDegree: 3 } })).toBeUndefined();
  const modern = withDefaults({ stack: { profile: "modern" }, hyparview: { activeView: 6 } });
  expect(askedText(askedOverlay(modern))).toBe("Asked for: 6 links for everybody.");
  expect(askedText(askedOverlay(undefined))).toContain("Nothing is known");
});
