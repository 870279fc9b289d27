import { describe, expect, test } from "vitest";
import { UsageError } from "../../../core/index.ts";
import { labRouterNamed } from "../lab-routers.ts";
import { compareRouters, defaultConditions } from "./compare.ts";
import type { Conditions, RouterRun, Traffic } from "./comparison.ts";
import { comparisonPage, sentenceOf } from "./page.ts";
import { comparisonReport, comparisonTable } from "./report.ts";
import { runRouter } from "./run-router.ts";

const small: Conditions = {
  ...defaultConditions,
  nodes: 60,
  lookups: 100,
  settleMs: 30_000,
  upkeepMs: 30_000,
};
const routers = ["kademlia", "chord", "pastry"];

describe("a comparison", () => {
  test("of routers in a network that does not change: each finds who is responsible", async () => {
    const runs = await compareRouters({ routers, conditions: small, runs: 2, threads: 0 });
    expect(runs.map(({ router, seed }) => `${router} ${seed}`)).toEqual(
      routers.flatMap((router) => [`${router} 1`, `${router} 2`]),
    );
    for (const run of runs) {
      expect(run, run.router).toMatchObject({ asked: 100, right: 100, wrong: 0, unanswered: 0, living: 60 });
      expect(run.hops).toHaveLength(100);
      expect(run.upkeep.nodeSeconds).toBeCloseTo(60 * 30, 6);
      expect(run.upkeep.bytes).toBeGreaterThan(run.upkeep.messages);
      expect(run.series.at(-1)!.atMs).toBeLessThanOrEqual(run.virtualMs);
    }
    const { routers: figures } = comparisonReport(small, runs);
    for (const { failures, hops, messagesPerLookup, upkeep } of figures) {
      expect(failures).toBe(0);
      // Two messages for each question at least, and no more than everybody asking everybody.
      expect(messagesPerLookup).toBeGreaterThan(1);
      expect(messagesPerLookup).toBeLessThan(60);
      expect(hops!.mean).toBeGreaterThan(1);
      expect(hops!.mean).toBeLessThan(Math.log2(60));
      expect(upkeep.bytesPerNodeSecond).toBeGreaterThan(0);
    }
  });

  test("has the same comings and goings for each router, and another seed has others", async () => {
    const churn = { joinsPerMinute: 20, meanSessionMs: 3 * 60_000, crashShare: 0.5 };
    const conditions = { ...small, churn };
    const runs = await compareRouters({ routers, conditions, runs: 2, threads: 0 });
    const of = ({ joins, ends, living, asked, abandoned }: RouterRun) => ({
      ...{ joins, ends, living },
      lookups: asked + abandoned,
    });
    for (const seed of [1, 2]) {
      const [first, ...others] = runs.filter((run) => run.seed === seed);
      expect(first!.joins).toBeGreaterThan(5);
      expect(first!.ends).toBeGreaterThan(5);
      for (const other of others) expect(of(other)).toEqual(of(first!));
    }
    expect(of(runs[0]!)).not.toEqual(of(runs[1]!));
    expect(runs[0]!.hash).not.toBe(runs[1]!.hash);
  });

  test("repeats itself, also with another number of lookups as far as the churn goes", () => {
    const churn = { joinsPerMinute: 20, meanSessionMs: 3 * 60_000, crashShare: 0.5 };
    const conditions = { ...small, churn, start: "built" } as const;
    const run = (lookups: number) =>
      runRouter(labRouterNamed("pastry"), { ...conditions, lookups, lookupsPerSecond: lookups / 5 })!;
    const { wallMs: _, ...first } = run(100);
    const { wallMs: __, ...again } = run(100);
    expect(again).toEqual(first);
    const other = run(50);
    expect([other.joins, other.ends]).toEqual([first.joins, first.ends]);
  });

  test("begins with exact tables where that is wanted: the first lookup is right at once", () => {
    for (const router of routers) {
      const conditions = { ...small, start: "built", settleMs: 0, upkeepMs: 1000 } as const;
      const run = runRouter(labRouterNamed(router), conditions)!;
      expect(run, router).toMatchObject({ right: 100, wrong: 0, unanswered: 0 });
      expect(run.virtualMs).toBeLessThan(10_000);
    }
  });

  test("counts who is silent when many crash just before the lookups", () => {
    const run = runRouter(labRouterNamed("kademlia"), { ...small, failShare: 0.5 })!;
    expect(run.living).toBe(30);
    expect(run.silent).toBeGreaterThan(50);
    expect(run.right).toBeGreaterThan(90);
  });

  test("shows what asking once more is worth where messages get lost", () => {
    const conditions = { ...small, links: { loss: 0.03 }, lookups: 300, start: "built" } as const;
    const [withRepeats, without] = [true, false].map((repeatsQuestions) =>
      runRouter(labRouterNamed("kademlia"), conditions, { kademlia: { repeatsQuestions } }),
    );
    expect(withRepeats!.wrong).toBeLessThanOrEqual(6);
    expect(without!.wrong).toBeGreaterThanOrEqual(10);
  });

  test("ends early when somebody wants it to", async () => {
    const controller = new AbortController();
    controller.abort();
    const config = { routers, conditions: small, runs: 1, threads: 0, signal: controller.signal };
    expect(await compareRouters(config)).toEqual([]);
  });

  test.each([
    [{ nodes: 1 }, "nodes: 1 is not an integer of at least 2"],
    [{ failShare: 1 }, "failShare: 1 is not from 0 to below 1"],
    [{ lookupsPerSecond: 0 }, "lookupsPerSecond: 0 is not above 0"],
    [{ churn: { joinsPerMinute: 1, meanSessionMs: 1, crashShare: 0 } }, "meanSessionMs: 1 is not an integer"],
    [{ links: { loss: 2 } }, "loss: 2 is more than 1"],
  ])("refuses %j", async (wrong, message) => {
    const conditions = { ...small, ...wrong } as Conditions;
    const refused = compareRouters({ routers, conditions, runs: 1, threads: 0 });
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(message);
  });

  test("refuses a router that is not there, and one twice", async () => {
    const with_ = (names: string[]) =>
      compareRouters({ routers: names, conditions: small, runs: 1, threads: 0 });
    await expect(with_(["chord", "tapestry"])).rejects.toThrow('router: there is no "tapestry"');
    await expect(with_(["chord", "chord"])).rejects.toThrow("routers: chord,chord names one of them twice");
  });
});

const noTraffic: Traffic = { messages: 0, bytes: 0, lookupMessages: 0, lookupBytes: 0, nodeSeconds: 100 };
const run: RouterRun = {
  router: "chord",
  seed: 1,
  ...{ asked: 4, right: 2, wrong: 1, unanswered: 1, abandoned: 3 },
  hops: [1, 3],
  latenciesMs: [100, 300],
  ...{ questions: 12, silent: 2 },
  upkeep: { ...noTraffic, messages: 200, bytes: 1000, lookupMessages: 50, lookupBytes: 500 },
  load: { ...noTraffic, messages: 300, bytes: 2000, lookupMessages: 90, lookupBytes: 900 },
  series: [{ atMs: 60_000, bytesPerNodeSecond: 10 }],
  contacts: 20,
  ...{ living: 10, joins: 2, ends: 1, events: 1000, virtualMs: 60_000, hash: "ab", wallMs: 5 },
};

describe("its report", () => {
  const report = comparisonReport(small, [run, { ...run, router: "pastry", hops: [2, 2] }]);

  test("counts wrong answers and missing ones as failures, and lookups of the dead as nothing", () => {
    expect(report.routers[0]).toMatchObject({ lookups: 4, failures: 0.5, abandoned: 3, questions: 3 });
  });

  test("takes the upkeep off what lookups cost", () => {
    expect(report.routers[0]).toMatchObject({ messagesPerLookup: 10, bytesPerLookup: 100 });
    expect(report.routers[0]!.upkeep).toEqual({ messagesPerNodeSecond: 2, bytesPerNodeSecond: 10 });
  });

  test("has a column for each router, and means with their errors", () => {
    const rows = comparisonTable(report);
    expect(rows[0]).toEqual(["", "chord", "pastry"]);
    expect(rows.find(([name]) => name === "hops, mean")).toEqual(["hops, mean", "2 ± 1.96", "2 ± 0"]);
    expect(rows.find(([name]) => name === "failures")).toEqual(["failures", "50 %", "50 %"]);
  });

  test("draws hops, latency and traffic, a line for each router", () => {
    expect(report.charts.map(({ id }) => id)).toEqual(["hops", "latency", "traffic"]);
    const [hops, latency] = report.charts;
    expect(hops!.series.map(({ values }) => values)).toEqual([
      [0, 50, 0, 50],
      [0, 0, 100, 0],
    ]);
    expect(latency!.series[0]!.values.at(-1)).toBe(100);
  });

  test("is a page that says its conditions and how to make it again", () => {
    const page = comparisonPage({ report, command: "npx grapevine compare lookup <1>", version: "1.2.3" });
    expect(page).toContain("Lookup: chord, pastry, 60 nodes");
    expect(page).toContain("npx grapevine compare lookup &lt;1&gt;");
    expect(sentenceOf(report)).toContain("60 nodes, nobody comes or goes, 0 % loss, seed 1");
  });
});
