/** `grapevine compare detectors` as people run it: threads, tables, the page, mistakes. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { endPrograms, jsonOf, run } from "./support/program.ts";

const folder = mkdtempSync(join(tmpdir(), "grapevine-compare-"));
afterAll(async () => {
  await endPrograms();
  rmSync(folder, { recursive: true });
});
const compare = (...args: string[]) => run(["compare", "detectors", ...args], { cwd: folder });

const small = [
  ...["--detectors", "all-to-all,lifeguard", "--nodes", "6", "--loss", "0,10%", "--paused", "0"],
  ...["--calm", "20s", "--crashes", "1"],
];

/** Without what the machine has to do with it. */
function found(report: any): any {
  return { ...report, results: report.results.map(({ wallMs, ...rest }: any) => rest) };
}

test("detectors are compared the same in one thread and in two, as JSON, as tables and as a page", async () => {
  const [one, two, table] = await Promise.all([
    compare(...small, "--json", "--threads", "1"),
    compare(...small, "--json", "--threads", "2"),
    compare(...small, "--threads", "2", "--html", "page.html"),
  ]);
  const report = found(jsonOf(one));
  expect(found(jsonOf(two))).toEqual(report);
  expect(report.results.map(({ detector, case: { loss } }: any) => [detector, loss])).toEqual([
    ["all-to-all", 0],
    ["lifeguard", 0],
    ["all-to-all", 0.1],
    ["lifeguard", 0.1],
  ]);
  expect(report.results[1]).toMatchObject({ completeness: 1, runs: 2, falsePositives: { count: 0 } });
  expect(report.results[1].bytesPerNodeSecond).toBeGreaterThan(100);
  expect(report.results[1].bytesPerNodeSecond).toBeLessThan(250);
  expect(report.charts).toBeUndefined();
  expect(table.code).toBe(0);
  expect(table.stdout).toContain("6 nodes, 10 % loss");
  expect(table.stdout).toContain("report in page.html");
  const page = readFileSync(join(folder, "page.html"), "utf8");
  expect(page).toContain('id="first-by-loss"');
  expect(page).toContain("npx grapevine compare detectors --detectors all-to-all,lifeguard");
}, 60_000);

test("what cannot be compared is refused by name", async () => {
  const outcomes = await Promise.all([
    compare("--detectors", "oracle"),
    compare("--pause", "5s"),
    compare("--nodes", "4", "--paused", "2"),
    run(["compare", "weather"], { cwd: folder }),
  ]);
  expect(outcomes.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
  expect(outcomes[0]!.stderr).toContain('--detectors: there is no "oracle"; there are heartbeat, all-to-all');
  expect(outcomes[1]!.stderr).toContain('--pause: "5s" is no pause; write 5s/5s');
  expect(outcomes[2]!.stderr).toContain("troubles: 2 of 4 nodes are too many; three must be well");
}, 60_000);
