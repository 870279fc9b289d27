import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { durationMs } from "../../scenario/duration.ts";
import { invariantNames } from "../../scenario/scenario.ts";
import { scenarios } from "../../scenario/scenarios/index.ts";
import { findScenario } from "./find-scenario.ts";
import { loadScenario, parseScenario, scenarioFields, scenarioOf } from "./scenario-file.ts";

/** A scenario whose fourth step is the text. */
function withStep(step: string): string {
  return [
    "name: crash",
    "network:",
    "  peers: 8",
    "timeline:",
    "  - do: join",
    "    name: victim",
    "  - { do: wait, for: 1 ping }",
    "  - do: expect",
    "    is: listed",
    "    node: victim",
    `  - ${step}`,
  ].join("\n");
}

const errorOf = (text: string) => {
  try {
    parseScenario(text, "crash.yaml");
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
};

describe("a scenario file", () => {
  test("may have every kind of field", () => {
    const text = `
description: all of it
network: { seeds: 3, peers: 8, joinEvery: 100ms, isWireTrue: true, links: { kind: stream, loss: 0.1 } }
stack:
  profile: classic
  options:
    heartbeat: { ping-interval: 2s }
    overlay: { minDegree: 4 }
nodes:
  - { which: [peer-1, peer-2], perEventMs: 3, zone: 1, options: { broadcast: { retain-messages: 5 } } }
timeline:
  - { do: join, count: 3, over: 5 pings }
  - { do: crash, node: { random: 2, of: peers }, at: 10s }
  - { do: restart, node: the drawn, keepsDisk: false }
  - { do: partition, groups: [[peer-1, seed-1], peer-2] }
  - { do: cut, from: all peers, to: seed-1 }
  - { do: links, set: { latency: { model: constant, ms: 5 } } }
  - { do: heal }
  - { do: expect, is: delivered, within: 1m, claim: all is well, figure: ms }
invariants: [delivered-once]
calm: 20s
maxUnlisted: 3 pings
`;
    const scenario = parseScenario(text, "some/where/everything.yaml");
    expect(scenario.name).toBe("everything");
    expect(scenario.stack?.options).toEqual({
      heartbeat: { pingIntervalMs: 2000 },
      overlay: { minDegree: 4 },
    });
    expect(scenario.nodes?.[0]?.options).toEqual({ broadcast: { retainMessages: 5 } });
    expect(scenario.network?.links).toEqual({ kind: "stream", loss: 0.1 });
    expect(scenario.timeline).toHaveLength(8);
    expect(scenario.timeline?.[1]).toEqual({ do: "crash", node: { random: 2, of: "peers" }, at: "10s" });
  });

  test("may be JSON", () => {
    expect(parseScenario('{"name":"a","timeline":[{"do":"heal"}]}', "a.json").timeline).toEqual([
      { do: "heal" },
    ]);
  });

  test.each([
    [
      withStep("do: explode"),
      /^crash\.yaml:11: timeline\[3\]\.do: "explode" is none of join, crash, restart, /,
    ],
    [withStep("node: peer-1"), /^crash\.yaml:11: timeline\[3\]: "do" is missing; it is one of join, crash, /],
    [withStep("crash"), /^crash\.yaml:11: timeline\[3\]: "crash" is no step/],
    [
      withStep("do: crash\n    node: peer-1\n    nose: 1"),
      /^crash\.yaml:13: timeline\[3\]\.nose: there is no such field; there are do, node, at$/,
    ],
    [withStep("do: crash"), /^crash\.yaml:11: timeline\[3\]\.node: is missing$/],
    [
      withStep("do: crash\n    node: 7"),
      /^crash\.yaml:12: timeline\[3\]\.node: 7 means no nodes; write a name/,
    ],
    [
      withStep("do: wait\n    for: 5 pongs"),
      /^crash\.yaml:12: timeline\[3\]\.for: "5 pongs" is no duration; write 500/,
    ],
    [
      withStep("do: expect\n    is: fine"),
      /^crash\.yaml:12: timeline\[3\]\.is: "fine" is none of formed, connected/,
    ],
    [
      withStep("do: expect\n    is: removed\n    node: victim\n    until: 5s"),
      /^crash\.yaml:14: timeline\[3\]\.until: there is no such field; there are do, is, node, by, within, claim, figure, at$/,
    ],
    [
      withStep("do: links\n    set:\n      loss: 2"),
      /^crash\.yaml:13: timeline\[3\]\.set\.loss: 2 is more than 1$/,
    ],
    [withStep("do: partition"), /^crash\.yaml:11: timeline\[3\]: give one of "groups", "share" and "by"$/],
    [
      withStep("do: join\n    name: a\n    count: 2"),
      /^crash\.yaml:13: timeline\[3\]\.count: one peer joins by its name/,
    ],
    [
      "name: crash\nnetwork:\n  peers: many",
      /^crash\.yaml:3: network\.peers: "many" is not a whole number between 0 and/,
    ],
    [
      "name: crash\nnetworks: 3",
      /^crash\.yaml:2: networks: there is no such field; there are name, description, network, /,
    ],
    [
      "network:\n  seats: 3",
      /^crash\.yaml:2: network\.seats: there is no such field; there are seeds, peers, /,
    ],
    [
      "stack:\n  options:\n    heartbeat:\n      ping-interval: soon",
      /^crash\.yaml:4: stack\.options\.heartbeat\.ping-interval: --ping-interval: "soon" is no duration/,
    ],
    [
      "stack:\n  options:\n    hearts: {}",
      /^crash\.yaml:3: stack\.options\.hearts: no section "hearts"; there are /,
    ],
    [
      "network:\n  links:\n    latency:\n      model: constant\n      ms: -1",
      /^crash\.yaml:5: network\.links\.latency\.ms: -1 is less than 0$/,
    ],
    ["invariants:\n  - never", /^crash\.yaml:2: invariants\[0\]: "never" is none of delivered-once, /],
    ["- a\n- b", /^crash\.yaml:1: expected a scenario with fields/],
    ["name: [", /^crash\.yaml:\d: /],
  ])("%# is refused with line and mend", (text, message) => {
    expect(errorOf(text)).toMatch(message);
  });

  test("that cannot be read is said so", () => {
    expect(() => loadScenario("/nowhere/x.yaml")).toThrow("scenario: cannot read /nowhere/x.yaml (ENOENT)");
  });
});

test("a scenario of code is checked as well, and its errors name the place without a line", () => {
  expect(() =>
    scenarioOf({ name: "a", timeline: [{ do: "crash", node: { random: 0, of: "peers" } }] }),
  ).toThrow(/^timeline\[0\]\.node\.random: 0 is not a whole number between 1 and /);
});

describe("the scenarios that come with Grapevine", () => {
  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))("%s is valid", (_, scenario) => {
    expect(scenarioOf(scenario)).toEqual(scenario);
    expect(findScenario(scenario.name)).toBe(scenario);
    expect(scenario.description).toBeDefined();
  });

  test("are named where there is no such one, and files are found by their path", () => {
    expect(() => findScenario("explosion")).toThrow(
      /there is no "explosion"; there are crash, hang, late-join, /,
    );
    const folder = mkdtempSync(join(tmpdir(), "scenario-"));
    const path = join(folder, "mine.yaml");
    writeFileSync(path, "timeline: [{ do: heal }]");
    expect(findScenario(path).name).toBe("mine");
    rmSync(folder, { recursive: true });
  });
});

test("durations are in milliseconds, with a unit, or in pings", () => {
  const durations = [500, "500", "500ms", "1.5s", "2m", "5 pings", "1 ping", "0.5 pings"] as const;
  expect(durations.map((one) => durationMs(one, 13_000))).toEqual([
    500, 500, 500, 1500, 120_000, 65_000, 13_000, 6500,
  ]);
  expect(() => durationMs("soon", 1000, "calm")).toThrow(
    'calm: "soon" is no duration; write 500ms, 5s, 2m, 1h or',
  );
  expect(() => durationMs(-1, 1000)).toThrow("-1 is no duration");
});

test("docs/scenarios.md has a row for every action, condition and invariant, with all fields", () => {
  const lines = readFileSync(new URL("../../../docs/scenarios.md", import.meta.url), "utf8").split("\n");
  const { actions, conditions, expect: ofExpect } = scenarioFields;
  const invariants = Object.fromEntries(invariantNames.map((name) => [name, []]));
  const all = [actions, conditions, { expect: ofExpect }, invariants].flatMap((table) =>
    Object.entries(table),
  );
  for (const [name, fields] of all) {
    const row = lines.find((line) => line.split("|")[1]?.includes(`\`${name}\``));
    expect(row, name).toBeDefined();
    for (const field of fields) expect(row, name).toContain(`\`${field}\``);
  }
});
