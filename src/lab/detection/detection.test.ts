import { describe, expect, test } from "vitest";
import { type Environment, RecordingEnvironment, UsageError } from "../../core/index.ts";
import { casesOf, compareDetectors } from "./compare-detectors.ts";
import { checkDetection, type DetectionConditions, defaultDetection } from "./conditions.ts";
import { detectionPage, sentenceOfDetection } from "./detection-page.ts";
import { detectionReport, detectionTables } from "./detection-report.ts";
import type { ComparedRun, DetectorComparison } from "./detector-comparison.ts";
import { labDetectorNamed, labDetectors } from "./lab-detectors.ts";
import { runDetection } from "./run-detection.ts";
import { TroubledProcess } from "./troubled-process.ts";

/** Says what happens to it, and answers each message. */
class Diary {
  readonly lines: string[] = [];
  start(): void {}
  onCommand(command: { readonly type: string }): void {
    this.lines.push(`command ${command.type}`);
  }
  onTimer(timer: string, env: Environment<string, string, never>): void {
    this.lines.push(`timer ${timer}`);
    env.send("other", `sent by ${timer}`);
  }
  onMessage(_from: unknown, message: string, env: Environment<string, string, never>): void {
    this.lines.push(`message ${message}`);
    env.send("other", `answer to ${message}`);
  }
}

describe("a troubled process", () => {
  const env = () => new RecordingEnvironment<string, string, never>("self");
  const sent = (one: RecordingEnvironment<string, string, never>) =>
    one.effects.flatMap((effect) => (effect.type === "send" ? [effect.message] : []));

  test("that is paused does nothing, and then its timers first, as an event loop does", () => {
    const diary = new Diary();
    const process = new TroubledProcess(diary, "pause");
    const world = env();
    process.onCommand({ type: "trouble-begins" }, world);
    process.onMessage("other", "early", world);
    process.onTimer("due", world);
    expect(diary.lines).toEqual([]);
    process.onCommand({ type: "trouble-ends" }, world);
    process.onMessage("other", "late", world);
    expect(diary.lines).toEqual(["timer due", "message early", "message late"]);
  });

  test("whose messages wait goes on with its timers; what it had sent leaves before it reads", () => {
    const diary = new Diary();
    const process = new TroubledProcess(diary, "block");
    const world = env();
    process.onCommand({ type: "trouble-begins" }, world);
    process.onMessage("other", "question", world);
    process.onTimer("due", world);
    expect(diary.lines).toEqual(["timer due"]);
    expect(sent(world)).toEqual([]);
    process.onCommand({ type: "trouble-ends" }, world);
    expect(sent(world)).toEqual(["sent by due", "answer to question"]);
  });

  test("keeps no more than a socket would", () => {
    const diary = new Diary();
    const process = new TroubledProcess(diary, "pause");
    const world = env();
    process.onCommand({ type: "trouble-begins" }, world);
    for (let i = 0; i < 5000; i++) process.onMessage("other", String(i), world);
    process.onCommand({ type: "trouble-ends" }, world);
    expect(diary.lines).toHaveLength(4096);
  });
});

const short: DetectionConditions = {
  ...defaultDetection,
  nodes: 10,
  settleMs: 20_000,
  calmMs: 30_000,
  crashes: 2,
  recoverMs: 15_000,
};
/** Ten times as fast as in the documents. */
const fast = { heartbeat: { pingIntervalMs: 1300 } };
const run = (name: string, changes: Partial<DetectionConditions> = {}) => {
  const { wallMs: _, ...rest } = runDetection(labDetectorNamed(name), { ...short, ...changes }, fast)!;
  return rest;
};

describe("a run", () => {
  test.each(labDetectors.map(({ name }) => name))(
    "with %s: nobody is wronged in a calm, and all who watch notice each crash",
    (name) => {
      const { settled, calm, crashes } = run(name);
      expect(settled).toBe(1);
      expect(calm.nodeHours).toBeCloseTo(10 / 120, 9);
      expect(calm).toMatchObject({ falsePositives: 0, troubledGivenUp: 0, suspicions: 0 });
      expect(calm.bytes).toBeGreaterThan(10 * calm.messages);
      for (const { doubtedMs, firstMs, lastMs, watching, gaveUp } of crashes) {
        expect(watching).toBeGreaterThan(2);
        expect(gaveUp).toBe(watching);
        expect(doubtedMs).toBeLessThanOrEqual(firstMs!);
        expect(firstMs).toBeLessThanOrEqual(lastMs!);
      }
    },
  );

  test("repeats itself event for event, and another seed is another run", () => {
    const first = run("all-to-all");
    expect(run("all-to-all")).toEqual(first);
    expect(run("all-to-all", { seed: 2 }).hash).not.toBe(first.hash);
  });

  test("counts verdicts on the paused apart from those on who is well", () => {
    const troubles = [{ kind: "pause", nodes: 2, lengthMs: 6000, gapMs: 4000 }] as const;
    const { calm } = run("all-to-all", { troubles, crashes: 0 });
    expect(calm.troubledGivenUp).toBeGreaterThan(20);
    expect(calm.falsePositives).toBe(0);
  });

  test("shows how a detector errs that does not know of its own trouble: timers go on, answers wait", () => {
    const troubles = [{ kind: "block", nodes: 1, lengthMs: 6000, gapMs: 4000 }] as const;
    const { calm } = run("all-to-all", { troubles, crashes: 0 });
    expect(calm.falsePositives).toBeGreaterThan(10);
    expect(calm.falseByHealthy).toBe(0);
  });

  test("with a pair cut one way: who listens in vain gives the other up, unless others are asked", () => {
    expect(run("all-to-all", { cuts: 3, crashes: 0 }).calm.falseByHealthy).toBe(3);
    expect(run("gossip", { cuts: 3, crashes: 0 }).calm.falseByHealthy).toBe(0);
  });

  test("with a quorum: one who hears nothing is not enough", () => {
    expect(run("all-to-all", { cuts: 3, crashes: 0, quorum: 3 }).calm.falseByHealthy).toBe(0);
    const [crash] = run("all-to-all", { quorum: 3 }).crashes;
    expect(crash).toMatchObject({ gaveUp: 9, watching: 9 });
  });

  test("with half of all crashing at once: the others notice them all", () => {
    const [crash] = run("all-to-all", { crashShare: 0.5, crashes: 1 }).crashes;
    expect(crash).toMatchObject({ watching: 25, gaveUp: 25 });
  });

  test("with slow nodes: what they do comes late", () => {
    const troubles = [{ kind: "slow", nodes: 2, perEventMs: 200 }] as const;
    // Nine messages a second are more than it can read: its own heartbeat falls behind for good.
    expect(run("all-to-all", { troubles, crashes: 0 }).calm.troubledGivenUp).toBeGreaterThan(10);
  });
});

test.each([
  [{ nodes: 2 }, "nodes: 2 is not an integer of at least 3"],
  [
    { troubles: [{ kind: "pause", nodes: 8, lengthMs: 1, gapMs: 1 }] },
    "troubles: 8 of 10 nodes are too many",
  ],
  [{ troubles: [{ kind: "slow", nodes: 1, perEventMs: 0 }] }, "troubles.perEventMs: 0 is not"],
  [{ cuts: 91 }, "cuts: 91 are more than 90"],
  [{ crashShare: 1 }, "crashShare: 1 is not from 0 to below 1"],
  [{ links: { loss: 2 } }, "loss: 2 is more than 1"],
])("conditions %j are refused", (wrong, message) => {
  const check = () => checkDetection({ ...short, ...wrong } as DetectionConditions);
  expect(check).toThrow(UsageError);
  expect(check).toThrow(message);
});

const small: DetectorComparison = {
  detectors: ["all-to-all", "gossip"],
  nodes: [4, 8],
  losses: [0, 0.3],
  paused: [0, 1],
  ...{ pauseMs: 6000, pauseGapMs: 4000, runs: 2 },
  conditions: short,
};

describe("a comparison", () => {
  test("goes along each axis, from the first value of the others and with the middle number of nodes", () => {
    const cases = casesOf({ ...small, nodes: [4, 8, 16] });
    expect(cases.map(({ nodes, loss, paused }) => [nodes, loss, paused])).toEqual([
      [4, 0, 0],
      [8, 0, 0],
      [16, 0, 0],
      [8, 0.3, 0],
      [8, 0, 1],
    ]);
  });

  test("reports each detector in each case: times, verdicts on the living, load, and lines through them", async () => {
    const runs = await compareDetectors({ comparison: small, threads: 0 });
    expect(runs).toHaveLength(2 * 4 * 2);
    const report = detectionReport(small, runs);
    expect(report.results.map((one) => `${one.detector} ${one.case.nodes}`)).toHaveLength(8);
    const of = (detector: string, nodes: number, loss = 0, paused = 0) =>
      report.results.find(
        (one) =>
          one.detector === detector &&
          one.case.nodes === nodes &&
          one.case.loss === loss &&
          one.case.paused === paused,
      )!;
    const calm = of("all-to-all", 8);
    // One to each of the others each second; noticed after 3.5 s less what had passed since the last.
    expect(calm.messagesPerNodeSecond).toBeCloseTo(7, 1);
    expect(calm.firstMs!.mean).toBeGreaterThan(2500);
    expect(calm.lastMs!.max).toBeLessThan(3520);
    expect(calm).toMatchObject({ completeness: 1, settled: 1, runs: 2, falsePositives: { count: 0 } });
    expect(calm.falsePositives.high).toBeCloseTo(3.689 / ((2 * 8 * 30) / 3600), 2);
    expect(of("gossip", 8).messagesPerNodeSecond).toBeCloseTo(3, 1);
    expect(of("all-to-all", 4, 0.3).falsePositives.count).toBeGreaterThan(
      of("gossip", 4, 0.3).falsePositives.count,
    );
    expect(of("all-to-all", 4, 0, 1).troubledGivenUp.count).toBeGreaterThan(5);
    expect(report.charts.map(({ id }) => id)).toEqual([
      "first-by-nodes",
      "last-by-nodes",
      "bytes-by-nodes",
      "first-by-loss",
      "false-by-loss",
      "false-by-paused",
    ]);
    expect(report.charts[0]).toMatchObject({
      at: [4, 8],
      series: [{ label: "all-to-all" }, { label: "gossip" }],
    });

    const tables = detectionTables(report.results);
    expect(tables.map(([name]) => name)).toEqual([
      "4 nodes",
      "8 nodes",
      "4 nodes, 30 % loss",
      "4 nodes, 1 of them paused over and over",
    ]);
    expect(tables[0]![1].map(([name]) => name)).toEqual(["", "all-to-all", "gossip"]);
    expect(sentenceOfDetection(small)).toContain("30s in which nobody crashes, then 2 crashes of one node");
    const page = detectionPage({ report, command: "npx grapevine compare <detectors>", version: "1.2.3" });
    expect(page).toContain("compare &lt;detectors&gt;");
    expect(page).toContain("4 nodes, 30 % loss");
  });

  test("ends early when somebody wants it to: what is there is reported", async () => {
    const controller = new AbortController();
    controller.abort();
    const runs: readonly ComparedRun[] = await compareDetectors({
      ...{ comparison: small, threads: 0 },
      signal: controller.signal,
    });
    expect(runs).toEqual([]);
    expect(detectionReport(small, runs)).toMatchObject({ results: [], charts: [] });
  });

  test.each([
    [{ detectors: ["all-to-all", "oracle"] }, 'detector: there is no "oracle"'],
    [{ detectors: ["gossip", "gossip"] }, "detectors: gossip,gossip names one of them twice"],
    [{ losses: [0, 0] }, "losses: 0,0 names a value twice"],
    [{ paused: [0, 3] }, "troubles: 3 of 4 nodes are too many"],
  ])("refuses %j", async (wrong, message) => {
    const refused = compareDetectors({ comparison: { ...small, ...wrong }, threads: 0 });
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(message);
  });
});
