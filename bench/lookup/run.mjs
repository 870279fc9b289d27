// Our lookup nodes beside those that JavaScript has today, on this machine: `npm run bench:lookup -- --help`.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const contestantNames = ["grapevine", "bittorrent-dht", "hyperdht"];
const folder = fileURLToPath(new URL(".", import.meta.url));
const childScript = fileURLToPath(new URL("measure-one.mjs", import.meta.url));
const childLimitMs = 150_000;

/** The young generation belongs to the process and not to its nodes; the same for everybody. */
const childFlags = ["--expose-gc", "--max-semi-space-size=4"];

const usage = `Usage: npm run bench:lookup -- [options]

Runs each system in a process of its own, one after another, all nodes on loopback, and prints tables, ratios, and
which of our goals are met. About 4 minutes: most of it is waiting for the time-outs of others.

  --quick          fewer nodes and lookups: about a minute
  --only a,b       only these: ${contestantNames.join(", ")}
  --nodes A,B      numbers of nodes (default 50,200; with --quick 50)
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
        nodes: { type: "string" },
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
  const only = values.only?.split(",").map((item) => item.trim()) ?? contestantNames;
  for (const item of only)
    if (!contestantNames.includes(item)) refuse(`--only names ${item}, which is not a contestant`);
  const sizes = (values.nodes ?? (values.quick ? "50" : "50,200")).split(",").map(Number);
  for (const size of sizes)
    if (!Number.isInteger(size) || size < 20 || size > 2000)
      refuse(`--nodes is ${values.nodes}; whole numbers from 20 to 2000 are needed`);
  return { only, sizes, isQuick: values.quick, isJson: values.json };
}

/** The other systems are not dependencies of Grapevine; they are installed here, the first time they are needed. */
function installIncumbents() {
  if (existsSync(`${folder}node_modules`)) return undefined;
  say(
    "bench/lookup/node_modules is missing: running `npm ci` there. It fetches bittorrent-dht and hyperdht (35 MB,",
  );
  say("exact versions from bench/lookup/package-lock.json), only for this comparison.");
  // Nothing here needs its install script, the native add-ons come prebuilt.
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts", "--loglevel=error"], {
    cwd: folder,
    stdio: ["ignore", 2, 2],
    timeout: 300_000,
  });
  return status === 0 ? undefined : "`npm ci` in bench/lookup failed";
}

let running;

/** Runs one system in its own process; resolves to its numbers or to `{ failure }`. */
function runChild(contestant, parameters) {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [...childFlags, childScript, contestant, JSON.stringify(parameters)],
      {
        stdio: ["ignore", "pipe", "pipe", "ipc"],
      },
    );
    running = child;
    let output = "";
    let complaints = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      if (output.length < 1_000_000) output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      complaints = (complaints + text).slice(-4000);
    });
    const limit = setTimeout(() => {
      complaints += `\nstopped after ${childLimitMs / 1000} s`;
      child.kill("SIGKILL");
    }, childLimitMs);
    child.once("error", (error) => {
      complaints += error.message;
    });
    child.once("close", (exitCode) => {
      clearTimeout(limit);
      running = undefined;
      const line = output.split("\n").find((text) => text.startsWith('{"contestant"'));
      if (line !== undefined) return resolve(JSON.parse(line));
      const failure = complaints.trim() || `ended with exit code ${exitCode}`;
      resolve({ contestant, nodeCount: parameters.nodeCount, failure });
    });
  });
}

const rounded = (value) => {
  if (value === undefined || !Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(value < 10 ? 2 : 3)));
};

const rows = [
  ["join, ms per node", (r) => r.join.msEach],
  ["join, CPU ms per node", (r) => r.join.cpuMsEach],
  ["RSS, KiB per node", (r) => r.rssKiBPerNode],
  ["  after many lookups", (r) => r.rssKiBPerNodeBusy],
  ["lookup p50, ms", (r) => r.first.p50Ms],
  ["lookup p99, ms", (r) => r.first.p99Ms],
  ["queries per lookup", (r) => r.first.queriesEach],
  ["datagrams per lookup", (r) => r.first.datagramsEach],
  ["CPU us per datagram", (r) => r.first.cpuUsPerDatagram],
  ["8 lookups at once, after many: p50, ms", (r) => r.busy.p50Ms],
  ["  p99, ms", (r) => r.busy.p99Ms],
  ["  CPU us per datagram", (r) => r.busy.cpuUsPerDatagram],
  ["  CPU ms per lookup", (r) => (r.busy.cpuUsPerDatagram * r.busy.datagramsEach) / 1000],
  ["put p50, ms", (r) => r.put.p50Ms],
  ["get p50, ms", (r) => r.get.p50Ms],
  ["half killed: lookup p50, ms", (r) => r.killed[0].p50Ms],
  ["half killed: lookup p99, ms", (r) => r.killed[0].p99Ms],
  ["  second pass, p50", (r) => r.killed[1].p50Ms],
  ["  second pass, p99", (r) => r.killed[1].p99Ms],
  [
    "failures",
    (r) => [r.first, r.busy, r.put, r.get, ...r.killed].reduce((sum, { failures }) => sum + failures, 0),
  ],
];

/** Of the issue, for the largest network. */
const goals = [
  {
    text: "lookup p99 with half of the nodes killed, first pass",
    unit: "ms",
    most: 500,
    of: (r) => r.killed[0].p99Ms,
    isStrict: true,
  },
  { text: "the same, second pass", unit: "ms", most: 500, of: (r) => r.killed[1].p99Ms, isStrict: true },
  { text: "queries per lookup (k=8)", unit: "", most: 14, of: (r) => r.first.queriesEach },
  {
    text: "CPU per datagram, among nodes that know each other",
    unit: "us",
    most: 30,
    of: (r) => r.busy.cpuUsPerDatagram,
  },
  { text: "RSS per node", unit: "KiB", most: 100, of: (r) => r.rssKiBPerNode },
];

function judge(results) {
  const ours = results
    .filter(({ contestant, failure }) => contestant === "grapevine" && failure === undefined)
    .sort((a, b) => b.nodeCount - a.nodeCount)[0];
  if (ours === undefined) return [];
  return goals.map(({ text, unit, most, of, isStrict }) => {
    const value = of(ours);
    return {
      text,
      unit,
      most,
      value,
      nodeCount: ours.nodeCount,
      isMet: isStrict ? value < most : value <= most,
    };
  });
}

function printTable(nodeCount, results) {
  const lines = [
    [
      "",
      ...results.flatMap(({ contestant, title }, i) =>
        i === 0 ? [title ?? contestant] : [title ?? contestant, "x ours"],
      ),
    ],
    ...rows.map(([text, pick]) => {
      const ours = results[0].failure === undefined ? pick(results[0]) : undefined;
      return [
        text,
        ...results.flatMap((result, i) => {
          const value = result.failure === undefined ? pick(result) : undefined;
          return i === 0 ? [rounded(value)] : [rounded(value), ours > 0 ? rounded(value / ours) : "-"];
        }),
      ];
    }),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const pad = (text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]));
  console.log(`\n${nodeCount} nodes in one process`);
  for (const [index, line] of lines.entries()) {
    console.log(`  ${line.map(pad).join("   ")}`);
    if (index === 0) console.log(`  ${widths.map((width) => "-".repeat(width)).join("   ")}`);
  }
  for (const { contestant, failure } of results)
    if (failure !== undefined) console.log(`  ${contestant}: ${failure}`);
}

const options = readOptions();
for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.once(signal, () => {
    running?.kill("SIGTERM");
    process.exit(exitCode);
  });
}
if (options.only.includes("grapevine") && !existsSync(new URL("../../dist/node/index.js", import.meta.url)))
  refuse("dist/ is missing: `npm run build` makes it");
const missing = options.only.some((name) => name !== "grapevine") ? installIncumbents() : undefined;
if (missing !== undefined) say(`${missing}; going on without the others`);

const results = [];
for (const nodeCount of options.sizes) {
  for (const contestant of options.only) {
    if (contestant !== "grapevine" && missing !== undefined) continue;
    say(`${contestant}, ${nodeCount} nodes …`);
    const start = performance.now();
    const scale = options.isQuick ? 0.4 : 1;
    const result = await runChild(contestant, {
      nodeCount,
      lookups: Math.ceil(300 * scale),
      warmUpMs: 8000 * scale,
      killedLookups: Math.ceil(40 * scale),
      puts: Math.ceil(20 * scale),
    });
    results.push(result);
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    say(
      result.failure === undefined
        ? `  done in ${seconds} s`
        : `  failed: ${result.failure.split("\n").at(-1)}`,
    );
  }
}

const judgement = judge(results);
if (options.isJson) {
  const machine = { cpus: os.cpus().length, model: os.cpus()[0]?.model, node: process.version };
  console.log(JSON.stringify({ machine, flags: childFlags, results, goals: judgement }, null, 2));
} else {
  console.log(
    `Lookups on loopback, ${os.cpus().length} cores, Node ${process.version}, one run; CPU includes both ends.`,
  );
  for (const nodeCount of options.sizes) {
    const group = results.filter((result) => result.nodeCount === nodeCount);
    if (group.length > 0) printTable(nodeCount, group);
  }
  if (judgement.length > 0) console.log(`\nGoals, ${judgement[0].nodeCount} nodes`);
  for (const { text, unit, most, value, isMet } of judgement)
    console.log(`  ${isMet ? "met   " : "missed"}  ${text}: ${rounded(value)} ${unit} (at most ${most})`);
}
process.exitCode = results.some(({ failure }) => failure !== undefined) ? 1 : 0;
