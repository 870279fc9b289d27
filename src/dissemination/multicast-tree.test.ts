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
const everybodyAndDegree = fc.tuple(fc.oneof(contacts, numbers), fc.integer({ min: 2, max: 6 }));

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

  test("it is a tree: connected, with a link less than there are nodes", () => {
    fc.assert(
      fc.property(everybodyAndDegree, ([everybody, degree]) => {
        const tree = treeOf(everybody as NodeId[], degree);
        const ends = [...tree.values()].reduce((sum, neighbors) => sum + neighbors.length, 0);
        expect(ends).toBe(2 * (everybody.length - 1));
        const reached = new Set<NodeId>([everybody[0]!]);
        for (const node of reached) for (const neighbor of tree.get(node)!) reached.add(neighbor);
        expect(reached.size).toBe(everybody.length);
      }),
      { seed: 1 },
    );
  });

  test("its height and the links of a node are logarithmic, about", () => {
    const everybody = range(1, 1024);
    const tree = treeOf(everybody, 4);
    const hops = new Map<NodeId, number>([[everybody[0]!, 0]]);
    for (const [node, hop] of hops)
      for (const next of tree.get(node)!) if (!hops.has(next)) hops.set(next, hop + 1);
    expect(Math.max(...hops.values()), "there and back on five levels").toBeLessThanOrEqual(10);
    const links = [...tree.values()].map(({ length }) => length);
    expect(Math.max(...links)).toBeLessThan(50);
    // Three in four are leaves.
    expect(links.filter((count) => count === 1).length / 1024).toBeCloseTo(0.75, 1);
  });

  test("one member more changes the links of few", () => {
    const before = treeOf(range(1, 300), 4);
    const after = treeOf(range(1, 301), 4);
    const changed = range(1, 300).filter((node) => before.get(node)!.join() !== after.get(node)!.join());
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.length).toBeLessThan(12);
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
