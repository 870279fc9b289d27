import { describe, expect, test } from "vitest";
import { bimodalExperiment as experiment } from "./bimodal.ts";
import { lossPart } from "./bimodal-loss.ts";
import { throughput, throughputPart } from "./bimodal-throughput.ts";
import { isWithin, reproduceHere } from "./experiment.ts";

const input = { seed: 1, runs: experiment.quickRuns, flags: {} };

describe("bimodal", () => {
  const { rows, charts } = reproduceHere(experiment, input);

  test("every gate holds: those of the final sizes, of throughput and of loss", () => {
    expect(rows.filter((row) => !isWithin(row))).toEqual([]);
    const gated = rows.filter(({ gate }) => gate !== undefined).map(({ of }) => of);
    expect(gated).toHaveLength(16 + 4 + 3);
    expect(new Set(charts.map(({ id }) => id)).size).toBe(3);
  });

  test("with all of its runs it has four sizes, four shares of sleepers and three losses", () => {
    const tasks = experiment.plan({ ...input, runs: experiment.defaultRuns });
    const of = (name: string) =>
      new Set(tasks.flatMap(({ task }) => (task as Record<string, unknown>)[name] ?? []));
    expect([...of("receivers")]).toEqual([32, 64, 96, 128]);
    expect([...of("sleepers")]).toEqual([0, 0.05, 0.15, 0.25]);
    expect([...of("loss")]).toEqual([0.05, 0.1, 0.2]);
  });
});

describe("throughput", () => {
  const [awake] = throughputPart.plan(input);
  const sleepy = { ...awake!, sleepers: 0.25 };
  const perturbed = { ...sleepy, sleepProbability: 0.9 };

  test("while everybody is awake, all comes along the tree and within milliseconds", () => {
    const { rate, spread, delayMs } = throughput(awake!);
    expect(rate).toMatchObject({ count: 32, min: 100, max: 100 });
    expect(spread.mean).toBeLessThan(2);
    expect(delayMs.max).toBeLessThan(50);
  });

  test("without gossip it is not flat where sleepers sleep long, and leaves the gate", () => {
    const tasks = [awake!, sleepy];
    const rate = (sample: ReturnType<typeof throughput>) =>
      throughputPart
        .report(input, tasks, [throughput(awake!), sample])
        .rows.find(({ of, figure }) => of.includes("25 %") && figure.startsWith("messages"))!;
    const alone = rate(throughput({ ...perturbed, gossips: false }));
    expect(isWithin(alone)).toBe(false);
    const gossiping = rate(throughput(perturbed));
    expect(gossiping.measured.mean).toBeGreaterThan(alone.measured.mean + 5);
    expect(isWithin(rate(throughput(sleepy)))).toBe(true);
  });

  test("nobody retransmits where nobody is told", () => {
    const { retransmissions } = throughput({ ...sleepy, gossips: false });
    expect(retransmissions.max).toBe(0);
    expect(throughput(sleepy).retransmissions.mean).toBeGreaterThan(3);
  });
});

describe("loss", () => {
  const tasks = lossPart.plan(input);

  const samples = tasks.map((task) => lossPart.measure(task));
  const leftBy = (others: typeof samples) =>
    lossPart
      .report(input, tasks, others)
      .rows.filter((row) => !isWithin(row))
      .map(({ figure }) => figure);

  test("a tree that loses less leaves its gate", () => {
    const others = tasks.map((task) => lossPart.measure({ ...task, loss: 0.07 }));
    expect(leftBy(samples)).toEqual([]);
    expect(leftBy(others.map(({ reached }, i) => ({ ...samples[i]!, reached })))).toEqual([
      "reached by the tree alone",
    ]);
  });

  test("gossip that begins a round late leaves the gates", () => {
    const late = samples.map((sample) => {
      const missing = sample.missing.map((_, round) => sample.missing[Math.max(0, round - 1)]!);
      return { ...sample, missing };
    });
    expect(leftBy(late)).toContain("missing after 1 round");
  });

  test("without loss the tree brings every message to everybody", () => {
    const { reached, missing } = lossPart.measure({ ...tasks[0]!, loss: 0 });
    expect(reached.min).toBe(1);
    expect(missing[0]!.max).toBe(0);
  });
});
