import { describe, expect, test } from "vitest";
import { parseScenario } from "../lab/scenario/scenario-file.ts";
import { churnOf, joinersOf, sessionName } from "./churn-step.ts";
import { runScenario } from "./runner.ts";
import type { Scenario, Step } from "./scenario.ts";
import { SimulatedWorld } from "./simulated-world.ts";

const crowd: Extract<Step, { do: "churn" }> = {
  do: "churn",
  model: { model: "flash-crowd", joins: 6, atMs: 1000, withinMs: 2000, leaveAfterMs: 8000, crashShare: 0.5 },
};

const scenario = (timeline: readonly Step[]): Scenario => ({
  name: "churn",
  network: { seeds: 3, peers: 5 },
  timeline,
  calm: "90 pings",
});

async function run(timeline: readonly Step[], seed = 1) {
  const world = new SimulatedWorld(scenario(timeline), { seed });
  const happened: { at: number; type: string; name: unknown }[] = [];
  world.onEvent(({ at, layer, type, name }) => {
    if (layer === "scenario") happened.push({ at, type, name });
  });
  const report = await runScenario(scenario(timeline), world, { seed });
  return { report, happened };
}

describe("churn in a scenario", () => {
  test("goes on beside the steps that follow, and the end of the timeline waits for it", async () => {
    const { report, happened } = await run([
      crowd,
      { do: "wait", for: "4s" },
      { do: "publish", from: "peer-1" },
    ]);
    const came = happened.filter(
      ({ type, name }) => type === "joined" && String(name).startsWith("churn-1-"),
    );
    expect(came).toHaveLength(6);
    const gone = happened.filter(({ type }) => type === "left" || type === "crashed");
    expect(gone).toHaveLength(6);
    expect(came.at(-1)!.at).toBeLessThan(gone[0]!.at);
    expect(report.violations).toEqual([]);
    expect(report.ok).toBe(true);
  });

  test("goes on while something is waited for", async () => {
    const lists: Step = { do: "expect", is: "listed", node: "peer-1", within: "1s" };
    const { report, happened } = await run([
      crowd,
      // Not true before those have gone who come: until then it is waited for.
      { do: "wait", for: "4s" },
      { do: "expect", is: "lists-exact", within: "60s" },
      lists,
    ]);
    expect(happened.filter(({ type }) => type === "crashed" || type === "left")).toHaveLength(6);
    expect(report.checks.every(({ ok }) => ok)).toBe(true);
  });

  test("is drawn by the seed and by its place, and is the same in any world", () => {
    expect(churnOf(crowd, 0, 1)).toEqual(churnOf(crowd, 0, 1));
    expect(churnOf(crowd, 0, 2)).not.toEqual(churnOf(crowd, 0, 1));
    expect(churnOf(crowd, 1, 1)).not.toEqual(churnOf(crowd, 0, 1));
  });

  test("two of them have peers of their own", async () => {
    const { happened } = await run([crowd, crowd]);
    const names = happened.filter(({ type }) => type === "joined").map(({ name }) => name);
    expect(new Set(names).size).toBe(3 + 5 + 12);
    expect(names).toContain(sessionName(1, 0));
  });

  test("counts with those who join otherwise", () => {
    expect(joinersOf([{ do: "join", name: "anna" }, { do: "join", count: 4 }, crowd], 1)).toBe(11);
  });

  test("is refused with file and line if the model is none", () => {
    const text = "name: a\ntimeline:\n  - do: churn\n    model: { model: poisson, joinsPerMinute: -1 }\n";
    expect(() => parseScenario(text, "a.yaml")).toThrow(/^a\.yaml:4: timeline\[0\]\.model: .*joinsPerMinute/);
    expect(() => parseScenario(text.replace("poisson, joinsPerMinute: -1", "tides"), "a.yaml")).toThrow(
      /tides/,
    );
  });
});

describe("a partition by zone", () => {
  const zones = {
    model: "zones",
    matrixMs: [
      [5, 20],
      [20, 5],
    ],
  } as const;

  test("cuts each zone from the others, until it is healed", async () => {
    const divided: Scenario = {
      name: "zones",
      network: { seeds: 4, peers: 8, links: { latency: zones } },
      timeline: [
        { do: "partition", by: "zone" },
        { do: "wait", for: "15 pings" },
      ],
    };
    const world = new SimulatedWorld(divided, { seed: 1 });
    await runScenario(divided, world, { seed: 1 });
    // Rows alternate between the zones: seeds 0 and 2 with peers of even rows, the others with the rest.
    for (const view of await world.peers()) {
      for (const neighbor of view.neighbors)
        expect((neighbor as number) % 2, view.name).toBe((view.id as number) % 2);
    }
    const healed = { ...divided, timeline: [...divided.timeline!, { do: "heal" } as const] };
    const again = new SimulatedWorld(healed, { seed: 1 });
    expect((await runScenario(healed, again, { seed: 1 })).ok).toBe(true);
  });
});
