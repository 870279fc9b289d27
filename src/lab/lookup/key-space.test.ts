import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareAround, compareUp, compareXor, isKey, randomKey, seededRandom } from "../../core/index.ts";
import { KeySpace } from "./key-space.ts";

describe("a key space", () => {
  test("says who is nearest as a comparison with everybody does, in each of the three orders", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 60 }), fc.nat(10), (seed, rows, count) => {
        const keys = new KeySpace({ seed, rows });
        const random = seededRandom(seed);
        const accept = ({ node }: { node: unknown }) => (node as number) % 3 !== 1;
        for (const key of [randomKey(random), keys.nodes[0]!.key])
          for (const order of [compareUp, compareAround, compareXor]) {
            const slow = keys.nodes.filter(accept).sort((a, b) => order(key, a.key, b.key));
            expect(keys.nearest(key, count, order, accept)).toEqual(slow.slice(0, count));
          }
      }),
      { numRuns: 200 },
    );
  });

  test("follows an order that it does not know by comparing everybody", () => {
    const keys = new KeySpace({ seed: 1, rows: 20 });
    const largestFirst = (_: string, a: string, b: string) => (a > b ? -1 : 1);
    const [first] = keys.nearest("0".repeat(40), 1, largestFirst);
    expect(first).toBe(keys.sorted.at(-1));
  });

  test("hands out one object for each node, by row and by contact", () => {
    for (const hasContacts of [false, true]) {
      const keys = new KeySpace({ seed: 3, rows: 10, hasContacts });
      for (const [row, node] of keys.nodes.entries()) {
        expect(isKey(node.key)).toBe(true);
        expect(keys.keyedNode(node.node)).toBe(node);
        expect(keys.rowOf(node.node)).toBe(row);
        expect(keys.sorted[keys.rankOf(row)]).toBe(node);
      }
    }
  });

  test("its first rows are a space of their own, with the same objects", () => {
    for (const hasContacts of [false, true]) {
      const keys = new KeySpace({ seed: 3, rows: 10, hasContacts });
      const first = keys.first(4);
      expect(first.nodes).toEqual(keys.nodes.slice(0, 4));
      for (let row = 0; row < 4; row++) {
        expect(first.rowOf(keys.nodes[row]!.node)).toBe(row);
        expect(first.keyedNode(keys.nodes[row]!.node)).toBe(keys.nodes[row]);
      }
      expect(first.rowOf(keys.nodes[4]!.node)).toBeUndefined();
    }
  });

  test("gives rising keys to rising rows where that is wanted", () => {
    const { nodes, sorted } = new KeySpace({ seed: 3, rows: 50, isSortedByRow: true });
    expect(sorted).toBe(nodes);
    for (let row = 1; row < 50; row++) expect(nodes[row - 1]!.key < nodes[row]!.key).toBe(true);
  });

  test("takes a contact that nobody has at its word", () => {
    const keys = new KeySpace({ seed: 3, rows: 2, hasContacts: true });
    const key = "ab".repeat(20);
    expect(keys.keyedNode(`${key}@10.9.9.9:1`).key).toBe(key);
  });
});
