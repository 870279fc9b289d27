/** Every drill on a small network over TLS, as the command line runs it. One after the other: they measure time. */
import { afterEach, describe, expect, test } from "vitest";
import { type ScenarioReport, scenarios } from "../../src/lab/index.ts";
import { endPrograms, jsonOf, run } from "../support/program.ts";

afterEach(endPrograms);

type DrillReport = ScenarioReport & { readonly drill: string };

async function drill(name: string, ...options: readonly string[]): Promise<DrillReport> {
  const small = ["--peers", "8", "--seeds", "4", "--ping-interval", "1s", "--json"];
  const outcome = await run(["drill", name, ...small, ...options]);
  const report: DrillReport = jsonOf(outcome);
  // What failed, and its figures, are the message.
  expect(
    [...report.checks.filter(({ ok }) => !ok), ...report.violations],
    JSON.stringify(report.figures),
  ).toEqual([]);
  expect(report).toMatchObject({ drill: name, scenario: name, world: "live", seed: 1, ok: true });
  expect(claims(report)).toContain("the network formed");
  expect(claims(report)).toContain("every seed lists every peer");
  expect(report.figures["deliveredTwice"]).toBe(0);
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  return report;
}

const claims = ({ checks }: ScenarioReport) => checks.map(({ claim }) => claim);

/** Each drill, and the figures without which its verdict would say little. */
const looks: Record<string, (report: DrillReport) => void> = {
  crash: ({ figures, occurred }) => {
    expect(figures).toMatchObject({ pingIntervalMs: 1000, removedAtSeeds: 4, livePeersRemoved: 0 });
    expect(figures["removedAfterMs"]).toHaveLength(4);
    expect(figures["removedAfterIntervals"]).toBeGreaterThan(0);
    expect(figures["removedAfterIntervals"]).toBeLessThanOrEqual(5);
    expect(figures["neighborsOfVictim"]).toBeGreaterThan(0);
    // Seven tell each of the others, and so does the eighth.
    expect(figures).toMatchObject({ removed: 4, ratio: 1, published: 8, deliveries: 8 * 7 });
    expect(occurred).toMatchObject({ crashed: 1, joined: 4 + 8 + 1 });
  },
  hang: ({ figures, occurred }) => {
    expect(figures).toMatchObject({ pingIntervalMs: 1000, removedAtSeeds: 4, livePeersRemoved: 0 });
    expect(figures["removedAfterIntervals"]).toBeGreaterThan(0);
    expect(figures["removedAfterIntervals"]).toBeLessThanOrEqual(5);
    expect(figures["backMs"]).toEqual(expect.any(Number));
    expect(occurred).toMatchObject({ paused: 1, resumed: 1 });
  },
  "late-join": ({ figures }) => {
    expect(figures).toMatchObject({ retained: 80, received: 80, share: 1 });
    expect(figures["deliveries"]).toBe(80 * 8 + 9 * 8);
  },
  "seed-loss": ({ figures, occurred }) => {
    // ⌊(4-1)/2⌋ of 4 seeds; eight peers and the newcomer are in every list again.
    expect(figures).toMatchObject({ listSizes: [9, 9, 9, 9], joinMs: expect.any(Number) });
    expect(figures["fullListAgainMs"]).toEqual(expect.any(Number));
    expect(occurred).toMatchObject({ crashed: 1, restarted: 1 });
  },
  "forged-report": ({ figures }) => {
    expect(figures).toMatchObject({ removed: 0, reportsSent: 2 * 5 * 2 * 4, outsiderHeard: 0 });
    // All of the member's arrive; the stranger's do not even do that.
    expect(figures["reportsIgnored"]).toBe(5 * 2 * 4);
    expect(figures["outsiderRefusedWith"]).toMatch(/belongs to another cluster/);
  },
  "forged-registration": ({ figures }) => {
    expect(figures).toMatchObject({ registrationsSent: 203 * 4, refused: 203 * 4, taken: 0, removed: 0 });
    expect(figures["outsiderRefusedWith"]).toMatch(/belongs to another cluster/);
    expect(figures["joinMs"]).toEqual(expect.any(Number));
  },
  junk: ({ figures }) => {
    expect(figures).toMatchObject({ connectionsOpened: 2 * (5 + 1000), junkHeld: 0, removed: 0 });
    const drops = figures["drops"] as Record<string, number>;
    expect(drops["not-tls"]).toBeGreaterThanOrEqual(4);
    expect(Object.values(drops).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(2 * 1005);
    expect(figures["memoryGrownMiB"]).toBeLessThan(200);
    expect(figures["freedAfterMs"]).toEqual(expect.any(Number));
  },
  restart: (report) => {
    // Nine say three things each; eight say two more while the ninth is gone.
    const { retainedBefore, retainedAtStart, retained, received } = report.figures;
    expect(retainedBefore).toBe(3 * 9);
    expect(retainedAtStart).toBe(retainedBefore);
    expect(retained).toBe(3 * 9 + 2 * 8);
    expect(received).toBe(retained);
    // Nobody is given anything twice, though the ninth has two lives.
    expect(report.figures["deliveries"]).toBe((3 * 9 + 2 * 8 + 1) * 8);
    expect(claims(report)).toContain("it is the same node, in a later life, with what it had on disk");
  },
};

describe("grapevine drill", () => {
  test("has a look at each here", () => {
    expect(Object.keys(looks).sort()).toEqual(scenarios.map(({ name }) => name).sort());
  });

  test.each(scenarios.map(({ name, description }) => [name, description]))("%s: %s", async (name) => {
    looks[name]!(await drill(name!));
  });
});

describe("under the modern profile", () => {
  test.each(["crash", "hang"])("%s is noticed by all within 3 s, with the default timings", async (name) => {
    const { figures, occurred } = await drill(name, "--profile", "modern");
    const removedAfterMs = figures["removedAfterMs"] as number[];
    expect(removedAfterMs).toHaveLength(4);
    for (const ms of removedAfterMs) expect(ms).toBeLessThan(3000);
    expect(figures).toMatchObject({ livePeersRemoved: 0 });
    expect(occurred["member-suspected"]).toBeGreaterThan(0);
    if (name === "hang") expect(figures["backMs"]).toEqual(expect.any(Number));
  });
});
