// Grapevine's modern profile and Debian's Serf on this machine, in turn: `npm run bench:membership -- --help`.
import os from "node:os";
import { parseArgs } from "node:util";
import { endAll } from "./cluster.mjs";
import * as grapevine from "./grapevine.mjs";
import { removeHosts, whyNoHosts } from "./hosts.mjs";
import { crash, healing, idle, loss, pauses, removeFolders } from "./measures.mjs";
import { report } from "./report.mjs";
import * as serf from "./serf.mjs";
import { simulatedIdle } from "./simulated.mjs";

const systems = { serf, grapevine };
const measures = { crash, loss, pauses, healing, idle };

/** What is measured, in settings of each measure. Each is done for one system, then for the other. */
const plans = {
  full: {
    crash: [
      { count: 5, how: "kill", runs: 8 },
      { count: 10, how: "kill", runs: 8 },
      { count: 30, how: "kill", runs: 8 },
      { count: 5, how: "hang", runs: 8 },
    ],
    loss: [{ count: 10, share: 0.2, forMs: 300_000 }],
    pauses: [{ count: 5, pausesMs: [1000, 3000, 5000], runs: 4 }],
    healing: [{ perSide: 3, cutMs: 35_000, runs: 3 }],
    idle: [
      { count: 5, settleMs: 20_000, forMs: 60_000 },
      { count: 30, settleMs: 20_000, forMs: 60_000 },
    ],
    simulated: [5, 30, 300, 1000].map((count) => ({ count, forMs: 60_000 })),
  },
  quick: {
    crash: [
      { count: 5, how: "kill", runs: 3 },
      { count: 10, how: "kill", runs: 3 },
      { count: 30, how: "kill", runs: 3 },
      { count: 5, how: "hang", runs: 3 },
    ],
    loss: [{ count: 10, share: 0.2, forMs: 30_000 }],
    pauses: [{ count: 5, pausesMs: [1000, 3000, 5000], runs: 1 }],
    healing: [{ perSide: 3, cutMs: 35_000, runs: 1 }],
    idle: [
      { count: 5, settleMs: 10_000, forMs: 30_000 },
      { count: 30, settleMs: 10_000, forMs: 30_000 },
    ],
    simulated: [5, 30, 300].map((count) => ({ count, forMs: 30_000 })),
  },
};
const parts = Object.keys(plans.full);

const usage = `Usage: npm run bench:membership -- [options]

Starts Debian's Serf agents and our nodes in turn, each in a process of its own, on hosts that are network namespaces
of this machine (so it needs Linux, root, and the package iproute2), and prints how they compare.

  --quick          fewer and shorter runs, about 15 minutes; without it about 45
  --only a,b       only these parts: ${parts.join(", ")}
  --systems a,b    only these systems: ${Object.keys(systems).join(", ")}
  --json           everything that was measured, as one JSON object on standard output
  --help`;

const say = (text) => process.stderr.write(`${text}\n`);

function refuse(reason) {
  say(`${reason}\n\n${usage}`);
  process.exit(2);
}

function readOptions() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        systems: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    refuse(error.message);
  }
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const chosen = (option, text, all) => {
    const names = text?.split(",").map((name) => name.trim()) ?? all;
    for (const name of names)
      if (!all.includes(name)) refuse(`--${option} names ${name}; there is ${all.join(", ")}`);
    return names;
  };
  return {
    isJson: values.json,
    plan: values.quick ? plans.quick : plans.full,
    parts: chosen("only", values.only, parts),
    systems: chosen("systems", values.systems, Object.keys(systems)),
  };
}

const options = readOptions();
process.once("exit", () => {
  endAll();
  removeHosts();
  removeFolders();
});
for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
])
  process.once(signal, () => process.exit(exitCode));

const reasons = [
  ...options.systems.map((name) => systems[name].whyNot()),
  options.parts.some((part) => part !== "simulated") ? whyNoHosts() : undefined,
].filter((reason) => reason !== undefined);
for (const reason of reasons) say(reason);
if (reasons.length > 0) process.exit(2);

const load = () => os.loadavg()[0].toFixed(2);
const machine = {
  cpu: os.cpus()[0]?.model.trim(),
  cores: os.cpus().length,
  node: process.version,
  kernel: os.release(),
  serf: serf.version() ?? "unknown",
  loadBefore: load(),
};
say(
  `${machine.cores} x ${machine.cpu}, Node ${machine.node}, Linux ${machine.kernel}, Serf ${machine.serf}, load ${machine.loadBefore}`,
);

const results = {};
const failures = [];
for (const part of options.parts) {
  results[part] = [];
  for (const setting of options.plan[part]) {
    const name = `${part} ${Object.entries(setting)
      .map(([key, value]) => `${key} ${value}`)
      .join(", ")}`;
    const entry = { ...setting };
    const attempt = async (who, measure) => {
      say(`\n${name}: ${who} (load ${load()})`);
      try {
        return await measure((text) => say(`  ${text}`));
      } catch (error) {
        say(`  failed: ${error.message}`);
        failures.push(`${name}, ${who}: ${error.message}`);
        return undefined;
      }
    };
    if (part === "simulated") {
      const result = await attempt("simulator", () => simulatedIdle(setting));
      if (result !== undefined) results[part].push({ ...entry, ...result });
      continue;
    }
    for (const system of options.systems)
      entry[system] = await attempt(systems[system].title, (tell) =>
        measures[part](systems[system], setting, tell),
      );
    if (options.systems.some((system) => entry[system] !== undefined)) results[part].push(entry);
  }
}

machine.loadAfter = load();
if (options.isJson) console.log(JSON.stringify({ machine, results, failures }));
else {
  console.log(
    `\n${machine.cores} x ${machine.cpu}, Node ${machine.node}, Serf ${machine.serf}; load ${machine.loadBefore} before, ${machine.loadAfter} after.\n`,
  );
  console.log(report(results));
  for (const failure of failures) console.log(`Not measured: ${failure}`);
}
process.exitCode = failures.length > 0 ? 1 : 0;
