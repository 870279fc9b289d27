import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareAround, compareUp, type KeyedNode, randomKey, seededRandom } from "../core/index.ts";
import { LeafSet } from "./pastry-leaf-set.ts";

const everybody = () => true;
const at = (digits: string): KeyedNode => ({ node: digits, key: digits.padEnd(40, "0") });
const names = (nodes: readonly KeyedNode[]) => nodes.map(({ node }) => node);

/** So many random nodes, and one more that the leaf set is of. */
function world(count: number, seed: number, size: number) {
  const random = seededRandom(seed);
  const [self, ...nodes] = Array.from({ length: count + 1 }, (_, node) => ({ node, key: randomKey(random) }));
  return { leaves: new LeafSet(self!, size), nodes, self: self!, random };
}

const networks = {
  count: fc.integer({ min: 0, max: 60 }),
  seed: fc.nat(1e6),
  half: fc.constantFrom(1, 2, 4, 8),
};

describe("a leaf set", () => {
  test("has the next nodes up and down the ring, in whatever order they come", () => {
    fc.assert(
      fc.property(networks.count, networks.seed, networks.half, (count, seed, half) => {
        const { leaves, nodes, self } = world(count, seed, 2 * half);
        for (const node of nodes) leaves.add(node);
        const up = nodes.toSorted((a, b) => compareUp(self.key, a.key, b.key));
        expect(names(leaves.above)).toEqual(names(up.slice(0, half)));
        expect(names(leaves.below)).toEqual(names(up.toReversed().slice(0, half)));
      }),
    );
  });

  test("says of each node beforehand whether it would take it, and of each that it had to go", () => {
    fc.assert(
      fc.property(networks.count, networks.seed, networks.half, (count, seed, half) => {
        const { leaves, nodes } = world(count, seed, 2 * half);
        const inside = new Set<KeyedNode>();
        for (const node of nodes) {
          const isWanted = leaves.wants(node);
          const { hasChanged, removed } = leaves.add(node);
          expect(hasChanged).toBe(isWanted);
          if (hasChanged) inside.add(node);
          for (const one of removed) inside.delete(one);
          expect(new Set(leaves.all())).toEqual(inside);
          expect(leaves.size).toBe(inside.size);
          expect(leaves.wants(node)).toBe(false);
        }
      }),
    );
  });

  test("knows the root of each key that it covers, among all nodes there are", () => {
    fc.assert(
      fc.property(networks.count, networks.seed, networks.half, (count, seed, half) => {
        const { leaves, nodes, self, random } = world(count, seed, 2 * half);
        for (const node of nodes) leaves.add(node);
        // Far keys, and some near us.
        for (const key of [randomKey(random), self.key, ...nodes.map((node) => node.key)]) {
          if (!leaves.covers(key)) continue;
          const root = [self, ...nodes].sort((a, b) => compareAround(key, a.key, b.key))[0]!;
          expect(leaves.closest(key, everybody)).toBe(root);
        }
      }),
    );
  });

  test("covers everything while there are no more nodes than it has room for", () => {
    const { leaves, nodes, random } = world(16, 1, 16);
    for (const node of nodes.slice(0, 15)) leaves.add(node);
    expect(leaves.isWhole).toBe(true);
    expect(leaves.covers(randomKey(random))).toBe(true);
    const larger = world(40, 1, 16);
    for (const node of larger.nodes) larger.leaves.add(node);
    expect(larger.leaves.isWhole).toBe(false);
    const covered = Array.from({ length: 200 }, () => larger.leaves.covers(randomKey(random)));
    expect(covered).toContain(false);
    expect(covered).toContain(true);
  });

  test("does not take far nodes for near ones when a side has died: it would claim the whole ring", () => {
    const leaves = new LeafSet(at("5"), 4);
    for (const digits of ["3", "4", "6", "7"]) leaves.add(at(digits));
    leaves.remove(at("3").key);
    leaves.remove(at("4").key);
    expect(leaves.below).toEqual([]);
    expect(leaves.isWhole).toBe(false);
    expect(leaves.add(at("6")).hasChanged).toBe(false);
    expect(leaves.covers(at("1").key)).toBe(false);
    // Nor one from between those of the other side.
    leaves.add(at("65"));
    expect(names(leaves.above)).toEqual(["6", "65"]);
    expect(leaves.below).toEqual([]);
    leaves.add(at("2"));
    expect(names(leaves.below)).toEqual(["2"]);
  });

  test("follows a node that has moved, and never holds its own", () => {
    const leaves = new LeafSet(at("5"), 4);
    leaves.add(at("6"));
    const moved = { node: "6 elsewhere", key: at("6").key };
    expect(leaves.add(moved)).toEqual({ hasChanged: true, removed: [] });
    expect(leaves.all()).toEqual([moved]);
    // Live, the same node is another object each time.
    expect(leaves.add({ ...moved }).hasChanged).toBe(false);
    expect(leaves.add({ node: "liar", key: at("5").key }).hasChanged).toBe(false);
  });

  test("chooses among those that are usable, itself if none is nearer; of equals the smaller", () => {
    const leaves = new LeafSet(at("5"), 4);
    for (const digits of ["3", "4", "6", "7"]) leaves.add(at(digits));
    const { key } = at("64");
    expect(leaves.closest(key, everybody).node).toBe("6");
    expect(leaves.closest(key, ({ node }) => node !== "6").node).toBe("7");
    expect(leaves.closest(key, () => false).node).toBe("5");
    expect(leaves.closest(at("65").key, everybody).node).toBe("6");
  });
});
