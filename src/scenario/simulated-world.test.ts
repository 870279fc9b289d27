import { expect, test } from "vitest";
import { wireCodec } from "../lab/wire-codec.ts";
import { forgedReport } from "./scenarios/forged.ts";
import { junk } from "./scenarios/junk.ts";
import { restart } from "./scenarios/restart.ts";
import { SimulatedWorld } from "./simulated-world.ts";

test("a world in which bytes count wants the codec of the wire, and others do without", () => {
  const wireTrue = { ...restart, network: { isWireTrue: true } };
  for (const scenario of [junk, forgedReport, wireTrue]) {
    expect(() => new SimulatedWorld(scenario, { seed: 1 })).toThrow(`codec: "${scenario.name}" sends bytes`);
    const { network } = new SimulatedWorld(scenario, { seed: 1, codec: wireCodec() });
    expect(network.simulation.idOf(0)).toMatch(/@10\./);
  }
  expect(new SimulatedWorld(restart, { seed: 1 }).network.simulation.idOf(0)).toBe(0);
});
