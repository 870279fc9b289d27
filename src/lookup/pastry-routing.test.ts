import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { routeAsInDocument } from "../../test/support/pastry-as-in-document.ts";
import {
  compareAround,
  type Key,
  type KeyedNode,
  type NodeId,
  type Random,
  randomKey,
  sample,
  seededRandom,
} from "../core/index.ts";
import { LeafSet } from "./pastry-leaf-set.ts";
import { nextHop, type RoutingRule, type RoutingState, remaining } from "./pastry-routing.ts";
import { Neighborhood, RoutingTable } from "./pastry-table.ts";

const bits = 4;
const at = (digits: string): KeyedNode => ({ node: digits, key: digits.padEnd(40, "0") });
const everybody = () => true;

function stateOf(
  self: KeyedNode,
  known: { readonly leaves?: readonly KeyedNode[]; readonly table?: readonly KeyedNode[] },
  leafSetSize = 2,
): RoutingState {
  const leaves = new LeafSet(self, leafSetSize);
  const table = new RoutingTable(self, bits);
  for (const node of known.leaves ?? []) leaves.add(node);
  for (const node of known.table ?? []) table.set(node);
  return { self, leaves, table, neighborhood: new Neighborhood(8) };
}

interface Walked {
  readonly way: readonly NodeId[];
  readonly remaining: readonly string[];
}

/** From node to node until one delivers, or a limit. */
function walk(
  states: ReadonlyMap<NodeId, RoutingState>,
  from: NodeId,
  key: Key,
  rule: RoutingRule,
  { random, limit = 200 }: { readonly random?: Random; readonly limit?: number } = {},
): Walked {
  const way = [from];
  let state = states.get(from)!;
  let isNear = false;
  const left = [remaining(key, state.self, isNear, bits)];
  for (let hops = 0; hops < limit; hops++) {
    const hop = rule(state, { key, isNear, isUsable: everybody, random });
    if (hop.node === state.self) break;
    isNear = hop.isNear;
    state = states.get(hop.node.node)!;
    way.push(hop.node.node);
    left.push(remaining(key, hop.node, isNear, bits));
  }
  return { way, remaining: left };
}

/**
 * Six nodes of which none begins with 5, where the key is:
 *
 *     0f  10  11            5            7f  80  81
 *          └─ knows 80, beside its leaves ─┘ knows 10, beside its leaves
 */
const sixNodes = () => {
  const states = [
    stateOf(at("10"), { leaves: [at("0f"), at("11")], table: [at("80")] }),
    stateOf(at("80"), { leaves: [at("7f"), at("81")], table: [at("10")] }),
    stateOf(at("7f"), { leaves: [at("11"), at("80")] }),
    stateOf(at("11"), { leaves: [at("10"), at("7f")] }),
    stateOf(at("0f"), { leaves: [at("81"), at("10")] }),
    stateOf(at("81"), { leaves: [at("80"), at("0f")] }),
  ];
  return new Map<NodeId, RoutingState>(states.map((state) => [state.self.node, state]));
};

describe("the rule of the document", () => {
  test("can send a message round and round: from 10 to 80 and back, for nobody begins with 5", () => {
    const { way } = walk(sixNodes(), "10", at("5").key, routeAsInDocument(seededRandom(1)), { limit: 6 });
    expect(way).toEqual(["10", "80", "10", "80", "10", "80", "10"]);
  });

  test("the rule with progress brings the same message to the numerically closest node", () => {
    const { way } = walk(sixNodes(), "10", at("5").key, nextHop);
    expect(way).toEqual(["10", "80", "7f"]);
  });
});

describe("rule 1 without its mark", () => {
  // 7f8 shares two digits with the key 7ff…, 801 shares none and is nearer: but its lower leaf has died.
  const damaged = stateOf(at("801"), { leaves: [at("802"), at("7f9")], table: [at("7f8")] });
  damaged.leaves.remove(at("7f9").key);
  const whole = stateOf(at("7f8"), { leaves: [at("7f7"), at("801")] });
  const states = new Map<NodeId, RoutingState>([whole, damaged].map((state) => [state.self.node, state]));
  const key = "7ff".padEnd(40, "f");

  test("would go back by rule 2: with the mark each hop is numerically closer", () => {
    const forgetful: RoutingRule = (state, question) => nextHop(state, { ...question, isNear: false });
    expect(walk(states, "7f8", key, forgetful, { limit: 4 }).way).toEqual([
      "7f8",
      "801",
      "7f8",
      "801",
      "7f8",
    ]);
    expect(walk(states, "7f8", key, nextHop).way).toEqual(["7f8", "801"]);
  });
});

/** Nodes that know whomever chance has told them of: leaf sets with holes, tables without entries. */
function anyNetwork(seed: number, count: number, knows: number, isClustered: boolean) {
  const random = seededRandom(seed);
  // Clustered keys share their first digits: all rows are met.
  const keyOf = () =>
    isClustered
      ? `${sample(["7fff", "8000", "7ffe"], 1, random)[0]}${randomKey(random).slice(4)}`
      : randomKey(random);
  const nodes = Array.from({ length: count }, (_, node): KeyedNode => ({ node, key: keyOf() }));
  const states = new Map<NodeId, RoutingState>();
  for (const self of nodes) {
    const state = stateOf(
      self,
      { leaves: sample(nodes, knows, random), table: sample(nodes, knows, random) },
      4,
    );
    for (const [i, near] of sample(nodes, 2, random).entries())
      if (near !== self) state.neighborhood.measured(near, i);
    for (const leaf of sample(state.leaves.all(), random.below(3), random)) state.leaves.remove(leaf.key);
    states.set(self.node, state);
  }
  return { nodes, states, random, keyOf };
}

/** Leaf sets are right; tables have a few random nodes. */
function thinNetwork(seed: number, count: number) {
  const random = seededRandom(seed);
  const nodes = Array.from({ length: count }, (_, node): KeyedNode => ({ node, key: randomKey(random) }));
  const thin = (self: KeyedNode) => stateOf(self, { leaves: nodes, table: sample(nodes, 5, random) }, 4);
  const states = new Map<NodeId, RoutingState>(nodes.map((self) => [self.node, thin(self)]));
  return { nodes, states, random };
}

const networks = [
  fc.nat(1e9),
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 0, max: 20 }),
  fc.boolean(),
] as const;

describe("the rule with progress", () => {
  test("cannot loop, whatever the tables say: what remains grows smaller with every hop", () => {
    let hops = 0;
    fc.assert(
      fc.property(...networks, fc.boolean(), (seed, count, knows, isClustered, isRandomised) => {
        const { states, random, keyOf } = anyNetwork(seed, count, knows, isClustered);
        const key = keyOf();
        const { way, remaining } = walk(states, 0, key, nextHop, isRandomised ? { random } : {});
        for (let i = 1; i < remaining.length; i++) expect(remaining[i]! < remaining[i - 1]!).toBe(true);
        // Once in each phase, that is, and no node a third time.
        for (const node of way) expect(way.filter((other) => other === node).length).toBeLessThanOrEqual(2);
        hops += way.length - 1;
      }),
      { numRuns: 500 },
    );
    expect(hops).toBeGreaterThan(500);
  });

  test("the document's loops in ordinary networks with thin tables, the other one does not", () => {
    let loops = 0;
    for (let seed = 0; seed < 100; seed++) {
      const { states, random } = thinNetwork(seed, 60);
      const key = randomKey(random);
      const { way } = walk(states, 0, key, routeAsInDocument(random));
      if (new Set(way).size < way.length) loops++;
      const right = walk(states, 0, key, nextHop).way;
      expect(new Set(right).size).toBe(right.length);
    }
    expect(loops).toBeGreaterThan(10);
  });

  test("ends at the numerically closest node wherever leaf sets are right, however thin the tables are", () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.integer({ min: 1, max: 60 }), fc.boolean(), (seed, count, isRandomised) => {
        const random = seededRandom(seed);
        const nodes = Array.from(
          { length: count },
          (_, node): KeyedNode => ({ node, key: randomKey(random) }),
        );
        const states = new Map<NodeId, RoutingState>(
          nodes.map((self) => [
            self.node,
            stateOf(self, { leaves: nodes, table: sample(nodes, 5, random) }, 4),
          ]),
        );
        const key = randomKey(random);
        const { way } = walk(states, 0, key, nextHop, isRandomised ? { random } : {});
        const root = nodes.toSorted((a, b) => compareAround(key, a.key, b.key))[0]!;
        expect(way.at(-1)).toBe(root.node);
      }),
    );
  });

  test("does not use who is not usable, and delivers where nobody else is left", () => {
    const states = sixNodes();
    const ask = (isUsable: (node: KeyedNode) => boolean) =>
      nextHop(states.get("10")!, { key: at("5").key, isNear: false, isUsable });
    expect(ask(({ node }) => node !== "80")).toMatchObject({ node: { node: "11" }, rule: 3 });
    expect(ask(() => false)).toMatchObject({ node: { node: "10" }, rule: 0 });
  });

  test("on a repeated route takes different ways, the best one most often", () => {
    const state = stateOf(
      at("0"),
      { leaves: [at("f"), at("01")], table: ["1", "2", "3", "4", "5"].map((digits) => at(digits)) },
      2,
    );
    const random = seededRandom(3);
    const taken = new Map<NodeId, number>();
    for (let i = 0; i < 1000; i++) {
      const { node } = nextHop(state, { key: at("51").key, isNear: false, isUsable: everybody, random });
      taken.set(node.node, (taken.get(node.node) ?? 0) + 1);
    }
    expect([...taken.keys()].sort()).toEqual(["01", "1", "2", "3", "4", "5"]);
    expect(taken.get("5")!).toBeGreaterThan(450);
    expect(taken.get("4")!).toBeGreaterThan(taken.get("2")!);
  });

  test("says which rule it used", () => {
    const state = stateOf(at("10"), { leaves: [at("0f"), at("11")], table: [at("52"), at("80")] });
    const ask = (digits: string) =>
      nextHop(state, { key: at(digits).key, isNear: false, isUsable: everybody }).rule;
    expect([ask("1080"), ask("5"), ask("7")]).toEqual([1, 2, 3]);
  });
});
