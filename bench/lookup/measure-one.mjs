// One system in a process of its own: node --expose-gc measure-one.mjs NAME PARAMETERS-AS-JSON
// Prints one line of JSON. run.mjs starts it; it is also the way to profile a single system.
import { randomBytes } from "node:crypto";

const [name, json = "{}"] = process.argv.slice(2);
const {
  nodeCount = 50,
  lookups = 200,
  warmUpMs = 8000,
  killedLookups = 40,
  puts = 20,
  settleMs = 3000,
} = JSON.parse(json);
process.once("disconnect", () => process.exit(1)); // the runner is gone, nobody reads the result
process.once("SIGTERM", () => process.exit(143));

/** Of the killed half's lookups: so many at once, each from another node, since most of them only wait. */
const killedWidth = 10;
const patienceMs = 30_000;

const { create, title } = await import(`./${name}.mjs`);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const quantile = (values, q) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
};

/** Resident memory when nothing is left to collect. */
async function residentBytes() {
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await pause(100);
  }
  return process.memoryUsage().rss;
}

function within(promise, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** `width` at once; times of those that succeeded, in milliseconds. */
async function timed(count, width, step) {
  const times = [];
  let failures = 0;
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) {
        const index = next++;
        const start = performance.now();
        try {
          await within(step(index), patienceMs);
          times.push(performance.now() - start);
        } catch {
          failures++;
          times.push(performance.now() - start);
        }
      }
    }),
  );
  return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), maxMs: Math.max(...times), failures };
}

/** What `step` did, with what it cost. */
async function costed(network, count, step) {
  const [cpu, sent, asked] = [cpuMs(), network.datagrams(), network.queries()];
  const times = await step();
  const datagrams = network.datagrams() - sent;
  return {
    ...times,
    queriesEach: (network.queries() - asked) / count,
    datagramsEach: datagrams / count,
    cpuUsPerDatagram: ((cpuMs() - cpu) * 1000) / datagrams,
  };
}

// Compiled code, and what a process needs once, are nobody's memory per node.
const rehearsal = await create();
for (let i = 0; i < 8; i++) await rehearsal.add();
await timed(60, 1, (i) => rehearsal.lookup(rehearsal.nodes[i % 8]));
for (const node of rehearsal.nodes) await rehearsal.kill(node);
await pause(1000);

const residentBefore = await residentBytes();
const network = await create();
const joinStart = performance.now();
const joinCpu = cpuMs();
for (let i = 0; i < nodeCount; i++) await network.add();
const join = {
  msEach: (performance.now() - joinStart) / nodeCount,
  cpuMsEach: (cpuMs() - joinCpu) / nodeCount,
};
await pause(settleMs);
const { nodes } = network;
const at = (list, i) => list[(i * 7 + 3) % list.length];

const first = await costed(network, lookups, () => timed(lookups, 1, (i) => network.lookup(at(nodes, i))));
const residentAfter = await residentBytes();
// Everybody comes to know most of those whom it will ask, as in a network that has run for a while.
const busyWidth = 8;
const warmUpEnd = performance.now() + warmUpMs;
while (performance.now() < warmUpEnd)
  await timed(100, busyWidth, (i) => network.lookup(at(nodes, i + Math.floor(Math.random() * nodeCount))));
const busy = await costed(network, 3 * lookups, () =>
  timed(3 * lookups, busyWidth, (i) => network.lookup(at(nodes, i))),
);
const residentBusy = await residentBytes();

const values = Array.from({ length: puts }, () => randomBytes(500));
const keys = [];
const put = await timed(puts, 1, async (i) => {
  keys[i] = await network.put(at(nodes, i), values[i]);
});
const get = await timed(puts, 1, async (i) => {
  const value = await network.get(at(nodes, i + 2), keys[i]);
  if (value === undefined || value === null || !Buffer.from(value).equals(values[i]))
    throw new Error("not found");
});

const alive = nodes.filter((_, i) => i % 2 === 0);
for (const [i, node] of nodes.entries()) if (i % 2 === 1) await network.kill(node);
const pass = () =>
  costed(network, killedLookups, () =>
    timed(killedLookups, killedWidth, (i) => network.lookup(alive[i % alive.length])),
  );
const killed = [await pass(), await pass()];

const result = {
  contestant: name,
  title,
  nodeCount,
  join,
  rssKiBPerNode: (residentAfter - residentBefore) / 1024 / nodeCount,
  rssKiBPerNodeBusy: (residentBusy - residentBefore) / 1024 / nodeCount,
  first,
  busy,
  put,
  get,
  killed,
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
