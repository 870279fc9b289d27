/** `grapevine run` in both worlds, and what only live links can show: gates between real sockets. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import {
  createLiveWorld,
  runScenario,
  type Scenario,
  type ScenarioReport,
  scenarioOf,
  scenarios,
} from "../../src/lab/index.ts";
import { readTrace } from "../../src/node/index.ts";
import { endPrograms, jsonOf, program, root, run, start } from "../support/program.ts";

const folder = mkdtempSync(join(tmpdir(), "grapevine-run-"));
afterEach(endPrograms);
afterAll(() => rmSync(folder, { recursive: true }));

const partition = join(root, "examples/scenarios/partition.yaml");

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** In this process: plaintext, small, and with nothing left when it is over. */
async function live(scenario: Scenario): Promise<ScenarioReport> {
  const world = createLiveWorld(scenarioOf(scenario), { seed: 5, isPlaintext: true, program });
  try {
    const report = await runScenario(scenario, world, { seed: 5 });
    expect(
      [...report.checks.filter(({ ok }) => !ok), ...report.violations],
      JSON.stringify(report.figures),
    ).toEqual([]);
    expect(report.ok).toBe(true);
    return report;
  } finally {
    await world.close();
  }
}

describe("live links", () => {
  test("that are cut in two halves heal, and everything published meanwhile arrives, once", async () => {
    const outcome = await run(["run", partition, "--world", "live", "--json"]);
    const report: ScenarioReport = jsonOf(outcome);
    expect(
      [...report.checks.filter(({ ok }) => !ok), ...report.violations],
      JSON.stringify(report.figures),
    ).toEqual([]);
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(report).toMatchObject({
      world: "live",
      ok: true,
      occurred: { partitioned: 1, healed: 1 },
      figures: { published: 8 + 24, deliveries: (8 + 24) * 7, deliveredTwice: 0, ratio: 1 },
    });
    // The halves had given each other up, or it would have been no partition.
    expect(report.occurred["suspected"]).toBeGreaterThan(3);
    expect(report.figures["allArrivedMs"]).toBeGreaterThan(0);
  });

  test("that are cut one way, slow and lossy deliver everything in the end", async () => {
    const report = await live({
      name: "one-way",
      network: {
        seeds: 2,
        peers: 5,
        links: { latency: { model: "uniform", fromMs: 1, toMs: 20 }, loss: 0.1, retransmitMs: 50 },
      },
      stack: { options: { heartbeat: { pingIntervalMs: 400 } } },
      timeline: [
        { do: "slow", node: "peer-2", perEventMs: 5 },
        { do: "cut", from: "peer-1", to: "all peers" },
        { do: "publish", from: "all peers", messages: 2 },
        { do: "wait", for: 300 },
        { do: "links", set: { latency: { model: "constant", ms: 30 }, loss: 0 } },
        { do: "heal" },
        { do: "expect", is: "delivered", within: "10s", figure: "allMs" },
      ],
    });
    expect(report.occurred).toMatchObject({ cut: 1, healed: 1, slowed: 1, "links-changed": 1 });
    expect(report.figures).toMatchObject({ published: 10, deliveries: 40, deliveredTwice: 0 });
    // What the first said was held back.
    expect(report.figures["allMs"]).toBeGreaterThan(20);
  });

  test("that are cut hold nothing together: who is alone hears nothing until then", async () => {
    const alone: Scenario = {
      name: "alone",
      network: { seeds: 1, peers: 4 },
      stack: { options: { heartbeat: { pingIntervalMs: 400 } } },
      timeline: [
        { do: "partition", groups: [["seed-1"], ["peer-4"]] },
        { do: "publish", from: "peer-1", messages: 3 },
        { do: "expect", is: "delivered", node: ["peer-2", "peer-3"], within: "5s" },
        { do: "wait", for: 500 },
        { do: "expect", is: "delivered", node: "peer-4", claim: "peer-4 has heard it" },
        { do: "heal" },
        { do: "expect", is: "delivered", node: "peer-4", within: "20s" },
      ],
    };
    const world = createLiveWorld(alone, { seed: 1, isPlaintext: true, program });
    const report = await runScenario(alone, world, { seed: 1 });
    await world.close();
    expect(report.checks.slice(2).map(({ ok, detail }) => [ok, detail])).toEqual([
      [true, "6 of 6"],
      [false, "0 of 3"],
      [true, "3 of 3"],
    ]);
    expect(report.violations).toEqual([]);
  });
});

describe("a live world", () => {
  test("crashes and restarts nodes of its own process where links are changed, with their disk and without", async () => {
    const report = await live({
      name: "in-process",
      network: { seeds: 3, peers: 5, links: { latency: { model: "constant", ms: 2 } } },
      stack: { options: { heartbeat: { pingIntervalMs: 400 } } },
      timeline: [
        { do: "publish", from: "all peers", messages: 2 },
        { do: "expect", is: "delivered", within: "10s" },
        { do: "wait", for: 200 },
        { do: "crash", node: ["peer-1", "peer-2", "seed-2"] },
        { do: "publish", from: "peer-3" },
        { do: "restart", node: ["peer-1", "seed-2"], keepsDisk: true },
        { do: "expect", is: "same-node", node: "peer-1" },
        { do: "restart", node: "peer-2", keepsDisk: false },
        { do: "expect", is: "delivered", within: "10s" },
        { do: "expect", is: "linked", node: ["peer-1", "peer-2"], within: "10s" },
        { do: "leave", node: "peer-3" },
        { do: "expect", is: "removed", node: "peer-3", within: "10s" },
        { do: "expect", is: "lists-exact", within: "10s" },
        { do: "expect", is: "seeds-agree", within: "10s" },
      ],
    });
    expect(report.occurred).toMatchObject({ crashed: 3, restarted: 3 });
    // Eleven to four others each, but that peer-1 was gone for one, and gets it all the same; and the ten once more
    // to peer-2, who had forgotten them.
    expect(report.figures).toMatchObject({ published: 11, deliveries: 11 * 4 + 10, deliveredTwice: 0 });
  });

  test("runs several nodes as processes, each of which can be crashed, paused and asked to publish", async () => {
    const report = await live({
      name: "processes",
      network: { seeds: 2, peers: 4 },
      stack: { options: { heartbeat: { pingIntervalMs: 400 } } },
      timeline: [
        { do: "join", name: "anna" },
        { do: "expect", is: "listed", node: "anna", neighbors: 1, within: "10s" },
        { do: "pause", node: "peer-2" },
        { do: "crash", node: "anna" },
        { do: "expect", is: "removed", node: ["anna", "peer-2"], within: "20s" },
        { do: "resume", node: "peer-2" },
        { do: "restart", node: "anna" },
        { do: "expect", is: "linked", node: ["anna", "peer-2"], within: "20s" },
        { do: "publish", from: ["anna", "peer-2"], messages: 2 },
        { do: "expect", is: "delivered", within: "10s" },
      ],
    });
    expect(report.occurred).toMatchObject({ crashed: 1, paused: 1, resumed: 1, restarted: 1 });
    expect(report.figures).toMatchObject({ published: 4, deliveries: 16 });
  });

  test("pauses nodes of its own process where links are changed, and those that are drawn", async () => {
    const report = await live({
      name: "hangs",
      network: { seeds: 3, peers: 6 },
      stack: { options: { heartbeat: { pingIntervalMs: 200 } } },
      timeline: [
        { do: "links", set: { latency: { model: "constant", ms: 5 } } },
        { do: "expect", is: "listed", node: "all peers", neighbors: 2, within: "10s" },
        { do: "pause", node: { random: 1, of: "peers" } },
        { do: "publish", from: "all peers" },
        { do: "expect", is: "removed", node: "the drawn", within: "10s" },
        { do: "resume", node: "the drawn" },
        { do: "expect", is: "linked", node: "the drawn", within: "10s" },
        { do: "expect", is: "delivered", within: "10s" },
      ],
    });
    expect(report.occurred).toMatchObject({ paused: 1, resumed: 1 });
    expect(report.figures).toMatchObject({ published: 5, deliveries: 25 });
  });

  test.each<[RegExp, Partial<Scenario>]>([
    [/^drift: the clock of a live node /, { timeline: [{ do: "drift", node: "peer-1", rate: 0.01 }] }],
    [/^links\.kind: live links are streams; /, { network: { links: { kind: "datagram" } } }],
    [/^links\.duplication: /, { timeline: [{ do: "links", set: { duplication: 0.1 } }] }],
    [/^zone: of peer-2, can only be simulated; /, { nodes: [{ which: "peer-2", zone: 1 }] }],
    [
      /^restart: peer-1 lives; crash it first/,
      { timeline: [{ do: "restart", node: "peer-1" }, { do: "heal" }] },
    ],
    [/^join: there is a "peer-2" already/, { timeline: [{ do: "join", name: "peer-2" }] }],
    [
      /^publish: seed-1 is a seed, and seeds do not gossip/,
      { timeline: [{ do: "publish", from: "seed-1" }] },
    ],
  ])("says what it cannot do: %s", async (message, more) => {
    const scenario: Scenario = { name: "no", network: { seeds: 1, peers: 3 }, ...more };
    const attempt = async () => {
      const network = { seeds: 1, peers: 3, ...scenario.network };
      const world = createLiveWorld({ ...scenario, network }, { seed: 1, isPlaintext: true, program });
      try {
        await runScenario(scenario, world, { seed: 1 });
      } finally {
        await world.close();
      }
    };
    await expect(attempt()).rejects.toThrow(message);
  });

  test("leaves neither processes nor folders when it is interrupted", async () => {
    const own = mkdtempSync(join(folder, "tmp-"));
    const small = ["--plaintext", "--peers", "4", "--seeds", "2"];
    const one = start(["run", "hang", "--world", "live", ...small], { env: { TMPDIR: own } });
    await one.said(/pause victim/);
    const folders = () => readdirSync(own).filter((name) => name.startsWith("grapevine-scenario-"));
    expect(folders()).toHaveLength(1);
    one.signal("SIGINT");
    expect((await one.end()).code).toBe(130);
    expect(one.hasProcesses).toBe(false);
    expect(folders()).toEqual([]);
  });
});

describe("grapevine run", () => {
  test("lets a scenario happen in virtual time, the same for the same seed", async () => {
    const [first, second, other] = await Promise.all(
      ["1", "1", "2"].map(async (seed) => jsonOf(await run(["run", "crash", "--seed", seed, "--json"]))),
    );
    expect(first).toMatchObject({ scenario: "crash", world: "simulated", seed: 1, ok: true, violations: [] });
    expect(first.traceHash).toMatch(/^[0-9a-f]+$/);
    expect(second).toEqual(first);
    expect(other.traceHash).not.toBe(first.traceHash);
  });

  test("reads a file, takes options of the command line before its own, and says in words how it went", async () => {
    const path = file(
      "mine.yaml",
      "network: { peers: 30 }\ntimeline: [{ do: crash, node: { random: 1, of: peers } }]",
    );
    const trace = join(folder, "mine.ndjson");
    const outcome = await run([
      "run",
      path,
      "--peers",
      "5",
      "--seeds",
      "2",
      "--ping-interval",
      "2s",
      "--trace",
      trace,
    ]);
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(outcome.stdout).toMatch(
      /^mine\n {2}simulated network, seed 1, a ping every 2000 ms\n {2}ok: the network formed \(5 of 5 /,
    );
    expect(outcome.stdout).toMatch(/\n {2}crash peer-\d\nheld \{/);
    const reader = readTrace(trace);
    const types: string[] = [];
    for await (const { type } of reader) types.push(type);
    expect(reader.header).toMatchObject({
      world: "simulated",
      about: { command: "run", scenario: { name: "mine", network: { peers: 5, seeds: 2 } }, seed: 1 },
    });
    expect([...reader.names.values()].map(({ name, role }) => `${role} ${name}`).sort()).toEqual(
      ["seed-1", "seed-2"]
        .map((name) => `seed ${name}`)
        .concat([1, 2, 3, 4, 5].map((i) => `peer peer-${i}`))
        .sort(),
    );
    expect(types).toContain("crashed");
    expect(types).toContain("peer-removed");
  });

  test("leaves a trace from which the same run can be made again", async () => {
    const trace = join(folder, "crash.ndjson");
    await run(["run", "crash", "--seed", "9", "--peers", "6", "--trace", trace]);
    const again = await run(["replay", trace, "--again"]);
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(again.stdout).toMatch(/^The same again: \d{3,} events of /);
    // Another seed in the header, and it is another run.
    const text = readFileSync(trace, "utf8");
    writeFileSync(trace, text.replace('"seed":9', '"seed":10'));
    expect((await run(["replay", trace, "--again"])).code).toBe(1);
    writeFileSync(trace, text.replace('"command":"run"', '"command":"up"'));
    expect((await run(["replay", trace, "--again"])).stderr).toContain(
      "--again: the trace is of no scenario and no simulation",
    );
  });

  test("ends with 1 where something did not hold, and says what", async () => {
    const path = file(
      "hopeless.yaml",
      "timeline: [{ do: crash, node: peer-1 }, { do: expect, is: lists-exact }]",
    );
    const outcome = await run(["run", path]);
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toContain(
      "FAILED: every seed lists exactly the living peers (11 peers live, the lists have",
    );
    expect(outcome.stdout).toContain("did not hold {");
  });

  test.each([
    [["nothing"], /scenario: there is no "nothing"; there are crash, hang, late-join, /],
    [["missing.yaml"], /scenario: cannot read missing\.yaml \(ENOENT\)/],
    [["crash", "--world", "dreamt"], /'dreamt' is invalid/],
    [["crash", "--plaintext"], /--plaintext: a simulated network has no TLS to leave out/],
    [["all", "--trace", "x.ndjson"], /--trace: one file holds one run; name one scenario instead of all/],
  ])("%j is the user's mistake", async (args, message) => {
    const outcome = await run(["run", ...args], { cwd: folder });
    expect(outcome).toMatchObject({ code: 2, stdout: "" });
    expect(outcome.stderr).toMatch(message);
    expect(existsSync(join(folder, "x.ndjson"))).toBe(false);
  });

  test("names file and line of a mistake in a scenario", async () => {
    file("slip.yaml", "network:\n  peers: 4\ntimeline:\n  - do: crush\n    node: peer-1\n");
    const { code, stderr } = await run(["run", "slip.yaml"], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/slip\.yaml:4: timeline\[0\]\.do: "crush" is none of join, crash, /);
  });

  test("lists what there is", async () => {
    const { code, stdout } = await run(["run", "--list"]);
    expect(code).toBe(0);
    for (const { name, description } of scenarios)
      expect(stdout).toMatch(new RegExp(`^  ${name} +${description}$`, "m"));
  });

  const examples = readdirSync(join(root, "examples/scenarios"));
  test.each(examples)("the example %s holds in the simulated world", async (name) => {
    const { stdout, code } = await run(["run", join(root, "examples/scenarios", name)]);
    expect(stdout).not.toContain("FAILED");
    expect(code).toBe(0);
  });

  test("every scenario that comes with it holds in the simulated world too, for several seeds", async () => {
    for (const seed of ["1", "2", "3"]) {
      const reports: ScenarioReport[] = jsonOf(await run(["run", "all", "--seed", seed, "--json"]));
      expect(reports.map(({ scenario }) => scenario)).toEqual(scenarios.map(({ name }) => name));
      const failed = reports.flatMap(({ scenario, checks, violations }) =>
        [...checks.filter(({ ok }) => !ok), ...violations].map((what) => ({ scenario, ...what })),
      );
      expect(failed).toEqual([]);
    }
  });
});
