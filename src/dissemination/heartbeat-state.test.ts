import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom, UsageError } from "../core/index.ts";
import { type EndpointDelta, type EndpointDigest, HeartbeatState } from "./heartbeat-state.ts";

const random = seededRandom(1);
/** SYN, ACK, ACK2; those behind the first `upTo` are lost. */
function gossip(a: HeartbeatState, b: HeartbeatState, upTo = 3): void {
  const { wanted, deltas } = b.examine(a.digests(random), random)!;
  if (upTo < 2) return;
  for (const delta of deltas) a.apply(delta);
  const answer = a.deltasFor(wanted, random)!;
  if (upTo === 3) for (const delta of answer) b.apply(delta);
}
const delta = (more: Partial<EndpointDelta> = {}): EndpointDelta => ({
  endpoint: "z",
  generation: 1,
  since: 0,
  states: [{ key: "k", value: "v", version: 1 }],
  ...more,
});

type Step =
  | { type: "gossip"; from: number; to: number; upTo: number }
  | { type: "set"; at: number; key: string }
  | { type: "restart"; at: number };
const at = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("gossip" as const),
      from: at,
      to: at,
      upTo: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("set" as const), at, key: fc.constantFrom("a", "b", "c") }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("restart" as const), at }) },
);

/** Four nodes; messages of two states, so that hardly any exchange says everything. */
function play(
  steps: readonly Step[],
  check: (nodes: readonly HeartbeatState[], said: Map<string, string>) => void,
) {
  let generation = 1;
  const born = (self: number) => new HeartbeatState(self, generation++, { maxStatesPerMessage: 2 });
  const nodes = [0, 1, 2, 3].map(born);
  /** What each endpoint had for each key at each of its versions. */
  const said = new Map<string, string>();
  const note = (node: HeartbeatState) => {
    const { endpoint, generation, version } = node.digestOf(node.self);
    for (const key of ["a", "b", "c"])
      said.set(`${endpoint} ${generation} ${version} ${key}`, `${node.get(endpoint, key)}`);
  };
  nodes.forEach(note);
  for (const [i, each] of steps.entries()) {
    if (each.type === "gossip" && each.from !== each.to) {
      nodes[each.from]!.beat();
      note(nodes[each.from]!);
      gossip(nodes[each.from]!, nodes[each.to]!, each.upTo);
    }
    if (each.type === "set") nodes[each.at]!.set(each.key, `value ${i}`);
    if (each.type === "restart") nodes[each.at] = born(each.at);
    nodes.forEach(note);
    check(nodes, said);
  }
  return nodes;
}

describe("nodes that gossip, restart and lose messages", () => {
  test("never know more of an endpoint than it has said, and never go back within a generation", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const before = new Map<HeartbeatState, EndpointDigest[]>();
        play(steps, (nodes) => {
          for (const node of nodes) {
            const digests = nodes.map(({ self }) => node.digestOf(self));
            for (const [i, digest] of digests.entries()) {
              const own = nodes[i]!.digestOf(i);
              expect(digest.generation).toBeLessThanOrEqual(own.generation);
              if (digest.generation === own.generation)
                expect(digest.version).toBeLessThanOrEqual(own.version);
              const last = before.get(node)?.[i] ?? digest;
              expect(digest.generation).toBeGreaterThanOrEqual(last.generation);
              if (digest.generation === last.generation)
                expect(digest.version).toBeGreaterThanOrEqual(last.version);
            }
            before.set(node, digests);
          }
        });
      }),
    );
  });

  test("know every state as it was at the version that they know: one number says it all", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        play(steps, (nodes, said) => {
          for (const node of nodes)
            for (const { self } of nodes) {
              const { generation, version } = node.digestOf(self);
              if (version === 0) continue;
              // A state whose successor is above the known version is known, or not yet: never an older one.
              for (const key of ["a", "b", "c"]) {
                const known = node.get(self, key);
                const then = said.get(`${self} ${generation} ${version} ${key}`);
                const now = nodes[self as number]!.get(self, key);
                if (then !== `${known}`) expect(`${now}`, "it has changed since").not.toBe(then);
              }
            }
        });
      }),
    );
  });

  test("all know all in the end", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const nodes = play(steps, () => {});
        for (let round = 0; round < 12; round++)
          for (const a of nodes) for (const b of nodes) if (a !== b) gossip(a, b);
        for (const node of nodes)
          for (const other of nodes) {
            expect(node.digestOf(other.self)).toEqual(other.digestOf(other.self));
            for (const key of ["a", "b", "c"])
              expect(node.get(other.self, key)).toBe(other.get(other.self, key));
          }
      }),
    );
  });
});

describe("a node that restarts", () => {
  test("wins with its higher generation, whatever its version", () => {
    const [a, b] = [new HeartbeatState("a", 1), new HeartbeatState("b", 1)];
    for (let i = 0; i < 50; i++) a.beat();
    a.set("role", "old");
    gossip(a, b);
    const again = new HeartbeatState("a", 2);
    gossip(again, b);
    expect(b.digestOf("a")).toEqual({ endpoint: "a", generation: 2, version: 1 });
    expect(b.get("a", "role")).toBeUndefined();
    // The earlier life, from somebody who is behind, changes nothing.
    expect(b.apply(delta({ endpoint: "a", generation: 1, since: 51 }))).toBe("malformed");
    expect(b.apply(delta({ endpoint: "a", generation: 1 }))).toBe("known");
  });

  test("with a generation that is not higher learns so, and goes above it", () => {
    const [a, b] = [new HeartbeatState("a", 7), new HeartbeatState("b", 1)];
    for (let i = 0; i < 50; i++) a.beat();
    gossip(a, b);
    const again = new HeartbeatState("a", 5);
    gossip(b, again);
    expect(again.digestOf("a").generation).toBe(8);
    expect(again.counters.refuted).toBe(1);
    expect(b.digestOf("a").generation).toBe(8);
  });
});

describe("a message that has no room for all", () => {
  test("has the endpoints of which most is unknown first, and of each the lowest versions", () => {
    const options = { maxStatesPerMessage: 5 };
    const [a, b, c] = ["a", "b", "c"].map((name) => new HeartbeatState(name, 1, options)) as [
      HeartbeatState,
      HeartbeatState,
      HeartbeatState,
    ];
    for (const key of ["1", "2", "3"]) b.set(key, key);
    gossip(a, b);
    expect(a.digestOf("b").version).toBe(0);
    gossip(b, a);
    const answer = a.deltasFor(
      [
        { endpoint: "a", generation: 0, version: 0 },
        { endpoint: "b", generation: 0, version: 0 },
      ],
      random,
    )!;
    expect(answer.map(({ endpoint, states }) => [endpoint, states.map(({ version }) => version)])).toEqual([
      ["b", [1, 2, 3, 4]],
      ["a", [1]],
    ]);
    for (const each of answer) c.apply(each);
    expect(c.digestOf("b")).toEqual(b.digestOf("b"));
  });
});

describe("nonsense is counted and refused", () => {
  test.each<[string, EndpointDelta, string]>([
    [
      "a delta with a gap before it",
      delta({ since: 3, states: [{ key: "k", value: "v", version: 4 }] }),
      "gap",
    ],
    ["of ourselves", delta({ endpoint: "self" }), "own"],
    ["a generation far ahead", delta({ generation: 31_536_002 }), "ahead"],
    ["no states", delta({ states: [] }), "malformed"],
    [
      "a version twice",
      delta({ states: [1, 1].map((version) => ({ key: "k", value: "v", version })) }),
      "malformed",
    ],
    [
      "a version that is no integer",
      delta({ states: [{ key: "k", value: "v", version: 1.5 }] }),
      "malformed",
    ],
    ["generation 0", delta({ generation: 0 }), "malformed"],
    ["a long key", delta({ states: [{ key: "k".repeat(65), value: "v", version: 1 }] }), "malformed"],
    ["a long value", delta({ states: [{ key: "k", value: "v".repeat(1025), version: 1 }] }), "malformed"],
  ])("%s", (_, nonsense, outcome) => {
    const node = new HeartbeatState("self", 1);
    expect(node.apply(nonsense)).toBe(outcome);
    expect(node.counters).toMatchObject({ [outcome]: 1 });
    expect([...node.endpoints]).toEqual(["self"]);
  });

  test("more endpoints, or states of one, than are remembered", () => {
    const node = new HeartbeatState("self", 1, { maxEndpoints: 2, maxStatesPerEndpoint: 2 });
    const states = ["a", "b", "c"].map((key, i) => ({ key, value: "v", version: i + 1 }));
    expect(node.apply(delta({ states }))).toBe("full");
    expect(node.digestOf("z").version).toBe(2);
    expect(node.apply(delta({ endpoint: "y" }))).toBe("full");
    expect(node.size).toBe(2);
    node.forget("z");
    expect(node.apply(delta({ endpoint: "y" }))).toBe("newer");
    expect(() => {
      node.set("a", "1");
      node.set("b", "2");
    }).toThrow(UsageError);
  });

  test("digests that cannot be", () => {
    const node = new HeartbeatState("self", 1);
    const digest = { endpoint: "z", generation: 1, version: 1 };
    expect(node.examine(new Array(1025).fill(digest), random)).toBeUndefined();
    expect(node.examine([{ ...digest, version: -1 }], random)).toBeUndefined();
    expect(node.deltasFor([{ ...digest, generation: 0.5 }], random)).toBeUndefined();
    expect(node.counters.malformed).toBe(3);
  });
});
