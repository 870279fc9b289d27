/** `grapevine reproduce` as people run it: names and flags, threads, files, Ctrl+C, exit codes. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { experiments } from "../src/lab/index.ts";
import { endPrograms, jsonOf, run, start } from "./support/program.ts";

const folder = mkdtempSync(join(tmpdir(), "grapevine-reproduce-"));
afterAll(async () => {
  await endPrograms();
  rmSync(folder, { recursive: true });
});
const path = (name: string) => join(folder, name);
const reproduce = (...args: string[]) => run(["reproduce", ...args], { cwd: folder });

/** Without what the machine has to do with it. */
function found(report: any): any {
  return { ...report, experiments: report.experiments.map(({ wallMs, ...rest }: any) => rest) };
}

test("all of it, quickly: every figure that must match does, and the page has a plot for each", async () => {
  const program = start(["reproduce", "all", "--quick", "--json", "--html", "all.html"], { cwd: folder });
  const outcome = await program.end(240_000);
  expect(outcome.stderr).toBe("");
  const report = jsonOf(outcome);
  const left = report.experiments.flatMap(({ name, rows }: any) =>
    rows.flatMap(({ of, figure, measured, gate, ok }: any) =>
      ok ? [] : [{ name, of, figure, measured, gate }],
    ),
  );
  expect(left).toEqual([]);
  expect(report).toMatchObject({ ok: true });
  expect(outcome.code).toBe(0);
  expect(report.experiments.map(({ name }: any) => name)).toEqual(experiments.map(({ name }) => name));
  const html = readFileSync(path("all.html"), "utf8");
  for (const { name, rows, charts, source } of report.experiments) {
    expect(rows.length, name).toBeGreaterThan(0);
    expect(source.length, name).toBeGreaterThan(10);
    expect(html).toContain(`<a href="#${name}">`);
    expect([...html.matchAll(new RegExp(`<div class="chart" id="${name}-\\d`, "g"))].length, name).toBe(
      charts.length,
    );
    expect(charts.length, name).toBeGreaterThan(0);
  }
  expect(html).toContain("npx grapevine reproduce all --quick --json --html all.html");
}, 250_000);

test("an experiment finds the same in one thread and in two, and something else with another seed", async () => {
  const args = ["median-counter", "--runs", "8", "--json"];
  const [one, two, other] = await Promise.all([
    reproduce(...args, "--threads", "1"),
    reproduce(...args, "--threads", "2"),
    reproduce(...args, "--seed", "2"),
  ]);
  const report = found(jsonOf(one));
  expect(report.experiments).toMatchObject([{ name: "median-counter", seed: 1, runs: 8 }]);
  expect(found(jsonOf(two))).toEqual(report);
  expect(found(jsonOf(other)).experiments[0].rows).not.toEqual(report.experiments[0].rows);
});

test("shows published, theory and measured side by side, for people", async () => {
  const { code, stdout } = await reproduce("median-counter", "--quick");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^median-counter: all \d+ figures that must match do\n/);
  expect(stdout).toMatch(/\n +figure +published +theory +measured +95 % interval +must lie in\n/);
  expect(stdout).toMatch(/\n {2}n = 1000, .* 9\.2 .* to .* to .* ok\n/);
  expect(stdout).toContain("must lie in: published, ±");
  expect(stdout).toMatch(/\n1 experiment: every figure that must match does\n$/);
});

test("flags choose what is measured", async () => {
  const flags = ["--direction", "pull", "--stop", "counter", "--feedback", "--k", "1..2"];
  const report = jsonOf(await reproduce("demers-1987", ...flags, "--runs", "20", "--json"));
  const [{ flags: given, rows }] = report.experiments;
  expect(given).toMatchObject({ direction: "pull", stop: "counter", feedback: true, k: "1..2" });
  expect(new Set(rows.map(({ of }: any) => /k = \d/.exec(of)![0]))).toEqual(new Set(["k = 1", "k = 2"]));
});

test("Ctrl+C ends it with 130, and it says what is missing", async () => {
  const [text, json] = [[], ["--json"]].map((more) =>
    start(["reproduce", "median-counter", "--runs", "100000", ...more], { cwd: folder }),
  );
  await text!.said(/^\d+ of [\d,]+ pieces,.* median-counter$/m);
  for (const program of [text!, json!]) program.signal("SIGINT");
  const ended = await text!.end(10_000);
  expect(ended.stdout).toBe("stopped: not complete are median-counter\n");
  expect(ended.code).toBe(130);
  const { code, stdout } = await json!.end(10_000);
  expect(JSON.parse(stdout)).toEqual({ experiments: [], ok: false, missing: ["median-counter"] });
  expect(code).toBe(130);
});

describe("the help", () => {
  test("lists all experiments, and of a named one its source, its flags and an example", async () => {
    const { stdout, code } = await reproduce("--help");
    expect(code).toBe(0);
    for (const { name, description } of experiments)
      expect(stdout).toMatch(
        new RegExp(`^  ${name} +${description.slice(0, 20).replace(/[()+*]/g, ".")}`, "m"),
      );
    expect((await reproduce()).stdout).toContain("Experiments:");
    const one = await reproduce("demers-1987", "--help");
    expect(one.stdout).toContain("Source: Demers");
    expect(one.stdout).toMatch(/--direction <push\|pull\|push-pull> .*\(default: /);
    expect(one.stdout).toContain("$ grapevine reproduce demers-1987 --");
    expect(one.stdout).not.toContain("median-counter");
  });

  test("is data as well", async () => {
    const { experiments: known } = jsonOf(await reproduce("--list", "--json"));
    expect(known.map(({ name }: any) => name)).toEqual(experiments.map(({ name }) => name));
    const { stdout } = await reproduce("--list");
    for (const { source } of experiments) expect(stdout).toContain(`  Source: ${source}\n`);
  });
});

describe("mistakes are named, with their mend, and end with 2", () => {
  test.concurrent.each([
    [["shout"], 'name: there is no experiment "shout"; there are '],
    [["all", "demers-1987"], "name: all are all; leave out the others"],
    [["--quick"], "name: lacks; say which experiment, or all"],
    [["demers-1987", "--runs", "few"], '--runs: "few" is not a whole number'],
    [["demers-1987", "--quick", "--runs", "3"], "--quick: says how many runs, as --runs does"],
    [["demers-1987", "--hops", "3"], "--hops: demers-1987 has no such flag; it has --"],
    [["median-counter", "--direction", "pull"], "--direction: median-counter has no such flag"],
    [["demers-1987", "--direction", "up"], '--direction: there is no "up"; take one of push, pull'],
    [["demers-1987", "--direction"], "--direction: lacks its value"],
    [["demers-1987", "--html", "no/where.html"], "--html: cannot write no/where.html (ENOENT)"],
  ])("%j", async (args, complaint) => {
    const { code, stderr, stdout } = await reproduce(...args);
    expect(stderr).toContain(complaint);
    expect(stderr).not.toContain("    at ");
    expect(stdout).toBe("");
    expect(code).toBe(2);
    expect(existsSync(path("no"))).toBe(false);
  });
});
