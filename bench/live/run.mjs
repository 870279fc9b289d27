// Grapevine and what people use today under the same workload on this machine: `npm run bench:live -- --help`.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { defaults } from "./workload.mjs";

const contestantNames = ["grapevine", "libp2p", "nats", "hyperswarm"];
const benchFolder = fileURLToPath(new URL("..", import.meta.url));
const childScript = fileURLToPath(new URL("measure-one.mjs", import.meta.url));
const childLimitMs = 240_000;
const pacedMessagesPerSecond = 6;

const usage = `Usage: npm run bench:live -- [options]

Runs every system in a process of its own, one after another, all on loopback, and prints medians.

  --quick          short counts, one round
  --only a,b       only these: ${contestantNames.join(", ")}, or one mode of one, such as libp2p/tuned
  --repeats R      rounds (default 3, with --quick 1)
  --nodes N        nodes of each system (default ${defaults.nodeCount})
  --json           everything that was measured, as one JSON object on standard output
  --help`;

const say = (text) => process.stderr.write(`${text}\n`);

function readOptions() {
  const refuse = (reason) => {
    say(`${reason}\n\n${usage}`);
    process.exit(2);
  };
  const whole = (name, text, least, most) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    return refuse(`--${name} is ${text}; a whole number from ${least} to ${most} is needed`);
  };
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        repeats: { type: "string" },
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
  const only = values.only?.split(",").map((item) => item.trim());
  for (const item of only ?? [])
    if (!contestantNames.includes(item.split("/")[0]))
      refuse(`--only names ${item}, which is not a contestant`);
  return {
    only,
    isQuick: values.quick,
    isJson: values.json,
    repeats: whole("repeats", values.repeats ?? (values.quick ? 1 : 3), 1, 20),
    nodeCount: whole("nodes", values.nodes ?? defaults.nodeCount, 2, 200),
  };
}

/** The other systems are not dependencies of Grapevine; they are installed here, the first time they are needed. */
function installCompetitors() {
  if (existsSync(`${benchFolder}/node_modules`)) return undefined;
  say("bench/node_modules is missing: running `npm ci` in bench/. It fetches libp2p, the nats client and");
  say("hyperswarm (about 85 MB, exact versions from bench/package-lock.json), only for this comparison.");
  // Nothing here needs its install script, the native add-ons come prebuilt.
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts", "--loglevel=error"], {
    cwd: benchFolder,
    stdio: ["ignore", 2, 2],
    timeout: 300_000,
  });
  return status === 0 ? undefined : "skipped: `npm ci` in bench/ failed";
}

/** Which modes of which systems to run, and why some systems are left out. */
async function chooseEntries({ only }) {
  const entries = [];
  const skipped = [];
  const wanted = contestantNames.filter(
    (name) => only === undefined || only.some((item) => item.split("/")[0] === name),
  );
  const competitorsMissing = wanted.some((name) => name !== "grapevine") ? installCompetitors() : undefined;
  for (const name of wanted) {
    const file = new URL(`${name}.mjs`, import.meta.url);
    const skip = (reason) => skipped.push({ contestant: name, reason });
    if (!existsSync(file)) {
      skip(`bench/live/${name}.mjs does not exist yet; going on without it`);
      continue;
    }
    if (name !== "grapevine" && competitorsMissing !== undefined) {
      skip(competitorsMissing);
      continue;
    }
    const { modes, prepare } = await import(file.href);
    const reason = await prepare?.();
    if (reason !== undefined) {
      skip(reason);
      continue;
    }
    for (const [mode, { about, saturatedCount }] of Object.entries(modes))
      if (only === undefined || only.includes(name) || only.includes(`${name}/${mode}`))
        entries.push({ contestant: name, mode, about, saturatedCount });
  }
  for (const { contestant, reason } of skipped) say(`${contestant}: ${reason}`);
  return { entries, skipped };
}

let running;

function stopRunning(signal) {
  if (running?.exitCode !== null || running.signalCode !== null) return;
  try {
    process.kill(-running.pid, signal); // its process group: the child and whatever server it started
  } catch {
    // it has just ended
  }
}

/** Runs one system in its own process; resolves to its numbers or to `{ failure }`. */
function runChild({ contestant, mode }, parameters) {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ["--expose-gc", childScript, contestant, mode, JSON.stringify(parameters)],
      { stdio: ["ignore", "pipe", "pipe", "ipc"], detached: true },
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
      stopRunning("SIGKILL");
    }, childLimitMs);
    child.once("error", (error) => {
      complaints += error.message;
    });
    child.once("close", (exitCode) => {
      clearTimeout(limit);
      running = undefined;
      const line = output.split("\n").find((text) => text.startsWith('{"contestant"'));
      if (line !== undefined) resolve(JSON.parse(line));
      else resolve({ contestant, mode, failure: complaints.trim() || `ended with exit code ${exitCode}` });
    });
  });
}

const median = (values) => {
  const sorted = values.filter((value) => typeof value === "number").sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Medians over the rounds of every number; the range of the one that matters most. */
function summarize(runs) {
  const medians = (objects) =>
    Object.fromEntries(
      Object.entries(objects[0])
        .filter(([, value]) => typeof value === "number")
        .map(([key]) => [key, median(objects.map((object) => object[key]))]),
    );
  const { contestant, mode, title } = runs[0];
  const loads = runs[0].loads.map((_, index) => {
    const samples = runs.map((run) => run.loads[index]);
    const totals = samples.map((load) => load.cpuUsPerDelivery + (load.helperCpuUsPerDelivery ?? 0));
    return {
      ...medians(samples),
      totalCpuUsPerDelivery: median(totals),
      totalCpuUsPerDeliveryRange: [Math.min(...totals), Math.max(...totals)],
    };
  });
  return { contestant, mode, title, rounds: runs.length, ...medians(runs), loads };
}

const rounded = (value) => {
  if (value === undefined || !Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(value < 10 ? 2 : 3)));
};
const thousands = (value) => (value >= 10_000 ? `${rounded(value / 1000)} k` : rounded(value));
const percent = (ratio) => (ratio === undefined ? "-" : `${(Math.floor(ratio * 1000) / 10).toFixed(1)} %`);

/** Ours to theirs, as "1 : 4.7" when theirs is larger and "3.1 : 1" when ours is. */
const ratio = (ours, theirs) => {
  if (!(ours > 0) || !(theirs > 0)) return "-";
  return theirs >= ours ? `1 : ${rounded(theirs / ours)}` : `${rounded(ours / theirs)} : 1`;
};

function printTable(caption, columns, rows) {
  const lines = [columns, ...rows];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const pad = (text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]));
  console.log(`\n${caption}`);
  for (const [index, line] of lines.entries()) {
    console.log(`  ${line.map(pad).join("   ")}`);
    if (index === 0) console.log(`  ${widths.map((width) => "-".repeat(width)).join("   ")}`);
  }
}

const cpuCell = (load, rounds) => {
  const own = rounded(load.cpuUsPerDelivery);
  const helper =
    load.helperCpuUsPerDelivery === undefined ? "" : ` + ${rounded(load.helperCpuUsPerDelivery)} server`;
  const [least, most] = load.totalCpuUsPerDeliveryRange;
  return `${own}${helper}${rounds > 1 ? ` (${rounded(least)}-${rounded(most)})` : ""}`;
};

function printReport(summaries, { nodeCount, repeats }) {
  const load = (summary, isSaturated) =>
    summary.loads.find((candidate) => (candidate.messagesPerSecond === 0) === isSaturated);
  const rounds = repeats > 1 ? `medians of ${repeats} rounds, (range)` : "one round";
  console.log(
    `\n${nodeCount} nodes in one process, ${defaults.messageBytes} B messages, loopback, ${rounds}.`,
  );
  console.log(
    "CPU is user + system time per delivery; at the paced load the idle network's share is taken off.",
  );

  for (const isSaturated of [false, true]) {
    printTable(
      isSaturated ? "Saturated, 20 publishes in flight" : `Paced, ${pacedMessagesPerSecond} messages/s`,
      [
        "system",
        "delivered",
        "CPU us/delivery",
        "deliveries/s",
        "p50 ms",
        "p99 ms",
        "copies/delivery",
        "B/delivery",
      ],
      summaries.map((summary) => {
        const measured = load(summary, isSaturated);
        return [
          summary.title,
          percent(measured.deliveredRatio),
          cpuCell(measured, summary.rounds),
          thousands(measured.deliveriesPerSecond),
          rounded(measured.latencyP50Ms),
          rounded(measured.latencyP99Ms),
          rounded(measured.wireMessagesPerDelivery),
          rounded(measured.wireBytesPerDelivery),
        ];
      }),
    );
  }

  printTable(
    "Setting up and keeping up",
    ["system", "connections", "CPU ms/connection", "ready after ms", "memory MB/node", "idle CPU ms/node/s"],
    summaries.map((summary) => [
      summary.title,
      rounded(summary.connections),
      rounded(summary.connectCpuMsPerConnection),
      rounded(summary.settledAfterMs),
      rounded(summary.memoryMbPerNode),
      rounded(summary.idleCpuMsPerNodePerSecond),
    ]),
  );

  const theirs = summaries.filter(({ contestant }) => contestant !== "grapevine");
  for (const ours of summaries.filter(({ contestant }) => contestant === "grapevine")) {
    const row = (their) => {
      const both = (pick) => ratio(pick(ours), pick(their));
      return [
        their.title,
        both((summary) => load(summary, false).totalCpuUsPerDelivery),
        both((summary) => load(summary, true).totalCpuUsPerDelivery),
        both((summary) => load(summary, true).deliveriesPerSecond),
        both((summary) => load(summary, false).latencyP50Ms),
        both((summary) => load(summary, false).latencyP99Ms),
        both((summary) => load(summary, false).wireBytesPerDelivery),
        both((summary) => summary.memoryMbPerNode),
        both((summary) => summary.connectCpuMsPerConnection),
      ];
    };
    printTable(
      `${ours.title} : each (servers included)`,
      [
        "system",
        "CPU paced",
        "CPU saturated",
        "deliveries/s",
        "p50 paced",
        "p99 paced",
        "bytes paced",
        "memory",
        "CPU/connection",
      ],
      theirs.map(row),
    );
  }
}

const options = readOptions();
for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.once(signal, () => {
    stopRunning("SIGTERM");
    process.exit(exitCode);
  });
}

const { entries, skipped } = await chooseEntries(options);
const shortened = (count) => (options.isQuick ? Math.ceil(count / 4) : count);
const parametersOf = ({ saturatedCount }, round) => ({
  nodeCount: options.nodeCount,
  seed: round,
  warmUpCount: options.isQuick ? 60 : defaults.warmUpCount,
  idleMs: options.isQuick ? 3000 : defaults.idleMs,
  loads: [
    { messagesPerSecond: pacedMessagesPerSecond, count: options.isQuick ? 48 : 120 },
    { messagesPerSecond: 0, count: shortened(saturatedCount) },
  ],
});

for (const { contestant, mode, about } of entries) say(`${contestant}/${mode}: ${about}`);
const machine = {
  cpu: os.cpus()[0]?.model.trim(),
  cores: os.cpus().length,
  node: process.version,
  platform: `${os.platform()} ${os.arch()}`,
};
say(`${machine.cores} x ${machine.cpu}, Node ${machine.node}, load ${os.loadavg()[0].toFixed(1)}\n`);

const runs = [];
const total = entries.length * options.repeats;
for (let round = 1; round <= options.repeats; round++) {
  for (const entry of entries) {
    const run = await runChild(entry, parametersOf(entry, round));
    runs.push(run);
    const progress = `[${runs.length}/${total}] ${entry.contestant}/${entry.mode}`;
    if (run.failure === undefined) {
      const [paced, saturated] = run.loads.map((load) => rounded(load.cpuUsPerDelivery));
      say(`${progress}: ${paced} us/delivery paced, ${saturated} saturated`);
    } else {
      say(`${progress} failed: ${run.failure}`);
    }
  }
}

const summaries = entries
  .map(({ contestant, mode }) =>
    runs.filter((run) => run.contestant === contestant && run.mode === mode && run.failure === undefined),
  )
  .filter((good) => good.length > 0)
  .map(summarize);
if (options.isJson) console.log(JSON.stringify({ machine, options, skipped, summaries, runs }));
else printReport(summaries, options);
const failures = runs.filter((run) => run.failure !== undefined);
if (!options.isJson) {
  for (const { contestant, reason } of skipped) console.log(`\n${contestant}: ${reason}`);
  for (const { contestant, mode } of failures)
    console.log(`\n${contestant}/${mode}: a run failed, see above`);
}
process.exitCode = failures.length > 0 ? 1 : 0;
