import { describe, expect, test } from "vitest";
import { scenarioOptions } from "../../../src/scenario/index.ts";
import { labOf, type NetworkLab, type Tunables } from "./lab-address.ts";
import { runOf, usualTunables } from "./lab-run.ts";
import { withTunable } from "./with-tunable.ts";

const lab = (tunables: Tunables = {}): NetworkLab => ({ ...(labOf("?lab=network") as NetworkLab), tunables });

describe("the tunables that the laboratory shows", () => {
  test("are those that hold in the run", () => {
    const some: readonly Tunables[] = [{}, { heartbeat: { pingIntervalMs: 4000 } }];
    for (const tunables of some) {
      const asked = lab(tunables);
      const shown = usualTunables(asked);
      const holding = scenarioOptions(runOf(asked).scenario);
      for (const [section, values] of Object.entries(holding))
        expect(shown[section]).toMatchObject(values as Record<string, unknown>);
    }
    expect(usualTunables(lab())["heartbeat"]!["pingIntervalMs"]).toBe(1000);
  });

  test("are kept where they are not as usual, and only there", () => {
    const usual = usualTunables(lab())["heartbeat"]!["pingIntervalMs"];
    const changed = withTunable({}, "heartbeat", "pingIntervalMs", 13_000, usual);
    expect(changed).toEqual({ heartbeat: { pingIntervalMs: 13_000 } });
    const both = withTunable(changed, "overlay", "minDegree", 5, 3);
    expect(withTunable(both, "heartbeat", "pingIntervalMs", 1000, usual)).toEqual({
      overlay: { minDegree: 5 },
    });
  });
});
