import { describe, expect, test } from "vitest";
import { seededRandom } from "../core/index.ts";
import { type KnownNode, Selection, settingsByName } from "./selector.ts";

function node(name: string, more: Partial<KnownNode> = {}): KnownNode {
  return { name, role: name.startsWith("seed") ? "seed" : "peer", isLiving: true, ...more };
}

const nodes = [
  ...["seed-1", "seed-2", "seed-3", "seed-4", "seed-5"].map((name) => node(name)),
  ...["peer-1", "peer-2", "peer-3"].map((name) => node(name)),
  node("dead", { isLiving: false }),
  node("hung", { isPaused: true }),
];
const select = (seed = 1) => new Selection(() => nodes, seededRandom(seed));

describe("a selector", () => {
  test("means nodes by name, the dead too", () => {
    expect(select().names("dead")).toEqual(["dead"]);
    expect(select().names(["peer-2", "hung", "all seeds"])).toEqual([
      "peer-2",
      "hung",
      ...["seed-1", "seed-2", "seed-3", "seed-4", "seed-5"],
    ]);
    expect(() => select().names("peer-9")).toThrow(/^node: there is no "peer-9"; there are seed-1, /);
  });

  test("means each once, however often it is named", () => {
    expect(select().names(["all peers", "peer-2", "dead", "all peers", "dead"])).toEqual([
      ...["peer-1", "peer-2", "peer-3", "dead"],
    ]);
  });

  test("of all means those that live and are awake", () => {
    expect(select().names("all peers")).toEqual(["peer-1", "peer-2", "peer-3"]);
  });

  test("draws among those, each once, and remembers whom", () => {
    const selection = select();
    const drawn = selection.names({ random: 3, of: "peers" });
    expect([...drawn].sort()).toEqual(["peer-1", "peer-2", "peer-3"]);
    expect(selection.names("the drawn")).toEqual(drawn);
    expect(() => selection.names({ random: 4, of: "peers" })).toThrow(
      "random: 4 peers are to be drawn, and 3 are living",
    );
  });

  test("of a minority leaves a majority", () => {
    expect(select().names({ random: "minority", of: "seeds" })).toHaveLength(2);
    expect(select().names({ random: "minority", of: "peers" })).toHaveLength(1);
  });

  test("draws the same with the same seed only", () => {
    const draws = (seed: number) =>
      Array.from({ length: 5 }, () => select(seed).names({ random: 2, of: "seeds" }));
    expect(draws(7)).toEqual(draws(7));
    const outcomes = [1, 2, 3, 4, 5, 6].map((seed) => String(select(seed).names({ random: 2, of: "seeds" })));
    expect(new Set(outcomes).size).toBeGreaterThan(1);
  });
});

test("settings of nodes add up by name, for those of the beginning and those that join by name", () => {
  const settings = settingsByName(
    {
      name: "some",
      network: { seeds: 1, peers: 2 },
      nodes: [
        { which: "all peers", perEventMs: 5 },
        { which: ["peer-2", "late"], zone: 1 },
        { which: { random: 1, of: "seeds" }, perEventMs: 9 },
      ],
      timeline: [{ do: "join", name: "late" }],
    },
    1,
  );
  const shown = [...settings].map(([name, { perEventMs, zone }]) => [name, perEventMs, zone]);
  expect(shown).toEqual([
    ["peer-1", 5, undefined],
    ["peer-2", 5, 1],
    ["late", 5, 1],
    ["seed-1", 9, undefined],
  ]);
});
