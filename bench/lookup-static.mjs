// What a network of a million nodes costs that does not change: node bench/lookup-static.mjs [--nodes 1000000]
// [--lookups 100000] [--routers kademlia,chord,pastry] [--seed 1] [--json]
//
// Of each router all nodes are made, with tables as they should be; then random nodes look up random keys. Each router has a
// process of its own. Hops are held against the models of src/theory, answers against the truth.
import { spawn } from "node:child_process";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "1000000" },
    lookups: { type: "string", default: "100000" },
    routers: { type: "string", default: "kademlia,chord,pastry" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    one: { type: "string" },
  },
});

/** As many at a time: so many are under way at once. */
const batch = 5000;

if (values.one !== undefined) await measureOne(JSON.parse(values.one));
else await measureAll();

async function measureOne({ router: name, nodes, lookups, seed }) {
  const { KeySpace, LookupNetwork, labRouterNamed, staticTuning } = await load("lab/index.js");
  const { Moments, randomKey, seededRandom } = await load("core/index.js");
  const router = labRouterNamed(name);
  const tuning = staticTuning();
  const keys = new KeySpace({ seed, rows: nodes });
  keys.rankOf(0); // sorts them: that is the laboratory's work, not the network's
  const tableOf = router.tables(keys, seed, tuning);
  const heapBefore = heap();

  let mark = performance.now();
  const network = new LookupNetwork({
    ...{ seed, rows: nodes, keys, tableOf },
    links: { latency: { model: "constant", ms: 50 } },
    make: (place) => router.make(place, tuning),
  });
  network.startAll();
  network.run(0);
  const buildSeconds = (performance.now() - mark) / 1000;
  const bytesPerNode = (heap() - heapBefore) / nodes;
  let contacts = 0;
  for (let row = 0; row < nodes; row += Math.ceil(nodes / 1000)) contacts += network.routerOf(row).size;
  const contactsPerNode = contacts / Math.ceil(nodes / Math.ceil(nodes / 1000));

  const random = seededRandom(seed);
  const hops = new Moments();
  const questions = new Moments();
  let wrong = 0;
  let lookupSeconds = 0;
  for (let asked = 0; asked < lookups; asked += batch) {
    mark = performance.now();
    const count = Math.min(batch, lookups - asked);
    const all = Array.from({ length: count }, () => network.lookup(random.below(nodes), randomKey(random)));
    network.finish();
    lookupSeconds += (performance.now() - mark) / 1000;
    for (const { key, report } of all) {
      if (report?.closest[0] !== network.trueClosest(key, 1, router.order)[0]) wrong++;
      hops.add(report?.hops ?? 0);
      questions.add(report?.asked ?? 0);
    }
  }
  const { events, messages } = network.simulation.counters;
  const result = {
    ...{ router: name, nodes, lookups, buildSeconds, lookupSeconds, bytesPerNode, contactsPerNode, wrong },
    hops: hops.mean,
    hopsError: hops.standardError,
    hopsOfTheory: await hopsOfTheory(name, nodes, seededRandom(seed + 1)),
    questions: questions.mean,
    messagesPerLookup: messages / lookups,
    eventsPerSecond: events / lookupSeconds,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function hopsOfTheory(name, n, random) {
  const { chordPaths, kademliaLookups, pastryRoutes } = await load("theory/index.js");
  if (name === "chord")
    return chordPaths({ n, listSize: 16, rings: n > 1e5 ? 2 : 10, lookups: 5000, random }).hops.mean;
  if (name === "kademlia")
    return kademliaLookups({ n, k: 8, networks: n > 1e5 ? 2 : 5, lookups: 1000, random }).hops.mean;
  return pastryRoutes({ n, networks: n > 1e5 ? 2 : 5, routes: 5000, random }).hops.mean;
}

function heap() {
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function load(path) {
  return import(new URL(`../dist/${path}`, import.meta.url).href);
}

async function measureAll() {
  const results = [];
  for (const router of values.routers.split(",")) {
    process.stderr.write(`${router} …\n`);
    const task = { router, nodes: number("nodes"), lookups: number("lookups"), seed: number("seed") };
    results.push(await inProcess(task));
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ results })}\n`);
  else process.stdout.write(`${table(results)}\n`);
  process.exitCode = results.every(({ wrong }) => wrong === 0) ? 0 : 1;
}

function number(name) {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= 1) return value;
  console.error(`--${name}: "${values[name]}" is not a whole number above 0`);
  process.exit(2);
}

function inProcess(task) {
  const heapMiB = Math.floor((os.totalmem() / 2 ** 20) * 0.8);
  const words = ["--expose-gc", `--max-old-space-size=${heapMiB}`, fileURLToPath(import.meta.url)];
  const child = spawn(process.execPath, [...words, "--one", JSON.stringify(task)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("close", (code) =>
      code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`${task.router} ended with code ${code}`)),
    );
  });
}

function table(results) {
  const rows = [
    ["", ...results.map(({ router }) => router)],
    ...[
      ["build (s)", ({ buildSeconds }) => buildSeconds.toFixed(1)],
      ["lookups (s)", ({ lookupSeconds }) => lookupSeconds.toFixed(1)],
      ["bytes per node", ({ bytesPerNode }) => Math.round(bytesPerNode).toLocaleString("en")],
      ["contacts per node", ({ contactsPerNode }) => contactsPerNode.toFixed(1)],
      ["mean hops", ({ hops, hopsError }) => `${hops.toFixed(3)} ± ${(1.96 * hopsError).toFixed(3)}`],
      ["  of theory", ({ hopsOfTheory }) => hopsOfTheory.toFixed(3)],
      ["  difference", ({ hops, hopsOfTheory }) => `${(100 * (hops / hopsOfTheory - 1)).toFixed(1)} %`],
      ["questions per lookup", ({ questions }) => questions.toFixed(2)],
      ["messages per lookup", ({ messagesPerLookup }) => messagesPerLookup.toFixed(2)],
      ["events per second", ({ eventsPerSecond }) => Math.round(eventsPerSecond).toLocaleString("en")],
      ["wrong answers", ({ wrong }) => String(wrong)],
    ].map(([name, of]) => [name, ...results.map(of)]),
  ];
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  "),
    )
    .join("\n");
}
