// What the classic network costs as it grows: node bench/scale.mjs [--sizes 20,50] [--only tls|plaintext] [--json] [--write]
// Each size runs alone in a process of its own. --write puts the table into docs/performance.md.
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "20,50,100,300,1000" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    one: { type: "string" },
  },
});

const settleMs = 8000;
const idleMs = 10_000;
const messageCount = 20;
const messagesPerSecond = 2;

if (values.one !== undefined) await measureOne(JSON.parse(values.one));
else await measureAll();

async function measureOne({ peers, isPlaintext }) {
  const { LocalNetwork } = await import(new URL("../dist/lab/index.js", import.meta.url).href);
  const options = { source: { messages: 0 } };
  // A little network first: loaded and compiled code is nobody's memory per peer.
  const rehearsal = await LocalNetwork.start({ seeds: 1, peers: 4, isPlaintext, options });
  await rehearsal.close();
  const cpuBefore = process.cpuUsage();
  const network = await LocalNetwork.start({ seeds: 6, peers, isPlaintext, options });
  const startCpuMs = milliseconds(process.cpuUsage(cpuBefore));
  await sleep(settleMs);
  globalThis.gc();
  const memoryPerPeerKiB = network.memoryPerPeerNowKiB();
  const { startMs, degrees, connected } = network.report();
  let mark = process.cpuUsage();
  await sleep(idleMs);
  const idleCpuMs = milliseconds(process.cpuUsage(mark));
  // Warm up, so that compilation is not charged to the first messages.
  await publish(network, 5);
  const { measurement } = network;
  const sendsBefore = network.report().sends;
  const before = measurement.deliveries;
  measurement.forgetLatencies();
  mark = process.cpuUsage();
  const began = performance.now();
  await publish(network, messageCount);
  const wallMs = performance.now() - began;
  const deliveries = measurement.deliveries - before;
  const loadCpuMs = milliseconds(process.cpuUsage(mark)) - (idleCpuMs * wallMs) / idleMs;
  const result = {
    peers,
    transport: isPlaintext ? "plaintext" : "TLS",
    connected,
    startMs,
    startCpuMs: Math.round(startCpuMs),
    meanDegree: degrees.mean,
    maxDegree: degrees.max,
    memoryPerPeerKiB,
    idleCpuPercent: Number(((100 * idleCpuMs) / idleMs).toFixed(1)),
    ratio: deliveries / (messageCount * (peers - 1)),
    p50Ms: measurement.latencyMs.p50,
    p99Ms: measurement.latencyMs.p99,
    cpuUsPerDelivery: Math.round((1000 * loadCpuMs) / deliveries),
    sendsPerDelivery: Number(((network.report().sends - sendsBefore) / deliveries).toFixed(2)),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

/** One message after another from random peers, and then until the last has arrived. */
async function publish(network, count) {
  const { measurement, peers } = network;
  const wanted = measurement.deliveries + count * (peers.length - 1);
  const began = performance.now();
  for (let i = 0; i < count; i++) {
    const waitMs = began + (i * 1000) / messagesPerSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    await peers[(i * 7919) % peers.length].publish(`message ${i} ${"x".repeat(180)}`);
  }
  const deadline = performance.now() + 60_000;
  while (measurement.deliveries < wanted && performance.now() < deadline) await sleep(5);
}

function milliseconds({ user, system }) {
  return (user + system) / 1000;
}

async function measureAll() {
  const results = [];
  for (const peers of values.sizes.split(",").map(Number)) {
    for (const transport of ["tls", "plaintext"]) {
      if (values.only !== undefined && values.only !== transport) continue;
      process.stderr.write(`${peers} peers, ${transport} …\n`);
      results.push(await inOwnProcess({ peers, isPlaintext: transport === "plaintext" }));
    }
  }
  if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  else process.stdout.write(`${table(results)}\n`);
  if (values.write) writeTable(results);
}

function inOwnProcess(parameters) {
  return new Promise((resolve, reject) => {
    const args = ["--expose-gc", fileURLToPath(import.meta.url), "--one", JSON.stringify(parameters)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
    });
    child.once("exit", (code) =>
      code === 0 ? resolve(JSON.parse(said)) : reject(new Error(`ended with ${code}`)),
    );
  });
}

function table(results) {
  const columns = [
    ["peers", "peers"],
    ["transport", "transport"],
    ["startMs", "start ms"],
    ["startCpuMs", "start CPU ms"],
    ["meanDegree", "mean degree"],
    ["maxDegree", "max"],
    ["memoryPerPeerKiB", "KiB/peer"],
    ["idleCpuPercent", "idle CPU %"],
    ["ratio", "delivered"],
    ["p50Ms", "p50 ms"],
    ["p99Ms", "p99 ms"],
    ["cpuUsPerDelivery", "CPU us/delivery"],
    ["sendsPerDelivery", "sends/delivery"],
  ];
  const lines = [
    `| ${columns.map(([, title]) => title).join(" | ")} |`,
    `|${columns.map(() => " ---: ").join("|")}|`,
    ...results.map((result) => `| ${columns.map(([key]) => result[key]).join(" | ")} |`),
  ];
  return lines.join("\n");
}

function writeTable(results) {
  const path = new URL("../docs/performance.md", import.meta.url);
  const [cpu] = os.cpus();
  const machine = `Measured on ${os.cpus().length} cores (${cpu?.model ?? "unknown"}, shared), ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node ${process.version}.`;
  const text = readFileSync(path, "utf8").replace(
    /<!-- scale -->[\s\S]*<!-- \/scale -->/,
    `<!-- scale -->\n${machine}\n\n${table(results)}\n<!-- /scale -->`,
  );
  writeFileSync(path, text);
}
