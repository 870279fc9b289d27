/** `grapevine campaign` as people run it: threads, files, Ctrl+C, pipes, exit codes. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { endPrograms, jsonOf, program, run, start } from "./support/program.ts";

const folder = mkdtempSync(join(tmpdir(), "grapevine-campaign-"));
afterAll(async () => {
  await endPrograms();
  rmSync(folder, { recursive: true });
});
const campaign = (...args: string[]) => run(["campaign", ...args], { cwd: folder });

test("a campaign is the same with one thread and with two", async () => {
  const [one, two] = await Promise.all(
    ["1", "2"].map((threads) => campaign("--runs", "8", "--seed", "5", "--threads", threads, "--json")),
  );
  const { wallMs: _, ...report } = jsonOf(one!);
  expect(report).toMatchObject({ runs: 8, violations: 0, vacuous: 0 });
  expect(jsonOf(two!)).toMatchObject(report);
  expect(one!.code).toBe(0);
});

test("a campaign in which nothing breaks leaves no file", async () => {
  const { stdout, code } = await campaign("--runs", "1", "--output", "failing.yaml");
  expect(stdout).toMatch(/^nothing broke in 1 scenario\n/);
  expect(code).toBe(0);
  expect(existsSync(join(folder, "failing.yaml"))).toBe(false);
});

test("Ctrl+C ends a campaign with 130, and it says how far it was", async () => {
  const long = start(["campaign", "--runs", "100000"], { cwd: folder });
  await new Promise((resolve) => setTimeout(resolve, 3000));
  long.signal("SIGINT");
  const { code, stdout } = await long.end(10_000);
  expect(code).toBe(130);
  expect(stdout).toMatch(/stopped: [\d,]+ of 100,000 scenarios\n$/);
});

test.each([
  [["--threads", "0"], '--threads: "0" is not a whole number between 1 and 1024'],
  [["--runs", "none"], '--runs: "none" is not a whole number'],
  [["--output", "no/where.yaml"], "--output: cannot write no/where.yaml (ENOENT)"],
])("%j is refused before anything runs", async (args, complaint) => {
  const { code, stdout, stderr } = await campaign(...args, "--runs", "1");
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(complaint);
});

test.each([["run crash"], ["simulate push --nodes 100"], ["campaign --runs 1"]])(
  "a reader that has seen enough ends `%s` without a word",
  (command) => {
    // A reader that reads nothing at all, and is gone before the first line.
    const shell = `${process.execPath} ${program} ${command} 2>&1 >&3 3>&- | cat`;
    const said = execFileSync("bash", ["-c", `exec 3> >(exec true); sleep 0.2; ${shell}`], {
      cwd: folder,
      encoding: "utf8",
    });
    // On a busy machine it may take the two seconds after which progress shows.
    expect(said.replace(/^\d+ of \d+.*\n/gm, "")).toBe("");
  },
);
