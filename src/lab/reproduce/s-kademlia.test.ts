import { describe, expect, test } from "vitest";
import { misroutedNetwork } from "../lookup/attacks.ts";
import { isWithin, reproduceHere } from "./experiment.ts";
import { sKademliaExperiment as experiment } from "./s-kademlia.ts";
import { pathsPart } from "./s-kademlia-paths.ts";

const flags = { nodes: 500, k: 8, adversaries: "0.2,0.5", paths: "1,8", lookups: 40 };
const { rows, charts } = reproduceHere(experiment, { seed: 1, runs: experiment.quickRuns, flags });

function measured(of: string, figure: string): number {
  const row = rows.find((one) => one.of === of && one.figure === figure);
  expect(row, `${of}, ${figure}`).toBeDefined();
  return row!.measured.mean;
}

describe("s-kademlia", () => {
  test("all gates hold, and there are some of each part", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    const gated = rows.filter(({ gate }) => gate !== undefined).map(({ of }) => of.split(" ")[0]);
    expect(new Set(gated)).toEqual(new Set(["0.2", "0.5", "poisoning,", "amplification,"]));
    for (const { series } of charts)
      for (const { values } of series) expect(values.some((value) => value !== null)).toBe(true);
  });

  test("disjoint paths get through where one does not, and useless answers stop nobody", () => {
    expect(measured("0.5 inventing, 8 paths", "success")).toBeGreaterThan(
      measured("0.5 inventing, 1 path", "success") + 0.3,
    );
    expect(measured("0.5 useless, 1 path", "success")).toBeGreaterThan(0.9);
  });

  test("as many ids as replicas capture a key's writes, and twice as many replicas free them", () => {
    expect(measured("eclipse, 4 ids on 1 host, no defence", "writes captured")).toBe(0);
    expect(measured("eclipse, 8 ids on 1 host, no defence", "writes captured")).toBeGreaterThan(0.9);
    expect(measured("eclipse, 8 ids on 1 host, twice as many replicas", "writes captured")).toBeLessThan(0.1);
    expect(measured("eclipse, 16 ids on 16 hosts, all three", "reads captured")).toBe(0);
  });

  test("forged ids fill the table of whoever believes them", () => {
    const share = (rule: string) => measured(`poisoning, 128 forged ids, ${rule}`, "share of the table");
    expect(share("whoever asks is believed")).toBeGreaterThan(0.5);
    expect(share("nobody is believed unheard")).toBe(0);
  });

  test("long answers amplify several times more", () => {
    const times = (answer: string) =>
      measured(`amplification, 10 questions, ${answer} in an answer`, "bytes out for each byte in");
    expect(times("as many nodes as a message holds")).toBeGreaterThan(3 * times("8 nodes"));
  });
});

test("paths that are not disjoint leave the gates", () => {
  const input = { seed: 1, runs: 12, flags: { ...flags, adversaries: "0.5", paths: "8" } };
  const tasks = pathsPart.plan(input);
  const planted = tasks.map((task) => ({ ...task, paths: 1 }));
  const samples = planted.map((task) => pathsPart.measure(task));
  expect(pathsPart.report(input, tasks, samples).rows.some((row) => !isWithin(row))).toBe(true);
});

test("lists that are none are refused", () => {
  const plan = (more: object) => () => experiment.plan({ seed: 1, runs: 2, flags: { ...flags, ...more } });
  expect(plan({ adversaries: "0.2,1" })).toThrow('--adversaries: "1" is not a share from 0 to below 1');
  expect(plan({ paths: "1,,8" })).toThrow('--paths: "" is not 1 to 64');
});

describe("a network that is misrouted", () => {
  const settings = { seed: 5, nodes: 300, k: 8, alpha: 3, pace: "slots", paths: 1, lookups: 40 } as const;

  test("is one in which all succeed while nobody is hostile", () => {
    const figures = misroutedNetwork({ ...settings, adversaries: 0, conduct: "inventing" });
    expect(figures.success).toBe(1);
    expect(figures.silent).toBe(0);
  });

  test("is the same again with the same seed", () => {
    const run = () => misroutedNetwork({ ...settings, adversaries: 0.3, conduct: "colluding" });
    expect(run()).toEqual(run());
  });
});
