import { expect, test } from "vitest";
import type { Step } from "../../scenario/scenario.ts";
import { createLiveWorld } from "./live-world.ts";
import { scenarioOf } from "./scenario-file.ts";

const worldOf = (...timeline: Step[]) =>
  createLiveWorld(scenarioOf({ name: "mine", network: { seeds: 2, peers: 3 }, timeline }), {
    seed: 1,
    program: "none",
  });

test.each<[string, Step[], string]>([
  ["a clock", [{ do: "drift", node: "peer-1", rate: 0.1 }], "drift: the clock of a live node"],
  ["zones", [{ do: "partition", by: "zone" }], "by: live nodes are in no zones"],
  ["doubling", [{ do: "links", set: { duplication: 0.1 } }], "links.duplication: a stream doubles nothing"],
])("%s that only a simulation has is refused before anything is started", (_, timeline, message) => {
  expect(() => worldOf({ do: "wait", for: "1h" }, ...timeline)).toThrow(message);
});

test("what can be done live is not refused, nor is a hang among links that are cut", () => {
  const cut: Step = { do: "cut", from: "peer-1", to: "peer-2" };
  expect(worldOf(cut, { do: "pause", node: "peer-3" }).kind).toBe("live");
  expect(worldOf({ do: "crash", node: "peer-1" }, { do: "pause", node: "peer-2" }).kind).toBe("live");
});
