import { describe, expect, test } from "vitest";
import { addressOf, labOf } from "./lab-address.ts";
import { labelOf, labScenarios, runOf } from "./lab-run.ts";

describe("an address of the laboratory", () => {
  test.each([
    "?lab=network",
    "?lab=network&peers=50&messages=0&loss=0.1&seed=7&latency=exponential%3A40",
    "?lab=network&links=datagram&heartbeat.pingIntervalMs=500&broadcast.method=rumor&broadcast.repairs=false",
    "?lab=network&stack.profile=modern&swim.probeIntervalMs=250",
    "?lab=scenario&name=crash",
    "?lab=scenario&name=crash&stack.profile=modern",
    "?lab=scenario&name=hang&seed=3&heartbeat.pingIntervalMs=250",
    "?lab=epidemic",
    "?lab=epidemic&nodes=1000000&mode=push&stop=coin&hasFeedback=false&engine=synchronous",
  ])("%s asks for what it was made of", (address) => {
    const lab = labOf(address)!;
    const again = addressOf(lab);
    expect(labOf(again)).toEqual(lab);
    expect([...new URLSearchParams(again)].sort()).toEqual([...new URLSearchParams(address)].sort());
  });

  test("says nothing where there is no laboratory in it", () => {
    expect(labOf("")).toBeUndefined();
    expect(labOf("?trace=run.ndjson")).toBeUndefined();
  });

  test.each([
    ["?lab=moon", "moon"],
    ["?lab=network&peers=100000", "peers: 100000 is more than 2000"],
    ["?lab=network&peers=", "peers: NaN"],
    ["?lab=network&latency=uniform:5", "fromMs and toMs"],
    ["?lab=network&latency=constructor:5", "constructor"],
    ["?lab=network&heartbeat.color=red", "heartbeat.color: there is no such option"],
    ["?lab=network&__proto__.x=1", "__proto__.x"],
    ["?lab=network&heartbeat.pingIntervalMs=soon", "heartbeat.pingIntervalMs: NaN"],
    ["?lab=network&broadcast.repairs=perhaps", "broadcast.repairs"],
    ["?lab=epidemic&mode=shout", "mode"],
  ])("%s is refused, by its name", (address, why) => {
    expect(() => labOf(address)).toThrow(why);
  });
});

describe("what is asked of the laboratory", () => {
  test("becomes a scenario that publishes and expects", () => {
    const lab = labOf("?lab=network&peers=5&messages=2&everyMs=300&heartbeat.pingIntervalMs=500")!;
    if (lab.kind !== "network") throw new Error("no network");
    const { scenario, seed } = runOf(lab);
    expect(seed).toBe(1);
    expect(scenario.network).toMatchObject({ peers: 5, seeds: 3, links: { kind: "stream", loss: 0 } });
    expect(scenario.timeline?.map((step) => [step.do, step.at])).toEqual([
      ["publish", 300],
      ["publish", 600],
      ["expect", undefined],
      ["expect", undefined],
    ]);
    expect(scenario.stack?.options?.heartbeat?.pingIntervalMs).toBe(500);
    expect(labelOf(lab)).toBe("5 peers, 3 seeds");
  });

  test("is refused where there is no such scenario, or only bytes could play it", () => {
    const named = (name: string) => () => runOf({ kind: "scenario", name, seed: 1, tunables: {} });
    expect(named("nothing")).toThrow('no scenario "nothing"');
    expect(named("junk")).toThrow("grapevine run junk");
    expect(
      labScenarios.filter(({ whyNot }) => whyNot === undefined).map(({ scenario }) => scenario.name),
    ).toEqual(["crash", "hang", "late-join", "seed-loss", "restart"]);
  });
});
