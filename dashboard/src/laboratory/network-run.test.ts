import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../../../src/core/index.ts";
import { type Scenario, type ScenarioReport, scenarios } from "../../../src/scenario/index.ts";
import type { FeedTotals } from "../../../src/trace/feed.ts";
import { NetworkRun } from "./network-run.ts";
import type { NetworkRunConfig } from "./run-messages.ts";

const small: Scenario = {
  name: "small",
  network: { seeds: 3, peers: 6 },
  timeline: [
    { do: "publish", from: "peer-1" },
    { do: "wait", for: "5s" },
    { do: "publish", from: "peer-2" },
    { do: "expect", is: "delivered", within: "10s" },
  ],
};

const loud: Scenario = {
  name: "loud",
  network: { seeds: 3, peers: 40 },
  timeline: [{ do: "publish", from: "all peers", messages: 20 }],
};

/** A page that takes every batch at once, unless it is told otherwise. */
function watched(config: NetworkRunConfig, takes: () => boolean = () => true, wallMs?: () => number) {
  const events: TraceEvent[] = [];
  const totals: FeedTotals[] = [];
  const batches: number[] = [];
  let report: ScenarioReport | undefined;
  let endedAt = Number.POSITIVE_INFINITY;
  const run = new NetworkRun(config, {
    ...(wallMs === undefined ? {} : { wallMs }),
    breathe: () => new Promise((resolve) => setTimeout(resolve, 0)),
    tell: (message) => {
      if (message.type === "verdict") {
        report = message.report;
        endedAt = run.world.now;
        run.setSpeed(0);
      }
      if (message.type !== "batch") return;
      events.push(...message.events);
      totals.push(...message.totals);
      batches.push(message.events.length);
      if (takes()) setTimeout(() => run.taken(), 0);
    },
  });
  /** All events of the scenario, without those of the life that goes on afterwards. */
  const scenarioEvents = async () => {
    let told: number;
    do {
      told = events.length;
      await new Promise((resolve) => setTimeout(resolve, 60));
    } while (events.length > told);
    return events.filter(({ at }) => at <= endedAt);
  };
  return { run, totals, batches, events, scenarioEvents, report: () => report };
}

/** As fast as possible, to the verdict. */
async function finished(config: NetworkRunConfig) {
  const page = watched(config);
  page.run.setSpeed(Number.POSITIVE_INFINITY);
  await page.run.start();
  return { ...page, events: await page.scenarioEvents() };
}

/** Until the run stands still there. */
async function ranTo(page: ReturnType<typeof watched>, at: number): Promise<void> {
  page.run.runTo(at);
  while (page.run.world.now < at) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe("a scenario in the laboratory", () => {
  test("runs to its verdict", async () => {
    const { report, events, totals } = await finished({ scenario: scenarios[0]!, seed: 1 });
    expect(report()?.checks.length).toBeGreaterThan(5);
    expect(report()).toMatchObject({ ok: true, violations: [], scenario: "crash" });
    expect(events.some(({ type }) => type === "crashed")).toBe(true);
    expect(totals.at(-1)).toMatchObject({ peers: 12, seeds: 6, stopped: 1 });
    expect(events.filter(({ type }) => type === "published")).toHaveLength(12);
    expect(events.filter(({ type }) => type === "delivered")).toHaveLength(12 * 11);
    expect(totals.every(({ at }, i) => at === 1000 * (i + 1))).toBe(true);
  });

  test("of the modern profile makes trees, and says who gave up whom, and why", async () => {
    const scenario: Scenario = {
      ...small,
      stack: { profile: "modern" },
      timeline: [{ do: "crash", node: "peer-6" }, ...small.timeline!],
    };
    const { report, run, totals } = await finished({ scenario, seed: 1 });
    expect(report()).toMatchObject({ ok: true, violations: [] });
    expect(totals.at(-1)!.trees!.prunes).toBeGreaterThan(0);
    const { network } = run.world;
    const [victim, peer] = ["peer-6", "peer-1"].map((name) => network.rowOf(name)!);
    const opinion = run.why(peer!, victim!)!;
    expect(opinion.state).toBe("failed");
    expect(opinion.evidence.map(({ kind }) => kind)).toContain("suspected");
    expect(run.why(victim!, peer!), "the dead are not asked").toBeUndefined();
  });

  test("is the same for the same seed, and another for another", async () => {
    const one = await finished({ scenario: small, seed: 5 });
    const same = await finished({ scenario: small, seed: 5 });
    const other = await finished({ scenario: small, seed: 6 });
    expect(one.events.length).toBeGreaterThan(200);
    expect(same.events).toEqual(one.events);
    expect(other.events).not.toEqual(one.events);
    expect(same.report()?.traceHash).toBe(one.report()?.traceHash);
  });

  test("is the same at any pace", async () => {
    const fast = await finished({ scenario: small, seed: 5 });
    const slow = watched({ scenario: small, seed: 5 });
    slow.run.setSpeed(50);
    await slow.run.start();
    expect(slow.report()?.traceHash).toBe(fast.report()?.traceHash);
    expect(await slow.scenarioEvents()).toEqual(fast.events);
  });

  test("sends no batch beyond its bound, however much has gathered", async () => {
    // By a clock that stands still it is never time to send anything.
    const page = watched(
      { scenario: loud, seed: 1 },
      () => true,
      () => 0,
    );
    page.run.setSpeed(Number.POSITIVE_INFINITY);
    await page.run.start();
    expect(page.batches.slice(0, 2)).toEqual([4000, 4000]);
    expect(Math.max(...page.batches)).toBe(4000);
  });

  test("waits for a page that takes nothing", async () => {
    let takes = false;
    const page = watched({ scenario: loud, seed: 1 }, () => takes);
    page.run.setSpeed(Number.POSITIVE_INFINITY);
    const ended = page.run.start();
    while (page.batches.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(page.batches).toHaveLength(2);
    const stoodAt = page.run.world.now;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(page.run.world.now).toBe(stoodAt);
    takes = true;
    page.run.taken();
    page.run.taken();
    await ended;
    expect(page.events.length).toBeGreaterThan(8000);
  });
});

describe("a run that somebody stops", () => {
  test("goes exactly as far as it was told, and stands still there", async () => {
    const page = watched({ scenario: small, seed: 5 });
    void page.run.start();
    await ranTo(page, 2345);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(page.run.world.now).toBe(2345);
    expect(page.events.every(({ at }) => at <= 2345)).toBe(true);
  });

  test("does what it is told while it stands still, and says what it cannot do", async () => {
    const page = watched({ scenario: small, seed: 5 });
    void page.run.start();
    await ranTo(page, 3000);
    await page.run.act({ do: "crash", node: "peer-3" });
    await page.run.act({ do: "join", count: 2 });
    expect(page.run.journal).toEqual([
      { at: 3000, action: { do: "crash", node: ["peer-3"] } },
      { at: 3000, action: { do: "join", name: "peer-7" } },
      { at: 3000, action: { do: "join", name: "peer-8" } },
    ]);
    await expect(page.run.act({ do: "crash", node: "nobody" })).rejects.toThrow('there is no "nobody"');
    await expect(page.run.act({ do: "junk", node: "peer-1" })).rejects.toThrow("junk");
    expect(page.run.details(3)).toMatchObject({ name: "peer-1" });
    expect(page.run.details(3)!.neighbors.length).toBeGreaterThan(0);
  });
});

test("whom somebody means without a name is drawn with the seed", async () => {
  const journals = [];
  for (const seed of [5, 5, 6]) {
    const page = watched({ scenario: small, seed });
    void page.run.start();
    await ranTo(page, 2000);
    await page.run.act({ do: "pause", node: { random: 3, of: "peers" } });
    await page.run.act({ do: "partition", share: 0.5 });
    journals.push(page.run.journal);
  }
  expect(journals[0]).toHaveLength(2);
  expect(journals[1]).toEqual(journals[0]);
  expect(journals[2]).not.toEqual(journals[0]);
});

describe("a fork", () => {
  const act = { do: "crash", node: { random: 1, of: "peers" } } as const;

  async function original() {
    const page = watched({ scenario: small, seed: 5 });
    void page.run.start();
    await ranTo(page, 1800);
    await page.run.act(act);
    await page.run.act({ do: "publish", from: "peer-1", text: "by hand" });
    await page.run.act({ do: "links", set: { loss: 0.2 } });
    page.run.setSpeed(Number.POSITIVE_INFINITY);
    while (page.report() === undefined) await new Promise((resolve) => setTimeout(resolve, 2));
    return { ...page, events: await page.scenarioEvents() };
  }

  test("without a change is the run itself, event for event, with all that was done by hand", async () => {
    const page = await original();
    const fork = await finished({ scenario: small, seed: 5, journal: page.run.journal });
    expect(page.events.filter(({ type }) => type === "crashed")).toHaveLength(1);
    expect(fork.events).toEqual(page.events);
    expect(fork.report()?.traceHash).toBe(page.report()?.traceHash);
    expect(fork.run.journal).toEqual(page.run.journal);
  });

  test("with a change is the same run before it, and another one after it", async () => {
    const page = await original();
    const at = 3000;
    const change = { at, action: { do: "crash", node: "peer-2" } } as const;
    const fork = await finished({ scenario: small, seed: 5, journal: [...page.run.journal, change] });
    const before = (events: readonly TraceEvent[]) =>
      events.filter((event) => event.at <= at && event.type !== "crashed");
    expect(before(fork.events)).toEqual(before(page.events));
    const place = fork.events.findIndex((event) => event.type === "crashed" && event.at === at);
    expect(fork.events.slice(0, place)).toEqual(page.events.slice(0, place));
    expect(fork.report()?.traceHash).not.toBe(page.report()?.traceHash);
  });
});
