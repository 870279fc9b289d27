/**
 * One seed, one run: each scenario that comes with us, and each in examples/, gives the same hash in this process and
 * in the worker threads of another.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  type CampaignReport,
  createSimulatedWorld,
  loadScenario,
  runCampaign,
  runScenario,
  type Scenario,
  scenarios,
} from "../src/lab/index.ts";
import { endPrograms, jsonOf, root, run } from "./support/program.ts";

const folder = mkdtempSync(join(tmpdir(), "grapevine-determinism-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterAll(endPrograms);

const examples = join(root, "examples/scenarios");
/** What the command line calls it, and what it is. */
const all: [string, Scenario][] = [
  ...scenarios.map((scenario): [string, Scenario] => [scenario.name, scenario]),
  ...readdirSync(examples).map((file): [string, Scenario] => {
    const path = join(examples, file);
    return [path, loadScenario(path)];
  }),
];

/** The hash of a run in this process, and how many events somebody saw who watched. */
async function hashOf(scenario: Scenario, seed: number, isWatched = false) {
  const world = createSimulatedWorld(scenario, { seed });
  let events = 0;
  if (isWatched) world.onEvent(() => events++);
  await runScenario(scenario, world, { seed });
  return { hash: world.traceHash, events };
}

/** The hashes of the seeds 1 and 2, each run in a worker thread. */
async function hashesOfThreads(name: string, threads: number): Promise<string[]> {
  const file = join(folder, `${name.replaceAll("/", "-")}-${threads}.ndjson`);
  const options = ["--seed", "1", "--runs", "2", "--threads", String(threads), "--output", file, "--json"];
  const { stderr } = await run(["simulate", name, ...options]);
  expect(stderr).toBe("");
  const results = readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).result as { seed: number; traceHash: string });
  return results.sort((a, b) => a.seed - b.seed).map(({ traceHash }) => traceHash);
}

test("there are scenarios to look at", () => {
  expect(scenarios.length).toBeGreaterThanOrEqual(6);
  expect(all.length).toBeGreaterThan(scenarios.length);
});

describe.each(all)("%s", (name, scenario) => {
  test("gives the same hash for the same seed, here and in two threads at once; another for another", async () => {
    const first = await hashOf(scenario, 1);
    const second = await hashOf(scenario, 2);
    expect(first.hash).toMatch(/^[0-9a-f]{16}$/);
    expect((await hashOf(scenario, 1)).hash).toBe(first.hash);
    expect(second.hash).not.toBe(first.hash);
    expect(await hashesOfThreads(name, 2)).toEqual([first.hash, second.hash]);
  });

  test("is not disturbed by who watches", async () => {
    const watched = await hashOf(scenario, 1, true);
    expect(watched.events).toBeGreaterThan(100);
    expect(watched.hash).toBe((await hashOf(scenario, 1)).hash);
  });
});

test("one thread after the other is the same as two at once", async () => {
  const [name] = all[0]!;
  expect(await hashesOfThreads(name, 1)).toEqual(await hashesOfThreads(name, 2));
});

describe("a campaign", () => {
  const campaign = async (seed: number, threads: number, more: readonly string[] = []) => {
    const options = ["--runs", "24", "--seed", String(seed), "--threads", String(threads), "--json"];
    return figuresOf(jsonOf(await run(["campaign", ...options, ...more])));
  };
  const figuresOf = ({ hash, events, virtualMs, occurred }: CampaignReport) => ({
    hash,
    events,
    virtualMs,
    occurred,
  });

  test("gives the same for the same seed, on any number of threads", async () => {
    const alone = figuresOf(await runCampaign({ runs: 24, seed: 100, threads: 0 }));
    expect(alone.hash).toMatch(/^[0-9a-f]{16}$/);
    for (const threads of [1, 2]) expect(await campaign(100, threads)).toEqual(alone);
    expect((await campaign(124, 2)).hash).not.toBe(alone.hash);
  });

  test("of the modern profile, too", async () => {
    const profile = "modern";
    const alone = figuresOf(await runCampaign({ runs: 10, seed: 100, threads: 0, profile }));
    expect(await campaign(100, 2, ["--profile", profile, "--runs", "10"])).toEqual(alone);
  });
});
