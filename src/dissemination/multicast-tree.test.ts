import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Members } from "../../test/support/members.ts";
import { type NodeId, RecordingEnvironment } from "../core/index.ts";
import { MulticastTree } from "./multicast-tree.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

function neighborsOf(
  self: NodeId,
  everybody: readonly NodeId[],
  degree: number,
  seed = 1,
): readonly NodeId[] {
  const tree = new MulticastTree(new Members(everybody.filter((node) => node !== self)), degree);
  tree.refresh(new RecordingEnvironment(self, seed));
  return tree.neighbors;
}

/** Who is next to whom, where everybody knows everybody. Each has dice of its own. */
function treeOf(everybody: readonly NodeId[], degree: number): Map<NodeId, readonly NodeId[]> {
  return new Map(everybody.map((node, seed) => [node, neighborsOf(node, everybody, degree, seed)]));
}

const contacts = fc
  .uniqueArray(fc.stringMatching(/^[0-9a-f]{1,8}$/), { minLength: 1, maxLength: 40 })
  .map((ids) => ids.map((id, i) => `${id}@10.0.0.${i}:9000`));
const numbers = fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 40 });
const everybodyAndDegree = fc.tuple(fc.oneof(contacts, numbers), fc.integer({ min: 1, max: 6 }));

describe("where everybody knows the same members", () => {
  test("a link has two ends: who is next to me has me next to it", () => {
    fc.assert(
      fc.property(everybodyAndDegree, ([everybody, degree]) => {
        const tree = treeOf(everybody as NodeId[], degree);
        for (const [node, neighbors] of tree)
          for (const neighbor of neighbors) expect(tree.get(neighbor)).toContain(node);
      }),
      { seed: 1 },
    );
  });

  test("it is a tree: connected, with a link less than there are nodes, and no node has too many", () => {
    fc.assert(
      fc.property(everybodyAndDegree, ([everybody, degree]) => {
        const tree = treeOf(everybody as NodeId[], degree);
        const ends = [...tree.values()].reduce((sum, neighbors) => sum + neighbors.length, 0);
        expect(ends).toBe(2 * (everybody.length - 1));
        const reached = new Set<NodeId>([everybody[0]!]);
        for (const node of reached) for (const neighbor of tree.get(node)!) reached.add(neighbor);
        expect(reached.size).toBe(everybody.length);
        for (const neighbors of tree.values()) expect(neighbors.length).toBeLessThanOrEqual(degree + 1);
      }),
      { seed: 1 },
    );
  });

  test("its height is logarithmic", () => {
    const everybody = range(1, 341);
    const tree = treeOf(everybody, 4);
    const root = everybody.filter((node) => tree.get(node)!.length === 4);
    expect(root, "1 + 4 + 16 + 64 + 256: only the root has no parent").toHaveLength(1);
    let level: NodeId[] = root;
    const reached = new Set<NodeId>(root);
    const sizes = [1];
    while (reached.size < everybody.length) {
      level = level.flatMap((node) => tree.get(node)!.filter((next) => !reached.has(next)));
      for (const node of level) reached.add(node);
      sizes.push(level.length);
    }
    expect(sizes).toEqual([1, 4, 16, 64, 256]);
  });

  test("it does not depend on the dice, nor on the address of anybody", () => {
    const everybody = range(1, 30).map((i) => `${i}@10.0.0.1:${i}`);
    const elsewhere = range(1, 30).map((i) => `${i}@10.9.9.9:${i}`);
    const idsOf = (nodes: readonly NodeId[]) => nodes.map((node) => String(node).split("@")[0]);
    for (const i of [0, 10, 29]) {
      const expected = neighborsOf(everybody[i]!, everybody, 3, 1);
      expect(neighborsOf(everybody[i]!, everybody, 3, 2)).toEqual(expected);
      expect(idsOf(neighborsOf(elsewhere[i]!, elsewhere, 3))).toEqual(idsOf(expected));
    }
  });
});

test("who is alone has nobody, and says so", () => {
  expect(neighborsOf(1, [1], 4)).toEqual([]);
});

test("the members are read again when their number has changed, and otherwise once a second", () => {
  const members = new Members([2, 3]);
  const tree = new MulticastTree(members, 4);
  const env = new RecordingEnvironment(1);
  const refreshAt = (now: number) => {
    env.now = now;
    tree.refresh(env);
    return members.samples;
  };
  expect([refreshAt(0), refreshAt(1), refreshAt(999)]).toEqual([1, 1, 1]);
  members.others.push(4);
  expect(refreshAt(999)).toBe(2);
  expect(tree.has(4)).toBe(true);
  expect([refreshAt(1998), refreshAt(1999)]).toEqual([2, 3]);
});
