/** `grapevine simulate` as people run it: options to runs, threads, files, exit codes. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseLatency } from "../src/cli/link-options.ts";
import { presets } from "../src/lab/index.ts";
import { endPrograms, jsonOf, run, start } from "./support/program.ts";

const folder = mkdtempSync(join(tmpdir(), "grapevine-simulate-"));
afterAll(async () => {
  await endPrograms();
  rmSync(folder, { recursive: true });
});
const path = (name: string) => join(folder, name);
const simulate = (...args: string[]) => run(["simulate", ...args], { cwd: folder });

/** Without what the machine has to do with it. */
function simulated(report: any): any {
  const { wallMs, eventsPerSecond, nodeRoundsPerSecond, memoryMiB, ...rest } = report;
  if (report.figures === undefined || report.results === undefined) return rest;
  return { ...rest, figures: simulated(report.figures), results: report.results.map(simulated) };
}

describe("one run", () => {
  test("of the classic network prints the figures of its gossip, the same for the same seed", async () => {
    const args = [
      "classic",
      "--nodes",
      "40",
      "--publishers",
      "4",
      "--messages",
      "2",
      "--interval",
      "300ms",
      "--json",
    ];
    const [first, again, other] = (
      await Promise.all([simulate(...args), simulate(...args), simulate(...args, "--seed", "2")])
    ).map(jsonOf);
    expect(first).toMatchObject({
      preset: "classic",
      engine: "events",
      nodes: 40,
      seed: 1,
      ratio: 1,
      connected: true,
    });
    expect(first).toMatchObject({
      published: 8,
      deliveries: 8 * 39,
      expected: 8 * 39,
      seeds: 6,
      ending: "complete",
    });
    for (const name of [
      "events",
      "eventsPerSecond",
      "virtualMs",
      "wallMs",
      "rmr",
      "messagesPerNode",
      "memoryMiB",
    ])
      expect(first[name], name).toBeGreaterThan(0);
    expect(Object.keys(first.delayMs)).toEqual(["mean", "p50", "p90", "p99", "max"]);
    expect(first.ldh.max).toBeGreaterThanOrEqual(first.ldh.mean);
    expect(first.degrees).toMatchObject({ law: "power-law", min: 3 });
    expect(first.parameters.links).toMatchObject({ kind: "stream", loss: 0 });
    expect(simulated(again)).toEqual(simulated(first));
    expect(other.traceHash).not.toBe(first.traceHash);
  });

  test.each(presets.map(({ name }) => name).filter((name) => !["classic", "modern"].includes(name)))(
    "of %s prints its curve",
    async (name) => {
      const result = jsonOf(
        await simulate(name, "--nodes", "500", "--json", "--latency", "constant:30ms", "--loss", "2%"),
      );
      expect(result).toMatchObject({ preset: name, ratio: 1, ending: "complete", residue: 0, informed: 500 });
      expect(result.parameters.links).toMatchObject({ latency: { model: "constant", ms: 30 }, loss: 0.02 });
      expect(result.curve.at.length).toBe(result.curve.susceptible.length);
      expect(result.bytesPerNode).toBeGreaterThan(0);
    },
  );

  test("of a rumor with half of the messages lost takes twice the rounds, as is predicted beside it", async () => {
    const args = ["rumor", "--nodes", "20000", "--json"];
    const [sound, lossy] = (await Promise.all([simulate(...args), simulate(...args, "--loss", "0.5")])).map(
      jsonOf,
    );
    for (const { predicted, reachedRounds } of [sound, lossy]) {
      expect(predicted.formulas.roundsToAll).toContain("2 n' H(n')/(b n)");
      expect(Math.abs(reachedRounds.p100 / predicted.roundsToAll - 1)).toBeLessThan(0.2);
    }
    expect(lossy.predicted.roundsToAll / sound.predicted.roundsToAll).toBeCloseTo(2, 9);
    const ratio = lossy.reachedRounds.p100 / sound.reachedRounds.p100;
    expect(ratio).toBeGreaterThan(1.7);
    expect(ratio).toBeLessThan(2.4);
  });

  test("of a rumor takes every rule, and short names for them", async () => {
    const args = ["rumor", "--rounds", "synchronous", "--nodes", "1000", "--json"];
    const [full, short, minimised] = (
      await Promise.all([
        simulate(...args, "--stop", "counter", "--feedback", "false", "--stop-after", "3"),
        simulate(...args, "--sends", "3"),
        simulate(
          ...args,
          ...["--mode", "push-pull", "--stop", "counter", "-k", "1", "--minimise", "true"],
          ...["--connection-limit", "2", "--hunt-limit", "1"],
        ),
      ])
    ).map(jsonOf);
    expect(full.parameters.rumor).toMatchObject({
      mode: "push",
      stop: "counter",
      stopAfter: 3,
      hasFeedback: false,
    });
    expect(short.traceHash).toBe(full.traceHash);
    expect(full.predicted.residue).toBeCloseTo(0.0595, 4);
    expect(minimised.parameters.rumor).toMatchObject({
      ...{ mode: "push-pull", stopAfter: 1, hasFeedback: true, isMinimised: true },
      ...{ connectionLimit: 2, huntLimit: 1 },
    });
  });

  test("in rounds names what a round is", async () => {
    const result = jsonOf(await simulate("push-pull", "--rounds", "poisson", "--nodes", "2000", "--json"));
    expect(result).toMatchObject({ engine: "rounds", semantics: "poisson", ratio: 1 });
    expect(result.nodeRoundsPerSecond).toBeGreaterThan(0);
    expect(result.rounds).toBeGreaterThanOrEqual(result.time);
  });

  test("of a scenario takes its name or its file", async () => {
    writeFileSync(path("calm.yaml"), "name: calm\nnetwork: { peers: 5, seeds: 2 }\n");
    const named = jsonOf(await simulate("crash", "--json", "--seed", "3"));
    expect(named).toMatchObject({ ok: true, nodes: 12, failedChecks: [], violations: [] });
    const run = jsonOf(await runCommand("crash", "--seed", "3", "--json"));
    expect(named.traceHash).toBe(run.traceHash);
    expect(jsonOf(await simulate("calm.yaml", "--nodes", "6", "--json"))).toMatchObject({
      ok: true,
      nodes: 6,
    });
  });

  test("says what it came to, for people", async () => {
    const { code, stdout, stderr } = await simulate("push", "--nodes", "300");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^push, 300 nodes, seed 1: complete, 100 % reached\n/);
    expect(stdout).toMatch(/\n {2}reachedMs\.p99 +[\d,]+\n/);
    expect(stdout).toMatch(/\n {2}predicted\.roundsToAll: 2 n' H.*\n/);
    expect(stdout).toMatch(/\n {2}hash [0-9a-f]{16}\n$/);
    expect(stderr).toBe("");
  });

  test("ends with 1 when not everything arrived", async () => {
    const { code, stdout } = await simulate("classic", "--nodes", "20", "--limit", "10ms", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, ending: "limit" });
  });

  test("ends with 0 when a rumor that may die out did", async () => {
    const { code, stdout } = await simulate("push", "--sends", "2", "--nodes", "300", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, ending: "quiet" });
    expect(code).toBe(0);
  });

  test("writes its trace, which the tools for traces read", async () => {
    const result = jsonOf(
      await simulate("classic", "--nodes", "12", "--messages", "1", "--trace", "run.ndjson", "--json"),
    );
    const [header] = readFileSync(path("run.ndjson"), "utf8").split("\n");
    const { startedAt, ...rest } = JSON.parse(header!);
    expect(rest).toMatchObject({
      trace: "grapevine",
      world: "simulated",
      about: { preset: "classic", seed: 1, nodes: 12 },
    });
    const summary = jsonOf(await run(["trace", "summary", "run.ndjson", "--json"], { cwd: folder }));
    const { published, deliveries, rmr, ldh } = result;
    expect(summary).toMatchObject({
      published,
      deliveries,
      rmr,
      ldh,
      ratio: 1,
      nodes: { peer: 12, seed: 6 },
    });
  });

  test.each([
    ["classic", "--nodes", "12", "--messages", "1", "--loss", "5%"],
    ["pull", "--nodes", "60", "--sends", "3", "--timing", "poisson"],
    ["seed-loss", "--nodes", "8"],
  ])("leaves a trace of %s from which the same run can be made again", async (...args) => {
    const trace = path(`${args[0]}-again.ndjson`);
    expect((await simulate(...args, "--seed", "7", "--trace", trace)).code).toBe(0);
    const again = await run(["replay", trace, "--again"]);
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(again.stdout).toMatch(/^The same again: \d{2,} events of /);
    // Another seed in the header, and it is another run.
    const text = readFileSync(trace, "utf8");
    writeFileSync(trace, text.replace('"seed":7', '"seed":8'));
    expect((await run(["replay", trace, "--again"])).code).toBe(1);
    writeFileSync(trace, text.replace(/"preset":"[^"]+"/, '"preset":"shout"'));
    expect(await run(["replay", trace, "--again"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('preset: there is no "shout"'),
    });
  });

  test("of a scenario calls a seed that restarts a seed", async () => {
    await simulate("seed-loss", "--trace", "seed-loss.ndjson");
    const named = readFileSync(path("seed-loss.ndjson"), "utf8")
      .split("\n")
      .flatMap((line) => (line.includes('"named"') ? [JSON.parse(line)] : []));
    expect(named.length).toBeGreaterThan(18); // 6 seeds, 12 peers, and whoever started again
    for (const { name, role } of named) expect(name.startsWith("seed-")).toBe(role === "seed");
  });
});

const runCommand = (...args: string[]) => run(["run", ...args], { cwd: folder });

describe("a batch", () => {
  const batch = ["push", "--nodes", "400", "--sends", "4", "--runs", "8"];

  test("is the same in one thread, in two, and in parts that are merged", async () => {
    const [one, two] = await Promise.all([
      simulate(...batch, "--threads", "1", "--json"),
      simulate(...batch, "--threads", "2", "--json"),
    ]);
    const whole = simulated(jsonOf(one));
    expect(simulated(jsonOf(two))).toEqual(whole);
    expect(whole).toMatchObject({ runs: 8, ok: 8, seeds: { first: 1, last: 8 } });
    expect(whole.figures.residue.low).toBeLessThan(whole.figures.residue.mean);
    const [part1, part2] = await Promise.all([
      simulate(...batch, "--shard", "1/2"),
      simulate(...batch, "--shard", "2/2", "--output", "part2.ndjson", "--json"),
    ]);
    expect(part1.stdout.trim().split("\n")).toHaveLength(4);
    expect(jsonOf(part2).runs).toBe(4);
    writeFileSync(path("part1.ndjson"), part1.stdout);
    const merged = await simulate("--merge", "part2.ndjson", "part1.ndjson", "--json");
    expect(simulated(jsonOf(merged))).toEqual(whole);
    expect(merged.code).toBe(0);
  });

  test("goes on where it was left: a run whose line is there is not run again", async () => {
    const short = ["pull", "--nodes", "300", "--output", "pull.ndjson", "--json"];
    await simulate(...short, "--runs", "2");
    const before = readFileSync(path("pull.ndjson"), "utf8");
    const report = jsonOf(await simulate(...short, "--runs", "3"));
    expect(report.runs).toBe(3);
    const after = readFileSync(path("pull.ndjson"), "utf8");
    expect(after.startsWith(before)).toBe(true);
    expect(after.trim().split("\n")).toHaveLength(3);
    // Other parameters are another batch, also in the same file.
    expect(jsonOf(await simulate(...short, "--runs", "2", "--loss", "1%")).runs).toBe(2);
    expect(jsonOf(await simulate("--merge", "pull.ndjson", "--json")).map(({ runs }: any) => runs)).toEqual([
      3, 2,
    ]);
  });

  test("shows a table with intervals, and writes a report that opens offline", async () => {
    const { stdout } = await simulate(...batch, "--html", "report.html");
    expect(stdout).toMatch(/^push, 400 nodes, 8 runs, seeds 1 to 8: 8 of 8 ended as they should\n/);
    expect(stdout).toMatch(/\n +mean +deviation +95 % interval of the mean +min +max\n/);
    expect(stdout).toMatch(/\n {2}residue +\S+ +\S+ +\S+ to \S+ +\S+ +\S+\n/);
    expect(stdout).toContain("report in report.html");
    const html = readFileSync(path("report.html"), "utf8");
    expect(html).toContain("npx grapevine simulate push --nodes 400 --sends 4 --runs 8 --html report.html");
    expect(html).toContain(/hash (\w{16})/.exec(stdout)![1]);
  });

  test("ends at Ctrl+C with what it has, and with 130", async () => {
    const long = ["push", "--nodes", "20000", "--runs", "5000", "--json", "--output", "long.ndjson"];
    const program = start(["simulate", ...long], { cwd: folder });
    const deadline = performance.now() + 20_000;
    const lines = () =>
      existsSync(path("long.ndjson")) ? readFileSync(path("long.ndjson"), "utf8").split("\n").length - 1 : 0;
    while (lines() < 2 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
    program.signal("SIGINT");
    const outcome = await program.end(10_000);
    expect(outcome.code).toBe(130);
    expect(jsonOf(outcome).runs).toBe(lines());
    expect(lines()).toBeGreaterThanOrEqual(2);
  });

  test("says how many runs there were before Ctrl+C", async () => {
    const program = start(["simulate", "push", "--nodes", "20000", "--runs", "5000"], { cwd: folder });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    program.signal("SIGINT");
    const { code, stdout } = await program.end(10_000);
    expect(code).toBe(130);
    // A slow machine may not have ended one yet.
    if (!stdout.startsWith("ended before") && !stdout.includes(": stopped,"))
      expect(stdout).toMatch(/stopped: \d+ of 5,000 runs\n$/);
  });

  test("a single run that is ended says how far it was", async () => {
    const program = start(["simulate", "classic", "--nodes", "3000", "--json"], { cwd: folder });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    program.signal("SIGINT");
    const outcome = await program.end(10_000);
    expect(outcome.code).toBe(130);
    const report = JSON.parse(outcome.stdout);
    // A slow machine may not have begun yet.
    if (!Array.isArray(report)) expect(report).toMatchObject({ ending: "stopped", ok: false });
  });
});

describe("the help", () => {
  test("lists the presets, the groups of options and examples", async () => {
    const { stdout, code } = await simulate("--help");
    expect(code).toBe(0);
    for (const { name, description } of presets)
      expect(stdout).toContain(`  ${name.padEnd(12)} ${description}`);
    for (const heading of [
      "Classic and modern networks:",
      "Rumors:",
      "Links:",
      "Overlay of the classic profile:",
      "Examples:",
    ])
      expect(stdout).toContain(heading);
    // Of sockets, which a simulation does not have.
    expect(stdout).not.toContain("--handshake-timeout");
    expect((await simulate()).stdout).toContain("Presets:");
  });
});

describe("mistakes are named, with their mend, and end with 2", () => {
  test.concurrent.each([
    [
      ["shout"],
      'there is no "shout"; there are the presets classic, modern, rumor, push, pull, push-pull, the scenarios crash',
    ],
    [["push", "--nodes", "many"], '--nodes: "many" is not a whole number'],
    [["push", "--nodes", "1"], '--nodes: "1" is not a whole number between 2 and'],
    [
      ["push", "--latency", "slow"],
      '--latency: "slow" is no latency; write constant:20ms, uniform:10ms:100ms',
    ],
    [["push", "--latency", "uniform:20ms:10ms"], "--latency: latency.toMs: 10 is less than fromMs, 20"],
    [["push", "--loss", "150%"], '--loss: "150%" is no share; write 1% or 0.01'],
    [["push", "--seeds", "3"], "--seeds: means nothing to push, which takes --transport, --latency"],
    [["push", "--ping-interval", "1s"], "--ping-interval: means nothing to push, which takes"],
    [["classic", "--sends", "3", "--fanout", "2"], "--sends, --fanout: mean nothing to classic, which takes"],
    [["classic", "--rounds", "poisson"], "--rounds: means nothing to classic"],
    [
      ["classic", "--profile", "modern"],
      "profile: classic is a profile itself; leave it out, or simulate modern",
    ],
    [["push", "--mode", "pull"], "mode: pull is not that of push; take the preset rumor"],
    [["rumor", "-k", "3"], "-k: means nothing to a rumor that never stops; add --stop coin"],
    [
      ["rumor", "--sends", "3", "--blind"],
      "--sends: is short for --stop counter --blind -k 3; leave out --blind",
    ],
    [["rumor", "--stop", "coin", "--feedback", "true", "--blind"], "hasFeedback is given in full as well"],
    [["rumor", "--round", "5ms"], "--round: means nothing to rumor, which takes"],
    [["classic", "--nodes", "5", "--publishers", "6"], "publishers: 6 is not an integer between 0 and 5"],
    [["push", "--rounds", "poisson", "--loss", "1%"], "links: rounds have none"],
    [["push", "--shard", "3/2"], '--shard: "3/2" is no part; write 1/4'],
    [["push", "--runs", "2", "--trace", "t.ndjson"], "trace: 2 runs are too many for one file"],
    [["push", "--html", "no/where.html"], "--html: cannot write no/where.html (ENOENT)"],
    [["push", "--output", "no/where.ndjson"], "--output: no/where.ndjson cannot be written (ENOENT)"],
    [["--merge", "nothing.ndjson"], "nothing.ndjson: cannot be read (ENOENT)"],
    [
      ["push", "--nodes", "300", "--rounds", "poisson", "--trace", "t.ndjson"],
      "trace: rounds have no events",
    ],
  ])("%j", async (args, complaint) => {
    const { code, stderr, stdout } = await simulate(...args);
    expect(stderr).toContain(complaint);
    expect(stderr).not.toContain("    at ");
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});

test.each([
  ["constant:20ms", { model: "constant", ms: 20 }],
  ["uniform:10ms:0.5s", { model: "uniform", fromMs: 10, toMs: 500 }],
  ["exponential:80ms", { model: "exponential", meanMs: 80 }],
  ["log-normal:50:0.5", { model: "log-normal", medianMs: 50, sigma: 0.5 }],
  ["pareto:10ms:1.5:10s", { model: "pareto", minMs: 10, shape: 1.5, maxMs: 10_000 }],
  ["plane:100ms", { model: "plane", sideMs: 100 }],
])("the latency %s is %j", (text, latency) => {
  expect(parseLatency(text)).toEqual(latency);
});
