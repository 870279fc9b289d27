import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareUp,
  isBetween,
  type KeyedNode,
  keyFromNumber,
  keyToNumber,
  randomKey,
  seededRandom,
} from "../core/index.ts";
import { bucketOf, Fingers } from "./chord-fingers.ts";

/** Keys all over the ring, and as many close together, where buckets are small. */
function nodesOf(seed: number, count: number): [KeyedNode, KeyedNode[]] {
  const random = seededRandom(seed);
  const center = keyToNumber(randomKey(random));
  const keys = Array.from({ length: count + 1 }, (_, i) =>
    i % 2 === 0 ? randomKey(random) : keyFromNumber(center + BigInt(random.below(4096)) ** 3n),
  );
  const [self, ...nodes] = [...new Set(keys)].map((key, node) => ({ node, key }));
  return [self!, nodes];
}

const networks = [fc.nat(1e6), fc.integer({ min: 0, max: 60 })] as const;

/** Finger i as the paper defines it: the first of all nodes at or behind self + 2^(i-1). The node itself counts. */
function fingerByDefinition(self: KeyedNode, nodes: readonly KeyedNode[], i: number): KeyedNode {
  const start = keyFromNumber(keyToNumber(self.key) + (1n << BigInt(i - 1)));
  return [self, ...nodes].sort((a, b) => compareUp(start, a.key, b.key))[0]!;
}

describe("a finger table", () => {
  test("has the first node at or behind n + 2^(i-1) as finger i, in whatever order nodes are learned", () => {
    fc.assert(
      fc.property(...networks, (seed, count) => {
        const [self, nodes] = nodesOf(seed, count);
        const fingers = new Fingers(self.key);
        for (const node of nodes) fingers.learn(node);
        for (let i = 1; i <= 160; i++) {
          const expected = fingerByDefinition(self, nodes, i);
          expect(fingers.finger(i)).toBe(expected === self ? undefined : expected);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("keeps only different fingers: one for each bucket that has anybody, the nearest first", () => {
    fc.assert(
      fc.property(...networks, (seed, count) => {
        const [self, nodes] = nodesOf(seed, count);
        const fingers = new Fingers(self.key);
        for (const node of nodes) fingers.learn(node);
        const buckets = fingers.nodes.map(({ key }) => bucketOf(self.key, key));
        expect(buckets).toEqual([...new Set(buckets)].sort((a, b) => a - b));
        expect(new Set(buckets)).toEqual(new Set(nodes.map(({ key }) => bucketOf(self.key, key))));
      }),
    );
  });

  test("seen as a linked list or as intervals, a lookup goes to the same node", () => {
    fc.assert(
      fc.property(...networks, (seed, count) => {
        const [self, nodes] = nodesOf(seed, count);
        const fingers = new Fingers(self.key);
        for (const node of nodes) fingers.learn(node);
        const random = seededRandom(seed + 1);
        const near = nodes.map(({ key }) => keyFromNumber(keyToNumber(key) + BigInt(random.below(3)) - 1n));
        for (const key of [self.key, ...near, ...nodes.map((node) => node.key), randomKey(random)]) {
          const next = fingers.preceding(key);
          expect(fingers.precedingByInterval(key)).toBe(next);
          if (next !== undefined) expect(isBetween(self.key, next.key, key)).toBe(true);
        }
      }),
    );
  });

  test("a looked up finger replaces one that nobody found: it is gone", () => {
    const self = keyFromNumber(0n);
    const fingers = new Fingers(self);
    const [gone, here, far] = [8n, 11n, 40n].map((number, node) => ({ node, key: keyFromNumber(number) }));
    fingers.learn(gone!);
    fingers.fix(3, here!);
    expect(fingers.nodes).toEqual([here]);
    // Nobody in the bucket at all: the first one behind it.
    fingers.fix(3, far!);
    expect(fingers.nodes).toEqual([far]);
    expect(fingers.finger(4)).toBe(far);
  });

  test("learns the new address of a node, and forgets a node by its key", () => {
    const fingers = new Fingers(keyFromNumber(0n));
    fingers.learn({ node: "old", key: keyFromNumber(9n) });
    expect(fingers.learn({ node: "new", key: keyFromNumber(9n) })).toBe(true);
    expect(fingers.nodes.map(({ node }) => node)).toEqual(["new"]);
    fingers.forget(keyFromNumber(9n));
    expect(fingers.nodes).toEqual([]);
    expect(fingers.learn({ node: "me", key: keyFromNumber(0n) })).toBe(false);
  });
});
