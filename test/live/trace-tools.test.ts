/** `grapevine trace` and `grapevine replay` on the trace of a real network. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { endPrograms, jsonOf, run, start } from "../support/program.ts";

let folder: string;
let trace: string;
let report: any;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grapevine-trace-tools-"));
  trace = join(folder, "run.ndjson");
  const network = ["up", "--peers", "8", "--seeds", "3", "--messages", "3", "--interval", "200ms"];
  report = jsonOf(await run([...network, "--once", "--no-output", "--trace", trace, "--json"]));
});
afterAll(async () => {
  await endPrograms();
  rmSync(folder, { recursive: true });
});

describe("trace summary", () => {
  test("says of a live run what the run said of itself", async () => {
    const summary = jsonOf(await run(["trace", "summary", trace, "--json"]));
    expect(report).toMatchObject({ ratio: 1, messages: 24, deliveries: 168 });
    expect(summary).toMatchObject({
      world: "live",
      skippedLines: 0,
      nodes: { seed: 3, peer: 8 },
      published: report.messages,
      deliveries: report.deliveries,
      expected: report.expected,
      ratio: report.ratio,
      complete: report.messages,
      deliveredTwice: 0,
      deliveredFromNowhere: 0,
      sends: report.sends,
      delayMs: { max: report.latencyMs.max },
      faults: { total: 0 },
      falsePositives: { total: 0 },
    });
    expect(summary.rmrWithHistory).toBeCloseTo(report.sendsPerDelivery - 1, 2);
    expect(summary.ldh.max).toBeGreaterThanOrEqual(1);
    expect(summary.ldh.max).toBeLessThanOrEqual(7);
  });

  test("for people it is a page, with every type of event counted", async () => {
    const { code, stdout, stderr } = await run(["trace", "summary", trace]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("168 of 168 expected deliveries of 24 messages (ratio 1)");
    expect(stdout).toMatch(/^ +168 {2}broadcast\/delivered$/m);
  });

  test("knows of a real crash when a neighbor noticed it and when every seed removed the peer", async () => {
    const path = join(folder, "crash.ndjson");
    // Seeds believe neighbors that a peer has named: it is to name them soon, and before it is killed.
    const timing = ["--ping-interval", "500ms", "--refresh-interval", "200ms", "--interval", "300ms"];
    const size = ["--peers", "6", "--seeds", "3", "--messages", "5"];
    const network = start(["up", ...size, ...timing, "--no-output", "--trace", path]);
    const [, api] = await network.said(/control API and metrics at (\S+)/);
    await network.said(/every message reached every peer/);
    expect(await run(["kill", "peer-3", "--api", api!])).toMatchObject({ code: 0 });
    await vi.waitFor(
      () => expect(readFileSync(path, "utf8").match(/"type":"peer-removed"/g)).toHaveLength(3),
      { timeout: 30_000, interval: 100 },
    );
    network.signal("SIGINT");
    await network.end();
    const { faults, falsePositives } = jsonOf(await run(["trace", "summary", path, "--json"]));
    expect(faults).toMatchObject({ total: 1, noticed: 1, removedEverywhere: 1, removedMs: { count: 3 } });
    const [fault] = faults.list;
    expect(fault).toMatchObject({ node: "peer-3", kind: "crashed", lastedMs: null, removedBy: 3, seeds: 3 });
    // Three pings are missed, and then the witnesses too.
    expect(fault.noticedMs).toBeGreaterThan(1000);
    expect(fault.firstRemovedMs).toBeGreaterThanOrEqual(fault.noticedMs);
    expect(falsePositives.total).toBe(0);
    const page = (await run(["trace", "summary", path])).stdout;
    expect(page).toMatch(/peer-3 crashed: noticed after .* s, removed by 3 of 3 seeds, the last after .* s/);
  });
});

describe("trace filter", () => {
  test("to a file: a trace that the other commands read", async () => {
    const output = join(folder, "gossip.ndjson");
    const types = "published,delivered,forwarded,history-sent";
    const filtered = await run(["trace", "filter", trace, "--types", types, "--output", output, "--json"]);
    const gossip = jsonOf(await run(["trace", "summary", output, "--json"]));
    expect(jsonOf(filtered)).toMatchObject({ output, written: gossip.events - 8 }); // and 8 names
    expect(Object.keys(gossip.byType)).toEqual(["trace", "broadcast"]);
    expect(gossip).toMatchObject({ ratio: 1, deliveries: 168, sends: report.sends });
  });

  test("to standard output the same, line by line", async () => {
    const output = join(folder, "peer-3.ndjson");
    const args = ["trace", "filter", trace, "--node", "peer-3", "--layers", "broadcast"];
    const { stdout } = await run(args);
    await run([...args, "--output", output]);
    expect(stdout).toBe(readFileSync(output, "utf8"));
    const [header, ...events] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(header).toMatchObject({ trace: "grapevine", world: "live" });
    expect(events.filter(({ type }) => type === "delivered")).toHaveLength(21);
    expect(new Set(events.map(({ node }) => node)).size).toBe(1);
  });

  test("where nothing passes it says which nodes there are", async () => {
    const { code, stderr } = await run(["trace", "filter", trace, "--node", "peer-99"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/no event of .* passes; its nodes are seed-1, .*, peer-1, .* and \d+ more/);
  });
});

describe("trace compare", () => {
  test("ends with 0 for the same events, with 1 for others, and shows the first that differ", async () => {
    const same = await run(["trace", "compare", trace, trace]);
    expect(same).toMatchObject({ code: 0, stderr: "" });
    expect(same.stdout).toContain("The same, event for event.");
    const lines = readFileSync(trace, "utf8").split("\n");
    const other = join(folder, "other.ndjson");
    const at = lines.findIndex((line) => line.includes('"type":"delivered"'));
    writeFileSync(other, lines.toSpliced(at, 1).join("\n"));
    const different = await run(["trace", "compare", trace, other, "--json"]);
    expect(different.code).toBe(1);
    const comparison = jsonOf(different);
    expect(comparison).toMatchObject({ identical: false, header: [] });
    expect(JSON.parse(comparison.firstDifference.a)).toEqual(JSON.parse(lines[at]!));
    expect(comparison.figures.find(({ figure }: { figure: string }) => figure === "arrived")).toEqual({
      figure: "arrived",
      a: 168,
      b: 167,
      difference: -1,
      ratio: 0.994048,
    });
    expect((await run(["trace", "compare", trace, other])).stdout).toMatch(
      /^arrived +168 +167 +-1 +0\.994$/m,
    );
  });
});

describe("replay", () => {
  test("plays every event, and those that are asked for", async () => {
    const all = await run(["replay", trace, "--speed", "max"]);
    const { events, byType } = jsonOf(await run(["trace", "summary", trace, "--json"]));
    expect(all).toMatchObject({ code: 0, stderr: "" });
    expect(all.stdout.trimEnd().split("\n")).toHaveLength(events - byType.trace.named);
    const one = await run(["replay", trace, "--speed", "0", "--node", "peer-2", "--types", "delivered"]);
    const lines = one.stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(21);
    for (const line of lines) expect(line).toMatch(/^\+ +\d+\.\d{3}s +\. +peer-2 +< delivered +peer-\d#\d/);
  });

  test("with --json each event is a line as it was written", async () => {
    const { stdout } = await run(["replay", trace, "--speed", "max", "--types", "published", "--json"]);
    const written = readFileSync(trace, "utf8").split("\n");
    expect(stdout.trimEnd().split("\n")).toEqual(
      written.filter((line) => line.includes('"type":"published"')),
    );
  });

  test("stops at Ctrl+C", async () => {
    const replay = start(["replay", trace, "--speed", "0.001"]);
    await replay.said(/listening/);
    replay.signal("SIGINT");
    expect(await replay.end()).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^grapevine: stopped after \d+ events$/m),
    });
  });

  test("offers to run a simulation again, and to play everything faster", async () => {
    const help = (await run(["replay", "--help"])).stdout;
    expect(help).toContain("--speed");
    expect(help).toContain("--again");
    expect(await run(["replay", "--no-such"])).toMatchObject({ code: 2 });
  });
});

describe("what is wrong is said with the file and what to do", () => {
  const commands = [
    ["trace", "summary", "FILE"],
    ["trace", "filter", "FILE"],
    ["trace", "compare", "FILE", "FILE"],
    ["replay", "FILE"],
  ];
  const files = [
    ["missing", undefined, "there is no such file"],
    ["empty", "", "is empty; a trace begins with a header"],
    ["strange", "hello\n", "is no trace"],
    ["future", '{"trace":"grapevine","version":2}\n', "is a trace of version 2; this program reads 1"],
  ] as const;

  test.each(commands)("%s %s", async (...command) => {
    for (const [name, contents, problem] of files) {
      const path = join(folder, name);
      if (contents !== undefined) writeFileSync(path, contents);
      const { code, stdout, stderr } = await run(command.map((word) => (word === "FILE" ? path : word)));
      expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(`grapevine: ${path}: ${problem}`);
      if (name !== "future") expect(stderr).toContain("grapevine up --trace FILE");
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
    const folderAsFile = await run(command.map((word) => (word === "FILE" ? folder : word)));
    expect(folderAsFile.stderr).toContain(`${folder}: cannot be read`);
  });

  test.each([
    [["trace", "filter", "x", "--from", "soon"], '--from: "soon" is no duration'],
    [["trace", "filter", "x", "--types", ","], '--types: "," names nothing'],
    [["replay", "x", "--speed", "-1"], '--speed: "-1" is no factor'],
    [["replay", "x", "--from", "5s", "--until", "1s"], "--from: 5000 ms is after --until, 1000 ms"],
  ])("%j", async (args, problem) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stderr).toContain(problem);
  });

  test("torn and foreign lines are passed over, and counted", async () => {
    const path = join(folder, "torn");
    writeFileSync(path, `${readFileSync(trace, "utf8")}{"at":1,"no`);
    const { code, stderr } = await run(["trace", "summary", path]);
    expect(code).toBe(0);
    expect(stderr).toContain(`${path}: 1 lines are no events and were passed over`);
  });

  test("every command explains itself with examples", async () => {
    for (const words of [
      ["trace"],
      ["trace", "summary"],
      ["trace", "filter"],
      ["trace", "compare"],
      ["replay"],
    ]) {
      const { code, stdout } = await run([...words, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`Examples:\\n  \\$ grapevine ${words.join(" ")}`));
    }
  });
});
