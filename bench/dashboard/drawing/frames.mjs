// How quick the network view is without a GPU: `node bench/dashboard/drawing/frames.mjs [--seconds 8] [--browser FILE]`.
//
// The page plays a recorded run, in which every peer gets up to 10 messages a second (as many as the page keeps of
// 20 s) and hands each on along half of its links. The grid gets all states anew in every frame.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { build, preview } from "vite";
import { network } from "./workload.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "8" },
    browser: { type: "string", default: "/usr/bin/chromium" },
  },
});
const forMs = Number(values.seconds) * 1000;
const sizes = [
  [26, 80],
  [100, 500],
  [1000, 10_000],
];
const gridSizes = [
  [100_000, true],
  [1_000_000, false],
  [1_000_000, true],
];

const root = join(import.meta.dirname, "../../..");
const outDir = mkdtempSync(join(os.tmpdir(), "grapevine-frames-"));
let server;
let browser;
try {
  const quiet = { configFile: false, logLevel: "warn" };
  const page = join(outDir, "page");
  const grid = join(outDir, "grid");
  await build({
    root: join(root, "dashboard"),
    logLevel: "warn",
    build: { outDir: page, emptyOutDir: true },
  });
  await build({
    ...quiet,
    root: import.meta.dirname,
    base: "./",
    build: {
      outDir: grid,
      emptyOutDir: true,
      rolldownOptions: { input: join(import.meta.dirname, "grid.html") },
    },
  });
  for (const [nodes, links] of sizes) writeFileSync(join(page, `${nodes}.ndjson`), trace(nodes, links));
  server = await preview({ ...quiet, root: import.meta.dirname, build: { outDir }, preview: { port: 0 } });
  browser = await chromium.launch({
    executablePath: values.browser,
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const address = server.resolvedUrls.local[0];
  console.log(`Chromium ${browser.version()}, ${os.cpus().length} cores, no GPU, 1280 x 720`);
  for (const [nodes, links] of sizes) {
    const frames = await framesOf(`${address}page/index.html?trace=${nodes}.ndjson#/network`);
    const rate = (messagesOf(nodes) / 20).toFixed(0);
    console.log(`graph  ${nodes} nodes, ${links} links, ${rate} messages/s: ${frames.toFixed(1)} fps`);
  }
  for (const [count, isOrdered] of gridSizes) {
    const opened = await open(`${address}grid/grid.html`);
    const frames = await opened.evaluate((options) => window.measureGrid(options), {
      count,
      isOrdered,
      forMs,
    });
    const order = isOrdered ? "in another order" : "in order";
    console.log(`grid   ${count} nodes ${order}: ${frames.toFixed(1)} fps`);
    await opened.close();
  }
} finally {
  await browser?.close();
  await server?.close();
  rmSync(outDir, { recursive: true, force: true });
}

async function open(address) {
  const opened = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  await opened.goto(address);
  return opened;
}

async function framesOf(address) {
  const opened = await open(address);
  await opened.getByRole("button", { name: "Arrange again" }).waitFor();
  // Until everybody has a place.
  await opened.waitForTimeout(6000);
  await opened.keyboard.press("Space");
  await opened.waitForTimeout(1000);
  const frames = await opened.evaluate(async (lasts) => {
    let count = 0;
    const from = performance.now();
    while (performance.now() - from < lasts) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      count++;
    }
    return (count * 1000) / (performance.now() - from);
  }, forMs);
  await opened.close();
  return frames;
}

/** A run of 20 s. */
function trace(nodeCount, linkCount) {
  const { links } = network(nodeCount, linkCount);
  const events = [];
  const say = (at, node, layer, type, fields) => events.push({ at, node, layer, type, ...fields });
  const neighbors = Array.from({ length: nodeCount }, () => []);
  for (let i = 0; i < nodeCount; i++) say(0, i, "scenario", "joined", { name: `peer-${i}`, role: "peer" });
  for (const { a, b } of links) {
    say(1, a, "overlay", "neighbor-up", { neighbor: b, incarnation: 1 });
    say(1, b, "overlay", "neighbor-up", { neighbor: a, incarnation: 1 });
    neighbors[a].push(b);
  }
  const messages = messagesOf(nodeCount);
  for (let number = 0; number < messages; number++) {
    const at = 1000 + (number * 19_000) / messages;
    const name = { origin: number % nodeCount, incarnation: 1, sequence: number };
    say(Math.round(at), name.origin, "broadcast", "published", { ...name, payload: `message ${number}` });
    for (let i = 0; i < nodeCount; i++) {
      const when = Math.round(at + ((i * 7919) % 500));
      if (i !== name.origin) say(when, i, "broadcast", "delivered", { ...name, from: (i + 1) % nodeCount });
      if (neighbors[i].length > 0)
        say(when, i, "broadcast", "forwarded", { ...name, count: 1, to: neighbors[i] });
    }
  }
  events.sort((one, other) => one.at - other.at);
  const header = { trace: "grapevine", version: 1, part: 0, startedAt: 0, world: "simulated" };
  return [header, ...events].map((line) => JSON.stringify(line)).join("\n");
}

/** The page keeps 300,000 events: fewer messages where many get each. */
function messagesOf(nodeCount) {
  return Math.min(200, Math.floor(100_000 / nodeCount));
}
