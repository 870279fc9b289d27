import { describe, expect, test } from "vitest";
import { NodeRegister } from "../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../src/trace/picture.ts";
import { changeKinds, changeOf, changeText, withTunableFrom } from "./fork-change.ts";

function picture(): NetworkPicture {
  const made = new NetworkPicture(new NodeRegister());
  const joined = (node: number, name: string, role: string) =>
    made.apply({ at: 1, node, layer: "scenario", type: "joined", name, role });
  const linked = (node: number, neighbor: number) =>
    made.apply({ at: 2, node, layer: "overlay", type: "neighbor-up", neighbor });
  joined(0, "seed-1", "seed");
  for (let i = 1; i <= 3; i++) joined(i, `peer-${i}`, "peer");
  linked(2, 1);
  linked(2, 3);
  linked(1, 2);
  return made;
}

describe("what is changed in a fork", () => {
  test.each([
    ["loss:0.3", { do: "links", set: { loss: 0.3 } }],
    ["latency:200", { do: "links", set: { latency: { model: "constant", ms: 200 } } }],
    ["crash-hub", { do: "crash", node: "peer-2" }],
    ["crash:2", { do: "crash", node: { random: 2, of: "peers" } }],
    ["pause:1", { do: "pause", node: { random: 1, of: "peers" } }],
    ["partition:0.5", { do: "partition", share: 0.5 }],
    ["join:4", { do: "join", count: 4 }],
  ])("%s is done at its moment", (text, action) => {
    expect(changeOf(text, picture())).toEqual({ type: "actions", actions: [action] });
  });

  test("every kind that the page offers can be read, with its default", () => {
    for (const { kind, value } of changeKinds) {
      const text = value === undefined ? kind : `${kind}:${value.default}`;
      expect(changeOf(text, picture()).type).toBe("actions");
      expect(changeText(text)).not.toContain("undefined");
    }
  });

  test("a tunable holds from the start", () => {
    const change = changeOf("heartbeat.pingIntervalMs:500", picture());
    if (change.type !== "tunable") throw new Error("no tunable");
    const config = { seed: 3, scenario: { name: "a", stack: { options: { overlay: { minDegree: 4 } } } } };
    expect(withTunableFrom(config, change)).toEqual({
      seed: 3,
      scenario: {
        name: "a",
        stack: { options: { overlay: { minDegree: 4 }, heartbeat: { pingIntervalMs: 500 } } },
      },
    });
  });

  test.each(["loss:2", "loss:", "moon", "heartbeat.color:1", "crash:1.5"])("%s is refused", (text) => {
    expect(() => changeOf(text, picture())).toThrow();
  });
});
