/** The examples, run as their readers run them: with plain Node, on the package as it is published. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { endPrograms, freePort, root, run, start } from "./support/program.ts";

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "grapevine-examples-"));
});
afterEach(endPrograms);
afterAll(() => rmSync(base, { recursive: true, force: true }));

const example = (name: string) => ({ cwd: base, script: join(root, "examples", name) });

test("there is a test for each", () => {
  const names = readdirSync(join(root, "examples")).filter((name) => !name.endsWith(".md"));
  // Scenarios are data: test/live/scenarios.test.ts runs each. The node for Maelstrom: test/maelstrom-node.test.ts.
  expect(names).toEqual([
    "join.mjs",
    "local-network.mjs",
    "lookup-node.mjs",
    "maelstrom-node.mjs",
    "modern-membership.mjs",
    "scenarios",
    "shared-state.mjs",
    "simulation.mjs",
  ]);
});

test("join.mjs joins, publishes, hears what the others say, and leaves", async () => {
  const inBase = { cwd: base, env: { XDG_RUNTIME_DIR: base } };
  const seedAddress = `127.0.0.1:${await freePort()}`;
  await run(["cluster", "create", "my-net", "--seeds", seedAddress], inBase);
  await Promise.all(["seed1", "alice", "bob"].map((name) => run(["cluster", "add", "my-net", name], inBase)));
  const seed = start(["seed", "my-net/nodes/seed1", "--listen", seedAddress], inBase);
  await seed.said(/^seed1 at /m);
  const bob = start(["peer", "my-net/nodes/bob", "--messages", "0"], inBase);
  await bob.said(/its list has 1 peer$/m);

  const alice = start([], example("join.mjs"));
  const [, place] = await bob.said(/^bob at (127\.0\.0\.1:\d+)/m);
  await alice.said(/^Here already: \[/m);
  await bob.said(/Gossip from [0-9a-f]{8}@127\.0\.0\.1:\d+, message 0 of \S+: hello from alice$/m);
  // Alice listens once her own message is out; until then, what others say passes her by.
  let greetings = 0;
  while (!alice.stdout.includes(" says: ")) {
    await run(["publish", "--node", "bob", `greeting ${greetings++}`], inBase);
    expect(greetings).toBeLessThan(20);
  }
  expect(alice.stdout).toMatch(new RegExp(`^${place} says: greeting \\d$`, "m"));
  await run(["publish", "--node", "bob", "goodbye"], inBase);
  expect(await alice.end()).toMatchObject({ code: 0, stderr: "" });
  expect(alice.stdout.trimEnd().split("\n").at(-1)).toBe(`${place} says: goodbye`);
  await bob.said(/Peer left: [0-9a-f]{8}@127\.0\.0\.1:\d+$/m);
  await seed.said(/Removed [0-9a-f]{8}@127\.0\.0\.1:\d+ \(left\); the list has 1 peer$/m);
});

test("local-network.mjs is a network by itself: two peers meet, talk and part, and the process ends", async () => {
  const { code, stdout, stderr } = await run([], example("local-network.mjs"));
  expect(stderr).toBe("");
  const lines = stdout.trimEnd().split("\n");
  expect(lines.filter((line) => line.startsWith("bob hears"))).toEqual([
    "bob hears message 0 of ada: one",
    "bob hears message 1 of ada: two",
    "bob hears message 2 of ada: three",
  ]);
  expect(lines.filter((line) => line.startsWith("bob sees"))).toEqual(
    expect.arrayContaining(["bob sees neighbor-up: ada", "bob sees left: ada"]),
  );
  expect(lines).toContain("ada knows 1 other, and has 1 neighbor");
  expect(lines.at(-1)).toBe("the network is closed");
  expect(code).toBe(0);
});

test("lookup-node.mjs: what one node put, another reads when a third of them was killed", async () => {
  const { code, stdout, stderr } = await run([], example("lookup-node.mjs"));
  expect(stderr).toBe("");
  const lines = stdout.trimEnd().split("\n");
  expect(lines.slice(0, 3)).toEqual([
    "8 nodes keep it",
    "4 of 12 nodes were killed",
    "another one reads: green",
  ]);
  expect(lines.at(-1)).toMatch(/^responsible: [0-9a-f]{40}@127\.0\.0\.1:\d+, \d hops away$/);
  expect(code).toBe(0);
});

test("modern-membership.mjs: all have what was said, and who dies without a word is given up, with the reason", async () => {
  const { code, stdout, stderr } = await run([], example("modern-membership.mjs"));
  expect(stderr).toBe("");
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^ada publishes; neighbors it was handed to: [12], dropped: 0$/);
  expect(lines.slice(1, 5)).toEqual([
    "ada says: hello",
    "ada says: hello",
    "2 of 2 who were asked have it",
    "bob sees dead: carol",
  ]);
  expect(lines[5]).toMatch(/^why failed: (missed|suspected), then .*failed$/);
  expect(lines.slice(6)).toEqual(["bob sees left: ada", "the network is closed"]);
  expect(code).toBe(0);
});

test("shared-state.mjs: all come to have the same, also who came late, and what was deleted is gone", async () => {
  const { code, stdout, stderr } = await run([], example("shared-state.mjs"));
  expect(stderr).toBe("");
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      "bob hears: ada set workers",
      "bob hears: ada deleted workers",
      "bob hears: ada set done",
    ]),
  );
  expect(lines.slice(-3)).toEqual([
    "both say the same of who leads: true",
    "eve, who came late, has done",
    "eve, who came late, has leader",
  ]);
  expect(code).toBe(0);
});

test("simulation.mjs spreads a rumor to everybody, and the same seed gives the same run", async () => {
  const { code, stdout, stderr } = await run([], example("simulation.mjs"));
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^after 4 s \d+ of 100000 know it$/m);
  expect(stdout.trimEnd().split("\n").slice(-3)).toEqual([
    expect.stringMatching(/^everybody knows it after \d+ s$/),
    "the same seed gives the same run: true",
    "another seed another: true",
  ]);
  expect(code).toBe(0);
});
