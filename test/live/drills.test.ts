/** Every drill on a small network over TLS, as the command line runs it. One after the other: they measure time. */
import { afterEach, describe, expect, test } from "vitest";
import { type DrillReport, drills } from "../../src/lab/index.ts";
import { endPrograms, jsonOf, run } from "../support/program.ts";

afterEach(endPrograms);

async function drill(name: string): Promise<DrillReport> {
  const small = ["--peers", "8", "--seeds", "4", "--ping-interval", "1s", "--json"];
  const outcome = await run(["drill", name, ...small]);
  const report: DrillReport = jsonOf(outcome);
  // What failed, and its figures, are the message.
  expect(
    report.checks.filter(({ ok }) => !ok),
    JSON.stringify(report.figures),
  ).toEqual([]);
  expect(report).toMatchObject({ drill: name, ok: true });
  expect(report.checks.map(({ claim }) => claim)).toContain("the network formed");
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  return report;
}

const claims = ({ checks }: DrillReport) => checks.map(({ claim }) => claim);

/** Each drill, and the figures without which its verdict would say little. */
const looks: Record<string, (report: DrillReport) => void> = {
  crash: ({ figures }) => {
    expect(figures).toMatchObject({ pingIntervalMs: 1000, removedAtSeeds: 4, livePeersRemoved: 0 });
    expect(figures["removedAfterIntervals"]).toBeGreaterThan(0);
    expect(figures["removedAfterIntervals"]).toBeLessThanOrEqual(5);
    expect(figures["neighborsOfVictim"]).toBeGreaterThan(0);
  },
  hang: ({ figures }) => {
    expect(figures).toMatchObject({ pingIntervalMs: 1000, removedAtSeeds: 4, livePeersRemoved: 0 });
    expect(figures["removedAfterIntervals"]).toBeGreaterThan(0);
    expect(figures["removedAfterIntervals"]).toBeLessThanOrEqual(5);
    expect(figures["backMs"]).toEqual(expect.any(Number));
  },
  "late-join": ({ figures }) => {
    expect(figures).toMatchObject({ retained: 80, received: 80, share: 1 });
  },
  "seed-loss": ({ figures }) => {
    // ⌊(4-1)/2⌋ of 4 seeds; eight peers and the newcomer are in every list again.
    expect(figures).toMatchObject({ seedsLost: 1, listSizes: [9, 9, 9, 9] });
  },
  "forged-report": ({ figures }) => {
    expect(figures).toMatchObject({ removed: 0, reportsSent: 2 * 5 * 2 * 4 });
    // All of the member's arrive; the stranger's do not even do that.
    expect(figures["reportsIgnored"]).toBe(5 * 2 * 4);
    expect(figures["outsiderRefusedWith"]).toMatch(/belongs to another cluster/);
  },
  "forged-registration": ({ figures }) => {
    expect(figures).toMatchObject({ registrationsSent: 203 * 4, refused: 203 * 4, taken: 0 });
  },
  junk: ({ figures }) => {
    expect(figures["connectionsOpened"]).toBe(2 * (5 + 1000));
    const drops = figures["drops"] as Record<string, number>;
    expect(drops["not-tls"]).toBeGreaterThanOrEqual(4);
    expect(Object.values(drops).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(2 * 1005);
    expect(figures["memoryGrownMiB"]).toBeLessThan(200);
  },
  restart: (report) => {
    const { retainedBefore, retainedAtStart, retainedAfter, retainedByOthers } = report.figures;
    expect(retainedBefore).toBe(3 * 8);
    expect(retainedAtStart).toBe(retainedBefore);
    expect(retainedAfter).toBe(5 * 8);
    expect(retainedByOthers).toBe(retainedAfter);
    expect(claims(report)).toContain("it is the same node");
  },
};

describe("grapevine drill", () => {
  test("has a look at each here", () => {
    expect(Object.keys(looks).sort()).toEqual(drills.map(({ name }) => name).sort());
  });

  test.each(drills.map(({ name, description }) => [name, description]))("%s: %s", async (name) => {
    looks[name]!(await drill(name));
  });
});
