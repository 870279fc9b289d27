import { describe, expect, test } from "vitest";
import { seededRandom } from "../core/index.ts";
import { TopologyPartners } from "./topology-partners.ts";

/** How often a node of the topology chooses each. */
function choices(subnetOf: readonly number[], self: number, draws: number): number[] {
  const partners = new TopologyPartners({ subnetOf });
  const env = { self, random: seededRandom(self + 1) };
  const counts = subnetOf.map(() => 0);
  for (let i = 0; i < draws; i++) counts[partners.choose(env) as number]!++;
  return counts;
}

describe("a node of a subnet of n_i", () => {
  // Interleaved, so that places and numbers differ: subnets of 4, 2 and 1.
  const subnetOf = [0, 1, 0, 2, 0, 1, 0];
  const sizes = [4, 2, 1];

  test.each(subnetOf.map((subnet, self) => ({ self, subnet })))(
    "node $self in subnet $subnet: each outside with 1/n_i of its calls, each inside alike, itself never",
    ({ self, subnet }) => {
      const draws = 60_000;
      const size = sizes[subnet]!;
      const found = choices(subnetOf, self, draws);
      for (const [other, count] of found.entries()) {
        const isInside = subnetOf[other] === subnet;
        const share = isInside ? (1 - 1 / size) / (size - 1) : 1 / size / (subnetOf.length - size);
        const expected = other === self ? 0 : draws * share;
        expect(Math.abs(count - expected)).toBeLessThanOrEqual(4.5 * Math.sqrt(expected));
      }
    },
  );

  test("never calls outside where there is nothing outside", () => {
    const found = choices([0, 0, 0], 1, 3000);
    expect(found[1]).toBe(0);
    for (const other of [0, 2]) expect(Math.abs(found[other]! - 1500)).toBeLessThan(4.5 * Math.sqrt(750));
  });

  test("calls by name where nodes have names", () => {
    const ids = ["a", "b", "c"];
    const partners = new TopologyPartners({ subnetOf: [0, 1, 1], ids });
    const random = seededRandom(1);
    const chosen = new Set(Array.from({ length: 50 }, () => partners.choose({ self: "a", random })));
    expect(chosen).toEqual(new Set(["b", "c"]));
    expect(() => partners.choose({ self: "stranger", random })).toThrow("self: stranger");
  });
});

test("what makes no sense is refused", () => {
  expect(() => new TopologyPartners({ subnetOf: [0] })).toThrow("1 nodes are less than 2");
  for (const wrong of [-1, 0.5, 65_536])
    expect(() => new TopologyPartners({ subnetOf: [0, wrong] })).toThrow(`subnetOf: ${wrong}`);
  for (const ids of [["a"], ["a", "a"]])
    expect(() => new TopologyPartners({ subnetOf: [0, 0], ids })).toThrow("ids: 1 different");
});
